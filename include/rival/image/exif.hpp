#pragma once
// The orientation that a camera notes in a JPEG file, for read_image. Needs libexif (rival::exif). To include it is
// enough.

#include <libexif/exif-data.h>

#include <memory>
#include <string_view>

#include "rival/image/read_image.hpp"

namespace rival::internal {

inline int exif_orientation(std::string_view bytes) {
  struct Release {
    void operator()(ExifData* data) const { exif_data_unref(data); }
  };
  const std::unique_ptr<ExifData, Release> data(
      exif_data_new_from_data(unsigned_bytes(bytes), static_cast<unsigned>(bytes.size())));
  if (!data) return 1;
  ExifEntry* entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return 1;
  return exif_get_short(entry->data, exif_data_get_byte_order(data.get()));
}

inline const bool exif_is_known = (orientation_reader() = exif_orientation, true);

}  // namespace rival::internal

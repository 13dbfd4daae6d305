#pragma once
// Samples and labels of the files and folders that --images, --data, --real and the like name.

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "rival/data/image_folder.hpp"
#include "rival/data/mnist.hpp"
#include "rival/io/npy_dataset.hpp"
#ifdef EXAMPLES_HAVE_WEBP
#include "rival/image/webp.hpp"
#endif
#ifdef EXAMPLES_HAVE_EXIF
#include "rival/image/exif.hpp"
#endif

/// An .npy file, or else an IDX file; `labels`, if named, of the same kind. Throws rival::Error as their readers do,
/// and for an .npy file that is to be transposed.
inline rival::LabelledImages read_data_file(const std::filesystem::path& images, const std::filesystem::path& labels,
                                            bool transpose) {
  if (images.extension() != ".npy") return rival::read_images({images, labels, transpose});
  rival::require(!transpose, "--transpose: expected an IDX file beside it, got ", images);
  rival::LabelledImages read{rival::read_npy_dataset(images, labels), {}};
  read.class_values.resize(static_cast<std::size_t>(read.data.classes()));
  std::iota(read.class_values.begin(), read.class_values.end(), 0);
  return read;
}

/// Whether it is a folder with pictures in it, or below it.
inline bool is_picture_folder(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return false;
  const auto files = rival::internal::files_below(path);
  return std::any_of(files.begin(), files.end(), rival::internal::is_called_picture);
}

/// Label values as names.
inline std::vector<std::string> names_of(const std::vector<std::int64_t>& values) {
  std::vector<std::string> names;
  for (const auto value : values) names.push_back(std::to_string(value));
  return names;
}

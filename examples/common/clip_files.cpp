#include "common/clip_files.hpp"

#ifdef EXAMPLES_HAVE_WEBP
#include "rival/image/webp.hpp"
#include "rival/image/webp_animation.hpp"
#endif
#ifdef EXAMPLES_HAVE_EXIF
#include "rival/image/exif.hpp"
#endif

rival::ClipFolder read_clips(const std::filesystem::path& folder, const rival::ClipFolderOptions& options) {
  return rival::read_clip_folder(folder, options);
}

#ifdef EXAMPLES_HAVE_WEBP
bool has_webp() { return true; }

void write_webp(const std::filesystem::path& path, const std::vector<rival::Image>& frames, double delay) {
  rival::write_animated_webp(path, frames, delay);
}
#else
bool has_webp() { return false; }

void write_webp(const std::filesystem::path& path, const std::vector<rival::Image>&, double) {
  rival::fail("cannot write ", path, ": this program was built without WebP");
}
#endif

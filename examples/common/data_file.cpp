#include "common/data_file.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "rival/io/image_folder_cache.hpp"
#include "rival/io/npy_dataset.hpp"
#ifdef EXAMPLES_HAVE_WEBP
#include "rival/image/webp.hpp"
#endif
#ifdef EXAMPLES_HAVE_EXIF
#include "rival/image/exif.hpp"
#endif

rival::LabelledImages read_data_file(const std::filesystem::path& images, const std::filesystem::path& labels,
                                     bool transpose) {
  rival::require(!rival::internal::is_called_picture(images),
                 "expected a folder of pictures, or an .npy or IDX file with all of them, got one picture, ", images);
  if (images.extension() != ".npy") return rival::read_images({images, labels, transpose});
  rival::require(!transpose, "--transpose: expected an IDX file beside it, got ", images);
  rival::LabelledImages read{rival::read_npy_dataset(images, labels), {}};
  read.class_values.resize(static_cast<std::size_t>(read.data.classes()));
  std::iota(read.class_values.begin(), read.class_values.end(), 0);
  return read;
}

bool is_picture_folder(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return false;
  const auto files = rival::internal::files_below(path);
  return std::any_of(files.begin(), files.end(), rival::internal::is_called_picture);
}

rival::ImageFolder read_picture_folder(const std::filesystem::path& folder, const rival::ImageFolderOptions& options,
                                       const std::filesystem::path& cache) {
  return cache.empty() ? rival::read_image_folder(folder, options) : rival::read_image_folder(folder, options, cache);
}

rival::Image read_picture(const std::filesystem::path& path) { return rival::read_image(path); }

MnistFolder::MnistFolder(const std::filesystem::path& folder) : folder_(std::make_unique<rival::Mnist>(folder)) {}
MnistFolder::~MnistFolder() = default;
rival::Dataset MnistFolder::train() { return folder_->train(); }
rival::Dataset MnistFolder::test() { return folder_->test(); }
std::vector<std::int64_t> MnistFolder::class_values() { return folder_->class_values(); }

std::vector<std::string> names_of(const std::vector<std::int64_t>& values) {
  std::vector<std::string> names;
  for (const auto value : values) names.push_back(std::to_string(value));
  return names;
}

#pragma once
// Samples and labels of the files that --images, --real and the like name.

#include <filesystem>
#include <numeric>

#include "rival/data/mnist.hpp"
#include "rival/io/npy_dataset.hpp"

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

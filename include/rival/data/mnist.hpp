#pragma once
// The MNIST files, and those of the sets that share their format (Fashion-MNIST, KMNIST, EMNIST digits). Needs zlib.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "rival/data/dataset.hpp"
#include "rival/data/idx.hpp"

namespace rival {

/// A folder with the four files of MNIST: handwritten digits, 60,000 to train and 10,000 to test, 28 x 28 x 1
/// (LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998).
///
/// The names are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte`, with `.gz` or without, and with a dot before `idx` as good as a hyphen. Images of any one
/// size will do. Each part is read when it is first asked for, and kept.
class Mnist {
 public:
  /// Throws Error when there is no such folder.
  explicit Mnist(std::filesystem::path folder, Index classes = 10) : folder_(std::move(folder)), classes_(classes) {
    std::error_code ignored;
    require(std::filesystem::exists(folder_, ignored), "mnist: no such folder ", folder_);
    require(std::filesystem::is_directory(folder_, ignored), "mnist: expected a folder, got the file ", folder_);
  }

  /// Throws Error when its files are missing, damaged or do not fit each other; so does `test`.
  const ImageDataset& train() { return load("train", train_); }
  const ImageDataset& test() { return load("t10k", test_); }

 private:
  const ImageDataset& load(const std::string& part, std::optional<ImageDataset>& data) const {
    if (data) return *data;
    const auto images_path = find(part + "-images", "idx3-ubyte");
    const auto labels_path = find(part + "-labels", "idx1-ubyte");
    IdxArray labels = read_idx(labels_path, 1);
    internal::require_labels_below(labels_path, classes_, labels.bytes);  // here, where the file has a name
    IdxArray images = read_idx(images_path, 3);
    require(images.shape.size() > 0, "mnist: ", images_path, ": expected images, got ", images.shape);
    require(images.shape[0] == labels.shape[0], "mnist: ", images_path, " has ", images.shape[0], " images, ",
            labels_path, " has ", labels.shape[0], " labels");
    Shape sample = images.shape.sample();
    sample.push_back(1);
    data.emplace(sample, std::move(images.bytes), std::move(labels.bytes), classes_);
    return *data;
  }

  std::filesystem::path find(const std::string& stem, const std::string& kind) const {
    for (const char* ending : {"", ".gz"})
      for (const char* separator : {"-", "."}) {
        auto path = folder_ / (stem + separator + kind + ending);
        std::error_code ignored;
        if (std::filesystem::is_regular_file(path, ignored)) return path;
      }
    fail("mnist: expected the file ", stem, "-", kind, ", perhaps with .gz, in the folder ", folder_, ", found none");
  }

  std::filesystem::path folder_;
  Index classes_;
  std::optional<ImageDataset> train_, test_;
};

}  // namespace rival

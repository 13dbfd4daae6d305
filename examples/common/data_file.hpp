#pragma once
// Samples and labels of the files and folders that --images, --data, --real and the like name.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "rival/data/image_folder.hpp"
#include "rival/data/mnist.hpp"

/// An .npy file, or else an IDX file; `labels`, if named, of the same kind. Throws rival::Error as their readers do,
/// and for an .npy file that is to be transposed.
rival::LabelledImages read_data_file(const std::filesystem::path& images, const std::filesystem::path& labels,
                                     bool transpose);

/// Whether it is a folder with pictures in it, or below it.
bool is_picture_folder(const std::filesystem::path& path);

/// rival::read_image_folder, which keeps what it has read in the folder `cache`, if one is named.
rival::ImageFolder read_picture_folder(const std::filesystem::path& folder, const rival::ImageFolderOptions& options,
                                       const std::filesystem::path& cache = {});

/// rival::read_image, of all formats that are built in.
rival::Image read_picture(const std::filesystem::path& path);

/// rival::Mnist, compiled once.
class MnistFolder {
 public:
  explicit MnistFolder(const std::filesystem::path& folder);
  ~MnistFolder();

  rival::Dataset train();
  rival::Dataset test();
  std::vector<std::int64_t> class_values();

 private:
  std::unique_ptr<rival::Mnist> folder_;
};

/// Label values as names.
std::vector<std::string> names_of(const std::vector<std::int64_t>& values);

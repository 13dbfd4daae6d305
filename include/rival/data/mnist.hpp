#pragma once
// The MNIST files, and those of the sets that share their format: Fashion-MNIST, KMNIST, EMNIST, QMNIST, your own.
// Needs zlib.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rival/data/dataset.hpp"
#include "rival/data/idx.hpp"
#include "rival/data/picture_transform.hpp"

namespace rival {

/// Pictures and labels by name.
struct ImageFiles {
  std::filesystem::path images;       ///< an IDX file, plain or gzip: the number of images, then the extents of one
  std::filesystem::path labels = {};  ///< none: images without labels
  /// Swap height and width, for files that hold columns as rows, as EMNIST's do.
  bool transpose = false;
};

/// Images with the labels that a file has for them: class k is the k-th of `class_values`, the label values that occur
/// in order, so that 26 letters labelled 1 to 26 are 26 classes.
struct LabelledImages {
  Dataset data;                            ///< labelled unless there was no file of labels
  std::vector<std::int64_t> class_values;  ///< the label value of class 0, 1, ...; empty without labels

  /// The class of a label value. Throws Error, naming those that there are, when it does not occur.
  Index class_of(std::int64_t value) const {
    const auto found = std::lower_bound(class_values.begin(), class_values.end(), value);
    if (found != class_values.end() && *found == value) return found - class_values.begin();
    require(!class_values.empty(), "expected no label, as there are none, got ", value);
    std::string all;
    if (class_values.size() <= 16)
      for (const std::int64_t v : class_values) all += (all.empty() ? "" : ", ") + std::to_string(v);
    else
      all = std::to_string(class_values.front()) + " to " + std::to_string(class_values.back());
    fail("expected one of the ", class_values.size(), " labels ", all, ", got ", value);
  }
};

namespace internal {

/// The label values of a file: whole numbers of any type, of rank 1, or of rank 2 with the label in the first column
/// (QMNIST).
inline std::vector<std::int64_t> read_label_values(const std::filesystem::path& path) {
  const IdxArray array = read_idx(path);
  require(array.type != IdxType::float32 && array.type != IdxType::float64, "idx file ", path,
          ": expected labels that are whole numbers, got floats");
  require(array.shape.rank() <= 2 && (array.shape.rank() == 1 || array.shape[1] >= 1), "idx file ", path,
          ": expected labels in a row, or in the first column of a table, got ", array.shape);
  const auto all = array.values<std::int64_t>();
  if (array.shape.rank() == 1) return all;
  std::vector<std::int64_t> first(static_cast<std::size_t>(array.shape[0]));
  for (std::size_t i = 0; i < first.size(); ++i) first[i] = all[i * static_cast<std::size_t>(array.shape[1])];
  return first;
}

inline std::vector<std::int64_t> distinct(std::vector<std::int64_t> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

/// Swaps the first two axes of each sample {H, W}.
template <class T>
std::vector<T> transposed(const std::vector<T>& values, Index h, Index w) {
  std::vector<T> out(values.size());
  const auto rows = static_cast<std::size_t>(h), columns = static_cast<std::size_t>(w), size = rows * columns;
  for (std::size_t n = 0; n * size < values.size(); ++n)
    for (std::size_t y = 0; y < rows; ++y)
      for (std::size_t x = 0; x < columns; ++x) out[n * size + x * rows + y] = values[n * size + y * columns + x];
  return out;
}

/// `values` are those of the labels' file; `classes` all that may occur.
inline Dataset make_images(const ImageFiles& files, const std::vector<std::int64_t>& values,
                           const std::vector<std::int64_t>& classes) {
  IdxArray images = read_idx(files.images, 3);
  require(images.shape.size() > 0, "mnist: ", files.images, ": expected images, got ", images.shape);
  if (!files.labels.empty())
    require(images.shape[0] == static_cast<Index>(values.size()), "mnist: ", files.images, " has ", images.shape[0],
            " images, ", files.labels, " has ", values.size(), " labels");
  std::vector<Label> labels(values.size());
  for (std::size_t i = 0; i < labels.size(); ++i)
    labels[i] = static_cast<Label>(std::lower_bound(classes.begin(), classes.end(), values[i]) - classes.begin());

  const Index h = images.shape[1], w = images.shape[2], count = static_cast<Index>(classes.size());
  const Shape sample = files.transpose ? Shape{w, h, 1} : Shape{h, w, 1};
  const auto turned = [&](auto all) { return files.transpose ? transposed(all, h, w) : std::move(all); };
  switch (images.type) {
    case IdxType::unsigned_byte:
      return {sample, turned(std::move(images.bytes)), std::move(labels), count};
    case IdxType::float32:
    case IdxType::float64: {
      auto floats = images.values<float>();
      const Transform transform = picture_transform(concatenate("idx file ", files.images), floats);
      return {sample, turned(std::move(floats)), std::move(labels), count, transform};
    }
    default:
      fail("idx file ", files.images, ": expected images of unsigned bytes or floats, got another type of integers");
  }
}

inline void require_few_classes(const std::filesystem::path& path, const std::vector<std::int64_t>& classes) {
  require(static_cast<Index>(classes.size()) <= most_classes, "idx file ", path, ": expected at most ", most_classes,
          " different labels, got ", classes.size());
}

}  // namespace internal

/// Reads pictures (N x H x W of bytes or floats) and, if they are named, their labels. Throws Error when a file is
/// missing, damaged, or does not fit the other.
inline LabelledImages read_images(const ImageFiles& files) {
  const auto values = files.labels.empty() ? std::vector<std::int64_t>() : internal::read_label_values(files.labels);
  const auto classes = internal::distinct(values);
  internal::require_few_classes(files.labels, classes);
  return {internal::make_images(files, values, classes), classes};
}

/// A folder of MNIST's kind: handwritten digits, 60,000 to train and 10,000 to test, 28 x 28 x 1 (LeCun, Bottou, Bengio
/// and Haffner, "Gradient-based learning applied to document recognition", 1998).
///
/// Its files are found by name: `[anything-]train-images-idx3-ubyte` and `[anything-]train-labels-idx1-ubyte`, with
/// `t10k` or `test` for the second part, any rank and type behind `idx`, `.gz` or not, and a dot before `idx` as good
/// as a hyphen; in the folder itself, in its `raw`, or in a `NAME/raw` below it, where torchvision puts them. Labels
/// stand beside their images, with the same name in front, or are missing. Pictures whose file is called `emnist-...`
/// are transposed, as EMNIST's are. The images of a part are read when it is first asked for, and kept; copies of a
/// data set share them. The labels of both parts are read with the first one: classes are those of the whole set.
class Mnist {
 public:
  /// Throws Error when there is no such folder.
  explicit Mnist(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::error_code ignored;
    require(std::filesystem::exists(folder_, ignored), "mnist: no such folder ", folder_);
    require(std::filesystem::is_directory(folder_, ignored), "mnist: expected a folder, got the file ", folder_);
  }

  /// Throws Error when its files are missing, damaged or do not fit each other, and when the folder has several sets;
  /// so does `test`.
  Dataset train() { return load({"train"}, train_); }
  /// The test part, in the files named t10k or test.
  Dataset test() { return load({"t10k", "test"}, test_); }

  /// The label values of both parts in order: that of class k.
  std::vector<std::int64_t> class_values() {
    if (!class_values_) {
      std::vector<std::int64_t> all;
      for (const auto& parts : {std::vector<std::string>{"train"}, std::vector<std::string>{"t10k", "test"}})
        if (const auto path = labels_of(parts, find(parts, "images")); !path.empty()) {
          const auto values = internal::distinct(internal::read_label_values(path));
          internal::require_few_classes(path, values);
          all.insert(all.end(), values.begin(), values.end());
        }
      class_values_ = internal::distinct(std::move(all));
    }
    return *class_values_;
  }

 private:
  Dataset load(const std::vector<std::string>& parts, std::optional<Dataset>& data) {
    if (data) return *data;
    ImageFiles files{find(parts, "images")};
    require(!files.images.empty(), "mnist: expected the file ", parts.front(),
            "-images-idx3-ubyte, perhaps with .gz and a name in front, in the folder ", folder_, ", found none");
    files.labels = labels_of(parts, files.images);
    files.transpose = files.images.filename().string().starts_with("emnist");
    if (files.labels.empty()) return *(data = internal::make_images(files, {}, {}));
    const auto values = internal::read_label_values(files.labels);
    return *(data = internal::make_images(files, values, class_values()));
  }

  /// The file of one of the parts and of that content in the first place that has one, or nothing.
  std::filesystem::path find(const std::vector<std::string>& parts, const std::string& content) const {
    for (const auto& folder : places())
      if (const auto path = find_in(folder, parts, content); !path.empty()) return path;
    return {};
  }
  /// The labels of such images, or nothing. Those of another set in the same folder are not taken for them.
  std::filesystem::path labels_of(const std::vector<std::string>& parts, const std::filesystem::path& images) const {
    if (images.empty()) return {};
    const auto labels = find_in(images.parent_path(), parts, "labels");
    require(labels.empty() || name_in_front(labels) == name_in_front(images),
            "mnist: expected labels with the name of their images ", images, ", found ", labels, which_files);
    return labels;
  }

  /// What the name of a file says: "emnist-letters-", "train" and "images" of emnist-letters-train-images-idx3-ubyte.
  struct Name {
    std::string front, part, content;
  };
  static std::optional<Name> read_name(std::string_view file) {
    // Read from the end: no word in it has a separator within.
    const auto take_word = [&] {
      const auto at = file.find_last_of("-_.");
      const std::string_view word = file.substr(at == file.npos ? 0 : at + 1);
      file = file.substr(0, file.size() - word.size());
      return word;
    };
    const auto take_separator = [&] {
      if (file.empty()) return false;
      file.remove_suffix(1);
      return true;
    };
    const auto all_in = [](std::string_view word, std::string_view characters) {
      return !word.empty() && word.find_first_not_of(characters) == word.npos;
    };
    if (!all_in(take_word(), "abcdefghijklmnopqrstuvwxyz0123456789") || !take_separator()) return {};
    const std::string_view rank = take_word();
    if (!rank.starts_with("idx") || !all_in(rank.substr(3), "0123456789") || !take_separator()) return {};
    const std::string_view content = take_word();
    if (!take_separator()) return {};
    const std::string_view part = take_word();
    return Name{std::string(file), std::string(part), std::string(content)};
  }
  static std::optional<Name> name_of(const std::filesystem::path& path) {
    const std::string file = path.filename().string();
    if (file.ends_with(".gz"))
      if (auto name = read_name(std::string_view(file).substr(0, file.size() - 3))) return name;
    return read_name(file);
  }
  static std::string name_in_front(const std::filesystem::path& path) {
    const auto name = name_of(path);
    return name ? name->front : "";
  }
  static constexpr auto which_files = "; name the files that you mean (read_images, or --images and --labels)";

  /// The file of one of the parts and of that content, or nothing. A plain one goes before its .gz.
  static std::filesystem::path find_in(const std::filesystem::path& folder, const std::vector<std::string>& parts,
                                       const std::string& content) {
    std::vector<std::filesystem::path> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      const auto name = name_of(entry.path());
      if (name && name->content == content && std::find(parts.begin(), parts.end(), name->part) != parts.end() &&
          entry.is_regular_file(ignored))
        found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    // Of a file and the same one packed, the first.
    for (std::size_t i = 1; i < found.size();)
      if (found[i] == found[i - 1].string() + ".gz")
        found.erase(found.begin() + static_cast<std::ptrdiff_t>(i));
      else
        ++i;
    std::string all;
    for (const auto& path : found) all += (all.empty() ? "" : ", ") + path.filename().string();
    require(found.size() <= 1, "mnist: expected one file of ", content, " to ",
            parts.front() == "train" ? "train" : "test", " in the folder ", folder, ", found ", all, which_files);
    return found.empty() ? std::filesystem::path() : found.front();
  }

  std::vector<std::filesystem::path> places() const {
    std::vector<std::filesystem::path> all{folder_, folder_ / "raw"};
    std::error_code ignored;
    std::vector<std::filesystem::path> below;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored))
      if (std::filesystem::is_directory(entry.path() / "raw", ignored)) below.push_back(entry.path() / "raw");
    std::sort(below.begin(), below.end());
    require(below.size() <= 1 || holds_files(folder_) || holds_files(folder_ / "raw"),
            "mnist: expected one data set in the folder ", folder_,
            ", found several below it; name the folder of one of them");
    all.insert(all.end(), below.begin(), below.end());
    return all;
  }
  static bool holds_files(const std::filesystem::path& folder) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
      if (entry.path().filename().string().find("idx") != std::string::npos) return true;
    return false;
  }

  std::filesystem::path folder_;
  std::optional<Dataset> train_, test_;
  std::optional<std::vector<std::int64_t>> class_values_;
};

}  // namespace rival

#pragma once
// read_image_folder(): any folder of pictures as a data set. Needs stb (rival::stb); include rival/image/webp.hpp and
// rival/image/exif.hpp for what those read.

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/checksum.hpp"
#include "rival/core/parallel.hpp"
#include "rival/data/csv.hpp"
#include "rival/data/dataset.hpp"
#include "rival/image/read_image.hpp"

namespace rival {

struct ImageFolderOptions {
  /// Pictures become squares of so many pixels; 0: they are of one size already, and stay so.
  Index size = 0;
  Fit fit = Fit::crop;
  /// 1: grey; 3: colour; 0: grey if all pictures are.
  Index channels = 0;
  Rgb background = white;
  /// The column of labels.csv that holds the classes, by its name; empty: the second.
  std::string label_column = {};
};

/// A folder's pictures, and what was made of it.
struct ImageFolder {
  /// A file that gave no picture, and why.
  struct Skipped {
    std::filesystem::path file;  ///< within the folder
    std::string why;
  };

  Dataset data;                              ///< {size, size, channels}, bytes; classes if the folder has any
  std::vector<std::filesystem::path> files;  ///< of each sample, within the folder
  std::vector<std::string> class_names;      ///< of class 0, 1, ...; empty: the pictures have no classes
  std::string classes_from;                  ///< "sub-folders" or "labels.csv"; empty likewise
  std::vector<Skipped> skipped;              ///< broken pictures and those that labels.csv does not name
  Index others = 0;                          ///< files whose names are not those of pictures
  Index copies = 0;                          ///< pictures whose files are the same, byte for byte, as an earlier one's
  Index see_through = 0;                     ///< pictures that lie over the background
  Index turned = 0;                          ///< pictures that a camera's note turned upright
  std::array<Index, 4> extents{};            ///< least and greatest height, least and greatest width, as they came

  /// All of it in a few lines, for a user to look over.
  std::string describe() const;
};

namespace internal {

inline constexpr std::array<std::string_view, 7> picture_endings{".png", ".jpg",  ".jpeg", ".bmp",
                                                                 ".gif", ".webp", ".jfif"};

inline bool is_called_picture(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(picture_endings.begin(), picture_endings.end(), ending) != picture_endings.end();
}

/// The order of files: that of the bytes of their paths.
inline bool by_bytes(const std::filesystem::path& a, const std::filesystem::path& b) { return a.native() < b.native(); }

/// Every file below the folder whose name, and whose folders' names, do not begin with a dot, within it and in the
/// order of the bytes of its path. Links to files and folders are followed, no folder twice. Throws Error for a folder
/// that cannot be read.
inline std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::vector<fs::path> found;
  std::set<fs::path> seen;
  const auto visit = [&](const auto& self, const fs::path& within) -> void {
    std::error_code error;
    const fs::path real = fs::canonical(folder / within, error);
    if (error || !seen.insert(real).second) return;
    fs::directory_iterator entries(folder / within, error);
    require(!error, "folder ", folder / within, ": cannot be read (", error.message(), ")");
    std::vector<fs::path> names;
    for (const auto& entry : entries) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end(), by_bytes);  // by which a folder is met that is there twice
    for (const fs::path& name : names) {
      if (name.native().starts_with('.')) continue;
      const fs::path path = within / name;
      const fs::file_status status = fs::status(folder / path, error);
      if (fs::is_directory(status))
        self(self, path);
      else if (fs::is_regular_file(status) || is_called_picture(name))
        found.push_back(path);
    }
  };
  visit(visit, {});
  std::sort(found.begin(), found.end(), by_bytes);
  return found;
}

/// The class that labels.csv gives each file, by the file's path within the folder.
inline std::map<std::string, std::string> read_labels_csv(const std::filesystem::path& path,
                                                          const std::string& column) {
  const std::string what = concatenate("labels file ", path);
  const auto rows = parse_csv(read_whole("labels file", path), what);
  require(!rows.empty() && rows[0].size() >= 2, what,
          ": expected a first line that names two columns at least: the pictures' files, then what they show");
  std::size_t at = 1;
  if (!column.empty()) {
    at = static_cast<std::size_t>(std::find(rows[0].begin() + 1, rows[0].end(), column) - rows[0].begin());
    std::string all;
    for (std::size_t i = 1; i < rows[0].size(); ++i) all += (i > 1 ? ", " : "") + rows[0][i];
    require(at < rows[0].size(), what, ": expected one of the columns ", all, ", got ", column);
  }
  std::map<std::string, std::string> labels;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    require(rows[i].size() == rows[0].size(), what, ": expected ", rows[0].size(), " fields in row ", i + 1, ", got ",
            rows[i].size());
    const std::string file = std::filesystem::path(rows[i][0]).lexically_normal().generic_string();
    require(labels.emplace(file, rows[i][at]).second, what, ": it names ", file, " twice");
  }
  return labels;
}

/// Names of classes in order: by number if all are numbers, otherwise by their bytes.
inline std::vector<std::string> in_order(const std::set<std::string>& names) {
  std::vector<std::string> all(names.begin(), names.end());
  const bool numbers = std::all_of(all.begin(), all.end(), [](const std::string& name) {
    return !name.empty() && name.size() <= 9 &&
           std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  });
  if (numbers)
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return std::stol(a) < std::stol(b); });
  return all;
}

/// What one file gave.
struct FolderPicture {
  Image image;  ///< as it goes into the data set, but for its channels
  Index height = 0, width = 0;
  std::uint64_t checksum = 0;
  bool see_through = false, turned = false;
  std::string why;  ///< there is none
};

inline bool is_grey(const Image& image) {
  if (image.channels == 1) return true;
  for (std::size_t i = 0; i < image.bytes.size(); i += 3)
    if (image.bytes[i] != image.bytes[i + 1] || image.bytes[i] != image.bytes[i + 2]) return false;
  return true;
}

inline FolderPicture read_folder_picture(const std::filesystem::path& path, const ImageFolderOptions& o) {
  FolderPicture read;
  const std::string what = concatenate("picture ", path);
  try {
    const std::string bytes = read_whole("picture", path);
    Checksum checksum;
    checksum.add(bytes);
    read.checksum = checksum.value();
    Image image = decode_pixels(bytes, what);
    read.see_through = flatten(image, o.background);
    const int orientation = orientation_of(bytes);
    read.turned = orientation > 1 && orientation <= 8;
    image = turned(std::move(image), orientation);
    read.height = image.height;
    read.width = image.width;
    read.image = o.size > 0 ? square(image, o.size, o.fit, o.background) : std::move(image);
  } catch (const Error& error) {
    std::string_view text = error.what();
    if (text.starts_with(what + ": ")) text.remove_prefix(what.size() + 2);  // as the file is named beside it
    read.why = text;
  }
  return read;
}

/// Writes the picture with so many channels.
inline void write_channels(const Image& image, Index channels, std::uint8_t* to) {
  const std::size_t pixels = static_cast<std::size_t>(image.height * image.width);
  const std::uint8_t* from = image.bytes.data();
  for (std::size_t i = 0; i < pixels; ++i)
    if (channels == image.channels)
      std::copy_n(from + i * static_cast<std::size_t>(channels), channels, to + i * static_cast<std::size_t>(channels));
    else if (channels == 3)
      std::fill_n(to + 3 * i, 3, from[i]);
    else  // the brightness of a colour (ITU-R BT.601, as JPEG has it)
      to[i] =
          static_cast<std::uint8_t>((299 * from[3 * i] + 587 * from[3 * i + 1] + 114 * from[3 * i + 2] + 500) / 1000);
}

}  // namespace internal

/// Reads every picture below a folder: PNG, JPEG, BMP, GIF (the first frame), and WebP, over a background where they
/// can be seen through. Sub-folders are classes, where all pictures lie in two or more of them; or labels.csv in the
/// folder says what each file shows: a line of column names, then a file and what it shows in each line. Neither: no
/// classes. Broken pictures are skipped and named; other files, and those whose names begin with a dot, are left alone.
/// The order is that of the paths' bytes. All cores decode. Throws Error when the folder cannot be read, when no
/// picture is left, and without `size` for pictures of several sizes.
inline ImageFolder read_image_folder(const std::filesystem::path& folder, const ImageFolderOptions& options = {}) {
  using namespace internal;
  namespace fs = std::filesystem;
  const std::string what = concatenate("folder ", folder);
  require(options.size >= 0 && options.size <= 16384, what, ": expected a size from 1 to 16384, got ", options.size);
  require(options.channels == 0 || options.channels == 1 || options.channels == 3, what,
          ": expected 1 or 3 channels, got ", options.channels);
  require(fs::exists(folder), what, ": no such folder");
  require(fs::is_directory(folder), what, ": expected a folder, got a file");

  ImageFolder all;
  const bool labelled = fs::exists(folder / "labels.csv");
  std::map<std::string, std::string> named;
  if (labelled) named = read_labels_csv(folder / "labels.csv", options.label_column);
  require(labelled || options.label_column.empty(), what, ": expected a labels.csv for the column ",
          options.label_column);

  std::vector<fs::path> files;
  for (const fs::path& file : files_below(folder)) {
    if (labelled && file == "labels.csv") continue;
    if (!is_called_picture(file)) {
      ++all.others;
      continue;
    }
    if (labelled && named.count(file.generic_string()) == 0)
      all.skipped.push_back({file, "labels.csv does not name it"});
    else
      files.push_back(file);
  }
  if (labelled)
    for (const auto& [file, label] : named)
      if (!std::binary_search(files.begin(), files.end(), fs::path(file), by_bytes))
        all.skipped.push_back({file, "labels.csv names it, and there is no such picture"});

  // A part at a time: as the pictures are decoded they are larger than in the data set.
  const Index count = static_cast<Index>(files.size());
  std::vector<std::uint8_t> bytes;
  std::vector<std::string> classes;
  std::set<std::pair<std::uint64_t, Index>> seen;
  Index height = 0, width = 0, channels = options.channels == 0 ? 1 : options.channels;
  constexpr Index together = 256;
  std::vector<FolderPicture> part;
  for (Index begin = 0; begin < count; begin += together) {
    const Index end = std::min(count, begin + together);
    part.assign(static_cast<std::size_t>(end - begin), {});
    parallel_for(end - begin, 1e9, [&](Index i) {
      part[static_cast<std::size_t>(i)] =
          read_folder_picture(folder / files[static_cast<std::size_t>(begin + i)], options);
    });
    for (Index i = 0; i < end - begin; ++i) {
      FolderPicture& read = part[static_cast<std::size_t>(i)];
      const fs::path& file = files[static_cast<std::size_t>(begin + i)];
      if (!read.why.empty()) {
        all.skipped.push_back({file, std::move(read.why)});
        continue;
      }
      const Image& image = read.image;
      auto& e = all.extents;
      if (all.files.empty()) {
        height = image.height, width = image.width;
        e = {read.height, read.height, read.width, read.width};
      }
      e = {std::min(e[0], read.height), std::max(e[1], read.height), std::min(e[2], read.width),
           std::max(e[3], read.width)};
      require(image.height == height && image.width == width, what, ": expected pictures of one size, or a `size` for ",
              "all, got ", height, "x", width, " and, in ", file, ", ", image.height, "x", image.width);
      const auto pixels = static_cast<std::size_t>(height * width);
      if (options.channels == 0 && channels == 1 && !is_grey(image)) {  // the first in colour
        std::vector<std::uint8_t> wide;
        wide.reserve(3 * pixels * static_cast<std::size_t>(count));
        for (const std::uint8_t byte : bytes) wide.insert(wide.end(), 3, byte);
        bytes = std::move(wide);
        channels = 3;
      }
      if (bytes.empty()) bytes.reserve(pixels * static_cast<std::size_t>(channels * count));
      bytes.resize(bytes.size() + pixels * static_cast<std::size_t>(channels));
      write_channels(image, channels, bytes.data() + bytes.size() - pixels * static_cast<std::size_t>(channels));
      all.copies += !seen.emplace(read.checksum, image.height * image.width).second;
      all.see_through += read.see_through;
      all.turned += read.turned;
      all.files.push_back(file);
    }
  }
  std::sort(all.skipped.begin(), all.skipped.end(),
            [](const auto& a, const auto& b) { return by_bytes(a.file, b.file); });
  if (all.files.empty()) {
    const std::string first =
        all.skipped.empty()
            ? ""
            : concatenate(", ", all.skipped.size(), " are broken: ", all.skipped[0].file, ": ", all.skipped[0].why);
    fail(what, ": expected pictures (PNG, JPEG, BMP, GIF or WebP), found none", first);
  }

  // Classes: the first folder of each path, or what labels.csv says.
  std::set<std::string> names;
  bool all_within = true;
  for (const fs::path& file : all.files) {
    all_within = all_within && std::distance(file.begin(), file.end()) > 1;
    classes.push_back(labelled ? named.at(file.generic_string()) : file.begin()->string());
    names.insert(classes.back());
  }
  if (names.size() >= 2 && (labelled || all_within)) {
    require(names.size() <= static_cast<std::size_t>(most_classes), what, ": expected at most ", most_classes,
            " classes, got ", names.size());
    all.class_names = in_order(names);
    all.classes_from = labelled ? "labels.csv" : "sub-folders";
  }
  std::vector<Label> labels;
  if (!all.class_names.empty()) {
    std::map<std::string, Label> number;
    for (const std::string& name : all.class_names) number.emplace(name, static_cast<Label>(number.size()));
    for (const std::string& name : classes) labels.push_back(number.at(name));
  }
  all.data = Dataset({height, width, channels}, std::move(bytes), std::move(labels),
                     static_cast<Index>(all.class_names.size()));
  return all;
}

inline std::string ImageFolder::describe() const {
  internal::TextStream text;
  const Shape& sample = data.sample_shape();
  text << data.size() << (data.size() == 1 ? " picture" : " pictures") << " of " << sample[0] << 'x' << sample[1]
       << (sample[2] == 1 ? ", grey" : ", in colour");
  if (extents[0] != sample[0] || extents[1] != sample[0] || extents[2] != sample[1] || extents[3] != sample[1]) {
    text << ", made from " << extents[0] << 'x' << extents[2];
    if (extents[0] != extents[1] || extents[2] != extents[3]) text << " to " << extents[1] << 'x' << extents[3];
  }
  text << '\n';
  if (!class_names.empty()) {
    std::vector<Index> counts(class_names.size());
    for (const Label label : data.labels()) ++counts[label];
    text << class_names.size() << " classes from " << classes_from << ": ";
    for (std::size_t k = 0; k < class_names.size() && k < 12; ++k)
      text << (k > 0 ? ", " : "") << class_names[k] << " (" << counts[k] << ')';
    if (class_names.size() > 12) text << ", ...";
    text << '\n';
  }
  const auto line = [&](Index count, const char* one, const char* more) {
    if (count > 0) text << count << ' ' << (count == 1 ? one : more) << '\n';
  };
  line(see_through, "can be seen through, and lies over the background",
       "can be seen through, and lie over the background");
  line(turned, "was turned upright, as its camera noted", "were turned upright, as their cameras noted");
  line(copies, "is the same file as another", "are the same files as others");
  line(others, "other file was left alone", "other files were left alone");
  if (!skipped.empty()) {
    text << skipped.size() << (skipped.size() == 1 ? " file was skipped:\n" : " files were skipped:\n");
    for (std::size_t i = 0; i < skipped.size() && i < 10; ++i)
      text << "  " << skipped[i].file.generic_string() << ": " << skipped[i].why << '\n';
    if (skipped.size() > 10) text << "  ...\n";
  }
  return text.str();
}

}  // namespace rival

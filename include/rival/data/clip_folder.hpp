#pragma once
// read_clip_folder(): a folder of clips as a data set. Needs giflib and stb (rival::gif, rival::stb); include
// rival/image/webp_animation.hpp, webp.hpp and exif.hpp for what those read.

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/parallel.hpp"
#include "rival/data/dataset.hpp"
#include "rival/data/folder.hpp"
#include "rival/data/image_folder.hpp"
#include "rival/image/read_animation.hpp"
#include "rival/image/read_image.hpp"

namespace rival {

/// How animations become clips.
struct ClipFolderOptions {
  Index frames = 16;  ///< of a clip; longer animations are several clips, one after the other
  /// Frames become squares of so many pixels; 0: they are of one size already, and stay so.
  Index size = 0;
  Fit fit = Fit::crop;  ///< how frames that are no squares become some, if `size` is not 0
  /// 1: grey; 3: colour; 0: grey if all frames are.
  Index channels = 0;
  Rgb background = white;  ///< what lies behind frames that can be seen through, and around padded ones
};

/// A folder's clips, and what was made of it.
struct ClipFolder {
  Dataset data;                              ///< {frames, height, width, channels}, bytes; classes if there are any
  std::vector<std::filesystem::path> files;  ///< of each clip, within the folder: a file, or a folder of frames
  std::vector<std::string> class_names;      ///< of class 0, 1, ...; empty: the clips have no classes
  std::vector<SkippedFile> skipped;          ///< broken animations, and those of too few frames
  Index animations = 0;                      ///< files and folders of frames that clips were made of
  Index left_over = 0;                       ///< frames at their ends that were too few for another clip
  Index others = 0;                          ///< files whose names are not those of pictures
  std::array<Index, 4> extents{};            ///< least and greatest height, least and greatest width, as they came

  /// All of it in a few lines, for a user to look over.
  std::string describe() const;
};

namespace internal {

/// The order of names in which a run of digits counts as a number: frame9 comes before frame10.
inline bool by_numbers(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!digit(a[i]) || !digit(b[j])) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
      continue;
    }
    while (i < a.size() && a[i] == '0') ++i;
    while (j < b.size() && b[j] == '0') ++j;
    std::size_t i_end = i, j_end = j;
    while (i_end < a.size() && digit(a[i_end])) ++i_end;
    while (j_end < b.size() && digit(b[j_end])) ++j_end;
    if (i_end - i != j_end - j) return i_end - i < j_end - j;
    const int order = a.compare(i, i_end - i, b, j, j_end - j);
    if (order != 0) return order < 0;
    i = i_end, j = j_end;
  }
  if (i < a.size() || j < b.size()) return j < b.size();
  return a < b;  // 01 and 1
}

/// What one animation gave.
struct FolderClip {
  std::vector<Image> frames;       ///< as they go into the data set, but for their channels
  std::array<Index, 4> extents{};  ///< as they came
  Index left_over = 0;
  std::string why;  ///< there is none
};

/// Reads an animation: the frames in `files`, or without them those in the file `path`.
inline FolderClip read_folder_clip(const std::filesystem::path& path, const std::vector<std::filesystem::path>& files,
                                   const ClipFolderOptions& o) {
  FolderClip read;
  const std::string what = concatenate("animation ", path);
  const auto take = [&](Image&& frame) {
    auto& e = read.extents;
    if (read.frames.empty()) e = {frame.height, frame.height, frame.width, frame.width};
    e = {std::min(e[0], frame.height), std::max(e[1], frame.height), std::min(e[2], frame.width),
         std::max(e[3], frame.width)};
    read.frames.push_back(o.size > 0 ? square(frame, o.size, o.fit, o.background) : std::move(frame));
    const Image &first = read.frames.front(), &last = read.frames.back();
    require(first.height == last.height && first.width == last.width, what, ": its frames are of several sizes, ",
            first.height, "x", first.width, " and ", last.height, "x", last.width);
    return true;
  };
  try {
    if (files.empty()) read_animation(read_whole("animation", path), what, take, o.background);
    for (const auto& file : files)
      take(decode_image(read_whole("picture", path / file.filename()),
                        concatenate(what, ": its frame ", file.filename()), o.background));
    const auto count = static_cast<Index>(read.frames.size());
    require(count >= o.frames, "it has ", count, count == 1 ? " frame" : " frames", ", fewer than ", o.frames);
    read.left_over = count % o.frames;
    read.frames.resize(static_cast<std::size_t>(count - read.left_over));
  } catch (const Error& error) {
    std::string_view text = error.what();
    if (text.starts_with(what + ": ")) text.remove_prefix(what.size() + 2);  // as the file is named beside it
    read = {};
    read.why = text;
  }
  return read;
}

}  // namespace internal

/// Reads every clip below a folder: animated GIF and WebP files, and folders of pictures, whose frames are in the order
/// of their names, numbers in these counting as such. Classes are the first folders of the paths, where all clips lie
/// in two or more. Longer animations are cut into several clips; broken ones, and those of too few frames, are skipped
/// and named; other files, and those whose names begin with a dot, are left alone. The order is that of the paths'
/// bytes. All cores decode. Throws Error when the folder cannot be read, when no clip is left, and without `size` for
/// clips of several sizes.
inline ClipFolder read_clip_folder(const std::filesystem::path& folder, const ClipFolderOptions& options = {}) {
  using namespace internal;
  namespace fs = std::filesystem;
  const std::string what = concatenate("folder ", folder);
  require(options.frames >= 1 && options.frames <= 65536, what, ": expected clips of 1 to 65536 frames, got ",
          options.frames);
  require(options.size >= 0 && options.size <= 16384, what, ": expected a size from 1 to 16384, got ", options.size);
  require(options.channels == 0 || options.channels == 1 || options.channels == 3, what,
          ": expected 1 or 3 channels, got ", options.channels);
  std::error_code ignored;  // of a name that no file can have
  require(fs::exists(folder, ignored), what, ": no such folder");
  require(fs::is_directory(folder, ignored), what, ": expected a folder, got a file");

  ClipFolder all;
  struct ByBytes {
    bool operator()(const fs::path& a, const fs::path& b) const { return by_bytes(a, b); }
  };
  std::map<fs::path, std::vector<fs::path>, ByBytes> found;  // files without frames, and folders with theirs
  for (const fs::path& file : files_below(folder)) {
    if (!is_called_picture(file)) {
      ++all.others;
      continue;
    }
    bool animated = ends_in(file, std::array<std::string_view, 1>{".gif"});
    if (ends_in(file, std::array<std::string_view, 1>{".webp"})) try {
        animated = is_animation(read_whole("picture", folder / file));
      } catch (const Error&) {  // which is said when it is read as a frame
      }
    if (animated)
      found[file] = {};
    else
      found[file.has_parent_path() ? file.parent_path() : fs::path(".")].push_back(file);
  }
  std::vector<fs::path> paths;
  std::vector<std::vector<fs::path>> frames;
  for (auto& [path, files] : found) {
    std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
      return by_numbers(a.filename().string(), b.filename().string());
    });
    paths.push_back(path);
    frames.push_back(std::move(files));
  }
  std::vector<FolderClip> clips(paths.size());
  parallel_for(static_cast<Index>(paths.size()), 1e9, [&](Index i) {
    const auto at = static_cast<std::size_t>(i);
    clips[at] = read_folder_clip(folder / paths[at], frames[at], options);
  });

  Index height = 0, width = 0, channels = options.channels;
  std::size_t images = 0;
  bool grey = true;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    FolderClip& clip = clips[i];
    if (!clip.why.empty()) {
      all.skipped.push_back({paths[i], clip.why});
      continue;
    }
    const Image& first = clip.frames.front();
    auto& e = all.extents;
    const auto& c = clip.extents;
    if (all.animations++ == 0) height = first.height, width = first.width, e = c;
    e = {std::min(e[0], c[0]), std::max(e[1], c[1]), std::min(e[2], c[2]), std::max(e[3], c[3])};
    require(first.height == height && first.width == width, what, ": expected clips of one size, or a `size` for all, ",
            "got ", height, "x", width, " and, in ", paths[i], ", ", first.height, "x", first.width);
    images += clip.frames.size();
    all.left_over += clip.left_over;
    all.files.insert(all.files.end(), clip.frames.size() / static_cast<std::size_t>(options.frames), paths[i]);
    grey = grey && std::all_of(clip.frames.begin(), clip.frames.end(), is_grey);
  }
  if (all.files.empty()) {
    const std::string first =
        all.skipped.empty()
            ? ""
            : concatenate(", ", all.skipped.size(), " were skipped: ", all.skipped[0].file, ": ", all.skipped[0].why);
    fail(what, ": expected clips (animated GIF or WebP, or folders of pictures), found none", first);
  }
  if (channels == 0) channels = grey ? 1 : 3;
  const auto size = static_cast<std::size_t>(height * width * channels);
  std::vector<std::uint8_t> bytes(images * size);
  std::uint8_t* to = bytes.data();
  for (FolderClip& clip : clips) {
    for (const Image& frame : clip.frames) write_channels(frame, channels, to), to += size;
    clip = {};
  }
  std::vector<Label> labels;
  std::tie(all.class_names, labels) = number_classes(what, first_folders(all.files));
  all.data = Dataset({options.frames, height, width, channels}, std::move(bytes), std::move(labels),
                     static_cast<Index>(all.class_names.size()));
  return all;
}

inline std::string ClipFolder::describe() const {
  internal::TextStream text;
  const Shape& sample = data.sample_shape();
  text << data.size() << (data.size() == 1 ? " clip" : " clips") << " of " << sample[0] << " frames of " << sample[1]
       << 'x' << sample[2] << (sample[3] == 1 ? ", grey" : ", in colour") << ", made from " << animations
       << (animations == 1 ? " animation" : " animations");
  if (extents[0] != sample[1] || extents[1] != sample[1] || extents[2] != sample[2] || extents[3] != sample[2]) {
    text << " of " << extents[0] << 'x' << extents[2];
    if (extents[0] != extents[1] || extents[2] != extents[3]) text << " to " << extents[1] << 'x' << extents[3];
  }
  text << '\n';
  internal::describe_classes(text, data, class_names, "sub-folders", files);
  internal::describe_count(text, left_over, "frame at an end was left over", "frames at ends were left over");
  internal::describe_count(text, others, "other file was left alone", "other files were left alone");
  internal::describe_skipped(text, skipped);
  return text.str();
}

}  // namespace rival

#pragma once
// Folders of files as data sets: what read_image_folder and read_sound_folder have in common.

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "rival/core/error.hpp"
#include "rival/data/dataset.hpp"

namespace rival {

/// A file of a folder that gave no sample, and why.
struct SkippedFile {
  std::filesystem::path file;  ///< within the folder
  std::string why;             ///< in a few words, such as the text of an error
};

namespace internal {

/// Whether the name ends in one of `endings`, which are in small letters, with their dot.
template <class Endings>
bool ends_in(const std::filesystem::path& path, const Endings& endings) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

/// The order of files: that of the bytes of their paths.
inline bool by_bytes(const std::filesystem::path& a, const std::filesystem::path& b) { return a.native() < b.native(); }

/// Every file below the folder whose name, and whose folders' names, do not begin with a dot, within it and in the
/// order of the bytes of its path. Links to files and folders are followed, no folder twice; what is no file, such as a
/// broken link, is among them if it is `called` like one. Throws Error for a folder that cannot be read.
template <class Called>
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder, const Called& called) {
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
      else if (fs::is_regular_file(status) || called(name))
        found.push_back(path);
    }
  };
  visit(visit, {});
  std::sort(found.begin(), found.end(), by_bytes);
  return found;
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

/// The first folder of each path; nothing unless all lie in two or more of them.
inline std::vector<std::string> first_folders(const std::vector<std::filesystem::path>& files) {
  std::vector<std::string> folders;
  for (const auto& file : files) {
    if (std::distance(file.begin(), file.end()) < 2) return {};
    folders.push_back(file.begin()->string());
  }
  const bool several = std::set<std::string>(folders.begin(), folders.end()).size() >= 2;
  return several ? folders : std::vector<std::string>();
}

/// Classes by their names, one of each sample: all names in order, and each sample's number in them. Throws Error,
/// beginning with `what`, for too many.
inline std::pair<std::vector<std::string>, std::vector<Label>> number_classes(const std::string& what,
                                                                              const std::vector<std::string>& classes) {
  const std::set<std::string> names(classes.begin(), classes.end());
  require(names.size() <= static_cast<std::size_t>(most_classes), what, ": expected at most ", most_classes,
          " classes, got ", names.size());
  const std::vector<std::string> ordered = in_order(names);
  std::map<std::string, Label> number;
  for (const std::string& name : ordered) number.emplace(name, static_cast<Label>(number.size()));
  std::vector<Label> labels;
  for (const std::string& name : classes) labels.push_back(number.at(name));
  return {ordered, labels};
}

/// A line of a description: the classes and how many samples each has; or, of files in sub-folders and beside them, why
/// there are none.
inline void describe_classes(TextStream& text, const Dataset& data, const std::vector<std::string>& names,
                             const std::string& from, const std::vector<std::filesystem::path>& files) {
  if (names.empty()) {
    std::vector<std::filesystem::path> below, beside;
    for (const auto& file : files) (file.has_parent_path() ? below : beside).push_back(file);
    if (!beside.empty() && !first_folders(below).empty())
      text << "no classes from sub-folders, as " << beside.size() << (beside.size() == 1 ? " file lies" : " files lie")
           << " beside them: " << beside[0].string() << (beside.size() > 1 ? ", ..." : "") << '\n';
    return;
  }
  std::vector<Index> counts(names.size());
  for (const Label label : data.labels()) ++counts[label];
  text << names.size() << " classes from " << from << ": ";
  for (std::size_t k = 0; k < names.size() && k < 12; ++k)
    text << (k > 0 ? ", " : "") << names[k] << " (" << counts[k] << ')';
  if (names.size() > 12) text << ", ...";
  text << '\n';
}

/// A line that counts something, if there is any: "3 other files were left alone".
inline void describe_count(TextStream& text, Index count, const char* one, const char* more) {
  if (count > 0) text << count << ' ' << (count == 1 ? one : more) << '\n';
}

/// The first ten skipped files, a line each.
inline void describe_skipped(TextStream& text, const std::vector<SkippedFile>& skipped) {
  if (skipped.empty()) return;
  text << skipped.size() << (skipped.size() == 1 ? " file was skipped:\n" : " files were skipped:\n");
  for (std::size_t i = 0; i < skipped.size() && i < 10; ++i)
    text << "  " << skipped[i].file.generic_string() << ": " << skipped[i].why << '\n';
  if (skipped.size() > 10) text << "  ...\n";
}

}  // namespace internal

}  // namespace rival

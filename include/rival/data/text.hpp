#pragma once
// read_text(): any text as a data set, a sample a line.

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/file_guess.hpp"
#include "rival/data/alphabet.hpp"
#include "rival/data/dataset.hpp"

namespace rival {

/// How a text becomes samples of one length.
struct TextOptions {
  static constexpr Index usual_length = 64;  ///< characters: the most that a sample has unless `length` says otherwise

  /// Characters in a sample; 0: as many as the longest line has, but at most `usual_length`.
  Index length = 0;
  Index shortest = 1;  ///< lines of fewer characters are left out
  /// Lines that are too long become several, broken at spaces; a single word that is too long is left out.
  bool wrap = false;
  /// Lines with other characters are left out; empty: all characters that there are.
  std::string alphabet = {};
};

/// The lines of a text, and what was made of it.
struct Text {
  Dataset data;       ///< samples {length, symbols}, a 1 for each symbol; classes if it was a folder
  Alphabet alphabet;  ///< the characters that samples are made of, one symbol each
  std::vector<std::string> class_names = {};  ///< of class 0, 1, ...; empty: the lines have no classes
  // Lines that were left out.
  Index too_long = 0,                  ///< more characters than a sample has
      too_short = 0,                   ///< fewer than `shortest`
      foreign = 0,                     ///< with a character that the alphabet does not have
      broken = 0;                      ///< not UTF-8
  std::string foreign_character = {};  ///< one that the alphabet does not have
  Index empty = 0;                     ///< lines without any character

  /// All of it in a few lines, for a user to look over.
  std::string describe() const;
};

namespace internal {

/// What lines are being collected to.
struct TextLines {
  const TextOptions& options;
  std::vector<std::u32string> lines = {};
  Index too_long = 0, too_short = 0, broken = 0, empty = 0;

  void add(std::u32string_view line) {
    const auto most = static_cast<std::size_t>(options.length > 0 ? options.length : TextOptions::usual_length);
    if (line.empty())
      ++empty;
    else if (line.size() > most)
      ++too_long;
    else if (static_cast<Index>(line.size()) < options.shortest)
      ++too_short;
    else
      lines.emplace_back(line);
  }

  /// The line in pieces of whole words, each as long as can be.
  void add_wrapped(std::u32string_view line) {
    const auto most = static_cast<std::size_t>(options.length > 0 ? options.length : TextOptions::usual_length);
    const auto skip_spaces = [&] { line.remove_prefix(std::min(line.find_first_not_of(U' '), line.size())); };
    skip_spaces();
    while (line.size() > most) {
      std::size_t end = line.rfind(U' ', most);
      if (end == line.npos || end == 0) end = std::min(line.find(U' ', 1), line.size());
      add(line.substr(0, end));
      line.remove_prefix(end);
      skip_spaces();
    }
    if (!line.empty()) add(line);
  }

  void add_file(const std::filesystem::path& file) {
    const std::string all = read_whole("text", file);
    require(all.find('\0') == all.npos, "text ", file, ": expected a text of UTF-8, got other bytes", guess_file(all));
    add_text(all);
  }

  void add_text(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    std::u32string points;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end);
      // LF, CR, or CRs and a LF, as a file that was turned twice has them.
      const std::size_t behind = std::min(text.find_first_not_of('\r'), text.size());
      text.remove_prefix(text.substr(behind).starts_with('\n') ? behind + 1 : std::min<std::size_t>(1, text.size()));
      if (!characters_of(line, points))
        ++broken;
      else if (options.wrap)
        points.find_first_not_of(U' ') == points.npos ? add(U"") : add_wrapped(points);
      else
        add(points);
    }
  }
};

}  // namespace internal

/// Reads a text of UTF-8, a sample a line; or a folder of texts, each a class of its own that its name without the
/// ending names, in the order of their names. A line ends with LF, CR LF or CR. Lines that are empty, too short or too
/// long, and those with characters that a given alphabet does not have, are left out and counted.
///
///     const Text words = read_text("words.txt", {.length = 16});
///     Loader loader(words.data, {.batch = 64}, random);      // batches {64, 16, words.alphabet.symbols()}
///
/// Throws Error for a file that cannot be read or is no text, and where no line is left.
inline Text read_text(const std::filesystem::path& path, const TextOptions& options = {}) {
  require(options.length >= 0 && options.length <= most_classes, "text: expected a length from 0 to ", most_classes,
          ", got ", options.length);
  require(
      options.shortest >= 1 && options.shortest <= (options.length > 0 ? options.length : TextOptions::usual_length),
      "text: expected a shortest line of at least 1 character and no more than the longest, got ", options.shortest);
  internal::TextLines read{options};
  std::vector<std::string> names;
  std::vector<Label> labels;
  std::error_code ignored;  // of a name that no file can have: which reading says
  if (std::filesystem::is_directory(path, ignored)) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path, ignored))
      if (entry.is_regular_file(ignored) && !entry.path().filename().native().starts_with('.'))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.native() < b.native(); });
    require(!files.empty(), "text: expected texts in the folder ", path, ", found none");
    require(static_cast<Index>(files.size()) <= most_classes, "text: expected at most ", most_classes, " texts in ",
            path, ", found ", files.size());
    for (const auto& file : files) {
      read.add_file(file);
      labels.resize(read.lines.size(), static_cast<Label>(names.size()));
      names.push_back(file.stem().string());
    }
  } else {
    read.add_file(path);
  }

  std::string characters = options.alphabet;
  if (characters.empty()) {
    std::set<char32_t> all;
    for (const auto& line : read.lines) all.insert(line.begin(), line.end());
    require(!all.empty(), "text: expected lines of ", options.shortest, " to ",
            options.length > 0 ? options.length : TextOptions::usual_length, " characters in ", path, ", found none");
    for (const char32_t point : all) internal::append_utf8(characters, point);
  }
  Text text{{}, Alphabet(characters), names};
  text.too_long = read.too_long, text.too_short = read.too_short, text.broken = read.broken, text.empty = read.empty;

  std::vector<Label> kept;  // the classes of the lines that stay
  std::size_t longest = 0, lines = 0;
  const auto known = [&](const std::u32string& line) {
    const auto other =
        std::find_if(line.begin(), line.end(), [&](char32_t point) { return text.alphabet.symbol(point) == 0; });
    if (other == line.end()) return true;
    if (text.foreign++ == 0) internal::append_utf8(text.foreign_character, *other);
    return false;
  };
  for (std::size_t i = 0; i < read.lines.size(); ++i) {
    if (!known(read.lines[i])) continue;
    if (!labels.empty()) kept.push_back(labels[i]);
    longest = std::max(longest, read.lines[i].size());
    std::swap(read.lines[lines++], read.lines[i]);
  }
  read.lines.resize(lines);
  require(lines > 0, "text: expected lines of the alphabet ", text.alphabet.characters(), " in ", path, ", found none");

  const Index length = options.length > 0 ? options.length : static_cast<Index>(longest);
  std::vector<Label> symbols(lines * static_cast<std::size_t>(length));
  for (std::size_t i = 0; i < lines; ++i)
    std::transform(read.lines[i].begin(), read.lines[i].end(), symbols.begin() + static_cast<Index>(i) * length,
                   [&](char32_t point) { return text.alphabet.symbol(point); });
  text.data = Dataset::of_classes({length}, text.alphabet.symbols(), std::move(symbols), std::move(kept),
                                  static_cast<Index>(names.size()));
  return text;
}

inline std::string Text::describe() const {
  const auto count = [](Index n, const char* thing) { return internal::concatenate(n, ' ', thing, n == 1 ? "" : "s"); };
  internal::TextStream all;
  all << count(data.size(), "line") << " of at most " << count(data.sample_shape()[0], "character")
      << ", an alphabet of " << alphabet.symbols() - 1 << ": " << alphabet.characters() << '\n';
  if (!class_names.empty()) {
    std::vector<Index> sizes(class_names.size());
    for (const Label label : data.labels()) ++sizes[label];
    all << class_names.size() << (class_names.size() == 1 ? " class from a file: " : " classes from files: ");
    for (std::size_t k = 0; k < class_names.size(); ++k)
      all << (k > 0 ? ", " : "") << class_names[k] << " (" << sizes[k] << ')';
    all << '\n';
  }
  const auto left_out = [&](Index n, const std::string& why) {
    if (n > 0) all << count(n, "line") << (n == 1 ? " was" : " were") << " left out: " << why << '\n';
  };
  left_out(too_long, "too long");
  left_out(too_short, "too short");
  left_out(foreign, "of other characters, such as '" + foreign_character + "'");
  left_out(broken, "no UTF-8");
  left_out(empty, "empty");
  return all.str();
}

}  // namespace rival

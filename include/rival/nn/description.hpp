#pragma once
// Description: what a layer is, in words and numbers. Summaries, files and the rebuilding of a network read it.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rival/core/shape.hpp"

namespace rival {

/// The value of one option. Sizes and shapes are lists, choices are texts.
using OptionValue = std::variant<bool, Index, double, std::string, std::vector<Index>>;

/// A layer's kind, its options by name, and the layers that it is made of. From it the layer can be made again, but for
/// its weights:
///
///     conv2d {in: 1, out: 64, kernel: [4, 4], stride: [2, 2], ...}
struct Description {
  std::string kind;  ///< such as "conv2d"
  /// Name and value, in the order in which the layer lists them.
  std::vector<std::pair<std::string, OptionValue>> options = {};
  std::vector<Description> layers = {};  ///< that it holds, in their order

  friend bool operator==(const Description&, const Description&) = default;
};

// What an option's value becomes, and back. A type of options that is none of these has two functions beside it:
// `OptionValue option_value(const T&)` and `bool read_option(const OptionValue&, T&)`, which returns false for a value
// that stands for no T.

/// A bool is kept as it is.
inline OptionValue option_value(bool value) { return value; }
/// A whole number is kept as it is.
inline OptionValue option_value(Index value) { return value; }
/// A number is kept as a double, also where it is whole.
inline OptionValue option_value(double value) { return value; }
/// A shape becomes the list of its extents.
inline OptionValue option_value(const Shape& value) { return std::vector<Index>(value.begin(), value.end()); }

namespace internal {

template <class T>
bool read_alternative(const OptionValue& value, T& out) {
  const T* held = std::get_if<T>(&value);
  if (held) out = *held;
  return held != nullptr;
}

}  // namespace internal

/// Takes a bool alone.
inline bool read_option(const OptionValue& value, bool& out) { return internal::read_alternative(value, out); }
/// Takes a whole number alone.
inline bool read_option(const OptionValue& value, Index& out) { return internal::read_alternative(value, out); }
/// Takes any number.
inline bool read_option(const OptionValue& value, double& out) {
  // A whole number in a file may have lost its point.
  if (const Index* whole = std::get_if<Index>(&value)) return out = static_cast<double>(*whole), true;
  return internal::read_alternative(value, out);
}
/// Takes a list of at most Shape::max_rank extents >= 0.
inline bool read_option(const OptionValue& value, Shape& out) {
  const auto* extents = std::get_if<std::vector<Index>>(&value);
  if (!extents || static_cast<Index>(extents->size()) > Shape::max_rank) return false;
  Shape shape;
  for (const Index extent : *extents) {
    if (extent < 0) return false;
    shape.push_back(extent);
  }
  out = shape;
  return true;
}

/// Of options that list themselves: `template <class O, class F> static void each(O& o, F&& f)` calls f(name, o.member)
/// for every member, O being the struct or the const struct. It is the one list from which they are written and read.
template <class Options>
Description describe(std::string_view kind, const Options& options) {
  Description description{std::string(kind)};
  Options::each(options, [&](const char* name, const auto& value) {
    description.options.emplace_back(name, option_value(value));
  });
  return description;
}

/// The options in a description. Those that it does not name keep their defaults. Throws Error for a value that does
/// not fit and for a name that there is none of.
template <class Options>
Options read_options(const Description& description) {
  Options options;
  std::vector<bool> taken(description.options.size());
  Options::each(options, [&](const char* name, auto& value) {
    bool given = false;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      const auto& [key, held] = description.options[i];
      if (key != name) continue;
      require(!given, description.kind, ": the option `", name, "` is given twice");
      require(read_option(held, value), description.kind, ": the option `", name, "` has a value of another type");
      given = taken[i] = true;
    }
  });
  for (std::size_t i = 0; i < taken.size(); ++i)
    require(taken[i], description.kind, ": there is no option `", description.options[i].first, "`");
  return options;
}

namespace internal {

/// `outer` as the description of a layer around another one.
inline Description describe_around(Description outer, Description inner) {
  outer.layers.push_back(std::move(inner));
  return outer;
}

}  // namespace internal

/// Options of a layer that has none.
struct NoOptions {
  /// Calls nothing.
  template <class O, class F>
  static void each(O&, F&&) {}
};

}  // namespace rival

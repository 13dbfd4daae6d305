#pragma once
// Text in 80 columns.

#include <cstddef>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <type_traits>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/core/shape.hpp"

/// The smallest, the largest and the mean of the values that are numbers, and how many are not.
struct Range {
  double least = 0, greatest = 0, mean = 0;
  rival::Index nan = 0, infinite = 0;
};

template <class T>
Range range_of(const T* values, rival::Index count) {
  Range range;
  rival::Index numbers = 0;
  for (rival::Index i = 0; i < count; ++i) {
    const auto value = static_cast<double>(values[i]);
    if (value != value) {
      ++range.nan;
    } else if (!rival::is_finite(value)) {
      ++range.infinite;
    } else {
      if (numbers == 0 || value < range.least) range.least = value;
      if (numbers == 0 || value > range.greatest) range.greatest = value;
      range.mean += (value - range.mean) / static_cast<double>(++numbers);
    }
  }
  return range;
}

/// One line of the table of tensors.
struct TensorRow {
  std::string name, type;
  rival::Shape shape;
  std::optional<Range> range;  ///< none: of a type that is not looked into
};

void print_tensors(std::ostream& out, const std::vector<TensorRow>& rows);

constexpr std::size_t page_width = 80;

/// A line, broken at blanks where it is longer than the page is wide; what follows begins at the column `indent`.
void print_folded(std::ostream& out, std::string line, std::size_t indent);

/// Texts under their names. Of JSON the members are printed one by one; what is long is cut.
void print_texts(std::ostream& out, const std::map<std::string, std::string>& texts);

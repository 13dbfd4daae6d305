#pragma once
// Tokens: lines of symbols, as a text data set holds them and as a generator's samples say them.

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/core/labels.hpp"
#include "rival/core/random.hpp"
#include "rival/data/dataset.hpp"

namespace rival {

/// Lines of one length, a symbol of 0 ... kinds - 1 at each place. Symbol 0 pads what is shorter.
struct Tokens {
  Index length = 1;           ///< symbols in a line
  Index kinds = 1;            ///< different symbols
  std::vector<Label> values;  ///< one line after the other

  /// Number of lines.
  Index count() const { return static_cast<Index>(values.size()) / length; }
  /// The symbols of line i, as a window on `values`; i is not checked.
  std::span<const Label> line(Index i) const {
    return std::span(values).subspan(static_cast<std::size_t>(i * length), static_cast<std::size_t>(length));
  }
};

namespace internal {

/// Throws Error, beginning with `who`, unless the lines are whole and of symbols that there are.
inline void require_tokens(const char* who, const Tokens& lines) {
  require(lines.length >= 1 && lines.kinds >= 1 && lines.kinds <= most_classes, who, ": expected lines of at least 1 ",
          "symbol of 1 to ", most_classes, " kinds, got ", lines.length, " of ", lines.kinds);
  require(static_cast<Index>(lines.values.size()) % lines.length == 0, who, ": expected whole lines of ", lines.length,
          " symbols, got ", lines.values.size(), " symbols");
  for (const Label symbol : lines.values)
    require(symbol < lines.kinds, who, ": expected symbols from 0 to ", lines.kinds - 1, ", got ", symbol);
}

}  // namespace internal

/// The lines of a data set of classes {length, kinds} (`Dataset::of_classes`). Throws Error for another data set.
inline Tokens tokens_of(const Dataset& data) {
  const Shape shape = data.sample_shape();
  require(shape.rank() == 2, "tokens: expected a data set of lines, {length, kinds}, got samples of ", shape);
  Tokens lines{shape[0], shape[1], {}};
  lines.values.reserve(static_cast<std::size_t>(data.size() * lines.length));
  for (Index i = 0; i < data.size(); ++i) {
    const auto line = data.values<Label>(i);
    lines.values.insert(lines.values.end(), line.begin(), line.end());
  }
  return lines;
}

/// The lines that a generator's samples {N, length, kinds} say: at each place the symbol of the greatest value, the
/// first of several. Throws Error for another shape, and for NaN, which has no place among them.
template <class S>
Tokens tokens_of(const Tensor<S>& samples) {
  require(samples.rank() == 3 && samples.dim(1) >= 1 && samples.dim(2) >= 1 && samples.dim(2) <= most_classes,
          "tokens: expected samples {N, length, kinds}, got ", samples.shape());
  const Index places = samples.dim(0) * samples.dim(1), kinds = samples.dim(2);
  Tokens lines{samples.dim(1), kinds, std::vector<Label>(static_cast<std::size_t>(places))};
  for (Index p = 0; p < places; ++p) {
    const std::span<const S> here(samples.data() + p * kinds, static_cast<std::size_t>(kinds));
    for (const S value : here)
      require(!is_nan(value), "tokens: expected numbers, got NaN in sample ", p / lines.length);
    lines.values[static_cast<std::size_t>(p)] =
        static_cast<Label>(std::max_element(here.begin(), here.end()) - here.begin());
  }
  return lines;
}

/// Lines drawn from a generator's samples {N, length, kinds} of probabilities p: at each place a symbol with the
/// probability p^(1 / temperature), up to a factor; 1 draws by p, towards 0 it becomes the greatest. Throws Error for
/// another shape, for a temperature that is not positive and finite, and for what are no probabilities.
template <class S>
Tokens draw_tokens(const Tensor<S>& samples, double temperature, Random& random) {
  require(temperature > 0 && is_finite(1 / temperature), "tokens: expected a positive, finite temperature, got ",
          temperature);
  Tokens lines = tokens_of(samples);
  std::vector<double> up_to(static_cast<std::size_t>(lines.kinds));
  for (Index p = 0; p < static_cast<Index>(lines.values.size()); ++p) {
    const S* here = samples.data() + p * lines.kinds;
    const double greatest = static_cast<double>(here[lines.values[static_cast<std::size_t>(p)]]);
    double sum = 0;
    for (Index k = 0; k < lines.kinds; ++k) {
      const double value = static_cast<double>(here[k]);
      require(value >= 0 && greatest > 0 && is_finite(greatest), "tokens: expected probabilities, got ", value,
              " in sample ", p / lines.length);
      up_to[static_cast<std::size_t>(k)] = sum += std::pow(value / greatest, 1 / temperature);
    }
    const double drawn = random.uniform() * sum;  // below the sum
    const auto place = std::upper_bound(up_to.begin(), up_to.end() - 1, drawn);
    lines.values[static_cast<std::size_t>(p)] = static_cast<Label>(place - up_to.begin());
  }
  return lines;
}

}  // namespace rival

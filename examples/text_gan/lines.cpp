#include "lines.hpp"

#include <algorithm>
#include <span>

#include "rival/core/random.hpp"

Lines read_lines(const Options& o) {
  rival::Text text =
      rival::read_text(o.data, {.length = o.length, .shortest = o.shortest, .wrap = o.wrap, .alphabet = o.alphabet});
  const rival::Index count = text.data.size(), longest = text.data.sample_shape()[0];
  rival::require(longest >= 6, "expected lines of at least 6 characters, or --length 6, in ", o.data, ", got ",
                 longest);
  rival::require(count >= 6 || (count >= 2 && o.held_out > 0), "expected at least 6 lines in ", o.data,
                 ", of which one is held out, got ", count);
  const rival::Index held_out = o.held_out > 0 ? o.held_out : std::min<rival::Index>(10'000, count / 6);
  rival::require(held_out >= 1 && held_out < count, "--held-out: expected 1 to ", count - 1, " of the ", count,
                 " lines, got ", held_out);
  std::vector<rival::Index> order;
  rival::Random(o.seed).stream("held out").permutation(count, order);
  const std::span<const rival::Index> all(order);
  const auto first = static_cast<std::size_t>(held_out);
  Lines lines{text, text.data.selection(all.subspan(first)), text.data.selection(all.first(first))};
  return lines;
}

std::vector<std::string> texts_of(const rival::Tensor<float>& samples, const rival::Alphabet& alphabet) {
  const rival::Tokens tokens = rival::tokens_of(samples);
  std::vector<std::string> all;
  for (rival::Index i = 0; i < tokens.count(); ++i) all.push_back(alphabet.text(tokens.line(i)));
  return all;
}

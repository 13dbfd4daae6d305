#pragma once
// summary(): what a network is made of, as a table to read.

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "rival/nn/network.hpp"

namespace rival {

namespace internal {

struct SummaryRow {
  std::string layer, kind, shape;
  Index parameters;
};

template <class S>
Shape summarise(Sequential<S>& layers, Shape shape, std::vector<SummaryRow>& rows) {
  for (Index i = 0; i < layers.size(); ++i) {
    Layer<S>& layer = layers[i];
    if (auto* block = dynamic_cast<Sequential<S>*>(&layer)) {
      shape = summarise(*block, shape, rows);
      continue;
    }
    shape = layer.output_shape(shape);
    State<S> state;
    layer.collect(state);
    Index count = 0;
    for (const auto* parameter : state.parameters) count += parameter->value.size();
    rows.push_back({layer.name(), std::string(layer.kind()), shape.text(), count});
  }
  return shape;
}

/// 1234567 as "1,234,567".
inline std::string grouped(Index number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<Index>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

}  // namespace internal

/// A table of the network's layers, the shape of a sample behind each, and the number of parameters.
template <class S>
std::string summary(Network<S>& network) {
  using namespace internal;
  std::vector<SummaryRow> rows;
  summarise(network.layers(), network.input_shape(), rows);
  Index total = 0;
  std::size_t layer = 5, kind = 4, shape = 12, count = 10;
  for (const auto& row : rows) {
    total += row.parameters;
    layer = std::max(layer, row.layer.size());
    kind = std::max(kind, row.kind.size());
    shape = std::max(shape, row.shape.size());
  }
  std::ostringstream text;
  const auto line = [&](const std::string& a, const std::string& b, const std::string& c, const std::string& d) {
    const auto spaces = [](std::size_t width, const std::string& s) {
      return std::string(width - std::min(width, s.size()), ' ');
    };
    text << a << spaces(layer + 2, a) << b << spaces(kind + 2, b) << c;
    if (!d.empty()) text << spaces(shape + 2, c) << spaces(count, d) << d;  // no line ends in blanks
    text << '\n';
  };
  line("layer", "kind", "output shape", "parameters");
  line(network.name(), "input", network.input_shape().text(), "");
  for (const auto& row : rows) line(row.layer, row.kind, row.shape, row.parameters > 0 ? grouped(row.parameters) : "");
  line("total", "", network.output_shape().text(), grouped(total));
  return text.str();
}

RIVAL_INSTANTIATE_FUNCTION(summary);

}  // namespace rival

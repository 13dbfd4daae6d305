#pragma once
// summary(): what a network is made of, as a table to read.

#include <algorithm>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "rival/nn/network.hpp"

namespace rival {

namespace internal {

struct SummaryRow {
  std::string layer, kind, shape;
  Index parameters;
  std::string options;
};

/// An option as one reads it: `kernel 4` where both extents are 4, `shape 7x7x64`, `bias` or `no bias`.
inline std::string option_text(const std::string& name, const OptionValue& value) {
  TextStream text;
  if (const bool* yes = std::get_if<bool>(&value)) {
    text << (*yes ? "" : "no ") << name;
  } else if (const auto* list = std::get_if<std::vector<Index>>(&value)) {
    text << name << ' ';
    const bool one = list->size() == 2 && list->front() == list->back();
    for (std::size_t i = 0; i < (one ? 1 : list->size()); ++i) text << (i == 0 ? "" : "x") << (*list)[i];
  } else {
    std::visit(
        [&](const auto& v) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(v)>, std::vector<Index>>) text << name << ' ' << v;
        },
        value);
  }
  return text.str();
}

/// All options of a layer, and what those within it are.
inline std::string options_text(const Description& description) {
  std::string text;
  const auto append = [&](const std::string& next) { text += (text.empty() ? "" : ", ") + next; };
  for (const auto& [name, value] : description.options) append(option_text(name, value));
  if (description.layers.empty()) return text;
  std::string within;
  for (const Description& layer : description.layers) {
    const std::string options = options_text(layer);
    within += (within.empty() ? "" : "; ") + layer.kind + (options.empty() ? "" : " " + options);
  }
  append("[" + within + "]");
  return text;
}

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
    rows.push_back({layer.name(), std::string(layer.kind()), shape.text(), count, options_text(layer.describe())});
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

/// A table of the network's layers: the shape of a sample behind each, the number of parameters, and the options as the
/// layer describes itself.
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
  TextStream text;
  const auto line = [&](const std::string& a, const std::string& b, const std::string& c, const std::string& d,
                        const std::string& e) {
    const auto spaces = [](std::size_t width, const std::string& s) {
      return std::string(width - std::min(width, s.size()), ' ');
    };
    std::string all =
        a + spaces(layer + 2, a) + b + spaces(kind + 2, b) + c + spaces(shape + 2, c) + spaces(count, d) + d + "  " + e;
    all.erase(all.find_last_not_of(' ') + 1);  // no line ends in blanks
    text << all << '\n';
  };
  line("layer", "kind", "output shape", "parameters", "options");
  line(network.name(), "input", network.input_shape().text(), "", "");
  for (const auto& row : rows)
    line(row.layer, row.kind, row.shape, row.parameters > 0 ? grouped(row.parameters) : "", row.options);
  line("total", "", network.output_shape().text(), grouped(total), "");
  return text.str();
}

RIVAL_INSTANTIATE_FUNCTION(summary);

}  // namespace rival

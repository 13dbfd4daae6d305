#pragma once
// add_network_table(): what a network is made of, on a page. Needs nlohmann-json (rival::json).

#include <string>
#include <string_view>
#include <vector>

#include "rival/nn/summary.hpp"
#include "rival/report/page.hpp"

namespace rival {

/// The table of `summary`, as a section.
template <class S>
void add_network_table(Page& page, std::string_view title, Network<S>& network) {
  std::vector<internal::SummaryRow> layers;
  const Shape output = internal::summarise(network.layers(), network.input_shape(), layers);
  std::vector<std::vector<std::string>> rows{{network.name(), "input", network.input_shape().text(), "", ""}};
  Index total = 0;
  for (const auto& layer : layers) {
    rows.push_back({layer.layer, layer.kind, layer.shape,
                    layer.parameters > 0 ? internal::grouped(layer.parameters) : "", layer.options});
    total += layer.parameters;
  }
  rows.push_back({"total", "", output.text(), internal::grouped(total), ""});
  page.table(title, {"layer", "kind", "output shape", "parameters", "options"}, rows);
}

}  // namespace rival

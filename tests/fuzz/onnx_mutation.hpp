#pragma once
// Changes of ONNX models for the fuzz target: bytes that are changed blindly seldom make one that is read to its end.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "rival/io/onnx/importers.hpp"

namespace rival_test {

/// Other graphs of what is there.
class OnnxMutation {
 public:
  OnnxMutation(rival::OnnxModel& model, unsigned seed) : model_(model), random_(seed) {}

  void apply() {
    if (model_.nodes.empty()) return;
    rival::OnnxNode& node = any(model_.nodes);
    switch (below(9)) {
      case 0: {  // another operator
        auto importer = rival::internal::onnx_importers().begin();
        std::advance(importer, below(rival::internal::onnx_importers().size()));
        node.op = importer->first;
        break;
      }
      case 1:  // another input
        if (!node.inputs.empty()) any(node.inputs) = any_value();
        break;
      case 2:
        node.inputs.push_back(any_value());
        break;
      case 3:
        if (!node.inputs.empty()) node.inputs.pop_back();
        break;
      case 4: {  // one more node, which those behind it read
        rival::OnnxNode more = node;
        const std::string from = node.outputs.empty() ? "" : node.outputs[0], to = from + "'";
        for (rival::OnnxNode& reader : model_.nodes) std::replace(reader.inputs.begin(), reader.inputs.end(), from, to);
        for (rival::OnnxValue& output : model_.outputs)
          if (output.name == from) output.name = to;
        if (!more.inputs.empty()) more.inputs[0] = from;
        more.outputs = {to};
        model_.nodes.insert(model_.nodes.begin() + (&node - model_.nodes.data()) + 1, more);
        break;
      }
      case 5: {  // a node less
        const std::string from = node.outputs.empty() ? "" : node.outputs[0],
                          to = node.inputs.empty() ? "" : node.inputs[0];
        for (rival::OnnxNode& reader : model_.nodes) std::replace(reader.inputs.begin(), reader.inputs.end(), from, to);
        model_.nodes.erase(model_.nodes.begin() + (&node - model_.nodes.data()));
        break;
      }
      case 6:  // another attribute
        if (!node.attributes.empty()) {
          auto attribute = node.attributes.begin();
          std::advance(attribute, below(node.attributes.size()));
          if (auto* whole = std::get_if<std::int64_t>(&attribute->second)) *whole = any_whole();
          if (auto* wholes = std::get_if<std::vector<std::int64_t>>(&attribute->second)) change(*wholes);
          if (auto* number = std::get_if<float>(&attribute->second)) *number = static_cast<float>(any_whole());
          if (below(4) == 0) node.attributes.erase(attribute);
        }
        break;
      case 7:  // another constant
        if (!model_.initialisers.empty()) {
          rival::OnnxTensor& tensor = any(model_.initialisers);
          if (auto* wholes = std::get_if<std::vector<std::int64_t>>(&tensor.values)) {
            change(*wholes);
            if (tensor.shape.rank() == 1) tensor.shape = {static_cast<rival::Index>(wholes->size())};
          } else {
            tensor.shape = {};
            for (std::size_t rank = below(5); rank > 0; --rank)
              tensor.shape.push_back(static_cast<rival::Index>(below(5)));
            const auto size = static_cast<std::size_t>(tensor.shape.size());
            std::visit([&](auto& values) { values.resize(size); }, tensor.values);
          }
        }
        break;
      default:  // another input of the graph
        if (!model_.inputs.empty()) {
          auto& extents = any(model_.inputs).extents;
          if (!extents.empty()) any(extents).size = any_whole();
        }
    }
  }

 private:
  std::size_t below(std::size_t count) { return random_() % count; }
  template <class T>
  T& any(std::vector<T>& all) {
    return all[below(all.size())];
  }
  std::string any_value() {
    const std::size_t which = below(4);
    if (which == 0 && !model_.inputs.empty()) return any(model_.inputs).name;
    if (which == 1 && !model_.initialisers.empty()) return any(model_.initialisers).name;
    const rival::OnnxNode& node = any(model_.nodes);
    return node.outputs.empty() ? "" : node.outputs[0];
  }
  std::int64_t any_whole() {
    static const std::int64_t some[] = {
        0, 1, 1, 2, 2, 3, 4, 8, 16, 1 << 20, -1, -2, -3, std::int64_t{1} << 31, INT64_MAX, INT64_MIN};
    return some[below(std::size(some))];
  }
  void change(std::vector<std::int64_t>& wholes) {
    if (wholes.empty() || below(8) == 0)
      wholes.push_back(any_whole());
    else if (below(8) == 0)
      wholes.pop_back();
    else
      any(wholes) = any_whole();
  }

  rival::OnnxModel& model_;
  std::minstd_rand random_;
};

}  // namespace rival_test

#pragma once
// OnnxQuery: what is asked of an ONNX graph that is read: who makes a value, and what attributes, constants and shapes
// are. All that is asked for and not there is an Error that names the node and its operator.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/io/onnx_model.hpp"
#include "rival/layers/size2.hpp"

namespace rival::internal {

class OnnxQuery {
 public:
  OnnxQuery(const OnnxModel& model, std::string what) : model_(model), what_(std::move(what)) {
    require(model.opset >= 9, what_, ": expected opset 9 or later, got ", model.opset);
    require(model.nodes.size() <= most_nodes, what_, ": expected at most ", most_nodes, " nodes, got ",
            model.nodes.size());
    for (const OnnxTensor& tensor : model.initialisers) add_constant(tensor.name, tensor);
    for (const OnnxValue& input : model.inputs) {
      if (constants_.count(input.name)) continue;  // older files list weights as inputs
      std::string& place = input.whole_numbers ? labels_ : input_;
      require(place.empty(), what_, ": expected one input of numbers and at most one of labels, got \"", place,
              "\" and \"", input.name, "\"");
      place = input.name;
      if (input.whole_numbers) continue;
      sample_ = sample_of(input);
      batch_ = input.extents[0].size;
    }
    require(!input_.empty(), what_, ": it has no input of numbers");
    std::set<std::string> known{"", input_, labels_};
    for (std::size_t i = 0; i < model.nodes.size(); ++i) {
      const OnnxNode& node = model.nodes[i];
      for (const std::string& name : node.inputs)
        require(known.count(name) || constants_.count(name), of(node), "nothing in front of it makes its input \"",
                name, "\"");
      for (const std::string& name : node.outputs) {
        if (name.empty()) continue;
        require(!constants_.count(name) && known.insert(name).second, of(node), "\"", name, "\" is made twice");
        producers_[name] = i;
      }
      if (node.op == "Constant") {
        const auto value = node.attributes.find("value");
        const OnnxTensor* tensor = value == node.attributes.end() ? nullptr : std::get_if<OnnxTensor>(&value->second);
        require(tensor != nullptr && !node.outputs.empty(), of(node), "expected a tensor as its value");
        add_constant(node.outputs[0], *tensor);
      }
    }
  }

  /// The shape of one sample of the input.
  const Shape& sample() const { return sample_; }

 protected:
  using Wholes = std::vector<std::int64_t>;

  // ---- nodes and constants

  std::string of(const OnnxNode& node) const {
    return concatenate(what_, ": node \"", node.name, "\" (", node.op, "): ");
  }
  [[noreturn]] void refuse(const OnnxNode& node) const {
    fail(of(node), "what it does with its inputs is what no layer does");
  }
  const std::string& input_of(const OnnxNode& node, std::size_t i) const {
    require(i < node.inputs.size() && !node.inputs[i].empty(), of(node), "expected an input number ", i);
    return node.inputs[i];
  }
  bool has_input(const OnnxNode& node, std::size_t i) const {
    return i < node.inputs.size() && !node.inputs[i].empty();
  }

  /// The node that makes a value, or null; one that passes its input on is passed over.
  const OnnxNode* producer(const std::string& name) const {
    const auto found = producers_.find(name);
    return found == producers_.end() ? nullptr : &model_.nodes[found->second];
  }
  /// The same if it is an `op` of ONNX's own.
  const OnnxNode* made_by(const std::string& name, std::string_view op) const {
    const OnnxNode* node = producer(name);
    return node && node->op == op && node->domain.empty() ? node : nullptr;
  }
  const OnnxNode* made_by(const OnnxNode* node, std::size_t i, std::string_view op) const {
    return node && has_input(*node, i) ? made_by(node->inputs[i], op) : nullptr;
  }

  const OnnxTensor* constant(const std::string& name) const {
    const auto found = constants_.find(name);
    return found == constants_.end() ? nullptr : found->second;
  }
  const OnnxTensor* constant(const OnnxNode& node, std::size_t i) const {
    return has_input(node, i) ? constant(node.inputs[i]) : nullptr;
  }
  const OnnxTensor& weight(const OnnxNode& node, std::size_t i) const {
    const OnnxTensor* tensor = constant(node, i);
    require(tensor != nullptr && !tensor->whole_numbers(), of(node), "expected a constant as its input number ", i);
    return *tensor;
  }
  /// Its numbers. Nodes may share weights, and here each layer has its own, but no file makes many of few.
  std::vector<double> numbers(const OnnxTensor& tensor) const {
    taken_ += static_cast<double>(tensor.shape.size());
    require(taken_ <= 16 * held_ + 1e6, what_, ": its nodes share so many weights that its ", held_,
            " numbers become more than ", taken_);
    return std::visit([](const auto& values) { return std::vector<double>(values.begin(), values.end()); },
                      tensor.values);
  }
  /// The one number of a constant; NaN if there is none, or more than one.
  double number(const OnnxNode& node, std::size_t i) const {
    const OnnxTensor* tensor = constant(node, i);
    return tensor && tensor->shape.size() == 1 ? numbers(*tensor)[0] : std::nan("");
  }
  /// Of a tensor, as many numbers as features there are.
  std::vector<double> features(const OnnxNode& node, const OnnxTensor& tensor, Index count) const {
    require(tensor.shape.size() == count, of(node), "expected ", count, " numbers in \"", tensor.name, "\", got ",
            tensor.shape);
    return numbers(tensor);
  }

  template <class T>
  T attribute(const OnnxNode& node, std::string_view name, T otherwise) const {
    const auto found = node.attributes.find(name);
    if (found == node.attributes.end()) return otherwise;
    const T* value = std::get_if<T>(&found->second);
    require(value != nullptr, of(node), "its attribute \"", name, "\" is of another type than expected");
    return *value;
  }
  std::int64_t whole(const OnnxNode& node, std::string_view name, std::int64_t otherwise) const {
    return attribute<std::int64_t>(node, name, otherwise);
  }
  double real(const OnnxNode& node, std::string_view name, float otherwise) const {
    return as_written(attribute<float>(node, name, otherwise));
  }
  /// The short number that this float stands for, if it does: 0.2 for the float that is nearest to it.
  static double as_written(double number) {
    const auto value = static_cast<float>(number);
    const double written = std::strtod(concatenate(value).c_str(), nullptr);
    return static_cast<float>(written) == value ? written : static_cast<double>(value);
  }
  Wholes wholes(const OnnxNode& node, std::string_view name, Wholes otherwise) const {
    return attribute<Wholes>(node, name, std::move(otherwise));
  }
  Size2 size(const OnnxNode& node, std::string_view name, Size2 otherwise) const {
    const Wholes both = wholes(node, name, {otherwise.h, otherwise.w});
    require(both.size() == 2, of(node), "expected two numbers in \"", name, "\", got ", both.size());
    return {static_cast<Index>(both[0]), static_cast<Index>(both[1])};
  }
  /// The padding of a window with zeros: above and to the left, below and to the right.
  struct Padding {
    Size2 begin = 0, end = 0;
    friend bool operator==(const Padding&, const Padding&) = default;
  };
  Padding padding(const OnnxNode& node) const {
    const std::string automatic = attribute<std::string>(node, "auto_pad", "NOTSET");
    require(automatic == "NOTSET" || automatic.empty(), of(node), "expected explicit padding, got ", automatic);
    const Wholes pads = wholes(node, "pads", {0, 0, 0, 0});
    require(pads.size() == 4, of(node), "expected four numbers in \"pads\", got ", pads.size());
    return {{static_cast<Index>(pads[0]), static_cast<Index>(pads[1])},
            {static_cast<Index>(pads[2]), static_cast<Index>(pads[3])}};
  }
  /// That of a Pad of its own, with zeros.
  Padding zeros(const OnnxNode& pad) const {
    const Wholes pads = has_input(pad, 1) ? whole_values(pad.inputs[1], 0) : wholes(pad, "pads", {});
    require(attribute<std::string>(pad, "mode", "constant") == "constant" &&
                (!has_input(pad, 2) || number(pad, 2) == 0) && attribute<float>(pad, "value", 0) == 0 &&
                !has_input(pad, 3) &&
                std::all_of(pads.begin(), pads.end(), [](std::int64_t p) { return p >= 0 && p <= most_size; }),
            of(pad), "expected zeros around an image");
    if (pads.size() != 8 || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0) refuse(pad);
    return {{static_cast<Index>(pads[2]), static_cast<Index>(pads[3])},
            {static_cast<Index>(pads[6]), static_cast<Index>(pads[7])}};
  }
  /// The value that a window goes over, and the padding, that of a Pad in front of it too.
  std::pair<std::string, Padding> padded_input(const OnnxNode& node) const {
    Padding own = padding(node);
    const OnnxNode* pad = made_by(&node, 0, "Pad");
    if (!pad) return {input_of(node, 0), own};
    const Padding outer = zeros(*pad);
    own.begin = {own.begin.h + outer.begin.h, own.begin.w + outer.begin.w};
    own.end = {own.end.h + outer.end.h, own.end.w + outer.end.w};
    return {input_of(*pad, 0), own};
  }
  void require_no_dilation(const OnnxNode& node) const {
    for (const std::int64_t d : wholes(node, "dilations", {1, 1}))
      require(d == 1, of(node), "expected no dilation, got ", d);
  }

  Shape sample_of(const OnnxValue& input) const {
    std::vector<Index> extents;
    for (std::size_t i = 1; i < input.extents.size(); ++i) extents.push_back(input.extents[i].size);
    require(!input.extents.empty() && static_cast<Index>(extents.size()) < Shape::max_rank &&
                std::all_of(extents.begin(), extents.end(), [](Index e) { return e > 0 && e <= most_size; }),
            what_, ": input \"", input.name, "\": expected a batch of samples whose sizes are known");
    if (extents.size() == 3) extents = {extents[1], extents[2], extents[0]};
    Shape sample;
    for (const Index extent : extents) sample.push_back(extent);
    return sample;
  }

  /// The axes that an operator reduces or changes: an input, or in older files an attribute.
  Wholes axes(const OnnxNode& node) const {
    if (const OnnxTensor* given = constant(node, 1))
      if (const auto* values = std::get_if<Wholes>(&given->values)) return *values;
    return wholes(node, "axes", {});
  }

  // ---- shapes

  /// The extents of a sample in the graph: C, H, W of an image.
  static Wholes graph_sample(const Shape& sample) {
    if (sample.rank() == 3) return {sample[2], sample[0], sample[1]};
    return {sample.begin(), sample.end()};
  }

  /// Whole numbers of a constant, or of what PyTorch computes of shapes. The number of samples is `samples`.
  static constexpr std::int64_t samples = -2;
  Wholes whole_values(const std::string& name, int depth) const {
    require(depth < 64 && ++looked_ < 1'000'000, what_, ": \"", name,
            "\": expected whole numbers that are simply made");
    if (const OnnxTensor* tensor = constant(name)) {
      const auto* values = std::get_if<Wholes>(&tensor->values);
      require(values != nullptr, what_, ": \"", name, "\": expected whole numbers");
      return *values;
    }
    const OnnxNode* node = producer(name);
    require(node != nullptr, what_, ": \"", name, "\": expected a constant");
    if (node->op == "Shape") {
      const auto known = shapes_.find(input_of(*node, 0));
      require(known != shapes_.end(), of(*node), "its input is within a layer");
      Wholes all = graph_sample(known->second);
      all.insert(all.begin(), samples);
      return all;
    }
    if (node->op == "Concat") {
      Wholes all;
      for (std::size_t i = 0; i < node->inputs.size(); ++i) {
        const Wholes part = whole_values(input_of(*node, i), depth + 1);
        all.insert(all.end(), part.begin(), part.end());
        require(all.size() <= 64, of(*node), "expected a short list");
      }
      return all;
    }
    if (node->op == "Gather") {
      const Wholes from = whole_values(input_of(*node, 0), depth + 1), at = whole_values(input_of(*node, 1), depth + 1);
      Wholes all;
      for (const std::int64_t i : at) {
        const auto count = static_cast<std::int64_t>(from.size());
        require(i >= -count && i < count, of(*node), "expected one of ", count, " numbers, got ", i);
        all.push_back(from[static_cast<std::size_t>(i < 0 ? i + count : i)]);
      }
      return all;
    }
    if (node->op == "Slice") {
      const Wholes from = whole_values(input_of(*node, 0), depth + 1);
      const auto count = static_cast<std::int64_t>(from.size());
      const auto bound = [&](std::size_t input) {
        const Wholes given = whole_values(input_of(*node, input), depth + 1);
        require(given.size() == 1, of(*node), "expected one slice");
        return std::clamp<std::int64_t>(given[0] < 0 ? given[0] + count : given[0], 0, count);
      };
      require(!has_input(*node, 4) || whole_values(input_of(*node, 4), depth + 1) == Wholes{1}, of(*node),
              "expected a step of 1");
      const std::int64_t begin = bound(1), end = std::max(begin, bound(2));
      return {from.begin() + begin, from.begin() + end};
    }
    if (node->op == "Unsqueeze" || node->op == "Squeeze" || node->op == "Cast" || node->op == "Identity")
      return whole_values(input_of(*node, 0), depth + 1);
    fail(of(*node), "expected whole numbers that are made of shapes alone");
  }

  /// The sample that a Reshape, Flatten, Squeeze or Unsqueeze makes of one, in the graph's order. `packs` says of how
  /// many samples one is made.
  Wholes target(const OnnxNode& node, const Shape& sample, Index* packs = nullptr) const {
    const Wholes from = graph_sample(sample);
    if (node.op == "Flatten") {
      const std::int64_t axis = whole(node, "axis", 1);
      require(axis == 1 || axis == -static_cast<std::int64_t>(from.size()), of(node), "expected axis 1, got ", axis);
      return {sample.size()};
    }
    if (node.op == "Squeeze" || node.op == "Unsqueeze") return squeezed(node, from);
    Wholes to = whole_values(input_of(node, 1), 0);
    require(!to.empty() && static_cast<Index>(to.size()) <= Shape::max_rank && whole(node, "allowzero", 0) == 0,
            of(node), "expected 1 to ", Shape::max_rank, " extents");
    Index product = 1, open = -1;
    for (std::size_t i = 1; i < to.size(); ++i) {
      if (to[i] == 0) {
        require(i <= from.size(), of(node), "expected an extent to copy");
        to[i] = from[i - 1];
      }
      if (to[i] == -1) {
        require(open < 0 && to[0] != -1, of(node), "expected one extent to be found out, got more");
        open = static_cast<Index>(i);
        continue;
      }
      require(to[i] > 0 && to[i] <= most_size && product <= most_size, of(node), "expected extents of 1 to ", most_size,
              ", got ", to[i]);
      product *= static_cast<Index>(to[i]);
    }
    require(to[0] == 0 || to[0] == -1 || to[0] == samples || to[0] == batch_, of(node),
            "expected a batch of any size, got ", to[0]);
    if (open >= 0) {
      require(sample.size() % product == 0, of(node), "cannot make rows of ", product, " of ", sample);
      to[static_cast<std::size_t>(open)] = sample.size() / product;
      product = sample.size();
    }
    if (packs && to[0] == -1 && sample.size() > 0) *packs = product / sample.size();
    require(product == sample.size() * (packs ? std::max<Index>(1, *packs) : 1), of(node), "cannot make ", product,
            " numbers of ", sample);
    return {to.begin() + 1, to.end()};
  }
  Wholes squeezed(const OnnxNode& node, Wholes sample) const {
    Wholes over = axes(node);
    const auto after = static_cast<std::int64_t>(sample.size() + 1) +
                       (node.op == "Unsqueeze" ? static_cast<std::int64_t>(over.size()) : 0);
    for (std::int64_t& axis : over) {
      if (axis < 0) axis += after;
      require(axis >= 1 && axis < after, of(node), "expected axes behind the batch, got ", axis);
    }
    std::sort(over.begin(), over.end());
    require(!over.empty() && over.size() <= 8 && std::adjacent_find(over.begin(), over.end()) == over.end(), of(node),
            "expected different axes");
    if (node.op == "Unsqueeze") {
      for (const std::int64_t axis : over) {
        require(axis <= static_cast<std::int64_t>(sample.size()) + 1, of(node), "expected axes of its output");
        sample.insert(sample.begin() + (axis - 1), 1);
      }
    } else {
      for (std::size_t i = over.size(); i-- > 0;) {
        require(sample[static_cast<std::size_t>(over[i] - 1)] == 1, of(node), "expected axes of one element");
        sample.erase(sample.begin() + (over[i] - 1));
      }
    }
    return sample;
  }

 private:
  static constexpr std::size_t most_nodes = 10'000;

  void add_constant(const std::string& name, const OnnxTensor& tensor) {
    constants_[name] = &tensor;
    held_ += static_cast<double>(tensor.shape.size());
  }

 protected:
  const OnnxModel& model_;
  std::string what_, input_, labels_;
  Shape sample_;
  Index batch_ = -1;  // what the file was written with, where it is not any
  std::map<std::string, const OnnxTensor*> constants_;
  std::map<std::string, std::size_t> producers_;
  mutable std::map<std::string, Shape> shapes_;  // while going forward: of the samples of values between layers

 private:
  double held_ = 0;           // numbers in all constants
  mutable double taken_ = 0;  // numbers that nodes have asked for
  mutable int looked_ = 0;    // values that were looked at for whole numbers
};

}  // namespace rival::internal

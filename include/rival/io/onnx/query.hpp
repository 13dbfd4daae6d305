#pragma once
// OnnxQuery: what is asked of an ONNX graph that is read: who makes a value, and what attributes and constants are. All
// that is asked for and not there is an Error that names the node and its operator.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rival/io/onnx/fold.hpp"
#include "rival/io/onnx_model.hpp"
#include "rival/layers/size2.hpp"

namespace rival::internal {

using Wholes = std::vector<std::int64_t>;

/// The short number that this float stands for, if it does: 0.2 for the float that is nearest to it.
inline double as_written(double number) {
  const auto value = static_cast<float>(number);
  const double written = std::strtod(concatenate(value).c_str(), nullptr);
  return static_cast<float>(written) == value ? written : static_cast<double>(value);
}

class OnnxQuery {
 public:
  OnnxQuery(const OnnxModel& model, std::string what)
      : what_(std::move(what)), model_(model), taken_(model.nodes.size()) {
    require(model.opset >= 9, what_, ": expected opset 9 or later, got ", model.opset);
    require(model.nodes.size() <= most_nodes, what_, ": expected at most ", most_nodes, " nodes, got ",
            model.nodes.size());
    for (const OnnxTensor& tensor : model.initialisers) {
      require(!constants_.count(tensor.name), what_, ": the tensor \"", tensor.name, "\" is there twice");
      add_constant(tensor.name, tensor);
    }
    add_inputs();
    add_nodes();
  }

  const std::string& what() const { return what_; }
  const OnnxModel& model() const { return model_; }
  const std::string& input() const { return input_; }
  /// The shape of one sample of the input.
  const Shape& sample() const { return sample_; }
  /// How many samples the file was written for; -1 where it is any number.
  Index batch() const { return batch_; }

  // ---- nodes and constants

  OnnxPlaceInFile of(const OnnxNode& node) const { return {what_, &node}; }
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

  /// The node that makes a value, or null.
  const OnnxNode* producer(const std::string& name) const {
    const auto found = producers_.find(name);
    return found == producers_.end() ? nullptr : &model_.nodes[found->second];
  }
  /// Its place in the order of nodes.
  std::size_t number_of(const OnnxNode& node) const { return static_cast<std::size_t>(&node - model_.nodes.data()); }
  /// Marks a node as a step, and says whether it was none.
  bool take(const OnnxNode& node) {
    const std::size_t number = number_of(node);
    const bool first = !taken_[number];
    taken_[number] = true;
    return first;
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
  const OnnxTensor& matrix(const OnnxNode& node, std::size_t i) const {
    const OnnxTensor& tensor = weight(node, i);
    require(tensor.shape.rank() == 2, of(node), "expected a matrix of weights, got ", tensor.shape);
    return tensor;
  }
  /// Counts numbers that a layer will have. Nodes may share weights, and here each layer has its own, and one number
  /// may stand for those of all channels; but no small file makes a large network.
  void count_made(Index count) {
    made_count_ += static_cast<double>(count);
    require(made_count_ <= 16 * held_ + 1e5, what_, ": its layers would have more than ", made_count_,
            " numbers, made of the ", held_, " in the file");
  }
  std::vector<double> numbers(const OnnxTensor& tensor) {
    count_made(tensor.shape.size());
    return as_doubles(tensor);
  }
  /// The one number of a constant; NaN if there is none, or more than one.
  double number(const OnnxNode& node, std::size_t i) {
    const OnnxTensor* tensor = constant(node, i);
    return tensor && tensor->shape.size() == 1 ? numbers(*tensor)[0] : std::nan("");
  }
  /// Of a list, as many numbers as features there are.
  std::vector<double> features(const OnnxNode& node, const OnnxTensor& tensor, Index count) {
    require(tensor.shape == Shape{count}, of(node), "expected ", count, " numbers in \"", tensor.name, "\", got ",
            tensor.shape);
    return numbers(tensor);
  }
  bool is_labels(const std::string& name) const { return !labels_.empty() && name == labels_; }

  // ---- attributes

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
  Wholes wholes(const OnnxNode& node, std::string_view name, Wholes otherwise) const {
    return attribute<Wholes>(node, name, std::move(otherwise));
  }

  // ---- shapes

  /// Of the samples of a value between layers, or null; known once the layers in front of it are there.
  const Shape* shape_of(const std::string& value) const {
    const auto known = shapes_.find(value);
    return known == shapes_.end() ? nullptr : &known->second;
  }
  void set_shape(const std::string& value, const Shape& sample) { shapes_[value] = sample; }

 private:
  static constexpr std::size_t most_nodes = 10'000;

  void add_inputs() {
    for (const OnnxValue& input : model_.inputs) {
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
    require(input_ != labels_, what_, ": the input \"", input_, "\" is there twice");
  }
  void add_nodes() {
    std::set<std::string> known{"", input_, labels_};
    for (std::size_t i = 0; i < model_.nodes.size(); ++i) {
      const OnnxNode& node = model_.nodes[i];
      for (const std::string& name : node.inputs)
        require(known.count(name) || constants_.count(name), of(node), "nothing in front of it makes its input \"",
                name, "\"");
      for (const std::string& name : node.outputs) {
        if (name.empty()) continue;
        require(!constants_.count(name) && known.insert(name).second, of(node), "\"", name, "\" is made twice");
      }
      if (node.outputs.empty() || node.outputs[0].empty()) continue;
      producers_[node.outputs[0]] = i;  // what further outputs make no layer does
      fold(node);
    }
  }

  /// A node that makes a constant.
  void fold(const OnnxNode& node) {
    const OnnxTensor* a = constant(node, 0);
    if (node.op == "Constant") {
      std::optional<OnnxTensor> value = constant_value(node);
      require(value.has_value(), of(node), "expected a tensor, or numbers, as its value");
      made_.push_back(std::move(*value));
      if (made_.back().name.empty()) made_.back().name = node.outputs[0];
      return add_constant(node.outputs[0], made_.back());
    }
    if (!a) return;
    if (node.op == "Identity") {
      constants_[node.outputs[0]] = a;
      return;
    }
    const OnnxTensor* b = constant(node, 1);
    if (!b || node.inputs.size() != 2) return;
    count_made(a->shape.size()), count_made(b->shape.size());
    if (std::optional<OnnxTensor> value = folded(node, *a, *b)) {
      made_.push_back(std::move(*value));
      constants_[node.outputs[0]] = &made_.back();
    }
  }
  void add_constant(const std::string& name, const OnnxTensor& tensor) {
    constants_[name] = &tensor;
    held_ += static_cast<double>(tensor.shape.size());
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

  std::string what_;
  const OnnxModel& model_;
  std::string input_, labels_;
  Shape sample_;
  Index batch_ = -1;
  std::map<std::string, const OnnxTensor*> constants_;
  std::deque<OnnxTensor> made_;  // constants that are in no initialiser
  std::map<std::string, std::size_t> producers_;
  std::map<std::string, Shape> shapes_;
  std::vector<bool> taken_;
  double held_ = 0;        // numbers in all constants
  double made_count_ = 0;  // numbers that layers have
};

}  // namespace rival::internal

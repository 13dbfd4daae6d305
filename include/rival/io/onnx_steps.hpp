#pragma once
// OnnxReader: an ONNX graph taken apart into layers.
//
// From the output backward each node, or group of nodes, is taken for what it does (a step); then the steps are gone
// through forward, where shapes are known, and become layers.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/io/onnx_model.hpp"
#include "rival/io/weight_layout.hpp"
#include "rival/layers/make_layer.hpp"

namespace rival::internal {

/// A layer, its tensors as they lie in the file, by the last part of their names, and how the features are counted that
/// go in and come out.
struct ReadLayer {
  Description description;
  std::map<std::string, std::vector<double>> tensors = {};
  FeatureOrder order = {};
  std::vector<std::vector<ReadLayer>> branches = {};
};

/// The layers so far, and what comes out of them. A sample is of `shape`; `order` is the image by whose channels a
/// vector's features are counted, as in OnnxPlace.
struct ReadStack {
  Shape shape, order = {};
  std::vector<ReadLayer> layers = {};
};

class OnnxReader {
 public:
  OnnxReader(const OnnxModel& model, std::string what) : model_(model), what_(std::move(what)) {
    require(model.nodes.size() <= most_nodes, what_, ": expected at most ", most_nodes, " nodes, got ",
            model.nodes.size());
    for (const OnnxTensor& tensor : model.initialisers) constants_[tensor.name] = &tensor;
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
        constants_[node.outputs[0]] = tensor;
      }
    }
  }

  /// The shape of one sample of the input.
  const Shape& sample() const { return sample_; }

  /// All layers from the input to the output.
  ReadStack read() {
    require(!model_.outputs.empty(), what_, ": it has no output");
    std::string last = model_.outputs[0].name;
    const OnnxNode* node = producer(last);
    if (model_.outputs.size() > 1) {  // a discriminator's scores and heads
      bool split = node && node->op == "Split" && node->outputs.size() == model_.outputs.size();
      for (std::size_t i = 0; split && i < node->outputs.size(); ++i)
        split = node->outputs[i] == model_.outputs[i].name;
      require(split && whole(*node, "axis", 0) == 1, what_, ": expected one output, or parts of one, got ",
              model_.outputs.size());
      last = input_of(*node, 0);
    }
    ReadStack stack{sample_};
    shapes_[input_] = sample_;
    go_forward(stack, back(last, input_, 0));
    require(stack.order.rank() != 3, what_, ": its output is an image as a vector, counted channel by channel, which ",
            "only a dense layer can read here");
    return stack;
  }

 private:
  static constexpr std::size_t most_nodes = 10'000;
  static constexpr int most_depth = 32;            // of branches within each other
  static constexpr Index most_features = 1 << 20;  // of a layer that has no weights in the file

  struct Step {
    const OnnxNode* node;  // the last of those that it is made of
    std::string from;      // the value that it reads
    std::function<void(ReadStack&)> go;
  };

  // ---- the graph

  std::string of(const OnnxNode& node) const {
    return concatenate(what_, ": node \"", node.name, "\" (", node.op, "): ");
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
  static std::vector<double> numbers(const OnnxTensor& tensor) {
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
  using Wholes = std::vector<std::int64_t>;
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

  // ---- backward

  std::vector<Step> back(std::string value, const std::string& stop, int depth) const {
    require(depth <= most_depth, what_, ": expected at most ", most_depth, " branches within each other, got more");
    std::vector<Step> steps;
    while (value != stop) {
      const OnnxNode* node = producer(value);
      require(node != nullptr, what_, ": \"", value, "\" is not made of \"", stop, "\"");
      require(node->domain.empty() || node->domain == "ai.onnx", of(*node), "an operator of ", node->domain,
              ", which no layer is");
      steps.push_back(step(*node, depth));
      value = steps.back().from;
    }
    std::reverse(steps.begin(), steps.end());
    return steps;
  }

  Step step(const OnnxNode& node, int depth) const {
    using Reader = Step (OnnxReader::*)(const OnnxNode&, int) const;
    static const std::map<std::string, Reader, std::less<>> readers{
        {"Add", &OnnxReader::read_add},
        {"AveragePool", &OnnxReader::read_pool},
        {"BatchNormalization", &OnnxReader::read_batch_norm},
        {"Cast", &OnnxReader::read_nothing},
        {"Concat", &OnnxReader::read_concat},
        {"Conv", &OnnxReader::read_convolution},
        {"ConvTranspose", &OnnxReader::read_transposed_convolution},
        {"Div", &OnnxReader::read_pixel_norm},
        {"Dropout", &OnnxReader::read_nothing},
        {"Elu", &OnnxReader::read_activation},
        {"Flatten", &OnnxReader::read_reshape},
        {"Gemm", &OnnxReader::read_gemm},
        {"GlobalAveragePool", &OnnxReader::read_global_pool},
        {"GlobalMaxPool", &OnnxReader::read_global_pool},
        {"Identity", &OnnxReader::read_nothing},
        {"InstanceNormalization", &OnnxReader::read_instance_norm},
        {"LeakyRelu", &OnnxReader::read_activation},
        {"MatMul", &OnnxReader::read_matmul},
        {"MaxPool", &OnnxReader::read_pool},
        {"Mul", &OnnxReader::read_mul},
        {"ReduceSum", &OnnxReader::read_sum_pool},
        {"Pad", &OnnxReader::read_nothing},
        {"Relu", &OnnxReader::read_activation},
        {"Reshape", &OnnxReader::read_reshape},
        {"Resize", &OnnxReader::read_resize},
        {"Sigmoid", &OnnxReader::read_activation},
        {"Softplus", &OnnxReader::read_activation},
        {"Squeeze", &OnnxReader::read_reshape},
        {"Tanh", &OnnxReader::read_activation},
        {"Transpose", &OnnxReader::read_transpose},
        {"Unsqueeze", &OnnxReader::read_reshape},
    };
    const auto found = readers.find(node.op);
    require(found != readers.end(), of(node), "no layer is such an operator");
    return (this->*found->second)(node, depth);
  }

  [[noreturn]] void refuse(const OnnxNode& node) const {
    fail(of(node), "what it does with its inputs is what no layer does");
  }

  // ---- forward

  void go_forward(ReadStack& stack, const std::vector<Step>& steps) const {
    for (const Step& s : steps) {
      try {
        s.go(stack);
      } catch (const Error& error) {
        const std::string text = error.what();
        if (text.compare(0, what_.size(), what_) == 0) throw;
        fail(of(*s.node), text);
      }
      if (!s.node->outputs.empty()) shapes_[s.node->outputs[0]] = stack.shape;
    }
  }

  /// Appends a layer. Throws Error where it does not fit the shape.
  static void append(ReadStack& stack, ReadLayer layer, bool keeps_features = false) {
    const Shape in = stack.shape;
    stack.shape = make_layer<float>(layer.description)->output_shape(in);
    layer.order.in = stack.order;
    if (keeps_features)
      layer.order.out = stack.order;
    else
      require(stack.order.rank() != 3 || layer.description.kind == "dense" || layer.description.kind == "basis" ||
                  layer.description.kind == "reshape",
              "expected vectors whose features have no order, got an image as a vector, counted channel by channel");
    if (!keeps_features) stack.order = {};
    stack.layers.push_back(std::move(layer));
  }

  // ---- steps: weights

  Step read_gemm(const OnnxNode& node, int) const {
    const OnnxTensor& w = weight(node, 1);
    require(w.shape.rank() == 2 && whole(node, "transA", 0) == 0, of(node), "expected a matrix of weights, got ",
            w.shape);
    const bool transposed = whole(node, "transB", 0) != 0;
    const OnnxTensor* b = has_input(node, 2) ? &weight(node, 2) : nullptr;
    return dense(node, input_of(node, 0), w, transposed, b, attribute<float>(node, "alpha", 1),
                 attribute<float>(node, "beta", 1));
  }
  Step read_matmul(const OnnxNode& node, int) const {
    const OnnxTensor& w = weight(node, 1);
    require(w.shape.rank() == 2, of(node), "expected a matrix of weights, got ", w.shape);
    return dense(node, input_of(node, 0), w, false, nullptr, 1, 1);
  }
  Step dense(const OnnxNode& node, const std::string& from, const OnnxTensor& w, bool transposed, const OnnxTensor* b,
             double alpha, double beta) const {
    const Index in = w.shape[transposed ? 1 : 0], out = w.shape[transposed ? 0 : 1];
    ReadLayer layer{describe("dense", DenseOptions{.in = in, .out = out, .bias = b != nullptr})};
    std::vector<double> values = numbers(w);
    std::vector<double>& file = layer.tensors["weight"];
    file.resize(values.size());
    for (Index o = 0; o < out; ++o)
      for (Index i = 0; i < in; ++i)
        file[static_cast<std::size_t>(o * in + i)] =
            alpha * values[static_cast<std::size_t>(transposed ? o * in + i : i * out + o)];
    if (b) {
      layer.tensors["bias"] = features(node, *b, out);
      for (double& v : layer.tensors["bias"]) v *= beta;
    }
    return {&node, from, [layer = std::move(layer)](ReadStack& stack) { append(stack, layer); }};
  }

  Step read_convolution(const OnnxNode& node, int) const {
    const OnnxTensor& w = weight(node, 1);
    require(w.shape.rank() == 4, of(node), "expected weights out x in x height x width, got ", w.shape);
    require_no_dilation(node);
    const auto [from, around] = padded_input(node);
    const Index groups = static_cast<Index>(whole(node, "group", 1));
    require(groups > 0 && groups <= w.shape[0], of(node), "expected 1 to ", w.shape[0], " groups, got ", groups);
    ReadLayer layer{describe("conv2d", Conv2dOptions{.in = w.shape[1] * groups,
                                                     .out = w.shape[0],
                                                     .kernel = {w.shape[2], w.shape[3]},
                                                     .stride = size(node, "strides", 1),
                                                     .padding = around.begin,
                                                     .padding_end = around.end,
                                                     .bias = has_input(node, 2),
                                                     .groups = groups})};
    return convolution(node, from, std::move(layer), w, w.shape[0]);
  }
  Step read_transposed_convolution(const OnnxNode& node, int) const {
    const OnnxTensor& w = weight(node, 1);
    require(w.shape.rank() == 4, of(node), "expected weights in x out x height x width, got ", w.shape);
    require_no_dilation(node);
    require(!node.attributes.count("output_shape"), of(node), "expected explicit padding, got an output_shape");
    const Padding around = padding(node);
    if (whole(node, "group", 1) != 1) return read_blur(node, w, around);
    ReadLayer layer{
        describe("conv_transpose2d", ConvTranspose2dOptions{.in = w.shape[0],
                                                            .out = w.shape[1],
                                                            .kernel = {w.shape[2], w.shape[3]},
                                                            .stride = size(node, "strides", 1),
                                                            .padding = around.begin,
                                                            .padding_end = around.end,
                                                            .output_padding = size(node, "output_padding", 0),
                                                            .bias = has_input(node, 2)})};
    return convolution(node, input_of(node, 0), std::move(layer), w, w.shape[1]);
  }
  Step convolution(const OnnxNode& node, const std::string& from, ReadLayer layer, const OnnxTensor& w,
                   Index out) const {
    layer.tensors["weight"] = numbers(w);
    if (has_input(node, 2)) layer.tensors["bias"] = features(node, weight(node, 2), out);
    return {&node, from, [layer = std::move(layer)](ReadStack& stack) { append(stack, layer); }};
  }
  /// The one transposed convolution in groups that there is a layer for.
  Step read_blur(const OnnxNode& node, const OnnxTensor& w, const Padding& around) const {
    const std::vector<double> taps = numbers(w), one{0.25, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 0.25};
    bool same = w.shape == Shape{w.shape[0], 1, 3, 3} && whole(node, "group", 1) == w.shape[0] &&
                size(node, "strides", 1) == Size2(2) && size(node, "output_padding", 0) == Size2(0) &&
                around == Padding{0, 1} && !has_input(node, 2);
    for (std::size_t i = 0; same && i < taps.size(); ++i) same = taps[i] == one[i % one.size()];
    require(same, of(node), "a transposed convolution in groups is what no layer does, but for the filter 1 2 1");
    return {&node, input_of(node, 0), [](ReadStack& stack) { append(stack, {{"blur_upsample"}}); }};
  }

  // ---- steps: normalisation

  Step read_batch_norm(const OnnxNode& node, int) const {
    const Index count = weight(node, 1).shape.size();
    require(whole(node, "training_mode", 0) == 0, of(node), "expected evaluation, got training_mode");
    ReadLayer layer{
        describe("batch_norm", BatchNormOptions{.features = count, .epsilon = real(node, "epsilon", 1e-5f)})};
    const char* names[] = {"weight", "bias", "mean", "variance"};
    for (std::size_t i = 0; i < 4; ++i) layer.tensors[names[i]] = features(node, weight(node, i + 1), count);
    return {&node, input_of(node, 0), [layer = std::move(layer)](ReadStack& stack) { append(stack, layer, true); }};
  }

  /// Of each channel, where no rows were made of groups in front of it.
  Step read_instance_norm(const OnnxNode& node, int) const {
    const Index count = weight(node, 1).shape.size();
    ReadLayer layer{
        describe("instance_norm",
                 InstanceNormOptions{.features = count, .epsilon = real(node, "epsilon", 1e-5f), .affine = true})};
    layer.tensors["weight"] = features(node, weight(node, 1), count);
    layer.tensors["bias"] = features(node, weight(node, 2), count);
    return {&node, input_of(node, 0), [layer = std::move(layer)](ReadStack& stack) { append(stack, layer); }};
  }

  /// Reshape(InstanceNormalization(Reshape(x))), the second making rows of groups and the first the sample again; with
  /// a weight and a bias of each channel behind it, where they are given. Null if `node` is not that Reshape.
  std::optional<Step> read_group_norm(const OnnxNode& last, const OnnxNode* node, const OnnxTensor* w,
                                      const OnnxTensor* b) const {
    if (!node || node->op != "Reshape") return {};
    const OnnxNode* norm = made_by(node, 0, "InstanceNormalization");
    const OnnxNode* rows = made_by(norm, 0, "Reshape");
    if (!rows) return {};
    for (const double v : numbers(weight(*norm, 1))) require(v == 1, of(*norm), "expected weights of 1 for groups");
    for (const double v : numbers(weight(*norm, 2))) require(v == 0, of(*norm), "expected biases of 0 for groups");
    const Index groups = weight(*norm, 1).shape.size();
    return Step{&last, input_of(*rows, 0), [=, this](ReadStack& stack) {
                  const Shape in = stack.shape;
                  require(in.rank() == 1 || in.rank() == 3, "expected vectors or images, got ", in);
                  const std::vector<std::int64_t> made = target(*rows, in);
                  require(made.size() == 2 && made[0] == groups, "expected rows of ", groups, " groups");
                  require(target(*node, in) == graph_sample(in), "expected the sample's own shape again");
                  require(in.back() <= most_features, "expected at most ", most_features, " features, got ", in);
                  ReadLayer layer{describe("group_norm", GroupNormOptions{.groups = groups,
                                                                          .features = in.back(),
                                                                          .epsilon = real(*norm, "epsilon", 1e-5f),
                                                                          .affine = w != nullptr})};
                  if (w) layer.tensors["weight"] = features(last, *w, in.back());
                  if (b) layer.tensors["bias"] = features(last, *b, in.back());
                  append(stack, layer, groups == 1);
                }};
  }

  /// x / sqrt(mean of x^2 + epsilon)
  Step read_pixel_norm(const OnnxNode& node, int) const {
    const OnnxNode* root = made_by(&node, 1, "Sqrt");
    const OnnxNode* sum = made_by(root, 0, "Add");
    const OnnxNode* mean = made_by(sum, 0, "ReduceMean");
    const OnnxNode* square = made_by(mean, 0, "Mul");
    const std::string& x = input_of(node, 0);
    if (!square || input_of(*square, 0) != x || input_of(*square, 1) != x || !(number(*sum, 1) > 0) ||
        axes(*mean) != Wholes{1} || whole(*mean, "keepdims", 1) != 1)
      refuse(node);
    const double epsilon = as_written(number(*sum, 1));
    return {&node, x, [epsilon](ReadStack& stack) {
              require(stack.shape.rank() == 1 || stack.shape.rank() == 3, "expected vectors or images, got ",
                      stack.shape);
              append(stack, {describe("pixel_norm", PixelNormOptions{.epsilon = epsilon})}, true);
            }};
  }

  // ---- steps: elementwise

  Step read_nothing(const OnnxNode& node, int) const {
    require(node.op != "Pad" || zeros(node) == Padding{}, of(node), "expected a convolution or an average behind it");
    require(node.op != "Cast" || whole(node, "to", 0) == 1, of(node), "expected numbers that stay float");
    require(node.op != "Dropout" || !constant(node, 2) || number(node, 2) == 0, of(node), "expected evaluation");
    return {&node, input_of(node, 0), [](ReadStack&) {}};
  }
  Step read_activation(const OnnxNode& node, int) const {
    Description d{node.op};
    std::transform(d.kind.begin(), d.kind.end(), d.kind.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    if (node.op == "LeakyRelu") d = describe("leaky_relu", LeakyReLUOptions{real(node, "alpha", 0.01f)});
    if (node.op == "Elu") d = describe("elu", ELUOptions{real(node, "alpha", 1)});
    return {&node, input_of(node, 0), [d](ReadStack& stack) { append(stack, {d}, true); }};
  }

  /// x * sigmoid(x), the sum of two branches times a number, or a basis.
  Step read_mul(const OnnxNode& node, int depth) const {
    for (const std::size_t i : {0, 1}) {
      const OnnxNode* gate = made_by(&node, i, "Sigmoid");
      if (gate && input_of(*gate, 0) == input_of(node, 1 - i))
        return {&node, input_of(node, 1 - i), [](ReadStack& stack) { append(stack, {{"silu"}}, true); }};
      const OnnxNode* sum = made_by(&node, i, "Add");
      if (sum && number(node, 1 - i) == number(node, 1 - i) && !constant(*sum, 0) && !constant(*sum, 1)) {
        const double scale = as_written(number(node, 1 - i));
        return branches(node, input_of(*sum, 0), input_of(*sum, 1), depth,
                        describe("residual", ResidualOptions{.scale = scale}));
      }
      const OnnxNode* strengths = made_by(&node, i, "Reshape");
      const OnnxNode* product = made_by(strengths, 0, "Gemm");
      const OnnxTensor* image = constant(node, 1 - i);
      if (product && image) return read_basis(node, *strengths, *product, *image);
    }
    refuse(node);
  }
  Step read_basis(const OnnxNode& node, const OnnxNode& strengths, const OnnxNode& product,
                  const OnnxTensor& image) const {
    const OnnxTensor& w = weight(product, 1);
    require(w.shape.rank() == 2 && image.shape.rank() == 3 && image.shape[0] == w.shape[0] && !has_input(product, 2) &&
                whole(product, "transB", 0) == 1 && whole(product, "transA", 0) == 0 &&
                attribute<float>(product, "alpha", 1) == 1,
            of(node), "expected an image whose channels are as strong as a product of the input says");
    const Shape sample{image.shape[1], image.shape[2], image.shape[0]};
    ReadLayer layer{describe("basis", BasisOptions{.in = w.shape[1], .shape = sample})};
    layer.tensors = {{"weight", numbers(w)}, {"basis", numbers(image)}};
    return {&node, input_of(product, 0), [=, this, layer = std::move(layer)](ReadStack& stack) {
              require(target(strengths, {sample[2]}) == Wholes{sample[2], 1, 1}, "expected one number a channel");
              append(stack, layer);
            }};
  }

  Step read_add(const OnnxNode& node, int depth) const {
    for (const std::size_t i : {0, 1}) {
      const OnnxTensor* added = constant(node, i);
      if (!added) continue;
      if (const OnnxNode* product = made_by(&node, 1 - i, "MatMul"))
        return dense(node, input_of(*product, 0), weight(*product, 1), false, added, 1, 1);
      if (const OnnxNode* scaled = made_by(&node, 1 - i, "Mul"))
        for (const std::size_t k : {0, 1})
          if (const OnnxTensor* factor = constant(*scaled, k))
            if (auto norm = read_group_norm(node, producer(input_of(*scaled, 1 - k)), factor, added)) return *norm;
      refuse(node);
    }
    if (auto projection = read_projection(node)) return *projection;
    if (auto norm = read_conditional_norm(node)) return *norm;
    if (auto attention = read_attention(node)) return *attention;
    return branches(node, input_of(node, 0), input_of(node, 1), depth, describe("residual", ResidualOptions{}));
  }

  // ---- steps: branches

  /// Two branches of the value that both are made of.
  Step branches(const OnnxNode& node, const std::string& main, const std::string& skip, int depth,
                const Description& joined) const {
    const std::string fork = fork_of(main, skip);
    auto a = std::make_shared<std::vector<Step>>(back(main, fork, depth + 1)),
         b = std::make_shared<std::vector<Step>>(back(skip, fork, depth + 1));
    return {&node, fork, [=, this](ReadStack& stack) {
              ReadStack left{stack.shape, stack.order}, right = left;
              go_forward(left, *a);
              go_forward(right, *b);
              // A skip branch that does nothing is the shorter way to say it.
              if (joined.kind == "residual" && left.layers.empty()) std::swap(left, right);
              require(left.order == right.order && (left.order.rank() != 3 || joined.kind == "residual"),
                      "expected branches that count their features in the same way");
              Description d = joined;
              for (const ReadStack* branch : {&left, &right}) {
                d.layers.push_back({"sequential"});
                for (const ReadLayer& layer : branch->layers) d.layers.back().layers.push_back(layer.description);
              }
              const Shape shape = make_layer<float>(d)->output_shape(stack.shape);
              stack.shape = shape;
              stack.order = left.order;
              ReadLayer layer{d};
              layer.branches = {std::move(left.layers), std::move(right.layers)};
              stack.layers.push_back(std::move(layer));
            }};
  }

  /// Of the values that both are made of the last one.
  std::string fork_of(const std::string& a, const std::string& b) const {
    const std::vector<bool> of_a = ancestors(a), of_b = ancestors(b);
    for (std::size_t i = model_.nodes.size(); i-- > 0;)
      if (of_a[i] && of_b[i]) return model_.nodes[i].outputs.front();
    return input_;
  }
  std::vector<bool> ancestors(const std::string& value) const {
    std::vector<bool> all(model_.nodes.size());
    std::vector<std::string> open{value};
    while (!open.empty()) {
      const auto found = producers_.find(open.back());
      open.pop_back();
      if (found == producers_.end() || all[found->second]) continue;
      const OnnxNode& node = model_.nodes[found->second];
      if (node.op == "Constant" || node.op == "Shape") continue;
      all[found->second] = true;
      open.insert(open.end(), node.inputs.begin(), node.inputs.end());
    }
    return all;
  }

  /// x with the rows of a table that the labels choose, x with the deviations of its samples, or two branches.
  Step read_concat(const OnnxNode& node, int depth) const {
    require(node.inputs.size() == 2, of(node), "expected two inputs, got ", node.inputs.size());
    const std::int64_t axis = whole(node, "axis", 0);
    if (auto embedding = read_embedding(node)) return *embedding;
    if (auto stddev = read_stddev(node)) return *stddev;
    Step step = branches(node, input_of(node, 1), input_of(node, 0), depth, {"concat_skip"});
    step.go = [this, &node, axis, go = step.go](ReadStack& stack) {
      go(stack);
      const auto rank = static_cast<std::int64_t>(stack.shape.rank());
      const std::int64_t channels = rank == 3 ? 1 : rank;
      require(axis == channels || axis == channels - rank - 1, of(node), "expected channels (axis ", channels,
              ") to be joined, got axis ", axis);
    };
    return step;
  }

  // ---- steps: labels

  bool is_labels(const std::string& name) const { return !labels_.empty() && name == labels_; }
  /// The table whose rows labels choose in "Gather", or null.
  const OnnxTensor* table_of(const OnnxNode* gather) const {
    if (!gather || !has_input(*gather, 1) || !is_labels(gather->inputs[1]) || whole(*gather, "axis", 0) != 0)
      return nullptr;
    const OnnxTensor* table = constant(*gather, 0);
    const bool rows = table && !table->whole_numbers() && table->shape.rank() >= 2 &&
                      table->shape.size() == table->shape[0] * table->shape[1];
    return rows ? table : nullptr;
  }

  std::optional<Step> read_embedding(const OnnxNode& node) const {
    const OnnxNode* rows = producer(input_of(node, 1));
    if (rows && rows->op == "Expand") rows = has_input(*rows, 0) ? producer(rows->inputs[0]) : nullptr;
    if (rows && rows->op == "Reshape") rows = has_input(*rows, 0) ? producer(rows->inputs[0]) : nullptr;
    if (!rows) return {};
    EmbeddingOptions o;
    std::vector<double> table;
    if (const OnnxTensor* held = rows->op == "Gather" ? table_of(rows) : nullptr) {
      o = {.classes = held->shape[0], .features = held->shape[1]};
      table = numbers(*held);
    } else if (rows->op == "OneHot" && is_labels(input_of(*rows, 0)) && whole(*rows, "axis", -1) == -1 &&
               constant(*rows, 2) && numbers(*constant(*rows, 2)) == std::vector<double>{0, 1}) {
      const double classes = number(*rows, 1);
      require(classes >= 1 && classes <= static_cast<double>(most_classes), of(*rows), "expected 1 to ", most_classes,
              " classes, got ", classes);
      o = {.classes = static_cast<Index>(classes), .one_hot = true};
    } else {
      return {};
    }
    require(whole(node, "axis", 0) == 1, of(node), "expected channels (axis 1) to be joined");
    ReadLayer layer{describe("embedding", o)};
    if (!o.one_hot) layer.tensors["weight"] = table;
    return Step{&node, input_of(node, 0), [layer](ReadStack& stack) { append(stack, layer); }};
  }

  /// x[0] + x[1 + label]
  std::optional<Step> read_projection(const OnnxNode& node) const {
    const OnnxNode *first = made_by(&node, 0, "Gather"), *chosen = made_by(&node, 1, "GatherElements");
    const OnnxNode* column = made_by(chosen, 1, "Unsqueeze");
    const OnnxNode* next = made_by(column, 0, "Add");
    if (!first || !next || !is_labels(input_of(*next, 0)) || number(*next, 1) != 1 || number(*first, 1) != 0 ||
        whole(*first, "axis", 0) != 1 || whole(*chosen, "axis", 0) != 1 || input_of(*first, 0) != input_of(*chosen, 0))
      return {};
    return Step{&node, input_of(*first, 0), [](ReadStack& stack) {
                  append(stack, {describe("projection", ProjectionOptions{.classes = stack.shape.back() - 1})});
                }};
  }

  /// x times a scale and plus a shift that the labels choose: a conditional batch norm whose statistics are in its
  /// tables, its own being 0 and 1.
  std::optional<Step> read_conditional_norm(const OnnxNode& node) const {
    const OnnxNode *scaled = made_by(&node, 0, "Mul"), *shifts = made_by(&node, 1, "Gather");
    const OnnxTensor *scale = table_of(made_by(scaled, 1, "Gather")), *shift = table_of(shifts);
    if (!scale || !shift || scale->shape[0] != shift->shape[0] || scale->shape[1] != shift->shape[1]) return {};
    const ConditionalBatchNormOptions o{.features = scale->shape[1], .classes = scale->shape[0]};
    ReadLayer layer{describe("conditional_batch_norm", o)};
    layer.tensors = {{"weight", numbers(*scale)}, {"bias", numbers(*shift)}};
    for (double& v : layer.tensors["weight"]) v *= std::sqrt(1 + o.epsilon);
    layer.tensors["mean"].assign(static_cast<std::size_t>(o.features), 0);
    layer.tensors["variance"].assign(static_cast<std::size_t>(o.features), 1);
    return Step{&node, input_of(*scaled, 0), [layer](ReadStack& stack) { append(stack, layer); }};
  }

  // ---- steps: samples and pixels that see each other

  /// As the exporter writes it; see self_attention in onnx_layers.hpp.
  std::optional<Step> read_attention(const OnnxNode& node) const {
    const std::string& x = input_of(node, 0);
    const OnnxNode* image = made_by(&node, 1, "Reshape");
    const OnnxNode* seen = made_by(image, 0, "MatMul");
    const OnnxNode* mixed = made_by(seen, 1, "MatMul");
    const OnnxNode *h = made_by(mixed, 0, "MatMul"), *shares = made_by(mixed, 1, "Softmax");
    const OnnxNode* scores = made_by(shares, 0, "MatMul");
    const OnnxNode *keys = made_by(scores, 0, "Transpose"), *g = made_by(scores, 1, "MatMul");
    const OnnxNode* f = made_by(keys, 0, "MatMul");
    const OnnxNode* pixels = made_by(f, 1, "Reshape");
    if (!pixels || !h || !g || input_of(*pixels, 0) != x || input_of(*g, 1) != input_of(*f, 1) ||
        input_of(*h, 1) != input_of(*f, 1) || whole(*shares, "axis", -1) != 1 ||
        wholes(*keys, "perm", {}) != Wholes{0, 2, 1})
      return {};
    ReadLayer layer;
    const std::pair<const char*, const OnnxNode*> matrices[] = {{"f", f}, {"g", g}, {"h", h}, {"v", seen}};
    for (const auto& [name, product] : matrices) {
      const OnnxTensor& matrix = weight(*product, 0);
      require(matrix.shape.rank() == 2, of(*product), "expected a matrix of weights, got ", matrix.shape);
      layer.tensors[name] = numbers(matrix);
    }
    layer.tensors["gamma"] = {1};
    layer.description = describe("self_attention", SelfAttentionOptions{.in = weight(*f, 0).shape[1],
                                                                        .keys = weight(*f, 0).shape[0],
                                                                        .values = weight(*h, 0).shape[0]});
    return Step{&node, x, [=, this](ReadStack& stack) {
                  const Shape in = stack.shape;
                  require(in.rank() == 3 && target(*pixels, in) == Wholes{in[2], in[0] * in[1]} &&
                              target(*image, in) == graph_sample(in),
                          "expected an image as a matrix of channels and pixels");
                  append(stack, layer);
                }};
  }

  /// As the exporter writes it; see minibatch_stddev in onnx_layers.hpp.
  std::optional<Step> read_stddev(const OnnxNode& node) const {
    const std::string& x = input_of(node, 0);
    const OnnxNode* channel = producer(input_of(node, 1));
    if (channel && channel->op == "Expand") channel = has_input(*channel, 0) ? producer(channel->inputs[0]) : nullptr;
    if (channel && channel->op == "Reshape") channel = has_input(*channel, 0) ? producer(channel->inputs[0]) : nullptr;
    if (!channel || channel->op != "Gather") return {};
    const OnnxNode* mean = made_by(channel, 0, "ReduceMean");
    const OnnxNode* root = made_by(mean, 0, "Sqrt");
    const OnnxNode* sum = made_by(root, 0, "Add");
    const OnnxNode* variance = made_by(sum, 0, "MatMul");
    const OnnxNode* square = made_by(variance, 1, "Mul");
    const OnnxNode* apart = made_by(square, 0, "Sub");
    const OnnxNode* rows = made_by(apart, 0, "Reshape");
    const OnnxNode* group_of = made_by(channel, 1, "Max");
    const OnnxNode* in_larger = made_by(group_of, 0, "Div");
    const OnnxNode* larger = made_by(in_larger, 1, "Add");
    const OnnxNode* q = made_by(larger, 0, "Div");
    const OnnxNode* groups = made_by(q, 1, "Max");
    const OnnxNode* whole_groups = made_by(groups, 0, "Div");
    if (!rows || input_of(*rows, 0) != x || !whole_groups || !(number(*whole_groups, 1) >= 1) ||
        !(number(*whole_groups, 1) <= 1e9) || !(number(*sum, 1) > 0) || number(*groups, 1) != 1)
      return {};
    const MinibatchStddevOptions o{.group = static_cast<Index>(number(*whole_groups, 1)),
                                   .epsilon = as_written(number(*sum, 1))};
    return Step{&node, x, [o](ReadStack& stack) { append(stack, {describe("minibatch_stddev", o)}); }};
  }

  Step read_pool(const OnnxNode& node, int) const {
    const bool average = node.op == "AveragePool";
    const auto [from, around] = average ? padded_input(node) : std::pair{input_of(node, 0), padding(node)};
    require_no_dilation(node);
    require(around.begin == around.end && whole(node, "ceil_mode", 0) == 0, of(node),
            "expected the same padding on both sides, and sizes rounded down");
    // A Pad's zeros count, so those of the node's own must.
    const bool outer = from != input_of(node, 0) && !(zeros(*producer(input_of(node, 0))) == Padding{});
    const bool counts = whole(node, "count_include_pad", 0) != 0;
    require(!outer || counts || padding(node) == Padding{}, of(node), "expected zeros around it to count all or none");
    const Size2 kernel = size(node, "kernel_shape", 0), stride = size(node, "strides", 1);
    const Description d =
        average ? describe("avg_pool2d", AvgPoolOptions{.kernel = kernel,
                                                        .stride = stride,
                                                        .padding = around.begin,
                                                        .count_include_pad = counts || outer})
                : describe("max_pool2d", MaxPoolOptions{.kernel = kernel, .stride = stride, .padding = around.begin});
    return {&node, from, [d](ReadStack& stack) { append(stack, {d}); }};
  }
  Step read_global_pool(const OnnxNode& node, int) const {
    const bool average = node.op == "GlobalAveragePool";
    return {&node, input_of(node, 0), [average](ReadStack& stack) {
              require(stack.shape.rank() == 3, "expected images, got ", stack.shape);
              const Size2 all{stack.shape[0], stack.shape[1]};
              append(stack, {average ? describe("avg_pool2d", AvgPoolOptions{.kernel = all, .stride = all})
                                     : describe("max_pool2d", MaxPoolOptions{.kernel = all, .stride = all})});
            }};
  }
  /// The axes that an operator reduces or changes: an input, or in older files an attribute.
  Wholes axes(const OnnxNode& node) const {
    if (const OnnxTensor* given = constant(node, 1))
      if (const auto* values = std::get_if<Wholes>(&given->values)) return *values;
    return wholes(node, "axes", {});
  }
  Step read_sum_pool(const OnnxNode& node, int) const {
    const Wholes over = axes(node);
    if ((over != Wholes{2, 3} && over != Wholes{-2, -1}) || whole(node, "keepdims", 1) != 0) refuse(node);
    return {&node, input_of(node, 0), [](ReadStack& stack) { append(stack, {{"sum_pool"}}); }};
  }

  Step read_resize(const OnnxNode& node, int) const {
    const std::string mode = attribute<std::string>(node, "mode", "nearest"),
                      place = attribute<std::string>(node, "coordinate_transformation_mode", "half_pixel"),
                      rounding = attribute<std::string>(node, "nearest_mode", "round_prefer_floor");
    // For whole factors an enlarged pixel's centre lies in one pixel.
    const bool nearest = mode == "nearest" && ((place == "asymmetric" && rounding == "floor") ||
                                               (place == "half_pixel" && rounding.starts_with("round")));
    const bool linear = mode == "linear" && (place == "half_pixel" || place == "pytorch_half_pixel");
    require(nearest || linear, of(node), "expected nearest pixels or bilinear ones without aligned corners, got ", mode,
            ", ", place, ", ", rounding);
    const bool sized = has_input(node, 3);
    const OnnxTensor* scales = constant(node, 2);
    return {&node, input_of(node, 0), [=, this, &node](ReadStack& stack) {
              const Shape in = stack.shape;
              require(in.rank() == 3, "expected images, got ", in);
              std::vector<double> factors;
              if (sized) {
                const Wholes to = whole_values(input_of(node, 3), 0);
                require(to.size() == 4 && to[1] == in[2], "expected four sizes that keep the channels");
                factors = {1, 1, static_cast<double>(to[2]) / static_cast<double>(in[0]),
                           static_cast<double>(to[3]) / static_cast<double>(in[1])};
              } else {
                require(scales != nullptr, "expected constant scales");
                factors = numbers(*scales);
              }
              require(factors.size() == 4 && factors[0] == 1 && factors[1] == 1, "expected four scales that keep the ",
                      "channels");
              for (const double f : factors)
                require(f >= 1 && f <= 1e6 && f == std::floor(f), "expected whole factors, got ", f);
              append(
                  stack,
                  {describe("upsample",
                            UpsampleOptions{.factor = {static_cast<Index>(factors[2]), static_cast<Index>(factors[3])},
                                            .mode = nearest ? Interpolation::nearest : Interpolation::bilinear})});
            }};
  }

  // ---- steps: shapes

  /// The extents of a sample in the graph: C, H, W of an image.
  static Wholes graph_sample(const Shape& sample) {
    if (sample.rank() == 3) return {sample[2], sample[0], sample[1]};
    return {sample.begin(), sample.end()};
  }

  /// Whole numbers of a constant, or of what PyTorch computes of shapes. The number of samples is `samples`.
  static constexpr std::int64_t samples = -2;
  Wholes whole_values(const std::string& name, int depth) const {
    require(depth < 64, what_, ": \"", name, "\": expected whole numbers that are simply made");
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

  bool turns(const OnnxNode* node, const Wholes& order) const {
    return node && node->op == "Transpose" && wholes(*node, "perm", {}) == order;
  }
  const Wholes to_pixels{0, 2, 3, 1}, to_channels{0, 3, 1, 2};

  Step read_reshape(const OnnxNode& node, int) const {
    if (auto norm = read_group_norm(node, &node, nullptr, nullptr)) return *norm;
    const OnnxNode* turn = producer(input_of(node, 0));
    const bool pixels = turns(turn, to_pixels);
    return {&node, input_of(pixels ? *turn : node, 0),
            [this, &node, pixels](ReadStack& stack) { change_shape(stack, node, pixels, false); }};
  }
  /// Pixels made an image: Transpose(Reshape(x)).
  Step read_transpose(const OnnxNode& node, int) const {
    const OnnxNode* shape = made_by(&node, 0, "Reshape");
    if (!shape || !turns(&node, to_channels)) refuse(node);
    const OnnxNode* turn = producer(input_of(*shape, 0));
    const bool pixels = turns(turn, to_pixels);
    return {&node, input_of(pixels ? *turn : *shape, 0),
            [this, shape, pixels](ReadStack& stack) { change_shape(stack, *shape, pixels, true); }};
  }

  static bool matters(const Shape& image) { return image.rank() == 3 && image[2] > 1 && image[0] * image[1] > 1; }

  /// A sample under another shape. In the graph an image's elements lie channel by channel, here pixel by pixel, unless
  /// it is turned before (`from_pixels`) or afterwards (`to_image`).
  void change_shape(ReadStack& stack, const OnnxNode& node, bool from_pixels, bool to_image) const {
    const Shape in = stack.shape;
    Index packs = 1;
    Wholes extents;
    if (from_pixels) {
      require(in.rank() == 3, "expected images, got ", in);
      extents = target(node, {in.size()});
    } else {
      extents = target(node, in, &packs);
    }
    require(static_cast<Index>(extents.size()) < Shape::max_rank, "expected at most ", Shape::max_rank, " axes");
    if (extents.size() == 3 && !to_image) extents = {extents[1], extents[2], extents[0]};
    require(!to_image || extents.size() == 3, "expected images");
    Shape out;
    for (const std::int64_t extent : extents) out.push_back(static_cast<Index>(extent));
    if (packs > 1) {
      require(stack.order.rank() != 3 && (in.rank() == 1 || in.rank() == 3) &&
                  out == in.with(in.rank() - 1, in.back() * packs),
              "expected the channels of ", packs, " samples behind each other, got ", out, " of ", in);
      return append(stack, {describe("pack", PackOptions{.count = packs})});
    }
    const Shape counted = from_pixels ? Shape{} : matters(in) ? in : stack.order;  // by this image's channels
    if (out == in && !from_pixels && !to_image) return;
    if (out.rank() == 1 && in.rank() != 1) {
      append(stack, {{"flatten"}});
      if (matters(counted)) stack.order = counted;
      return;
    }
    if (matters(counted)) {
      require(!to_image && out.rank() == 3 && counted == out, "expected the image that the vector was made of, got ",
              out);
    } else if (matters(out) && !to_image) {
      count_by_channels(stack, out);
    }
    append(stack, {describe("reshape", ReshapeOptions{out})});
  }

  /// The vector at the end of the stack is to be counted by the channels of an image, as it becomes one: the dense
  /// layer that made it has its outputs in that order.
  static void count_by_channels(ReadStack& stack, const Shape& image) {
    require(stack.shape.rank() == 1, "expected a vector that becomes an image, got ", stack.shape);
    static const std::set<std::string, std::less<>> keep{"batch_norm", "relu",     "leaky_relu", "tanh",      "sigmoid",
                                                         "elu",        "softplus", "silu",       "pixel_norm"};
    for (std::size_t i = stack.layers.size(); i-- > 0;) {
      ReadLayer& layer = stack.layers[i];
      const std::string& kind = layer.description.kind;
      const bool one_group = kind == "group_norm" && read_options<GroupNormOptions>(layer.description).groups == 1;
      layer.order.out = image;
      if (kind == "dense") return;
      require(keep.count(kind) || one_group, "expected a dense layer to have made the vector that becomes an image, ",
              "got ", kind);
      layer.order.in = image;
    }
    fail("expected a dense layer to have made the vector that becomes an image, got the input");
  }

  const OnnxModel& model_;
  std::string what_, input_, labels_;
  Shape sample_;
  Index batch_ = -1;  // what the file was written with, where it is not any
  std::map<std::string, const OnnxTensor*> constants_;
  std::map<std::string, std::size_t> producers_;
  mutable std::map<std::string, Shape> shapes_;  // while going forward: of the samples of values between layers
};

}  // namespace rival::internal

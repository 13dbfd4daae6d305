#pragma once
// OnnxGraph: an ONNX model in the making, and what the exporter of a kind of layer is given.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "rival/core/tensor.hpp"
#include "rival/io/onnx_model.hpp"
#include "rival/io/weight_layout.hpp"
#include "rival/nn/description.hpp"

namespace rival {

struct OnnxOptions {
  /// Whether a batch norm directly behind a dense layer or a convolution becomes a part of its weights. Otherwise it
  /// stays a node of its own, with its running statistics.
  bool fold_batch_norm = true;
};

/// A layer as an exporter sees it: what it is, and its tensors by the last part of their names ("weight", "mean"), in
/// the layout that they have here. Wrappers (spectral norm, equalised, weight norm) are no layers of their own: it is
/// the layer within, and the weight is the one that it works with.
struct OnnxLayer {
  std::string name;  ///< without the network's
  Description description;
  Shape in, out;             ///< of one sample
  Shape feature_order = {};  ///< the order that its output, a vector, is wanted in; see OnnxPlace
  std::map<std::string, Tensor<double>> tensors = {};  ///< parameters and buffers
  std::vector<std::vector<OnnxLayer>> branches = {};   ///< the layers of each branch

  /// Throws Error where there is none of that name.
  const Tensor<double>& tensor(const std::string& last) const {
    const auto found = tensors.find(last);
    require(found != tensors.end(), "ONNX export: layer \"", name, "\" has no tensor \"", last, "\"");
    return found->second;
  }
  bool has(const std::string& last) const { return tensors.count(last) > 0; }
};

/// A value in the graph: an image {H, W, C} is N x C x H x W there, and any other sample is as it is here.
///
/// A vector that was made of an image is counted channel by channel, as N x C x H x W lies in memory: `order` is then
/// that image. Otherwise it is empty, and features have the same numbers as here.
struct OnnxPlace {
  std::string name;
  Shape shape;  ///< of one sample
  Shape order = {};
};

/// Nodes and constants, added one by one. Names are made unique.
class OnnxGraph {
 public:
  /// No node or constant has one of the names that are `kept` for inputs and outputs.
  explicit OnnxGraph(const OnnxOptions& options, const std::vector<std::string>& kept = {})
      : options_(options), names_(kept.begin(), kept.end()) {
    names_.insert(labels_name);
  }

  const OnnxOptions& options() const { return options_; }
  OnnxModel& model() { return model_; }

  /// Adds a node, and returns the name of its output, which is the node's own.
  std::string add(const std::string& op, const std::string& name, std::vector<std::string> inputs,
                  std::map<std::string, OnnxAttribute, std::less<>> attributes = {}) {
    const std::string own = unique(name);
    model_.nodes.push_back({own, op, "", std::move(inputs), {own}, std::move(attributes)});
    return own;
  }

  /// Adds constants, and returns the name.
  std::string constant(const std::string& name, const Shape& shape, std::vector<float> values) {
    return add_constant({unique(name), shape, std::move(values)});
  }
  std::string constant(const std::string& name, std::vector<std::int64_t> values) {
    const Shape shape{static_cast<Index>(values.size())};
    return add_constant({unique(name), shape, std::move(values)});
  }
  std::string scalar(const std::string& name, std::int64_t value) {
    return add_constant({unique(name), {}, std::vector<std::int64_t>{value}});
  }
  /// A tensor of a layer in PyTorch's layout. `order` says how its in and out features are counted.
  std::string constant(const std::string& name, const Tensor<double>& tensor, WeightAxes axes = WeightAxes::plain,
                       const internal::FeatureOrder& order = {}) {
    const internal::FileLayout layout = internal::layout_of(name, tensor.shape(), axes, order);
    std::vector<float> values(static_cast<std::size_t>(tensor.size()));
    internal::for_each_place(layout, [&](Index there, Index here) {
      values[static_cast<std::size_t>(there)] = static_cast<float>(tensor[here]);
    });
    return constant(name, layout.shape, std::move(values));
  }
  /// Numbers of each channel, of a shape that goes with x: {C, 1, 1} for images.
  std::string of_channels(const std::string& name, const Tensor<double>& tensor, const OnnxPlace& x) {
    const std::string added = constant(name, tensor, WeightAxes::plain, {{}, x.order});
    if (x.shape.rank() == 3) model_.initialisers.back().shape = {tensor.size(), 1, 1};
    return added;
  }
  /// Rows of numbers of each channel, one a class: {classes, C, 1, 1} for images. Features are counted as here.
  std::string of_classes(const std::string& name, const Tensor<double>& table, const Shape& sample) {
    const std::string added = constant(name, table);
    if (sample.rank() == 3) model_.initialisers.back().shape = {table.dim(0), table.dim(1), 1, 1};
    return added;
  }

  /// The graph's input of labels, one a sample of a batch that is called `batch()`.
  std::string labels() {
    if (!labelled_) model_.inputs.push_back({labels_name, true, {{-1, batch_}}});
    labelled_ = true;
    return labels_name;
  }
  /// What the number of samples is called: another one behind a layer that makes one sample of several.
  const std::string& batch() const { return batch_; }
  void change_batch() { batch_ = "packed_" + batch_; }

  /// x under another shape, whose elements come in the same order. The batch is kept.
  std::string reshape(const std::string& name, const std::string& x, const std::vector<std::int64_t>& sample) {
    std::vector<std::int64_t> whole{0};  // stands for the extent that is there
    whole.insert(whole.end(), sample.begin(), sample.end());
    return add("Reshape", name, {x, constant(name + ".shape", std::move(whole))});
  }

  /// Samples of rank 2 with their axes the other way round: steps by channels, or channels by steps.
  std::string turned(const std::string& name, const std::string& x) {
    return add("Transpose", name, {x}, {{"perm", std::vector<std::int64_t>{0, 2, 1}}});
  }

  /// The axis of the channels.
  static std::int64_t channel_axis(const Shape& sample) { return sample.rank() == 3 ? 1 : sample.rank(); }
  /// Whether it makes a difference if the features of an image are counted by pixel or by channel.
  static bool order_matters(const Shape& image) { return image.rank() == 3 && image[2] > 1 && image[0] * image[1] > 1; }

  /// The name of a value whose elements are those of x in the order that they have here, of any shape.
  std::string elements(const std::string& name, const OnnxPlace& x) {
    if (x.shape.rank() == 3) return pixels_first(name, x.name, x.shape);
    if (x.order.rank() != 3) return x.name;
    return pixels_first(name, reshape(name + ".image", x.name, {x.order[2], x.order[0], x.order[1]}), x.order);
  }
  /// The other way: a sample of such elements.
  OnnxPlace place(const std::string& name, const std::string& elements, const Shape& sample) {
    if (!order_matters(sample)) {
      if (sample.rank() == 3) return {reshape(name, elements, {sample[2], sample[0], sample[1]}), sample};
      return {reshape(name, elements, {sample.begin(), sample.end()}), sample};
    }
    const std::string pixels = reshape(name + ".pixels", elements, {sample.begin(), sample.end()});
    return {add("Transpose", name, {pixels}, {{"perm", std::vector<std::int64_t>{0, 3, 1, 2}}}), sample};
  }
  /// x, its features counted as here.
  OnnxPlace plain(const std::string& name, const OnnxPlace& x) {
    return x.order.rank() == 3 ? place(name, elements(name, x), x.shape) : x;
  }

  /// Makes x an output of the graph under that name, one of those kept. Once all nodes are there.
  void output(const std::string& name, const OnnxPlace& x) {
    bool made = false;
    for (OnnxNode& node : model_.nodes)
      for (auto* ends : {&node.inputs, &node.outputs})
        for (std::string& end : *ends)
          if (end == x.name) made = made || ends == &node.outputs, end = name;
    if (!made) model_.nodes.push_back({name, "Identity", "", {x.name}, {name}, {}});
    add_output(name, x.shape);
  }
  void add_output(const std::string& name, const Shape& sample) {
    model_.outputs.push_back({name, false, extents(sample)});
  }
  OnnxPlace input(const std::string& name, const Shape& sample) {
    model_.inputs.push_back({name, false, extents(sample)});
    return {name, sample};
  }

 private:
  static constexpr const char* labels_name = "labels";

  std::vector<OnnxExtent> extents(const Shape& sample) const {
    std::vector<OnnxExtent> all{{-1, batch_}};
    if (sample.rank() == 3) return all.insert(all.end(), {{sample[2]}, {sample[0]}, {sample[1]}}), all;
    for (const Index extent : sample) all.push_back({extent});
    return all;
  }
  std::string pixels_first(const std::string& name, const std::string& x, const Shape& image) {
    if (!order_matters(image)) return x;
    return add("Transpose", name + ".transposed", {x}, {{"perm", std::vector<std::int64_t>{0, 2, 3, 1}}});
  }
  std::string add_constant(OnnxTensor tensor) {
    model_.initialisers.push_back(std::move(tensor));
    return model_.initialisers.back().name;
  }
  std::string unique(const std::string& name) {
    std::string own = name;
    for (int i = 2; !names_.insert(own).second; ++i) own = name + "_" + std::to_string(i);
    return own;
  }

  OnnxOptions options_;
  OnnxModel model_;
  std::set<std::string> names_;
  bool labelled_ = false;
  std::string batch_ = "batch";
};

}  // namespace rival

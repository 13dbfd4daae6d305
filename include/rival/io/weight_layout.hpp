#pragma once
// How a network's tensors lie in files of PyTorch's kind: names, and the order of their axes.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/core/tensor.hpp"
#include "rival/layers/time_distributed.hpp"
#include "rival/nn/network.hpp"

namespace rival::internal {

/// A tensor here and in a file. Here it is row by row of `extents`; in the file its axes come in the order `axes`, and
/// are then taken together to `shape`.
struct FileLayout {
  std::string name;
  Shape extents;
  std::vector<Index> axes;
  Shape shape;
};

/// Visits the elements in the file's order: visit(place in the file, place here).
template <class Visit>
void for_each_place(const FileLayout& layout, const Visit& visit) {
  const auto rank = static_cast<std::size_t>(layout.extents.rank());
  std::vector<Index> strides(rank, 1), order(rank), index(rank, 0);
  for (std::size_t i = rank; i-- > 1;) strides[i - 1] = strides[i] * layout.extents[static_cast<Index>(i)];
  Index here = 0;
  for (Index place = 0, size = layout.extents.size(); place < size; ++place) {
    visit(place, here);
    for (std::size_t i = rank; i-- > 0;) {
      const auto axis = static_cast<std::size_t>(layout.axes[i]);
      here += strides[axis];
      if (++index[i] < layout.extents[layout.axes[i]]) break;
      here -= strides[axis] * index[i];
      index[i] = 0;
    }
  }
}

/// Where a vector's features are the pixels of an image, PyTorch counts them channel by channel, Rival pixel by pixel.
/// This is the image {H, W, C} that the vector in front of and behind each layer is, or nothing ({}).
struct FeatureOrder {
  Shape in, out;
};

template <class S>
struct PlacedLayer {
  Layer<S>* layer;
  Description description;
  Shape in, out;
};

/// All layers of a stack one behind the other, those of stacks within it too.
template <class S>
Shape place_layers(Sequential<S>& layers, Shape shape, std::vector<PlacedLayer<S>>& all) {
  for (Index i = 0; i < layers.size(); ++i) {
    if (auto* stack = dynamic_cast<Sequential<S>*>(&layers[i])) {
      shape = place_layers(*stack, shape, all);
      continue;
    }
    const Shape in = shape;
    shape = layers[i].output_shape(in);
    all.push_back({&layers[i], layers[i].describe(), in, shape});
  }
  return shape;
}

/// Whether each of the layer's outputs is a feature of the same number in its input.
template <class S>
bool keeps_features(const PlacedLayer<S>& placed) {
  State<S> state;
  placed.layer->collect(state);
  for (const auto* parameter : state.parameters)
    if (parameter->axes != WeightAxes::plain) return false;
  return placed.in.rank() == 1 && placed.out == placed.in && placed.description.layers.empty();
}

template <class S>
std::vector<FeatureOrder> feature_orders(const std::vector<PlacedLayer<S>>& layers) {
  std::vector<FeatureOrder> orders(layers.size());
  const auto matters = [](const Shape& image) { return image.rank() == 3 && image[2] > 1 && image[0] * image[1] > 1; };
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].description.kind == "flatten" && matters(layers[i].in))
      for (std::size_t k = i + 1; k < layers.size(); ++k) {
        orders[k].in = layers[i].in;
        if (!keeps_features(layers[k])) break;
        orders[k].out = layers[i].in;
      }
    if (layers[i].description.kind == "reshape" && layers[i].in.rank() == 1 && matters(layers[i].out))
      for (std::size_t k = i; k-- > 0;) {
        orders[k].out = layers[i].out;
        if (!keeps_features(layers[k])) break;
        orders[k].in = layers[i].out;
      }
  }
  return orders;
}

/// "conv1.weight" of "G.conv1.weight"; running statistics under PyTorch's names.
inline std::string file_name(const std::string& network, std::string name) {
  if (name.compare(0, network.size() + 1, network + ".") == 0) name.erase(0, network.size() + 1);
  for (const auto& [here, there] :
       {std::pair<std::string_view, std::string_view>{".mean", ".running_mean"}, {".variance", ".running_var"}})
    if (name.ends_with(here)) name.replace(name.size() - here.size(), here.size(), there);
  return name;
}

/// The layout of a tensor whose axes are as given. `order` says which image its in and out features are.
inline FileLayout layout_of(std::string name, const Shape& shape, WeightAxes axes, const FeatureOrder& order) {
  FileLayout layout{std::move(name), {}, {}, {}};
  // One axis here, three where its features are an image's: pushes its extents, and returns its axes in the file's
  // order.
  const auto place = [&](Index extent, const Shape& image) -> std::vector<Index> {
    const Index first = layout.extents.rank();
    if (image.rank() != 3 || image.size() != extent) {
      layout.extents.push_back(extent);
      return {first};
    }
    for (const Index e : image) layout.extents.push_back(e);
    return {first + 2, first, first + 1};
  };
  std::vector<std::vector<Index>> placed;
  for (Index axis = 0; axis < shape.rank(); ++axis) {
    const bool in = axes == WeightAxes::dense && axis == 0;
    placed.push_back(place(shape[axis], in ? order.in : axis + 1 == shape.rank() ? order.out : Shape{}));
  }
  std::vector<std::size_t> turn;
  const std::size_t last = placed.size() - 1;
  switch (axes) {
    case WeightAxes::plain:
      for (std::size_t i = 0; i < placed.size(); ++i) turn.push_back(i);
      break;
    case WeightAxes::dense:
      turn = {1, 0};
      break;
    case WeightAxes::convolution:
      turn = {last, last - 1};
      break;
    case WeightAxes::transposed_convolution:
      turn = {last - 1, last};
      break;
  }
  for (std::size_t i = 0; turn.size() < placed.size(); ++i) turn.push_back(i);  // the kernel's, one or two
  for (const std::size_t axis : turn) {
    layout.axes.insert(layout.axes.end(), placed[axis].begin(), placed[axis].end());
    layout.shape.push_back(shape[static_cast<Index>(axis)]);
  }
  return layout;
}

template <class S>
using FileLayouts = std::vector<std::pair<Tensor<S>*, FileLayout>>;

/// Appends those of a stack whose samples are of `shape`. `network` is the prefix of its names.
template <class S>
void append_file_layouts(Sequential<S>& stack, const Shape& shape, const std::string& network, FileLayouts<S>& all) {
  std::vector<PlacedLayer<S>> layers;
  place_layers(stack, shape, layers);
  const std::vector<FeatureOrder> orders = feature_orders(layers);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (auto* steps = dynamic_cast<TimeDistributed<S>*>(layers[i].layer)) {
      append_file_layouts(steps->layers(), layers[i].in.sample(), network, all);
      continue;
    }
    State<S> state;
    layers[i].layer->collect(state);
    // Within branches no order is followed: their vectors are plain ones.
    const FeatureOrder order = layers[i].description.kind == "residual" || layers[i].description.kind == "concat_skip"
                                   ? FeatureOrder{}
                                   : orders[i];
    for (auto* parameter : state.parameters)
      all.emplace_back(&parameter->value, layout_of(file_name(network, parameter->name), parameter->value.shape(),
                                                    parameter->axes, order));
    for (auto* buffer : state.buffers) {
      // Spectral norm's v is as long as its layer's input side, u as its output side.
      const bool of_input = buffer->name.ends_with(".v");
      const FeatureOrder side{{}, of_input ? order.in : order.out};
      all.emplace_back(&buffer->value,
                       layout_of(file_name(network, buffer->name), buffer->value.shape(), WeightAxes::plain, side));
    }
  }
}

/// Every tensor of the network, parameters and buffers, with its layout, in the order of the layers.
template <class S>
FileLayouts<S> file_layouts(Network<S>& network) {
  FileLayouts<S> all;
  append_file_layouts(network.layers(), network.input_shape(), network.name(), all);
  return all;
}

}  // namespace rival::internal

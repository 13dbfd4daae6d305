#pragma once
// Networks as ONNX models: for onnxruntime and whatever else reads ONNX. Needs protozero (rival::protozero).

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/io/onnx/exporters.hpp"
#include "rival/io/onnx_file.hpp"
#include "rival/layers/time_distributed.hpp"

namespace rival {

namespace internal {

template <class S>
Tensor<double> as_double(const Tensor<S>& tensor) {
  Tensor<double> wide(tensor.shape());
  wide.array() = tensor.array().template cast<double>();
  return wide;
}

/// "weight" of "G.conv1.weight", "conv1" being the layer.
inline std::string name_within(const std::string& name, const std::string& outer) {
  return name.compare(0, outer.size() + 1, outer + ".") == 0 ? name.substr(outer.size() + 1) : name;
}

/// All that exporters read of the layers. `network` is the prefix of their names.
template <class S>
std::vector<OnnxLayer> onnx_layers(Sequential<S>& stack, const Shape& in, const std::string& network) {
  std::vector<PlacedLayer<S>> placed;
  place_layers(stack, in, placed);
  const std::vector<FeatureOrder> orders = feature_orders(placed);
  std::vector<OnnxLayer> layers;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    Layer<S>& of = *placed[i].layer;
    OnnxLayer layer{name_within(of.name(), network), placed[i].description, placed[i].in, placed[i].out, orders[i].out};
    if (auto* branches = dynamic_cast<Branches<S>*>(&of)) {
      layer.branches.push_back(onnx_layers(branches->main(), layer.in, network));
      layer.branches.push_back(onnx_layers(branches->skip(), layer.in, network));
      layers.push_back(std::move(layer));
      continue;
    }
    if (auto* steps = dynamic_cast<TimeDistributed<S>*>(&of)) {
      layer.branches.push_back(onnx_layers(steps->layers(), layer.in.sample(), network));
      layers.push_back(std::move(layer));
      continue;
    }
    State<S> state;
    of.collect(state);
    for (const auto* parameter : state.parameters)
      layer.tensors[name_within(parameter->name, of.name())] = as_double(parameter->value);
    for (const auto* buffer : state.buffers)
      layer.tensors[name_within(buffer->name, of.name())] = as_double(buffer->value);
    if (const auto* weighted = dynamic_cast<const Weighted<S>*>(&of)) {
      Trace<S> trace;
      layer.tensors["weight"] = as_double(weighted->evaluated_weight(trace));
      if (!layer.description.layers.empty()) layer.description = Description(layer.description.layers.front());
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

/// The model of a network whose input and output are called so. Behind the first of its outputs there may be `heads`.
template <class S>
OnnxModel onnx_model(const Network<S>& network, const OnnxOptions& options, const std::string& input,
                     const std::string& output, Index heads) {
  Network<S> copy = network;  // whose tensors may be listed; a network's state is for those who may change it
  OnnxGraph graph(options, {input, output, "heads", "split_heads"});
  OnnxPlace x = graph.input(input, network.input_shape());
  x = export_layers(graph, onnx_layers(copy.layers(), network.input_shape(), network.name()), x);
  x = graph.plain(output + ".plain", x);
  if (output == "scores" && x.shape.rank() != 1)
    x = graph.place(output + ".vector", graph.elements(output + ".vector", x), {x.shape.size()});
  OnnxModel& model = graph.model();
  if (heads > 0) {
    const std::string sizes = graph.constant("split", std::vector<std::int64_t>{1, heads});
    model.nodes.push_back(
        {"split_heads", "Split", "", {x.name, sizes}, {output, "heads"}, {{"axis", std::int64_t{1}}}});
    graph.add_output(output, {1});
    graph.add_output("heads", {heads});
  } else {
    graph.output(output, x);
  }
  model.producer = "rival";
  model.graph = network.name();
  return std::move(model);
}

}  // namespace internal

/// The network as an ONNX model (opset 17), as it is in evaluation, in float. A batch may have any size. Images are
/// N x C x H x W there, all else is as here; weights and nodes have PyTorch's names and layout. A network that depends
/// on labels has a further input "labels", int64, one a sample.
///
/// A generator makes "samples" of "latents"; a discriminator makes "scores" {N, 1} and, if it has them, "heads"
/// {N, heads} of "samples"; another network "output" of "input". Throws Error, naming it, for a layer that has no
/// exporter.
template <class S>
OnnxModel onnx_model(const Network<S>& network, const OnnxOptions& options = {}) {
  return internal::onnx_model(network, options, "input", "output", 0);
}
/// The same of a generator, whose input and output have names of their own.
template <class S>
OnnxModel onnx_model(const Generator<S>& network, const OnnxOptions& options = {}) {
  return internal::onnx_model(network, options, "latents", "samples", 0);
}
/// The same of a discriminator, with its heads as a second output.
template <class S>
OnnxModel onnx_model(const Discriminator<S>& network, const OnnxOptions& options = {}) {
  return internal::onnx_model(network, options, "samples", "scores", network.heads());
}

/// Writes that model to a file:
///
///     save_onnx(generator, "generator.onnx");
///
/// Throws Error, and leaves an earlier file as it was, when it cannot be written, or the network cannot be exported.
template <template <class> class AnyNetwork, class S>
void save_onnx(const AnyNetwork<S>& network, const std::filesystem::path& path, const OnnxOptions& options = {}) {
  write_onnx(path, onnx_model(network, options));
}

}  // namespace rival

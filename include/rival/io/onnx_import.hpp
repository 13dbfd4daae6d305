#pragma once
// Networks from ONNX models: those that onnx_export.hpp writes, and others of the same operators, such as PyTorch's
// exporter writes. Needs protozero (rival::protozero).

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/io/onnx/importers.hpp"
#include "rival/io/onnx_file.hpp"

namespace rival {

namespace internal {

/// Fills a tensor with the numbers that lie in the file in another order.
template <class S>
void fill_from(Tensor<S>& to, const FileLayout& layout, const ReadLayer& layer, const std::string& what) {
  const auto found = layer.tensors.find(layout.name);
  require(found != layer.tensors.end(), what, ": a ", layer.description.kind, " without \"", layout.name, '"');
  require(static_cast<Index>(found->second.size()) == to.size(), what, ": a ", layer.description.kind, ": expected \"",
          layout.name, "\" of ", layout.shape, ", got ", found->second.size(), " numbers");
  for_each_place(layout, [&, &from = found->second](Index there, Index here) {
    to[here] = static_cast<S>(from[static_cast<std::size_t>(there)]);
  });
}

template <class S>
Sequential<S> made_of(const std::vector<ReadLayer>& layers, const std::string& what);

template <class S>
std::unique_ptr<Layer<S>> made_of(const ReadLayer& read, const std::string& what) {
  const Description& d = read.description;
  if (!read.branches.empty()) {
    Sequential<S> main = made_of<S>(read.branches[0], what), skip = made_of<S>(read.branches[1], what);
    if (d.kind == "concat_skip") return std::make_unique<ConcatSkip<S>>(std::move(main), std::move(skip));
    ResidualOptions options;
    options.scale = std::get<double>(d.options.at(0).second);
    return std::make_unique<Residual<S>>(std::move(main), std::move(skip), options);
  }
  std::unique_ptr<Layer<S>> layer = make_layer<S>(d);
  State<S> state;
  layer->collect(state);
  const auto last = [](const std::string& name) { return name.substr(name.rfind('.') + 1); };
  for (auto* parameter : state.parameters) {
    Tensor<S>& value = parameter->value;
    const std::string name = last(parameter->name);
    if (d.kind == "basis" && name == "basis")  // an image
      fill_from(value, layout_of(name, {value.size()}, WeightAxes::plain, {{}, value.shape()}), read, what);
    else
      fill_from(value, layout_of(name, value.shape(), parameter->axes, read.order), read, what);
  }
  for (auto* buffer : state.buffers)
    fill_from(buffer->value, layout_of(last(buffer->name), buffer->value.shape(), WeightAxes::plain, read.order), read,
              what);
  return layer;
}

template <class S>
Sequential<S> made_of(const std::vector<ReadLayer>& layers, const std::string& what) {
  Sequential<S> stack;
  for (const ReadLayer& layer : layers) stack.add(made_of<S>(layer, what));
  return stack;
}

inline std::string onnx_file_name(const std::filesystem::path& path) { return concatenate("ONNX file ", path); }

}  // namespace internal

/// The network that a model is, in evaluation: batches of any size, images H x W x C here. What onnx_export.hpp writes
/// comes back as layers that make the same of the same input, not always as the layers that it was: folded weights stay
/// folded, and group norm stands for its kin. Errors begin with `what`. Throws Error, naming node and operator, for a
/// model that layers here cannot say.
template <class S = float>
Network<S> network_from_onnx(const OnnxModel& model, const std::string& what = "ONNX model", std::string name = "N") {
  internal::OnnxQuery query(model, what);
  const internal::ReadStack read = internal::read_layers(query);
  return {std::move(name), query.sample(), internal::made_of<S>(read.layers, what)};
}

/// The network in an ONNX file:
///
///     const Network<float> network = load_onnx("network.onnx");
template <class S = float>
Network<S> load_onnx(const std::filesystem::path& path) {
  return network_from_onnx<S>(read_onnx(path), internal::onnx_file_name(path));
}

/// The same for a generator. Latent vectors that the file has as images of one pixel (N x L x 1 x 1, as DCGAN in
/// PyTorch) are vectors here.
template <class S = float>
Generator<S> load_onnx_generator(const std::filesystem::path& path) {
  const std::string what = internal::onnx_file_name(path);
  const Network<S> network = network_from_onnx<S>(read_onnx(path), what, "G");
  const Shape& in = network.input_shape();
  const bool pixel = in.rank() == 3 && in[0] == 1 && in[1] == 1;
  require(in.rank() == 1 || pixel, what, ": expected a latent vector as a generator's input, got ", in);
  if (!pixel) return {in[0], network.layers(), "G"};
  Sequential<S> layers(Reshape<S>{in});
  for (Index i = 0; i < network.layers().size(); ++i) layers.add(network.layers()[i].clone());
  return {in[2], std::move(layers), "G"};
}

/// The same for a discriminator; numbers behind the first that it makes are heads.
template <class S = float>
Discriminator<S> load_onnx_discriminator(const std::filesystem::path& path) {
  const std::string what = internal::onnx_file_name(path);
  const Network<S> network = network_from_onnx<S>(read_onnx(path), what, "D");
  const Index numbers = network.output_shape().size();
  require(numbers >= 1, what, ": expected at least one number a sample, got ", network.output_shape());
  return {network.input_shape(), network.layers(), "D", numbers - 1};
}

}  // namespace rival

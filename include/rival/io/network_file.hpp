#pragma once
// Networks in safetensors files: weights in PyTorch's layout and names, and beside them what the network is. Needs
// nlohmann-json (rival::json).

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/io/description_json.hpp"
#include "rival/io/json.hpp"
#include "rival/io/safetensors.hpp"
#include "rival/io/weight_layout.hpp"
#include "rival/layers/make_layer.hpp"
#include "rival/train/classifier.hpp"

namespace rival {

/// What a file says of its network.
struct NetworkDescription {
  std::string role;    ///< "generator", "discriminator", "classifier" or "network"
  std::string name;    ///< such as "G"
  Shape input;         ///< of one sample
  Index heads = 0;     ///< of a discriminator
  Description layers;  ///< the Sequential's, from which `make_sequential` makes it again
};

namespace internal {

template <class S>
NetworkDescription describe_network(const Network<S>& network) {
  return {"network", network.name(), network.input_shape(), 0, network.layers().describe()};
}
template <class S>
NetworkDescription describe_network(const Generator<S>& network) {
  return {"generator", network.name(), network.input_shape(), 0, network.layers().describe()};
}
template <class S>
NetworkDescription describe_network(const Discriminator<S>& network) {
  return {"discriminator", network.name(), network.input_shape(), network.heads(), network.layers().describe()};
}
template <class S>
NetworkDescription describe_network(const Classifier<S>& network) {
  return {"classifier", network.name(), network.input_shape(), 0, network.layers().describe()};
}

inline std::string network_text(const NetworkDescription& d) {
  return Json()
      .add("version", 1)
      .add("network", d.role)
      .add("name", d.name)
      .add("input", Json::list_of(d.input))
      .add("heads", d.heads)
      .add("layers", to_json(d.layers))
      .text();
}

inline NetworkDescription network_from_text(const std::string& what, const std::string& text) {
  try {
    const Json json = Json::parse(text);
    json.members();
    const Json* version = json.find("version");
    const int number = version != nullptr ? version->whole<int>() : 0;
    require(number == 1, what, ": expected a description of version 1, got ", number);
    NetworkDescription d{json.at("network").string(),
                         json.at("name").string(),
                         {},
                         json.at("heads").whole<Index>(),
                         description_from_json(json.at("layers"))};
    require(read_option(option_from_json("input", json.at("input")), d.input) && d.input.rank() >= 1, what,
            ": expected the shape of an input");
    return d;
  } catch (const JsonError& error) {
    fail(what, ": its description of the network cannot be read (", error.what(), ")");
  }
}

/// How many numbers the layers of a description hold at least, which are checked against a file before memory is taken
/// for them.
inline double numbers_of(const Description& d) {
  const auto option = [&](std::string_view name, double otherwise) {
    for (const auto& [key, value] : d.options) {
      if (key != name) continue;
      if (const auto* one = std::get_if<Index>(&value)) return static_cast<double>(*one);
      double product = 1;
      if (const auto* list = std::get_if<std::vector<Index>>(&value))
        for (const Index extent : *list) product *= static_cast<double>(extent);
      return product;
    }
    return otherwise;
  };
  const double in = option("in", 0), out = option("out", 0);
  double sum = 0;
  if (d.kind == "dense" || d.kind.starts_with("conv"))
    sum = in * out * option("kernel", 1) / std::max(1.0, option("groups", 1));
  else if (d.kind == "gru")
    sum = 3 * option("hidden", 0) * (in + option("hidden", 0));
  else if (d.kind == "basis")
    sum = option("shape", 0) + in;
  else if (d.kind == "embedding" || d.kind == "conditional_batch_norm")
    sum = option("classes", 0) * option("features", 0);
  else if (d.kind == "self_attention")
    sum = in * (2 * option("keys", 0) + 2 * option("values", 0));
  else
    sum = option("features", 0);
  sum = std::max(0.0, sum);  // what is negative is refused by the layer, and must not hide what is large
  for (const Description& layer : d.layers) sum += numbers_of(layer);
  return sum;
}

/// What of a file does not match the network: a line a tensor.
template <class S>
std::vector<std::string> differences(const Safetensors& file,
                                     const std::vector<std::pair<Tensor<S>*, FileLayout>>& tensors) {
  std::vector<std::string> lines;
  std::map<std::string, bool> wanted;
  for (const auto& [tensor, layout] : tensors) {
    wanted[layout.name] = true;
    if (!file.contains(layout.name))
      lines.push_back(concatenate(layout.name, ": expected ", layout.shape, ", the file has none"));
    else if (!(file.entry(layout.name).shape == layout.shape))
      lines.push_back(
          concatenate(layout.name, ": expected ", layout.shape, ", the file has ", file.entry(layout.name).shape));
  }
  for (const std::string& name : file.names())
    if (!wanted.count(name))
      lines.push_back(concatenate(name, ": the file has ", file.entry(name).shape, ", the network has none"));
  return lines;
}

template <class S>
void load_weights(Network<S>& network, const Safetensors& file) {
  const auto tensors = file_layouts(network);
  const auto lines = differences(file, tensors);
  if (!lines.empty()) {
    std::string text = concatenate(file.what(), ": does not match network \"", network.name(), "\" in ", lines.size(),
                                   lines.size() == 1 ? " tensor:" : " tensors:");
    for (const std::string& line : lines) text += "\n  " + line;
    throw Error(text);
  }
  // All are read and turned before one is changed, so that an error leaves the network as it was: no memory is asked
  // for on the way from one to the next.
  std::vector<Tensor<S>> values;
  for (const auto& [tensor, layout] : tensors) {
    const Tensor<S> from = file.tensor<S>(layout.name);
    Tensor<S>& to = values.emplace_back(tensor->shape());
    for_each_place(layout, [&](Index there, Index here) { to[here] = from[there]; });
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) *tensors[i].first = values[i];
}

/// The network that a file describes; `role` is what is expected.
inline NetworkDescription described_network(const Safetensors& file, std::string_view role) {
  const std::string& what = file.what();
  const auto found = file.metadata().find("rival");
  require(found != file.metadata().end() || file.metadata().count("rival_checkpoint") == 0, what,
          ": it is a checkpoint, which trainers load; runs leave generator.safetensors beside it");
  require(found != file.metadata().end(), what,
          ": it does not say what network it holds; make the network yourself and use load_weights");
  NetworkDescription description = network_from_text(what, found->second);
  require(description.role == role, what, ": expected a ", role, ", got a ", description.role);
  double numbers = 0;
  for (const std::string& name : file.names()) numbers += static_cast<double>(file.entry(name).shape.size());
  require(numbers_of(description.layers) <= numbers, what, ": its network is larger than its ", numbers, " numbers");
  return description;
}

}  // namespace internal

/// The network's weights and running statistics as files hold them: under PyTorch's names and in its layout; linear
/// out x in, convolution out x in x kh x kw (of signals out x in x k), transposed convolution in x out x kh x kw, batch
/// norm weight, bias,
/// running_mean, running_var. Where vectors are made of images, or images of vectors, features are counted channel by
/// channel, as in PyTorch's Flatten.
template <template <class> class AnyNetwork, class S>
std::vector<std::pair<std::string, Tensor<S>>> file_tensors(const AnyNetwork<S>& network) {
  Network<S> copy = network;  // whose tensors may be listed; a network's state is for those who may change it
  std::vector<std::pair<std::string, Tensor<S>>> tensors;
  for (const auto& [from, layout] : internal::file_layouts(copy)) {
    Tensor<S>& values = tensors.emplace_back(layout.name, Tensor<S>()).second;
    values.resize(layout.shape);
    internal::for_each_place(layout, [&, held = from](Index there, Index here) { values[there] = (*held)[here]; });
  }
  return tensors;
}

/// Writes the network's weights and running statistics, and what the network is, to a safetensors file:
///
///     save(generator, "generator.safetensors");
///     const auto again = load_generator("generator.safetensors");
///
/// Tensors are those of `file_tensors`. Random streams are not written. `metadata` comes beside. Throws Error, and
/// leaves an earlier file as it was, when the file cannot be written.
template <template <class> class AnyNetwork, class S>
void save(const AnyNetwork<S>& network, const std::filesystem::path& path, Metadata metadata = {}) {
  metadata["format"] = "pt";
  metadata["rival"] = internal::network_text(internal::describe_network(network));
  const auto tensors = file_tensors(network);
  std::vector<NamedTensor> named;
  for (const auto& [name, values] : tensors) named.push_back({name, &values});
  write_safetensors(path, named, metadata);
}

/// Fills a network of the same structure with the weights of a file that `save` wrote, or that holds tensors of the
/// same names and layout. Throws Error, and leaves the network as it was, when it does not match: a line for each
/// tensor that is missing, too much or of another shape.
template <class S>
void load_weights(Network<S>& network, const std::filesystem::path& path) {
  internal::load_weights(network, Safetensors::read(path));
}

/// The generator that `save` wrote: a network of the same layers, with the same weights. Layers of your own must have
/// been made known by register_layer. From a file, or from one in memory, which Safetensors::parse makes of bytes.
/// Throws Error for a file that is damaged or holds no generator.
template <class S = float>
Generator<S> load_generator(const Safetensors& file) {
  const NetworkDescription description = internal::described_network(file, "generator");
  require(description.input.rank() == 1, file.what(), ": expected a latent vector as a generator's input, got ",
          description.input);
  Generator<S> generator(description.input[0], make_sequential<S>(description.layers), description.name);
  internal::load_weights(generator, file);
  return generator;
}
/// The same of the file at `path`.
template <class S = float>
Generator<S> load_generator(const std::filesystem::path& path) {
  return load_generator<S>(Safetensors::read(path));
}

/// The same for a discriminator.
template <class S = float>
Discriminator<S> load_discriminator(const Safetensors& file) {
  const NetworkDescription description = internal::described_network(file, "discriminator");
  Discriminator<S> discriminator(description.input, make_sequential<S>(description.layers), description.name,
                                 description.heads);
  internal::load_weights(discriminator, file);
  return discriminator;
}
/// The same of the file at `path`.
template <class S = float>
Discriminator<S> load_discriminator(const std::filesystem::path& path) {
  return load_discriminator<S>(Safetensors::read(path));
}

/// The same for a classifier.
template <class S = float>
Classifier<S> load_classifier(const Safetensors& file) {
  const NetworkDescription description = internal::described_network(file, "classifier");
  Classifier<S> classifier(description.input, make_sequential<S>(description.layers), description.name);
  internal::load_weights(classifier, file);
  return classifier;
}
/// The same of the file at `path`.
template <class S = float>
Classifier<S> load_classifier(const std::filesystem::path& path) {
  return load_classifier<S>(Safetensors::read(path));
}

/// The same for any other network.
template <class S = float>
Network<S> load_network(const Safetensors& file) {
  const NetworkDescription description = internal::described_network(file, "network");
  Network<S> network(description.name, description.input, make_sequential<S>(description.layers));
  internal::load_weights(network, file);
  return network;
}
/// The same of the file at `path`.
template <class S = float>
Network<S> load_network(const std::filesystem::path& path) {
  return load_network<S>(Safetensors::read(path));
}

}  // namespace rival

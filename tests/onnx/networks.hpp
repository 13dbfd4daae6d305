#pragma once
// Networks that ONNX is tested with: every ready architecture, every recipe's, and one for each kind of layer.

#include <string>
#include <utility>
#include <vector>

#include "rival/gan/architectures.hpp"
#include "rival/gan/recipes/recipes.hpp"
#include "rival/layers/make_layer.hpp"

namespace rival_test {

/// So that no layer is what it begins as: biases and running statistics of 0 and 1 would hide mistakes.
inline void disturb(rival::Network<float>& network, std::uint64_t seed) {
  rival::Random random(seed);
  rival::Tensor<float> noise;
  for (auto* parameter : network.parameters()) {
    noise.resize(parameter->value.shape());
    random.fill_normal(noise);
    const float size = parameter->value.rank() == 1 ? 0.2f : 0.02f;
    parameter->value.array() += size * noise.array();
  }
  for (auto* buffer : network.buffers()) {
    if (buffer->name.ends_with(".u") || buffer->name.ends_with(".v")) continue;
    noise.resize(buffer->value.shape());
    random.fill_uniform(noise, 0.1f, 1.0f);
    if (buffer->name.ends_with(".variance"))
      buffer->value.array() = 0.2f + noise.array();
    else
      buffer->value.array() += noise.array() - 0.5f;
  }
}

/// A network for one kind of layer.
struct NetworkOfKind {
  std::string kind, name;
  rival::Network<float> network;
  rival::Index classes = 0;  ///< of the labels that it takes
  std::vector<rival::Index> batches = {2, 6};
  rival::Index packed = 1;  ///< samples that its labels and outputs are of
  bool comes_back = true;   ///< whether what is exported can be imported
};

inline std::vector<NetworkOfKind> networks_of_kinds() {
  using namespace rival;
  std::vector<NetworkOfKind> all;
  const auto add = [&](std::string kind, const Shape& input, Sequential<float> layers, Index classes = 0) -> auto& {
    Index number = 1;
    for (const auto& other : all) number += other.kind == kind;
    all.push_back({kind, kind + std::to_string(number), {"N", input, std::move(layers)}, classes});
    all.back().network.initialise(normal<float>(0, 0.5), Random(all.size()));
    disturb(all.back().network, 100 + all.size());
    return all.back();
  };
  using Stack = Sequential<float>;
  const Shape image{6, 5, 4}, vector{12}, rows{3, 4};

  for (const Shape& shape : {image, vector, rows}) {
    add("relu", shape, Stack(ReLU<>()));
    add("leaky_relu", shape, Stack(LeakyReLU<>(0.3)));
    add("tanh", shape, Stack(Tanh<>()));
    add("sigmoid", shape, Stack(Sigmoid<>()));
    add("silu", shape, Stack(SiLU<>()));
    add("softmax", shape, Stack(Softmax<>({.temperature = shape.rank() == 1 ? 1 : 0.5, .gumbel = true})));
    add("softplus", shape, Stack(Softplus<>()));
    add("elu", shape, Stack(ELU<>(0.7)));
    add("dropout", shape, Stack(Dropout<>({.rate = 0.5}), Tanh<>()));
    add("batch_norm", shape, Stack(BatchNorm<>({.features = shape.back(), .epsilon = 1e-3})));
    add("conditional_batch_norm", shape, Stack(ConditionalBatchNorm<>({.features = shape.back(), .classes = 3})), 3);
    add("group_norm", shape, Stack(GroupNorm<>({.groups = 2, .features = shape.back()})));
    add("layer_norm", shape, Stack(LayerNorm<>({.features = shape.back()})));
    add("pixel_norm", shape, Stack(PixelNorm<>()));
    auto& stddev = add("minibatch_stddev", shape, Stack(MinibatchStddev<>({.group = 4})));
    stddev.batches = {1, 4, 7, 11};
    add("pack", shape, Stack(Pack<>(2), Tanh<>())).packed = 2;
    add("residual", shape, Stack(Residual<>(Stack(Tanh<>(), BatchNorm<>({.features = shape.back()})), {.scale = 0.5})));
    add("concat_skip", shape, Stack(ConcatSkip<>(Stack(Tanh<>()), Stack(Sigmoid<>()))));
    add("sequential", shape, Stack(Stack(Tanh<>(), Stack(ReLU<>())), Stack(Sigmoid<>())));
  }
  add("group_norm", image, Stack(GroupNorm<>({.groups = 4, .features = 4, .epsilon = 0.1, .affine = false})));
  add("layer_norm", image, Stack(LayerNorm<>({.features = 4, .affine = false})));
  add("log_sum_exp", vector, Stack(LogSumExp<>()));
  add("log_sum_exp", image, Stack(Flatten<>(), LogSumExp<>()));
  for (const bool affine : {true, false}) {
    add("instance_norm", image, Stack(InstanceNorm<>({.features = 4, .affine = affine})));
    add("instance_norm", rows, Stack(InstanceNorm<>({.features = 4, .affine = affine})));
  }
  for (const bool one_hot : {true, false}) {
    const Index features = one_hot ? 0 : 2;
    add("embedding", vector, Stack(Embedding<>({.classes = 5, .features = features, .one_hot = one_hot})), 5);
    add("embedding", image, Stack(Embedding<>({.classes = 5, .features = features, .one_hot = one_hot})), 5);
  }
  add("projection", {7}, Stack(Dense<>({.in = 7, .out = 5}), Projection<>({.classes = 4})), 4);
  auto& projected =
      add("projection", {4}, Stack(Pack<>(3), Dense<>({.in = 12, .out = 5}), Projection<>({.classes = 4})), 4);
  projected.batches = {3, 6};
  projected.packed = 3;

  const Conv2dOptions conv{
      .in = 4, .out = 6, .kernel = {3, 2}, .stride = {2, 1}, .padding = {2, 1}, .padding_end = {0, 1}};
  const ConvTranspose2dOptions conv_t{.in = 4,
                                      .out = 6,
                                      .kernel = {4, 3},
                                      .stride = {3, 2},
                                      .padding = {1, 0},
                                      .padding_end = {0, 2},
                                      .output_padding = {2, 1}};
  Conv2dOptions grouped = conv, depthwise = conv;
  grouped.groups = 2;
  grouped.bias = false;
  depthwise.groups = depthwise.out = 4;
  const DenseOptions dense{.in = 12, .out = 9};
  for (const auto& options : {conv, grouped, depthwise}) {
    add("conv2d", image, Stack(Conv2d<>(options)));
    add("conv2d", image, Stack(Conv2d<>(options), BatchNorm<>({.features = options.out}), LeakyReLU<>(0.1)));
  }
  add("conv_transpose2d", image, Stack(ConvTranspose2d<>(conv_t)));
  add("conv_transpose2d", image, Stack(ConvTranspose2d<>(conv_t), BatchNorm<>({.features = 6}), ReLU<>()));
  const Conv1dOptions conv1{.in = 4, .out = 6, .kernel = 5, .stride = 2, .padding = 2, .padding_end = 1};
  const ConvTranspose1dOptions conv_t1{
      .in = 4, .out = 6, .kernel = 5, .stride = 3, .padding = 1, .padding_end = 2, .output_padding = 2};
  const Shape signal{9, 4};
  add("conv1d", signal, Stack(Conv1d<>(conv1)));
  add("conv1d", signal, Stack(Conv1d<>({.in = 4, .out = 2, .kernel = 3, .bias = false, .groups = 2}), Flatten<>()));
  add("conv1d", signal, Stack(Conv1d<>(conv1), BatchNorm<>({.features = 6}), LeakyReLU<>(0.1)));
  add("conv_transpose1d", signal, Stack(ConvTranspose1d<>(conv_t1)));
  add("conv_transpose1d", signal, Stack(ConvTranspose1d<>(conv_t1), BatchNorm<>({.features = 6}), ReLU<>()));
  add("permute", image, Stack(Permute<>({.order = {2, 0, 1}}), Tanh<>())).comes_back = false;
  add("permute", image.batch(3), Stack(Permute<>({.order = {1, 2, 0, 3}}), Flatten<>(), Dense<>({.in = 360, .out = 2})))
      .comes_back = false;
  add("permute", image.batch(3), Stack(Permute<>({.order = {0, 3, 1, 2}}))).comes_back = false;
  add("permute", signal, Stack(Permute<>({.order = {1, 0}}), Conv1d<>({.in = 9, .out = 2}))).comes_back = false;
  add("phase_shuffle", signal, Stack(PhaseShuffle<>(), Tanh<>()));
  add("gaussian_noise", image, Stack(GaussianNoise<>(), Tanh<>()));
  add("gru", signal, Stack(GRU<>({.in = 4, .hidden = 5}))).comes_back = false;
  add("gru", signal, Stack(GRU<>({.in = 4, .hidden = 5, .last = true}), Dense<>({.in = 5, .out = 2}))).comes_back =
      false;
  const Stack frame(Conv2d<>({.in = 4, .out = 2, .kernel = 3}), Tanh<>(), Flatten<>(), Dense<>({.in = 24, .out = 5}));
  add("time_distributed", image.batch(3), Stack(TimeDistributed<>(frame))).comes_back = false;
  add("time_distributed", {7, 9, 4}, Stack(TimeDistributed<>(Stack(Conv1d<>(conv1))), Flatten<>())).comes_back = false;
  add("time_distributed", signal, Stack(TimeDistributed<>(Stack(Dense<>({.in = 4, .out = 3}))))).comes_back = false;
  for (const Shape& clip : {Shape{3, 5, 4, 1}, Shape{2, 1, 3, 2}})
    add("translate", vector,
        Stack(ConcatSkip<>(Stack(Dense<>({.in = 12, .out = clip.size() / clip[0]})),
                           Stack(Dense<>({.in = 12, .out = 2 * clip[0]}))),
              Translate<>({.clip = clip, .reach = 1.5, .outside = -0.5})))
        .comes_back = false;
  add("dense", vector, Stack(Dense<>(dense)));
  add("dense", vector, Stack(Dense<>({.in = 12, .out = 9, .bias = false}), BatchNorm<>({.features = 9})));
  for (const double gain : {1.0, 1.5}) {
    add("equalised", image, Stack(Equalised(Conv2d<>(conv), {.gain = gain})));
    add("equalised", image, Stack(Equalised(ConvTranspose2d<>(conv_t), {.gain = gain})));
    add("equalised", vector, Stack(Equalised(Dense<>(dense), {.gain = gain}), BatchNorm<>({.features = 9})));
  }
  add("equalised", signal, Stack(Equalised(Conv1d<>(conv1))));
  add("spectral_norm", signal, Stack(SpectralNorm(ConvTranspose1d<>(conv_t1)), BatchNorm<>({.features = 6})));
  add("weight_norm", image, Stack(WeightNorm(Conv2d<>(conv)), BatchNorm<>({.features = 6})));
  add("weight_norm", signal, Stack(WeightNorm(ConvTranspose1d<>(conv_t1))));
  add("weight_norm", vector, Stack(WeightNorm(Dense<>(dense))));
  add("spectral_norm", image, Stack(SpectralNorm(Conv2d<>(conv)), BatchNorm<>({.features = 6})));
  add("spectral_norm", image, Stack(SpectralNorm(ConvTranspose2d<>(conv_t))));
  add("spectral_norm", vector, Stack(SpectralNorm(Dense<>(dense))));

  add("avg_pool2d", image, Stack(AvgPool2d<>()));
  add("avg_pool2d", image, Stack(AvgPool2d<>({.kernel = {3, 4}, .stride = {2, 1}, .padding = {1, 2}})));
  add("avg_pool2d", image, Stack(AvgPool2d<>({.kernel = 3, .stride = 2, .padding = 1, .count_include_pad = false})));
  add("max_pool2d", image, Stack(MaxPool2d<>()));
  add("max_pool2d", image, Stack(MaxPool2d<>({.kernel = {3, 2}, .stride = {1, 2}, .padding = 1})));
  add("sum_pool", image, Stack(SumPool<>()));
  add("upsample", image, Stack(Upsample<>({.factor = {2, 3}})));
  add("upsample", image, Stack(Upsample<>({.factor = {2, 3}, .mode = Interpolation::bilinear})));
  add("blur_upsample", image, Stack(BlurUpsample<>()));
  for (const Shape& shape : {image, Shape{7, 4, 2}}) add("blur_downsample", shape, Stack(BlurDownsample<>()));
  add("self_attention", image, Stack(SelfAttention<>({.in = 4, .keys = 3, .values = 2})));
  add("basis", {5}, Stack(Basis<>({.in = 5, .shape = {3, 2, 4}})));
  add("augment", image, Stack(Augment<>({}), Tanh<>()));

  // Vectors of images and images of vectors, with all that can stand between.
  add("flatten", image, Stack(Flatten<>()));
  add("flatten", image,
      Stack(Tanh<>(), Flatten<>(), BatchNorm<>({.features = 120}), LeakyReLU<>(), LayerNorm<>({.features = 120}),
            PixelNorm<>(), Dense<>({.in = 120, .out = 3})));
  add("flatten", image, Stack(Flatten<>(), Embedding<>({.classes = 3, .features = 2}), Dense<>({.in = 122, .out = 3})),
      3);
  add("flatten", image,
      Stack(Flatten<>(), GroupNorm<>({.groups = 5, .features = 120}), Basis<>({.in = 120, .shape = {2, 2, 3}})));
  add("flatten", image, Stack(Flatten<>(), Basis<>({.in = 120, .shape = {2, 2, 3}})));
  add("flatten", image, Stack(Residual<>(Stack(Flatten<>()), Stack(Flatten<>(), Dense<>({.in = 120, .out = 120})))));
  add("flatten", image, Stack(Flatten<>(), ConditionalBatchNorm<>({.features = 120, .classes = 2}), Pack<>(2)), 2)
      .packed = 1;
  all.back().classes = 2;
  add("flatten", rows, Stack(Flatten<>(), Dense<>({.in = 12, .out = 2})));
  add("reshape", {120}, Stack(Reshape<>(image), Conv2d<>({.in = 4, .out = 2})));
  add("reshape", vector,
      Stack(Dense<>({.in = 12, .out = 120}), BatchNorm<>({.features = 120}), ReLU<>(), Reshape<>(image),
            Conv2d<>({.in = 4, .out = 2})));
  add("reshape", vector,
      Stack(Dense<>({.in = 12, .out = 120}), LayerNorm<>({.features = 120}),
            GroupNorm<>({.groups = 3, .features = 120}), Reshape<>(image), Conv2d<>({.in = 4, .out = 2})));
  add("reshape", image,
      Stack(Reshape<>({3, 10, 4}), Reshape<>({5, 3, 8}), Reshape<>({4, 30}), Reshape<>({2, 2, 5, 6}), Reshape<>({120}),
            Reshape<>({6, 20, 1}), Reshape<>({1, 1, 120}), Reshape<>(image)));
  add("reshape", image, Stack(Flatten<>(), Reshape<>(image), Flatten<>(), Reshape<>({10, 3, 4})));
  return all;
}

}  // namespace rival_test

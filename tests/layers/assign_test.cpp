// Each kind of layer takes over another's options and values in place, and no other kind's.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/augment.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/concat.hpp"
#include "rival/layers/conditional_batch_norm.hpp"
#include "rival/layers/constant.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/equalised.hpp"
#include "rival/layers/gaussian_noise.hpp"
#include "rival/layers/group_norm.hpp"
#include "rival/layers/gru.hpp"
#include "rival/layers/instance_norm.hpp"
#include "rival/layers/layer_norm.hpp"
#include "rival/layers/log_sum_exp.hpp"
#include "rival/layers/minibatch_stddev.hpp"
#include "rival/layers/pack.hpp"
#include "rival/layers/permute.hpp"
#include "rival/layers/phase_shuffle.hpp"
#include "rival/layers/pixel_norm.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/projection.hpp"
#include "rival/layers/resample.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/residual.hpp"
#include "rival/layers/self_attention.hpp"
#include "rival/layers/softmax.hpp"
#include "rival/layers/spectral_norm.hpp"
#include "rival/layers/sum_pool.hpp"
#include "rival/layers/time_distributed.hpp"
#include "rival/layers/translate.hpp"
#include "rival/layers/upsample.hpp"
#include "rival/layers/weight_norm.hpp"

using namespace rival;

namespace {

struct Case {
  std::unique_ptr<Layer<>> to, from;  // the same sizes, other options where there are some
  Shape batch;
};

template <class L>
void add(std::vector<Case>& all, const L& to, const L& from, const Shape& batch) {
  all.push_back({to.clone(), from.clone(), batch});
}
template <class L>
void add(std::vector<Case>& all, const L& layer, const Shape& batch) {
  add(all, layer, layer, batch);
}

std::vector<Case> cases() {
  const Shape vectors{4, 6}, images{4, 4, 4, 6}, signals{4, 5, 6};
  std::vector<Case> all;
  add(all, Dense<>({.in = 6, .out = 3}), vectors);
  add(all, Conv2d<>({.in = 6, .out = 3, .stride = 1}), Conv2d<>({.in = 6, .out = 3, .stride = 2}), images);
  add(all, ConvTranspose2d<>({.in = 6, .out = 3}), ConvTranspose2d<>({.in = 6, .out = 3, .stride = 2}), images);
  add(all, Conv1d<>({.in = 6, .out = 3, .stride = 1}), Conv1d<>({.in = 6, .out = 3, .stride = 2}), signals);
  add(all, ConvTranspose1d<>({.in = 6, .out = 3}), ConvTranspose1d<>({.in = 6, .out = 3, .stride = 2}), signals);
  add(all, GRU<>({.in = 6, .hidden = 3}), GRU<>({.in = 6, .hidden = 3, .last = true}), signals);
  add(all, WeightNorm(Dense<>({.in = 6, .out = 3})), vectors);
  add(all, Softmax<>(), Softmax<>({.temperature = 0.5}), vectors);
  add(all, LogSumExp<>(), vectors);
  add(all, GaussianNoise<>(), GaussianNoise<>({.sigma = 2}), vectors);
  add(all, Permute<>({.order = {0, 1}}), Permute<>({.order = {1, 0}}), signals);
  add(all, PhaseShuffle<>({.radius = 1}), PhaseShuffle<>({.radius = 3}), signals);
  add(all, Translate<>({.clip = {1, 2, 2, 1}}), Translate<>({.clip = {1, 2, 2, 1}, .reach = 2}), vectors);
  add(all, TimeDistributed<>(Sequential<>(Dense<>({.in = 6, .out = 3}))), signals);
  add(all, SpectralNorm(Dense<>({.in = 6, .out = 3})), vectors);
  add(all, Equalised(Dense<>({.in = 6, .out = 3})), Equalised(Dense<>({.in = 6, .out = 3}), {.gain = 2}), vectors);
  add(all, BatchNorm<>({.features = 6}), BatchNorm<>({.features = 6, .epsilon = 0.5}), images);
  add(all, ConditionalBatchNorm<>({.features = 6, .classes = 3}), images);
  add(all, GroupNorm<>({.groups = 2, .features = 6}), GroupNorm<>({.groups = 3, .features = 6}), images);
  add(all, LayerNorm<>({.features = 6}), images);
  add(all, InstanceNorm<>({.features = 6}), images);
  add(all, PixelNorm<>(), PixelNorm<>({.epsilon = 0.5}), images);
  add(all, MinibatchStddev<>(), MinibatchStddev<>({.group = 2}), images);
  add(all, LeakyReLU<>(0.1), LeakyReLU<>(0.3), vectors);
  add(all, ReLU<>(), vectors);
  add(all, Tanh<>(), vectors);
  add(all, Sigmoid<>(), vectors);
  add(all, SiLU<>(), vectors);
  add(all, Softplus<>(), vectors);
  add(all, ELU<>(1), ELU<>(0.5), vectors);
  add(all, Dropout<>({.rate = 0.5}), Dropout<>({.rate = 0.25}), vectors);
  add(all, Augment<>({.brightness = 0.5}), Augment<>({.translation = 0.25, .cutout = 0.5}), images);
  add(all, AvgPool2d<>(), AvgPool2d<>({.kernel = 3}), images);
  add(all, MaxPool2d<>(), MaxPool2d<>({.kernel = 3}), images);
  add(all, SumPool<>(), images);
  add(all, BlurUpsample<>(), images);
  add(all, BlurDownsample<>(), images);
  add(all, Upsample<>(), Upsample<>({.factor = 3}), images);
  add(all, Pack<>(1), Pack<>(2), images);
  add(all, Flatten<>(), images);
  add(all, Reshape<>({6}), Reshape<>({2, 3}), vectors);
  add(all, Embedding<>({.classes = 3, .features = 2}), vectors);
  add(all, Projection<>({.classes = 5}), vectors);
  add(all, Basis<>({.in = 6, .shape = {2, 2, 3}}), vectors);
  add(all, SelfAttention<>({.in = 6, .keys = 2, .values = 3}), images);
  add(all, Residual<>(Sequential<>(Dense<>({.in = 6, .out = 6}))),
      Residual<>(Sequential<>(Dense<>({.in = 6, .out = 6})), {.scale = 0.5}), vectors);
  add(all, ConcatSkip<>(Sequential<>(Dense<>({.in = 6, .out = 6}))), vectors);
  add(all, Sequential<>(Dense<>({.in = 6, .out = 6}), Tanh<>()), vectors);
  return all;
}

State<> state_of(Layer<>& layer) {
  State<> state;
  layer.collect(state);
  return state;
}

}  // namespace

TEST_CASE("assign: each kind becomes the other in place, and refuses other kinds") {
  std::vector<Case> all = cases();
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& [to, from, batch] = all[i];
    INFO(to->kind());
    to->set_name("to");
    from->set_name("from");
    to->initialise(normal<>(0, 1), Random(1));
    from->initialise(normal<>(0, 1), Random(2));
    for (auto* parameter : state_of(*from).parameters) Random(3).stream(parameter->name).fill_normal(parameter->value);
    for (auto* buffer : state_of(*from).buffers) Random(4).stream(buffer->name).fill_uniform(buffer->value);
    const State<> before = state_of(*to);
    std::vector<const float*> places;
    for (const auto* parameter : before.parameters) places.push_back(parameter->value.data());
    to->assign(*from);
    const State<> after = state_of(*to);
    CHECK(after.parameters == before.parameters);
    for (std::size_t p = 0; p < places.size(); ++p) CHECK(after.parameters[p]->value.data() == places[p]);

    Tensor<> x(batch);
    Random(5).fill_normal(x);
    const std::vector<Labels::value_type> labels{0, 2, 1, 2};
    for (const Mode mode : {Mode::train, Mode::eval}) {
      Trace<> a, b;
      const Tensor<>&y = to->forward(x, a, {.mode = mode, .labels = labels}),
            &expected = from->forward(x, b, {.mode = mode, .labels = labels});
      REQUIRE(y.shape() == expected.shape());
      CHECK(std::equal(y.data(), y.data() + y.size(), expected.data()));
    }
    for (std::size_t j = 0; j < all.size(); ++j)
      if (j != i) CHECK_THROWS_AS(to->assign(*all[j].from), Error);
  }
}

#pragma once
// make_layer(): layers from their descriptions. All kinds are listed here.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

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
#include "rival/nn/sequential.hpp"

namespace rival {

/// Makes a layer of its description; its weights are to be set or drawn. Throws Error for options that the kind has
/// not.
template <class S = float>
using LayerMaker = std::function<std::unique_ptr<Layer<S>>(const Description&)>;

template <class S>
std::unique_ptr<Layer<S>> make_layer(const Description& description);

/// The layers of a description of kind "sequential". Throws Error as make_layer does.
template <class S = float>
Sequential<S> make_sequential(const Description& description) {
  require(description.kind == "sequential", "make_sequential: expected the kind sequential, got ", description.kind);
  Sequential<S> layers;
  for (const Description& layer : description.layers) layers.add(make_layer<S>(layer));
  return layers;
}

namespace internal {

/// The one layer that a description holds.
inline const Description& only_layer(const Description& description) {
  require(description.layers.size() == 1, description.kind, ": expected one layer within, got ",
          description.layers.size());
  return description.layers.front();
}

/// Calls make(layer) with the layer that `description` says, of a type that wrappers take.
template <class S, class Make>
std::unique_ptr<Layer<S>> with_weighted(const Description& description, const Make& make) {
  if (description.kind == "dense") return make(Dense<S>(read_options<DenseOptions>(description)));
  if (description.kind == "conv1d") return make(Conv1d<S>(read_options<Conv1dOptions>(description)));
  if (description.kind == "conv2d") return make(Conv2d<S>(read_options<Conv2dOptions>(description)));
  if (description.kind == "conv_transpose1d")
    return make(ConvTranspose1d<S>(read_options<ConvTranspose1dOptions>(description)));
  if (description.kind == "conv_transpose2d")
    return make(ConvTranspose2d<S>(read_options<ConvTranspose2dOptions>(description)));
  fail("expected dense or a convolution within a wrapper, got ", description.kind);
}

/// The two branches of a description.
template <class S>
std::pair<Sequential<S>, Sequential<S>> make_branches(const Description& description) {
  require(description.layers.size() == 2, description.kind, ": expected two branches, got ", description.layers.size());
  return {make_sequential<S>(description.layers[0]), make_sequential<S>(description.layers[1])};
}

/// The maker of a kind whose constructor takes its options, or nothing.
template <class L, class S>
LayerMaker<S> maker_of() {
  return [](const Description& description) -> std::unique_ptr<Layer<S>> {
    using O = typename L::Options;
    require(description.layers.empty(), description.kind, ": expected no layers within, got ",
            description.layers.size());
    [[maybe_unused]] const O options = read_options<O>(description);
    if constexpr (std::is_same_v<O, NoOptions>)
      return std::make_unique<L>();
    else
      return std::make_unique<L>(options);
  };
}

/// All kinds by name: the library's, and those that a program has registered.
template <class S>
std::map<std::string, LayerMaker<S>, std::less<>>& layer_makers() {
  using Made = std::unique_ptr<Layer<S>>;
  static std::map<std::string, LayerMaker<S>, std::less<>> makers{
      {"augment", maker_of<Augment<S>, S>()},
      {"avg_pool2d", maker_of<AvgPool2d<S>, S>()},
      {"basis", maker_of<Basis<S>, S>()},
      {"batch_norm", maker_of<BatchNorm<S>, S>()},
      {"blur_downsample", maker_of<BlurDownsample<S>, S>()},
      {"blur_upsample", maker_of<BlurUpsample<S>, S>()},
      {"concat_skip",
       [](const Description& d) -> Made {
         read_options<NoOptions>(d);
         auto [main, skip] = make_branches<S>(d);
         return std::make_unique<ConcatSkip<S>>(std::move(main), std::move(skip));
       }},
      {"conditional_batch_norm", maker_of<ConditionalBatchNorm<S>, S>()},
      {"conv1d", maker_of<Conv1d<S>, S>()},
      {"conv2d", maker_of<Conv2d<S>, S>()},
      {"conv_transpose1d", maker_of<ConvTranspose1d<S>, S>()},
      {"conv_transpose2d", maker_of<ConvTranspose2d<S>, S>()},
      {"dense", maker_of<Dense<S>, S>()},
      {"dropout", maker_of<Dropout<S>, S>()},
      {"elu", [](const Description& d) -> Made { return std::make_unique<ELU<S>>(read_options<ELUOptions>(d).alpha); }},
      {"embedding", maker_of<Embedding<S>, S>()},
      {"equalised",
       [](const Description& d) -> Made {
         return with_weighted<S>(only_layer(d), [&]<class L>(const L& layer) -> Made {
           return std::make_unique<Equalised<L>>(layer, read_options<EqualisedOptions>(d));
         });
       }},
      {"flatten", maker_of<Flatten<S>, S>()},
      {"gaussian_noise", maker_of<GaussianNoise<S>, S>()},
      {"group_norm", maker_of<GroupNorm<S>, S>()},
      {"gru", maker_of<GRU<S>, S>()},
      {"instance_norm", maker_of<InstanceNorm<S>, S>()},
      {"layer_norm", maker_of<LayerNorm<S>, S>()},
      {"leaky_relu",
       [](const Description& d) -> Made {
         return std::make_unique<LeakyReLU<S>>(read_options<LeakyReLUOptions>(d).slope);
       }},
      {"log_sum_exp", maker_of<LogSumExp<S>, S>()},
      {"max_pool2d", maker_of<MaxPool2d<S>, S>()},
      {"minibatch_stddev", maker_of<MinibatchStddev<S>, S>()},
      {"pack",
       [](const Description& d) -> Made { return std::make_unique<Pack<S>>(read_options<PackOptions>(d).count); }},
      {"permute", maker_of<Permute<S>, S>()},
      {"phase_shuffle", maker_of<PhaseShuffle<S>, S>()},
      {"pixel_norm", maker_of<PixelNorm<S>, S>()},
      {"projection", maker_of<Projection<S>, S>()},
      {"relu", maker_of<ReLU<S>, S>()},
      {"reshape",
       [](const Description& d) -> Made {
         return std::make_unique<Reshape<S>>(read_options<ReshapeOptions>(d).shape);
       }},
      {"residual",
       [](const Description& d) -> Made {
         auto [main, skip] = make_branches<S>(d);
         return std::make_unique<Residual<S>>(std::move(main), std::move(skip), read_options<ResidualOptions>(d));
       }},
      {"self_attention", maker_of<SelfAttention<S>, S>()},
      {"sequential",
       [](const Description& d) -> Made { return std::make_unique<Sequential<S>>(make_sequential<S>(d)); }},
      {"sigmoid", maker_of<Sigmoid<S>, S>()},
      {"silu", maker_of<SiLU<S>, S>()},
      {"softmax", maker_of<Softmax<S>, S>()},
      {"softplus", maker_of<Softplus<S>, S>()},
      {"spectral_norm",
       [](const Description& d) -> Made {
         return with_weighted<S>(only_layer(d), [&]<class L>(const L& layer) -> Made {
           return std::make_unique<SpectralNorm<L>>(layer, read_options<SpectralNormOptions>(d));
         });
       }},
      {"sum_pool", maker_of<SumPool<S>, S>()},
      {"tanh", maker_of<Tanh<S>, S>()},
      {"time_distributed",
       [](const Description& d) -> Made {
         read_options<NoOptions>(d);
         return std::make_unique<TimeDistributed<S>>(make_sequential<S>(only_layer(d)));
       }},
      {"translate", maker_of<Translate<S>, S>()},
      {"upsample", maker_of<Upsample<S>, S>()},
      {"weight_norm",
       [](const Description& d) -> Made {
         return with_weighted<S>(only_layer(d), [&]<class L>(const L& layer) -> Made {
           return std::make_unique<WeightNorm<L>>(layer, read_options<WeightNormOptions>(d));
         });
       }},
  };
  return makers;
}

RIVAL_INSTANTIATE_FUNCTION(layer_makers);

}  // namespace internal

/// Makes a layer of what its `describe()` said: the same options, weights as a new layer has them. Throws Error, naming
/// what is known, for a kind that is not registered, and for options that the kind does not have or take.
template <class S = float>
std::unique_ptr<Layer<S>> make_layer(const Description& description) {
  const auto& makers = internal::layer_makers<S>();
  const auto found = makers.find(description.kind);
  if (found == makers.end()) {
    std::string known;
    for (const auto& [kind, maker] : makers) known += (known.empty() ? "" : ", ") + kind;
    fail("make_layer: there is no kind \"", description.kind,
         "\"; a layer of your own is made known by register_layer; known are ", known);
  }
  return found->second(description);
}

/// Makes a layer of your own known, once at the start of a program, so that its networks can be loaded:
///
///     rival::register_layer<MyLayer<float>>("my_layer");
///
/// `L::Options` is the struct that its constructor takes, which lists its members as describe() wants it, or NoOptions.
/// `kind` is that of its `describe()`. Throws Error for a kind that is taken. Not while other threads make layers.
template <class L, class S = float>
void register_layer(const std::string& kind) {
  const bool added = internal::layer_makers<S>().emplace(kind, internal::maker_of<L, S>()).second;
  require(added, "register_layer: the kind \"", kind, "\" is taken");
}

}  // namespace rival

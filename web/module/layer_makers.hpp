#pragma once
// The kinds of layers that a generator's file may hold here. The library knows five times as many, each a part of the
// module that all who open the page would wait for. Comes before what loads a file.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "rival/layers/make_layer.hpp"

template <>
inline std::map<std::string, rival::LayerMaker<float>, std::less<>>& rival::internal::layer_makers<float>() {
  using Made = std::unique_ptr<Layer<float>>;
  static std::map<std::string, LayerMaker<float>, std::less<>> makers{
      {"batch_norm", maker_of<BatchNorm<float>, float>()},
      {"conditional_batch_norm", maker_of<ConditionalBatchNorm<float>, float>()},
      {"conv_transpose2d", maker_of<ConvTranspose2d<float>, float>()},
      {"dense", maker_of<Dense<float>, float>()},
      {"leaky_relu",
       [](const Description& d) -> Made {
         return std::make_unique<LeakyReLU<float>>(read_options<LeakyReLUOptions>(d).slope);
       }},
      {"relu", maker_of<ReLU<float>, float>()},
      {"reshape",
       [](const Description& d) -> Made {
         return std::make_unique<Reshape<float>>(read_options<ReshapeOptions>(d).shape);
       }},
      {"tanh", maker_of<Tanh<float>, float>()}};
  return makers;
}

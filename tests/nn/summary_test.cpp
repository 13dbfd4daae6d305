#include "rival/nn/summary.hpp"

#include "catch.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/residual.hpp"
#include "rival/layers/spectral_norm.hpp"

using namespace rival;

TEST_CASE("summary: a table of layers, shapes and parameters, nested blocks unrolled") {
  Network<> network(
      "D", {2, 3, 617},
      Sequential<>(BatchNorm<>({.features = 617}), Sequential<>(LeakyReLU<>(), BatchNorm<>({.features = 617})),
                   Flatten<>(), BatchNorm<>({.features = 3702})));
  CHECK(summary(network) ==
        "layer                 kind        output shape  parameters  options\n"
        "D                     input       2x3x617\n"
        "D.bn1                 batch_norm  2x3x617            1,234  features 617, epsilon 1e-05, momentum 0.1\n"
        "D.block1.leaky_relu1  leaky_relu  2x3x617                   slope 0.2\n"
        "D.block1.bn1          batch_norm  2x3x617            1,234  features 617, epsilon 1e-05, momentum 0.1\n"
        "D.flatten1            flatten     3702\n"
        "D.bn2                 batch_norm  3702               7,404  features 3702, epsilon 1e-05, momentum 0.1\n"
        "total                             3702               9,872\n");
}

TEST_CASE("summary: options as the layer describes itself, and those of layers within") {
  Network<> network("D", {4, 6, 1},
                    Sequential<>(SpectralNorm(Conv2d<>({.in = 1, .out = 2, .kernel = {3, 4}, .bias = false})),
                                 Residual<>(Sequential<>(ReLU<>(), Conv2d<>({.in = 2, .out = 2, .kernel = 1})))));
  const std::string text = summary(network);
  CHECK(text.find("in 1, out 2, kernel 3x4, stride 1, padding 0, padding_end ") != std::string::npos);
  CHECK(text.find("no bias, groups 1]\n") != std::string::npos);
  CHECK(text.find("[sequential [relu; conv2d in 2, out 2, kernel 1, ") != std::string::npos);
}

TEST_CASE("summary: numbers are grouped by thousands") {
  using internal::grouped;
  CHECK(grouped(0) == "0");
  CHECK(grouped(7) == "7");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(123456) == "123,456");
  CHECK(grouped(1234567) == "1,234,567");
}

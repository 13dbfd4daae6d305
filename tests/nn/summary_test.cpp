#include "rival/nn/summary.hpp"

#include "catch.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/reshape.hpp"

using namespace rival;

TEST_CASE("summary: a table of layers, shapes and parameters, nested blocks unrolled") {
  Network<> network(
      "D", {2, 3, 617},
      Sequential<>(BatchNorm<>({.features = 617}), Sequential<>(LeakyReLU<>(), BatchNorm<>({.features = 617})),
                   Flatten<>(), BatchNorm<>({.features = 3702})));
  CHECK(summary(network) ==
        "layer                 kind        output shape  parameters\n"
        "D                     input       2x3x617\n"
        "D.bn1                 batch_norm  2x3x617            1,234\n"
        "D.block1.leaky_relu1  leaky_relu  2x3x617\n"
        "D.block1.bn1          batch_norm  2x3x617            1,234\n"
        "D.flatten1            flatten     3702\n"
        "D.bn2                 batch_norm  3702               7,404\n"
        "total                             3702               9,872\n");
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

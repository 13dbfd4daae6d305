#include "rival/layers/minibatch_stddev.hpp"

#include <cmath>
#include <vector>

#include "gradient_check.hpp"
#include "norm_values.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("minibatch_stddev: gradients, of images and vectors, of batches that are multiples of the group and others") {
  const test::GradientCheck check{.tangents = false};
  test::check_gradients(MinibatchStddev<double>(), {8, 2, 3, 3}, check);
  test::check_gradients(MinibatchStddev<double>({.group = 3}), {7, 3, 2, 1}, check);
  test::check_gradients(MinibatchStddev<double>({.group = 2, .epsilon = 0.1}), {5, 4}, check);
  test::check_gradients(MinibatchStddev<double>({.group = 5}), {3, 4}, check);
}

TEMPLATE_TEST_CASE("minibatch_stddev: PyTorch's values", "", float, double) {
  rival_test::check_values<TestType>(MinibatchStddev<TestType>(), "minibatch_stddev_image");
  rival_test::check_values<TestType>(MinibatchStddev<TestType>({.group = 3}), "minibatch_stddev_vector");
}

TEST_CASE("minibatch_stddev: the mean deviation across each group, appended to every pixel of its samples") {
  struct Case {
    Index samples;
    std::vector<Index> groups;  // their sizes
  };
  for (const Case& c : {Case{8, {4, 4}}, Case{4, {4}}, Case{3, {3}}, Case{1, {1}}, Case{7, {7}}, Case{9, {5, 4}},
                        Case{14, {5, 5, 4}}}) {
    INFO(c.samples << " samples");
    const MinibatchStddev<double> layer({.epsilon = 0.01});
    Tensor<double> x({c.samples, 2, 3, 2});
    Random(1).fill_normal(x, 3.0, 2.0);
    Trace<double> trace;
    const Tensor<double>& y = layer.forward(x, trace, {});
    REQUIRE(y.shape() == Shape{c.samples, 2, 3, 3});
    Index first = 0;
    for (const Index k : c.groups) {
      double deviation = 0;
      for (Index i = 0; i < 12; ++i) {
        double mean = 0, variance = 0;
        for (Index n = first; n < first + k; ++n) mean += x[n * 12 + i] / static_cast<double>(k);
        for (Index n = first; n < first + k; ++n)
          variance += std::pow(x[n * 12 + i] - mean, 2) / static_cast<double>(k);
        deviation += std::sqrt(variance + 0.01) / 12;
      }
      for (Index p = first * 6; p < (first + k) * 6; ++p) {
        for (Index channel = 0; channel < 2; ++channel) CHECK(y[p * 3 + channel] == x[p * 2 + channel]);
        CHECK(std::abs(y[p * 3 + 2] - deviation) < 1e-13);
      }
      first += k;
    }
    CHECK(first == c.samples);
  }
}

TEST_CASE("minibatch_stddev: equal samples differ by no more than the root of epsilon, with finite gradients") {
  MinibatchStddev<float> layer({.group = 3});
  const Tensor<float> x({3, 5}, 0.7f), dy({3, 6}, 1.0f);
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {});
  for (Index n = 0; n < 3; ++n) CHECK(std::abs(y(n, 5) - 1e-4f) < 1e-7f);
  Tensor<float> dx;
  layer.backward(trace, dy, &dx, {});
  CHECK(((dx.array() - 1).abs() < 1e-2f).all());
}

TEST_CASE("minibatch_stddev: the same bits on any number of threads") {
  rival_test::check_threads(MinibatchStddev<float>(), {17, 14, 14, 33}, {}, false);
}

TEST_CASE("minibatch_stddev: refuses bad options and inputs, and gradient penalties") {
  CHECK_THROWS_WITH(MinibatchStddev<double>({.group = 0}),
                    ContainsSubstring("minibatch_stddev: expected a positive `group`, got 0"));
  CHECK_THROWS_WITH(MinibatchStddev<double>({.epsilon = -1}),
                    ContainsSubstring("minibatch_stddev: expected a positive `epsilon`, got -1"));
  MinibatchStddev<double> layer;
  layer.set_name("D.stddev1");
  CHECK(layer.output_shape({4, 5, 3}) == Shape{4, 5, 4});
  CHECK(layer.output_shape({7}) == Shape{8});
  CHECK_THROWS_WITH(
      layer.output_shape({}),
      ContainsSubstring("minibatch_stddev \"D.stddev1\": expected vectors or images with channels, got scalar"));
  CHECK_THROWS_WITH(
      layer.curvature(),
      ContainsSubstring("minibatch_stddev \"D.stddev1\": a gradient penalty needs scores that do not depend "
                        "on the other samples of the batch, and minibatch_stddev compares them"));
}

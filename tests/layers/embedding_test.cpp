#include "rival/layers/embedding.hpp"

#include <cmath>

#include "conditional_values.hpp"
#include "gradient_check.hpp"
#include "rival/nn/network.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("embedding: gradients") {
  const test::GradientCheck options{.labels = {2, 0, 2, 1}};
  for (const Shape& batch : {Shape{5, 3}, Shape{3, 5, 4, 2}}) {
    test::check_gradients(Embedding<double>({.classes = 4, .features = 3}), batch, options);
    test::check_gradients(Embedding<double>({.classes = 3, .features = 9}), batch, options);
    test::check_gradients(Embedding<double>({.classes = 3, .one_hot = true}), batch, options);
  }
}

TEMPLATE_TEST_CASE("embedding has PyTorch's values", "", float, double) {
  using S = TestType;
  const auto labels = rival_test::conditional_labels();
  rival_test::check_values<S>(Embedding<S>({.classes = 4, .features = 3}), "embedding_vector", labels);
  rival_test::check_values<S>(Embedding<S>({.classes = 4, .features = 3}), "embedding_image", labels);
  rival_test::check_values<S>(Embedding<S>({.classes = 4, .one_hot = true}), "one_hot", labels);
}

TEST_CASE("embedding: a one-hot table has no parameters, a learnt one is drawn from its own stream") {
  Embedding<double> fixed({.classes = 5, .features = 5, .one_hot = true}), learnt({.classes = 200, .features = 50});
  State<double> state;
  fixed.collect(state);
  CHECK(state.parameters.empty());
  CHECK_FALSE(fixed.has_parameters());
  CHECK(fixed.output_shape({4, 3, 2}) == Shape{4, 3, 7});

  learnt.set_name("G.embed1");
  CHECK(learnt.weight().name == "G.embed1.weight");
  learnt.initialise(normal<double>(0, 0.02), Random(3));
  const auto values = learnt.weight().value.array();
  CHECK(std::abs(values.mean()) < 0.05);
  CHECK(std::abs(values.square().mean() - 1) < 0.05);
}

TEST_CASE("embedding: gets the labels of a network's pass") {
  Sequential<double> layers;
  layers.add(Embedding<double>({.classes = 3, .one_hot = true}));
  Network<double> network("G", {2}, std::move(layers));
  const Tensor<double> x({2, 2}, {0.5, 1.5, 2.5, 3.5}), expected({2, 5}, {0.5, 1.5, 0, 0, 1, 2.5, 3.5, 1, 0, 0});
  const std::vector<Label> labels{2, 0};
  Trace<double> trace;
  const Tensor<double>& y = network.infer(x, trace, labels);
  CHECK(rival_test::difference(y, expected) == 0);
}

TEST_CASE("embedding: the same bits on any number of threads") {
  const int before = threads();
  Tensor<float> x({32, 16, 16, 9}), dy({32, 16, 16, 26}), dx1, dx3;
  Random(1).fill_normal(x);
  Random(2).fill_normal(dy);
  const std::vector<Label> labels(32, 1);
  Embedding<float> one({.classes = 2, .features = 17});
  one.initialise(normal<float>(), Random(1));
  Embedding<float> three = one;
  Trace<float> trace;
  set_threads(1);
  const Tensor<float> y = one.forward(x, trace, {.labels = labels});
  one.backward(trace, dy, &dx1, {.parameters = true});
  set_threads(3);
  CHECK(rival_test::difference(three.forward(x, trace, {.labels = labels}), y) == 0);
  three.backward(trace, dy, &dx3, {.parameters = true});
  set_threads(before);
  CHECK(rival_test::difference(dx3, dx1) == 0);
  CHECK(rival_test::difference(three.weight().grad, one.weight().grad) == 0);
}

TEST_CASE("embedding: refuses labels that are too few or out of range, and options that make no table") {
  Embedding<double> layer({.classes = 3, .features = 2});
  layer.set_name("G.embed1");
  const Tensor<double> x({2, 4});
  Trace<double> trace;
  const std::vector<Label> far{0, 3}, few{0};
  CHECK_THROWS_WITH(layer.forward(x, trace, {}),
                    ContainsSubstring("embedding \"G.embed1\": expected 2 labels, one a sample, got 0"));
  CHECK_THROWS_WITH(layer.forward(x, trace, {.labels = few}),
                    ContainsSubstring("expected 2 labels, one a sample, got 1"));
  CHECK_THROWS_WITH(layer.forward(x, trace, {.labels = far}), ContainsSubstring("expected labels from 0 to 2, got 3"));
  CHECK_THROWS_WITH(layer.output_shape({4, 3}),
                    ContainsSubstring("expected vectors or images height x width x channels, got 4x3"));
  CHECK_THROWS_WITH(Embedding({.classes = 0, .features = 2}),
                    ContainsSubstring("embedding: expected 1 to 65536 classes, got 0"));
  CHECK_THROWS_WITH(Embedding({.classes = 65537, .features = 2}), ContainsSubstring("got 65537"));
  CHECK_THROWS_WITH(Embedding({.classes = 3}), ContainsSubstring("embedding: expected positive `features`, got 0"));
  CHECK_THROWS_WITH(Embedding({.classes = 3, .features = 2, .one_hot = true}),
                    ContainsSubstring("embedding: expected one feature a class (3) of a one-hot table, got 2"));
}

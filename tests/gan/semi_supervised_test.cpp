// The recipe for few labels: its networks as the paper has them, their first weights, and what it asks of its samples.
#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rival/gan/recipes/semi_supervised.hpp"
#include "rival/gan/trainer.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

Dataset digits(Index count = 30, bool labels = true, Index side = 28) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count * side * side));
  Random random(5);
  // A bright stripe, lower for each class, and noise.
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const std::size_t size = static_cast<std::size_t>(side * side), sample = i / size, place = i % size;
    pixels[i] = static_cast<std::uint8_t>((place * 10 / size == sample % 10 ? 180 : 0) + random.below(70));
  }
  std::vector<Label> classes;
  for (Index i = 0; labels && i < count; ++i) classes.push_back(static_cast<Label>(i % 10));
  return {{side, side, 1}, pixels, classes, labels ? 10 : 0, Transform{255}};
}

Recipe<> small(std::uint64_t seed = 1) {
  return recipes::semi_supervised<>({.batch = 20, .seed = seed, .width = 40}, digits());
}

Tensor<> gathered(const Dataset& data, Index count) {
  std::vector<Index> which;
  for (Index i = 0; i < count; ++i) which.push_back(i);
  Tensor<> samples;
  data.gather(which, samples);
  return samples;
}

}  // namespace

TEST_CASE("semi_supervised: the networks of the paper, and a loss of the labelled samples beside the others'") {
  const auto recipe = recipes::semi_supervised<>({.batch = 100}, digits());
  std::vector<Index> outputs;
  std::string kinds;
  Shape shape{28, 28, 1};
  const Sequential<>& layers = recipe.discriminator.layers();
  for (Index i = 0; i < layers.size(); ++i) {
    shape = layers[i].output_shape(shape);
    if (layers[i].kind() == "weight_norm dense") outputs.push_back(shape.size());
    kinds += layers[i].kind().substr(0, 1);
  }
  CHECK(outputs == std::vector<Index>{1000, 500, 250, 250, 250, 10});
  CHECK(kinds == "fgwrgwrgwrgwrgwrgwl");  // flatten, noise, dense, relu, ..., log_sum_exp
  CHECK(recipe.discriminator.heads() == 10);
  CHECK(layers[recipe.options.feature_matching - 1].kind() == "relu");
  CHECK(recipe.options.feature_matching == 16);
  REQUIRE(recipe.options.labelled);
  CHECK(recipe.options.labelled->batch == 30);
}

TEST_CASE("semi_supervised: at first every hidden output has about mean 0 and deviation 1 before its ReLU") {
  auto recipe = small();
  Trace<> trace;
  const Tensor<> samples = gathered(digits(), 30);
  recipe.discriminator.forward(samples, trace);
  // Behind the ReLU of normal numbers the mean square is a half. The noise, which is drawn anew, is what differs.
  for (const std::size_t relu : {3u, 6u, 9u, 12u, 15u}) {
    const auto outputs = trace.children[relu].output.array();
    CHECK(std::abs(outputs.square().mean() - 0.5f) < 0.15f);
  }
}

TEST_CASE("semi_supervised: the classifier within says what the heads say") {
  auto recipe = small();
  const Tensor<> samples = gathered(digits(), 30);
  Trace<> trace;
  const Tensor<>& outputs = recipe.discriminator.infer(samples, trace);
  const Classifier<> classifier = classifier_within(recipe.discriminator);
  const Tensor<> logits = classifier.logits(samples);
  REQUIRE(logits.shape() == Shape{30, 10});
  CHECK((logits.matrix().array() == outputs.matrix().rightCols(10).array()).all());
  const Discriminator<> plain({4}, Sequential<>(Dense<>({.in = 4, .out = 1})));
  CHECK_THROWS_WITH(classifier_within(plain),
                    "discriminator \"D\": expected log_sum_exp as its last layer, behind a classifier's logits");
}

TEST_CASE("semi_supervised: a few steps learn the labelled samples by heart") {
  auto recipe = small();
  AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
  double first = 0, last = 0;
  trainer.fit(digits(200, false), {.epochs = 12, .on_step = [&](const StepReport& report) {
                                     if (report.steps_done == 1) first = report.auxiliary_loss;
                                     last = report.auxiliary_loss;
                                   }});
  CHECK(first > 2);  // twice about log 10
  CHECK(last < first / 3);
}

TEST_CASE("semi_supervised: what it asks of its samples") {
  CHECK_THROWS_WITH(recipes::semi_supervised<>({}, digits(30, false)),
                    ContainsSubstring("expected labelled samples of 28x28x1, got samples of 28x28x1 without labels"));
  CHECK_THROWS_WITH(recipes::semi_supervised<>({}, digits(30, true, 32)),
                    ContainsSubstring("expected labelled samples of 28x28x1, got samples of 32x32x1"));
  CHECK_THROWS_WITH(recipes::semi_supervised<>({.width = -1}, digits()), ContainsSubstring("expected a width"));
  const Dataset usual({28, 28, 1}, std::vector<std::uint8_t>(1568), std::vector<Label>{0, 1}, 2);
  CHECK_THROWS_WITH(recipes::semi_supervised<>({}, usual),
                    ContainsSubstring("expected samples from 0 to 1, got numbers from -1 to -1"));
}

#include "rival/train/classifier.hpp"

#include <algorithm>
#include <cstdint>

#include "catch.hpp"
#include "rival/gan/discriminator.hpp"
#include "rival/io/network_file.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/spectral_norm.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;
using Catch::Matchers::ContainsSubstring;

namespace {

Classifier<> small(std::uint64_t seed = 1) {
  Classifier<> classifier(
      {6, 6, 1}, Sequential<>(Conv2d<>({.in = 1, .out = 4, .kernel = 3, .padding = 1}), BatchNorm<>({.features = 4}),
                              ReLU<>(), MaxPool2d<>({.kernel = 2}), Flatten<>(), Dense<>({.in = 36, .out = 8}),
                              BatchNorm<>({.features = 8}), LeakyReLU<>(0.1), Dense<>({.in = 8, .out = 3})));
  classifier.initialise(normal<>(0, 0.5), Random(seed));
  return classifier;
}

Tensor<float> samples(Index count, const Shape& shape = {6, 6, 1}) {
  Tensor<float> x(shape.batch(count));
  Random(7).fill_normal(x);
  return x;
}

bool same(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}

}  // namespace

TEST_CASE("classifier: logits are those of infer, however many samples go in") {
  const auto classifier = small();
  CHECK(classifier.classes() == 3);
  const auto x = samples(600);  // more than go through the network side by side
  Trace<float> trace;
  const Tensor<float> expected = classifier.infer(x, trace);
  const Tensor<float> logits = classifier.logits(x);
  REQUIRE(logits.shape() == Shape({600, 3}));
  // Those beside it change a sample by no more than rounding: sums of 36 terms of size 1.
  CHECK((logits.array() - expected.array()).abs().maxCoeff() < 1e-5f);
}

TEST_CASE("classifier: features are what the last dense layer reads") {
  const auto classifier = small();
  const auto x = samples(600);
  const Tensor<float> features = classifier.features(x), logits = classifier.logits(x);
  REQUIRE(features.shape() == Shape({600, 8}));
  // That layer alone makes the logits of them.
  Trace<float> trace;
  const Tensor<float>& again = classifier.layers()[8].forward(features, trace, {.mode = Mode::eval, .backward = false});
  CHECK((again.array() - logits.array()).abs().maxCoeff() < 1e-5f);
  CHECK((features.array() < 0).any());  // behind the leaky ReLU, not a ReLU
}

TEST_CASE("classifier: features where the only dense layer is the first, or within spectral norm") {
  const auto x = samples(5);
  Classifier<> linear({6, 6, 1}, Sequential<>(Flatten<>(), Dense<>({.in = 36, .out = 2})));
  const Tensor<float> flat = linear.features(x);
  CHECK(flat.shape() == Shape({5, 36}));
  CHECK(std::equal(flat.data(), flat.data() + flat.size(), x.data()));

  Classifier<> vectors({4}, Sequential<>(SpectralNorm(Dense<>({.in = 4, .out = 2}))));
  const auto rows = samples(3, {4});
  CHECK(same(vectors.features(rows), rows));

  const Classifier<> convolutions({6, 6, 1}, Sequential<>(Conv2d<>({.in = 1, .out = 3, .kernel = 6}), Reshape<>({3})));
  CHECK(convolutions.logits(x).shape() == Shape({5, 3}));
  CHECK_THROWS_WITH(
      convolutions.features(x),
      "classifier \"C\": expected a dense layer, not within another stack, whose input are the features; got "
      "none");
}

TEST_CASE("classifier: refuses networks that end in no logits, and samples of another shape") {
  CHECK_THROWS_WITH(Classifier<>({4}, Sequential<>(Dense<>({.in = 4, .out = 1}))),
                    "classifier \"C\": expected 2 to 65536 logits a sample, got 1");
  CHECK_THROWS_WITH(Classifier<>({6, 6, 1}, Sequential<>(Conv2d<>({.in = 1, .out = 3, .kernel = 3}))),
                    "classifier \"C\": expected 2 to 65536 logits a sample, got 4x4x3");
  const auto classifier = small();
  CHECK_THROWS_WITH(classifier.logits(samples(2, {5, 6, 1})),
                    "classifier \"C\": expected samples of 6x6x1, got 2x5x6x1");
  CHECK_THROWS_WITH(classifier.features(Tensor<float>({0, 6, 6, 1})),
                    "classifier \"C\": expected samples of 6x6x1, got 0x6x6x1");
}

TEST_CASE("classifier: a file gives it back, and is no other network's") {
  const TemporaryFolder folder;
  const auto path = folder / "c.safetensors";
  auto classifier = small();
  Trace<float> trace;
  const auto x = samples(20);
  classifier.forward(x, trace);  // running statistics of its own
  save(classifier, path);
  const auto again = load_classifier(path);
  CHECK(again.layers().describe() == classifier.layers().describe());
  CHECK(same(again.logits(samples(9)), classifier.logits(samples(9))));
  const auto doubles = load_classifier<double>(path);
  CHECK(doubles.classes() == 3);

  CHECK_THROWS_WITH(load_discriminator(path), ContainsSubstring("expected a discriminator, got a classifier"));
  CHECK_THROWS_WITH(load_network(path), ContainsSubstring("expected a network, got a classifier"));
  Discriminator<> discriminator({4}, Sequential<>(Dense<>({.in = 4, .out = 1})));
  save(discriminator, path);
  CHECK_THROWS_WITH(load_classifier(path),
                    "safetensors file " + quoted(path) + ": expected a classifier, got a discriminator");
}

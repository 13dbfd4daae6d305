#include "rival/gan/best_latents.hpp"

#include <limits>
#include <vector>

#include "catch.hpp"
#include "rival/gan/recipes/conditional.hpp"
#include "rival/gan/recipes/rpgan.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/pack.hpp"

using namespace rival;
using Catch::Contains;

namespace {

/// Gives the latent vector as it is.
Generator<float> echo(Index length) {
  Generator<float> generator(length, Sequential<float>(Dense<float>({.in = length, .out = length})));
  generator.parameters()[0]->value.array() = 0;
  for (Index i = 0; i < length; ++i) generator.parameters()[0]->value(i, i) = 1;
  generator.parameters()[1]->value.array() = 0;
  return generator;
}

/// Scores by the first number, behind which stand as many heads.
Discriminator<float> first_number(Index length, Index heads = 0) {
  Discriminator<float> discriminator({length}, Sequential<float>(Dense<float>({.in = length, .out = 1 + heads})), "D",
                                     heads);
  discriminator.parameters()[0]->value.array() = 0;
  discriminator.parameters()[0]->value(0, 0) = 1;
  for (Index k = 0; k < heads; ++k) discriminator.parameters()[0]->value(1, 1 + k) = 5;
  discriminator.parameters()[1]->value.array() = 0;
  return discriminator;
}

Tensor<float> rows(const std::vector<std::vector<float>>& all) {
  Tensor<float> x({static_cast<Index>(all.size()), static_cast<Index>(all[0].size())});
  Index at = 0;
  for (const auto& row : all)
    for (const float value : row) x[at++] = value;
  return x;
}

}  // namespace

TEST_CASE("best latents: the one of each sample's tries that scores highest") {
  const Tensor<float> candidates = rows({{1, 9}, {3, 0}, {2, 0}, {-1, 9}, {-5, 0}, {-1, 1}});
  for (const Index heads : {0, 2}) {
    const auto best = best_latents(echo(2), first_number(2, heads), candidates, 3);
    REQUIRE(best.shape() == Shape{2, 2});
    CHECK(best(0, 0) == 3);
    CHECK(best(1, 0) == -1);
    CHECK(best(1, 1) == 9);  // the first of equal ones
  }
  const auto all = best_latents(echo(2), first_number(2), candidates, 1);
  CHECK(std::equal(all.data(), all.data() + all.size(), candidates.data()));
}

TEST_CASE("best latents: a score that is not finite counts least") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const auto best = best_latents(echo(2), first_number(2), rows({{nan, 0}, {-8, 1}, {1, 2}, {nan, 3}}), 2);
  CHECK(best(0, 1) == 1);
  CHECK(best(1, 1) == 2);
}

TEST_CASE("best latents: more than fit side by side, by a recipe's networks, whose mean score rises") {
  const auto recipe = recipes::rpgan<float>({.batch = 16, .seed = 3});
  Random random(5);
  constexpr Index count = 150, tries = 3;
  Tensor<float> candidates({count * tries, recipe.generator.latent()});
  random.fill_normal(candidates);
  const auto best = best_latents(recipe.generator, recipe.discriminator, candidates, tries);
  Trace<float> trace;
  const auto scores = [&](const Tensor<float>& latents) {
    const Tensor<float> samples = recipe.generator.sample(latents);
    return Tensor<float>(recipe.discriminator.infer(samples, trace));
  };
  const Tensor<float> of_all = scores(candidates), of_best = scores(best);
  for (Index i = 0; i < count; ++i)
    for (Index k = 0; k < tries; ++k) REQUIRE(of_best[i] >= of_all[i * tries + k] - 1e-5F);
}

TEST_CASE("best samples: those of the best of so many normal latent vectors") {
  const auto recipe = recipes::rpgan<float>({.batch = 16, .seed = 3});
  for (const Index tries : {1, 3}) {
    Random one(5), other(5);
    const auto samples = best_samples(recipe.generator, recipe.discriminator, 7, one, tries);
    Tensor<float> candidates({7 * tries, recipe.generator.latent()});
    other.fill_normal(candidates);
    const auto expected =
        recipe.generator.sample(best_latents(recipe.generator, recipe.discriminator, candidates, tries));
    REQUIRE(samples.shape() == Shape{7, 28, 28, 1});
    CHECK(std::equal(samples.data(), samples.data() + samples.size(), expected.data()));
  }
  Random random(1);
  CHECK_THROWS_WITH(best_samples(recipe.generator, recipe.discriminator, 0, random),
                    Contains("at least 1, got 0 and 3"));
}

TEST_CASE("best latents: each sample's label goes with all of its tries") {
  // The score is what the label's embedding says of the sample.
  Generator<float> generator(
      3, Sequential<float>(Embedding<float>({.classes = 2, .one_hot = true}), Dense<float>({.in = 5, .out = 2})));
  generator.parameters()[0]->value.array() = 0;
  generator.parameters()[0]->value(0, 0) = 1;   // the first latent number
  generator.parameters()[0]->value(3, 1) = 1;   // class 0
  generator.parameters()[0]->value(4, 1) = -1;  // class 1
  generator.parameters()[1]->value.array() = 0;
  Discriminator<float> discriminator({2}, Sequential<float>(Dense<float>({.in = 2, .out = 1})));
  discriminator.parameters()[0]->value(0, 0) = 1;
  discriminator.parameters()[0]->value(1, 0) = 100;
  discriminator.parameters()[1]->value.array() = 0;
  const std::vector<Label> labels{0, 1};
  const auto best =
      best_latents(generator, discriminator, rows({{1, 0, 0}, {2, 0, 0}, {7, 0, 0}, {4, 0, 0}}), 2, labels);
  CHECK(best(0, 0) == 2);
  CHECK(best(1, 0) == 7);
}

TEST_CASE("best latents: what does not fit is refused") {
  const Tensor<float> four({4, 2});
  CHECK_THROWS_WITH(best_latents(echo(2), first_number(3), four, 2), Contains("the discriminator scores samples of 3"));
  CHECK_THROWS_WITH(best_latents(echo(2), first_number(2), four, 3), Contains("expected 3 latent vectors a sample"));
  CHECK_THROWS_WITH(best_latents(echo(2), first_number(2), four, 0), Contains("expected 0 latent vectors"));
  const Discriminator<float> packs({2}, Sequential<float>(Pack<float>(2), Dense<float>({.in = 4, .out = 1})));
  CHECK_THROWS_WITH(best_latents(echo(2), packs, four, 2), Contains("got 2 scores of 4 samples"));
  const std::vector<Label> labels{0};
  CHECK_THROWS_WITH(best_latents(echo(2), first_number(2), four, 2, labels), Contains("expected 2 labels"));
}

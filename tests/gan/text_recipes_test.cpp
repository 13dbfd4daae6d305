#include "catch.hpp"
#include "rival/gan/recipes/text.hpp"

#include <utility>
#include <vector>

#include "rival/data/dataset.hpp"
#include "rival/gan/trainer.hpp"

using Catch::Matchers::Message;
using namespace rival;

namespace {

/// Lines of 6 symbols of 3, all the same within a class.
Dataset stripes(bool labelled) {
  std::vector<Label> symbols, labels;
  for (int i = 0; i < 40; ++i) {
    for (int p = 0; p < 6; ++p) symbols.push_back(static_cast<Label>(p % 2 == i % 2 ? 1 : 2));
    labels.push_back(static_cast<Label>(i % 2));
  }
  return Dataset::of_classes({6}, 3, symbols, labelled ? labels : std::vector<Label>{});
}

}  // namespace

TEST_CASE("text recipes: networks of the lines' shape, and the papers' numbers") {
  const auto paper = recipes::text_wgan_gp({.length = 32, .symbols = 27, .width = 512});
  CHECK(paper.generator.output_shape() == Shape({32, 27}));
  CHECK(paper.discriminator.input_shape() == Shape({32, 27}));
  // Dense from 128 numbers, ten convolutions of 5 and one of 1, each with biases.
  const Index convolutions = 10 * (5 * 512 * 512 + 512);
  auto copy = paper;
  Index generator = 0, critic = 0;
  for (const auto* parameter : copy.generator.parameters()) generator += parameter->value.size();
  for (const auto* parameter : copy.discriminator.parameters()) critic += parameter->value.size();
  CHECK(generator == 129 * 32 * 512 + convolutions + 512 * 27 + 27);
  CHECK(critic == 27 * 512 + 512 + convolutions + 32 * 512 + 1);
  CHECK(paper.options.discriminator_steps == 10);
  CHECK(paper.options.labels == LabelSource::none);

  // As many blocks as see the whole line, between two and five.
  for (const auto& [length, blocks] :
       std::vector<std::pair<Index, Index>>{{6, 2}, {17, 2}, {18, 3}, {32, 4}, {64, 5}}) {
    const auto own = recipes::text_rpgan({.length = length, .symbols = 27});
    CHECK(own.discriminator.layers().size() == blocks + 3);
  }
}

TEST_CASE("text recipes: training learns which symbol follows which, and the class if there is one") {
  for (const bool labelled : {false, true}) {
    INFO(labelled);
    const Dataset data = stripes(labelled);
    auto recipe = recipes::text_rpgan({.length = 6, .symbols = 3, .classes = data.classes(), .batch = 8, .width = 8});
    CHECK((recipe.options.labels == LabelSource::data) == labelled);
    AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
    trainer.fit(data, {.epochs = 60, .steps = 300});
    Random random(3);
    std::vector<Label> labels;
    if (labelled)
      for (int i = 0; i < 100; ++i) labels.push_back(static_cast<Label>(i % 2));
    const auto samples = recipe.generator.sample(100, random, labels);
    int right = 0;
    for (Index i = 0; i < 100; ++i) {
      const float* p = samples.data() + i * 18;
      bool good = true;
      const bool first = labelled ? i % 2 == 0 : p[1] > p[2];  // symbol 1 at even places
      for (Index place = 0; place < 6; ++place) {
        const Index wanted = (place % 2 == 0) == first ? 1 : 2;
        good = good && p[place * 3 + wanted] > 0.5f;
      }
      right += good;
    }
    CHECK(right >= 70);  // of 100; by chance three
  }
}

TEST_CASE("text recipes: refuse what cannot be") {
  CHECK_THROWS_MATCHES(recipes::text_rpgan({.length = 0, .symbols = 3}), Error,
                       Message("text recipe: expected lines of at least 1 place and 2 symbols, got 0 and 3"));
  CHECK_THROWS_MATCHES(recipes::text_rpgan({.length = 6, .symbols = 1}), Error,
                       Message("text recipe: expected lines of at least 1 place and 2 symbols, got 6 and 1"));
  CHECK_THROWS_MATCHES(recipes::text_wgan_gp({.length = 6, .symbols = 3, .classes = -1}), Error,
                       Message("text recipe: expected classes from 0 to 65536, got -1"));
  CHECK_THROWS_MATCHES(recipes::text_wgan_gp({.length = 6, .symbols = 3, .batch = 0}), Error,
                       Message("text recipe: expected a batch of at least 1, got 0"));
  CHECK_THROWS_MATCHES(recipes::text_wgan_gp({.length = 6, .symbols = 3, .width = 5000}), Error,
                       Message("text recipe: expected a width from 0 to 4096, got 5000"));
}

// All that a resume needs can be read and set: a run in two parts gives the bits of one in one part.
#include <cstring>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/gan/recipes/recipes.hpp"
#include "rival/gan/trainer.hpp"

using namespace rival;

namespace {

Dataset digits() {
  std::vector<std::uint8_t> pixels(28 * 28 * 50);
  std::vector<Label> labels(50);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i / 7 % 251);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<Label>(i % 10);
  return {{28, 28, 1}, pixels, labels, 10};
}

void copy(const State<>& from, const State<>& to) {
  for (std::size_t i = 0; i < from.parameters.size(); ++i) to.parameters[i]->value = from.parameters[i]->value;
  for (std::size_t i = 0; i < from.buffers.size(); ++i) to.buffers[i]->value = from.buffers[i]->value;
  for (std::size_t i = 0; i < from.streams.size(); ++i) *to.streams[i].second = *from.streams[i].second;
}

void copy(Optimizer<>& from, Optimizer<>& to) {
  const auto a = from.state(), b = to.state();
  for (std::size_t i = 0; i < a.size(); ++i) *b[i].second = *a[i].second;
  to.set_steps(from.steps());
}

bool same(Network<>& a, Network<>& b) {
  const State<> s = a.state(), t = b.state();
  const auto equal = [](const Tensor<>& x, const Tensor<>& y) {
    return std::memcmp(x.data(), y.data(), static_cast<std::size_t>(x.size()) * sizeof(float)) == 0;
  };
  for (std::size_t i = 0; i < s.parameters.size(); ++i)
    if (!equal(s.parameters[i]->value, t.parameters[i]->value)) return false;
  for (std::size_t i = 0; i < s.buffers.size(); ++i)
    if (!equal(s.buffers[i]->value, t.buffers[i]->value)) return false;
  return true;
}

}  // namespace

TEST_CASE("trainer state: a run in two parts gives the bits of one in one part") {
  // Schedules and an average; five discriminator steps with penalties; labels that are drawn.
  const std::string name = GENERATE("r3gan", "wgan-gp", "infogan");
  INFO(name);
  const Dataset data = digits();
  const FitOptions whole{.epochs = 5, .steps = 7};
  const auto make = [&] { return find_recipe(name).make({.batch = 4, .seed = 3}); };

  auto straight = make();
  AdversarialTrainer<> one(straight.generator, straight.discriminator, straight.options);
  std::vector<double> losses, losses_again;
  FitOptions watch = whole;
  watch.on_step = [&](const StepReport& report) { losses.push_back(report.discriminator_loss); };
  one.fit(data, watch);

  auto first = make();
  AdversarialTrainer<> a(first.generator, first.discriminator, first.options);
  FitOptions part = whole;
  part.on_step = [&](const StepReport& report) {
    losses_again.push_back(report.discriminator_loss);
    if (report.steps_done == 3) a.stop();  // with wgan-gp in the middle of an epoch, too
  };
  a.fit(data, part);
  CHECK(a.state().fit_steps == 3);
  CHECK(a.state().steps == 3);

  auto second = make();
  second.generator.initialise(normal<>(0, 1), Random(77));  // all weights have to come over
  second.discriminator.initialise(normal<>(0, 1), Random(78));
  AdversarialTrainer<> b(second.generator, second.discriminator, second.options);
  copy(first.generator.state(), second.generator.state());
  copy(first.discriminator.state(), second.discriminator.state());
  copy(a.generator_optimizer(), b.generator_optimizer());
  copy(a.discriminator_optimizer(), b.discriminator_optimizer());
  if (first.options.average) copy(a.average().state(), b.average().state());
  b.set_state(a.state());
  CHECK(b.state() == a.state());
  FitOptions rest = whole;
  rest.resume = true;
  rest.on_step = [&](const StepReport& report) { losses_again.push_back(report.discriminator_loss); };
  b.fit(data, rest);
  CHECK(losses == losses_again);
  CHECK(same(straight.generator, second.generator));
  CHECK(same(straight.discriminator, second.discriminator));
  if (first.options.average) CHECK(same(one.average(), b.average()));
  CHECK(b.state() == one.state());
}

TEST_CASE("trainer state: refuses numbers that no trainer has, and a resume of nothing") {
  auto recipe = find_recipe("gan").make({.batch = 4});
  AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
  CHECK_THROWS_WITH(trainer.fit(digits(), {.resume = true}),
                    "trainer: expected a fit that has begun, to go on with it; got none");
  const TrainerState before = trainer.state();
  TrainerState bad = before;
  bad.discriminator_steps = -1;
  CHECK_THROWS_WITH(trainer.set_state(bad), Catch::Matchers::ContainsSubstring("expected a state of numbers >= 0"));
  CHECK(trainer.state() == before);
  CHECK_THROWS_WITH(trainer.average(), "trainer: expected options with an average, got none");
}

TEST_CASE("trainer state: a recipe's average and the length of its run are the trainer's") {
  auto recipe = recipes::r3gan<float>({.batch = 4, .seed = 1});
  AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
  CHECK(&trainer.averaged_generator() != &recipe.generator);
  CHECK(trainer.options().average->batch == 4);
  // By itself a step does not know how long the run is.
  Tensor<> real({4, 28, 28, 1}, 0.5f);
  CHECK_THROWS_WITH(trainer.step(real), Catch::Matchers::ContainsSubstring("over_run: expected a run"));
  trainer.fit(digits(), {.epochs = 1, .steps = 4});
  CHECK(trainer.generator_optimizer().run() == 4);
  // Four steps of which two are the burn-in: the rate has fallen to a quarter.
  CHECK(trainer.generator_optimizer().learning_rate() == Catch::Approx(0.25e-3));
  CHECK(!same(recipe.generator, trainer.average()));

  auto told = recipes::r3gan<float>({.batch = 4, .seed = 1});
  told.options.steps = 10;
  AdversarialTrainer by_hand(told.generator, told.discriminator, told.options);
  by_hand.step(real);
  CHECK(by_hand.generator_optimizer().run() == 10);

  auto plain = recipes::gan<float>({.batch = 4});
  AdversarialTrainer without(plain.generator, plain.discriminator, plain.options);
  CHECK(&without.averaged_generator() == &plain.generator);
}

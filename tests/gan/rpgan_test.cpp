#include "rival/gan/recipes/rpgan.hpp"

#include <cmath>
#include <variant>

#include "catch.hpp"
#include "rival/gan/recipes/recipes.hpp"
#include "rival/gan/trainer.hpp"

using namespace rival;

TEST_CASE("rpgan: the learning rate is whole for the first half of the run and falls to nothing over the second") {
  const auto recipe = recipes::rpgan<float>({.batch = 10});
  for (const auto& optimizer : {recipe.options.generator_optimizer, recipe.options.discriminator_optimizer}) {
    const Schedule& factor = std::get<AdamOptions>(optimizer).schedule;
    CHECK(factor(0, 40) == 1);
    CHECK(factor(20, 40) == 1);
    CHECK_THAT(factor(30, 40), Catch::Matchers::WithinAbs(0.5, 1e-12));
    CHECK(factor(39, 40) > 0);
    CHECK(factor(40, 40) == 0);
  }
}

TEST_CASE("rpgan: the discriminator pays for steep scores of real and of generated images") {
  Tensor<> real({4, 28, 28, 1});
  Random(5).stream("real").fill_uniform(real, -1.0f, 1.0f);
  double both = 0, alone[2] = {0, 0};
  for (int left_out = -1; left_out < 2; ++left_out) {
    auto networks = recipes::rpgan<float>({.batch = 4, .seed = 3});
    networks.options.steps = 10;
    if (left_out >= 0) networks.options.penalties.erase(networks.options.penalties.begin() + left_out);
    AdversarialTrainer<> trainer(networks.generator, networks.discriminator, networks.options);
    const StepReport report = trainer.step(real);
    CHECK(std::isfinite(report.discriminator_loss + report.generator_loss));
    (left_out < 0 ? both : alone[left_out]) = report.penalty;
  }
  CHECK(alone[0] > 0);
  CHECK(alone[1] > 0);
  CHECK_THAT(both, Catch::Matchers::WithinRel(alone[0] + alone[1], 1e-6));
}

TEST_CASE("rpgan: a run of one step has a schedule too") {
  const auto recipe = recipes::rpgan<float>({.batch = 16});
  CHECK(std::get<AdamOptions>(recipe.options.generator_optimizer).schedule(0, 1) == 1);
}

TEST_CASE("rpgan: is found by its name and comes first") {
  CHECK(named_recipes<float>().front().name == "rpgan");
  CHECK(find_recipe("rpgan").make({.batch = 2}).options.average.has_value());
}

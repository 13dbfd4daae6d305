// Each warning is provoked, by weights that are as they should not be or by reports that say so.
#include "rival/gan/health.hpp"

#include "catch.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/loss/adversarial.hpp"
#include "rival/loss/relativistic.hpp"
#include "rival/nn/initialise.hpp"

namespace {

using namespace rival;

constexpr Index length = 8;

/// 200 of the 256 corners of a cube.
Dataset corners() {
  std::vector<float> values;
  for (int i = 0; i < 200; ++i)
    for (int k = 0; k < length; ++k) values.push_back((i >> k & 1) == 1 ? 1.0f : -1.0f);
  return Dataset({length}, std::move(values));
}

/// Points around the corners' centre, so that nothing is wrong.
Dataset cloud() {
  Tensor<float> points({200, length});
  Random random(3);
  random.fill_normal(points);
  return Dataset({length}, std::vector<float>(points.data(), points.data() + points.size()));
}

struct Setting {
  Generator<float> generator{length, Sequential<float>(Dense<float>({length, length}))};
  Discriminator<float> discriminator{
      {length}, Sequential<float>(Dense<float>({length, 16}), LeakyReLU<float>(0.2), Dense<float>({16, 1}))};
  AdversarialTrainer<float> trainer;

  explicit Setting(TrainerOptions<float> options = {.batch = 16})
      : trainer(prepared(), discriminator, std::move(options)) {}

  /// The identity: samples are latent vectors.
  Generator<float>& prepared() {
    discriminator.initialise(he<float>(0.2), Random(1));
    auto& weight = generator.parameters()[0]->value;
    weight.array().setZero();
    for (Index k = 0; k < length; ++k) weight(k, k) = 1;
    return generator;
  }
};

StepReport usual() {
  StepReport report;
  report.steps_in_all = 10000;
  report.discriminator_loss = 1;
  report.accuracy = 0.8;
  report.real_score = 1;
  return report;
}

/// The names of what comes up in so many steps of such reports.
std::vector<std::string> names(Health<float>& health, long steps, const StepReport& report = usual()) {
  std::vector<std::string> all;
  for (long i = 0; i < steps; ++i)
    for (const auto& warning : health.step(report)) {
      all.push_back(warning.name);
      CHECK(warning.text.find("; try ") != std::string::npos);
    }
  return all;
}

using Names = std::vector<std::string>;

TEST_CASE("health: nothing is said of samples that are as they should be") {
  Setting s;
  const Dataset data = cloud();
  Health<float> health(s.trainer, data, {.every = 1});
  CHECK(names(health, 100).empty());
}

TEST_CASE("health: scores that say who is ahead") {
  Setting s;
  const Dataset data = cloud();
  Health<float> health(s.trainer, data, {.every = 10});
  StepReport report = usual();
  SECTION("the discriminator") {
    report.discriminator_loss = 0.001, report.accuracy = 1;
    CHECK(names(health, 20, report).empty());  // not at once
    CHECK(names(health, 200, report) == Names{"discriminator far ahead"});
    CHECK(names(health, 600).empty());
    CHECK(names(health, 2000, report) == Names{"discriminator far ahead"});  // again, when it comes back
  }
  SECTION("the generator") {
    report.real_score = -1;
    CHECK(names(health, 200, report) == Names{"discriminator behind"});
  }
}

TEST_CASE("health: a gradient that vanishes") {
  Setting s({.loss = non_saturating<float>(), .batch = 16});
  const Dataset data = cloud();
  Health<float> health(s.trainer, data, {.every = 1});
  CHECK(names(health, 5).empty());
  s.discriminator.parameters()[3]->value.fill(40);  // the last bias: surely real, whatever comes
  CHECK(names(health, 5) == Names{"vanishing gradient"});
}

TEST_CASE("health: samples that are all alike") {
  Setting s;
  const Dataset data = cloud();
  Health<float> health(s.trainer, data, {.every = 1});
  CHECK(names(health, 5).empty());
  s.generator.parameters()[0]->value.array() *= 0.01f;
  CHECK(names(health, 5) == Names{"mode collapse"});
}

TEST_CASE("health: samples that are training samples") {
  Setting s;
  const Dataset data = corners();
  Generator<float> learnt(length, Sequential<float>(Dense<float>({length, length}), Tanh<float>()));
  auto& weight = learnt.parameters()[0]->value;
  weight.array().setZero();
  for (Index k = 0; k < length; ++k) weight(k, k) = 1000;  // to the nearest corner
  AdversarialTrainer<float> trainer(learnt, s.discriminator, {.batch = 16});
  Health<float> health(trainer, data, {.every = 1});
  CHECK(names(health, 5) == Names{"memorising"});
}

TEST_CASE("health: weights that grow and grow") {
  Setting s;
  const Dataset data = cloud();
  Health<float> health(s.trainer, data, {.every = 1});
  CHECK(names(health, 2).empty());
  SECTION("of the generator") {
    s.generator.parameters()[0]->value.array() *= 100.0f;
    CHECK(names(health, 2) == Names{"diverging weights of the generator"});
  }
  SECTION("of the discriminator") {
    s.discriminator.parameters()[0]->value.array() *= 100.0f;
    CHECK(names(health, 2) == Names{"diverging weights of the discriminator"});
  }
}

TEST_CASE("health: numbers of the latent vector that do nothing") {
  Setting s;
  const Dataset data = cloud();
  Health<float> health(s.trainer, data, {.every = 1});
  for (Index k = 0; k < length; ++k) s.generator.parameters()[0]->value(3, k) = 0;
  CHECK(names(health, 20) == Names{"dead latent numbers"});
}

TEST_CASE("health: the training does not notice, and a sound one is silent") {
  std::vector<float> weights[2];
  for (const bool watched : {false, true}) {
    Setting s({.loss = relativistic_pairing<float>(), .batch = 16, .penalties = {r1(0.1), r2(0.1)}, .seed = 4});
    const Dataset data = cloud();
    Health<float> health(s.trainer, data, {.every = 20});
    s.trainer.fit(data, {.epochs = 40, .on_step = [&](const StepReport& report) {
                           if (!watched) return;
                           for (const auto& warning : health.step(report))
                             FAIL_CHECK(warning.name << ": " << warning.text);
                         }});
    for (const auto* p : s.generator.parameters())
      weights[watched].insert(weights[watched].end(), p->value.data(), p->value.data() + p->value.size());
  }
  CHECK(weights[0] == weights[1]);
}

TEST_CASE("health: what it refuses") {
  Setting s;
  const Dataset other({3}, std::vector<float>(30, 1.0f));
  CHECK_THROWS_WITH(Health<float>(s.trainer, other), Catch::Contains("the generator makes samples of 8"));
  const Dataset one({length}, std::vector<float>(length, 1.0f));
  CHECK_THROWS_WITH(Health<float>(s.trainer, one), Catch::Contains("at least 2 samples"));
}

}  // namespace

// The trainer on networks so small that a person can do its sums.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <thread>
#include <vector>
#include "catch.hpp"

#include "rival/gan/architectures.hpp"
#include "rival/gan/trainer.hpp"

using namespace rival;

namespace {

/// z -> z A + c, as images of 2 x 2.
Generator<double> small_generator() {
  Generator<double> generator(2, Sequential<double>(Dense<double>({.in = 2, .out = 4}), Reshape<double>({2, 2, 1})));
  generator.parameters()[0]->value = Tensor<double>({2, 4}, {0, 0, 1, 0, 1, 1, 0, 0});
  return generator;
}

/// x -> x w + b
Discriminator<double> small_discriminator() {
  Discriminator<double> discriminator({2, 2, 1},
                                      Sequential<double>(Flatten<double>(), Dense<double>({.in = 4, .out = 1})));
  discriminator.parameters()[0]->value = Tensor<double>({4, 1}, {1, -1, 2, 0});
  discriminator.parameters()[1]->value = Tensor<double>({1}, {0.5});
  return discriminator;
}

const Tensor<double> real_images({2, 2, 2, 1}, {1, 0, 0, 0, 0, 1, 0, 0});
const Tensor<double> latents({2, 2}, {1, 0, 0, 1});  // with A: the images 0 0 1 0 and 1 1 0 0

SgdOptions sgd(double rate) { return {.learning_rate = rate}; }

double softplus(double x) { return std::log1p(std::exp(x)); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// Image i is made of bytes that are all i.
Dataset numbered_images(Index count) {
  std::vector<std::uint8_t> bytes;
  for (Index i = 0; i < count; ++i) bytes.insert(bytes.end(), 4, static_cast<std::uint8_t>(i));
  return {{2, 2, 1}, bytes};
}

template <class S>
bool same_bits(const Tensor<S>& a, const Tensor<S>& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(S)) == 0;
}

/// Copies of all parameters of a network.
template <class S>
std::vector<Tensor<S>> weights(Network<S>& network) {
  std::vector<Tensor<S>> copies;
  for (const auto* parameter : network.parameters()) copies.push_back(parameter->value);
  return copies;
}
template <class S>
bool same_weights(Network<S>& network, const std::vector<Tensor<S>>& copies) {
  for (std::size_t i = 0; i < copies.size(); ++i)
    if (!same_bits(network.parameters()[i]->value, copies[i])) return false;
  return true;
}
template <class S>
bool no_gradients(Network<S>& network) {
  for (const auto* parameter : network.parameters())
    if ((parameter->grad.array() != S(0)).any()) return false;
  return true;
}

/// Calls `see` on what the losses are given.
AdversarialLoss<double> watched(
    std::function<void(const Tensor<double>& real, const Tensor<double>& fake)> discriminator,
    std::function<void(const Tensor<double>& fake)> generator = {}) {
  return {
      .discriminator =
          [=](const Tensor<double>& real, const Tensor<double>& fake, Tensor<double>& dreal, Tensor<double>& dfake) {
            if (discriminator) discriminator(real, fake);
            return non_saturating<double>().discriminator(real, fake, dreal, dfake);
          },
      .generator =
          [=](const Tensor<double>& real, const Tensor<double>& fake, Tensor<double>& dfake) {
            if (generator) generator(fake);
            return non_saturating<double>().generator(real, fake, dfake);
          }};
}

}  // namespace

TEST_CASE("trainer: one step, by hand") {
  auto generator = small_generator();
  auto discriminator = small_discriminator();
  const double rate = 0.125;
  AdversarialTrainer<double> trainer(generator, discriminator,
                                     {.generator_optimizer = sgd(2 * rate), .discriminator_optimizer = sgd(rate)});
  const auto report = trainer.step(real_images, latents);

  // Scores of the real images: 1.5 and -0.5, of the generated ones 2.5 and 0.5. One of the four is on its side.
  CHECK(report.step == 1);
  CHECK(report.real_score == Catch::Approx(0.5).epsilon(1e-14));
  CHECK(report.fake_score == Catch::Approx(1.5).epsilon(1e-14));
  CHECK(report.accuracy == 0.25);
  CHECK(report.discriminator_loss ==
        Catch::Approx((softplus(-1.5) + softplus(0.5)) / 2 + (softplus(2.5) + softplus(0.5)) / 2).epsilon(1e-14));

  const double r1 = (sigmoid(1.5) - 1) / 2, r2 = (sigmoid(-0.5) - 1) / 2, f1 = sigmoid(2.5) / 2, f2 = sigmoid(0.5) / 2;
  const double w[] = {1 - rate * (r1 + f2), -1 - rate * (r2 + f2), 2 - rate * f1, 0};
  const double b = 0.5 - rate * (r1 + r2 + f1 + f2);
  for (Index i = 0; i < 4; ++i) CHECK(discriminator.parameters()[0]->value[i] == Catch::Approx(w[i]).margin(1e-14));
  CHECK(discriminator.parameters()[1]->value[0] == Catch::Approx(b).margin(1e-14));

  // The generator's step goes through the discriminator as it is now.
  const double s1 = w[2] + b, s2 = w[0] + w[1] + b;
  CHECK(report.generator_loss == Catch::Approx((softplus(-s1) + softplus(-s2)) / 2).epsilon(1e-14));
  const double g1 = (sigmoid(s1) - 1) / 2, g2 = (sigmoid(s2) - 1) / 2;
  const double a[] = {0, 0, 1, 0, 1, 1, 0, 0};
  for (Index i = 0; i < 4; ++i) {
    CHECK(generator.parameters()[0]->value[i] == Catch::Approx(a[i] - 2 * rate * g1 * w[i]).margin(1e-14));
    CHECK(generator.parameters()[0]->value[4 + i] == Catch::Approx(a[4 + i] - 2 * rate * g2 * w[i]).margin(1e-14));
    CHECK(generator.parameters()[1]->value[i] == Catch::Approx(-2 * rate * (g1 + g2) * w[i]).margin(1e-14));
  }

  CHECK(trainer.step(real_images, latents).step == 2);
  CHECK(trainer.generator_optimizer().steps() == 2);
  CHECK(trainer.discriminator_optimizer().steps() == 2);
}

TEST_CASE("trainer: all that the discriminator tells apart makes an accuracy of 1") {
  auto generator = small_generator();
  auto discriminator = small_discriminator();
  discriminator.parameters()[0]->value = Tensor<double>({4, 1}, {1, 1, -1, -9});
  generator.parameters()[0]->value.fill(0.25);  // scores of -1.5
  AdversarialTrainer<double> trainer(generator, discriminator);
  CHECK(trainer.step(real_images, latents).accuracy == 1);
}

TEST_CASE("trainer: the smoothed label reaches the loss") {
  auto generator = small_generator();
  auto discriminator = small_discriminator();
  AdversarialTrainer<double> trainer(generator, discriminator, {.loss = non_saturating<double>({.real_label = 0.9})});
  // Of the label 0.9, the real score s costs softplus(-s) + 0.1 s: here a mean of 0.1 * 0.5 more.
  CHECK(
      trainer.step(real_images, latents).discriminator_loss ==
      Catch::Approx((softplus(-1.5) + softplus(0.5)) / 2 + (softplus(2.5) + softplus(0.5)) / 2 + 0.05).epsilon(1e-14));
}

TEST_CASE("trainer: neither network's step touches the other") {
  auto generator = small_generator();
  auto discriminator = small_discriminator();
  const auto generator_before = weights(generator), discriminator_before = weights(discriminator);
  std::vector<Tensor<double>> discriminator_between;
  int calls = 0;
  const auto loss = watched({}, [&](const Tensor<double>&) {
    // Behind the discriminator's step, before the generator's.
    CHECK(same_weights(generator, generator_before));
    CHECK(no_gradients(generator));
    CHECK_FALSE(same_weights(discriminator, discriminator_before));
    CHECK(no_gradients(discriminator));
    discriminator_between = weights(discriminator);
    ++calls;
  });
  AdversarialTrainer<double> trainer(generator, discriminator, {.loss = loss});
  trainer.step(real_images, latents);
  CHECK(calls == 1);
  CHECK_FALSE(same_weights(generator, generator_before));
  CHECK(same_weights(discriminator, discriminator_between));
  CHECK(no_gradients(discriminator));
  CHECK(no_gradients(generator));
}

TEST_CASE("trainer: several discriminator steps, each on images and latent vectors of its own") {
  auto generator = small_generator();
  auto discriminator = small_discriminator();
  discriminator.parameters()[0]->value.fill(127.5);  // of image i, numbered from 0, the score is 4 i - 510 + b
  std::vector<std::vector<double>> real_seen, fake_seen;
  std::vector<std::size_t> generator_steps;
  const auto values = [](const Tensor<double>& t) { return std::vector<double>(t.data(), t.data() + t.size()); };
  const auto loss = watched(
      [&](const Tensor<double>& real, const Tensor<double>& fake) {
        real_seen.push_back(values(real));
        fake_seen.push_back(values(fake));
      },
      [&](const Tensor<double>& fake) {
        generator_steps.push_back(real_seen.size());
        CHECK(values(fake) == fake_seen.back());  // of the same latent vectors, as the discriminator stands still
      });
  const auto train = [&](Index images, Index batch, int k, Index epochs) {
    real_seen.clear(), fake_seen.clear(), generator_steps.clear();
    AdversarialTrainer<double> trainer(generator, discriminator,
                                       {.loss = loss,
                                        .batch = batch,
                                        .discriminator_steps = k,
                                        .generator_optimizer = sgd(0),
                                        .discriminator_optimizer = sgd(0)});
    std::vector<long> steps;
    const Dataset data = numbered_images(images);
    trainer.fit(data, {.epochs = epochs, .on_step = [&](const StepReport& r) { steps.push_back(r.steps_in_all); }});
    CHECK(trainer.generator_optimizer().steps() == static_cast<long>(steps.size()));
    CHECK(trainer.discriminator_optimizer().steps() == k * static_cast<long>(steps.size()));
    CHECK(std::set<std::vector<double>>(fake_seen.begin(), fake_seen.end()).size() == fake_seen.size());
    return static_cast<Index>(steps.size());
  };
  // Of how many different images the batches of an epoch, its place counted from 0, were made.
  const auto different = [&](std::size_t epoch, std::size_t batches) {
    std::set<double> scores;
    for (std::size_t i = epoch * batches; i < (epoch + 1) * batches; ++i)
      scores.insert(real_seen[i].begin(), real_seen[i].end());
    return scores.size();
  };

  CHECK(train(13, 2, 3, 2) == 4);  // 6 batches, 2 steps an epoch; the thirteenth image is left out
  CHECK(generator_steps == std::vector<std::size_t>{3, 6, 9, 12});
  REQUIRE(real_seen.size() == 12);
  CHECK(different(0, 6) == 12);
  CHECK(different(1, 6) == 12);
  // In another order: that all of it is the same by chance has odds of 1 in 13!.
  CHECK_FALSE(std::equal(real_seen.begin(), real_seen.begin() + 6, real_seen.begin() + 6));

  CHECK(train(13, 2, 4, 3) == 3);  // of 6 batches 4 make a step, and no step runs over into the next epoch
  REQUIRE(real_seen.size() == 12);
  CHECK(different(0, 4) == 8);
  CHECK(different(1, 4) == 8);
  CHECK(different(2, 4) == 8);

  CHECK(train(12, 12, 1, 2) == 2);
  CHECK(different(1, 1) == 12);
}

TEST_CASE("trainer: fit says where it stands") {
  auto generator = small_generator();
  auto discriminator = small_discriminator();
  AdversarialTrainer<double> trainer(generator, discriminator, {.batch = 3});
  const Dataset data = numbered_images(11);  // 3 batches
  std::vector<StepReport> steps, epochs;
  FitOptions fit{.epochs = 3,
                 .on_step = [&](const StepReport& r) { steps.push_back(r); },
                 .on_epoch = [&](const StepReport& r) { epochs.push_back(r); }};
  trainer.fit(data, fit);
  REQUIRE(steps.size() == 9);
  REQUIRE(epochs.size() == 3);
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(steps[i].step == static_cast<long>(i) + 1);
    CHECK(steps[i].steps_done == static_cast<long>(i) + 1);
    CHECK(steps[i].steps_in_all == 9);
    CHECK(steps[i].epoch == static_cast<Index>(i) / 3 + 1);
    CHECK(steps[i].epochs == 3);
    CHECK(steps[i].seconds > 0);
    CHECK(steps[i].images_per_second == Catch::Approx(static_cast<double>(3 * (i + 1)) / steps[i].seconds));
  }
  for (std::size_t i = 0; i < 3; ++i) CHECK(epochs[i].step == 3 * static_cast<long>(i) + 3);

  // `steps` ends sooner, never later; the last epoch is reported though it is not whole. `step` goes on counting.
  steps.clear(), epochs.clear();
  fit.steps = 4;
  trainer.fit(data, fit);
  REQUIRE(steps.size() == 4);
  CHECK(steps.back().step == 13);
  CHECK(steps.back().steps_in_all == 4);
  REQUIRE(epochs.size() == 2);
  CHECK(epochs[1].steps_done == 4);
  CHECK(epochs[1].epoch == 2);

  steps.clear();
  fit.steps = 100;
  trainer.fit(data, fit);
  CHECK(steps.size() == 9);

  const auto report = trainer.step(real_images);
  CHECK(report.step == 23);
  CHECK(report.epoch == 0);
  CHECK(report.steps_in_all == 0);
  trainer.fit(data);  // without callbacks
  CHECK(trainer.generator_optimizer().steps() == 26);
}

TEST_CASE("trainer: stop ends fit after the step") {
  auto generator = small_generator();
  auto discriminator = small_discriminator();
  AdversarialTrainer<double> trainer(generator, discriminator, {.batch = 2});
  const Dataset data = numbered_images(10);
  long steps = 0, epochs = 0;
  const auto count_epoch = [&](const StepReport&) { ++epochs; };
  trainer.fit(data, {.epochs = 4,
                     .on_step =
                         [&](const StepReport& report) {
                           ++steps;
                           if (report.steps_done == 3) trainer.stop();
                         },
                     .on_epoch = count_epoch});
  CHECK(steps == 3);
  CHECK(epochs == 1);
  CHECK(trainer.generator_optimizer().steps() == 3);

  // From on_epoch, too; and the stop before does not end this one.
  steps = 0;
  trainer.fit(data, {.epochs = 4,
                     .on_step = [&](const StepReport&) { ++steps; },
                     .on_epoch =
                         [&](const StepReport& report) {
                           if (report.epoch == 2) trainer.stop();
                         }});
  CHECK(steps == 10);
}

TEST_CASE("trainer: refuses what does not fit") {
  auto generator = small_generator();
  auto discriminator = small_discriminator();
  using Trainer = AdversarialTrainer<double>;
  Discriminator<double> other({4, 1, 1}, Sequential<double>(Flatten<double>(), Dense<double>({.in = 4, .out = 1})));
  CHECK_THROWS_WITH(Trainer(generator, other),
                    "trainer: the generator makes samples of 2x2x1, the discriminator scores samples of 4x1x1");
  AdversarialLoss<double> half = non_saturating<double>();
  half.generator = nullptr;
  CHECK_THROWS_WITH(Trainer(generator, discriminator, {.loss = half}),
                    "trainer: expected a loss with both of its functions");
  Discriminator<double> zero({2, 2, 1}, Sequential<double>(Flatten<double>(), Dense<double>({.in = 4, .out = 1})));
  CHECK_THROWS_WITH(Trainer(generator, zero),
                    "trainer: expected weights in network \"D\", got zeros; call its initialise() first");
  CHECK_THROWS_WITH(Trainer(generator, discriminator, {.batch = 0}), "trainer: expected a batch of at least 1, got 0");
  CHECK_THROWS_WITH(Trainer(generator, discriminator, {.discriminator_steps = 0}),
                    "trainer: expected at least 1 discriminator step, got 0");
  CHECK_THROWS_WITH(Trainer(generator, discriminator, {.generator_optimizer = sgd(-1)}),
                    Catch::Matchers::ContainsSubstring("expected a finite learning_rate >= 0, got -1"));

  Trainer trainer(generator, discriminator, {.batch = 4, .discriminator_steps = 3});
  const Dataset data = numbered_images(11), tall({4, 1, 1}, std::vector<std::uint8_t>(400));
  CHECK_THROWS_WITH(trainer.fit(tall),
                    "trainer: the networks are made for samples of 2x2x1, the data set has samples of 4x1x1");
  CHECK_THROWS_WITH(trainer.fit(data, {.epochs = 0}), "trainer: expected at least 1 epoch, got 0");
  CHECK_THROWS_WITH(trainer.fit(data, {.steps = -1}), "trainer: expected steps >= 0, got -1");
  CHECK_THROWS_WITH(trainer.fit(data), "trainer: 3 batches of 4 a step are more than the data set of 11 samples");
  CHECK_THROWS_WITH(trainer.fit(numbered_images(3)),
                    "loader: expected a batch no greater than the data set of 3 samples, got 4");
  CHECK_THROWS_WITH(trainer.step(Tensor<double>({2, 4, 1, 1})),
                    "network \"D\": expected a batch of 2x2x1, got 2x4x1x1");
  CHECK_THROWS_WITH(trainer.step(real_images, Tensor<double>({2, 3})), "network \"G\": expected a batch of 2, got 2x3");
}

TEST_CASE("discriminator: refuses layers that do not end in one logit") {
  CHECK_THROWS_WITH(
      Discriminator<double>({2, 2, 1}, Sequential<double>(Flatten<double>(), Dense<double>({.in = 4, .out = 2}))),
      "discriminator \"D\": expected one logit a sample, got 2");
  CHECK_THROWS_WITH(
      Discriminator<double>({2, 3, 1}, Sequential<double>(Flatten<double>(), Dense<double>({.in = 4, .out = 1}))),
      "dense \"D.dense1\": expected vectors of 4, got 6");
}

TEST_CASE("trainer: a loss that is not finite stops training, and both networks are as before its step") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const Dataset data = numbered_images(6);
  for (const bool of_discriminator : {true, false})
    for (const double bad : {nan, infinity, -infinity}) {
      auto generator = small_generator();
      auto discriminator = small_discriminator();
      int discriminator_calls = 0, generator_calls = 0;
      auto loss = non_saturating<double>();
      std::vector<Tensor<double>> generator_then, discriminator_then;
      const auto note = [&] {
        generator_then = weights(generator);
        discriminator_then = weights(discriminator);
      };
      loss.discriminator = [&, ordinary = loss.discriminator](const auto& real, const auto& fake, auto& dreal,
                                                              auto& dfake) {
        const double value = ordinary(real, fake, dreal, dfake);
        if (++discriminator_calls < 3) return value;
        note();  // what the step began with
        if (!of_discriminator) return value;
        dreal.fill(bad);
        return bad;
      };
      loss.generator = [&, ordinary = loss.generator](const auto& real, const auto& fake, auto& dfake) {
        const double value = ordinary(real, fake, dfake);
        if (of_discriminator || ++generator_calls < 3) return value;
        CHECK_FALSE(same_weights(discriminator, discriminator_then));  // updated, and to be taken back
        dfake.fill(bad);
        return bad;
      };
      AdversarialTrainer<double> trainer(generator, discriminator, {.loss = loss, .batch = 2});
      long reported = 0;
      std::string text;
      try {
        trainer.fit(data, {.epochs = 9, .on_step = [&](const StepReport& report) { reported = report.step; }});
      } catch (const Diverged& error) {
        text = error.what();
      }
      const std::string value = std::isnan(bad) ? "nan" : bad > 0 ? "inf" : "-inf";
      CHECK(text == "training stopped at step 3: expected a finite loss of the " +
                        std::string(of_discriminator ? "discriminator" : "generator") + ", got " + value +
                        "; try a smaller learning rate");
      CHECK(reported == 2);
      REQUIRE(generator_then.size() == 2);
      CHECK(same_weights(generator, generator_then));
      CHECK(same_weights(discriminator, discriminator_then));
      CHECK(no_gradients(generator));
      CHECK(no_gradients(discriminator));
    }
}

TEST_CASE("trainer: a huge learning rate diverges, and the weights stay finite") {
  auto generator = dense_generator(Random(1));
  auto discriminator = dense_discriminator(Random(1));
  const AdamOptions adam{.learning_rate = 1e30};
  AdversarialTrainer<> trainer(generator, discriminator,
                               {.batch = 4, .generator_optimizer = adam, .discriminator_optimizer = adam});
  const Tensor<> real({4, 28, 28, 1}, 0.5f);
  CHECK_THROWS_AS(
      [&] {
        for (int i = 0; i < 20; ++i) trainer.step(real);
      }(),
      Diverged);
  for (const auto& network_weights : {weights(generator), weights(discriminator)})
    for (const auto& weight : network_weights) CHECK(weight.array().allFinite());
}

namespace {

float largest_difference(const Tensor<>& a, const Tensor<>& b) {
  REQUIRE(a.shape() == b.shape());
  return (a.array() - b.array()).abs().maxCoeff();
}

}  // namespace

TEST_CASE("generator: samples are what infer gives, whatever their number") {
  auto generator = dcgan28_generator(Random(3));
  Trace<> trace;
  {
    Tensor<> warm({8, 100});
    Random(4).fill_normal(warm);
    generator.forward(warm, trace);  // moves batch norm's statistics away from where they start
  }
  Tensor<> latent({300, 100});
  Random(5).fill_normal(latent);
  const Tensor<> all = generator.infer(latent, trace);
  REQUIRE(all.shape() == Shape{300, 28, 28, 1});
  CHECK((all.array().maxCoeff() > 0 && all.array().minCoeff() < 0));
  for (const Index count : {1, 2, 3, 15, 63, 64, 83, 84, 167, 300}) {  // a part takes 83 at most
    INFO(count << " samples");
    Tensor<> first({count, 100}), expected({count, 28, 28, 1});
    std::copy_n(latent.data(), first.size(), first.data());
    std::copy_n(all.data(), expected.size(), expected.data());
    // A batch of another size may go through another algorithm, so the last bits may differ.
    const Tensor<> samples = generator.sample(first);
    CHECK(largest_difference(samples, expected) < 1e-5f);
    Random random(5);
    CHECK(same_bits(generator.sample(count, random), samples));
  }
  CHECK_THROWS_WITH(generator.sample(Tensor<>({3, 99})), "sample: expected latent vectors of 100, got 3x99");
  CHECK_THROWS_WITH(generator.sample(Tensor<>({100})), "sample: expected latent vectors of 100, got 100");
  Random random;
  CHECK_THROWS_WITH(generator.sample(Tensor<>({0, 100})), "sample: expected latent vectors of 100, got 0x100");
  CHECK_THROWS_WITH(generator.sample(0, random), "sample: expected a count of at least 1, got 0");
  CHECK_THROWS_WITH(generator.sample(-3, random), "sample: expected a count of at least 1, got -3");
  CHECK_THROWS_AS(generator.sample(std::numeric_limits<Index>::max(), random), Error);
}

TEST_CASE("generator: a sample's bits do not depend on the threads, and but for rounding neither on those beside it") {
  const int before = threads();
  const auto check = [](const auto& generator) {
    Tensor<> latent({300, 100}), one({1, 100});
    Random(5).fill_normal(latent);
    set_threads(1);
    const Tensor<> all = generator.sample(latent);
    const Index size = all.size() / all.dim(0);
    for (const int count : {1, 3}) {
      set_threads(count);
      CHECK(same_bits(generator.sample(latent), all));
      for (const Index i : {0, 82, 255, 256, 299}) {
        std::copy_n(latent.data() + i * 100, 100, one.data());
        const Tensor<> alone = generator.sample(one);
        const float difference = (alone.array() - ConstArrayMap<float>(all.data() + i * size, size)).abs().maxCoeff();
        CHECK(difference < 1e-5f);
      }
    }
  };
  check(dense_generator(Random(3)));
  check(dcgan28_generator(Random(3)));
  check(tfdcgan_generator(Random(3)));
  set_threads(before);
}

TEST_CASE("generator: several threads sample from one network at once") {
  const auto check = [](const auto& generator, Index samples) {
    constexpr std::size_t count = 4;
    std::vector<Tensor<>> alone(count), together(count);
    for (std::size_t i = 0; i < count; ++i) {
      Random random(i);
      alone[i] = generator.sample(samples, random);
    }
    std::vector<std::thread> team;
    for (std::size_t i = 0; i < count; ++i)
      team.emplace_back([&, i] {
        if (i % 2 == 0) set_threads(1);  // the others each with a team of their own
        for (int repeat = 0; repeat < 3; ++repeat) {
          Random random(i);
          together[i] = generator.sample(samples, random);
        }
      });
    for (auto& thread : team) thread.join();
    for (std::size_t i = 0; i < count; ++i) CHECK(same_bits(alone[i], together[i]));
    CHECK_FALSE(same_bits(alone[0], alone[1]));
  };
  check(dense_generator(Random(3)), 300);
  for (const Index samples : {1, 90}) check(dcgan28_generator(Random(3)), samples);
}

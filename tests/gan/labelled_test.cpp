// A trainer with labelled samples beside the others: whose loss they are, by differences in double; that a step with
// both is one step; and that a run in two parts is one run.
#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/gaussian_noise.hpp"
#include "rival/layers/log_sum_exp.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr Index latent = 3, size = 4, classes = 3;

/// Rows of numbers, with labels or without.
Dataset rows(Index count, bool labels = true, Index width = size, std::uint64_t seed = 7) {
  std::vector<float> values(static_cast<std::size_t>(count * width));
  Random random(seed);
  for (float& value : values) value = static_cast<float>(random.normal());
  std::vector<Label> of_rows;
  for (Index i = 0; labels && i < count; ++i) of_rows.push_back(static_cast<Label>(i % classes));
  return {{width}, values, of_rows, labels ? classes : 0};
}

template <class S>
struct Pair {
  Generator<S> generator{latent, Sequential<S>(Dense<S>({.in = latent, .out = size}), Tanh<S>())};
  Discriminator<S> discriminator;

  explicit Pair(double noise = 0)
      : discriminator({size},
                      Sequential<S>(GaussianNoise<S>({.sigma = noise}), Dense<S>({.in = size, .out = 6}),
                                    LeakyReLU<S>(0.2), Dense<S>({.in = 6, .out = classes}), LogSumExp<S>()),
                      "D", classes) {
    generator.initialise(normal<S>(0, 1), Random(3));
    discriminator.initialise(normal<S>(0, 1), Random(4));
  }
};

/// Holds that one step of gradient descent moved `network` by the differences of `objective`, which reads `copy`.
void check_moved(Network<double>& network, Network<double>& copy, double rate,
                 const std::function<double()>& objective) {
  const auto moved = network.parameters(), from = copy.parameters();
  for (std::size_t p = 0; p < from.size(); ++p)
    for (Index i = 0; i < from[p]->value.size(); ++i) {
      const double value = from[p]->value[i], step = 1e-5;
      from[p]->value[i] = value + step;
      const double up = objective();
      from[p]->value[i] = value - step;
      const double difference = (up - objective()) / (2 * step);
      from[p]->value[i] = value;
      INFO(from[p]->name << "[" << i << "]");
      CHECK(std::abs((value - moved[p]->value[i]) / rate - difference) < 1e-6);
    }
}

Tensor<double> column(const Tensor<double>& outputs, Index first, Index count) {
  Tensor<double> part({outputs.dim(0), count});
  part.matrix() = outputs.matrix().middleCols(first, count);
  return part;
}

std::vector<float> weights(Pair<float>& pair) {
  std::vector<float> all;
  for (Network<float>* network :
       {static_cast<Network<float>*>(&pair.generator), static_cast<Network<float>*>(&pair.discriminator)})
    for (const auto* parameter : network->parameters())
      all.insert(all.end(), parameter->value.data(), parameter->value.data() + parameter->value.size());
  return all;
}

TrainerOptions<float> options() {
  return {.batch = 4, .auxiliary = classification<float>(2), .labelled = LabelledSamples{rows(7), 3}, .seed = 5};
}

}  // namespace

TEST_CASE("trainer: of labelled samples the auxiliary loss alone, of the others the adversarial one alone") {
  const double rate = 1e-2, weight = 0.7;
  Pair<double> pair, then, step;
  const Dataset labelled = rows(5);  // all of it in each batch
  Tensor<double> of_class, real({6, size}), z({6, latent});
  const std::vector<Index> all{0, 1, 2, 3, 4};
  labelled.gather(all, of_class);
  Random(8).fill_normal(real);
  Random(9).fill_normal(z);
  AdversarialLoss<double> loss = non_saturating<double>();
  AdversarialTrainer<double> trainer(pair.generator, pair.discriminator,
                                     {.loss = loss,
                                      .auxiliary = classification<double>(weight),
                                      .labelled = LabelledSamples{labelled, 5},
                                      .generator_optimizer = SgdOptions{.learning_rate = rate},
                                      .discriminator_optimizer = SgdOptions{.learning_rate = rate}});
  const StepReport report = trainer.step(real, z);

  Trace<double> trace;
  Tensor<double> gradient, other;
  Loss<double> out;
  const auto of_labels = [&] {
    softmax_cross_entropy(column(then.discriminator.forward(of_class, trace), 1, classes), labelled.labels(), out);
    return weight * out.value;
  };
  CHECK(report.auxiliary_loss == Catch::Approx(of_labels()).epsilon(1e-12));
  const Tensor<double> fake = then.generator.forward(z, trace);
  check_moved(pair.discriminator, then.discriminator, rate, [&] {
    const auto scores = [&](const Tensor<double>& x) { return column(then.discriminator.forward(x, trace), 0, 1); };
    return loss.discriminator(scores(real), scores(fake), gradient, other) + of_labels();
  });
  // The generator goes through the discriminator as it is now, by the score alone.
  Trace<double> scored;
  check_moved(pair.generator, then.generator, rate, [&] {
    const Tensor<double>& made = then.generator.forward(z, trace);
    return loss.generator({}, column(pair.discriminator.forward(made, scored), 0, 1), gradient);
  });
}

TEST_CASE("trainer: labelled samples come all once before one comes again, whatever the others do") {
  Pair<float> pair;
  std::vector<std::vector<Label>> seen;
  TrainerOptions<float> o = options();
  o.labelled = LabelledSamples{rows(6), 3};
  o.discriminator_steps = 2;
  o.auxiliary.loss = [&, plain = o.auxiliary.loss](const Tensor<float>& heads, Labels labels, const Tensor<float>& z,
                                                   Tensor<float>& dheads) {
    CHECK(z.empty());
    CHECK(heads.shape() == Shape{3, classes});
    seen.emplace_back(labels.begin(), labels.end());
    return plain(heads, labels, z, dheads);
  };
  AdversarialTrainer<> trainer(pair.generator, pair.discriminator, o);
  trainer.fit(rows(20, false), {.epochs = 2});
  REQUIRE(seen.size() == 8);  // two steps an epoch of two batches each
  for (std::size_t i = 0; i < seen.size(); i += 2) {
    std::vector<Label> both = seen[i];
    both.insert(both.end(), seen[i + 1].begin(), seen[i + 1].end());
    std::sort(both.begin(), both.end());
    CHECK(both == std::vector<Label>{0, 0, 1, 1, 2, 2});
  }
  CHECK(trainer.state().labelled.epoch == 3);
}

TEST_CASE("trainer: a failed step takes the labelled batch back too") {
  Pair<float> pair, smooth;
  bool armed = false;
  TrainerOptions<float> o = options();
  o.loss.generator = [&, plain = o.loss.generator](const Tensor<float>& real, const Tensor<float>& fake,
                                                   Tensor<float>& dfake) {
    if (armed) throw std::runtime_error("mine");
    return plain(real, fake, dfake);
  };
  AdversarialTrainer<> trainer(pair.generator, pair.discriminator, o);
  AdversarialTrainer<> other(smooth.generator, smooth.discriminator, options());
  Tensor<float> real({4, size});
  Random(8).fill_normal(real);
  for (int i = 0; i < 6; ++i) {
    armed = i % 2 == 1;
    const TrainerState before = trainer.state();
    if (armed) {
      CHECK_THROWS_WITH(trainer.step(real), "mine");
      CHECK(trainer.state() == before);
    } else {
      trainer.step(real);
      other.step(real);
      CHECK(!(trainer.state() == before));
    }
  }
  CHECK(weights(pair) == weights(smooth));
}

TEST_CASE("trainer: with labelled samples a run in two parts gives the bits of one in one part") {
  const Dataset data = rows(20, false);
  Pair<float> straight(0.1), broken(0.1);
  AdversarialTrainer<> one(straight.generator, straight.discriminator, options());
  one.fit(data, {.epochs = 3, .steps = 8});

  AdversarialTrainer<> a(broken.generator, broken.discriminator, options());
  a.fit(data, {.epochs = 3, .steps = 8, .on_step = [&](const StepReport& report) {
                 if (report.steps_done == 4) a.stop();
               }});
  AdversarialTrainer<> b(broken.generator, broken.discriminator, options());
  for (auto [from, to] : {std::pair{&a.generator_optimizer(), &b.generator_optimizer()},
                          std::pair{&a.discriminator_optimizer(), &b.discriminator_optimizer()}}) {
    const auto x = from->state(), y = to->state();
    for (std::size_t i = 0; i < x.size(); ++i) *y[i].second = *x[i].second;
    to->set_steps(from->steps());
  }
  const TrainerState state = a.state();
  b.set_state(state);
  CHECK(b.state() == state);
  b.fit(data, {.epochs = 3, .steps = 8, .resume = true});
  CHECK(weights(straight) == weights(broken));

  TrainerState wrong = state;
  wrong.labelled.taken = 8;  // of 7
  CHECK_THROWS_WITH(b.set_state(wrong), ContainsSubstring("expected a position within 7 samples, got sample 8"));
}

TEST_CASE("trainer: with labelled samples the bits do not depend on the number of threads") {
  const int before = threads();
  std::vector<std::vector<float>> results;
  for (const int count : {1, 3}) {
    set_threads(count);
    Pair<float> pair(0.2);
    TrainerOptions<float> o = options();
    o.feature_matching = 3;
    AdversarialTrainer<> trainer(pair.generator, pair.discriminator, o);
    trainer.fit(rows(20, false), {.epochs = 3});
    results.push_back(weights(pair));
  }
  set_threads(before);
  CHECK(results[0] == results[1]);
}

TEST_CASE("trainer: what labelled samples must be") {
  Pair<float> pair;
  Discriminator<float> plain({size}, Sequential<float>(Dense<float>({.in = size, .out = 1})));
  plain.initialise(normal<float>(0, 1), Random(4));
  const auto refuses = [&](Discriminator<float>& discriminator, const TrainerOptions<float>& o,
                           const std::string& expected) {
    CHECK_THROWS_WITH(AdversarialTrainer<>(pair.generator, discriminator, o), ContainsSubstring(expected));
  };
  TrainerOptions<float> o = options();
  o.auxiliary = {};
  refuses(plain, o, "expected a discriminator with heads for labelled samples, got none");
  o = options();
  o.labels = LabelSource::data;
  refuses(pair.discriminator, o, "expected networks that are given no labels beside labelled samples");
  o = options();
  o.labelled = LabelledSamples{rows(6, false), 3};
  refuses(pair.discriminator, o, "expected labelled samples of 4, got samples of 4 without labels");
  o.labelled = LabelledSamples{rows(6, true, 5), 3};
  refuses(pair.discriminator, o, "expected labelled samples of 4, got samples of 5");
  o.labelled = LabelledSamples{rows(6), 7};
  refuses(pair.discriminator, o, "loader: expected a batch no greater than the data set of 6 samples, got 7");
  o.labelled = LabelledSamples{Dataset({size}, std::vector<float>(8), std::vector<Label>{0, 3}, 4), 2};
  refuses(pair.discriminator, o, "expected labelled samples of at most 3 classes, one a head, got 4");
}

#include "rival/train/supervised_trainer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "counting_new.hpp"
#include "fixture.hpp"
#include "rival/data/distortion.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/train/evaluate.hpp"
#include "rival/train/progress.hpp"
#include "rival/train/refresh_statistics.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;
using rival_test::allocations;
using rival_test::difference;
using rival_test::Fixture;

namespace {

/// With running statistics and a stream of its own.
Classifier<> small(std::uint64_t seed = 1) {
  Classifier<> classifier({8, 8, 1}, Sequential<>(Conv2d<>({.in = 1, .out = 8, .kernel = 4, .stride = 2, .padding = 1}),
                                                  BatchNorm<>({.features = 8}), ReLU<>(), Flatten<>(),
                                                  Dropout<>({.rate = 0.2}), Dense<>({.in = 128, .out = 3})));
  classifier.initialise(he<>(), Random(seed));
  return classifier;
}

/// Bright in one of three places: easy to tell apart.
Dataset places(Index count = 90) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count * 64));
  std::vector<Label> labels;
  for (Index n = 0; n < count; ++n) {
    labels.push_back(static_cast<Label>(n % 3));
    for (Index i = 0; i < 64; ++i)
      pixels[static_cast<std::size_t>(n * 64 + i)] =
          static_cast<std::uint8_t>((i / 8 / 3 == n % 3 ? 200 : 40) + (n * 31 + i * 17) % 40);
  }
  return {{8, 8, 1}, pixels, labels, 3};
}

SupervisedOptions<> options() {
  return {.batch = 12,
          .label_smoothing = 0.1,
          .augment = Distortion<>({.shift = 1, .rotate = 5, .elastic = 0.5, .noise = 0.05}),
          .optimizer =
              AdamOptions{.learning_rate = 5e-3, .schedule = over_run([](long n) { return cosine({.steps = n}); })},
          .average = MovingAverageOptions{.half_life = 100},
          .seed = 5};
}

void put(std::string& all, const void* data, std::size_t bytes) { all.append(static_cast<const char*>(data), bytes); }

/// All bytes that training depends on.
std::string everything(SupervisedTrainer<>& trainer) {
  std::string all;
  const auto put_tensor = [&](const Tensor<>& t) {
    put(all, t.data(), static_cast<std::size_t>(t.size()) * sizeof(float));
  };
  for (Network<>* network :
       {static_cast<Network<>*>(&trainer.classifier()), static_cast<Network<>*>(&trainer.average())}) {
    const State<> state = network->state();
    for (const auto* parameter : state.parameters) put_tensor(parameter->value), put_tensor(parameter->grad);
    for (const auto* buffer : state.buffers) put_tensor(buffer->value);
    for (const auto& [name, stream] : state.streams) put(all, &stream->position(), sizeof(Random::Position));
  }
  for (const auto& [name, tensor] : trainer.optimizer().state()) put_tensor(*tensor);
  const long steps = trainer.optimizer().steps();
  put(all, &steps, sizeof steps);
  const SupervisedState state = trainer.state();
  put(all, &state.steps, sizeof state.steps);
  put(all, &state.average_steps, sizeof state.average_steps);
  put(all, &state.augment, sizeof state.augment);
  return all;
}

}  // namespace

TEST_CASE("supervised trainer: three steps of Adam have PyTorch's values") {
  const Fixture fixture("supervised_values");
  const auto value = [&](const std::string& name) { return fixture.tensor<double>(name); };
  Classifier<double> classifier(
      {6}, Sequential<double>(Dense<double>({.in = 6, .out = 5, .bias = false}), BatchNorm<double>({.features = 5}),
                              ReLU<double>(), Dense<double>({.in = 5, .out = 3})));
  const std::vector<std::string> names{"hidden", "scale", "shift", "out", "out_bias"};
  const auto parameters = classifier.parameters();
  REQUIRE(parameters.size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i) parameters[i]->value = value("before." + names[i]);

  SupervisedTrainer<double> trainer(classifier,
                                    {.label_smoothing = 0.1, .optimizer = AdamOptions{.learning_rate = 0.01}});
  const auto samples = value("samples"), labels = value("labels"), losses = value("losses"),
             accuracies = value("accuracies");
  Tensor<double> batch({8, 6});
  std::vector<Label> classes(8);
  for (Index step = 0; step < 3; ++step) {
    std::copy_n(samples.data() + step * 48, 48, batch.data());
    for (Index i = 0; i < 8; ++i) classes[static_cast<std::size_t>(i)] = static_cast<Label>(labels[step * 8 + i]);
    const StepReport report = trainer.step(batch, classes);
    CHECK(report.step == step + 1);
    CHECK(report.supervised);
    CHECK(report.loss == Catch::Approx(losses[step]).epsilon(1e-12));
    CHECK(report.accuracy == accuracies[step]);
  }
  // Both round some hundred sums of sizes around 1 to 16 digits; Adam divides by roots of some 1e-3.
  for (std::size_t i = 0; i < names.size(); ++i) {
    INFO(names[i]);
    CHECK(difference(parameters[i]->value, value("after." + names[i])) < 1e-11);
  }
  std::copy_n(samples.data(), 48, batch.data());
  CHECK(difference(classifier.logits(batch), value("logits")) < 1e-11);
}

TEST_CASE("supervised trainer: learns what can be told apart, and evaluate says so") {
  auto classifier = small();
  SupervisedTrainer<> trainer(classifier, options());
  const Dataset data = places();
  const Classification before = evaluate(classifier, data);
  std::vector<StepReport> steps, epochs;
  trainer.fit(data, {.epochs = 8,
                     .on_step = [&](const StepReport& r) { steps.push_back(r); },
                     .on_epoch = [&](const StepReport& r) { epochs.push_back(r); }});
  REQUIRE(steps.size() == 56);
  CHECK(epochs.size() == 8);
  CHECK(steps.back().steps_in_all == 56);
  CHECK(steps.back().accuracy > 0.9);
  CHECK(steps.back().loss < steps.front().loss);
  CHECK(steps.back().images_per_second > 0);

  const Classification after = evaluate(trainer.averaged_classifier(), data);
  CHECK(after.wrong == 0);
  CHECK(after.accuracy() == 1);
  CHECK(after.loss < before.loss);
  CHECK(after.samples() == 90);
  for (Label k = 0; k < 3; ++k) CHECK(after.count(k, k) == 30);
  CHECK(std::equal(after.predicted.begin(), after.predicted.end(), data.labels().begin()));
}

TEST_CASE("evaluate: loss, error and confusion by hand, in batches") {
  // Logits are the sample itself.
  Classifier<double> classifier({2}, Sequential<double>(Dense<double>({.in = 2, .out = 2, .bias = false})));
  classifier.parameters()[0]->value.array() = 0;
  classifier.parameters()[0]->value(0, 0) = classifier.parameters()[0]->value(1, 1) = 1;
  std::vector<float> values;
  std::vector<Label> labels;
  for (int i = 0; i < 2500; ++i) {  // more than a batch
    values.insert(values.end(), {i % 5 == 0 ? 1.0f : 0.0f, 0.5f});
    labels.push_back(i % 2 ? 1 : 0);
  }
  const Classification found = evaluate(classifier, Dataset({2}, values, labels, 2));
  // Every fifth is taken for class 0, half of these are: 250 right, 250 wrong; of the others, 1000 of class 0 are
  // wrong.
  CHECK(found.count(0, 0) == 250);
  CHECK(found.count(1, 0) == 250);
  CHECK(found.count(0, 1) == 1000);
  CHECK(found.count(1, 1) == 1000);
  CHECK(found.wrong == 1250);
  CHECK(found.error() == 0.5);
  const double high = std::log1p(std::exp(0.5)),
               low = std::log1p(std::exp(-0.5));  // of the wrong one, of the right one
  CHECK(found.loss == Catch::Approx((high + low) / 2).epsilon(1e-12));
  CHECK_THROWS_WITH(found.count(2, 0), "evaluation: expected classes below 2, got 2 and 0");
  CHECK_THROWS_WITH(evaluate(classifier, Dataset({2}, values)),
                    "evaluate: expected labelled samples, got 2500 without labels");
  CHECK_THROWS_WITH(evaluate(classifier, Dataset({2}, values, labels, 3)),
                    "evaluate: the classifier tells 2 classes apart, the data set has 3");
}

TEST_CASE("supervised trainer: the same bits on any number of threads, and a warm step allocates nothing") {
  const int before = threads();
  std::string first;
  for (const int count : {1, 2, 4}) {
    set_threads(count);
    auto classifier = small();
    SupervisedTrainer<> trainer(classifier, options());
    long start = 0, end = 0;
    trainer.fit(places(), {.epochs = 3, .on_step = [&](const StepReport& report) {
                             if (report.steps_done == 3) start = allocations;
                             end = allocations;
                           }});
    CHECK(start > 0);
    CHECK(end == start);
    if (first.empty()) first = everything(trainer);
    CHECK((everything(trainer) == first));
  }
  set_threads(before);
}

TEST_CASE("supervised trainer: a step that fails leaves all as it was, and the run goes on as if it had not been") {
  const std::string place = GENERATE("augment", "shape", "schedule", "label", "nan");
  INFO(place);
  bool armed = false;
  auto make = [&] {
    SupervisedOptions<> o = options();
    o.augment = [&, distort = Distortion<>({.shift = 1})](const Tensor<>& x, Tensor<>& y, Random& random) mutable {
      distort(x, y, random);
      if (armed && place == "augment") throw std::runtime_error("mine");
      if (armed && place == "shape") y.resize({1, 8, 8, 1});
      if (armed && place == "nan") y[0] = std::numeric_limits<float>::quiet_NaN();
    };
    o.optimizer = AdamOptions{.schedule = [&](long) { return armed && place == "schedule" ? -1.0 : 1.0; }};
    return o;
  };
  auto tried = small(), smooth = small();
  SupervisedTrainer<> trainer(tried, make()), reference(smooth, make());
  Tensor<> x({12, 8, 8, 1});
  Random(3).fill_normal(x);
  std::vector<Label> labels{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
  for (int i = 0; i < 3; ++i) trainer.step(x, labels), reference.step(x, labels);
  const std::string before = everything(trainer);
  armed = true;
  std::vector<Label> bad = labels;
  if (place == "label") bad[5] = 3;
  CHECK_THROWS(trainer.step(x, bad));
  CHECK((everything(trainer) == before));
  if (place == "nan") CHECK_THROWS_AS(trainer.step(x, labels), Diverged);
  armed = false;
  for (int i = 0; i < 3; ++i) {
    CHECK(trainer.step(x, labels).step == 4 + i);
    reference.step(x, labels);
  }
  CHECK((everything(trainer) == everything(reference)));
}

TEST_CASE("supervised trainer: stop ends fit, and a resume goes on to the same bits") {
  const Dataset data = places();
  auto whole = small(), parts = small();
  SupervisedTrainer<> straight(whole, options()), broken(parts, options());
  straight.fit(data, {.epochs = 3});
  broken.fit(data, {.epochs = 3, .on_step = [&](const StepReport& r) {
                      if (r.steps_done == 10) broken.stop();
                    }});
  CHECK(broken.state().fit_steps == 10);
  broken.fit(data, {.epochs = 3, .resume = true});
  CHECK((everything(broken) == everything(straight)));
  CHECK(broken.state() == straight.state());
  CHECK_THROWS_WITH(broken.fit(places(60), {.epochs = 3, .resume = true}),
                    ContainsSubstring("trainer: expected the data set of the fit that is to go on, got another one"));
}

TEST_CASE("supervised trainer: refuses what cannot be trained") {
  auto classifier = small();
  CHECK_THROWS_WITH(SupervisedTrainer<>(classifier, {.batch = 0}), "trainer: expected a batch of at least 1, got 0");
  CHECK_THROWS_WITH(SupervisedTrainer<>(classifier, {.label_smoothing = 1}),
                    "trainer: expected 0 <= label_smoothing < 1, got 1");
  CHECK_THROWS_WITH(SupervisedTrainer<>(classifier, {.steps = -1}), "trainer: expected steps >= 0, got -1");
  Classifier<> zeros({4}, Sequential<>(Dense<>({.in = 4, .out = 2})));
  CHECK_THROWS_WITH(SupervisedTrainer<>(zeros),
                    "trainer: expected weights in network \"C\", got zeros; call its initialise() first");

  SupervisedTrainer<> trainer(classifier, {.batch = 4});
  CHECK_THROWS_WITH(trainer.average(), "trainer: expected options with an average, got none");
  CHECK(&trainer.averaged_classifier() == &classifier);
  const std::vector<std::uint8_t> pixels(64 * 8);
  CHECK_THROWS_WITH(trainer.fit(Dataset({8, 8, 1}, pixels)), "trainer: expected a data set with labels, got none");
  CHECK_THROWS_WITH(trainer.fit(Dataset({4, 16, 1}, pixels, {0, 1, 2, 0, 1, 2, 0, 1})),
                    "trainer: the networks are made for samples of 8x8x1, the data set has samples of 4x16x1");
  CHECK_THROWS_WITH(trainer.fit(Dataset({8, 8, 1}, pixels, {0, 1, 2, 3, 1, 2, 0, 1})),
                    "trainer: the classifier tells 3 classes apart, the data set has 4");
  const Tensor<> x({2, 8, 8, 1});
  CHECK_THROWS_WITH(trainer.step(x, std::vector<Label>{0}), "trainer: expected 2 labels, one a sample, got 1");
  CHECK_THROWS_WITH(trainer.step(x, {}), ContainsSubstring("softmax_cross_entropy: expected 2 labels"));
  CHECK_THROWS_WITH(trainer.step(Tensor<>({2, 8, 8, 2}), std::vector<Label>{0, 1}),
                    "network \"C\": expected a batch of 8x8x1, got 2x8x8x2");
  SupervisedState state = trainer.state();
  state.fits = -1;
  CHECK_THROWS_WITH(trainer.set_state(state), ContainsSubstring("trainer: expected a state of numbers >= 0"));
}

TEST_CASE("supervised trainer: the progress bar shows loss and accuracy") {
  const StepReport report{.supervised = true, .loss = 0.1234, .accuracy = 0.975, .epoch = 1, .epochs = 2};
  CHECK(internal::losses_text(report) == "loss 0.123  accuracy 97.5 %");
}

TEST_CASE("refresh_statistics: batch norm's become those of the samples, weights stay") {
  auto classifier = small();
  auto before = classifier;
  refresh_statistics<float>(classifier, places(), Random(1), {.batch = 90, .passes = 200});
  const auto now = classifier.parameters(), then = before.parameters();
  for (std::size_t i = 0; i < now.size(); ++i) CHECK(difference(now[i]->value, then[i]->value) == 0);
  // Of a batch that holds all samples the running mean becomes that batch's own, to 0.9^200 of what was before.
  Loader<> loader(places(), {.batch = 90, .shuffle = false}, Random(1));
  Tensor<> samples;
  loader.next(samples);
  Trace<> trace;
  const Tensor<> convolved = before.layers()[0].forward(samples, trace, {.mode = Mode::eval, .backward = false});
  const auto mean = convolved.matrix().colwise().mean();
  Tensor<>& running = classifier.buffers()[0]->value;
  REQUIRE(running.size() == 8);
  for (Index k = 0; k < 8; ++k) CHECK(running[k] == Catch::Approx(mean[k]).margin(1e-4));
  CHECK_THROWS_WITH(refresh_statistics<float>(classifier, places(), Random(1), {.passes = 0}),
                    "refresh_statistics: expected at least 1 pass, got 0");
}

TEST_CASE("refresh_statistics: streams stay where they are") {
  auto classifier = small();
  const auto before = classifier.state().streams.at(0).second->position();
  refresh_statistics<float>(classifier, places(), Random(1), {.passes = 3});
  CHECK((classifier.state().streams.at(0).second->position() == before));
}

TEST_CASE("supervised trainer: a step that fails takes back no step of the caller's own") {
  auto classifier = small();
  auto own_loop = options();
  own_loop.steps = 10;  // its schedule is one over the run
  SupervisedTrainer<> trainer(classifier, own_loop);
  trainer.optimizer().step_undoably();
  const auto before = everything(trainer);
  CHECK_THROWS(trainer.step(Tensor<>({2, 8, 8, 1}), std::vector<Label>{0, 9}));
  CHECK((everything(trainer) == before));
}

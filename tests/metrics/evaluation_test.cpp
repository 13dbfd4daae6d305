#include "rival/metrics/evaluation.hpp"

#include <numeric>

#include "catch.hpp"
#include "rival/core/parallel.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/nn/initialise.hpp"

namespace {

using namespace rival;

constexpr Index classes = 4;

/// Images of 8 x 8, each of one of four kinds: bright in one quarter, with noise everywhere.
void draw(Index count, std::uint64_t seed, double noise, Tensor<float>& images, std::vector<Label>& labels) {
  Random random(seed);
  images.resize({count, 8, 8, 1});
  random.fill_normal(images);
  images.array() *= static_cast<float>(noise);
  for (Index i = 0; i < count; ++i) {
    const auto label = static_cast<Label>(i % classes);
    labels.push_back(label);
    for (Index y = 0; y < 4; ++y)
      for (Index x = 0; x < 4; ++x) images(i, y + 4 * (label / 2), x + 4 * (label % 2), 0) += 1.0f;
  }
}

Dataset data_set(Index count = 800) {
  Tensor<float> images;
  std::vector<Label> labels;
  draw(count, 1, 0.3, images, labels);
  return Dataset({8, 8, 1}, std::vector<float>(images.data(), images.data() + images.size()), labels);
}

/// Whose last layer reads the mean of each quarter, and gives it as the logit of its kind.
Classifier<float> quarters() {
  Classifier<float> c({8, 8, 1}, Sequential<float>(Flatten<float>(), Dense<float>({64, classes, false}),
                                                   Dense<float>({classes, classes, false})));
  auto parameters = c.parameters();
  for (auto* p : parameters) p->value.array().setZero();
  for (Index y = 0; y < 8; ++y)
    for (Index x = 0; x < 8; ++x) parameters[0]->value(y * 8 + x, y / 4 * 2 + x / 4) = 1.0f / 16;
  for (Index k = 0; k < classes; ++k) parameters[1]->value(k, k) = 10;
  return c;
}

TEST_CASE("evaluation: samples of the data's own law are as good as real ones, others are not") {
  const Classifier<float> classifier = quarters();
  const Dataset data = data_set();
  const Evaluation<float> evaluate(classifier, data, {.parts = 4});
  REQUIRE(evaluate.count() == 400);

  Tensor<float> images;
  std::vector<Label> labels;
  draw(400, 2, 0.3, images, labels);
  const auto good = evaluate(images, labels);
  // Two halves of one law: floor and value differ as two draws do, which the spread of the parts bounds from above.
  for (const char* name : {"frechet", "precision", "recall", "density", "coverage", "class_score", "nearest"}) {
    INFO(to_text(good) << name);
    const Figure& f = figure(good, name);
    CHECK(std::abs(f.value - f.floor) <= 4 * (f.spread + f.floor_spread));
  }
  CHECK(figure(good, "classes").value == classes);
  CHECK(figure(good, "class_kl").value < 0.02);
  CHECK(figure(good, "agreement").value > 0.99);
  CHECK(figure(good, "agreement").floor > 0.99);
  CHECK(std::abs(figure(good, "kernel").value) <= 4 * figure(good, "kernel").spread);

  SECTION("noise") {
    std::vector<Label> more;
    draw(400, 3, 1.5, images, more);
    const auto bad = evaluate(images, labels);
    CHECK(figure(bad, "frechet").value > 10 * figure(bad, "frechet").floor);
    CHECK(figure(bad, "precision").value < 0.5 * figure(bad, "precision").floor);
    CHECK(figure(bad, "patches_8x8").value > 3 * figure(bad, "patches_8x8").floor);
  }
  SECTION("one kind alone") {
    for (Index i = 0; i < 400; ++i) std::copy_n(images.data(), 64, images.data() + i * 64);
    const auto bad = evaluate(images, labels);
    CHECK(figure(bad, "classes").value == 1);
    CHECK(figure(bad, "class_kl").value == Approx(std::log(4.0)).epsilon(0.05));
    CHECK(figure(bad, "class_score").value == Approx(1));
    CHECK(figure(bad, "recall").value < 0.1);
    CHECK(figure(bad, "agreement").value == Approx(0.25));
  }
  SECTION("learnt by heart") {
    std::vector<Index> first(400);
    std::iota(first.begin(), first.end(), 0);
    Tensor<float> known;
    data.gather(first, known);  // about half of them are among those compared with
    CHECK(figure(evaluate(known), "nearest").value == 0);
    CHECK(figure(evaluate(known), "nearest").floor > 0);
  }
}

TEST_CASE("evaluation: its figures are those of the metrics, on the samples that its seed draws") {
  const Classifier<float> classifier = quarters();
  const Dataset data = data_set(100);
  const Evaluation<float> evaluate(classifier, data, {.samples = 30, .parts = 3, .seed = 5});
  Tensor<float> images;
  std::vector<Label> labels;
  draw(30, 2, 0.4, images, labels);
  const auto table = evaluate(images);

  std::vector<Index> order;
  Random(5).stream("evaluation").permutation(100, order);
  Tensor<float> real;
  data.gather(std::span<const Index>(order.data(), 30), real);
  const auto a = classifier.features(real), b = classifier.features(images);
  CHECK(figure(table, "frechet").value == frechet_distance(a, b));
  const auto m = manifold_metrics(a, b);
  CHECK(figure(table, "precision").value == m.precision);
  CHECK(figure(table, "recall").value == m.recall);
  CHECK(figure(table, "density").value == m.density);
  CHECK(figure(table, "coverage").value == m.coverage);
  CHECK(figure(table, "class_score").value == class_score(classifier.logits(images), 3).mean);
  std::vector<double> of_parts;
  for (Index part = 0; part < 3; ++part) {
    Tensor<float> x({10, 4}), y({10, 4});
    std::copy_n(a.data() + part * 40, 40, x.data());
    std::copy_n(b.data() + part * 40, 40, y.data());
    of_parts.push_back(frechet_distance(x, y));
  }
  CHECK(figure(table, "frechet").spread == estimate(of_parts).deviation);
  for (const Figure& f : table) CHECK(f.name != "agreement");  // nobody said what was asked for
}

TEST_CASE("evaluation: the same figures with any number of threads") {
  const Classifier<float> classifier = quarters();
  const Dataset data = data_set(200);
  Tensor<float> images;
  std::vector<Label> labels;
  draw(100, 2, 0.4, images, labels);
  std::vector<std::string> texts;
  const int before = rival::threads();
  for (const int threads : {1, 2}) {
    set_threads(threads);
    texts.push_back(to_text(Evaluation<float>(classifier, data)(images, labels)));
  }
  set_threads(before);
  CHECK(texts[0] == texts[1]);
}

TEST_CASE("evaluation: without a classifier there are the patches, and in short the distances alone") {
  const Dataset data = data_set(100);
  Tensor<float> images;
  std::vector<Label> labels;
  draw(50, 2, 0.4, images, labels);
  const auto patches = Evaluation<float>(data)(images);
  REQUIRE(patches.size() == 1);
  CHECK(patches[0].name == "patches_8x8");

  const Classifier<float> classifier = quarters();
  const auto table = Evaluation<float>(classifier, data, {.thorough = false})(images);
  REQUIRE(table.size() == 5);
  CHECK(table[0].name == "frechet");
  CHECK(std::isnan(table[0].spread));
  CHECK(to_text(table).find("frechet") != std::string::npos);
}

TEST_CASE("evaluation: what it refuses") {
  const Classifier<float> classifier = quarters();
  const Dataset data = data_set(100);
  const Evaluation<float> evaluate(classifier, data);
  using Catch::Contains;
  CHECK_THROWS_WITH(evaluate(Tensor<float>({60, 8, 7, 1})), Contains("expected samples of 8x8x1"));
  CHECK_THROWS_WITH(evaluate(Tensor<float>({49, 8, 8, 1})), Contains("expected at least 50 samples, got 49"));
  Tensor<float> images;
  std::vector<Label> labels;
  draw(50, 2, 0.4, images, labels);
  CHECK_THROWS_WITH(evaluate(images, Labels(labels).first(3)), Contains("expected 50 classes"));
  images[64 * 7 + 3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(evaluate(images), Contains("in sample 7"));
  CHECK_THROWS_WITH(Evaluation<float>(classifier, data_set(16)), Contains("at least 20 samples"));
  CHECK_THROWS_WITH(Evaluation<float>(classifier, data, {.samples = 20, .parts = 10}), Contains("parts"));
  const Dataset rows({3}, std::vector<float>(300, 1.0f));
  CHECK_THROWS_WITH(Evaluation<float>(classifier, rows), Contains("made for samples of"));
  CHECK_THROWS_WITH(Evaluation<float>(rows), Contains("expected a classifier"));
  CHECK_THROWS_WITH(figure(evaluate(Tensor<float>({50, 8, 8, 1})), "fid"), Contains("frechet, kernel"));
}

TEST_CASE("evaluation: what a classifier learns from samples, beside what it learns from real ones") {
  const Dataset data = data_set();
  EvaluationOptions options;
  options.accuracy = ClassificationAccuracyOptions{.steps = 60, .batch = 32, .width = 4};
  const Evaluation<float> evaluate(data, options);
  Tensor<float> images;
  std::vector<Label> labels;
  draw(400, 2, 0.3, images, labels);
  const Figure good = figure(evaluate(images, labels), "accuracy");
  CHECK(good.floor > 0.95);
  CHECK(good.value > 0.95);

  for (Label& label : labels) label = static_cast<Label>((label + 1) % classes);
  CHECK(figure(evaluate(images, labels), "accuracy").value < 0.05);
  CHECK_THROWS_WITH(figure(evaluate(images), "accuracy"), Catch::Matchers::ContainsSubstring("got accuracy"));

  const Dataset unlabelled({8, 8, 1}, std::vector<float>(800 * 64));
  CHECK_THROWS_WITH(Evaluation<float>(unlabelled, options),
                    "evaluation: expected labelled real samples, for the accuracy");
}

TEST_CASE("classification accuracy: the same for any number of threads, and refuses what cannot be learnt from") {
  const Dataset data = data_set(200);
  const ClassificationAccuracyOptions options{.steps = 20, .batch = 16, .width = 2};
  const int before = threads();
  set_threads(1);
  const double one = classification_accuracy(data, data, options);
  set_threads(before);
  CHECK(classification_accuracy(data, data, options) == one);
  CHECK(one > 0.25);

  CHECK_THROWS_WITH(classification_accuracy(Dataset({2}, std::vector<float>(8)), data),
                    "classification accuracy: expected labelled samples of at least two classes, got 4 of 0");
  // Before anything is trained: a hundred million steps would take days.
  const ClassificationAccuracyOptions forever{.steps = 100'000'000};
  CHECK_THROWS_WITH(classification_accuracy(data, Dataset({2}, std::vector<float>(8)), forever),
                    "classification accuracy: expected labelled samples of 8x8x1 and at most 4 classes to test with, "
                    "got 4 of 2 and 0 classes");
  CHECK_THROWS_WITH(classification_accuracy(data, Dataset({8, 8, 1}, std::vector<float>(128), {0, 7}), forever),
                    Catch::Matchers::EndsWith("got 2 of 8x8x1 and 8 classes"));
  CHECK_THROWS_WITH(classification_accuracy(data, data, {.steps = 0}),
                    "classification accuracy: expected at least 1 step and a batch of at least 1, got 0 and 64");
}

TEST_CASE("evaluation: a classifier of fewer classes than the data has is refused") {
  const Dataset more({8, 8, 1}, std::vector<float>(40 * 64), std::vector<Label>(40, 1), 5);
  const Classifier<float> classifier = quarters();
  CHECK_THROWS_WITH(Evaluation<float>(classifier, more),
                    "evaluation: the classifier tells 4 classes apart, the data set has 5");
}

}  // namespace

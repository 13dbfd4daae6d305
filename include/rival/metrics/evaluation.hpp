#pragma once
// Evaluation: how good samples are, in one table, each figure beside what real samples get.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "rival/core/random.hpp"
#include "rival/data/dataset.hpp"
#include "rival/metrics/class_score.hpp"
#include "rival/metrics/classification_accuracy.hpp"
#include "rival/metrics/estimate.hpp"
#include "rival/metrics/frechet.hpp"
#include "rival/metrics/kernel_distance.hpp"
#include "rival/metrics/kl_to_law.hpp"
#include "rival/metrics/neighbours.hpp"
#include "rival/metrics/sliced_wasserstein.hpp"
#include "rival/train/classifier.hpp"

namespace rival {

/// One line of the table. A value that cannot be had, such as the spread of a Frechet distance whose parts have fewer
/// samples than features, is NaN.
struct Figure {
  std::string name;         ///< such as "kernel"; see `figure`
  double value = 0;         ///< of the samples
  double spread = 0;        ///< deviation from part to part
  double floor = 0;         ///< of as many real samples in their place
  double floor_spread = 0;  ///< deviation of that from part to part
};

/// How many samples an Evaluation compares, and by what.
struct EvaluationOptions {
  Index samples = 10'000;  ///< of either side; half of the data set where it has not twice as many
  Index parts = 10;        ///< of equal size, for the spreads
  bool thorough = true;    ///< off: Frechet distance, precision, recall, density and coverage alone, without spreads
  std::uint64_t seed = 0;  ///< draws which real samples are compared with, and the patches
  /// If given: trains a classifier on the samples, and one on real ones, for `accuracy`.
  std::optional<ClassificationAccuracyOptions> accuracy = {};
};

/// Compares samples with a data set, as a classifier's features and logits and as patches of images show them:
///
/// - `frechet`: frechet_distance of the features; 0 is best;
/// - `kernel`: kernel_distance of the features, 100 subsets of 1,000 or of half the samples; 0 is best;
/// - `precision`, `recall`, `density`, `coverage`: manifold_metrics of the features, k = 3;
/// - `class_score`: exp of the mean KL of a sample's classes to all samples'; up to the number of classes;
/// - `classes`: how many classes the classifier sees among the samples;
/// - `class_kl`: KL of their shares to the real ones', in nats; infinite where a class is seen among them alone;
/// - `agreement`: share of the samples that are of the class they were asked for; the floor is of the data's labels;
/// - `nearest`: distance in the features to the nearest real sample, at the quantile of 5 %; far below the floor, they
///   are learnt by heart;
/// - `accuracy`: classification_accuracy of the samples, on the real ones that the floor is of;
/// - `patches_HxW`: patch_distances of the images at that size; 0 is best.
///
/// The real samples are drawn from the data set and halved: `samples` to compare with, and as many that take the
/// generated ones' place for the floor. Without a classifier there are the patches alone.
template <class S = float>
class Evaluation {
 public:
  /// Both must outlive it. Throws Error when the classifier is of other samples than the data set or of fewer classes,
  /// and for a data set of fewer than 20 samples.
  Evaluation(const Classifier<S>& classifier, const Dataset& real, const EvaluationOptions& options = {})
      : Evaluation(&classifier, real, options) {}
  /// By patches alone: the samples must be images of at least 7 x 7.
  explicit Evaluation(const Dataset& real, const EvaluationOptions& options = {})
      : Evaluation(nullptr, real, options) {}

  /// How many samples are compared with how many.
  Index count() const { return reference_.images.dim(0); }

  /// What real samples get in the samples' place, as `value` and `spread`.
  const std::vector<Figure>& floors() const { return floors_; }

  /// The table of samples {N, ...}, N >= count(), of which it takes the first. `asked` are the classes that they were
  /// made for, if they were. Throws Error for samples of another shape, too few of them, and values that are not
  /// finite.
  std::vector<Figure> operator()(const Tensor<S>& samples, Labels asked = {}) const;

 private:
  static constexpr double nan_ = std::numeric_limits<double>::quiet_NaN();

  struct Side {
    Tensor<S> images, features, logits;
    std::vector<Label> labels;
  };

  Evaluation(const Classifier<S>* classifier, const Dataset& real, const EvaluationOptions& options);

  Dataset data_set(const Side& side) const {
    const Tensor<S>& x = side.images;
    return Dataset(shape_, std::vector<float>(x.data(), x.data() + x.size()), side.labels, real_classes_);
  }
  Figure accuracy_of(const Side& side) const {
    return {"accuracy", classification_accuracy<S>(data_set(side), test_, *options_.accuracy), nan_, nan_, nan_};
  }

  bool has_patches() const { return shape_.rank() == 3 && std::min(shape_[0], shape_[1]) >= patch_; }

  static Tensor<S> rows(const Tensor<S>& all, Index begin, Index end) {
    Tensor<S> some(all.shape().sample().batch(end - begin));
    std::copy_n(all.data() + begin * all.shape().sample().size(), some.size(), some.data());
    return some;
  }

  void look(Side& side) const {
    for (Index i = 0; i < side.images.size(); ++i)
      require(is_finite(side.images[i]), "evaluation: expected finite samples, got ", side.images[i], " in sample ",
              i / shape_.size());
    if (!classifier_) return;
    std::tie(side.features, side.logits) = classifier_->features_and_logits(side.images);
  }

  std::vector<Figure> measure(const Side& side) const {
    std::vector<Figure> table;
    const auto add = [&](std::string name, double value, double spread) {
      table.push_back({std::move(name), value, spread, nan_, nan_});
    };
    if (classifier_) {
      in_parts(table, side, [](const Side& real, const Side& made) -> Values {
        const bool enough = real.features.dim(0) >= real.features.dim(1);
        return {{"frechet", enough ? frechet_distance(real.features, made.features) : nan_}};
      });
      if (options_.thorough) {
        const Estimate kernel =
            kernel_distance(reference_.features, side.features, {.samples = std::min<Index>(1000, count() / 2)},
                            Random(options_.seed).stream("kernel distance"));
        add("kernel", kernel.mean, kernel.deviation);
      }
      in_parts(table, side, [](const Side& real, const Side& made) -> Values {
        const ManifoldMetrics m = manifold_metrics(real.features, made.features);
        return {{"precision", m.precision}, {"recall", m.recall}, {"density", m.density}, {"coverage", m.coverage}};
      });
      if (options_.thorough) {
        const Estimate score = class_score(side.logits, options_.parts);
        add("class_score", score.mean, score.deviation);
        in_parts(table, side, [this](const Side& real, const Side& made) { return of_classes(real, made); });
      }
    }
    if (options_.thorough && has_patches()) {
      const Random random = Random(options_.seed).stream("patches");
      in_parts(table, side, [&](const Side& real, const Side& made) {
        PatchDistanceOptions o;
        o.least = std::max(o.patch, std::min(o.least, std::min(shape_[0], shape_[1])));
        o.patches = std::min<Index>(o.patches, 8 * real.images.dim(0));
        Values values;
        Index h = shape_[0], w = shape_[1];
        for (const double distance : patch_distances(real.images, made.images, o, random)) {
          values.push_back({internal::concatenate("patches_", h, 'x', w), distance});
          h = (h + 1) / 2, w = (w + 1) / 2;
        }
        return values;
      });
    }
    return table;
  }

  using Values = std::vector<std::pair<std::string, double>>;

  Values of_classes(const Side& real, const Side& made) const {
    const Index classes = classifier_->classes();
    const std::vector<Label> seen = predicted_classes(made.logits);
    const auto counts = class_counts(seen, classes), law = class_counts(predicted_classes(real.logits), classes);
    const auto covered =
        static_cast<double>(std::count_if(counts.begin(), counts.end(), [](Index n) { return n > 0; }));
    Values values{{"classes", covered}, {"class_kl", kl_to_law(counts, law)}};
    if (!made.labels.empty()) {
      Index same = 0;
      for (std::size_t i = 0; i < seen.size(); ++i) same += seen[i] == made.labels[i];
      values.push_back({"agreement", static_cast<double>(same) / static_cast<double>(seen.size())});
    }
    std::vector<double> distances = nearest(made.features, real.features).distance;
    const auto at = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 20);
    std::nth_element(distances.begin(), at, distances.end());
    values.push_back({"nearest", *at});
    return values;
  }

  /// Adds what `figures` gives for the whole, and how it differs from part to part.
  template <class Figures>
  void in_parts(std::vector<Figure>& table, const Side& side, const Figures& figures) const {
    const Values whole = figures(reference_, side);
    std::vector<std::vector<double>> of_parts(whole.size());
    for (Index part = 0; options_.thorough && options_.parts > 1 && part < options_.parts; ++part) {
      const Values values = figures(part_of(reference_, part), part_of(side, part));
      for (std::size_t i = 0; i < values.size(); ++i) of_parts[i].push_back(values[i].second);
    }
    for (std::size_t i = 0; i < whole.size(); ++i)
      table.push_back(
          {whole[i].first, whole[i].second, of_parts[i].empty() ? nan_ : estimate(of_parts[i]).deviation, nan_, nan_});
  }

  Side part_of(const Side& side, Index part) const {
    const Index begin = part_begin(count(), options_.parts, part), end = part_begin(count(), options_.parts, part + 1);
    Side some;
    some.images = rows(side.images, begin, end);
    if (classifier_) {
      some.features = rows(side.features, begin, end);
      some.logits = rows(side.logits, begin, end);
    }
    if (!side.labels.empty()) some.labels.assign(side.labels.begin() + begin, side.labels.begin() + end);
    return some;
  }

  static constexpr Index patch_ = PatchDistanceOptions().patch;

  const Classifier<S>* classifier_;
  EvaluationOptions options_;
  Shape shape_;
  Side reference_;
  std::vector<Figure> floors_;
  Index real_classes_ = 0;  ///< with `accuracy`, and what the classifiers are tested with
  Dataset test_;
};

// Outside of the class, and so not inline: where they are compiled once (core/instantiate.hpp), no other file compiles
// what they call.

template <class S>
Evaluation<S>::Evaluation(const Classifier<S>* classifier, const Dataset& real, const EvaluationOptions& options)
    : classifier_(classifier), options_(options), shape_(real.sample_shape()) {
  require(options.samples >= 10 && options.parts >= 1 && options.parts <= options.samples / 5,
          "evaluation: expected at least 10 samples, and parts of at least 5, got ", options.samples, " in ",
          options.parts, " parts");
  require(real.size() >= 20, "evaluation: expected a data set of at least 20 samples, got ", real.size());
  require(!classifier || classifier->input_shape() == shape_, "evaluation: the classifier is made for samples of ",
          classifier ? classifier->input_shape() : shape_, ", the data set has samples of ", shape_);
  require(!classifier || !real.has_labels() || real.classes() <= classifier->classes(),
          "evaluation: the classifier tells ", classifier ? classifier->classes() : 0,
          " classes apart, the data set has ", real.classes());
  require(classifier || has_patches(), "evaluation: expected a classifier, or images of at least ", patch_, " x ",
          patch_, ", got samples of ", shape_);
  const Index count = std::min(options.samples, real.size() / 2);
  options_.parts = std::min(options.parts, count / 5);
  std::vector<Index> order;
  Random random = Random(options.seed).stream("evaluation");
  random.permutation(real.size(), order);
  Side other;
  const auto draw = [&](Side& side, Index first) {
    const std::span<const Index> which(order.data() + first, static_cast<std::size_t>(count));
    real.gather(which, side.images);
    if (real.has_labels()) real.gather_labels(which, side.labels);
    look(side);
  };
  draw(reference_, 0);
  draw(other, count);
  floors_ = measure(other);
  if (!options.accuracy) return;
  require(real.has_labels(), "evaluation: expected labelled real samples, for the accuracy");
  real_classes_ = real.classes();
  test_ = data_set(other);
  floors_.push_back(accuracy_of(reference_));
}

template <class S>
std::vector<Figure> Evaluation<S>::operator()(const Tensor<S>& samples, Labels asked) const {
  require(samples.rank() >= 1 && samples.shape().sample() == shape_, "evaluation: expected samples of ", shape_,
          ", got ", samples.shape());
  require(samples.dim(0) >= count(), "evaluation: expected at least ", count(), " samples, got ", samples.dim(0));
  require(asked.empty() || static_cast<Index>(asked.size()) == samples.dim(0), "evaluation: expected ", samples.dim(0),
          " classes, one a sample, got ", asked.size());
  Side side;
  side.images = rows(samples, 0, count());
  side.labels.assign(asked.begin(), asked.begin() + std::min<std::ptrdiff_t>(std::ssize(asked), count()));
  look(side);
  std::vector<Figure> table = measure(side);
  if (options_.accuracy && !side.labels.empty()) table.push_back(accuracy_of(side));
  for (Figure& figure : table) {
    const auto floor =
        std::find_if(floors_.begin(), floors_.end(), [&](const Figure& f) { return f.name == figure.name; });
    figure.floor = floor == floors_.end() ? nan_ : floor->value;
    figure.floor_spread = floor == floors_.end() ? nan_ : floor->spread;
  }
  return table;
}

RIVAL_INSTANTIATE_FLOAT(class Evaluation<float>);

/// The figure of that name. Throws Error, naming those that there are, when there is none.
inline const Figure& figure(const std::vector<Figure>& table, const std::string& name) {
  std::string all;
  for (const Figure& f : table) {
    if (f.name == name) return f;
    all += (all.empty() ? "" : ", ") + f.name;
  }
  fail("evaluation: expected one of the figures ", all, ", got ", name);
}

/// The table as text: a line a figure.
inline std::string to_text(const std::vector<Figure>& table) {
  internal::TextStream text;
  const auto cell = [&](double value) {
    char digits[32];
    if (std::isnan(value))
      std::snprintf(digits, sizeof digits, "-");
    else
      std::snprintf(digits, sizeof digits, "%.4g", value);
    text << std::string(std::max<std::size_t>(12, std::strlen(digits)) - std::strlen(digits), ' ') << digits;
  };
  text << "figure             value      spread       floor      spread\n";
  for (const Figure& f : table) {
    text << f.name << std::string(f.name.size() < 12 ? 12 - f.name.size() : 0, ' ');
    for (const double value : {f.value, f.spread, f.floor, f.floor_spread}) cell(value);
    text << '\n';
  }
  return text.str();
}

}  // namespace rival

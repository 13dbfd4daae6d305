// Says how good samples are, beside what real ones get. `--help` lists the options.

#include <algorithm>
#include <iostream>
#include <optional>
#include <vector>

#include "common/evaluations.hpp"
#include "common/network_files.hpp"
#include "common/run_program.hpp"
#include "options.hpp"
#include "rival/core/file.hpp"
#include "rival/metrics/joint_modes.hpp"
#include "rival/metrics/kl_to_law.hpp"
#include "samples.hpp"

namespace {

/// The classifier of the features, if there is one.
std::optional<rival::Classifier<>> find_classifier(const Options& o) {
  std::filesystem::path file = o.classifier;
  if (file.empty() && o.real == RIVAL_MNIST_DIR)
    file = std::filesystem::path(RIVAL_MNIST_DIR) / "classifier.safetensors";
  if (file.empty()) return {};
  return rival::load_classifier(file);
}

std::string csv(const std::vector<rival::Figure>& table) {
  rival::internal::TextStream text;
  text.precision(9);
  text << "figure,value,spread,floor,floor_spread\n";
  for (const auto& f : table)
    text << f.name << ',' << f.value << ',' << f.spread << ',' << f.floor << ',' << f.floor_spread << '\n';
  return text.str();
}

/// Says how many modes there are among the samples, and among as many real ones.
int count_modes(const Options& o) {
  std::vector<rival::Classifier<>> classifiers;
  std::vector<rival::Index> classes;
  for (const auto& file : o.modes) {
    classifiers.push_back(rival::load_classifier(file));
    classes.push_back(classifiers.back().classes());
  }
  const rival::Dataset real = read_real(o);
  const Made made = read_made(o, real, o.count);
  const auto counts_of = [&](const rival::Tensor<float>& samples) {
    return rival::joint_mode_counts<float>(classifiers, samples);
  };
  // In pieces, so that any number of real ones can be read.
  std::vector<rival::Index> order, some, all, as_many;
  rival::Random(o.seed).permutation(real.size(), order);
  rival::Tensor<float> piece;
  const rival::Index drawn = std::min(made.samples.dim(0), real.size());
  for (rival::Index begin = 0, end; begin < real.size(); begin = end) {
    end = std::min(begin < drawn ? drawn : real.size(), begin + 4096);
    some.assign(order.begin() + begin, order.begin() + end);
    real.gather(some, piece);
    const auto counts = counts_of(piece);
    all.resize(counts.size());
    for (std::size_t m = 0; m < counts.size(); ++m) all[m] += counts[m];
    if (end == drawn) as_many = all;
  }
  const auto found = counts_of(made.samples);
  const auto law = rival::independent_law(all, classes);
  const auto shown = [](const std::vector<rival::Index>& counts) {
    return std::count_if(counts.begin(), counts.end(), [](rival::Index n) { return n > 0; });
  };
  const double kl = rival::kl_to_law(found, law), floor = rival::kl_to_law(as_many, law);
  std::cout << made.samples.dim(0) << " samples of " << o.samples.string() << " show " << shown(found) << " of "
            << found.size() << " kinds, KL to the law " << kl << '\n'
            << drawn << " real ones of " << o.real.string() << " show " << shown(as_many) << ", KL " << floor << '\n';
  if (!o.csv.empty())
    rival::replace_file(o.csv,
                        csv({{"modes", static_cast<double>(shown(found)), 0, static_cast<double>(shown(as_many)), 0},
                             {"modes_kl", kl, 0, floor, 0}}));
  return 0;
}

int evaluate(const Options& o) {
  const auto classifier = find_classifier(o);
  const rival::Dataset real = read_real(o);
  const Made made = read_made(o, real, std::min<rival::Index>(o.count, real.size() / 2));
  rival::require(made.samples.shape().sample() == real.sample_shape(), "--real: expected samples of ",
                 made.samples.shape().sample(), " to compare those of ", o.samples, " with, got ", real.sample_shape(),
                 " in ", o.real);
  rival::require(made.samples.dim(0) >= 10, "expected at least 10 samples, got ", made.samples.dim(0));

  rival::EvaluationOptions options{
      .samples = made.samples.dim(0), .parts = std::min<rival::Index>(10, made.samples.dim(0) / 5), .seed = o.seed};
  if (o.accuracy) {
    rival::require(real.has_labels(), "--accuracy: expected --real with labels");
    rival::require(!made.classes.empty(), "--accuracy: expected samples whose classes are known: those of a generator ",
                   "that takes classes, or --classes beside a file");
    options.accuracy.emplace();
  }
  const auto [table, floors] =
      evaluate_samples(classifier ? &*classifier : nullptr, real, options, made.samples, made.classes);
  std::cout << made.samples.dim(0) << " samples of " << o.samples.string() << ", as many real ones of "
            << o.real.string() << '\n';
  if (!classifier)
    std::cout << "No --classifier, so there are patches alone; ./scripts/classify makes one for labelled data.\n";
  for (const auto& floor : floors)
    if (floor.name == "agreement" && floor.value < 0.9)
      std::cout << "The classifier is right about " << 100 * floor.value
                << " % of the real samples: figures by its features tell little. Was it trained on such data?\n";
  if (made.samples.dim(0) < 1000)
    std::cout << "So few samples say little: a figure that is left out (-) or infinite needs more of them.\n";
  std::cout << '\n' << rival::to_text(table);
  if (!o.csv.empty()) rival::replace_file(o.csv, csv(table));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("evaluate", [&] {
    Options options;
    if (!parse(argc, argv, options)) return 0;
    if (options.threads > 0) rival::set_threads(options.threads);
    return options.modes.empty() ? evaluate(options) : count_modes(options);
  });
}

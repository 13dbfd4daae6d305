// Says how good samples are, beside what real ones get. `--help` lists the options.

#include <iostream>
#include <optional>

#include "common/evaluations.hpp"
#include "common/network_files.hpp"
#include "common/run_program.hpp"
#include "options.hpp"
#include "rival/core/file.hpp"
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

int evaluate(const Options& o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  const auto classifier = find_classifier(o);
  const rival::Dataset real = read_real(o);
  const Made made = read_made(o, real);
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
  std::cout << '\n' << rival::to_text(table);
  if (!o.csv.empty()) rival::replace_file(o.csv, csv(table));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("evaluate", [&] {
    Options options;
    return parse(argc, argv, options) ? evaluate(options) : 0;
  });
}

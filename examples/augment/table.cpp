#include "table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/network_files.hpp"
#include "few_labels.hpp"
#include "rival/core/byte_source.hpp"
#include "rival/core/file.hpp"
#include "rival/data/distortion.hpp"
#include "rival/gan/recipes/rpgan.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/image/grid.hpp"
#include "rival/layers/augment.hpp"
#include "rival/layers/projection.hpp"
#include "rival/train/evaluate.hpp"
#include "rival/train/make_classifier.hpp"
#include "rival/train/refresh_statistics.hpp"
#include "rival/train/supervised_trainer.hpp"

namespace {

using std::filesystem::path;

/// What a classifier is trained on; a column of the table.
struct Diet {
  std::string_view name, title;
  bool real, classical, generated;
};
constexpr std::array<Diet, 5> diets{{{"real", "real", true, false, false},
                                     {"classical", "+ classical", true, true, false},
                                     {"gan", "+ GAN", true, false, true},
                                     {"both", "+ both", true, true, true},
                                     {"generated", "generated only", false, false, true}}};

/// How many labels there are; a row of the table, or two.
struct Setting {
  std::string name, title;
  long labels;  ///< of each class; 0: all, but for one class
};
const std::array<Setting, 4> settings{{{"10", "10 labels a class", 10},
                                       {"20", "20 labels a class", 20},
                                       {"50", "50 labels a class", 50},
                                       {"cut", "one class cut to 1 %", 0}}};

/// Pictures as bytes, and their classes.
struct Pictures {
  std::vector<std::uint8_t> bytes;
  std::vector<rival::Label> labels;

  /// So many samples of the data, one after the other, over and over.
  void add(const rival::Dataset& data, rival::Index count) {
    for (rival::Index i = 0; i < count; ++i) {
      const auto values = data.values(i % data.size());
      bytes.insert(bytes.end(), values.begin(), values.end());
      labels.push_back(data.label(i % data.size()));
    }
  }
  /// Samples of these classes, whose numbers go from -1 to 1.
  void add(const rival::Generator<>& generator, rival::Random random, const std::vector<rival::Label>& of_classes) {
    const auto samples = generator.sample(static_cast<rival::Index>(of_classes.size()), random, of_classes);
    const auto more = rival::to_bytes(samples);
    bytes.insert(bytes.end(), more.data(), more.data() + more.size());
    labels.insert(labels.end(), of_classes.begin(), of_classes.end());
  }
  rival::Dataset data(rival::Index classes) const { return {{28, 28, 1}, bytes, labels, classes}; }
};

/// The recipe rpgan on networks that are told the class. The discriminator never sees a picture where it is, so that
/// it cannot learn a few of them by heart so soon.
rival::Recipe<> conditional_recipe(rival::Index classes, rival::Index batch, std::uint64_t seed) {
  rival::Recipe<> recipe = rival::recipes::rpgan({.batch = batch, .seed = seed});
  const rival::Random random(seed);
  rival::ImageNetworkOptions network{.size = 28, .channels = 1, .width = 16, .latent = 64, .classes = classes};
  rival::Sequential<> layers(rival::Augment<>({.translation = 0.125}));
  layers.add(rival::dcgan_discriminator_layers<>(network, false)).add(rival::Flatten<>());
  layers.add(rival::Dense<>({.in = layers.output_shape(network.image()).size(), .out = 1 + classes}));
  layers.add(rival::Projection<>({.classes = classes}));
  rival::Discriminator<> discriminator(network.image(), std::move(layers));
  discriminator.initialise(rival::he<>(0.2), random);
  rival::TrainerOptions<> options = recipe.options;
  options.labels = rival::LabelSource::data;
  return {rival::dcgan_generator<>(random, network), std::move(discriminator), std::move(options)};
}

struct Draw {
  const Options& o;
  const Digits& digits;
  const Setting& setting;
  std::uint64_t seed;

  rival::Index classes() const { return digits.train.classes(); }
  /// Which class is cut, if one is: another one each draw.
  rival::Label cut() const { return static_cast<rival::Label>(seed % static_cast<std::uint64_t>(classes())); }
  path file(std::string_view what) const {
    return o.out / "cells" / rival::internal::concatenate(setting.name, '-', what, '-', seed);
  }
  rival::Dataset labelled() const {
    return setting.labels > 0 ? few_of_each_class(digits.train, setting.labels, seed)
                              : with_class_cut(digits.train, cut(), seed);
  }
  rival::Random random(const char* what) const { return rival::Random(seed).stream(setting.name).stream(what); }
};

/// The GAN of these pictures: read if it is there, else trained and kept.
rival::Generator<> generator_of(const Draw& draw, const rival::Dataset& labelled) {
  path kept = draw.file("gan");
  kept += ".safetensors";
  if (!std::filesystem::exists(kept)) {
    rival::Recipe<> recipe = conditional_recipe(draw.classes(), std::min<rival::Index>(32, labelled.size()), draw.seed);
    rival::AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
    const rival::Index per_epoch = labelled.size() / recipe.options.batch;
    trainer.fit(labelled, {.epochs = draw.o.gan_steps / per_epoch + 1, .steps = draw.o.gan_steps});
    rival::save(trainer.averaged_generator(), rival::sampling_of(recipe.options), kept);
  }
  return rival::load_sampler(kept).generator();
}

/// What a classifier with this diet is trained on. Of few labels the generated pictures are as many as the real ones,
/// these counted as often as they come; of a class that is cut they fill up what was taken away.
rival::Dataset data_of(const Draw& draw, const Diet& diet, const rival::Dataset& labelled) {
  if (!diet.generated) return labelled;
  const rival::Generator<> generator = generator_of(draw, labelled);
  const rival::Index classes = draw.classes();
  const bool fills = diet.real && draw.setting.labels == 0;
  // No more than a classifier looks at.
  const rival::Index generated = std::clamp<rival::Index>(64 * draw.o.classifier_steps, classes, 10'000);
  std::vector<rival::Label> of_classes(static_cast<std::size_t>(fills ? labelled.size() / (classes - 1) : generated));
  for (std::size_t i = 0; i < of_classes.size(); ++i)
    of_classes[i] = fills ? draw.cut() : static_cast<rival::Label>(static_cast<rival::Index>(i) % classes);
  Pictures pictures;
  if (diet.real) pictures.add(labelled, fills ? labelled.size() : generated);
  pictures.add(generator, draw.random("samples"), of_classes);
  return pictures.data(classes);
}

/// The errors on all test pictures, and on those of the class that is cut.
struct Errors {
  double all, cut;
};

Errors train_classifier(const Draw& draw, const Diet& diet, const rival::Dataset& data) {
  rival::Classifier<> classifier =
      rival::make_classifier<>({28, 28, 1}, draw.classes(), draw.o.width, draw.random("classifier"));
  rival::SupervisedOptions<> options{
      .batch = std::min<rival::Index>(64, data.size()),
      .label_smoothing = 0.1,
      .optimizer = rival::AdamOptions{.learning_rate = 2e-3, .schedule = rival::over_run([](long steps) {
                                                               return rival::cosine({.steps = steps});
                                                             })},
      .seed = draw.seed};
  if (diet.classical)
    options.augment = rival::Distortion<>({.shift = 2, .rotate = 15, .scale = 1.15, .stretch = 1.12, .elastic = 1.2});
  rival::SupervisedTrainer<> trainer(classifier, options);
  const rival::Index per_epoch = data.size() / options.batch;
  trainer.fit(data, {.epochs = draw.o.classifier_steps / per_epoch + 1, .steps = draw.o.classifier_steps});
  rival::refresh_statistics(classifier, data, draw.random("statistics"));
  const rival::Classification found = rival::evaluate(classifier, draw.digits.test);
  const auto labels = draw.digits.test.labels();
  const auto of_cut = static_cast<double>(std::count(labels.begin(), labels.end(), draw.cut()));
  const auto right = static_cast<double>(found.count(draw.cut(), draw.cut()));
  return {found.error(), of_cut > 0 ? 1 - right / of_cut : 0};
}

std::string text_of_file(const path& file) { return rival::internal::read_whole("cell", file); }

/// What the cell's file says, if it is there. Throws rival::Error for one that is no cell.
std::optional<Errors> read_cell(const path& file) {
  if (!std::filesystem::exists(file)) return {};
  const std::string text = text_of_file(file);
  Errors errors{};
  rival::require(std::sscanf(text.c_str(), "error %lf of the class that is cut %lf", &errors.all, &errors.cut) == 2,
                 "expected an error in the cell ", file, ", got ", text.substr(0, 40));
  return errors;
}

/// "2.31 ± 0.12" of errors, in per cent; the standard error is that of the mean.
std::string mean_of(const std::vector<double>& errors) {
  if (errors.empty()) return "";
  const auto n = static_cast<double>(errors.size());
  const double mean = std::accumulate(errors.begin(), errors.end(), 0.0) / n;
  char text[64];
  std::snprintf(text, sizeof text, "%.2f", 100 * mean);
  if (errors.size() < 2) return text;
  double squares = 0;
  for (const double error : errors) squares += (error - mean) * (error - mean);
  std::snprintf(text, sizeof text, "%.2f ± %.2f", 100 * mean, 100 * std::sqrt(squares / (n - 1) / n));
  return text;
}

/// The table of the cells that there are, in Markdown.
std::string markdown(const Options& o, const Digits& digits) {
  std::string text = rival::internal::concatenate(
      "Test error in %, mean and standard error of ", o.draws, " draws of labels. Classifiers of ", o.classifier_steps,
      " steps; GANs of ", o.gan_steps, " steps, on the same labelled pictures alone.\n\n| trained on |");
  for (const Diet& diet : diets) text += ' ' + std::string(diet.title) + " |";
  text += "\n| --- |";
  for (std::size_t i = 0; i < diets.size(); ++i) text += " --- |";
  for (const Setting& setting : settings)
    for (const bool of_cut : {false, true}) {
      if (of_cut && setting.labels > 0) continue;
      text += "\n| " + setting.title + (of_cut ? ": that class" : "") + " |";
      for (const Diet& diet : diets) {
        std::vector<double> errors;
        for (long draw = 0; draw < o.draws; ++draw)
          if (const auto cell =
                  read_cell(Draw{o, digits, setting, o.seed + static_cast<std::uint64_t>(draw)}.file(diet.name)))
            errors.push_back(of_cut ? cell->cut : cell->all);
        text += ' ' + mean_of(errors) + " |";
      }
    }
  return text + '\n';
}

}  // namespace

int make_table(const Options& o) {
  const Digits digits = read_digits(o);
  for (const Setting& setting : settings)
    if (setting.labels > 0) few_of_each_class(digits.train, setting.labels, o.seed);  // which says if there are too few
  const path cells = o.out / "cells", told = cells / "options.txt";
  const std::string mine =
      rival::internal::concatenate("classifiers of ", o.classifier_steps, " steps and width ", o.width, ", GANs of ",
                                   o.gan_steps, " steps, pictures ", digits.train.fingerprint(), "\n");
  std::filesystem::create_directories(cells);
  if (std::filesystem::exists(told))
    rival::require(text_of_file(told) == mine, "--out: expected cells of ", mine.substr(0, mine.size() - 1), " in ",
                   cells, ", found those of ", text_of_file(told));
  else
    rival::replace_file(told, mine);
  for (long i = 0; i < o.draws; ++i)
    for (const Setting& setting : settings) {
      const Draw draw{o, digits, setting, o.seed + static_cast<std::uint64_t>(i)};
      std::optional<rival::Dataset> labelled;
      for (const Diet& diet : diets) {
        const path file = draw.file(diet.name);
        if (read_cell(file)) continue;
        if (!labelled) labelled = draw.labelled();
        const Errors errors = train_classifier(draw, diet, data_of(draw, diet, *labelled));
        rival::replace_file(
            file, rival::internal::concatenate("error ", errors.all, " of the class that is cut ", errors.cut, "\n"));
        rival::replace_file(o.out / "table.md", markdown(o, digits));
        if (!o.quiet)
          std::cout << rival::internal::concatenate("draw ", draw.seed, ", ", setting.title, ", ", diet.title,
                                                    ": test error ", 100 * errors.all, " %")
                    << std::endl;
      }
    }
  const std::string table = markdown(o, digits);
  rival::replace_file(o.out / "table.md", table);
  std::cout << table;
  return 0;
}

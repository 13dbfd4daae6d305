// What stands around the blocks of C++ in docs/: a function a page, and one program of all, since each program compiles
// the library's headers anew. It runs in a folder with the digits in the folder mnist.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <rival/data/image_folder.hpp>
#include <rival/data/mnist.hpp>
#include <rival/data/moving_digits.hpp>
#include <rival/data/text.hpp>
#include <rival/gan/health.hpp>
#include <rival/gan/recipes/clips.hpp>
#include <rival/gan/recipes/semi_supervised.hpp>
#include <rival/gan/recipes/text.hpp>
#include <rival/gan/recipes/wavegan.hpp>
#include <rival/image/png.hpp>
#include <rival/io/checkpoint.hpp>
#include <rival/io/network_file.hpp>
#include <rival/io/npy.hpp>
#include <rival/io/onnx_export.hpp>
#include <rival/io/onnx_import.hpp>
#include <rival/io/sampler.hpp>
#include <rival/metrics/evaluation.hpp>
#include <rival/metrics/markov_chain.hpp>
#include <rival/metrics/text_scores.hpp>
#include <rival/rival.hpp>
#include <rival/sound/griffin_lim.hpp>
#include <rival/sound/mel.hpp>
#ifdef WITH_SOUND_FILES
#include <rival/data/sound_folder.hpp>
#endif

namespace {

void expect(bool good, const char* what) { rival::require(good, "the pages of docs/: expected ", what); }

/// Some of MNIST's digits, in the place of rival::Mnist.
struct Digits {
  rival::Dataset images;
  const rival::Dataset& train() const { return images; }
};
Digits some_digits(rival::Index count) { return {rival::Mnist("mnist").train().part(0, count)}; }

namespace index {
#include "index/ten_lines.inc"
}  // namespace index

namespace first_gan {
#include "first_gan/program.inc"
}  // namespace first_gan

void own_pictures() {
  rival::Random random(1);
  std::filesystem::create_directory("pictures");
  for (int i = 0; i < 20; ++i) {
    rival::Tensor<float> picture({1, 40, 30, 3});
    random.fill_uniform(picture, -1.0f, 1.0f);
    rival::write_png("pictures/" + std::to_string(i) + ".png", rival::grid(picture));
  }
#include "own_pictures/folder.inc"

#include "own_pictures/augment.inc"

#include "own_pictures/memory.inc"
  expect(augmented.layers().size() == recipe.discriminator.layers().size() + 1, "a layer more");
  expect(pictures.size() == 1000 && others.size() == 1000, "1000 samples");
}

void conditional() {
  rival::Random random(1);
  rival::Mnist digits("mnist");
#include "conditional/train.inc"

#include "conditional/sample.inc"
  expect(pictures.shape() == rival::Shape({64, 28, 28, 1}), "64 sevens");
#include "conditional/own.inc"
  generator.initialise(rival::glorot(), random);
  discriminator.initialise(rival::glorot(), random);
  rival::AdversarialTrainer<> own(generator, discriminator, {.batch = 8, .labels = rival::LabelSource::data});
  own.fit(digits.train(), {.epochs = 1, .steps = 1});
}

void saving() {
  rival::Random random(1);
  const Digits digits = some_digits(64);
  auto recipe = rival::recipes::rpgan({.batch = 8, .seed = 7});
  rival::AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
  trainer.fit(digits.train(), {.epochs = 1, .steps = 5, .on_step = [&](const auto& report) {
                                 if (report.steps_done == 2) trainer.stop();
                               }});
#include "saving/network.inc"

#include "saving/checkpoint.inc"
  expect(trainer.state().steps == 5, "five steps");
#include "saving/every.inc"

#include "saving/extras.inc"
  expect(found.texts.at("note") == extras.texts.at("note"), "the note");
#include "saving/export.inc"
}

void reading_the_curves() {
  const Digits digits = some_digits(256);
  auto recipe = rival::recipes::rpgan({.batch = 8, .seed = 7});
  rival::AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
#include "reading_the_curves/health.inc"
}

void how_to() {
  rival::Random random(1);
  const Digits digits = some_digits(64);
  auto recipe = rival::recipes::rpgan({.batch = 8, .seed = 7});
  rival::AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
  rival::Tensor<float> images({4, 28, 28, 1}, 0.5f);
  const std::vector<float> rows(100 * 12);
#include "how_to/threads.inc"

#include "how_to/stop.inc"

#include "how_to/schedule.inc"

#include "how_to/uneven.inc"

#include "how_to/tune.inc"

#include "how_to/summary.inc"

#include "how_to/parameters.inc"

#include "how_to/features.inc"

#include "how_to/table.inc"

#include "how_to/best.inc"
  expect(adam.schedule(0, 100) == 1 && options.discriminator_steps == 2, "what the options say");
  expect(samples.dim(0) == 64, "64 samples");
  expect(features.dim(0) == 4 && table.size() == 100, "features of four images and a hundred rows");
  expect(small.output_shape() == judge.input_shape(), "networks that fit");
}

void choosing_a_recipe() {
#include "choosing_a_recipe/direct.inc"

#include "choosing_a_recipe/name.inc"
  expect(trainer.options().batch == 64 && second.options.batch == 32, "their batches");
}

void measuring_quality() {
  rival::Random random(1);
  const std::string folder = "mnist";
  const Digits digits = ::some_digits(2000);
  rival::Tensor<float> some_digits;
  std::vector<rival::Index> which(300);
  for (std::size_t i = 0; i < which.size(); ++i) which[i] = static_cast<rival::Index>(i);
  digits.train().gather(which, some_digits);
  const rival::Generator<> generator = rival::load_generator("generator.safetensors");
#include "measuring_quality/evaluation.inc"

#include "measuring_quality/metrics.inc"
}

#ifdef WITH_SOUND_FILES
void sound_files() {
  rival::Random random(1);
  std::filesystem::create_directory("sounds");
  for (int i = 0; i < 8; ++i) {
    rival::Sound sound{8000, 1, std::vector<float>(4000)};
    for (std::size_t t = 0; t < sound.samples.size(); ++t)
      sound.samples[t] = 0.5f * std::sin(0.01f * static_cast<float>(t * static_cast<std::size_t>(i + 2)));
    rival::write_sound("sounds/" + std::to_string(i) + ".wav", sound);
  }
#include "sound/folder.inc"
  expect(std::filesystem::exists("made.wav"), "a sound");
}
#endif

void sound() {
  rival::Random random(1);
#include "sound/memory.inc"

#include "sound/spectrum.inc"
  expect(again.size() == 4096, "as many samples");
}

void text() {
  rival::Random random(1);
  std::string list;
  for (const std::string a : {"ab", "cd", "ef", "gh"})
    for (const std::string b : {"abc", "bcde", "cdefg"})
      for (const std::string c : {"x", "yz"}) list += a + b + c + '\n';
  rival::replace_file("words.txt", list);
#include "text/train.inc"

#include "text/score.inc"
  expect(lines.count() == 10 && four >= 0, "ten lines, and a divergence");
}

void clips() {
  rival::Random random(1);
  rival::Mnist digits("mnist");
#include "clips/train.inc"

#include "clips/frames.inc"
  expect(made.shape() == rival::Shape({4, 8, 32, 32, 1}), "four clips");
  expect(by_frame.output_shape().size() == 1, "a score a clip");
}

void few_labels() {
  const rival::Dataset all = some_digits(120).images;
  std::vector<std::uint8_t> bytes;
  std::vector<rival::Label> labels;
  for (rival::Index i = 0; i < 60; ++i) {
    const auto picture = all.values<std::uint8_t>(i);
    bytes.insert(bytes.end(), picture.begin(), picture.end());
    labels.push_back(all.label(i));
  }
  const rival::Dataset unlabelled({28, 28, 1}, bytes, {}, 0, rival::Transform{255});
#include "few_labels/train.inc"
  expect(classifier.classes() == 10, "ten classes");
}

void deploying() {
#include "deploying/cpp.inc"
  expect(images.dim(0) == 16, "16 images");
}

void training_loop() {
  const Digits digits = some_digits(128);
#include "training_loop/networks.inc"

#include "training_loop/loop.inc"

#include "training_loop/penalty.inc"
  expect(paid >= 0, "a penalty");
#include "training_loop/average.inc"

#include "training_loop/loss.inc"
  options.batch = 16;
  rival::AdversarialTrainer<> trainer(generator, discriminator, options);
  trainer.fit(digits.train(), {.epochs = 1, .steps = 2});
}

namespace scale {

#include "writing_a_layer/layer.inc"

#include "writing_a_layer/check.inc"

void run() {
  expect(worst_error(Scale<double>({.features = 3}), {2, 4, 5, 3}) < 1e-6, "right gradients");
#include "writing_a_layer/use.inc"

#include "writing_a_layer/known.inc"
  rival::Random one(1), other(1);
  const auto expected = generator.sample(2, one), got = again.sample(2, other);
  expect((got.array() == expected.array()).all(), "the same samples");
}

}  // namespace scale

}  // namespace

int main() {
  index::program();
  first_gan::program();
  own_pictures();
  conditional();
  saving();
  how_to();
  reading_the_curves();
  choosing_a_recipe();
  measuring_quality();
#ifdef WITH_SOUND_FILES
  sound_files();
#endif
  sound();
  text();
  clips();
  few_labels();
  deploying();
  training_loop();
  scale::run();
}

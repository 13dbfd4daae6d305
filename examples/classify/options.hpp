#pragma once
// The command line of classify.

#include <filesystem>
#include <string>

#include "common/training_options.hpp"
#include "rival/data/distortion.hpp"

struct Options : TrainingOptions {
  Options() : TrainingOptions("classify_out") {}

  std::filesystem::path data = RIVAL_MNIST_DIR;
  std::filesystem::path images, labels;            ///< in the place of `data`
  std::filesystem::path test_images, test_labels;  ///< empty: the last of `images` are held out
  bool transpose = false;
  long hold_out = 0;         ///< samples; 0: a sixth
  long size = 0;             ///< of a folder's pictures; 0: as they are
  std::string label_column;  ///< of its labels.csv; empty: the second
  long epochs = 16;
  long steps = 0;  ///< 0: all of the epochs'
  long batch = 64;
  long width = 16;
  double learning_rate = 2e-3;
  double label_smoothing = 0.1;
  rival::DistortionOptions distortion{
      .shift = 2, .rotate = 15, .scale = 1.15, .stretch = 1.12, .elastic = 1.2};  ///< of pictures

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    TrainingOptions::each(o, fixed, free);
    fixed("--transpose", o.transpose);
    fixed("--hold-out", o.hold_out);
    fixed("--size", o.size);
    fixed("--label-column", o.label_column);
    fixed("--epochs", o.epochs);
    fixed("--steps", o.steps);
    fixed("--batch", o.batch);
    fixed("--width", o.width);
    fixed("--learning-rate", o.learning_rate);
    fixed("--label-smoothing", o.label_smoothing);
    fixed("--shift", o.distortion.shift);
    fixed("--rotate", o.distortion.rotate);
    fixed("--scale", o.distortion.scale);
    fixed("--stretch", o.distortion.stretch);
    fixed("--elastic", o.distortion.elastic);
    fixed("--flip", o.distortion.flip);
    fixed("--noise", o.distortion.noise);
    // Where the samples lie; that they are the same ones is known by their fingerprint.
    free("--data", o.data);
    free("--images", o.images);
    free("--labels", o.labels);
    free("--test-images", o.test_images);
    free("--test-labels", o.test_labels);
  }
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);

#pragma once
// The pictures that mnist_gan trains on.

#include "options.hpp"
#include "rival/data/mnist.hpp"

/// The training part of the folder --data, or the files of --images and --labels.
rival::LabelledImages read_data(const Options& options);

/// What --evaluate-every asks for, with the bundled classifier where the bundled digits are trained on. Throws
/// rival::Error for other pictures without a --classifier.
EvaluateOptions evaluation_of(const Options& options);

#pragma once
// The pictures that mnist_gan trains on.

#include "options.hpp"
#include "rival/data/mnist.hpp"

/// The training part of the folder --data, or the files of --images and --labels.
rival::LabelledImages read_data(const Options& options);

#pragma once
// What every program does that trains a GAN on pictures, from the trainer to the last file.

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/checkpoints.hpp"
#include "common/picture_options.hpp"
#include "common/run_program.hpp"
#include "common/settings.hpp"
#include "rival/data/dataset.hpp"
#include "rival/gan/recipes/recipe.hpp"

/// A training of a recipe on pictures, and how its program goes about it.
struct PictureTraining {
  const char* program;
  const PictureOptions& options;  ///< with all that was left open decided
  Settings settings;              ///< of all options, for the report
  Settings asked;                 ///< as a checkpoint is to have them
  const Checkpoints& checkpoints;
  const rival::Dataset& images;
  std::filesystem::path source;  ///< of the pictures
  rival::Recipe<>& recipe;
  std::vector<std::string> class_names;    ///< of the pictures' classes
  long label = -1;                         ///< the class to sample; -1: all
  std::string heading;                     ///< of summary.txt: what is trained
  std::vector<std::string> words = {};     ///< to be said before the training
  std::set<std::string_view> unused = {};  ///< options that have no part in it
  double seconds = 0;                      ///< after which the training ends, wherever it is; 0: at its last step
};

/// Trains, and writes all files. Returns the program's exit code.
int train_pictures(const PictureTraining& training);

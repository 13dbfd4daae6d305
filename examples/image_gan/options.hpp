#pragma once
// The command line of image_gan.

#include <filesystem>
#include <string>

#include "common/picture_options.hpp"

struct Options : PictureOptions {
  Options() : PictureOptions("image_gan_out") {}

  std::filesystem::path data;    ///< a folder of pictures, an .npy or IDX file
  std::filesystem::path labels;  ///< of such a file
  bool transpose = false;
  long size = 0;      ///< 28, 32 or 64; 0: chosen
  long channels = 0;  ///< 1 or 3; 0: as the pictures are
  bool pad = false;   ///< all of a picture that is no square, in the place of its middle
  bool flip = false;  ///< every picture mirrored, too
  std::string label_column;
  std::filesystem::path cache = default_cache();  ///< empty: none
  std::string recipe = "rpgan";
  long width = 0;       ///< 0: the recipe's
  double minutes = 10;  ///< that the training is to take, where no steps are given
  std::string augment = "auto";

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    PictureOptions::each(o, fixed, free);
    fixed("--transpose", o.transpose);
    fixed("--size", o.size);
    fixed("--channels", o.channels);
    fixed("--pad", o.pad);
    fixed("--flip", o.flip);
    fixed("--label-column", o.label_column);
    fixed("--recipe", o.recipe);
    fixed("--width", o.width);
    fixed("--augment", o.augment);
    free("--minutes", o.minutes);
    // Where the pictures lie; that they are the same ones is known by their fingerprint.
    free("PICTURES", o.data);
    free("--labels", o.labels);
    free("--cache", o.cache);
  }

  /// Where programs keep what can be made again: rival in $XDG_CACHE_HOME, or in .cache in the home folder.
  static std::filesystem::path default_cache();
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);

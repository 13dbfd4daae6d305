#include "options.hpp"

#include <cstdlib>

#include "common/command_line.hpp"
#include "common/time_budget.hpp"
#include "rival/gan/image_networks.hpp"

std::filesystem::path Options::default_cache() {
  if (const char* folder = std::getenv("XDG_CACHE_HOME"); folder != nullptr && *folder != '\0')
    return std::filesystem::path(folder) / "rival";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return std::filesystem::path(home) / ".cache" / "rival";
  return {};
}

bool parse(int argc, char** argv, Options& o) {
  Arguments app("Trains a GAN on your own pictures, grey or in colour, and writes pictures like them.");
  auto* data =
      app.add_option("PICTURES", o.data,
                     "a folder of pictures (PNG, JPEG, BMP, GIF, WebP), whose sub-folders are classes unless a "
                     "labels.csv in it says what they show; or an .npy or IDX file");
  app.add_option("--labels", o.labels, "an .npy or IDX file: the labels of PICTURES, if that is a file");
  app.add_flag("--transpose", o.transpose, "swap height and width, as EMNIST's IDX files need it");
  add_number(app, "--size", o.size,
             "pictures become squares of 28, 32 or 64 pixels; if not given as they are, or 32 where they are of other "
             "sizes");
  add_number(app, "--channels", o.channels, "1: grey, 3: colour; if not given as the pictures are");
  app.add_flag("--pad", o.pad, "of a picture that is no square take all, over white, and not the middle alone");
  app.add_flag("--flip", o.flip, "train on every picture's mirror image, too");
  app.add_option("--label-column", o.label_column, "the column of labels.csv that holds the classes; the second");
  app.add_option("--cache", o.cache, "folder where a folder's pictures are kept for the next start; \"\": none")
      ->capture_default_str();
  app.add_option(
         "--recipe", o.recipe,
         "what to train, and how: rpgan, made for a CPU and some minutes, or a paper's settings: gan, dcgan, "
         "lsgan, wgan, wgan-gp, sngan, dragan, r3gan, and for pictures with classes cgan, acgan, projection; or "
         "infogan")
      ->capture_default_str();
  add_number(app, "--width", o.width, "channels of the generator's layer next to the image; the recipe's if not given");
  add_minutes(app, o.minutes);
  app.add_option("--augment", o.augment,
                 "on, off or auto: show the discriminator shifted, partly covered, brighter and darker pictures, "
                 "so that it does not learn them by heart; auto: for fewer than 10,000 pictures")
      ->capture_default_str();
  add_picture_options(app, o);
  app.footer("./scripts/image_gan --demo, in the place of PICTURES: 10,000 avatars, which it draws first.");
  if (!parse_training_arguments(app, argc, argv, o)) return false;

  using rival::require;
  check_picture_options(o);
  const auto given = [&](const char* name) { return o.given.count(name) > 0; };
  require(data->count() > 0 || o.checkpoints.resume,
          "expected a folder of pictures, or an .npy or IDX file (--help says more)");
  require(!given("--size") || rival::is_image_size(o.size), "--size: expected 28, 32 or 64, got ", o.size);
  require(!given("--channels") || o.channels == 1 || o.channels == 3, "--channels: expected 1 or 3, got ", o.channels);
  require(!given("--width") || (o.width >= 1 && o.width <= 4096), "--width: expected 1 to 4096, got ", o.width);
  check_minutes(o, o.minutes);
  require(o.augment == "on" || o.augment == "off" || o.augment == "auto", "--augment: expected on, off or auto, got ",
          o.augment);
  return true;
}

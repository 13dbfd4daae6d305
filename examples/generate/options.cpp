#include "options.hpp"

#include "common/command_line.hpp"
#include "export.hpp"

bool parse(int argc, char** argv, Options& o) {
  Arguments app("Samples a trained generator, such as the generator.safetensors that a run of mnist_gan leaves.");
  std::string label;
  double truncation = 0, temperature = 0;
  app.add_option("FILE,--weights", o.weights, "the generator's safetensors file")->required();
  auto* count = add_number(app, "--count", o.count, "samples; with --walk, the latent vectors that it passes")
                    ->capture_default_str();
  auto* one_class = app.add_option("--label", label,
                                   "sample this class alone, as the training data call it; without, sample i is of "
                                   "class i modulo their number");
  auto* seed = add_number(app, "--seed", o.seed, "the same seed gives the same samples")->capture_default_str();
  auto* truncated = add_number(app, "--truncation", truncation,
                               "draw numbers of a latent vector that are beyond this threshold again: fewer kinds of "
                               "samples, and better ones; 2 changes little, 0.5 much");
  auto* discriminator = app.add_option("--discriminator", o.discriminator,
                                       "the discriminator's safetensors file, of the same run: it chooses samples");
  add_number(
      app, "--best-of", o.best_of,
      "with --discriminator: draw each sample so often, and keep the one that it scores highest: better ones, and "
      "somewhat fewer kinds")
      ->needs(discriminator)
      ->capture_default_str();
  auto* threads = add_number(app, "--threads", o.threads, "threads to use; as many as there are cores if not given");
  app.add_option("--grid", o.grid, "a PNG file: the images side by side, a clip a row, or the points in the plane");
  app.add_option("--npy", o.npy, "a NumPy file: the samples as float32");
  app.add_option("--walk", o.walk, "an animated GIF: from latent vector to latent vector and back to the first");
  app.add_option("--gif", o.gif, "an animated GIF: the clips of a generator of clips, side by side");
  app.add_option("--wav", o.wav, "a WAV file: the sounds of a generator of sounds, one after the other");
  auto* text = app.add_option("--text", o.text, "a text file: the samples as lines, of a generator of text");
  auto* warm =
      add_number(app, "--temperature", temperature,
                 "with --text: draw each symbol by its probability to the power of 1 / temperature; without, the "
                 "most likely ones")
          ->needs(text);
  app.add_option("--export", o.to_export, "the network for other programs: a file that ends in " + export_formats());
  if (!parse_arguments(app, argc, argv)) return false;
  if (one_class->count() > 0) o.label = label;
  if (truncated->count() > 0) o.truncation = truncation;

  if (warm->count() > 0) o.temperature = temperature;

  using rival::require;
  require(!o.temperature || (*o.temperature >= 0.01 && *o.temperature <= 100),
          "--temperature: expected 0.01 to 100, got ", temperature);
  require(o.count >= 1, "--count: expected at least 1, got ", o.count);
  require(o.best_of >= 1 && o.best_of <= 1000, "--best-of: expected 1 to 1000, got ", o.best_of);
  require(!o.truncation || *o.truncation >= 0.01, "--truncation: expected at least 0.01, got ", truncation);
  require(threads->count() == 0 || o.threads >= 1, "--threads: expected at least 1, got ", o.threads);
  require(o.walk.empty() || (o.count >= 2 && o.count <= 1000),
          "--walk: expected a --count of 2 to 1000 latent vectors, got ", o.count);
  const auto expect_ending = [](const char* option, const std::filesystem::path& file, const char* ending) {
    require(file.empty() || file.extension() == ending, option, ": expected a file that ends in ", ending, ", got ",
            file);
  };
  expect_ending("--grid", o.grid, ".png");
  expect_ending("--npy", o.npy, ".npy");
  expect_ending("--walk", o.walk, ".gif");
  expect_ending("--gif", o.gif, ".gif");
  expect_ending("--wav", o.wav, ".wav");
  if (!o.to_export.empty()) require_export_format(o.to_export);
  const bool samples =
      !o.grid.empty() || !o.npy.empty() || !o.walk.empty() || !o.gif.empty() || !o.wav.empty() || !o.text.empty();
  require(samples || !o.to_export.empty(),
          "expected something to write: --grid, --npy, --walk, --gif, --wav, --text or --export");
  if (!samples)
    for (const auto* option : {count, one_class, seed, truncated, discriminator})
      require(option->count() == 0, option->get_name(),
              ": expected --grid, --npy, --walk, --gif, --wav or --text beside it");
  return true;
}

#include "options.hpp"

#include <sstream>
#include <string>

#include "common/command_line.hpp"

bool parse(int argc, char** argv, Options& o) {
  Arguments app(
      "Says how good samples are, whoever made them: distances to real ones, precision and recall, classes, each "
      "beside "
      "its floor, which is what as many real samples get.");
  app.add_option(
         "SAMPLES", o.samples,
         "an .npy file (bytes or floats, N x H x W, N x H x W x C, N x D), an IDX file, a folder of pictures, or a "
         "generator's .safetensors file, which is sampled")
      ->required();
  auto* classes = app.add_option("--classes", o.classes, "an .npy file: the class that each sample was made for");
  auto* real = app.add_option("--real", o.real,
                              "what to compare with: a folder of MNIST's kind or of pictures, an .npy or IDX file")
                   ->capture_default_str();
  auto* labels =
      app.add_option("--labels", o.labels, "the labels of the file --real, a file of the same kind")->needs(real);
  app.add_flag("--transpose", o.transpose, "swap height and width of the IDX file --real, as EMNIST's files need it")
      ->needs(real);
  app.add_option(
      "--classifier", o.classifier,
      "a classifier of such samples, as ./scripts/classify makes one. Without, the bundled one for the bundled "
      "digits; for other data the patches alone");
  std::string modes;
  auto* counted = app.add_option(
      "--modes", modes,
      "classifiers, with commas between: in the place of the table, count how many of the kinds that they tell apart "
      "together the samples show, and how their shares differ from the law of --real, where what each classifier tells "
      "is taken as independent of the others");
  auto* size = add_number(app, "--size", o.size, "pictures of folders become squares of so many pixels");
  app.add_flag("--accuracy", o.accuracy,
               "also train a classifier on the samples, and one on real ones, and say how much either knows of others: "
               "for samples whose classes are known, and labelled data; a minute or two");
  add_number(app, "--count", o.count, "samples to compare; fewer if there are fewer, or not twice as many real ones")
      ->capture_default_str();
  add_number(app, "--seed", o.seed, "draws the real samples, and those of a generator")->capture_default_str();
  auto* threads = add_number(app, "--threads", o.threads, "threads to use; as many as there are cores if not given");
  app.add_option("--csv", o.csv, "a file for the table, beside printing it");
  if (!parse_arguments(app, argc, argv)) return false;

  std::istringstream files(modes);
  for (std::string file; std::getline(files, file, ',');) o.modes.emplace_back(file);

  using rival::require;
  require(counted->count() == 0 || (!o.modes.empty() && o.classifier.empty() && !o.accuracy),
          "--modes: expected classifiers, and neither --classifier nor --accuracy beside them");
  require(o.count >= 10, "--count: expected at least 10, got ", o.count);
  require(threads->count() == 0 || o.threads >= 1, "--threads: expected at least 1, got ", o.threads);
  require(size->count() == 0 || o.size >= 1, "--size: expected at least 1, got ", o.size);
  require(labels->count() == 0 || !std::filesystem::is_directory(o.real),
          "--labels: expected a file as --real; a folder's labels are found by name");
  require(!o.transpose || !std::filesystem::is_directory(o.real), "--transpose: expected an IDX file as --real");
  require(classes->count() == 0 || o.samples.extension() != ".safetensors",
          "--classes: expected samples in a file; a generator is asked for its classes in turn");
  require(classes->count() == 0 || !std::filesystem::is_directory(o.samples),
          "--classes: expected samples in a file; a folder's classes are its sub-folders, or in its labels.csv");
  require(size->count() == 0 || std::filesystem::is_directory(o.real) || std::filesystem::is_directory(o.samples),
          "--size: expected a folder of pictures");
  return true;
}

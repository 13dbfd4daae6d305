// Runs the example as a user does, on the file that a training example left.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/data/alphabet.hpp"
#include "rival/data/tokens.hpp"
#include "rival/gan/best_latents.hpp"
#include "rival/image/png.hpp"
#include "rival/io/npy.hpp"
#include "rival/io/npz.hpp"
#include "rival/io/onnx_export.hpp"
#include "rival/io/sampler.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/softmax.hpp"
#include "run_program.hpp"
#include "small_digits.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using rival::Index;
using rival_test::Arguments;
using rival_test::content;
using rival_test::lines;
using rival_test::quick;
using rival_test::quoted;
using rival_test::read_bytes;
using rival_test::SmallData;
using rival_test::TemporaryFolder;

namespace {

rival_test::Run run(const Arguments& arguments) { return rival_test::run(RIVAL_GENERATE_BINARY, arguments); }

/// Runs it in a good case.
void generate(const std::filesystem::path& weights, Arguments more) {
  more.insert(more.end(), {"--weights", weights.string()});
  const auto result = run(more);
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());
}

/// A generator of 4 x 5 images from vectors of 6 numbers, told of so many classes.
rival::Generator<> small_generator(Index channels, Index classes = 0) {
  rival::Sequential<> layers;
  if (classes > 0) layers.add(rival::Embedding<>({.classes = classes, .one_hot = true}));
  layers.add(rival::Dense<>({.in = 6 + classes, .out = 20 * channels}));
  layers.add(rival::Reshape<>({4, 5, channels}));
  layers.add(rival::Tanh<>());
  rival::Generator<> generator(6, std::move(layers));
  generator.initialise(rival::glorot<>(), rival::Random(4));
  return generator;
}

/// The npy file of these samples.
std::string as_npy(const rival::Tensor<float>& samples) {
  const TemporaryFolder folder;
  rival::write_npy(folder / "samples.npy", samples);
  return read_bytes(folder / "samples.npy");
}

/// Width and height of a PNG file.
std::pair<int, int> size_of_png(const std::string& bytes) {
  REQUIRE(bytes.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  const auto number = [&](std::size_t at) {
    int value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  };
  return {number(16), number(20)};
}

/// How many frames a GIF file has, and its width and height.
std::vector<int> frames_and_size_of_gif(const std::string& bytes) {
  REQUIRE(bytes.substr(0, 6) == "GIF89a");
  REQUIRE(bytes.back() == ';');
  int frames = 0;  // each has a graphic control extension in front
  for (std::size_t at = 0; (at = bytes.find("\x21\xF9\x04", at)) != std::string::npos; ++at) ++frames;
  const auto number = [&](std::size_t at) {
    return static_cast<unsigned char>(bytes[at]) | static_cast<unsigned char>(bytes[at + 1]) << 8;
  };
  return {frames, number(6), number(8)};
}

}  // namespace

TEST_CASE("generate: sounds one after the other, and clips that move") {
  const TemporaryFolder folder;
  const auto weights = folder / "generator.safetensors";
  const std::string wav = (folder / "sounds.wav").string(), gif = (folder / "clips.gif").string(),
                    png = (folder / "clips.png").string();
  const auto refuse = [&](Arguments arguments, const std::string& expected) {
    arguments.insert(arguments.begin(), weights.string());  // without --weights
    const auto result = run(arguments);
    CHECK(result.code == 2);
    CHECK_THAT(result.err, ContainsSubstring(expected));
  };
  rival::Generator<> sound(
      4, rival::Sequential<>(rival::Dense<>({.in = 4, .out = 256}), rival::Reshape<>({256, 1}), rival::Tanh<>()));
  sound.initialise(rival::glorot<>(), rival::Random(2));
  rival::save(sound, {.rate = 8000}, weights);
  CHECK(rival::load_sampler(weights).sampling().rate == 8000);
#ifdef RIVAL_SOUND_GAN_BINARY  // where there is a library of sound files
  generate(weights, {"--wav", wav, "--count", "3", "--seed", "5"});
  CHECK(std::filesystem::file_size(wav) == 44 + 2 * (3 * 256 + 2 * 800));
#endif
  refuse({"--gif", gif}, "--gif: expected a generator of clips in grey or colour; this one gives 256x1");
  rival::save(sound, rival::Sampling{}, weights);
  refuse({"--wav", wav}, "--wav: expected a generator of sounds, whose file has a rate; this one gives 256x1");

  rival::Generator<> clip(4, rival::Sequential<>(rival::Dense<>({.in = 4, .out = 3 * 8 * 8}),
                                                 rival::Reshape<>({3, 8, 8, 1}), rival::Tanh<>()));
  clip.initialise(rival::glorot<>(), rival::Random(2));
  rival::save(clip, rival::Sampling{}, weights);
  generate(weights, {"--gif", gif, "--grid", png, "--count", "5"});
  CHECK(frames_and_size_of_gif(read_bytes(gif))[0] == 3);
  CHECK(std::filesystem::file_size(png) > 0);
  refuse({"--walk", gif}, "--walk: expected a generator of images in grey or colour; this one gives 3x8x8x1");
}

TEST_CASE("generate: lines of text, the most likely ones or drawn") {
  const TemporaryFolder folder;
  rival::Generator<> text(4, rival::Sequential<>(rival::Dense<>({.in = 4, .out = 12}), rival::Reshape<>({4, 3}),
                                                 rival::Softmax<>({.gumbel = true, .straight_through = true})));
  text.initialise(rival::glorot<>(), rival::Random(2));
  const auto weights = folder / "generator.safetensors";
  rival::save(text, {.alphabet = "a\u00e9"}, weights);
  generate(weights, {"--text", (folder / "lines.txt").string(), "--count", "20", "--seed", "5"});
  rival::Random random(5);
  const auto samples = text.sample(20, random);
  const auto written = lines(read_bytes(folder / "lines.txt"));
  REQUIRE(written.size() == 20);
  const rival::Alphabet alphabet("a\u00e9");
  const rival::Tokens tokens = rival::tokens_of(samples);
  for (Index i = 0; i < 20; ++i) CHECK(written[static_cast<std::size_t>(i)] == alphabet.text(tokens.line(i)));

  // Nearly cold the draws are the most likely ones, but where two are about as likely; warm they are not.
  const auto as_written = [&](const char* temperature) {
    generate(weights,
             {"--text", (folder / "drawn.txt").string(), "--count", "20", "--seed", "5", "--temperature", temperature});
    const auto drawn = lines(read_bytes(folder / "drawn.txt"));
    REQUIRE(drawn.size() == 20);
    int equal = 0;
    for (std::size_t i = 0; i < 20; ++i) equal += drawn[i] == written[i];
    return equal;
  };
  CHECK(as_written("0.01") >= 15);
  CHECK(as_written("1") <= 10);
  const auto refuse_text = [&](const Arguments& arguments, const std::string& expected) {
    const auto result = run(arguments);
    CHECK(result.code == 2);
    CHECK_THAT(result.err, ContainsSubstring(expected));
  };
  const std::string to = (folder / "none.txt").string();
  refuse_text({"--weights", weights.string(), "--text", to, "--temperature", "0"},
              "--temperature: expected 0.01 to 100, got 0");
  rival::save(text, rival::Sampling{}, weights);
  refuse_text({"--weights", weights.string(), "--text", to},
              "--text: expected a generator of text, whose file has an alphabet; this one gives 4x3");
}

TEST_CASE("generate: equal seeds give what the library gives in process, byte for byte") {
  const SmallData data;
  const TemporaryFolder folder;
  for (const std::string recipe : {"rpgan", "cgan", "infogan"}) {
    INFO(recipe);
    const auto out = folder / recipe;
    const auto trained =
        rival_test::run(RIVAL_MNIST_GAN_BINARY, {"--recipe", recipe, "--data", data.path().string(), "--out",
                                                 out.string(), "--steps", "2", "--batch", "20", "--quiet"});
    REQUIRE(trained.code == 0);
    const auto weights = out / "generator.safetensors";
    const auto generator = rival::load_generator(weights);
    for (const std::string threads : {"1", "2"}) {
      const auto npy = folder / "samples.npy";
      generate(weights, {"--count", "23", "--seed", "12345678901", "--npy", npy.string(), "--threads", threads});
      rival::Random random(12345678901);
      rival::Tensor<float> samples;
      if (recipe == "rpgan") {
        samples = generator.sample(23, random);
      } else {
        rival::Tensor<float> latents({23, generator.latent()});
        rival::LatentLaw<>(recipe == "infogan" ? 2 : 0)(latents, random);
        std::vector<rival::Label> labels(23);
        // The stripes of the data are all of class 0; InfoGAN draws ten classes itself, for want of others.
        const Index classes = recipe == "infogan" ? rival::load_sampler(weights).classes() : 1;
        for (std::size_t i = 0; i < labels.size(); ++i)
          labels[i] = static_cast<rival::Label>(static_cast<Index>(i) % classes);
        samples = generator.sample(latents, labels);
      }
      CHECK((read_bytes(npy) == as_npy(samples)));
    }
  }
}

TEST_CASE("generate: with --discriminator each sample is the best one of its tries") {
  const SmallData data;
  const TemporaryFolder folder;
  const auto out = folder / "out", npy = folder / "samples.npy";
  const auto trained = rival_test::run(
      RIVAL_MNIST_GAN_BINARY, {"--recipe", "cgan", "--data", data.path().string(), "--out", out.string(), "--steps",
                               "2", "--batch", "20", "--best-of", "2", "--quiet"});
  REQUIRE(trained.code == 0);
  const auto weights = out / "generator.safetensors", judge = out / "discriminator.safetensors";
  const auto generator = rival::load_generator(weights);
  for (const Index tries : {1, 3, 4}) {
    Arguments more{"--count", "7", "--seed", "9", "--npy", npy.string(), "--discriminator", judge.string()};
    if (tries != 3) more.insert(more.end(), {"--best-of", std::to_string(tries)});  // which it is by itself
    generate(weights, more);
    rival::Random random(9);
    rival::Tensor<float> candidates({7 * tries, generator.latent()});
    random.fill_normal(candidates);
    const std::vector<rival::Label> labels(7, 0);
    const auto best =
        rival::best_latents(generator, rival::load_discriminator(judge), candidates, tries, rival::Labels(labels));
    CHECK((read_bytes(npy) == as_npy(generator.sample(best, labels))));
  }
}

TEST_CASE("generate: --label, --truncation and the class of each sample") {
  const TemporaryFolder folder;
  const auto weights = folder / "generator.safetensors", npy = folder / "samples.npy";
  const rival::Sampler<> sampler(small_generator(1, 3), {.uniform = 2, .class_names = {"7", "8", "dog"}});
  save(sampler.generator(), sampler.sampling(), weights);
  const auto expected = [&](const std::vector<rival::Label>& labels, std::optional<double> truncation = {}) {
    rival::Random random(3);
    return as_npy(sampler.sample(static_cast<Index>(labels.size()), random, labels, truncation));
  };
  generate(weights, {"--count", "5", "--seed", "3", "--npy", npy.string()});
  CHECK((read_bytes(npy) == expected({0, 1, 2, 0, 1})));
  generate(weights, {"--count", "2", "--seed", "3", "--label", "dog", "--npy", npy.string()});
  CHECK((read_bytes(npy) == expected({2, 2})));
  generate(weights, {"--count", "4", "--seed", "3", "--truncation", "0.3", "--npy", npy.string()});
  CHECK((read_bytes(npy) == expected({0, 1, 2, 0}, 0.3)));
  CHECK((read_bytes(npy) != expected({0, 1, 2, 0})));
}

TEST_CASE("generate: grids and walks, grey and in colour") {
  const TemporaryFolder folder;
  const auto weights = folder / "generator.safetensors", png = folder / "grid.png", gif = folder / "walk.gif";
  for (const Index channels : {1, 3}) {
    INFO(channels << " channels");
    save(small_generator(channels), rival::Sampling{}, weights);
    generate(weights, {"--count", "7", "--seed", "5", "--grid", png.string(), "--walk", gif.string()});
    rival::Random random(5);
    const auto image = rival::grid(small_generator(channels).sample(7, random), {.scale = 16});
    rival::write_png(folder / "expected.png", image);
    CHECK((read_bytes(png) == read_bytes(folder / "expected.png")));
    CHECK((size_of_png(read_bytes(png)) == std::pair<int, int>(2 + 3 * 82, 2 + 3 * 66)));
    CHECK((frames_and_size_of_gif(read_bytes(gif)) == std::vector<int>{7 * 16, 2 + 162, 2 + 130}));
  }
  // Of a conditional generator an image a class, or the one that is asked for.
  save(small_generator(1, 3), rival::Sampling{}, weights);
  generate(weights, {"--count", "2", "--walk", gif.string()});
  CHECK((frames_and_size_of_gif(read_bytes(gif)) == std::vector<int>{32, 2 + 3 * 82, 2 + 66}));
  generate(weights, {"--count", "2", "--label", "1", "--walk", gif.string()});
  CHECK((frames_and_size_of_gif(read_bytes(gif)) == std::vector<int>{32, 2 + 162, 2 + 130}));
}

TEST_CASE("generate: points in the plane are those that toy_2d gives") {
  const TemporaryFolder folder;
  REQUIRE(rival_test::run(RIVAL_TOY_2D_BINARY,
                          {"--problem", "grid", "--steps", "20", "--quiet", "--out", (folder / "toy").string()})
              .code == 0);
  const auto weights = folder / "toy/generator.safetensors", npy = folder / "points.npy", png = folder / "points.png";
  generate(weights, {"--count", "50", "--npy", npy.string(), "--grid", png.string()});
  CHECK((size_of_png(read_bytes(png)) == std::pair<int, int>(480, 480)));
  const auto points = rival::read_npy<float>(npy);
  CHECK(points.shape() == rival::Shape{50, 2});

  // samples.csv has the points of its own latent vectors, whose stream is Random(1).stream("samples").
  rival::Random random = rival::Random(1).stream("samples");
  const auto own = rival::load_generator(weights).sample(2500, random);
  const auto rows = lines(read_bytes(folder / "toy/samples.csv"));
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const Index row = static_cast<Index>(i - 1);
    const double x = std::stod(rows[i]), y = std::stod(rows[i].substr(rows[i].find(',') + 1));
    // The unit is multiplied into the weights here, and into the samples there: a rounding apart of numbers that are
    // sums of 128 products.
    CHECK(x == Catch::Approx(static_cast<double>(own(row, 0))).epsilon(1e-5).margin(1e-5));
    CHECK(y == Catch::Approx(static_cast<double>(own(row, 1))).epsilon(1e-5).margin(1e-5));
  }
}

TEST_CASE("generate: exports are what the library writes") {
  const TemporaryFolder folder;
  const auto weights = folder / "generator.safetensors", expected = folder / "expected.onnx";
  const auto generator = small_generator(3, 2);
  save(generator, rival::Sampling{.uniform = 1, .class_names = {"a", "b"}}, weights);
  const auto written = [&](const std::string& ending) {
    const auto file = folder / ("export" + ending);
    generate(weights, {"--export", file.string()});
    return file;
  };
  CHECK((read_bytes(written(".safetensors")) == read_bytes(weights)));
  rival::save_onnx(generator, expected);
  CHECK((read_bytes(written(".onnx")) == read_bytes(expected)));

  const auto arrays = rival::read_npz(written(".npz"));
  const auto tensors = rival::Safetensors::read(weights);
  CHECK(arrays.size() == tensors.names().size());
  for (const auto& [name, array] : arrays) {
    const auto values = tensors.tensor<float>(name);
    const auto& got = std::get<rival::Tensor<float>>(array);
    CHECK(got.shape() == values.shape());
    CHECK(std::equal(got.data(), got.data() + got.size(), values.data()));
  }
}

TEST_CASE("generate: refuses what does not go together, by name, and writes nothing") {
  const TemporaryFolder folder, out;
  const auto images = folder / "images.safetensors", classes = folder / "classes.safetensors",
             vectors = folder / "vectors.safetensors", points = folder / "points.safetensors",
             uniform = folder / "uniform.safetensors";
  save(small_generator(1), rival::Sampling{}, images);
  save(small_generator(1, 2), rival::Sampling{.class_names = {"4", "9"}}, classes);
  save(small_generator(1), rival::Sampling{.uniform = 6}, uniform);
  for (const Index size : {2, 5}) {
    rival::Generator<> generator(3, rival::Sequential<>(rival::Dense<>({.in = 3, .out = size})));
    save(generator, rival::Sampling{}, size == 2 ? points : vectors);
  }
  folder.write("text.safetensors", "no generator");
  const std::string png = (out / "a.png").string(), npy = (out / "a.npy").string(), gif = (out / "a.gif").string();

  const auto refuse = [&](const std::filesystem::path& weights, Arguments more, const std::string& expected) {
    more.insert(more.end(), {"--weights", weights.string()});
    const auto result = run(more);
    INFO(result.err);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    REQUIRE(lines(result.err).size() == 1);
    CHECK(result.err.find("generate: ") == 0);
    CHECK_THAT(result.err, ContainsSubstring(expected));
    CHECK(out.count() == 0);
  };
  refuse(images, {}, "expected something to write: --grid, --npy, --walk, --gif, --wav, --text or --export");
  refuse(images, {"--count", "0", "--npy", npy}, "--count: expected at least 1, got 0");
  refuse(images, {"--count", "many", "--npy", npy}, "--count: expected a whole number, got many");
  refuse(images, {"--seed", "-1", "--npy", npy}, "--seed: expected a whole number >= 0, got -1");
  refuse(images, {"--threads", "0", "--npy", npy}, "--threads: expected at least 1, got 0");
  for (const std::string bad : {"0", "-1", "nan"})
    refuse(images, {"--truncation", bad, "--npy", npy}, "--truncation: expected at least 0.01, got " + bad);
  refuse(images, {"--grid", npy}, "--grid: expected a file that ends in .png, got " + quoted(out / "a.npy"));
  refuse(images, {"--npy", png}, "--npy: expected a file that ends in .npy, got " + quoted(out / "a.png"));
  refuse(images, {"--walk", png, "--npy", npy},
         "--walk: expected a file that ends in .gif, got " + quoted(out / "a.png"));
  refuse(images, {"--export", png, "--npy", npy},
         "--export: expected a file that ends in .npz or .onnx or .safetensors, got " + quoted(out / "a.png"));
  for (const std::string count : {"1", "1001"})
    refuse(images, {"--count", count, "--walk", gif},
           "--walk: expected a --count of 2 to 1000 latent vectors, got " + count);
  for (const std::string option : {"--count", "--label", "--seed", "--truncation"})
    refuse(images, {option, "2", "--export", (out / "b.safetensors").string()},
           option + ": expected --grid, --npy, --walk, --gif, --wav or --text beside it");
  refuse(images, {"--label", "4", "--npy", npy}, "--label: expected no class, as the generator takes none, got 4");
  refuse(classes, {"--label", "5", "--npy", npy}, "--label: expected one of the 2 classes 4, 9, got 5");
  refuse(vectors, {"--grid", png, "--npy", npy},
         "--grid: expected a generator of images or clips in grey or colour or of ");
  refuse(points, {"--walk", gif, "--npy", npy}, "--walk: expected a generator of images in grey or colour; this one");
  refuse(uniform, {"--truncation", "1", "--npy", npy}, "--truncation: expected a generator that takes normal numbers");
  refuse(folder / "none", {"--npy", npy}, "safetensors file " + quoted(folder / "none") + ": no such file");
  refuse(folder / "text.safetensors", {"--npy", npy}, "safetensors file " + quoted(folder / "text.safetensors") + ": ");
  refuse(images, {"--npy", (folder / "no/a.npy").string()}, "cannot write " + quoted(folder / "no/a.npy"));
  refuse(images, {"--count", "4611686018427387904", "--npy", npy}, "has more elements than an index can count");
}

TEST_CASE("generate: --help lists the options, --weights has to be there") {
  const auto help = run({"--help"});
  CHECK(help.code == 0);
  for (const std::string option : {"--weights", "--count", "--label", "--seed", "--truncation", "--threads", "--grid",
                                   "--npy", "--walk", "--export"})
    CHECK_THAT(help.out, ContainsSubstring(option));
  const auto none = run({"--npy", "a.npy"});
  CHECK(none.code == 2);
  CHECK(none.err == "generate: --weights is required\n");
}

// Runs evaluate as a user does, and mnist_gan where it evaluates while it trains.
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "rival/image/png.hpp"
#include "rival/io/network_file.hpp"
#include "rival/io/npy.hpp"
#include "rival/io/sampler.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/metrics/evaluation.hpp"
#include "run_program.hpp"
#include "small_digits.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using rival_test::Arguments;
using rival_test::content;
using rival_test::lines;
using rival_test::quick;
using rival_test::read_bytes;
using rival_test::SmallData;
using rival_test::TemporaryFolder;

namespace {

/// A classifier of images of this size as it was initialised, with eight features.
void write_classifier(const std::filesystem::path& file, rival::Index side) {
  rival::Classifier<> classifier({side, side, 1},
                                 rival::Sequential<>(rival::Flatten<>(), rival::Dense<>({.in = side * side, .out = 8}),
                                                     rival::ReLU<>(), rival::Dense<>({.in = 8, .out = 3})));
  classifier.initialise(rival::he<>(), rival::Random(2));
  rival::save(classifier, file);
}

rival::Tensor<float> noise(rival::Index count, std::uint64_t seed) {
  rival::Tensor<float> images({count, 8, 8, 1});
  rival::Random random(seed);
  random.fill_uniform(images, -1.0f, 1.0f);
  return images;
}

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> all(1);
  for (const char c : line)
    if (c == ',')
      all.emplace_back();
    else
      all.back() += c;
  return all;
}

struct Files : TemporaryFolder {
  Files() {
    rival::write_npy(*this / "real.npy", noise(200, 1));
    rival::write_npy(*this / "samples.npy", noise(60, 2));
    write_classifier(*this / "classifier.safetensors", 8);
  }
  Arguments arguments(const char* samples = "samples.npy") const {
    return {(*this / samples).string(), "--real", (*this / "real.npy").string(), "--classifier",
            (*this / "classifier.safetensors").string()};
  }
};

rival_test::Run evaluate(Arguments arguments, const Arguments& more = {}) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return rival_test::run(RIVAL_EVALUATE_BINARY, arguments);
}

TEST_CASE("evaluate: prints the table that the library gives") {
  const Files files;
  const auto result = evaluate(files.arguments(), {"--csv", (files / "table.csv").string()});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());

  const auto classifier = rival::load_classifier(files / "classifier.safetensors");
  const rival::Tensor<float> real = noise(200, 1);
  const rival::Dataset data({8, 8, 1}, std::vector<float>(real.data(), real.data() + real.size()));
  const auto table = rival::Evaluation<>(classifier, data, {.samples = 60})(noise(60, 2));
  CHECK_THAT(result.out, ContainsSubstring(rival::to_text(table)));

  const auto rows = lines(read_bytes(files / "table.csv"));
  REQUIRE(rows.size() == table.size() + 1);
  CHECK(rows[0] == "figure,value,spread,floor,floor_spread");
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto row = cells(rows[i + 1]);
    CHECK(row[0] == table[i].name);
    CHECK(std::stod(row[1]) == Approx(table[i].value).margin(1e-12));
    CHECK(std::stod(row[3]) == Approx(table[i].floor).margin(1e-12));
  }
}

TEST_CASE("evaluate: bytes, a generator, classes, no classifier") {
  const Files files;
  SECTION("bytes are what their floats are") {
    const rival::Tensor<float> floats = noise(60, 2);
    rival::Tensor<std::uint8_t> bytes({60, 8, 8});
    rival::Tensor<float> again(floats.shape());
    for (rival::Index i = 0; i < floats.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>((floats[i] + 1) * 127);
      again[i] = rival::from_byte<float>(bytes[i]);
    }
    rival::write_npy(files / "bytes.npy", bytes);
    rival::write_npy(files / "again.npy", again);
    auto of = [](const std::string& text) { return text.substr(text.find("figure")); };
    CHECK(of(evaluate(files.arguments("bytes.npy")).out) == of(evaluate(files.arguments("again.npy")).out));
  }
  SECTION("a generator is sampled") {
    rival::Generator<> generator(
        4, rival::Sequential<>(rival::Dense<>({.in = 4, .out = 64}), rival::Reshape<>({8, 8, 1}), rival::Tanh<>()));
    generator.initialise(rival::glorot<>(), rival::Random(4));
    rival::save(generator, files / "generator.safetensors");
    const auto result = evaluate(files.arguments("generator.safetensors"));
    INFO(result.err);
    CHECK(result.code == 0);
    CHECK_THAT(result.out, ContainsSubstring("100 samples of"));  // half of the real ones
  }
  SECTION("asked for classes") {
    rival::Tensor<std::int64_t> classes({60});
    for (rival::Index i = 0; i < 60; ++i) classes[i] = i % 3;
    rival::write_npy(files / "classes.npy", classes);
    const auto result = evaluate(files.arguments(), {"--classes", (files / "classes.npy").string()});
    CHECK_THAT(result.out, ContainsSubstring("agreement"));
  }
  SECTION("without a classifier") {
    const auto result = rival_test::run(RIVAL_EVALUATE_BINARY,
                                        {(files / "samples.npy").string(), "--real", (files / "real.npy").string()});
    CHECK(result.code == 0);
    CHECK_THAT(result.out, ContainsSubstring("patches_8x8") && ContainsSubstring("./scripts/classify") &&
                               !ContainsSubstring("frechet"));
  }
}

TEST_CASE("evaluate: folders of pictures, and how much a classifier learns from the samples") {
  const Files files;
  const auto write = [&](const char* name, std::uint64_t seed, int count) {
    rival::Random random(seed);
    for (int i = 0; i < count; ++i) {
      const auto kind = files / name / std::to_string(i % 3);
      std::filesystem::create_directories(kind);
      rival::Image image{9, 11, 3, {}};
      for (int k = 0; k < 9 * 11 * 3; ++k)
        image.bytes.push_back(static_cast<std::uint8_t>(80 * (i % 3) + static_cast<int>(60 * random.uniform())));
      rival::write_png(kind / (std::to_string(i) + ".png"), image);
    }
  };
  write("real", 1, 90);
  write("made", 2, 40);
  const Arguments arguments{(files / "made").string(), "--real", (files / "real").string(), "--size", "8"};
  const auto result = evaluate(arguments, {"--accuracy"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, ContainsSubstring("real: 90 pictures of 8x8, in colour, made from 9x11") &&
                             ContainsSubstring("made: 40 pictures of 8x8") && ContainsSubstring("40 samples of") &&
                             ContainsSubstring("\naccuracy "));
  CHECK(evaluate(arguments, {"--accuracy"}).out == result.out);
}

TEST_CASE("evaluate: --modes counts the kinds that several classifiers tell apart") {
  const TemporaryFolder files;
  // The sign of the first pixel, and that of the second.
  for (const rival::Index pixel : {0, 1}) {
    rival::Classifier<> sign({8, 8, 1}, rival::Sequential<>(rival::Flatten<>(), rival::Dense<>({.in = 64, .out = 2})));
    for (auto* parameter : sign.parameters()) parameter->value.array() = 0;
    sign.parameters()[0]->value(pixel, 1) = 1;
    rival::save(sign, files / ("sign" + std::to_string(pixel) + ".safetensors"));
  }
  auto real = noise(400, 1), made = noise(100, 2);
  for (rival::Index i = 0; i < 100; ++i) made[64 * i] = -1;  // one half of the kinds
  rival::write_npy(files / "real.npy", real);
  rival::write_npy(files / "made.npy", made);
  const auto signs = (files / "sign0.safetensors").string() + ',' + (files / "sign1.safetensors").string();
  const auto result =
      rival_test::run(RIVAL_EVALUATE_BINARY, {(files / "made.npy").string(), "--real", (files / "real.npy").string(),
                                              "--modes", signs, "--csv", (files / "table.csv").string()});
  CHECK(result.err.empty());
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, ContainsSubstring("100 samples of ") &&
                             ContainsSubstring(" show 2 of 4 kinds, KL to the law 0.") &&
                             ContainsSubstring("100 real ones of ") && ContainsSubstring(" show 4, KL 0.0"));
  const auto rows = lines(read_bytes(files / "table.csv"));
  REQUIRE(rows.size() == 3);
  CHECK(cells(rows[1])[0] == "modes");
  CHECK(cells(rows[1])[1] == "2");
  CHECK(cells(rows[1])[3] == "4");
  // Half of the kinds are missing: some ln 2.
  CHECK(std::stod(cells(rows[2])[1]) == Approx(std::log(2.0)).margin(0.1));

  const auto refused = rival_test::run(
      RIVAL_EVALUATE_BINARY,
      {(files / "made.npy").string(), "--real", (files / "real.npy").string(), "--modes", signs, "--accuracy"});
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, ContainsSubstring("--modes: expected classifiers, and neither --classifier nor --accuracy"));
}

TEST_CASE("evaluate: what it refuses") {
  const Files files;
  const auto says = [&](const Arguments& arguments, const std::string& text) {
    const auto result = rival_test::run(RIVAL_EVALUATE_BINARY, arguments);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    CHECK(lines(result.err).size() == 1);
    CHECK_THAT(result.err, ContainsSubstring(text));
  };
  const auto with = [&](const char* samples, const Arguments& more) {
    Arguments all = files.arguments(samples);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  says(with("missing.npy", {}), "missing.npy");
  says(with("classifier.safetensors", {}), "generator");
  says(with("samples.npy", {"--count", "9"}), "--count: expected at least 10");
  says(with("samples.npy", {"--classes", (files / "samples.npy").string()}), "expected labels");
  rival::write_npy(files / "few.npy", noise(5, 1));
  says(with("few.npy", {}), "expected at least 10 samples, got 5");
  rival::Tensor<float> wide({60, 9, 8, 1});
  rival::write_npy(files / "wide.npy", wide);
  says(with("wide.npy", {}), "--real: expected samples of 9x8x1 to compare those of ");
  says(with("generator.onnx", {}), "expected an .npy or IDX file, a folder of pictures or a .safetensors file, got ");
  says(with("samples.npy", {"--accuracy"}), "--accuracy: expected --real with labels");
  says(with("samples.npy", {"--size", "0"}), "--size: expected at least 1, got 0");
  says(with("samples.npy", {"--size", "8"}), "--size: expected a folder of pictures");
  says({files.path().string(), "--classes", (files / "samples.npy").string()},
       "--classes: expected samples in a file; a folder's classes");
  says({(files / "samples.npy").string(), "--real", files.path().string(), "--transpose"},
       "--transpose: expected an IDX file as --real");
}

TEST_CASE("mnist_gan: evaluates while it trains, and keeps the best generator") {
  const SmallData data;
  const TemporaryFolder folder;
  write_classifier(folder / "classifier.safetensors", 28);
  const Arguments every{"--evaluate-every", "2", "--classifier", (folder / "classifier.safetensors").string()};
  const auto arguments = [&](const char* out, Arguments more) {
    more.insert(more.end(), every.begin(), every.end());
    return quick(data.path(), folder / out, more);
  };
  const auto whole = rival_test::run(RIVAL_MNIST_GAN_BINARY, arguments("whole", {"--steps", "7", "--threads", "1"}));
  INFO(whole.err);
  REQUIRE(whole.code == 0);
  CHECK_THAT(whole.out, ContainsSubstring("frechet "));

  const auto files = content(folder / "whole");
  const auto rows = lines(files.at("losses.csv"));
  REQUIRE(rows.size() == 8);
  CHECK_THAT(rows[0], Catch::Matchers::EndsWith("frechet,precision,recall,density,coverage"));
  std::map<double, std::size_t> distances;
  for (std::size_t step = 1; step <= 7; ++step) {
    const auto row = cells(rows[step]);
    REQUIRE(row.size() == 14);
    CHECK(row[9].empty() == (step % 2 == 1 && step != 7));
    if (!row[9].empty()) distances[std::stod(row[9])] = step;
  }
  REQUIRE(distances.size() == 4);
  CHECK_THAT(files.at("summary.txt"), ContainsSubstring("at step " + std::to_string(distances.begin()->second) + ",") &&
                                          ContainsSubstring("4 evaluations took"));
  CHECK_THAT(files.at("report.html"), ContainsSubstring("Frechet distance"));
  rival::load_generator(folder / "whole/best.safetensors");
  if (distances.begin()->second == 7) CHECK(files.at("best.safetensors") == files.at("generator.safetensors"));

  SECTION("the training does not notice") {
    const auto result = rival_test::run(RIVAL_MNIST_GAN_BINARY,
                                        quick(data.path(), folder / "without", {"--steps", "7", "--threads", "1"}));
    REQUIRE(result.code == 0);
    CHECK(content(folder / "without").at("generator.safetensors") == files.at("generator.safetensors"));
    CHECK(content(folder / "without").count("best.safetensors") == 0);
  }
  SECTION("and goes on after a break as if there had been none") {
    REQUIRE(rival_test::run(RIVAL_MNIST_GAN_BINARY,
                            arguments("parts", {"--steps", "7", "--checkpoint-every", "3", "--keep", "9"}))
                .code == 0);
    std::filesystem::remove(folder / "parts/checkpoint-000007.safetensors");
    for (const auto& entry : std::filesystem::directory_iterator(folder / "parts"))
      if (entry.path().filename().string().find("checkpoint") == std::string::npos)
        std::filesystem::remove_all(entry.path());
    const auto result =
        rival_test::run(RIVAL_MNIST_GAN_BINARY, {"--resume", "--out", (folder / "parts").string(), "--quiet"});
    INFO(result.err);
    REQUIRE(result.code == 0);
    const auto again = content(folder / "parts");
    for (const char* name : {"losses.csv", "best.safetensors", "generator.safetensors"})
      CHECK(again.at(name) == files.at(name));
  }
}

TEST_CASE("mnist_gan: --evaluate-every is refused before anything is written") {
  const SmallData data;
  const TemporaryFolder folder;
  const auto result =
      rival_test::run(RIVAL_MNIST_GAN_BINARY, quick(data.path(), folder / "out", {"--evaluate-every", "2"}));
  CHECK(result.code == 2);
  CHECK_THAT(result.err, ContainsSubstring("./scripts/classify"));
  CHECK(!std::filesystem::exists(folder / "out"));
}

TEST_CASE("stacked_mnist: counts what it makes, and goes on after a break") {
  const TemporaryFolder folder;
  write_classifier(folder / "three.safetensors", 28);  // of three classes: a number of digits from 0 to 2
  const Arguments arguments{"--classifier",
                            (folder / "three.safetensors").string(),
                            "--steps",
                            "4",
                            "--batch",
                            "8",
                            "--width",
                            "4",
                            "--images",
                            "5000",
                            "--checkpoint-every",
                            "2",
                            "--keep",
                            "3"};
  const auto run = [&](const char* out, Arguments more) {
    more.insert(more.end(), {"--out", (folder / out).string()});
    const auto result = rival_test::run(RIVAL_STACKED_MNIST_BINARY, more);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result;
  };
  CHECK_THAT(run("whole", arguments).out,
             ContainsSubstring("of 1000 modes, KL ") && ContainsSubstring("of 26000 samples"));
  const auto files = content(folder / "whole");
  for (const char* name :
       {"generator.safetensors", "losses.csv", "progress.gif", "report.html", "samples.png", "summary.txt"})
    CHECK(files.count(name) == 1);
  CHECK_THAT(files.at("summary.txt"), ContainsSubstring("real images: "));

  std::filesystem::create_directories(folder / "parts");
  for (const auto& [name, bytes] : files)
    if (name.find("checkpoint") == 0 && name.find("2.safetensors") != std::string::npos)
      std::filesystem::copy(folder / "whole" / name, folder / "parts" / name);
  run("parts", {"--resume", "--quiet"});
  for (const char* name : {"generator.safetensors", "losses.csv", "samples.png"})
    CHECK(content(folder / "parts").at(name) == files.at(name));
}

}  // namespace

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
#include "catch.hpp"

#include "examples/run_program.hpp"
#include "rival/io/sampler.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/rival.h"
#include "temporary_folder.hpp"

using namespace rival;
using rival_test::quoted;
using rival_test::read_bytes;
using rival_test::TemporaryFolder;

namespace {

/// 8 x 6 images in colour of vectors of 5 numbers, told of so many classes.
Generator<> images(Index classes) {
  Sequential<> layers;
  if (classes > 0) layers.add(Embedding<>({.classes = classes, .features = 3}));
  layers.add(Dense<>({.in = classes > 0 ? 8 : 5, .out = 12 * 16, .bias = false}));
  layers.add(BatchNorm<>({.features = 12 * 16}));
  layers.add(ReLU<>());
  layers.add(Reshape<>({4, 3, 16}));
  layers.add(ConvTranspose2d<>({.in = 16, .out = 3, .kernel = 4, .stride = 2, .padding = 1}));
  layers.add(Tanh<>());
  Generator<> generator(5, std::move(layers));
  generator.initialise(glorot<>(), Random(6));
  return generator;
}

/// A generator of the C interface, and the file that it is from.
struct Loaded : TemporaryFolder {
  explicit Loaded(const Generator<>& network, const Sampling& sampling = {}) {
    save(network, sampling, file());
    generator = rival_load_generator(file().string().c_str());
    INFO(rival_last_error());
    REQUIRE(generator != nullptr);
  }
  ~Loaded() { rival_free_generator(generator); }
  std::filesystem::path file() const { return *this / "generator.safetensors"; }
  rival_generator* generator = nullptr;
};

std::vector<float> values(const Tensor<>& tensor) { return {tensor.data(), tensor.data() + tensor.size()}; }
std::string bytes(const Tensor<>& tensor) {
  return {reinterpret_cast<const char*>(tensor.data()), static_cast<std::size_t>(tensor.size()) * sizeof(float)};
}

constexpr Index size_of_image = 8 * 6 * 3;

}  // namespace

TEST_CASE("c: what a generator is") {
  const Loaded plain(images(0)), three(images(3), {.class_names = {"cat", "dog", "fox"}});
  CHECK(std::string(rival_version()).find('.') != std::string::npos);
  CHECK(rival_latent_size(plain.generator) == 5);
  CHECK(rival_sample_size(plain.generator) == size_of_image);
  CHECK(rival_sample_rank(plain.generator) == 3);
  CHECK(rival_sample_extent(plain.generator, 0) == 8);
  CHECK(rival_sample_extent(plain.generator, 1) == 6);
  CHECK(rival_sample_extent(plain.generator, 2) == 3);
  CHECK(rival_parameter_count(plain.generator) == 5 * 192 + 2 * 192 + 16 * 3 * 4 * 4 + 3);
  CHECK(rival_class_count(plain.generator) == 0);
  CHECK(rival_class_count(three.generator) == 3);
  CHECK(std::string(rival_class_name(three.generator, 1)) == "dog");
}

TEST_CASE("c: samples are those that C++ gives, byte for byte") {
  const Loaded plain(images(0)), three(images(3), {.uniform = 2});
  std::vector<float> got(static_cast<std::size_t>(9 * size_of_image));
  const auto capacity = static_cast<std::int64_t>(got.size());
  REQUIRE(rival_sample(plain.generator, 9, 77, nullptr, 0, got.data(), capacity) == 0);
  Random random(77);
  CHECK(got == values(images(0).sample(9, random)));

  const std::vector<Label> labels{0, 1, 2, 2, 1, 0, 0, 0, 1};
  const Sampler<> sampler(images(3), {.uniform = 2});
  for (const double truncation : {0.0, 0.5}) {
    REQUIRE(rival_sample(three.generator, 9, 78, labels.data(), truncation, got.data(), capacity) == 0);
    Random again(78);
    CHECK(got == values(sampler.sample(9, again, labels, truncation == 0 ? std::optional<double>() : truncation)));
  }

  Random own(5);
  const auto latents = sampler.latents(9, own);
  REQUIRE(rival_sample_latents(three.generator, 9, latents.data(), labels.data(), got.data(), capacity) == 0);
  CHECK(got == values(sampler.sample(latents, labels)));

  // Fewer are the first ones, and what is behind them stays as it was.
  got.assign(got.size(), 5);
  REQUIRE(rival_sample(plain.generator, 2, 77, nullptr, 0, got.data(), capacity) == 0);
  Random first(77);
  const auto two = values(images(0).sample(2, first));
  CHECK(std::equal(two.begin(), two.end(), got.begin()));
  CHECK(std::all_of(got.begin() + static_cast<std::ptrdiff_t>(two.size()), got.end(), [](float v) { return v == 5; }));
}

TEST_CASE("c: errors are told, in one line, and NULL is one") {
  const Loaded plain(images(0)), three(images(3));
  std::vector<float> room(static_cast<std::size_t>(2 * size_of_image), 5);
  const auto capacity = static_cast<std::int64_t>(room.size());
  const std::uint16_t labels[] = {0, 3};
  const float latents[10] = {};
  const auto refused = [&](const auto& result, const std::string& expected) {
    CHECK((result == static_cast<decltype(result + 0)>(-1)));
    CHECK(rival_last_error() == expected);
    CHECK(std::all_of(room.begin(), room.end(), [](float v) { return v == 5; }));
  };
  const std::string none = ": expected a generator, got NULL";
  refused(rival_latent_size(nullptr), "rival_latent_size" + none);
  refused(rival_sample_size(nullptr), "rival_sample_size" + none);
  refused(rival_sample_rank(nullptr), "rival_sample_rank" + none);
  refused(rival_sample_extent(nullptr, 0), "rival_sample_extent" + none);
  refused(rival_parameter_count(nullptr), "rival_parameter_count" + none);
  refused(rival_class_count(nullptr), "rival_class_count" + none);
  CHECK(rival_class_name(nullptr, 0) == nullptr);
  CHECK(rival_last_error() == "rival_class_name" + none);
  rival_free_generator(nullptr);
  refused(rival_set_threads(0), "rival_set_threads: expected at least 1 thread, got 0");
  for (const int axis : {-1, 3})
    refused(rival_sample_extent(plain.generator, axis),
            "rival_sample_extent: expected an axis from 0 to 2, got " + std::to_string(axis));
  for (const std::int64_t which : {-1, 3}) {
    CHECK(rival_class_name(three.generator, which) == nullptr);
    CHECK(rival_last_error() == "rival_class_name: expected one of 3 classes, got " + std::to_string(which));
  }

  const auto sample = [&](const rival_generator* from, std::int64_t count, const std::uint16_t* classes,
                          double truncation, float* out, std::int64_t floats) {
    return rival_sample(from, count, 1, classes, truncation, out, floats);
  };
  float* const out = room.data();
  const std::string what = "rival_sample: ";
  refused(sample(nullptr, 1, nullptr, 0, out, capacity), "rival_sample" + none);
  refused(sample(plain.generator, 1, nullptr, 0, nullptr, capacity), what + "expected room for samples, got NULL");
  for (const std::int64_t count : {std::int64_t{0}, INT64_MIN})
    refused(sample(plain.generator, count, nullptr, 0, out, capacity),
            what + "expected a count of at least 1, got " + std::to_string(count));
  refused(sample(plain.generator, 2, nullptr, 0, out, capacity - 1),
          what + "expected room for 2 samples of 144 floats, got 287");
  refused(sample(plain.generator, INT64_MAX, nullptr, 0, out, capacity),
          what + "expected room for 9223372036854775807 samples of 144 floats, got 288");
  refused(sample(plain.generator, 1, nullptr, 0, out, INT64_MIN),
          what + "expected room for 1 samples of 144 floats, got -9223372036854775808");
  for (const double truncation : {-1.0, 0.001})
    refused(sample(plain.generator, 1, nullptr, truncation, out, capacity),
            what + "truncation: expected a threshold of at least 0.01, got " + (truncation < 0 ? "-1" : "0.001"));
  refused(sample(plain.generator, 1, labels, 0, out, capacity),
          what + "sample: expected no labels, as the generator takes none, got 1");
  refused(sample(three.generator, 2, nullptr, 0, out, capacity),
          what + "sample: expected 2 labels, one a sample, got 0");
  refused(sample(three.generator, 2, labels, 0, out, capacity), what + "sample: expected labels from 0 to 2, got 3");
  refused(rival_sample_latents(plain.generator, 2, nullptr, nullptr, out, capacity),
          "rival_sample_latents: expected latent vectors, got NULL");
  refused(rival_sample_latents(nullptr, 2, latents, nullptr, out, capacity), "rival_sample_latents" + none);
}

TEST_CASE("c: files that are none are refused") {
  const TemporaryFolder folder;
  const auto refuse = [](const char* path, const std::string& expected) {
    CHECK(rival_load_generator(path) == nullptr);
    CHECK(std::string(rival_last_error()).find("rival_load_generator: " + expected) == 0);
  };
  refuse(nullptr, "expected a path, got NULL");
  refuse((folder / "none").string().c_str(), "safetensors file " + quoted(folder / "none") + ": no such file");
  const auto file = folder.write("text", "no generator");
  refuse(file.string().c_str(), "safetensors file " + quoted(file) + ": ");

  // An error longer than there is room for is cut, not within a character.
  std::string path = "/";
  for (int i = 0; i < 1000; ++i) path += "\xc3\xa4";
  for (const std::string more : {"", "x"}) {
    refuse((more + path).c_str(), "safetensors file ");
    const std::string error = rival_last_error();
    CHECK(error.size() >= 1021);
    CHECK(error.substr(error.size() - 2) == "\xc3\xa4");
  }
}

TEST_CASE("c: each thread has its own error, and may sample the same generator") {
  const Loaded plain(images(0));
  CHECK(rival_latent_size(nullptr) == -1);
  const std::string mine = rival_last_error();
  const std::vector<float> expected = [] {
    Random random(3);
    return values(images(0).sample(4, random));
  }();
  std::vector<std::thread> threads;
  std::vector<std::string> errors(4, "not asked");
  std::vector<std::vector<float>> samples(4, std::vector<float>(expected.size()));
  for (std::size_t i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      errors[i] = rival_last_error();
      for (int k = 0; k < 20; ++k)
        rival_sample(plain.generator, 4, 3, nullptr, 0, samples[i].data(), static_cast<std::int64_t>(expected.size()));
      rival_set_threads(-1);
    });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(errors[i].empty());
    CHECK(samples[i] == expected);
  }
  CHECK(rival_last_error() == mine);
}

#ifdef RIVAL_C_SAMPLE_BINARY
TEST_CASE("c: a program in C gives the same samples") {
  for (const Index classes : {0, 3}) {
    const Loaded loaded(images(classes));
    const auto out = loaded / "samples";
    const auto result =
        rival_test::run(RIVAL_C_SAMPLE_BINARY, {loaded.file().string(), "7", "18446744073709551615", out.string()});
    CHECK(result.err.empty());
    REQUIRE(result.code == 0);
    Random random(18446744073709551615u);
    const std::vector<Label> labels{0, 1, 2, 0, 1, 2, 0};
    CHECK((read_bytes(out) == bytes(images(classes).sample(7, random, classes > 0 ? Labels(labels) : Labels()))));
  }
  const TemporaryFolder folder;
  const auto none = folder / "none";
  const auto result = rival_test::run(RIVAL_C_SAMPLE_BINARY, {none.string(), "7", "1", (folder / "out").string()});
  CHECK(result.code == 1);
  CHECK(result.err == "rival_load_generator: safetensors file " + quoted(none) + ": no such file\n");
}
#endif

#ifdef RIVAL_PYTHON
TEST_CASE("c: Python's ctypes give the same samples") {
  const Loaded loaded(images(0));
  const auto out = loaded / "samples";
  const auto sample = [&](const std::filesystem::path& weights) {
    return rival_test::run(RIVAL_PYTHON,
                           {RIVAL_C_SAMPLE_SCRIPT, RIVAL_C_LIBRARY, weights.string(), "7", "9", out.string()});
  };
  const auto result = sample(loaded.file());
  CHECK(result.err.empty());
  REQUIRE(result.code == 0);
  Random random(9);
  CHECK((read_bytes(out) == bytes(images(0).sample(7, random))));
}
#endif

#ifdef RIVAL_NM
TEST_CASE("c: the library shows its functions and nothing else") {
  const auto result = rival_test::run(RIVAL_NM, {"-D", "--defined-only", RIVAL_C_LIBRARY});
  REQUIRE(result.code == 0);
  int functions = 0;
  for (const auto& line : rival_test::lines(result.out)) {
    INFO(line);
    CHECK(line.find(" rival_") != std::string::npos);
    functions += line.find(" T rival_") != std::string::npos;
  }
  CHECK(functions == 14);
}
#endif

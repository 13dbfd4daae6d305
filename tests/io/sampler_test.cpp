#include "rival/io/sampler.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>
#include "catch.hpp"

#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/reshape.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using namespace rival;
using rival_test::quoted;
using rival_test::read_bytes;
using rival_test::TemporaryFolder;

namespace {

Generator<> plain() {
  Generator<> generator(4, Sequential<>(Dense<>({.in = 4, .out = 3}), Tanh<>()));
  generator.initialise(glorot<>(), Random(2));
  return generator;
}

/// Told of three classes.
Generator<> conditional() {
  Generator<> generator(
      4, Sequential<>(Embedding<>({.classes = 3, .features = 2}), Dense<>({.in = 6, .out = 3}), Tanh<>()));
  generator.initialise(glorot<>(), Random(2));
  return generator;
}

bool equal(const Tensor<>& a, const Tensor<>& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}

}  // namespace

TEST_CASE("sampler: from the file alone come the samples that the generator gives in process") {
  const TemporaryFolder folder;
  const auto path = folder / "generator.safetensors";
  save(plain(), Sampling{}, path);
  Random a(7), b(7);
  const auto sampler = load_sampler(path);
  CHECK(equal(sampler.sample(50, a), plain().sample(50, b)));
  CHECK(a.position() == b.position());
  CHECK(sampler.classes() == 0);
  CHECK(sampler.sampling().uniform == 0);
  CHECK(load_generator(path).latent() == 4);

  // A file that says nothing of sampling.
  save(plain(), path);
  Random c(7), d(7);
  CHECK(equal(load_sampler(path).sample(50, c), plain().sample(50, d)));
}

TEST_CASE("sampler: the alphabet of samples that are text comes from the file") {
  const TemporaryFolder folder;
  const auto path = folder / "generator.safetensors";
  const Generator<> text(4, Sequential<>(Dense<>({.in = 4, .out = 6}), Reshape<>({2, 3})));
  save(text, Sampling{.alphabet = "a\u00e9"}, path);
  CHECK(load_sampler(path).sampling().alphabet == "a\u00e9");
  CHECK_THROWS_WITH(save(text, Sampling{.alphabet = "abc"}, path),
                    "sampling: expected samples {length, 4} for its alphabet, got a generator of 2x3");
  CHECK_THROWS_WITH(save(plain(), Sampling{.alphabet = "ab"}, path),
                    "sampling: expected samples {length, 3} for its alphabet, got a generator of 3");
}

TEST_CASE("sampler: uniform numbers, truncation and classes come from the file") {
  const TemporaryFolder folder;
  const auto path = folder / "generator.safetensors";
  const TrainerOptions<> options{.draw_latent = LatentLaw<>(2)};
  save(conditional(), sampling_of(options, {"cat", "dog", "fox"}), path);
  const auto sampler = load_sampler(path);
  CHECK(sampler.sampling().uniform == 2);
  CHECK(sampler.classes() == 3);
  CHECK(sampler.class_name(1) == "dog");
  CHECK(sampler.class_of("fox") == 2);
  CHECK_THROWS_WITH(sampler.class_of("owl"), "expected one of the 3 classes cat, dog, fox, got owl");

  const std::vector<Label> labels{2, 0, 1};
  Random a(7), b(7);
  Tensor<> latents({3, 4});
  LatentLaw<>(2)(latents, b);
  LatentLaw<>(2).truncate(latents, 0.5, b);
  CHECK(equal(sampler.sample(3, a, labels, 0.5), conditional().sample(latents, labels)));
  CHECK(a.position() == b.position());

  // Saved again it is the same file.
  const auto again = folder / "again.safetensors";
  save(sampler.generator(), sampler.sampling(), again);
  CHECK((read_bytes(path) == read_bytes(again)));

  save(conditional(), path);
  CHECK(load_sampler(path).class_of("2") == 2);
  CHECK_THROWS_WITH(load_sampler(path).class_of("3"), "expected one of the 3 classes 0, 1, 2, got 3");
}

TEST_CASE("sampler: refuses labels that do not fit the generator") {
  Random random(1);
  const std::vector<Label> labels{0, 2}, bad{0, 3};
  const Sampler<> of_none(plain()), of_three(conditional());
  CHECK_THROWS_WITH(of_none.sample(2, random, labels),
                    "sample: expected no labels, as the generator takes none, got 2");
  CHECK_THROWS_WITH(of_none.class_of("0"), "expected no class, as the generator takes none, got 0");
  CHECK_THROWS_WITH(of_three.sample(2, random), "sample: expected 2 labels, one a sample, got 0");
  CHECK_THROWS_WITH(of_three.sample(3, random, labels), "sample: expected 3 labels, one a sample, got 2");
  CHECK_THROWS_WITH(of_three.sample(2, random, bad), "sample: expected labels from 0 to 2, got 3");
  CHECK_THROWS_WITH(of_none.sample(0, random), "sample: expected a count of at least 1, got 0");
}

TEST_CASE("sampler: refuses a sampling that is not the generator's, in memory and in a file") {
  const TemporaryFolder folder;
  const auto path = folder / "generator.safetensors";
  CHECK_THROWS_WITH(Sampler<>(plain(), {.uniform = 5}),
                    "sampling: expected `uniform` from 0 to the 4 numbers of a latent vector, got 5");
  CHECK_THROWS_WITH(save(conditional(), Sampling{.class_names = {"a", "b"}}, path),
                    "sampling: expected a name for each of the generator's 3 classes, got 2");
  CHECK_THROWS_WITH(save(conditional(), Sampling{.class_names = {"a", "b", "\xff"}}, path),
                    ContainsSubstring("sampling: expected class names and an alphabet in UTF-8"));
  CHECK(folder.count() == 0);
  const TrainerOptions<> own{.draw_latent = [](Tensor<>& latents, Random&) { latents.fill(0); }};
  CHECK_THROWS_WITH(sampling_of(own), "sampling: expected `draw_latent` to be empty or a LatentLaw");

  const std::string what = "safetensors file " + quoted(path);
  const auto refuse = [&](const std::string& text, const std::string& expected) {
    save(conditional(), path, {{"rival_sampling", text}});
    CHECK_THROWS_WITH(load_sampler(path), ContainsSubstring(what + expected));
  };
  refuse(R"({"uniform": 5, "class_names": []})", ": expected `uniform` from 0 to the 4 numbers");
  refuse(R"({"uniform": -1, "class_names": []})", ": expected `uniform` from 0 to the 4 numbers");
  refuse(R"({"uniform": 0, "class_names": ["a"]})", ": expected a name for each of the generator's 3 classes, got 1");
  for (const std::string text : {"", "{", "[]", R"({"uniform": 0})", R"({"uniform": "0", "class_names": []})",
                                 R"({"uniform": 0, "class_names": [1, 2, 3]})"})
    refuse(text, ": what it says of sampling cannot be read (");
}

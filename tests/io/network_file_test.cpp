#include "rival/io/network_file.hpp"

#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/gan/architectures.hpp"
#include "rival/gan/recipes/recipes.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::filesystem::path fixtures = RIVAL_FIXTURES_DIR;

template <class S>
bool same_tensors(Network<S>& a, Network<S>& b) {
  const State<S> s = a.state(), t = b.state();
  const auto same = [](const Tensor<S>& x, const Tensor<S>& y) {
    return x.shape() == y.shape() && std::equal(x.data(), x.data() + x.size(), y.data());
  };
  if (s.parameters.size() != t.parameters.size() || s.buffers.size() != t.buffers.size()) return false;
  for (std::size_t i = 0; i < s.parameters.size(); ++i)
    if (s.parameters[i]->name != t.parameters[i]->name || !same(s.parameters[i]->value, t.parameters[i]->value))
      return false;
  for (std::size_t i = 0; i < s.buffers.size(); ++i)
    if (s.buffers[i]->name != t.buffers[i]->name || !same(s.buffers[i]->value, t.buffers[i]->value)) return false;
  return true;
}

/// The network of tests/fixtures/make_file_values.py.
template <class S>
Network<S> like_pytorch() {
  return {"N",
          {5, 5, 3},
          Sequential<S>(Conv2d<S>({.in = 3, .out = 4, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}}),
                        LeakyReLU<S>(0.2),
                        Conv2d<S>({.in = 4, .out = 6, .kernel = 3, .padding = 1, .bias = false, .groups = 2}),
                        BatchNorm<S>({.features = 6}), Flatten<S>(), BatchNorm<S>({.features = 72}),
                        Dense<S>({.in = 72, .out = 5}), Dense<S>({.in = 5, .out = 24}), BatchNorm<S>({.features = 24}),
                        ReLU<S>(), Reshape<S>({2, 3, 4}),
                        ConvTranspose2d<S>(
                            {.in = 4, .out = 2, .kernel = {4, 3}, .stride = 2, .padding = 1, .output_padding = {0, 1}}),
                        Tanh<S>())};
}

}  // namespace

TEMPLATE_TEST_CASE("network file: PyTorch's own tensors give PyTorch's output", "", float, double) {
  using S = TestType;
  auto network = like_pytorch<S>();
  load_weights(network, fixtures / "pytorch_network.safetensors");
  const auto values = Safetensors::read(fixtures / "pytorch_network_values.safetensors");
  const Tensor<S> x = values.tensor<S>("x"), expected = values.tensor<S>("y");
  Trace<S> trace;
  const Tensor<S>& y = network.infer(x, trace);
  REQUIRE(y.shape() == expected.shape());
  // PyTorch computed in float: both round some 300 sums of up to 72 terms of size 1.
  CHECK((y.array() - expected.array()).abs().maxCoeff() < S(1e-5));

  // What is written is what PyTorch wrote, tensor by tensor, so PyTorch takes it too.
  const TemporaryFolder folder;
  save(network, folder / "n.safetensors");
  const auto ours = Safetensors::read(folder / "n.safetensors"),
             theirs = Safetensors::read(fixtures / "pytorch_network.safetensors");
  CHECK(ours.names() == theirs.names());
  CHECK(ours.metadata().at("format") == "pt");
  for (const auto& name : theirs.names()) {
    INFO(name);
    const auto a = ours.tensor<float>(name), b = theirs.tensor<float>(name);
    CHECK(a.shape() == b.shape());
    CHECK(std::equal(a.data(), a.data() + a.size(), b.data()));
  }
}

TEST_CASE("network file: every recipe's and every architecture's networks come back, weights and all") {
  const TemporaryFolder folder;
  const auto check = [&](Generator<>& generator, Discriminator<>& discriminator) {
    save(generator, folder / "g.safetensors");
    save(discriminator, folder / "d.safetensors");
    auto g = load_generator(folder / "g.safetensors");
    auto d = load_discriminator(folder / "d.safetensors");
    CHECK(same_tensors(generator, g));
    CHECK(same_tensors(discriminator, d));
    CHECK(g.layers().describe() == generator.layers().describe());
    CHECK(d.layers().describe() == discriminator.layers().describe());
    CHECK(d.heads() == discriminator.heads());
    // The same bytes again.
    save(g, folder / "g2.safetensors");
    CHECK(read_bytes(folder / "g.safetensors") == read_bytes(folder / "g2.safetensors"));
    // And into a network that has other weights.
    Generator<> other = generator;
    other.initialise(normal<float>(0, 1), Random(99));
    CHECK(!same_tensors(generator, other));
    load_weights(other, folder / "g.safetensors");
    CHECK(same_tensors(generator, other));
  };
  for (const auto& recipe : named_recipes<float>()) {
    INFO(recipe.name);
    auto made = recipe.make({.batch = 8, .seed = 3});
    check(made.generator, made.discriminator);
  }
  const Random random(4);
  auto g1 = dense_generator<float>(random);
  auto d1 = dense_discriminator<float>(random);
  check(g1, d1);
  auto g2 = tfdcgan_generator<float>(random);
  auto d2 = tfdcgan_discriminator<float>(random);
  check(g2, d2);
}

TEST_CASE("network file: says line by line what does not match, and changes nothing") {
  const TemporaryFolder folder;
  Network<> small("N", {3}, Sequential<>(Dense<>({.in = 3, .out = 4}), Dense<>({.in = 4, .out = 2})));
  small.initialise(normal<float>(0, 1), Random(1));
  save(small, folder / "n.safetensors");
  Network<> other("N", {3},
                  Sequential<>(Dense<>({.in = 3, .out = 5}), Dense<>({.in = 5, .out = 2, .bias = false}),
                               LayerNorm<>({.features = 2})));
  other.initialise(normal<float>(0, 1), Random(2));
  Network<> before = other;
  CHECK_THROWS_WITH(load_weights(other, folder / "n.safetensors"),
                    "safetensors file " + quoted(folder / "n.safetensors") +
                        ": does not match network \"N\" in 6 tensors:\n"
                        "  dense1.weight: expected 5x3, the file has 4x3\n"
                        "  dense1.bias: expected 5, the file has 4\n"
                        "  dense2.weight: expected 2x5, the file has 2x4\n"
                        "  ln1.weight: expected 2, the file has none\n"
                        "  ln1.bias: expected 2, the file has none\n"
                        "  dense2.bias: the file has 2, the network has none");
  CHECK(same_tensors(before, other));
}

TEST_CASE("network file: refuses files that hold no such network") {
  const TemporaryFolder folder;
  const auto path = folder / "n.safetensors";
  Generator<> generator(2, Sequential<>(Dense<>({.in = 2, .out = 3})));
  save(generator, path);
  CHECK_THROWS_WITH(load_discriminator(path), ContainsSubstring("expected a discriminator, got a generator"));
  CHECK_THROWS_WITH(load_network(path), ContainsSubstring("expected a network, got a generator"));
  CHECK_THROWS_WITH(
      load_generator(fixtures / "pytorch_network.safetensors"),
      ContainsSubstring("does not say what network it holds; make the network yourself and use load_weights"));

  const Tensor<float> some({1});
  write_safetensors(path, {{"a", &some}}, {{"rival_checkpoint", "{}"}});
  CHECK_THROWS_WITH(
      load_generator(path),
      ContainsSubstring("it is a checkpoint, which trainers load; runs leave generator.safetensors beside it"));

  const Tensor<float> weight({3, 2}), bias({3});
  const auto error = [&](const std::string& text) -> std::string {
    write_safetensors(path, {{"dense1.weight", &weight}, {"dense1.bias", &bias}}, {{"rival", text}});
    try {
      load_generator(path);
    } catch (const Error& caught) {
      return caught.what();
    }
    return "none";
  };
  const auto text = [](const std::string& layers, const std::string& input = "[2]") {
    return R"({"version":1,"network":"generator","name":"G","input":)" + input +
           R"(,"heads":0,"layers":{"kind":"sequential","layers":[)" + layers + "]}}";
  };
  REQUIRE(error(text(R"({"kind":"dense","in":2,"out":3,"bias":true})")) == "none");
  CHECK_THAT(error("nonsense"), ContainsSubstring("its description of the network cannot be read"));
  CHECK_THAT(error(R"({"version":2})"), ContainsSubstring("expected a description of version 1, got 2"));
  CHECK_THAT(error(R"({"version":1})"), ContainsSubstring("cannot be read"));
  CHECK_THAT(error("[]"), ContainsSubstring("cannot be read"));
  CHECK_THAT(error(text(R"({"kind":"dense","in":2,"out":3})", "[-2]")),
             ContainsSubstring("expected the shape of an input"));
  CHECK_THAT(error(text(R"({"kind":"dense","in":2,"out":3})", "[]")),
             ContainsSubstring("expected the shape of an input"));
  CHECK_THAT(error(text(R"({"kind":"magic"})")), ContainsSubstring("there is no kind \"magic\""));
  CHECK_THAT(error(text(R"({"kind":"dense","in":2,"out":5})")),
             ContainsSubstring("its network is larger than its 9 numbers"));
  // Nothing is allocated for a network that the file cannot fill.
  CHECK_THAT(error(text(R"({"kind":"dense","in":2,"out":1000000000000})")),
             ContainsSubstring("is larger than its 9 numbers"));
  CHECK_THAT(error(text(R"({"kind":"dense","in":2,"out":2})")),
             ContainsSubstring("does not match network \"G\" in 2 tensors"));
  CHECK_THAT(error(text(R"({"kind":"dense","in":3,"out":2})")), ContainsSubstring("expected vectors of 3, got 2"));
  std::string deep = R"({"kind":"tanh"})";
  for (int i = 0; i < 100; ++i) deep = R"({"kind":"sequential","layers":[)" + deep + "]}";
  CHECK_THAT(error(text(deep)), ContainsSubstring("expected at most 64 layers within each other"));
}

TEST_CASE("network file: a generator that was loaded draws the same samples") {
  const TemporaryFolder folder;
  auto recipe = find_recipe<float>("cgan").make({.batch = 4, .seed = 1});
  save(recipe.generator, folder / "g.safetensors");
  const auto again = load_generator(folder / "g.safetensors");
  Random a(7), b(7);
  const std::vector<Labels::value_type> labels{1, 2, 3};
  const auto x = recipe.generator.sample(3, a, labels), y = again.sample(3, b, labels);
  CHECK(std::equal(x.data(), x.data() + x.size(), y.data()));
}

TEST_CASE("network file: latent vectors of no numbers make samples, all alike") {
  const TemporaryFolder folder;
  save(Generator<>(0, Sequential<>()), folder / "a");
  CHECK(load_generator(folder / "a").sample(Tensor<float>({3, 0})).shape() == Shape{3, 0});
}

TEST_CASE("network file: options below 0 do not hide how large a network would be") {
  const Description huge{"dense", {{"in", Index{20000}}, {"out", Index{20000}}, {"bias", false}}, {}};
  const Description below{"dense", {{"in", Index{-20000}}, {"out", Index{20000}}, {"bias", false}}, {}};
  CHECK(internal::numbers_of(Description{"sequential", {}, {huge, below}}) >= 4e8);
}

// Runs the example as a user does.
#include <cstdint>
#include <limits>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/io/npz.hpp"
#include "rival/io/onnx_export.hpp"
#include "rival/io/sampler.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/reshape.hpp"
#include "run_program.hpp"
#include "small_digits.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using rival_test::Arguments;
using rival_test::lines;
using rival_test::quick;
using rival_test::quoted;
using rival_test::read_bytes;
using rival_test::SmallData;
using rival_test::TemporaryFolder;

namespace {

/// What it prints of a good file, made to fit a page, but for the line with the file's name.
std::string inspect(const std::filesystem::path& file) {
  const auto result = rival_test::run(RIVAL_INSPECT_BINARY, {file.string()});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());
  CHECK(result.out.find(file.string() + "\n") == 0);
  const auto all = lines(result.out);
  for (std::size_t i = 1; i < all.size(); ++i) {
    INFO(all[i]);
    CHECK(all[i].size() <= 80);
    CHECK((all[i].empty() || all[i].back() != ' '));
  }
  return result.out;
}

rival::Generator<> small_generator() {
  return {3, rival::Sequential<>(rival::Dense<>({.in = 3, .out = 8, .bias = false}), rival::Reshape<>({2, 2, 2}),
                                 rival::ConvTranspose2d<>({.in = 2, .out = 1, .kernel = 4, .stride = 2, .padding = 1}),
                                 rival::Tanh<>())};
}

}  // namespace

TEST_CASE("inspect: a generator's layers, sampling and tensors") {
  const TemporaryFolder folder;
  const auto file = folder / "generator.safetensors";
  auto generator = small_generator();
  auto& weight = generator.parameters()[0]->value;
  weight.fill(0.5F);
  weight[0] = -2;
  weight[5] = 3;
  const float inf = std::numeric_limits<float>::infinity();
  auto& kernel = generator.parameters()[1]->value;
  kernel.fill(1);
  kernel[0] = kernel[1] = std::numeric_limits<float>::quiet_NaN();
  kernel[2] = inf;
  generator.parameters()[2]->value[0] = -inf;
  save(generator, rival::Sampling{.uniform = 1}, file);
  const auto text = inspect(file);
  for (const std::string part :
       {"\ngenerator\nlayer ", "\nG.dense1", " in 3, out 8, no bias\n", "\nG.convT1", " kernel 4, stride 2, ",
        "\ntotal ", "\nformat: pt\n", "\nrival_sampling:\n  uniform: 1\n  class_names: []\n",
        "\ntensors: 3, of 57 values\n"})
    CHECK_THAT(text, ContainsSubstring(part));
  // The mean of 22 halves, -2 and 3 is 0.5.
  CHECK_THAT(text,
             ContainsSubstring("\ndense1.weight            F32     8x3                    -2          3        0.5\n"));
  CHECK_THAT(text,
             ContainsSubstring("\nconvT1.weight            F32     2x1x4x4                 1          1          1\n"
                               "    2 are NaN\n    1 are infinite\n"));
  CHECK_THAT(text, ContainsSubstring("\nconvT1.bias              F32     1\n    1 are infinite\n"));
}

TEST_CASE("inspect: the checksum is that of zip and gzip") {
  const TemporaryFolder folder;
  const auto file = folder / "a.npy";
  rival::write_npy(file, rival::Tensor<std::uint8_t>({3}));
  const std::string bytes = read_bytes(file);
  std::uint32_t sum = 0xFFFFFFFF;  // CRC-32, bit by bit
  for (const char c : bytes) {
    sum ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ ((sum & 1) != 0 ? 0xEDB88320 : 0);
  }
  char expected[64];
  std::snprintf(expected, sizeof expected, "\n%zu bytes, CRC-32 %08x\n", bytes.size(), ~sum);
  CHECK_THAT(inspect(file), ContainsSubstring(expected));
}

TEST_CASE("inspect: arrays of NumPy of every type") {
  const TemporaryFolder folder;
  rival::Tensor<std::uint8_t> bytes({2, 2});
  rival::Tensor<std::int64_t> whole({1});
  rival::Tensor<float> empty({0, 3});
  rival::Tensor<double> one({1, 1});
  for (rival::Index i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(100 * (i % 2));
  whole[0] = -7;
  one[0] = 1.0 / 3;
  rival::write_npz(
      folder / "all.npz",
      {{"bytes", &bytes}, {"whole", &whole}, {"empty", &empty}, {"a name that is longer than its column", &one}});
  const auto text = inspect(folder / "all.npz");
  for (const std::string line :
       {"tensors: 4, of 6 values", "bytes                    uint8   2x2                     0        100         50",
        "whole                    int64   1                      -7         -7         -7",
        "empty                    float32 0x3", "a name that is longer than its column",
        "                         float64 1x1                0.3333     0.3333     0.3333"})
    CHECK_THAT(text, ContainsSubstring("\n" + line + "\n"));
  rival::write_npy(folder / "one.npy", one);
  CHECK_THAT(inspect(folder / "one.npy"), ContainsSubstring("\none                      float64 1x1   "));
}

TEST_CASE("inspect: an ONNX model's inputs, outputs, nodes and weights") {
  const TemporaryFolder folder;
  const auto file = folder / "generator.onnx";
  rival::save_onnx(small_generator(), file);
  const auto text = inspect(file);
  for (const std::string part : {"\ngraph G by rival, opset 17, IR version ", "\ninput latents: float ",
                                 "\noutput samples: float ", "\nnodes: ", "\nConvTranspose ", " -> ", "\ntensors: "})
    CHECK_THAT(text, ContainsSubstring(part));
}

TEST_CASE("inspect: what a run leaves, checkpoints too") {
  const SmallData data;
  const TemporaryFolder out;
  REQUIRE(
      rival_test::run(RIVAL_MNIST_GAN_BINARY, quick(data.path(), out.path(), {"--checkpoint-every", "2", "--quiet"}))
          .code == 0);
  int checkpoints = 0;
  for (const auto& entry : std::filesystem::directory_iterator(out.path())) {
    if (entry.path().extension() != ".safetensors") continue;
    const auto text = inspect(entry.path());
    if (entry.path().filename().string().starts_with("checkpoint")) {
      ++checkpoints;
      CHECK_THAT(text, ContainsSubstring("\nrival_checkpoint:\n  ") && ContainsSubstring("\ngenerator.dense1.weight"));
    }
  }
  CHECK(checkpoints > 0);
}

TEST_CASE("inspect: a network that cannot be made is said, and the rest is shown") {
  const TemporaryFolder folder;
  const auto file = folder / "own.safetensors";
  const rival::Tensor<float> weights({2});
  rival::write_safetensors(
      file, {{"weights", &weights}},
      {{"rival",
        R"({"version":1,"network":"generator","name":"G","input":[2],"heads":0,"layers":{"kind":"sequential","layers":[{"kind":"my_own"}]}})"},
       {"note", "a text\x01 that is no JSON"}});
  const auto text = inspect(file);
  CHECK_THAT(text, ContainsSubstring("\ngenerator\ncannot be made from the file: ") && ContainsSubstring("my_own") &&
                       ContainsSubstring("\nnote: a text  that is no JSON\n") && ContainsSubstring("\nweights  "));
}

TEST_CASE("inspect: refuses other files, and those that are damaged") {
  const TemporaryFolder folder;
  const auto refuse = [&](const Arguments& arguments, const std::string& expected) {
    const auto result = rival_test::run(RIVAL_INSPECT_BINARY, arguments);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    REQUIRE(lines(result.err).size() == 1);
    CHECK(result.err.find("inspect: " + expected) == 0);
  };
  const auto nothing = folder / "none";
  refuse({nothing.string()}, "file " + quoted(nothing) + ": no such file");
  const auto picture = folder.write("a.png", "");
  refuse({picture.string()},
         "expected a file that ends in one of .npy, .npz, .onnx, .safetensors, got " + quoted(picture));
  for (const std::string ending : {"npy", "npz", "onnx", "safetensors"}) {
    const auto none = folder / ("none." + ending);
    refuse({none.string()}, "file " + quoted(none) + ": no such file");
    const auto damaged = folder.write("damaged." + ending, "no such file at all");
    refuse({damaged.string()}, (ending == "onnx" ? "ONNX" : ending) + " file " + quoted(damaged) + ": ");
  }
  refuse({}, "FILE is required");
  const auto help = rival_test::run(RIVAL_INSPECT_BINARY, {"--help"});
  CHECK(help.code == 0);
  CHECK_THAT(help.out, ContainsSubstring("FILE"));
}

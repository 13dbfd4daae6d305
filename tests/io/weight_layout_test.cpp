// How tensors lie in files: the shapes and the orders of axes that PyTorch has for the same layers.
#include "rival/io/weight_layout.hpp"

#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/gru.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/time_distributed.hpp"
#include "rival/layers/weight_norm.hpp"

using namespace rival;

namespace {

/// The network's tensors as a file has them, where here each is filled with 0, 1, 2, ...
std::map<std::string, std::pair<Shape, std::vector<float>>> in_file(Network<float>& network) {
  std::map<std::string, std::pair<Shape, std::vector<float>>> all;
  for (const auto& [tensor, layout] : internal::file_layouts(network)) {
    for (Index i = 0; i < tensor->size(); ++i) (*tensor)[i] = static_cast<float>(i);
    std::vector<float> values(static_cast<std::size_t>(tensor->size()));
    internal::for_each_place(layout, [&, held = tensor](Index there, Index here) {
      values[static_cast<std::size_t>(there)] = (*held)[here];
    });
    all[layout.name] = {layout.shape, values};
  }
  return all;
}

}  // namespace

TEST_CASE("weight_layout: convolutions of signals lie as PyTorch's") {
  Network<float> network("N", {5, 2},
                         Sequential<float>(Conv1d<float>({.in = 2, .out = 3, .kernel = 4}),
                                           ConvTranspose1d<float>({.in = 3, .out = 2, .kernel = 2})));
  const auto file = in_file(network);
  // Here [kernel, in, out] and there [out, in, kernel].
  CHECK(file.at("conv1.weight").first == Shape{3, 2, 4});
  CHECK(file.at("conv1.weight").second ==
        std::vector<float>{0, 6, 12, 18, 3, 9, 15, 21, 1, 7, 13, 19, 4, 10, 16, 22, 2, 8, 14, 20, 5, 11, 17, 23});
  CHECK(file.at("conv1.bias").first == Shape{3});
  // There [in, out, kernel].
  CHECK(file.at("convT1.weight").first == Shape{3, 2, 2});
  CHECK(file.at("convT1.weight").second == std::vector<float>{0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11});
}

TEST_CASE("weight_layout: recurrent weights and those of directions and lengths lie as PyTorch's") {
  Network<float> network(
      "N", {5, 2},
      Sequential<float>(GRU<float>({.in = 2, .hidden = 1}), WeightNorm(ConvTranspose1d<float>({.in = 1, .out = 2})),
                        WeightNorm(Conv1d<float>({.in = 2, .out = 3, .kernel = 1}))));
  const auto file = in_file(network);
  CHECK(file.at("gru1.weight_ih_l0").first == Shape{3, 2});
  CHECK(file.at("gru1.weight_ih_l0").second == std::vector<float>{0, 3, 1, 4, 2, 5});
  CHECK(file.at("gru1.weight_hh_l0").first == Shape{3, 1});
  CHECK(file.at("gru1.bias_ih_l0").first == Shape{3});
  CHECK(file.at("gru1.bias_hh_l0").first == Shape{3});
  CHECK(file.at("convT1.weight_g").first == Shape{1, 2, 1});
  CHECK(file.at("convT1.weight_v").first == Shape{1, 2, 3});
  CHECK(file.at("conv1.weight_g").first == Shape{3, 1, 1});
  CHECK(file.at("conv1.weight_v").first == Shape{3, 2, 1});
  CHECK(file.at("conv1.weight_v").second == std::vector<float>{0, 3, 1, 4, 2, 5});
  CHECK(file.count("conv1.weight") == 0);
}

TEST_CASE("weight_layout: a dense layer behind the channels of a step counts them as PyTorch's Flatten does") {
  const Sequential<float> step(Flatten<float>(), Dense<float>({.in = 4, .out = 1}));
  Network<float> frames("N", {3, 2, 1, 2}, Sequential<float>(TimeDistributed<float>(step)));
  Network<float> images("N", {2, 1, 2}, step);
  const auto of_frames = in_file(frames), of_images = in_file(images);
  CHECK(of_frames.at("steps1.dense1.weight").second == std::vector<float>{0, 2, 1, 3});
  CHECK(of_frames.at("steps1.dense1.weight") == of_images.at("dense1.weight"));
}

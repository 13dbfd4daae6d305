// How tensors lie in files: the shapes and the orders of axes that PyTorch has for the same layers.
#include "rival/io/weight_layout.hpp"

#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/reshape.hpp"

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

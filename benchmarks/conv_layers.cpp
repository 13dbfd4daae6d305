// Every convolution pass of a list of layers. Names:
// conv_layers/<layer>/output|input_gradient|weight_gradient/batch:<images>/threads:<threads>
// Options: --batches, --threads, --shapes
//
// --shapes FILE takes the layers of a file instead of those of dcgan28 and tfdcgan. A line of it is
//   name transposed in_channels out_channels in_size out_size kernel stride pad_begin pad_end

#include <cstdio>
#include <fstream>
#include <sstream>

#include "common.hpp"
#include "rival/kernels/naive.hpp"

namespace {

using rival::Index;
using rival::kernels::ConvGeometry;

struct ConvLayer {
  std::string name;
  ConvGeometry geometry;
  bool transposed;
};

bool read_layers(const std::string& path, std::vector<ConvLayer>& layers) {
  std::ifstream file(path);
  if (!file) {
    std::fprintf(stderr, "conv_layers: no such file: %s\n", path.c_str());
    return false;
  }
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos || line[0] == '#') continue;
    std::string name;
    int transposed;
    Index in_c, out_c, in, out, kernel, stride, begin, end;
    std::istringstream fields(line);
    if (!(fields >> name >> transposed >> in_c >> out_c >> in >> out >> kernel >> stride >> begin >> end)) {
      std::fprintf(stderr, "conv_layers: %s:%d: expected a name and nine numbers, got: %s\n", path.c_str(), number,
                   line.c_str());
      return false;
    }
    ConvGeometry g{.in_h = in,
                   .in_w = in,
                   .in_c = in_c,
                   .out_h = out,
                   .out_w = out,
                   .out_c = out_c,
                   .kernel_h = kernel,
                   .kernel_w = kernel,
                   .stride_h = stride,
                   .stride_w = stride,
                   .pad_h = begin,
                   .pad_w = begin};
    if (transposed) {
      std::swap(g.in_h, g.out_h);
      std::swap(g.in_w, g.out_w);
      std::swap(g.in_c, g.out_c);
      g.out_major = true;
    }
    layers.push_back({name, g, transposed != 0});
  }
  return true;
}

std::vector<float> random_numbers(Index count, const char* name) {
  rival::Tensor<float> numbers({count});
  rival::Random(3).stream(name).fill_uniform(numbers, -1.0f, 1.0f);
  return {numbers.data(), numbers.data() + count};
}

/// For a transposed layer, output and input gradient change places.
void conv_layer(benchmark::State& state, const ConvLayer& layer, const std::string& pass) {
  namespace k = rival::kernels;
  ConvGeometry g = layer.geometry;
  const auto threads = static_cast<int>(state.range(1));
  const auto compare = [&](bool naive, Index batch, std::vector<float>& in, std::vector<float>& out,
                           std::vector<float>& w) {
    g.batch = batch;
    const bool output = pass == "output", forward = output != layer.transposed;
    if (pass == "weight_gradient")
      naive ? k::naive::conv_weight_gradient(g, in.data(), out.data(), w.data())
            : k::conv_weight_gradient(g, in.data(), out.data(), w.data());
    else if (forward)
      naive ? k::naive::conv_output(g, in.data(), w.data(), out.data())
            : k::conv_output(g, in.data(), w.data(), out.data());
    else
      naive ? k::naive::conv_input_gradient(g, out.data(), w.data(), in.data())
            : k::conv_input_gradient(g, out.data(), w.data(), in.data());
  };
  const auto make = [&](Index batch) {
    return std::array{random_numbers(batch * g.in_pixels() * g.in_c, "in"),
                      random_numbers(batch * g.out_pixels() * g.out_c, "out"),
                      random_numbers(g.taps() * g.in_c * g.out_c, "weights")};
  };
  auto fast = make(2), naive = make(2);
  compare(false, 2, fast[0], fast[1], fast[2]);
  compare(true, 2, naive[0], naive[1], naive[2]);
  for (std::size_t i = 0; i < 3; ++i)
    if (!(bench::error_of(fast[i], naive[i]) < 1e-4))
      return state.SkipWithError("the result differs from the reference");

  auto data = make(static_cast<Index>(state.range(0)));
  g.batch = static_cast<Index>(state.range(0));
  bench::measure(state, threads, g.flops(), [&] { compare(false, g.batch, data[0], data[1], data[2]); });
  // Each pass reads two of these and writes the third: what it has to move at least.
  const auto moved = static_cast<double>(data[0].size() + data[1].size() + data[2].size()) * sizeof(float);
  state.counters["flops_per_byte"] = g.flops() / moved;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments defaults{
      .batches = {64}, .shapes = {RIVAL_SHAPES_DIR "/layers_dcgan28.txt", RIVAL_SHAPES_DIR "/layers_tfdcgan.txt"}};
  return bench::run(argc, argv, defaults, [](const bench::Arguments& arguments) {
    std::vector<ConvLayer> layers;
    for (const auto& file : arguments.shapes)
      if (!read_layers(file, layers)) std::exit(2);
    for (const auto& layer : layers)
      for (const char* pass : {"output", "input_gradient", "weight_gradient"})
        benchmark::RegisterBenchmark(("conv_layers/" + layer.name + "/" + pass).c_str(), conv_layer, layer, pass)
            ->ArgNames({"batch", "threads"})
            ->ArgsProduct({arguments.batches, arguments.threads})
            ->Unit(benchmark::kMillisecond);
  });
}

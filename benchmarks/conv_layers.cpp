// Every convolution pass of a list of layers. Names:
// conv_layers/<layer>/output|input_gradient|weight_gradient/batch:<images>/threads:<threads>
// Options: --batches, --threads, --shapes, --direct (without Winograd's algorithm)
//
// --shapes FILE takes the layers of a file instead of those of dcgan28 and tfdcgan. A line of it is
//   name transposed in_channels out_channels in_size out_size kernel stride pad_begin pad_end

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string_view>

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

enum class Kernel { fast, direct, naive };

/// The tensors of one pass, of which it reads two and writes the third.
struct Data {
  std::vector<float> in, out, weights;
};

Data random_data(const ConvGeometry& g) {
  return {random_numbers(g.batch * g.in_pixels() * g.in_c, "in"),
          random_numbers(g.batch * g.out_pixels() * g.out_c, "out"),
          random_numbers(g.taps() * g.in_c * g.out_c, "weights")};
}

/// For a transposed layer, output and input gradient change places.
void run(Kernel kernel, const ConvLayer& layer, const std::string& pass, const ConvGeometry& g, Data& data) {
  namespace k = rival::kernels;
  float *in = data.in.data(), *out = data.out.data(), *w = data.weights.data();
  const bool forward = (pass == "output") != layer.transposed;
  if (pass == "weight_gradient") {
    if (kernel == Kernel::naive) return k::naive::conv_weight_gradient(g, in, out, w);
    if (kernel == Kernel::direct) return k::internal::direct_weight_gradient(g, in, out, w);
    return k::conv_weight_gradient(g, in, out, w);
  }
  if (kernel == Kernel::direct)
    return forward ? k::internal::direct_pass(g, k::internal::Pass::output, in, w, out, {})
                   : k::internal::direct_pass(g, k::internal::Pass::input_gradient, out, w, in, {});
  if (forward) return kernel == Kernel::naive ? k::naive::conv_output(g, in, w, out) : k::conv_output(g, in, w, out);
  kernel == Kernel::naive ? k::naive::conv_input_gradient(g, out, w, in) : k::conv_input_gradient(g, out, w, in);
}

bool agree(const Data& a, const Data& b) {
  return bench::error_of(a.in, b.in) < 1e-4 && bench::error_of(a.out, b.out) < 1e-4 &&
         bench::error_of(a.weights, b.weights) < 1e-4;
}

void conv_layer(benchmark::State& state, const ConvLayer& layer, const std::string& pass, Kernel kernel) {
  // A small batch is held against the naive reference, and the one that is timed, for which that would take minutes and
  // other kernels may be chosen, against the direct kernel.
  ConvGeometry few = layer.geometry, g = layer.geometry;
  few.batch = 2;
  g.batch = static_cast<Index>(state.range(0));
  Data small = random_data(few), small_direct = small, reference = small;
  run(kernel, layer, pass, few, small);
  run(Kernel::direct, layer, pass, few, small_direct);
  run(Kernel::naive, layer, pass, few, reference);
  Data data = random_data(g), direct = data;
  run(kernel, layer, pass, g, data);
  run(Kernel::direct, layer, pass, g, direct);
  if (!agree(small, reference) || !agree(small_direct, reference) || !agree(data, direct))
    return state.SkipWithError("the result differs from the reference");

  // Awake between the passes, as the threads are in a training step.
  const auto threads = static_cast<int>(state.range(1));
  rival::set_threads(threads);
  rival::parallel_scope(1e9,
                        [&] { bench::measure(state, threads, g.flops(), [&] { run(kernel, layer, pass, g, data); }); });
  const auto moved = static_cast<double>(data.in.size() + data.out.size() + data.weights.size()) * sizeof(float);
  state.counters["flops_per_byte"] = g.flops() / moved;  // of what it has to move at least
}

}  // namespace

int main(int argc, char** argv) {
  const auto is_direct = [](const char* argument) { return std::string_view(argument) == "--direct"; };
  char** const end = std::remove_if(argv + 1, argv + argc, is_direct);
  const Kernel kernel = end == argv + argc ? Kernel::fast : Kernel::direct;
  argc = static_cast<int>(end - argv);
  const bench::Arguments defaults{
      .batches = {64}, .shapes = {RIVAL_SHAPES_DIR "/layers_dcgan28.txt", RIVAL_SHAPES_DIR "/layers_tfdcgan.txt"}};
  return bench::run(argc, argv, defaults, [kernel](const bench::Arguments& arguments) {
    std::vector<ConvLayer> layers;
    for (const auto& file : arguments.shapes)
      if (!read_layers(file, layers)) std::exit(2);
    for (const auto& layer : layers)
      for (const char* pass : {"output", "input_gradient", "weight_gradient"})
        benchmark::RegisterBenchmark(("conv_layers/" + layer.name + "/" + pass).c_str(), conv_layer, layer, pass,
                                     kernel)
            ->ArgNames({"batch", "threads"})
            ->ArgsProduct({arguments.batches, arguments.threads})
            ->Unit(benchmark::kMillisecond);
  });
}

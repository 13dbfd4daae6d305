// Matrix products C = A B of the dense layer's kernels: squares, and the shapes of the `dense` architecture at
// batch 64. Names: gemm/<m>x<k>x<n>/threads:<threads>    Options: --threads

#include "common.hpp"
#include "rival/kernels/naive.hpp"

namespace {

using rival::Index;

struct Product {
  Index m, k, n;
};

void gemm(benchmark::State& state, const Product& p) {
  const rival::kernels::ConvGeometry g{.batch = p.m, .in_c = p.k, .out_c = p.n};
  rival::Tensor<float> a({p.m, p.k}), b({p.k, p.n});
  rival::Random random(5);
  random.fill_uniform(a, -1.0f, 1.0f);
  random.fill_uniform(b, -1.0f, 1.0f);
  std::vector<float> c(static_cast<std::size_t>(p.m * p.n)),
      reference(static_cast<std::size_t>(std::min<Index>(p.m, 16) * p.n));
  rival::kernels::conv_output(g, a.data(), b.data(), c.data());
  auto few = g;
  few.batch = std::min<Index>(p.m, 16);
  rival::kernels::naive::conv_output(few, a.data(), b.data(), reference.data());
  if (!(bench::error_of(std::vector<float>(c.begin(), c.begin() + static_cast<Index>(reference.size())), reference) <
        1e-4))
    return state.SkipWithError("the result differs from the reference");
  // Awake between the products, as the threads are in a training step.
  const auto threads = static_cast<int>(state.range(0));
  rival::set_threads(threads);
  rival::parallel_scope(1e9, [&] {
    bench::measure(state, threads, g.flops(), [&] { rival::kernels::conv_output(g, a.data(), b.data(), c.data()); });
  });
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Product> products;
  for (Index size : {64, 128, 256, 512, 1024, 2048}) products.push_back({size, size, size});
  for (auto [k, n] : {std::pair<Index, Index>{100, 256}, {256, 512}, {512, 1024}, {1024, 784}, {784, 512}, {512, 256}})
    products.push_back({64, k, n});
  // Convolutions of one tap: many pixels, few channels.
  for (auto [m, k, n] : {Product{16384, 256, 128}, {16384, 128, 256}, {4096, 128, 128}, {16384, 64, 64}})
    products.push_back({m, k, n});
  return bench::run(argc, argv, {}, [&](const bench::Arguments& arguments) {
    for (const auto& p : products)
      benchmark::RegisterBenchmark(
          ("gemm/" + std::to_string(p.m) + "x" + std::to_string(p.k) + "x" + std::to_string(p.n)).c_str(), gemm, p)
          ->ArgName("threads")
          ->ArgsProduct({arguments.threads})
          ->Unit(benchmark::kMillisecond);
  });
}

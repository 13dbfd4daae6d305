// The processor's peak of fused multiply-adds: what the other benchmarks' peak_share is measured against.

#include "common.hpp"

namespace {

void peak(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  double flops = 0;
  for (auto _ : state) flops = std::max(flops, bench::peak_flops(threads));
  state.counters["flops"] = flops;
}
BENCHMARK(peak)->ArgName("threads")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();

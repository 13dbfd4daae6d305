// The processor's peak of fused multiply-adds, what the other benchmarks' peak_share is measured against, and the
// memory's bandwidth. Names: peak/threads:<threads>, peak/bandwidth/threads:<threads>    Options: --threads

#include "common.hpp"

namespace {

void best_of(benchmark::State& state, const char* counter, double (*measured)(int threads)) {
  double best = 0;
  for (auto _ : state) best = std::max(best, measured(static_cast<int>(state.range(0))));
  state.counters[counter] = best;
  state.counters["floats_in_a_packet"] = static_cast<double>(rival::kernels::packet_size<float>);
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv, {}, [](const bench::Arguments& arguments) {
    const auto add = [&](const char* name, const char* counter, double (*measured)(int)) {
      benchmark::RegisterBenchmark(name, best_of, counter, measured)
          ->ArgName("threads")
          ->ArgsProduct({arguments.threads})
          ->Unit(benchmark::kMillisecond);
    };
    add("peak", "flops", bench::peak_flops);
    add("peak/bandwidth", "bytes_per_second", bench::memory_bandwidth);
  });
}

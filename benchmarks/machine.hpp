#pragma once
// What this machine can do at most: the two roofs that the kernels are held against.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "rival/rival.hpp"

namespace bench {

using rival::Index;

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Fused multiply-adds on registers alone, one independent chain for each of 24 registers (12 where there are 16).
__attribute__((noinline)) inline float fma_chains(long rounds) {
  using namespace rival::kernels;
  constexpr int chains = tile_rows >= 14 ? 24 : 12;
  Packet<float> sum[chains];
  for (int i = 0; i < chains; ++i) sum[i] = broadcast(static_cast<float>(i));
  const Packet<float> factor = broadcast(0.999f), term = broadcast(1e-3f);
  for (long r = 0; r < rounds; ++r)
#pragma GCC unroll 24
    for (int i = 0; i < chains; ++i) sum[i] = multiply_add<float>(sum[i], factor, term);
  alignas(64) float lanes[packet_size<float>], total = 0;
  for (int i = 0; i < chains; ++i) {
    store(lanes, sum[i]);
    total += lanes[0];
  }
  return total;
}

/// Operations a second that the processor's multiply-add units reach with so many threads: the best of five trials.
inline double peak_flops(int threads) {
  constexpr long rounds = 400'000;
  constexpr double chains = rival::kernels::tile_rows >= 14 ? 24 : 12;
  rival::set_threads(threads);
  double best = 0;
  for (int trial = 0; trial < 5; ++trial) {
    const double start = seconds();
    rival::parallel_for(threads, 1e9, [](Index) { benchmark::DoNotOptimize(fma_chains(rounds)); });
    const double flops = 2.0 * rounds * chains * static_cast<double>(rival::kernels::packet_size<float> * threads);
    best = std::max(best, flops / (seconds() - start));
  }
  return best;
}

/// Bytes a second that c = a + s b moves on arrays far larger than any cache, two read and one written: the best of
/// five trials.
inline double memory_bandwidth(int threads) {
  constexpr Index count = Index{1} << 25, block = Index{1} << 16;
  rival::set_threads(threads);
  std::vector<float> a(count, 1.0f), b(count, 2.0f), c(count, 3.0f);
  double best = 0;
  for (int trial = 0; trial < 5; ++trial) {
    const double start = seconds();
    rival::parallel_blocks(count, block, 1e9, [&](Index begin, Index end) {
      using namespace rival::kernels;
      const auto slope = broadcast(0.5f);
      for (Index i = begin; i < end; i += packet_size<float>)
        store(&c[static_cast<std::size_t>(i)],
              multiply_add<float>(load(&b[static_cast<std::size_t>(i)]), slope, load(&a[static_cast<std::size_t>(i)])));
    });
    benchmark::DoNotOptimize(c.data());
    best = std::max(best, 3.0 * sizeof(float) * static_cast<double>(count) / (seconds() - start));
  }
  return best;
}

}  // namespace bench

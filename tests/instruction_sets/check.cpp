// The convolution passes and the matrix products against the naive references, compiled again and again for other
// instruction sets; tests/kernels checks them in depth for one. Leaves with 77 on a processor that lacks the
// instructions.
//
// Operands are small whole numbers, so sums are exact in any order and results must be equal.

#include <cstdio>
#include <vector>

#include "rival/kernels/convolution/convolution.hpp"
#include "rival/kernels/naive.hpp"

using namespace rival;
using kernels::ConvGeometry;

static_assert(kernels::packet_size<float> == EXPECTED_PACKET,
              "compiled for another instruction set than this test is for");

namespace {

bool processor_is_able() {
#if defined(__x86_64__)
  __builtin_cpu_init();
#ifdef __AVX512F__
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return false;
#endif
#ifdef __AVX2__
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2"))
    return false;
#endif
#ifdef __SSE4_2__
  if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt")) return false;
#endif
#endif
  return true;
}

template <class S>
std::vector<S> whole_numbers(Index count, unsigned seed) {
  std::vector<S> values(static_cast<std::size_t>(count));
  for (S& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<S>(static_cast<int>((seed >> 16) % 9) - 4);
  }
  return values;
}

int checks = 0, failures = 0;

template <class S>
void expect_equal(const char* pass, const ConvGeometry& g, const std::vector<S>& got, const std::vector<S>& expected) {
  ++checks;
  if (got == expected) return;
  ++failures;
  std::fprintf(
      stderr, "%s differs: %zu bytes a scalar, %ld images, %ld x %ld x %ld to %ld x %ld x %ld, kernel %ld x %ld%s\n",
      pass, sizeof(S), static_cast<long>(g.batch), static_cast<long>(g.in_h), static_cast<long>(g.in_w),
      static_cast<long>(g.in_c), static_cast<long>(g.out_h), static_cast<long>(g.out_w), static_cast<long>(g.out_c),
      static_cast<long>(g.kernel_h), static_cast<long>(g.kernel_w), g.out_major ? ", out major" : "");
}

template <class S>
void check(ConvGeometry g) {
  const auto x = whole_numbers<S>(g.batch * g.in_pixels() * g.in_c, 1),
             dy = whole_numbers<S>(g.batch * g.out_pixels() * g.out_c, 2),
             w = whole_numbers<S>(g.taps() * g.in_c * g.out_c, 3);
  for (const bool out_major : {false, true}) {
    g.out_major = out_major;
    std::vector<S> y(dy), y_naive(dy), dx(x), dx_naive(x), dw(w), dw_naive(w);
    kernels::conv_output(g, x.data(), w.data(), y.data());
    kernels::naive::conv_output(g, x.data(), w.data(), y_naive.data());
    expect_equal("output", g, y, y_naive);
    kernels::conv_input_gradient(g, dy.data(), w.data(), dx.data());
    kernels::naive::conv_input_gradient(g, dy.data(), w.data(), dx_naive.data());
    expect_equal("input gradient", g, dx, dx_naive);
    kernels::conv_weight_gradient(g, x.data(), dy.data(), dw.data());
    kernels::naive::conv_weight_gradient(g, x.data(), dy.data(), dw_naive.data());
    expect_equal("weight gradient", g, dw, dw_naive);
  }
}

/// Channels around the edges of packets of 1 to 16 scalars and of blocks of two; few channels, which have kernels of
/// their own.
template <class S>
void check_all() {
  for (const Index in : {1, 3, 4, 9, 16, 33})
    for (const Index out : {1, 2, 5, 8, 17, 32, 49}) {
      check<S>({.batch = 3,
                .in_h = 5,
                .in_w = 6,
                .in_c = in,
                .out_h = 3,
                .out_w = 3,
                .out_c = out,
                .kernel_h = 3,
                .kernel_w = 4,
                .stride_h = 2,
                .stride_w = 2,
                .pad_h = 1,
                .pad_w = 1});
      check<S>({.batch = 2,
                .in_h = 4,
                .in_w = 3,
                .in_c = in,
                .out_h = 4,
                .out_w = 3,
                .out_c = out,
                .kernel_h = 5,
                .kernel_w = 5,
                .pad_h = 2,
                .pad_w = 2});
    }
  for (const Index rows : {1, 5, 6, 7, 13, 14, 15, 29})  // around the tile's rows, of which there are 6 or 14
    for (const Index out : {1, 15, 16, 33}) check<S>({.batch = rows, .in_c = 20, .out_c = out});
}

}  // namespace

int main() {
  if (!processor_is_able()) {
    std::fprintf(stderr, "this processor lacks the instructions\n");
    return 77;
  }
  check_all<float>();
  check_all<double>();
  std::printf("packets of %d floats: %d of %d checks failed\n", static_cast<int>(kernels::packet_size<float>), failures,
              checks);
  return failures == 0 ? 0 : 1;
}

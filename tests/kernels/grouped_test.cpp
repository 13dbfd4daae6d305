// The grouped passes against the naive references, which know no groups: they get whole kernels, with zeros between the
// groups.
//
// Operands are whole numbers and slopes powers of two, so that results must be equal; see convolution_test.cpp. Outputs
// start as NaN.

#include "rival/kernels/convolution/grouped.hpp"

#include <algorithm>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rival/kernels/naive.hpp"

using namespace rival;
using kernels::ConvGeometry;
using kernels::Epilogue;

namespace {

template <class S>
std::vector<S> whole_numbers(Index count, std::mt19937& random) {
  std::vector<S> values(static_cast<std::size_t>(count));
  for (S& value : values) value = static_cast<S>(static_cast<int>(random() % 9) - 4);
  return values;
}

/// A convolution of whole channels that does what the grouped one does. Element i of a grouped kernel is element
/// place(i) of it.
struct Whole {
  ConvGeometry g;
  Index groups;

  Index place(Index i) const {
    const Index in = g.in_c / groups, out = g.out_c / groups;
    const Index b = i % g.out_c, k = i / g.out_c % in, tap = i / g.out_c / in;
    return (tap * g.in_c + b / out * in + k) * g.out_c + b;
  }
};

template <class S>
std::vector<S> finished(std::vector<S> sums, Index channels, const Epilogue<S>& epilogue) {
  for (std::size_t i = 0; i < sums.size(); ++i) {
    S& y = sums[i];
    if (epilogue.scale) y *= epilogue.scale[static_cast<Index>(i) % channels];
    if (epilogue.bias) y += epilogue.bias[static_cast<Index>(i) % channels];
    if (!(y > 0)) y *= epilogue.slope;
    if (epilogue.gate && !(epilogue.gate[i] > 0)) y *= epilogue.gate_slope;
  }
  return sums;
}

/// The first difference; the vector ends with a canary that `expected` has not.
template <class S>
void require_equal(const std::string& what, const std::vector<S>& got, const std::vector<S>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!(got[i] == expected[i])) {
      FAIL_CHECK(what << "[" << i << "]: expected " << expected[i] << ", got " << got[i]);
      return;
    }
  CHECK(got.back() == S(12345));
}

template <class S>
void check(const ConvGeometry& g, Index groups, unsigned bits = 0) {
  INFO("in " << g.in_h << 'x' << g.in_w << 'x' << g.in_c << ", out " << g.out_h << 'x' << g.out_w << 'x' << g.out_c
             << ", kernel " << g.kernel_h << 'x' << g.kernel_w << ", stride " << g.stride_h << 'x' << g.stride_w
             << ", padding " << g.pad_h << 'x' << g.pad_w << ", " << groups << " groups, epilogue " << bits);
  std::mt19937 random(static_cast<unsigned>(g.batch + 10 * g.in_c + 1000 * g.out_c));
  const Whole whole{g, groups};
  const auto x = whole_numbers<S>(g.batch * g.in_pixels() * g.in_c, random),
             dy = whole_numbers<S>(g.batch * g.out_pixels() * g.out_c, random);
  const auto w = whole_numbers<S>(g.taps() * g.in_c / groups * g.out_c, random);
  std::vector<S> wide(static_cast<std::size_t>(g.taps() * g.in_c * g.out_c), S(0));
  for (std::size_t i = 0; i < w.size(); ++i) wide[static_cast<std::size_t>(whole.place(static_cast<Index>(i)))] = w[i];
  const auto empty = [](std::size_t size) {
    std::vector<S> values(size + 1, std::numeric_limits<S>::quiet_NaN());
    values.back() = S(12345);
    return values;
  };
  const auto epilogue_of = [&](const std::vector<S>& bias, const std::vector<S>& scale, const std::vector<S>& gate) {
    Epilogue<S> epilogue;
    if (bits & 1) epilogue.bias = bias.data();
    if (bits & 2) epilogue.slope = S(0.25);
    if (bits & 4) epilogue.gate = gate.data(), epilogue.gate_slope = S(0.5);
    if (bits & 8) epilogue.scale = scale.data();
    return epilogue;
  };

  std::vector<S> y(dy.size()), dx(x.size()), dw(wide.size(), S(3));
  kernels::naive::conv_output(g, x.data(), wide.data(), y.data());
  kernels::naive::conv_input_gradient(g, dy.data(), wide.data(), dx.data());
  kernels::naive::conv_weight_gradient(g, x.data(), dy.data(), dw.data());

  const auto out_bias = whole_numbers<S>(g.out_c, random), out_scale = whole_numbers<S>(g.out_c, random);
  const auto output = epilogue_of(out_bias, out_scale, dy);
  std::vector<S> got = empty(y.size());
  kernels::grouped_output(g, groups, x.data(), w.data(), got.data(), output);
  require_equal("output", got, finished(y, g.out_c, output));

  const auto in_bias = whole_numbers<S>(g.in_c, random), in_scale = whole_numbers<S>(g.in_c, random);
  const auto input = epilogue_of(in_bias, in_scale, x);
  got = empty(dx.size());
  kernels::grouped_input_gradient(g, groups, dy.data(), w.data(), got.data(), input);
  require_equal("input gradient", got, finished(dx, g.in_c, input));

  got = empty(w.size());
  std::fill(got.begin(), got.end() - 1, S(3));  // is added to
  kernels::grouped_weight_gradient(g, groups, x.data(), dy.data(), got.data());
  std::vector<S> narrow(w.size());
  for (std::size_t i = 0; i < w.size(); ++i)
    narrow[i] = dw[static_cast<std::size_t>(whole.place(static_cast<Index>(i)))];
  require_equal("weight gradient", got, narrow);
}

struct Pair {
  Index h, w;
};
ConvGeometry geometry(Index batch, Pair in, Index in_c, Index out_c, Pair kernel, Pair stride = {1, 1},
                      Pair pad = {0, 0}) {
  return {.batch = batch,
          .in_h = in.h,
          .in_w = in.w,
          .in_c = in_c,
          .out_h = (in.h + 2 * pad.h - kernel.h) / stride.h + 1,
          .out_w = (in.w + 2 * pad.w - kernel.w) / stride.w + 1,
          .out_c = out_c,
          .kernel_h = kernel.h,
          .kernel_w = kernel.w,
          .stride_h = stride.h,
          .stride_w = stride.w,
          .pad_h = pad.h,
          .pad_w = pad.w};
}

}  // namespace

TEMPLATE_TEST_CASE("grouped convolution: channels of a group around every edge of packets", "", float, double) {
  for (const Index in : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33})
    for (const Index out : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33})
      for (const Index groups : {2, 3}) {
        check<TestType>(geometry(2, {4, 3}, in * groups, out * groups, {3, 3}, {1, 1}, {1, 1}), groups, 3);
        check<TestType>(geometry(3, {5, 6}, in * groups, out * groups, {2, 3}, {2, 2}, {0, 1}), groups, 4);
        check<TestType>(geometry(2, {2, 3}, in * groups, out * groups, {1, 1}), groups);
      }
}

TEMPLATE_TEST_CASE("grouped convolution: depthwise, with channels around every edge of packets", "", float, double) {
  for (const Index channels : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 49})
    for (const Index multiplier : {1, 2, 3}) {
      check<TestType>(geometry(2, {5, 4}, channels, multiplier * channels, {3, 3}, {1, 1}, {1, 1}), channels, 15);
      check<TestType>(geometry(3, {6, 7}, channels, multiplier * channels, {3, 2}, {2, 3}, {1, 0}), channels, 5);
    }
}

TEMPLATE_TEST_CASE("grouped convolution: kernels, strides and paddings", "", float, double) {
  for (const Index kernel : {1, 2, 3, 5})
    for (const Index stride : {1, 2, 3, 4})
      for (const Index pad : {0, 1, 2, 6})
        for (const Index other : {1, 4})
          for (const Index width : {1, 3, 17}) {
            const ConvGeometry g = geometry(2, {5, 6}, 2 * width, 2 * width, {kernel, other}, {stride, 2}, {pad, 1});
            check<TestType>(g, 2, static_cast<unsigned>(kernel + stride + pad));
          }
}

TEMPLATE_TEST_CASE("grouped convolution: scale, bias, slope and gate in every combination", "", float, double) {
  for (unsigned bits = 0; bits < 16; ++bits)
    for (const Index width : {1, 2, 17})
      check<TestType>(geometry(3, {5, 4}, 3 * width, 3 * width, {3, 3}, {2, 1}, {1, 1}), 3, bits);
}

TEMPLATE_TEST_CASE("grouped convolution: the same bits on any number of threads", "", float, double) {
  using S = TestType;
  const int before = threads();
  for (const Index groups : {64, 16, 2}) {
    const ConvGeometry g = geometry(16, {16, 16}, 64, 64, {3, 3}, {1, 1}, {1, 1});
    std::mt19937 random(1);
    std::uniform_real_distribution<S> uniform(-1, 1);
    const auto reals = [&](Index count) {
      std::vector<S> values(static_cast<std::size_t>(count));
      for (S& value : values) value = uniform(random);
      return values;
    };
    const auto x = reals(16 * 256 * 64), dy = reals(16 * 256 * 64), w = reals(9 * 64 / groups * 64);
    std::vector<std::vector<S>> results;
    for (const int count : {1, 3}) {
      set_threads(count);
      std::vector<S> y(dy.size()), dx(x.size()), dw(w.size());
      kernels::grouped_output(g, groups, x.data(), w.data(), y.data());
      kernels::grouped_input_gradient(g, groups, dy.data(), w.data(), dx.data());
      kernels::grouped_weight_gradient(g, groups, x.data(), dy.data(), dw.data());
      for (const auto* result : {&y, &dx, &dw}) results.push_back(*result);
    }
    set_threads(before);
    for (std::size_t i = 0; i < 3; ++i) CHECK(results[i] == results[i + 3]);
  }
}

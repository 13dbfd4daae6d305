// Winograd's algorithm: its identity exactly, its passes against the naive references, and its rounding against the
// direct kernel's.

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rival/kernels/convolution/convolution.hpp"
#include "rival/kernels/naive.hpp"

using namespace rival;
using kernels::ConvGeometry;
using kernels::Epilogue;

namespace {

template <int m, int r>
void check_identity() {
  using W = kernels::Winograd<m, r>;
  INFO("F(" << m << ", " << r << ")");
  for (std::size_t j = 0; j < m; ++j)
    for (std::size_t t = 0; t < r; ++t)
      for (std::size_t s = 0; s < W::points; ++s) {
        double sum = 0;
        for (std::size_t i = 0; i < W::points; ++i) sum += W::outputs[j][i] * W::taps[t][i] * W::source[i][s];
        CHECK(std::abs(sum - (s == j + t ? 1 : 0)) < 1e-15);
      }
}

template <int s, int r>
void check_full_identity() {
  using W = kernels::FullWinograd<s, r>;
  INFO("full F(" << s << ", " << r << ")");
  for (std::size_t j = 0; j < W::points; ++j)
    for (std::size_t t = 0; t < r; ++t)
      for (std::size_t i = 0; i < s; ++i) {
        double sum = 0;
        for (std::size_t p = 0; p < W::points; ++p) sum += W::outputs[j][p] * W::taps[t][p] * W::source[p][i];
        CHECK(std::abs(sum - (i + r - 1 == j + t ? 1 : 0)) < 1e-15);
      }
}

struct Shape2 {
  Index batch, in_h, in_w, in_c, out_c, kernel_h, kernel_w, stride, pad, pad_end;
};

ConvGeometry geometry(const Shape2& s, bool out_major) {
  return {.batch = s.batch,
          .in_h = s.in_h,
          .in_w = s.in_w,
          .in_c = s.in_c,
          .out_h = (s.in_h + s.pad + s.pad_end - s.kernel_h) / s.stride + 1,
          .out_w = (s.in_w + s.pad + s.pad_end - s.kernel_w) / s.stride + 1,
          .out_c = s.out_c,
          .kernel_h = s.kernel_h,
          .kernel_w = s.kernel_w,
          .stride_h = s.stride,
          .stride_w = s.stride,
          .pad_h = s.pad,
          .pad_w = s.pad,
          .out_major = out_major};
}

std::string text(const ConvGeometry& g) {
  std::ostringstream out;
  out << g.batch << " images, in " << g.in_h << 'x' << g.in_w << 'x' << g.in_c << ", out " << g.out_h << 'x' << g.out_w
      << 'x' << g.out_c << ", kernel " << g.kernel_h << 'x' << g.kernel_w << ", stride " << g.stride_h << ", padding "
      << g.pad_h << (g.out_major ? ", out major" : "");
  return out.str();
}

using Numbers = std::vector<float>;

Numbers normal(Index count, std::mt19937& random) {
  std::normal_distribution<float> distribution;
  Numbers values(static_cast<std::size_t>(count));
  for (float& value : values) value = distribution(random);
  return values;
}

struct Operands {
  ConvGeometry g;
  Numbers x, dy, w, in_bias, out_bias;

  Operands(const ConvGeometry& geometry, std::mt19937& random)
      : g(geometry),
        x(normal(g.batch * g.in_pixels() * g.in_c, random)),
        dy(normal(g.batch * g.out_pixels() * g.out_c, random)),
        w(normal(g.taps() * g.in_c * g.out_c, random)),
        in_bias(normal(g.in_c, random)),
        out_bias(normal(g.out_c, random)) {}
};

/// The results of one of: Winograd's algorithm, whatever the estimate says of its gain; the direct kernel; the
/// dispatch.
struct Results {
  Numbers y, dx, dw;
};

Results winograd(const Operands& o, const Epilogue<float>& output, const Epilogue<float>& input,
                 bool gradient_of_output) {
  Results r{Numbers(o.dy.size(), std::numeric_limits<float>::quiet_NaN()),
            Numbers(o.x.size(), std::numeric_limits<float>::quiet_NaN()), Numbers(o.w.size(), 0.5f)};
  namespace k = kernels::internal;
  k::FilterPlan plan;
  REQUIRE(plan.make(o.g, true));
  k::WinogradPass<float>(o.g, true, plan).run(o.g.out_major, o.x.data(), o.w.data(), r.y.data(), output);
  if (gradient_of_output) k::WinogradGradient<float>(o.g, true, plan).run(o.x.data(), o.dy.data(), r.dw.data());
  REQUIRE(plan.make(o.g, false));
  k::WinogradPass<float>(o.g, false, plan).run(!o.g.out_major, o.dy.data(), o.w.data(), r.dx.data(), input);
  if (!gradient_of_output) k::WinogradGradient<float>(o.g, false, plan).run(o.dy.data(), o.x.data(), r.dw.data());
  return r;
}

Results direct(const Operands& o) {
  namespace k = kernels::internal;
  Results r{Numbers(o.dy.size()), Numbers(o.x.size()), Numbers(o.w.size(), 0.5f)};
  k::direct_pass(o.g, k::Pass::output, o.x.data(), o.w.data(), r.y.data(), Epilogue<float>{});
  k::direct_pass(o.g, k::Pass::input_gradient, o.dy.data(), o.w.data(), r.dx.data(), Epilogue<float>{});
  k::direct_weight_gradient(o.g, o.x.data(), o.dy.data(), r.dw.data());
  return r;
}

Results dispatched(const Operands& o) {
  Results r{Numbers(o.dy.size()), Numbers(o.x.size()), Numbers(o.w.size(), 0.5f)};
  kernels::conv_output(o.g, o.x.data(), o.w.data(), r.y.data());
  kernels::conv_input_gradient(o.g, o.dy.data(), o.w.data(), r.dx.data());
  kernels::conv_weight_gradient(o.g, o.x.data(), o.dy.data(), r.dw.data());
  return r;
}

struct Exact {
  std::vector<double> y, dx, dw;
};

Exact exact(const Operands& o) {
  const auto doubles = [](const Numbers& from) { return std::vector<double>(from.begin(), from.end()); };
  const auto x = doubles(o.x), dy = doubles(o.dy), w = doubles(o.w);
  Exact r{std::vector<double>(dy.size()), std::vector<double>(x.size()), std::vector<double>(w.size(), 0.5)};
  kernels::naive::conv_output(o.g, x.data(), w.data(), r.y.data());
  kernels::naive::conv_input_gradient(o.g, dy.data(), w.data(), r.dx.data());
  kernels::naive::conv_weight_gradient(o.g, x.data(), dy.data(), r.dw.data());
  return r;
}

void finish(std::vector<double>& sums, Index channels, const Epilogue<float>& epilogue) {
  for (std::size_t i = 0; i < sums.size(); ++i) {
    double& y = sums[i];
    if (epilogue.bias) y += static_cast<double>(epilogue.bias[static_cast<Index>(i) % channels]);
    if (!(y > 0)) y *= static_cast<double>(epilogue.slope);
    if (epilogue.gate && !(epilogue.gate[i] > 0)) y *= static_cast<double>(epilogue.gate_slope);
  }
}

/// Root mean square of the error over that of the result; NaN counts as infinite.
double error(const Numbers& got, const std::vector<double>& right) {
  double wrong = 0, all = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = static_cast<double>(got[i]) - right[i];
    wrong += difference * difference;
    all += right[i] * right[i];
  }
  return std::isfinite(wrong) ? std::sqrt(wrong / std::max(all, 1e-300)) : std::numeric_limits<double>::infinity();
}

const Shape2 shapes[] = {
    // every kernel, stride and some paddings
    {2, 7, 7, 17, 33, 3, 3, 1, 1, 1},
    {2, 8, 5, 16, 32, 3, 3, 1, 0, 0},
    {3, 6, 9, 5, 40, 5, 5, 1, 2, 2},
    {1, 9, 4, 33, 7, 4, 4, 1, 1, 2},
    {2, 6, 7, 18, 20, 2, 2, 1, 0, 1},
    {2, 14, 14, 16, 20, 4, 4, 2, 1, 1},
    {3, 7, 7, 20, 34, 4, 4, 2, 1, 1},
    {2, 7, 7, 20, 34, 3, 3, 2, 1, 1},
    {2, 14, 9, 19, 31, 5, 5, 2, 1, 2},
    {1, 13, 6, 64, 70, 3, 3, 2, 0, 1},
    {2, 5, 8, 17, 16, 2, 2, 2, 0, 0},
    {1, 4, 4, 31, 65, 4, 4, 1, 0, 0},
    // kernels that are not square, taps far outside of the image
    {2, 9, 6, 10, 12, 2, 5, 1, 1, 2},
    {2, 9, 6, 10, 12, 5, 3, 2, 3, 3},
    {1, 1, 3, 8, 9, 3, 3, 1, 4, 4},
    {1, 3, 1, 130, 5, 4, 3, 2, 2, 3},
    // more than one part of the images, and than one block of channels
    {64, 7, 7, 16, 16, 3, 3, 1, 1, 1},
    {130, 8, 8, 72, 80, 4, 4, 2, 1, 1},
    {20, 28, 27, 40, 33, 3, 3, 1, 1, 1}};

}  // namespace

TEST_CASE("winograd: the transforms compute a filter") {
  check_identity<1, 1>(), check_identity<1, 2>(), check_identity<1, 3>(), check_identity<3, 1>();
  check_identity<2, 2>(), check_identity<3, 2>(), check_identity<4, 2>(), check_identity<7, 2>();
  check_identity<2, 3>(), check_identity<3, 3>(), check_identity<4, 3>(), check_identity<6, 3>();
  check_full_identity<1, 2>(), check_full_identity<3, 2>(), check_full_identity<7, 2>();
  check_full_identity<1, 3>(), check_full_identity<4, 3>(), check_full_identity<6, 3>();
}

TEST_CASE("winograd: all passes, with and without epilogue, against the references") {
  std::mt19937 random(11);
  unsigned bits = 0;
  for (const Shape2& shape : shapes)
    for (const bool out_major : {false, true}) {
      const Operands o(geometry(shape, out_major), random);
      INFO(text(o.g));
      bits = (bits + 3) % 8;
      const auto epilogue = [&](const Numbers& bias, const Numbers& gate) {
        Epilogue<float> e;
        if (bits & 1) e.bias = bias.data();
        if (bits & 2) e.slope = 0.25f;
        if (bits & 4) e.gate = gate.data(), e.gate_slope = 0.5f;
        return e;
      };
      const auto output = epilogue(o.out_bias, o.dy), input = epilogue(o.in_bias, o.x);
      Exact right = exact(o);
      finish(right.y, o.g.out_c, output);
      finish(right.dx, o.g.in_c, input);
      for (const bool gradient_of_output : {true, false}) {
        const Results got = winograd(o, output, input, gradient_of_output);
        CHECK(error(got.y, right.y) < 1e-5);
        CHECK(error(got.dx, right.dx) < 1e-5);
        CHECK(error(got.dw, right.dw) < 1e-5);
      }
    }
}

TEST_CASE("winograd: rounds at most ten times as much as the direct kernel") {
  std::mt19937 random(12);
  for (const Shape2& shape : {Shape2{16, 14, 14, 64, 64, 4, 4, 2, 1, 1}, Shape2{16, 7, 7, 64, 96, 4, 4, 2, 1, 1},
                              Shape2{16, 7, 7, 64, 64, 5, 5, 1, 2, 2}, Shape2{16, 14, 14, 64, 64, 5, 5, 2, 1, 2},
                              Shape2{16, 16, 16, 64, 64, 3, 3, 1, 1, 1}}) {
    const Operands o(geometry(shape, false), random);
    INFO(text(o.g));
    const Exact right = exact(o);
    const Results fast = winograd(o, {}, {}, true), slow = direct(o);
    CHECK(error(fast.y, right.y) < 10 * error(slow.y, right.y));
    CHECK(error(fast.dx, right.dx) < 10 * error(slow.dx, right.dx));
    CHECK(error(fast.dw, right.dw) < 10 * error(slow.dw, right.dw));
  }
}

// Layers that people train, at 28, 32 and 64 pixels: each shape stands for a strided convolution, its transposed twin
// and the gradients of both, since these are the same three passes.
struct Layer {
  const char* name;
  Index size, in_c, out_c, kernel, stride, pad, pad_end;
};
const Layer real_layers[] = {{"dcgan28, 14x14", 14, 64, 128, 4, 2, 1, 1},
                             {"dcgan28, 7x7", 7, 128, 256, 4, 2, 1, 1},
                             {"dcgan28, 3x3 kernel", 7, 128, 256, 3, 2, 1, 1},
                             {"dcgan28, wide", 14, 256, 256, 4, 2, 1, 1},
                             {"tfdcgan, 14x14", 14, 64, 128, 5, 2, 1, 2},
                             {"tfdcgan, 7x7", 7, 256, 128, 5, 1, 2, 2},
                             {"dcgan or sngan at 32, 16x16", 16, 64, 128, 4, 2, 1, 1},
                             {"dcgan or sngan at 32, 8x8", 8, 128, 256, 4, 2, 1, 1},
                             {"dcgan or sngan at 64, 32x32", 32, 64, 128, 4, 2, 1, 1},
                             {"sngan, 16x16", 16, 128, 128, 3, 1, 1, 1},
                             {"sngan, 8x8", 8, 256, 256, 3, 1, 1, 1},
                             {"r3gan, 7x7", 7, 128, 128, 3, 1, 1, 1},
                             {"r3gan, 14x14", 14, 96, 96, 3, 1, 1, 1},
                             {"r3gan, 28x28", 28, 64, 64, 3, 1, 1, 1},
                             {"r3gan, 32x32", 32, 96, 96, 3, 1, 1, 1},
                             {"wgan-gp at 28, 14x14", 14, 64, 128, 5, 2, 2, 2},
                             {"wgan-gp at 64, 32x32", 32, 64, 128, 5, 2, 2, 2},
                             {"wgan-gp at 64, 8x8", 8, 256, 512, 5, 2, 2, 2}};

/// The largest error over the outputs, relative to the largest of them.
double largest_error(const Numbers& got, const std::vector<double>& right) {
  double wrong = 0, most = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got[i]) - right[i]);
    if (!(difference <= wrong)) wrong = difference;
    most = std::max(most, std::abs(right[i]));
  }
  return wrong / most;
}

/// The direct kernel's results in double: held to the naive reference by other tests, and much faster.
Exact direct_in_double(const Operands& o) {
  const auto doubles = [](const Numbers& from) { return std::vector<double>(from.begin(), from.end()); };
  const auto x = doubles(o.x), dy = doubles(o.dy), w = doubles(o.w);
  Exact r{std::vector<double>(dy.size()), std::vector<double>(x.size()), std::vector<double>(w.size(), 0.5)};
  kernels::conv_output(o.g, x.data(), w.data(), r.y.data());
  kernels::conv_input_gradient(o.g, dy.data(), w.data(), r.dx.data());
  kernels::conv_weight_gradient(o.g, x.data(), dy.data(), r.dw.data());
  return r;
}

TEST_CASE("winograd: the largest error of real layers is at most ten times the direct kernel's") {
  namespace k = kernels::internal;
  for (const Layer& l : real_layers)
    for (const bool positive : {false, true})
      for (unsigned seed = 0; seed < 3; ++seed) {
        // Few images, though the dispatch would not take all layers for so few: whether it does for 64 is asked below.
        std::mt19937 random(seed);
        Operands o(
            geometry({2, l.size, l.size, l.in_c, l.out_c, l.kernel, l.kernel, l.stride, l.pad, l.pad_end}, false),
            random);
        if (positive)
          for (Numbers* numbers : {&o.x, &o.dy, &o.w})
            for (float& value : *numbers) value = std::abs(value);
        const Exact right = direct_in_double(o);
        const Results slow = direct(o);
        Results fast = slow;
        std::fill(fast.dw.begin(), fast.dw.end(), 0.5f);
        INFO(l.name << (positive ? ", positive" : "") << ", seed " << seed);
        k::FilterPlan plan;
        REQUIRE(plan.make(o.g, true));
        if (k::pass_gain(plan, 64, l.in_c, l.out_c) >= k::winograd_least_gain)
          k::WinogradPass<float>(o.g, true, plan).run(false, o.x.data(), o.w.data(), fast.y.data(), {});
        REQUIRE(plan.make(o.g, false));
        if (k::pass_gain(plan, 64, l.out_c, l.in_c) >= k::winograd_least_gain)
          k::WinogradPass<float>(o.g, false, plan).run(true, o.dy.data(), o.w.data(), fast.dx.data(), {});
        REQUIRE(plan.make(o.g, true, true));
        k::WinogradGradient<float>(o.g, true, plan).run(o.x.data(), o.dy.data(), fast.dw.data());
        CHECK(largest_error(fast.y, right.y) < 10 * largest_error(slow.y, right.y));
        CHECK(largest_error(fast.dx, right.dx) < 10 * largest_error(slow.dx, right.dx));
        CHECK(largest_error(fast.dw, right.dw) < 10 * largest_error(slow.dw, right.dw));
      }
}

TEST_CASE("winograd: the dispatch takes it for large layers, and the bits are those of one thread on any number") {
  std::mt19937 random(13);
  const int before = threads();
  for (const bool out_major : {false, true})
    for (const Shape2& shape :
         {Shape2{64, 14, 14, 64, 128, 4, 4, 2, 1, 1}, Shape2{67, 14, 13, 70, 90, 5, 5, 2, 1, 2}}) {
      const Operands o(geometry(shape, out_major), random);
      INFO(text(o.g));
      set_threads(1);
      const Results one = dispatched(o), plain = direct(o);
      CHECK(one.y != plain.y);  // different rounding
      CHECK(one.dx != plain.dx);
      CHECK(one.dw != plain.dw);
      for (const int count : {2, 3}) {
        set_threads(count);
        const Results many = dispatched(o);
        CHECK(many.y == one.y);
        CHECK(many.dx == one.dx);
        CHECK(many.dw == one.dw);
      }
    }
  set_threads(before);
}

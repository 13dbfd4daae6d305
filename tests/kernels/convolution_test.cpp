// The three fast passes against the naive references.
//
// Operands are whole numbers from -4 to 4 and slopes are powers of two, so every partial sum in any order is exact
// (below 2^24, what a float can count to): results must be equal, and a single term too many or too few shows. Outputs
// start as NaN between canaries; inputs end where their memory ends, for the address sanitiser.

#include "rival/kernels/convolution/convolution.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rival/kernels/naive.hpp"
#include "rival/kernels/normalise.hpp"

using namespace rival;
using kernels::ConvGeometry;
using kernels::Epilogue;

namespace {

struct Pair {
  Index h, w;
};

ConvGeometry geometry(Index batch, Pair in, Index in_c, Index out_c, Pair kernel, Pair stride = {1, 1},
                      Pair pad = {0, 0}, Pair pad_end = {0, 0}) {
  return {.batch = batch,
          .in_h = in.h,
          .in_w = in.w,
          .in_c = in_c,
          .out_h = (in.h + pad.h + pad_end.h - kernel.h) / stride.h + 1,
          .out_w = (in.w + pad.w + pad_end.w - kernel.w) / stride.w + 1,
          .out_c = out_c,
          .kernel_h = kernel.h,
          .kernel_w = kernel.w,
          .stride_h = stride.h,
          .stride_w = stride.w,
          .pad_h = pad.h,
          .pad_w = pad.w};
}
ConvGeometry dense(Index batch, Index in, Index out) { return {.batch = batch, .in_c = in, .out_c = out}; }

std::string text(const ConvGeometry& g) {
  std::ostringstream out;
  out << g.batch << " images, in " << g.in_h << 'x' << g.in_w << 'x' << g.in_c << ", out " << g.out_h << 'x' << g.out_w
      << 'x' << g.out_c << ", kernel " << g.kernel_h << 'x' << g.kernel_w << ", stride " << g.stride_h << 'x'
      << g.stride_w << ", padding " << g.pad_h << 'x' << g.pad_w << (g.out_major ? ", out major" : "");
  return out.str();
}

template <class S>
std::vector<S> whole_numbers(Index count, std::mt19937& random) {
  std::vector<S> values(static_cast<std::size_t>(count));
  for (S& value : values) value = static_cast<S>(static_cast<int>(random() % 9) - 4);
  return values;
}

/// NaN between canaries.
template <class S>
class Guarded {
 public:
  explicit Guarded(Index count) : all_(static_cast<std::size_t>(count + 2 * margin), canary) {
    std::fill(data(), data() + count, std::numeric_limits<S>::quiet_NaN());
  }
  S* data() { return all_.data() + margin; }

  /// The first element that differs, or a canary that died; empty if all is well.
  std::string difference(const std::vector<S>& expected) const {
    std::ostringstream problem;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const auto at = static_cast<Index>(i) - margin;
      const bool inside = at >= 0 && at < static_cast<Index>(expected.size());
      const S wanted = inside ? expected[static_cast<std::size_t>(at)] : canary;
      if (all_[i] == wanted) continue;
      problem << "at " << at << " of " << expected.size() << ": expected " << wanted << ", got " << all_[i];
      break;
    }
    return problem.str();
  }

 private:
  static constexpr Index margin = 64;
  static constexpr S canary = S(12345);
  std::vector<S> all_;
};

template <class S>
struct Operands {
  ConvGeometry g;
  std::vector<S> x, dy, w, in_bias, out_bias, in_scale, out_scale;

  Operands(const ConvGeometry& geometry, std::mt19937& random)
      : g(geometry),
        x(whole_numbers<S>(g.batch * g.in_pixels() * g.in_c, random)),
        dy(whole_numbers<S>(g.batch * g.out_pixels() * g.out_c, random)),
        w(whole_numbers<S>(g.taps() * g.in_c * g.out_c, random)),
        in_bias(whole_numbers<S>(g.in_c, random)),
        out_bias(whole_numbers<S>(g.out_c, random)),
        in_scale(whole_numbers<S>(g.in_c, random)),
        out_scale(whole_numbers<S>(g.out_c, random)) {}
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

/// One of the 16 combinations of bias, slope, gate and scale.
template <class S>
Epilogue<S> combination(unsigned bits, const std::vector<S>& bias, const std::vector<S>& gate,
                        const std::vector<S>& scale) {
  Epilogue<S> epilogue;
  if (bits & 1) epilogue.bias = bias.data();
  if (bits & 2) epilogue.slope = S(0.25);
  if (bits & 4) epilogue.gate = gate.data(), epilogue.gate_slope = S(0.5);
  if (bits & 8) epilogue.scale = scale.data();
  return epilogue;
}

constexpr unsigned every_combination = 16;

/// Checks the three passes; the first two with combination number `bits` of the epilogue, or with each.
template <class S>
void check_one(const ConvGeometry& g, unsigned bits = 0) {
  INFO(text(g) << ", epilogue " << bits);
  std::mt19937 random(static_cast<unsigned>(g.batch + 10 * g.in_c + 1000 * g.out_c));
  const Operands<S> o(g, random);
  const unsigned first = bits == every_combination ? 0 : bits, last = bits == every_combination ? 15 : bits;

  std::vector<S> y(o.dy.size()), dx(o.x.size());
  kernels::naive::conv_output(g, o.x.data(), o.w.data(), y.data());
  kernels::naive::conv_input_gradient(g, o.dy.data(), o.w.data(), dx.data());
  for (unsigned e = first; e <= last; ++e) {
    const auto output = combination(e, o.out_bias, o.dy, o.out_scale),
               input = combination(e, o.in_bias, o.x, o.in_scale);
    Guarded<S> fast_y(static_cast<Index>(y.size())), fast_dx(static_cast<Index>(dx.size()));
    kernels::conv_output(g, o.x.data(), o.w.data(), fast_y.data(), output);
    const std::string wrong_y = fast_y.difference(finished(y, g.out_c, output));
    if (!wrong_y.empty()) FAIL_CHECK("output, epilogue " << e << ", " << wrong_y);
    kernels::conv_input_gradient(g, o.dy.data(), o.w.data(), fast_dx.data(), input);
    const std::string wrong_dx = fast_dx.difference(finished(dx, g.in_c, input));
    if (!wrong_dx.empty()) FAIL_CHECK("input gradient, epilogue " << e << ", " << wrong_dx);
  }

  std::vector<S> dw = whole_numbers<S>(static_cast<Index>(o.w.size()), random);  // is added to
  Guarded<S> fast_dw(static_cast<Index>(dw.size()));
  std::copy(dw.begin(), dw.end(), fast_dw.data());
  kernels::naive::conv_weight_gradient(g, o.x.data(), o.dy.data(), dw.data());
  kernels::conv_weight_gradient(g, o.x.data(), o.dy.data(), fast_dw.data());
  const std::string wrong_dw = fast_dw.difference(dw);
  if (!wrong_dw.empty()) FAIL_CHECK("weight gradient, " << wrong_dw);
  SUCCEED();
}

/// The same for both orders of the weights.
template <class S>
void check(ConvGeometry g, unsigned bits = 0) {
  for (const bool out_major : {false, true}) {
    g.out_major = out_major;
    check_one<S>(g, bits);
  }
}

/// Around every edge of packets of 2 to 16 scalars and of blocks of two of them.
const Index channel_counts[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49};

/// What a kernel does along one axis.
struct Axis {
  Index in, kernel, stride, pad, pad_end;
};

/// All that fit; among them strides larger than the kernel and outputs that see nothing but padding.
std::vector<Axis> axes() {
  std::vector<Axis> all;
  for (const Index in : {1, 2, 5})
    for (Index kernel = 1; kernel <= 5; ++kernel)
      for (Index stride = 1; stride <= 4; ++stride)
        for (Index pad = 0; pad <= 6; pad += pad < 3 ? 1 : 3)
          for (Index end = 0; end <= 6; end += end < 3 ? 1 : 3)
            if (in + pad + end >= kernel) all.push_back({in, kernel, stride, pad, end});
  return all;
}

/// The layers of gan/architectures.hpp, transposed ones as the convolution that they transpose.
std::vector<ConvGeometry> architecture_layers() {
  const Pair s2{2, 2}, p1{1, 1}, p2{2, 2};
  const auto transposed = [](ConvGeometry g) {
    g.out_major = true;
    return g;
  };
  return {
      // dcgan28
      transposed(geometry(3, {4, 4}, 256, 100, {4, 4})), transposed(geometry(3, {7, 7}, 128, 256, {3, 3}, s2, p1, p1)),
      transposed(geometry(3, {14, 14}, 64, 128, {4, 4}, s2, p1, p1)),
      transposed(geometry(3, {28, 28}, 1, 64, {4, 4}, s2, p1, p1)), geometry(3, {28, 28}, 1, 64, {4, 4}, s2, p1, p1),
      geometry(3, {14, 14}, 64, 128, {4, 4}, s2, p1, p1), geometry(3, {7, 7}, 128, 256, {4, 4}, s2, p1, p1),
      geometry(3, {3, 3}, 256, 1, {3, 3}),
      // tfdcgan
      dense(3, 100, 12544), transposed(geometry(3, {7, 7}, 128, 256, {5, 5}, {1, 1}, p2, p2)),
      transposed(geometry(3, {14, 14}, 64, 128, {5, 5}, s2, p1, p2)),
      transposed(geometry(3, {28, 28}, 1, 64, {5, 5}, s2, p1, p2)), geometry(3, {28, 28}, 1, 64, {5, 5}, s2, p1, p2),
      geometry(3, {14, 14}, 64, 128, {5, 5}, s2, p1, p2), dense(3, 6272, 1),
      // dense
      dense(3, 784, 512), dense(3, 256, 1)};
}

}  // namespace

TEMPLATE_TEST_CASE("convolution: every kernel, stride and padding", "", float, double) {
  const std::vector<Axis> table = axes();
  const Pair channels[] = {{3, 5}, {17, 1}, {1, 17}, {9, 18}, {2, 8}, {35, 3}};
  for (std::size_t i = 0; i < table.size(); ++i) {
    // The other axis does something else: 97 and the size of the table have no common divisor that would pair few.
    const Axis &v = table[i], &h = table[(i * 97 + 31) % table.size()];
    const Pair c = channels[i % std::size(channels)];
    check<TestType>(geometry(2, {v.in, h.in}, c.h, c.w, {v.kernel, h.kernel}, {v.stride, h.stride}, {v.pad, h.pad},
                             {v.pad_end, h.pad_end}),
                    static_cast<unsigned>(i % 16));
  }
}

TEMPLATE_TEST_CASE("convolution: channels around every edge of packets and tiles, in both roles", "", float, double) {
  for (const Index in : channel_counts)
    for (const Index out : channel_counts) {
      check<TestType>(geometry(2, {2, 3}, in, out, {3, 3}, {1, 1}, {1, 1}, {1, 1}), 3);
      check<TestType>(geometry(1, {4, 5}, in, out, {2, 3}, {2, 2}, {0, 1}, {1, 0}), 4);
      check<TestType>(dense(3, in, out));
    }
}

TEMPLATE_TEST_CASE("convolution: rows around every multiple of the tile", "", float, double) {
  for (const Index rows : {1, 2, 5, 6, 7, 11, 12, 13, 14, 15, 27, 28, 29, 41, 42, 43})
    for (const Pair c : {Pair{17, 33}, Pair{40, 2}, Pair{2, 40}, Pair{1, 1}}) {
      check<TestType>(dense(rows, c.h, c.w));
      check<TestType>(dense(3, rows, c.w));  // rows of the weight gradient
      check<TestType>(geometry(1, {1, rows}, c.h, c.w, {1, 1}));
      check<TestType>(geometry(rows, {1, 2}, c.h, c.w, {1, 2}));
      check<TestType>(geometry(1, {rows, 2}, c.h, c.w, {3, 3}, {1, 2}, {1, 1}, {1, 1}));
    }
}

TEMPLATE_TEST_CASE("convolution: scale, bias, slope and gate in every combination and on every path", "", float,
                   double) {
  for (const Index in : {1, 2, 3, 4, 17, 32, 33})
    for (const Index out : {1, 2, 3, 4, 17, 32, 33}) {
      check<TestType>(geometry(5, {4, 8}, in, out, {3, 3}, {2, 1}, {1, 1}, {1, 1}), every_combination);  // 80 pixels
      check<TestType>(geometry(2, {4, 5}, in, out, {3, 3}, {2, 1}, {1, 1}, {1, 1}), every_combination);
      check<TestType>(dense(7, in, out), every_combination);
      check<TestType>(geometry(1, {2, 2}, in, out, {2, 2}, {3, 3}, {3, 2}, {4, 3}), every_combination);  // few taps
    }
}

TEMPLATE_TEST_CASE("convolution: batches of several blocks of images", "", float, double) {
  // The weight gradient takes as many images at a time as fit in 384 KB: here between 1 and 8 floats' images.
  const Pair k3{3, 3}, s1{1, 1}, p1{1, 1};
  check<TestType>(geometry(17, {28, 27}, 8, 9, k3, s1, p1, p1));
  check<TestType>(geometry(8, {28, 28}, 1, 33, k3, s1, p1, p1));
  check<TestType>(geometry(7, {27, 28}, 40, 3, k3, s1, p1, p1));
  check<TestType>(geometry(5, {27, 28}, 3, 40, {1, 1}));
  check<TestType>(geometry(2, {60, 60}, 20, 17, {2, 1}));  // not even one fits
  check<TestType>(dense(70, 1500, 17));
}

TEMPLATE_TEST_CASE("convolution: the layers of the ready architectures", "", float, double) {
  for (const ConvGeometry& g : architecture_layers()) {
    check_one<TestType>(g, 15);
    // A single image, and so many that their weights are worth packing, but not transforming: whole numbers are to stay
    // exact.
    for (const Index batch : {1, 5}) {
      ConvGeometry other = g;
      other.batch = batch;
      if (batch == 1 || g.in_c < 1000) check_one<TestType>(other, 11);
    }
  }
}

TEMPLATE_TEST_CASE("convolution: random geometries", "", float, double) {
  std::mt19937 random(5);
  const auto draw = [&](unsigned from, unsigned to) { return static_cast<Index>(from + random() % (to - from + 1)); };
  for (int i = 0; i < 400;) {
    const Pair in{draw(1, 9), draw(1, 9)}, kernel{draw(1, 5), draw(1, 5)}, stride{draw(1, 3), draw(1, 3)};
    const Pair pad{draw(0, 3), draw(0, 3)}, end{draw(0, 3), draw(0, 3)};
    if (in.h + pad.h + end.h < kernel.h || in.w + pad.w + end.w < kernel.w) continue;
    const Index most = draw(0, 1) == 0 ? 6 : 40;
    const auto c = static_cast<unsigned>(most);
    check<TestType>(geometry(draw(1, 5), in, draw(1, c), draw(1, c), kernel, stride, pad, end),
                    static_cast<unsigned>(draw(0, 15)));
    ++i;
  }
}

namespace {

template <class S>
struct Results {
  std::vector<S> y, dx, dw;
};

/// The three passes on real numbers in (-1, 1).
template <class S>
Results<S> passes(const ConvGeometry& g, const std::vector<S>& x, const std::vector<S>& dy, const std::vector<S>& w) {
  Results<S> r{std::vector<S>(dy.size()), std::vector<S>(x.size()), std::vector<S>(w.size())};
  kernels::conv_output(g, x.data(), w.data(), r.y.data());
  kernels::conv_input_gradient(g, dy.data(), w.data(), r.dx.data());
  kernels::conv_weight_gradient(g, x.data(), dy.data(), r.dw.data());
  return r;
}

template <class S>
std::vector<S> reals(Index count, std::mt19937& random) {
  std::uniform_real_distribution<S> uniform(-1, 1);
  std::vector<S> values(static_cast<std::size_t>(count));
  for (S& value : values) value = uniform(random);
  return values;
}

}  // namespace

TEMPLATE_TEST_CASE("convolution: rounds as a sum of its length does", "", float, double) {
  using S = TestType;
  std::mt19937 random(9);
  for (const ConvGeometry& g : {geometry(3, {7, 6}, 20, 33, {3, 3}, {2, 1}, {1, 1}, {1, 1}),
                                geometry(3, {9, 8}, 1, 24, {4, 4}, {2, 2}, {1, 1}, {1, 1}),
                                geometry(3, {9, 8}, 24, 1, {4, 4}, {2, 2}, {1, 1}, {1, 1}), dense(20, 200, 60)}) {
    INFO(text(g));
    const auto x = reals<S>(g.batch * g.in_pixels() * g.in_c, random),
               dy = reals<S>(g.batch * g.out_pixels() * g.out_c, random),
               w = reals<S>(g.taps() * g.in_c * g.out_c, random);
    const Results<S> got = passes(g, x, dy, w);
    const auto exact = [&](bool absolute) {
      const auto doubles = [=](const std::vector<S>& from) {
        std::vector<double> to(from.begin(), from.end());
        if (absolute)
          for (double& value : to) value = std::abs(value);
        return to;
      };
      const auto dx = doubles(x), ddy = doubles(dy), dw = doubles(w);
      Results<double> r{std::vector<double>(dy.size()), std::vector<double>(x.size()), std::vector<double>(w.size())};
      kernels::naive::conv_output(g, dx.data(), dw.data(), r.y.data());
      kernels::naive::conv_input_gradient(g, ddy.data(), dw.data(), r.dx.data());
      kernels::naive::conv_weight_gradient(g, dx.data(), ddy.data(), r.dw.data());
      return r;
    };
    const Results<double> expected = exact(false), terms = exact(true);
    // A sum of n products errs by at most n epsilon / 2 times the sum of their sizes, in any order; the reference in
    // double by as much again where S is double.
    const auto check_sums = [](const std::vector<S>& sums, const std::vector<double>& right,
                               const std::vector<double>& sizes, Index n) {
      const double bound = static_cast<double>(n) * static_cast<double>(std::numeric_limits<S>::epsilon());
      for (std::size_t i = 0; i < sums.size(); ++i)
        if (!(std::abs(static_cast<double>(sums[i]) - right[i]) <= bound * sizes[i]))
          FAIL_CHECK("at " << i << ": expected " << right[i] << ", got " << sums[i]);
    };
    check_sums(got.y, expected.y, terms.y, g.taps() * g.in_c);
    check_sums(got.dx, expected.dx, terms.dx, g.taps() * g.out_c);
    check_sums(got.dw, expected.dw, terms.dw, g.batch * g.out_pixels());
  }
  SUCCEED();
}

TEMPLATE_TEST_CASE("convolution: an image's bits do not depend on the images beside it", "", float, double) {
  using S = TestType;
  std::mt19937 random(4);
  for (ConvGeometry g : architecture_layers()) {
    g.batch = 67;  // above every bound below which weights are read in place
    INFO(text(g));
    // Winograd's algorithm, which a large batch is worth, rounds in its own way.
    kernels::internal::FilterPlan plan;
    const Index source_c = g.out_major ? g.out_c : g.in_c, destination_c = g.out_major ? g.in_c : g.out_c;
    if (std::is_same_v<S, float> && plan.make(g, !g.out_major) &&
        kernels::internal::pass_gain(plan, g.batch, source_c, destination_c) >= kernels::internal::winograd_least_gain)
      continue;
    const Index from_size = (g.out_major ? g.out_pixels() * g.out_c : g.in_pixels() * g.in_c);
    const Index to_size = (g.out_major ? g.in_pixels() * g.in_c : g.out_pixels() * g.out_c);
    const auto x = reals<S>(g.batch * from_size, random), w = reals<S>(g.taps() * g.in_c * g.out_c, random);
    const auto forward = [&](Index first, Index count) {
      ConvGeometry part = g;
      part.batch = count;
      std::vector<S> y(static_cast<std::size_t>(count * to_size));
      if (g.out_major)
        kernels::conv_input_gradient(part, x.data() + first * from_size, w.data(), y.data());
      else
        kernels::conv_output(part, x.data() + first * from_size, w.data(), y.data());
      return y;
    };
    const std::vector<S> all = forward(0, g.batch);
    Index first = 0;
    for (const Index count : {1, 1, 2, 3, 60}) {
      const std::vector<S> part = forward(first, count);
      CHECK(std::equal(part.begin(), part.end(), all.begin() + first * to_size));
      first += count;
    }
  }
}

TEMPLATE_TEST_CASE("convolution: the same bits on any number of threads", "", float, double) {
  using S = TestType;
  std::mt19937 random(3);
  const int before = threads();
  const Pair s2{2, 2}, p1{1, 1};
  // Each large enough to be shared among four threads; the last three are of few pixels.
  for (ConvGeometry g :
       {geometry(13, {14, 14}, 24, 40, {4, 4}, s2, p1, p1), geometry(40, {28, 28}, 1, 40, {4, 4}, s2, p1, p1),
        geometry(40, {28, 28}, 40, 1, {4, 4}, s2, p1, p1), dense(70, 300, 200), dense(50, 300, 1024),
        dense(1, 1024, 8192), geometry(1, {7, 7}, 128, 256, {5, 5}, {1, 1}, {2, 2}, {2, 2})})
    for (const bool out_major : {false, true}) {
      g.out_major = out_major;
      INFO(text(g));
      CHECK(g.flops() / 16 * 2 > 4 * parallel_work);
      const auto x = reals<S>(g.batch * g.in_pixels() * g.in_c, random),
                 dy = reals<S>(g.batch * g.out_pixels() * g.out_c, random),
                 w = reals<S>(g.taps() * g.in_c * g.out_c, random);
      set_threads(1);
      const Results<S> one = passes(g, x, dy, w);
      for (const int count : {2, 3, 4}) {
        set_threads(count);
        const Results<S> many = passes(g, x, dy, w);
        CHECK(many.y == one.y);
        CHECK(many.dx == one.dx);
        CHECK(many.dw == one.dw);
      }
    }
  set_threads(before);
}

TEST_CASE("convolution: a fused ReLU makes 0 of minus infinity, on every path") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Index batch : {1, 70})           // few pixels, and tiles
    for (const Index out_c : {1, 3, 32, 41})  // few channels, whole packets, and a rest
      for (const float slope : {0.0f, 0.25f}) {
        const kernels::ConvGeometry g{.batch = batch, .in_c = 20, .out_c = out_c};
        const std::vector<float> x(static_cast<std::size_t>(batch * 20), -infinity);
        const std::vector<float> w(static_cast<std::size_t>(20 * out_c), 1.0f);
        std::vector<float> y(static_cast<std::size_t>(batch * out_c));
        kernels::Epilogue<float> epilogue;
        epilogue.slope = slope;
        kernels::conv_output(g, x.data(), w.data(), y.data(), epilogue);
        INFO(batch << " images, " << out_c << " channels, slope " << slope);
        for (const float value : y) CHECK(value == (slope == 0 ? 0.0f : -infinity));
      }
  const std::vector<float> x(300 * 5, -infinity), ones(5, 1.0f), zeros(5, 0.0f);
  std::vector<float> y(x.size());
  kernels::scale_and_shift<float>(300, 5, x.data(), ones.data(), zeros.data(), 0.0f, y.data());
  CHECK(std::all_of(y.begin(), y.end(), [](float value) { return value == 0; }));
  kernels::combine_channels<float>(300, 5, y.data(), {y.data(), 0.0f}, zeros.data(),
                                   kernels::Scaled<float>{x.data(), ones.data()});
  CHECK(std::all_of(y.begin(), y.end(), [](float value) { return value == 0; }));
}

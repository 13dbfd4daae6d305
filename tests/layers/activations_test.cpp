#include "rival/layers/activations.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gradient_check.hpp"

namespace {

using namespace rival;

/// From -100 to 100 in steps of 1/512, and both signs of powers of two from the smallest normal number to the
/// largest.
template <class S>
std::vector<S> dense_grid() {
  std::vector<S> grid;
  for (int i = -100 * 512; i <= 100 * 512; ++i) grid.push_back(static_cast<S>(i) / S(512));
  for (int e = std::numeric_limits<S>::min_exponent; e < std::numeric_limits<S>::max_exponent; ++e)
    for (const S sign : {S(-1), S(1)}) grid.push_back(sign * std::ldexp(S(1.2345), e - 1));
  return grid;
}

template <class S>
Tensor<S> tensor(const std::vector<S>& values) {
  Tensor<S> x({1, static_cast<Index>(values.size())});
  std::copy(values.begin(), values.end(), x.data());
  return x;
}

/// The largest error over the grid, in units of epsilon times the true value. What is smaller than 1e-30
/// counts as if it were 1e-30: there Eigen's exponential stops at 2^-128.
template <class S>
double error_in_epsilons(const Layer<S>& layer, long double (*truth)(long double)) {
  const Tensor<S> x = tensor(dense_grid<S>());
  Trace<S> trace;
  const Tensor<S>& y = layer.forward(x, trace, {});
  double worst = 0;
  for (Index i = 0; i < x.size(); ++i) {
    const long double expected = truth(static_cast<long double>(x[i]));
    const long double error =
        std::abs(static_cast<long double>(y[i]) - expected) / std::max(std::abs(expected), 1e-30L);
    if (!(error <= worst)) worst = static_cast<double>(error);
    if (!std::isfinite(y[i])) FAIL(layer << " gives " << y[i] << " at " << x[i]);
  }
  return worst / std::numeric_limits<S>::epsilon();
}

template <class S>
void check_accuracy() {
  const double sigmoid = error_in_epsilons<S>(Sigmoid<S>(), [](long double z) { return 1 / (1 + std::exp(-z)); });
  const double tanh = error_in_epsilons<S>(Tanh<S>(), [](long double z) { return std::tanh(z); });
  const double silu =
      error_in_epsilons<S>(SiLU<S>(), [](long double z) { return z < -11000 ? 0 : z / (1 + std::exp(-z)); });
  const double softplus = error_in_epsilons<S>(
      Softplus<S>(), [](long double z) { return std::max(z, 0.0L) + std::log1p(std::exp(-std::abs(z))); });
  const double elu = error_in_epsilons<S>(ELU<S>(), [](long double z) { return z > 0 ? z : std::expm1(z); });
  // Beside each bound: measured in float and double, with AVX-512.
  CHECK(sigmoid < 4);   // 2.3, 1.5
  CHECK(tanh < 4);      // 2.1, 1.2
  CHECK(silu < 5);      // 3.1, 1.6
  CHECK(softplus < 4);  // 2.0, 1.0
  CHECK(elu < 3);       // 1.2, 0.5
}

template <class S>
std::vector<std::unique_ptr<Layer<S>>> all_activations() {
  std::vector<std::unique_ptr<Layer<S>>> all;
  all.push_back(std::make_unique<Tanh<S>>());
  all.push_back(std::make_unique<Sigmoid<S>>());
  all.push_back(std::make_unique<SiLU<S>>());
  all.push_back(std::make_unique<Softplus<S>>());
  all.push_back(std::make_unique<ELU<S>>(0.7));
  all.push_back(std::make_unique<LeakyReLU<S>>(0.3));
  all.push_back(std::make_unique<ReLU<S>>());
  return all;
}

/// f'(z) at one place.
template <class S>
S derivative(Layer<S>& layer, S z) {
  const Tensor<S> x({1, 1}, {z}), dy({1, 1}, {S(1)});
  Trace<S> trace;
  Tensor<S> dx;
  layer.forward(x, trace, {});
  layer.backward(trace, dy, &dx, {});
  return dx[0];
}

template <class S>
void check_extremes() {
  for (const auto& layer : all_activations<S>()) {
    const Tensor<S> x({1, 3}, {S(-1e4), S(0), S(1e4)});
    Trace<S> trace;
    const Tensor<S> y = layer->forward(x, trace, {});
    INFO(*layer);
    const std::string_view kind = layer->kind();
    const bool bounded = kind == "tanh" || kind == "sigmoid";
    CHECK(y[2] == (bounded ? S(1) : S(1e4)));
    CHECK(derivative(*layer, S(1e4)) == (bounded ? S(0) : S(1)));
    const S low = kind == "tanh" ? S(-1) : kind == "elu" ? S(-0.7) : kind == "leaky_relu" ? S(0.3) * S(-1e4) : S(0);
    CHECK(std::abs(y[0] - low) <= S(1e-30));
    CHECK(std::abs(derivative(*layer, S(-1e4)) - (kind == "leaky_relu" ? S(0.3) : S(0))) <= S(1e-30));
    for (const S z : {std::numeric_limits<S>::max(), std::numeric_limits<S>::lowest()})
      CHECK(std::isfinite(derivative(*layer, z)));
  }
}

// One table for every elementwise function, over every value at which one of them could go wrong.

template <class S>
std::vector<S> special_values() {
  using limits = std::numeric_limits<S>;
  std::vector<S> values = {S(0),
                           limits::denorm_min(),
                           limits::min() / 2,
                           limits::min(),
                           S(1e-38),
                           S(1e-30),
                           S(1e-5),
                           S(0.5),
                           S(1),
                           S(7.9),
                           S(8),
                           S(17),
                           S(50),
                           S(87),
                           S(88),
                           S(88.5),
                           S(88.8),
                           S(89),
                           S(100),
                           S(104),
                           S(120),
                           S(128),
                           S(700),
                           S(709),
                           S(710),
                           S(745),
                           S(746),
                           S(1e4),
                           S(1e30),
                           limits::max() / 2,
                           limits::max(),
                           limits::infinity()};
  for (std::size_t i = 0, count = values.size(); i < count; ++i) values.push_back(-values[i]);
  values.push_back(limits::quiet_NaN());
  return values;
}

/// How far a result may be from the truth: `relative` epsilons of the truth, `absolute` epsilons of 1 (where the truth
/// is the small difference of large numbers), and `least` times the least normal number.
struct Bound {
  double relative, absolute = 0, least = 1;
};

/// One function of z with the layer that computes it: f, and what f' and f'' are made of.
struct Row {
  const char* name;
  long double (*value)(long double);
  long double (*derivative)(long double);
  long double (*second)(long double);
  Bound value_bound, derivative_bound, second_bound;
};

long double sigmoid(long double z) { return 1 / (1 + std::exp(-z)); }
/// z s(z) (1 - s(z)), whose limits are 0.
long double bump(long double z) { return std::isinf(z) ? 0 : z * sigmoid(z) * sigmoid(-z); }
long double cosh_squared(long double z) { return std::cosh(z) * std::cosh(z); }

constexpr long double alpha = 0.75L, slope = 0.25L;  // exact in float

const Row rows[] = {{"tanh",
                     [](long double z) { return std::tanh(z); },
                     [](long double z) { return 1 / cosh_squared(z); },
                     [](long double z) { return -2 * std::tanh(z) / cosh_squared(z); },
                     {4},
                     {4, 4},
                     {4, 8}},
                    {"sigmoid",
                     sigmoid,
                     [](long double z) { return sigmoid(z) * sigmoid(-z); },
                     [](long double z) { return sigmoid(z) * sigmoid(-z) * (sigmoid(-z) - sigmoid(z)); },
                     {4},
                     {4, 1},
                     {4, 1}},
                    {"softplus",
                     [](long double z) { return std::max(z, 0.0L) + std::log1p(std::exp(-std::abs(z))); },
                     sigmoid,
                     [](long double z) { return sigmoid(z) * sigmoid(-z); },
                     {4},
                     {4},
                     {8}},
                    {"silu",
                     [](long double z) { return z == -INFINITY ? 0 : z * sigmoid(z); },
                     [](long double z) { return sigmoid(z) + bump(z); },
                     [](long double z) { return sigmoid(z) * sigmoid(-z) * 2 + bump(z) * (sigmoid(-z) - sigmoid(z)); },
                     {5, 0, 1024},
                     {8, 1, 1024},
                     {8, 1, 1024}},
                    {"elu",
                     [](long double z) { return z < 0 ? alpha * std::expm1(z) : z; },
                     [](long double z) { return z > 0 ? 1 : alpha * std::exp(z); },
                     [](long double z) { return z > 0 ? 0 : alpha * std::exp(z); },
                     {4},
                     {4, 2},
                     {4, 2}},
                    // Their derivative at NaN is the slope: the NaN is in the output already.
                    {"leaky_relu",
                     [](long double z) { return z < 0 ? slope * z : z; },
                     [](long double z) { return z > 0 ? 1 : slope; },
                     nullptr,
                     {1},
                     {0, 0, 0},
                     {}},
                    {"relu",
                     [](long double z) { return z < 0 ? 0 : z; },
                     [](long double z) { return z > 0 ? 1.0L : 0.0L; },
                     nullptr,
                     {0, 0, 0},
                     {0, 0, 0},
                     {}}};

template <class S>
std::unique_ptr<Layer<S>> layer_of(std::string_view name) {
  if (name == "tanh") return std::make_unique<Tanh<S>>();
  if (name == "sigmoid") return std::make_unique<Sigmoid<S>>();
  if (name == "softplus") return std::make_unique<Softplus<S>>();
  if (name == "silu") return std::make_unique<SiLU<S>>();
  if (name == "elu") return std::make_unique<ELU<S>>(static_cast<double>(alpha));
  if (name == "leaky_relu") return std::make_unique<LeakyReLU<S>>(static_cast<double>(slope));
  return std::make_unique<ReLU<S>>();
}

/// f, f' and f'' of each z, from the layer's four passes.
template <class S>
struct Computed {
  Tensor<S> value, derivative, second;

  Computed(Layer<S>& layer, const Tensor<S>& z) {
    const Tensor<S> ones(z.shape(), S(1));
    Trace<S> trace;
    value = layer.forward(z, trace, {});
    layer.backward(trace, ones, &derivative, {});
    if (layer.curvature() != Curvature::curved) return;
    const Tensor<S> tangent = layer.forward_tangent(ones, trace, {});
    for (Index i = 0; i < z.size(); ++i)  // y' = f'(z) 1
      if (!(tangent[i] == derivative[i]) && !std::isnan(derivative[i])) FAIL("y' is " << tangent[i] << " at " << z[i]);
    layer.backward_tangent(trace, ones, nullptr, &second, {});
  }
};

template <class S>
bool same_bits(S a, S b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

template <class S>
void check_special_values() {
  const std::vector<S> values = special_values<S>();
  const auto count = static_cast<Index>(values.size());
  for (const Row& row : rows) {
    INFO(row.name);
    const auto layer = layer_of<S>(row.name);
    const Computed<S> whole(*layer, tensor(values));
    const auto check = [&](const char* what, const Tensor<S>& got, long double (*truth)(long double),
                           const Bound& bound) {
      for (Index i = 0; i < count; ++i) {
        const long double z = static_cast<long double>(values[static_cast<std::size_t>(i)]);
        const long double right = truth(z), y = static_cast<long double>(got[i]);
        const long double epsilon = std::numeric_limits<S>::epsilon(), least = std::numeric_limits<S>::min();
        INFO(what << " at " << values[static_cast<std::size_t>(i)] << " is " << got[i] << ", not " << right);
        if (std::isnan(right))
          CHECK(std::isnan(y));
        else if (std::isinf(z) || std::isinf(right))
          CHECK(y == right);  // the limit
        else
          CHECK(std::abs(y - right) <=
                epsilon * (bound.relative * std::abs(right) + bound.absolute) + bound.least * least);
      }
    };
    check("f", whole.value, row.value, row.value_bound);
    check("f'", whole.derivative, row.derivative, row.derivative_bound);
    if (row.second) check("f''", whole.second, row.second, row.second_bound);

    // Each value at each place of short arrays of every length, which begin at every offset from a cache line: the
    // kernels are called by themselves, since tensors begin on one.
    const Index packet = kernels::packet_size<S>;
    for (Index i = 0; i < count; ++i)
      for (Index length = 1; length <= 2 * packet + 1; length += length < packet - 1 ? packet / 2 : 1)
        for (Index at = 0; at < length; ++at) {
          Tensor<S> z({1, length}, S(0.5));
          z[at] = values[static_cast<std::size_t>(i)];
          const Computed<S> part(*layer, z);
          const bool same = same_bits(part.value[at], whole.value[i]) &&
                            same_bits(part.derivative[at], whole.derivative[i]) &&
                            (!row.second || same_bits(part.second[at], whole.second[i]));
          if (!same) FAIL("other bits at " << at << " of " << length << " for " << z[at]);
        }
  }
}

template <class S, class F>
void check_offsets(const F& f) {
  const std::vector<S> values = special_values<S>();
  const auto count = static_cast<Index>(values.size());
  alignas(64) S z[256], y[256], dz[256], ones[256];
  std::vector<S> first_y, first_dz;
  std::fill(ones, ones + 256, S(1));
  for (Index offset = 0; offset < static_cast<Index>(64 / sizeof(S)); ++offset) {
    std::copy(values.begin(), values.end(), z + offset);
    kernels::map(f, z + offset, y + offset, count);
    kernels::map_gradient(f, z + offset, y + offset, ones, dz + offset, count);
    if (offset == 0) first_y.assign(y, y + count), first_dz.assign(dz, dz + count);
    for (Index i = 0; i < count; ++i) {
      const auto k = static_cast<std::size_t>(i);
      if (!same_bits(y[offset + i], first_y[k]) || !same_bits(dz[offset + i], first_dz[k]))
        FAIL("offset " << offset << " changes the bits of " << values[k]);
    }
  }
}

template <class S>
void check_all_offsets() {
  check_offsets<S>(kernels::Tanh{}), check_offsets<S>(kernels::Sigmoid{}), check_offsets<S>(kernels::Softplus{});
  check_offsets<S>(kernels::SiLU{}), check_offsets<S>(kernels::ELU<S>{S(0.75)});
}

}  // namespace

TEST_CASE("activations: gradients") {
  for (const auto& layer : all_activations<double>()) {
    rival::test::check_gradients(*layer, {3, 5, 7, 2});
    rival::test::check_gradients(*layer, {4, 11}, {.scale = 12});
  }
}

TEST_CASE("activations: accuracy over the whole range") {
  SECTION("float") { check_accuracy<float>(); }
  SECTION("double") { check_accuracy<double>(); }
}

TEST_CASE("activations: extreme values") {
  check_extremes<float>();
  check_extremes<double>();
}

TEST_CASE("activations: special values, within bounds of their limits and with the same bits in every place") {
  SECTION("float") { check_special_values<float>(); }
  SECTION("double") { check_special_values<double>(); }
  SECTION("float, every offset") { check_all_offsets<float>(); }
  SECTION("double, every offset") { check_all_offsets<double>(); }
}

TEST_CASE("activations: NaN is passed on wherever it stands, and nothing else is touched") {
  for (const auto& layer : all_activations<float>())
    for (Index place = 0; place < 37; ++place) {
      Tensor<float> x({1, 37}, 0.5f);
      x[place] = std::numeric_limits<float>::quiet_NaN();
      Trace<float> trace;
      const Tensor<float>& y = layer->forward(x, trace, {});
      for (Index i = 0; i < y.size(); ++i)
        if (std::isnan(y[i]) != (i == place)) FAIL(*layer << ": NaN at " << place << " gives " << y[i] << " at " << i);
    }
}

TEST_CASE("activations: a leaky ReLU's backward needs the output alone, and takes the slope at zero") {
  rival::LeakyReLU<float> layer(0.25);
  Trace<float> trace;
  trace.output = Tensor<float>({1, 4}, {-0.5f, 0.0f, 1e-30f, 2.0f});
  const Tensor<float> dy({1, 4}, {1, 2, 3, 4});
  Tensor<float> dx;
  layer.backward(trace, dy, &dx, {});
  const Tensor<float> expected({1, 4}, {0.25f, 0.5f, 3, 4});
  for (Index i = 0; i < 4; ++i) CHECK(dx[i] == expected[i]);
  layer.backward(trace, dy, nullptr, {});

  CHECK(layer.leaky_slope() == 0.25f);
  CHECK(rival::LeakyReLU().leaky_slope() == 0.2f);
  CHECK(rival::ReLU().leaky_slope() == 0.0f);
  CHECK(rival::Tanh().leaky_slope() == 1.0f);
  CHECK(derivative(*rival::ReLU<float>().clone(), 0.0f) == 0.0f);
}

TEST_CASE("activations: names, scalars and copies") {
  STATIC_REQUIRE(std::is_same_v<decltype(rival::Tanh()), rival::Tanh<float>>);
  STATIC_REQUIRE(std::is_same_v<decltype(rival::LeakyReLU(0.2)), rival::LeakyReLU<float>>);
  STATIC_REQUIRE(std::is_same_v<decltype(rival::ELU(0.5)), rival::ELU<float>>);
  for (const auto& layer : all_activations<float>()) {
    layer->set_name("G.it");
    const auto copy = layer->clone();
    CHECK(copy->kind() == layer->kind());
    CHECK(copy->name() == "G.it");
    CHECK(copy->leaky_slope() == layer->leaky_slope());
    CHECK(derivative(*copy, -0.75f) == derivative(*layer, -0.75f));
    CHECK(layer->output_shape({7, 5, 3}) == Shape{7, 5, 3});
    CHECK_FALSE(layer->has_parameters());
  }
}

TEST_CASE("activations: bad options") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(rival::LeakyReLU(-0.1), ContainsSubstring("leaky_relu: expected a slope in [0, 1], got -0.1"));
  CHECK_THROWS_WITH(rival::LeakyReLU(1.5), ContainsSubstring("got 1.5"));
  CHECK_THROWS_WITH(rival::LeakyReLU(std::nan("")), ContainsSubstring("got nan"));
  CHECK_THROWS_WITH(rival::ELU(-1), ContainsSubstring("elu: expected alpha >= 0, got -1"));
}

TEST_CASE("activations: the same bits on any number of threads") {
  const int before = rival::threads();
  Tensor<float> x({64, 7, 7, 64}), dy(x.shape());  // many blocks, the last one short
  rival::Random(1).fill_normal(x, 0.0f, 3.0f);
  rival::Random(2).fill_normal(dy);
  for (const auto& layer : all_activations<float>()) {
    Trace<float> trace;
    Tensor<float> dx;
    rival::set_threads(1);
    const Tensor<float> y1 = layer->forward(x, trace, {});
    layer->backward(trace, dy, &dx, {});
    const Tensor<float> dx1 = dx;
    rival::set_threads(3);
    const Tensor<float>& y3 = layer->forward(x, trace, {});
    layer->backward(trace, dy, &dx, {});
    INFO(*layer);
    CHECK(std::equal(y1.data(), y1.data() + y1.size(), y3.data()));
    CHECK(std::equal(dx1.data(), dx1.data() + dx1.size(), dx.data()));
  }
  rival::set_threads(before);
}

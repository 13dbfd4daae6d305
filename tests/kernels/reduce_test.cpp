// Sums down columns. Where operands are whole numbers every sum is exact and results must be equal.

#include "rival/kernels/reduce.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "catch.hpp"

using namespace rival;

namespace {

template <class S>
std::vector<S> whole_numbers(Index count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<S> values(static_cast<std::size_t>(count));
  for (S& value : values) value = static_cast<S>(static_cast<int>(random() % 9) - 4);
  return values;
}

/// Calls check(rows, columns) for sizes around the blocks of 128 x 128.
template <class Check>
void for_each_size(const Check& check) {
  for (const Index rows : {1, 2, 127, 128, 129, 255, 256, 257, 400})
    for (const Index columns : {1, 3, 16, 127, 128, 129, 257}) {
      INFO(rows << " rows, " << columns << " columns");
      check(rows, columns);
    }
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEMPLATE_TEST_CASE("reduce: column sums are added to what is there", "", float, double) {
  using S = TestType;
  for_each_size([](Index rows, Index columns) {
    const std::vector<S> x = whole_numbers<S>(rows * columns, 1);
    std::vector<S> sums = whole_numbers<S>(columns, 2), expected = sums;
    for (std::size_t i = 0; i < x.size(); ++i) expected[i % expected.size()] += x[i];
    kernels::add_column_sums(rows, columns, x.data(), sums.data());
    CHECK(sums == expected);
  });
}

TEMPLATE_TEST_CASE("reduce: gradient sums are centred and overwrite", "", float, double) {
  using S = TestType;
  for_each_size([](Index rows, Index columns) {
    const std::vector<S> x = whole_numbers<S>(rows * columns, 1), dy = whole_numbers<S>(rows * columns, 2),
                         mean = whole_numbers<S>(columns, 3);
    const auto width = static_cast<std::size_t>(columns);
    std::vector<S> sums(width, S(not_a_number)), products(width, S(not_a_number)), expected_sums(width),
        expected_products(width);
    for (std::size_t i = 0; i < x.size(); ++i) {
      expected_sums[i % width] += dy[i];
      expected_products[i % width] += dy[i] * (x[i] - mean[i % width]);
    }
    kernels::centred_gradient_sums(rows, columns, dy.data(), x.data(), mean.data(), sums.data(), products.data());
    CHECK(sums == expected_sums);
    CHECK(products == expected_products);
  });
}

TEMPLATE_TEST_CASE("reduce: moments do not cancel", "", float, double) {
  using S = TestType;
  const auto epsilon = static_cast<double>(std::numeric_limits<S>::epsilon());
  for (const double centre : {0.0, 1e4})
    for_each_size([=](Index rows, Index columns) {
      std::mt19937 random(8);
      std::normal_distribution<double> normal;
      std::vector<S> x(static_cast<std::size_t>(rows * columns));
      // Every other column's mean is far off, and small numbers beside it must not be disturbed.
      for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = static_cast<S>((static_cast<Index>(i) % columns % 2 == 0 ? centre : 0.0) + normal(random));
      std::vector<S> mean(static_cast<std::size_t>(columns), S(not_a_number)), variance = mean;
      kernels::column_moments(rows, columns, x.data(), mean.data(), variance.data());
      for (Index c = 0; c < columns; ++c) {
        double m = 0, v = 0, size = 0;
        const auto at = [&](Index r) { return static_cast<double>(x[static_cast<std::size_t>(r * columns + c)]); };
        for (Index r = 0; r < rows; ++r) m += at(r), size += std::abs(at(r));
        m /= static_cast<double>(rows);
        size /= static_cast<double>(rows);
        for (Index r = 0; r < rows; ++r) v += (at(r) - m) * (at(r) - m);
        v /= static_cast<double>(rows);
        // A mean of at most 128 and then of 4 terms errs by 132 epsilon / 2 of their size. Means that are off by e
        // change the variance by 2 e |difference of two means| + e^2, and its own sum errs by 132 epsilon / 2. For
        // floats at 1e4 that is 0.3 at the very most; x^2 - mean^2 would err by several epsilon 1e8, which is 12.
        const double off = 66 * epsilon * size;
        const auto i = static_cast<std::size_t>(c);
        if (!(std::abs(static_cast<double>(mean[i]) - m) <= off))
          FAIL_CHECK("mean of column " << c << ": expected " << m << ", got " << mean[i]);
        if (!(std::abs(static_cast<double>(variance[i]) - v) <= 4 * off * (off + std::sqrt(v)) + 132 * epsilon * v))
          FAIL_CHECK("variance of column " << c << ": expected " << v << ", got " << variance[i]);
      }
    });
  SUCCEED();
}

TEMPLATE_TEST_CASE("reduce: a constant column has no variance", "", float, double) {
  using S = TestType;
  const std::vector<S> x(300 * 2, S(0.5));
  std::vector<S> mean(2), variance(2);
  kernels::column_moments(300, 2, x.data(), mean.data(), variance.data());
  for (std::size_t c = 0; c < 2; ++c) {
    // The shares of the blocks add up to 1 but for rounding.
    CHECK(std::abs(mean[c] - S(0.5)) <= 2 * std::numeric_limits<S>::epsilon());
    CHECK(variance[c] <= 4 * std::numeric_limits<S>::epsilon() * std::numeric_limits<S>::epsilon());
  }
}

TEMPLATE_TEST_CASE("reduce: scale and shift, and the gradient's combination, element by element", "", float, double) {
  using S = TestType;
  for_each_size([](Index rows, Index columns) {
    std::vector<S> x = whole_numbers<S>(rows * columns, 1);
    const std::vector<S> dy = whole_numbers<S>(rows * columns, 2), a = whole_numbers<S>(columns, 3),
                         b = whole_numbers<S>(columns, 4), d = whole_numbers<S>(columns, 5);
    for (const S slope : {S(1), S(0.25), S(0)}) {
      std::vector<S> y(x.size(), S(not_a_number)), dx = y, expected_y(x.size()), expected_dx(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t c = i % a.size();
        expected_y[i] = x[i] * a[c] + b[c];
        if (!(expected_y[i] > 0)) expected_y[i] *= slope;
        expected_dx[i] = (dy[i] * a[c] + x[i] * b[c] + d[c]) * (x[i] > 0 ? S(1) : slope);
      }
      kernels::scale_and_shift(rows, columns, x.data(), a.data(), b.data(), slope, y.data());
      kernels::combine_gradient(rows, columns, dy.data(), x.data(), a.data(), b.data(), d.data(), slope, dx.data());
      CHECK(y == expected_y);
      CHECK(dx == expected_dx);
    }
  });
}

TEMPLATE_TEST_CASE("reduce: NaN stays where it is", "", float, double) {
  using S = TestType;
  constexpr Index rows = 130, columns = 5;
  const std::vector<S> ones(columns, S(1)), zeros(columns, S(0));
  std::vector<S> x(rows * columns, S(1)), y(x.size()), sums(columns), mean(columns), variance(columns);
  x[7 * columns + 3] = S(not_a_number);
  kernels::scale_and_shift(rows, columns, x.data(), ones.data(), zeros.data(), S(0.2), y.data());
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(std::isnan(y[i]) == (i == 7 * columns + 3));
  kernels::add_column_sums(rows, columns, x.data(), sums.data());
  kernels::column_moments(rows, columns, x.data(), mean.data(), variance.data());
  for (std::size_t c = 0; c < columns; ++c) {
    CHECK(std::isnan(sums[c]) == (c == 3));
    CHECK(std::isnan(mean[c]) == (c == 3));
    CHECK(std::isnan(variance[c]) == (c == 3));
  }
}

TEMPLATE_TEST_CASE("reduce: the same bits on any number of threads", "", float, double) {
  using S = TestType;
  constexpr Index rows = 3000,
                  columns = 300;  // a quarter of their product, in operations, is shared among four threads
  std::mt19937 random(1);
  std::uniform_real_distribution<S> uniform(-1, 1);
  std::vector<S> x(rows * columns), dy(x.size());
  for (S& value : x) value = uniform(random);
  for (S& value : dy) value = uniform(random);
  const auto run = [&](int count) {
    set_threads(count);
    std::vector<S> all(5 * columns);
    S* out = all.data();
    kernels::add_column_sums(rows, columns, x.data(), out);
    kernels::column_moments(rows, columns, x.data(), out + columns, out + 2 * columns);
    kernels::centred_gradient_sums(rows, columns, dy.data(), x.data(), out + columns, out + 3 * columns,
                                   out + 4 * columns);
    return all;
  };
  const int before = threads();
  const std::vector<S> one = run(1);
  for (const int count : {2, 3, 4}) CHECK(run(count) == one);
  set_threads(before);
}

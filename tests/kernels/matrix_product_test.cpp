// Matrix products and their gradients, in sizes around every edge of tiles, chunks, parts and packets.
#include "rival/kernels/tile/matrix_product.hpp"

#include <cmath>
#include <vector>

#include "catch.hpp"
#include "fixture.hpp"

using namespace rival;

namespace {

struct Sizes {
  Index m, k, n;
};

constexpr Index rows = kernels::tile_rows;

/// Few rows and many (32 tiles is where they part), inner sums in one piece and in several (512 terms each), columns
/// that packets do not divide.
const Sizes product_sizes[] = {{1, 1, 1},
                               {rows + 1, 3, 17},
                               {32 * rows, 5, 33},
                               {32 * rows + 1, 5, 33},
                               {33 * rows - 1, 511, 7},
                               {40 * rows + 3, 512, 40},
                               {40 * rows + 3, 513, 47},
                               {48 * rows + 5, 1025, 21},
                               {32 * rows + 9, 1024, 16}};

template <class S>
std::vector<double> naive(const Sizes& s, const Tensor<S>& a, const Tensor<S>& b, bool transposed) {
  std::vector<double> c(static_cast<std::size_t>(s.m * s.n));
  for (Index i = 0; i < s.m; ++i)
    for (Index p = 0; p < s.k; ++p)
      for (Index j = 0; j < s.n; ++j)
        c[static_cast<std::size_t>(i * s.n + j)] +=
            static_cast<double>(a[i * s.k + p]) * static_cast<double>(b[transposed ? j * s.k + p : p * s.n + j]);
  return c;
}

/// The largest difference. Values are within 1, so each of `terms` roundings is of a sum of at most `terms`; they add
/// up as a random walk does.
template <class S>
void check_close(const Tensor<S>& got, const std::vector<double>& right, Index terms) {
  const double bound = 8 * static_cast<double>(terms) * static_cast<double>(std::numeric_limits<S>::epsilon());
  double most = 0;
  for (std::size_t i = 0; i < right.size(); ++i)
    most = std::max(most, std::abs(static_cast<double>(got[static_cast<Index>(i)]) - right[i]));
  CHECK(most <= bound);
}

}  // namespace

TEMPLATE_TEST_CASE("matrix_product: sizes around every edge, with and without an epilogue", "", float, double) {
  using S = TestType;
  for (const Sizes& s : product_sizes)
    for (const bool transposed : {false, true}) {
      INFO(s.m << " x " << s.k << " x " << s.n << (transposed ? ", transposed" : ""));
      const auto a = rival_test::draw<S>({s.m, s.k}, 1), b = rival_test::draw<S>({s.k, s.n}, 2),
                 bias = rival_test::draw<S>({s.n}, 3), gate = rival_test::draw<S>({s.m, s.n}, 4);
      std::vector<double> right = naive(s, a, b, transposed);
      Tensor<S> c({s.m, s.n});
      kernels::matrix_product<S>(s.m, s.k, s.n, a.data(), b.data(), transposed, c.data(), {});
      check_close(c, right, s.k);

      kernels::matrix_product<S>(s.m, s.k, s.n, a.data(), b.data(), transposed, c.data(),
                                 {.bias = bias.data(), .slope = S(0.25), .gate = gate.data(), .gate_slope = S(0.5)});
      for (Index i = 0; i < c.size(); ++i) {
        double& y = right[static_cast<std::size_t>(i)];
        y += static_cast<double>(bias[i % s.n]);
        y *= (y > 0 ? 1 : 0.25) * (gate[i] > 0 ? 1 : 0.5);
      }
      check_close(c, right, s.k);
    }
}

TEMPLATE_TEST_CASE("add_matrix_gradient: few samples and many, sizes around every edge", "", float, double) {
  using S = TestType;
  const Index packet = kernels::packet_size<S>;
  // Many are 2048 and more, in parts of 512 and blocks of 128.
  for (const Sizes& s : {Sizes{1, 1, packet}, Sizes{127, 2 * rows + 1, packet + 1}, Sizes{129, 9 * rows, 40},
                         Sizes{2047, 5, 33}, Sizes{2048, 5, 33}, Sizes{2049, 2 * rows + 1, 2 * packet + 1},
                         Sizes{3001, 5 * rows - 1, 3 * packet}, Sizes{5000, 70, 64}}) {
    INFO(s.m << " x " << s.k << " x " << s.n);
    const auto a = rival_test::draw<S>({s.m, s.k}, 5), dc = rival_test::draw<S>({s.m, s.n}, 6);
    Tensor<S> db({s.k, s.n}, S(0.5)), turned({s.k, s.m});
    turned.matrix() = a.matrix().transpose();
    std::vector<double> right = naive({s.k, s.m, s.n}, turned, dc, false);
    for (double& value : right) value += 0.5;
    kernels::add_matrix_gradient<S>(s.m, s.k, s.n, a.data(), dc.data(), db.data());
    check_close(db, right, s.m);
  }
}

TEST_CASE("matrix_product and its gradient: the same bits on any number of threads") {
  const int before = threads();
  for (const Sizes& s : {Sizes{64, 300, 200}, Sizes{3000, 600, 40}, Sizes{4096, 96, 64}}) {
    const auto a = rival_test::draw<float>({s.m, s.k}, 1), b = rival_test::draw<float>({s.k, s.n}, 2),
               dc = rival_test::draw<float>({s.m, s.n}, 3);
    const auto run = [&](int count) {
      set_threads(count);
      std::pair<Tensor<>, Tensor<>> made{Tensor<>({s.m, s.n}), Tensor<>({s.k, s.n})};
      kernels::matrix_product<float>(s.m, s.k, s.n, a.data(), b.data(), false, made.first.data(), {});
      kernels::add_matrix_gradient<float>(s.m, s.k, s.n, a.data(), dc.data(), made.second.data());
      return made;
    };
    const auto one = run(1), three = run(3);
    CHECK((one.first.array() == three.first.array()).all());
    CHECK((one.second.array() == three.second.array()).all());
  }
  set_threads(before);
}

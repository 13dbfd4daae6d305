#include "rival/kernels/packet.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"

using namespace rival;
using namespace rival::kernels;

namespace {

/// first, first + 1, ...: as many as asked for and no memory behind them.
template <class S>
std::vector<S> ascending(Index count, int first) {
  std::vector<S> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<S>(first + static_cast<int>(i));
  return values;
}

}  // namespace

TEMPLATE_TEST_CASE("packet: parts of a packet touch nothing behind their end", "", float, double) {
  using S = TestType;
  constexpr Index size = packet_size<S>;
  for (Index count = 0; count <= size; ++count) {
    const std::vector<S> from = ascending<S>(count, 1);
    std::vector<S> whole(size, S(-1)), part(size + 1, S(-1));
    store(whole.data(), load_part(from.data(), count));
    store_part(part.data(), load(ascending<S>(size, 1).data()), count);
    for (Index i = 0; i < size; ++i) {
      CHECK(whole[static_cast<std::size_t>(i)] == (i < count ? S(i + 1) : S(0)));
      CHECK(part[static_cast<std::size_t>(i)] == (i < count ? S(i + 1) : S(-1)));
    }
    CHECK(part.back() == S(-1));
  }
}

TEMPLATE_TEST_CASE("packet: leak keeps what a positive selector stands by, and NaN", "", float, double) {
  using S = TestType;
  const S nan = std::numeric_limits<S>::quiet_NaN(), tiny = std::numeric_limits<S>::denorm_min();
  const auto leaked = [](S value, S selector) {
    std::vector<S> out(packet_size<S>);
    store(out.data(), leak<S>(broadcast(value), broadcast(selector), S(0.25)));
    return out.back();
  };
  CHECK(leaked(S(8), S(1)) == S(8));
  CHECK(leaked(S(8), tiny) == S(8));
  CHECK(leaked(S(8), S(0)) == S(2));
  CHECK(leaked(S(8), -S(0)) == S(2));
  CHECK(leaked(S(-8), S(-1)) == S(-2));
  CHECK(leaked(S(8), nan) == S(2));
  CHECK(std::isnan(leaked(nan, nan)));
  CHECK(std::isnan(leaked(nan, S(1))));
}

TEMPLATE_TEST_CASE("packet: the leaky ReLU gives limits for infinities, in packets, rows and scalars", "", float,
                   double) {
  using S = TestType;
  const S infinity = std::numeric_limits<S>::infinity(), most = std::numeric_limits<S>::max();
  for (const S slope : {S(0), S(0.25)}) {
    std::vector<S> row(3 * packet_size<S> - 1);
    const auto check = [&](S y, S right) {
      std::fill(row.begin(), row.end(), y);
      leak_row(row.data(), static_cast<Index>(row.size()), slope);
      INFO("slope " << slope << ", y " << y);
      CHECK(leak_scalar(y, slope) == right);
      for (const S value : row) CHECK(value == right);
    };
    check(infinity, infinity);
    check(-infinity, slope == S(0) ? S(0) : -infinity);
    check(-most, -most * slope);
    check(most, most);
    check(S(0), S(0));
    check(-std::numeric_limits<S>::min(), -std::numeric_limits<S>::min() * slope);
    std::fill(row.begin(), row.end(), std::numeric_limits<S>::quiet_NaN());
    leak_row(row.data(), static_cast<Index>(row.size()), slope);
    for (const S value : row) CHECK(std::isnan(value));
    CHECK(std::isnan(leak_scalar(row[0], slope)));
  }
}

TEMPLATE_TEST_CASE("packet: transposes a square", "", float, double) {
  using S = TestType;
  constexpr Index size = packet_size<S>, from_step = size + 3, to_step = size + 1;
  const std::vector<S> from = ascending<S>((size - 1) * from_step + size, 1);
  std::vector<S> to((size - 1) * to_step + size, S(-1));
  transpose_square(from.data(), from_step, to.data(), to_step);
  for (Index i = 0; i < size; ++i)
    for (Index j = 0; j < to_step && i * to_step + j < static_cast<Index>(to.size()); ++j)
      CHECK(to[static_cast<std::size_t>(i * to_step + j)] ==
            (j < size ? from[static_cast<std::size_t>(j * from_step + i)] : S(-1)));
}

TEMPLATE_TEST_CASE("packet: dot products of every length", "", float, double) {
  using S = TestType;
  for (Index count = 0; count <= 9 * packet_size<S>; ++count) {
    const std::vector<S> a = ascending<S>(count, 1), b = ascending<S>(count, -3);
    S expected = 0;
    for (std::size_t i = 0; i < a.size(); ++i) expected += a[i] * b[i];  // whole numbers below 2^24: exact in any order
    CHECK(dot(a.data(), b.data(), count) == expected);
  }
}

#include <cmath>
#include <limits>
#include "catch.hpp"

#include "rival/optim/schedule.hpp"

using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using namespace rival;

TEST_CASE("schedule: cosine_burn_in moves from one value to the other and stays") {
  const Schedule up = cosine_burn_in({.from = 0.9, .to = 0.99, .steps = 100});
  CHECK(up(0) == 0.9);
  CHECK(up(25) == Approx(0.9 + 0.09 * (1 - std::sqrt(0.5)) / 2).epsilon(1e-14));
  CHECK(up(50) == Approx(0.945).epsilon(1e-14));
  CHECK(up(99) < 0.99);
  CHECK(up(100) == 0.99);
  CHECK(up(1'000'000'000) == 0.99);
  for (long step = 0; step < 100; ++step) CHECK(up(step + 1) > up(step));

  const Schedule down = cosine_burn_in({.from = 2, .to = -0.5, .steps = 3});
  CHECK(down(0) == 2);
  CHECK(down(1) == Approx(2 - 2.5 / 4).epsilon(1e-14));
  CHECK(down(3) == -0.5);
  CHECK(cosine_burn_in({.from = 7, .to = 7, .steps = 5})(2) == 7);
  CHECK(cosine_burn_in({.from = 1, .to = 3, .steps = 1})(1) == 3);
}

TEST_CASE("schedule: cosine_burn_in refuses bad options") {
  CHECK_THROWS_WITH(cosine_burn_in({.from = 1, .to = 2}),
                    ContainsSubstring("cosine_burn_in: expected steps >= 1, got 0"));
  CHECK_THROWS_WITH(cosine_burn_in({.from = std::numeric_limits<double>::infinity(), .to = 2, .steps = 3}),
                    ContainsSubstring("cosine_burn_in: expected finite values, got from inf and to 2"));
  CHECK_THROWS_WITH(cosine_burn_in({.from = 0, .to = std::numeric_limits<double>::quiet_NaN(), .steps = 3}),
                    ContainsSubstring("to nan"));
}

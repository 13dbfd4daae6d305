#include <cmath>
#include <numbers>
#include "catch.hpp"

#include "rival/optim/schedule.hpp"

using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using namespace rival;

TEST_CASE("schedule: constant") {
  CHECK(constant()(0) == 1);
  CHECK(constant()(1'000'000'000) == 1);
}

TEST_CASE("schedule: step_decay falls at every multiple") {
  const Schedule schedule = step_decay({.every = 10, .factor = 0.5});
  CHECK(schedule(0) == 1);
  CHECK(schedule(9) == 1);
  CHECK(schedule(10) == 0.5);
  CHECK(schedule(19) == 0.5);
  CHECK(schedule(20) == 0.25);
  CHECK(step_decay({.every = 1})(2) == Approx(0.01));
  CHECK(step_decay({.every = 5, .factor = 0})(5) == 0);
  CHECK_THROWS_WITH(step_decay({.every = 0}), ContainsSubstring("step_decay: expected every >= 1, got 0"));
  CHECK_THROWS_WITH(step_decay({.every = 1, .factor = -1}), ContainsSubstring("finite factor >= 0, got -1"));
}

TEST_CASE("schedule: cosine from 1 to the floor") {
  const Schedule schedule = cosine({.steps = 100, .floor = 0.2});
  CHECK(schedule(0) == 1);
  CHECK(schedule(25) == Approx(0.2 + 0.8 * (1 + std::numbers::sqrt2 / 2) / 2).epsilon(1e-14));
  CHECK(schedule(50) == Approx(0.6).epsilon(1e-14));
  CHECK(schedule(99) > 0.2);
  CHECK(schedule(100) == Approx(0.2).epsilon(1e-14));
  CHECK(schedule(1000) == schedule(100));
  CHECK(cosine({.steps = 1})(0) == 1);
  CHECK(cosine({.steps = 1})(1) == 0);
  CHECK_THROWS_WITH(cosine({}), ContainsSubstring("cosine: expected steps >= 1, got 0"));
  CHECK_THROWS_WITH(cosine({.steps = 5, .floor = -0.1}), ContainsSubstring("finite floor >= 0, got -0.1"));
}

TEST_CASE("schedule: linear_decay from its start to the floor") {
  const Schedule schedule = linear_decay({.steps = 30, .start = 10, .floor = 0.5});
  CHECK(schedule(0) == 1);
  CHECK(schedule(10) == 1);
  CHECK(schedule(11) == Approx(0.975).epsilon(1e-14));
  CHECK(schedule(20) == Approx(0.75).epsilon(1e-14));
  CHECK(schedule(30) == 0.5);
  CHECK(schedule(31) == 0.5);
  CHECK(linear_decay({.steps = 4})(1) == 0.75);
  CHECK(linear_decay({.steps = 4})(4) == 0);
  CHECK_THROWS_WITH(linear_decay({.steps = 5, .start = 5}),
                    ContainsSubstring("0 <= start < steps, got start 5 and steps 5"));
  CHECK_THROWS_WITH(linear_decay({.steps = 5, .start = -1}), ContainsSubstring("got start -1"));
  CHECK_THROWS_WITH(linear_decay({.steps = 5, .floor = -1}), ContainsSubstring("finite floor >= 0, got -1"));
}

TEST_CASE("schedule: warm_up rises from 1/steps to 1 and multiplies") {
  const Schedule plain = warm_up(4);
  CHECK(plain(0) == 0.25);
  CHECK(plain(2) == 0.75);
  CHECK(plain(3) == 1);
  CHECK(plain(4) == 1);
  CHECK(warm_up(1)(0) == 1);
  const Schedule both = warm_up(4, linear_decay({.steps = 10}));
  CHECK(both(0) == 0.25);
  CHECK(both(1) == Approx(0.5 * 0.9).epsilon(1e-14));
  CHECK(both(5) == 0.5);
  CHECK(both(10) == 0);
  CHECK(warm_up(2, Schedule{})(5) == 1);  // an empty schedule is constant
  CHECK_THROWS_WITH(warm_up(0), ContainsSubstring("warm_up: expected steps >= 1, got 0"));
}

// Options that are nothing, or no number, in the layers' own type are refused.
#include <limits>

#include "catch.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/equalised.hpp"
#include "rival/layers/group_norm.hpp"
#include "rival/layers/minibatch_stddev.hpp"
#include "rival/layers/pixel_norm.hpp"
#include "rival/layers/residual.hpp"
#include "rival/optim/rmsprop.hpp"
#include "rival/optim/sgd.hpp"

using namespace rival;

TEST_CASE("options: what rounds to zero or to infinity in floats is refused in floats, not in doubles") {
  constexpr double tiny = 1e-60, huge = 1e60;
  CHECK_THROWS_AS(BatchNorm<float>({.features = 2, .epsilon = tiny}), Error);  // 0 / 0 where a feature is constant
  CHECK_THROWS_AS(GroupNorm<float>({.groups = 1, .features = 2, .epsilon = tiny}), Error);
  CHECK_THROWS_AS(PixelNorm<float>({.epsilon = tiny}), Error);
  CHECK_THROWS_AS(MinibatchStddev<float>({.epsilon = tiny}), Error);
  CHECK_THROWS_AS(Equalised(Dense<float>({.in = 2, .out = 2}), {.gain = tiny}), Error);
  CHECK_THROWS_AS(Equalised(Dense<float>({.in = 2, .out = 2}), {.gain = huge}), Error);
  CHECK_THROWS_AS(Residual<float>(Sequential<float>(), {.scale = huge}), Error);
  CHECK_THROWS_AS(Residual<float>(Sequential<float>(), {.scale = std::numeric_limits<double>::quiet_NaN()}), Error);
  CHECK_THROWS_AS(Sgd<float>({}, {.learning_rate = huge}), Error);
  CHECK_THROWS_AS(Sgd<float>({}, {.momentum = 0.99999999999}), Error);  // 1: nothing would ever be forgotten
  CHECK_THROWS_AS(RmsProp<float>({}, {.momentum = 0.99999999999}), Error);

  CHECK_NOTHROW(BatchNorm<double>({.features = 2, .epsilon = tiny}));
  CHECK_NOTHROW(PixelNorm<double>({.epsilon = tiny}));
  CHECK_NOTHROW(Equalised(Dense<double>({.in = 2, .out = 2}), {.gain = tiny}));
  CHECK_NOTHROW(Sgd<double>({}, {.learning_rate = huge, .momentum = 0.99999999999}));

  Parameter<float> parameter("p", {2});
  Sgd<float> optimizer({&parameter}, {.learning_rate = 1, .schedule = [](long) { return 1e60; }});
  CHECK_THROWS_AS(optimizer.step(), Error);
  CHECK(optimizer.steps() == 0);
}

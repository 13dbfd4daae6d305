// A warm step allocates nothing.
#include <vector>
#include "catch.hpp"

#include "counting_new.hpp"
#include "rival/optim/clipping.hpp"
#include "rival/optim/make_optimizer.hpp"
#include "rival/optim/moving_average.hpp"

using namespace rival;
using rival_test::allocations;

TEST_CASE("optimizer: a warm step allocates nothing") {
  const int before = threads();
  set_threads(2);
  Parameter<float> large("large", {100'000}), small("small", {7});
  const std::vector<Parameter<float>*> list{&large, &small};
  const auto schedule = warm_up(10, cosine({.steps = 100})),
             burn_in = cosine_burn_in({.from = 0.9, .to = 0.99, .steps = 100});
  for (const OptimizerOptions& options :
       {OptimizerOptions(SgdOptions{.momentum = 0.9, .schedule = schedule}),
        OptimizerOptions(RmsPropOptions{.momentum = 0.9, .centered = true, .schedule = schedule}),
        OptimizerOptions(AdamOptions{.schedule = schedule}), OptimizerOptions(AdamOptions{.beta2_schedule = burn_in}),
        OptimizerOptions(AdamWOptions{.schedule = schedule})}) {
    const auto optimizer = make_optimizer(list, options);
    long made = 0;
    for (int t = 0; t < 3; ++t) {
      large.grad.fill(1);
      const long start = allocations;
      clip_gradient_norm(list, 0.5);
      clip_gradient_value(list, 0.5);
      optimizer->step();
      clip_weights(list, 0.01);
      if (t > 0) made += allocations - start;
    }
    INFO(optimizer->kind());
    CHECK(made == 0);
  }
  const long start = allocations;
  Tensor<float> counted({10});
  const long end = allocations;
  CHECK(end > start);  // the counter counts
  set_threads(before);
}

TEST_CASE("moving average: an update allocates nothing") {
  const int before = threads();
  set_threads(2);
  Parameter<float> average("G.weight", {100'000}), source("G.weight", {100'000});
  MovingAverage<> moving({.parameters = {&average}, .buffers = {}, .streams = {}},
                         {.parameters = {&source}, .buffers = {}, .streams = {}});
  moving.update();  // wakes the threads for the first time
  const long start = allocations;
  for (int t = 0; t < 3; ++t) moving.update();
  CHECK(allocations == start);
  set_threads(before);
}

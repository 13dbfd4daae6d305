#include <cmath>
#include <cstring>
#include <limits>
#include <vector>
#include "catch.hpp"

#include "rival/core/random.hpp"
#include "rival/optim/clipping.hpp"

using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using namespace rival;

namespace {

const double quiet_nan = std::numeric_limits<double>::quiet_NaN();

template <class S>
struct Pair {
  Parameter<S> a, b;
  std::vector<Parameter<S>*> list{&a, &b};
  Pair(Index first, Index second) : a("a", {first}), b("b", {second}) {}
};

}  // namespace

TEMPLATE_TEST_CASE("clip_gradient_norm: scales all gradients together", "", float, double) {
  Pair<TestType> p(2, 1);
  const auto set = [&] { p.a.grad = Tensor<TestType>({2}, {3, -4}), p.b.grad[0] = 12; };
  set();
  CHECK(clip_gradient_norm(p.list, 26.0) == 13);  // 3, 4, 12 make 13
  CHECK(p.a.grad[1] == -4);
  CHECK(clip_gradient_norm(p.list, 13.0) == 13);
  CHECK(p.b.grad[0] == 12);
  CHECK(clip_gradient_norm(p.list, 6.5) == 13);
  CHECK(p.a.grad[0] == 1.5);
  CHECK(p.a.grad[1] == -2);
  CHECK(p.b.grad[0] == 6);
  CHECK((p.a.value.array() == 0).all());
  CHECK(clip_gradient_norm(std::vector<Parameter<TestType>*>{}, 1.0) == 0);
}

TEMPLATE_TEST_CASE("clip_gradient_norm: every element counts, for any size", "", float, double) {
  for (const Index size : {0, 1, 15, 16, 17, 4095, 4096, 4097, 3'000'001}) {
    Pair<TestType> p(size, 3);
    Random random(5);
    random.fill_normal(p.a.grad);
    random.fill_normal(p.b.grad);
    long double squares = 0;
    for (const auto* q : p.list)
      for (Index i = 0; i < q->grad.size(); ++i) squares += static_cast<long double>(q->grad[i]) * q->grad[i];
    const auto expected = static_cast<double>(std::sqrt(squares));
    CHECK(clip_gradient_norm(p.list, 1e-3) == Approx(expected).epsilon(1e-13));
    // Each of the scaled elements is rounded once or twice, so their norm is as exact as they are.
    CHECK(clip_gradient_norm(p.list, 1.0) ==
          Approx(1e-3).epsilon(2 * static_cast<double>(std::numeric_limits<TestType>::epsilon())));
  }
}

TEST_CASE("clip_gradient_norm: large gradients do not overflow their squares") {
  Pair<float> p(2, 1);
  p.a.grad.fill(3e30f);
  CHECK(clip_gradient_norm(p.list, 1.0) == Approx(std::sqrt(2.0) * 3e30).epsilon(1e-6));
  CHECK(p.a.grad[0] == Approx(std::sqrt(0.5)).epsilon(1e-6));
}

TEST_CASE("clip_gradient_norm: leaves gradients alone whose norm is not finite") {
  Pair<float> p(40, 1);
  p.a.grad.fill(5);
  p.b.grad[0] = std::numeric_limits<float>::infinity();
  CHECK(std::isinf(clip_gradient_norm(p.list, 1.0)));
  CHECK((p.a.grad.array() == 5).all());
  p.b.grad[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(clip_gradient_norm(p.list, 1.0)));
  CHECK((p.a.grad.array() == 5).all());
}

TEST_CASE("clip_gradient_norm: the same bits on any number of threads") {
  const int before = threads();
  double norms[4];
  Tensor<float> clipped[4];
  for (int count = 1; count <= 4; ++count) {
    set_threads(count);
    Pair<float> p(300'001, 100);
    Random(5).fill_normal(p.a.grad);
    norms[count - 1] = clip_gradient_norm(p.list, 0.1);
    clipped[count - 1] = p.a.grad;
    CHECK(norms[count - 1] == norms[0]);
    CHECK(std::memcmp(clipped[count - 1].data(), clipped[0].data(), 300'001 * sizeof(float)) == 0);
  }
  set_threads(before);
}

TEMPLATE_TEST_CASE("clip_gradient_value and clip_weights: bound every element", "", float, double) {
  Pair<TestType> p(5, 40'000);
  const Tensor<TestType> wild({5}, {-3, -0.5, 0, 0.25, 7}), bounded({5}, {-0.5, -0.5, 0, 0.25, 0.5});
  p.a.grad = wild;
  p.a.value = wild;
  p.b.grad.fill(-2);
  clip_gradient_value(p.list, 0.5);
  CHECK((p.a.grad.array() == bounded.array()).all());
  CHECK((p.b.grad.array() == TestType(-0.5)).all());
  CHECK((p.a.value.array() == wild.array()).all());

  p.a.grad = wild;
  clip_weights(p.list, 0.5);
  CHECK((p.a.value.array() == bounded.array()).all());
  CHECK((p.a.grad.array() == wild.array()).all());

  p.a.grad[1] = static_cast<TestType>(quiet_nan);
  clip_gradient_value(p.list, 0.5);
  CHECK(std::isnan(p.a.grad[1]));
}

TEST_CASE("clipping: refuses bounds that are not positive") {
  Pair<float> p(2, 1);
  CHECK_THROWS_WITH(clip_gradient_norm(p.list, 0),
                    ContainsSubstring("clip_gradient_norm: expected max_norm > 0, got 0"));
  CHECK_THROWS_WITH(clip_gradient_norm(p.list, quiet_nan), ContainsSubstring("got nan"));
  CHECK_THROWS_WITH(clip_gradient_value(p.list, -1),
                    ContainsSubstring("clip_gradient_value: expected bound > 0, got -1"));
  CHECK_THROWS_WITH(clip_weights(p.list, quiet_nan), ContainsSubstring("clip_weights: expected bound > 0, got nan"));
}

TEST_CASE("clipping: refuses bounds that are 0 in the weights' type") {
  Parameter<float> p("w", {2});
  p.value.fill(1);
  CHECK_THROWS_WITH(
      clip_weights<float>({&p}, 1e-60),
      Catch::Matchers::ContainsSubstring("clip_weights: expected bound > 0, got 1e-60, which is 0 in the type"));
  CHECK_THROWS_WITH(
      clip_gradient_value<float>({&p}, 1e-60),
      Catch::Matchers::ContainsSubstring("clip_gradient_value: expected bound > 0, got 1e-60, which is 0 in the type"));
  CHECK_THROWS_WITH(clip_gradient_norm<float>({&p}, 1e-60),
                    Catch::Matchers::ContainsSubstring(
                        "clip_gradient_norm: expected max_norm > 0, got 1e-60, which is 0 in the type"));
  CHECK(p.value[0] == 1);
  Parameter<double> q("w", {2});
  CHECK_NOTHROW(clip_weights<double>({&q}, 1e-60));
}

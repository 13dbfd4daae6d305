#include "rival/layers/upsample.hpp"

#include <algorithm>

#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

const Interpolation modes[] = {Interpolation::nearest, Interpolation::bilinear};

void check(const Tensor<float>& got, const Tensor<float>& expected) {
  REQUIRE(got.shape() == expected.shape());
  for (Index i = 0; i < got.size(); ++i) {
    INFO("element " << i);
    CHECK(got[i] == expected[i]);  // sums of a few binary fractions: exact
  }
}

}  // namespace

TEST_CASE("upsample: gradients") {
  for (const Interpolation mode : modes)
    for (const Size2 factor : {Size2(1), Size2(2), Size2(3), Size2(1, 2), Size2(3, 2), Size2(2, 1)}) {
      INFO("factor " << factor);
      rival::test::check_gradients(Upsample<double>({.factor = factor, .mode = mode}), {3, 3, 4, 2});
      rival::test::check_gradients(Upsample<double>({.factor = factor, .mode = mode}), {3, 1, 2, 1});
    }
}

TEST_CASE("upsample: nearest repeats pixels") {
  const Tensor<float> x({1, 2, 2, 2}, {1, -1, 2, -2, 3, -3, 4, -4});
  Trace<float> trace;
  check(Upsample({.factor = {1, 2}}).forward(x, trace, {}),
        Tensor<float>({1, 2, 4, 2}, {1, -1, 1, -1, 2, -2, 2, -2, 3, -3, 3, -3, 4, -4, 4, -4}));
  check(Upsample({.factor = {2, 1}}).forward(x, trace, {}),
        Tensor<float>({1, 4, 2, 2}, {1, -1, 2, -2, 1, -1, 2, -2, 3, -3, 4, -4, 3, -3, 4, -4}));
}

TEST_CASE("upsample: bilinear blends by the distance of pixel centres") {
  // Along one axis at factor 2 the places are -1/4 (held at 0), 1/4, 3/4, 5/4 (held at 1).
  const Tensor<float> x({1, 2, 2, 1}, {0, 4, 8, 12});
  Trace<float> trace;
  check(Upsample({.factor = 2, .mode = Interpolation::bilinear}).forward(x, trace, {}),
        Tensor<float>({1, 4, 4, 1}, {0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12}));
  // At factor 4: 1/8, 3/8, 5/8, 7/8 between the centres.
  const Tensor<float> row({1, 1, 2, 1}, {0, 8});
  check(Upsample({.factor = {1, 4}, .mode = Interpolation::bilinear}).forward(row, trace, {}),
        Tensor<float>({1, 1, 8, 1}, {0, 0, 1, 3, 5, 7, 8, 8}));
}

TEST_CASE("upsample: the same bits on any number of threads") {
  const int before = threads();
  Tensor<float> x({16, 7, 7, 32}), dy({16, 14, 14, 32});
  Random(1).fill_normal(x);
  Random(2).fill_normal(dy);
  for (const Interpolation mode : modes) {
    Upsample layer({.factor = 2, .mode = mode});
    Trace<float> trace;
    Tensor<float> dx1, dx3;
    set_threads(1);
    const Tensor<float> y1 = layer.forward(x, trace, {});
    layer.backward(trace, dy, &dx1, {});
    set_threads(3);
    const Tensor<float>& y3 = layer.forward(x, trace, {});
    layer.backward(trace, dy, &dx3, {});
    CHECK(std::equal(y1.data(), y1.data() + y1.size(), y3.data()));
    CHECK(std::equal(dx1.data(), dx1.data() + dx1.size(), dx3.data()));
  }
  set_threads(before);
}

TEST_CASE("upsample: misuse") {
  CHECK_THROWS_WITH(Upsample({.factor = {2, 0}}), ContainsSubstring("upsample: expected factors >= 1, got 2x0"));
  Upsample layer({.factor = 2});
  layer.set_name("G.upsample1");
  CHECK(layer.output_shape({7, 5, 3}) == Shape{14, 10, 3});
  CHECK_THROWS_WITH(layer.output_shape({100}),
                    ContainsSubstring("upsample \"G.upsample1\": expected images of H x W x C, got 100"));
}

#include "rival/layers/resample.hpp"

#include <string>
#include <type_traits>

#include "fixture.hpp"
#include "gradient_check.hpp"

namespace {

using namespace rival;
using rival::test::check_gradients;
using rival_test::difference;

template <class S>
void check_values(Layer<S>&& layer, const std::string& name) {
  static const rival_test::Fixture values("block_values");
  constexpr double tolerance = std::is_same_v<S, float> ? 1e-5 : 1e-10;
  INFO(name);
  const auto x = values.tensor<S>(name + ".x"), dy = values.tensor<S>(name + ".dy");
  Trace<S> trace;
  Tensor<S> dx;
  CHECK(difference(layer.forward(x, trace, {}), values.tensor<S>(name + ".y")) <= tolerance);
  layer.backward(trace, dy, &dx, {});
  CHECK(difference(dx, values.tensor<S>(name + ".dx")) <= tolerance);
}

}  // namespace

TEST_CASE("resample: gradients") {
  for (const Shape& shape :
       {Shape{3, 4, 6, 2}, Shape{3, 5, 3, 2}, Shape{3, 1, 2, 5}, Shape{4, 1, 1, 1}, Shape{3, 2, 7, 1}}) {
    check_gradients(BlurUpsample<double>(), shape);
    check_gradients(BlurDownsample<double>(), shape);
  }
}

TEMPLATE_TEST_CASE("resample: PyTorch's values", "", float, double) {
  using S = TestType;
  for (const char* size : {"3x4", "1x2"}) check_values<S>(BlurUpsample<S>(), std::string("blur_upsample_") + size);
  for (const char* size : {"4x6", "5x3", "1x2"})
    check_values<S>(BlurDownsample<S>(), std::string("blur_downsample_") + size);
}

TEST_CASE("resample: keeps a constant inside, and sizes") {
  const Tensor<float> x({2, 6, 8, 3}, 1.5f);
  Trace<float> up, down;
  const Tensor<float>& large = BlurUpsample<float>().forward(x, up, {});
  REQUIRE(large.shape() == Shape{2, 12, 16, 3});
  const Tensor<float>& small = BlurDownsample<float>().forward(x, down, {});
  REQUIRE(small.shape() == Shape{2, 3, 4, 3});
  for (Index n = 0; n < 2; ++n)
    for (Index c = 0; c < 3; ++c) {
      for (Index i = 1; i < 12; ++i)
        for (Index j = 1; j < 16; ++j) CHECK(large(n, i, j, c) == 1.5f);
      for (Index i = 1; i < 3; ++i)
        for (Index j = 1; j < 4; ++j) CHECK(small(n, i, j, c) == 1.5f);
    }
  // At the border the zeros outside weigh in.
  CHECK(large(0, 0, 5, 0) == 0.75f);
  CHECK(small(0, 0, 2, 0) == 1.125f);
  CHECK(BlurDownsample<float>().output_shape({5, 1, 3}) == Shape{3, 1, 3});
}

TEST_CASE("resample: the same bits on any number of threads") {
  const int before = threads();
  Tensor<float> x({16, 31, 40, 16});
  Random(1).fill_normal(x);
  for (const bool enlarge : {false, true}) {
    Trace<float> one, three;
    const auto run = [&](Trace<float>& trace) {
      if (enlarge)
        BlurUpsample<float>().forward(x, trace, {});
      else
        BlurDownsample<float>().forward(x, trace, {});
    };
    set_threads(1);
    run(one);
    set_threads(3);
    run(three);
    CHECK((one.output.array() == three.output.array()).all());
  }
  set_threads(before);
}

TEST_CASE("resample: refuses what is no image") {
  CHECK_THROWS_WITH(BlurUpsample<float>().output_shape({5}), "blur_upsample: expected images of H x W x C, got 5");
  CHECK_THROWS_WITH(BlurDownsample<float>().output_shape({5, 4}),
                    "blur_downsample: expected images of H x W x C, got 5x4");
}

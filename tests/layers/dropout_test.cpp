#include "rival/layers/dropout.hpp"

#include <cmath>

#include "gradient_check.hpp"

namespace {

using namespace rival;
using Catch::Matchers::ContainsSubstring;

template <class S>
Dropout<S> named(const std::string& name, double rate, std::uint64_t seed = 5) {
  Dropout<S> layer({.rate = rate});
  layer.set_name(name);
  layer.initialise(normal<S>(), Random(seed));
  return layer;
}

bool equal(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}

}  // namespace

TEST_CASE("dropout: gradients") {
  rival::test::check_gradients(Dropout<double>({.rate = 0.3}), {3, 5, 7, 2});
  rival::test::check_gradients(Dropout<double>({.rate = 0}), {4, 3});
}

TEST_CASE("dropout: drops at its rate and scales what stays") {
  const double rate = GENERATE(0.1, 0.3, 0.75);
  const auto layer = named<float>("D.dropout1", rate);
  const Tensor<float> x({100, 1000}, 2.0f);
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {});
  const float kept = 2.0f / (1.0f - static_cast<float>(rate));
  Index dropped = 0;
  for (Index i = 0; i < y.size(); ++i) {
    if (y[i] != 0 && std::abs(y[i] - kept) > 1e-6f) FAIL("got " << y[i]);
    dropped += y[i] == 0;
  }
  const double deviation = std::sqrt(rate * (1 - rate) * 1e5);
  CHECK(std::abs(static_cast<double>(dropped) - rate * 1e5) < 5 * deviation);
}

TEST_CASE("dropout: evaluation is the identity, without a copy") {
  auto layer = named<float>("d", 0.5);
  const Tensor<float> x({3, 4}, 1.5f);
  Trace<float> trace;
  CHECK(layer.forward(x, trace, {.mode = Mode::eval}).data() == x.data());
  CHECK(trace.output.shape() == x.shape());
  const Random::Position before = [&] {
    State<float> s;
    layer.collect(s);
    return s.streams[0].second->position();
  }();
  layer.commit(trace);
  State<float> state;
  layer.collect(state);
  CHECK(state.streams[0].second->position() == before);
}

TEST_CASE("dropout: a pass leaves the stream alone until it is committed") {
  auto layer = named<float>("D.dropout1", 0.4);
  State<float> state;
  layer.collect(state);
  REQUIRE(state.streams.size() == 1);
  CHECK(state.streams[0].first == "D.dropout1");
  Random& stream = *state.streams[0].second;
  CHECK(stream.position() == Random(5).stream("D.dropout1").position());

  for (const Shape& shape : {Shape{3, 5}, Shape{1, 1}, Shape{4, 4}, Shape{7, 1, 1, 3}}) {
    const Tensor<float> x(shape, 1.0f);
    Trace<float> first, again, next;
    layer.forward(x, first, {});
    layer.forward(x, again, {});
    CHECK(equal(first.output, again.output));
    // Committing moves exactly over the numbers that the mask took, so no two passes share any.
    Random copy = stream;
    Tensor<float> numbers(shape);
    copy.fill_uniform(numbers);
    layer.commit(first);
    CHECK(stream.position() == copy.position());
  }
}

TEST_CASE("dropout: the stream of doubles moves on as far as it was read") {
  auto layer = named<double>("d", 0.4);
  State<double> state;
  layer.collect(state);
  Random copy = *state.streams[0].second;
  Tensor<double> x({3, 3}, 1.0), numbers(x.shape());
  Trace<double> trace;
  layer.forward(x, trace, {});
  layer.commit(trace);
  copy.fill_uniform(numbers);
  CHECK(state.streams[0].second->position() == copy.position());
}

TEST_CASE("dropout: masks differ from pass to pass, name to name, seed to seed, and come back with the position") {
  auto layer = named<float>("a", 0.5);
  const Tensor<float> x({8, 32}, 1.0f);
  Trace<float> one, two, three;
  const Tensor<float> first = layer.forward(x, one, {});
  State<float> state;
  layer.collect(state);
  const Random::Position start = state.streams[0].second->position();
  layer.commit(one);
  CHECK_FALSE(equal(layer.forward(x, two, {}), first));
  *state.streams[0].second = Random(start);
  CHECK(equal(layer.forward(x, two, {}), first));
  CHECK(equal(named<float>("a", 0.5).forward(x, three, {}), first));
  CHECK_FALSE(equal(named<float>("b", 0.5).forward(x, three, {}), first));
  CHECK_FALSE(equal(named<float>("a", 0.5, 6).forward(x, three, {}), first));
}

TEST_CASE("dropout: the same bits on any number of threads") {
  const int before = threads();
  const auto layer = named<float>("d", 0.3);
  Tensor<float> x({64, 7, 7, 64});
  Random(1).fill_normal(x);
  Trace<float> one, three;
  set_threads(1);
  layer.forward(x, one, {});
  set_threads(3);
  layer.forward(x, three, {});
  CHECK(equal(one.output, three.output));
  set_threads(before);
}

TEST_CASE("dropout: NaN is passed on even where it is dropped") {
  const auto layer = named<float>("d", 0.5);
  const Tensor<float> x({4, 4}, std::nanf(""));
  Trace<float> trace;
  CHECK(layer.forward(x, trace, {}).array().isNaN().all());
}

TEST_CASE("dropout: bad rates") {
  CHECK_THROWS_WITH(Dropout({.rate = 1}), ContainsSubstring("dropout: expected a rate in [0, 1), got 1"));
  CHECK_THROWS_WITH(Dropout({.rate = -0.5}), ContainsSubstring("got -0.5"));
  CHECK_THROWS_WITH(Dropout({.rate = std::nan("")}), ContainsSubstring("got nan"));
}

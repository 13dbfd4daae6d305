#include "rival/nn/sequential.hpp"

#include <cmath>
#include <memory>
#include <set>
#include <vector>

#include "gradient_check.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/upsample.hpp"
#include "rival/nn/network.hpp"

namespace {

using namespace rival;
using Catch::Matchers::ContainsSubstring;

/// What a Scale was asked for.
struct Calls {
  int forward = 0, backward = 0;
  bool parameters = false, input = false;
  double forward_slope = 1, backward_slope = 1;
  std::set<const void*> gradients;  // the tensors that came down
};

/// y = w_c x_c for each column: the smallest layer that has a parameter and takes part in everything a
/// Sequential offers.
template <class S = double>
class Scale : public Layer<S> {
 public:
  explicit Scale(Index columns, Calls* calls = nullptr, bool fuses = true)
      : w_("", {columns}), calls_(calls), fuses_(fuses) {
    for (Index c = 0; c < columns; ++c) w_.value[c] = static_cast<S>(c % 2 == 0 ? 1.5 : -0.5);
  }
  std::string_view kind() const override { return "scale"; }
  std::string_view short_name() const override { return "s"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  Shape output_shape(const Shape& input) const override {
    require(input.back() == w_.value.size(), *this, ": expected ", w_.value.size(), " columns, got ", input.back());
    return input;
  }
  bool has_parameters() const override { return true; }
  bool fuses_activation() const override { return fuses_; }
  bool gates_input() const override { return fuses_; }
  void collect(State<S>& state) override { state.parameters.push_back(&w_); }
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    Random stream = random.stream(w_.name);
    weights(w_.value, {w_.value.size(), w_.value.size()}, stream);
  }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    w_.name = name + ".w";
  }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Scale>(*this); }
  void assign(const Layer<S>& other) override { rival::internal::assign(*this, other); }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    if (calls_) ++calls_->forward, calls_->forward_slope = static_cast<double>(pass.slope);
    trace.input = &x;
    trace.output.resize(x.shape());
    for (Index i = 0; i < x.size(); ++i) {
      const S z = x[i] * w_.value[i % x.cols()];
      trace.output[i] = z > S(0) ? z : pass.slope * z;
    }
    return trace.output;
  }
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    const Tensor<S>& x = *trace.input;
    if (calls_) {
      ++calls_->backward;
      calls_->parameters = pass.parameters;
      calls_->input = dx != nullptr;
      calls_->gradients.insert(&dy);
      calls_->backward_slope = static_cast<double>(pass.slope);
    }
    if (pass.parameters)
      for (Index i = 0; i < x.size(); ++i) w_.grad[i % x.cols()] += dy[i] * x[i];
    if (dx) {
      dx->resize(x.shape());
      for (Index i = 0; i < x.size(); ++i)
        (*dx)[i] = dy[i] * w_.value[i % x.cols()] * (x[i] > S(0) ? S(1) : pass.slope);
    }
  }
  Curvature curvature() const override { return Curvature::linear; }
  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(x_tangent.shape());
    for (Index i = 0; i < x_tangent.size(); ++i)
      trace.output_tangent[i] = x_tangent[i] * w_.value[i % x_tangent.cols()] *
                                (pass.gate == nullptr || pass.gate[i] > S(0) ? S(1) : pass.slope);
    return trace.output_tangent;
  }
  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    const Index columns = dy.cols();
    for (Index i = 0; i < dy.size(); ++i) {
      w_.grad[i % columns] += dy[i] * (*trace.input_tangent)[i];
      if (dy_tangent) w_.grad[i % columns] += (*dy_tangent)[i] * (*trace.input)[i];
    }
    if (dx_tangent == nullptr) return;
    dx_tangent->resize(dy.shape());
    for (Index i = 0; i < dy.size(); ++i)
      (*dx_tangent)[i] = dy_tangent ? (*dy_tangent)[i] * w_.value[i % columns] : S(0);
  }

 private:
  Parameter<S> w_;
  Calls* calls_;
  bool fuses_;
};

std::vector<std::string> names(Sequential<double>& layers) {
  State<double> state;
  layers.collect(state);
  std::vector<std::string> all;
  for (const auto* parameter : state.parameters) all.push_back(parameter->name);
  for (const auto& [name, stream] : state.streams) all.push_back(name);
  return all;
}

}  // namespace

TEST_CASE("sequential: names layers, their parameters and streams by kind and number, nested ones by path") {
  using Names = std::vector<std::string>;
  Sequential<double> inner(Scale(2), LeakyReLU<double>(), Scale(2), Dropout<double>());
  Sequential<double> layers(Scale(2), Tanh<double>(), inner, Scale(2), inner);
  CHECK(names(layers) == Names{"s1.w", "block1.s1.w", "block1.s2.w", "s2.w", "block2.s1.w", "block2.s2.w",
                               "block1.dropout1", "block2.dropout1"});
  layers.set_name("G");
  CHECK(names(layers) == Names{"G.s1.w", "G.block1.s1.w", "G.block1.s2.w", "G.s2.w", "G.block2.s1.w", "G.block2.s2.w",
                               "G.block1.dropout1", "G.block2.dropout1"});
  layers.add(Scale(2));
  CHECK(names(layers)[6] == "G.s3.w");
  CHECK(layers[5].name() == "G.s3");
  CHECK(layers.size() == 6);

  try {
    layers.output_shape({3});
    FAIL("a wrong shape must throw");
  } catch (const Error& error) {
    CHECK(error.what() == std::string("scale \"G.s1\": expected 2 columns, got 3"));
  }
}

TEST_CASE("sequential: every layer draws from its own stream, whatever stands beside it") {
  Sequential<double> alone(Scale(4)), beside(Dropout<double>(), Scale(4), Scale(4));
  alone.initialise(normal<double>(), Random(3));
  beside.initialise(normal<double>(), Random(3));
  State<double> a, b;
  alone.collect(a);
  beside.collect(b);
  const auto& w = a.parameters[0]->value;
  for (Index i = 0; i < 4; ++i) {
    CHECK(b.parameters[0]->value[i] == w[i]);
    CHECK(b.parameters[1]->value[i] != w[i]);
  }
}

TEST_CASE("sequential: gradients of stacks of every sort") {
  const Shape batch{3, 4, 6, 2};
  const auto check = [&](Sequential<double> layers) { rival::test::check_gradients(layers, batch); };
  SECTION("one layer, and none") {
    check(Sequential<double>(Scale(2)));
    check(Sequential<double>(Tanh<double>()));
    check(Sequential<double>());
  }
  SECTION("leaky ReLUs first, last, in a row, and between layers that fuse or do not") {
    for (const bool fuses : {true, false}) {
      const Scale<double> scale(2, nullptr, fuses);
      const LeakyReLU<double> leaky(0.2);
      check(Sequential<double>(leaky, scale));
      check(Sequential<double>(scale, leaky));
      check(Sequential<double>(scale, leaky, scale, ReLU<double>(), scale));
      check(Sequential<double>(scale, leaky, LeakyReLU<double>(0.5), scale));
      check(Sequential<double>(leaky, leaky, leaky));
      check(Sequential<double>(leaky, scale, leaky, Tanh<double>(), leaky, scale));
      check(Sequential<double>(scale, LeakyReLU<double>(1), scale));
    }
  }
  SECTION("layers that change shapes, alias and drop") {
    check(Sequential<double>(Scale(2), LeakyReLU<double>(0.3), Dropout<double>({.rate = 0.3}), Flatten<double>(),
                             Scale(48), LeakyReLU<double>(0.1), Reshape<double>({6, 4, 2}),
                             Upsample<double>({.factor = {1, 2}}), Scale(2), MaxPool2d<double>({.kernel = {2, 3}}),
                             SiLU<double>()));
    check(
        Sequential<double>(Reshape<double>({2, 24}), Flatten<double>(), Tanh<double>(), Flatten<double>(), Scale(48)));
  }
  SECTION("nested") {
    const Sequential<double> block(Scale(2), LeakyReLU<double>(0.2), Scale(2), Softplus<double>());
    check(Sequential<double>(block, LeakyReLU<double>(0.2), block, Sequential<double>(),
                             Sequential<double>(block, block)));
  }
}

TEST_CASE("sequential: the neighbours of a leaky ReLU do its work, the output is the same") {
  Calls first, second;
  Sequential<double> fused(Scale<double>(2, &first), LeakyReLU<double>(0.25), Scale<double>(2, &second));
  Sequential<double> plain(Scale<double>(2, nullptr, false), LeakyReLU<double>(0.25), Scale<double>(2, nullptr, false));
  const Tensor<double> x({2, 2}, {1, 2, -3, -4}), dy({2, 2}, {1, -2, 3, -4});
  Trace<double> a, b;
  const auto& y = fused.forward(x, a, {});
  CHECK(first.forward_slope == 0.25);
  CHECK(second.forward_slope == 1);
  const auto& expected = plain.forward(x, b, {});
  for (Index i = 0; i < 4; ++i) CHECK(y[i] == expected[i]);
  CHECK(a.children[1].output.data() == a.children[0].output.data());

  Tensor<double> dx, expected_dx;
  fused.backward(a, dy, &dx, {});
  plain.backward(b, dy, &expected_dx, {});
  CHECK(second.backward_slope == 0.25);
  CHECK(first.backward_slope == 1);
  for (Index i = 0; i < 4; ++i) CHECK(dx[i] == expected_dx[i]);
}

TEST_CASE("sequential: computes what is wanted, and nothing else") {
  Calls first, second;
  Sequential<double> layers(Tanh<double>(), Scale<double>(2, &first), Tanh<double>(), Scale<double>(2, &second));
  const Tensor<double> x({2, 2}, {1, 2, -3, -4}), dy({2, 2}, {1, -2, 3, -4});
  Trace<double> trace;
  Tensor<double> dx;
  layers.forward(x, trace, {});

  layers.backward(trace, dy, nullptr, {.parameters = true});
  CHECK((second.parameters && second.input));
  CHECK((first.parameters && !first.input));  // nobody needs the gradient below the lowest weights

  layers.backward(trace, dy, &dx, {.parameters = false});
  CHECK((!first.parameters && first.input && !second.parameters && second.input));
  CHECK(dx.shape() == x.shape());

  layers.backward(trace, dy, nullptr, {.parameters = false});
  CHECK(first.backward == 2);
  CHECK(second.backward == 2);

  Sequential<double> none(Tanh<double>{}, Sequential<double>(Tanh<double>{}));
  CHECK_FALSE(none.has_parameters());
  CHECK(layers.has_parameters());
}

TEST_CASE("sequential: two buffers carry the gradient down, however deep the stack and however many the traces") {
  Calls calls;
  Sequential<double> layers, inner;
  for (int i = 0; i < 9; ++i) layers.add(Scale(2, &calls)).add(Tanh<double>());
  const Tensor<double> x({2, 2}, {1, 2, -3, -4}), dy({2, 2}, {1, -2, 3, -4});
  Trace<double> traces[2];
  Tensor<double> dx;
  for (auto& trace : traces) {
    layers.forward(x, trace, {});
    layers.backward(trace, dy, &dx, {.parameters = true});
  }
  CHECK(calls.gradients.size() == 1);  // below a tanh always the same of the two

  // A sequential within another has two of its own.
  calls.gradients.clear();
  for (int i = 0; i < 3; ++i) inner.add(Scale(2, &calls)).add(Scale(2, &calls));
  Sequential<double> outer(Scale(2, &calls), inner, inner, Scale(2, &calls));
  outer.forward(x, traces[0], {});
  outer.backward(traces[0], dy, &dx, {.parameters = true});
  CHECK(calls.gradients.size() <= 5);  // dy and two pairs
}

TEST_CASE("sequential: traces of several passes stand side by side") {
  Sequential<double> layers(Scale(2), LeakyReLU<double>(0.2), Scale(2), Tanh<double>());
  const Tensor<double> x1({1, 2}, {1, 2}), x2({3, 2}, {3, -1, 0.5, 1, 2, -2}), dy1({1, 2}, {1, -1}), dy2({3, 2}, 0.5);
  const auto gradient = [&](bool one, bool two) {
    Trace<double> a, b;
    layers.forward(x1, a, {});
    layers.forward(x2, b, {});
    State<double> state;
    layers.collect(state);
    for (auto* parameter : state.parameters) parameter->grad.fill(0);
    if (two) layers.backward(b, dy2, nullptr, {.parameters = true});
    if (one) layers.backward(a, dy1, nullptr, {.parameters = true});
    return state.parameters[0]->grad;
  };
  const auto both = gradient(true, true), one = gradient(true, false), two = gradient(false, true);
  for (Index i = 0; i < 2; ++i) CHECK(std::abs(both[i] - one[i] - two[i]) < 1e-14);
}

TEST_CASE("sequential: a copy has weights and streams of its own") {
  Sequential<double> layers(Scale(2), Sequential<double>(Scale(2)), Dropout<double>());
  layers.set_name("G");
  Sequential<double> copy = layers, assigned;
  assigned = layers;
  CHECK(names(copy) == names(layers));
  CHECK(names(assigned) == names(layers));
  CHECK(assigned.name() == "G");
  State<double> original, other;
  layers.collect(original);
  copy.collect(other);
  for (std::size_t p = 0; p < 2; ++p) {
    CHECK(other.parameters[p]->value[0] == original.parameters[p]->value[0]);
    other.parameters[p]->value[0] = 99;
    CHECK(original.parameters[p]->value[0] != 99);
  }
  other.streams[0].second->skip(5);
  CHECK(other.streams[0].second->position() != original.streams[0].second->position());
}

TEST_CASE("network: checks its input, and tells training from evaluation") {
  Network<double> net("D", {2, 2, 1}, Sequential<double>(Dropout<double>({.rate = 0.5}), Flatten<double>(), Scale(4)));
  CHECK(net.output_shape() == Shape{4});
  net.initialise(normal<double>(), Random(1));
  const Tensor<double> x({8, 2, 2, 1}, 1.0), wrong({8, 4}, 1.0);
  Trace<double> a, b;
  CHECK_THROWS_WITH(net.forward(wrong, a), ContainsSubstring("network \"D\": expected a batch of 2x2x1, got 8x4"));

  const auto different = [](const Tensor<double>& p, const Tensor<double>& q) {
    return !std::equal(p.data(), p.data() + p.size(), q.data());
  };
  CHECK(different(net.forward(x, a), net.forward(x, b)));  // the stream has moved on
  CHECK_FALSE(different(net.infer(x, a), net.infer(x, b)));

  const Tensor<double> dy({8, 4}, 1.0);
  net.forward(x, a);
  CHECK(net.backward(a, dy, {.parameters = true}).empty());
  CHECK(net.backward(a, dy, {.input = true}).shape() == x.shape());
  CHECK(net.parameters().size() == 1);
  CHECK(net.parameters()[0]->name == "D.s1.w");

  CHECK_THROWS_WITH(Network<double>("D", {3}, Sequential<double>(Scale(4))),
                    ContainsSubstring("scale \"D.s1\": expected 4 columns, got 3"));
}

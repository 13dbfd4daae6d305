// Gradient penalties against differences of the whole penalised loss, in double.
#include "rival/gan/penalty.hpp"

#include <functional>

#include "catch.hpp"
#include "gradient_check.hpp"
#include "rival/gan/architectures.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/nn/pool.hpp"
#include "rival/nn/upsample.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

using Charge = GradientPenalty<double>::Charge;

/// A discriminator whose scores of `x` {N, ...} are paid for: sum of c_n D(x_n) + mean charge of |dD/dx_n|.
struct Penalised {
  Discriminator<double>& discriminator;
  const Tensor<double>& x;
  const Tensor<double>* dscores;
  Charge charge;
  Labels labels = {};

  /// Forward, and backward for g alone: nothing of what is under test.
  double loss() const {
    Trace<double> trace;
    const Tensor<double> scores = discriminator.forward(x, trace, labels);
    Tensor<double> ones(scores.shape());
    const Index rows = scores.dim(0), heads = scores.size() / rows, size = x.size() / rows;
    for (Index i = 0; i < rows; ++i) ones[i * heads] = 1;
    const Tensor<double>& g = discriminator.backward(trace, ones, {.input = true});
    double sum = 0;
    for (Index i = 0; i < rows; ++i) {
      const double length = ConstArrayMap<double>(g.data() + i * size, size).matrix().norm();
      sum += charge.weight * (charge.one_centred ? (length - 1) * (length - 1) : length * length / 2) / static_cast<double>(rows);
    }
    if (dscores) sum += (dscores->array() * scores.array()).sum();
    return sum;
  }
};

/// Holds every parameter's gradient to 1e-6 of its largest entry against central differences of the loss.
void check(const Penalised& p, const std::string& what) {
  INFO(what);
  const auto parameters = p.discriminator.parameters();
  for (auto* parameter : parameters) parameter->grad.fill(0);
  GradientPenalty<double> penalty;
  Trace<double> trace;
  p.discriminator.forward(p.x, trace, p.labels);
  penalty.backward(p.discriminator, trace, p.dscores, p.charge);
  constexpr double step = 1e-5;
  for (auto* parameter : parameters) {
    const Tensor<double> got = parameter->grad;
    Tensor<double> expected(got.shape());
    for (Index i = 0; i < got.size(); ++i) {
      const double value = parameter->value[i];
      parameter->value[i] = value + step;
      const double up = p.loss();
      parameter->value[i] = value - step;
      expected[i] = (up - p.loss()) / (2 * step);
      parameter->value[i] = value;
    }
    INFO(parameter->name);
    const double scale = std::max(expected.array().abs().maxCoeff(), 1e-2);
    CHECK((got.array() - expected.array()).abs().maxCoeff() <= 1e-6 * scale);
  }
}

/// All charges, with and without scores' gradients, among them one of 0, which has no short form.
void check_all(Sequential<double> layers, const Shape& sample, const std::string& what, Labels labels = {}, Index heads = 0) {
  Discriminator<double> discriminator(sample, std::move(layers), "D", heads);
  Random random(5);
  discriminator.initialise(normal<double>(0, 0.7), random);
  for (auto* parameter : discriminator.parameters())
    if (parameter->value.rank() < 2) random.fill_uniform(parameter->value, -0.8, 0.9);
  const Index rows = 3;
  const Tensor<double> x = test::internal::spread(sample.batch(rows), 1.5, random.stream("x"));
  Tensor<double> dscores(discriminator.output_shape().batch(rows));
  random.fill_uniform(dscores, 0.1, 0.9);
  dscores[0] *= -1;
  for (const bool one_centred : {false, true}) {
    const Charge charge{0.7, one_centred};
    check({discriminator, x, &dscores, charge, labels}, what + ", with scores");
    check({discriminator, x, nullptr, charge, labels}, what + ", alone");
  }
  dscores[1] = 0;
  check({discriminator, x, &dscores, {1.3, false}, labels}, what + ", with a score that does not count");
}

}  // namespace

TEST_CASE("penalty: gradients of the whole penalised loss, layer by layer") {
  using D = Dense<double>;
  const auto dense = [](Index in, Index out) { return D({.in = in, .out = out}); };
  check_all(Sequential<double>(dense(5, 1)), {5}, "dense");
  check_all(Sequential<double>(dense(4, 6), LeakyReLU<double>(0.2), dense(6, 5), ReLU<double>(), dense(5, 1)), {4}, "leaky ReLU");
  check_all(Sequential<double>(LeakyReLU<double>(0.3), dense(4, 1)), {4}, "leaky ReLU first");
  check_all(Sequential<double>(dense(4, 6), Tanh<double>(), dense(6, 1)), {4}, "tanh");
  check_all(Sequential<double>(dense(4, 6), Sigmoid<double>(), dense(6, 1), Sigmoid<double>()), {4}, "sigmoid, also last");
  check_all(Sequential<double>(dense(4, 6), SiLU<double>(), dense(6, 5), LeakyReLU<double>(0.2), dense(5, 1)), {4}, "SiLU");
  check_all(Sequential<double>(dense(4, 6), LeakyReLU<double>(0.2), dense(6, 4), Softplus<double>(), dense(4, 1)), {4}, "softplus");
  check_all(Sequential<double>(dense(4, 6), ELU<double>(0.7), dense(6, 1)), {4}, "ELU");
  check_all(Sequential<double>(Sequential<double>(dense(4, 6), LeakyReLU<double>(0.2), dense(6, 4), Tanh<double>()),
                               Sequential<double>(dense(4, 3), LeakyReLU<double>(0.1), dense(3, 1))), {4}, "nested");
  check_all(Sequential<double>(dense(4, 6), LeakyReLU<double>(0.2), dense(6, 3)), {4}, "heads, piecewise linear", {}, 2);
  check_all(Sequential<double>(dense(4, 6), Tanh<double>(), dense(6, 3)), {4}, "heads", {}, 2);
  check_all(Sequential<double>(Dropout<double>({.rate = 0.0}), dense(4, 6), LeakyReLU<double>(0.2), dense(6, 1)), {4}, "dropout");
}

TEST_CASE("penalty: gradients of the whole penalised loss of convolutional discriminators") {
  using C = Conv2d<double>;
  const Shape sample{5, 7, 2};
  for (const bool smooth : {false, true}) {
    const auto build = [&](auto middle, const std::string& what) {
      Sequential<double> layers(C({.in = 2, .out = 3, .kernel = 3, .padding = 1}), LeakyReLU<double>(0.2));
      layers.add(middle);
      if (smooth) layers.add(SiLU<double>());
      layers.add(Flatten<double>());
      const Index features = layers.output_shape(sample).size();
      layers.add(Dense<double>({.in = features, .out = 1}));
      check_all(layers, sample, what + (smooth ? ", smooth" : ", piecewise linear"));
    };
    build(C({.in = 3, .out = 4, .kernel = {2, 3}, .stride = 2, .padding = 1}), "strided convolution");
    build(C({.in = 3, .out = 2, .kernel = 1, .bias = false}), "1x1 convolution");
    build(ConvTranspose2d<double>({.in = 3, .out = 2, .kernel = {4, 3}, .stride = 2, .padding = 1}), "transposed convolution");
    build(AvgPool2d<double>({.kernel = {2, 3}}), "average pooling");
    build(MaxPool2d<double>({.kernel = {3, 2}, .stride = 2}), "maximum pooling");
    build(Upsample<double>({.factor = {1, 2}, .mode = Interpolation::bilinear}), "upsampling");
    build(Reshape<double>({7, 5, 3}), "reshape");
  }
}

TEST_CASE("penalty: refuses a discriminator that mixes samples, and says what to use") {
  auto generator = dcgan28_generator<float>(Random(1));
  auto discriminator = dcgan28_discriminator<float>(Random(1));
  CHECK_THROWS_WITH((AdversarialTrainer<float>(generator, discriminator, {.penalties = {r1(1)}})),
                    ContainsSubstring("batch_norm \"D.bn1\": a gradient penalty needs") && ContainsSubstring("use LayerNorm"));
}

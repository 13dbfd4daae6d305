// Gradient penalties against differences of the whole penalised loss, in double.
#include "rival/gan/penalty.hpp"

#include <functional>

#include "catch.hpp"
#include "fixture.hpp"
#include "gradient_check.hpp"
#include "rival/gan/architectures.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/layers/augment.hpp"
#include "rival/layers/concat.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/equalised.hpp"
#include "rival/layers/instance_norm.hpp"
#include "rival/layers/layer_norm.hpp"
#include "rival/layers/minibatch_stddev.hpp"
#include "rival/layers/pack.hpp"
#include "rival/layers/pixel_norm.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/projection.hpp"
#include "rival/layers/resample.hpp"
#include "rival/layers/residual.hpp"
#include "rival/layers/self_attention.hpp"
#include "rival/layers/spectral_norm.hpp"
#include "rival/layers/sum_pool.hpp"
#include "rival/layers/upsample.hpp"

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
      sum += charge.weight * (charge.one_centred ? (length - 1) * (length - 1) : length * length / 2) /
             static_cast<double>(rows);
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
void check_all(Sequential<double> layers, const Shape& sample, const std::string& what, Labels labels = {},
               Index heads = 0) {
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
  check_all(Sequential<double>(dense(4, 6), LeakyReLU<double>(0.2), dense(6, 5), ReLU<double>(), dense(5, 1)), {4},
            "leaky ReLU");
  check_all(Sequential<double>(LeakyReLU<double>(0.3), dense(4, 1)), {4}, "leaky ReLU first");
  check_all(Sequential<double>(dense(4, 6), Tanh<double>(), dense(6, 1)), {4}, "tanh");
  check_all(Sequential<double>(dense(4, 6), Sigmoid<double>(), dense(6, 1), Sigmoid<double>()), {4},
            "sigmoid, also last");
  check_all(Sequential<double>(dense(4, 6), SiLU<double>(), dense(6, 5), LeakyReLU<double>(0.2), dense(5, 1)), {4},
            "SiLU");
  check_all(Sequential<double>(dense(4, 6), LeakyReLU<double>(0.2), dense(6, 4), Softplus<double>(), dense(4, 1)), {4},
            "softplus");
  check_all(Sequential<double>(dense(4, 6), ELU<double>(0.7), dense(6, 1)), {4}, "ELU");
  check_all(Sequential<double>(Sequential<double>(dense(4, 6), LeakyReLU<double>(0.2), dense(6, 4), Tanh<double>()),
                               Sequential<double>(dense(4, 3), LeakyReLU<double>(0.1), dense(3, 1))),
            {4}, "nested");
  check_all(Sequential<double>(dense(4, 6), LeakyReLU<double>(0.2), dense(6, 3)), {4}, "heads, piecewise linear", {},
            2);
  check_all(Sequential<double>(dense(4, 6), Tanh<double>(), dense(6, 3)), {4}, "heads", {}, 2);
  check_all(Sequential<double>(Dropout<double>({.rate = 0.0}), dense(4, 6), LeakyReLU<double>(0.2), dense(6, 1)), {4},
            "dropout");
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
    build(ConvTranspose2d<double>({.in = 3, .out = 2, .kernel = {4, 3}, .stride = 2, .padding = 1}),
          "transposed convolution");
    build(AvgPool2d<double>({.kernel = {2, 3}}), "average pooling");
    build(MaxPool2d<double>({.kernel = {3, 2}, .stride = 2}), "maximum pooling");
    build(Upsample<double>({.factor = {1, 2}, .mode = Interpolation::bilinear}), "upsampling");
    build(Reshape<double>({7, 5, 3}), "reshape");
    build(C({.in = 3, .out = 6, .kernel = 3, .stride = 2, .padding = 1, .groups = 3}), "grouped convolution");
    build(LayerNorm<double>({.features = 3}), "layer norm");
    build(GroupNorm<double>({.groups = 3, .features = 3}), "group norm");
    build(InstanceNorm<double>({.features = 3, .affine = true}), "instance norm");
    build(PixelNorm<double>(), "pixel norm");
    build(BlurDownsample<double>(), "downsampling behind a filter");
    build(BlurUpsample<double>(), "upsampling behind a filter");
    build(SumPool<double>(), "sum pooling");
    build(Equalised(C({.in = 3, .out = 2, .kernel = 3})), "equalised learning rate");
    build(Residual<double>(Sequential<double>(C({.in = 3, .out = 4, .kernel = 1}), LeakyReLU<double>(0.2),
                                              C({.in = 4, .out = 3, .kernel = 3, .padding = 1}))),
          "residual");
    build(Residual<double>(Sequential<double>(C({.in = 3, .out = 2, .kernel = 3, .padding = 1}), Tanh<double>()),
                           Sequential<double>(C({.in = 3, .out = 2, .kernel = 1})), {.scale = 0.7}),
          "residual with both branches");
    build(ConcatSkip<double>(Sequential<double>(C({.in = 3, .out = 2, .kernel = 1}), LeakyReLU<double>(0.2))),
          "concatenation");
  }
}

TEST_CASE("penalty: gradients of the whole penalised loss, of layers with labels, sigma and packs") {
  const std::vector<Label> labels{2, 0, 2};
  using D = Dense<double>;
  check_all(Sequential<double>(Embedding<double>({.classes = 3, .features = 2}), D({.in = 6, .out = 5}),
                               LeakyReLU<double>(0.2), D({.in = 5, .out = 4}), Projection<double>({.classes = 3})),
            {4}, "embedding and projection", labels);
  check_all(Sequential<double>(Embedding<double>({.classes = 3, .one_hot = true}), D({.in = 7, .out = 5}),
                               Softplus<double>(), D({.in = 5, .out = 4}), Projection<double>({.classes = 3})),
            {4}, "one-hot, smooth", labels);
  check_all(Sequential<double>(D({.in = 4, .out = 5}), SiLU<double>(), LayerNorm<double>({.features = 5}),
                               D({.in = 5, .out = 1})),
            {4}, "layer norm of vectors");
}

TEST_CASE("penalty: through spectral norm, whose vectors are constants") {
  // Power iterations until the vectors stand still, so that differences of sigma are those with the vectors held.
  const SpectralNormOptions settled{.iterations = 400};
  check_all(Sequential<double>(SpectralNorm(Dense<double>({.in = 4, .out = 5}), settled), LeakyReLU<double>(0.2),
                               SpectralNorm(Dense<double>({.in = 5, .out = 1}), settled)),
            {4}, "dense");
  check_all(
      Sequential<double>(SpectralNorm(Conv2d<double>({.in = 2, .out = 3, .kernel = 3}), settled), Tanh<double>(),
                         SpectralNorm(ConvTranspose2d<double>({.in = 3, .out = 2, .kernel = 2, .stride = 2}), settled),
                         LeakyReLU<double>(0.2), Flatten<double>(), Dense<double>({.in = 6 * 4 * 2, .out = 1})),
      {5, 4, 2}, "convolutions");
}

TEST_CASE("penalty: of a discriminator that sees packs, the gradient of a pack's score is that of all its samples") {
  Generator<double> generator(2, Sequential<double>(Dense<double>({.in = 2, .out = 3})));
  Discriminator<double> discriminator({3}, Sequential<double>(Pack<double>(2), Dense<double>({.in = 6, .out = 1})));
  generator.initialise(normal<double>(0, 1), Random(3));
  discriminator.initialise(normal<double>(0, 1), Random(4));
  AdversarialTrainer<double> trainer(generator, discriminator, {.penalties = {r1(2.0)}});
  const double squares = discriminator.parameters()[0]->value.array().square().sum();
  const Tensor<double> real({4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3});
  CHECK(trainer.step(real).penalty == Catch::Approx(squares).epsilon(1e-12));
}

TEST_CASE("penalty: PyTorch's double backward") {
  const rival_test::Fixture values("penalty_values");
  const auto hold = [&](const std::string& name, const Shape& sample, Sequential<double> layers) {
    Discriminator<double> discriminator(sample, std::move(layers));
    std::vector<std::string> names;  // weights count up, a bias has its weight's number
    int k = -1;
    for (auto* parameter : discriminator.parameters()) {
      const bool bias = parameter->name.ends_with("bias");
      if (!bias) ++k;
      parameter->value = values.tensor<double>(name + "." + std::to_string(k) + (bias ? ".bias" : ".weight"));
      names.push_back(std::to_string(k) + (bias ? ".dbias" : ".dweight"));
    }
    const auto x = values.tensor<double>(name + ".x");
    for (const std::string kind : {"zero", "one"}) {
      for (auto* parameter : discriminator.parameters()) parameter->grad.fill(0);
      Trace<double> trace;
      Tensor<double> dreal, dfake;
      const auto& scores = discriminator.forward(x, trace);
      non_saturating<double>().discriminator(scores, scores, dreal, dfake);
      GradientPenalty<double> penalty;
      const double charge = penalty.backward(discriminator, trace, &dreal,
                                             {.weight = kind == "zero" ? 3.0 : 10.0, .one_centred = kind == "one"});
      CHECK(charge == Catch::Approx(values.number(name + "." + kind + ".charge")).epsilon(1e-10));
      for (std::size_t p = 0; p < names.size(); ++p) {
        INFO(name << " " << kind << " " << names[p]);
        CHECK(rival_test::difference(discriminator.parameters()[p]->grad,
                                     values.tensor<double>(name + "." + kind + "." + names[p])) < 1e-9);
      }
    }
  };
  hold("linear", {5, 7, 2},
       Sequential<double>(
           Conv2d<double>({.in = 2, .out = 3, .kernel = 4, .stride = 2, .padding = 1}), LeakyReLU<double>(0.2),
           ConvTranspose2d<double>({.in = 3, .out = 2, .kernel = 3, .stride = 2, .padding = 1, .bias = false}),
           LeakyReLU<double>(0.2), AvgPool2d<double>({.kernel = 2}), Flatten<double>(),
           Dense<double>({.in = 4, .out = 1})));
  hold("smooth", {4, 6, 2},
       Sequential<double>(Conv2d<double>({.in = 2, .out = 3, .kernel = 3, .padding = 1}), SiLU<double>(),
                          Conv2d<double>({.in = 3, .out = 4, .kernel = 2, .stride = 2}), LeakyReLU<double>(0.2),
                          Conv2d<double>({.in = 4, .out = 4, .kernel = 1}), Softplus<double>(),
                          MaxPool2d<double>({.kernel = {2, 1}}), Flatten<double>(), Dense<double>({.in = 12, .out = 5}),
                          Tanh<double>(), Dense<double>({.in = 5, .out = 1})));
}

TEST_CASE("penalty: refuses a discriminator that mixes samples, and says what to use") {
  auto generator = dcgan28_generator<float>(Random(1));
  auto discriminator = dcgan28_discriminator<float>(Random(1));
  CHECK_THROWS_WITH(
      (AdversarialTrainer<float>(generator, discriminator, {.penalties = {r1(1)}})),
      ContainsSubstring("batch_norm \"D.bn1\": a gradient penalty needs") && ContainsSubstring("use LayerNorm"));
  CHECK_THROWS_AS(MinibatchStddev<float>().curvature(), Error);
  CHECK_THROWS_AS(SelfAttention<float>({.in = 8}).curvature(), Error);
}

TEST_CASE("penalty: a training step moves the discriminator by the gradient of the whole loss, penalty included") {
  const Index rows = 4, latent = 2, size = 3;
  const auto make_generator = [&] {
    Generator<double> generator(latent, Sequential<double>(Dense<double>({.in = latent, .out = size}), Tanh<double>()));
    generator.initialise(normal<double>(0, 1), Random(3));
    return generator;
  };
  const auto make_discriminator = [&](bool smooth) {
    Sequential<double> layers(Dense<double>({.in = size, .out = 5}), LeakyReLU<double>(0.2));
    if (smooth) layers.add(Softplus<double>());
    layers.add(Dense<double>({.in = 5, .out = 1}));
    Discriminator<double> discriminator({size}, layers);
    discriminator.initialise(normal<double>(0, 1), Random(4));
    return discriminator;
  };
  Tensor<double> real({rows, size}), z({rows, latent});
  Random(5).stream("real").fill_uniform(real, -1.0, 1.0);
  Random(5).stream("latent").fill_normal(z);
  const std::uint64_t seed = 9;

  for (const bool smooth : {false, true})
    for (const Penalty& chosen : {r1(2.0), r2(3.0), wgan_gp(5.0), dragan(4.0)}) {
      INFO((smooth ? "smooth" : "piecewise linear") << ", kind " << static_cast<int>(chosen.kind));
      auto generator = make_generator();
      auto discriminator = make_discriminator(smooth);
      const Tensor<double> fake = generator.sample(z);

      // The points that are paid for, drawn as the docstrings say, from the trainer's stream "penalty".
      Random stream = Random(seed).stream("penalty");
      Tensor<double> points = chosen.kind == PenaltyKind::r2 ? fake : real;
      if (chosen.kind == PenaltyKind::wgan_gp) {
        Tensor<double> u({rows});
        stream.fill_uniform(u);
        for (Index i = 0; i < points.size(); ++i) points[i] += u[i / size] * (fake[i] - real[i]);
      } else if (chosen.kind == PenaltyKind::dragan) {
        Tensor<double> u(real.shape());
        stream.fill_uniform(u);
        const double mean = real.array().mean(), deviation = std::sqrt((real.array() - mean).square().mean());
        for (Index i = 0; i < points.size(); ++i) points[i] += deviation / 2 * u[i];
      }
      const bool one_centred = chosen.kind == PenaltyKind::wgan_gp || chosen.kind == PenaltyKind::dragan;
      auto copy = make_discriminator(smooth);
      const Penalised paid{copy, points, nullptr, {chosen.weight, one_centred}};
      const auto adversarial = [&] {
        Trace<double> a, b;
        Tensor<double> dreal, dfake;
        return non_saturating<double>().discriminator(copy.forward(real, a), copy.forward(fake, b), dreal, dfake);
      };

      const double rate = 1e-2;
      AdversarialTrainer<double> trainer(
          generator, discriminator,
          {.penalties = {chosen}, .discriminator_optimizer = SgdOptions{.learning_rate = rate}, .seed = seed});
      const StepReport report = trainer.step(real, z);
      CHECK(report.penalty == Catch::Approx(paid.loss()).epsilon(1e-12));
      CHECK(report.discriminator_loss == Catch::Approx(adversarial()).epsilon(1e-12));

      double share = 0;  // of the penalty, in the update: without it the test would pass if it were left out
      for (std::size_t p = 0; p < copy.parameters().size(); ++p) {
        auto& parameter = *copy.parameters()[p];
        const Tensor<double> moved = discriminator.parameters()[p]->value;
        for (Index i = 0; i < moved.size(); ++i) {
          const double value = parameter.value[i], step = 1e-5;
          parameter.value[i] = value + step;
          const double up = adversarial(), up_paid = paid.loss();
          parameter.value[i] = value - step;
          const double of_loss = (up - adversarial()) / (2 * step), of_penalty = (up_paid - paid.loss()) / (2 * step);
          parameter.value[i] = value;
          CHECK(std::abs((value - moved[i]) / rate - (of_loss + of_penalty)) < 1e-6);
          share = std::max(share, std::abs(of_penalty));
        }
      }
      CHECK(share > 1e-2);
    }
}

TEST_CASE("penalty: a lazy one is paid for at every so manieth step with so many times the weight") {
  Generator<double> generator(2, Sequential<double>(Dense<double>({.in = 2, .out = 3})));
  Discriminator<double> discriminator({3}, Sequential<double>(Dense<double>({.in = 3, .out = 1})));
  generator.initialise(normal<double>(0, 1), Random(3));
  discriminator.initialise(normal<double>(0, 1), Random(4));
  const double squares = discriminator.parameters()[0]->value.array().square().sum();  // |g|^2 of every sample
  AdversarialTrainer<double> trainer(generator, discriminator,
                                     {.penalties = {r1(
                                          2.0, [](long step) { return step == 0 ? 1.0 : 0.5; }, 3)},
                                      .discriminator_optimizer = SgdOptions{.learning_rate = 0}});
  const Tensor<double> real({2, 3}, {1, 2, 3, 4, 5, 6});
  std::vector<double> paid;
  for (int step = 0; step < 7; ++step) paid.push_back(trainer.step(real).penalty / squares);
  const std::vector<double> expected{3, 0, 0, 1.5, 0, 0, 1.5};
  for (std::size_t i = 0; i < paid.size(); ++i) CHECK(paid[i] == Catch::Approx(expected[i]).margin(1e-14));
}

TEST_CASE("penalty: refuses weights, intervals and kinds that make no sense") {
  const auto refused = [](std::vector<Penalty> penalties, const char* text) {
    CHECK_THROWS_WITH(internal::PenalisedBackward<float>(penalties, 1), ContainsSubstring(text));
  };
  refused({r1(-1)}, "expected a finite weight >= 0, got -1");
  refused({r1(1, {}, 0)}, "expected an interval of at least 1 step, got 0");
  refused({r1(1), r2(1), r1(2)}, "expected each kind once");
}

TEST_CASE("penalty: the same bits for any number of threads") {
  const auto run = [](int count) {
    const int before = threads();
    set_threads(count);
    Generator<float> generator(8, Sequential<float>(Dense<float>({.in = 8, .out = 784}), Reshape<float>({28, 28, 1})));
    generator.initialise(normal<float>(0, 0.1), Random(1));
    auto discriminator = dcgan28_critic<float>(Random(2));
    AdversarialTrainer<float> trainer(generator, discriminator, {.penalties = {r1(1), r2(1), wgan_gp(10)}});
    Tensor<float> real({9, 28, 28, 1});
    Random(3).stream("real").fill_uniform(real, -1.0f, 1.0f);
    for (int step = 0; step < 3; ++step) trainer.step(real);
    set_threads(before);
    return discriminator.parameters()[2]->value;
  };
  const Tensor<float> one = run(1), three = run(3);
  CHECK((one.array() == three.array()).all());
}

// What a training step minimises besides the adversarial loss, by differences in double: auxiliary losses of heads,
// labels, feature matching; and weight clipping.
#include <functional>
#include <vector>

#include "catch.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/reshape.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr Index rows = 5, latent = 3, size = 4, classes = 3;
const std::vector<Label> labels{2, 0, 1, 1, 2};

Generator<double> make_generator(bool labelled) {
  Sequential<double> layers;
  if (labelled) layers.add(Embedding<double>({.classes = classes, .features = 2}));
  layers.add(Dense<double>({.in = labelled ? latent + 2 : latent, .out = size})).add(Tanh<double>());
  Generator<double> generator(latent, layers);
  generator.initialise(normal<double>(0, 1), Random(3));
  return generator;
}
Discriminator<double> make_discriminator(Index heads) {
  Discriminator<double> discriminator({size},
                                      Sequential<double>(Dense<double>({.in = size, .out = 6}), LeakyReLU<double>(0.2),
                                                         Dense<double>({.in = 6, .out = 1 + heads})),
                                      "D", heads);
  discriminator.initialise(normal<double>(0, 1), Random(4));
  return discriminator;
}

struct Samples {
  Tensor<double> real{Shape{rows, size}}, z{Shape{rows, latent}};
  Samples() {
    Random(5).stream("real").fill_uniform(real, -1.0, 1.0);
    Random(5).stream("latent").fill_normal(z);
  }
};

/// Holds that one step of gradient descent moved `network` by the differences of `objective`, which reads `copy`.
void check_moved(Network<double>& network, Network<double>& copy, double rate,
                 const std::function<double()>& objective) {
  const auto moved = network.parameters(), from = copy.parameters();
  for (std::size_t p = 0; p < from.size(); ++p)
    for (Index i = 0; i < from[p]->value.size(); ++i) {
      const double value = from[p]->value[i], step = 1e-5;
      from[p]->value[i] = value + step;
      const double up = objective();
      from[p]->value[i] = value - step;
      const double difference = (up - objective()) / (2 * step);
      from[p]->value[i] = value;
      INFO(from[p]->name << "[" << i << "]");
      CHECK(std::abs((value - moved[p]->value[i]) / rate - difference) < 1e-6);
    }
}

Tensor<double> column(const Tensor<double>& outputs, Index first, Index count) {
  Tensor<double> part({outputs.dim(0), count});
  part.matrix() = outputs.matrix().middleCols(first, count);
  return part;
}

}  // namespace

TEST_CASE("trainer: auxiliary losses of the heads reach both networks") {
  const Samples samples;
  const double rate = 1e-2;
  for (const bool informed : {false, true}) {
    INFO((informed ? "information" : "classification"));
    const Index heads = informed ? classes + 2 : classes;
    auto auxiliary =
        informed ? information<double>({.classes = classes, .codes = 2, .class_weight = 0.8, .code_weight = 0.3})
                 : classification<double>(0.7);
    auto generator = make_generator(true), generator_then = make_generator(true);
    auto discriminator = make_discriminator(heads), discriminator_then = make_discriminator(heads);
    const SgdOptions sgd{.learning_rate = rate};
    AdversarialTrainer<double> trainer(
        generator, discriminator, {.auxiliary = auxiliary, .generator_optimizer = sgd, .discriminator_optimizer = sgd});
    trainer.step(samples.real, samples.z, labels);

    const auto loss = non_saturating<double>();
    const auto head_loss = [&](const Tensor<double>& outputs, const Tensor<double>& z) {
      Tensor<double> ignored;
      return auxiliary.loss(column(outputs, 1, heads), labels, z, ignored);
    };
    check_moved(discriminator, discriminator_then, rate, [&] {
      Trace<double> a, b, c;
      Tensor<double> dreal, dfake;
      const auto& fake = generator_then.forward(samples.z, a, labels);
      const auto &on_real = discriminator_then.forward(samples.real, b, labels),
                 &on_fake = discriminator_then.forward(fake, c, labels);
      return loss.discriminator(column(on_real, 0, 1), column(on_fake, 0, 1), dreal, dfake) +
             head_loss(on_fake, samples.z) + (informed ? 0 : head_loss(on_real, {}));
    });
    // The generator's step goes through the discriminator after its update.
    check_moved(generator, generator_then, rate, [&] {
      Trace<double> a, c;
      Tensor<double> dfake;
      const auto& outputs = discriminator.forward(generator_then.forward(samples.z, a, labels), c, labels);
      return loss.generator({}, column(outputs, 0, 1), dfake) + head_loss(outputs, samples.z);
    });
  }
}

TEST_CASE("trainer: feature matching takes the place of the generator's loss") {
  const Samples samples;
  const double rate = 1e-2;
  auto generator = make_generator(false), generator_then = make_generator(false);
  auto discriminator = make_discriminator(0);
  AdversarialTrainer<double> trainer(generator, discriminator,
                                     {.feature_matching = 2, .generator_optimizer = SgdOptions{.learning_rate = rate}});
  trainer.step(samples.real, samples.z);
  check_moved(generator, generator_then, rate, [&] {
    Trace<double> a, b, c;
    Tensor<double> ignored;
    discriminator.forward(samples.real, b);
    discriminator.forward(generator_then.forward(samples.z, a), c);
    return feature_matching(discriminator.features(2, b), discriminator.features(2, c), ignored);
  });
  for (const Index layers : {Index{1}, Index{-1}, Index{99}})
    CHECK_THROWS_WITH((AdversarialTrainer<double>(generator, discriminator, {.feature_matching = layers})),
                      "trainer: expected feature_matching behind one of the 3 layers of the discriminator and its "
                      "activation, got " +
                          std::to_string(layers));
}

TEST_CASE("trainer: clips the discriminator's weights after each of its updates, and no others") {
  const Samples samples;
  auto generator = make_generator(false);
  auto discriminator = make_discriminator(0);
  AdversarialTrainer<double> trainer(generator, discriminator,
                                     {.loss = wasserstein<double>(), .weight_clip = 0.25, .discriminator_steps = 2});
  trainer.step(samples.real);
  double largest = 0;
  for (const auto* parameter : discriminator.parameters())
    largest = std::max(largest, parameter->value.array().abs().maxCoeff());
  CHECK(largest == 0.25);
  CHECK(generator.parameters()[0]->value.array().abs().maxCoeff() > 0.25);
}

TEST_CASE("trainer: labels of the data set go to both networks, drawn ones to the generated batch") {
  std::vector<std::uint8_t> bytes(4 * 6), data_labels{0, 1, 2, 0, 1, 2};
  const Dataset data({2, 2, 1}, bytes, data_labels, 3);
  Generator<double> generator(2, Sequential<double>(Embedding<double>({.classes = 3, .one_hot = true}),
                                                    Dense<double>({.in = 5, .out = 4}), Reshape<double>({2, 2, 1})));
  Discriminator<double> labelled(
      {2, 2, 1}, Sequential<double>(Flatten<double>(), Embedding<double>({.classes = 3, .one_hot = true}),
                                    Dense<double>({.in = 7, .out = 1})));
  Discriminator<double> plain({2, 2, 1}, Sequential<double>(Flatten<double>(), Dense<double>({.in = 4, .out = 1})));
  for (auto* network : std::vector<Network<double>*>{&generator, &labelled, &plain})
    network->initialise(normal<double>(0, 1), Random(1));

  AdversarialTrainer<double>(generator, labelled, {.batch = 3, .labels = LabelSource::data}).fit(data);
  AdversarialTrainer<double>(generator, plain, {.batch = 3, .labels = LabelSource::drawn, .classes = 3}).fit(data);
  CHECK(generator.sample(Tensor<double>({3, 2}), std::vector<Label>{0, 1, 2}).dim(0) == 3);

  CHECK_THROWS_WITH((AdversarialTrainer<double>(generator, labelled, {.batch = 3}).fit(data)),
                    ContainsSubstring("label"));
  CHECK_THROWS_WITH((AdversarialTrainer<double>(generator, labelled, {.batch = 3, .labels = LabelSource::data})
                         .fit(Dataset({2, 2, 1}, bytes))),
                    "trainer: expected a data set with labels, got none");
  CHECK_THROWS_WITH((AdversarialTrainer<double>(generator, plain, {.labels = LabelSource::drawn})),
                    "trainer: expected 1 to 65536 classes to draw labels from, got 0");
  CHECK_THROWS_WITH(generator.sample(Tensor<double>({3, 2}), std::vector<Label>{0, 1}),
                    "sample: expected 3 labels, one a latent vector, got 2");
}

TEST_CASE("trainer: refuses heads without an auxiliary loss, and the reverse") {
  auto generator = make_generator(false);
  auto heads = make_discriminator(2), none = make_discriminator(0);
  CHECK_THROWS_WITH((AdversarialTrainer<double>(generator, heads)), ContainsSubstring("got 2 heads and no loss"));
  CHECK_THROWS_WITH((AdversarialTrainer<double>(generator, none, {.auxiliary = classification<double>()})),
                    ContainsSubstring("got 0 heads and a loss"));
}

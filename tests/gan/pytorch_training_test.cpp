// Ten training steps against PyTorch's, from the same initial weights, images and noise.
//
// In double the two runs stay together to the fixture's 12 digits, so the test is sharp: it fails for any difference in
// a layer, loss, optimiser or the order of the updates. In float no two programs stay together for long: a ReLU's input
// rounds to the other side of 0, or Adam turns a gradient near 0 into a step of full size, and they part for good. The
// measure is PyTorch itself: the fixture holds how far its float runs came from its double ones.

#include <cmath>
#include <string>
#include <type_traits>

#include "catch.hpp"
#include "fixture.hpp"
#include "rival/gan/architectures.hpp"
#include "rival/gan/trainer.hpp"

using namespace rival;
using rival_test::draw;
using rival_test::Fixture;

namespace {

// As in fixtures/make_pytorch_training.py.
constexpr Index steps = 10, batch = 8, samples = 32;
constexpr std::uint32_t images_stream = 1000, noise_stream = 2000, probe_stream = 3000;

const Fixture& values() {
  static const Fixture fixture("pytorch_training");
  return fixture;
}

template <class S>
State<S> state_of(Generator<S>& generator, Discriminator<S>& discriminator) {
  State<S> all = generator.state();
  const State<S> more = discriminator.state();
  all.parameters.insert(all.parameters.end(), more.parameters.begin(), more.parameters.end());
  all.buffers.insert(all.buffers.end(), more.buffers.begin(), more.buffers.end());
  return all;
}

/// Every weight from a stream of its own, and 1 more if it is the scale of a batch norm.
template <class S>
void initialise(const State<S>& state) {
  std::uint32_t stream = 0;
  for (auto* parameter : state.parameters) {
    parameter->value = draw<S>(parameter->value.shape(), stream++, 0x1p-5);
    if (parameter->name.find(".bn") != std::string::npos && parameter->name.ends_with("weight"))
      parameter->value.array() += S(1);
  }
}

/// Of `tensor`: the root mean square of the samples' distance from the fixture's, and the distance of the probe.
struct Distance {
  double samples, probe;
};
template <class S>
Distance distance(const Tensor<S>& tensor, const std::string& name, std::uint32_t number) {
  const auto expected = values().tensor<double>(name);
  REQUIRE(expected.size() == samples + 1);
  double squares = 0;
  for (Index i = 0; i < samples; ++i)
    squares += std::pow(static_cast<double>(tensor[i * tensor.size() / samples]) - expected[i], 2);
  const auto probe = draw<double>(tensor.shape(), probe_stream + number);
  const double product = (tensor.array().template cast<double>() * probe.array()).mean();
  return {std::sqrt(squares / samples), std::abs(product - expected[samples])};
}

template <class S>
void check_training(Generator<S> generator, Discriminator<S> discriminator, const std::string& name) {
  const auto state = state_of(generator, discriminator);
  initialise(state);
  const AdamOptions adam{.learning_rate = 2e-4, .beta1 = 0.5};
  AdversarialTrainer<S> trainer(generator, discriminator,
                                {.generator_optimizer = adam, .discriminator_optimizer = adam});

  constexpr bool exact = std::is_same_v<S, double>;
  const auto losses = values().tensor<double>(name + ".losses");
  const auto apart = values().tensor<double>(name + ".float.losses");
  for (Index step = 0; step < steps; ++step) {
    INFO(name << ", step " << step);
    const auto at = static_cast<std::uint32_t>(step);
    const auto images = draw<S>({batch, 28, 28, 1}, images_stream + at);
    const auto latent = draw<S>({batch, 100}, noise_stream + at, 2);
    const auto report = trainer.step(images, latent);
    // Runs may part one step earlier than PyTorch's did, and a few times further.
    const double tolerance = exact ? 1e-10 : 1e-5 + 4 * apart[std::min(step + 1, steps - 1)];
    CHECK(std::abs(report.discriminator_loss - losses(step, 0)) <= tolerance);
    CHECK(std::abs(report.generator_loss - losses(step, 1)) <= tolerance);
  }

  std::uint32_t number = 0;
  const auto check = [&](const Tensor<S>& tensor, const std::string& tensor_name, const std::string& kind) {
    INFO(tensor_name);
    const auto [sampled, probe] = distance(tensor, name + "." + tensor_name, number++);
    CHECK(sampled <= (exact ? 1e-10 : 4 * values().number(name + ".float." + kind)));
    // One element that is wrong by a learning rate moves the probe of the largest tensor by some 1e-10.
    if (exact) CHECK(probe <= 1e-12);
  };
  for (const auto* parameter : state.parameters) check(parameter->value, parameter->name, "parameters");
  for (const auto* buffer : state.buffers) check(buffer->value, buffer->name, "buffers");
}

}  // namespace

TEMPLATE_TEST_CASE("ten steps of dense are PyTorch's", "", float, double) {
  using S = TestType;
  check_training<S>(dense_generator<S>(Random(0)), dense_discriminator<S>(Random(0)), "dense");
}

TEMPLATE_TEST_CASE("ten steps of dcgan28 are PyTorch's", "", float, double) {
  using S = TestType;
  check_training<S>(dcgan28_generator<S>(Random(0)), dcgan28_discriminator<S>(Random(0)), "dcgan28");
}

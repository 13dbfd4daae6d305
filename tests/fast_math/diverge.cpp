// Training that has diverged says so whatever flags a program is compiled with. This one is compiled with -ffast-math,
// which lets compilers take every number for finite; it ends with the number of NaN and infinities that were let pass.

#include <bit>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "rival/core/finite.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/loss/relativistic.hpp"

using namespace rival;

namespace {

// Read at run time, so that the compiler knows nothing of the numbers beforehand.
volatile std::uint32_t nan_bits = 0x7fc00000, infinity_bits = 0x7f800000, largest_bits = 0x7f7fffff;
volatile std::uint64_t wide_nan_bits = 0x7ff8000000000000, wide_infinity_bits = 0xfff0000000000000,
                       wide_largest_bits = 0xffefffffffffffff;

float number(const volatile std::uint32_t& bits) { return std::bit_cast<float>(std::uint32_t{bits}); }
double number(const volatile std::uint64_t& bits) { return std::bit_cast<double>(std::uint64_t{bits}); }

/// Whether a step on these samples ends in Diverged.
bool diverges(const AdversarialLoss<>& loss, const Tensor<>& real, bool with_nan_in_generator = false) {
  Generator<> generator(3, Sequential<>(Dense<>({.in = 3, .out = 8}), LeakyReLU<>(0.2), Dense<>({.in = 8, .out = 4})));
  Discriminator<> discriminator(
      {4}, Sequential<>(Dense<>({.in = 4, .out = 8}), LeakyReLU<>(0.2), Dense<>({.in = 8, .out = 1})));
  generator.initialise(he<float>(0.2), Random(1));
  discriminator.initialise(he<float>(0.2), Random(2));
  AdversarialTrainer<> trainer(generator, discriminator, {.loss = loss});
  if (with_nan_in_generator) generator.parameters()[0]->value[0] = number(nan_bits);
  try {
    trainer.step(real);
  } catch (const Diverged&) {
    return true;
  }
  return false;
}

}  // namespace

int main() {
  int wrong = 0;
  const auto expect = [&](bool right, const char* subject, const char* what) {
    if (right) return;
    ++wrong;
    std::printf("%s: %s\n", subject, what);
  };

  expect(is_finite(number(largest_bits)) && is_finite(number(wide_largest_bits)), "is_finite",
         "not the largest number");
  expect(!is_finite(number(nan_bits)) && !is_finite(number(wide_nan_bits)), "is_finite", "NaN");
  expect(!is_finite(number(infinity_bits)) && !is_finite(number(wide_infinity_bits)), "is_finite", "infinity");

  Tensor<> good({8, 4});
  Random random(3);
  random.fill_normal(good);
  Tensor<> bad = good;
  bad[5] = number(nan_bits);
  const std::pair<const char*, AdversarialLoss<>> losses[] = {{"non_saturating", non_saturating()},
                                                              {"minimax", minimax()},
                                                              {"least_squares", least_squares()},
                                                              {"wasserstein", wasserstein()},
                                                              {"hinge", hinge()},
                                                              {"relativistic_pairing", relativistic_pairing()},
                                                              {"relativistic_average", relativistic_average()}};
  for (const auto& [name, loss] : losses) {
    expect(!diverges(loss, good), name, "good samples were refused");
    expect(diverges(loss, bad), name, "a NaN among the real samples was let pass");
    expect(diverges(loss, good, true), name, "a NaN among the generator's weights was let pass");
  }
  return wrong;
}

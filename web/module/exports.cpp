// The module's functions, as JavaScript calls them (rival.js). Each returns a pointer to its result, or null when it
// has failed; then failure() points to the reason, a text that ends in 0. Results stay until the next call.

#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "layer_makers.hpp"

#include "digits.hpp"
#include "playground.hpp"

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

namespace {

std::string argument, reason;
std::vector<float> numbers;
std::optional<web::Playground> playground;
std::optional<web::Digits> digits;

template <class Call>
const float* result_of(const Call& call) {
  try {
    numbers.clear();
    call();
    numbers.push_back(0);  // so that there is something to point to
    return numbers.data();
  } catch (const std::exception& error) {
    reason = error.what();
    return nullptr;
  }
}

void give(const rival::Tensor<>& tensor) { numbers.assign(tensor.data(), tensor.data() + tensor.size()); }

/// Of a list of x, y.
rival::GaussianMixture mixture(const float* centres, int count, double sigma) {
  rival::GaussianMixture data{{}, sigma};
  for (int i = 0; i < count; ++i)
    data.centres.push_back({static_cast<double>(centres[2 * i]), static_cast<double>(centres[2 * i + 1])});
  return data;
}

template <class Thing>
Thing& the(std::optional<Thing>& thing) {
  rival::require(thing.has_value(), "expected it to be made first");
  return *thing;
}

/// The first `count` numbers of the argument as latent vectors.
rival::Tensor<> latents(int count) {
  rival::Tensor<> vectors({count, the(digits).latent()});
  rival::require(argument.size() >= sizeof(float) * static_cast<std::size_t>(vectors.size()), "expected ",
                 vectors.size(), " numbers");
  std::memcpy(vectors.data(), argument.data(), sizeof(float) * static_cast<std::size_t>(vectors.size()));
  return vectors;
}

}  // namespace

EXPORT(failure) const char* failure() { return reason.c_str(); }

/// Where the caller writes what the next call reads: so many bytes.
EXPORT(argument) char* argument_of(int bytes) {
  argument.assign(static_cast<std::size_t>(bytes), '\0');
  return argument.data();
}

// The playground. Settings are JSON, data a list of x, y.

EXPORT(playground_data) const float* playground_data(int count, double sigma) {
  return result_of([&] {
    const auto* centres = reinterpret_cast<const float*>(argument.data());
    the(playground).set_data(mixture(centres, count, sigma));
  });
}
/// With one Gaussian at the origin as data, until there are others.
EXPORT(playground_begin) const float* playground_begin() {
  return result_of([] { playground.emplace(web::settings_from_json(argument), rival::GaussianMixture{{{0, 0}}, 1}); });
}
EXPORT(playground_change) const float* playground_change() {
  return result_of([] { the(playground).change(web::settings_from_json(argument)); });
}
EXPORT(playground_step) const float* playground_step() {
  return result_of([] { the(playground).step(); });
}
/// step, losses of discriminator and generator, modes, those covered, quality
EXPORT(playground_progress) const float* playground_progress() {
  return result_of([] {
    const web::Progress now = the(playground).progress();
    for (const double number : {static_cast<double>(now.step), now.discriminator_loss, now.generator_loss, now.modes,
                                now.covered, now.quality})
      numbers.push_back(static_cast<float>(number));
  });
}
EXPORT(playground_samples) const float* playground_samples() {
  return result_of([] { give(the(playground).samples()); });
}
EXPORT(playground_points) const float* playground_points(int count) {
  return result_of([&] { give(the(playground).data(count)); });
}
EXPORT(playground_field) const float* playground_field(int side, float reach) {
  return result_of([&] { give(the(playground).field(side, reach)); });
}
EXPORT(playground_arrows) const float* playground_arrows(int count) {
  return result_of([&] { give(the(playground).arrows(count)); });
}

// Digits. The argument is the file, and later latent vectors.

/// latent, classes, height, width
EXPORT(digits_begin) const float* digits_begin() {
  return result_of([] {
    digits.emplace(std::move(argument));
    for (const rival::Index size : {digits->latent(), digits->classes(), digits->shape()[0], digits->shape()[1]})
      numbers.push_back(static_cast<float>(size));
  });
}
EXPORT(digits_draw) const float* digits_draw(int seed) {
  return result_of([&] { give(the(digits).draw(static_cast<std::uint64_t>(seed))); });
}
EXPORT(digits_directions) const float* digits_directions() {
  return result_of([] { give(the(digits).directions()); });
}
/// Images of `count` latent vectors, all of one class.
EXPORT(digits_sample) const float* digits_sample(int count, int label) {
  return result_of([&] {
    const std::vector<std::uint16_t> labels(static_cast<std::size_t>(count), static_cast<std::uint16_t>(label));
    give(the(digits).sample(latents(count), labels));
  });
}
/// A latent vector, and behind it a weight for each class.
EXPORT(digits_mix) const float* digits_mix() {
  return result_of([] {
    const rival::Tensor<> latent = latents(1);
    std::vector<float> weights(argument.size() / sizeof(float) - static_cast<std::size_t>(latent.size()));
    std::memcpy(weights.data(), argument.data() + sizeof(float) * static_cast<std::size_t>(latent.size()),
                sizeof(float) * weights.size());
    give(the(digits).sample_mixed(latent, weights));
  });
}

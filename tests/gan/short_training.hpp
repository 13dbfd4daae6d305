#pragma once
// A short training run on made-up images, for what holds of any training: the same bits always, no allocations.

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "rival/gan/architectures.hpp"
#include "rival/gan/trainer.hpp"

namespace rival_test {

inline const std::vector<std::string> architectures{"dense", "dcgan28", "tfdcgan"};

inline rival::Generator<> make_generator(const std::string& architecture, const rival::Random& random) {
  if (architecture == "dense") return rival::dense_generator(random);
  return architecture == "dcgan28" ? rival::dcgan28_generator(random) : rival::tfdcgan_generator(random);
}

inline rival::Discriminator<> make_discriminator(const std::string& architecture, const rival::Random& random) {
  if (architecture == "dense") return rival::dense_discriminator(random);
  return architecture == "dcgan28" ? rival::dcgan28_discriminator(random) : rival::tfdcgan_discriminator(random);
}

/// 42 images of random bytes.
inline rival::Dataset noise_images() {
  rival::Random random(99);
  std::vector<std::uint8_t> bytes(42 * 784);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
  return {{28, 28, 1}, bytes};
}

/// Both networks, and a trainer of small batches.
struct ShortTraining {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static constexpr long steps = 4;
#else
  static constexpr long steps = 20;
#endif

  // Batches of 9 fill no tile, and 42 images are no whole number of them.
  explicit ShortTraining(const std::string& architecture, std::uint64_t seed = 1)
      : generator(make_generator(architecture, rival::Random(seed))),
        discriminator(make_discriminator(architecture, rival::Random(seed))),
        trainer(generator, discriminator, {.batch = 9, .seed = seed}) {}

  /// 20 steps in all; fewer where a sanitizer makes each fifty times as slow.
  void run() { trainer.fit(images, {.epochs = 7, .steps = steps}); }

  /// The bits of every parameter and buffer, one tensor behind the other.
  std::vector<std::uint32_t> bits() {
    std::vector<std::uint32_t> all;
    const auto append = [&](const rival::Tensor<>& tensor) {
      for (rival::Index i = 0; i < tensor.size(); ++i) all.push_back(std::bit_cast<std::uint32_t>(tensor[i]));
    };
    for (auto state : {generator.state(), discriminator.state()}) {
      for (const auto* parameter : state.parameters) append(parameter->value);
      for (const auto* buffer : state.buffers) append(buffer->value);
    }
    return all;
  }

  rival::Dataset images = noise_images();
  rival::Generator<> generator;
  rival::Discriminator<> discriminator;
  rival::AdversarialTrainer<> trainer;
};

/// FNV-1a over the bytes.
inline std::uint64_t hash(const std::vector<std::uint32_t>& bits) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (const std::uint32_t word : bits)
    for (int shift = 0; shift < 32; shift += 8) value = (value ^ (word >> shift & 0xff)) * 0x100000001b3;
  return value;
}

}  // namespace rival_test

// Checkpoints, into a small trainer: first as they are, then what stands behind the checksum without it, since none is
// ever right by chance.
#include "fuzz.hpp"

#include <string>
#include <utility>

#include "rival/gan/trainer.hpp"
#include "rival/io/checkpoint.hpp"
#include "rival/layers/dense.hpp"

namespace {

template <class Network>
Network initialised(Network network) {
  network.initialise(rival::he<>(), rival::Random(1));
  return network;
}

struct Training {
  rival::Generator<> generator;
  rival::Discriminator<> discriminator;
  rival::AdversarialTrainer<> trainer;

  Training()
      : generator(initialised(rival::Generator<>(2, rival::Sequential<>(rival::Dense<>({.in = 2, .out = 2}))))),
        discriminator(
            initialised(rival::Discriminator<>({2}, rival::Sequential<>(rival::Dense<>({.in = 2, .out = 1}))))),
        trainer(generator, discriminator, options()) {}

  static rival::TrainerOptions<> options() {
    rival::TrainerOptions<> options;
    options.batch = 2;
    options.average = rival::MovingAverageOptions{};
    return options;
  }
};

/// As parse_checkpoint, but for the checksum.
rival::internal::CheckpointFile unchecked(const rival::Safetensors& file) {
  using rival::Tensor;
  const auto text = file.metadata().find("rival_checkpoint");
  rival::require(text != file.metadata().end(), "no checkpoint");
  rival::internal::CheckpointFile checkpoint{"checkpoint", rival::Json::parse(text->second), {}};
  for (const std::string& name : file.names()) {
    const std::string& type = file.entry(name).type;
    auto& tensor = checkpoint.tensors[name];
    if (type == "F32")
      tensor.emplace<Tensor<float>>(file.tensor<float>(name));
    else if (type == "F64")
      tensor.emplace<Tensor<double>>(file.tensor<double>(name));
    else
      tensor.emplace<Tensor<std::uint8_t>>(file.tensor<std::uint8_t>(name));
  }
  return checkpoint;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Training training;
  return rival_test::may_throw_error([&] {
    const auto file = rival::Safetensors::parse(std::string(rival_test::text_of(data, size)));
    rival_test::may_throw_error([&] { rival::internal::parse_checkpoint(file, "checkpoint"); });
    auto checkpoint = unchecked(file);
    checkpoint.take_extras();
    rival::internal::load_checkpoint(training.trainer, checkpoint);
  });
}

// Checkpoints of a trainer with labelled samples: where its loader stands is in them, and which samples these are.
#include <string>
#include <vector>

#include "catch.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/io/checkpoint.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/gaussian_noise.hpp"
#include "rival/layers/log_sum_exp.hpp"
#include "rival/layers/weight_norm.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;
using rival_test::read_bytes;
using rival_test::TemporaryFolder;

namespace {

Dataset rows(Index count, bool labels, std::uint64_t seed = 7) {
  std::vector<float> values(static_cast<std::size_t>(count * 4));
  Random random(seed);
  for (float& value : values) value = static_cast<float>(random.normal());
  std::vector<Label> of_rows;
  for (Index i = 0; labels && i < count; ++i) of_rows.push_back(static_cast<Label>(i % 3));
  return {{4}, values, of_rows, labels ? 3 : 0};
}

/// A trainer of its own; the discriminator has noise, and lengths that are a buffer.
struct Training {
  Generator<> generator{2, Sequential<>(Dense<>({.in = 2, .out = 4}))};
  Discriminator<> discriminator{
      {4},
      Sequential<>(GaussianNoise<>({.sigma = 0.1}), WeightNorm(Dense<>({.in = 4, .out = 3}), {.learn_lengths = false}),
                   LogSumExp<>()),
      "D",
      3};
  AdversarialTrainer<> trainer;

  explicit Training(std::uint64_t seed = 1, Index batch = 3, std::uint64_t labelled = 7)
      : trainer(initialised(generator, seed), initialised(discriminator, seed),
                {.batch = 4,
                 .auxiliary = classification(),
                 .labelled = LabelledSamples{rows(7, true, labelled), batch},
                 .seed = 5}) {}

  template <class AnyNetwork>
  static AnyNetwork& initialised(AnyNetwork& network, std::uint64_t seed) {
    network.initialise(normal<>(0, 1), Random(seed));
    return network;
  }
};

}  // namespace

TEST_CASE("checkpoint: a run with labelled samples goes on bit for bit") {
  const TemporaryFolder folder;
  const Dataset data = rows(20, false, 8);
  Training whole;
  whole.trainer.fit(data, {.epochs = 3, .on_step = [&](const StepReport& report) {
                             if (report.steps_done == 4) whole.trainer.save(folder / "middle");
                           }});
  whole.trainer.save(folder / "whole");
  Training rest(77);  // all has to come over
  rest.trainer.load(folder / "middle");
  CHECK(rest.trainer.state().labelled.taken == 6);
  rest.trainer.fit(data, {.epochs = 3, .resume = true});
  rest.trainer.save(folder / "rest");
  CHECK((read_bytes(folder / "whole") == read_bytes(folder / "rest")));
}

TEST_CASE("checkpoint: without labelled samples there is no word of them, as before there were any") {
  const TemporaryFolder folder;
  Training t;
  AdversarialTrainer<> plain(t.generator, t.discriminator,
                             {.batch = 4,
                              .auxiliary = information({.classes = 3, .codes = 0}),
                              .labels = LabelSource::drawn,
                              .classes = 3,
                              .seed = 5});
  plain.save(folder / "a");
  const std::string bytes = read_bytes(folder / "a");
  CHECK(bytes.find("latents") != std::string::npos);
  CHECK(bytes.find("labelled") == std::string::npos);
  plain.load(folder / "a");
}

TEST_CASE("checkpoint: other labelled samples, and other batches of them, are said") {
  const TemporaryFolder folder;
  Training().trainer.save(folder / "a");
  Training smaller(1, 2), other(1, 3, 9);
  CHECK_THROWS_WITH(smaller.trainer.load(folder / "a"),
                    ContainsSubstring("options.labelled.batch: the checkpoint has 3, here it is 2"));
  CHECK_THROWS_WITH(other.trainer.load(folder / "a"),
                    ContainsSubstring("options.labelled.fingerprint: the checkpoint has "));
}

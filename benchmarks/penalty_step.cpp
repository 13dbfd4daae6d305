// A training step of dcgan28's discriminator without batch norm, on a real and a generated batch, Adam: plain, and with
// the exact penalties R1 and R2 on every step. Names: penalty_step/<plain|r1_r2>/batch:<images>/threads:<threads>
// Options: --batches, --threads

#include "common.hpp"

namespace {

void penalty_step(benchmark::State& state, const std::vector<rival::Penalty>& penalties) {
  const auto batch = static_cast<bench::Index>(state.range(0));
  const auto threads = static_cast<int>(state.range(1));
  rival::Random random(1);
  auto discriminator = rival::dcgan28_critic(random);
  rival::Tensor<float> real(discriminator.input_shape().batch(batch)), fake(real.shape());
  random.fill_uniform(real, -1.0f, 1.0f);
  random.fill_uniform(fake, -1.0f, 1.0f);
  rival::Adam<float> adam(discriminator.parameters(), {.learning_rate = 2e-4, .beta1 = 0.5});
  const auto loss = rival::non_saturating();
  rival::internal::PenalisedBackward<float> backward(penalties, 1);
  rival::Trace<float> real_trace, fake_trace;
  rival::Tensor<float> dreal, dfake;
  const auto gradients = [&] {
    const auto& real_scores = discriminator.forward(real, real_trace);
    const auto& fake_scores = discriminator.forward(fake, fake_trace);
    loss.discriminator(real_scores, fake_scores, dreal, dfake);
    backward.backward(discriminator, {real, {}, real_trace, dreal}, {fake, {}, fake_trace, dfake});
  };

  // Validation: the gradients by the fast kernels against the same network in double.
  auto wide = rival::dcgan28_critic<double>(random);
  const auto from = discriminator.parameters();
  const auto to = wide.parameters();
  for (std::size_t p = 0; p < from.size(); ++p) to[p]->value.array() = from[p]->value.array().cast<double>();
  rival::Tensor<double> wide_real(real.shape()), wide_fake(fake.shape()), wide_dreal, wide_dfake;
  wide_real.array() = real.array().cast<double>();
  wide_fake.array() = fake.array().cast<double>();
  rival::Trace<double> wide_real_trace, wide_fake_trace;
  rival::internal::PenalisedBackward<double> wide_backward(penalties, 1);
  const auto& wide_real_scores = wide.forward(wide_real, wide_real_trace);
  const auto& wide_fake_scores = wide.forward(wide_fake, wide_fake_trace);
  rival::non_saturating<double>().discriminator(wide_real_scores, wide_fake_scores, wide_dreal, wide_dfake);
  wide_backward.backward(wide, {wide_real, {}, wide_real_trace, wide_dreal},
                         {wide_fake, {}, wide_fake_trace, wide_dfake});
  gradients();
  for (std::size_t p = 0; p < from.size(); ++p) {
    const auto& got = from[p]->grad;
    const auto& expected = to[p]->grad;
    const double error = bench::error_of(std::vector<double>(got.data(), got.data() + got.size()),
                                         std::vector<double>(expected.data(), expected.data() + expected.size()));
    if (!(error < 1e-3)) return state.SkipWithError("gradients differ from those in double");
  }

  // Forward twice, backward to the parameters twice; with a penalty both go to the images too, and forward once more.
  const auto flops = bench::network_flops(discriminator, batch);
  const double plain = 2 * (3 * flops.forward - flops.first);
  bench::measure(
      state, threads, penalties.empty() ? plain : plain + 2 * (flops.first + flops.forward),
      [&] {
        gradients();
        adam.step();
      },
      static_cast<double>(batch));
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv, {.batches = {64}}, [](const bench::Arguments& arguments) {
    const std::pair<const char*, std::vector<rival::Penalty>> kinds[] = {{"plain", {}},
                                                                         {"r1_r2", {rival::r1(1), rival::r2(1)}}};
    for (const auto& [name, penalties] : kinds)
      benchmark::RegisterBenchmark((std::string("penalty_step/") + name).c_str(), penalty_step, penalties)
          ->ArgNames({"batch", "threads"})
          ->ArgsProduct({arguments.batches, arguments.threads})
          ->Unit(benchmark::kMillisecond);
  });
}

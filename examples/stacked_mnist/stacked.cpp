#include "stacked.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <variant>

#include "rival/gan/recipes/rpgan.hpp"
#include "rival/metrics/class_score.hpp"
#include "rival/metrics/kl_to_law.hpp"

namespace {

constexpr rival::Index pixels = 28 * 28, channels = 3;

}  // namespace

rival::Dataset stack_digits(const rival::Dataset& digits, rival::Index count, rival::Random random) {
  rival::require(digits.sample_shape() == rival::Shape{28, 28, 1} && digits.classes() == 10 && digits.size() > 0,
                 "stacked_mnist: expected digits of 28x28x1 with ten classes, got ", digits.sample_shape(), " with ",
                 digits.classes());
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count * pixels * channels));
  std::vector<rival::Label> kinds(static_cast<std::size_t>(count));
  rival::Tensor<double> drawn({channels});
  for (rival::Index i = 0; i < count; ++i) {
    random.fill_uniform(drawn, 0.0, static_cast<double>(digits.size()));
    rival::Index kind = 0;
    for (rival::Index c = 0; c < channels; ++c) {
      const rival::Index which = std::min(digits.size() - 1, static_cast<rival::Index>(drawn[c]));
      const auto from = digits.values<std::uint8_t>(which);
      for (rival::Index p = 0; p < pixels; ++p)
        bytes[static_cast<std::size_t>((i * pixels + p) * channels + c)] = from[static_cast<std::size_t>(p)];
      kind = 10 * kind + digits.label(which);
    }
    kinds[static_cast<std::size_t>(i)] = static_cast<rival::Label>(kind);
  }
  return {{28, 28, channels}, std::move(bytes), std::move(kinds), stacked_kinds};
}

void StackedCounter::add(const rival::Tensor<float>& images) {
  const rival::Index count = images.dim(0);
  std::vector<rival::Label> kinds(static_cast<std::size_t>(count));
  rival::Tensor<float> digits({count, 28, 28, 1});
  for (rival::Index c = 0; c < channels; ++c) {
    for (rival::Index i = 0; i < digits.size(); ++i) digits[i] = images[i * channels + c];
    const auto read = rival::predicted_classes(classifier_.logits(digits));
    for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = static_cast<rival::Label>(10 * kinds[i] + read[i]);
  }
  for (const rival::Label kind : kinds) ++of_kind_[kind];
}

StackedCounts StackedCounter::counts(const std::vector<rival::Index>& law) const {
  const auto modes = std::count_if(of_kind_.begin(), of_kind_.end(), [](rival::Index n) { return n > 0; });
  return {std::accumulate(of_kind_.begin(), of_kind_.end(), rival::Index{0}), modes, rival::kl_to_law(of_kind_, law)};
}

rival::Recipe<> stacked_recipe(rival::Index width, rival::Index batch, std::uint64_t seed) {
  auto recipe =
      rival::recipes::rpgan<float>({.batch = batch, .seed = seed, .image = {28, 28, channels}, .width = width});
  for (auto* optimizer : {&recipe.options.generator_optimizer, &recipe.options.discriminator_optimizer})
    std::get<rival::AdamOptions>(*optimizer).learning_rate = 1e-3;
  return recipe;
}

#include "common/samples.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "rival/gan/best_latents.hpp"
#include "rival/gan/latent_law.hpp"
#include "rival/gan/trainer_options.hpp"

Samples::Samples(const rival::Generator<>& generator, const rival::TrainerOptions<>& options, rival::Random random,
                 rival::Index classes, long label)
    : generator_(generator),
      draw_latent_(options.draw_latent),
      random_(std::move(random)),
      classes_(classes),
      label_(label) {
  const rival::Index latent = generator.latent();
  if (classes == 0 || label >= 0) {
    columns_ = 8;
    fixed_.resize({64, latent});
    draw(fixed_);
    if (classes > 0) fixed_labels_.assign(64, static_cast<Label>(label));
    return;
  }
  columns_ = 10;
  rival::Tensor<float> row({columns_, latent});
  draw(row);
  fixed_.resize({classes * columns_, latent});
  for (rival::Index k = 0; k < classes; ++k) {
    std::copy_n(row.data(), row.size(), fixed_.data() + k * row.size());
    fixed_labels_.insert(fixed_labels_.end(), static_cast<std::size_t>(columns_), static_cast<Label>(k));
  }
}

void Samples::choose_by(const rival::Discriminator<>& discriminator, rival::Index tries) {
  discriminator_ = &discriminator;
  tries_ = tries;
  if (tries == 1) return;
  const rival::Index latent = generator_.latent();
  candidates_.resize({fixed_.dim(0) * tries, latent});
  draw(candidates_);
  for (rival::Index i = 0; i < fixed_.dim(0); ++i)
    std::copy_n(fixed_.data() + i * latent, latent, candidates_.data() + i * tries * latent);
}

rival::Tensor<float> Samples::best() const {
  if (tries_ == 1) return fixed();
  return generator_.sample(rival::best_latents(generator_, *discriminator_, candidates_, tries_, fixed_labels_),
                           fixed_labels_);
}

rival::Tensor<float> Samples::walks(rival::Index count, rival::Index steps) const {
  const rival::Index latent = generator_.latent();
  const auto* told = draw_latent_.target<rival::LatentLaw<>>();
  const rival::LatentLaw<> law = told ? *told : rival::LatentLaw<>();
  rival::Tensor<float> vectors({count * steps, latent});
  std::vector<Label> labels;
  for (rival::Index walk = 0; walk < count; ++walk) {
    const float* from = fixed_.data() + 2 * walk % columns_ * latent;
    for (rival::Index step = 0; step < steps; ++step) {
      const double share = static_cast<double>(step) / static_cast<double>(steps - 1);
      law.between(from, from + latent, latent, share, vectors.data() + (walk * steps + step) * latent);
      if (classes_ > 0) labels.push_back(static_cast<Label>(label_ >= 0 ? label_ : walk % classes_));
    }
  }
  return generator_.sample(vectors, labels);
}

rival::Tensor<float> Samples::next(rival::Index count) {
  rival::Tensor<float> vectors({count * tries_, generator_.latent()});
  draw(vectors);
  std::vector<Label> labels(classes_ > 0 ? static_cast<std::size_t>(count) : 0);
  for (auto& label : labels) label = static_cast<Label>(label_ >= 0 ? label_ : drawn_++ % classes_);
  if (tries_ > 1) vectors = rival::best_latents(generator_, *discriminator_, vectors, tries_, labels);
  return generator_.sample(vectors, labels);
}

void Samples::draw(rival::Tensor<float>& vectors) {
  if (draw_latent_)
    draw_latent_(vectors, random_);
  else
    random_.fill_normal(vectors);
}

#include "outputs.hpp"

#include <algorithm>
#include <cmath>

#include "rival/image/scatter.hpp"

rival::Image picture(const rival::Tensor<float>& samples, const rival::GaussianMixture& real,
                     const rival::Discriminator<>& discriminator, double unit, rival::Index size) {
  double reach = 0;
  rival::Tensor<float> centres({real.modes(), 2});
  for (rival::Index k = 0; k < real.modes(); ++k)
    for (rival::Index axis = 0; axis < 2; ++axis) {
      const double place = real.centres[static_cast<std::size_t>(k)][static_cast<std::size_t>(axis)];
      centres(k, axis) = static_cast<float>(place);
      reach = std::max(reach, 1.3 * std::abs(place));
    }

  const auto scores = [&](const rival::Tensor<float>& places,
                          rival::Trace<float>& trace) -> const rival::Tensor<float>& {
    rival::Tensor<float> scaled = places;
    scaled.array() /= static_cast<float>(unit);
    return discriminator.infer(scaled, trace);
  };
  rival::Trace<float> of_samples, of_field;
  const auto& field = scores(rival::field_places(size / 4, reach), of_field);
  // Relativistic losses leave it open where the scores' zero is, but not how they lie around those of the samples.
  const double neutral = scores(samples, of_samples).array().mean();
  const double scale = static_cast<double>(size) / 480;
  return rival::scatter(samples, field, centres,
                        {.reach = reach, .size = size, .dot = 1.4 * scale, .mark = 11 * scale, .neutral = neutral});
}

std::string samples_csv(const rival::Tensor<float>& samples) {
  rival::internal::TextStream csv;
  csv.precision(9);
  csv << "x,y\n";
  for (rival::Index i = 0; i < samples.dim(0); ++i) csv << samples(i, 0) << ',' << samples(i, 1) << '\n';
  return csv.str();
}

#pragma once
// The picture and the table of toy_2d.

#include <string>

#include "rival/data/synthetic.hpp"
#include "rival/gan/discriminator.hpp"
#include "rival/image/grid.hpp"

/// `samples` {N, 2} over the scores that the discriminator gives to places around them, with rings around the real
/// centres. The discriminator takes points in units of `unit`.
rival::Image picture(const rival::Tensor<float>& samples, const rival::GaussianMixture& real,
                     const rival::Discriminator<>& discriminator, double unit, rival::Index size);

/// The table of the samples' places, as CSV.
std::string samples_csv(const rival::Tensor<float>& samples);

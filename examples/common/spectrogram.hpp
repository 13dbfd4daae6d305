#pragma once
// Sounds as pictures of their mel bands over time, for SpecGAN, for the judge and to look at.

#include <vector>

#include "rival/core/random.hpp"
#include "rival/core/tensor.hpp"
#include "rival/data/dataset.hpp"
#include "rival/image/grid.hpp"

/// Log-mel spectrograms of sounds of one length and rate: a frame for each 64 samples, of a window of 256; bands from
/// 20 Hz to half of the rate; 61 decibels from -1 to 1.
class Spectrograms {
 public:
  /// Throws rival::Error for a length that is no multiple of 64, 256 at least.
  Spectrograms(rival::Index length, rival::Index rate, rival::Index bands = 32);

  /// Those that give spectrograms of a shape {frames, bands, 1}.
  static Spectrograms of(const rival::Shape& shape, rival::Index rate) { return {shape[0] * hop, rate, shape[1]}; }

  /// Of one: {frames, bands, 1}.
  rival::Shape shape() const { return {length_ / hop, filters_.dim(0), 1}; }

  /// Of sounds {N, length, 1} in [-1, 1]: {N, frames, bands, 1}.
  rival::Tensor<float> operator()(const rival::Tensor<float>& sounds) const;
  /// The same of all of a data set, with their labels.
  rival::Dataset operator()(const rival::Dataset& sounds) const;

  /// The other way: sounds {N, length, 1}, their phases found by Griffin and Lim's iterations.
  rival::Tensor<float> to_sounds(const rival::Tensor<float>& spectrograms, const rival::Random& random) const;

 private:
  static constexpr rival::Index window = 256, hop = 64;

  rival::Index length_;
  rival::Tensor<float> filters_;
};

/// Spectrograms {N, frames, bands, 1} side by side, time to the right and high above low.
rival::Image spectrogram_sheet(const rival::Tensor<float>& spectrograms, rival::Index columns, rival::Index scale);

#pragma once
// Sound from magnitudes alone: phases that fit them.

#include <complex>
#include <numbers>
#include <vector>

#include "rival/core/error.hpp"
#include "rival/core/finite.hpp"
#include "rival/core/random.hpp"
#include "rival/core/tensor.hpp"
#include "rival/sound/stft.hpp"

namespace rival {

/// How long and how fast a phase is searched for.
struct GriffinLimOptions {
  Index iterations = 32;   ///< each of an inverse and a forward transform
  double momentum = 0.99;  ///< 0: Griffin and Lim's own
};

namespace internal {

/// From a spectrum that has the magnitudes, and phases to begin with.
template <class S>
std::vector<S> griffin_lim(Stft<S>& stft, const Tensor<S>& magnitudes, Spectrum<S> phases, Index length,
                           const GriffinLimOptions& o) {
  const S share = static_cast<S>(o.momentum / (1 + o.momentum));
  Spectrum<S> spectrum(phases.rows(), phases.cols()), before = Spectrum<S>::Zero(phases.rows(), phases.cols());
  const auto with_magnitudes = [&] {
    for (Index i = 0; i < magnitudes.size(); ++i) spectrum.data()[i] = magnitudes[i] * phases.data()[i];
  };
  for (Index i = 0; i < o.iterations; ++i) {
    with_magnitudes();
    const std::vector<S> samples = stft.inverse(spectrum, length);
    Spectrum<S> now = stft(samples);
    phases = now - share * before;
    before = std::move(now);
    for (Index k = 0; k < phases.size(); ++k) {
      const S size = std::abs(phases.data()[k]);
      phases.data()[k] /= size + S(1e-16);
    }
  }
  with_magnitudes();
  return stft.inverse(spectrum, length);
}

}  // namespace internal

/// A sound of `length` samples whose spectrum has nearly the magnitudes {frames, bins}: from random phases, there and
/// back through the transform, each time with the magnitudes put back (Griffin and Lim, 1984), with momentum
/// (Perraudin, Balazs and Sondergaard, "A fast Griffin-Lim algorithm", 2013). As librosa.griffinlim has it. Throws
/// Error for magnitudes of another shape than stft gives for that length, or below 0.
template <class S>
std::vector<S> griffin_lim(Stft<S>& stft, const Tensor<S>& magnitudes, Index length, Random random,
                           const GriffinLimOptions& options = {}) {
  require(length > stft.options().window / 2, "griffin_lim: expected more samples than half a window, ",
          stft.options().window / 2, ", got ", length);
  require(magnitudes.shape() == Shape({stft.frames(length), stft.bins()}), "griffin_lim: expected magnitudes of ",
          Shape({stft.frames(length), stft.bins()}), " for ", length, " samples, got ", magnitudes.shape());
  require((magnitudes.array() >= S(0)).all(), "griffin_lim: expected magnitudes of at least 0");
  for (Index i = 0; i < magnitudes.size(); ++i)
    require(is_finite(magnitudes[i]), "griffin_lim: expected finite magnitudes, got ", magnitudes[i]);
  require(options.iterations >= 0, "griffin_lim: expected at least 0 iterations, got ", options.iterations);
  require(options.momentum >= 0 && options.momentum <= 1, "griffin_lim: expected a momentum from 0 to 1, got ",
          options.momentum);
  Tensor<S> angles(magnitudes.shape());
  random.fill_uniform(angles, S(0), static_cast<S>(2 * std::numbers::pi));
  Spectrum<S> phases(magnitudes.dim(0), magnitudes.cols());
  for (Index i = 0; i < angles.size(); ++i) phases.data()[i] = std::polar(S(1), angles[i]);
  return internal::griffin_lim(stft, magnitudes, std::move(phases), length, options);
}

}  // namespace rival

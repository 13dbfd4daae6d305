#pragma once
// Mel spectrograms: the loudness of bands that are spaced as we hear.

#include <algorithm>
#include <cmath>
#include <numbers>

#include "rival/core/error.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

namespace internal {

/// Slaney's mel scale (Auditory Toolbox, 1998), librosa's default: linear below 1 kHz, where a mel is 200/3 Hz, and
/// above it logarithmic, 27 mels for a factor of 6.4.
inline double hertz_to_mel(double hertz) {
  constexpr double linear = 200.0 / 3, knee = 1000;
  return hertz < knee ? hertz / linear : knee / linear + std::log(hertz / knee) * 27 / std::log(6.4);
}
inline double mel_to_hertz(double mel) {
  constexpr double linear = 200.0 / 3, knee = 1000;
  return mel < knee / linear ? mel * linear : knee * std::exp((mel - knee / linear) * std::log(6.4) / 27);
}

}  // namespace internal

/// Which bands a mel spectrogram has.
struct MelOptions {
  Index mels = 64;     ///< bands
  double lowest = 20;  ///< Hz
  double highest = 0;  ///< Hz; 0: half of the rate
};

/// The bands' weights, {mels, bins}, for spectra of `bins` frequencies from 0 to half of the rate: triangles from one
/// band's middle to the next ones', evenly spaced on Slaney's mel scale, each of area 1 over the frequencies in Hz.
/// These are librosa.filters.mel(htk=False, norm="slaney"). Throws Error for options that cannot be, and for bands so
/// narrow that no frequency lies in one.
template <class S>
Tensor<S> mel_filters(Index rate, Index bins, const MelOptions& options = {}) {
  using namespace internal;
  const double half = static_cast<double>(rate) / 2, highest = options.highest == 0 ? half : options.highest;
  require(rate >= 1 && bins >= 2, "mel_filters: expected a rate and at least 2 frequencies, got ", rate, " Hz and ",
          bins);
  require(options.mels >= 1 && options.mels <= bins, "mel_filters: expected 1 to ", bins,
          " bands, as many as frequencies", ", got ", options.mels);
  require(options.lowest >= 0 && options.lowest < highest && highest <= half,
          "mel_filters: expected 0 <= lowest < highest <= ", half, " Hz, got ", options.lowest, " and ", highest);
  const double low = hertz_to_mel(options.lowest), high = hertz_to_mel(highest);
  const auto edge = [&](Index i) {
    return mel_to_hertz(low + (high - low) * static_cast<double>(i) / static_cast<double>(options.mels + 1));
  };
  Tensor<S> filters({options.mels, bins});
  for (Index m = 0; m < options.mels; ++m) {
    const double left = edge(m), middle = edge(m + 1), right = edge(m + 2);
    bool any = false;
    for (Index k = 0; k < bins; ++k) {
      const double hertz = half * static_cast<double>(k) / static_cast<double>(bins - 1);
      const double weight = std::min((hertz - left) / (middle - left), (right - hertz) / (right - middle));
      filters(m, k) = static_cast<S>(std::max(0.0, weight) * 2 / (right - left));
      any = any || weight > 0;
    }
    require(any, "mel_filters: expected fewer bands, or a longer window: no frequency of ", bins, " lies in band ", m,
            " of ", options.mels);
  }
  return filters;
}

/// ln(max(filters |X|, floor)): {frames, mels} of magnitudes {frames, bins}.
template <class S>
Tensor<S> log_mel(const Tensor<S>& filters, const Tensor<S>& magnitudes, S floor = S(1e-5)) {
  require(magnitudes.rank() == 2 && filters.rank() == 2 && magnitudes.cols() == filters.cols(),
          "log_mel: expected magnitudes of ", filters.cols(), " frequencies, got ", magnitudes.shape());
  require(floor > 0, "log_mel: expected a floor above 0, got ", floor);
  Tensor<S> bands({magnitudes.dim(0), filters.dim(0)});
  bands.matrix().noalias() = magnitudes.matrix() * filters.matrix().transpose();
  bands.array() = bands.array().max(floor).log();
  return bands;
}

/// The other way: magnitudes {frames, bins}, none below 0, whose bands come near to exp(log_mel). Least squares by Lee
/// and Seung's rule, x <- x (M^T y) / (M^T M x) ("Algorithms for non-negative matrix factorization", 2001), which never
/// makes the error greater. Frequencies in no band get 0.
template <class S>
Tensor<S> mel_to_magnitudes(const Tensor<S>& filters, const Tensor<S>& log_mel, Index iterations = 50) {
  require(log_mel.rank() == 2 && filters.rank() == 2 && log_mel.cols() == filters.dim(0),
          "mel_to_magnitudes: expected ", filters.dim(0), " bands, got ", log_mel.shape());
  require(iterations >= 1, "mel_to_magnitudes: expected at least 1 iteration, got ", iterations);
  using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Matrix bands = log_mel.matrix().array().exp();
  const Matrix wanted = bands * filters.matrix();
  const Matrix square = filters.matrix().transpose() * filters.matrix();
  Tensor<S> all({log_mel.dim(0), filters.cols()});
  all.matrix() = wanted;
  Matrix reached;
  constexpr S tiny = S(1e-30);
  for (Index i = 0; i < iterations; ++i) {
    reached.noalias() = all.matrix() * square;
    all.matrix().array() *= wanted.array() / reached.array().max(tiny);
  }
  return all;
}

}  // namespace rival

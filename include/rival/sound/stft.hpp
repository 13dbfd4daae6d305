#pragma once
// Short-time Fourier transform, and back.

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

#include <unsupported/Eigen/FFT>

#include "rival/core/error.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

/// The sizes of a short-time Fourier transform.
struct StftOptions {
  Index window = 256;  ///< samples that a frame sees, through a periodic Hann window; an even number
  Index hop = 64;      ///< samples from one frame to the next; at most half a window
};

/// Frames by frequencies.
template <class S>
using Spectrum = Eigen::Array<std::complex<S>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The spectrum of a sound, frame by frame: X(t, k) = sum over n of w(n) x(t hop + n - window/2) exp(-2 pi i k n /
/// window), with w(n) = (1 - cos(2 pi n / window)) / 2 and k = 0 ... window/2. Frame t is centred on sample t hop;
/// beyond its ends the sound goes on mirrored, without its end sample twice. That is torch.stft with center=True and
/// pad_mode="reflect".
///
/// An object is one thread's own: its transform has memory for a frame.
template <class S>
class Stft {
 public:
  /// Throws Error for a window or hop that cannot be.
  explicit Stft(const StftOptions& options = {}) : options_(options) {
    const Index n = options.window;
    require(n >= 4 && n <= (Index{1} << 20) && n % 2 == 0, "stft: expected an even window from 4 to 2^20 samples, got ",
            n);
    require(options.hop >= 1 && options.hop <= n / 2, "stft: expected a hop from 1 to half of the window, ", n / 2,
            ", got ", options.hop);
    window_.resize(static_cast<std::size_t>(n));
    for (Index i = 0; i < n; ++i)
      window_[static_cast<std::size_t>(i)] =
          static_cast<S>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n)));
    fft_.SetFlag(Eigen::FFT<S>::HalfSpectrum);
    frame_.resize(window_.size());
    bins_.resize(static_cast<std::size_t>(bins()));
  }

  /// The options that it was made with.
  const StftOptions& options() const { return options_; }
  /// Frequencies in a frame, from 0 to half the rate: window / 2 + 1.
  Index bins() const { return options_.window / 2 + 1; }
  /// Of a sound of so many samples.
  Index frames(Index length) const { return 1 + length / options_.hop; }

  /// {frames, bins}. Throws Error for a sound that is not longer than half a window, as it cannot be mirrored.
  Spectrum<S> operator()(std::span<const S> samples) {
    const Index length = static_cast<Index>(samples.size()), half = options_.window / 2;
    require(length > half, "stft: expected more samples than half a window, ", half, ", got ", length);
    Spectrum<S> spectrum(frames(length), bins());
    for (Index t = 0; t < spectrum.rows(); ++t) {
      for (Index n = 0; n < options_.window; ++n) {
        Index at = std::abs(t * options_.hop + n - half);
        if (at >= length) at = 2 * (length - 1) - at;
        frame_[static_cast<std::size_t>(n)] =
            window_[static_cast<std::size_t>(n)] * samples[static_cast<std::size_t>(at)];
      }
      fft_.fwd(bins_.data(), frame_.data(), options_.window);
      std::copy(bins_.begin(), bins_.end(), spectrum.row(t).data());
    }
    return spectrum;
  }

  /// The sound of so many samples whose frames are nearest to the spectrum's (Griffin and Lim, "Signal estimation from
  /// modified short-time Fourier transform", 1984): frames through the window once more, added up and divided by the
  /// sum of the squared windows. It is the sound itself for the spectrum of one, up to rounding, which is magnified at
  /// the last samples where the hop is more than a quarter of the window: hardly any window reaches them. Throws Error
  /// for a spectrum of another shape.
  std::vector<S> inverse(const Spectrum<S>& spectrum, Index length) {
    require(length >= 1 && spectrum.rows() == frames(length) && spectrum.cols() == bins(), "stft: expected ",
            length >= 1 ? frames(length) : 0, " frames of ", bins(), " frequencies for ", length, " samples, got ",
            spectrum.rows(), " of ", spectrum.cols());
    const Index half = options_.window / 2;
    std::vector<S> sum(static_cast<std::size_t>(length)), weight(sum.size());
    for (Index t = 0; t < spectrum.rows(); ++t) {
      std::copy_n(spectrum.row(t).data(), bins(), bins_.data());
      fft_.inv(frame_.data(), bins_.data(), options_.window);
      for (Index n = 0; n < options_.window; ++n) {
        const Index at = t * options_.hop + n - half;
        if (at < 0 || at >= length) continue;
        const S w = window_[static_cast<std::size_t>(n)];
        sum[static_cast<std::size_t>(at)] += w * frame_[static_cast<std::size_t>(n)];
        weight[static_cast<std::size_t>(at)] += w * w;
      }
    }
    // A hop is at most half of a window, so that no sample lies where all windows are 0.
    for (std::size_t i = 0; i < sum.size(); ++i)
      if (weight[i] > 0) sum[i] /= weight[i];
    return sum;
  }

 private:
  StftOptions options_;
  std::vector<S> window_, frame_;
  std::vector<std::complex<S>> bins_;
  Eigen::FFT<S> fft_;
};

/// |X|: {frames, bins}.
template <class S>
Tensor<S> magnitudes(const Spectrum<S>& spectrum) {
  Tensor<S> all({spectrum.rows(), spectrum.cols()});
  for (Index i = 0; i < all.size(); ++i) all[i] = std::abs(spectrum.data()[i]);
  return all;
}

}  // namespace rival

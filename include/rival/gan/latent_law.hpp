#pragma once
// LatentLaw: how latent vectors are drawn, and what else is done with them before they become samples.

#include <cmath>

#include "rival/core/random.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

/// Latent vectors {N, latent} whose first `uniform` numbers are uniform in [-1, 1) and whose others are standard
/// normal. 0, the usual one, is what Generator::sample draws; InfoGAN's codes are the first two numbers; a generator
/// whose latent vectors are uniform throughout has as many as they are long.
///
///     TrainerOptions<> options{.draw_latent = LatentLaw<>(2)};
template <class S = float>
class LatentLaw {
 public:
  /// Throws Error for a number below 0.
  explicit LatentLaw(Index uniform = 0) : uniform_(uniform) {
    require(uniform >= 0, "latent law: expected `uniform` >= 0, got ", uniform);
  }

  /// How many of the first numbers are uniform.
  Index uniform() const { return uniform_; }

  /// Fills the vectors. Allocates nothing when it has filled as many before. Throws Error for vectors shorter than
  /// `uniform`.
  void operator()(Tensor<S>& latents, Random& random) {
    check(latents);
    random.fill_normal(latents);
    if (uniform_ == 0) return;
    codes_.resize({latents.dim(0), uniform_});
    random.fill_uniform(codes_, S(-1), S(1));
    latents.matrix().leftCols(uniform_) = codes_.matrix();
  }

  /// The truncation trick: normal numbers beyond `threshold`, on either side, are drawn again until they are within, so
  /// that samples are more alike and nearer to what the generator does best (Brock, Donahue and Simonyan, "Large scale
  /// GAN training for high fidelity natural image synthesis", 2019). Numbers within, and uniform ones, stay as they
  /// are. Throws Error for a threshold below 0.01, which about one draw in 125 keeps, and where no number is normal.
  void truncate(Tensor<S>& latents, double threshold, Random& random) const {
    check(latents);
    require(threshold >= 0.01, "truncation: expected a threshold of at least 0.01, got ", threshold);
    require(uniform_ < latents.dim(1), "truncation: expected normal numbers in a latent vector, all ", uniform_,
            " are uniform");
    for (Index n = 0; n < latents.dim(0); ++n)
      for (Index i = uniform_; i < latents.dim(1); ++i) {
        S& value = latents(n, i);
        while (!(std::abs(static_cast<double>(value)) <= threshold)) value = static_cast<S>(random.normal());
      }
  }

  /// What lies between two latent vectors of `length` numbers, a share 0 <= t <= 1 of the way from `a` to `b`: straight
  /// on for uniform numbers; for the normal ones on the arc sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b, w being
  /// the angle between them (White, "Sampling generative networks", 2016). The straight line would lead through vectors
  /// shorter than those the generator has learnt from. Where there is no one arc, w being 0 or pi, it is straight.
  void between(const S* a, const S* b, Index length, double t, S* out) const {
    double dot = 0, of_a = 0, of_b = 0;
    for (Index i = uniform_; i < length; ++i) {
      const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
      dot += x * y, of_a += x * x, of_b += y * y;
    }
    const double cosine = dot / std::sqrt(of_a * of_b);
    const bool arc = std::abs(cosine) < 1 - 1e-9;  // also false for NaN
    const double angle = arc ? std::acos(cosine) : 0, sine = std::sin(angle);
    const double from = arc ? std::sin((1 - t) * angle) / sine : 1 - t, to = arc ? std::sin(t * angle) / sine : t;
    for (Index i = 0; i < length; ++i) {
      const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
      out[i] = static_cast<S>(i < uniform_ ? (1 - t) * x + t * y : from * x + to * y);
    }
  }

 private:
  void check(const Tensor<S>& latents) const {
    require(latents.rank() == 2 && latents.dim(1) >= uniform_, "latent law: expected vectors of at least ", uniform_,
            " numbers, got ", latents.shape());
  }

  Index uniform_;
  Tensor<S> codes_;
};

}  // namespace rival

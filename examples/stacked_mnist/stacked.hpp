#pragma once
// Stacked MNIST: images of three digits, and how many of the 1000 kinds a generator makes (Metz, Poole, Pfau and
// Sohl-Dickstein, "Unrolled generative adversarial networks", 2017; counted as Lin, Khetan, Fanti and Oh, "PacGAN",
// 2018).

#include <vector>

#include "rival/data/dataset.hpp"
#include "rival/gan/generator.hpp"
#include "rival/gan/recipes/recipe.hpp"
#include "rival/train/classifier.hpp"

constexpr rival::Index stacked_kinds = 1000;

/// `count` images {28, 28, 3}, each channel a digit drawn evenly from `digits`, whose labels a, b and c make the class
/// 100 a + 10 b + c. Throws rival::Error unless the digits are 28 x 28 x 1 bytes of ten classes.
rival::Dataset stack_digits(const rival::Dataset& digits, rival::Index count, rival::Random random);

/// What was counted among samples.
struct StackedCounts {
  rival::Index samples = 0;
  rival::Index modes = 0;  ///< of 1000
  double kl = 0;           ///< of the samples' kinds to the data's, in nats
};

/// Counts the kinds of images that come piece by piece.
class StackedCounter {
 public:
  explicit StackedCounter(const rival::Classifier<>& classifier)
      : classifier_(classifier), of_kind_(static_cast<std::size_t>(stacked_kinds)) {}

  /// Reads the three digits of each image {N, 28, 28, 3}.
  void add(const rival::Tensor<float>& images);
  /// What was counted; `law` is how often each kind occurs in the data.
  StackedCounts counts(const std::vector<rival::Index>& law) const;

 private:
  const rival::Classifier<>& classifier_;
  std::vector<rival::Index> of_kind_;
};

/// The recipe rpgan for three channels, at a rate of 1e-3; `width` is that of the generator's layer next to the image.
rival::Recipe<> stacked_recipe(rival::Index width, rival::Index batch, std::uint64_t seed);

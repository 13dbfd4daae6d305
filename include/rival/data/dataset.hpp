#pragma once
// Data sets in memory. Pixels stay bytes, a quarter of what floats take, and become numbers batch by batch.

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "rival/core/parallel.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

/// The byte b as a number in [-1, 1]: b / 127.5 - 1.
template <class S>
S from_byte(std::uint8_t b) {
  // A division, as a product could be fused with the subtraction and then rounds otherwise from machine to machine.
  return static_cast<S>(b) / S(127.5) - S(1);
}

namespace internal {

/// Throws Error, beginning with `what`, for a label outside of 0 ... classes - 1.
template <class What>
void require_labels_below(const What& what, Index classes, const std::vector<std::uint8_t>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i)
    require(labels[i] < classes, what, ": expected labels below ", classes, ", got ", int{labels[i]}, " at place ", i);
}

}  // namespace internal

/// Images of one size as bytes, with or without a label each.
class ImageDataset {
 public:
  ImageDataset() = default;

  /// `images` holds one image after the other, each row by row with the channels of a pixel together, as `sample` =
  /// {H, W, C} says; `labels` a number for each, or nothing. Labels lie below `classes`; 0 stands for one more than the
  /// greatest label.
  /// Throws Error when the numbers of bytes, images and labels do not fit each other.
  ImageDataset(const Shape& sample, std::vector<std::uint8_t> images, std::vector<std::uint8_t> labels = {},
               Index classes = 0)
      : sample_(sample), images_(std::move(images)), labels_(std::move(labels)), classes_(classes) {
    const auto bytes = static_cast<Index>(images_.size());
    require(sample_.rank() == 3 && sample_.size() > 0,
            "image data set: expected images of height x width x channels, got ", sample_);
    require(bytes % sample_.size() == 0, "image data set: expected a multiple of ", sample_, " = ", sample_.size(),
            " bytes, got ", bytes);
    size_ = bytes / sample_.size();
    require(labels_.empty() || static_cast<Index>(labels_.size()) == size_, "image data set: expected ", size_,
            " labels, one for each image, got ", labels_.size());
    require(classes_ >= 0, "image data set: expected a number of classes, got ", classes_);
    if (classes_ > 0)
      internal::require_labels_below("image data set", classes_, labels_);
    else if (!labels_.empty())
      classes_ = 1 + Index{*std::max_element(labels_.begin(), labels_.end())};
  }

  /// Number of images.
  Index size() const { return size_; }
  /// {H, W, C}
  const Shape& sample_shape() const { return sample_; }
  bool has_labels() const { return !labels_.empty(); }
  /// Number of classes that the labels tell apart; 0 without labels.
  Index classes() const { return classes_; }

  /// The bytes of image i.
  std::span<const std::uint8_t> image(Index i) const {
    const auto pixels = static_cast<std::size_t>(sample_.size());
    return std::span(images_).subspan(static_cast<std::size_t>(i) * pixels, pixels);
  }
  std::uint8_t label(Index i) const { return labels_[static_cast<std::size_t>(i)]; }
  const std::vector<std::uint8_t>& images() const { return images_; }
  const std::vector<std::uint8_t>& labels() const { return labels_; }

  /// Writes the images with those numbers, as values in [-1, 1], into `batch`, which becomes {which.size(), H, W, C}.
  template <class S>
  void gather(std::span<const Index> which, Tensor<S>& batch) const {
    const auto count = static_cast<Index>(which.size());
    batch.resize(sample_.batch(count));
    const Index pixels = sample_.size();
    const Index block = std::max<Index>(1, 32768 / pixels);
    parallel_blocks(count, block, static_cast<double>(batch.size()), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const std::uint8_t* bytes = image(which[static_cast<std::size_t>(i)]).data();
        S* out = batch.data() + i * pixels;
        for (Index p = 0; p < pixels; ++p) out[p] = from_byte<S>(bytes[p]);
      }
    });
  }
  /// Writes their labels.
  void gather_labels(std::span<const Index> which, std::vector<std::uint8_t>& batch) const {
    require(has_labels(), "image data set: it has no labels");
    batch.resize(which.size());
    for (std::size_t i = 0; i < which.size(); ++i) batch[i] = label(which[i]);
  }

 private:
  Shape sample_{0, 0, 0};
  std::vector<std::uint8_t> images_, labels_;
  Index size_ = 0;
  Index classes_ = 0;
};

}  // namespace rival

#pragma once
// Shapes: a short list of extents, held in place so that passing one around never allocates.

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <ostream>
#include <string>

#include "rival/core/error.hpp"

namespace rival {

/// Signed, as Eigen's: differences and loops downward need no casts.
using Index = std::ptrdiff_t;

/// The extents of a tensor, outermost first; the last one is contiguous in memory. A batch of images is {N, H, W, C}.
/// Prints as `64x28x28x1`; the empty shape is a scalar's.
class Shape {
 public:
  static constexpr Index max_rank = 8;  ///< most axes that a shape can have

  Shape() = default;
  /// Throws Error for a negative extent, more than `max_rank` of them, or a product that overflows Index.
  Shape(std::initializer_list<Index> extents) {
    for (const Index extent : extents) push_back(extent);
  }

  /// Number of axes; 0 for a scalar.
  Index rank() const { return rank_; }
  /// Throws Error unless 0 <= axis < rank().
  Index operator[](Index axis) const {
    require(axis >= 0 && axis < rank_, "shape: expected an axis of ", *this, ", got ", axis);
    return extents_[static_cast<std::size_t>(axis)];
  }
  /// The last extent, which is the channels of an image; 1 for a scalar.
  Index back() const { return rank_ == 0 ? 1 : (*this)[rank_ - 1]; }
  /// The outermost extent, for loops over all extents.
  const Index* begin() const { return extents_.data(); }
  /// One past the last extent.
  const Index* end() const { return extents_.data() + rank_; }

  /// Number of elements: the product of the extents, 1 for a scalar.
  Index size() const {
    Index product = 1;
    for (const Index extent : *this) product *= extent;
    return product;
  }

  /// Adds an innermost axis. Throws Error for a negative extent, more than `max_rank` of them, or a product that
  /// overflows Index.
  void push_back(Index extent) {
    require(rank_ < max_rank, "shape: at most ", max_rank, " extents, got more");
    require(extent >= 0, "shape: expected extents >= 0, got ", extent);
    const Index product = size();
    require(product == 0 || extent <= std::numeric_limits<Index>::max() / product, "shape: ", *this, "x", extent,
            " has more elements than an index can count");
    extents_[static_cast<std::size_t>(rank_++)] = extent;
  }

  /// The same shape with `extent` on `axis`. Throws Error unless there is that axis.
  Shape with(Index axis, Index extent) const {
    require(axis >= 0 && axis < rank_, "shape: expected an axis of ", *this, ", got ", axis);
    Shape changed;
    for (Index i = 0; i < rank_; ++i) changed.push_back(i == axis ? extent : (*this)[i]);
    return changed;
  }
  /// The shape of one sample: everything behind the first axis.
  Shape sample() const {
    Shape rest;
    for (Index i = 1; i < rank_; ++i) rest.push_back((*this)[i]);
    return rest;
  }
  /// This sample shape as a batch of `count`: {count, *this...}.
  Shape batch(Index count) const {
    Shape whole{count};
    for (const Index extent : *this) whole.push_back(extent);
    return whole;
  }

  /// Equal in rank and in every extent.
  friend bool operator==(const Shape& a, const Shape& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

  /// As it is printed: `64x28x28x1`, or `scalar`.
  std::string text() const {
    if (rank_ == 0) return "scalar";
    std::string joined;
    for (const Index extent : *this) {
      if (!joined.empty()) joined += 'x';
      joined += std::to_string(extent);
    }
    return joined;
  }
  /// Prints text().
  friend std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.text(); }

 private:
  std::array<Index, max_rank> extents_{};
  Index rank_ = 0;
};

}  // namespace rival

#pragma once
// Tensor: a shape over aligned memory, row-major, with Eigen maps for the arithmetic.

#include <algorithm>
#include <cassert>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "rival/core/eigen.hpp"
#include "rival/core/instantiate.hpp"
#include "rival/core/shape.hpp"

namespace rival {

/// A matrix with memory of its own, row-major as a Tensor.
template <class S>
using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// A Tensor's memory, seen as a matrix that may be written to.
template <class S>
using MatrixMap = Eigen::Map<Matrix<S>>;
/// The same, to be read only.
template <class S>
using ConstMatrixMap = Eigen::Map<const Matrix<S>>;
/// A Tensor's memory, seen as one column of numbers with arithmetic element by element.
template <class S>
using ArrayMap = Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>>;
/// The same, to be read only.
template <class S>
using ConstArrayMap = Eigen::Map<const Eigen::Array<S, Eigen::Dynamic, 1>>;

/// A dense row-major array of any rank up to Shape::max_rank, aligned to a cache line.
///
/// Every tensor is also a matrix of rows() by cols(): the last axis is the column, all others together are the rows.
/// A batch of images {N, H, W, C} is thus (N*H*W) pixels by C channels, and a batch of vectors {N, C} N by C.
///
/// Memory only grows: `resize` to a smaller or equal size, and assignment from such a tensor, allocate nothing.
template <class S = float>
class Tensor {
 public:
  using Scalar = S;                             ///< the type of an element
  static constexpr std::size_t alignment = 64;  ///< bytes: where the memory begins is a multiple of it

  Tensor() = default;
  /// Zeros.
  explicit Tensor(const Shape& shape) : Tensor(shape, S(0)) {}
  /// Every element is `value`.
  Tensor(const Shape& shape, S value) {
    resize(shape);
    fill(value);
  }
  /// The given values, row by row. Throws Error when their number is not that of `shape`.
  Tensor(const Shape& shape, std::initializer_list<S> values) {
    require(static_cast<Index>(values.size()) == shape.size(), "tensor: ", shape, " holds ", shape.size(),
            " values, got ", values.size());
    resize(shape);
    std::copy(values.begin(), values.end(), data_);
  }

  /// Copies shape and elements into memory of its own, also when `other` is a window (see `alias`).
  Tensor(const Tensor& other) { *this = other; }
  /// Takes over the memory; `other` is left empty.
  Tensor(Tensor&& other) noexcept { swap(other); }
  /// Copies shape and elements, into the memory that it has where that is large enough.
  Tensor& operator=(const Tensor& other) {
    if (this != &other) {
      resize(other.shape_);
      std::copy(other.data_, other.data_ + size_, data_);
    }
    return *this;
  }
  /// Exchanges contents with `other`.
  Tensor& operator=(Tensor&& other) noexcept {
    swap(other);
    return *this;
  }

  /// The extents, outermost first.
  const Shape& shape() const { return shape_; }
  /// Number of axes.
  Index rank() const { return shape_.rank(); }
  /// The extent of one axis. Throws Error unless 0 <= axis < rank().
  Index dim(Index axis) const { return shape_[axis]; }
  /// Number of elements.
  Index size() const { return size_; }
  /// Whether there are no elements.
  bool empty() const { return size_ == 0; }
  /// Extent of the last axis; 1 for a scalar.
  Index cols() const { return shape_.back(); }
  /// Elements in a column: size() / cols(), which is 0 if cols() is.
  Index rows() const { return cols() == 0 ? 0 : size_ / cols(); }

  /// The elements, row by row; null while there never were any.
  S* data() { return data_; }
  /// The same, to be read only.
  const S* data() const { return data_; }

  /// Element i of all, row by row. The range is checked in debug builds alone.
  S& operator[](Index i) {
    assert(i >= 0 && i < size_);
    return data_[i];
  }
  /// The value of element i of all, row by row.
  S operator[](Index i) const {
    assert(i >= 0 && i < size_);
    return data_[i];
  }
  /// Element by one index an axis.
  template <class... I>
  S& operator()(I... indices) {
    return data_[offset(indices...)];
  }
  /// The value of an element, by one index an axis.
  template <class... I>
  S operator()(I... indices) const {
    return data_[offset(indices...)];
  }

  /// The elements as a matrix of rows() by cols(), without a copy.
  MatrixMap<S> matrix() { return {data_, rows(), cols()}; }
  /// The same, to be read only.
  ConstMatrixMap<S> matrix() const { return {data_, rows(), cols()}; }
  /// All elements as one column, for arithmetic element by element; without a copy.
  ArrayMap<S> array() { return {data_, size_}; }
  /// The same, to be read only.
  ConstArrayMap<S> array() const { return {data_, size_}; }

  /// Sets the shape. Values are kept only while the number of elements stays the same; otherwise they are undefined.
  /// Throws Error when the elements need more bytes than an index can count.
  void resize(const Shape& shape) {
    const Index size = shape.size();
    if (size > capacity_) {
      require(size <= std::numeric_limits<Index>::max() / static_cast<Index>(sizeof(S)), "tensor: ", shape,
              " needs more bytes than an index can count");
      const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(S);
      memory_.reset(static_cast<S*>(::operator new (bytes, std::align_val_t{alignment})));
      capacity_ = size;
    }
    data_ = memory_.get();
    shape_ = shape;
    size_ = size;
  }
  /// The same elements under another shape. Throws Error when the numbers of elements differ.
  void reshape(const Shape& shape) {
    require(shape.size() == size_, "tensor: cannot reshape ", shape_, " to ", shape);
    shape_ = shape;
  }
  /// Becomes a window on `other`'s memory, for layers that only change a shape. It is read, never written, and
  /// lives no longer than `other` keeps its size. A copy of a window has memory of its own, a moved one stays a window.
  /// Throws Error when the numbers of elements differ.
  void alias(const Tensor& other, const Shape& shape) {
    require(shape.size() == other.size_, "tensor: cannot see ", other.shape_, " as ", shape);
    data_ = const_cast<S*>(other.data_);
    shape_ = shape;
    size_ = other.size_;
  }

  /// Whether the elements of `other` lie in the memory that is this tensor's own.
  bool owns(const Tensor& other) const {
    const std::less<const S*> before;  // which orders pointers into different memories too
    return memory_ && !other.empty() && !before(other.data_, memory_.get()) &&
           before(other.data_, memory_.get() + capacity_);
  }

  /// Sets every element.
  void fill(S value) { std::fill(data_, data_ + size_, value); }

  /// Exchanges shape and memory with `other`; no element is copied.
  void swap(Tensor& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(shape_, other.shape_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  struct Release {
    void operator()(S* memory) const { ::operator delete (memory, std::align_val_t{alignment}); }
  };

  template <class... I>
  Index offset(I... indices) const {
    assert(static_cast<Index>(sizeof...(indices)) == shape_.rank());
    Index flat = 0, axis = 0;
    ((assert(indices >= 0 && static_cast<Index>(indices) < shape_[axis]),
      flat = flat * shape_[axis++] + static_cast<Index>(indices)),
     ...);
    return flat;
  }

  std::unique_ptr<S, Release> memory_;
  S* data_ = nullptr;
  Shape shape_{0};
  Index size_ = 0;
  Index capacity_ = 0;
};

}  // namespace rival

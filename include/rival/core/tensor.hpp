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

template <class S>
using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class S>
using MatrixMap = Eigen::Map<Matrix<S>>;
template <class S>
using ConstMatrixMap = Eigen::Map<const Matrix<S>>;
template <class S>
using ArrayMap = Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>>;
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
  using Scalar = S;
  static constexpr std::size_t alignment = 64;

  Tensor() = default;
  /// Zeros.
  explicit Tensor(const Shape& shape) : Tensor(shape, S(0)) {}
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

  Tensor(const Tensor& other) { *this = other; }
  Tensor(Tensor&& other) noexcept { swap(other); }
  Tensor& operator=(const Tensor& other) {
    if (this != &other) {
      resize(other.shape_);
      std::copy(other.data_, other.data_ + size_, data_);
    }
    return *this;
  }
  Tensor& operator=(Tensor&& other) noexcept {
    swap(other);
    return *this;
  }

  const Shape& shape() const { return shape_; }
  Index rank() const { return shape_.rank(); }
  Index dim(Index axis) const { return shape_[axis]; }
  Index size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Index cols() const { return shape_.back(); }
  Index rows() const { return cols() == 0 ? 0 : size_ / cols(); }

  S* data() { return data_; }
  const S* data() const { return data_; }

  S& operator[](Index i) {
    assert(i >= 0 && i < size_);
    return data_[i];
  }
  S operator[](Index i) const {
    assert(i >= 0 && i < size_);
    return data_[i];
  }
  /// Element by one index an axis.
  template <class... I>
  S& operator()(I... indices) {
    return data_[offset(indices...)];
  }
  template <class... I>
  S operator()(I... indices) const {
    return data_[offset(indices...)];
  }

  MatrixMap<S> matrix() { return {data_, rows(), cols()}; }
  ConstMatrixMap<S> matrix() const { return {data_, rows(), cols()}; }
  ArrayMap<S> array() { return {data_, size_}; }
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

  void fill(S value) { std::fill(data_, data_ + size_, value); }

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

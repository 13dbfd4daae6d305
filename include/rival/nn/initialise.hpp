#pragma once
// Initialisers: how the weights of a layer are drawn.

#include <cmath>
#include <functional>

#include "rival/core/eigen.hpp"
#include "rival/core/random.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

/// How many inputs one output is made of, and how many outputs one input goes into.
struct Fan {
  Index in;   ///< inputs of one output: of a convolution the kernel's area times the input channels
  Index out;  ///< outputs of one input: of a convolution the kernel's area times the output channels
};

/// Fills `weights`, a layer's kernel whose last axis is the output, from `random`.
template <class S = float>
using Initialiser = std::function<void(Tensor<S>& weights, Fan fan, Random& random)>;

/// Normal with the given mean and deviation; DCGAN's choice is (0, 0.02) (Radford, Metz and Chintala, 2016).
template <class S = float>
Initialiser<S> normal(double mean = 0, double deviation = 0.02) {
  return [=](Tensor<S>& weights, Fan, Random& random) {
    random.fill_normal(weights, static_cast<S>(mean), static_cast<S>(deviation));
  };
}

/// Normal with variance 2 / ((1 + slope^2) fan_in): keeps the size of signals through (leaky) ReLUs (He et al., 2015).
template <class S = float>
Initialiser<S> he(double slope = 0) {
  return [=](Tensor<S>& weights, Fan fan, Random& random) {
    const double deviation = std::sqrt(2 / ((1 + slope * slope) * static_cast<double>(fan.in)));
    random.fill_normal(weights, S(0), static_cast<S>(deviation));
  };
}

/// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).
template <class S = float>
Initialiser<S> glorot() {
  return [](Tensor<S>& weights, Fan fan, Random& random) {
    const S bound = std::sqrt(S(6) / static_cast<S>(fan.in + fan.out));
    random.fill_uniform(weights, -bound, bound);
  };
}

/// Uniform in +-sqrt(1 / fan_in): what PyTorch's linear and convolution layers start from.
template <class S = float>
Initialiser<S> uniform_fan_in() {
  return [](Tensor<S>& weights, Fan fan, Random& random) {
    const S bound = std::sqrt(S(1) / static_cast<S>(fan.in));
    random.fill_uniform(weights, -bound, bound);
  };
}

/// `gain` times a random matrix with orthonormal rows or columns, whichever are fewer; the matrix is the kernel seen as
/// rows() by cols() (Saxe, McClelland and Ganguli, 2014).
template <class S = float>
Initialiser<S> orthogonal(double gain = 1) {
  return [=](Tensor<S>& weights, Fan, Random& random) {
    random.fill_normal(weights);
    const bool tall = weights.rows() > weights.cols();
    Matrix<S> q = tall ? Matrix<S>(weights.matrix().transpose()) : Matrix<S>(weights.matrix());
    // Gram and Schmidt's process makes a uniform draw of a normal one. Its second pass removes what rounding leaves of
    // the first. Products of a matrix and a vector never run Eigen's threads, so the bits are the same for any number.
    Matrix<S> along(1, q.rows());
    for (Index i = 0; i < q.rows(); ++i) {
      const auto before = q.topRows(i);
      for (int pass = 0; pass < 2; ++pass) {
        along.leftCols(i).noalias() = q.row(i) * before.transpose();
        q.row(i).noalias() -= along.leftCols(i) * before;
      }
      q.row(i).normalize();
    }
    q *= static_cast<S>(gain);
    if (tall)
      weights.matrix() = q.transpose();
    else
      weights.matrix() = q;
  };
}

RIVAL_INSTANTIATE_FUNCTION(normal);
RIVAL_INSTANTIATE_FUNCTION(he);
RIVAL_INSTANTIATE_FUNCTION(glorot);
RIVAL_INSTANTIATE_FUNCTION(uniform_fan_in);
RIVAL_INSTANTIATE_FUNCTION(orthogonal);

}  // namespace rival

#pragma once
// Elementwise maths: y = f(z) over whole arrays and its backward pass, block by block on all threads.

#include "rival/core/parallel.hpp"
#include "rival/core/tensor.hpp"

namespace rival::kernels {

/// Elements that one task handles: enough to forget the task, few enough for the first-level cache.
inline constexpr Index element_block = 4096;

// A function is a small object with
//   value(z)          f(z), an Eigen array expression, so that it runs on packets;
//   derivative(z, y)  f'(z), which may use that y = f(z);
//   second(z, y)      f''(z), for gradient penalties;
//   cost              scalar operations an element, roughly.
// Each is finite for every finite z, passes NaN on (Eigen's max may not: another term of the sum does), and
// is right to a few epsilon.

struct Tanh {
  static constexpr double cost = 20;

  auto value(const auto& z) const { return z.tanh(); }

  template <class Y>
  auto derivative(const auto&, const Y& y) const {
    return typename Y::Scalar(1) - y.square();
  }
  template <class Y>
  auto second(const auto&, const Y& y) const {
    using S = typename Y::Scalar;
    return S(-2) * y * (S(1) - y.square());
  }
};

/// 1 / (1 + e^-z). Where e^-z overflows, the quotient is the 0 that it should be.
struct Sigmoid {
  static constexpr double cost = 20;

  template <class Z>
  auto value(const Z& z) const {
    using S = typename Z::Scalar;
    return S(1) / (S(1) + (-z).exp());
  }
  template <class Y>
  auto derivative(const auto&, const Y& y) const {
    return y * (typename Y::Scalar(1) - y);
  }
  template <class Y>
  auto second(const auto&, const Y& y) const {
    using S = typename Y::Scalar;
    return y * (S(1) - y) * (S(1) - S(2) * y);
  }
};

/// log(1 + e^z) = max(z, 0) + log1p(e^-|z|); its derivative is the sigmoid.
struct Softplus {
  static constexpr double cost = 40;

  template <class Z>
  auto value(const Z& z) const {
    using S = typename Z::Scalar;
    return z.max(S(0)) + (-z.abs()).exp().log1p();
  }
  auto derivative(const auto& z, const auto&) const { return Sigmoid().value(z); }
  auto second(const auto& z, const auto&) const { return Sigmoid().value(z) * Sigmoid().value(-z); }
};

/// z sigmoid(z), also called swish; its derivative is s + z s (1 - s) with s = sigmoid(z).
struct SiLU {
  static constexpr double cost = 25;

  template <class Z>
  auto value(const Z& z) const {
    return cut(z) * Sigmoid().value(z);
  }
  auto derivative(const auto& z, const auto&) const {
    // 1 - s as sigmoid(-z): the difference would lose its digits just where z is large.
    return Sigmoid().value(z) * (cut(z) * Sigmoid().value(-z) + 1);
  }
  /// s (1 - s) (2 + z (1 - 2 s)), where 1 - 2 s = sigmoid(-z) - s.
  auto second(const auto& z, const auto&) const {
    return Sigmoid().value(z) * Sigmoid().value(-z) * (cut(z) * (Sigmoid().value(-z) - Sigmoid().value(z)) + 2);
  }

 private:
  /// z, but not below -100, where the exponential underflows while z itself may be as large as it likes.
  template <class Z>
  static auto cut(const Z& z) {
    return z.max(typename Z::Scalar(-100));
  }
};

/// z above 0 and alpha (e^z - 1) below: of the two terms one is always 0.
template <class S>
struct ELU {
  static constexpr double cost = 40;
  S alpha;

  auto value(const auto& z) const { return z.max(S(0)) + alpha * (z - z.max(S(0))).expm1(); }
  auto derivative(const auto&, const auto& y) const { return (y > S(0)).select(S(1), y + alpha); }
  auto second(const auto&, const auto& y) const { return (y > S(0)).select(S(0), y + alpha); }
};

/// y[i] = f(z[i])
template <class S, class F>
void map(const F& f, const S* z, S* y, Index count) {
  parallel_blocks(count, element_block, F::cost * static_cast<double>(count), [&](Index begin, Index end) {
    ArrayMap<S>(y + begin, end - begin) = f.value(ConstArrayMap<S>(z + begin, end - begin));
  });
}

/// dz[i] = dy[i] f'(z[i]), where y[i] = f(z[i])
template <class S, class F>
void map_gradient(const F& f, const S* z, const S* y, const S* dy, S* dz, Index count) {
  parallel_blocks(count, element_block, F::cost * static_cast<double>(count), [&](Index begin, Index end) {
    const Index size = end - begin;
    ArrayMap<S>(dz + begin, size) = ConstArrayMap<S>(dy + begin, size) *
                                    f.derivative(ConstArrayMap<S>(z + begin, size), ConstArrayMap<S>(y + begin, size));
  });
}

/// dz'[i] = dy'[i] f'(z[i]) + dy[i] z'[i] f''(z[i]), the tangent of map_gradient along z'; dy' null stands for zeros.
template <class S, class F>
void map_gradient_tangent(const F& f, const S* z, const S* y, const S* z_tangent, const S* dy, const S* dy_tangent,
                          S* dz_tangent, Index count) {
  parallel_blocks(count, element_block, 2 * F::cost * static_cast<double>(count), [&](Index begin, Index end) {
    const Index size = end - begin;
    const ConstArrayMap<S> z_here(z + begin, size), y_here(y + begin, size);
    ArrayMap<S> out(dz_tangent + begin, size);
    out = ConstArrayMap<S>(dy + begin, size) * ConstArrayMap<S>(z_tangent + begin, size) * f.second(z_here, y_here);
    if (dy_tangent) out += ConstArrayMap<S>(dy_tangent + begin, size) * f.derivative(z_here, y_here);
  });
}

/// y[i] = z[i] above 0, otherwise slope z[i]: NaN stays NaN. (Written as a product, since compilers make packets of a
/// choice between constants and a branch of one between sums.)
template <class S>
void leaky_relu(const S* z, S* y, Index count, S slope) {
  parallel_blocks(count, element_block, static_cast<double>(count), [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) y[i] = z[i] * (z[i] > S(0) ? S(1) : slope);
  });
}

/// dz[i] = dy[i] where y[i] > 0, otherwise slope dy[i]. As slope >= 0, y may be
/// the input or the output alike.
template <class S>
void leaky_relu_gradient(const S* y, const S* dy, S* dz, Index count, S slope) {
  parallel_blocks(count, element_block, static_cast<double>(count), [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) dz[i] = dy[i] * (y[i] > S(0) ? S(1) : slope);
  });
}

/// `mask` comes uniform in [0, 1) and goes as 0 with probability `rate`, otherwise 1 / (1 - rate);
/// y[i] = x[i] mask[i].
template <class S>
void dropout(const S* x, S* mask, S* y, Index count, S rate) {
  const S scale = S(1) / (S(1) - rate);
  parallel_blocks(count, element_block, static_cast<double>(count), [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) mask[i] = mask[i] >= rate ? scale : S(0);
    for (Index i = begin; i < end; ++i) y[i] = x[i] * mask[i];
  });
}

/// dx[i] = dy[i] mask[i] where x[i] > 0, otherwise slope dy[i] mask[i].
template <class S>
void dropout_gradient(const S* x, const S* mask, const S* dy, S* dx, Index count, S slope) {
  parallel_blocks(count, element_block, static_cast<double>(count), [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) dx[i] = dy[i] * mask[i] * (x[i] > S(0) ? S(1) : slope);
  });
}

RIVAL_INSTANTIATE_FUNCTION(leaky_relu);
RIVAL_INSTANTIATE_FUNCTION(leaky_relu_gradient);
RIVAL_INSTANTIATE_FUNCTION(dropout);
RIVAL_INSTANTIATE_FUNCTION(dropout_gradient);

}  // namespace rival::kernels

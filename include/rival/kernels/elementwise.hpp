#pragma once
// Elementwise maths: y = f(z) over whole arrays and its backward pass, block by block on all threads.

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include "rival/core/parallel.hpp"
#include "rival/core/tensor.hpp"
#include "rival/kernels/packet.hpp"

namespace rival::kernels {

/// Elements that one task handles: enough to forget the task, few enough for the first-level cache.
inline constexpr Index element_block = 4096;

// A function is a small object with
//   value(z)          f(z), an Eigen array expression, so that it runs on packets;
//   derivative(z, y)  f'(z), which may use that y = f(z);
//   second(z, y)      f''(z), for gradient penalties;
//   cost              scalar operations an element, roughly.
// Each gives its limit for an infinite z, passes NaN on, and is right to a few epsilon: of its value, where that is not
// the small difference of large numbers (1 - y^2), else of 1. What is below the least normal number may come out as 0
// or as a small part of it. The tests hold them to it, with the bounds (tests/layers/activations_test.cpp).

namespace internal {

/// e where z is below 0, elsewhere z: Eigen's select, with packets.
template <class S>
struct BelowZero {
  S operator()(S z, S e) const { return z < S(0) ? e : z; }
  Packet<S> packetOp(const Packet<S>& z, const Packet<S>& e) const {
    return choose<S>(Eigen::internal::pnegate(z), e, z);
  }
};

/// to[i] = expression[i] for i < count, packet by packet, wherever in memory they begin; count is a whole number of
/// packets.
template <class S, class Expression>
void evaluate(const Expression& expression, S* to, Index count) {
  using Evaluator = Eigen::internal::evaluator<Expression>;
  const Evaluator values(expression);
  if constexpr ((Evaluator::Flags & Eigen::PacketAccessBit) != 0) {
    for (Index i = 0; i < count; i += packet_size<S>)
      store(to + i, values.template packet<Eigen::Unaligned, Packet<S>>(i));
  } else {
    for (Index i = 0; i < count; ++i) to[i] = values.coeff(i);
  }
}

/// to[i] = rule(from[i]...) for begin <= i < end, where the rule makes an array expression of arrays. The end is filled
/// up to a packet, so that no element is rounded in another way than the others. `to` may be one of `from`.
template <class S, class Rule, class... From>
void map_range(Index begin, Index end, const Rule& rule, S* to, const From*... from) {
  constexpr Index size = packet_size<S>;
  std::array<const S*, sizeof...(From)> in{from + begin...};
  S last[size], parts[sizeof...(From)][size] = {};
  // The whole packets and then the rest, from one place: compilers do not inline a long expression that is there twice.
  for (Index left = end - begin; left > 0;) {
    const Index whole = left / size * size, count = whole > 0 ? whole : size;
    if (whole == 0)
      for (std::size_t k = 0; k < in.size(); ++k) in[k] = std::copy_n(in[k], left, parts[k]) - left;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      evaluate(rule(ConstArrayMap<S>(in[I], count)...), whole > 0 ? to + begin : last, count);
    }
    (std::index_sequence_for<From...>{});
    if (whole == 0) std::copy_n(last, left, to + end - left);
    left -= count;
    for (const S*& pointer : in) pointer += count;
  }
}

}  // namespace internal
}  // namespace rival::kernels

template <class S>
struct Eigen::internal::functor_traits<rival::kernels::internal::BelowZero<S>> {
  enum { Cost = 2, PacketAccess = true };
};

namespace rival::kernels {

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
    // Eigen's exponential stops near the least normal number; without that it reaches 0.
    return z.max(S(0)) + ((-z.abs()).exp() - std::numeric_limits<S>::min()).max(S(0)).log1p();
  }
  auto derivative(const auto& z, const auto&) const { return Sigmoid().value(z); }
  auto second(const auto& z, const auto&) const { return Sigmoid().value(z) * Sigmoid().value(-z); }
};

/// z sigmoid(z), also called swish; its derivative is s + z s (1 - s) with s = sigmoid(z).
struct SiLU {
  static constexpr double cost = 25;

  template <class Z>
  auto value(const Z& z) const {
    return z.max(-far<Z>) * Sigmoid().value(z);
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
  /// Beyond it the exponential underflows, while z itself may be as large as it likes: z e^-|z| is 0 there, and not 0
  /// times infinity.
  template <class Z>
  static constexpr auto far = static_cast<typename Z::Scalar>(std::numeric_limits<typename Z::Scalar>::max_exponent);
  template <class Z>
  static auto cut(const Z& z) {
    return z.max(-far<Z>).min(far<Z>);
  }
};

/// z above 0 and alpha (e^z - 1) below.
template <class S>
struct ELU {
  static constexpr double cost = 40;
  S alpha;

  auto value(const auto& z) const { return z.binaryExpr(alpha * z.expm1(), internal::BelowZero<S>{}); }
  auto derivative(const auto&, const auto& y) const { return (y > S(0)).select(S(1), y + alpha); }
  auto second(const auto&, const auto& y) const { return (y > S(0)).select(S(0), y + alpha); }
};

/// y[i] = f(z[i])
template <class S, class F>
void map(const F& f, const S* z, S* y, Index count) {
  parallel_blocks(count, element_block, F::cost * static_cast<double>(count), [&](Index begin, Index end) {
    internal::map_range(
        begin, end, [&](const auto& z_) { return f.value(z_); }, y, z);
  });
}

/// dz[i] = dy[i] f'(z[i]), where y[i] = f(z[i])
template <class S, class F>
void map_gradient(const F& f, const S* z, const S* y, const S* dy, S* dz, Index count) {
  parallel_blocks(count, element_block, F::cost * static_cast<double>(count), [&](Index begin, Index end) {
    const auto rule = [&](const auto& z_, const auto& y_, const auto& dy_) { return dy_ * f.derivative(z_, y_); };
    internal::map_range(begin, end, rule, dz, z, y, dy);
  });
}

/// dz'[i] = dy'[i] f'(z[i]) + dy[i] z'[i] f''(z[i]), the tangent of map_gradient along z'; dy' null stands for zeros.
template <class S, class F>
void map_gradient_tangent(const F& f, const S* z, const S* y, const S* z_tangent, const S* dy, const S* dy_tangent,
                          S* dz_tangent, Index count) {
  parallel_blocks(count, element_block, 2 * F::cost * static_cast<double>(count), [&](Index begin, Index end) {
    const auto bent = [&](const auto& z_, const auto& y_, const auto& z_tangent_, const auto& dy_) {
      return dy_ * z_tangent_ * f.second(z_, y_);
    };
    const auto straight = [&](const auto& z_, const auto& y_, const auto& dy_tangent_, const auto& before) {
      return before + dy_tangent_ * f.derivative(z_, y_);
    };
    internal::map_range(begin, end, bent, dz_tangent, z, y, z_tangent, dy);
    if (dy_tangent) internal::map_range(begin, end, straight, dz_tangent, z, y, dy_tangent, dz_tangent);
  });
}

/// y[i] = z[i], below 0 slope z[i]: NaN stays NaN.
template <class S>
void leaky_relu(const S* z, S* y, Index count, S slope) {
  parallel_blocks(count, element_block, static_cast<double>(count), [=](Index begin, Index end) {
    constexpr Index size = packet_size<S>;
    Index i = begin;
    for (; i + size <= end; i += size) store(y + i, leak<S>(load(z + i), slope));
    for (; i < end; ++i) y[i] = leak_scalar(z[i], slope);
  });
}

/// dz[i] = dy[i] where y[i] > 0, otherwise slope dy[i]. As slope >= 0, y may be the input or the output alike. (Written
/// as a product, since compilers make packets of a choice between constants and a branch of one between sums.)
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

#pragma once
// The arrays of fixtures/make_npy_values.py.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "rival/core/tensor.hpp"

namespace rival_test {

template <class T>
rival::Tensor<T> npy_values(const rival::Shape& shape) {
  rival::Tensor<T> values(shape);
  for (rival::Index i = 0; i < values.size(); ++i)
    if constexpr (std::is_same_v<T, std::uint8_t>)
      values[i] = static_cast<T>(7 * i % 251);
    else if constexpr (std::is_integral_v<T>)
      values[i] = -(3 + i) * (T(1) << 40);
    else
      values[i] = static_cast<T>(i) / 4 - 1;
  return values;
}

template <class T>
bool same(const rival::Tensor<T>& a, const rival::Tensor<T>& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}

}  // namespace rival_test

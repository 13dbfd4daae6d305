#include "rival.hpp"

rival::Tensor<float> twice(const rival::Tensor<float>& x);

rival::Tensor<float> twice(const rival::Tensor<float>& x) {
  rival::Tensor<float> y = x;
  for (rival::Index i = 0; i < y.size(); ++i) y.data()[i] *= 2.0F;
  return y;
}

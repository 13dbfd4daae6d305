#include "rival.hpp"

rival::Tensor<float> twice(const rival::Tensor<float>& x);

int main() {
  rival::Network<float> network("network", {2}, rival::Sequential<float>(rival::ReLU<float>{}));
  rival::Trace<float> trace;
  const rival::Tensor<float> x({2, 2}, {-1.0F, 1.0F, 2.0F, -2.0F});
  const rival::Tensor<float> y = twice(network.infer(x, trace));
  return y.shape() == x.shape() && y.data()[0] == 0.0F && y.data()[1] == 2.0F && y.data()[2] == 4.0F ? 0 : 1;
}

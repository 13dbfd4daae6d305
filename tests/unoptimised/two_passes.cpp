#include "rival/layers/dense.hpp"
#include "rival/nn/network.hpp"

int main() {
  rival::Network<> network("network", {2}, rival::Sequential<>(rival::Dense<>({.in = 2, .out = 1})));
  rival::Tensor<> x({1, 2});
  rival::Trace<> trace;
  network.forward(x, trace);
  network.forward(x, trace);
}

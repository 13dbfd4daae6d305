// Two lines on the library: what is found must be whole enough to fill a tensor and to read the digits that came along.
#include <rival/core/tensor.hpp>
#include <rival/core/version.hpp>
#include <rival/data/mnist.hpp>

int main(int, char** arguments) {
  const rival::Tensor<float> ones({2, 3}, 1.0F);
  return ones.size() == 6 && rival::Mnist(arguments[1]).test().size() == 10000 && rival::version == arguments[2] ? 0
                                                                                                                 : 1;
}

#include <rival/core/tensor.hpp>

int main() { return rival::Tensor<float>({2, 3}, 1.0F).size() == 6 ? 0 : 1; }

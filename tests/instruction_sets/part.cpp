// A file of a program, compiled for one instruction set or another.
#include "rival/core/tensor.hpp"

long PART();
long PART() { return rival::Tensor<float>({2, 3, 4}).size(); }

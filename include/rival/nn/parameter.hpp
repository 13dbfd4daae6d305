#pragma once
// What a network remembers: parameters are learnt, buffers are kept, random streams go on.

#include <string>
#include <utility>
#include <vector>

#include "rival/core/random.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

/// How the axes of a weight are to be read; other libraries order them otherwise.
enum class WeightAxes {
  plain,                  ///< as everywhere
  dense,                  ///< {in, out}
  convolution,            ///< {kernel_h, kernel_w, in, out}, of signals {kernel, in, out}
  transposed_convolution  ///< the same
};

/// A tensor that an optimiser changes, with the gradient that backward passes add up for it.
/// The optimiser's step sets `grad` back to zero.
template <class S = float>
struct Parameter {
  std::string name;                     ///< with its network's and layer's name in front: "G.conv1.weight"
  Tensor<S> value;                      ///< in the layout that its layer computes with
  Tensor<S> grad;                       ///< of value's shape
  WeightAxes axes = WeightAxes::plain;  ///< which axes are inputs and outputs

  Parameter() = default;
  /// Zeros of that shape, and a gradient of zeros.
  Parameter(std::string name_, const Shape& shape) : name(std::move(name_)), value(shape), grad(shape) {}
};

/// A tensor that belongs to the network and is never optimised, such as a running mean.
template <class S = float>
struct Buffer {
  std::string name;  ///< with its network's and layer's name in front: "G.bn1.running_mean"
  Tensor<S> value;   ///< as the last training pass left it
};

/// Everything that a network remembers, in the order of its layers: the one list that optimisers, initialisers and
/// moving averages read. The pointers are good as long as the network is neither moved nor gone.
template <class S = float>
struct State {
  std::vector<Parameter<S>*> parameters;                 ///< that an optimiser changes
  std::vector<Buffer<S>*> buffers;                       ///< that no optimiser changes, such as running means
  std::vector<std::pair<std::string, Random*>> streams;  ///< random streams by the names of their layers
};

}  // namespace rival

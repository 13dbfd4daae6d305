#pragma once
// Fixtures: named tensors in text files that another program made, such as fixtures/make_pytorch_values.py.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>

#include "rival/core/tensor.hpp"

namespace rival_test {

using rival::Index;
using rival::Shape;
using rival::Tensor;

/// All tensors of fixtures/NAME.txt. There a line "name extent extent ..." stands before the numbers of a tensor, which
/// fill a line for each row of its last axis; lines that begin with # are comments.
class Fixture {
 public:
  explicit Fixture(const std::string& name) : path_(std::string(RIVAL_FIXTURES_DIR) + "/" + name + ".txt") {
    std::ifstream file(path_);
    rival::require(file.good(), "fixture: cannot read ", path_);
    for (std::string line; std::getline(file, line);) {
      if (line.empty() || line[0] == '#') continue;
      std::istringstream header(line);
      std::string tensor_name;
      header >> tensor_name;
      Shape shape;
      for (Index extent; header >> extent;) shape.push_back(extent);
      Tensor<double>& tensor = tensors_[tensor_name] = Tensor<double>(shape);
      for (Index row = 0, i = 0; row < tensor.rows(); ++row) {
        std::getline(file, line);
        const char* at = line.c_str();
        for (Index col = 0; col < tensor.cols(); ++col, ++i) {
          char* end = nullptr;
          tensor[i] = std::strtod(at, &end);
          rival::require(end != at, "fixture: ", path_, ": expected ", tensor.cols(), " numbers in row ", row, " of ",
                         tensor_name, ", got ", col);
          at = end;
        }
      }
    }
  }

  bool has(const std::string& name) const { return tensors_.count(name) != 0; }

  /// Throws rival::Error if there is no such tensor.
  template <class S>
  Tensor<S> tensor(const std::string& name) const {
    const auto found = tensors_.find(name);
    rival::require(found != tensors_.end(), "fixture: no tensor \"", name, "\" in ", path_);
    Tensor<S> copy(found->second.shape());
    copy.array() = found->second.array().template cast<S>();
    return copy;
  }
  double number(const std::string& name) const { return tensor<double>(name)[0]; }

 private:
  std::string path_;
  std::map<std::string, Tensor<double>> tensors_;
};

/// Element i of a stream of numbers that make_pytorch_values.py computes too: odd multiples of bound / 2^16 within
/// +-bound, which float and double hold exactly if `bound` is a power of two.
template <class S>
Tensor<S> draw(const Shape& shape, std::uint32_t stream, double bound = 1) {
  Tensor<S> values(shape);
  for (Index i = 0; i < values.size(); ++i) {
    std::uint32_t h = static_cast<std::uint32_t>(i) * 0x9E3779B1u + stream * 0x85EBCA77u;
    h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
    h = (h ^ (h >> 12)) * 0x297A2D39u;
    h ^= h >> 15;
    values[i] = static_cast<S>((2.0 * (h >> 16) + 1 - 65536) * (bound / 65536));
  }
  return values;
}

/// The largest difference of two elements in the same place, as a share of the largest expected element. Infinite if
/// the shapes differ, and NaN is never equal to anything.
template <class S>
double difference(const Tensor<S>& actual, const Tensor<S>& expected) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (!(actual.shape() == expected.shape())) return infinity;
  double apart = 0, largest = 0;
  for (Index i = 0; i < expected.size(); ++i) {
    const double d = std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
    apart = d <= infinity ? std::max(apart, d) : infinity;
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  return apart == 0 ? 0 : apart / largest;
}

}  // namespace rival_test

#pragma once
// What the benchmarks share: nominal operations, medians, the check of a result, and a measurement held against the
// peak.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "machine.hpp"

namespace bench {

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Nominal operations of one pass through a layer for a batch: every weight and every position that it is applied to,
/// padding counted; 0 for layers without weights.
inline double layer_flops(const rival::Layer<float>& layer, const rival::Shape& in, const rival::Shape& out,
                          Index batch) {
  const auto count = [&](const rival::Tensor<float>& weight, Index positions) {
    return 2.0 * static_cast<double>(batch * positions) * static_cast<double>(weight.size());
  };
  if (auto* conv = dynamic_cast<const rival::Conv2d<float>*>(&layer))
    return count(conv->weight().value, out[0] * out[1]);
  if (auto* conv = dynamic_cast<const rival::ConvTranspose2d<float>*>(&layer))
    return count(conv->weight().value, in[0] * in[1]);
  if (auto* dense = dynamic_cast<const rival::Dense<float>*>(&layer)) return count(dense->weight().value, 1);
  return 0;
}

/// Of a whole network's forward pass, and of its lowest weighted layer alone.
struct NetworkFlops {
  double forward = 0, first = 0;
};
inline NetworkFlops network_flops(const rival::Network<float>& network, Index batch) {
  NetworkFlops flops;
  rival::Shape shape = network.input_shape();
  for (Index i = 0; i < network.layers().size(); ++i) {
    const auto& layer = network.layers()[i];
    const rival::Shape out = layer.output_shape(shape);
    const double one = layer_flops(layer, shape, out, batch);
    if (flops.forward == 0) flops.first = one;
    flops.forward += one;
    shape = out;
  }
  return flops;
}

/// Nominal operations of a training step: the generator forward once and backward once; the discriminator forward three
/// times, backward to its parameters twice and to its input once. Nobody needs the lowest layer's input gradient in a
/// pass to the parameters.
inline double step_flops(const rival::Network<float>& generator, const rival::Network<float>& discriminator,
                         Index batch) {
  const NetworkFlops g = network_flops(generator, batch), d = network_flops(discriminator, batch);
  return (g.forward + 2 * g.forward - g.first) + (3 * d.forward + 2 * (2 * d.forward - d.first) + d.forward);
}

/// Largest difference, relative to the largest value of the reference.
template <class S>
double error_of(const std::vector<S>& got, const std::vector<S>& reference) {
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(reference[i])));
    const double d = std::abs(static_cast<double>(got[i]) - static_cast<double>(reference[i]));
    difference = d <= difference ? difference : d;  // NaN stays
  }
  return difference / std::max(largest, 1e-30);
}

/// Runs `work` under the benchmark's clock and reports operations a second and their share of the peak, from the median
/// iteration by the wall clock. The peak is taken before and after each measurement, and the highest so far counts: on
/// a virtual machine a core may be away for just the moment that the peak is taken in.
inline void measure(benchmark::State& state, int threads, double flops, const std::function<void()>& work,
                    double images = 0) {
  static std::map<int, double> peaks;
  double& peak = peaks[threads];
  peak = std::max(peak, peak_flops(threads));
  rival::set_threads(threads);
  for (int i = 0; i < 3; ++i) work();
  std::vector<double> times;
  for (auto _ : state) {
    const double start = seconds();
    work();
    times.push_back(seconds() - start);
  }
  const double time = median(times);
  peak = std::max(peak, peak_flops(threads));
  if (images > 0) state.counters["images_per_second"] = images / time;
  state.counters["flops"] = flops / time;
  state.counters["peak_share"] = flops / time / peak;
  state.counters["median_seconds"] = time;
}

}  // namespace bench

#pragma once
// MinibatchStddev: tells a discriminator how much the samples of a batch differ.

#include <algorithm>
#include <cmath>
#include <memory>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/layers/size2.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// Over how many samples a MinibatchStddev takes deviations.
struct MinibatchStddevOptions {
  Index group = 4;        ///< how many samples are compared with each other
  double epsilon = 1e-8;  ///< added to the variance

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("group", o.group);
    f("epsilon", o.epsilon);
  }
};

/// Appends one channel: {N, H, W, C} becomes {N, H, W, C + 1}, and {N, C} becomes {N, C + 1}. All of it is, for every
/// sample of a group, the same number: the standard deviation sqrt(variance + epsilon) across the group's samples,
/// averaged over all pixels and channels (Karras, Aila, Laine and Lehtinen, 2018). A generator that always draws the
/// same picture gives itself away by it.
///
/// A group is `group` samples that follow each other. A batch that is not a multiple of `group` is cut into N / group
/// groups, rounded down but at least one, of sizes that differ by one at most: so no sample is left without another to
/// compare it with, unless the batch is a single sample, whose deviation is sqrt(epsilon). (Implementations that
/// reshape to {group, N / group,
/// ...} take samples N / group apart instead, and refuse other batches.) Training and evaluation are the same.
template <class S = float>
class MinibatchStddev : public Layer<S> {
 public:
  using Options = MinibatchStddevOptions;  ///< what it is made from
  /// Throws Error unless group > 0 and epsilon > 0.
  explicit MinibatchStddev(const MinibatchStddevOptions& options = {})
      : options_(options), group_(options.group), epsilon_(static_cast<S>(options.epsilon)) {
    require(options.group > 0, "minibatch_stddev: expected a positive `group`, got ", options.group);
    require(epsilon_ > S(0), "minibatch_stddev: expected a positive `epsilon`, got ", options.epsilon);
  }

  std::string_view kind() const override { return "minibatch_stddev"; }
  Description describe() const override { return rival::describe("minibatch_stddev", options_); }
  std::string_view short_name() const override { return "stddev"; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1 && input.size() > 0, *this, ": expected vectors or images with channels, got ", input);
    return input.with(input.rank() - 1, internal::grown(*this, input.back(), 1, 1));
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    const Index samples = x.dim(0);
    trace.input = &x;
    trace.output.resize(output_shape(x.shape().sample()).batch(samples));
    const Index size = x.shape().sample().size(), groups = std::max<Index>(1, samples / group_), channels = x.cols();
    Tensor<S>& means = trace.save(0, {groups, size});
    Tensor<S>& inverses = trace.save(1, {groups, size});  // 1 / deviation
    parallel_for(groups, static_cast<double>(x.size()), [&](Index g) {
      const Index first = part_begin(samples, groups, g), last = part_begin(samples, groups, g + 1);
      const S share = S(1) / static_cast<S>(last - first);
      ArrayMap<S> mean(means.data() + g * size, size), inverse(inverses.data() + g * size, size);
      mean.setZero();
      for (Index n = first; n < last; ++n) mean += sample(x, n) * share;
      inverse.setZero();
      for (Index n = first; n < last; ++n) inverse += (sample(x, n) - mean).square() * share;
      inverse = (inverse + epsilon_).sqrt().inverse();
      const S deviation = inverse.inverse().mean();
      for (Index row = first * size / channels; row < last * size / channels; ++row) {
        S* y = trace.output.data() + row * (channels + 1);
        std::copy(x.data() + row * channels, x.data() + (row + 1) * channels, y);
        y[channels] = deviation;
      }
    });
    return trace.output;
  }

  /// dx = dy's first channels + d (x - mean) / (k deviation values), where d is the sum of dy's last channel over a
  /// group of k samples of so many values; the mean's own movement cancels.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    const Tensor<S>& x = *trace.input;
    const Index samples = x.dim(0), size = x.shape().sample().size(), groups = trace.saved[0].dim(0),
                channels = x.cols();
    dx->resize(x.shape());
    parallel_for(groups, static_cast<double>(x.size()), [&](Index g) {
      const Index first = part_begin(samples, groups, g), last = part_begin(samples, groups, g + 1);
      const ConstArrayMap<S> mean(trace.saved[0].data() + g * size, size),
          inverse(trace.saved[1].data() + g * size, size);
      S d = 0;
      for (Index row = first * size / channels; row < last * size / channels; ++row) {
        const S* from = dy.data() + row * (channels + 1);
        std::copy(from, from + channels, dx->data() + row * channels);
        d += from[channels];
      }
      d /= static_cast<S>((last - first) * size);
      for (Index n = first; n < last; ++n)
        ArrayMap<S>(dx->data() + n * size, size) += d * (sample(x, n) - mean) * inverse;
    });
  }

  Curvature curvature() const override {
    fail(*this,
         ": a gradient penalty needs scores that do not depend on the other samples of the batch, and minibatch_stddev "
         "compares them; leave it out of a discriminator with a gradient penalty");
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<MinibatchStddev>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static ConstArrayMap<S> sample(const Tensor<S>& x, Index n) {
    const Index size = x.shape().sample().size();
    return {x.data() + n * size, size};
  }

  MinibatchStddevOptions options_;
  Index group_;
  S epsilon_;
};

RIVAL_INSTANTIATE_CLASS(MinibatchStddev);

}  // namespace rival

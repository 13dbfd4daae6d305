#pragma once
// ConditionalBatchNorm: batch norm whose scale and shift depend on the sample's class.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "rival/kernels/normalise.hpp"
#include "rival/layers/batch_statistics.hpp"
#include "rival/nn/labels.hpp"

namespace rival {

/// What a ConditionalBatchNorm normalises, and how.
struct ConditionalBatchNormOptions {
  Index features = 0;     ///< the last axis: channels of images, columns of vectors
  Index classes = 0;      ///< labels are 0 ... classes - 1
  double epsilon = 1e-5;  ///< added to the variance
  double momentum = 0.1;  ///< how far the running statistics move to each training batch's

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("features", o.features);
    f("classes", o.classes);
    f("epsilon", o.epsilon);
    f("momentum", o.momentum);
  }
};

/// y = (x - mean) / sqrt(variance + epsilon) * weight[label] + bias[label]: every feature is normalised over the whole
/// batch, as BatchNorm does, and then takes the scale and shift of its sample's class, rows of two tables [classes,
/// features] (Dumoulin, Shlens and Kudlur, 2017; de Vries et al., 2017). For generators of classes.
///
/// A pass needs one label below `classes` for each sample, otherwise it throws Error.
template <class S = float>
class ConditionalBatchNorm : public internal::BatchStatistics<S> {
 public:
  using Options = ConditionalBatchNormOptions;  ///< what it is made from
  /// Throws Error unless features > 0, 0 < classes <= 65,536, epsilon > 0 and 0 <= momentum <= 1.
  explicit ConditionalBatchNorm(const ConditionalBatchNormOptions& options)
      : internal::BatchStatistics<S>("conditional_batch_norm", options.features, options.epsilon, options.momentum),
        options_(options),
        classes_(options.classes) {
    require(options.classes > 0 && options.classes <= most_classes,
            "conditional_batch_norm: expected `classes` from 1 to ", most_classes, ", got ", options.classes);
    weight_ = Parameter<S>("weight", {classes_, options.features});
    weight_.value.fill(S(1));
    bias_ = Parameter<S>("bias", {classes_, options.features});
  }

  std::string_view short_name() const override { return "cbn"; }
  Description describe() const override { return rival::describe("conditional_batch_norm", options_); }

  /// The scales, {classes, features}; 1 at first.
  Parameter<S>& weight() { return weight_; }
  /// The shifts, {classes, features}; 0 at first.
  Parameter<S>& bias() { return bias_; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    internal::keep_labels(*this, pass.labels, x.dim(0), classes_, trace);
    this->take_statistics(x, trace, pass.mode);
    const Index features = this->features(), samples = x.dim(0);
    const Index size = x.shape().sample().size(), pixels = size / features;
    Tensor<S>& inverse = trace.save(saved_inverse, {features});
    inverse.array() = this->inverse_deviation(trace);
    const TaskScratch<S> space(features);
    parallel_for(samples, static_cast<double>(x.size()) / 4, [&](Index n, Index worker) {
      ArrayMap<S> scale(space.of(worker), features);
      S* y = trace.output.data() + n * size;
      scale = row(weight_.value, label(trace, n)) * inverse.array();
      kernels::combine_channels(
          pixels, features, y, {y, pass.slope}, row(bias_.value, label(trace, n)).data(),
          kernels::Centred<S>{x.data() + n * size, trace.saved[this->saved_mean].data(), scale.data()});
    });
    return trace.output;
  }

  /// With x^ = (x - mean) / s, s = sqrt(variance + epsilon), u = weight[label] dy and `<z>` the mean of z over a
  /// feature's values, the first two sums being over each sample:
  ///
  ///     dweight[label] += sum of dy x^,  dbias[label] += sum of dy,  dx = (u - <u> - x^ <u x^>) / s
  ///
  /// In evaluation dx = u / s.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (!dx && !pass.parameters) return;
    const Tensor<S>& x = *trace.input;
    const Index features = this->features(), samples = x.dim(0);
    const Index size = x.shape().sample().size(), pixels = size / features;
    const S* mean = trace.saved[this->saved_mean].data();
    const auto inverse = trace.saved[saved_inverse].array();
    Tensor<S>& sums = trace.save(saved_sums, {samples, features});          // of dy
    Tensor<S>& products = trace.save(saved_products, {samples, features});  // of dy x^
    Tensor<S>& factors = trace.save(saved_factors, {2, features});
    ArrayMap<S> constant(factors.data(), features), on_x(factors.data() + features, features);
    constant.setZero();
    on_x.setZero();
    if (trace.mode == Mode::train || pass.parameters) {
      parallel_for(samples, static_cast<double>(x.size()) / 4, [&](Index n) {
        kernels::sample_sums(pixels, features, dy.data() + n * size, x.data() + n * size, mean, row(sums, n).data(),
                             row(products, n).data());
        row(products, n) *= inverse;
      });
      for (Index n = 0; n < samples; ++n) {
        const Index c = label(trace, n);
        if (pass.parameters) {
          row(weight_.grad, c) += row(products, n);
          row(bias_.grad, c) += row(sums, n);
        }
        constant += row(weight_.value, c) * row(sums, n);
        on_x += row(weight_.value, c) * row(products, n);
      }
    }
    if (!dx) return;
    const S share = trace.mode == Mode::train ? S(-1) / static_cast<S>(x.rows()) : S(0);
    constant *= share * inverse;
    on_x *= share * inverse * inverse;
    dx->resize(x.shape());
    const TaskScratch<S> space(features);
    parallel_for(samples, static_cast<double>(x.size()) / 4, [&](Index n, Index worker) {
      ArrayMap<S> on_dy(space.of(worker), features);
      on_dy = row(weight_.value, label(trace, n)) * inverse;
      kernels::combine_channels(pixels, features, dx->data() + n * size, {x.data() + n * size, pass.slope},
                                constant.data(), kernels::Scaled<S>{dy.data() + n * size, on_dy.data()},
                                kernels::Centred<S>{x.data() + n * size, mean, on_x.data()});
    });
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    state.parameters.insert(state.parameters.end(), {&weight_, &bias_});
    this->collect_statistics(state);
  }
  /// Weight 1, bias 0, running mean 0, running variance 1.
  void initialise(const Initialiser<S>&, const Random&) override {
    weight_.value.fill(S(1));
    bias_.value.fill(S(0));
    this->reset_statistics();
  }
  bool fuses_activation() const override { return true; }
  bool gates_input() const override { return true; }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ConditionalBatchNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    internal::BatchStatistics<S>::set_name(name);
    weight_.name = name + ".weight";
    bias_.name = name + ".bias";
  }

 private:
  static constexpr std::size_t saved_inverse = internal::BatchStatistics<S>::first_place,
                               saved_sums = saved_inverse + 1, saved_products = saved_inverse + 2,
                               saved_factors = saved_inverse + 3;

  static Index label(const Trace<S>& trace, Index n) { return trace.labels[static_cast<std::size_t>(n)]; }
  static ArrayMap<S> row(Tensor<S>& table, Index i) { return {table.data() + i * table.cols(), table.cols()}; }
  static ConstArrayMap<S> row(const Tensor<S>& table, Index i) {
    return {table.data() + i * table.cols(), table.cols()};
  }

  ConditionalBatchNormOptions options_;
  Index classes_;
  Parameter<S> weight_, bias_;
};

RIVAL_INSTANTIATE_CLASS(ConditionalBatchNorm);

}  // namespace rival

#pragma once
// GroupNorm: each sample's groups of channels to mean 0 and variance 1, then to a learnt scale and shift of each
// channel. InstanceNorm (instance_norm.hpp) and LayerNorm (layer_norm.hpp) are the same with other groups.

#include <cmath>
#include <memory>
#include <string>
#include <string_view>

#include "rival/kernels/normalise.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// What a GroupNorm normalises, and how.
struct GroupNormOptions {
  Index groups = 0;       ///< of neighbouring channels, all of one size
  Index features = 0;     ///< the last axis: channels of images, columns of vectors
  double epsilon = 1e-5;  ///< added to the variance
  bool affine = true;     ///< whether there are a weight and a bias to learn for each channel

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("groups", o.groups);
    f("features", o.features);
    f("epsilon", o.epsilon);
    f("affine", o.affine);
  }
};

namespace internal {

/// Normalises within samples. All values x of a group of channels of one sample, at all its pixels, have a mean m and a
/// variance v, and r = 1 / sqrt(v + epsilon); w and b are their channels' weight and bias. With `<.>` the mean over the
/// group:
///
///     forward:          x^ = r (x - m),  y = w x^ + b
///     backward, of u = w dy:
///                       dx = r (u - <u> - x^ <u x^>),  dw += sum of dy x^,  db += sum of dy
///     forward_tangent:  with p = <x'> and q = <x' x^>: m' = p and r' = -r^2 q, so
///                       x^' = r (x' - p - x^ q),  y' = w x^'
///     backward_tangent, of u' = w dy': the derivatives of backward's two lines,
///                       dx' = -r q dx + r (u' - <u'> - x^' <u x^> - x^ (<u' x^> + <u x^'>)),
///                       dw += sum of dy' x^ + dy x^',  db += sum of dy'
///                       where <u x^'> = r (<u (x' - p)> - q <u x^>).
///
/// So every pass needs the sums over each channel of one or two products, and then writes a sum of its inputs with a
/// factor for each channel: two sweeps.
template <class S>
class SampleNorm : public Layer<S> {
 public:
  std::string_view kind() const override { return kind_; }

  /// {features}. Without `affine` it is 1 and no parameter, and the bias is 0.
  Parameter<S>& weight() { return weight_; }
  Parameter<S>& bias() { return bias_; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1 && input.back() == features_, *this, ": expected ", features_,
            " features on the last axis, got ", input);
    require(input.size() > groups_, *this, ": expected more than one value to normalise together, got ", input, " in ",
            groups_, groups_ == 1 ? " group" : " groups");
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    const Sizes size = sizes(x);
    output_shape(x.shape().sample());
    trace.input = &x;
    trace.output.resize(x.shape());
    Tensor<S>& mean = trace.save(saved_mean, {size.samples, groups_});
    Tensor<S>& inverse = trace.save(saved_inverse, {size.samples, groups_});
    const TaskScratch<S> space(2 * features_);
    parallel_for(size.samples, static_cast<double>(x.size()) / 2, [&](Index n, Index worker) {
      S *centre = space.of(worker), *scale = centre + features_, *y = trace.output.data() + n * size.sample;
      kernels::sample_moments(size.pixels, features_, x.data() + n * size.sample, centre, scale);
      for (Index g = 0; g < groups_; ++g) {
        ArrayMap<S> means = in_group(centre, g), variances = in_group(scale, g);
        const S m = means.mean(), r = S(1) / std::sqrt(variances.mean() + (means - m).square().mean() + epsilon_);
        mean[n * groups_ + g] = m;
        inverse[n * groups_ + g] = r;
        means.setConstant(m);
        variances = in_group(weight_.value.data(), g) * r;
      }
      kernels::combine_channels(size.pixels, features_, y, {y, pass.slope}, bias_.value.data(),
                                kernels::Centred<S>{x.data() + n * size.sample, centre, scale});
    });
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    const bool parameters = pass.parameters && affine_;
    if (!dx && !parameters) return;
    const Tensor<S>& x = *trace.input;
    const Sizes size = sizes(x);
    if (dx) dx->resize(x.shape());
    Tensor<S>& sums = trace.save(saved_sums, {size.samples, features_});
    Tensor<S>& products = trace.save(saved_products, {size.samples, features_});
    const TaskScratch<S> space(4 * features_);
    parallel_for(size.samples, static_cast<double>(x.size()) / 2, [&](Index n, Index worker) {
      S *centre = space.of(worker), *on_dy = centre + features_, *on_x = on_dy + features_,
        *constant = on_x + features_;
      const S *x_n = x.data() + n * size.sample, *dy_n = dy.data() + n * size.sample;
      S *sum = sums.data() + n * features_, *product = products.data() + n * features_;
      spread(trace.saved[saved_mean], n, centre);
      kernels::sample_sums(size.pixels, features_, dy_n, x_n, centre, sum, product);
      for (Index g = 0; g < groups_; ++g) {
        const S r = trace.saved[saved_inverse][n * groups_ + g];
        const auto w = in_group(weight_.value.data(), g);
        in_group(product, g) *= r;  // sum of dy x^
        const S u = (w * in_group(sum, g)).sum() / size.group, ux = (w * in_group(product, g)).sum() / size.group;
        in_group(on_dy, g) = r * w;
        in_group(on_x, g).setConstant(-r * r * ux);
        in_group(constant, g).setConstant(-r * u);
      }
      if (dx)
        kernels::combine_channels(size.pixels, features_, dx->data() + n * size.sample, {x_n, pass.slope}, constant,
                                  kernels::Scaled<S>{dy_n, on_dy}, kernels::Centred<S>{x_n, centre, on_x});
    });
    if (parameters) add_gradients(products, &sums);
  }

  Curvature curvature() const override { return Curvature::curved; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    const Tensor<S>& x = *trace.input;
    const Sizes size = sizes(x);
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(x.shape());
    Tensor<S>& mean_tangent = trace.save(saved_mean_tangent, {size.samples, groups_});
    Tensor<S>& slant = trace.save(saved_slant, {size.samples, groups_});
    const TaskScratch<S> space(6 * features_);
    parallel_for(size.samples, static_cast<double>(x.size()) / 2, [&](Index n, Index worker) {
      S *centre = space.of(worker), *on_tangent = centre + features_, *on_x = on_tangent + features_,
        *constant = on_x + features_, *sum = constant + features_, *product = sum + features_;
      const S *x_n = x.data() + n * size.sample, *tangent = x_tangent.data() + n * size.sample;
      spread(trace.saved[saved_mean], n, centre);
      kernels::sample_sums(size.pixels, features_, tangent, x_n, centre, sum, product);
      for (Index g = 0; g < groups_; ++g) {
        const S r = trace.saved[saved_inverse][n * groups_ + g];
        const auto w = in_group(weight_.value.data(), g);
        const S p = in_group(sum, g).sum() / size.group, q = r * in_group(product, g).sum() / size.group;
        mean_tangent[n * groups_ + g] = p;
        slant[n * groups_ + g] = q;
        in_group(on_tangent, g) = r * w;
        in_group(on_x, g) = (-r * r * q) * w;
        in_group(constant, g) = (-r * p) * w;
      }
      const S* gate = pass.gate ? pass.gate + n * size.sample : nullptr;
      kernels::combine_channels(size.pixels, features_, trace.output_tangent.data() + n * size.sample,
                                {gate, pass.slope}, constant, kernels::Scaled<S>{tangent, on_tangent},
                                kernels::Centred<S>{x_n, centre, on_x});
    });
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    if (!dx_tangent && !affine_) return;
    const Tensor<S>& x = *trace.input;
    const Sizes size = sizes(x);
    if (dx_tangent) dx_tangent->resize(x.shape());
    Tensor<S>& sums = trace.save(saved_sums, {size.samples, features_});
    Tensor<S>& products = trace.save(saved_products, {size.samples, features_});
    if (!dy_tangent) products.fill(S(0)), sums.fill(S(0));
    const TaskScratch<S> space(10 * features_);
    parallel_for(size.samples, static_cast<double>(x.size()), [&](Index n, Index worker) {
      S *centre = space.of(worker), *middle = centre + features_, *sum = middle + features_, *product = sum + features_,
        *along = product + features_, *on_dy = along + features_, *on_dy_tangent = on_dy + features_,
        *on_x_tangent = on_dy_tangent + features_, *on_x = on_x_tangent + features_, *constant = on_x + features_;
      const S *x_n = x.data() + n * size.sample, *dy_n = dy.data() + n * size.sample;
      const S* x_tangent = trace.input_tangent->data() + n * size.sample;
      const S* moving = dy_tangent ? dy_tangent->data() + n * size.sample : nullptr;
      S *sum_tangent = sums.data() + n * features_, *product_tangent = products.data() + n * features_;
      spread(trace.saved[saved_mean], n, centre);
      spread(trace.saved[saved_mean_tangent], n, middle);
      kernels::sample_sums(size.pixels, features_, dy_n, x_tangent, middle, sum, along);
      kernels::sample_sums(size.pixels, features_, dy_n, x_n, centre, sum, product);
      if (moving) kernels::sample_sums(size.pixels, features_, moving, x_n, centre, sum_tangent, product_tangent);
      for (Index g = 0; g < groups_; ++g) {
        const S r = trace.saved[saved_inverse][n * groups_ + g], q = trace.saved[saved_slant][n * groups_ + g];
        const auto w = in_group(weight_.value.data(), g);
        const auto group_mean = [&](const S* channel_sums) {
          return (w * in_group(channel_sums, g)).sum() / size.group;
        };
        in_group(product, g) *= r;                                                 // sum of dy x^
        in_group(product_tangent, g) *= r;                                         // sum of dy' x^
        in_group(along, g) = r * (in_group(along, g) - q * in_group(product, g));  // sum of dy x^'
        const S u = group_mean(sum), ux = group_mean(product), moved = group_mean(product_tangent) + group_mean(along);
        in_group(on_dy, g) = (-r * r * q) * w;
        in_group(on_dy_tangent, g) = r * w;
        in_group(on_x_tangent, g).setConstant(-r * r * ux);
        in_group(on_x, g).setConstant(r * (S(2) * r * r * q * ux - r * moved));
        in_group(constant, g).setConstant(r * r * q * u - r * group_mean(sum_tangent));
        in_group(product_tangent, g) += in_group(along, g);  // what dw' adds
      }
      if (!dx_tangent) return;
      const kernels::Scaled<S> by_dy{dy_n, on_dy}, by_dy_tangent{moving, on_dy_tangent};
      const kernels::Centred<S> by_x{x_n, centre, on_x}, by_x_tangent{x_tangent, middle, on_x_tangent};
      S* to = dx_tangent->data() + n * size.sample;
      if (moving)
        kernels::combine_channels(size.pixels, features_, to, {}, constant, by_dy, by_x, by_x_tangent, by_dy_tangent);
      else
        kernels::combine_channels(size.pixels, features_, to, {}, constant, by_dy, by_x, by_x_tangent);
    });
    if (affine_) add_gradients(products, dy_tangent ? &sums : nullptr);
  }

  bool has_parameters() const override { return affine_; }
  void collect(State<S>& state) override {
    if (affine_) state.parameters.insert(state.parameters.end(), {&weight_, &bias_});
  }
  /// Weight 1, bias 0.
  void initialise(const Initialiser<S>&, const Random&) override {
    weight_.value.fill(S(1));
    bias_.value.fill(S(0));
  }
  bool fuses_activation() const override { return true; }
  bool gates_input() const override { return true; }

  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    weight_.name = name + ".weight";
    bias_.name = name + ".bias";
  }

 protected:
  const GroupNormOptions& options() const { return options_; }

  SampleNorm(std::string_view kind, const GroupNormOptions& options)
      : kind_(kind),
        options_(options),
        groups_(options.groups),
        features_(options.features),
        epsilon_(static_cast<S>(options.epsilon)),
        affine_(options.affine) {
    require(options.features > 0, kind, ": expected positive `features`, got ", options.features);
    require(options.groups > 0 && options.features % options.groups == 0, kind, ": expected `groups` that divide the ",
            options.features, " features, got ", options.groups);
    require(epsilon_ > S(0), kind, ": expected a positive `epsilon`, got ", options.epsilon);
    weight_ = Parameter<S>("weight", {features_});
    weight_.value.fill(S(1));
    bias_ = Parameter<S>("bias", {features_});
  }

 private:
  static constexpr std::size_t saved_mean = 0, saved_inverse = 1, saved_sums = 2, saved_products = 3,
                               saved_mean_tangent = 4, saved_slant = 5;

  struct Sizes {
    Index samples, pixels;
    Index sample;  // values of a sample
    S group;       // values of a group
  };
  Sizes sizes(const Tensor<S>& x) const {
    const Index sample = x.shape().sample().size();
    return {x.dim(0), sample / features_, sample, static_cast<S>(sample / groups_)};
  }

  /// The channels of group g in a row of channels.
  ArrayMap<S> in_group(S* row, Index g) const { return {row + g * (features_ / groups_), features_ / groups_}; }
  ConstArrayMap<S> in_group(const S* row, Index g) const {
    return {row + g * (features_ / groups_), features_ / groups_};
  }
  /// Sets each channel of `row` to the number of its group in sample n.
  void spread(const Tensor<S>& of_groups, Index n, S* row) const {
    for (Index g = 0; g < groups_; ++g) in_group(row, g).setConstant(of_groups[n * groups_ + g]);
  }
  void add_gradients(const Tensor<S>& of_weight, const Tensor<S>* of_bias) {
    kernels::add_column_sums(of_weight.rows(), features_, of_weight.data(), weight_.grad.data());
    if (of_bias) kernels::add_column_sums(of_bias->rows(), features_, of_bias->data(), bias_.grad.data());
  }

  std::string_view kind_;
  GroupNormOptions options_;
  Index groups_, features_;
  S epsilon_;
  bool affine_;
  Parameter<S> weight_, bias_;
};

}  // namespace internal

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, where mean and variance are those of all values of one
/// sample in one group of neighbouring channels (Wu and He, 2018). A sample's output does not depend on the others, so
/// it may stand in a discriminator with a gradient penalty, and training and evaluation are the same.
template <class S = float>
class GroupNorm : public internal::SampleNorm<S> {
 public:
  using Options = GroupNormOptions;  ///< what it is made from
  /// Throws Error unless features > 0, `groups` divides them, and epsilon > 0.
  explicit GroupNorm(const GroupNormOptions& options) : internal::SampleNorm<S>("group_norm", options) {}

  std::string_view short_name() const override { return "gn"; }
  Description describe() const override { return rival::describe("group_norm", this->options()); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<GroupNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(internal::SampleNorm);
RIVAL_INSTANTIATE_CLASS(GroupNorm);

}  // namespace rival

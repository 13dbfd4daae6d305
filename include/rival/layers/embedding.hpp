#pragma once
// Embedding: tells a network the class of each sample, as further channels.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/layers/size2.hpp"
#include "rival/nn/labels.hpp"

namespace rival {

/// The sizes of an Embedding.
struct EmbeddingOptions {
  Index classes = 0;     ///< at most 65,536
  Index features = 0;    ///< channels that are appended; not given with `one_hot`, which appends one a class
  bool one_hot = false;  ///< row k of the table is 1 in column k and 0 elsewhere, and nothing is learnt

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("classes", o.classes);
    f("features", o.features);
    f("one_hot", o.one_hot);
  }
};

/// Appends to each sample's channels the row of a learnt table E {classes, features} that its label names: {N, C}
/// becomes {N, C + features}, and {N, H, W, C} becomes {N, H, W, C + features} with the same row at every pixel. The
/// labels are those of the pass; forward throws Error unless there is one of 0 ... classes - 1 for each sample.
///
/// With `one_hot` it is the condition of the first conditional GAN (Mirza and Osindero, 2014) and the categorical code
/// of InfoGAN (Chen et al., 2016).
template <class S = float>
class Embedding : public Layer<S> {
 public:
  using Options = EmbeddingOptions;  ///< what it is made from
  /// Throws Error unless 1 <= classes <= 65,536 and features > 0 (with `one_hot`: 0, or the classes).
  explicit Embedding(const EmbeddingOptions& options) : options_(options), table_("weight", Shape{0}) {
    require(options.classes > 0 && options.classes <= most_classes, "embedding: expected 1 to ", most_classes,
            " classes, got ", options.classes);
    if (options.one_hot) {
      require(options.features == 0 || options.features == options.classes, "embedding: expected one feature a class (",
              options.classes, ") of a one-hot table, got ", options.features);
      options_.features = options.classes;
    } else {
      require(options.features > 0, "embedding: expected positive `features`, got ", options.features);
      table_ = Parameter<S>("weight", {options.classes, options.features});
    }
  }

  /// Empty if the table is one-hot.
  Parameter<S>& weight() { return table_; }

  std::string_view kind() const override { return "embedding"; }
  Description describe() const override { return rival::describe("embedding", options_); }
  std::string_view short_name() const override { return "embed"; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 || input.rank() == 3, *this,
            ": expected vectors or images height x width x channels, got ", input);
    return input.with(input.rank() - 1, internal::grown(*this, input.back(), 1, options_.features));
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = &x;
    internal::keep_labels(*this, pass.labels, x.dim(0), options_.classes, trace);
    append(x, trace.labels, true, trace.output);
    return trace.output;
  }

  /// dx: the first channels of dy; dE[label]: the sums of the others over the pixels of the samples of that label.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx) {
      dx->resize(trace.input->shape());
      const Index before = dx->cols(), after = dy.cols();
      parallel_blocks(dx->rows(), rows_of_task, static_cast<double>(dx->size()) / 4, [&](Index begin, Index end) {
        for (Index r = begin; r < end; ++r) std::copy_n(dy.data() + r * after, before, dx->data() + r * before);
      });
    }
    if (pass.parameters) add_table_gradient(trace, dy);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    append(x_tangent, trace.labels, pass.affine, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>& pass) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
    if (const Tensor<S>* from = pass.affine ? &dy : dy_tangent) add_table_gradient(trace, *from);
  }

  bool has_parameters() const override { return !options_.one_hot; }
  void collect(State<S>& state) override {
    if (!options_.one_hot) state.parameters.push_back(&table_);
  }
  /// Normal with variance 1 whatever the initialiser, since the rows are inputs of the layers behind, as noise is.
  void initialise(const Initialiser<S>&, const Random& random) override {
    Random stream = random.stream(table_.name);
    stream.fill_normal(table_.value);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Embedding>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    table_.name = name + ".weight";
  }

 private:
  static constexpr Index rows_of_task = 256;

  /// y = x with the labels' rows behind it, or with zeros.
  void append(const Tensor<S>& x, Labels labels, bool rows, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    const Index before = x.cols(), after = y.cols(), features = options_.features,
                pixels = x.rows() / std::max<Index>(1, x.dim(0));
    parallel_blocks(x.rows(), rows_of_task, static_cast<double>(y.size()) / 4, [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        S* to = std::copy_n(x.data() + r * before, before, y.data() + r * after);
        const Index label = labels[static_cast<std::size_t>(r / pixels)];
        if (rows && !options_.one_hot) {
          std::copy_n(table_.value.data() + label * features, features, to);
        } else {
          std::fill_n(to, features, S(0));
          if (rows) to[label] = S(1);
        }
      }
    });
  }

  /// Sums over each sample's pixels, then over samples in their order: the bits depend on the shape alone.
  void add_table_gradient(const Trace<S>& trace, const Tensor<S>& dy) {
    if (options_.one_hot) return;
    const Index samples = dy.dim(0), pixels = dy.rows() / std::max<Index>(1, samples), features = options_.features;
    S* sums = scratch<S>(Scratch::partial_sums, samples * features);
    parallel_for(samples, static_cast<double>(dy.rows() * features), [&](Index n) {
      ArrayMap<S> sum(sums + n * features, features);
      sum.setZero();
      for (Index p = 0; p < pixels; ++p)
        sum += ConstArrayMap<S>(dy.data() + (n * pixels + p + 1) * dy.cols() - features, features);
    });
    for (Index n = 0; n < samples; ++n)
      ArrayMap<S>(table_.grad.data() + trace.labels[static_cast<std::size_t>(n)] * features, features) +=
          ConstArrayMap<S>(sums + n * features, features);
  }

  EmbeddingOptions options_;
  Parameter<S> table_;
};

RIVAL_INSTANTIATE_CLASS(Embedding);

}  // namespace rival

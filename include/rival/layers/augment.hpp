#pragma once
// Augment: the same kind of random changes to real and generated images, in front of a discriminator.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// 0 leaves a kind of change away.
struct AugmentOptions {
  double translation = 0;  ///< the largest shift, as a share of height and width; 0.125 in the paper
  double cutout =
      0;  ///< height and width of the square that is set to zero, as shares of the image's; 0.5 in the paper
  double brightness =
      0;  ///< the largest number that is added to all pixels, or taken away; 0.5 in the paper, for [-1, 1]

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("translation", o.translation);
    f("cutout", o.cutout);
    f("brightness", o.brightness);
  }
};

/// Training: each image becomes brighter or darker by an amount uniform in [-brightness, brightness), is shifted by
/// whole pixels, where zeros move in, and a rectangle somewhere in it, perhaps partly outside, is set to zero.
/// Evaluation: the identity. The first layer of a discriminator, which then never sees an image as it is and cannot
/// learn a small data set by heart; gradients go through it to the generator (Zhao, Liu, Lin, Zhu and Han,
/// "Differentiable augmentation for data-efficient GAN training", 2020):
///
///     Augment({.translation = 0.125, .cutout = 0.5, .brightness = 0.5})
///
/// The changes come from the layer's own random stream, five numbers for each image whatever the options. `forward`
/// reads the stream where it stands; `commit` moves it on.
template <class S = float>
class Augment : public Layer<S> {
 public:
  using Options = AugmentOptions;  ///< what it is made from
  /// Throws Error unless translation and cutout are in [0, 1] and brightness >= 0.
  explicit Augment(const AugmentOptions& options) : options_(options) {
    require(options.translation >= 0 && options.translation <= 1, "augment: expected `translation` in [0, 1], got ",
            options.translation);
    require(options.cutout >= 0 && options.cutout <= 1, "augment: expected `cutout` in [0, 1], got ", options.cutout);
    require(options.brightness >= 0, "augment: expected `brightness` >= 0, got ", options.brightness);
  }

  std::string_view kind() const override { return "augment"; }
  Description describe() const override { return rival::describe("augment", options_); }
  /// The options that it was made with.
  const AugmentOptions& options() const { return options_; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images of H x W x C, got ", input);
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    output_shape(x.shape().sample());
    trace.input = &x;
    trace.mode = pass.mode;
    if (pass.mode == Mode::eval) {
      trace.output.alias(x, x.shape());
      return trace.output;
    }
    Random stream = stream_;
    stream.fill_uniform(trace.save(0, {x.dim(0), draws}));
    change(x, trace, trace.output, true);
    return trace.output;
  }

  /// Shifts back, and leaves out the gradient of what was cut out.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    if (trace.mode == Mode::eval) {
      *dx = dy;
      return;
    }
    for_each_image(dy, trace, *dx,
                   [&](const Change& c, const S* from, S* to) { move(c.shift_back(), dy.shape(), from, to, S(0)); });
  }

  Curvature curvature() const override { return Curvature::linear; }

  /// What is added to the pixels belongs to the affine map, not to that of tangents.
  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    if (trace.mode == Mode::eval)
      trace.output_tangent.alias(x_tangent, x_tangent.shape());
    else
      change(x_tangent, trace, trace.output_tangent, pass.affine);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  void commit(const Trace<S>& trace) override {
    constexpr std::uint64_t per_block = 16 / sizeof(S);  // numbers that fill_uniform makes of one block
    if (trace.mode == Mode::train)
      stream_.skip((static_cast<std::uint64_t>(trace.saved[0].size()) + per_block - 1) / per_block);
  }

  void collect(State<S>& state) override { state.streams.emplace_back(this->name(), &stream_); }
  void initialise(const Initialiser<S>&, const Random& random) override { stream_ = random.stream(this->name()); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Augment>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static constexpr Index draws = 5;  // for each image: brightness, shift down and right, place of the cut

  /// What happens to one image: pixel (i, j) goes to (i + down, j + right), unless that lies outside or in the rows
  /// [top, bottom) and columns [left, right_end) that are cut.
  struct Change {
    Index down = 0, right = 0, top = 0, bottom = 0, left = 0, right_end = 0;
    S brightness = 0;

    /// The transpose: the same pixels the other way.
    Change shift_back() const {
      return {-down, -right, top - down, bottom - down, left - right, right_end - right, S(0)};
    }
  };

  /// A draw from [0, 1) as one of `count` whole numbers from `first` on.
  static Index whole(S draw, Index first, Index count) {
    return first + std::min(count - 1, static_cast<Index>(static_cast<double>(draw) * static_cast<double>(count)));
  }
  static Index share(double of_extent, Index extent) {
    return static_cast<Index>(of_extent * static_cast<double>(extent) + 0.5);
  }

  /// In the ranges of the paper's program: the centre of a cut lies anywhere in the image.
  Change change_of(const S* draw, Index h, Index w) const {
    const Index most_h = share(options_.translation, h), most_w = share(options_.translation, w);
    const Index cut_h = share(options_.cutout, h), cut_w = share(options_.cutout, w);
    const Index top = whole(draw[3], 0, h + 1 - cut_h % 2) - cut_h / 2,
                left = whole(draw[4], 0, w + 1 - cut_w % 2) - cut_w / 2;
    return {whole(draw[1], -most_h, 2 * most_h + 1),
            whole(draw[2], -most_w, 2 * most_w + 1),
            top,
            top + cut_h,
            left,
            left + cut_w,
            static_cast<S>(options_.brightness) * (S(2) * draw[0] - S(1))};
  }

  void change(const Tensor<S>& x, const Trace<S>& trace, Tensor<S>& y, bool brightness) const {
    for_each_image(x, trace, y, [&](const Change& c, const S* from, S* to) {
      move(c, x.shape(), from, to, brightness ? c.brightness : S(0));
    });
  }

  template <class Body>
  void for_each_image(const Tensor<S>& from, const Trace<S>& trace, Tensor<S>& to, const Body& body) const {
    to.resize(from.shape());
    const Index h = from.dim(1), w = from.dim(2), size = h * w * from.dim(3);
    const S* draw = trace.saved[0].data();
    parallel_for(from.dim(0), 2.0 * static_cast<double>(from.size()), [&](Index n) {
      body(change_of(draw + n * draws, h, w), from.data() + n * size, to.data() + n * size);
    });
  }

  /// Row by row, `to` is zero but where a pixel comes from `from`, to which `offset` is added.
  static void move(const Change& change, const Shape& images, const S* from, S* to, S offset) {
    const Index h = images[1], w = images[2], c = images[3];
    const Index begin = std::clamp<Index>(change.right, 0, w), end = std::clamp<Index>(w + change.right, begin, w);
    const Index cut_begin = std::clamp<Index>(change.left, 0, w), cut_end = std::clamp<Index>(change.right_end, 0, w);
    for (Index i = 0; i < h; ++i, to += w * c) {
      const Index row = i - change.down;
      if (row < 0 || row >= h) {
        std::fill(to, to + w * c, S(0));
        continue;
      }
      const Index source = (row * w - change.right) * c;
      std::fill(to, to + begin * c, S(0));
      for (Index k = begin * c; k < end * c; ++k) to[k] = from[source + k] + offset;
      std::fill(to + end * c, to + w * c, S(0));
      if (i >= change.top && i < change.bottom) std::fill(to + cut_begin * c, to + cut_end * c, S(0));
    }
  }

  AugmentOptions options_;
  Random stream_;
};

RIVAL_INSTANTIATE_CLASS(Augment);

}  // namespace rival

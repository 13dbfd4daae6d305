#pragma once
// Translate: a clip of one picture that moves.

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string_view>

#include "rival/core/finite.hpp"
#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// What a Translate makes, and how far it moves.
struct TranslateOptions {
  Shape clip = {};      ///< frames x height x width x channels
  double reach = 1;     ///< pixels that a place of 1 stands for
  double outside = -1;  ///< what is seen where the picture has moved away: black, for pixels in [-1, 1]

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("clip", o.clip);
    f("reach", o.reach);
    f("outside", o.outside);
  }
};

/// {2 T + H W C} becomes a clip {T, H, W, C} in which one picture moves. The first 2 T numbers are its places (row,
/// column) in the frames, in units of `reach` pixels, the others the picture p:
///
///     y[t, i, j] = p(i - reach x[2 t], j - reach x[2 t + 1]),
///
/// bilinear between the pixels, and `outside` where there are none. A spatial transformer that translates (Jaderberg,
/// Simonyan, Zisserman and Kavukcuoglu, "Spatial transformer networks", 2015): what is drawn once stays the same in
/// all frames. Behind a ConcatSkip, whose branches make the places and the picture.
///
/// With a, b above c, d, the four pixels around a point that lies fy below and fx beside a, their weights are those of
/// (1 - fy, fy) x (1 - fx, fx), and the gradient with respect to the row is
///
///     -reach sum of dy ((1 - fx) (c - a) + fx (d - b)),
///
/// likewise to the column. It has no tangents, and thus does not stand in a discriminator with a gradient penalty.
template <class S = float>
class Translate : public Layer<S> {
 public:
  using Options = TranslateOptions;  ///< what it is made from
  /// Throws Error unless the clip has four extents of at least 1, and for numbers that are not finite.
  explicit Translate(const TranslateOptions& options) : options_(options) {
    require(options.clip.rank() == 4 && options.clip.size() > 0,
            "translate: expected a `clip` of frames x height x width x channels, got ", options.clip);
    // As the layer's scalars: 1e300 is none of float's.
    require(is_finite(static_cast<S>(options.reach)), "translate: expected a finite `reach`, got ", options.reach);
    require(is_finite(static_cast<S>(options.outside)), "translate: expected a finite `outside`, got ",
            options.outside);
  }

  std::string_view kind() const override { return "translate"; }
  Description describe() const override { return rival::describe("translate", options_); }
  /// The options that it was made with.
  const TranslateOptions& options() const { return options_; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 && input[0] == 2 * frames() + picture_size(), *this, ": expected vectors of ",
            2 * frames() + picture_size(), ", two a frame and a picture, got ", input);
    return options_.clip;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    Tensor<S>& y = trace.output;
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    const TaskScratch<S> scratch(padded_size());
    const S outside = static_cast<S>(options_.outside);
    parallel_for(x.dim(0), 8.0 * static_cast<double>(y.size()), [&](Index n, Index worker) {
      const S* places = x.data() + n * x.cols();
      S* padded = scratch.of(worker);
      pad(places + 2 * frames(), padded);
      for (Index t = 0; t < frames(); ++t) {
        S* frame = y.data() + (n * frames() + t) * picture_size();
        const View view = view_of(places + 2 * t);
        // What is no number stays none, so that a training that has gone wrong is seen to have.
        std::fill_n(frame, picture_size(), view.finite ? outside : places[2 * t] + places[2 * t + 1]);
        for_each_row(view, [&](Index above, Index below, Index at, Index count) {
          const S *a = padded + above, *c = padded + below, *b = a + channels(), *d = c + channels();
          S* to = frame + at;
          for (Index k = 0; k < count; ++k)
            to[k] = view.weight[0] * a[k] + view.weight[1] * b[k] + view.weight[2] * c[k] + view.weight[3] * d[k];
        });
      }
    });
    return y;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    const Tensor<S>& x = *trace.input;
    dx->resize(x.shape());
    const TaskScratch<S> scratch(2 * padded_size());
    parallel_for(x.dim(0), 16.0 * static_cast<double>(dy.size()), [&](Index n, Index worker) {
      const S* places = x.data() + n * x.cols();
      S *padded = scratch.of(worker), *gradient = padded + padded_size(), *d_places = dx->data() + n * x.cols();
      pad(places + 2 * frames(), padded);
      std::fill_n(gradient, padded_size(), S(0));
      for (Index t = 0; t < frames(); ++t) {
        const S* frame = dy.data() + (n * frames() + t) * picture_size();
        const View view = view_of(places + 2 * t);
        std::array<S, 4> sums{};  // of dy times each of the four
        for_each_row(view, [&](Index above, Index below, Index at, Index count) {
          const S* from = frame + at;
          const std::array<Index, 4> corners{above, above + channels(), below, below + channels()};
          for (std::size_t corner = 0; corner < 4; ++corner) {
            const S *pixels = padded + corners[corner], weight = view.weight[corner];
            S *to = gradient + corners[corner], sum = S(0);
            for (Index k = 0; k < count; ++k) to[k] += weight * from[k];
            for (Index k = 0; k < count; ++k) sum += from[k] * pixels[k];
            sums[corner] += sum;
          }
        });
        const auto [a, b, c, d] = sums;
        const S reach = static_cast<S>(options_.reach);
        d_places[2 * t] = -reach * ((1 - view.beside) * (c - a) + view.beside * (d - b));
        d_places[2 * t + 1] = -reach * ((1 - view.below) * (b - a) + view.below * (d - c));
      }
      const Index row = width() * channels();
      for (Index i = 0; i < height(); ++i)
        std::copy_n(gradient + padded_place(i, 0), row, d_places + 2 * frames() + i * row);
    });
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Translate>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  Index frames() const { return options_.clip[0]; }
  Index height() const { return options_.clip[1]; }
  Index width() const { return options_.clip[2]; }
  Index channels() const { return options_.clip[3]; }
  Index picture_size() const { return height() * width() * channels(); }

  // The picture with a border of one pixel of `outside`, in which every point has four pixels around it.
  Index padded_size() const { return (height() + 2) * (width() + 2) * channels(); }
  Index padded_place(Index i, Index j) const { return ((i + 1) * (width() + 2) + j + 1) * channels(); }
  void pad(const S* picture, S* padded) const {
    std::fill_n(padded, padded_size(), static_cast<S>(options_.outside));
    const Index row = width() * channels();
    for (Index i = 0; i < height(); ++i) std::copy_n(picture + i * row, row, padded + padded_place(i, 0));
  }

  /// Where the pixels of a frame come from: pixel (i, j) from the four around a point behind (i + row, j + column).
  struct View {
    Index row = 0, column = 0;
    S below = S(0), beside = S(0);  ///< how far behind, in [0, 1)
    std::array<S, 4> weight = {};   ///< of the pixel there, the one beside it, the one below, and the one below beside
    bool finite = false;
  };
  View view_of(const S* place) const {
    View view;
    view.finite = is_finite(place[0]) && is_finite(place[1]);
    if (!view.finite) return view.row = height(), view;
    const auto split = [this](S at, Index extent, S& rest) {
      // Beyond the extent nothing is seen, however far.
      const S most = static_cast<S>(extent + 1);
      const S from = std::clamp(-static_cast<S>(options_.reach) * at, -most, most), whole = std::floor(from);
      rest = from - whole;
      return static_cast<Index>(whole);
    };
    view.row = split(place[0], height(), view.below);
    view.column = split(place[1], width(), view.beside);
    const S above = S(1) - view.below, before = S(1) - view.beside;
    view.weight = {above * before, above * view.beside, view.below * before, view.below * view.beside};
    return view;
  }

  /// Calls body(above, below, at, count) for the part of each row of a frame in which something of the picture is seen:
  /// `count` numbers of the frame from `at` on, and where in the padded picture the rows begin that they come from.
  template <class Body>
  void for_each_row(const View& view, const Body& body) const {
    const Index first = std::max<Index>(0, -1 - view.column), last = std::min(width(), width() - view.column);
    if (first >= last) return;
    for (Index i = std::max<Index>(0, -1 - view.row); i < std::min(height(), height() - view.row); ++i) {
      const Index above = padded_place(i + view.row, first + view.column);
      body(above, above + (width() + 2) * channels(), (i * width() + first) * channels(), (last - first) * channels());
    }
  }

  TranslateOptions options_;
};

RIVAL_INSTANTIATE_CLASS(Translate);

}  // namespace rival

#pragma once
// ConcatSkip: two branches from one input, side by side on the channels.

#include <algorithm>
#include <memory>
#include <string_view>

#include "rival/layers/residual.hpp"
#include "rival/layers/size2.hpp"

namespace rival {

/// y = [skip(x), main(x)] on the last axis, where a skip branch that is left away is the identity: the connection
/// across a U-Net (Ronneberger, Fischer and Brox, 2015). {H, W, A} and {H, W, B} become {H, W, A + B}.
template <class S = float>
class ConcatSkip : public internal::Branches<S> {
 public:
  /// The two branches; without layers `skip` is the identity.
  explicit ConcatSkip(Sequential<S> main, Sequential<S> skip = {})
      : internal::Branches<S>(std::move(main), std::move(skip)) {}

  std::string_view kind() const override { return "concat_skip"; }
  std::string_view short_name() const override { return "concat"; }
  Description describe() const override { return this->describe_branches(rival::describe("concat_skip", NoOptions{})); }

  /// Throws Error unless the branches' outputs differ in nothing but their channels.
  Shape output_shape(const Shape& input) const override {
    const Shape main = this->main().output_shape(input), skip = this->skip().output_shape(input);
    require(main.rank() > 0 && main.rank() == skip.rank() && main.with(main.rank() - 1, skip.back()) == skip, *this,
            ": expected branches that differ in their channels alone, got ", main, " from the main one and ", skip,
            " from the skip");
    return main.with(main.rank() - 1, internal::grown(*this, skip.back(), 1, main.back()));
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ConcatSkip>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  using typename internal::Branches<S>::Pair;
  /// y = [skip, main], row by row.
  void join(const Tensor<S>& main, const Tensor<S>& skip, Tensor<S>& y, S, const S*) const override {
    const Index a = skip.cols(), b = main.cols();
    for_each_row(y, [&](Index row) {
      S* out = y.data() + row * (a + b);
      std::copy_n(skip.data() + row * a, a, out);
      std::copy_n(main.data() + row * b, b, out + a);
    });
  }
  /// The parts of dy that belong to `main` and to `skip`, each copied to the trace.
  Pair split(Trace<S>& trace, const Tensor<S>& dy, std::size_t place) const override {
    const Index a = this->skip().output_shape(trace.input->shape().sample()).back(), b = dy.cols() - a;
    Tensor<S>& main = trace.save(place, dy.shape().with(dy.rank() - 1, b));
    Tensor<S>& skip = trace.save(place + 1, dy.shape().with(dy.rank() - 1, a));
    for_each_row(dy, [&](Index row) {
      const S* in = dy.data() + row * (a + b);
      std::copy_n(in, a, skip.data() + row * a);
      std::copy_n(in + a, b, main.data() + row * b);
    });
    return {&main, &skip};
  }

 private:
  template <class Body>
  static void for_each_row(const Tensor<S>& whole, const Body& body) {
    parallel_blocks(whole.rows(), 256, static_cast<double>(whole.size()), [&](Index begin, Index end) {
      for (Index row = begin; row < end; ++row) body(row);
    });
  }
};

RIVAL_INSTANTIATE_CLASS(ConcatSkip);

}  // namespace rival

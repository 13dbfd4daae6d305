#pragma once
// The three passes of a convolution. A transposed convolution uses the same three with the first two exchanged, and a
// dense layer is the case of one tap and one pixel.

#include <type_traits>
#include <vector>

#include "rival/core/workspace.hpp"
#include "rival/kernels/convolution/few_channels.hpp"
#include "rival/kernels/convolution/few_pixels.hpp"
#include "rival/kernels/convolution/weight_gradient.hpp"
#include "rival/kernels/tile/tile_pass.hpp"
#include "rival/kernels/winograd/winograd.hpp"

namespace rival::kernels {

namespace internal {

enum class Pass { output, input_gradient };

/// Both passes in one, directly: packs the weights, cuts the destination into regions and runs their tiles.
template <class S>
void direct_pass(const ConvGeometry& g, Pass pass, const S* source, const S* w, S* destination,
                 const Epilogue<S>& epilogue) {
  thread_local std::vector<Segment> rows, columns;
  const bool output = pass == Pass::output;
  PassSides sides;
  sides.batch = g.batch;
  sides.kernel_h = g.kernel_h;
  sides.kernel_w = g.kernel_w;
  sides.rows = &rows;
  sides.columns = &columns;
  if (output) {
    output_segments(g.in_h, g.out_h, g.kernel_h, g.stride_h, g.pad_h, rows);
    output_segments(g.in_w, g.out_w, g.kernel_w, g.stride_w, g.pad_w, columns);
    sides.source_h = g.in_h, sides.source_w = g.in_w, sides.source_c = g.in_c;
    sides.destination_h = g.out_h, sides.destination_w = g.out_w, sides.destination_c = g.out_c;
  } else {
    input_gradient_segments(g.in_h, g.out_h, g.kernel_h, g.stride_h, g.pad_h, rows);
    input_gradient_segments(g.in_w, g.out_w, g.kernel_w, g.stride_w, g.pad_w, columns);
    sides.source_h = g.out_h, sides.source_w = g.out_w, sides.source_c = g.out_c;
    sides.destination_h = g.in_h, sides.destination_w = g.in_w, sides.destination_c = g.in_c;
  }
  const ColumnBlocks<S> blocks{sides.destination_c};
  S* packed = scratch<S>(Scratch::packed_weights, blocks.packed_size(g.taps() * sides.source_c));
  pack(w, output == g.out_major, g.taps(), sides.source_c, sides.destination_c, packed);
  tile_pass(sides, source, packed, destination, epilogue);
}

/// Both passes in one: by Winograd's algorithm where it pays. In double, of which one expects the last digits, it is
/// not used.
template <class S>
void conv_pass(const ConvGeometry& g, Pass pass, const S* source, const S* w, S* destination,
               const Epilogue<S>& epilogue) {
  parallel_scope(g.flops() / 16, [&] {
    if constexpr (std::is_same_v<S, float>)
      if (winograd_pass(g, pass == Pass::output, source, w, destination, epilogue)) return;
    direct_pass(g, pass, source, w, destination, epilogue);
  });
}

/// Destinations of so few channels would leave most of a packet idle.
template <class S>
bool is_few(Index channels) {
  return channels * 4 <= packet_size<S>;
}

}  // namespace internal

/// y = epilogue(x convolved with w): y[out, b] = sum over taps and channels a of x[in, a] * w[tap, a, b].
template <class S>
void conv_output(const ConvGeometry& g, const S* x, const S* w, S* y, const Epilogue<S>& epilogue = {}) {
  if (internal::is_few<S>(g.out_c) && g.in_c * g.kernel_w >= packet_size<S>)
    internal::conv_output_few(g, x, w, y, epilogue);
  else if (!g.out_major && internal::reads_in_place<S>(g, g.out_c))
    internal::conv_few_pixels(g, true, x, w, y, epilogue);
  else if (g.is_product())
    matrix_product(g.batch * g.out_pixels(), g.in_c, g.out_c, x, w, g.out_major, y, epilogue);
  else
    internal::conv_pass(g, internal::Pass::output, x, w, y, epilogue);
}

/// dx = epilogue(gradient of the output pass with respect to x): dx[in, a] = sum over taps and channels b of
/// dy[out, b] * w[tap, a, b].
template <class S>
void conv_input_gradient(const ConvGeometry& g, const S* dy, const S* w, S* dx, const Epilogue<S>& epilogue = {}) {
  if (internal::is_few<S>(g.in_c) && g.taps() > 1)
    internal::conv_input_gradient_few(g, dy, w, dx, epilogue);
  else if (g.out_major && internal::reads_in_place<S>(g, g.in_c))
    internal::conv_few_pixels(g, false, dy, w, dx, epilogue);
  else if (g.is_product())
    matrix_product(g.batch * g.out_pixels(), g.out_c, g.in_c, dy, w, !g.out_major, dx, epilogue);
  else
    internal::conv_pass(g, internal::Pass::input_gradient, dy, w, dx, epilogue);
}

RIVAL_INSTANTIATE_FUNCTION(conv_output);
RIVAL_INSTANTIATE_FUNCTION(conv_input_gradient);

}  // namespace rival::kernels

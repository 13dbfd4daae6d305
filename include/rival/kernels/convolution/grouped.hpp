#pragma once
// The three passes of a grouped convolution: the channels are cut into groups, and each group of the out side sees the
// same group of the in side only. Weights are stored [kernel_h, kernel_w, in_c / groups, out_c]; the geometry's
// `out_major` is not used.

#include <algorithm>
#include <vector>

#include "rival/core/workspace.hpp"
#include "rival/kernels/convolution/convolution.hpp"

namespace rival::kernels {

namespace internal {

/// The sides of an output pass or an input gradient, for groups of fewer channels than a packet's: the packets run
/// across the groups. Destination channel c is a sum over the taps and the `depth` source channels of its group.
struct AcrossGroups {
  Index batch;
  Index source_h, source_w, source_c;
  Index destination_h, destination_w, channels;
  Index depth;  ///< source channels of a group
  Index width;  ///< destination channels of a group
  Index kernel_w;
  const std::vector<Segment>* rows;
  const std::vector<Segment>* columns;

  /// Otherwise a depthwise convolution, whose sources lie as the packets want them.
  bool spreads() const { return depth > 1 || width > 1; }
};

/// For each of `channels` the first of the `depth` channels of the other side that its group of `width` sees. The list
/// is the thread's, good until its next call.
inline const Index* first_seen(Index depth, Index width, Index channels) {
  thread_local std::vector<Index> list;
  list.resize(static_cast<std::size_t>(channels));
  for (Index c = 0; c < channels; ++c) list[static_cast<std::size_t>(c)] = c / width * depth;
  return list.data();
}

/// to[x, k, c] = from[x, first[c] + k]: for each of `channels` the `depth` channels of the other side that it sees.
template <class S>
void spread_channels(Index pixels, Index depth, Index channels, const Index* first, const S* from, Index from_channels,
                     S* to) {
  for (Index x = 0; x < pixels; ++x, from += from_channels)
    for (Index k = 0; k < depth; ++k, to += channels)
      for (Index c = 0; c < channels; ++c) to[c] = from[first[c] + k];
}

/// sums[c] += sum over i < count of left[i * left_step + c] * right[i * right_step + c]
template <class S>
void add_channel_products(Index channels, Index count, const S* left, Index left_step, const S* right, Index right_step,
                          S* sums) {
  constexpr Index size = packet_size<S>;
  Index c = 0;
  for (; c + size <= channels; c += size) {
    Packet<S> sum = load(sums + c);
    for (Index i = 0; i < count; ++i)
      sum = multiply_add<S>(load(left + i * left_step + c), load(right + i * right_step + c), sum);
    store(sums + c, sum);
  }
  for (; c < channels; ++c)
    for (Index i = 0; i < count; ++i) sums[c] += left[i * left_step + c] * right[i * right_step + c];
}

/// row[x, c] = epilogue(row[x, c]) for a row that begins at `row` in the destination.
template <class S>
void finish_row(Index pixels, Index channels, Index row, S* destination, const Epilogue<S>& epilogue) {
  constexpr Index size = packet_size<S>;
  for (Index c = 0; c < channels; c += size) {
    const Index left = channels - c;
    const auto read = [&](const S* from) { return left >= size ? load(from) : load_part(from, left); };
    const Packet<S> scale = epilogue.scale ? read(epilogue.scale + c) : broadcast(S(1));
    const Packet<S> bias = epilogue.bias ? read(epilogue.bias + c) : broadcast(S(0));
    for (Index x = 0; x < pixels; ++x) {
      const Index to = row + x * channels + c;
      const Packet<S> y =
          finish<S>(read(destination + to), scale, bias, epilogue, [&] { return read(epilogue.gate + to); });
      if (left >= size)
        store(destination + to, y);
      else
        store_part(destination + to, y, left);
    }
  }
}

/// A task makes a row of the destination; `w` is {taps, depth, channels}.
template <class S>
void across_groups_pass(const AcrossGroups& p, const S* source, const S* w, S* destination, const Epilogue<S>& epilogue,
                        double work) {
  const Index pixel = p.depth * p.channels;
  const TaskScratch<S> memory(p.spreads() ? p.source_w * pixel : 0);
  const Index* seen = first_seen(p.depth, p.width, p.channels);
  parallel_for(p.batch * p.destination_h, work, [&](Index task, Index worker) {
    const Index n = task / p.destination_h, y = task % p.destination_h, row = task * p.destination_w * p.channels;
    std::fill_n(destination + row, p.destination_w * p.channels, S(0));
    for (const Segment& rows : *p.rows) {
      const Index step = (y - rows.first) / rows.step;
      if (y < rows.first || (y - rows.first) % rows.step != 0 || step >= rows.count) continue;
      for (Index i = 0; i < rows.taps; ++i) {
        const Index source_y = rows.source_first + step * rows.source_step + i * rows.source_tap_step;
        const S* from = source + (n * p.source_h + source_y) * p.source_w * p.source_c;
        if (p.spreads()) {
          spread_channels(p.source_w, p.depth, p.channels, seen, from, p.source_c, memory.of(worker));
          from = memory.of(worker);
        }
        const S* taps = w + (rows.tap_first + i * rows.tap_step) * p.kernel_w * pixel;
        for (const Segment& columns : *p.columns)
          for (Index x = 0; x < columns.count; ++x)
            for (Index k = 0; k < p.depth; ++k)
              add_channel_products(p.channels, columns.taps,
                                   from + (columns.source_first + x * columns.source_step) * pixel + k * p.channels,
                                   columns.source_tap_step * pixel, taps + columns.tap_first * pixel + k * p.channels,
                                   columns.tap_step * pixel,
                                   destination + row + (columns.first + x * columns.step) * p.channels);
      }
    }
    finish_row(p.destination_w, p.channels, row, destination, epilogue);
  });
}

/// Sums over parts of the rows, which are then added in their order.
template <class S>
void across_groups_weight_gradient(const ConvGeometry& g, Index groups, const S* x, const S* dy, S* dw) {
  const Index depth = g.in_c / groups, width = g.out_c / groups, pixel = depth * g.out_c, size = g.taps() * pixel;
  const bool spreads = depth > 1 || width > 1;
  const Index rows = g.batch * g.out_h, parts = std::min<Index>(rows, 16);
  S* sums = scratch<S>(Scratch::partial_sums, parts * size);
  const TaskScratch<S> memory(spreads ? g.in_w * pixel : 0);
  const Index* seen = first_seen(depth, width, g.out_c);
  parallel_for(parts, g.flops() / static_cast<double>(groups) / 4, [&](Index part, Index worker) {
    std::fill_n(sums + part * size, size, S(0));
    for (Index row = part_begin(rows, parts, part); row < part_begin(rows, parts, part + 1); ++row)
      for (Index tap_y = 0; tap_y < g.kernel_h; ++tap_y) {
        const Index in_y = row % g.out_h * g.stride_h - g.pad_h + tap_y;
        if (in_y < 0 || in_y >= g.in_h) continue;
        const S* from = x + (row / g.out_h * g.in_h + in_y) * g.in_w * g.in_c;
        if (spreads) {
          spread_channels(g.in_w, depth, g.out_c, seen, from, g.in_c, memory.of(worker));
          from = memory.of(worker);
        }
        for (Index tap_x = 0; tap_x < g.kernel_w; ++tap_x) {
          const auto [first, last] = valid_range(g.in_w, g.out_w, g.stride_w, g.pad_w, tap_x);
          if (first == last) continue;
          const Index in_x = first * g.stride_w - g.pad_w + tap_x;
          for (Index k = 0; k < depth; ++k)
            add_channel_products(g.out_c, last - first, from + in_x * pixel + k * g.out_c, g.stride_w * pixel,
                                 dy + (row * g.out_w + first) * g.out_c, g.out_c,
                                 sums + part * size + (tap_y * g.kernel_w + tap_x) * pixel + k * g.out_c);
        }
      }
  });
  for (Index part = 0; part < parts; ++part)
    for (Index i = 0; i < size; ++i) dw[i] += sums[part * size + i];
}

/// Whether packets run across the groups; the operands of wider groups are copied out, for the passes of whole
/// convolutions.
template <class S>
bool goes_across_groups(const ConvGeometry& g, Index groups) {
  return std::max(g.in_c, g.out_c) / groups < packet_size<S>;
}

/// to[row, i] = from[row, first + i] for `count` of `channels` channels.
template <class S>
void gather_group(Index rows, Index channels, Index first, Index count, const S* from, S* to) {
  parallel_blocks(rows, 256, static_cast<double>(rows * count) / 4, [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) copy_short(from + r * channels + first, count, to + r * count);
  });
}
template <class S>
void scatter_group(Index rows, Index channels, Index first, Index count, const S* from, S* to) {
  parallel_blocks(rows, 256, static_cast<double>(rows * count) / 4, [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) copy_short(from + r * count, count, to + r * channels + first);
  });
}

/// Copies of one group's operands.
template <class S>
struct GroupCopies {
  ConvGeometry geometry;  ///< of one group
  Index in_rows, out_rows, w_rows;
  S *in, *out, *w, *gate;

  GroupCopies(const ConvGeometry& g, Index groups, bool in_gate, bool out_gate)
      : geometry(g),
        in_rows(g.batch * g.in_pixels()),
        out_rows(g.batch * g.out_pixels()),
        w_rows(g.taps() * g.in_c / groups) {
    geometry.in_c /= groups;
    geometry.out_c /= groups;
    const Index in_size = in_rows * geometry.in_c, out_size = out_rows * geometry.out_c,
                w_size = w_rows * geometry.out_c;
    in = scratch<S>(Scratch::group, in_size + out_size + w_size + (in_gate ? in_size : out_gate ? out_size : 0));
    out = in + in_size;
    w = out + out_size;
    gate = w + w_size;
  }
};

/// The epilogue of a group's destination, whose channels begin at `first`; its gate is copied to `gate`.
template <class S>
Epilogue<S> group_epilogue(const Epilogue<S>& whole, Index rows, Index channels, Index first, Index count, S* gate) {
  Epilogue<S> part = whole;
  if (whole.bias) part.bias = whole.bias + first;
  if (whole.scale) part.scale = whole.scale + first;
  if (whole.gate) {
    gather_group(rows, channels, first, count, whole.gate, gate);
    part.gate = gate;
  }
  return part;
}

}  // namespace internal

/// y = epilogue(x convolved with w, group by group): y[out, b] = sum over taps and channels k of
/// x[in, b / (out_c / groups) * (in_c / groups) + k] * w[tap, k, b].
template <class S>
void grouped_output(const ConvGeometry& g, Index groups, const S* x, const S* w, S* y,
                    const Epilogue<S>& epilogue = {}) {
  const double work = g.flops() / static_cast<double>(groups);
  parallel_scope(work / 16, [&] {
    if (internal::goes_across_groups<S>(g, groups)) {
      thread_local std::vector<Segment> rows, columns;
      output_segments(g.in_h, g.out_h, g.kernel_h, g.stride_h, g.pad_h, rows);
      output_segments(g.in_w, g.out_w, g.kernel_w, g.stride_w, g.pad_w, columns);
      const internal::AcrossGroups pass{g.batch, g.in_h,          g.in_w,           g.in_c,     g.out_h, g.out_w,
                                        g.out_c, g.in_c / groups, g.out_c / groups, g.kernel_w, &rows,   &columns};
      return internal::across_groups_pass(pass, x, w, y, epilogue, work / 4);
    }
    const internal::GroupCopies<S> copy(g, groups, false, epilogue.gate != nullptr);
    const Index in = copy.geometry.in_c, out = copy.geometry.out_c;
    for (Index group = 0; group < groups; ++group) {
      internal::gather_group(copy.in_rows, g.in_c, group * in, in, x, copy.in);
      internal::gather_group(copy.w_rows, g.out_c, group * out, out, w, copy.w);
      conv_output(copy.geometry, copy.in, copy.w, copy.out,
                  internal::group_epilogue(epilogue, copy.out_rows, g.out_c, group * out, out, copy.gate));
      internal::scatter_group(copy.out_rows, g.out_c, group * out, out, copy.out, y);
    }
  });
}

/// dx = epilogue(gradient of the output pass with respect to x).
template <class S>
void grouped_input_gradient(const ConvGeometry& g, Index groups, const S* dy, const S* w, S* dx,
                            const Epilogue<S>& epilogue = {}) {
  const double work = g.flops() / static_cast<double>(groups);
  parallel_scope(work / 16, [&] {
    const Index in = g.in_c / groups, out = g.out_c / groups;
    if (internal::goes_across_groups<S>(g, groups)) {
      thread_local std::vector<Segment> rows, columns;
      input_gradient_segments(g.in_h, g.out_h, g.kernel_h, g.stride_h, g.pad_h, rows);
      input_gradient_segments(g.in_w, g.out_w, g.kernel_w, g.stride_w, g.pad_w, columns);
      const internal::AcrossGroups pass{g.batch, g.out_h, g.out_w, g.out_c,    g.in_h, g.in_w,
                                        g.in_c,  out,     in,      g.kernel_w, &rows,  &columns};
      S* turned = scratch<S>(Scratch::packed_weights, g.taps() * out * g.in_c);  // {taps, out of a group, in_c}
      for (Index tap = 0; tap < g.taps(); ++tap)
        for (Index b = 0; b < g.out_c; ++b)
          for (Index k = 0; k < in; ++k)
            turned[(tap * out + b % out) * g.in_c + b / out * in + k] = w[(tap * in + k) * g.out_c + b];
      return internal::across_groups_pass(pass, dy, turned, dx, epilogue, work / 4);
    }
    const internal::GroupCopies<S> copy(g, groups, epilogue.gate != nullptr, false);
    for (Index group = 0; group < groups; ++group) {
      internal::gather_group(copy.out_rows, g.out_c, group * out, out, dy, copy.out);
      internal::gather_group(copy.w_rows, g.out_c, group * out, out, w, copy.w);
      conv_input_gradient(copy.geometry, copy.out, copy.w, copy.in,
                          internal::group_epilogue(epilogue, copy.in_rows, g.in_c, group * in, in, copy.gate));
      internal::scatter_group(copy.in_rows, g.in_c, group * in, in, copy.in, dx);
    }
  });
}

/// dw[tap, k, b] += sum over pixels of x[in pixel, the k-th channel of b's group] * dy[out pixel, b].
template <class S>
void grouped_weight_gradient(const ConvGeometry& g, Index groups, const S* x, const S* dy, S* dw) {
  parallel_scope(g.flops() / static_cast<double>(groups) / 16, [&] {
    if (internal::goes_across_groups<S>(g, groups))
      return internal::across_groups_weight_gradient(g, groups, x, dy, dw);
    const internal::GroupCopies<S> copy(g, groups, false, false);
    const Index in = copy.geometry.in_c, out = copy.geometry.out_c;
    for (Index group = 0; group < groups; ++group) {
      internal::gather_group(copy.in_rows, g.in_c, group * in, in, x, copy.in);
      internal::gather_group(copy.out_rows, g.out_c, group * out, out, dy, copy.out);
      internal::gather_group(copy.w_rows, g.out_c, group * out, out, dw, copy.w);
      conv_weight_gradient(copy.geometry, copy.in, copy.out, copy.w);
      internal::scatter_group(copy.w_rows, g.out_c, group * out, out, copy.w, dw);
    }
  });
}

RIVAL_INSTANTIATE_FUNCTION(grouped_output);
RIVAL_INSTANTIATE_FUNCTION(grouped_input_gradient);
RIVAL_INSTANTIATE_FUNCTION(grouped_weight_gradient);

}  // namespace rival::kernels

#pragma once
// Weight gradients by Winograd's minimal filtering.

#include <algorithm>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/kernels/tile/output_tile.hpp"
#include "rival/kernels/winograd/tiles.hpp"

namespace rival::kernels {

namespace internal {

/// dw += G^T (sum over tiles of (B^T d B) (A dy A^T)) G: the transposed algorithm. Both sides are transformed, and the
/// sums over tiles, one for each point and pair of channels, are transformed back into the gradients of the taps.
template <class S>
class WinogradGradient {
 public:
  /// `output` as in the plan: whether the out side is the plan's destination.
  WinogradGradient(const ConvGeometry& g, bool output, const FilterPlan& plan)
      : g_(g),
        plan_(plan),
        source_c_(output ? g.in_c : g.out_c),
        destination_c_(output ? g.out_c : g.in_c),
        columns_are_source_(output == g.out_major) {}

  void run(const S* source, const S* destination, S* gradient) {
    gradient_ = gradient;
    for (const TileRun& y : plan_.rows)
      for (const TileRun& x : plan_.columns) {
        region_ = {&y, &x};
        const Index parts = image_parts(g_.batch, region_.tiles(), [&](Index images) {
          images_ = images;
          return points_size() * (source_blocks() + destination_blocks());
        });
        for (Index i = 0; i < parts; ++i) {
          const Index first = part_begin(g_.batch, parts, i);
          images_ = part_begin(g_.batch, parts, i + 1) - first;
          add_images(source + first * plan_.y.source * plan_.x.source * source_c_,
                     destination + first * plan_.y.destination * plan_.x.destination * destination_c_);
        }
      }
  }

 private:
  static constexpr Index size = packet_size<S>, tile_width = tile_packets * size;
  /// Channels side by side in scratch memory: what a transform takes at a time.
  static constexpr Index width = winograd_channels;
  static constexpr Index columns_of_task = std::max<Index>(32, tile_width), column_tasks = width / columns_of_task;
  /// Scalars of a point's products in a task, and of the sums that a task makes of them.
  static constexpr Index tile_size = width * columns_of_task;
  static constexpr Index tap_scalars = WinogradTransform<S>::most_taps * WinogradTransform<S>::most_taps * tile_size;
  static Index blocks(Index channels) { return (channels + width - 1) / width; }
  Index source_blocks() const { return region_.groups() * blocks(source_c_); }
  Index destination_blocks() const { return blocks(destination_c_); }
  Index rows() const { return images_ * region_.tiles(); }
  Index point_step() const { return spread_points<S>(rows() * width); }
  /// The operand whose channels are a tile's columns is stored by tiles' columns, the rows of each side by side, so
  /// that they do not compete with the other operand's for the same lines of the first-level cache.
  Index skip() const { return (rows() - 1) * tile_width; }
  Index points_size() const { return region_.points() * point_step(); }

  void add_images(const S* source, const S* destination) {
    const Index sources = source_blocks(), destinations = destination_blocks();
    sources_ = scratch<S>(Scratch::partial_sums, points_size() * (sources + destinations));
    destinations_ = sources_ + points_size() * sources;
    const double points = static_cast<double>(rows() * region_.points());
    parallel_for(rows(), points * static_cast<double>((sources + destinations) * width), [&](Index row) {
      const Index groups_x = region_.x->phase->groups;
      for (Index block = 0; block < sources; ++block) {
        const Index group = block / blocks(source_c_), first = block % blocks(source_c_) * width;
        transform_source_tile(plan_, region_, row, group / groups_x, group % groups_x, source, source_c_, first,
                              std::min(width, source_c_ - first),
                              sources_ + block * points_size() + row * (columns_are_source_ ? tile_width : width),
                              point_step(), columns_are_source_ ? skip() : 0);
      }
      const DestinationTile tile(plan_, region_, row, destination_c_);
      for (Index block = 0; block < destinations; ++block) {
        S* to = destinations_ + block * points_size() + row * (columns_are_source_ ? width : tile_width);
        transform_tile(
            region_.y->transform<S>().gradient, region_.x->transform<S>().gradient,
            std::min(width, destination_c_ - block * width),
            [&](int i, int j) { return destination + tile.first + i * tile.down + j * tile.across + block * width; },
            [&](int p) { return to + p * region_.x->points() * point_step(); }, point_step(),
            columns_are_source_ ? 0 : skip());
      }
    });
    const TaskScratch<S> memory(region_.points() * tile_size + tap_scalars);
    parallel_for(sources * destinations * column_tasks,
                 points * static_cast<double>(sources * destinations * width * width) / 8,
                 [&](Index task, Index worker) {
                   add_channels(task / column_tasks / destinations, task / column_tasks % destinations,
                                task % column_tasks, memory.of(worker));
                 });
  }

  /// A block of channels of one side by `columns_of_task` of the other: the products of all points, which stay in the
  /// second-level cache, and from them the gradients of the taps. A point's operands stay in the first-level cache
  /// while all tiles read them.
  void add_channels(Index source_block, Index destination_block, Index column_task, S* memory) const {
    const Index group = source_block / blocks(source_c_), first_source = source_block % blocks(source_c_) * width;
    const Index a = group / region_.x->phase->groups, b = group % region_.x->phase->groups;
    const S* sources = sources_ + source_block * points_size();
    const S* destinations = destinations_ + destination_block * points_size();
    const Index first_destination = destination_block * width;
    const S* left = columns_are_source_ ? destinations : sources;
    const S* right = (columns_are_source_ ? sources : destinations) + column_task * columns_of_task * rows();
    const Index left_first = columns_are_source_ ? first_destination : first_source;
    const Index right_first = (columns_are_source_ ? first_source : first_destination) + column_task * columns_of_task;
    const Index left_c = columns_are_source_ ? destination_c_ : source_c_;
    const Index right_c = columns_are_source_ ? source_c_ : destination_c_;
    const Index count = std::min(width, left_c - left_first),
                columns = std::min(columns_of_task, right_c - right_first);
    if (columns <= 0) return;
    const Index points_x = region_.x->points();
    const auto has_product = [&](Index p, Index q) {
      return a < region_.y->groups_at(p) && b < region_.x->groups_at(q);
    };
    for (Index p = 0; p < region_.y->points(); ++p)
      for (Index q = 0; q < points_x; ++q) {
        const Index point = p * points_x + q;
        if (has_product(p, q))
          multiply(left + point * point_step(), count, right + point * point_step(), columns,
                   memory + point * tile_size);
      }

    const FilterPhase &y = *region_.y->phase, &x = *region_.x->phase;
    S* sums = memory + region_.points() * tile_size;
    transform_tile(
        region_.y->transform<S>().taps_gradient, region_.x->transform<S>().taps_gradient, count * columns_of_task,
        [&](int p, int q) { return has_product(p, q) ? memory + (p * points_x + q) * tile_size : nullptr; },
        [&](int i) { return sums + i * x.taps() * tile_size; }, tile_size);
    const TapGroup &down = y.group[static_cast<std::size_t>(a)], &across = x.group[static_cast<std::size_t>(b)];
    for (Index i = 0; i < down.taps; ++i)
      for (Index j = 0; j < across.taps; ++j) {
        const Index tap = (down.tap_first + y.tap_step * i) * g_.kernel_w + across.tap_first + x.tap_step * j;
        const S* from = sums + (i * x.taps() + j) * tile_size;
        S* gradient = gradient_ + (tap * left_c + left_first) * right_c + right_first;
        for (Index r = 0; r < count; ++r, from += columns_of_task, gradient += right_c) {
          Index c = 0;
          for (; c + size <= columns; c += size) store(gradient + c, add<S>(load(gradient + c), load(from + c)));
          for (; c < columns; ++c) gradient[c] += from[c];
        }
      }
  }

  /// products[i, j] = sum over the tiles k of left[k, i] * right[k, j]: one point's.
  void multiply(const S* left, Index count, const S* right, Index columns, S* products) const {
    const S* lefts[tile_rows];
    Index to[tile_rows];
    for (Index column = 0; column < columns; column += tile_width) {
      const auto packets = static_cast<int>((std::min(tile_width, columns - column) + size - 1) / size);
      const OutputTile<S> job{lefts,
                              right + column * rows(),
                              {{1, 1, rows()}, {0, 0, width}, {0, 0, tile_width}},
                              products,
                              to,
                              column,
                              tile_width,
                              {}};
      for_each_tile(count, [&](Index row, int height) {
        for (int r = 0; r < height; ++r) {
          lefts[r] = left + row + r;
          to[r] = (row + r) * columns_of_task;
        }
        output_tile(height, packets, job);
      });
    }
  }

  const ConvGeometry& g_;
  const FilterPlan& plan_;
  Index source_c_, destination_c_;
  bool columns_are_source_;
  TileRegion region_{};
  Index images_ = 0;
  S *sources_ = nullptr, *destinations_ = nullptr, *gradient_ = nullptr;
};

}  // namespace internal

/// dw += weight gradient, if Winograd's algorithm suits the shapes; else it does nothing and returns false.
template <class S>
bool winograd_weight_gradient(const ConvGeometry& g, const S* x, const S* dy, S* dw) {
  thread_local internal::FilterPlan output, input;
  // Either side can be cut into the tiles: the cheaper one.
  const bool by_output = output.make(g, true, true), by_input = input.make(g, false, true);
  const double output_gain = by_output ? internal::gradient_gain(output, g.batch, g.in_c, g.out_c) : 0;
  const double input_gain = by_input ? internal::gradient_gain(input, g.batch, g.out_c, g.in_c) : 0;
  if (std::max(output_gain, input_gain) < internal::winograd_least_gain) return false;
  if (output_gain >= input_gain)
    internal::WinogradGradient<S>(g, true, output).run(x, dy, dw);
  else
    internal::WinogradGradient<S>(g, false, input).run(dy, x, dw);
  return true;
}

}  // namespace rival::kernels

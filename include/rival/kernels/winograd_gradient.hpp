#pragma once
// Weight gradients by Winograd's minimal filtering.

#include <algorithm>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/kernels/gradient_tile.hpp"
#include "rival/kernels/winograd_taps.hpp"
#include "rival/kernels/winograd_tiles.hpp"

namespace rival::kernels {

namespace internal {

/// dw += G^T (sum over tiles of (B^T d B) (A dy A^T)) G: the transposed algorithm. Both sides are transformed; the sums over
/// tiles, one for each point and pair of channels, stay in registers and go straight into the gradients of the taps.
template <class S>
class WinogradGradient {
 public:
  /// `output` as in the plan: whether the out side is the plan's destination.
  WinogradGradient(const ConvGeometry& g, bool output, const FilterPlan& plan)
      : g_(g), plan_(plan), source_c_(output ? g.in_c : g.out_c), destination_c_(output ? g.out_c : g.in_c),
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
  static constexpr Index row_tiles = (width + tile_rows - 1) / tile_rows, column_tiles = width / tile_width;
  static Index blocks(Index channels) { return (channels + width - 1) / width; }
  Index source_blocks() const { return region_.groups() * blocks(source_c_); }
  Index destination_blocks() const { return blocks(destination_c_); }
  Index rows() const { return images_ * region_.tiles(); }
  Index point_step() const { return spread_points<S>(rows() * width); }
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
                              std::min(width, source_c_ - first), sources_ + block * points_size() + row * width,
                              point_step());
      }
      const DestinationTile tile(plan_, region_, row, destination_c_);
      for (Index block = 0; block < destinations; ++block) {
        S* to = destinations_ + block * points_size() + row * width;
        transform_tile(
            winograd_transform<S>(region_.y->outputs, region_.y->phase->taps()).gradient,
            winograd_transform<S>(region_.x->outputs, region_.x->phase->taps()).gradient,
            std::min(width, destination_c_ - block * width),
            [&](int i, int j) { return destination + tile.first + i * tile.down + j * tile.across + block * width; },
            [&](int p) { return to + p * region_.x->points() * point_step(); }, point_step());
      }
    });
    constexpr Index tiles = row_tiles * column_tiles;
    parallel_for(sources * destinations * tiles,
                 points * static_cast<double>(sources * destinations * width * width) / 8,
                 [&](Index task) { add_tile(task / tiles / destinations, task / tiles % destinations, task % tiles); });
  }

  /// One register tile's channels: over all points, and into the gradients of its groups' taps.
  void add_tile(Index source_block, Index destination_block, Index tile) const {
    const Index group = source_block / blocks(source_c_), first_source = source_block % blocks(source_c_) * width;
    const Index a = group / region_.x->phase->groups, b = group % region_.x->phase->groups;
    const S* sources = sources_ + source_block * points_size();
    const S* destinations = destinations_ + destination_block * points_size();
    const Index first_destination = destination_block * width;
    const S *left = columns_are_source_ ? destinations : sources, *right = columns_are_source_ ? sources : destinations;
    const Index left_first = columns_are_source_ ? first_destination : first_source;
    const Index right_first = columns_are_source_ ? first_source : first_destination;
    const Index left_c = columns_are_source_ ? destination_c_ : source_c_;
    const Index right_c = columns_are_source_ ? source_c_ : destination_c_;

    const Index left_here = std::min(width, left_c - left_first);
    const Index tiles_here = (left_here + tile_rows - 1) / tile_rows;
    if (tile % row_tiles >= tiles_here) return;
    const Index row = part_begin(left_here, tiles_here, tile % row_tiles);
    const auto height = static_cast<int>(part_begin(left_here, tiles_here, tile % row_tiles + 1) - row);
    const Index column = tile / row_tiles * tile_width, columns = std::min(tile_width, right_c - right_first - column);
    if (columns <= 0) return;
    const auto packets = static_cast<int>((columns + size - 1) / size);

    constexpr std::size_t tile_size = tile_rows * tile_packets * size;
    alignas(64) S sums[TapSum<S>::most * tile_size];
    std::fill(sums, sums + TapSum<S>::most * tile_size, S(0));
    const SumLoops loops{{1, 1, rows()}, {0, 0, width}, {0, 0, width}};
    for (Index p = 0; p < region_.y->points(); ++p)
      for (Index q = 0; q < region_.x->points(); ++q) {
        if (a >= region_.y->groups_at(p) || b >= region_.x->groups_at(q)) continue;
        const Index point = (p * region_.x->points() + q) * point_step();
        const S* lefts[tile_rows];
        for (int r = 0; r < height; ++r) lefts[r] = left + point + row + r;
        Tile<S> product;
        multiply_tile(height, packets, lefts, right + point + column, size, loops, product);
        const TapSum<S> taps(region_, g_.kernel_w, a, b, p, q);
        for (std::size_t k = 0; k < static_cast<std::size_t>(taps.terms); ++k) {
          S* to = sums + static_cast<std::size_t>(taps.place[k]) * tile_size;
          const Packet<S> factor = broadcast(taps.factor[k]);
          for (int r = 0; r < height; ++r)
            for (int c = 0; c < packets; ++c) {
              S* at = to + (r * tile_packets + c) * size;
              store(at, multiply_add<S>(factor, product.packet(r, c), load(at)));
            }
        }
      }

    const FilterPhase &y = *region_.y->phase, &x = *region_.x->phase;
    const TapGroup &down = y.group[static_cast<std::size_t>(a)], &across = x.group[static_cast<std::size_t>(b)];
    for (Index i = 0; i < down.taps; ++i)
      for (Index j = 0; j < across.taps; ++j) {
        const Index tap = (down.tap_first + y.tap_step * i) * g_.kernel_w + across.tap_first + x.tap_step * j;
        const S* from = sums + static_cast<std::size_t>(i * WinogradTransform<S>::most_taps + j) * tile_size;
        S* to = gradient_ + (tap * left_c + left_first + row) * right_c + right_first + column;
        for (int r = 0; r < height; ++r, from += tile_packets * size, to += right_c) {
          Index c = 0;
          for (; c + size <= columns; c += size) store(to + c, add<S>(load(to + c), load(from + c)));
          for (; c < columns; ++c) to[c] += from[c];
        }
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
  const bool by_output = output.make(g, true), by_input = input.make(g, false);
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

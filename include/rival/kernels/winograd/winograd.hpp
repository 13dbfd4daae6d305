#pragma once
// Output passes and input gradients by Winograd's minimal filtering.

#include <algorithm>
#include <vector>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/kernels/tile/output_tile.hpp"
#include "rival/kernels/tile/pack.hpp"
#include "rival/kernels/winograd/taps.hpp"
#include "rival/kernels/winograd/tiles.hpp"

namespace rival::kernels {

namespace internal {

/// The scratch memory of one region: V = B^T d B of the source's tiles, and their products with the weights.
struct WinogradRegion : TileRegion {
  Index source_begin, product_begin;
};

template <class S>
class WinogradPass {
 public:
  WinogradPass(const ConvGeometry& g, bool output, const FilterPlan& plan)
      : g_(g),
        plan_(plan),
        source_c_(output ? g.in_c : g.out_c),
        destination_c_(output ? g.out_c : g.in_c),
        blocks_{destination_c_} {}

  void run(bool transposed, const S* source, const S* w, S* destination, const Epilogue<S>& epilogue) {
    packed_ = scratch<S>(Scratch::packed_weights, blocks_.packed_size(g_.taps() * source_c_));
    pack(w, transposed, g_.taps(), source_c_, destination_c_, packed_);
    Index fewest_tiles = plan_.rows[0].tiles * plan_.columns[0].tiles;
    for (const TileRun& y : plan_.rows)
      for (const TileRun& x : plan_.columns) fewest_tiles = std::min(fewest_tiles, TileRegion{&y, &x}.tiles());
    const Index parts = image_parts(g_.batch, fewest_tiles, [&](Index images) {
      images_ = images;
      Index largest = 0;
      for (const TileRun& y : plan_.rows)
        for (const TileRun& x : plan_.columns) largest = std::max(largest, size_of({&y, &x}));
      return largest;
    });
    for (Index i = 0; i < parts; ++i) {
      const Index first = part_begin(g_.batch, parts, i);
      images_ = part_begin(g_.batch, parts, i + 1) - first;
      source_ = source + first * plan_.y.source * plan_.x.source * source_c_;
      const Index done = first * plan_.y.destination * plan_.x.destination * destination_c_;
      destination_ = destination + done;
      epilogue_ = epilogue;
      if (epilogue.gate) epilogue_.gate += done;
      run_images();
    }
  }

 private:
  static constexpr Index size = packet_size<S>;
  /// Channels of the destination that a task of products takes at the most.
  static constexpr Index columns_of_task = 128;
  static Index padded(Index channels) { return (channels + size - 1) / size * size; }
  /// Scalars from row to row of V: not a multiple of what makes rows compete for the first-level cache.
  Index row_step(const TileRegion& region) const {
    const Index step = region.groups() * padded(source_c_);
    return step * static_cast<Index>(sizeof(S)) % 1024 == 0 ? step + 2 * size : step;
  }
  Index rows(const TileRegion& region) const { return images_ * region.tiles(); }
  Index point_step(const TileRegion& region, Index step) const { return spread_points<S>(rows(region) * step); }
  Index size_of(const TileRegion& region) const {
    return region.points() * (point_step(region, row_step(region)) + point_step(region, padded(destination_c_)));
  }

  /// Some images: the regions in stages that share the scratch memory.
  void run_images() {
    thread_local std::vector<WinogradRegion> regions_of_thread;
    regions_ = &regions_of_thread;
    regions_->clear();
    Index used = 0;
    const auto finish = [&] {
      memory_ = scratch<S>(Scratch::partial_sums, used);
      run_stage();
      regions_->clear();
      used = 0;
    };
    for (const TileRun& y : plan_.rows)
      for (const TileRun& x : plan_.columns) {
        const TileRegion region{&y, &x};
        const Index needed = size_of(region);
        if (used > 0 && used + needed > winograd_memory) finish();
        const Index products = used + region.points() * point_step(region, row_step(region));
        regions_->push_back({region, used, products});
        used += needed;
      }
    finish();
  }

  void run_stage() {
    const double channels = static_cast<double>(source_c_ + destination_c_);
    double points = 0, products = 0;
    for (const auto& region : *regions_) {
      points += static_cast<double>(rows(region) * region.points());
      products += static_cast<double>(rows(region) * region.points() * region.groups());
    }
    for_each([&](const TileRegion& r) { return (rows(r) + 3) / 4; }, points * channels,
             [&](const WinogradRegion& r, Index task, Index) {
               for (Index row = task * 4; row < std::min(rows(r), task * 4 + 4); ++row) transform_source(r, row);
             });
    const TaskScratch<S> panels(points_together * panel_size());
    const Index parts = (destination_c_ + columns_of_task - 1) / columns_of_task;
    for_each([&](const TileRegion& r) { return r.y->points() * steps_x(r) * parts; },
             products * static_cast<double>(source_c_) * static_cast<double>(destination_c_) / 8,
             [&](const WinogradRegion& r, Index task, Index worker) {
               const Index step = task / parts, p = step / steps_x(r), q = step % steps_x(r) * points_together;
               const Index first = part_begin(blocks_.count(), parts, task % parts);
               const Index last = part_begin(blocks_.count(), parts, task % parts + 1);
               const Index together = std::min<Index>(points_together, r.x->points() - q);
               const bool alike = r.x->groups_at(q) == r.x->groups_at(q + together - 1);
               for (Index k = 0; k < together; k += alike ? together : 1)
                 multiply(r, p, q + k, alike ? static_cast<int>(together) : 1, first, last, panels.of(worker));
             });
    for_each([&](const TileRegion& r) { return (rows(r) + 3) / 4; }, points * channels,
             [&](const WinogradRegion& r, Index task, Index) {
               for (Index row = task * 4; row < std::min(rows(r), task * 4 + 4); ++row) transform_destination(r, row);
             });
  }

  /// task(region, i, worker) for each region's i < count(region).
  template <class Count, class Task>
  void for_each(const Count& count, double work, const Task& task) const {
    Index tasks = 0;
    for (const auto& region : *regions_) tasks += count(region);
    parallel_for(tasks, work, [&](Index i, Index worker) {
      auto region = regions_->begin();
      for (; i >= count(*region); ++region) i -= count(*region);
      task(*region, i, worker);
    });
  }

  void transform_source(const WinogradRegion& region, Index row) const {
    const Index groups_x = region.x->phase->groups, step = row_step(region), channels = padded(source_c_);
    for (Index a = 0; a < region.y->phase->groups; ++a)
      for (Index b = 0; b < groups_x; ++b)
        transform_source_tile(plan_, region, row, a, b, source_, source_c_, 0, source_c_,
                              memory_ + region.source_begin + row * step + (a * groups_x + b) * channels,
                              point_step(region, step));
  }

  static Index steps_x(const TileRegion& r) { return (r.x->points() + points_together - 1) / points_together; }
  Index panel_size() const { return FilterPhase::most_groups * FilterPhase::most_groups * source_c_ * blocks_.width; }

  /// The products of points (p, q) to (p, q + points - 1) with blocks [first, last) of columns: block by block, their
  /// weights and then their tiles.
  void multiply(const WinogradRegion& region, Index p, Index q, int points, Index first, Index last, S* panels) const {
    const Index groups_y = region.y->groups_at(p), groups_x = region.x->groups_at(q);
    for (Index block = first; block < last; ++block) {
      const Index width = blocks_.packets_of(block) * size, column = block * blocks_.width;
      for (Index a = 0; a < groups_y; ++a)
        for (Index b = 0; b < groups_x; ++b)
          sum_taps(TapSum<S>(region, g_.kernel_w, a, b, p, q, points, packed_ + column * g_.taps() * source_c_,
                             source_c_ * width),
                   source_c_ * width, panels + (a * groups_x + b) * source_c_ * width, panel_size());
      for (int k = 0; k < points; ++k) multiply_block(region, p, q + k, block, panels + k * panel_size());
    }
  }

  void multiply_block(const WinogradRegion& region, Index p, Index q, Index block, const S* panel) const {
    const Index groups_y = region.y->groups_at(p), groups_x = region.x->groups_at(q), channels = padded(source_c_);
    const Index step = row_step(region);
    const Index point = p * region.x->points() + q, column = block * blocks_.width;
    const int packets = blocks_.packets_of(block);
    const Index width = packets * size;
    const S* left = memory_ + region.source_begin + point * point_step(region, step);
    S* products = memory_ + region.product_begin + point * point_step(region, padded(destination_c_));
    const S* sources[tile_rows];
    Index to[tile_rows];
    SumLoops loops{{groups_y, groups_x, source_c_},
                   {region.x->phase->groups * channels, channels, 1},
                   {groups_x * source_c_ * width, source_c_ * width, width}};
    loops.merge_inner();
    const OutputTile<S> job{sources, panel, loops, products, to, column, padded(destination_c_) - column, {}};
    for_each_tile(rows(region), [&](Index row, int height) {
      for (int r = 0; r < height; ++r) {
        sources[r] = left + (row + r) * step;
        to[r] = (row + r) * padded(destination_c_);
      }
      output_tile(height, packets, job);
    });
  }

  void transform_destination(const WinogradRegion& region, Index row) const {
    const DestinationTile tile(plan_, region, row, destination_c_);
    const Index channels = padded(destination_c_), step = point_step(region, channels);
    const S* from = memory_ + region.product_begin + row * channels;
    transform_tile(
        region.y->transform<S>().destination, region.x->transform<S>().destination, destination_c_,
        [&](int p, int q) { return from + (p * region.x->points() + q) * step; },
        [&](int i) { return destination_ + tile.first + i * tile.down; }, tile.across);
    if (epilogue_.nothing()) return;
    for (Index i = 0; i < region.y->outputs; ++i)
      for (Index j = 0; j < region.x->outputs; ++j) finish(tile.first + i * tile.down + j * tile.across);
  }

  /// The epilogue on one pixel.
  void finish(Index pixel) const {
    const Epilogue<S> epilogue = epilogue_;  // copies: the stores below might change these, for all the compiler knows
    const Index channels = destination_c_;
    S* const to = destination_ + pixel;
    const auto packet = [&](Index c, const auto& read, const auto& write) {
      const Packet<S> scale = epilogue.scale ? read(epilogue.scale + c) : broadcast(S(1));
      const Packet<S> bias = epilogue.bias ? read(epilogue.bias + c) : broadcast(S(0));
      write(to + c,
            kernels::finish<S>(read(to + c), scale, bias, epilogue, [&] { return read(epilogue.gate + pixel + c); }));
    };
    Index c = 0;
    for (; c + size <= channels; c += size)
      packet(
          c, [](const S* from) { return load(from); }, [](S* place, const Packet<S>& y) { store(place, y); });
    const Index left = channels - c;
    if (left > 0)
      packet(
          c, [left](const S* from) { return load_part(from, left); },
          [left](S* place, const Packet<S>& y) { store_part(place, y, left); });
  }

  const ConvGeometry& g_;
  const FilterPlan& plan_;
  Index source_c_, destination_c_;
  ColumnBlocks<S> blocks_;
  Index images_ = 0;
  S* packed_ = nullptr;
  S* memory_ = nullptr;
  const S* source_ = nullptr;
  S* destination_ = nullptr;
  Epilogue<S> epilogue_;
  std::vector<WinogradRegion>* regions_ = nullptr;
};

}  // namespace internal

/// destination = epilogue(output pass or input gradient of `source`), if Winograd's algorithm suits the shapes; else it
/// does nothing and returns false. A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, 2016.
template <class S>
bool winograd_pass(const ConvGeometry& g, bool output, const S* source, const S* w, S* destination,
                   const Epilogue<S>& epilogue) {
  thread_local internal::FilterPlan plan;
  const Index source_c = output ? g.in_c : g.out_c, destination_c = output ? g.out_c : g.in_c;
  if (!plan.make(g, output) ||
      internal::pass_gain(plan, g.batch, source_c, destination_c) < internal::winograd_least_gain)
    return false;
  internal::WinogradPass<S>(g, output, plan).run(output == g.out_major, source, w, destination, epilogue);
  return true;
}

}  // namespace rival::kernels

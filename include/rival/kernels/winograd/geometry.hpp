#pragma once
// How Winograd's algorithm sees a pass: axis by axis as filters of few taps over evenly spaced positions, in tiles.

#include <algorithm>
#include <array>
#include <vector>

#include "rival/core/parallel.hpp"
#include "rival/kernels/convolution/geometry.hpp"
#include "rival/kernels/winograd/transform.hpp"

namespace rival::kernels::internal {

/// Neighbouring taps t < taps: destination i reads source source_first + source_step * (i + t) through kernel tap
/// tap_first + tap_step * t (the steps are the phase's).
struct TapGroup {
  Index source_first, tap_first, taps;
};

/// Along one axis, destinations first + step * i for i < count, which sum over the same groups of taps: an output pass
/// with stride s has a group (at least) for each phase of its source, an input gradient a phase for each of its
/// destination. Groups of most taps come first.
struct FilterPhase {
  static constexpr Index most_taps = 3, most_groups = 4;
  Index first, step, count;
  Index source_step, tap_step;
  Index groups = 0;
  std::array<TapGroup, most_groups> group = {};

  Index taps() const { return group[0].taps; }
  /// Cuts `taps` neighbouring taps into groups. False if there are too many.
  bool add(Index source_first, Index tap_first, Index taps) {
    const Index parts = (taps + most_taps - 1) / most_taps;
    if (groups + parts > most_groups) return false;
    for (Index i = 0; i < parts; ++i) {
      const Index begin = part_begin(taps, parts, i), end = part_begin(taps, parts, i + 1);
      insert({source_first + source_step * begin, tap_first + tap_step * begin, end - begin});
    }
    return true;
  }

 private:
  /// Not std::sort: GCC 12 warns of what it would do with more than sixteen groups, which would be out of bounds.
  void insert(const TapGroup& added) {
    auto place = static_cast<std::size_t>(groups++);
    for (; place > 0; --place) {
      const TapGroup& before = group[place - 1];
      if (before.taps != added.taps ? before.taps > added.taps : before.source_first < added.source_first) break;
      group[place] = before;
    }
    group[place] = added;
  }
};

/// One side of an axis that a pass goes through: sizes of source and destination, and the phases.
struct FilterAxis {
  Index source = 0, destination = 0;
  std::vector<FilterPhase> phases;
};

/// As output_segments and input_gradient_segments; false if the axis does not suit.
inline bool filter_axis(bool output, Index in, Index out, Index kernel, Index stride, Index pad, FilterAxis& axis) {
  axis.phases.clear();
  axis.source = output ? in : out;
  axis.destination = output ? out : in;
  if (output) {
    FilterPhase phase{0, 1, out, stride, stride};
    for (Index tap = 0; tap < std::min(stride, kernel); ++tap)
      if (!phase.add(tap - pad, tap, (kernel - tap + stride - 1) / stride)) return false;
    axis.phases.push_back(phase);
    return true;
  }
  for (Index start = 0; start < std::min(stride, in); ++start) {
    const Index tap = (start + pad) % stride, taps = tap < kernel ? (kernel - tap + stride - 1) / stride : 0;
    FilterPhase phase{start, stride, (in - start + stride - 1) / stride, 1, -stride};
    if (taps == 0 || !phase.add((start + pad) / stride - (taps - 1), tap + stride * (taps - 1), taps)) return false;
    axis.phases.push_back(phase);
  }
  return true;
}

/// Tiles of `outputs` destinations of one phase, beginning at its destination `first`. `full`: the only one, and what
/// it would read beside its outputs - taps + 1 sources in the middle is padding (FullWinograd).
struct TileRun {
  const FilterPhase* phase;
  Index first, outputs, tiles;
  bool full = false;

  Index points() const { return full ? outputs : outputs + phase->taps() - 1; }
  template <class S>
  const WinogradTransform<S>& transform() const {
    return winograd_transform<S>(outputs, phase->taps(), full);
  }
  /// Groups with a product at a point: at the last one only those of most taps.
  Index groups_at(Index point) const {
    if (point + 1 < points()) return phase->groups;
    Index count = 0;
    while (count < phase->groups && phase->group[static_cast<std::size_t>(count)].taps == phase->taps()) ++count;
    return count;
  }
  Index destination(Index tile, Index i) const { return phase->first + phase->step * (first + tile * outputs + i); }
  Index source(const TapGroup& group, Index tile, Index i) const {
    return group.source_first + phase->source_step * (first + tile * outputs + i + (full ? phase->taps() - 1 : 0));
  }
};

/// Whether a tile over a whole phase finds padding wherever only some of its taps would meet the sources.
inline bool has_zeros_around(const FilterAxis& axis, const FilterPhase& phase) {
  const Index first = phase.group[0].source_first, step = phase.source_step;
  return phase.groups == 1 && phase.taps() > 1 && phase.count >= phase.taps() &&
         first + step * (phase.taps() - 2) < 0 && first + step * phase.count >= axis.source;
}

/// Cuts each phase into tiles that waste nothing, differ by one destination at most, and have at most most_points(taps)
/// points.
template <class Points>
void tile_runs(const FilterAxis& axis, const Points& most_points_of, std::vector<TileRun>& runs) {
  runs.clear();
  for (const FilterPhase& phase : axis.phases) {
    const Index taps = phase.taps(), most_points = most_points_of(taps);
    if (phase.count <= most_points && has_zeros_around(axis, phase)) {
      runs.push_back({&phase, 0, phase.count, 1, true});
      continue;
    }
    const Index most = taps == 1 ? 1 : most_points - taps + 1, tiles = (phase.count + most - 1) / most;
    const Index small = phase.count / tiles, large_tiles = phase.count % tiles;
    if (large_tiles > 0) runs.push_back({&phase, 0, small + 1, large_tiles});
    runs.push_back({&phase, large_tiles * (small + 1), small, tiles - large_tiles});
  }
}

/// What an axis costs per pair of channels: the direct kernel's products, and of Winograd's algorithm the products and
/// the points (of all tiles), and the points that differ in their weights.
struct AxisCost {
  double direct = 0, products = 0, points = 0, weights = 0;
};

inline AxisCost axis_cost(const FilterAxis& axis, const std::vector<TileRun>& runs) {
  AxisCost cost;
  for (const FilterPhase& phase : axis.phases)
    for (Index g = 0; g < phase.groups; ++g)
      for (Index t = 0; t < phase.group[static_cast<std::size_t>(g)].taps; ++t)
        for (Index i = 0; i < phase.count; ++i) {
          const Index source = phase.group[static_cast<std::size_t>(g)].source_first + phase.source_step * (i + t);
          cost.direct += source >= 0 && source < axis.source;
        }
  for (const TileRun& run : runs) {
    double products = 0;
    for (Index p = 0; p < run.points(); ++p) products += static_cast<double>(run.groups_at(p));
    cost.products += products * static_cast<double>(run.tiles);
    cost.points += static_cast<double>(run.points() * run.tiles);
    cost.weights += products;
  }
  return cost;
}

/// Both axes of a pass.
struct FilterPlan {
  FilterAxis y, x;
  std::vector<TileRun> rows, columns;

  /// False if the geometry does not suit. `gradient`: the plan is for weight gradients.
  bool make(const ConvGeometry& g, bool output, bool gradient = false) {
    constexpr Index most = WinogradTransform<float>::most_points;
    if (!filter_axis(output, g.in_h, g.out_h, g.kernel_h, g.stride_h, g.pad_h, y) ||
        !filter_axis(output, g.in_w, g.out_w, g.kernel_w, g.stride_w, g.pad_w, x))
      return false;
    // More points save more products and round more coarsely. Wide tiles along both axes would round too coarsely, and
    // so do seven destinations of two taps, except in weight gradients, where the tiles' errors average out.
    tile_runs(
        y, [](Index taps) { return 4 + taps - 1; }, rows);
    tile_runs(
        x, [&](Index taps) { return taps == 2 && !gradient ? most - 1 : most; }, columns);
    return true;
  }
};

/// Tiles of one shape, a rectangle of them in every image: rows of the products, image by image.
struct TileRegion {
  const TileRun *y, *x;

  Index tiles() const { return y->tiles * x->tiles; }
  Index points() const { return y->points() * x->points(); }
  Index groups() const { return y->phase->groups * x->phase->groups; }
};

/// The time of the direct kernel over that of Winograd's algorithm, estimated from the shapes alone. The unit is a
/// multiplication of packets in the register tile: `direct` of them for one of the direct kernel's, 15 to transform a
/// packet of the source, `per_point` one of the destination, 11 to transform a packet of weights. These were measured.
inline double gain(const FilterPlan& plan, Index batch, Index source_c, Index destination_c, double direct,
                   double per_point) {
  constexpr Index least_channels = 32;  // with fewer the transforms cost more than they save
  if (std::min(source_c, destination_c) < least_channels) return 0;
  const AxisCost y = axis_cost(plan.y, plan.rows), x = axis_cost(plan.x, plan.columns);
  const auto images = static_cast<double>(batch), from = static_cast<double>(source_c),
             to = static_cast<double>(destination_c);
  const double products = images * y.products * x.products, points = images * y.points * x.points;
  const double weights = std::max(y.weights * x.weights, products / 256);  // a large batch is taken in parts
  return direct * images * y.direct * x.direct * from * to /
         (products * from * (to + 15) + points * to * per_point + weights * from * to * 11);
}
inline double pass_gain(const FilterPlan& plan, Index batch, Index source_c, Index destination_c) {
  return gain(plan, batch, source_c, destination_c, 1.1, 38);
}
inline double gradient_gain(const FilterPlan& plan, Index batch, Index source_c, Index destination_c) {
  return gain(plan, batch, source_c, destination_c, 1.25, 15);
}

/// Below it the direct kernel stays: an estimate of so much has never turned out slower.
inline constexpr double winograd_least_gain = 1.15;

}  // namespace rival::kernels::internal

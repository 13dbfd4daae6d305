#pragma once
// A tile pass: all output tiles of a convolution's output pass or input gradient, over all threads.

#include <algorithm>
#include <vector>

#include "rival/core/parallel.hpp"
#include "rival/kernels/convolution/geometry.hpp"
#include "rival/kernels/tile/output_tile.hpp"
#include "rival/kernels/tile/pack.hpp"

namespace rival::kernels {

/// The two images of a pass and the segments that cut the destination into regions.
struct PassSides {
  Index batch;
  Index source_h, source_w, source_c;
  Index destination_h, destination_w, destination_c;
  Index kernel_h, kernel_w;
  const std::vector<Segment>* rows;
  const std::vector<Segment>* columns;
};

namespace internal {

/// Destination pixels that share their taps: a rectangle of every image, walked image by image and row by row.
struct Region {
  Segment y, x;
  Index pixels;  ///< of all images
  Index tiles;
  Index chunk;  ///< tiles a task
  Index chunks;
  Index first_task;
};

/// Tasks of about this many operations balance the threads well and still amortise their start.
inline constexpr double task_flops = 1.5e6;

inline Index plan_regions(const PassSides& sides, Index column_blocks, double column_width,
                          std::vector<Region>& regions) {
  regions.clear();
  for (const Segment& y : *sides.rows)
    for (const Segment& x : *sides.columns) {
      const Index pixels = sides.batch * y.count * x.count;
      const Index tiles = (pixels + tile_rows - 1) / tile_rows;
      const double tile = 2.0 * tile_rows * column_width * static_cast<double>(y.taps * x.taps * sides.source_c + 8);
      const Index chunk = std::clamp<Index>(static_cast<Index>(task_flops / tile), 1, tiles);
      regions.push_back({y, x, pixels, tiles, chunk, (tiles + chunk - 1) / chunk, 0});
    }
  // The large regions first, so that the threads end together.
  std::sort(regions.begin(), regions.end(), [](const Region& a, const Region& b) {
    const auto work = [](const Region& r) { return r.tiles * (r.y.taps * r.x.taps + 1); };
    return work(a) != work(b) ? work(a) > work(b) : std::pair(a.y.first, a.x.first) < std::pair(b.y.first, b.x.first);
  });
  Index tasks = 0;
  for (Region& region : regions) {
    region.first_task = tasks;
    tasks += region.chunks * column_blocks;
  }
  return tasks;
}

/// The loops over a region's taps and the source's channels, for packed weights whose rows are `width` wide.
inline SumLoops tap_loops(const PassSides& sides, const Region& region, Index width) {
  const Index channels = sides.source_c;
  SumLoops loops;
  loops.count[0] = region.y.taps;
  loops.left[0] = region.y.source_tap_step * sides.source_w * channels;
  loops.right[0] = region.y.tap_step * sides.kernel_w * channels * width;
  loops.count[1] = region.x.taps;
  loops.left[1] = region.x.source_tap_step * channels;
  loops.right[1] = region.x.tap_step * channels * width;
  loops.count[2] = channels;
  loops.left[2] = 1;
  loops.right[2] = width;
  loops.merge_inner();
  return loops;
}

/// Walks a region's pixels in order and says where each begins in the source and in the destination.
class PixelWalk {
 public:
  PixelWalk(const PassSides& sides, const Region& region, Index pixel)
      : sides_(sides),
        region_(region),
        x_(pixel % region.x.count),
        y_(pixel / region.x.count % region.y.count),
        n_(pixel / region.x.count / region.y.count),
        source_step_(region.x.source_step * sides.source_c),
        destination_step_(region.x.step * sides.destination_c) {
    place();
  }
  Index source() const { return source_; }
  Index destination() const { return destination_; }
  void next() {
    source_ += source_step_;
    destination_ += destination_step_;
    if (++x_ < region_.x.count) return;
    x_ = 0;
    if (++y_ == region_.y.count) {
      y_ = 0;
      ++n_;
    }
    place();
  }

 private:
  void place() {
    const Segment &y = region_.y, &x = region_.x;
    source_ = ((n_ * sides_.source_h + y.source_first + y_ * y.source_step) * sides_.source_w + x.source_first +
               x_ * x.source_step) *
              sides_.source_c;
    destination_ =
        ((n_ * sides_.destination_h + y.first + y_ * y.step) * sides_.destination_w + x.first + x_ * x.step) *
        sides_.destination_c;
  }

  const PassSides& sides_;
  const Region& region_;
  Index x_, y_, n_;
  Index source_step_, destination_step_;
  Index source_ = 0, destination_ = 0;
};

}  // namespace internal

/// destination[pixel, :] = epilogue(sum over the pixel's taps of source[...] times the tap's matrix), with `packed`
/// from `pack`. Every element of the destination is written; a pixel without taps gets epilogue(0).
template <class S>
void tile_pass(const PassSides& sides, const S* source, const S* packed, S* destination, const Epilogue<S>& epilogue) {
  thread_local std::vector<internal::Region> regions_of_thread;
  auto& regions = regions_of_thread;  // a thread_local cannot be captured
  const ColumnBlocks<S> blocks{sides.destination_c};
  // Few weights stay near anyway: then a task writes its pixels' columns all at once, for memory takes whole rows much
  // faster.
  constexpr Index near_weights = 4096;
  const bool near = blocks.packed_size(sides.kernel_h * sides.kernel_w * sides.source_c) <= near_weights;
  const Index blocks_of_task = near ? blocks.count() : 1;
  const Index tasks = internal::plan_regions(sides, near ? 1 : blocks.count(),
                                             static_cast<double>(blocks_of_task * blocks.width), regions);
  double work = 0;
  for (const auto& region : regions)
    work += 2.0 * static_cast<double>(region.pixels * (region.y.taps * region.x.taps * sides.source_c + 1)) *
            static_cast<double>(sides.destination_c);

  parallel_for(tasks, work / 16, [&](Index task) {
    std::size_t found = regions.size() - 1;
    while (regions[found].first_task > task) --found;
    const internal::Region& region = regions[found];
    const Index first_block = near ? 0 : (task - region.first_task) / region.chunks;
    const Index chunk = (task - region.first_task) % region.chunks;

    const S* sources[tile_rows];
    Index rows[tile_rows];
    OutputTile<S> job;
    job.sources = sources;
    job.rows = rows;
    job.destination = destination;
    job.epilogue = epilogue;
    const auto compute = [&](int height, Index block) {
      const int packets = blocks.packets_of(block);
      const Index width = packets * packet_size<S>;
      job.column = block * blocks.width;
      job.columns = sides.destination_c - job.column;
      job.packed = packed + job.column * sides.kernel_h * sides.kernel_w * sides.source_c +
                   (region.y.tap_first * sides.kernel_w + region.x.tap_first) * sides.source_c * width;
      job.loops = internal::tap_loops(sides, region, width);
      output_tile(height, packets, job);
    };

    const Index end = sides.batch * sides.destination_h * sides.destination_w * sides.destination_c;
    const Index first = part_begin(region.tiles, region.chunks, chunk);
    const Index last = part_begin(region.tiles, region.chunks, chunk + 1);
    internal::PixelWalk pixel(sides, region, part_begin(region.pixels, region.tiles, first));
    for (Index tile = first; tile < last; ++tile) {
      const auto height = static_cast<int>(part_begin(region.pixels, region.tiles, tile + 1) -
                                           part_begin(region.pixels, region.tiles, tile));
      for (int r = 0; r < height; ++r, pixel.next()) {
        sources[r] = source + pixel.source();
        rows[r] = pixel.destination();
      }
      if (near) {  // the next tile's pixels, which mostly lie side by side
        constexpr Index line = 64 / static_cast<Index>(sizeof(S));
        const Index ahead = std::min(tile_rows * sides.destination_c, end - pixel.destination());
        for (Index i = 0; i < ahead; i += line) {
          prefetch_to_write(destination + pixel.destination() + i);
          if (epilogue.gate) prefetch(epilogue.gate + pixel.destination() + i);
        }
      }
      for (Index block = first_block; block < first_block + blocks_of_task; ++block) compute(height, block);
    }
  });
}

}  // namespace rival::kernels

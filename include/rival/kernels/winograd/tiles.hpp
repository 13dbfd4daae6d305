#pragma once
// Tiles of Winograd's algorithm in memory: what its passes and its weight gradient share.

#include <algorithm>
#include <array>

#include "rival/kernels/winograd/geometry.hpp"
#include "rival/kernels/winograd/transform.hpp"

namespace rival::kernels::internal {

/// Scalars of scratch memory beyond which the images are taken in parts, of no fewer than `winograd_rows` tiles: the
/// weights are transformed for each part.
inline constexpr Index winograd_memory = Index{1} << 19, winograd_rows = 64;

/// In how many parts to take the batch, whose images have `tiles` tiles, if so many images need size(images) scalars.
template <class Size>
Index image_parts(Index batch, Index tiles, const Size& size) {
  const Index parts = (size(batch) + winograd_memory - 1) / winograd_memory;
  return std::clamp<Index>(parts, 1, std::clamp<Index>(batch * tiles / winograd_rows, 1, batch));
}

/// A distance from point to point at which a tile's points do not compete for the same lines of the first-level cache.
template <class S>
Index spread_points(Index size) {
  constexpr Index line = 64 / static_cast<Index>(sizeof(S));
  return (size + line - 1) / line * line + 5 * line;
}

/// Which tile a row of the products is.
struct TileOfRow {
  Index image, y, x;
  TileOfRow(const TileRegion& region, Index row)
      : image(row / region.tiles()), y(row / region.x->tiles % region.y->tiles), x(row % region.x->tiles) {}
};

/// B^T d B for channels [first, first + count) of the source tile of row `row` and groups a, b: point k's are at
/// to + k * point_step, with `skip` as transform_line has it.
template <class S>
void transform_source_tile(const FilterPlan& plan, const TileRegion& region, Index row, Index a, Index b,
                           const S* source, Index channels, Index first, Index count, S* to, Index point_step,
                           Index skip = 0) {
  const TileOfRow tile(region, row);
  const FilterPhase &y = *region.y->phase, &x = *region.x->phase;
  const auto& along_y = region.y->transform<S>();
  const auto& along_x = region.x->transform<S>();
  std::array<const S*, WinogradTransform<S>::most_points> row_begin{};
  std::array<Index, WinogradTransform<S>::most_points> column{};
  for (Index i = 0; i < along_y.source.inputs; ++i) {
    const Index at = region.y->source(y.group[static_cast<std::size_t>(a)], tile.y, i);
    const bool inside = at >= 0 && at < plan.y.source;
    row_begin[static_cast<std::size_t>(i)] =
        inside ? source + (tile.image * plan.y.source + at) * plan.x.source * channels + first : nullptr;
  }
  for (Index j = 0; j < along_x.source.inputs; ++j) {
    const Index at = region.x->source(x.group[static_cast<std::size_t>(b)], tile.x, j);
    column[static_cast<std::size_t>(j)] = at < plan.x.source ? at * channels : -1;
  }
  transform_tile(
      along_y.source, along_x.source, count,
      [&](int i, int j) -> const S* {
        const S* begin = row_begin[static_cast<std::size_t>(i)];
        const Index offset = column[static_cast<std::size_t>(j)];
        return begin && offset >= 0 ? begin + offset : nullptr;
      },
      [&](int p) { return to + p * along_x.points * point_step; }, point_step, skip);
}

/// Where the pixels of a row's destination tile are: the first, and how far it is down and across to the next.
struct DestinationTile {
  Index first, down, across;

  DestinationTile(const FilterPlan& plan, const TileRegion& region, Index row, Index channels) {
    const TileOfRow tile(region, row);
    const Index y = region.y->destination(tile.y, 0), x = region.x->destination(tile.x, 0);
    first = ((tile.image * plan.y.destination + y) * plan.x.destination + x) * channels;
    down = region.y->phase->step * plan.x.destination * channels;
    across = region.x->phase->step * channels;
  }
};

}  // namespace rival::kernels::internal

#pragma once
// Matrix products of dense layers, and of convolutions by one tap: no geometry to respect, so both operands can be laid
// out as the register tile likes them best.

#include <algorithm>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/kernels/tile/gradient_tile.hpp"
#include "rival/kernels/tile/output_tile.hpp"
#include "rival/kernels/tile/pack.hpp"

namespace rival::kernels {

namespace internal {

/// Rows that are a multiple of this many bytes apart compete for the same few lines of the first-level cache.
inline constexpr Index conflict_bytes = 4096;

/// `a` itself, or a copy of its rows at a distance at which they do not compete; `distance` becomes the rows' distance.
template <class S>
const S* spread_rows(Index rows, Index columns, const S* a, Index& distance) {
  distance = columns;
  if (columns * static_cast<Index>(sizeof(S)) % conflict_bytes != 0 || rows < 4) return a;
  distance = columns + 2 * packet_size<S>;
  S* copy = scratch<S>(Scratch::padded_copy, rows * distance);
  const Index step = distance;
  parallel_blocks(rows, 16, static_cast<double>(rows * columns) / 8, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) std::copy_n(a + r * columns, columns, copy + r * step);
  });
  return copy;
}

/// A tile of a product: rows [row, row + height) of `left`, whose rows are `distance` apart.
template <class S>
struct RowTile {
  const S* sources[tile_rows];
  Index rows[tile_rows];
  int height;

  RowTile(const S* left, Index distance, Index n, Index row, int height_) : height(height_) {
    for (int r = 0; r < height; ++r) {
      sources[r] = left + (row + r) * distance;
      rows[r] = (row + r) * n;
    }
  }
};

/// Of few rows: each task packs a panel of b, and takes all rows through it.
template <class S>
void flat_product(Index m, Index k, Index n, const S* left, Index distance, const S* b, bool transposed, S* c,
                  const Epilogue<S>& epilogue) {
  const ColumnBlocks<S> blocks{n};
  const TaskScratch<S> memory(k * blocks.width);
  parallel_for(blocks.count(), static_cast<double>(m * k) * static_cast<double>(n) / 8, [&](Index block, Index worker) {
    const Index column = block * blocks.width;
    const int packets = blocks.packets_of(block);
    const Index width = packets * packet_size<S>;
    S* panel = memory.of(worker);
    pack_block(b + column * (transposed ? k : 1), transposed, transposed ? k : n, k, std::min(blocks.width, n - column),
               width, panel);
    for_each_tile(m, [&](Index row, int height) {
      const RowTile<S> tile(left, distance, n, row, height);
      output_tile(
          height, packets,
          OutputTile<S>{
              tile.sources, panel, {{1, 1, k}, {0, 0, 1}, {0, 0, width}}, c, tile.rows, column, n - column, epilogue});
    });
  });
}

/// Of many rows: b is packed once, and each task takes a chunk of the rows, small enough for the second-level cache,
/// through all panels. Of a panel only so many rows are used at a time as the first-level cache holds beside a tile;
/// the sums of the chunk's tiles wait meanwhile.
template <class S>
void tall_product(Index m, Index k, Index n, const S* left, Index distance, const S* b, bool transposed, S* c,
                  const Epilogue<S>& epilogue) {
  constexpr Index tiles_in_chunk = 8, most_terms = 512, line = 64 / static_cast<Index>(sizeof(S));
  const ColumnBlocks<S> blocks{n};
  S* packed = scratch<S>(Scratch::packed_weights, blocks.packed_size(k));
  pack(b, transposed, 1, k, n, packed);
  const Index chunks = (m + tiles_in_chunk * tile_rows - 1) / (tiles_in_chunk * tile_rows);
  const Index parts = (k + most_terms - 1) / most_terms;
  parallel_for(chunks, static_cast<double>(m * k) * static_cast<double>(n) / 8, [&](Index chunk) {
    const Index first = part_begin(m, chunks, chunk), rows = part_begin(m, chunks, chunk + 1) - first;
    Tile<S> sums[tiles_in_chunk];
    for (Index block = 0; block < blocks.count(); ++block) {
      const Index column = block * blocks.width;
      const int packets = blocks.packets_of(block);
      const Index width = packets * packet_size<S>;
      for (Index part = 0; part < parts; ++part) {
        const Index begin = part_begin(k, parts, part), terms = part_begin(k, parts, part + 1) - begin;
        const S* panel = packed + column * k + begin * width;
        const SumLoops loops{{1, 1, terms}, {0, 0, 1}, {0, 0, width}};
        Tile<S>* sum = sums;
        for_each_tile(rows, [&](Index row, int height) {
          // What the next tile reads for the first time arrives while this one is computed.
          if (block == 0)
            for (Index r = first + row + height; r < std::min(m, first + row + 2 * height); ++r)
              for (Index i = 0; i < terms; i += line) prefetch(left + r * distance + begin + i);
          const RowTile<S> tile(left + begin, distance, n, first + row, height);
          const OutputTile<S> job{tile.sources, panel, loops, c, tile.rows, column, n - column, epilogue};
          if (parts == 1)
            output_tile(height, packets, job);
          else if (part == 0)
            multiply_tile(height, packets, tile.sources, panel, packet_size<S>, loops, *sum);
          else
            multiply_tile<false, true>(height, packets, tile.sources, panel, packet_size<S>, loops, *sum);
          if (parts > 1 && part + 1 == parts) finish_tile(height, packets, *sum, job);
          ++sum;
        });
      }
    }
  });
}

}  // namespace internal

/// c = epilogue(a b) for row-major a (m x k), b (k x n; if `transposed` it is stored n x k) and c (m x n).
template <class S>
void matrix_product(Index m, Index k, Index n, const S* a, const S* b, bool transposed, S* c,
                    const Epilogue<S>& epilogue) {
  constexpr Index few_rows = 32 * tile_rows;
  parallel_scope(static_cast<double>(m * k) * static_cast<double>(n) / 8, [&] {
    Index distance = k;
    const S* left = internal::spread_rows(m, k, a, distance);
    if (m <= few_rows)
      internal::flat_product(m, k, n, left, distance, b, transposed, c, epilogue);
    else
      internal::tall_product(m, k, n, left, distance, b, transposed, c, epilogue);
  });
}

namespace internal {

/// The rows of a gradient db += a^T dc that are worked on together: tiles [tile0, tile1) of those that k is cut into.
struct GradientRows {
  Index k, tiles, tile0, tile1;
  Index first() const { return part_begin(k, tiles, tile0); }
  Index count() const { return part_begin(k, tiles, tile1) - first(); }
};

inline constexpr Index gradient_samples = 128;   // of a block that is copied together
inline constexpr Index most_gradient_tiles = 4;  // whose part of a block of a, and one of dc, fit the first-level cache

/// Copies `count` samples of a column tile of dc to `right`, row by row.
template <class S>
void copy_columns(Index count, Index n, const S* dc, const ColumnTile& columns, S* right) {
  constexpr Index width = tile_packets * packet_size<S>;
  const Index held = columns.packets == 1 ? packet_size<S> : columns.distance + packet_size<S>;
  for (Index i = 0; i < count; ++i) copy_short(dc + i * n + columns.first, held, right + i * width);
}

/// Adds `count` samples of `left`, their columns `rows` alone, times `right` to a column tile of db.
template <class S>
void add_gradient_rows(const GradientRows& rows, Index count, Index n, const S* left, const S* right,
                       const ColumnTile& columns, S* db) {
  const Index first = rows.first(), step = rows.count();
  for (Index tile = rows.tile0; tile < rows.tile1; ++tile) {
    const Index row = part_begin(rows.k, rows.tiles, tile);
    const auto height = static_cast<int>(part_begin(rows.k, rows.tiles, tile + 1) - row);
    const S* sources[tile_rows];
    Index to[tile_rows];
    for (int r = 0; r < height; ++r) {
      sources[r] = left + row - first + r;
      to[r] = (row + r) * n;
    }
    add_gradient_tile<false>(
        height, sources,
        GradientTile<S>{
            right, {{1, 1, count}, {0, 0, step}, {0, 0, tile_packets * packet_size<S>}}, db, to, columns, 1});
  }
}

/// Each task takes some rows of db through all samples. dc is copied once for all of them.
template <class S>
void add_flat_gradient(Index m, Index k, Index n, const S* a, const S* dc, S* db) {
  constexpr Index width = tile_packets * packet_size<S>, samples = gradient_samples;
  const Index tiles = (k + tile_rows - 1) / tile_rows, column_tiles = (n + width - 1) / width;
  const Index groups = std::max((tiles + most_gradient_tiles - 1) / most_gradient_tiles, std::min<Index>(tiles, 8));
  S* const panels = scratch<S>(Scratch::packed_weights, column_tiles * m * width);
  const Index chunks = (m + samples - 1) / samples;
  parallel_for(column_tiles * chunks, static_cast<double>(m * n), [&](Index task) {
    const Index block = task / chunks, begin = task % chunks * samples;
    copy_columns(std::min(samples, m - begin), n, dc + begin * n, column_tile<S>(n, block),
                 panels + (block * m + begin) * width);
  });
  const TaskScratch<S> memory(samples * most_gradient_tiles * tile_rows);
  parallel_for(groups, static_cast<double>(m * k) * static_cast<double>(n) / 8, [&](Index group, Index worker) {
    const GradientRows rows{k, tiles, part_begin(tiles, groups, group), part_begin(tiles, groups, group + 1)};
    S* const left = memory.of(worker);
    for (Index begin = 0; begin < m; begin += samples) {
      const Index count = std::min(samples, m - begin);
      for (Index i = 0; i < count; ++i)
        copy_short(a + (begin + i) * k + rows.first(), rows.count(), left + i * rows.count());
      for (Index block = 0; block < column_tiles; ++block)
        add_gradient_rows(rows, count, n, left, panels + (block * m + begin) * width, column_tile<S>(n, block), db);
    }
  });
}

/// How many parts the samples of a gradient are cut into, each with sums of its own; 1 where there are too few samples
/// for it, or where the sums would be more than a part of what is summed.
inline Index gradient_parts(Index m, Index k, Index n) {
  const Index parts = std::min<Index>(32, m / 512);
  return parts >= 4 && parts * k * n <= m * (k + n) / 2 ? parts : 1;
}

/// Each task takes some samples: they are read once, from wherever they are, and stay in the caches for all rows of db.
template <class S>
void add_tall_gradient(Index parts, Index m, Index k, Index n, const S* a, const S* dc, S* db) {
  constexpr Index width = tile_packets * packet_size<S>, samples = gradient_samples;
  const Index tiles = (k + tile_rows - 1) / tile_rows, column_tiles = (n + width - 1) / width;
  const Index groups = (tiles + most_gradient_tiles - 1) / most_gradient_tiles, size = k * n;
  const double work = static_cast<double>(m * k) * static_cast<double>(n) / 8;
  S* sums = scratch<S>(Scratch::partial_sums, parts * size);
  const TaskScratch<S> memory(samples * (most_gradient_tiles * tile_rows + column_tiles * width));
  parallel_for(parts, work, [&](Index part, Index worker) {
    S* const left = memory.of(worker);
    S* const right = left + samples * most_gradient_tiles * tile_rows;
    S* const to = sums + part * size;
    std::fill_n(to, size, S(0));
    const Index end = part_begin(m, parts, part + 1);
    for (Index begin = part_begin(m, parts, part); begin < end; begin += samples) {
      const Index count = std::min(samples, end - begin);
      for (Index block = 0; block < column_tiles; ++block)
        copy_columns(count, n, dc + begin * n, column_tile<S>(n, block), right + block * samples * width);
      for (Index group = 0; group < groups; ++group) {
        const GradientRows rows{k, tiles, part_begin(tiles, groups, group), part_begin(tiles, groups, group + 1)};
        for (Index i = 0; i < count; ++i)
          copy_short(a + (begin + i) * k + rows.first(), rows.count(), left + i * rows.count());
        for (Index block = 0; block < column_tiles; ++block)
          add_gradient_rows(rows, count, n, left, right + block * samples * width, column_tile<S>(n, block), to);
      }
    }
  });
  parallel_blocks(size, 4096, static_cast<double>(parts * size), [&](Index begin, Index end) {
    ArrayMap<S> to(db + begin, end - begin);
    for (Index part = 0; part < parts; ++part) to += ConstArrayMap<S>(sums + part * size + begin, end - begin);
  });
}

}  // namespace internal

/// db += a^T dc for row-major a (m x k), dc (m x n) and db (k x n); n is a packet's scalars at least.
template <class S>
void add_matrix_gradient(Index m, Index k, Index n, const S* a, const S* dc, S* db) {
  parallel_scope(static_cast<double>(m * k) * static_cast<double>(n) / 8, [&] {
    if (const Index parts = internal::gradient_parts(m, k, n); parts > 1)
      internal::add_tall_gradient(parts, m, k, n, a, dc, db);
    else
      internal::add_flat_gradient(m, k, n, a, dc, db);
  });
}

RIVAL_INSTANTIATE_FUNCTION(matrix_product);
RIVAL_INSTANTIATE_FUNCTION(add_matrix_gradient);

}  // namespace rival::kernels

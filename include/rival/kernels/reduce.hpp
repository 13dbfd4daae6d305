#pragma once
// Sums down the columns of a matrix, and batch norm's two: block by block of rows, the blocks' sums then added in their
// order, so that the bits depend on the shape alone.

#include <algorithm>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/kernels/packet.hpp"

namespace rival::kernels {

namespace internal {

inline constexpr Index reduce_rows = 128;
inline constexpr Index reduce_columns = 128;

/// A piece of a row of at most reduce_columns, and sums of that size on the stack.
template <class S>
using RowPiece = Eigen::Map<const Eigen::Array<S, 1, Eigen::Dynamic>>;
template <class S>
using RowPieceMap = Eigen::Map<Eigen::Array<S, 1, Eigen::Dynamic>>;
template <class S>
using RowSums = Eigen::Array<S, 1, Eigen::Dynamic, Eigen::RowMajor, 1, reduce_columns>;

inline Index row_blocks(Index rows) { return (rows + reduce_rows - 1) / reduce_rows; }

/// Calls body(block, first row, last row, first column, number of columns) for all blocks.
template <class Body>
void for_each_block(Index rows, Index columns, const Body& body) {
  const Index down = row_blocks(rows), across = (columns + reduce_columns - 1) / reduce_columns;
  parallel_for(down * across, static_cast<double>(rows * columns) / 4, [&](Index task) {
    const Index block = task / across, column = task % across * reduce_columns;
    body(block, block * reduce_rows, std::min(rows, (block + 1) * reduce_rows), column,
         std::min(reduce_columns, columns - column));
  });
}

/// total[c] += partial[0][c] + partial[1][c] + ...
template <class S>
void add_blocks(Index blocks, Index columns, const S* partial, S* total) {
  RowPieceMap<S> sum(total, columns);
  for (Index b = 0; b < blocks; ++b) sum += RowPiece<S>(partial + b * columns, columns);
}

}  // namespace internal

/// sums[c] += sum over rows of x[row, c]
template <class S>
void add_column_sums(Index rows, Index columns, const S* x, S* sums) {
  using namespace internal;
  S* partial = scratch<S>(Scratch::partial_sums, row_blocks(rows) * columns);
  for_each_block(rows, columns, [&](Index block, Index first, Index last, Index column, Index count) {
    RowSums<S> sum = RowSums<S>::Zero(count);
    for (Index r = first; r < last; ++r) sum += RowPiece<S>(x + r * columns + column, count);
    RowPieceMap<S>(partial + block * columns + column, count) = sum;
  });
  add_blocks(row_blocks(rows), columns, partial, sums);
}

/// mean[c] and variance[c] (divided by `rows`) of each column. Each block is centred on its own mean, so nothing
/// cancels (Chan, Golub and LeVeque, 1983).
template <class S>
void column_moments(Index rows, Index columns, const S* x, S* mean, S* variance) {
  using namespace internal;
  const Index blocks = row_blocks(rows);
  S* means = scratch<S>(Scratch::partial_sums, 2 * blocks * columns);
  S* squares = means + blocks * columns;
  for_each_block(rows, columns, [&](Index block, Index first, Index last, Index column, Index count) {
    RowSums<S> centre = RowSums<S>::Zero(count), square = RowSums<S>::Zero(count);
    for (Index r = first; r < last; ++r) centre += RowPiece<S>(x + r * columns + column, count);
    centre /= static_cast<S>(last - first);
    for (Index r = first; r < last; ++r) square += (RowPiece<S>(x + r * columns + column, count) - centre).square();
    RowPieceMap<S>(means + block * columns + column, count) = centre;
    RowPieceMap<S>(squares + block * columns + column, count) = square;
  });
  const auto share = [&](Index b) {
    return static_cast<S>(std::min(reduce_rows, rows - b * reduce_rows)) / static_cast<S>(rows);
  };
  RowPieceMap<S> m(mean, columns), v(variance, columns);
  m.setZero();
  v.setZero();
  for (Index b = 0; b < blocks; ++b) m += share(b) * RowPiece<S>(means + b * columns, columns);
  for (Index b = 0; b < blocks; ++b)
    v += RowPiece<S>(squares + b * columns, columns) / static_cast<S>(rows) +
         share(b) * (RowPiece<S>(means + b * columns, columns) - m).square();
}

/// sums[c] = sum over rows of dy[row, c] and products[c] = sum over rows of dy[row, c] * (x[row, c] - mean[c]).
template <class S>
void centred_gradient_sums(Index rows, Index columns, const S* dy, const S* x, const S* mean, S* sums, S* products) {
  using namespace internal;
  const Index blocks = row_blocks(rows);
  S* partial = scratch<S>(Scratch::partial_sums, 2 * blocks * columns);
  S* partial_products = partial + blocks * columns;
  for_each_block(rows, columns, [&](Index block, Index first, Index last, Index column, Index count) {
    RowSums<S> sum = RowSums<S>::Zero(count), product = RowSums<S>::Zero(count);
    const RowPiece<S> centre(mean + column, count);
    for (Index r = first; r < last; ++r) {
      const RowPiece<S> d(dy + r * columns + column, count);
      sum += d;
      product += d * (RowPiece<S>(x + r * columns + column, count) - centre);
    }
    RowPieceMap<S>(partial + block * columns + column, count) = sum;
    RowPieceMap<S>(partial_products + block * columns + column, count) = product;
  });
  std::fill(sums, sums + columns, S(0));
  std::fill(products, products + columns, S(0));
  add_blocks(blocks, columns, partial, sums);
  add_blocks(blocks, columns, partial_products, products);
}

/// y[row, c] = x[row, c] * scale[c] + shift[c], then y > 0 ? y : slope * y (1: nothing).
template <class S>
void scale_and_shift(Index rows, Index columns, const S* x, const S* scale, const S* shift, S slope, S* y) {
  using namespace internal;
  for_each_block(rows, columns, [&](Index, Index first, Index last, Index column, Index count) {
    const RowPiece<S> a(scale + column, count), b(shift + column, count);
    for (Index r = first; r < last; ++r) {
      RowPieceMap<S> to(y + r * columns + column, count);
      to = RowPiece<S>(x + r * columns + column, count) * a + b;
      if (slope != S(1)) leak_row(to.data(), count, slope);
    }
  });
}

/// dx[row, c] = dy[row, c] * a[c] + x[row, c] * b[c] + d[c], then times (x > 0 ? 1 : slope) (1: nothing).
template <class S>
void combine_gradient(Index rows, Index columns, const S* dy, const S* x, const S* a, const S* b, const S* d, S slope,
                      S* dx) {
  using namespace internal;
  for_each_block(rows, columns, [&](Index, Index first, Index last, Index column, Index count) {
    const RowPiece<S> a_(a + column, count), b_(b + column, count), d_(d + column, count);
    for (Index r = first; r < last; ++r) {
      const RowPiece<S> from(x + r * columns + column, count);
      RowPieceMap<S> to(dx + r * columns + column, count);
      to = RowPiece<S>(dy + r * columns + column, count) * a_ + from * b_ + d_;
      if (slope != S(1)) to = (from > S(0)).select(to, slope * to);
    }
  });
}

RIVAL_INSTANTIATE_FUNCTION(add_column_sums);
RIVAL_INSTANTIATE_FUNCTION(column_moments);
RIVAL_INSTANTIATE_FUNCTION(centred_gradient_sums);
RIVAL_INSTANTIATE_FUNCTION(scale_and_shift);
RIVAL_INSTANTIATE_FUNCTION(combine_gradient);

}  // namespace rival::kernels

#include "rival/kernels/tile/tile.hpp"

#include <vector>

#include "catch.hpp"
#include "rival/kernels/tile/output_tile.hpp"

using namespace rival;
using namespace rival::kernels;

namespace {

/// Whole numbers from -4 to 4 in no order: all sums below are exact.
template <class S>
std::vector<S> whole_numbers(Index count, unsigned seed) {
  std::vector<S> values(static_cast<std::size_t>(count));
  for (S& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<S>(static_cast<int>((seed >> 16) % 9) - 4);
  }
  return values;
}

/// The lane of a tile's column c.
Index lane(Index row, Index c, Index size) { return row * tile_packets * size + c; }

}  // namespace

TEMPLATE_TEST_CASE("tile: every number of rows and packets, over loops that go forward, backward and nowhere", "",
                   float, double) {
  using S = TestType;
  constexpr Index size = packet_size<S>;
  // The left operand of a row spans `left_size` from `left_begin` on, the right one likewise.
  struct Case {
    SumLoops loops;
    Index left_begin, left_size, right_size, distance;
  };
  const Case cases[] = {
      {{{1, 1, 5}, {0, 0, 1}, {0, 0, 2 * size}}, 0, 5, 10 * size, size},
      {{{2, 3, 4}, {40, -4, 1}, {24 * size, 8 * size, 2 * size}}, 8, 52, 48 * size, size},
      {{{3, 1, 2}, {7, 0, 2}, {5 * size, 0, 2 * size + 1}}, 0, 17, 14 * size + 1, size - 1},
      {{{2, 0, 4}, {40, -4, 1}, {24 * size, 8 * size, 2 * size}}, 8, 52, 48 * size, size},
      {{{0, 3, 4}, {40, -4, 1}, {24 * size, 8 * size, 2 * size}}, 8, 52, 48 * size, size},
      {{{1, 1, 0}, {0, 0, 1}, {0, 0, 2 * size}}, 0, 1, 2 * size, size},
  };
  for (const Case& c : cases)
    for (int rows = 1; rows <= tile_rows; ++rows)
      for (int packets = 1; packets <= tile_packets; ++packets) {
        INFO(&c - cases << ": " << rows << " rows, " << packets << " packets");
        const std::vector<S> right = whole_numbers<S>(c.right_size, 7);
        std::vector<std::vector<S>> storage;
        std::vector<const S*> left;
        for (int r = 0; r < rows; ++r) storage.push_back(whole_numbers<S>(c.left_size, static_cast<unsigned>(100 + r)));
        for (const auto& row : storage) left.push_back(row.data() + c.left_begin);
        Tile<S> tile;
        multiply_tile(rows, packets, left.data(), right.data(), c.distance, c.loops, tile);
        for (int r = 0; r < rows; ++r)
          for (Index p = 0; p < packets; ++p)
            for (Index l = 0; l < size; ++l) {
              S expected = 0;
              const SumLoops& n = c.loops;
              for (Index i = 0; i < n.count[0]; ++i)
                for (Index j = 0; j < n.count[1]; ++j)
                  for (Index k = 0; k < n.count[2]; ++k)
                    expected += left[static_cast<std::size_t>(r)][i * n.left[0] + j * n.left[1] + k * n.left[2]] *
                                right[static_cast<std::size_t>(i * n.right[0] + j * n.right[1] + k * n.right[2] +
                                                               p * c.distance + l)];
              if (tile.sums[lane(r, p * size + l, size)] != expected)
                FAIL_CHECK("row " << r << " packet " << p << " lane " << l << ": expected " << expected << ", got "
                                  << tile.sums[lane(r, p * size + l, size)]);
            }
      }
  SUCCEED();
}

TEST_CASE("tile: loops merge only where both operands go on") {
  SumLoops both{{2, 3, 4}, {99, 4, 1}, {99, 128, 32}}, left_jumps = both, right_jumps = both, backward = both;
  both.merge_inner();
  CHECK(both.count[0] == 2);
  CHECK(both.count[1] == 1);
  CHECK(both.count[2] == 12);
  left_jumps.left[1] = 5;
  right_jumps.right[1] = 160;
  backward.left[1] = -4;
  for (SumLoops* loops : {&left_jumps, &right_jumps, &backward}) {
    loops->merge_inner();
    CHECK(loops->count[1] == 3);
    CHECK(loops->count[2] == 4);
  }
}

TEMPLATE_TEST_CASE("tile: an output tile writes its own columns and no others, and adds the bias first", "", float,
                   double) {
  using S = TestType;
  constexpr Index size = packet_size<S>, terms = 3;
  for (Index columns = 1; columns <= 2 * size; ++columns)
    for (const int rows : {1, 2, tile_rows - 1, tile_rows}) {
      const int packets = columns > size ? 2 : 1;
      INFO(rows << " rows, " << columns << " columns");
      const Index first = 2, stride = first + columns;  // the destination's rows are wider than the tile
      const std::vector<S> left = whole_numbers<S>(rows * terms, 1),
                           packed = whole_numbers<S>(terms * packets * size, 2), bias = whole_numbers<S>(stride, 3),
                           gate = whole_numbers<S>(rows * stride, 4);
      std::vector<S> destination(static_cast<std::size_t>(rows * stride), S(77));
      std::vector<const S*> sources;
      std::vector<Index> begins;
      for (Index r = 0; r < rows; ++r) {
        sources.push_back(left.data() + r * terms);
        begins.push_back((rows - 1 - r) * stride);  // in any order
      }
      SumLoops loops{{1, 1, terms}, {0, 0, 1}, {0, 0, packets * size}};
      output_tile<S>(rows, packets,
                     {sources.data(),
                      packed.data(),
                      loops,
                      destination.data(),
                      begins.data(),
                      first,
                      columns,
                      {bias.data(), S(0.25), gate.data(), S(0.5)}});
      for (Index r = 0; r < rows; ++r)
        for (Index c = 0; c < stride; ++c) {
          const auto at = static_cast<std::size_t>(begins[static_cast<std::size_t>(r)] + c);
          S expected = S(77);
          if (c >= first) {
            expected = bias[static_cast<std::size_t>(c)];
            for (Index k = 0; k < terms; ++k)
              expected += left[static_cast<std::size_t>(r * terms + k)] *
                          packed[static_cast<std::size_t>(k * packets * size + c - first)];
            if (!(expected > 0)) expected *= S(0.25);
            if (!(gate[at] > 0)) expected *= S(0.5);
          }
          CHECK(destination[at] == expected);
        }
    }
}

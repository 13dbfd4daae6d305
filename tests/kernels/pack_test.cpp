#include "rival/kernels/tile/pack.hpp"

#include <limits>
#include <vector>

#include "catch.hpp"

using namespace rival;
using kernels::ColumnBlocks;

TEMPLATE_TEST_CASE("pack: column blocks", "", float, double) {
  constexpr Index size = kernels::packet_size<TestType>;
  const auto blocks = [](Index columns) { return ColumnBlocks<TestType>{columns}; };
  CHECK(blocks(1).width == 2 * size);
  CHECK(blocks(1).count() == 1);
  CHECK(blocks(1).packets_of(0) == 1);
  CHECK(blocks(size).packets() == 1);
  CHECK(blocks(size + 1).packets() == 2);
  CHECK(blocks(2 * size).count() == 1);
  CHECK(blocks(2 * size).packets_of(0) == 2);
  CHECK(blocks(2 * size + 1).count() == 2);
  CHECK(blocks(2 * size + 1).packets_of(0) == 2);
  CHECK(blocks(2 * size + 1).packets_of(1) == 1);
  CHECK(blocks(2 * size + 1).packed_size(7) == 7 * 3 * size);
}

TEMPLATE_TEST_CASE("pack: every weight at its place, zeros behind the last column", "", float, double) {
  using S = TestType;
  constexpr Index size = kernels::packet_size<S>;
  constexpr std::size_t margin = 64;
  for (const Index columns : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65})
    for (const Index rows : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33})
      for (const Index taps : {1, 3})
        for (const bool transposed : {false, true}) {
          INFO(taps << " taps, " << rows << " rows, " << columns << " columns" << (transposed ? ", transposed" : ""));
          std::vector<S> from(static_cast<std::size_t>(taps * rows * columns));
          for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<S>(i + 1);
          const ColumnBlocks<S> blocks{columns};
          const auto packed_size = static_cast<std::size_t>(blocks.packed_size(taps * rows));
          std::vector<S> to(packed_size + margin, S(-1));
          std::fill(to.begin(), to.begin() + static_cast<Index>(packed_size), std::numeric_limits<S>::quiet_NaN());
          kernels::pack(from.data(), transposed, taps, rows, columns, to.data());

          std::vector<S> expected;
          for (Index block = 0; block < blocks.count(); ++block)
            for (Index tap = 0; tap < taps; ++tap)
              for (Index r = 0; r < rows; ++r)
                for (Index i = 0; i < blocks.packets_of(block) * size; ++i) {
                  const Index c = block * blocks.width + i;
                  const Index at = tap * rows * columns + (transposed ? c * rows + r : r * columns + c);
                  expected.push_back(c < columns ? from[static_cast<std::size_t>(at)] : S(0));
                }
          expected.resize(expected.size() + margin, S(-1));
          CHECK(to == expected);
        }
}

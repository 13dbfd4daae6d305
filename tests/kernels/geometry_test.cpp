// Segments against the definition of a convolution, one destination and one tap at a time.

#include "rival/kernels/convolution/geometry.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace rival;
using kernels::Segment;

namespace {

/// The (tap, source) pairs of a destination, by ascending tap.
using Reads = std::vector<std::pair<Index, Index>>;

/// What the segments make each destination read; empty and a failure if one is not covered exactly once.
std::vector<Reads> reads_of(const std::vector<Segment>& segments, Index destinations) {
  std::vector<Reads> all(static_cast<std::size_t>(destinations));
  std::vector<int> covered(all.size());
  for (const Segment& s : segments) {
    CHECK(s.count > 0);
    for (Index i = 0; i < s.count; ++i) {
      const Index at = s.first + i * s.step;
      REQUIRE((at >= 0 && at < destinations));
      ++covered[static_cast<std::size_t>(at)];
      Reads& reads = all[static_cast<std::size_t>(at)];
      for (Index t = 0; t < s.taps; ++t)
        reads.emplace_back(s.tap_first + t * s.tap_step, s.source_first + i * s.source_step + t * s.source_tap_step);
      std::sort(reads.begin(), reads.end());
    }
  }
  CHECK(covered == std::vector<int>(all.size(), 1));
  return all;
}

template <class Check>
void for_each_axis(const Check& check) {
  for (const Index in : {1, 2, 3, 7, 8})
    for (Index kernel = 1; kernel <= 6; ++kernel)
      for (Index stride = 1; stride <= 5; ++stride)
        for (Index pad = 0; pad <= 8; pad += pad < 4 ? 1 : 4)
          for (const Index out :
               {1, 2, 5, 9}) {  // on its own, so that some see padding alone and some ins are not read
            INFO("in " << in << " out " << out << " kernel " << kernel << " stride " << stride << " pad " << pad);
            check(in, out, kernel, stride, pad);
          }
}

}  // namespace

TEST_CASE("geometry: output segments cover every output once, with the taps inside the image") {
  std::vector<Segment> segments;
  for_each_axis([&](Index in, Index out, Index kernel, Index stride, Index pad) {
    std::vector<Reads> expected(static_cast<std::size_t>(out));
    for (Index y = 0; y < out; ++y)
      for (Index tap = 0; tap < kernel; ++tap) {
        const Index source = y * stride - pad + tap;
        if (source >= 0 && source < in) expected[static_cast<std::size_t>(y)].emplace_back(tap, source);
      }
    kernels::output_segments(in, out, kernel, stride, pad, segments);
    CHECK(reads_of(segments, out) == expected);
  });
}

TEST_CASE("geometry: input gradient segments cover every input once, with the outputs that read it") {
  std::vector<Segment> segments;
  for_each_axis([&](Index in, Index out, Index kernel, Index stride, Index pad) {
    std::vector<Reads> expected(static_cast<std::size_t>(in));
    for (Index tap = 0; tap < kernel; ++tap)
      for (Index y = 0; y < out; ++y) {
        const Index x = y * stride - pad + tap;
        if (x >= 0 && x < in) expected[static_cast<std::size_t>(x)].emplace_back(tap, y);
      }
    kernels::input_gradient_segments(in, out, kernel, stride, pad, segments);
    CHECK(reads_of(segments, in) == expected);
  });
}

TEST_CASE("geometry: pixels that share their taps share a segment") {
  std::vector<Segment> segments;
  kernels::output_segments(28, 28, 5, 1, 2, segments);
  CHECK(segments.size() == 5);  // two at each border, and the middle
  kernels::output_segments(28, 14, 4, 2, 1, segments);
  CHECK(segments.size() == 3);
  kernels::input_gradient_segments(28, 14, 4, 2, 1, segments);
  CHECK(segments.size() == 4);  // two phases, each with one pixel at a border
  kernels::input_gradient_segments(10, 4, 1, 3, 0, segments);
  CHECK(segments.size() == 3);  // one phase with a tap, two without
}

TEST_CASE("geometry: counts pixels, taps and operations") {
  const kernels::ConvGeometry g{
      .batch = 3, .in_h = 5, .in_w = 7, .in_c = 2, .out_h = 4, .out_w = 6, .out_c = 11, .kernel_h = 2, .kernel_w = 3};
  CHECK(g.taps() == 6);
  CHECK(g.in_pixels() == 35);
  CHECK(g.out_pixels() == 24);
  CHECK(g.flops() == 2.0 * 3 * 24 * 6 * 2 * 11);
}

#include "rival/image/y4m.hpp"

#include <sstream>

#include "catch.hpp"

using namespace rival;

TEST_CASE("y4m: header, frames and planes, with the values of BT.601") {
  std::ostringstream out;
  // Black, white, red; green, blue, grey 128.
  const Image colours{2, 3, 3, {0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 128, 128, 128}};
  write_y4m(out, {colours, colours}, 25);
  const std::string frame =
      "FRAME\n"
      "\x10\xeb\x51\x91\x29\x7e"   // 16 235 81 145 41 126
      "\x80\x80\x5a\x36\xf0\x80"   // 128 128 90 54 240 128
      "\x80\x80\xf0\x22\x6e\x80";  // 128 128 240 34 110 128
  CHECK(out.str() == "YUV4MPEG2 W3 H2 F25:1 Ip A1:1 C444\n" + frame + frame);
}

TEST_CASE("y4m: grey pictures are colours without any") {
  std::ostringstream out;
  write_y4m(out, {{1, 2, 1, {0, 255}}}, 1);
  CHECK(out.str() == "YUV4MPEG2 W2 H1 F1:1 Ip A1:1 C444\nFRAME\n\x10\xeb\x80\x80\x80\x80");
}

TEST_CASE("y4m: what cannot be written is refused") {
  std::ostringstream out;
  CHECK_THROWS_WITH(write_y4m(out, {}, 25), "y4m: expected at least one frame, got none");
  CHECK_THROWS_WITH(write_y4m(out, {{1, 1, 1, {0}}}, 0), "y4m: expected a rate of 1 to 1000 frames a second, got 0");
  CHECK_THROWS_WITH(write_y4m(out, {{1, 1, 1, {0}}, {1, 2, 1, {0, 0}}}, 1),
                    "y4m: expected frames of 1x1 like the first, got 1x2");
  CHECK_THROWS_WITH(write_y4m(out, {Image{}}, 1), Catch::StartsWith("y4m: "));
  CHECK(out.str().empty());
  out.setstate(std::ios::badbit);
  CHECK_THROWS_WITH(write_y4m(out, {{1, 1, 1, {0}}}, 1), "y4m: the stream takes no more");
}

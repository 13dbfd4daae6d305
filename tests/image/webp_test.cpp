#include "rival/image/webp.hpp"

#include <filesystem>

#include "catch.hpp"
#include "rival/io/npy.hpp"

using namespace rival;

namespace {

const std::filesystem::path fixtures = std::filesystem::path(RIVAL_FIXTURES_DIR) / "pictures";

}  // namespace

TEST_CASE("webp: pictures are what Pillow makes of them") {
  for (const std::string name : {"lossless.webp", "lossy.webp", "through.webp"}) {
    INFO(name);
    const Image image = read_image(fixtures / name);
    const auto expected = read_npy<std::uint8_t>(fixtures / (name + ".npy"));
    REQUIRE(expected.shape() == Shape({image.height, image.width, image.channels}));
    int most = 0;  // over white: a rounding apart
    for (Index i = 0; i < expected.size(); ++i)
      most = std::max(most, std::abs(int{expected[i]} - int{image.bytes[static_cast<std::size_t>(i)]}));
    CHECK(most <= (name == "through.webp" ? 1 : 0));
  }
}

TEST_CASE("webp: what is damaged, or an animation, is refused") {
  CHECK_THROWS_WITH(read_image(fixtures / "animated.webp"),
                    Catch::Matchers::EndsWith(": it is an animated WebP, which is not read"));
  const std::string whole = internal::read_whole("picture", fixtures / "lossless.webp");
  for (std::size_t size = 0; size + 1 < whole.size(); ++size)  // the last byte fills up to an even number
    CHECK_THROWS_AS(decode_image(std::string_view(whole).substr(0, size), "it"), Error);
}

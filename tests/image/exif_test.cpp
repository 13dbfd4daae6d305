#include "rival/image/exif.hpp"

#include <cstdlib>
#include <filesystem>

#include "catch.hpp"
#include "rival/io/npy.hpp"

using namespace rival;

TEST_CASE("exif: a picture is turned upright, whichever way the camera was held") {
  const std::filesystem::path fixtures = std::filesystem::path(RIVAL_FIXTURES_DIR) / "pictures";
  const auto expected = read_npy<std::uint8_t>(fixtures / "upright.npy");
  for (int orientation = 1; orientation <= 8; ++orientation) {
    INFO("orientation " << orientation);
    const auto path = fixtures / ("orientation" + std::to_string(orientation) + ".jpg");
    const Image image = read_image(path);
    REQUIRE(expected.shape() == Shape({image.height, image.width, image.channels}));
    int most = 0;  // what JPEG loses of a smooth picture
    for (Index i = 0; i < expected.size(); ++i)
      most = std::max(most, std::abs(int{expected[i]} - int{image.bytes[static_cast<std::size_t>(i)]}));
    CHECK(most <= 16);
    CHECK(internal::orientation_of(internal::read_whole("picture", path)) == orientation);
  }
  CHECK(internal::orientation_of(internal::read_whole("picture", fixtures / "colour.jpg")) == 1);
  CHECK(internal::orientation_of(internal::read_whole("picture", fixtures / "colour.png")) == 1);
  CHECK(internal::orientation_of("\xff\xd8") == 1);
}

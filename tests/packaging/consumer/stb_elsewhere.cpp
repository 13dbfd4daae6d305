// stb_image_write as declared here and defined in stb_after.cpp, around Rival's header.
#include <stb/stb_image_write.h>

#include <rival/image/png.hpp>

bool write_elsewhere();

bool write_elsewhere() {
  rival::write_png("elsewhere.png", rival::Image{1, 1, 1, {7}});
  const unsigned char pixel = 7;
  return stbi_write_png("own.png", 1, 1, 1, &pixel, 1) != 0;
}

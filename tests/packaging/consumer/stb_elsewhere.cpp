// stb_image_write and stb_image as declared here and defined in stb_after.cpp, around Rival's headers.
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>

#include <rival/image/png.hpp>
#include <rival/image/read_image.hpp>

bool write_elsewhere();

bool write_elsewhere() {
  rival::write_png("elsewhere.png", rival::Image{1, 1, 1, {7}});
  const unsigned char pixel = 7;
  if (rival::read_image("elsewhere.png").bytes[0] != 7) return false;
  int width = 0, height = 0, channels = 0;
  if (stbi_write_png("own.png", 1, 1, 1, &pixel, 1) == 0) return false;
  unsigned char* own = stbi_load("own.png", &width, &height, &channels, 0);
  const bool same = own != nullptr && own[0] == 7;
  stbi_image_free(own);
  return same;
}

// A user's own stb_image_write in front of Rival's header, with settings of its own.
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

#include <rival/image/png.hpp>

#ifndef STB_IMAGE_WRITE_IMPLEMENTATION
#error "png.hpp takes away what the user has defined"
#endif

namespace {
void count(void* bytes, void*, int size) { *static_cast<int*>(bytes) += size; }
}  // namespace

int main() {
  rival::write_png("before.png", rival::Image{1, 1, 1, {7}});
  int bytes = 0;
  const unsigned char pixel = 7;
  return stbi_write_png_to_func(count, &bytes, 1, 1, 1, &pixel, 1) != 0 && bytes > 0 ? 0 : 1;
}

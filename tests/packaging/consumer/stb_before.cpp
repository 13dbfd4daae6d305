// A user's own stb_image_write and stb_image in front of Rival's headers, with settings of its own.
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#include <stb/stb_image.h>

#include <rival/image/png.hpp>
#include <rival/image/read_image.hpp>

#if !defined(STB_IMAGE_WRITE_IMPLEMENTATION) || !defined(STBI_ONLY_PNG)
#error "png.hpp or read_image.hpp takes away what the user has defined"
#endif

namespace {
void count(void* bytes, void*, int size) { *static_cast<int*>(bytes) += size; }
}  // namespace

int main() {
  rival::write_png("before.png", rival::Image{1, 1, 1, {7}});
  if (rival::read_image("before.png").bytes[0] != 7) return 1;
  int width = 0, height = 0, channels = 0;
  unsigned char* own = stbi_load("before.png", &width, &height, &channels, 0);
  if (own == nullptr || own[0] != 7) return 1;
  stbi_image_free(own);
  int bytes = 0;
  const unsigned char pixel = 7;
  return stbi_write_png_to_func(count, &bytes, 1, 1, 1, &pixel, 1) != 0 && bytes > 0 ? 0 : 1;
}

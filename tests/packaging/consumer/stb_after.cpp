// A user's own stb_image_write and stb_image behind Rival's headers, with an allocator of its own, and for other files
// to call.
#include <rival/image/png.hpp>
#include <rival/image/read_image.hpp>

#include <cstdlib>

namespace {
int allocations = 0;
void* allocate(void* old, std::size_t size) {
  ++allocations;
  return std::realloc(old, size);
}
}  // namespace

#define STBIW_MALLOC(size) allocate(nullptr, size)
#define STBIW_REALLOC(old, size) allocate(old, size)
#define STBIW_FREE(old) std::free(old)
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>
#define STBI_MALLOC(size) allocate(nullptr, size)
#define STBI_REALLOC(old, size) allocate(old, size)
#define STBI_FREE(old) std::free(old)
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

bool write_elsewhere();

int main() {
  rival::write_png("after.png", rival::Image{1, 1, 1, {7}});
  if (rival::read_image("after.png").bytes[0] != 7) return 1;
  if (allocations != 0) return 1;
  return write_elsewhere() && allocations > 0 ? 0 : 1;
}

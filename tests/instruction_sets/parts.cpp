// A program of one such file, or of two.
#include <cstdio>

long part_v2();
long part_v3();

int main() {
  std::printf("%ld\n", part_v2());
#ifdef TWO
  std::printf("%ld\n", part_v3());
#endif
}

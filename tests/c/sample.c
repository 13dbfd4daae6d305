/* sample_in_c WEIGHTS COUNT SEED OUT: writes the samples' floats to OUT. Exits with 1 and the error when that fails. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rival/rival.h"

static int fail(void) {
  fprintf(stderr, "%s\n", rival_last_error());
  return 1;
}

int main(int argc, char** argv) {
  rival_generator* generator;
  int64_t count, size, i;
  uint16_t* labels = NULL;
  float* samples;
  FILE* out;
  int failed = 1;

  if (argc != 5) return 2;
  generator = rival_load_generator(argv[1]);
  if (!generator) return fail();
  count = strtoll(argv[2], NULL, 10);
  size = count * rival_sample_size(generator);
  samples = malloc((size_t)size * sizeof *samples);
  if (rival_class_count(generator) > 0) {
    labels = malloc((size_t)count * sizeof *labels);
    for (i = 0; labels && i < count; ++i) labels[i] = (uint16_t)(i % rival_class_count(generator));
  }
  out = fopen(argv[4], "wb");
  if (!samples || !out) return 2;
  if (rival_sample(generator, count, strtoull(argv[3], NULL, 10), labels, 0, samples, size) == 0)
    failed = fwrite(samples, sizeof *samples, (size_t)size, out) != (size_t)size;
  else
    failed = fail();
  failed |= fclose(out) != 0;
  free(labels);
  free(samples);
  rival_free_generator(generator);
  return failed;
}

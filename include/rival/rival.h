/** \file
 * Rival's C interface: trained generators, loaded and sampled from C or any language that calls it. The functions are
 * in the shared library rival_c.
 *
 *     rival_generator* generator = rival_load_generator("generator.safetensors");
 *     if (!generator) { puts(rival_last_error()); return 1; }
 *     const int64_t size = rival_sample_size(generator);
 *     float* samples = malloc(64 * size * sizeof(float));
 *     if (rival_sample(generator, 64, 7, NULL, 0, samples, 64 * size) != 0) puts(rival_last_error());
 *     rival_free_generator(generator);
 *
 * No exception leaves a function, and NULL is an error, never a crash. A function that fails says why by
 * rival_last_error. Several threads may use one generator at once; one may free it when none does.
 */
#ifndef RIVAL_H
#define RIVAL_H

#include <stdint.h>

#if defined(_WIN32) && defined(RIVAL_C_BUILDS)
#define RIVAL_API __declspec(dllexport)
#elif defined(_WIN32)
#define RIVAL_API __declspec(dllimport)
#elif defined(__GNUC__)
#define RIVAL_API __attribute__((visibility("default")))
#else
#define RIVAL_API
#endif

#ifdef __cplusplus
#define RIVAL_NOEXCEPT noexcept
extern "C" {
#else
#define RIVAL_NOEXCEPT
#endif

/** A generator, with its weights in 32-bit floats, whatever the file has. */
typedef struct rival_generator rival_generator;

/** The library's version, such as "0.1.0". */
RIVAL_API const char* rival_version(void) RIVAL_NOEXCEPT;

/** Why the last function that failed on this thread did, in one line if not of a file of many faults; "" if none has.
 * Valid until the next one fails on this thread. At most 1023 bytes, UTF-8. */
RIVAL_API const char* rival_last_error(void) RIVAL_NOEXCEPT;

/** So many threads are to compute from now on; by themselves as many as there are cores. Samples are the same with any
 * number. Returns 0, or -1 if `threads` is below 1. */
RIVAL_API int rival_set_threads(int threads) RIVAL_NOEXCEPT;

/** The generator of a safetensors file that Rival has written, to be given to rival_free_generator in the end. NULL if
 * there is none or it is damaged. */
RIVAL_API rival_generator* rival_load_generator(const char* path) RIVAL_NOEXCEPT;

/** Does nothing for NULL. */
RIVAL_API void rival_free_generator(rival_generator* generator) RIVAL_NOEXCEPT;

/** Numbers in a latent vector; -1 for NULL. */
RIVAL_API int64_t rival_latent_size(const rival_generator* generator) RIVAL_NOEXCEPT;

/** Floats in a sample; -1 for NULL. */
RIVAL_API int64_t rival_sample_size(const rival_generator* generator) RIVAL_NOEXCEPT;

/** Axes of a sample, at most 8: 3 of an image, height x width x channels with values in [-1, 1]; 1 of a vector, such as
 * a point in the plane. -1 for NULL. */
RIVAL_API int rival_sample_rank(const rival_generator* generator) RIVAL_NOEXCEPT;

/** A sample's extent along an axis, the first one being 0. -1 for NULL, and when there is no such axis. */
RIVAL_API int64_t rival_sample_extent(const rival_generator* generator, int axis) RIVAL_NOEXCEPT;

/** Parameters that were trained; -1 for NULL. */
RIVAL_API int64_t rival_parameter_count(const rival_generator* generator) RIVAL_NOEXCEPT;

/** Classes that a label chooses from: 0 if the generator takes no labels, -1 for NULL. */
RIVAL_API int64_t rival_class_count(const rival_generator* generator) RIVAL_NOEXCEPT;

/** What the training data call class 0, 1, ...; valid as long as the generator. NULL when there is no such class. */
RIVAL_API const char* rival_class_name(const rival_generator* generator, int64_t which) RIVAL_NOEXCEPT;

/** Draws `count` >= 1 latent vectors from the seed, and writes their samples one behind the other.
 *
 * The same seed and count give the same samples, and those that C++, compiled with the same flags, gives by
 * `Random random(seed)` and `sampler.sample(count, random, labels)`. Samples of a smaller count are the first of a
 * larger one, unless latent vectors are truncated or have uniform numbers (InfoGAN).
 *
 * labels      one class a sample, or NULL for a generator that takes none
 * truncation  0, or the threshold, at least 0.01, beyond which normal numbers are drawn again: the truncation trick
 * samples     room for `capacity` floats, at least count * rival_sample_size(generator)
 *
 * Returns 0, or -1 and leaves `samples` as they were. */
RIVAL_API int rival_sample(const rival_generator* generator, int64_t count, uint64_t seed, const uint16_t* labels,
                           double truncation, float* samples, int64_t capacity) RIVAL_NOEXCEPT;

/** The same for `count` latent vectors of the caller's, rival_latent_size(generator) floats each. */
RIVAL_API int rival_sample_latents(const rival_generator* generator, int64_t count, const float* latents,
                                   const uint16_t* labels, float* samples, int64_t capacity) RIVAL_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif

// The library rival_c: see rival.h.
#define RIVAL_C_BUILDS
#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "rival/core/parallel.hpp"
#include "rival/core/version.hpp"
#include "rival/io/sampler.hpp"
#include "rival/rival.h"

struct rival_generator {
  explicit rival_generator(rival::Sampler<> loaded) : sampler(std::move(loaded)) {
    for (rival::Index k = 0; k < sampler.classes(); ++k) class_names.push_back(sampler.class_name(k));
    rival::Generator<> copy = sampler.generator();  // parameters are for those who may change them
    for (const auto* parameter : copy.parameters()) parameters += parameter->value.size();
  }

  rival::Sampler<> sampler;
  std::vector<std::string> class_names;
  std::int64_t parameters = 0;
};

namespace {

// Of fixed size, so that to say that there is no memory takes none.
thread_local char last_error[1024] = "";

void remember(const char* function, const char* what) noexcept {
  const std::size_t room = sizeof last_error - 1;
  std::size_t used = 0;
  for (const char* part : {function, ": ", what}) {
    const std::size_t length = std::min(std::strlen(part), room - used);
    std::memcpy(last_error + used, part, length);
    used += length;
  }
  if (used == room) {  // no half of a UTF-8 character
    while (used > 0 && (last_error[used - 1] & 0xC0) == 0x80) --used;
    if (used > 0 && (last_error[used - 1] & 0x80) != 0) --used;
  }
  last_error[used] = '\0';
}

/// What `body` returns, or `failed` when it throws.
template <class T, class Body>
T guarded(const char* function, T failed, Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    remember(function, "not enough memory");
  } catch (const std::exception& error) {
    remember(function, error.what());
  } catch (...) {
    remember(function, "an unknown exception");
  }
  return failed;
}

const rival_generator& checked(const rival_generator* generator) {
  rival::require(generator != nullptr, "expected a generator, got NULL");
  return *generator;
}

/// Writes the samples of the vectors that `draw` gives.
template <class Draw>
int sample(const rival_generator* from, std::int64_t count, const std::uint16_t* labels, float* samples,
           std::int64_t capacity, const Draw& draw) {
  const rival::Sampler<>& sampler = checked(from).sampler;
  rival::require(count >= 1, "expected a count of at least 1, got ", count);
  rival::require(samples != nullptr, "expected room for samples, got NULL");
  const std::int64_t size = sampler.generator().output_shape().size();
  rival::require(count <= capacity / size, "expected room for ", count, " samples of ", size, " floats, got ",
                 capacity);
  rival::Labels classes;
  if (labels) classes = {labels, static_cast<std::size_t>(count)};
  const rival::Tensor<float> made = sampler.sample(draw(sampler), classes);
  std::copy_n(made.data(), made.size(), samples);
  return 0;
}

}  // namespace

const char* rival_version() noexcept { return rival::version.data(); }

const char* rival_last_error() noexcept { return last_error; }

int rival_set_threads(int threads) noexcept {
  return guarded("rival_set_threads", -1, [&] {
    rival::require(threads >= 1, "expected at least 1 thread, got ", threads);
    rival::set_threads(threads);
    return 0;
  });
}

rival_generator* rival_load_generator(const char* path) noexcept {
  return guarded("rival_load_generator", static_cast<rival_generator*>(nullptr), [&] {
    rival::require(path != nullptr, "expected a path, got NULL");
    return new rival_generator(rival::load_sampler(path));
  });
}

void rival_free_generator(rival_generator* generator) noexcept { delete generator; }

std::int64_t rival_latent_size(const rival_generator* generator) noexcept {
  return guarded("rival_latent_size", std::int64_t{-1},
                 [&] { return std::int64_t{checked(generator).sampler.generator().latent()}; });
}

std::int64_t rival_sample_size(const rival_generator* generator) noexcept {
  return guarded("rival_sample_size", std::int64_t{-1},
                 [&] { return std::int64_t{checked(generator).sampler.generator().output_shape().size()}; });
}

int rival_sample_rank(const rival_generator* generator) noexcept {
  return guarded("rival_sample_rank", -1,
                 [&] { return static_cast<int>(checked(generator).sampler.generator().output_shape().rank()); });
}

std::int64_t rival_sample_extent(const rival_generator* generator, int axis) noexcept {
  return guarded("rival_sample_extent", std::int64_t{-1}, [&] {
    const rival::Shape shape = checked(generator).sampler.generator().output_shape();
    rival::require(axis >= 0 && axis < shape.rank(), "expected an axis from 0 to ", shape.rank() - 1, ", got ", axis);
    return std::int64_t{shape[axis]};
  });
}

std::int64_t rival_parameter_count(const rival_generator* generator) noexcept {
  return guarded("rival_parameter_count", std::int64_t{-1}, [&] { return checked(generator).parameters; });
}

std::int64_t rival_class_count(const rival_generator* generator) noexcept {
  return guarded("rival_class_count", std::int64_t{-1},
                 [&] { return std::int64_t{checked(generator).sampler.classes()}; });
}

const char* rival_class_name(const rival_generator* generator, std::int64_t which) noexcept {
  return guarded("rival_class_name", static_cast<const char*>(nullptr), [&] {
    const auto& names = checked(generator).class_names;
    const auto count = static_cast<std::int64_t>(names.size());
    rival::require(which >= 0 && which < count, "expected one of ", count, " classes, got ", which);
    return names[static_cast<std::size_t>(which)].c_str();
  });
}

int rival_sample(const rival_generator* generator, std::int64_t count, std::uint64_t seed, const std::uint16_t* labels,
                 double truncation, float* samples, std::int64_t capacity) noexcept {
  return guarded("rival_sample", -1, [&] {
    return sample(generator, count, labels, samples, capacity, [&](const rival::Sampler<>& sampler) {
      rival::Random random(seed);
      return sampler.latents(count, random, truncation == 0 ? std::optional<double>() : truncation);
    });
  });
}

int rival_sample_latents(const rival_generator* generator, std::int64_t count, const float* latents,
                         const std::uint16_t* labels, float* samples, std::int64_t capacity) noexcept {
  return guarded("rival_sample_latents", -1, [&] {
    rival::require(latents != nullptr, "expected latent vectors, got NULL");
    return sample(generator, count, labels, samples, capacity, [&](const rival::Sampler<>& sampler) {
      rival::Tensor<float> vectors({static_cast<rival::Index>(count), sampler.generator().latent()});
      std::copy_n(latents, vectors.size(), vectors.data());
      return vectors;
    });
  });
}

// A warm step allocates nothing. This file replaces the program's operator new by one that counts.
#include "catch.hpp"
#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "rival/optim/clipping.hpp"
#include "rival/optim/make_optimizer.hpp"

namespace {
std::atomic<long> allocations{0};

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  if (void* memory = std::aligned_alloc(alignment, rounded > 0 ? rounded : alignment)) return memory;
  throw std::bad_alloc();
}
}  // namespace

// Not inlined, or compilers see only one half of a pair and warn that it does not match the other.
[[gnu::noinline]] void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, alignof(std::max_align_t));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

using namespace rival;

TEST_CASE("optimizer: a warm step allocates nothing") {
  const int before = threads();
  set_threads(2);
  Parameter<float> large("large", {100'000}), small("small", {7});
  const std::vector<Parameter<float>*> list{&large, &small};
  const auto schedule = warm_up(10, cosine({.steps = 100}));
  for (const OptimizerOptions& options :
       {OptimizerOptions(SgdOptions{.momentum = 0.9, .schedule = schedule}),
        OptimizerOptions(RmsPropOptions{.momentum = 0.9, .centered = true, .schedule = schedule}),
        OptimizerOptions(AdamOptions{.schedule = schedule}), OptimizerOptions(AdamWOptions{.schedule = schedule})}) {
    const auto optimizer = make_optimizer(list, options);
    long made = 0;
    for (int t = 0; t < 3; ++t) {
      large.grad.fill(1);
      const long start = allocations;
      clip_gradient_norm(list, 0.5);
      clip_gradient_value(list, 0.5);
      optimizer->step();
      clip_weights(list, 0.01);
      if (t > 0) made += allocations - start;
    }
    INFO(optimizer->kind());
    CHECK(made == 0);
  }
  const long start = allocations;
  Tensor<float> counted({10});
  CHECK(allocations == start + 1);  // the counter counts
  set_threads(before);
}

// A warm training step allocates nothing.
#include "catch.hpp"
#include "counting_new.hpp"
#include "short_training.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

#include "rival/gan/recipes/recipes.hpp"
#include "rival/gan/recipes/semi_supervised.hpp"

using namespace rival;
using rival_test::allocations;
using rival_test::ShortTraining;

namespace {

/// What the steps from the fourth on allocate, to the end of the second epoch.
long warm_allocations(ShortTraining& training, const std::function<void()>& in_each_step = {}) {
  long start = 0, end = 0;
  training.trainer.fit(training.images, {.epochs = 2, .on_step = [&](const StepReport& report) {
                                           if (in_each_step) in_each_step();
                                           if (report.steps_done == 3) start = allocations;
                                           end = allocations;
                                         }});
  REQUIRE((!RIVAL_TEST_COUNTS_NEW || start > 0));
  return end - start;
}

}  // namespace

TEST_CASE("trainer: a warm step allocates nothing") {
  const int before = threads();
  for (const auto& architecture : rival_test::architectures)
    for (const int count : {1, 2, 4}) {
      set_threads(count);
      ShortTraining training(architecture);
      INFO(architecture << " on " << count << " threads");
      CHECK(warm_allocations(training) == 0);
    }
  set_threads(before);
}

TEST_CASE("trainer: several discriminator steps allocate nothing either, and a step by itself") {
  ShortTraining training("dense");
  AdversarialTrainer<> trainer(training.generator, training.discriminator, {.batch = 7, .discriminator_steps = 3});
  long start = 0, end = 0;
  trainer.fit(training.images, {.epochs = 3, .on_step = [&](const StepReport& report) {
                                  if (report.steps_done == 3) start = allocations;
                                  end = allocations;
                                }});
  CHECK(end == start);

  Tensor<> real({13, 28, 28, 1}), latent({13, 100}, 0.5f);
  for (int i = 0; i < 3; ++i) {
    if (i == 2) start = allocations;
    training.trainer.step(real);
    training.trainer.step(real, latent);
  }
  end = allocations;
  CHECK(end == start);
}

TEST_CASE("trainer: a warm step of every recipe allocates nothing, is finite and moves both networks") {
  for (const auto& named : named_recipes<float>()) {
    INFO(named.name);
    auto recipe = named.make({.classes = 10, .batch = 8, .seed = 1});
    recipe.options.steps = 500;  // steps by themselves do not say how many there will be
    AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
    Tensor<> real({8, 28, 28, 1});
    Random(2).stream("real").fill_uniform(real, -1.0f, 1.0f);
    const std::vector<Label> classes{0, 1, 2, 3, 4, 5, 6, 9};
    const Labels labels = recipe.options.labels == LabelSource::data ? Labels(classes) : Labels();
    const auto sum = [](Network<float>& network) {
      double total = 0;
      for (const auto* parameter : network.parameters())
        total += static_cast<double>(parameter->value.array().abs().sum());
      return total;
    };
    const double generator_then = sum(recipe.generator), discriminator_then = sum(recipe.discriminator);
    for (int i = 0; i < 3; ++i) trainer.step(real, labels);
    const long start = allocations;
    const StepReport report = trainer.step(real, labels);
    CHECK(allocations == start);
    CHECK(std::isfinite(report.discriminator_loss + report.generator_loss + report.penalty + report.auxiliary_loss));
    CHECK(sum(recipe.generator) != generator_then);
    CHECK(sum(recipe.discriminator) != discriminator_then);
  }
}

TEST_CASE("trainer: a warm step with labelled samples allocates nothing") {
  std::vector<std::uint8_t> bytes(30 * 784);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i / 7 % 251);
  std::vector<Label> labels;
  for (Label i = 0; i < 30; ++i) labels.push_back(static_cast<Label>(i % 10));
  auto recipe = recipes::semi_supervised<>({.batch = 8, .seed = 1, .width = 40},
                                           Dataset({28, 28, 1}, bytes, labels, 10, Transform{255}));
  recipe.options.steps = 500;
  AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
  Tensor<> real({8, 28, 28, 1});
  Random(2).stream("real").fill_uniform(real, 0.0f, 1.0f);
  for (int i = 0; i < 5; ++i) trainer.step(real);  // beyond an epoch of the labelled samples
  const long start = allocations;
  for (int i = 0; i < 5; ++i) trainer.step(real);
  CHECK(allocations == start);
}

#if RIVAL_TEST_COUNTS_NEW
TEST_CASE("trainer: the count of allocations sees each kind of them") {
  ShortTraining training("dense");
  CHECK(warm_allocations(training, [] { Tensor<> tensor({5}); }) > 0);
  // Through volatile pointers, or compilers leave out a memory that nobody uses.
  CHECK(warm_allocations(training, [] {
          const std::vector<int> list(100);
          [[maybe_unused]] const int* const volatile seen = list.data();
        }) > 0);
  const auto count = [](auto allocate, auto release) {
    const long start = allocations;
    void* volatile memory = allocate();
    const long end = allocations;
    release(memory);
    return end - start;
  };
  CHECK(count([] { return ::operator new(8); }, [](void* p) { ::operator delete(p); }) > 0);
#ifndef __SANITIZE_ADDRESS__  // whose forms for arrays do not call ours
  CHECK(count([] { return ::operator new[](8); }, [](void* p) { ::operator delete[](p); }) > 0);
#endif
  CHECK(count([] { return ::operator new(8, std::nothrow); }, [](void* p) { ::operator delete(p); }) > 0);
  constexpr std::align_val_t line{64};
  CHECK(count([] { return ::operator new(8, line); }, [](void* p) { ::operator delete(p, line); }) > 0);
#ifndef __SANITIZE_ADDRESS__
  CHECK(count([] { return ::operator new[](8, line); }, [](void* p) { ::operator delete[](p, line); }) > 0);
#endif
  CHECK(count([] { return ::operator new(8, line, std::nothrow); }, [](void* p) { ::operator delete(p, line); }) > 0);
#ifdef RIVAL_TEST_COUNTS_MALLOC
  const auto release = [](void* p) { std::free(p); };
  CHECK(count([] { return std::malloc(8); }, release) > 0);
  CHECK(count([] { return std::calloc(2, 8); }, release) > 0);
  CHECK(count([] { return std::realloc(nullptr, 8); }, release) > 0);
  CHECK(count([] { return Eigen::internal::aligned_malloc(8); }, [](void* p) { Eigen::internal::aligned_free(p); }) >
        0);
#endif
}
#endif

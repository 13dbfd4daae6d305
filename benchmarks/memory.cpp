// Training dcgan28 with all of MNIST loaded: the peak of resident memory. It is the whole process's, so only the first
// benchmark that a process runs tells its own. Names: memory/dcgan28/batch:<images>/threads:<threads>
// Options: --batches, --threads

#include <sys/resource.h>

#include "common.hpp"
#include "rival/data/mnist.hpp"

namespace {

void memory(benchmark::State& state) {
  rival::set_threads(static_cast<int>(state.range(1)));
  rival::Random random(1);
  rival::Mnist digits(RIVAL_MNIST_DIR);
  auto generator = rival::dcgan28_generator(random);
  auto discriminator = rival::dcgan28_discriminator(random);
  rival::AdversarialTrainer trainer(generator, discriminator, {.batch = static_cast<bench::Index>(state.range(0))});
  for (auto _ : state) trainer.fit(digits.train(), {.epochs = 1, .steps = 30});
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_bytes"] = 1024.0 * static_cast<double>(usage.ru_maxrss);
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv, {.batches = {64}}, [](const bench::Arguments& arguments) {
    benchmark::RegisterBenchmark("memory/dcgan28", memory)
        ->ArgNames({"batch", "threads"})
        ->ArgsProduct({arguments.batches, arguments.threads})
        ->Unit(benchmark::kMillisecond);
  });
}

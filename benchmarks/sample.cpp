// Generation: latency and images a second. Names: sample/<architecture>/images:<n>/threads:<threads>

#include "common.hpp"

namespace {

void sample(benchmark::State& state, const std::string& architecture) {
  rival::Random random(1);
  auto generator = architecture == "dense"     ? rival::dense_generator(random)
                   : architecture == "tfdcgan" ? rival::tfdcgan_generator(random)
                                               : rival::dcgan28_generator(random);
  const auto count = static_cast<bench::Index>(state.range(0));
  bench::measure(state, static_cast<int>(state.range(1)), bench::network_flops(generator, count).forward,
                 [&] { benchmark::DoNotOptimize(generator.sample(count, random).data()); }, static_cast<double>(count));
}

}  // namespace

int main(int argc, char** argv) {
  for (const char* architecture : {"dense", "dcgan28", "tfdcgan"})
    benchmark::RegisterBenchmark((std::string("sample/") + architecture).c_str(), sample, architecture)
        ->ArgNames({"images", "threads"})
        ->ArgsProduct({{1, 64, 10000}, {1, 2}})
        ->Unit(benchmark::kMillisecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}

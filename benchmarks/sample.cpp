// Generation: latency and images a second. Names: sample/<architecture>/images:<n>/threads:<threads> for one caller,
// and sample/<architecture>/images:<n>/users:<u> for several who share one network, each a thread that works alone.

#include <barrier>
#include <thread>

#include "common.hpp"

namespace {

struct Architecture {
  const char* name;
  rival::Generator<> (*generator)(const rival::Random&, rival::Index);
  rival::Generator<double> (*reference)(const rival::Random&, rival::Index);
};

constexpr Architecture architectures[] = {
    {"dense", rival::dense_generator<float>, rival::dense_generator<double>},
    {"dcgan28", rival::dcgan28_generator<float>, rival::dcgan28_generator<double>},
    {"tfdcgan", rival::tfdcgan_generator<float>, rival::tfdcgan_generator<double>},
};

/// A generator whose running statistics are not those that it starts with.
rival::Generator<> trained(const Architecture& architecture) {
  rival::Random random(1);
  auto generator = architecture.generator(random, 100);
  rival::Tensor<> latents({64, 100});
  rival::Trace<> trace;
  for (int step = 0; step < 10; ++step) {
    random.fill_normal(latents);
    generator.forward(latents, trace);
  }
  return generator;
}

/// Validation: the samples' largest difference from those of the same network in double, whose layers run one by one.
double error_of(const Architecture& architecture, rival::Generator<>& generator, bench::Index count) {
  auto reference = architecture.reference(rival::Random(1), 100);
  const auto copy = [](const auto& from, const auto& to) {
    for (std::size_t p = 0; p < from.size(); ++p) to[p]->value.array() = from[p]->value.array().template cast<double>();
  };
  copy(generator.parameters(), reference.parameters());
  copy(generator.buffers(), reference.buffers());
  rival::Tensor<> latents({count, 100});
  rival::Random(2).fill_normal(latents);
  rival::Tensor<double> wide(latents.shape());
  wide.array() = latents.array().cast<double>();
  rival::Trace<double> trace;
  const auto& expected = reference.layers().forward(wide, trace, {.mode = rival::Mode::eval});
  const auto got = generator.sample(latents);
  return bench::error_of(std::vector<double>(got.data(), got.data() + got.size()),
                         std::vector<double>(expected.data(), expected.data() + expected.size()));
}

bool valid(benchmark::State& state, const Architecture& architecture, rival::Generator<>& generator,
           bench::Index count) {
  if (error_of(architecture, generator, std::min<bench::Index>(count, 64)) < 1e-4) return true;
  state.SkipWithError("samples differ from those in double");
  return false;
}

void sample(benchmark::State& state, const Architecture& architecture) {
  rival::Random random(1);
  auto generator = trained(architecture);
  const auto count = static_cast<bench::Index>(state.range(0));
  if (!valid(state, architecture, generator, count)) return;
  bench::measure(
      state, static_cast<int>(state.range(1)), bench::network_flops(generator, count).forward,
      [&] { benchmark::DoNotOptimize(generator.sample(count, random).data()); }, static_cast<double>(count));
}

/// Every iteration, all users sample so often that starting them together costs nothing beside it. `latency` is the
/// median of all users' calls.
void users(benchmark::State& state, const Architecture& architecture) {
  auto generator = trained(architecture);
  const rival::Generator<>& shared = generator;
  const auto count = static_cast<bench::Index>(state.range(0));
  const auto team = static_cast<std::size_t>(state.range(1));
  if (!valid(state, architecture, generator, count)) return;
  const int calls = static_cast<int>(std::max<bench::Index>(1, 512 / count));

  std::vector<std::vector<double>> times(team);
  const auto use = [&](std::size_t user, rival::Random& random) {
    for (int call = 0; call < calls; ++call) {
      const double start = bench::seconds();
      benchmark::DoNotOptimize(shared.sample(count, random).data());
      times[user].push_back(bench::seconds() - start);
    }
  };
  std::barrier turn(static_cast<std::ptrdiff_t>(team));
  bool more = true;
  std::vector<std::thread> others;  // user 0 is this thread, whose clock the library reads
  for (std::size_t user = 1; user < team; ++user)
    others.emplace_back([&, user] {
      rival::set_threads(1);
      rival::Random random(user);
      while (true) {
        turn.arrive_and_wait();
        if (!more) return;
        use(user, random);
        turn.arrive_and_wait();
      }
    });
  rival::set_threads(1);
  rival::Random random(0);
  const auto round = [&] {
    const double start = bench::seconds();
    turn.arrive_and_wait();
    use(0, random);
    turn.arrive_and_wait();
    return bench::seconds() - start;
  };
  round();  // warm
  std::vector<double> rounds, latencies;
  for (auto _ : state) rounds.push_back(round());
  more = false;
  turn.arrive_and_wait();
  for (auto& thread : others) thread.join();
  for (const auto& of_user : times) latencies.insert(latencies.end(), of_user.begin() + calls, of_user.end());
  state.counters["images_per_second"] =
      static_cast<double>(count * calls) * static_cast<double>(team) / bench::median(rounds);
  state.counters["latency"] = bench::median(latencies);
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& architecture : architectures) {
    const std::string name = std::string("sample/") + architecture.name;
    benchmark::RegisterBenchmark(name.c_str(), sample, architecture)
        ->ArgNames({"images", "threads"})
        ->ArgsProduct({{1, 64, 10000}, {1, 2}})
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(name.c_str(), users, architecture)
        ->ArgNames({"images", "users"})
        ->ArgsProduct({{1, 64}, {1, 2, 4}})
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}

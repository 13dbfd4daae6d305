// Every allocation of a network's save and load made to fail, one at a time. The JSON library's destructors ask for
// memory and end the program where that fails, so each is tried in a process of its own. It ends so, or there is an
// exception and all is as before; either way a file is the earlier one or the whole new one.
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include "catch.hpp"

#include "allocations.hpp"
#include "rival/io/network_file.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/dense.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

enum Outcome { succeeded, threw, ended, wrong, outcomes };

struct Counts {
  int of[outcomes] = {};
};

/// act() in a process of its own for each of its allocations, which fails, until none does. right() says whether all is
/// as it has to be where act threw. look() is called in this process before and after each.
void fail_each_apart(const std::function<void()>& act, const std::function<bool()>& right,
                     const std::function<void()>& look) {
  act();
  look();
  Counts counts;
  bool done = false;
  for (long number = 1; !done; ++number) {
    REQUIRE(number < 100'000);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      std::set_terminate([] { _exit(ended); });
      bool failed = false, happened = false;
      {
        const FailingAllocation failing(number);
        try {
          act();
        } catch (const std::bad_alloc&) {
          failed = true;
        } catch (const Error&) {
          failed = true;
        } catch (...) {
          _exit(wrong);
        }
        happened = failing.happened();
      }
      if (failed && !right()) _exit(wrong);
      if (!happened) _exit(100);
      _exit(failed ? threw : succeeded);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    const int outcome = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    done = outcome == 100;
    if (!done) ++counts.of[outcome >= 0 && outcome < outcomes ? outcome : wrong];
    look();
  }
  CHECK(counts.of[wrong] == 0);
  CHECK(counts.of[threw] > 20);
  CHECK(counts.of[ended] < counts.of[threw] / 4);
}

Generator<> make_generator(std::uint64_t seed) {
  Generator<> network{2, Sequential<>(Dense<>({.in = 2, .out = 3}), BatchNorm<>({.features = 3}))};
  network.initialise(he<>(), Random(seed));
  return network;
}

std::string bytes_of(Network<>& network) {
  std::string all;
  const auto put = [&](const Tensor<>& tensor) {
    all.append(reinterpret_cast<const char*>(tensor.data()), static_cast<std::size_t>(tensor.size()) * sizeof(float));
  };
  for (const auto* parameter : network.state().parameters) put(parameter->value);
  for (const auto* buffer : network.state().buffers) put(buffer->value);
  return all;
}

}  // namespace

TEST_CASE("failing allocations: each one of a network's save") {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  Generator<> network = make_generator(1);
  const std::string weights = bytes_of(network);
  save(network, path);
  const std::string saved = read_bytes(path);
  bool whole = true;
  fail_each_apart([&] { save(network, path); }, [&] { return bytes_of(network) == weights && folder.count() == 1; },
                  [&] {
                    const std::string bytes = read_bytes(path);
                    whole = whole && (bytes == "earlier" || bytes == saved);
                    std::filesystem::remove_all(folder.path());
                    std::filesystem::create_directory(folder.path());
                    folder.write("a", "earlier");
                  });
  CHECK(whole);
}

TEST_CASE("failing allocations: each one of a network's load") {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  Generator<> from = make_generator(1), network = make_generator(2);
  save(from, path);
  const Generator<> untouched = network;
  const std::string before = bytes_of(network), after = bytes_of(from);
  fail_each_apart(
      [&] {
        Generator<> loaded = load_generator(path);
        if (bytes_of(loaded) != after) throw std::logic_error("loaded without an error, and wrong");
      },
      [&] {
        Generator<> loaded = load_generator(path);
        return bytes_of(loaded) == after;
      },
      [] {});
  fail_each_apart([&] { load_weights(network, path); },
                  [&] {
                    const bool as_before = bytes_of(network) == before;
                    load_weights(network, path);
                    return as_before && bytes_of(network) == after;
                  },
                  [&] { network = untouched; });
}

// The same seed gives the same bits: on any number of threads, from run to run, and without OpenMP.
#include <cstdio>
#include <map>
#include <sstream>
#include "catch.hpp"

#include "short_training.hpp"

using namespace rival;
using rival_test::ShortTraining;

namespace {

/// The bits after training; each run is made once.
const std::vector<std::uint32_t>& trained(const std::string& architecture, int thread_count) {
  static std::map<std::pair<std::string, int>, std::vector<std::uint32_t>> runs;
  auto& bits = runs[{architecture, thread_count}];
  if (bits.empty()) {
    const int before = threads();
    set_threads(thread_count);
    ShortTraining training(architecture);
    training.run();
    bits = training.bits();
    set_threads(before);
  }
  return bits;
}

/// How many elements of two lists differ.
std::ptrdiff_t differences(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  REQUIRE(a.size() == b.size());
  std::ptrdiff_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
  return count;
}

}  // namespace

TEST_CASE("determinism: twenty steps give the same bits on 1, 2, 3 and 4 threads") {
  for (const auto& architecture : rival_test::architectures) {
    const auto& one = trained(architecture, 1);
    REQUIRE(one.size() > 900'000);
    // That training has reached every weight shows that there is something to compare.
    CHECK(differences(one, ShortTraining(architecture).bits()) > static_cast<std::ptrdiff_t>(one.size() * 9 / 10));
    for (const int count : {2, 3, 4}) {
      INFO(architecture << " on " << count << " threads");
      CHECK(differences(one, trained(architecture, count)) == 0);
    }
  }
}

TEST_CASE("determinism: another run gives the same bits, another seed gives others") {
  for (const auto& architecture : rival_test::architectures) {
    INFO(architecture);
    ShortTraining again(architecture), other(architecture, 2);
    again.run();
    other.run();
    const auto& bits = trained(architecture, 1);
    CHECK(differences(bits, again.bits()) == 0);
    CHECK(differences(bits, other.bits()) > static_cast<std::ptrdiff_t>(bits.size() / 2));
  }
}

TEST_CASE("determinism: the trainer's seed alone changes the weights") {
  const auto train = [](std::uint64_t seed) {
    ShortTraining training("dense");
    AdversarialTrainer<> trainer(training.generator, training.discriminator, {.batch = 9, .seed = seed});
    trainer.fit(training.images, {.steps = 2});
    return training.bits();
  };
  const auto bits = train(5);
  CHECK(differences(bits, train(5)) == 0);
  CHECK(differences(bits, train(6)) > static_cast<std::ptrdiff_t>(bits.size() / 2));
}

#ifdef RIVAL_WEIGHTS_HASH_PROGRAM  // weights_hash.cpp, where this program has OpenMP and that one has not
TEST_CASE("determinism: the same bits without OpenMP") {
  std::ostringstream expected;
  for (const auto& architecture : rival_test::architectures)
    expected << architecture << ' ' << std::hex << rival_test::hash(trained(architecture, 2)) << '\n';

  std::FILE* pipe = popen("\"" RIVAL_WEIGHTS_HASH_PROGRAM "\"", "r");
  REQUIRE(pipe != nullptr);
  std::string printed;
  for (char buffer[256]; std::fgets(buffer, sizeof buffer, pipe) != nullptr;) printed += buffer;
  CHECK(pclose(pipe) == 0);
  CHECK(printed == expected.str());
}
#endif

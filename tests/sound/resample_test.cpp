#include "rival/sound/resample.hpp"

#include <cmath>

#include "catch.hpp"

using namespace rival;

namespace {

Sound tone(Index rate, Index frames, double hertz) {
  Sound sound{rate, 1, {}};
  for (Index i = 0; i < frames; ++i)
    sound.samples.push_back(static_cast<float>(
        0.5 * std::sin(6.283185307179586 * hertz * static_cast<double>(i) / static_cast<double>(rate))));
  return sound;
}

/// The greatest difference away from both ends, where the filter has all its neighbours.
double difference_within(const Sound& a, const Sound& b, std::size_t margin) {
  double most = 0;
  for (std::size_t i = margin; i + margin < a.samples.size(); ++i)
    most = std::max(most, static_cast<double>(std::abs(a.samples[i] - b.samples[i])));
  return most;
}

}  // namespace

TEST_CASE("resample: a tone is the same tone at another rate") {
  for (const auto& [from, to] : {std::pair<Index, Index>{22050, 8000}, {44100, 16000}, {8000, 16000}}) {
    INFO(from << " to " << to);
    const Sound made = resample(tone(from, from / 2, 1000), to);
    const Sound wanted = tone(to, to / 2, 1000);
    CHECK(made.rate == to);
    REQUIRE(made.frames() == wanted.frames());
    // 121 dB below a tone of 0.5 is 4e-7; a sample of float adds 3e-8, and a phase that is one off would be 0.3.
    CHECK(difference_within(made, wanted, 200) < 2e-5);
  }
}

TEST_CASE("resample: what lies above half of the new rate is gone") {
  const Sound made = resample(tone(22050, 11025, 6000), 8000);  // would fold to 2000 Hz
  double most = 0;
  for (std::size_t i = 200; i + 200 < made.samples.size(); ++i)
    most = std::max(most, static_cast<double>(std::abs(made.samples[i])));
  CHECK(most < 1e-4);
}

TEST_CASE("resample: channels stay apart, the length is rounded up, the same rate changes nothing") {
  Sound stereo{8000, 2, {}};
  const Sound left = tone(8000, 1001, 500);
  for (const float sample : left.samples) stereo.samples.insert(stereo.samples.end(), {sample, 0.0f});
  const Sound made = resample(stereo, 4000);
  CHECK(made.channels == 2);
  CHECK(made.frames() == 501);
  const Sound alone = resample(left, 4000);
  for (Index i = 0; i < made.frames(); ++i) {
    CHECK(made.samples[static_cast<std::size_t>(2 * i)] == alone.samples[static_cast<std::size_t>(i)]);
    CHECK(made.samples[static_cast<std::size_t>(2 * i + 1)] == 0);
  }
  CHECK(resample(left, 8000).samples == left.samples);
}

TEST_CASE("resample: rates that cannot be are refused") {
  const Sound sound = tone(8000, 10, 500);
  CHECK_THROWS_WITH(resample(sound, 0), "resample: expected a rate from 1 to 1000000 Hz, got 0");
  CHECK_THROWS_WITH(resample(sound, 10), "resample: expected a rate within 256 times 8000 Hz, got 10");
  CHECK_THROWS_WITH(resample({0, 1, {0}}, 8000), "resample: expected a rate from 1 to 1000000 Hz, got 0");
}

TEST_CASE("resample: what becomes too long or infinite is refused") {
  rival::Sound silence{63, 1, std::vector<float>(3'000'000)};
  CHECK_THROWS_WITH(rival::resample(silence, 16'000), Catch::Contains("at most 268435456 samples at 16000 Hz"));
  std::vector<float> loud;
  for (int i = 0; i < 1000; ++i) loud.push_back(i % 7 < 3 ? 3.4e38F : -3.4e38F);
  CHECK_THROWS_WITH(rival::resample({8000, 1, loud}, 16'000), Catch::Contains("less loud"));
  loud[3] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(rival::normalise({8000, 1, loud}), Catch::Contains("normalise: expected finite samples"));
  CHECK_THROWS_WITH(rival::fit_length({8000, 1024, std::vector<float>(1024)}, rival::Index{1} << 54),
                    Catch::Contains("fit_length: expected at most 262144 frames"));
  CHECK_THROWS_WITH(rival::join({{0, 1, {}}}, 1), Catch::Contains("join: expected a rate"));
}

#include "rival/sound/stft.hpp"

#include <cmath>

#include "catch.hpp"
#include "fixture.hpp"
#include "rival/core/random.hpp"
#include "rival/sound/griffin_lim.hpp"
#include "rival/sound/mel.hpp"

using namespace rival;
using rival_test::difference;
using rival_test::Fixture;

namespace {

struct Case {
  const char* name;
  StftOptions options;
};
const Case cases[] = {{"even", {64, 16}}, {"odd_hop", {60, 25}}, {"half", {32, 16}}};

template <class S>
std::vector<S> samples_of(const Tensor<S>& x) {
  return {x.data(), x.data() + x.size()};
}
template <class S>
Tensor<S> tensor_of(const std::vector<S>& x) {
  Tensor<S> all({static_cast<Index>(x.size())});
  std::copy(x.begin(), x.end(), all.data());
  return all;
}
template <class S>
Tensor<S> part_of(const Spectrum<S>& spectrum, bool real) {
  Tensor<S> all({spectrum.rows(), spectrum.cols()});
  for (Index i = 0; i < all.size(); ++i) all[i] = real ? spectrum.data()[i].real() : spectrum.data()[i].imag();
  return all;
}

/// |X'| against |X|, as a share of |X|.
double spectral_error(const Tensor<double>& made, const Tensor<double>& wanted) {
  return std::sqrt((made.array() - wanted.array()).square().sum() / wanted.array().square().sum());
}

}  // namespace

TEST_CASE("stft: spectra are PyTorch's") {
  const Fixture fixture("sound_values");
  for (const Case& one : cases) {
    INFO(one.name);
    const std::string at = one.name;
    const auto check = [&]<class S>(S tolerance) {
      Stft<S> stft(one.options);
      const Spectrum<S> spectrum = stft(samples_of(fixture.tensor<S>(at + ".x")));
      CHECK(difference(part_of(spectrum, true), fixture.tensor<S>(at + ".real")) < tolerance);
      CHECK(difference(part_of(spectrum, false), fixture.tensor<S>(at + ".imag")) < tolerance);
    };
    check(1e-12);
    check(1e-5f);
  }
}

TEST_CASE("stft: of a spectrum that belongs to no sound, the nearest sound is PyTorch's") {
  const Fixture fixture("sound_values");
  for (const auto& [name, options] : cases) {
    INFO(name);
    const std::string at = name;
    Stft<double> stft(options);
    Spectrum<double> spectrum = stft(samples_of(fixture.tensor<double>(at + ".x")));
    for (Index t = 1; t < spectrum.rows(); t += 2) spectrum.row(t) *= -0.5;
    CHECK(difference(tensor_of(stft.inverse(spectrum, 300)), fixture.tensor<double>(at + ".torn")) < 1e-11);
  }
}

TEST_CASE("stft: there and back is the sound, of any length") {
  Random random(3);
  for (const StftOptions options : {StftOptions{256, 64}, {256, 128}, {100, 7}, {4, 1}})
    for (const Index length : {Index{129}, Index{4096}, Index{1000}}) {
      INFO(options.window << ' ' << options.hop << ' ' << length);
      Stft<double> stft(options);
      Tensor<double> x({length});
      random.fill_normal(x);
      const auto spectrum = stft(samples_of(x));
      CHECK(spectrum.rows() == stft.frames(length));
      CHECK(spectrum.cols() == stft.bins());
      CHECK(difference(tensor_of(stft.inverse(spectrum, length)), x) < 1e-12);
    }
}

TEST_CASE("stft: a tone lies in its frequency alone") {
  Stft<double> stft({256, 64});
  std::vector<double> x(1024);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::cos(2 * std::numbers::pi * 20 * static_cast<double>(i) / 256);
  const auto size = magnitudes(stft(x));
  // The sum of a Hann window is half its length, of which a cosine gives half to its own frequency and a quarter to
  // each neighbour.
  for (Index t = 2; t < 15; ++t) {
    CHECK(size(t, 20) == Approx(64));
    CHECK(size(t, 19) == Approx(32));
    CHECK(size(t, 21) == Approx(32));
    CHECK(size(t, 23) < 1e-10);
  }
}

TEST_CASE("stft: what cannot be is refused") {
  CHECK_THROWS_WITH(Stft<float>({.window = 7}), "stft: expected an even window from 4 to 2^20 samples, got 7");
  CHECK_THROWS_WITH(Stft<float>({.window = 2}), "stft: expected an even window from 4 to 2^20 samples, got 2");
  CHECK_THROWS_WITH(Stft<float>({256, 129}), "stft: expected a hop from 1 to half of the window, 128, got 129");
  Stft<float> stft;
  CHECK_THROWS_WITH(stft(std::vector<float>(128)), "stft: expected more samples than half a window, 128, got 128");
  CHECK_THROWS_WITH(stft.inverse(Spectrum<float>(3, 129), 1000),
                    "stft: expected 16 frames of 129 frequencies for 1000 samples, got 3 of 129");
}

TEST_CASE("mel: filters are librosa's formula, worked out in NumPy") {
  const Fixture fixture("sound_values");
  CHECK(difference(mel_filters<double>(8000, 129, {.mels = 32}), fixture.tensor<double>("mel.all")) < 1e-12);
  CHECK(difference(mel_filters<double>(22050, 513, {.mels = 10, .lowest = 300, .highest = 8000}),
                   fixture.tensor<double>("mel.some")) < 1e-12);
  std::vector<double> x(400);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(0.3 * static_cast<double>(i));
  Stft<double> stft;
  CHECK(difference(log_mel(mel_filters<double>(8000, 129, {.mels = 32}), magnitudes(stft(x))),
                   fixture.tensor<double>("mel.log")) < 1e-10);
}

TEST_CASE("mel: silence is the floor, and magnitudes come back that have the bands") {
  const auto filters = mel_filters<double>(8000, 129, {.mels = 32});
  Tensor<double> size({2, 129});
  CHECK(log_mel(filters, size)[5] == Approx(std::log(1e-5)));
  Random random(1);
  random.fill_uniform(size, 0.1, 2.0);
  const auto bands = log_mel(filters, size);
  const auto back = mel_to_magnitudes(filters, bands);
  CHECK(back.shape() == size.shape());
  CHECK(back.array().minCoeff() >= 0);
  // More frequencies than bands: the bands can be had exactly, and 50 iterations come within a hundredth of a
  // decibel...
  CHECK((log_mel(filters, back).array() - bands.array()).abs().maxCoeff() < 0.02);
  // ...and more come nearer.
  CHECK((log_mel(filters, mel_to_magnitudes(filters, bands, 500)).array() - bands.array()).abs().maxCoeff() < 0.004);
}

TEST_CASE("mel: what cannot be is refused") {
  CHECK_THROWS_WITH(mel_filters<float>(8000, 129, {.mels = 130}),
                    "mel_filters: expected 1 to 129 bands, as many as frequencies, got 130");
  CHECK_THROWS_WITH(mel_filters<float>(8000, 129, {.lowest = 5000}),
                    "mel_filters: expected 0 <= lowest < highest <= 4000 Hz, got 5000 and 4000");
  CHECK_THROWS_WITH(mel_filters<float>(8000, 129, {.mels = 60, .highest = 500}),
                    Catch::Matchers::StartsWith(
                        "mel_filters: expected fewer bands, or a longer window: no frequency of 129 lies in band "));
  const auto filters = mel_filters<float>(8000, 129);
  CHECK_THROWS_WITH(log_mel(filters, Tensor<float>({2, 128})),
                    Catch::Matchers::StartsWith("log_mel: expected magnitudes of 129 frequencies, got "));
  CHECK_THROWS_WITH(mel_to_magnitudes(filters, Tensor<float>({2, 63})),
                    Catch::Matchers::StartsWith("mel_to_magnitudes: expected 64 bands, got "));
}

TEST_CASE("griffin_lim: iterations from phases of 0 are those of NumPy and PyTorch") {
  const Fixture fixture("sound_values");
  for (const auto& [name, options] : cases)
    for (const auto& [momentum, key] : {std::pair{0.0, ".griffin_lim_0.0"}, {0.99, ".griffin_lim_0.99"}}) {
      INFO(name << key);
      Stft<double> stft(options);
      const auto size = magnitudes(stft(samples_of(fixture.tensor<double>(std::string(name) + ".x"))));
      const Spectrum<double> phases = Spectrum<double>::Ones(size.dim(0), size.cols());
      const auto made = internal::griffin_lim(stft, size, phases, 300, {8, momentum});
      CHECK(difference(tensor_of(made), fixture.tensor<double>(name + std::string(key))) < 1e-6);
    }
}

TEST_CASE("griffin_lim: from random phases the magnitudes come near, and the same seed gives the same sound") {
  Stft<double> stft({256, 64});
  std::vector<double> x(4096);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double t = static_cast<double>(i);
    x[i] = std::sin(0.1 * t + 2e-5 * t * t) * std::exp(-t / 2000);
  }
  const auto size = magnitudes(stft(x));
  const auto begin = griffin_lim(stft, size, 4096, Random(1), {.iterations = 0});
  const auto end = griffin_lim(stft, size, 4096, Random(1), {.iterations = 60});
  CHECK(end.size() == 4096);
  const double before = spectral_error(magnitudes(stft(begin)), size);
  CHECK(before > 0.4);
  CHECK(spectral_error(magnitudes(stft(end)), size) < 0.25 * before);
  CHECK(griffin_lim(stft, size, 4096, Random(1), {.iterations = 60}) == end);
  CHECK(griffin_lim(stft, size, 4096, Random(2), {.iterations = 60}) != end);

  CHECK_THROWS_WITH(griffin_lim(stft, size, 128, Random(1)),
                    "griffin_lim: expected more samples than half a window, 128, got 128");
  CHECK_THROWS_WITH(griffin_lim(stft, size, 5000, Random(1)),
                    Catch::Matchers::StartsWith("griffin_lim: expected magnitudes of "));
  Tensor<double> below = size;
  below[7] = -1;
  CHECK_THROWS_WITH(griffin_lim(stft, below, 4096, Random(1)), "griffin_lim: expected magnitudes of at least 0");
  CHECK_THROWS_WITH(griffin_lim(stft, size, 4096, Random(1), {.momentum = 2}),
                    "griffin_lim: expected a momentum from 0 to 1, got 2");
}

TEST_CASE("griffin_lim: infinite magnitudes are refused") {
  Stft<float> stft({64, 16});
  Tensor<float> size({stft.frames(1000), stft.bins()}, 1.0F);
  size[5] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(griffin_lim(stft, size, 1000, Random(1)), Catch::Contains("expected finite magnitudes, got inf"));
}

#pragma once
// Random streams: counter-based, so the number at a place is a pure function of seed, stream and place.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "rival/core/eigen.hpp"
#include "rival/core/finite.hpp"
#include "rival/core/parallel.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

namespace internal {

/// Philox4x32-10: a bijection of a 128-bit counter under a 64-bit key (Salmon, Moraes, Dror and Shaw, "Parallel random
/// numbers: as easy as 1, 2, 3", 2011).
inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0], b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

}  // namespace internal

/// A stream of random numbers. The same seed gives the same numbers on any number of threads.
///
/// A stream is its key, its number and its position: three integers that can be read, stored and set again, and with
/// them the stream goes on where it was. `stream("name")` gives a stream of its own to each user, so that drawing more
/// numbers in one place never shifts those of another.
class Random {
 public:
  /// All that there is to know of a stream.
  struct Position {
    std::uint64_t seed = 0;    ///< the key, which all sub-streams of a stream share
    std::uint64_t stream = 0;  ///< the number of the stream; 0 for the one that is made from a seed
    std::uint64_t block = 0;   ///< of four 32-bit words; the next one to be drawn
    friend bool operator==(const Position&, const Position&) = default;
  };

  /// The main stream of that seed, at its beginning.
  explicit Random(std::uint64_t seed = 0) : at_{seed, 0, 0} {}
  /// The stream that was left at `position`, from there on.
  explicit Random(const Position& position) : at_(position) {}

  /// Where the stream stands; a Random made from it gives the numbers that are still to come.
  const Position& position() const { return at_; }
  /// Passes over `blocks` blocks of four 32-bit words.
  void skip(std::uint64_t blocks) { at_.block += blocks; }

  /// The sub-stream of that name: depends on seed, this stream and the name, not on what has been drawn.
  Random stream(std::string_view name) const {
    std::uint64_t hash = 0xcbf29ce484222325 ^ (at_.stream * 0x9E3779B97F4A7C15);  // FNV-1a over the name, then mixed
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
    return Random(Position{at_.seed, hash ^ (hash >> 31), 0});
  }

  /// 64 random bits.
  std::uint64_t bits() {
    const auto words = block(at_.block++);
    return words[0] | std::uint64_t{words[1]} << 32;
  }
  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  /// Normal with mean 0 and deviation 1.
  double normal() {
    double value[2];
    normal_pair(block(at_.block++), value);
    return value[0];
  }
  /// Uniform among 0 ... count - 1.
  Index below(Index count) {
    require(count > 0, "random: expected a positive count, got ", count);
    // Rejecting the bits above the last whole multiple of count leaves no bias.
    const auto n = static_cast<std::uint64_t>(count);
    const std::uint64_t excess = (~n + 1) % n;
    std::uint64_t word = bits();
    while (word < excess) word = bits();
    return static_cast<Index>(word % n);
  }
  /// 0 ... count - 1 in random order (Fisher-Yates).
  void permutation(Index count, std::vector<Index>& order) {
    order.resize(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[static_cast<std::size_t>(below(static_cast<Index>(i)))]);
  }

  /// Fills with numbers uniform in [low, high). Throws Error unless low <= high and both are finite.
  template <class S>
  void fill_uniform(Tensor<S>& tensor, S low = S(0), S high = S(1)) {
    const S width = high - low;
    require(low <= high && is_finite(width), "random: expected a finite range low <= high, got ", low, " to ", high);
    const S largest = std::nextafter(high, low);  // the sum below may round up to high
    fill(
        tensor,
        [=](const std::array<std::uint32_t, 4>& words, S* out) {
          if constexpr (std::is_same_v<S, float>)
            for (std::size_t i = 0; i < 4; ++i)
              out[i] = std::min(low + width * (static_cast<float>(words[i] >> 8) * 0x1p-24f), largest);
          else
            for (std::size_t i = 0; i < 2; ++i) out[i] = std::min(low + width * unit(words, 2 * i), largest);
        },
        [](S*) {});
  }
  /// Fills with normal numbers. Throws Error for a deviation below 0.
  template <class S>
  void fill_normal(Tensor<S>& tensor, S mean = S(0), S deviation = S(1)) {
    require(deviation >= S(0), "random: expected a deviation >= 0, got ", deviation);
    if constexpr (std::is_same_v<S, float>)
      // Box and Muller's transform of whole chunks. Their size is fixed, so that Eigen computes every element in
      // packets: an element left over would be rounded differently, and depend on how many are drawn with it.
      fill(
          tensor,
          [](const std::array<std::uint32_t, 4>& words, float* out) {
            for (std::size_t i = 0; i < 4; ++i) out[i] = (static_cast<float>(words[i]) + 0.5f) * 0x1p-32f;
          },
          [=](float* chunk) {
            using Half = Eigen::Array<float, chunk_size / 2, 1>;
            using EverySecond = Eigen::Map<Half, 0, Eigen::InnerStride<2>>;
            EverySecond even(chunk), odd(chunk + 1);
            Half radius = even, angle = odd;
            radius = deviation * (-2.0f * radius.log()).sqrt();
            angle *= 2 * std::numbers::pi_v<float>;
            const Half x = mean + radius * angle.cos(), y = mean + radius * angle.sin();
            even = x;
            odd = y;
          });
    else
      fill(
          tensor,
          [=](const std::array<std::uint32_t, 4>& words, double* out) {
            normal_pair(words, out);
            for (int i = 0; i < 2; ++i) out[i] = mean + deviation * out[i];
          },
          [](double*) {});
  }

 private:
  static constexpr Index chunk_size = 512;

  std::array<std::uint32_t, 4> block(std::uint64_t number) const {
    return internal::philox({static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32),
                             static_cast<std::uint32_t>(at_.stream), static_cast<std::uint32_t>(at_.stream >> 32)},
                            {static_cast<std::uint32_t>(at_.seed), static_cast<std::uint32_t>(at_.seed >> 32)});
  }

  /// Two words as a number in [0, 1).
  static double unit(const std::array<std::uint32_t, 4>& words, std::size_t first) {
    return static_cast<double>((words[first] | std::uint64_t{words[first + 1]} << 32) >> 11) * 0x1p-53;
  }

  static void normal_pair(const std::array<std::uint32_t, 4>& words, double* out) {
    const double radius = std::sqrt(-2 * std::log(unit(words, 0) + 0x1p-54));
    const double angle = 2 * std::numbers::pi * unit(words, 2);
    out[0] = radius * std::cos(angle);
    out[1] = radius * std::sin(angle);
  }

  /// Element i is made from block i / (16 / sizeof(S)): `draw` turns a block into elements, `finish` a chunk of them.
  template <class S, class Draw, class Finish>
  void fill(Tensor<S>& tensor, const Draw& draw, const Finish& finish) {
    static_assert(std::is_same_v<S, float> || std::is_same_v<S, double>);
    constexpr Index per_block = 16 / static_cast<Index>(sizeof(S));
    const Index size = tensor.size();
    parallel_blocks(size, chunk_size, 10.0 * static_cast<double>(size), [&](Index begin, Index end) {
      alignas(64) S chunk[chunk_size];
      const Index drawn = (end - begin + per_block - 1) / per_block * per_block;
      for (Index i = 0; i < drawn; i += per_block)
        draw(block(at_.block + static_cast<std::uint64_t>((begin + i) / per_block)), chunk + i);
      std::fill(chunk + drawn, chunk + chunk_size, S(1));
      finish(chunk);
      std::copy(chunk, chunk + (end - begin), tensor.data() + begin);
    });
    skip(static_cast<std::uint64_t>((size + per_block - 1) / per_block));
  }

  Position at_;
};

RIVAL_INSTANTIATE_FLOAT(void Random::fill_uniform(Tensor<float>&, float, float));
RIVAL_INSTANTIATE_DOUBLE(void Random::fill_uniform(Tensor<double>&, double, double));
RIVAL_INSTANTIATE_FLOAT(void Random::fill_normal(Tensor<float>&, float, float));
RIVAL_INSTANTIATE_DOUBLE(void Random::fill_normal(Tensor<double>&, double, double));

}  // namespace rival

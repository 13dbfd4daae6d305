#pragma once
// MovingAverage: a second network whose weights are the average of the first one's over the last steps.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/core/parallel.hpp"
#include "rival/nn/parameter.hpp"

namespace rival {

/// How fast a moving average follows.
struct MovingAverageOptions {
  /// After so many images what the average held has half of its weight left. 0.999 a step, as it is put elsewhere, is a
  /// half-life of 693 batches.
  double half_life = 10'000;
  /// The half-life is at most this share of the images so far, so that the first, poor weights are soon forgotten. 0
  /// leaves that out: the average then starts from the weights that it has.
  double ramp_up = 0.05;
  Index batch = 64;  ///< images a step
};

/// Keeps `average` near `source`, a network of the same structure that is being trained, whose weights swing around
/// good ones from step to step; one samples from the average (Yazici et al., 2019; in this form Karras et al., 2020 and
/// 2022):
///
///     parameters: average = b average + (1 - b) source;  b = 0.5^(batch / min(half_life, ramp_up images))
///     buffers (running statistics): copied
///
/// where `images` went before this step; while there are none, parameters are copied too.
///
///     Generator<> average = generator;
///     MovingAverage<> moving(average.state(), generator.state(), {.batch = 64});
///     ... moving.update();  // after each of the generator's steps
///
/// Both networks stay the caller's and must be neither moved nor destroyed meanwhile. The same bits come out on any
/// number of threads; `update` allocates nothing.
template <class S = float>
class MovingAverage {
 public:
  /// Throws Error when the states are not of two networks of the same structure, and for options out of range. Names
  /// are the same but for their first part, that of the network.
  MovingAverage(const State<S>& average, const State<S>& source, const MovingAverageOptions& options = {})
      : options_(options) {
    require(options.half_life > 0, "moving average: expected half_life > 0, got ", options.half_life);
    require(options.ramp_up >= 0 && is_finite(options.ramp_up), "moving average: expected a finite ramp_up >= 0, got ",
            options.ramp_up);
    require(options.batch >= 1, "moving average: expected a batch of at least 1, got ", options.batch);
    match(average.parameters, source.parameters, "parameters", false);
    match(average.buffers, source.buffers, "buffers", true);
  }

  /// Throws Error when a tensor has changed its size.
  void check_sizes() const {
    for (const Pair& pair : pairs_)
      require(pair.average->size() == pair.size && pair.source->size() == pair.size, "moving average: \"", *pair.name,
              "\" had ", pair.size, " elements, now its average has ", pair.average->size(), " and its source ",
              pair.source->size());
  }

  /// One step. Throws Error, and changes nothing, when a tensor has changed its size.
  void update() {
    check_sizes();
    const S share = static_cast<S>(source_share());
    parallel_for(static_cast<Index>(blocks_.size()), work_, [&](Index i) {
      const auto& [p, begin, count] = blocks_[static_cast<std::size_t>(i)];
      const Pair& pair = pairs_[p];
      const ConstArrayMap<S> source(pair.source->data() + begin, count);
      ArrayMap<S> average(pair.average->data() + begin, count);
      if (pair.copied || share == S(1))
        average = source;
      else
        average += share * (source - average);
    });
    ++steps_;
  }

  /// 1 - b: how much of the source goes into the average at the next step.
  double source_share() const {
    const double batch = static_cast<double>(options_.batch), images = static_cast<double>(steps_) * batch;
    const double half_life =
        options_.ramp_up > 0 ? std::min(options_.half_life, options_.ramp_up * images) : options_.half_life;
    return half_life > 0 ? -std::expm1(-std::log(2.0) * batch / half_life) : 1.0;
  }

  /// How many updates have been made; set it, and the average's weights, to go on where another one stopped.
  long steps() const { return steps_; }
  /// Goes on from that many updates. Throws Error for a number below 0.
  void set_steps(long steps) {
    require(steps >= 0, "moving average: expected steps >= 0, got ", steps);
    steps_ = steps;
  }

  /// The options that it was made with.
  const MovingAverageOptions& options() const { return options_; }

 private:
  static constexpr Index block_size = 16384;

  struct Pair {
    Tensor<S>* average;
    const Tensor<S>* source;
    const std::string* name;  // the source's
    Index size;
    bool copied;
  };
  struct Block {
    std::size_t pair;
    Index begin, count;
  };

  /// A name without that of its network: "conv1.weight" of "G.conv1.weight".
  static std::string local(const std::string& name) { return name.substr(name.find('.') + 1); }

  template <class Item>
  void match(const std::vector<Item*>& average, const std::vector<Item*>& source, const char* what, bool copied) {
    require(average.size() == source.size(), "moving average: expected two networks of the same structure, got ",
            average.size(), " and ", source.size(), " ", what);
    for (std::size_t i = 0; i < source.size(); ++i) {
      auto &to = *average[i], &from = *source[i];
      require(&to != &from, "moving average: expected two networks, got \"", from.name, "\" of the same one twice");
      require(local(to.name) == local(from.name) && to.value.shape() == from.value.shape(),
              "moving average: expected two networks of the same structure, got \"", to.name, "\" of ",
              to.value.shape(), " for \"", from.name, "\" of ", from.value.shape());
      const Index size = from.value.size();
      for (Index begin = 0; begin < size; begin += block_size)
        blocks_.push_back({pairs_.size(), begin, std::min(block_size, size - begin)});
      pairs_.push_back({&to.value, &from.value, &from.name, size, copied});
      work_ += 2.0 * static_cast<double>(size);
    }
  }

  MovingAverageOptions options_;
  std::vector<Pair> pairs_;
  std::vector<Block> blocks_;
  double work_ = 0;
  long steps_ = 0;
};

RIVAL_INSTANTIATE_CLASS(MovingAverage);

}  // namespace rival

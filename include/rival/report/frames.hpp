#pragma once
// Frames: pictures of one thing as it changes with the steps, at most so many.

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "rival/core/shape.hpp"

namespace rival {

/// A picture of a step: the bytes of a PNG file.
struct Frame {
  double step = 0;                ///< by which frames are labelled, such as a number of training steps
  std::vector<std::uint8_t> png;  ///< the bytes of a PNG file
};

/// Takes a frame now and then and keeps at most so many of them, and bytes (but no fewer than three), evenly spread
/// over all that were offered, and the newest.
///
///     Frames frames(60);
///     frames.add({step, encode_png(grid(generator.sample(latent)))});
class Frames {
 public:
  /// What there is to go on with in another process.
  struct State {
    std::vector<Frame> kept;    ///< frames, oldest first
    std::int64_t offered = 0;   ///< frames so far
    std::int64_t stride = 1;    ///< from one that is kept to the next
    bool newest_extra = false;  ///< the last of `kept` stands between strides
  };

  /// Throws Error for fewer than 2.
  explicit Frames(Index most = 60, std::size_t most_bytes = std::size_t{3} << 20)
      : most_(static_cast<std::size_t>(most)), most_bytes_(most_bytes) {
    require(most >= 2, "frames: expected to keep at least 2, got ", most);
  }

  /// Offers a frame; it is kept at least until the next one comes.
  void add(Frame frame) {
    auto& kept = state_.kept;
    if (state_.newest_extra) kept.pop_back();
    state_.newest_extra = state_.offered % state_.stride != 0;
    kept.push_back(std::move(frame));
    ++state_.offered;
    while (kept.size() > most_ || (kept.size() > 3 && bytes() > most_bytes_)) halve();
  }

  /// The frames that are kept, oldest first.
  const std::vector<Frame>& all() const { return state_.kept; }

  /// What to hand to `set_state` later.
  const State& state() const { return state_; }
  /// Throws Error for a state that no Frames has.
  void set_state(State state) {
    require(state.stride >= 1 && state.offered >= static_cast<std::int64_t>(state.kept.size()) &&
                !(state.newest_extra && state.kept.empty()),
            "frames: expected a state of frames, got ", state.kept.size(), " of ", state.offered,
            " offered, a stride of ", state.stride);
    state_ = std::move(state);
  }

 private:
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const Frame& frame : state_.kept) sum += frame.png.size();
    return sum;
  }

  /// Every other one goes; the newest stays, though it may then stand between strides.
  void halve() {
    auto& kept = state_.kept;
    state_.stride *= 2;
    state_.newest_extra = (state_.offered - 1) % state_.stride != 0;
    std::size_t place = 0;
    for (std::size_t i = 0; i < kept.size(); ++i)
      if (i % 2 == 0 || i + 1 == kept.size()) std::swap(kept[place++], kept[i]);
    kept.resize(place);
  }

  std::size_t most_, most_bytes_;
  State state_;
};

}  // namespace rival

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
  double step = 0;
  std::vector<std::uint8_t> png;
};

/// Takes a frame now and then and keeps at most `most` of them, evenly spread over all that were offered, and the
/// newest.
///
///     Frames frames(60);
///     frames.add({step, encode_png(grid(generator.sample(latent)))});
class Frames {
 public:
  /// What there is to go on with in another process.
  struct State {
    std::vector<Frame> kept;
    std::int64_t offered = 0;   ///< frames so far
    std::int64_t stride = 1;    ///< from one that is kept to the next
    bool newest_extra = false;  ///< the last of `kept` stands between strides
  };

  /// Throws Error for fewer than 2.
  explicit Frames(Index most = 60) : most_(static_cast<std::size_t>(most)) {
    require(most >= 2, "frames: expected to keep at least 2, got ", most);
  }

  void add(Frame frame) {
    if (state_.newest_extra) state_.kept.pop_back();
    state_.newest_extra = state_.offered % state_.stride != 0;
    state_.kept.push_back(std::move(frame));
    ++state_.offered;
    if (state_.kept.size() <= most_) return;
    // Every other one goes; the newest stays, though it may then stand between strides.
    auto& kept = state_.kept;
    state_.stride *= 2;
    const bool extra = (state_.offered - 1) % state_.stride != 0;
    std::size_t place = 0;
    for (std::size_t i = 0; i < kept.size(); ++i)
      if (i % 2 == 0 || i + 1 == kept.size()) std::swap(kept[place++], kept[i]);
    kept.resize(place);
    state_.newest_extra = extra;
  }

  const std::vector<Frame>& all() const { return state_.kept; }

  const State& state() const { return state_; }
  void set_state(State state) { state_ = std::move(state); }

 private:
  std::size_t most_;
  State state_;
};

}  // namespace rival

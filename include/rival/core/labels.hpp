#pragma once
// Labels: the classes of a batch's samples.

#include <cstdint>
#include <span>

namespace rival {

/// The class of each sample of a batch; empty where there are none.
using Labels = std::span<const std::uint8_t>;

}  // namespace rival

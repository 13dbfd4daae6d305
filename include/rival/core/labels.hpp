#pragma once
// Labels: the classes of a batch's samples.

#include <cstdint>
#include <span>

#include "rival/core/shape.hpp"

namespace rival {

/// The class of one sample.
using Label = std::uint16_t;

/// So many classes there may be at most.
inline constexpr Index most_classes = 65'536;

/// The class of each sample of a batch; empty where there are none.
using Labels = std::span<const Label>;

}  // namespace rival

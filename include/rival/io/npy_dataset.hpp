#pragma once
// read_npy_dataset(): NumPy's files as a data set.

#include <cstdint>
#include <filesystem>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/data/dataset.hpp"
#include "rival/data/picture_transform.hpp"
#include "rival/io/npy.hpp"

namespace rival {

/// Samples of an .npy file: pictures N x H x W or N x H x W x C with 1, 3 or 4 channels, and anything else N x ... of
/// rank 2 to 5 as it is. Bytes become b / 127.5 - 1; floats of pictures are brought to [-1, 1] by the range that they
/// come in (0 to 1, -1 to 1, 0 to 255), others are taken as they are. `labels` names an .npy file of whole numbers from
/// 0 on, one a sample. Throws Error for files that are damaged or of another kind, and for values that are not finite.
inline Dataset read_npy_dataset(const std::filesystem::path& path, const std::filesystem::path& labels = {}) {
  AnyLabels classes;
  if (!labels.empty()) {
    const auto read = [&](const auto& array) -> AnyLabels {
      using T = typename std::decay_t<decltype(array)>::Scalar;
      if constexpr (std::is_integral_v<T>) {
        require(array.rank() == 1, "npy file ", labels, ": expected labels in a row, got ", array.shape());
        return std::vector<T>(array.data(), array.data() + array.size());
      } else {
        fail("npy file ", labels, ": expected labels that are whole numbers, got floats");
      }
    };
    classes = std::visit(read, read_npy_array(labels));
  }
  const auto make = [&](const auto& array) -> Dataset {
    using T = typename std::decay_t<decltype(array)>::Scalar;
    const Shape& all = array.shape();
    require(all.rank() >= 2 && all.rank() <= 5 && all.size() > 0, "npy file ", path,
            ": expected samples N x ... of 1 to 4 axes, got ", all);
    Shape sample = all.sample();
    const bool pictures = all.rank() == 3 || (all.rank() == 4 && (all[3] == 1 || all[3] == 3 || all[3] == 4));
    if (all.rank() == 3) sample.push_back(1);
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      return {sample, std::vector<std::uint8_t>(array.data(), array.data() + array.size()), std::move(classes)};
    } else if constexpr (std::is_floating_point_v<T>) {
      std::vector<float> values(static_cast<std::size_t>(array.size()));
      for (Index i = 0; i < array.size(); ++i) {
        values[static_cast<std::size_t>(i)] = static_cast<float>(array[i]);
        require(is_finite(values[static_cast<std::size_t>(i)]), "npy file ", path, ": expected finite values, got ",
                array[i], " in sample ", i / sample.size());
      }
      const Transform transform =
          pictures ? internal::picture_transform(internal::concatenate("npy file ", path), values) : Transform{};
      return {sample, std::move(values), std::move(classes), 0, transform};
    } else {
      fail("npy file ", path, ": expected bytes or floats, got 64-bit integers");
    }
  };
  return std::visit(make, read_npy_array(path));
}

}  // namespace rival

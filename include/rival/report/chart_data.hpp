#pragma once
// A curve as the page's script takes it. Needs nlohmann-json (rival::json).

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rival/image/curves.hpp"

namespace rival::internal {

using PageJson = nlohmann::ordered_json;

/// A number in few digits: whole as it is, others to six; null for what cannot be drawn.
inline PageJson json_number(double value) {
  if (!drawable(value)) return nullptr;
  if (value == std::round(value) && std::abs(value) < 1e15) return static_cast<std::int64_t>(value);
  const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(value))));
  const double rounded = std::round(value * scale) / scale;
  return std::isfinite(rounded) ? rounded : value;
}

/// {name, x, y, mean: {x, y}}: the series thinned to about 2,000 values and, if it has more than 300, the means of
/// stretches of it of which at least half can be drawn. Throws Error when x and y differ in number, and when x do not
/// ascend.
inline PageJson json_series(const Series& series) {
  constexpr std::size_t most = 2000, noisy = 300, stretches = 200;
  const std::string& name = series.name;
  const std::vector<double>&y = series.y, &given = series.x;
  require(given.empty() || given.size() == y.size(), "page: series \"", name, "\" has ", given.size(), " x and ",
          y.size(), " y");
  for (std::size_t i = 0; i < given.size(); ++i)
    require(std::isfinite(given[i]) && (i == 0 || given[i] > given[i - 1]), "page: series \"", name,
            "\": expected x that ascend, got ", given[i], " at place ", i);
  const auto x_at = [&](std::size_t i) { return given.empty() ? static_cast<double>(i + 1) : given[i]; };

  PageJson data{{"name", name}, {"x", PageJson::array()}, {"y", PageJson::array()}};
  for (const std::size_t i : thin(y, most)) {
    data["x"].push_back(json_number(x_at(i)));
    data["y"].push_back(json_number(y[i]));
  }
  if (y.size() <= noisy) return data;
  auto& mean = data["mean"] = {{"x", PageJson::array()}, {"y", PageJson::array()}};
  for (std::size_t s = 0; s < stretches; ++s) {
    const std::size_t begin = s * y.size() / stretches, end = (s + 1) * y.size() / stretches;
    double sum = 0, count = 0;
    for (std::size_t i = begin; i < end; ++i)
      if (drawable(y[i])) sum += y[i], ++count;
    mean["x"].push_back(json_number(x_at((begin + end) / 2)));
    mean["y"].push_back(2 * count >= static_cast<double>(end - begin) ? json_number(sum / count) : PageJson(nullptr));
  }
  return data;
}

}  // namespace rival::internal

#pragma once
// A curve as the page's script takes it. Needs nlohmann-json (rival::json).

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/image/curves.hpp"

namespace rival::internal {

// JSON is put together as text, and nlohmann-json writes the parts: the destructor of its lists and objects asks for
// memory, and a page may be written when there is none.

/// A text as JSON has it; U+FFFD for what is no UTF-8.
inline std::string json_text(std::string_view text) {
  using Json = nlohmann::json;
  return Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

inline bool is_whole(double value) { return value == std::round(value) && std::abs(value) < 1e15; }

/// As it is; null for what cannot be drawn.
inline std::string json_exact(double value) {
  if (!drawable(value)) return "null";
  return is_whole(value) ? std::to_string(static_cast<std::int64_t>(value)) : nlohmann::json(value).dump();
}

/// A number in few digits: whole as it is, others to six; null for what cannot be drawn.
inline std::string json_number(double value) {
  if (!drawable(value) || is_whole(value)) return json_exact(value);
  const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(value))));
  const double rounded = std::round(value * scale) / scale;
  return json_exact(is_finite(rounded) ? rounded : value);
}

/// A list that is put together part by part.
class JsonList {
 public:
  void add(std::string_view json) { (text_ += text_.size() > 1 ? "," : "") += json; }
  std::string text() const { return text_ + ']'; }

 private:
  std::string text_ = "[";
};

/// {name, x, y, mean: {x, y}}: the series thinned to about 2,000 values and, if it has more than 300, the means of
/// stretches of it of which at least half can be drawn. Throws Error when x and y differ in number, and when x do not
/// ascend.
inline std::string json_series(const Series& series) {
  constexpr std::size_t most = 2000, noisy = 300, stretches = 200;
  const std::string& name = series.name;
  const std::vector<double>&y = series.y, &given = series.x;
  require(given.empty() || given.size() == y.size(), "page: series \"", name, "\" has ", given.size(), " x and ",
          y.size(), " y");
  for (std::size_t i = 0; i < given.size(); ++i)
    require(is_finite(given[i]) && (i == 0 || given[i] > given[i - 1]), "page: series \"", name,
            "\": expected x that ascend, got ", given[i], " at place ", i);
  const auto x_at = [&](std::size_t i) { return json_exact(given.empty() ? static_cast<double>(i + 1) : given[i]); };

  JsonList xs, ys;
  for (const std::size_t i : thin(y, most)) {
    xs.add(x_at(i));
    ys.add(json_number(y[i]));
  }
  const std::string data = "{\"name\":" + json_text(name) + ",\"x\":" + xs.text() + ",\"y\":" + ys.text();
  if (y.size() <= noisy) return data + '}';
  JsonList mean_xs, mean_ys;
  for (std::size_t s = 0; s < stretches; ++s) {
    const std::size_t begin = s * y.size() / stretches, end = (s + 1) * y.size() / stretches;
    double sum = 0, count = 0;
    for (std::size_t i = begin; i < end; ++i)
      if (drawable(y[i])) sum += y[i], ++count;
    mean_xs.add(x_at((begin + end) / 2));
    mean_ys.add(2 * count >= static_cast<double>(end - begin) ? json_number(sum / count) : "null");
  }
  return data + ",\"mean\":{\"x\":" + mean_xs.text() + ",\"y\":" + mean_ys.text() + "}}";
}

}  // namespace rival::internal

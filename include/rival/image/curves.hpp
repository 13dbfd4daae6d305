#pragma once
// Line charts of losses and other series, as SVG.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <locale>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/core/file.hpp"
#include "rival/core/finite.hpp"
#include "rival/core/shape.hpp"

namespace rival {

/// A line of a chart. Values that are not finite (or beyond 1e100) leave a gap.
struct Series {
  std::string name;            ///< in the legend
  std::vector<double> y;       ///< its values, one for each x
  std::vector<double> x = {};  ///< ascending; empty: 1, 2, 3, ...
};

namespace internal {

/// Finite, and not so large that differences overflow.
inline bool drawable(double value) { return is_finite(value) && std::abs(value) < 1e100; }

/// The values averaged over a window around each, weighted by a triangle; what cannot be drawn stays so and is left
/// out of the others' averages.
inline std::vector<double> smooth(const std::vector<double>& y, Index radius) {
  const auto size = static_cast<Index>(y.size());
  std::vector<double> average(y);
  for (Index i = 0; i < size; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (!drawable(y[at])) continue;
    double sum = 0, weights = 0;
    for (Index j = std::max<Index>(0, i - radius); j <= std::min(size - 1, i + radius); ++j) {
      const double value = y[static_cast<std::size_t>(j)], weight = static_cast<double>(radius + 1 - std::abs(i - j));
      if (drawable(value)) sum += weight * value, weights += weight;
    }
    average[at] = sum / weights;
  }
  return average;
}

/// The places of at most about `limit` values that show the course of all: the least and the greatest of each stretch.
inline std::vector<std::size_t> thin(const std::vector<double>& y, std::size_t limit) {
  std::vector<std::size_t> kept;
  const std::size_t stretches = std::max<std::size_t>(1, limit / 3);
  if (y.size() <= limit) {
    for (std::size_t i = 0; i < y.size(); ++i) kept.push_back(i);
    return kept;
  }
  for (std::size_t s = 0; s < stretches; ++s) {
    const std::size_t begin = s * y.size() / stretches, end = (s + 1) * y.size() / stretches;
    std::size_t low = end, high = end, gap = end;
    for (std::size_t i = begin; i < end; ++i) {
      if (!drawable(y[i])) {
        gap = i;
        continue;
      }
      if (low == end || y[i] < y[low]) low = i;
      if (high == end || y[i] > y[high]) high = i;
    }
    std::array<std::size_t, 3> places{low, high, gap};
    std::sort(places.begin(), places.end());
    for (std::size_t p = 0; p < places.size(); ++p)
      if (places[p] < end && (p == 0 || places[p] != places[p - 1])) kept.push_back(places[p]);
  }
  return kept;
}

/// One axis: maps values to pixels and finds round numbers for its ticks, at least `least_step` apart.
struct Axis {
  double low, high;   // values
  double begin, end;  // pixels
  double step;        // between ticks

  Axis(double low_, double high_, double begin_, double end_, int ticks, double least_step = 0)
      : low(low_), high(high_), begin(begin_), end(end_) {
    if (!(high - low > 1e-9 * std::max(std::abs(low), std::abs(high)))) {
      const double room = low == 0 ? 1 : 0.5 * std::abs(low);
      low -= room, high += room;
    }
    const double rough = (high - low) / ticks, power = std::pow(10.0, std::floor(std::log10(rough)));
    step = power * (rough <= 1.001 * power ? 1 : rough <= 2.001 * power ? 2 : rough <= 5.001 * power ? 5 : 10);
    step = std::max(step, least_step);
  }
  double operator()(double value) const { return begin + (value - low) / (high - low) * (end - begin); }
  std::vector<double> ticks() const {
    std::vector<double> all;
    const double first = std::ceil(low / step - 1e-9);
    for (int k = 0; k < 20 && (first + k) * step <= high + 1e-9 * step; ++k)
      all.push_back((first + k) * step + 0.0);  // adding 0 turns -0 into 0
    return all;
  }
  std::string label(double tick) const {
    TextStream text;
    text.imbue(std::locale::classic());
    if (step < 1e-4 || std::max(std::abs(low), std::abs(high)) >= 1e7) {
      text << tick;
    } else {
      text.setf(std::ios::fixed);
      text.precision(std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9))));
      text << tick;
    }
    return text.str();
  }
};

inline std::string escape_xml(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '&')
      safe += "&amp;";
    else
      safe += c;
  }
  return safe;
}

}  // namespace internal

/// Writes a line chart. A long, noisy series is drawn faintly with its moving average on top; the vertical axis follows
/// what most values need, so that a few spikes do not flatten the rest. Throws Error when a series' x and y differ in
/// number, and, leaving an earlier file as it was, when the file cannot be written.
inline void write_curves_svg(const std::filesystem::path& path, std::string_view title, std::string_view x_label,
                             const std::vector<Series>& all) {
  using namespace internal;
  constexpr double width = 800, height = 450, left = 64, right = 24, top = 64, bottom = 56;
  constexpr std::array colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};  // Okabe and Ito's
  constexpr std::size_t most_points = 900, most_dots = 30;

  struct Line {
    std::vector<double> x, smooth;
    bool noisy;
  };
  std::vector<Line> lines;
  std::vector<double> spread;
  bool counted = true;  // steps or epochs, of which there are no halves
  double x_low = std::numeric_limits<double>::infinity(), x_high = -x_low, y_low = x_low, y_high = -x_low;
  for (const Series& series : all) {
    require(series.x.empty() || series.x.size() == series.y.size(), "curves: series \"", series.name, "\" has ",
            series.x.size(), " x and ", series.y.size(), " y");
    Line line{series.x, series.y, series.y.size() >= 100};
    if (line.x.empty())
      for (std::size_t i = 0; i < series.y.size(); ++i) line.x.push_back(static_cast<double>(i + 1));
    if (line.noisy) line.smooth = smooth(series.y, std::min<Index>(500, static_cast<Index>(series.y.size() / 40)));
    for (const double x : line.x) {
      if (drawable(x)) x_low = std::min(x_low, x), x_high = std::max(x_high, x);
      counted = counted && x == std::floor(x);
    }
    for (const double y : line.smooth)
      if (drawable(y)) y_low = std::min(y_low, y), y_high = std::max(y_high, y);
    // Of the raw values all but the outermost hundredth must be seen.
    spread.clear();
    for (const double y : series.y)
      if (drawable(y)) spread.push_back(y);
    std::sort(spread.begin(), spread.end());
    if (!spread.empty()) {
      const std::size_t cut = spread.size() / 100;
      y_low = std::min(y_low, spread[cut]), y_high = std::max(y_high, spread[spread.size() - 1 - cut]);
    }
    lines.push_back(std::move(line));
  }
  if (!(x_low <= x_high)) x_low = 0, x_high = 1;
  if (!(y_low <= y_high)) y_low = 0, y_high = 1;
  if (y_low > 0 && y_low < 0.5 * y_high) y_low = 0;  // near enough to zero to show it
  const double room = 0.05 * (y_high - y_low);
  const Axis x_axis(x_low, x_high, left, width - right, 8, counted ? 1 : 0);
  const Axis y_axis(y_low == 0 ? 0 : y_low - room, y_high + room, height - bottom, top, 6);

  TextStream svg;
  svg.imbue(std::locale::classic());
  svg.setf(std::ios::fixed);
  svg.precision(1);
  svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << ' ' << height << "\" width=\"" << width
      << "\" height=\"" << height << "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#444\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<clipPath id=\"plot\"><rect x=\"" << left << "\" y=\""
      << top << "\" width=\"" << width - left - right << "\" height=\"" << height - top - bottom << "\"/></clipPath>\n"
      << "<text x=\"" << left << "\" y=\"28\" font-size=\"17\" font-weight=\"bold\" fill=\"#222\">" << escape_xml(title)
      << "</text>\n<text x=\"" << (left + width - right) / 2 << "\" y=\"" << height - 14 << "\" text-anchor=\"middle\">"
      << escape_xml(x_label) << "</text>\n";

  for (const double tick : y_axis.ticks())
    svg << "<path d=\"M" << left << ' ' << y_axis(tick) << 'H' << width - right << "\" stroke=\"#e4e4e4\"/><text x=\""
        << left - 8 << "\" y=\"" << y_axis(tick) + 4.5 << "\" text-anchor=\"end\">" << y_axis.label(tick)
        << "</text>\n";
  for (const double tick : x_axis.ticks())
    svg << "<path d=\"M" << x_axis(tick) << ' ' << height - bottom << "v5\" stroke=\"#888\"/><text x=\"" << x_axis(tick)
        << "\" y=\"" << height - bottom + 20 << "\" text-anchor=\"middle\">" << x_axis.label(tick) << "</text>\n";
  svg << "<path d=\"M" << left << ' ' << height - bottom << 'H' << width - right << "\" stroke=\"#888\"/>\n";

  using Values = std::vector<double>;
  const auto draw = [&](const Values& x, const Values& y, std::size_t line, const char* look) {
    svg << "<path fill=\"none\" clip-path=\"url(#plot)\" stroke-linejoin=\"round\" stroke-linecap=\"round\" stroke=\""
        << colours[line % colours.size()] << "\" " << look << " d=\"";
    const double beyond = 10 * height;  // far outside of the picture; renderers dislike numbers that are huge
    bool pen_down = false;
    for (const std::size_t i : thin(y, most_points)) {
      if (!drawable(y[i]) || !drawable(x[i])) {
        pen_down = false;
        continue;
      }
      svg << (pen_down ? 'L' : 'M') << x_axis(x[i]) << ' ' << std::clamp(y_axis(y[i]), -beyond, beyond);
      if (!pen_down) svg << "h.1";  // with round ends, a lone point is a dot
      pen_down = true;
    }
    svg << "\"/>\n";
  };
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i].noisy) draw(lines[i].x, all[i].y, i, "stroke-width=\"1\" stroke-opacity=\"0.25\"");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& [x, y, noisy] = lines[i];
    draw(x, y, i, "stroke-width=\"2\"");
    for (std::size_t k = 0; k < y.size() && y.size() <= most_dots; ++k)
      if (drawable(x[k]) && drawable(y[k]))
        svg << "<circle cx=\"" << x_axis(x[k]) << "\" cy=\"" << y_axis(y[k]) << "\" r=\"3\" fill=\""
            << colours[i % colours.size()] << "\"/>\n";
  }

  double legend = left;
  for (std::size_t i = 0; i < all.size(); ++i) {
    svg << "<path d=\"M" << legend << " 47h18\" stroke-width=\"3\" stroke=\"" << colours[i % colours.size()]
        << "\"/><text x=\"" << legend + 24 << "\" y=\"51.5\">" << escape_xml(all[i].name) << "</text>\n";
    legend += 48 + 7 * static_cast<double>(all[i].name.size());
  }
  svg << "</svg>\n";
  replace_file(path, svg.str());
}

}  // namespace rival

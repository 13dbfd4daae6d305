#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/image/curves.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::ptrdiff_t occurrences(const std::string& text, const std::string& part) {
  std::ptrdiff_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

std::string chart(const std::vector<Series>& series) {
  const TemporaryFolder folder;
  write_curves_svg(folder / "a.svg", "Losses <& more>", "step", series);
  return read_bytes(folder / "a.svg");
}

}  // namespace

TEST_CASE("curves: ticks are round numbers within the axis") {
  using Ticks = std::vector<double>;
  const auto ticks = [](double low, double high) { return internal::Axis(low, high, 0, 100, 5).ticks(); };
  CHECK(ticks(0, 5) == Ticks{0, 1, 2, 3, 4, 5});
  CHECK(ticks(1, 938) == Ticks{200, 400, 600, 800});
  CHECK(ticks(-7, 11) == Ticks{-5, 0, 5, 10});
  for (const double tick : ticks(-0.03, 0.017)) CHECK(std::abs(tick * 100 - std::round(tick * 100)) < 1e-12);
  // Ranges that are empty, tiny beside their place, or beyond all bounds must end, too.
  for (const double place : {0.0, 3.0, -1e-9, 1e17, 1e308}) {
    CHECK(ticks(place, place).size() >= 2);
    CHECK(ticks(place, std::nextafter(place, 2 * place + 1)).size() <= 20);
  }
  CHECK(ticks(-1e308, 1e308).size() <= 20);
}

TEST_CASE("curves: labels have the digits that they need") {
  const auto label = [](double low, double high, double tick) {
    return internal::Axis(low, high, 0, 100, 5).label(tick);
  };
  CHECK(label(0, 5, 3) == "3");
  CHECK(label(0, 1, 0.2) == "0.2");
  CHECK(label(0, 0.05, 0.02) == "0.02");
  CHECK(label(0, 50000, 20000) == "20000");
  CHECK(label(0, 5e9, 2e9) == "2e+09");
  CHECK(internal::Axis(-1, 1, 0, 100, 5).ticks()[2] == 0);
  CHECK(label(-1, 1, internal::Axis(-1, 1, 0, 100, 5).ticks()[2]) == "0.0");  // and not -0.0
}

TEST_CASE("curves: smoothing averages finite neighbours") {
  const std::vector<double> smooth = internal::smooth({1, 5, not_a_number, 3, 7}, 1);
  CHECK(smooth[0] == Approx((2 * 1 + 5) / 3.0));
  CHECK(smooth[1] == Approx((1 + 2 * 5) / 3.0));
  CHECK(std::isnan(smooth[2]));
  CHECK(smooth[3] == Approx((2 * 3 + 7) / 3.0));
  CHECK(internal::smooth({4, 4, 4}, 2) == std::vector<double>{4, 4, 4});
}

TEST_CASE("curves: thinning keeps extremes, gaps and the order") {
  std::vector<double> values;
  for (int i = 0; i < 100'000; ++i) values.push_back(std::sin(i * 0.001));
  values[31'234] = 9;
  values[77'777] = -9;
  values[50'000] = not_a_number;
  const std::vector<std::size_t> kept = internal::thin(values, 900);
  CHECK(kept.size() <= 900);
  CHECK(kept.size() >= 590);
  CHECK(std::is_sorted(kept.begin(), kept.end()));
  for (const std::size_t place : {31'234u, 77'777u, 50'000u})
    CHECK(std::find(kept.begin(), kept.end(), place) != kept.end());
  CHECK(internal::thin({3, 1, not_a_number}, 900) == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("curves: a short series is a line with dots, and what is not finite a gap") {
  const std::string svg = chart({{"fid & co", {30, 20, not_a_number, 12, 11}}});
  CHECK(svg.find("<svg xmlns=") == 0);
  CHECK(svg.find("</svg>\n") == svg.size() - 7);
  CHECK(svg.find(">Losses &lt;&amp; more&gt;<") != std::string::npos);
  CHECK(svg.find(">fid &amp; co<") != std::string::npos);
  CHECK(svg.find(">step<") != std::string::npos);
  CHECK(occurrences(svg, "<circle") == 4);
  const std::size_t begin = svg.find(" d=\"", svg.find("clip-path=")) + 4;
  const std::string line = svg.substr(begin, svg.find('"', begin) - begin);
  CHECK(occurrences(line, "M") == 2);
  CHECK(occurrences(line, "L") == 2);
  CHECK(line.substr(0, 4) == "M64.");  // the first x at the left edge
  CHECK(svg.find("nan") == std::string::npos);
}

TEST_CASE("curves: a long series is drawn faint and smoothed, in a small file") {
  std::vector<double> noisy;
  for (int i = 0; i < 200'000; ++i) noisy.push_back(1 + 0.5 * std::sin(i * 1.7));
  noisy[1000] = 1e300;
  const std::string svg = chart({{"a", noisy}, {"b", noisy}});
  CHECK(occurrences(svg, "stroke-opacity") == 2);
  CHECK(occurrences(svg, "clip-path=\"url(#plot)\"") == 4);
  CHECK(svg.size() < 80'000);
}

TEST_CASE("curves: draws what little there is") {
  for (const std::vector<Series>& series : {std::vector<Series>{},
                                            {{"none", {}}},
                                            {{"no number", {not_a_number, INFINITY}}},
                                            {{"one", {0.001}}},
                                            {{"flat", {2, 2, 2}}},
                                            {{"huge", {-9e99, 9e99}}},
                                            {{"too huge", {-1e308, 1e308}}}}) {
    const std::string svg = chart(series);
    CHECK(svg.find("</svg>\n") == svg.size() - 7);
    CHECK(svg.find("nan") == std::string::npos);
  }
}

TEST_CASE("curves: refuses x and y that do not fit, and leaves the earlier file") {
  const TemporaryFolder folder;
  const auto path = folder.write("a.svg", "earlier");
  CHECK_THROWS_WITH(write_curves_svg(path, "t", "x", {{"a", {1, 2, 3}, {1, 2}}}),
                    "curves: series \"a\" has 2 x and 3 y");
  CHECK(read_bytes(path) == "earlier");
  CHECK_THROWS_WITH(write_curves_svg(folder.path(), "t", "x", {}),
                    "cannot write " + quoted(folder.path()) + ": it is a folder");
}

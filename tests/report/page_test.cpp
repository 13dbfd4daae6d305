#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/image/png.hpp"
#include "rival/report/page.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using namespace rival;
using namespace rival_test;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::vector<std::uint8_t> small_png() { return encode_png({1, 2, 1, {7, 9}}); }

/// What stands between <main> and </main>.
std::string body(const Page& page) {
  const std::string html = page.html();
  const auto begin = html.find("<main>\n") + 7;
  return html.substr(begin, html.find("</main>", begin) - begin);
}

/// The data of the first section that has some.
nlohmann::json data(const Page& page) {
  const std::string html = body(page), tag = "<script type=\"application/json\">";
  const auto begin = html.find(tag) + tag.size();
  return nlohmann::json::parse(html.substr(begin, html.find("</script>", begin) - begin));
}

}  // namespace

TEST_CASE("page: texts are escaped, and what is no UTF-8 is replaced") {
  using internal::html_text;
  CHECK(html_text("a <b> & \"c\"") == "a &lt;b&gt; &amp; &quot;c&quot;");
  const std::string odd = "\xEF\xBF\xBD";
  CHECK(html_text("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x99\x82") ==
        "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x99\x82");
  CHECK(html_text("\xFFx") == odd + "x");
  CHECK(html_text("\xC3") == odd);                      // cut off
  CHECK(html_text("\xE2\x82<") == odd + odd + "&lt;");  // takes no `<` with it
  CHECK(html_text("\xC0\xAF") == odd + odd);            // overlong
  CHECK(html_text("\xED\xA0\x80") == odd + odd + odd);  // half of a surrogate pair
  CHECK(html_text("\xF4\x90\x80\x80") == odd + odd + odd + odd);
  CHECK(html_text(std::string("a\0b\x1B\x7F\n", 6)) == "a" + odd + "b" + odd + odd + "\n");
}

TEST_CASE("page: base64 of RFC 4648") {
  const auto of = [](const std::string& text) { return internal::base64({text.begin(), text.end()}); };
  CHECK(of("") == "");
  CHECK(of("f") == "Zg==");
  CHECK(of("fo") == "Zm8=");
  CHECK(of("foo") == "Zm9v");
  CHECK(of("foob") == "Zm9vYg==");
  CHECK(of("fooba") == "Zm9vYmE=");
  CHECK(of("foobar") == "Zm9vYmFy");
  CHECK(of("\xFB\xFF\xBF") == "+/+/");
}

TEST_CASE("page: the charts' library is the package's own") {
  if (std::system("sha256sum --version > /dev/null 2>&1") != 0) {
    WARN("there is no sha256sum");
    return;
  }
  const TemporaryFolder folder;
  const auto script = folder.write("script", std::string(internal::uplot_script)),
             style = folder.write("style", std::string(internal::uplot_style));
  const auto sums = folder.write(
      "sums", "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f  " + script.string() +
                  "\ndf630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04  " + style.string() + '\n');
  CHECK(std::system(("sha256sum --check --quiet " + sums.string()).c_str()) == 0);
  CHECK(internal::uplot_script.size() + internal::uplot_style.size() < 300'000);
}

TEST_CASE("page: a value that is not finite is a gap, numbers have few digits") {
  using internal::json_number;
  CHECK(json_number(not_a_number) == "null");
  CHECK(json_number(-std::numeric_limits<double>::infinity()) == "null");
  CHECK(json_number(1e300) == "null");
  CHECK(json_number(100000) == "100000");
  CHECK(json_number(-0.693147180559945) == "-0.693147");
  CHECK(json_number(1.0 / 3e9) == "3.33333e-10");
  CHECK(json_number(5e-324) == "5e-324");

  Page page("a");
  page.warnings("Warnings", {{7, "name", "text"}, {not_a_number, "other", ""}});
  page.curves("Losses", "step", {{"a", {1.5, not_a_number, 2}}, {"b <i>", {1}, {30}}});
  CHECK(data(page) == nlohmann::json::parse(R"({"label": "step", "marks": [7.0], "series": [
    {"name": "a", "x": [1, 2, 3], "y": [1.5, null, 2]}, {"name": "b <i>", "x": [30], "y": [1]}]})"));
  CHECK_THAT(body(page), ContainsSubstring("b \\u003ci>") && !ContainsSubstring("<i>"));
}

TEST_CASE("page: a long series keeps its extremes and its gaps, and gets means") {
  Series series{"a", std::vector<double>(100000, 1)};
  series.y[31234] = -9, series.y[77777] = 99, series.y[500] = not_a_number;
  for (std::size_t i = 50000; i < 51000; ++i) series.y[i] = not_a_number;
  Page page("a");
  page.curves("Losses", "step", {series});
  const auto found = data(page).at("series").at(0);
  const auto &x = found.at("x"), &y = found.at("y");
  REQUIRE(x.size() == y.size());
  CHECK(y.size() <= 2000);
  const auto at = [&](long step) {
    for (std::size_t i = 0; i < x.size(); ++i)
      if (x[i] == step) return y[i];
    FAIL("no value at step " << step);
    return y[0];
  };
  CHECK(at(31235) == -9);
  CHECK(at(77778) == 99);
  CHECK(at(501).is_null());
  const auto& mean = found.at("mean");
  REQUIRE(mean.at("y").size() == 200);
  CHECK(mean.at("y")[0] == 1);
  CHECK(mean.at("y")[100].is_null());
  CHECK(mean.at("y")[155].get<double>() == Approx(1 + 98.0 / 500));
  CHECK(mean.at("x")[0] == 251);
}

TEST_CASE("page: 100,000 steps and sixty pictures stay below 5 MB") {
  Series series{"a", {}};
  for (int i = 0; i < 100000; ++i) series.y.push_back(std::sin(i * i) / 7);
  Page page("a");
  for (int chart = 0; chart < 5; ++chart) page.curves("Losses", "step", {series, series});
  Frames frames;
  std::vector<std::uint8_t> png = small_png();
  png.resize(60'000);
  for (int i = 0; i < 1000; ++i) frames.add({1.0 * i, png});
  page.frames("Samples", frames.all());
  CHECK(page.html().size() < 5'000'000);
}

TEST_CASE("page: pictures, bars and tables stand in the file itself") {
  Page page("a <title>", "and <more>");
  page.frames("Samples", {{0, small_png()}, {1200, encode_png({1, 1, 1, {1}})}});
  page.bars("Modes", {{"one", 50}, {"two & more", 200}, {"none", 0}, {"odd", not_a_number}}, "a note");
  page.pictures("Near", {{small_png(), "no. <1>"}});
  page.table("Settings", {}, {{"--out", "\"><b>"}});
  page.table("Layers", {"layer", "count"}, {{"conv", "1,234"}, {"relu", ""}});
  const std::string html = page.html(), uri = internal::png_uri(small_png());
  CHECK(html.starts_with("<!DOCTYPE html>"));
  CHECK_THAT(html, ContainsSubstring("<title>a &lt;title&gt;</title>") &&
                       ContainsSubstring("<h1>a &lt;title&gt;</h1><p>and &lt;more&gt;</p>") &&
                       ContainsSubstring("default-src 'none'"));
  CHECK_THAT(html, ContainsSubstring("<img alt=\"step 1,200\" width=\"3\" height=\"3\" src=\"data:image/png;base64,"));
  CHECK_THAT(html, ContainsSubstring("{\"label\":\"step\",\"steps\":[0,1200],\"pictures\":[\"" + uri + "\"]}"));
  CHECK_THAT(html, ContainsSubstring("<dt>two &amp; more</dt><dd><i title=\"two &amp; more: 200\" style=\"width:100%\">"
                                     "</i></dd><dd class=\"count\">200</dd>"));
  CHECK_THAT(html, ContainsSubstring("style=\"width:25%\"") && ContainsSubstring("<dt>none</dt><dd></dd>") &&
                       ContainsSubstring("<dt>odd</dt><dd></dd>") && ContainsSubstring("a note"));
  CHECK_THAT(html, ContainsSubstring("<img alt=\"no. &lt;1&gt;\" width=\"6\" height=\"3\" src=\"" + uri +
                                     "\"><figcaption>no. &lt;1&gt;</figcaption>"));
  CHECK_THAT(html, ContainsSubstring("<tr><th>--out</th><td>&quot;&gt;&lt;b&gt;</td></tr>"));
  CHECK_THAT(html, ContainsSubstring("<tr><th>layer</th><th class=\"number\">count</th></tr><tr><td>conv</td><td "
                                     "class=\"number\">1,234</td></tr>"));
  // Nothing but namespaces and the licences' own places names an address.
  CHECK_THAT(html, !ContainsSubstring("src=\"http") && !ContainsSubstring("href=") && !ContainsSubstring("@import"));
}

TEST_CASE("page: sounds stand in the file itself, and what is no WAV file is refused") {
  Page page("sounds");
  page.recordings("Heard", {{"RIFF....WAVE", "<seven>"}, {"RIFF", ""}}, "a note");
  const std::string html = page.html();
  CHECK_THAT(html, ContainsSubstring("<audio controls preload=\"none\" src=\"data:audio/wav;base64,UklGRi4uLi5XQVZF\">"
                                     "</audio><figcaption>&lt;seven&gt;</figcaption></figure>"));
  CHECK_THAT(html, ContainsSubstring("media-src data:;") && ContainsSubstring("a note"));
  Page other("none");
  other.recordings("Nothing", {});
  CHECK_THAT(other.html(), !ContainsSubstring("Nothing"));
  CHECK_THROWS_WITH(other.recordings("Heard", {{"OggS", ""}}),
                    "page: recordings: expected the bytes of a WAV file, got others");
}

TEST_CASE("page: many bars stand close together; nothing to show is no section") {
  Page page("a");
  page.bars("Modes", std::vector<Bar>(33, {"x", 1.5}));
  CHECK_THAT(body(page), ContainsSubstring("<div class=\"many\"><i title=\"x: 1.5\" style=\"height:100%\"></i>") &&
                             ContainsSubstring("33 bars, from x to x, the highest 1.5."));
  Page empty("a");
  empty.frames("Samples", {});
  empty.curves("Losses", "step", {});
  empty.bars("Modes", {});
  empty.pictures("Near", {});
  CHECK(body(empty).empty());
  empty.warnings("Warnings", {});
  CHECK_THAT(body(empty), ContainsSubstring("None."));
}

TEST_CASE("page: bad input is said in one line") {
  Page page("a");
  CHECK_THROWS_WITH(page.curves("Losses", "step", {{"d", {1, 2}, {1}}}), "page: series \"d\" has 1 x and 2 y");
  CHECK_THROWS_WITH(page.curves("Losses", "step", {{"d", {1, 2}, {5, 5}}}),
                    "page: series \"d\": expected x that ascend, got 5 at place 1");
  CHECK_THROWS_WITH(page.curves("Losses", "step", {{"d", {1}, {not_a_number}}}),
                    "page: series \"d\": expected x that ascend, got nan at place 0");
  CHECK_THROWS_WITH(page.frames("Samples", {{1, {1, 2, 3}}}),
                    "page: frames: expected the bytes of a PNG file, got 3 others");
  CHECK_THROWS_WITH(page.pictures("Near", {{std::vector<std::uint8_t>(30), ""}}),
                    "page: pictures: expected the bytes of a PNG file, got 30 others");
  CHECK_THROWS_WITH(page.table("T", {"a", "b"}, {{"1"}}), "page: table \"T\": expected rows of 2 cells, got one of 1");
  CHECK(body(page).empty());  // and what is bad leaves nothing behind
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(page.save(folder.path()), "cannot write " + quoted(folder.path()) + ": it is a folder");
}

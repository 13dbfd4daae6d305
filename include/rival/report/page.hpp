#pragma once
// Page: what a training run has to show, as one HTML file that needs no network. Needs nlohmann-json (rival::json).

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <locale>
#include <string>
#include <string_view>
#include <vector>

#include "rival/core/file.hpp"
#include "rival/core/finite.hpp"
#include "rival/core/version.hpp"
#include "rival/image/curves.hpp"
#include "rival/report/chart_data.hpp"
#include "rival/report/frames.hpp"
#include "rival/report/html.hpp"
#include "rival/report/page_script.hpp"
#include "rival/report/page_style.hpp"
#include "rival/report/uplot.hpp"

namespace rival {

/// A picture with what is to be said about it.
struct Picture {
  std::vector<std::uint8_t> png;  ///< the bytes of a PNG file
  std::string caption;            ///< plain text below it
};

/// A sound with what is to be said about it.
struct Recording {
  std::string wav;      ///< the bytes of a WAV file
  std::string caption;  ///< plain text below it
};

/// A bar of a histogram.
struct Bar {
  std::string name;  ///< plain text beside it
  double value = 0;  ///< its length
};

/// Something that went wrong in the training, or may.
struct Warning {
  double step = 0;   ///< of the training
  std::string name,  ///< what went wrong, in a few words
      text;          ///< what was seen, and what to try
};

/// Collects sections, from the top to the bottom, and writes them as one file: with pictures, style and script within,
/// for a browser without a network.
///
///     Page page("my_gan", "step 1,200 of 5,000");
///     page.frames("Samples", frames.all());
///     page.curves("Losses", "step", {{"discriminator", d}, {"generator", g}});
///     page.table("Settings", {}, {{"batch", "64"}});
///     page.save("report.html");
///
/// Without JavaScript pictures, bars and tables are there, and curves are not. Texts may hold anything: they are shown
/// as they are, and U+FFFD for what is no UTF-8. A value that is not finite is a gap in a curve.
class Page {
 public:
  /// A page without sections under a title and, if not empty, a line below that; plain texts.
  explicit Page(std::string_view title, std::string_view subtitle = "") : title_(internal::html_text(title)) {
    body_ = "<header><h1>" + title_ + "</h1>";
    if (!subtitle.empty()) body_ += "<p>" + internal::html_text(subtitle) + "</p>";
    body_ += "</header>\n<main>\n";
  }

  /// Warnings in the order they are given, and marks at their steps in the curves that come after. Without any the page
  /// says so.
  void warnings(std::string_view title, const std::vector<Warning>& all) {
    begin(all.empty() ? "wide" : "wide warnings", title);
    if (all.empty()) body_ += "<p class=\"note\">None.</p>";
    if (!all.empty()) body_ += "<ul>";
    for (const Warning& warning : all) {
      body_ += "<li>step " + number(warning.step) + ": <b>" + internal::html_text(warning.name) + "</b> " +
               internal::html_text(warning.text) + "</li>";
      if (is_finite(warning.step)) marks_.push_back(warning.step);
    }
    if (!all.empty()) body_ += "</ul>";
    end();
  }

  /// Pictures over time with a slider; the last one is shown first. Nothing for no frames. Throws Error for bytes that
  /// are no PNG file.
  void frames(std::string_view title, const std::vector<Frame>& frames, std::string_view label = "step") {
    if (frames.empty()) return;
    internal::JsonList steps, pictures;
    for (const Frame& frame : frames) {
      internal::png_size("page: frames", frame.png);
      steps.add(internal::json_number(frame.step));
      if (&frame != &frames.back()) pictures.add(internal::json_text(internal::png_uri(frame.png)));
    }
    begin("frames", title);
    picture("page: frames", frames.back().png, std::string(label) + ' ' + number(frames.back().step));
    body_ +=
        "<div class=\"controls\" hidden><button type=\"button\">Play</button><input type=\"range\" min=\"0\" "
        "value=\"0\" aria-label=\"" +
        internal::html_text(label) + "\"><output></output></div>";
    put("{\"label\":" + internal::json_text(label) + ",\"steps\":" + steps.text() + ",\"pictures\":" + pictures.text() +
        '}');
    end();
  }

  /// Curves by step with values to hover over, on a linear or a logarithmic axis. A long series is thinned to its least
  /// and greatest values and drawn faintly, with means on top. Nothing for no series. Throws Error when a series' x and
  /// y differ in number, and when its x do not ascend.
  void curves(std::string_view title, std::string_view x_label, const std::vector<Series>& all) {
    if (all.empty()) return;
    internal::JsonList series, marks;
    for (const Series& one : all) series.add(internal::json_series(one));
    for (const double step : marks_) marks.add(internal::json_exact(step));
    begin("curves", title);
    body_ +=
        "<noscript><p class=\"note\">The curves are drawn by JavaScript, which is switched off.</p></noscript>"
        "<div class=\"chart\"></div><div class=\"controls\" hidden><button type=\"button\" "
        "aria-pressed=\"false\">Logarithmic</button><span class=\"note hint\">Drag to zoom, double-click to see "
        "all.</span></div>";
    put("{\"label\":" + internal::json_text(x_label) + ",\"series\":" + series.text() + ",\"marks\":" + marks.text() +
        '}');
    end();
  }

  /// A histogram: rows of name, bar and value; of more than 32 bars, columns close together. Nothing for no bars. A bar
  /// that is negative or not finite is drawn as none.
  void bars(std::string_view title, const std::vector<Bar>& all, std::string_view note = "") {
    if (all.empty()) return;
    const bool many = all.size() > 32;
    double most = 0;
    for (const Bar& bar : all)
      if (is_finite(bar.value)) most = std::max(most, bar.value);
    const auto drawn = [&](const Bar& bar, const char* side) -> std::string {
      if (!(is_finite(bar.value) && bar.value > 0)) return many ? "<i></i>" : "";
      return "<i title=\"" + internal::html_text(bar.name) + ": " + number(bar.value) + "\" style=\"" + side + ':' +
             number(std::round(1e4 * (bar.value / most)) / 100) + "%\"></i>";
    };
    begin("bars", title, note);
    body_ += many ? "<div class=\"many\">" : "<dl>";
    for (const Bar& bar : all)
      body_ += many ? drawn(bar, "height")
                    : "<dt>" + internal::html_text(bar.name) + "</dt><dd>" + drawn(bar, "width") +
                          "</dd><dd class=\"count\">" + number(bar.value) + "</dd>";
    body_ += many ? "</div>" : "</dl>";
    if (many)
      body_ += "<p class=\"note\">" + number(static_cast<double>(all.size())) + " bars, from " +
               internal::html_text(all.front().name) + " to " + internal::html_text(all.back().name) +
               ", the highest " + number(most) + ".</p>";
    end();
  }

  /// Pictures side by side, as many as fit a row. Nothing for none. Throws Error for bytes that are no PNG file.
  void pictures(std::string_view title, const std::vector<Picture>& all, std::string_view note = "") {
    if (all.empty()) return;
    for (const Picture& one : all) internal::png_size("page: pictures", one.png);
    begin("pictures", title, note);
    body_ += "<div>";
    for (const Picture& one : all) {
      const std::uint32_t room = all.size() == 1 ? 560 : 150;
      body_ += "<figure style=\"width:" + std::to_string(shown("page: pictures", one.png, room).width) + "px\">";
      picture("page: pictures", one.png, one.caption, room);
      if (!one.caption.empty()) body_ += "<figcaption>" + internal::html_text(one.caption) + "</figcaption>";
      body_ += "</figure>";
    }
    body_ += "</div>";
    end();
  }

  /// Sounds to be played, as many as fit a row. Nothing for none. Throws Error for bytes that are no WAV file.
  void recordings(std::string_view title, const std::vector<Recording>& all, std::string_view note = "") {
    if (all.empty()) return;
    for (const Recording& one : all)
      require(one.wav.starts_with("RIFF"), "page: recordings: expected the bytes of a WAV file, got others");
    begin("pictures", title, note);
    body_ += "<div>";
    for (const Recording& one : all) {
      body_ += "<figure><audio controls preload=\"none\" src=\"data:audio/wav;base64," +
               internal::base64({one.wav.begin(), one.wav.end()}) + "\"></audio>";
      if (!one.caption.empty()) body_ += "<figcaption>" + internal::html_text(one.caption) + "</figcaption>";
      body_ += "</figure>";
    }
    body_ += "</div>";
    end();
  }

  /// A table. Columns of numbers stand to the right. Without a header the first cell of each row is its name.
  /// Throws Error when rows are not of one length.
  void table(std::string_view title, const std::vector<std::string>& header,
             const std::vector<std::vector<std::string>>& rows) {
    const std::size_t columns = !header.empty() ? header.size() : rows.empty() ? 0 : rows.front().size();
    for (const auto& row : rows)
      require(row.size() == columns, "page: table \"", title, "\": expected rows of ", columns, " cells, got one of ",
              row.size());
    std::vector<char> to_the_right(columns, !header.empty());
    for (const auto& row : rows)
      for (std::size_t c = 0; c < columns; ++c)
        if (!numeric(row[c])) to_the_right[c] = false;
    begin(header.empty() ? "plain" : "wide", title);
    body_ += "<div class=\"scroll\"><table>";
    const auto put_row = [&](const std::vector<std::string>& row, bool head) {
      body_ += "<tr>";
      for (std::size_t c = 0; c < columns; ++c) {
        const bool name = head || (header.empty() && c == 0);
        const std::string tag = name ? "th" : "td";
        body_ +=
            '<' + tag + (to_the_right[c] ? " class=\"number\">" : ">") + internal::html_text(row[c]) + "</" + tag + '>';
      }
      body_ += "</tr>";
    };
    if (!header.empty()) put_row(header, true);
    for (const auto& row : rows) put_row(row, false);
    body_ += "</table></div>";
    end();
  }

  /// The whole file.
  std::string html() const {
    using namespace internal;
    // Whatever a text may hold: nothing is fetched.
    std::string page =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; media-src data:; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
        title_ + "</title>\n";
    for (const std::string_view style : {uplot_style, page_style}) page.append("<style>").append(style) += "</style>\n";
    page += "</head>\n<body>\n" + body_ + "</main>\n<footer>Written by Rival " + std::string(version) +
            "; charts by uPlot.</footer>\n";
    page.append("<!-- uPlot: ").append(uplot_licence) += " -->\n";
    for (const std::string_view script : {uplot_script, page_script})
      page.append("<script>").append(script) += "</script>\n";
    return page + "</body>\n</html>\n";
  }

  /// Writes it. Throws Error, and leaves an earlier file as it was, when it cannot be written.
  void save(const std::filesystem::path& path) const { replace_file(path, html()); }

 private:
  void begin(std::string_view kind, std::string_view title, std::string_view note = "") {
    body_.append("<section class=\"").append(kind) += "\"><h2>" + internal::html_text(title) + "</h2>";
    if (!note.empty()) body_ += "<p class=\"note\">" + internal::html_text(note) + "</p>";
  }
  void end() { body_ += "</section>\n"; }

  /// In a script element nothing ends the text but a `<`, which JSON's strings may as well write as \u003c.
  void put(const std::string& json) {
    body_ += "<script type=\"application/json\">";
    for (const char c : json)
      if (c == '<')
        body_ += "\\u003c";
      else
        body_ += c;
    body_ += "</script>";
  }

  /// The extents that a picture is shown with: a small one two or three times as large, as far as `room` allows.
  static internal::PngSize shown(std::string_view what, const std::vector<std::uint8_t>& png, std::uint32_t room) {
    const auto [width, height] = internal::png_size(what, png);
    const std::uint32_t scale = width == 0 ? 1 : std::clamp(room / width, 1U, 3U);
    return {width * scale, height * scale};
  }

  void picture(std::string_view what, const std::vector<std::uint8_t>& png, std::string_view text,
               std::uint32_t room = 560) {
    const auto [width, height] = shown(what, png, room);
    body_ += "<img alt=\"" + internal::html_text(text) + "\" width=\"" + std::to_string(width) + "\" height=\"" +
             std::to_string(height) + "\" src=\"" + internal::png_uri(png) + "\">";
  }

  /// 1234567 as "1,234,567"; 0.5 as it is.
  static std::string number(double value) {
    if (value == std::round(value) && std::abs(value) < 1e15) {
      std::string digits = std::to_string(static_cast<long long>(std::abs(value)));
      for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
      return (value < 0 ? "-" : "") + digits;
    }
    internal::TextStream text;
    text.imbue(std::locale::classic());
    text << value;
    return text.str();
  }
  static bool numeric(std::string_view text) { return text.find_first_not_of("0123456789.,-+e %") == text.npos; }

  std::string title_, body_;
  std::vector<double> marks_;
};

}  // namespace rival

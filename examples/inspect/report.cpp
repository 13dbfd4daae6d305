#include "report.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "rival/nn/summary.hpp"

namespace {

constexpr std::size_t width = 80;

std::string padded(const std::string& text, std::size_t columns) {
  return text + std::string(columns - std::min(columns, text.size()), ' ');
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, " %10.4g", value);
  return text;
}

/// One line without control characters, and without an end that nobody reads.
std::string shown(std::string text) {
  constexpr std::size_t most = 4 * width;
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  if (text.size() <= most) return text;
  const std::string length = rival::internal::grouped(static_cast<rival::Index>(text.size()));
  std::size_t end = most;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // no half of a UTF-8 character
  return text.substr(0, end) + " ... (" + length + " bytes)";
}

}  // namespace

void print_folded(std::ostream& out, std::string line, std::size_t indent) {
  while (line.size() > width) {
    // A word longer than a line is cut.
    std::size_t end = line.rfind(' ', width);
    if (end == std::string::npos || line.find_first_not_of(' ') >= end) end = width;
    std::size_t last = end;
    while (last > 0 && line[last - 1] == ' ') --last;
    out << line.substr(0, last) << '\n';
    const auto next = line.find_first_not_of(' ', end);
    if (next == std::string::npos) return;
    line = std::string(indent, ' ') + line.substr(next);
  }
  out << line << '\n';
}

void print_tensors(std::ostream& out, const std::vector<TensorRow>& rows) {
  constexpr std::size_t name = 24, type = 7, shape = 14;
  double numbers = 0;
  for (const auto& row : rows) numbers += static_cast<double>(row.shape.size());
  out << "\ntensors: " << rival::internal::grouped(static_cast<rival::Index>(rows.size())) << ", of "
      << rival::internal::grouped(static_cast<rival::Index>(numbers)) << " values\n"
      << padded("name", name) << ' ' << padded("type", type) << ' ' << padded("shape", shape)
      << "        min        max       mean\n";
  for (const auto& row : rows) {
    std::string line = padded(shown(row.name), name);
    if (line.size() > name) {
      out << line << '\n';
      line = std::string(name, ' ');
    }
    line += ' ' + padded(row.type, type) + ' ' + row.shape.text();
    const bool any = row.range && row.range->nan + row.range->infinite < row.shape.size();
    if (any) line = padded(line, name + type + shape + 2);
    out << line;
    if (any) out << number(row.range->least) << number(row.range->greatest) << number(row.range->mean);
    out << '\n';
    if (row.range && row.range->nan > 0) out << "    " << row.range->nan << " are NaN\n";
    if (row.range && row.range->infinite > 0) out << "    " << row.range->infinite << " are infinite\n";
  }
}

void print_texts(std::ostream& out, const std::map<std::string, std::string>& texts) {
  using Json = nlohmann::ordered_json;
  for (const auto& [name, text] : texts) {
    // Text that is no JSON, or nothing but a word or a number, is shown as it is.
    const auto levels = [](int depth, Json::parse_event_t, Json&) { return depth <= 200; };
    const Json json = Json::parse(text, levels, false);
    if (!json.is_object() || json.empty()) {
      print_folded(out, shown(name + ": " + text), 2);
      continue;
    }
    out << shown(name) << ":\n";
    for (const auto& [key, value] : json.items())
      print_folded(out, shown("  " + key + ": " + (value.is_string() ? value.get<std::string>() : value.dump())), 4);
  }
}

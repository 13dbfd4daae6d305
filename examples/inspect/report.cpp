#include "report.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "rival/nn/summary.hpp"

namespace {

/// With blanks behind it; a character of UTF-8 takes one column, whatever its bytes.
std::string padded(const std::string& text, std::size_t columns) {
  const auto characters = static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  return text + std::string(columns - std::min(columns, characters), ' ');
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, " %10.4g", value);
  return text;
}

/// One line without control characters, and without an end that nobody reads.
std::string shown(std::string text) {
  constexpr std::size_t most = 4 * page_width;
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  if (text.size() <= most) return text;
  const std::string length = rival::internal::grouped(static_cast<rival::Index>(text.size()));
  std::size_t end = most;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // no half of a UTF-8 character
  return text.substr(0, end) + " ... (" + length + " bytes)";
}

using Json = nlohmann::ordered_json;

/// JSON as one reads it: `kind dense, in 100, bias true`.
std::string brief(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_structured()) return json.dump();
  std::string text;
  for (const auto& [key, value] : json.items()) {
    text += text.empty() ? "" : ", ";
    if (json.is_object()) text += key + ' ';
    text += value.is_object() ? '(' + brief(value) + ')' : brief(value);
  }
  return json.is_array() ? '[' + text + ']' : text;
}

/// JSON in a text; nothing if there is none, or no more than a word or a number.
Json parsed(const std::string& text) {
  const auto levels = [](int depth, Json::parse_event_t, Json&) { return depth <= 200; };
  const Json json = Json::parse(text, levels, false);
  return json.is_object() && !json.empty() ? json : Json();
}

/// A line for each member of an object and each object of a list, down to those that hold no others.
void print_json(std::ostream& out, const std::string& name, const Json& json, std::size_t indent) {
  const std::string start = std::string(indent, ' ') + name;
  const auto holds_objects = [](const Json& j) {
    return std::any_of(j.begin(), j.end(), [](const Json& member) { return member.is_object(); });
  };
  const Json within = json.is_string() ? parsed(json.get<std::string>()) : Json();
  if (!within.is_null()) return print_json(out, name, within, indent);
  if (json.is_object() ? json.empty() : !json.is_array() || !holds_objects(json))
    return print_folded(out, shown(start + ": " + brief(json)), indent + 2);
  out << shown(start) << ":\n";
  for (const auto& [key, value] : json.items()) {
    if (json.is_object())
      print_json(out, key, value, indent + 2);
    else
      print_folded(out, shown(std::string(indent + 2, ' ') + "- " + brief(value)), indent + 4);
  }
}

}  // namespace

void print_folded(std::ostream& out, std::string line, std::size_t indent) {
  while (line.size() > page_width) {
    // A word longer than a line is cut.
    std::size_t end = line.rfind(' ', page_width);
    if (end == std::string::npos || line.find_first_not_of(' ') >= end) end = page_width;
    std::size_t last = end;
    while (last > 0 && line[last - 1] == ' ') --last;
    out << line.substr(0, last) << '\n';
    const auto next = line.find_first_not_of(' ', end);
    if (next == std::string::npos) return;
    line = std::string(indent, ' ') + line.substr(next);
  }
  line.erase(line.find_last_not_of(' ') + 1);
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
  for (const auto& [name, text] : texts) print_json(out, name, text, 0);
}

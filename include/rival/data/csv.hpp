#pragma once
// Tables of texts: comma-separated values.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/core/error.hpp"

namespace rival::internal {

/// The rows of a CSV text: fields between commas, in double quotes where they hold a comma, a line's end or a quote
/// (then two). Empty lines are no rows. Throws Error, beginning with `what`, for a quote that does not end.
inline std::vector<std::vector<std::string>> parse_csv(std::string_view text, const std::string& what) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  std::string field;
  bool quoted = false, any = false;  // within quotes; whether the line holds anything
  const auto end_field = [&] { row.push_back(std::exchange(field, {})); };
  const auto end_row = [&] {
    if (any) end_field(), rows.push_back(std::move(row));
    row.clear();
    any = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"')
        field += c;
      else if (i + 1 < text.size() && text[i + 1] == '"')
        field += text[++i];
      else
        quoted = false;
      continue;
    }
    if (c == '\n') {
      end_row();
    } else if (c == ',') {
      end_field();
      any = true;
    } else if (c == '"' && field.empty()) {
      quoted = any = true;
    } else if (c != '\r') {
      field += c;
      any = true;
    }
  }
  require(!quoted, what, ": a quote in row ", rows.size() + 1, " does not end");
  end_row();
  return rows;
}

}  // namespace rival::internal

#pragma once
// A terminal with a window, as far as a progress bar needs one.

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "catch.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace rival_test {

/// What a program writes to `slave` stands in `rows`, where each is as long as the window is wide at most.
class Terminal {
 public:
  explicit Terminal(std::uint16_t columns) : master_(posix_openpt(O_RDWR | O_NOCTTY)) {
    REQUIRE(master_ >= 0);
    REQUIRE(grantpt(master_) == 0);
    REQUIRE(unlockpt(master_) == 0);
    slave = open(ptsname(master_), O_RDWR | O_NOCTTY);
    REQUIRE(slave >= 0);
    resize(columns);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    close(master_);
    if (slave >= 0) close(slave);
  }

  void resize(std::uint16_t columns) {
    const winsize window{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    REQUIRE(ioctl(master_, TIOCSWINSZ, &window) == 0);
    columns_ = columns > 0 ? columns : 1000;
  }

  /// Shows what the program writes until all programs have closed the terminal, or `text` is seen. False when it is
  /// not.
  bool show_until(const std::string& text = "") {
    if (text.empty()) {
      close(slave);
      slave = -1;
    }
    char buffer[256];
    for (ssize_t count; (count = read(master_, buffer, sizeof buffer)) > 0;) {
      for (ssize_t i = 0; i < count; ++i) show(buffer[i]);
      if (!text.empty() && all.find(text) != std::string::npos) return true;
    }
    return false;
  }

  /// Rows that hold the text.
  std::size_t rows_with(const std::string& text) const {
    std::size_t count = 0;
    for (const auto& row : rows) count += row.find(text) != std::string::npos;
    return count;
  }

  int slave = -1;
  std::string all;  ///< all that was written
  std::vector<std::string> rows{""};

 private:
  void show(char character) {
    all += character;
    if (character == '\r') {
      column_ = 0;
    } else if (character == '\n') {
      rows.emplace_back();
    } else {
      if (column_ == columns_) {
        rows.emplace_back();
        column_ = 0;
      }
      auto& row = rows.back();
      if (row.size() <= column_) row.resize(column_ + 1, ' ');
      row[column_++] = character;
    }
  }

  int master_;
  std::size_t columns_ = 80, column_ = 0;
};

}  // namespace rival_test

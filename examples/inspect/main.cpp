// Says what is in a file of weights, arrays or a model: layers, options, texts, and the range of every tensor.

#include <zlib.h>

#include <cstdio>
#include <iostream>
#include <vector>

#include "common/command_line.hpp"
#include "common/run_program.hpp"
#include "formats.hpp"
#include "rival/core/byte_source.hpp"
#include "rival/nn/summary.hpp"

namespace {

std::string known_endings() {
  std::string all;
  for (const auto& [ending, print] : formats()) all += (all.empty() ? "" : ", ") + ending;
  return all;
}

/// Bytes of the file, and their CRC-32 as gzip and zip count it.
std::string size_and_checksum(const std::filesystem::path& path) {
  rival::internal::FileSource file("file", path);
  std::vector<unsigned char> chunk(1 << 20);
  uLong sum = crc32(0, nullptr, 0);
  rival::Index bytes = 0;
  while (const std::size_t got = file.read(chunk.data(), chunk.size())) {
    sum = crc32(sum, chunk.data(), static_cast<uInt>(got));
    bytes += static_cast<rival::Index>(got);
  }
  char text[16];
  std::snprintf(text, sizeof text, "%08lx", static_cast<unsigned long>(sum));
  return rival::internal::grouped(bytes) + " bytes, CRC-32 " + text;
}

int inspect(const std::filesystem::path& file) {
  rival::require(std::filesystem::exists(file), "file ", file, ": no such file");
  const auto format = formats().find(file.extension().string());
  rival::require(format != formats().end(), "expected a file that ends in one of ", known_endings(), ", got ", file);
  rival::internal::TextStream report;  // whole, or nothing but the error
  report << file.string() << '\n' << size_and_checksum(file) << '\n';
  format->second(report, file);
  std::cout << report.str() << std::flush;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("inspect", [&] {
    Arguments app("Says what is in a file: its size and checksum, layers and their options, texts, and the tensors.");
    std::filesystem::path file;
    app.add_option("FILE", file, "a file that ends in one of " + known_endings())->required();
    return parse_arguments(app, argc, argv) ? inspect(file) : 0;
  });
}

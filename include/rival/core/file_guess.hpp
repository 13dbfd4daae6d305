#pragma once
// What a file is that is not what its reader expected.

#include <algorithm>
#include <string>
#include <string_view>

namespace rival::internal {

/// What a file may be that begins with `start` (some 64 bytes tell enough): " (it is a web page, ...)" for the end of
/// an error, or nothing.
inline std::string guess_file(std::string_view start) {
  start = start.substr(0, 64);
  const auto begins = [&](std::string_view with) { return start.starts_with(with); };
  const std::string_view text = start.substr(std::min(start.find_first_not_of(" \t\r\n\xef\xbb\xbf"), start.size()));
  if (begins("\x1f\x8b")) return " (it is packed with gzip: unpack it first)";
  if (begins("PK\x03\x04")) return " (it is a zip archive: unpack it first)";
  if (begins("version https://git-lfs"))
    return " (it is a pointer of Git LFS: fetch the file itself, by `git lfs pull`)";
  if (text.starts_with('<')) return " (it is a web page, perhaps a server's error in place of the file)";
  if (begins("\x93NUMPY")) return " (it is a NumPy file)";
  if (start.size() > 8 && start.substr(8).starts_with("{\"")) return " (it is a safetensors file)";
  if (begins("\x89PNG") || begins("\xff\xd8\xff") || begins("GIF8") || begins("BM")) return " (it is a picture)";
  // A version below 32, and the name of what wrote it: the first fields of ONNX's messages.
  if (start.size() > 2 && start[0] == 8 && start[1] > 0 && start[1] < 32 && start[2] == 18)
    return " (it is an ONNX model)";
  if (begins("BZh") || begins("\xfd\x37zXZ") || begins("7z\xbc\xaf") || begins("\x28\xb5\x2f\xfd"))
    return " (it is packed otherwise than with gzip: unpack it first)";
  if (start.size() >= 8 && std::all_of(start.begin(), start.end(),
                                       [](unsigned char c) { return (c >= 32 && c < 127) || (c >= 9 && c <= 13); }))
    return " (it is a text)";
  return "";
}

}  // namespace rival::internal

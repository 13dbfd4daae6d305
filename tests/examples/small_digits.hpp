#pragma once
// Data and options for quick runs of mnist_gan.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rival/data/idx.hpp"
#include "run_program.hpp"
#include "temporary_folder.hpp"

namespace rival_test {

inline const char* const images_name = "train-images-idx3-ubyte";
inline const char* const labels_name = "train-labels-idx1-ubyte";

/// 200 images of stripes: enough to run, and quick to read.
struct SmallData : TemporaryFolder {
  explicit SmallData(rival::Index count = 200, rival::Index width = 28) {
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count * width * width));
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i / 5 % 7 * 40);
    rival::write_idx(*this / images_name, {count, width, width}, pixels.data());
    rival::write_idx(*this / labels_name, {count}, std::vector<std::uint8_t>(static_cast<std::size_t>(count)).data());
  }
};

/// Arguments of a quick run on `data`. An option of `more` takes the place of the one here.
inline Arguments quick(const std::filesystem::path& data, const std::filesystem::path& out,
                       const Arguments& more = {}) {
  Arguments all = more;
  for (const auto& [option, value] : std::map<std::string, std::string>{{"--architecture", "dense"},
                                                                        {"--data", data.string()},
                                                                        {"--out", out.string()},
                                                                        {"--batch", "20"},
                                                                        {"--steps", "3"}})
    if (std::find(more.begin(), more.end(), option) == more.end()) all.insert(all.end(), {option, value});
  return all;
}

/// The files that every run leaves.
inline const std::vector<std::string> promised{"discriminator.safetensors",
                                               "generator.safetensors",
                                               "losses.csv",
                                               "losses.svg",
                                               "progress.gif",
                                               "report.html",
                                               "samples.png",
                                               "summary.txt"};

}  // namespace rival_test

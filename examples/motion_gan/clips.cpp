#include "clips.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/clip_files.hpp"
#include "common/data_file.hpp"
#include "rival/data/moving_digits.hpp"
#include "rival/image/grid.hpp"
#include "rival/image/png.hpp"

using rival::Index;

Clips clips_of(const Options& o) {
  if (!o.data.empty()) {
    const rival::ClipFolder folder = read_clips(o.data, {.frames = o.frames, .size = o.size, .channels = o.channels});
    rival::require(folder.data.size() >= 4, "expected at least 4 clips in ", o.data, ", got ", folder.data.size());
    return {folder.data, folder.describe()};
  }
  MnistFolder digits(RIVAL_MNIST_DIR);
  const rival::Dataset data = rival::moving_digits(digits.train(), rival::Random(o.seed).stream("clips"),
                                                   {.clips = o.clips, .frames = o.frames, .size = o.size});
  return {data, rival::internal::concatenate(o.clips, " clips of ", o.frames, " frames of ", o.size, 'x', o.size,
                                             ": handwritten digits that bounce about\n")};
}

std::vector<rival::Frame> frames_of(const std::vector<rival::Image>& pictures) {
  std::vector<rival::Frame> frames;
  for (const rival::Image& picture : pictures)
    frames.push_back({static_cast<double>(frames.size() + 1), rival::encode_png(picture)});
  return frames;
}

rival::Tensor<float> first_clips(const rival::Dataset& data, Index count) {
  std::vector<Index> which(static_cast<std::size_t>(std::min(count, data.size())));
  std::iota(which.begin(), which.end(), 0);
  rival::Tensor<float> clips;
  data.gather(which, clips);
  return clips;
}

std::vector<std::string> figure_names() {
  return {"clips",        "one digit in all frames",   "content distance",
          "step, pixels", "second difference, pixels", "least and most of a digit"};
}

std::vector<std::string> figures_of(const std::string& name, const rival::MotionFigures& f) {
  const auto number = [](double value, int digits) {
    rival::internal::TextStream text;
    text.precision(digits);
    text << value;
    return text.str();
  };
  const auto total = static_cast<double>(std::accumulate(f.classes.begin(), f.classes.end(), Index{0}));
  const auto [least, most] = std::minmax_element(f.classes.begin(), f.classes.end());
  const auto share = [&](Index count) { return number(100 * static_cast<double>(count) / total, 3) + " %"; };
  return {name,
          number(100 * f.same_class, 3) + " %",
          number(f.content_distance, 3),
          number(f.step, 3),
          number(f.second_difference, 3),
          share(*least) + " to " + share(*most)};
}

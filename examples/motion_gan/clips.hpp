#pragma once
// The clips that motion_gan trains on, and how clips are shown.

#include <string>
#include <vector>

#include "options.hpp"
#include "rival/data/dataset.hpp"
#include "rival/image/gif.hpp"
#include "rival/metrics/motion.hpp"
#include "rival/report/frames.hpp"

struct Clips {
  rival::Dataset data;      ///< {frames, size, size, channels} each
  std::string description;  ///< what was made of the folder, in lines
};

/// Those that the options name. Throws rival::Error for what is no folder of clips.
Clips clips_of(const Options& options);

/// Pictures one after the other for a report, by frame.
std::vector<rival::Frame> frames_of(const std::vector<rival::Image>& pictures);

/// The first clips of a data set.
rival::Tensor<float> first_clips(const rival::Dataset& data, rival::Index count);

/// What the bundled classifier of digits says of clips, in a row of a table, and what the columns are.
std::vector<std::string> figures_of(const std::string& name, const rival::MotionFigures& figures);
std::vector<std::string> figure_names();

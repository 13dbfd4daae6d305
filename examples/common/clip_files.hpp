#pragma once
// Clips in files of all formats that are built in.

#include <filesystem>
#include <vector>

#include "rival/data/clip_folder.hpp"

/// rival::read_clip_folder.
rival::ClipFolder read_clips(const std::filesystem::path& folder, const rival::ClipFolderOptions& options);

/// Whether write_webp is there.
bool has_webp();

/// rival::write_animated_webp. Throws rival::Error where it is not built in.
void write_webp(const std::filesystem::path& path, const std::vector<rival::Image>& frames, double delay);

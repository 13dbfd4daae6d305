#pragma once
// The network in the files that other programs open.

#include <filesystem>
#include <string>

#include "rival/io/sampler.hpp"

/// What `export_network` writes, for people.
std::string export_formats();

/// Throws rival::Error unless the file's name ends as one of these formats does.
void require_export_format(const std::filesystem::path& file);

/// Writes the generator in the format that the file's name ends in. Throws rival::Error, and leaves an earlier file as
/// it was, when it cannot.
void export_network(const rival::Sampler<>& sampler, const std::filesystem::path& file);

#pragma once
// What a run leaves behind beside its pictures.

#include <cstdint>
#include <string>

#include "common/run.hpp"
#include "common/samples.hpp"
#include "options.hpp"
#include "rival/gan/recipes/recipe.hpp"

/// The text of summary.txt; `evaluations` is a line in it, if not empty.
std::string describe(const Options& options, const Run& run, rival::Recipe<>& recipe, const std::string& evaluations);

/// Memory for so many images {N, 28, 28}. Throws rival::Error when there is too little of it.
rival::Tensor<std::uint8_t> room_for_images(rival::Index count);

/// Draws images until `images` is full. A signal that ends the run ends this, too, but not before there are a thousand;
/// `images` has then fewer.
void draw_images(Samples& samples, rival::Tensor<std::uint8_t>& images, const Run& run);

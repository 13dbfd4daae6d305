#pragma once
// What a report shows of a generator of pictures, at the end of its training.

#include <string>
#include <vector>

#include "common/samples.hpp"
#include "rival/data/dataset.hpp"

namespace rival {
class Page;
}

/// Samples between latent vectors, a row a walk.
void add_walks(rival::Page& page, const Samples& samples);

/// Some samples, if they are finite, each beside the picture of the data that is nearest to it in its pixels. The data
/// are gone through in pieces, so that memory for a few thousand pictures is enough.
void add_nearest(rival::Page& page, const Samples& samples, const rival::Dataset& data);

/// How many pictures of each class the data have; nothing without labels.
void add_classes(rival::Page& page, const rival::Dataset& data, const std::vector<std::string>& names);

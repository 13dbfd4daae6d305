#pragma once
// The lines that text_gan trains on, and what their samples look like.

#include <string>
#include <vector>

#include "options.hpp"
#include "rival/data/text.hpp"
#include "rival/data/tokens.hpp"

struct Lines {
  rival::Text text;
  rival::Dataset training, held_out;

  /// Of at least so many symbols that all n-grams of the figures fit.
  rival::Index length() const { return training.sample_shape()[0]; }
};

/// Reads them and holds some out, drawn by the seed. Throws rival::Error for a text that cannot be used.
Lines read_lines(const Options& options);

/// What samples say, a line each; where padding stands before a line's last character it is shown as "_".
std::vector<std::string> texts_of(const rival::Tensor<float>& samples, const rival::Alphabet& alphabet);

#pragma once
// Reports as numbers, for checkpoints.

#include <vector>

#include "rival/core/tensor.hpp"
#include "rival/train/fit_options.hpp"

/// A row a report.
rival::Tensor<double> to_numbers(const std::vector<rival::StepReport>& reports);

std::vector<rival::StepReport> to_reports(const rival::Tensor<double>& numbers);

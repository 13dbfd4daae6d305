#pragma once
// The classifier of classify.

#include "rival/train/classifier.hpp"

/// For pictures {H, W, C}: 3x3 convolutions in pairs, and 4x4 ones of stride 2 between them, which halve height and
/// width until there are fewer than 8, twice as many channels each time, from `width` up to four times as many; then 64
/// features and the logits. Batch norm and ReLU behind each. For rows {D}: two dense layers in their place. Throws
/// rival::Error for samples of other kinds.
rival::Classifier<> make_classifier(const rival::Shape& sample, rival::Index classes, rival::Index width,
                                    const rival::Random& random);

#pragma once
// What a GAN's pictures are worth to a classifier that has few of its own: a table.

#include "options.hpp"

/// Trains classifiers on few labels and on data of which one class is cut to a hundredth: on the real pictures, on
/// these distorted, on these and a GAN's, on both, and on a GAN's alone; the GAN is trained on the same labelled
/// pictures and no others. Each error is a file of the folder `cells`, and each GAN too: what is there is kept. Prints
/// the table, and writes it to table.md as it grows. Returns the program's exit code. Throws rival::Error for a folder
/// with cells of other options.
int make_table(const Options& options);

#pragma once
// What programs call of the library's files of networks, compiled once, in network_files.cpp.

#include "rival/io/network_file.hpp"
#include "rival/io/sampler.hpp"

extern template rival::Classifier<float> rival::load_classifier(const std::filesystem::path&);
extern template rival::Sampler<float> rival::load_sampler(const std::filesystem::path&);
extern template void rival::save(const rival::Classifier<float>&, const std::filesystem::path&, rival::Metadata);
extern template void rival::save(const rival::Generator<float>&, const rival::Sampling&, const std::filesystem::path&);

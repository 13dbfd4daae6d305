#include "common/network_files.hpp"

template rival::Classifier<float> rival::load_classifier(const std::filesystem::path&);
template rival::Sampler<float> rival::load_sampler(const std::filesystem::path&);
template void rival::save(const rival::Classifier<float>&, const std::filesystem::path&, rival::Metadata);
template void rival::save(const rival::Generator<float>&, const rival::Sampling&, const std::filesystem::path&);

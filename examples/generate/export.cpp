#include "export.hpp"

#include <functional>
#include <map>

namespace {

using Write = std::function<void(const rival::Sampler<>& sampler, const std::filesystem::path& file)>;

/// By the end of a file's name.
const std::map<std::string, Write>& formats() {
  static const std::map<std::string, Write> all{{".safetensors", [](const auto& sampler, const auto& file) {
                                                   rival::save(sampler.generator(), sampler.sampling(), file);
                                                 }}};
  return all;
}

}  // namespace

std::string export_formats() {
  std::string all;
  for (const auto& [ending, write] : formats()) all += (all.empty() ? "" : " or ") + ending;
  return all;
}

void require_export_format(const std::filesystem::path& file) {
  rival::require(formats().contains(file.extension().string()), "--export: expected a file that ends in ",
                 export_formats(), ", got ", file);
}

void export_network(const rival::Sampler<>& sampler, const std::filesystem::path& file) {
  require_export_format(file);
  formats().at(file.extension().string())(sampler, file);
}

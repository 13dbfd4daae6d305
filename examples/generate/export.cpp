#include "export.hpp"

#include <functional>
#include <map>
#include <vector>

#include "common/network_files.hpp"
#include "rival/io/npz.hpp"
#include "rival/io/onnx_export.hpp"

namespace {

using Write = std::function<void(const rival::Sampler<>& sampler, const std::filesystem::path& file)>;

/// The weights alone, as NumPy's arrays.
void write_weights(const rival::Sampler<>& sampler, const std::filesystem::path& file) {
  const auto tensors = rival::file_tensors(sampler.generator());
  std::vector<rival::NamedNpyArray> arrays;
  for (const auto& [name, values] : tensors) arrays.push_back({name, &values});
  rival::write_npz(file, arrays);
}

/// By the end of a file's name.
const std::map<std::string, Write>& formats() {
  static const std::map<std::string, Write> all{
      {".npz", write_weights},
      {".onnx", [](const auto& sampler, const auto& file) { rival::save_onnx(sampler.generator(), file); }},
      {".safetensors",
       [](const auto& sampler, const auto& file) { rival::save(sampler.generator(), sampler.sampling(), file); }}};
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

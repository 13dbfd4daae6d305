#include "formats.hpp"

#include <sstream>
#include <utility>
#include <variant>
#include <vector>

#include "report.hpp"
#include "rival/io/json.hpp"
#include "rival/io/network_file.hpp"
#include "rival/io/npz.hpp"
#include "rival/io/onnx_file.hpp"
#include "rival/nn/summary.hpp"

namespace {

using std::filesystem::path;

/// A summary of the layers. Options that a line has no room for stand below it.
template <class Network>
void print_summary(std::ostream& out, Network network) {
  std::istringstream lines(rival::summary(network));
  std::size_t options = 0;
  for (std::string line; std::getline(lines, line);) {
    if (options == 0) options = line.find("options");
    if (line.size() > page_width) {
      print_folded(out, line.substr(0, line.find_last_not_of(' ', options - 1) + 1), 4);
      line.replace(0, options, "    ");
    }
    print_folded(out, line, 4);
  }
}

/// The network of a file that says which it is.
void print_network(std::ostream& out, const rival::Safetensors& file, const std::string& text) {
  try {
    const std::string role = rival::Json::parse(text).at("network").string();
    out << '\n' << role << '\n';
    if (role == "generator")
      print_summary(out, rival::load_generator(file));
    else if (role == "discriminator")
      print_summary(out, rival::load_discriminator(file));
    else if (role == "classifier")
      print_summary(out, rival::load_classifier(file));
    else
      print_summary(out, rival::load_network(file));
  } catch (const rival::JsonError& error) {
    print_folded(out, std::string("its description cannot be read: ") + error.what(), 2);
  } catch (const rival::Error& error) {
    // It may have layers of the program's own that wrote it.
    print_folded(out, std::string("cannot be made from the file: ") + error.what(), 2);
  }
}

std::optional<Range> range_of(const rival::Safetensors& file, const std::string& name) {
  const std::string& type = file.entry(name).type;
  const auto range = [](const auto& values) { return ::range_of(values.data(), values.size()); };
  if (type == "F16" || type == "BF16" || type == "F32" || type == "F64") return range(file.tensor<double>(name));
  if (type == "U8") return range(file.tensor<std::uint8_t>(name));
  return {};
}

void print_safetensors(std::ostream& out, const path& from) {
  const auto file = rival::Safetensors::read(from);
  auto texts = file.metadata();
  const auto network = texts.extract("rival");
  if (!network.empty()) print_network(out, file, network.mapped());
  if (!texts.empty()) print_texts(out << '\n', texts);
  std::vector<TensorRow> rows;
  for (const auto& name : file.names())
    rows.push_back({name, file.entry(name).type, file.entry(name).shape, range_of(file, name)});
  print_tensors(out, rows);
}

TensorRow row_of(const std::string& name, const rival::NpyArray& array) {
  return std::visit(
      [&]<class T>(const rival::Tensor<T>& values) -> TensorRow {
        return {name, std::string(rival::internal::NpyType<T>::name), values.shape(),
                ::range_of(values.data(), values.size())};
      },
      array);
}

void print_npy(std::ostream& out, const path& file) {
  print_tensors(out, {row_of(file.stem().string(), rival::read_npy_array(file))});
}

void print_npz(std::ostream& out, const path& file) {
  std::vector<TensorRow> rows;
  for (const auto& [name, array] : rival::read_npz(file)) rows.push_back(row_of(name, array));
  print_tensors(out, rows);
}

TensorRow row_of(const rival::OnnxTensor& tensor) {
  return std::visit(
      [&]<class T>(const std::vector<T>& values) -> TensorRow {
        const char* type = std::is_same_v<T, float> ? "float" : std::is_same_v<T, double> ? "double" : "int64";
        return {tensor.name, type, tensor.shape, ::range_of(values.data(), static_cast<rival::Index>(values.size()))};
      },
      tensor.values);
}

void print_values(std::ostream& out, const char* what, const std::vector<rival::OnnxValue>& values) {
  for (const auto& value : values) {
    std::string line = std::string(what) + ' ' + value.name + ": " + (value.whole_numbers ? "int64" : "float");
    for (std::size_t i = 0; i < value.extents.size(); ++i) {
      const auto& extent = value.extents[i];
      line += (i == 0 ? " " : "x") + (extent.size < 0 ? extent.name : std::to_string(extent.size));
    }
    print_folded(out, line, 4);
  }
}

void print_onnx(std::ostream& out, const path& file) {
  const rival::OnnxModel model = rival::read_onnx(file);
  out << "\ngraph " << model.graph << " by " << model.producer << ", opset " << model.opset << ", IR version "
      << model.ir_version << '\n';
  print_values(out, "input", model.inputs);
  print_values(out, "output", model.outputs);
  if (!model.metadata.empty()) print_texts(out << '\n', model.metadata);
  out << "\nnodes: " << model.nodes.size() << '\n';
  for (const auto& node : model.nodes) {
    std::string line = node.op + ' ' + node.name + ':';
    for (const auto& input : node.inputs) line += ' ' + (input.empty() ? "-" : input);
    line += " ->";
    for (const auto& output : node.outputs) line += ' ' + output;
    print_folded(out, line, 4);
  }
  std::vector<TensorRow> rows;
  for (const auto& tensor : model.initialisers) rows.push_back(row_of(tensor));
  print_tensors(out, rows);
}

}  // namespace

const std::map<std::string, Print>& formats() {
  static const std::map<std::string, Print> all{
      {".npy", print_npy}, {".npz", print_npz}, {".onnx", print_onnx}, {".safetensors", print_safetensors}};
  return all;
}

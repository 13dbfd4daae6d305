#pragma once
// ONNX files: protobuf messages, read and written as OnnxModel. Needs protozero (rival::protozero).

#include <filesystem>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "rival/core/file.hpp"
#include "rival/core/file_guess.hpp"
#include "rival/core/mapped_file.hpp"
#include "rival/io/onnx/read_messages.hpp"
#include "rival/io/onnx/write_messages.hpp"
#include "rival/io/onnx_model.hpp"

namespace rival {

/// The model as the bytes of an ONNX file.
inline std::string onnx_bytes(const OnnxModel& model) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_int64(1, model.ir_version);
  out.add_string(2, model.producer);
  {
    protozero::pbf_writer graph(out, 7);
    for (const OnnxNode& node : model.nodes) graph.add_message(1, internal::onnx_bytes(node));
    graph.add_string(2, model.graph);
    for (const OnnxTensor& tensor : model.initialisers) graph.add_message(5, internal::onnx_bytes(tensor));
    for (const OnnxValue& value : model.inputs) graph.add_message(11, internal::onnx_bytes(value));
    for (const OnnxValue& value : model.outputs) graph.add_message(12, internal::onnx_bytes(value));
  }
  {
    protozero::pbf_writer opset(out, 8);
    opset.add_string(1, "");
    opset.add_int64(2, model.opset);
  }
  for (const auto& [key, value] : model.metadata) {
    protozero::pbf_writer entry(out, 14);
    entry.add_string(1, key);
    entry.add_string(2, value);
  }
  return bytes;
}

/// The model in the bytes of an ONNX file; errors begin with `what`. Throws Error for bytes that are no such file, and
/// for what is not read: weights in other files, sparse tensors, types other than float, double and whole numbers.
inline OnnxModel parse_onnx(std::string_view bytes, const std::string& what = "ONNX model") {
  OnnxModel model;
  model.ir_version = model.opset = 0;
  bool graph = false;
  try {
    protozero::pbf_reader in(bytes.data(), bytes.size());
    while (in.next()) switch (in.tag_and_type()) {
        case internal::wire_varint(1):
          model.ir_version = in.get_int64();
          break;
        case internal::wire_bytes(2):
          model.producer = in.get_string();
          break;
        case internal::wire_bytes(7):
          require(!graph, what, ": it has two graphs");
          graph = true;
          internal::read_onnx_graph(in.get_message(), model, what);
          break;
        case internal::wire_bytes(8): {
          const auto [domain, opset] = internal::read_onnx_pair(in.get_message());
          if (domain.empty() || domain == "ai.onnx") model.opset = opset.second;
          break;
        }
        case internal::wire_bytes(14): {
          const auto [key, value] = internal::read_onnx_pair(in.get_message());
          model.metadata[key] = value.first;
          break;
        }
        default:
          in.skip();
      }
  } catch (const protozero::exception& error) {
    const std::string guess = internal::guess_file(bytes);
    fail(what, ": it is damaged or no ONNX file",
         guess.empty() ? internal::concatenate(" (", error.what(), ")") : guess);
  }
  require(graph && model.opset > 0, what, ": it is damaged or no ONNX file (it has no ", graph ? "opset" : "graph",
          ")");
  return model;
}

/// The same of a file.
inline OnnxModel read_onnx(const std::filesystem::path& path) {
  internal::require_file("ONNX file", path);
  const MappedFile file(path);
  return parse_onnx({reinterpret_cast<const char*>(file.data()), file.size()},
                    internal::concatenate("ONNX file ", path));
}

/// Writes the model. Throws Error, and leaves an earlier file as it was, when it cannot; protobuf's messages end at
/// 2 GB.
inline void write_onnx(const std::filesystem::path& path, const OnnxModel& model) {
  double size = 0;  // of the weights, which are nearly all of it
  for (const OnnxTensor& tensor : model.initialisers)
    std::visit([&](const auto& values) { size += static_cast<double>(values.size() * sizeof(values[0])); },
               tensor.values);
  require(size < 0x1p31 - 0x1p24, "cannot write ", path, ": an ONNX file has at most 2 GB, this one's weights alone ",
          "would be ", size, " bytes");
  const std::string bytes = onnx_bytes(model);
  replace_file(path, bytes);
}

}  // namespace rival

#pragma once
// OnnxModel: what an ONNX file holds, as plain data. It needs no other library; onnx_file.hpp reads and writes it.

#include <cstdint>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rival/core/shape.hpp"

namespace rival {

/// A constant: a weight, or the sizes and axes that some operators take as inputs. F32, F64 and I64 are kept as they
/// are in the file; I32, U8 and booleans are widened to I64.
struct OnnxTensor {
  std::string name;
  Shape shape;
  std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>> values;

  bool whole_numbers() const { return std::holds_alternative<std::vector<std::int64_t>>(values); }
};

using OnnxAttribute = std::variant<float, std::int64_t, std::string, OnnxTensor, std::vector<float>,
                                   std::vector<std::int64_t>, std::vector<std::string>>;

/// One operator. An input with an empty name is left away.
struct OnnxNode {
  std::string name = {}, op = {}, domain = {};
  std::vector<std::string> inputs = {}, outputs = {};
  std::map<std::string, OnnxAttribute, std::less<>> attributes = {};
};

/// An extent of an input or output: a number, or, for a batch of any size, a name (the number is then -1).
struct OnnxExtent {
  Index size = -1;
  std::string name = {};
};

/// An input or output of the graph.
struct OnnxValue {
  std::string name;
  bool whole_numbers = false;  ///< int64, as labels are; otherwise float
  std::vector<OnnxExtent> extents;
};

/// The nodes come in an order in which each reads what earlier ones made.
struct OnnxModel {
  std::int64_t ir_version = 8;
  std::int64_t opset = 17;
  std::string producer, graph;
  std::vector<OnnxNode> nodes;
  std::vector<OnnxTensor> initialisers;
  std::vector<OnnxValue> inputs, outputs;
  std::map<std::string, std::string> metadata;
};

namespace internal {

/// How errors begin: with the model and, where there is one, the node. Made into text only where one is thrown.
struct OnnxPlaceInFile {
  const std::string& what;
  const OnnxNode* node = nullptr;

  friend std::ostream& operator<<(std::ostream& out, const OnnxPlaceInFile& place) {
    out << place.what << ": ";
    return place.node ? out << "node \"" << place.node->name << "\" (" << place.node->op << "): " : out;
  }
};

}  // namespace internal

}  // namespace rival

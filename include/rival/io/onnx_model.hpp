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
  std::string name;  ///< by which nodes read it
  Shape shape;       ///< {} for a scalar
  std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>>
      values;  ///< shape.size() of them, row by row

  /// Whether the values are of I64.
  bool whole_numbers() const { return std::holds_alternative<std::vector<std::int64_t>>(values); }
};

/// What an attribute of a node holds: a number, a text, a tensor, or a list of one kind.
using OnnxAttribute = std::variant<float, std::int64_t, std::string, OnnxTensor, std::vector<float>,
                                   std::vector<std::int64_t>, std::vector<std::string>>;

/// One operator. An input with an empty name is left away.
struct OnnxNode {
  std::string name = {},                 ///< of the node; may be empty
      op = {},                           ///< the operator, such as "Conv"
      domain = {};                       ///< of the operator; empty for ONNX's own
  std::vector<std::string> inputs = {},  ///< names of the values that it reads, in the operator's order
      outputs = {};                      ///< names of those that it makes
  std::map<std::string, OnnxAttribute, std::less<>> attributes =
      {};  ///< by name; those left away have the operator's defaults
};

/// An extent of an input or output: a number, or, for a batch of any size, a name (the number is then -1).
struct OnnxExtent {
  Index size = -1;        ///< -1: any
  std::string name = {};  ///< such as "N"; empty for a number
};

/// An input or output of the graph.
struct OnnxValue {
  std::string name;                 ///< by which nodes read or make it
  bool whole_numbers = false;       ///< int64, as labels are; otherwise float
  std::vector<OnnxExtent> extents;  ///< outermost first
};

/// The nodes come in an order in which each reads what earlier ones made.
struct OnnxModel {
  std::int64_t ir_version = 8;                  ///< version of the format, from which what a file may hold follows
  std::int64_t opset = 17;                      ///< version of ONNX's own operators
  std::string producer,                         ///< the program that made it
      graph;                                    ///< the graph's name
  std::vector<OnnxNode> nodes;                  ///< in the order in which they are run
  std::vector<OnnxTensor> initialisers;         ///< weights and other constants
  std::vector<OnnxValue> inputs,                ///< what a run is given, without constants
      outputs;                                  ///< what a run gives
  std::map<std::string, std::string> metadata;  ///< texts that a program put beside it, by name
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

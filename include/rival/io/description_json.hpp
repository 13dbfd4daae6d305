#pragma once
// Descriptions of layers as JSON. Needs nlohmann-json (rival::json).

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "rival/nn/description.hpp"

namespace rival {

/// {"kind": "dense", "in": 100, "out": 256, "bias": true}, with the layers within, if there are any, as "layers".
inline nlohmann::ordered_json to_json(const Description& description) {
  nlohmann::ordered_json json{{"kind", description.kind}};
  for (const auto& [name, value] : description.options)
    std::visit([&, &key = name](const auto& v) { json[key] = v; }, value);
  if (!description.layers.empty()) {
    json["layers"] = nlohmann::ordered_json::array();
    for (const Description& layer : description.layers) json["layers"].push_back(to_json(layer));
  }
  return json;
}

namespace internal {

inline OptionValue option_from_json(const std::string& name, const nlohmann::ordered_json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) {
    require(!json.is_number_unsigned() || json.get<std::uint64_t>() <= std::uint64_t{PTRDIFF_MAX}, "description: `",
            name, "` is larger than an index");
    return json.get<Index>();
  }
  if (json.is_number_float()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  require(json.is_array(), "description: `", name, "`: expected a number, a text or a list, got ", json.type_name());
  std::vector<Index> list;
  for (const auto& element : json) {
    require(element.is_number_integer(), "description: `", name, "`: expected a list of whole numbers");
    list.push_back(std::get<Index>(option_from_json(name, element)));
  }
  return list;
}

inline Description read_description(const nlohmann::ordered_json& json, int depth) {
  // Deeper than any network, and shallow enough for the stack.
  require(depth < 64, "description: expected at most 64 layers within each other, got more");
  require(json.is_object() && json.contains("kind") && json["kind"].is_string(),
          "description: expected an object with a kind");
  Description description{json["kind"].get<std::string>()};
  for (const auto& [name, value] : json.items()) {
    if (name == "kind") continue;
    if (name != "layers") {
      require(!value.is_array() || value.size() <= 16, "description: `", name, "`: expected a short list, got ",
              value.size());
      description.options.emplace_back(name, option_from_json(name, value));
      continue;
    }
    require(value.is_array(), "description: expected a list of layers, got ", value.type_name());
    for (const auto& layer : value) description.layers.push_back(read_description(layer, depth + 1));
  }
  return description;
}

}  // namespace internal

/// The other way. Throws Error for JSON that describes no layer.
inline Description description_from_json(const nlohmann::ordered_json& json) {
  return internal::read_description(json, 0);
}

}  // namespace rival

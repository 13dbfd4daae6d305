#pragma once
// Descriptions of layers as JSON. Needs nlohmann-json (rival::json).

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "rival/io/json.hpp"
#include "rival/nn/description.hpp"

namespace rival {

/// {"kind": "dense", "in": 100, "out": 256, "bias": true}, with the layers within, if there are any, as "layers".
inline Json to_json(const Description& description) {
  Json json = Json().add("kind", description.kind);
  const auto add = [&]<class T>(const std::string& name, const T& value) {
    if constexpr (std::is_same_v<T, std::vector<Index>>)
      json.add(name, Json::list_of(value));
    else
      json.add(name, value);
  };
  for (const auto& [name, value] : description.options)
    std::visit([&, &key = name](const auto& v) { add(key, v); }, value);
  if (!description.layers.empty()) {
    Json::List layers;
    for (const Description& layer : description.layers) layers.push_back(to_json(layer));
    json.add("layers", std::move(layers));
  }
  return json;
}

namespace internal {

inline OptionValue option_from_json(const std::string& name, const Json& json) {
  if (json.is_bool()) return json.boolean();
  if (json.is_whole()) {
    require(json.is_whole<Index>(), "description: `", name, "` is larger than an index");
    return json.whole<Index>();
  }
  if (json.is_double()) return json.number();
  if (json.is_string()) return json.string();
  require(json.is_list(), "description: `", name, "`: expected a number, a text or a list, got ", json.type());
  std::vector<Index> list;
  for (const Json& element : json.list()) {
    require(element.is_whole(), "description: `", name, "`: expected a list of whole numbers");
    list.push_back(std::get<Index>(option_from_json(name, element)));
  }
  return list;
}

inline Description read_description(const Json& json, int depth) {
  // Deeper than any network, and shallow enough for the stack.
  require(depth < 64, "description: expected at most 64 layers within each other, got more");
  const Json* kind = json.find("kind");
  require(kind != nullptr && kind->is_string(), "description: expected an object with a kind");
  Description description{kind->string()};
  for (const auto& [name, value] : json.members()) {
    if (name == "kind") continue;
    if (name != "layers") {
      const std::size_t elements = value.is_list() ? value.list().size() : 0;
      require(elements <= 16, "description: `", name, "`: expected a short list, got ", elements);
      description.options.emplace_back(name, option_from_json(name, value));
      continue;
    }
    require(value.is_list(), "description: expected a list of layers, got ", value.type());
    for (const Json& layer : value.list()) description.layers.push_back(read_description(layer, depth + 1));
  }
  return description;
}

}  // namespace internal

/// The other way. Throws Error for JSON that describes no layer.
inline Description description_from_json(const Json& json) { return internal::read_description(json, 0); }

}  // namespace rival

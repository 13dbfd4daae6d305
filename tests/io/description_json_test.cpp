#include <string>
#include "catch.hpp"

#include "rival/io/description_json.hpp"

using namespace rival;

namespace {

Description parsed(const std::string& text) { return description_from_json(Json::parse(text)); }

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("description as JSON: what describes no layer is refused, however deep it goes") {
  CHECK(parsed(R"({"kind": "x", "list": [1, 2], "layers": [{"kind": "y"}]})").layers.size() == 1);
  CHECK_THROWS_WITH(parsed("[]"), "description: expected an object with a kind");
  CHECK_THROWS_WITH(parsed(R"({"kind": 1})"), "description: expected an object with a kind");
  for (const std::string list : {"[1.5]", "[\"1\"]", "[true]", "[{}]", "[null]", "[[1]]"})
    CHECK_THROWS_WITH(parsed(R"({"kind": "x", "list": )" + list + "}"),
                      "description: `list`: expected a list of whole numbers");
  CHECK(parsed(repeated(R"({"kind": "x", "layers": [)", 64) + repeated("]}", 64)).kind == "x");
  CHECK_THROWS_WITH(parsed(repeated(R"({"kind": "x", "layers": [)", 65) + repeated("]}", 65)),
                    "description: expected at most 64 layers within each other, got more");
  for (const std::string begin : {R"({"kind": "x", "list": [)", R"({"kind": "x", "layers": [)"})
    CHECK_THROWS_WITH(parsed(repeated(begin, 500'000)), "expected at most 512 levels within each other, got more");
}

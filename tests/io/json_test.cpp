#include <cstdint>
#include <limits>
#include <string>
#include "catch.hpp"

#include "allocations.hpp"
#include "fail_each.hpp"
#include "rival/io/json.hpp"

using namespace rival;
using namespace rival_test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("json: a text is read and written as it was, members in their order") {
  for (const std::string text : {"null", "true", "-1", "0", "18446744073709551615", "-9223372036854775808", "0.1",
                                 "10.0", "5e-324", "1.7976931348623157e+308", "\"\"", "[]", "{}",
                                 R"(["a",[],{"z":1,"a":[null,false]}])", R"("\"\\\n\u0001")", "\"\xc3\xa4\""})
    CHECK(Json::parse(text).text() == text);
  CHECK(Json::parse(" { \"a\" : [ 1 , 2 ] } ").text() == R"({"a":[1,2]})");
  CHECK(Json::parse(R"("\u00e4")").text(true) == R"("\u00e4")");
  CHECK(Json(std::numeric_limits<double>::infinity()).text() == "null");
  CHECK(Json(Json::Members{{"b", 1}, {"a", Json::List{-1, 0.5, true, "x", nullptr}}}).text() ==
        R"({"b":1,"a":[-1,0.5,true,"x",null]})");
  CHECK(Json().add("b", 1).add("a", Json::List{2}).add("c", Json().add("d", "x")).text() ==
        R"({"b":1,"a":[2],"c":{"d":"x"}})");
  // Whole numbers are equal whatever type they came from; -0 keeps its sign, which only a double has.
  CHECK(Json(std::int64_t{3}) == Json::parse("3"));
  CHECK(Json::parse("-0").text() == "-0.0");
}

TEST_CASE("json: values are had as what they are, or refused") {
  const Json json = Json::parse(R"({"a": 200, "b": -1, "c": 1.5, "d": "x", "e": [true], "f": 18446744073709551615})");
  CHECK(json.at("f").whole<std::uint64_t>() == std::numeric_limits<std::uint64_t>::max());
  CHECK(json.at("b").whole<int>() == -1);
  CHECK(json.at("a").number() == 200);
  CHECK(json.at("c").number() == 1.5);
  CHECK(json.at("e").at(0).boolean());
  CHECK(json.find("g") == nullptr);
  CHECK(Json(1).find("g") == nullptr);
  CHECK_THROWS_WITH(json.at("g"), "expected a member \"g\", found none");
  CHECK_THROWS_WITH(json.at("e").at(1), "expected a list of more than 1, got 1");
  CHECK_THROWS_WITH(json.at("e").at("g"), "expected an object, got array");
  CHECK_THROWS_WITH(json.at("a").whole<std::int8_t>(), "expected a number of 8 bits, got 200");
  CHECK_THROWS_WITH(json.at("b").whole<std::uint64_t>(), "expected a number of 64 bits, got -1");
  CHECK_THROWS_WITH(json.at("f").whole<std::int64_t>(), StartsWith("expected a number of 64 bits"));
  CHECK_THROWS_WITH(json.at("c").whole<int>(), "expected a whole number, got number");
  CHECK_THROWS_WITH(json.at("d").number(), "expected a number, got string");
  CHECK_THROWS_WITH(json.at("a").string(), "expected a text, got number");
  CHECK_THROWS_WITH(json.list(), "expected a list, got object");
}

TEST_CASE("json: what is no JSON, has a name twice, or goes too deep is refused") {
  for (const std::string text :
       {"", "{", "[1,]", "{} x", "nul", "1e999", "\"\xff\"", "\"a\xc3\"", "\"\\ud800\"", "'a'"})
    CHECK_THROWS_WITH(Json::parse(text), StartsWith("not JSON: "));
  CHECK_THROWS_WITH(Json::parse(R"({"b": 1, "a": {"c": 1, "d": 2, "c": 3}})"), "an object has the name \"c\" twice");
  CHECK(Json::parse(R"([{"a": 1}, {"a": 1}])").list().size() == 2);
  CHECK(Json::parse("[[[]]]", 3).is_list());
  CHECK_THROWS_WITH(Json::parse("[[{}]]", 2), "expected at most 2 levels within each other, got more");
  CHECK_THROWS_WITH(Json::parse(std::string(1'000'000, '[')), Contains("at most 512 levels"));
  CHECK_THROWS_AS(Json("\xff").text(), JsonError);
  CHECK_THROWS_AS(Json(Json::Members{{"\xff", 1}}).text(), JsonError);
}

TEST_CASE("json: nothing is asked for where a value ends") {
  Json json = Json::parse(R"({"a": [[{"b": "a text that is longer than what stands in a string itself"}]], "c": {}})");
  const long before = allocations;
  const long live = live_allocations;
  json = nullptr;
  CHECK(allocations == before);
  CHECK(live_allocations < live);
}

TEST_CASE("json: each allocation that fails is an exception") {
  const std::string text = R"({"a":[[{"b":"a text that is longer than what stands in a string itself"}]],"c":{}})";
  bool right = true;
  CHECK(fail_each(
            [&] {
              Json json = Json::parse(text);
              Json copy = json;
              copy.add("d", Json::List{1, json, nullptr});
              json = copy;
              right = right && json.at("d").at(1).text() == text;
            },
            [] {}) > 20);
  CHECK(right);
}

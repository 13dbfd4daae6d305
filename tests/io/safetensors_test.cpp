#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/io/safetensors.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

std::string number(std::uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

/// A file of that header and those values.
std::string file(const std::string& header, const std::string& values = "") {
  return number(header.size()) + header + values;
}

std::string error_of(const std::string& bytes) {
  try {
    Safetensors::parse(bytes, "it");
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

/// The header of one tensor "a".
std::string one(const std::string& type, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

}  // namespace

TEMPLATE_TEST_CASE("safetensors: comes back as it was", "", float, double) {
  using S = TestType;
  Tensor<S> matrix({2, 3},
                   {1, -2, std::numeric_limits<S>::infinity(), S(0.1), std::numeric_limits<S>::denorm_min(), 0});
  Tensor<S> scalar(Shape{}, S(7)), nothing(Shape{0, 4});
  matrix[5] = std::numeric_limits<S>::quiet_NaN();
  const TemporaryFolder folder;
  const Metadata metadata{{"format", "pt"}, {"text", "\"quotes\"\n\xc3\xa9"}};
  write_safetensors(folder / "a", {{"G.matrix", &matrix}, {"scalar", &scalar}, {"nothing", &nothing}}, metadata);
  const auto back = Safetensors::read(folder / "a");
  CHECK(back.metadata() == metadata);
  CHECK(back.names() == std::vector<std::string>{"G.matrix", "scalar", "nothing"});
  CHECK(back.entry("G.matrix").type == (sizeof(S) == 4 ? "F32" : "F64"));
  CHECK(back.tensor<S>("scalar").shape() == Shape{});
  CHECK(back.tensor<S>("scalar")[0] == S(7));
  CHECK(back.tensor<S>("nothing").shape() == Shape{0, 4});
  const auto values = back.tensor<S>("G.matrix");
  CHECK(values.shape() == matrix.shape());
  CHECK(std::memcmp(values.data(), matrix.data(), sizeof(S) * 6) == 0);
  CHECK(folder.count() == 1);
  // The values begin at a multiple of eight bytes, and the same tensors give the same bytes.
  const std::string bytes = read_bytes(folder / "a");
  CHECK((bytes.size() - sizeof(S) * 7) % 8 == 0);
  write_safetensors(folder / "b", {{"G.matrix", &matrix}, {"scalar", &scalar}, {"nothing", &nothing}}, metadata);
  CHECK(bytes == read_bytes(folder / "b"));
}

TEST_CASE("safetensors: writes the bytes that the format's description asks for") {
  const TemporaryFolder folder;
  const Tensor<float> a({1, 2}, {1.0f, -2.0f});
  write_safetensors(folder / "a", {{"a", &a}});
  const std::string header = one("F32", "[1,2]", "[0,8]");
  CHECK(read_bytes(folder / "a") ==
        file(header + std::string((8 - header.size() % 8) % 8, ' '), std::string("\0\0\x80\x3f\0\0\0\xc0", 8)));
}

TEST_CASE("safetensors: half precision and bfloat16 are widened exactly, doubles rounded") {
  const auto halves = [](std::initializer_list<std::uint16_t> bits, const std::string& type) {
    std::string values;
    for (const auto b : bits) (values += static_cast<char>(b & 0xff)) += static_cast<char>(b >> 8);
    const auto bytes = std::to_string(values.size()), count = std::to_string(values.size() / 2);
    return Safetensors::parse(file(one(type, "[" + count + "]", "[0," + bytes + "]"), values)).tensor<float>("a");
  };
  // One, minus two, the largest, the smallest normal one, the largest and the smallest below it, zeros, infinities, not
  // a number.
  const auto f16 =
      halves({0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x0000, 0x8000, 0x7c00, 0xfc00, 0x7e01}, "F16");
  const std::vector<float> expected{1, -2, 65504, 0x1p-14f, 1023 * 0x1p-24f, 0x1p-24f, 0, -0.0f, HUGE_VALF, -HUGE_VALF};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(f16[static_cast<Index>(i)] == expected[i]);
    CHECK(std::signbit(f16[static_cast<Index>(i)]) == std::signbit(expected[i]));
  }
  CHECK(std::isnan(f16[10]));
  const auto bf16 = halves({0x3f80, 0xc000, 0x7f7f, 0x0001, 0xff80, 0x7fc0}, "BF16");
  CHECK(bf16[0] == 1);
  CHECK(bf16[1] == -2);
  CHECK(bf16[2] == 0x1.fep127f);
  CHECK(bf16[3] == 0x1p-133f);
  CHECK(bf16[4] == -HUGE_VALF);
  CHECK(std::isnan(bf16[5]));

  const TemporaryFolder folder;
  const Tensor<double> wide({2}, {0.1, 1e300});
  write_safetensors(folder / "d", {{"d", &wide}});
  CHECK(Safetensors::read(folder / "d").tensor<float>("d")[0] == 0.1f);
  CHECK(Safetensors::parse(file(one("I64", "[1]", "[0,8]"), std::string(8, '\0'))).entry("a").type == "I64");
  CHECK_THROWS_WITH(Safetensors::parse(file(one("I64", "[1]", "[0,8]"), std::string(8, '\0')), "it").tensor<float>("a"),
                    "it: tensor \"a\": expected values of type F16, BF16, F32 or F64, got I64");
  CHECK_THROWS_WITH(Safetensors::parse(file("{}"), "it").tensor<float>("b"), "it: expected a tensor \"b\", found none");
}

TEST_CASE("safetensors: takes what the reference implementation takes") {
  CHECK(error_of(file("{}")) == "none");
  CHECK(error_of(file("{}   ")) == "none");
  CHECK(error_of(file(one("F32", "[2]", "[0,8]"), std::string(8, '\xff'))) == "none");  // NaN
  CHECK(error_of(file(one("F32", "[]", "[0,4]"), "abcd")) == "none");                   // a scalar
  CHECK(error_of(file(one("F32", "[3,0]", "[0,0]"))) == "none");                        // nothing
  CHECK(error_of(file(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"b":{"dtype":"U8","shape":[1],)"
                      R"("data_offsets":[0,1]},"c":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}})",
                      "xy")) == "none");
  CHECK(error_of(file(one("F4", "[2]", "[0,1]"), "x")) == "none");
}

TEST_CASE("safetensors: refuses what the reference implementation refuses") {
  const auto refused = [](const std::string& bytes, const std::string& part) {
    CHECK_THAT(error_of(bytes), Catch::Matchers::ContainsSubstring("it: ") && Catch::Matchers::ContainsSubstring(part));
  };
  refused("", "expected at least 8 bytes, got 0");
  refused(number(2).substr(0, 7), "expected at least 8 bytes, got 7");
  refused(number(0), "a header that begins with {");
  refused(number(100'000'001), "a header of at most 100000000 bytes, got 100000001");
  refused(number(~std::uint64_t{0}), "a header of at most 100000000 bytes");
  refused(number(3) + "{}", "a header of 3 bytes, got 2");
  refused(number(3) + "{", "a header of 3 bytes, got 1");
  refused(file(" {}"), "a header that begins with {");
  refused("a,b\n1,2\n3,4\n", "(it is a text)");
  refused("\x08\x08\x12\x05rival and more", "(it is an ONNX model)");
  refused("\x93NUMPY\1" + std::string(1, '\0') + "v and more", "(it is a NumPy file)");
  refused("<!DOCTYPE html><html>", "(it is a web page");
  refused(file("[]"), "a header that begins with {");
  refused(file("{"), "not JSON");
  refused(file("{} x"), "not JSON");
  refused(file("{\"\xff\":1}"), "not JSON");
  refused(file("{\"a\xc3\":1}"), "not JSON");
  const std::string entry = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  refused(file(R"({"a":)" + entry + R"(,"a":)" + entry + "}", "x"), "the name \"a\" twice");
  refused(file(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x"), "\"dtype\" twice");
  refused(file(R"({"__metadata__":{"k":"1","k":"2"}})"), "\"k\" twice");
  refused(file(R"({"__metadata__":{"k":1}})"), "expected a text for \"k\"");
  refused(file(R"({"__metadata__":[]})"), "expected an object as __metadata__");
  refused(file(R"({"a":1})"), "expected dtype, shape and data_offsets");
  refused(file(R"({"a":{"dtype":"U8","shape":[1]}})", "x"), "expected dtype, shape and data_offsets");
  refused(file(one("U9", "[1]", "[0,1]"), "x"), "U9 is no type of the format");
  refused(file(one("U8", "[-1]", "[0,1]"), "x"), "whole numbers as shape");
  refused(file(one("U8", "[1.0]", "[0,1]"), "x"), "whole numbers as shape");
  refused(file(one("U8", "1", "[0,1]"), "x"), "whole numbers as shape");
  refused(file(one("U8", "[1]", "[0]"), "x"), "two whole numbers as data_offsets");
  refused(file(one("U8", "[1]", "[0,1,2]"), "x"), "two whole numbers as data_offsets");
  refused(file(one("U8", "[1]", "[-1,1]"), "x"), "two whole numbers as data_offsets");
  refused(file(one("U8", "[1]", "[1,0]"), "x"), "do not end before they begin");
  refused(file(one("U8", "[1]", "[1,2]"), "xy"), "expected values that begin at 0, got 1");
  refused(file(one("U8", "[2]", "[0,1]"), "x"), "expected 2 bytes for its shape and type, got 1");
  refused(file(one("F4", "[1]", "[0,1]"), "x"), "for its shape and type");
  refused(file(one("F32", "[4611686018427387904,4]", "[0,0]")), "a size that does not overflow");
  refused(file(one("F32", "[4294967296,4294967296,0]", "[0,0]")), "a size that does not overflow");
  refused(file(one("U8", "[1]", "[0,1]"), "xy"), "expected 1 bytes of values, got 2");
  refused(file(one("U8", "[1]", "[0,1]"), ""), "expected 1 bytes of values, got 0");
  refused(file(one("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), "x"), "at most 8 axes");
  refused(file(R"({"a":[[[[[1]]]]]})"), "three levels");
  const auto two = [](const std::string& a, const std::string& b) {
    return R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + a +
           R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + b + "}}";
  };
  REQUIRE(error_of(file(two("[0,2]", "[2,4]"), "1234")) == "none");
  refused(file(two("[0,2]", "[3,5]"), "12345"), "expected values that begin at 2, got 3");  // a gap
  refused(file(two("[0,2]", "[1,3]"), "123"), "expected values that begin at 2, got 1");    // an overlap
  refused(file(two("[0,2]", "[0,2]"), "12"), "expected values that begin at 2, got 0");
}

TEST_CASE("safetensors: no cut and no flipped byte of the header does harm") {
  const TemporaryFolder folder;
  const Tensor<float> a({2, 2}, {1, 2, 3, 4}), b({3}, {5, 6, 7});
  write_safetensors(folder / "a", {{"a", &a}, {"b", &b}}, {{"key", "text"}});
  const std::string whole = read_bytes(folder / "a");
  REQUIRE(error_of(whole) == "none");
  for (std::size_t length = 0; length < whole.size(); ++length) CHECK(error_of(whole.substr(0, length)) != "none");
  const std::size_t values = whole.size() - 28;
  for (std::size_t at = 0; at < values; ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      try {
        const auto file = Safetensors::parse(flipped);
        for (const auto& name : file.names())
          if (file.entry(name).type == "F32") file.tensor<float>(name);
      } catch (const Error&) {
      }
    }
}

TEST_CASE("safetensors: says what is wrong with names and paths") {
  const TemporaryFolder folder;
  const Tensor<float> a({1});
  const auto write = [&](const std::string& name, const std::string& other, const Metadata& metadata = {}) {
    write_safetensors(folder / "a", {{name, &a}, {other, &a}}, metadata);
  };
  CHECK_THROWS_WITH(write("a", "a"), Catch::Matchers::ContainsSubstring("expected names that differ, got \"a\""));
  CHECK_THROWS_WITH(write("", "a"), Catch::Matchers::ContainsSubstring("got \"\""));
  CHECK_THROWS_WITH(write("a", "__metadata__"), Catch::Matchers::ContainsSubstring("got \"__metadata__\""));
  CHECK_THROWS_WITH(write("a", "\xff"), Catch::Matchers::ContainsSubstring("expected names and metadata in UTF-8"));
  CHECK_THROWS_WITH(write("a", "b", {{"k", "\xff"}}), Catch::Matchers::ContainsSubstring("UTF-8"));
  CHECK(folder.count() == 0);
  CHECK_THROWS_WITH(Safetensors::read(folder / "none"),
                    "safetensors file " + quoted(folder / "none") + ": no such file");
  CHECK_THROWS_WITH(Safetensors::read(folder.path()),
                    Catch::Matchers::ContainsSubstring("expected a file, got a folder"));
}

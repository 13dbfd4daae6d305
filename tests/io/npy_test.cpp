#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include "catch.hpp"

#include "rival/io/npy.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

std::string npy(const std::string& header, const std::string& values, char version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += version;
  bytes += '\0';
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  if (version > 1) bytes += std::string(2, '\0');
  return bytes + header + values;
}

}  // namespace

TEMPLATE_TEST_CASE("npy: comes back as it was", "", std::uint8_t, float, double) {
  const TemporaryFolder folder;
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3}, Shape{3, 1, 2, 4}, Shape{0, 28, 28}}) {
    Tensor<TestType> tensor(shape);
    for (Index i = 0; i < tensor.size(); ++i) tensor[i] = static_cast<TestType>(250 - i) / TestType(3);
    write_npy(folder / "a.npy", tensor);
    const Tensor<TestType> back = read_npy<TestType>(folder / "a.npy");
    CHECK(back.shape() == shape);
    CHECK(std::equal(back.data(), back.data() + back.size(), tensor.data()));
  }
  CHECK(folder.count() == 1);
}

TEST_CASE("npy: writes the very bytes that NumPy 1.24 writes") {
  const TemporaryFolder folder;
  const auto expected = [](const std::string& dictionary, const std::string& values) {
    return "\x93NUMPY\x01" + std::string("\0\x76\0", 3) + dictionary + std::string(117 - dictionary.size(), ' ') +
           '\n' + values;
  };
  write_npy(folder / "a", Tensor<std::uint8_t>({2, 1, 2}, {1, 2, 3, 255}));
  CHECK(read_bytes(folder / "a") ==
        expected("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 2), }", "\1\2\3\xff"));
  if (std::endian::native != std::endian::little) return;
  write_npy(folder / "b", Tensor<float>({1}, {1.0f}));
  CHECK(read_bytes(folder / "b") ==
        expected("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", std::string("\0\0\x80\x3f", 4)));
  write_npy(folder / "c", Tensor<double>({}, {-2.0}));
  CHECK(read_bytes(folder / "c") ==
        expected("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", std::string("\0\0\0\0\0\0\0\xc0", 8)));
}

TEST_CASE("npy: reads format 2.0 and other spacing") {
  const TemporaryFolder folder;
  const std::string header = "{'shape':(2,2),'fortran_order':False,'descr':'|u1'}\n";
  for (const char version : {'\1', '\2'}) {
    const Tensor<std::uint8_t> tensor = read_npy<std::uint8_t>(folder.write("a", npy(header, "abcd", version)));
    CHECK(tensor.shape() == Shape{2, 2});
    CHECK(tensor(1, 0) == 'c');
  }
}

TEST_CASE("npy: says what is wrong with a file") {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  const auto error = [&](const std::string& content) -> std::string {
    folder.write("a", content);
    const std::string start = "npy file " + quoted(path) + ": ";
    try {
      read_npy<std::uint8_t>(path);
    } catch (const Error& caught) {
      const std::string message = caught.what();
      return message.substr(0, start.size()) == start ? message.substr(start.size()) : message;
    }
    return "none";
  };
  const auto bytes = [](const std::string& shape) {
    return "{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + ", }\n";
  };
  REQUIRE(error(npy(bytes("(2, 2)"), "abcd")) == "none");

  CHECK_THROWS_WITH(read_npy<float>(folder / "no"), "npy file " + quoted(folder / "no") + ": no such file");
  CHECK_THROWS_WITH(read_npy<float>(folder.path()),
                    "npy file " + quoted(folder.path()) + ": expected a file, got a folder");
  CHECK(error("") == "ends inside its header");
  CHECK(error("\x93NUMPY\x01") == "ends inside its header");
  CHECK(error(npy(bytes("(2, 2)"), "").substr(0, 40)) == "ends inside its header");
  CHECK(error("something else altogether") == "it does not begin as npy files do");
  CHECK(error(npy(bytes("(2, 2)"), "abc")) == "expected 2x2 values of 1 bytes, got 3 bytes");
  CHECK(error(npy(bytes("(2, 2)"), "abcde")) == "expected 2x2 values of 1 bytes, got 5 bytes");
  CHECK(error(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", "abcd")) ==
        "expected values of type '|u1', got '<f4'");
  CHECK(error(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }\n", "abcd")) ==
        "expected C order, got Fortran's");
  CHECK(error(npy(bytes("4"), "abcd")).find("expected a shape, got {") == 0);
  const std::string absurd = "its shape (4294967296, 4294967296) has more elements or axes than a tensor can have";
  CHECK(error(npy(bytes("(4294967296, 4294967296)"), "abcd")) == absurd);
  CHECK(error(npy(bytes("(99999999999999999999999, 1)"), "abcd")).find("has more elements or axes") !=
        std::string::npos);
  CHECK(error(npy(bytes("(1099511627776,)"), "abcd")) == "expected 1099511627776 values of 1 bytes, got 4 bytes");
}

TEST_CASE("npy: no cut and no flipped byte of the header does harm, and no extent is negative") {
  const TemporaryFolder folder;
  for (const std::string shape : {"(-2, 2)", "(2, -2)", "(2, 2.0)", "(0x4,)", "(+4,)"}) {
    folder.write("a", npy("{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + ", }\n", "abcd"));
    INFO(shape);
    CHECK_THROWS_WITH(read_npy<std::uint8_t>(folder / "a"),
                      Catch::Matchers::ContainsSubstring("expected a shape of whole numbers"));
  }
  write_npy(folder / "b", Tensor<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  const std::string whole = read_bytes(folder / "b");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    folder.write("c", whole.substr(0, length));
    CHECK_THROWS_AS(read_npy<float>(folder / "c"), Error);
  }
  for (std::size_t at = 0; at + 24 < whole.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      folder.write("c", flipped);
      Index size = 6;
      try {
        size = read_npy<float>(folder / "c").size();
      } catch (const Error&) {
      }
      CHECK(size == 6);
    }
}

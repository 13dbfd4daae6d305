#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include "catch.hpp"

#include "npy_values.hpp"
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

const std::filesystem::path fixtures = std::filesystem::path(RIVAL_FIXTURES_DIR) / "npy";

}  // namespace

TEMPLATE_TEST_CASE("npy: comes back as it was", "", std::uint8_t, std::int64_t, float, double) {
  const TemporaryFolder folder;
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3}, Shape{3, 1, 2, 4}, Shape{0, 28, 28}}) {
    const auto tensor = npy_values<TestType>(shape);
    write_npy(folder / "a.npy", tensor);
    CHECK(same(read_npy<TestType>(folder / "a.npy"), tensor));
    CHECK(same(std::get<Tensor<TestType>>(read_npy_array(folder / "a.npy")), tensor));
    CHECK(same(std::get<Tensor<TestType>>(parse_npy(read_bytes(folder / "a.npy"))), tensor));
  }
  CHECK(folder.count() == 1);
}

TEST_CASE("npy: reads what NumPy writes, of any order, byte order and version") {
  CHECK(same(read_npy<std::uint8_t>(fixtures / "u1.npy"), npy_values<std::uint8_t>({2, 3, 4})));
  CHECK(same(read_npy<std::int64_t>(fixtures / "i8_fortran.npy"), npy_values<std::int64_t>({2, 3, 4})));
  CHECK(same(read_npy<float>(fixtures / "f4_big.npy"), npy_values<float>({2, 3, 4})));
  CHECK(same(read_npy<double>(fixtures / "f8_scalar.npy"), npy_values<double>({})));
  CHECK(same(read_npy<double>(fixtures / "f8_empty.npy"), npy_values<double>({0, 28, 28})));
  for (const std::string version : {"version2.npy", "version3.npy"})
    CHECK(same(read_npy<float>(fixtures / version), npy_values<float>({2, 3, 4})));
}

TEST_CASE("npy: objects, structures, pickles and other types are refused by name") {
  const auto error = [](const std::string& name) {
    const std::string start = "npy file " + quoted(fixtures / name) + ": ";
    try {
      read_npy_array(fixtures / name);
    } catch (const Error& caught) {
      return std::string(caught.what()).substr(start.size());
    }
    return std::string("none");
  };
  CHECK(error("objects.npy") == "expected an array of numbers, got one of Python objects, which are pickled");
  CHECK(error("structured.npy") == "expected an array of numbers, got one of a structured type");
  CHECK(error("half.npy") == "expected values of type uint8, int64, float32 or float64, got '<f2'");
  CHECK(error("pickle.npy") ==
        "it does not begin as npy files do (it is a pickle, which is not read: save the array by numpy.save)");
  CHECK(error("stored.npz") ==
        "it does not begin as npy files do (it is a zip archive, perhaps an npz file: use read_npz)");
  const TemporaryFolder folder;
  folder.write("a.npy", "label,pixel1,pixel2\n5,0,0\n");
  CHECK_THROWS_WITH(read_npy_array(folder / "a.npy"), Catch::Matchers::EndsWith("as npy files do (it is a text)"));
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

TEST_CASE("npy: the header is any dictionary of Python's, the order of bytes any") {
  const std::string tight = "{'shape':(2,2),'fortran_order':False,'descr':'|u1'}\n",
                    wide = "{ \"fortran_order\" : True , 'descr':\"|u1\",\n\t'shape' : ( 2 , 2 , ) , } ";
  for (const char version : {'\1', '\2', '\3'}) {
    CHECK(std::get<Tensor<std::uint8_t>>(parse_npy(npy(tight, "abcd", version)))(1, 0) == 'c');
    CHECK(std::get<Tensor<std::uint8_t>>(parse_npy(npy(wide, "abcd", version)))(1, 0) == 'b');
  }
  const auto one = [](const std::string& type, const std::string& bytes) {
    return parse_npy(npy("{'descr': '" + type + "', 'fortran_order': False, 'shape': (), }\n", bytes));
  };
  CHECK(std::get<Tensor<std::int64_t>>(one(">i8", std::string("\xff\xff\xff\xff\xff\xff\xff\xfe", 8)))[0] == -2);
  CHECK(std::get<Tensor<std::int64_t>>(one("<i8", std::string("\xfe\xff\xff\xff\xff\xff\xff\xff", 8)))[0] == -2);
  CHECK(std::get<Tensor<double>>(one(">f8", std::string("\xc0\0\0\0\0\0\0\0", 8)))[0] == -2);
  CHECK(std::get<Tensor<std::uint8_t>>(one("<u1", "a"))[0] == 'a');
  CHECK_THROWS_WITH(one("|f4", "abcd"), "npy: expected values of type uint8, int64, float32 or float64, got '|f4'");
}

TEST_CASE("npy: says what is wrong with a file") {
  const TemporaryFolder folder;
  const auto error = [](const std::string& content) -> std::string {
    internal::MemorySource source(content);
    try {
      internal::read_npy_from<std::uint8_t>(source, "a");
    } catch (const Error& caught) {
      return std::string(caught.what()).substr(3);
    }
    return "none";
  };
  const auto bytes = [](const std::string& shape) {
    return "{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + ", }\n";
  };
  REQUIRE(error(npy(bytes("(2, 2)"), "abcd")) == "none");

  CHECK_THROWS_WITH(read_npy<float>(folder / "no"), "npy file " + quoted(folder / "no") + ": no such file");
  CHECK_THROWS_WITH(read_npy_array(folder.path()),
                    "npy file " + quoted(folder.path()) + ": expected a file, got a folder");
  folder.write("a", "");
  CHECK_THROWS_WITH(read_npy<float>(folder / "a"), "npy file " + quoted(folder / "a") + ": ends inside its header");
  CHECK(error("\x93NUMPY\x01") == "ends inside its header");
  CHECK(error(npy(bytes("(2, 2)"), "").substr(0, 40)) == "ends inside its header");
  CHECK(error("something else altogether") == "it does not begin as npy files do (it is a text)");
  CHECK(error(npy(bytes("(2, 2)"), "abcd", 4)) == "expected format 1.0, 2.0 or 3.0, got 4.0");
  CHECK(error("\x93NUMPY\x01" + std::string("\0\xff\xff{", 4)) == "ends inside its header");
  CHECK(error("\x93NUMPY\x02" + std::string("\0\1\0\1\0", 5)) == "expected a header of at most 65536 bytes, got 65537");
  CHECK(error(npy(bytes("(2, 2)"), "abc")) == "expected 2x2 values of 1 bytes, got 3 bytes");
  CHECK(error(npy(bytes("(2, 2)"), "abcde")) == "expected 2x2 values of 1 bytes, got 5 bytes");
  CHECK(error(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", "abcd")) ==
        "expected values of type uint8, got float32");
  const std::string absurd = "its shape (4294967296, 4294967296) has more elements or axes than a tensor can have";
  CHECK(error(npy(bytes("(4294967296, 4294967296)"), "abcd")) == absurd);
  CHECK(error(npy(bytes("(99999999999999999999999, 1)"), "abcd")).find("has more elements or axes") !=
        std::string::npos);
  CHECK(error(npy(bytes("(0, 4294967296, 4294967296)"), "")).find("has more elements or axes") != std::string::npos);
  CHECK(error(npy(bytes("(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "a")).find("has more elements or axes") != std::string::npos);
  CHECK(error(npy(bytes("(1099511627776,)"), "abcd")) == "expected 1099511627776 values of 1 bytes, got 4 bytes");
  CHECK(error(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976,), }\n", "abcd")) ==
        "expected values of type uint8, got float64");

  for (const std::string shape : {"4", "(4)", "(-2, 2)", "(2, -2)", "(2, 2.0)", "(0x4,)", "(+4,)", "(04,)", "(2 2)",
                                  "(,)", "[4]", "(4,", "None"}) {
    INFO(shape);
    CHECK(error(npy(bytes(shape), "abcd")).find("expected a shape of whole numbers, got {'descr': '|u1', ") == 0);
  }
  for (const std::string dictionary :
       {"", "{}", "[]", "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), 'more': 1}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), } or else",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), ",
        "{'descr': '|u1' 'fortran_order': False, 'shape': (4,)}", "{'descr', 'fortran_order': False, 'shape': (4,)}",
        "{'descr': '|u1, fortran_order: False, shape: (4,)}"}) {
    INFO(dictionary);
    CHECK(error(npy(dictionary, "abcd")).find("expected a dictionary of 'descr', 'fortran_order' and 'shape', got ") ==
          0);
  }
  CHECK(error(npy("{'descr': '|u1', 'fortran_order': 0, 'shape': (4,), }", "abcd"))
            .find("expected True or False for 'fortran_order', got ") == 0);
  CHECK(error(npy("{'descr': 'u1', 'fortran_order': False, 'shape': (4,), }", "abcd"))
            .find("expected a type such as '<f4', got ") == 0);
}

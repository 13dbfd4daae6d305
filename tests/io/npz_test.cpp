#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <variant>
#include "catch.hpp"

#include "npy_values.hpp"
#include "rival/io/npz.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

const std::filesystem::path fixtures = std::filesystem::path(RIVAL_FIXTURES_DIR) / "npy";

std::string error(const std::string& bytes) {
  try {
    parse_npz(bytes, "a");
  } catch (const Error& caught) {
    return std::string(caught.what()).substr(3);
  }
  return "none";
}

std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

/// One entry of an archive: what the local header and the directory say of it, true or not.
struct Entry {
  std::string name, bytes;
  std::uint32_t size = static_cast<std::uint32_t>(bytes.size());
  std::uint16_t method = 0, flags = 0;
  std::uint32_t checksum = 0;
  std::size_t offset = std::string::npos;  // of its local header; behind the one before
};

std::string archive_of(const std::vector<Entry>& entries) {
  std::string file, directory;
  for (const Entry& e : entries) {
    const std::string common = number(20, 2) + number(e.flags, 2) + number(e.method, 2) + number(0x210000, 4) +
                               number(e.checksum, 4) + number(e.bytes.size(), 4) + number(e.size, 4) +
                               number(e.name.size(), 2) + number(0, 2);
    const std::size_t offset = e.offset == std::string::npos ? file.size() : e.offset;
    directory += "PK\1\2" + number(20, 2) + common + number(0, 10) + number(offset, 4) + e.name;
    if (e.offset == std::string::npos) file += "PK\3\4" + common + e.name + e.bytes;
  }
  return file + directory + "PK\5\6" + number(0, 4) + number(entries.size(), 2) + number(entries.size(), 2) +
         number(directory.size(), 4) + number(file.size(), 4) + number(0, 2);
}

std::uint32_t crc(const std::string& bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

std::string one_byte() {
  Tensor<std::uint8_t> tensor({1}, {7});
  return internal::npy_start<std::uint8_t>(tensor.shape()) + "\7";
}

}  // namespace

TEST_CASE("npz: reads what NumPy writes, stored and deflated") {
  for (const std::string name : {"stored.npz", "deflated.npz"}) {
    const NpzArrays arrays = read_npz(fixtures / name);
    INFO(name);
    REQUIRE(arrays.size() == 26);
    const auto check = [&]<class T>(const std::string& kind, T) {
      const auto is = [&](const std::string& which, const Shape& shape) {
        INFO(kind + which);
        CHECK(same(std::get<Tensor<T>>(arrays.at(kind + which)), npy_values<T>(shape)));
      };
      for (const std::string which : {"", "_fortran", "_big"}) is(which, {2, 3, 4});
      is("_scalar", {});
      is("_vector", {5});
      is("_empty", {0, 28, 28});
    };
    check("u1", std::uint8_t{});
    check("i8", std::int64_t{});
    check("f4", float{});
    check("f8", double{});
    CHECK(same(std::get<Tensor<float>>(arrays.at("f4_fortran_big")), npy_values<float>({2, 3, 4})));
    CHECK(arrays.contains("gr\u00fc\u00dfe"));
    CHECK(parse_npz(read_bytes(fixtures / name)).size() == 26);
  }
  CHECK(parse_npz("PK\5\6" + std::string(18, '\0')).empty());  // what np.savez writes of nothing
}

TEST_CASE("npz: comes back as it was, with the same bytes each time, and small where packed") {
  const TemporaryFolder folder;
  const auto images = npy_values<std::uint8_t>({3, 4, 4, 1});
  const auto labels = npy_values<std::int64_t>({3});
  const Tensor<float> zeros({100, 100}), empty({0, 2});
  const auto scalar = npy_values<double>({});
  const std::vector<NamedNpyArray> arrays{
      {"images", &images}, {"labels", &labels}, {"a/b.c", &zeros}, {"gr\u00fc\u00dfe", &empty}, {"x", &scalar}};
  for (const NpzPacking packing : {NpzPacking::stored, NpzPacking::deflated}) {
    write_npz(folder / "a.npz", arrays, packing);
    const std::string bytes = read_bytes(folder / "a.npz");
    CHECK((bytes.size() < 10'000) == (packing == NpzPacking::deflated));
    const NpzArrays back = read_npz(folder / "a.npz");
    CHECK(back.size() == 5);
    CHECK(same(std::get<Tensor<std::uint8_t>>(back.at("images")), images));
    CHECK(same(std::get<Tensor<std::int64_t>>(back.at("labels")), labels));
    CHECK(same(std::get<Tensor<float>>(back.at("a/b.c")), zeros));
    CHECK(same(std::get<Tensor<float>>(back.at("gr\u00fc\u00dfe")), empty));
    CHECK(same(std::get<Tensor<double>>(back.at("x")), scalar));
    write_npz(folder / "a.npz", arrays, packing);
    CHECK(read_bytes(folder / "a.npz") == bytes);
  }
  CHECK(folder.count() == 1);
}

TEST_CASE("npz: NumPy reads what is written") {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2> /dev/null") != 0) {
    WARN("python3-numpy is not installed");
    return;
  }
  const TemporaryFolder folder;
  const auto u1 = npy_values<std::uint8_t>({2, 3, 4});
  const auto i8 = npy_values<std::int64_t>({5});
  const auto f4 = npy_values<float>({});
  const auto f8 = npy_values<double>({0, 28, 28});
  const std::vector<NamedNpyArray> arrays{{"u1", &u1}, {"i8", &i8}, {"f4", &f4}, {"gr\u00fc\u00dfe", &f8}};
  write_npz(folder / "stored.npz", arrays);
  write_npz(folder / "deflated.npz", arrays, NpzPacking::deflated);
  write_npy(folder / "a.npy", u1);
  folder.write("check.py", R"(
import sys, zipfile
import numpy as np
u1 = (7 * np.arange(24) % 251).astype("u1").reshape(2, 3, 4)
expected = {"u1": u1, "i8": -(3 + np.arange(5)) * 2**40, "f4": np.array(-1, "f4"), "gr\u00fc\u00dfe": np.zeros((0, 28, 28))}
for name in ("stored", "deflated"):
    path = f"{sys.argv[1]}/{name}.npz"
    assert zipfile.ZipFile(path).testzip() is None
    with np.load(path) as arrays:
        assert sorted(arrays.files) == sorted(expected), arrays.files
        for key, value in expected.items():
            assert arrays[key].dtype == value.dtype and np.array_equal(arrays[key], value), key
assert np.array_equal(np.load(f"{sys.argv[1]}/a.npy"), u1)
)");
  const std::string program =
      "/usr/bin/python3 '" + (folder / "check.py").string() + "' '" + folder.path().string() + "'";
  CHECK(std::system(program.c_str()) == 0);
}

TEST_CASE("npz: says what is wrong with a file") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_npz(folder / "no"), "npz file " + quoted(folder / "no") + ": no such file");
  CHECK_THROWS_WITH(read_npz(folder.path()), "npz file " + quoted(folder.path()) + ": expected a file, got a folder");
  folder.write("a", "no archive");
  CHECK_THROWS_WITH(read_npz(folder / "a"),
                    "npz file " + quoted(folder / "a") + ": it is no zip archive, or not a whole one (it is a text)");
  CHECK(error("") == "it is empty");
  CHECK(error("\x93NUMPY\1 and so on") == "it is no zip archive, or not a whole one (it is a NumPy file)");

  const std::string good = one_byte();
  const Entry entry{.name = "a.npy", .bytes = good, .checksum = crc(good)};
  REQUIRE(error(archive_of({entry})) == "none");
  const auto with = [&](auto change) {
    Entry changed = entry;
    change(changed);
    return error(archive_of({changed}));
  };
  CHECK(with([](Entry& e) { e.name = "a.txt"; }) == "expected entries called NAME.npy, got \"a.txt\"");
  CHECK(with([](Entry& e) { e.name = ".npy"; }) == "expected entries called NAME.npy, got \".npy\"");
  CHECK(with([](Entry& e) { e.flags = 1; }) == "\"a\": expected an entry that is not encrypted");
  CHECK(with([](Entry& e) { e.method = 12; }) == "\"a\": expected an entry that is stored or deflated, got method 12");
  CHECK(with([](Entry& e) { e.size = 1000; }) == "\"a\": expected 1000 bytes, got 129");
  CHECK(with([](Entry& e) { e.method = 8, e.size = 4'000'000'000; }) ==
        "\"a\": its 4000000000 bytes are more than 129 bytes can hold");
  CHECK(with([](Entry& e) { e.checksum ^= 1; }) == "\"a\": CRC error");
  CHECK(error(archive_of({entry, entry})) == "it has two arrays called \"a\"");
  std::vector<Entry> upon_each_other{entry};  // many names for the same bytes, together more than the file has
  for (const std::string name : {"b", "c", "d", "e"}) {
    upon_each_other.push_back(entry);
    upon_each_other.back().name = name + ".npy", upon_each_other.back().offset = 0;
  }
  CHECK(error(archive_of(upon_each_other)) ==
        "\"d\": its 129 bytes and those before are more than 441 bytes of archive hold");

  Entry object = entry;
  object.bytes.replace(object.bytes.find("|u1"), 3, "|O1");
  object.checksum = crc(object.bytes);
  CHECK(error(archive_of({object})) ==
        "\"a\": expected an array of numbers, got one of Python objects, which are pickled");
}

TEST_CASE("npz: what cannot be written leaves an earlier file as it was") {
  const TemporaryFolder folder;
  const auto path = folder.write("a", "earlier");
  const std::string start = "npz file " + quoted(path) + ": ";
  const Tensor<float> tensor({2});
  CHECK_THROWS_WITH(write_npz(path, {}), start + "expected at least one tensor, got none");
  CHECK_THROWS_WITH(write_npz(path, {{"", &tensor}}), start + "expected names that are not empty");
  CHECK_THROWS_WITH(write_npz(path, {{"x", &tensor}, {"x", &tensor}}),
                    start + "expected names that differ, got \"x\" twice");
  CHECK_THROWS_WITH(write_npz(path, {{"\xff", &tensor}}),
                    start + "expected a name in UTF-8 of at most 65531 bytes, got \"\xff\"");
  CHECK_THROWS_WITH(write_npz(folder / "no" / "a", {{"x", &tensor}}),
                    Catch::Matchers::ContainsSubstring("there is no folder"));
  CHECK(read_bytes(path) == "earlier");
  CHECK(folder.count() == 1);
}

#include <zlib.h>
#include "catch.hpp"

#include <string>

#include "rival/data/idx.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

std::string word(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

std::string header(std::initializer_list<std::uint32_t> extents) {
  std::string bytes = word(0x800 + static_cast<std::uint32_t>(extents.size()));
  for (const std::uint32_t extent : extents) bytes += word(extent);
  return bytes;
}

/// Bytes that no constant, ramp or short cycle equals.
std::string noise(std::size_t count) {
  std::string bytes;
  for (std::uint32_t i = 0, state = 1; i < count; ++i)
    bytes += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

std::string gzip(const std::string& content) {
  const TemporaryFolder folder;
  const gzFile file = gzopen((folder / "x").string().c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
  return read_bytes(folder / "x");
}

std::string text(const IdxArray& array) { return {array.bytes.begin(), array.bytes.end()}; }

}  // namespace

TEST_CASE("idx: reads every rank, plain and gzipped, whatever the name") {
  const TemporaryFolder folder;
  const std::initializer_list<std::uint32_t> shapes[] = {
      {7}, {3, 4}, {2, 3, 5}, {2, 1, 3, 2}, {3, 0, 2}, {0}, {1, 1, 1, 1, 1, 1, 2, 3}};
  for (const auto& extents : shapes) {
    Shape shape;
    for (const std::uint32_t extent : extents) shape.push_back(extent);
    INFO(shape);
    const std::string values = noise(static_cast<std::size_t>(shape.size()));
    for (const std::string& content : {header(extents) + values, gzip(header(extents) + values)}) {
      const IdxArray array = read_idx(folder.write("misleading.png", content), shape.rank());
      CHECK(array.shape == shape);
      CHECK(text(array) == values);
    }
  }
}

TEST_CASE("idx: reads files of several chunks and of several gzip members") {
  const TemporaryFolder folder;
  const std::string values = noise(3'000'000), first = values.substr(0, 1'234'567), second = values.substr(1'234'567);
  CHECK(text(read_idx(folder.write("a", header({3000, 1000}) + values))) == values);
  CHECK(text(read_idx(folder.write("b", gzip(header({3000, 1000}) + values)))) == values);
  CHECK(text(read_idx(folder.write("c", gzip(header({3000, 1000}) + first) + gzip(second)))) == values);
  // The best that gzip can do: close to the ratio beyond which a header is not believed.
  const std::string zeros(5'000'000, '\0');
  CHECK(text(read_idx(folder.write("d", gzip(header({5'000'000}) + zeros)))) == zeros);
}

TEST_CASE("idx: writes what it reads") {
  const TemporaryFolder folder;
  const std::string values = noise(24);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
  write_idx(folder / "a", {2, 3, 4}, bytes);
  CHECK(read_bytes(folder / "a") == header({2, 3, 4}) + values);
  const IdxArray array = read_idx(folder / "a");
  CHECK(array.shape == Shape{2, 3, 4});
  CHECK(text(array) == values);
  CHECK_THROWS_WITH(write_idx(folder / "b", {}, bytes),
                    "idx file " + quoted(folder / "b") + ": expected a rank of at least 1, got a scalar");
  CHECK_THROWS_WITH(write_idx(folder / "b", {Index{1} << 32, 0}, bytes),
                    "idx file " + quoted(folder / "b") + ": 4294967296x0 has an extent of more than 32 bits");
}

TEMPLATE_TEST_CASE("idx: values of every type, highest byte first", "", std::int8_t, std::int16_t, std::int32_t, float,
                   double) {
  using T = TestType;
  const TemporaryFolder folder;
  const std::vector<T> values{T(-1), T(2), T(100), T(-128), T(0), T(7)};
  write_idx(folder / "a", {2, 3}, values.data());
  const IdxArray array = read_idx(folder / "a", 2);
  CHECK(array.type == internal::idx_type<T>());
  CHECK(array.shape == Shape{2, 3});
  CHECK(array.values<T>() == values);
  CHECK(array.values<double>()[2] == 100);
  const std::string bytes = read_bytes(folder / "a");
  CHECK(bytes.size() == 12 + 6 * sizeof(T));
  CHECK(bytes.substr(0, 4) == word(static_cast<std::uint32_t>(array.type) << 8 | 2));
  if (std::is_integral_v<T>)
    CHECK(bytes[12 + 2 * sizeof(T) - 1] == 2);  // the lowest byte of the second value is the last
  folder.write("b", gzip(bytes));
  CHECK(read_idx(folder / "b").values<T>() == values);
  folder.write("c", bytes.substr(0, bytes.size() - 1));
  CHECK_THROWS_WITH(read_idx(folder / "c"), Catch::Matchers::ContainsSubstring("(a download that broke off?)"));
}

TEST_CASE("idx: values that do not fit are refused, not cut off") {
  const TemporaryFolder folder;
  write_idx(folder / "a", {3}, std::vector<std::int32_t>{255, 0, -1}.data());
  const IdxArray whole = read_idx(folder / "a");
  CHECK(whole.values<std::int64_t>() == std::vector<std::int64_t>{255, 0, -1});
  CHECK(whole.values<float>()[2] == -1);
  CHECK_THROWS_WITH(whole.values<std::uint8_t>(), "idx: expected values from 0 to 255, got -1 at place 2");
  CHECK_THROWS_WITH(whole.values<std::int8_t>(), "idx: expected values from -128 to 127, got 255 at place 0");
  write_idx(folder / "b", {1}, std::vector<float>{0.5f}.data());
  CHECK(read_idx(folder / "b").values<double>()[0] == 0.5);
  CHECK_THROWS_WITH(read_idx(folder / "b").values<int>(), "idx: expected values that are whole numbers, got floats");
}

TEST_CASE("idx: says what is wrong with a file") {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  const auto error = [&](const std::string& content, Index rank = 0) -> std::string {
    folder.write("a", content);
    const std::string start = "idx file " + quoted(path) + ": ";
    try {
      read_idx(path, rank);
    } catch (const Error& caught) {
      const std::string message = caught.what();
      CHECK(message.find('\n') == std::string::npos);
      return message.substr(0, start.size()) == start ? message.substr(start.size()) : message;
    }
    return "none";
  };
  const std::string values = noise(60), good = header({3, 4, 5}) + values, packed = gzip(good);
  REQUIRE(error(good, 3) == "none");

  SECTION("missing, or no file") {
    CHECK_THROWS_WITH(read_idx(folder / "no"), "idx file " + quoted(folder / "no") + ": no such file");
    CHECK_THROWS_WITH(read_idx(folder / "no" / "such"),
                      "idx file " + quoted(folder / "no" / "such") + ": no such file");
    CHECK_THROWS_WITH(read_idx(folder.path()), "idx file " + quoted(folder.path()) + ": expected a file, got a folder");
  }
  SECTION("empty") {
    CHECK(error("") == "it is empty");
    CHECK(error(gzip("")) == "expected 4 bytes of a magic number, got 0");
  }
  SECTION("wrong magic number") {
    CHECK(error(good, 1) ==
          "expected the magic number 0x00000801 (unsigned bytes, rank 1) or that of another type, got 0x00000803 "
          "(these are pictures)");
    const std::string any = "expected a magic number 0x00000TRR of a type T from 8 to e and a rank from 1 to 8, got ";
    CHECK(error("\x89PNG and more") == any + "0x89504e47 (it is a picture)");
    CHECK(error(word(0x0a03) + good.substr(4)) == any + "0x00000a03");  // a type that there is not
    CHECK(error(word(0x0800)) == any + "0x00000800");
    CHECK(error(word(0x0809) + std::string(36, '\0')) == any + "0x00000809");
    CHECK(error(gzip(word(0x01000803) + good.substr(4)), 3) ==
          "expected the magic number 0x00000803 (unsigned bytes, rank 3) or that of another type, got 0x01000803");
  }
  SECTION("something else, which the error guesses") {
    const auto guess = [&](const std::string& content) {
      const std::string message = error(content);
      const auto begin = message.rfind(" (it is ");
      return begin == std::string::npos ? "none: " + message : message.substr(begin + 8);
    };
    CHECK(guess("<!DOCTYPE html>\n<html>") == "a web page, perhaps a server's error in place of the file)");
    CHECK(guess("\n  <html>") == "a web page, perhaps a server's error in place of the file)");
    CHECK(guess(gzip("<html><title>404")) == "a web page, perhaps a server's error in place of the file)");
    CHECK(guess("version https://git-lfs.github.com/spec/v1\noid sha256:1") ==
          "a pointer of Git LFS: fetch the file itself, by `git lfs pull`)");
    CHECK(guess("PK\x03\x04" + std::string(200, '\0')) == "a zip archive: unpack it first)");
    CHECK(guess(gzip(packed)) == "gzip within gzip: unpack it once)");
    CHECK(guess("\x93NUMPY\x01") == "a NumPy file)");
    CHECK(guess("BZh91AY") == "packed otherwise than with gzip: unpack it first)");
    CHECK(guess("5,0,0,0,18,3\n4,0,0") == "a text)");
    CHECK(guess(std::string("\1\2\3\4\5\6", 6)).find("none: ") == 0);
  }
  SECTION("too short") {
    CHECK(error(good.substr(0, 3)) == "expected 4 bytes of a magic number, got 3");
    CHECK(error(good.substr(0, 9)) == "expected 4 bytes of an extent, got 1");
    CHECK(error(good.substr(0, 16)) == "its header says 3x4x5 = 60 bytes, got 0 (a download that broke off?)");
    CHECK(error(good.substr(0, good.size() - 1)) ==
          "its header says 3x4x5 = 60 bytes, got 59 (a download that broke off?)");
    CHECK(error(gzip(good.substr(0, 3))) == "expected 4 bytes of a magic number, got 3");
    CHECK(error(gzip(good.substr(0, good.size() - 1))) == "its header says 3x4x5 = 60 bytes, got 59");
  }
  SECTION("too long") {
    CHECK(error(good + "x") == "its header says 3x4x5 = 60 bytes, got 61");
    CHECK(error(gzip(good + "x")) == "its header says 3x4x5 = 60 bytes, got more");
    CHECK(error(packed + packed) == "its header says 3x4x5 = 60 bytes, got more");
  }
  SECTION("ends inside gzip, wherever") {
    for (std::size_t size = 2; size < packed.size(); ++size) {
      INFO(size);
      CHECK(error(packed.substr(0, size)) == "ends inside its gzip data (a download that broke off?)");
    }
  }
  SECTION("damaged gzip") {
    std::string checksum = packed, length = packed, inside = packed,
                large = gzip(header({2'000'000}) + noise(2'000'000));
    checksum[packed.size() - 8] ^= 1;
    length[packed.size() - 4] ^= 1;
    inside[10] = '\xff';  // a block of a type that does not exist
    large[large.size() - 5] ^= 1;
    for (const std::string& content : {checksum, length, inside, large})
      CHECK(error(content) == "its gzip data is damaged");
  }
  SECTION("headers that nobody can believe") {
    const std::string overflow = "its header says 4294967295x2147483648x2, more elements than an index can count";
    CHECK(error(header({0xffffffff, 0x80000000, 2})) == overflow);
    CHECK(error(gzip(header({0xffffffff, 0x80000000, 2}))) == overflow);
    CHECK(error(header({1 << 20, 1 << 20}) + values) ==
          "its header says 1048576x1048576 = 1099511627776 bytes, got 60 (a download that broke off?)");
    const std::string bomb = gzip(header({1 << 20, 1 << 20}) + values);
    CHECK(error(bomb) == "its header says 1048576x1048576 = 1099511627776 bytes, more than " +
                             std::to_string(bomb.size()) + " bytes of gzip can hold");
  }
}

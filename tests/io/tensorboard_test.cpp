#include <sys/wait.h>
#include <unistd.h>
#include "catch.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "rival/io/tensorboard.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using namespace rival;
using namespace rival_test;

namespace {

/// The messages of a file's records, as TFRecord has them: all sums right, and nothing behind the last.
std::vector<std::string> messages(const std::string& file) {
  std::vector<std::string> all;
  const auto masked = [](std::string_view bytes) {
    const std::uint32_t sum = internal::crc32c(bytes);
    return static_cast<std::uint32_t>(((sum >> 15) | (sum << 17)) + 0xA282EAD8U);
  };
  std::size_t at = 0;
  const auto number = [&]<class T>(T& value) {
    REQUIRE(at + sizeof value <= file.size());
    std::memcpy(&value, file.data() + at, sizeof value);
    at += sizeof value;
  };
  while (at < file.size()) {
    std::uint64_t length = 0;
    std::uint32_t of_length = 0, of_message = 0;
    number(length), number(of_length);
    CHECK(of_length == masked(std::string_view(file).substr(at - 12, 8)));
    REQUIRE(length <= file.size() - at);
    all.push_back(file.substr(at, length));
    at += length;
    number(of_message);
    CHECK(of_message == masked(all.back()));
  }
  return all;
}

bool there_is_protoc() { return std::system("protoc --version > /dev/null 2>&1") == 0; }

/// What protoc reads in the message, as text in one line.
std::string decoded(const std::string& message) {
  const TemporaryFolder folder;
  const auto from = folder.write("message", message);
  const std::string command = "protoc --proto_path=" RIVAL_FIXTURES_DIR " --decode=Event event.proto < " +
                              from.string() + " > " + (folder / "text").string() + " 2>&1";
  REQUIRE(std::system(command.c_str()) == 0);
  std::string text = read_bytes(folder / "text"), line;
  for (const char c : text)
    if (c == '\n')
      line += ' ';
    else if (c != ' ' || (!line.empty() && line.back() != ' '))
      line += c;
  return line;
}

std::vector<std::string> decoded_file(const std::filesystem::path& path) {
  std::vector<std::string> all;
  for (const auto& message : messages(read_bytes(path))) all.push_back(decoded(message));
  return all;
}

}  // namespace

TEST_CASE("tensorboard: CRC-32C of the texts in RFC 3720") {
  CHECK(internal::crc32c("123456789") == 0xE3069283);
  CHECK(internal::crc32c(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(internal::crc32c(std::string(32, '\xFF')) == 0x62A8AB43);
  CHECK(internal::crc32c("") == 0);
}

TEST_CASE("tensorboard: protoc reads scalars, pictures and histograms") {
  const TemporaryFolder folder;
  std::filesystem::path path;
  {
    TensorBoardWriter board(folder / "new/board");
    path = board.path();
    board.scalar("loss/generator", 3, 0.25);
    board.scalars(
        4,
        {{"a", 1}, {"b", std::numeric_limits<double>::quiet_NaN()}, {"c", -std::numeric_limits<double>::infinity()}});
    board.image("samples", 5, {0x89, 'P', 'N', 'G', 0, 'x'}, 28, 56, 3);
    board.histogram("weights", 6, Tensor<float>({4}, {-1.5F, 0, 0.5F, 2}));
  }
  CHECK(path.parent_path() == folder / "new/board");
  CHECK_THAT(path.filename().string(), Catch::Matchers::StartsWith("events.out.tfevents."));
  REQUIRE(messages(read_bytes(path)).size() == 5);
  if (!there_is_protoc()) {
    WARN("there is no protoc (protobuf-compiler): what is in the records is not looked at");
    return;
  }
  const auto all = decoded_file(path);
  CHECK_THAT(all[0], ContainsSubstring("wall_time: 1") && ContainsSubstring("file_version: \"brain.Event:2\""));
  CHECK_THAT(all[1], ContainsSubstring("step: 3 summary { value { tag: \"loss/generator\" simple_value: 0.25 } }"));
  CHECK_THAT(all[2], ContainsSubstring("step: 4 summary { value { tag: \"a\" simple_value: 1 } value { tag: \"b\" "
                                       "simple_value: nan } value { tag: \"c\" simple_value: -inf } }"));
  CHECK_THAT(all[3], ContainsSubstring("step: 5 summary { value { tag: \"samples\" image { height: 28 width: 56 "
                                       "colorspace: 3 encoded_image_string: \"\\211PNG\\000x\" } } }"));
  CHECK_THAT(all[4], ContainsSubstring("tag: \"weights\" histo { min: -1.5 max: 2 num: 4 sum: 1 sum_squares: 6.5 "));
}

TEST_CASE("tensorboard: a histogram's buckets hold what lies below their limits") {
  const auto& limits = internal::histogram_limits();
  REQUIRE(limits.size() % 2 == 1);
  CHECK(limits[limits.size() / 2] == 0);
  CHECK(limits[limits.size() / 2 + 1] == 1e-12);
  CHECK(limits.back() == std::numeric_limits<double>::max());
  CHECK(limits.front() == -limits.back());
  CHECK(std::is_sorted(limits.begin(), limits.end()));

  // Each value alone, next to a limit and on it: read back as two fields of doubles.
  if (!there_is_protoc()) {
    WARN("there is no protoc (protobuf-compiler)");
    return;
  }
  const TemporaryFolder folder;
  TensorBoardWriter board(folder.path());
  std::vector<double> values{0, -0.0, 1e-12, -1e-12, 1e-13, -1e-13, 1e-300, 1e25, -1e25, 1, -1};
  for (const std::size_t i : {800U, 1000U, 1300U, 300U, 500U, 700U})
    for (const double to : {-1e300, 0.0, 1e300}) values.push_back(to == 0 ? limits[i] : std::nextafter(limits[i], to));
  for (const double value : values) board.histogram("w", 1, Tensor<double>({1}, {value}));
  board.flush();
  const auto all = messages(read_bytes(board.path()));
  REQUIRE(all.size() == values.size() + 1);
  std::string joined;  // repeated fields of messages that stand one behind the other are joined, so one call will do
  for (std::size_t i = 0; i < values.size(); ++i) joined += all[i + 1];
  std::string text = decoded(joined);
  for (const double value : values) {
    INFO(value);
    // A run of empty buckets, the bucket, a run of empty ones; at the ends one of them is missing.
    std::vector<double> found_limits, counts;
    const auto begin = text.find("histo {"), end = text.find('}', begin);
    REQUIRE(begin != std::string::npos);
    const std::string one = text.substr(begin, end - begin);
    for (std::size_t at = 0; (at = one.find("bucket", at)) != std::string::npos; at += 6) {
      const bool is_limit = one.compare(at, 13, "bucket_limit:") == 0;
      (is_limit ? found_limits : counts).push_back(std::strtod(one.c_str() + at + (is_limit ? 13 : 7), nullptr));
    }
    text.erase(0, end);
    REQUIRE(found_limits.size() == counts.size());
    CHECK(std::count(counts.begin(), counts.end(), 1) == 1);
    CHECK(std::count(counts.begin(), counts.end(), 0) == static_cast<long>(counts.size()) - 1);
    const auto place = static_cast<std::size_t>(std::find(counts.begin(), counts.end(), 1) - counts.begin());
    const auto expected = std::upper_bound(limits.begin(), limits.end() - 1, value);
    CHECK(found_limits[place] == *expected);
    if (place > 0) CHECK(found_limits[place - 1] == *(expected - 1));
  }
}

TEST_CASE("tensorboard: empty tensors and values that are not finite") {
  const TemporaryFolder folder;
  TensorBoardWriter board(folder.path());
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  board.histogram("empty", 1, Tensor<float>());
  board.histogram("odd", 2, Tensor<float>({4}, {nan, 1, -infinity, infinity}));
  board.histogram("none", 3, Tensor<double>({1}, {std::numeric_limits<double>::quiet_NaN()}));
  board.flush();
  REQUIRE(messages(read_bytes(board.path())).size() == 6);
  if (!there_is_protoc()) {
    WARN("there is no protoc (protobuf-compiler)");
    return;
  }
  const auto all = decoded_file(board.path());
  const std::string nothing = "histo { bucket_limit: 1.7976931348623157e+308 bucket: 0 }";  // zeros are not printed
  CHECK_THAT(all[1], ContainsSubstring(nothing));
  CHECK_THAT(all[2], ContainsSubstring("min: 1 max: 1 num: 1 sum: 1 sum_squares: 1"));
  CHECK_THAT(all[3], ContainsSubstring("tag: \"odd/not_finite\" simple_value: 3"));
  CHECK_THAT(all[4], ContainsSubstring(nothing));
  CHECK_THAT(all[5], ContainsSubstring("tag: \"none/not_finite\" simple_value: 1"));
}

TEST_CASE("tensorboard: a run that goes on begins a file of its own, and says where") {
  const TemporaryFolder folder;
  TensorBoardWriter first(folder.path()), second(folder.path(), 101);
  CHECK(first.path() != second.path());
  CHECK(folder.count() == 2);
  if (!there_is_protoc()) {
    WARN("there is no protoc (protobuf-compiler)");
    return;
  }
  CHECK(decoded_file(first.path()).size() == 1);
  const auto all = decoded_file(second.path());
  REQUIRE(all.size() == 2);
  CHECK_THAT(all[1], ContainsSubstring("step: 101 session_log { status: START }"));
}

TEST_CASE("tensorboard: a killed run leaves whole records") {
  const TemporaryFolder folder;
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    TensorBoardWriter board(folder.path());
    for (int step = 0;; ++step) {
      board.scalar("loss", step, step);
      if (step % 7 == 6) board.flush();
      if (step == 100 && write(pipe_ends[1], "x", 1) != 1) _exit(1);
    }
  }
  char byte;
  REQUIRE(read(pipe_ends[0], &byte, 1) == 1);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  close(pipe_ends[0]), close(pipe_ends[1]);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    const auto count = messages(read_bytes(entry.path())).size();
    CHECK(count >= 1 + 98);
    CHECK(count % 7 == 1);
  }
}

TEST_CASE("tensorboard: what cannot be written is said, and kept for the next flush") {
  const TemporaryFolder folder;
  const auto file = folder.write("file", "");
  CHECK_THROWS_WITH(TensorBoardWriter(file), "tensorboard: expected a folder that can be made, got " + quoted(file));
  TensorBoardWriter board(folder / "board");
  CHECK_THROWS_WITH(board.image("a", 1, {}, 0, 3, 1),
                    "tensorboard: expected an image of positive height and width and 1 to 4 channels, got 0x3x1");
  board.scalar("a", 1, 2);
  const auto away = folder / "away";
  std::filesystem::rename(board.path(), away);
  CHECK_THROWS_WITH(board.flush(), Catch::Matchers::StartsWith("cannot append to " + quoted(board.path())));
  std::filesystem::rename(away, board.path());
  board.flush();
  CHECK(messages(read_bytes(board.path())).size() == 2);
}

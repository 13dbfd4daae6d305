#include <csignal>
#include "catch.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "rival/core/file.hpp"
#include "temporary_folder.hpp"

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#endif
#ifdef __linux__
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace rival;
using namespace rival_test;

TEST_CASE("file: makes a file and replaces it") {
  const TemporaryFolder folder;
  const auto path = folder / "a.txt";
  replace_file(path, "one");
  CHECK(read_bytes(path) == "one");
  {
    FileWriter file(path);
    file.write("two ");
    file.write("words");
    CHECK(read_bytes(path) == "one");  // not before commit
    file.commit();
  }
  CHECK(read_bytes(path) == "two words");
  replace_file(path, "");
  CHECK(std::filesystem::file_size(path) == 0);
  CHECK(folder.count() == 1);  // nothing temporary stays behind
}

TEST_CASE("file: without a commit the earlier file stays") {
  const TemporaryFolder folder;
  const auto path = folder.write("a.txt", "earlier");
  try {
    FileWriter file(path);
    file.write("half of");
    fail("something went wrong");
  } catch (const Error&) {
  }
  CHECK(read_bytes(path) == "earlier");
  CHECK(folder.count() == 1);
}

TEST_CASE("file: says why it cannot write") {
  const TemporaryFolder folder;
  const auto file = folder.write("file", "x"), missing = folder / "no" / "a.txt";
  CHECK_THROWS_WITH(replace_file(missing, "x"),
                    "cannot write " + quoted(missing) + ": there is no folder " + (folder / "no").string());
  CHECK_THROWS_WITH(replace_file(folder.path(), "x"), "cannot write " + quoted(folder.path()) + ": it is a folder");
  CHECK_THROWS_WITH(replace_file(file / "a.txt", "x"),
                    "cannot write " + quoted(file / "a.txt") + ": there is no folder " + file.string());
  if (std::filesystem::exists("/dev/null"))
    CHECK_THROWS_WITH(replace_file("/dev/null", "x"), "cannot write \"/dev/null\": it is not a regular file");
  CHECK(folder.count() == 1);
}

TEST_CASE("file: a link stays a link") {
  const TemporaryFolder folder;
  const auto file = folder.write("file", "x"), link = folder / "link";
  std::error_code unsupported;
  std::filesystem::create_symlink(file, link, unsupported);
  if (unsupported) return;
  replace_file(link, "y");
  CHECK(std::filesystem::is_symlink(link));
  CHECK(read_bytes(file) == "y");
}

TEST_CASE("file: appends, and only to a file that is there") {
  const TemporaryFolder folder;
  const auto path = folder.write("a.txt", "one");
  append_to_file(path, " two");
  append_to_file(path, "");
  append_to_file(path, std::string(100'000, '3'));
  CHECK(read_bytes(path) == "one two" + std::string(100'000, '3'));
  CHECK_THROWS_WITH(append_to_file(folder / "none", "x"),
                    "cannot append to " + quoted(folder / "none") + ": " + std::strerror(ENOENT));
  CHECK_THROWS_WITH(append_to_file(folder.path(), "x"), Catch::Matchers::StartsWith("cannot append to "));
  CHECK(folder.count() == 1);
}

#ifdef __linux__
namespace {

/// What fsync was called for, "file" or "folder", since a test asked to know, and the error that it is to give instead.
struct {
  bool watched = false;
  std::vector<std::string> calls;
  std::string fails_for;
  int error = 0;
} syncs;

}  // namespace

/// Stands in front of the C library's.
extern "C" int fsync(int descriptor) {
  if (syncs.watched) {
    struct stat about {};
    fstat(descriptor, &about);
    syncs.calls.push_back(S_ISDIR(about.st_mode) ? "folder" : "file");
    if (syncs.calls.back() == syncs.fails_for) {
      errno = syncs.error;
      if (syncs.error == EINTR) syncs.fails_for.clear();  // once
      return -1;
    }
  }
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

TEST_CASE("file: bytes and name are on the disk before a commit returns") {
  const TemporaryFolder folder;
  const auto path = folder.write("a.txt", "earlier");
  const auto write = [&](const std::string& fails_for, int error) {
    syncs = {true, {}, fails_for, error};
    std::string said;
    try {
      replace_file(path, "new");
    } catch (const Error& failure) {
      said = failure.what();
    }
    syncs.watched = false;
    return said;
  };
  const std::string broken = "cannot write " + quoted(path) + ": " + std::strerror(EIO);
  CHECK(write("file", EIO) == broken);
  CHECK(syncs.calls == std::vector<std::string>{"file"});
  CHECK(read_bytes(path) == "earlier");
  CHECK(folder.count() == 1);

  CHECK(write("", 0).empty());
  CHECK(syncs.calls == std::vector<std::string>{"file", "folder"});
  CHECK(read_bytes(path) == "new");
  CHECK(write("folder", EIO) == broken);
  CHECK(write("file", EINVAL).empty());  // a file system that has no such thing
  CHECK(write("file", EINTR).empty());
  CHECK(syncs.calls == std::vector<std::string>{"file", "file", "folder"});
  CHECK(folder.count() == 1);

  syncs = {true, {}, "file", EIO};
  CHECK_THROWS_WITH(append_to_file(path, " words"), "cannot append to " + quoted(path) + ": " + std::strerror(EIO));
  syncs.watched = false;
  CHECK(read_bytes(path) == "new");
}
#endif

#ifdef RLIMIT_FSIZE
TEST_CASE("file: a full disk leaves the earlier file") {
  const TemporaryFolder folder;
  const auto path = folder.write("a.txt", "earlier");
  // A limit on the size of files does what a full disk does, once its signal is ignored.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = 4096;
  setrlimit(RLIMIT_FSIZE, &tight);
  std::string at_once, at_commit, appended;
  try {
    replace_file(path, std::string(1 << 20, 'x'));
  } catch (const Error& error) {
    at_once = error.what();
  }
  try {
    FileWriter file(path);
    for (int i = 0; i < 5000; ++i) file.write("x");  // the last part is still in the buffer when commit comes
    file.commit();
  } catch (const Error& error) {
    at_commit = error.what();
  }
  try {
    append_to_file(path, std::string(1 << 20, 'x'));
  } catch (const Error& error) {
    appended = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(at_once == "cannot write " + quoted(path) + ": " + std::strerror(EFBIG));
  CHECK(at_commit == at_once);
  CHECK(appended == "cannot append to " + quoted(path) + ": " + std::strerror(EFBIG));
  CHECK(read_bytes(path) == "earlier");
  CHECK(folder.count() == 1);
}
#endif

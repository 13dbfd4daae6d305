#include <csignal>
#include "catch.hpp"

#include "rival/core/file.hpp"
#include "temporary_folder.hpp"

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
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
  std::string at_once, at_commit;
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
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(at_once == "cannot write " + quoted(path) + ": " + std::strerror(EFBIG));
  CHECK(at_commit == at_once);
  CHECK(read_bytes(path) == "earlier");
  CHECK(folder.count() == 1);
}
#endif

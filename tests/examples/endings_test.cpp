// Whatever ends a run of mnist_gan or toy_2d, its files are whole and as new as they can be.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "catch.hpp"

#ifdef __linux__
#include <sys/mount.h>
#endif

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "rival/io/network_file.hpp"
#include "rival/io/npy.hpp"
#include "run_program.hpp"
#include "small_digits.hpp"
#include "temporary_folder.hpp"
#include "terminal.hpp"

using Catch::Matchers::ContainsSubstring;
using rival_test::Arguments;
using rival_test::content;
using rival_test::lines;
using rival_test::promised;
using rival_test::quick;
using rival_test::quoted;
using rival_test::read_bytes;
using rival_test::Run;
using rival_test::SmallData;
using rival_test::TemporaryFolder;
using rival_test::Terminal;
using rival_test::wait_for;
using rival_test::wait_until;

namespace {

/// A run that goes on until something ends it.
const Arguments endless{"--epochs", "1000000", "--steps", "1000000"};

/// mnist_gan on its way, with standard output in a file.
class Running {
 public:
  explicit Running(const Arguments& arguments, const std::function<void()>& prepare = {}) {
    const int file = open(out().c_str(), O_WRONLY | O_CREAT, 0600);
    child_ = rival_test::start(RIVAL_MNIST_GAN_BINARY, arguments, file, streams_ / "err", prepare);
    close(file);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    if (child_ == 0) return;
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }

  /// Waits for the first step. What is to be written is written from then on.
  void begin() const {
    REQUIRE(wait_until([&] { return read_bytes(out()).find("step 1/") != std::string::npos; }));
  }
  void send(int signal) const { kill(child_, signal); }
  /// The exit code, or minus the signal that ended it.
  int end() { return wait_for(std::exchange(child_, 0)); }
  std::filesystem::path out() const { return streams_ / "out"; }
  std::string errors() const { return read_bytes(streams_ / "err"); }

 private:
  TemporaryFolder streams_;
  pid_t child_ = 0;
};

void wait_at_random() { std::this_thread::sleep_for(std::chrono::milliseconds(std::random_device{}() % 200)); }

/// The rows of losses.csv, made to be whole and in order.
std::vector<std::string> check_rows(const std::string& csv) {
  CHECK(csv.back() == '\n');
  auto rows = lines(csv);
  CHECK(rows[0].find("step,epoch,") == 0);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    CHECK(rows[i].find(std::to_string(i) + ",") == 0);
    CHECK(std::count(rows[i].begin(), rows[i].end(), ',') == 8);
  }
  return rows;
}

/// The rows of losses.csv, made to be whole as are all other files. Of those of `missing` there is none.
std::vector<std::string> check_whole(const std::filesystem::path& out, const std::vector<std::string>& missing = {}) {
  auto files = content(out);
  CHECK(files.size() + missing.size() == promised.size() + files.count("generated.npy"));
  std::vector<std::string> rows;
  for (const auto& name : promised) {
    INFO(name);
    const bool there = std::find(missing.begin(), missing.end(), name) == missing.end();
    REQUIRE(files.count(name) == (there ? 1 : 0));
    const std::string& bytes = files[name];
    if (!there) continue;
    REQUIRE(bytes.size() > 50);
    if (name == "samples.png") {
      CHECK(bytes.substr(0, 8) == "\x89PNG\r\n\x1a\n");
      CHECK(bytes.substr(bytes.size() - 8, 4) == "IEND");
    } else if (name == "progress.gif") {
      CHECK(bytes.substr(0, 6) == "GIF89a");
      CHECK(bytes.back() == ';');
    } else if (name == "losses.svg") {
      CHECK(bytes.substr(bytes.size() - 7) == "</svg>\n");
    } else if (name == "report.html") {
      CHECK(bytes.substr(bytes.size() - 8) == "</html>\n");
    } else if (name == "summary.txt") {
      CHECK_THAT(bytes, ContainsSubstring("architecture dense") && ContainsSubstring("\nsteps "));
    } else if (name == "generator.safetensors") {
      CHECK(rival::load_generator(out / name).latent() == 100);
    } else if (name == "discriminator.safetensors") {
      CHECK(rival::load_discriminator(out / name).input_shape() == rival::Shape{28, 28, 1});
    } else {
      rows = check_rows(bytes);
    }
  }
  if (files.count("generated.npy") > 0) rival::read_npy<std::uint8_t>(out / "generated.npy");
  return rows;
}

std::string steps_line(const std::filesystem::path& out) {
  const auto all = lines(read_bytes(out / "summary.txt"));
  REQUIRE(all.size() > 2);
  return all[2];
}

}  // namespace

TEST_CASE("endings: after any signal that asks a run to end, all files are there and as of the last step") {
  const SmallData data;
  std::vector<int> signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU};
#ifdef __linux__
  signals.insert(signals.end(), {SIGPOLL, SIGPWR, SIGRTMIN, SIGRTMAX});
#endif
  for (const int signal : signals) {
    INFO("signal " << signal);
    const TemporaryFolder out;
    Running run(quick(data.path(), out.path(), endless));
    run.begin();
    wait_at_random();
    run.send(signal);
    CHECK(run.end() == 128 + signal);
    CHECK(run.errors().empty());
    const std::string steps = std::to_string(check_whole(out.path()).size() - 1);
    CHECK(steps_line(out.path()).find("steps " + steps + " of 1000000 (interrupted), ") == 0);
    CHECK(read_bytes(run.out()).find("interrupted after step " + steps + "\nwrote ") != std::string::npos);
  }
}

TEST_CASE("endings: many signals at once lose nothing of what is being written") {
  const SmallData data;
  const TemporaryFolder out;
  Running run(quick(data.path(), out.path(), endless));
  run.begin();
  for (int i = 0; i < 50; ++i) {
    run.send(i % 2 == 0 ? SIGINT : SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const int code = run.end();  // of the first signal that came through, on whatever thread
  CHECK((code == 128 + SIGINT || code == 128 + SIGTERM));
  check_whole(out.path());
}

TEST_CASE("endings: what nohup ignores does not end a run") {
  const SmallData data;
  const TemporaryFolder out;
  Running run(quick(data.path(), out.path(), endless), [] { std::signal(SIGHUP, SIG_IGN); });
  run.begin();
  run.send(SIGHUP);
  run.send(SIGTERM);
  CHECK(run.end() == 128 + SIGTERM);
}

TEST_CASE("endings: files appear and grow while a run goes on, and are whole when it is killed") {
  const SmallData data;
  const TemporaryFolder out;
  out.write("generated.npy", "an earlier run's");
  out.write("notes.txt", "the user's");
  Running run(quick(data.path(), out.path(), endless));
  const auto summary = out / "summary.txt", csv = out / "losses.csv";
  REQUIRE(wait_until([&] { return std::filesystem::exists(summary); }));  // the last one to be written
  CHECK(steps_line(out.path()).find(" (running), ") != std::string::npos);
  CHECK(!std::filesystem::exists(out / "generated.npy"));
  const auto first = std::filesystem::file_size(csv);
  REQUIRE(wait_until([&] { return std::filesystem::file_size(csv) > first; }));
  wait_at_random();
  run.send(SIGKILL);
  CHECK(run.end() == -SIGKILL);
  CHECK(read_bytes(out / "notes.txt") == "the user's");
  std::filesystem::remove(out / "notes.txt");
  for (const auto& [name, bytes] : content(out.path()))  // killed while one was being written
    if (name.ends_with(".part")) std::filesystem::remove(out / name);
  const auto rows = check_whole(out.path());

  // A run that writes only at its end gives the same.
  const TemporaryFolder again;
  Running other(quick(data.path(), again.path(), endless));
  other.begin();
  other.send(SIGINT);
  CHECK(other.end() == 130);
  const auto others = check_whole(again.path());
  for (std::size_t i = 0; i < std::min(rows.size(), others.size()); ++i) CHECK(rows[i] == others[i]);
}

TEST_CASE("endings: a run leaves no file of an earlier one's, and what is not its own alone") {
  const SmallData data;
  const TemporaryFolder out;
  for (const auto& name : promised) out.write(name, "an earlier run's");
  for (const std::string name : {"generated.npy", "samples.png.123.part"}) out.write(name, "an earlier run's");
  for (const std::string name : {"notes.txt", "mine.part", "samples.png.old"}) out.write(name, "the user's");
  CHECK(rival_test::run(RIVAL_MNIST_GAN_BINARY, quick(data.path(), out.path())).code == 0);
  for (const std::string name : {"notes.txt", "mine.part", "samples.png.old"}) {
    CHECK(read_bytes(out / name) == "the user's");
    std::filesystem::remove(out / name);
  }
  check_whole(out.path());
}

TEST_CASE("endings: a closed pipe takes the progress lines away, and nothing else") {
  const SmallData data;
  const TemporaryFolder out, streams;
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const pid_t child =
      rival_test::start(RIVAL_MNIST_GAN_BINARY, quick(data.path(), out.path(), {"--epochs", "2", "--steps", "20"}),
                        ends[1], streams / "err");
  close(ends[1]);
  char first = 0;
  CHECK(read(ends[0], &first, 1) == 1);
  close(ends[0]);
  CHECK(wait_for(child) == 0);
  CHECK(read_bytes(streams / "err").empty());
  CHECK(check_whole(out.path()).size() == 21);
}

TEST_CASE("endings: Ctrl-C while samples are drawn ends that, and leaves those that were drawn") {
  const SmallData data;
  const TemporaryFolder out;
  Running run(quick(data.path(), out.path(), {"--steps", "1", "--samples", "400000"}));
  REQUIRE(wait_until([&] {
    return read_bytes(out / "summary.txt").find("\nsteps 1 of 1, ") != std::string::npos;  // it comes before them
  }));
  wait_at_random();
  run.send(SIGINT);
  CHECK(run.end() == 130);
  CHECK(run.errors().empty());
  check_whole(out.path());
  const auto generated = rival::read_npy<std::uint8_t>(out / "generated.npy");
  CHECK(generated.dim(0) >= 1000);
  CHECK(generated.dim(0) < 400000);
  CHECK(generated.dim(0) % 1000 == 0);
}

TEST_CASE("endings: folders in the way are said one by one, and the rest is written") {
  const SmallData data;
  const TemporaryFolder out;
  for (const std::string name : {"samples.png", "losses.csv"}) std::filesystem::create_directory(out / name);
  const auto result = rival_test::run(RIVAL_MNIST_GAN_BINARY, quick(data.path(), out.path(), {"--samples", "2"}));
  CHECK(result.code == 1);
  CHECK(result.err == "mnist_gan: cannot write " + quoted(out / "samples.png") + ": it is a folder\n" +
                          "mnist_gan: cannot write " + quoted(out / "losses.csv") + ": it is a folder\n");
  for (const std::string name : {"samples.png", "losses.csv"}) {
    CHECK(result.out.find("wrote " + (out / name).string()) == std::string::npos);
    std::filesystem::remove(out / name);
  }
  CHECK(result.out.find("wrote " + (out / "summary.txt").string()) != std::string::npos);
  check_whole(out.path(), {"samples.png", "losses.csv"});
  CHECK(rival::read_npy<std::uint8_t>(out / "generated.npy").dim(0) == 2);
}

namespace {

/// A run without room for all files: each is whole, or missing and named by a line on standard error.
void check_without_room(const Run& result, const std::filesystem::path& out) {
  INFO(result.err);
  CHECK(result.code == 1);
  std::vector<std::string> missing;
  for (const auto& name : promised) {
    const bool there = std::filesystem::exists(out / name);
    if (!there) missing.push_back(name);
    CHECK((result.err.find("cannot write " + quoted(out / name)) == std::string::npos) == there);
    const auto said = [&](const std::string& word) {
      return result.out.find(word + (out / name).string() + "\n") != std::string::npos;
    };
    CHECK((said("wrote ") || said("left as it was at an earlier step: ")) == there);
    // What could not be written the last time was named.
    if (said("left as it was at an earlier step: ")) CHECK(result.err.find(quoted(out / name)) != std::string::npos);
  }
  CHECK(!missing.empty());
  CHECK(lines(result.err).size() == missing.size());
  check_whole(out, missing);
}

}  // namespace

TEST_CASE("endings: a limit on the size of files") {
  const SmallData data;
  for (const rlim_t bytes : {rlim_t{1000}, rlim_t{40'000}}) {
    INFO(bytes << " bytes");
    const TemporaryFolder out;
    for (const auto& name : promised) out.write(name, "an earlier run's");
    const auto limit = [&] {
      const rlimit tight{bytes, bytes};
      setrlimit(RLIMIT_FSIZE, &tight);
    };
    check_without_room(rival_test::run(RIVAL_MNIST_GAN_BINARY, quick(data.path(), out.path()), limit), out.path());
  }
}

#ifdef __linux__
TEST_CASE("endings: a full disk") {
  const SmallData data;
  const TemporaryFolder out;
  if (mount("none", out.path().c_str(), "tmpfs", 0, "size=48k") != 0) {
    SUCCEED("none can be mounted here; the limit above stands for it");
    return;
  }
  const auto result = rival_test::run(RIVAL_MNIST_GAN_BINARY, quick(data.path(), out.path()));
  check_without_room(result, out.path());
  CHECK(result.err.find(std::strerror(ENOSPC)) != std::string::npos);
  umount(out.path().c_str());
}
#endif

TEST_CASE("endings: the progress bar keeps to its line in any window") {
  const SmallData data;
  for (const std::uint16_t columns : {std::uint16_t{80}, std::uint16_t{40}, std::uint16_t{20}}) {
    INFO(columns << " columns");
    const TemporaryFolder out, streams;
    Terminal terminal(columns);
    const pid_t child =
        rival_test::start(RIVAL_MNIST_GAN_BINARY, quick(data.path(), out.path(), {"--epochs", "3", "--steps", "30"}),
                          terminal.slave, streams / "err");
    terminal.show_until();
    CHECK(wait_for(child) == 0);
    CHECK(terminal.rows_with("30/30") == 1);
    CHECK(terminal.rows_with("/30") == 1);
    CHECK(terminal.rows[0].find("0:00 left") != std::string::npos);
    CHECK(terminal.rows[1].find("wrote ") == 0);
    CHECK((terminal.rows[0].find('[') != std::string::npos) == (columns >= 40));
  }
}

TEST_CASE("endings: the progress bar follows its window, and its line is ended when a run is") {
  const SmallData data;
  const TemporaryFolder out, streams;
  Terminal terminal(100);
  const pid_t child = rival_test::start(RIVAL_MNIST_GAN_BINARY, quick(data.path(), out.path(), endless), terminal.slave,
                                        streams / "err");
  CHECK(terminal.show_until("images/s"));
  terminal.resize(40);
  const auto wide = terminal.all.size();
  CHECK(wait_until([&] {
    terminal.show_until("\r[");
    return terminal.all.find("\r[", wide) != std::string::npos;
  }));
  kill(child, SIGINT);
  terminal.show_until();
  CHECK(wait_for(child) == 130);
  const auto narrow = terminal.all.find("\r[", wide);
  const auto last = terminal.all.find("\r\n", narrow);
  REQUIRE(last != std::string::npos);
  for (std::size_t at = narrow; at < last;) {
    const auto next = std::min(terminal.all.find('\r', at + 1), last);
    CHECK(next - at <= 40);  // with the carriage return
    at = next;
  }
  CHECK(terminal.all.find("\r\ninterrupted after step ", narrow) == last);
}

TEST_CASE("endings: plain lines where the window has no width, and an error below the bar") {
  const SmallData data;
  {
    const TemporaryFolder out, streams;
    Terminal terminal(0);
    const pid_t child =
        rival_test::start(RIVAL_MNIST_GAN_BINARY, quick(data.path(), out.path()), terminal.slave, streams / "err");
    terminal.show_until();
    CHECK(wait_for(child) == 0);
    CHECK(terminal.all.find('[') == std::string::npos);
    CHECK(terminal.rows_with("step 3/3") == 1);
  }
  const TemporaryFolder out;
  Terminal terminal(80);
  const int slave = terminal.slave;
  const pid_t child =
      rival_test::start(RIVAL_MNIST_GAN_BINARY,
                        quick(data.path(), out.path(), {"--learning-rate", "1e5", "--epochs", "50", "--steps", "500"}),
                        slave, out / "err", [&] { dup2(slave, STDERR_FILENO); });
  terminal.show_until();
  CHECK(wait_for(child) == 1);
  std::size_t error = 0;
  while (error < terminal.rows.size() && terminal.rows[error].find("mnist_gan: training stopped") != 0) ++error;
  REQUIRE(error < terminal.rows.size());
  REQUIRE(error > 0);
  CHECK(terminal.rows[error - 1].find("] ") != std::string::npos);
}

TEST_CASE("endings: toy_2d ends as well") {
  const TemporaryFolder out, streams;
  const int file = open((streams / "out").c_str(), O_WRONLY | O_CREAT, 0600);
  const pid_t child = rival_test::start(RIVAL_TOY_2D_BINARY, {"--out", out.path().string(), "--steps", "1000000"}, file,
                                        streams / "err");
  close(file);
  CHECK(wait_until([&] { return std::filesystem::exists(out / "summary.txt"); }));
  kill(child, SIGTERM);
  CHECK(wait_for(child) == 128 + SIGTERM);
  CHECK(read_bytes(streams / "err").empty());
  const auto files = content(out.path());
  CHECK(files.size() == 7);
  CHECK(files.count("generator.safetensors") == 1);
  CHECK(lines(files.at("samples.csv")).size() == 2501);
  CHECK(files.at("progress.gif").back() == ';');
  CHECK_THAT(files.at("summary.txt"), ContainsSubstring(" (interrupted), batch "));
  CHECK_THAT(read_bytes(streams / "out"),
             ContainsSubstring(" modes, ") && ContainsSubstring("interrupted after step "));
}

// A run that was ended in any way goes on by --resume, and leaves what it would have left without a break.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "catch.hpp"

#ifdef __linux__
#include <sys/mount.h>
#endif

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "rival/gan/recipes/unconditional.hpp"
#include "rival/io/checkpoint.hpp"
#include "run_program.hpp"
#include "small_digits.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using rival_test::Arguments;
using rival_test::content;
using rival_test::lines;
using rival_test::quoted;
using rival_test::read_bytes;
using rival_test::SmallData;
using rival_test::TemporaryFolder;
using rival_test::wait_until;

namespace {

/// mnist_gan and toy_2d, so that a test can go through both: a run of some steps, with an average, with penalties.
struct Program {
  std::string binary, name;
  Arguments arguments;
};

std::vector<Program> programs(const std::filesystem::path& data, long steps) {
  const std::string count = std::to_string(steps);
  return {{RIVAL_MNIST_GAN_BINARY,
           "mnist_gan",
           {"--architecture", "dense", "--data", data.string(), "--batch", "20", "--epochs", "1000", "--steps", count,
            "--samples", "3"}},
          {RIVAL_TOY_2D_BINARY, "toy_2d", {"--recipe", "rpgan-r1r2-fast", "--steps", count}}};
}

Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<std::string> checkpoints(const std::filesystem::path& out) {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : content(out))
    if (name.starts_with("checkpoint-") && name.ends_with(".safetensors")) names.push_back(name);  // no part of one
  return names;
}

/// What a run left, but for its checkpoints, and without times and threads.
std::map<std::string, std::string> left(const std::filesystem::path& out) {
  auto files = content(out);
  std::erase_if(files, [](const auto& file) { return file.first.starts_with("checkpoint-"); });
  files.at("report.html") = rival_test::lasting(files.at("report.html"));
  std::string& summary = files.at("summary.txt");
  for (const std::string word : {"threads ", "seconds ", "images/s "})
    if (const auto at = summary.find(word); at != std::string::npos)
      summary.erase(at, summary.find_first_of(",\n", at) - at);
  return files;
}

void check_same(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b) {
  for (const auto& [name, bytes] : b) {
    INFO(name);
    CHECK(a.count(name) == 1);
  }
  for (const auto& [name, bytes] : a) {
    INFO(name);
    REQUIRE(b.count(name) == 1);
    if (name == "summary.txt")
      CHECK(b.at(name) == bytes);
    else
      CHECK((b.at(name) == bytes));
  }
}

rival_test::Run run(const Program& program, const Arguments& arguments, const std::function<void()>& prepare = {}) {
  return rival_test::run(program.binary, arguments, prepare);
}

pid_t begin(const Program& program, const Arguments& arguments, const TemporaryFolder& streams) {
  const int file = open((streams / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const pid_t child = rival_test::start(program.binary, arguments, file, streams / "err");
  close(file);
  return child;
}

}  // namespace

TEST_CASE("resume: after a signal a run goes on to the files of an unbroken one, on any number of threads") {
  const SmallData data;
  for (const auto& program : programs(data.path(), 200)) {
    INFO(program.name);
    const TemporaryFolder whole, broken, streams;
    const auto straight = run(program, program.arguments + Arguments{"--out", whole.path().string(), "--threads", "2"});
    CHECK(straight.code == 0);
    CHECK(checkpoints(whole.path()).empty());

    const Arguments out{"--out", broken.path().string()};
    const pid_t child =
        begin(program, program.arguments + out + Arguments{"--checkpoint-every", "5", "--threads", "1"}, streams);
    REQUIRE(wait_until([&] { return !checkpoints(broken.path()).empty(); }));
    kill(child, SIGTERM);
    CHECK(rival_test::wait_for(child) == 128 + SIGTERM);
    CHECK(read_bytes(streams / "err").empty());
    const std::string said = read_bytes(streams / "out");
    const auto at = said.find("interrupted after step ");
    REQUIRE(at != std::string::npos);
    const std::string steps = std::to_string(std::stol(said.substr(at + 23)));
    REQUIRE(std::stol(steps) < 200);
    REQUIRE(checkpoints(broken.path()).size() == 1);
    CHECK(checkpoints(broken.path())[0] == "checkpoint-" + std::string(6 - steps.size(), '0') + steps + ".safetensors");

    // All options are those that the run was begun with.
    const auto rest = run(program, out + Arguments{"--resume", "--threads", "2"});
    CHECK(rest.err.empty());
    CHECK(rest.code == 0);
    CHECK_THAT(rest.out, StartsWith("goes on after step " + steps + "\n"));
    check_same(left(whole.path()), left(broken.path()));
    CHECK(checkpoints(broken.path()) == std::vector<std::string>{"checkpoint-000200.safetensors"});

    // One that has come to its end leaves the same once more.
    std::filesystem::remove(broken / "summary.txt");
    CHECK(run(program, out + Arguments{"--resume", "--quiet"}).code == 0);
    check_same(left(whole.path()), left(broken.path()));
  }
}

TEST_CASE("resume: killed at random moments, a run ends with the unbroken one's bytes") {
  // RIVAL_TEST_KILLS=200 for many.
  const char* wish = std::getenv("RIVAL_TEST_KILLS");
  const int kills = wish != nullptr ? std::stoi(wish) : 10;
  const SmallData data;
  int done = 0, resumed = 0;
  for (const auto& program : programs(data.path(), 100)) {
    INFO(program.name);
    const TemporaryFolder whole, streams;
    const auto start = std::chrono::steady_clock::now();
    CHECK(run(program, program.arguments + Arguments{"--out", whole.path().string()}).code == 0);
    const auto time = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto expected = left(whole.path());
    std::mt19937 random(std::random_device{}());
    for (int of_program = 0; of_program < kills / 2;) {
      // A run until it comes to its end, by several kills.
      const TemporaryFolder out;
      const Arguments to{"--out", out.path().string(), "--quiet"};
      for (bool ended = false; !ended;) {
        const bool goes_on = !checkpoints(out.path()).empty();
        const bool last = of_program >= kills / 2;
        const pid_t child = begin(
            program, (goes_on ? Arguments{"--resume"} : program.arguments + Arguments{"--checkpoint-every", "5"}) + to,
            streams);
        if (!last) {
          std::this_thread::sleep_for(
              std::chrono::duration<double>(std::uniform_real_distribution<>(0, time / 2)(random)));
          kill(child, SIGKILL);
        }
        const int code = rival_test::wait_for(child);
        REQUIRE(read_bytes(streams / "err") == "");
        REQUIRE((code == 0 || code == -SIGKILL));
        ended = code == 0;
        if (!ended) ++of_program, ++done, resumed += goes_on;
      }
      check_same(expected, left(out.path()));
      CHECK(checkpoints(out.path()) == std::vector<std::string>{"checkpoint-000100.safetensors"});
    }
  }
  WARN(done << " kills, " << resumed << " of them of runs that had been resumed");
}

TEST_CASE("resume: other options are told, a folder without a checkpoint too, and nothing is changed") {
  const SmallData data;
  for (const auto& program : programs(data.path(), 6)) {
    INFO(program.name);
    const TemporaryFolder folder;
    const Arguments out{"--out", folder.path().string()};
    const auto refuse = [&](const Arguments& more, const std::string& expected) {
      const auto before = content(folder.path());
      const auto result = run(program, out + more);
      CHECK(result.code == 2);
      CHECK(result.out.empty());
      CHECK(result.err == program.name + ": " + expected + '\n');
      CHECK((content(folder.path()) == before));
    };
    refuse({"--resume"}, "--resume: expected a checkpoint in " + quoted(folder.path()) + ", found none");
    refuse({"--checkpoint-every", "0"}, "--checkpoint-every: expected at least 1, got 0");
    refuse({"--keep", "2"}, "--keep: expected --checkpoint-every beside it, or --resume");
    refuse({"--checkpoint-every", "2", "--keep", "0"}, "--keep: expected at least 1, got 0");
    CHECK(run(program, program.arguments + out + Arguments{"--checkpoint-every", "2", "--keep", "2"}).code == 0);
    CHECK(checkpoints(folder.path()) ==
          std::vector<std::string>{"checkpoint-000004.safetensors", "checkpoint-000006.safetensors"});
    const std::string intro = "--resume: expected the options of the run that is to go on, or none:";
    refuse({"--resume", "--seed", "2", "--steps", "7"},
           intro + "\n  --seed: the checkpoint has 1, got 2\n  --steps: the checkpoint has 6, got 7");
    refuse({"--resume", "--recipe", "wgan-gp"}, intro + "\n  --recipe: the checkpoint has " +
                                                    (program.name == "toy_2d" ? "\"rpgan-r1r2-fast\"" : "\"\"") +
                                                    ", got \"wgan-gp\"");
    CHECK(run(program, out + Arguments{"--resume", "--seed", "1", "--steps", "6", "--keep", "1"}).code == 0);
  }
}

TEST_CASE("resume: another program's checkpoint is refused, and so is one of a program of one's own") {
  const SmallData data;
  const auto both = programs(data.path(), 2);
  const TemporaryFolder folder;
  const Arguments out{"--out", folder.path().string()};
  const std::string refused =
      ": --resume: expected a checkpoint of this program, got one of another, or of another version\n";
  for (const auto& [mine, others] : {std::pair(both[0], both[1]), std::pair(both[1], both[0])}) {
    CHECK(run(mine, mine.arguments + out + Arguments{"--checkpoint-every", "2"}).code == 0);
    CHECK(run(others, out + Arguments{"--resume"}).err == others.name + refused);
  }
  auto recipe = rival::recipes::gan({.batch = 2, .seed = 1});
  rival::AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
  trainer.save(folder / "checkpoint-000009.safetensors");
  CHECK(run(both[0], out + Arguments{"--resume"}).err == both[0].name + refused);
}

TEST_CASE("resume: with other pictures it does not go on") {
  const SmallData data, other(201);
  const TemporaryFolder out;
  const auto program = programs(data.path(), 6)[0];
  CHECK(run(program, program.arguments + Arguments{"--out", out.path().string(), "--checkpoint-every", "2"}).code == 0);
  const auto before = content(out.path());
  const auto result =
      run(program, {"--resume", "--out", out.path().string(), "--data", other.path().string(), "--quiet"});
  CHECK(result.code == 2);
  CHECK(result.err == "mnist_gan: --resume: expected the images that the run was begun with, got others in " +
                          quoted(other.path()) + '\n');
  CHECK((content(out.path()) == before));
}

TEST_CASE("resume: a damaged checkpoint is passed over for an older whole one") {
  const SmallData data;
  const auto program = programs(data.path(), 6)[1];
  const TemporaryFolder whole, out;
  const Arguments to{"--out", out.path().string(), "--quiet"};
  CHECK(run(program, program.arguments + Arguments{"--out", whole.path().string()}).code == 0);
  CHECK(run(program, program.arguments + to + Arguments{"--checkpoint-every", "2", "--keep", "3"}).code == 0);
  const std::string newest = "checkpoint-000006.safetensors", bytes = read_bytes(out / newest);
  out.write(newest, bytes.substr(0, bytes.size() / 2));
  const auto result = run(program, to + Arguments{"--resume"});
  CHECK(result.code == 0);
  CHECK_THAT(result.err, StartsWith("toy_2d: safetensors file " + quoted(out / newest)));
  CHECK(lines(result.err).size() == 1);
  CHECK((read_bytes(out / newest).size() == bytes.size()));
  CHECK(checkpoints(out.path()).size() == 3);
  check_same(left(whole.path()), left(out.path()));
  for (const auto& name : checkpoints(out.path())) out.write(name, "");
  const auto none = run(program, to + Arguments{"--resume"});
  CHECK(none.code == 2);
  CHECK_THAT(none.err, ContainsSubstring("toy_2d: --resume: expected a checkpoint in " + quoted(out.path()) +
                                         ", found no whole one\n"));
}

TEST_CASE("resume: a new run's first checkpoint takes the place of an earlier run's, and not before it is whole") {
  const SmallData data;
  const auto program = programs(data.path(), 6)[1];
  const TemporaryFolder out;
  const Arguments to{"--out", out.path().string(), "--quiet", "--checkpoint-every", "2"};
  const std::string part = "checkpoint-000004.safetensors.123.part", mine = "checkpoint-mine.safetensors";
  out.write("checkpoint-000900.safetensors", "an earlier run's");
  out.write(part, "a part of an earlier run's");
  out.write(mine, "the user's");
  out.write(".rival_probe.17.part", "");
  // Without room for one.
  const auto limit = [&] {
    const rlimit tight{50'000, 50'000};
    setrlimit(RLIMIT_FSIZE, &tight);
  };
  const auto failed = run(program, program.arguments + to, limit);
  CHECK(failed.code == 1);
  CHECK_THAT(failed.err, ContainsSubstring("toy_2d: cannot write " + quoted(out / "checkpoint-000002.safetensors") +
                                           ": " + std::strerror(EFBIG) + '\n'));
  CHECK(read_bytes(out / "checkpoint-000900.safetensors") == "an earlier run's");
  const auto anew =
      run(program, program.arguments + Arguments{"--out", out.path().string(), "--checkpoint-every", "2"});
  CHECK(anew.code == 0);
  CHECK_THAT(anew.out, ContainsSubstring("begins anew; --resume would have gone on from " +
                                         (out / "checkpoint-000900.safetensors").string() + " of an earlier run"));
  CHECK(checkpoints(out.path()) == std::vector<std::string>{"checkpoint-000006.safetensors", mine});
  CHECK(read_bytes(out / "earlier-checkpoint-000900.safetensors") == "an earlier run's");
  CHECK(!std::filesystem::exists(out / ".rival_probe.17.part"));
}

TEST_CASE("resume: where no checkpoint can be written it is said, and the earlier one is there to go on from") {
  const SmallData data;
  for (const auto& program : programs(data.path(), 8)) {
    INFO(program.name);
    const TemporaryFolder whole, out;
    CHECK(run(program, program.arguments + Arguments{"--out", whole.path().string()}).code == 0);
    const Arguments to{"--out", out.path().string()};
    std::filesystem::create_directory(out / "checkpoint-000006.safetensors");
    std::filesystem::create_directory(out / "checkpoint-000008.safetensors");
    const auto first = run(program, program.arguments + to + Arguments{"--checkpoint-every", "3"});
    CHECK(first.code == 1);
    CHECK(first.err == program.name + ": cannot write " + quoted(out / "checkpoint-000006.safetensors") +
                           ": it is a folder\n" + program.name + ": cannot write " +
                           quoted(out / "checkpoint-000008.safetensors") + ": it is a folder\n");
    CHECK(std::filesystem::is_regular_file(out / "checkpoint-000003.safetensors"));
    std::filesystem::remove(out / "checkpoint-000006.safetensors");
    std::filesystem::remove(out / "checkpoint-000008.safetensors");
    CHECK(run(program, to + Arguments{"--resume", "--quiet"}).code == 0);
    check_same(left(whole.path()), left(out.path()));
  }
}

#ifdef __linux__
TEST_CASE("resume: a full disk and a folder that cannot be written leave the earlier checkpoint") {
  const SmallData data;
  const auto program = programs(data.path(), 8)[0];
  const TemporaryFolder whole, disk;
  CHECK(run(program, program.arguments + Arguments{"--out", whole.path().string(), "--checkpoint-every", "8"}).code ==
        0);
  const auto size = std::filesystem::file_size(whole / "checkpoint-000008.safetensors");
  const std::string small = "size=" + std::to_string(size * 3 / 2), large = "size=" + std::to_string(size * 4);
  const auto& path = disk.path();
  if (mount("none", path.c_str(), "tmpfs", 0, small.c_str()) != 0) {
    SUCCEED("none can be mounted here; the limit and the folders above stand for it");
    return;
  }
  const Arguments to{"--out", path.string(), "--quiet"};
  const auto full = run(program, program.arguments + to + Arguments{"--checkpoint-every", "3"});
  CHECK(full.code == 1);
  CHECK_THAT(full.err, StartsWith("mnist_gan: cannot write " + quoted(path / "checkpoint-000006.safetensors") + ": " +
                                  std::strerror(ENOSPC)));
  CHECK(checkpoints(path) == std::vector<std::string>{"checkpoint-000003.safetensors"});

  REQUIRE(mount("none", path.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, small.c_str()) == 0);
  const auto closed = run(program, to + Arguments{"--resume"});
  CHECK(closed.code == 2);
  CHECK(closed.err == "mnist_gan: --out: expected a folder that can be written to, got " + quoted(path) + '\n');

  REQUIRE(mount("none", path.c_str(), "tmpfs", MS_REMOUNT, large.c_str()) == 0);
  CHECK(run(program, to + Arguments{"--resume"}).code == 0);
  check_same(left(whole.path()), left(path));
  umount(path.c_str());
}
#endif

// The part that all training programs share.
#include "catch.hpp"

#include <chrono>
#include <functional>
#include <iostream>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/losses.hpp"
#include "common/run.hpp"
#include "temporary_folder.hpp"

using rival_test::quoted;
using rival_test::read_bytes;
using rival_test::TemporaryFolder;

namespace {

/// What is written to standard error meanwhile.
class Errors {
 public:
  Errors() : before_(std::cerr.rdbuf(text_.rdbuf())) {}
  Errors(const Errors&) = delete;
  Errors& operator=(const Errors&) = delete;
  ~Errors() { std::cerr.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

rival::StepReport report(long step) {
  return {.step = step, .discriminator_loss = 0.5, .epoch = 1, .epochs = 1, .steps_in_all = 1000, .steps_done = step};
}

}  // namespace

TEST_CASE("run: an exception ends a run like anything else, with one line and all files") {
  struct Case {
    std::function<void()> fault;
    std::string said;
  };
  for (const Case& one :
       {Case{[] { throw std::bad_alloc(); }, "training stopped: not enough memory"},
        Case{[] { throw rival::Diverged("training stopped at step 3"); }, "training stopped at step 3"},
        Case{[] { throw std::runtime_error("something else"); }, "something else"}}) {
    const TemporaryFolder folder;
    const Errors errors;
    Run run("program", folder.path(), true);
    run.output("summary.txt", [&](const auto& path) { rival::replace_file(path, "ended" + run.state()); });
    run.output(
        "late.txt", [&](const auto& path) { rival::replace_file(path, "late"); }, Run::When::at_end);
    CHECK(run.train([&] {
      CHECK(run.state() == " (running)");
      CHECK(run.step(report(1)));
      one.fault();
    }) == 1);
    CHECK(errors.text() == "program: " + one.said + '\n');
    CHECK(read_bytes(folder / "summary.txt") == "ended (" + one.said + ')');
    CHECK(read_bytes(folder / "late.txt") == "late");
    CHECK(folder.count() == 2);
  }
}

TEST_CASE("run: a time limit ends a run with a checkpoint, and seconds before a break count") {
  const TemporaryFolder folder;
  rival::CheckpointExtras extras;
  const auto after = [](double seconds, long step) {
    rival::StepReport at = report(step);
    at.seconds = seconds;
    return at;
  };
  for (const long every : {100L, 0L}) {  // also where no checkpoints were asked for
    long saved = 0;
    Run run("program", folder.path(), true);
    run.limit(10);
    run.checkpoints(Checkpoints(folder.path(), {.every = every}), [&](const auto& path) {
      ++saved;
      run.put(extras);
      rival::replace_file(path, "");
    });
    CHECK(run.train([&] {
      CHECK(run.step(after(9.5, 1)));
      CHECK(saved == 0);
      CHECK(!run.step(after(10.5, 2)));
    }) == 0);
    CHECK(saved == 1);
    CHECK(run.state() == " (the time is over)");
  }
  Run again("program", folder.path(), true);
  again.limit(12);
  again.take(extras);
  CHECK(again.step(after(1, 3)));
  CHECK(!again.step(after(2, 4)));
  // The last step ends a run by itself.
  Run whole("program", folder / "whole", true);
  whole.limit(1);
  CHECK(whole.step(after(5, 1000)));
}

TEST_CASE("run: files are written after a second, then so seldom that it takes a hundredth of the time") {
  using Clock = std::chrono::steady_clock;
  const TemporaryFolder folder;
  std::vector<std::pair<Clock::time_point, Clock::time_point>> writes;
  Run run("program", folder.path(), true);
  run.output("slow.txt", [&](const auto&) {
    const auto begin = Clock::now();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    writes.emplace_back(begin, Clock::now());
  });
  const auto start = Clock::now();
  CHECK(run.train([&] {
    for (long step = 1; writes.size() < 3; ++step) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      run.step(report(step));
    }
  }) == 0);
  REQUIRE(writes.size() == 4);  // and once at the end
  CHECK(writes[0].first - start >= std::chrono::seconds(1));
  for (std::size_t i = 0; i + 2 < writes.size(); ++i) {
    const auto pause = writes[i + 1].first - writes[i].second;
    CHECK(pause >= std::chrono::seconds(1));
    CHECK(pause >= 99 * (writes[i].second - writes[i].first));
  }
}

TEST_CASE("run: what cannot be written is said once, and forgiven when it can be in the end") {
  const TemporaryFolder folder;
  const auto train = [&](const std::vector<std::string>& problems) {
    Run run("program", folder.path(), true);
    std::size_t next = 0;
    run.output("a.txt", [&](const auto&) {
      const std::string problem = problems[next++];
      if (!problem.empty()) rival::fail(problem);
    });
    return run.train([&] {
      for (long step = 1; next + 1 < problems.size(); ++step) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        run.step(report(step));
      }
    });
  };
  {
    const Errors errors;
    CHECK(train({"full", "full"}) == 1);
    CHECK(errors.text() == "program: full\n");
  }
  {
    const Errors errors;
    CHECK(train({"full", ""}) == 0);
    CHECK(errors.text() == "program: full\n");
  }
  const Errors errors;
  CHECK(train({"full", "broken"}) == 1);
  CHECK(errors.text() == "program: full\nprogram: broken\n");
}

TEST_CASE("run: an earlier run's files stay until this one writes, and go even where it cannot") {
  const TemporaryFolder folder;
  for (const std::string name : {"a.txt", "b.txt", "c.txt"}) folder.write(name, "earlier");
  const Errors errors;
  Run run("program", folder.path(), true);
  run.output("a.txt", [](const auto&) { rival::fail("no room"); });
  run.output("b.txt", {});
  run.output("c.txt", [](const auto& path) { rival::replace_file(path, "new"); });
  CHECK(folder.count() == 3);
  CHECK(run.train([&] { CHECK(read_bytes(folder / "b.txt") == "earlier"); }) == 1);
  CHECK(folder.count() == 1);
  CHECK(read_bytes(folder / "c.txt") == "new");
}

TEST_CASE("losses: rows are appended, and all are written where the file is not as it was left") {
  const TemporaryFolder folder;
  const auto path = folder / "losses.csv";
  Losses losses;
  const std::string head =
      "step,epoch,discriminator_loss,generator_loss,real_score,fake_score,accuracy,penalty,auxiliary_loss\n";
  const auto row = [](int step) { return std::to_string(step) + ",1,0.5,0,0,0,0,0,0\n"; };
  losses.write_csv(path);
  CHECK(read_bytes(path) == head);
  losses.add(report(1));
  losses.write_csv(path);
  CHECK(read_bytes(path) == head + row(1));
  // Another name of the file shows whether it is the same one that grows.
  std::filesystem::create_hard_link(path, folder / "same");
  losses.add(report(2));
  losses.add(report(3));
  losses.write_csv(path);
  losses.write_csv(path);
  CHECK(read_bytes(path) == head + row(1) + row(2) + row(3));
  CHECK(read_bytes(folder / "same") == read_bytes(path));
  std::filesystem::remove(path);
  losses.add(report(4));
  losses.write_csv(path);
  CHECK(read_bytes(path) == head + row(1) + row(2) + row(3) + row(4));
  folder.write("losses.csv", "somebody else's");
  losses.write_csv(path);
  CHECK(read_bytes(path) == head + row(1) + row(2) + row(3) + row(4));
}

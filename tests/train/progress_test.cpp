// What progress_bar() prints.
#include <unistd.h>
#include "catch.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <limits>
#include <vector>

#include "rival/train/progress.hpp"
#include "temporary_folder.hpp"

using namespace rival;

namespace {

/// What `print` writes to standard output.
template <class Print>
std::string printed(const Print& print) {
  const rival_test::TemporaryFolder folder;
  std::cout.flush();
  std::fflush(stdout);
  const int before = dup(STDOUT_FILENO);
  std::FILE* file = std::fopen((folder / "out").string().c_str(), "wb");
  REQUIRE(file != nullptr);
  dup2(fileno(file), STDOUT_FILENO);
  print();
  std::fflush(stdout);
  dup2(before, STDOUT_FILENO);
  close(before);
  std::fclose(file);
  return rival_test::read_bytes(folder / "out");
}

/// Twenty steps, of two epochs, that take `seconds` each.
std::vector<StepReport> reports(double seconds) {
  std::vector<StepReport> all;
  for (int i = 1; i <= 20; ++i)
    all.push_back({.step = 100 + i,
                   .discriminator_loss = 0.5,
                   .generator_loss = 1.25,
                   .epoch = (i + 9) / 10,
                   .epochs = 2,
                   .steps_in_all = 20,
                   .steps_done = i,
                   .seconds = i * seconds,
                   .images_per_second = 64 / seconds});
  return all;
}

}  // namespace

TEST_CASE("progress: times as on a clock") {
  using internal::clock_text;
  CHECK(clock_text(0) == "0:00");
  CHECK(clock_text(-3) == "0:00");
  CHECK(clock_text(9.4) == "0:09");
  CHECK(clock_text(59.6) == "1:00");
  CHECK(clock_text(83) == "1:23");
  CHECK(clock_text(3599) == "59:59");
  CHECK(clock_text(3599.6) == "1:00:00");
  CHECK(clock_text(3661) == "1:01:01");
  CHECK(clock_text(360000) == "100:00:00");
}

TEST_CASE("progress: plain lines, the first step's, one every few seconds, and the last step's") {
  const auto show = [](double seconds, double between) {
    return printed([&] {
      const auto progress = progress_bar({.bar = false, .line_seconds = between});
      for (const auto& report : reports(seconds)) progress(report);
    });
  };
  CHECK(show(0.01, 5) ==
        "epoch 1/2  step 1/20  6400 images/s  D 0.500  G 1.250  0:00 left\n"
        "epoch 2/2  step 20/20  6400 images/s  D 0.500  G 1.250  0:00 left\n");
  CHECK(show(2, 17) ==
        "epoch 1/2  step 1/20  32 images/s  D 0.500  G 1.250  0:38 left\n"
        "epoch 1/2  step 10/20  32 images/s  D 0.500  G 1.250  0:20 left\n"
        "epoch 2/2  step 19/20  32 images/s  D 0.500  G 1.250  0:02 left\n"
        "epoch 2/2  step 20/20  32 images/s  D 0.500  G 1.250  0:00 left\n");
}

TEST_CASE("progress: a fit that goes on from a checkpoint takes the time of its own steps") {
  CHECK(printed([&] {
          const auto progress = progress_bar({.bar = false, .line_seconds = 17});
          auto rest = reports(2);
          rest.erase(rest.begin(), rest.begin() + 9);
          for (auto& report : rest) report.seconds -= 18;
          for (const auto& report : rest) progress(report);
        }) ==
        "epoch 1/2  step 10/20  32 images/s  D 0.500  G 1.250  0:20 left\n"
        "epoch 2/2  step 19/20  32 images/s  D 0.500  G 1.250  0:02 left\n"
        "epoch 2/2  step 20/20  32 images/s  D 0.500  G 1.250  0:00 left\n");
}

TEST_CASE("progress: a fit that goes on in the same process is shown from its first step") {
  CHECK(printed([&] {
          const auto progress = progress_bar({.bar = false, .line_seconds = 17});
          auto all = reports(2);
          // The first fit is shown at its steps 1 and 18, and fails at step 19.
          for (std::size_t i = 0; i < 18; ++i) progress(all[i]);
          for (std::size_t i = 18; i < 20; ++i) {
            all[i].seconds -= 36;
            progress(all[i]);
          }
        }) ==
        "epoch 1/2  step 1/20  32 images/s  D 0.500  G 1.250  0:38 left\n"
        "epoch 1/2  step 10/20  32 images/s  D 0.500  G 1.250  0:20 left\n"
        "epoch 2/2  step 19/20  32 images/s  D 0.500  G 1.250  0:02 left\n"
        "epoch 2/2  step 20/20  32 images/s  D 0.500  G 1.250  0:00 left\n");
}

TEST_CASE("progress: a bar that redraws itself and ends its line") {
  const auto text = printed([] {
    const auto progress = progress_bar({.bar = true});
    for (const auto& report : reports(2)) progress(report);
  });
  CHECK(std::count(text.begin(), text.end(), '\r') == 20);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  CHECK(text.back() == '\n');
  CHECK(text.find("\repoch 1/2 [........") == 0);
  CHECK(text.find("\repoch 1/2 [########........] 10/20  32 images/s  D 0.500  G 1.250  0:20 left") !=
        std::string::npos);
  CHECK(text.find("\repoch 2/2 [################] 20/20  32 images/s  D 0.500  G 1.250  0:00 left") !=
        std::string::npos);

  const auto quick = printed([] {
    const auto progress = progress_bar({.bar = true});
    for (const auto& report : reports(0.001)) progress(report);
  });
  CHECK(std::count(quick.begin(), quick.end(), '\r') == 2);  // the first and the last
}

TEST_CASE("progress: a bar fits any window, and a narrow one loses what one misses least") {
  auto report = reports(2)[9];
  const auto bar = [&](int columns) { return internal::bar_text(report, "0:20", columns); };
  CHECK(bar(120) == "epoch 1/2 [########........] 10/20  32 images/s  D 0.500  G 1.250  0:20 left");
  CHECK(bar(79) == bar(120));
  CHECK(bar(70) == "epoch 1/2 [#####.....] 10/20  32 images/s  D 0.500  G 1.250  0:20 left");
  CHECK(bar(60) == "epoch 1/2 [######.......] 10/20  D 0.500  G 1.250  0:20 left");
  CHECK(bar(50) == "[######.......] 10/20  D 0.500  G 1.250  0:20 left");
  CHECK(bar(39) == "[########........] 10/20  0:20 left");
  CHECK(bar(20) == "10/20  0:20 left");
  CHECK(bar(5) == "10/20");
  CHECK(bar(3) == "10/");
  CHECK(bar(0).empty());
  CHECK(bar(-1).empty());
  // The numbers of a long run, and of one that goes wrong.
  report.steps_done = 1'234'567, report.steps_in_all = 9'876'543, report.images_per_second = 1e300;
  report.discriminator_loss = -1e300, report.generator_loss = std::numeric_limits<double>::quiet_NaN();
  for (int columns = 0; columns < 200; ++columns) CHECK(bar(columns).size() <= static_cast<std::size_t>(columns));
}

TEST_CASE("progress: a bar covers the one before it, and ends its line when training is left") {
  const auto text = printed([] {
    auto report = reports(2)[0];
    report.discriminator_loss = 12345;
    const auto progress = progress_bar({.bar = true});
    progress(report);
    progress(reports(2)[1]);  // is shorter
  });
  REQUIRE(std::count(text.begin(), text.end(), '\r') == 2);
  const auto second = text.rfind('\r');
  CHECK(text.size() == 2 * second + 1);  // as long as the first, and the end of the line
  CHECK(text.find('\n') == text.size() - 1);

  const auto stopped = printed([] {
    try {
      const auto progress = progress_bar({.bar = true});
      progress(reports(2)[0]);
      throw Diverged("training stopped");
    } catch (const Diverged&) {
    }
  });
  CHECK(stopped.back() == '\n');
}

TEST_CASE("progress: no bar into a file") {
  const auto text = printed([] { progress_bar()(reports(1)[0]); });
  CHECK(text == "epoch 1/2  step 1/20  64 images/s  D 0.500  G 1.250  0:19 left\n");
}

TEST_CASE("progress: a line stays a line however large its numbers") {
  auto report = reports(1)[0];
  report.discriminator_loss = 1e300;
  report.generator_loss = -1e300;
  const auto text = printed([&] { progress_bar({.bar = false})(report); });
  CHECK(text.back() == '\n');
  CHECK(text.size() < 120);
}

TEST_CASE("progress: a report that does not say how many steps there will be, or fewer than were made, is a bar too") {
  const StepReport alone{.step = 7};
  CHECK(internal::bar_text(alone, "0:00", 80).find("[................] 0/0") != std::string::npos);
  StepReport beyond{.step = 7};
  beyond.steps_in_all = 5, beyond.steps_done = 500;
  CHECK(internal::bar_text(beyond, "0:00", 80).find("[################] 500/5") != std::string::npos);
}

// report.html and event files, as training programs leave them.
#include "catch.hpp"

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "common/event_log.hpp"
#include "common/report.hpp"
#include "rival/image/png.hpp"
#include "run_program.hpp"
#include "small_digits.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using rival_test::Arguments;
using rival_test::content;
using rival_test::quick;
using rival_test::read_bytes;
using rival_test::SmallData;
using rival_test::TemporaryFolder;

namespace {

std::string page(const Report& report, const std::vector<rival::StepReport>& steps = {}) {
  const TemporaryFolder folder;
  const Run run("program", folder.path(), true);
  return report.begin("program", run, steps).html();
}

const std::vector<std::uint8_t> png = rival::encode_png({1, 1, 1, {7}});

}  // namespace

TEST_CASE("report: a warning that comes again is counted, and there is an end to them") {
  Report report;
  CHECK_THAT(page(report), ContainsSubstring("<h2>Warnings</h2><p class=\"note\">None.</p>"));
  report.warn(1200, "mode collapse", "samples are alike");
  CHECK_THAT(page(report), ContainsSubstring("step 1,200: <b>mode collapse</b> samples are alike</li>"));
  for (const long step : {1300, 1400}) report.warn(step, "mode collapse", "samples are alike");
  CHECK_THAT(page(report), ContainsSubstring("samples are alike (3 times, last at step 1,400)</li>"));
  for (long step = 0; step < 10000; ++step) report.warn(step, "other", std::to_string(step));
  CHECK(page(report).size() < 200'000);
}

TEST_CASE("report: a checkpoint holds warnings and pictures") {
  Report report;
  report.warn(3, "a \"name\"", "text \xff");
  report.warn(4, "b", "");
  report.warn(5, "b", "");
  for (long step = 0; step < 200; ++step) report.frame(step, png);
  rival::CheckpointExtras extras;
  report.put(extras);
  Report again;
  again.warn(1, "gone", "");
  again.take(extras);
  CHECK(page(again) == page(report));
  for (long step = 200; step < 300; ++step) report.frame(step, png), again.frame(step, png);
  CHECK(page(again) == page(report));
  Report empty, none;
  rival::CheckpointExtras nothing;
  empty.put(nothing);
  none.take(nothing);
  CHECK(page(none) == page(empty));
}

TEST_CASE("report: curves are those of the steps, without penalties where there are none") {
  std::vector<rival::StepReport> steps(3);
  for (std::size_t i = 0; i < 3; ++i) {
    steps[i].step = 11 + static_cast<long>(i);
    steps[i].generator_loss = 0.5 + static_cast<double>(i);
  }
  const std::string without = page({}, steps);
  CHECK_THAT(without, ContainsSubstring(R"({"name":"generator","x":[11,12,13],"y":[0.5,1.5,2.5]})"));
  CHECK_THAT(without, !ContainsSubstring("Gradient penalty") && !ContainsSubstring("Auxiliary loss"));
  steps[1].penalty = 2;
  CHECK_THAT(page({}, steps), ContainsSubstring("<h2>Gradient penalty</h2>"));
}

TEST_CASE("report: --tensorboard writes event files; a resumed run begins another; without it none is left") {
  const SmallData data;
  const TemporaryFolder out;
  const auto folder = out / "tensorboard";
  const auto begun = [&](const Arguments& more) {
    const auto result = rival_test::run(RIVAL_MNIST_GAN_BINARY, quick(data.path(), out.path(), more));
    INFO(result.err);
    CHECK(result.code == 0);
    return result;
  };
  const auto result = begun({"--tensorboard", "--checkpoint-every", "2"});
  CHECK_THAT(result.out, ContainsSubstring("wrote " + folder.string() + "\n"));
  auto files = content(folder);
  REQUIRE(files.size() == 1);
  const std::string events = files.begin()->second;
  for (const std::string tag : {"loss/discriminator", "loss/generator", "score/real", "accuracy", "images_per_second",
                                "samples", "G.dense1.weight", "D.dense1.weight"})
    CHECK_THAT(events, ContainsSubstring(tag));

  const auto rest = rival_test::run(RIVAL_MNIST_GAN_BINARY, {"--resume", "--out", out.path().string()});
  CHECK(rest.code == 0);
  files = content(folder);
  REQUIRE(files.size() == 2);
  CHECK(std::count_if(files.begin(), files.end(), [&](const auto& file) { return file.second == events; }) == 1);

  begun({"--tensorboard"});
  CHECK(content(folder).size() == 1);  // those of the earlier run are gone
  begun({"--quiet"});
  CHECK(!std::filesystem::exists(folder));
}

// Runs the example as a user does.
#include <cmath>
#include <map>
#include <sstream>
#include <string>
#include <vector>
#include "catch.hpp"

#include "run_program.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using rival_test::Arguments;
using rival_test::content;
using rival_test::lines;
using rival_test::quoted;
using rival_test::TemporaryFolder;

namespace {

rival_test::Run run(const Arguments& arguments) { return rival_test::run(RIVAL_TOY_2D_BINARY, arguments); }

const std::vector<std::string> promised{"generator.safetensors", "losses.csv",  "progress.gif", "report.html",
                                        "samples.csv",           "samples.png", "summary.txt"};

/// The files of a short training, made to hold what they should.
std::map<std::string, std::string> train(Arguments arguments, double reach) {
  const TemporaryFolder folder;
  const auto out = folder / "new/folder";
  arguments.insert(arguments.end(), {"--out", out.string()});
  const auto result = run(arguments);
  CHECK(result.err.empty());
  REQUIRE(result.code == 0);
  auto files = content(out);
  CHECK(files.size() == promised.size());
  for (const auto& name : promised) {
    INFO(name);
    REQUIRE(files.count(name) == 1);
    CHECK((result.out.empty() || result.out.find("wrote " + (out / name).string() + "\n") != std::string::npos));
  }
  CHECK(files["samples.png"].substr(0, 8) == "\x89PNG\r\n\x1a\n");
  CHECK(files["progress.gif"].substr(0, 6) == "GIF89a");
  CHECK(files["progress.gif"].back() == ';');
  CHECK_THAT(files["report.html"], ContainsSubstring("<h2>Samples of each mode</h2>") &&
                                       ContainsSubstring("<h2>Generator</h2>") && !ContainsSubstring("(running)"));

  const auto rows = lines(files["samples.csv"]);
  REQUIRE(rows.size() == 2501);
  CHECK(rows[0] == "x,y");
  double largest = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::istringstream row(rows[i]);
    double x = 0, y = 0;
    char comma = 0;
    REQUIRE((row >> x >> comma >> y && comma == ',' && row.peek() == EOF));
    largest = std::max({largest, std::abs(x), std::abs(y)});
  }
  CHECK(largest > 0.05 * reach);
  CHECK(largest < 20 * reach);
  return files;
}

}  // namespace

TEST_CASE("toy_2d: every recipe runs on both problems and writes all that is promised") {
  for (const std::string recipe : {"gan", "nsgan-r1r2", "nsgan-r1r2-fast", "rpgan-r1r2", "rpgan-r1r2-fast", "wgan-gp"})
    for (const std::string problem : {"ring", "grid"}) {
      INFO(recipe << " " << problem);
      auto files = train({"--problem", problem, "--recipe", recipe, "--steps", "5"}, problem == "ring" ? 1 : 4);
      const std::string& summary = files["summary.txt"];
      CHECK(summary.find("problem " + problem + ", recipe " + recipe + ", seed 1, steps 5, ") == 0);
      CHECK_THAT(summary, ContainsSubstring(problem == "ring" ? " of 8\n" : " of 25\n") &&
                              ContainsSubstring("\nmodes covered: ") && ContainsSubstring("\nhigh quality: ") &&
                              ContainsSubstring(" % of 2500 samples\n") &&
                              ContainsSubstring("\nKL(generated || real): "));
    }
}

TEST_CASE("toy_2d: a short training already finds most of the ring") {
  auto files = train({"--problem", "ring", "--steps", "300", "--quiet"}, 1);
  const auto at = files["summary.txt"].find("modes covered: ");
  REQUIRE(at != std::string::npos);
  CHECK(std::stoi(files["summary.txt"].substr(at + 15)) >= 6);
}

TEST_CASE("toy_2d: the same seed gives the same files on any number of threads") {
  const auto made = [](const std::string& seed, const std::string& threads) {
    auto files = train({"--problem", "grid", "--steps", "12", "--seed", seed, "--threads", threads, "--quiet"}, 4);
    files.erase("summary.txt");  // it tells the time
    files["report.html"] = rival_test::lasting(files["report.html"]);
    return files;
  };
  const auto files = made("5", "1");
  CHECK((files == made("5", "2")));
  CHECK(files.at("samples.csv") != made("6", "1").at("samples.csv"));
}

TEST_CASE("toy_2d: --quiet prints nothing, --help lists the options and the recipes") {
  const TemporaryFolder out;
  const auto quiet = run({"--steps", "2", "--quiet", "--out", out.path().string()});
  CHECK(quiet.code == 0);
  CHECK(quiet.out.empty());
  CHECK(quiet.err.empty());
  const auto help = run({"--help"});
  CHECK(help.code == 0);
  for (const std::string word :
       {"--problem", "--recipe", "--seed", "--out", "--steps", "--threads", "--quiet", "rpgan-r1r2", "wgan-gp"}) {
    INFO(word);
    CHECK(help.out.find(word) != std::string::npos);
  }
}

TEST_CASE("toy_2d: refuses a bad command line and leaves an earlier run's files as they were") {
  const TemporaryFolder out;
  for (const auto& name : promised) out.write(name, "earlier " + name);
  const auto before = content(out.path());
  const auto refuse = [&](Arguments arguments, const std::string& expected) {
    arguments.insert(arguments.end(), {"--out", out.path().string()});
    const auto result = run(arguments);
    INFO(result.err);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    REQUIRE(lines(result.err).size() == 1);
    CHECK(result.err.find("toy_2d: ") == 0);
    CHECK_THAT(result.err, ContainsSubstring(expected));
    CHECK((content(out.path()) == before));
  };
  refuse({"--problem", "line"}, "--problem: expected ring or grid, got line");
  refuse({"--recipe", "best"},
         "--recipe: expected one of gan, nsgan-r1r2, nsgan-r1r2-fast, rpgan-r1r2, rpgan-r1r2-fast, wgan-gp, got best");
  refuse({"--steps", "0"}, "--steps: expected at least 1, got 0");
  refuse({"--steps", "many"}, "--steps: expected a whole number, got many");
  refuse({"--threads", "0"}, "--threads: expected at least 1, got 0");
  refuse({"--seed", "-1"}, "--seed: expected a whole number >= 0, got -1");
  refuse({"--colour"}, "--colour");
  refuse({"ring"}, "ring");
}

TEST_CASE("toy_2d: refuses a folder that cannot be written") {
  const TemporaryFolder folder;
  folder.write("file", "earlier");
  for (const std::string name : {"file", "file/below"}) {
    const auto result = run({"--steps", "2", "--out", (folder / name).string()});
    CHECK(result.code == 2);
    CHECK(lines(result.err).size() == 1);
    CHECK_THAT(result.err,
               ContainsSubstring("--out: expected a folder that can be made, got " + quoted(folder / name)));
    CHECK((content(folder.path()) == std::map<std::string, std::string>{{"file", "earlier"}}));
  }
}

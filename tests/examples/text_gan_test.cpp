// Runs text_gan as a user does.
#include "catch.hpp"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "rival/core/file.hpp"
#include "rival/io/sampler.hpp"
#include "run_program.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using rival_test::Arguments;
using rival_test::content;
using rival_test::lines;
using rival_test::TemporaryFolder;

namespace {

/// 120 words of a to e and of 2 to 8 letters, and what is no word.
struct Words : TemporaryFolder {
  Words() {
    std::string text = "\nab-c\nabcdeabcdeabcde\n";
    for (int i = 0; i < 120; ++i) {
      for (int k = 0, code = 1000 + i * 97; k < 2 + i % 7; ++k, code /= 5) text += static_cast<char>('a' + code % 5);
      text += '\n';
    }
    rival::replace_file(path(), text);
  }
  std::filesystem::path path() const { return *this / "words.txt"; }
};

rival_test::Run run(const Arguments& arguments) { return rival_test::run(RIVAL_TEXT_GAN_BINARY, arguments); }

/// A quick run. An option of `more` takes the place of the one here.
Arguments quick(const Words& words, const std::string& out, const Arguments& more = {}) {
  Arguments all{words.path().string(), "--out", (words / out).string()};
  all.insert(all.end(), more.begin(), more.end());
  const auto add = [&](const std::string& option, const std::string& value) {
    if (std::find(more.begin(), more.end(), option) == more.end()) all.insert(all.end(), {option, value});
  };
  add("--length", "8"), add("--alphabet", "abcde"), add("--width", "4"), add("--batch", "8");
  if (std::find(more.begin(), more.end(), "--minutes") == more.end()) add("--steps", "4");
  return all;
}

}  // namespace

TEST_CASE("text_gan: says what it made of the text, and leaves lines, figures, a report and a generator") {
  const Words words;
  const auto result = run(quick(words, "out", {"--samples", "5", "--evaluate-every", "2"}));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());
  CHECK_THAT(result.out, ContainsSubstring("120 lines of at most 8 characters, an alphabet of 5: abcde\n"
                                           "1 line was left out: too long\n"
                                           "1 line was left out: of other characters, such as '-'\n"
                                           "1 line was left out: empty\n"));
  auto files = content(words / "out");
  const std::set<std::string> expected{"generated.txt", "generator.safetensors", "losses.csv",  "losses.svg",
                                       "progress.txt",  "report.html",           "samples.txt", "summary.txt"};
  std::set<std::string> names;
  for (const auto& [name, bytes] : files) names.insert(name);
  CHECK(names == expected);
  CHECK(lines(files["samples.txt"]).size() == 64);
  CHECK(lines(files["generated.txt"]).size() == 5);
  CHECK(files["samples.txt"].find_first_not_of("abcde_\n") == std::string::npos);
  CHECK(lines(files["progress.txt"]).size() == 3);  // before the first step, after two and after four
  CHECK_THAT(files["summary.txt"], ContainsSubstring("100 lines and 20 held out, recipe rpgan, batch 8") &&
                                       ContainsSubstring("steps 4 of 4") && ContainsSubstring("of 20 lines each") &&
                                       ContainsSubstring("held-out lines") &&
                                       ContainsSubstring("Markov chain of order 4") &&
                                       ContainsSubstring("generator, step 4") && ContainsSubstring("G.softmax1"));
  CHECK_THAT(files["report.html"],
             ContainsSubstring("Lines of the same latent vectors") && ContainsSubstring("Markov chain of order 2"));
  const auto losses = lines(files["losses.csv"]);
  REQUIRE(losses.size() == 5);
  CHECK_THAT(losses[0], ContainsSubstring(",js1,js2,js3,js4,js6,single,new,distinct,held_out"));
  const auto columns = [](const std::string& row) { return std::count(row.begin(), row.end(), ','); };
  CHECK(columns(losses[4]) == columns(losses[0]));
  CHECK(losses[3].ends_with(",,,,,,,,,"));
  CHECK(!losses[4].ends_with(","));
  const auto sampler = rival::load_sampler(words / "out" / "generator.safetensors");
  CHECK(sampler.sampling().alphabet == "abcde");
  CHECK(sampler.generator().output_shape() == rival::Shape({8, 6}));
}

TEST_CASE("text_gan: real lines and Markov chains have figures that can be checked by hand") {
  const Words words;
  REQUIRE(run(quick(words, "out", {"--steps", "1"})).code == 0);
  const std::string summary = content(words / "out")["summary.txt"];
  std::smatch row;
  // Held-out lines are lines, new ones, and all of them were held out.
  REQUIRE(std::regex_search(summary, row, std::regex("held-out lines +(.*)")));
  CHECK_THAT(row[1].str(), ContainsSubstring("1.0000"));
  // A chain's lines never go on behind padding.
  for (const char* order : {"1", "2", "3", "4"}) {
    REQUIRE(std::regex_search(
        summary, row, std::regex("Markov chain of order " + std::string(order) + "((?: +[0-9.]+){5}) +([0-9.]+)")));
    CHECK(row[2] == "1.0000");
  }
}

TEST_CASE("text_gan: a folder's texts are classes, and minutes become steps") {
  const Words words;
  std::filesystem::create_directory(words / "kinds");
  std::string text = rival_test::read_bytes(words.path());
  rival::replace_file(words / "kinds" / "first.txt", text);
  std::replace(text.begin(), text.end(), 'a', 'c');
  rival::replace_file(words / "kinds" / "second.txt", text);
  for (const std::string recipe : {"rpgan", "wgan-gp"}) {
    Arguments arguments = quick(words, recipe, {"--recipe", recipe, "--minutes", "0.01", "--label", "second"});
    arguments[0] = (words / "kinds").string();
    const auto result = run(arguments);
    INFO(result.err);
    REQUIRE(result.code == 0);
    CHECK_THAT(result.out, ContainsSubstring("2 classes from files: first (120), second (120)") &&
                               ContainsSubstring("steps, as many as fit into 0.01 minutes here"));
    const auto sampler = rival::load_sampler(words / recipe / "generator.safetensors");
    CHECK(sampler.classes() == 2);
    CHECK(sampler.class_name(1) == "second");
  }
}

TEST_CASE("text_gan: goes on after a break to the files of an unbroken run") {
  const Words words;
  REQUIRE(run(quick(words, "whole", {"--steps", "6", "--threads", "1", "--evaluate-every", "2"})).code == 0);
  REQUIRE(
      run(quick(words, "broken", {"--steps", "6", "--evaluate-every", "2", "--checkpoint-every", "3", "--keep", "2"}))
          .code == 0);
  std::filesystem::remove(words / "broken" / "checkpoint-000006.safetensors");
  const auto rest = run({"--out", (words / "broken").string(), "--resume"});
  CHECK(rest.err.empty());
  CHECK(rest.code == 0);
  for (const char* name : {"generator.safetensors", "samples.txt", "progress.txt", "losses.csv"}) {
    INFO(name);
    CHECK(content(words / "broken")[name] == content(words / "whole")[name]);
  }
}

TEST_CASE("text_gan: refuses what it cannot run, in one line") {
  const Words words;
  const auto refuse = [&](Arguments arguments, const std::string& expected) {
    arguments.insert(arguments.end(), {"--out", (words / "none").string()});
    const auto result = run(arguments);
    CHECK(result.code == 2);
    CHECK(lines(result.err).size() == 1);
    CHECK_THAT(result.err, ContainsSubstring("text_gan: ") && ContainsSubstring(expected));
    CHECK(!std::filesystem::exists(words / "none"));
  };
  const std::string text = words.path().string();
  refuse({}, "expected a text, or a folder of texts");
  refuse({(words / "missing").string()}, "missing\": no such file");
  refuse({text, "--length", "5"}, "--length: expected 6 to 1024, got 5");
  refuse({text, "--recipe", "none"}, "--recipe: expected rpgan or wgan-gp, got none");
  refuse({text, "--minutes", "1", "--steps", "3"}, "--minutes: expected no --steps beside it");
  refuse({text, "--batch", "500", "--steps", "1"}, "--batch: expected at most ");
  refuse({text, "--held-out", "500", "--steps", "1"}, "--held-out: expected 1 to ");
  refuse({text, "--label", "0", "--steps", "1"}, "--label: expected a folder of texts");
  refuse({text, "--alphabet", "xyz", "--steps", "1"}, "text: expected lines of the alphabet xyz in ");
  rival::replace_file(words / "short.txt", std::string("ab\ncd\nef\ngh\nij\nkl\nmn\n"));
  refuse({(words / "short.txt").string(), "--steps", "1"}, "expected lines of at least 6 characters, or --length 6");
  rival::replace_file(words / "few.txt", std::string("mountain\nvalley\n"));
  refuse({(words / "few.txt").string()}, "few.txt\", of which one is held out, got 2");
}

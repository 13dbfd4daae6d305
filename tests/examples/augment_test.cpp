// Runs augment as a user does.
#include "catch.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "rival/data/idx.hpp"
#include "rival/data/mnist.hpp"
#include "rival/io/network_file.hpp"
#include "rival/train/evaluate.hpp"
#include "run_program.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using rival_test::Arguments;
using rival_test::content;
using rival_test::lines;
using rival_test::TemporaryFolder;

namespace {
rival_test::Run run(const Arguments& arguments) { return rival_test::run(RIVAL_AUGMENT_BINARY, arguments); }

/// Pictures of 28x28 of three classes, by where they are bright: 60 of each to train, 8 to test.
struct SmallSet : TemporaryFolder {
  SmallSet() {
    write("train", 180);
    write("t10k", 24);
  }
  void write(const std::string& part, rival::Index count) const {
    std::vector<std::uint8_t> pixels, labels;
    for (rival::Index n = 0; n < count; ++n) {
      labels.push_back(static_cast<std::uint8_t>(n % 3));
      for (rival::Index i = 0; i < 784; ++i)
        pixels.push_back(static_cast<std::uint8_t>((i / 262 == n % 3 ? 200 : 20) + (n * 13 + i * 7) % 50));
    }
    rival::write_idx(*this / (part + "-images-idx3-ubyte"), {count, 28, 28}, pixels.data());
    rival::write_idx(*this / (part + "-labels-idx1-ubyte"), {count}, labels.data());
  }
};

Arguments quick(const SmallSet& set, const std::string& out, const Arguments& more = {}) {
  Arguments all{"--data", set.path().string(), "--out", (set / out).string()};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}
Arguments few_steps(const SmallSet& set, const std::string& out, const Arguments& more = {}) {
  Arguments all = quick(set, out, {"--labels", "4", "--batch", "10", "--steps", "6", "--evaluate-every", "3"});
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("augment: says its error beside that of the labelled pictures alone, and leaves a classifier") {
  const SmallSet set;
  const auto result = run(few_steps(set, "out"));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());
  CHECK_THAT(result.out, ContainsSubstring("test error ") && ContainsSubstring("on the labelled pictures alone 0 %"));
  auto files = content(set / "out");
  const std::set<std::string> expected{"classifier.safetensors",
                                       "generator.safetensors",
                                       "losses.csv",
                                       "losses.svg",
                                       "report.html",
                                       "samples.png",
                                       "summary.txt"};
  std::set<std::string> names;
  for (const auto& [name, bytes] : files) names.insert(name);
  CHECK(names == expected);
  CHECK_THAT(files["summary.txt"], ContainsSubstring("4 labelled pictures of each of 3 classes, 180 without labels") &&
                                       ContainsSubstring("steps 6 of 6") && ContainsSubstring("(24 test pictures)"));
  CHECK_THAT(files["report.html"], ContainsSubstring("Test error in %") && ContainsSubstring("with the GAN, step 3"));
  const auto rows = lines(files["losses.csv"]);
  REQUIRE(rows.size() == 7);
  CHECK(rows[0].ends_with(",test_error"));
  CHECK(rows[2].ends_with(","));
  CHECK(!rows[3].ends_with(","));
  const auto classifier = rival::load_classifier(set / "out" / "classifier.safetensors");
  CHECK(classifier.classes() == 3);
  CHECK(classifier.input_shape() == rival::Shape{28, 28, 1});
  // It takes pictures as everything else here does, though it was trained on other numbers.
  const double error = rival::evaluate(classifier, rival::Mnist(set.path()).test()).error();
  CHECK_THAT(files["summary.txt"], ContainsSubstring(rival::internal::concatenate("test error ", 100 * error, " %")));
}

TEST_CASE("augment: goes on after a break to the files of an unbroken run") {
  const SmallSet set;
  REQUIRE(run(few_steps(set, "whole", {"--threads", "1"})).code == 0);
  REQUIRE(run(few_steps(set, "broken", {"--checkpoint-every", "3", "--keep", "2"})).code == 0);
  std::filesystem::remove(set / "broken" / "checkpoint-000006.safetensors");
  const auto rest = run({"--out", (set / "broken").string(), "--resume"});
  CHECK(rest.err.empty());
  CHECK(rest.code == 0);
  for (const char* name : {"classifier.safetensors", "generator.safetensors", "losses.csv", "samples.png"}) {
    INFO(name);
    CHECK(content(set / "broken")[name] == content(set / "whole")[name]);
  }
}

TEST_CASE("augment: the table's cells are kept, and a new run makes what is missing") {
  const SmallSet set;
  const Arguments arguments =
      quick(set, "out", {"--table", "--draws", "1", "--classifier-steps", "2", "--gan-steps", "1", "--width", "1"});
  const auto first = run(arguments);
  INFO(first.err);
  REQUIRE(first.code == 0);
  CHECK_THAT(first.out,
             ContainsSubstring("| 10 labels a class | ") && ContainsSubstring("| one class cut to 1 %: that class | "));
  const auto cells = [&] { return content(set / "out" / "cells"); };
  const auto all = cells();
  CHECK(all.size() == 1 + 4 * (5 + 1));  // the options, and for each setting five cells and a GAN
  std::filesystem::remove(set / "out" / "cells" / "20-both-1");
  std::filesystem::remove(set / "out" / "cells" / "cut-gan-1.safetensors");
  const auto second = run(arguments);
  CHECK(second.code == 0);
  CHECK(cells().at("20-both-1") == all.at("20-both-1"));
  CHECK(cells().size() == all.size() - 1);  // no cell asks for the GAN
  CHECK(rival_test::read_bytes(set / "out" / "table.md") == second.out.substr(second.out.find("Test error")));

  Arguments others = arguments;
  *(std::find(others.begin(), others.end(), "--width") + 1) = "2";
  const auto refused = run(others);
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, ContainsSubstring("--out: expected cells of classifiers of 2 steps and width 2"));
}

TEST_CASE("augment: refuses what it cannot run, in one line") {
  const SmallSet set;
  const auto refuse = [&](const Arguments& arguments, const std::string& expected) {
    const auto result = run(quick(set, "none", arguments));
    CHECK(result.code == 2);
    CHECK(lines(result.err).size() == 1);
    CHECK_THAT(result.err, ContainsSubstring("augment: ") && ContainsSubstring(expected));
    CHECK(!std::filesystem::exists(set / "none"));
  };
  refuse({"--labels", "0"}, "--labels: expected at least 1, got 0");
  refuse({"--labels", "61", "--steps", "1"}, "--labels: expected at most as many as each class has pictures, got 61");
  refuse({"--batch", "200", "--steps", "1"}, "--batch: expected at most the 180 training pictures, got 200");
  refuse({"--minutes", "1", "--steps", "3"}, "--minutes: expected no --steps beside it");
  refuse({"--table", "--labels", "3"}, "--labels: expected no --table beside it");
  refuse({"--draws", "2"}, "--table");
}

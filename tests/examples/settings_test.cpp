// The options of a run in its checkpoints.
#include "catch.hpp"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

#include "common/settings.hpp"

namespace {

struct Options {
  bool flip = false;
  int least = 0;
  long steps = 7;
  std::uint64_t seed = 1;
  double rate = 0.1;
  std::string recipe = "gan";
  std::filesystem::path data = {}, images = {};

  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    fixed("--flip", o.flip);
    fixed("--least", o.least);
    fixed("--seed", o.seed);
    fixed("--rate", o.rate);
    fixed("--recipe", o.recipe);
    free("--steps", o.steps);
    free("--data", o.data);
    free("--images", o.images);
  }
};

rival::CheckpointExtras checkpoint_of(const Options& options) {
  rival::CheckpointExtras extras;
  put_settings(extras, options);
  return extras;
}

Options taken(const rival::CheckpointExtras& extras, const GivenOptions& given, Options options = {}) {
  Settings settings(options);
  take_settings(extras, given, settings);
  settings.give(options);
  return options;
}

std::string text(const Options& options) { return checkpoint_of(options).texts.at("settings"); }

const Options some{.flip = true,
                   .least = -3,
                   .steps = 8,
                   .seed = std::numeric_limits<std::uint64_t>::max(),
                   .rate = 1.0 / 3,
                   .recipe = "r3gan",
                   .data = "/pictures"};

}  // namespace

TEST_CASE("settings: a checkpoint holds every option, in the order of the list") {
  CHECK(text(some) == R"({"--flip":true,"--least":-3,"--seed":18446744073709551615,"--rate":0.3333333333333333,)"
                      R"("--recipe":"r3gan","--steps":8,"--data":"/pictures","--images":""})");
  CHECK(text(taken(checkpoint_of(some), {})) == text(some));
}

TEST_CASE("settings: a path becomes absolute, and people see texts without quotes") {
  CHECK(text_of(std::filesystem::path("a")) == std::filesystem::absolute("a").string());
  CHECK(text_of(std::filesystem::path()) == "");
  CHECK(text_of(std::string("a \"b\"")) == "a \"b\"");
  CHECK(text_of(0.5) == "0.5");
  CHECK(text_of(false) == "false");
}

TEST_CASE("settings: what is given stays if it may change, and must be the same if it is fixed") {
  CHECK(taken(checkpoint_of(some), {"--steps"}, {.steps = 9}).steps == 9);
  CHECK(taken(checkpoint_of(some), {"--recipe"}, {.recipe = "r3gan"}).recipe == "r3gan");
  CHECK_THROWS_WITH(taken(checkpoint_of(some), {"--recipe", "--rate"}, {.rate = 0.5, .recipe = "gan"}),
                    "--resume: expected the options of the run that is to go on, or none:"
                    "\n  --rate: the checkpoint has 0.3333333333333333, got 0.5"
                    "\n  --recipe: the checkpoint has \"r3gan\", got \"gan\"");
}

TEST_CASE("settings: who gives one path gives all") {
  const Options now = taken(checkpoint_of(some), {"--images"}, {.images = "/other"});
  CHECK(now.data.empty());
  CHECK(now.images == "/other");
}

TEST_CASE("settings: a checkpoint of another program is refused") {
  const std::string refused =
      "--resume: expected a checkpoint of this program, got one of another, or of another version";
  rival::CheckpointExtras extras;
  CHECK_THROWS_WITH(taken(extras, {}), refused);
  // Of an option that was a number, and is a text now, and the other way.
  std::string types[] = {text(some), text(some)};
  types[0].replace(types[0].find("true"), 4, "1");
  types[1].replace(types[1].find(R"("r3gan")"), 7, "-1");
  for (const std::string& other :
       {std::string(), std::string("[]"), std::string("{"), std::string(R"({"--flip":true})"), types[0], types[1]}) {
    extras.texts["settings"] = other;
    CHECK_THROWS_WITH(taken(extras, {}), refused);
  }
}

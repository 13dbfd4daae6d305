#include "../../web/module/playground.hpp"

#include <cmath>
#include <string>

#include "catch.hpp"

namespace {

using rival::Index;

std::string complaint(const std::string& settings) {
  try {
    web::settings_from_json(settings);
  } catch (const rival::Error& error) {
    return error.what();
  }
  return "";
}

rival::GaussianMixture ring() { return rival::GaussianMixture::ring({.sigma = 0.04}); }

}  // namespace

TEST_CASE("Settings are those that the page has named, and in range") {
  const auto s = web::settings_from_json(R"({"loss": "hinge", "batch": 32, "r1": 0, "average": false, "seed": 7})");
  CHECK(s.loss == "hinge");
  CHECK(s.batch == 32);
  CHECK(s.r1 == 0);
  CHECK_FALSE(s.average);
  CHECK(s.seed == 7);
  CHECK(s.r2 == web::Settings().r2);

  CHECK(complaint(R"({"los": "hinge"})") == "settings: los: it is no setting");
  CHECK(complaint(R"({"batch": 0})") == "batch: expected 1 to 1024, got 0");
  CHECK(complaint(R"({"r1": -1})") == "r1: expected 0 to 100, got -1");
  CHECK(complaint(R"({"batch": 1.5})") == "settings: batch: expected a whole number, got number");
  CHECK(complaint(R"({"loss": "none"})") ==
        "loss: expected hinge, least-squares, minimax, non-saturating, relativistic or wasserstein, got none");
}

TEST_CASE("A playground trains, and finds all modes of a ring") {
  web::Playground playground(web::Settings(), ring());
  CHECK(playground.progress().step == 0);
  for (int i = 0; i < 1500; ++i) playground.step();
  const auto now = playground.progress();
  CHECK(now.step == 1500);
  CHECK(now.modes == 8);
  CHECK(now.covered == 8);
  CHECK(now.quality > 0.6);
  CHECK(now.discriminator_loss > 0.3);
}

TEST_CASE("Changed settings go on with the same networks") {
  web::Playground playground(web::Settings(), ring());
  for (int i = 0; i < 20; ++i) playground.step();
  const auto field = playground.field(8, 1.4F);

  SECTION("another loss") {
    playground.change({.loss = "non-saturating", .r2 = 0});
    // The samples are those of the generator itself as long as the new average has seen no step; the scores stay.
    const auto now = playground.field(8, 1.4F);
    const float shift = now[0] - field[0];
    for (Index i = 0; i < field.size(); ++i) CHECK(std::abs(now[i] - shift - field[i]) < 1e-5);
    playground.step();
    CHECK(playground.progress().step == 21);
  }
  SECTION("rates of 0 leave the weights as they are") {
    playground.change({.generator_rate = 0, .discriminator_rate = 0});
    for (int i = 0; i < 3; ++i) playground.step();
    const auto now = playground.field(8, 1.4F);
    const float shift = now[0] - field[0];
    for (Index i = 0; i < field.size(); ++i) CHECK(std::abs(now[i] - shift - field[i]) < 1e-5);
  }
  SECTION("another width does not") {
    CHECK_THROWS_WITH(playground.change({.width = 32}),
                      "playground: width and seed are those of the networks; make a new one");
  }
}

TEST_CASE("Arrows are the gradient of the field") {
  web::Playground playground({.average = false}, ring());
  for (int i = 0; i < 50; ++i) playground.step();
  constexpr Index side = 560;
  constexpr float reach = 1.4F, spacing = 2 * reach / side;
  const auto field = playground.field(side, reach);
  const auto samples = playground.samples();
  const auto arrows = playground.arrows(200);
  const auto square = [&](float value) { return static_cast<Index>(std::floor((value + reach) / spacing)); };
  const auto at = [&](Index row, Index column) { return static_cast<double>(field[row * side + column]); };
  // Scores are piecewise linear: differences are the gradient itself but for the few samples beside a bend, which is
  // why all are compared together. A wrong sign, axis or order of rows would leave nothing of the correlation.
  double product = 0, of_arrows = 0, of_differences = 0;
  int compared = 0;
  for (Index n = 0; n < 200; ++n) {
    const Index column = square(samples(n, 0)), row = square(samples(n, 1));
    if (column < 1 || row < 1 || column >= side - 1 || row >= side - 1) continue;
    ++compared;
    const double difference[] = {(at(row, column + 1) - at(row, column - 1)) / (2 * spacing),
                                 (at(row + 1, column) - at(row - 1, column)) / (2 * spacing)};
    for (Index axis = 0; axis < 2; ++axis) {
      const double arrow = static_cast<double>(arrows(n, axis));
      product += arrow * difference[axis];
      of_arrows += arrow * arrow;
      of_differences += difference[axis] * difference[axis];
    }
  }
  CHECK(compared > 50);
  CHECK(product / std::sqrt(of_arrows * of_differences) > 0.99);
  CHECK(std::sqrt(of_arrows / of_differences) == Approx(1).epsilon(0.02));
}

TEST_CASE("Data may be changed, but not to nothing") {
  web::Playground playground(web::Settings(), ring());
  CHECK_THROWS_WITH(playground.set_data({{}, 1}), "playground: expected at least one point of data, got none");
  CHECK_THROWS_WITH(playground.set_data({{{0, 0}}, 0}), "playground: expected a positive sigma, got 0");
  playground.set_data({{{0.5, 0}}, 0.01});
  const auto points = playground.data(50);
  for (Index i = 0; i < 50; ++i) CHECK(std::abs(points(i, 0) - 0.5F) < 0.06F);
  playground.step();
  CHECK(playground.progress().modes == 1);
}

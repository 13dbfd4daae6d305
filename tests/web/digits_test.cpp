#include "../../web/module/digits.hpp"

#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rival/gan/architectures.hpp"

namespace {

using rival::Index;

std::string committed_file() {
  std::ifstream file(RIVAL_FIXTURES_DIR "/../../web/digits/generator.safetensors", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("The committed generator is one of ten digits, and a mix of one class is that class") {
  web::Digits digits(committed_file());
  CHECK(digits.classes() == 10);
  CHECK(digits.shape() == rival::Shape{28, 28, 1});
  const auto latent = digits.draw(5);
  for (const rival::Label k : std::vector<rival::Label>{0, 3, 9}) {
    std::vector<float> weights(10);
    weights[k] = 0.5F;
    const auto one = digits.sample(latent, std::vector<std::uint16_t>{k}), mixed = digits.sample_mixed(latent, weights);
    CHECK((one.array() - mixed.array()).abs().maxCoeff() < 1e-5F);
  }
  std::vector<float> both(10);
  both[3] = both[8] = 1;
  const auto three = digits.sample(latent, std::vector<std::uint16_t>{3}), half = digits.sample_mixed(latent, both);
  CHECK((three.array() - half.array()).abs().maxCoeff() > 0.1F);
}

TEST_CASE("Directions are of length 1 at right angles, that of the largest change first") {
  const web::Digits digits(committed_file());
  const auto directions = digits.directions().matrix();
  const Eigen::MatrixXf products = directions * directions.transpose();
  CHECK((products - Eigen::MatrixXf::Identity(100, 100)).cwiseAbs().maxCoeff() < 1e-4F);

  // The first layer's change along a direction, of the weights as the file holds them: in x (out, height, width).
  const auto file = rival::Safetensors::parse(committed_file());
  const auto weight = file.tensor("convT1.weight");
  REQUIRE(weight.dim(0) == 100);
  const rival::ConstMatrixMap<float> a(weight.data(), 100, weight.size() / 100);
  const Eigen::VectorXf changes = (directions * a).rowwise().norm();
  for (Index k = 1; k < 100; ++k) CHECK(changes[k] <= changes[k - 1] * 1.001F);
  CHECK(changes[0] > 1.2F * changes[50]);
}

TEST_CASE("What is no generator of classes, and weights that say no class, are refused") {
  CHECK_THROWS_AS(web::Digits(committed_file().substr(0, 1000)), rival::Error);
  web::Digits digits(committed_file());
  const auto latent = digits.draw(1);
  CHECK_THROWS_WITH(digits.sample_mixed(latent, std::vector<float>(9, 1)), "digits: expected 10 weights, got 9");
  CHECK_THROWS_WITH(digits.sample_mixed(latent, std::vector<float>(10)), "digits: expected a weight above 0, got none");
  CHECK_THROWS_WITH(digits.sample_mixed(latent, std::vector<float>(10, -1)), "digits: expected weights >= 0, got -1");
}

// What check.mjs holds the page's digits against: samples GENERATOR.safetensors prints, a line each, the pixels of the
// latent vectors of seeds 0 to 9, the k-th of class k, and of seed 3 between the classes 3 and 8.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../../web/module/digits.hpp"

namespace {

void print(const rival::Tensor<>& image) {
  for (rival::Index i = 0; i < image.size(); ++i)
    std::printf("%s%.9g", i > 0 ? " " : "", static_cast<double>(image[i]));
  std::printf("\n");
}

}  // namespace

int main(int, char** argv) {
  std::ifstream file(argv[1], std::ios::binary);
  web::Digits digits(std::string(std::istreambuf_iterator<char>(file), {}));
  for (std::uint16_t k = 0; k < 10; ++k) print(digits.sample(digits.draw(k), std::vector<std::uint16_t>{k}));
  std::vector<float> weights(10);
  weights[3] = weights[8] = 0.5F;
  print(digits.sample_mixed(digits.draw(3), weights));
}

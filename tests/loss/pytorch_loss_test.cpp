// Losses against PyTorch's values. Those are double's, to 12 digits. The library sums losses in double whatever the
// scalar, so float's results are off by their own last rounding alone.

#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "fixture.hpp"
#include "rival/loss/supervised.hpp"

using namespace rival;
using rival_test::difference;
using rival_test::Fixture;

namespace {

template <class S>
constexpr double tolerance = std::is_same_v<S, float> ? 1e-6 : 1e-10;

const Fixture& values() {
  static const Fixture fixture("pytorch_losses");
  return fixture;
}

template <class S>
Tensor<S> input(const std::string& name) {
  return values().tensor<S>(name + ".x");
}

template <class S>
void check(const Loss<S>& loss, const std::string& name) {
  INFO(name);
  const double expected = values().number(name + ".value");
  CHECK(std::abs(static_cast<double>(loss.value) - expected) <= tolerance<S> * std::abs(expected));
  CHECK(difference(loss.gradient, values().tensor<S>(name + ".dx")) <= tolerance<S>);
}

}  // namespace

TEMPLATE_TEST_CASE("bce_with_logits has PyTorch's values", "", float, double) {
  using S = TestType;
  for (const std::string name : {"bce_0", "bce_far_0"}) check(bce_with_logits(input<S>(name), S(0)), name);
  for (const std::string name : {"bce_0.9", "bce_far_0.9"}) check(bce_with_logits(input<S>(name), S(0.9)), name);
  for (const std::string name : {"bce_1", "bce_far_1"}) check(bce_with_logits(input<S>(name), S(1)), name);
  check(bce_with_logits(input<S>("bce_mixed"), values().tensor<S>("bce_mixed.target")), "bce_mixed");
}

TEMPLATE_TEST_CASE("softmax_cross_entropy has PyTorch's values", "", float, double) {
  using S = TestType;
  for (const std::string name : {"softmax", "softmax_far"}) {
    const auto stored = values().tensor<double>(name + ".labels");
    const std::vector<int> labels(stored.data(), stored.data() + stored.size());
    check(softmax_cross_entropy(input<S>(name), labels), name);
  }
}

TEMPLATE_TEST_CASE("mean_squared_error has PyTorch's values", "", float, double) {
  using S = TestType;
  check(mean_squared_error(input<S>("mse"), values().tensor<S>("mse.target")), "mse");
}

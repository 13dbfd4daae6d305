// The checker itself: it must pass what is right and name what is wrong, otherwise the tests that lean on it
// prove nothing.
#include "gradient_check.hpp"

namespace {

using namespace rival;

/// y = w_c x_c^3 for each column, written out plainly; `fault` chooses what is wrong with it.
class Cube : public Layer<double> {
 public:
  explicit Cube(std::string fault = "") : fault_(std::move(fault)) {}
  std::string_view kind() const override { return "cube"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  Shape output_shape(const Shape& input) const override { return input; }
  bool has_parameters() const override { return true; }
  bool fuses_activation() const override { return true; }
  bool gates_input() const override { return true; }
  void collect(State<double>& state) override { state.parameters.push_back(&w_); }
  std::unique_ptr<Layer<double>> clone() const override { return std::make_unique<Cube>(*this); }
  void assign(const Layer<double>& other) override { rival::internal::assign(*this, other); }

  const Tensor<double>& forward(const Tensor<double>& x, Trace<double>& trace,
                                const ForwardPass<double>& pass) const override {
    trace.input = &x;
    Tensor<double>& y = trace.output;
    y.resize(x.shape());
    for (Index i = 0; i < x.size(); ++i) {
      const double z = w_.value[i % x.cols()] * x[i] * x[i] * x[i];
      const double slope = fault_ == "fused output" ? 1 : pass.slope;
      if (fault_ == "adds to old output")
        y[i] += z;
      else
        y[i] = z > 0 ? z : slope * z;
    }
    return y;
  }

  void backward(Trace<double>& trace, const Tensor<double>& dy, Tensor<double>* dx,
                const BackwardPass<double>& pass) override {
    const Tensor<double>& x = *trace.input;
    const Index columns = x.cols();
    if (pass.parameters || fault_ == "unwanted parameters") {
      if (fault_ == "overwrites grad") w_.grad.fill(0);
      for (Index i = 0; i < x.size(); ++i)
        w_.grad[i % columns] +=
            x[i] * x[i] * x[i] * dy[i] / (fault_ == "divides by batch" ? static_cast<double>(x.rows()) : 1);
    }
    if (dx == nullptr && fault_ != "needs dx") return;
    require(dx != nullptr, "null");
    dx->resize(x.shape());
    for (Index i = 0; i < x.size(); ++i) {
      if (fault_ == "unwritten dx" && i + 1 == x.size()) break;
      const Index k = fault_ == "permuted dx" ? i / columns * columns + (i + 1) % columns : i;
      const double gate = x[k] > 0 || fault_ == "gate" ? 1 : pass.slope;
      (*dx)[i] = 3 * w_.value[k % columns] * x[k] * x[k] * dy[k] * gate * (fault_ == "small error" ? 1 + 1e-5 : 1);
    }
  }

 private:
  std::string fault_;
  Parameter<double> w_{"w", {2}};
};

}  // namespace

TEST_CASE("the gradient checker passes a right layer") {
  Cube layer;
  CHECK(rival::test::gradient_problems(layer, {3, 2, 2}, {.tangents = false}).empty());
  rival::test::check_gradients(Cube(), {4, 2}, {.tangents = false});
}

TEST_CASE("the gradient checker finds each fault") {
  const std::vector<std::pair<std::string, std::string>> faults = {
      {"fused output", "fused with slope 0.000000, output"},
      {"adds to old output", "output of a second pass"},
      {"overwrites grad", "backward twice adds up in w"},
      {"divides by batch", "gradient of w"},
      {"unwanted parameters", "backward without the parameters leaves w"},
      {"unwritten dx", "dx["},
      {"permuted dx", "dx["},
      {"gate", "gated with slope 0.000000, dx"},
      {"small error", "dx["},
  };
  for (const auto& [fault, expected] : faults) {
    Cube layer(fault);
    std::string all;
    for (const std::string& problem : rival::test::gradient_problems(layer, {3, 2, 2}, {.tangents = false}))
      all += problem + "\n";
    INFO(fault << ":\n" << all);
    CHECK_THAT(all, Catch::Matchers::ContainsSubstring(expected));
    CHECK_THAT(all, Catch::Matchers::ContainsSubstring("cube \"checked\" in training"));
  }
  Cube null("needs dx");
  CHECK_THROWS_AS(rival::test::gradient_problems(null, {3, 2, 2}, {.tangents = false}), rival::Error);
}

TEST_CASE("the gradient checker's inputs keep away from kinks") {
  const auto x = rival::test::internal::spread({3, 5, 7, 2}, 2, rival::Random(3));
  for (Index i = 0; i < x.size(); ++i) {
    CHECK(std::abs(x[i]) > 4e-3);
    for (Index j = 0; j < i; ++j)
      if (std::abs(x[i] - x[j]) < 1e-2) FAIL("inputs " << i << " and " << j << " are too close");
  }
  CHECK(rival::test::internal::largest(x) <= 2);
}

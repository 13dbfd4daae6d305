#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/optim/make_optimizer.hpp"

using Catch::Matchers::ContainsSubstring;
using namespace rival;

namespace {

const double quiet_nan = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

/// Every path through every rule.
std::vector<OptimizerOptions> all_options() {
  return {SgdOptions{.learning_rate = 0.1, .weight_decay = 0.01},
          SgdOptions{.learning_rate = 0.1, .momentum = 0.9},
          SgdOptions{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.01},
          RmsPropOptions{.weight_decay = 0.01},
          RmsPropOptions{.momentum = 0.5},
          RmsPropOptions{.centered = true},
          RmsPropOptions{.momentum = 0.5, .centered = true},
          AdamOptions{.learning_rate = 0.1, .beta1 = 0.5, .weight_decay = 0.01},
          AdamWOptions{.learning_rate = 0.1, .beta1 = 0.5, .weight_decay = 0.1}};
}

/// Parameters of sizes around a cache line and the block that a thread takes at a time.
template <class S>
struct Parameters {
  std::vector<std::unique_ptr<Parameter<S>>> owned;
  std::vector<Parameter<S>*> list;

  Parameters() {
    const Random random(17);
    for (const Index size : {0, 1, 7, 8, 9, 15, 16, 17, 33, 16383, 16384, 16385, 40001}) {
      owned.push_back(std::make_unique<Parameter<S>>("p" + std::to_string(size), Shape{size}));
      list.push_back(owned.back().get());
      random.stream(owned.back()->name).fill_normal(owned.back()->value);
    }
  }
  void draw_gradients(long step) {
    for (auto* p : list) Random(static_cast<std::uint64_t>(step)).stream(p->name).fill_normal(p->grad);
  }
};

/// One element's optimiser, coded from the formulas, in double.
struct Element {
  double value, m = 0, v = 0, u = 0;

  void step(const SgdOptions& o, double g, int) {
    g += o.weight_decay * value;
    u = o.momentum * u + g;
    value -= o.learning_rate * (o.nesterov ? g + o.momentum * u : u);
  }
  void step(const RmsPropOptions& o, double g, int) {
    g += o.weight_decay * value;
    v = o.alpha * v + (1 - o.alpha) * g * g;
    m = o.alpha * m + (1 - o.alpha) * g;
    u = o.momentum * u + g / (std::sqrt(o.centered ? v - m * m : v) + o.epsilon);
    value -= o.learning_rate * u;
  }
  void adam(double rate, double beta1, double beta2, double epsilon, double g, int t) {
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    value -= rate * (m / (1 - std::pow(beta1, t))) / (std::sqrt(v / (1 - std::pow(beta2, t))) + epsilon);
  }
  void step(const AdamOptions& o, double g, int t) {
    adam(o.learning_rate, o.beta1, o.beta2, o.epsilon, g + o.weight_decay * value, t);
  }
  void step(const AdamWOptions& o, double g, int t) {
    value *= 1 - o.learning_rate * o.weight_decay;
    adam(o.learning_rate, o.beta1, o.beta2, o.epsilon, g, t);
  }
};

template <class S>
bool same_bits(const Tensor<S>& a, const Tensor<S>& b) {
  return a.shape() == b.shape() &&
         (a.empty() || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(S)) == 0);
}

struct KeepThreads {
  int before = threads();
  ~KeepThreads() { set_threads(before); }
};

}  // namespace

TEMPLATE_TEST_CASE("optimizer: every element of every size follows the formula", "", float, double) {
  for (const auto& options : all_options()) {
    Parameters<TestType> parameters;
    std::map<const Parameter<TestType>*, std::vector<Element>> expected;
    for (const auto* p : parameters.list)
      for (Index i = 0; i < p->value.size(); ++i) expected[p].push_back({static_cast<double>(p->value[i])});
    const auto optimizer = make_optimizer<TestType>(parameters.list, options);
    INFO("option set " << options.index() << ", " << optimizer->kind());

    double largest = 0;
    bool zeroed = true;
    for (int t = 1; t <= 3; ++t) {
      parameters.draw_gradients(t);
      for (const auto* p : parameters.list)
        for (Index i = 0; i < p->grad.size(); ++i) {
          Element& element = expected[p][static_cast<std::size_t>(i)];
          std::visit([&](const auto& o) { element.step(o, static_cast<double>(p->grad[i]), t); }, options);
        }
      optimizer->step();
      for (const auto* p : parameters.list)
        for (Index i = 0; i < p->value.size(); ++i) {
          const double value = expected[p][static_cast<std::size_t>(i)].value;
          largest = std::max(largest, std::abs(static_cast<double>(p->value[i]) - value));
          zeroed = zeroed && p->grad[i] == TestType(0);
        }
    }
    // Values up to 5, some ten roundings a step.
    CHECK(largest < 40 * static_cast<double>(std::numeric_limits<TestType>::epsilon()));
    CHECK(zeroed);
    CHECK(optimizer->steps() == 3);
  }
}

TEST_CASE("optimizer: the same bits on any number of threads") {
  const KeepThreads keep;
  for (const auto& options : all_options()) {
    const auto train = [&](int count) {
      set_threads(count);
      auto parameters = std::make_unique<Parameters<float>>();
      const auto optimizer = make_optimizer(parameters->list, options);
      for (int t = 1; t <= 3; ++t) {
        parameters->draw_gradients(t);
        optimizer->step();
      }
      return parameters;
    };
    const auto one = train(1);
    for (int count = 2; count <= 4; ++count) {
      const auto more = train(count);
      for (std::size_t i = 0; i < one->list.size(); ++i) CHECK(same_bits(one->list[i]->value, more->list[i]->value));
    }
  }
}

TEST_CASE("optimizer: goes on with the same bits from its state") {
  for (const auto& options : all_options()) {
    Parameters<float> first, second;
    const auto whole = make_optimizer(first.list, options);
    for (int t = 1; t <= 4; ++t) {
      first.draw_gradients(t);
      if (t == 3) {
        for (std::size_t i = 0; i < first.list.size(); ++i) second.list[i]->value = first.list[i]->value;
        const auto resumed = make_optimizer(second.list, options);
        const auto from = whole->state(), to = resumed->state();
        REQUIRE(from.size() == to.size());
        for (std::size_t i = 0; i < from.size(); ++i) {
          CHECK(from[i].first == to[i].first);
          *to[i].second = *from[i].second;
        }
        resumed->set_steps(whole->steps());
        for (int later = 3; later <= 4; ++later) {
          second.draw_gradients(later);
          resumed->step();
        }
      }
      whole->step();
    }
    for (std::size_t i = 0; i < first.list.size(); ++i) CHECK(same_bits(first.list[i]->value, second.list[i]->value));
  }
}

TEST_CASE("optimizer: names its state after the parameters") {
  Parameter<float> weight("D.conv1.weight", {3, 2}), bias("D.conv1.bias", {2});
  const auto names = [&](const OptimizerOptions& options) {
    std::string joined;
    const auto optimizer = make_optimizer<float>({&weight, &bias}, options);
    for (const auto& [name, tensor] : optimizer->state()) {
      CHECK(tensor->shape() == (name.starts_with(weight.name) ? weight.value.shape() : bias.value.shape()));
      CHECK((tensor->array() == 0).all());
      joined += name + "\n";
    }
    return joined;
  };
  CHECK(names(AdamOptions{}) ==
        "D.conv1.weight.first_moment\nD.conv1.weight.second_moment\n"
        "D.conv1.bias.first_moment\nD.conv1.bias.second_moment\n");
  CHECK(names(SgdOptions{}) == "");
  CHECK(names(SgdOptions{.momentum = 0.5}) == "D.conv1.weight.velocity\nD.conv1.bias.velocity\n");
  CHECK(names(RmsPropOptions{.momentum = 0.5}) ==
        "D.conv1.weight.mean_square\nD.conv1.weight.velocity\n"
        "D.conv1.bias.mean_square\nD.conv1.bias.velocity\n");
  CHECK(names(RmsPropOptions{.centered = true}) ==
        "D.conv1.weight.mean_square\nD.conv1.weight.mean_gradient\n"
        "D.conv1.bias.mean_square\nD.conv1.bias.mean_gradient\n");
}

TEST_CASE("optimizer: deduces its scalar from the parameters") {
  Parameter<float> single("w", {2});
  Parameter<double> twice("w", {2});
  Adam adam(std::vector{&single}, {.learning_rate = 2e-4, .beta1 = 0.5});
  AdamW adamw(std::vector{&twice});
  Sgd sgd(std::vector{&twice}, {.momentum = 0.9});
  RmsProp rmsprop(std::vector{&single}, {.centered = true});
  static_assert(std::is_same_v<decltype(adam), Adam<float>> && std::is_same_v<decltype(adamw), AdamW<double>> &&
                std::is_same_v<decltype(sgd), Sgd<double>> && std::is_same_v<decltype(rmsprop), RmsProp<float>>);
  CHECK(adam.learning_rate() == 2e-4);
  CHECK(adamw.kind() == "adamw");
}

TEST_CASE("optimizer: the rate follows the schedule and can be set") {
  Parameter<double> p("w", {1});
  Sgd sgd(std::vector{&p}, {.learning_rate = 0.8, .schedule = step_decay({.every = 2, .factor = 0.5})});
  const std::vector<double> rates{0.8, 0.8, 0.4, 0.4, 0.2};
  double value = 0;
  for (const double rate : rates) {
    CHECK(sgd.learning_rate() == rate);
    p.grad[0] = 1;
    sgd.step();
    value -= rate;
    CHECK(p.value[0] == Catch::Approx(value).epsilon(1e-15));
  }
  sgd.set_learning_rate(2);
  CHECK(sgd.learning_rate() == 0.5);  // step 5
  sgd.set_steps(0);
  CHECK(sgd.learning_rate() == 2);
  CHECK_THROWS_WITH(sgd.set_learning_rate(-1), ContainsSubstring("sgd: expected a finite learning_rate >= 0, got -1"));
  CHECK_THROWS_WITH(sgd.set_steps(-1), ContainsSubstring("sgd: expected steps >= 0, got -1"));
}

TEST_CASE("optimizer: Adam's betas follow their schedules, constant ones to the same bits") {
  const auto train = [](const AdamOptions& options, long steps) {
    auto parameters = std::make_unique<Parameters<float>>();
    Adam adam(parameters->list, options);
    for (int t = 1; t <= steps; ++t) {
      parameters->draw_gradients(t);
      adam.step();
    }
    return parameters;
  };
  std::vector<long> asked;
  const auto plain = train({.beta1 = 0.5, .beta2 = 0.99}, 3);
  const auto scheduled = train({.beta1_schedule =
                                    [&](long step) {
                                      asked.push_back(step);
                                      return 0.5;
                                    },
                                .beta2_schedule = [](long) { return 0.99; }},
                               3);
  CHECK(asked == std::vector<long>{0, 1, 2});
  for (std::size_t i = 0; i < plain->list.size(); ++i)
    CHECK(same_bits(plain->list[i]->value, scheduled->list[i]->value));
}

TEST_CASE("optimizer: Adam refuses a beta out of range from a schedule, and changes nothing") {
  Parameter<float> p("w", {1});
  p.grad.fill(1);
  const auto at_one = [](double beta) { return [=](long step) { return step == 1 ? beta : 0.5; }; };
  Adam adam(std::vector{&p}, {.beta2_schedule = at_one(1)});
  AdamW adamw(std::vector{&p}, {.beta1_schedule = at_one(quiet_nan)});
  adam.step();
  adamw.step();
  const float value = p.value[0];
  p.grad.fill(1);
  CHECK_THROWS_WITH(adam.step(), ContainsSubstring("adam: expected a beta2_schedule that gives 0 <= beta2 < 1, got 1"));
  CHECK_THROWS_WITH(adamw.step(),
                    ContainsSubstring("adamw: expected a beta1_schedule that gives 0 <= beta1 < 1, got nan"));
  CHECK((p.value[0] == value && p.grad[0] == 1 && adam.steps() == 1 && adamw.steps() == 1));
}

TEST_CASE("optimizer: a rate of zero moves nothing but zeroes the gradients") {
  Parameter<float> p("w", {3});
  p.value.fill(1);
  Adam adam(std::vector{&p}, {.learning_rate = 0});
  p.grad.fill(2);
  adam.step();
  CHECK((p.value.array() == 1).all());
  CHECK((p.grad.array() == 0).all());
  p.grad.fill(2);
  adam.zero_gradients();
  CHECK((p.grad.array() == 0).all());
  CHECK(adam.steps() == 1);
}

TEST_CASE("optimizer: a centered root survives a constant gradient") {
  // v - m^2 tends to zero, and to either side of it once rounded.
  Parameter<float> p("w", {64});
  Random(3).fill_uniform(p.value);
  RmsProp rmsprop(std::vector{&p}, {.alpha = 0.5, .epsilon = 1e-3, .centered = true});
  for (int t = 0; t < 100; ++t) {
    for (Index i = 0; i < 64; ++i) p.grad[i] = 1.0f + static_cast<float>(i) / 7;
    rmsprop.step();
  }
  CHECK(p.value.array().isFinite().all());
}

TEST_CASE("optimizer: refuses bad options") {
  Parameter<float> p("w", {2});
  const auto error = [&](const OptimizerOptions& options) -> std::string {
    try {
      make_optimizer<float>({&p}, options);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  };
  CHECK(error(AdamOptions{.learning_rate = -1}) == "adam: expected a finite learning_rate >= 0, got -1");
  CHECK(error(AdamOptions{.learning_rate = infinity}) == "adam: expected a finite learning_rate >= 0, got inf");
  CHECK(error(AdamOptions{.learning_rate = quiet_nan}) == "adam: expected a finite learning_rate >= 0, got nan");
  CHECK(error(AdamOptions{.beta1 = 1}) == "adam: expected 0 <= beta1 < 1, got 1");
  CHECK(error(AdamOptions{.beta1 = quiet_nan}) == "adam: expected 0 <= beta1 < 1, got nan");
  CHECK(error(AdamOptions{.beta2 = -0.5}) == "adam: expected 0 <= beta2 < 1, got -0.5");
  CHECK(error(AdamOptions{.epsilon = -1}) == "adam: expected a finite epsilon >= 0, got -1");
  CHECK(error(AdamWOptions{.weight_decay = -1}) == "adamw: expected a finite weight_decay >= 0, got -1");
  CHECK(error(AdamWOptions{.weight_decay = infinity}) == "adamw: expected a finite weight_decay >= 0, got inf");
  CHECK(error(SgdOptions{.momentum = 1}) == "sgd: expected 0 <= momentum < 1, got 1");
  CHECK(error(SgdOptions{.nesterov = true}) == "sgd: expected momentum > 0 with nesterov, got 0");
  CHECK(error(SgdOptions{.weight_decay = -1}) == "sgd: expected a finite weight_decay >= 0, got -1");
  CHECK(error(RmsPropOptions{.alpha = 1}) == "rmsprop: expected 0 <= alpha < 1, got 1");
  CHECK(error(RmsPropOptions{.epsilon = -1}) == "rmsprop: expected a finite epsilon >= 0, got -1");
  CHECK(error(RmsPropOptions{.momentum = -1}) == "rmsprop: expected 0 <= momentum < 1, got -1");
  CHECK(error(RmsPropOptions{.weight_decay = quiet_nan}) == "rmsprop: expected a finite weight_decay >= 0, got nan");
}

TEST_CASE("optimizer: refuses bad parameters") {
  Parameter<float> p("D.weight", {2, 3}), odd("odd", {4});
  odd.grad.resize({5});
  CHECK_THROWS_WITH(Sgd<float>({&p, nullptr}),
                    ContainsSubstring("sgd: expected parameters, got a null pointer at place 1"));
  CHECK_THROWS_WITH(Sgd<float>({&p, &p}), ContainsSubstring("sgd: parameter \"D.weight\" is listed twice"));
  CHECK_THROWS_WITH(Sgd<float>({&odd}), ContainsSubstring("sgd: parameter \"odd\" is 4, its gradient 5"));

  Sgd<float> sgd({&p});
  p.grad.fill(1);
  p.value.resize({7});
  CHECK_THROWS_WITH(sgd.step(), ContainsSubstring("sgd: parameter \"D.weight\" had 6 elements, now its value has 7 and "
                                                  "its gradient 6"));
  CHECK(sgd.steps() == 0);
  CHECK(p.grad[0] == 1);
  Sgd<float> none(std::vector<Parameter<float>*>{});
  CHECK_NOTHROW(none.step());
}

TEMPLATE_TEST_CASE("optimizer: an undoable step is a step, and undo takes it and those since back, bit for bit", "",
                   float, double) {
  using S = TestType;
  for (const auto& options : all_options()) {
    Parameters<S> tried, plain;
    const auto optimizer = make_optimizer<S>(tried.list, options), reference = make_optimizer<S>(plain.list, options);
    INFO("option set " << options.index() << ", " << optimizer->kind());
    const auto everything = [](Parameters<S>& parameters, Optimizer<S>& its) {
      std::vector<Tensor<S>> all;
      for (const auto* p : parameters.list) all.push_back(p->value), all.push_back(p->grad);
      for (const auto& [name, tensor] : its.state()) all.push_back(*tensor);
      return all;
    };
    const auto same = [](const std::vector<Tensor<S>>& a, const std::vector<Tensor<S>>& b) {
      return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_bits<S>);
    };
    optimizer->undo();  // of nothing
    for (long t = 0; t < 3; ++t) {
      plain.draw_gradients(t), reference->step();
      tried.draw_gradients(t), optimizer->step_undoably();
      optimizer->forget_undo();
      optimizer->undo();
      CHECK(same(everything(tried, *optimizer), everything(plain, *reference)));
    }
    const auto before = everything(tried, *optimizer);
    for (const int more : {0, 1, 2}) {
      tried.draw_gradients(10), optimizer->step_undoably();
      for (int k = 0; k < more; ++k) tried.draw_gradients(20 + k), optimizer->step();
      tried.draw_gradients(30);  // of a step that is not made
      CHECK_FALSE(same(everything(tried, *optimizer), before));
      optimizer->undo();
      CHECK(same(everything(tried, *optimizer), before));
      CHECK(optimizer->steps() == 3);
      optimizer->undo();
      CHECK(same(everything(tried, *optimizer), before));
    }
    plain.draw_gradients(4), reference->step();
    tried.draw_gradients(4), optimizer->step();
    CHECK(same(everything(tried, *optimizer), everything(plain, *reference)));
  }
}

#include "rival/layers/make_layer.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>
#include "catch.hpp"

using namespace rival;

namespace {

/// One layer of every kind, with options that are not the defaults.
std::vector<std::unique_ptr<Layer<float>>> one_of_each() {
  std::vector<std::unique_ptr<Layer<float>>> all;
  const auto add = [&]<class L>(L layer) { all.push_back(std::make_unique<L>(std::move(layer))); };
  add(Augment<>({.translation = 0.1, .cutout = 0.2, .brightness = 0.3}));
  add(AvgPool2d<>({.kernel = {2, 3}, .stride = {1, 2}, .padding = {1, 0}, .count_include_pad = false}));
  add(Basis<>({.in = 3, .shape = {2, 4, 5}}));
  add(BatchNorm<>({.features = 6, .epsilon = 1e-4, .momentum = 0.2}));
  add(BlurDownsample<>());
  add(BlurUpsample<>());
  add(ConcatSkip<>(Sequential<>(Tanh<>()), Sequential<>(Sigmoid<>())));
  add(ConditionalBatchNorm<>({.features = 6, .classes = 3, .epsilon = 1e-4, .momentum = 0.2}));
  add(Conv1d<>(
      {.in = 4, .out = 6, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2, .bias = false, .groups = 2}));
  add(Conv2d<>({.in = 4,
                .out = 6,
                .kernel = {3, 4},
                .stride = {2, 1},
                .padding = {1, 2},
                .padding_end = {0, 1},
                .bias = false,
                .groups = 2}));
  add(ConvTranspose1d<>({.in = 4,
                         .out = 6,
                         .kernel = 5,
                         .stride = 3,
                         .padding = 1,
                         .padding_end = 2,
                         .output_padding = 2,
                         .bias = false}));
  add(ConvTranspose2d<>({.in = 4,
                         .out = 6,
                         .kernel = {3, 4},
                         .stride = {2, 3},
                         .padding = {1, 0},
                         .padding_end = {0, 1},
                         .output_padding = {1, 2},
                         .bias = false}));
  add(Dense<>({.in = 3, .out = 5, .bias = false}));
  add(Dropout<>({.rate = 0.3}));
  add(ELU<>(0.7));
  add(Embedding<>({.classes = 5, .features = 3}));
  add(Embedding<>({.classes = 5, .one_hot = true}));
  add(Equalised(Dense<>({.in = 3, .out = 5}), {.gain = 1.5}));
  add(Flatten<>());
  add(GaussianNoise<>({.sigma = 0.3}));
  add(GroupNorm<>({.groups = 2, .features = 6, .epsilon = 1e-4, .affine = false}));
  add(GRU<>({.in = 3, .hidden = 5, .last = true}));
  add(InstanceNorm<>({.features = 6, .epsilon = 1e-4, .affine = true}));
  add(LayerNorm<>({.features = 6, .epsilon = 1e-4, .affine = false}));
  add(LeakyReLU<>(0.3));
  add(LogSumExp<>());
  add(MaxPool2d<>({.kernel = {2, 3}, .stride = {1, 2}, .padding = {1, 0}}));
  add(MinibatchStddev<>({.group = 3, .epsilon = 1e-4}));
  add(Pack<>(3));
  add(Permute<>({.order = {1, 2, 0, 3}}));
  add(PhaseShuffle<>({.radius = 3}));
  add(PixelNorm<>({.epsilon = 1e-4}));
  add(Projection<>({.classes = 7}));
  add(ReLU<>());
  add(Reshape<>({2, 3, 4}));
  add(Residual<>(Sequential<>(Dense<>({.in = 4, .out = 4}), ReLU<>()), Sequential<>(Tanh<>()), {.scale = 0.5}));
  add(SelfAttention<>({.in = 8, .keys = 2, .values = 3}));
  add(Sequential<>(Tanh<>(), Sequential<>(LeakyReLU<>(0.1))));
  add(Sigmoid<>());
  add(SiLU<>());
  add(Softmax<>({.temperature = 0.5, .gumbel = true, .straight_through = true}));
  add(Softplus<>());
  add(SpectralNorm(Conv2d<>({.in = 2, .out = 3}), {.iterations = 2}));
  add(SumPool<>());
  add(Tanh<>());
  add(TimeDistributed<>(Sequential<>(Dense<>({.in = 4, .out = 3}), Dropout<>())));
  add(Translate<>({.clip = {3, 4, 5, 2}, .reach = 6, .outside = 0}));
  add(Upsample<>({.factor = {2, 3}, .mode = Interpolation::bilinear}));
  add(WeightNorm(Conv2d<>({.in = 2, .out = 3}), {.learn_lengths = false}));
  return all;
}

/// A layer of a user's own.
class Twice : public Layer<float> {
 public:
  struct Options {
    double factor = 2;
    template <class O, class F>
    static void each(O& o, F&& f) {
      f("factor", o.factor);
    }
  };
  explicit Twice(const Options& options) : options_(options) {}
  std::string_view kind() const override { return "twice"; }
  Description describe() const override { return rival::describe(kind(), options_); }
  Shape output_shape(const Shape& input) const override { return input; }
  const Tensor<float>& forward(const Tensor<float>& x, Trace<float>& trace, const ForwardPass<float>&) const override {
    trace.input = &x;
    trace.output = x;
    trace.output.array() *= static_cast<float>(options_.factor);
    return trace.output;
  }
  void backward(Trace<float>&, const Tensor<float>& dy, Tensor<float>* dx, const BackwardPass<float>&) override {
    if (dx) *dx = dy;
  }
  std::unique_ptr<Layer<float>> clone() const override { return std::make_unique<Twice>(*this); }
  void assign(const Layer<float>& other) override { internal::assign(*this, other); }

 private:
  Options options_;
};

}  // namespace

TEST_CASE("make_layer: every kind comes back from its description, options and all") {
  std::map<std::string, int> seen;
  std::map<std::string, bool> matters;
  for (const auto& layer : one_of_each()) {
    const Description description = layer->describe();
    INFO(description.kind);
    ++seen[description.kind];
    const auto again = make_layer<float>(description);
    CHECK(again->describe() == description);
    CHECK(again->kind() == layer->kind());
    State<float> a, b;
    layer->collect(a);
    again->collect(b);
    REQUIRE(a.parameters.size() == b.parameters.size());
    for (std::size_t i = 0; i < a.parameters.size(); ++i) {
      CHECK(a.parameters[i]->value.shape() == b.parameters[i]->value.shape());
      CHECK(a.parameters[i]->axes == b.parameters[i]->axes);
    }
    CHECK(a.buffers.size() == b.buffers.size());
    CHECK(a.streams.size() == b.streams.size());
    const auto copy = layer->clone();
    CHECK(copy->describe() == description);
    // Without an option the description is another one, unless it has its default.
    for (std::size_t i = 0; i < description.options.size(); ++i) {
      Description without = description;
      without.options.erase(without.options.begin() + static_cast<std::ptrdiff_t>(i));
      bool same = false;
      try {
        same = make_layer<float>(without)->describe() == description;
      } catch (const Error&) {
      }
      matters[description.kind + "." + description.options[i].first] |= !same;
    }
  }
  for (const auto& [option, does] : matters) {
    INFO(option);
    CHECK(does);
  }
  // The list above is whole.
  for (const auto& [kind, maker] : internal::layer_makers<float>()) {
    INFO(kind);
    CHECK((seen[kind] >= 1 || kind == "twice"));
  }
  CHECK(internal::layer_makers<double>().size() >= seen.size());
}

TEST_CASE("make_layer: a wrapper holds any layer with a weight") {
  const auto check = [](const Layer<float>& layer) {
    const Description description = layer.describe();
    CHECK(make_layer<float>(description)->describe() == description);
    CHECK(make_layer<float>(description)->kind() == layer.kind());
  };
  check(SpectralNorm(Dense<>({.in = 2, .out = 3})));
  check(SpectralNorm(ConvTranspose2d<>({.in = 2, .out = 3})));
  check(SpectralNorm(Conv1d<>({.in = 2, .out = 3})));
  check(WeightNorm(Dense<>({.in = 2, .out = 3})));
  check(WeightNorm(ConvTranspose1d<>({.in = 2, .out = 3})));
  check(Equalised(ConvTranspose1d<>({.in = 2, .out = 3})));
  check(Equalised(Conv2d<>({.in = 2, .out = 3})));
  check(Equalised(ConvTranspose2d<>({.in = 2, .out = 3})));
  check(Residual<>(Sequential<>(SpectralNorm(Dense<>({.in = 2, .out = 2})))));
}

TEST_CASE("make_layer: a layer of one's own is registered in a line") {
  CHECK_THROWS_WITH(
      make_layer<float>(Twice({3}).describe()),
      Catch::Matchers::ContainsSubstring("there is no kind \"twice\"; a layer of your own is made known by "
                                         "register_layer; known are augment, avg_pool2d, ") &&
          Catch::Matchers::ContainsSubstring(", weight_norm"));
  register_layer<Twice>("twice");
  Sequential<> layers(Twice({3}), Tanh<>());
  const auto again = make_sequential<float>(layers.describe());
  CHECK(again.describe() == layers.describe());
  CHECK_THROWS_WITH(register_layer<Twice>("twice"), "register_layer: the kind \"twice\" is taken");
  CHECK_THROWS_WITH(register_layer<Twice>("dense"), "register_layer: the kind \"dense\" is taken");
}

TEST_CASE("make_layer: refuses descriptions that describe nothing") {
  const auto refused = [](const Description& description, const std::string& part) {
    CHECK_THROWS_WITH(make_layer<float>(description), Catch::Matchers::ContainsSubstring(part));
  };
  refused({"dense", {{"in", Index{3}}, {"out", 2.5}}}, "dense: the option `out` has a value of another type");
  refused({"dense", {{"in", Index{3}}, {"out", Index{2}}, {"colour", true}}}, "dense: there is no option `colour`");
  refused({"dense", {{"in", Index{3}}, {"out", Index{2}}, {"in", Index{4}}}}, "dense: the option `in` is given twice");
  refused({"dense", {{"in", Index{3}}, {"out", Index{-2}}}}, "dense: expected a positive `out`, got -2");
  refused({"conv2d", {{"in", Index{3}}, {"out", Index{2}}, {"kernel", std::vector<Index>{3}}}},
          "conv2d: the option `kernel` has a value of another type");
  refused({"reshape", {{"shape", std::vector<Index>{3, -1}}}},
          "reshape: the option `shape` has a value of another type");
  refused({"reshape", {{"shape", std::vector<Index>(9, 1)}}},
          "reshape: the option `shape` has a value of another type");
  refused({"upsample", {{"mode", std::string("cubic")}}}, "upsample: the option `mode` has a value of another type");
  refused({"tanh", {}, {{"tanh"}}}, "tanh: expected no layers within, got 1");
  refused({"tanh", {{"slope", 0.1}}}, "tanh: there is no option `slope`");
  refused({"residual", {}, {{"sequential"}}}, "residual: expected two branches, got 1");
  refused({"residual", {}, {{"tanh"}, {"sequential"}}}, "expected the kind sequential, got tanh");
  refused({"time_distributed"}, "time_distributed: expected one layer within, got 0");
  refused({"time_distributed", {}, {{"tanh"}}}, "expected the kind sequential, got tanh");
  refused({"weight_norm", {}, {{"relu"}}}, "expected dense or a convolution within a wrapper, got relu");
  refused({"spectral_norm"}, "spectral_norm: expected one layer within, got 0");
  refused({"spectral_norm", {}, {{"tanh"}}}, "expected dense or a convolution within a wrapper, got tanh");
  // A whole number stands for a real one.
  CHECK(make_layer<float>({"leaky_relu", {{"slope", Index{1}}}})->leaky_slope() == 1.0f);
}

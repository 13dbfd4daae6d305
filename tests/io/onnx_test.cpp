#include <map>
#include <set>
#include <string>
#include <vector>
#include "catch.hpp"

#include "fixture.hpp"
#include "onnx/networks.hpp"
#include "rival/io/onnx_export.hpp"
#include "rival/io/onnx_import.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::filesystem::path fixtures = RIVAL_FIXTURES_DIR;

std::map<std::string, int> operators(const OnnxModel& model) {
  std::map<std::string, int> count;
  for (const OnnxNode& node : model.nodes) ++count[node.op];
  return count;
}

/// How far the outputs of two networks are apart, relative to the largest.
template <class S>
double apart(const Network<S>& a, const Network<S>& b, Index batch, Index classes, Index packed = 1) {
  Tensor<S> x(a.input_shape().batch(batch));
  Random random(11);
  random.fill_normal(x);
  std::vector<Label> labels;
  if (classes > 0)
    for (Index n = 0; n < batch / packed; ++n) labels.push_back(static_cast<Label>((3 * n + 1) % classes));
  Trace<S> trace, other;
  const Tensor<S>& y = a.infer(x, trace, labels);
  const Tensor<S>& z = b.infer(x, other, labels);
  REQUIRE(y.size() == z.size());
  return static_cast<double>((y.array() - z.array()).abs().maxCoeff() / y.array().abs().maxCoeff());
}

/// The model as a file, and back.
template <class AnyNetwork>
OnnxModel through_bytes(const AnyNetwork& network, const OnnxOptions& options = {}) {
  return parse_onnx(onnx_bytes(onnx_model(network, options)));
}

/// A layer that is not the library's.
class Twice : public Layer<float> {
 public:
  using Options = NoOptions;
  std::string_view kind() const override { return "twice"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  Shape output_shape(const Shape& input) const override { return input; }
  const Tensor<float>& forward(const Tensor<float>& x, Trace<float>& trace, const ForwardPass<float>&) const override {
    trace.output = x;
    trace.output.array() *= 2;
    return trace.output;
  }
  void backward(Trace<float>&, const Tensor<float>&, Tensor<float>*, const BackwardPass<float>&) override {}
  std::unique_ptr<Layer<float>> clone() const override { return std::make_unique<Twice>(*this); }
  void assign(const Layer<float>& other) override { rival::internal::assign(*this, other); }
};

}  // namespace

TEST_CASE("ONNX: every kind of layer has an exporter and a network that it is tested with") {
  std::set<std::string> tested;
  for (const auto& of_kind : networks_of_kinds()) tested.insert(of_kind.kind);
  const std::set<std::string> within{"equalised", "spectral_norm", "weight_norm",
                                     "sequential"};  // never met as layers of their own
  for (const auto& [kind, maker] : rival::internal::layer_makers<float>()) {
    INFO(kind);
    CHECK(tested.count(kind) == 1);
    CHECK(rival::internal::onnx_exporters().count(kind) == (within.count(kind) ? 0 : 1));
  }
}

TEST_CASE("ONNX: what is exported comes back and makes the same") {
  // Layers that are several nodes there which no single layer here is: rows that are no channels, and the like.
  for (const auto& [kind, name, network, classes, batches, packed, comes_back] : networks_of_kinds())
    for (const bool fold : {true, false}) {
      if (!comes_back) continue;
      INFO(name << (fold ? ", folded" : ""));
      const Network<float> back = network_from_onnx(through_bytes(network, {.fold_batch_norm = fold}));
      CHECK(back.input_shape() == network.input_shape());
      CHECK(back.output_shape() == network.output_shape());
      for (const Index batch : batches) CHECK(apart(network, back, batch, classes, packed) < 1e-5);
    }
}

TEST_CASE("ONNX: every recipe's networks come back and make the same") {
  for (const auto& recipe : named_recipes<float>()) {
    INFO(recipe.name);
    auto made = recipe.make({.batch = 8, .seed = 3});
    disturb(made.generator, 1);
    disturb(made.discriminator, 2);
    const OnnxModel g = through_bytes(made.generator), d = through_bytes(made.discriminator);
    CHECK(apart<float>(made.generator, network_from_onnx(g), 2, 10) < 1e-5);
    CHECK(apart<float>(made.discriminator, network_from_onnx(d), 2, 10) < 1e-5);
    CHECK(d.outputs.size() == (made.discriminator.heads() > 0 ? 2 : 1));
    // The layout is changed at the border alone: weights are, and no value in the middle.
    CHECK(operators(g).count("Transpose") + operators(d).count("Transpose") == 0);
  }
}

TEST_CASE("ONNX: a model says what it is") {
  const auto recipe = recipes::acgan<float>({.batch = 8});
  const OnnxModel g = through_bytes(recipe.generator), d = through_bytes(recipe.discriminator);
  CHECK(g.opset == 17);
  CHECK(g.ir_version == 8);
  CHECK(g.producer == "rival");
  CHECK(g.graph == "G");
  REQUIRE(g.inputs.size() == 2);
  CHECK(g.inputs[0].name == "latents");
  CHECK(g.inputs[1].name == "labels");
  CHECK(g.inputs[1].whole_numbers);
  const auto extents = [](const OnnxValue& value) {
    std::string text;
    for (const OnnxExtent& e : value.extents) text += (e.name.empty() ? std::to_string(e.size) : e.name) + " ";
    return text;
  };
  CHECK(extents(g.inputs[0]) == "batch 100 ");
  CHECK(extents(g.inputs[1]) == "batch ");
  CHECK(g.outputs.at(0).name == "samples");
  CHECK(extents(g.outputs.at(0)) == "batch 1 28 28 ");
  CHECK(d.inputs.at(0).name == "samples");
  CHECK(extents(d.inputs.at(0)) == "batch 1 28 28 ");
  REQUIRE(d.outputs.size() == 2);
  CHECK(d.outputs[0].name == "scores");
  CHECK(extents(d.outputs[0]) == "batch 1 ");
  CHECK(d.outputs[1].name == "heads");
  CHECK(extents(d.outputs[1]) == "batch 10 ");
  std::set<std::string> names;
  for (const OnnxNode& node : d.nodes) CHECK(names.insert(node.name).second);
  CHECK(names.count("conv1") == 1);
  CHECK(names.count("dense1") == 1);
}

TEST_CASE("ONNX: batch norm is folded or kept, by choice") {
  const auto generator = dcgan28_generator<float>(Random(1));
  auto folded = operators(onnx_model(generator)), kept = operators(onnx_model(generator, {.fold_batch_norm = false}));
  CHECK(folded["BatchNormalization"] == 0);
  CHECK(kept["BatchNormalization"] == 3);
  CHECK(folded["ConvTranspose"] == 4);
  CHECK(kept["ConvTranspose"] == 4);
}

TEST_CASE("ONNX: files come back as generators and discriminators, in double too") {
  const TemporaryFolder folder;
  auto recipe = recipes::infogan<double>({.batch = 8});
  save_onnx(recipe.generator, folder / "g.onnx");
  save_onnx(recipe.discriminator, folder / "d.onnx");
  const Generator<double> g = load_onnx_generator<double>(folder / "g.onnx");
  const Discriminator<double> d = load_onnx_discriminator<double>(folder / "d.onnx");
  CHECK(g.latent() == 64);
  CHECK(d.heads() == 12);
  // The file's numbers are floats.
  CHECK(apart<double>(recipe.generator, g, 2, 10) < 1e-6);
  CHECK(apart<double>(recipe.discriminator, d, 2, 10) < 1e-6);
  CHECK_THROWS_WITH(
      load_onnx_generator(folder / "d.onnx"),
      "ONNX file " + quoted(folder / "d.onnx") + ": expected a latent vector as a generator's input, got 28x28x1");
  CHECK_THROWS_WITH(load_onnx(folder / "n.onnx"), ContainsSubstring("no such file"));
}

TEST_CASE("ONNX: a layer of one's own is said by an exporter of one's own") {
  Network<float> network("N", {3}, Sequential<float>(Dense<float>({.in = 3, .out = 2}), Twice()));
  network.initialise(normal<float>(0, 1), Random(1));
  CHECK_THROWS_WITH(
      onnx_model(network),
      "ONNX export: layer \"twice1\" is of kind \"twice\", which has no exporter; that of a layer of your own "
      "is made known by register_onnx_exporter");
  register_onnx_exporter("twice", [](OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) -> OnnxPlace {
    return {g.add("Add", layer.name, {x.name, x.name}), layer.out};
  });
  CHECK(apart(network, network_from_onnx(through_bytes(network)), 2, 0) < 1e-6);
  CHECK_THROWS_WITH(register_onnx_exporter("relu", {}), "register_onnx_exporter: the kind \"relu\" has an exporter");
  rival::internal::onnx_exporters().erase("twice");
}

TEST_CASE("ONNX: what PyTorch's own exporter writes makes here what it makes there") {
  const Fixture values("onnx_values");
  const auto check = [&](const std::string& name, const Network<float>& network) {
    INFO(name);
    const Tensor<float> x = values.tensor<float>(name + ".x"), expected = values.tensor<float>(name + ".y");
    Trace<float> trace;
    const Tensor<float>& y = network.infer(x, trace);
    REQUIRE(y.shape() == expected.shape());
    CHECK((y.array() - expected.array()).abs().maxCoeff() < 1e-5f * expected.array().abs().maxCoeff());
  };
  check("dcgan", load_onnx_generator(fixtures / "pytorch_dcgan.onnx"));
  check("dense", load_onnx_generator(fixtures / "pytorch_dense.onnx"));
  check("discriminator", load_onnx_discriminator(fixtures / "pytorch_discriminator.onnx"));
}

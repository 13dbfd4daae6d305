#include "rival/io/onnx_export.hpp"

#include <set>
#include <string>
#include "catch.hpp"

#include "onnx/networks.hpp"
#include "rival/io/onnx_import.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// What is wrong with a model by the rules of ONNX's own checker; empty if nothing is.
std::string fault(const OnnxModel& model) {
  std::set<std::string> values, names;
  for (const OnnxValue& input : model.inputs)
    if (!values.insert(input.name).second) return "two inputs " + input.name;
  for (const OnnxTensor& tensor : model.initialisers)
    if (tensor.name.empty() || !values.insert(tensor.name).second) return "two values " + tensor.name;
  for (const OnnxNode& node : model.nodes) {
    if (node.name.empty() || !names.insert(node.name).second) return "two nodes " + node.name;
    for (const std::string& input : node.inputs)
      if (!input.empty() && !values.count(input))
        return node.name + " reads " + input + ", which is not made before it";
    for (const std::string& output : node.outputs)
      if (output.empty() || !values.insert(output).second) return "two values " + output;
  }
  for (const OnnxValue& output : model.outputs)
    if (!values.count(output.name)) return "no output " + output.name;
  return model.outputs.empty() ? "no output" : "";
}

/// A layer whose exporter takes the names of the graph's own inputs and outputs.
class Greedy : public Layer<float> {
 public:
  using Options = NoOptions;
  std::string_view kind() const override { return "greedy"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  Shape output_shape(const Shape& input) const override { return input; }
  const Tensor<float>& forward(const Tensor<float>& x, Trace<float>& trace, const ForwardPass<float>&) const override {
    return trace.output = x;
  }
  void backward(Trace<float>&, const Tensor<float>&, Tensor<float>*, const BackwardPass<float>&) override {}
  std::unique_ptr<Layer<float>> clone() const override { return std::make_unique<Greedy>(*this); }
  void assign(const Layer<float>& other) override { rival::internal::assign(*this, other); }
};

}  // namespace

TEST_CASE("ONNX export: models keep the rules of ONNX's checker") {
  for (const auto& of_kind : networks_of_kinds())
    for (const bool fold : {true, false}) {
      INFO(of_kind.name);
      CHECK(fault(onnx_model(of_kind.network, {.fold_batch_norm = fold})) == "");
    }
  auto recipe = recipes::acgan<float>({.batch = 8});
  CHECK(fault(onnx_model(recipe.generator)) == "");
  CHECK(fault(onnx_model(recipe.discriminator)) == "");
}

TEST_CASE("ONNX export: a network without layers, and labels of one class") {
  const Network<float> empty("N", {3}, Sequential<float>());
  const OnnxModel model = onnx_model(empty);
  CHECK(fault(model) == "");
  CHECK(network_from_onnx(model).output_shape() == Shape{3});

  Network<float> labelled("N", {2},
                          Sequential<float>(Embedding<float>({.classes = 1, .features = 2}),
                                            Embedding<float>({.classes = 1, .one_hot = true}),
                                            ConditionalBatchNorm<float>({.features = 5, .classes = 1}),
                                            Dense<float>({.in = 5, .out = 2}), Projection<float>({.classes = 1})));
  labelled.initialise(normal<float>(0, 1), Random(1));
  const OnnxModel one = onnx_model(labelled);
  CHECK(fault(one) == "");
  const Network<float> back = network_from_onnx(parse_onnx(onnx_bytes(one)));
  const Tensor<float> x({2, 2}, {1, -2, 0.5, 3});
  Trace<float> trace, other;
  const Tensor<float>&y = labelled.infer(x, trace, std::vector<Label>{0, 0}),
        &z = back.infer(x, other, std::vector<Label>{0, 0});
  REQUIRE(y.shape() == z.shape());
  CHECK((y.array() - z.array()).abs().maxCoeff() < 1e-5f);
}

TEST_CASE("ONNX export: names that an exporter chooses badly are made others") {
  register_onnx_exporter("greedy", [](OnnxGraph& g, const OnnxLayer&, const OnnxPlace& x) -> OnnxPlace {
    std::string last = x.name;
    for (const char* name : {"input", "output", "labels", "output", "\"\n\xc3\xa9"})
      last = g.add("Identity", name, {last});
    return {last, x.shape};
  });
  const Network<float> network("N", {3}, Sequential<float>(Greedy(), ReLU<float>()));
  const OnnxModel model = parse_onnx(onnx_bytes(onnx_model(network)));
  rival::internal::onnx_exporters().erase("greedy");
  CHECK(fault(model) == "");
  CHECK(model.inputs.at(0).name == "input");
  CHECK(model.outputs.at(0).name == "output");
  CHECK(model.nodes[4].name == "\"\n\xc3\xa9");
}

TEST_CASE("ONNX export: a file that cannot be written is named") {
  const TemporaryFolder folder;
  const Network<float> network("N", {3}, Sequential<float>(ReLU<float>()));
  CHECK_THROWS_WITH(save_onnx(network, folder / "none" / "n.onnx"), ContainsSubstring("n.onnx"));
  CHECK_THROWS_WITH(save_onnx(network, folder.path()), ContainsSubstring("cannot"));
}

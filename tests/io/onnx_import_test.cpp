#include "rival/io/onnx_import.hpp"

#include <string>
#include <vector>
#include "catch.hpp"

#include "fixture.hpp"
#include "rival/io/onnx_file.hpp"

using namespace rival;
using namespace rival_test;
using Catch::Matchers::ContainsSubstring;

namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
constexpr std::int64_t one = 1;

/// A model of nodes in a row: each reads what the one in front of it makes, in the place of the input "^", and the last
/// one's output is the model's.
OnnxModel of_nodes(std::vector<OnnxExtent> extents, std::vector<OnnxNode> nodes, std::vector<OnnxTensor> weights = {}) {
  OnnxModel model;
  extents.insert(extents.begin(), {-1, "batch"});
  model.inputs = {{"x", false, std::move(extents)}};
  std::string last = "x";
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (std::string& input : nodes[i].inputs)
      if (input == "^") input = last;
    if (nodes[i].outputs.empty()) nodes[i].outputs = {"y" + std::to_string(i)};
    if (nodes[i].name.empty()) nodes[i].name = "n" + std::to_string(i);
    last = nodes[i].outputs[0];
  }
  model.nodes = std::move(nodes);
  model.outputs = {{last, false, {}}};
  model.initialisers = std::move(weights);
  return model;
}

std::string refusal(const OnnxModel& model) {
  try {
    network_from_onnx(parse_onnx(onnx_bytes(model)));
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

/// What the network of a model makes of a batch.
std::vector<double> made(const OnnxModel& model, std::vector<double> x, const std::vector<Label>& labels = {}) {
  const Network<double> network = network_from_onnx<double>(model);
  Tensor<double> in(network.input_shape().batch(static_cast<Index>(x.size()) / network.input_shape().size()));
  REQUIRE(in.size() == static_cast<Index>(x.size()));
  std::copy(x.begin(), x.end(), in.data());
  Trace<double> trace;
  const Tensor<double>& y = network.infer(in, trace, labels);
  return {y.data(), y.data() + y.size()};
}

}  // namespace

TEST_CASE("ONNX import: modules of PyTorch make here what they make there") {
  const std::filesystem::path folder = std::filesystem::path(RIVAL_FIXTURES_DIR) / "onnx";
  const Fixture values("onnx_modules");
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    INFO(name);
    ++count;
    const Network<float> network = load_onnx(entry.path());
    Tensor<float> x = values.tensor<float>(name + ".x");
    const Tensor<float> expected = values.tensor<float>(name + ".y");
    const std::vector<Label> labels = name.rfind("labels_", 0) == 0 ? std::vector<Label>{1, 3} : std::vector<Label>{};
    Trace<float> trace;
    const Tensor<float>& y = network.infer(x, trace, labels);
    REQUIRE(y.shape() == expected.shape());
    CHECK((y.array() - expected.array()).abs().maxCoeff() < 1e-5f * expected.array().abs().maxCoeff());
  }
  CHECK(count == 27);
}

TEST_CASE("ONNX import: a product with a matrix, in all ways to say it") {
  const std::vector<double> x{1, -2}, y{1 * 1 - 2 * 4 + 10, 1 * 2 - 2 * 5 + 20, 1 * 3 - 2 * 6 + 30};
  const OnnxTensor w{"w", {2, 3}, Floats{1, 2, 3, 4, 5, 6}}, wt{"w", {3, 2}, Floats{1, 4, 2, 5, 3, 6}},
      b{"b", {3}, Floats{10, 20, 30}};
  const auto model = [&](OnnxNode node, const OnnxTensor& weight, const OnnxTensor& bias) {
    return of_nodes({{2}}, {std::move(node)}, {weight, bias});
  };
  const OnnxNode gemm{.op = "Gemm", .inputs = {"^", "w", "b"}};
  CHECK(made(model(gemm, w, b), x) == y);
  OnnxNode other = gemm;
  other.attributes = {{"transB", one}};
  CHECK(made(model(other, wt, b), x) == y);
  CHECK_THAT(refusal(model(other, w, b)),
             ContainsSubstring("node \"n0\" (Gemm): expected a number, or one for each of"));
  other.attributes = {{"transA", one}};
  CHECK(refusal(model(other, w, b)) == "ONNX model: node \"n0\" (Gemm): expected samples as rows, got transA");
  other.attributes = {{"alpha", 0.5f}, {"beta", 2.0f}};
  CHECK(made(model(other, {"w", {2, 3}, Floats{2, 4, 6, 8, 10, 12}}, {"b", {3}, Floats{5, 10, 15}}), x) == y);
  CHECK(made(model(gemm, w, {"b", {1, 3}, Floats{10, 20, 30}}), x) == y);
  CHECK(made(model(gemm, w, {"b", {}, Floats{10}}), x) == std::vector<double>{3, 2, 1});
  CHECK_THAT(refusal(model(gemm, w, {"b", {3, 1}, Floats{10, 20, 30}})), ContainsSubstring("got \"b\" of shape 3x1"));
  // The weight as a Constant, passed on, and a bias behind the product.
  OnnxModel parts = of_nodes({{2}}, {{.op = "Constant", .attributes = {{"value", w}}},
                                     {.op = "Identity", .inputs = {"y0"}},
                                     {.op = "MatMul", .inputs = {"x", "y1"}},
                                     {.op = "Constant", .attributes = {{"value_floats", Floats{10, 20, 30}}}},
                                     {.op = "Add", .inputs = {"y3", "y2"}}});
  CHECK(made(parts, x) == y);
  CHECK(network_from_onnx(parts).layers().size() == 1);
  // A product of what is no matrix is refused, with a bias behind it too.
  for (const Shape& shape : {Shape{6}, Shape{2, 3, 1}, Shape{2, 3, 0}})
    for (const bool biased : {false, true}) {
      std::vector<OnnxNode> nodes{{.op = "MatMul", .inputs = {"^", "w"}}};
      if (biased) nodes.push_back({.op = "Add", .inputs = {"^", "b"}});
      const Floats numbers(static_cast<std::size_t>(shape.size()), 1.0f);
      CHECK_THAT(refusal(of_nodes({{2}}, nodes, {{"w", shape, numbers}, b})),
                 ContainsSubstring("node \"n0\" (MatMul): expected a matrix of weights"));
    }
}

TEST_CASE("ONNX import: numbers of channels, and of one kind only") {
  const OnnxTensor of_images{"c", {2, 1, 1}, Floats{2, 4}}, row{"c", {2}, Floats{2, 4}};
  const auto on_image = [&](const std::string& op, bool first, const OnnxTensor& c) {
    const std::vector<std::string> inputs =
        first ? std::vector<std::string>{"c", "^"} : std::vector<std::string>{"^", "c"};
    return of_nodes({{2}, {1}, {2}}, {{.op = op, .inputs = inputs}}, {c});
  };
  const std::vector<double> x{1, 3, 5, 7};  // two pixels of two channels
  CHECK(made(on_image("Mul", false, of_images), x) == std::vector<double>{2, 12, 10, 28});
  CHECK(made(on_image("Add", true, of_images), x) == std::vector<double>{3, 7, 7, 11});
  CHECK(made(on_image("Sub", false, of_images), x) == std::vector<double>{-1, -1, 3, 3});
  CHECK(made(on_image("Sub", true, of_images), x) == std::vector<double>{1, 1, -3, -3});
  CHECK(made(on_image("Div", false, of_images), x) == std::vector<double>{0.5, 0.75, 2.5, 1.75});
  CHECK(made(on_image("Mul", false, {"c", {}, Floats{3}}), x) == std::vector<double>{3, 9, 15, 21});
  CHECK(refusal(on_image("Div", true, of_images)) ==
        "ONNX model: node \"n0\" (Div): what it does with its inputs is what no layer does");
  // {2} goes along the width there, and would fit the channels here.
  CHECK(refusal(on_image("Mul", false, row)) ==
        "ONNX model: node \"n0\" (Mul): expected a number, or one for each of the 2 channels of 1x2x2, got \"c\" of "
        "shape 2");
  CHECK(refusal(on_image("Mul", false, {"c", {2}, Ints{1, 2}})) ==
        "ONNX model: node \"n0\" (Mul): what it does with its inputs is what no layer does");
  // Several of them are one layer, and those that do nothing none.
  const OnnxModel several = of_nodes(
      {{2}, {1}, {2}},
      {{.op = "Mul", .inputs = {"^", "c"}}, {.op = "Add", .inputs = {"^", "c"}}, {.op = "Neg", .inputs = {"^"}}},
      {of_images});
  CHECK(network_from_onnx(several).layers().size() == 1);
  CHECK(made(several, x) == std::vector<double>{-4, -16, -12, -32});
  CHECK(network_from_onnx(on_image("Mul", false, {"c", {}, Floats{1}})).layers().size() == 0);
  // Nothing is made of a size that is only said.
  OnnxModel large = on_image("Mul", false, {"c", {}, Floats{2}});
  large.inputs[0].extents[1].size = Index{1} << 31;
  CHECK_THAT(refusal(large), ContainsSubstring("ONNX model: its layers would have more than"));
}

TEST_CASE("ONNX import: channels of what is neither vector nor image are not taken for others") {
  const OnnxTensor two{"c", {2}, Floats{1, 2}};
  const std::vector<OnnxExtent> rows{{2}, {2}};
  CHECK(refusal(of_nodes(rows, {{.op = "BatchNormalization", .inputs = {"^", "c", "c", "c", "c"}}}, {two})) ==
        "ONNX model: node \"n0\" (BatchNormalization): expected vectors or images, got 2x2");
  CHECK(refusal(of_nodes(rows, {{.op = "InstanceNormalization", .inputs = {"^", "c", "c"}}}, {two})) ==
        "ONNX model: node \"n0\" (InstanceNormalization): expected images, got 2x2");
  OnnxModel model = of_nodes(rows, {{.op = "Gather", .inputs = {"t", "k"}}, {.op = "Mul", .inputs = {"x", "^"}}},
                             {{"t", {3, 2}, Floats{1, 2, 3, 4, 5, 6}}});
  model.inputs.push_back({"k", true, {{-1, "batch"}}});
  CHECK(refusal(model) == "ONNX model: node \"n1\" (Mul): expected vectors or images, got 2x2");
  model.inputs[0].extents = {{-1, "batch"}, {2}};
  CHECK(made(model, {1, 1, 1, 1}, {2, 0}) == std::vector<double>{5, 6, 1, 2});
  model.inputs[0].extents = {{-1, "batch"}, {2}, {2}, {2}};
  CHECK(refusal(model) ==
        "ONNX model: node \"n1\" (Mul): expected a table whose rows go with samples of 2x2x2, got 3x2");
}

TEST_CASE("ONNX import: rows that labels choose are channels, and no images of their own") {
  OnnxModel model = of_nodes({{1}, {2}, {2}},
                             {{.op = "Gather", .inputs = {"t", "k"}},
                              {.op = "Reshape", .inputs = {"^", "s"}},
                              {.op = "Concat", .inputs = {"x", "^"}, .attributes = {{"axis", one}}}},
                             {{"t", {2, 4}, Floats{1, 2, 3, 4, 5, 6, 7, 8}}, {"s", {4}, Ints{-1, 1, 2, 2}}});
  model.inputs.push_back({"k", true, {{-1, "batch"}}});
  CHECK(refusal(model) == "ONNX model: node \"n2\" (Concat): expected one number a channel of what labels choose");
}

TEST_CASE("ONNX import: shapes, as other exporters say them") {
  const std::vector<OnnxExtent> image{{2}, {1}, {3}};
  const auto reshaped = [&](const OnnxTensor& shape, std::int64_t allow = 0) {
    return of_nodes(image,
                    {{.op = "Reshape", .inputs = {"^", "s"}, .attributes = {{"allowzero", allow}}},
                     {.op = "Gemm", .inputs = {"^", "w"}}},
                    {shape, {"w", {6, 1}, Floats{1, 2, 3, 4, 5, 6}}});
  };
  const std::vector<double> x{1, 10, 2, 20, 3, 30}, y{1 + 4 + 9 + 40 + 100 + 180};
  CHECK(made(reshaped({"s", {2}, Ints{0, -1}}), x) == y);
  CHECK(made(reshaped({"s", {2}, Ints{-1, 6}}), x) == y);
  CHECK_THAT(refusal(reshaped({"s", {2}, Ints{0, -1}}, 1)), ContainsSubstring("(Reshape): expected"));
  CHECK_THAT(refusal(reshaped({"s", {2}, Ints{-1, -1}})), ContainsSubstring("(Reshape): expected one extent"));
  CHECK_THAT(refusal(reshaped({"s", {2}, Ints{6, -1}})),
             ContainsSubstring("(Reshape): expected a batch of any size, got 6"));
  CHECK_THAT(refusal(reshaped({"s", {2}, Ints{0, -7}})), ContainsSubstring("(Reshape): expected extents of 1"));
  CHECK_THAT(refusal(reshaped({"s", {2}, Ints{0, INT64_MAX}})), ContainsSubstring("(Reshape): expected extents of 1"));
  CHECK_THAT(refusal(reshaped({"s", {2}, Floats{0, -1}})), ContainsSubstring("\"s\": expected whole numbers"));
  CHECK_THAT(refusal(reshaped({"s", {0}, Ints{}})), ContainsSubstring("(Reshape): expected 1 to 8 extents"));
  for (const std::int64_t axis : {0, 2, -1, 7})
    CHECK(refusal(of_nodes(image, {{.op = "Flatten", .inputs = {"^"}, .attributes = {{"axis", axis}}}})) ==
          "ONNX model: node \"n0\" (Flatten): expected axis 1, got " + std::to_string(axis));
  CHECK(refusal(of_nodes(image, {{.op = "Squeeze", .inputs = {"^"}}})) ==
        "ONNX model: node \"n0\" (Squeeze): expected axes that are named, each once");
  CHECK_THAT(refusal(of_nodes(image, {{.op = "Squeeze", .inputs = {"^"}, .attributes = {{"axes", Ints{0}}}}})),
             ContainsSubstring("(Squeeze): expected axes behind the batch, got 0"));
}

TEST_CASE("ONNX import: older operators' attributes and inputs") {
  const auto enlarged = [](std::string op, std::int64_t opset, std::vector<std::string> inputs) {
    OnnxModel model = of_nodes({{1}, {1}, {2}}, {{.op = std::move(op), .inputs = std::move(inputs)}},
                               {{"s", {4}, Floats{1, 1, 1, 2}}});
    model.opset = opset;
    return model;
  };
  const std::vector<double> y{1, 1, 2, 2};
  CHECK(made(enlarged("Upsample", 9, {"^", "s"}), {1, 2}) == y);
  CHECK(made(enlarged("Resize", 10, {"^", "s"}), {1, 2}) == y);
  CHECK(made(enlarged("Resize", 13, {"^", "", "s"}), {1, 2}) == y);
  OnnxModel linear = enlarged("Upsample", 9, {"^", "s"});
  linear.nodes[0].attributes["mode"] = std::string("linear");
  CHECK_THAT(refusal(linear), ContainsSubstring("(Upsample): expected nearest pixels or bilinear"));
  const auto mean = [](OnnxNode node) {
    return of_nodes({{2}, {1}, {2}}, {std::move(node)}, {{"a", {2}, Ints{-2, -1}}});
  };
  const std::vector<double> x{1, 10, 3, 30}, means{2, 20};
  CHECK(made(mean({.op = "ReduceMean", .inputs = {"^"}, .attributes = {{"axes", Ints{2, 3}}}}), x) == means);
  CHECK(made(mean({.op = "ReduceMean", .inputs = {"^", "a"}, .attributes = {{"keepdims", std::int64_t{0}}}}), x) ==
        means);
  CHECK(made(mean({.op = "ReduceSum", .inputs = {"^", "a"}}), x) == std::vector<double>{4, 40});
  CHECK_THAT(refusal(mean({.op = "ReduceMean", .inputs = {"^"}})), ContainsSubstring("(ReduceMean): what it does"));
  OnnxModel training =
      of_nodes({{1}}, {{.op = "BatchNormalization", .inputs = {"^", "c", "c", "c", "c"}}}, {{"c", {1}, Floats{1}}});
  training.nodes[0].outputs.push_back("mean");
  CHECK(refusal(training) == "ONNX model: node \"n0\" (BatchNormalization): expected evaluation, got training");
}

TEST_CASE("ONNX import: only a node's first output is read") {
  OnnxModel model = of_nodes(
      {{1}, {2}, {2}},
      {{.op = "MaxPool", .inputs = {"^"}, .outputs = {"most", "where"}, .attributes = {{"kernel_shape", Ints{2, 2}}}},
       {.op = "Relu", .inputs = {"where"}}});
  CHECK(refusal(model) == "ONNX model: \"where\" is not made of \"x\"");
  model.nodes[1].inputs = {"most"};
  CHECK(refusal(model) == "none");
}

TEST_CASE("ONNX import: graphs that are none") {
  const OnnxTensor w{"w", {1, 1}, Floats{1}};
  OnnxModel model = of_nodes({{1}}, {{.op = "Relu", .inputs = {"y1"}}, {.op = "Relu", .inputs = {"y0"}}});
  CHECK(refusal(model) == "ONNX model: node \"n0\" (Relu): nothing in front of it makes its input \"y1\"");
  model = of_nodes({{1}}, {{.op = "Relu", .inputs = {"^"}}, {.op = "Relu", .inputs = {"^"}, .outputs = {"y0"}}});
  CHECK(refusal(model) == "ONNX model: node \"n1\" (Relu): \"y0\" is made twice");
  CHECK(refusal(of_nodes({{1}}, {{.op = "MatMul", .inputs = {"^", "w"}}}, {w, w})) ==
        "ONNX model: the tensor \"w\" is there twice");
  CHECK(refusal(of_nodes({{1}}, {{.op = "MatMul", .inputs = {"^", "w"}}}, {w, {"unused", {3}, Floats{1, 2, 3}}})) ==
        "none");
  model = of_nodes({{1}}, {{.op = "Relu", .inputs = {"^"}}});
  model.inputs.push_back({"z", false, {{-1, "batch"}, {1}}});
  CHECK(refusal(model) == "ONNX model: expected one input of numbers and at most one of labels, got \"x\" and \"z\"");
  model.inputs[1] = {"x", true, {{-1, "batch"}}};
  CHECK(refusal(model) == "ONNX model: the input \"x\" is there twice");
  model.inputs.pop_back();
  model.outputs.clear();
  CHECK(refusal(model) == "ONNX model: it has no output");
  CHECK(refusal(of_nodes({{-5}}, {{.op = "Relu", .inputs = {"^"}}})) ==
        "ONNX model: input \"x\": expected a batch of samples whose sizes are known");
  CHECK(refusal(of_nodes({{0}}, {{.op = "Relu", .inputs = {"^"}}})) ==
        "ONNX model: input \"x\": expected a batch of samples whose sizes are known");
  CHECK(refusal(of_nodes({{1}}, {{.inputs = {"^"}}})) == "ONNX model: node \"n0\" has no operator");
}

TEST_CASE("ONNX import: branches that are not within each other are named") {
  const auto add = [](std::string a, std::string b) {
    return OnnxNode{.op = "Add", .inputs = {std::move(a), std::move(b)}};
  };
  const auto relu = [](std::string a) { return OnnxNode{.op = "Relu", .inputs = {std::move(a)}}; };
  CHECK(refusal(of_nodes({{1}}, {relu("x"), add("y0", "x"), add("y1", "y1")})) == "none");
  // y3 joins y2 and y0, and y2 joins y1, which is made of y0, and x, which is in front of it.
  CHECK(refusal(of_nodes({{1}}, {relu("x"), relu("y0"), add("y1", "x"), add("y2", "y0")})) ==
        "ONNX model: \"x\" is not made of \"y0\"");
  // Each joins the two in front of it: as many ways through it as a Fibonacci number, and none is gone twice.
  std::vector<OnnxNode> ladder{relu("x"), relu("y0")};
  for (int i = 2; i < 5'000; ++i) ladder.push_back(add("y" + std::to_string(i - 1), "y" + std::to_string(i - 2)));
  CHECK_THAT(refusal(of_nodes({{1}}, ladder)), ContainsSubstring("ONNX model: "));
  // Long is not deep.
  std::vector<OnnxNode> chain{relu("x")};
  for (int i = 1; i < 5'000; ++i)
    chain.push_back(i % 2 ? add("y" + std::to_string(i - 1), "y" + std::to_string(i - 1)) : relu("^"));
  CHECK(refusal(of_nodes({{1}}, chain)) == "none");
  std::vector<OnnxNode> deep{relu("x")};
  for (int i = 1; i < 100; ++i) deep.push_back(add("^", "x"));
  CHECK(refusal(of_nodes({{1}}, deep)) == "ONNX model: expected at most 32 branches within each other, got more");
  CHECK(refusal(of_nodes({{1}}, std::vector<OnnxNode>(10'001, relu("^")))) ==
        "ONNX model: expected at most 10000 nodes, got 10001");
}

TEST_CASE("ONNX import: types and attributes that are not read name the node") {
  std::string graph, attribute, node;
  protozero::pbf_writer(attribute).add_string(1, "then_branch");
  protozero::pbf_writer(attribute).add_enum(20, 5);
  protozero::pbf_writer(node).add_message(5, attribute);
  protozero::pbf_writer(node).add_string(3, "look");
  protozero::pbf_writer(node).add_string(4, "If");
  protozero::pbf_writer(graph).add_message(1, node);
  std::string file;
  protozero::pbf_writer(file).add_message(7, graph);
  CHECK_THROWS_WITH(parse_onnx(file),
                    "ONNX model: node \"look\" (If): its attribute \"then_branch\": expected numbers, "
                    "texts or a tensor, got a graph");
  std::string value, type, tensor;
  protozero::pbf_writer(tensor).add_int32(1, 16);
  protozero::pbf_writer(type).add_message(1, tensor);
  protozero::pbf_writer(value).add_string(1, "x");
  protozero::pbf_writer(value).add_message(2, type);
  graph.clear(), file.clear();
  protozero::pbf_writer(graph).add_message(11, value);
  protozero::pbf_writer(file).add_message(7, graph);
  CHECK_THROWS_WITH(
      parse_onnx(file),
      "ONNX model: \"x\": expected an input or output of type float, double, int64 or int32, got bfloat16");
}

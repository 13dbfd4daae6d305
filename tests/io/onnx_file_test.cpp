#include "rival/io/onnx_file.hpp"

#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/io/onnx_export.hpp"
#include "rival/io/onnx_import.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A small network with most of what a file can hold.
OnnxModel small_model() {
  Discriminator<float> network(
      {4, 3, 2},
      Sequential<float>(Conv2d<float>({.in = 2, .out = 2, .kernel = 2}), BatchNorm<float>({.features = 2}),
                        Residual<float>(Sequential<float>(LeakyReLU<float>())), Flatten<float>(),
                        Embedding<float>({.classes = 2, .features = 1}), Dense<float>({.in = 13, .out = 3})),
      "D", 2);
  network.initialise(normal<float>(0, 1), Random(1));
  return onnx_model(network, {.fold_batch_norm = false});
}

/// A model of one node, on an input x {batch, 2, 3, 3}, that makes y.
OnnxModel of_node(OnnxNode node, std::vector<OnnxTensor> weights = {}) {
  OnnxModel model;
  model.inputs = {{"x", false, {{-1, "batch"}, {2}, {3}, {3}}}};
  model.outputs = {{"y", false, {}}};
  node.name = "it";
  node.outputs = {"y"};
  model.nodes = {std::move(node)};
  model.initialisers = std::move(weights);
  return model;
}
std::string refusal(const OnnxModel& model) {
  try {
    network_from_onnx(model);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}
using Ints = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("ONNX file: what is written is read") {
  OnnxModel model = small_model();
  model.metadata = {{"key", "value"}, {"empty", ""}};
  model.nodes[0].attributes["number"] = 0.5f;
  model.nodes[0].attributes["numbers"] = std::vector<float>{1, -2};
  model.nodes[0].attributes["texts"] = std::vector<std::string>{"a", ""};
  model.nodes[0].attributes["tensor"] = OnnxTensor{"t", {2, 0}, std::vector<double>{}};
  model.nodes[0].attributes["none"] = Ints{};
  model.initialisers.push_back({"doubles", {2}, std::vector<double>{0.1, -3}});
  model.initialisers.push_back({"scalar", {}, Ints{-7}});
  const OnnxModel back = parse_onnx(onnx_bytes(model));
  CHECK(onnx_bytes(back) == onnx_bytes(model));
  CHECK(back.metadata == model.metadata);
  CHECK(std::get<float>(back.nodes[0].attributes.at("number")) == 0.5f);
  CHECK(std::get<std::vector<float>>(back.nodes[0].attributes.at("numbers")) == std::vector<float>{1, -2});
  CHECK(std::get<OnnxTensor>(back.nodes[0].attributes.at("tensor")).shape == Shape{2, 0});
  CHECK(std::get<Ints>(back.initialisers.back().values) == Ints{-7});
  CHECK(back.initialisers.back().shape.rank() == 0);
}

TEST_CASE("ONNX file: cut anywhere it is refused, and with any byte changed never more than that") {
  const std::string bytes = onnx_bytes(small_model());
  // A model may end where a part of it ends: then what is missing shows later, at the latest in the network.
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    INFO(size);
    CHECK_THROWS_AS(network_from_onnx(parse_onnx(bytes.substr(0, size))), Error);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (const int change : {0x01, 0x80, 0x7f, 0xff}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ change);
      try {
        network_from_onnx(parse_onnx(changed));
      } catch (const Error&) {
      }
    }
  SUCCEED();
}

TEST_CASE("ONNX import: PyTorch's files with bytes changed are refused or read, and never more than that") {
  for (const char* name : {"pytorch_dense.onnx", "pytorch_discriminator.onnx"}) {
    const std::string bytes = read_bytes(std::filesystem::path(RIVAL_FIXTURES_DIR) / name);
    REQUIRE(bytes.size() > 5000);
    for (std::size_t i = 0; i < bytes.size(); i += 7) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ (1 << i % 8));
      try {
        network_from_onnx(parse_onnx(changed));
      } catch (const Error&) {
      }
    }
  }
  SUCCEED();
}

TEST_CASE("ONNX import: a small file makes no large network") {
  // Each of 2,000 nodes would have 10,000 weights of its own, of the one tensor in the file.
  OnnxModel model;
  model.inputs = {{"x0", false, {{-1, "batch"}, {100}}}};
  model.initialisers = {{"w", {100, 100}, std::vector<float>(10'000, 0.1f)}};
  const auto add = [&] {
    const std::string number = std::to_string(model.nodes.size());
    model.nodes.push_back({.name = "node" + number,
                           .op = "MatMul",
                           .inputs = {"x" + number, "w"},
                           .outputs = {"x" + std::to_string(model.nodes.size() + 1)}});
    model.outputs = {{"x" + std::to_string(model.nodes.size()), false, {}}};
  };
  for (int i = 0; i < 3; ++i) add();
  CHECK(refusal(model) == "none");  // some sharing is fine
  for (int i = 0; i < 2'000; ++i) add();
  CHECK_THAT(refusal(model), ContainsSubstring("ONNX model: its layers would have more than"));

  // Of an input that is said to be large nothing is made.
  model = of_node({.op = "Reshape", .inputs = {"n", "s"}}, {{"g", {4}, Ints{0, 4, 1, -1}}});
  model.inputs[0].extents = {{-1, "batch"}, {Index{1} << 30}, {1}, {1}};
  model.initialisers = {{"r", {3}, Ints{0, 2, -1}},
                        {"s", {4}, Ints{0, Index{1} << 30, 1, 1}},
                        {"one", {2}, std::vector<float>{1, 1}},
                        {"zero", {2}, std::vector<float>{0, 0}}};
  model.nodes.insert(
      model.nodes.begin(),
      {{.name = "rows", .op = "Reshape", .inputs = {"x", "r"}, .outputs = {"y0"}},
       {.name = "norm", .op = "InstanceNormalization", .inputs = {"y0", "one", "zero"}, .outputs = {"n"}}});
  CHECK_THAT(refusal(model), ContainsSubstring("ONNX model: its layers would have more than"));
}

TEST_CASE("ONNX file: what is no model, or is not read, is named") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_onnx(folder.write("a.onnx", "hello")),
                    ContainsSubstring("ONNX file " + quoted(folder / "a.onnx") + ": it is damaged or no ONNX file"));
  CHECK_THROWS_WITH(parse_onnx(""), "ONNX model: it is damaged or no ONNX file (it has no graph)");
  const auto with_tensor = [](const auto& fill) {
    std::string tensor, graph, model;
    fill(protozero::pbf_writer(tensor));
    protozero::pbf_writer(graph).add_message(5, tensor);
    protozero::pbf_writer(model).add_message(7, graph);
    return model;
  };
  using protozero::pbf_writer;
  CHECK_THROWS_WITH(parse_onnx(with_tensor([](pbf_writer out) {
                      out.add_string(8, "w");
                      out.add_int64(1, 2);
                      out.add_int32(2, 1);
                      out.add_enum(14, 1);
                    })),
                    "ONNX model: tensor \"w\" lies in another file, which is not read");
  CHECK_THROWS_WITH(parse_onnx(with_tensor([](pbf_writer out) {
                      out.add_string(8, "w");
                      out.add_int64(1, 2);
                      out.add_int32(2, 1);
                      out.add_string(9, "12345");
                    })),
                    "ONNX model: tensor \"w\": expected 2 values of 4 bytes, got 5 bytes");
  CHECK_THROWS_WITH(parse_onnx(with_tensor([](pbf_writer out) {
                      out.add_string(8, "w");
                      for (int i = 0; i < 3; ++i) out.add_int64(1, std::int64_t{1} << 31);
                      out.add_int32(2, 1);
                    })),
                    "ONNX model: tensor \"w\": its extent 2147483648 is no size");
  CHECK_THROWS_WITH(parse_onnx(with_tensor([](pbf_writer out) {
                      out.add_string(8, "w");
                      out.add_int64(1, -1);
                    })),
                    "ONNX model: tensor \"w\": its extent -1 is no size");
  CHECK_THROWS_WITH(parse_onnx(with_tensor([](pbf_writer out) {
                      out.add_string(8, "w");
                      for (int i = 0; i < 9; ++i) out.add_int64(1, 1);
                    })),
                    "ONNX model: tensor \"w\": at most 8 axes, got 9");
  CHECK_THROWS_WITH(
      parse_onnx(with_tensor([](pbf_writer out) {
        out.add_string(8, "w");
        out.add_int32(2, 10);
      })),
      "ONNX model: tensor \"w\": expected elements of type float, double, int32, int64, uint8 or bool, got "
      "float16");
  // Numbers one by one, as a list, and as bytes.
  CHECK_THROWS_WITH(parse_onnx(with_tensor([](pbf_writer out) {
                      out.add_string(8, "w");
                      out.add_int64(1, 3);
                      out.add_int32(2, 1);
                      const float values[] = {1, 2};
                      out.add_packed_float(4, values, values + 2);
                    })),
                    "ONNX model: tensor \"w\": expected 3 values, got 2");
}

TEST_CASE("ONNX import: a node that no layer is, is named with its operator") {
  const OnnxTensor w{"w", {4, 2, 2, 2}, std::vector<float>(32, 1)};
  CHECK(refusal(of_node({.op = "Relu", .inputs = {"x"}})) == "none");
  CHECK(refusal(of_node({.op = "Erf", .inputs = {"x"}})) ==
        "ONNX model: node \"it\" (Erf): no layer is such an operator");
  CHECK(refusal(of_node({.op = "Relu", .domain = "com.example", .inputs = {"x"}})) ==
        "ONNX model: node \"it\" (Relu): an operator of com.example, which no layer is");
  CHECK(refusal(of_node({.op = "Relu", .inputs = {"z"}})) ==
        "ONNX model: node \"it\" (Relu): nothing in front of it makes its input \"z\"");
  CHECK(refusal(of_node({.op = "Relu"})) == "ONNX model: node \"it\" (Relu): expected an input number 0");
  CHECK(refusal(of_node({.op = "LeakyRelu", .inputs = {"x"}, .attributes = {{"alpha", 2.0f}}})) ==
        "ONNX model: node \"it\" (LeakyRelu): leaky_relu: expected a slope in [0, 1], got 2");
  CHECK(refusal(of_node({.op = "LeakyRelu", .inputs = {"x"}, .attributes = {{"alpha", Ints{2}}}})) ==
        "ONNX model: node \"it\" (LeakyRelu): its attribute \"alpha\" is of another type than expected");
  CHECK(refusal(of_node({.op = "Conv", .inputs = {"x", "w"}}, {w})) == "none");
  CHECK(refusal(of_node({.op = "Conv", .inputs = {"x", "x"}}, {w})) ==
        "ONNX model: node \"it\" (Conv): expected a constant as its input number 1");
  CHECK(refusal(of_node({.op = "Conv", .inputs = {"x", "w"}, .attributes = {{"auto_pad", std::string("SAME_UPPER")}}},
                        {w})) == "ONNX model: node \"it\" (Conv): expected explicit padding, got SAME_UPPER");
  CHECK(refusal(of_node({.op = "Conv", .inputs = {"x", "w"}, .attributes = {{"dilations", Ints{2, 2}}}}, {w})) ==
        "ONNX model: node \"it\" (Conv): expected no dilation, got 2");
  CHECK_THAT(refusal(of_node({.op = "Conv", .inputs = {"x", "w"}, .attributes = {{"group", std::int64_t{2}}}}, {w})),
             ContainsSubstring("ONNX model: node \"it\" (Conv): conv2d"));
  CHECK(
      refusal(
          of_node({.op = "ConvTranspose", .inputs = {"x", "w"}, .attributes = {{"group", std::int64_t{2}}}}, {w})) ==
      "ONNX model: node \"it\" (ConvTranspose): a transposed convolution in groups is what no layer does, but for the "
      "filter 1 2 1");
  CHECK_THAT(refusal(of_node({.op = "Reshape", .inputs = {"x", "s"}}, {{"s", {2}, Ints{0, 5}}})),
             ContainsSubstring("ONNX model: node \"it\" (Reshape): cannot make 5 numbers of 3x3x2"));
  CHECK(refusal(of_node({.op = "Reshape", .inputs = {"x", "s"}}, {{"s", {4}, Ints{0, 3, 3, 2}}})) ==
        "ONNX model: node \"it\" (Reshape): expected the image that the vector was made of, got 3x2x3");
  CHECK(refusal(of_node({.op = "Transpose", .inputs = {"x"}, .attributes = {{"perm", Ints{0, 2, 3, 1}}}})) ==
        "ONNX model: node \"it\" (Transpose): what it does with its inputs is what no layer does");
  CHECK_THAT(refusal(of_node({.op = "Flatten", .inputs = {"x"}})), ContainsSubstring("counted channel by channel"));
  CHECK(refusal(of_node({.op = "Add", .inputs = {"x", "w"}}, {w})) ==
        "ONNX model: node \"it\" (Add): expected a number, or one for each of the 2 channels of 3x3x2, got \"w\" of "
        "shape "
        "4x2x2x2");

  OnnxModel model = of_node({.op = "Relu", .inputs = {"x"}});
  model.outputs[0].name = "nowhere";
  CHECK(refusal(model) == "ONNX model: \"nowhere\" is not made of \"x\"");
  model = of_node({.op = "Relu", .inputs = {"x"}});
  model.inputs[0].extents[2] = {-1, "height"};
  CHECK(refusal(model) == "ONNX model: input \"x\": expected a batch of samples whose sizes are known");
  model.inputs.clear();
  CHECK(refusal(model) == "ONNX model: it has no input of numbers");
  model.opset = 8;
  CHECK(refusal(model) == "ONNX model: expected opset 9 or later, got 8");
}

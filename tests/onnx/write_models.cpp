// Writes networks as ONNX models to a folder, with inputs and what they make of them here, for check.mjs:
//
//   onnx_write_models FOLDER

#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "networks.hpp"
#include "rival/io/npy.hpp"
#include "rival/io/onnx_export.hpp"

namespace {

using namespace rival;

std::filesystem::path folder;
nlohmann::json all = nlohmann::json::array();
std::ofstream numbers;

/// Images are N x C x H x W there.
Tensor<float> channels_first(const Tensor<float>& x) {
  if (x.rank() != 4) return x;
  Tensor<float> y({x.dim(0), x.dim(3), x.dim(1), x.dim(2)});
  for (Index n = 0; n < x.dim(0); ++n)
    for (Index h = 0; h < x.dim(1); ++h)
      for (Index w = 0; w < x.dim(2); ++w)
        for (Index c = 0; c < x.dim(3); ++c) y(n, c, h, w) = x(n, h, w, c);
  return y;
}

/// Appends the numbers to numbers.bin, and says where they are and of what shape.
template <class T>
nlohmann::json written(const T* values, std::size_t count, const Shape& shape, const std::string& type) {
  const auto offset = static_cast<std::int64_t>(numbers.tellp());
  numbers.write(reinterpret_cast<const char*>(values), static_cast<std::streamsize>(count * sizeof(T)));
  return {{"offset", offset}, {"type", type}, {"shape", std::vector<Index>(shape.begin(), shape.end())}};
}
nlohmann::json written(const Tensor<float>& x) {
  return written(x.data(), static_cast<std::size_t>(x.size()), x.shape(), "float32");
}

template <template <class> class AnyNetwork>
void write(const std::string& name, const AnyNetwork<float>& network, Index classes, const std::vector<Index>& batches,
           Index packed = 1) {
  Random random(7);
  for (const bool fold : {true, false}) {
    const OnnxModel model = onnx_model(network, {.fold_batch_norm = fold});
    if (!fold && onnx_bytes(model) == onnx_bytes(onnx_model(network))) continue;  // there is nothing to fold
    const std::string file = name + (fold ? ".onnx" : ".unfolded.onnx");
    write_onnx(folder / file, model);
    for (const Index batch : batches) {
      Tensor<float> x(network.input_shape().batch(batch));
      random.fill_normal(x);
      std::vector<Label> labels;
      const bool labelled = model.inputs.size() > 1;
      if (labelled)
        for (Index n = 0; n < batch / packed; ++n) labels.push_back(static_cast<Label>((3 * n + 1) % classes));
      Trace<float> trace;
      const Tensor<float>& y = network.infer(x, trace, labels);
      nlohmann::json inputs{{model.inputs[0].name, written(channels_first(x))}};
      if (labelled) {
        const std::vector<std::int64_t> wide(labels.begin(), labels.end());
        inputs["labels"] = written(wide.data(), wide.size(), {static_cast<Index>(wide.size())}, "int64");
      }
      nlohmann::json outputs;
      if (model.outputs.size() == 1) {
        Tensor<float> made = channels_first(y);
        if (model.outputs[0].name == "scores") made.reshape({y.dim(0), 1});
        outputs[model.outputs[0].name] = written(made);
      } else {
        const Index heads = y.cols() - 1;
        Tensor<float> scores({y.dim(0), 1}), rest({y.dim(0), heads});
        scores.matrix() = y.matrix().leftCols(1);
        rest.matrix() = y.matrix().rightCols(heads);
        outputs = {{"scores", written(scores)}, {"heads", written(rest)}};
      }
      all.push_back({{"model", file}, {"inputs", inputs}, {"outputs", outputs}});
    }
  }
}

void write_both(const std::string& name, Generator<float>& generator, Discriminator<float>& discriminator) {
  rival_test::disturb(generator, 1);
  rival_test::disturb(discriminator, 2);
  write(name + ".generator", generator, 10, {3});
  write(name + ".discriminator", discriminator, 10, {3});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "usage: onnx_write_models FOLDER\n", 2;
  try {
    folder = argv[1];
    std::filesystem::create_directories(folder);
    numbers.open(folder / "numbers.bin", std::ios::binary);
    const Random random(4);
    auto dense_g = dense_generator<float>(random), dcgan_g = dcgan28_generator<float>(random),
         tf_g = tfdcgan_generator<float>(random);
    auto dense_d = dense_discriminator<float>(random), dcgan_d = dcgan28_discriminator<float>(random),
         tf_d = tfdcgan_discriminator<float>(random), critic = dcgan28_critic<float>(random);
    write_both("dense", dense_g, dense_d);
    write_both("dcgan28", dcgan_g, dcgan_d);
    write_both("tfdcgan", tf_g, tf_d);
    rival_test::disturb(critic, 3);
    write("dcgan28_critic", critic, 0, {3});
    for (const auto& recipe : named_recipes<float>()) {
      auto made = recipe.make({.batch = 8, .seed = 3});
      write_both("recipe_" + std::string(recipe.name), made.generator, made.discriminator);
      auto colour = recipe.make({.batch = 8, .seed = 3, .image = {32, 32, 3}, .width = 16});
      write_both("recipe32_" + std::string(recipe.name), colour.generator, colour.discriminator);
    }
    for (const auto& [kind, name, network, classes, batches, packed, comes_back] : rival_test::networks_of_kinds())
      write(name, network, classes, batches, packed);
    numbers.close();
    require(numbers.good(), "cannot write the numbers");
    replace_file(folder / "cases.json", all.dump(1));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}

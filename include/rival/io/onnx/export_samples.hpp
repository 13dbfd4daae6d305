#pragma once
// Exporters of what joins a sample with its label, with what is made of it, or with the other samples of its batch.

#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/exporter.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/minibatch_stddev.hpp"

namespace rival::internal {

/// x with further channels behind its own, which are the same at all pixels: {N, C} or {N, C, 1, 1}.
inline OnnxPlace with_channels(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x, std::string channels,
                               Index count) {
  if (x.shape.rank() == 3)
    channels = g.add("Expand", layer.name + ".pixels",
                     {channels, g.constant(layer.name + ".size", Wholes{1, count, x.shape[0], x.shape[1]})});
  return {g.add("Concat", layer.name, {x.name, channels}, {{"axis", Whole{1}}}), layer.out};
}

inline OnnxPlace embedding(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const auto o = read_options<EmbeddingOptions>(layer.description);
  const std::string& n = layer.name;
  const Index count = layer.out.back() - x.shape.back();
  if (!o.one_hot)
    return with_channels(
        g, layer, x,
        g.add("Gather", n + ".rows", {g.of_classes(n + ".weight", layer.tensor("weight"), x.shape), g.labels()}),
        count);
  std::string rows = g.add(
      "OneHot", n + ".rows",
      {g.labels(), g.scalar(n + ".classes", o.classes), g.constant(n + ".values", {2}, std::vector<float>{0, 1})});
  if (x.shape.rank() == 3) rows = g.reshape(n + ".pixel", rows, {count, 1, 1});
  return with_channels(g, layer, x, rows, count);
}

inline OnnxPlace log_sum_exp(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const std::string sum = g.add("ReduceLogSumExp", layer.name + ".sum", {x.name}, {{"axes", Wholes{1}}});
  return {g.add("Concat", layer.name, {sum, x.name}, {{"axis", Whole{1}}}), layer.out};
}

/// y = x[0] + x[1 + label]
inline OnnxPlace projection(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const std::string n = layer.name + ".";
  const std::string column =
      g.add("Unsqueeze", n + "column",
            {g.add("Add", n + "number", {g.labels(), g.scalar(n + "one", 1)}), g.constant(n + "axes", Wholes{1})});
  const std::string of_class = g.add("GatherElements", n + "of_class", {x.name, column}, {{"axis", Whole{1}}});
  const std::string of_all =
      g.add("Gather", n + "of_all", {x.name, g.constant(n + "first", Wholes{0})}, {{"axis", Whole{1}}});
  return {g.add("Add", layer.name, {of_all, of_class}), layer.out};
}

/// With N samples in G groups, q = N / G and r = N % G, sample n is in group max(n / (q + 1), (n - r) / q): the first r
/// groups are larger by one. A matrix A {G, N} that is 1 where a sample is in a group, divided by the groups' sizes,
/// makes means over groups of a matrix of samples.
inline OnnxPlace minibatch_stddev(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const auto o = read_options<MinibatchStddevOptions>(layer.description);
  const std::string n = layer.name + ".";
  const std::string zero = g.scalar(n + "zero", 0), one = g.scalar(n + "one", 1), size = g.scalar(n + "group", o.group);
  const auto divide = [&](const std::string& name, const std::string& a, const std::string& b) {
    return g.add("Div", n + name, {a, b});
  };
  const std::string samples = g.add("Gather", n + "samples", {g.add("Shape", n + "shape", {x.name}), zero});
  const std::string groups = g.add("Max", n + "groups", {divide("whole_groups", samples, size), one});
  const std::string q = divide("size", samples, groups);
  const std::string r = g.add("Mod", n + "larger", {samples, groups});
  const std::string numbers = g.add("Range", n + "numbers", {zero, samples, one});
  const std::string group_of = g.add("Max", n + "group_of",
                                     {divide("in_larger", numbers, g.add("Add", n + "larger_size", {q, one})),
                                      divide("in_smaller", g.add("Sub", n + "behind", {numbers, r}), q)});
  const std::string belongs =
      g.add("OneHot", n + "belongs", {group_of, groups, g.constant(n + "values", {2}, std::vector<float>{0, 1})},
            {{"axis", Whole{0}}});
  const std::string sizes = g.add("ReduceSum", n + "sizes", {belongs, g.constant(n + "axes", Wholes{1})});
  const std::string mean_of = divide("mean_of", belongs, sizes);
  const std::string rows = g.reshape(n + "rows", x.name, {x.shape.size()});
  const std::string means = g.add("MatMul", n + "means", {mean_of, rows});
  const std::string apart = g.add("Sub", n + "apart", {rows, g.add("Gather", n + "mean", {means, group_of})});
  const std::string variance = g.add("MatMul", n + "variance", {mean_of, g.add("Mul", n + "squares", {apart, apart})});
  const std::string added =
      g.add("Add", n + "sum", {variance, g.constant(n + "epsilon", {}, {static_cast<float>(o.epsilon)})});
  const std::string deviation = g.add("ReduceMean", n + "deviation", {g.add("Sqrt", n + "deviations", {added})},
                                      {{"axes", Wholes{1}}, {"keepdims", Whole{1}}});
  std::string channel = g.add("Gather", n + "of_sample", {deviation, group_of});
  if (x.shape.rank() == 3) channel = g.reshape(n + "channel", channel, {1, 1, 1});
  return with_channels(g, layer, x, channel, 1);
}

/// Nothing but another shape: in the graph the channels of samples that follow each other do so in memory.
inline OnnxPlace pack(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  g.change_batch();
  Wholes shape{-1, layer.out.back()};
  if (x.shape.rank() == 3) shape.insert(shape.end(), {x.shape[0], x.shape[1]});
  return {g.add("Reshape", layer.name, {x.name, g.constant(layer.name + ".shape", shape)}), layer.out};
}

}  // namespace rival::internal

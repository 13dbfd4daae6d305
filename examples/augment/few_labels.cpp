#include "few_labels.hpp"

#include <algorithm>
#include <utility>

#include "common/data_file.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/weight_norm.hpp"

namespace {

/// The numbers of the samples in an order drawn by the seed.
std::vector<rival::Index> drawn_order(const rival::Dataset& data, std::uint64_t seed) {
  std::vector<rival::Index> order;
  rival::Random(seed).stream("labels").permutation(data.size(), order);
  return order;
}

/// The samples, as drawn, until a class has as many as `most` gives for it.
template <class Most>
std::vector<rival::Index> at_most(const rival::Dataset& data, std::uint64_t seed, const Most& most) {
  std::vector<long> found(static_cast<std::size_t>(data.classes()));
  std::vector<rival::Index> which;
  for (const rival::Index i : drawn_order(data, seed))
    if (long& count = found[data.label(i)]; count < most(data.label(i))) ++count, which.push_back(i);
  return which;
}

using Normed = rival::WeightNorm<rival::Dense<float>>;

}  // namespace

Digits read_digits(const Options& o) {
  MnistFolder folder(o.data);
  Digits digits{folder.train(), folder.test(), names_of(folder.class_values())};
  for (const rival::Dataset* data : {&digits.train, &digits.test}) {
    rival::require(data->has_labels(), "--data: expected files of labels in ", o.data, ", found none");
    rival::require(data->sample_shape() == rival::Shape{28, 28, 1}, "--data: expected pictures of 28x28x1 in ", o.data,
                   ", got ", data->sample_shape());
  }
  const rival::Index classes = digits.train.classes();
  rival::require(classes >= 2 && classes <= 10, "--data: expected 2 to 10 classes in ", o.data, ", got ", classes);
  return digits;
}

rival::Dataset from_zero_to_one(const rival::Dataset& pictures) {
  std::vector<std::uint8_t> bytes;
  for (rival::Index i = 0; i < pictures.size(); ++i) {
    const auto values = pictures.values(i);
    bytes.insert(bytes.end(), values.begin(), values.end());
  }
  const rival::Labels labels = pictures.labels();
  return {pictures.sample_shape(), std::move(bytes), std::vector<rival::Label>(labels.begin(), labels.end()),
          pictures.classes(), rival::Transform{255}};
}

rival::Classifier<> of_usual_pictures(rival::Classifier<> classifier) {
  for (rival::Index i = 0; i < classifier.layers().size(); ++i) {
    auto* dense = dynamic_cast<Normed*>(&classifier.layers()[i]);
    if (dense == nullptr) continue;
    // W (x + 1) / 2 + b: half of the weights, and half of their sum to the bias.
    const auto v = dense->weight().value.matrix();
    for (rival::Index c = 0; c < v.cols(); ++c) {
      float& length = dense->lengths()[c];
      length /= 2;
      dense->bias().value[c] += length * v.col(c).sum() / v.col(c).norm();
    }
    return classifier;
  }
  rival::fail("classifier: expected a dense layer with weight norm, got none");
}

rival::Generator<> of_usual_pictures(const rival::Generator<>& generator) {
  rival::Sequential<> layers;
  bool found = false;
  for (rival::Index i = 0; i < generator.layers().size(); ++i) {
    auto layer = generator.layers()[i].clone();
    auto* dense = dynamic_cast<Normed*>(layer.get());
    if (dense != nullptr) {
      dense->lengths().array() /= 2;  // 2 sigmoid(z) - 1 = tanh(z / 2)
      dense->bias().value.array() /= 2;
      found = true;
    }
    if (layer->kind() == "sigmoid")
      layers.add(rival::Tanh<>());
    else
      layers.add(std::move(layer));
  }
  rival::require(found, "generator: expected a dense layer with weight norm, got none");
  return {generator.latent(), std::move(layers)};
}

rival::Dataset few_of_each_class(const rival::Dataset& data, long count, std::uint64_t seed) {
  const auto which = at_most(data, seed, [&](rival::Label) { return count; });
  rival::require(static_cast<long>(which.size()) == count * data.classes(), "--labels: expected at most as many as ",
                 "each class has pictures, got ", count);
  return data.selection(which);
}

rival::Dataset with_class_cut(const rival::Dataset& data, rival::Label cut, std::uint64_t seed) {
  const auto labels = data.labels();
  const long kept = std::max<long>(1, std::count(labels.begin(), labels.end(), cut) / 100);
  return data.selection(at_most(data, seed, [&](rival::Label label) { return label == cut ? kept : data.size(); }));
}

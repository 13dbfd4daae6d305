#include "few_labels.hpp"

#include <algorithm>

#include "common/data_file.hpp"

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

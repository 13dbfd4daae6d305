#include "data.hpp"

#include <algorithm>

#include "common/data_file.hpp"

namespace {

Data read_folder(const Options& o) {
  rival::Mnist folder(o.data);
  Data data{folder.train(), folder.test(), folder.class_values()};
  rival::require(data.train.has_labels() && data.test.has_labels(), "--data: expected files of labels in ", o.data,
                 ", found none");
  return data;
}

Data read_files(const Options& o) {
  rival::LabelledImages all = read_data_file(o.images, o.labels, o.transpose);
  if (!o.test_images.empty()) {
    const rival::LabelledImages test = read_data_file(o.test_images, o.test_labels, o.transpose);
    rival::require(std::includes(all.class_values.begin(), all.class_values.end(), test.class_values.begin(),
                                 test.class_values.end()),
                   "--test-labels: expected classes that --labels has, got others in ", o.test_labels);
    rival::require(test.class_values == all.class_values || o.images.extension() == ".npy",
                   "--test-labels: expected all classes that --labels has, got fewer in ", o.test_labels);
    return {all.data, test.data, all.class_values};
  }
  const rival::Index count = all.data.size(), held = o.hold_out > 0 ? o.hold_out : std::max<rival::Index>(1, count / 6);
  rival::require(held < count, "--hold-out: expected fewer than the ", count, " samples, got ", held);
  return {all.data.part(0, count - held), all.data.part(count - held, count), all.class_values};
}

}  // namespace

Data read_data(const Options& o) {
  Data data = o.images.empty() ? read_folder(o) : read_files(o);
  rival::require(data.train.sample_shape() == data.test.sample_shape(),
                 "expected samples of one shape to train and to ", "test, got ", data.train.sample_shape(), " and ",
                 data.test.sample_shape());
  rival::require(data.train.classes() >= 2, "expected samples of at least 2 classes, got ", data.train.classes());
  rival::require(o.batch <= data.train.size(), "--batch: expected at most the ", data.train.size(),
                 " training samples, got ", o.batch);
  return data;
}

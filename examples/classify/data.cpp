#include "data.hpp"

#include <algorithm>
#include <span>

#include "common/data_file.hpp"

namespace {

/// How many of so many samples are held out.
rival::Index held_out(const Options& o, rival::Index count) {
  const rival::Index held = o.hold_out > 0 ? o.hold_out : std::max<rival::Index>(1, count / 6);
  rival::require(held < count, "--hold-out: expected fewer than the ", count, " samples, got ", held);
  return held;
}

/// Whose pictures lie class by class, so that it is at random which are held out.
Data read_pictures(const Options& o) {
  rival::ImageFolder all = read_picture_folder(o.data, {.size = o.size, .label_column = o.label_column});
  rival::require(all.data.has_labels(),
                 "--data: expected pictures in a sub-folder for each class, or a labels.csv, in ", o.data);
  std::vector<rival::Index> order;
  rival::Random(0).permutation(all.data.size(), order);
  const std::span<const rival::Index> shuffled(order);
  const auto held = static_cast<std::size_t>(held_out(o, all.data.size()));
  return {all.data.selection(shuffled.subspan(held)), all.data.selection(shuffled.first(held)), all.class_names,
          all.describe()};
}

Data read_folder(const Options& o) {
  if (is_picture_folder(o.data)) return read_pictures(o);
  rival::require(o.hold_out == 0, "--hold-out: expected --images beside it, or a folder of pictures as --data");
  rival::require(o.size == 0, "--size: expected a folder of pictures as --data");
  rival::require(o.label_column.empty(), "--label-column: expected a folder of pictures as --data");
  MnistFolder folder(o.data);
  Data data{folder.train(), folder.test(), names_of(folder.class_values()), ""};
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
    return {all.data, test.data, names_of(all.class_values), ""};
  }
  const rival::Index count = all.data.size(), train = count - held_out(o, count);
  return {all.data.part(0, train), all.data.part(train, count), names_of(all.class_values), ""};
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

#include "data.hpp"

rival::LabelledImages read_data(const Options& o) {
  if (!o.images.empty()) return rival::read_images({o.images, o.labels, o.transpose});
  rival::Mnist folder(o.data);
  return {folder.train(), folder.class_values()};
}

#include "data.hpp"

#include "common/data_file.hpp"

rival::LabelledImages read_data(const Options& o) {
  if (!o.images.empty()) return read_data_file(o.images, o.labels, o.transpose);
  try {
    MnistFolder folder(o.data);
    return {folder.train(), folder.class_values()};
  } catch (const rival::Error& error) {
    if (is_picture_folder(o.data)) rival::fail(error.what(), "; ./scripts/image_gan takes folders of pictures");
    throw;
  }
}

EvaluateOptions evaluation_of(const Options& o) {
  EvaluateOptions evaluate = o.evaluate;
  if (evaluate.every == 0 || !evaluate.classifier.empty()) return evaluate;
  rival::require(o.images.empty() && o.data == RIVAL_MNIST_DIR,
                 "--evaluate-every: expected a --classifier of these pictures beside it; ./scripts/classify makes one");
  evaluate.classifier = std::filesystem::path(RIVAL_MNIST_DIR) / "classifier.safetensors";
  return evaluate;
}

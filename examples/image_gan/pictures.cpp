#include "pictures.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "common/data_file.hpp"
#include "rival/gan/image_networks.hpp"

namespace {

/// The size of the folder's first whole picture, if networks are made for it.
rival::Index first_size(const Options& o) {
  for (const auto& file : rival::internal::files_below(o.data)) {
    if (!rival::internal::is_called_picture(file)) continue;
    try {
      const rival::Image image = read_picture(o.data / file);
      return image.height == image.width && rival::is_image_size(image.height) ? image.height : 0;
    } catch (const rival::Error&) {
    }
  }
  return 0;
}

Pictures read_folder(const Options& o) {
  rival::require(o.labels.empty(), "--labels: expected a file of pictures; a folder's classes are its sub-folders, or ",
                 "in its labels.csv");
  rival::require(!o.transpose, "--transpose: expected an IDX file of pictures, got a folder");
  const rival::Index first = first_size(o);
  const rival::ImageFolderOptions options{.size = o.size > 0  ? o.size
                                                  : first > 0 ? first
                                                              : 32,
                                          .fit = o.pad ? rival::Fit::pad : rival::Fit::crop,
                                          .channels = o.channels,
                                          .label_column = o.label_column};
  const rival::ImageFolder folder = read_picture_folder(o.data, options, o.cache);
  return {folder.data, folder.class_names, folder.describe()};
}

Pictures read_file(const Options& o) {
  rival::require(o.label_column.empty() && !o.pad, o.pad ? "--pad" : "--label-column",
                 ": expected a folder of pictures, got a file");
  const rival::LabelledImages read = read_data_file(o.data, o.labels, o.transpose);
  const rival::Shape& sample = read.data.sample_shape();
  const bool fits = sample.rank() == 3 && sample[0] == sample[1] && rival::is_image_size(sample[0]) &&
                    (sample[2] == 1 || sample[2] == 3) && (o.size == 0 || o.size == sample[0]) &&
                    (o.channels == 0 || o.channels == sample[2]);
  rival::require(fits, "expected pictures of ", o.size > 0 ? std::to_string(o.size) : "28, 32 or 64",
                 " pixels square, grey or in colour, in ", o.data, ", got ", sample);
  return {read.data, names_of(read.class_values),
          rival::internal::concatenate(read.data.size(), " pictures of ", sample[0], 'x', sample[1],
                                       sample[2] == 1 ? ", grey\n" : ", in colour\n")};
}

/// All pictures, and behind them their mirror images.
rival::Dataset with_mirror_images(const rival::Dataset& data) {
  const rival::Shape& sample = data.sample_shape();
  const rival::Index h = sample[0], w = sample[1], c = sample[2];
  rival::Tensor<float> one;
  std::vector<std::uint8_t> values;
  values.reserve(static_cast<std::size_t>(2 * data.size() * sample.size()));
  std::vector<rival::Label> labels;
  for (const bool mirror : {false, true})
    for (rival::Index i = 0; i < data.size(); ++i) {
      data.gather(std::vector<rival::Index>{i}, one);
      for (rival::Index y = 0; y < h; ++y)
        for (rival::Index x = 0; x < w; ++x)
          for (rival::Index k = 0; k < c; ++k)
            values.push_back(rival::to_byte(one[(y * w + (mirror ? w - 1 - x : x)) * c + k]));
      if (data.has_labels()) labels.push_back(data.label(i));
    }
  return {sample, std::move(values), std::move(labels), data.classes()};
}

}  // namespace

Pictures read_pictures(const Options& o) {
  rival::require(std::filesystem::exists(o.data), "expected a folder or file of pictures, found no ", o.data);
  Pictures pictures = std::filesystem::is_directory(o.data) ? read_folder(o) : read_file(o);
  if (o.flip) pictures.data = with_mirror_images(pictures.data);
  return pictures;
}

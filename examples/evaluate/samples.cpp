#include "samples.hpp"

#include <algorithm>
#include <iostream>
#include <numeric>

#include "common/data_file.hpp"
#include "common/network_files.hpp"

namespace {

rival::Dataset read_pictures(const std::filesystem::path& folder, const rival::ImageFolderOptions& options) {
  const rival::ImageFolder read = read_picture_folder(folder, options);
  std::cout << folder.string() << ": " << read.describe() << '\n';
  return read.data;
}

Made draw(const Options& o, rival::Index count) {
  const rival::Sampler<> sampler = rival::load_sampler(o.samples);
  Made made;
  if (sampler.classes() > 0)
    for (rival::Index i = 0; i < count; ++i) made.classes.push_back(static_cast<rival::Label>(i % sampler.classes()));
  rival::Random random(o.seed);
  made.samples = sampler.sample(count, random, made.classes);
  return made;
}

}  // namespace

rival::Dataset read_real(const Options& o) {
  if (is_picture_folder(o.real)) return read_pictures(o.real, {.size = o.size});
  if (!std::filesystem::is_directory(o.real)) return read_data_file(o.real, o.labels, o.transpose).data;
  MnistFolder folder(o.real);
  return folder.train();
}

Made read_made(const Options& o, const rival::Dataset& real, rival::Index most) {
  if (o.samples.extension() == ".safetensors") return draw(o, most);
  rival::require(o.samples.extension() != ".onnx", "expected an .npy or IDX file, a folder of pictures or a ",
                 ".safetensors file, got ", o.samples);
  const bool pictures = is_picture_folder(o.samples);
  const rival::Shape& sample = real.sample_shape();
  const rival::Index channels = sample.rank() == 3 && sample[2] <= 3 ? sample[2] : 0;
  const rival::Dataset all = pictures ? read_pictures(o.samples, {.size = o.size, .channels = channels})
                                      : read_data_file(o.samples, o.classes, false).data;
  std::vector<rival::Index> which(static_cast<std::size_t>(all.size()));
  std::iota(which.begin(), which.end(), 0);
  if (pictures) rival::Random(o.seed).permutation(all.size(), which);  // as they lie class by class
  which.resize(static_cast<std::size_t>(std::min(most, all.size())));
  Made made;
  all.gather(which, made.samples);
  if (all.has_labels()) all.gather_labels(which, made.classes);
  return made;
}

#include "samples.hpp"

#include <algorithm>
#include <numeric>

#include "common/data_file.hpp"
#include "rival/io/sampler.hpp"

namespace {

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
  if (!std::filesystem::is_directory(o.real)) return read_data_file(o.real, o.labels, o.transpose).data;
  rival::Mnist folder(o.real);
  return folder.train();
}

Made read_made(const Options& o, rival::Index count) {
  if (o.samples.extension() == ".safetensors") return draw(o, count);
  const rival::Dataset all = read_data_file(o.samples, o.classes, false).data;
  std::vector<rival::Index> which(static_cast<std::size_t>(std::min(count, all.size())));
  std::iota(which.begin(), which.end(), 0);
  Made made;
  all.gather(which, made.samples);
  if (all.has_labels()) all.gather_labels(which, made.classes);
  return made;
}

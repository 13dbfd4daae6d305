#include "common/picture_report.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>

#include "rival/core/finite.hpp"
#include "rival/image/grid.hpp"
#include "rival/image/png.hpp"
#include "rival/metrics/neighbours.hpp"
#include "rival/report/page.hpp"

void add_walks(rival::Page& page, const Samples& samples) {
  constexpr rival::Index walks = 3, steps = 10;
  const auto picture = rival::grid(samples.walks(walks, steps), {.columns = steps});
  page.pictures("From one latent vector to another", {{rival::encode_png(picture), ""}},
                "Each row goes from one to the next.");
}

void add_nearest(rival::Page& page, const Samples& samples, const rival::Dataset& data) {
  using rival::Index;
  constexpr Index count = 8, piece = 4096;
  const rival::Tensor<float> all = samples.fixed();
  if (!std::all_of(all.data(), all.data() + all.size(), rival::is_finite<float>)) return;
  const Index pixels = all.size() / all.dim(0);
  rival::Tensor<float> some({count, pixels});
  for (Index i = 0; i < count; ++i) {  // of all rows and columns
    const Index place = i * all.dim(0) / count + i % samples.columns();
    std::copy_n(all.data() + place % all.dim(0) * pixels, pixels, some.data() + i * pixels);
  }
  std::vector<double> least(count, std::numeric_limits<double>::infinity());
  std::vector<Index> which(count), numbers;
  rival::Tensor<float> batch, flat;
  for (Index begin = 0; begin < data.size(); begin += piece) {
    numbers.resize(static_cast<std::size_t>(std::min(piece, data.size() - begin)));
    std::iota(numbers.begin(), numbers.end(), begin);
    data.gather(numbers, batch);
    flat.resize({batch.dim(0), pixels});
    std::copy_n(batch.data(), batch.size(), flat.data());
    const rival::Nearest here = rival::nearest(some, flat);
    for (std::size_t i = 0; i < least.size(); ++i)
      if (here.distance[i] < least[i]) least[i] = here.distance[i], which[i] = begin + here.which[i];
  }
  std::vector<rival::Picture> pictures;
  data.gather(which, batch);
  for (Index i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    rival::Tensor<float> pair(data.sample_shape().batch(2));
    std::copy_n(some.data() + i * pixels, pixels, pair.data());
    std::copy_n(batch.data() + i * pixels, pixels, pair.data() + pixels);
    rival::internal::TextStream caption;
    caption.precision(3);
    caption << "no. " << which[at] << ", distance " << least[at];
    pictures.push_back({rival::encode_png(rival::grid(pair, {.columns = 2})), caption.str()});
  }
  page.pictures("Nearest training pictures", pictures,
                "On the left a sample, on the right the picture of the training set that is nearest to it, by the "
                "Euclidean distance of their pixels in [-1, 1].");
}

void add_classes(rival::Page& page, const rival::Dataset& data, const std::vector<std::string>& names) {
  std::vector<rival::Bar> bars;
  for (rival::Index k = 0; k < data.classes(); ++k) {
    const auto at = static_cast<std::size_t>(k);
    bars.push_back({at < names.size() ? names[at] : std::to_string(k), 0});
  }
  for (const auto label : data.labels()) ++bars[static_cast<std::size_t>(label)].value;
  page.bars("Classes of the training set", bars);
}

#include "outputs.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "rival/image/grid.hpp"
#include "rival/nn/summary.hpp"

std::string describe(const Options& o, const Run& run, rival::Recipe<>& recipe, const std::string& evaluations) {
  const rival::StepReport& last = run.last();
  rival::internal::TextStream text;
  if (o.recipe.empty())
    text << "architecture " << o.architecture << ", batch " << o.batch << ", latent " << o.latent
         << ", Adam learning rate " << o.learning_rate << ", beta1 " << o.beta1;
  else
    text << "recipe " << o.recipe << ", batch " << o.batch << ", discriminator steps "
         << recipe.options.discriminator_steps;
  text << ", seed " << o.seed << ", threads " << rival::threads() << "\n\n"
       << "steps " << last.steps_done << " of " << last.steps_in_all << run.state() << ", epochs " << last.epoch
       << ", seconds " << last.seconds << ", images/s " << last.images_per_second << "\n"
       << "last step: discriminator loss " << last.discriminator_loss << ", generator loss " << last.generator_loss
       << ", penalty " << last.penalty << ", auxiliary loss " << last.auxiliary_loss << ", mean score of real "
       << last.real_score << ", of generated " << last.fake_score << ", accuracy " << last.accuracy << "\n"
       << evaluations << (evaluations.empty() ? "\n" : "\n\n") << rival::summary(recipe.generator) << '\n'
       << rival::summary(recipe.discriminator);
  return text.str();
}

rival::Tensor<std::uint8_t> room_for_images(rival::Index count) {
  try {
    rival::Tensor<std::uint8_t> images;
    if (count > 0) images.resize({count, 28, 28});
    return images;
  } catch (const std::exception&) {
    rival::fail("--samples: expected so many that their pixels fit into memory, got ", count);
  }
}

void draw_images(Samples& samples, rival::Tensor<std::uint8_t>& images, const Run& run) {
  const rival::Index count = images.dim(0), size = images.size() / count;
  rival::Index drawn = 0;
  do {
    const auto bytes = rival::to_bytes(samples.next(std::min<rival::Index>(count - drawn, 1000)));
    std::copy_n(bytes.data(), bytes.size(), images.data() + drawn * size);
    drawn += bytes.dim(0);
  } while (drawn < count && !run.interrupted());
  if (drawn == count) return;
  rival::Tensor<std::uint8_t> fewer({drawn, 28, 28});
  std::copy_n(images.data(), fewer.size(), fewer.data());
  images = std::move(fewer);
}

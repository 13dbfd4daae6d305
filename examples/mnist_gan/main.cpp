// Trains a GAN on handwritten digits and writes pictures of what it has learnt. `--help` lists the options.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <limits>
#include <new>
#include <sstream>

#include "common/output_folder.hpp"
#include "options.hpp"
#include "outputs.hpp"
#include "rival/data/mnist.hpp"
#include "rival/rival.hpp"

namespace {

volatile std::sig_atomic_t interrupted = 0;

/// The first Ctrl-C lets the step end; the second one kills.
void interrupt(int signal) {
  interrupted = signal;
  std::signal(signal, SIG_DFL);
}

rival::Generator<> make_generator(const Options& o, const rival::Random& random) {
  if (o.architecture == "dense") return rival::dense_generator(random, o.latent);
  if (o.architecture == "tfdcgan") return rival::tfdcgan_generator(random, o.latent);
  return rival::dcgan28_generator(random, o.latent);
}

rival::Discriminator<> make_discriminator(const Options& o, const rival::Random& random) {
  if (o.architecture == "dense") return rival::dense_discriminator(random);
  if (o.architecture == "tfdcgan") return rival::tfdcgan_discriminator(random);
  return rival::dcgan28_discriminator(random);
}

std::string describe(const Options& o, const rival::StepReport& last, rival::Generator<>& generator,
                     rival::Discriminator<>& discriminator) {
  std::ostringstream text;
  text << "architecture " << o.architecture << ", batch " << o.batch << ", latent " << o.latent << ", Adam learning rate "
       << o.learning_rate << ", beta1 " << o.beta1 << ", seed " << o.seed << ", threads " << rival::threads() << "\n\n"
       << "steps " << last.steps_done << " of " << last.steps_in_all << (interrupted ? " (interrupted)" : "") << ", epochs "
       << last.epoch << ", seconds " << last.seconds << ", images/s " << last.images_per_second << "\n"
       << "last step: discriminator loss " << last.discriminator_loss << ", generator loss " << last.generator_loss
       << ", mean score of real " << last.real_score << ", of generated " << last.fake_score << ", accuracy "
       << last.accuracy << "\n\n"
       << rival::summary(generator) << '\n'
       << rival::summary(discriminator);
  return text.str();
}

int run(const Options& o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  rival::Mnist digits(o.data);
  const rival::ImageDataset& images = digits.train();
  const rival::Random random(o.seed);
  auto generator = make_generator(o, random.stream("weights"));
  auto discriminator = make_discriminator(o, random.stream("weights"));
  // All that can be wrong is found before anything is written.
  rival::require(images.sample_shape() == generator.output_shape(), "--data: expected images of ", generator.output_shape(),
                 " for ", o.architecture, ", got ", images.sample_shape(), " in ", o.data);
  rival::require(o.batch <= images.size(), "--batch: expected at most the ", images.size(), " images in ", o.data, ", got ",
                 o.batch);
  // Falling to nothing over the second half, the rate lets the two settle: the last picture is the best one.
  const long per_epoch = images.size() / o.batch;
  const long steps_of_epochs = std::min(o.epochs, std::numeric_limits<long>::max() / per_epoch) * per_epoch;
  const long steps_in_all = o.steps > 0 ? std::min(o.steps, steps_of_epochs) : steps_of_epochs;
  rival::require(o.batch > 1 || o.architecture == "dcgan28", "--batch: expected at least 2 for the batch norm of ",
                 o.architecture, ", got 1");
  const rival::AdamOptions adam{.learning_rate = o.learning_rate,
                                .beta1 = o.beta1,
                                .schedule = rival::linear_decay({.steps = steps_in_all, .start = steps_in_all / 2})};
  // Smoothed labels keep the discriminator from being too sure for the generator to learn from it.
  rival::AdversarialTrainer trainer(generator, discriminator,
                                    {.loss = rival::non_saturating({.real_label = 0.9}),
                                     .batch = o.batch,
                                     .generator_optimizer = adam,
                                     .discriminator_optimizer = adam,
                                     .seed = o.seed});
  rival::Tensor<std::uint8_t> generated;
  if (o.samples > 0) generated.resize({o.samples, 28, 28});  // here, so that too little memory shows before training
  prepare_folder(o.out);

  // The same latent vectors throughout, so that the animation shows the same digits taking shape.
  rival::Tensor<float> latents({64, o.latent});
  rival::Random fixed = random.stream("samples");
  fixed.fill_normal(latents);
  rival::Animation animation;
  std::vector<rival::StepReport> steps;
  const auto progress = o.quiet ? nullptr : rival::progress_bar();
  const auto frame = [&] { animation.add(rival::grid(generator.sample(latents), {.columns = 8})); };

  std::signal(SIGINT, interrupt);
  std::signal(SIGTERM, interrupt);
  frame();
  trainer.fit(images, {.epochs = o.epochs, .steps = o.steps, .on_step = [&](const rival::StepReport& report) {
    steps.push_back(report);
    const long every = o.sample_every > 0 ? o.sample_every : std::max(1L, report.steps_in_all / 40);
    if (report.steps_done % every == 0 && report.steps_done < report.steps_in_all) frame();
    if (interrupted) trainer.stop();
    if (progress) progress(report);
  }});
  frame();

  for (long done = 0, count; done < o.samples; done += count) {
    count = std::min(o.samples - done, 1024L);
    const auto bytes = rival::to_bytes(generator.sample(count, fixed));
    std::copy_n(bytes.data(), bytes.size(), generated.data() + done * 28 * 28);
  }
  const auto written = write_outputs(o.out, {describe(o, steps.back(), generator, discriminator), steps, animation,
                                             generator.sample(latents), generated});
  if (!o.quiet) {
    if (interrupted) std::cout << "\ninterrupted after step " << steps.size() << '\n';
    for (const auto& path : written) std::cout << "wrote " << path.string() << '\n';
  }
  return interrupted ? 128 + interrupted : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Options options;
    return parse(argc, argv, options) ? run(options) : 0;
  } catch (const rival::Diverged& error) {
    if (rival::internal::is_terminal(stdout)) std::cout << std::endl;  // the bar stands without its end of line
    std::cerr << "mnist_gan: " << error.what() << '\n';
    return 1;
  } catch (const std::bad_alloc&) {
    std::cerr << "mnist_gan: expected --batch, --latent and --samples that fit into memory, got larger ones\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "mnist_gan: " << error.what() << '\n';
    return 2;
  }
}

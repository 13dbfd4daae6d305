// What a checkpoint promises: a training that goes on from one, anywhere, is the training that was never interrupted.
#include "rival/io/checkpoint.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>
#include "catch.hpp"

#ifdef __linux__
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#endif

#include "rival/gan/recipes/recipes.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using rival_test::quoted;
using rival_test::read_bytes;
using rival_test::TemporaryFolder;

namespace {

Dataset digits(int shift = 0) {
  std::vector<std::uint8_t> pixels(28 * 28 * 50);
  std::vector<Label> labels(50);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>((i * i / 7 + static_cast<std::size_t>(shift)) % 251);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<Label>(i % 10);
  return {{28, 28, 1}, pixels, labels, 10};
}

constexpr long all_steps = 4;

template <class S>
Recipe<S> make(const std::string& recipe) {
  return find_recipe<S>(recipe).make({.batch = 4, .seed = 3});
}

/// Trains a recipe to its end, from the checkpoint `from` if there is one. Writes a checkpoint `middle` half way, and
/// one at the end, in which everything is that there is to compare; the losses are in it, too.
template <class S>
void train(const std::string& recipe_name, const std::filesystem::path& from, const std::filesystem::path& middle,
           const std::filesystem::path& end) {
  auto recipe = make<S>(recipe_name);
  AdversarialTrainer<S> trainer(recipe.generator, recipe.discriminator, recipe.options);
  CheckpointExtras extras;
  extras.numbers["losses"] = Tensor<double>({all_steps, 2});
  FitOptions fit{.epochs = 5, .steps = all_steps};
  if (!from.empty()) {
    recipe.generator.initialise(normal<S>(0, 1), Random(77));  // all weights have to come over
    recipe.discriminator.initialise(normal<S>(0, 1), Random(78));
    extras = trainer.load(from);
    fit.resume = true;
  }
  fit.on_step = [&](const StepReport& report) {
    Tensor<double>& losses = extras.numbers.at("losses");
    losses(report.step - 1, 0) = report.discriminator_loss;
    losses(report.step - 1, 1) = report.generator_loss;
    if (report.steps_done != all_steps / 2 || middle.empty()) return;
    trainer.save(middle, extras);
    if (end.empty()) trainer.stop();
  };
  trainer.fit(digits(), fit);
  if (!end.empty()) trainer.save(end, extras);
}

void train(const std::string& recipe, bool wide, const std::filesystem::path& from, const std::filesystem::path& middle,
           const std::filesystem::path& end) {
  if (wide)
    train<double>(recipe, from, middle, end);
  else
    train<float>(recipe, from, middle, end);
}

void on_threads(int count, const std::function<void()>& body) {
  const int before = threads();
  set_threads(count);
  body();
  set_threads(before);
}

/// The second half in a process of its own: this program once more, which runs the hidden test below.
void train_elsewhere(const std::string& recipe, bool wide, int thread_count, const std::filesystem::path& from,
                     const std::filesystem::path& end) {
#ifdef __linux__
  const pid_t child = fork();
  if (child == 0) {
    setenv("RIVAL_TEST_RECIPE", recipe.c_str(), 1);
    setenv("RIVAL_TEST_WIDE", wide ? "1" : "0", 1);
    setenv("RIVAL_TEST_THREADS", std::to_string(thread_count).c_str(), 1);
    setenv("RIVAL_TEST_FROM", from.c_str(), 1);
    setenv("RIVAL_TEST_END", end.c_str(), 1);
    execl("/proc/self/exe", "checkpoint_test", "[checkpoint_process]", "-o", "/dev/null", static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
#else
  on_threads(thread_count, [&] { train(recipe, wide, from, {}, end); });
#endif
}

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const auto& recipe : named_recipes<float>()) names.emplace_back(recipe.name);
  return names;
}

/// The text of what it throws.
std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// A small training whose steps are the program's own, with all that a trainer can have: an average, penalties with
/// random points, drawn labels, dropout, running statistics, a schedule over the run.
template <class S>
struct SmallTraining {
  explicit SmallTraining(TrainerOptions<S> o = options(), Index width = 6)
      : generator(3, Sequential<S>(Dense<S>({.in = 3, .out = width}), BatchNorm<S>({.features = width}), ReLU<S>(),
                                   Dense<S>({.in = width, .out = 2}))),
        discriminator({2}, Sequential<S>(Dense<S>({.in = 2, .out = 8}), LeakyReLU<S>(0.2), Dropout<S>({.rate = 0.3}),
                                         Dense<S>({.in = 8, .out = 1}))) {
    generator.initialise(he<S>(), Random(1));
    discriminator.initialise(he<S>(), Random(2));
    trainer.emplace(generator, discriminator, std::move(o));
  }
  static TrainerOptions<S> options() {
    const AdamOptions adam{.beta1 = 0.5, .schedule = over_run([](long steps) { return cosine({.steps = steps}); })};
    return {.batch = 5,
            .penalties = {dragan(2)},
            .generator_optimizer = adam,
            .discriminator_optimizer = RmsPropOptions{.momentum = 0.5, .centered = true},
            .average = MovingAverageOptions{.half_life = 20},
            .steps = 12,
            .seed = 0xfedcba9876543210};  // more than a double holds
  }
  void step() {
    Tensor<S> real({5, 2});
    data.fill_normal(real);
    trainer->step(real);
  }

  Generator<S> generator;
  Discriminator<S> discriminator;
  std::optional<AdversarialTrainer<S>> trainer;
  Random data{9};
};

}  // namespace

TEST_CASE("the process that goes on from a checkpoint", "[.][checkpoint_process]") {
  const auto told = [](const char* name) { return std::string(std::getenv(name)); };
  set_threads(std::stoi(told("RIVAL_TEST_THREADS")));
  train(told("RIVAL_TEST_RECIPE"), told("RIVAL_TEST_WIDE") == "1", told("RIVAL_TEST_FROM"), {}, told("RIVAL_TEST_END"));
}

TEST_CASE("checkpoint: every recipe goes on in another process, on another number of threads, bit for bit") {
  const bool wide = GENERATE(false, true);
  for (const std::string& recipe : recipe_names()) {
    // In double those whose state is most various.
    if (wide && recipe != "rpgan" && recipe != "wgan-gp" && recipe != "infogan" && recipe != "sngan") continue;
    INFO(recipe << (wide ? " in double" : ""));
    const TemporaryFolder folder;
    on_threads(2, [&] { train(recipe, wide, {}, folder / "half", folder / "whole"); });
    train_elsewhere(recipe, wide, 1, folder / "half", folder / "two_one");
    CHECK((read_bytes(folder / "two_one") == read_bytes(folder / "whole")));
    on_threads(1, [&] { train(recipe, wide, {}, folder / "half", {}); });
    train_elsewhere(recipe, wide, 2, folder / "half", folder / "one_two");
    CHECK((read_bytes(folder / "one_two") == read_bytes(folder / "whole")));
    CHECK((read_bytes(folder / "half") != read_bytes(folder / "whole")));
  }
}

TEMPLATE_TEST_CASE("checkpoint: a program's own steps go on, with the program's own stream beside", "", float, double) {
  using S = TestType;
  const TemporaryFolder folder;
  SmallTraining<S> straight;
  for (int i = 0; i < 12; ++i) straight.step();
  straight.trainer->save(folder / "straight");

  SmallTraining<S> first;
  for (int i = 0; i < 7; ++i) first.step();
  first.trainer->generator_optimizer().set_learning_rate(2e-3);  // and back: what was set is state, too
  CheckpointExtras extras;
  extras.texts["where"] = "Ω \"7\"\n";
  extras.numbers["none"] = Tensor<double>({0, 3});
  extras.numbers["numbers"] = Tensor<double>({2}, {0.1, -0.0});
  extras.bytes["bytes"] = Tensor<std::uint8_t>({2, 2}, {0, 1, 128, 255});
  extras.texts["stream"] = std::to_string(first.data.position().block);
  first.trainer->save(folder / "first", extras);

  SmallTraining<S> second;
  for (int i = 0; i < 3; ++i) second.step();  // from wherever it is
  const CheckpointExtras again = second.trainer->load(folder / "first");
  CHECK(again.texts == extras.texts);
  CHECK(again.numbers.size() == 2);
  CHECK(again.numbers.at("none").shape() == Shape{0, 3});
  CHECK(again.numbers.at("numbers")[0] == 0.1);
  CHECK(std::signbit(again.numbers.at("numbers")[1]));
  CHECK(std::equal(extras.bytes["bytes"].data(), extras.bytes["bytes"].data() + 4, again.bytes.at("bytes").data()));
  CHECK(second.trainer->state() == first.trainer->state());
  CHECK(second.trainer->generator_optimizer().base_learning_rate() == 2e-3);
  second.trainer->generator_optimizer().set_learning_rate(1e-3);
  second.data = first.data;
  for (int i = 7; i < 12; ++i) second.step();
  second.trainer->save(folder / "second");
  CHECK((read_bytes(folder / "second") == read_bytes(folder / "straight")));

  CHECK(read_checkpoint_extras(folder / "first").texts == extras.texts);
  // Any safetensors reader opens it.
  const auto file = Safetensors::read(folder / "first");
  CHECK(file.entry("generator.dense1.weight").type == (sizeof(S) == 4 ? "F32" : "F64"));
  CHECK(file.contains("average.bn1.mean"));
  CHECK(file.contains("discriminator_optimizer.dense2.bias.velocity"));
  CHECK(file.entry("extra.bytes").type == "U8");
}

TEST_CASE("checkpoint: what differs is said, a line each, and nothing is changed") {
  const TemporaryFolder folder;
  SmallTraining<float> small;
  small.step();
  small.trainer->save(folder / "a");
  const std::string intro = "checkpoint " + quoted(folder / "a") + ": it cannot go on here:\n  ";

  const auto refuse = [&](auto&& training) {
    training.trainer->save(folder / "before");
    const std::string error = error_of([&] { training.trainer->load(folder / "a"); });
    training.trainer->save(folder / "after");
    CHECK((read_bytes(folder / "before") == read_bytes(folder / "after")));
    return error;
  };
  const auto with = [&](const std::function<void(TrainerOptions<>&)>& change) {
    auto options = SmallTraining<float>::options();
    change(options);
    return refuse(SmallTraining<float>(options));
  };
  CHECK(with([](auto& o) { o.batch = 6; }) == intro + "options.batch: the checkpoint has 5, here it is 6");
  CHECK(with([](auto& o) { o.seed = 1; }) ==
        intro + "options.seed: the checkpoint has 18364758544493064720, here it is 1");
  CHECK(with([](auto& o) { o.loss = hinge(); }) ==
        intro + "options.loss: the checkpoint has \"non_saturating 1\", here it is \"hinge\"");
  CHECK(with([](auto& o) { o.penalties[0].weight = 3, o.discriminator_steps = 2; }) ==
        intro + "options.penalties[0].weight: the checkpoint has 2.0, here it is 3.0\n  " +
            "options.discriminator_steps: the checkpoint has 1, here it is 2");
  CHECK(with([](auto& o) { o.average.reset(); }) ==
        intro + "options.average: the checkpoint has {\"half_life\":20.0,\"ramp_up\":0.05}, here it is none");
  CHECK(with([](auto& o) { o.penalties.clear(); }).find(intro + "options.penalties: the checkpoint has [{") == 0);
  // A schedule is told by what it gives.
  CHECK_THAT(with([](auto& o) { std::get<AdamOptions>(o.generator_optimizer).schedule = constant(); }),
             ContainsSubstring("options.generator_optimizer.schedule: the checkpoint has [1.0,0.98") &&
                 ContainsSubstring("here it is [1.0,1.0,"));
  CHECK_THAT(with([](auto& o) { o.generator_optimizer = SgdOptions{}; }),
             ContainsSubstring("options.generator_optimizer.kind: the checkpoint has \"adam\", here it is \"sgd\""));
  CHECK(refuse(SmallTraining<float>(SmallTraining<float>::options(), 7)) ==
        intro + "generator.layers[0].out: the checkpoint has 6, here it is 7\n  " +
            "generator.layers[1].features: the checkpoint has 6, here it is 7\n  " +
            "generator.layers[3].in: the checkpoint has 6, here it is 7");
  CHECK(refuse(SmallTraining<double>()) == intro + "numbers: the checkpoint has \"float\", here it is \"double\"");

  // A LatentLaw is told, another function only that there is one.
  const std::string law = "options.draw_latent: the checkpoint has false, here it is ";
  CHECK(with([](auto& o) { o.draw_latent = LatentLaw<>(1); }) == intro + law + "{\"uniform\":1}");
  CHECK(with([](auto& o) { o.draw_latent = [](auto&, auto&) {}; }) == intro + law + "true");
  auto options = SmallTraining<float>::options();
  options.draw_latent = LatentLaw<>(1);
  SmallTraining<float> uniform(options);
  uniform.trainer->save(folder / "uniform");
  options.draw_latent = LatentLaw<>(2);
  SmallTraining<float> more_uniform(options);
  CHECK_THROWS_WITH(more_uniform.trainer->load(folder / "uniform"),
                    ContainsSubstring("options.draw_latent.uniform: the checkpoint has 1, here it is 2"));

  // Names of networks are their own affair.
  Generator<> other(small.generator.latent(), small.generator.layers(), "D");
  AdversarialTrainer<> renamed(other, small.discriminator, SmallTraining<float>::options());
  renamed.load(folder / "a");
  CHECK(renamed.state() == small.trainer->state());
}

TEST_CASE("checkpoint: options that are not finite, or have no value there, are the same on both sides") {
  const TemporaryFolder folder;
  auto options = SmallTraining<float>::options();
  // Beyond the end of the run it is NaN.
  const Schedule polynomial = over_run([](long steps) {
    return [=](long s) { return std::pow(1 - static_cast<double>(s) / static_cast<double>(std::max(1L, steps)), 0.9); };
  });
  options.generator_optimizer = AdamOptions{.schedule = polynomial};
  options.average = MovingAverageOptions{.half_life = std::numeric_limits<double>::infinity()};
  SmallTraining<float> one(options), other(options);
  one.trainer->save(folder / "a");
  other.trainer->load(folder / "a");
  CHECK(other.trainer->state() == one.trainer->state());
}

TEST_CASE("checkpoint: another version of the library, another format, and other files are refused") {
  const TemporaryFolder folder;
  SmallTraining<float> small;
  small.trainer->save(folder / "a");
  const auto load = [&] { return error_of([&] { small.trainer->load(folder / "a"); }); };
  const std::string what = "checkpoint " + quoted(folder / "a") + ": ";

  // As another version would have written it: with a checksum that is right.
  const auto rewrite = [&](const std::string& before, const std::string& after) {
    small.trainer->save(folder / "a");
    const auto file = Safetensors::read(folder / "a");
    std::vector<Tensor<float>> tensors;
    std::vector<NamedTensor> named;
    for (const auto& name : file.names()) tensors.push_back(file.tensor<float>(name));
    for (std::size_t i = 0; i < tensors.size(); ++i) named.push_back({file.names()[i], &tensors[i]});
    std::string text = file.metadata().at("rival_checkpoint");
    const auto at = text.find(before);
    REQUIRE(at != std::string::npos);
    text.replace(at, before.size(), after);
    write_safetensors(folder / "a", named,
                      {{"rival_checkpoint", text}, {"rival_checksum", internal::checksum_text(text, named)}});
  };
  const std::string here(version);
  rewrite("\"library\":\"" + here, "\"library\":\"0.0.9");
  CHECK(load() == what + "it cannot go on here:\n  library: the checkpoint has \"0.0.9\", here it is \"" + here + '"');
  rewrite("{\"version\":1", "{\"version\":2");
  CHECK(load() == what + "expected a checkpoint's version 1, got 2");
  rewrite("\"fits\":0", "\"fits\":-1");
  CHECK_THAT(load(), ContainsSubstring("expected a state of numbers >= 0"));
  rewrite("\"learning_rate\":0.001}", "\"learning_rate\":-1.0}");
  CHECK_THAT(load(), ContainsSubstring("expected an optimiser's steps and rate, got 0 and -1"));
  rewrite("\"fits\":0", "\"fits\":\"0\"");
  CHECK(load() == what + "its description cannot be read (expected a whole number, got string)");
  rewrite("\"fits\":0", "\"none\":0");
  CHECK_THAT(load(), StartsWith(what + "its description cannot be read ("));

  Tensor<float> tensor({2}, 1.0f);
  write_safetensors(folder / "a", {{"a", &tensor}});
  CHECK(load() == what + "it is a safetensors file, but no checkpoint");
  std::filesystem::remove(folder / "a");
  CHECK(load() == "safetensors file " + quoted(folder / "a") + ": no such file");
}

TEST_CASE("checkpoint: fit goes on with the data that it began with, and with no other") {
  const TemporaryFolder folder;
  auto recipe = make<float>("gan");
  AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
  trainer.fit(digits(), {.steps = 1});
  trainer.save(folder / "a");
  auto again = make<float>("gan");
  AdversarialTrainer<> other(again.generator, again.discriminator, again.options);
  other.load(folder / "a");
  CHECK_THROWS_WITH(other.fit(digits(1), {.steps = 2, .resume = true}),
                    ContainsSubstring("trainer: expected the data set of the fit that is to go on, got another one"));
  other.fit(digits(), {.steps = 2, .resume = true});
  CHECK(other.state().steps == 2);
}

TEST_CASE("checkpoint: cut at any byte, or with a byte of its header turned, it is refused or gives the same") {
  const TemporaryFolder folder;
  SmallTraining<float> small;
  small.step();
  CheckpointExtras extras;
  extras.texts["options"] = "some";
  extras.bytes["frames"] = Tensor<std::uint8_t>({2}, std::uint8_t{7});
  small.trainer->save(folder / "a", extras);
  const std::string whole = read_bytes(folder / "a");
  SmallTraining<float> target;
  const auto taken = [&](std::string bytes) {
    try {
      auto file = internal::parse_checkpoint(Safetensors::parse(std::move(bytes)), "checkpoint");
      const auto got = file.take_extras();
      internal::load_checkpoint(*target.trainer, file);
      target.trainer->save(folder / "b", got);
      CHECK((read_bytes(folder / "b") == whole));
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  CHECK(taken(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    if (taken(whole.substr(0, size))) FAIL("cut to " << size << " bytes");
  // Each byte of the header with one bit turned, another one each time, and with all; of the values every seventh.
  std::size_t header = 8;
  for (std::size_t i = 0; i < 8; ++i) header += std::size_t{static_cast<unsigned char>(whole[i])} << (8 * i);
  std::size_t unharmed = 0;
  for (std::size_t i = 0; i < whole.size(); i += i < header ? 1 : 7)
    for (const int mask : {1 << (i % 8), 0xff}) {
      std::string turned = whole;
      turned[i] = static_cast<char>(turned[i] ^ mask);
      unharmed += taken(turned);
    }
  CHECK(unharmed < 8);  // blanks behind the header
}

#ifdef __linux__
namespace {
/// What fsync is to fail for: a file (S_IFREG) or a folder (S_IFDIR).
mode_t sync_fails_for = 0;
}  // namespace

/// Stands in front of the C library's.
extern "C" int fsync(int descriptor) {
  struct stat about {};
  if (sync_fails_for != 0 && fstat(descriptor, &about) == 0 && (about.st_mode & S_IFMT) == sync_fails_for) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

TEST_CASE("checkpoint: no room, no folder and a disk that fails leave the earlier checkpoint, and say so") {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  SmallTraining<float> small;
  small.step();
  small.trainer->save(path);
  const std::string before = read_bytes(path);
  small.step();
  const auto save = [&](const std::filesystem::path& to) { return error_of([&] { small.trainer->save(to); }); };
  const std::string what = "cannot write " + quoted(path) + ": ";

  sync_fails_for = S_IFREG;
  CHECK(save(path) == what + std::strerror(EIO));
  sync_fails_for = 0;
  CHECK((read_bytes(path) == before));
  CHECK(folder.count() == 1);

  // At the start, within the header, within the values and one byte before the end.
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  for (const rlim_t room : {rlim_t{0}, rlim_t{1000}, static_cast<rlim_t>(before.size()) - 500}) {
    INFO(room << " bytes");
    const rlimit tight{room, limit.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
    const std::string error = save(path);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(error == what + std::strerror(EFBIG));
    CHECK((read_bytes(path) == before));
    CHECK(folder.count() == 1);
  }
  std::signal(SIGXFSZ, handler);

  std::filesystem::create_directory(folder / "folder");
  CHECK(save(folder / "folder") == "cannot write " + quoted(folder / "folder") + ": it is a folder");
  CHECK_THAT(save(folder / "none/a"), ContainsSubstring(": there is no folder "));
  CHECK_THAT(save("/proc/self/a"), ContainsSubstring("cannot write \"/proc/self/a\": "));  // nobody may write there

  // The folder's own bytes are the last: the new file stands there, and it is said that a power cut may take it away.
  sync_fails_for = S_IFDIR;
  CHECK(save(path) == what + std::strerror(EIO));
  sync_fails_for = 0;
  CHECK((read_bytes(path) != before));
  small.trainer->load(path);
}
#endif

// Runs the example as a user does.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "catch.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "rival/data/idx.hpp"
#include "rival/io/network_file.hpp"
#include "rival/io/npy.hpp"
#include "run_program.hpp"
#include "small_digits.hpp"
#include "temporary_folder.hpp"

using rival::write_idx;
using rival_test::Arguments;
using rival_test::content;
using rival_test::images_name;
using rival_test::labels_name;
using rival_test::lines;
using rival_test::promised;
using rival_test::quick;
using rival_test::quoted;
using rival_test::read_bytes;
using rival_test::Run;
using rival_test::SmallData;
using rival_test::TemporaryFolder;
using rival_test::wait_for;

namespace {

/// Starts mnist_gan.
pid_t start(const Arguments& arguments, int out, const std::filesystem::path& err) {
  return rival_test::start(RIVAL_MNIST_GAN_BINARY, arguments, out, err);
}
/// Runs it to its end.
Run run(const Arguments& arguments) { return rival_test::run(RIVAL_MNIST_GAN_BINARY, arguments); }

void check_files(const std::filesystem::path& out, std::size_t steps) {
  auto files = content(out);
  for (const auto& name : promised) {
    INFO(name);
    REQUIRE(files.count(name) == 1);
    CHECK(files[name].size() > 100);
  }
  CHECK(files["samples.png"].substr(0, 8) == "\x89PNG\r\n\x1a\n");
  CHECK(files["progress.gif"].substr(0, 6) == "GIF89a");
  CHECK(files["progress.gif"].back() == ';');
  CHECK(files["losses.svg"].find("</svg>") != std::string::npos);
  for (const std::string title :
       {"Warnings", "Samples", "Losses", "Mean scores", "Accuracy of the discriminator", "Speed",
        "From one latent vector to another", "Classes of the training set", "Settings", "Generator", "Discriminator"}) {
    INFO(title);
    CHECK(files["report.html"].find("<h2>" + title + "</h2>") != std::string::npos);
  }
  CHECK(files["summary.txt"].find("architecture dense") != std::string::npos);

  const auto rows = lines(files["losses.csv"]);
  REQUIRE(rows.size() == steps + 1);
  CHECK(rows[0] ==
        "step,epoch,discriminator_loss,generator_loss,real_score,fake_score,accuracy,penalty,auxiliary_loss");
  for (std::size_t i = 1; i <= steps; ++i) {
    CHECK(rows[i].find(std::to_string(i) + ",") == 0);
    CHECK(std::count(rows[i].begin(), rows[i].end(), ',') == 8);
  }
}

}  // namespace

TEST_CASE("mnist_gan: twenty steps on the real digits write all that is promised") {
  const TemporaryFolder folder;
  const auto out = folder / "new/folder";
  const auto result = run({"--architecture", "dense", "--steps", "20", "--samples", "5", "--sample-every", "10",
                           "--data", RIVAL_MNIST_DIR, "--out", out.string()});
  CHECK(result.err.empty());
  REQUIRE(result.code == 0);
  check_files(out, 20);
  const auto generated = rival::read_npy<std::uint8_t>(out / "generated.npy");
  CHECK(generated.shape() == rival::Shape{5, 28, 28});
  const auto [least, greatest] = std::minmax_element(generated.data(), generated.data() + generated.size());
  CHECK(*greatest - *least > 50);
  CHECK(content(out).size() == promised.size() + 1);  // and nothing else
  CHECK(content(out).at("report.html").find("<h2>Nearest training pictures</h2>") != std::string::npos);

  // Into a file go plain lines; the last ones say where what was written.
  CHECK(result.out.find('\r') == std::string::npos);
  CHECK(result.out.find("epoch 1/1  step 20/20  ") != std::string::npos);
  for (const auto& name : promised)
    CHECK(result.out.find("wrote " + (out / name).string() + "\n") != std::string::npos);
  CHECK(result.out.find("wrote " + (out / "generated.npy").string() + "\n") != std::string::npos);
}

TEST_CASE("mnist_gan: --best-of chooses samples by the discriminator, and nothing else changes") {
  const SmallData data(40);
  const TemporaryFolder folder;
  const auto train = [&](const char* name, Arguments more) {
    more.insert(more.end(), {"--architecture", "dense", "--data", data.path().string(), "--batch", "10", "--epochs",
                             "5", "--samples", "40", "--quiet", "--out", (folder / name).string()});
    const auto result = run(more);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return content(folder / name);
  };
  const auto mean_score = [&](const char* name) {
    const auto bytes = rival::read_npy<std::uint8_t>(folder / name / "generated.npy");
    rival::Tensor<float> images({bytes.dim(0), 28, 28, 1});
    for (rival::Index i = 0; i < images.size(); ++i) images[i] = static_cast<float>(bytes[i]) / 127.5F - 1;
    rival::Trace<float> trace;
    return rival::load_discriminator(folder / name / "discriminator.safetensors").infer(images, trace).array().mean();
  };
  auto plain = train("plain", {}), chosen = train("chosen", {"--best-of", "8"});
  CHECK(mean_score("chosen") > mean_score("plain"));
  for (const char* name : {"generator.safetensors", "discriminator.safetensors", "progress.gif"})
    CHECK(plain[name] == chosen[name]);
  CHECK(plain["samples.png"] != chosen["samples.png"]);
  CHECK(chosen["summary.txt"].find("each the one of 8 that the discriminator scores highest") != std::string::npos);
  CHECK(plain["summary.txt"].find("scores highest") == std::string::npos);
  CHECK(train("one", {"--best-of", "1"})["samples.png"] == plain["samples.png"]);

  // The default recipe chooses by itself.
  REQUIRE(run({"--steps", "1", "--data", data.path().string(), "--batch", "10", "--quiet", "--out",
               (folder / "rpgan").string()})
              .code == 0);
  CHECK(content(folder / "rpgan")["summary.txt"].find("each the one of 3 that") != std::string::npos);
}

TEST_CASE("mnist_gan: the other architectures run too") {
  const SmallData data(8);
  for (const std::string architecture : {"dcgan28", "tfdcgan"}) {
    const TemporaryFolder out;
    const auto result = run({"--architecture", architecture, "--data", data.path().string(), "--out",
                             out.path().string(), "--batch", "4", "--epochs", "1", "--latent", "7", "--quiet"});
    CHECK(result.err.empty());
    CHECK(result.code == 0);
    CHECK(lines(read_bytes(out / "losses.csv")).size() == 3);
    CHECK(read_bytes(out / "summary.txt").find("architecture " + architecture) == 0);
  }
}

TEST_CASE("mnist_gan: trains the recipe rpgan by itself, and an architecture by the settings it always had") {
  const SmallData data(64);
  const TemporaryFolder out;
  const auto summary = [&](const Arguments& more) {
    Arguments all{"--data", data.path().string(), "--out", (out / "run").string(), "--steps", "1", "--quiet"};
    all.insert(all.end(), more.begin(), more.end());
    const auto result = run(all);
    INFO(result.err);
    CHECK(result.code == 0);
    auto files = content(out / "run");
    files["summary.txt"].erase(files["summary.txt"].find(", threads"));  // behind it come machine and time
    files["report.html"] = rival_test::lasting(files["report.html"]);
    return files;
  };
  const auto usual = summary({});
  CHECK(usual.at("summary.txt") == "recipe rpgan, batch 16, discriminator steps 1, seed 1");
  CHECK((usual == summary({"--recipe", "rpgan"})));
  CHECK(summary({"--architecture", "dcgan28"}).at("summary.txt") ==
        "architecture dcgan28, batch 32, latent 100, Adam learning rate 0.0003, beta1 0.5, seed 1");
}

TEST_CASE("mnist_gan: takes the steps that are asked for, unless epochs are that end earlier") {
  const SmallData data(40);  // two steps an epoch, ten of them by default
  const TemporaryFolder out;
  const auto rows = [&](const Arguments& more) {
    const auto result = run(quick(data.path(), out.path(), more));
    INFO(result.err);
    CHECK(result.code == 0);
    return lines(content(out.path()).at("losses.csv")).size() - 1;
  };
  CHECK(rows({"--steps", "13"}) == 13);
  CHECK(rows({"--steps", "13", "--epochs", "2"}) == 4);
  CHECK(rows({"--steps", "3", "--epochs", "2"}) == 3);
}

TEST_CASE("mnist_gan: --quiet prints nothing") {
  const SmallData data;
  const TemporaryFolder out;
  const auto result = run(quick(data.path(), out.path(), {"--steps", "2", "--quiet"}));
  CHECK(result.code == 0);
  CHECK(result.out.empty());
  CHECK(result.err.empty());
  check_files(out.path(), 2);
}

TEST_CASE("mnist_gan: --help lists the options") {
  const auto result = run({"--help"});
  CHECK(result.code == 0);
  CHECK(result.err.empty());
  for (const std::string option :
       {"--architecture", "--data", "--out", "--epochs", "--steps", "--batch", "--latent", "--learning-rate", "--beta1",
        "--seed", "--threads", "--sample-every", "--samples", "--quiet", "--help"}) {
    INFO(option);
    CHECK(result.out.find(option) != std::string::npos);
  }
}

TEST_CASE("mnist_gan: the same seed gives the same losses and pictures on any number of threads") {
  const SmallData data;
  const auto train = [&](const Arguments& more) {
    const TemporaryFolder out;
    Arguments arguments{"--steps", "12", "--samples", "3", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    CHECK(run(quick(data.path(), out.path(), arguments)).code == 0);
    auto files = content(out.path());
    files.erase("summary.txt");  // it tells the time
    files["report.html"] = rival_test::lasting(files["report.html"]);
    return files;
  };
  const auto files = train({"--seed", "5", "--threads", "1"});
  CHECK(files.size() == promised.size());  // generated.npy, and all but the summary
  CHECK((files == train({"--seed", "5", "--threads", "2"})));
  CHECK(files.at("losses.csv") != train({"--seed", "6"}).at("losses.csv"));
}

TEST_CASE("mnist_gan: a bar on a terminal") {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  REQUIRE(grantpt(terminal) == 0);
  REQUIRE(unlockpt(terminal) == 0);
  const int slave = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  REQUIRE(slave >= 0);
  const winsize window{.ws_row = 24, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
  REQUIRE(ioctl(slave, TIOCSWINSZ, &window) == 0);
  const SmallData data;
  const TemporaryFolder out, errors;
  const pid_t child = start(quick(data.path(), out.path(), {"--steps", "5"}), slave, errors / "err");
  close(slave);
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = read(terminal, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  close(terminal);
  CHECK(wait_for(child) == 0);
  CHECK(text.find("\repoch 1/1 [") != std::string::npos);
  CHECK(text.find("\repoch 1/1 [################] 5/5  ") != std::string::npos);
  for (const std::string part : {" images/s  D ", "  G ", " left"}) CHECK(text.find(part) != std::string::npos);
}

TEST_CASE("mnist_gan: Ctrl-C finishes the step, writes everything and exits with 130") {
  const SmallData data;
  const TemporaryFolder out, streams;
  const auto printed = streams / "out";
  const int file = open(printed.c_str(), O_WRONLY | O_CREAT, 0600);
  const pid_t child =
      start(quick(data.path(), out.path(), {"--epochs", "10000", "--steps", "100000", "--samples", "2"}), file,
            streams / "err");
  close(file);
  // The first line comes with the first step.
  for (int i = 0; i < 6000 && read_bytes(printed).find("step 1/") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  // A second run has to leave the folder alone.
  const auto second = run(quick(data.path(), out.path()));
  CHECK(second.code == 2);
  CHECK(second.err == "mnist_gan: --out: expected a folder that no other run writes to at the moment, got " +
                          quoted(out.path()) + "\n");
  kill(child, SIGINT);
  CHECK(wait_for(child) == 130);
  CHECK(read_bytes(streams / "err").empty());
  const auto rows = lines(read_bytes(out / "losses.csv")).size();
  REQUIRE(rows >= 2);
  CHECK(rows < 100000);
  check_files(out.path(), rows - 1);
  CHECK(rival::read_npy<std::uint8_t>(out / "generated.npy").shape() == rival::Shape{2, 28, 28});
  CHECK(read_bytes(out / "summary.txt").find("(interrupted)") != std::string::npos);
  CHECK(read_bytes(printed).find("interrupted after step " + std::to_string(rows - 1) + "\n") != std::string::npos);
}

namespace {

/// An output folder that holds the files of an earlier run.
struct EarlierOutput : TemporaryFolder {
  EarlierOutput() {
    for (const auto& name : promised) write(name, "earlier " + name);
    write("generated.npy", "earlier generated.npy");
    before = content(path());
  }
  std::map<std::string, std::string> before;
};

/// Runs with bad input: one line on stderr that holds all of `expected`, and no file is touched.
void check_refused(const std::filesystem::path& data, const Arguments& more, const Arguments& expected) {
  const EarlierOutput out;
  REQUIRE(out.before.size() == promised.size() + 1);
  const auto result = run(quick(data, out.path(), more));
  INFO(result.err);
  CHECK(result.code == 2);
  REQUIRE(lines(result.err).size() == 1);
  CHECK(result.err.back() == '\n');
  CHECK(result.err.find("mnist_gan: ") == 0);
  for (const auto& part : expected) CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring(part));
  CHECK(result.out.empty());
  CHECK((content(out.path()) == out.before));
}

std::string word(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

}  // namespace

TEST_CASE("mnist_gan: refuses a bad command line") {
  const SmallData data;
  const auto refuse = [&](const Arguments& more, const Arguments& expected) {
    check_refused(data.path(), more, expected);
  };
  for (const std::string option : {"--batch", "--latent", "--threads", "--epochs"})
    refuse({option, "0"}, {option + ": expected at least 1, got 0"});
  refuse({"--batch", "201"}, {"--batch: expected at most the 200 images in " + quoted(data.path()) + ", got 201"});
  refuse({"--batch", "1"}, {"--batch: expected at least 2 for the batch norm of dense, got 1"});
  refuse({"--batch", "010"}, {"--batch: expected a number without leading zeros, got 010"});
  refuse({"--epochs", "abc"}, {"--epochs: expected a whole number, got abc"});
  refuse({"--epochs", "1.5"}, {"--epochs: expected a whole number, got 1.5"});
  refuse({"--epochs", "-3"}, {"--epochs: expected at least 1, got -3"});
  refuse({"--batch", "99999999999999999999"}, {"--batch: expected at most ", ", got 99999999999999999999"});
  refuse({"--seed", "-1"}, {"--seed: expected a whole number >= 0, got -1"});
  refuse({"--learning-rate", "nan"}, {"--learning-rate: expected a positive number, got nan"});
  refuse({"--learning-rate", "0"}, {"--learning-rate: expected a positive number, got 0"});
  refuse({"--learning-rate", "fast"}, {"--learning-rate: expected a number, got fast"});
  refuse({"--beta1", "1"}, {"--beta1: expected a number from 0 to below 1, got 1"});
  refuse({"--samples", "0"}, {"--samples: expected at least 1, got 0"});
  refuse({"--best-of", "0"}, {"--best-of: expected 1 to 1000, got 0"});
  refuse({"--sample-every", "0"}, {"--sample-every: expected at least 1, got 0"});
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // which end the program instead of throwing bad_alloc
  refuse({"--samples", "999999999999999"}, {"--samples", "memory"});
#endif
  refuse({"--architecture", "gan"}, {"--architecture: expected dense, dcgan28 or tfdcgan, got gan"});
  refuse({"--colour"}, {"--colour"});
  refuse({"digits"}, {"digits"});
  CHECK(run({"--steps", "0"}).err == "mnist_gan: --steps: expected at least 1, got 0\n");
}

TEST_CASE("mnist_gan: refuses a folder that cannot be written") {
  const SmallData data;
  const TemporaryFolder folder;
  folder.write("file", "earlier");
  for (const std::string name : {"file", "file/below", "file/far/below"}) {
    const auto result = run(quick(data.path(), folder / name));
    CHECK(result.code == 2);
    CHECK(lines(result.err).size() == 1);
    CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring("--out: expected a folder that can be made, got " +
                                                              quoted(folder / name)));
    CHECK(content(folder.path()) == std::map<std::string, std::string>{{"file", "earlier"}});
  }
}

TEST_CASE("mnist_gan: refuses bad data") {
  const TemporaryFolder empty;
  check_refused(empty / "none", {}, {"no such folder " + quoted(empty / "none")});
  check_refused(empty.path(), {}, {"expected the file train-images-idx3-ubyte", "found none"});
  check_refused(SmallData(40, 32).path(), {}, {"--data: expected images of 28x28x1 for dense, got 32x32x1"});

  const SmallData data;
  const auto images = data / images_name, labels = data / labels_name;
  const std::string good = read_bytes(images), good_labels = read_bytes(labels);
  const auto refuse_images = [&](const std::string& bytes, const Arguments& expected) {
    data.write(images_name, bytes);
    check_refused(data.path(), {}, expected);
    data.write(images_name, good);
  };
  refuse_images(word(0x802) + good.substr(4),
                {quoted(images), "expected the magic number 0x00000803", "got 0x00000802"});
  refuse_images(good.substr(0, good.size() - 1), {quoted(images), "200x28x28 = 156800 bytes, got 156799"});
  refuse_images(good + '\0', {quoted(images), "200x28x28 = 156800 bytes, got 156801"});
  refuse_images(good.substr(0, 10), {quoted(images), "expected 4 bytes of an extent, got 2"});
  refuse_images("", {quoted(images), "empty"});
  refuse_images(word(0x803) + word(~0u) + word(~0u) + word(~0u) + good.substr(16),
                {quoted(images), "its header says 4294967295x4294967295, more elements than an index can count"});

  data.write(labels_name, word(0x801) + word(199) + good_labels.substr(9));
  check_refused(data.path(), {}, {"has 200 images", "has 199 labels"});

  std::filesystem::remove(labels);
  const auto real = read_bytes(std::filesystem::path(RIVAL_MNIST_DIR) / "train-labels-idx1-ubyte.gz");
  REQUIRE(real.size() > 20000);
  data.write(std::string(labels_name) + ".gz", real.substr(0, real.size() / 2));
  check_refused(data.path(), {}, {"train-labels-idx1-ubyte.gz", "ends inside its gzip data"});
}

TEST_CASE("mnist_gan: stops when training diverges, with the step, what to try, and the files of what was good") {
  const SmallData data;
  const EarlierOutput out;
  const auto result =
      run(quick(data.path(), out.path(), {"--learning-rate", "1e5", "--epochs", "50", "--steps", "500", "--quiet"}));
  INFO(result.err);
  CHECK(result.code == 1);
  REQUIRE(lines(result.err).size() == 1);
  const std::string begin = "mnist_gan: training stopped at step ";
  REQUIRE(result.err.find(begin) == 0);
  for (const std::string part : {": expected a finite loss of the ", "try a smaller learning rate"})
    CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring(part));
  const auto steps = static_cast<std::size_t>(std::stoi(result.err.substr(begin.size())) - 1);
  REQUIRE(steps >= 1);
  check_files(out.path(), steps);
  const auto files = content(out.path());
  CHECK(files.size() == promised.size());  // the earlier run's generated.npy is gone
  CHECK(files.at("losses.csv").find("nan") == std::string::npos);
  CHECK(files.at("report.html").find("Nearest training") == std::string::npos);  // pixels that are not finite
  CHECK_THAT(files.at("summary.txt"), Catch::Matchers::ContainsSubstring("steps " + std::to_string(steps) +
                                                                         " of 500 (training stopped at step "));
}

TEST_CASE("mnist_gan: recipes train, and conditional ones draw a row a class, or one class") {
  std::vector<std::uint8_t> pixels(200 * 28 * 28), classes(200);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i / 5 % 7 * 40);
  for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<std::uint8_t>(i % 10);
  const TemporaryFolder data, out;
  write_idx(data / images_name, {200, 28, 28}, pixels.data());
  write_idx(data / labels_name, {200}, classes.data());
  const auto train = [&](const Arguments& more) {
    Arguments all{"--data", data.path().string(), "--out", (out / "run").string(), "--batch", "10", "--steps",
                  "2",      "--samples",          "30"};
    all.insert(all.end(), more.begin(), more.end());
    const auto result = run(all);
    INFO(result.err);
    CHECK(result.code == 0);
    return content(out / "run");
  };
  for (const std::string name : {"gan", "wgan-gp", "sngan"}) {
    const auto files = train({"--recipe", name});
    CHECK(files.at("summary.txt").find("recipe " + name + ", batch 10") == 0);
    CHECK(lines(files.at("losses.csv")).size() == 3);
  }
  for (const std::string name : {"cgan", "infogan"}) {
    const auto rows = train({"--recipe", name}), one = train({"--recipe", name, "--label", "3"});
    CHECK(rows.at("samples.png") != one.at("samples.png"));
    CHECK(rows.at("generated.npy") != one.at("generated.npy"));
    CHECK(rows.at("losses.csv") == one.at("losses.csv"));
  }
}

TEST_CASE("mnist_gan: refuses recipes and labels that there are not, and options that a recipe chooses") {
  const SmallData data;
  const auto refuse = [&](const Arguments& more, const Arguments& expected) {
    check_refused(data.path(), more, expected);
  };
  refuse({"--recipe", "biggan"}, {"--architecture: expected no --recipe beside it, which chooses it; got biggan"});
  const TemporaryFolder out;
  const auto plain = [&](const Arguments& more, const std::string& expected) {
    Arguments all{"--data", data.path().string(), "--out", (out / "none").string()};
    all.insert(all.end(), more.begin(), more.end());
    const auto result = run(all);
    CHECK(result.code == 2);
    CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring(expected));
    CHECK(lines(result.err).size() == 1);
    CHECK(!std::filesystem::exists(out / "none"));
  };
  plain(
      {"--recipe", "biggan"},
      "recipe: expected one of rpgan, gan, dcgan, lsgan, wgan, wgan-gp, sngan, dragan, r3gan, cgan, acgan, projection, "
      "infogan, got biggan");
  plain({"--recipe", "dcgan", "--label", "3"},
        "--label: expected a conditional recipe (cgan, acgan, projection or infogan), got dcgan");
  plain({"--label", "3"}, "--label: expected a conditional recipe");
  plain({"--recipe", "cgan", "--label", "10"}, "--label: expected one of the 1 labels 0, got 10");
  plain({"--recipe", "cgan", "--label", "-1"}, "--label: expected a class, got -1");
  plain({"--recipe", "dcgan", "--beta1", "0.5"}, "--beta1: expected no --recipe beside it");
  for (const std::string option : {"--latent", "--learning-rate", "--beta1"})
    plain({option, option == "--latent" ? "5" : "0.5"},
          option + ": expected --architecture beside it; without, the recipe chooses it: rpgan");
  plain({"--recipe", ""}, "--recipe: expected a name, got an empty one");
  plain({"--recipe", "wgan", "--batch", "100"},
        "--batch: expected at most 40 for the 5 discriminator steps of wgan, got 100");
}

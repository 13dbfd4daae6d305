// Runs classify as a user does.
#include "catch.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rival/data/idx.hpp"
#include "rival/image/png.hpp"
#include "rival/io/network_file.hpp"
#include "rival/io/npy.hpp"
#include "run_program.hpp"
#include "temporary_folder.hpp"

using rival_test::Arguments;
using rival_test::content;
using rival_test::lines;
using rival_test::quoted;
using rival_test::TemporaryFolder;

namespace {

Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

rival_test::Run run(const Arguments& arguments) { return rival_test::run(RIVAL_CLASSIFY_BINARY, arguments); }

/// 60 pictures of 12 x 12 to train, 12 to test: bright at the top (label 3) or at the bottom (label 7).
struct SmallSet : TemporaryFolder {
  SmallSet() {
    write("train", 60);
    write("t10k", 12);
  }
  void write(const std::string& part, rival::Index count) const {
    std::vector<std::uint8_t> pixels, labels;
    for (rival::Index n = 0; n < count; ++n) {
      labels.push_back(n % 2 ? 7 : 3);
      for (rival::Index i = 0; i < 144; ++i)
        pixels.push_back(static_cast<std::uint8_t>(((i < 72) == (n % 2 == 0) ? 200 : 20) + (n * 13 + i * 7) % 50));
    }
    rival::write_idx(images(part), {count, 12, 12}, pixels.data());
    rival::write_idx(this->labels(part), {count}, labels.data());
  }
  std::filesystem::path images(const std::string& part) const { return *this / (part + "-images-idx3-ubyte"); }
  std::filesystem::path labels(const std::string& part) const { return *this / (part + "-labels-idx1-ubyte"); }
};

Arguments quick(const std::filesystem::path& out) {
  return {"--out", out.string(), "--batch", "10", "--width", "2", "--epochs", "2", "--quiet"};
}

/// But for times and threads.
std::map<std::string, std::string> left(const std::filesystem::path& out) {
  auto files = content(out);
  std::erase_if(files, [](const auto& file) { return file.first.starts_with("checkpoint-"); });
  std::string& summary = files.at("summary.txt");
  for (const std::string word : {"threads ", "seconds ", "images/s "})
    if (const auto at = summary.find(word); at != std::string::npos)
      summary.erase(at, summary.find_first_of(",\n", at) - at);
  return files;
}

}  // namespace

TEST_CASE("classify: leaves a classifier, its losses, and what it takes for what") {
  const SmallSet data;
  const TemporaryFolder out;
  const auto result = run(quick(out.path()) + Arguments{"--data", data.path().string()});
  CHECK(result.err.empty());
  CHECK(result.out.empty());
  REQUIRE(result.code == 0);
  auto files = content(out.path());
  for (const char* name : {"classifier.safetensors", "losses.csv", "losses.svg", "mistakes.png", "summary.txt"}) {
    INFO(name);
    CHECK(files.count(name) == 1);
  }
  CHECK(files.size() == 5);
  const auto rows = lines(files["losses.csv"]);
  REQUIRE(rows.size() == 13);  // 2 epochs of 6 steps
  CHECK(rows[0] == "step,epoch,loss,accuracy");
  CHECK(rows[7].starts_with("7,2,"));
  CHECK(files["mistakes.png"].substr(0, 8) == "\x89PNG\r\n\x1a\n");
  const std::string& summary = files["summary.txt"];
  CHECK(summary.find("training samples 60, test samples 12, classes 2\n") != std::string::npos);
  CHECK(summary.find("steps 12 of 12, epochs 2") != std::string::npos);
  CHECK(summary.find("class (row) taken for class (column)\n           3     7\n     3") != std::string::npos);

  const auto classifier = rival::load_classifier(out / "classifier.safetensors");
  CHECK(classifier.classes() == 2);
  CHECK(classifier.input_shape() == rival::Shape({12, 12, 1}));
  CHECK(classifier.features(rival::Tensor<float>({3, 12, 12, 1})).shape() == rival::Shape({3, 64}));
}

TEST_CASE("classify: IDX files, and .npy files of pictures or rows, of which the last are held out") {
  const SmallSet data;
  const TemporaryFolder out;
  const auto has = [&](const std::string& text) {
    return content(out.path())["summary.txt"].find(text) != std::string::npos;
  };
  CHECK(run(quick(out.path()) +
            Arguments{"--images", data.images("train").string(), "--labels", data.labels("train").string()})
            .code == 0);
  CHECK(has("training samples 50, test samples 10, classes 2\n"));
  CHECK(run(quick(out.path()) + Arguments{"--images", data.images("train").string(), "--labels",
                                          data.labels("train").string(), "--test-images", data.images("t10k").string(),
                                          "--test-labels", data.labels("t10k").string(), "--transpose"})
            .code == 0);
  CHECK(has("training samples 60, test samples 12, classes 2\n"));

  rival::Tensor<float> rows({40, 5});
  rival::Tensor<std::uint8_t> pictures({40, 9, 8, 3});
  rival::Tensor<std::int64_t> labels({40});
  for (rival::Index i = 0; i < 40; ++i) {
    labels[i] = i % 4;
    for (rival::Index k = 0; k < 5; ++k) rows(i, k) = static_cast<float>(i % 4 == k) + 0.01f * static_cast<float>(i);
    for (rival::Index k = 0; k < 216; ++k) pictures[i * 216 + k] = static_cast<std::uint8_t>(i % 4 * 60 + k % 50);
  }
  rival::write_npy(out / "rows.npy", rows);
  rival::write_npy(out / "pictures.npy", pictures);
  rival::write_npy(out / "labels.npy", labels);
  for (const std::string name : {"rows", "pictures"}) {
    INFO(name);
    const auto result = run(quick(out.path()) + Arguments{"--images", (out / (name + ".npy")).string(), "--labels",
                                                          (out / "labels.npy").string(), "--hold-out", "10"});
    CHECK(result.err.empty());
    CHECK(result.code == 0);
    CHECK(has("training samples 30, test samples 10, classes 4\n"));
    CHECK(std::filesystem::exists(out / "mistakes.png") == (name == "pictures"));
  }
}

TEST_CASE("classify: a folder of pictures, of which some are held out at random") {
  const TemporaryFolder out;
  const auto folder = out / "pictures";
  for (int i = 0; i < 36; ++i) {
    const auto kind = folder / (i % 2 == 0 ? "dark ones" : "light");
    std::filesystem::create_directories(kind);
    rival::Image image{9, 10 + i % 3, 1, {}};
    image.bytes.assign(static_cast<std::size_t>(image.height * image.width),
                       static_cast<std::uint8_t>(i % 2 * 200 + i));
    rival::write_png(kind / (std::to_string(i) + ".png"), image);
  }
  const auto result = run({"--out", (out / "run").string(), "--data", folder.string(), "--size", "8", "--epochs", "2",
                           "--batch", "10", "--width", "2"});
  CHECK(result.err.empty());
  REQUIRE(result.code == 0);
  CHECK(
      result.out.starts_with("36 pictures of 8x8, grey, made from 9x10 to 9x12\n"
                             "2 classes from sub-folders: dark ones (18), light (18)\n"));
  const std::string summary = content(out / "run")["summary.txt"];
  CHECK(summary.find("training samples 30, test samples 6, classes 2\n") != std::string::npos);
  CHECK(summary.find("dark ones") != std::string::npos);

  const auto refuse = [&](const Arguments& arguments, const std::string& expected) {
    const auto refused = run(arguments + Arguments{"--out", (out / "none").string()});
    CHECK(refused.code == 2);
    CHECK(refused.err.find(expected) != std::string::npos);
  };
  refuse({"--data", folder.string()}, "expected pictures of one size, or a `size` for all");
  refuse({"--data", (folder / "light").string(), "--size", "8"},
         "--data: expected pictures in a sub-folder for each class, or a labels.csv");
  refuse({"--size", "8"}, "--size: expected a folder of pictures as --data");
  refuse({"--label-column", "hair"}, "--label-column: expected a folder of pictures as --data");
  refuse({"--data", folder.string(), "--label-column", "hair"}, "expected a labels.csv for the column hair");
  refuse({"--hold-out", "8"}, "--hold-out: expected --images beside it, or a folder of pictures as --data");
  refuse({"--data", folder.string(), "--size", "8", "--hold-out", "36"},
         "--hold-out: expected fewer than the 36 samples");
}

TEST_CASE("classify: a run in two parts leaves the files of an unbroken one, on any number of threads") {
  const SmallSet data;
  const TemporaryFolder whole, broken;
  const Arguments set{"--data", data.path().string()};
  REQUIRE(run(quick(whole.path()) + set + Arguments{"--threads", "1"}).code == 0);
  // A training that has come to its end goes on from its last checkpoint but one as if it had been interrupted there.
  REQUIRE(
      run(quick(broken.path()) + set + Arguments{"--threads", "2", "--checkpoint-every", "5", "--keep", "3"}).code ==
      0);
  std::filesystem::remove(broken / "checkpoint-000012.safetensors");
  std::filesystem::remove(broken / "checkpoint-000010.safetensors");
  const auto rest = run({"--out", broken.path().string(), "--resume", "--threads", "2"});
  CHECK(rest.err.empty());
  CHECK(rest.code == 0);
  CHECK(rest.out.starts_with("goes on after step 5\n"));
  CHECK((left(broken.path()) == left(whole.path())));

  const auto other = run({"--out", broken.path().string(), "--resume", "--width", "3"});
  CHECK(other.code == 2);
  CHECK(other.err ==
        "classify: --resume: expected the options of the run that is to go on, or none:\n"
        "  --width: the checkpoint has 2, got 3\n");
}

TEST_CASE("classify: refuses what it cannot run, in one line") {
  const SmallSet data;
  const TemporaryFolder out;
  const auto refuse = [&](const Arguments& arguments, const std::string& expected) {
    const auto result = run(arguments + Arguments{"--out", (out / "none").string()});
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    CHECK(result.err == "classify: " + expected + '\n');
    CHECK(!std::filesystem::exists(out / "none"));
  };
  const std::string images = data.images("train").string(), labels = data.labels("train").string();
  refuse({"--epochs", "0"}, "--epochs: expected at least 1, got 0");
  refuse({"--width", "0"}, "--width: expected 1 to 1024, got 0");
  refuse({"--learning-rate", "-1"}, "--learning-rate: expected a positive number, got -1");
  refuse({"--label-smoothing", "1"}, "--label-smoothing: expected a number from 0 to below 1, got 1");
  refuse({"--scale", "0.5"}, "distortion: expected `scale` from 1 to 100, got 0.5");
  refuse({"--images", images}, "--images requires --labels");
  refuse({"--keep", "2"}, "--keep: expected --checkpoint-every beside it, or --resume");
  refuse({"--images", images, "--labels", labels, "--hold-out", "60"},
         "--hold-out: expected fewer than the 60 samples, got 60");
  refuse({"--images", images, "--labels", labels, "--batch", "51"},
         "--batch: expected at most the 50 training samples, got 51");
  refuse(
      {"--images", images, "--labels", data.labels("t10k").string()},
      "mnist: " + quoted(data.images("train")) + " has 60 images, " + quoted(data.labels("t10k")) + " has 12 labels");
  refuse({"--data", out.path().string()},
         "mnist: expected the file train-images-idx3-ubyte, perhaps with .gz and a name in front, in the folder " +
             quoted(out.path()) + ", found none");
}

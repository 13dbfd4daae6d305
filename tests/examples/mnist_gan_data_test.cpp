// The data that people have, given to mnist_gan as they would.
#include <cstdint>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/data/idx.hpp"
#include "run_program.hpp"
#include "small_digits.hpp"
#include "temporary_folder.hpp"

using namespace rival_test;
using rival::write_idx;

namespace {

constexpr rival::Index pictures_in_all = 40;

/// Pictures whose rows differ from their columns.
std::vector<std::uint8_t> pictures() {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(pictures_in_all) * 784);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i / 28 % 5 * 60);
  return pixels;
}

/// Labels `first`, `first` + 1, ... and over again, `classes` of them.
template <class T = std::uint8_t>
std::vector<T> labels(int classes, int first = 0) {
  std::vector<T> all;
  for (int i = 0; i < pictures_in_all; ++i) all.push_back(static_cast<T>(first + i % classes));
  return all;
}

/// A folder with those labels.
struct Labelled : TemporaryFolder {
  Labelled(int classes, int first) {
    write_idx(*this / images_name, {pictures_in_all, 28, 28}, pictures().data());
    write_idx(*this / labels_name, {pictures_in_all}, labels(classes, first).data());
  }
};

/// The files of a short run that succeeds.
std::map<std::string, std::string> train(const Arguments& more) {
  const TemporaryFolder out;
  Arguments all{"--out", out.path().string(), "--batch", "10", "--steps", "2", "--quiet"};
  all.insert(all.end(), more.begin(), more.end());
  const auto result = run(RIVAL_MNIST_GAN_BINARY, all);
  INFO(result.err);
  CHECK(result.code == 0);
  return content(out.path());
}

/// One line says why, and nothing is written.
void refuse(const Arguments& more, const std::string& expected) {
  const TemporaryFolder out;
  Arguments all{"--out", (out / "none").string(), "--batch", "10", "--steps", "2", "--quiet"};
  all.insert(all.end(), more.begin(), more.end());
  const auto result = run(RIVAL_MNIST_GAN_BINARY, all);
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring(expected));
  CHECK(lines(result.err).size() == 1);
  CHECK_FALSE(std::filesystem::exists(out / "none"));
}

/// Rows of pictures in samples.png, which enlarges them twice, with a pixel around each.
int rows(const std::map<std::string, std::string>& files) {
  const std::string& png = files.at("samples.png");
  int height = 0;
  for (std::size_t i = 20; i < 24; ++i) height = height << 8 | static_cast<std::uint8_t>(png[i]);
  CHECK((height / 2 - 1) % 29 == 0);
  return (height / 2 - 1) / 29;
}

}  // namespace

TEST_CASE("mnist_gan: a conditional grid has a row for each class that occurs") {
  const Labelled two(2, 0), letters(26, 1);
  CHECK(rows(train({"--recipe", "cgan", "--data", two.path().string()})) == 2);
  CHECK(rows(train({"--recipe", "cgan", "--data", letters.path().string()})) == 26);
  refuse({"--recipe", "cgan", "--data", two.path().string(), "--label", "5"},
         "--label: expected one of the 2 labels 0, 1, got 5");
  // Labels are the file's own: 26 is the last letter, and 0 none.
  train({"--recipe", "cgan", "--data", letters.path().string(), "--label", "26"});
  refuse({"--recipe", "cgan", "--data", letters.path().string(), "--label", "0"},
         "--label: expected one of the 26 labels 1 to 26, got 0");
}

TEST_CASE("mnist_gan: pictures without labels, for recipes that ask for none") {
  const TemporaryFolder data;
  write_idx(data / images_name, {pictures_in_all, 28, 28}, pictures().data());
  const std::string folder = data.path().string();
  train({"--architecture", "dense", "--data", folder});
  CHECK(rows(train({"--recipe", "infogan", "--data", folder})) == 10);  // classes of its own
  train({"--recipe", "infogan", "--data", folder, "--label", "3"});
  refuse({"--recipe", "cgan", "--data", folder}, "--recipe: expected pictures with labels for cgan, got none in");
}

TEST_CASE("mnist_gan: QMNIST's labels, floats and torchvision's folder") {
  const TemporaryFolder q, floats, torch;
  write_idx(q / "qmnist-train-images-idx3-ubyte", {pictures_in_all, 28, 28}, pictures().data());
  std::vector<std::int32_t> table;
  for (const std::int32_t label : labels<std::int32_t>(3)) {
    table.push_back(label);
    for (int column = 1; column < 8; ++column) table.push_back(1000 * column);
  }
  write_idx(q / "qmnist-train-labels-idx2-int", {pictures_in_all, 8}, table.data());
  CHECK(rows(train({"--recipe", "cgan", "--data", q.path().string()})) == 3);

  const auto bytes = pictures();
  std::vector<float> numbers;
  for (const std::uint8_t b : bytes) numbers.push_back(static_cast<float>(b) / 255);
  write_idx(floats / "train-images-idx3-float", {pictures_in_all, 28, 28}, numbers.data());
  train({"--architecture", "dense", "--data", floats.path().string()});

  std::filesystem::create_directories(torch / "MNIST" / "raw");
  write_idx(torch / "MNIST" / "raw" / images_name, {pictures_in_all, 28, 28}, bytes.data());
  train({"--architecture", "dense", "--data", torch.path().string()});
}

TEST_CASE("mnist_gan: files named one by one, and turned if asked") {
  const TemporaryFolder data;
  const auto images = data / "emnist-letters-train-images-idx3-ubyte",
             classes = data / "emnist-letters-train-labels-idx1-ubyte";
  write_idx(images, {pictures_in_all, 28, 28}, pictures().data());
  write_idx(classes, {pictures_in_all}, labels(4, 1).data());
  const Arguments named{"--recipe", "cgan", "--images", images.string(), "--labels", classes.string()};
  Arguments turned = named;
  turned.push_back("--transpose");
  const auto by_name = train(named), by_name_turned = train(turned),
             found = train({"--recipe", "cgan", "--data", data.path().string()});
  CHECK(rows(by_name) == 4);
  CHECK(by_name.at("losses.csv") != by_name_turned.at("losses.csv"));
  // A folder's EMNIST is turned without being asked.
  CHECK(found.at("losses.csv") == by_name_turned.at("losses.csv"));
  train({"--architecture", "dense", "--images", images.string()});

  refuse({"--labels", classes.string()}, "--labels requires --images");
  refuse({"--transpose"}, "--transpose requires --images");
  refuse({"--images", images.string(), "--data", data.path().string()}, "--data excludes --images");
  refuse({"--images", (data / "none").string()}, "no such file");
  refuse({"--images", classes.string()}, "expected the magic number 0x00000803");
  write_idx(data / "emnist-digits-train-images-idx3-ubyte", {pictures_in_all, 28, 28}, pictures().data());
  refuse({"--data", data.path().string()}, "found emnist-digits-train-images-idx3-ubyte, emnist-letters-train-images-");
}

TEST_CASE("mnist_gan: says what a wrong file is") {
  const TemporaryFolder data;
  const std::string name = std::string(images_name) + ".gz";
  for (const auto& [bytes, expected] :
       {std::pair<std::string, std::string>{"<!DOCTYPE html>\n<html><title>404 Not Found", "(it is a web page"},
        {"PK\x03\x04" + std::string(200, '\0'), "(it is a zip archive"},
        {"version https://git-lfs.github.com/spec/v1\n", "(it is a pointer of Git LFS"},
        {"\x89PNG\r\n\x1a\n picture", "(it is a picture)"}}) {
    data.write(name, bytes);
    refuse({"--data", data.path().string()}, expected);
  }
  std::filesystem::remove(data / name);
  data.write("cat.png", "a picture");
  refuse({"--data", data.path().string()}, "found none; ./scripts/image_gan takes folders of pictures");
}

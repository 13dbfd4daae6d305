// Files that end too early, or whose header has a wrong byte: an error or what the bytes then say, and never more
// memory than they justify. What a reader takes is counted in bytes that it ever asks for, the texts of errors among
// them.
#include <zlib.h>

#include <cstdint>
#include <string>
#include "catch.hpp"

#include "counting_new.hpp"
#include "damaged.hpp"
#include "rival/data/idx.hpp"
#include "rival/io/network_file.hpp"
#include "rival/io/npy.hpp"
#include "rival/io/npz.hpp"
#include "rival/io/safetensors.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/spectral_norm.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

/// A text of an error, some of them one made of another; zlib's state and window; libzip's buffers.
constexpr std::size_t texts = 16 << 10, zlib = 64 << 10, libzip = 256 << 10;

std::string gzip(const std::string& content) {
  const TemporaryFolder folder;
  const gzFile file = gzopen((folder / "x").string().c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
  return read_bytes(folder / "x");
}

std::string idx_file() {
  const TemporaryFolder folder;
  std::vector<std::int16_t> values(60);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int16_t>(i * 37);
  write_idx(folder / "a", {3, 4, 5}, values.data());
  return read_bytes(folder / "a");
}

template <class T>
std::string npy_file(const Tensor<T>& tensor) {
  const TemporaryFolder folder;
  write_npy(folder / "a", tensor);
  return read_bytes(folder / "a");
}

const auto read_as_idx = [](const std::string& bytes) { parse_idx(bytes); };
const auto read_as_npy = [](const std::string& bytes) { parse_npy(bytes); };
const auto read_as_npz = [](const std::string& bytes) { parse_npz(bytes); };
const auto read_as_safetensors = [](const std::string& bytes) {
  const auto file = Safetensors::parse(bytes);
  for (const std::string& name : file.names()) file.tensor<float>(name);
};

}  // namespace

TEST_CASE("damaged files: IDX") {
  const std::string whole = idx_file();
  REQUIRE_NOTHROW(read_as_idx(whole));
  const Damaged cut = cut_everywhere(whole, read_as_idx), flipped = flip_everywhere(whole, 16, read_as_idx);
  CHECK(cut.read == 0);
  CHECK(flipped.refused > 0);
  CHECK(flipped.most_bytes > 0);
  for (const Damaged& damaged : {cut, flipped}) CHECK(damaged.most_bytes <= whole.size() + texts);
}

TEST_CASE("damaged files: gzip") {
  const std::string whole = gzip(idx_file());
  REQUIRE_NOTHROW(read_as_idx(whole));
  // All of it, whose checksum holds it together; only its date, flags and system may be anything.
  const Damaged cut = cut_everywhere(whole, read_as_idx), flipped = flip_everywhere(whole, whole.size(), read_as_idx);
  CHECK(cut.read == 0);
  CHECK(flipped.read <= 10 * 7);
  for (const Damaged& damaged : {cut, flipped}) CHECK(damaged.most_bytes <= 1032 * whole.size() + texts + zlib);
}

TEST_CASE("damaged files: npy") {
  const std::string whole = npy_file(Tensor<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  REQUIRE_NOTHROW(read_as_npy(whole));
  const Damaged cut = cut_everywhere(whole, read_as_npy), flipped = flip_everywhere(whole, 128, read_as_npy);
  CHECK(cut.read == 0);
  CHECK(flipped.refused > flipped.read);
  // Values once more where they come in Fortran's order.
  for (const Damaged& damaged : {cut, flipped}) CHECK(damaged.most_bytes <= 3 * whole.size() + texts);
}

TEST_CASE("damaged files: npz") {
  const Tensor<float> a({2, 3}, 1.0f);
  const Tensor<std::uint8_t> b({5}, std::uint8_t{7});
  const TemporaryFolder folder;
  for (const NpzPacking packing : {NpzPacking::stored, NpzPacking::deflated}) {
    write_npz(folder / "a", {{"a", &a}, {"b", &b}}, packing);
    const std::string whole = read_bytes(folder / "a");
    REQUIRE_NOTHROW(read_as_npz(whole));
    const Damaged cut = cut_everywhere(whole, read_as_npz);
    // All of it: each entry has a header of its own, and the directory is at the end.
    const Damaged flipped = flip_everywhere(whole, whole.size(), read_as_npz);
    CHECK(cut.read == 0);
    CHECK(flipped.refused > flipped.read);
    for (const Damaged& damaged : {cut, flipped}) CHECK(damaged.most_bytes <= 1032 * whole.size() + texts + libzip);
  }
}

TEST_CASE("damaged files: safetensors") {
  const TemporaryFolder folder;
  const Tensor<float> a({2, 3}, 1.0f), b({5}, 2.0f);
  write_safetensors(folder / "a", {{"a", &a}, {"b", &b}}, {{"key", "text"}});
  const std::string whole = read_bytes(folder / "a");
  REQUIRE_NOTHROW(read_as_safetensors(whole));
  const std::size_t header = whole.size() - 11 * sizeof(float);
  const Damaged cut = cut_everywhere(whole, read_as_safetensors),
                flipped = flip_everywhere(whole, header, read_as_safetensors);
  CHECK(cut.read == 0);
  CHECK(flipped.refused > flipped.read);
  // A letter of JSON is a value of the parser's with a name of its own.
  for (const Damaged& damaged : {cut, flipped}) CHECK(damaged.most_bytes <= 64 * whole.size() + texts);
}

TEST_CASE("damaged files: networks") {
  const TemporaryFolder folder;
  Generator<> generator{
      2, Sequential<>(Dense<>({.in = 2, .out = 8}), BatchNorm<>({.features = 8}), ReLU<>(), Reshape<>({2, 4, 1}))};
  Discriminator<> discriminator{{2, 4, 1},
                                Sequential<>(SpectralNorm(Conv2d<>({.in = 1, .out = 1, .kernel = 3, .padding = 1})),
                                             LeakyReLU<>(0.2), Flatten<>(), Dense<>({.in = 8, .out = 1}))};
  generator.initialise(he<>(), Random(1));
  discriminator.initialise(he<>(), Random(2));
  save(generator, folder / "generator");
  save(discriminator, folder / "discriminator");
  const auto read = [](const std::string& bytes) {
    const auto file = Safetensors::parse(bytes);
    if (file.metadata().count("rival") && file.metadata().at("rival").find("generator") != std::string::npos)
      load_generator(file);
    else
      load_discriminator(file);
  };
  for (const std::string name : {"generator", "discriminator"}) {
    const std::string whole = read_bytes(folder / name);
    REQUIRE_NOTHROW(read(whole));
    const auto header = 8 + static_cast<std::size_t>(static_cast<unsigned char>(whole[0])) +
                        256 * static_cast<std::size_t>(static_cast<unsigned char>(whole[1]));
    const Damaged cut = cut_everywhere(whole, read), flipped = flip_everywhere(whole, header, read);
    CHECK(cut.read == 0);
    CHECK(flipped.refused > flipped.read);
    // The network, its gradients, and its copies on the way.
    for (const Damaged& damaged : {cut, flipped}) CHECK(damaged.most_bytes <= 128 * whole.size() + texts);
  }
}

#pragma once
// Sampler: a trained generator with all that it takes to sample it, in one file. Needs nlohmann-json (rival::json).

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rival/data/alphabet.hpp"
#include "rival/gan/latent_law.hpp"
#include "rival/gan/trainer_options.hpp"
#include "rival/io/json.hpp"
#include "rival/io/network_file.hpp"

namespace rival {

/// What a generator's layers do not say of how it is sampled.
struct Sampling {
  Index uniform = 0;                          ///< of a latent vector's first numbers; see LatentLaw
  std::vector<std::string> class_names = {};  ///< of class 0, 1, ...; empty: classes go by their numbers
  std::string alphabet = {};                  ///< of samples that are text: the characters of symbol 1, 2, ...
  Index rate = 0;  ///< of samples that are sounds, or their spectrograms: samples a second (Hz)
};

/// How a generator is sampled that was trained with these options. Throws Error when they draw latent vectors by
/// anything but a LatentLaw, of which a file could not tell.
template <class S>
Sampling sampling_of(const TrainerOptions<S>& options, std::vector<std::string> class_names = {}) {
  const auto* law = options.draw_latent.template target<LatentLaw<S>>();
  require(law || !options.draw_latent, "sampling: expected `draw_latent` to be empty or a LatentLaw");
  return {law ? law->uniform() : 0, std::move(class_names)};
}

namespace internal {

/// The classes that layers tell apart: the fewest that one of them does, or 0 when none depends on labels.
inline Index classes_of(const Description& description) {
  Index fewest = 0;
  const auto take = [&](Index classes) {
    if (classes > 0) fewest = fewest == 0 ? classes : std::min(fewest, classes);
  };
  for (const auto& [name, value] : description.options)
    if (const Index* classes = std::get_if<Index>(&value); classes && name == "classes") take(*classes);
  for (const Description& layer : description.layers) take(classes_of(layer));
  return fewest;
}
template <class S>
Index classes_of(const Generator<S>& generator) {
  return classes_of(generator.layers().describe());
}

/// The class of that name, of so many; where there are no names their numbers are. Throws Error, beginning with `what`
/// and naming those that there are, when there is none.
inline Index class_named(const std::string& what, Index classes, const std::vector<std::string>& names,
                         const std::string& name) {
  std::string all;
  for (Index k = 0; k < classes; ++k) {
    const std::string own = names.empty() ? std::to_string(k) : names[static_cast<std::size_t>(k)];
    if (own == name) return k;
    if (k < 16) all += (k > 0 ? ", " : "") + own;
  }
  fail(what, "expected one of the ", classes, " classes ", all, classes > 16 ? ", ..." : "", ", got ", name);
}

/// Throws Error, beginning with `what`, for a sampling that is not this generator's.
template <class S>
void check_sampling(const Sampling& sampling, const Generator<S>& generator, const std::string& what) {
  const Index names = static_cast<Index>(sampling.class_names.size()), classes = classes_of(generator);
  require(names == 0 || names == classes, what, ": expected a name for each of the generator's ", classes,
          " classes, got ", names);
  require(sampling.uniform >= 0 && sampling.uniform <= generator.latent(), what, ": expected `uniform` from 0 to the ",
          generator.latent(), " numbers of a latent vector, got ", sampling.uniform);
  require(sampling.rate >= 0 && sampling.rate <= 768'000, what, ": expected a rate from 0 to 768000 Hz, got ",
          sampling.rate);
  if (sampling.alphabet.empty()) return;
  const Shape shape = generator.output_shape();
  const Index symbols = Alphabet(sampling.alphabet).symbols();
  require(shape.rank() == 2 && shape[1] == symbols, what, ": expected samples {length, ", symbols,
          "} for its alphabet, got a generator of ", shape);
}

inline std::string sampling_text(const Sampling& sampling) {
  try {
    Json json;
    json.add("uniform", sampling.uniform).add("class_names", Json::list_of(sampling.class_names));
    if (!sampling.alphabet.empty()) json.add("alphabet", sampling.alphabet);
    if (sampling.rate > 0) json.add("rate", sampling.rate);
    return json.text();
  } catch (const JsonError& error) {
    fail("sampling: expected class names and an alphabet in UTF-8 (", error.what(), ")");
  }
}

inline Sampling sampling_from_text(const std::string& what, const std::string& text) {
  try {
    const Json json = Json::parse(text);
    Sampling sampling{json.at("uniform").whole<Index>()};
    for (const Json& name : json.at("class_names").list()) sampling.class_names.push_back(name.string());
    if (const Json* alphabet = json.find("alphabet")) sampling.alphabet = alphabet->string();
    if (const Json* rate = json.find("rate")) sampling.rate = rate->whole<Index>();
    return sampling;
  } catch (const JsonError& error) {
    fail(what, ": what it says of sampling cannot be read (", error.what(), ")");
  }
}

}  // namespace internal

/// Writes the generator and how it is sampled to a safetensors file, for `load_sampler`; `load_generator` reads it,
/// too. Throws Error, and leaves an earlier file as it was, when it cannot be written.
template <class S>
void save(const Generator<S>& generator, const Sampling& sampling, const std::filesystem::path& path) {
  internal::check_sampling(sampling, generator, "sampling");
  save(generator, path, Metadata{{"rival_sampling", internal::sampling_text(sampling)}});
}

/// A trained generator as it is used:
///
///     save(trainer.averaged_generator(), sampling_of(recipe.options), "generator.safetensors");
///     ...
///     const auto sampler = load_sampler("generator.safetensors");
///     Random random(7);
///     const Tensor<> images = sampler.sample(64, random);
///
/// Several threads may sample with one, each with a stream of its own.
template <class S = float>
class Sampler {
 public:
  /// Throws Error when the generator has other classes than names for them, or shorter latent vectors than `uniform`.
  explicit Sampler(Generator<S> generator, Sampling sampling = {})
      : generator_(std::move(generator)), sampling_(std::move(sampling)), classes_(internal::classes_of(generator_)) {
    internal::check_sampling(sampling_, generator_, "sampling");
  }

  /// The generator that samples come from.
  const Generator<S>& generator() const { return generator_; }
  /// How it is sampled, as given or as read from its file.
  const Sampling& sampling() const { return sampling_; }
  /// The law of its latent vectors.
  LatentLaw<S> law() const { return LatentLaw<S>(sampling_.uniform); }
  /// Of which a label names one for each sample; 0: the generator takes no labels.
  Index classes() const { return classes_; }
  /// What class k is called: its name, or its number where there are no names. The range of k is not checked.
  std::string class_name(Index k) const {
    return sampling_.class_names.empty() ? std::to_string(k) : sampling_.class_names[static_cast<std::size_t>(k)];
  }
  /// The class of that name. Throws Error, naming those that there are, when there is none.
  Index class_of(const std::string& name) const {
    require(classes_ > 0, "expected no class, as the generator takes none, got ", name);
    return internal::class_named("", classes_, sampling_.class_names, name);
  }

  /// `count` latent vectors {count, latent}, truncated (LatentLaw::truncate) if a threshold is given.
  Tensor<S> latents(Index count, Random& random, std::optional<double> truncation = {}) const {
    require(count >= 1, "sample: expected a count of at least 1, got ", count);
    Tensor<S> vectors({count, generator_.latent()});
    LatentLaw<S> drawn = law();
    drawn(vectors, random);
    if (truncation) drawn.truncate(vectors, *truncation, random);
    return vectors;
  }

  /// Samples {N, ...} of latent vectors {N, latent}, and of classes, one a sample, if the generator takes them. Throws
  /// Error for labels that there should be none of, and for those that are missing or no class.
  Tensor<S> sample(const Tensor<S>& latents, Labels labels = {}) const {
    require(classes_ > 0 || labels.empty(), "sample: expected no labels, as the generator takes none, got ",
            labels.size());
    require(classes_ == 0 || static_cast<Index>(labels.size()) == latents.dim(0), "sample: expected ", latents.dim(0),
            " labels, one a sample, got ", labels.size());
    for (const Index label : labels)
      require(label < classes_, "sample: expected labels from 0 to ", classes_ - 1, ", got ", label);
    return generator_.sample(latents, labels);
  }
  /// The same of `count` latent vectors drawn from `random`: without uniform numbers and truncation what
  /// Generator::sample gives.
  Tensor<S> sample(Index count, Random& random, Labels labels = {}, std::optional<double> truncation = {}) const {
    return sample(latents(count, random, truncation), labels);
  }

 private:
  Generator<S> generator_;
  Sampling sampling_;
  Index classes_;
};

/// The generator of a file that a Sampler or `save` wrote; where it says nothing of sampling, latent vectors are
/// standard normal and classes go by their numbers. Throws Error for a file that is damaged or holds no generator.
template <class S = float>
Sampler<S> load_sampler(const std::filesystem::path& path) {
  const Safetensors file = Safetensors::read(path);
  auto generator = load_generator<S>(file);
  const auto text = file.metadata().find("rival_sampling");
  Sampling sampling;
  if (text != file.metadata().end()) sampling = internal::sampling_from_text(file.what(), text->second);
  internal::check_sampling(sampling, generator, file.what());
  return Sampler<S>(std::move(generator), std::move(sampling));
}

}  // namespace rival

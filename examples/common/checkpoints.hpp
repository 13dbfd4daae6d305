#pragma once
// A run's checkpoints: written now and then, the newest kept, and found again by --resume.

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/training_options.hpp"
#include "rival/io/checkpoint.hpp"

/// The files checkpoint-000123.safetensors of a folder. A new one is whole before an older one goes. When a run that
/// begins anew has written its first, the newest of an earlier run becomes earlier-checkpoint-000123.safetensors, and
/// the others go.
class Checkpoints {
 public:
  using Save = std::function<void(const std::filesystem::path& path)>;

  Checkpoints(std::filesystem::path folder, const CheckpointOptions& options)
      : folder_(std::move(folder)), options_(options) {}

  /// Finds the newest whole checkpoint and returns what the program put into it. What is wrong with those that are
  /// passed over goes to `complain`. Throws rival::Error when there is none.
  rival::CheckpointExtras find(const std::function<void(const std::string& what)>& complain);
  /// The one that was found or written last; empty if there is none.
  const std::filesystem::path& newest() const { return newest_; }

  bool has_written() const { return written_ > 0; }

  /// The newest of an earlier run, on which this one does not go on; empty if there is none.
  std::filesystem::path of_earlier_run() const;

  const CheckpointOptions& options() const { return options_; }
  void set_options(const CheckpointOptions& options) { options_ = options; }

  /// Writes that of so many steps by `save`, then removes those that are too many. An exception of `save` is thrown on,
  /// and the others stay.
  void write(long steps, const Save& save);

 private:
  /// All of them, the newest last: by when they were written, as an earlier run's may have made more steps.
  std::vector<std::filesystem::path> files() const;
  /// Removes parts of files at which a run was killed.
  void remove_parts() const;

  std::filesystem::path folder_;
  CheckpointOptions options_;
  std::filesystem::path newest_;
  long written_ = 0;  ///< steps of the last one that this run has written
};

/// A random stream of the program's own, in a checkpoint.
void put_stream(rival::CheckpointExtras& extras, const std::string& name, const rival::Random& stream);
rival::Random take_stream(const rival::CheckpointExtras& extras, const std::string& name);

// What programs call of the library, compiled once, in checkpoints.cpp.
extern template void rival::AdversarialTrainer<float>::save(const std::filesystem::path&,
                                                            const rival::CheckpointExtras&);
extern template rival::CheckpointExtras rival::AdversarialTrainer<float>::load(const std::filesystem::path&);
extern template void rival::SupervisedTrainer<float>::save(const std::filesystem::path&,
                                                           const rival::CheckpointExtras&);
extern template rival::CheckpointExtras rival::SupervisedTrainer<float>::load(const std::filesystem::path&);

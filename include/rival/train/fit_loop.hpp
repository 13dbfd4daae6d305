#pragma once
// FitLoop: what every trainer does around its steps.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "rival/data/loader.hpp"
#include "rival/train/checks.hpp"
#include "rival/train/fit_options.hpp"

namespace rival::internal {

/// Saturating: a run may have more steps than there are numbers.
inline long times(long steps, long factor) {
  constexpr long most = std::numeric_limits<long>::max();
  return steps > most / factor ? most : steps * factor;
}

/// What a trainer says of its `fit`.
struct FitPlan {
  Index batch = 64;
  long batches = 1;  ///< a step
  bool labels = false;
  std::uint64_t seed = 0;
  Shape sample;  ///< that the network is made for
};

/// The epochs of a trainer: batches in their order, where to go on, reports and callbacks.
template <class S>
class FitLoop {
 public:
  /// Runs `step(next_batch)`, which returns a report, as often as `fit` asks for, and keeps `at`. `set_run(steps)` is
  /// told first how many steps the whole run will have. `next_batch()` gives a Batch, at most plan.batches times a
  /// step.
  template <class SetRun, class Step>
  void run(const Dataset& data, const FitOptions& fit, const FitPlan& plan, FitState& at, const SetRun& set_run,
           const Step& step) {
    require(data.sample_shape() == plan.sample, "trainer: the networks are made for samples of ", plan.sample,
            ", the data set has samples of ", data.sample_shape());
    require(!plan.labels || data.has_labels(), "trainer: expected a data set with labels, got none");
    require(fit.epochs >= 1, "trainer: expected at least 1 epoch, got ", fit.epochs);
    require(fit.steps >= 0, "trainer: expected steps >= 0, got ", fit.steps);
    require(!fit.resume || at.fits > 0, "trainer: expected a fit that has begun, to go on with it; got none");
    const std::uint64_t data_set = data.fingerprint();
    require(!fit.resume || data_set == at.data_set,
            "trainer: expected the data set of the fit that is to go on, got another one; their fingerprints are ",
            at.data_set, " and ", data_set);
    const int number = fit.resume ? at.fits - 1 : at.fits;
    // A second call goes on with orders of its own.
    const Random order = Random(plan.seed).stream("data").stream(std::to_string(number));
    Loader<S> loader(data, {.batch = plan.batch}, order);
    const long per_epoch = loader.batches_per_epoch() / plan.batches;
    require(per_epoch >= 1, "trainer: ", plan.batches, " batches of ", plan.batch,
            " a step are more than the data set of ", data.size(), " samples");
    const long of_epochs = times(per_epoch, fit.epochs);
    const long all = fit.steps > 0 ? std::min(fit.steps, of_epochs) : of_epochs;

    if (fit.resume) {
      loader.set_position(at.data);
    } else {
      ++at.fits;
      at.fit_steps = 0;
      at.data = loader.position();
      at.data_set = data_set;
    }
    constexpr long most = std::numeric_limits<long>::max();
    const long before = at.steps - at.fit_steps;
    set_run(before > most - all ? most : before + all);
    stopped_ = false;
    const auto start = std::chrono::steady_clock::now();
    for (long done = at.fit_steps + 1, made = 1; done <= all && !stopped_; ++done, ++made) {
      const Index epoch = (done - 1) / per_epoch + 1;
      while (loader.epoch() + 1 < epoch) loader.next(images_);  // the batches that are too few for a step
      StepReport report = step([&]() -> Batch<S> {
        if (plan.labels)
          loader.next(images_, labels_);
        else
          loader.next(images_);
        return {images_, labels_};
      });
      at.fit_steps = done;
      at.data = loader.position();
      report.epoch = epoch;
      report.epochs = fit.epochs;
      report.steps_in_all = all;
      report.steps_done = done;
      report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      report.images_per_second = static_cast<double>(made * plan.batches * plan.batch) / report.seconds;
      if (fit.on_step) fit.on_step(report);
      if (fit.on_epoch && (done % per_epoch == 0 || done == all || stopped_)) fit.on_epoch(report);
    }
  }

  /// From a callback: `run` returns after the current step.
  void stop() { stopped_ = true; }

 private:
  bool stopped_ = false;
  // Kept so that the next step allocates nothing.
  Tensor<S> images_;
  std::vector<Label> labels_;
};

}  // namespace rival::internal

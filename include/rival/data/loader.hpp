#pragma once
// Loader: hands out a data set batch by batch, in a new order each epoch.

#include <span>
#include <vector>

#include "rival/core/random.hpp"
#include "rival/data/dataset.hpp"

namespace rival {

/// How a Loader makes batches.
struct LoaderOptions {
  Index batch = 64;       ///< samples in one
  bool drop_last = true;  ///< an epoch's last batch is left out if it is not full
  bool shuffle = true;    ///< off: the data set's own order
};

/// Where a loader stands. With its data set and options it gives every batch that is still to come.
struct LoaderPosition {
  Index epoch = 0;          ///< counted from 0
  Index taken = 0;          ///< samples of this epoch that have been handed out
  Random::Position stream;  ///< at the start of the epoch: its order is drawn from here

  friend bool operator==(const LoaderPosition&, const LoaderPosition&) = default;
};

/// Batches of samples as numbers:
///
///     rival::Loader loader(digits.train(), {.batch = 64}, random.stream("data"));
///     for (int epoch = 0; epoch < 5; ++epoch)
///       while (loader.next(images)) ...
///
/// Within an epoch every sample comes once (less what `drop_last` leaves out). Once warm it allocates nothing.
template <class S = float>
class Loader {
 public:
  /// Throws Error for a batch below 1 or greater than the data set.
  Loader(const Dataset& data, const LoaderOptions& options, const Random& random)
      : data_(data), options_(options), random_(random) {
    require(options_.batch >= 1, "loader: expected a batch of at least 1, got ", options_.batch);
    require(options_.batch <= data.size(), "loader: expected a batch no greater than the data set of ", data.size(),
            " samples, got ", options_.batch);
    start_epoch(0);
  }

  /// Puts the next batch {batch, sample...} into `images`. False at the end of an epoch: `images` is left as it is, and
  /// the next call begins the next epoch. A batch that cannot be read is not taken.
  bool next(Tensor<S>& images) {
    const auto which = upcoming();
    if (which.empty()) return false;
    data_.gather(which, images);
    position_.taken += static_cast<Index>(which.size());
    return true;
  }
  /// The same with the labels. Throws Error when the data set has none.
  bool next(Tensor<S>& images, std::vector<Label>& labels) {
    require(data_.has_labels(), "loader: labels were asked for, but the data set has none");
    if (!next(images)) return false;
    const Index count = images.dim(0);
    data_.gather_labels(
        std::span(order_).subspan(static_cast<std::size_t>(position_.taken - count), static_cast<std::size_t>(count)),
        labels);
    return true;
  }

  /// The data set that the batches come from.
  Dataset data() const { return data_; }
  /// The options that it was made with.
  const LoaderOptions& options() const { return options_; }
  /// The current epoch, counted from 0.
  Index epoch() const { return position_.epoch; }
  /// Batches in an epoch, the last one, which need not be full, among them unless `drop_last`.
  Index batches_per_epoch() const {
    return (data_.size() + (options_.drop_last ? 0 : options_.batch - 1)) / options_.batch;
  }

  /// Where it stands, for `set_position`.
  const LoaderPosition& position() const { return position_; }
  /// Goes on from a position that was read before, bit for bit. Throws Error for one that this data set cannot have.
  void set_position(const LoaderPosition& position) {
    require(position.epoch >= 0 && position.taken >= 0 && position.taken <= data_.size(),
            "loader: expected a position within ", data_.size(), " samples, got sample ", position.taken, " of epoch ",
            position.epoch);
    random_ = Random(position.stream);
    start_epoch(position.epoch);
    position_.taken = position.taken;
  }

 private:
  /// The numbers of the next batch's samples; none at the end of an epoch, which begins the next one.
  std::span<const Index> upcoming() {
    const Index left = data_.size() - position_.taken;
    const Index count = std::min(left, options_.batch);
    if (count == 0 || (options_.drop_last && count < options_.batch)) {
      start_epoch(position_.epoch + 1);
      return {};
    }
    return {order_.data() + position_.taken, static_cast<std::size_t>(count)};
  }

  void start_epoch(Index epoch) {
    position_ = {epoch, 0, random_.position()};
    if (options_.shuffle) {
      random_.permutation(data_.size(), order_);
    } else if (order_.empty()) {
      order_.resize(static_cast<std::size_t>(data_.size()));
      for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<Index>(i);
    }
  }

  Dataset data_;
  LoaderOptions options_;
  Random random_;
  LoaderPosition position_;
  std::vector<Index> order_;
};

RIVAL_INSTANTIATE_CLASS(Loader);

}  // namespace rival

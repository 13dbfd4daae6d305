#pragma once
// Dataset: samples of one shape, in memory or in a file. Values stay as small as they come and become numbers batch by
// batch.

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "rival/core/checksum.hpp"
#include "rival/core/finite.hpp"
#include "rival/core/labels.hpp"
#include "rival/core/mapped_file.hpp"
#include "rival/core/parallel.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

/// The byte b as a number in [-1, 1]: b / 127.5 - 1.
template <class S>
S from_byte(std::uint8_t b) {
  // A division, as a product could be fused with the subtraction and then rounds otherwise from machine to machine.
  return static_cast<S>(b) / S(127.5) - S(1);
}

/// What a stored value becomes: value / divisor + shift.
struct Transform {
  double divisor = 1;  ///< not 0
  double shift = 0;    ///< added after the division
  friend bool operator==(const Transform&, const Transform&) = default;
};

namespace internal {

/// What values are unless one says otherwise: bytes b / 127.5 - 1 and 16-bit integers i / 32768, both in [-1, 1];
/// floats as they are.
template <class T>
constexpr Transform usual_transform() {
  if constexpr (std::is_same_v<T, std::uint8_t>)
    return {127.5, -1};
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return {32768, 0};
  else
    return {};
}

/// Throws Error, beginning with `what`, for a label outside of 0 ... classes - 1.
template <class What, class T>
void require_labels_below(const What& what, Index classes, const std::vector<T>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i)
    require(labels[i] >= 0 && static_cast<Index>(labels[i]) < classes, what, ": expected labels below ", classes,
            ", got ", +labels[i], " at place ", i);
}

}  // namespace internal

/// Classes as people have them: a vector of any whole numbers, of which each must be a Label. Throws Error for one that
/// is not.
class AnyLabels {
 public:
  AnyLabels() = default;
  /// Labels as they are, without a copy if moved in.
  AnyLabels(std::vector<Label> labels) : labels_(std::move(labels)) {}
  /// Labels in braces.
  AnyLabels(std::initializer_list<Label> labels) : labels_(labels) {}
  /// Whole numbers of another type. Throws Error for one that is negative or too large for a Label.
  template <class L>
  requires(std::is_integral_v<L> && !std::is_same_v<L, Label>) AnyLabels(const std::vector<L>& labels)
      : labels_(labels.begin(), labels.end()) {
    internal::require_labels_below("data set", most_classes, labels);
  }

  /// Hands the labels over; nothing stays behind.
  std::vector<Label> take() && { return std::move(labels_); }

 private:
  std::vector<Label> labels_;
};

/// Samples of one shape of rank 1 to 4 with, perhaps, a label each: pictures {H, W, C}, sound {T, C}, text {L, K},
/// clips {T, H, W, C}, rows of a table {D}.
///
///     Dataset digits({28, 28, 1}, bytes, labels);
///     Dataset words = Dataset::of_classes({16}, 27, letters);  // samples {16, 27}: a 1 for each letter, 0 elsewhere
///
/// Copies are cheap: they share what they hold, which never changes. Views of it (`labels`, `values`) live as long as
/// one of them, so a temporary gives none.
class Dataset {
 public:
  Dataset() = default;
  // Moved is copied: what is left behind is a data set still.
  Dataset(const Dataset&) = default;
  Dataset& operator=(const Dataset&) = default;

  /// `values` holds one sample after the other, each row by row, as `sample` says; `labels` a class for each sample, or
  /// nothing. Labels lie below `classes`; 0 stands for one more than the greatest label. `values` are bytes, 16-bit
  /// integers or floats. Throws Error when the numbers of values and labels do not fit each other.
  template <class T>
  requires(!std::is_same_v<T, Label>) Dataset(const Shape& sample, std::vector<T> values, AnyLabels labels = {},
                                              Index classes = 0, Transform transform = internal::usual_transform<T>())
      : Dataset(sample, sample, kind_of<T>(), 0, transform) {
    set_count(static_cast<Index>(values.size()));
    set_labels(std::move(labels), classes);
    const auto held = std::make_shared<const std::vector<T>>(std::move(values));
    values_ = held->data();
    owner_ = held;
  }
  /// The same for bytes in braces, which small data sets have: byte b is b / 127.5 - 1.
  Dataset(const Shape& sample, std::initializer_list<std::uint8_t> bytes, AnyLabels labels = {}, Index classes = 0)
      : Dataset(sample, std::vector<std::uint8_t>(bytes), std::move(labels), classes) {}

  /// Samples whose values are classes 0 ... kinds - 1, such as letters: each becomes `kinds` numbers along a new last
  /// axis, a 1 in its place and 0 elsewhere. `sample` is without that axis, of rank 1 to 3. Throws Error as the
  /// constructor, and for a value that is not below `kinds`.
  static Dataset of_classes(const Shape& sample, Index kinds, AnyLabels values, AnyLabels labels = {},
                            Index classes = 0) {
    Dataset data(with_kinds(sample, kinds), sample, Kind::classes, kinds, {});
    const auto held = std::make_shared<const std::vector<Label>>(std::move(values).take());
    for (std::size_t i = 0; i < held->size(); ++i)
      require((*held)[i] < kinds, "data set: expected values below ", kinds, ", got ", (*held)[i], " at place ", i);
    data.set_count(static_cast<Index>(held->size()));
    data.set_labels(std::move(labels), classes);
    data.values_ = held->data();
    data.owner_ = held;
    return data;
  }

  /// Samples that stay in a file, of which the system reads what a batch asks for: `count` samples of Ts (bytes, 16-bit
  /// integers or floats, as this machine orders their bytes) from byte `offset` on, such as 16 for a plain IDX file of
  /// pictures. Throws Error when the file has fewer. When it becomes shorter later, so does the batch that meets it.
  template <class T>
  static Dataset mapped(const std::filesystem::path& path, std::size_t offset, const Shape& sample, Index count,
                        AnyLabels labels = {}, Index classes = 0,
                        Transform transform = internal::usual_transform<T>()) {
    static_assert(!std::is_same_v<T, Label>, "classes in a file go through mapped_classes");
    Dataset data(sample, sample, kind_of<T>(), 0, transform);
    data.set_mapped<T>(path, offset, count, std::move(labels), classes);
    return data;
  }
  /// The same for classes, as `of_classes` takes them, of 16 bits each. A batch that meets a value not below `kinds`
  /// throws Error.
  static Dataset mapped_classes(const std::filesystem::path& path, std::size_t offset, const Shape& sample, Index kinds,
                                Index count, AnyLabels labels = {}, Index classes = 0) {
    Dataset data(with_kinds(sample, kinds), sample, Kind::classes, kinds, {});
    data.set_mapped<Label>(path, offset, count, std::move(labels), classes);
    return data;
  }

  /// Number of samples.
  Index size() const { return size_; }
  /// The shape of one, as it comes in a batch.
  Shape sample_shape() const { return sample_; }
  /// What every stored value becomes in a batch.
  Transform transform() const { return transform_; }
  /// Whether there is a label for each sample.
  bool has_labels() const { return labels_ != nullptr && !labels_->empty(); }
  /// Number of classes that the labels tell apart; 0 without labels.
  Index classes() const { return classes_; }

  /// The class of sample i. Throws Error for a sample that there is not, and without labels.
  Label label(Index i) const {
    require(has_labels(), "data set: it has no labels");
    require_sample(i);
    return (*labels_)[static_cast<std::size_t>(i)];
  }
  /// All of them; empty without labels.
  Labels labels() const& { return labels_ ? Labels(*labels_) : Labels(); }
  Labels labels() const&& = delete;

  /// The stored values of sample i. Throws Error when they are no Ts, for a sample that there is not, and as `gather`.
  template <class T = std::uint8_t>
  std::span<const T> values(Index i) const& {
    require(kind_ == kind_of<T>(), "data set: its values are of another type");
    require_sample(i);
    if (file_) file_->require_whole();
    const Index size = stored_.size();
    return {static_cast<const T*>(values_) + i * size, static_cast<std::size_t>(size)};
  }
  template <class T = std::uint8_t>
  std::span<const T> values(Index i) const&& = delete;

  /// Samples begin ... end - 1 as a data set of their own, of as many classes; it shares the values with this one.
  /// Throws Error unless 0 <= begin <= end <= size().
  Dataset part(Index begin, Index end) const {
    require(begin >= 0 && begin <= end && end <= size_, "data set: expected a part of its ", size_, " samples, got ",
            begin, " to ", end);
    Dataset part = *this;
    part.values_ = static_cast<const char*>(values_) + static_cast<std::size_t>(begin * stored_.size()) * value_bytes();
    part.size_ = end - begin;
    if (has_labels())
      part.labels_ = std::make_shared<const std::vector<Label>>(labels_->begin() + begin, labels_->begin() + end);
    part.fingerprint_ = std::make_shared<std::atomic<std::uint64_t>>(0);
    return part;
  }

  /// The samples with those numbers, in that order, as a data set of their own, of as many classes; it holds copies of
  /// their values. Throws Error for a sample that there is not, and when their file has become shorter.
  Dataset selection(std::span<const Index> which) const {
    for (const Index i : which) require_sample(i);
    if (file_) file_->require_whole();
    Dataset some = *this;
    const std::size_t bytes = static_cast<std::size_t>(stored_.size()) * value_bytes();
    const auto held = std::make_shared<std::vector<float>>((which.size() * bytes + sizeof(float) - 1) / sizeof(float));
    auto* to = reinterpret_cast<char*>(held->data());
    for (const Index i : which)
      to = std::copy_n(static_cast<const char*>(values_) + static_cast<std::size_t>(i) * bytes, bytes, to);
    if (has_labels()) {
      std::vector<Label> labels;
      gather_labels(which, labels);
      some.labels_ = std::make_shared<const std::vector<Label>>(std::move(labels));
    }
    some.values_ = held->data();
    some.owner_ = held;
    some.file_ = nullptr;
    some.size_ = static_cast<Index>(which.size());
    some.fingerprint_ = std::make_shared<std::atomic<std::uint64_t>>(0);
    return some;
  }

  /// A number by which the same samples, labels and transform are known again, whatever holds them; for resumes. Worked
  /// out once, at some gigabytes a second. Of a file of more than 64 MB it reads 256 pages, evenly spread, and does not
  /// see what is changed between them.
  std::uint64_t fingerprint() const {
    if (!fingerprint_) return fingerprint_now();
    std::uint64_t known = *fingerprint_;
    if (known == 0) *fingerprint_ = known = fingerprint_now();
    return known;
  }

  /// Writes the samples with those numbers into `batch`, which becomes {which.size(), sample...}. Throws Error for a
  /// sample that there is not, and when their file has become shorter.
  template <class S>
  void gather(std::span<const Index> which, Tensor<S>& batch) const {
    for (const Index i : which) require_sample(i);
    if (file_) file_->require_whole();
    batch.resize(sample_.batch(static_cast<Index>(which.size())));
    switch (kind_) {
      case Kind::bytes:
        return gather_numbers<std::uint8_t>(which, batch);
      case Kind::integers:
        return gather_numbers<std::int16_t>(which, batch);
      case Kind::floats:
        return gather_numbers<float>(which, batch);
      case Kind::classes:
        return gather_classes(which, batch);
    }
  }
  /// Writes their labels. Throws Error without labels, and for a sample that there is not.
  void gather_labels(std::span<const Index> which, std::vector<Label>& batch) const {
    require(has_labels(), "data set: it has no labels");
    batch.resize(which.size());
    for (std::size_t i = 0; i < which.size(); ++i) batch[i] = label(which[i]);
  }

 private:
  enum class Kind { bytes, integers, floats, classes };

  template <class T>
  static constexpr Kind kind_of() {
    static_assert(std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::int16_t> || std::is_same_v<T, float> ||
                      std::is_same_v<T, Label>,
                  "values are uint8_t, int16_t or float; classes go through of_classes");
    if constexpr (std::is_same_v<T, std::uint8_t>) return Kind::bytes;
    if constexpr (std::is_same_v<T, std::int16_t>) return Kind::integers;
    if constexpr (std::is_same_v<T, float>) return Kind::floats;
    return Kind::classes;
  }

  Dataset(const Shape& sample, const Shape& stored, Kind kind, Index kinds, Transform transform)
      : sample_(sample), stored_(stored), kind_(kind), kinds_(kinds), transform_(transform) {
    require(sample.rank() >= 1 && sample.rank() <= 4 && sample.size() > 0,
            "data set: expected samples of 1 to 4 positive extents, got ", sample);
    // As floats: batches may be of them.
    const auto divisor = static_cast<float>(transform.divisor), shift = static_cast<float>(transform.shift);
    require(is_finite(divisor) && divisor != 0 && is_finite(shift),
            "data set: expected a finite transform that divides by no 0, got / ", transform.divisor, " + ",
            transform.shift);
    fingerprint_ = std::make_shared<std::atomic<std::uint64_t>>(0);
  }

  /// Of one stored value.
  std::size_t value_bytes() const {
    static constexpr std::array<std::size_t, 4> of_kind{sizeof(std::uint8_t), sizeof(std::int16_t), sizeof(float),
                                                        sizeof(Label)};
    return of_kind[static_cast<std::size_t>(kind_)];
  }

  static Shape with_kinds(Shape sample, Index kinds) {
    require(kinds >= 1 && kinds <= most_classes, "data set: expected 1 to ", most_classes, " kinds of values, got ",
            kinds);
    sample.push_back(kinds);
    return sample;
  }
  template <class T>
  void set_mapped(const std::filesystem::path& path, std::size_t offset, Index count, AnyLabels labels, Index classes) {
    require(count >= 0, "data set: expected a count of samples, got ", count);
    const Shape all = stored_.batch(count);  // which throws for products that overflow
    set_count(all.size());
    set_labels(std::move(labels), classes);
    const auto file = std::make_shared<const MappedFile>(path);
    require(offset <= file->size() && static_cast<std::size_t>(all.size()) <= (file->size() - offset) / sizeof(T),
            "data set: expected ", all, " values of ", sizeof(T), " bytes from byte ", offset, " on in ", path,
            ", which has ", file->size(), " bytes");
    require(offset % alignof(T) == 0, "data set: expected an offset of a multiple of ", alignof(T), ", got ", offset);
    values_ = file->data() + offset;
    file_ = file.get();
    owner_ = file;
  }

  void set_count(Index values) {
    const Index size = stored_.size();
    require(values % size == 0, "data set: expected a multiple of ", stored_, " = ", size, " values, got ", values);
    size_ = values / size;
  }
  void set_labels(AnyLabels any, Index classes) {
    auto labels = std::move(any).take();
    require(labels.empty() || static_cast<Index>(labels.size()) == size_, "data set: expected ", size_,
            " labels, one for each sample, got ", labels.size());
    require(classes >= 0 && classes <= most_classes, "data set: expected a number of classes, got ", classes);
    classes_ = classes;
    if (classes > 0)
      internal::require_labels_below("data set", classes, labels);
    else if (!labels.empty())
      classes_ = 1 + Index{*std::max_element(labels.begin(), labels.end())};
    labels_ = std::make_shared<const std::vector<Label>>(std::move(labels));
  }

  std::uint64_t fingerprint_now() const {
    internal::Checksum sum;
    for (const Shape* shape : {&sample_, &stored_})
      sum.add(shape->begin(), static_cast<std::size_t>(shape->rank()) * sizeof(Index));
    for (const Index number : {static_cast<Index>(kind_), kinds_, size_, classes_})
      sum.add(static_cast<std::uint64_t>(number));
    for (const double number : {transform_.divisor, transform_.shift}) sum.add(std::bit_cast<std::uint64_t>(number));
    sum.add(labels_ ? labels_->data() : nullptr, labels_ ? labels_->size() * sizeof(Label) : 0);

    const auto* bytes = static_cast<const char*>(values_);
    const std::size_t count = static_cast<std::size_t>(size_ * stored_.size()) * value_bytes();
    if (file_) file_->require_whole();
    constexpr std::size_t page = 4096, pages = 256;
    if (!file_ || count <= (std::size_t{64} << 20))
      sum.add(bytes, count);
    else
      for (std::size_t i = 0; i < pages; ++i) sum.add(bytes + (count - page) * i / (pages - 1), page);
    return sum.value();
  }

  void require_sample(Index i) const {
    require(i >= 0 && i < size_, "data set: expected a sample from 0 to ", size_ - 1, ", got ", i);
  }

  template <class Body>
  void for_samples(Index count, Index size, const Body& body) const {
    parallel_blocks(count, std::max<Index>(1, 32768 / size), static_cast<double>(count * size),
                    [&](Index begin, Index end) {
                      for (Index i = begin; i < end; ++i) body(i);
                    });
  }

  template <class T, class S>
  void gather_numbers(std::span<const Index> which, Tensor<S>& batch) const {
    const Index size = sample_.size();
    const S divisor = static_cast<S>(transform_.divisor), shift = static_cast<S>(transform_.shift);
    const bool as_they_are = transform_ == Transform{};
    for_samples(batch.dim(0), size, [&](Index i) {
      const T* from = static_cast<const T*>(values_) + which[static_cast<std::size_t>(i)] * size;
      S* out = batch.data() + i * size;
      if (as_they_are)  // -0 too
        for (Index p = 0; p < size; ++p) out[p] = static_cast<S>(from[p]);
      else
        for (Index p = 0; p < size; ++p) out[p] = static_cast<S>(from[p]) / divisor + shift;
    });
  }
  template <class S>
  void gather_classes(std::span<const Index> which, Tensor<S>& batch) const {
    const Index size = stored_.size();
    std::atomic<bool> known{true};  // a file's values are looked at nowhere else
    for_samples(batch.dim(0), size * kinds_, [&](Index i) {
      const Label* from = static_cast<const Label*>(values_) + which[static_cast<std::size_t>(i)] * size;
      S* out = batch.data() + i * size * kinds_;
      std::fill_n(out, size * kinds_, S(0));
      for (Index p = 0; p < size; ++p)
        if (const Index kind = from[p]; kind < kinds_)
          out[p * kinds_ + kind] = S(1);
        else
          known.store(false, std::memory_order_relaxed);
    });
    require(known, "data set: expected values below ", kinds_, ", got a greater one in its file");
  }

  Shape sample_{0}, stored_{0};
  Kind kind_ = Kind::bytes;
  Index kinds_ = 0;
  Transform transform_;
  std::shared_ptr<const void> owner_;  // of the values
  const void* values_ = nullptr;
  const MappedFile* file_ = nullptr;  // the owner, if it is one
  std::shared_ptr<const std::vector<Label>> labels_;
  Index size_ = 0;
  Index classes_ = 0;
  // 0 until somebody asks; of all copies, as what they hold never changes.
  std::shared_ptr<std::atomic<std::uint64_t>> fingerprint_;
};

}  // namespace rival

#pragma once
// TensorBoardWriter: event files, which TensorBoard shows while they grow. Needs protozero (rival::protozero).
//
//     TensorBoardWriter board("out/tensorboard");          // tensorboard --logdir out/tensorboard
//     board.scalar("loss/generator", step, loss);
//     board.image("samples", step, encode_png(picture), picture.height, picture.width, picture.channels);
//     board.histogram("generator/conv1.weight", step, parameter.value);
//     board.flush();
//
// A file is a series of TFRecords: length (8 bytes), its masked CRC-32C (4), an Event message, its masked CRC-32C (4).
// The numbers of the fields are those of event.proto and summary.proto (https://github.com/tensorflow/tensorboard,
// tensorboard/compat/proto).

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#ifdef _WIN32
#include <process.h>
#else
#include <unistd.h>
#endif

#include "rival/core/crc32c.hpp"
#include "rival/core/file.hpp"
#include "rival/core/finite.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

namespace internal {

static_assert(std::endian::native == std::endian::little,
              "event files' numbers are little-endian, as this machine must be");

inline std::string tf_record(std::string_view message) {
  std::string record;
  const auto put = [&](const auto& number) { record.append(reinterpret_cast<const char*>(&number), sizeof number); };
  // The sum of bytes that hold sums themselves says little; hence TFRecord's mask.
  const auto masked = [](std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + std::uint32_t{0xA282EAD8}; };
  put(std::uint64_t{message.size()});
  put(masked(record));
  record += message;
  put(masked(message));
  return record;
}

/// TensorBoard's buckets: 0, and powers of 1.1 from 1e-12 to 1e20 on both sides of it. Each holds what lies below its
/// limit and not below the one before.
inline const std::vector<double>& histogram_limits() {
  static const std::vector<double> limits = [] {
    std::vector<double> positive, all;
    for (double limit = 1e-12; limit < 1e20; limit *= 1.1) positive.push_back(limit);
    positive.push_back(std::numeric_limits<double>::max());
    for (auto limit = positive.rbegin(); limit != positive.rend(); ++limit) all.push_back(-*limit);
    all.push_back(0);
    all.insert(all.end(), positive.begin(), positive.end());
    return all;
  }();
  return limits;
}

/// A HistogramProto of the finite ones of the values.
template <class S>
std::string histogram_bytes(const Tensor<S>& values) {
  const std::vector<double>& limits = histogram_limits();
  std::vector<double> counts(limits.size());
  double least = std::numeric_limits<double>::max(), greatest = -least, count = 0, sum = 0, squares = 0;
  // The bucket of a value is at most one away from where its logarithm says.
  const auto zero = static_cast<Index>(limits.size() / 2), last = static_cast<Index>(limits.size()) - 1;
  const double scale = 1 / std::log(1.1), first = std::log(1e-12);
  for (Index i = 0; i < values.size(); ++i) {
    if (!is_finite(values[i])) continue;
    const auto value = static_cast<double>(values[i]);
    least = std::min(least, value), greatest = std::max(greatest, value);
    ++count, sum += value, squares += value * value;
    const double size = std::abs(value);
    const auto away = size < 1e-12 ? Index{0} : static_cast<Index>((std::log(size) - first) * scale) + 1;
    Index bucket = std::clamp(value < 0 ? zero - away : zero + 1 + away, Index{0}, last);
    const auto limit = [&](Index at) { return limits[static_cast<std::size_t>(at)]; };
    while (bucket < last && !(value < limit(bucket))) ++bucket;
    while (bucket > 0 && value < limit(bucket - 1)) --bucket;
    ++counts[static_cast<std::size_t>(bucket)];
  }
  if (count == 0) least = greatest = 0;
  // Empty buckets side by side are one.
  std::vector<double> kept_limits, kept_counts;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    if (counts[i] == 0 && !kept_counts.empty() && kept_counts.back() == 0)
      kept_limits.back() = limits[i];
    else
      kept_limits.push_back(limits[i]), kept_counts.push_back(counts[i]);
  }
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_double(1, least);
  out.add_double(2, greatest);
  out.add_double(3, count);
  out.add_double(4, sum);
  out.add_double(5, squares);
  out.add_packed_double(6, kept_limits.begin(), kept_limits.end());
  out.add_packed_double(7, kept_counts.begin(), kept_counts.end());
  return bytes;
}

}  // namespace internal

/// Writes an event file of its own into a folder. What was added waits in memory until `flush`, which appends whole
/// records: a run that is killed leaves a file that can be read.
class TensorBoardWriter {
 public:
  /// Makes the folder if it is not there, and in it the file events.out.tfevents.TIME.HOST.PROCESS.NUMBER. A run that
  /// goes on names the first step that it makes, if that is not the first of all: what earlier files hold from there on
  /// is then not shown. Throws Error when the file cannot be made.
  explicit TensorBoardWriter(const std::filesystem::path& folder, std::int64_t first_step = 0) {
    std::error_code ignored;
    std::filesystem::create_directories(folder, ignored);
    require(std::filesystem::is_directory(folder, ignored), "tensorboard: expected a folder that can be made, got ",
            folder);
    make_file(folder);
    std::string format;
    protozero::pbf_writer(format).add_string(3, "brain.Event:2");
    add_event(0, format);
    if (first_step > 0) {
      std::string session, event;
      protozero::pbf_writer(session).add_enum(1, 1);  // SessionLog.START
      protozero::pbf_writer(event).add_message(7, session);
      add_event(first_step, event);
    }
    flush();
  }
  TensorBoardWriter(const TensorBoardWriter&) = delete;
  TensorBoardWriter& operator=(const TensorBoardWriter&) = delete;
  /// Writes what is not written yet, as flush() does, but keeps silent when that fails.
  ~TensorBoardWriter() {
    try {
      flush();
    } catch (const std::exception&) {  // who wants to know calls flush
    }
  }

  /// The event file that it writes to.
  const std::filesystem::path& path() const { return path_; }

  /// A number, written as a float. It may be NaN or infinite.
  void scalar(std::string_view tag, std::int64_t step, double value) { scalars(step, {{tag, value}}); }

  /// Several numbers of one step, in one event.
  void scalars(std::int64_t step, const std::vector<std::pair<std::string_view, double>>& all) {
    std::string summary;
    for (const auto& [tag, value] : all) {
      std::string bytes;
      protozero::pbf_writer out(bytes);
      out.add_string(1, std::string(tag));
      out.add_float(2, static_cast<float>(value));
      protozero::pbf_writer(summary).add_message(1, bytes);
    }
    add_summary(step, summary);
  }

  /// A picture of 1, 3 or 4 channels: the bytes of a PNG file. Throws Error for an extent that is not positive.
  void image(std::string_view tag, std::int64_t step, const std::vector<std::uint8_t>& png, Index height, Index width,
             Index channels) {
    constexpr Index most = std::numeric_limits<std::int32_t>::max();
    require(height >= 1 && height <= most && width >= 1 && width <= most && channels >= 1 && channels <= 4,
            "tensorboard: expected an image of positive height and width and 1 to 4 channels, got ", height, "x", width,
            "x", channels);
    require(!png.empty(), "tensorboard: expected the bytes of a PNG file, got none");
    std::string image;
    protozero::pbf_writer out(image);
    out.add_int32(1, static_cast<std::int32_t>(height));
    out.add_int32(2, static_cast<std::int32_t>(width));
    out.add_int32(3, static_cast<std::int32_t>(channels));
    out.add_bytes(4, reinterpret_cast<const char*>(png.data()), png.size());
    add_value(tag, step, 4, image);
  }

  /// The distribution of a tensor's values. Those that are not finite are left out, and their number is written beside
  /// it as the scalar TAG/not_finite; an empty tensor is a histogram of nothing.
  template <class S>
  void histogram(std::string_view tag, std::int64_t step, const Tensor<S>& values) {
    Index odd = 0;
    for (Index i = 0; i < values.size(); ++i) odd += !is_finite(values[i]);
    add_value(tag, step, 5, internal::histogram_bytes(values));
    if (odd > 0) scalar(std::string(tag) + "/not_finite", step, static_cast<double>(odd));
  }

  /// Appends what was added to the file. Throws Error when that fails; the file then ends behind the last flush, and
  /// the next one tries again.
  void flush() {
    if (waiting_.empty()) return;
    append_to_file(path_, waiting_);
    waiting_.clear();
  }

 private:
  void make_file(const std::filesystem::path& folder) {
    const long long seconds =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    char host[256] = "localhost";
#ifdef _WIN32
    const long long process = _getpid();
#else
    const long long process = getpid();
    if (gethostname(host, sizeof host - 1) != 0) std::strcpy(host, "localhost");
#endif
    for (int number = 0;; ++number) {
      path_ = folder / internal::concatenate("events.out.tfevents.", seconds, '.', host, '.', process, '.', number);
      const internal::File file(std::fopen(path_.string().c_str(), "wbx"));  // a file that is there stays as it is
      if (file) return;
      require(errno == EEXIST, "cannot write ", path_, ": ", std::strerror(errno));
    }
  }

  void add_value(std::string_view tag, std::int64_t step, protozero::pbf_tag_type kind, const std::string& content) {
    std::string value, summary;
    protozero::pbf_writer out(value);
    out.add_string(1, std::string(tag));
    out.add_message(kind, content);
    protozero::pbf_writer(summary).add_message(1, value);
    add_summary(step, summary);
  }

  void add_summary(std::int64_t step, const std::string& summary) {
    std::string event;
    protozero::pbf_writer(event).add_message(5, summary);
    add_event(step, event);
  }

  /// `content` is what the event holds beside its time and step.
  void add_event(std::int64_t step, const std::string& content) {
    std::string event;
    protozero::pbf_writer out(event);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    out.add_double(1, std::chrono::duration<double>(now).count());
    out.add_int64(2, step);
    waiting_ += internal::tf_record(event + content);
  }

  std::filesystem::path path_;
  std::string waiting_;
};

}  // namespace rival

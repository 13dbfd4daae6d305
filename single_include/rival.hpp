// Rival 0.1.0: generative adversarial networks on CPUs. All of the library that needs only Eigen and OpenMP, in one file.
// Made by scripts/single_include from the headers in include/rival. Do not edit.
//
// MIT License
//
// Copyright (c) 2026 The Rival authors
//
// Permission is hereby granted, free of charge, to any person obtaining a copy
// of this software and associated documentation files (the "Software"), to deal
// in the Software without restriction, including without limitation the rights
// to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
// copies of the Software, and to permit persons to whom the Software is
// furnished to do so, subject to the following conditions:
//
// The above copyright notice and this permission notice shall be included in all
// copies or substantial portions of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
// IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
// AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
// OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
// SOFTWARE.
#pragma once

// rival/rival.hpp
// All of Rival that needs only Eigen and OpenMP. Headers that need another library are included by name:
// rival/data/mnist.hpp and rival/data/idx.hpp (zlib), rival/image/png.hpp (stb_image_write), rival/image/gif.hpp
// (giflib), rival/io/npz.hpp (libzip).

// rival/core/error.hpp
// Errors: one exception type whose text says what was expected, what came, and where.

#include <sstream>
#include <stdexcept>
#include <string>

namespace rival {

/// Thrown for every misuse that the library can see: wrong shapes, bad options, unreadable files.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace internal {

/// A text that is put together piece by piece. One for which there is no memory throws, where the standard's stream
/// would cut it short without a word.
class TextStream : public std::ostringstream {
 public:
  TextStream() { exceptions(std::ios::badbit); }
};

template <class... Parts>
std::string concatenate(const Parts&... parts) {
  TextStream text;
  (text << ... << parts);
  return text.str();
}

}  // namespace internal

/// Throws an Error whose text is `parts` written one after the other.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(internal::concatenate(parts...));
}

/// Throws as `fail` does unless `condition` holds. The text is only put together on failure.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(parts...);
}

}  // namespace rival

// rival/core/file.hpp
// Files that are written whole or not at all.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string_view>

#ifdef _WIN32
#include <io.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

namespace rival {

namespace internal {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

/// Throws Error, beginning with `what`, unless `path` is a file that exists.
inline void require_file(std::string_view what, const std::filesystem::path& path) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  require(std::filesystem::exists(status), what, " ", path, ": no such file");
  require(!std::filesystem::is_directory(status), what, " ", path, ": expected a file, got a folder");
  require(std::filesystem::is_regular_file(status), what, " ", path, ": expected a regular file, got a device or pipe");
}

/// Waits until what was written to the descriptor is on the disk. False, and errno, when that fails. A file system that
/// cannot be asked for it is no failure.
inline bool sync(int descriptor) {
#ifdef _WIN32
  return _commit(descriptor) == 0;
#else
  while (fsync(descriptor) != 0)
    if (errno != EINTR) return errno == EINVAL || errno == ENOTSUP || errno == ENOSYS;
  return true;
#endif
}

/// Brings all that was written to the file to the disk. False, and errno, when that fails.
inline bool flush_to_disk(std::FILE* file) {
#ifdef _WIN32
  return std::fflush(file) == 0 && sync(_fileno(file));
#else
  return std::fflush(file) == 0 && sync(fileno(file));
#endif
}

/// The same for the names in a folder: a file that was renamed may otherwise have its old name after a power cut.
/// A folder that may be written to but not read cannot be asked for it, which is no failure.
inline bool flush_folder_to_disk([[maybe_unused]] const std::filesystem::path& folder) {
#ifdef _WIN32
  return true;  // Windows opens no folders
#else
  const int descriptor = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return errno == EACCES;
  const bool good = sync(descriptor);
  const int why = errno;
  close(descriptor);
  errno = why;
  return good;
#endif
}

}  // namespace internal

/// Writes a file so that whoever looks at `path` sees the old content or the whole new one, even after a power cut. The
/// bytes go to a temporary file beside it; `commit` brings them to the disk and renames that. Without a commit (a
/// failed write, an exception) an earlier file stays.
class FileWriter {
 public:
  /// Throws Error when no file can be written there.
  explicit FileWriter(const std::filesystem::path& path) : path_(path) {
    std::error_code ignored;
    // A link stays a link: what it points to is replaced.
    if (std::filesystem::is_symlink(path_, ignored)) path_ = std::filesystem::weakly_canonical(path_, ignored);
    const auto status = std::filesystem::status(path_, ignored);
    if (std::filesystem::is_directory(status)) fail_to_write("it is a folder");
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
      fail_to_write("it is not a regular file");
    const auto folder = path_.parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder, ignored))
      fail_to_write("there is no folder " + folder.string());
    part_ = path_;
    part_ += '.';
    part_ += std::to_string(std::random_device{}());  // two programs may write the same file at once
    part_ += ".part";
    file_.reset(std::fopen(part_.string().c_str(), "wb"));
    if (!file_) fail_to_write(std::strerror(errno));
  }
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  /// Without a commit nothing is left of what was written.
  ~FileWriter() {
    file_.reset();
    std::error_code ignored;
    if (!committed_) std::filesystem::remove(part_, ignored);
  }

  /// Appends. Throws Error when the disk is full or broken.
  void write(const void* data, std::size_t bytes) {
    if (bytes > 0 && std::fwrite(data, 1, bytes, file_.get()) != bytes) fail_to_write(std::strerror(errno));
  }
  /// Appends the bytes of a text. Throws Error when the disk is full or broken.
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Puts what was written in the place of `path`. Throws Error when that fails: the earlier file has then stayed, or,
  /// where only the folder's own bytes cannot be brought to the disk, the new one stands there. The last call.
  void commit() {
    if (!internal::flush_to_disk(file_.get())) fail_to_write(std::strerror(errno));
    if (std::fclose(file_.release()) != 0) fail_to_write(std::strerror(errno));
    std::error_code error;
    std::filesystem::rename(part_, path_, error);
    if (error) fail_to_write(error.message());
    committed_ = true;
    if (!internal::flush_folder_to_disk(path_.parent_path())) fail_to_write(std::strerror(errno));
  }

 private:
  [[noreturn]] void fail_to_write(std::string_view why) const { fail("cannot write ", path_, ": ", why); }

  std::filesystem::path path_, part_;
  internal::File file_;
  bool committed_ = false;
};

/// Replaces the content of the file, or makes it. Throws Error, and leaves an earlier file as it was, when it cannot.
inline void replace_file(const std::filesystem::path& path, const void* data, std::size_t bytes) {
  FileWriter file(path);
  file.write(data, bytes);
  file.commit();
}
/// The same with the bytes of a text.
inline void replace_file(const std::filesystem::path& path, std::string_view text) {
  replace_file(path, text.data(), text.size());
}

/// Appends to a file that is there, and brings it to the disk. Throws Error when that fails, and cuts the file back to
/// what it was, so that no half of `text` stays behind.
inline void append_to_file(const std::filesystem::path& path, std::string_view text) {
  std::error_code error;
  const auto before = std::filesystem::file_size(path, error);
  require(!error, "cannot append to ", path, ": ", error.message());
  internal::File file(std::fopen(path.string().c_str(), "ab"));
  bool good = file != nullptr && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() &&
              internal::flush_to_disk(file.get());
  int why = errno;
  if (file && std::fclose(file.release()) != 0) good = false, why = errno;
  if (good) return;
  std::filesystem::resize_file(path, before, error);
  fail("cannot append to ", path, ": ", std::strerror(why));
}

}  // namespace rival

// rival/core/finite.hpp
// Whether a number is finite, by its bits: -ffast-math lets compilers take every number for finite, and std::isfinite
// with it for true.

#include <bit>
#include <cstdint>
#include <type_traits>

namespace rival {

/// False for NaN and the infinities, whatever flags the program is compiled with.
template <class S>
constexpr bool is_finite(S value) {
  static_assert(std::is_same_v<S, float> || std::is_same_v<S, double>);
  if constexpr (std::is_same_v<S, float>)
    return (std::bit_cast<std::uint32_t>(value) & 0x7f800000u) != 0x7f800000u;
  else
    return (std::bit_cast<std::uint64_t>(value) & 0x7ff0000000000000u) != 0x7ff0000000000000u;
}

/// The same for NaN alone.
template <class S>
constexpr bool is_nan(S value) {
  static_assert(std::is_same_v<S, float> || std::is_same_v<S, double>);
  if constexpr (std::is_same_v<S, float>)
    return (std::bit_cast<std::uint32_t>(value) & 0x7fffffffu) > 0x7f800000u;
  else
    return (std::bit_cast<std::uint64_t>(value) & 0x7fffffffffffffffu) > 0x7ff0000000000000u;
}

}  // namespace rival

// rival/core/labels.hpp
// Labels: the classes of a batch's samples.

#include <span>

// rival/core/shape.hpp
// Shapes: a short list of extents, held in place so that passing one around never allocates.

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <ostream>

namespace rival {

/// Signed, as Eigen's: differences and loops downward need no casts.
using Index = std::ptrdiff_t;

/// The extents of a tensor, outermost first; the last one is contiguous in memory. A batch of images is {N, H, W, C}.
/// Prints as `64x28x28x1`; the empty shape is a scalar's.
class Shape {
 public:
  static constexpr Index max_rank = 8;  ///< most axes that a shape can have

  Shape() = default;
  /// Throws Error for a negative extent, more than `max_rank` of them, or a product that overflows Index.
  Shape(std::initializer_list<Index> extents) {
    for (const Index extent : extents) push_back(extent);
  }

  /// Number of axes; 0 for a scalar.
  Index rank() const { return rank_; }
  /// Throws Error unless 0 <= axis < rank().
  Index operator[](Index axis) const {
    require(axis >= 0 && axis < rank_, "shape: expected an axis of ", *this, ", got ", axis);
    return extents_[static_cast<std::size_t>(axis)];
  }
  /// The last extent, which is the channels of an image; 1 for a scalar.
  Index back() const { return rank_ == 0 ? 1 : (*this)[rank_ - 1]; }
  /// The outermost extent, for loops over all extents.
  const Index* begin() const { return extents_.data(); }
  /// One past the last extent.
  const Index* end() const { return extents_.data() + rank_; }

  /// Number of elements: the product of the extents, 1 for a scalar.
  Index size() const {
    Index product = 1;
    for (const Index extent : *this) product *= extent;
    return product;
  }

  /// Adds an innermost axis. Throws Error for a negative extent, more than `max_rank` of them, or a product that
  /// overflows Index.
  void push_back(Index extent) {
    require(rank_ < max_rank, "shape: at most ", max_rank, " extents, got more");
    require(extent >= 0, "shape: expected extents >= 0, got ", extent);
    const Index product = size();
    require(product == 0 || extent <= std::numeric_limits<Index>::max() / product, "shape: ", *this, "x", extent,
            " has more elements than an index can count");
    extents_[static_cast<std::size_t>(rank_++)] = extent;
  }

  /// The same shape with `extent` on `axis`. Throws Error unless there is that axis.
  Shape with(Index axis, Index extent) const {
    require(axis >= 0 && axis < rank_, "shape: expected an axis of ", *this, ", got ", axis);
    Shape changed;
    for (Index i = 0; i < rank_; ++i) changed.push_back(i == axis ? extent : (*this)[i]);
    return changed;
  }
  /// The shape of one sample: everything behind the first axis.
  Shape sample() const {
    Shape rest;
    for (Index i = 1; i < rank_; ++i) rest.push_back((*this)[i]);
    return rest;
  }
  /// This sample shape as a batch of `count`: {count, *this...}.
  Shape batch(Index count) const {
    Shape whole{count};
    for (const Index extent : *this) whole.push_back(extent);
    return whole;
  }

  /// Equal in rank and in every extent.
  friend bool operator==(const Shape& a, const Shape& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

  /// As it is printed: `64x28x28x1`, or `scalar`.
  std::string text() const {
    if (rank_ == 0) return "scalar";
    std::string joined;
    for (const Index extent : *this) {
      if (!joined.empty()) joined += 'x';
      joined += std::to_string(extent);
    }
    return joined;
  }
  /// Prints text().
  friend std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.text(); }

 private:
  std::array<Index, max_rank> extents_{};
  Index rank_ = 0;
};

}  // namespace rival

namespace rival {

/// The class of one sample.
using Label = std::uint16_t;

/// So many classes there may be at most.
inline constexpr Index most_classes = 65'536;

/// The class of each sample of a batch; empty where there are none.
using Labels = std::span<const Label>;

}  // namespace rival

// rival/core/mapped_file.hpp
// MappedFile: a file's bytes as memory, of which the system reads what is touched.

#ifndef _WIN32
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#include <fstream>
#include <vector>
#endif

namespace rival {

/// Read only. Where there is no such thing (Windows) the file is read as a whole.
class MappedFile {
 public:
  /// Throws Error when there is no such file, or it cannot be mapped.
  explicit MappedFile(const std::filesystem::path& path) : path_(path) {
    internal::require_file("mapped file", path);
#ifndef _WIN32
    descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    require(descriptor_ >= 0, "mapped file ", path, ": cannot be opened (", std::strerror(errno), ")");
    size_ = size_now();
    if (size_ == 0) return;
    void* memory = mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor_, 0);
    if (memory == MAP_FAILED) {
      const int why = errno;
      close(descriptor_);
      fail("mapped file ", path, ": cannot be mapped (", std::strerror(why), ")");
    }
    memory_ = static_cast<const std::uint8_t*>(memory);
#else
    std::ifstream file(path, std::ios::binary);
    content_.resize(static_cast<std::size_t>(std::filesystem::file_size(path)));
    file.read(reinterpret_cast<char*>(content_.data()), static_cast<std::streamsize>(content_.size()));
    require(file.good() || content_.empty(), "mapped file ", path, ": cannot be read");
    memory_ = content_.data();
    size_ = content_.size();
#endif
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() {
#ifndef _WIN32
    if (memory_) munmap(const_cast<std::uint8_t*>(memory_), size_);
    close(descriptor_);
#endif
  }

  /// The first byte; null for an empty file.
  const std::uint8_t* data() const { return memory_; }
  /// Bytes that the file had when it was opened.
  std::size_t size() const { return size_; }

  /// Throws Error when the file has become shorter: to touch what is gone would end the program. Asked before each
  /// batch.
  void require_whole() const {
#ifndef _WIN32
    const std::size_t now = size_now();
    require(now >= size_, "mapped file ", path_, ": expected its ", size_, " bytes, got ", now,
            "; it was cut while it was in use");
#endif
  }

 private:
#ifndef _WIN32
  std::size_t size_now() const {
    struct stat status {};
    require(fstat(descriptor_, &status) == 0, "mapped file ", path_, ": cannot be asked for its size (",
            std::strerror(errno), ")");
    return static_cast<std::size_t>(status.st_size);
  }
  int descriptor_ = -1;
#else
  std::vector<std::uint8_t> content_;
#endif
  std::filesystem::path path_;
  const std::uint8_t* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace rival

// rival/core/optimisation.hpp
// A word to whoever forgot to let the compiler optimise.

namespace rival::internal {

/// Says on standard error, once a process, that the program was compiled without optimisation (GCC and Clang tell).
/// Every training pass comes by here; in a program that is optimised there is nothing left of it. Define
/// RIVAL_NO_OPTIMISATION_WARNING before Rival's first header to silence it.
inline void warn_unless_optimised() {
#if defined(__GNUC__) && !defined(__OPTIMIZE__) && !defined(RIVAL_NO_OPTIMISATION_WARNING)
  [[maybe_unused]] static const int once = std::fputs(
      "rival: compiled without optimisation, which makes training about a hundred times slower: compile with "
      "-O3 -march=native (CMake: CMAKE_BUILD_TYPE=Release)\n",
      stderr);
#endif
}

}  // namespace rival::internal

// rival/core/parallel.hpp
// Loops over tasks, on all threads. What a task is depends on shapes alone and never on the number of threads, and
// every number is written by one task: so a result has the same bits on one thread and on twenty.

#include <atomic>
#include <cstdlib>

// rival/core/cores.hpp
// How many cores' time this process may use, as far as the system says.

#include <fstream>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace rival::internal {

inline constexpr int no_limit = std::numeric_limits<int>::max();

/// quota / period, rounded up, at least 1; no_limit where there is no quota (0 or less, or a word such as "max").
inline int cores_of_quota(std::istream&& quota, std::istream&& period) {
  double time = 0, of = 0;
  if (!(quota >> time) || time <= 0 || !(period >> of) || of <= 0) return no_limit;
  return static_cast<int>(std::min((time - 1) / of + 1, 1e6));  // both are whole microseconds
}

/// The least that a control group of this process allows, on the way from its own up to the root (a container may see
/// its own group as the root, or have a path that it cannot see): version 2's cpu.max, version 1's cpu.cfs_quota_us.
/// `groups` has lines such as "0::/user.slice" and "3:cpu,cpuacct:/docker/1f"; `mount` is where the trees are.
inline int cores_of_groups(const std::string& groups, const std::string& mount) {
  int least = no_limit;
  std::ifstream lines(groups);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t names = line.find(':') + 1, path = line.find(':', names) + 1;
    if (names == 0 || path == 0) continue;
    const std::string controllers = ',' + line.substr(names, path - 1 - names) + ',';
    const bool second = controllers == ",,";
    if (!second && controllers.find(",cpu,") == std::string::npos) continue;
    for (std::string group = line.substr(path);; group.erase(std::min(group.find_last_of('/'), group.size()))) {
      const std::string folder = mount + (second ? "" : "/cpu") + group + '/';
      if (second) {
        std::string quota, period;
        std::ifstream(folder + "cpu.max") >> quota >> period;
        least = std::min(least, cores_of_quota(std::istringstream(quota), std::istringstream(period)));
      } else {
        least = std::min(least, cores_of_quota(std::ifstream(folder + "cpu.cfs_quota_us"),
                                               std::ifstream(folder + "cpu.cfs_period_us")));
      }
      if (group.empty()) break;
    }
  }
  return least;
}

/// The least of: the processors of the thread's affinity, OMP_THREAD_LIMIT, and what the control groups allow. 1
/// without OpenMP.
inline int usable_cores() {
#ifdef _OPENMP
  return std::max(1, std::min({omp_get_num_procs(), omp_get_thread_limit(),
                               cores_of_groups("/proc/self/cgroup", "/sys/fs/cgroup")}));
#else
  return 1;
#endif
}

}  // namespace rival::internal

// rival/core/team.hpp
// Team: a thread and its helpers, which run the tasks of its loops and sleep between them.

#include <unistd.h>

#include <exception>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#ifdef __linux__
#include <sched.h>
#endif
#endif

namespace rival::internal {

/// What a waiting thread does between two looks.
inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// The processors that OpenMP's places name. With OMP_PROC_BIND the first thread is tied to one of the places, and the
/// threads that it starts would be so too.
class Places {
 public:
  void take() const {
#if defined(_OPENMP) && defined(__linux__)
    if (bound_) sched_setaffinity(0, sizeof processors_, &processors_);
#endif
  }

#if defined(_OPENMP) && defined(__linux__)
  Places() {
    CPU_ZERO(&processors_);
    if (!bound_) return;
    for (int place = 0; place < omp_get_num_places(); ++place) {
      std::vector<int> processors(static_cast<std::size_t>(omp_get_place_num_procs(place)));
      omp_get_place_proc_ids(place, processors.data());
      for (const int processor : processors)
        if (processor < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(processor), &processors_);
    }
  }

 private:
  bool bound_ = omp_get_proc_bind() != omp_proc_bind_false && omp_get_num_places() > 0;
  cpu_set_t processors_;
#endif
};

/// The leader hands out loops with `run`; tasks are taken one by one by whoever is free, the leader too, and it waits
/// for nobody but those who have taken one. So a helper that the system gives no time holds nobody up, as it does at
/// the barriers of OpenMP's own loops. Who waits looks for a while, about as long as waking costs, and then sleeps:
/// never longer, since on a busy machine the time is another's.
class Team {
 public:
  using Call = void (*)(const void* task, Index i, Index worker);

  /// `size` counts the leader, who is worker 0. `enter` is called with the team by each helper at its start. If the
  /// system grants fewer threads, fewer work.
  template <class Enter>
  Team(int size, const Enter& enter) : size_(size), process_(getpid()) {
    helpers_.reserve(static_cast<std::size_t>(size - 1));
    const Places places;
    try {
      for (int worker = 1; worker < size; ++worker)
        helpers_.emplace_back([this, worker, enter, places] {
          places.take();
          enter(this);
          serve(worker);
        });
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {
    }
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  ~Team() {
    if (!is_here()) {
      // The threads are the parent's, and a std::thread that stands for one can neither be joined nor detached.
      new std::vector<std::thread>(std::move(helpers_));
      return;
    }
    closed_.store(true);
    ring();
    for (auto& helper : helpers_) helper.join();
  }

  int size() const { return size_; }
  /// False in a process that was forked from the team's own: there the helpers do not exist.
  bool is_here() const { return process_ == getpid(); }

  /// Wakes the helpers: the leader says that a loop is near.
  void ring() {
    bell_.fetch_add(1);
    bell_.notify_all();
  }

  /// The leader's: call(task, i, worker) for i in [0, tasks). Returns when all have ended, and throws what one of them
  /// has thrown; the others are called all the same.
  void run(Index tasks, Call call, const void* task) {
    call_ = call;
    task_ = task;
    throwing_.clear(std::memory_order_relaxed);
    left_.store(static_cast<int>(tasks), std::memory_order_relaxed);
    ticket_.store(static_cast<std::uint64_t>(tasks) << 32);
    ring();
    take(0);
    for (int left = left_.load(); left != 0; left = left_.load()) wait(left_, left);
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

  static constexpr Index most_tasks = std::numeric_limits<int>::max();

 private:
  void serve(Index worker) {
    while (!closed_.load()) {
      const int heard = bell_.load();
      take(worker);
      if (!closed_.load()) wait(bell_, heard);
    }
  }

  /// Runs tasks until none is left to take. The ticket holds their number (high half) and the next one's (low half).
  /// Who has taken a task keeps the loop from ending, and so its description from changing, until it is done.
  void take(Index worker) {
    std::uint64_t ticket = ticket_.load();
    while ((ticket & 0xffffffff) < ticket >> 32) {
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1)) continue;
      try {
        call_(task_, static_cast<Index>(ticket & 0xffffffff), worker);
      } catch (...) {
        if (!throwing_.test_and_set()) thrown_ = std::current_exception();
      }
      if (left_.fetch_sub(1) == 1) left_.notify_one();
      ticket = ticket_.load();
    }
  }

  static void wait(const std::atomic<int>& value, int old) {
    for (int look = 0; look < 2000; ++look) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause();
    }
    value.wait(old);
  }

  Call call_ = nullptr;
  const void* task_ = nullptr;
  alignas(64) std::atomic<std::uint64_t> ticket_{0};
  alignas(64) std::atomic<int> left_{0};
  alignas(64) std::atomic<int> bell_{0};
  std::atomic<bool> closed_{false};
  std::atomic_flag throwing_;  // by the first task that throws, whose exception is kept
  std::exception_ptr thrown_;
  int size_;
  pid_t process_;
  std::vector<std::thread> helpers_;
};

}  // namespace rival::internal

#ifdef _OPENMP
#include <omp.h>
#endif

namespace rival {

namespace internal {

/// What this thread is to the loops that it meets: the team that it leads or helps at the moment, and whether it runs
/// one of the team's tasks. A loop within a task is the task's own.
struct Standing {
  Team* team = nullptr;
  bool in_task = false;
};
inline thread_local Standing standing;

/// This thread's team, kept with its helpers and their scratch memory from loop to loop.
inline Team& team_of_this_thread(int size) {
  thread_local std::unique_ptr<Team> team;
  if (!team || team->size() != size || !team->is_here()) {
    team.reset();
    team = std::make_unique<Team>(size, [](Team* of) { standing = {of, true}; });
  }
  return *team;
}

/// The most threads that are granted: the cores that this process may use, asked for once. More would only be slower,
/// so nobody but tests, which show that the bits do not depend on the number of threads, has a reason to set it.
inline std::atomic<int>& most_threads() {
  static std::atomic<int> most = usable_cores();
  return most;
}

/// Says once, on stderr, that not all threads are granted.
inline void say_fewer_threads(int asked, int granted) {
  static std::atomic<bool> said = false;
  if (!said.exchange(true))
    std::fprintf(stderr, "rival: %d threads were asked for; taking %d, the number of cores that this process may use\n",
                 asked, granted);
}

}  // namespace internal

/// The number of threads that loops started by this thread may use: as many as there are cores that this process may
/// use (its affinity, the quota of its control group, OMP_THREAD_LIMIT), or fewer if set_threads, omp_set_num_threads
/// or OMP_NUM_THREADS said so.
inline int threads() {
  if (internal::standing.team != nullptr) return internal::standing.team->size();
#ifdef _OPENMP
  const int count = omp_get_max_threads(), most = internal::most_threads().load(std::memory_order_relaxed);
  if (count <= most) return count;
  // Without a wish, OpenMP's number is that of the processors, of which a control group may allow a part.
  if (std::getenv("OMP_NUM_THREADS") || count > omp_get_num_procs()) internal::say_fewer_threads(count, most);
  return most;
#else
  return 1;
#endif
}

/// Sets it, for loops started by this thread. More than there are cores are not granted, which is said on stderr, once.
/// Throws Error below 1; without OpenMP there is one thread whatever is asked.
inline void set_threads(int count) {
  require(count >= 1, "set_threads: expected at least 1, got ", count);
#ifdef _OPENMP
  const int most = internal::most_threads();
  if (count > most) internal::say_fewer_threads(count, most);
  omp_set_num_threads(std::min(count, most));
#endif
}

/// Work (in scalar operations, roughly) below which waking a second thread costs more than it saves.
inline constexpr double parallel_work = 100'000;

/// Runs body() with the threads of its loops settled, and awake when the first begins: where loops follow one another
/// closely they stay so. `work` as for parallel_for, which does this by itself for a loop that stands alone. What body
/// throws is thrown on.
template <class Body>
void parallel_scope([[maybe_unused]] double work, const Body& body) {
#ifdef _OPENMP
  if (internal::standing.team == nullptr && work >= parallel_work && threads() > 1 && !omp_in_parallel()) {
    struct Lead {
      Lead() { internal::standing.team = &internal::team_of_this_thread(threads()); }
      ~Lead() { internal::standing = {}; }
    } const lead;
    internal::standing.team->ring();
    body();
    return;
  }
#endif
  body();
}

/// Runs task(0) ... task(tasks - 1), in any order and on any thread. `work` estimates the scalar operations of them
/// all; loops below `parallel_work` stay on the calling thread. What a task throws is thrown on, when those that have
/// begun have ended.
///
/// A task may take a second argument, the number of the worker that runs it: below threads(), and no two tasks run at
/// the same time under the same number. It is for picking scratch memory that the caller has made ready.
template <class Task>
void parallel_for(Index tasks, double work, const Task& task) {
  const auto run = [](const void* context, Index i, [[maybe_unused]] Index worker) {
    const Task& body = *static_cast<const Task*>(context);
    if constexpr (std::is_invocable_v<const Task&, Index, Index>)
      body(i, worker);
    else
      body(i);
  };
  if (tasks <= 1 || tasks > internal::Team::most_tasks || work < parallel_work) {
    for (Index i = 0; i < tasks; ++i) run(&task, i, 0);
    return;
  }
  parallel_scope(work, [&] {
    internal::Standing& standing = internal::standing;
    if (standing.team == nullptr || standing.in_task) {
      for (Index i = 0; i < tasks; ++i) run(&task, i, 0);
      return;
    }
    struct InTask {
      InTask() { internal::standing.in_task = true; }
      ~InTask() { internal::standing.in_task = false; }
    } const in_task;
    standing.team->run(tasks, run, &task);
  });
}

/// Cuts `count` items into `parts` that differ by one at most: where part `i` begins.
constexpr Index part_begin(Index count, Index parts, Index i) { return count / parts * i + std::min(i, count % parts); }

/// A loop over [0, count) in blocks of `block` items (the last may be shorter): body(begin, end) for each.
template <class Body>
void parallel_blocks(Index count, Index block, double work, const Body& body) {
  parallel_for((count + block - 1) / block, work, [&](Index i) { body(i * block, std::min(count, (i + 1) * block)); });
}

}  // namespace rival

// rival/core/random.hpp
// Random streams: counter-based, so the number at a place is a pure function of seed, stream and place.

#include <cmath>
#include <numbers>

// rival/core/eigen.hpp
// Eigen's core, with one false alarm silenced.

// g++ 12 takes the operand that AVX-512 intrinsics leave undefined on purpose for an uninitialised variable (its bug
// 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <Eigen/Core>
#pragma GCC diagnostic pop
#else
#include <Eigen/Core>
#endif

// rival/core/instruction_set.hpp
// A program whose files were compiled for different processors is stopped at its start, before it crashes.
//
// The linker keeps one of all copies of an inline function. From files of different -march that may be one with
// instructions that the processor does not have, or one that takes memory to be aligned in another way than the caller
// did: an illegal instruction or a segmentation fault, far from its cause, as users of Eigen know.

namespace rival::internal {

/// The widest vectors that a file was compiled for, as a name for people, and with them whether products are fused.
struct InstructionSet {
  const char* name;
  int id;
};

/// This file's.
constexpr InstructionSet instruction_set() {
#ifdef __FMA__
  constexpr int fused = 1;
#else
  constexpr int fused = 0;
#endif
#if defined(EIGEN_DONT_VECTORIZE)
  return {"no vectors", 2 + fused};
#elif defined(__AVX512F__)
  return {"AVX-512", 4 + fused};
#elif defined(__AVX2__)
  return {"AVX2", 6 + fused};
#elif defined(__AVX__)
  return {"AVX", 8 + fused};
#elif defined(__SSE4_1__)
  return {"SSE4", 10 + fused};
#elif defined(__SSE2__)
  return {"SSE2", 12 + fused};
#else
  return {"this processor family", 14 + fused};
#endif
}

// Each file has one; the linker keeps one of all. It is hidden, so that the libraries that a process loads do not share
// it: each of them has functions of its own.
#if defined(__GNUC__) && !defined(_WIN32)
__attribute__((visibility("hidden")))
#endif
inline InstructionSet program_instruction_set = instruction_set();

/// Ends the program unless `file`, a file's own, is that of all.
inline void require_instruction_set(const InstructionSet& file) {
  if (file.id == program_instruction_set.id) return;
  std::fprintf(stderr,
               "rival: expected all files of a program to be compiled for the same processor, got some for %s and some "
               "for %s: give all of them the same -march\n",
               program_instruction_set.name, file.name);
  std::_Exit(EXIT_FAILURE);  // before anything of the program has begun
}

/// Asks, once for each file, before main begins.
[[maybe_unused]] static const bool checked_instruction_set = (require_instruction_set(instruction_set()), true);

}  // namespace rival::internal

// rival/core/tensor.hpp
// Tensor: a shape over aligned memory, row-major, with Eigen maps for the arithmetic.

#include <functional>

// rival/core/instantiate.hpp
// What a program may link instead of compiling it anew in each of its files.
//
// Headers end with a list of the instantiations that programs mostly ask for,
//
//     RIVAL_INSTANTIATE_CLASS(Dense);
//     RIVAL_INSTANTIATE_FUNCTION(conv_output);
//
// each for float and for double. Header-only, these lists say nothing. With RIVAL_COMPILED_FLOAT they declare those for
// float `extern template`, with RIVAL_COMPILED_DOUBLE those for double, and the program links files that define them.
// Such a file includes, like `<cassert>`, this one once more, with RIVAL_DEFINE_FLOAT or RIVAL_DEFINE_DOUBLE, in front
// of the headers whose lists it is to define. Files of one program or library must be compiled for the same processor.
//
// No `#pragma once`, for that reason.

#undef RIVAL_INSTANTIATE_CLASS
#undef RIVAL_INSTANTIATE_FUNCTION
#undef RIVAL_INSTANTIATE_FLOAT
#undef RIVAL_INSTANTIATE_DOUBLE

/// One instantiation, written out: of an overloaded function, or of something with other arguments than the scalar.
#if defined(RIVAL_DEFINE_FLOAT)
#define RIVAL_INSTANTIATE_FLOAT(...) template __VA_ARGS__
#elif defined(RIVAL_COMPILED_FLOAT)
#define RIVAL_INSTANTIATE_FLOAT(...) extern template __VA_ARGS__
#else
#define RIVAL_INSTANTIATE_FLOAT(...) static_assert(true)
#endif
/// The same of double.
#if defined(RIVAL_DEFINE_DOUBLE)
#define RIVAL_INSTANTIATE_DOUBLE(...) template __VA_ARGS__
#elif defined(RIVAL_COMPILED_DOUBLE)
#define RIVAL_INSTANTIATE_DOUBLE(...) extern template __VA_ARGS__
#else
#define RIVAL_INSTANTIATE_DOUBLE(...) static_assert(true)
#endif

/// `name` is a class template whose one argument is the scalar.
#define RIVAL_INSTANTIATE_CLASS(name)         \
  RIVAL_INSTANTIATE_FLOAT(class name<float>); \
  RIVAL_INSTANTIATE_DOUBLE(class name<double>)
/// `name` is a function template that is not overloaded.
#define RIVAL_INSTANTIATE_FUNCTION(name)                      \
  RIVAL_INSTANTIATE_FLOAT(decltype(name<float>) name<float>); \
  RIVAL_INSTANTIATE_DOUBLE(decltype(name<double>) name<double>)

namespace rival {

/// A matrix with memory of its own, row-major as a Tensor.
template <class S>
using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// A Tensor's memory, seen as a matrix that may be written to.
template <class S>
using MatrixMap = Eigen::Map<Matrix<S>>;
/// The same, to be read only.
template <class S>
using ConstMatrixMap = Eigen::Map<const Matrix<S>>;
/// A Tensor's memory, seen as one column of numbers with arithmetic element by element.
template <class S>
using ArrayMap = Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>>;
/// The same, to be read only.
template <class S>
using ConstArrayMap = Eigen::Map<const Eigen::Array<S, Eigen::Dynamic, 1>>;

/// A dense row-major array of any rank up to Shape::max_rank, aligned to a cache line.
///
/// Every tensor is also a matrix of rows() by cols(): the last axis is the column, all others together are the rows.
/// A batch of images {N, H, W, C} is thus (N*H*W) pixels by C channels, and a batch of vectors {N, C} N by C.
///
/// Memory only grows: `resize` to a smaller or equal size, and assignment from such a tensor, allocate nothing.
template <class S = float>
class Tensor {
 public:
  using Scalar = S;                             ///< the type of an element
  static constexpr std::size_t alignment = 64;  ///< bytes: where the memory begins is a multiple of it

  Tensor() = default;
  /// Zeros.
  explicit Tensor(const Shape& shape) : Tensor(shape, S(0)) {}
  /// Every element is `value`.
  Tensor(const Shape& shape, S value) {
    resize(shape);
    fill(value);
  }
  /// The given values, row by row. Throws Error when their number is not that of `shape`.
  Tensor(const Shape& shape, std::initializer_list<S> values) {
    require(static_cast<Index>(values.size()) == shape.size(), "tensor: ", shape, " holds ", shape.size(),
            " values, got ", values.size());
    resize(shape);
    std::copy(values.begin(), values.end(), data_);
  }

  /// Copies shape and elements into memory of its own, also when `other` is a window (see `alias`).
  Tensor(const Tensor& other) { *this = other; }
  /// Takes over the memory; `other` is left empty.
  Tensor(Tensor&& other) noexcept { swap(other); }
  /// Copies shape and elements, into the memory that it has where that is large enough.
  Tensor& operator=(const Tensor& other) {
    if (this != &other) {
      resize(other.shape_);
      std::copy(other.data_, other.data_ + size_, data_);
    }
    return *this;
  }
  /// Exchanges contents with `other`.
  Tensor& operator=(Tensor&& other) noexcept {
    swap(other);
    return *this;
  }

  /// The extents, outermost first.
  const Shape& shape() const { return shape_; }
  /// Number of axes.
  Index rank() const { return shape_.rank(); }
  /// The extent of one axis. Throws Error unless 0 <= axis < rank().
  Index dim(Index axis) const { return shape_[axis]; }
  /// Number of elements.
  Index size() const { return size_; }
  /// Whether there are no elements.
  bool empty() const { return size_ == 0; }
  /// Extent of the last axis; 1 for a scalar.
  Index cols() const { return shape_.back(); }
  /// Elements in a column: size() / cols(), which is 0 if cols() is.
  Index rows() const { return cols() == 0 ? 0 : size_ / cols(); }

  /// The elements, row by row; null while there never were any.
  S* data() { return data_; }
  /// The same, to be read only.
  const S* data() const { return data_; }

  /// Element i of all, row by row. The range is checked in debug builds alone.
  S& operator[](Index i) {
    assert(i >= 0 && i < size_);
    return data_[i];
  }
  /// The value of element i of all, row by row.
  S operator[](Index i) const {
    assert(i >= 0 && i < size_);
    return data_[i];
  }
  /// Element by one index an axis.
  template <class... I>
  S& operator()(I... indices) {
    return data_[offset(indices...)];
  }
  /// The value of an element, by one index an axis.
  template <class... I>
  S operator()(I... indices) const {
    return data_[offset(indices...)];
  }

  /// The elements as a matrix of rows() by cols(), without a copy.
  MatrixMap<S> matrix() { return {data_, rows(), cols()}; }
  /// The same, to be read only.
  ConstMatrixMap<S> matrix() const { return {data_, rows(), cols()}; }
  /// All elements as one column, for arithmetic element by element; without a copy.
  ArrayMap<S> array() { return {data_, size_}; }
  /// The same, to be read only.
  ConstArrayMap<S> array() const { return {data_, size_}; }

  /// Sets the shape. Values are kept only while the number of elements stays the same; otherwise they are undefined.
  /// Throws Error when the elements need more bytes than an index can count.
  void resize(const Shape& shape) {
    const Index size = shape.size();
    if (size > capacity_) {
      require(size <= std::numeric_limits<Index>::max() / static_cast<Index>(sizeof(S)), "tensor: ", shape,
              " needs more bytes than an index can count");
      const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(S);
      memory_.reset(static_cast<S*>(::operator new (bytes, std::align_val_t{alignment})));
      capacity_ = size;
    }
    data_ = memory_.get();
    shape_ = shape;
    size_ = size;
  }
  /// The same elements under another shape. Throws Error when the numbers of elements differ.
  void reshape(const Shape& shape) {
    require(shape.size() == size_, "tensor: cannot reshape ", shape_, " to ", shape);
    shape_ = shape;
  }
  /// Becomes a window on `other`'s memory, for layers that only change a shape. It is read, never written, and
  /// lives no longer than `other` keeps its size. A copy of a window has memory of its own, a moved one stays a window.
  /// Throws Error when the numbers of elements differ.
  void alias(const Tensor& other, const Shape& shape) {
    require(shape.size() == other.size_, "tensor: cannot see ", other.shape_, " as ", shape);
    data_ = const_cast<S*>(other.data_);
    shape_ = shape;
    size_ = other.size_;
  }

  /// Whether the elements of `other` lie in the memory that is this tensor's own.
  bool owns(const Tensor& other) const {
    const std::less<const S*> before;  // which orders pointers into different memories too
    return memory_ && !other.empty() && !before(other.data_, memory_.get()) &&
           before(other.data_, memory_.get() + capacity_);
  }

  /// Sets every element.
  void fill(S value) { std::fill(data_, data_ + size_, value); }

  /// Exchanges shape and memory with `other`; no element is copied.
  void swap(Tensor& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(shape_, other.shape_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  struct Release {
    void operator()(S* memory) const { ::operator delete (memory, std::align_val_t{alignment}); }
  };

  template <class... I>
  Index offset(I... indices) const {
    assert(static_cast<Index>(sizeof...(indices)) == shape_.rank());
    Index flat = 0, axis = 0;
    ((assert(indices >= 0 && static_cast<Index>(indices) < shape_[axis]),
      flat = flat * shape_[axis++] + static_cast<Index>(indices)),
     ...);
    return flat;
  }

  std::unique_ptr<S, Release> memory_;
  S* data_ = nullptr;
  Shape shape_{0};
  Index size_ = 0;
  Index capacity_ = 0;
};

}  // namespace rival

namespace rival {

namespace internal {

/// Philox4x32-10: a bijection of a 128-bit counter under a 64-bit key (Salmon, Moraes, Dror and Shaw, "Parallel random
/// numbers: as easy as 1, 2, 3", 2011).
inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0], b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

}  // namespace internal

/// A stream of random numbers. The same seed gives the same numbers on any number of threads.
///
/// A stream is its key, its number and its position: three integers that can be read, stored and set again, and with
/// them the stream goes on where it was. `stream("name")` gives a stream of its own to each user, so that drawing more
/// numbers in one place never shifts those of another.
class Random {
 public:
  /// All that there is to know of a stream.
  struct Position {
    std::uint64_t seed = 0;    ///< the key, which all sub-streams of a stream share
    std::uint64_t stream = 0;  ///< the number of the stream; 0 for the one that is made from a seed
    std::uint64_t block = 0;   ///< of four 32-bit words; the next one to be drawn
    friend bool operator==(const Position&, const Position&) = default;
  };

  /// The main stream of that seed, at its beginning.
  explicit Random(std::uint64_t seed = 0) : at_{seed, 0, 0} {}
  /// The stream that was left at `position`, from there on.
  explicit Random(const Position& position) : at_(position) {}

  /// Where the stream stands; a Random made from it gives the numbers that are still to come.
  const Position& position() const { return at_; }
  /// Passes over `blocks` blocks of four 32-bit words.
  void skip(std::uint64_t blocks) { at_.block += blocks; }

  /// The sub-stream of that name: depends on seed, this stream and the name, not on what has been drawn.
  Random stream(std::string_view name) const {
    std::uint64_t hash = 0xcbf29ce484222325 ^ (at_.stream * 0x9E3779B97F4A7C15);  // FNV-1a over the name, then mixed
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
    return Random(Position{at_.seed, hash ^ (hash >> 31), 0});
  }

  /// 64 random bits.
  std::uint64_t bits() {
    const auto words = block(at_.block++);
    return words[0] | std::uint64_t{words[1]} << 32;
  }
  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  /// Normal with mean 0 and deviation 1.
  double normal() {
    double value[2];
    normal_pair(block(at_.block++), value);
    return value[0];
  }
  /// Uniform among 0 ... count - 1.
  Index below(Index count) {
    require(count > 0, "random: expected a positive count, got ", count);
    // Rejecting the bits above the last whole multiple of count leaves no bias.
    const auto n = static_cast<std::uint64_t>(count);
    const std::uint64_t excess = (~n + 1) % n;
    std::uint64_t word = bits();
    while (word < excess) word = bits();
    return static_cast<Index>(word % n);
  }
  /// 0 ... count - 1 in random order (Fisher-Yates).
  void permutation(Index count, std::vector<Index>& order) {
    order.resize(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[static_cast<std::size_t>(below(static_cast<Index>(i)))]);
  }

  /// Fills with numbers uniform in [low, high). Throws Error unless low <= high and both are finite.
  template <class S>
  void fill_uniform(Tensor<S>& tensor, S low = S(0), S high = S(1)) {
    const S width = high - low;
    require(low <= high && is_finite(width), "random: expected a finite range low <= high, got ", low, " to ", high);
    const S largest = std::nextafter(high, low);  // the sum below may round up to high
    fill(
        tensor,
        [=](const std::array<std::uint32_t, 4>& words, S* out) {
          if constexpr (std::is_same_v<S, float>)
            for (std::size_t i = 0; i < 4; ++i)
              out[i] = std::min(low + width * (static_cast<float>(words[i] >> 8) * 0x1p-24f), largest);
          else
            for (std::size_t i = 0; i < 2; ++i) out[i] = std::min(low + width * unit(words, 2 * i), largest);
        },
        [](S*) {});
  }
  /// Fills with normal numbers. Throws Error for a deviation below 0.
  template <class S>
  void fill_normal(Tensor<S>& tensor, S mean = S(0), S deviation = S(1)) {
    require(deviation >= S(0), "random: expected a deviation >= 0, got ", deviation);
    if constexpr (std::is_same_v<S, float>)
      // Box and Muller's transform of whole chunks. Their size is fixed, so that Eigen computes every element in
      // packets: an element left over would be rounded differently, and depend on how many are drawn with it.
      fill(
          tensor,
          [](const std::array<std::uint32_t, 4>& words, float* out) {
            for (std::size_t i = 0; i < 4; ++i) out[i] = (static_cast<float>(words[i]) + 0.5f) * 0x1p-32f;
          },
          [=](float* chunk) {
            using Half = Eigen::Array<float, chunk_size / 2, 1>;
            using EverySecond = Eigen::Map<Half, 0, Eigen::InnerStride<2>>;
            EverySecond even(chunk), odd(chunk + 1);
            Half radius = even, angle = odd;
            radius = deviation * (-2.0f * radius.log()).sqrt();
            angle *= 2 * std::numbers::pi_v<float>;
            const Half x = mean + radius * angle.cos(), y = mean + radius * angle.sin();
            even = x;
            odd = y;
          });
    else
      fill(
          tensor,
          [=](const std::array<std::uint32_t, 4>& words, double* out) {
            normal_pair(words, out);
            for (int i = 0; i < 2; ++i) out[i] = mean + deviation * out[i];
          },
          [](double*) {});
  }

 private:
  static constexpr Index chunk_size = 512;

  std::array<std::uint32_t, 4> block(std::uint64_t number) const {
    return internal::philox({static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32),
                             static_cast<std::uint32_t>(at_.stream), static_cast<std::uint32_t>(at_.stream >> 32)},
                            {static_cast<std::uint32_t>(at_.seed), static_cast<std::uint32_t>(at_.seed >> 32)});
  }

  /// Two words as a number in [0, 1).
  static double unit(const std::array<std::uint32_t, 4>& words, std::size_t first) {
    return static_cast<double>((words[first] | std::uint64_t{words[first + 1]} << 32) >> 11) * 0x1p-53;
  }

  static void normal_pair(const std::array<std::uint32_t, 4>& words, double* out) {
    const double radius = std::sqrt(-2 * std::log(unit(words, 0) + 0x1p-54));
    const double angle = 2 * std::numbers::pi * unit(words, 2);
    out[0] = radius * std::cos(angle);
    out[1] = radius * std::sin(angle);
  }

  /// Element i is made from block i / (16 / sizeof(S)): `draw` turns a block into elements, `finish` a chunk of them.
  template <class S, class Draw, class Finish>
  void fill(Tensor<S>& tensor, const Draw& draw, const Finish& finish) {
    static_assert(std::is_same_v<S, float> || std::is_same_v<S, double>);
    constexpr Index per_block = 16 / static_cast<Index>(sizeof(S));
    const Index size = tensor.size();
    parallel_blocks(size, chunk_size, 10.0 * static_cast<double>(size), [&](Index begin, Index end) {
      alignas(64) S chunk[chunk_size];
      const Index drawn = (end - begin + per_block - 1) / per_block * per_block;
      for (Index i = 0; i < drawn; i += per_block)
        draw(block(at_.block + static_cast<std::uint64_t>((begin + i) / per_block)), chunk + i);
      std::fill(chunk + drawn, chunk + chunk_size, S(1));
      finish(chunk);
      std::copy(chunk, chunk + (end - begin), tensor.data() + begin);
    });
    skip(static_cast<std::uint64_t>((size + per_block - 1) / per_block));
  }

  Position at_;
};

RIVAL_INSTANTIATE_FLOAT(void Random::fill_uniform(Tensor<float>&, float, float));
RIVAL_INSTANTIATE_DOUBLE(void Random::fill_uniform(Tensor<double>&, double, double));
RIVAL_INSTANTIATE_FLOAT(void Random::fill_normal(Tensor<float>&, float, float));
RIVAL_INSTANTIATE_DOUBLE(void Random::fill_normal(Tensor<double>&, double, double));

}  // namespace rival

// rival/core/version.hpp
// The library's version, from which CMakeLists.txt reads the project's. It follows semver.org; before 1.0 a minor
// version may break programs.

/// The version's first number.
#define RIVAL_VERSION_MAJOR 0
/// Its second.
#define RIVAL_VERSION_MINOR 1
/// Its third.
#define RIVAL_VERSION_PATCH 0

/// One number for the preprocessor, such as 10203 for 1.2.3: `#if RIVAL_VERSION >= 10203`.
#define RIVAL_VERSION (RIVAL_VERSION_MAJOR * 10000 + RIVAL_VERSION_MINOR * 100 + RIVAL_VERSION_PATCH)

// Two steps: an argument that stands behind # is not expanded.
#define RIVAL_VERSION_QUOTE(major, minor, patch) #major "." #minor "." #patch
#define RIVAL_VERSION_TEXT(major, minor, patch) RIVAL_VERSION_QUOTE(major, minor, patch)

namespace rival {

/// The version, such as "1.2.3"; a zero stands behind it, as C asks for.
inline constexpr std::string_view version =
    RIVAL_VERSION_TEXT(RIVAL_VERSION_MAJOR, RIVAL_VERSION_MINOR, RIVAL_VERSION_PATCH);

}  // namespace rival

#undef RIVAL_VERSION_TEXT
#undef RIVAL_VERSION_QUOTE

// rival/core/workspace.hpp
// Scratch memory for kernels: one set of buffers a thread, which only grow, so that warm calls allocate nothing.

namespace rival {

/// What a buffer of the calling thread is used for; a kernel that calls another one must not share a use with it.
enum class Scratch {
  packed_weights,  ///< weights, or a factor of a product, in the order in which a kernel reads them
  padded_copy,     ///< a source that was brought into another layout
  partial_sums,    ///< what several tasks make and is added up in a fixed order
  task,            ///< of TaskScratch
  group            ///< of grouped convolutions: one group's channels, next to each other
};

/// `size` scalars of the calling thread's buffer for `use`, with undefined contents; good until the next call for that
/// use.
template <class S>
S* scratch(Scratch use, Index size) {
  thread_local std::array<Tensor<S>, 5> buffers;
  auto& buffer = buffers[static_cast<std::size_t>(use)];
  buffer.resize({size});
  return buffer.data();
}

/// Scratch memory for the tasks of a parallel_for that this thread is about to call, made ready here because a task
/// must not allocate: which thread runs which task changes from call to call.
template <class S>
class TaskScratch {
 public:
  /// `size` scalars for each worker.
  explicit TaskScratch(Index size)
      : stride_((size + line - 1) / line * line), data_(scratch<S>(Scratch::task, threads() * stride_)) {}
  /// The memory of that worker, which parallel_for tells its task: `size` scalars with undefined contents.
  S* of(Index worker) const { return data_ + worker * stride_; }

 private:
  static constexpr Index line = 64 / static_cast<Index>(sizeof(S));  // workers share no cache line
  Index stride_;
  S* data_;
};

}  // namespace rival

// rival/data/alphabet.hpp
// Alphabet: characters as symbols, and symbols as text again.

#include <map>

namespace rival {

namespace internal {

inline constexpr char32_t no_character = 0xffffffff;

/// Takes the first code point off a text of UTF-8; `no_character` where it is broken: a byte that begins none, a
/// missing or an overlong piece, a surrogate, more than U+10FFFF.
inline char32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xc0 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf8 ? 4
                                          : 0;
  if (size == 0 || text.size() < size) return no_character;
  char32_t point = size == 1 ? first : first & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return no_character;
    point = point << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (point < least[size] || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff) return no_character;
  text.remove_prefix(size);
  return point;
}

/// The code points of a text of UTF-8. False where it is broken.
inline bool characters_of(std::string_view text, std::u32string& points) {
  points.clear();
  while (!text.empty()) {
    const char32_t point = take_character(text);
    if (point == no_character) return false;
    points += point;
  }
  return true;
}

inline void append_utf8(std::string& text, char32_t point) {
  const auto piece = [&](unsigned high, int shift) {
    text += static_cast<char>(high | ((point >> shift) & (high == 0x80 ? 0x3f : 0x7f)));
  };
  if (point < 0x80) return piece(0, 0);
  if (point < 0x800) return piece(0xc0, 6), piece(0x80, 0);
  if (point < 0x10000) return piece(0xe0, 12), piece(0x80, 6), piece(0x80, 0);
  piece(0xf0, 18), piece(0x80, 12), piece(0x80, 6), piece(0x80, 0);
}

}  // namespace internal

/// The characters that lines are made of. A character is a code point of Unicode, texts are UTF-8. Symbol 0 is the
/// padding behind a line's end, symbol k the k-th character:
///
///     const Alphabet letters("abc");
///     letters.tokens("cab", 5);   // 3 1 2 0 0
class Alphabet {
 public:
  /// Throws Error for no character, for one that comes twice, for a line's end, for more than 65,535, and for what is
  /// no UTF-8.
  explicit Alphabet(std::string_view characters) {
    require(internal::characters_of(characters, characters_), "alphabet: expected UTF-8, got broken text");
    require(!characters_.empty() && static_cast<Index>(characters_.size()) < most_classes, "alphabet: expected 1 to ",
            most_classes - 1, " characters, got ", characters_.size());
    for (std::size_t i = 0; i < characters_.size(); ++i) {
      require(characters_[i] != U'\n' && characters_[i] != U'\r',
              "alphabet: expected no line's end among its characters");
      const bool first = symbols_.emplace(characters_[i], static_cast<Label>(i + 1)).second;
      require(first, "alphabet: expected each character once, got '", text_of(characters_[i]), "' twice");
    }
  }

  /// Number of symbols: the characters and the padding.
  Index symbols() const { return static_cast<Index>(characters_.size()) + 1; }
  /// All characters, as text.
  std::string characters() const {
    std::string text;
    for (const char32_t point : characters_) internal::append_utf8(text, point);
    return text;
  }

  /// The symbol of a character; 0 for one that is not in the alphabet.
  Label symbol(char32_t character) const {
    const auto found = symbols_.find(character);
    return found == symbols_.end() ? Label{0} : found->second;
  }

  /// The symbols of a line, padded to `length`. Throws Error for a line that is longer, and for other characters.
  std::vector<Label> tokens(std::string_view line, Index length) const {
    std::u32string points;
    require(internal::characters_of(line, points), "alphabet: expected UTF-8, got a broken line");
    require(static_cast<Index>(points.size()) <= length, "alphabet: expected at most ", length, " characters, got ",
            points.size(), " in ", line);
    std::vector<Label> symbols(static_cast<std::size_t>(length));
    for (std::size_t i = 0; i < points.size(); ++i) {
      symbols[i] = symbol(points[i]);
      require(symbols[i] != 0, "alphabet: expected its own characters, got '", text_of(points[i]), "' in ", line);
    }
    return symbols;
  }

  /// The line that symbols stand for: without the padding at its end; padding elsewhere, which lines do not have but
  /// samples may, is shown as `gap`. Throws Error for a symbol that there is not.
  std::string text(std::span<const Label> symbols, std::string_view gap = "_") const {
    std::size_t size = symbols.size();
    while (size > 0 && symbols[size - 1] == 0) --size;
    std::string line;
    for (const Label one : symbols.first(size)) {
      require(one < this->symbols(), "alphabet: expected symbols below ", this->symbols(), ", got ", one);
      if (one == 0)
        line += gap;
      else
        internal::append_utf8(line, characters_[one - 1u]);
    }
    return line;
  }

 private:
  static std::string text_of(char32_t point) {
    std::string text;
    internal::append_utf8(text, point);
    return text;
  }

  std::u32string characters_;
  std::map<char32_t, Label> symbols_;
};

}  // namespace rival

// rival/data/dataset.hpp
// Dataset: samples of one shape, in memory or in a file. Values stay as small as they come and become numbers batch by
// batch.

// rival/core/checksum.hpp
// Checksum: 64 bits by which content is known again.

namespace rival::internal {

/// Takes content piece by piece; where one piece ends and the next begins counts. Each step is a bijection of what was
/// before, so that one changed byte always changes the value. Made for accidents, not against forgery: some gigabytes a
/// second.
class Checksum {
 public:
  void add(const void* data, std::size_t bytes) {
    const auto* at = static_cast<const unsigned char*>(data);
    std::uint64_t lanes[4];  // side by side, as a product takes some cycles
    for (std::uint64_t i = 0; i < 4; ++i) lanes[i] = value_ + i * 0x9E3779B97F4A7C15;
    std::size_t left = bytes;
    for (; left >= sizeof lanes; left -= sizeof lanes, at += sizeof lanes) take(lanes, at);
    if (left > 0) {
      unsigned char rest[sizeof lanes] = {};
      std::memcpy(rest, at, left);
      take(lanes, rest);
    }
    value_ = mixed(value_, bytes);
    for (const std::uint64_t lane : lanes) value_ = mixed(value_, lane);
  }
  void add(std::string_view text) { add(text.data(), text.size()); }
  void add(std::uint64_t number) { value_ = mixed(value_, number); }

  std::uint64_t value() const { return value_; }

 private:
  static std::uint64_t mixed(std::uint64_t value, std::uint64_t word) {
    value = (value ^ word) * 0xbf58476d1ce4e5b9;
    return value ^ (value >> 32);
  }
  static void take(std::uint64_t (&lanes)[4], const unsigned char* from) {
    std::uint64_t words[4];
    std::memcpy(words, from, sizeof words);
    for (int i = 0; i < 4; ++i) lanes[i] = mixed(lanes[i], words[i]);
  }

  std::uint64_t value_ = 0x94d049bb133111eb;
};

}  // namespace rival::internal

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

// rival/data/distortion.hpp
// Distortion: random changes to images that leave what they show, for training on more images than there are.

#include <optional>

namespace rival {

/// How far an image may be changed. All amounts are drawn for each image anew; the defaults change nothing.
struct DistortionOptions {
  double shift = 0;    ///< pixels, down and to the right: uniform in [-shift, shift]
  double rotate = 0;   ///< degrees, anticlockwise: uniform in [-rotate, rotate]
  double scale = 1;    ///< factor of height and width: log-uniform in [1 / scale, scale]
  double stretch = 1;  ///< factor of the width, whose inverse is the height's: log-uniform likewise
  double elastic = 0;  ///< pixels: standard deviation of a pixel's own shift, far from the edge; less near it
  double elastic_radius =
      4;             ///< pixels, few beside the image's: deviation of the Gaussian over which shifts go together
  double flip = 0;   ///< share of the images that are mirrored, left to right
  double noise = 0;  ///< standard deviation of normal noise on each number, in its own unit
  /// What lies outside of an image; where there is none, its edge goes on.
  std::optional<double> fill = {};

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("shift", o.shift);
    f("rotate", o.rotate);
    f("scale", o.scale);
    f("stretch", o.stretch);
    f("elastic", o.elastic);
    f("elastic_radius", o.elastic_radius);
    f("flip", o.flip);
    f("noise", o.noise);
    f("fill", o.fill);
  }
};

namespace internal {

/// The place in an image from which the pixel (i, j) of another one is taken, both counted from the middle:
///
///     y = yy (i - down) + yx (j - right),  x = xy (i - down) + xx (j - right).
struct PixelMap {
  double yy = 1, yx = 0, xy = 0, xx = 1, down = 0, right = 0;
};

/// Writes the image `from` {h, w, c}, mapped, to `to`. `offsets`, if not null, are {2, h, w}: `amount` times these are
/// added to y and x. Between pixels it is bilinear; outside lies `fill`, or the edge.
template <class S>
void warp(const S* from, const Shape& image, const PixelMap& map, const S* offsets, S amount,
          const std::optional<double>& fill, S* to) {
  const Index h = image[0], w = image[1], c = image[2];
  const S yy = static_cast<S>(map.yy), yx = static_cast<S>(map.yx), xy = static_cast<S>(map.xy),
          xx = static_cast<S>(map.xx);
  const S middle_y = static_cast<S>(h - 1) / S(2), middle_x = static_cast<S>(w - 1) / S(2);
  const S top = middle_y + static_cast<S>(map.down), left = middle_x + static_cast<S>(map.right);
  const S outside = static_cast<S>(fill.value_or(0));
  // One pixel beyond the edge all is outside.
  const S least = fill ? S(-1) : S(0), most_y = static_cast<S>(h - 1) - least, most_x = static_cast<S>(w - 1) - least;
  for (Index i = 0; i < h; ++i)
    for (Index j = 0; j < w; ++j, to += c) {
      const S down = static_cast<S>(i) - top, right = static_cast<S>(j) - left;
      S y = middle_y + yy * down + yx * right, x = middle_x + xy * down + xx * right;
      if (offsets != nullptr) y += amount * offsets[i * w + j], x += amount * offsets[(h + i) * w + j];
      y = std::clamp(y, least, most_y), x = std::clamp(x, least, most_x);
      const S floor_y = std::floor(y), floor_x = std::floor(x), share_y = y - floor_y, share_x = x - floor_x;
      const Index y0 = static_cast<Index>(floor_y), x0 = static_cast<Index>(floor_x);
      const bool above = y0 >= 0 && y0 < h, below = y0 + 1 < h, before = x0 >= 0 && x0 < w, behind = x0 + 1 < w;
      const Index at = (y0 * w + x0) * c;
      // Where the edge goes on, a neighbour beyond the last row or column has no share.
      for (Index k = 0; k < c; ++k) {
        const S a = above && before ? from[at + k] : outside, b = above && behind ? from[at + c + k] : outside,
                d = below && before ? from[at + w * c + k] : outside,
                e = below && behind ? from[at + (w + 1) * c + k] : outside;
        const S upper = a + share_x * (b - a), lower = d + share_x * (e - d);
        to[k] = upper + share_y * (lower - upper);
      }
    }
}

/// The Gaussian of that deviation at 0, 1, ... as far as 4 deviations; with its mirror image it sums to 1.
inline std::vector<double> gaussian(double deviation) {
  std::vector<double> weights(static_cast<std::size_t>(4 * deviation + 0.5) + 1);
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double x = static_cast<double>(i) / deviation;
    weights[i] = std::exp(-x * x / 2);
    sum += (i == 0 ? 1 : 2) * weights[i];
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// Convolves h x w numbers by the weights and their mirror image, down and to the right; outside lie zeros. `room` has
/// as many.
template <class S>
void blur(S* values, Index h, Index w, const std::vector<double>& weights, S* room) {
  const Index reach = static_cast<Index>(weights.size()) - 1;
  const auto weight = [&](Index t) { return static_cast<S>(weights[static_cast<std::size_t>(std::abs(t))]); };
  std::fill_n(room, h * w, S(0));
  for (Index i = 0; i < h; ++i)
    for (Index k = std::max<Index>(0, i - reach); k < std::min(h, i + reach + 1); ++k) {
      const S factor = weight(k - i);
      for (Index j = 0; j < w; ++j) room[i * w + j] += factor * values[k * w + j];
    }
  std::fill_n(values, h * w, S(0));
  for (Index i = 0; i < h; ++i)
    for (Index t = -std::min(reach, w - 1); t <= std::min(reach, w - 1); ++t) {
      const S factor = weight(t);
      const S* in = room + i * w + t;
      S* out = values + i * w;
      for (Index j = std::max<Index>(0, -t); j < std::min(w, w - t); ++j) out[j] += factor * in[j];
    }
}

}  // namespace internal

/// Shifts, turns, scales and bends images about their middle, mirrors them, and adds noise: what is left of a digit or
/// a thing that is a little elsewhere or otherwise. Elastic: each pixel's shift is uniform noise blurred by a Gaussian
/// (Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document
/// analysis", 2003; their strongest, sigma 4 and alpha 34, is elastic 1.38 with elastic_radius 4).
///
///     rival::Distortion<> distort({.shift = 2, .rotate = 10, .scale = 1.1, .elastic = 1});
///     distort(images, changed, random);
///
/// The bits are the same for any number of threads; once warm it allocates nothing.
template <class S = float>
class Distortion {
 public:
  /// Throws Error for options out of range.
  explicit Distortion(const DistortionOptions& options = {}) : options_(options) {
    const auto& o = options;
    const auto within = [](const char* name, double value, double least, double most) {
      require(value >= least && value <= most, "distortion: expected `", name, "` from ", least, " to ", most, ", got ",
              value);
    };
    within("shift", o.shift, 0, most_pixels);
    within("rotate", o.rotate, 0, 180);
    within("scale", o.scale, 1, most_factor);
    within("stretch", o.stretch, 1, most_factor);
    within("elastic", o.elastic, 0, most_pixels);
    within("elastic_radius", o.elastic_radius, 0.1, most_pixels);
    within("flip", o.flip, 0, 1);
    require(o.noise >= 0 && is_finite(static_cast<S>(o.noise)), "distortion: expected `noise` >= 0, got ", o.noise);
    if (o.fill) require(is_finite(static_cast<S>(*o.fill)), "distortion: expected a finite `fill`, got ", *o.fill);
    weights_ = internal::gaussian(o.elastic_radius);
    double squares = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) squares += (i == 0 ? 1 : 2) * weights_[i] * weights_[i];
    // The variance of uniform numbers in [-1, 1) is 1/3; each of the two ways that they are blurred takes a factor.
    amount_ = static_cast<S>(o.elastic * std::sqrt(3.0) / squares);
  }

  /// The options that it was made with.
  const DistortionOptions& options() const { return options_; }

  /// Writes images {N, H, W, C}, changed by amounts drawn from `random`, to `changed`, which is another tensor. Throws
  /// Error for samples of another rank.
  void operator()(const Tensor<S>& images, Tensor<S>& changed, Random& random) {
    require(images.rank() == 4, "distortion: expected images N x H x W x C, got ", images.shape());
    require(!changed.owns(images), "distortion: expected another tensor to write to, got the images' own");
    const Shape image = images.shape().sample();
    const Index count = images.dim(0), h = image[0], w = image[1], size = image.size(), pixels = h * w;
    changed.resize(images.shape());
    drawn_.resize({count, draws});
    random.fill_uniform(drawn_);
    const bool bends = options_.elastic > 0;
    if (bends) {
      offsets_.resize({count, 2 * pixels});
      random.fill_uniform(offsets_, S(-1), S(1));
    }
    const TaskScratch<S> rooms(bends ? pixels : 0);
    const double work = static_cast<double>(images.size()) * (bends ? 100.0 : 20.0);
    parallel_for(count, work, [&](Index n, Index worker) {
      S* offsets = bends ? offsets_.data() + n * 2 * pixels : nullptr;
      if (bends)
        for (S* field : {offsets, offsets + pixels}) internal::blur(field, h, w, weights_, rooms.of(worker));
      internal::warp(images.data() + n * size, image, map_of(drawn_.data() + n * draws), offsets, amount_,
                     options_.fill, changed.data() + n * size);
    });
    if (options_.noise > 0) {
      noise_.resize(images.shape());
      random.fill_normal(noise_, S(0), static_cast<S>(options_.noise));
      changed.array() += noise_.array();
    }
  }

 private:
  static constexpr Index draws = 6;  // for each image
  static constexpr double most_pixels = 10'000, most_factor = 100;

  internal::PixelMap map_of(const S* drawn) const {
    const auto& o = options_;
    const auto about = [&](int i, double most) { return most * (2 * static_cast<double>(drawn[i]) - 1); };
    const double angle = about(2, o.rotate) * std::numbers::pi / 180, scale = std::exp(about(3, std::log(o.scale))),
                 stretch = std::exp(about(4, std::log(o.stretch)));
    // The way back: first turned, then scaled, then mirrored.
    const double by_height = stretch / scale, by_width = 1 / (stretch * scale),
                 side = static_cast<double>(drawn[5]) < o.flip ? -1 : 1;
    return {by_height * std::cos(angle),       by_height * std::sin(angle), -side * by_width * std::sin(angle),
            side * by_width * std::cos(angle), about(0, o.shift),           about(1, o.shift)};
  }

  DistortionOptions options_;
  std::vector<double> weights_;
  S amount_;
  Tensor<S> drawn_, offsets_, noise_;
};

RIVAL_INSTANTIATE_CLASS(Distortion);

}  // namespace rival

// rival/data/loader.hpp
// Loader: hands out a data set batch by batch, in a new order each epoch.

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

// rival/data/moving_digits.hpp
// moving_digits(): clips of pictures that bounce about, made from still ones.

namespace rival {

/// What clips of moving digits look like, and how many there are.
struct MovingDigitsOptions {
  Index clips = 10'000;  ///< how many; clip i shows digit i of the data set, which begins again after its last
  Index frames = 16;     ///< in a clip
  Index size = 32;       ///< pixels: height and width of a frame
  Index digit = 20;      ///< pixels: side of the square that a digit lies in; MNIST's are drawn in one of 20
  double speed = 1.8;    ///< pixels from one frame to the next
};

/// Clips {frames, size, size, 1} of bytes: in each, one digit bounces in front of black, as in Moving MNIST
/// (Srivastava, Mansimov and Salakhutdinov, "Unsupervised learning of video representations using LSTMs", 2015), which
/// has two digits in frames of 64 pixels, at 3.6 a frame. The square that the digit lies in begins anywhere, goes in a
/// direction that is drawn, and is thrown back by the frame's edges. Theirs is put at whole pixels; here it lies
/// between them (bilinear), so that a digit goes straight on where it does, and frames of one clip differ as little as
/// a digit does that is a part of a pixel elsewhere. Clip i shows digit i modulo their number, cut to its ink, and has
/// its class.
///
/// `digits` are grey pictures {height, width, 1} of bytes. The same stream gives the same clips. Throws Error for other
/// pictures, for ink that is larger than the square, and for options out of range.
inline Dataset moving_digits(const Dataset& digits, Random random, const MovingDigitsOptions& options = {}) {
  const auto& o = options;
  const Shape picture = digits.sample_shape();
  require(digits.size() > 0 && picture.rank() == 3 && picture[2] == 1,
          "moving digits: expected grey pictures {height, width, 1}, got ", digits.size(), " of ", picture);
  require(o.clips >= 1 && o.frames >= 1, "moving digits: expected at least 1 clip of at least 1 frame, got ", o.clips,
          " of ", o.frames);
  require(o.digit >= 1 && o.size >= o.digit && o.size <= 4096,
          "moving digits: expected frames of 1 to 4096 pixels, and a digit that fits into them, got ", o.size, " and ",
          o.digit);
  require(o.speed >= 0 && o.speed <= 4096, "moving digits: expected a speed from 0 to 4096, got ", o.speed);

  const Index h = picture[0], w = picture[1];
  const Shape clip{o.frames, o.size, o.size, 1};
  require(o.clips <= (Index{1} << 40) / clip.size(), "moving digits: expected clips of less than 1 TB in all, got ",
          o.clips, " of ", clip);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(o.clips * clip.size()), 0);
  std::vector<Label> labels;
  const double way = static_cast<double>(o.size - o.digit);
  // Along one axis: a step onward, turned round where it would leave the frame.
  const auto move = [&](double& place, double& velocity) {
    place += velocity;
    if (place < 0 || place > way) place = std::clamp(place, 0.0, way), velocity = -velocity;
  };
  for (Index i = 0; i < o.clips; ++i) {
    const Index which = i % digits.size();
    const auto from = digits.values(which);
    Index top = h, bottom = 0, left = w, right = 0;  // of the ink
    for (Index y = 0; y < h; ++y)
      for (Index x = 0; x < w; ++x)
        if (from[static_cast<std::size_t>(y * w + x)] > 0) {
          top = std::min(top, y), bottom = std::max(bottom, y + 1);
          left = std::min(left, x), right = std::max(right, x + 1);
        }
    const Index height = std::max<Index>(0, bottom - top), width = std::max<Index>(0, right - left);
    require(height <= o.digit && width <= o.digit, "moving digits: expected ink within ", o.digit, "x", o.digit,
            " pixels, got ", height, "x", width, " in picture ", which);

    // Black beyond the ink.
    const auto ink = [&](Index y, Index x) -> double {
      if (y < 0 || y >= height || x < 0 || x >= width) return 0;
      return from[static_cast<std::size_t>((top + y) * w + left + x)];
    };
    double y = way * random.uniform(), x = way * random.uniform();
    const double angle = 2 * std::numbers::pi * random.uniform();
    double down = o.speed * std::sin(angle), across = o.speed * std::cos(angle);
    for (Index t = 0; t < o.frames; ++t, move(y, down), move(x, across)) {
      const Index row = static_cast<Index>(y), column = static_cast<Index>(x);
      const double below = y - static_cast<double>(row), beside = x - static_cast<double>(column);  // shares
      std::uint8_t* frame = bytes.data() + (i * o.frames + t) * o.size * o.size +
                            (row + (o.digit - height) / 2) * o.size + column + (o.digit - width) / 2;
      for (Index k = 0; k < height + (below > 0); ++k)
        for (Index l = 0; l < width + (beside > 0); ++l) {
          const double value = (1 - below) * ((1 - beside) * ink(k, l) + beside * ink(k, l - 1)) +
                               below * ((1 - beside) * ink(k - 1, l) + beside * ink(k - 1, l - 1));
          frame[k * o.size + l] = static_cast<std::uint8_t>(value + 0.5);
        }
    }
    if (digits.has_labels()) labels.push_back(digits.label(which));
  }
  return {clip, std::move(bytes), std::move(labels), digits.classes()};
}

}  // namespace rival

// rival/data/synthetic.hpp
// Mixtures of Gaussians in the plane: the data sets on which mode collapse can be counted.

namespace rival {

/// A mixture whose centres lie on a circle.
struct RingOptions {
  Index modes = 8;      ///< centres
  double radius = 1;    ///< of the circle
  double sigma = 0.01;  ///< standard deviation around a centre, along both axes
};

/// A mixture whose centres lie on a square grid around (0, 0).
struct SquareGridOptions {
  Index side = 5;       ///< modes along a side
  double spacing = 2;   ///< between neighbouring centres, along both axes
  double sigma = 0.05;  ///< standard deviation around a centre, along both axes
};

/// Points around centres in the plane, all centres equally likely, with the same standard deviation `sigma` along both
/// axes.
struct GaussianMixture {
  std::vector<std::array<double, 2>> centres;  ///< x and y of each
  double sigma = 1;                            ///< standard deviation around a centre, along both axes

  /// Centres evenly around a circle, the first at (radius, 0). The defaults are the 2D-ring of Lin, Khetan, Fanti and
  /// Oh
  /// ("PacGAN: The power of two samples in generative adversarial networks", 2018).
  /// Throws Error for options that are not positive.
  static GaussianMixture ring(const RingOptions& options = {}) {
    GaussianMixture mixture{{}, options.sigma};
    require(options.modes >= 1 && options.radius > 0 && options.sigma > 0,
            "ring: expected positive modes, radius and sigma, got ", options.modes, ", ", options.radius, " and ",
            options.sigma);
    for (Index i = 0; i < options.modes; ++i) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(options.modes);
      mixture.centres.push_back({options.radius * std::cos(angle), options.radius * std::sin(angle)});
    }
    return mixture;
  }

  /// Centres on a square grid around the origin, row by row from the lowest. The defaults are PacGAN's 2D-grid: 25
  /// modes at the coordinates -4, -2, 0, 2, 4. Throws Error for options that are not positive.
  static GaussianMixture grid(const SquareGridOptions& options = {}) {
    GaussianMixture mixture{{}, options.sigma};
    require(options.side >= 1 && options.spacing > 0 && options.sigma > 0,
            "grid: expected positive side, spacing and sigma, got ", options.side, ", ", options.spacing, " and ",
            options.sigma);
    const auto place = [&](Index i) {
      return options.spacing * (static_cast<double>(i) - static_cast<double>(options.side - 1) / 2);
    };
    for (Index row = 0; row < options.side; ++row)
      for (Index column = 0; column < options.side; ++column) mixture.centres.push_back({place(column), place(row)});
    return mixture;
  }

  /// Number of centres.
  Index modes() const { return static_cast<Index>(centres.size()); }

  /// The standard deviation of a coordinate, both axes taken together: sqrt of the mean of (|x - mean|^2) / 2.
  double deviation() const {
    std::array<double, 2> sum{};
    double squares = 0;
    for (const auto& [x, y] : centres) sum[0] += x, sum[1] += y, squares += x * x + y * y;
    const double n = static_cast<double>(centres.size());
    return std::sqrt((squares / n - (sum[0] * sum[0] + sum[1] * sum[1]) / (n * n)) / 2 + sigma * sigma);
  }

  /// Fills `points` {N, 2} with independent points. Allocates nothing. Throws Error for another shape, or without
  /// centres.
  template <class S>
  void sample(Tensor<S>& points, Random& random) const {
    require(points.rank() == 2 && points.dim(1) == 2, "mixture: expected a tensor of points, N x 2, got ",
            points.shape());
    require(!centres.empty(), "mixture: expected at least one centre, got none");
    random.fill_normal(points, S(0), static_cast<S>(sigma));
    for (Index i = 0; i < points.dim(0); ++i) {
      const auto& [x, y] = centres[static_cast<std::size_t>(random.below(modes()))];
      points(i, 0) += static_cast<S>(x);
      points(i, 1) += static_cast<S>(y);
    }
  }
};

}  // namespace rival

// rival/data/text.hpp
// read_text(): any text as a data set, a sample a line.

#include <set>

// rival/core/byte_source.hpp
// Where readers of files take their bytes from: a file, or memory.

namespace rival::internal {

/// Deflate, of gzip and zip files, never packs more than so many bytes into one.
inline constexpr std::uint64_t most_that_deflate_packs = 1032;

/// Bytes that are read from the first to the last.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// How many bytes there are in all. A reader takes memory for what a header says only if these can hold it.
  virtual std::uint64_t size() const = 0;
  /// Reads `count` bytes, or fewer where they end. Throws Error when they cannot be read.
  virtual std::size_t read(void* out, std::size_t count) = 0;
};

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes), size_(bytes.size()) {}
  std::uint64_t size() const override { return size_; }
  std::size_t read(void* out, std::size_t count) override {
    count = std::min(count, bytes_.size());
    if (count > 0) std::memcpy(out, bytes_.data(), count);
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
  std::size_t size_;
};

class FileSource : public ByteSource {
 public:
  /// Throws Error, beginning with `kind` ("npy file") and the path, when there is no such file or it cannot be opened.
  FileSource(std::string_view kind, const std::filesystem::path& path) : what_(concatenate(kind, " ", path)) {
    require_file(kind, path);
    file_.reset(std::fopen(path.string().c_str(), "rb"));
    require(file_ != nullptr, what_, ": cannot be opened (", std::strerror(errno), ")");
    std::error_code error;
    size_ = std::filesystem::file_size(path, error);
    require(!error, what_, ": cannot be asked for its size (", error.message(), ")");
  }
  /// How errors about this file begin: `npy file "a.npy"`.
  const std::string& what() const { return what_; }
  std::uint64_t size() const override { return size_; }
  std::size_t read(void* out, std::size_t count) override {
    const std::size_t got = std::fread(out, 1, count, file_.get());
    require(got == count || std::ferror(file_.get()) == 0, what_, ": cannot be read (", std::strerror(errno), ")");
    return got;
  }

 private:
  std::string what_;
  File file_;
  std::uint64_t size_ = 0;
};

/// The bytes of a whole file. They are read as they come: a size that is
/// asked for first may be another one by then.
inline std::string read_whole(FileSource& file) {
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(file.size()));
  std::vector<char> chunk(1 << 16);
  while (const std::size_t got = file.read(chunk.data(), chunk.size())) bytes.append(chunk.data(), got);
  return bytes;
}
inline std::string read_whole(std::string_view kind, const std::filesystem::path& path) {
  FileSource file(kind, path);
  return read_whole(file);
}

}  // namespace rival::internal

// rival/core/file_guess.hpp
// What a file is that is not what its reader expected.

namespace rival::internal {

/// What a file may be that begins with `start` (some 64 bytes tell enough): " (it is a web page, ...)" for the end of
/// an error, or nothing.
inline std::string guess_file(std::string_view start) {
  start = start.substr(0, 64);
  const auto begins = [&](std::string_view with) { return start.starts_with(with); };
  const std::string_view text = start.substr(std::min(start.find_first_not_of(" \t\r\n\xef\xbb\xbf"), start.size()));
  if (begins("\x1f\x8b")) return " (it is packed with gzip: unpack it first)";
  if (begins("PK\x03\x04")) return " (it is a zip archive: unpack it first)";
  if (begins("version https://git-lfs"))
    return " (it is a pointer of Git LFS: fetch the file itself, by `git lfs pull`)";
  if (text.starts_with('<')) return " (it is a web page, perhaps a server's error in place of the file)";
  if (begins("\x93NUMPY")) return " (it is a NumPy file)";
  if (start.size() > 8 && start.substr(8).starts_with("{\"")) return " (it is a safetensors file)";
  if (begins("\x89PNG") || begins("\xff\xd8\xff") || begins("GIF8") || begins("BM")) return " (it is a picture)";
  // A version below 32, and the name of what wrote it: the first fields of ONNX's messages.
  if (start.size() > 2 && start[0] == 8 && start[1] > 0 && start[1] < 32 && start[2] == 18)
    return " (it is an ONNX model)";
  if (begins("BZh") || begins("\xfd\x37zXZ") || begins("7z\xbc\xaf") || begins("\x28\xb5\x2f\xfd"))
    return " (it is packed otherwise than with gzip: unpack it first)";
  if (start.size() >= 8 && std::all_of(start.begin(), start.end(),
                                       [](unsigned char c) { return (c >= 32 && c < 127) || (c >= 9 && c <= 13); }))
    return " (it is a text)";
  return "";
}

}  // namespace rival::internal

namespace rival {

/// How a text becomes samples of one length.
struct TextOptions {
  static constexpr Index usual_length = 64;  ///< characters: the most that a sample has unless `length` says otherwise

  /// Characters in a sample; 0: as many as the longest line has, but at most `usual_length`.
  Index length = 0;
  Index shortest = 1;  ///< lines of fewer characters are left out
  /// Lines that are too long become several, broken at spaces; a single word that is too long is left out.
  bool wrap = false;
  /// Lines with other characters are left out; empty: all characters that there are.
  std::string alphabet = {};
};

/// The lines of a text, and what was made of it.
struct Text {
  Dataset data;       ///< samples {length, symbols}, a 1 for each symbol; classes if it was a folder
  Alphabet alphabet;  ///< the characters that samples are made of, one symbol each
  std::vector<std::string> class_names = {};  ///< of class 0, 1, ...; empty: the lines have no classes
  // Lines that were left out.
  Index too_long = 0,                  ///< more characters than a sample has
      too_short = 0,                   ///< fewer than `shortest`
      foreign = 0,                     ///< with a character that the alphabet does not have
      broken = 0;                      ///< not UTF-8
  std::string foreign_character = {};  ///< one that the alphabet does not have
  Index empty = 0;                     ///< lines without any character

  /// All of it in a few lines, for a user to look over.
  std::string describe() const;
};

namespace internal {

/// What lines are being collected to.
struct TextLines {
  const TextOptions& options;
  std::vector<std::u32string> lines = {};
  Index too_long = 0, too_short = 0, broken = 0, empty = 0;

  void add(std::u32string_view line) {
    const auto most = static_cast<std::size_t>(options.length > 0 ? options.length : TextOptions::usual_length);
    if (line.empty())
      ++empty;
    else if (line.size() > most)
      ++too_long;
    else if (static_cast<Index>(line.size()) < options.shortest)
      ++too_short;
    else
      lines.emplace_back(line);
  }

  /// The line in pieces of whole words, each as long as can be.
  void add_wrapped(std::u32string_view line) {
    const auto most = static_cast<std::size_t>(options.length > 0 ? options.length : TextOptions::usual_length);
    const auto skip_spaces = [&] { line.remove_prefix(std::min(line.find_first_not_of(U' '), line.size())); };
    skip_spaces();
    while (line.size() > most) {
      std::size_t end = line.rfind(U' ', most);
      if (end == line.npos || end == 0) end = std::min(line.find(U' ', 1), line.size());
      add(line.substr(0, end));
      line.remove_prefix(end);
      skip_spaces();
    }
    if (!line.empty()) add(line);
  }

  void add_file(const std::filesystem::path& file) {
    const std::string all = read_whole("text", file);
    require(all.find('\0') == all.npos, "text ", file, ": expected a text of UTF-8, got other bytes", guess_file(all));
    add_text(all);
  }

  void add_text(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    std::u32string points;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end);
      // LF, CR, or CRs and a LF, as a file that was turned twice has them.
      const std::size_t behind = std::min(text.find_first_not_of('\r'), text.size());
      text.remove_prefix(text.substr(behind).starts_with('\n') ? behind + 1 : std::min<std::size_t>(1, text.size()));
      if (!characters_of(line, points))
        ++broken;
      else if (options.wrap)
        points.find_first_not_of(U' ') == points.npos ? add(U"") : add_wrapped(points);
      else
        add(points);
    }
  }
};

}  // namespace internal

/// Reads a text of UTF-8, a sample a line; or a folder of texts, each a class of its own that its name without the
/// ending names, in the order of their names. A line ends with LF, CR LF or CR. Lines that are empty, too short or too
/// long, and those with characters that a given alphabet does not have, are left out and counted.
///
///     const Text words = read_text("words.txt", {.length = 16});
///     Loader loader(words.data, {.batch = 64}, random);      // batches {64, 16, words.alphabet.symbols()}
///
/// Throws Error for a file that cannot be read or is no text, and where no line is left.
inline Text read_text(const std::filesystem::path& path, const TextOptions& options = {}) {
  require(options.length >= 0 && options.length <= most_classes, "text: expected a length from 0 to ", most_classes,
          ", got ", options.length);
  require(
      options.shortest >= 1 && options.shortest <= (options.length > 0 ? options.length : TextOptions::usual_length),
      "text: expected a shortest line of at least 1 character and no more than the longest, got ", options.shortest);
  internal::TextLines read{options};
  std::vector<std::string> names;
  std::vector<Label> labels;
  std::error_code ignored;  // of a name that no file can have: which reading says
  if (std::filesystem::is_directory(path, ignored)) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path, ignored))
      if (entry.is_regular_file(ignored) && !entry.path().filename().native().starts_with('.'))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.native() < b.native(); });
    require(!files.empty(), "text: expected texts in the folder ", path, ", found none");
    require(static_cast<Index>(files.size()) <= most_classes, "text: expected at most ", most_classes, " texts in ",
            path, ", found ", files.size());
    for (const auto& file : files) {
      read.add_file(file);
      labels.resize(read.lines.size(), static_cast<Label>(names.size()));
      names.push_back(file.stem().string());
    }
  } else {
    read.add_file(path);
  }

  std::string characters = options.alphabet;
  if (characters.empty()) {
    std::set<char32_t> all;
    for (const auto& line : read.lines) all.insert(line.begin(), line.end());
    require(!all.empty(), "text: expected lines of ", options.shortest, " to ",
            options.length > 0 ? options.length : TextOptions::usual_length, " characters in ", path, ", found none");
    for (const char32_t point : all) internal::append_utf8(characters, point);
  }
  Text text{{}, Alphabet(characters), names};
  text.too_long = read.too_long, text.too_short = read.too_short, text.broken = read.broken, text.empty = read.empty;

  std::vector<Label> kept;  // the classes of the lines that stay
  std::size_t longest = 0, lines = 0;
  const auto known = [&](const std::u32string& line) {
    const auto other =
        std::find_if(line.begin(), line.end(), [&](char32_t point) { return text.alphabet.symbol(point) == 0; });
    if (other == line.end()) return true;
    if (text.foreign++ == 0) internal::append_utf8(text.foreign_character, *other);
    return false;
  };
  for (std::size_t i = 0; i < read.lines.size(); ++i) {
    if (!known(read.lines[i])) continue;
    if (!labels.empty()) kept.push_back(labels[i]);
    longest = std::max(longest, read.lines[i].size());
    std::swap(read.lines[lines++], read.lines[i]);
  }
  read.lines.resize(lines);
  require(lines > 0, "text: expected lines of the alphabet ", text.alphabet.characters(), " in ", path, ", found none");

  const Index length = options.length > 0 ? options.length : static_cast<Index>(longest);
  std::vector<Label> symbols(lines * static_cast<std::size_t>(length));
  for (std::size_t i = 0; i < lines; ++i)
    std::transform(read.lines[i].begin(), read.lines[i].end(), symbols.begin() + static_cast<Index>(i) * length,
                   [&](char32_t point) { return text.alphabet.symbol(point); });
  text.data = Dataset::of_classes({length}, text.alphabet.symbols(), std::move(symbols), std::move(kept),
                                  static_cast<Index>(names.size()));
  return text;
}

inline std::string Text::describe() const {
  const auto count = [](Index n, const char* thing) { return internal::concatenate(n, ' ', thing, n == 1 ? "" : "s"); };
  internal::TextStream all;
  all << count(data.size(), "line") << " of at most " << count(data.sample_shape()[0], "character")
      << ", an alphabet of " << alphabet.symbols() - 1 << ": " << alphabet.characters() << '\n';
  if (!class_names.empty()) {
    std::vector<Index> sizes(class_names.size());
    for (const Label label : data.labels()) ++sizes[label];
    all << class_names.size() << (class_names.size() == 1 ? " class from a file: " : " classes from files: ");
    for (std::size_t k = 0; k < class_names.size(); ++k)
      all << (k > 0 ? ", " : "") << class_names[k] << " (" << sizes[k] << ')';
    all << '\n';
  }
  const auto left_out = [&](Index n, const std::string& why) {
    if (n > 0) all << count(n, "line") << (n == 1 ? " was" : " were") << " left out: " << why << '\n';
  };
  left_out(too_long, "too long");
  left_out(too_short, "too short");
  left_out(foreign, "of other characters, such as '" + foreign_character + "'");
  left_out(broken, "no UTF-8");
  left_out(empty, "empty");
  return all.str();
}

}  // namespace rival

// rival/data/tokens.hpp
// Tokens: lines of symbols, as a text data set holds them and as a generator's samples say them.

namespace rival {

/// Lines of one length, a symbol of 0 ... kinds - 1 at each place. Symbol 0 pads what is shorter.
struct Tokens {
  Index length = 1;           ///< symbols in a line
  Index kinds = 1;            ///< different symbols
  std::vector<Label> values;  ///< one line after the other

  /// Number of lines.
  Index count() const { return static_cast<Index>(values.size()) / length; }
  /// The symbols of line i, as a window on `values`; i is not checked.
  std::span<const Label> line(Index i) const {
    return std::span(values).subspan(static_cast<std::size_t>(i * length), static_cast<std::size_t>(length));
  }
};

namespace internal {

/// Throws Error, beginning with `who`, unless the lines are whole and of symbols that there are.
inline void require_tokens(const char* who, const Tokens& lines) {
  require(lines.length >= 1 && lines.kinds >= 1 && lines.kinds <= most_classes, who, ": expected lines of at least 1 ",
          "symbol of 1 to ", most_classes, " kinds, got ", lines.length, " of ", lines.kinds);
  require(static_cast<Index>(lines.values.size()) % lines.length == 0, who, ": expected whole lines of ", lines.length,
          " symbols, got ", lines.values.size(), " symbols");
  for (const Label symbol : lines.values)
    require(symbol < lines.kinds, who, ": expected symbols from 0 to ", lines.kinds - 1, ", got ", symbol);
}

}  // namespace internal

/// The lines of a data set of classes {length, kinds} (`Dataset::of_classes`). Throws Error for another data set.
inline Tokens tokens_of(const Dataset& data) {
  const Shape shape = data.sample_shape();
  require(shape.rank() == 2, "tokens: expected a data set of lines, {length, kinds}, got samples of ", shape);
  Tokens lines{shape[0], shape[1], {}};
  lines.values.reserve(static_cast<std::size_t>(data.size() * lines.length));
  for (Index i = 0; i < data.size(); ++i) {
    const auto line = data.values<Label>(i);
    lines.values.insert(lines.values.end(), line.begin(), line.end());
  }
  return lines;
}

/// The lines that a generator's samples {N, length, kinds} say: at each place the symbol of the greatest value, the
/// first of several. Throws Error for another shape, and for NaN, which has no place among them.
template <class S>
Tokens tokens_of(const Tensor<S>& samples) {
  require(samples.rank() == 3 && samples.dim(1) >= 1 && samples.dim(2) >= 1 && samples.dim(2) <= most_classes,
          "tokens: expected samples {N, length, kinds}, got ", samples.shape());
  const Index places = samples.dim(0) * samples.dim(1), kinds = samples.dim(2);
  Tokens lines{samples.dim(1), kinds, std::vector<Label>(static_cast<std::size_t>(places))};
  for (Index p = 0; p < places; ++p) {
    const std::span<const S> here(samples.data() + p * kinds, static_cast<std::size_t>(kinds));
    for (const S value : here)
      require(!is_nan(value), "tokens: expected numbers, got NaN in sample ", p / lines.length);
    lines.values[static_cast<std::size_t>(p)] =
        static_cast<Label>(std::max_element(here.begin(), here.end()) - here.begin());
  }
  return lines;
}

/// Lines drawn from a generator's samples {N, length, kinds} of probabilities p: at each place a symbol with the
/// probability p^(1 / temperature), up to a factor; 1 draws by p, towards 0 it becomes the greatest. Throws Error for
/// another shape, for a temperature that is not positive and finite, and for what are no probabilities.
template <class S>
Tokens draw_tokens(const Tensor<S>& samples, double temperature, Random& random) {
  require(temperature > 0 && is_finite(1 / temperature), "tokens: expected a positive, finite temperature, got ",
          temperature);
  Tokens lines = tokens_of(samples);
  std::vector<double> up_to(static_cast<std::size_t>(lines.kinds));
  for (Index p = 0; p < static_cast<Index>(lines.values.size()); ++p) {
    const S* here = samples.data() + p * lines.kinds;
    const double greatest = static_cast<double>(here[lines.values[static_cast<std::size_t>(p)]]);
    double sum = 0;
    for (Index k = 0; k < lines.kinds; ++k) {
      const double value = static_cast<double>(here[k]);
      require(value >= 0 && greatest > 0 && is_finite(greatest), "tokens: expected probabilities, got ", value,
              " in sample ", p / lines.length);
      up_to[static_cast<std::size_t>(k)] = sum += std::pow(value / greatest, 1 / temperature);
    }
    const double drawn = random.uniform() * sum;  // below the sum
    const auto place = std::upper_bound(up_to.begin(), up_to.end() - 1, drawn);
    lines.values[static_cast<std::size_t>(p)] = static_cast<Label>(place - up_to.begin());
  }
  return lines;
}

}  // namespace rival

// rival/gan/architectures.hpp
// Ready architectures for grey images of 28 x 28. Each is a plain function: copy it and change it. Those for other
// sizes and colours are in image_networks.hpp.

// rival/gan/discriminator.hpp
// Discriminator: images in, one logit out.

// rival/nn/network.hpp
// Network: a Sequential that knows the shape of its input, and is what a training program holds.

// rival/nn/sequential.hpp
// Sequential: layers one behind the other. It is a layer itself, so it nests.

#include <deque>

// rival/nn/layer.hpp
// Layer: the contract between a layer and the network that holds it.

#include <typeinfo>

// rival/nn/description.hpp
// Description: what a layer is, in words and numbers. Summaries, files and the rebuilding of a network read it.

#include <variant>

namespace rival {

/// The value of one option. Sizes and shapes are lists, choices are texts.
using OptionValue = std::variant<bool, Index, double, std::string, std::vector<Index>>;

/// A layer's kind, its options by name, and the layers that it is made of. From it the layer can be made again, but for
/// its weights:
///
///     conv2d {in: 1, out: 64, kernel: [4, 4], stride: [2, 2], ...}
struct Description {
  std::string kind;  ///< such as "conv2d"
  /// Name and value, in the order in which the layer lists them.
  std::vector<std::pair<std::string, OptionValue>> options = {};
  std::vector<Description> layers = {};  ///< that it holds, in their order

  friend bool operator==(const Description&, const Description&) = default;
};

// What an option's value becomes, and back. A type of options that is none of these has two functions beside it:
// `OptionValue option_value(const T&)` and `bool read_option(const OptionValue&, T&)`, which returns false for a value
// that stands for no T.

/// A bool is kept as it is.
inline OptionValue option_value(bool value) { return value; }
/// A whole number is kept as it is.
inline OptionValue option_value(Index value) { return value; }
/// A number is kept as a double, also where it is whole.
inline OptionValue option_value(double value) { return value; }
/// A shape becomes the list of its extents.
inline OptionValue option_value(const Shape& value) { return std::vector<Index>(value.begin(), value.end()); }

namespace internal {

template <class T>
bool read_alternative(const OptionValue& value, T& out) {
  const T* held = std::get_if<T>(&value);
  if (held) out = *held;
  return held != nullptr;
}

}  // namespace internal

/// Takes a bool alone.
inline bool read_option(const OptionValue& value, bool& out) { return internal::read_alternative(value, out); }
/// Takes a whole number alone.
inline bool read_option(const OptionValue& value, Index& out) { return internal::read_alternative(value, out); }
/// Takes any number.
inline bool read_option(const OptionValue& value, double& out) {
  // A whole number in a file may have lost its point.
  if (const Index* whole = std::get_if<Index>(&value)) return out = static_cast<double>(*whole), true;
  return internal::read_alternative(value, out);
}
/// Takes a list of at most Shape::max_rank extents >= 0.
inline bool read_option(const OptionValue& value, Shape& out) {
  const auto* extents = std::get_if<std::vector<Index>>(&value);
  if (!extents || static_cast<Index>(extents->size()) > Shape::max_rank) return false;
  Shape shape;
  for (const Index extent : *extents) {
    if (extent < 0) return false;
    shape.push_back(extent);
  }
  out = shape;
  return true;
}

/// Of options that list themselves: `template <class O, class F> static void each(O& o, F&& f)` calls f(name, o.member)
/// for every member, O being the struct or the const struct. It is the one list from which they are written and read.
template <class Options>
Description describe(std::string_view kind, const Options& options) {
  Description description{std::string(kind)};
  Options::each(options, [&](const char* name, const auto& value) {
    description.options.emplace_back(name, option_value(value));
  });
  return description;
}

/// The options in a description. Those that it does not name keep their defaults. Throws Error for a value that does
/// not fit and for a name that there is none of.
template <class Options>
Options read_options(const Description& description) {
  Options options;
  std::vector<bool> taken(description.options.size());
  Options::each(options, [&](const char* name, auto& value) {
    bool given = false;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      const auto& [key, held] = description.options[i];
      if (key != name) continue;
      require(!given, description.kind, ": the option `", name, "` is given twice");
      require(read_option(held, value), description.kind, ": the option `", name, "` has a value of another type");
      given = taken[i] = true;
    }
  });
  for (std::size_t i = 0; i < taken.size(); ++i)
    require(taken[i], description.kind, ": there is no option `", description.options[i].first, "`");
  return options;
}

namespace internal {

/// `outer` as the description of a layer around another one.
inline Description describe_around(Description outer, Description inner) {
  outer.layers.push_back(std::move(inner));
  return outer;
}

}  // namespace internal

/// Options of a layer that has none.
struct NoOptions {
  /// Calls nothing.
  template <class O, class F>
  static void each(O&, F&&) {}
};

}  // namespace rival

// rival/nn/initialise.hpp
// Initialisers: how the weights of a layer are drawn.

namespace rival {

/// How many inputs one output is made of, and how many outputs one input goes into.
struct Fan {
  Index in;   ///< inputs of one output: of a convolution the kernel's area times the input channels
  Index out;  ///< outputs of one input: of a convolution the kernel's area times the output channels
};

/// Fills `weights`, a layer's kernel whose last axis is the output, from `random`.
template <class S = float>
using Initialiser = std::function<void(Tensor<S>& weights, Fan fan, Random& random)>;

/// Normal with the given mean and deviation; DCGAN's choice is (0, 0.02) (Radford, Metz and Chintala, 2016).
template <class S = float>
Initialiser<S> normal(double mean = 0, double deviation = 0.02) {
  return [=](Tensor<S>& weights, Fan, Random& random) {
    random.fill_normal(weights, static_cast<S>(mean), static_cast<S>(deviation));
  };
}

/// Normal with variance 2 / ((1 + slope^2) fan_in): keeps the size of signals through (leaky) ReLUs (He et al., 2015).
template <class S = float>
Initialiser<S> he(double slope = 0) {
  return [=](Tensor<S>& weights, Fan fan, Random& random) {
    const double deviation = std::sqrt(2 / ((1 + slope * slope) * static_cast<double>(fan.in)));
    random.fill_normal(weights, S(0), static_cast<S>(deviation));
  };
}

/// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).
template <class S = float>
Initialiser<S> glorot() {
  return [](Tensor<S>& weights, Fan fan, Random& random) {
    const S bound = std::sqrt(S(6) / static_cast<S>(fan.in + fan.out));
    random.fill_uniform(weights, -bound, bound);
  };
}

/// Uniform in +-sqrt(1 / fan_in): what PyTorch's linear and convolution layers start from.
template <class S = float>
Initialiser<S> uniform_fan_in() {
  return [](Tensor<S>& weights, Fan fan, Random& random) {
    const S bound = std::sqrt(S(1) / static_cast<S>(fan.in));
    random.fill_uniform(weights, -bound, bound);
  };
}

/// `gain` times a random matrix with orthonormal rows or columns, whichever are fewer; the matrix is the kernel seen as
/// rows() by cols() (Saxe, McClelland and Ganguli, 2014).
template <class S = float>
Initialiser<S> orthogonal(double gain = 1) {
  return [=](Tensor<S>& weights, Fan, Random& random) {
    random.fill_normal(weights);
    const bool tall = weights.rows() > weights.cols();
    Matrix<S> q = tall ? Matrix<S>(weights.matrix().transpose()) : Matrix<S>(weights.matrix());
    // Gram and Schmidt's process makes a uniform draw of a normal one. Its second pass removes what rounding leaves of
    // the first. Products of a matrix and a vector never run Eigen's threads, so the bits are the same for any number.
    Matrix<S> along(1, q.rows());
    for (Index i = 0; i < q.rows(); ++i) {
      const auto before = q.topRows(i);
      for (int pass = 0; pass < 2; ++pass) {
        along.leftCols(i).noalias() = q.row(i) * before.transpose();
        q.row(i).noalias() -= along.leftCols(i) * before;
      }
      q.row(i).normalize();
    }
    q *= static_cast<S>(gain);
    if (tall)
      weights.matrix() = q.transpose();
    else
      weights.matrix() = q;
  };
}

RIVAL_INSTANTIATE_FUNCTION(normal);
RIVAL_INSTANTIATE_FUNCTION(he);
RIVAL_INSTANTIATE_FUNCTION(glorot);
RIVAL_INSTANTIATE_FUNCTION(uniform_fan_in);
RIVAL_INSTANTIATE_FUNCTION(orthogonal);

}  // namespace rival

// rival/nn/parameter.hpp
// What a network remembers: parameters are learnt, buffers are kept, random streams go on.

namespace rival {

/// How the axes of a weight are to be read; other libraries order them otherwise.
enum class WeightAxes {
  plain,                  ///< as everywhere
  dense,                  ///< {in, out}
  convolution,            ///< {kernel_h, kernel_w, in, out}, of signals {kernel, in, out}
  transposed_convolution  ///< the same
};

/// A tensor that an optimiser changes, with the gradient that backward passes add up for it.
/// The optimiser's step sets `grad` back to zero.
template <class S = float>
struct Parameter {
  std::string name;                     ///< with its network's and layer's name in front: "G.conv1.weight"
  Tensor<S> value;                      ///< in the layout that its layer computes with
  Tensor<S> grad;                       ///< of value's shape
  WeightAxes axes = WeightAxes::plain;  ///< which axes are inputs and outputs

  Parameter() = default;
  /// Zeros of that shape, and a gradient of zeros.
  Parameter(std::string name_, const Shape& shape) : name(std::move(name_)), value(shape), grad(shape) {}
};

/// A tensor that belongs to the network and is never optimised, such as a running mean.
template <class S = float>
struct Buffer {
  std::string name;  ///< with its network's and layer's name in front: "G.bn1.running_mean"
  Tensor<S> value;   ///< as the last training pass left it
};

/// Everything that a network remembers, in the order of its layers: the one list that optimisers, initialisers and
/// moving averages read. The pointers are good as long as the network is neither moved nor gone.
template <class S = float>
struct State {
  std::vector<Parameter<S>*> parameters;                 ///< that an optimiser changes
  std::vector<Buffer<S>*> buffers;                       ///< that no optimiser changes, such as running means
  std::vector<std::pair<std::string, Random*>> streams;  ///< random streams by the names of their layers
};

}  // namespace rival

// rival/nn/trace.hpp
// Trace: what one forward pass leaves behind for its backward passes.

// rival/nn/identity.hpp
// Identity: tells objects apart, wherever they are moved.

namespace rival::internal {

/// A number that no other object of the program has had. A move takes it along and leaves none behind.
class Identity {
 public:
  Identity() : number_(next()) {}
  static Identity none() { return Identity(0); }
  Identity(const Identity&) = default;
  Identity& operator=(const Identity&) = default;
  Identity(Identity&& other) noexcept : number_(std::exchange(other.number_, 0)) {}
  Identity& operator=(Identity&& other) noexcept {
    number_ = std::exchange(other.number_, 0);
    return *this;
  }

  explicit operator bool() const { return number_ != 0; }
  friend bool operator==(const Identity&, const Identity&) = default;

 private:
  explicit Identity(std::uint64_t number) : number_(number) {}
  static std::uint64_t next() {
    static std::atomic<std::uint64_t> last = 0;
    return ++last;
  }

  std::uint64_t number_;
};

}  // namespace rival::internal

namespace rival {

/// Training normalises by the batch and drops units; evaluation uses running statistics and is a pure function.
enum class Mode {
  train,  ///< a training pass
  eval    ///< an evaluation
};

namespace internal {

/// Tensors by number, whose references stay good while the list grows and when it is moved.
template <class S>
class TensorList {
 public:
  Tensor<S>& operator[](std::size_t i) { return *tensors_[i]; }
  const Tensor<S>& operator[](std::size_t i) const { return *tensors_[i]; }
  std::size_t size() const { return tensors_.size(); }
  void grow(std::size_t size) {
    while (tensors_.size() < size) tensors_.push_back(std::make_unique<Tensor<S>>());
  }

 private:
  std::vector<std::unique_ptr<Tensor<S>>> tensors_;
};

}  // namespace internal

/// The record of one forward pass through one layer; a Sequential's has a child for each of its layers.
///
/// A trace belongs to a pass, so one network can be traversed several times (real, generated, penalised) before one
/// update. A backward pass reads it and may be repeated. All memory is kept and used again by the next pass.
///
/// Parts of a trace point to others, and stay where they are when it is moved. It cannot be copied: run another pass.
template <class S = float>
struct Trace {
  Trace() = default;
  Trace(Trace&&) noexcept = default;
  Trace& operator=(Trace&&) noexcept = default;

  /// What went in. The tensor is the caller's, who keeps it, unchanged, until the last backward pass.
  const Tensor<S>* input = nullptr;
  /// What came out.
  Tensor<S> output;
  Mode mode = Mode::train;  ///< of the forward pass that the trace is of
  /// The samples' labels, if the layer reads them.
  std::vector<Labels::value_type> labels;
  /// What else the layer's backward needs (a mask, a mean); the layer gives the places their meaning.
  internal::TensorList<S> saved;
  std::vector<Trace> children;  ///< of the layers that a container holds
  /// The gradient with respect to the input, where a network hands one out.
  Tensor<S> input_gradient;

  // What a gradient penalty adds to the record; see Layer::forward_tangent.
  /// The gradient with respect to this layer's output, where a backward pass was asked to keep it.
  Tensor<S> output_gradient;
  /// The tangent that went in. The tensor is the caller's, as the input is.
  const Tensor<S>* input_tangent = nullptr;
  /// The tangent that came out.
  Tensor<S> output_tangent;

  // What Network checks a trace by.
  /// The network whose `forward` this is of, if it is of any.
  internal::Identity network = internal::Identity::none();
  /// Shape and place of the input when it went in.
  Tensor<S> input_window;
  /// Whether the last backward pass was one that kept what `backward_tangent` reads.
  bool kept = false;

  /// The tensor at that place of `saved`, of that shape and with undefined contents; allocates in the first pass alone.
  Tensor<S>& save(std::size_t place, const Shape& shape) {
    saved.grow(place + 1);
    saved[place].resize(shape);
    return saved[place];
  }

  /// Whether the values of `tensor` lie in memory that a pass with this trace writes.
  bool holds(const Tensor<S>& tensor) const {
    if (output.owns(tensor) || input_gradient.owns(tensor)) return true;
    for (std::size_t i = 0; i < saved.size(); ++i)
      if (saved[i].owns(tensor)) return true;
    for (const Trace& child : children)
      if (child.holds(tensor)) return true;
    return false;
  }
};

}  // namespace rival

namespace rival {

/// What a backward pass should compute; what is not wanted costs nothing.
struct Wanted {
  bool parameters = false;  ///< add to every Parameter::grad
  bool input = false;       ///< return the gradient with respect to the input
  bool keep = false;        ///< keep what a following `backward_tangent` reads
};

/// How a layer bends. A linear one is, around almost every input, an affine map of it (dense, convolution, leaky ReLU,
/// pooling): its gradients do not change along a direction unless those behind it do.
enum class Curvature {
  linear,  ///< affine around almost every input
  curved   ///< anything else
};

/// The map y = x * scale[c] + shift[c] of every channel (the last axis); null stands for none.
template <class S>
struct ChannelMap {
  const S* scale = nullptr;  ///< one number a channel
  const S* shift = nullptr;  ///< one number a channel
};

/// How a layer is asked to run forward.
template <class S>
struct ForwardPass {
  Mode mode = Mode::train;  ///< training or evaluation, for layers that differ between the two
  /// The layer applies y -> max(y, slope * y) to its output as it writes it: the leaky ReLU behind it, for which no
  /// second sweep over memory is then made. 1 stands for none. Only given to layers that `fuses_activation()`.
  S slope = S(1);
  /// Whether somebody may go backward through this pass. If not, layers need not keep what only backward reads.
  bool backward = true;
  /// The layer applies this map to its output as it writes it, in front of the slope: the batch norm behind it, in a
  /// pass that nobody goes back through. Only given to layers that `fuses_channel_map()`.
  ChannelMap<S> map = {};
  /// One label a sample, for layers that depend on them; containers hand them on.
  Labels labels = {};
};

/// How a layer is asked to run backward.
template <class S>
struct BackwardPass {
  bool parameters = false;  ///< the layer adds to every Parameter::grad
  /// The layer multiplies the input gradient by (x > 0 ? 1 : slope) as it writes it: the backward pass of the leaky
  /// ReLU that made its input x. 1 stands for none. Only given to layers that `gates_input()`.
  S slope = S(1);
  /// Containers keep the gradient with respect to each layer's output in its trace, for `backward_tangent`.
  bool keep = false;
};

/// How a layer is asked for tangents.
template <class S>
struct TangentPass {
  /// Instead of the linear map of tangents, the affine map of which it is the derivative: the pass in the trace, run
  /// again on another input, with every choice (a leaky ReLU's side, a maximum's place, a dropout's mask) as it was.
  /// Only given to layers whose curvature is linear, where it spares a pass; see GradientPenalty.
  bool affine = false;
  /// forward_tangent multiplies its output by (gate > 0 ? 1 : slope) as it writes it: the leaky ReLU behind it, whose
  /// output in the pass is `gate`, of the layout of the layer's own. Null stands for none. Only given to layers that
  /// `fuses_activation()`.
  const S* gate = nullptr;
  S slope = S(1);  ///< of that leaky ReLU
};

/// A differentiable function of a batch with, perhaps, parameters. People compose layers and never see this class;
/// who writes a new layer derives from it.
///
/// Shapes without a batch axis are "sample shapes": {28, 28, 1} for images, {100} for vectors.
template <class S = float>
class Layer {
 public:
  Layer() = default;
  Layer(const Layer&) = default;
  Layer(Layer&&) noexcept = default;
  virtual ~Layer() = default;

  /// What the layer is called in errors and summaries, such as "conv2d".
  virtual std::string_view kind() const = 0;
  /// What its instances are called by default, such as "conv": the network adds a number.
  virtual std::string_view short_name() const { return kind(); }
  /// Its kind and options, from which `make_layer` makes it again: `rival::describe(kind(), options_)` for options that
  /// list themselves, with the descriptions of layers that it holds in Description::layers.
  virtual Description describe() const = 0;

  /// The sample shape that comes out for one that goes in. Throws Error when the layer cannot take it.
  virtual Shape output_shape(const Shape& input) const = 0;

  /// Computes the output of the batch `x`, keeps it and all that backward needs in `trace`, and returns it. The
  /// layer itself does not change, so several threads may run it, each with a trace of its own.
  virtual const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const = 0;

  /// Takes over what a training pass leaves in the network (running statistics, the position of a random stream).
  virtual void commit(const Trace<S>& trace) { (void)trace; }

  /// Given the gradient `dy` with respect to the output: writes the one with respect to the input to `dx` unless that
  /// is null, and adds to the gradients of the parameters if `pass.parameters`. Only a loss divides by the batch size.
  virtual void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) = 0;

  /// Whether tangents of this layer's gradients vanish by themselves. Throws Error when the layer has no tangents, and
  /// thus cannot stand in a discriminator with a gradient penalty.
  virtual Curvature curvature() const {
    fail(*this, ": a gradient penalty needs the tangents of every layer of the discriminator, and this kind has none");
  }

  /// The derivative of `forward` at the pass in `trace`, along `x_tangent`: y' = (dy/dx) x', kept in the trace and
  /// returned (Pearlmutter, "Fast exact multiplication by the Hessian", 1994). Keeps a pointer to `x_tangent` for
  /// `backward_tangent`.
  virtual const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                           const TangentPass<S>& pass) const {
    (void)x_tangent, (void)trace, (void)pass;
    fail(*this, ": has no tangents");
  }

  /// The derivative of `backward` along the `x_tangent` that `forward_tangent` left in `trace`, while dy moves along
  /// `dy_tangent` (null: it stays): adds that of every parameter's gradient to Parameter::grad, and writes that of dx
  /// to `dx_tangent` unless that is null. In an affine pass, `dy_tangent` is null, and what is added is the parameters'
  /// gradient for the affine map at `x_tangent`.
  virtual void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent,
                                Tensor<S>* dx_tangent, const TangentPass<S>& pass) {
    (void)trace, (void)dy, (void)dy_tangent, (void)dx_tangent, (void)pass;
    fail(*this, ": has no tangents");
  }

  /// Whether there is anything to optimise in it, or in the layers that it holds.
  virtual bool has_parameters() const { return false; }
  /// Appends pointers to the layer's parameters, buffers and random streams to `state`, always in the same order.
  virtual void collect(State<S>& state) { (void)state; }
  /// Draws the weights anew, each from the sub-stream of `random` that its parameter's name gives.
  virtual void initialise(const Initialiser<S>& weights, const Random& random) {
    (void)weights;
    (void)random;
  }

  /// The slope of this layer if it is a (leaky) ReLU, otherwise 1.
  virtual S leaky_slope() const { return S(1); }
  /// Whether it takes ForwardPass::slope and TangentPass::gate.
  virtual bool fuses_activation() const { return false; }
  /// Whether it takes BackwardPass::slope.
  virtual bool gates_input() const { return false; }
  /// What the layer is in evaluation, if that is a map of channels; its numbers are kept in `trace`. Otherwise none.
  virtual ChannelMap<S> channel_map(Trace<S>& trace) const {
    (void)trace;
    return {};
  }
  /// Whether it takes ForwardPass::map.
  virtual bool fuses_channel_map() const { return false; }

  /// A copy with parameters, buffers and streams of its own.
  virtual std::unique_ptr<Layer> clone() const = 0;
  /// Takes over all that `other` is and holds, which must be of the same kind, as `internal::assign` does. The
  /// parameters stay where they are, since others point to them.
  virtual void assign(const Layer& other) = 0;

  /// What the layer is called in its network, such as "G.conv1"; empty until a network names it.
  const std::string& name() const { return name_; }
  /// Names the layer and, with it as their prefix, its parameters, buffers and streams.
  virtual void set_name(const std::string& name) { name_ = name; }

  /// Prints kind and name, as errors begin: `conv2d "G.conv1"`.
  friend std::ostream& operator<<(std::ostream& out, const Layer& layer) {
    out << layer.kind();
    if (!layer.name_.empty()) out << " \"" << layer.name_ << '"';
    return out;
  }

 protected:
  // Of whole kinds alone: a layer is more than what all kinds share.
  Layer& operator=(const Layer&) = default;
  Layer& operator=(Layer&&) = default;

 private:
  std::string name_;
};

namespace internal {

/// `other` as what `layer` is. Throws Error when it is of another kind.
template <class L, class S>
const L& require_same_kind(const L& layer, const Layer<S>& other) {
  require(typeid(layer) == typeid(other), layer, ": cannot become a copy of another kind of layer, ", other);
  return static_cast<const L&>(other);
}

/// The assign of a kind whose own assignment leaves its parameters where they are.
template <class L, class S>
void assign(L& layer, const Layer<S>& other) {
  layer = require_same_kind(layer, other);
}

/// The backward_tangent of a layer that is linear and has no parameters: its backward, of dy'.
template <class S>
void backward_linear(Layer<S>& layer, Trace<S>& trace, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent) {
  if (dx_tangent == nullptr) return;
  if (dy_tangent) return layer.backward(trace, *dy_tangent, dx_tangent, {});
  dx_tangent->resize(trace.input ? trace.input->shape() : trace.output.shape());
  dx_tangent->fill(S(0));
}

}  // namespace internal

RIVAL_INSTANTIATE_CLASS(Layer);

}  // namespace rival

namespace rival {

namespace internal {

/// Two tensors between which a gradient alternates on its way down. They are the thread's, not the trace's: no pass
/// needs them when it is over. A Sequential within another takes the next pair.
template <class S>
class GradientPair {
 public:
  GradientPair() : place_(depth()++) {
    if (pairs().size() <= place_) pairs().resize(place_ + 1);
  }
  ~GradientPair() { --depth(); }
  GradientPair(const GradientPair&) = delete;
  GradientPair& operator=(const GradientPair&) = delete;
  Tensor<S>& operator[](std::size_t i) const { return pairs()[place_][i]; }

 private:
  static std::deque<std::array<Tensor<S>, 2>>& pairs() {  // its references stay good while it grows
    thread_local std::deque<std::array<Tensor<S>, 2>> of_thread;
    return of_thread;
  }
  static std::size_t& depth() {
    thread_local std::size_t of_thread = 0;
    return of_thread;
  }

  std::size_t place_;
};

template <class S>
State<S> state_of(Layer<S>& layer) {
  State<S> state;
  layer.collect(state);
  return state;
}

/// Throws Error, naming the first that differs, unless parameters and buffers of both have the same shapes.
template <class S>
void require_same_shapes(Layer<S>& mine, Layer<S>& other) {
  const State<S> a = state_of(mine), b = state_of(other);
  const auto compare = [&](const auto& here, const auto& there, std::string_view what) {
    require(here.size() == there.size(), mine, ": cannot become a copy: it has ", here.size(), " ", what,
            ", the other one ", there.size());
    for (std::size_t i = 0; i < here.size(); ++i)
      require(here[i]->value.shape() == there[i]->value.shape(), mine, ": cannot become a copy: its \"", here[i]->name,
              "\" is ", here[i]->value.shape(), ", the other one's ", there[i]->value.shape());
  };
  compare(a.parameters, b.parameters, "parameters");
  compare(a.buffers, b.buffers, "buffers");
}

}  // namespace internal

/// y = f_n(... f_2(f_1(x))). Owns its layers; copying copies them.
///
/// A leaky ReLU directly behind a layer that can apply it while writing its output (dense, convolution, batch norm)
/// costs no sweep of its own forward, and one in front of a layer that can gate its input gradient none backward. Nor
/// does a batch norm directly behind a dense layer or a convolution, in an evaluation that nobody goes backward
/// through.
template <class S = float>
class Sequential : public Layer<S> {
 public:
  Sequential() = default;
  /// Appends the layers, as `add` does, moved or copied.
  template <class... Layers>
  requires(sizeof...(Layers) > 0 && (std::is_base_of_v<Layer<S>, std::remove_cvref_t<Layers>> && ...) &&
           !(sizeof...(Layers) == 1 && (std::is_same_v<Sequential, std::remove_cvref_t<Layers>> &&
                                        ...))) explicit Sequential(Layers&&... layers) {
    (add(std::forward<Layers>(layers)), ...);
  }
  /// Copies every layer.
  Sequential(const Sequential& other) : Layer<S>(other) {
    for (const auto& layer : other.layers_) layers_.push_back(layer->clone());
  }
  Sequential(Sequential&&) noexcept = default;
  /// Becomes a copy of `other`, but for its name. Layers that are there stay where they are, with all their parameters,
  /// and take over the options and values of the other's; gradients become zero. Throws Error, and changes nothing,
  /// when the two differ in their kinds of layers or in the shapes of parameters and buffers. Without layers it takes
  /// copies of the other's, and its name.
  Sequential& operator=(const Sequential& other) {
    if (this == &other) return *this;
    if (layers_.empty()) {
      for (const auto& layer : other.layers_) layers_.push_back(layer->clone());
      Layer<S>::operator=(other);
      return *this;
    }
    Sequential trial(*this);  // what does not fit shows here
    trial.assign(other);
    trial.set_name(this->name());
    internal::require_same_shapes<S>(*this, trial);
    const std::string name = this->name();
    assign(other);
    set_name(name);
    for (auto* parameter : internal::state_of<S>(*this).parameters) parameter->grad.fill(S(0));
    return *this;
  }
  /// The same, and `other` stays as it is; but without layers it takes the layers of `other` over.
  Sequential& operator=(Sequential&& other) {
    if (this == &other || !layers_.empty()) return *this = std::as_const(other);
    layers_ = std::move(other.layers_);
    Layer<S>::operator=(other);
    return *this;
  }

  /// Appends a layer and names it by its kind and number: "conv1", "conv2", "bn1".
  template <class L>
  Sequential& add(L&& layer) {
    layers_.push_back(std::make_unique<std::remove_cvref_t<L>>(std::forward<L>(layer)));
    set_name(this->name());
    return *this;
  }

  /// The same for a layer of any kind. Throws Error when there is none.
  Sequential& add(std::unique_ptr<Layer<S>> layer) {
    require(layer != nullptr, *this, ": expected a layer, got a null pointer");
    layers_.push_back(std::move(layer));
    set_name(this->name());
    return *this;
  }

  /// Number of layers.
  Index size() const { return static_cast<Index>(layers_.size()); }
  /// Throws Error unless 0 <= i < size().
  Layer<S>& operator[](Index i) { return *layers_[place(i)]; }
  /// The same, to be read only.
  const Layer<S>& operator[](Index i) const { return *layers_[place(i)]; }

  std::string_view kind() const override { return "sequential"; }
  std::string_view short_name() const override { return "block"; }
  Description describe() const override {
    Description description{"sequential"};
    for (const auto& layer : layers_) description.layers.push_back(layer->describe());
    return description;
  }

  Shape output_shape(const Shape& input) const override {
    Shape shape = input;
    for (const auto& layer : layers_) shape = layer->output_shape(shape);
    return shape;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = nullptr;  // until the pass is whole, there is nothing to go back through
    trace.children.resize(layers_.size());
    const Tensor<S>* y = &x;
    for (std::size_t i = 0; i < layers_.size();) {
      ForwardPass<S> request{.mode = pass.mode, .backward = pass.backward, .labels = pass.labels};
      std::size_t next = i + 1;
      if (pass.mode == Mode::eval && !pass.backward && next < layers_.size() && layers_[i]->fuses_channel_map()) {
        const Shape out = layers_[i]->output_shape(y->shape().sample());
        request.map = layers_[next]->channel_map(trace.children[next]);
        if (request.map.scale) layers_[next++]->output_shape(out);
      }
      if (next < layers_.size() && layers_[i]->fuses_activation() && layers_[next]->leaky_slope() != S(1))
        request.slope = layers_[next++]->leaky_slope();
      y = &layers_[i]->forward(*y, trace.children[i], request);
      while (++i < next) trace.children[i].output.alias(*y, y->shape());
    }
    if (pass.backward) trace.input = &x;
    trace.output.alias(*y, y->shape());
    return *y;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    backward_from(layers_.size(), trace, dy, dx, pass);
  }
  /// The same for the first `count` layers alone, `dy` being the gradient with respect to the output of the last of
  /// them.
  void backward_from(std::size_t count, Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx,
                     const BackwardPass<S>& pass) {
    require(trace.input != nullptr && trace.children.size() == layers_.size(), *this,
            ": backward needs the trace of a forward pass that leaves what it needs");
    // Below the lowest layer that has parameters nobody needs a gradient, unless the input's own is asked for.
    std::size_t lowest = 0;
    if (dx == nullptr)
      while (lowest < count && !(pass.parameters && layers_[lowest]->has_parameters())) ++lowest;
    const Tensor<S>* gradient = &dy;
    const internal::GradientPair<S> pair;
    std::size_t turn = 0;
    for (std::size_t i = count; i-- > lowest;) {
      const bool gated = i > lowest && layers_[i]->gates_input() && layers_[i - 1]->leaky_slope() != S(1);
      const bool last = (gated ? i - 1 : i) == lowest;
      // The gradient that a layer hands down is the one with respect to the output of the next layer below that is
      // called.
      Tensor<S>* below = last        ? dx
                         : pass.keep ? &trace.children[i - (gated ? 2 : 1)].output_gradient
                                     : &pair[turn ^= 1];
      layers_[i]->backward(trace.children[i], *gradient, below,
                           {pass.parameters, gated ? layers_[i - 1]->leaky_slope() : S(1), pass.keep});
      gradient = below;
      if (gated) --i;
    }
    if (count == 0 && dx != nullptr) *dx = dy;
  }

  /// Throws Error where a layer of it does.
  Curvature curvature() const override {
    Curvature all = Curvature::linear;
    for (const auto& layer : layers_)
      if (layer->curvature() == Curvature::curved) all = Curvature::curved;
    return all;
  }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    trace.input_tangent = &x_tangent;
    const Tensor<S>* tangent = &x_tangent;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      TangentPass<S> request{.affine = pass.affine};
      const bool gated =
          i + 1 < layers_.size() && layers_[i]->fuses_activation() && layers_[i + 1]->leaky_slope() != S(1);
      if (gated) {
        request.gate = trace.children[i + 1].output.data();
        request.slope = layers_[i + 1]->leaky_slope();
      }
      tangent = &layers_[i]->forward_tangent(*tangent, trace.children[i], request);
      if (gated) trace.children[++i].output_tangent.alias(*tangent, tangent->shape());
    }
    return *tangent;
  }

  /// Reads what a `backward` of the same dy left that was asked to keep it.
  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>& pass) override {
    std::size_t lowest = 0;
    if (dx_tangent == nullptr)
      while (lowest < layers_.size() && !layers_[lowest]->has_parameters()) ++lowest;
    const internal::GradientPair<S> pair;
    std::size_t turn = 0;
    for (std::size_t i = layers_.size(); i-- > lowest;) {
      const Tensor<S>& gradient = i + 1 == layers_.size() ? dy : trace.children[i].output_gradient;
      // A gradient that does not move stays so until a layer bends.
      const bool moves = dy_tangent || layers_[i]->curvature() == Curvature::curved;
      Tensor<S>* below = i == lowest ? dx_tangent : moves ? &pair[turn ^= 1] : nullptr;
      layers_[i]->backward_tangent(trace.children[i], gradient, dy_tangent, below, pass);
      dy_tangent = below;
    }
    if (layers_.empty() && dx_tangent != nullptr) {
      if (dy_tangent)
        *dx_tangent = *dy_tangent;
      else
        dx_tangent->resize(dy.shape()), dx_tangent->fill(S(0));
    }
  }

  void commit(const Trace<S>& trace) override {
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->commit(trace.children[i]);
  }

  bool has_parameters() const override {
    for (const auto& layer : layers_)
      if (layer->has_parameters()) return true;
    return false;
  }
  void collect(State<S>& state) override {
    for (const auto& layer : layers_) layer->collect(state);
  }
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    for (const auto& layer : layers_) layer->initialise(weights, random);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Sequential>(*this); }
  void assign(const Layer<S>& other) override {
    const auto& same = internal::require_same_kind(*this, other);
    require(layers_.size() == same.layers_.size(), *this, ": cannot become a copy of a stack of ", same.layers_.size(),
            " layers: it has ", layers_.size());
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->assign(*same.layers_[i]);
  }

  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    std::map<std::string, int, std::less<>> seen;
    for (const auto& layer : layers_) {
      const std::string local(layer->short_name());
      layer->set_name((name.empty() ? "" : name + ".") + local + std::to_string(++seen[local]));
    }
  }

 private:
  std::size_t place(Index i) const {
    require(i >= 0 && i < size(), *this, ": expected the number of one of its ", size(), " layers, got ", i);
    return static_cast<std::size_t>(i);
  }

  std::vector<std::unique_ptr<Layer<S>>> layers_;
};

RIVAL_INSTANTIATE_CLASS(Sequential);

}  // namespace rival

namespace rival {

/// A named stack of layers for inputs of one sample shape. Generator and Discriminator are networks.
///
/// Optimisers, trainers and moving averages point to a network's parameters, so assignment leaves these where they are
/// and copies the other network's values into them. A moved network takes its parameters along; the one that it was
/// moved from has no layers, and throws Error when a pass is asked for.
template <class S = float>
class Network {
 public:
  /// Throws Error when the layers do not fit each other or the input.
  Network(std::string name, const Shape& input, Sequential<S> layers) : input_(input), layers_(std::move(layers)) {
    layers_.set_name(name);
    output_shape();
    for (const auto* parameter : parameters()) weights_ += parameter->value.size();
  }

  /// Copies all layers with their weights; traces of the other's passes are not the copy's.
  Network(const Network& other)
      : input_(other.input_),
        layers_(other.layers_),
        weights_(other.weights_),
        identity_(other.identity_ ? internal::Identity() : internal::Identity::none()) {}
  Network(Network&&) noexcept = default;
  /// Becomes a copy of `other` in place, but for its name: see Sequential. Throws Error, and changes nothing, when the
  /// two differ in structure.
  Network& operator=(const Network& other) {
    if (this == &other) return *this;
    if (!identity_) return *this = Network(other);
    require(other.identity_ && input_ == other.input_ && output_shape() == other.output_shape(), "network \"", name(),
            "\": cannot become a copy of \"", other.name(), "\": it maps ", input_, " to ", output_shape(),
            ", the other one ", other.input_, " to ", other.output_shape());
    layers_ = other.layers_;
    return *this;
  }
  /// The same, and `other` stays as it is; but a network that was moved from takes the layers of `other` over.
  Network& operator=(Network&& other) {
    if (this == &other || identity_) return *this = std::as_const(other);
    input_ = other.input_;
    layers_ = std::move(other.layers_);
    weights_ = other.weights_;
    identity_ = std::move(other.identity_);
    return *this;
  }
  ~Network() = default;

  /// The name that its parameters' names begin with, such as "G".
  const std::string& name() const { return layers_.name(); }
  /// The sample shape that goes in.
  const Shape& input_shape() const { return input_; }
  /// The sample shape that comes out.
  Shape output_shape() const { return layers_.output_shape(input_); }
  /// The layers, to be read or changed one by one.
  Sequential<S>& layers() { return layers_; }
  /// The same, to be read only.
  const Sequential<S>& layers() const { return layers_; }

  /// A training pass: batch norm normalises by this batch and moves its running statistics, dropout drops.
  /// `x` is read again by `backward` and must be kept until then; it must not lie in `trace`.
  /// `labels`, one a sample, are for networks that depend on them.
  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, Labels labels = {}) {
    internal::warn_unless_optimised();
    const auto& y = run(x, trace, {.mode = Mode::train, .labels = labels});
    layers_.commit(trace);
    trace.input_window.alias(x, x.shape());
    trace.network = identity_;
    return y;
  }
  const Tensor<S>& forward(const Tensor<S>&& x, Trace<S>& trace, Labels labels = {}) = delete;

  /// An evaluation pass: a pure function of x and the weights. It leaves in `trace` nothing to go backward through, and
  /// batch norms directly behind dense layers and convolutions are folded into them. Several threads may infer with one
  /// network at once, each with a trace of its own.
  const Tensor<S>& infer(const Tensor<S>& x, Trace<S>& trace, Labels labels = {}) const {
    return run(x, trace, {.mode = Mode::eval, .backward = false, .labels = labels});
  }

  /// Throws Error, saying that `who` needs it, unless `trace` is that of a `forward` through this network, and the
  /// input of that pass is still where it was and of its shape. All that goes back through a pass asks this first.
  void require_pass(const Trace<S>& trace, std::string_view who) const {
    require(trace.network && trace.network == identity_ &&
                trace.children.size() == static_cast<std::size_t>(layers_.size()),
            "network \"", name(), "\": ", who,
            " needs the trace of a forward pass through this network, and `infer` leaves none");
    require(trace.input->shape() == trace.input_window.shape() && trace.input->data() == trace.input_window.data(),
            "network \"", name(), "\": ", who, " needs the input of the forward pass, ", trace.input_window.shape(),
            ", as it was: it has been resized or moved, and is now ", trace.input->shape());
  }

  /// From the gradient with respect to the output computes what is wanted: adds to every Parameter::grad, and returns
  /// the gradient with respect to the input (an empty tensor if not wanted), which `trace` holds until its next pass.
  /// Throws Error when `trace` is not of a `forward` through this network (`infer` leaves nothing to go back through),
  /// and when `dy` has not the shape of that pass's output.
  const Tensor<S>& backward(Trace<S>& trace, const Tensor<S>& dy, Wanted wanted) {
    require_pass(trace, "backward");
    require_shape(dy, trace.output.shape(), "an output gradient");
    trace.kept = false;
    go_back(layers_.size(), trace, dy, wanted);
    trace.kept = wanted.keep;
    return trace.input_gradient;
  }

  /// The same for the first `count` layers alone: `dfeatures` is the gradient with respect to what `features(count,
  /// trace)` gives, or, for a count of 0, with respect to the input.
  const Tensor<S>& backward_from(Index count, Trace<S>& trace, const Tensor<S>& dfeatures, Wanted wanted) {
    require(count >= 0 && count <= layers_.size(), "network \"", name(), "\": expected 0 to ", layers_.size(),
            " layers, got ", count);
    if (count == layers_.size()) return backward(trace, dfeatures, wanted);
    require_pass(trace, "backward_from");
    require(!wanted.keep, "network \"", name(), "\": only a backward pass of all layers keeps what tangents read");
    require_shape(dfeatures, count == 0 ? trace.input->shape() : output_of(count, trace).shape(),
                  "a gradient of features");
    trace.kept = false;
    go_back(count, trace, dfeatures, wanted);
    return trace.input_gradient;
  }
  /// What came out of the first `count` layers in a `forward`. Throws Error when `trace` is not of one, and where the
  /// next layer is a leaky ReLU, with which the one in front may have been fused.
  const Tensor<S>& features(Index count, const Trace<S>& trace) const {
    require(count >= 1 && count <= layers_.size() && (count == layers_.size() || layers_[count].leaky_slope() == S(1)),
            "network \"", name(), "\": expected features behind one of its ", layers_.size(),
            " layers and its activation, got ", count);
    require_pass(trace, "features");
    return output_of(count, trace);
  }

  /// Second order, exact: with G(x) the gradient that `backward(trace, dy, {.parameters = true})` would add for the
  /// input x, adds
  ///   the derivative of G along `x_tangent`, while dy moves along `dy_tangent` (null: it stays);
  ///   if `affine`, in networks whose curvature is linear: G(x_tangent), with the choices of the pass in the trace as
  ///   they were.
  /// Needs the trace of a `forward` and, as the last backward pass, of a `backward` with that dy and `Wanted::keep`.
  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, const Tensor<S>& x_tangent,
                        bool affine = false) {
    require_pass(trace, "backward_tangent");
    require(trace.kept, "network \"", name(),
            "\": backward_tangent needs a `backward` before it that was asked to keep what it reads");
    require_shape(dy, trace.output.shape(), "an output gradient");
    if (dy_tangent) require_shape(*dy_tangent, trace.output.shape(), "a tangent of the output gradient");
    require_shape(x_tangent, trace.input->shape(), "a tangent of the input");
    require(!affine || (!dy_tangent && curvature() == Curvature::linear), "network \"", name(),
            "\": an affine pass needs layers that are all linear, and an output gradient that does not move");
    parallel_scope(work(x_tangent.dim(0)), [&] {
      layers_.forward_tangent(x_tangent, trace, {.affine = affine});
      layers_.backward_tangent(trace, dy, dy_tangent, nullptr, {.affine = affine});
    });
  }
  /// How the network bends; throws Error for the first layer that has no tangents.
  Curvature curvature() const { return layers_.curvature(); }

  /// Everything that it remembers; the pointers are good until the network is moved.
  State<S> state() {
    State<S> all;
    layers_.collect(all);
    return all;
  }
  /// The parameters alone, such as an optimiser takes.
  std::vector<Parameter<S>*> parameters() { return state().parameters; }
  /// The buffers alone.
  std::vector<Buffer<S>*> buffers() { return state().buffers; }

  /// What a pass of a batch costs at least, as parallel_scope counts it: each weight is used once for each sample.
  double work(Index batch) const { return static_cast<double>(batch * weights_) / 16; }

  /// Draws all weights anew; biases become 0, batch norm's scale 1.
  void initialise(const Initialiser<S>& weights, const Random& random) { layers_.initialise(weights, random); }

 private:
  const Tensor<S>& run(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const {
    require(static_cast<bool>(identity_), "network: expected a network with layers, got one that was moved from");
    require(x.rank() == input_.rank() + 1 && x.shape().sample() == input_ && x.dim(0) > 0, "network \"", name(),
            "\": expected a batch of ", input_, ", got ", x.shape());
    require(!trace.holds(x), "network \"", name(),
            "\": expected an input outside of the trace, got what an earlier pass left in it; use a second trace");
    trace.network = internal::Identity::none();  // until the pass is whole, there is nothing to go back through
    trace.kept = false;
    const Tensor<S>* y = nullptr;
    parallel_scope(work(x.dim(0)), [&] { y = &layers_.forward(x, trace, pass); });
    if (y->data() != x.data()) return *y;
    trace.output = *y;  // of layers that compute nothing: what is handed out must not end with x
    return trace.output;
  }

  void go_back(Index count, Trace<S>& trace, const Tensor<S>& dy, Wanted wanted) {
    Tensor<S>& dx = trace.input_gradient;
    require(!dx.owns(dy), "network \"", name(),
            "\": expected a gradient outside of the trace, got the one that an earlier pass left in it");
    // The tangents may read what the lowest layer leaves on its way down to the input.
    const bool down = wanted.input || wanted.keep;
    parallel_scope(work(dy.dim(0)), [&] {
      layers_.backward_from(static_cast<std::size_t>(count), trace, dy, down ? &dx : nullptr,
                            {.parameters = wanted.parameters, .keep = wanted.keep});
    });
    if (!wanted.input) dx.resize({0});
  }

  /// Of the first `count` layers.
  const Tensor<S>& output_of(Index count, const Trace<S>& trace) const {
    return trace.children[static_cast<std::size_t>(count - 1)].output;
  }
  void require_shape(const Tensor<S>& tensor, const Shape& expected, std::string_view what) const {
    require(tensor.shape() == expected, "network \"", name(), "\": expected ", what, " of ", expected, ", got ",
            tensor.shape());
  }

  Shape input_;
  Sequential<S> layers_;
  Index weights_ = 0;
  internal::Identity identity_;  // by which a trace knows its network
};

RIVAL_INSTANTIATE_CLASS(Network);

}  // namespace rival

namespace rival {

/// A classifier that scores each sample of a batch with one logit: above 0 it takes the sample for real. Behind the
/// logit there may be `heads` further numbers, which an auxiliary loss reads: classes, or the code that a sample was
/// made of.
template <class S = float>
class Discriminator : public Network<S> {
 public:
  /// `sample` is the shape of one sample, such as {28, 28, 1}. Throws Error when the layers do not fit it or each
  /// other, or do not end in 1 + heads numbers.
  Discriminator(const Shape& sample, Sequential<S> layers, const std::string& name = "D", Index heads = 0)
      : Network<S>(name, sample, std::move(layers)), heads_(heads) {
    require(this->output_shape().size() == 1 + heads, "discriminator \"", this->name(),
            "\": expected one logit a sample", heads > 0 ? " and " + std::to_string(heads) + " heads" : "", ", got ",
            this->output_shape());
  }

  /// Numbers of the output behind the score; 0: there is the score alone.
  Index heads() const { return heads_; }

 private:
  Index heads_;
};

RIVAL_INSTANTIATE_CLASS(Discriminator);

}  // namespace rival

// rival/gan/generator.hpp
// Generator: latent vectors in, images out.

// rival/nn/infer_in_parts.hpp
// infer_in_parts(): any number of samples through a network, in bounded memory.

namespace rival::internal {

/// Samples that go through the network side by side: so many that the largest layer's activations take about 4 MB.
/// Ten thousand samples need no more memory than that, and what stays in the caches is done sooner.
template <class S>
Index most_at_once(const Network<S>& network) {
  constexpr Index bytes = 4 << 20, most = 256;
  Shape shape = network.input_shape();
  Index largest = std::max<Index>(1, shape.size());
  for (Index i = 0; i < network.layers().size(); ++i) {
    shape = network.layers()[i].output_shape(shape);
    largest = std::max(largest, shape.size());
  }
  return std::clamp<Index>(bytes / static_cast<Index>(sizeof(S)) / largest, 1, most);
}

/// Infers the samples x {N, ...}, part by part, and calls take(first, output, trace) with the number of a part's first
/// sample. `labels` are one a sample, or none.
template <class S, class Take>
void infer_in_parts(const Network<S>& network, const Tensor<S>& x, Labels labels, const Take& take) {
  const Index count = x.dim(0), size = network.input_shape().size(), most = most_at_once(network);
  const Index parts = (count + most - 1) / most;
  Tensor<S> part;
  Trace<S> trace;
  for (Index i = 0; i < parts; ++i) {
    const Index first = part_begin(count, parts, i);
    part.resize(network.input_shape().batch(part_begin(count, parts, i + 1) - first));
    std::copy_n(x.data() + first * size, part.size(), part.data());
    const auto place = static_cast<std::size_t>(first), length = static_cast<std::size_t>(part.dim(0));
    const Tensor<S>& y = network.infer(part, trace, labels.empty() ? labels : labels.subspan(place, length));
    take(first, y, trace);
  }
}

}  // namespace rival::internal

namespace rival {

/// A network that refines random latent vectors {N, latent}, layer by layer, into samples.
template <class S = float>
class Generator : public Network<S> {
 public:
  /// Throws Error when the layers do not fit a vector of `latent` numbers or each other.
  Generator(Index latent, Sequential<S> layers, const std::string& name = "G")
      : Network<S>(name, {latent}, std::move(layers)) {}

  /// Numbers in a latent vector.
  Index latent() const { return this->input_shape()[0]; }

  /// `count` samples {count, ...} in evaluation mode, from standard normal latent vectors drawn from `random`.
  /// Several threads may sample from one generator, each with a stream of its own.
  Tensor<S> sample(Index count, Random& random, Labels labels = {}) const {
    require(count >= 1, "sample: expected a count of at least 1, got ", count);
    Tensor<S> latents({count, latent()});
    random.fill_normal(latents);
    return sample(latents, labels);
  }

  /// The samples of the given latent vectors {N, latent}, N >= 1, and of the given classes, one a sample, if the
  /// generator depends on them. Those beside it change a sample by no more than rounding.
  Tensor<S> sample(const Tensor<S>& latents, Labels labels = {}) const {
    require(latents.rank() == 2 && latents.dim(0) >= 1 && latents.dim(1) == latent(),
            "sample: expected latent vectors of ", latent(), ", got ", latents.shape());
    require(labels.empty() || static_cast<Index>(labels.size()) == latents.dim(0), "sample: expected ", latents.dim(0),
            " labels, one a latent vector, got ", labels.size());
    Tensor<S> samples;
    samples.resize(this->output_shape().batch(latents.dim(0)));
    const Index size = samples.shape().sample().size();
    internal::infer_in_parts(*this, latents, labels, [&](Index first, const Tensor<S>& made, const Trace<S>&) {
      std::copy_n(made.data(), made.size(), samples.data() + first * size);
    });
    return samples;
  }
};

RIVAL_INSTANTIATE_CLASS(Generator);

}  // namespace rival

// rival/gan/image_networks.hpp
// Networks for square images of 28, 32 or 64 pixels, grey or in colour. Each is a plain function: copy it and change
// it.

// rival/layers/activations.hpp
// Activations: layers that apply one function to every element, and have no parameters.

// rival/kernels/elementwise.hpp
// Elementwise maths: y = f(z) over whole arrays and its backward pass, block by block on all threads.

// rival/kernels/packet.hpp
// Packets: the machine's vector registers, through Eigen's, so that SSE, AVX2, AVX-512, NEON and plain scalars come
// from one source. Kernels reach Eigen's packet functions through this file only.

// g++ says that packets lose their alignment as template arguments, on which nothing here depends.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

namespace rival::kernels {

template <class S>
using Packet = typename Eigen::internal::packet_traits<S>::type;

/// How many scalars a packet holds.
template <class S>
inline constexpr Index packet_size = Eigen::internal::unpacket_traits<Packet<S>>::size;

/// The register tile: `tile_rows` rows by `tile_packets` packets of output stay in registers over a whole inner sum.
/// Beside them live one packet of the right operand for each of tile_packets and one broadcast scalar.
inline constexpr int tile_packets = 2;
inline constexpr int tile_rows = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32 ? 14 : 6;

template <class S>
EIGEN_STRONG_INLINE Packet<S> load(const S* from) {
  return Eigen::internal::ploadu<Packet<S>>(from);
}
template <class S>
EIGEN_STRONG_INLINE void prefetch(const S* from) {
  Eigen::internal::prefetch(from);
}
template <class S>
EIGEN_STRONG_INLINE void prefetch_to_write([[maybe_unused]] S* to) {
#if defined(__GNUC__)
  __builtin_prefetch(to, 1);
#endif
}
template <class S>
EIGEN_STRONG_INLINE void store(S* to, const Packet<S>& from) {
  Eigen::internal::pstoreu(to, from);
}
template <class S>
EIGEN_STRONG_INLINE Packet<S> broadcast(S value) {
  return Eigen::internal::pset1<Packet<S>>(value);
}
template <class S>
EIGEN_STRONG_INLINE Packet<S> add(const Packet<S>& a, const Packet<S>& b) {
  return Eigen::internal::padd(a, b);
}
template <class S>
EIGEN_STRONG_INLINE Packet<S> multiply(const Packet<S>& a, const Packet<S>& b) {
  return Eigen::internal::pmul(a, b);
}
/// a * b + c
template <class S>
EIGEN_STRONG_INLINE Packet<S> multiply_add(const Packet<S>& a, const Packet<S>& b, const Packet<S>& c) {
  return Eigen::internal::pmadd(a, b, c);
}
/// The least factor of a leaky ReLU's slope: with a slope of 0 minus infinity would give NaN, where its limit is 0.
template <class S>
constexpr S leak_limit(S slope) {
  return slope == S(0) ? std::numeric_limits<S>::lowest() : -std::numeric_limits<S>::infinity();
}
/// The leaky ReLU: y, below 0 slope * y; NaN stays NaN.
template <class S>
EIGEN_STRONG_INLINE Packet<S> leak(const Packet<S>& y, S slope) {
  using namespace Eigen::internal;
  return pselect(pcmp_lt(y, broadcast(S(0))), pmul(pmax(y, broadcast(leak_limit(slope))), broadcast(slope)), y);
}
template <class S>
EIGEN_STRONG_INLINE S leak_scalar(S y, S slope) {
  return y < S(0) ? std::max(y, leak_limit(slope)) * slope : y;
}
/// `yes` where the selector is positive, elsewhere `no`.
template <class S>
EIGEN_STRONG_INLINE Packet<S> choose(const Packet<S>& selector, const Packet<S>& yes, const Packet<S>& no) {
  using namespace Eigen::internal;
  return pselect(pcmp_lt(broadcast(S(0)), selector), yes, no);
}
/// The leaky ReLU's way back: value where the selector is positive, elsewhere value * slope; NaN stays NaN.
template <class S>
EIGEN_STRONG_INLINE Packet<S> leak(const Packet<S>& value, const Packet<S>& selector, S slope) {
  return choose<S>(selector, value, multiply<S>(value, broadcast(slope)));
}

/// The first `count` scalars, 0 behind them. For the ends of rows; never reads past them.
template <class S>
EIGEN_STRONG_INLINE Packet<S> load_part(const S* from, Index count) {
  alignas(64) S whole[packet_size<S>] = {};
  for (Index i = 0; i < count; ++i) whole[i] = from[i];
  return load(whole);
}
template <class S>
EIGEN_STRONG_INLINE void store_part(S* to, const Packet<S>& from, Index count) {
  alignas(64) S whole[packet_size<S>];
  store(whole, from);
  for (Index i = 0; i < count; ++i) to[i] = whole[i];
}

/// y = leak(y) for a row of `count`.
template <class S>
void leak_row(S* y, Index count, S slope) {
  constexpr Index size = packet_size<S>;
  Index i = 0;
  for (; i + size <= count; i += size) store(y + i, leak<S>(load(y + i), slope));
  for (; i < count; ++i) y[i] = leak_scalar(y[i], slope);
}

/// A copy of a few packets' scalars, for which a call of memcpy would cost more than it moves.
template <class S>
EIGEN_STRONG_INLINE void copy_short(const S* from, Index count, S* to) {
  constexpr Index size = packet_size<S>;
  Index i = 0;
  for (; i + size <= count; i += size) store(to + i, load(from + i));
  for (; i < count; ++i) to[i] = from[i];
}

/// to[i * to_step + j] = from[j * from_step + i] for a square of one packet's size.
template <class S>
EIGEN_STRONG_INLINE void transpose_square(const S* from, Index from_step, S* to, Index to_step) {
  constexpr int size = static_cast<int>(packet_size<S>);
  Eigen::internal::PacketBlock<Packet<S>, size> square;
  for (int i = 0; i < size; ++i) square.packet[i] = load(from + i * from_step);
  Eigen::internal::ptranspose(square);
  for (int i = 0; i < size; ++i) store(to + i * to_step, square.packet[i]);
}

/// Sum of a[i] * b[i].
template <class S>
S dot(const S* a, const S* b, Index count) {
  constexpr Index size = packet_size<S>;
  Packet<S> sums[4];
  for (auto& sum : sums) sum = broadcast(S(0));
  Index i = 0;
  for (; i + 4 * size <= count; i += 4 * size)
    for (Index j = 0; j < 4; ++j) sums[j] = multiply_add<S>(load(a + i + j * size), load(b + i + j * size), sums[j]);
  for (; i + size <= count; i += size) sums[0] = multiply_add<S>(load(a + i), load(b + i), sums[0]);
  if (i < count) sums[1] = multiply_add<S>(load_part(a + i, count - i), load_part(b + i, count - i), sums[1]);
  alignas(64) S lanes[size];
  store(lanes, add<S>(add<S>(sums[0], sums[1]), add<S>(sums[2], sums[3])));
  S sum = S(0);
  for (const S lane : lanes) sum += lane;
  return sum;
}

}  // namespace rival::kernels

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace rival::kernels {

/// Elements that one task handles: enough to forget the task, few enough for the first-level cache.
inline constexpr Index element_block = 4096;

// A function is a small object with
//   value(z)          f(z), an Eigen array expression, so that it runs on packets;
//   derivative(z, y)  f'(z), which may use that y = f(z);
//   second(z, y)      f''(z), for gradient penalties;
//   cost              scalar operations an element, roughly.
// Each gives its limit for an infinite z, passes NaN on, and is right to a few epsilon: of its value, where that is not
// the small difference of large numbers (1 - y^2), else of 1. What is below the least normal number may come out as 0
// or as a small part of it. The tests hold them to it, with the bounds (tests/layers/activations_test.cpp).

namespace internal {

/// e where z is below 0, elsewhere z: Eigen's select, with packets.
template <class S>
struct BelowZero {
  S operator()(S z, S e) const { return z < S(0) ? e : z; }
  Packet<S> packetOp(const Packet<S>& z, const Packet<S>& e) const {
    return choose<S>(Eigen::internal::pnegate(z), e, z);
  }
};

/// to[i] = expression[i] for i < count, packet by packet, wherever in memory they begin; count is a whole number of
/// packets.
template <class S, class Expression>
void evaluate(const Expression& expression, S* to, Index count) {
  using Evaluator = Eigen::internal::evaluator<Expression>;
  const Evaluator values(expression);
  if constexpr ((Evaluator::Flags & Eigen::PacketAccessBit) != 0) {
    for (Index i = 0; i < count; i += packet_size<S>)
      store(to + i, values.template packet<Eigen::Unaligned, Packet<S>>(i));
  } else {
    for (Index i = 0; i < count; ++i) to[i] = values.coeff(i);
  }
}

/// to[i] = rule(from[i]...) for begin <= i < end, where the rule makes an array expression of arrays. The end is filled
/// up to a packet, so that no element is rounded in another way than the others. `to` may be one of `from`.
template <class S, class Rule, class... From>
void map_range(Index begin, Index end, const Rule& rule, S* to, const From*... from) {
  constexpr Index size = packet_size<S>;
  std::array<const S*, sizeof...(From)> in{from + begin...};
  S last[size], parts[sizeof...(From)][size] = {};
  // The whole packets and then the rest, from one place: compilers do not inline a long expression that is there twice.
  for (Index left = end - begin; left > 0;) {
    const Index whole = left / size * size, count = whole > 0 ? whole : size;
    if (whole == 0)
      for (std::size_t k = 0; k < in.size(); ++k) in[k] = std::copy_n(in[k], left, parts[k]) - left;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      evaluate(rule(ConstArrayMap<S>(in[I], count)...), whole > 0 ? to + begin : last, count);
    }
    (std::index_sequence_for<From...>{});
    if (whole == 0) std::copy_n(last, left, to + end - left);
    left -= count;
    for (const S*& pointer : in) pointer += count;
  }
}

}  // namespace internal
}  // namespace rival::kernels

template <class S>
struct Eigen::internal::functor_traits<rival::kernels::internal::BelowZero<S>> {
  enum { Cost = 2, PacketAccess = true };
};

namespace rival::kernels {

struct Tanh {
  static constexpr double cost = 20;

  auto value(const auto& z) const { return z.tanh(); }

  template <class Y>
  auto derivative(const auto&, const Y& y) const {
    return typename Y::Scalar(1) - y.square();
  }
  template <class Y>
  auto second(const auto&, const Y& y) const {
    using S = typename Y::Scalar;
    return S(-2) * y * (S(1) - y.square());
  }
};

/// 1 / (1 + e^-z). Where e^-z overflows, the quotient is the 0 that it should be.
struct Sigmoid {
  static constexpr double cost = 20;

  template <class Z>
  auto value(const Z& z) const {
    using S = typename Z::Scalar;
    return S(1) / (S(1) + (-z).exp());
  }
  template <class Y>
  auto derivative(const auto&, const Y& y) const {
    return y * (typename Y::Scalar(1) - y);
  }
  template <class Y>
  auto second(const auto&, const Y& y) const {
    using S = typename Y::Scalar;
    return y * (S(1) - y) * (S(1) - S(2) * y);
  }
};

/// log(1 + e^z) = max(z, 0) + log1p(e^-|z|); its derivative is the sigmoid.
struct Softplus {
  static constexpr double cost = 40;

  template <class Z>
  auto value(const Z& z) const {
    using S = typename Z::Scalar;
    // Eigen's exponential stops near the least normal number; without that it reaches 0.
    return z.max(S(0)) + ((-z.abs()).exp() - std::numeric_limits<S>::min()).max(S(0)).log1p();
  }
  auto derivative(const auto& z, const auto&) const { return Sigmoid().value(z); }
  auto second(const auto& z, const auto&) const { return Sigmoid().value(z) * Sigmoid().value(-z); }
};

/// z sigmoid(z), also called swish; its derivative is s + z s (1 - s) with s = sigmoid(z).
struct SiLU {
  static constexpr double cost = 25;

  template <class Z>
  auto value(const Z& z) const {
    return z.max(-far<Z>) * Sigmoid().value(z);
  }
  auto derivative(const auto& z, const auto&) const {
    // 1 - s as sigmoid(-z): the difference would lose its digits just where z is large.
    return Sigmoid().value(z) * (cut(z) * Sigmoid().value(-z) + 1);
  }
  /// s (1 - s) (2 + z (1 - 2 s)), where 1 - 2 s = sigmoid(-z) - s.
  auto second(const auto& z, const auto&) const {
    return Sigmoid().value(z) * Sigmoid().value(-z) * (cut(z) * (Sigmoid().value(-z) - Sigmoid().value(z)) + 2);
  }

 private:
  /// Beyond it the exponential underflows, while z itself may be as large as it likes: z e^-|z| is 0 there, and not 0
  /// times infinity.
  template <class Z>
  static constexpr auto far = static_cast<typename Z::Scalar>(std::numeric_limits<typename Z::Scalar>::max_exponent);
  template <class Z>
  static auto cut(const Z& z) {
    return z.max(-far<Z>).min(far<Z>);
  }
};

/// z above 0 and alpha (e^z - 1) below.
template <class S>
struct ELU {
  static constexpr double cost = 40;
  S alpha;

  auto value(const auto& z) const { return z.binaryExpr(alpha * z.expm1(), internal::BelowZero<S>{}); }
  auto derivative(const auto&, const auto& y) const { return (y > S(0)).select(S(1), y + alpha); }
  auto second(const auto&, const auto& y) const { return (y > S(0)).select(S(0), y + alpha); }
};

/// y[i] = f(z[i])
template <class S, class F>
void map(const F& f, const S* z, S* y, Index count) {
  parallel_blocks(count, element_block, F::cost * static_cast<double>(count), [&](Index begin, Index end) {
    internal::map_range(
        begin, end, [&](const auto& z_) { return f.value(z_); }, y, z);
  });
}

/// dz[i] = dy[i] f'(z[i]), where y[i] = f(z[i])
template <class S, class F>
void map_gradient(const F& f, const S* z, const S* y, const S* dy, S* dz, Index count) {
  parallel_blocks(count, element_block, F::cost * static_cast<double>(count), [&](Index begin, Index end) {
    const auto rule = [&](const auto& z_, const auto& y_, const auto& dy_) { return dy_ * f.derivative(z_, y_); };
    internal::map_range(begin, end, rule, dz, z, y, dy);
  });
}

/// dz'[i] = dy'[i] f'(z[i]) + dy[i] z'[i] f''(z[i]), the tangent of map_gradient along z'; dy' null stands for zeros.
template <class S, class F>
void map_gradient_tangent(const F& f, const S* z, const S* y, const S* z_tangent, const S* dy, const S* dy_tangent,
                          S* dz_tangent, Index count) {
  parallel_blocks(count, element_block, 2 * F::cost * static_cast<double>(count), [&](Index begin, Index end) {
    const auto bent = [&](const auto& z_, const auto& y_, const auto& z_tangent_, const auto& dy_) {
      return dy_ * z_tangent_ * f.second(z_, y_);
    };
    const auto straight = [&](const auto& z_, const auto& y_, const auto& dy_tangent_, const auto& before) {
      return before + dy_tangent_ * f.derivative(z_, y_);
    };
    internal::map_range(begin, end, bent, dz_tangent, z, y, z_tangent, dy);
    if (dy_tangent) internal::map_range(begin, end, straight, dz_tangent, z, y, dy_tangent, dz_tangent);
  });
}

/// y[i] = z[i], below 0 slope z[i]: NaN stays NaN.
template <class S>
void leaky_relu(const S* z, S* y, Index count, S slope) {
  parallel_blocks(count, element_block, static_cast<double>(count), [=](Index begin, Index end) {
    constexpr Index size = packet_size<S>;
    Index i = begin;
    for (; i + size <= end; i += size) store(y + i, leak<S>(load(z + i), slope));
    for (; i < end; ++i) y[i] = leak_scalar(z[i], slope);
  });
}

/// dz[i] = dy[i] where y[i] > 0, otherwise slope dy[i]. As slope >= 0, y may be the input or the output alike. (Written
/// as a product, since compilers make packets of a choice between constants and a branch of one between sums.)
template <class S>
void leaky_relu_gradient(const S* y, const S* dy, S* dz, Index count, S slope) {
  parallel_blocks(count, element_block, static_cast<double>(count), [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) dz[i] = dy[i] * (y[i] > S(0) ? S(1) : slope);
  });
}

/// `mask` comes uniform in [0, 1) and goes as 0 with probability `rate`, otherwise 1 / (1 - rate);
/// y[i] = x[i] mask[i].
template <class S>
void dropout(const S* x, S* mask, S* y, Index count, S rate) {
  const S scale = S(1) / (S(1) - rate);
  parallel_blocks(count, element_block, static_cast<double>(count), [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) mask[i] = mask[i] >= rate ? scale : S(0);
    for (Index i = begin; i < end; ++i) y[i] = x[i] * mask[i];
  });
}

/// dx[i] = dy[i] mask[i] where x[i] > 0, otherwise slope dy[i] mask[i].
template <class S>
void dropout_gradient(const S* x, const S* mask, const S* dy, S* dx, Index count, S slope) {
  parallel_blocks(count, element_block, static_cast<double>(count), [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) dx[i] = dy[i] * mask[i] * (x[i] > S(0) ? S(1) : slope);
  });
}

RIVAL_INSTANTIATE_FUNCTION(leaky_relu);
RIVAL_INSTANTIATE_FUNCTION(leaky_relu_gradient);
RIVAL_INSTANTIATE_FUNCTION(dropout);
RIVAL_INSTANTIATE_FUNCTION(dropout_gradient);

}  // namespace rival::kernels

namespace rival {

namespace internal {

/// y = f(z), f one of the functions of kernels/elementwise.hpp.
template <class S, class F>
class Activation : public Layer<S> {
 public:
  explicit Activation(const F& f = {}) : f_(f) {}

  Shape output_shape(const Shape& input) const override { return input; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(x.shape());
    kernels::map(f_, x.data(), trace.output.data(), x.size());
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    kernels::map_gradient(f_, trace.input->data(), trace.output.data(), dy.data(), dx->data(), dy.size());
  }

  Curvature curvature() const override { return Curvature::curved; }

  /// y' = f'(z) z'
  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(x_tangent.shape());
    kernels::map_gradient(f_, trace.input->data(), trace.output.data(), x_tangent.data(), trace.output_tangent.data(),
                          x_tangent.size());
    return trace.output_tangent;
  }

  /// dz' = f'(z) dy' + f''(z) z' dy
  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    if (dx_tangent == nullptr) return;
    dx_tangent->resize(dy.shape());
    kernels::map_gradient_tangent(f_, trace.input->data(), trace.output.data(), trace.input_tangent->data(), dy.data(),
                                  dy_tangent ? dy_tangent->data() : nullptr, dx_tangent->data(), dy.size());
  }

 private:
  F f_;
};

}  // namespace internal

/// y = tanh(z), in (-1, 1).
template <class S = float>
class Tanh : public internal::Activation<S, kernels::Tanh> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "tanh"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Tanh>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

/// y = 1 / (1 + e^-z), in (0, 1). A network that ends in a loss on logits needs none.
template <class S = float>
class Sigmoid : public internal::Activation<S, kernels::Sigmoid> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "sigmoid"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Sigmoid>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

/// y = z sigmoid(z), also called swish (Hendrycks and Gimpel, 2016; Ramachandran, Zoph and Le, 2017).
template <class S = float>
class SiLU : public internal::Activation<S, kernels::SiLU> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "silu"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<SiLU>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

/// y = log(1 + e^z), a smooth ReLU.
template <class S = float>
class Softplus : public internal::Activation<S, kernels::Softplus> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "softplus"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Softplus>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

/// What ELU's number is called.
struct ELUOptions {
  double alpha = 1;  ///< of what is below 0: e^z - 1 times it

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("alpha", o.alpha);
  }
};

/// y = z above 0 and alpha (e^z - 1) below (Clevert, Unterthiner and Hochreiter, 2016).
template <class S = float>
class ELU : public internal::Activation<S, kernels::ELU<S>> {
 public:
  using Options = ELUOptions;  ///< what it is made from
  /// Throws Error unless alpha >= 0.
  explicit ELU(double alpha = 1.0) : internal::Activation<S, kernels::ELU<S>>({static_cast<S>(alpha)}), alpha_(alpha) {
    require(alpha >= 0, "elu: expected alpha >= 0, got ", alpha);
  }

  std::string_view kind() const override { return "elu"; }
  Description describe() const override { return rival::describe(kind(), ELUOptions{alpha_}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ELU>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  double alpha_;
};

/// What a leaky ReLU's number is called.
struct LeakyReLUOptions {
  double slope = 0.2;  ///< below 0

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("slope", o.slope);
  }
};

/// y = z above 0 and slope z below (Maas, Hannun and Ng, 2013). At 0 the derivative is the slope.
///
/// A Sequential lets the layer in front write y and the layer behind apply the derivative where they can, so
/// forward may never be called: backward reads nothing but `trace.output`.
template <class S = float>
class LeakyReLU : public Layer<S> {
 public:
  using Options = LeakyReLUOptions;  ///< what it is made from
  /// Throws Error unless 0 <= slope <= 1: then y = max(z, slope z), and y > 0 exactly where z > 0.
  explicit LeakyReLU(double slope = 0.2) : slope_(static_cast<S>(slope)), exact_slope_(slope) {
    require(slope >= 0 && slope <= 1, "leaky_relu: expected a slope in [0, 1], got ", slope);
  }

  std::string_view kind() const override { return "leaky_relu"; }
  Description describe() const override { return rival::describe("leaky_relu", LeakyReLUOptions{exact_slope_}); }
  S leaky_slope() const override { return slope_; }
  Shape output_shape(const Shape& input) const override { return input; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.output.resize(x.shape());
    kernels::leaky_relu(x.data(), trace.output.data(), x.size(), slope_);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    kernels::leaky_relu_gradient(trace.output.data(), dy.data(), dx->data(), dy.size(), slope_);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.output_tangent.resize(x_tangent.shape());
    kernels::leaky_relu_gradient(trace.output.data(), x_tangent.data(), trace.output_tangent.data(), x_tangent.size(),
                                 slope_);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<LeakyReLU>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  S slope_;
  double exact_slope_;  // as it was given
};

/// y = max(z, 0): the leaky ReLU of slope 0.
template <class S = float>
class ReLU : public LeakyReLU<S> {
 public:
  using Options = NoOptions;  ///< it has none
  ReLU() : LeakyReLU<S>(0.0) {}

  std::string_view kind() const override { return "relu"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ReLU>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_FLOAT(class internal::Activation<float, kernels::Tanh>);
RIVAL_INSTANTIATE_DOUBLE(class internal::Activation<double, kernels::Tanh>);
RIVAL_INSTANTIATE_FLOAT(class internal::Activation<float, kernels::Sigmoid>);
RIVAL_INSTANTIATE_DOUBLE(class internal::Activation<double, kernels::Sigmoid>);
RIVAL_INSTANTIATE_FLOAT(class internal::Activation<float, kernels::SiLU>);
RIVAL_INSTANTIATE_DOUBLE(class internal::Activation<double, kernels::SiLU>);
RIVAL_INSTANTIATE_FLOAT(class internal::Activation<float, kernels::Softplus>);
RIVAL_INSTANTIATE_DOUBLE(class internal::Activation<double, kernels::Softplus>);
RIVAL_INSTANTIATE_CLASS(Tanh);
RIVAL_INSTANTIATE_CLASS(Sigmoid);
RIVAL_INSTANTIATE_CLASS(SiLU);
RIVAL_INSTANTIATE_CLASS(Softplus);
RIVAL_INSTANTIATE_FLOAT(class internal::Activation<float, kernels::ELU<float>>);
RIVAL_INSTANTIATE_DOUBLE(class internal::Activation<double, kernels::ELU<double>>);
RIVAL_INSTANTIATE_CLASS(ELU);
RIVAL_INSTANTIATE_CLASS(LeakyReLU);
RIVAL_INSTANTIATE_CLASS(ReLU);

}  // namespace rival

// rival/layers/batch_norm.hpp
// BatchNorm: each channel to mean 0 and variance 1, then to a learnt scale and shift.

// rival/kernels/reduce.hpp
// Sums down the columns of a matrix, and batch norm's two: block by block of rows, the blocks' sums then added in their
// order, so that the bits depend on the shape alone.

namespace rival::kernels {

namespace internal {

inline constexpr Index reduce_rows = 128;
inline constexpr Index reduce_columns = 128;

/// A piece of a row of at most reduce_columns, and sums of that size on the stack.
template <class S>
using RowPiece = Eigen::Map<const Eigen::Array<S, 1, Eigen::Dynamic>>;
template <class S>
using RowPieceMap = Eigen::Map<Eigen::Array<S, 1, Eigen::Dynamic>>;
template <class S>
using RowSums = Eigen::Array<S, 1, Eigen::Dynamic, Eigen::RowMajor, 1, reduce_columns>;

inline Index row_blocks(Index rows) { return (rows + reduce_rows - 1) / reduce_rows; }

/// Calls body(block, first row, last row, first column, number of columns) for all blocks.
template <class Body>
void for_each_block(Index rows, Index columns, const Body& body) {
  const Index down = row_blocks(rows), across = (columns + reduce_columns - 1) / reduce_columns;
  parallel_for(down * across, static_cast<double>(rows * columns) / 4, [&](Index task) {
    const Index block = task / across, column = task % across * reduce_columns;
    body(block, block * reduce_rows, std::min(rows, (block + 1) * reduce_rows), column,
         std::min(reduce_columns, columns - column));
  });
}

/// total[c] += partial[0][c] + partial[1][c] + ...
template <class S>
void add_blocks(Index blocks, Index columns, const S* partial, S* total) {
  RowPieceMap<S> sum(total, columns);
  for (Index b = 0; b < blocks; ++b) sum += RowPiece<S>(partial + b * columns, columns);
}

}  // namespace internal

/// sums[c] += sum over rows of x[row, c]
template <class S>
void add_column_sums(Index rows, Index columns, const S* x, S* sums) {
  using namespace internal;
  S* partial = scratch<S>(Scratch::partial_sums, row_blocks(rows) * columns);
  for_each_block(rows, columns, [&](Index block, Index first, Index last, Index column, Index count) {
    RowSums<S> sum = RowSums<S>::Zero(count);
    for (Index r = first; r < last; ++r) sum += RowPiece<S>(x + r * columns + column, count);
    RowPieceMap<S>(partial + block * columns + column, count) = sum;
  });
  add_blocks(row_blocks(rows), columns, partial, sums);
}

/// mean[c] and variance[c] (divided by `rows`) of each column. Each block is centred on its own mean, so nothing
/// cancels (Chan, Golub and LeVeque, 1983).
template <class S>
void column_moments(Index rows, Index columns, const S* x, S* mean, S* variance) {
  using namespace internal;
  const Index blocks = row_blocks(rows);
  S* means = scratch<S>(Scratch::partial_sums, 2 * blocks * columns);
  S* squares = means + blocks * columns;
  for_each_block(rows, columns, [&](Index block, Index first, Index last, Index column, Index count) {
    RowSums<S> centre = RowSums<S>::Zero(count), square = RowSums<S>::Zero(count);
    for (Index r = first; r < last; ++r) centre += RowPiece<S>(x + r * columns + column, count);
    centre /= static_cast<S>(last - first);
    for (Index r = first; r < last; ++r) square += (RowPiece<S>(x + r * columns + column, count) - centre).square();
    RowPieceMap<S>(means + block * columns + column, count) = centre;
    RowPieceMap<S>(squares + block * columns + column, count) = square;
  });
  const auto share = [&](Index b) {
    return static_cast<S>(std::min(reduce_rows, rows - b * reduce_rows)) / static_cast<S>(rows);
  };
  RowPieceMap<S> m(mean, columns), v(variance, columns);
  m.setZero();
  v.setZero();
  for (Index b = 0; b < blocks; ++b) m += share(b) * RowPiece<S>(means + b * columns, columns);
  for (Index b = 0; b < blocks; ++b)
    v += RowPiece<S>(squares + b * columns, columns) / static_cast<S>(rows) +
         share(b) * (RowPiece<S>(means + b * columns, columns) - m).square();
}

/// sums[c] = sum over rows of dy[row, c] and products[c] = sum over rows of dy[row, c] * (x[row, c] - mean[c]).
template <class S>
void centred_gradient_sums(Index rows, Index columns, const S* dy, const S* x, const S* mean, S* sums, S* products) {
  using namespace internal;
  const Index blocks = row_blocks(rows);
  S* partial = scratch<S>(Scratch::partial_sums, 2 * blocks * columns);
  S* partial_products = partial + blocks * columns;
  for_each_block(rows, columns, [&](Index block, Index first, Index last, Index column, Index count) {
    RowSums<S> sum = RowSums<S>::Zero(count), product = RowSums<S>::Zero(count);
    const RowPiece<S> centre(mean + column, count);
    for (Index r = first; r < last; ++r) {
      const RowPiece<S> d(dy + r * columns + column, count);
      sum += d;
      product += d * (RowPiece<S>(x + r * columns + column, count) - centre);
    }
    RowPieceMap<S>(partial + block * columns + column, count) = sum;
    RowPieceMap<S>(partial_products + block * columns + column, count) = product;
  });
  std::fill(sums, sums + columns, S(0));
  std::fill(products, products + columns, S(0));
  add_blocks(blocks, columns, partial, sums);
  add_blocks(blocks, columns, partial_products, products);
}

/// y[row, c] = x[row, c] * scale[c] + shift[c], then y > 0 ? y : slope * y (1: nothing).
template <class S>
void scale_and_shift(Index rows, Index columns, const S* x, const S* scale, const S* shift, S slope, S* y) {
  using namespace internal;
  for_each_block(rows, columns, [&](Index, Index first, Index last, Index column, Index count) {
    const RowPiece<S> a(scale + column, count), b(shift + column, count);
    for (Index r = first; r < last; ++r) {
      RowPieceMap<S> to(y + r * columns + column, count);
      to = RowPiece<S>(x + r * columns + column, count) * a + b;
      if (slope != S(1)) leak_row(to.data(), count, slope);
    }
  });
}

/// dx[row, c] = dy[row, c] * a[c] + x[row, c] * b[c] + d[c], then times (x > 0 ? 1 : slope) (1: nothing).
template <class S>
void combine_gradient(Index rows, Index columns, const S* dy, const S* x, const S* a, const S* b, const S* d, S slope,
                      S* dx) {
  using namespace internal;
  for_each_block(rows, columns, [&](Index, Index first, Index last, Index column, Index count) {
    const RowPiece<S> a_(a + column, count), b_(b + column, count), d_(d + column, count);
    for (Index r = first; r < last; ++r) {
      const RowPiece<S> from(x + r * columns + column, count);
      RowPieceMap<S> to(dx + r * columns + column, count);
      to = RowPiece<S>(dy + r * columns + column, count) * a_ + from * b_ + d_;
      if (slope != S(1)) to = (from > S(0)).select(to, slope * to);
    }
  });
}

RIVAL_INSTANTIATE_FUNCTION(add_column_sums);
RIVAL_INSTANTIATE_FUNCTION(column_moments);
RIVAL_INSTANTIATE_FUNCTION(centred_gradient_sums);
RIVAL_INSTANTIATE_FUNCTION(scale_and_shift);
RIVAL_INSTANTIATE_FUNCTION(combine_gradient);

}  // namespace rival::kernels

// rival/layers/batch_statistics.hpp
// BatchStatistics: what the kinds of batch norm share, the moments of each feature and their running values.

namespace rival::internal {

/// A layer that normalises each feature over all its values in the batch: in training by the batch's mean and (biased)
/// variance, and `commit` moves the running ones towards its mean and unbiased variance; in evaluation by the running
/// ones.
template <class S>
class BatchStatistics : public Layer<S> {
 public:
  std::string_view kind() const override { return kind_; }

  Buffer<S>& mean() { return mean_; }
  Buffer<S>& variance() { return variance_; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1 && input.back() == features_, *this, ": expected ", features_,
            " features on the last axis, got ", input);
    return input;
  }

  Curvature curvature() const override {
    fail(*this,
         ": a gradient penalty needs scores that do not depend on the other samples of the batch, and batch norm mixes "
         "them; use LayerNorm, GroupNorm, InstanceNorm or no normalisation in the discriminator");
  }

  void commit(const Trace<S>& trace) override {
    if (trace.mode != Mode::train) return;
    const auto rows = static_cast<S>(trace.input->rows());
    mean_.value.array() += momentum_ * (trace.saved[saved_mean].array() - mean_.value.array());
    variance_.value.array() +=
        momentum_ * (trace.saved[saved_variance].array() * (rows / (rows - S(1))) - variance_.value.array());
  }

  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    mean_.name = name + ".mean";
    variance_.name = name + ".variance";
  }

 protected:
  /// Throws Error unless features > 0, epsilon > 0 and 0 <= momentum <= 1.
  BatchStatistics(std::string_view kind, Index features, double epsilon, double momentum)
      : kind_(kind), features_(features), epsilon_(static_cast<S>(epsilon)), momentum_(static_cast<S>(momentum)) {
    require(features > 0, kind, ": expected positive `features`, got ", features);
    require(epsilon_ > S(0), kind, ": expected a positive `epsilon`, got ", epsilon);
    require(momentum >= 0 && momentum <= 1, kind, ": expected `momentum` in [0, 1], got ", momentum);
    mean_ = {"mean", Tensor<S>({features})};
    variance_ = {"variance", Tensor<S>({features}, S(1))};
  }

  Index features() const { return features_; }
  S epsilon() const { return epsilon_; }

  void collect_statistics(State<S>& state) { state.buffers.insert(state.buffers.end(), {&mean_, &variance_}); }
  void reset_statistics() {
    mean_.value.fill(S(0));
    variance_.value.fill(S(1));
  }

  /// Begins a forward pass: checks x and leaves in `trace` the moments to normalise by.
  void take_statistics(const Tensor<S>& x, Trace<S>& trace, Mode mode) const {
    output_shape(x.shape().sample());
    require(mode == Mode::eval || x.rows() > 1, *this, ": expected more than one value a feature to train on, got ",
            x.shape());
    trace.input = &x;
    trace.mode = mode;
    trace.output.resize(x.shape());
    Tensor<S>& mean = trace.save(saved_mean, {features_});
    Tensor<S>& variance = trace.save(saved_variance, {features_});
    if (mode == Mode::train) {
      kernels::column_moments(x.rows(), features_, x.data(), mean.data(), variance.data());
    } else {
      mean = mean_.value;
      variance = variance_.value;
    }
  }
  auto inverse_deviation(const Trace<S>& trace) const {
    return (trace.saved[saved_variance].array() + epsilon_).sqrt().inverse();
  }

  static constexpr std::size_t saved_mean = 0, saved_variance = 1;
  static constexpr std::size_t first_place = 2;  // of Trace::saved that a derived class may use
  Buffer<S> mean_, variance_;

 private:
  std::string_view kind_;
  Index features_;
  S epsilon_, momentum_;
};

RIVAL_INSTANTIATE_CLASS(BatchStatistics);

}  // namespace rival::internal

namespace rival {

/// What a BatchNorm normalises, and how.
struct BatchNormOptions {
  Index features = 0;     ///< the last axis: channels of images, columns of vectors
  double epsilon = 1e-5;  ///< added to the variance
  double momentum = 0.1;  ///< how far the running statistics move to each training batch's

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("features", o.features);
    f("epsilon", o.epsilon);
    f("momentum", o.momentum);
  }
};

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, for every feature over all its values in the batch
/// (Ioffe and Szegedy, 2015). Training takes the batch's mean and (biased) variance and moves the running ones towards
/// its mean and unbiased variance; evaluation takes the running ones.
template <class S = float>
class BatchNorm : public internal::BatchStatistics<S> {
 public:
  using Options = BatchNormOptions;  ///< what it is made from
  /// Throws Error unless features > 0, epsilon > 0 and 0 <= momentum <= 1.
  explicit BatchNorm(const BatchNormOptions& options)
      : internal::BatchStatistics<S>("batch_norm", options.features, options.epsilon, options.momentum),
        options_(options),
        weight_("weight", {options.features}),
        bias_("bias", {options.features}) {
    weight_.value.fill(S(1));
  }

  std::string_view short_name() const override { return "bn"; }
  Description describe() const override { return rival::describe("batch_norm", options_); }

  /// The scale of every feature, {features}; 1 at first.
  Parameter<S>& weight() { return weight_; }
  /// The shift of every feature, {features}; 0 at first.
  Parameter<S>& bias() { return bias_; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    this->take_statistics(x, trace, pass.mode);
    const ChannelMap<S> map = channel_map(trace.saved[this->saved_mean], trace.saved[this->saved_variance], trace);
    kernels::scale_and_shift(x.rows(), this->features(), x.data(), map.scale, map.shift, pass.slope,
                             trace.output.data());
    return trace.output;
  }
  ChannelMap<S> channel_map(Trace<S>& trace) const override {
    return channel_map(this->mean_.value, this->variance_.value, trace);
  }

  /// With x^ = (x - mean) / s, s = sqrt(variance + epsilon) and `<z>` the mean of z over a feature's values:
  ///
  ///     dweight += sum of dy x^,  dbias += sum of dy,  dx = weight / s (dy - <dy> - x^ <dy x^>)
  ///
  /// In evaluation dx = weight / s dy.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    const Tensor<S>& x = *trace.input;
    const Index rows = x.rows(), features = this->features();
    const bool train = trace.mode == Mode::train;
    const auto mean = trace.saved[this->saved_mean].array();
    Tensor<S>& sums = trace.save(saved_sums, {2, features});
    Tensor<S>& factors = trace.saved[saved_factors];
    ArrayMap<S> sum(sums.data(), features), product(sums.data() + features, features);
    ArrayMap<S> on_dy(factors.data(), features), on_x(factors.data() + features, features),
        constant(factors.data() + 2 * features, features);
    if (train || pass.parameters) {
      kernels::centred_gradient_sums(rows, features, dy.data(), x.data(), trace.saved[this->saved_mean].data(),
                                     sum.data(), product.data());
      product *= this->inverse_deviation(trace);  // sum of dy x^
    }
    if (pass.parameters) {
      weight_.grad.array() += product;
      bias_.grad.array() += sum;
    }
    if (!dx) return;
    on_dy = weight_.value.array() * this->inverse_deviation(trace);
    if (train) {
      on_x = -on_dy * this->inverse_deviation(trace) * product / static_cast<S>(rows);
      constant = -on_dy * sum / static_cast<S>(rows) - mean * on_x;
    } else {
      on_x.setZero();
      constant.setZero();
    }
    dx->resize(x.shape());
    kernels::combine_gradient(rows, features, dy.data(), x.data(), on_dy.data(), on_x.data(), constant.data(),
                              pass.slope, dx->data());
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    state.parameters.insert(state.parameters.end(), {&weight_, &bias_});
    this->collect_statistics(state);
  }
  void initialise(const Initialiser<S>&, const Random&) override {
    weight_.value.fill(S(1));
    bias_.value.fill(S(0));
    this->reset_statistics();
  }
  bool fuses_activation() const override { return true; }
  bool gates_input() const override { return true; }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<BatchNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    internal::BatchStatistics<S>::set_name(name);
    weight_.name = name + ".weight";
    bias_.name = name + ".bias";
  }

 private:
  static constexpr std::size_t saved_factors = internal::BatchStatistics<S>::first_place,
                               saved_sums = saved_factors + 1;

  /// scale = weight / sqrt(variance + epsilon), shift = bias - mean * scale.
  ChannelMap<S> channel_map(const Tensor<S>& mean, const Tensor<S>& variance, Trace<S>& trace) const {
    const Index features = this->features();
    Tensor<S>& factors = trace.save(saved_factors, {3, features});
    ArrayMap<S> scale(factors.data(), features), shift(factors.data() + features, features);
    scale = weight_.value.array() * (variance.array() + this->epsilon()).sqrt().inverse();
    shift = bias_.value.array() - mean.array() * scale;
    return {scale.data(), shift.data()};
  }

  BatchNormOptions options_;
  Parameter<S> weight_, bias_;
};

RIVAL_INSTANTIATE_CLASS(BatchNorm);

}  // namespace rival

// rival/layers/conditional_batch_norm.hpp
// ConditionalBatchNorm: batch norm whose scale and shift depend on the sample's class.

// rival/kernels/normalise.hpp
// Loops over the pixels of one sample, for layers that normalise: moments and centred sums of each channel, and sums of
// images with a factor for each channel. They run on one thread, in one order; callers share the samples out.

namespace rival::kernels {

/// mean[c] and variance[c] (divided by `pixels`) of each channel. The pixels are read once, in blocks that stay in the
/// first-level cache; each is centred on its own mean, so nothing cancels (Chan, Golub and LeVeque, 1983).
template <class S>
void sample_moments(Index pixels, Index channels, const S* x, S* mean, S* variance) {
  using namespace internal;
  constexpr Index block = 32;
  for (Index column = 0; column < channels; column += reduce_columns) {
    const Index count = std::min(reduce_columns, channels - column);
    RowSums<S> means = RowSums<S>::Zero(count), squares = RowSums<S>::Zero(count), centre(count), square(count);
    for (Index first = 0; first < pixels; first += block) {
      const Index last = std::min(pixels, first + block);
      centre.setZero();
      square.setZero();
      for (Index p = first; p < last; ++p) centre += RowPiece<S>(x + p * channels + column, count);
      centre /= static_cast<S>(last - first);
      for (Index p = first; p < last; ++p) square += (RowPiece<S>(x + p * channels + column, count) - centre).square();
      const S share = static_cast<S>(last - first) / static_cast<S>(last);
      centre -= means;
      means += centre * share;
      squares += square + centre.square() * (share * static_cast<S>(first));
    }
    RowPieceMap<S>(mean + column, count) = means;
    RowPieceMap<S>(variance + column, count) = squares / static_cast<S>(pixels);
  }
}

/// sums[c] = sum over pixels of d[p, c] and products[c] = sum over pixels of d[p, c] * (x[p, c] - centre[c]).
template <class S>
void sample_sums(Index pixels, Index channels, const S* d, const S* x, const S* centre, S* sums, S* products) {
  using namespace internal;
  for (Index column = 0; column < channels; column += reduce_columns) {
    const Index count = std::min(reduce_columns, channels - column);
    const RowPiece<S> middle(centre + column, count);
    RowPieceMap<S> all_sums(sums + column, count), all_products(products + column, count);
    all_sums.setZero();
    all_products.setZero();
    for (Index first = 0; first < pixels; first += reduce_rows) {
      RowSums<S> sum = RowSums<S>::Zero(count), product = RowSums<S>::Zero(count);
      for (Index p = first; p < std::min(pixels, first + reduce_rows); ++p) {
        const RowPiece<S> row(d + p * channels + column, count);
        sum += row;
        product += row * (RowPiece<S>(x + p * channels + column, count) - middle);
      }
      all_sums += sum;
      all_products += product;
    }
  }
}

/// A summand of `combine_channels`: x[p, c] * factor[c].
template <class S>
struct Scaled {
  const S* x;
  const S* factor;
  auto row(Index p, Index channels) const {
    return internal::RowPiece<S>(x + p * channels, channels) * internal::RowPiece<S>(factor, channels);
  }
};

/// A summand of `combine_channels`: (x[p, c] - centre[c]) * factor[c].
template <class S>
struct Centred {
  const S* x;
  const S* centre;
  const S* factor;
  auto row(Index p, Index channels) const {
    return (internal::RowPiece<S>(x + p * channels, channels) - internal::RowPiece<S>(centre, channels)) *
           internal::RowPiece<S>(factor, channels);
  }
};

/// What `combine_channels` multiplies its result by: x[p, c] > 0 ? 1 : slope. Null stands for none. x may be where the
/// result goes: that is the leaky ReLU.
template <class S>
struct ChannelGate {
  const S* x = nullptr;
  S slope = S(1);
};

/// y[p, c] = gate of (constant[c] + the terms).
template <class S, class... Terms>
void combine_channels(Index pixels, Index channels, S* y, const ChannelGate<S>& gate, const S* constant,
                      const Terms&... terms) {
  using namespace internal;
  const bool gated = gate.x != nullptr && gate.slope != S(1);
  for (Index p = 0; p < pixels; ++p) {
    RowPieceMap<S> to(y + p * channels, channels);
    to = (RowPiece<S>(constant, channels) + ... + terms.row(p, channels));
    if (gated && gate.x == y)
      leak_row(to.data(), channels, gate.slope);
    else if (gated)
      to = (RowPiece<S>(gate.x + p * channels, channels) > S(0)).select(to, gate.slope * to);
  }
}

RIVAL_INSTANTIATE_FUNCTION(sample_moments);
RIVAL_INSTANTIATE_FUNCTION(sample_sums);

}  // namespace rival::kernels

// rival/nn/labels.hpp
// The labels of a pass, for layers that depend on them.

namespace rival::internal {

/// Keeps `labels` in the trace, if there is one of 0 ... classes - 1 for each of `count` samples. Throws Error naming
/// the layer otherwise.
template <class S>
void keep_labels(const Layer<S>& layer, Labels labels, Index count, Index classes, Trace<S>& trace) {
  require(static_cast<Index>(labels.size()) == count, layer, ": expected ", count, " labels, one a sample, got ",
          labels.size());
  for (const Index label : labels)
    require(label < classes, layer, ": expected labels from 0 to ", classes - 1, ", got ", label);
  trace.labels.assign(labels.begin(), labels.end());
}

}  // namespace rival::internal

namespace rival {

/// What a ConditionalBatchNorm normalises, and how.
struct ConditionalBatchNormOptions {
  Index features = 0;     ///< the last axis: channels of images, columns of vectors
  Index classes = 0;      ///< labels are 0 ... classes - 1
  double epsilon = 1e-5;  ///< added to the variance
  double momentum = 0.1;  ///< how far the running statistics move to each training batch's

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("features", o.features);
    f("classes", o.classes);
    f("epsilon", o.epsilon);
    f("momentum", o.momentum);
  }
};

/// y = (x - mean) / sqrt(variance + epsilon) * weight[label] + bias[label]: every feature is normalised over the whole
/// batch, as BatchNorm does, and then takes the scale and shift of its sample's class, rows of two tables [classes,
/// features] (Dumoulin, Shlens and Kudlur, 2017; de Vries et al., 2017). For generators of classes.
///
/// A pass needs one label below `classes` for each sample, otherwise it throws Error.
template <class S = float>
class ConditionalBatchNorm : public internal::BatchStatistics<S> {
 public:
  using Options = ConditionalBatchNormOptions;  ///< what it is made from
  /// Throws Error unless features > 0, 0 < classes <= 65,536, epsilon > 0 and 0 <= momentum <= 1.
  explicit ConditionalBatchNorm(const ConditionalBatchNormOptions& options)
      : internal::BatchStatistics<S>("conditional_batch_norm", options.features, options.epsilon, options.momentum),
        options_(options),
        classes_(options.classes) {
    require(options.classes > 0 && options.classes <= most_classes,
            "conditional_batch_norm: expected `classes` from 1 to ", most_classes, ", got ", options.classes);
    weight_ = Parameter<S>("weight", {classes_, options.features});
    weight_.value.fill(S(1));
    bias_ = Parameter<S>("bias", {classes_, options.features});
  }

  std::string_view short_name() const override { return "cbn"; }
  Description describe() const override { return rival::describe("conditional_batch_norm", options_); }

  /// The scales, {classes, features}; 1 at first.
  Parameter<S>& weight() { return weight_; }
  /// The shifts, {classes, features}; 0 at first.
  Parameter<S>& bias() { return bias_; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    internal::keep_labels(*this, pass.labels, x.dim(0), classes_, trace);
    this->take_statistics(x, trace, pass.mode);
    const Index features = this->features(), samples = x.dim(0);
    const Index size = x.shape().sample().size(), pixels = size / features;
    Tensor<S>& inverse = trace.save(saved_inverse, {features});
    inverse.array() = this->inverse_deviation(trace);
    const TaskScratch<S> space(features);
    parallel_for(samples, static_cast<double>(x.size()) / 4, [&](Index n, Index worker) {
      ArrayMap<S> scale(space.of(worker), features);
      S* y = trace.output.data() + n * size;
      scale = row(weight_.value, label(trace, n)) * inverse.array();
      kernels::combine_channels(
          pixels, features, y, {y, pass.slope}, row(bias_.value, label(trace, n)).data(),
          kernels::Centred<S>{x.data() + n * size, trace.saved[this->saved_mean].data(), scale.data()});
    });
    return trace.output;
  }

  /// With x^ = (x - mean) / s, s = sqrt(variance + epsilon), u = weight[label] dy and `<z>` the mean of z over a
  /// feature's values, the first two sums being over each sample:
  ///
  ///     dweight[label] += sum of dy x^,  dbias[label] += sum of dy,  dx = (u - <u> - x^ <u x^>) / s
  ///
  /// In evaluation dx = u / s.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (!dx && !pass.parameters) return;
    const Tensor<S>& x = *trace.input;
    const Index features = this->features(), samples = x.dim(0);
    const Index size = x.shape().sample().size(), pixels = size / features;
    const S* mean = trace.saved[this->saved_mean].data();
    const auto inverse = trace.saved[saved_inverse].array();
    Tensor<S>& sums = trace.save(saved_sums, {samples, features});          // of dy
    Tensor<S>& products = trace.save(saved_products, {samples, features});  // of dy x^
    Tensor<S>& factors = trace.save(saved_factors, {2, features});
    ArrayMap<S> constant(factors.data(), features), on_x(factors.data() + features, features);
    constant.setZero();
    on_x.setZero();
    if (trace.mode == Mode::train || pass.parameters) {
      parallel_for(samples, static_cast<double>(x.size()) / 4, [&](Index n) {
        kernels::sample_sums(pixels, features, dy.data() + n * size, x.data() + n * size, mean, row(sums, n).data(),
                             row(products, n).data());
        row(products, n) *= inverse;
      });
      for (Index n = 0; n < samples; ++n) {
        const Index c = label(trace, n);
        if (pass.parameters) {
          row(weight_.grad, c) += row(products, n);
          row(bias_.grad, c) += row(sums, n);
        }
        constant += row(weight_.value, c) * row(sums, n);
        on_x += row(weight_.value, c) * row(products, n);
      }
    }
    if (!dx) return;
    const S share = trace.mode == Mode::train ? S(-1) / static_cast<S>(x.rows()) : S(0);
    constant *= share * inverse;
    on_x *= share * inverse * inverse;
    dx->resize(x.shape());
    const TaskScratch<S> space(features);
    parallel_for(samples, static_cast<double>(x.size()) / 4, [&](Index n, Index worker) {
      ArrayMap<S> on_dy(space.of(worker), features);
      on_dy = row(weight_.value, label(trace, n)) * inverse;
      kernels::combine_channels(pixels, features, dx->data() + n * size, {x.data() + n * size, pass.slope},
                                constant.data(), kernels::Scaled<S>{dy.data() + n * size, on_dy.data()},
                                kernels::Centred<S>{x.data() + n * size, mean, on_x.data()});
    });
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    state.parameters.insert(state.parameters.end(), {&weight_, &bias_});
    this->collect_statistics(state);
  }
  /// Weight 1, bias 0, running mean 0, running variance 1.
  void initialise(const Initialiser<S>&, const Random&) override {
    weight_.value.fill(S(1));
    bias_.value.fill(S(0));
    this->reset_statistics();
  }
  bool fuses_activation() const override { return true; }
  bool gates_input() const override { return true; }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ConditionalBatchNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    internal::BatchStatistics<S>::set_name(name);
    weight_.name = name + ".weight";
    bias_.name = name + ".bias";
  }

 private:
  static constexpr std::size_t saved_inverse = internal::BatchStatistics<S>::first_place,
                               saved_sums = saved_inverse + 1, saved_products = saved_inverse + 2,
                               saved_factors = saved_inverse + 3;

  static Index label(const Trace<S>& trace, Index n) { return trace.labels[static_cast<std::size_t>(n)]; }
  static ArrayMap<S> row(Tensor<S>& table, Index i) { return {table.data() + i * table.cols(), table.cols()}; }
  static ConstArrayMap<S> row(const Tensor<S>& table, Index i) {
    return {table.data() + i * table.cols(), table.cols()};
  }

  ConditionalBatchNormOptions options_;
  Index classes_;
  Parameter<S> weight_, bias_;
};

RIVAL_INSTANTIATE_CLASS(ConditionalBatchNorm);

}  // namespace rival

// rival/layers/conv2d.hpp
// Conv2d: every output pixel is a weighted sum of a window of input pixels.

// rival/kernels/convolution/grouped.hpp
// The three passes of a grouped convolution: the channels are cut into groups, and each group of the out side sees the
// same group of the in side only. Weights are stored [kernel_h, kernel_w, in_c / groups, out_c]; the geometry's
// `out_major` is not used.

// rival/kernels/convolution/convolution.hpp
// The three passes of a convolution. A transposed convolution uses the same three with the first two exchanged, and a
// dense layer is the case of one tap and one pixel.

// rival/kernels/convolution/few_channels.hpp
// Convolution passes whose destination has fewer channels than fill a packet, such as grey or colour images: here the
// other operand's channels, or the taps, fill it.

// rival/kernels/convolution/geometry.hpp
// The geometry that a convolution, its gradients and the transposed convolution share.

namespace rival::kernels {

/// A convolution from batch x in_h x in_w x in_c ("in") to batch x out_h x out_w x out_c ("out"):
/// out[n, y, x, :] = sum over taps (i, j) of in[n, y * stride_h - pad_h + i, x * stride_w - pad_w + j, :] W[i, j].
///
/// A transposed convolution goes from "out" to "in" of such a geometry: its forward pass is the input gradient, its
/// input gradient the output pass. A dense layer is the case of one tap on images of one pixel.
struct ConvGeometry {
  Index batch = 1;
  Index in_h = 1, in_w = 1, in_c = 1;
  Index out_h = 1, out_w = 1, out_c = 1;
  Index kernel_h = 1, kernel_w = 1;
  Index stride_h = 1, stride_w = 1;
  Index pad_h = 0, pad_w = 0;  ///< rows above and columns left; those below and right follow from the sizes
  /// Weights are stored [kernel_h, kernel_w, in_c, out_c]; if set, [kernel_h, kernel_w, out_c, in_c].
  bool out_major = false;

  Index taps() const { return kernel_h * kernel_w; }
  Index in_pixels() const { return in_h * in_w; }
  Index out_pixels() const { return out_h * out_w; }
  /// Whether every pixel meets one tap and nothing else, so that each pass is a plain product of matrices.
  bool is_product() const {
    return taps() == 1 && stride_h == 1 && stride_w == 1 && pad_h == 0 && pad_w == 0 && in_h == out_h && in_w == out_w;
  }
  /// Floating-point operations of one pass, taps on padding counted.
  double flops() const {
    return 2.0 * static_cast<double>(batch * out_pixels()) * static_cast<double>(taps() * in_c) *
           static_cast<double>(out_c);
  }
};

/// Along one axis: destination positions that read their sources through the same taps, so that a tile of them needs
/// neither a test for padding nor a product with it.
struct Segment {
  Index first, step, count;         ///< destination positions: first, first + step, ...
  Index source_first, source_step;  ///< source of the first position's first tap, and from position to position
  Index tap_first, tap_step, taps;  ///< kernel taps: tap_first, tap_first + tap_step, ...
  Index source_tap_step;            ///< source from tap to tap
};

/// Output pass: destination y reads sources y * stride - pad + tap.
inline void output_segments(Index in, Index out, Index kernel, Index stride, Index pad,
                            std::vector<Segment>& segments) {
  segments.clear();
  for (Index y = 0; y < out; ++y) {
    const Index source = y * stride - pad;
    const Index low = std::clamp<Index>(-source, 0, kernel);
    const Index taps = std::max<Index>(0, std::min(kernel, in - source) - low);
    if (!segments.empty() && segments.back().taps == taps && (taps == 0 || segments.back().tap_first == low))
      ++segments.back().count;
    else
      segments.push_back({y, 1, 1, source + low, stride, low, 1, taps, 1});
  }
}

/// Input gradient: destination x reads sources (x + pad - tap) / stride where that is whole. Positions of one phase
/// x mod stride use the same taps, so each phase is a dense pass of its own.
inline void input_gradient_segments(Index in, Index out, Index kernel, Index stride, Index pad,
                                    std::vector<Segment>& segments) {
  segments.clear();
  for (Index start = 0; start < std::min(stride, in); ++start) {
    const Index phase = (start + pad) % stride;
    const Index phase_taps = phase < kernel ? (kernel - phase + stride - 1) / stride : 0;
    bool opened = false;
    for (Index x = start; x < in; x += stride) {
      const Index source = (x + pad) / stride;
      const Index low = std::clamp<Index>(source - out + 1, 0, phase_taps);
      const Index taps = std::max<Index>(0, std::min(phase_taps, source + 1) - low);
      const Index tap_first = phase + stride * low;
      if (opened && segments.back().taps == taps && (taps == 0 || segments.back().tap_first == tap_first))
        ++segments.back().count;
      else
        segments.push_back({x, stride, 1, source - low, 1, tap_first, stride, taps, -1});
      opened = true;
    }
  }
}

}  // namespace rival::kernels

// rival/kernels/convolution/weight_gradient.hpp
// The weight gradient: for each tap, the sum over pixels of an outer product of two contiguous rows of channels.

// rival/kernels/tile/gradient_tile.hpp
// Gradient tiles: a register tile that is added to what memory holds.

// rival/kernels/tile/tile.hpp
// The register tile: the inner loop that dense layers and the convolution passes share (all but outputs of few
// channels).

namespace rival::kernels {

/// Three nested loops over the terms of an inner sum, outermost first: how often each runs, and how far the left and
/// the right operand move with it.
struct SumLoops {
  Index count[3] = {1, 1, 1};
  Index left[3] = {0, 0, 0};
  Index right[3] = {0, 0, 0};

  /// Makes one loop of the two innermost, and of all three, where both operands simply go on from one to the other.
  void merge_inner() {
    for (const int outer : {1, 0}) {
      if (left[outer] != count[2] * left[2] || right[outer] != count[2] * right[2]) return;
      count[2] *= count[outer];
      count[outer] = 1;
    }
  }
};

/// tile(row, height) for `rows` rows cut into as few tiles as can be, of heights that differ by one at most.
template <class Tile>
void for_each_tile(Index rows, const Tile& tile) {
  const Index tiles = (rows + tile_rows - 1) / tile_rows;
  if (tiles == 0) return;
  const Index height = rows / tiles, higher = rows % tiles;
  for (Index t = 0, row = 0; t < tiles; ++t) {
    const Index here = height + (t < higher ? 1 : 0);
    tile(row, static_cast<int>(here));
    row += here;
  }
}

/// A finished tile: row r's packet p begins at sums + (r * tile_packets + p) * packet_size.
template <class S>
struct Tile {
  alignas(64) S sums[tile_rows * tile_packets * packet_size<S>];

  Packet<S> packet(int row, int p) const { return load(sums + (row * tile_packets + p) * packet_size<S>); }
};

namespace internal {

/// The sums of a tile, in registers.
template <class S, int Rows, int Packets>
struct TileSums {
  Packet<S> row[Rows][Packets];

  static EIGEN_ALWAYS_INLINE TileSums zero() {
    TileSums sum;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
      for (int p = 0; p < Packets; ++p) sum.row[r][p] = broadcast(S(0));
    return sum;
  }
};

/// Goes on from `sum`. `Prefetch` is for loops whose innermost strides: its runs are short and the next begins where no
/// hardware prefetcher expects it, so each term asks for its counterpart of the next run.
template <bool Prefetch, class S, int Rows, int Packets>
EIGEN_ALWAYS_INLINE TileSums<S, Rows, Packets> sum_tile(const S* const* left, const S* right, Index packet_distance,
                                                        const SumLoops& loops, TileSums<S, Rows, Packets> sum) {
  for (Index i = 0; i < loops.count[0]; ++i)
    for (Index j = 0; j < loops.count[1]; ++j) {
      Index offset = i * loops.left[0] + j * loops.left[1];
      const S* from = right + i * loops.right[0] + j * loops.right[1];
      for (Index k = loops.count[2]; k > 0; --k) {
        if constexpr (Prefetch) {
          prefetch(left[0] + offset + loops.left[1]);
          prefetch(left[Rows - 1] + offset + loops.left[1]);
          for (int p = 0; p < Packets; ++p) prefetch(from + p * packet_distance + loops.right[1]);
        }
        Packet<S> b[Packets];
#pragma GCC unroll 2
        for (int p = 0; p < Packets; ++p) b[p] = load(from + p * packet_distance);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
          const Packet<S> a = broadcast(left[r][offset]);
#pragma GCC unroll 2
          for (int p = 0; p < Packets; ++p) sum.row[r][p] = multiply_add<S>(a, b[p], sum.row[r][p]);
        }
        offset += loops.left[2];
        from += loops.right[2];
      }
    }
  return sum;
}

template <class S, int Rows, int Packets, bool Prefetch, bool Continue>
void multiply_tile(const S* const* left, const S* right, Index packet_distance, const SumLoops& loops, Tile<S>& tile) {
  auto sum = TileSums<S, Rows, Packets>::zero();
  if constexpr (Continue)
    for (int r = 0; r < Rows; ++r)
      for (int p = 0; p < Packets; ++p) sum.row[r][p] = tile.packet(r, p);
  sum = sum_tile<Prefetch>(left, right, packet_distance, loops, sum);
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < Packets; ++p) store(tile.sums + (r * tile_packets + p) * packet_size<S>, sum.row[r][p]);
}

template <class S>
using MultiplyTile = void (*)(const S* const*, const S*, Index, const SumLoops&, Tile<S>&);

template <class S, int Packets, bool Prefetch, bool Continue, int... R>
constexpr std::array<MultiplyTile<S>, sizeof...(R)> multiply_tiles(std::integer_sequence<int, R...>) {
  return {multiply_tile<S, R + 1, Packets, Prefetch, Continue>...};
}

}  // namespace internal

/// tile(r, p) = sum over the loops' terms of left[r] * right[packet p]: 1 <= rows <= tile_rows by 1 <= packets <=
/// tile_packets, held in registers from the first term to the last.
///
/// `left` has a pointer a row; the packets of the right operand are `packet_distance` apart. Every element is summed in
/// the order of the loops, so its bits depend on no tile size. `Prefetch` hides the cache misses of an inner loop that
/// strides; with `Continue` the sums go on from what the tile holds.
template <bool Prefetch = false, bool Continue = false, class S>
void multiply_tile(int rows, int packets, const S* const* left, const S* right, Index packet_distance,
                   const SumLoops& loops, Tile<S>& tile) {
  static_assert(tile_packets == 2);
  using Rows = std::make_integer_sequence<int, tile_rows>;
  static constexpr std::array table = {internal::multiply_tiles<S, 1, Prefetch, Continue>(Rows{}),
                                       internal::multiply_tiles<S, 2, Prefetch, Continue>(Rows{})};
  table[static_cast<std::size_t>(packets - 1)][static_cast<std::size_t>(rows - 1)](left, right, packet_distance, loops,
                                                                                   tile);
}

}  // namespace rival::kernels

namespace rival::kernels::internal {

/// A block of packets of the right operand. The last one ends where the columns end, overlapping the one before:
/// `fresh` says from which lane on each packet's columns are its own.
struct ColumnTile {
  Index first;  ///< column of the first packet
  int packets;
  Index distance;  ///< columns from the first packet to the second
  Index fresh[tile_packets];
  Index end;  ///< lanes in use; all unless the columns are fewer than a packet's
};

template <class S>
ColumnTile column_tile(Index columns, Index block) {
  constexpr Index size = packet_size<S>;
  const Index first = block * tile_packets * size, left = columns - first;
  if (columns < size) return {0, 1, 0, {0, 0}, columns};
  if (left >= 2 * size) return {first, 2, size, {0, 0}, size};
  if (left > size) return {first, 2, left - size, {0, 2 * size - left}, size};
  return {columns - size, 1, 0, {size - left, 0}, size};
}

/// Where the elements of a gradient tile go: row r's column c is at gradient[rows[r] + c * column_step].
template <class S>
struct GradientTile {
  const S* right;
  SumLoops loops;
  S* gradient;
  const Index* rows;
  const ColumnTile& columns;
  Index column_step;
};

/// A tile of whole packets, side by side in the gradient: its sums are added without a detour through memory.
template <class S, int Rows, int Packets, bool Prefetch>
void add_whole_gradient_tile(const S* const* left, const GradientTile<S>& job) {
  const auto sum =
      sum_tile<Prefetch>(left, job.right, job.columns.distance, job.loops, TileSums<S, Rows, Packets>::zero());
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < Packets; ++p) {
      S* to = job.gradient + job.rows[r] + job.columns.first + p * job.columns.distance;
      store(to, add<S>(load(to), sum.row[r][p]));
    }
}

template <class S, int Packets, bool Prefetch, int... R>
constexpr std::array<void (*)(const S* const*, const GradientTile<S>&), sizeof...(R)> add_whole_gradient_tiles(
    std::integer_sequence<int, R...>) {
  return {add_whole_gradient_tile<S, R + 1, Packets, Prefetch>...};
}

/// gradient += tile. `Prefetch` as in multiply_tile.
template <bool Prefetch, class S>
void add_gradient_tile(int rows, const S* const* left, const GradientTile<S>& job) {
  constexpr Index size = packet_size<S>;
  const ColumnTile& columns = job.columns;
  // What the tile is added to arrives while it is computed.
  if (job.column_step == 1)
    for (int r = 0; r < rows; ++r)
      for (int p = 0; p < columns.packets; ++p)
        prefetch(job.gradient + job.rows[r] + columns.first + p * columns.distance);
  if (job.column_step == 1 && columns.fresh[0] == 0 && columns.fresh[1] == 0 && columns.end == size) {
    using Rows = std::make_integer_sequence<int, tile_rows>;
    static constexpr std::array table = {add_whole_gradient_tiles<S, 1, Prefetch>(Rows{}),
                                         add_whole_gradient_tiles<S, 2, Prefetch>(Rows{})};
    return table[static_cast<std::size_t>(columns.packets - 1)][static_cast<std::size_t>(rows - 1)](left, job);
  }
  Tile<S> tile;
  multiply_tile<Prefetch>(rows, columns.packets, left, job.right, columns.distance, job.loops, tile);
  for (int r = 0; r < rows; ++r)
    for (int p = 0; p < columns.packets; ++p) {
      S* to = job.gradient + job.rows[r] + (columns.first + p * columns.distance) * job.column_step;
      if (job.column_step == 1 && columns.fresh[p] == 0 && columns.end == size) {
        store(to, add<S>(load(to), tile.packet(r, p)));
      } else {
        const S* sums = tile.sums + (r * tile_packets + p) * size;
        for (Index c = columns.fresh[p]; c < columns.end; ++c) to[c * job.column_step] += sums[c];
      }
    }
}

}  // namespace rival::kernels::internal

// rival/kernels/tile/matrix_product.hpp
// Matrix products of dense layers, and of convolutions by one tap: no geometry to respect, so both operands can be laid
// out as the register tile likes them best.

// rival/kernels/tile/output_tile.hpp
// Output tiles: a register tile whose sums, finished, go through scale, bias and activation to memory.

namespace rival::kernels {

/// What happens to a sum on its way to memory: multiply by the scale, add the bias, apply y > 0 ? y : slope * y,
/// multiply by (gate > 0 ? 1 : gate_slope). A null pointer and a slope of 1 stand for nothing.
template <class S>
struct Epilogue {
  const S* bias = nullptr;  ///< one a column
  S slope = S(1);
  const S* gate = nullptr;  ///< of the destination's layout
  S gate_slope = S(1);
  const S* scale = nullptr;  ///< one a column

  bool nothing() const { return !bias && !scale && !gate && slope == S(1); }
};

/// The epilogue of a packet of sums, given the packet's scale and bias; `gate()` reads its gate.
template <class S, class Gate>
EIGEN_STRONG_INLINE Packet<S> finish(const Packet<S>& sum, const Packet<S>& scale, const Packet<S>& bias,
                                     const Epilogue<S>& epilogue, const Gate& gate) {
  Packet<S> y = multiply_add<S>(sum, scale, bias);  // a scale of 1 changes no bit of sum + bias
  if (epilogue.slope != S(1)) y = leak<S>(y, epilogue.slope);
  if (epilogue.gate) y = leak<S>(y, gate(), epilogue.gate_slope);
  return y;
}

template <class S>
struct OutputTile {
  const S* const* sources;  ///< a pointer a row
  const S* packed;          ///< the block of packed weights, at the first tap
  SumLoops loops;
  S* destination;
  const Index* rows;      ///< where each row begins in destination
  Index column, columns;  ///< the first column, and how many there are from it on (perhaps fewer than the tile's)
  Epilogue<S> epilogue;
};

namespace internal {

/// A tile of whole packets: its sums go to memory without a detour. `Finish` is for epilogues that do something.
template <class S, int Rows, int Packets, bool Finish>
void whole_output_tile(const OutputTile<S>& job) {
  constexpr Index size = packet_size<S>;
  const auto sum = sum_tile<false>(job.sources, job.packed, size, job.loops, TileSums<S, Rows, Packets>::zero());
  if constexpr (!Finish) {
    S* const to = job.destination + job.column;
    const Index* const rows = job.rows;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
      for (int p = 0; p < Packets; ++p) store(to + rows[r] + p * size, sum.row[r][p]);
    return;
  }
  const Epilogue<S> epilogue = job.epilogue;
#pragma GCC unroll 2
  for (int p = 0; p < Packets; ++p) {
    const Index column = job.column + p * size;
    const Packet<S> scale = epilogue.scale ? load(epilogue.scale + column) : broadcast(S(1));
    const Packet<S> bias = epilogue.bias ? load(epilogue.bias + column) : broadcast(S(0));
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const Index to = job.rows[r] + column;
      store(job.destination + to,
            finish<S>(sum.row[r][p], scale, bias, epilogue, [&] { return load(epilogue.gate + to); }));
    }
  }
}

template <class S, int Packets, bool Finish, int... R>
constexpr std::array<void (*)(const OutputTile<S>&), sizeof...(R)> whole_output_tiles(
    std::integer_sequence<int, R...>) {
  return {whole_output_tile<S, R + 1, Packets, Finish>...};
}

/// Takes finished sums through the epilogue to memory.
template <class S>
void finish_tile(int rows, int packets, const Tile<S>& tile, const OutputTile<S>& job) {
  constexpr Index size = packet_size<S>;
  const Epilogue<S>& epilogue = job.epilogue;
  for (int p = 0; p < packets; ++p) {
    const Index column = job.column + p * size, left = job.columns - p * size;
    const auto read = [&](const S* from) { return left >= size ? load(from) : load_part(from, left); };
    const Packet<S> scale = epilogue.scale ? read(epilogue.scale + column) : broadcast(S(1));
    const Packet<S> bias = epilogue.bias ? read(epilogue.bias + column) : broadcast(S(0));
    for (int r = 0; r < rows; ++r) {
      const Index to = job.rows[r] + column;
      const Packet<S> y = finish<S>(tile.packet(r, p), scale, bias, epilogue, [&] { return read(epilogue.gate + to); });
      if (left >= size)
        store(job.destination + to, y);
      else
        store_part(job.destination + to, y, left);
    }
  }
}

}  // namespace internal

/// Computes a tile of 1 <= rows <= tile_rows by 1 <= packets <= tile_packets.
template <class S>
void output_tile(int rows, int packets, const OutputTile<S>& job) {
  constexpr Index size = packet_size<S>;
  if (job.columns >= packets * size) {
    using Rows = std::make_integer_sequence<int, tile_rows>;
    static constexpr std::array table = {
        internal::whole_output_tiles<S, 1, false>(Rows{}), internal::whole_output_tiles<S, 2, false>(Rows{}),
        internal::whole_output_tiles<S, 1, true>(Rows{}), internal::whole_output_tiles<S, 2, true>(Rows{})};
    const int kind = packets - 1 + (job.epilogue.nothing() ? 0 : 2);
    return table[static_cast<std::size_t>(kind)][static_cast<std::size_t>(rows - 1)](job);
  }
  Tile<S> tile;
  multiply_tile(rows, packets, job.sources, job.packed, size, job.loops, tile);
  internal::finish_tile(rows, packets, tile, job);
}

RIVAL_INSTANTIATE_FUNCTION(output_tile);

}  // namespace rival::kernels

// rival/kernels/tile/pack.hpp
// Packing: weights in the order in which the register tile reads them.

namespace rival::kernels {

/// The columns of a right operand, cut into blocks of tile_packets packets; the last block may have fewer.
template <class S>
struct ColumnBlocks {
  Index columns;

  static constexpr Index width = tile_packets * packet_size<S>;
  Index packets() const { return (columns + packet_size<S> - 1) / packet_size<S>; }
  Index count() const { return (packets() + tile_packets - 1) / tile_packets; }
  int packets_of(Index block) const {
    return static_cast<int>(std::min<Index>(tile_packets, packets() - block * tile_packets));
  }
  /// Scalars that `rows` rows take when packed.
  Index packed_size(Index rows) const { return rows * packets() * packet_size<S>; }
};

namespace internal {

/// One block of columns: `rows` rows of `width` scalars, of which the first `columns` are filled and the others 0.
template <class S>
void pack_block(const S* from, bool transposed, Index leading, Index rows, Index columns, Index width, S* to) {
  constexpr Index size = packet_size<S>;
  if (!transposed) {
    // Rows that are far apart are streams that no hardware prefetcher follows.
    constexpr Index ahead = 12, line = 64 / static_cast<Index>(sizeof(S));
    for (Index r = 0; r < rows; ++r) {
      if (r + ahead < rows)
        for (Index c = 0; c < columns; c += line) prefetch(from + (r + ahead) * leading + c);
      copy_short(from + r * leading, columns, to + r * width);
      std::fill(to + r * width + columns, to + (r + 1) * width, S(0));
    }
    return;
  }
  for (Index c = 0; c < width; c += size)
    for (Index r = 0; r < rows; r += size) {
      if (c + size <= columns && r + size <= rows) {
        if (r + 3 * size <= rows)
          for (Index i = 0; i < size; ++i) prefetch(from + (c + i) * leading + r + 2 * size);
        transpose_square(from + c * leading + r, leading, to + r * width + c, width);
        continue;
      }
      for (Index i = r; i < std::min(rows, r + size); ++i)
        for (Index j = c; j < c + size; ++j) to[i * width + j] = j < columns ? from[j * leading + i] : S(0);
    }
}

}  // namespace internal

/// Packs `taps` matrices of rows x columns, one behind the other in `from`: for each block of columns, tap by tap and
/// row by row, the block's scalars side by side. If `transposed`, each matrix is stored as columns x rows.
template <class S>
void pack(const S* from, bool transposed, Index taps, Index rows, Index columns, S* to) {
  const ColumnBlocks<S> blocks{columns};
  parallel_for(blocks.count() * taps, static_cast<double>(taps * rows * columns), [&](Index task) {
    const Index block = task / taps, tap = task % taps, first = block * blocks.width;
    const Index width = blocks.packets_of(block) * packet_size<S>;
    internal::pack_block(from + tap * rows * columns + first * (transposed ? rows : 1), transposed,
                         transposed ? rows : columns, rows, std::min(blocks.width, columns - first), width,
                         to + first * taps * rows + tap * rows * width);
  });
}

}  // namespace rival::kernels

namespace rival::kernels {

namespace internal {

/// Rows that are a multiple of this many bytes apart compete for the same few lines of the first-level cache.
inline constexpr Index conflict_bytes = 4096;

/// `a` itself, or a copy of its rows at a distance at which they do not compete; `distance` becomes the rows' distance.
template <class S>
const S* spread_rows(Index rows, Index columns, const S* a, Index& distance) {
  distance = columns;
  if (columns * static_cast<Index>(sizeof(S)) % conflict_bytes != 0 || rows < 4) return a;
  distance = columns + 2 * packet_size<S>;
  S* copy = scratch<S>(Scratch::padded_copy, rows * distance);
  const Index step = distance;
  parallel_blocks(rows, 16, static_cast<double>(rows * columns) / 8, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) std::copy_n(a + r * columns, columns, copy + r * step);
  });
  return copy;
}

/// A tile of a product: rows [row, row + height) of `left`, whose rows are `distance` apart.
template <class S>
struct RowTile {
  const S* sources[tile_rows];
  Index rows[tile_rows];
  int height;

  RowTile(const S* left, Index distance, Index n, Index row, int height_) : height(height_) {
    for (int r = 0; r < height; ++r) {
      sources[r] = left + (row + r) * distance;
      rows[r] = (row + r) * n;
    }
  }
};

/// Of few rows: each task packs a panel of b, and takes all rows through it.
template <class S>
void flat_product(Index m, Index k, Index n, const S* left, Index distance, const S* b, bool transposed, S* c,
                  const Epilogue<S>& epilogue) {
  const ColumnBlocks<S> blocks{n};
  const TaskScratch<S> memory(k * blocks.width);
  parallel_for(blocks.count(), static_cast<double>(m * k) * static_cast<double>(n) / 8, [&](Index block, Index worker) {
    const Index column = block * blocks.width;
    const int packets = blocks.packets_of(block);
    const Index width = packets * packet_size<S>;
    S* panel = memory.of(worker);
    pack_block(b + column * (transposed ? k : 1), transposed, transposed ? k : n, k, std::min(blocks.width, n - column),
               width, panel);
    for_each_tile(m, [&](Index row, int height) {
      const RowTile<S> tile(left, distance, n, row, height);
      output_tile(
          height, packets,
          OutputTile<S>{
              tile.sources, panel, {{1, 1, k}, {0, 0, 1}, {0, 0, width}}, c, tile.rows, column, n - column, epilogue});
    });
  });
}

/// Of many rows: b is packed once, and each task takes a chunk of the rows, small enough for the second-level cache,
/// through all panels. Of a panel only so many rows are used at a time as the first-level cache holds beside a tile;
/// the sums of the chunk's tiles wait meanwhile.
template <class S>
void tall_product(Index m, Index k, Index n, const S* left, Index distance, const S* b, bool transposed, S* c,
                  const Epilogue<S>& epilogue) {
  constexpr Index tiles_in_chunk = 8, most_terms = 512, line = 64 / static_cast<Index>(sizeof(S));
  const ColumnBlocks<S> blocks{n};
  S* packed = scratch<S>(Scratch::packed_weights, blocks.packed_size(k));
  pack(b, transposed, 1, k, n, packed);
  const Index chunks = (m + tiles_in_chunk * tile_rows - 1) / (tiles_in_chunk * tile_rows);
  const Index parts = (k + most_terms - 1) / most_terms;
  parallel_for(chunks, static_cast<double>(m * k) * static_cast<double>(n) / 8, [&](Index chunk) {
    const Index first = part_begin(m, chunks, chunk), rows = part_begin(m, chunks, chunk + 1) - first;
    Tile<S> sums[tiles_in_chunk];
    for (Index block = 0; block < blocks.count(); ++block) {
      const Index column = block * blocks.width;
      const int packets = blocks.packets_of(block);
      const Index width = packets * packet_size<S>;
      for (Index part = 0; part < parts; ++part) {
        const Index begin = part_begin(k, parts, part), terms = part_begin(k, parts, part + 1) - begin;
        const S* panel = packed + column * k + begin * width;
        const SumLoops loops{{1, 1, terms}, {0, 0, 1}, {0, 0, width}};
        Tile<S>* sum = sums;
        for_each_tile(rows, [&](Index row, int height) {
          // What the next tile reads for the first time arrives while this one is computed.
          if (block == 0)
            for (Index r = first + row + height; r < std::min(m, first + row + 2 * height); ++r)
              for (Index i = 0; i < terms; i += line) prefetch(left + r * distance + begin + i);
          const RowTile<S> tile(left + begin, distance, n, first + row, height);
          const OutputTile<S> job{tile.sources, panel, loops, c, tile.rows, column, n - column, epilogue};
          if (parts == 1)
            output_tile(height, packets, job);
          else if (part == 0)
            multiply_tile(height, packets, tile.sources, panel, packet_size<S>, loops, *sum);
          else
            multiply_tile<false, true>(height, packets, tile.sources, panel, packet_size<S>, loops, *sum);
          if (parts > 1 && part + 1 == parts) finish_tile(height, packets, *sum, job);
          ++sum;
        });
      }
    }
  });
}

}  // namespace internal

/// c = epilogue(a b) for row-major a (m x k), b (k x n; if `transposed` it is stored n x k) and c (m x n).
template <class S>
void matrix_product(Index m, Index k, Index n, const S* a, const S* b, bool transposed, S* c,
                    const Epilogue<S>& epilogue) {
  constexpr Index few_rows = 32 * tile_rows;
  parallel_scope(static_cast<double>(m * k) * static_cast<double>(n) / 8, [&] {
    Index distance = k;
    const S* left = internal::spread_rows(m, k, a, distance);
    if (m <= few_rows)
      internal::flat_product(m, k, n, left, distance, b, transposed, c, epilogue);
    else
      internal::tall_product(m, k, n, left, distance, b, transposed, c, epilogue);
  });
}

namespace internal {

/// The rows of a gradient db += a^T dc that are worked on together: tiles [tile0, tile1) of those that k is cut into.
struct GradientRows {
  Index k, tiles, tile0, tile1;
  Index first() const { return part_begin(k, tiles, tile0); }
  Index count() const { return part_begin(k, tiles, tile1) - first(); }
};

inline constexpr Index gradient_samples = 128;   // of a block that is copied together
inline constexpr Index most_gradient_tiles = 4;  // whose part of a block of a, and one of dc, fit the first-level cache

/// Copies `count` samples of a column tile of dc to `right`, row by row.
template <class S>
void copy_columns(Index count, Index n, const S* dc, const ColumnTile& columns, S* right) {
  constexpr Index width = tile_packets * packet_size<S>;
  const Index held = columns.packets == 1 ? packet_size<S> : columns.distance + packet_size<S>;
  for (Index i = 0; i < count; ++i) copy_short(dc + i * n + columns.first, held, right + i * width);
}

/// Adds `count` samples of `left`, their columns `rows` alone, times `right` to a column tile of db.
template <class S>
void add_gradient_rows(const GradientRows& rows, Index count, Index n, const S* left, const S* right,
                       const ColumnTile& columns, S* db) {
  const Index first = rows.first(), step = rows.count();
  for (Index tile = rows.tile0; tile < rows.tile1; ++tile) {
    const Index row = part_begin(rows.k, rows.tiles, tile);
    const auto height = static_cast<int>(part_begin(rows.k, rows.tiles, tile + 1) - row);
    const S* sources[tile_rows];
    Index to[tile_rows];
    for (int r = 0; r < height; ++r) {
      sources[r] = left + row - first + r;
      to[r] = (row + r) * n;
    }
    add_gradient_tile<false>(
        height, sources,
        GradientTile<S>{
            right, {{1, 1, count}, {0, 0, step}, {0, 0, tile_packets * packet_size<S>}}, db, to, columns, 1});
  }
}

/// Each task takes some rows of db through all samples. dc is copied once for all of them.
template <class S>
void add_flat_gradient(Index m, Index k, Index n, const S* a, const S* dc, S* db) {
  constexpr Index width = tile_packets * packet_size<S>, samples = gradient_samples;
  const Index tiles = (k + tile_rows - 1) / tile_rows, column_tiles = (n + width - 1) / width;
  const Index groups = std::max((tiles + most_gradient_tiles - 1) / most_gradient_tiles, std::min<Index>(tiles, 8));
  S* const panels = scratch<S>(Scratch::packed_weights, column_tiles * m * width);
  const Index chunks = (m + samples - 1) / samples;
  parallel_for(column_tiles * chunks, static_cast<double>(m * n), [&](Index task) {
    const Index block = task / chunks, begin = task % chunks * samples;
    copy_columns(std::min(samples, m - begin), n, dc + begin * n, column_tile<S>(n, block),
                 panels + (block * m + begin) * width);
  });
  const TaskScratch<S> memory(samples * most_gradient_tiles * tile_rows);
  parallel_for(groups, static_cast<double>(m * k) * static_cast<double>(n) / 8, [&](Index group, Index worker) {
    const GradientRows rows{k, tiles, part_begin(tiles, groups, group), part_begin(tiles, groups, group + 1)};
    S* const left = memory.of(worker);
    for (Index begin = 0; begin < m; begin += samples) {
      const Index count = std::min(samples, m - begin);
      for (Index i = 0; i < count; ++i)
        copy_short(a + (begin + i) * k + rows.first(), rows.count(), left + i * rows.count());
      for (Index block = 0; block < column_tiles; ++block)
        add_gradient_rows(rows, count, n, left, panels + (block * m + begin) * width, column_tile<S>(n, block), db);
    }
  });
}

/// How many parts the samples of a gradient are cut into, each with sums of its own; 1 where there are too few samples
/// for it, or where the sums would be more than a part of what is summed.
inline Index gradient_parts(Index m, Index k, Index n) {
  const Index parts = std::min<Index>(32, m / 512);
  return parts >= 4 && parts * k * n <= m * (k + n) / 2 ? parts : 1;
}

/// Each task takes some samples: they are read once, from wherever they are, and stay in the caches for all rows of db.
template <class S>
void add_tall_gradient(Index parts, Index m, Index k, Index n, const S* a, const S* dc, S* db) {
  constexpr Index width = tile_packets * packet_size<S>, samples = gradient_samples;
  const Index tiles = (k + tile_rows - 1) / tile_rows, column_tiles = (n + width - 1) / width;
  const Index groups = (tiles + most_gradient_tiles - 1) / most_gradient_tiles, size = k * n;
  const double work = static_cast<double>(m * k) * static_cast<double>(n) / 8;
  S* sums = scratch<S>(Scratch::partial_sums, parts * size);
  const TaskScratch<S> memory(samples * (most_gradient_tiles * tile_rows + column_tiles * width));
  parallel_for(parts, work, [&](Index part, Index worker) {
    S* const left = memory.of(worker);
    S* const right = left + samples * most_gradient_tiles * tile_rows;
    S* const to = sums + part * size;
    std::fill_n(to, size, S(0));
    const Index end = part_begin(m, parts, part + 1);
    for (Index begin = part_begin(m, parts, part); begin < end; begin += samples) {
      const Index count = std::min(samples, end - begin);
      for (Index block = 0; block < column_tiles; ++block)
        copy_columns(count, n, dc + begin * n, column_tile<S>(n, block), right + block * samples * width);
      for (Index group = 0; group < groups; ++group) {
        const GradientRows rows{k, tiles, part_begin(tiles, groups, group), part_begin(tiles, groups, group + 1)};
        for (Index i = 0; i < count; ++i)
          copy_short(a + (begin + i) * k + rows.first(), rows.count(), left + i * rows.count());
        for (Index block = 0; block < column_tiles; ++block)
          add_gradient_rows(rows, count, n, left, right + block * samples * width, column_tile<S>(n, block), to);
      }
    }
  });
  parallel_blocks(size, 4096, static_cast<double>(parts * size), [&](Index begin, Index end) {
    ArrayMap<S> to(db + begin, end - begin);
    for (Index part = 0; part < parts; ++part) to += ConstArrayMap<S>(sums + part * size + begin, end - begin);
  });
}

}  // namespace internal

/// db += a^T dc for row-major a (m x k), dc (m x n) and db (k x n); n is a packet's scalars at least.
template <class S>
void add_matrix_gradient(Index m, Index k, Index n, const S* a, const S* dc, S* db) {
  parallel_scope(static_cast<double>(m * k) * static_cast<double>(n) / 8, [&] {
    if (const Index parts = internal::gradient_parts(m, k, n); parts > 1)
      internal::add_tall_gradient(parts, m, k, n, a, dc, db);
    else
      internal::add_flat_gradient(m, k, n, a, dc, db);
  });
}

RIVAL_INSTANTIATE_FUNCTION(matrix_product);
RIVAL_INSTANTIATE_FUNCTION(add_matrix_gradient);

}  // namespace rival::kernels

// rival/kernels/winograd/gradient.hpp
// Weight gradients by Winograd's minimal filtering.

// rival/kernels/winograd/tiles.hpp
// Tiles of Winograd's algorithm in memory: what its passes and its weight gradient share.

// rival/kernels/winograd/geometry.hpp
// How Winograd's algorithm sees a pass: axis by axis as filters of few taps over evenly spaced positions, in tiles.

// rival/kernels/winograd/transform.hpp
// The transforms of Winograd's minimal filtering, and how packets of channels go through them.

namespace rival::kernels {

/// The finite points of a transform with so many. They were searched for small rounding errors: the largest over the
/// outputs of the root of the sum of squares of A^T[j][i] |B^T[i]| |G[i]|, a product's share in an output.
constexpr std::array<double, 7> interpolation_points(int count) {
  if (count == 4) return {0, -1, 0.5, 2};  // 2.6; 0, 1, -1, 2 give 4.0
  if (count == 6) return {0, 1, 0.5, 2, -1.25, -0.8};
  return {0, 1, -1, 2, -0.5, 0.5, -2};
}

/// F(m, r): m outputs y[j] = sum over t < r of d[j + t] g[t] by m + r - 1 products, y = A^T ((G g) * (B^T d)), where *
/// is element by element (S. Winograd, Arithmetic Complexity of Computations, 1980).
///
/// The matrices come from interpolation at points a[i], the last one infinity: with the other points' L(x) = prod(x -
/// a[i]), A^T[j][i] = a[i]^j, G[i][t] = a[i]^t / L'(a[i]), and row i of B^T holds the coefficients of L(x) / (x -
/// a[i]), the last those of L(x). At infinity only the last output and the last tap count: a filter of fewer taps needs
/// no product there.
template <int m, int r>
struct Winograd {
  static constexpr int inputs = m + r - 1, points = m + r - 1;
  template <int rows, int columns>
  using Table = std::array<std::array<double, columns>, rows>;

  struct Matrices {
    Table<points, points> source{};  ///< B^T
    Table<m, points> outputs{};      ///< A^T
    Table<points, m> gradient{};     ///< A
    Table<r, points> taps{};         ///< G^T
  };

  static constexpr Matrices make() {
    Matrices a;
    const auto set_output = [&a](std::size_t j, std::size_t i, double value) {
      a.outputs[j][i] = a.gradient[i][j] = value;
    };
    if (m == 1 || r == 1) {  // nothing to save
      for (std::size_t i = 0; i < points; ++i) {
        a.source[i][i] = 1;
        a.taps[r == 1 ? 0 : i][i] = 1;
        set_output(m == 1 ? 0 : i, i, 1);
      }
      return a;
    }
    constexpr std::array<double, 7> point = interpolation_points(points - 1);
    constexpr std::size_t infinity = points - 1;
    for (std::size_t i = 0; i < points; ++i) {
      auto& product = a.source[i];
      product[0] = 1;
      double slope = 1;
      for (std::size_t k = 0, degree = 0; k < infinity; ++k) {
        if (k == i) continue;
        ++degree;
        for (std::size_t c = degree + 1; c-- > 0;) product[c] = (c > 0 ? product[c - 1] : 0) - point[k] * product[c];
        if (i < infinity) slope *= point[i] - point[k];
      }
      const auto power = [&point, i](std::size_t exponent, std::size_t last) {
        if (i == infinity) return exponent == last ? 1.0 : 0.0;
        double value = 1;
        for (std::size_t e = 0; e < exponent; ++e) value *= point[i];
        return value;
      };
      for (std::size_t t = 0; t < r; ++t) a.taps[t][i] = power(t, r - 1) / slope;
      for (std::size_t j = 0; j < m; ++j) set_output(j, i, power(j, m - 1));
    }
    return a;
  }
  static constexpr Matrices matrices = make();
  static constexpr auto source = matrices.source;
  static constexpr auto outputs = matrices.outputs;
  static constexpr auto gradient = matrices.gradient;
  static constexpr auto taps = matrices.taps;
};

/// The same numbers the other way round, for s inputs with nothing but zeros around them: all s + r - 1 outputs that
/// they reach, y[j] = sum over t < r of d[j + t - (r - 1)] g[t], by as many products, y = B ((G g') * (A d)) with g'
/// the taps in reverse and the matrices of F(s, r). That is the transpose of F(s, r), as an input gradient is that of
/// an output pass.
template <int s, int r>
struct FullWinograd {
  static constexpr int inputs = s, points = s + r - 1;
  using Plain = Winograd<s, r>;

  template <std::size_t rows, std::size_t columns>
  static constexpr auto transpose(const std::array<std::array<double, columns>, rows>& from) {
    std::array<std::array<double, rows>, columns> to{};
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j) to[j][i] = from[i][j];
    return to;
  }
  static constexpr auto source = Plain::gradient;
  static constexpr auto outputs = transpose(Plain::source);
  static constexpr auto gradient = Plain::source;
  static constexpr auto taps = [] {
    auto reversed = Plain::taps;
    std::reverse(reversed.begin(), reversed.end());
    return reversed;
  }();
};

namespace internal {

/// sum over i of Row[i] * in[i] for a row of constants: no product with 0 and none with 1.
template <class S, const auto& matrix, std::size_t row, std::size_t columns>
EIGEN_STRONG_INLINE Packet<S> combine(const Packet<S>* in) {
  Packet<S> sum = broadcast(S(0));
  bool empty = true;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto term = [&]<std::size_t i>() {
      constexpr double factor = matrix[row][i];
      if constexpr (factor != 0) {
        if (empty)
          sum = factor == 1 ? in[i] : multiply<S>(in[i], broadcast(static_cast<S>(factor)));
        else if constexpr (factor == 1)
          sum = add<S>(sum, in[i]);
        else
          sum = multiply_add<S>(in[i], broadcast(static_cast<S>(factor)), sum);
        empty = false;
      }
    };
    (term.template operator()<I>(), ...);
  }
  (std::make_index_sequence<columns>{});
  return sum;
}

/// out[p * step + c] = sum over i of matrix[p][i] * in[i][c] for c < count, with every tile_packets packets of an
/// output `skip` scalars behind those before. Of the last packet, the part behind the count is read as zeros and
/// written if `FromPixels`; else it is read and not written.
template <class S, const auto& matrix, bool FromPixels>
void transform_line(const S* const* in, S* out, Index step, Index count, Index skip) {
  constexpr std::size_t outputs = matrix.size(), inputs = matrix[0].size();
  constexpr Index size = packet_size<S>;
  std::array<const S*, inputs> from;  // a copy: the stores below might change the caller's, for all the compiler knows
  std::copy_n(in, inputs, from.begin());
  const auto run = [&]<bool Part>(Index c) {
    Packet<S> x[inputs];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < inputs; ++i)
      x[i] = Part && FromPixels ? load_part(from[i] + c, count - c) : load(from[i] + c);
    [&]<std::size_t... P>(std::index_sequence<P...>) {
      S* to = out + c + c / (tile_packets * size) * skip;
      const auto write = [&](const Packet<S>& sum) {
        if constexpr (Part && !FromPixels)
          store_part(to, sum, count - c);
        else
          store(to, sum);
        to += step;
      };
      (write(combine<S, matrix, P, inputs>(x)), ...);
    }
    (std::make_index_sequence<outputs>{});
  };
  Index c = 0;
  for (; c + size <= count; c += size) run.template operator()<false>(c);
  if (c < count) run.template operator()<true>(c);
}

}  // namespace internal

/// One of an F(m, r)'s matrices, applied to `inputs` runs of channels and giving `outputs`, which begin `step` apart.
/// It leads from pixels to scratch memory, whose runs are whole packets, or back.
template <class S>
struct LineTransform {
  int inputs, outputs;
  bool from_pixels;
  void (*run)(const S* const* in, S* out, Index step, Index count, Index skip);
};

/// F(m, r) with its numbers chosen at run time.
template <class S>
struct WinogradTransform {
  static constexpr int most_taps = 3, most_points = 8;
  int outputs, taps, points;
  LineTransform<S> source, destination, gradient, taps_gradient;  ///< B^T; A^T; A; G^T
  double weights[most_points][most_taps];                         ///< G
};

namespace internal {

template <class S, class W, int m, int r>
constexpr WinogradTransform<S> make_transform() {
  WinogradTransform<S> t{m,
                         r,
                         W::points,
                         {W::inputs, W::points, true, transform_line<S, W::source, true>},
                         {W::points, m, false, transform_line<S, W::outputs, false>},
                         {m, W::points, true, transform_line<S, W::gradient, true>},
                         {W::points, r, false, transform_line<S, W::taps, false>},
                         {}};
  for (std::size_t i = 0; i < W::points; ++i)
    for (std::size_t k = 0; k < r; ++k) t.weights[i][k] = W::taps[k][i];
  return t;
}

/// By outputs - 1 + most_points * (taps - 1): those of no more than most_points.
template <class S, bool Full>
constexpr auto make_transforms() {
  constexpr int most = WinogradTransform<S>::most_points, taps = WinogradTransform<S>::most_taps;
  return []<std::size_t... I>(std::index_sequence<I...>) {
    const auto one = []<int i>() -> WinogradTransform<S> {
      constexpr int m = i % most + 1, r = i / most + 1;
      if constexpr (Full && m >= r && r > 1)
        return make_transform<S, FullWinograd<m - r + 1, r>, m, r>();
      else if constexpr (!Full && m + r - 1 <= most && (r > 1 || m == 1))
        return make_transform<S, Winograd<m, r>, m, r>();
      else
        return {};
    };
    return std::array{one.template operator()<static_cast<int>(I)>()...};
  }
  (std::make_index_sequence<static_cast<std::size_t>(most * taps)>{});
}

}  // namespace internal

/// F(outputs, taps) of at most 8 points and 3 taps; `full`: its inputs have zeros around them (FullWinograd).
template <class S>
const WinogradTransform<S>& winograd_transform(Index outputs, Index taps, bool full) {
  static constexpr auto plain_table = internal::make_transforms<S, false>(),
                        full_table = internal::make_transforms<S, true>();
  const auto i = static_cast<std::size_t>((taps - 1) * WinogradTransform<S>::most_points + outputs - 1);
  return full ? full_table[i] : plain_table[i];
}

namespace internal {

/// Channels that go through a tile's transforms at a time, so that what lies between the two axes stays in the
/// first-level cache.
inline constexpr Index winograd_channels = 64;

/// Both axes of a tile: its result (p, q) = sum over i, j of y[p][i] x[q][j] in(i, j), each a run of `channels`
/// scalars. `in` gives null for zeros; result (p, q) is written to out(p) + q * step, with `skip` as transform_line has
/// it.
template <class S, class In, class Out>
void transform_tile(const LineTransform<S>& y, const LineTransform<S>& x, Index channels, const In& in, const Out& out,
                    Index step, Index skip = 0) {
  constexpr int most = WinogradTransform<S>::most_points;
  alignas(64) static constexpr S zeros[winograd_channels] = {};
  alignas(64) S between[most * most * winograd_channels];
  const S* sources[most];
  for (Index c = 0; c < channels; c += winograd_channels) {
    const Index count = std::min(winograd_channels, channels - c);
    const Index whole = (count + packet_size<S> - 1) / packet_size<S> * packet_size<S>;
    for (int j = 0; j < x.inputs; ++j) {
      for (int i = 0; i < y.inputs; ++i) {
        const S* from = in(i, j);
        sources[i] = from ? from + c : zeros;
      }
      y.run(sources, between + j * winograd_channels, x.inputs * winograd_channels, y.from_pixels ? count : whole, 0);
    }
    for (int p = 0; p < y.outputs; ++p) {
      for (int j = 0; j < x.inputs; ++j) sources[j] = between + (p * x.inputs + j) * winograd_channels;
      x.run(sources, out(p) + c + c / (tile_packets * packet_size<S>)*skip, step, x.from_pixels ? whole : count, skip);
    }
  }
}

}  // namespace internal

RIVAL_INSTANTIATE_FUNCTION(winograd_transform);

}  // namespace rival::kernels

namespace rival::kernels::internal {

/// Neighbouring taps t < taps: destination i reads source source_first + source_step * (i + t) through kernel tap
/// tap_first + tap_step * t (the steps are the phase's).
struct TapGroup {
  Index source_first, tap_first, taps;
};

/// Along one axis, destinations first + step * i for i < count, which sum over the same groups of taps: an output pass
/// with stride s has a group (at least) for each phase of its source, an input gradient a phase for each of its
/// destination. Groups of most taps come first.
struct FilterPhase {
  static constexpr Index most_taps = 3, most_groups = 4;
  Index first, step, count;
  Index source_step, tap_step;
  Index groups = 0;
  std::array<TapGroup, most_groups> group = {};

  Index taps() const { return group[0].taps; }
  /// Cuts `taps` neighbouring taps into groups. False if there are too many.
  bool add(Index source_first, Index tap_first, Index taps) {
    const Index parts = (taps + most_taps - 1) / most_taps;
    if (groups + parts > most_groups) return false;
    for (Index i = 0; i < parts; ++i) {
      const Index begin = part_begin(taps, parts, i), end = part_begin(taps, parts, i + 1);
      insert({source_first + source_step * begin, tap_first + tap_step * begin, end - begin});
    }
    return true;
  }

 private:
  /// Not std::sort: GCC 12 warns of what it would do with more than sixteen groups, which would be out of bounds.
  void insert(const TapGroup& added) {
    auto place = static_cast<std::size_t>(groups++);
    for (; place > 0; --place) {
      const TapGroup& before = group[place - 1];
      if (before.taps != added.taps ? before.taps > added.taps : before.source_first < added.source_first) break;
      group[place] = before;
    }
    group[place] = added;
  }
};

/// One side of an axis that a pass goes through: sizes of source and destination, and the phases.
struct FilterAxis {
  Index source = 0, destination = 0;
  std::vector<FilterPhase> phases;
};

/// As output_segments and input_gradient_segments; false if the axis does not suit.
inline bool filter_axis(bool output, Index in, Index out, Index kernel, Index stride, Index pad, FilterAxis& axis) {
  axis.phases.clear();
  axis.source = output ? in : out;
  axis.destination = output ? out : in;
  if (output) {
    FilterPhase phase{0, 1, out, stride, stride};
    for (Index tap = 0; tap < std::min(stride, kernel); ++tap)
      if (!phase.add(tap - pad, tap, (kernel - tap + stride - 1) / stride)) return false;
    axis.phases.push_back(phase);
    return true;
  }
  for (Index start = 0; start < std::min(stride, in); ++start) {
    const Index tap = (start + pad) % stride, taps = tap < kernel ? (kernel - tap + stride - 1) / stride : 0;
    FilterPhase phase{start, stride, (in - start + stride - 1) / stride, 1, -stride};
    if (taps == 0 || !phase.add((start + pad) / stride - (taps - 1), tap + stride * (taps - 1), taps)) return false;
    axis.phases.push_back(phase);
  }
  return true;
}

/// Tiles of `outputs` destinations of one phase, beginning at its destination `first`. `full`: the only one, and what
/// it would read beside its outputs - taps + 1 sources in the middle is padding (FullWinograd).
struct TileRun {
  const FilterPhase* phase;
  Index first, outputs, tiles;
  bool full = false;

  Index points() const { return full ? outputs : outputs + phase->taps() - 1; }
  template <class S>
  const WinogradTransform<S>& transform() const {
    return winograd_transform<S>(outputs, phase->taps(), full);
  }
  /// Groups with a product at a point: at the last one only those of most taps.
  Index groups_at(Index point) const {
    if (point + 1 < points()) return phase->groups;
    Index count = 0;
    while (count < phase->groups && phase->group[static_cast<std::size_t>(count)].taps == phase->taps()) ++count;
    return count;
  }
  Index destination(Index tile, Index i) const { return phase->first + phase->step * (first + tile * outputs + i); }
  Index source(const TapGroup& group, Index tile, Index i) const {
    return group.source_first + phase->source_step * (first + tile * outputs + i + (full ? phase->taps() - 1 : 0));
  }
};

/// Whether a tile over a whole phase finds padding wherever only some of its taps would meet the sources.
inline bool has_zeros_around(const FilterAxis& axis, const FilterPhase& phase) {
  const Index first = phase.group[0].source_first, step = phase.source_step;
  return phase.groups == 1 && phase.taps() > 1 && phase.count >= phase.taps() &&
         first + step * (phase.taps() - 2) < 0 && first + step * phase.count >= axis.source;
}

/// Cuts each phase into tiles that waste nothing, differ by one destination at most, and have at most most_points(taps)
/// points.
template <class Points>
void tile_runs(const FilterAxis& axis, const Points& most_points_of, std::vector<TileRun>& runs) {
  runs.clear();
  for (const FilterPhase& phase : axis.phases) {
    const Index taps = phase.taps(), most_points = most_points_of(taps);
    if (phase.count <= most_points && has_zeros_around(axis, phase)) {
      runs.push_back({&phase, 0, phase.count, 1, true});
      continue;
    }
    const Index most = taps == 1 ? 1 : most_points - taps + 1, tiles = (phase.count + most - 1) / most;
    const Index small = phase.count / tiles, large_tiles = phase.count % tiles;
    if (large_tiles > 0) runs.push_back({&phase, 0, small + 1, large_tiles});
    runs.push_back({&phase, large_tiles * (small + 1), small, tiles - large_tiles});
  }
}

/// What an axis costs per pair of channels: the direct kernel's products, and of Winograd's algorithm the products and
/// the points (of all tiles), and the points that differ in their weights.
struct AxisCost {
  double direct = 0, products = 0, points = 0, weights = 0;
};

inline AxisCost axis_cost(const FilterAxis& axis, const std::vector<TileRun>& runs) {
  AxisCost cost;
  for (const FilterPhase& phase : axis.phases)
    for (Index g = 0; g < phase.groups; ++g)
      for (Index t = 0; t < phase.group[static_cast<std::size_t>(g)].taps; ++t)
        for (Index i = 0; i < phase.count; ++i) {
          const Index source = phase.group[static_cast<std::size_t>(g)].source_first + phase.source_step * (i + t);
          cost.direct += source >= 0 && source < axis.source;
        }
  for (const TileRun& run : runs) {
    double products = 0;
    for (Index p = 0; p < run.points(); ++p) products += static_cast<double>(run.groups_at(p));
    cost.products += products * static_cast<double>(run.tiles);
    cost.points += static_cast<double>(run.points() * run.tiles);
    cost.weights += products;
  }
  return cost;
}

/// Both axes of a pass.
struct FilterPlan {
  FilterAxis y, x;
  std::vector<TileRun> rows, columns;

  /// False if the geometry does not suit. `gradient`: the plan is for weight gradients.
  bool make(const ConvGeometry& g, bool output, bool gradient = false) {
    constexpr Index most = WinogradTransform<float>::most_points;
    if (!filter_axis(output, g.in_h, g.out_h, g.kernel_h, g.stride_h, g.pad_h, y) ||
        !filter_axis(output, g.in_w, g.out_w, g.kernel_w, g.stride_w, g.pad_w, x))
      return false;
    // More points save more products and round more coarsely. Wide tiles along both axes would round too coarsely, and
    // so do seven destinations of two taps, except in weight gradients, where the tiles' errors average out.
    tile_runs(
        y, [](Index taps) { return 4 + taps - 1; }, rows);
    tile_runs(
        x, [&](Index taps) { return taps == 2 && !gradient ? most - 1 : most; }, columns);
    return true;
  }
};

/// Tiles of one shape, a rectangle of them in every image: rows of the products, image by image.
struct TileRegion {
  const TileRun *y, *x;

  Index tiles() const { return y->tiles * x->tiles; }
  Index points() const { return y->points() * x->points(); }
  Index groups() const { return y->phase->groups * x->phase->groups; }
};

/// The time of the direct kernel over that of Winograd's algorithm, estimated from the shapes alone. The unit is a
/// multiplication of packets in the register tile: `direct` of them for one of the direct kernel's, 15 to transform a
/// packet of the source, `per_point` one of the destination, 11 to transform a packet of weights. These were measured.
inline double gain(const FilterPlan& plan, Index batch, Index source_c, Index destination_c, double direct,
                   double per_point) {
  constexpr Index least_channels = 32;  // with fewer the transforms cost more than they save
  if (std::min(source_c, destination_c) < least_channels) return 0;
  const AxisCost y = axis_cost(plan.y, plan.rows), x = axis_cost(plan.x, plan.columns);
  const auto images = static_cast<double>(batch), from = static_cast<double>(source_c),
             to = static_cast<double>(destination_c);
  const double products = images * y.products * x.products, points = images * y.points * x.points;
  const double weights = std::max(y.weights * x.weights, products / 256);  // a large batch is taken in parts
  return direct * images * y.direct * x.direct * from * to /
         (products * from * (to + 15) + points * to * per_point + weights * from * to * 11);
}
inline double pass_gain(const FilterPlan& plan, Index batch, Index source_c, Index destination_c) {
  return gain(plan, batch, source_c, destination_c, 1.1, 38);
}
inline double gradient_gain(const FilterPlan& plan, Index batch, Index source_c, Index destination_c) {
  return gain(plan, batch, source_c, destination_c, 1.25, 15);
}

/// Below it the direct kernel stays: an estimate of so much has never turned out slower.
inline constexpr double winograd_least_gain = 1.15;

}  // namespace rival::kernels::internal

namespace rival::kernels::internal {

/// Scalars of scratch memory beyond which the images are taken in parts, of no fewer than `winograd_rows` tiles: the
/// weights are transformed for each part.
inline constexpr Index winograd_memory = Index{1} << 19, winograd_rows = 64;

/// In how many parts to take the batch, whose images have `tiles` tiles, if so many images need size(images) scalars.
template <class Size>
Index image_parts(Index batch, Index tiles, const Size& size) {
  const Index parts = (size(batch) + winograd_memory - 1) / winograd_memory;
  return std::clamp<Index>(parts, 1, std::clamp<Index>(batch * tiles / winograd_rows, 1, batch));
}

/// A distance from point to point at which a tile's points do not compete for the same lines of the first-level cache.
template <class S>
Index spread_points(Index size) {
  constexpr Index line = 64 / static_cast<Index>(sizeof(S));
  return (size + line - 1) / line * line + 5 * line;
}

/// Which tile a row of the products is.
struct TileOfRow {
  Index image, y, x;
  TileOfRow(const TileRegion& region, Index row)
      : image(row / region.tiles()), y(row / region.x->tiles % region.y->tiles), x(row % region.x->tiles) {}
};

/// B^T d B for channels [first, first + count) of the source tile of row `row` and groups a, b: point k's are at
/// to + k * point_step, with `skip` as transform_line has it.
template <class S>
void transform_source_tile(const FilterPlan& plan, const TileRegion& region, Index row, Index a, Index b,
                           const S* source, Index channels, Index first, Index count, S* to, Index point_step,
                           Index skip = 0) {
  const TileOfRow tile(region, row);
  const FilterPhase &y = *region.y->phase, &x = *region.x->phase;
  const auto& along_y = region.y->transform<S>();
  const auto& along_x = region.x->transform<S>();
  std::array<const S*, WinogradTransform<S>::most_points> row_begin{};
  std::array<Index, WinogradTransform<S>::most_points> column{};
  for (Index i = 0; i < along_y.source.inputs; ++i) {
    const Index at = region.y->source(y.group[static_cast<std::size_t>(a)], tile.y, i);
    const bool inside = at >= 0 && at < plan.y.source;
    row_begin[static_cast<std::size_t>(i)] =
        inside ? source + (tile.image * plan.y.source + at) * plan.x.source * channels + first : nullptr;
  }
  for (Index j = 0; j < along_x.source.inputs; ++j) {
    const Index at = region.x->source(x.group[static_cast<std::size_t>(b)], tile.x, j);
    column[static_cast<std::size_t>(j)] = at < plan.x.source ? at * channels : -1;
  }
  transform_tile(
      along_y.source, along_x.source, count,
      [&](int i, int j) -> const S* {
        const S* begin = row_begin[static_cast<std::size_t>(i)];
        const Index offset = column[static_cast<std::size_t>(j)];
        return begin && offset >= 0 ? begin + offset : nullptr;
      },
      [&](int p) { return to + p * along_x.points * point_step; }, point_step, skip);
}

/// Where the pixels of a row's destination tile are: the first, and how far it is down and across to the next.
struct DestinationTile {
  Index first, down, across;

  DestinationTile(const FilterPlan& plan, const TileRegion& region, Index row, Index channels) {
    const TileOfRow tile(region, row);
    const Index y = region.y->destination(tile.y, 0), x = region.x->destination(tile.x, 0);
    first = ((tile.image * plan.y.destination + y) * plan.x.destination + x) * channels;
    down = region.y->phase->step * plan.x.destination * channels;
    across = region.x->phase->step * channels;
  }
};

}  // namespace rival::kernels::internal

namespace rival::kernels {

namespace internal {

/// dw += G^T (sum over tiles of (B^T d B) (A dy A^T)) G: the transposed algorithm. Both sides are transformed, and the
/// sums over tiles, one for each point and pair of channels, are transformed back into the gradients of the taps.
template <class S>
class WinogradGradient {
 public:
  /// `output` as in the plan: whether the out side is the plan's destination.
  WinogradGradient(const ConvGeometry& g, bool output, const FilterPlan& plan)
      : g_(g),
        plan_(plan),
        source_c_(output ? g.in_c : g.out_c),
        destination_c_(output ? g.out_c : g.in_c),
        columns_are_source_(output == g.out_major) {}

  void run(const S* source, const S* destination, S* gradient) {
    gradient_ = gradient;
    for (const TileRun& y : plan_.rows)
      for (const TileRun& x : plan_.columns) {
        region_ = {&y, &x};
        const Index parts = image_parts(g_.batch, region_.tiles(), [&](Index images) {
          images_ = images;
          return points_size() * (source_blocks() + destination_blocks());
        });
        for (Index i = 0; i < parts; ++i) {
          const Index first = part_begin(g_.batch, parts, i);
          images_ = part_begin(g_.batch, parts, i + 1) - first;
          add_images(source + first * plan_.y.source * plan_.x.source * source_c_,
                     destination + first * plan_.y.destination * plan_.x.destination * destination_c_);
        }
      }
  }

 private:
  static constexpr Index size = packet_size<S>, tile_width = tile_packets * size;
  /// Channels side by side in scratch memory: what a transform takes at a time.
  static constexpr Index width = winograd_channels;
  static constexpr Index columns_of_task = std::max<Index>(32, tile_width), column_tasks = width / columns_of_task;
  /// Scalars of a point's products in a task, and of the sums that a task makes of them.
  static constexpr Index tile_size = width * columns_of_task;
  static constexpr Index tap_scalars = WinogradTransform<S>::most_taps * WinogradTransform<S>::most_taps * tile_size;
  static Index blocks(Index channels) { return (channels + width - 1) / width; }
  Index source_blocks() const { return region_.groups() * blocks(source_c_); }
  Index destination_blocks() const { return blocks(destination_c_); }
  Index rows() const { return images_ * region_.tiles(); }
  Index point_step() const { return spread_points<S>(rows() * width); }
  /// The operand whose channels are a tile's columns is stored by tiles' columns, the rows of each side by side, so
  /// that they do not compete with the other operand's for the same lines of the first-level cache.
  Index skip() const { return (rows() - 1) * tile_width; }
  Index points_size() const { return region_.points() * point_step(); }

  void add_images(const S* source, const S* destination) {
    const Index sources = source_blocks(), destinations = destination_blocks();
    sources_ = scratch<S>(Scratch::partial_sums, points_size() * (sources + destinations));
    destinations_ = sources_ + points_size() * sources;
    const double points = static_cast<double>(rows() * region_.points());
    parallel_for(rows(), points * static_cast<double>((sources + destinations) * width), [&](Index row) {
      const Index groups_x = region_.x->phase->groups;
      for (Index block = 0; block < sources; ++block) {
        const Index group = block / blocks(source_c_), first = block % blocks(source_c_) * width;
        transform_source_tile(plan_, region_, row, group / groups_x, group % groups_x, source, source_c_, first,
                              std::min(width, source_c_ - first),
                              sources_ + block * points_size() + row * (columns_are_source_ ? tile_width : width),
                              point_step(), columns_are_source_ ? skip() : 0);
      }
      const DestinationTile tile(plan_, region_, row, destination_c_);
      for (Index block = 0; block < destinations; ++block) {
        S* to = destinations_ + block * points_size() + row * (columns_are_source_ ? width : tile_width);
        transform_tile(
            region_.y->transform<S>().gradient, region_.x->transform<S>().gradient,
            std::min(width, destination_c_ - block * width),
            [&](int i, int j) { return destination + tile.first + i * tile.down + j * tile.across + block * width; },
            [&](int p) { return to + p * region_.x->points() * point_step(); }, point_step(),
            columns_are_source_ ? 0 : skip());
      }
    });
    const TaskScratch<S> memory(region_.points() * tile_size + tap_scalars);
    parallel_for(sources * destinations * column_tasks,
                 points * static_cast<double>(sources * destinations * width * width) / 8,
                 [&](Index task, Index worker) {
                   add_channels(task / column_tasks / destinations, task / column_tasks % destinations,
                                task % column_tasks, memory.of(worker));
                 });
  }

  /// A block of channels of one side by `columns_of_task` of the other: the products of all points, which stay in the
  /// second-level cache, and from them the gradients of the taps. A point's operands stay in the first-level cache
  /// while all tiles read them.
  void add_channels(Index source_block, Index destination_block, Index column_task, S* memory) const {
    const Index group = source_block / blocks(source_c_), first_source = source_block % blocks(source_c_) * width;
    const Index a = group / region_.x->phase->groups, b = group % region_.x->phase->groups;
    const S* sources = sources_ + source_block * points_size();
    const S* destinations = destinations_ + destination_block * points_size();
    const Index first_destination = destination_block * width;
    const S* left = columns_are_source_ ? destinations : sources;
    const S* right = (columns_are_source_ ? sources : destinations) + column_task * columns_of_task * rows();
    const Index left_first = columns_are_source_ ? first_destination : first_source;
    const Index right_first = (columns_are_source_ ? first_source : first_destination) + column_task * columns_of_task;
    const Index left_c = columns_are_source_ ? destination_c_ : source_c_;
    const Index right_c = columns_are_source_ ? source_c_ : destination_c_;
    const Index count = std::min(width, left_c - left_first),
                columns = std::min(columns_of_task, right_c - right_first);
    if (columns <= 0) return;
    const Index points_x = region_.x->points();
    const auto has_product = [&](Index p, Index q) {
      return a < region_.y->groups_at(p) && b < region_.x->groups_at(q);
    };
    for (Index p = 0; p < region_.y->points(); ++p)
      for (Index q = 0; q < points_x; ++q) {
        const Index point = p * points_x + q;
        if (has_product(p, q))
          multiply(left + point * point_step(), count, right + point * point_step(), columns,
                   memory + point * tile_size);
      }

    const FilterPhase &y = *region_.y->phase, &x = *region_.x->phase;
    S* sums = memory + region_.points() * tile_size;
    transform_tile(
        region_.y->transform<S>().taps_gradient, region_.x->transform<S>().taps_gradient, count * columns_of_task,
        [&](int p, int q) { return has_product(p, q) ? memory + (p * points_x + q) * tile_size : nullptr; },
        [&](int i) { return sums + i * x.taps() * tile_size; }, tile_size);
    const TapGroup &down = y.group[static_cast<std::size_t>(a)], &across = x.group[static_cast<std::size_t>(b)];
    for (Index i = 0; i < down.taps; ++i)
      for (Index j = 0; j < across.taps; ++j) {
        const Index tap = (down.tap_first + y.tap_step * i) * g_.kernel_w + across.tap_first + x.tap_step * j;
        const S* from = sums + (i * x.taps() + j) * tile_size;
        S* gradient = gradient_ + (tap * left_c + left_first) * right_c + right_first;
        for (Index r = 0; r < count; ++r, from += columns_of_task, gradient += right_c) {
          Index c = 0;
          for (; c + size <= columns; c += size) store(gradient + c, add<S>(load(gradient + c), load(from + c)));
          for (; c < columns; ++c) gradient[c] += from[c];
        }
      }
  }

  /// products[i, j] = sum over the tiles k of left[k, i] * right[k, j]: one point's.
  void multiply(const S* left, Index count, const S* right, Index columns, S* products) const {
    const S* lefts[tile_rows];
    Index to[tile_rows];
    for (Index column = 0; column < columns; column += tile_width) {
      const auto packets = static_cast<int>((std::min(tile_width, columns - column) + size - 1) / size);
      const OutputTile<S> job{lefts,
                              right + column * rows(),
                              {{1, 1, rows()}, {0, 0, width}, {0, 0, tile_width}},
                              products,
                              to,
                              column,
                              tile_width,
                              {}};
      for_each_tile(count, [&](Index row, int height) {
        for (int r = 0; r < height; ++r) {
          lefts[r] = left + row + r;
          to[r] = (row + r) * columns_of_task;
        }
        output_tile(height, packets, job);
      });
    }
  }

  const ConvGeometry& g_;
  const FilterPlan& plan_;
  Index source_c_, destination_c_;
  bool columns_are_source_;
  TileRegion region_{};
  Index images_ = 0;
  S *sources_ = nullptr, *destinations_ = nullptr, *gradient_ = nullptr;
};

}  // namespace internal

/// dw += weight gradient, if Winograd's algorithm suits the shapes; else it does nothing and returns false.
template <class S>
bool winograd_weight_gradient(const ConvGeometry& g, const S* x, const S* dy, S* dw) {
  thread_local internal::FilterPlan output, input;
  // Either side can be cut into the tiles: the cheaper one.
  const bool by_output = output.make(g, true, true), by_input = input.make(g, false, true);
  const double output_gain = by_output ? internal::gradient_gain(output, g.batch, g.in_c, g.out_c) : 0;
  const double input_gain = by_input ? internal::gradient_gain(input, g.batch, g.out_c, g.in_c) : 0;
  if (std::max(output_gain, input_gain) < internal::winograd_least_gain) return false;
  if (output_gain >= input_gain)
    internal::WinogradGradient<S>(g, true, output).run(x, dy, dw);
  else
    internal::WinogradGradient<S>(g, false, input).run(dy, x, dw);
  return true;
}

}  // namespace rival::kernels

namespace rival::kernels {

namespace internal {

/// The sum over pixels in blocks of which both operands stay in the second-level cache: several images, or some rows of
/// one.
struct PixelBlocks {
  Index images, rows;

  PixelBlocks(Index bytes_per_image, Index batch, Index height) {
    constexpr Index cache_share = 384 * 1024;
    images = std::clamp<Index>(cache_share / std::max<Index>(1, bytes_per_image), 1, batch);
    const Index pieces = (bytes_per_image + cache_share - 1) / cache_share;
    rows = images > 1 ? height : (height + pieces - 1) / std::max<Index>(1, pieces);
  }
};

/// One side of the sum over pixels: its channels, and how far it moves from image to image, row to row, pixel to pixel
/// of the out side.
template <class S>
struct PixelOperand {
  const S* data;
  Index channels;
  Index image, row, pixel;
};

/// The loops over out pixels [y0, y1) x [x0, x1) of `images` images: in the order of memory, unless the rows are so
/// short that the loop around them would cost more than a stride.
template <class S>
SumLoops pixel_loops(const PixelOperand<S>& left, const PixelOperand<S>& right, Index images, Index height,
                     Index width) {
  constexpr Index short_row = 12;
  SumLoops loops{{images, height, width}, {left.image, left.row, left.pixel}, {right.image, right.row, right.pixel}};
  loops.merge_inner();
  if (loops.count[2] >= short_row) return loops;
  const auto longest = std::max_element(loops.count, loops.count + 3) - loops.count;
  std::swap(loops.count[longest], loops.count[2]);
  std::swap(loops.left[longest], loops.left[2]);
  std::swap(loops.right[longest], loops.right[2]);
  return loops;
}

/// The out positions along one axis for which `tap` reads inside the image: [first, last).
inline std::pair<Index, Index> valid_range(Index in, Index out, Index stride, Index pad, Index tap) {
  const Index first = std::max<Index>(0, (pad - tap + stride - 1) / stride);
  const Index last = in - 1 + pad - tap < 0 ? 0 : std::min(out, (in - 1 + pad - tap) / stride + 1);
  return {first, std::max(first, last)};
}

/// What of the sum over pixels becomes of a gradient: row r (a left channel) of a tap begins at tap * tap_step + r *
/// row_step and its columns (right channels) are column_step apart.
struct GradientLayout {
  Index tap_step, row_step, column_step;
};

/// Adds for every tap the sum over pixels of left channel times right channel. `left_is_in` tells which of the two is
/// the in side, whose pixels shift with the tap. A right side of fewer channels than a packet's comes from `widen`.
///
/// Channels are taken in groups and pixels in blocks, of which both operands and the sums stay near the processor while
/// all tiles of a group, which the threads share, read them.
template <class S>
void add_outer_products(const ConvGeometry& g, const PixelOperand<S>& left, const PixelOperand<S>& right,
                        bool left_is_in, S* gradient, const GradientLayout& layout) {
  constexpr Index group_channels = 128, tile_width = tile_packets * packet_size<S>;
  const Index row_tiles = (left.channels + tile_rows - 1) / tile_rows;
  const Index column_tiles = (right.channels + tile_width - 1) / tile_width;
  const Index row_groups = (left.channels + group_channels - 1) / group_channels;
  const Index column_groups = (right.channels + group_channels - 1) / group_channels;
  const Index bytes = (left.image / row_groups + right.image / column_groups) * static_cast<Index>(sizeof(S));
  const PixelBlocks block(bytes, g.batch, g.out_h);

  const auto add_tiles = [&](Index row_group, Index column_group, Index first, Index top) {
    const Index row0 = part_begin(row_tiles, row_groups, row_group),
                column0 = part_begin(column_tiles, column_groups, column_group);
    const Index rows_here = part_begin(row_tiles, row_groups, row_group + 1) - row0;
    const Index columns_here = part_begin(column_tiles, column_groups, column_group + 1) - column0;
    const Index images = std::min(block.images, g.batch - first), tiles = g.taps() * columns_here * rows_here;
    const double work = g.flops() * static_cast<double>(tiles * images * std::min(block.rows, g.out_h - top)) /
                        static_cast<double>(g.taps() * column_tiles * row_tiles * g.batch * g.out_h);
    const Index tasks = std::clamp<Index>(static_cast<Index>(work / 1e6), 1, tiles);
    parallel_for(tasks, work / 16, [&](Index task) {
      for (Index t = part_begin(tiles, tasks, task); t < part_begin(tiles, tasks, task + 1); ++t) {
        const Index tap = t / (rows_here * columns_here), tap_y = tap / g.kernel_w, tap_x = tap % g.kernel_w;
        auto [y0, y1] = valid_range(g.in_h, g.out_h, g.stride_h, g.pad_h, tap_y);
        const auto [x0, x1] = valid_range(g.in_w, g.out_w, g.stride_w, g.pad_w, tap_x);
        y0 = std::max(y0, top);
        y1 = std::min(y1, top + block.rows);
        if (y0 >= y1 || x0 == x1) continue;
        // Steps within the in side, counted on the side itself: a widened one has longer pixels.
        const Index in_pixel = (left_is_in ? left : right).pixel / g.stride_w;
        const Index in_shift = ((tap_y - g.pad_h) * g.in_w + tap_x - g.pad_w) * in_pixel;
        const Index left_begin = first * left.image + y0 * left.row + x0 * left.pixel + (left_is_in ? in_shift : 0);
        const Index right_begin = first * right.image + y0 * right.row + x0 * right.pixel + (left_is_in ? 0 : in_shift);
        const ColumnTile columns = column_tile<S>(right.channels, column0 + t / rows_here % columns_here);
        const Index row = part_begin(left.channels, row_tiles, row0 + t % rows_here);
        const auto height = static_cast<int>(part_begin(left.channels, row_tiles, row0 + t % rows_here + 1) - row);
        Index rows[tile_rows];
        const S* sources[tile_rows];
        for (int r = 0; r < height; ++r) {
          rows[r] = tap * layout.tap_step + (row + r) * layout.row_step;
          sources[r] = left.data + left_begin + row + r;
        }
        const SumLoops loops = pixel_loops(left, right, images, y1 - y0, x1 - x0);
        add_gradient_tile<true>(height, sources,
                                GradientTile<S>{right.data + right_begin + columns.first, loops, gradient, rows,
                                                columns, layout.column_step});
      }
    });
  };
  for (Index row_group = 0; row_group < row_groups; ++row_group)
    for (Index column_group = 0; column_group < column_groups; ++column_group)
      for (Index first = 0; first < g.batch; first += block.images)
        for (Index top = 0; top < g.out_h; top += block.rows) add_tiles(row_group, column_group, first, top);
}

/// One image with its padding, as rows x columns.
template <class S>
void copy_padded(const ConvGeometry& g, const S* from, Index rows, Index columns, S* to) {
  std::fill(to, to + rows * columns * g.in_c, S(0));
  const Index length =
      std::max<Index>(0, std::min(g.in_w, columns - g.pad_w)) * g.in_c;  // the padding may be all there is
  for (Index y = 0; y < std::min(g.in_h, rows - g.pad_h); ++y)
    std::copy_n(from + y * g.in_w * g.in_c, length, to + ((y + g.pad_h) * columns + g.pad_w) * g.in_c);
}

/// The same where the in side has few channels: it is copied with its padding, so that every tap is valid everywhere
/// and the channels of all taps are rows of one tile, which reads the out side once for all of them.
template <class S>
void add_outer_products_few_in(const ConvGeometry& g, const S* x, const PixelOperand<S>& out, S* gradient,
                               const GradientLayout& layout) {
  const Index height = (g.out_h - 1) * g.stride_h + g.kernel_h, width = (g.out_w - 1) * g.stride_w + g.kernel_w;
  const Index image = height * width * g.in_c;
  const PixelOperand<S> in{nullptr, g.in_c, image, g.stride_h * width * g.in_c, g.stride_w * g.in_c};
  const Index rows_in_all = g.taps() * g.in_c, row_tiles = (rows_in_all + tile_rows - 1) / tile_rows;
  const Index column_tiles = (out.channels + tile_packets * packet_size<S> - 1) / (tile_packets * packet_size<S>);
  const Index images = PixelBlocks((in.image + out.image) * static_cast<Index>(sizeof(S)), g.batch, g.out_h).images;
  // The gradient is small and the sum over pixels long: images are summed in parts, which are then added in their
  // order.
  const Index parts = std::min<Index>((g.batch + images - 1) / images, 16), size = rows_in_all * out.channels;
  S* sums = scratch<S>(Scratch::partial_sums, parts * size);
  const TaskScratch<S> memory(images * image);
  parallel_for(parts * column_tiles, g.flops() / 16, [&](Index task, Index worker) {
    const Index part = task / column_tiles, end = part_begin(g.batch, parts, part + 1);
    const ColumnTile columns = column_tile<S>(out.channels, task % column_tiles);
    S* padded = memory.of(worker);
    S* sum = sums + part * size;
    const Index last_column = columns.first + (columns.packets - 1) * columns.distance + columns.end;
    for (Index row = 0; row < rows_in_all; ++row)
      std::fill(sum + row * out.channels + columns.first + columns.fresh[0], sum + row * out.channels + last_column,
                S(0));
    for (Index first = part_begin(g.batch, parts, part); first < end; first += images) {
      const Index count = std::min(images, end - first);
      for (Index n = 0; n < count; ++n)
        copy_padded(g, x + (first + n) * g.in_pixels() * g.in_c, height, width, padded + n * image);
      for (Index tile = 0; tile < row_tiles; ++tile) {
        const Index row = part_begin(rows_in_all, row_tiles, tile);
        const auto tile_height = static_cast<int>(part_begin(rows_in_all, row_tiles, tile + 1) - row);
        const S* sources[tile_rows];
        Index rows[tile_rows];
        for (int r = 0; r < tile_height; ++r) {
          const Index tap = (row + r) / g.in_c, channel = (row + r) % g.in_c;
          sources[r] = padded + (tap / g.kernel_w * width + tap % g.kernel_w) * g.in_c + channel;
          rows[r] = (row + r) * out.channels;
        }
        add_gradient_tile<false>(tile_height, sources,
                                 GradientTile<S>{out.data + first * out.image + columns.first,
                                                 pixel_loops(in, out, count, g.out_h, g.out_w), sum, rows, columns, 1});
      }
    }
  });
  for (Index part = 0; part < parts; ++part)
    for (Index row = 0; row < rows_in_all; ++row) {
      const S* sum = sums + part * size + row * out.channels;
      S* to = gradient + row / g.in_c * layout.tap_step + row % g.in_c * layout.row_step;
      for (Index c = 0; c < out.channels; ++c) to[c * layout.column_step] += sum[c];
    }
}

/// A copy of `operand`, which has fewer channels than a packet, with zeros behind each pixel's up to a packet.
template <class S>
PixelOperand<S> widen(const PixelOperand<S>& operand, Index pixels_in_all) {
  const Index channels = operand.channels, wide = packet_size<S>;
  S* copy = scratch<S>(Scratch::padded_copy, pixels_in_all * wide);
  parallel_blocks(pixels_in_all, 1024, static_cast<double>(pixels_in_all * wide) / 4, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      std::copy(operand.data + i * channels, operand.data + (i + 1) * channels, copy + i * wide);
      std::fill(copy + i * wide + channels, copy + (i + 1) * wide, S(0));
    }
  });
  const auto scaled = [&](Index step) { return step / channels * wide; };
  return {copy, channels, scaled(operand.image), scaled(operand.row), scaled(operand.pixel)};
}

/// The weight gradient as one product for each tap and pixel.
template <class S>
void direct_weight_gradient(const ConvGeometry& g, const S* x, const S* dy, S* dw) {
  const PixelOperand<S> in{x, g.in_c, g.in_pixels() * g.in_c, g.stride_h * g.in_w * g.in_c, g.stride_w * g.in_c};
  const PixelOperand<S> out{dy, g.out_c, g.out_pixels() * g.out_c, g.out_w * g.out_c, g.out_c};
  const Index size = packet_size<S>, tap_step = g.in_c * g.out_c;
  const Index in_step = g.out_major ? 1 : g.out_c, out_step = g.out_major ? g.in_c : 1;
  if (g.in_c <= 4 && g.taps() > 1 && g.out_c >= size)
    return add_outer_products_few_in(g, x, out, dw, {tap_step, in_step, out_step});
  // The packets run along the axis that is contiguous in the gradient, unless only the other one fills them.
  bool columns_are_out = !g.out_major;
  if ((columns_are_out ? g.out_c : g.in_c) < size && (columns_are_out ? g.in_c : g.out_c) >= size)
    columns_are_out = !columns_are_out;
  const auto right_of = [&](const PixelOperand<S>& side, Index pixels) {
    return side.channels < size ? widen(side, g.batch * pixels) : side;
  };
  if (columns_are_out)
    add_outer_products(g, in, right_of(out, g.out_pixels()), true, dw, {tap_step, in_step, out_step});
  else
    add_outer_products(g, out, right_of(in, g.in_pixels()), false, dw, {tap_step, out_step, in_step});
}

}  // namespace internal

/// dw[tap, a, b] += sum over pixels of x[in pixel, a] * dy[out pixel, b] (stored [tap, b, a] if g.out_major).
template <class S>
void conv_weight_gradient(const ConvGeometry& g, const S* x, const S* dy, S* dw) {
  if (g.is_product() && (g.out_major ? g.in_c : g.out_c) >= packet_size<S>)
    return g.out_major ? add_matrix_gradient(g.batch * g.out_pixels(), g.out_c, g.in_c, dy, x, dw)
                       : add_matrix_gradient(g.batch * g.out_pixels(), g.in_c, g.out_c, x, dy, dw);
  parallel_scope(g.flops() / 16, [&] {
    if constexpr (std::is_same_v<S, float>)
      if (winograd_weight_gradient(g, x, dy, dw)) return;
    internal::direct_weight_gradient(g, x, dy, dw);
  });
}

RIVAL_INSTANTIATE_FUNCTION(conv_weight_gradient);

}  // namespace rival::kernels

namespace rival::kernels::internal {

template <class S>
S finish_one(S value, Index at, Index channel, const Epilogue<S>& epilogue) {
  if (epilogue.scale) value *= epilogue.scale[channel];
  if (epilogue.bias) value += epilogue.bias[channel];
  if (epilogue.slope != S(1)) value = leak_scalar(value, epilogue.slope);
  if (epilogue.gate && !(epilogue.gate[at] > S(0))) value *= epilogue.gate_slope;
  return value;
}

/// Output pass to few channels: each output is a sum of dot products along the in channels of the taps of one kernel
/// row.
template <class S>
void conv_output_few(const ConvGeometry& g, const S* x, const S* w, S* y, const Epilogue<S>& epilogue) {
  // [out channel][tap][in channel]
  const Index length = g.taps() * g.in_c;
  const S* kernels = w;
  if (g.out_c > 1) {
    S* packed = scratch<S>(Scratch::packed_weights, g.out_c * length);
    for (Index tap = 0; tap < g.taps(); ++tap)
      for (Index a = 0; a < g.in_c; ++a)
        for (Index b = 0; b < g.out_c; ++b)
          packed[b * length + tap * g.in_c + a] =
              w[g.out_major ? (tap * g.out_c + b) * g.in_c + a : (tap * g.in_c + a) * g.out_c + b];
    kernels = packed;
  }
  const Index rows = g.batch * g.out_h;
  parallel_blocks(rows, std::max<Index>(1, 100'000 / std::max<Index>(1, g.out_w * g.out_c * length)), g.flops() / 8,
                  [&](Index begin, Index end) {
                    for (Index row = begin; row < end; ++row) {
                      const Index n = row / g.out_h, top = row % g.out_h * g.stride_h - g.pad_h;
                      const Index i0 = std::clamp<Index>(-top, 0, g.kernel_h),
                                  i1 = std::clamp<Index>(g.in_h - top, i0, g.kernel_h);
                      for (Index column = 0; column < g.out_w; ++column) {
                        const Index left = column * g.stride_w - g.pad_w;
                        const Index j0 = std::clamp<Index>(-left, 0, g.kernel_w),
                                    j1 = std::clamp<Index>(g.in_w - left, j0, g.kernel_w);
                        const Index at = (row * g.out_w + column) * g.out_c;
                        for (Index b = 0; b < g.out_c; ++b) {
                          S sum = S(0);
                          for (Index i = i0; i < i1; ++i)
                            sum += dot(x + ((n * g.in_h + top + i) * g.in_w + left + j0) * g.in_c,
                                       kernels + b * length + (i * g.kernel_w + j0) * g.in_c, (j1 - j0) * g.in_c);
                          y[at + b] = finish_one(sum, at + b, b, epilogue);
                        }
                      }
                    }
                  });
}

/// Input gradient to few channels: the product of every out pixel with all taps at once, whose channels together fill
/// the packets, and then the sum of each in pixel's taps.
template <class S>
void conv_input_gradient_few(const ConvGeometry& g, const S* dy, const S* w, S* dx, const Epilogue<S>& epilogue) {
  const Index columns = g.taps() * g.in_c;
  const ColumnBlocks<S> blocks{columns};
  const Index width = blocks.packets() * packet_size<S>;
  S* ordered = scratch<S>(Scratch::padded_copy, g.out_c * columns);  // [out channel][tap][in channel]
  for (Index tap = 0; tap < g.taps(); ++tap)
    for (Index a = 0; a < g.in_c; ++a)
      for (Index b = 0; b < g.out_c; ++b)
        ordered[b * columns + tap * g.in_c + a] =
            w[g.out_major ? (tap * g.out_c + b) * g.in_c + a : (tap * g.in_c + a) * g.out_c + b];
  S* packed = scratch<S>(Scratch::packed_weights, blocks.packed_size(g.out_c));
  pack(ordered, false, 1, g.out_c, columns, packed);

  const Index pixels = g.out_pixels(), image = g.in_pixels() * g.in_c;
  const TaskScratch<S> memory(pixels * width);
  parallel_for(g.batch, g.flops() / 8, [&](Index n, Index worker) {
    S* products = memory.of(worker);
    const S* from = dy + n * pixels * g.out_c;
    const Index tiles = (pixels + tile_rows - 1) / tile_rows;
    for (Index block = 0; block < blocks.count(); ++block) {
      const int packets = blocks.packets_of(block);
      const S* sources[tile_rows];
      Index rows[tile_rows];
      OutputTile<S> job{sources,
                        packed + block * blocks.width * g.out_c,
                        {},
                        products,
                        rows,
                        block * blocks.width,
                        packets * packet_size<S>,
                        {}};
      job.loops = {{1, 1, g.out_c}, {0, 0, 1}, {0, 0, packets * packet_size<S>}};
      for (Index tile = 0; tile < tiles; ++tile) {
        const Index first = part_begin(pixels, tiles, tile);
        const auto height = static_cast<int>(part_begin(pixels, tiles, tile + 1) - first);
        for (int r = 0; r < height; ++r) {
          sources[r] = from + (first + r) * g.out_c;
          rows[r] = (first + r) * width;
        }
        output_tile(height, packets, job);
      }
    }
    S* to = dx + n * image;
    std::fill(to, to + image, S(0));
    for (Index y = 0; y < g.out_h; ++y)
      for (Index i = 0; i < g.kernel_h; ++i) {
        const Index to_y = y * g.stride_h - g.pad_h + i;
        if (to_y < 0 || to_y >= g.in_h) continue;
        for (Index j = 0; j < g.kernel_w; ++j) {
          const auto [x0, x1] = valid_range(g.in_w, g.out_w, g.stride_w, g.pad_w, j);
          const S* term = products + y * g.out_w * width + (i * g.kernel_w + j) * g.in_c;
          S* row = to + (to_y * g.in_w + j - g.pad_w) * g.in_c;
          const Index step = g.stride_w * g.in_c;
          for (Index a = 0; a < g.in_c; ++a)
            for (Index x = x0; x < x1; ++x) row[x * step + a] += term[x * width + a];
        }
      }
    if (epilogue.scale || epilogue.bias || epilogue.slope != S(1) || epilogue.gate)
      for (Index at = 0; at < image; ++at) to[at] = finish_one(to[at], n * image + at, at % g.in_c, epilogue);
  });
}

}  // namespace rival::kernels::internal

// rival/kernels/convolution/few_pixels.hpp
// Convolution passes over few pixels, such as those of a single image: packing the weights would cost as much as using
// them, so they are read where they are, each once.

namespace rival::kernels::internal {

/// A matrix of weights as it is stored, or some of its columns.
template <class S>
struct WeightsInPlace {
  const S* from;
  Index rows, distance;  ///< of rows
  Index columns;         ///< a multiple of the packet's scalars
};

/// y += x w for one row: by few rows of w at a time, which are read in the order of memory. The terms are added in the
/// order in which the register tile adds them.
template <class S>
void add_row_product(const S* x, const WeightsInPlace<S>& w, S* y) {
  constexpr Index at_once = 8;
  for (Index k = 0; k < w.rows; k += at_once) {
    const Index count = std::min(at_once, w.rows - k);
    const S* from = w.from + k * w.distance;
    for (Index c = 0; c < w.columns; c += packet_size<S>) {
      Packet<S> sum = load(y + c);
      if (count == at_once) {
#pragma GCC unroll 8
        for (Index i = 0; i < at_once; ++i)
          sum = multiply_add<S>(broadcast(x[k + i]), load(from + i * w.distance + c), sum);
      } else {
        for (Index i = 0; i < count; ++i)
          sum = multiply_add<S>(broadcast(x[k + i]), load(from + i * w.distance + c), sum);
      }
      store(y + c, sum);
    }
  }
}

/// The same for 1 <= rows <= tile_rows rows and the first columns, two packets at most.
template <class S>
void add_tile_product(int rows, const S* const* x, const WeightsInPlace<S>& w, S* const* y) {
  constexpr Index size = packet_size<S>;
  const auto packets = static_cast<int>(w.columns / size);
  Tile<S> tile;
  for (int r = 0; r < rows; ++r) copy_short(y[r], w.columns, tile.sums + r * tile_packets * size);
  multiply_tile<false, true>(rows, packets, x, w.from, size, {{1, 1, w.rows}, {0, 0, 1}, {0, 0, w.distance}}, tile);
  for (int r = 0; r < rows; ++r) copy_short(tile.sums + r * tile_packets * size, w.columns, y[r]);
}

/// Whether a pass over so few pixels (rows of a dense layer) is to read its weights in place. That changes no bit of
/// the result; from 64 on, packing costs less than it saves.
template <class S>
bool reads_in_place(const ConvGeometry& g, Index destination_c) {
  return g.batch * g.out_pixels() < 64 && destination_c % packet_size<S> == 0;
}

/// Output pass, or input gradient if `!output`, with weights stored [tap][source channel][destination channel]: tap by
/// tap, the out pixels that the tap joins with an in pixel are rows of tiles which go on where the tap before left the
/// destination.
template <class S>
void conv_few_pixels(const ConvGeometry& g, bool output, const S* source, const S* w, S* destination,
                     const Epilogue<S>& epilogue) {
  constexpr Index size = packet_size<S>;
  const Index source_c = output ? g.in_c : g.out_c, columns = output ? g.out_c : g.in_c;
  const Index pixels = g.batch * (output ? g.out_pixels() : g.in_pixels());
  const bool one = g.batch * g.out_pixels() == 1;
  const Index strip =
      one ? 16 * size : tile_packets * size;  // long enough to read a row of weights with the memory's grain
  parallel_for((columns + strip - 1) / strip, g.flops() / 100, [&](Index task) {
    const Index first = task * strip, width = std::min(strip, columns - first);
    S* const to = destination + first;
    for (Index p = 0; p < pixels; ++p) std::fill_n(to + p * columns, width, S(0));

    for (Index i = 0; i < g.kernel_h; ++i)
      for (Index j = 0; j < g.kernel_w; ++j) {
        const auto [y0, y1] = valid_range(g.in_h, g.out_h, g.stride_h, g.pad_h, i);
        const auto [x0, x1] = valid_range(g.in_w, g.out_w, g.stride_w, g.pad_w, j);
        const WeightsInPlace<S> weights{w + (i * g.kernel_w + j) * source_c * columns + first, source_c, columns,
                                        width};
        const Index rows = std::max<Index>(0, y1 - y0), across = std::max<Index>(0, x1 - x0),
                    count = g.batch * rows * across;
        const Index tiles = (count + tile_rows - 1) / tile_rows;
        const S* from_rows[tile_rows];
        S* to_rows[tile_rows];
        Index n = 0, y = y0, x = x0;
        for (Index tile = 0; tile < tiles; ++tile) {
          const auto height = static_cast<int>(part_begin(count, tiles, tile + 1) - part_begin(count, tiles, tile));
          for (int r = 0; r < height; ++r) {
            const Index out = (n * g.out_h + y) * g.out_w + x;
            const Index in = (n * g.in_h + y * g.stride_h - g.pad_h + i) * g.in_w + x * g.stride_w - g.pad_w + j;
            from_rows[r] = source + (output ? in : out) * source_c;
            to_rows[r] = to + (output ? out : in) * columns;
            if (++x < x1) continue;
            x = x0;
            if (++y < y1) continue;
            y = y0;
            ++n;
          }
          if (one)
            add_row_product(from_rows[0], weights, to_rows[0]);
          else
            add_tile_product(height, from_rows, weights, to_rows);
        }
      }

    for (Index c = first; c < first + width; c += size) {
      const Packet<S> scale = epilogue.scale ? load(epilogue.scale + c) : broadcast(S(1));
      const Packet<S> bias = epilogue.bias ? load(epilogue.bias + c) : broadcast(S(0));
      for (Index at = c; at < pixels * columns; at += columns)
        store(destination + at,
              finish<S>(load(destination + at), scale, bias, epilogue, [&] { return load(epilogue.gate + at); }));
    }
  });
}

}  // namespace rival::kernels::internal

// rival/kernels/tile/tile_pass.hpp
// A tile pass: all output tiles of a convolution's output pass or input gradient, over all threads.

namespace rival::kernels {

/// The two images of a pass and the segments that cut the destination into regions.
struct PassSides {
  Index batch;
  Index source_h, source_w, source_c;
  Index destination_h, destination_w, destination_c;
  Index kernel_h, kernel_w;
  const std::vector<Segment>* rows;
  const std::vector<Segment>* columns;
};

namespace internal {

/// Destination pixels that share their taps: a rectangle of every image, walked image by image and row by row.
struct Region {
  Segment y, x;
  Index pixels;  ///< of all images
  Index tiles;
  Index chunk;  ///< tiles a task
  Index chunks;
  Index first_task;
};

/// Tasks of about this many operations balance the threads well and still amortise their start.
inline constexpr double task_flops = 1.5e6;

inline Index plan_regions(const PassSides& sides, Index column_blocks, double column_width,
                          std::vector<Region>& regions) {
  regions.clear();
  for (const Segment& y : *sides.rows)
    for (const Segment& x : *sides.columns) {
      const Index pixels = sides.batch * y.count * x.count;
      const Index tiles = (pixels + tile_rows - 1) / tile_rows;
      const double tile = 2.0 * tile_rows * column_width * static_cast<double>(y.taps * x.taps * sides.source_c + 8);
      const Index chunk = std::clamp<Index>(static_cast<Index>(task_flops / tile), 1, tiles);
      regions.push_back({y, x, pixels, tiles, chunk, (tiles + chunk - 1) / chunk, 0});
    }
  // The large regions first, so that the threads end together.
  std::sort(regions.begin(), regions.end(), [](const Region& a, const Region& b) {
    const auto work = [](const Region& r) { return r.tiles * (r.y.taps * r.x.taps + 1); };
    return work(a) != work(b) ? work(a) > work(b) : std::pair(a.y.first, a.x.first) < std::pair(b.y.first, b.x.first);
  });
  Index tasks = 0;
  for (Region& region : regions) {
    region.first_task = tasks;
    tasks += region.chunks * column_blocks;
  }
  return tasks;
}

/// The loops over a region's taps and the source's channels, for packed weights whose rows are `width` wide.
inline SumLoops tap_loops(const PassSides& sides, const Region& region, Index width) {
  const Index channels = sides.source_c;
  SumLoops loops;
  loops.count[0] = region.y.taps;
  loops.left[0] = region.y.source_tap_step * sides.source_w * channels;
  loops.right[0] = region.y.tap_step * sides.kernel_w * channels * width;
  loops.count[1] = region.x.taps;
  loops.left[1] = region.x.source_tap_step * channels;
  loops.right[1] = region.x.tap_step * channels * width;
  loops.count[2] = channels;
  loops.left[2] = 1;
  loops.right[2] = width;
  loops.merge_inner();
  return loops;
}

/// Walks a region's pixels in order and says where each begins in the source and in the destination.
class PixelWalk {
 public:
  PixelWalk(const PassSides& sides, const Region& region, Index pixel)
      : sides_(sides),
        region_(region),
        x_(pixel % region.x.count),
        y_(pixel / region.x.count % region.y.count),
        n_(pixel / region.x.count / region.y.count),
        source_step_(region.x.source_step * sides.source_c),
        destination_step_(region.x.step * sides.destination_c) {
    place();
  }
  Index source() const { return source_; }
  Index destination() const { return destination_; }
  void next() {
    source_ += source_step_;
    destination_ += destination_step_;
    if (++x_ < region_.x.count) return;
    x_ = 0;
    if (++y_ == region_.y.count) {
      y_ = 0;
      ++n_;
    }
    place();
  }

 private:
  void place() {
    const Segment &y = region_.y, &x = region_.x;
    source_ = ((n_ * sides_.source_h + y.source_first + y_ * y.source_step) * sides_.source_w + x.source_first +
               x_ * x.source_step) *
              sides_.source_c;
    destination_ =
        ((n_ * sides_.destination_h + y.first + y_ * y.step) * sides_.destination_w + x.first + x_ * x.step) *
        sides_.destination_c;
  }

  const PassSides& sides_;
  const Region& region_;
  Index x_, y_, n_;
  Index source_step_, destination_step_;
  Index source_ = 0, destination_ = 0;
};

}  // namespace internal

/// destination[pixel, :] = epilogue(sum over the pixel's taps of source[...] times the tap's matrix), with `packed`
/// from `pack`. Every element of the destination is written; a pixel without taps gets epilogue(0).
template <class S>
void tile_pass(const PassSides& sides, const S* source, const S* packed, S* destination, const Epilogue<S>& epilogue) {
  thread_local std::vector<internal::Region> regions_of_thread;
  auto& regions = regions_of_thread;  // a thread_local cannot be captured
  const ColumnBlocks<S> blocks{sides.destination_c};
  // Few weights stay near anyway: then a task writes its pixels' columns all at once, for memory takes whole rows much
  // faster.
  constexpr Index near_weights = 4096;
  const bool near = blocks.packed_size(sides.kernel_h * sides.kernel_w * sides.source_c) <= near_weights;
  const Index blocks_of_task = near ? blocks.count() : 1;
  const Index tasks = internal::plan_regions(sides, near ? 1 : blocks.count(),
                                             static_cast<double>(blocks_of_task * blocks.width), regions);
  double work = 0;
  for (const auto& region : regions)
    work += 2.0 * static_cast<double>(region.pixels * (region.y.taps * region.x.taps * sides.source_c + 1)) *
            static_cast<double>(sides.destination_c);

  parallel_for(tasks, work / 16, [&](Index task) {
    std::size_t found = regions.size() - 1;
    while (regions[found].first_task > task) --found;
    const internal::Region& region = regions[found];
    const Index first_block = near ? 0 : (task - region.first_task) / region.chunks;
    const Index chunk = (task - region.first_task) % region.chunks;

    const S* sources[tile_rows];
    Index rows[tile_rows];
    OutputTile<S> job;
    job.sources = sources;
    job.rows = rows;
    job.destination = destination;
    job.epilogue = epilogue;
    const auto compute = [&](int height, Index block) {
      const int packets = blocks.packets_of(block);
      const Index width = packets * packet_size<S>;
      job.column = block * blocks.width;
      job.columns = sides.destination_c - job.column;
      job.packed = packed + job.column * sides.kernel_h * sides.kernel_w * sides.source_c +
                   (region.y.tap_first * sides.kernel_w + region.x.tap_first) * sides.source_c * width;
      job.loops = internal::tap_loops(sides, region, width);
      output_tile(height, packets, job);
    };

    const Index end = sides.batch * sides.destination_h * sides.destination_w * sides.destination_c;
    const Index first = part_begin(region.tiles, region.chunks, chunk);
    const Index last = part_begin(region.tiles, region.chunks, chunk + 1);
    internal::PixelWalk pixel(sides, region, part_begin(region.pixels, region.tiles, first));
    for (Index tile = first; tile < last; ++tile) {
      const auto height = static_cast<int>(part_begin(region.pixels, region.tiles, tile + 1) -
                                           part_begin(region.pixels, region.tiles, tile));
      for (int r = 0; r < height; ++r, pixel.next()) {
        sources[r] = source + pixel.source();
        rows[r] = pixel.destination();
      }
      if (near) {  // the next tile's pixels, which mostly lie side by side
        constexpr Index line = 64 / static_cast<Index>(sizeof(S));
        const Index ahead = std::min(tile_rows * sides.destination_c, end - pixel.destination());
        for (Index i = 0; i < ahead; i += line) {
          prefetch_to_write(destination + pixel.destination() + i);
          if (epilogue.gate) prefetch(epilogue.gate + pixel.destination() + i);
        }
      }
      for (Index block = first_block; block < first_block + blocks_of_task; ++block) compute(height, block);
    }
  });
}

}  // namespace rival::kernels

// rival/kernels/winograd/winograd.hpp
// Output passes and input gradients by Winograd's minimal filtering.

// rival/kernels/winograd/taps.hpp
// The weights' side of Winograd's algorithm: G g G^T, a few points at a time.

namespace rival::kernels::internal {

/// Points that are summed up together, since they are sums of the same taps: (p, q) and (p, q + 1).
inline constexpr int points_together = 2;

/// What the taps of a pair of groups count at neighbouring points of one row. A row of taps that counts nothing is left
/// out.
template <class S>
struct TapSum {
  static constexpr int most = WinogradTransform<S>::most_taps;
  int rows = 0, columns = 0, points = 0;
  std::array<std::array<const S*, most>, most> from;  ///< the taps' matrices
  std::array<S, most> down;
  std::array<std::array<S, most>, points_together> across;

  /// Of groups a and b at points (p, q) to (p, q + points - 1); the taps' matrices lie tap_step apart in `packed`.
  TapSum(const TileRegion& region, Index kernel_w, Index a, Index b, Index p, Index q, int points_here, const S* packed,
         Index tap_step)
      : points(points_here) {
    const FilterPhase &y = *region.y->phase, &x = *region.x->phase;
    const TapGroup &group_y = y.group[static_cast<std::size_t>(a)], &group_x = x.group[static_cast<std::size_t>(b)];
    const auto &along_y = region.y->transform<S>(), &along_x = region.x->transform<S>();
    columns = static_cast<int>(group_x.taps);
    for (Index i = 0; i < group_y.taps; ++i) {
      if (along_y.weights[p][i] == 0) continue;
      for (Index j = 0; j < columns; ++j)
        from[static_cast<std::size_t>(rows)][static_cast<std::size_t>(j)] =
            packed + ((group_y.tap_first + y.tap_step * i) * kernel_w + group_x.tap_first + x.tap_step * j) * tap_step;
      down[static_cast<std::size_t>(rows++)] = static_cast<S>(along_y.weights[p][i]);
    }
    for (int k = 0; k < points; ++k)
      for (int j = 0; j < columns; ++j)
        across[static_cast<std::size_t>(k)][static_cast<std::size_t>(j)] = static_cast<S>(along_x.weights[q + k][j]);
  }
};

/// to[k * to_step + i] = sum over columns c of across[k][c] * sum over rows r of down[r] * from[r][c][i], for i <
/// count, whole packets.
template <class S, int Rows, int Columns, int Points>
void add_up(const TapSum<S>& sum, Index count, S* to, Index to_step) {
  Packet<S> down[Rows], across[Points][Columns];
  const S* from[Rows][Columns];
  for (std::size_t r = 0; r < Rows; ++r) {
    down[r] = broadcast(sum.down[r]);
    for (std::size_t c = 0; c < Columns; ++c) from[r][c] = sum.from[r][c];
  }
  for (std::size_t k = 0; k < Points; ++k)
    for (std::size_t c = 0; c < Columns; ++c) across[k][c] = broadcast(sum.across[k][c]);
  for (Index i = 0; i < count; i += packet_size<S>) {
    Packet<S> column[Columns];
#pragma GCC unroll 3
    for (int c = 0; c < Columns; ++c) {
      column[c] = multiply<S>(down[0], load(from[0][c] + i));
#pragma GCC unroll 3
      for (int r = 1; r < Rows; ++r) column[c] = multiply_add<S>(down[r], load(from[r][c] + i), column[c]);
    }
#pragma GCC unroll 2
    for (int k = 0; k < Points; ++k) {
      Packet<S> point = multiply<S>(across[k][0], column[0]);
#pragma GCC unroll 3
      for (int c = 1; c < Columns; ++c) point = multiply_add<S>(across[k][c], column[c], point);
      store(to + k * to_step + i, point);
    }
  }
}

template <class S>
void sum_taps(const TapSum<S>& sum, Index count, S* to, Index to_step) {
  constexpr int most = TapSum<S>::most;
  static constexpr auto table = []<int... K>(std::integer_sequence<int, K...>) {
    return std::array<void (*)(const TapSum<S>&, Index, S*, Index), sizeof...(K)>{
        add_up<S, K % most + 1, K / most % most + 1, K / most / most + 1>...};
  }
  (std::make_integer_sequence<int, most * most * points_together>{});
  if (sum.rows == 0) {
    for (int k = 0; k < sum.points; ++k) std::fill_n(to + k * to_step, count, S(0));
    return;
  }
  table[static_cast<std::size_t>(((sum.points - 1) * most + sum.columns - 1) * most + sum.rows - 1)](sum, count, to,
                                                                                                     to_step);
}

}  // namespace rival::kernels::internal

namespace rival::kernels {

namespace internal {

/// The scratch memory of one region: V = B^T d B of the source's tiles, and their products with the weights.
struct WinogradRegion : TileRegion {
  Index source_begin, product_begin;
};

template <class S>
class WinogradPass {
 public:
  WinogradPass(const ConvGeometry& g, bool output, const FilterPlan& plan)
      : g_(g),
        plan_(plan),
        source_c_(output ? g.in_c : g.out_c),
        destination_c_(output ? g.out_c : g.in_c),
        blocks_{destination_c_} {}

  void run(bool transposed, const S* source, const S* w, S* destination, const Epilogue<S>& epilogue) {
    packed_ = scratch<S>(Scratch::packed_weights, blocks_.packed_size(g_.taps() * source_c_));
    pack(w, transposed, g_.taps(), source_c_, destination_c_, packed_);
    Index fewest_tiles = plan_.rows[0].tiles * plan_.columns[0].tiles;
    for (const TileRun& y : plan_.rows)
      for (const TileRun& x : plan_.columns) fewest_tiles = std::min(fewest_tiles, TileRegion{&y, &x}.tiles());
    const Index parts = image_parts(g_.batch, fewest_tiles, [&](Index images) {
      images_ = images;
      Index largest = 0;
      for (const TileRun& y : plan_.rows)
        for (const TileRun& x : plan_.columns) largest = std::max(largest, size_of({&y, &x}));
      return largest;
    });
    for (Index i = 0; i < parts; ++i) {
      const Index first = part_begin(g_.batch, parts, i);
      images_ = part_begin(g_.batch, parts, i + 1) - first;
      source_ = source + first * plan_.y.source * plan_.x.source * source_c_;
      const Index done = first * plan_.y.destination * plan_.x.destination * destination_c_;
      destination_ = destination + done;
      epilogue_ = epilogue;
      if (epilogue.gate) epilogue_.gate += done;
      run_images();
    }
  }

 private:
  static constexpr Index size = packet_size<S>;
  /// Channels of the destination that a task of products takes at the most.
  static constexpr Index columns_of_task = 128;
  static Index padded(Index channels) { return (channels + size - 1) / size * size; }
  /// Scalars from row to row of V: not a multiple of what makes rows compete for the first-level cache.
  Index row_step(const TileRegion& region) const {
    const Index step = region.groups() * padded(source_c_);
    return step * static_cast<Index>(sizeof(S)) % 1024 == 0 ? step + 2 * size : step;
  }
  Index rows(const TileRegion& region) const { return images_ * region.tiles(); }
  Index point_step(const TileRegion& region, Index step) const { return spread_points<S>(rows(region) * step); }
  Index size_of(const TileRegion& region) const {
    return region.points() * (point_step(region, row_step(region)) + point_step(region, padded(destination_c_)));
  }

  /// Some images: the regions in stages that share the scratch memory.
  void run_images() {
    thread_local std::vector<WinogradRegion> regions_of_thread;
    regions_ = &regions_of_thread;
    regions_->clear();
    Index used = 0;
    const auto finish = [&] {
      memory_ = scratch<S>(Scratch::partial_sums, used);
      run_stage();
      regions_->clear();
      used = 0;
    };
    for (const TileRun& y : plan_.rows)
      for (const TileRun& x : plan_.columns) {
        const TileRegion region{&y, &x};
        const Index needed = size_of(region);
        if (used > 0 && used + needed > winograd_memory) finish();
        const Index products = used + region.points() * point_step(region, row_step(region));
        regions_->push_back({region, used, products});
        used += needed;
      }
    finish();
  }

  void run_stage() {
    const double channels = static_cast<double>(source_c_ + destination_c_);
    double points = 0, products = 0;
    for (const auto& region : *regions_) {
      points += static_cast<double>(rows(region) * region.points());
      products += static_cast<double>(rows(region) * region.points() * region.groups());
    }
    for_each([&](const TileRegion& r) { return (rows(r) + 3) / 4; }, points * channels,
             [&](const WinogradRegion& r, Index task, Index) {
               for (Index row = task * 4; row < std::min(rows(r), task * 4 + 4); ++row) transform_source(r, row);
             });
    const TaskScratch<S> panels(points_together * panel_size());
    const Index parts = (destination_c_ + columns_of_task - 1) / columns_of_task;
    for_each([&](const TileRegion& r) { return r.y->points() * steps_x(r) * parts; },
             products * static_cast<double>(source_c_) * static_cast<double>(destination_c_) / 8,
             [&](const WinogradRegion& r, Index task, Index worker) {
               const Index step = task / parts, p = step / steps_x(r), q = step % steps_x(r) * points_together;
               const Index first = part_begin(blocks_.count(), parts, task % parts);
               const Index last = part_begin(blocks_.count(), parts, task % parts + 1);
               const Index together = std::min<Index>(points_together, r.x->points() - q);
               const bool alike = r.x->groups_at(q) == r.x->groups_at(q + together - 1);
               for (Index k = 0; k < together; k += alike ? together : 1)
                 multiply(r, p, q + k, alike ? static_cast<int>(together) : 1, first, last, panels.of(worker));
             });
    for_each([&](const TileRegion& r) { return (rows(r) + 3) / 4; }, points * channels,
             [&](const WinogradRegion& r, Index task, Index) {
               for (Index row = task * 4; row < std::min(rows(r), task * 4 + 4); ++row) transform_destination(r, row);
             });
  }

  /// task(region, i, worker) for each region's i < count(region).
  template <class Count, class Task>
  void for_each(const Count& count, double work, const Task& task) const {
    Index tasks = 0;
    for (const auto& region : *regions_) tasks += count(region);
    parallel_for(tasks, work, [&](Index i, Index worker) {
      auto region = regions_->begin();
      for (; i >= count(*region); ++region) i -= count(*region);
      task(*region, i, worker);
    });
  }

  void transform_source(const WinogradRegion& region, Index row) const {
    const Index groups_x = region.x->phase->groups, step = row_step(region), channels = padded(source_c_);
    for (Index a = 0; a < region.y->phase->groups; ++a)
      for (Index b = 0; b < groups_x; ++b)
        transform_source_tile(plan_, region, row, a, b, source_, source_c_, 0, source_c_,
                              memory_ + region.source_begin + row * step + (a * groups_x + b) * channels,
                              point_step(region, step));
  }

  static Index steps_x(const TileRegion& r) { return (r.x->points() + points_together - 1) / points_together; }
  Index panel_size() const { return FilterPhase::most_groups * FilterPhase::most_groups * source_c_ * blocks_.width; }

  /// The products of points (p, q) to (p, q + points - 1) with blocks [first, last) of columns: block by block, their
  /// weights and then their tiles.
  void multiply(const WinogradRegion& region, Index p, Index q, int points, Index first, Index last, S* panels) const {
    const Index groups_y = region.y->groups_at(p), groups_x = region.x->groups_at(q);
    for (Index block = first; block < last; ++block) {
      const Index width = blocks_.packets_of(block) * size, column = block * blocks_.width;
      for (Index a = 0; a < groups_y; ++a)
        for (Index b = 0; b < groups_x; ++b)
          sum_taps(TapSum<S>(region, g_.kernel_w, a, b, p, q, points, packed_ + column * g_.taps() * source_c_,
                             source_c_ * width),
                   source_c_ * width, panels + (a * groups_x + b) * source_c_ * width, panel_size());
      for (int k = 0; k < points; ++k) multiply_block(region, p, q + k, block, panels + k * panel_size());
    }
  }

  void multiply_block(const WinogradRegion& region, Index p, Index q, Index block, const S* panel) const {
    const Index groups_y = region.y->groups_at(p), groups_x = region.x->groups_at(q), channels = padded(source_c_);
    const Index step = row_step(region);
    const Index point = p * region.x->points() + q, column = block * blocks_.width;
    const int packets = blocks_.packets_of(block);
    const Index width = packets * size;
    const S* left = memory_ + region.source_begin + point * point_step(region, step);
    S* products = memory_ + region.product_begin + point * point_step(region, padded(destination_c_));
    const S* sources[tile_rows];
    Index to[tile_rows];
    SumLoops loops{{groups_y, groups_x, source_c_},
                   {region.x->phase->groups * channels, channels, 1},
                   {groups_x * source_c_ * width, source_c_ * width, width}};
    loops.merge_inner();
    const OutputTile<S> job{sources, panel, loops, products, to, column, padded(destination_c_) - column, {}};
    for_each_tile(rows(region), [&](Index row, int height) {
      for (int r = 0; r < height; ++r) {
        sources[r] = left + (row + r) * step;
        to[r] = (row + r) * padded(destination_c_);
      }
      output_tile(height, packets, job);
    });
  }

  void transform_destination(const WinogradRegion& region, Index row) const {
    const DestinationTile tile(plan_, region, row, destination_c_);
    const Index channels = padded(destination_c_), step = point_step(region, channels);
    const S* from = memory_ + region.product_begin + row * channels;
    transform_tile(
        region.y->transform<S>().destination, region.x->transform<S>().destination, destination_c_,
        [&](int p, int q) { return from + (p * region.x->points() + q) * step; },
        [&](int i) { return destination_ + tile.first + i * tile.down; }, tile.across);
    if (epilogue_.nothing()) return;
    for (Index i = 0; i < region.y->outputs; ++i)
      for (Index j = 0; j < region.x->outputs; ++j) finish(tile.first + i * tile.down + j * tile.across);
  }

  /// The epilogue on one pixel.
  void finish(Index pixel) const {
    const Epilogue<S> epilogue = epilogue_;  // copies: the stores below might change these, for all the compiler knows
    const Index channels = destination_c_;
    S* const to = destination_ + pixel;
    const auto packet = [&](Index c, const auto& read, const auto& write) {
      const Packet<S> scale = epilogue.scale ? read(epilogue.scale + c) : broadcast(S(1));
      const Packet<S> bias = epilogue.bias ? read(epilogue.bias + c) : broadcast(S(0));
      write(to + c,
            kernels::finish<S>(read(to + c), scale, bias, epilogue, [&] { return read(epilogue.gate + pixel + c); }));
    };
    Index c = 0;
    for (; c + size <= channels; c += size)
      packet(
          c, [](const S* from) { return load(from); }, [](S* place, const Packet<S>& y) { store(place, y); });
    const Index left = channels - c;
    if (left > 0)
      packet(
          c, [left](const S* from) { return load_part(from, left); },
          [left](S* place, const Packet<S>& y) { store_part(place, y, left); });
  }

  const ConvGeometry& g_;
  const FilterPlan& plan_;
  Index source_c_, destination_c_;
  ColumnBlocks<S> blocks_;
  Index images_ = 0;
  S* packed_ = nullptr;
  S* memory_ = nullptr;
  const S* source_ = nullptr;
  S* destination_ = nullptr;
  Epilogue<S> epilogue_;
  std::vector<WinogradRegion>* regions_ = nullptr;
};

}  // namespace internal

/// destination = epilogue(output pass or input gradient of `source`), if Winograd's algorithm suits the shapes; else it
/// does nothing and returns false. A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, 2016.
template <class S>
bool winograd_pass(const ConvGeometry& g, bool output, const S* source, const S* w, S* destination,
                   const Epilogue<S>& epilogue) {
  thread_local internal::FilterPlan plan;
  const Index source_c = output ? g.in_c : g.out_c, destination_c = output ? g.out_c : g.in_c;
  if (!plan.make(g, output) ||
      internal::pass_gain(plan, g.batch, source_c, destination_c) < internal::winograd_least_gain)
    return false;
  internal::WinogradPass<S>(g, output, plan).run(output == g.out_major, source, w, destination, epilogue);
  return true;
}

}  // namespace rival::kernels

namespace rival::kernels {

namespace internal {

enum class Pass { output, input_gradient };

/// Both passes in one, directly: packs the weights, cuts the destination into regions and runs their tiles.
template <class S>
void direct_pass(const ConvGeometry& g, Pass pass, const S* source, const S* w, S* destination,
                 const Epilogue<S>& epilogue) {
  thread_local std::vector<Segment> rows, columns;
  const bool output = pass == Pass::output;
  PassSides sides;
  sides.batch = g.batch;
  sides.kernel_h = g.kernel_h;
  sides.kernel_w = g.kernel_w;
  sides.rows = &rows;
  sides.columns = &columns;
  if (output) {
    output_segments(g.in_h, g.out_h, g.kernel_h, g.stride_h, g.pad_h, rows);
    output_segments(g.in_w, g.out_w, g.kernel_w, g.stride_w, g.pad_w, columns);
    sides.source_h = g.in_h, sides.source_w = g.in_w, sides.source_c = g.in_c;
    sides.destination_h = g.out_h, sides.destination_w = g.out_w, sides.destination_c = g.out_c;
  } else {
    input_gradient_segments(g.in_h, g.out_h, g.kernel_h, g.stride_h, g.pad_h, rows);
    input_gradient_segments(g.in_w, g.out_w, g.kernel_w, g.stride_w, g.pad_w, columns);
    sides.source_h = g.out_h, sides.source_w = g.out_w, sides.source_c = g.out_c;
    sides.destination_h = g.in_h, sides.destination_w = g.in_w, sides.destination_c = g.in_c;
  }
  const ColumnBlocks<S> blocks{sides.destination_c};
  S* packed = scratch<S>(Scratch::packed_weights, blocks.packed_size(g.taps() * sides.source_c));
  pack(w, output == g.out_major, g.taps(), sides.source_c, sides.destination_c, packed);
  tile_pass(sides, source, packed, destination, epilogue);
}

/// Both passes in one: by Winograd's algorithm where it pays. In double, of which one expects the last digits, it is
/// not used.
template <class S>
void conv_pass(const ConvGeometry& g, Pass pass, const S* source, const S* w, S* destination,
               const Epilogue<S>& epilogue) {
  parallel_scope(g.flops() / 16, [&] {
    if constexpr (std::is_same_v<S, float>)
      if (winograd_pass(g, pass == Pass::output, source, w, destination, epilogue)) return;
    direct_pass(g, pass, source, w, destination, epilogue);
  });
}

/// Destinations of so few channels would leave most of a packet idle.
template <class S>
bool is_few(Index channels) {
  return channels * 4 <= packet_size<S>;
}

}  // namespace internal

/// y = epilogue(x convolved with w): y[out, b] = sum over taps and channels a of x[in, a] * w[tap, a, b].
template <class S>
void conv_output(const ConvGeometry& g, const S* x, const S* w, S* y, const Epilogue<S>& epilogue = {}) {
  if (internal::is_few<S>(g.out_c) && g.in_c * g.kernel_w >= packet_size<S>)
    internal::conv_output_few(g, x, w, y, epilogue);
  else if (!g.out_major && internal::reads_in_place<S>(g, g.out_c))
    internal::conv_few_pixels(g, true, x, w, y, epilogue);
  else if (g.is_product())
    matrix_product(g.batch * g.out_pixels(), g.in_c, g.out_c, x, w, g.out_major, y, epilogue);
  else
    internal::conv_pass(g, internal::Pass::output, x, w, y, epilogue);
}

/// dx = epilogue(gradient of the output pass with respect to x): dx[in, a] = sum over taps and channels b of
/// dy[out, b] * w[tap, a, b].
template <class S>
void conv_input_gradient(const ConvGeometry& g, const S* dy, const S* w, S* dx, const Epilogue<S>& epilogue = {}) {
  if (internal::is_few<S>(g.in_c) && g.taps() > 1)
    internal::conv_input_gradient_few(g, dy, w, dx, epilogue);
  else if (g.out_major && internal::reads_in_place<S>(g, g.in_c))
    internal::conv_few_pixels(g, false, dy, w, dx, epilogue);
  else if (g.is_product())
    matrix_product(g.batch * g.out_pixels(), g.out_c, g.in_c, dy, w, !g.out_major, dx, epilogue);
  else
    internal::conv_pass(g, internal::Pass::input_gradient, dy, w, dx, epilogue);
}

RIVAL_INSTANTIATE_FUNCTION(conv_output);
RIVAL_INSTANTIATE_FUNCTION(conv_input_gradient);

}  // namespace rival::kernels

namespace rival::kernels {

namespace internal {

/// The sides of an output pass or an input gradient, for groups of fewer channels than a packet's: the packets run
/// across the groups. Destination channel c is a sum over the taps and the `depth` source channels of its group.
struct AcrossGroups {
  Index batch;
  Index source_h, source_w, source_c;
  Index destination_h, destination_w, channels;
  Index depth;  ///< source channels of a group
  Index width;  ///< destination channels of a group
  Index kernel_w;
  const std::vector<Segment>* rows;
  const std::vector<Segment>* columns;

  /// Otherwise a depthwise convolution, whose sources lie as the packets want them.
  bool spreads() const { return depth > 1 || width > 1; }
};

/// For each of `channels` the first of the `depth` channels of the other side that its group of `width` sees. The list
/// is the thread's, good until its next call.
inline const Index* first_seen(Index depth, Index width, Index channels) {
  thread_local std::vector<Index> list;
  list.resize(static_cast<std::size_t>(channels));
  for (Index c = 0; c < channels; ++c) list[static_cast<std::size_t>(c)] = c / width * depth;
  return list.data();
}

/// to[x, k, c] = from[x, first[c] + k]: for each of `channels` the `depth` channels of the other side that it sees.
template <class S>
void spread_channels(Index pixels, Index depth, Index channels, const Index* first, const S* from, Index from_channels,
                     S* to) {
  for (Index x = 0; x < pixels; ++x, from += from_channels)
    for (Index k = 0; k < depth; ++k, to += channels)
      for (Index c = 0; c < channels; ++c) to[c] = from[first[c] + k];
}

/// sums[c] += sum over i < count of left[i * left_step + c] * right[i * right_step + c]
template <class S>
void add_channel_products(Index channels, Index count, const S* left, Index left_step, const S* right, Index right_step,
                          S* sums) {
  constexpr Index size = packet_size<S>;
  Index c = 0;
  for (; c + size <= channels; c += size) {
    Packet<S> sum = load(sums + c);
    for (Index i = 0; i < count; ++i)
      sum = multiply_add<S>(load(left + i * left_step + c), load(right + i * right_step + c), sum);
    store(sums + c, sum);
  }
  for (; c < channels; ++c)
    for (Index i = 0; i < count; ++i) sums[c] += left[i * left_step + c] * right[i * right_step + c];
}

/// row[x, c] = epilogue(row[x, c]) for a row that begins at `row` in the destination.
template <class S>
void finish_row(Index pixels, Index channels, Index row, S* destination, const Epilogue<S>& epilogue) {
  constexpr Index size = packet_size<S>;
  for (Index c = 0; c < channels; c += size) {
    const Index left = channels - c;
    const auto read = [&](const S* from) { return left >= size ? load(from) : load_part(from, left); };
    const Packet<S> scale = epilogue.scale ? read(epilogue.scale + c) : broadcast(S(1));
    const Packet<S> bias = epilogue.bias ? read(epilogue.bias + c) : broadcast(S(0));
    for (Index x = 0; x < pixels; ++x) {
      const Index to = row + x * channels + c;
      const Packet<S> y =
          finish<S>(read(destination + to), scale, bias, epilogue, [&] { return read(epilogue.gate + to); });
      if (left >= size)
        store(destination + to, y);
      else
        store_part(destination + to, y, left);
    }
  }
}

/// A task makes a row of the destination; `w` is {taps, depth, channels}.
template <class S>
void across_groups_pass(const AcrossGroups& p, const S* source, const S* w, S* destination, const Epilogue<S>& epilogue,
                        double work) {
  const Index pixel = p.depth * p.channels;
  const TaskScratch<S> memory(p.spreads() ? p.source_w * pixel : 0);
  const Index* seen = first_seen(p.depth, p.width, p.channels);
  parallel_for(p.batch * p.destination_h, work, [&](Index task, Index worker) {
    const Index n = task / p.destination_h, y = task % p.destination_h, row = task * p.destination_w * p.channels;
    std::fill_n(destination + row, p.destination_w * p.channels, S(0));
    for (const Segment& rows : *p.rows) {
      const Index step = (y - rows.first) / rows.step;
      if (y < rows.first || (y - rows.first) % rows.step != 0 || step >= rows.count) continue;
      for (Index i = 0; i < rows.taps; ++i) {
        const Index source_y = rows.source_first + step * rows.source_step + i * rows.source_tap_step;
        const S* from = source + (n * p.source_h + source_y) * p.source_w * p.source_c;
        if (p.spreads()) {
          spread_channels(p.source_w, p.depth, p.channels, seen, from, p.source_c, memory.of(worker));
          from = memory.of(worker);
        }
        const S* taps = w + (rows.tap_first + i * rows.tap_step) * p.kernel_w * pixel;
        for (const Segment& columns : *p.columns)
          for (Index x = 0; x < columns.count; ++x)
            for (Index k = 0; k < p.depth; ++k)
              add_channel_products(p.channels, columns.taps,
                                   from + (columns.source_first + x * columns.source_step) * pixel + k * p.channels,
                                   columns.source_tap_step * pixel, taps + columns.tap_first * pixel + k * p.channels,
                                   columns.tap_step * pixel,
                                   destination + row + (columns.first + x * columns.step) * p.channels);
      }
    }
    finish_row(p.destination_w, p.channels, row, destination, epilogue);
  });
}

/// Sums over parts of the rows, which are then added in their order.
template <class S>
void across_groups_weight_gradient(const ConvGeometry& g, Index groups, const S* x, const S* dy, S* dw) {
  const Index depth = g.in_c / groups, width = g.out_c / groups, pixel = depth * g.out_c, size = g.taps() * pixel;
  const bool spreads = depth > 1 || width > 1;
  const Index rows = g.batch * g.out_h, parts = std::min<Index>(rows, 16);
  S* sums = scratch<S>(Scratch::partial_sums, parts * size);
  const TaskScratch<S> memory(spreads ? g.in_w * pixel : 0);
  const Index* seen = first_seen(depth, width, g.out_c);
  parallel_for(parts, g.flops() / static_cast<double>(groups) / 4, [&](Index part, Index worker) {
    std::fill_n(sums + part * size, size, S(0));
    for (Index row = part_begin(rows, parts, part); row < part_begin(rows, parts, part + 1); ++row)
      for (Index tap_y = 0; tap_y < g.kernel_h; ++tap_y) {
        const Index in_y = row % g.out_h * g.stride_h - g.pad_h + tap_y;
        if (in_y < 0 || in_y >= g.in_h) continue;
        const S* from = x + (row / g.out_h * g.in_h + in_y) * g.in_w * g.in_c;
        if (spreads) {
          spread_channels(g.in_w, depth, g.out_c, seen, from, g.in_c, memory.of(worker));
          from = memory.of(worker);
        }
        for (Index tap_x = 0; tap_x < g.kernel_w; ++tap_x) {
          const auto [first, last] = valid_range(g.in_w, g.out_w, g.stride_w, g.pad_w, tap_x);
          if (first == last) continue;
          const Index in_x = first * g.stride_w - g.pad_w + tap_x;
          for (Index k = 0; k < depth; ++k)
            add_channel_products(g.out_c, last - first, from + in_x * pixel + k * g.out_c, g.stride_w * pixel,
                                 dy + (row * g.out_w + first) * g.out_c, g.out_c,
                                 sums + part * size + (tap_y * g.kernel_w + tap_x) * pixel + k * g.out_c);
        }
      }
  });
  for (Index part = 0; part < parts; ++part)
    for (Index i = 0; i < size; ++i) dw[i] += sums[part * size + i];
}

/// Whether packets run across the groups; the operands of wider groups are copied out, for the passes of whole
/// convolutions.
template <class S>
bool goes_across_groups(const ConvGeometry& g, Index groups) {
  return std::max(g.in_c, g.out_c) / groups < packet_size<S>;
}

/// to[row, i] = from[row, first + i] for `count` of `channels` channels.
template <class S>
void gather_group(Index rows, Index channels, Index first, Index count, const S* from, S* to) {
  parallel_blocks(rows, 256, static_cast<double>(rows * count) / 4, [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) copy_short(from + r * channels + first, count, to + r * count);
  });
}
template <class S>
void scatter_group(Index rows, Index channels, Index first, Index count, const S* from, S* to) {
  parallel_blocks(rows, 256, static_cast<double>(rows * count) / 4, [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) copy_short(from + r * count, count, to + r * channels + first);
  });
}

/// Copies of one group's operands.
template <class S>
struct GroupCopies {
  ConvGeometry geometry;  ///< of one group
  Index in_rows, out_rows, w_rows;
  S *in, *out, *w, *gate;

  GroupCopies(const ConvGeometry& g, Index groups, bool in_gate, bool out_gate)
      : geometry(g),
        in_rows(g.batch * g.in_pixels()),
        out_rows(g.batch * g.out_pixels()),
        w_rows(g.taps() * g.in_c / groups) {
    geometry.in_c /= groups;
    geometry.out_c /= groups;
    const Index in_size = in_rows * geometry.in_c, out_size = out_rows * geometry.out_c,
                w_size = w_rows * geometry.out_c;
    in = scratch<S>(Scratch::group, in_size + out_size + w_size + (in_gate ? in_size : out_gate ? out_size : 0));
    out = in + in_size;
    w = out + out_size;
    gate = w + w_size;
  }
};

/// The epilogue of a group's destination, whose channels begin at `first`; its gate is copied to `gate`.
template <class S>
Epilogue<S> group_epilogue(const Epilogue<S>& whole, Index rows, Index channels, Index first, Index count, S* gate) {
  Epilogue<S> part = whole;
  if (whole.bias) part.bias = whole.bias + first;
  if (whole.scale) part.scale = whole.scale + first;
  if (whole.gate) {
    gather_group(rows, channels, first, count, whole.gate, gate);
    part.gate = gate;
  }
  return part;
}

}  // namespace internal

/// y = epilogue(x convolved with w, group by group): y[out, b] = sum over taps and channels k of
/// x[in, b / (out_c / groups) * (in_c / groups) + k] * w[tap, k, b].
template <class S>
void grouped_output(const ConvGeometry& g, Index groups, const S* x, const S* w, S* y,
                    const Epilogue<S>& epilogue = {}) {
  const double work = g.flops() / static_cast<double>(groups);
  parallel_scope(work / 16, [&] {
    if (internal::goes_across_groups<S>(g, groups)) {
      thread_local std::vector<Segment> rows, columns;
      output_segments(g.in_h, g.out_h, g.kernel_h, g.stride_h, g.pad_h, rows);
      output_segments(g.in_w, g.out_w, g.kernel_w, g.stride_w, g.pad_w, columns);
      const internal::AcrossGroups pass{g.batch, g.in_h,          g.in_w,           g.in_c,     g.out_h, g.out_w,
                                        g.out_c, g.in_c / groups, g.out_c / groups, g.kernel_w, &rows,   &columns};
      return internal::across_groups_pass(pass, x, w, y, epilogue, work / 4);
    }
    const internal::GroupCopies<S> copy(g, groups, false, epilogue.gate != nullptr);
    const Index in = copy.geometry.in_c, out = copy.geometry.out_c;
    for (Index group = 0; group < groups; ++group) {
      internal::gather_group(copy.in_rows, g.in_c, group * in, in, x, copy.in);
      internal::gather_group(copy.w_rows, g.out_c, group * out, out, w, copy.w);
      conv_output(copy.geometry, copy.in, copy.w, copy.out,
                  internal::group_epilogue(epilogue, copy.out_rows, g.out_c, group * out, out, copy.gate));
      internal::scatter_group(copy.out_rows, g.out_c, group * out, out, copy.out, y);
    }
  });
}

/// dx = epilogue(gradient of the output pass with respect to x).
template <class S>
void grouped_input_gradient(const ConvGeometry& g, Index groups, const S* dy, const S* w, S* dx,
                            const Epilogue<S>& epilogue = {}) {
  const double work = g.flops() / static_cast<double>(groups);
  parallel_scope(work / 16, [&] {
    const Index in = g.in_c / groups, out = g.out_c / groups;
    if (internal::goes_across_groups<S>(g, groups)) {
      thread_local std::vector<Segment> rows, columns;
      input_gradient_segments(g.in_h, g.out_h, g.kernel_h, g.stride_h, g.pad_h, rows);
      input_gradient_segments(g.in_w, g.out_w, g.kernel_w, g.stride_w, g.pad_w, columns);
      const internal::AcrossGroups pass{g.batch, g.out_h, g.out_w, g.out_c,    g.in_h, g.in_w,
                                        g.in_c,  out,     in,      g.kernel_w, &rows,  &columns};
      S* turned = scratch<S>(Scratch::packed_weights, g.taps() * out * g.in_c);  // {taps, out of a group, in_c}
      for (Index tap = 0; tap < g.taps(); ++tap)
        for (Index b = 0; b < g.out_c; ++b)
          for (Index k = 0; k < in; ++k)
            turned[(tap * out + b % out) * g.in_c + b / out * in + k] = w[(tap * in + k) * g.out_c + b];
      return internal::across_groups_pass(pass, dy, turned, dx, epilogue, work / 4);
    }
    const internal::GroupCopies<S> copy(g, groups, epilogue.gate != nullptr, false);
    for (Index group = 0; group < groups; ++group) {
      internal::gather_group(copy.out_rows, g.out_c, group * out, out, dy, copy.out);
      internal::gather_group(copy.w_rows, g.out_c, group * out, out, w, copy.w);
      conv_input_gradient(copy.geometry, copy.out, copy.w, copy.in,
                          internal::group_epilogue(epilogue, copy.in_rows, g.in_c, group * in, in, copy.gate));
      internal::scatter_group(copy.in_rows, g.in_c, group * in, in, copy.in, dx);
    }
  });
}

/// dw[tap, k, b] += sum over pixels of x[in pixel, the k-th channel of b's group] * dy[out pixel, b].
template <class S>
void grouped_weight_gradient(const ConvGeometry& g, Index groups, const S* x, const S* dy, S* dw) {
  parallel_scope(g.flops() / static_cast<double>(groups) / 16, [&] {
    if (internal::goes_across_groups<S>(g, groups))
      return internal::across_groups_weight_gradient(g, groups, x, dy, dw);
    const internal::GroupCopies<S> copy(g, groups, false, false);
    const Index in = copy.geometry.in_c, out = copy.geometry.out_c;
    for (Index group = 0; group < groups; ++group) {
      internal::gather_group(copy.in_rows, g.in_c, group * in, in, x, copy.in);
      internal::gather_group(copy.out_rows, g.out_c, group * out, out, dy, copy.out);
      internal::gather_group(copy.w_rows, g.out_c, group * out, out, dw, copy.w);
      conv_weight_gradient(copy.geometry, copy.in, copy.out, copy.w);
      internal::scatter_group(copy.w_rows, g.out_c, group * out, out, copy.w, dw);
    }
  });
}

RIVAL_INSTANTIATE_FUNCTION(grouped_output);
RIVAL_INSTANTIATE_FUNCTION(grouped_input_gradient);
RIVAL_INSTANTIATE_FUNCTION(grouped_weight_gradient);

}  // namespace rival::kernels

// rival/layers/weighted.hpp
// Weighted: what dense, convolution and transposed convolution share, a kernel and a bias.

// rival/layers/size2.hpp
// Size2: an extent by height and width, which may be written as one number.

namespace rival {

/// Height and width: `.kernel = 5` is 5x5, `.kernel = {3, 5}` is 3 high and 5 wide.
struct Size2 {
  Index h,  ///< height
      w;    ///< width

  /// A square.
  constexpr Size2(Index both) : h(both), w(both) {}  // NOLINT: meant to be implicit
  /// Height first, as in shapes.
  constexpr Size2(Index height, Index width) : h(height), w(width) {}

  /// Height times width.
  constexpr Index area() const { return h * w; }
  friend constexpr bool operator==(const Size2&, const Size2&) = default;
  /// As it stands in errors: `3x5`.
  friend std::ostream& operator<<(std::ostream& out, const Size2& size) { return out << size.h << 'x' << size.w; }
};

/// The list of height and width.
inline OptionValue option_value(const Size2& size) { return std::vector<Index>{size.h, size.w}; }
/// Takes a list of two whole numbers.
inline bool read_option(const OptionValue& value, Size2& out) {
  const auto* both = std::get_if<std::vector<Index>>(&value);
  if (!both || both->size() != 2) return false;
  out = {(*both)[0], (*both)[1]};
  return true;
}

namespace internal {

/// More than any window, stride or factor needs, and so few that sums and products of two are numbers.
inline constexpr Index most_size = Index{1} << (4 * sizeof(Index) - 1);

/// Throws Error, beginning with `what`, unless both are at most most_size.
template <class What>
void require_countable(const What& what, std::string_view name, const Size2& size) {
  require(size.h <= most_size && size.w <= most_size, what, ": expected a ", name, " of at most ", most_size, ", got ",
          size);
}

/// extent * factor + more, an extent of what a layer makes. Throws Error, beginning with `what`, when no index can
/// count so far.
template <class What>
Index grown(const What& what, Index extent, Index factor, Index more = 0) {
  constexpr auto most = static_cast<double>(std::numeric_limits<Index>::max() / 2);
  require(static_cast<double>(extent) * static_cast<double>(factor) + std::abs(static_cast<double>(more)) < most, what,
          ": makes more of ", extent, " than an index can count");
  return extent * factor + more;
}

}  // namespace internal

/// For the padding below and to the right: as much as above and to the left.
inline constexpr Size2 as_padding = -1;

}  // namespace rival

namespace rival {

namespace internal {

/// The padding below and to the right of a convolution's options.
template <class Options>
Size2 padding_end(const Options& o) {
  return o.padding_end == as_padding ? o.padding : o.padding_end;
}

/// The shape of a convolution's weight. Throws Error, beginning with `kind`, for options that make none.
template <class Options>
Shape window_shape(std::string_view kind, const Options& o) {
  require(o.in > 0 && o.out > 0, kind, ": expected positive channels, got in ", o.in, ", out ", o.out);
  require(o.kernel.h > 0 && o.kernel.w > 0 && o.stride.h > 0 && o.stride.w > 0, kind,
          ": expected positive kernel and stride, got ", o.kernel, " and ", o.stride);
  const Size2 end = padding_end(o);
  require_countable(kind, "kernel", o.kernel);
  require_countable(kind, "stride", o.stride);
  require_countable(kind, "padding", o.padding);
  require_countable(kind, "padding_end", end);
  require(o.padding.h >= 0 && o.padding.w >= 0 && end.h >= 0 && end.w >= 0, kind, ": expected padding >= 0, got ",
          o.padding, " and ", end);
  return {o.kernel.h, o.kernel.w, o.in, o.out};
}

/// The sizes of a convolution over signals as those over images of one row, which Options2d are of: all but what else
/// it has. Throws Error, beginning with `kind`, for sizes that make none.
template <class Options2d, class Options1d>
Options2d as_one_row(std::string_view kind, const Options1d& o) {
  require(o.kernel > 0 && o.stride > 0, kind, ": expected positive kernel and stride, got ", o.kernel, " and ",
          o.stride);
  const Index end = o.padding_end == as_padding.w ? o.padding : o.padding_end;
  require(o.padding >= 0 && end >= 0, kind, ": expected padding >= 0, got ", o.padding, " and ", end);
  return {.in = o.in,
          .out = o.out,
          .kernel = {1, o.kernel},
          .stride = {1, o.stride},
          .padding = {0, o.padding},
          .padding_end = {0, end},
          .bias = o.bias};
}

/// {1, kernel, in, out} without its one row.
template <class S>
void drop_row(Parameter<S>& weight) {
  for (Tensor<S>* of : {&weight.value, &weight.grad}) of->reshape(of->shape().sample());
}

}  // namespace internal

/// A layer that is linear in `weight` W, which is stored [kernel_h, kernel_w, in, out] ([kernel, in, out] for
/// signals, [in, out] for a dense layer), plus a bias b for each output channel, if there is one: y = x W + b, where
/// the product is what the kind of layer makes of it.
///
///     forward:           y = x W + b
///     backward:          dx = dy W^T,  dW += x^T dy,  db += column sums of dy
///     forward_tangent:   y' = x' W
///     backward_tangent:  dx' = dy' W^T,  dW += x'^T dy + x^T dy',  db += column sums of dy'
///
/// A kind gives the three products; who makes W of something else (spectral norm) derives from a kind and overrides
/// what the passes take W from and where its gradient goes.
template <class S>
class Weighted : public Layer<S> {
 public:
  using Scalar = S;  ///< the type of a weight
  /// Whether a wrapper, such as spectral norm, makes the weight. There can be one at most: each keeps in the trace what
  /// it makes.
  static constexpr bool wrapped = false;

  /// W, stored as the class says.
  Parameter<S>& weight() { return weight_; }
  /// The same, to be read only.
  const Parameter<S>& weight() const { return weight_; }
  /// Empty without a bias.
  Parameter<S>& bias() { return bias_; }
  /// The same, to be read only.
  const Parameter<S>& bias() const { return bias_; }
  /// The W that an evaluation works with: `weight`, or what a wrapper makes of it, which lies in `trace`.
  const Tensor<S>& evaluated_weight(Trace<S>& trace) const { return make_weight(trace, Mode::eval); }
  /// What an initialiser of the weight is told.
  const Fan& fan() const { return fan_; }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    state.parameters.push_back(&weight_);
    if (!bias_.value.empty()) state.parameters.push_back(&bias_);
  }
  /// Weights from the initialiser, biases 0.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    Random stream = random.stream(weight_.name);
    weights(weight_.value, fan_, stream);
    bias_.value.fill(S(0));
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = &x;
    trace.output.resize(this->output_shape(x.shape().sample()).batch(x.dim(0)));
    multiply(x, make_weight(trace, pass.mode), trace.output, output_epilogue(trace, pass));
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    const Tensor<S>& x = *trace.input;
    if (dx) {
      dx->resize(x.shape());
      multiply_transposed(dy, made_weight(trace), *dx,
                          {.gate = pass.slope == S(1) ? nullptr : x.data(), .gate_slope = pass.slope});
    }
    if (!pass.parameters) return;
    add_product_gradient(x, dy, weight_gradient(trace));
    finish_weight_gradient(trace);
    add_bias_gradient(dy);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(trace.output.shape());
    const bool biased = pass.affine && !bias_.value.empty();
    multiply(x_tangent, made_weight(trace), trace.output_tangent,
             {.bias = biased ? bias_.value.data() : nullptr, .gate = pass.gate, .gate_slope = pass.slope});
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>& pass) override {
    const Tensor<S>& x = *trace.input;
    if (dx_tangent) {
      dx_tangent->resize(x.shape());
      if (dy_tangent)
        multiply_transposed(*dy_tangent, made_weight(trace), *dx_tangent, {});
      else
        dx_tangent->fill(S(0));
    }
    Tensor<S>& dw = weight_gradient(trace);
    add_product_gradient(*trace.input_tangent, dy, dw);
    if (dy_tangent) add_product_gradient(x, *dy_tangent, dw);
    finish_weight_gradient(trace);
    if (const Tensor<S>* db = pass.affine ? &dy : dy_tangent) add_bias_gradient(*db);
  }

  bool fuses_activation() const override { return true; }
  bool gates_input() const override { return true; }
  bool fuses_channel_map() const override { return true; }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    weight_.name = name + ".weight";
    bias_.name = name + ".bias";
  }

 protected:
  /// A weight of that shape and, if `bias`, a bias of {out}, all zeros until they are drawn or loaded.
  Weighted(const Shape& weight, WeightAxes axes, Index out, bool bias, Fan fan)
      : weight_("weight", weight), bias_("bias", bias ? Shape{out} : Shape{0}), fan_(fan) {
    weight_.axes = axes;
  }

  /// y = epilogue(x w)
  virtual void multiply(const Tensor<S>& x, const Tensor<S>& w, Tensor<S>& y,
                        const kernels::Epilogue<S>& epilogue) const = 0;
  /// dx = epilogue(dy w^T)
  virtual void multiply_transposed(const Tensor<S>& dy, const Tensor<S>& w, Tensor<S>& dx,
                                   const kernels::Epilogue<S>& epilogue) const = 0;
  /// dw += x^T dy
  virtual void add_product_gradient(const Tensor<S>& x, const Tensor<S>& dy, Tensor<S>& dw) const = 0;

  /// The W of a forward pass, perhaps made and kept in its trace (from place `first_place` on); then the same one for
  /// the passes that follow it.
  virtual const Tensor<S>& make_weight(Trace<S>& trace, Mode mode) const {
    (void)mode;
    return made_weight(trace);
  }
  /// The W that `make_weight` made in that trace's forward pass.
  virtual const Tensor<S>& made_weight(const Trace<S>& trace) const {
    (void)trace;
    return weight_.value;
  }
  /// Where dW is added, and what is then done with it.
  virtual Tensor<S>& weight_gradient(Trace<S>& trace) {
    (void)trace;
    return weight_.grad;
  }
  /// Called when a backward pass has added dW to `weight_gradient`; a wrapper makes its own weight's gradient of it.
  virtual void finish_weight_gradient(Trace<S>& trace) { (void)trace; }
  static constexpr std::size_t first_place = 1;  ///< of Trace::saved that a derived class may use

 private:
  kernels::Epilogue<S> output_epilogue(Trace<S>& trace, const ForwardPass<S>& pass) const {
    const S *scale = pass.map.scale, *bias = bias_.value.empty() ? nullptr : bias_.value.data();
    if (scale && bias) {  // (sum + bias) * scale + shift
      Tensor<S>& both = trace.save(0, bias_.value.shape());
      both.array() =
          bias_.value.array() * ConstArrayMap<S>(scale, both.size()) + ConstArrayMap<S>(pass.map.shift, both.size());
      bias = both.data();
    } else if (scale) {
      bias = pass.map.shift;
    }
    return {.bias = bias, .slope = pass.slope, .scale = scale};
  }
  void add_bias_gradient(const Tensor<S>& dy) {
    if (!bias_.value.empty()) kernels::add_column_sums(dy.rows(), dy.cols(), dy.data(), bias_.grad.data());
  }

  Parameter<S> weight_, bias_;
  Fan fan_;
};

RIVAL_INSTANTIATE_CLASS(Weighted);

/// What a wrapper may go around: a dense layer, a convolution or a transposed one, and no other wrapper.
template <class L>
concept PlainWeighted = std::is_base_of_v<Weighted<typename L::Scalar>, L> && !L::wrapped;

}  // namespace rival

namespace rival {

/// The sizes of a Conv2d.
struct Conv2dOptions {
  Index in = 0;                    ///< channels
  Index out = 0;                   ///< channels
  Size2 kernel = 3;                ///< rows and columns
  Size2 stride = 1;                ///< rows and columns of the input for one of the output
  Size2 padding = 0;               ///< zeros above and to the left
  Size2 padding_end = as_padding;  ///< zeros below and to the right
  bool bias = true;                ///< whether a number is learnt for each out channel and added to it
  Index groups =
      1;  ///< each out channel sees the in channels of its group only; `in` of them are a depthwise convolution

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("out", o.out);
    f("kernel", o.kernel);
    f("stride", o.stride);
    f("padding", o.padding);
    f("padding_end", o.padding_end);
    f("bias", o.bias);
    f("groups", o.groups);
  }
};

namespace internal {

/// The three products of a convolution. Its samples are images {H, W, in} or signals {L, in}, which are images of one
/// row.
template <class S>
class Convolution : public Weighted<S> {
 protected:
  using Epilogue = kernels::Epilogue<S>;

  /// `window` is that of the images. Throws Error, beginning with `kind`, for options that make no weight.
  Convolution(std::string_view kind, const Conv2dOptions& window)
      : Weighted<S>(weight_shape(kind, window), WeightAxes::convolution, window.out, window.bias,
                    weight_fan(kind, window)),
        window_(window) {}

  const Conv2dOptions& window() const { return window_; }

  /// y: each tap reads its pixel; dx: each tap's gradient back to where it read; dW: per tap, sum over pixels of x
  /// outer dy.
  void multiply(const Tensor<S>& x, const Tensor<S>& w, Tensor<S>& y, const Epilogue& epilogue) const override {
    const kernels::ConvGeometry g = geometry(x.shape(), y.shape());
    if (window_.groups == 1)
      kernels::conv_output(g, x.data(), w.data(), y.data(), epilogue);
    else
      kernels::grouped_output(g, window_.groups, x.data(), w.data(), y.data(), epilogue);
  }
  void multiply_transposed(const Tensor<S>& dy, const Tensor<S>& w, Tensor<S>& dx,
                           const Epilogue& epilogue) const override {
    const kernels::ConvGeometry g = geometry(dx.shape(), dy.shape());
    if (window_.groups == 1)
      kernels::conv_input_gradient(g, dy.data(), w.data(), dx.data(), epilogue);
    else
      kernels::grouped_input_gradient(g, window_.groups, dy.data(), w.data(), dx.data(), epilogue);
  }
  void add_product_gradient(const Tensor<S>& x, const Tensor<S>& dy, Tensor<S>& dw) const override {
    const kernels::ConvGeometry g = geometry(x.shape(), dy.shape());
    if (window_.groups == 1)
      kernels::conv_weight_gradient(g, x.data(), dy.data(), dw.data());
    else
      kernels::grouped_weight_gradient(g, window_.groups, x.data(), dy.data(), dw.data());
  }

 private:
  static Shape weight_shape(std::string_view kind, const Conv2dOptions& o) {
    const Shape whole = window_shape(kind, o);
    require(o.groups > 0 && o.in % o.groups == 0 && o.out % o.groups == 0, kind, ": expected groups that divide in ",
            o.in, " and out ", o.out, ", got ", o.groups);
    return whole.with(2, o.in / o.groups);
  }
  static Fan weight_fan(std::string_view kind, const Conv2dOptions& o) {
    const Shape w = weight_shape(kind, o);
    return {o.kernel.area() * w[2], o.kernel.area() * (o.out / o.groups)};
  }
  kernels::ConvGeometry geometry(const Shape& x, const Shape& y) const {
    const auto& o = window_;
    const bool images = x.rank() == 4;
    return {.batch = x[0],
            .in_h = images ? x[1] : 1,
            .in_w = x[x.rank() - 2],
            .in_c = x.back(),
            .out_h = images ? y[1] : 1,
            .out_w = y[y.rank() - 2],
            .out_c = y.back(),
            .kernel_h = o.kernel.h,
            .kernel_w = o.kernel.w,
            .stride_h = o.stride.h,
            .stride_w = o.stride.w,
            .pad_h = o.padding.h,
            .pad_w = o.padding.w};
  }

  Conv2dOptions window_;
};

}  // namespace internal

/// y[n, i, j, :] = b + sum over taps (k, l) of x[n, i * stride.h - padding.h + k, j * stride.w - padding.w + l, :] W[k,
/// l] for a batch x of shape {N, H, W, in}; W is {kernel.h, kernel.w, in, out}, y is {N, H', W', out} with H' =
/// floor((H + padding.h + padding_end.h - kernel.h) / stride.h) + 1 and W' alike.
///
/// With groups, W is {kernel.h, kernel.w, in / groups, out}: both sides' channels are cut into as many pieces of equal
/// size, and a piece of y is made of the same piece of x.
template <class S = float>
class Conv2d : public internal::Convolution<S> {
  using Base = internal::Convolution<S>;

 public:
  using Options = Conv2dOptions;  ///< what it is made from
  /// Throws Error for sizes that are not positive, paddings that are negative, and channels that the groups do not
  /// divide.
  explicit Conv2d(const Conv2dOptions& options) : Base("conv2d", options) {}

  std::string_view kind() const override { return "conv2d"; }
  std::string_view short_name() const override { return "conv"; }
  Description describe() const override { return rival::describe("conv2d", options()); }
  /// The options that it was made with.
  const Conv2dOptions& options() const { return this->window(); }

  Shape output_shape(const Shape& input) const override {
    const auto& o = options();
    require(input.rank() == 3, *this, ": expected images height x width x channels, got ", input);
    require(input[2] == o.in, *this, ": expected ", o.in, " channels, got ", input[2]);
    const Size2 end = internal::padding_end(o);
    const Index h = internal::grown(*this, input[0], 1, o.padding.h + end.h) - o.kernel.h,
                w = internal::grown(*this, input[1], 1, o.padding.w + end.w) - o.kernel.w;
    require(h >= 0 && w >= 0, *this, ": the kernel of ", o.kernel.h, "x", o.kernel.w,
            " is larger than the padded image of ", h + o.kernel.h, "x", w + o.kernel.w);
    return {h / o.stride.h + 1, w / o.stride.w + 1, o.out};
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Conv2d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(internal::Convolution);
RIVAL_INSTANTIATE_CLASS(Conv2d);

}  // namespace rival

// rival/layers/conv_transpose2d.hpp
// ConvTranspose2d: every input pixel paints a weighted window of output pixels.

namespace rival {

/// The sizes of a ConvTranspose2d.
struct ConvTranspose2dOptions {
  Index in = 0;                    ///< channels
  Index out = 0;                   ///< channels
  Size2 kernel = 3;                ///< rows and columns
  Size2 stride = 1;                ///< rows and columns of the output for one of the input
  Size2 padding = 0;               ///< rows and columns cropped above and to the left
  Size2 padding_end = as_padding;  ///< cropped below and to the right
  Size2 output_padding = 0;        ///< rows and columns added below and to the right
  bool bias = true;                ///< whether a number is learnt for each out channel and added to it

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("out", o.out);
    f("kernel", o.kernel);
    f("stride", o.stride);
    f("padding", o.padding);
    f("padding_end", o.padding_end);
    f("output_padding", o.output_padding);
    f("bias", o.bias);
  }
};

namespace internal {

/// The three products of a transposed convolution. Its samples are images {H, W, in} or signals {L, in}, which are
/// images of one row.
template <class S>
class TransposedConvolution : public Weighted<S> {
 protected:
  using Epilogue = kernels::Epilogue<S>;

  /// `window` is that of the images. Throws Error, beginning with `kind`, for options that make no weight.
  TransposedConvolution(std::string_view kind, const ConvTranspose2dOptions& window)
      : Weighted<S>(window_shape(kind, window), WeightAxes::transposed_convolution, window.out, window.bias,
                    weight_fan(kind, window)),
        window_(window) {}

  const ConvTranspose2dOptions& window() const { return window_; }

  /// Of the convolution from y's size to x's: its input gradient, its output pass on dy, its weight gradient with dy as
  /// input.
  void multiply(const Tensor<S>& x, const Tensor<S>& w, Tensor<S>& y, const Epilogue& epilogue) const override {
    kernels::conv_input_gradient(geometry(x.shape(), y.shape()), x.data(), w.data(), y.data(), epilogue);
  }
  void multiply_transposed(const Tensor<S>& dy, const Tensor<S>& w, Tensor<S>& dx,
                           const Epilogue& epilogue) const override {
    kernels::conv_output(geometry(dx.shape(), dy.shape()), dy.data(), w.data(), dx.data(), epilogue);
  }
  void add_product_gradient(const Tensor<S>& x, const Tensor<S>& dy, Tensor<S>& dw) const override {
    kernels::conv_weight_gradient(geometry(x.shape(), dy.shape()), dy.data(), x.data(), dw.data());
  }

 private:
  /// An output pixel is reached by one tap in stride x stride.
  static Fan weight_fan(std::string_view kind, const ConvTranspose2dOptions& o) {
    window_shape(kind, o);  // which throws before anything is multiplied, whichever argument is made first
    return {std::max<Index>(1, o.in * o.kernel.area() / o.stride.area()), o.out * o.kernel.area()};
  }
  kernels::ConvGeometry geometry(const Shape& x, const Shape& y) const {
    const auto& o = window_;
    const bool images = x.rank() == 4;
    return {.batch = x[0],
            .in_h = images ? y[1] : 1,
            .in_w = y[y.rank() - 2],
            .in_c = y.back(),
            .out_h = images ? x[1] : 1,
            .out_w = x[x.rank() - 2],
            .out_c = x.back(),
            .kernel_h = o.kernel.h,
            .kernel_w = o.kernel.w,
            .stride_h = o.stride.h,
            .stride_w = o.stride.w,
            .pad_h = o.padding.h,
            .pad_w = o.padding.w,
            .out_major = true};
  }

  ConvTranspose2dOptions window_;
};

}  // namespace internal

/// The transpose of a convolution's linear map:
/// y[n, i * stride.h - padding.h + k, j * stride.w - padding.w + l, :] += x[n, i, j, :] W[k, l], over all pixels and
/// taps, onto b, for a batch x of shape {N, H, W, in}; W is {kernel.h, kernel.w, in, out}, y is {N, H', W', out} with
/// H' = (H - 1) * stride.h + kernel.h - padding.h - padding_end.h + output_padding.h and W' alike.
template <class S = float>
class ConvTranspose2d : public internal::TransposedConvolution<S> {
  using Base = internal::TransposedConvolution<S>;

 public:
  using Options = ConvTranspose2dOptions;  ///< what it is made from
  /// Throws Error for sizes that are not positive, paddings that are negative, and output padding that is not smaller
  /// than the stride.
  explicit ConvTranspose2d(const ConvTranspose2dOptions& options) : Base("conv_transpose2d", options) {
    require(options.output_padding.h >= 0 && options.output_padding.w >= 0 &&
                options.output_padding.h < options.stride.h && options.output_padding.w < options.stride.w,
            "conv_transpose2d: expected 0 <= output_padding < stride ", options.stride, ", got ",
            options.output_padding);
  }

  std::string_view kind() const override { return "conv_transpose2d"; }
  std::string_view short_name() const override { return "convT"; }
  Description describe() const override { return rival::describe("conv_transpose2d", options()); }
  /// The options that it was made with.
  const ConvTranspose2dOptions& options() const { return this->window(); }

  Shape output_shape(const Shape& input) const override {
    const auto& o = options();
    require(input.rank() == 3, *this, ": expected images height x width x channels, got ", input);
    require(input[2] == o.in, *this, ": expected ", o.in, " channels, got ", input[2]);
    const Size2 end = internal::padding_end(o);
    const Index h = internal::grown(*this, input[0] - 1, o.stride.h,
                                    o.kernel.h - o.padding.h - end.h + o.output_padding.h),
                w = internal::grown(*this, input[1] - 1, o.stride.w,
                                    o.kernel.w - o.padding.w - end.w + o.output_padding.w);
    require(h > 0 && w > 0, *this, ": the padding leaves nothing of an image of ", input[0], "x", input[1]);
    return {h, w, o.out};
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ConvTranspose2d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(internal::TransposedConvolution);
RIVAL_INSTANTIATE_CLASS(ConvTranspose2d);

}  // namespace rival

// rival/layers/dense.hpp
// Dense: every output is a weighted sum of all inputs.

namespace rival {

/// The sizes of a Dense layer.
struct DenseOptions {
  Index in = 0;      ///< numbers in a sample
  Index out = 0;     ///< numbers in its output
  bool bias = true;  ///< whether b is learnt; if not, it is 0

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("out", o.out);
    f("bias", o.bias);
  }
};

/// y = x W + b for a batch x of shape {N, in}; W is {in, out}, y is {N, out}.
template <class S = float>
class Dense : public Weighted<S> {
 public:
  using Options = DenseOptions;  ///< what it is made from
  /// Throws Error unless both sizes are positive.
  explicit Dense(const DenseOptions& options)
      : Weighted<S>({positive("in", options.in), positive("out", options.out)}, WeightAxes::dense, options.out,
                    options.bias, {options.in, options.out}),
        in_(options.in),
        out_(options.out) {}

  std::string_view kind() const override { return "dense"; }
  Description describe() const override {
    return rival::describe("dense", DenseOptions{.in = in_, .out = out_, .bias = !this->bias().value.empty()});
  }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 && input[0] == in_, *this, ": expected vectors of ", in_, ", got ", input);
    return {out_};
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Dense>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  using Epilogue = kernels::Epilogue<S>;  ///< what a product does to an output as it writes it
  void multiply(const Tensor<S>& x, const Tensor<S>& w, Tensor<S>& y, const Epilogue& epilogue) const override {
    kernels::conv_output(geometry(x), x.data(), w.data(), y.data(), epilogue);
  }
  void multiply_transposed(const Tensor<S>& dy, const Tensor<S>& w, Tensor<S>& dx,
                           const Epilogue& epilogue) const override {
    kernels::conv_input_gradient(geometry(dy), dy.data(), w.data(), dx.data(), epilogue);
  }
  void add_product_gradient(const Tensor<S>& x, const Tensor<S>& dy, Tensor<S>& dw) const override {
    kernels::conv_weight_gradient(geometry(x), x.data(), dy.data(), dw.data());
  }

 private:
  static Index positive(const char* what, Index value) {
    require(value > 0, "dense: expected a positive `", what, "`, got ", value);
    return value;
  }
  kernels::ConvGeometry geometry(const Tensor<S>& batch) const {
    return {.batch = batch.dim(0), .in_c = in_, .out_c = out_};
  }

  Index in_, out_;
};

RIVAL_INSTANTIATE_CLASS(Dense);

}  // namespace rival

// rival/layers/pool.hpp
// Pooling: the average or the maximum of each window of an image, channel by channel.

namespace rival {

/// The windows of an AvgPool2d.
struct AvgPoolOptions {
  Size2 kernel = 2;               ///< rows and columns
  Size2 stride = kernel;          ///< rows and columns from one window to the next
  Size2 padding = 0;              ///< at most half of the kernel
  bool count_include_pad = true;  ///< divide by the whole window, padding too; otherwise by the pixels in it

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("kernel", o.kernel);
    f("stride", o.stride);
    f("padding", o.padding);
    f("count_include_pad", o.count_include_pad);
  }
};

/// The windows of a MaxPool2d.
struct MaxPoolOptions {
  Size2 kernel = 2;       ///< rows and columns
  Size2 stride = kernel;  ///< rows and columns from one window to the next
  Size2 padding = 0;      ///< at most half of the kernel; never the maximum

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("kernel", o.kernel);
    f("stride", o.stride);
    f("padding", o.padding);
  }
};

namespace internal {

/// What the two kinds of pooling share: the windows of an image.
template <class S>
class Pool : public Layer<S> {
 public:
  Pool(std::string_view kind, Size2 kernel, Size2 stride, Size2 padding)
      : kind_(kind), kernel_(kernel), stride_(stride), padding_(padding) {
    require(kernel.h >= 1 && kernel.w >= 1, kind, ": expected a kernel of at least 1x1, got ", kernel);
    require(stride.h >= 1 && stride.w >= 1, kind, ": expected a stride of at least 1x1, got ", stride);
    require_countable(kind, "kernel", kernel);
    require_countable(kind, "stride", stride);
    require_countable(kind, "padding", padding);
    // Then every window holds a pixel.
    require(padding.h >= 0 && padding.w >= 0 && 2 * padding.h <= kernel.h && 2 * padding.w <= kernel.w, kind,
            ": expected padding from 0 to half of the kernel ", kernel, ", got ", padding);
  }

  std::string_view kind() const override { return kind_; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images of H x W x C, got ", input);
    const Index h = grown(*this, input[0], 1, 2 * padding_.h), w = grown(*this, input[1], 1, 2 * padding_.w);
    require(h >= kernel_.h && w >= kernel_.w, *this, ": a kernel of ", kernel_, " does not fit into images of ", input,
            " with padding ", padding_);
    return {(h - kernel_.h) / stride_.h + 1, (w - kernel_.w) / stride_.w + 1, input[2]};
  }

 protected:
  Size2 kernel() const { return kernel_; }

  /// For each pixel of each window calls visit(o, i, tap, taps): output pixel o takes input pixel i, which is
  /// number `tap` of the `taps` pixels that lie in the window. An image is one task's, its windows go row by
  /// row.
  template <class Visit>
  void for_each_window(const Shape& input, const Shape& output, const Visit& visit) const {
    const Index h = input[1], w = input[2], out_h = output[1], out_w = output[2];
    parallel_for(input[0], static_cast<double>(output.size()) * static_cast<double>(kernel_.area()), [&](Index n) {
      Index o = n * out_h * out_w;
      for (Index y = 0; y < out_h; ++y) {
        const Index top = y * stride_.h - padding_.h, y0 = std::max<Index>(top, 0), y1 = std::min(top + kernel_.h, h);
        for (Index x = 0; x < out_w; ++x, ++o) {
          const Index left = x * stride_.w - padding_.w, x0 = std::max<Index>(left, 0),
                      x1 = std::min(left + kernel_.w, w);
          Index tap = 0;
          for (Index i = y0; i < y1; ++i)
            for (Index j = x0; j < x1; ++j) visit(o, (n * h + i) * w + j, tap++, (y1 - y0) * (x1 - x0));
        }
      }
    });
  }

 private:
  std::string_view kind_;
  Size2 kernel_, stride_, padding_;
};

}  // namespace internal

/// The average of each window: {N, H, W, C} becomes {N, (H + 2 padding - kernel) / stride + 1, ..., C},
/// rounded down.
template <class S = float>
class AvgPool2d : public internal::Pool<S> {
 public:
  using Options = AvgPoolOptions;  ///< what it is made from
  /// Throws Error for a kernel or stride below 1, or padding beyond half of the kernel.
  explicit AvgPool2d(const AvgPoolOptions& options = {})
      : internal::Pool<S>("avg_pool2d", options.kernel, options.stride, options.padding),
        options_(options),
        count_include_pad_(options.count_include_pad) {}

  std::string_view short_name() const override { return "pool"; }
  Description describe() const override { return rival::describe("avg_pool2d", options_); }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    average(x, trace.output);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    dx->fill(S(0));
    const Index channels = dy.cols();
    this->for_each_window(dx->shape(), dy.shape(), [&](Index o, Index i, Index, Index taps) {
      const S weight = share(taps);
      for (Index c = 0; c < channels; ++c) dx->data()[i * channels + c] += weight * dy.data()[o * channels + c];
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    average(x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<AvgPool2d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  void average(const Tensor<S>& x, Tensor<S>& y) const {
    y.resize(this->output_shape(x.shape().sample()).batch(x.dim(0)));
    y.fill(S(0));
    const Index channels = x.cols();
    this->for_each_window(x.shape(), y.shape(), [&](Index o, Index i, Index, Index taps) {
      const S weight = share(taps);
      for (Index c = 0; c < channels; ++c) y.data()[o * channels + c] += weight * x.data()[i * channels + c];
    });
  }
  S share(Index taps) const { return S(1) / static_cast<S>(count_include_pad_ ? this->kernel().area() : taps); }

  AvgPoolOptions options_;
  bool count_include_pad_;
};

/// The maximum of each window; of equal pixels the first, row by row, takes the gradient. Shapes as
/// AvgPool2d's.
template <class S = float>
class MaxPool2d : public internal::Pool<S> {
 public:
  using Options = MaxPoolOptions;  ///< what it is made from
  /// Throws Error for a kernel or stride below 1, or padding beyond half of the kernel.
  explicit MaxPool2d(const MaxPoolOptions& options = {})
      : internal::Pool<S>("max_pool2d", options.kernel, options.stride, options.padding), options_(options) {}

  std::string_view short_name() const override { return "pool"; }
  Description describe() const override { return rival::describe("max_pool2d", options_); }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    Tensor<S>& y = trace.output;
    y.resize(this->output_shape(x.shape().sample()).batch(x.dim(0)));
    Tensor<S>& winner = trace.save(0, y.shape());  // the number of the maximal pixel in its window
    const Index channels = x.cols();
    this->for_each_window(x.shape(), y.shape(), [&](Index o, Index i, Index tap, Index) {
      for (Index c = 0; c < channels; ++c) {
        const S value = x.data()[i * channels + c];
        S& best = y.data()[o * channels + c];
        if (tap == 0 || value > best || value != value) {  // NaN wins, and stays
          best = value;
          winner.data()[o * channels + c] = static_cast<S>(tap);
        }
      }
    });
    return y;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    dx->fill(S(0));
    const Tensor<S>& winner = trace.saved[0];
    const Index channels = dy.cols();
    this->for_each_window(dx->shape(), dy.shape(), [&](Index o, Index i, Index tap, Index) {
      for (Index c = 0; c < channels; ++c)
        if (winner.data()[o * channels + c] == static_cast<S>(tap))
          dx->data()[i * channels + c] += dy.data()[o * channels + c];
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    take_winners(x_tangent, trace.saved[0], trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<MaxPool2d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  /// y[o] is the element of x at the place where the maximum was.
  void take_winners(const Tensor<S>& x, const Tensor<S>& winner, Tensor<S>& y) const {
    y.resize(winner.shape());
    const Index channels = x.cols();
    this->for_each_window(x.shape(), y.shape(), [&](Index o, Index i, Index tap, Index) {
      for (Index c = 0; c < channels; ++c)
        if (winner.data()[o * channels + c] == static_cast<S>(tap))
          y.data()[o * channels + c] = x.data()[i * channels + c];
    });
  }

 private:
  MaxPoolOptions options_;
};

RIVAL_INSTANTIATE_CLASS(internal::Pool);
RIVAL_INSTANTIATE_CLASS(AvgPool2d);
RIVAL_INSTANTIATE_CLASS(MaxPool2d);

}  // namespace rival

// rival/layers/projection.hpp
// Projection: the head of a discriminator that scores a sample together with its label.

namespace rival {

/// The sizes of a Projection.
struct ProjectionOptions {
  Index classes = 0;  ///< at most 65,536

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("classes", o.classes);
  }
};

/// y = x[0] + x[1 + label] for a batch x of shape {N, 1 + classes}; y is {N, 1}. Behind a dense layer, whose outputs
/// are how real the sample looks and how well it goes with each class, that is the projection discriminator (Miyato and
/// Koyama, "cGANs with projection discriminator", 2018):
///
///     SumPool(), SpectralNorm(Dense({.in = 256, .out = 1 + 10})), Projection({.classes = 10})
///
/// scores features h with h . (w + v[label]) + b, w being the first column of the dense layer's weight and v the
/// others. The labels are those of the pass; forward throws Error unless there is one of 0 ... classes - 1 for each
/// sample.
template <class S = float>
class Projection : public Layer<S> {
 public:
  using Options = ProjectionOptions;  ///< what it is made from
  /// Throws Error unless 1 <= classes <= 65,536.
  explicit Projection(const ProjectionOptions& options) : classes_(options.classes) {
    require(classes_ > 0 && classes_ <= most_classes, "projection: expected 1 to ", most_classes, " classes, got ",
            classes_);
  }

  std::string_view kind() const override { return "projection"; }
  Description describe() const override { return rival::describe("projection", ProjectionOptions{classes_}); }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 && input[0] == 1 + classes_, *this, ": expected vectors of ", 1 + classes_,
            ", one more than classes, got ", input);
    return {1};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = &x;
    internal::keep_labels(*this, pass.labels, x.dim(0), classes_, trace);
    score(x, trace.labels, trace.output);
    return trace.output;
  }

  /// dx[0] = dx[1 + label] = dy, and 0 elsewhere.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (!dx) return;
    dx->resize(trace.input->shape());
    dx->fill(S(0));
    for (Index n = 0; n < dx->dim(0); ++n) {
      S* to = dx->data() + n * (1 + classes_);
      to[0] = to[1 + label(trace.labels, n)] = dy[n];
    }
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    score(x_tangent, trace.labels, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Projection>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static Index label(Labels labels, Index n) { return labels[static_cast<std::size_t>(n)]; }
  void score(const Tensor<S>& x, Labels labels, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    for (Index n = 0; n < x.dim(0); ++n) {
      const S* from = x.data() + n * (1 + classes_);
      y[n] = from[0] + from[1 + label(labels, n)];
    }
  }

  Index classes_;
};

RIVAL_INSTANTIATE_CLASS(Projection);

}  // namespace rival

// rival/layers/reshape.hpp
// Reshape and Flatten: the same elements, in the same order, under another shape.

namespace rival {

namespace internal {

/// A layer whose output is a window on its input: nothing is copied on the way forward.
template <class S>
class ShapeChange : public Layer<S> {
 public:
  bool gates_input() const override { return true; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.alias(x, this->output_shape(x.shape().sample()).batch(x.dim(0)));
    return trace.output;
  }

  // The gradient is copied, since the caller reuses the memory of dy while it still reads dx.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    kernels::leaky_relu_gradient(trace.input->data(), dy.data(), dx->data(), dy.size(), pass.slope);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.output_tangent.alias(x_tangent, trace.output.shape());
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }
};

}  // namespace internal

/// What the layer's shape is called.
struct ReshapeOptions {
  Shape shape = {};  ///< of a sample

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("shape", o.shape);
  }
};

/// N samples of any shape become N of shape `sample`, of the same size.
template <class S = float>
class Reshape : public internal::ShapeChange<S> {
 public:
  using Options = ReshapeOptions;  ///< what it is made from
  /// `sample` without the batch axis; that it has the input's size is checked when the network is put together.
  explicit Reshape(const Shape& sample) : sample_(sample) {}

  std::string_view kind() const override { return "reshape"; }
  Description describe() const override { return rival::describe(kind(), ReshapeOptions{sample_}); }
  Shape output_shape(const Shape& input) const override {
    require(input.size() == sample_.size(), *this, ": cannot make ", sample_, " of ", input, ": expected ",
            sample_.size(), " elements, got ", input.size());
    return sample_;
  }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Reshape>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  Shape sample_;
};

/// N samples of any shape become N vectors: {N, H, W, C} becomes {N, H*W*C}.
template <class S = float>
class Flatten : public internal::ShapeChange<S> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "flatten"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  Shape output_shape(const Shape& input) const override { return {input.size()}; }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Flatten>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(internal::ShapeChange);
RIVAL_INSTANTIATE_CLASS(Reshape);
RIVAL_INSTANTIATE_CLASS(Flatten);

}  // namespace rival

// rival/layers/residual.hpp
// Residual: two branches from one input, added up.

namespace rival {

namespace internal {

/// Two stacks of layers that read the same input, and whose outputs a kind of layer joins to one. A skip branch without
/// layers is the identity.
template <class S>
class Branches : public Layer<S> {
 public:
  Branches(Sequential<S> main, Sequential<S> skip) : main_(std::move(main)), skip_(std::move(skip)) {
    name_branches("");
  }

  Sequential<S>& main() { return main_; }
  const Sequential<S>& main() const { return main_; }
  Sequential<S>& skip() { return skip_; }
  const Sequential<S>& skip() const { return skip_; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    const Shape shape = this->output_shape(x.shape().sample());
    trace.input = &x;
    trace.children.resize(2);
    const ForwardPass<S> request{.mode = pass.mode, .backward = pass.backward, .labels = pass.labels};
    const Tensor<S>& a = main_.forward(x, trace.children[0], request);
    const Tensor<S>& b = skip_.forward(x, trace.children[1], request);
    trace.output.resize(shape.batch(x.dim(0)));
    join(a, b, trace.output, pass.slope, nullptr);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr && !(pass.parameters && has_parameters())) return;
    const BackwardPass<S> request{.parameters = pass.parameters, .keep = pass.keep};
    const Pair d = split(trace, dy, saved_gradients);
    main_.backward(trace.children[0], *d.main, dx, request);
    if (skip_.size() == 0) {
      if (dx) add(*dx, *d.skip, *dx, S(1), pass.slope, gate(trace, pass));
      return;
    }
    Tensor<S>* other = dx ? &trace.save(saved_sum, trace.input->shape()) : nullptr;
    skip_.backward(trace.children[1], *d.skip, other, request);
    if (dx) add(*dx, *other, *dx, S(1), pass.slope, gate(trace, pass));
  }

  /// Throws Error where a layer of a branch does.
  Curvature curvature() const override {
    const Curvature main = main_.curvature(), skip = skip_.curvature();
    return main == Curvature::curved ? main : skip;
  }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    const TangentPass<S> request{.affine = pass.affine};
    const Tensor<S>& a = main_.forward_tangent(x_tangent, trace.children[0], request);
    const Tensor<S>& b = skip_.forward_tangent(x_tangent, trace.children[1], request);
    trace.output_tangent.resize(trace.output.shape());
    join(a, b, trace.output_tangent, pass.slope, pass.gate);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>& pass) override {
    if (dx_tangent == nullptr && !has_parameters()) return;
    const Pair d = split(trace, dy, saved_gradients);
    const Pair t = dy_tangent ? split(trace, *dy_tangent, saved_tangents) : Pair{};
    main_.backward_tangent(trace.children[0], *d.main, t.main, dx_tangent, pass);
    if (skip_.size() == 0) {
      if (dx_tangent && t.skip) add(*dx_tangent, *t.skip, *dx_tangent);
      return;
    }
    Tensor<S>* other = dx_tangent ? &trace.save(saved_sum, trace.input->shape()) : nullptr;
    skip_.backward_tangent(trace.children[1], *d.skip, t.skip, other, pass);
    if (dx_tangent) add(*dx_tangent, *other, *dx_tangent);
  }

  bool gates_input() const override { return true; }  // while the branches' gradients are added

  void commit(const Trace<S>& trace) override {
    main_.commit(trace.children[0]);
    skip_.commit(trace.children[1]);
  }
  bool has_parameters() const override { return main_.has_parameters() || skip_.has_parameters(); }
  void collect(State<S>& state) override {
    main_.collect(state);
    skip_.collect(state);
  }
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    main_.initialise(weights, random);
    skip_.initialise(weights, random);
  }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    name_branches(name.empty() ? "" : name + ".");
  }

 protected:
  /// The branches' descriptions put into the layer's.
  Description describe_branches(Description layer) const {
    layer.layers = {main_.describe(), skip_.describe()};
    return layer;
  }

  /// Gradients with respect to the outputs of the two branches.
  struct Pair {
    const Tensor<S>*main = nullptr, *skip = nullptr;
  };

  /// y = the outputs of the branches as one, then max(y, slope y), or with a gate y (gate > 0 ? 1 : slope).
  virtual void join(const Tensor<S>& main, const Tensor<S>& skip, Tensor<S>& y, S slope, const S* gate) const = 0;
  /// The way back: dy as gradients of the branches' outputs, kept in the trace at `place` and `place` + 1 where they
  /// are not dy itself.
  virtual Pair split(Trace<S>& trace, const Tensor<S>& dy, std::size_t place) const = 0;

  /// y = factor (a + b), with the slope and the gate of `join`. y may be a.
  static void add(const Tensor<S>& a, const Tensor<S>& b, Tensor<S>& y, S factor = S(1), S slope = S(1),
                  const S* gate = nullptr) {
    parallel_blocks(y.size(), kernels::element_block, 2.0 * static_cast<double>(y.size()), [&](Index begin, Index end) {
      const auto sum = factor * (a.array().segment(begin, end - begin) + b.array().segment(begin, end - begin));
      auto out = y.array().segment(begin, end - begin);
      if (gate)
        out = (ConstArrayMap<S>(gate + begin, end - begin) > S(0)).select(sum, slope * sum);
      else if (slope != S(1))
        out = (sum > S(0)).select(sum, slope * sum);
      else
        out = sum;
    });
  }

 private:
  // The places in Trace::saved: two gradients, two tangents, and the input's gradient through the skip branch.
  static constexpr std::size_t saved_gradients = 0, saved_tangents = 2, saved_sum = 4;

  static const S* gate(const Trace<S>& trace, const BackwardPass<S>& pass) {
    return pass.slope == S(1) ? nullptr : trace.input->data();
  }
  void name_branches(const std::string& prefix) {
    main_.set_name(prefix + "main");
    skip_.set_name(prefix + "skip");
  }

  Sequential<S> main_, skip_;
};

}  // namespace internal

/// What a Residual does to the sum.
struct ResidualOptions {
  double scale = 1;  ///< of the sum; 1 / sqrt(2) keeps the variance of two branches that are independent (StyleGAN2)

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("scale", o.scale);
  }
};

/// y = scale (main(x) + skip(x)), where a skip branch that is left away is the identity (He, Zhang, Ren and Sun, "Deep
/// residual learning for image recognition", 2016). The layers are named "res1.main.conv1" and so on.
template <class S = float>
class Residual : public internal::Branches<S> {
 public:
  /// Throws Error unless the scale is finite.
  explicit Residual(Sequential<S> main, const ResidualOptions& options = {})
      : Residual(std::move(main), Sequential<S>(), options) {}
  /// With layers in the skip branch too, for a main one that changes the shape. Throws Error unless the scale is
  /// finite.
  Residual(Sequential<S> main, Sequential<S> skip, const ResidualOptions& options = {})
      : internal::Branches<S>(std::move(main), std::move(skip)),
        options_(options),
        scale_(static_cast<S>(options.scale)) {
    require(is_finite(scale_), "residual: expected a finite scale, got ", options.scale);
  }

  std::string_view kind() const override { return "residual"; }
  std::string_view short_name() const override { return "res"; }
  Description describe() const override { return this->describe_branches(rival::describe("residual", options_)); }
  bool fuses_activation() const override { return true; }

  /// Throws Error unless both branches make the same shape of the input.
  Shape output_shape(const Shape& input) const override {
    const Shape main = this->main().output_shape(input), skip = this->skip().output_shape(input);
    require(main == skip, *this, ": expected branches of the same shape, got ", main, " from the main one and ", skip,
            " from the skip");
    return main;
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Residual>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  using typename internal::Branches<S>::Pair;
  /// y = scale (main + skip), with the slope or the gate of the leaky ReLU behind it.
  void join(const Tensor<S>& main, const Tensor<S>& skip, Tensor<S>& y, S slope, const S* gate) const override {
    this->add(main, skip, y, scale_, slope, gate);
  }
  /// scale dy for either branch.
  Pair split(Trace<S>& trace, const Tensor<S>& dy, std::size_t place) const override {
    if (scale_ == S(1)) return {&dy, &dy};
    Tensor<S>& scaled = trace.save(place, dy.shape());
    scaled.array() = scale_ * dy.array();
    return {&scaled, &scaled};
  }

 private:
  ResidualOptions options_;
  S scale_;
};

RIVAL_INSTANTIATE_CLASS(internal::Branches);
RIVAL_INSTANTIATE_CLASS(Residual);

}  // namespace rival

// rival/layers/spectral_norm.hpp
// SpectralNorm: a layer whose weight matrix is divided by its largest singular value.

// rival/layers/conv1d.hpp
// Conv1d: every output step is a weighted sum of a window of input steps.

namespace rival {

/// The sizes of a Conv1d.
struct Conv1dOptions {
  Index in = 0;                      ///< channels
  Index out = 0;                     ///< channels
  Index kernel = 3;                  ///< steps
  Index stride = 1;                  ///< steps of the input for one of the output
  Index padding = 0;                 ///< zeros in front
  Index padding_end = as_padding.w;  ///< zeros behind
  bool bias = true;                  ///< whether a number is learnt for each out channel and added to it
  Index groups = 1;                  ///< each out channel sees the in channels of its group only

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("out", o.out);
    f("kernel", o.kernel);
    f("stride", o.stride);
    f("padding", o.padding);
    f("padding_end", o.padding_end);
    f("bias", o.bias);
    f("groups", o.groups);
  }
};

/// y[n, i, :] = b + sum over taps k of x[n, i * stride - padding + k, :] W[k] for a batch x of signals {N, L, in}; W is
/// {kernel, in / groups, out}, y is {N, L', out} with L' = floor((L + padding + padding_end - kernel) / stride) + 1.
///
/// It is Conv2d over images of one row. In files W is [out, in / groups, kernel], as PyTorch's; signals are steps by
/// channels there too, so that a dense layer behind Flatten has its inputs in the order that they have here.
template <class S = float>
class Conv1d : public internal::Convolution<S> {
  using Base = internal::Convolution<S>;

 public:
  using Options = Conv1dOptions;  ///< what it is made from
  /// Throws Error for sizes that are not positive, paddings that are negative, and channels that the groups do not
  /// divide.
  explicit Conv1d(const Conv1dOptions& options) : Base("conv1d", one_row(options)), options_(options) {
    internal::drop_row(this->weight());
  }

  std::string_view kind() const override { return "conv1d"; }
  std::string_view short_name() const override { return "conv"; }
  Description describe() const override { return rival::describe("conv1d", options_); }
  /// The options that it was made with.
  const Conv1dOptions& options() const { return options_; }

  Shape output_shape(const Shape& input) const override {
    const auto& o = options_;
    require(input.rank() == 2, *this, ": expected signals length x channels, got ", input);
    require(input[1] == o.in, *this, ": expected ", o.in, " channels, got ", input[1]);
    const Index padding = o.padding + internal::padding_end(this->window()).w;
    const Index rest = internal::grown(*this, input[0], 1, padding) - o.kernel;
    require(rest >= 0, *this, ": the kernel of ", o.kernel, " is longer than the padded signal of ", rest + o.kernel);
    return {rest / o.stride + 1, o.out};
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Conv1d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static Conv2dOptions one_row(const Conv1dOptions& o) {
    auto window = internal::as_one_row<Conv2dOptions>("conv1d", o);
    window.groups = o.groups;
    return window;
  }

  Conv1dOptions options_;
};

RIVAL_INSTANTIATE_CLASS(Conv1d);

}  // namespace rival

// rival/layers/conv_transpose1d.hpp
// ConvTranspose1d: every input step paints a weighted window of output steps.

namespace rival {

/// The sizes of a ConvTranspose1d.
struct ConvTranspose1dOptions {
  Index in = 0;                      ///< channels
  Index out = 0;                     ///< channels
  Index kernel = 3;                  ///< steps
  Index stride = 1;                  ///< steps of the output for one of the input
  Index padding = 0;                 ///< steps cropped in front
  Index padding_end = as_padding.w;  ///< steps cropped behind
  Index output_padding = 0;          ///< steps added behind
  bool bias = true;                  ///< whether a number is learnt for each out channel and added to it

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("out", o.out);
    f("kernel", o.kernel);
    f("stride", o.stride);
    f("padding", o.padding);
    f("padding_end", o.padding_end);
    f("output_padding", o.output_padding);
    f("bias", o.bias);
  }
};

/// The transpose of a convolution's linear map: y[n, i * stride - padding + k, :] += x[n, i, :] W[k], over all steps
/// and taps, onto b, for a batch x of signals {N, L, in}; W is {kernel, in, out}, y is {N, L', out} with
/// L' = (L - 1) * stride + kernel - padding - padding_end + output_padding.
///
/// It is ConvTranspose2d over images of one row. In files W is [in, out, kernel], as PyTorch's.
template <class S = float>
class ConvTranspose1d : public internal::TransposedConvolution<S> {
  using Base = internal::TransposedConvolution<S>;

 public:
  using Options = ConvTranspose1dOptions;  ///< what it is made from
  /// Throws Error for sizes that are not positive, paddings that are negative, and output padding that is not smaller
  /// than the stride.
  explicit ConvTranspose1d(const ConvTranspose1dOptions& options)
      : Base("conv_transpose1d", internal::as_one_row<ConvTranspose2dOptions>("conv_transpose1d", options)),
        options_(options) {
    require(options.output_padding >= 0 && options.output_padding < options.stride,
            "conv_transpose1d: expected 0 <= output_padding < stride ", options.stride, ", got ",
            options.output_padding);
    internal::drop_row(this->weight());
  }

  std::string_view kind() const override { return "conv_transpose1d"; }
  std::string_view short_name() const override { return "convT"; }
  Description describe() const override { return rival::describe("conv_transpose1d", options_); }
  /// The options that it was made with.
  const ConvTranspose1dOptions& options() const { return options_; }

  Shape output_shape(const Shape& input) const override {
    const auto& o = options_;
    require(input.rank() == 2, *this, ": expected signals length x channels, got ", input);
    require(input[1] == o.in, *this, ": expected ", o.in, " channels, got ", input[1]);
    const Index end = internal::padding_end(this->window()).w;
    const Index length = internal::grown(*this, input[0] - 1, o.stride, o.kernel - o.padding - end + o.output_padding);
    require(length > 0, *this, ": the padding leaves nothing of a signal of ", input[0]);
    return {length, o.out};
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ConvTranspose1d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  ConvTranspose1dOptions options_;
};

RIVAL_INSTANTIATE_CLASS(ConvTranspose1d);

}  // namespace rival

namespace rival {

/// How a SpectralNorm finds the norm.
struct SpectralNormOptions {
  Index iterations = 1;  ///< of the power method, in each training pass

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("iterations", o.iterations);
  }
};

namespace internal {

/// sum of a[i] b[i]: block by block, then the blocks in their order.
template <class S>
S dot(const Tensor<S>& a, const Tensor<S>& b) {
  constexpr Index block = 4096;
  const Index blocks = (a.size() + block - 1) / block;
  S* partial = scratch<S>(Scratch::partial_sums, blocks);
  parallel_blocks(a.size(), block, static_cast<double>(a.size()), [&](Index begin, Index end) {
    partial[begin / block] =
        a.array().segment(begin, end - begin).matrix().dot(b.array().segment(begin, end - begin).matrix());
  });
  S sum = S(0);
  for (Index i = 0; i < blocks; ++i) sum += partial[i];
  return sum;
}

}  // namespace internal

/// The layer L (dense, convolution, transposed convolution) with the weight W / sigma in place of W, where sigma = v^T
/// W u is about the largest singular value of W as a matrix of (kernel_h kernel_w in) rows by out columns (Miyato,
/// Kataoka, Koyama and Yoshida, "Spectral normalization for generative adversarial networks", 2018):
///
///     SpectralNorm(Conv2d({.in = 64, .out = 128}))
///
/// Each training pass takes a step of the power method, v = W u / |W u|, u = W^T v / |W^T v|, from the vectors that are
/// kept with the network; `commit` keeps the new ones. Evaluation takes them as they are, unless the weights have been
/// set since and they no longer fit: then it lets the power method settle first. The gradient goes through sigma, with
/// u and v as constants: `dW = (G - <G, W / sigma> v u^T) / sigma`, G being that with respect to W / sigma.
///
/// A weight that is all zeros stays so.
template <PlainWeighted L>
class SpectralNorm : public L {
 public:
  static constexpr bool wrapped = true;  ///< no second wrapper goes around it
  using S = typename L::Scalar;          ///< of the layer within

  /// Throws Error unless iterations >= 1.
  explicit SpectralNorm(const L& layer, const SpectralNormOptions& options = {})
      : L(layer),
        iterations_(options.iterations),
        kind_("spectral_norm " + std::string(layer.kind())),
        short_name_(layer.short_name()) {
    require(iterations_ >= 1, kind_, ": expected at least 1 iteration, got ", iterations_);
    const Tensor<S>& w = this->weight().value;
    u_ = {"u", Tensor<S>({w.cols()}, S(1))};
    v_ = {"v", Tensor<S>({w.rows()}, S(1))};
    normalise(u_.value);
    normalise(v_.value);
  }

  /// "spectral_norm" and L's kind.
  std::string_view kind() const override { return kind_; }
  /// Of L: normalised or not, the first convolution is "conv1".
  std::string_view short_name() const override { return short_name_; }
  /// The iterations, and L's description within.
  Description describe() const override {
    return internal::describe_around(rival::describe("spectral_norm", SpectralNormOptions{iterations_}), L::describe());
  }

  /// The vectors of the power method: {out} and {kernel_h kernel_w in}.
  Buffer<S>& u() { return u_; }
  /// The other one of them, {kernel_h kernel_w in}.
  Buffer<S>& v() { return v_; }

  /// L's state, and u and v as buffers.
  void collect(State<S>& state) override {
    L::collect(state);
    state.buffers.insert(state.buffers.end(), {&u_, &v_});
  }
  /// Also draws u, and lets the power method settle.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    L::initialise(weights, random);
    Random stream = random.stream(u_.name);
    stream.fill_normal(u_.value);
    normalise(u_.value);
    iterate(u_.value, v_.value, settling_iterations);
    fitted_ = true;
  }
  /// Takes over u and v of a training pass.
  void commit(const Trace<S>& trace) override {
    L::commit(trace);
    if (trace.mode != Mode::train || trace.saved[saved_sigma][0] == S(0)) return;
    u_.value = trace.saved[saved_u];
    v_.value = trace.saved[saved_v];
    fitted_ = true;
  }

  /// A copy with parameters, u and v of its own.
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<SpectralNorm>(*this); }
  /// Takes over all of another layer of this kind, u and v too.
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  /// Names L's parameters, and u and v behind them.
  void set_name(const std::string& name) override {
    L::set_name(name);
    u_.name = name + ".u";
    v_.name = name + ".v";
  }

 protected:
  /// W / sigma, kept in the trace with the u and v that gave it; in training after a further step of the power method.
  const Tensor<S>& make_weight(Trace<S>& trace, Mode mode) const override {
    trace.mode = mode;
    const Tensor<S>& w = this->weight().value;
    Tensor<S>&u = trace.save(saved_u, u_.value.shape()), &v = trace.save(saved_v, v_.value.shape());
    u = u_.value;
    v = v_.value;
    Tensor<S>& sigma = trace.save(saved_sigma, {1});
    if (mode == Mode::train) {
      sigma[0] = iterate(u, v, iterations_);
    } else {
      Tensor<S>& product = trace.save(saved_product, u.shape());
      multiply_columns(v, product);
      sigma[0] = internal::dot(product, u);
      // One step more tells whether the vectors belong to these weights. Trained ones differ by less. Vectors that
      // somebody has set, from a file say, are taken as they are.
      Tensor<S>&next_u = trace.save(saved_next_u, u.shape()), &next_v = trace.save(saved_next_v, v.shape());
      next_u = u;
      next_v = v;
      const S next = iterate(next_u, next_v, 1);
      if (fitted_ ? std::abs(next - sigma[0]) > S(0.1) * next : as_made(u_.value) && as_made(v_.value)) {
        sigma[0] = settle(next_u, next_v, next);
        u = next_u;
        v = next_v;
      }
    }
    Tensor<S>& normal = trace.save(saved_weight, w.shape());
    const S inverse = inverse_sigma(trace);
    parallel_blocks(w.size(), block, static_cast<double>(w.size()), [&](Index begin, Index end) {
      normal.array().segment(begin, end - begin) = inverse * w.array().segment(begin, end - begin);
    });
    return normal;
  }
  /// The one of that trace's forward pass.
  const Tensor<S>& made_weight(const Trace<S>& trace) const override { return trace.saved[saved_weight]; }

  /// Where the gradient with respect to W / sigma is added, set to zero.
  Tensor<S>& weight_gradient(Trace<S>& trace) override {
    Tensor<S>& gradient = trace.save(saved_gradient, this->weight().value.shape());
    gradient.fill(S(0));
    return gradient;
  }
  /// Adds dW, as it follows from that gradient, to W's.
  void finish_weight_gradient(Trace<S>& trace) override {
    const Tensor<S>&gradient = trace.saved[saved_gradient], &u = trace.saved[saved_u], &v = trace.saved[saved_v];
    const S inverse = inverse_sigma(trace), along = internal::dot(gradient, trace.saved[saved_weight]);
    Tensor<S>& dw = this->weight().grad;
    const Index columns = u.size(), rows = std::max<Index>(1, block / columns);
    parallel_blocks(v.size(), rows, 2.0 * static_cast<double>(dw.size()), [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r)
        dw.array().segment(r * columns, columns) +=
            inverse * (gradient.array().segment(r * columns, columns) - (along * v[r]) * u.array());
    });
  }

 private:
  static constexpr Index block = 4096;              // elements that are one task's
  static constexpr Index settling_iterations = 15;  // as PyTorch's
  static constexpr int most_settling = 1000;
  // The places in Trace::saved.
  static constexpr std::size_t saved_u = L::first_place, saved_v = saved_u + 1, saved_product = saved_u + 2,
                               saved_sigma = saved_u + 3, saved_weight = saved_u + 4, saved_gradient = saved_u + 5,
                               saved_next_u = saved_u + 6, saved_next_v = saved_u + 7;

  /// The factor that makes W / sigma of W; of zeros it makes zeros.
  static S inverse_sigma(const Trace<S>& trace) {
    const S sigma = trace.saved[saved_sigma][0];
    return sigma == S(0) ? S(1) : S(1) / sigma;
  }
  /// To length 1. Returns the length that it had.
  static S normalise(Tensor<S>& vector) {
    const S length = vector.array().matrix().norm();
    vector.array() /= std::max(length, S(1e-12));
    return length;
  }
  /// W is the weight of a dense layer here.
  kernels::ConvGeometry matrix() const { return {.batch = 1, .in_c = v_.value.size(), .out_c = u_.value.size()}; }
  /// u = W^T v
  void multiply_columns(const Tensor<S>& v, Tensor<S>& u) const {
    kernels::conv_output(matrix(), v.data(), this->weight().value.data(), u.data());
  }
  /// Returns v^T W u.
  S iterate(Tensor<S>& u, Tensor<S>& v, Index iterations) const {
    S sigma = S(0);
    for (Index i = 0; i < iterations; ++i) {
      kernels::conv_input_gradient(matrix(), u.data(), this->weight().value.data(), v.data());
      normalise(v);
      multiply_columns(v, u);
      sigma = normalise(u);
    }
    return sigma;
  }

  /// Whether the vector is the one that a new layer has: all elements equal.
  static bool as_made(const Tensor<S>& vector) { return (vector.array() == vector[0]).all(); }

  /// From vectors that may be anything, until sigma changes no more.
  S settle(Tensor<S>& u, Tensor<S>& v, S sigma) const {
    for (int i = 0; i < most_settling; ++i) {
      const S before = sigma;
      sigma = iterate(u, v, 1);
      if (std::abs(sigma - before) <= 4 * std::numeric_limits<S>::epsilon() * sigma) break;
    }
    return sigma;
  }

  Index iterations_;
  bool fitted_ = false;  // the vectors have been, to these weights or earlier ones
  std::string kind_, short_name_;
  Buffer<S> u_, v_;
};

RIVAL_INSTANTIATE_FLOAT(class SpectralNorm<Conv1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class SpectralNorm<Conv1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class SpectralNorm<ConvTranspose1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class SpectralNorm<ConvTranspose1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class SpectralNorm<Conv2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class SpectralNorm<Conv2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class SpectralNorm<ConvTranspose2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class SpectralNorm<ConvTranspose2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class SpectralNorm<Dense<float>>);
RIVAL_INSTANTIATE_DOUBLE(class SpectralNorm<Dense<double>>);

}  // namespace rival

// rival/layers/sum_pool.hpp
// SumPool: what an image shows, wherever it shows it.

namespace rival {

/// The sum of each channel over all pixels: {N, H, W, C} becomes {N, C}. Discriminators sum in front of a projection
/// (Miyato and Koyama, 2018).
template <class S = float>
class SumPool : public Layer<S> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "sum_pool"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::string_view short_name() const override { return "pool"; }
  bool gates_input() const override { return true; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images height x width x channels, got ", input);
    return {input[2]};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    sum(x, trace.output);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    const Tensor<S>& x = *trace.input;
    dx->resize(x.shape());
    const Index pixels = x.dim(1) * x.dim(2), channels = x.dim(3);
    parallel_for(x.dim(0), static_cast<double>(x.size()), [&](Index n) {
      const S* gradient = dy.data() + n * channels;
      for (Index row = n * pixels; row < (n + 1) * pixels; ++row)
        for (Index c = 0; c < channels; ++c)
          dx->data()[row * channels + c] = gradient[c] * (x.data()[row * channels + c] > S(0) ? S(1) : pass.slope);
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    sum(x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<SumPool>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  void sum(const Tensor<S>& x, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    const Index pixels = x.dim(1) * x.dim(2), channels = x.dim(3);
    parallel_for(x.dim(0), static_cast<double>(x.size()) / 2, [&](Index n) {
      ArrayMap<S> total(y.data() + n * channels, channels);
      total.setZero();
      for (Index row = n * pixels; row < (n + 1) * pixels; ++row)
        total += ConstArrayMap<S>(x.data() + row * channels, channels);
    });
  }
};

RIVAL_INSTANTIATE_CLASS(SumPool);

}  // namespace rival

// rival/layers/upsample.hpp
// Upsample: enlarges images by whole factors.

namespace rival {

/// Where an enlarged pixel comes from: the one pixel that it lies in, or a blend of the two nearest in each
/// axis.
enum class Interpolation {
  nearest,  ///< a copy of one pixel
  bilinear  ///< of four, weighted by how near they are
};

/// "nearest" or "bilinear".
inline OptionValue option_value(Interpolation value) {
  return std::string(value == Interpolation::nearest ? "nearest" : "bilinear");
}
/// Takes either name.
inline bool read_option(const OptionValue& value, Interpolation& out) {
  const auto* name = std::get_if<std::string>(&value);
  if (!name || (*name != "nearest" && *name != "bilinear")) return false;
  out = *name == "nearest" ? Interpolation::nearest : Interpolation::bilinear;
  return true;
}

/// How an Upsample enlarges.
struct UpsampleOptions {
  Size2 factor = 2;                             ///< rows and columns of the output for one of the input
  Interpolation mode = Interpolation::nearest;  ///< how the new pixels are made

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("factor", o.factor);
    f("mode", o.mode);
  }
};

/// {N, H, W, C} becomes {N, factor.h H, factor.w W, C}.
///
/// Bilinear: the centre of output pixel o lies at (o + 1/2) / factor - 1/2 of the input, whose edges are
/// repeated outward; PyTorch's align_corners = False.
template <class S = float>
class Upsample : public Layer<S> {
 public:
  using Options = UpsampleOptions;  ///< what it is made from
  /// Throws Error unless both factors are at least 1.
  explicit Upsample(const UpsampleOptions& options = {}) : factor_(options.factor), mode_(options.mode) {
    require(factor_.h >= 1 && factor_.w >= 1, "upsample: expected factors >= 1, got ", factor_);
    internal::require_countable("upsample", "factor", factor_);
  }

  std::string_view kind() const override { return "upsample"; }
  Description describe() const override {
    return rival::describe("upsample", UpsampleOptions{.factor = factor_, .mode = mode_});
  }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images of H x W x C, got ", input);
    return {internal::grown(*this, input[0], factor_.h), internal::grown(*this, input[1], factor_.w), input[2]};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    enlarge(x, trace.output);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    dx->fill(S(0));
    const Index c = dy.cols();
    for_each_image(*trace.input, dy.data(), dx->data(), [=](const S* out, S* in, S weight) {
      for (Index i = 0; i < c; ++i) in[i] += weight * out[i];
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    enlarge(x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Upsample>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  void enlarge(const Tensor<S>& x, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    y.fill(S(0));
    const Index c = x.cols();
    for_each_image(x, y.data(), x.data(), [=](S* out, const S* in, S weight) {
      for (Index i = 0; i < c; ++i) out[i] += weight * in[i];
    });
  }

  /// The one or two input pixels along an axis that output pixel `o` is made of.
  struct Taps {
    int count;
    std::array<Index, 2> at;
    std::array<S, 2> weight;
  };
  Taps taps(Index o, Index factor, Index extent) const {
    if (mode_ == Interpolation::nearest) return {1, {o / factor}, {S(1)}};
    const S place = std::max(S(0), (static_cast<S>(o) + S(0.5)) / static_cast<S>(factor) - S(0.5));
    const Index lower = static_cast<Index>(place);
    const S weight = place - static_cast<S>(lower);
    if (weight == S(0) || lower + 1 == extent) return {1, {lower}, {S(1)}};
    return {2, {lower, lower + 1}, {S(1) - weight, weight}};
  }

  /// Calls visit(output pixel, input pixel, weight) for all pairs that belong together; an image is one
  /// task's.
  template <class Out, class In, class Visit>
  void for_each_image(const Tensor<S>& input, Out* output_data, In* input_data, const Visit& visit) const {
    const Index h = input.dim(1), w = input.dim(2), c = input.dim(3);
    const Index out_h = factor_.h * h, out_w = factor_.w * w;
    parallel_for(input.dim(0), 2.0 * static_cast<double>(input.size() * factor_.area()), [&](Index n) {
      Out* out = output_data + n * out_h * out_w * c;
      In* in = input_data + n * h * w * c;
      for (Index y = 0; y < out_h; ++y) {
        const Taps rows = taps(y, factor_.h, h);
        for (Index x = 0; x < out_w; ++x, out += c) {
          const Taps columns = taps(x, factor_.w, w);
          for (std::size_t i = 0; i < static_cast<std::size_t>(rows.count); ++i)
            for (std::size_t j = 0; j < static_cast<std::size_t>(columns.count); ++j)
              visit(out, in + (rows.at[i] * w + columns.at[j]) * c, rows.weight[i] * columns.weight[j]);
        }
      }
    });
  }

  Size2 factor_;
  Interpolation mode_;
};

RIVAL_INSTANTIATE_CLASS(Upsample);

}  // namespace rival

namespace rival {

/// Height and width of the images that these networks, and the recipes, are made for.
inline constexpr std::array<Index, 3> image_sizes{28, 32, 64};
/// Whether images of that height and width are among them.
constexpr bool is_image_size(Index size) {
  return std::find(image_sizes.begin(), image_sizes.end(), size) != image_sizes.end();
}

/// How large a network for images is.
struct ImageNetworkOptions {
  Index size = 64;     ///< height and width: 28, 32 or 64
  Index channels = 3;  ///< of the images
  Index width = 64;    ///< channels of the layer next to the image; DCGAN's double with each halving of its size
  Index latent = 100;  ///< of a generator
  Index classes = 0;   ///< that the network is told of; 0: none

  /// The sample shape {size, size, channels}.
  Shape image() const { return {size, size, channels}; }
};

namespace internal {

/// Throws Error for options out of range.
inline void check(const ImageNetworkOptions& o) {
  constexpr Index most = 65'536;  // whose products an Index counts
  require(is_image_size(o.size), "network: expected images of 28, 32 or 64 pixels, got ", o.size);
  require(o.channels >= 1 && o.width >= 1 && o.latent >= 1 && o.classes >= 0,
          "network: expected at least 1 channel, a width of at least 1, at least 1 latent number and 0 classes, got ",
          o.channels, ", ", o.width, ", ", o.latent, " and ", o.classes);
  require(std::max({o.channels, o.width, o.latent, o.classes}) <= most, "network: expected at most ", most,
          " channels, width, latent numbers and classes, got ", o.channels, ", ", o.width, ", ", o.latent, " and ",
          o.classes);
}

/// How often an image is halved on its way to 4 x 4, or 28 pixels to 3 x 3.
inline Index halvings(Index size) { return size == 64 ? 4 : 3; }

/// Batch norm, of each class its own if the network is told of classes.
template <class S>
void add_norm(Sequential<S>& layers, Index features, Index classes) {
  if (classes > 0)
    layers.add(ConditionalBatchNorm<S>({.features = features, .classes = classes}));
  else
    layers.add(BatchNorm<S>({.features = features}));
}

}  // namespace internal

/// The layers of the deep convolutional generator (Radford, Metz and Chintala, 2016): the latent vector as one pixel,
/// to 4x4 with `width` doubled for each halving but one, and up to the image, halving the channels. At 64 x 64 with
/// width 64 it is the generator of PyTorch's tutorial.
template <class S = float>
Sequential<S> dcgan_generator_layers(const ImageNetworkOptions& o) {
  internal::check(o);
  Index channels = o.width << (internal::halvings(o.size) - 1), side = 4;
  Sequential<S> layers(Reshape<S>({1, 1, o.latent}));
  layers.add(ConvTranspose2d<S>({.in = o.latent, .out = channels, .kernel = 4, .bias = false}));
  while (side < o.size) {
    internal::add_norm(layers, channels, o.classes);
    layers.add(ReLU<S>());
    const bool to_seven = o.size == 28 && side == 4;  // 4, 7, 14, 28
    side = to_seven ? 7 : 2 * side;
    const Index out = side == o.size ? o.channels : channels / 2;
    layers.add(ConvTranspose2d<S>(
        {.in = channels, .out = out, .kernel = to_seven ? 3 : 4, .stride = 2, .padding = 1, .bias = false}));
    channels = out;
  }
  layers.add(Tanh<S>());
  return layers;
}

/// The generator of these layers, its weights drawn from N(0, 0.02).
template <class S = float>
Generator<S> dcgan_generator(const Random& random, const ImageNetworkOptions& o) {
  Generator<S> generator(o.latent, dcgan_generator_layers<S>(o));
  generator.initialise(normal<S>(0, 0.02), random);
  return generator;
}

/// The layers below the score of the discriminator to it: `width` channels first, and twice as many with each halving
/// of the image, down to 4x4 (28x28 to 3x3). `norm`: batch norm behind all but the first, and no biases.
template <class S = float>
Sequential<S> dcgan_discriminator_layers(const ImageNetworkOptions& o, bool norm) {
  internal::check(o);
  Sequential<S> layers;
  Index in = o.channels, out = o.width;
  for (Index side = o.size; side > 4; side /= 2, in = out, out *= 2) {
    layers.add(Conv2d<S>({.in = in, .out = out, .kernel = 4, .stride = 2, .padding = 1, .bias = !norm}));
    if (norm && side < o.size) layers.add(BatchNorm<S>({.features = out}));
    layers.add(LeakyReLU<S>(0.2));
  }
  return layers;
}

/// The discriminator of these layers, with batch norm, and one score; its weights drawn from N(0, 0.02).
template <class S = float>
Discriminator<S> dcgan_discriminator(const Random& random, const ImageNetworkOptions& o) {
  Sequential<S> layers = dcgan_discriminator_layers<S>(o, true);
  const Shape last = layers.output_shape(o.image());
  layers.add(Conv2d<S>({.in = last[2], .out = 1, .kernel = last[0], .bias = false})).add(Flatten<S>());
  Discriminator<S> discriminator(o.image(), std::move(layers));
  discriminator.initialise(normal<S>(0, 0.02), random);
  return discriminator;
}

/// The same without normalisation and with biases, He's weights, for losses that cannot bear batch norm: gradient
/// penalties, Wasserstein.
template <class S = float>
Discriminator<S> dcgan_critic(const Random& random, const ImageNetworkOptions& o) {
  Sequential<S> layers = dcgan_discriminator_layers<S>(o, false);
  const Shape last = layers.output_shape(o.image());
  layers.add(Conv2d<S>({.in = last[2], .out = 1, .kernel = last[0]})).add(Flatten<S>());
  Discriminator<S> discriminator(o.image(), std::move(layers));
  discriminator.initialise(he<S>(0.2), random);
  return discriminator;
}

namespace internal {

/// A block of a residual generator: twice the size, by nearest pixels, then two 3x3 convolutions behind batch norm and
/// ReLU; beside it a 1x1 convolution.
template <class S>
Residual<S> resnet_up(Index in, Index out, Index classes) {
  Sequential<S> main;
  add_norm(main, in, classes);
  main.add(ReLU<S>()).add(Upsample<S>()).add(Conv2d<S>({.in = in, .out = out, .kernel = 3, .padding = 1}));
  add_norm(main, out, classes);
  main.add(ReLU<S>()).add(Conv2d<S>({.in = out, .out = out, .kernel = 3, .padding = 1}));
  return Residual<S>(std::move(main), Sequential<S>(Upsample<S>(), Conv2d<S>({.in = in, .out = out, .kernel = 1})));
}

/// A convolution, under spectral norm if that is wanted.
template <class S>
void add_convolution(Sequential<S>& layers, const Conv2dOptions& options, bool spectral) {
  if (spectral)
    layers.add(SpectralNorm(Conv2d<S>(options)));
  else
    layers.add(Conv2d<S>(options));
}

/// A block of a residual discriminator: two 3x3 convolutions behind ReLUs, then half the size by averages if `halve`.
/// In front of the image stands no ReLU, and the branch beside is halved before its convolution.
template <class S>
Residual<S> resnet_down(Index in, Index out, bool halve, bool first, bool spectral) {
  Sequential<S> main, skip;
  if (!first) main.add(ReLU<S>());
  add_convolution<S>(main, {.in = in, .out = out, .kernel = 3, .padding = 1}, spectral);
  main.add(ReLU<S>());
  add_convolution<S>(main, {.in = out, .out = out, .kernel = 3, .padding = 1}, spectral);
  if (halve) main.add(AvgPool2d<S>());
  if (first && halve) skip.add(AvgPool2d<S>());
  if (in != out || halve) add_convolution<S>(skip, {.in = in, .out = out, .kernel = 1}, spectral);
  if (!first && halve) skip.add(AvgPool2d<S>());
  return Residual<S>(std::move(main), std::move(skip));
}

}  // namespace internal

/// The residual generator that Gulrajani et al. (2017) and Miyato et al. (2018) train on CIFAR-10: a dense layer to 4x4
/// (7x7 for 28 pixels), blocks that double the size, all of `width` channels (128 there for the former, 256 for the
/// latter), batch norm, ReLU, a convolution.
template <class S = float>
Generator<S> resnet_generator(const Random& random, const ImageNetworkOptions& o) {
  internal::check(o);
  Index side = o.size == 28 ? 7 : 4;
  Sequential<S> layers(Dense<S>({.in = o.latent, .out = side * side * o.width}), Reshape<S>({side, side, o.width}));
  for (; side < o.size; side *= 2) layers.add(internal::resnet_up<S>(o.width, o.width, o.classes));
  internal::add_norm(layers, o.width, o.classes);
  layers.add(ReLU<S>()).add(Conv2d<S>({.in = o.width, .out = o.channels, .kernel = 3, .padding = 1})).add(Tanh<S>());
  Generator<S> generator(o.latent, std::move(layers));
  generator.initialise(glorot<S>(), random);
  return generator;
}

/// The residual discriminator to it: blocks that halve the image down to 8x8 (7x7), two that do not, ReLU, the mean of
/// each channel's pixels, and one score. `spectral`: under spectral norm throughout, and the sum in place of the mean
/// (Miyato et al.). Told of classes, it projects the class's embedding on the last features (Miyato and Koyama, 2018).
template <class S = float>
Discriminator<S> resnet_discriminator(const Random& random, const ImageNetworkOptions& o, bool spectral) {
  internal::check(o);
  Sequential<S> layers;
  Index in = o.channels;
  for (Index side = o.size; side > 8; side /= 2, in = o.width)
    layers.add(internal::resnet_down<S>(in, o.width, true, side == o.size, spectral));
  for (int block = 0; block < 2; ++block)
    layers.add(internal::resnet_down<S>(o.width, o.width, false, false, spectral));
  layers.add(ReLU<S>());
  if (spectral)
    layers.add(SumPool<S>());
  else
    layers.add(AvgPool2d<S>({.kernel = o.size == 28 ? 7 : 8})).add(Flatten<S>());
  const DenseOptions score{.in = o.width, .out = 1 + o.classes};
  if (spectral)
    layers.add(SpectralNorm(Dense<S>(score)));
  else
    layers.add(Dense<S>(score));
  if (o.classes > 0) layers.add(Projection<S>({.classes = o.classes}));
  Discriminator<S> discriminator(o.image(), std::move(layers));
  discriminator.initialise(glorot<S>(), random);
  return discriminator;
}

RIVAL_INSTANTIATE_FUNCTION(dcgan_generator_layers);
RIVAL_INSTANTIATE_FUNCTION(dcgan_generator);
RIVAL_INSTANTIATE_FUNCTION(dcgan_discriminator_layers);
RIVAL_INSTANTIATE_FUNCTION(dcgan_discriminator);
RIVAL_INSTANTIATE_FUNCTION(dcgan_critic);
RIVAL_INSTANTIATE_FUNCTION(resnet_generator);
RIVAL_INSTANTIATE_FUNCTION(resnet_discriminator);

}  // namespace rival

// rival/layers/dropout.hpp
// Dropout: sets random elements to zero while training.

namespace rival {

/// How much a Dropout drops.
struct DropoutOptions {
  double rate = 0.5;  ///< the probability that an element is dropped, in [0, 1)

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("rate", o.rate);
  }
};

/// Training: every element is dropped with probability `rate` and divided by 1 - rate otherwise, so that its
/// mean stays. Evaluation: the identity (Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, 2014).
///
/// The mask comes from the layer's own random stream. `forward` reads the stream where it stands; `commit`
/// moves it on.
template <class S = float>
class Dropout : public Layer<S> {
 public:
  using Options = DropoutOptions;  ///< what it is made from
  /// Throws Error unless 0 <= rate < 1.
  explicit Dropout(const DropoutOptions& options = {}) : options_(options), rate_(static_cast<S>(options.rate)) {
    require(options.rate >= 0 && rate_ < S(1), "dropout: expected a rate in [0, 1), got ", options.rate);
  }

  std::string_view kind() const override { return "dropout"; }
  Description describe() const override { return rival::describe("dropout", options_); }
  bool gates_input() const override { return true; }
  Shape output_shape(const Shape& input) const override { return input; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = &x;
    trace.mode = pass.mode;
    if (!drops(trace)) {
      trace.output.alias(x, x.shape());
      return trace.output;
    }
    Tensor<S>& mask = trace.save(0, x.shape());
    Random stream = stream_;
    stream.fill_uniform(mask);
    trace.output.resize(x.shape());
    kernels::dropout(x.data(), mask.data(), trace.output.data(), x.size(), rate_);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    const S* x = trace.input->data();
    if (drops(trace))
      kernels::dropout_gradient(x, trace.saved[0].data(), dy.data(), dx->data(), dy.size(), pass.slope);
    else
      kernels::leaky_relu_gradient(x, dy.data(), dx->data(), dy.size(), pass.slope);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.output_tangent.resize(x_tangent.shape());
    if (drops(trace))
      trace.output_tangent.array() = x_tangent.array() * trace.saved[0].array();
    else
      trace.output_tangent = x_tangent;
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  void commit(const Trace<S>& trace) override {
    constexpr std::uint64_t per_block = 16 / sizeof(S);  // numbers that fill_uniform makes of one block
    if (drops(trace)) stream_.skip((static_cast<std::uint64_t>(trace.output.size()) + per_block - 1) / per_block);
  }

  void collect(State<S>& state) override { state.streams.emplace_back(this->name(), &stream_); }
  void initialise(const Initialiser<S>&, const Random& random) override { stream_ = random.stream(this->name()); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Dropout>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  bool drops(const Trace<S>& trace) const { return trace.mode == Mode::train && rate_ > S(0); }

  DropoutOptions options_;
  S rate_;
  Random stream_;
};

RIVAL_INSTANTIATE_CLASS(Dropout);

}  // namespace rival

namespace rival {

/// latent-256-512-1024-784, batch norm and leaky ReLU between, tanh at the end.
template <class S = float>
Generator<S> dense_generator(const Random& random, Index latent = 100) {
  Sequential<S> layers(Dense<S>({.in = latent, .out = 256}), BatchNorm<S>({.features = 256}), LeakyReLU<S>(0.2),
                       Dense<S>({.in = 256, .out = 512}), BatchNorm<S>({.features = 512}), LeakyReLU<S>(0.2),
                       Dense<S>({.in = 512, .out = 1024}), BatchNorm<S>({.features = 1024}), LeakyReLU<S>(0.2),
                       Dense<S>({.in = 1024, .out = 784}), Tanh<S>(), Reshape<S>({28, 28, 1}));
  Generator<S> generator(latent, std::move(layers));
  generator.initialise(uniform_fan_in<S>(), random);
  return generator;
}

/// 784-512-256-1, leaky ReLU between.
template <class S = float>
Discriminator<S> dense_discriminator(const Random& random) {
  Sequential<S> layers(Flatten<S>(), Dense<S>({.in = 784, .out = 512}), LeakyReLU<S>(0.2),
                       Dense<S>({.in = 512, .out = 256}), LeakyReLU<S>(0.2), Dense<S>({.in = 256, .out = 1}));
  Discriminator<S> discriminator({28, 28, 1}, std::move(layers));
  discriminator.initialise(uniform_fan_in<S>(), random);
  return discriminator;
}

/// DCGAN's generator for 28 x 28: 1x1 to 4x4, 7x7, 14x14, 28x28, with 256, 128 and 64 channels between.
template <class S = float>
Generator<S> dcgan28_generator(const Random& random, Index latent = 100) {
  return dcgan_generator<S>(random, {.size = 28, .channels = 1, .width = 64, .latent = latent});
}

/// The discriminator to it: 28x28 to 14x14, 7x7, 3x3, one logit.
template <class S = float>
Discriminator<S> dcgan28_discriminator(const Random& random) {
  return dcgan_discriminator<S>(random, {.size = 28, .channels = 1, .width = 64});
}

/// The same without normalisation and with biases.
template <class S = float>
Discriminator<S> dcgan28_critic(const Random& random) {
  return dcgan_critic<S>(random, {.size = 28, .channels = 1, .width = 64});
}

/// The generator of TensorFlow's DCGAN tutorial: a dense layer to 7x7x256, then 5x5 kernels to 7x7, 14x14, 28x28.
/// "Same" padding of a 5x5 kernel with stride 2 crops one row and column before and two behind.
template <class S = float>
Generator<S> tfdcgan_generator(const Random& random, Index latent = 100) {
  Sequential<S> layers(
      Dense<S>({.in = latent, .out = 7 * 7 * 256, .bias = false}), BatchNorm<S>({.features = 7 * 7 * 256}),
      LeakyReLU<S>(0.3), Reshape<S>({7, 7, 256}),
      ConvTranspose2d<S>({.in = 256, .out = 128, .kernel = 5, .padding = 2, .bias = false}),
      BatchNorm<S>({.features = 128}), LeakyReLU<S>(0.3),
      ConvTranspose2d<S>(
          {.in = 128, .out = 64, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2, .bias = false}),
      BatchNorm<S>({.features = 64}), LeakyReLU<S>(0.3),
      ConvTranspose2d<S>({.in = 64, .out = 1, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2, .bias = false}),
      Tanh<S>());
  Generator<S> generator(latent, std::move(layers));
  generator.initialise(glorot<S>(), random);
  return generator;
}

/// The discriminator of that tutorial: dropout in the place of batch norm.
template <class S = float>
Discriminator<S> tfdcgan_discriminator(const Random& random) {
  Sequential<S> layers(Conv2d<S>({.in = 1, .out = 64, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2}),
                       LeakyReLU<S>(0.3), Dropout<S>({.rate = 0.3}),
                       Conv2d<S>({.in = 64, .out = 128, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2}),
                       LeakyReLU<S>(0.3), Dropout<S>({.rate = 0.3}), Flatten<S>(),
                       Dense<S>({.in = 7 * 7 * 128, .out = 1}));
  Discriminator<S> discriminator({28, 28, 1}, std::move(layers));
  discriminator.initialise(glorot<S>(), random);
  return discriminator;
}

RIVAL_INSTANTIATE_FUNCTION(dense_generator);
RIVAL_INSTANTIATE_FUNCTION(dense_discriminator);
RIVAL_INSTANTIATE_FUNCTION(dcgan28_generator);
RIVAL_INSTANTIATE_FUNCTION(dcgan28_discriminator);
RIVAL_INSTANTIATE_FUNCTION(dcgan28_critic);
RIVAL_INSTANTIATE_FUNCTION(tfdcgan_generator);
RIVAL_INSTANTIATE_FUNCTION(tfdcgan_discriminator);

}  // namespace rival

// rival/gan/best_latents.hpp
// best_latents() and best_samples(): of several tries a sample, those that the discriminator believes most.

namespace rival {

/// Of `tries` latent vectors for each of N samples, those whose samples the discriminator scores highest: better
/// samples, and somewhat fewer kinds of them, as with discriminator rejection sampling (Azadi, Olsson, Darrell,
/// Goodfellow and Odena, "Discriminator rejection sampling", 2019), but in a fixed number of tries:
///
///     rival::Tensor<> candidates({3 * 64, generator.latent()});
///     random.fill_normal(candidates);
///     const auto samples = generator.sample(rival::best_latents(generator, discriminator, candidates, 3));
///
/// `candidates` is {N tries, latent}, the rows of a sample one behind the other; `labels` are N, one a sample, for
/// networks that depend on them. Returns {N, latent}. Of equal scores the first counts, and one that is not finite
/// least. Throws Error when the networks do not fit each other, for a discriminator that scores samples in packs, for
/// rows that `tries` does not divide, and for other numbers of labels.
template <class S>
Tensor<S> best_latents(const Generator<S>& generator, const Discriminator<S>& discriminator,
                       const Tensor<S>& candidates, Index tries, Labels labels = {}) {
  require(generator.output_shape() == discriminator.input_shape(), "best latents: the generator makes samples of ",
          generator.output_shape(), ", the discriminator scores samples of ", discriminator.input_shape());
  require(tries >= 1 && candidates.rank() == 2 && candidates.dim(0) >= 1 && candidates.dim(0) % tries == 0,
          "best latents: expected ", tries, " latent vectors a sample, at least 1, got ", candidates.shape());
  const Index count = candidates.dim(0) / tries, length = candidates.dim(1);
  require(labels.empty() || static_cast<Index>(labels.size()) == count, "best latents: expected ", count,
          " labels, one a sample, got ", labels.size());
  if (tries == 1) return candidates;

  // Candidates of a few samples at a time, so that memory is bounded.
  const Index most = std::max<Index>(1, internal::most_at_once(discriminator) / tries);
  Tensor<S> best({count, length}), part;
  std::vector<Label> part_labels;
  Trace<S> trace;
  for (Index begin = 0; begin < count; begin += most) {
    const Index end = std::min(count, begin + most);
    part.resize({(end - begin) * tries, length});
    std::copy_n(candidates.data() + begin * tries * length, part.size(), part.data());
    part_labels.clear();
    for (Index i = begin; i < end && !labels.empty(); ++i)
      part_labels.insert(part_labels.end(), static_cast<std::size_t>(tries), labels[static_cast<std::size_t>(i)]);
    const Tensor<S> samples = generator.sample(part, part_labels);
    const Tensor<S>& outputs = discriminator.infer(samples, trace, part_labels);
    require(outputs.dim(0) == part.dim(0),
            "best latents: expected a discriminator that scores each sample by itself, got ", outputs.dim(0),
            " scores of ", part.dim(0), " samples");
    const Index columns = outputs.size() / outputs.dim(0);  // the score, and heads behind it
    for (Index i = begin; i < end; ++i) {
      Index chosen = 0;
      for (Index k = 1; k < tries; ++k) {
        const auto score = [&](Index which) { return outputs[((i - begin) * tries + which) * columns]; };
        if (is_finite(score(k)) && (score(k) > score(chosen) || !is_finite(score(chosen)))) chosen = k;
      }
      std::copy_n(candidates.data() + (i * tries + chosen) * length, length, best.data() + i * length);
    }
  }
  return best;
}

/// `count` samples, each the best one of `tries` standard normal latent vectors drawn from `random`.
template <class S>
Tensor<S> best_samples(const Generator<S>& generator, const Discriminator<S>& discriminator, Index count,
                       Random& random, Index tries = 3) {
  require(count >= 1 && tries >= 1, "best samples: expected a count and tries of at least 1, got ", count, " and ",
          tries);
  Tensor<S> candidates({count * tries, generator.latent()});
  random.fill_normal(candidates);
  return generator.sample(best_latents(generator, discriminator, candidates, tries));
}

RIVAL_INSTANTIATE_FUNCTION(best_latents);
RIVAL_INSTANTIATE_FUNCTION(best_samples);

}  // namespace rival

// rival/gan/clip_networks.hpp
// Networks for clips {T, H, W, C}. Each is a plain function: copy it and change it.

// rival/layers/concat.hpp
// ConcatSkip: two branches from one input, side by side on the channels.

namespace rival {

/// y = [skip(x), main(x)] on the last axis, where a skip branch that is left away is the identity: the connection
/// across a U-Net (Ronneberger, Fischer and Brox, 2015). {H, W, A} and {H, W, B} become {H, W, A + B}.
template <class S = float>
class ConcatSkip : public internal::Branches<S> {
 public:
  /// The two branches; without layers `skip` is the identity.
  explicit ConcatSkip(Sequential<S> main, Sequential<S> skip = {})
      : internal::Branches<S>(std::move(main), std::move(skip)) {}

  std::string_view kind() const override { return "concat_skip"; }
  std::string_view short_name() const override { return "concat"; }
  Description describe() const override { return this->describe_branches(rival::describe("concat_skip", NoOptions{})); }

  /// Throws Error unless the branches' outputs differ in nothing but their channels.
  Shape output_shape(const Shape& input) const override {
    const Shape main = this->main().output_shape(input), skip = this->skip().output_shape(input);
    require(main.rank() > 0 && main.rank() == skip.rank() && main.with(main.rank() - 1, skip.back()) == skip, *this,
            ": expected branches that differ in their channels alone, got ", main, " from the main one and ", skip,
            " from the skip");
    return main.with(main.rank() - 1, internal::grown(*this, skip.back(), 1, main.back()));
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ConcatSkip>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  using typename internal::Branches<S>::Pair;
  /// y = [skip, main], row by row.
  void join(const Tensor<S>& main, const Tensor<S>& skip, Tensor<S>& y, S, const S*) const override {
    const Index a = skip.cols(), b = main.cols();
    for_each_row(y, [&](Index row) {
      S* out = y.data() + row * (a + b);
      std::copy_n(skip.data() + row * a, a, out);
      std::copy_n(main.data() + row * b, b, out + a);
    });
  }
  /// The parts of dy that belong to `main` and to `skip`, each copied to the trace.
  Pair split(Trace<S>& trace, const Tensor<S>& dy, std::size_t place) const override {
    const Index a = this->skip().output_shape(trace.input->shape().sample()).back(), b = dy.cols() - a;
    Tensor<S>& main = trace.save(place, dy.shape().with(dy.rank() - 1, b));
    Tensor<S>& skip = trace.save(place + 1, dy.shape().with(dy.rank() - 1, a));
    for_each_row(dy, [&](Index row) {
      const S* in = dy.data() + row * (a + b);
      std::copy_n(in, a, skip.data() + row * a);
      std::copy_n(in + a, b, main.data() + row * b);
    });
    return {&main, &skip};
  }

 private:
  template <class Body>
  static void for_each_row(const Tensor<S>& whole, const Body& body) {
    parallel_blocks(whole.rows(), 256, static_cast<double>(whole.size()), [&](Index begin, Index end) {
      for (Index row = begin; row < end; ++row) body(row);
    });
  }
};

RIVAL_INSTANTIATE_CLASS(ConcatSkip);

}  // namespace rival

// rival/layers/gru.hpp
// GRU: a recurrent layer, whose state is carried from step to step by gates.

namespace rival {

/// The sizes of a GRU.
struct GRUOptions {
  Index in = 0;       ///< features of a step
  Index hidden = 0;   ///< features of the state
  bool last = false;  ///< put out the state behind the last step alone

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("hidden", o.hidden);
    f("last", o.last);
  }
};

/// The gated recurrent unit of Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
/// machine translation" (2014), in PyTorch's form. For a batch x of sequences {N, steps, in}, from the state h_0 = 0:
///
///     a_t = x_t W + b,  c_t = h_{t-1} U + d            each {N, 3 hidden}: the parts of r, z and n, in this order
///     r_t = sigmoid(a_r + c_r),  z_t = sigmoid(a_z + c_z),  n_t = tanh(a_n + r_t c_n)
///     h_t = (1 - z_t) n_t + z_t h_{t-1}
///
/// y is all states {N, steps, hidden}, or with `last` the last one {N, hidden}. W {in, 3 hidden} is weight_ih_l0, U
/// {hidden, 3 hidden} weight_hh_l0, b bias_ih_l0 and d bias_hh_l0.
///
/// Going back from the last step, with dh_t the gradient of h_t from y and from the step behind it:
///
///     da_n = dh (1 - z) (1 - n^2),  da_r = da_n c_n r (1 - r),  da_z = dh (h_{t-1} - n) z (1 - z)
///     dc = (da_r, da_z, da_n r),  dh_{t-1} += dh z + dc U^T,  dU += h_{t-1}^T dc,  dW += x^T da,  dx = da W^T
///
/// The tangents are the derivatives of these two passes, term by term. What all steps share is one product: x W, and
/// those of da and dc; only h_{t-1} U and dc U^T are products of a step.
template <class S = float>
class GRU : public Layer<S> {
 public:
  using Options = GRUOptions;  ///< what it is made from
  /// Throws Error unless both sizes are positive.
  explicit GRU(const GRUOptions& options)
      : options_(checked(options)),
        w_("weight_ih_l0", {options.in, 3 * options.hidden}),
        u_("weight_hh_l0", {options.hidden, 3 * options.hidden}),
        b_("bias_ih_l0", {3 * options.hidden}),
        d_("bias_hh_l0", {3 * options.hidden}) {
    w_.axes = u_.axes = WeightAxes::dense;
  }

  std::string_view kind() const override { return "gru"; }
  Description describe() const override { return rival::describe("gru", options_); }
  /// The options that it was made with.
  const GRUOptions& options() const { return options_; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 2, *this, ": expected sequences steps x features, got ", input);
    require(input[1] == options_.in, *this, ": expected ", options_.in, " features, got ", input[1]);
    require(input[0] > 0, *this, ": expected at least one step, got ", input);
    return options_.last ? Shape{options_.hidden} : Shape{input[0], options_.hidden};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    const Sizes s = sizes(x);
    Tensor<S>&a = trace.save(place_a, {s.n, s.steps, 3 * s.h}), &c = trace.save(place_c, {s.steps, s.n, 3 * s.h}),
    &gates = trace.save(place_gates, {s.steps, s.n, 3 * s.h}),
    &states = trace.save(place_states, {s.steps + 1, s.n, s.h});
    kernels::conv_output<S>({.batch = s.n * s.steps, .in_c = options_.in, .out_c = 3 * s.h}, x.data(), w_.value.data(),
                            a.data(), {.bias = b_.value.data()});
    std::fill_n(states.data(), s.n * s.h, S(0));
    for (Index t = 0; t < s.steps; ++t) {
      kernels::conv_output<S>(recurrence(s), states.data() + t * s.n * s.h, u_.value.data(),
                              c.data() + t * s.n * 3 * s.h, {.bias = d_.value.data()});
      for_samples(s, 60, [&](Index n) {
        const S *a_n = a.data() + (n * s.steps + t) * 3 * s.h, *c_n = c.data() + (t * s.n + n) * 3 * s.h;
        S *r = gates.data() + (t * s.n + n) * 3 * s.h, *z = r + s.h, *m = z + s.h;
        map(
            2 * s.h, [](const auto& a_, const auto& c_) { return kernels::Sigmoid{}.value(a_ + c_); }, r, a_n, c_n);
        map(
            s.h, [](const auto& a_, const auto& r_, const auto& c_) { return (a_ + r_ * c_).tanh(); }, m, a_n + 2 * s.h,
            r, c_n + 2 * s.h);
        const S* before = states.data() + (t * s.n + n) * s.h;
        S* h = states.data() + ((t + 1) * s.n + n) * s.h;
        for (Index i = 0; i < s.h; ++i) h[i] = m[i] + z[i] * (before[i] - m[i]);
        put_out(s, t, n, h, trace.output);
      });
    }
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (!dx && !pass.parameters) return;
    const Steps steps(*this, trace, false);
    const Sizes& s = steps.s;
    for (Index t = s.steps; t-- > 0;) {
      for_samples(s, 20, [&](Index n) { steps.go_back(t, n, dy); });
      if (t > 0) steps.carry(steps.dc, t, steps.dh);
    }
    if (pass.parameters) {
      add_products(*trace.input, trace.saved[place_states], steps.da, steps.dc, s);
      add_biases(steps.da, steps.dc);
    }
    if (dx) input_gradient(steps.da, *trace.input, *dx);
  }

  Curvature curvature() const override { return Curvature::curved; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(trace.output.shape());
    const Sizes s = sizes(x_tangent);
    Tensor<S>&a = trace.save(place_a_tangent, {s.n, s.steps, 3 * s.h}),
    &c = trace.save(place_c_tangent, {s.steps, s.n, 3 * s.h}),
    &gates = trace.save(place_gates_tangent, {s.steps, s.n, 3 * s.h}),
    &states = trace.save(place_states_tangent, {s.steps + 1, s.n, s.h});
    kernels::conv_output<S>({.batch = s.n * s.steps, .in_c = options_.in, .out_c = 3 * s.h}, x_tangent.data(),
                            w_.value.data(), a.data());
    std::fill_n(states.data(), s.n * s.h, S(0));
    for (Index t = 0; t < s.steps; ++t) {
      kernels::conv_output<S>(recurrence(s), states.data() + t * s.n * s.h, u_.value.data(),
                              c.data() + t * s.n * 3 * s.h);
      for_samples(s, 20, [&](Index n) {
        const Index at = (t * s.n + n) * 3 * s.h, state = (t * s.n + n) * s.h;
        const S *da = a.data() + (n * s.steps + t) * 3 * s.h, *dc = c.data() + at;
        const S *r = trace.saved[place_gates].data() + at, *z = r + s.h, *m = z + s.h;
        const S *c_m = trace.saved[place_c].data() + at + 2 * s.h, *before = trace.saved[place_states].data() + state;
        S *dr = gates.data() + at, *dz = dr + s.h, *dm = dz + s.h;
        const S* dbefore = states.data() + state;
        S* dh = states.data() + state + s.n * s.h;
        for (Index i = 0; i < s.h; ++i) {
          dr[i] = r[i] * (S(1) - r[i]) * (da[i] + dc[i]);
          dz[i] = z[i] * (S(1) - z[i]) * (da[s.h + i] + dc[s.h + i]);
          dm[i] = (S(1) - m[i] * m[i]) * (da[2 * s.h + i] + dr[i] * c_m[i] + r[i] * dc[2 * s.h + i]);
          dh[i] = (S(1) - z[i]) * dm[i] + z[i] * dbefore[i] + dz[i] * (before[i] - m[i]);
        }
        put_out(s, t, n, dh, trace.output_tangent);
      });
    }
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    const Steps steps(*this, trace, true);
    const Sizes& s = steps.s;
    for (Index t = s.steps; t-- > 0;) {
      for_samples(s, 60, [&](Index n) { steps.go_back_tangent(t, n, dy, dy_tangent); });
      if (t == 0) break;
      steps.carry(steps.dc, t, steps.dh);
      steps.carry(*steps.dc_tangent, t, *steps.dh_tangent);
    }
    add_products(*trace.input, trace.saved[place_states], *steps.da_tangent, *steps.dc_tangent, s);
    add_products(*trace.input_tangent, trace.saved[place_states_tangent], steps.da, steps.dc, s);
    add_biases(*steps.da_tangent, *steps.dc_tangent);
    if (dx_tangent) input_gradient(*steps.da_tangent, *trace.input, *dx_tangent);
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    for (Parameter<S>* parameter : {&w_, &u_, &b_, &d_}) state.parameters.push_back(parameter);
  }
  /// Weights from the initialiser, biases 0.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    for (Parameter<S>* parameter : {&w_, &u_}) {
      Random stream = random.stream(parameter->name);
      weights(parameter->value, {parameter->value.dim(0), options_.hidden}, stream);
    }
    b_.value.fill(S(0));
    d_.value.fill(S(0));
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<GRU>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    w_.name = name + ".weight_ih_l0";
    u_.name = name + ".weight_hh_l0";
    b_.name = name + ".bias_ih_l0";
    d_.name = name + ".bias_hh_l0";
  }

 private:
  // x W lies sample by sample, as x does; all else step by step, so that a step's rows are one matrix. As n counts
  // samples, the formulas' n is called m.
  enum Place : std::size_t {
    place_a,
    place_c,
    place_gates,
    place_states,  // from h_0 on
    place_da,
    place_dc,
    place_dh,
    place_through,
    place_a_tangent,
    place_c_tangent,
    place_gates_tangent,
    place_states_tangent,
    place_da_tangent,
    place_dc_tangent,
    place_dh_tangent
  };
  struct Sizes {
    Index n, steps, h;
  };

  static GRUOptions checked(const GRUOptions& o) {
    require(o.in > 0 && o.hidden > 0, "gru: expected positive `in` and `hidden`, got ", o.in, " and ", o.hidden);
    require(o.hidden <= internal::most_size, "gru: expected a `hidden` of at most ", internal::most_size, ", got ",
            o.hidden);
    return o;
  }
  Sizes sizes(const Tensor<S>& x) const { return {x.dim(0), x.dim(1), options_.hidden}; }
  static kernels::ConvGeometry recurrence(const Sizes& s) { return {.batch = s.n, .in_c = s.h, .out_c = 3 * s.h}; }

  template <class Body>
  static void for_samples(const Sizes& s, double cost, const Body& body) {
    parallel_blocks(s.n, std::max<Index>(1, 1024 / s.h), cost * static_cast<double>(s.n * s.h),
                    [&](Index begin, Index end) {
                      for (Index n = begin; n < end; ++n) body(n);
                    });
  }
  template <class Rule, class... From>
  static void map(Index count, const Rule& rule, S* to, const From*... from) {
    kernels::internal::map_range(0, count, rule, to, from...);
  }

  void put_out(const Sizes& s, Index t, Index n, const S* h, Tensor<S>& y) const {
    if (!options_.last)
      std::copy_n(h, s.h, y.data() + (n * s.steps + t) * s.h);
    else if (t + 1 == s.steps)
      std::copy_n(h, s.h, y.data() + n * s.h);
  }

  /// What the way back through the steps reads and writes.
  struct Steps {
    const GRU& gru;
    Sizes s;
    const Tensor<S>&c, &gates, &states;
    Tensor<S>&da, &dc, &dh, &through;
    const Tensor<S>*c_tangent = nullptr, *gates_tangent = nullptr, *states_tangent = nullptr;
    Tensor<S>*da_tangent = nullptr, *dc_tangent = nullptr, *dh_tangent = nullptr;

    Steps(const GRU& of, Trace<S>& trace, bool tangents)
        : gru(of),
          s(of.sizes(*trace.input)),
          c(trace.saved[place_c]),
          gates(trace.saved[place_gates]),
          states(trace.saved[place_states]),
          da(trace.save(place_da, {s.n, s.steps, 3 * s.h})),
          dc(trace.save(place_dc, {s.steps, s.n, 3 * s.h})),
          dh(trace.save(place_dh, {s.n, s.h})),
          through(trace.save(place_through, {s.n, s.h})) {
      dh.fill(S(0));
      if (!tangents) return;
      c_tangent = &trace.saved[place_c_tangent];
      gates_tangent = &trace.saved[place_gates_tangent];
      states_tangent = &trace.saved[place_states_tangent];
      da_tangent = &trace.save(place_da_tangent, {s.n, s.steps, 3 * s.h});
      dc_tangent = &trace.save(place_dc_tangent, {s.steps, s.n, 3 * s.h});
      dh_tangent = &trace.save(place_dh_tangent, {s.n, s.h});
      dh_tangent->fill(S(0));
    }

    /// The gradient, or its tangent, that comes into a state from the output; null for none.
    const S* from_output(const Tensor<S>* dy, Index t, Index n) const {
      const bool last = gru.options_.last;
      if (dy == nullptr || (last && t + 1 < s.steps)) return nullptr;
      return dy->data() + (last ? n : n * s.steps + t) * s.h;
    }

    /// Step t of sample n: dh becomes dh z, to which `carry` adds the rest.
    void go_back(Index t, Index n, const Tensor<S>& dy) const {
      const Index h = s.h, at = (t * s.n + n) * 3 * h;
      const S* out = from_output(&dy, t, n);
      const S *r = gates.data() + at, *z = r + h, *m = z + h, *c_m = c.data() + at + 2 * h;
      const S* before = states.data() + (t * s.n + n) * h;
      S *da_n = da.data() + (n * s.steps + t) * 3 * h, *dc_n = dc.data() + at, *dh_n = dh.data() + n * h;
      for (Index i = 0; i < h; ++i) {
        const S g = dh_n[i] + (out ? out[i] : S(0));
        const S dm = g * (S(1) - z[i]) * (S(1) - m[i] * m[i]);
        da_n[i] = dc_n[i] = dm * c_m[i] * r[i] * (S(1) - r[i]);
        da_n[h + i] = dc_n[h + i] = g * (before[i] - m[i]) * z[i] * (S(1) - z[i]);
        da_n[2 * h + i] = dm;
        dc_n[2 * h + i] = dm * r[i];
        dh_n[i] = g * z[i];
      }
    }

    /// The same, and its derivative along the tangents.
    void go_back_tangent(Index t, Index n, const Tensor<S>& dy, const Tensor<S>* dy_tangent) const {
      const Index h = s.h, at = (t * s.n + n) * 3 * h, state = (t * s.n + n) * h;
      const S *out = from_output(&dy, t, n), *out_t = from_output(dy_tangent, t, n);
      const S *r = gates.data() + at, *z = r + h, *m = z + h, *c_m = c.data() + at + 2 * h;
      const S *r_t = gates_tangent->data() + at, *z_t = r_t + h, *m_t = z_t + h,
              *c_m_t = c_tangent->data() + at + 2 * h;
      const S *before = states.data() + state, *before_t = states_tangent->data() + state, *dh_n = dh.data() + n * h;
      S *da_t = da_tangent->data() + (n * s.steps + t) * 3 * h, *dc_t = dc_tangent->data() + at,
        *dh_t = dh_tangent->data() + n * h;
      for (Index i = 0; i < h; ++i) {
        const S g = dh_n[i] + (out ? out[i] : S(0)), g_t = dh_t[i] + (out_t ? out_t[i] : S(0));
        const S slope_r = r[i] * (S(1) - r[i]), slope_z = z[i] * (S(1) - z[i]), slope_m = S(1) - m[i] * m[i];
        const S away = before[i] - m[i], away_t = before_t[i] - m_t[i];
        const S dm = g * (S(1) - z[i]) * slope_m;
        const S dm_t = (g_t * (S(1) - z[i]) - g * z_t[i]) * slope_m - S(2) * g * (S(1) - z[i]) * m[i] * m_t[i];
        da_t[i] = dc_t[i] = (dm_t * c_m[i] + dm * c_m_t[i]) * slope_r + dm * c_m[i] * (S(1) - S(2) * r[i]) * r_t[i];
        da_t[h + i] = dc_t[h + i] = (g_t * away + g * away_t) * slope_z + g * away * (S(1) - S(2) * z[i]) * z_t[i];
        da_t[2 * h + i] = dm_t;
        dc_t[2 * h + i] = dm_t * r[i] + dm * r_t[i];
        dh_t[i] = g_t * z[i] + g * z_t[i];
      }
      go_back(t, n, dy);
    }

    /// to += dc_t U^T, the gradient of the state in front of step t.
    void carry(const Tensor<S>& of, Index t, Tensor<S>& to) const {
      kernels::conv_input_gradient<S>(recurrence(s), of.data() + t * s.n * 3 * s.h, gru.u_.value.data(),
                                      through.data());
      for_samples(s, 1, [&](Index n) {
        for (Index i = n * s.h; i < (n + 1) * s.h; ++i) to[i] += through[i];
      });
    }
  };

  /// dW += x^T da, dU += h^T dc, where h_{t-1} goes with dc_t.
  void add_products(const Tensor<S>& x, const Tensor<S>& states, const Tensor<S>& da, const Tensor<S>& dc,
                    const Sizes& s) {
    kernels::conv_weight_gradient<S>({.batch = s.n * s.steps, .in_c = options_.in, .out_c = 3 * s.h}, x.data(),
                                     da.data(), w_.grad.data());
    kernels::conv_weight_gradient<S>({.batch = s.n * s.steps, .in_c = s.h, .out_c = 3 * s.h}, states.data(), dc.data(),
                                     u_.grad.data());
  }
  void add_biases(const Tensor<S>& da, const Tensor<S>& dc) {
    kernels::add_column_sums(da.rows(), da.cols(), da.data(), b_.grad.data());
    kernels::add_column_sums(dc.rows(), dc.cols(), dc.data(), d_.grad.data());
  }
  void input_gradient(const Tensor<S>& da, const Tensor<S>& x, Tensor<S>& dx) const {
    dx.resize(x.shape());
    kernels::conv_input_gradient<S>({.batch = da.rows(), .in_c = options_.in, .out_c = da.cols()}, da.data(),
                                    w_.value.data(), dx.data());
  }

  GRUOptions options_;
  Parameter<S> w_, u_, b_, d_;
};

RIVAL_INSTANTIATE_CLASS(GRU);

}  // namespace rival

// rival/layers/permute.hpp
// Permute: the axes of a sample in another order.

namespace rival {

/// How a Permute orders the axes.
struct PermuteOptions {
  Shape order = {};  ///< axis i of an output sample is axis order[i] of the input's

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("order", o.order);
  }
};

/// y[..., i_(order[k]), ...] = x[..., i_k, ...]: PyTorch's permute, of a sample's axes. A clip {T, H, W, C} becomes an
/// image {H, W, T, C}, whose frames are channels once it is reshaped, by
///
///     Permute({.order = {1, 2, 0, 3}})
template <class S = float>
class Permute : public Layer<S> {
 public:
  using Options = PermuteOptions;  ///< what it is made from
  /// Throws Error unless `order` holds each of 0 ... its rank - 1 once.
  explicit Permute(const PermuteOptions& options) : options_(options) {
    const Shape& order = options.order;
    std::array<bool, Shape::max_rank> seen{};
    for (const Index axis : order) {
      require(axis < order.rank() && !seen[static_cast<std::size_t>(axis)], "permute: expected each axis from 0 to ",
              order.rank() - 1, " once, got ", order);
      seen[static_cast<std::size_t>(axis)] = true;
    }
    require(order.rank() >= 1, "permute: expected an order of at least 1 axis, got none");
  }

  std::string_view kind() const override { return "permute"; }
  Description describe() const override { return rival::describe(kind(), options_); }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == options_.order.rank(), *this, ": expected samples of ", options_.order.rank(),
            " axes, got ", input);
    Shape out;
    for (const Index axis : options_.order) out.push_back(input[axis]);
    return out;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    permute(x.shape(), x.data(), trace.output.data(), true);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    permute(trace.input->shape(), dy.data(), dx->data(), false);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.output_tangent.resize(trace.output.shape());
    permute(x_tangent.shape(), x_tangent.data(), trace.output_tangent.data(), true);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Permute>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  /// Goes through the samples of a batch of outputs in the order of their memory, and through those of inputs {N, ...}
  /// of shape `x` in strides; copies `from` the inputs `to` the outputs, or back.
  void permute(const Shape& x, const S* from, S* to, bool onward) const {
    const Shape& order = options_.order;
    const Index rank = order.rank(), size = x.sample().size();
    std::array<Index, Shape::max_rank> extent{}, stride{};  // of the output's axes, the strides in the input
    for (Index k = 0; k < rank; ++k) {
      Index inner = 1;
      for (Index axis = order[k] + 1; axis < rank; ++axis) inner *= x[axis + 1];
      extent[static_cast<std::size_t>(k)] = x[order[k] + 1];
      stride[static_cast<std::size_t>(k)] = inner;
    }
    const auto last = static_cast<std::size_t>(rank - 1);
    parallel_for(x[0], static_cast<double>(x.size()), [&](Index n) {
      std::array<Index, Shape::max_rank> at{};
      Index there = n * size;  // in the input
      for (Index here = n * size; here < (n + 1) * size; here += extent[last]) {
        for (Index i = 0; i < extent[last]; ++i)
          if (onward)
            to[here + i] = from[there + i * stride[last]];
          else
            to[there + i * stride[last]] = from[here + i];
        for (std::size_t k = last; k-- > 0;) {
          there += stride[k];
          if (++at[k] < extent[k]) break;
          there -= extent[k] * stride[k];
          at[k] = 0;
        }
      }
    });
  }

  PermuteOptions options_;
};

RIVAL_INSTANTIATE_CLASS(Permute);

}  // namespace rival

// rival/layers/time_distributed.hpp
// TimeDistributed: layers that see each step of a sequence by itself.

namespace rival {

/// Samples {T, ...} go through the layers as T samples {...}: a batch of clips {N, T, H, W, C} is N T images to them,
/// and becomes a batch {N, T, ...} of what they make:
///
///     TimeDistributed(
///         Sequential(Conv2d({.in = 1, .out = 32, .kernel = 4, .stride = 2, .padding = 1}), LeakyReLU(0.2)))
///
/// Layers within that look at a whole batch (batch norm, minibatch deviation) look at all steps of all samples. A label
/// of a sample is that of each of its steps.
template <class S = float>
class TimeDistributed : public Layer<S> {
 public:
  /// The layers that are run on each step.
  explicit TimeDistributed(Sequential<S> layers) : layers_(std::move(layers)) {}

  std::string_view kind() const override { return "time_distributed"; }
  std::string_view short_name() const override { return "steps"; }
  Description describe() const override {
    return internal::describe_around(rival::describe("time_distributed", NoOptions{}), layers_.describe());
  }

  /// The layers within, to be read or changed one by one.
  Sequential<S>& layers() { return layers_; }
  /// The same, to be read only.
  const Sequential<S>& layers() const { return layers_; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 2 && input[0] > 0, *this,
            ": expected sequences of samples, the steps as their first axis, ", "got ", input);
    return layers_.output_shape(input.sample()).batch(input[0]);
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    const Shape out = output_shape(x.shape().sample()).batch(x.dim(0));
    trace.input = &x;
    trace.children.resize(2);
    trace.labels.clear();
    for (const auto label : pass.labels)
      for (Index t = 0; t < x.dim(1); ++t) trace.labels.push_back(label);
    Tensor<S>& steps = trace.children[as_steps].output;
    steps.alias(x, steps_of(x.shape()));
    const Tensor<S>& y = layers_.forward(steps, trace.children[within],
                                         {.mode = pass.mode, .backward = pass.backward, .labels = trace.labels});
    require(y.size() == out.size(), *this, ": a layer within makes one sample of several, which steps cannot do");
    trace.output.alias(y, out);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    layers_.backward(trace.children[within], window(dy), dx, {.parameters = pass.parameters, .keep = pass.keep});
    if (dx) dx->reshape(trace.input->shape());
  }

  Curvature curvature() const override { return layers_.curvature(); }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    trace.input_tangent = &x_tangent;
    Tensor<S>& steps = trace.children[as_steps].output_tangent;
    steps.alias(x_tangent, steps_of(x_tangent.shape()));
    const Tensor<S>& y = layers_.forward_tangent(steps, trace.children[within], {.affine = pass.affine});
    trace.output_tangent.alias(y, trace.output.shape());
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>& pass) override {
    const Tensor<S> moved = dy_tangent ? window(*dy_tangent) : Tensor<S>();
    layers_.backward_tangent(trace.children[within], window(dy), dy_tangent ? &moved : nullptr, dx_tangent,
                             {.affine = pass.affine});
    if (dx_tangent) dx_tangent->reshape(trace.input->shape());
  }

  void commit(const Trace<S>& trace) override { layers_.commit(trace.children[within]); }
  bool has_parameters() const override { return layers_.has_parameters(); }
  void collect(State<S>& state) override { layers_.collect(state); }
  void initialise(const Initialiser<S>& weights, const Random& random) override { layers_.initialise(weights, random); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<TimeDistributed>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    layers_.set_name(name);
  }

 private:
  // The children of a trace: that of the layers, and one of windows on what goes in, as if a layer in front of them
  // changed its shape.
  enum Child : std::size_t { within, as_steps };

  /// {N, T, ...} as {N T, ...}
  static Shape steps_of(const Shape& batch) { return batch.sample().sample().batch(batch[0] * batch[1]); }
  static Tensor<S> window(const Tensor<S>& batch) {
    Tensor<S> steps;
    steps.alias(batch, steps_of(batch.shape()));
    return steps;
  }

  Sequential<S> layers_;
};

RIVAL_INSTANTIATE_CLASS(TimeDistributed);

}  // namespace rival

// rival/layers/translate.hpp
// Translate: a clip of one picture that moves.

namespace rival {

/// What a Translate makes, and how far it moves.
struct TranslateOptions {
  Shape clip = {};      ///< frames x height x width x channels
  double reach = 1;     ///< pixels that a place of 1 stands for
  double outside = -1;  ///< what is seen where the picture has moved away: black, for pixels in [-1, 1]

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("clip", o.clip);
    f("reach", o.reach);
    f("outside", o.outside);
  }
};

/// {2 T + H W C} becomes a clip {T, H, W, C} in which one picture moves. The first 2 T numbers are its places (row,
/// column) in the frames, in units of `reach` pixels, the others the picture p:
///
///     y[t, i, j] = p(i - reach x[2 t], j - reach x[2 t + 1]),
///
/// bilinear between the pixels, and `outside` where there are none. A spatial transformer that translates (Jaderberg,
/// Simonyan, Zisserman and Kavukcuoglu, "Spatial transformer networks", 2015): what is drawn once stays the same in
/// all frames. Behind a ConcatSkip, whose branches make the places and the picture.
///
/// With a, b above c, d, the four pixels around a point that lies fy below and fx beside a, their weights are those of
/// (1 - fy, fy) x (1 - fx, fx), and the gradient with respect to the row is
///
///     -reach sum of dy ((1 - fx) (c - a) + fx (d - b)),
///
/// likewise to the column. It has no tangents, and thus does not stand in a discriminator with a gradient penalty.
template <class S = float>
class Translate : public Layer<S> {
 public:
  using Options = TranslateOptions;  ///< what it is made from
  /// Throws Error unless the clip has four extents of at least 1, and for numbers that are not finite.
  explicit Translate(const TranslateOptions& options) : options_(options) {
    require(options.clip.rank() == 4 && options.clip.size() > 0,
            "translate: expected a `clip` of frames x height x width x channels, got ", options.clip);
    // As the layer's scalars: 1e300 is none of float's.
    require(is_finite(static_cast<S>(options.reach)), "translate: expected a finite `reach`, got ", options.reach);
    require(is_finite(static_cast<S>(options.outside)), "translate: expected a finite `outside`, got ",
            options.outside);
  }

  std::string_view kind() const override { return "translate"; }
  Description describe() const override { return rival::describe("translate", options_); }
  /// The options that it was made with.
  const TranslateOptions& options() const { return options_; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 && input[0] == 2 * frames() + picture_size(), *this, ": expected vectors of ",
            2 * frames() + picture_size(), ", two a frame and a picture, got ", input);
    return options_.clip;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    Tensor<S>& y = trace.output;
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    const TaskScratch<S> scratch(padded_size());
    const S outside = static_cast<S>(options_.outside);
    parallel_for(x.dim(0), 8.0 * static_cast<double>(y.size()), [&](Index n, Index worker) {
      const S* places = x.data() + n * x.cols();
      S* padded = scratch.of(worker);
      pad(places + 2 * frames(), padded);
      for (Index t = 0; t < frames(); ++t) {
        S* frame = y.data() + (n * frames() + t) * picture_size();
        const View view = view_of(places + 2 * t);
        // What is no number stays none, so that a training that has gone wrong is seen to have.
        std::fill_n(frame, picture_size(), view.finite ? outside : places[2 * t] + places[2 * t + 1]);
        for_each_row(view, [&](Index above, Index below, Index at, Index count) {
          const S *a = padded + above, *c = padded + below, *b = a + channels(), *d = c + channels();
          S* to = frame + at;
          for (Index k = 0; k < count; ++k)
            to[k] = view.weight[0] * a[k] + view.weight[1] * b[k] + view.weight[2] * c[k] + view.weight[3] * d[k];
        });
      }
    });
    return y;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    const Tensor<S>& x = *trace.input;
    dx->resize(x.shape());
    const TaskScratch<S> scratch(2 * padded_size());
    parallel_for(x.dim(0), 16.0 * static_cast<double>(dy.size()), [&](Index n, Index worker) {
      const S* places = x.data() + n * x.cols();
      S *padded = scratch.of(worker), *gradient = padded + padded_size(), *d_places = dx->data() + n * x.cols();
      pad(places + 2 * frames(), padded);
      std::fill_n(gradient, padded_size(), S(0));
      for (Index t = 0; t < frames(); ++t) {
        const S* frame = dy.data() + (n * frames() + t) * picture_size();
        const View view = view_of(places + 2 * t);
        std::array<S, 4> sums{};  // of dy times each of the four
        for_each_row(view, [&](Index above, Index below, Index at, Index count) {
          const S* from = frame + at;
          const std::array<Index, 4> corners{above, above + channels(), below, below + channels()};
          for (std::size_t corner = 0; corner < 4; ++corner) {
            const S *pixels = padded + corners[corner], weight = view.weight[corner];
            S *to = gradient + corners[corner], sum = S(0);
            for (Index k = 0; k < count; ++k) to[k] += weight * from[k];
            for (Index k = 0; k < count; ++k) sum += from[k] * pixels[k];
            sums[corner] += sum;
          }
        });
        const auto [a, b, c, d] = sums;
        const S reach = static_cast<S>(options_.reach);
        d_places[2 * t] = -reach * ((1 - view.beside) * (c - a) + view.beside * (d - b));
        d_places[2 * t + 1] = -reach * ((1 - view.below) * (b - a) + view.below * (d - c));
      }
      const Index row = width() * channels();
      for (Index i = 0; i < height(); ++i)
        std::copy_n(gradient + padded_place(i, 0), row, d_places + 2 * frames() + i * row);
    });
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Translate>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  Index frames() const { return options_.clip[0]; }
  Index height() const { return options_.clip[1]; }
  Index width() const { return options_.clip[2]; }
  Index channels() const { return options_.clip[3]; }
  Index picture_size() const { return height() * width() * channels(); }

  // The picture with a border of one pixel of `outside`, in which every point has four pixels around it.
  Index padded_size() const { return (height() + 2) * (width() + 2) * channels(); }
  Index padded_place(Index i, Index j) const { return ((i + 1) * (width() + 2) + j + 1) * channels(); }
  void pad(const S* picture, S* padded) const {
    std::fill_n(padded, padded_size(), static_cast<S>(options_.outside));
    const Index row = width() * channels();
    for (Index i = 0; i < height(); ++i) std::copy_n(picture + i * row, row, padded + padded_place(i, 0));
  }

  /// Where the pixels of a frame come from: pixel (i, j) from the four around a point behind (i + row, j + column).
  struct View {
    Index row = 0, column = 0;
    S below = S(0), beside = S(0);  ///< how far behind, in [0, 1)
    std::array<S, 4> weight = {};   ///< of the pixel there, the one beside it, the one below, and the one below beside
    bool finite = false;
  };
  View view_of(const S* place) const {
    View view;
    view.finite = is_finite(place[0]) && is_finite(place[1]);
    if (!view.finite) return view.row = height(), view;
    const auto split = [this](S at, Index extent, S& rest) {
      // Beyond the extent nothing is seen, however far.
      const S most = static_cast<S>(extent + 1);
      const S from = std::clamp(-static_cast<S>(options_.reach) * at, -most, most), whole = std::floor(from);
      rest = from - whole;
      return static_cast<Index>(whole);
    };
    view.row = split(place[0], height(), view.below);
    view.column = split(place[1], width(), view.beside);
    const S above = S(1) - view.below, before = S(1) - view.beside;
    view.weight = {above * before, above * view.beside, view.below * before, view.below * view.beside};
    return view;
  }

  /// Calls body(above, below, at, count) for the part of each row of a frame in which something of the picture is seen:
  /// `count` numbers of the frame from `at` on, and where in the padded picture the rows begin that they come from.
  template <class Body>
  void for_each_row(const View& view, const Body& body) const {
    const Index first = std::max<Index>(0, -1 - view.column), last = std::min(width(), width() - view.column);
    if (first >= last) return;
    for (Index i = std::max<Index>(0, -1 - view.row); i < std::min(height(), height() - view.row); ++i) {
      const Index above = padded_place(i + view.row, first + view.column);
      body(above, above + (width() + 2) * channels(), (i * width() + first) * channels(), (last - first) * channels());
    }
  }

  TranslateOptions options_;
};

RIVAL_INSTANTIATE_CLASS(Translate);

}  // namespace rival

namespace rival {

/// How large a network for clips is.
struct ClipNetworkOptions {
  Shape clip = {16, 32, 32, 1};  ///< frames x height x width x channels; height and width are 28, 32 or 64
  Index width = 64;              ///< channels of the layer next to the clip, as ImageNetworkOptions has them
  Index latent = 64;             ///< of a generator
  Index motion = 16;             ///< of the state that makes frames differ, where there is one
};

namespace internal {

/// Throws Error for options out of range; those of images are checked by the networks for images.
inline void check(const ClipNetworkOptions& o) {
  require(o.clip.rank() == 4 && o.clip[1] == o.clip[2] && is_image_size(o.clip[1]),
          "network: expected clips of square frames of 28, 32 or 64 pixels, got ", o.clip);
  require(o.clip[0] >= 1 && o.clip[0] <= 1024 && o.clip[3] >= 1 && o.clip[3] <= 64,
          "network: expected 1 to 1024 frames of 1 to 64 channels, got ", o.clip);
  require(o.motion >= 1 && o.motion <= 4096, "network: expected 1 to 4096 numbers of motion, got ", o.motion);
}

/// A network for images whose channels are those of all frames.
inline ImageNetworkOptions frames_as_channels(const ClipNetworkOptions& o) {
  check(o);
  return {.size = o.clip[1], .channels = o.clip[0] * o.clip[3], .width = o.width, .latent = o.latent};
}
/// A network for single frames.
inline ImageNetworkOptions single_frames(const ClipNetworkOptions& o) {
  check(o);
  return {.size = o.clip[1], .channels = o.clip[3], .width = o.width, .latent = o.latent};
}

/// Adds all layers of another network, with their weights.
template <class S>
void add_all(Sequential<S>& layers, const Sequential<S>& more) {
  for (Index i = 0; i < more.size(); ++i) layers.add(more[i].clone());
}

/// `count` linear maps of the latent vector, the same in each frame: {frames, count}.
template <class S>
Sequential<S> in_each_frame(const ClipNetworkOptions& o, Index count) {
  const Index frames = o.clip[0];
  return Sequential<S>(Dense<S>({.in = o.latent, .out = count}), Reshape<S>({1, 1, count}),
                       Upsample<S>({.factor = {frames, 1}}), Reshape<S>({frames, count}));
}

/// DCGAN's critic, its frames as channels, as layers.
template <class S>
Sequential<S> frames_critic_layers(const Random& random, const ClipNetworkOptions& o) {
  const ImageNetworkOptions image = frames_as_channels(o);
  Sequential<S> layers(Permute<S>({.order = {1, 2, 0, 3}}), Reshape<S>(image.image()));
  add_all(layers, dcgan_critic<S>(random, image).layers());
  return layers;
}

}  // namespace internal

/// DCGAN's generator (image_networks.hpp), whose image has a channel for each frame, and its channels.
template <class S = float>
Generator<S> frames_generator(const Random& random, const ClipNetworkOptions& o) {
  const ImageNetworkOptions image = internal::frames_as_channels(o);
  Sequential<S> layers;
  internal::add_all(layers, dcgan_generator<S>(random, image).layers());
  layers.add(Reshape<S>({o.clip[1], o.clip[2], o.clip[0], o.clip[3]})).add(Permute<S>({.order = {2, 0, 1, 3}}));
  return {o.latent, std::move(layers)};
}

/// DCGAN's critic, which sees the frames as channels.
template <class S = float>
Discriminator<S> frames_critic(const Random& random, const ClipNetworkOptions& o) {
  return {o.clip, internal::frames_critic_layers<S>(random, o)};
}

/// After MoCoGAN (Tulyakov, Liu, Yang and Kautz, "MoCoGAN: Decomposing motion and content for video generation", 2018):
/// each frame is drawn by one generator for images, DCGAN's, from content that is the same for all frames and from the
/// state of a GRU, which goes from frame to frame. There content and the GRU's noise are parts of the latent vector;
/// here they are linear maps of all of it, `latent` numbers of content and `motion` a frame of noise.
template <class S = float>
Generator<S> mocogan_generator(const Random& random, const ClipNetworkOptions& o) {
  const ImageNetworkOptions frame = internal::single_frames(o);
  const Index frames = o.clip[0], hidden = 4 * o.motion;
  Sequential<S> content = internal::in_each_frame<S>(o, o.latent);
  Sequential<S> motion(Dense<S>({.in = o.latent, .out = frames * o.motion}), Reshape<S>({frames, o.motion}),
                       GRU<S>({.in = o.motion, .hidden = hidden}));
  Sequential<S> layers(ConcatSkip<S>(std::move(motion), std::move(content)));
  layers.set_name("latent");
  layers.initialise(glorot<S>(), random);
  ImageNetworkOptions drawn = frame;
  drawn.latent = o.latent + hidden;
  Sequential<S> draw;
  internal::add_all(draw, dcgan_generator<S>(random, drawn).layers());
  layers.add(TimeDistributed<S>(std::move(draw)));
  return {o.latent, std::move(layers)};
}

/// One picture that moves: DCGAN's generator draws it, a GRU that sees the same numbers in each frame leads it from
/// place to place, at most half a frame off, and Translate shows it there. What a clip is of stays the same by
/// construction. For one thing that moves before black and keeps its shape; content is apart from motion as in MoCoGAN,
/// and is moved by a spatial transformer (see translate.hpp) in place of being drawn anew.
template <class S = float>
Generator<S> moving_generator(const Random& random, const ClipNetworkOptions& o) {
  const ImageNetworkOptions picture = internal::single_frames(o);
  const Index hidden = 8 * o.motion;
  Sequential<S> places = internal::in_each_frame<S>(o, o.motion);
  places.add(GRU<S>({.in = o.motion, .hidden = hidden}))
      .add(TimeDistributed<S>(Sequential<S>(Dense<S>({.in = hidden, .out = 2}))))
      .add(Tanh<S>())
      .add(Flatten<S>());
  places.set_name("places");
  places.initialise(glorot<S>(), random);
  Sequential<S> draw;
  internal::add_all(draw, dcgan_generator<S>(random, picture).layers());
  draw.add(Flatten<S>());
  Sequential<S> layers(ConcatSkip<S>(std::move(draw), std::move(places)));
  layers.add(Translate<S>({.clip = o.clip, .reach = static_cast<double>(o.clip[1]) / 2}));
  return {o.latent, std::move(layers)};
}

/// MoCoGAN's two critics as one: the score of a critic that sees the whole clip, its frames as channels, and the mean
/// score of one that sees each frame by itself, added up.
template <class S = float>
Discriminator<S> mocogan_critic(const Random& random, const ClipNetworkOptions& o) {
  ImageNetworkOptions frame = internal::single_frames(o);
  Sequential<S> of_frame;
  internal::add_all(of_frame, dcgan_critic<S>(random.stream("frame"), frame).layers());
  Sequential<S> of_frames(TimeDistributed<S>(std::move(of_frame)), Reshape<S>({o.clip[0], 1, 1}),
                          AvgPool2d<S>({.kernel = {o.clip[0], 1}}), Flatten<S>());
  Sequential<S> layers(Residual<S>(internal::frames_critic_layers<S>(random, o), std::move(of_frames)));
  return {o.clip, std::move(layers)};
}

RIVAL_INSTANTIATE_FUNCTION(frames_generator);
RIVAL_INSTANTIATE_FUNCTION(frames_critic);
RIVAL_INSTANTIATE_FUNCTION(mocogan_generator);
RIVAL_INSTANTIATE_FUNCTION(moving_generator);
RIVAL_INSTANTIATE_FUNCTION(mocogan_critic);

}  // namespace rival

// rival/gan/heads.hpp
// Heads: the columns of a discriminator's output, taken apart for two losses and put together again.

// rival/loss/auxiliary.hpp
// Auxiliary losses: what a discriminator's further outputs, its heads, are for.

// rival/loss/supervised.hpp
// Losses against known targets. Each is a mean, as PyTorch's default is.
//
// Every function has two forms: one that writes to a Loss which is used again from step to step, and
// allocates nothing once warm, and one that returns a new Loss.

#include <iterator>

// rival/loss/loss.hpp
// Loss: a number to minimise, and its gradient.

namespace rival {

/// What a loss function against known targets gives back. Losses of two batches have more than one gradient, and write
/// each to a tensor of the caller's: AdversarialLoss, feature_matching.
template <class S = float>
struct Loss {
  S value = S(0);  ///< the loss itself, a mean
  Tensor<S>
      gradient;  ///< with respect to the first argument, of its shape, and already divided by the size of the mean
};

namespace internal {

/// One term of a mean: f(x) and f'(x).
struct Term {
  double value;
  double derivative;
};

/// Mean of f over all elements of `x`, where f(element, its index) gives a Term; the gradient goes to `dx`.
/// Summed in double, one element after the other, so the result does not depend on threads.
template <class S, class F>
S mean_of(const Tensor<S>& x, Tensor<S>& dx, const F& f) {
  require(!x.empty(), "loss: expected at least one score, got ", x.shape());
  dx.resize(x.shape());
  const double share = 1.0 / static_cast<double>(x.size());
  double sum = 0;
  for (Index i = 0; i < x.size(); ++i) {
    const Term term = f(static_cast<double>(x[i]), i);
    sum += term.value;
    dx[i] = static_cast<S>(term.derivative * share);
  }
  return static_cast<S>(sum * share);
}

}  // namespace internal

}  // namespace rival

namespace rival {

namespace internal {

/// -t log(sigmoid(x)) - (1 - t) log(1 - sigmoid(x)) = max(x, 0) - x t + log(1 + e^-|x|), with derivative
/// sigmoid(x) - t. Neither overflows, and no digits cancel where x has the sign that the target asks for.
inline Term bce_term(double x, double t) {
  const double e = std::exp(-std::abs(x)), tail = e / (1 + e);
  return x > 0 ? Term{x * (1 - t) + std::log1p(e), (1 - t) - tail} : Term{-x * t + std::log1p(e), tail - t};
}

inline void check_target(double t) {
  require(t >= 0 && t <= 1, "bce_with_logits: expected targets in [0, 1], got ", t);
}

}  // namespace internal

/// Binary cross-entropy on logits: the mean over all scores of -t log(sigmoid(x)) - (1 - t) log(1 -
/// sigmoid(x)). Throws Error for a target outside of [0, 1].
template <class S>
void bce_with_logits(const Tensor<S>& scores, std::type_identity_t<S> target, Loss<S>& out) {
  const double t = static_cast<double>(target);
  internal::check_target(t);
  out.value = internal::mean_of(scores, out.gradient, [=](double x, Index) { return internal::bce_term(x, t); });
}

/// The same with a target for each score. Throws Error unless `targets` has the shape of `scores`.
template <class S>
void bce_with_logits(const Tensor<S>& scores, const Tensor<S>& targets, Loss<S>& out) {
  require(targets.shape() == scores.shape(), "bce_with_logits: expected targets of ", scores.shape(), ", got ",
          targets.shape());
  out.value = internal::mean_of(scores, out.gradient, [&](double x, Index i) {
    const double t = static_cast<double>(targets[i]);
    internal::check_target(t);
    return internal::bce_term(x, t);
  });
}

/// The target is a number or a tensor.
template <class S, class Target>
Loss<S> bce_with_logits(const Tensor<S>& scores, const Target& target) {
  Loss<S> out;
  if constexpr (std::is_arithmetic_v<Target>)
    bce_with_logits(scores, static_cast<S>(target), out);
  else
    bce_with_logits(scores, target, out);
  return out;
}

/// Softmax cross-entropy: the mean over the rows of log(sum_j e^x_j) - x_label; the gradient is (softmax -
/// one-hot) / rows. `logits` is {N, classes}; `labels`, any contiguous list of integers, has one of 0 ...
/// classes - 1 for each row. With `smoothing` the target is not the one-hot row but (1 - smoothing) one-hot +
/// smoothing / classes (Szegedy et al., 2016), and the loss -sum_j target_j log softmax_j. Throws Error for another
/// number of labels, for a label out of range, and unless 0 <= smoothing < 1.
template <class S, class Labels>
void softmax_cross_entropy(const Tensor<S>& logits, const Labels& labels, Loss<S>& out, double smoothing = 0) {
  const Index rows = logits.rows(), classes = logits.cols();
  require(rows > 0, "softmax_cross_entropy: expected at least one row of logits, got ", logits.shape());
  require(static_cast<Index>(std::size(labels)) == rows, "softmax_cross_entropy: expected ", rows,
          " labels, one a row of logits, got ", std::size(labels));
  require(smoothing >= 0 && smoothing < 1, "softmax_cross_entropy: expected 0 <= smoothing < 1, got ", smoothing);
  const double others = smoothing / static_cast<double>(classes), own = 1 - smoothing + others;  // targets
  out.gradient.resize(logits.shape());
  const double share = 1.0 / static_cast<double>(rows);
  double sum = 0;
  for (Index row = 0; row < rows; ++row) {
    const auto label = static_cast<Index>(std::data(labels)[row]);
    require(label >= 0 && label < classes, "softmax_cross_entropy: expected labels from 0 to ", classes - 1, ", got ",
            label, " in row ", row);
    const S* x = logits.data() + row * classes;
    S* dx = out.gradient.data() + row * classes;
    // Relative to the largest logit nothing overflows.
    const double largest = static_cast<double>(*std::max_element(x, x + classes));
    double total = 0;
    for (Index c = 0; c < classes; ++c) total += std::exp(static_cast<double>(x[c]) - largest);
    for (Index c = 0; c < classes; ++c) {
      const double softmax = std::exp(static_cast<double>(x[c]) - largest) / total;
      dx[c] = static_cast<S>((softmax - (c == label ? own : others)) * share);
    }
    sum += own * (std::log(total) - (static_cast<double>(x[label]) - largest));
    if (smoothing > 0)
      for (Index c = 0; c < classes; ++c)
        if (c != label) sum += others * (std::log(total) - (static_cast<double>(x[c]) - largest));
  }
  out.value = static_cast<S>(sum * share);
}

/// The same, returned with a gradient of its own memory.
template <class S, class Labels>
Loss<S> softmax_cross_entropy(const Tensor<S>& logits, const Labels& labels, double smoothing = 0) {
  Loss<S> out;
  softmax_cross_entropy(logits, labels, out, smoothing);
  return out;
}

/// Mean squared error: the mean over all elements of (x - y)^2; the gradient is that with respect to x.
/// Throws Error unless both have the same shape.
template <class S>
void mean_squared_error(const Tensor<S>& x, const Tensor<S>& y, Loss<S>& out) {
  require(x.shape() == y.shape(), "mean_squared_error: expected two tensors of one shape, got ", x.shape(), " and ",
          y.shape());
  out.value = internal::mean_of(x, out.gradient, [&](double value, Index i) {
    const double difference = value - static_cast<double>(y[i]);
    return internal::Term{difference * difference, 2 * difference};
  });
}

/// The same, returned with a gradient of its own memory.
template <class S>
Loss<S> mean_squared_error(const Tensor<S>& x, const Tensor<S>& y) {
  Loss<S> out;
  mean_squared_error(x, y, out);
  return out;
}

}  // namespace rival

namespace rival {

/// A loss of the heads {N, heads} that both networks minimise beside the adversarial one.
template <class S = float>
struct AuxiliaryLoss {
  /// Its value; writes `dheads`. `latent` {N, latent} is what the samples were generated from, empty for real ones.
  std::function<S(const Tensor<S>& heads, Labels labels, const Tensor<S>& latent, Tensor<S>& dheads)> loss = {};
  /// Whether the discriminator minimises it for real samples too.
  bool on_real = true;
  std::string name = {};  ///< as in AdversarialLoss
};

/// Softmax cross-entropy of the heads, one a class, with the labels, for real and for generated samples (Odena, Olah
/// and Shlens, "Conditional image synthesis with auxiliary classifier GANs", 2017).
template <class S = float>
AuxiliaryLoss<S> classification(double weight = 1) {
  return {.loss =
              [weight, out = Loss<S>()](const Tensor<S>& heads, Labels labels, const Tensor<S>&,
                                        Tensor<S>& dheads) mutable {
                softmax_cross_entropy(heads, labels, out);
                dheads = out.gradient;
                dheads.array() *= static_cast<S>(weight);
                return static_cast<S>(weight) * out.value;
              },
          .name = internal::concatenate("classification ", weight)};
}

/// What InfoGAN's heads tell, and how much each kind of code counts.
struct InformationOptions {
  Index classes = 10;  ///< of the categorical code: the labels, and as many heads
  Index codes = 2;     ///< continuous codes: the first numbers of the latent vector, and as many heads behind those
  double class_weight = 1;   ///< of the categorical code's cross-entropy
  double code_weight = 0.1;  ///< of the continuous codes' squared distance
};

/// The lower bound of the mutual information between generated samples and the code that they are made of, negated: the
/// categorical code's cross-entropy, and for the continuous codes, taken for normal with a fixed variance around the
/// heads, the mean over the batch of the squared distance, halved (Chen et al., "InfoGAN", 2016). For generated samples
/// alone.
template <class S = float>
AuxiliaryLoss<S> information(const InformationOptions& options = {}) {
  const auto loss = [options, logits = Tensor<S>(), out = Loss<S>()](
                        const Tensor<S>& heads, Labels labels, const Tensor<S>& latent, Tensor<S>& dheads) mutable {
    const Index rows = heads.rows(), classes = options.classes, codes = options.codes;
    require(heads.cols() == classes + codes && latent.cols() >= codes, "information: expected ", classes, " + ", codes,
            " heads and as many codes in the latent vector, got ", heads.shape(), " and ", latent.shape());
    dheads.resize(heads.shape());
    double value = 0;
    if (classes > 0) {
      logits.resize({rows, classes});
      logits.matrix() = heads.matrix().leftCols(classes);
      softmax_cross_entropy(logits, labels, out);
      dheads.matrix().leftCols(classes) = static_cast<S>(options.class_weight) * out.gradient.matrix();
      value = options.class_weight * static_cast<double>(out.value);
    }
    const double share = options.code_weight / static_cast<double>(rows);
    for (Index n = 0; n < rows; ++n)
      for (Index k = 0; k < codes; ++k) {
        const double away = static_cast<double>(heads(n, classes + k)) - static_cast<double>(latent(n, k));
        value += share * away * away / 2;
        dheads(n, classes + k) = static_cast<S>(share * away);
      }
    return static_cast<S>(value);
  };
  return {.loss = loss,
          .on_real = false,
          .name = internal::concatenate("information ", options.classes, ' ', options.codes, ' ', options.class_weight,
                                        ' ', options.code_weight)};
}

RIVAL_INSTANTIATE_FUNCTION(classification);
RIVAL_INSTANTIATE_FUNCTION(information);

}  // namespace rival

namespace rival::internal {

/// The output {N, 1 + heads} of one pass: the score and what an auxiliary loss reads. Without heads nothing is copied.
template <class S>
class Heads {
 public:
  /// The scores {N, 1}, or of the output's own shape without heads.
  const Tensor<S>& scores(const Tensor<S>& output) {
    const Index rows = output.dim(0), columns = output.size() / rows;
    if (columns == 1) return output;
    scores_.resize({rows, 1});
    heads_.resize({rows, columns - 1});
    const ConstMatrixMap<S> all(output.data(), rows, columns);
    scores_.matrix() = all.leftCols(1);
    heads_.matrix() = all.rightCols(columns - 1);
    shape_ = output.shape();
    return scores_;
  }

  /// The auxiliary loss of the pass, 0 without one.
  S loss(AuxiliaryLoss<S>& auxiliary, Labels labels, const Tensor<S>& latent) {
    if (!auxiliary.loss) return S(0);
    const S loss = auxiliary.loss(heads_, labels, latent, dheads_);
    require(dheads_.shape() == heads_.shape(), "trainer: expected the auxiliary loss to write a gradient of ",
            heads_.shape(), ", got ", dheads_.shape());
    return loss;
  }

  /// The gradient with respect to the output: that of the scores and, if `with_heads`, the one that `loss` left.
  const Tensor<S>& gradient(const Tensor<S>& dscores, bool with_heads) {
    if (heads_.empty()) return dscores;
    gradient_.resize(shape_);
    MatrixMap<S> all(gradient_.data(), heads_.rows(), 1 + heads_.cols());
    all.leftCols(1) = dscores.matrix();
    if (with_heads)
      all.rightCols(heads_.cols()) = dheads_.matrix();
    else
      all.rightCols(heads_.cols()).setZero();
    return gradient_;
  }

 private:
  Shape shape_;
  Tensor<S> scores_, heads_, dheads_, gradient_;
};

RIVAL_INSTANTIATE_CLASS(Heads);

}  // namespace rival::internal

// rival/gan/latent_law.hpp
// LatentLaw: how latent vectors are drawn, and what else is done with them before they become samples.

namespace rival {

/// Latent vectors {N, latent} whose first `uniform` numbers are uniform in [-1, 1) and whose others are standard
/// normal. 0, the usual one, is what Generator::sample draws; InfoGAN's codes are the first two numbers; a generator
/// whose latent vectors are uniform throughout has as many as they are long.
///
///     TrainerOptions<> options{.draw_latent = LatentLaw<>(2)};
template <class S = float>
class LatentLaw {
 public:
  /// Throws Error for a number below 0.
  explicit LatentLaw(Index uniform = 0) : uniform_(uniform) {
    require(uniform >= 0, "latent law: expected `uniform` >= 0, got ", uniform);
  }

  /// How many of the first numbers are uniform.
  Index uniform() const { return uniform_; }

  /// Fills the vectors. Allocates nothing when it has filled as many before. Throws Error for vectors shorter than
  /// `uniform`.
  void operator()(Tensor<S>& latents, Random& random) {
    check(latents);
    random.fill_normal(latents);
    if (uniform_ == 0) return;
    codes_.resize({latents.dim(0), uniform_});
    random.fill_uniform(codes_, S(-1), S(1));
    latents.matrix().leftCols(uniform_) = codes_.matrix();
  }

  /// The truncation trick: normal numbers beyond `threshold`, on either side, are drawn again until they are within, so
  /// that samples are more alike and nearer to what the generator does best (Brock, Donahue and Simonyan, "Large scale
  /// GAN training for high fidelity natural image synthesis", 2019). Numbers within, and uniform ones, stay as they
  /// are. Throws Error for a threshold below 0.01, which about one draw in 125 keeps, and where no number is normal.
  void truncate(Tensor<S>& latents, double threshold, Random& random) const {
    check(latents);
    require(threshold >= 0.01, "truncation: expected a threshold of at least 0.01, got ", threshold);
    require(uniform_ < latents.dim(1), "truncation: expected normal numbers in a latent vector, all ", uniform_,
            " are uniform");
    for (Index n = 0; n < latents.dim(0); ++n)
      for (Index i = uniform_; i < latents.dim(1); ++i) {
        S& value = latents(n, i);
        while (!(std::abs(static_cast<double>(value)) <= threshold)) value = static_cast<S>(random.normal());
      }
  }

  /// What lies between two latent vectors of `length` numbers, a share 0 <= t <= 1 of the way from `a` to `b`: straight
  /// on for uniform numbers; for the normal ones on the arc sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b, w being
  /// the angle between them (White, "Sampling generative networks", 2016). The straight line would lead through vectors
  /// shorter than those the generator has learnt from. Where there is no one arc, w being 0 or pi, it is straight.
  void between(const S* a, const S* b, Index length, double t, S* out) const {
    double dot = 0, of_a = 0, of_b = 0;
    for (Index i = uniform_; i < length; ++i) {
      const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
      dot += x * y, of_a += x * x, of_b += y * y;
    }
    const double cosine = dot / std::sqrt(of_a * of_b);
    const bool arc = std::abs(cosine) < 1 - 1e-9;  // also false for NaN
    const double angle = arc ? std::acos(cosine) : 0, sine = std::sin(angle);
    const double from = arc ? std::sin((1 - t) * angle) / sine : 1 - t, to = arc ? std::sin(t * angle) / sine : t;
    for (Index i = 0; i < length; ++i) {
      const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
      out[i] = static_cast<S>(i < uniform_ ? (1 - t) * x + t * y : from * x + to * y);
    }
  }

 private:
  void check(const Tensor<S>& latents) const {
    require(latents.rank() == 2 && latents.dim(1) >= uniform_, "latent law: expected vectors of at least ", uniform_,
            " numbers, got ", latents.shape());
  }

  Index uniform_;
  Tensor<S> codes_;
};

}  // namespace rival

// rival/gan/penalised_backward.hpp
// The discriminator's backward passes in a training step, with the penalties that its options name.

// rival/gan/penalty.hpp
// Gradient penalties: a discriminator pays for the size of its score's gradient with respect to its input. Exact to the
// second derivative; docs/design/penalties.md derives it.

// rival/optim/schedule.hpp
// Schedules: how the learning rate, or another number, changes from step to step.

namespace rival {

/// A factor of the learning rate by the number of steps already made: the first step asks for schedule(0). Any function
/// of that kind will do, and one that takes the number of steps of the whole run beside it (see over_run); an empty one
/// stands for constant(). Where an option says so it is the number itself, no factor.
class Schedule {
 public:
  Schedule() = default;
  /// From a function of the step, or of the step and the run's steps, to a factor.
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Schedule> &&
           (std::is_invocable_r_v<double, F&, long> || std::is_invocable_r_v<double, F&, long, long>))
      Schedule(F function) {  // NOLINT: meant to be implicit
    if constexpr (std::is_invocable_r_v<double, F&, long, long>)
      function_ = std::move(function);
    else
      function_ = [of_step = std::move(function)](long step, long) mutable {
        return static_cast<double>(of_step(step));
      };
  }

  /// Whether there is a function; an empty schedule must not be called.
  explicit operator bool() const { return static_cast<bool>(function_); }
  /// `run` is the number of steps of the whole run, 0 where nobody knows it.
  double operator()(long step, long run = 0) const { return function_(step, run); }

 private:
  std::function<double(long step, long run)> function_;
};

/// The schedule that `make` makes for a run of so many steps, once the run has begun and its length is known:
///
///     over_run([](long steps) { return linear_decay({.steps = steps, .start = steps / 2}); })
///
/// Asked for a number without a run it throws Error: train by `fit`, or tell the trainer how many steps it will make.
inline Schedule over_run(std::function<Schedule(long steps)> make) {
  require(static_cast<bool>(make), "over_run: expected a function that makes a schedule, got none");
  return [make = std::move(make), made = Schedule(), of = 0L](long step, long run) mutable {
    require(run >= 1,
            "over_run: expected a run whose number of steps is known, got none; train by fit, or set "
            "TrainerOptions::steps");
    if (run != of) made = make(run), of = run;
    return made ? made(step, run) : 1.0;
  };
}

/// 1, always.
inline Schedule constant() {
  return [](long) { return 1.0; };
}

/// A factor that falls in steps.
struct StepDecayOptions {
  long every = 0;       ///< steps from one fall to the next
  double factor = 0.1;  ///< of what was before
};
/// factor^floor(step / every): falls at the steps every, 2 every, 3 every ... Throws Error unless every >= 1 and
/// factor >= 0.
inline Schedule step_decay(StepDecayOptions options) {
  require(options.every >= 1, "step_decay: expected every >= 1, got ", options.every);
  require(options.factor >= 0 && is_finite(options.factor), "step_decay: expected a finite factor >= 0, got ",
          options.factor);
  return [=](long step) { return std::pow(options.factor, static_cast<double>(step / options.every)); };
}

/// A factor that falls along half a cosine.
struct CosineOptions {
  long steps = 0;    ///< the step at which the floor is reached
  double floor = 0;  ///< and kept from then on
};
/// floor + (1 - floor) (1 + cos(pi step / steps)) / 2 until `steps`, then floor (Loshchilov and Hutter, 2017, without
/// restarts). Throws Error unless steps >= 1 and floor >= 0.
inline Schedule cosine(CosineOptions options) {
  require(options.steps >= 1, "cosine: expected steps >= 1, got ", options.steps);
  require(options.floor >= 0 && is_finite(options.floor), "cosine: expected a finite floor >= 0, got ", options.floor);
  return [=](long step) {
    const double way = static_cast<double>(std::min(step, options.steps)) / static_cast<double>(options.steps);
    return options.floor + (1 - options.floor) * (1 + std::cos(std::numbers::pi * way)) / 2;
  };
}

/// A factor that falls along a straight line.
struct LinearDecayOptions {
  long steps = 0;    ///< the step at which the floor is reached
  long start = 0;    ///< the last step with the factor 1
  double floor = 0;  ///< kept from `steps` on
};
/// 1 until `start`, then a straight line that reaches `floor` at `steps`, then floor. Throws Error unless
/// 0 <= start < steps and floor >= 0.
inline Schedule linear_decay(LinearDecayOptions options) {
  require(options.start >= 0 && options.start < options.steps, "linear_decay: expected 0 <= start < steps, got start ",
          options.start, " and steps ", options.steps);
  require(options.floor >= 0 && is_finite(options.floor), "linear_decay: expected a finite floor >= 0, got ",
          options.floor);
  return [=](long step) {
    const long done = std::clamp(step, options.start, options.steps) - options.start;
    const double way = static_cast<double>(done) / static_cast<double>(options.steps - options.start);
    return 1 + (options.floor - 1) * way;
  };
}

/// A value that rises or falls along half a cosine.
struct CosineBurnInOptions {
  double from = 0;  ///< the first value
  double to = 0;    ///< the last value
  long steps = 0;   ///< the step at which it is reached
};
/// from + (to - from) (1 - cos(pi step / steps)) / 2 until `steps`, then `to`: values, no factors, for numbers that are
/// to be gentle at first, such as Adam's beta2 or the weight of a gradient penalty (as in R3GAN: Huang, Gokaslan,
/// Kuleshov and Tompkin, 2024). Throws Error unless both values are finite and steps >= 1.
inline Schedule cosine_burn_in(CosineBurnInOptions options) {
  require(options.steps >= 1, "cosine_burn_in: expected steps >= 1, got ", options.steps);
  require(is_finite(options.from) && is_finite(options.to), "cosine_burn_in: expected finite values, got from ",
          options.from, " and to ", options.to);
  return [=](long step) {
    if (step >= options.steps) return options.to;
    const double way = static_cast<double>(step) / static_cast<double>(options.steps);
    return options.from + (options.to - options.from) * (1 - std::cos(std::numbers::pi * way)) / 2;
  };
}

/// `schedule` times min(1, (step + 1) / steps): the first step runs at 1/steps of the rate, the one numbered steps - 1
/// is the first at the full rate. `schedule` counts from the first step too, so it ends where it would without warm-up.
/// Throws Error unless steps >= 1.
inline Schedule warm_up(long steps, Schedule schedule = constant()) {
  require(steps >= 1, "warm_up: expected steps >= 1, got ", steps);
  if (!schedule) schedule = constant();
  return [steps, schedule = std::move(schedule)](long step, long run) {
    return std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(steps)) * schedule(step, run);
  };
}

}  // namespace rival

namespace rival {

/// Which penalty it is, by the name of the function that makes one.
enum class PenaltyKind {
  r1,       ///< see rival::r1
  r2,       ///< see rival::r2
  wgan_gp,  ///< see rival::wgan_gp
  dragan    ///< see rival::dragan
};

/// A penalty on g, the gradient of a sample's score with respect to the sample; the mean over the batch is added to the
/// discriminator's loss.
struct Penalty {
  PenaltyKind kind = PenaltyKind::r1;  ///< where the gradient is taken, and what of it is penalised
  double weight = 1;                   ///< gamma or lambda in the formula
  /// Multiplies the weight, by the number of discriminator steps already made; empty for 1.
  Schedule schedule = {};
  /// Lazy regularisation: at one in `every` discriminator steps, with `every` times the weight (Karras et al., 2020).
  long every = 1;
};

/// gamma / 2 |g|^2 at real samples (Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually
/// converge?", 2018).
inline Penalty r1(double gamma, Schedule schedule = {}, long every = 1) {
  return {PenaltyKind::r1, gamma, std::move(schedule), every};
}
/// gamma / 2 |g|^2 at generated samples (the same paper).
inline Penalty r2(double gamma, Schedule schedule = {}, long every = 1) {
  return {PenaltyKind::r2, gamma, std::move(schedule), every};
}
/// lambda (|g| - 1)^2 at x + u (y - x) for a real x, a generated y and u uniform in [0, 1), drawn for each sample
/// (Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved training of Wasserstein GANs", 2017).
inline Penalty wgan_gp(double lambda = 10, Schedule schedule = {}, long every = 1) {
  return {PenaltyKind::wgan_gp, lambda, std::move(schedule), every};
}
/// lambda (|g| - 1)^2 at x + s u / 2 for a real x, s the standard deviation of all values of the real batch and u
/// uniform in [0, 1), drawn for each value (Kodali, Abernethy, Hays and Kira, "On convergence and stability of GANs",
/// 2017, and its code).
inline Penalty dragan(double lambda = 10, Schedule schedule = {}, long every = 1) {
  return {PenaltyKind::dragan, lambda, std::move(schedule), every};
}

/// The backward pass of a discriminator whose loss has a gradient penalty in it.
///
/// With v the derivative of the penalty with respect to g, held fixed, the penalty's gradient with respect to the
/// parameters is the derivative, along v, of the parameters' gradient of the summed scores. So it takes, after the
/// forward and the backward pass that give g, the tangents of both. Where the discriminator is piecewise linear one
/// more forward pass does, and with it the gradient of the adversarial loss is had at once: if c is that of the scores,
/// then by running x + v / c through the same affine maps and taking the weights' gradients there for c.
template <class S = float>
class GradientPenalty {
 public:
  /// What is charged for a gradient of length |g|: weight / 2 |g|^2, or weight (|g| - 1)^2 if `one_centred`.
  struct Charge {
    double weight = 1;         ///< gamma, or lambda if `one_centred`
    bool one_centred = false;  ///< lengths other than 1 are charged, instead of those other than 0
  };

  /// Adds to every parameter's gradient that of the loss whose gradient with respect to the discriminator's output is
  /// `dscores` (null: there is none), plus that of the mean charge over the batch, which it returns. `trace` is that of
  /// a `forward`. The score is the first column of the output. Throws Error when a layer has no tangents.
  double backward(Discriminator<S>& discriminator, Trace<S>& trace, const Tensor<S>* dscores, const Charge& charge) {
    discriminator.require_pass(trace, "a gradient penalty");
    const bool linear = discriminator.curvature() == Curvature::linear;
    const Tensor<S>& x = *trace.input;
    const Index rows = trace.output.dim(0), heads = trace.output.size() / rows, size = x.size() / rows;
    const bool short_form = linear && heads == 1 && dscores && invertible(*dscores);
    if (!short_form) {
      unit_.resize(trace.output.shape());
      unit_.fill(S(0));
      for (Index i = 0; i < rows; ++i) unit_[i * heads] = S(1);
    }
    const Tensor<S>& seeds = short_form ? *dscores : unit_;
    const Tensor<S>& g = discriminator.backward(trace, seeds, {.input = true, .keep = true});

    tangent_.resize(x.shape());
    charges_.resize({rows});
    parallel_for(rows, static_cast<double>(x.size()), [&](Index i) {
      const ConstArrayMap<S> g_here(g.data() + i * size, size);
      ArrayMap<S> tangent(tangent_.data() + i * size, size);
      const double seed = static_cast<double>(seeds[i * heads]);
      const double length = std::sqrt(static_cast<double>(g_here.square().sum())) / std::abs(seed);
      const double away = charge.one_centred ? length - 1 : length;
      charges_[i] = charge.weight * (charge.one_centred ? away * away : length * length / 2);
      // The derivative of the charge with respect to |g|, over |g|; at g = 0 that of the one-centred charge is taken
      // for 0.
      const double factor = !charge.one_centred ? charge.weight : length > 0 ? 2 * charge.weight * away / length : 0;
      tangent = static_cast<S>(factor / static_cast<double>(rows) / seed / (short_form ? seed : 1)) * g_here;
      if (short_form) tangent += ConstArrayMap<S>(x.data() + i * size, size);
    });
    discriminator.backward_tangent(trace, seeds, short_form ? nullptr : dscores, tangent_, short_form);

    return charges_.array().mean();
  }

 private:
  /// Whether v / c can be had: hinge losses have gradients c of 0, and squares of tiny ones underflow.
  static bool invertible(const Tensor<S>& dscores) {
    const S least = static_cast<S>(1e-10 / static_cast<double>(dscores.size()));
    return (dscores.array().abs() >= least).all();
  }

  Tensor<S> unit_, tangent_;
  Tensor<double> charges_;
};

RIVAL_INSTANTIATE_CLASS(GradientPenalty);

}  // namespace rival

namespace rival::internal {

/// One batch of a discriminator step, and what its forward pass left.
template <class S>
struct ScoredBatch {
  const Tensor<S>& samples;
  Labels labels;
  Trace<S>& trace;
  const Tensor<S>& dscores;
};

template <class S>
class PenalisedBackward {
 public:
  /// Throws Error for a kind that comes twice, a weight below 0 and an interval below 1.
  PenalisedBackward(std::vector<Penalty> penalties, std::uint64_t seed)
      : penalties_(std::move(penalties)), random_(Random(seed).stream("penalty")) {
    for (std::size_t i = 0; i < penalties_.size(); ++i) {
      const Penalty& penalty = penalties_[i];
      require(penalty.weight >= 0 && is_finite(penalty.weight), "penalty: expected a finite weight >= 0, got ",
              penalty.weight);
      require(penalty.every >= 1, "penalty: expected an interval of at least 1 step, got ", penalty.every);
      for (std::size_t j = 0; j < i; ++j)
        require(penalties_[j].kind != penalty.kind, "penalty: expected each kind once, got one twice");
    }
  }

  /// Discriminator steps so far, and the stream of points between the batches.
  long steps() const { return steps_; }
  const Random::Position& position() const { return random_.position(); }
  void go_on_from(long steps, const Random::Position& position) {
    steps_ = steps;
    random_ = Random(position);
  }
  /// Discriminator steps of the whole run, for schedules over it.
  void set_run(long steps) { run_ = steps; }

  /// Adds the gradients of both batches' losses and of the penalties that are due; returns the sum of the penalties.
  double backward(Discriminator<S>& discriminator, const ScoredBatch<S>& real, const ScoredBatch<S>& fake) {
    double sum = one_batch(discriminator, real, PenaltyKind::r1) + one_batch(discriminator, fake, PenaltyKind::r2);
    for (const Penalty& penalty : penalties_) {
      if (penalty.kind == PenaltyKind::r1 || penalty.kind == PenaltyKind::r2 || !due(penalty)) continue;
      if (penalty.kind == PenaltyKind::wgan_gp)
        interpolate(real.samples, fake.samples);
      else
        perturb(real.samples);
      discriminator.forward(points_, trace_, real.labels);
      sum += penalty_.backward(discriminator, trace_, nullptr, {.weight = weight(penalty), .one_centred = true});
    }
    ++steps_;
    return sum;
  }

 private:
  double one_batch(Discriminator<S>& discriminator, const ScoredBatch<S>& batch, PenaltyKind kind) {
    for (const Penalty& penalty : penalties_)
      if (penalty.kind == kind && due(penalty))
        return penalty_.backward(discriminator, batch.trace, &batch.dscores, {.weight = weight(penalty)});
    discriminator.backward(batch.trace, batch.dscores, {.parameters = true});
    return 0;
  }

  bool due(const Penalty& penalty) const { return steps_ % penalty.every == 0; }
  double weight(const Penalty& penalty) const {
    const double factor = penalty.schedule ? penalty.schedule(steps_, run_) : 1;
    const double weight = penalty.weight * static_cast<double>(penalty.every) * factor;
    require(factor >= 0 && is_finite(weight), "penalty: expected a schedule that gives a finite factor >= 0, got ",
            factor, " at step ", steps_);
    return weight;
  }

  /// real + u (fake - real), one u a sample.
  void interpolate(const Tensor<S>& real, const Tensor<S>& fake) {
    const Index rows = real.dim(0), size = real.size() / rows;
    noise_.resize({rows});
    random_.fill_uniform(noise_);
    points_.resize(real.shape());
    MatrixMap<S>(points_.data(), rows, size) = ConstMatrixMap<S>(real.data(), rows, size);
    for (Index n = 0; n < rows; ++n)
      ArrayMap<S>(points_.data() + n * size, size) +=
          noise_[n] * (ConstArrayMap<S>(fake.data() + n * size, size) - ConstArrayMap<S>(real.data() + n * size, size));
  }

  /// real + deviation / 2 u, one u a value.
  void perturb(const Tensor<S>& real) {
    const auto values = real.array();
    const S deviation = std::sqrt((values - values.mean()).square().mean());
    points_.resize(real.shape());
    random_.fill_uniform(points_);
    points_.array() = values + deviation / S(2) * points_.array();
  }

  std::vector<Penalty> penalties_;
  Random random_;
  long steps_ = 0, run_ = 0;
  GradientPenalty<S> penalty_;
  Tensor<S> points_, noise_;
  Trace<S> trace_;
};

RIVAL_INSTANTIATE_CLASS(PenalisedBackward);

}  // namespace rival::internal

// rival/gan/recipes/clips.hpp
// Recipes for clips.

// rival/gan/recipes/recipe.hpp
// Recipe: two networks for images, and how a paper says to train them.

// rival/gan/trainer_options.hpp
// What an AdversarialTrainer is told, and what it remembers.

// rival/loss/adversarial.hpp
// Adversarial losses: what the discriminator and the generator each minimise, as functions of the
// discriminator's scores.

namespace rival {

/// A pair of losses. Scores are logits: the discriminator's output for a batch, before any sigmoid.
///
/// Both functions see both batches, so losses that compare real with generated samples fit as well. They
/// write the gradients of their value with respect to the scores, means taken, and allocate nothing once
/// warm. Your own loss is two lambdas: `AdversarialLoss<> mine{.discriminator = ..., .generator = ...};`
template <class S = float>
struct AdversarialLoss {
  /// The discriminator's loss; writes `dreal` and `dfake`.
  std::function<S(const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake)> discriminator;

  /// The generator's loss; writes `dfake` (no gradient reaches a generator by way of real samples). `real` is
  /// the empty tensor unless `generator_needs_real`.
  std::function<S(const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dfake)> generator;

  /// Whether the discriminator must score a real batch for the generator's step too.
  bool generator_needs_real = false;

  /// What it is, with its options: by this checkpoints tell losses apart. Empty: they do not.
  std::string name = {};
};

/// What the minimax and the non-saturating loss want of the discriminator.
struct LabelOptions {
  /// The discriminator's target for real samples. Less than 1, such as 0.9, is one-sided label smoothing
  /// (Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, 2016); the target for generated ones stays 0.
  double real_label = 1.0;
};

namespace internal {

/// mean(bce(real, real_label)) + mean(bce(fake, 0)): the discriminator as a classifier.
template <class S>
auto classify(const LabelOptions& options) {
  const double label = options.real_label;
  require(label > 0 && label <= 1, "adversarial loss: expected a real_label in (0, 1], got ", label);
  return [label](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake) {
    return mean_of(real, dreal, [=](double x, Index) { return bce_term(x, label); }) +
           mean_of(fake, dfake, [](double x, Index) { return bce_term(x, 0); });
  };
}

}  // namespace internal

/// With D = sigmoid(score) and l the label of real samples (Goodfellow et al., 2014):
///
///     discriminator: mean(-l log D(real) - (1 - l) log(1 - D(real))) + mean(-log(1 - D(fake)))
///     generator:     mean(-log D(fake)), whose gradient is large where the discriminator is sure
///
/// Throws Error unless 0 < real_label <= 1.
template <class S = float>
AdversarialLoss<S> non_saturating(const LabelOptions& options = {}) {
  return {.discriminator = internal::classify<S>(options),
          .generator =
              [](const Tensor<S>&, const Tensor<S>& fake, Tensor<S>& dfake) {
                return internal::mean_of(fake, dfake, [](double x, Index) { return internal::bce_term(x, 1); });
              },
          .name = internal::concatenate("non_saturating ", options.real_label)};
}

/// The game of two players with one value (Goodfellow et al., 2014), discriminator as in `non_saturating`:
///
///     generator:     mean(log(1 - D(fake))), whose gradient fades where the discriminator is sure.
///
/// Throws Error unless 0 < real_label <= 1.
template <class S = float>
AdversarialLoss<S> minimax(const LabelOptions& options = {}) {
  return {.discriminator = internal::classify<S>(options),
          .generator =
              [](const Tensor<S>&, const Tensor<S>& fake, Tensor<S>& dfake) {
                return internal::mean_of(fake, dfake, [](double x, Index) {
                  const auto [value, derivative] = internal::bce_term(x, 0);
                  return internal::Term{-value, -derivative};
                });
              },
          .name = internal::concatenate("minimax ", options.real_label)};
}

/// Targets of the least-squares loss.
struct LeastSquaresOptions {
  double real_label = 1;       ///< what the discriminator wants to say of real samples
  double fake_label = 0;       ///< and of generated ones
  double generator_label = 1;  ///< what the generator wants it to say of generated ones
};

/// Scores are drawn to labels by squares instead of being told apart as logits (Mao, Li, Xie, Lau, Wang and Smolley,
/// 2017):
///
///     discriminator: mean((real - real_label)^2) / 2 + mean((fake - fake_label)^2) / 2
///     generator:     mean((fake - generator_label)^2) / 2
///
/// With labels -1, 1 and 0 for fake, real and generator it is a Pearson chi-squared divergence that is minimised.
/// Throws Error unless the labels are finite and real_label differs from fake_label.
template <class S = float>
AdversarialLoss<S> least_squares(const LeastSquaresOptions& options = {}) {
  for (const double label : {options.real_label, options.fake_label, options.generator_label})
    require(is_finite(label), "least_squares: expected finite labels, got ", label);
  require(options.real_label != options.fake_label,
          "least_squares: expected a real_label that differs from fake_label, got ", options.real_label, " for both");
  const auto towards = [](double label, const Tensor<S>& scores, Tensor<S>& dscores) {
    return internal::mean_of(scores, dscores, [=](double x, Index) {
      return internal::Term{(x - label) * (x - label) / 2, x - label};
    });
  };
  return {.discriminator =
              [=](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake) {
                return towards(options.real_label, real, dreal) + towards(options.fake_label, fake, dfake);
              },
          .generator = [=](const Tensor<S>&, const Tensor<S>& fake,
                           Tensor<S>& dfake) { return towards(options.generator_label, fake, dfake); },
          .name = internal::concatenate("least_squares ", options.real_label, ' ', options.fake_label, ' ',
                                        options.generator_label)};
}

namespace internal {

/// -mean(fake): the generator's loss where scores are no logits but a height to climb.
template <class S>
S climb(const Tensor<S>&, const Tensor<S>& fake, Tensor<S>& dfake) {
  return mean_of(fake, dfake, [](double x, Index) { return Term{-x, -1}; });
}

}  // namespace internal

/// The discriminator is a critic whose scores estimate how far apart the two distributions are (Arjovsky, Chintala and
/// Bottou, 2017):
///
///     discriminator: mean(fake) - mean(real)
///     generator:     -mean(fake)
///
/// It means something only while the critic cannot be arbitrarily steep: clip its weights (`clip_weights`), penalise
/// its gradient, or normalise its weights, and let it make several steps for each one of the generator.
template <class S = float>
AdversarialLoss<S> wasserstein() {
  return {.discriminator =
              [](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake) {
                return internal::mean_of(real, dreal,
                                         [](double x, Index) {
                                           return internal::Term{-x, -1};
                                         }) +
                       internal::mean_of(fake, dfake, [](double x, Index) {
                         return internal::Term{x, 1};
                       });
              },
          .generator = internal::climb<S>,
          .name = "wasserstein"};
}

/// The discriminator cares only for samples within its margin or on the wrong side (Lim and Ye, 2017; Miyato, Kataoka,
/// Koyama and Yoshida, 2018):
///
///     discriminator: mean(max(0, 1 - real)) + mean(max(0, 1 + fake)), with slope 0 at the hinges
///     generator:     -mean(fake)
template <class S = float>
AdversarialLoss<S> hinge() {
  // The comparisons are such that a NaN is none of the scores beyond the margin, so it shows in the value.
  return {.discriminator =
              [](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake) {
                return internal::mean_of(real, dreal,
                                         [](double x, Index) {
                                           return x >= 1 ? internal::Term{0, 0} : internal::Term{1 - x, -1};
                                         }) +
                       internal::mean_of(fake, dfake, [](double x, Index) {
                         return x <= -1 ? internal::Term{0, 0} : internal::Term{1 + x, 1};
                       });
              },
          .generator = internal::climb<S>,
          .name = "hinge"};
}

RIVAL_INSTANTIATE_FUNCTION(non_saturating);
RIVAL_INSTANTIATE_FUNCTION(minimax);
RIVAL_INSTANTIATE_FUNCTION(least_squares);
RIVAL_INSTANTIATE_FUNCTION(wasserstein);
RIVAL_INSTANTIATE_FUNCTION(hinge);

}  // namespace rival

// rival/optim/make_optimizer.hpp
// Any optimiser, chosen by its options.

// rival/optim/adam.hpp
// Adam, and AdamW, whose weight decay bypasses the moments.

// rival/optim/optimizer.hpp
// Optimizer: what all optimisers share. It owns their state, walks over all parameters, and calls one update rule.

// rival/kernels/update.hpp
// The elementwise update of parameters: one sweep over value, gradient and what the optimiser keeps for them.

namespace rival::internal {

/// The elements that a sweep holds at a time: a cache line. Of fixed size, so that arithmetic on it is all packets.
template <class S>
using Line = Eigen::Array<S, static_cast<int>(64 / sizeof(S)), 1>;

/// A run of elements of one parameter: `value` and the tensors kept for it are made of those before, which may be the
/// same memory, and of `grad`. All start on a cache line.
template <class S>
struct Run {
  static constexpr std::size_t max_kept = 3;
  const S* value_before;
  std::array<const S*, max_kept> kept_before;
  S* value;
  std::array<S*, max_kept> kept;
  S* grad;
  Index count;
};

/// Calls rule(value, grad, kept...) with each Line of the run and of the first `Kept` tensors kept for it, writes what
/// the rule makes of them, and sets the gradient to zero. The last line is filled up with zeros: no element is
/// rounded in another way than the others.
template <std::size_t Kept, class S, class Rule>
void sweep(const Run<S>& run, const Rule& rule) {
  using L = Line<S>;
  using LineMap = Eigen::Map<L, Eigen::Aligned64>;
  using ConstLineMap = Eigen::Map<const L, Eigen::Aligned64>;
  constexpr Index width = L::SizeAtCompileTime;
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    Index i = 0;
    for (; i + width <= run.count; i += width) {
      L value = ConstLineMap(run.value_before + i), grad = ConstLineMap(run.grad + i);
      std::array<L, Kept> kept{ConstLineMap(run.kept_before[K] + i)...};
      rule(value, grad, kept[K]...);
      LineMap(run.value + i) = value;
      LineMap(run.grad + i).setZero();
      ((LineMap(run.kept[K] + i) = kept[K]), ...);
    }
    if (const Index rest = run.count - i; rest > 0) {
      const auto load = [&](const S* from) {
        L line = L::Zero();
        std::copy_n(from + i, rest, line.data());
        return line;
      };
      L value = load(run.value_before), grad = load(run.grad);
      std::array<L, Kept> kept{load(run.kept_before[K])...};
      rule(value, grad, kept[K]...);
      std::copy_n(value.data(), rest, run.value + i);
      std::fill_n(run.grad + i, rest, S(0));
      (std::copy_n(kept[K].data(), rest, run.kept[K] + i), ...);
    }
  }
  (std::make_index_sequence<Kept>{});
}

}  // namespace rival::internal

namespace rival {

/// Changes parameters by their gradients: `step()` after the backward passes. One step counter serves all parameters.
///
/// The parameters stay the network's, which must be neither moved nor destroyed while the optimiser is used.
///
/// A new rule derives from this class, names the tensors it keeps for each parameter, and overrides `update`.
template <class S = float>
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Changes every value by its gradient and sets the gradient to zero, in one pass over memory.
  /// Throws Error, and changes nothing, when a parameter has changed its size, or a schedule gives no sensible number.
  void step() { run_step(false); }

  /// The same, but writes beside what was before, for `undo`. That takes as much memory again as values and kept
  /// tensors, and moves the memory of these from one place to the other.
  void step_undoably() { run_step(true); }
  /// Takes the last `step_undoably` back, and all steps since: values, kept tensors and the number of steps are as
  /// before it, gradients are zero. Once only; without such a step nothing happens.
  void undo() {
    if (!undoable_) return;
    swap_with_before();
    steps_ = steps_before_;
    undoable_ = false;
    zero_gradients();
  }
  /// Forgets it: from here on there is nothing to take back.
  void forget_undo() { undoable_ = false; }

  /// Sets every gradient to zero: for throwing away the gradients of a step that is not to be made.
  void zero_gradients() {
    for (auto* parameter : parameters_) parameter->grad.fill(S(0));
  }

  /// The rate of the next step: the options' one times the schedule's factor. Throws Error for a factor that is
  /// negative or not finite.
  double learning_rate() const {
    if (!schedule_) return base_rate_;
    const double factor = schedule_(steps_, run_);
    check(factor >= 0 && is_finite(static_cast<S>(base_rate_ * factor)), "a schedule that gives a finite factor >= 0",
          factor);
    return base_rate_ * factor;
  }
  /// The rate that the schedule multiplies: the options' one, or what was set since.
  double base_learning_rate() const { return base_rate_; }
  /// Sets the rate that the schedule multiplies. Throws Error unless it is finite and >= 0.
  void set_learning_rate(double rate) {
    check(rate >= 0 && is_finite(static_cast<S>(rate)), "a finite learning_rate >= 0", rate);
    base_rate_ = rate;
  }

  /// How many steps have been made. Setting it moves the schedule, and Adam's bias correction, to that place.
  long steps() const { return steps_; }
  /// Goes on from that many steps. Throws Error for a number below 0.
  void set_steps(long steps) {
    require(steps >= 0, kind_, ": expected steps >= 0, got ", steps);
    steps_ = steps;
  }

  /// How many steps the whole run will have, for schedules over the run; 0 where nobody knows.
  long run() const { return run_; }
  /// Tells it how long the run is. Throws Error for a number below 0.
  void set_run(long steps) {
    require(steps >= 0, kind_, ": expected a run of steps >= 0, got ", steps);
    run_ = steps;
  }

  /// Such as "adam".
  std::string_view kind() const { return kind_; }
  /// The parameters that it changes, as they were given.
  const std::vector<Parameter<S>*>& parameters() const { return parameters_; }

  /// The tensors that are kept from step to step, as "D.conv1.weight.first_moment": together with steps() and the
  /// parameters' values they are all that it takes to go on with the same bits.
  std::vector<std::pair<std::string, Tensor<S>*>> state() {
    std::vector<std::pair<std::string, Tensor<S>*>> all;
    for (std::size_t p = 0; p < parameters_.size(); ++p)
      for (std::size_t k = 0; k < kept_.size(); ++k)
        all.emplace_back(parameters_[p]->name + "." + kept_[k], &state_[p][k]);
    return all;
  }

 protected:
  /// `kept` names the tensors, zero at first, that the rule keeps for each parameter; at most Run::max_kept.
  /// Throws Error for parameters that are null, listed twice or unlike their gradient, and for a bad learning rate.
  Optimizer(std::string_view kind, std::vector<Parameter<S>*> parameters, double learning_rate, Schedule schedule,
            std::vector<std::string> kept)
      : kind_(kind), parameters_(std::move(parameters)), schedule_(std::move(schedule)), kept_(std::move(kept)) {
    set_learning_rate(learning_rate);
    std::set<const Parameter<S>*> seen;
    for (std::size_t p = 0; p < parameters_.size(); ++p) {
      require(parameters_[p] != nullptr, kind_, ": expected parameters, got a null pointer at place ", p);
      const std::string& name = parameters_[p]->name;
      const Tensor<S>&value = parameters_[p]->value, &grad = parameters_[p]->grad;
      require(seen.insert(parameters_[p]).second, kind_, ": parameter \"", name, "\" is listed twice");
      require(value.shape() == grad.shape(), kind_, ": parameter \"", name, "\" is ", value.shape(), ", its gradient ",
              grad.shape());
      sizes_.push_back(value.size());
      for (Index begin = 0; begin < value.size(); begin += block_size)
        blocks_.push_back({p, begin, std::min(block_size, value.size() - begin)});
      work_ += 4.0 * static_cast<double>(value.size());
      state_.emplace_back(kept_.size(), Tensor<S>(value.shape()));
    }
  }

  /// Called once a step, with steps() not yet counting it: the place to work out the step's constants, or to throw.
  virtual void prepare(double learning_rate) = 0;
  /// Applies the rule to `run` through internal::sweep. Runs come in any order and on any thread.
  virtual void update(const internal::Run<S>& run) const = 0;

  /// Throws Error unless the option's value is finite and `condition` holds.
  void check(bool condition, const char* expected, double got) const {
    require(condition && is_finite(got), kind_, ": expected ", expected, ", got ", got);
  }

 private:
  /// What a thread takes at a time, in elements; a multiple of a cache line.
  static constexpr Index block_size = 16384;

  struct Block {
    std::size_t parameter;
    Index begin, count;
  };

  void run_step(bool undoable) {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const auto& p = *parameters_[i];
      const Index size = sizes_[i];
      require(p.value.size() == size && p.grad.size() == size, kind_, ": parameter \"", p.name, "\" had ", size,
              " elements, now its value has ", p.value.size(), " and its gradient ", p.grad.size());
    }
    const double rate = learning_rate();
    prepare(rate);
    if (undoable) make_room();
    ++steps_;
    parallel_for(static_cast<Index>(blocks_.size()), work_, [&](Index i) {
      const auto& [p, begin, count] = blocks_[static_cast<std::size_t>(i)];
      internal::Run<S> run{};
      run.value = parameters_[p]->value.data() + begin;
      run.value_before = undoable ? before_[p][0].data() + begin : run.value;
      for (std::size_t k = 0; k < kept_.size(); ++k) {
        run.kept[k] = state_[p][k].data() + begin;
        run.kept_before[k] = undoable ? before_[p][k + 1].data() + begin : run.kept[k];
      }
      run.grad = parameters_[p]->grad.data() + begin;
      run.count = count;
      update(run);
    });
  }

  /// Puts what there is aside, where it stays as it is, and gives values and kept tensors room to be written to.
  void make_room() {
    if (before_.empty()) {
      std::vector<std::vector<Tensor<S>>> room;
      for (const auto* parameter : parameters_)
        room.emplace_back(1 + kept_.size(), Tensor<S>(parameter->value.shape()));
      before_.swap(room);
    }
    swap_with_before();
    steps_before_ = steps_;
    undoable_ = true;
  }
  void swap_with_before() {
    for (std::size_t p = 0; p < parameters_.size(); ++p) {
      parameters_[p]->value.swap(before_[p][0]);
      for (std::size_t k = 0; k < kept_.size(); ++k) state_[p][k].swap(before_[p][k + 1]);
    }
  }

  std::string_view kind_;
  std::vector<Parameter<S>*> parameters_;
  double base_rate_ = 0;
  Schedule schedule_;
  long steps_ = 0, run_ = 0;
  std::vector<std::string> kept_;
  std::vector<std::vector<Tensor<S>>> state_;   // by parameter, then as in kept_
  std::vector<std::vector<Tensor<S>>> before_;  // by parameter: the value and what is kept, before an undoable step
  long steps_before_ = 0;
  bool undoable_ = false;
  std::vector<Index> sizes_;  // by parameter
  std::vector<Block> blocks_;
  double work_ = 0;
};

RIVAL_INSTANTIATE_CLASS(Optimizer);

}  // namespace rival

namespace rival {

/// Adam's numbers, with the defaults of the paper.
struct AdamOptions {
  double learning_rate = 1e-3;  ///< before the schedule's factor
  double beta1 = 0.9;           ///< how much of the mean gradient is kept at each step; 0.5 is usual for GANs
  double beta2 = 0.999;         ///< how much of the mean square is kept
  double epsilon = 1e-8;        ///< added to the root of the mean square
  double weight_decay = 0;      ///< adds weight_decay * value to the gradient
  Schedule schedule = {};       ///< of factors of the learning rate
  /// Of beta1 and beta2 themselves, such as cosine_burn_in({.from = 0.9, .to = 0.99, .steps = 10'000}), instead of the
  /// numbers above, if not empty.
  Schedule beta1_schedule = {},  ///< of beta1, by the number of steps made
      beta2_schedule = {};       ///< of beta2
};

/// g = dvalue + weight_decay value;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
/// value -= learning_rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)   at the t-th step
///
/// (Kingma and Ba, 2015). Where the betas follow schedules, beta^t is the present beta to the power of t, as in PyTorch
/// when its betas are set anew between the steps. Throws Error for options out of range, and from step(), which then
/// changes nothing, when a schedule gives no beta in [0, 1).
template <class S = float>
class Adam : public Optimizer<S> {
 public:
  /// Changes these parameters, which must outlive it.
  explicit Adam(std::vector<Parameter<S>*> parameters, const AdamOptions& options = {})
      : Adam("adam", std::move(parameters), options, false) {}

 protected:
  /// For rules that take Adam's step: `kind` begins its errors, and `decoupled` weight decay shrinks the values
  /// themselves.
  Adam(std::string_view kind, std::vector<Parameter<S>*> parameters, const AdamOptions& options, bool decoupled)
      : Optimizer<S>(kind, std::move(parameters), options.learning_rate, options.schedule,
                     {"first_moment", "second_moment"}),
        options_(options),
        decoupled_(decoupled) {
    this->check(options.beta1 >= 0 && options.beta1 < 1, "0 <= beta1 < 1", options.beta1);
    this->check(options.beta2 >= 0 && options.beta2 < 1, "0 <= beta2 < 1", options.beta2);
    this->check(options.epsilon >= 0, "a finite epsilon >= 0", options.epsilon);
    this->check(options.weight_decay >= 0, "a finite weight_decay >= 0", options.weight_decay);
  }

 private:
  using Line = internal::Line<S>;

  /// The constants of one step.
  struct Constants {
    S beta1, beta2, rest1, rest2, epsilon;
    S step_size;      // learning_rate / (1 - beta1^t)
    S root_scale;     // 1 / sqrt(1 - beta2^t)
    S decay, shrink;  // what of the value goes into the gradient, and what the value loses
  };

  void prepare(double learning_rate) override {
    const double beta1 =
        scheduled(options_.beta1_schedule, options_.beta1, "a beta1_schedule that gives 0 <= beta1 < 1");
    const double beta2 =
        scheduled(options_.beta2_schedule, options_.beta2, "a beta2_schedule that gives 0 <= beta2 < 1");
    const auto t = static_cast<double>(this->steps() + 1);
    now_ = {static_cast<S>(beta1),
            static_cast<S>(beta2),
            static_cast<S>(1 - beta1),
            static_cast<S>(1 - beta2),
            static_cast<S>(options_.epsilon),
            static_cast<S>(learning_rate / (1 - std::pow(beta1, t))),
            static_cast<S>(1 / std::sqrt(1 - std::pow(beta2, t))),
            static_cast<S>(decoupled_ ? 0 : options_.weight_decay),
            static_cast<S>(decoupled_ ? learning_rate * options_.weight_decay : 0)};
  }

  /// The beta of this step.
  double scheduled(const Schedule& schedule, double otherwise, const char* expected) const {
    if (!schedule) return otherwise;
    const double beta = schedule(this->steps(), this->run());
    this->check(beta >= 0 && beta < 1, expected, beta);
    return beta;
  }

  void update(const internal::Run<S>& run) const override {
    const Constants c = now_;
    internal::sweep<2>(run, [&](Line& value, Line& g, Line& m, Line& v) {
      g += c.decay * value;
      value -= c.shrink * value;
      m = c.beta1 * m + c.rest1 * g;
      v = c.beta2 * v + c.rest2 * g.square();
      value -= c.step_size * m / (c.root_scale * v.sqrt() + c.epsilon);
    });
  }

  AdamOptions options_;
  bool decoupled_;
  Constants now_{};
};

/// AdamW's numbers: Adam's, but for the weight decay.
struct AdamWOptions {
  double learning_rate = 1e-3;   ///< before the schedule's factor
  double beta1 = 0.9;            ///< how much of the mean gradient is kept at each step
  double beta2 = 0.999;          ///< how much of the mean square is kept
  double epsilon = 1e-8;         ///< added to the root of the mean square
  double weight_decay = 1e-2;    ///< shrinks each value by learning_rate * weight_decay of itself
  Schedule schedule = {};        ///< of factors of the learning rate, and with it of the decay
  Schedule beta1_schedule = {},  ///< of beta1, by the number of steps made; empty: the number above
      beta2_schedule = {};       ///< likewise of beta2
};

/// value -= learning_rate weight_decay value, then Adam's step without weight decay (Loshchilov and Hutter, 2019).
/// Throws Error for options out of range.
template <class S = float>
class AdamW : public Adam<S> {
 public:
  /// Changes these parameters, which must outlive it.
  explicit AdamW(std::vector<Parameter<S>*> parameters, const AdamWOptions& options = {})
      : Adam<S>("adamw", std::move(parameters),
                {options.learning_rate, options.beta1, options.beta2, options.epsilon, options.weight_decay,
                 options.schedule, options.beta1_schedule, options.beta2_schedule},
                true) {}
};

RIVAL_INSTANTIATE_CLASS(Adam);
RIVAL_INSTANTIATE_CLASS(AdamW);

}  // namespace rival

// rival/optim/rmsprop.hpp
// RMSProp.

namespace rival {

/// RMSprop's numbers.
struct RmsPropOptions {
  double learning_rate = 1e-2;  ///< before the schedule's factor
  double alpha = 0.99;          ///< how much of the mean square is kept at each step
  double epsilon = 1e-8;        ///< added to the root that is divided by
  double momentum = 0;          ///< of the divided gradient; 0: none
  bool centered = false;        ///< divides by the deviation of the gradient instead of its root mean square
  double weight_decay = 0;      ///< adds weight_decay * value to the gradient
  Schedule schedule = {};       ///< of factors of the learning rate
};

/// g = dvalue + weight_decay value;  v = alpha v + (1 - alpha) g^2;  value -= learning_rate g / (sqrt(v) + epsilon)
///
/// Centered, with m = alpha m + (1 - alpha) g, the root is of v - m^2 (Graves, 2013). With momentum,
/// u = momentum u + g / (sqrt(v) + epsilon) and value -= learning_rate u. (Tieleman and Hinton, 2012.)
/// Throws Error for options out of range.
template <class S = float>
class RmsProp : public Optimizer<S> {
 public:
  /// Changes these parameters, which must outlive it.
  explicit RmsProp(std::vector<Parameter<S>*> parameters, const RmsPropOptions& options = {})
      : Optimizer<S>("rmsprop", std::move(parameters), options.learning_rate, options.schedule, kept(options)),
        alpha_(static_cast<S>(options.alpha)),
        rest_(static_cast<S>(1 - options.alpha)),
        epsilon_(static_cast<S>(options.epsilon)),
        momentum_(static_cast<S>(options.momentum)),
        weight_decay_(static_cast<S>(options.weight_decay)),
        centered_(options.centered) {
    this->check(options.alpha >= 0 && options.alpha < 1, "0 <= alpha < 1", options.alpha);
    this->check(options.epsilon >= 0, "a finite epsilon >= 0", options.epsilon);
    this->check(options.momentum >= 0 && momentum_ < S(1), "0 <= momentum < 1", options.momentum);
    this->check(options.weight_decay >= 0, "a finite weight_decay >= 0", options.weight_decay);
  }

 private:
  using Line = internal::Line<S>;

  static std::vector<std::string> kept(const RmsPropOptions& options) {
    std::vector<std::string> names{"mean_square"};
    if (options.centered) names.push_back("mean_gradient");
    if (options.momentum != 0) names.push_back("velocity");
    return names;
  }

  void prepare(double learning_rate) override { rate_ = static_cast<S>(learning_rate); }

  void update(const internal::Run<S>& run) const override {
    const auto scale = [&](const Line& value, Line& g, Line& v) {
      g += weight_decay_ * value;
      v = alpha_ * v + rest_ * g.square();
      g /= v.sqrt() + epsilon_;
    };
    const auto scale_centered = [&](const Line& value, Line& g, Line& v, Line& m) {
      g += weight_decay_ * value;
      v = alpha_ * v + rest_ * g.square();
      m = alpha_ * m + rest_ * g;
      g /= (v - m.square()).max(S(0)).sqrt() + epsilon_;  // a variance, which rounding may leave just below zero
    };
    const auto move = [&](Line& value, const Line& g, Line& u) {
      u = momentum_ * u + g;
      value -= rate_ * u;
    };
    if (!centered_ && momentum_ == S(0))
      internal::sweep<1>(run, [&](Line& value, Line& g, Line& v) {
        scale(value, g, v);
        value -= rate_ * g;
      });
    else if (!centered_)
      internal::sweep<2>(run, [&](Line& value, Line& g, Line& v, Line& u) {
        scale(value, g, v);
        move(value, g, u);
      });
    else if (momentum_ == S(0))
      internal::sweep<2>(run, [&](Line& value, Line& g, Line& v, Line& m) {
        scale_centered(value, g, v, m);
        value -= rate_ * g;
      });
    else
      internal::sweep<3>(run, [&](Line& value, Line& g, Line& v, Line& m, Line& u) {
        scale_centered(value, g, v, m);
        move(value, g, u);
      });
  }

  S alpha_, rest_, epsilon_, momentum_, weight_decay_;
  bool centered_;
  S rate_ = S(0);
};

RIVAL_INSTANTIATE_CLASS(RmsProp);

}  // namespace rival

// rival/optim/sgd.hpp
// Stochastic gradient descent with momentum.

namespace rival {

/// Stochastic gradient descent's numbers.
struct SgdOptions {
  double learning_rate = 1e-2;  ///< before the schedule's factor
  double momentum = 0;          ///< how much of the last step is made again; 0: none
  bool nesterov = false;        ///< looks one momentum step ahead; needs momentum > 0
  double weight_decay = 0;      ///< adds weight_decay * value to the gradient
  Schedule schedule = {};       ///< of factors of the learning rate
};

/// g = dvalue + weight_decay value;  u = momentum u + g;  value -= learning_rate u
///
/// with Nesterov's momentum: value -= learning_rate (g + momentum u) (Sutskever, Martens, Dahl and Hinton, 2013).
/// Throws Error for options out of range.
template <class S = float>
class Sgd : public Optimizer<S> {
 public:
  /// Changes these parameters, which must outlive it.
  explicit Sgd(std::vector<Parameter<S>*> parameters, const SgdOptions& options = {})
      : Optimizer<S>("sgd", std::move(parameters), options.learning_rate, options.schedule,
                     options.momentum != 0 ? std::vector<std::string>{"velocity"} : std::vector<std::string>{}),
        momentum_(static_cast<S>(options.momentum)),
        weight_decay_(static_cast<S>(options.weight_decay)),
        nesterov_(options.nesterov) {
    this->check(options.momentum >= 0 && momentum_ < S(1), "0 <= momentum < 1", options.momentum);
    this->check(options.weight_decay >= 0, "a finite weight_decay >= 0", options.weight_decay);
    this->check(!options.nesterov || options.momentum > 0, "momentum > 0 with nesterov", options.momentum);
  }

 private:
  using Line = internal::Line<S>;

  void prepare(double learning_rate) override { rate_ = static_cast<S>(learning_rate); }

  void update(const internal::Run<S>& run) const override {
    if (momentum_ == S(0))
      internal::sweep<0>(run, [&](Line& value, Line& g) { value -= rate_ * (g + weight_decay_ * value); });
    else
      internal::sweep<1>(run, [&](Line& value, Line& g, Line& u) {
        g += weight_decay_ * value;
        u = momentum_ * u + g;
        if (nesterov_)
          value -= rate_ * (g + momentum_ * u);
        else
          value -= rate_ * u;
      });
  }

  S momentum_, weight_decay_;
  bool nesterov_;
  S rate_ = S(0);
};

RIVAL_INSTANTIATE_CLASS(Sgd);

}  // namespace rival

namespace rival {

/// The options of any optimiser, for whoever builds it later: `OptimizerOptions chosen = AdamOptions{.beta1 = 0.5};`
using OptimizerOptions = std::variant<AdamOptions, AdamWOptions, SgdOptions, RmsPropOptions>;

/// The optimiser that these options belong to.
template <class S>
std::unique_ptr<Optimizer<S>> make_optimizer(std::vector<Parameter<S>*> parameters, const OptimizerOptions& options) {
  return std::visit(
      [&](const auto& chosen) -> std::unique_ptr<Optimizer<S>> {
        using Chosen = std::remove_cvref_t<decltype(chosen)>;
        if constexpr (std::is_same_v<Chosen, AdamOptions>)
          return std::make_unique<Adam<S>>(std::move(parameters), chosen);
        else if constexpr (std::is_same_v<Chosen, AdamWOptions>)
          return std::make_unique<AdamW<S>>(std::move(parameters), chosen);
        else if constexpr (std::is_same_v<Chosen, SgdOptions>)
          return std::make_unique<Sgd<S>>(std::move(parameters), chosen);
        else
          return std::make_unique<RmsProp<S>>(std::move(parameters), chosen);
      },
      options);
}

RIVAL_INSTANTIATE_FUNCTION(make_optimizer);

}  // namespace rival

// rival/optim/moving_average.hpp
// MovingAverage: a second network whose weights are the average of the first one's over the last steps.

namespace rival {

/// How fast a moving average follows.
struct MovingAverageOptions {
  /// After so many images what the average held has half of its weight left. 0.999 a step, as it is put elsewhere, is a
  /// half-life of 693 batches.
  double half_life = 10'000;
  /// The half-life is at most this share of the images so far, so that the first, poor weights are soon forgotten. 0
  /// leaves that out: the average then starts from the weights that it has.
  double ramp_up = 0.05;
  Index batch = 64;  ///< images a step
};

/// Keeps `average` near `source`, a network of the same structure that is being trained, whose weights swing around
/// good ones from step to step; one samples from the average (Yazici et al., 2019; in this form Karras et al., 2020 and
/// 2022):
///
///     parameters: average = b average + (1 - b) source;  b = 0.5^(batch / min(half_life, ramp_up images))
///     buffers (running statistics): copied
///
/// where `images` went before this step; while there are none, parameters are copied too.
///
///     Generator<> average = generator;
///     MovingAverage<> moving(average.state(), generator.state(), {.batch = 64});
///     ... moving.update();  // after each of the generator's steps
///
/// Both networks stay the caller's and must be neither moved nor destroyed meanwhile. The same bits come out on any
/// number of threads; `update` allocates nothing.
template <class S = float>
class MovingAverage {
 public:
  /// Throws Error when the states are not of two networks of the same structure, and for options out of range. Names
  /// are the same but for their first part, that of the network.
  MovingAverage(const State<S>& average, const State<S>& source, const MovingAverageOptions& options = {})
      : options_(options) {
    require(options.half_life > 0, "moving average: expected half_life > 0, got ", options.half_life);
    require(options.ramp_up >= 0 && is_finite(options.ramp_up), "moving average: expected a finite ramp_up >= 0, got ",
            options.ramp_up);
    require(options.batch >= 1, "moving average: expected a batch of at least 1, got ", options.batch);
    match(average.parameters, source.parameters, "parameters", false);
    match(average.buffers, source.buffers, "buffers", true);
  }

  /// Throws Error when a tensor has changed its size.
  void check_sizes() const {
    for (const Pair& pair : pairs_)
      require(pair.average->size() == pair.size && pair.source->size() == pair.size, "moving average: \"", *pair.name,
              "\" had ", pair.size, " elements, now its average has ", pair.average->size(), " and its source ",
              pair.source->size());
  }

  /// One step. Throws Error, and changes nothing, when a tensor has changed its size.
  void update() {
    check_sizes();
    const S share = static_cast<S>(source_share());
    parallel_for(static_cast<Index>(blocks_.size()), work_, [&](Index i) {
      const auto& [p, begin, count] = blocks_[static_cast<std::size_t>(i)];
      const Pair& pair = pairs_[p];
      const ConstArrayMap<S> source(pair.source->data() + begin, count);
      ArrayMap<S> average(pair.average->data() + begin, count);
      if (pair.copied || share == S(1))
        average = source;
      else
        average += share * (source - average);
    });
    ++steps_;
  }

  /// 1 - b: how much of the source goes into the average at the next step.
  double source_share() const {
    const double batch = static_cast<double>(options_.batch), images = static_cast<double>(steps_) * batch;
    const double half_life =
        options_.ramp_up > 0 ? std::min(options_.half_life, options_.ramp_up * images) : options_.half_life;
    return half_life > 0 ? -std::expm1(-std::log(2.0) * batch / half_life) : 1.0;
  }

  /// How many updates have been made; set it, and the average's weights, to go on where another one stopped.
  long steps() const { return steps_; }
  /// Goes on from that many updates. Throws Error for a number below 0.
  void set_steps(long steps) {
    require(steps >= 0, "moving average: expected steps >= 0, got ", steps);
    steps_ = steps;
  }

  /// The options that it was made with.
  const MovingAverageOptions& options() const { return options_; }

 private:
  static constexpr Index block_size = 16384;

  struct Pair {
    Tensor<S>* average;
    const Tensor<S>* source;
    const std::string* name;  // the source's
    Index size;
    bool copied;
  };
  struct Block {
    std::size_t pair;
    Index begin, count;
  };

  /// A name without that of its network: "conv1.weight" of "G.conv1.weight".
  static std::string local(const std::string& name) { return name.substr(name.find('.') + 1); }

  template <class Item>
  void match(const std::vector<Item*>& average, const std::vector<Item*>& source, const char* what, bool copied) {
    require(average.size() == source.size(), "moving average: expected two networks of the same structure, got ",
            average.size(), " and ", source.size(), " ", what);
    for (std::size_t i = 0; i < source.size(); ++i) {
      auto &to = *average[i], &from = *source[i];
      require(&to != &from, "moving average: expected two networks, got \"", from.name, "\" of the same one twice");
      require(local(to.name) == local(from.name) && to.value.shape() == from.value.shape(),
              "moving average: expected two networks of the same structure, got \"", to.name, "\" of ",
              to.value.shape(), " for \"", from.name, "\" of ", from.value.shape());
      const Index size = from.value.size();
      for (Index begin = 0; begin < size; begin += block_size)
        blocks_.push_back({pairs_.size(), begin, std::min(block_size, size - begin)});
      pairs_.push_back({&to.value, &from.value, &from.name, size, copied});
      work_ += 2.0 * static_cast<double>(size);
    }
  }

  MovingAverageOptions options_;
  std::vector<Pair> pairs_;
  std::vector<Block> blocks_;
  double work_ = 0;
  long steps_ = 0;
};

RIVAL_INSTANTIATE_CLASS(MovingAverage);

}  // namespace rival

// rival/train/fit_options.hpp
// What training by `fit` is told, what it tells, and what it remembers, whatever is trained.

namespace rival {

/// Thrown when a loss becomes NaN or infinite.
class Diverged : public Error {
 public:
  using Error::Error;
};

/// What one training step saw, before its updates. Scores are logits.
struct StepReport {
  long step = 0;  ///< counted from 1, over all calls
  /// Whether a classifier is trained. If so, `loss` and `accuracy` are what there is to say; if not, a generator and a
  /// discriminator are, and it is all but `loss`.
  bool supervised = false;
  double loss = 0;                ///< of the classifier
  double discriminator_loss = 0;  ///< without penalties and auxiliary losses
  double generator_loss = 0;      ///< without auxiliary losses; with feature matching that of the features
  double penalty = 0;             ///< the sum of all penalties, weighted
  double auxiliary_loss = 0;      ///< of the generated samples, in the discriminator's step, or of the labelled ones
  double real_score = 0;          ///< mean score of the real batch
  double fake_score = 0;          ///< mean score of the generated batch
  double accuracy = 0;  ///< share of the batch whose class is found, or of both that the discriminator tells apart

  // Where `fit` stands; zero when a step is called by itself.
  Index epoch = 0;               ///< counted from 1
  Index epochs = 0;              ///< that fit was asked for
  long steps_in_all = 0;         ///< of this call of fit
  long steps_done = 0;           ///< of them, this one among them
  double seconds = 0;            ///< since fit began
  double images_per_second = 0;  ///< real images, since fit began
};

/// How long `fit` trains, and whom it tells.
struct FitOptions {
  Index epochs = 1;     ///< passes over the data set
  long steps = 0;       ///< stop after so many, if not 0
  bool resume = false;  ///< go on with the fit that the trainer was in when its state was read, or when a step failed
  std::function<void(const StepReport&)> on_step = {};   ///< called after each step
  std::function<void(const StepReport&)> on_epoch = {};  ///< with the epoch's last step, and with the last of all
};

/// What every trainer remembers from step to step beside networks, optimisers and average.
struct FitState {
  long steps = 0;              ///< that have been made
  long run = 0;                ///< steps that the whole run will have, as the optimiser knows it; 0 where nobody does
  long average_steps = 0;      ///< of the moving average
  int fits = 0;                ///< calls of fit that have begun
  long fit_steps = 0;          ///< of the last of them
  LoaderPosition data;         ///< where its loader stands
  std::uint64_t data_set = 0;  ///< the fingerprint of its data set

  friend bool operator==(const FitState&, const FitState&) = default;
};

}  // namespace rival

namespace rival {

/// Where the labels come from that a trainer hands to its networks.
enum class LabelSource {
  none,  ///< networks get no labels
  data,  ///< from the data set; the generated batch has those of the real one
  drawn  ///< for the generated batch alone, uniformly from the classes
};

/// Labelled samples beside those that a trainer is given without labels.
struct LabelledSamples {
  Dataset data;      ///< with a class for each head of the discriminator at most
  Index batch = 64;  ///< of them a step of the discriminator; all come once before one comes again
};

/// What an AdversarialTrainer does in a step, and with which numbers.
template <class S = float>
struct TrainerOptions {
  AdversarialLoss<S> loss = non_saturating<S>();  ///< of both networks, on the discriminator's scores
  Index batch = 64;                               ///< samples in a step
  /// What the discriminator pays for steep scores: `{r1(1.0), r2(1.0)}`, `{wgan_gp()}`; of no kind twice.
  std::vector<Penalty> penalties = {};
  /// The loss of the discriminator's heads, if it has any.
  AuxiliaryLoss<S> auxiliary = {};
  /// If given: the auxiliary loss is of these samples alone, neither of the others nor of generated ones, and the
  /// discriminator alone minimises it: semi-supervised training (Salimans et al., 2016).
  std::optional<LabelledSamples> labelled = {};
  /// If not 0: the generator matches the features behind so many of the discriminator's layers instead of minimising
  /// its own loss (Salimans et al., 2016).
  Index feature_matching = 0;
  /// If not 0: after each update, the discriminator's weights are clipped to +- this bound (WGAN; Arjovsky et al.,
  /// 2017).
  double weight_clip = 0;
  /// Whether the networks are given labels: none, those of the real batch, also for the generated one, or, for the
  /// generated batch alone, classes drawn uniformly from `classes`.
  LabelSource labels = LabelSource::none;
  Index classes = 0;  ///< that are drawn from, with LabelSource::drawn
  /// Fills latent vectors {N, latent}, as a LatentLaw does; standard normal if empty.
  std::function<void(Tensor<S>& latent, Random& random)> draw_latent = {};
  /// Updates of the discriminator for each one of the generator, each on a new batch.
  int discriminator_steps = 1;
  /// Of the generator's optimiser; their type says which one it is.
  OptimizerOptions generator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0.5};
  /// Of the discriminator's, in the same way.
  OptimizerOptions discriminator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0.5};
  /// If given: the trainer keeps a moving average of the generator's weights, to sample from; its `batch` is this
  /// one's.
  std::optional<MovingAverageOptions> average = {};
  /// How many steps the training will have, for schedules over the run; `fit` finds out by itself.
  long steps = 0;
  /// Of the latent vectors and the order of the data.
  std::uint64_t seed = 0;
};

/// What an AdversarialTrainer remembers from step to step beside networks, optimisers and average: with the networks'
/// `state()`, the optimisers' `state()` and `steps()` and the averaged generator's weights it is all that it takes to
/// go on, bit for bit. Its `steps` are the generator's.
struct TrainerState : FitState {
  long discriminator_steps = 0;  ///< by which penalties are due, and change
  Random::Position latents,      ///< of the latent vectors
      classes,                   ///< of the drawn labels
      penalties;                 ///< of the points that penalties are taken at
  LoaderPosition labelled;       ///< where the loader of the labelled samples stands, if there are any

  friend bool operator==(const TrainerState&, const TrainerState&) = default;
};

}  // namespace rival

/// \namespace rival::recipes
/// Functions that make a recipe each, by the name of the paper's network: see rival::Recipe.

namespace rival {

/// What a recipe is told.
struct RecipeOptions {
  Index classes = 10;      ///< of the labels, for the recipes that use them
  Index batch = 64;        ///< images in a training step
  std::uint64_t seed = 0;  ///< of the weights and of the training
  /// Of one image: 28, 32 or 64 pixels square, grey or in colour.
  Shape image = {28, 28, 1};
  /// Channels of the generator's layer next to the image, and the discriminator's in proportion; 0: the recipe's own.
  /// Fully connected networks have none.
  Index width = 0;
};

/// What a recipe gives. The trainer takes it from here:
///
///     auto recipe = recipes::wgan_gp({.seed = 7});
///     AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
///     trainer.fit(data, {.epochs = 5});
///     const auto samples = trainer.averaged_generator().sample(64, random);
template <class S = float>
struct Recipe {
  Generator<S> generator;          ///< with its weights drawn
  Discriminator<S> discriminator;  ///< for the generator's samples, with its weights drawn
  TrainerOptions<S> options;       ///< loss, penalties, optimisers and what else the trainer is told
};

namespace internal {

/// What every recipe asks of its options first. Throws Error for those out of range.
inline void check(const RecipeOptions& o) {
  require(o.classes >= 1, "recipe: expected at least 1 class, got ", o.classes);
  require(o.batch >= 1, "recipe: expected a batch of at least 1, got ", o.batch);
  const Shape& image = o.image;
  require(image.rank() == 3 && image[0] == image[1] && is_image_size(image[0]),
          "recipe: expected square images of 28, 32 or 64 pixels, got ", image);
  require(image[2] >= 1 && image[2] <= 4096, "recipe: expected images of 1 to 4096 channels, got ", image);
  require(o.width >= 0 && o.width <= 4096, "recipe: expected a width from 0 to 4096, got ", o.width);
}

/// A network's size. `own` is the recipe's width of it, and `generator` that of the generator, which o.width is for.
inline ImageNetworkOptions network_of(const RecipeOptions& o, Index own, Index generator) {
  ImageNetworkOptions network{.size = o.image[0], .channels = o.image[2], .width = own};
  if (o.width > 0) network.width = std::max<Index>(1, o.width * own / generator);
  return network;
}
inline ImageNetworkOptions network_of(const RecipeOptions& o, Index own) { return network_of(o, own, own); }

}  // namespace internal

}  // namespace rival

// rival/gan/recipes/rpgan.hpp
// The recipe that mnist_gan trains by itself: believable digits in two minutes on two cores.

// rival/loss/relativistic.hpp
// Relativistic losses: how much more real the real samples look than the generated ones, not how real each of them
// looks.

namespace rival {

namespace internal {

/// mean(softplus(+-(fake_i - real_i))): bce_term of the differences with target 0 for +, and 1 for -. Writes `dfake`;
/// the gradient with respect to `real` is its negative.
template <class S>
S pair_up(const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dfake, double target) {
  require(real.size() == fake.size(), "relativistic_pairing: expected as many real scores as generated ones, got ",
          real.size(), " and ", fake.size());
  return mean_of(fake, dfake, [&](double x, Index i) { return bce_term(x - static_cast<double>(real[i]), target); });
}

/// The mean of all elements, in double.
template <class S>
double mean_score(const Tensor<S>& x) {
  require(!x.empty(), "relativistic_average: expected at least one real and one generated score, got ", x.shape());
  double sum = 0;
  for (Index i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]);
  return sum / static_cast<double>(x.size());
}

/// The mean of bce_term(x_i - shift, target), and of its derivatives.
template <class S>
Term mean_bce(const Tensor<S>& x, double shift, double target) {
  Term sum{0, 0};
  for (Index i = 0; i < x.size(); ++i) {
    const Term term = bce_term(static_cast<double>(x[i]) - shift, target);
    sum.value += term.value;
    sum.derivative += term.derivative;
  }
  const auto size = static_cast<double>(x.size());
  return {sum.value / size, sum.derivative / size};
}

/// mean(bce(real - mean(fake), real_target)) + mean(bce(fake - mean(real), fake_target)). Writes the gradient with
/// respect to `fake`, and to `real` unless `dreal` is null. A score of one batch also moves the other batch's term, by
/// way of the mean: by -1/size of that term's mean derivative.
template <class S>
S against_means(const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>* dreal, Tensor<S>& dfake, double real_target,
                double fake_target) {
  const double real_mean = mean_score(real), fake_mean = mean_score(fake);
  const Term of_real = mean_bce(real, fake_mean, real_target), of_fake = mean_bce(fake, real_mean, fake_target);
  const auto write = [](const Tensor<S>& x, double shift, double target, const Term& other, Tensor<S>& dx) {
    mean_of(x, dx, [&](double score, Index) {
      return Term{0, bce_term(score - shift, target).derivative - other.derivative};
    });
  };
  if (dreal != nullptr) write(real, fake_mean, real_target, of_fake, *dreal);
  write(fake, real_mean, fake_target, of_real, dfake);
  return static_cast<S>(of_real.value + of_fake.value);
}

}  // namespace internal

/// Every generated sample against one real sample, pair by pair, with softplus(x) = log(1 + e^x):
///
///     discriminator: mean(softplus(fake_i - real_i))
///     generator:     mean(softplus(real_i - fake_i))
///
/// (Jolicoeur-Martineau, 2018; in this form, with zero-centred gradient penalties on both batches, the loss of R3GAN:
/// Huang, Gokaslan, Kuleshov and Tompkin, 2024.) Both functions throw Error when the batches differ in size.
template <class S = float>
AdversarialLoss<S> relativistic_pairing() {
  return {.discriminator =
              [](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake) {
                const S value = internal::pair_up(real, fake, dfake, 0);
                dreal.resize(real.shape());
                dreal.array() = -dfake.array();
                return value;
              },
          .generator = [](const Tensor<S>& real, const Tensor<S>& fake,
                          Tensor<S>& dfake) { return internal::pair_up(real, fake, dfake, 1); },
          .generator_needs_real = true,
          .name = "relativistic_pairing"};
}

/// Every sample against the mean of the other batch (RaGAN, Jolicoeur-Martineau, 2018), with D = sigmoid:
///
///     discriminator: mean(-log D(real - mean(fake))) + mean(-log(1 - D(fake - mean(real))))
///     generator:     mean(-log D(fake - mean(real))) + mean(-log(1 - D(real - mean(fake))))
///
/// The gradients go through the means too, so the generator's goes through both of its terms. The batches may differ in
/// size.
template <class S = float>
AdversarialLoss<S> relativistic_average() {
  return {.discriminator = [](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal,
                              Tensor<S>& dfake) { return internal::against_means(real, fake, &dreal, dfake, 1, 0); },
          .generator = [](const Tensor<S>& real, const Tensor<S>& fake,
                          Tensor<S>& dfake) { return internal::against_means<S>(real, fake, nullptr, dfake, 0, 1); },
          .generator_needs_real = true,
          .name = "relativistic_average"};
}

RIVAL_INSTANTIATE_FUNCTION(relativistic_pairing);
RIVAL_INSTANTIATE_FUNCTION(relativistic_average);

}  // namespace rival

namespace rival {

namespace internal {

/// How rpgan trains, at this learning rate of both networks: relativistic pairing held by weak penalties on both sides,
/// a rate that falls to nothing over the second half of the run, and a moving average.
template <class S>
TrainerOptions<S> rpgan_training(double learning_rate, Index batch, std::uint64_t seed) {
  const Schedule fall = over_run([](long steps) { return linear_decay({.steps = steps, .start = steps / 2}); });
  const AdamOptions adam{.learning_rate = learning_rate, .beta1 = 0.5, .beta2 = 0.99, .schedule = fall};
  return {.loss = relativistic_pairing<S>(),
          .batch = batch,
          .penalties = {r1(0.1), r2(0.1)},
          .generator_optimizer = adam,
          .discriminator_optimizer = adam,
          .average = MovingAverageOptions{.half_life = 20'000},
          .seed = seed};
}

}  // namespace internal

namespace recipes {

/// Relativistic pairing (Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard
/// GAN", 2018) held by R1 (Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually converge?",
/// 2018) and R2, the pair that Huang, Gokaslan, Kuleshov and Tompkin, "The GAN is dead; long live the GAN!", 2024, show
/// to converge and to keep all modes; on small convolutional networks in place of theirs: DCGAN's generator at half of
/// its width, and a discriminator of a quarter, without batch norm, which the penalties cannot go through.
///
/// Made for a run of minutes: a small batch and small networks buy many steps, the discriminator, which a step goes
/// through most often, being the smaller one; gamma is weak; the learning rate falls to nothing over the second half of
/// the run, so that the last weights are the best ones.
template <class S = float>
Recipe<S> rpgan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  ImageNetworkOptions generator = rival::internal::network_of(o, 32);
  generator.latent = 64;
  return {dcgan_generator<S>(random, generator), dcgan_critic<S>(random, rival::internal::network_of(o, 16, 32)),
          rival::internal::rpgan_training<S>(1.5e-3, o.batch, o.seed)};
}

}  // namespace recipes

}  // namespace rival

namespace rival {

/// What a recipe for clips is told.
struct ClipRecipeOptions {
  Shape clip = {16, 32, 32, 1};  ///< of square frames of 28, 32 or 64 pixels
  Index batch = 16;              ///< clips in a training step
  std::uint64_t seed = 0;        ///< of the weights and of the training
  Index width = 0;               ///< channels of the layers next to the clip; 0: the recipe's own
};

namespace internal {

/// The networks' sizes; `own` is the width unless the options give one.
inline ClipNetworkOptions clip_network(const ClipRecipeOptions& o, Index own) {
  require(o.batch >= 1, "recipe: expected a batch of at least 1, got ", o.batch);
  require(o.width >= 0 && o.width <= 4096, "recipe: expected a width from 0 to 4096, got ", o.width);
  return {.clip = o.clip, .width = o.width > 0 ? o.width : own};
}

/// What `generator` makes against MoCoGAN's critics of half its width, trained as rpgan is.
template <class S>
Recipe<S> against_mocogan_critic(Generator<S> (*generator)(const Random&, const ClipNetworkOptions&),
                                 const ClipRecipeOptions& o) {
  const Random random(o.seed);
  const ClipNetworkOptions network = clip_network(o, 32);
  ClipNetworkOptions critic = network;
  critic.width = std::max<Index>(1, network.width / 2);
  return {generator(random, network), mocogan_critic<S>(random, critic), rpgan_training<S>(1e-3, o.batch, o.seed)};
}

}  // namespace internal

namespace recipes {

/// Frames as channels: rpgan's networks and training (rpgan.hpp), for images with a channel for each frame.
template <class S = float>
Recipe<S> frames_gan(const ClipRecipeOptions& o) {
  const Random random(o.seed);
  const ClipNetworkOptions network = rival::internal::clip_network(o, 32);
  return {frames_generator<S>(random, network), frames_critic<S>(random, network),
          rival::internal::rpgan_training<S>(1e-3, o.batch, o.seed)};
}

/// MoCoGAN's networks (clip_networks.hpp), trained as rpgan is; the paper has the standard loss and no penalties.
template <class S = float>
Recipe<S> mocogan(const ClipRecipeOptions& o) {
  return rival::internal::against_mocogan_critic<S>(mocogan_generator<S>, o);
}

/// One picture that moves (`moving_generator`) against MoCoGAN's critics, trained as rpgan is: for clips of one thing
/// before black, such as `moving_digits`.
template <class S = float>
Recipe<S> moving_gan(const ClipRecipeOptions& o) {
  return rival::internal::against_mocogan_critic<S>(moving_generator<S>, o);
}

RIVAL_INSTANTIATE_FUNCTION(moving_gan);
RIVAL_INSTANTIATE_FUNCTION(frames_gan);
RIVAL_INSTANTIATE_FUNCTION(mocogan);

}  // namespace recipes

}  // namespace rival

// rival/gan/recipes/conditional.hpp
// Recipes of generators that are also told what to make: a class, or a code that they find a meaning for themselves.

// rival/layers/embedding.hpp
// Embedding: tells a network the class of each sample, as further channels.

namespace rival {

/// The sizes of an Embedding.
struct EmbeddingOptions {
  Index classes = 0;     ///< at most 65,536
  Index features = 0;    ///< channels that are appended; not given with `one_hot`, which appends one a class
  bool one_hot = false;  ///< row k of the table is 1 in column k and 0 elsewhere, and nothing is learnt

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("classes", o.classes);
    f("features", o.features);
    f("one_hot", o.one_hot);
  }
};

/// Appends to each sample's channels the row of a learnt table E {classes, features} that its label names: {N, C}
/// becomes {N, C + features}, and {N, H, W, C} becomes {N, H, W, C + features} with the same row at every pixel. The
/// labels are those of the pass; forward throws Error unless there is one of 0 ... classes - 1 for each sample.
///
/// With `one_hot` it is the condition of the first conditional GAN (Mirza and Osindero, 2014) and the categorical code
/// of InfoGAN (Chen et al., 2016).
template <class S = float>
class Embedding : public Layer<S> {
 public:
  using Options = EmbeddingOptions;  ///< what it is made from
  /// Throws Error unless 1 <= classes <= 65,536 and features > 0 (with `one_hot`: 0, or the classes).
  explicit Embedding(const EmbeddingOptions& options) : options_(options), table_("weight", Shape{0}) {
    require(options.classes > 0 && options.classes <= most_classes, "embedding: expected 1 to ", most_classes,
            " classes, got ", options.classes);
    if (options.one_hot) {
      require(options.features == 0 || options.features == options.classes, "embedding: expected one feature a class (",
              options.classes, ") of a one-hot table, got ", options.features);
      options_.features = options.classes;
    } else {
      require(options.features > 0, "embedding: expected positive `features`, got ", options.features);
      table_ = Parameter<S>("weight", {options.classes, options.features});
    }
  }

  /// Empty if the table is one-hot.
  Parameter<S>& weight() { return table_; }

  std::string_view kind() const override { return "embedding"; }
  Description describe() const override { return rival::describe("embedding", options_); }
  std::string_view short_name() const override { return "embed"; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 || input.rank() == 3, *this,
            ": expected vectors or images height x width x channels, got ", input);
    return input.with(input.rank() - 1, internal::grown(*this, input.back(), 1, options_.features));
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = &x;
    internal::keep_labels(*this, pass.labels, x.dim(0), options_.classes, trace);
    append(x, trace.labels, true, trace.output);
    return trace.output;
  }

  /// dx: the first channels of dy; dE[label]: the sums of the others over the pixels of the samples of that label.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx) {
      dx->resize(trace.input->shape());
      const Index before = dx->cols(), after = dy.cols();
      parallel_blocks(dx->rows(), rows_of_task, static_cast<double>(dx->size()) / 4, [&](Index begin, Index end) {
        for (Index r = begin; r < end; ++r) std::copy_n(dy.data() + r * after, before, dx->data() + r * before);
      });
    }
    if (pass.parameters) add_table_gradient(trace, dy);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    append(x_tangent, trace.labels, pass.affine, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>& pass) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
    if (const Tensor<S>* from = pass.affine ? &dy : dy_tangent) add_table_gradient(trace, *from);
  }

  bool has_parameters() const override { return !options_.one_hot; }
  void collect(State<S>& state) override {
    if (!options_.one_hot) state.parameters.push_back(&table_);
  }
  /// Normal with variance 1 whatever the initialiser, since the rows are inputs of the layers behind, as noise is.
  void initialise(const Initialiser<S>&, const Random& random) override {
    Random stream = random.stream(table_.name);
    stream.fill_normal(table_.value);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Embedding>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    table_.name = name + ".weight";
  }

 private:
  static constexpr Index rows_of_task = 256;

  /// y = x with the labels' rows behind it, or with zeros.
  void append(const Tensor<S>& x, Labels labels, bool rows, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    const Index before = x.cols(), after = y.cols(), features = options_.features,
                pixels = x.rows() / std::max<Index>(1, x.dim(0));
    parallel_blocks(x.rows(), rows_of_task, static_cast<double>(y.size()) / 4, [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        S* to = std::copy_n(x.data() + r * before, before, y.data() + r * after);
        const Index label = labels[static_cast<std::size_t>(r / pixels)];
        if (rows && !options_.one_hot) {
          std::copy_n(table_.value.data() + label * features, features, to);
        } else {
          std::fill_n(to, features, S(0));
          if (rows) to[label] = S(1);
        }
      }
    });
  }

  /// Sums over each sample's pixels, then over samples in their order: the bits depend on the shape alone.
  void add_table_gradient(const Trace<S>& trace, const Tensor<S>& dy) {
    if (options_.one_hot) return;
    const Index samples = dy.dim(0), pixels = dy.rows() / std::max<Index>(1, samples), features = options_.features;
    S* sums = scratch<S>(Scratch::partial_sums, samples * features);
    parallel_for(samples, static_cast<double>(dy.rows() * features), [&](Index n) {
      ArrayMap<S> sum(sums + n * features, features);
      sum.setZero();
      for (Index p = 0; p < pixels; ++p)
        sum += ConstArrayMap<S>(dy.data() + (n * pixels + p + 1) * dy.cols() - features, features);
    });
    for (Index n = 0; n < samples; ++n)
      ArrayMap<S>(table_.grad.data() + trace.labels[static_cast<std::size_t>(n)] * features, features) +=
          ConstArrayMap<S>(sums + n * features, features);
  }

  EmbeddingOptions options_;
  Parameter<S> table_;
};

RIVAL_INSTANTIATE_CLASS(Embedding);

}  // namespace rival

namespace rival::recipes {

namespace internal {

/// DCGAN's generator for a latent vector with the class behind it, one-hot.
template <class S>
Generator<S> one_hot_generator(Index latent, const RecipeOptions& o) {
  ImageNetworkOptions network = rival::internal::network_of(o, 64);
  network.latent = latent + o.classes;
  Sequential<S> layers(Embedding<S>({.classes = o.classes, .one_hot = true}));
  layers.add(dcgan_generator_layers<S>(network));
  Generator<S> generator(latent, std::move(layers));
  generator.initialise(normal<S>(0, 0.02), Random(o.seed));
  return generator;
}

/// DCGAN's discriminator with `heads` further outputs.
template <class S>
Discriminator<S> discriminator_with_heads(Index heads, const RecipeOptions& o) {
  const ImageNetworkOptions network = rival::internal::network_of(o, 64);
  Sequential<S> layers = dcgan_discriminator_layers<S>(network, true);
  const Index features = layers.output_shape(o.image).size();
  layers.add(Dropout<S>({.rate = 0.25})).add(Flatten<S>()).add(Dense<S>({.in = features, .out = 1 + heads}));
  Discriminator<S> discriminator(o.image, std::move(layers), "D", heads);
  discriminator.initialise(normal<S>(0, 0.02), Random(o.seed));
  return discriminator;
}

/// A plain discriminator for 28 pixels that projects the class.
template <class S>
Discriminator<S> projection28_discriminator(const Random& random, const ImageNetworkOptions& o) {
  const Index w = o.width;
  Discriminator<S> discriminator(
      o.image(),
      Sequential<S>(SpectralNorm(Conv2d<S>({.in = o.channels, .out = w, .kernel = 4, .stride = 2, .padding = 1})),
                    LeakyReLU<S>(0.1),
                    SpectralNorm(Conv2d<S>({.in = w, .out = 2 * w, .kernel = 4, .stride = 2, .padding = 1})),
                    LeakyReLU<S>(0.1),
                    SpectralNorm(Conv2d<S>({.in = 2 * w, .out = 4 * w, .kernel = 4, .stride = 2, .padding = 1})),
                    LeakyReLU<S>(0.1), SumPool<S>(), SpectralNorm(Dense<S>({.in = 4 * w, .out = 1 + o.classes})),
                    Projection<S>({.classes = o.classes})));
  discriminator.initialise(he<S>(0.1), random);
  return discriminator;
}

}  // namespace internal

/// Mirza and Osindero, "Conditional generative adversarial nets", 2014: fully connected networks that both get the
/// class beside their input, as 100 numbers each (a layer of the paper's made of the one-hot class). (Adam in place of
/// gradient descent with momentum.)
template <class S = float>
Recipe<S> cgan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const Index pixels = o.image.size();
  Generator<S> generator(
      100, Sequential<S>(Embedding<S>({.classes = o.classes, .features = 100}), Dense<S>({.in = 200, .out = 600}),
                         ReLU<S>(), Dense<S>({.in = 600, .out = 1200}), ReLU<S>(),
                         Dense<S>({.in = 1200, .out = pixels}), Tanh<S>(), Reshape<S>(o.image)));
  Discriminator<S> discriminator(
      o.image, Sequential<S>(Flatten<S>(), Embedding<S>({.classes = o.classes, .features = 100}),
                             Dense<S>({.in = pixels + 100, .out = 512}), LeakyReLU<S>(0.2), Dropout<S>({.rate = 0.5}),
                             Dense<S>({.in = 512, .out = 256}), LeakyReLU<S>(0.2), Dropout<S>({.rate = 0.5}),
                             Dense<S>({.in = 256, .out = 1})));
  generator.initialise(he<S>(), random);
  discriminator.initialise(he<S>(0.2), random);
  const AdamOptions adam{.learning_rate = 2e-4, .beta1 = 0.5};
  return {std::move(generator),
          std::move(discriminator),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .labels = LabelSource::data,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Odena, Olah and Shlens, "Conditional image synthesis with auxiliary classifier GANs", 2017: the discriminator also
/// tells the class, of real and of generated images; Adam with 2e-4 and beta1 0.5.
template <class S = float>
Recipe<S> acgan(const RecipeOptions& o) {
  rival::internal::check(o);
  const AdamOptions adam{.learning_rate = 2e-4, .beta1 = 0.5};
  return {internal::one_hot_generator<S>(100, o),
          internal::discriminator_with_heads<S>(o.classes, o),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .auxiliary = classification<S>(),
           .labels = LabelSource::data,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Miyato and Koyama, "cGANs with projection discriminator", 2018: the class's embedding, projected on the
/// discriminator's last features, is added to its score; spectral norm throughout; conditional batch norm in the
/// generator; the hinge loss; residual networks, but for 28 pixels; Adam with 2e-4, beta1 0 and beta2 0.9. (Narrower
/// and, for a run of minutes, with one discriminator step and 1e-3 for the generator in place of five steps and 2e-4.)
template <class S = float>
Recipe<S> projection(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  ImageNetworkOptions network = rival::internal::network_of(o, 32);
  network.classes = o.classes;
  const bool small = network.size == 28;
  Generator<S> generator =
      small ? Generator<S>(network.latent, dcgan_generator_layers<S>(network)) : resnet_generator<S>(random, network);
  if (small) generator.initialise(glorot<S>(), random);  // as the residual one is
  Discriminator<S> discriminator =
      small ? internal::projection28_discriminator<S>(random, network) : resnet_discriminator<S>(random, network, true);
  return {std::move(generator),
          std::move(discriminator),
          {.loss = hinge<S>(),
           .batch = o.batch,
           .labels = LabelSource::data,
           .generator_optimizer = AdamOptions{.learning_rate = 1e-3, .beta1 = 0, .beta2 = 0.9},
           .discriminator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0, .beta2 = 0.9},
           .seed = o.seed}};
}

/// Chen, Duan, Houthooft, Schulman, Sutskever and Abbeel, "InfoGAN", 2016: 62 numbers of noise, two codes uniform in
/// [-1, 1) and a class that is drawn and never shown real; the discriminator's heads tell code and class from the
/// image. Adam with beta1 0.5, 2e-4 for the discriminator and 1e-3 for the generator. What a class or a code comes to
/// mean is for the networks to find out.
template <class S = float>
Recipe<S> infogan(const RecipeOptions& o) {
  rival::internal::check(o);
  constexpr Index codes = 2, noise = 62;
  return {internal::one_hot_generator<S>(codes + noise, o),
          internal::discriminator_with_heads<S>(o.classes + codes, o),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .auxiliary = information<S>({.classes = o.classes, .codes = codes, .class_weight = 1, .code_weight = 0.1}),
           .labels = LabelSource::drawn,
           .classes = o.classes,
           .draw_latent = LatentLaw<S>(codes),
           .generator_optimizer = AdamOptions{.learning_rate = 1e-3, .beta1 = 0.5},
           .discriminator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0.5},
           .seed = o.seed}};
}

RIVAL_INSTANTIATE_FUNCTION(cgan);
RIVAL_INSTANTIATE_FUNCTION(acgan);
RIVAL_INSTANTIATE_FUNCTION(projection);
RIVAL_INSTANTIATE_FUNCTION(infogan);

}  // namespace rival::recipes

// rival/gan/recipes/r3gan.hpp
// R3GAN: "re-GAN", a plain strong baseline.

// rival/layers/constant.hpp
// Basis: a learnt small image, with which a generator begins.

namespace rival {

/// The sizes of a Basis.
struct BasisOptions {
  Index in = 0;      ///< the length of the latent vectors
  Shape shape = {};  ///< height x width x channels of the image

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("shape", o.shape);
  }
};

/// y[n, h, w, c] = basis[h, w, c] (x A)[n, c]: each channel of a learnt image, as strong as the latent vector wants it;
/// x is {N, in}, A is {in, channels}, y is {N, height, width, channels} (R3GAN: Huang, Gokaslan, Kuleshov and Tompkin,
/// 2024).
///
/// Linear in x, and bilinear in the basis and A: with s = x A,
///
///     backward:          ds[n, c] = sum over h, w of dy basis,  dbasis += sum over n of dy s
///                        dA += x^T ds,  dx = ds A^T
///     backward_tangent:  dbasis += sum over n of dy s' + dy' s,  dA += x'^T ds + x^T ds',  dx' = ds' A^T
template <class S = float>
class Basis : public Layer<S> {
 public:
  using Options = BasisOptions;  ///< what it is made from
  /// Throws Error unless `in` and the three extents of the shape are positive.
  explicit Basis(const BasisOptions& options)
      : in_(options.in), basis_("basis", checked(options)), weight_("weight", {options.in, options.shape[2]}) {
    weight_.axes = WeightAxes::dense;
  }

  /// The image that is learnt, {height, width, channels}.
  Parameter<S>& basis() { return basis_; }
  /// A, {in, channels}: how much of each channel a latent vector gives.
  Parameter<S>& weight() { return weight_; }

  std::string_view kind() const override { return "basis"; }
  Description describe() const override {
    return rival::describe("basis", BasisOptions{.in = in_, .shape = basis_.value.shape()});
  }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 && input[0] == in_, *this, ": expected vectors of ", in_, ", got ", input);
    return basis_.value.shape();
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    enlarge(x, trace.save(0, {x.dim(0), channels()}), trace.output);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (!dx && !pass.parameters) return;
    const Tensor<S>& ds = strength_gradient(trace, dy);
    if (dx) go_back(trace, ds, *dx);
    if (!pass.parameters) return;
    add_basis_gradient(dy, trace.saved[0]);
    kernels::conv_weight_gradient(geometry(dy.dim(0)), trace.input->data(), ds.data(), weight_.grad.data());
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.input_tangent = &x_tangent;
    enlarge(x_tangent, trace.save(2, {x_tangent.dim(0), channels()}), trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    const kernels::ConvGeometry g = geometry(dy.dim(0));
    kernels::conv_weight_gradient(g, trace.input_tangent->data(), strength_gradient(trace, dy).data(),
                                  weight_.grad.data());
    add_basis_gradient(dy, trace.saved[2]);
    if (dy_tangent) {
      const Tensor<S>& ds_tangent = strength_gradient(trace, *dy_tangent);
      kernels::conv_weight_gradient(g, trace.input->data(), ds_tangent.data(), weight_.grad.data());
      add_basis_gradient(*dy_tangent, trace.saved[0]);
      if (dx_tangent) go_back(trace, ds_tangent, *dx_tangent);
    } else if (dx_tangent) {
      dx_tangent->resize(trace.input->shape());
      dx_tangent->fill(S(0));
    }
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    state.parameters.push_back(&basis_);
    state.parameters.push_back(&weight_);
  }
  /// The basis is normal with variance 1, A comes from the initialiser.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    Random stream = random.stream(basis_.name);
    stream.fill_normal(basis_.value);
    stream = random.stream(weight_.name);
    weights(weight_.value, {in_, channels()}, stream);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Basis>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    basis_.name = name + ".basis";
    weight_.name = name + ".weight";
  }

 private:
  static const Shape& checked(const BasisOptions& o) {
    require(o.in > 0, "basis: expected a positive `in`, got ", o.in);
    require(o.shape.rank() == 3 && o.shape.size() > 0, "basis: expected a shape height x width x channels, got ",
            o.shape);
    return o.shape;
  }
  Index channels() const { return basis_.value.cols(); }
  Index pixels() const { return basis_.value.rows(); }
  kernels::ConvGeometry geometry(Index batch) const { return {.batch = batch, .in_c = in_, .out_c = channels()}; }

  /// strength = x A, y = basis strength
  void enlarge(const Tensor<S>& x, Tensor<S>& strength, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    kernels::conv_output(geometry(x.dim(0)), x.data(), weight_.value.data(), strength.data());
    parallel_for(x.dim(0), static_cast<double>(y.size()) / 2, [&](Index n) {
      const ConstArrayMap<S> s(strength.data() + n * channels(), channels());
      for (Index p = 0; p < pixels(); ++p)
        ArrayMap<S>(y.data() + (n * pixels() + p) * channels(), channels()) = pixel(basis_.value, p) * s;
    });
  }
  const Tensor<S>& strength_gradient(Trace<S>& trace, const Tensor<S>& dy) const {
    Tensor<S>& ds = trace.save(1, {dy.dim(0), channels()});
    parallel_for(dy.dim(0), static_cast<double>(dy.size()) / 2, [&](Index n) {
      ArrayMap<S> sum(ds.data() + n * channels(), channels());
      sum.setZero();
      for (Index p = 0; p < pixels(); ++p) sum += pixel(dy, n * pixels() + p) * pixel(basis_.value, p);
    });
    return ds;
  }
  void go_back(const Trace<S>& trace, const Tensor<S>& ds, Tensor<S>& dx) const {
    dx.resize(trace.input->shape());
    kernels::conv_input_gradient(geometry(ds.dim(0)), ds.data(), weight_.value.data(), dx.data());
  }
  void add_basis_gradient(const Tensor<S>& dy, const Tensor<S>& strength) {
    parallel_for(pixels(), static_cast<double>(dy.size()) / 2, [&](Index p) {
      ArrayMap<S> sum(basis_.grad.data() + p * channels(), channels());
      for (Index n = 0; n < dy.dim(0); ++n) sum += pixel(dy, n * pixels() + p) * pixel(strength, n);
    });
  }
  static ConstArrayMap<S> pixel(const Tensor<S>& image, Index row) {
    return {image.data() + row * image.cols(), image.cols()};
  }

  Index in_;
  Parameter<S> basis_, weight_;
};

RIVAL_INSTANTIATE_CLASS(Basis);

}  // namespace rival

// rival/layers/resample.hpp
// BlurUpsample and BlurDownsample: images of twice and half the size, filtered.

namespace rival {

namespace internal {

/// The pixels along one axis that a pixel is a weighted sum of.
template <class S>
struct FilterTaps {
  Index count = 0;
  std::array<Index, 3> at{};
  std::array<S, 3> weight{};

  /// Pixels outside of the image are zeros.
  void add(Index place, Index extent, S w) {
    if (place < 0 || place >= extent) return;
    at[static_cast<std::size_t>(count)] = place;
    weight[static_cast<std::size_t>(count++)] = w;
  }
};

/// Filters with a (1, 2, 1) along both axes. `halve` moves the filter by two pixels from each output pixel to the next,
/// and `spread`, its transpose, paints one for each input pixel:
///
///     halve:   y[i] = a (x[2i + s - 1] + 2 x[2i + s] + x[2i + s + 1])
///     spread:  y[2i + s + k] += a (2 - |k|) x[i],  |k| <= 1
template <class S>
class Filter121 {
 public:
  Filter121(S a, Index shift) : a_(a), shift_(shift) {}

  void halve(const Tensor<S>& x, Tensor<S>& y) const {
    filter(x, y, [this](Index o, Index extent) {
      FilterTaps<S> taps;
      for (Index k = -1; k <= 1; ++k) taps.add(2 * o + shift_ + k, extent, k == 0 ? S(2) * a_ : a_);
      return taps;
    });
  }
  void spread(const Tensor<S>& x, Tensor<S>& y) const {
    filter(x, y, [this](Index o, Index extent) {
      FilterTaps<S> taps;
      const Index from = o - shift_;  // -1 at least
      if (from % 2 == 0) {
        taps.add(from / 2, extent, S(2) * a_);
      } else {
        taps.add((from + 1) / 2 - 1, extent, a_);
        taps.add((from + 1) / 2, extent, a_);
      }
      return taps;
    });
  }

 private:
  /// One axis after the other, row by row; an image is one task's.
  template <class TapsOf>
  void filter(const Tensor<S>& x, Tensor<S>& y, const TapsOf& taps_of) const {
    const Index h = x.dim(1), w = x.dim(2), c = x.dim(3), out_h = y.dim(1), out_w = y.dim(2);
    const TaskScratch<S> scratch(w * c);
    parallel_for(x.dim(0), 3.0 * static_cast<double>(x.size() + y.size()), [&](Index n, Index worker) {
      S* row = scratch.of(worker);
      const S* image = x.data() + n * h * w * c;
      S* out = y.data() + n * out_h * out_w * c;
      for (Index i = 0; i < out_h; ++i) {
        add_up(taps_of(i, h), image, w * c, row);
        for (Index j = 0; j < out_w; ++j, out += c) add_up(taps_of(j, w), row, c, out);
      }
    });
  }

  /// out = the weighted sum of the pieces of `size` at the taps.
  static void add_up(const FilterTaps<S>& taps, const S* pieces, Index size, S* out) {
    const auto piece = [&](std::size_t k) { return pieces + taps.at[k] * size; };
    const auto& w = taps.weight;
    switch (taps.count) {
      case 0:
        std::fill(out, out + size, S(0));
        break;
      case 1:
        sum(size, out, [w, p = piece(0)](Index i) { return w[0] * p[i]; });
        break;
      case 2:
        sum(size, out, [w, p = piece(0), q = piece(1)](Index i) { return w[0] * p[i] + w[1] * q[i]; });
        break;
      default:
        sum(size, out,
            [w, p = piece(0), q = piece(1), r = piece(2)](Index i) { return w[0] * p[i] + w[1] * q[i] + w[2] * r[i]; });
    }
  }
  template <class Element>
  static void sum(Index size, S* out, const Element& element) {
    for (Index i = 0; i < size; ++i) out[i] = element(i);
  }

  S a_;
  Index shift_;
};

/// A layer that is a linear map of its input without parameters: a kind says how it and its transpose are computed.
template <class S>
class BlurResample : public Layer<S> {
 public:
  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(this->output_shape(x.shape().sample()).batch(x.dim(0)));
    apply(x, trace.output);
    return trace.output;
  }
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    apply_transposed(dy, *dx);
  }

  Curvature curvature() const override { return Curvature::linear; }
  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.output_tangent.resize(trace.output.shape());
    apply(x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }
  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

 protected:
  virtual void apply(const Tensor<S>& x, Tensor<S>& y) const = 0;
  virtual void apply_transposed(const Tensor<S>& dy, Tensor<S>& dx) const = 0;
};

}  // namespace internal

/// {N, H, W, C} becomes {N, 2 H, 2 W, C}: zeros between the pixels, then the filter (1, 2, 1) x (1, 2, 1) / 16 times 4,
/// so that along each axis y[2i] = (x[i - 1] + x[i]) / 2 and y[2i + 1] = x[i], with zeros outside of the image. That is
/// upfirdn2d as StyleGAN2 and R3GAN pad it (Karras et al., 2020; Huang et al., 2024).
template <class S = float>
class BlurUpsample : public internal::BlurResample<S> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "blur_upsample"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images of H x W x C, got ", input);
    return {internal::grown(*this, input[0], 2), internal::grown(*this, input[1], 2), input[2]};
  }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<BlurUpsample>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  /// Enlarges x.
  void apply(const Tensor<S>& x, Tensor<S>& y) const override { filter.spread(x, y); }
  /// The transpose of that, which halves dy.
  void apply_transposed(const Tensor<S>& dy, Tensor<S>& dx) const override { filter.halve(dy, dx); }

 private:
  static inline const internal::Filter121<S> filter{S(0.5), 1};
};

/// {N, H, W, C} becomes {N, H / 2, W / 2, C}, odd sizes rounded up: the filter (1, 2, 1) x (1, 2, 1) / 16 at every
/// second pixel, so that along each axis y[i] = (x[2i - 1] + 2 x[2i] + x[2i + 1]) / 4, with zeros outside of the image.
/// For even sizes that is upfirdn2d as StyleGAN2 and R3GAN pad it (Karras et al., 2020; Huang et al., 2024; Zhang,
/// "Making convolutional networks shift-invariant again", 2019).
template <class S = float>
class BlurDownsample : public internal::BlurResample<S> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "blur_downsample"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images of H x W x C, got ", input);
    return {input[0] / 2 + input[0] % 2, input[1] / 2 + input[1] % 2, input[2]};
  }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<BlurDownsample>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  /// Halves x.
  void apply(const Tensor<S>& x, Tensor<S>& y) const override { filter.halve(x, y); }
  /// The transpose of that, which enlarges dy.
  void apply_transposed(const Tensor<S>& dy, Tensor<S>& dx) const override { filter.spread(dy, dx); }

 private:
  static inline const internal::Filter121<S> filter{S(0.25), 0};
};

RIVAL_INSTANTIATE_CLASS(internal::BlurResample);
RIVAL_INSTANTIATE_CLASS(BlurUpsample);
RIVAL_INSTANTIATE_CLASS(BlurDownsample);

}  // namespace rival

namespace rival::recipes {

namespace internal {

/// x + f(x), f a bottleneck turned inside out: 1x1 to twice the channels, 3x3 in groups of 16 of them, 1x1 back.
template <class S>
Residual<S> r3gan_block(Index channels) {
  const Index wide = 2 * channels;
  return Residual<S>(Sequential<S>(Conv2d<S>({.in = channels, .out = wide, .kernel = 1}), LeakyReLU<S>(0.2),
                                   Conv2d<S>({.in = wide, .out = wide, .kernel = 3, .padding = 1, .groups = wide / 16}),
                                   LeakyReLU<S>(0.2),
                                   Conv2d<S>({.in = wide, .out = channels, .kernel = 1, .bias = false})));
}

/// He's initialisation scaled by the number of blocks to the power of -1/4, two layers of a block being scaled (Fixup:
/// Zhang, Dauphin and Ma, 2019), and every block's last convolution 0, so that each begins as the identity.
template <class S>
void initialise_r3gan(Network<S>& network, int blocks, const Random& random) {
  network.initialise(he<S>(0.2), random);
  for (auto* parameter : network.parameters()) {
    if (parameter->name.find(".main.") == std::string::npos || parameter->value.rank() < 2) continue;
    const bool last = parameter->name.ends_with(".conv3.weight");
    parameter->value.array() *= last ? S(0) : static_cast<S>(std::pow(blocks, -0.25));
  }
}

}  // namespace internal

/// Huang, Gokaslan, Kuleshov and Tompkin, "The GAN is dead; long live the GAN! A modern GAN baseline", 2024:
/// relativistic pairing with R1 and R2 on every step; no normalisation, no tricks: residual blocks, a learned constant
/// that the latent vector scales, [1,2,1] resampling; Adam with beta1 0; within the burn-in (here half of the run)
/// gamma falls to a tenth, beta2 rises from 0.9 to 0.99 and the learning rate falls to a quarter along cosines; one
/// samples from a moving average. Table 9, with fewer channels, and for a run of minutes a rate from 1e-3 (the paper's
/// from 2e-4) and gamma from 10. At 28 pixels from 7x7, else from 4x4, with one block a size.
///
/// The width must be a multiple of 8, as groups have 16 channels.
template <class S = float>
Recipe<S> r3gan(const RecipeOptions& o) {
  rival::internal::check(o);
  require(o.width % 8 == 0, "recipe: r3gan expects a width of a multiple of 8, got ", o.width);
  const Random random(o.seed);
  constexpr Index latent = 64;
  const ImageNetworkOptions network = rival::internal::network_of(o, 16);
  const auto block = [](Index channels) { return internal::r3gan_block<S>(channels); };
  const auto change = [](Index in, Index out) { return Conv2d<S>({.in = in, .out = out, .kernel = 1, .bias = false}); };
  // Down to 7 or 4 pixels, a block at each size.
  const Index smallest = network.size == 28 ? 7 : 4, widest = network.width * network.size / smallest;
  int blocks = 1;
  Sequential<S> up(Basis<S>({.in = latent, .shape = {smallest, smallest, widest}}), block(widest)), down;
  down.add(Conv2d<S>({.in = network.channels, .out = network.width, .kernel = 1})).add(block(network.width));
  for (Index side = smallest; side < network.size; side *= 2, ++blocks) {
    const Index wide = network.width * network.size / side;  // of the generator, which begins with few pixels
    up.add(change(wide, wide / 2)).add(BlurUpsample<S>()).add(block(wide / 2));
    const Index narrow = network.width * side / smallest;  // of the discriminator, which begins with many
    down.add(BlurDownsample<S>()).add(change(narrow, 2 * narrow)).add(block(2 * narrow));
  }
  up.add(Conv2d<S>({.in = network.width, .out = network.channels, .kernel = 1}));
  down.add(Conv2d<S>({.in = widest, .out = widest, .kernel = smallest, .bias = false, .groups = widest}));
  down.add(Flatten<S>()).add(Dense<S>({.in = widest, .out = 1, .bias = false}));
  Generator<S> generator(latent, std::move(up));
  Discriminator<S> discriminator(o.image, std::move(down));
  internal::initialise_r3gan(generator, blocks, random.stream("generator"));
  internal::initialise_r3gan(discriminator, blocks, random.stream("discriminator"));

  // Half of the run.
  const auto burn_in = [](double from, double to) {
    return over_run(
        [=](long steps) { return cosine_burn_in({.from = from, .to = to, .steps = std::max(1L, steps / 2)}); });
  };
  const Schedule gamma = burn_in(10, 1);
  const AdamOptions adam{
      .learning_rate = 1e-3, .beta1 = 0, .schedule = burn_in(1, 0.25), .beta2_schedule = burn_in(0.9, 0.99)};
  return {std::move(generator),
          std::move(discriminator),
          {.loss = relativistic_pairing<S>(),
           .batch = o.batch,
           .penalties = {r1(1, gamma), r2(1, gamma)},
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .average = MovingAverageOptions{.half_life = 500.0 * static_cast<double>(o.batch), .ramp_up = 0.05},
           .seed = o.seed}};
}

RIVAL_INSTANTIATE_FUNCTION(r3gan);

}  // namespace rival::recipes

// rival/gan/recipes/recipes.hpp
// All recipes, by name.

// rival/gan/recipes/unconditional.hpp
// Recipes of generators that take nothing but a latent vector. Networks are scaled to small images and a CPU; losses,
// optimisers and what keeps the discriminator in bounds are the papers'. Copy one and change it.

namespace rival::recipes {

/// Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville and Bengio, "Generative adversarial nets",
/// 2014: fully connected networks, ReLUs in the generator, dropout in the discriminator, the non-saturating loss. (With
/// leaky ReLUs in place of maxout, and Adam in place of 250 epochs of gradient descent with momentum.)
template <class S = float>
Recipe<S> gan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const Index pixels = o.image.size();
  Generator<S> generator(100, Sequential<S>(Dense<S>({.in = 100, .out = 600}), ReLU<S>(),   //
                                            Dense<S>({.in = 600, .out = 1200}), ReLU<S>(),  //
                                            Dense<S>({.in = 1200, .out = pixels}), Tanh<S>(), Reshape<S>(o.image)));
  Discriminator<S> discriminator(
      o.image, Sequential<S>(Flatten<S>(),                                                                        //
                             Dense<S>({.in = pixels, .out = 512}), LeakyReLU<S>(0.2), Dropout<S>({.rate = 0.5}),  //
                             Dense<S>({.in = 512, .out = 256}), LeakyReLU<S>(0.2), Dropout<S>({.rate = 0.5}),     //
                             Dense<S>({.in = 256, .out = 1})));
  generator.initialise(he<S>(), random);
  discriminator.initialise(he<S>(0.2), random);
  const AdamOptions adam{.learning_rate = 2e-4, .beta1 = 0.5};
  return {std::move(generator),
          std::move(discriminator),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Radford, Metz and Chintala, "Unsupervised representation learning with deep convolutional generative adversarial
/// networks", 2016: convolutions, batch norm in both networks, weights from N(0, 0.02), Adam with 2e-4 and beta1 0.5.
template <class S = float>
Recipe<S> dcgan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const AdamOptions adam{.learning_rate = 2e-4, .beta1 = 0.5};
  return {dcgan_generator<S>(random, rival::internal::network_of(o, 64)),
          dcgan_discriminator<S>(random, rival::internal::network_of(o, 64)),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Mao, Li, Xie, Lau, Wang and Smolley, "Least squares generative adversarial networks", 2017: DCGAN with the labels 0,
/// 1 and 1.
template <class S = float>
Recipe<S> lsgan(const RecipeOptions& o) {
  Recipe<S> recipe = dcgan<S>(o);
  recipe.options.loss = least_squares<S>();
  return recipe;
}

/// Arjovsky, Chintala and Bottou, "Wasserstein GAN", 2017: DCGAN whose discriminator scores without bounds, its weights
/// clipped to +-0.01, five of its steps for each of the generator's, RMSProp with 5e-5.
template <class S = float>
Recipe<S> wgan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const RmsPropOptions rmsprop{.learning_rate = 5e-5};
  return {dcgan_generator<S>(random, rival::internal::network_of(o, 64)),
          dcgan_discriminator<S>(random, rival::internal::network_of(o, 64)),
          {.loss = wasserstein<S>(),
           .batch = o.batch,
           .weight_clip = 0.01,
           .discriminator_steps = 5,
           .generator_optimizer = rmsprop,
           .discriminator_optimizer = rmsprop,
           .seed = o.seed}};
}

/// Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved training of Wasserstein GANs", 2017: the penalty with
/// lambda 10, no batch norm in the critic, five of its steps for each of the generator's, Adam with 1e-4, beta1 0.5 and
/// beta2 0.9. Residual networks, but for 28 pixels, where they are DCGAN's.
template <class S = float>
Recipe<S> wgan_gp(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const AdamOptions adam{.learning_rate = 1e-4, .beta1 = 0.5, .beta2 = 0.9};
  const ImageNetworkOptions network = rival::internal::network_of(o, 64);
  const bool small = network.size == 28;
  return {small ? dcgan_generator<S>(random, network) : resnet_generator<S>(random, network),
          small ? dcgan_critic<S>(random, network) : resnet_discriminator<S>(random, network, false),
          {.loss = wasserstein<S>(),
           .batch = o.batch,
           .penalties = {rival::wgan_gp(10)},
           .discriminator_steps = 5,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Kodali, Abernethy, Hays and Kira, "On convergence and stability of GANs", 2017: the non-saturating loss with a
/// penalty around the real samples, lambda 10, one step each, Adam with 1e-4, beta1 0.5 and beta2 0.9.
template <class S = float>
Recipe<S> dragan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const AdamOptions adam{.learning_rate = 1e-4, .beta1 = 0.5, .beta2 = 0.9};
  return {dcgan_generator<S>(random, rival::internal::network_of(o, 64)),
          dcgan_critic<S>(random, rival::internal::network_of(o, 64)),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .penalties = {rival::dragan(10)},
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

namespace internal {

/// A plain one for 28 pixels.
template <class S>
Discriminator<S> sngan28_discriminator(const Random& random, const ImageNetworkOptions& o) {
  const Index w = o.width;
  Discriminator<S> discriminator(
      o.image(),
      Sequential<S>(
          SpectralNorm(Conv2d<S>({.in = o.channels, .out = w, .kernel = 3, .padding = 1})), LeakyReLU<S>(0.1),
          SpectralNorm(Conv2d<S>({.in = w, .out = w, .kernel = 4, .stride = 2, .padding = 1})), LeakyReLU<S>(0.1),
          SpectralNorm(Conv2d<S>({.in = w, .out = 2 * w, .kernel = 4, .stride = 2, .padding = 1})), LeakyReLU<S>(0.1),
          SpectralNorm(Conv2d<S>({.in = 2 * w, .out = 4 * w, .kernel = 4, .stride = 2, .padding = 1})),
          LeakyReLU<S>(0.1), Flatten<S>(), SpectralNorm(Dense<S>({.in = 3 * 3 * 4 * w, .out = 1}))));
  discriminator.initialise(he<S>(0.1), random);
  return discriminator;
}

}  // namespace internal

/// Miyato, Kataoka, Koyama and Yoshida, "Spectral normalization for generative adversarial networks", 2018: every layer
/// of the discriminator normalised, the hinge loss, setting C of table 1 (Adam with 2e-4, beta1 0.5, beta2 0.999, one
/// step each). Residual networks, but for 28 pixels.
template <class S = float>
Recipe<S> sngan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const ImageNetworkOptions network = rival::internal::network_of(o, 64);
  const bool small = network.size == 28;
  const AdamOptions adam{.learning_rate = 2e-4, .beta1 = 0.5};
  return {small ? dcgan_generator<S>(random, network) : resnet_generator<S>(random, network),
          small ? internal::sngan28_discriminator<S>(random, network) : resnet_discriminator<S>(random, network, true),
          {.loss = hinge<S>(),
           .batch = o.batch,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

RIVAL_INSTANTIATE_FUNCTION(gan);
RIVAL_INSTANTIATE_FUNCTION(dcgan);
RIVAL_INSTANTIATE_FUNCTION(lsgan);
RIVAL_INSTANTIATE_FUNCTION(wgan);
RIVAL_INSTANTIATE_FUNCTION(wgan_gp);
RIVAL_INSTANTIATE_FUNCTION(dragan);
RIVAL_INSTANTIATE_FUNCTION(sngan);

}  // namespace rival::recipes

namespace rival {

/// A recipe for images, and how long it takes.
template <class S = float>
struct NamedRecipe {
  std::string_view name;                    ///< as a program's options have it, such as "wgan-gp"
  Recipe<S> (*make)(const RecipeOptions&);  ///< makes its networks and options
  // What a first good picture takes in some minutes on a CPU: papers train longer, on larger batches.
  Index epochs;  ///< over 60,000 images
  Index batch;   ///< images in a training step
};

/// All recipes for images, each once, the one to begin with first.
template <class S = float>
constexpr std::array<NamedRecipe<S>, 13> named_recipes() {
  using namespace recipes;
  return {{{"rpgan", rpgan<S>, 5, 16},
           {"gan", gan<S>, 10, 32},
           {"dcgan", dcgan<S>, 1, 32},
           {"lsgan", lsgan<S>, 1, 32},
           {"wgan", wgan<S>, 8, 32},
           {"wgan-gp", wgan_gp<S>, 5, 32},
           {"sngan", sngan<S>, 1, 32},
           {"dragan", dragan<S>, 2, 32},
           {"r3gan", r3gan<S>, 2, 32},
           {"cgan", cgan<S>, 10, 32},
           {"acgan", acgan<S>, 1, 32},
           {"projection", projection<S>, 2, 32},
           {"infogan", infogan<S>, 1, 32}}};
}

/// Throws Error, naming all recipes, when there is none of that name.
template <class S = float>
NamedRecipe<S> find_recipe(std::string_view name) {
  std::string all;
  for (const auto& recipe : named_recipes<S>()) {
    if (recipe.name == name) return recipe;
    all += (all.empty() ? "" : ", ") + std::string(recipe.name);
  }
  fail("recipe: expected one of ", all, ", got ", name);
}

}  // namespace rival

// rival/gan/recipes/semi_supervised.hpp
// The recipe for a classifier that learns from few labels, and from a generator.

#include <numeric>

// rival/layers/gaussian_noise.hpp
// GaussianNoise: adds normal noise to every element while training.

namespace rival {

/// How much noise a GaussianNoise adds.
struct GaussianNoiseOptions {
  double sigma = 0.1;  ///< the noise's deviation

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("sigma", o.sigma);
  }
};

/// Training: y = x + sigma e with e normal of deviation 1, drawn anew for every element. Evaluation: the identity. In
/// front of a discriminator's layers it blurs what real and generated samples differ in (Salimans, Goodfellow, Zaremba,
/// Cheung, Radford and Chen, "Improved techniques for training GANs", 2016).
///
/// The noise comes from the layer's own random stream. `forward` reads the stream where it stands; `commit` moves it
/// on.
template <class S = float>
class GaussianNoise : public Layer<S> {
 public:
  using Options = GaussianNoiseOptions;  ///< what it is made from
  /// Throws Error unless sigma is finite and >= 0.
  explicit GaussianNoise(const GaussianNoiseOptions& options = {})
      : options_(options), sigma_(static_cast<S>(options.sigma)) {
    require(options.sigma >= 0 && is_finite(sigma_), "gaussian_noise: expected a finite `sigma` >= 0, got ",
            options.sigma);
  }

  std::string_view kind() const override { return "gaussian_noise"; }
  std::string_view short_name() const override { return "noise"; }
  Description describe() const override { return rival::describe("gaussian_noise", options_); }
  bool gates_input() const override { return true; }
  Shape output_shape(const Shape& input) const override { return input; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = &x;
    trace.mode = pass.mode;
    if (!adds(trace)) {
      trace.output.alias(x, x.shape());
      return trace.output;
    }
    Random stream = stream_;
    stream.fill_normal(trace.save(0, x.shape()), S(0), sigma_);
    add_noise(x, trace, trace.output);
    return trace.output;
  }

  // The gradient is copied, since the caller reuses the memory of dy while it still reads dx.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    kernels::leaky_relu_gradient(trace.input->data(), dy.data(), dx->data(), dy.size(), pass.slope);
  }

  Curvature curvature() const override { return Curvature::linear; }

  /// What is added belongs to the affine map, not to that of tangents.
  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    if (pass.affine && adds(trace))
      add_noise(x_tangent, trace, trace.output_tangent);
    else
      trace.output_tangent.alias(x_tangent, x_tangent.shape());
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  void commit(const Trace<S>& trace) override {
    constexpr std::uint64_t per_block = 16 / sizeof(S);  // numbers that fill_normal makes of one block
    if (adds(trace)) stream_.skip((static_cast<std::uint64_t>(trace.output.size()) + per_block - 1) / per_block);
  }

  void collect(State<S>& state) override { state.streams.emplace_back(this->name(), &stream_); }
  void initialise(const Initialiser<S>&, const Random& random) override { stream_ = random.stream(this->name()); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<GaussianNoise>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  bool adds(const Trace<S>& trace) const { return trace.mode == Mode::train && sigma_ > S(0); }

  static void add_noise(const Tensor<S>& x, const Trace<S>& trace, Tensor<S>& y) {
    y.resize(x.shape());
    const S *from = x.data(), *noise = trace.saved[0].data();
    S* to = y.data();
    parallel_blocks(x.size(), kernels::element_block, static_cast<double>(x.size()), [=](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) to[i] = from[i] + noise[i];
    });
  }

  GaussianNoiseOptions options_;
  S sigma_;
  Random stream_;
};

RIVAL_INSTANTIATE_CLASS(GaussianNoise);

}  // namespace rival

// rival/layers/log_sum_exp.hpp
// LogSumExp: puts the logarithm of the sum of exponentials in front of the numbers that it is of.

namespace rival {

/// y = (log sum_k e^{x_k}, x_1, ..., x_K) for vectors x of K numbers: {N, K} becomes {N, 1 + K}.
///
/// At the end of a discriminator with K heads it makes one of a classifier: the x are the logits of K classes, that of
/// a further class, "generated", is fixed to 0, and y_0 is the logit of "not generated", sigmoid(y_0) = sum_k e^{x_k} /
/// (1
/// + sum_k e^{x_k}) (Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, "Improved techniques for training GANs",
/// 2016).
///
/// With p = softmax(x) and dy = (dy_0, dy_1, ..., dy_K):
///
/// backward:          dx = p dy_0 + (dy_1, ..., dy_K)
/// forward_tangent:   y' = (<p x'>, x'), where <.> is the sum over the K
/// backward_tangent:  dx' = p (x' - <p x'>) dy_0 + p dy_0' + (dy_1', ..., dy_K')
template <class S = float>
class LogSumExp : public Layer<S> {
 public:
  using Options = NoOptions;  ///< it has none

  std::string_view kind() const override { return "log_sum_exp"; }
  std::string_view short_name() const override { return "lse"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1, *this, ": expected vectors, got ", input);
    return {input[0] + 1};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    Tensor<S>& softmax = trace.save(saved_softmax, x.shape());
    for_rows(x, 20, [&](Index n, Index classes) {
      const S* in = x.data() + n * classes;
      S *p = softmax.data() + n * classes, *out = trace.output.data() + n * (classes + 1);
      const S largest = *std::max_element(in, in + classes);
      S sum = S(0);
      for (Index k = 0; k < classes; ++k) sum += p[k] = std::exp(in[k] - largest);
      const S factor = S(1) / sum;
      for (Index k = 0; k < classes; ++k) p[k] *= factor;
      out[0] = largest + std::log(sum);
      std::copy_n(in, classes, out + 1);
    });
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    const Tensor<S>& softmax = trace.saved[saved_softmax];
    for_rows(*dx, 3, [&](Index n, Index classes) {
      const S *p = softmax.data() + n * classes, *d = dy.data() + n * (classes + 1);
      for (Index k = 0; k < classes; ++k) (*dx)[n * classes + k] = p[k] * d[0] + d[1 + k];
    });
  }

  Curvature curvature() const override { return Curvature::curved; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(trace.output.shape());
    const Tensor<S>& softmax = trace.saved[saved_softmax];
    for_rows(x_tangent, 3, [&](Index n, Index classes) {
      const S *p = softmax.data() + n * classes, *x = x_tangent.data() + n * classes;
      S* out = trace.output_tangent.data() + n * (classes + 1);
      out[0] = S(0);
      for (Index k = 0; k < classes; ++k) out[0] += p[k] * x[k];
      std::copy_n(x, classes, out + 1);
    });
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    if (dx_tangent == nullptr) return;
    dx_tangent->resize(trace.input->shape());
    const Tensor<S>& softmax = trace.saved[saved_softmax];
    for_rows(*dx_tangent, 6, [&](Index n, Index classes) {
      const S *p = softmax.data() + n * classes, *x = trace.input_tangent->data() + n * classes;
      const S first = dy[n * (classes + 1)], mean = trace.output_tangent[n * (classes + 1)];
      S* out = dx_tangent->data() + n * classes;
      for (Index k = 0; k < classes; ++k) out[k] = p[k] * (x[k] - mean) * first;
      if (dy_tangent == nullptr) return;
      const S* d = dy_tangent->data() + n * (classes + 1);
      for (Index k = 0; k < classes; ++k) out[k] += p[k] * d[0] + d[1 + k];
    });
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<LogSumExp>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static constexpr std::size_t saved_softmax = 0;  // the place in Trace::saved

  /// body(row, K) for each row of `x` {N, K}.
  template <class Body>
  static void for_rows(const Tensor<S>& x, double cost, const Body& body) {
    const Index classes = x.cols();
    parallel_blocks(x.rows(), std::max<Index>(1, 4096 / classes), cost * static_cast<double>(x.size()),
                    [&](Index begin, Index end) {
                      for (Index n = begin; n < end; ++n) body(n, classes);
                    });
  }
};

RIVAL_INSTANTIATE_CLASS(LogSumExp);

}  // namespace rival

// rival/layers/weight_norm.hpp
// WeightNorm: a layer whose weights are learnt as directions and lengths.

namespace rival {

/// What a WeightNorm does beside its layer.
struct WeightNormOptions {
  /// Whether the lengths are learnt. If not they stay as `initialise` or `normalise_outputs` leaves them: training then
  /// turns weights, and never makes them larger.
  bool learn_lengths = true;

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("learn_lengths", o.learn_lengths);
  }
};

/// The layer L (dense, convolution, transposed convolution) with W = g v / |v| in place of its weight, where |v| is the
/// length of each output channel's numbers in v, of W's shape, and g has one number for each (Salimans and Kingma,
/// "Weight normalization: a simple reparameterization to accelerate training of deep neural networks", 2016):
///
///     WeightNorm(Conv2d({.in = 64, .out = 128}))
///
/// v is drawn as L's weight would be, and g = |v|, so that W = v at first. With G the gradient with respect to W and
/// `<.>` the sum over an output channel's numbers:
///
///     dg = <G v> / |v|,  dv = g / |v| (G - v <G v> / |v|^2)
///
/// In files learnt g and v are PyTorch's weight_g and weight_v; of transposed convolutions those of its dim = 1, as
/// lengths are the output channels' here. Where v is all zeros, W is too.
template <PlainWeighted L>
class WeightNorm : public L {
 public:
  static constexpr bool wrapped = true;  ///< no second wrapper goes around it
  using S = typename L::Scalar;          ///< of the layer within

  /// Around that layer, from whose weight v and g are taken: the product stays what it was.
  explicit WeightNorm(const L& layer, const WeightNormOptions& options = {})
      : L(layer),
        options_(options),
        kind_("weight_norm " + std::string(layer.kind())),
        short_name_(layer.short_name()) {
    const Parameter<S>& v = this->weight();
    Shape lengths;
    for (Index axis = 0; axis + 1 < v.value.rank(); ++axis) lengths.push_back(1);
    lengths.push_back(v.value.cols());
    if (options.learn_lengths) {
      learnt_ = {"weight_g", lengths};
      learnt_.axes = v.axes;
    } else {
      fixed_ = {"weight_g", Tensor<S>(lengths)};
    }
    lengths_of(v.value, this->lengths().data());
  }

  /// "weight_norm" and L's kind.
  std::string_view kind() const override { return kind_; }
  /// Of L: normalised or not, the first convolution is "conv1".
  std::string_view short_name() const override { return short_name_; }
  /// L's description within.
  Description describe() const override {
    return internal::describe_around(rival::describe("weight_norm", options_), L::describe());
  }

  /// The lengths g, {1, ..., out}. The directions v are `weight()`.
  Tensor<S>& lengths() { return options_.learn_lengths ? learnt_.value : fixed_.value; }
  /// The same, to be read only.
  const Tensor<S>& lengths() const { return options_.learn_lengths ? learnt_.value : fixed_.value; }

  /// The lengths, learnt or fixed, and what L has.
  void collect(State<S>& state) override {
    if (options_.learn_lengths)
      state.parameters.push_back(&learnt_);
    else
      state.buffers.push_back(&fixed_);
    L::collect(state);
  }
  /// v from the initialiser, g = |v|, biases 0.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    L::initialise(weights, random);
    lengths_of(this->weight().value, lengths().data());
  }

  /// Sets g and b so that over these inputs {N, ...} every output channel has mean 0 and deviation 1 (the paper's
  /// data-dependent initialisation). A channel that is the same for all of them gets mean 0 alone. Throws Error without
  /// a bias, and for inputs that the layer does not take.
  void normalise_outputs(const Tensor<S>& x) {
    Parameter<S>& bias = this->bias();
    require(!bias.value.empty(), *this, ": expected a bias, to make its outputs' means 0; got none");
    require(x.rank() >= 1 && x.dim(0) >= 1, *this, ": expected a batch, got ", x.shape());
    Trace<S> trace;
    const Tensor<S>& y = this->forward(x, trace, {});
    for (Index c = 0; c < y.cols(); ++c) {
      const auto outputs = y.matrix().col(c).array();
      const S mean = outputs.mean(), deviation = std::sqrt((outputs - mean).square().mean());
      const S scale = deviation > S(0) ? S(1) / deviation : S(1);
      lengths()[c] *= scale;
      bias.value[c] = (bias.value[c] - mean) * scale;
    }
  }

  /// A copy with parameters of its own.
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<WeightNorm>(*this); }
  /// Takes over all of another layer of this kind, g too.
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  /// Names v "weight_v" and g "weight_g".
  void set_name(const std::string& name) override {
    L::set_name(name);
    this->weight().name = name + ".weight_v";
    learnt_.name = fixed_.name = name + ".weight_g";
  }

 protected:
  /// W = g v / |v|, kept in the trace.
  const Tensor<S>& make_weight(Trace<S>& trace, Mode) const override {
    const Tensor<S>& v = this->weight().value;
    Tensor<S>& inverse = trace.save(saved_inverse, {v.cols()});
    lengths_of(v, inverse.data());
    for (Index c = 0; c < v.cols(); ++c) inverse[c] = inverse[c] > S(0) ? S(1) / inverse[c] : S(0);
    Tensor<S>& w = trace.save(saved_weight, v.shape());
    for_rows(v, [&](Index r) { row(w, r) = row(v, r) * (lengths().array() * inverse.array()); });
    return w;
  }
  /// The one of that trace's forward pass.
  const Tensor<S>& made_weight(const Trace<S>& trace) const override { return trace.saved[saved_weight]; }

  /// Where the gradient with respect to W is added, set to zero.
  Tensor<S>& weight_gradient(Trace<S>& trace) override {
    Tensor<S>& gradient = trace.save(saved_gradient, this->weight().value.shape());
    gradient.fill(S(0));
    return gradient;
  }
  /// Adds dg and dv, as they follow from that gradient.
  void finish_weight_gradient(Trace<S>& trace) override {
    const Tensor<S>&gradient = trace.saved[saved_gradient], &v = this->weight().value;
    const auto inverse = trace.saved[saved_inverse].array();
    Tensor<S>& along = trace.save(saved_along, {v.cols()});  // <G v> / |v|
    sum_columns(v, along.data(),
                [&](Index at, Index count) { return piece(gradient, at, count) * piece(v, at, count); });
    along.array() *= inverse;
    if (options_.learn_lengths) learnt_.grad.array() += along.array();
    Tensor<S>& dv = this->weight().grad;
    for_rows(v, [&](Index r) {
      row(dv, r) += (lengths().array() * inverse) * (row(gradient, r) - row(v, r) * (along.array() * inverse));
    });
  }

 private:
  // The places in Trace::saved.
  static constexpr std::size_t saved_weight = L::first_place, saved_inverse = saved_weight + 1,
                               saved_gradient = saved_weight + 2, saved_along = saved_weight + 3;

  static ArrayMap<S> row(Tensor<S>& x, Index r) { return {x.data() + r * x.cols(), x.cols()}; }
  static ConstArrayMap<S> row(const Tensor<S>& x, Index r) { return {x.data() + r * x.cols(), x.cols()}; }
  static kernels::internal::RowPiece<S> piece(const Tensor<S>& x, Index at, Index count) {
    return {x.data() + at, count};
  }

  template <class Body>
  static void for_rows(const Tensor<S>& v, const Body& body) {
    parallel_blocks(v.rows(), std::max<Index>(1, 4096 / v.cols()), 2.0 * static_cast<double>(v.size()),
                    [&](Index begin, Index end) {
                      for (Index r = begin; r < end; ++r) body(r);
                    });
  }

  /// sums[c] = sum over rows of term[row, c], where term(at, count) are `count` of the elements from `at` on.
  template <class Term>
  static void sum_columns(const Tensor<S>& v, S* sums, const Term& term) {
    using namespace kernels::internal;
    const Index rows = v.rows(), cols = v.cols();
    S* partial = scratch<S>(Scratch::partial_sums, row_blocks(rows) * cols);
    for_each_block(rows, cols, [&](Index block, Index first, Index last, Index column, Index count) {
      RowSums<S> sum = RowSums<S>::Zero(count);
      for (Index r = first; r < last; ++r) sum += term(r * cols + column, count);
      RowPieceMap<S>(partial + block * cols + column, count) = sum;
    });
    std::fill_n(sums, cols, S(0));
    add_blocks(row_blocks(rows), cols, partial, sums);
  }
  static void lengths_of(const Tensor<S>& v, S* lengths) {
    sum_columns(v, lengths, [&](Index at, Index count) { return piece(v, at, count).square(); });
    for (Index c = 0; c < v.cols(); ++c) lengths[c] = std::sqrt(lengths[c]);
  }

  WeightNormOptions options_;
  std::string kind_, short_name_;
  Parameter<S> learnt_;  // the lengths, if they are,
  Buffer<S> fixed_;      // or if they are not
};

RIVAL_INSTANTIATE_FLOAT(class WeightNorm<Conv1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class WeightNorm<Conv1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class WeightNorm<Conv2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class WeightNorm<Conv2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class WeightNorm<ConvTranspose1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class WeightNorm<ConvTranspose1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class WeightNorm<ConvTranspose2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class WeightNorm<ConvTranspose2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class WeightNorm<Dense<float>>);
RIVAL_INSTANTIATE_DOUBLE(class WeightNorm<Dense<double>>);

}  // namespace rival

// rival/train/classifier.hpp
// Classifier: samples in, a logit for each class out.

namespace rival {

/// A network that scores each sample of a batch with one logit a class: their softmax is the probability of the class.
///
///     rival::Classifier<> classifier = rival::load_classifier("classifier.safetensors");
///     const rival::Tensor<float> logits = classifier.logits(samples);      // {N, classes}
///     const rival::Tensor<float> features = classifier.features(samples);  // {N, features}
template <class S = float>
class Classifier : public Network<S> {
 public:
  /// `sample` is the shape of one sample, such as {28, 28, 1}. Throws Error when the layers do not fit it or each
  /// other, or do not end in a vector of at least two logits.
  Classifier(const Shape& sample, Sequential<S> layers, const std::string& name = "C")
      : Network<S>(name, sample, std::move(layers)) {
    const Shape out = this->output_shape();
    require(out.rank() == 1 && out.size() >= 2 && out.size() <= most_classes, "classifier \"", this->name(),
            "\": expected 2 to ", most_classes, " logits a sample, got ", out);
    classes_ = out.size();
  }

  /// Number of classes, each with a logit.
  Index classes() const { return classes_; }

  /// The logits {N, classes} of samples {N, ...} in evaluation mode, N >= 1. Throws Error for samples of another shape.
  Tensor<S> logits(const Tensor<S>& samples) const {
    check(samples);
    Tensor<S> all({samples.dim(0), classes_});
    internal::infer_in_parts(*this, samples, {}, [&](Index first, const Tensor<S>& part, const Trace<S>&) {
      std::copy_n(part.data(), part.size(), all.data() + first * classes_);
    });
    return all;
  }

  /// What the last dense layer of the stack itself, not of one within it, reads of each sample, in evaluation mode: {N,
  /// features}, by which samples are compared (Heusel et al., 2017). Throws Error for samples of another shape, and for
  /// a stack without a dense layer.
  Tensor<S> features(const Tensor<S>& samples) const { return features_and_logits(samples).first; }

  /// Both, of one pass.
  std::pair<Tensor<S>, Tensor<S>> features_and_logits(const Tensor<S>& samples) const {
    check(samples);
    const Index count = layers_below_last_dense();
    Shape shape = this->input_shape();
    for (Index i = 0; i < count; ++i) shape = this->layers()[i].output_shape(shape);
    const Index size = shape.size();
    Tensor<S> features({samples.dim(0), size}), logits({samples.dim(0), classes_});
    if (count == 0) std::copy_n(samples.data(), samples.size(), features.data());
    internal::infer_in_parts(*this, samples, {}, [&](Index first, const Tensor<S>& made, const Trace<S>& trace) {
      std::copy_n(made.data(), made.size(), logits.data() + first * classes_);
      if (count == 0) return;
      const Tensor<S>& part = trace.children[static_cast<std::size_t>(count - 1)].output;
      std::copy_n(part.data(), part.size(), features.data() + first * size);
    });
    return {std::move(features), std::move(logits)};
  }

 private:
  void check(const Tensor<S>& samples) const {
    const Shape& shape = samples.shape();
    require(shape.rank() >= 1 && shape[0] >= 1 && shape.sample() == this->input_shape(), "classifier \"", this->name(),
            "\": expected samples of ", this->input_shape(), ", got ", shape);
  }

  // A layer around a dense one, such as spectral norm, reads what it reads.
  static bool is_dense(const Description& layer) {
    return layer.kind == "dense" || (layer.layers.size() == 1 && is_dense(layer.layers[0]));
  }
  Index layers_below_last_dense() const {
    for (Index i = this->layers().size(); i-- > 0;)
      if (is_dense(this->layers()[i].describe())) return i;
    fail("classifier \"", this->name(),
         "\": expected a dense layer, not within another stack, whose input are the features; got none");
  }

  Index classes_;
};

RIVAL_INSTANTIATE_CLASS(Classifier);

}  // namespace rival

namespace rival {

namespace internal {

/// Sets lengths and biases of the weight norms around dense layers, from the first to the last, so that on these
/// samples every output has mean 0 and deviation 1.
template <class S>
void normalise_outputs(Sequential<S>& layers, const Tensor<S>& samples) {
  std::vector<Trace<S>> traces(static_cast<std::size_t>(layers.size()));
  const Tensor<S>* x = &samples;
  for (Index i = 0; i < layers.size(); ++i) {
    if (auto* dense = dynamic_cast<WeightNorm<Dense<S>>*>(&layers[i])) dense->normalise_outputs(*x);
    x = &layers[i].forward(*x, traces[static_cast<std::size_t>(i)], {});
  }
}

}  // namespace internal

/// The classifier within a discriminator that ends in LogSumExp: its layers but that one, copied. Throws Error for
/// another discriminator.
template <class S>
Classifier<S> classifier_within(const Discriminator<S>& discriminator) {
  const Sequential<S>& all = discriminator.layers();
  const bool fits = all.size() > 0 && all[all.size() - 1].kind() == "log_sum_exp";
  require(fits, "discriminator \"", discriminator.name(), "\": expected log_sum_exp as its last layer, behind a ",
          "classifier's logits");
  Sequential<S> layers;
  for (Index i = 0; i + 1 < all.size(); ++i) layers.add(all[i].clone());
  return Classifier<S>(discriminator.input_shape(), std::move(layers));
}

namespace recipes {

/// Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, "Improved techniques for training GANs", 2016, section 5.1,
/// as their program for MNIST has it: a discriminator that is a classifier with one further class, "generated", in
/// front of each of whose dense layers there is noise; weight norm in it, set by a batch of labelled samples at first;
/// a generator that matches the mean features of its last hidden layer; Adam with 3e-3, constant for two thirds of the
/// run, then falling to 0. The labelled samples weigh twice as much as the others. Samples go from 0 to 1: what is 0
/// moves no weight, as most of a digit's pixels are.
///
///   auto recipe = recipes::semi_supervised({.batch = 100, .seed = 7}, labelled);
///   AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
///   trainer.fit(unlabelled, {.epochs = 100});
///   const auto errors = evaluate(classifier_within(recipe.discriminator), test);
template <class S = float>
Recipe<S> semi_supervised(const RecipeOptions& o, const Dataset& labelled) {
  rival::internal::check(o);
  require(labelled.has_labels() && labelled.sample_shape() == o.image, "semi_supervised: expected labelled samples of ",
          o.image, ", got samples of ", labelled.sample_shape(), labelled.has_labels() ? "" : " without labels");
  const Random random(o.seed);
  const Index pixels = o.image.size(), latent = 100, classes = labelled.classes();
  const Index width = o.width > 0 ? o.width : 1000, half = std::max<Index>(1, width / 2),
              quarter = std::max<Index>(1, width / 4);
  Sequential<S> made(Dense<S>({.in = latent, .out = half, .bias = false}), BatchNorm<S>({.features = half}),
                     Softplus<S>(), Dense<S>({.in = half, .out = half, .bias = false}),
                     BatchNorm<S>({.features = half}), Softplus<S>(), WeightNorm(Dense<S>({.in = half, .out = pixels})),
                     Sigmoid<S>(), Reshape<S>(o.image));
  Generator<S> generator(latent, std::move(made));
  generator.initialise(glorot<S>(), random);

  Sequential<S> layers(Flatten<S>(), GaussianNoise<S>({.sigma = 0.3}));
  Index in = pixels;
  for (const Index out : {width, half, quarter, quarter, quarter}) {
    layers.add(WeightNorm(Dense<S>({.in = in, .out = out}), {.learn_lengths = false}))
        .add(ReLU<S>())
        .add(GaussianNoise<S>({.sigma = 0.5}));
    in = out;
  }
  const Index features = layers.size() - 1;  // before the last noise
  layers.add(WeightNorm(Dense<S>({.in = in, .out = classes}))).add(LogSumExp<S>());
  Discriminator<S> discriminator(o.image, std::move(layers), "D", classes);
  discriminator.initialise(normal<S>(0, 0.1), random);
  std::vector<Index> first(static_cast<std::size_t>(std::min<Index>(labelled.size(), 500)));
  std::iota(first.begin(), first.end(), Index{0});
  Tensor<S> samples;
  labelled.gather(first, samples);
  require(samples.array().minCoeff() >= S(0) && samples.array().maxCoeff() <= S(1),
          "semi_supervised: expected samples from 0 to 1, got numbers from ", samples.array().minCoeff(), " to ",
          samples.array().maxCoeff(), "; bytes become such by Transform{255}");
  rival::internal::normalise_outputs(discriminator.layers(), samples);

  const AdamOptions adam{
      .learning_rate = 3e-3, .beta1 = 0.5, .schedule = over_run([](long steps) {
                                             return linear_decay({.steps = steps, .start = 2 * (steps / 3)});
                                           })};
  return {std::move(generator),
          std::move(discriminator),
          {.batch = o.batch,
           .auxiliary = classification<S>(2),
           .labelled = LabelledSamples{labelled, std::min(o.batch, labelled.size())},
           .feature_matching = features,
           .draw_latent = LatentLaw<S>(latent),
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

}  // namespace recipes

}  // namespace rival

// rival/gan/recipes/text.hpp
// Recipes for lines of text.

// rival/gan/text_networks.hpp
// Ready networks for lines of text: a generator whose last axis is a choice of one symbol, and a critic that mirrors
// it.

// rival/layers/softmax.hpp
// Softmax: the numbers of the last axis as probabilities of one choice among them, or as a draw of it.

namespace rival {

/// How sharp a Softmax is, and whether it draws.
struct SoftmaxOptions {
  double temperature = 1;         ///< towards 0 the largest takes all, towards infinity all are equal
  bool gumbel = false;            ///< training adds Gumbel noise: the outputs are soft draws
  bool straight_through = false;  ///< training puts out the largest as 1 and the others as 0

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("temperature", o.temperature);
    f("gumbel", o.gumbel);
    f("straight_through", o.straight_through);
  }
};

/// p = e^z / sum of e^z over the last axis, with z = (x + g) / temperature; g is 0, or with `gumbel`, while training,
/// -log(-log u) of uniform numbers u, one for each of x, which makes p a soft draw of the choice whose probabilities
/// are the softmax of x (Jang, Gu and Poole, "Categorical reparameterization with Gumbel-softmax", 2017; Maddison, Mnih
/// and Teh, 2017). The output y is p. With `straight_through`, while training, it is 1 where p is largest (the first,
/// of equals) and 0 elsewhere, and gradients go through as if it were p (Bengio, Leonard and Courville, 2013).
///
/// Evaluation is a pure function: y = e^(x / temperature) / sum, without noise and never hardened, whatever the
/// options. Who wants one choice takes the largest, or draws by these probabilities; a generator samples more boldly or
/// more carefully after `set_temperature`. Hard draws with Gumbel noise follow the softmax of x whatever the
/// temperature in training was: evaluation has the same law at temperature 1.
///
/// The noise comes from the layer's own random stream: `forward` reads it where it stands, `commit` moves it on.
///
///     backward:          dx = p (dy - <p dy>) / temperature, where <.> is the sum over the axis
///     forward_tangent:   y' = p (x' - <p x'>) / temperature
///     backward_tangent:  dx' = (p' (dy - <p dy>) + p (dy' - <p' dy> - <p dy'>)) / temperature
///
/// There are none of the last two with `straight_through`, whose output is a step: it belongs into generators.
template <class S = float>
class Softmax : public Layer<S> {
 public:
  using Options = SoftmaxOptions;  ///< what it is made from
  /// Throws Error unless the temperature is positive and finite.
  explicit Softmax(const SoftmaxOptions& options = {}) : options_(options) { set_temperature(options.temperature); }

  std::string_view kind() const override { return "softmax"; }
  Description describe() const override { return rival::describe("softmax", options_); }
  /// The options that it was made with, with the temperature of the moment.
  const SoftmaxOptions& options() const { return options_; }

  /// Throws Error unless it is positive and finite.
  void set_temperature(double temperature) {
    const S inverse = static_cast<S>(1 / temperature);
    require(temperature > 0 && inverse > S(0) && is_finite(inverse),
            "softmax: expected a positive, finite `temperature`, got ", temperature);
    inverse_ = inverse;
    options_.temperature = temperature;
  }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1 && input.back() > 0, *this, ": expected samples with a last axis, got ", input);
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    output_shape(x.shape().sample());
    trace.input = &x;
    trace.mode = pass.mode;
    trace.output.resize(x.shape());
    Tensor<S>& p = hardens(trace) ? trace.save(saved_soft, x.shape()) : trace.output;
    Tensor<S>* noise = nullptr;
    if (draws(trace)) {
      noise = &trace.save(saved_noise, x.shape());
      Random stream = stream_;
      stream.fill_uniform(*noise, smallest, S(1));
    }
    const Index cols = x.cols();
    for_blocks(x, 40, [&](Index begin, Index end) {
      if (noise)
        kernels::internal::map_range(
            begin, end, [](const auto& x_, const auto& u_) { return x_ - (-u_.log()).log(); }, p.data(), x.data(),
            noise->data());
      const S* z = noise ? p.data() : x.data();
      for (Index i = begin; i < end; i += cols) {
        const S largest = *std::max_element(z + i, z + i + cols);
        for (Index k = i; k < i + cols; ++k) p[k] = inverse_ * (z[k] - largest);
      }
      kernels::internal::map_range(
          begin, end, [](const auto& z_) { return z_.exp(); }, p.data(), p.data());
      for (Index i = begin; i < end; i += cols) {
        S sum = S(0);
        for (Index k = i; k < i + cols; ++k) sum += p[k];
        const S factor = S(1) / sum;
        for (Index k = i; k < i + cols; ++k) p[k] *= factor;
        if (&p != &trace.output) harden(p.data() + i, cols, trace.output.data() + i);
      }
    });
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    project(soft(trace), dy, *dx);
  }

  Curvature curvature() const override {
    require(!options_.straight_through, *this, ": has no tangents with `straight_through`, whose output is a step");
    return Curvature::curved;
  }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    curvature();
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(x_tangent.shape());
    project(soft(trace), x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    if (dx_tangent == nullptr) return;
    dx_tangent->resize(dy.shape());
    const Tensor<S>&p = soft(trace), &p_tangent = trace.output_tangent;
    const Index cols = dy.cols();
    for_blocks(dy, 8, [&](Index begin, Index end) {
      for (Index i = begin; i < end; i += cols) {
        S mean = S(0), bend = S(0);
        for (Index k = i; k < i + cols; ++k) {
          mean += p[k] * dy[k];
          bend += p_tangent[k] * dy[k] + (dy_tangent ? p[k] * (*dy_tangent)[k] : S(0));
        }
        for (Index k = i; k < i + cols; ++k)
          (*dx_tangent)[k] =
              inverse_ * (p_tangent[k] * (dy[k] - mean) + p[k] * ((dy_tangent ? (*dy_tangent)[k] : S(0)) - bend));
      }
    });
  }

  void commit(const Trace<S>& trace) override {
    constexpr std::uint64_t per_block = 16 / sizeof(S);  // numbers that fill_uniform makes of one block
    if (draws(trace)) stream_.skip((static_cast<std::uint64_t>(trace.output.size()) + per_block - 1) / per_block);
  }

  /// The stream, with `gumbel`.
  void collect(State<S>& state) override {
    if (options_.gumbel) state.streams.emplace_back(this->name(), &stream_);
  }
  void initialise(const Initialiser<S>&, const Random& random) override { stream_ = random.stream(this->name()); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Softmax>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static constexpr std::size_t saved_noise = 0, saved_soft = 1;
  static constexpr S smallest = S(0x1p-30);  // of u, whose logarithm is taken

  bool draws(const Trace<S>& trace) const { return trace.mode == Mode::train && options_.gumbel; }
  bool hardens(const Trace<S>& trace) const { return trace.mode == Mode::train && options_.straight_through; }
  const Tensor<S>& soft(const Trace<S>& trace) const { return hardens(trace) ? trace.saved[saved_soft] : trace.output; }

  /// Rows in blocks of some thousand elements: body(begin, end) of elements.
  template <class Body>
  static void for_blocks(const Tensor<S>& x, double cost, const Body& body) {
    const Index cols = x.cols(), rows = std::max<Index>(1, 4096 / cols);
    parallel_blocks(x.rows(), rows, cost * static_cast<double>(x.size()),
                    [&](Index first, Index last) { body(first * cols, last * cols); });
  }

  /// to = p (v - <p v>) / temperature: the derivative along v, and, being symmetric, the gradient too.
  void project(const Tensor<S>& p, const Tensor<S>& v, Tensor<S>& to) const {
    const Index cols = v.cols();
    for_blocks(v, 4, [&](Index begin, Index end) {
      for (Index i = begin; i < end; i += cols) {
        S mean = S(0);
        for (Index k = i; k < i + cols; ++k) mean += p[k] * v[k];
        for (Index k = i; k < i + cols; ++k) to[k] = inverse_ * p[k] * (v[k] - mean);
      }
    });
  }

  /// 1 in the place of the largest; NaN stays NaN, or a generator that is lost would look well.
  static void harden(const S* p, Index cols, S* y) {
    std::fill(y, y + cols, S(0));
    const Index place = std::max_element(p, p + cols) - p;
    y[place] = p[place] / p[place];
  }

  SoftmaxOptions options_;
  S inverse_ = S(1);  // of the temperature
  Random stream_;
};

RIVAL_INSTANTIATE_CLASS(Softmax);

}  // namespace rival

namespace rival {

/// The size of a network for lines.
struct TextNetworkOptions {
  Index length = 32;    ///< symbols in a line
  Index symbols = 0;    ///< that there are, padding counted
  Index width = 64;     ///< channels
  Index blocks = 5;     ///< residual ones
  Index latent = 128;   ///< numbers in the generator's latent vector
  Index classes = 0;    ///< 0: networks take no labels
  Index features = 16;  ///< numbers that tell the generator a class
};

namespace internal {

/// x + f(x): ReLU, convolution, ReLU, convolution, both of 5 symbols.
template <class S>
Residual<S> text_block(Index width) {
  const Conv1dOptions same{.in = width, .out = width, .kernel = 5, .padding = 2};
  return Residual<S>(Sequential<S>(ReLU<S>(), Conv1d<S>(same), ReLU<S>(), Conv1d<S>(same)));
}

/// He's weights, those of each block's second convolution times 0.3, the share that Gulrajani et al. give to a block.
template <class S>
void initialise_text(Network<S>& network, const Random& random) {
  network.initialise(he<S>(), random);
  for (auto* parameter : network.parameters())
    if (parameter->name.ends_with(".main.conv2.weight")) parameter->value.array() *= S(0.3);
}

}  // namespace internal

/// A dense layer to `length` places of `width` channels, residual blocks of convolutions over 5 places, and at each
/// place a softmax over the symbols (the character network of Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville,
/// "Improved training of Wasserstein GANs", 2017).
template <class S = float>
Generator<S> text_generator(const Random& random, const TextNetworkOptions& o, const SoftmaxOptions& softmax = {}) {
  Sequential<S> layers;
  if (o.classes > 0) layers.add(Embedding<S>({.classes = o.classes, .features = o.features}));
  layers.add(Dense<S>({.in = o.latent + (o.classes > 0 ? o.features : 0), .out = o.length * o.width}));
  layers.add(Reshape<S>({o.length, o.width}));
  for (Index i = 0; i < o.blocks; ++i) layers.add(internal::text_block<S>(o.width));
  layers.add(Conv1d<S>({.in = o.width, .out = o.symbols, .kernel = 1})).add(Softmax<S>(softmax));
  Generator<S> generator(o.latent, std::move(layers));
  internal::initialise_text(generator, random);
  return generator;
}

/// The mirror image: from symbols to `width` channels, residual blocks, a dense layer to one score; with classes to one
/// score each and how real the line is (`Projection`).
template <class S = float>
Discriminator<S> text_critic(const Random& random, const TextNetworkOptions& o) {
  Sequential<S> layers(Conv1d<S>({.in = o.symbols, .out = o.width, .kernel = 1}));
  for (Index i = 0; i < o.blocks; ++i) layers.add(internal::text_block<S>(o.width));
  layers.add(Flatten<S>()).add(Dense<S>({.in = o.length * o.width, .out = 1 + o.classes}));
  if (o.classes > 0) layers.add(Projection<S>({.classes = o.classes}));
  Discriminator<S> critic({o.length, o.symbols}, std::move(layers));
  internal::initialise_text(critic, random);
  return critic;
}

}  // namespace rival

namespace rival {

/// What a recipe for text is told. The lines are those of a data set of samples {length, symbols}, as `read_text`
/// gives.
struct TextRecipeOptions {
  Index length = 32;       ///< places in a line
  Index symbols = 0;       ///< padding counted
  Index classes = 0;       ///< of the lines; 0: without
  Index batch = 64;        ///< lines in a training step
  Index width = 0;         ///< channels of both networks; 0: the recipe's own
  std::uint64_t seed = 0;  ///< of the weights and of the training
};

namespace internal {

/// Throws Error for options out of range. `own` is the recipe's width.
inline TextNetworkOptions text_network_of(const TextRecipeOptions& o, Index own) {
  require(o.length >= 1 && o.symbols >= 2, "text recipe: expected lines of at least 1 place and 2 symbols, got ",
          o.length, " and ", o.symbols);
  require(o.classes >= 0 && o.classes <= most_classes, "text recipe: expected classes from 0 to ", most_classes,
          ", got ", o.classes);
  require(o.batch >= 1, "text recipe: expected a batch of at least 1, got ", o.batch);
  require(o.width >= 0 && o.width <= 4096, "text recipe: expected a width from 0 to 4096, got ", o.width);
  return {.length = o.length, .symbols = o.symbols, .width = o.width > 0 ? o.width : own, .classes = o.classes};
}

}  // namespace internal

namespace recipes {

/// Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved training of Wasserstein GANs", 2017, section 5.4: the
/// critic sees one-hot lines and softmax outputs as they are; Wasserstein loss, lambda 10, Adam with 1e-4, beta1 0.5
/// and beta2 0.9, and ten of the critic's steps for each of the generator's. With 64 channels in place of 512.
template <class S = float>
Recipe<S> text_wgan_gp(const TextRecipeOptions& o) {
  const TextNetworkOptions network = rival::internal::text_network_of(o, 64);
  const Random random(o.seed);
  const AdamOptions adam{.learning_rate = 1e-4, .beta1 = 0.5, .beta2 = 0.9};
  return {text_generator<S>(random.stream("generator"), network),
          text_critic<S>(random.stream("critic"), network),
          {.loss = wasserstein<S>(),
           .batch = o.batch,
           .penalties = {rival::wgan_gp(10)},
           .labels = o.classes > 0 ? LabelSource::data : LabelSource::none,
           .discriminator_steps = 10,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Relativistic pairing with R1 and R2 (as `rpgan`) on smaller networks of the same kind, for a run of minutes. The
/// critic never sees anything but whole symbols: the generator's are drawn with Gumbel noise, hard, and the gradient
/// goes through as if they were soft (Jang, Gu and Poole, 2017). Else the critic tells the two apart by softness alone,
/// and the generator learns to be sure before it learns to spell. Both are of as few blocks as see a whole line.
template <class S = float>
Recipe<S> text_rpgan(const TextRecipeOptions& o) {
  TextNetworkOptions network = rival::internal::text_network_of(o, 64);
  constexpr Index seen = 8;  // places more that a block sees, by two convolutions of 5
  network.blocks = std::clamp<Index>((o.length + seen - 2) / seen, 2, 5);
  network.latent = 64;
  const Random random(o.seed);
  const Schedule fall = over_run([](long steps) { return linear_decay({.steps = steps, .start = steps / 2}); });
  const AdamOptions adam{.learning_rate = 2e-3, .beta1 = 0, .beta2 = 0.99, .schedule = fall};
  return {text_generator<S>(random.stream("generator"), network, {.gumbel = true, .straight_through = true}),
          text_critic<S>(random.stream("critic"), network),
          {.loss = relativistic_pairing<S>(),
           .batch = o.batch,
           .penalties = {r1(0.1), r2(0.1)},
           .labels = o.classes > 0 ? LabelSource::data : LabelSource::none,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .average = MovingAverageOptions{.half_life = 500.0 * static_cast<double>(o.batch)},
           .seed = o.seed}};
}

}  // namespace recipes

}  // namespace rival

// rival/gan/recipes/wavegan.hpp
// Recipes of sound: as samples over time, or as spectrograms.

// rival/gan/sound_networks.hpp
// Networks for sound: WaveGAN's, which make and judge samples over time, and SpecGAN's, for spectrograms. Each is a
// plain function: copy it and change it.

// rival/layers/phase_shuffle.hpp
// PhaseShuffle: shifts each signal by a few random steps while training.

namespace rival {

/// How far a PhaseShuffle shifts.
struct PhaseShuffleOptions {
  Index radius = 2;  ///< the most steps of a shift, to either side

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("radius", o.radius);
  }
};

/// Training: y[n, i, :] = x[n, i - s_n, :] for a batch of signals {N, L, C}, the shift s_n of each sample being one of
/// -radius ... radius, all as likely; in front of the first step and behind the last the signal is reflected, x[-1] =
/// x[1] and x[L] = x[L - 2]. Evaluation: the identity. Between the layers of a discriminator it keeps it from judging a
/// sound by where its waves begin, which transposed convolutions give away (Donahue, McAuley and Puckette, "Adversarial
/// audio synthesis", 2019; their program draws one shift for a whole batch).
///
/// The shifts come from the layer's own random stream, one number a sample. `forward` reads the stream where it stands;
/// `commit` moves it on.
template <class S = float>
class PhaseShuffle : public Layer<S> {
 public:
  using Options = PhaseShuffleOptions;  ///< what it is made from
  /// Throws Error for a radius below 0.
  explicit PhaseShuffle(const PhaseShuffleOptions& options = {}) : options_(options) {
    require(options.radius >= 0, "phase_shuffle: expected `radius` >= 0, got ", options.radius);
  }

  std::string_view kind() const override { return "phase_shuffle"; }
  Description describe() const override { return rival::describe("phase_shuffle", options_); }
  /// The options that it was made with.
  const PhaseShuffleOptions& options() const { return options_; }
  bool gates_input() const override { return true; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 2, *this, ": expected signals length x channels, got ", input);
    require(input[0] > options_.radius, *this, ": expected signals longer than the radius of ", options_.radius,
            ", got a length of ", input[0]);
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    output_shape(x.shape().sample());
    trace.input = &x;
    trace.mode = pass.mode;
    if (!shifts(trace)) {
      trace.output.alias(x, x.shape());
      return trace.output;
    }
    Random stream = stream_;
    stream.fill_uniform(trace.save(0, {x.dim(0)}));
    shift(x, trace, trace.output);
    return trace.output;
  }

  /// Adds each step's gradient to that of the step which it came from.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    const S* x = trace.input->data();
    if (!shifts(trace)) return kernels::leaky_relu_gradient(x, dy.data(), dx->data(), dy.size(), pass.slope);
    const Index length = dy.dim(1), channels = dy.dim(2), size = length * channels;
    parallel_for(dy.dim(0), 3.0 * static_cast<double>(dy.size()), [&](Index n) {
      S* to = dx->data() + n * size;
      std::fill(to, to + size, S(0));
      for_each_run(shift_of(trace, n), length, [&](Index i, Index source, Index steps) {
        const S* from = dy.data() + n * size + i * channels;
        for (Index k = 0; k < steps * channels; ++k) to[source * channels + k] += from[k];
      });
      if (pass.slope != S(1))
        for (Index k = 0; k < size; ++k) to[k] *= x[n * size + k] > S(0) ? S(1) : pass.slope;
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    if (shifts(trace))
      shift(x_tangent, trace, trace.output_tangent);
    else
      trace.output_tangent.alias(x_tangent, x_tangent.shape());
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  void commit(const Trace<S>& trace) override {
    constexpr std::uint64_t per_block = 16 / sizeof(S);  // numbers that fill_uniform makes of one block
    if (shifts(trace)) stream_.skip((static_cast<std::uint64_t>(trace.saved[0].size()) + per_block - 1) / per_block);
  }

  void collect(State<S>& state) override { state.streams.emplace_back(this->name(), &stream_); }
  void initialise(const Initialiser<S>&, const Random& random) override { stream_ = random.stream(this->name()); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<PhaseShuffle>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  bool shifts(const Trace<S>& trace) const { return trace.mode == Mode::train && options_.radius > 0; }

  /// A draw from [0, 1) as one of -radius ... radius.
  Index shift_of(const Trace<S>& trace, Index n) const {
    const Index count = 2 * options_.radius + 1;
    const auto place = static_cast<Index>(static_cast<double>(trace.saved[0][n]) * static_cast<double>(count));
    return std::min(place, count - 1) - options_.radius;
  }

  /// body(i, source, steps): the steps from i on come from those from `source` on. Those that are reflected are runs of
  /// one step, all others one run.
  template <class Body>
  static void for_each_run(Index by, Index length, const Body& body) {
    const Index begin = std::max<Index>(by, 0), end = std::min(length, length + by);
    for (Index i = 0; i < begin; ++i) body(i, by - i, 1);
    body(begin, begin - by, end - begin);
    for (Index i = end; i < length; ++i) body(i, 2 * (length - 1) - (i - by), 1);
  }

  void shift(const Tensor<S>& x, const Trace<S>& trace, Tensor<S>& y) const {
    y.resize(x.shape());
    const Index length = x.dim(1), channels = x.dim(2), size = length * channels;
    parallel_for(x.dim(0), 2.0 * static_cast<double>(x.size()), [&](Index n) {
      const S* from = x.data() + n * size;
      S* to = y.data() + n * size;
      for_each_run(shift_of(trace, n), length, [&](Index i, Index source, Index steps) {
        std::copy_n(from + source * channels, steps * channels, to + i * channels);
      });
    });
  }

  PhaseShuffleOptions options_;
  Random stream_;
};

RIVAL_INSTANTIATE_CLASS(PhaseShuffle);

}  // namespace rival

namespace rival {

/// How large a network for sound is.
struct SoundNetworkOptions {
  Shape sample = {16'384, 1};  ///< a sound {length, 1} of 64, 256, 1024, 4096, 16384 or 65536 samples, or a spectrogram
                               ///< {frames, bands, 1} of powers of two, 16 or more
  Index width = 64;            ///< channels of the layer next to the sound, doubled with each layer from there
  Index latent = 100;          ///< of a generator
  Index classes = 0;           ///< that the network is told of; 0: none
  bool batch_norm = false;     ///< in a generator; of each class its own
  Index phase_shuffle = 2;     ///< samples, in a discriminator of sounds; 0: none
};

namespace internal {

/// How often a network divides the sample on its way to 16 steps, or to 4 in the shorter of its directions.
inline Index divisions(const Shape& sample) {
  Index count = 0;
  if (sample.rank() == 2)
    for (Index length = sample[0]; length > 16 && length % 4 == 0; length /= 4) ++count;
  else
    for (Index side = std::min(sample[0], sample[1]); side > 4; side /= 2) ++count;
  return count;
}

/// Throws Error for options out of range.
inline void check(const SoundNetworkOptions& o) {
  const Shape& s = o.sample;
  const auto power_of_two = [](Index n) { return n >= 16 && n <= 4096 && (n & (n - 1)) == 0; };
  require(s.rank() == 2 || s.rank() == 3,
          "network: expected sounds {length, 1} or spectrograms {frames, bands, 1}, got ", s);
  require(s.back() == 1, "network: expected one channel, got ", s);
  if (s.rank() == 2)
    require(divisions(s) >= 1 && divisions(s) <= 6 && s[0] >> (2 * divisions(s)) == 16,
            "network: expected sounds of 64, 256, 1024, 4096, 16384 or 65536 samples, got ", s[0]);
  else
    require(power_of_two(s[0]) && power_of_two(s[1]),
            "network: expected spectrograms of powers of two from 16 to 4096 on both sides, got ", s);
  require(o.width >= 1 && o.width <= 4096 && o.latent >= 1 && o.latent <= 65'536 && o.classes >= 0 &&
              o.classes <= most_classes,
          "network: expected a width from 1 to 4096, 1 to 65536 latent numbers and 0 to ", most_classes,
          " classes, got ", o.width, ", ", o.latent, " and ", o.classes);
  require(o.phase_shuffle >= 0 && o.phase_shuffle < 16, "network: expected a phase shuffle from 0 to 15 samples, got ",
          o.phase_shuffle);
}

/// From the latent vector, with the class one-hot behind it, to {16, C} or to a spectrogram's least size.
template <class S>
Sequential<S> sound_generator_start(const SoundNetworkOptions& o, Index channels) {
  const Index count = divisions(o.sample);
  const Shape least =
      o.sample.rank() == 2 ? Shape{16, channels} : Shape{o.sample[0] >> count, o.sample[1] >> count, channels};
  Sequential<S> layers;
  if (o.classes > 0) layers.add(Embedding<S>({.classes = o.classes, .one_hot = true}));
  layers.add(Dense<S>({.in = o.latent + o.classes, .out = least.size()})).add(Reshape<S>(least));
  return layers;
}

template <class S>
void add_norm_and_relu(Sequential<S>& layers, Index channels, const SoundNetworkOptions& o) {
  if (o.batch_norm) add_norm(layers, channels, o.classes);
  layers.add(ReLU<S>());
}

/// One score, with the class's embedding projected on the features if the network is told of classes.
template <class S>
void add_score(Sequential<S>& layers, const SoundNetworkOptions& o) {
  const Index features = layers.output_shape(o.sample).size();
  layers.add(Flatten<S>()).add(Dense<S>({.in = features, .out = 1 + o.classes}));
  if (o.classes > 0) layers.add(Projection<S>({.classes = o.classes}));
}

}  // namespace internal

/// WaveGAN's generator (Donahue, McAuley and Puckette, "Adversarial audio synthesis", 2019): a dense layer to 16 steps,
/// transposed convolutions of 25 taps that make four steps of one and halve the channels, ReLU, and tanh at the end. At
/// 16,384 samples with width 64 it is the paper's. Told of classes, the class stands one-hot behind the latent vector.
/// He's weights.
template <class S = float>
Generator<S> wavegan_generator(const Random& random, const SoundNetworkOptions& o) {
  internal::check(o);
  require(o.sample.rank() == 2, "wavegan_generator: expected sounds {length, 1}, got ", o.sample);
  Index channels = o.width << (internal::divisions(o.sample) - 1);
  Sequential<S> layers = internal::sound_generator_start<S>(o, channels);
  for (Index length = 16; length < o.sample[0]; length *= 4) {
    internal::add_norm_and_relu(layers, channels, o);
    const Index out = 4 * length == o.sample[0] ? 1 : channels / 2;
    layers.add(ConvTranspose1d<S>(
        {.in = channels, .out = out, .kernel = 25, .stride = 4, .padding = 11, .output_padding = 1}));
    channels = out;
  }
  layers.add(Tanh<S>());
  Generator<S> generator(o.latent, std::move(layers));
  generator.initialise(he<S>(), random);
  return generator;
}

/// WaveGAN's discriminator: convolutions of 25 taps and stride 4, leaky ReLU, phase shuffle behind all but the last,
/// and one score. He's weights.
template <class S = float>
Discriminator<S> wavegan_discriminator(const Random& random, const SoundNetworkOptions& o) {
  internal::check(o);
  require(o.sample.rank() == 2, "wavegan_discriminator: expected sounds {length, 1}, got ", o.sample);
  Sequential<S> layers;
  Index in = 1, out = o.width;
  for (Index length = o.sample[0]; length > 16; length /= 4, in = out, out *= 2) {
    layers.add(Conv1d<S>({.in = in, .out = out, .kernel = 25, .stride = 4, .padding = 11})).add(LeakyReLU<S>(0.2));
    if (o.phase_shuffle > 0 && length > 64) layers.add(PhaseShuffle<S>({.radius = o.phase_shuffle}));
  }
  internal::add_score(layers, o);
  Discriminator<S> discriminator(o.sample, std::move(layers));
  discriminator.initialise(he<S>(0.2), random);
  return discriminator;
}

/// SpecGAN's generator (the same paper): spectrograms in [-1, 1] as DCGAN makes images, by transposed convolutions of
/// 4x4 and stride 2 (the paper's have 5x5). He's weights.
template <class S = float>
Generator<S> specgan_generator(const Random& random, const SoundNetworkOptions& o) {
  internal::check(o);
  require(o.sample.rank() == 3, "specgan_generator: expected spectrograms {frames, bands, 1}, got ", o.sample);
  const Index count = internal::divisions(o.sample);
  Index channels = o.width << (count - 1);
  Sequential<S> layers = internal::sound_generator_start<S>(o, channels);
  for (Index i = 0; i < count; ++i) {
    internal::add_norm_and_relu(layers, channels, o);
    const Index out = i + 1 == count ? 1 : channels / 2;
    layers.add(ConvTranspose2d<S>({.in = channels, .out = out, .kernel = 4, .stride = 2, .padding = 1}));
    channels = out;
  }
  layers.add(Tanh<S>());
  Generator<S> generator(o.latent, std::move(layers));
  generator.initialise(he<S>(), random);
  return generator;
}

/// SpecGAN's discriminator: convolutions of 4x4 and stride 2, leaky ReLU, one score. He's weights.
template <class S = float>
Discriminator<S> specgan_discriminator(const Random& random, const SoundNetworkOptions& o) {
  internal::check(o);
  require(o.sample.rank() == 3, "specgan_discriminator: expected spectrograms {frames, bands, 1}, got ", o.sample);
  Sequential<S> layers;
  Index in = 1, out = o.width;
  for (Index i = 0; i < internal::divisions(o.sample); ++i, in = out, out *= 2)
    layers.add(Conv2d<S>({.in = in, .out = out, .kernel = 4, .stride = 2, .padding = 1})).add(LeakyReLU<S>(0.2));
  internal::add_score(layers, o);
  Discriminator<S> discriminator(o.sample, std::move(layers));
  discriminator.initialise(he<S>(0.2), random);
  return discriminator;
}

}  // namespace rival

namespace rival {

/// What a recipe of sound is told.
struct SoundRecipeOptions {
  Shape sample = {16'384, 1};  ///< as SoundNetworkOptions has it
  Index classes = 0;           ///< of the labels that both networks are told; 0: none
  Index batch = 64;            ///< samples in a training step
  std::uint64_t seed = 0;      ///< of the weights and of the training
  Index width = 0;             ///< of the networks, as SoundNetworkOptions has it; 0: the recipe's own
};

namespace internal {

/// The networks for what the sample is: WaveGAN's for a sound, SpecGAN's for a spectrogram.
template <class S>
Recipe<S> sound_recipe(const SoundNetworkOptions& network, const SoundRecipeOptions& o, TrainerOptions<S> options) {
  require(o.batch >= 1, "recipe: expected a batch of at least 1, got ", o.batch);
  require(o.width >= 0, "recipe: expected a width of at least 0, got ", o.width);
  const Random random(o.seed);
  options.batch = o.batch;
  options.seed = o.seed;
  if (o.classes > 0) options.labels = LabelSource::data;
  if (o.sample.rank() == 2)
    return {wavegan_generator<S>(random, network), wavegan_discriminator<S>(random, network), std::move(options)};
  return {specgan_generator<S>(random, network), specgan_discriminator<S>(random, network), std::move(options)};
}

}  // namespace internal

namespace recipes {

/// Donahue, McAuley and Puckette, "Adversarial audio synthesis", 2019: Wasserstein with a gradient penalty of lambda
/// 10, five discriminator steps, Adam with 1e-4, beta1 0.5 and beta2 0.9.
template <class S = float>
Recipe<S> wavegan(const SoundRecipeOptions& o) {
  const AdamOptions adam{.learning_rate = 1e-4, .beta1 = 0.5, .beta2 = 0.9};
  const SoundNetworkOptions network{
      .sample = o.sample, .width = o.width > 0 ? o.width : 64, .latent = 100, .classes = o.classes};
  return rival::internal::sound_recipe<S>(network, o,
                                          {.loss = wasserstein<S>(),
                                           .penalties = {rival::wgan_gp(10)},
                                           .discriminator_steps = 5,
                                           .generator_optimizer = adam,
                                           .discriminator_optimizer = adam});
}

/// The recipe rpgan (rpgan.hpp) on networks of a quarter of the paper's width, with batch norm in the generator: made
/// for a CPU and half an hour.
template <class S = float>
Recipe<S> rp_wavegan(const SoundRecipeOptions& o) {
  const SoundNetworkOptions network{
      .sample = o.sample, .width = o.width > 0 ? o.width : 16, .latent = 64, .classes = o.classes, .batch_norm = true};
  return rival::internal::sound_recipe<S>(network, o, rival::internal::rpgan_training<S>(1e-3, o.batch, o.seed));
}

}  // namespace recipes

}  // namespace rival

// rival/gan/trainer.hpp
// AdversarialTrainer: trains a generator and a discriminator against each other.

// rival/loss/feature_matching.hpp
// Feature matching: the generator's batch should look to the discriminator's inner layers as real batches do, on
// average.

namespace rival {

/// |mean over the batch of real_features - mean over the batch of fake_features|^2, summed over all features; writes
/// the gradient with respect to `fake_features`, which is the same for each sample (Salimans, Goodfellow, Zaremba,
/// Cheung, Radford and Chen, 2016). The features are the outputs {N, ...} of some layer; the batches may differ in
/// size. Summed in double, with the same bits on any number of threads; allocates nothing once warm. Throws Error when
/// a batch is empty, and when the samples differ in shape.
template <class S>
S feature_matching(const Tensor<S>& real_features, const Tensor<S>& fake_features, Tensor<S>& dfake) {
  require(real_features.rank() >= 2 && !real_features.empty() && fake_features.rank() >= 2 && !fake_features.empty() &&
              real_features.shape().sample() == fake_features.shape().sample(),
          "feature_matching: expected two batches of features of one shape, got ", real_features.shape(), " and ",
          fake_features.shape());
  const Index features = fake_features.shape().sample().size(), reals = real_features.dim(0),
              fakes = fake_features.dim(0);
  dfake.resize(fake_features.shape());
  double* difference = scratch<double>(Scratch::partial_sums, features);
  const double work = static_cast<double>((reals + 2 * fakes) * features);
  parallel_blocks(features, 512, work, [&](Index begin, Index end) {
    const auto add = [&](const Tensor<S>& batch, double share) {
      for (Index n = 0; n < batch.dim(0); ++n) {
        const S* x = batch.data() + n * features;
        for (Index i = begin; i < end; ++i) difference[i] += share * static_cast<double>(x[i]);
      }
    };
    std::fill(difference + begin, difference + end, 0.0);
    add(real_features, 1.0 / static_cast<double>(reals));
    add(fake_features, -1.0 / static_cast<double>(fakes));
    const double share = -2.0 / static_cast<double>(fakes);
    for (Index n = 0; n < fakes; ++n) {
      S* dx = dfake.data() + n * features;
      for (Index i = begin; i < end; ++i) dx[i] = static_cast<S>(share * difference[i]);
    }
  });
  double sum = 0;
  for (Index i = 0; i < features; ++i) sum += difference[i] * difference[i];
  return static_cast<S>(sum);
}

RIVAL_INSTANTIATE_FUNCTION(feature_matching);

}  // namespace rival

// rival/optim/clipping.hpp
// Clipping of gradients and of weights, between the backward passes and the optimiser's step.

namespace rival {

namespace internal {

/// The sum of squares in double, of blocks that depend on the size alone and in their order.
template <class S>
double sum_of_squares(const Tensor<S>& tensor) {
  constexpr Index most = 256;
  const Index size = tensor.size(), block = std::max<Index>(4096, (size + most - 1) / most);
  std::array<double, most> sums;
  parallel_blocks(size, block, static_cast<double>(size), [&](Index begin, Index end) {
    constexpr std::size_t lanes = 16;  // sums of their own, so that the compiler may use packets
    std::array<double, lanes> lane{};
    const S* x = tensor.data() + begin;
    const S* last = tensor.data() + end;
    for (; last - x >= static_cast<Index>(lanes); x += lanes)
      for (std::size_t i = 0; i < lanes; ++i) lane[i] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    for (std::size_t i = 0; x < last; ++x, ++i) lane[i] += static_cast<double>(*x) * static_cast<double>(*x);
    sums[static_cast<std::size_t>(begin / block)] = std::accumulate(lane.begin(), lane.end(), 0.0);
  });
  double total = 0;
  for (Index i = 0; i * block < size; ++i) total += sums[static_cast<std::size_t>(i)];
  return total;
}

/// Brings every element into [-bound, bound]; NaN stays NaN.
template <class S>
void clamp(Tensor<S>& tensor, S bound) {
  parallel_blocks(tensor.size(), 16384, static_cast<double>(tensor.size()), [&](Index begin, Index end) {
    S* x = tensor.data();
    for (Index i = begin; i < end; ++i) x[i] = std::clamp(x[i], -bound, bound);
  });
}

}  // namespace internal

/// Scales all gradients by max_norm / norm if their norm, of all of them as one vector, is above max_norm. Returns the
/// norm before. If that is not finite the gradients are left as they are, and the caller decides what to do.
/// Throws Error unless max_norm > 0.
template <class S>
double clip_gradient_norm(const std::vector<Parameter<S>*>& parameters, double max_norm) {
  require(static_cast<S>(max_norm) > S(0), "clip_gradient_norm: expected max_norm > 0, got ", max_norm,
          max_norm > 0 ? ", which is 0 in the type of the numbers" : "");
  double squares = 0;
  for (const auto* parameter : parameters) squares += internal::sum_of_squares(parameter->grad);
  const double norm = std::sqrt(squares);
  if (is_finite(norm) && norm > max_norm) {
    const S scale = static_cast<S>(max_norm / norm);
    for (auto* parameter : parameters) {
      auto& grad = parameter->grad;
      parallel_blocks(grad.size(), 16384, static_cast<double>(grad.size()),
                      [&](Index begin, Index end) { grad.array().segment(begin, end - begin) *= scale; });
    }
  }
  return norm;
}

/// Brings every element of every gradient into [-bound, bound]. Throws Error unless bound > 0.
template <class S>
void clip_gradient_value(const std::vector<Parameter<S>*>& parameters, double bound) {
  require(static_cast<S>(bound) > S(0), "clip_gradient_value: expected bound > 0, got ", bound,
          bound > 0 ? ", which is 0 in the type of the numbers" : "");
  for (auto* parameter : parameters) internal::clamp(parameter->grad, static_cast<S>(bound));
}

/// Brings every weight into [-bound, bound], as the Wasserstein GAN does after each step of its critic (Arjovsky,
/// Chintala and Bottou, 2017). Throws Error unless bound > 0.
template <class S>
void clip_weights(const std::vector<Parameter<S>*>& parameters, double bound) {
  require(static_cast<S>(bound) > S(0), "clip_weights: expected bound > 0, got ", bound,
          bound > 0 ? ", which is 0 in the type of the numbers" : "");
  for (auto* parameter : parameters) internal::clamp(parameter->value, static_cast<S>(bound));
}

RIVAL_INSTANTIATE_FUNCTION(clip_gradient_norm);
RIVAL_INSTANTIATE_FUNCTION(clip_gradient_value);
RIVAL_INSTANTIATE_FUNCTION(clip_weights);

}  // namespace rival

// rival/train/fit_loop.hpp
// FitLoop: what every trainer does around its steps.

#include <chrono>

// rival/train/checks.hpp
// What every trainer asks of networks, batches, losses and states.

namespace rival::internal {

/// Real samples and their labels, one a sample, or none.
template <class S>
struct Batch {
  const Tensor<S>& images;
  Labels labels;
};

/// Throws Error unless they are samples that the network is made for, with as many labels or none.
template <class S>
void require_batch(const Network<S>& network, const Batch<S>& batch) {
  const Shape& shape = batch.images.shape();
  require(shape.rank() >= 1 && shape[0] >= 1 && shape.sample() == network.input_shape(), "network \"", network.name(),
          "\": expected a batch of ", network.input_shape(), ", got ", shape);
  require(batch.labels.empty() || static_cast<Index>(batch.labels.size()) == shape[0], "trainer: expected ", shape[0],
          " labels, one a sample, got ", batch.labels.size());
}

/// A network whose weights are all zero would train to nothing without a word.
template <class S>
void require_weights(Network<S>& network) {
  bool zero = false;
  for (const auto* parameter : network.parameters()) {
    if (parameter->value.rank() < 2) continue;
    if ((parameter->value.array() != S(0)).any()) return;
    zero = true;
  }
  require(!zero, "trainer: expected weights in network \"", network.name(),
          "\", got zeros; call its initialise() first");
}

/// Throws Diverged for the loss of a step that is not finite.
template <class S>
void require_finite_loss(S loss, const char* whose, long step) {
  if (!is_finite(loss)) [[unlikely]]
    throw Diverged(concatenate("training stopped at step ", step, ": expected a finite loss of the ", whose, ", got ",
                               loss, "; try a smaller learning rate"));
}

/// Throws Error for numbers that no trainer has.
inline void require_state(const FitState& s) {
  require(s.steps >= 0 && s.run >= 0 && s.average_steps >= 0 && s.fits >= 0 && s.fit_steps >= 0,
          "trainer: expected a state of numbers >= 0, got ", s.steps, " steps of ", s.run, ", ", s.average_steps,
          " of the average, ", s.fits, " fits and ", s.fit_steps, " steps of the last");
}

}  // namespace rival::internal

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

// rival/train/whole_step.hpp
// WholeStep: a training step that is made as a whole, or leaves no trace.

namespace rival::internal {

/// Copies of a network's buffers and of the places of its streams, which forward passes move: some kilobytes.
/// Parameters are changed by optimisers alone, which take their steps back themselves.
template <class S>
class StepMemory {
 public:
  explicit StepMemory(Network<S>& network) : state_(network.state()), streams_(state_.streams.size()) {
    for (const auto* buffer : state_.buffers) buffers_.push_back(buffer->value);
  }

  void take() {
    for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i] = state_.buffers[i]->value;
    for (std::size_t i = 0; i < streams_.size(); ++i) streams_[i] = state_.streams[i].second->position();
  }
  void give_back() {
    for (std::size_t i = 0; i < buffers_.size(); ++i) state_.buffers[i]->value = buffers_[i];
    for (std::size_t i = 0; i < streams_.size(); ++i) *state_.streams[i].second = Random(streams_[i]);
  }

 private:
  State<S> state_;
  std::vector<Tensor<S>> buffers_;
  std::vector<Random::Position> streams_;
};

/// The networks and optimisers that a step changes.
template <class S>
class WholeStep {
 public:
  WholeStep(const std::vector<Network<S>*>& networks, std::vector<Optimizer<S>*> optimizers)
      : optimizers_(std::move(optimizers)) {
    for (auto* network : networks) memories_.emplace_back(*network);
  }

  /// Runs body(report). What it throws is thrown on, when networks, optimisers and the trainer's state are as before,
  /// and all gradients zero. Optimisers whose step is not the last thing that may fail make it by step_undoably.
  template <class Trainer, class Body>
  StepReport run(Trainer& trainer, const Body& body) {
    const auto before = trainer.state();
    for (auto& memory : memories_) memory.take();
    for (auto* optimizer : optimizers_) optimizer->forget_undo();  // steps of the caller's own stay
    StepReport report;
    try {
      body(report);
    } catch (...) {
      for (auto* optimizer : optimizers_) {
        optimizer->undo();
        optimizer->zero_gradients();
      }
      for (auto& memory : memories_) memory.give_back();
      trainer.set_state(before);
      throw;
    }
    for (auto* optimizer : optimizers_) optimizer->forget_undo();
    return report;
  }

 private:
  std::vector<Optimizer<S>*> optimizers_;
  std::vector<StepMemory<S>> memories_;
};

}  // namespace rival::internal

namespace rival {

struct CheckpointExtras;  // in rival/io/checkpoint.hpp

/// Each step trains the discriminator on a real and a generated batch, then the generator through the discriminator
/// (Goodfellow et al., "Generative adversarial nets", 2014, algorithm 1).
///
/// The networks stay the caller's and must outlive the trainer. From the same seed and weights come the same bits, for
/// any number of threads; a warm step allocates no memory.
///
/// A step that throws (Diverged, an Error, whatever a loss of the caller's throws) leaves networks, optimisers, average
/// and trainer as they were before it, and all gradients zero.
template <class S = float>
class AdversarialTrainer {
 public:
  /// Throws Error when the generator's samples are not what the discriminator scores, for options out of range, and for
  /// a gradient penalty on a discriminator that holds a layer without tangents, such as batch norm.
  AdversarialTrainer(Generator<S>& generator, Discriminator<S>& discriminator, TrainerOptions<S> options = {})
      : generator_(generator),
        discriminator_(discriminator),
        options_(std::move(options)),
        generator_optimizer_(make_optimizer(generator.parameters(), options_.generator_optimizer)),
        discriminator_optimizer_(make_optimizer(discriminator.parameters(), options_.discriminator_optimizer)),
        penalties_(options_.penalties, options_.seed),
        latents_(Random(options_.seed).stream("latent")),
        classes_(Random(options_.seed).stream("classes")),
        whole_step_({&generator, &discriminator}, {discriminator_optimizer_.get(), generator_optimizer_.get()}) {
    check_options();
    if (const auto& labelled = options_.labelled)
      labelled_.emplace(labelled->data, LoaderOptions{.batch = labelled->batch},
                        Random(options_.seed).stream("labelled"));
    if (options_.average) {
      options_.average->batch = options_.batch;
      average_.emplace(generator);
      moving_.emplace(average_->state(), generator.state(), *options_.average);
    }
    set_run(options_.steps);
  }
  AdversarialTrainer(const AdversarialTrainer&) = delete;
  AdversarialTrainer& operator=(const AdversarialTrainer&) = delete;

  /// Trains for so many epochs, shuffled, in full batches. Throws Error when the samples do not fit the networks, and
  /// Diverged when a loss is not finite; `fit` with `.resume` then goes on from the last good step. `.resume` with
  /// another data set throws Error.
  void fit(const Dataset& data, const FitOptions& fit = {});

  /// Called from a callback: `fit` returns after the current step.
  void stop() { loop_.stop(); }

  /// One training step on real samples {N, ...} and their labels, with latent vectors of the trainer's own stream. Each
  /// of several discriminator steps takes the same real batch.
  StepReport step(const Tensor<S>& real, Labels labels = {});

  /// One training step on real samples and given latent vectors {N, latent}: one discriminator step and one generator
  /// step.
  StepReport step(const Tensor<S>& real, const Tensor<S>& latent, Labels labels = {});

  /// The generator to sample from: the moving average, if the options ask for one, otherwise the generator itself.
  const Generator<S>& averaged_generator() const { return average_ ? *average_ : generator_; }
  /// For those who set the average's weights, such as a checkpoint. Throws Error when there is none.
  Generator<S>& average() {
    require(average_.has_value(), "trainer: expected options with an average, got none");
    return *average_;
  }

  /// Writes a checkpoint: all that it takes to go on, bit for bit, in another process and with any number of threads.
  /// `extras` come beside. Needs rival/io/checkpoint.hpp, which says what is in the file (rival::json). Throws Error,
  /// and leaves an earlier file as it was, when it cannot be written.
  template <class Extras = CheckpointExtras>
  void save(const std::filesystem::path& path, const Extras& extras = {});
  /// Goes on from a checkpoint, and returns the extras in it; then `fit` with `.resume`, or the next `step`. Throws
  /// Error, and leaves trainer and networks as they were, for a file that is damaged, and when it is of other networks,
  /// options or another version: a line for each difference. Needs rival/io/checkpoint.hpp.
  template <class Extras = CheckpointExtras>
  Extras load(const std::filesystem::path& path);

  /// What it takes to go on, beside networks, optimisers and average.
  TrainerState state() const {
    TrainerState state{at_,
                       penalties_.steps(),
                       latents_.position(),
                       classes_.position(),
                       penalties_.position(),
                       labelled_ ? labelled_->position() : LoaderPosition()};
    state.run = generator_optimizer_->run();
    state.average_steps = moving_ ? moving_->steps() : 0;
    return state;
  }
  /// Goes on from there. Throws Error, and changes nothing, for numbers that no trainer has.
  void set_state(const TrainerState& state) {
    internal::require_state(state);
    require(state.discriminator_steps >= 0, "trainer: expected a state of numbers >= 0, got ",
            state.discriminator_steps, " discriminator steps");
    if (labelled_) labelled_->set_position(state.labelled);  // the last thing that may throw, and then changes nothing
    at_ = state;
    set_run(state.run);
    penalties_.go_on_from(state.discriminator_steps, state.penalties);
    if (moving_) moving_->set_steps(state.average_steps);
    latents_ = Random(state.latents);
    classes_ = Random(state.classes);
  }

  /// The generator that it trains, as the last step left it; see `averaged_generator` for the one to sample from.
  Generator<S>& generator() { return generator_; }
  /// The discriminator that it trains, as the last step left it.
  Discriminator<S>& discriminator() { return discriminator_; }
  /// The optimiser of the generator's weights.
  Optimizer<S>& generator_optimizer() { return *generator_optimizer_; }
  /// The optimiser of the discriminator's weights.
  Optimizer<S>& discriminator_optimizer() { return *discriminator_optimizer_; }
  /// The options that it was made with.
  const TrainerOptions<S>& options() const { return options_; }

 private:
  using Batch = internal::Batch<S>;

  void check_options() const {
    const auto& o = options_;
    require(generator_.output_shape() == discriminator_.input_shape(), "trainer: the generator makes samples of ",
            generator_.output_shape(), ", the discriminator scores samples of ", discriminator_.input_shape());
    require(o.loss.discriminator && o.loss.generator, "trainer: expected a loss with both of its functions");
    internal::require_weights(generator_);
    internal::require_weights(discriminator_);
    require(o.batch >= 1, "trainer: expected a batch of at least 1, got ", o.batch);
    require(o.steps >= 0, "trainer: expected steps >= 0, got ", o.steps);
    require(o.discriminator_steps >= 1, "trainer: expected at least 1 discriminator step, got ", o.discriminator_steps);
    require(o.weight_clip == 0 || (is_finite(o.weight_clip) && static_cast<S>(o.weight_clip) > S(0)),
            "trainer: expected a weight_clip that is 0 or a positive number, got ", o.weight_clip);
    const Index layers = discriminator_.layers().size();
    const bool behind_activation =
        o.feature_matching >= 1 && o.feature_matching <= layers &&
        (o.feature_matching == layers || discriminator_.layers()[o.feature_matching].leaky_slope() == S(1));
    require(o.feature_matching == 0 || behind_activation, "trainer: expected feature_matching behind one of the ",
            layers, " layers of the discriminator and its activation, got ", o.feature_matching);
    require((discriminator_.heads() > 0) == static_cast<bool>(o.auxiliary.loss), "trainer: expected an auxiliary loss ",
            "exactly if the discriminator has heads, got ", discriminator_.heads(), " heads and ",
            o.auxiliary.loss ? "a" : "no", " loss");
    require(o.labels != LabelSource::drawn || (o.classes >= 1 && o.classes <= most_classes), "trainer: expected 1 to ",
            most_classes, " classes to draw labels from, got ", o.classes);
    require(o.labels != LabelSource::drawn || !o.auxiliary.loss || !o.auxiliary.on_real,
            "trainer: expected labels of the data for an auxiliary loss on real samples, got drawn ones");
    if (o.labelled) check_labelled(o.labelled->data);
    if (!o.penalties.empty()) discriminator_.curvature();
  }

  void check_labelled(const Dataset& data) const {
    require(discriminator_.heads() > 0, "trainer: expected a discriminator with heads for labelled samples, got none");
    require(options_.labels == LabelSource::none,
            "trainer: expected networks that are given no labels beside labelled samples");
    require(data.sample_shape() == discriminator_.input_shape() && data.has_labels(),
            "trainer: expected labelled samples of ", discriminator_.input_shape(), ", got samples of ",
            data.sample_shape(), data.has_labels() ? "" : " without labels");
    require(data.classes() <= discriminator_.heads(), "trainer: expected labelled samples of at most ",
            discriminator_.heads(), " classes, one a head, got ", data.classes());
  }

  void set_run(long steps) {
    const long of_discriminator = internal::times(steps, options_.discriminator_steps);
    generator_optimizer_->set_run(steps);
    discriminator_optimizer_->set_run(of_discriminator);
    penalties_.set_run(of_discriminator);
  }

  template <class NextBatch>
  StepReport run(const NextBatch& next_batch) {
    return whole_step_.run(*this, [&](StepReport& report) {
      for (int k = 1; k <= options_.discriminator_steps; ++k) {
        const Batch real = checked(next_batch());
        parallel_scope(discriminator_.work(real.images.dim(0)), [&] {
          latent_.resize({real.images.dim(0), generator_.latent()});
          if (options_.draw_latent) {
            options_.draw_latent(latent_, latents_);
            check_latent(latent_, real);
          } else {
            latents_.fill_normal(latent_);
          }
          discriminator_step(real, latent_, report, k == 1);
          if (k == options_.discriminator_steps) generator_step(real, latent_, report);
        });
      }
    });
  }

  // All of a step's batches have one count, and every loss a gradient for each of its numbers: asked once, here.
  Batch checked(const Batch& real) const {
    internal::require_batch(discriminator_, real);
    return real;
  }
  void check_latent(const Tensor<S>& latent, const Batch& real) const {
    require(latent.rank() >= 1 && latent.dim(0) == real.images.dim(0), "trainer: expected ", real.images.dim(0),
            " latent vectors, one a real sample, got ", latent.shape());
  }
  static void check_gradient(const char* whose, const Tensor<S>& gradient, const Tensor<S>& scores) {
    require(gradient.shape() == scores.shape(), "trainer: expected the ", whose, "'s loss to write a gradient of ",
            scores.shape(), ", got ", gradient.shape());
  }

  void discriminator_step(const Batch& real, const Tensor<S>& latent, StepReport& report, bool first) {
    draw_labels(real);
    fake_images_ = &generator_.forward(latent, latent_trace_, fake_labels_);
    const Tensor<S>& real_scores = real_heads_.scores(discriminator_.forward(real.images, real_trace_, real.labels));
    const Tensor<S>& fake_scores = fake_heads_.scores(discriminator_.forward(*fake_images_, fake_trace_, fake_labels_));
    const S loss = options_.loss.discriminator(real_scores, fake_scores, dreal_, dfake_);
    check_gradient("discriminator", dreal_, real_scores);
    check_gradient("discriminator", dfake_, fake_scores);
    report.step = at_.steps + 1;
    report.discriminator_loss = loss;
    report.real_score = real_scores.array().mean();
    report.fake_score = fake_scores.array().mean();
    report.accuracy = static_cast<double>((real_scores.array() > S(0)).count() + (fake_scores.array() < S(0)).count()) /
                      static_cast<double>(real_scores.size() + fake_scores.size());
    const bool on_real = options_.auxiliary.on_real && !labelled_, on_fake = !labelled_;
    const S auxiliary = labelled_ ? labelled_pass() : fake_heads_.loss(options_.auxiliary, fake_labels_, latent);
    const S auxiliary_real = on_real ? real_heads_.loss(options_.auxiliary, real.labels, no_latent_) : S(0);
    report.auxiliary_loss = auxiliary;
    require_finite(loss + auxiliary + auxiliary_real, "discriminator");
    const Tensor<S>&dreal = real_heads_.gradient(dreal_, on_real), &dfake = fake_heads_.gradient(dfake_, on_fake);
    report.penalty = penalties_.backward(discriminator_, {real.images, real.labels, real_trace_, dreal},
                                         {*fake_images_, fake_labels_, fake_trace_, dfake});
    require_finite(static_cast<S>(report.penalty), "discriminator's penalty");
    if (first)
      discriminator_optimizer_->step_undoably();  // all that follows in this step may still fail
    else
      discriminator_optimizer_->step();
    if (options_.weight_clip > 0) clip_weights(discriminator_optimizer_->parameters(), options_.weight_clip);
  }

  /// The auxiliary loss of the next labelled batch, whose gradients are added.
  S labelled_pass() {
    while (!labelled_->next(labelled_images_, labelled_labels_)) {
    }
    const Tensor<S>& scores = labelled_heads_.scores(discriminator_.forward(labelled_images_, labelled_trace_));
    const S loss = labelled_heads_.loss(options_.auxiliary, labelled_labels_, no_latent_);
    dlabelled_.resize(scores.shape());
    dlabelled_.fill(S(0));
    discriminator_.backward(labelled_trace_, labelled_heads_.gradient(dlabelled_, true), {.parameters = true});
    return loss;
  }

  /// On the generated batch of the discriminator step before, scored by the discriminator as it is now.
  void generator_step(const Batch& real, const Tensor<S>& latent, StepReport& report) {
    const Tensor<S>& fake_scores = fake_heads_.scores(discriminator_.forward(*fake_images_, fake_trace_, fake_labels_));
    const bool needs_real = options_.loss.generator_needs_real || options_.feature_matching > 0;
    const Tensor<S>& real_scores =
        needs_real ? real_heads_.scores(discriminator_.forward(real.images, real_trace_, real.labels)) : no_scores_;
    const Tensor<S>* dimages = nullptr;
    S loss;
    if (const Index layers = options_.feature_matching) {
      loss = feature_matching(discriminator_.features(layers, real_trace_),
                              discriminator_.features(layers, fake_trace_), dfake_);
      require_finite(loss, "generator");
      dimages = &discriminator_.backward_from(layers, fake_trace_, dfake_, {.input = true});
    } else {
      loss = options_.loss.generator(real_scores, fake_scores, dfake_);
      check_gradient("generator", dfake_, fake_scores);
      const S auxiliary = labelled_ ? S(0) : fake_heads_.loss(options_.auxiliary, fake_labels_, latent);
      require_finite(loss + auxiliary, "generator");
      dimages = &discriminator_.backward(fake_trace_, fake_heads_.gradient(dfake_, !labelled_), {.input = true});
    }
    report.generator_loss = loss;
    generator_.backward(latent_trace_, *dimages, {.parameters = true});
    if (moving_) moving_->check_sizes();
    generator_optimizer_->step();  // the last thing that may throw, and then changes nothing
    if (moving_) moving_->update();
    ++at_.steps;
  }

  void draw_labels(const Batch& real) {
    fake_labels_ = real.labels;
    if (options_.labels != LabelSource::drawn) return;
    const auto count = static_cast<std::size_t>(real.images.dim(0));
    uniform_.resize({real.images.dim(0)});
    classes_.fill_uniform(uniform_, S(0), static_cast<S>(options_.classes));
    drawn_labels_.resize(count);
    for (std::size_t i = 0; i < count; ++i)
      drawn_labels_[i] =
          static_cast<Label>(std::min(options_.classes - 1, static_cast<Index>(uniform_[static_cast<Index>(i)])));
    fake_labels_ = drawn_labels_;
  }

  void require_finite(S loss, const char* whose) const { internal::require_finite_loss(loss, whose, at_.steps + 1); }

  Generator<S>& generator_;
  Discriminator<S>& discriminator_;
  TrainerOptions<S> options_;
  std::unique_ptr<Optimizer<S>> generator_optimizer_, discriminator_optimizer_;
  internal::PenalisedBackward<S> penalties_;
  Random latents_, classes_;
  internal::WholeStep<S> whole_step_;
  std::optional<Generator<S>> average_;
  std::optional<MovingAverage<S>> moving_;
  std::optional<Loader<S>> labelled_;
  FitState at_;
  internal::FitLoop<S> loop_;

  // What a step works on; kept so that the next one allocates nothing.
  Tensor<S> latent_, dreal_, dfake_, uniform_, labelled_images_, dlabelled_;
  const Tensor<S> no_scores_, no_latent_;
  std::vector<Label> drawn_labels_, labelled_labels_;
  Labels fake_labels_;
  const Tensor<S>* fake_images_ = nullptr;
  Trace<S> latent_trace_, real_trace_, fake_trace_, labelled_trace_;
  internal::Heads<S> real_heads_, fake_heads_, labelled_heads_;
};

// Outside of the class, and so not inline: where they are compiled once (core/instantiate.hpp), no other file compiles
// what they call.

template <class S>
void AdversarialTrainer<S>::fit(const Dataset& data, const FitOptions& fit) {
  const internal::FitPlan plan{.batch = options_.batch,
                               .batches = options_.discriminator_steps,
                               .labels = options_.labels == LabelSource::data,
                               .seed = options_.seed,
                               .sample = discriminator_.input_shape()};
  loop_.run(
      data, fit, plan, at_, [&](long steps) { set_run(steps); },
      [&](const auto& next_batch) { return run(next_batch); });
}

template <class S>
StepReport AdversarialTrainer<S>::step(const Tensor<S>& real, Labels labels) {
  return run([&]() -> Batch { return {real, labels}; });
}

template <class S>
StepReport AdversarialTrainer<S>::step(const Tensor<S>& real, const Tensor<S>& latent, Labels labels) {
  return whole_step_.run(*this, [&](StepReport& report) {
    const Batch batch = checked({real, labels});
    check_latent(latent, batch);
    parallel_scope(discriminator_.work(real.dim(0)), [&] {
      discriminator_step(batch, latent, report, true);
      generator_step(batch, latent, report);
    });
  });
}

RIVAL_INSTANTIATE_CLASS(AdversarialTrainer);

}  // namespace rival

// rival/image/curves.hpp
// Line charts of losses and other series, as SVG.

#include <locale>

namespace rival {

/// A line of a chart. Values that are not finite (or beyond 1e100) leave a gap.
struct Series {
  std::string name;            ///< in the legend
  std::vector<double> y;       ///< its values, one for each x
  std::vector<double> x = {};  ///< ascending; empty: 1, 2, 3, ...
};

namespace internal {

/// Finite, and not so large that differences overflow.
inline bool drawable(double value) { return is_finite(value) && std::abs(value) < 1e100; }

/// The values averaged over a window around each, weighted by a triangle; what cannot be drawn stays so and is left
/// out of the others' averages.
inline std::vector<double> smooth(const std::vector<double>& y, Index radius) {
  const auto size = static_cast<Index>(y.size());
  std::vector<double> average(y);
  for (Index i = 0; i < size; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (!drawable(y[at])) continue;
    double sum = 0, weights = 0;
    for (Index j = std::max<Index>(0, i - radius); j <= std::min(size - 1, i + radius); ++j) {
      const double value = y[static_cast<std::size_t>(j)], weight = static_cast<double>(radius + 1 - std::abs(i - j));
      if (drawable(value)) sum += weight * value, weights += weight;
    }
    average[at] = sum / weights;
  }
  return average;
}

/// The places of at most about `limit` values that show the course of all: the least and the greatest of each stretch.
inline std::vector<std::size_t> thin(const std::vector<double>& y, std::size_t limit) {
  std::vector<std::size_t> kept;
  const std::size_t stretches = std::max<std::size_t>(1, limit / 3);
  if (y.size() <= limit) {
    for (std::size_t i = 0; i < y.size(); ++i) kept.push_back(i);
    return kept;
  }
  for (std::size_t s = 0; s < stretches; ++s) {
    const std::size_t begin = s * y.size() / stretches, end = (s + 1) * y.size() / stretches;
    std::size_t low = end, high = end, gap = end;
    for (std::size_t i = begin; i < end; ++i) {
      if (!drawable(y[i])) {
        gap = i;
        continue;
      }
      if (low == end || y[i] < y[low]) low = i;
      if (high == end || y[i] > y[high]) high = i;
    }
    std::array<std::size_t, 3> places{low, high, gap};
    std::sort(places.begin(), places.end());
    for (std::size_t p = 0; p < places.size(); ++p)
      if (places[p] < end && (p == 0 || places[p] != places[p - 1])) kept.push_back(places[p]);
  }
  return kept;
}

/// One axis: maps values to pixels and finds round numbers for its ticks, at least `least_step` apart.
struct Axis {
  double low, high;   // values
  double begin, end;  // pixels
  double step;        // between ticks

  Axis(double low_, double high_, double begin_, double end_, int ticks, double least_step = 0)
      : low(low_), high(high_), begin(begin_), end(end_) {
    if (!(high - low > 1e-9 * std::max(std::abs(low), std::abs(high)))) {
      const double room = low == 0 ? 1 : 0.5 * std::abs(low);
      low -= room, high += room;
    }
    const double rough = (high - low) / ticks, power = std::pow(10.0, std::floor(std::log10(rough)));
    step = power * (rough <= 1.001 * power ? 1 : rough <= 2.001 * power ? 2 : rough <= 5.001 * power ? 5 : 10);
    step = std::max(step, least_step);
  }
  double operator()(double value) const { return begin + (value - low) / (high - low) * (end - begin); }
  std::vector<double> ticks() const {
    std::vector<double> all;
    const double first = std::ceil(low / step - 1e-9);
    for (int k = 0; k < 20 && (first + k) * step <= high + 1e-9 * step; ++k)
      all.push_back((first + k) * step + 0.0);  // adding 0 turns -0 into 0
    return all;
  }
  std::string label(double tick) const {
    TextStream text;
    text.imbue(std::locale::classic());
    if (step < 1e-4 || std::max(std::abs(low), std::abs(high)) >= 1e7) {
      text << tick;
    } else {
      text.setf(std::ios::fixed);
      text.precision(std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9))));
      text << tick;
    }
    return text.str();
  }
};

inline std::string escape_xml(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '&')
      safe += "&amp;";
    else
      safe += c;
  }
  return safe;
}

}  // namespace internal

/// Writes a line chart. A long, noisy series is drawn faintly with its moving average on top; the vertical axis follows
/// what most values need, so that a few spikes do not flatten the rest. Throws Error when a series' x and y differ in
/// number, and, leaving an earlier file as it was, when the file cannot be written.
inline void write_curves_svg(const std::filesystem::path& path, std::string_view title, std::string_view x_label,
                             const std::vector<Series>& all) {
  using namespace internal;
  constexpr double width = 800, height = 450, left = 64, right = 24, top = 64, bottom = 56;
  constexpr std::array colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};  // Okabe and Ito's
  constexpr std::size_t most_points = 900, most_dots = 30;

  struct Line {
    std::vector<double> x, smooth;
    bool noisy;
  };
  std::vector<Line> lines;
  std::vector<double> spread;
  bool counted = true;  // steps or epochs, of which there are no halves
  double x_low = std::numeric_limits<double>::infinity(), x_high = -x_low, y_low = x_low, y_high = -x_low;
  for (const Series& series : all) {
    require(series.x.empty() || series.x.size() == series.y.size(), "curves: series \"", series.name, "\" has ",
            series.x.size(), " x and ", series.y.size(), " y");
    Line line{series.x, series.y, series.y.size() >= 100};
    if (line.x.empty())
      for (std::size_t i = 0; i < series.y.size(); ++i) line.x.push_back(static_cast<double>(i + 1));
    if (line.noisy) line.smooth = smooth(series.y, std::min<Index>(500, static_cast<Index>(series.y.size() / 40)));
    for (const double x : line.x) {
      if (drawable(x)) x_low = std::min(x_low, x), x_high = std::max(x_high, x);
      counted = counted && x == std::floor(x);
    }
    for (const double y : line.smooth)
      if (drawable(y)) y_low = std::min(y_low, y), y_high = std::max(y_high, y);
    // Of the raw values all but the outermost hundredth must be seen.
    spread.clear();
    for (const double y : series.y)
      if (drawable(y)) spread.push_back(y);
    std::sort(spread.begin(), spread.end());
    if (!spread.empty()) {
      const std::size_t cut = spread.size() / 100;
      y_low = std::min(y_low, spread[cut]), y_high = std::max(y_high, spread[spread.size() - 1 - cut]);
    }
    lines.push_back(std::move(line));
  }
  if (!(x_low <= x_high)) x_low = 0, x_high = 1;
  if (!(y_low <= y_high)) y_low = 0, y_high = 1;
  if (y_low > 0 && y_low < 0.5 * y_high) y_low = 0;  // near enough to zero to show it
  const double room = 0.05 * (y_high - y_low);
  const Axis x_axis(x_low, x_high, left, width - right, 8, counted ? 1 : 0);
  const Axis y_axis(y_low == 0 ? 0 : y_low - room, y_high + room, height - bottom, top, 6);

  TextStream svg;
  svg.imbue(std::locale::classic());
  svg.setf(std::ios::fixed);
  svg.precision(1);
  svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << ' ' << height << "\" width=\"" << width
      << "\" height=\"" << height << "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#444\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<clipPath id=\"plot\"><rect x=\"" << left << "\" y=\""
      << top << "\" width=\"" << width - left - right << "\" height=\"" << height - top - bottom << "\"/></clipPath>\n"
      << "<text x=\"" << left << "\" y=\"28\" font-size=\"17\" font-weight=\"bold\" fill=\"#222\">" << escape_xml(title)
      << "</text>\n<text x=\"" << (left + width - right) / 2 << "\" y=\"" << height - 14 << "\" text-anchor=\"middle\">"
      << escape_xml(x_label) << "</text>\n";

  for (const double tick : y_axis.ticks())
    svg << "<path d=\"M" << left << ' ' << y_axis(tick) << 'H' << width - right << "\" stroke=\"#e4e4e4\"/><text x=\""
        << left - 8 << "\" y=\"" << y_axis(tick) + 4.5 << "\" text-anchor=\"end\">" << y_axis.label(tick)
        << "</text>\n";
  for (const double tick : x_axis.ticks())
    svg << "<path d=\"M" << x_axis(tick) << ' ' << height - bottom << "v5\" stroke=\"#888\"/><text x=\"" << x_axis(tick)
        << "\" y=\"" << height - bottom + 20 << "\" text-anchor=\"middle\">" << x_axis.label(tick) << "</text>\n";
  svg << "<path d=\"M" << left << ' ' << height - bottom << 'H' << width - right << "\" stroke=\"#888\"/>\n";

  using Values = std::vector<double>;
  const auto draw = [&](const Values& x, const Values& y, std::size_t line, const char* look) {
    svg << "<path fill=\"none\" clip-path=\"url(#plot)\" stroke-linejoin=\"round\" stroke-linecap=\"round\" stroke=\""
        << colours[line % colours.size()] << "\" " << look << " d=\"";
    const double beyond = 10 * height;  // far outside of the picture; renderers dislike numbers that are huge
    bool pen_down = false;
    for (const std::size_t i : thin(y, most_points)) {
      if (!drawable(y[i]) || !drawable(x[i])) {
        pen_down = false;
        continue;
      }
      svg << (pen_down ? 'L' : 'M') << x_axis(x[i]) << ' ' << std::clamp(y_axis(y[i]), -beyond, beyond);
      if (!pen_down) svg << "h.1";  // with round ends, a lone point is a dot
      pen_down = true;
    }
    svg << "\"/>\n";
  };
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i].noisy) draw(lines[i].x, all[i].y, i, "stroke-width=\"1\" stroke-opacity=\"0.25\"");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& [x, y, noisy] = lines[i];
    draw(x, y, i, "stroke-width=\"2\"");
    for (std::size_t k = 0; k < y.size() && y.size() <= most_dots; ++k)
      if (drawable(x[k]) && drawable(y[k]))
        svg << "<circle cx=\"" << x_axis(x[k]) << "\" cy=\"" << y_axis(y[k]) << "\" r=\"3\" fill=\""
            << colours[i % colours.size()] << "\"/>\n";
  }

  double legend = left;
  for (std::size_t i = 0; i < all.size(); ++i) {
    svg << "<path d=\"M" << legend << " 47h18\" stroke-width=\"3\" stroke=\"" << colours[i % colours.size()]
        << "\"/><text x=\"" << legend + 24 << "\" y=\"51.5\">" << escape_xml(all[i].name) << "</text>\n";
    legend += 48 + 7 * static_cast<double>(all[i].name.size());
  }
  svg << "</svg>\n";
  replace_file(path, svg.str());
}

}  // namespace rival

// rival/image/grid.hpp
// Pictures of 8 bits a channel, and grids of many of them in one.

namespace rival {

/// A picture: row by row, the channels of a pixel together. One channel is grey, three are red, green and blue.
struct Image {
  Index height = 0;                 ///< pixels
  Index width = 0;                  ///< pixels
  Index channels = 1;               ///< 1 or 3
  std::vector<std::uint8_t> bytes;  ///< height * width * channels of them
};

/// The value v in [-1, 1] as a byte: (v + 1) * 127.5, rounded. Values outside are clamped; NaN becomes 0.
template <class S>
std::uint8_t to_byte(S v) {
  if (!(v > S(-1))) return 0;
  if (v >= S(1)) return 255;
  return static_cast<std::uint8_t>(v * S(127.5) + S(128));
}
/// A byte stays what it is, for functions that take values of either kind.
inline std::uint8_t to_byte(std::uint8_t b) { return b; }

/// A tensor of values in [-1, 1] as bytes, in the same shape.
template <class S>
Tensor<std::uint8_t> to_bytes(const Tensor<S>& values) {
  Tensor<std::uint8_t> bytes(values.shape());
  for (Index i = 0; i < values.size(); ++i) bytes[i] = to_byte(values[i]);
  return bytes;
}

/// How images lie in a grid.
struct GridOptions {
  Index columns = 0;            ///< images in a row; 0: as many as make the grid square
  Index padding = 2;            ///< pixels between images and around the grid
  std::uint8_t background = 0;  ///< the grey of the padding and of places without an image
  Index scale = 1;              ///< each pixel of an image becomes a square of scale x scale
};

namespace internal {

/// Throws Error unless the picture is of a kind that image files take.
inline void require_image(const char* what, const Image& image) {
  require(image.channels == 1 || image.channels == 3, what, ": expected an image of 1 or 3 channels, got ",
          image.channels);
  require(image.height >= 1 && image.width >= 1, what, ": expected an image of at least one pixel, got ", image.height,
          "x", image.width);
  require(static_cast<Index>(image.bytes.size()) == Shape{image.height, image.width, image.channels}.size(), what,
          ": an image of ", image.height, "x", image.width, "x", image.channels, " has ",
          image.height * image.width * image.channels, " bytes, got ", image.bytes.size());
}

}  // namespace internal

/// A batch of images {N, H, W, C} with values in [-1, 1] (or bytes), side by side in one picture, row after row.
/// Throws Error unless the tensor holds at least one image of one or three channels, and for options out of range.
template <class S>
Image grid(const Tensor<S>& images, const GridOptions& options = {}) {
  const Shape& shape = images.shape();
  require(images.rank() == 4 && !images.empty() && (shape[3] == 1 || shape[3] == 3),
          "grid: expected N x height x width x 1 or 3, got ", shape);
  require(options.columns >= 0, "grid: expected columns >= 0, got ", options.columns);
  require(options.padding >= 0, "grid: expected padding >= 0, got ", options.padding);
  require(options.scale >= 1, "grid: expected a scale of at least 1, got ", options.scale);

  const Index count = shape[0], height = shape[1], width = shape[2], channels = shape[3], scale = options.scale;
  const Index square = static_cast<Index>(std::ceil(std::sqrt(static_cast<double>(count))));
  const Index columns = std::min(count, options.columns > 0 ? options.columns : square);
  const Index rows = (count + columns - 1) / columns;
  const Index pitch_y = height * scale + options.padding, pitch_x = width * scale + options.padding;

  Image picture{rows * pitch_y + options.padding, columns * pitch_x + options.padding, channels, {}};
  picture.bytes.assign(static_cast<std::size_t>(picture.height * picture.width * channels), options.background);
  for (Index n = 0; n < count; ++n)
    for (Index y = 0; y < height * scale; ++y) {
      const S* row = images.data() + (n * height + y / scale) * width * channels;
      const Index top = options.padding + n / columns * pitch_y + y, left = options.padding + n % columns * pitch_x;
      std::uint8_t* out = picture.bytes.data() + (top * picture.width + left) * channels;
      for (Index x = 0; x < width * scale; ++x)
        for (Index c = 0; c < channels; ++c) *out++ = to_byte(row[x / scale * channels + c]);
    }
  return picture;
}

}  // namespace rival

// rival/image/scatter.hpp
// Points in the plane, drawn over a field of values: samples over a discriminator's scores.

namespace rival {

/// What a scatter plot shows, and how large.
struct ScatterOptions {
  double reach = 1;    ///< the picture shows [-reach, reach] along both axes, y upwards
  Index size = 480;    ///< pixels along a side
  double dot = 1.5;    ///< radius of a point, in pixels
  double mark = 8;     ///< radius of the ring around a marked place, in pixels
  double neutral = 0;  ///< the value of the field that is white; greater ones are red, smaller ones blue
};

/// The places {side * side, 2} at which a field is to be known, for `scatter` to draw it: row by row from the top.
template <class S = float>
Tensor<S> field_places(Index side, double reach) {
  require(side >= 2, "field_places: expected at least 2 places along a side, got ", side);
  Tensor<S> places({side * side, 2});
  const auto along = [&](Index i) { return reach * (2 * static_cast<double>(i) / static_cast<double>(side - 1) - 1); };
  for (Index row = 0; row < side; ++row)
    for (Index column = 0; column < side; ++column) {
      places(row * side + column, 0) = static_cast<S>(along(column));
      places(row * side + column, 1) = static_cast<S>(-along(row));
    }
  return places;
}

namespace internal {

using Colour = std::array<double, 3>;

/// `above` laid over `below`, covering a share of it.
inline Colour blend(const Colour& below, const Colour& above, double share) {
  Colour mixed;
  for (std::size_t c = 0; c < 3; ++c) mixed[c] = below[c] + share * (above[c] - below[c]);
  return mixed;
}

/// From blue at -1 over white at 0 to red at 1, light enough for dark points to stand out.
inline Colour diverging(double t) {
  constexpr std::array<Colour, 7> stops{Colour{67, 121, 178},  Colour{134, 177, 213}, Colour{202, 221, 235},
                                        Colour{248, 247, 245}, Colour{249, 215, 196}, Colour{236, 159, 130},
                                        Colour{208, 95, 82}};
  const double place = (std::clamp(t, -1.0, 1.0) + 1) / 2 * static_cast<double>(stops.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(place), stops.size() - 2);
  return blend(stops[low], stops[low + 1], place - static_cast<double>(low));
}

/// A square picture in the making, and the axes it shows.
class Canvas {
 public:
  Canvas(Index size, double reach) : size_(size), reach_(reach), pixels_(static_cast<std::size_t>(size * size)) {}

  Colour& at(Index row, Index column) { return pixels_[static_cast<std::size_t>(row * size_ + column)]; }

  /// A smooth-edged ring around (x, y) of the plane, of pixels from `inner` to `outer` away; a disk if `inner` is below
  /// 0.
  void ring(double x, double y, double inner, double outer, const Colour& colour, double opacity) {
    const double column = (x / reach_ + 1) / 2 * static_cast<double>(size_) - 0.5;
    const double row = (1 - y / reach_) / 2 * static_cast<double>(size_) - 0.5, room = outer + 1;
    const double last = static_cast<double>(size_ - 1);
    // Written so that NaN is outside too.
    if (!(column > -room && column < last + room && row > -room && row < last + room)) return;
    const auto first = [&](double v) { return static_cast<Index>(std::max(0.0, std::ceil(v - room))); };
    const auto end = [&](double v) { return static_cast<Index>(std::min(last, std::floor(v + room))); };
    for (Index i = first(row); i <= end(row); ++i)
      for (Index j = first(column); j <= end(column); ++j) {
        const double distance = std::hypot(static_cast<double>(i) - row, static_cast<double>(j) - column);
        const double share =
            std::clamp(outer + 0.5 - distance, 0.0, 1.0) * std::clamp(distance - inner + 0.5, 0.0, 1.0);
        if (share > 0) at(i, j) = blend(at(i, j), colour, opacity * share);
      }
  }

  Image image() const {
    Image picture{size_, size_, 3, {}};
    picture.bytes.reserve(3 * pixels_.size());
    for (const Colour& pixel : pixels_)
      for (const double value : pixel) picture.bytes.push_back(static_cast<std::uint8_t>(std::lround(value)));
    return picture;
  }

 private:
  Index size_;
  double reach_;
  std::vector<Colour> pixels_;
};

}  // namespace internal

/// A colour picture of `points` {N, 2} as dark dots, over the values `field` at the places of `field_places`, with a
/// ring around each of `marks` {M, 2}. What is twice the field's median distance from `neutral` has three quarters of
/// the colours' range, and still larger values are told apart less and less, so that a few do not bleach the rest.
/// Throws Error for tensors of other shapes and options out of range. Points that are not in the picture are left out.
template <class S>
Image scatter(const Tensor<S>& points, const Tensor<S>& field, const Tensor<S>& marks,
              const ScatterOptions& options = {}) {
  using internal::Colour;
  for (const Tensor<S>* places : {&points, &marks})
    require(places->rank() == 2 && places->dim(1) == 2, "scatter: expected points and marks, N x 2, got ",
            places->shape());
  const auto side = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(field.size()))));
  require(side >= 2 && side * side == field.size(),
          "scatter: expected a field of at least 2 x 2 values in a square, got ", field.size());
  require(options.size >= 2 && options.size <= 8192, "scatter: expected a size of 2 to 8192 pixels, got ",
          options.size);
  require(options.reach > 0 && is_finite(options.reach), "scatter: expected a positive reach, got ", options.reach);

  std::vector<double> values, distances;
  for (Index i = 0; i < field.size(); ++i) {
    const double value = static_cast<double>(field[i]) - options.neutral;
    values.push_back(is_finite(value) ? value : 0);
    distances.push_back(std::abs(values.back()));
  }
  const auto middle = distances.begin() + field.size() / 2;
  std::nth_element(distances.begin(), middle, distances.end());
  const double unit = *middle > 0 ? 2 * *middle : 1;

  internal::Canvas canvas(options.size, options.reach);
  const double step = static_cast<double>(side - 1) / static_cast<double>(options.size);
  for (Index row = 0; row < options.size; ++row)
    for (Index column = 0; column < options.size; ++column) {
      const double y = (static_cast<double>(row) + 0.5) * step, x = (static_cast<double>(column) + 0.5) * step;
      const auto top = std::min(static_cast<Index>(y), side - 2), left = std::min(static_cast<Index>(x), side - 2);
      const double down = y - static_cast<double>(top), right = x - static_cast<double>(left);
      const double* corner = values.data() + top * side + left;
      const double value = (1 - down) * ((1 - right) * corner[0] + right * corner[1]) +
                           down * ((1 - right) * corner[side] + right * corner[side + 1]);
      canvas.at(row, column) = internal::diverging(std::tanh(value / unit));
    }
  for (Index i = 0; i < marks.dim(0); ++i)
    canvas.ring(static_cast<double>(marks(i, 0)), static_cast<double>(marks(i, 1)), options.mark - 0.75,
                options.mark + 0.75, Colour{90, 90, 90}, 0.8);
  for (Index i = 0; i < points.dim(0); ++i)
    canvas.ring(static_cast<double>(points(i, 0)), static_cast<double>(points(i, 1)), -1, options.dot,
                Colour{24, 32, 48}, 0.45);
  return canvas.image();
}

}  // namespace rival

// rival/io/npy.hpp
// NumPy's .npy files: a tensor a file.
//
//     \x93NUMPY     then the format's version (1.0, 2.0 or 3.0) in two bytes
//     length        of the header, little endian, in two bytes for 1.0 and four for later ones
//     header        a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
//     the values    row by row, or column by column in Fortran order
//
// The format's own page: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

#include <concepts>

namespace rival {

/// What can be written to NumPy's files, and is read from them.
template <class T>
concept NpyValue =
    std::same_as<T, std::uint8_t> || std::same_as<T, std::int64_t> || std::same_as<T, float> || std::same_as<T, double>;

/// A tensor of whichever of these types a file holds.
using NpyArray = std::variant<Tensor<std::uint8_t>, Tensor<std::int64_t>, Tensor<float>, Tensor<double>>;

namespace internal {

/// NumPy's name of the type, and how a file's header says it behind the byte order.
template <NpyValue T>
struct NpyType;
template <>
struct NpyType<std::uint8_t> {
  static constexpr std::string_view name = "uint8", code = "u1";
};
template <>
struct NpyType<std::int64_t> {
  static constexpr std::string_view name = "int64", code = "i8";
};
template <>
struct NpyType<float> {
  static constexpr std::string_view name = "float32", code = "f4";
};
template <>
struct NpyType<double> {
  static constexpr std::string_view name = "float64", code = "f8";
};

/// What a header says.
struct NpyHeader {
  char byte_order = '|';  ///< '<' little endian, '>' big endian, '|' where there is none
  std::string type;       ///< behind the byte order, such as "f4"
  bool fortran_order = false;
  Shape shape;
};

/// Reads a Python dictionary with the keys 'descr' (a string), 'fortran_order' (True or False) and 'shape' (a tuple of
/// numbers), each once and in any order, and nothing else but spaces.
class NpyHeaderParser {
 public:
  NpyHeaderParser(const std::string& what, std::string_view text) : what_(what), text_(text) {}

  /// Throws Error for any other text.
  NpyHeader parse() {
    bool type = false, order = false, extents = false;
    expect('{');
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !std::exchange(type, true))
        read_type();
      else if (key == "fortran_order" && !std::exchange(order, true))
        header_.fortran_order = truth();
      else if (key == "shape" && !std::exchange(extents, true))
        read_shape();
      else
        refuse(dictionary);
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip();
    if (!type || !order || !extents || at_ != text_.size()) refuse(dictionary);
    return header_;
  }

 private:
  static constexpr std::string_view dictionary = "a dictionary of 'descr', 'fortran_order' and 'shape'";

  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  bool take(char wanted) {
    skip();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) refuse(dictionary);
  }
  std::string_view quoted() {
    skip();
    const char mark = at_ < text_.size() ? text_[at_] : ' ';
    if (mark != '\'' && mark != '"') refuse(dictionary);
    const std::size_t begin = at_ + 1, end = text_.find(mark, begin);
    if (end == std::string_view::npos) refuse(dictionary);
    at_ = end + 1;
    return text_.substr(begin, end - begin);
  }
  void read_type() {
    skip();
    if (at_ < text_.size() && (text_[at_] == '[' || text_[at_] == '('))
      fail(what_, ": expected an array of numbers, got one of a structured type");
    const std::string_view descr = quoted();
    if (descr.size() < 2 || std::string_view("<>|").find(descr[0]) == std::string_view::npos)
      refuse("a type such as '<f4'");
    if (descr[1] == 'O') fail(what_, ": expected an array of numbers, got one of Python objects, which are pickled");
    header_.byte_order = descr[0];
    header_.type = descr.substr(1);
  }
  bool truth() {
    skip();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    refuse("True or False for 'fortran_order'");
  }
  /// (), (2,), (2, 3) or (2, 3,): a single number has its comma.
  void read_shape() {
    skip();
    const std::size_t begin = at_;
    if (!take('(')) refuse("a shape of whole numbers");
    bool comma = true;
    Index elements = 1;  // without the zeros, so that a zero does not hide what overflows
    while (!take(')')) {
      if (!comma) refuse("a shape of whole numbers");
      const Index extent = number(begin);
      if (header_.shape.rank() == Shape::max_rank ||
          (extent > 0 && elements > std::numeric_limits<Index>::max() / extent))
        too_large(begin);
      elements *= std::max<Index>(extent, 1);
      header_.shape.push_back(extent);
      comma = take(',');
    }
    if (header_.shape.rank() == 1 && !comma) refuse("a shape of whole numbers");
  }
  Index number(std::size_t shape_begin) {
    skip();
    const std::size_t begin = at_;
    Index value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const Index digit = text_[at_] - '0';
      if (value > (std::numeric_limits<Index>::max() - digit) / 10) too_large(shape_begin);
      value = 10 * value + digit;
    }
    if (at_ == begin || (text_[begin] == '0' && at_ > begin + 1)) refuse("a shape of whole numbers");
    return value;
  }
  [[noreturn]] void too_large(std::size_t begin) const {
    const std::string_view rest = text_.substr(begin);
    fail(what_, ": its shape ", printable(rest.substr(0, rest.find(')'))),
         ") has more elements or axes than a tensor can have");
  }
  [[noreturn]] void refuse(std::string_view expected) const {
    fail(what_, ": expected ", expected, ", got ", printable(text_));
  }
  /// As one short line.
  static std::string printable(std::string_view text) {
    constexpr std::size_t most = 200;
    const std::size_t last = text.find_last_not_of(" \n");
    text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    std::string line(text.substr(0, most));
    for (char& c : line)
      if (c < ' ' || c > '~') c = '?';
    return text.size() > most ? line + "..." : line;
  }

  const std::string& what_;
  std::string_view text_;
  std::size_t at_ = 0;
  NpyHeader header_;
};

/// What comes in front of the values that are written: format 1.0, C order, this machine's byte order.
template <NpyValue T>
std::string npy_start(const Shape& shape) {
  std::string extents;
  for (const Index extent : shape) extents += (extents.empty() ? "" : ", ") + std::to_string(extent);
  if (shape.rank() == 1) extents += ',';
  const char order = sizeof(T) == 1 ? '|' : std::endian::native == std::endian::little ? '<' : '>';
  std::string header =
      concatenate("{'descr': '", order, NpyType<T>::code, "', 'fortran_order': False, 'shape': (", extents, "), }");
  header.append(63 - (10 + header.size()) % 64, ' ');  // the values begin at a multiple of 64 bytes
  header += '\n';
  std::string start = "\x93NUMPY\x01";
  for (const std::size_t byte : {std::size_t{0}, header.size() & 0xff, header.size() >> 8})
    start += static_cast<char>(byte);
  return start + header;
}

/// What a file that does not begin as npy files do may be; for the end of an error.
inline std::string guess_npy(std::string_view start) {
  if (start.starts_with("PK")) return " (it is a zip archive, perhaps an npz file: use read_npz)";
  if (start.starts_with('\x80')) return " (it is a pickle, which is not read: save the array by numpy.save)";
  return guess_file(start);
}

/// Reads all up to the values.
inline NpyHeader read_npy_header(ByteSource& source, const std::string& what, std::uint64_t& bytes_read) {
  const auto read = [&](void* out, std::size_t count) {
    const std::size_t got = source.read(out, count);
    bytes_read += got;
    return got;
  };
  const auto read_whole = [&](void* out, std::size_t count) {
    require(read(out, count) == count, what, ": ends inside its header");
  };
  std::array<char, 8> start{};
  const std::string_view begins(start.data(), read(start.data(), start.size())), magic = "\x93NUMPY";
  if (begins.substr(0, 6) != magic.substr(0, begins.size())) {
    std::string more(begins);
    more.resize(64);
    more.resize(begins.size() + read(more.data() + begins.size(), more.size() - begins.size()));
    fail(what, ": it does not begin as npy files do", guess_npy(more));
  }
  require(begins.size() == start.size(), what, ": ends inside its header");
  require(start[6] >= 1 && start[6] <= 3 && start[7] == 0, what, ": expected format 1.0, 2.0 or 3.0, got ",
          +static_cast<unsigned char>(start[6]), ".", +static_cast<unsigned char>(start[7]));
  std::array<unsigned char, 4> length{};
  read_whole(length.data(), start[6] == 1 ? 2 : 4);
  const std::uint32_t header_size =
      length[0] | std::uint32_t{length[1]} << 8 | std::uint32_t{length[2]} << 16 | std::uint32_t{length[3]} << 24;
  constexpr std::uint32_t most_header = 1 << 16;  // of what a library needs for arrays of numbers, some hundred times
  require(header_size <= most_header, what, ": expected a header of at most ", most_header, " bytes, got ",
          header_size);
  require(header_size <= source.size() - bytes_read, what, ": ends inside its header");
  std::string header(header_size, ' ');
  read_whole(header.data(), header_size);
  return NpyHeaderParser(what, header).parse();
}

/// Fortran's order counts the first axis fastest, C's the last.
template <class T>
Tensor<T> from_fortran_order(const Tensor<T>& values) {
  const Shape& shape = values.shape();
  Tensor<T> out(shape);
  std::array<Index, Shape::max_rank> at{}, step{};
  Index before = 1;
  for (Index axis = 0; axis < shape.rank(); ++axis)
    step[static_cast<std::size_t>(axis)] = std::exchange(before, before * shape[axis]);
  for (Index i = 0, from = 0; i < out.size(); ++i) {
    out[i] = values[from];
    for (Index axis = shape.rank() - 1; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      from += step[a];
      if (++at[a] < shape[axis]) break;
      from -= step[a] * std::exchange(at[a], 0);
    }
  }
  return out;
}

template <NpyValue T>
Tensor<T> read_npy_values(ByteSource& source, const NpyHeader& header, std::uint64_t before, const std::string& what) {
  const std::uint64_t there = source.size() - before;
  const auto count = static_cast<std::uint64_t>(header.shape.size());
  // Only what is there is worth memory.
  require(there / sizeof(T) == count && there % sizeof(T) == 0, what, ": expected ", header.shape, " values of ",
          sizeof(T), " bytes, got ", there, " bytes");
  Tensor<T> values;
  values.resize(header.shape);
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T), got = source.read(values.data(), bytes);
  require(got == bytes, what, ": expected ", header.shape, " values of ", sizeof(T), " bytes, got ", got, " bytes");
  if (sizeof(T) > 1 && (header.byte_order == '<') != (std::endian::native == std::endian::little)) {
    auto* byte = reinterpret_cast<unsigned char*>(values.data());
    for (std::size_t i = 0; i < bytes; i += sizeof(T)) std::reverse(byte + i, byte + i + sizeof(T));
  }
  return header.fortran_order ? from_fortran_order(values) : std::move(values);
}

/// Calls `use` with a value of the type that the header names.
template <class Use>
auto with_npy_type(const NpyHeader& header, const std::string& what, Use use) {
  const auto is = [&]<NpyValue T>(T) {
    return header.type == NpyType<T>::code && (sizeof(T) == 1 || header.byte_order != '|');
  };
  if (is(std::uint8_t{})) return use(std::uint8_t{});
  if (is(std::int64_t{})) return use(std::int64_t{});
  if (is(float{})) return use(float{});
  if (is(double{})) return use(double{});
  fail(what, ": expected values of type uint8, int64, float32 or float64, got '", header.byte_order, header.type, "'");
}

inline NpyArray read_npy_array_from(ByteSource& source, const std::string& what) {
  std::uint64_t before = 0;
  const NpyHeader header = read_npy_header(source, what, before);
  return with_npy_type(header, what,
                       [&]<NpyValue T>(T) -> NpyArray { return read_npy_values<T>(source, header, before, what); });
}

template <NpyValue T>
Tensor<T> read_npy_from(ByteSource& source, const std::string& what) {
  std::uint64_t before = 0;
  const NpyHeader header = read_npy_header(source, what, before);
  return with_npy_type(header, what, [&]<NpyValue There>(There) -> Tensor<T> {
    if constexpr (std::same_as<There, T>)
      return read_npy_values<T>(source, header, before, what);
    else
      fail(what, ": expected values of type ", NpyType<T>::name, ", got ", NpyType<There>::name);
  });
}

}  // namespace internal

/// Writes a tensor as an .npy file (format 1.0, C order, this machine's byte order). Throws Error, and leaves an
/// earlier file as it was, when it cannot be written.
template <NpyValue T>
void write_npy(const std::filesystem::path& path, const Tensor<T>& tensor) {
  FileWriter file(path);
  file.write(internal::npy_start<T>(tensor.shape()));
  file.write(tensor.data(), static_cast<std::size_t>(tensor.size()) * sizeof(T));
  file.commit();
}

/// Reads an .npy file of Ts, of any byte order. What is in Fortran order comes in C order. Throws Error for a file that
/// is missing, damaged, too short or too long, and for one of other values; objects are never unpickled.
template <NpyValue T>
Tensor<T> read_npy(const std::filesystem::path& path) {
  internal::FileSource file("npy file", path);
  return internal::read_npy_from<T>(file, file.what());
}

/// The same for whichever type the file holds.
inline NpyArray read_npy_array(const std::filesystem::path& path) {
  internal::FileSource file("npy file", path);
  return internal::read_npy_array_from(file, file.what());
}

/// The same from bytes in memory. Errors begin with `what`.
inline NpyArray parse_npy(std::string_view bytes, const std::string& what = "npy") {
  internal::MemorySource memory(bytes);
  return internal::read_npy_array_from(memory, what);
}

}  // namespace rival

// rival/layers/augment.hpp
// Augment: the same kind of random changes to real and generated images, in front of a discriminator.

namespace rival {

/// 0 leaves a kind of change away.
struct AugmentOptions {
  double translation = 0;  ///< the largest shift, as a share of height and width; 0.125 in the paper
  double cutout =
      0;  ///< height and width of the square that is set to zero, as shares of the image's; 0.5 in the paper
  double brightness =
      0;  ///< the largest number that is added to all pixels, or taken away; 0.5 in the paper, for [-1, 1]

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("translation", o.translation);
    f("cutout", o.cutout);
    f("brightness", o.brightness);
  }
};

/// Training: each image becomes brighter or darker by an amount uniform in [-brightness, brightness), is shifted by
/// whole pixels, where zeros move in, and a rectangle somewhere in it, perhaps partly outside, is set to zero.
/// Evaluation: the identity. The first layer of a discriminator, which then never sees an image as it is and cannot
/// learn a small data set by heart; gradients go through it to the generator (Zhao, Liu, Lin, Zhu and Han,
/// "Differentiable augmentation for data-efficient GAN training", 2020):
///
///     Augment({.translation = 0.125, .cutout = 0.5, .brightness = 0.5})
///
/// The changes come from the layer's own random stream, five numbers for each image whatever the options. `forward`
/// reads the stream where it stands; `commit` moves it on.
template <class S = float>
class Augment : public Layer<S> {
 public:
  using Options = AugmentOptions;  ///< what it is made from
  /// Throws Error unless translation and cutout are in [0, 1] and brightness >= 0.
  explicit Augment(const AugmentOptions& options) : options_(options) {
    require(options.translation >= 0 && options.translation <= 1, "augment: expected `translation` in [0, 1], got ",
            options.translation);
    require(options.cutout >= 0 && options.cutout <= 1, "augment: expected `cutout` in [0, 1], got ", options.cutout);
    require(options.brightness >= 0, "augment: expected `brightness` >= 0, got ", options.brightness);
  }

  std::string_view kind() const override { return "augment"; }
  Description describe() const override { return rival::describe("augment", options_); }
  /// The options that it was made with.
  const AugmentOptions& options() const { return options_; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images of H x W x C, got ", input);
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    output_shape(x.shape().sample());
    trace.input = &x;
    trace.mode = pass.mode;
    if (pass.mode == Mode::eval) {
      trace.output.alias(x, x.shape());
      return trace.output;
    }
    Random stream = stream_;
    stream.fill_uniform(trace.save(0, {x.dim(0), draws}));
    change(x, trace, trace.output, true);
    return trace.output;
  }

  /// Shifts back, and leaves out the gradient of what was cut out.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    if (trace.mode == Mode::eval) {
      *dx = dy;
      return;
    }
    for_each_image(dy, trace, *dx,
                   [&](const Change& c, const S* from, S* to) { move(c.shift_back(), dy.shape(), from, to, S(0)); });
  }

  Curvature curvature() const override { return Curvature::linear; }

  /// What is added to the pixels belongs to the affine map, not to that of tangents.
  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    if (trace.mode == Mode::eval)
      trace.output_tangent.alias(x_tangent, x_tangent.shape());
    else
      change(x_tangent, trace, trace.output_tangent, pass.affine);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  void commit(const Trace<S>& trace) override {
    constexpr std::uint64_t per_block = 16 / sizeof(S);  // numbers that fill_uniform makes of one block
    if (trace.mode == Mode::train)
      stream_.skip((static_cast<std::uint64_t>(trace.saved[0].size()) + per_block - 1) / per_block);
  }

  void collect(State<S>& state) override { state.streams.emplace_back(this->name(), &stream_); }
  void initialise(const Initialiser<S>&, const Random& random) override { stream_ = random.stream(this->name()); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Augment>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static constexpr Index draws = 5;  // for each image: brightness, shift down and right, place of the cut

  /// What happens to one image: pixel (i, j) goes to (i + down, j + right), unless that lies outside or in the rows
  /// [top, bottom) and columns [left, right_end) that are cut.
  struct Change {
    Index down = 0, right = 0, top = 0, bottom = 0, left = 0, right_end = 0;
    S brightness = 0;

    /// The transpose: the same pixels the other way.
    Change shift_back() const {
      return {-down, -right, top - down, bottom - down, left - right, right_end - right, S(0)};
    }
  };

  /// A draw from [0, 1) as one of `count` whole numbers from `first` on.
  static Index whole(S draw, Index first, Index count) {
    return first + std::min(count - 1, static_cast<Index>(static_cast<double>(draw) * static_cast<double>(count)));
  }
  static Index share(double of_extent, Index extent) {
    return static_cast<Index>(of_extent * static_cast<double>(extent) + 0.5);
  }

  /// In the ranges of the paper's program: the centre of a cut lies anywhere in the image.
  Change change_of(const S* draw, Index h, Index w) const {
    const Index most_h = share(options_.translation, h), most_w = share(options_.translation, w);
    const Index cut_h = share(options_.cutout, h), cut_w = share(options_.cutout, w);
    const Index top = whole(draw[3], 0, h + 1 - cut_h % 2) - cut_h / 2,
                left = whole(draw[4], 0, w + 1 - cut_w % 2) - cut_w / 2;
    return {whole(draw[1], -most_h, 2 * most_h + 1),
            whole(draw[2], -most_w, 2 * most_w + 1),
            top,
            top + cut_h,
            left,
            left + cut_w,
            static_cast<S>(options_.brightness) * (S(2) * draw[0] - S(1))};
  }

  void change(const Tensor<S>& x, const Trace<S>& trace, Tensor<S>& y, bool brightness) const {
    for_each_image(x, trace, y, [&](const Change& c, const S* from, S* to) {
      move(c, x.shape(), from, to, brightness ? c.brightness : S(0));
    });
  }

  template <class Body>
  void for_each_image(const Tensor<S>& from, const Trace<S>& trace, Tensor<S>& to, const Body& body) const {
    to.resize(from.shape());
    const Index h = from.dim(1), w = from.dim(2), size = h * w * from.dim(3);
    const S* draw = trace.saved[0].data();
    parallel_for(from.dim(0), 2.0 * static_cast<double>(from.size()), [&](Index n) {
      body(change_of(draw + n * draws, h, w), from.data() + n * size, to.data() + n * size);
    });
  }

  /// Row by row, `to` is zero but where a pixel comes from `from`, to which `offset` is added.
  static void move(const Change& change, const Shape& images, const S* from, S* to, S offset) {
    const Index h = images[1], w = images[2], c = images[3];
    const Index begin = std::clamp<Index>(change.right, 0, w), end = std::clamp<Index>(w + change.right, begin, w);
    const Index cut_begin = std::clamp<Index>(change.left, 0, w), cut_end = std::clamp<Index>(change.right_end, 0, w);
    for (Index i = 0; i < h; ++i, to += w * c) {
      const Index row = i - change.down;
      if (row < 0 || row >= h) {
        std::fill(to, to + w * c, S(0));
        continue;
      }
      const Index source = (row * w - change.right) * c;
      std::fill(to, to + begin * c, S(0));
      for (Index k = begin * c; k < end * c; ++k) to[k] = from[source + k] + offset;
      std::fill(to + end * c, to + w * c, S(0));
      if (i >= change.top && i < change.bottom) std::fill(to + cut_begin * c, to + cut_end * c, S(0));
    }
  }

  AugmentOptions options_;
  Random stream_;
};

RIVAL_INSTANTIATE_CLASS(Augment);

}  // namespace rival

// rival/layers/equalised.hpp
// Equalised: a layer whose weights are all of size 1, and scaled when they are used.

namespace rival {

/// What an Equalised layer multiplies its weight by.
struct EqualisedOptions {
  double gain = 1;  ///< sqrt(2) keeps the size of signals through ReLUs

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("gain", o.gain);
  }
};

/// The layer L (dense, convolution, transposed convolution) with the weight W gain / sqrt(fan_in) in place of W, and W
/// drawn from a normal distribution of deviation 1 whatever the initialiser (Karras, Aila, Laine and Lehtinen,
/// "Progressive growing of GANs", 2018: the equalised learning rate):
///
///     Equalised(Conv2d({.in = 64, .out = 128}))
///
/// Optimisers that divide by the size of the gradient, such as Adam, move every weight as far, whatever its fan.
template <PlainWeighted L>
class Equalised : public L {
 public:
  static constexpr bool wrapped = true;  ///< no second wrapper goes around it
  using S = typename L::Scalar;          ///< of the layer within

  /// Throws Error unless gain > 0.
  explicit Equalised(const L& layer, const EqualisedOptions& options = {})
      : L(layer),
        options_(options),
        factor_(static_cast<S>(options.gain / std::sqrt(static_cast<double>(this->fan().in)))),
        kind_("equalised " + std::string(layer.kind())),
        short_name_(layer.short_name()) {
    require(factor_ > S(0) && is_finite(factor_), kind_, ": expected a positive, finite gain, got ", options.gain);
  }

  /// "equalised" and L's kind.
  std::string_view kind() const override { return kind_; }
  /// Of L: equalised or not, the first convolution is "conv1".
  std::string_view short_name() const override { return short_name_; }
  /// The gain, and L's description within.
  Description describe() const override {
    return internal::describe_around(rival::describe("equalised", options_), L::describe());
  }

  /// What W is multiplied by.
  S factor() const { return factor_; }

  /// Weights normal with deviation 1, biases 0.
  void initialise(const Initialiser<S>&, const Random& random) override { L::initialise(normal<S>(0, 1), random); }

  /// A copy with parameters of its own.
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Equalised>(*this); }
  /// Takes over all of another layer of this kind, L's options too.
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  /// factor W, kept in the trace.
  const Tensor<S>& make_weight(Trace<S>& trace, Mode) const override {
    const Tensor<S>& w = this->weight().value;
    Tensor<S>& used = trace.save(saved_weight, w.shape());
    for_blocks(
        [&](Index begin, Index size) { used.array().segment(begin, size) = factor_ * w.array().segment(begin, size); });
    return used;
  }
  /// The one of that trace's forward pass.
  const Tensor<S>& made_weight(const Trace<S>& trace) const override { return trace.saved[saved_weight]; }

  /// Where dW of the scaled weight is added, set to zero.
  Tensor<S>& weight_gradient(Trace<S>& trace) override {
    Tensor<S>& gradient = trace.save(saved_gradient, this->weight().value.shape());
    gradient.fill(S(0));
    return gradient;
  }
  /// Adds the factor times that gradient to W's.
  void finish_weight_gradient(Trace<S>& trace) override {
    const Tensor<S>& gradient = trace.saved[saved_gradient];
    Tensor<S>& dw = this->weight().grad;
    for_blocks([&](Index begin, Index size) {
      dw.array().segment(begin, size) += factor_ * gradient.array().segment(begin, size);
    });
  }

 private:
  // The places in Trace::saved.
  static constexpr std::size_t saved_weight = L::first_place, saved_gradient = saved_weight + 1;

  template <class Body>
  void for_blocks(const Body& body) const {
    const Index size = this->weight().value.size();
    parallel_blocks(size, 4096, static_cast<double>(size), [&](Index begin, Index end) { body(begin, end - begin); });
  }

  EqualisedOptions options_;
  S factor_;
  std::string kind_, short_name_;
};

RIVAL_INSTANTIATE_FLOAT(class Equalised<Conv1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class Equalised<Conv1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class Equalised<ConvTranspose1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class Equalised<ConvTranspose1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class Equalised<Conv2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class Equalised<Conv2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class Equalised<ConvTranspose2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class Equalised<ConvTranspose2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class Equalised<Dense<float>>);
RIVAL_INSTANTIATE_DOUBLE(class Equalised<Dense<double>>);

}  // namespace rival

// rival/layers/group_norm.hpp
// GroupNorm: each sample's groups of channels to mean 0 and variance 1, then to a learnt scale and shift of each
// channel. InstanceNorm (instance_norm.hpp) and LayerNorm (layer_norm.hpp) are the same with other groups.

namespace rival {

/// What a GroupNorm normalises, and how.
struct GroupNormOptions {
  Index groups = 0;       ///< of neighbouring channels, all of one size
  Index features = 0;     ///< the last axis: channels of images, columns of vectors
  double epsilon = 1e-5;  ///< added to the variance
  bool affine = true;     ///< whether there are a weight and a bias to learn for each channel

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("groups", o.groups);
    f("features", o.features);
    f("epsilon", o.epsilon);
    f("affine", o.affine);
  }
};

namespace internal {

/// Normalises within samples. All values x of a group of channels of one sample, at all its pixels, have a mean m and a
/// variance v, and r = 1 / sqrt(v + epsilon); w and b are their channels' weight and bias. With `<.>` the mean over the
/// group:
///
///     forward:          x^ = r (x - m),  y = w x^ + b
///     backward, of u = w dy:
///                       dx = r (u - <u> - x^ <u x^>),  dw += sum of dy x^,  db += sum of dy
///     forward_tangent:  with p = <x'> and q = <x' x^>: m' = p and r' = -r^2 q, so
///                       x^' = r (x' - p - x^ q),  y' = w x^'
///     backward_tangent, of u' = w dy': the derivatives of backward's two lines,
///                       dx' = -r q dx + r (u' - <u'> - x^' <u x^> - x^ (<u' x^> + <u x^'>)),
///                       dw += sum of dy' x^ + dy x^',  db += sum of dy'
///                       where <u x^'> = r (<u (x' - p)> - q <u x^>).
///
/// So every pass needs the sums over each channel of one or two products, and then writes a sum of its inputs with a
/// factor for each channel: two sweeps.
template <class S>
class SampleNorm : public Layer<S> {
 public:
  std::string_view kind() const override { return kind_; }

  /// {features}. Without `affine` it is 1 and no parameter, and the bias is 0.
  Parameter<S>& weight() { return weight_; }
  Parameter<S>& bias() { return bias_; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1 && input.back() == features_, *this, ": expected ", features_,
            " features on the last axis, got ", input);
    require(input.size() > groups_, *this, ": expected more than one value to normalise together, got ", input, " in ",
            groups_, groups_ == 1 ? " group" : " groups");
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    const Sizes size = sizes(x);
    output_shape(x.shape().sample());
    trace.input = &x;
    trace.output.resize(x.shape());
    Tensor<S>& mean = trace.save(saved_mean, {size.samples, groups_});
    Tensor<S>& inverse = trace.save(saved_inverse, {size.samples, groups_});
    const TaskScratch<S> space(2 * features_);
    parallel_for(size.samples, static_cast<double>(x.size()) / 2, [&](Index n, Index worker) {
      S *centre = space.of(worker), *scale = centre + features_, *y = trace.output.data() + n * size.sample;
      kernels::sample_moments(size.pixels, features_, x.data() + n * size.sample, centre, scale);
      for (Index g = 0; g < groups_; ++g) {
        ArrayMap<S> means = in_group(centre, g), variances = in_group(scale, g);
        const S m = means.mean(), r = S(1) / std::sqrt(variances.mean() + (means - m).square().mean() + epsilon_);
        mean[n * groups_ + g] = m;
        inverse[n * groups_ + g] = r;
        means.setConstant(m);
        variances = in_group(weight_.value.data(), g) * r;
      }
      kernels::combine_channels(size.pixels, features_, y, {y, pass.slope}, bias_.value.data(),
                                kernels::Centred<S>{x.data() + n * size.sample, centre, scale});
    });
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    const bool parameters = pass.parameters && affine_;
    if (!dx && !parameters) return;
    const Tensor<S>& x = *trace.input;
    const Sizes size = sizes(x);
    if (dx) dx->resize(x.shape());
    Tensor<S>& sums = trace.save(saved_sums, {size.samples, features_});
    Tensor<S>& products = trace.save(saved_products, {size.samples, features_});
    const TaskScratch<S> space(4 * features_);
    parallel_for(size.samples, static_cast<double>(x.size()) / 2, [&](Index n, Index worker) {
      S *centre = space.of(worker), *on_dy = centre + features_, *on_x = on_dy + features_,
        *constant = on_x + features_;
      const S *x_n = x.data() + n * size.sample, *dy_n = dy.data() + n * size.sample;
      S *sum = sums.data() + n * features_, *product = products.data() + n * features_;
      spread(trace.saved[saved_mean], n, centre);
      kernels::sample_sums(size.pixels, features_, dy_n, x_n, centre, sum, product);
      for (Index g = 0; g < groups_; ++g) {
        const S r = trace.saved[saved_inverse][n * groups_ + g];
        const auto w = in_group(weight_.value.data(), g);
        in_group(product, g) *= r;  // sum of dy x^
        const S u = (w * in_group(sum, g)).sum() / size.group, ux = (w * in_group(product, g)).sum() / size.group;
        in_group(on_dy, g) = r * w;
        in_group(on_x, g).setConstant(-r * r * ux);
        in_group(constant, g).setConstant(-r * u);
      }
      if (dx)
        kernels::combine_channels(size.pixels, features_, dx->data() + n * size.sample, {x_n, pass.slope}, constant,
                                  kernels::Scaled<S>{dy_n, on_dy}, kernels::Centred<S>{x_n, centre, on_x});
    });
    if (parameters) add_gradients(products, &sums);
  }

  Curvature curvature() const override { return Curvature::curved; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    const Tensor<S>& x = *trace.input;
    const Sizes size = sizes(x);
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(x.shape());
    Tensor<S>& mean_tangent = trace.save(saved_mean_tangent, {size.samples, groups_});
    Tensor<S>& slant = trace.save(saved_slant, {size.samples, groups_});
    const TaskScratch<S> space(6 * features_);
    parallel_for(size.samples, static_cast<double>(x.size()) / 2, [&](Index n, Index worker) {
      S *centre = space.of(worker), *on_tangent = centre + features_, *on_x = on_tangent + features_,
        *constant = on_x + features_, *sum = constant + features_, *product = sum + features_;
      const S *x_n = x.data() + n * size.sample, *tangent = x_tangent.data() + n * size.sample;
      spread(trace.saved[saved_mean], n, centre);
      kernels::sample_sums(size.pixels, features_, tangent, x_n, centre, sum, product);
      for (Index g = 0; g < groups_; ++g) {
        const S r = trace.saved[saved_inverse][n * groups_ + g];
        const auto w = in_group(weight_.value.data(), g);
        const S p = in_group(sum, g).sum() / size.group, q = r * in_group(product, g).sum() / size.group;
        mean_tangent[n * groups_ + g] = p;
        slant[n * groups_ + g] = q;
        in_group(on_tangent, g) = r * w;
        in_group(on_x, g) = (-r * r * q) * w;
        in_group(constant, g) = (-r * p) * w;
      }
      const S* gate = pass.gate ? pass.gate + n * size.sample : nullptr;
      kernels::combine_channels(size.pixels, features_, trace.output_tangent.data() + n * size.sample,
                                {gate, pass.slope}, constant, kernels::Scaled<S>{tangent, on_tangent},
                                kernels::Centred<S>{x_n, centre, on_x});
    });
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    if (!dx_tangent && !affine_) return;
    const Tensor<S>& x = *trace.input;
    const Sizes size = sizes(x);
    if (dx_tangent) dx_tangent->resize(x.shape());
    Tensor<S>& sums = trace.save(saved_sums, {size.samples, features_});
    Tensor<S>& products = trace.save(saved_products, {size.samples, features_});
    if (!dy_tangent) products.fill(S(0)), sums.fill(S(0));
    const TaskScratch<S> space(10 * features_);
    parallel_for(size.samples, static_cast<double>(x.size()), [&](Index n, Index worker) {
      S *centre = space.of(worker), *middle = centre + features_, *sum = middle + features_, *product = sum + features_,
        *along = product + features_, *on_dy = along + features_, *on_dy_tangent = on_dy + features_,
        *on_x_tangent = on_dy_tangent + features_, *on_x = on_x_tangent + features_, *constant = on_x + features_;
      const S *x_n = x.data() + n * size.sample, *dy_n = dy.data() + n * size.sample;
      const S* x_tangent = trace.input_tangent->data() + n * size.sample;
      const S* moving = dy_tangent ? dy_tangent->data() + n * size.sample : nullptr;
      S *sum_tangent = sums.data() + n * features_, *product_tangent = products.data() + n * features_;
      spread(trace.saved[saved_mean], n, centre);
      spread(trace.saved[saved_mean_tangent], n, middle);
      kernels::sample_sums(size.pixels, features_, dy_n, x_tangent, middle, sum, along);
      kernels::sample_sums(size.pixels, features_, dy_n, x_n, centre, sum, product);
      if (moving) kernels::sample_sums(size.pixels, features_, moving, x_n, centre, sum_tangent, product_tangent);
      for (Index g = 0; g < groups_; ++g) {
        const S r = trace.saved[saved_inverse][n * groups_ + g], q = trace.saved[saved_slant][n * groups_ + g];
        const auto w = in_group(weight_.value.data(), g);
        const auto group_mean = [&](const S* channel_sums) {
          return (w * in_group(channel_sums, g)).sum() / size.group;
        };
        in_group(product, g) *= r;                                                 // sum of dy x^
        in_group(product_tangent, g) *= r;                                         // sum of dy' x^
        in_group(along, g) = r * (in_group(along, g) - q * in_group(product, g));  // sum of dy x^'
        const S u = group_mean(sum), ux = group_mean(product), moved = group_mean(product_tangent) + group_mean(along);
        in_group(on_dy, g) = (-r * r * q) * w;
        in_group(on_dy_tangent, g) = r * w;
        in_group(on_x_tangent, g).setConstant(-r * r * ux);
        in_group(on_x, g).setConstant(r * (S(2) * r * r * q * ux - r * moved));
        in_group(constant, g).setConstant(r * r * q * u - r * group_mean(sum_tangent));
        in_group(product_tangent, g) += in_group(along, g);  // what dw' adds
      }
      if (!dx_tangent) return;
      const kernels::Scaled<S> by_dy{dy_n, on_dy}, by_dy_tangent{moving, on_dy_tangent};
      const kernels::Centred<S> by_x{x_n, centre, on_x}, by_x_tangent{x_tangent, middle, on_x_tangent};
      S* to = dx_tangent->data() + n * size.sample;
      if (moving)
        kernels::combine_channels(size.pixels, features_, to, {}, constant, by_dy, by_x, by_x_tangent, by_dy_tangent);
      else
        kernels::combine_channels(size.pixels, features_, to, {}, constant, by_dy, by_x, by_x_tangent);
    });
    if (affine_) add_gradients(products, dy_tangent ? &sums : nullptr);
  }

  bool has_parameters() const override { return affine_; }
  void collect(State<S>& state) override {
    if (affine_) state.parameters.insert(state.parameters.end(), {&weight_, &bias_});
  }
  /// Weight 1, bias 0.
  void initialise(const Initialiser<S>&, const Random&) override {
    weight_.value.fill(S(1));
    bias_.value.fill(S(0));
  }
  bool fuses_activation() const override { return true; }
  bool gates_input() const override { return true; }

  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    weight_.name = name + ".weight";
    bias_.name = name + ".bias";
  }

 protected:
  const GroupNormOptions& options() const { return options_; }

  SampleNorm(std::string_view kind, const GroupNormOptions& options)
      : kind_(kind),
        options_(options),
        groups_(options.groups),
        features_(options.features),
        epsilon_(static_cast<S>(options.epsilon)),
        affine_(options.affine) {
    require(options.features > 0, kind, ": expected positive `features`, got ", options.features);
    require(options.groups > 0 && options.features % options.groups == 0, kind, ": expected `groups` that divide the ",
            options.features, " features, got ", options.groups);
    require(epsilon_ > S(0), kind, ": expected a positive `epsilon`, got ", options.epsilon);
    weight_ = Parameter<S>("weight", {features_});
    weight_.value.fill(S(1));
    bias_ = Parameter<S>("bias", {features_});
  }

 private:
  static constexpr std::size_t saved_mean = 0, saved_inverse = 1, saved_sums = 2, saved_products = 3,
                               saved_mean_tangent = 4, saved_slant = 5;

  struct Sizes {
    Index samples, pixels;
    Index sample;  // values of a sample
    S group;       // values of a group
  };
  Sizes sizes(const Tensor<S>& x) const {
    const Index sample = x.shape().sample().size();
    return {x.dim(0), sample / features_, sample, static_cast<S>(sample / groups_)};
  }

  /// The channels of group g in a row of channels.
  ArrayMap<S> in_group(S* row, Index g) const { return {row + g * (features_ / groups_), features_ / groups_}; }
  ConstArrayMap<S> in_group(const S* row, Index g) const {
    return {row + g * (features_ / groups_), features_ / groups_};
  }
  /// Sets each channel of `row` to the number of its group in sample n.
  void spread(const Tensor<S>& of_groups, Index n, S* row) const {
    for (Index g = 0; g < groups_; ++g) in_group(row, g).setConstant(of_groups[n * groups_ + g]);
  }
  void add_gradients(const Tensor<S>& of_weight, const Tensor<S>* of_bias) {
    kernels::add_column_sums(of_weight.rows(), features_, of_weight.data(), weight_.grad.data());
    if (of_bias) kernels::add_column_sums(of_bias->rows(), features_, of_bias->data(), bias_.grad.data());
  }

  std::string_view kind_;
  GroupNormOptions options_;
  Index groups_, features_;
  S epsilon_;
  bool affine_;
  Parameter<S> weight_, bias_;
};

}  // namespace internal

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, where mean and variance are those of all values of one
/// sample in one group of neighbouring channels (Wu and He, 2018). A sample's output does not depend on the others, so
/// it may stand in a discriminator with a gradient penalty, and training and evaluation are the same.
template <class S = float>
class GroupNorm : public internal::SampleNorm<S> {
 public:
  using Options = GroupNormOptions;  ///< what it is made from
  /// Throws Error unless features > 0, `groups` divides them, and epsilon > 0.
  explicit GroupNorm(const GroupNormOptions& options) : internal::SampleNorm<S>("group_norm", options) {}

  std::string_view short_name() const override { return "gn"; }
  Description describe() const override { return rival::describe("group_norm", this->options()); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<GroupNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(internal::SampleNorm);
RIVAL_INSTANTIATE_CLASS(GroupNorm);

}  // namespace rival

// rival/layers/instance_norm.hpp
// InstanceNorm: each channel of each image to mean 0 and variance 1.

namespace rival {

/// What an InstanceNorm normalises, and how.
struct InstanceNormOptions {
  Index features = 0;     ///< channels
  double epsilon = 1e-5;  ///< added to the variance
  bool affine = false;    ///< whether there are a weight and a bias to learn for each channel

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("features", o.features);
    f("epsilon", o.epsilon);
    f("affine", o.affine);
  }
};

/// y = (x - mean) / sqrt(variance + epsilon), with the mean and variance of each channel of each image over its pixels
/// (Ulyanov, Vedaldi and Lempitsky, 2016); with `affine` times a weight plus a bias. It is GroupNorm with a group for
/// each channel. Vectors and images of one pixel have no variance to divide by, and are refused.
template <class S = float>
class InstanceNorm : public internal::SampleNorm<S> {
 public:
  using Options = InstanceNormOptions;  ///< what it is made from
  /// Throws Error unless features > 0 and epsilon > 0.
  explicit InstanceNorm(const InstanceNormOptions& options)
      : internal::SampleNorm<S>("instance_norm", {.groups = options.features,
                                                  .features = options.features,
                                                  .epsilon = options.epsilon,
                                                  .affine = options.affine}) {}

  std::string_view short_name() const override { return "in"; }
  Description describe() const override {
    const GroupNormOptions& o = this->options();
    return rival::describe("instance_norm",
                           InstanceNormOptions{.features = o.features, .epsilon = o.epsilon, .affine = o.affine});
  }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<InstanceNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(InstanceNorm);

}  // namespace rival

// rival/layers/layer_norm.hpp
// LayerNorm: each sample to mean 0 and variance 1, then to a learnt scale and shift of each channel.

namespace rival {

/// What a LayerNorm normalises, and how.
struct LayerNormOptions {
  Index features = 0;     ///< the last axis: channels of images, columns of vectors
  double epsilon = 1e-5;  ///< added to the variance
  bool affine = true;     ///< whether there are a weight and a bias to learn for each channel

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("features", o.features);
    f("epsilon", o.epsilon);
    f("affine", o.affine);
  }
};

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, with the mean and variance of all values of one sample:
/// all features of a vector, all channels of all pixels of an image (Ba, Kiros and Hinton, 2016). Weight and bias are
/// each feature's or channel's, and the same at all pixels. It is GroupNorm with one group, and what WGAN-GP puts in
/// the place of batch norm (Gulrajani et al., 2017). For images it is not the normalisation of each pixel by itself
/// that transformers use.
template <class S = float>
class LayerNorm : public internal::SampleNorm<S> {
 public:
  using Options = LayerNormOptions;  ///< what it is made from
  /// Throws Error unless features > 0 and epsilon > 0.
  explicit LayerNorm(const LayerNormOptions& options)
      : internal::SampleNorm<S>(
            "layer_norm",
            {.groups = 1, .features = options.features, .epsilon = options.epsilon, .affine = options.affine}) {}

  std::string_view short_name() const override { return "ln"; }
  Description describe() const override {
    const GroupNormOptions& o = this->options();
    return rival::describe("layer_norm",
                           LayerNormOptions{.features = o.features, .epsilon = o.epsilon, .affine = o.affine});
  }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<LayerNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(LayerNorm);

}  // namespace rival

// rival/layers/make_layer.hpp
// make_layer(): layers from their descriptions. All kinds are listed here.

// rival/layers/minibatch_stddev.hpp
// MinibatchStddev: tells a discriminator how much the samples of a batch differ.

namespace rival {

/// Over how many samples a MinibatchStddev takes deviations.
struct MinibatchStddevOptions {
  Index group = 4;        ///< how many samples are compared with each other
  double epsilon = 1e-8;  ///< added to the variance

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("group", o.group);
    f("epsilon", o.epsilon);
  }
};

/// Appends one channel: {N, H, W, C} becomes {N, H, W, C + 1}, and {N, C} becomes {N, C + 1}. All of it is, for every
/// sample of a group, the same number: the standard deviation sqrt(variance + epsilon) across the group's samples,
/// averaged over all pixels and channels (Karras, Aila, Laine and Lehtinen, 2018). A generator that always draws the
/// same picture gives itself away by it.
///
/// A group is `group` samples that follow each other. A batch that is not a multiple of `group` is cut into N / group
/// groups, rounded down but at least one, of sizes that differ by one at most: so no sample is left without another to
/// compare it with, unless the batch is a single sample, whose deviation is sqrt(epsilon). (Implementations that
/// reshape to {group, N / group,
/// ...} take samples N / group apart instead, and refuse other batches.) Training and evaluation are the same.
template <class S = float>
class MinibatchStddev : public Layer<S> {
 public:
  using Options = MinibatchStddevOptions;  ///< what it is made from
  /// Throws Error unless group > 0 and epsilon > 0.
  explicit MinibatchStddev(const MinibatchStddevOptions& options = {})
      : options_(options), group_(options.group), epsilon_(static_cast<S>(options.epsilon)) {
    require(options.group > 0, "minibatch_stddev: expected a positive `group`, got ", options.group);
    require(epsilon_ > S(0), "minibatch_stddev: expected a positive `epsilon`, got ", options.epsilon);
  }

  std::string_view kind() const override { return "minibatch_stddev"; }
  Description describe() const override { return rival::describe("minibatch_stddev", options_); }
  std::string_view short_name() const override { return "stddev"; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1 && input.size() > 0, *this, ": expected vectors or images with channels, got ", input);
    return input.with(input.rank() - 1, internal::grown(*this, input.back(), 1, 1));
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    const Index samples = x.dim(0);
    trace.input = &x;
    trace.output.resize(output_shape(x.shape().sample()).batch(samples));
    const Index size = x.shape().sample().size(), groups = std::max<Index>(1, samples / group_), channels = x.cols();
    Tensor<S>& means = trace.save(0, {groups, size});
    Tensor<S>& inverses = trace.save(1, {groups, size});  // 1 / deviation
    parallel_for(groups, static_cast<double>(x.size()), [&](Index g) {
      const Index first = part_begin(samples, groups, g), last = part_begin(samples, groups, g + 1);
      const S share = S(1) / static_cast<S>(last - first);
      ArrayMap<S> mean(means.data() + g * size, size), inverse(inverses.data() + g * size, size);
      mean.setZero();
      for (Index n = first; n < last; ++n) mean += sample(x, n) * share;
      inverse.setZero();
      for (Index n = first; n < last; ++n) inverse += (sample(x, n) - mean).square() * share;
      inverse = (inverse + epsilon_).sqrt().inverse();
      const S deviation = inverse.inverse().mean();
      for (Index row = first * size / channels; row < last * size / channels; ++row) {
        S* y = trace.output.data() + row * (channels + 1);
        std::copy(x.data() + row * channels, x.data() + (row + 1) * channels, y);
        y[channels] = deviation;
      }
    });
    return trace.output;
  }

  /// dx = dy's first channels + d (x - mean) / (k deviation values), where d is the sum of dy's last channel over a
  /// group of k samples of so many values; the mean's own movement cancels.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    const Tensor<S>& x = *trace.input;
    const Index samples = x.dim(0), size = x.shape().sample().size(), groups = trace.saved[0].dim(0),
                channels = x.cols();
    dx->resize(x.shape());
    parallel_for(groups, static_cast<double>(x.size()), [&](Index g) {
      const Index first = part_begin(samples, groups, g), last = part_begin(samples, groups, g + 1);
      const ConstArrayMap<S> mean(trace.saved[0].data() + g * size, size),
          inverse(trace.saved[1].data() + g * size, size);
      S d = 0;
      for (Index row = first * size / channels; row < last * size / channels; ++row) {
        const S* from = dy.data() + row * (channels + 1);
        std::copy(from, from + channels, dx->data() + row * channels);
        d += from[channels];
      }
      d /= static_cast<S>((last - first) * size);
      for (Index n = first; n < last; ++n)
        ArrayMap<S>(dx->data() + n * size, size) += d * (sample(x, n) - mean) * inverse;
    });
  }

  Curvature curvature() const override {
    fail(*this,
         ": a gradient penalty needs scores that do not depend on the other samples of the batch, and minibatch_stddev "
         "compares them; leave it out of a discriminator with a gradient penalty");
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<MinibatchStddev>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static ConstArrayMap<S> sample(const Tensor<S>& x, Index n) {
    const Index size = x.shape().sample().size();
    return {x.data() + n * size, size};
  }

  MinibatchStddevOptions options_;
  Index group_;
  S epsilon_;
};

RIVAL_INSTANTIATE_CLASS(MinibatchStddev);

}  // namespace rival

// rival/layers/pack.hpp
// Pack: several samples as one, for a discriminator that judges them together.

namespace rival {

/// What the layer's number is called.
struct PackOptions {
  Index count = 1;  ///< samples that become one

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("count", o.count);
  }
};

/// Makes one sample of `count` that follow each other, channels behind channels: {N, H, W, C} becomes {N / count, H, W,
/// count C} and {N, C} becomes {N / count, count C}, so that a discriminator sees when samples resemble each other too
/// much (PacGAN: Lin, Khetan, Fanti and Oh, 2018). The batch behind it is smaller: so many scores, and so many labels,
/// there are.
///
/// out[n, h, w, k C + c] = x[n count + k, h, w, c]. forward throws Error unless N is a multiple of `count`.
template <class S = float>
class Pack : public Layer<S> {
 public:
  using Options = PackOptions;  ///< what it is made from
  /// Throws Error unless count >= 1.
  explicit Pack(Index count) : count_(count) { require(count >= 1, "pack: expected a count >= 1, got ", count); }

  std::string_view kind() const override { return "pack"; }
  Description describe() const override { return rival::describe(kind(), PackOptions{count_}); }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1, *this, ": expected samples with channels, got ", input);
    return input.with(input.rank() - 1, internal::grown(*this, input.back(), count_));
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    require(x.dim(0) % count_ == 0, *this, ": expected a batch of a multiple of ", count_, " samples, got ", x.dim(0));
    pack(x, trace.output);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    for_each_row(dx->shape(), [&](Index apart, Index together, Index channels) {
      std::copy_n(dy.data() + together, channels, dx->data() + apart);
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    pack(x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Pack>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  void pack(const Tensor<S>& x, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0) / count_));
    for_each_row(x.shape(), [&](Index apart, Index together, Index channels) {
      std::copy_n(x.data() + apart, channels, y.data() + together);
    });
  }

  /// Calls visit(where a pixel begins in a batch of shape `apart`, where it begins in the packed batch, its channels).
  template <class Visit>
  void for_each_row(const Shape& apart, const Visit& visit) const {
    const Index channels = apart.back(), pixels = apart.sample().size() / std::max<Index>(1, channels);
    parallel_for(apart[0], static_cast<double>(apart.size()) / 4, [&](Index n) {
      for (Index p = 0; p < pixels; ++p)
        visit((n * pixels + p) * channels, ((n / count_ * pixels + p) * count_ + n % count_) * channels, channels);
    });
  }

  Index count_;
};

RIVAL_INSTANTIATE_CLASS(Pack);

}  // namespace rival

// rival/layers/pixel_norm.hpp
// PixelNorm: the channels of each pixel to a mean square of 1.

namespace rival {

/// The number that keeps a PixelNorm from dividing by 0.
struct PixelNormOptions {
  double epsilon = 1e-8;  ///< added to the mean square

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("epsilon", o.epsilon);
  }
};

/// y = r x with r = 1 / sqrt(`<x^2>` + epsilon), where `<z>` is the mean of z over the channels of one pixel, or over
/// the features of a vector (Karras, Aila, Laine and Lehtinen, 2018). It has no parameters.
///
///     backward:          dx = r (dy - y <dy y>)
///     forward_tangent:   y' = r (x' - y q) with q = <x' y>, as r' = -r^2 q
///     backward_tangent:  dx' = -r q dx + r (dy' - y' <dy y> - y (<dy' y> + <dy y'>))
template <class S = float>
class PixelNorm : public Layer<S> {
 public:
  using Options = PixelNormOptions;  ///< what it is made from
  /// Throws Error unless epsilon > 0.
  explicit PixelNorm(const PixelNormOptions& options = {})
      : options_(options), epsilon_(static_cast<S>(options.epsilon)) {
    require(epsilon_ > S(0), "pixel_norm: expected a positive `epsilon`, got ", options.epsilon);
  }

  std::string_view kind() const override { return "pixel_norm"; }
  Description describe() const override { return rival::describe("pixel_norm", options_); }
  std::string_view short_name() const override { return "pn"; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1 && input.back() > 0, *this, ": expected vectors or images with channels, got ", input);
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    output_shape(x.shape().sample());
    trace.input = &x;
    trace.output.resize(x.shape());
    Tensor<S>& inverse = trace.save(0, {x.rows()});
    for_each_pixel(x, [&](Index p) {
      const auto x_p = pixel(x, p);
      inverse[p] = S(1) / std::sqrt(x_p.square().mean() + epsilon_);
      pixel(trace.output, p) = inverse[p] * x_p;
    });
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    for_each_pixel(dy, [&](Index p) {
      project(trace, p, dy, *dx);
      if (pass.slope == S(1)) return;
      auto dx_p = pixel(*dx, p);
      dx_p = (pixel(*trace.input, p) > S(0)).select(dx_p, pass.slope * dx_p);
    });
  }

  Curvature curvature() const override { return Curvature::curved; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(x_tangent.shape());
    for_each_pixel(x_tangent, [&](Index p) { project(trace, p, x_tangent, trace.output_tangent); });
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    if (dx_tangent == nullptr) return;
    dx_tangent->resize(dy.shape());
    for_each_pixel(dy, [&](Index p) {
      const S r = trace.saved[0][p];
      const auto y = pixel(trace.output, p), y_tangent = pixel(trace.output_tangent, p);
      const auto dy_p = pixel(dy, p);
      const S q = (pixel(*trace.input_tangent, p) * y).mean(), a = (dy_p * y).mean();
      const S b = (dy_p * y_tangent).mean() + (dy_tangent ? (pixel(*dy_tangent, p) * y).mean() : S(0));
      auto to = pixel(*dx_tangent, p);
      to = (-r * r * q) * dy_p + (r * r * q * a - r * b) * y - (r * a) * y_tangent;
      if (dy_tangent) to += r * pixel(*dy_tangent, p);
    });
  }

  bool gates_input() const override { return true; }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<PixelNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static ArrayMap<S> pixel(Tensor<S>& x, Index p) { return {x.data() + p * x.cols(), x.cols()}; }
  static ConstArrayMap<S> pixel(const Tensor<S>& x, Index p) { return {x.data() + p * x.cols(), x.cols()}; }

  template <class Body>
  static void for_each_pixel(const Tensor<S>& x, const Body& body) {
    constexpr Index block = 4096;  // values
    parallel_blocks(x.rows(), std::max<Index>(1, block / x.cols()), static_cast<double>(x.size()) / 2,
                    [&](Index first, Index last) {
                      for (Index p = first; p < last; ++p) body(p);
                    });
  }

  /// to = r (v - y <v y>): the derivative along v, and, being symmetric, the gradient too.
  static void project(const Trace<S>& trace, Index p, const Tensor<S>& v, Tensor<S>& to) {
    const S r = trace.saved[0][p];
    const auto y = pixel(trace.output, p), v_p = pixel(v, p);
    pixel(to, p) = r * v_p - (r * (v_p * y).mean()) * y;
  }

  PixelNormOptions options_;
  S epsilon_;
};

RIVAL_INSTANTIATE_CLASS(PixelNorm);

}  // namespace rival

// rival/layers/self_attention.hpp
// SelfAttention: every pixel sees all others.

namespace rival {

/// The sizes of a SelfAttention.
struct SelfAttentionOptions {
  Index in = 0;      ///< channels
  Index keys = 0;    ///< channels of f and g; 0 stands for in / 8
  Index values = 0;  ///< channels of h; 0 stands for in / 2

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("keys", o.keys);
    f("values", o.values);
  }
};

/// y = x + gamma o, for images {N, H, W, in}, where o is for each pixel a mixture of what all pixels of its image show
/// (SAGAN: Zhang, Goodfellow, Metaxas and Odena, 2019). With an image as a matrix x of P = H W pixels by channels, and
/// four matrices to learn:
///
///     F = x f, G = x g {P, keys};  V = x h {P, values};  B = softmax of each row of G F^T {P, P};  o = B V v {P, in}
///
/// gamma is a number to learn that begins at 0: at first the layer passes its input on.
///
/// The pass keeps B, which is N P^2 numbers.
template <class S = float>
class SelfAttention : public Layer<S> {
 public:
  using Options = SelfAttentionOptions;  ///< what it is made from
  /// Throws Error unless in > 0 and the others are not negative.
  explicit SelfAttention(const SelfAttentionOptions& options)
      : options_(completed(options)),
        f_("f", {options_.in, options_.keys}),
        g_("g", {options_.in, options_.keys}),
        h_("h", {options_.in, options_.values}),
        v_("v", {options_.values, options_.in}),
        gamma_("gamma", {1}) {
    for (auto* weight : {&f_, &g_, &h_, &v_}) weight->axes = WeightAxes::dense;
  }

  /// The one number gamma, {1}; 0 at first.
  Parameter<S>& gamma() { return gamma_; }
  /// The options that it was made with; keys and values are those that it took.
  const SelfAttentionOptions& options() const { return options_; }

  std::string_view kind() const override { return "self_attention"; }
  Description describe() const override { return rival::describe("self_attention", options_); }
  std::string_view short_name() const override { return "attention"; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3 && input[2] == options_.in, *this, ": expected images of ", options_.in,
            " channels, got ", input);
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    const Index n = x.dim(0), pixels = x.dim(1) * x.dim(2), rows = n * pixels, keys = options_.keys,
                values = options_.values;
    Tensor<S>&f = trace.save(place_f, {rows, keys}), &g = trace.save(place_g, {rows, keys}),
    &h = trace.save(place_h, {rows, values}), &b = trace.save(place_b, {rows, pixels}),
    &mixed = trace.save(place_mixed, {rows, values}), &o = trace.save(place_o, {rows, options_.in});
    multiply(rows, x.data(), f_.value, f.data());
    multiply(rows, x.data(), g_.value, g.data());
    multiply(rows, x.data(), h_.value, h.data());
    for (Index i = 0; i < n; ++i) {
      S* image_b = b.data() + i * pixels * pixels;
      product_transposed(pixels, keys, pixels, g.data() + i * pixels * keys, f.data() + i * pixels * keys, image_b);
      softmax(pixels, image_b);
      product(pixels, pixels, values, image_b, h.data() + i * pixels * values, mixed.data() + i * pixels * values);
    }
    multiply(rows, mixed.data(), v_.value, o.data());
    add_scaled(x, gamma_.value[0], o, trace.output);
    return trace.output;
  }

  /// With dM = gamma dy v^T, the gradient of M = B V: dB = dM V^T, dV = B^T dM; with dS = B (dB - sums of the rows of B
  /// dB), that of G F^T: dG = dS F, dF = dS^T G; then dx = dy + dF f^T + dG g^T + dV h^T, and each matrix gets x^T
  /// times its product's.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (!dx && !pass.parameters) return;
    const Tensor<S>& x = *trace.input;
    const Index n = x.dim(0), pixels = x.dim(1) * x.dim(2), rows = n * pixels, keys = options_.keys,
                values = options_.values;
    Tensor<S>&df = trace.save(place_df, {rows, keys}), &dg = trace.save(place_dg, {rows, keys}),
    &dh = trace.save(place_dh, {rows, values}), &ds = trace.save(place_ds, {pixels, pixels}),
    &dmixed = trace.save(place_dmixed, {rows, values}), &scaled = trace.save(place_scaled, {rows, options_.in});
    const Tensor<S>&f = trace.saved[place_f], &g = trace.saved[place_g], &h = trace.saved[place_h],
          &b = trace.saved[place_b];

    scaled.array() = gamma_.value[0] * dy.array();
    multiply_transposed(rows, scaled.data(), v_.value, dmixed.data());
    df.fill(S(0));
    dh.fill(S(0));
    for (Index i = 0; i < n; ++i) {
      const Index key = i * pixels * keys, value = i * pixels * values;
      const S* image_b = b.data() + i * pixels * pixels;
      product_transposed(pixels, values, pixels, dmixed.data() + value, h.data() + value, ds.data());
      softmax_gradient(pixels, image_b, ds.data());
      add_product_of_transposed(pixels, pixels, values, image_b, dmixed.data() + value, dh.data() + value);
      product(pixels, pixels, keys, ds.data(), f.data() + key, dg.data() + key);
      add_product_of_transposed(pixels, pixels, keys, ds.data(), g.data() + key, df.data() + key);
    }
    if (pass.parameters) {
      gamma_.grad[0] += sum_of_products(dy, trace.saved[place_o]);
      add_product_of_transposed(rows, values, options_.in, trace.saved[place_mixed].data(), scaled.data(),
                                v_.grad.data());
      add_product_of_transposed(rows, options_.in, keys, x.data(), df.data(), f_.grad.data());
      add_product_of_transposed(rows, options_.in, keys, x.data(), dg.data(), g_.grad.data());
      add_product_of_transposed(rows, options_.in, values, x.data(), dh.data(), h_.grad.data());
    }
    if (!dx) return;
    *dx = dy;
    const auto add_through = [&](const Tensor<S>& gradient, const Tensor<S>& matrix) {
      multiply_transposed(rows, gradient.data(), matrix, scaled.data());
      add_scaled(*dx, S(1), scaled, *dx);
    };
    add_through(df, f_.value);
    add_through(dg, g_.value);
    add_through(dh, h_.value);
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    for (Parameter<S>* parameter : {&f_, &g_, &h_, &v_, &gamma_}) state.parameters.push_back(parameter);
  }
  /// The matrices from the initialiser, gamma 0.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    for (Parameter<S>* parameter : {&f_, &g_, &h_, &v_}) {
      Random stream = random.stream(parameter->name);
      weights(parameter->value, {parameter->value.dim(0), parameter->value.dim(1)}, stream);
    }
    gamma_.value.fill(S(0));
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<SelfAttention>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    f_.name = name + ".f";
    g_.name = name + ".g";
    h_.name = name + ".h";
    v_.name = name + ".v";
    gamma_.name = name + ".gamma";
  }

 private:
  enum Place : std::size_t {
    place_f,
    place_g,
    place_h,
    place_b,
    place_mixed,
    place_o,
    place_df,
    place_dg,
    place_dh,
    place_ds,
    place_dmixed,
    place_scaled
  };

  static SelfAttentionOptions completed(SelfAttentionOptions o) {
    require(o.in > 0 && o.keys >= 0 && o.values >= 0, "self_attention: expected positive channels, got in ", o.in,
            ", keys ", o.keys, ", values ", o.values);
    if (o.keys == 0) o.keys = std::max<Index>(1, o.in / 8);
    if (o.values == 0) o.values = std::max<Index>(1, o.in / 2);
    return o;
  }

  // Products of matrices, as the passes of dense layers.
  /// c {m, n} = a {m, k} b {k, n}
  static void product(Index m, Index k, Index n, const S* a, const S* b, S* c) {
    kernels::conv_output<S>({.batch = m, .in_c = k, .out_c = n}, a, b, c);
  }
  /// c {m, n} = a {m, k} b^T, b {n, k}
  static void product_transposed(Index m, Index k, Index n, const S* a, const S* b, S* c) {
    kernels::conv_input_gradient<S>({.batch = m, .in_c = n, .out_c = k}, a, b, c);
  }
  /// c {k, n} += a^T b, a {m, k}, b {m, n}
  static void add_product_of_transposed(Index m, Index k, Index n, const S* a, const S* b, S* c) {
    kernels::conv_weight_gradient<S>({.batch = m, .in_c = k, .out_c = n}, a, b, c);
  }
  static void multiply(Index rows, const S* x, const Tensor<S>& w, S* y) {
    product(rows, w.dim(0), w.dim(1), x, w.data(), y);
  }
  static void multiply_transposed(Index rows, const S* dy, const Tensor<S>& w, S* dx) {
    product_transposed(rows, w.dim(1), w.dim(0), dy, w.data(), dx);
  }

  /// Each row of a square to e^row / sum of e^row.
  static void softmax(Index size, S* square) {
    parallel_blocks(size, 8, 20.0 * static_cast<double>(size * size), [=](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        ArrayMap<S> row(square + r * size, size);
        row = (row - row.maxCoeff()).exp();
        row /= row.sum();
      }
    });
  }
  /// Each row of `gradient`, that of b's, to b * (row - sum of b * row).
  static void softmax_gradient(Index size, const S* b, S* gradient) {
    parallel_blocks(size, 8, 2.0 * static_cast<double>(size * size), [=](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        const ConstArrayMap<S> share(b + r * size, size);
        ArrayMap<S> row(gradient + r * size, size);
        row = share * (row - (share * row).sum());
      }
    });
  }
  /// to = a + factor b
  static void add_scaled(const Tensor<S>& a, S factor, const Tensor<S>& b, Tensor<S>& to) {
    parallel_blocks(a.size(), 4096, static_cast<double>(a.size()), [&](Index begin, Index end) {
      const Index count = end - begin;
      ArrayMap<S>(to.data() + begin, count) =
          ConstArrayMap<S>(a.data() + begin, count) + factor * ConstArrayMap<S>(b.data() + begin, count);
    });
  }
  /// Block by block, then over the blocks in their order.
  static S sum_of_products(const Tensor<S>& a, const Tensor<S>& b) {
    constexpr Index block = 4096;
    const Index blocks = (a.size() + block - 1) / block;
    S* sums = scratch<S>(Scratch::partial_sums, blocks);
    parallel_blocks(a.size(), block, static_cast<double>(a.size()), [&](Index begin, Index end) {
      sums[begin / block] = kernels::dot(a.data() + begin, b.data() + begin, end - begin);
    });
    return ArrayMap<S>(sums, blocks).sum();
  }

  SelfAttentionOptions options_;
  Parameter<S> f_, g_, h_, v_, gamma_;
};

RIVAL_INSTANTIATE_CLASS(SelfAttention);

}  // namespace rival

namespace rival {

/// Makes a layer of its description; its weights are to be set or drawn. Throws Error for options that the kind has
/// not.
template <class S = float>
using LayerMaker = std::function<std::unique_ptr<Layer<S>>(const Description&)>;

template <class S>
std::unique_ptr<Layer<S>> make_layer(const Description& description);

/// The layers of a description of kind "sequential". Throws Error as make_layer does.
template <class S = float>
Sequential<S> make_sequential(const Description& description) {
  require(description.kind == "sequential", "make_sequential: expected the kind sequential, got ", description.kind);
  Sequential<S> layers;
  for (const Description& layer : description.layers) layers.add(make_layer<S>(layer));
  return layers;
}

namespace internal {

/// The one layer that a description holds.
inline const Description& only_layer(const Description& description) {
  require(description.layers.size() == 1, description.kind, ": expected one layer within, got ",
          description.layers.size());
  return description.layers.front();
}

/// Calls make(layer) with the layer that `description` says, of a type that wrappers take.
template <class S, class Make>
std::unique_ptr<Layer<S>> with_weighted(const Description& description, const Make& make) {
  if (description.kind == "dense") return make(Dense<S>(read_options<DenseOptions>(description)));
  if (description.kind == "conv1d") return make(Conv1d<S>(read_options<Conv1dOptions>(description)));
  if (description.kind == "conv2d") return make(Conv2d<S>(read_options<Conv2dOptions>(description)));
  if (description.kind == "conv_transpose1d")
    return make(ConvTranspose1d<S>(read_options<ConvTranspose1dOptions>(description)));
  if (description.kind == "conv_transpose2d")
    return make(ConvTranspose2d<S>(read_options<ConvTranspose2dOptions>(description)));
  fail("expected dense or a convolution within a wrapper, got ", description.kind);
}

/// The two branches of a description.
template <class S>
std::pair<Sequential<S>, Sequential<S>> make_branches(const Description& description) {
  require(description.layers.size() == 2, description.kind, ": expected two branches, got ", description.layers.size());
  return {make_sequential<S>(description.layers[0]), make_sequential<S>(description.layers[1])};
}

/// The maker of a kind whose constructor takes its options, or nothing.
template <class L, class S>
LayerMaker<S> maker_of() {
  return [](const Description& description) -> std::unique_ptr<Layer<S>> {
    using O = typename L::Options;
    require(description.layers.empty(), description.kind, ": expected no layers within, got ",
            description.layers.size());
    [[maybe_unused]] const O options = read_options<O>(description);
    if constexpr (std::is_same_v<O, NoOptions>)
      return std::make_unique<L>();
    else
      return std::make_unique<L>(options);
  };
}

/// All kinds by name: the library's, and those that a program has registered.
template <class S>
std::map<std::string, LayerMaker<S>, std::less<>>& layer_makers() {
  using Made = std::unique_ptr<Layer<S>>;
  static std::map<std::string, LayerMaker<S>, std::less<>> makers{
      {"augment", maker_of<Augment<S>, S>()},
      {"avg_pool2d", maker_of<AvgPool2d<S>, S>()},
      {"basis", maker_of<Basis<S>, S>()},
      {"batch_norm", maker_of<BatchNorm<S>, S>()},
      {"blur_downsample", maker_of<BlurDownsample<S>, S>()},
      {"blur_upsample", maker_of<BlurUpsample<S>, S>()},
      {"concat_skip",
       [](const Description& d) -> Made {
         read_options<NoOptions>(d);
         auto [main, skip] = make_branches<S>(d);
         return std::make_unique<ConcatSkip<S>>(std::move(main), std::move(skip));
       }},
      {"conditional_batch_norm", maker_of<ConditionalBatchNorm<S>, S>()},
      {"conv1d", maker_of<Conv1d<S>, S>()},
      {"conv2d", maker_of<Conv2d<S>, S>()},
      {"conv_transpose1d", maker_of<ConvTranspose1d<S>, S>()},
      {"conv_transpose2d", maker_of<ConvTranspose2d<S>, S>()},
      {"dense", maker_of<Dense<S>, S>()},
      {"dropout", maker_of<Dropout<S>, S>()},
      {"elu", [](const Description& d) -> Made { return std::make_unique<ELU<S>>(read_options<ELUOptions>(d).alpha); }},
      {"embedding", maker_of<Embedding<S>, S>()},
      {"equalised",
       [](const Description& d) -> Made {
         return with_weighted<S>(only_layer(d), [&]<class L>(const L& layer) -> Made {
           return std::make_unique<Equalised<L>>(layer, read_options<EqualisedOptions>(d));
         });
       }},
      {"flatten", maker_of<Flatten<S>, S>()},
      {"gaussian_noise", maker_of<GaussianNoise<S>, S>()},
      {"group_norm", maker_of<GroupNorm<S>, S>()},
      {"gru", maker_of<GRU<S>, S>()},
      {"instance_norm", maker_of<InstanceNorm<S>, S>()},
      {"layer_norm", maker_of<LayerNorm<S>, S>()},
      {"leaky_relu",
       [](const Description& d) -> Made {
         return std::make_unique<LeakyReLU<S>>(read_options<LeakyReLUOptions>(d).slope);
       }},
      {"log_sum_exp", maker_of<LogSumExp<S>, S>()},
      {"max_pool2d", maker_of<MaxPool2d<S>, S>()},
      {"minibatch_stddev", maker_of<MinibatchStddev<S>, S>()},
      {"pack",
       [](const Description& d) -> Made { return std::make_unique<Pack<S>>(read_options<PackOptions>(d).count); }},
      {"permute", maker_of<Permute<S>, S>()},
      {"phase_shuffle", maker_of<PhaseShuffle<S>, S>()},
      {"pixel_norm", maker_of<PixelNorm<S>, S>()},
      {"projection", maker_of<Projection<S>, S>()},
      {"relu", maker_of<ReLU<S>, S>()},
      {"reshape",
       [](const Description& d) -> Made {
         return std::make_unique<Reshape<S>>(read_options<ReshapeOptions>(d).shape);
       }},
      {"residual",
       [](const Description& d) -> Made {
         auto [main, skip] = make_branches<S>(d);
         return std::make_unique<Residual<S>>(std::move(main), std::move(skip), read_options<ResidualOptions>(d));
       }},
      {"self_attention", maker_of<SelfAttention<S>, S>()},
      {"sequential",
       [](const Description& d) -> Made { return std::make_unique<Sequential<S>>(make_sequential<S>(d)); }},
      {"sigmoid", maker_of<Sigmoid<S>, S>()},
      {"silu", maker_of<SiLU<S>, S>()},
      {"softmax", maker_of<Softmax<S>, S>()},
      {"softplus", maker_of<Softplus<S>, S>()},
      {"spectral_norm",
       [](const Description& d) -> Made {
         return with_weighted<S>(only_layer(d), [&]<class L>(const L& layer) -> Made {
           return std::make_unique<SpectralNorm<L>>(layer, read_options<SpectralNormOptions>(d));
         });
       }},
      {"sum_pool", maker_of<SumPool<S>, S>()},
      {"tanh", maker_of<Tanh<S>, S>()},
      {"time_distributed",
       [](const Description& d) -> Made {
         read_options<NoOptions>(d);
         return std::make_unique<TimeDistributed<S>>(make_sequential<S>(only_layer(d)));
       }},
      {"translate", maker_of<Translate<S>, S>()},
      {"upsample", maker_of<Upsample<S>, S>()},
      {"weight_norm",
       [](const Description& d) -> Made {
         return with_weighted<S>(only_layer(d), [&]<class L>(const L& layer) -> Made {
           return std::make_unique<WeightNorm<L>>(layer, read_options<WeightNormOptions>(d));
         });
       }},
  };
  return makers;
}

RIVAL_INSTANTIATE_FUNCTION(layer_makers);

}  // namespace internal

/// Makes a layer of what its `describe()` said: the same options, weights as a new layer has them. Throws Error, naming
/// what is known, for a kind that is not registered, and for options that the kind does not have or take.
template <class S = float>
std::unique_ptr<Layer<S>> make_layer(const Description& description) {
  const auto& makers = internal::layer_makers<S>();
  const auto found = makers.find(description.kind);
  if (found == makers.end()) {
    std::string known;
    for (const auto& [kind, maker] : makers) known += (known.empty() ? "" : ", ") + kind;
    fail("make_layer: there is no kind \"", description.kind,
         "\"; a layer of your own is made known by register_layer; known are ", known);
  }
  return found->second(description);
}

/// Makes a layer of your own known, once at the start of a program, so that its networks can be loaded:
///
///     rival::register_layer<MyLayer<float>>("my_layer");
///
/// `L::Options` is the struct that its constructor takes, which lists its members as describe() wants it, or NoOptions.
/// `kind` is that of its `describe()`. Throws Error for a kind that is taken. Not while other threads make layers.
template <class L, class S = float>
void register_layer(const std::string& kind) {
  const bool added = internal::layer_makers<S>().emplace(kind, internal::maker_of<L, S>()).second;
  require(added, "register_layer: the kind \"", kind, "\" is taken");
}

}  // namespace rival

// rival/metrics/markov_chain.hpp
// Markov chains over symbols: what a text generator's figures are held against.

namespace rival {

/// A chain of order k draws each symbol of a line as it follows the k symbols before it in the lines that it was made
/// of; before a line's first symbol stands a mark. So its lines have the n-grams of those lines up to n = k + 1, and no
/// sense beyond.
class MarkovChain {
 public:
  /// Throws Error for an order below 1, without lines, and when (kinds + 1)^order has no room in 64 bits.
  MarkovChain(const Tokens& lines, Index order) : order_(order), length_(lines.length), kinds_(lines.kinds) {
    internal::require_tokens("markov chain", lines);
    require(order >= 1, "markov chain: expected an order of at least 1, got ", order);
    require(lines.count() >= 1, "markov chain: expected at least one line, got none");
    const auto base = static_cast<std::uint64_t>(kinds_) + 1;
    for (Index i = 0; i < order; ++i) {
      require(contexts_ <= std::numeric_limits<std::uint64_t>::max() / base,
              "markov chain: expected fewer than 2^64 contexts, got ", base, "^", order);
      contexts_ *= base;
    }
    steps_.reserve(lines.values.size());
    for (Index i = 0; i < lines.count(); ++i) {
      std::uint64_t context = beginning();
      for (const Label symbol : lines.line(i)) {
        steps_.emplace_back(context, symbol);
        context = after(context, symbol);
      }
    }
    std::sort(steps_.begin(), steps_.end());
  }

  /// How many symbols the next one depends on.
  Index order() const { return order_; }

  /// `count` lines, drawn from `random`.
  Tokens sample(Index count, Random& random) const {
    require(count >= 0, "markov chain: expected a count of at least 0, got ", count);
    Tokens lines{length_, kinds_, {}};
    lines.values.reserve(static_cast<std::size_t>(count * length_));
    for (Index i = 0; i < count; ++i) {
      std::uint64_t context = beginning();
      for (Index place = 0; place < length_; ++place) {
        const Label symbol = next(context, random);
        lines.values.push_back(symbol);
        context = after(context, symbol);
      }
    }
    return lines;
  }

 private:
  using Step = std::pair<std::uint64_t, Label>;  ///< the symbols before, as a number, and the one that follows

  /// `order` marks, each the digit `kinds`.
  std::uint64_t beginning() const { return contexts_ - 1; }
  std::uint64_t after(std::uint64_t context, Label symbol) const {
    const auto base = static_cast<std::uint64_t>(kinds_) + 1;
    return context % (contexts_ / base) * base + symbol;
  }

  Label next(std::uint64_t context, Random& random) const {
    const auto begin = std::lower_bound(steps_.begin(), steps_.end(), Step(context, 0));
    const auto end = std::upper_bound(begin, steps_.end(), Step(context, std::numeric_limits<Label>::max()));
    // A line's last symbols may come nowhere else: nothing follows them there, so padding does.
    if (begin == end) return 0;
    return (begin + random.below(end - begin))->second;
  }

  Index order_, length_, kinds_;
  std::uint64_t contexts_ = 1;  ///< that there can be
  std::vector<Step> steps_;     ///< of all lines, in order
};

}  // namespace rival

// rival/metrics/mode_counts.hpp
// How many modes of a mixture a generator covers, and how evenly.

// rival/metrics/kl_to_law.hpp
// kl_to_law(): how far the shares of counts lie from those of a law.

namespace rival {

/// KL(counts || law) = sum_k p_k log(p_k / q_k), in nats, p and q the shares of counts and law, which may be counts
/// too: 0 when they agree; infinite for a class that occurs and that the law has none of. Throws Error when they are of
/// different lengths, when one is below 0, and when one is all 0.
template <class Count, class Weight>
double kl_to_law(const std::vector<Count>& counts, const std::vector<Weight>& law) {
  require(counts.size() == law.size(), "kl_to_law: expected as many classes in the law as there are counts, ",
          counts.size(), ", got ", law.size());
  const auto total = [](const auto& weights, const char* what) {
    double sum = 0;
    for (const auto weight : weights) {
      require(weight >= 0, "kl_to_law: expected ", what, " >= 0, got ", weight);
      sum += static_cast<double>(weight);
    }
    require(sum > 0, "kl_to_law: expected ", what, " that are not all 0");
    return sum;
  };
  const double of_counts = total(counts, "counts"), of_law = total(law, "weights of the law");
  double sum = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] == 0) continue;
    if (law[k] == 0) return std::numeric_limits<double>::infinity();
    const double share = static_cast<double>(counts[k]) / of_counts;
    sum += share * std::log(share / (static_cast<double>(law[k]) / of_law));
  }
  return std::max(0.0, sum);  // rounding may leave -1e-16
}

}  // namespace rival

namespace rival {

/// Samples by the mode that they belong to. A sample is of high quality if it lies close to a centre, and belongs to
/// the nearest.
struct ModeCounts {
  std::vector<Index> of_mode;  ///< high-quality samples of each mode
  Index samples = 0;           ///< all of them

  /// High-quality samples of all modes together.
  Index high_quality() const {
    Index sum = 0;
    for (const Index count : of_mode) sum += count;
    return sum;
  }
  /// Modes with at least one high-quality sample.
  Index covered() const {
    return static_cast<Index>(of_mode.size()) - static_cast<Index>(std::count(of_mode.begin(), of_mode.end(), 0));
  }
  /// Share of the samples that are of high quality.
  double quality() const { return static_cast<double>(high_quality()) / static_cast<double>(samples); }

  /// KL(generated || real) = sum_k p_k log(p_k K), in nats, p the shares of the K modes in the high-quality samples: 0
  /// when all modes come equally often, log K when all samples are in one, infinite without any high-quality sample.
  /// PacGAN calls it the reverse Kullback-Leibler divergence. Of n samples drawn evenly it is (K - 1) / (2 n) in the
  /// mean.
  double kl() const {
    if (high_quality() == 0) return std::numeric_limits<double>::infinity();
    return kl_to_law(of_mode, std::vector<Index>(of_mode.size(), 1));
  }
};

/// Counts the modes of `real` among `points` {N, 2}: of high quality is what lies within `deviations` times sigma of a
/// centre (Srivastava, Valkov, Russell, Gutmann and Sutton, "VEEGAN: Reducing mode collapse in GANs using implicit
/// variational learning", 2017; Lin, Khetan, Fanti and Oh, "PacGAN", 2018). Of the real points themselves 1 - exp(-9/2)
/// = 98.9 % are. Throws Error unless `points` is N x 2 with N >= 1, and without centres.
template <class S>
ModeCounts count_modes(const Tensor<S>& points, const GaussianMixture& real, double deviations = 3) {
  require(points.rank() == 2 && points.dim(1) == 2 && points.dim(0) >= 1, "count_modes: expected points, N x 2, got ",
          points.shape());
  require(!real.centres.empty(), "count_modes: expected at least one centre, got none");
  ModeCounts counts{std::vector<Index>(real.centres.size()), points.dim(0)};
  const double reach = deviations * real.sigma;
  for (Index i = 0; i < points.dim(0); ++i) {
    std::size_t nearest = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < real.centres.size(); ++k) {
      const double distance = std::hypot(static_cast<double>(points(i, 0)) - real.centres[k][0],
                                         static_cast<double>(points(i, 1)) - real.centres[k][1]);
      if (distance < least) least = distance, nearest = k;
    }
    if (least <= reach) ++counts.of_mode[nearest];
  }
  return counts;
}

}  // namespace rival

// rival/metrics/motion.hpp
// What clips show: whether a thing stays the same in them, and how it moves.

// rival/metrics/class_score.hpp
// What a classifier makes of samples: how sure it is, and how many kinds it sees.

// rival/metrics/estimate.hpp
// Estimate: a figure with its spread.

namespace rival {

/// A figure as several subsets of the samples give it.
struct Estimate {
  double mean = 0;       ///< over the subsets
  double deviation = 0;  ///< of one subset's figure: the root of the unbiased variance
};

/// Mean and deviation of at least one value; of a single one the deviation is 0.
inline Estimate estimate(const std::vector<double>& values) {
  require(!values.empty(), "estimate: expected at least 1 value, got none");
  Estimate e;
  for (const double value : values) e.mean += value / static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - e.mean) * (value - e.mean);
  if (values.size() > 1) e.deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return e;
}

}  // namespace rival

// rival/metrics/moments.hpp
// Moments: mean and covariance of samples that come in parts.

namespace rival {

namespace internal {

/// Throws Error, beginning with `what`, unless `features` is {N, D} with N and D >= 1 and all of it finite.
template <class S>
void require_features(std::string_view what, const Tensor<S>& features) {
  require(features.rank() == 2 && features.dim(0) >= 1 && features.dim(1) >= 1, what, ": expected features N x D, got ",
          features.shape());
  for (Index i = 0; i < features.size(); ++i)
    require(is_finite(features[i]), what, ": expected finite features, got ", features[i], " in sample ",
            i / features.dim(1));
}

}  // namespace internal

/// Mean and covariance of vectors {N, D}, in double, of which only a part is in memory at a time:
///
///     mean = sum_i x_i / n;  covariance = sum_i (x_i - mean)(x_i - mean)^T / (n - 1)
///
/// Each part is centred by its own mean before it is added, so that no digits cancel (Chan, Golub and LeVeque, 1979).
class Moments {
 public:
  /// Throws Error unless features >= 1.
  explicit Moments(Index features) : mean_({features}), scatter_({features, features}) {
    require(features >= 1, "moments: expected at least 1 feature, got ", features);
  }

  /// Adds samples {N, features}. Throws Error, and adds nothing, for another shape and for values that are not finite.
  template <class S>
  void add(const Tensor<S>& samples) {
    internal::require_features("moments", samples);
    const Index count = samples.dim(0), features = mean_.size();
    require(samples.dim(1) == features, "moments: expected samples of ", features, " features, got ", samples.dim(1));
    Tensor<double> centred(samples.shape());
    centred.array() = samples.array().template cast<double>();
    const Eigen::RowVectorXd mean = centred.matrix().colwise().mean();
    centred.matrix().rowwise() -= mean;

    const auto n = static_cast<double>(count_), m = static_cast<double>(count);
    const Eigen::RowVectorXd shift = mean - mean_.matrix();
    // The gradient of a dense layer's weights is this very sum.
    kernels::conv_weight_gradient<double>({.batch = count, .in_c = features, .out_c = features}, centred.data(),
                                          centred.data(), scatter_.data());
    scatter_.matrix() += shift.transpose() * shift * (n * m / (n + m));
    mean_.matrix() += shift * (m / (n + m));
    count_ += count;
  }

  /// Samples so far.
  Index count() const { return count_; }
  /// D, the numbers in a sample.
  Index features() const { return mean_.size(); }
  /// {D}; zeros while there are no samples.
  const Tensor<double>& mean() const { return mean_; }
  /// {D, D}. Throws Error while there are fewer than two samples.
  Tensor<double> covariance() const {
    require(count_ >= 2, "moments: expected at least 2 samples for a covariance, got ", count_);
    Tensor<double> covariance(scatter_);
    // Symmetric to the last bit, which what is done with it relies on.
    covariance.matrix() = (scatter_.matrix() + scatter_.matrix().transpose()) / (2 * static_cast<double>(count_ - 1));
    return covariance;
  }

 private:
  Index count_ = 0;
  Tensor<double> mean_, scatter_;
};

}  // namespace rival

namespace rival {

/// exp(mean over samples of KL(p(y|x) || p(y))), p(y|x) the softmax of the logits {N, K} and p(y) its mean over the
/// part: from 1, when all samples look alike or like nothing, to K, when each is surely of one class and all come
/// equally often (the inception score of Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, 2016, with any
/// classifier). In `parts` parts of the samples in their order, whose spread comes beside. Throws Error for more parts
/// than samples.
template <class S>
Estimate class_score(const Tensor<S>& logits, Index parts = 10) {
  internal::require_features("class_score", logits);
  const Index count = logits.dim(0), classes = logits.dim(1);
  require(parts >= 1 && parts <= count, "class_score: expected 1 to ", count, " parts, got ", parts);
  Eigen::ArrayXXd log_share = logits.matrix().template cast<double>().array();
  for (Index i = 0; i < count; ++i) {
    auto row = log_share.row(i);
    row -= row.maxCoeff();
    row -= std::log(row.exp().sum());
  }
  std::vector<double> scores;
  for (Index part = 0; part < parts; ++part) {
    const Index begin = part_begin(count, parts, part), end = part_begin(count, parts, part + 1);
    const auto rows = log_share.middleRows(begin, end - begin);
    const Eigen::ArrayXd mean = rows.exp().colwise().mean().transpose();
    double sum = 0;
    for (Index i = 0; i < rows.rows(); ++i)
      for (Index k = 0; k < classes; ++k) {
        const double share = std::exp(rows(i, k));
        if (share > 0) sum += share * (rows(i, k) - std::log(mean[k]));
      }
    scores.push_back(std::exp(sum / static_cast<double>(rows.rows())));
  }
  return estimate(scores);
}

/// The class of the greatest logit of each sample, the first of several.
template <class S>
std::vector<Label> predicted_classes(const Tensor<S>& logits) {
  internal::require_features("predicted_classes", logits);
  require(logits.dim(1) <= most_classes, "predicted_classes: expected at most ", most_classes, " classes, got ",
          logits.dim(1));
  std::vector<Label> classes;
  for (Index i = 0; i < logits.dim(0); ++i) {
    Index greatest = 0;
    logits.matrix().row(i).maxCoeff(&greatest);
    classes.push_back(static_cast<Label>(greatest));
  }
  return classes;
}

/// How many samples are of each class. Throws Error for a label that is not below `classes`.
inline std::vector<Index> class_counts(Labels labels, Index classes) {
  require(classes >= 1, "class_counts: expected at least 1 class, got ", classes);
  std::vector<Index> counts(static_cast<std::size_t>(classes));
  for (const Label label : labels) {
    require(label < classes, "class_counts: expected labels below ", classes, ", got ", label);
    ++counts[label];
  }
  return counts;
}

}  // namespace rival

namespace rival {

namespace internal {

template <class S>
void require_clips(const Tensor<S>& clips) {
  require(clips.rank() == 5 && !clips.empty(), "motion: expected clips N x T x H x W x C, got ", clips.shape());
  for (Index i = 0; i < clips.size(); ++i)
    require(is_finite(clips[i]), "motion: expected finite clips, got ", clips[i], " in clip ",
            i / (clips.size() / clips.dim(0)));
}

inline void require_tracks(const Tensor<double>& tracks, Index least) {
  require(tracks.rank() == 3 && tracks.dim(0) >= 1 && tracks.dim(1) >= least,
          "motion: expected N x T x D with T >= ", least, ", got ", tracks.shape());
}

}  // namespace internal

/// The centroid (row, column) of each frame, in pixels: {N, T, 2} of clips {N, T, H, W, C} with values in [-1, 1],
///
///     sum_p (v_p + 1) p / sum_p (v_p + 1),
///
/// of all channels together; the middle of a frame that is black throughout. Throws Error for clips that are not
/// finite.
template <class S>
Tensor<double> frame_centroids(const Tensor<S>& clips) {
  internal::require_clips(clips);
  const Index h = clips.dim(2), w = clips.dim(3), c = clips.dim(4);
  Tensor<double> centroids({clips.dim(0), clips.dim(1), 2});
  const S* value = clips.data();
  for (Index frame = 0; frame < centroids.size() / 2; ++frame) {
    double total = 0, rows = 0, columns = 0;
    for (Index y = 0; y < h; ++y)
      for (Index x = 0; x < w; ++x)
        for (Index k = 0; k < c; ++k) {
          const double mass = std::max(0.0, static_cast<double>(*value++) + 1);
          total += mass;
          rows += mass * static_cast<double>(y);
          columns += mass * static_cast<double>(x);
        }
    centroids[2 * frame] = total > 0 ? rows / total : static_cast<double>(h - 1) / 2;
    centroids[2 * frame + 1] = total > 0 ? columns / total : static_cast<double>(w - 1) / 2;
  }
  return centroids;
}

/// What lies about the centroid of each frame, as pictures {N T, height, width, C}: the centroid, rounded to a pixel,
/// is at (height / 2, width / 2), where MNIST has a digit's; beyond the frame it is black. So is a digit that moves cut
/// out for a classifier of still ones.
template <class S>
Tensor<S> centred_frames(const Tensor<S>& clips, Index height, Index width) {
  require(height >= 1 && width >= 1, "motion: expected pictures of at least 1 pixel, got ", height, "x", width);
  const Tensor<double> centroids = frame_centroids(clips);
  const Index h = clips.dim(2), w = clips.dim(3), c = clips.dim(4), frames = centroids.size() / 2;
  Tensor<S> pictures({frames, height, width, c});
  pictures.fill(S(-1));
  for (Index frame = 0; frame < frames; ++frame) {
    const Index top = static_cast<Index>(std::lround(centroids[2 * frame])) - height / 2,
                left = static_cast<Index>(std::lround(centroids[2 * frame + 1])) - width / 2,
                first = std::max<Index>(0, left), last = std::min(w, left + width);
    for (Index y = std::max<Index>(0, top); y < std::min(h, top + height) && first < last; ++y)
      std::copy_n(clips.data() + ((frame * h + y) * w + first) * c, (last - first) * c,
                  pictures.data() + ((frame * height + y - top) * width + first - left) * c);
  }
  return pictures;
}

/// The mean length of a step from one frame's point to the next one's; points {N, T, D}, T >= 2.
inline double mean_step(const Tensor<double>& points) {
  internal::require_tracks(points, 2);
  const Index n = points.dim(0), t = points.dim(1), d = points.dim(2);
  double sum = 0;
  for (Index i = 0; i < n * t; ++i) {
    if (i % t < 1) continue;
    double square = 0;
    for (Index k = 0; k < d; ++k) square += std::pow(points[i * d + k] - points[(i - 1) * d + k], 2);
    sum += std::sqrt(square);
  }
  return sum / static_cast<double>(n * (t - 1));
}

/// The mean length of the second difference x(t + 1) - 2 x(t) + x(t - 1): 0 for what goes straight on at one speed;
/// points {N, T, D}, T >= 3.
inline double mean_second_difference(const Tensor<double>& points) {
  internal::require_tracks(points, 3);
  const Index n = points.dim(0), t = points.dim(1), d = points.dim(2);
  double sum = 0;
  for (Index i = 0; i < n * t; ++i) {
    if (i % t < 2) continue;
    double square = 0;
    for (Index k = 0; k < d; ++k)
      square += std::pow(points[i * d + k] - 2 * points[(i - 1) * d + k] + points[(i - 2) * d + k], 2);
    sum += std::sqrt(square);
  }
  return sum / static_cast<double>(n * (t - 2));
}

/// The average content distance (Tulyakov, Liu, Yang and Kautz, "MoCoGAN: Decomposing motion and content for video
/// generation", 2018): the mean Euclidean distance of the features of any two frames of a clip, over all clips. It is 0
/// where a clip shows the same in all frames. Features {N, T, D}, T >= 2.
template <class S>
double average_content_distance(const Tensor<S>& features) {
  require(features.rank() == 3 && features.dim(0) >= 1 && features.dim(1) >= 2,
          "average content distance: expected features N x T x D with T >= 2, got ", features.shape());
  const Index n = features.dim(0), t = features.dim(1), d = features.dim(2);
  double sum = 0;
  for (Index i = 0; i < n; ++i)
    for (Index a = 0; a < t; ++a)
      for (Index b = 0; b < a; ++b) {
        double square = 0;
        for (Index k = 0; k < d; ++k)
          square += std::pow(
              static_cast<double>(features[(i * t + a) * d + k]) - static_cast<double>(features[(i * t + b) * d + k]),
              2);
        sum += std::sqrt(square);
      }
  return sum / static_cast<double>(n * t * (t - 1) / 2);
}

/// The share of clips in all of whose frames the same class is seen: classes {N T}, `frames` a clip.
inline double same_class_share(const std::vector<Label>& classes, Index frames) {
  const Index count = static_cast<Index>(classes.size());
  require(frames >= 1 && count >= 1 && count % frames == 0, "motion: expected clips of ", frames, " classes each, got ",
          count);
  Index same = 0;
  for (auto clip = classes.begin(); clip != classes.end(); clip += frames)
    same += std::count(clip, clip + frames, *clip) == frames;
  return static_cast<double>(same) / static_cast<double>(count / frames);
}

/// All of it for clips of one thing that moves in front of black.
struct MotionFigures {
  double same_class = 0;            ///< share of the clips whose frames are all taken for the same class
  double content_distance = 0;      ///< average content distance, by the classifier's features
  double step = 0;                  ///< pixels: mean length of the centroid's way from frame to frame
  double second_difference = 0;     ///< pixels: mean length of its second difference
  std::vector<Index> classes = {};  ///< clips of each class, by what most of a clip's frames are taken for
};

/// What a classifier of pictures says of clips {N, T, H, W, C}, T >= 3, by what lies about the centroid of each frame.
/// Throws Error for clips of fewer frames, of other channels than the classifier's, and that are not finite.
template <class S>
MotionFigures motion_figures(const Tensor<S>& clips, const Classifier<S>& classifier) {
  internal::require_clips(clips);
  const Index n = clips.dim(0), t = clips.dim(1);
  require(t >= 3, "motion: expected clips of at least 3 frames, got ", t);
  const Shape& picture = classifier.input_shape();
  require(picture.rank() == 3 && picture[2] == clips.dim(4), "motion: expected a classifier of pictures of ",
          clips.dim(4), " channels, got one of ", picture);
  const Tensor<double> centroids = frame_centroids(clips);
  MotionFigures figures{.step = mean_step(centroids), .second_difference = mean_second_difference(centroids)};
  auto [features, logits] = classifier.features_and_logits(centred_frames(clips, picture[0], picture[1]));
  const std::vector<Label> classes = predicted_classes(logits);
  figures.same_class = same_class_share(classes, t);
  features.reshape({n, t, features.dim(1)});
  figures.content_distance = average_content_distance(features);
  figures.classes.assign(static_cast<std::size_t>(classifier.classes()), 0);
  for (auto clip = classes.begin(); clip != classes.end(); clip += t) {
    const std::vector<Index> counts = class_counts(std::vector<Label>(clip, clip + t), classifier.classes());
    ++figures.classes[static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin())];
  }
  return figures;
}

}  // namespace rival

// rival/metrics/ngrams.hpp
// How alike two texts are in their n-grams: the Jensen-Shannon divergence of their distributions.

namespace rival {

/// How often each n-gram comes in lines: n symbols side by side, from the first place to the last that leaves room for
/// n. Padding is a symbol like the others, so that n-grams tell where lines end.
class Ngrams {
 public:
  /// Throws Error unless 1 <= n <= the lines' length, without lines or whole ones, and when kinds^n has no room in 64
  /// bits.
  Ngrams(const Tokens& lines, Index n) : n_(n), kinds_(lines.kinds) {
    internal::require_tokens("n-grams", lines);
    require(n >= 1 && n <= lines.length, "n-grams: expected n from 1 to the ", lines.length, " symbols of a line, got ",
            n);
    require(lines.count() >= 1, "n-grams: expected at least one line, got none");
    std::uint64_t all = 1;
    for (Index i = 0; i < n; ++i) {
      require(all <= std::numeric_limits<std::uint64_t>::max() / static_cast<std::uint64_t>(lines.kinds),
              "n-grams: expected fewer than 2^64 that can be, got ", lines.kinds, "^", n);
      all *= static_cast<std::uint64_t>(lines.kinds);
    }
    std::vector<std::uint64_t> keys;
    keys.reserve(static_cast<std::size_t>(lines.count() * (lines.length - n + 1)));
    for (Index i = 0; i < lines.count(); ++i) {
      const auto line = lines.line(i);
      for (std::size_t from = 0; from + static_cast<std::size_t>(n) <= line.size(); ++from) {
        std::uint64_t key = 0;
        for (const Label symbol : line.subspan(from, static_cast<std::size_t>(n)))
          key = key * static_cast<std::uint64_t>(lines.kinds) + symbol;
        keys.push_back(key);
      }
    }
    std::sort(keys.begin(), keys.end());
    total_ = static_cast<Index>(keys.size());
    for (const std::uint64_t key : keys) {
      if (counts_.empty() || counts_.back().first != key) counts_.emplace_back(key, 0);
      ++counts_.back().second;
    }
  }

  /// Symbols in an n-gram.
  Index n() const { return n_; }
  /// Symbols that the n-grams are made of.
  Index kinds() const { return kinds_; }
  /// N-grams counted, the same ones again and again.
  Index total() const { return total_; }
  /// The n-grams that come, in increasing order, each as a number of `n` digits in base `kinds`, and how often.
  const std::vector<std::pair<std::uint64_t, Index>>& counts() const { return counts_; }

 private:
  Index n_, kinds_, total_ = 0;
  std::vector<std::pair<std::uint64_t, Index>> counts_;
};

/// The Jensen-Shannon divergence of two distributions of n-grams, in bits: (KL(p || m) + KL(q || m)) / 2 with m = (p +
/// q) / 2. 0: they are the same; 1: no n-gram comes in both. As the code of Gulrajani, Ahmed, Arjovsky, Dumoulin and
/// Courville, "Improved training of Wasserstein GANs", 2017, has it. Two samples of one distribution are apart, too,
/// and the further the fewer lines they have: say how far beside it.
///
/// Throws Error for n-grams of different n or symbols.
inline double jensen_shannon(const Ngrams& p, const Ngrams& q) {
  require(p.n() == q.n() && p.kinds() == q.kinds(),
          "jensen_shannon: expected n-grams of the same n and symbols, got n ", p.n(), " of ", p.kinds(), " and n ",
          q.n(), " of ", q.kinds());
  const auto share = [](Index count, const Ngrams& of) {
    return static_cast<double>(count) / static_cast<double>(of.total());
  };
  // a log2(a / m), half of a divergence's term.
  const auto term = [](double a, double b) { return a > 0 ? a / 2 * std::log2(2 * a / (a + b)) : 0.0; };
  double sum = 0;
  auto a = p.counts().begin(), b = q.counts().begin();
  while (a != p.counts().end() || b != q.counts().end()) {
    const bool from_a = b == q.counts().end() || (a != p.counts().end() && a->first <= b->first);
    const bool from_b = a == p.counts().end() || (b != q.counts().end() && b->first <= a->first);
    const double in_p = from_a ? share((a++)->second, p) : 0, in_q = from_b ? share((b++)->second, q) : 0;
    sum += term(in_p, in_q) + term(in_q, in_p);
  }
  return sum;
}

}  // namespace rival

// rival/metrics/text_scores.hpp
// How good a generator of lines is: n-grams, whole lines, new lines.

namespace rival {

/// What is said of lines beside the lines of a training set.
struct TextScores {
  static constexpr std::array<Index, 5> n{1, 2, 3, 4, 6};  ///< symbols in the n-grams that are compared

  /// Jensen-Shannon divergence of the n-grams from those of the training set, for each n; see `jensen_shannon`. NaN for
  /// an n that is longer than the lines.
  std::array<double, n.size()> divergence{};
  double single = 0;    ///< share of lines that are one piece: at least one character, and no padding before the last
  double fresh = 0;     ///< share that does not come in the training set
  double distinct = 0;  ///< different lines, over all
  double unseen = 0;    ///< share that comes in lines that were held out: right, and not learnt by heart
};

/// Scores lines against a training set:
///
///     const TextScorer scorer(tokens_of(training), tokens_of(held_out));
///     const TextScores floor = scorer(tokens_of(held_out));       // what real lines have
///     const TextScores scores = scorer(tokens_of(generator.sample(held_out.size(), random)));
///
/// Divergences fall with the number of lines: compare sets of the same number only.
class TextScorer {
 public:
  /// Throws Error for lines of different lengths or symbols, and as Ngrams does.
  TextScorer(const Tokens& training, const Tokens& held_out) : length_(training.length), kinds_(training.kinds) {
    require_fitting(held_out);
    for (const Index size : TextScores::n)
      if (size <= length_) training_.emplace_back(training, size);
    seen_ = sorted(training);
    held_out_ = sorted(held_out);
  }

  /// Throws Error for lines of another length or other symbols, and for none.
  TextScores operator()(const Tokens& lines) const {
    require_fitting(lines);
    TextScores scores;
    scores.divergence.fill(std::numeric_limits<double>::quiet_NaN());
    for (std::size_t i = 0; i < training_.size(); ++i)
      scores.divergence[i] = jensen_shannon(training_[i], Ngrams(lines, training_[i].n()));
    const auto count = static_cast<double>(lines.count());
    std::vector<Line> all = sorted(lines);
    for (const Line& line : all) {
      const auto end = std::find(line.begin(), line.end(), Label{0});
      scores.single += end != line.begin() && std::all_of(end, line.end(), [](Label symbol) { return symbol == 0; });
      scores.fresh += !std::binary_search(seen_.begin(), seen_.end(), line);
      scores.unseen += std::binary_search(held_out_.begin(), held_out_.end(), line) &&
                       !std::binary_search(seen_.begin(), seen_.end(), line);
    }
    scores.single /= count, scores.fresh /= count, scores.unseen /= count;
    scores.distinct = static_cast<double>(std::unique(all.begin(), all.end()) - all.begin()) / count;
    return scores;
  }

 private:
  using Line = std::u16string;

  void require_fitting(const Tokens& lines) const {
    internal::require_tokens("text scores", lines);
    require(lines.count() >= 1 && lines.length == length_ && lines.kinds == kinds_, "text scores: expected lines of ",
            length_, " symbols of ", kinds_, ", got ", lines.count(), " of ", lines.length, " of ", lines.kinds);
  }
  static std::vector<Line> sorted(const Tokens& lines) {
    std::vector<Line> all;
    for (Index i = 0; i < lines.count(); ++i) all.emplace_back(lines.line(i).begin(), lines.line(i).end());
    std::sort(all.begin(), all.end());
    return all;
  }

  Index length_, kinds_;
  std::vector<Ngrams> training_;
  std::vector<Line> seen_, held_out_;
};

}  // namespace rival

// rival/nn/summary.hpp
// summary(): what a network is made of, as a table to read.

namespace rival {

namespace internal {

struct SummaryRow {
  std::string layer, kind, shape;
  Index parameters;
  std::string options;
};

/// An option as one reads it: `kernel 4` where both extents are 4, `shape 7x7x64`, `bias` or `no bias`.
inline std::string option_text(const std::string& name, const OptionValue& value) {
  TextStream text;
  if (const bool* yes = std::get_if<bool>(&value)) {
    text << (*yes ? "" : "no ") << name;
  } else if (const auto* list = std::get_if<std::vector<Index>>(&value)) {
    text << name << ' ';
    const bool one = list->size() == 2 && list->front() == list->back();
    for (std::size_t i = 0; i < (one ? 1 : list->size()); ++i) text << (i == 0 ? "" : "x") << (*list)[i];
  } else {
    std::visit(
        [&](const auto& v) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(v)>, std::vector<Index>>) text << name << ' ' << v;
        },
        value);
  }
  return text.str();
}

/// All options of a layer, and what those within it are.
inline std::string options_text(const Description& description) {
  std::string text;
  const auto append = [&](const std::string& next) { text += (text.empty() ? "" : ", ") + next; };
  for (const auto& [name, value] : description.options) append(option_text(name, value));
  if (description.layers.empty()) return text;
  std::string within;
  for (const Description& layer : description.layers) {
    const std::string options = options_text(layer);
    within += (within.empty() ? "" : "; ") + layer.kind + (options.empty() ? "" : " " + options);
  }
  append("[" + within + "]");
  return text;
}

template <class S>
Shape summarise(Sequential<S>& layers, Shape shape, std::vector<SummaryRow>& rows) {
  for (Index i = 0; i < layers.size(); ++i) {
    Layer<S>& layer = layers[i];
    if (auto* block = dynamic_cast<Sequential<S>*>(&layer)) {
      shape = summarise(*block, shape, rows);
      continue;
    }
    shape = layer.output_shape(shape);
    State<S> state;
    layer.collect(state);
    Index count = 0;
    for (const auto* parameter : state.parameters) count += parameter->value.size();
    rows.push_back({layer.name(), std::string(layer.kind()), shape.text(), count, options_text(layer.describe())});
  }
  return shape;
}

/// 1234567 as "1,234,567".
inline std::string grouped(Index number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<Index>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

}  // namespace internal

/// A table of the network's layers: the shape of a sample behind each, the number of parameters, and the options as the
/// layer describes itself.
template <class S>
std::string summary(Network<S>& network) {
  using namespace internal;
  std::vector<SummaryRow> rows;
  summarise(network.layers(), network.input_shape(), rows);
  Index total = 0;
  std::size_t layer = 5, kind = 4, shape = 12, count = 10;
  for (const auto& row : rows) {
    total += row.parameters;
    layer = std::max(layer, row.layer.size());
    kind = std::max(kind, row.kind.size());
    shape = std::max(shape, row.shape.size());
  }
  TextStream text;
  const auto line = [&](const std::string& a, const std::string& b, const std::string& c, const std::string& d,
                        const std::string& e) {
    const auto spaces = [](std::size_t width, const std::string& s) {
      return std::string(width - std::min(width, s.size()), ' ');
    };
    std::string all =
        a + spaces(layer + 2, a) + b + spaces(kind + 2, b) + c + spaces(shape + 2, c) + spaces(count, d) + d + "  " + e;
    all.erase(all.find_last_not_of(' ') + 1);  // no line ends in blanks
    text << all << '\n';
  };
  line("layer", "kind", "output shape", "parameters", "options");
  line(network.name(), "input", network.input_shape().text(), "", "");
  for (const auto& row : rows)
    line(row.layer, row.kind, row.shape, row.parameters > 0 ? grouped(row.parameters) : "", row.options);
  line("total", "", network.output_shape().text(), grouped(total), "");
  return text.str();
}

RIVAL_INSTANTIATE_FUNCTION(summary);

}  // namespace rival

// rival/sound/griffin_lim.hpp
// Sound from magnitudes alone: phases that fit them.

#include <complex>

// rival/sound/stft.hpp
// Short-time Fourier transform, and back.

#include <unsupported/Eigen/FFT>

namespace rival {

/// The sizes of a short-time Fourier transform.
struct StftOptions {
  Index window = 256;  ///< samples that a frame sees, through a periodic Hann window; an even number
  Index hop = 64;      ///< samples from one frame to the next; at most half a window
};

/// Frames by frequencies.
template <class S>
using Spectrum = Eigen::Array<std::complex<S>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The spectrum of a sound, frame by frame: X(t, k) = sum over n of w(n) x(t hop + n - window/2) exp(-2 pi i k n /
/// window), with w(n) = (1 - cos(2 pi n / window)) / 2 and k = 0 ... window/2. Frame t is centred on sample t hop;
/// beyond its ends the sound goes on mirrored, without its end sample twice. That is torch.stft with center=True and
/// pad_mode="reflect".
///
/// An object is one thread's own: its transform has memory for a frame.
template <class S>
class Stft {
 public:
  /// Throws Error for a window or hop that cannot be.
  explicit Stft(const StftOptions& options = {}) : options_(options) {
    const Index n = options.window;
    require(n >= 4 && n <= (Index{1} << 20) && n % 2 == 0, "stft: expected an even window from 4 to 2^20 samples, got ",
            n);
    require(options.hop >= 1 && options.hop <= n / 2, "stft: expected a hop from 1 to half of the window, ", n / 2,
            ", got ", options.hop);
    window_.resize(static_cast<std::size_t>(n));
    for (Index i = 0; i < n; ++i)
      window_[static_cast<std::size_t>(i)] =
          static_cast<S>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n)));
    fft_.SetFlag(Eigen::FFT<S>::HalfSpectrum);
    frame_.resize(window_.size());
    bins_.resize(static_cast<std::size_t>(bins()));
  }

  /// The options that it was made with.
  const StftOptions& options() const { return options_; }
  /// Frequencies in a frame, from 0 to half the rate: window / 2 + 1.
  Index bins() const { return options_.window / 2 + 1; }
  /// Of a sound of so many samples.
  Index frames(Index length) const { return 1 + length / options_.hop; }

  /// {frames, bins}. Throws Error for a sound that is not longer than half a window, as it cannot be mirrored.
  Spectrum<S> operator()(std::span<const S> samples) {
    const Index length = static_cast<Index>(samples.size()), half = options_.window / 2;
    require(length > half, "stft: expected more samples than half a window, ", half, ", got ", length);
    Spectrum<S> spectrum(frames(length), bins());
    for (Index t = 0; t < spectrum.rows(); ++t) {
      for (Index n = 0; n < options_.window; ++n) {
        Index at = std::abs(t * options_.hop + n - half);
        if (at >= length) at = 2 * (length - 1) - at;
        frame_[static_cast<std::size_t>(n)] =
            window_[static_cast<std::size_t>(n)] * samples[static_cast<std::size_t>(at)];
      }
      fft_.fwd(bins_.data(), frame_.data(), options_.window);
      std::copy(bins_.begin(), bins_.end(), spectrum.row(t).data());
    }
    return spectrum;
  }

  /// The sound of so many samples whose frames are nearest to the spectrum's (Griffin and Lim, "Signal estimation from
  /// modified short-time Fourier transform", 1984): frames through the window once more, added up and divided by the
  /// sum of the squared windows. It is the sound itself for the spectrum of one, up to rounding, which is magnified at
  /// the last samples where the hop is more than a quarter of the window: hardly any window reaches them. Throws Error
  /// for a spectrum of another shape.
  std::vector<S> inverse(const Spectrum<S>& spectrum, Index length) {
    require(length >= 1 && spectrum.rows() == frames(length) && spectrum.cols() == bins(), "stft: expected ",
            length >= 1 ? frames(length) : 0, " frames of ", bins(), " frequencies for ", length, " samples, got ",
            spectrum.rows(), " of ", spectrum.cols());
    const Index half = options_.window / 2;
    std::vector<S> sum(static_cast<std::size_t>(length)), weight(sum.size());
    for (Index t = 0; t < spectrum.rows(); ++t) {
      std::copy_n(spectrum.row(t).data(), bins(), bins_.data());
      fft_.inv(frame_.data(), bins_.data(), options_.window);
      for (Index n = 0; n < options_.window; ++n) {
        const Index at = t * options_.hop + n - half;
        if (at < 0 || at >= length) continue;
        const S w = window_[static_cast<std::size_t>(n)];
        sum[static_cast<std::size_t>(at)] += w * frame_[static_cast<std::size_t>(n)];
        weight[static_cast<std::size_t>(at)] += w * w;
      }
    }
    // A hop is at most half of a window, so that no sample lies where all windows are 0.
    for (std::size_t i = 0; i < sum.size(); ++i)
      if (weight[i] > 0) sum[i] /= weight[i];
    return sum;
  }

 private:
  StftOptions options_;
  std::vector<S> window_, frame_;
  std::vector<std::complex<S>> bins_;
  Eigen::FFT<S> fft_;
};

/// |X|: {frames, bins}.
template <class S>
Tensor<S> magnitudes(const Spectrum<S>& spectrum) {
  Tensor<S> all({spectrum.rows(), spectrum.cols()});
  for (Index i = 0; i < all.size(); ++i) all[i] = std::abs(spectrum.data()[i]);
  return all;
}

}  // namespace rival

namespace rival {

/// How long and how fast a phase is searched for.
struct GriffinLimOptions {
  Index iterations = 32;   ///< each of an inverse and a forward transform
  double momentum = 0.99;  ///< 0: Griffin and Lim's own
};

namespace internal {

/// From a spectrum that has the magnitudes, and phases to begin with.
template <class S>
std::vector<S> griffin_lim(Stft<S>& stft, const Tensor<S>& magnitudes, Spectrum<S> phases, Index length,
                           const GriffinLimOptions& o) {
  const S share = static_cast<S>(o.momentum / (1 + o.momentum));
  Spectrum<S> spectrum(phases.rows(), phases.cols()), before = Spectrum<S>::Zero(phases.rows(), phases.cols());
  const auto with_magnitudes = [&] {
    for (Index i = 0; i < magnitudes.size(); ++i) spectrum.data()[i] = magnitudes[i] * phases.data()[i];
  };
  for (Index i = 0; i < o.iterations; ++i) {
    with_magnitudes();
    const std::vector<S> samples = stft.inverse(spectrum, length);
    Spectrum<S> now = stft(samples);
    phases = now - share * before;
    before = std::move(now);
    for (Index k = 0; k < phases.size(); ++k) {
      const S size = std::abs(phases.data()[k]);
      phases.data()[k] /= size + S(1e-16);
    }
  }
  with_magnitudes();
  return stft.inverse(spectrum, length);
}

}  // namespace internal

/// A sound of `length` samples whose spectrum has nearly the magnitudes {frames, bins}: from random phases, there and
/// back through the transform, each time with the magnitudes put back (Griffin and Lim, 1984), with momentum
/// (Perraudin, Balazs and Sondergaard, "A fast Griffin-Lim algorithm", 2013). As librosa.griffinlim has it. Throws
/// Error for magnitudes of another shape than stft gives for that length, or below 0.
template <class S>
std::vector<S> griffin_lim(Stft<S>& stft, const Tensor<S>& magnitudes, Index length, Random random,
                           const GriffinLimOptions& options = {}) {
  require(length > stft.options().window / 2, "griffin_lim: expected more samples than half a window, ",
          stft.options().window / 2, ", got ", length);
  require(magnitudes.shape() == Shape({stft.frames(length), stft.bins()}), "griffin_lim: expected magnitudes of ",
          Shape({stft.frames(length), stft.bins()}), " for ", length, " samples, got ", magnitudes.shape());
  require((magnitudes.array() >= S(0)).all(), "griffin_lim: expected magnitudes of at least 0");
  for (Index i = 0; i < magnitudes.size(); ++i)
    require(is_finite(magnitudes[i]), "griffin_lim: expected finite magnitudes, got ", magnitudes[i]);
  require(options.iterations >= 0, "griffin_lim: expected at least 0 iterations, got ", options.iterations);
  require(options.momentum >= 0 && options.momentum <= 1, "griffin_lim: expected a momentum from 0 to 1, got ",
          options.momentum);
  Tensor<S> angles(magnitudes.shape());
  random.fill_uniform(angles, S(0), static_cast<S>(2 * std::numbers::pi));
  Spectrum<S> phases(magnitudes.dim(0), magnitudes.cols());
  for (Index i = 0; i < angles.size(); ++i) phases.data()[i] = std::polar(S(1), angles[i]);
  return internal::griffin_lim(stft, magnitudes, std::move(phases), length, options);
}

}  // namespace rival

// rival/sound/mel.hpp
// Mel spectrograms: the loudness of bands that are spaced as we hear.

namespace rival {

namespace internal {

/// Slaney's mel scale (Auditory Toolbox, 1998), librosa's default: linear below 1 kHz, where a mel is 200/3 Hz, and
/// above it logarithmic, 27 mels for a factor of 6.4.
inline double hertz_to_mel(double hertz) {
  constexpr double linear = 200.0 / 3, knee = 1000;
  return hertz < knee ? hertz / linear : knee / linear + std::log(hertz / knee) * 27 / std::log(6.4);
}
inline double mel_to_hertz(double mel) {
  constexpr double linear = 200.0 / 3, knee = 1000;
  return mel < knee / linear ? mel * linear : knee * std::exp((mel - knee / linear) * std::log(6.4) / 27);
}

}  // namespace internal

/// Which bands a mel spectrogram has.
struct MelOptions {
  Index mels = 64;     ///< bands
  double lowest = 20;  ///< Hz
  double highest = 0;  ///< Hz; 0: half of the rate
};

/// The bands' weights, {mels, bins}, for spectra of `bins` frequencies from 0 to half of the rate: triangles from one
/// band's middle to the next ones', evenly spaced on Slaney's mel scale, each of area 1 over the frequencies in Hz.
/// These are librosa.filters.mel(htk=False, norm="slaney"). Throws Error for options that cannot be, and for bands so
/// narrow that no frequency lies in one.
template <class S>
Tensor<S> mel_filters(Index rate, Index bins, const MelOptions& options = {}) {
  using namespace internal;
  const double half = static_cast<double>(rate) / 2, highest = options.highest == 0 ? half : options.highest;
  require(rate >= 1 && bins >= 2, "mel_filters: expected a rate and at least 2 frequencies, got ", rate, " Hz and ",
          bins);
  require(options.mels >= 1 && options.mels <= bins, "mel_filters: expected 1 to ", bins,
          " bands, as many as frequencies", ", got ", options.mels);
  require(options.lowest >= 0 && options.lowest < highest && highest <= half,
          "mel_filters: expected 0 <= lowest < highest <= ", half, " Hz, got ", options.lowest, " and ", highest);
  const double low = hertz_to_mel(options.lowest), high = hertz_to_mel(highest);
  const auto edge = [&](Index i) {
    return mel_to_hertz(low + (high - low) * static_cast<double>(i) / static_cast<double>(options.mels + 1));
  };
  Tensor<S> filters({options.mels, bins});
  for (Index m = 0; m < options.mels; ++m) {
    const double left = edge(m), middle = edge(m + 1), right = edge(m + 2);
    bool any = false;
    for (Index k = 0; k < bins; ++k) {
      const double hertz = half * static_cast<double>(k) / static_cast<double>(bins - 1);
      const double weight = std::min((hertz - left) / (middle - left), (right - hertz) / (right - middle));
      filters(m, k) = static_cast<S>(std::max(0.0, weight) * 2 / (right - left));
      any = any || weight > 0;
    }
    require(any, "mel_filters: expected fewer bands, or a longer window: no frequency of ", bins, " lies in band ", m,
            " of ", options.mels);
  }
  return filters;
}

/// ln(max(filters |X|, floor)): {frames, mels} of magnitudes {frames, bins}.
template <class S>
Tensor<S> log_mel(const Tensor<S>& filters, const Tensor<S>& magnitudes, S floor = S(1e-5)) {
  require(magnitudes.rank() == 2 && filters.rank() == 2 && magnitudes.cols() == filters.cols(),
          "log_mel: expected magnitudes of ", filters.cols(), " frequencies, got ", magnitudes.shape());
  require(floor > 0, "log_mel: expected a floor above 0, got ", floor);
  Tensor<S> bands({magnitudes.dim(0), filters.dim(0)});
  bands.matrix().noalias() = magnitudes.matrix() * filters.matrix().transpose();
  bands.array() = bands.array().max(floor).log();
  return bands;
}

/// The other way: magnitudes {frames, bins}, none below 0, whose bands come near to exp(log_mel). Least squares by Lee
/// and Seung's rule, x <- x (M^T y) / (M^T M x) ("Algorithms for non-negative matrix factorization", 2001), which never
/// makes the error greater. Frequencies in no band get 0.
template <class S>
Tensor<S> mel_to_magnitudes(const Tensor<S>& filters, const Tensor<S>& log_mel, Index iterations = 50) {
  require(log_mel.rank() == 2 && filters.rank() == 2 && log_mel.cols() == filters.dim(0),
          "mel_to_magnitudes: expected ", filters.dim(0), " bands, got ", log_mel.shape());
  require(iterations >= 1, "mel_to_magnitudes: expected at least 1 iteration, got ", iterations);
  using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Matrix bands = log_mel.matrix().array().exp();
  const Matrix wanted = bands * filters.matrix();
  const Matrix square = filters.matrix().transpose() * filters.matrix();
  Tensor<S> all({log_mel.dim(0), filters.cols()});
  all.matrix() = wanted;
  Matrix reached;
  constexpr S tiny = S(1e-30);
  for (Index i = 0; i < iterations; ++i) {
    reached.noalias() = all.matrix() * square;
    all.matrix().array() *= wanted.array() / reached.array().max(tiny);
  }
  return all;
}

}  // namespace rival

// rival/sound/sound.hpp
// Sound: samples over time, and what is done to them before they become data.

namespace rival {

/// Samples in [-1, 1], frame by frame: a frame is a moment, and has a sample of each channel.
struct Sound {
  Index rate = 0;              ///< frames a second (Hz)
  Index channels = 1;          ///< 1: mono; 2: left and right
  std::vector<float> samples;  ///< frames() * channels of them

  /// Moments; the sound lasts frames() / rate seconds.
  Index frames() const { return channels > 0 ? static_cast<Index>(samples.size()) / channels : 0; }
};

namespace internal {

/// That a sound may have, all channels together: a gigabyte, whatever the header of a file says.
inline constexpr Index most_samples = Index{1} << 28;

/// Throws Error, beginning with `who`, unless the sound has a rate, channels and whole frames.
inline void require_sound(const char* who, const Sound& sound) {
  require(sound.rate >= 1 && sound.rate <= 1'000'000, who, ": expected a rate from 1 to 1000000 Hz, got ", sound.rate);
  require(sound.channels >= 1 && sound.channels <= 1024, who, ": expected 1 to 1024 channels, got ", sound.channels);
  require(static_cast<Index>(sound.samples.size()) % sound.channels == 0, who, ": expected whole frames of ",
          sound.channels, " samples, got ", sound.samples.size(), " samples");
}

inline void require_mono(const char* who, const Sound& sound) {
  require_sound(who, sound);
  require(sound.channels == 1, who, ": expected one channel, got ", sound.channels);
}

}  // namespace internal

/// One channel: the mean of all.
inline Sound to_mono(const Sound& sound) {
  internal::require_sound("to_mono", sound);
  if (sound.channels == 1) return sound;
  Sound mono{sound.rate, 1, std::vector<float>(static_cast<std::size_t>(sound.frames()))};
  const float* from = sound.samples.data();
  for (float& sample : mono.samples) {
    double sum = 0;
    for (Index c = 0; c < sound.channels; ++c) sum += *from++;
    sample = static_cast<float>(sum / static_cast<double>(sound.channels));
  }
  return mono;
}

/// Without what comes before the first and after the last moment that is louder than `below` decibels under the sound's
/// greatest sample. Loudness is the root mean square of stretches of 10 ms, and a stretch goes or stays as a whole.
/// Silence has nothing that is louder, and stays as it is. Of one channel.
inline Sound trim_silence(const Sound& sound, double below = 40) {
  internal::require_mono("trim_silence", sound);
  require(below > 0, "trim_silence: expected decibels above 0, got ", below);
  const std::size_t stretch = static_cast<std::size_t>(std::max<Index>(1, sound.rate / 100));
  double peak = 0;
  for (const float sample : sound.samples) peak = std::max(peak, std::abs(static_cast<double>(sample)));
  const double threshold = peak * std::pow(10, -below / 20);
  std::size_t first = sound.samples.size(), last = 0;
  for (std::size_t begin = 0; begin < sound.samples.size(); begin += stretch) {
    const std::size_t end = std::min(begin + stretch, sound.samples.size());
    double squares = 0;
    for (std::size_t i = begin; i < end; ++i) squares += static_cast<double>(sound.samples[i]) * sound.samples[i];
    if (std::sqrt(squares / static_cast<double>(end - begin)) <= threshold) continue;
    first = std::min(first, begin);
    last = end;
  }
  if (last == 0) return sound;
  const auto at = [&](std::size_t i) { return sound.samples.begin() + static_cast<std::ptrdiff_t>(i); };
  return {sound.rate, 1, {at(first), at(last)}};
}

/// So loud that its greatest sample is `peak`. Silence stays silence.
inline Sound normalise(Sound sound, double peak = 0.95) {
  internal::require_sound("normalise", sound);
  require(peak > 0 && peak <= 1, "normalise: expected a peak above 0 and at most 1, got ", peak);
  float greatest = 0;
  for (const float sample : sound.samples) {
    require(is_finite(sample), "normalise: expected finite samples, got NaN or infinity");
    greatest = std::max(greatest, std::abs(sample));
  }
  if (greatest == 0) return sound;
  for (float& sample : sound.samples) sample = static_cast<float>(sample * peak / greatest);
  return sound;
}

/// The first `length` frames; silence behind those of a shorter one.
inline Sound fit_length(Sound sound, Index length) {
  internal::require_sound("fit_length", sound);
  require(length >= 1, "fit_length: expected at least 1 frame, got ", length);
  require(length <= internal::most_samples / sound.channels, "fit_length: expected at most ",
          internal::most_samples / sound.channels, " frames, got ", length);
  sound.samples.resize(static_cast<std::size_t>(length * sound.channels));
  return sound;
}

/// One sound after the other, with `gap` seconds of silence between them. They have one rate and as many channels.
inline Sound join(const std::vector<Sound>& sounds, double gap) {
  require(!sounds.empty(), "join: expected at least one sound");
  require(gap >= 0 && gap <= 3600, "join: expected a gap from 0 to 3600 seconds, got ", gap);
  internal::require_sound("join", sounds[0]);
  Sound all{sounds[0].rate, sounds[0].channels, {}};
  const auto silence = static_cast<std::size_t>(static_cast<Index>(gap * static_cast<double>(all.rate)) * all.channels);
  for (const Sound& sound : sounds) {
    internal::require_sound("join", sound);
    require(sound.rate == all.rate && sound.channels == all.channels, "join: expected sounds of ", all.rate, " Hz and ",
            all.channels, " channels, got ", sound.rate, " Hz and ", sound.channels);
    if (&sound != sounds.data()) all.samples.resize(all.samples.size() + silence);
    all.samples.insert(all.samples.end(), sound.samples.begin(), sound.samples.end());
  }
  return all;
}

}  // namespace rival

// rival/train/evaluate.hpp
// evaluate(): how good a classifier is.

namespace rival {

/// What a classifier makes of labelled samples.
struct Classification {
  double loss = 0;               ///< mean softmax cross-entropy
  Index wrong = 0;               ///< samples whose greatest logit is another class's
  Index classes = 0;             ///< of the classifier
  std::vector<Label> predicted;  ///< of each sample, in their order
  std::vector<Index> confusion;  ///< classes x classes: how many samples of the row's class were taken for the
                                 ///< column's; none above 1,000

  /// How many were classified.
  Index samples() const { return static_cast<Index>(predicted.size()); }
  /// Share that was taken for another class; NaN without samples.
  double error() const { return static_cast<double>(wrong) / static_cast<double>(samples()); }
  /// Share that was taken for its own class.
  double accuracy() const { return 1 - error(); }
  /// Samples of class `truth` that were taken for `taken_for`.
  Index count(Label truth, Label taken_for) const {
    require(truth < classes && taken_for < classes, "evaluation: expected classes below ", classes, ", got ", truth,
            " and ", taken_for);
    require(!confusion.empty(), "evaluation: expected at most 1000 classes to count confusions of, got ", classes);
    return confusion[static_cast<std::size_t>(truth * classes + taken_for)];
  }
};

/// In evaluation mode. Throws Error for a data set without samples, without labels, or of more classes or other samples
/// than the classifier is made for.
template <class S>
Classification evaluate(const Classifier<S>& classifier, const Dataset& data) {
  require(data.size() > 0 && data.has_labels(), "evaluate: expected labelled samples, got ", data.size(),
          data.has_labels() ? "" : " without labels");
  require(data.classes() <= classifier.classes(), "evaluate: the classifier tells ", classifier.classes(),
          " classes apart, the data set has ", data.classes());
  Classification all;
  all.classes = classifier.classes();
  const bool counted = all.classes <= 1000;
  if (counted) all.confusion.resize(static_cast<std::size_t>(all.classes * all.classes));
  Loader<S> loader(data, {.batch = std::min<Index>(1000, data.size()), .drop_last = false, .shuffle = false}, Random());
  Tensor<S> samples;
  std::vector<Label> labels;
  Loss<S> loss;
  double sum = 0;
  while (loader.next(samples, labels)) {
    const Tensor<S> logits = classifier.logits(samples);
    softmax_cross_entropy(logits, labels, loss);
    sum += static_cast<double>(loss.value) * static_cast<double>(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const S* x = logits.data() + static_cast<Index>(i) * all.classes;
      const auto greatest = static_cast<Label>(std::max_element(x, x + all.classes) - x);
      all.predicted.push_back(greatest);
      all.wrong += greatest != labels[i];
      if (counted) ++all.confusion[static_cast<std::size_t>(labels[i] * all.classes + greatest)];
    }
  }
  all.loss = sum / static_cast<double>(data.size());
  return all;
}

}  // namespace rival

// rival/train/progress.hpp
// progress_bar(): how a training run goes, for a person to watch.

#ifdef _WIN32
#include <io.h>
#else
#include <sys/ioctl.h>
#endif

namespace rival {

namespace internal {

/// Columns of the window that the stream writes to; 0 when that is none, or one that does not tell.
inline int window_columns([[maybe_unused]] std::FILE* stream) {
#if !defined(_WIN32) && defined(TIOCGWINSZ)
  winsize size{};
  if (isatty(fileno(stream)) != 0 && ioctl(fileno(stream), TIOCGWINSZ, &size) == 0) return size.ws_col;
#endif
  return 0;
}

/// 83 seconds as "1:23".
inline std::string clock_text(double seconds) {
  const long whole = std::lround(std::max(0.0, seconds));
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

/// 1.2345 as "1.234", and a number that would need many digits as "1.23e+30".
inline std::string loss_text(double loss) {
  char text[32];
  std::snprintf(text, sizeof text, std::abs(loss) < 1e5 ? "%.3f" : "%.2e", loss);
  return text;
}

/// 341.2 as "341 images/s".
inline std::string speed_text(double per_second, const std::string& kind) {
  char text[64];
  std::snprintf(text, sizeof text, std::abs(per_second) < 1e9 ? "%.0f " : "%.2e ", per_second);
  return text + kind + "/s";
}

/// What a report says of how well it goes.
inline std::string losses_text(const StepReport& report) {
  if (!report.supervised)
    return "D " + loss_text(report.discriminator_loss) + "  G " + loss_text(report.generator_loss);
  char text[32];
  std::snprintf(text, sizeof text, "  accuracy %.1f %%", 100 * report.accuracy);
  return "loss " + loss_text(report.loss) + text;
}

/// The bar for a report, of at most `columns`: in a narrow window it shrinks, then what one misses least goes first.
inline std::string bar_text(const StepReport& report, const std::string& left, int columns,
                            const std::string& note = "", const std::string& kind = "images") {
  const std::string epoch = concatenate("epoch ", report.epoch, '/', report.epochs, ' '),
                    steps = concatenate(report.steps_done, '/', report.steps_in_all),
                    speed = "  " + speed_text(report.images_per_second, kind), losses = "  " + losses_text(report),
                    noted = note.empty() ? "" : "  " + note, time = "  " + left + " left";
  constexpr std::size_t widest = 16, narrowest = 6;
  // A report of a step outside of `fit` does not say how many there will be.
  const double done =
      report.steps_in_all > 0
          ? std::clamp(static_cast<double>(report.steps_done) / static_cast<double>(report.steps_in_all), 0.0, 1.0)
          : 0;
  const auto room = static_cast<std::size_t>(std::max(columns, 0));
  struct Choice {
    std::string before, after;
  };
  for (const auto& [before, after] :
       {Choice{epoch, steps + speed + losses + noted + time}, Choice{epoch, steps + losses + noted + time},
        Choice{"", steps + losses + noted + time}, Choice{"", steps + noted + time},
        Choice{epoch, steps + losses + time}, Choice{"", steps + losses + time}, Choice{"", steps + time}}) {
    const std::size_t rest = before.size() + after.size() + 3;  // with the brackets and a space
    if (rest + narrowest > room) continue;
    std::string bar(std::min(widest, room - rest), '.');
    std::fill_n(bar.begin(), static_cast<std::size_t>(done * static_cast<double>(bar.size())), '#');
    return before + '[' + bar + "] " + after;
  }
  return (steps + time).size() <= room ? steps + time : steps.substr(0, room);
}

}  // namespace internal

/// What a ProgressBar looks like.
struct ProgressOptions {
  /// A bar that redraws itself, as wide as the window; if not, a plain line every few seconds.
  bool bar = internal::window_columns(stdout) > 0;
  double line_seconds = 5;      ///< between plain lines
  std::string kind = "images";  ///< what the samples are
};

/// Shows the reports on standard output.
class ProgressBar {
 public:
  /// Shows nothing until the first report.
  explicit ProgressBar(const ProgressOptions& options = {}) : options_(options) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  /// Also when an exception ends the training: what is printed next stands on a line of its own.
  ~ProgressBar() { end_line(); }

  /// Shows a report; to be called after each step, with those of one fit after the other.
  void operator()(const StepReport& report) {
    const bool last = report.steps_done == report.steps_in_all;
    // A fit that goes on from a checkpoint has made steps of which its seconds know nothing.
    const bool first = report.steps_done <= seen_ || seen_ == 0 || report.seconds < shown_;
    if (first) skipped_ = report.steps_done - 1;
    seen_ = report.steps_done;
    // Nobody reads faster than this, and a terminal takes time.
    const double pause = options_.bar ? 0.1 : options_.line_seconds;
    if (!last && !first && report.seconds < shown_ + pause) return;
    shown_ = report.seconds;
    const auto made = static_cast<double>(report.steps_done - skipped_),
               rest = static_cast<double>(report.steps_in_all - report.steps_done);
    const std::string left = internal::clock_text(report.seconds * rest / made);
    if (options_.bar) {
      draw(report, left);
      if (last) end_line();
      return;
    }
    std::printf("epoch %td/%td  step %ld/%ld  %s  %s%s%s  %s left\n", report.epoch, report.epochs, report.steps_done,
                report.steps_in_all, internal::speed_text(report.images_per_second, options_.kind).c_str(),
                internal::losses_text(report).c_str(), note_.empty() ? "" : "  ", note_.c_str(), left.c_str());
    std::fflush(stdout);
  }

  /// A few words that stand behind the losses from now on.
  void set_note(const std::string& note) { note_ = note; }

  /// Ends the line on which the bar stands, if it does. The next report begins a new one.
  void end_line() {
    if (drawn_ == 0) return;
    drawn_ = 0;
    std::fputc('\n', stdout);
    std::fflush(stdout);
  }

 private:
  /// Asked anew each time, since windows change their size.
  void draw(const StepReport& report, const std::string& left) {
    const int window = internal::window_columns(stdout);
    const int columns = (window > 0 ? window : 80) - 1;  // some terminals go on to the next line after the last column
    std::string text = internal::bar_text(report, left, columns, note_, options_.kind);
    const std::size_t length = text.size();
    // Spaces over what is longer of the bar before.
    text.resize(std::max(length, std::min(drawn_, static_cast<std::size_t>(std::max(columns, 0)))), ' ');
    std::fputc('\r', stdout);
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    drawn_ = length;
  }

  ProgressOptions options_;
  std::string note_;
  double shown_ = 0;
  long seen_ = 0, skipped_ = 0;  ///< steps done at the last report, and before the first one
  std::size_t drawn_ = 0;        ///< characters of the bar that stands on an unfinished line
};

/// A callback for FitOptions::on_step that shows epoch, step, images per second, the losses and the time left: as a
/// bar in a window whose width is known, elsewhere as a plain line every few seconds.
inline std::function<void(const StepReport&)> progress_bar(const ProgressOptions& options = {}) {
  return [bar = std::make_shared<ProgressBar>(options)](const StepReport& report) { (*bar)(report); };
}

}  // namespace rival

// rival/train/refresh_statistics.hpp
// refresh_statistics(): what batch norms know of their inputs, for the weights and the samples as they are now.

namespace rival {

/// How many samples the running statistics are made of.
struct RefreshOptions {
  Index batch = 256;  ///< samples a pass; fewer if there are fewer
  long passes = 50;   ///< at the usual momentum of 0.1 the first half of them is forgotten
};

/// Training passes over samples of `data`, in an order drawn from `random`, which move the running statistics and
/// nothing else: streams, such as dropout's, are put back. For a network that was trained on distorted samples and is
/// to see plain ones, or whose weights are an average: the statistics that training left are those of other samples and
/// weights. Throws Error when the samples do not fit.
template <class S>
void refresh_statistics(Network<S>& network, const Dataset& data, const Random& random,
                        const RefreshOptions& options = {}) {
  require(options.passes >= 1, "refresh_statistics: expected at least 1 pass, got ", options.passes);
  Loader<S> loader(data, {.batch = std::min(options.batch, data.size())}, random);
  Tensor<S> samples;
  Trace<S> trace;
  const State<S> state = network.state();
  std::vector<Random> streams;
  for (const auto& [name, stream] : state.streams) streams.push_back(*stream);
  for (long i = 0; i < options.passes; ++i) {
    if (!loader.next(samples)) loader.next(samples);  // the next epoch
    network.forward(samples, trace);
  }
  for (std::size_t i = 0; i < streams.size(); ++i) *state.streams[i].second = streams[i];
}

}  // namespace rival

// rival/train/supervised_trainer.hpp
// SupervisedTrainer: trains a classifier on labelled samples.

namespace rival {

struct CheckpointExtras;  // in rival/io/checkpoint.hpp

/// What a SupervisedTrainer does in a step, and with which numbers.
template <class S = float>
struct SupervisedOptions {
  Index batch = 64;            ///< samples in a step
  double label_smoothing = 0;  ///< of softmax_cross_entropy
  /// Makes of samples {N, ...} the changed ones that the classifier is trained on, as a Distortion does; the samples as
  /// they are if empty.
  std::function<void(const Tensor<S>& samples, Tensor<S>& changed, Random& random)> augment = {};
  /// Of the optimiser; their type says which one it is.
  OptimizerOptions optimizer = AdamOptions{};
  /// If given: the trainer keeps a moving average of the classifier's weights; its `batch` is this one's.
  std::optional<MovingAverageOptions> average = {};
  /// How many steps the training will have, for schedules over the run; `fit` finds out by itself.
  long steps = 0;
  /// Of the order of the data and of `augment`.
  std::uint64_t seed = 0;
};

/// What a SupervisedTrainer remembers from step to step beside classifier, optimiser and average.
struct SupervisedState : FitState {
  Random::Position augment;  ///< of what `augment` draws

  friend bool operator==(const SupervisedState&, const SupervisedState&) = default;
};

/// Each step lowers the softmax cross-entropy of a batch.
///
///     rival::SupervisedTrainer<> trainer(classifier, {.batch = 64, .seed = 1});
///     trainer.fit(digits, {.epochs = 5, .on_step = rival::progress_bar()});
///     rival::save(trainer.averaged_classifier(), "classifier.safetensors");
///
/// The classifier stays the caller's and must outlive the trainer. From the same seed and weights come the same bits,
/// for any number of threads; a warm step allocates no memory. A step that throws (Diverged, an Error, whatever
/// `augment` throws) leaves all as it was before it, and gradients zero.
template <class S = float>
class SupervisedTrainer {
 public:
  /// Throws Error for options out of range, and for a classifier whose weights are all zero.
  explicit SupervisedTrainer(Classifier<S>& classifier, SupervisedOptions<S> options = {})
      : classifier_(classifier),
        options_(std::move(options)),
        optimizer_(make_optimizer(classifier.parameters(), options_.optimizer)),
        augment_(Random(options_.seed).stream("augment")),
        whole_step_({&classifier}, {optimizer_.get()}) {
    const auto& o = options_;
    internal::require_weights(classifier);
    require(o.batch >= 1, "trainer: expected a batch of at least 1, got ", o.batch);
    require(o.steps >= 0, "trainer: expected steps >= 0, got ", o.steps);
    require(o.label_smoothing >= 0 && o.label_smoothing < 1, "trainer: expected 0 <= label_smoothing < 1, got ",
            o.label_smoothing);
    if (options_.average) {
      options_.average->batch = options_.batch;
      average_.emplace(classifier);
      moving_.emplace(average_->state(), classifier.state(), *options_.average);
    }
    optimizer_->set_run(options_.steps);
  }
  SupervisedTrainer(const SupervisedTrainer&) = delete;
  SupervisedTrainer& operator=(const SupervisedTrainer&) = delete;

  /// Trains for so many epochs, shuffled, in full batches. Throws Error when the samples or their labels do not fit the
  /// classifier, and Diverged when a loss is not finite; `fit` with `.resume` then goes on from the last good step.
  /// `.resume` with another data set throws Error.
  void fit(const Dataset& data, const FitOptions& fit = {});

  /// Called from a callback: `fit` returns after the current step.
  void stop() { loop_.stop(); }

  /// One training step on samples {N, ...} and their labels. The report says what it saw before the update.
  StepReport step(const Tensor<S>& samples, Labels labels);

  /// The classifier to use: the moving average, if the options ask for one, otherwise the classifier itself.
  const Classifier<S>& averaged_classifier() const { return average_ ? *average_ : classifier_; }
  /// For those who set the average's weights, such as a checkpoint. Throws Error when there is none.
  Classifier<S>& average() {
    require(average_.has_value(), "trainer: expected options with an average, got none");
    return *average_;
  }

  /// Writes a checkpoint: all that it takes to go on, bit for bit, in another process and with any number of threads.
  /// `extras` come beside. Needs rival/io/checkpoint.hpp, which says what is in the file (rival::json). Throws Error,
  /// and leaves an earlier file as it was, when it cannot be written.
  template <class Extras = CheckpointExtras>
  void save(const std::filesystem::path& path, const Extras& extras = {});
  /// Goes on from a checkpoint, and returns the extras in it; then `fit` with `.resume`, or the next `step`. Throws
  /// Error, and leaves trainer and classifier as they were, for a file that is damaged, and when it is of another
  /// classifier, other options or another version: a line for each difference. Needs rival/io/checkpoint.hpp.
  template <class Extras = CheckpointExtras>
  Extras load(const std::filesystem::path& path);

  /// What it takes to go on, beside classifier, optimiser and average.
  SupervisedState state() const {
    SupervisedState state{at_, augment_.position()};
    state.run = optimizer_->run();
    state.average_steps = moving_ ? moving_->steps() : 0;
    return state;
  }
  /// Goes on from there. Throws Error, and changes nothing, for numbers that no trainer has.
  void set_state(const SupervisedState& state) {
    internal::require_state(state);
    at_ = state;
    optimizer_->set_run(state.run);
    if (moving_) moving_->set_steps(state.average_steps);
    augment_ = Random(state.augment);
  }

  /// The classifier that it trains, as the last step left it.
  Classifier<S>& classifier() { return classifier_; }
  /// The optimiser of the classifier's weights.
  Optimizer<S>& optimizer() { return *optimizer_; }
  /// The options that it was made with.
  const SupervisedOptions<S>& options() const { return options_; }

 private:
  template <class NextBatch>
  StepReport run(const NextBatch& next_batch) {
    return whole_step_.run(*this, [&](StepReport& report) {
      const internal::Batch<S> batch = next_batch();
      internal::require_batch(classifier_, batch);
      parallel_scope(classifier_.work(batch.images.dim(0)), [&] { whole_step(batch, report); });
    });
  }

  void whole_step(const internal::Batch<S>& batch, StepReport& report) {
    const Tensor<S>* samples = &batch.images;
    if (options_.augment) {
      options_.augment(batch.images, changed_, augment_);
      require(changed_.shape() == batch.images.shape(), "trainer: expected `augment` to make samples of ",
              batch.images.shape(), ", got ", changed_.shape());
      samples = &changed_;
    }
    const Tensor<S>& logits = classifier_.forward(*samples, trace_);
    softmax_cross_entropy(logits, batch.labels, loss_, options_.label_smoothing);
    report.step = at_.steps + 1;
    report.supervised = true;
    report.loss = loss_.value;
    report.accuracy = share_found(logits, batch.labels);
    internal::require_finite_loss(loss_.value, "classifier", report.step);
    classifier_.backward(trace_, loss_.gradient, {.parameters = true});
    if (moving_) moving_->check_sizes();
    optimizer_->step();  // the last thing that may throw, and then changes nothing
    if (moving_) moving_->update();
    ++at_.steps;
  }

  /// Of the samples whose greatest logit is that of their class.
  static double share_found(const Tensor<S>& logits, Labels labels) {
    const Index rows = logits.rows(), classes = logits.cols();
    Index found = 0;
    for (Index i = 0; i < rows; ++i) {
      const S* x = logits.data() + i * classes;
      found += std::max_element(x, x + classes) - x == labels[static_cast<std::size_t>(i)];
    }
    return static_cast<double>(found) / static_cast<double>(rows);
  }

  Classifier<S>& classifier_;
  SupervisedOptions<S> options_;
  std::unique_ptr<Optimizer<S>> optimizer_;
  Random augment_;
  internal::WholeStep<S> whole_step_;
  std::optional<Classifier<S>> average_;
  std::optional<MovingAverage<S>> moving_;
  FitState at_;
  internal::FitLoop<S> loop_;

  // What a step works on; kept so that the next one allocates nothing.
  Tensor<S> changed_;
  Trace<S> trace_;
  Loss<S> loss_;
};

// Outside of the class, and so not inline: where they are compiled once (core/instantiate.hpp), no other file compiles
// what they call.

template <class S>
void SupervisedTrainer<S>::fit(const Dataset& data, const FitOptions& fit) {
  require(data.classes() <= classifier_.classes(), "trainer: the classifier tells ", classifier_.classes(),
          " classes apart, the data set has ", data.classes());
  const internal::FitPlan plan{
      .batch = options_.batch, .labels = true, .seed = options_.seed, .sample = classifier_.input_shape()};
  loop_.run(
      data, fit, plan, at_, [&](long steps) { optimizer_->set_run(steps); },
      [&](const auto& next_batch) { return run(next_batch); });
}

template <class S>
StepReport SupervisedTrainer<S>::step(const Tensor<S>& samples, Labels labels) {
  return run([&]() -> internal::Batch<S> { return {samples, labels}; });
}

RIVAL_INSTANTIATE_CLASS(SupervisedTrainer);

}  // namespace rival

/// \namespace rival
/// Generative adversarial networks on CPUs. What stands in a namespace `internal`, or in `rival::kernels`, is the
/// library's own and no part of this reference.

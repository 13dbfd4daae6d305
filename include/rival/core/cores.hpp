#pragma once
// How many cores' time this process may use, as far as the system says.

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

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

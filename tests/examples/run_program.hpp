#pragma once
// Runs a program as a user does.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "catch.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "temporary_folder.hpp"

namespace rival_test {

using Arguments = std::vector<std::string>;

/// Starts the program, with signals as a shell gives them to it. Standard output goes to `out`, standard error to the
/// file `err`. `prepare` is called in the new process.
inline pid_t start(const std::string& program, const Arguments& arguments, int out, const std::filesystem::path& err,
                   const std::function<void()>& prepare = {}) {
  Arguments all = arguments;
  all.insert(all.begin(), program);
  std::vector<char*> pointers;
  for (auto& argument : all) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const std::string err_path = err.string();
  const pid_t child = fork();
  if (child == 0) {
    dup2(out, STDOUT_FILENO);
    dup2(open(err_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
    if (prepare) prepare();
    execv(pointers[0], pointers.data());
    _exit(127);
  }
  REQUIRE(child > 0);
  return child;
}

/// The exit code, or minus the signal that ended the program.
inline int wait_for(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// Waits until `seen` says so; false after two minutes, which is far more than anything here takes on a busy machine.
inline bool wait_until(const std::function<bool()>& seen) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (std::chrono::steady_clock::now() < end) {
    if (seen()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

struct Run {
  int code;
  std::string out, err;
};

/// Runs it to its end, with its output in a file.
inline Run run(const std::string& program, const Arguments& arguments, const std::function<void()>& prepare = {}) {
  const TemporaryFolder folder;
  const int out = open((folder / "out").c_str(), O_WRONLY | O_CREAT, 0600);
  const int code = wait_for(start(program, arguments, out, folder / "err", prepare));
  close(out);
  return {code, read_bytes(folder / "out"), read_bytes(folder / "err")};
}

/// All files of a folder, by name.
inline std::map<std::string, std::string> content(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files[entry.path().filename().string()] = read_bytes(entry.path());
  return files;
}

/// What of report.html does not tell times, threads and options: samples, losses, scores, accuracy, penalties.
inline std::string lasting(const std::string& report) {
  const auto begin = report.find("<section class=\"frames\">"), end = report.find("<h2>Speed</h2>");
  REQUIRE(begin < end);
  REQUIRE(end != std::string::npos);
  return report.substr(begin, end - begin);
}

inline std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

}  // namespace rival_test

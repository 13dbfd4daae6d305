#include "common/signals.hpp"

#include <atomic>
#include <csignal>

namespace {

std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal's handler may do little more than set such a number");

void note_signal(int signal) {
  int none = 0;
  first_signal.compare_exchange_strong(none, signal);
}

}  // namespace

int stop_signal() { return first_signal; }

void take_signals() {
  const auto take = [](int signal) {
    if (std::signal(signal, note_signal) == SIG_IGN) std::signal(signal, SIG_IGN);  // nohup has said so
  };
  for (const int signal : {SIGINT, SIGTERM}) take(signal);
#ifndef _WIN32
  for (const int signal : {SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU}) take(signal);
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
#endif
#ifdef __linux__
  for (const int signal : {SIGPOLL, SIGPWR, SIGSTKFLT}) take(signal);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) take(signal);
#endif
}

#pragma once
// Signals that ask a program to end.

#include <atomic>
#include <csignal>

namespace internal {

inline std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal's handler may do little more than set such a number");

inline void note_signal(int signal) {
  int none = 0;
  first_signal.compare_exchange_strong(none, signal);
}

}  // namespace internal

/// The first signal that asked the program to end; 0 while there was none.
inline int stop_signal() { return internal::first_signal; }

/// From here on, no signal that can be caught ends the program by itself: what asks it to end is noted for
/// `stop_signal`, and a closed pipe or a file over the limit of its size is an error of the write that meets it. What
/// tells of a fault in the program, such as SIGSEGV, ends it as before: its memory is not to be written to files.
inline void take_signals() {
  const auto take = [](int signal) {
    if (std::signal(signal, internal::note_signal) == SIG_IGN) std::signal(signal, SIG_IGN);  // nohup has said so
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

#pragma once
// The whole of a program's `main`.

#include <functional>

/// Runs `body` and returns its exit code, or 2 after saying what was wrong with what the program was given.
int run_program(const char* program, const std::function<int()>& body);

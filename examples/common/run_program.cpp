#include "common/run_program.hpp"

#include <exception>
#include <iostream>
#include <new>

int run_program(const char* program, const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    std::cerr << program << ": not enough memory for these options\n";
  } catch (const std::exception& error) {
    std::cerr << program << ": " << error.what() << '\n';
  }
  return 2;
}

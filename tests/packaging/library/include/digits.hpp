#pragma once
#include <rival/data/mnist.hpp>

namespace digits {
inline bool there(const char* folder) {
  try {
    return rival::Mnist(folder).train().size() > 0;
  } catch (const rival::Error&) {
    return false;
  }
}
}  // namespace digits

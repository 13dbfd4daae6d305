// Prints a hash of the weights after a short training of each architecture. It is built without OpenMP, and
// determinism_test.cpp holds what it prints against its own.
#ifdef _OPENMP
#error "this program is there to be built without OpenMP"
#endif

#include <iostream>

#include "short_training.hpp"

int main() {
  for (const auto& architecture : rival_test::architectures) {
    rival_test::ShortTraining training(architecture);
    training.run();
    std::cout << architecture << ' ' << std::hex << rival_test::hash(training.bits()) << '\n';
  }
}

#include "every_header_backward.hpp"

int two();

int two() { return 2; }

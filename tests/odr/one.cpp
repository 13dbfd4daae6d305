#include "every_header_forward.hpp"

int two();

int main() { return two() == 2 ? 0 : 1; }

#include <digits.hpp>

int main() { return digits::there("no such folder") ? 1 : 0; }

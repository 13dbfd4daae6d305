// What stands around the layers that README shows.
#include <iostream>

#include <rival/rival.hpp>

int main() {
  const rival::Random random(7);

#include "layers.inc"

  return discriminator.output_shape() == rival::Shape{1} ? 0 : 1;
}

// The kernels whose instantiations are compiled once for all tests.
#pragma once

#include "rival/kernels/convolution/convolution.hpp"
#include "rival/kernels/convolution/grouped.hpp"
#include "rival/kernels/convolution/weight_gradient.hpp"
#include "rival/kernels/elementwise.hpp"
#include "rival/kernels/normalise.hpp"
#include "rival/kernels/reduce.hpp"
#include "rival/kernels/tile/matrix_product.hpp"
#include "rival/kernels/tile/output_tile.hpp"
#include "rival/kernels/winograd/transform.hpp"

#pragma once
#include "rival/alpha/deep/below.hpp"
#include "rival/beta/above.hpp"

#include <Eigen/Core>
#include <vector>

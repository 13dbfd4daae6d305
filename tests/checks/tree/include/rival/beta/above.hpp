#pragma once
#include <Eigen/Core>
#include <rival/alpha/ground.hpp>
#include <rival/zeta/unknown.hpp>

#pragma once
#include "rival/alpha/ground.hpp"
#include "rival/beta/above.hpp"

#pragma once
#include <omp.h>
#include "../../beta/above.hpp"
#include "../ground.hpp"

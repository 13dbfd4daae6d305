#pragma once
#include "../../beta/above.hpp"
#include "../ground.hpp"
#include <omp.h>

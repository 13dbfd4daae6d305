#pragma once
#include "rival/alpha/ground.hpp"

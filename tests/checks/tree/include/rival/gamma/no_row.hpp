#pragma once
#include "rival/beta/above.hpp"

#pragma once
#define RIVAL_ALPHA 1
#define RIVALRY 1
#define BETA(x) x
#define GAMMA
#undef GAMMA
#pragma push_macro("DELTA")
#undef DELTA
#define DELTA 1
#pragma pop_macro("DELTA")
#undef EPSILON
#define EPSILON

#pragma once
// What users are left with: int a(); #define B
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

namespace rival::alpha {
inline const char* zeta() { return "} int b();"; }
inline char eta() { return '}'; }
}  // namespace rival::alpha

template <>
struct std::hash<rival::Alpha> {};
inline int theta(int rival_options) { return rival_options; }
using Iota = int;
namespace kappa {
int lambda();
}

extern "C" {
typedef struct rival_alpha rival_alpha;
RIVAL_ALPHA int rival_mu(const char* name);
int nu(void);
}

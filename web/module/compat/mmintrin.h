// Eigen includes the header of MMX, of which it uses nothing and Emscripten has none.
#pragma once

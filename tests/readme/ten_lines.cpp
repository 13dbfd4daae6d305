#include "ten_lines.inc"

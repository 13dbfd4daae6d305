#pragma once
// Signals that ask a program to end.

/// The first signal that asked the program to end; 0 while there was none.
int stop_signal();

/// From here on, no signal that can be caught ends the program by itself: what asks it to end is noted for
/// `stop_signal`, and a closed pipe or a file over the limit of its size is an error of the write that meets it. What
/// tells of a fault in the program, such as SIGSEGV, ends it as before: its memory is not to be written to files.
void take_signals();

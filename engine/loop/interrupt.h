// loop/interrupt.h – Ctrl-C as a flag that long work polls, so that it can stop at a clean place and say what was done.
#pragma once
#include <stdbool.h>

// From here on the first SIGINT or SIGTERM only sets the flag; the second one ends the process the default way, for work
// that does not look at the flag. A signal that was ignored at start (nohup, a background job) stays ignored.
// Not for threads racing each other: call it once, early in main. Installing twice changes nothing.
void interrupt_install(void);
// Puts the former handlers back and clears the flag.
void interrupt_uninstall(void);

// Cheap enough to poll once per bar; any thread.
bool interrupted(void);
// The signal that came first (SIGINT, SIGTERM), or 0. The exit code of an interrupted program is 128 + this.
int interrupt_signal(void);

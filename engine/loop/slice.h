// loop/slice.h – how soon the calling thread has a processor when it wakes up beside others that are busy.
#pragma once

// Asks for the processor in short turns: then it comes before threads of its priority that run in longer ones, as soon as it wakes up, and has no
// more time than they in all. For threads that sleep mostly and are waited for. Its children do not inherit that. Linux before 6.12 takes no
// notice, and neither failure nor success changes any result.
void slice_short(void);

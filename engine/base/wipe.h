// base/wipe.h – memory that is overwritten when it is freed. What customers send and are told passes through JSON trees and texts:
// passwords, venues' keys, tokens. None of it may still be there when a core file is written or somebody reads the memory.
#pragma once

// As free, after the whole block was overwritten; p may be NULL. For blocks of malloc.
void wipe_free(void *p);
// From now on every block that jansson frees is overwritten, json_dumps' answers apart, which are freed by who asked for them. Any
// time before other threads use jansson.
void wipe_json(void);

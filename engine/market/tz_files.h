// market/tz_files.h – zone files read ahead, for a process that will not be able to open files later (bot/jail.h).
#pragma once
#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>

// Reads every zone of the directory into memory (some 600 small files); from here on tz_load() takes them from there and
// opens none. Not for threads racing each other. A directory that cannot be read is an error; twice does nothing.
enum status tz_preload(struct err *err) MUST_CHECK;
// Frees them; tz_load() reads files again.
void tz_preload_finish(void);

// For tz.c. Has tz_preload been called? And then: the zone's file, NULL when there is none.
bool tz_preloaded(void);
const struct buf *tz_preloaded_file(const char *name);
#define TZ_FILE_MAX (1 << 20)
const char *tz_directory(void);  // TZDIR or the system's

// tenant/window.h – the windows usage is counted in: full hours, UTC days, UTC months. Pure arithmetic on Unix time.
#pragma once
#include "script/tier_script.h"

#include <stdint.h>

// Where the window that holds now begins, and where the next one does. 0 for kinds without windows.
int64_t window_start(enum meter_kind kind, int64_t now_ns);
int64_t window_end(enum meter_kind kind, int64_t now_ns);

// The first monthly return of since that lies after now: the same day of the month and time of day, or the month's last day
// where it has no such day (31 January → 28 or 29 February → 31 March).
int64_t window_month_after(int64_t since_ns, int64_t now_ns);

// base/utf8.h – texts that quote what strangers wrote, cut to some size: a character cut in two would be no UTF-8 any more, and what is to
// become JSON would be nothing at all.
#pragma once
#include <stddef.h>

// Bytes that are no UTF-8 become '?'.
void utf8_mend(char *text);
// Copies at most size - 1 bytes, whole characters; bytes that are no UTF-8 become '?'. size > 0.
void utf8_copy(char *to, size_t size, const char *from);

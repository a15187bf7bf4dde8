// backtest/json_valid.h – is this text one JSON object? Without a tree: a result of 32 MB is checked in its own memory, at some
// hundreds of MB a second, before it is stored and handed to its owner as the text it is.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define JSON_VALID_DEPTH_MAX 32

// RFC 8259, strict UTF-8 (RFC 3629), an object at the top, at most JSON_VALID_DEPTH_MAX deep. Keys may repeat.
bool json_valid_object(const char *text, size_t len);

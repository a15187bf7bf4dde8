// api/etag.h – ETag from a row's revision number, and the headers that compare it (RFC 9110 §13.1).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETAG_TEXT_SIZE 24

// "\"r17\"", a strong tag.
void etag_format(int64_t revision, char ret_text[ETAG_TEXT_SIZE]);

enum etag_result { ETAG_MATCHES, ETAG_DIFFERS, ETAG_MALFORMED };
// header: the value of If-Match or If-None-Match: "*" or a list of tags. weak_ok: W/ tags count too (If-None-Match).
enum etag_result etag_compare(const char *header, int64_t revision, bool weak_ok);

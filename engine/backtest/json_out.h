// backtest/json_out.h – JSON written straight into a buffer, in the order it is called: a result with a million fills costs
// its text and nothing more (a tree of jansson's would take gigabytes), and hostile bytes are made valid on the way.
//
//     struct json_out j;
//     json_out_init(&j, &buf, false);
//     jo_open(&j, NULL, '{'); jo_text(&j, "name", "x"); jo_int(&j, "n", 3); jo_close(&j);
//
// A key is NULL inside arrays (and for the whole). Bytes that are not UTF-8 become U+FFFD.
#pragma once
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct json_out {
  struct buf *out;
  bool for_html;    // also escape < > & and U+2028/9, so that the text may stand inside <script>
  int depth;
  char closers[16]; // deeper is a bug
  bool first[16];
};

void json_out_init(struct json_out *j, struct buf *out, bool for_html);
void jo_open(struct json_out *j, const char *key, char bracket);  // '{' or '['
void jo_close(struct json_out *j);
void jo_text(struct json_out *j, const char *key, const char *text);
void jo_int(struct json_out *j, const char *key, int64_t v);
void jo_real(struct json_out *j, const char *key, double v);  // shortest text that reads back equal; not finite: null
void jo_bool(struct json_out *j, const char *key, bool v);
void jo_null(struct json_out *j, const char *key);
// Text that is JSON already (a number's); the caller vouches for it.
void jo_raw(struct json_out *j, const char *key, const char *json);

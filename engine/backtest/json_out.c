#include "backtest/json_out.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_out_init(struct json_out *j, struct buf *out, bool for_html) {
  *j = (struct json_out){.out = out, .for_html = for_html};
  j->first[0] = true;
}

// Length of the well-formed UTF-8 sequence at s (of at least one byte), or 0.
static int utf8_len(const unsigned char *s, size_t left) {
  unsigned char c = s[0];
  int n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
  if (n == 0 || (size_t)n > left) return 0;
  for (int i = 1; i < n; i++) {
    if ((s[i] & 0xC0) != 0x80) return 0;
  }
  if ((c == 0xE0 && s[1] < 0xA0) || (c == 0xED && s[1] > 0x9F) || (c == 0xF0 && s[1] < 0x90) || (c == 0xF4 && s[1] > 0x8F))
    return 0;
  return n;
}

// Means itself wherever it stands.
static const bool is_plain[256] = {[' ' ... '!'] = true, ['#' ... '%'] = true, ['\'' ... ';'] = true, ['='] = true, ['?' ... '['] = true, [']' ... '~'] = true};

static void quoted(struct json_out *j, const char *text) {
  struct buf *b = j->out;
  const unsigned char *s = (const unsigned char *)text;
  size_t left = strlen(text);
  buf_add(b, "\"", 1);
  while (left > 0) {
    size_t plain = 0;
    while (plain < left && is_plain[s[plain]]) plain++;
    buf_add(b, s, plain);
    s += plain;
    left -= plain;
    if (left == 0) break;
    int n = utf8_len(s, left);
    unsigned char c = *s;
    bool separator = n == 3 && c == 0xE2 && s[1] == 0x80 && (s[2] == 0xA8 || s[2] == 0xA9);
    if (n == 0) {
      buf_str(b, "\\ufffd");
      n = 1;
    } else if (c == '"' || c == '\\') {
      buf_printf(b, "\\%c", c);
    } else if (c == '\n') {
      buf_str(b, "\\n");
    } else if (c < 0x20 || c == 0x7F || (j->for_html && (c == '<' || c == '>' || c == '&'))) {
      buf_printf(b, "\\u%04x", c);
    } else if (separator && j->for_html) {
      buf_str(b, s[2] == 0xA8 ? "\\u2028" : "\\u2029");
    } else {
      buf_add(b, s, (size_t)n);
    }
    s += n;
    left -= (size_t)n;
  }
  buf_add(b, "\"", 1);
}

static void lead(struct json_out *j, const char *key) {
  if (!j->first[j->depth]) buf_add(j->out, ",", 1);
  j->first[j->depth] = false;
  if (key) {
    quoted(j, key);
    buf_add(j->out, ":", 1);
  }
}

void jo_open(struct json_out *j, const char *key, char bracket) {
  assert(bracket == '{' || bracket == '[');
  assert(j->depth + 1 < (int)sizeof j->closers);
  lead(j, key);
  buf_add(j->out, &bracket, 1);
  j->closers[++j->depth] = bracket == '{' ? '}' : ']';
  j->first[j->depth] = true;
}

void jo_close(struct json_out *j) {
  assert(j->depth > 0);
  buf_add(j->out, &j->closers[j->depth--], 1);
}

void jo_text(struct json_out *j, const char *key, const char *text) {
  lead(j, key);
  quoted(j, text);
}

void jo_int(struct json_out *j, const char *key, int64_t v) {
  lead(j, key);
  buf_int(j->out, v);
}

void jo_real(struct json_out *j, const char *key, double v) {
  if (!isfinite(v)) {
    jo_null(j, key);
    return;
  }
  v += 0.0;  // minus zero becomes zero
  lead(j, key);
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, v);
    if (strtod(text, NULL) == v) break;
  }
  buf_str(j->out, text);
}

void jo_bool(struct json_out *j, const char *key, bool v) { jo_raw(j, key, v ? "true" : "false"); }
void jo_null(struct json_out *j, const char *key) { jo_raw(j, key, "null"); }

void jo_raw(struct json_out *j, const char *key, const char *json) {
  lead(j, key);
  buf_str(j->out, json);
}

#include "script/script_error.h"

#include "base/suggest.h"
#include "script/lib.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SHOWN_MAX 160
#define NAMES_MAX 512

// ---- escaping

// Length of the valid UTF-8 sequence at p, 0 when it is none; *ret_code its code point.
static size_t utf8_at(const unsigned char *p, size_t left, uint32_t *ret_code) {
  size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
  if (n == 0 || n > left) return 0;
  uint32_t code = n == 1 ? p[0] : p[0] & (0x7fu >> n);
  for (size_t i = 1; i < n; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    code = code << 6 | (p[i] & 0x3f);
  }
  if ((n == 3 && code < 0x800) || (n == 4 && (code < 0x10000 || code > 0x10ffff)) || (code >= 0xd800 && code < 0xe000)) return 0;
  *ret_code = code;
  return n;
}

// Characters that move the cursor or reorder what a reader sees.
static bool is_dangerous(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

size_t script_text_escape(char *dst, size_t cap, const char *text, size_t len, bool one_line) {
  static const char ellipsis[] = "…";
  const unsigned char *p = (const unsigned char *)text, *end = p + len;
  size_t at = 0;
  if (cap == 0) return 0;
  size_t mark = 0;  // the last place from which the ellipsis still fits
  while (p < end) {
    char out[16];
    uint32_t code = 0;
    size_t n = utf8_at(p, (size_t)(end - p), &code), w;
    if (n == 0) {
      w = (size_t)snprintf(out, sizeof out, "\\x%02x", *p);
      n = 1;
    } else if (code == '\n' || code == '\t') {
      if (one_line) w = (size_t)snprintf(out, sizeof out, "%s", code == '\n' ? "\\n" : "\\t");
      else out[0] = (char)code, w = 1;
    } else if (is_dangerous(code)) {
      w = (size_t)snprintf(out, sizeof out, code < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)code);
    } else {
      memcpy(out, p, n);
      w = n;
    }
    if (at + sizeof ellipsis <= cap) mark = at;
    if (at + w >= cap) {
      if (sizeof ellipsis <= cap - mark) {
        memcpy(dst + mark, ellipsis, sizeof ellipsis);
        return mark + sizeof ellipsis - 1;
      }
      break;
    }
    memcpy(dst + at, out, w);
    at += w;
    p += n;
  }
  dst[at] = '\0';
  return at;
}

// ---- explaining

static bool is_word(char c) { return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

// Finds `word` as a whole word in line, its first or last place; NULL: not there.
static const char *find_word(const char *line, size_t len, const char *word, size_t word_len, bool last) {
  const char *found = NULL;
  for (const char *p = line, *end = line + len; (size_t)(end - p) >= word_len; p++) {
    if (memcmp(p, word, word_len) != 0) continue;
    if (p > line && is_word(p[-1]) && is_word(word[0])) continue;
    if (p + word_len < end && is_word(p[word_len]) && is_word(word[word_len - 1])) continue;
    found = p;
    if (!last) break;
  }
  return found;
}

// The name the message speaks of: what stands between the last pair of quotes of its first line. Names with a dot
// ('math.flor') are reduced to their last part. Returns its length, 0: none.
static size_t quoted_name(const char *message, size_t len, const char **ret) {
  const char *open = memchr(message, '\'', len);
  if (open == NULL) return 0;
  const char *close = memchr(open + 1, '\'', len - (size_t)(open + 1 - message));
  if (close == NULL) return 0;
  const char *start = open + 1;
  for (const char *p = start; p < close; p++)
    if (*p == '.' && p + 1 < close) start = p + 1;
  *ret = start;
  return (size_t)(close - start);
}

static size_t library_names(const char **names, size_t max) {
  static const luaL_Reg *const libs[] = { lib_base, lib_math, lib_string, lib_table, lib_utf8 };
  size_t n = 0;
  for (size_t i = 0; i < sizeof libs / sizeof *libs; i++)
    for (const luaL_Reg *f = libs[i]; f->name != NULL && n < max; f++) names[n++] = f->name;
  return n;
}

void script_error_explain(struct buf *out, const char *message, const char *chunkname, const char *source, size_t len,
                          const char *const *names, size_t n) {
  size_t chunk_len = strlen(chunkname);
  const char *newline = strchr(message, '\n');
  size_t first_len = newline != NULL ? (size_t)(newline - message) : strlen(message);
  buf_add(out, message, first_len);
  const char *at = strstr(message, chunkname);
  long line_no = 0;
  const char *text = NULL;  // of the message, behind "file:line: "
  if (at != NULL && at + chunk_len < message + first_len && at[chunk_len] == ':') {
    char *after;
    line_no = strtol(at + chunk_len + 1, &after, 10);
    if (*after == ':') text = after + 1;
  }
  if (text == NULL || text > message + first_len) text = message;
  const char *line = source, *end = source + len;
  for (long i = 1; line != NULL && i < line_no; i++) {
    line = memchr(line, '\n', (size_t)(end - line));
    if (line != NULL) line++;
  }
  if (line_no > 0 && line != NULL && line < end) {
    const char *line_end = memchr(line, '\n', (size_t)(end - line));
    if (line_end == NULL) line_end = end;
    if (line_end > line && line_end[-1] == '\r') line_end--;
    char shown[LINE_SHOWN_MAX + 4], tabless[LINE_SHOWN_MAX];
    size_t line_len = (size_t)(line_end - line) < sizeof tabless ? (size_t)(line_end - line) : sizeof tabless;
    for (size_t i = 0; i < line_len; i++) tabless[i] = line[i] == '\t' ? ' ' : line[i];
    script_text_escape(shown, sizeof shown, tabless, line_len, true);
    buf_printf(out, "\n%5ld | %s", line_no, shown);

    const char *name;
    size_t name_len = quoted_name(text, first_len - (size_t)(text - message), &name);
    bool near_token = memmem(text, first_len - (size_t)(text - message), " near '", 7) != NULL;
    const char *mark = name_len > 0 && name_len <= 64 ? find_word(tabless, line_len, name, name_len, near_token) : NULL;
    if (mark != NULL) {
      char before[LINE_SHOWN_MAX + 4];
      size_t column = 0;  // characters, as shown
      script_text_escape(before, sizeof before, tabless, (size_t)(mark - tabless), true);
      for (const char *p = before; *p != '\0'; p++) column += ((unsigned char)*p & 0xc0) != 0x80;
      buf_printf(out, "\n      | %*s^", (int)column, "");
      for (size_t i = 1; i < name_len; i++) buf_str(out, "~");
      bool missing = memmem(text, first_len - (size_t)(text - message), "a nil value", 11) != NULL;
      if (missing && name_len < 64) {
        char word[64];
        memcpy(word, name, name_len);
        word[name_len] = '\0';
        const char *all[NAMES_MAX];
        size_t k = 0;
        for (size_t i = 0; i < n && k < NAMES_MAX; i++) all[k++] = names[i];
        k += library_names(all + k, NAMES_MAX - k);
        const char *near = suggest_nearest(word, all, k);
        if (near != NULL && strcmp(near, word) != 0) buf_printf(out, " did you mean '%s'?", near);
      }
    }
  }
  if (newline != NULL) buf_str(out, newline);  // the call chain
}

void script_error_show(struct buf *out, const char *message, const char *chunkname, const char *source, size_t len) {
  const char *at = strstr(message, chunkname), *newline = strchr(message, '\n');
  if (at && !newline) {
    buf_add(out, message, (size_t)(at - message));
    script_error_explain(out, at, chunkname, source, len, NULL, 0);
  } else if (at && at < newline && strstr(message, "\n  in ")) {  // a call chain follows: the mark goes between
    char first[SCRIPT_TEXT_MAX];
    snprintf(first, sizeof first, "%.*s", (int)(newline - at), at);
    buf_add(out, message, (size_t)(at - message));
    script_error_explain(out, first, chunkname, source, len, NULL, 0);
    buf_str(out, newline);
  } else {
    buf_str(out, message);
  }
}

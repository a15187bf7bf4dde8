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

// Line no (from 1) of source without its end; its length, 0 with *ret NULL when there is none.
static size_t line_at(const char *source, size_t len, long no, const char **ret) {
  const char *line = source, *end = source + len;
  *ret = NULL;
  for (long i = 1; line != NULL && i < no; i++) {
    line = memchr(line, '\n', (size_t)(end - line));
    if (line != NULL) line++;
  }
  if (no <= 0 || line == NULL || line >= end) return 0;
  const char *line_end = memchr(line, '\n', (size_t)(end - line));
  if (line_end == NULL) line_end = end;
  if (line_end > line && line_end[-1] == '\r') line_end--;
  *ret = line;
  return (size_t)(line_end - line);
}

// Where in a line stands what the message (n bytes, without its place) speaks of? NULL: nowhere.
static const char *marked(const char *message, size_t n, const char *line, size_t line_len, size_t *ret_len) {
  const char *name, *near_token = memmem(message, n, " near '", 7);
  if (near_token != NULL) {  // a syntax error: "'then' expected near 'return'" is about the latter, which may be a quote itself
    name = near_token + 7;
    const char *close = memrchr(name, '\'', n - (size_t)(name - message));
    *ret_len = close != NULL ? (size_t)(close - name) : 0;
  } else {
    *ret_len = quoted_name(message, n, &name);
  }
  return *ret_len > 0 && *ret_len <= 64 ? find_word(line, line_len, name, *ret_len, near_token != NULL) : NULL;
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
  const char *line;
  size_t whole = line_at(source, len, line_no, &line);
  if (line != NULL) {
    char shown[LINE_SHOWN_MAX + 4], tabless[LINE_SHOWN_MAX];
    size_t line_len = whole < sizeof tabless ? whole : sizeof tabless;
    for (size_t i = 0; i < line_len; i++) tabless[i] = line[i] == '\t' ? ' ' : line[i];
    script_text_escape(shown, sizeof shown, tabless, line_len, true);
    buf_printf(out, "\n%5ld | %s", line_no, shown);

    size_t name_len;
    const char *mark = marked(text, first_len - (size_t)(text - message), tabless, line_len, &name_len);
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
        memcpy(word, mark, name_len);
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

// ---- for editors

static int characters(const char *text, size_t n) {
  int count = 0;
  for (size_t i = 0; i < n; i++) count += ((unsigned char)text[i] & 0xc0) != 0x80;
  return count;
}

// "…; did you mean 'x'?" in the message's words, or in the line with the mark below them.
static void take_hint(const char *message, size_t *first_len, struct script_place *p) {
  static const char ask[] = "did you mean ";
  const char *at = memmem(message, *first_len, ask, sizeof ask - 1);
  if (at == NULL) at = strstr(message, ask);
  if (at == NULL) return;
  size_t n = strcspn(at, "?\n");
  snprintf(p->hint, sizeof p->hint, "%.*s?", (int)(n < sizeof p->hint - 2 ? n : sizeof p->hint - 2), at);
  if (at >= message + *first_len) return;
  size_t left = (size_t)(at - message);
  while (left > 0 && (message[left - 1] == ' ' || message[left - 1] == ';' || message[left - 1] == ',')) left--;
  if (left > 0) *first_len = left;
}

void script_error_place(const char *message, const char *chunkname, const char *source, size_t len, struct script_place *ret) {
  memset(ret, 0, sizeof *ret);
  ret->column = ret->length = 1;
  const size_t chunk_len = strlen(chunkname);
  size_t first_len = strcspn(message, "\n");
  take_hint(message, &first_len, ret);
  const char *at = memmem(message, first_len, chunkname, chunk_len), *text = message;
  long column = 0;
  if (at != NULL && at[chunk_len] == ':') {
    char *after;
    long line = strtol(at + chunk_len + 1, &after, 10);
    if (*after == ':' && line > 0 && line < 1000000) {
      char *behind;
      ret->line = (int)line;
      text = after + 1;
      column = strtol(text, &behind, 10);
      if (behind > text && *behind == ':' && column > 0 && column < 1000000) text = behind + 1;
      else column = 0;
      while (*text == ' ' && text < message + first_len) text++;
    }
  }
  if (text > message + first_len) text = message;
  const size_t words = first_len - (size_t)(text - message);
  script_text_escape(ret->message, sizeof ret->message, text, words, true);
  const char *line;
  size_t line_len = line_at(source, len, ret->line, &line), name_len = 0;
  if (line == NULL && ret->line > 1) line_len = line_at(source, len, --ret->line, &line);  // the end of the file, behind the last line
  if (line == NULL) {
    ret->line = 0;
    return;
  }
  const char *mark = column > 0 && (size_t)column <= line_len ? line + column - 1 : marked(text, words, line, line_len, &name_len);
  if (mark != NULL && column > 0) {  // a word, a text in quotes, or one character
    const char *close = *mark == '"' || *mark == '\'' ? memchr(mark + 1, *mark, line_len - (size_t)(mark + 1 - line)) : NULL;
    if (close != NULL) name_len = (size_t)(close + 1 - mark);
    while (close == NULL && (size_t)(mark - line) + name_len < line_len && is_word(mark[name_len])) name_len++;
    if (name_len == 0) name_len = 1;
  } else if (mark == NULL) {  // the whole line
    size_t space = 0;
    while (space < line_len && (line[space] == ' ' || line[space] == '\t')) space++;
    mark = line + space;
    name_len = line_len - space;
  }
  ret->column = characters(line, (size_t)(mark - line)) + 1;
  ret->length = characters(mark, name_len);
  if (ret->length < 1) ret->length = 1;
}

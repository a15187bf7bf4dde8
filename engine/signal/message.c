// signal/message.c – see message.h.
#include "signal/message.h"

#include "base/suggest.h"
#include "base/utf8.h"
#include "crypto/sha256.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum kind { TEXT, NUMBER, TIME };

// The fields, in the order in which words of a text message fall to them; most: bytes of a text.
static const struct field {
  const char *name;
  enum kind kind;
  size_t most;
  const char *usual;  // paths, tried in this order
} fields[] = {
  {"id", TEXT, 200, "id signal_id uuid alert_id"},
  {"source", TEXT, 100, "source sender"},
  {"key", TEXT, 200, "key strategy strategy_name magic"},
  {"symbol", TEXT, 40, "symbol ticker pair instrument"},
  {"action", TEXT, 100, "action side order_action strategy.order.action direction"},
  {"size", NUMBER, 0, "size qty quantity contracts lots volume strategy.order.contracts"},
  {"price", NUMBER, 0, "price entry entry_price close strategy.order.price"},
  {"sl", NUMBER, 0, "sl stop_loss stoploss stop"},
  {"tp", NUMBER, 0, "tp take_profit takeprofit target"},
  {"ts", TIME, 0, "ts time timestamp timenow"},
};
#define FIELDS (sizeof fields / sizeof *fields)

static const struct field *field_find(const char *name) {
  for (size_t i = 0; i < FIELDS; i++)
    if (strcmp(fields[i].name, name) == 0) return &fields[i];
  return NULL;
}

const char *message_usual(const char *field) {
  const struct field *f = field_find(field);
  return f ? f->usual : NULL;
}

// ---- paths

// The value at "a.b.0.c"; NULL: none. len: of the path.
static const json_t *at_path(const json_t *v, const char *path, size_t len) {
  const char *end = path + len;
  while (v && path < end) {
    const char *dot = memchr(path, '.', (size_t)(end - path));
    const size_t n = (size_t)((dot ? dot : end) - path);
    if (json_is_array(v)) {
      char digits[8] = "";
      if (n == 0 || n >= sizeof digits || strspn(path, "0123456789") < n) return NULL;
      memcpy(digits, path, n);
      v = json_array_get(v, (size_t)atol(digits));
    } else {
      v = json_object_getn(v, path, n);
    }
    path += n + 1;
  }
  return v;
}

bool message_is_path(const char *text) {
  const size_t n = strlen(text);
  return n > 0 && n <= 200 && text[0] != '.' && text[n - 1] != '.' && !strstr(text, "..");
}

enum status message_mapping_check(const json_t *mapping, struct err *err) {
  const char *name, *names[FIELDS];
  json_t *v;
  for (size_t i = 0; i < FIELDS; i++) names[i] = fields[i].name;
  json_object_foreach((json_t *)mapping, name, v) {
    const char *path = json_string_value(v);
    if (!field_find(name)) {
      const char *near = suggest_nearest(name, names, FIELDS);
      return err_set(err, ERR_INVALID, "mapping.%.40s: a signal has no such field%s%s%s", name, near ? "; is '" : "", near ? near : "", near ? "' meant?" : "");
    }
    if (!path || !path[0] || strlen(path) > 200) return err_set(err, ERR_INVALID, "mapping.%s: the path of a value (order.side) or a constant (=buy), at most 200 bytes", name);
    if (path[0] != '=' && !message_is_path(path)) return err_set(err, ERR_INVALID, "mapping.%s: '%s' is no path", name, path);
  }
  return OK;
}

// ---- values

// A whole decimal number, nothing behind it; blanks around it are forgiven.
static bool number_of(const char *text, double *ret) {
  char *end;
  while (*text == ' ') text++;
  if (!isdigit((unsigned char)*text) && *text != '-' && *text != '+' && *text != '.') return false;
  *ret = strtod(text, &end);
  while (*end == ' ') end++;
  return end != text && *end == '\0' && isfinite(*ret) && !strpbrk(text, "xXpP");
}

static bool is_leap(int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

// "2026-03-30T07:00:00Z", with or without fraction; only UTC, as TradingView sends it. ms since 1970.
static bool iso_of(const char *text, int64_t *ret) {
  int y, mo, d, h, mi, s, n = 0;
  static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s, &n) != 6 || n != 19) return false;
  int ms = 0;
  text += n;
  if (*text == '.') {
    int scale = 100;
    for (text++; isdigit((unsigned char)*text); text++, scale /= 10) ms += (*text - '0') * scale;
  }
  if (strcmp(text, "Z") != 0 && strcmp(text, "+00:00") != 0) return false;
  if (y < 1970 || y > 9999 || mo < 1 || mo > 12 || d < 1 || d > days[mo - 1] + (mo == 2 && is_leap(y)) || h > 23 || mi > 59 || s > 60) return false;
  const int64_t day = (y - 1970) * 365LL + (y - 1969) / 4 - (y - 1901) / 100 + (y - 1601) / 400 + before[mo - 1] + (mo > 2 && is_leap(y)) + d - 1;
  *ret = ((day * 24 + h) * 60 + mi) * 60000 + s * INT64_C(1000) + ms;
  return true;
}

// Seconds, ms, µs or ns since 1970, by its magnitude.
static bool unix_of(double v, int64_t *ret) {
  if (!(v > 1e8 && v < 1e19)) return false;
  *ret = (int64_t)(v < 1e11 ? v * 1000 : v < 1e14 ? v : v < 1e17 ? v / 1000 : v / 1e6);
  return true;
}

// "{{tickr}}": TradingView fills in what it knows, and leaves what it does not.
static bool is_placeholder(const char *text) {
  const size_t n = strlen(text);
  return n > 4 && strncmp(text, "{{", 2) == 0 && strcmp(text + n - 2, "}}") == 0;
}

static enum status wrong(struct err *err, const struct field *f, const char *text, const char *what) {
  char shown[61];
  utf8_copy(shown, sizeof shown, text);
  return err_set(err, ERR_INVALID, "%s: '%s' is no %s", f->name, shown, what);
}

// One that is there and not null, into the signal.
static enum status set_value(json_t *signal, const struct field *f, const json_t *v, struct err *err) {
  double number = 0;
  int64_t ms = 0;
  char digits[40] = "";
  const char *text = json_string_value(v);
  if (json_is_integer(v)) snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(v));
  else if (json_is_real(v)) snprintf(digits, sizeof digits, "%.17g", json_real_value(v));
  if (!text) text = digits;
  if (!json_is_string(v) && !json_is_number(v)) return err_set(err, ERR_INVALID, "%s: must be a text or a number", f->name);
  if (is_placeholder(text)) return wrong(err, f, text, "value: the sender knows no such placeholder, or did not fill it in");
  json_t *made;
  switch (f->kind) {
    case NUMBER:
      if (json_is_string(v) && !*text) return OK;  // a placeholder that was empty
      if (!number_of(text, &number)) return wrong(err, f, text, "number");
      made = json_real(number);
      break;
    case TIME:
      if (!(number_of(text, &number) ? unix_of(number, &ms) : iso_of(text, &ms))) return wrong(err, f, text, "time: Unix s, ms, µs or ns, or 2026-03-30T07:00:00Z");
      made = json_integer(ms);
      break;
    default: {
      const size_t len = strlen(text);
      if (len == 0) return OK;
      if (len > f->most) return err_set(err, ERR_INVALID, "%s: has %zu bytes, at most %zu are allowed", f->name, len, f->most);
      for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) return err_set(err, ERR_INVALID, "%s: holds a control character", f->name);
      made = json_string(text);
      if (strcmp(f->name, "action") == 0)  // BUY, Buy and buy are one
        for (char *p = (char *)json_string_value(made); p && *p; p++) *p = (char)tolower((unsigned char)*p);
    }
  }
  return made && json_object_set_new(signal, f->name, made) == 0 ? OK : err_set(err, ERR_NOMEM, "out of memory");
}

// ---- messages in JSON

static enum status read_mapped(json_t *signal, const json_t *body, const json_t *mapping, struct err *err) {
  const char *name;
  json_t *path;
  json_object_foreach((json_t *)mapping, name, path) {
    const char *text = json_string_value(path);
    const struct field *f = field_find(name);
    if (!f || !text) continue;  // was checked when the mapping was given
    json_t *constant = text[0] == '=' ? json_string(text + 1) : NULL;
    const json_t *v = constant ? constant : at_path(body, text, strlen(text));
    const enum status st = v && !json_is_null(v) ? set_value(signal, f, v, err) : OK;
    json_decref(constant);
    if (st != OK) return st;
  }
  return OK;
}

static enum status read_usual(json_t *signal, const json_t *body, struct err *err) {
  for (size_t i = 0; i < FIELDS; i++) {
    const json_t *v = NULL;
    for (const char *p = fields[i].usual; *p && !v;) {
      const size_t n = strcspn(p, " ");
      v = at_path(body, p, n);
      if (json_is_object(v) || json_is_array(v) || json_is_boolean(v)) v = NULL;  // "strategy": {…} is no key
      p += n + strspn(p + n, " ");
    }
    const enum status st = v && !json_is_null(v) ? set_value(signal, &fields[i], v, err) : OK;
    if (st != OK) return st;
  }
  return OK;
}

// ---- a text that is cut out of JSON, which a parser has found to be good

static const char *after_blanks(const char *p) { return p + strspn(p, " \t\r\n"); }

static const char *after_string(const char *p) {
  for (p++; *p != '"'; p++)
    if (*p == '\\') p++;
  return p + 1;
}

static const char *after_value(const char *p) {
  int depth = 0;
  do {
    if (*p == '"') {
      p = after_string(p);
      continue;
    }
    if (*p == '{' || *p == '[') depth++;
    else if (*p == '}' || *p == ']') depth--;
    p++;
  } while (depth > 0 || !strchr(",}] \t\r\n", *p));
  return p;
}

// The member of the object at p by that name: where its name begins; *ret_value: its value.
static const char *member_at(const char *p, const char *name, size_t len, const char **ret_value) {
  for (p = after_blanks(p + 1); *p == '"'; p = after_blanks(p + 1)) {
    const char *from = p, *end = after_string(p);
    json_t *key = json_loadb(from, (size_t)(end - from), JSON_DECODE_ANY, NULL);
    const bool found = json_string_length(key) == len && memcmp(json_string_value(key), name, len) == 0;
    json_decref(key);
    *ret_value = after_blanks(after_blanks(end) + 1);
    if (found) return from;
    p = after_blanks(after_value(*ret_value));
    if (*p != ',') break;
  }
  return NULL;
}

enum status message_cut(const char *body, size_t len, const char *path, json_t **ret_value, char **ret_body, struct err *err) {
  json_t *tree = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL), *v = tree;
  *ret_value = NULL;
  *ret_body = NULL;
  for (const char *step = path; v && step; step = strchr(step, '.') ? strchr(step, '.') + 1 : NULL) v = json_object_getn(v, step, strcspn(step, "."));
  char *text = json_is_string(v) ? malloc(len + 1) : NULL;
  if (json_is_string(v) && !text) {
    json_decref(tree);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  if (text) {
    memcpy(text, body, len);
    text[len] = '\0';
    const char *from = text, *value = after_blanks(text);
    for (const char *step = path; from && step; step = strchr(step, '.') ? strchr(step, '.') + 1 : NULL) from = member_at(value, step, strcspn(step, "."), &value);
    const char *end = after_blanks(after_string(value));
    if (*end == ',') {
      end = after_blanks(end + 1);
    } else {  // the last one: the comma before it goes, too
      while (strchr(" \t\r\n", from[-1])) from--;
      if (from[-1] == ',') from--;
    }
    memmove(text + (from - text), end, strlen(end) + 1);
    *ret_value = json_incref(v);
    *ret_body = text;
  }
  json_decref(tree);
  return OK;
}

// ---- messages in text: "buy BTCUSDT 0.5 @ 43000 sl=42000 tp=45000", "symbol=BTCUSDT;action=buy"

static bool is_action(const char *word) {
  static const char *const words[] = {"buy", "sell", "long", "short", "close", "exit", "flat"};
  char low[8] = "";
  for (size_t i = 0; word[i] && i < sizeof low - 1; i++) low[i] = (char)tolower((unsigned char)word[i]);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(word) < sizeof low && strcmp(words[i], low) == 0) return true;
  return false;
}

static const struct field *by_usual_name(const char *name) {
  for (size_t i = 0; i < FIELDS; i++)
    for (const char *p = fields[i].usual; *p;) {
      const size_t n = strcspn(p, " ");
      if (strlen(name) == n && strncasecmp(p, name, n) == 0) return &fields[i];
      p += n + strspn(p + n, " ");
    }
  return NULL;
}

static enum status set_word(json_t *signal, const char *field, const char *word, struct err *err) {
  json_t *v = json_string(word);
  const enum status st = v ? set_value(signal, field_find(field), v, err) : OK;
  json_decref(v);
  return st;
}

// A name that is no number: 1INCHUSDT, but not 1e5.
static bool is_symbol(const char *word) {
  double number;
  return isalnum((unsigned char)*word) && strlen(word) <= 40 && !number_of(word, &number);
}

// BINANCE:BTCUSDT, as TradingView fills in {{exchange}}:{{ticker}}: capitals on both sides.
static bool is_exchange_symbol(const char *word) {
  static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.!/-";
  const size_t n = strspn(word, capitals);
  return n > 0 && word[n] == ':' && word[n + 1] && !word[n + 1 + strspn(word + n + 1, capitals)];
}

// Words that name no field: the action, behind it the symbol, then the size; @ 43000 the price. Whatever else is prose, and stays in raw.
static enum status read_word(json_t *signal, char *word, bool *at_price, struct err *err) {
  double number;
  char *equals = strpbrk(word, "=:");
  if (equals && equals[1]) {
    const char mark = *equals;
    *equals = '\0';
    const struct field *f = by_usual_name(word);
    if (f) return set_word(signal, f->name, equals + 1, err);
    *equals = mark;
    if (!is_exchange_symbol(word)) return OK;
  }
  if (strcmp(word, "@") == 0) return *at_price = true, OK;
  if (word[0] == '@' && number_of(word + 1, &number)) return set_word(signal, "price", word + 1, err);
  if (*at_price && number_of(word, &number)) return *at_price = false, set_word(signal, "price", word, err);
  if (!json_object_get(signal, "action")) return is_action(word) ? set_word(signal, "action", word, err) : OK;
  if (!json_object_get(signal, "symbol") && is_symbol(word)) return set_word(signal, "symbol", word, err);
  if (!json_object_get(signal, "size") && json_object_get(signal, "symbol") && number_of(word, &number)) return set_word(signal, "size", word, err);
  return OK;
}

// What TradingView says of a strategy's order when nobody wrote another text: "NAME (inputs): order buy @ 2 filled on BTCUSDT. New strategy position is
// 2". The number is how many contracts, not the price, and the name's words ("Long only: …") say nothing. False: it is not this text.
static bool read_filled(json_t *signal, char *text, enum status *ret, struct err *err) {
  char action[8], size[40], symbol[60];
  double number;
  for (char *at = text; (at = strstr(at, "order ")); at++) {
    if ((at != text && !strchr(" \t\r\n", at[-1])) || sscanf(at, "order %7s @ %39s filled on %59s", action, size, symbol) != 3 || !is_action(action) || !number_of(size, &number)) continue;
    const size_t n = strlen(symbol);
    if (symbol[n - 1] == '.') symbol[n - 1] = '\0';  // the sentence's
    char *end = at;
    while (end > text && strchr(" :", end[-1])) end--;
    *end = '\0';
    *ret = end - text <= 200 && !strpbrk(text, "\t\r\n") ? set_word(signal, "key", text, err) : OK;
    if (*ret == OK) *ret = set_word(signal, "action", action, err);
    if (*ret == OK) *ret = set_word(signal, "size", size, err);
    if (*ret == OK) *ret = set_word(signal, "symbol", symbol, err);
    return true;
  }
  return false;
}

static enum status read_words(json_t *signal, char *text, struct err *err) {
  static const char between[] = " \t\r\n,;";
  enum status st = OK;
  bool at_price = false;
  char *rest = NULL;
  for (char *word = strtok_r(text, between, &rest); st == OK && word; word = strtok_r(NULL, between, &rest)) st = read_word(signal, word, &at_price, err);
  return st;
}

static enum status read_text(json_t *signal, const char *body, size_t len, struct err *err) {
  char *copy = malloc(len + 1);
  if (!copy) return err_set(err, ERR_NOMEM, "out of memory");
  memcpy(copy, body, len);
  copy[len] = '\0';
  enum status st = strlen(copy) == len ? OK : err_set(err, ERR_INVALID, "the message holds a NUL byte");
  if (st == OK && !read_filled(signal, copy, &st, err)) st = read_words(signal, copy, err);
  free(copy);
  return st;
}

// Whether it was meant as JSON: prose begins otherwise.
static bool begins_object(const char *body, size_t len) {
  size_t i = 0;
  while (i < len && strchr(" \t\r\n", body[i]) && body[i]) i++;
  return i < len && body[i] == '{';
}

static enum status read_body(json_t *signal, const char *body, size_t len, const json_t *mapping, struct err *err) {
  const bool mapped = json_object_size(mapping) > 0;
  enum status st = OK;
  json_error_t at;
  json_t *tree = json_loadb(body, len, JSON_REJECT_DUPLICATES, &at);
  if (!tree && begins_object(body, len)) st = err_set(err, ERR_INVALID, "it begins with { and is no JSON: line %d, column %d: %s", at.line, at.column, at.text);
  else if (!tree) st = read_text(signal, body, len, err);
  else if (mapped) st = read_mapped(signal, tree, mapping, err);
  else if (json_is_object(tree)) st = read_usual(signal, tree, err);
  else st = err_set(err, ERR_INVALID, "it is a list, in which no field has a name: give the hook a mapping, as {\"symbol\": \"0.symbol\"}");
  json_decref(tree);
  return st;
}

enum status message_read(const char *body, size_t len, const json_t *mapping, json_t **ret, struct err *err) {
  if (len > MESSAGE_MAX) return err_set(err, ERR_LIMIT, "the message has %zu bytes, at most %d are taken", len, MESSAGE_MAX);
  if (len == 0) return err_set(err, ERR_INVALID, "the message is empty");
  json_t *signal = json_object(), *raw = json_stringn(body, len);
  enum status st = !signal ? err_set(err, ERR_NOMEM, "out of memory") : !raw ? err_set(err, ERR_INVALID, "the message is not UTF-8") : OK;
  if (st == OK) st = read_body(signal, body, len, mapping, err);
  if (st == OK && json_object_set(signal, "raw", raw) != 0) st = err_set(err, ERR_NOMEM, "out of memory");
  json_decref(raw);
  if (st == OK) *ret = signal;
  else json_decref(signal);
  return st;
}

void message_dedupe(const json_t *signal, char ret[MESSAGE_DEDUPE_SIZE]) {
  static const char *const together[] = {"key", "symbol", "action"};
  struct sha256_ctx c;
  uint8_t digest[SHA256_BYTES];
  const char *id = json_string_value(json_object_get(signal, "id"));
  const json_t *ts = json_object_get(signal, "ts");
  ret[0] = '\0';
  sha256_init(&c);
  if (id) {
    sha256_update(&c, "id", 3);
    sha256_update(&c, id, strlen(id));
  } else {
    if (!ts || !json_object_get(signal, "symbol") || !json_object_get(signal, "action")) return;
    for (size_t i = 0; i < sizeof together / sizeof *together; i++) {
      const char *text = json_string_value(json_object_get(signal, together[i]));
      sha256_update(&c, text ? text : "", text ? strlen(text) + 1 : 1);
    }
    const int64_t ms = json_integer_value(ts);
    sha256_update(&c, &ms, sizeof ms);
  }
  sha256_finish(&c, digest);
  for (int i = 0; i < SHA256_BYTES; i++) snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

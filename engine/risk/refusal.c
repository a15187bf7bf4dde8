// risk/refusal.c – the list as a table, and its texts.
#include "risk/refusal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "market/tz.h"

static const struct { const char *name; enum reason reason; enum refusal_unit unit; const char *text; } rules[REFUSE_COUNT] = {
#define X(name, text, code, unit, explanation) {text, REASON_##code, UNIT_##unit, explanation},
  REFUSAL_LIST(X)
#undef X
};
static const char *const levels[LEVEL_COUNT] = {
#define X(name, text) text,
  REFUSAL_LEVEL_LIST(X)
#undef X
};

const char *refusal_name(enum refusal_rule rule) {
  assert((unsigned)rule < REFUSE_COUNT);
  return rules[rule].name;
}

enum reason refusal_reason(enum refusal_rule rule) {
  assert((unsigned)rule < REFUSE_COUNT);
  return rules[rule].reason;
}

enum refusal_unit refusal_unit(enum refusal_rule rule) {
  assert((unsigned)rule < REFUSE_COUNT);
  return rules[rule].unit;
}

const char *refusal_level_text(enum refusal_level level) {
  assert((unsigned)level < LEVEL_COUNT);
  return levels[level];
}

struct text { char *buf; size_t len; };

static void add(struct text *t, const char *fmt, ...) PRINTF(2, 3);
static void add(struct text *t, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(t->buf + t->len, REFUSAL_TEXT_SIZE - t->len, fmt, ap);
  va_end(ap);
  if (n > 0) t->len = t->len + (size_t)n < REFUSAL_TEXT_SIZE ? t->len + (size_t)n : REFUSAL_TEXT_SIZE - 1;
}

static void add_time(struct text *t, int64_t ns) {
  int64_t s = ns / 1000000000 - (ns % 1000000000 < 0), of_day = (s % 86400 + 86400) % 86400;
  struct tz_date d = date_from_days((s - of_day) / 86400);
  add(t, "%04d-%02d-%02d %02d:%02d:%02d UTC", d.year, d.month, d.day, (int)(of_day / 3600), (int)(of_day / 60 % 60),
      (int)(of_day % 60));
}

// Numbers with their own decimals: exact, no double between.
static void add_number(struct text *t, enum refusal_unit unit, int64_t v, const struct instrument *inst) {
  char buf[DECIMAL_TEXT_MAX];
  switch (unit) {
  case UNIT_MONEY_E8: case UNIT_QTY_E8: decimal_format_scaled(v, 8, buf); break;
  case UNIT_FRAC_E8: decimal_format_scaled(v, 6, buf); break;
  case UNIT_LOTS: if (inst) quantity_text(inst, (quantity){v}, buf); else decimal_format_scaled(v, 0, buf); break;
  case UNIT_TICKS: if (inst) price_text(inst, (price){v}, buf); else decimal_format_scaled(v, 0, buf); break;
  case UNIT_NS: decimal_format_scaled(v, 9, buf); break;
  case UNIT_COUNT: case UNIT_NONE: decimal_format_scaled(v, 0, buf); break;
  }
  add(t, "%s%s", buf, unit == UNIT_FRAC_E8 ? " %" : unit == UNIT_NS ? " s" : "");
}

char *refusal_text(const struct refusal *r, const struct instrument *inst, char buf[REFUSAL_TEXT_SIZE]) {
  struct text t = {buf, 0};
  enum refusal_unit unit = refusal_unit(r->rule);
  buf[0] = 0;
  if (r->rule != REFUSE_NONE) add(&t, "%s: ", refusal_level_text(r->level));
  for (const char *at = rules[r->rule].text; *at;) {
    const char *brace = strchr(at, '{');
    if (brace != at) {
      size_t len = brace ? (size_t)(brace - at) : strlen(at);
      add(&t, "%.*s", (int)len, at);
      at += len;
      continue;
    }
    if (strncmp(at, "{limit}", 7) == 0) add_number(&t, unit, r->limit, inst);
    else if (strncmp(at, "{value}", 7) == 0) add_number(&t, unit, r->value, inst);
    else if (strncmp(at, "{until}", 7) == 0) add_time(&t, r->until_ns);
    else if (strncmp(at, "{other}", 7) == 0) add(&t, "%llu", (unsigned long long)r->other);
    else assert(false);
    at += 7;
  }
  return buf;
}

static double number(enum refusal_unit unit, int64_t v, const struct instrument *inst) {
  switch (unit) {
  case UNIT_MONEY_E8: case UNIT_QTY_E8: return (double)v / 1e8;
  case UNIT_FRAC_E8: return (double)v / 1e6;
  case UNIT_LOTS: return inst ? quantity_double(inst, (quantity){v}) : (double)v;
  case UNIT_TICKS: return inst ? price_double(inst, (price){v}) : (double)v;
  case UNIT_NS: return (double)v / 1e9;
  case UNIT_COUNT: case UNIT_NONE: return (double)v;
  }
  assert(false);
  return 0;
}

struct denial refusal_denial(const struct refusal *r, const struct instrument *inst) {
  struct denial d = {.code = refusal_reason(r->rule), .limit = number(refusal_unit(r->rule), r->limit, inst),
                     .value = number(refusal_unit(r->rule), r->value, inst)};
  char text[REFUSAL_TEXT_SIZE];
  snprintf(d.msg, sizeof d.msg, "%s", refusal_text(r, inst, text));
  return d;
}

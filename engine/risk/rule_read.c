// risk/rule_read.c – rule sets from JSON. Every key is in one of the tables below; a key that is in none is refused with its
// name, so that a misspelt rule is never a rule that is off.
//
//     { "name": "50K futures", "initial": "50000",
//       "day":   {"reset": "17:00", "zone": "America/Chicago", "basis": "balance", "loss": "1000", "soft_pct": "80",
//                 "fatal": false},
//       "total": {"trail": "balance_eod", "loss": "2000", "soft_pct": "90", "lock_at": "50000"},
//       "trade": {"risk_pct_of_initial": "3", "stop_required": true, "stop_slip_pct": "0.1"},
//       "max_qty": "5", "max_positions": 3, "consistency_pct": "50", "target": "3000",
//       "news": {"before_s": 120, "after_s": 120, "impact": "high", "flat": true} }
//
// Without "initial" it is what the account began with; "lock_at" may be "initial" too.
//
// Money, quantities and percentages are strings, as nothing here goes through a double. A loss is one of "loss" (money),
// "loss_pct_of_initial" and "loss_pct_of_basis".
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"
#include "risk/rule_set.h"

#define FRAC_ONE INT64_C(100000000)
#define NS_PER_S INT64_C(1000000000)
#define LOCK_AT_INITIAL 0  // until the initial balance is known

static const char *const bases[] = {[BASIS_BALANCE] = "balance", [BASIS_EQUITY] = "equity", [BASIS_HIGHER] = "higher",
                                    [BASIS_EQUITY_HIGH] = "equity_high"};
static const char *const trails[] = {[TRAIL_STATIC] = "static", [TRAIL_BALANCE_EOD] = "balance_eod",
                                     [TRAIL_EQUITY_EOD] = "equity_eod", [TRAIL_BALANCE] = "balance", [TRAIL_EQUITY] = "equity"};
enum { BASIS_COUNT = sizeof bases / sizeof *bases, TRAIL_COUNT = sizeof trails / sizeof *trails };

const char *rule_basis_text(enum rule_basis b) {
  assert((unsigned)b < BASIS_COUNT);
  return bases[b];
}

const char *rule_trail_text(enum rule_trail t) {
  assert((unsigned)t < TRAIL_COUNT);
  return trails[t];
}

// How a key is read into its field.
enum kind { MONEY, LOCK, PERCENT, COUNT, SECONDS, BOOL, CLOCK, ZONE, NAME, BASIS, TRAIL, AMOUNT, AMOUNT_INITIAL, AMOUNT_BASIS, IMPACT, OBJECT };
struct key {
  const char *name;
  enum kind kind;
  size_t at;               // offset in struct rule_set; of OBJECT: of a bool that says it is there, 0: none
  const struct key *keys;  // of OBJECT
};
#define AT(field) offsetof(struct rule_set, field)

static const struct key day_keys[] = {
  {"reset", CLOCK, AT(reset_s), NULL}, {"zone", ZONE, AT(zone), NULL}, {"basis", BASIS, AT(day_basis), NULL},
  {"loss", AMOUNT, AT(day), NULL}, {"loss_pct_of_initial", AMOUNT_INITIAL, AT(day), NULL},
  {"loss_pct_of_basis", AMOUNT_BASIS, AT(day), NULL}, {"soft_pct", PERCENT, AT(day_soft_e8), NULL},
  {"fatal", BOOL, AT(day_is_fatal), NULL}, {0}};
static const struct key total_keys[] = {
  {"trail", TRAIL, AT(trail), NULL}, {"loss", AMOUNT, AT(total), NULL}, {"loss_pct_of_initial", AMOUNT_INITIAL, AT(total), NULL},
  {"loss_pct_of_basis", AMOUNT_BASIS, AT(total), NULL}, {"soft_pct", PERCENT, AT(total_soft_e8), NULL},
  {"lock_at", LOCK, AT(lock_e8), NULL}, {0}};
static const struct key trade_keys[] = {
  {"risk", AMOUNT, AT(trade_risk), NULL}, {"risk_pct_of_initial", AMOUNT_INITIAL, AT(trade_risk), NULL},
  {"risk_pct_of_balance", AMOUNT_BASIS, AT(trade_risk), NULL}, {"stop_required", BOOL, AT(stop_required), NULL},
  {"stop_slip_pct", PERCENT, AT(stop_slip_e8), NULL}, {0}};
static const struct key news_keys[] = {
  {"before_s", SECONDS, AT(around.before_ns), NULL}, {"after_s", SECONDS, AT(around.after_ns), NULL}, {"impact", IMPACT, AT(around.least), NULL}, {"flat", BOOL, AT(news_flat), NULL}, {0}};
static const struct key top_keys[] = {
  {"name", NAME, AT(name), NULL}, {"initial", MONEY, AT(initial), NULL}, {"day", OBJECT, 0, day_keys},
  {"total", OBJECT, 0, total_keys}, {"trade", OBJECT, 0, trade_keys}, {"news", OBJECT, AT(news), news_keys},
  {"max_qty", MONEY, AT(max_qty_e8), NULL}, {"max_positions", COUNT, AT(max_positions), NULL},
  {"consistency_pct", PERCENT, AT(consistency_e8), NULL}, {"target", MONEY, AT(target_e8), NULL}, {0}};

static bool decimal_of(const json_t *v, int scale, int64_t *ret) {
  return json_is_string(v) && decimal_parse_scaled(json_string_value(v), json_string_length(v), scale, ret) && *ret > 0;
}

static bool index_of(const json_t *v, const char *const *names, int count, int *ret) {
  for (int i = 0; i < count; i++)
    if (json_is_string(v) && strcmp(json_string_value(v), names[i]) == 0) {
      *ret = i;
      return true;
    }
  return false;
}

static bool clock_of(const json_t *v, int32_t *ret) {
  const char *s = json_is_string(v) ? json_string_value(v) : "";
  if (strlen(s) != 5 || s[2] != ':' || strspn(s, "0123456789:") != 5 || s[0] == ':' || s[1] == ':' || s[3] == ':' || s[4] == ':')
    return false;
  int hour = (s[0] - '0') * 10 + s[1] - '0', minute = (s[3] - '0') * 10 + s[4] - '0';
  *ret = hour * 3600 + minute * 60;
  return hour < 24 && minute < 60;
}

// What a kind asks for: "%s: … is required".
static const char *const wanted[] = {
  [MONEY] = "a positive decimal in quotes", [LOCK] = "a positive decimal in quotes, or \"initial\",", [PERCENT] = "a percentage above 0, at most 100, in quotes",
  [COUNT] = "a whole number from 1", [SECONDS] = "a number of seconds, 0 to 86400,", [BOOL] = "true or false",
  [CLOCK] = "a time of day as \"17:00\"", [ZONE] = "a time zone as \"Europe/Prague\"", [NAME] = "text of 1 to 63 bytes",
  [BASIS] = "balance, equity, higher or equity_high", [TRAIL] = "static, balance_eod, equity_eod, balance or equity",
  [AMOUNT] = "a positive decimal in quotes", [AMOUNT_INITIAL] = "a percentage above 0, at most 100, in quotes",
  [AMOUNT_BASIS] = "a percentage above 0, at most 100, in quotes", [IMPACT] = "low, medium or high",
};

static bool percent_of(const json_t *v, int64_t *ret) { return decimal_of(v, 6, ret) && *ret <= FRAC_ONE; }  // 1 % = 1e6

static bool integer_of(const json_t *v, int64_t low, int64_t high, int64_t *ret) {
  *ret = json_integer_value(v);
  return json_is_integer(v) && *ret >= low && *ret <= high;
}

static bool amount_of(enum kind kind, const json_t *v, struct rule_amount *ret) {
  ret->of = kind == AMOUNT ? AMOUNT_MONEY : kind == AMOUNT_INITIAL ? AMOUNT_OF_INITIAL : AMOUNT_OF_BASIS;
  return kind == AMOUNT ? decimal_of(v, 8, &ret->value_e8) : percent_of(v, &ret->value_e8);
}

// False: the value is not what the key wants.
static bool value_take(const struct key *k, const json_t *v, struct rule_set *r) {
  char *at = (char *)r + k->at;
  int64_t n;
  int i;
  switch (k->kind) {
  case LOCK:
    if (json_is_string(v) && strcmp(json_string_value(v), "initial") == 0) return *(int64_t *)at = LOCK_AT_INITIAL, true;
    return decimal_of(v, 8, (int64_t *)at);
  case MONEY: return decimal_of(v, 8, (int64_t *)at);
  case PERCENT: return percent_of(v, (int64_t *)at);
  case AMOUNT: case AMOUNT_INITIAL: case AMOUNT_BASIS: return amount_of(k->kind, v, (struct rule_amount *)at);
  case COUNT:
    if (!integer_of(v, 1, 1000000, &n)) return false;
    *(int *)at = (int)n;
    return true;
  case SECONDS:
    if (!integer_of(v, 0, 86400, &n)) return false;
    *(int64_t *)at = n * NS_PER_S;
    return true;
  case BOOL: *(bool *)at = json_is_true(v); return json_is_boolean(v);
  case CLOCK: return clock_of(v, (int32_t *)at);
  case NAME:
    if (!json_is_string(v) || json_string_length(v) == 0 || json_string_length(v) >= RULE_NAME_MAX) return false;
    memcpy(at, json_string_value(v), json_string_length(v) + 1);
    return true;
  case BASIS:
    if (!index_of(v, bases, BASIS_COUNT, &i)) return false;
    r->day_basis = (enum rule_basis)i;
    return true;
  case TRAIL:
    if (!index_of(v, trails, TRAIL_COUNT, &i)) return false;
    r->trail = (enum rule_trail)i;
    return true;
  case IMPACT: return json_is_string(v) && news_impact_of(json_string_value(v), (enum news_impact *)(void *)at);
  case ZONE: case OBJECT: break;  // not here
  }
  assert(false);
  return false;
}

static enum status value_read(const struct key *k, const json_t *v, struct rule_set *r, struct err *err) {
  bool amount = k->kind == AMOUNT || k->kind == AMOUNT_INITIAL || k->kind == AMOUNT_BASIS;
  if (amount && ((struct rule_amount *)((char *)r + k->at))->of != AMOUNT_NONE)
    return err_set(err, ERR_INVALID, "%s: the amount was given already in another way", k->name);
  if (k->kind == ZONE && json_is_string(v)) {
    enum status st = tz_load(json_string_value(v), &r->zone, err);
    return st == OK || st == ERR_NOMEM ? st : err_wrap(err, ERR_INVALID, "%s", k->name);
  }
  if (k->kind == ZONE || !value_take(k, v, r)) return err_set(err, ERR_INVALID, "%s: %s is required", k->name, wanted[k->kind]);
  return OK;
}

static enum status object_read(const json_t *object, const struct key *keys, struct rule_set *r, struct err *err) {
  if (!json_is_object(object)) return err_set(err, ERR_INVALID, "an object is required");
  const char *name;
  json_t *v;
  json_object_foreach((json_t *)object, name, v) {
    const struct key *k = keys;
    while (k->name && strcmp(k->name, name) != 0) k++;
    if (!k->name) return err_set(err, ERR_INVALID, "unknown key %.40s", name);
    enum status st = k->kind == OBJECT ? object_read(v, k->keys, r, err) : value_read(k, v, r, err);
    if (st != OK) return k->kind == OBJECT ? err_wrap(err, st, "%s", k->name) : st;
    if (k->kind == OBJECT && k->at) *(bool *)((char *)r + k->at) = true;
  }
  return OK;
}

static enum status complete(const struct rule_set *r, struct err *err) {
  if (!r->name[0]) return err_set(err, ERR_INVALID, "name is missing");
  if (r->initial.e8 <= 0) return err_set(err, ERR_INVALID, "initial is missing");
  if (r->lock_e8 != INT64_MAX && r->trail == TRAIL_STATIC) return err_set(err, ERR_INVALID, "total: lock_at needs a trail");
  if (r->lock_e8 != INT64_MAX && r->total.of == AMOUNT_NONE) return err_set(err, ERR_INVALID, "total: lock_at needs a loss");
  if (r->total.of == AMOUNT_MONEY && r->total.value_e8 >= r->initial.e8) return err_set(err, ERR_INVALID, "total: the loss is all of the initial balance, or more");
  if (r->day.of == AMOUNT_MONEY && r->day.value_e8 >= r->initial.e8) return err_set(err, ERR_INVALID, "day: the loss is all of the initial balance, or more");
  return OK;
}

// Line and column of the key that the message is about: err_wrap has put the path before it, as "day: soft_pct: …". An object's keys are
// looked for behind its own name, which is enough for two levels.
static void locate(const char *text, size_t len, struct err *err) {
  char quoted[64], message[sizeof err->msg];
  size_t at = 0;
  bool found = false;
  const char *p = err->msg;
  if (strncmp(p, "unknown key ", 12) == 0) p += 12;
  for (const char *colon; (colon = strchr(p, ':')) || *p; p = colon + 2) {
    const size_t word = colon ? (size_t)(colon - p) : strlen(p);
    if (word == 0 || word + 3 > sizeof quoted || strcspn(p, " ") < word) {
      if (strncmp(p, "unknown key ", 12) != 0 || colon) break;
      snprintf(quoted, sizeof quoted, "\"%.40s\"", p + 12);
    } else {
      snprintf(quoted, sizeof quoted, "\"%.*s\"", (int)word, p);
    }
    const char *hit = memmem(text + at, len - at, quoted, strlen(quoted));
    if (!hit) break;
    at = (size_t)(hit - text);
    found = true;
    if (!colon) break;
  }
  if (!found) return;
  int line = 1, column = 1;
  for (size_t i = 0; i < at; i++) line += text[i] == '\n', column = text[i] == '\n' ? 1 : column + 1;
  snprintf(message, sizeof message, "line %d:%d: %s", line, column, err->msg);
  memcpy(err->msg, message, sizeof message);
}

enum status rule_set_parse(const char *text, size_t len, struct rule_set **ret, struct err *err) { return rule_set_parse_of(text, len, (cash){0}, ret, err); }

enum status rule_set_parse_of(const char *text, size_t len, cash initial, struct rule_set **ret, struct err *err) {
  *ret = NULL;
  if (len > RULE_SET_TEXT_MAX) return err_set(err, ERR_LIMIT, "a rule set has at most %d bytes", RULE_SET_TEXT_MAX);
  json_error_t why;
  json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
  if (!root) return err_set(err, ERR_INVALID, "line %d:%d: %s", why.line, why.column, why.text);
  struct rule_set *r = calloc(1, sizeof *r);
  enum status st = r ? OK : err_set(err, ERR_NOMEM, "a rule set");
  if (r) {
    r->day_soft_e8 = r->total_soft_e8 = FRAC_ONE;
    r->lock_e8 = INT64_MAX;
    r->day_is_fatal = true;  // the stricter reading where nothing is said
    st = object_read(root, top_keys, r, err);
    if (r->initial.e8 == 0) r->initial = initial;
    if (r->lock_e8 == LOCK_AT_INITIAL) r->lock_e8 = r->initial.e8;
  }
  if (st == OK) st = complete(r, err);
  if (st == ERR_INVALID) locate(text, len, err);
  if (st == OK && !r->zone) st = tz_load("UTC", &r->zone, err);
  json_decref(root);
  if (st != OK) {
    rule_set_destroy(r);
    return st;
  }
  *ret = r;
  return OK;
}

void rule_set_destroy(struct rule_set *r) {
  if (!r) return;
  tz_destroy(r->zone);
  free(r);
}

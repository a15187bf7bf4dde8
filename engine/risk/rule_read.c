// risk/rule_read.c – rule sets from JSON. Every key is in one of the tables below; a key that is in none is refused with its
// name, so that a misspelt rule is never a rule that is off.
//
//     { "name": "50K futures", "initial": "50000",
//       "day":   {"reset": "17:00", "zone": "America/Chicago", "basis": "balance", "loss": "1000", "soft_pct": "80", "fatal": false},
//       "total": {"trail": "balance_eod", "loss": "2000", "soft_pct": "90", "lock_at": "50000"},
//       "trade": {"risk_pct_of_initial": "3", "stop_required": true, "stop_slip_pct": "0.1"},
//       "max_qty": "5", "max_positions": 3, "consistency_pct": "50", "target": "3000",
//       "news": {"before_s": 120, "after_s": 120} }
//
// Money, quantities and percentages are strings, as nothing here goes through a double. A loss is one of "loss" (money),
// "loss_pct_of_initial" and "loss_pct_of_basis".
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"
#include "risk/rule_set.h"

#define FRAC_ONE INT64_C(100000000)
#define NS_PER_S INT64_C(1000000000)

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
enum kind { MONEY, PERCENT, COUNT, SECONDS, BOOL, CLOCK, ZONE, NAME, BASIS, TRAIL, AMOUNT, AMOUNT_INITIAL, AMOUNT_BASIS, OBJECT };
struct key {
  const char *name;
  enum kind kind;
  size_t at;               // offset in struct rule_set
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
  {"lock_at", MONEY, AT(lock_e8), NULL}, {0}};
static const struct key trade_keys[] = {
  {"risk", AMOUNT, AT(trade_risk), NULL}, {"risk_pct_of_initial", AMOUNT_INITIAL, AT(trade_risk), NULL},
  {"risk_pct_of_balance", AMOUNT_BASIS, AT(trade_risk), NULL}, {"stop_required", BOOL, AT(stop_required), NULL},
  {"stop_slip_pct", PERCENT, AT(stop_slip_e8), NULL}, {0}};
static const struct key news_keys[] = {
  {"before_s", SECONDS, AT(news_before_ns), NULL}, {"after_s", SECONDS, AT(news_after_ns), NULL}, {0}};
static const struct key top_keys[] = {
  {"name", NAME, AT(name), NULL}, {"initial", MONEY, AT(initial), NULL}, {"day", OBJECT, 0, day_keys},
  {"total", OBJECT, 0, total_keys}, {"trade", OBJECT, 0, trade_keys}, {"news", OBJECT, 0, news_keys},
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

static enum status value_read(const struct key *k, const json_t *v, struct rule_set *r, struct err *err) {
  char *at = (char *)r + k->at;
  int64_t n;
  int i;
  switch (k->kind) {
  case MONEY:
    if (!decimal_of(v, 8, &n)) return err_set(err, ERR_INVALID, "%s: a positive decimal in quotes is required", k->name);
    memcpy(at, &n, sizeof n);
    return OK;
  case PERCENT:  // 1 % = 1e6
    if (!decimal_of(v, 6, &n) || n > FRAC_ONE) return err_set(err, ERR_INVALID, "%s: a percentage above 0, at most 100, in quotes is required", k->name);
    memcpy(at, &n, sizeof n);
    return OK;
  case AMOUNT: case AMOUNT_INITIAL: case AMOUNT_BASIS: {
    struct rule_amount a = {k->kind == AMOUNT ? AMOUNT_MONEY : k->kind == AMOUNT_INITIAL ? AMOUNT_OF_INITIAL : AMOUNT_OF_BASIS, 0}, had;
    memcpy(&had, at, sizeof had);
    if (had.of != AMOUNT_NONE) return err_set(err, ERR_INVALID, "%s: the amount was given already in another way", k->name);
    if (!decimal_of(v, k->kind == AMOUNT ? 8 : 6, &a.value_e8) || (k->kind != AMOUNT && a.value_e8 > FRAC_ONE))
      return err_set(err, ERR_INVALID, "%s: %s in quotes is required", k->name, k->kind == AMOUNT ? "a positive decimal" : "a percentage above 0, at most 100,");
    memcpy(at, &a, sizeof a);
    return OK;
  }
  case COUNT:
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > 1000000)
      return err_set(err, ERR_INVALID, "%s: a whole number from 1 is required", k->name);
    i = (int)json_integer_value(v);
    memcpy(at, &i, sizeof i);
    return OK;
  case SECONDS:
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > 86400)
      return err_set(err, ERR_INVALID, "%s: seconds, 0 to 86400, are required", k->name);
    n = json_integer_value(v) * NS_PER_S;
    memcpy(at, &n, sizeof n);
    return OK;
  case BOOL:
    if (!json_is_boolean(v)) return err_set(err, ERR_INVALID, "%s: true or false is required", k->name);
    *(bool *)at = json_is_true(v);
    return OK;
  case CLOCK:
    if (!clock_of(v, (int32_t *)at)) return err_set(err, ERR_INVALID, "%s: a time of day as \"17:00\" is required", k->name);
    return OK;
  case ZONE: {
    if (!json_is_string(v)) return err_set(err, ERR_INVALID, "%s: a time zone as \"Europe/Prague\" is required", k->name);
    enum status st = tz_load(json_string_value(v), &r->zone, err);
    return st == OK ? OK : err_wrap(err, st, "%s", k->name);
  }
  case NAME:
    if (!json_is_string(v) || json_string_length(v) == 0 || json_string_length(v) >= RULE_NAME_MAX)
      return err_set(err, ERR_INVALID, "%s: 1 to %d bytes of text are required", k->name, RULE_NAME_MAX - 1);
    memcpy(at, json_string_value(v), json_string_length(v) + 1);
    return OK;
  case BASIS:
    if (!index_of(v, bases, BASIS_COUNT, &i)) return err_set(err, ERR_INVALID, "%s: balance, equity, higher or equity_high is required", k->name);
    r->day_basis = (enum rule_basis)i;
    return OK;
  case TRAIL:
    if (!index_of(v, trails, TRAIL_COUNT, &i))
      return err_set(err, ERR_INVALID, "%s: static, balance_eod, equity_eod, balance or equity is required", k->name);
    r->trail = (enum rule_trail)i;
    return OK;
  case OBJECT: break;
  }
  assert(false);
  return ERR_INVALID;
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
  }
  return OK;
}

static enum status complete(const struct rule_set *r, struct err *err) {
  if (!r->name[0]) return err_set(err, ERR_INVALID, "name is missing");
  if (r->initial.e8 <= 0) return err_set(err, ERR_INVALID, "initial is missing");
  if (r->lock_e8 != INT64_MAX && r->trail == TRAIL_STATIC) return err_set(err, ERR_INVALID, "total: lock_at needs a trail");
  if (r->lock_e8 != INT64_MAX && r->total.of == AMOUNT_NONE) return err_set(err, ERR_INVALID, "total: lock_at needs a loss");
  return OK;
}

enum status rule_set_parse(const char *text, size_t len, struct rule_set **ret, struct err *err) {
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
  }
  if (st == OK) st = complete(r, err);
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

// backtest/montecarlo_read.c – a result's JSON, checked as if a stranger had written it: it may have been edited, cut, or be something else.
#include "backtest/montecarlo.h"
#include "base/decimal.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HOW "; perigee backtest … --json FILE writes one that can be read"
#define CASH_SCALE 8

// Words of the parser quote the file, and a terminal would obey what is in it.
static void clean(char *text) {
  for (unsigned char *p = (unsigned char *)text; *p; p++)
    if (*p < 0x20 || *p >= 0x7f) *p = '?';
}

static bool money(const json_t *v, int64_t *ret_e8) {
  return json_is_string(v) && decimal_parse_scaled(json_string_value(v), json_string_length(v), CASH_SCALE, ret_e8);
}

static enum status read_trade(const json_t *v, size_t i, const struct montecarlo_trade *before, struct montecarlo_trade *t, struct err *err) {
  const json_t *entry = json_object_get(v, "entry_time"), *exit = json_object_get(v, "exit_time");
  if (!money(json_object_get(v, "pnl"), &t->pnl_e8))
    return err_set(err, ERR_INVALID, "trades[%zu].pnl: an amount as text with at most 8 digits after the point is wanted" HOW, i);
  if (!json_is_integer(entry) || !json_is_integer(exit))
    return err_set(err, ERR_INVALID, "trades[%zu]: entry_time and exit_time are wanted, in whole milliseconds" HOW, i);
  t->entry_ms = json_integer_value(entry);
  t->exit_ms = json_integer_value(exit);
  if (t->exit_ms < t->entry_ms) return err_set(err, ERR_INVALID, "trades[%zu]: its exit is before its entry" HOW, i);
  if (before && t->exit_ms < before->exit_ms)
    return err_set(err, ERR_INVALID, "trades[%zu] ended before trades[%zu], and trades stand in the order of their exits" HOW, i, i - 1);
  return OK;
}

static enum status read_trades(const json_t *list, struct montecarlo_source *ret, struct err *err) {
  const size_t count = json_array_size(list);
  enum status st = OK;
  if (!json_is_array(list)) return err_set(err, ERR_INVALID, "it has no list of trades" HOW);
  if (count == 0) return err_set(err, ERR_INVALID, "the run closed no trade, so there is nothing to draw from: a longer history, or other parameters, may have some");
  if (count > MONTECARLO_TRADES_MAX) return err_set(err, ERR_LIMIT, "%zu trades; at most %d can be drawn from: take a shorter span (--from, --to)", count, MONTECARLO_TRADES_MAX);
  ret->trades = calloc(count, sizeof *ret->trades);
  if (!ret->trades) return err_set(err, ERR_NOMEM, "out of memory");
  for (size_t i = 0; i < count && st == OK; i++) st = read_trade(json_array_get(list, i), i, i ? &ret->trades[i - 1] : NULL, &ret->trades[i], err);
  ret->count = count;
  return st;
}

static enum status read_tree(const json_t *root, struct montecarlo_source *ret, struct err *err) {
  const char *kind = json_string_value(json_object_get(root, "kind")), *script = json_string_value(json_object_get(json_object_get(root, "script"), "name"));
  const json_t *stats = json_object_get(root, "stats"), *drawdown = json_object_get(stats, "max_drawdown_pct");
  if (kind && strcmp(kind, "optimization") == 0)
    return err_set(err, ERR_INVALID, "this is the table of a search, which has no trades: run one of its rows with perigee backtest … --param k=v --json FILE");
  if (!json_is_object(stats)) return err_set(err, ERR_INVALID, "it has no stats, so it is no result of a backtest" HOW);
  if (!money(json_object_get(stats, "equity_start"), &ret->start_e8) || ret->start_e8 <= 0)
    return err_set(err, ERR_INVALID, "stats.equity_start: an amount above 0 as text is wanted" HOW);
  if (!money(json_object_get(stats, "equity_final"), &ret->final_e8)) return err_set(err, ERR_INVALID, "stats.equity_final: an amount as text is wanted" HOW);
  if (drawdown && !json_is_null(drawdown) && (!json_is_number(drawdown) || json_number_value(drawdown) < 0))
    return err_set(err, ERR_INVALID, "stats.max_drawdown_pct: a number of percent is wanted" HOW);
  ret->drawdown_pct = json_is_number(drawdown) ? json_number_value(drawdown) : NAN;
  ret->interrupted = json_is_true(json_object_get(root, "interrupted"));
  ret->script = strdup(script ? script : "");
  return ret->script ? read_trades(json_object_get(root, "trades"), ret, err) : err_set(err, ERR_NOMEM, "out of memory");
}

enum status montecarlo_read(const char *text, size_t len, struct montecarlo_source *ret, struct err *err) {
  json_error_t why;
  *ret = (struct montecarlo_source){0};
  if (len > MONTECARLO_FILE_BYTES_MAX) return err_set(err, ERR_LIMIT, "more than %zu MB", MONTECARLO_FILE_BYTES_MAX >> 20);
  json_t *root = json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES, &why);
  if (!root) {
    clean(why.text);
    return err_set(err, ERR_INVALID, "%d:%d: %s" HOW, why.line, why.column, why.text);
  }
  enum status st = read_tree(root, ret, err);
  json_decref(root);
  if (st != OK) montecarlo_source_finish(ret);
  return st;
}

// signal/env_import.c – see env_import.h.
#include "signal/env_import.h"

#include "base/decimal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_SIZE 64
#define VALUE_SIZE 512

enum means { NUMBER, WHOLE, SYMBOL, TIMEFRAME, NAMED, PAPER, TESTNET, LEFT };

// "as" of a number is a parameter of ema_dca; of what is left, why.
static const struct variable {
  const char *name;
  enum means means;
  const char *as;
} variables[] = {
  {"BASE_ORDER_SIZE", NUMBER, "base"}, {"BASE_ORDER", NUMBER, "base"}, {"INITIAL_ORDER_SIZE", NUMBER, "base"}, {"SAFETY_ORDERS", WHOLE, "orders"}, {"MAX_SAFETY_ORDERS", WHOLE, "orders"},
  {"SAFETY_ORDER_STEP", NUMBER, "step"}, {"PRICE_DEVIATION", NUMBER, "step"}, {"STEP_SCALE", NUMBER, "spread"}, {"SAFETY_ORDER_STEP_SCALE", NUMBER, "spread"}, {"VOLUME_SCALE", NUMBER, "scale"},
  {"SAFETY_ORDER_VOLUME_SCALE", NUMBER, "scale"}, {"MARTINGALE_MULTIPLIER", NUMBER, "scale"}, {"TAKE_PROFIT", NUMBER, "take"}, {"TAKE_PROFIT_PERCENT", NUMBER, "take"}, {"STOP_LOSS", NUMBER, "stop"},
  {"STOP_LOSS_PERCENT", NUMBER, "stop"}, {"EMA_PERIOD", WHOLE, "trend"}, {"EMA_LENGTH", WHOLE, "trend"},
  {"SYMBOL", SYMBOL, "symbol"}, {"PAIR", SYMBOL, "symbol"}, {"TRADING_PAIR", SYMBOL, "symbol"}, {"TIMEFRAME", TIMEFRAME, "timeframe"}, {"INTERVAL", TIMEFRAME, "timeframe"}, {"CANDLE_INTERVAL", TIMEFRAME, "timeframe"},
  {"BOT_NAME", NAMED, "name"}, {"INSTANCE_NAME", NAMED, "name"}, {"DRY_RUN", PAPER, "paper"}, {"PAPER_TRADING", PAPER, "paper"}, {"TESTNET", TESTNET, "testnet"}, {"USE_TESTNET", TESTNET, "testnet"},
  {"EXCHANGE", LEFT, "the account says where is traded"}, {"LEVERAGE", LEFT, "it is a setting of the account"}, {"MARGIN_MODE", LEFT, "it is a setting of the account"},
  {"TELEGRAM_CHAT_ID", LEFT, "notices go to a channel: POST /notifications/channels"}, {"LOG_LEVEL", LEFT, "a bot's log has all levels"}};

static const char secret_why[] = "a secret, and was not read: the account's credentials are entered in the console, where they are sealed";

static const struct variable *find(const char *name) {
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
    if (strcasecmp(variables[i].name, name) == 0) return &variables[i];
  return NULL;
}

static bool is_secret(const char *name) {
  static const char *const ends[] = {"KEY", "SECRET", "TOKEN", "PASSWORD", "PASSPHRASE"};
  size_t n = strlen(name);
  if (n && toupper((unsigned char)name[n - 1]) == 'S' && !(n > 1 && toupper((unsigned char)name[n - 2]) == 'S')) n--;  // keys, tokens
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (n >= strlen(ends[i]) && strncasecmp(name + n - strlen(ends[i]), ends[i], strlen(ends[i])) == 0) return true;
  return false;
}

// ---- a line

enum line { LINE_NOTHING, LINE_PAIR, LINE_WRONG };

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static enum line read_line(const char *at, const char *end, char name[NAME_SIZE], char value[VALUE_SIZE]) {
  while (at < end && blank(*at)) at++;
  while (end > at && blank(end[-1])) end--;
  if (at == end || *at == '#') return LINE_NOTHING;
  if (end - at > 7 && memcmp(at, "export", 6) == 0 && blank(at[6])) for (at += 6; blank(*at);) at++;
  const char *from = at;
  while (at < end && (isalnum((unsigned char)*at) || *at == '_')) at++;
  const size_t len = (size_t)(at - from);
  if (len == 0 || len >= NAME_SIZE || isdigit((unsigned char)*from)) return LINE_WRONG;
  memcpy(name, from, len);
  name[len] = '\0';
  while (at < end && blank(*at)) at++;
  if (at == end || *at++ != '=') return LINE_WRONG;
  while (at < end && blank(*at)) at++;
  const char *stop = end;
  if (at < end && (*at == '"' || *at == '\'')) {
    const char quote = *at++;
    stop = memchr(at, quote, (size_t)(end - at));
    if (!stop) return LINE_WRONG;
    for (const char *p = stop + 1; p < end && *p != '#'; p++)
      if (!blank(*p)) return LINE_WRONG;
  } else {
    for (const char *p = at; p < end; p++)
      if (*p == '#' && (p == at || blank(p[-1]))) {
        stop = p;
        break;
      }
    while (stop > at && blank(stop[-1])) stop--;
  }
  if ((size_t)(stop - at) >= VALUE_SIZE) return LINE_WRONG;
  memcpy(value, at, (size_t)(stop - at));
  value[stop - at] = '\0';
  return LINE_PAIR;
}

// ---- what it means

static bool is_true(const char *v) { return strcasecmp(v, "1") == 0 || strcasecmp(v, "true") == 0 || strcasecmp(v, "yes") == 0 || strcasecmp(v, "on") == 0; }

// A number, a percentage too; NULL: it is none.
static json_t *number(const char *value, bool whole) {
  struct decimal d;
  char text[DECIMAL_TEXT_MAX];
  size_t n = strlen(value);
  if (n && value[n - 1] == '%') n--;
  while (n && blank(value[n - 1])) n--;
  if (!decimal_parse(value, n, &d)) return NULL;
  d = decimal_normal(d);
  if (whole && d.scale > 0) return NULL;
  decimal_format(d, text);
  return json_loads(text, JSON_DECODE_ANY, NULL);
}

struct import {
  json_t *bot, *params, *taken, *ignored;
  bool paper, testnet;
};

static void leave(struct import *im, const char *name, const char *why) { json_array_append_new(im->ignored, json_pack("{s:s, s:s}", "name", name, "why", why)); }

// An entry of what was taken that was as the same before: the later one counts, whatever it is called.
static void forget(struct import *im, const char *as) {
  size_t i;
  json_t *one;
  json_array_foreach(im->taken, i, one) if (strcmp(json_string_value(json_object_get(one, "as")), as) == 0) {
    leave(im, json_string_value(json_object_get(one, "name")), "a later line says it again");
    json_array_remove(im->taken, i);
    return;
  }
}

static enum status take(struct import *im, const char *name, const char *value, int line, struct err *err) {
  const struct variable *v = find(name);
  char as[40], text[VALUE_SIZE];
  if (is_secret(name)) return leave(im, name, secret_why), OK;
  if (!v || v->means == LEFT) return leave(im, name, v ? v->as : "means nothing here"), OK;
  snprintf(as, sizeof as, "%s%s", v->means <= WHOLE ? "params." : "", v->as);
  json_t *of = NULL;
  size_t n = 0;
  switch (v->means) {
    case NUMBER:
    case WHOLE:
      of = number(value, v->means == WHOLE);
      if (!of) return err_set(err, ERR_INVALID, "line %d: %s: \"%.40s\" is no %snumber", line, name, value, v->means == WHOLE ? "whole " : "");
      json_object_set_new(im->params, v->as, of);
      break;
    case SYMBOL:  // BTC/USDT:USDT
      for (const char *p = value; *p && *p != ':'; p++)
        if (isalnum((unsigned char)*p)) text[n++] = (char)toupper((unsigned char)*p);
      text[n] = '\0';
      if (n == 0 || n > 31) return err_set(err, ERR_INVALID, "line %d: %s: \"%.40s\" is no symbol", line, name, value);
      json_object_set_new(im->bot, "symbol", json_string(text));
      break;
    case TIMEFRAME:  // minutes, where nothing else is said
      snprintf(text, sizeof text, "%s%s", value, value[0] && strspn(value, "0123456789") == strlen(value) ? "m" : "");
      if (strlen(text) < 2 || strlen(text) > 8) return err_set(err, ERR_INVALID, "line %d: %s: \"%.40s\" is no timeframe such as 5m", line, name, value);
      json_object_set_new(im->bot, "timeframe", json_string(text));
      break;
    case NAMED:
      if (!value[0] || strlen(value) > 90) return err_set(err, ERR_INVALID, "line %d: %s: a bot's name has 1 to 90 bytes", line, name);
      json_object_set_new(im->bot, "name", json_string(value));
      break;
    case PAPER: im->paper = is_true(value); break;
    case TESTNET: im->testnet = is_true(value); break;
    case LEFT: break;
  }
  forget(im, as);
  json_array_append_new(im->taken, json_pack("{s:s, s:s, s:s}", "name", name, "value", value, "as", as));
  return OK;
}

static void import_finish(struct import *im) {
  json_decref(im->bot);
  json_decref(im->params);
  json_decref(im->taken);
  json_decref(im->ignored);
}

enum status env_import_read(const char *text, size_t len, json_t **ret, struct err *err) {
  char name[NAME_SIZE], value[VALUE_SIZE];
  if (len > ENV_IMPORT_MAX) return err_set(err, ERR_INVALID, "more than %d bytes are no environment", ENV_IMPORT_MAX);
  json_t *whole = json_stringn(text, len);
  if (!whole || memchr(text, '\0', len)) {
    json_decref(whole);
    return err_set(err, ERR_INVALID, "it is no UTF-8 text");
  }
  json_decref(whole);
  struct import im = {.bot = json_pack("{s:s, s:s}", "strategy", "ema_dca", "timeframe", "5m"), .params = json_object(), .taken = json_array(), .ignored = json_array(), .paper = true};
  enum status st = OK;
  int line = 0;
  for (const char *at = text, *end = text + len; st == OK && at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    line++;
    const enum line l = read_line(at, stop, name, value);
    if (l == LINE_WRONG) st = err_set(err, ERR_INVALID, "line %d: write NAME=VALUE, a quoted value with its second quote", line);
    else if (l == LINE_PAIR) st = take(&im, name, value, line, err);
    at = stop + 1;
  }
  const char *symbol = json_string_value(json_object_get(im.bot, "symbol"));
  if (st == OK && !symbol) st = err_set(err, ERR_INVALID, "SYMBOL (or PAIR, TRADING_PAIR) is not there");
  if (st == OK && !json_object_get(im.bot, "name")) {
    snprintf(value, sizeof value, "%s from elsewhere", symbol);
    json_object_set_new(im.bot, "name", json_string(value));
  }
  if (st == OK) {
    json_object_set(im.bot, "params", im.params);
    *ret = json_pack("{s:O, s:b, s:b, s:O, s:O}", "bot", im.bot, "paper", im.paper, "testnet", im.testnet, "taken", im.taken, "ignored", im.ignored);
    if (!*ret) st = err_set(err, ERR_NOMEM, "out of memory");
  }
  import_finish(&im);
  return st;
}

// ea/message.c – see message.h.
#include "ea/message.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- members as a table

enum member_kind { TEXT, NAME, DECIMAL, POSITIVE, TIME, NUMBER, FLAG, SIDE, STATE, TOLD, SAID, WHY };
struct member {
  const char *name;
  enum member_kind kind;
  bool optional;
  size_t at, size;
};
#define M(type, name, kind) {#name, kind, false, offsetof(struct type, name), sizeof(((struct type *)0)->name)}
#define MAY(type, name, kind) {#name, kind, true, offsetof(struct type, name), sizeof(((struct type *)0)->name)}

struct place {  // where in the message
  const char *list;  // NULL: at the top
  size_t index;
};

static enum status wrong(const struct place *p, const char *name, const char *text, struct err *err) {
  if (!p->list) return err_set(err, ERR_INVALID, "/%s: %s", name, text);
  if (p->index == SIZE_MAX) return err_set(err, ERR_INVALID, "/%s/%s: %s", p->list, name, text);
  return err_set(err, ERR_INVALID, "/%s/%zu/%s: %s", p->list, p->index, name, text);
}

static bool read_word(const char *text, const char *const *words, int count, int *ret) {
  for (int i = 0; text && i < count; i++)
    if (strcmp(words[i], text) == 0) return *ret = i, true;
  return false;
}

// Printable; names have no blanks either. Other bytes are UTF-8, which jansson has checked.
static bool fits(const json_t *v, size_t size, bool name) {
  const char *text = json_string_value(v);
  const size_t len = json_string_length(v);
  if (!text || len >= size || len != strlen(text)) return false;
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f || (name && text[i] == ' ')) return false;
  return true;
}

// NULL: read.
static const char *read_value(const struct member *m, const json_t *v, void *to) {
  static const char *const sides[] = {"buy", "sell"}, *const states[] = {"open", "filled", "canceled", "expired", "rejected", "absent", "unsure"},
                    *const says[] = {"done", "refused", "missed", "unsure"};
  const char *text = json_string_value(v);
  int word;
  switch (m->kind) {
    case TEXT:
    case NAME:
      if (!fits(v, m->size, m->kind == NAME)) return "is no text, too long, or has characters that it may not have";
      memcpy(to, text, strlen(text) + 1);
      return NULL;
    case DECIMAL:
    case POSITIVE:
      if (!text || !decimal_parse(text, json_string_length(v), to)) return "is no decimal as text, such as \"0.01\"";
      return m->kind == POSITIVE && ((struct decimal *)to)->digits <= 0 ? "must be above zero" : NULL;
    case TIME:
      if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > INT64_C(253402300799999)) return "is no time in ms UTC";
      return *(int64_t *)to = json_integer_value(v), NULL;
    case NUMBER:
      if (!json_is_integer(v) || json_integer_value(v) < 0) return "is no whole number from 0";
      return *(int64_t *)to = json_integer_value(v), NULL;
    case FLAG:
      if (!json_is_boolean(v)) return "is neither true nor false";
      return *(bool *)to = json_is_true(v), NULL;
    case SIDE:
      if (!read_word(text, sides, 2, &word)) return "is neither buy nor sell";
      return *(enum side *)to = word == 0 ? SIDE_BUY : SIDE_SELL, NULL;
    case STATE:
    case TOLD:
      if (!read_word(text, states, m->kind == TOLD ? 7 : 5, &word)) return "is no state of an order";
      return *(enum ea_order_state *)to = (enum ea_order_state)word, NULL;
    case SAID:
      if (!read_word(text, says, 4, &word)) return "is none of done, refused, missed, unsure";
      return *(enum ea_said *)to = (enum ea_said)word, NULL;
    case WHY:
      return text && venue_why_parse(text, to) ? NULL : "is no reason that is known";
  }
  return "is not understood";
}

// others: members that somebody else reads.
static enum status read_object(const json_t *o, const struct member *members, size_t count, const char *const *others, const struct place *p, void *to, struct err *err) {
  size_t known = 0;
  if (!json_is_object(o)) return wrong(p, "", "is no object", err);
  for (size_t i = 0; i < count; i++) {
    const json_t *v = json_object_get(o, members[i].name);
    void *at = (char *)to + members[i].at;
    if (members[i].kind == DECIMAL || members[i].kind == POSITIVE) *(struct decimal *)at = NO_DECIMAL;
    if (!v && members[i].optional) continue;
    if (!v) return wrong(p, members[i].name, "is missing", err);
    const char *why = read_value(&members[i], v, at);
    if (why) return wrong(p, members[i].name, why, err);
    known++;
  }
  for (; others && *others; others++) known += json_object_get(o, *others) != NULL;
  if (known == json_object_size(o)) return OK;
  return wrong(p, "", "has a member that is not known", err);
}

static enum status read_list(const json_t *o, const char *name, bool optional, size_t most, const struct member *members, size_t count, size_t size, void *ret_list, size_t *ret_count, struct err *err) {
  const json_t *list = json_object_get(o, name);
  const struct place top = {0};
  if (!list && optional) return OK;
  if (!json_is_array(list)) return wrong(&top, name, list ? "is no list" : "is missing", err);
  const size_t n = json_array_size(list);
  if (n > most) return wrong(&top, name, "has too many entries", err);
  char *rows = calloc(n ? n : 1, size);
  if (!rows) return err_set(err, ERR_NOMEM, "no memory for a terminal's report");
  *(void **)ret_list = rows;
  *ret_count = n;
  for (size_t i = 0; i < n; i++) {
    const enum status st = read_object(json_array_get(list, i), members, count, NULL, &(struct place){name, i}, rows + i * size, err);
    if (st != OK) return st;
  }
  return OK;
}

#define COUNT(table) (sizeof table / sizeof *table)
#define READ_LIST(o, to, name, counter, optional, most, members) \
  read_list(o, #name, optional, most, members, COUNT(members), sizeof *(to)->name, &(to)->name, &(to)->counter, err)

static json_t *load(const char *text, size_t len, struct err *err) {
  json_error_t e;
  json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
  if (!o) err_set(err, ERR_INVALID, "/: is no JSON: %.80s", e.text);
  return o;
}

// ---- hello

static const struct member hello_members[] = {M(ea_hello, protocol, NUMBER), M(ea_hello, platform, NAME), M(ea_hello, version, TEXT), M(ea_hello, login, NAME), M(ea_hello, server, TEXT),
  M(ea_hello, currency, NAME), M(ea_hello, hedging, FLAG), M(ea_hello, real, FLAG)};
static const struct member symbol_members[] = {M(ea_symbol, symbol, NAME), M(ea_symbol, base, NAME), M(ea_symbol, profit, NAME), M(ea_symbol, tick, POSITIVE), M(ea_symbol, contract, POSITIVE),
  M(ea_symbol, volume_min, POSITIVE), M(ea_symbol, volume_max, POSITIVE), M(ea_symbol, volume_step, POSITIVE), M(ea_symbol, trading, FLAG)};

enum status ea_hello_read(const char *text, size_t len, struct ea_hello *ret, struct err *err) {
  static const char *const lists[] = {"symbols", NULL};
  *ret = (struct ea_hello){0};
  json_t *o = load(text, len, err);
  if (!o) return ERR_INVALID;
  enum status st = read_object(o, hello_members, COUNT(hello_members), lists, &(struct place){0}, ret, err);
  if (st == OK && strcmp(ret->platform, "mt4") != 0 && strcmp(ret->platform, "mt5") != 0) st = err_set(err, ERR_INVALID, "/platform: is neither mt4 nor mt5");
  if (st == OK && (!ret->login[0] || !ret->currency[0])) st = err_set(err, ERR_INVALID, "/login: login and currency must not be empty");
  if (st == OK) st = READ_LIST(o, ret, symbols, symbol_count, false, EA_SYMBOLS_MAX, symbol_members);
  json_decref(o);
  if (st != OK) ea_hello_finish(ret);
  return st;
}

void ea_hello_finish(struct ea_hello *h) {
  free(h->symbols);
  *h = (struct ea_hello){0};
}

// ---- a report

static const struct member report_members[] = {M(ea_report, turn, NUMBER), M(ea_report, since_ms, TIME), M(ea_report, more, FLAG), MAY(ea_report, wait_ms, NUMBER)};
static const struct member account_members[] = {M(ea_account, balance, DECIMAL), M(ea_account, equity, DECIMAL), M(ea_account, margin, DECIMAL), M(ea_account, free, DECIMAL),
  M(ea_account, trading, FLAG)};
static const struct member order_members[] = {M(ea_order, ticket, NAME), M(ea_order, client, TEXT), M(ea_order, symbol, NAME), M(ea_order, state, STATE), M(ea_order, side, SIDE),
  M(ea_order, volume, POSITIVE), M(ea_order, filled, DECIMAL), MAY(ea_order, price, DECIMAL), MAY(ea_order, trigger, DECIMAL), M(ea_order, time_ms, TIME)};
// Of one that is absent nothing but its name is known.
static const struct member told_members[] = {MAY(ea_order, ticket, NAME), M(ea_order, client, NAME), MAY(ea_order, symbol, NAME), M(ea_order, state, TOLD), MAY(ea_order, side, SIDE),
  MAY(ea_order, volume, POSITIVE), MAY(ea_order, filled, DECIMAL), MAY(ea_order, price, DECIMAL), MAY(ea_order, trigger, DECIMAL), MAY(ea_order, time_ms, TIME)};
static const struct member position_members[] = {M(ea_position, ticket, NAME), M(ea_position, symbol, NAME), M(ea_position, side, SIDE), M(ea_position, volume, POSITIVE), M(ea_position, price, DECIMAL),
  M(ea_position, profit, DECIMAL)};
static const struct member deal_members[] = {M(ea_deal, ticket, NAME), M(ea_deal, order, NAME), M(ea_deal, client, TEXT), M(ea_deal, symbol, NAME), M(ea_deal, side, SIDE), M(ea_deal, volume, POSITIVE),
  M(ea_deal, price, POSITIVE), M(ea_deal, fee, DECIMAL), MAY(ea_deal, stop_out, FLAG), M(ea_deal, time_ms, TIME)};
static const struct member result_members[] = {M(ea_result, id, NAME), M(ea_result, said, SAID), MAY(ea_result, why, WHY), MAY(ea_result, ticket, NAME), MAY(ea_result, code, NUMBER),
  MAY(ea_result, text, TEXT)};
static const struct member tick_members[] = {M(ea_tick, symbol, NAME), M(ea_tick, bid, POSITIVE), M(ea_tick, ask, POSITIVE), M(ea_tick, time_ms, TIME)};

// "bars": [{"symbol", "minutes", "from_ms", "through_ms", "list": [[time_ms, "open", "high", "low", "close", volume], …]}]
static const struct member bars_members[] = {M(ea_bars, symbol, NAME), M(ea_bars, minutes, NUMBER), M(ea_bars, from_ms, TIME), M(ea_bars, through_ms, TIME)};

static const char *read_bar(const json_t *row, struct ea_bar *ret) {
  struct decimal *const prices[] = {&ret->open, &ret->high, &ret->low, &ret->close};
  const json_t *time = json_array_get(row, 0), *volume = json_array_get(row, 5);
  if (json_array_size(row) != 6 || !json_is_integer(time) || !json_is_integer(volume) || json_integer_value(time) < 0 || json_integer_value(volume) < 0)
    return "is no bar: [time_ms, \"open\", \"high\", \"low\", \"close\", volume]";
  ret->time_ms = json_integer_value(time), ret->volume = json_integer_value(volume);
  for (size_t i = 0; i < COUNT(prices); i++) {
    const json_t *v = json_array_get(row, i + 1);
    if (!json_is_string(v) || !decimal_parse(json_string_value(v), json_string_length(v), prices[i]) || prices[i]->digits <= 0) return "has a price that is none: text such as \"1.08\", above zero";
  }
  return NULL;
}

static enum status read_bars(const json_t *o, struct ea_report *r, struct err *err) {
  static const char *const lists[] = {"list", NULL};
  const json_t *all = json_object_get(o, "bars");
  const size_t n = json_array_size(all);
  const struct place top = {0};
  size_t rows = 0;
  if (!all) return OK;
  if (!json_is_array(all)) return wrong(&top, "bars", "is no list", err);
  for (size_t i = 0; i < n; i++) rows += json_array_size(json_object_get(json_array_get(all, i), "list"));
  if (n > EA_BAR_LISTS_MAX || rows > EA_BARS_MAX) return wrong(&top, "bars", "has too many entries", err);
  r->bars = calloc(n + 1, sizeof *r->bars);
  r->bar_rows = calloc(rows + 1, sizeof *r->bar_rows);
  if (!r->bars || !r->bar_rows) return err_set(err, ERR_NOMEM, "no memory for a terminal's report");
  for (size_t i = 0, at = 0; i < n; i++) {
    struct ea_bars *b = &r->bars[i];
    const struct place here = {"bars", i};
    const json_t *entry = json_array_get(all, i), *list = json_object_get(entry, "list");
    const enum status st = read_object(entry, bars_members, COUNT(bars_members), lists, &here, b, err);
    if (st != OK) return st;
    if (b->minutes != 1 && b->minutes != 60) return wrong(&here, "minutes", "is neither 1 nor 60", err);
    if (!json_is_array(list)) return wrong(&here, "list", "is no list", err);
    b->first = at, b->count = json_array_size(list);
    for (size_t k = 0; k < b->count; k++) {
      const char *why = read_bar(json_array_get(list, k), &r->bar_rows[at++]);
      if (why) return wrong(&here, "list", why, err);
    }
    r->bar_count = i + 1;
  }
  return OK;
}

// What the tables cannot say.
static enum status check(const struct ea_report *r, struct err *err) {
  for (size_t i = 0; i < r->told_count; i++) {
    const struct ea_order *o = &r->told[i];
    const bool known = o->state != EA_ORDER_ABSENT && o->state != EA_ORDER_UNSURE;
    if (known && (!o->symbol[0] || !o->ticket[0] || o->side == 0 || !decimal_given(o->volume) || !decimal_given(o->filled)))
      return err_set(err, ERR_INVALID, "/told/%zu: an order that is there has a ticket, a symbol, a side, a volume and how much is filled", i);
  }
  for (size_t i = 0; i < r->tick_count; i++)
    if (decimal_double(r->ticks[i].ask) < decimal_double(r->ticks[i].bid)) return err_set(err, ERR_INVALID, "/ticks/%zu/ask: is below the bid", i);
  return OK;
}

enum status ea_report_read(const char *text, size_t len, struct ea_report *ret, struct err *err) {
  static const char *const others[] = {"account", "orders", "positions", "deals", "results", "told", "ticks", "bars", NULL};
  *ret = (struct ea_report){0};
  json_t *o = load(text, len, err);
  if (!o) return ERR_INVALID;
  enum status st = read_object(o, report_members, COUNT(report_members), others, &(struct place){0}, ret, err);
  if (st == OK) st = read_object(json_object_get(o, "account"), account_members, COUNT(account_members), NULL, &(struct place){"account", SIZE_MAX}, &ret->account, err);
  if (st == OK) st = READ_LIST(o, ret, orders, order_count, false, EA_ORDERS_MAX, order_members);
  if (st == OK) st = READ_LIST(o, ret, positions, position_count, false, EA_ORDERS_MAX, position_members);
  if (st == OK) st = READ_LIST(o, ret, deals, deal_count, false, EA_DEALS_MAX, deal_members);
  if (st == OK) st = READ_LIST(o, ret, results, result_count, true, EA_RESULTS_MAX, result_members);
  if (st == OK) st = READ_LIST(o, ret, told, told_count, true, EA_ASK_MAX, told_members);
  if (st == OK) st = READ_LIST(o, ret, ticks, tick_count, true, EA_TICKS_MAX, tick_members);
  if (st == OK) st = read_bars(o, ret, err);
  if (st == OK) st = check(ret, err);
  json_decref(o);
  if (st != OK) ea_report_finish(ret);
  return st;
}

void ea_report_finish(struct ea_report *r) {
  void *const lists[] = {r->orders, r->positions, r->deals, r->results, r->told, r->ticks, r->bars, r->bar_rows};
  for (size_t i = 0; i < COUNT(lists); i++) free(lists[i]);
  *r = (struct ea_report){0};
}

// ---- commands

static void put_decimal(json_t *o, const char *name, struct decimal d) {
  char text[DECIMAL_TEXT_MAX];
  if (!decimal_given(d)) return;
  decimal_format(d, text);
  json_object_set_new(o, name, json_string(text));
}

json_t *ea_command_json(const struct ea_command *c, int64_t lease_ms) {
  static const char *const types[] = {[ORDER_MARKET] = "market", [ORDER_LIMIT] = "limit", [ORDER_STOP] = "stop", [ORDER_STOP_LIMIT] = "stop_limit"};
  json_t *o = json_pack("{s:s, s:s, s:I, s:i, s:s, s:s}", "id", c->id, "do", c->cancel ? "cancel" : "place", "lease_ms", (json_int_t)lease_ms, "magic", (int)c->magic, "client", c->client, "symbol",
    c->symbol);
  if (c->ticket[0]) json_object_set_new(o, "ticket", json_string(c->ticket));
  if (!o || c->cancel) return o;
  json_object_set_new(o, "side", json_string(c->side == SIDE_BUY ? "buy" : "sell"));
  json_object_set_new(o, "type", json_string(types[c->type]));
  json_object_set_new(o, "reduce", json_boolean(c->reduce));
  put_decimal(o, "volume", c->volume);
  put_decimal(o, "price", c->price);
  put_decimal(o, "trigger", c->trigger);
  return o;
}

// exchange/stream_public.c – public topics: candles, trades, tickers, books; snapshots first, then what changed.
#include "exchange/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_private(const char *text, struct topic *t) {
  static const struct {
    const char *text;
    enum topic_kind kind;
    const char *category;
  } known[] = {{"order", TOPIC_ORDER, NULL}, {"order.linear", TOPIC_ORDER, "linear"}, {"order.spot", TOPIC_ORDER, "spot"},
    {"execution", TOPIC_EXECUTION, NULL}, {"execution.linear", TOPIC_EXECUTION, "linear"}, {"execution.spot", TOPIC_EXECUTION, "spot"},
    {"position", TOPIC_POSITION, NULL}, {"position.linear", TOPIC_POSITION, NULL}, {"wallet", TOPIC_WALLET, NULL}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(known[i].text, text) == 0) return t->kind = known[i].kind, t->category = known[i].category, true;
  return false;
}

bool exch_topic_parse(const struct exch *x, const char *text, const struct stream *st, struct topic *t) {
  char copy[TOPIC_TEXT_MAX], *part[3] = {NULL}, *save = NULL;
  *t = (struct topic){.fresh = true};
  snprintf(t->text, sizeof t->text, "%.63s", text);
  snprintf(copy, sizeof copy, "%.63s", text);
  if (st->is_private) return parse_private(text, t);
  int n = 0;
  for (char *at = strtok_r(copy, ".", &save); at && n < 3; at = strtok_r(NULL, ".", &save)) part[n++] = at;
  if (n < 2 || !(t->symbol = exch_symbol_in(x, st->is_spot, part[n - 1]))) return false;
  if (n == 2 && strcmp(part[0], "publicTrade") == 0) return t->kind = TOPIC_TRADE, true;
  if (n == 2 && strcmp(part[0], "tickers") == 0) return t->kind = TOPIC_TICKER, true;
  if (n == 3 && strcmp(part[0], "kline") == 0)
    return t->kind = TOPIC_KLINE, exch_candle_interval(part[1], &t->interval_ms);
  if (n != 3 || strcmp(part[0], "orderbook") != 0) return false;
  static const int depths[] = {1, 50, 200, 500, 1000};
  t->kind = TOPIC_BOOK;
  for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++)
    if (atoi(part[1]) == depths[i]) t->depth = depths[i];
  return t->depth > 0;
}

void exch_topic_free(struct topic *t) {
  free(t->bids);
  free(t->asks);
  json_decref(t->ticker);
  free(t);
}

void exch_topic_trade(struct stream *st, const struct topic *t, const struct exch_public_trade *trade, int64_t now_ms) {
  exch_stream_push(st, t->text, "",
    json_pack("{s:s, s:s, s:I, s:[o]}", "topic", t->text, "type", "snapshot", "ts", (json_int_t)now_ms, "data",
      exch_render_public_trade(t->symbol, trade, true)));
}

// ---- candles ----

static void push_candle(struct stream *st, struct topic *t, const struct exch_candle *c, bool confirm, int64_t now_ms) {
  const struct exch_symbol *s = t->symbol;
  const char *interval = strchr(t->text, '.') + 1;
  json_t *row = json_pack("{s:I, s:I, s:s%, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:I}", "start", (json_int_t)c->open_ms,
    "end", (json_int_t)(c->open_ms + t->interval_ms - 1), "interval", interval, strcspn(interval, "."), "open",
    exch_json_ticks(s, c->open), "close", exch_json_ticks(s, c->close), "high", exch_json_ticks(s, c->high), "low",
    exch_json_ticks(s, c->low), "volume", exch_json_lots(s, c->lots), "turnover", exch_json_e8(c->turnover_e8),
    "confirm", confirm, "timestamp", (json_int_t)now_ms);
  exch_stream_push(st, t->text, "",
    json_pack("{s:s, s:s, s:I, s:[o]}", "topic", t->text, "type", "snapshot", "ts", (json_int_t)now_ms, "data", row));
  t->candle_ms = c->open_ms;
  t->candle_lots = c->lots;
  t->candle_close = c->close;
  t->confirmed = confirm;
}

static void tell_candle(struct stream *st, struct topic *t, int64_t now_ms) {
  const struct exch_symbol *s = t->symbol;
  struct exch_candle candle;
  size_t at = s->candle_count;
  int64_t before = t->candle_ms;
  // What is newer than the last one told, and that one if it changed or ended; oldest first, so found from behind.
  struct exch_candle found[8];
  int n = 0;
  while (n < 8 && exch_candle_back(s, t->interval_ms, &at, &candle) && candle.open_ms >= before) {
    found[n++] = candle;
    if (t->fresh) break;
  }
  t->fresh = false;
  while (n-- > 0) {
    bool ended = now_ms >= found[n].open_ms + t->interval_ms || n > 0, same = found[n].open_ms == t->candle_ms &&
                                                                              found[n].lots == t->candle_lots &&
                                                                              found[n].close == t->candle_close;
    if (same && (t->confirmed || !ended)) continue;
    push_candle(st, t, &found[n], ended, now_ms);
  }
}

// ---- tickers ----

static void tell_ticker(struct stream *st, struct topic *t, int64_t now_ms) {
  const struct exch_symbol *s = t->symbol;
  json_t *now = exch_render_ticker(s), *data = now;
  if (s->tape_count > 0) {
    bool up = s->tape[(s->tape_count - 1) % EXCH_TAPE].buy;
    json_object_set_new(now, "tickDirection", json_string(up ? "PlusTick" : "MinusTick"));
  }
  const char *type = "snapshot", *key;
  json_t *value;
  if (t->ticker) {
    type = "delta";
    data = json_object();
    json_object_foreach(now, key, value) {
      if (!json_equal(value, json_object_get(t->ticker, key))) json_object_set(data, key, value);
    }
    json_decref(t->ticker);
    t->ticker = now;
    if (json_object_size(data) == 0) {
      json_decref(data);
      return;
    }
    json_object_set_new(data, "symbol", json_string(t->symbol->inst.symbol));
  } else {
    t->ticker = json_incref(now);
  }
  exch_stream_push(st, t->text, "",
    json_pack("{s:s, s:s, s:o, s:I, s:I}", "topic", t->text, "type", type, "data", data, "cs",
      (json_int_t)(++st->s->ws_sequence), "ts", (json_int_t)now_ms));
}

// ---- books ----

static const struct exch_level *find(const struct exch_level *levels, int count, int64_t px) {
  for (int i = 0; i < count; i++)
    if (levels[i].price == px) return &levels[i];
  return NULL;
}

static json_t *changes(const struct exch_level *old, int old_count, const struct exch_level *now, int now_count,
  const struct exch_symbol *s) {
  json_t *list = json_array();
  for (int i = 0; i < old_count; i++)
    if (!find(now, now_count, old[i].price))
      json_array_append_new(list, json_pack("[o, s]", exch_json_ticks(s, old[i].price), "0"));
  for (int i = 0; i < now_count; i++) {
    const struct exch_level *was = find(old, old_count, now[i].price);
    if (!was || was->lots != now[i].lots)
      json_array_append_new(
        list, json_pack("[o, o]", exch_json_ticks(s, now[i].price), exch_json_lots(s, now[i].lots)));
  }
  return list;
}

static void tell_book(struct stream *st, struct topic *t, int64_t now_ms) {
  const struct exch_symbol *s = t->symbol;
  bool snapshot = !t->bids || t->depth == 1;
  if (t->bids && t->update == s->update) return;
  size_t size = sizeof(struct exch_level) * (size_t)t->depth;
  struct exch_level *bids = malloc(size), *asks = malloc(size);
  if (!bids || !asks) {
    free(bids);
    free(asks);
    return;
  }
  int bid_count = exch_book_levels(s, false, bids, t->depth), ask_count = exch_book_levels(s, true, asks, t->depth);
  json_t *b = snapshot ? exch_render_levels(bids, bid_count, s) : changes(t->bids, t->bid_count, bids, bid_count, s);
  json_t *a = snapshot ? exch_render_levels(asks, ask_count, s) : changes(t->asks, t->ask_count, asks, ask_count, s);
  free(t->bids);
  free(t->asks);
  t->bids = bids;
  t->asks = asks;
  t->bid_count = bid_count;
  t->ask_count = ask_count;
  t->update = s->update;
  json_t *data = json_pack("{s:s, s:o, s:o, s:I, s:I}", "s", s->inst.symbol, "b", b, "a", a, "u",
    (json_int_t)s->update + 1, "seq", (json_int_t)s->update + 1);
  exch_stream_push(st, t->text, "",
    json_pack("{s:s, s:s, s:I, s:o, s:I}", "topic", t->text, "type", snapshot ? "snapshot" : "delta", "ts",
      (json_int_t)now_ms, "data", data, "cts", (json_int_t)now_ms));
}

void exch_topic_tell(struct stream *st, struct topic *t, int64_t now_ms) {
  switch (t->kind) {
  case TOPIC_KLINE: tell_candle(st, t, now_ms); break;
  case TOPIC_TICKER: tell_ticker(st, t, now_ms); break;
  case TOPIC_BOOK: tell_book(st, t, now_ms); break;
  default: break;
  }
}

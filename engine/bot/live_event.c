// bot/live_event.c – what happens to a bot's orders, fills and account: as rows of the journal's projections, and as events of its
// stream once they are committed.
#include "bot/live_impl.h"

#include "base/decimal.h"
#include "venue/venue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- commands: one record for a row of them, of which at most one submits

void live_commands_flush(struct live_bot *b) {
  if (!b->turn.len) return;
  struct record r;
  record_init(&r, (enum record_kind)b->turn_kind, b->turn_ns);
  r.commands = record_text(b->turn.data, b->turn.len);
  live_past_add(b, 0, &r);
  live_record(b, &r, b->turn_decides, false, false);
  buf_clear(&b->turn);
  b->turn_order = 0;
  b->turn_decides = false;
}

void live_command_seen(struct live_bot *b, int kind, const struct bot_command *c) {
  const bool submit = c->kind == COMMAND_SUBMIT;
  // What the core imposes just before the market's part of an instant belongs to the one before.
  const int64_t time_ns = kind == RECORD_IMPOSED ? c->time_ns : b->instant_ns;
  if (b->turn.len && (kind != b->turn_kind || time_ns != b->turn_ns || (submit && b->turn_order))) live_commands_flush(b);
  b->turn_kind = kind;
  b->turn_ns = time_ns;
  record_put_command(&b->turn, time_ns, c);
  b->turn_decides |= c->kind != COMMAND_MARK && c->kind != COMMAND_RESERVE;
  if (submit) b->turn_order = c->id, b->intents++, b->live->stats.intents++;
}

// ---- orders

static const char *tag_of(const struct live_bot *b, uint32_t tag) {
  static const char *const known[] = {[TAG_NONE] = "", [TAG_SL] = "sl", [TAG_TP] = "tp", [TAG_LIQUIDATION] = "liquidation", [TAG_END] = "end", [TAG_FLATTEN] = "flatten"};
  if (tag < sizeof known / sizeof *known) return known[tag];
  for (size_t i = 0; i < b->tag_count; i++)
    if (b->tags[i].tag == tag) return b->tags[i].text;
  return "";
}

static void set_tag(char to[JOURNAL_TAG_SIZE], const char *text) {
  const size_t n = strnlen(text, JOURNAL_TAG_SIZE - 1);
  memcpy(to, text, n);
  to[n] = '\0';
}

static uint32_t series_of_symbol(const struct live_bot *b, int symbol) { return b->series[b->plan->symbols[symbol].exec]->journal; }

static json_t *decimal_json(struct decimal d) {
  char text[DECIMAL_TEXT_MAX];
  if (d.scale < 0) return json_null();
  decimal_format(d, text);
  return json_string(text);
}
static json_t *cash_json(cash c) {
  char text[DECIMAL_TEXT_MAX];
  return json_string(cash_text(c, text));
}

// What somebody should know of, and not only see in a list.
static void notice_order(struct live_bot *b, const struct clerk_order_event *e) {
  const enum notice_event event = e->to == ORDER_REJECTED ? NOTICE_ORDER_REJECTED : NOTICE_ORDER_UNKNOWN;
  if (e->from == e->to || (e->to != ORDER_REJECTED && e->to != ORDER_UNKNOWN) || !live_noticed(b, event)) return;
  char detail[VENUE_TEXT_MAX + 256];
  snprintf(detail, sizeof detail, "%s%s%s", reason_text(e->reason), b->venue_says ? ": " : "", b->venue_says ? b->venue_says : "");
  live_notice(b, event, json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "symbol", e->inst->symbol, "side", side_text(e->order->side), "qty", decimal_json(e->qty), "code", reason_code(e->reason), "detail", detail,
    "advice", reason_advice(e->reason), "client_id", e->client_id));
}

static void on_order(void *self, const struct clerk_order_event *e) {
  struct live_bot *b = self;
  const struct order *o = e->order;
  struct live_batch *batch = live_batch(b->live, b->place);
  struct journal_order *rows = batch ? live_room(batch, (void *)batch->rows.orders, batch->rows.order_count, &batch->order_cap, sizeof *rows) : NULL;
  if (!rows) return;
  batch->rows.orders = rows;
  b->content = true;
  struct journal_order row = {.bot_id = b->id, .tenant_id = b->tenant_id, .run = b->run, .intent = record_intent(b->run, o->id), .order = o->id, .version = clerk_version_of(b->clerk, o->id),
    .series = series_of_symbol(b, o->symbol), .side = o->side, .type = o->type, .leg = o->leg, .tif = o->tif, .status = e->to, .reason = e->reason, .reduce = o->reduce,
    .post = o->post, .qty = o->qty, .filled = o->filled, .limit = o->limit, .trigger = o->trigger, .sl = o->sl, .tp = o->tp, .parent = o->parent, .oco = o->oco,
    .decided_ns = o->decided_ns, .updated_ns = e->time_ns, .ended_ns = o->ended_ns};
  if (o->filled.lots > 0) row.avg_e6 = (int64_t)div_round(o->fill_value * 1000000, o->filled.lots);
  set_tag(row.tag, tag_of(b, o->tag));
  rows[batch->rows.order_count++] = row;
  notice_order(b, e);
  if (!live_heard(b)) return;
  live_news(b, "order", json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:I}", "client_id", e->client_id, "order", (json_int_t)o->id,
    "symbol", e->inst->symbol, "side", side_text(o->side), "type", order_type_text(o->type), "from", order_status_text(e->from), "status", order_status_text(e->to),
    "reason", reason_code(e->reason), "qty", decimal_json(e->qty), "filled", decimal_json(e->filled), "price", decimal_json(e->limit), "trigger", decimal_json(e->trigger),
    "avg", decimal_json(e->avg), "tag", row.tag, "by_engine", e->by_engine, "time", (json_int_t)(e->time_ns / NS_PER_MS)));
}

// Round trips that this fill closed.
static void tell_trades(struct live_bot *b, struct live_batch *batch, uint64_t fill) {
  const struct trade_list *all = &matcher_account(clerk_matcher(b->clerk))->trades;
  for (; b->trades_told < all->count; b->trades_told++) {
    const struct trade *t = &all->items[b->trades_told];
    struct journal_trade *rows = live_room(batch, batch->rows.trades, batch->rows.trade_count, &batch->trade_cap, sizeof *rows);
    if (!rows) return;
    batch->rows.trades = rows;
    struct journal_trade row = {.bot_id = b->id, .tenant_id = b->tenant_id, .run = b->run, .series = series_of_symbol(b, t->symbol), .direction = t->direction, .qty = t->qty,
      .entry_ns = t->entry_ns, .exit_ns = t->exit_ns, .entry_px = t->entry_px, .exit_px = t->exit_px, .fill = fill, .entry_order = t->entry_order, .exit_order = t->exit_order,
      .position_id = t->position_id, .pnl = t->pnl, .fees = t->fees, .mae = t->mae, .mfe = t->mfe, .bars = t->bars, .ambiguous = t->ambiguous, .liquidated = t->liquidated};
    set_tag(row.tag, tag_of(b, t->tag));
    set_tag(row.exit_tag, tag_of(b, t->exit_tag));
    rows[batch->rows.trade_count++] = row;
  }
}

// For the plan: an order that has made a position larger, when it begins to.
static void count_entry(struct live_bot *b, const struct clerk_fill_event *e) {
  const struct fill *f = e->fill;
  const int64_t after = e->lots_after, before = after - f->side * f->qty.lots;
  const struct order *o = matcher_order(clerk_matcher(b->clerk), f->order);
  char key[CLIENT_ID_SIZE];
  if ((after < 0 ? -after : after) <= (before < 0 ? -before : before) || (o && o->filled.lots != f->qty.lots)) return;
  b->account->tenant->tenant.scope.trades_used++;
  clerk_client_id(b->clerk, f->order, key);
  if (b->live->config.traded) b->live->config.traded(b->live->config.self, b->tenant_id, key);
}

// What the fill made of the position.
static void tell_position(struct live_bot *b, const struct fill *f) {
  static const char *const legs[LEG_COUNT] = {[LEG_NET] = "net", [LEG_LONG] = "long", [LEG_SHORT] = "short"};
  struct live_position p;
  live_position_read(matcher_account(clerk_matcher(b->clerk)), f->symbol, f->leg, &p);
  live_news(b, "position", json_pack("{s:s, s:s, s:s, s:o, s:o, s:I}", "symbol", p.symbol, "leg", legs[f->leg], "qty", p.qty, "avg_price", p.avg[0] ? json_string(p.avg) : json_null(),
    "unrealised", p.upnl[0] ? json_string(p.upnl) : json_null(), "time", (json_int_t)(f->time_ns / NS_PER_MS)));
}

static void on_fill(void *self, const struct clerk_fill_event *e) {
  struct live_bot *b = self;
  const struct fill *f = e->fill;
  struct live_batch *batch = live_batch(b->live, b->place);
  struct journal_fill *rows = batch ? live_room(batch, batch->rows.fills, batch->rows.fill_count, &batch->fill_cap, sizeof *rows) : NULL;
  if (!rows) return;
  b->content = true;
  b->fills += !b->retelling;
  b->live->stats.fills += !b->retelling;
  batch->rows.fills = rows;
  struct journal_fill row = {.bot_id = b->id, .tenant_id = b->tenant_id, .run = b->run, .series = series_of_symbol(b, f->symbol), .fill = f->id, .order = f->order,
    .side = f->side, .leg = f->leg, .px = f->px, .qty = f->qty, .fee = f->fee, .slippage = f->slippage, .maker = f->maker, .complete = f->complete, .ambiguous = f->ambiguous,
    .cut = f->cut, .time_ns = f->time_ns};
  set_tag(row.tag, tag_of(b, f->tag));
  count_entry(b, e);
  rows[batch->rows.fill_count++] = row;
  tell_trades(b, batch, f->id);
  if (live_noticed(b, NOTICE_ORDER_FILLED))
    live_notice(b, NOTICE_ORDER_FILLED, json_pack("{s:s, s:s, s:o, s:o, s:o}", "symbol", e->inst->symbol, "side", side_text(f->side), "qty", decimal_json(e->qty), "price", decimal_json(e->px), "fee", decimal_json(e->fee)));
  if (!live_heard(b)) return;
  live_news(b, "fill", json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:b, s:s, s:o, s:o, s:I}", "order", (json_int_t)f->order, "symbol", e->inst->symbol, "side", side_text(f->side),
    "qty", decimal_json(e->qty), "price", decimal_json(e->px), "fee", decimal_json(e->fee), "maker", f->maker, "tag", row.tag, "position", decimal_json(e->position),
    "position_avg", decimal_json(e->position_avg), "time", (json_int_t)(f->time_ns / NS_PER_MS)));
  tell_position(b, f);
}

static void on_equity(void *self, const struct clerk_equity_event *e) {
  struct live_bot *b = self;
  if (e->equity.e8 == b->last_mark.e8) return;  // a flat line needs no points
  struct live_batch *batch = live_batch(b->live, b->place);
  struct journal_mark *rows = batch ? live_room(batch, (void *)batch->rows.marks, batch->rows.mark_count, &batch->mark_cap, sizeof *rows) : NULL;
  if (!rows) return;
  b->content = true;
  b->last_mark = e->equity;
  batch->rows.marks = rows;
  rows[batch->rows.mark_count++] = (struct journal_mark){b->id, b->tenant_id, b->run, e->time_ns, e->equity, e->balance};
  if (!live_heard(b)) return;
  live_news(b, "equity", json_pack("{s:o, s:o, s:o, s:I}", "equity", cash_json(e->equity), "balance", cash_json(e->balance), "margin", cash_json(e->margin),
    "time", (json_int_t)(e->time_ns / NS_PER_MS)));
}

// ---- what the core decided

// The bots of an account are one tenant's: its owner may know which of them is in the way.
static const char *denial_text(const struct live_bot *b, const struct clerk_denial *d, char text[REFUSAL_TEXT_SIZE + BOT_NAME_SIZE]) {
  const struct live_bot *other = d->why->other_bot ? live_find(b->live, (int64_t)d->why->other_bot) : NULL;
  if (!other || !other->has_row || other->tenant_id != b->tenant_id) return d->text;
  snprintf(text, REFUSAL_TEXT_SIZE + BOT_NAME_SIZE, "%s (of the bot %s)", d->text, other->row.name);
  return text;
}

static void on_denied(void *self, const struct clerk_denial *d) {
  struct live_bot *b = self;
  char said[REFUSAL_TEXT_SIZE + BOT_NAME_SIZE];
  const char *text = denial_text(b, d, said);
  b->denials++;
  b->live->stats.denials++;
  live_commands_flush(b);
  struct record r;
  record_init(&r, RECORD_DENY, b->instant_ns);
  const char *code = reason_code(d->code);
  r.order = d->order;
  r.refusal = *d->why;
  r.code = record_text(code, strlen(code));
  r.why = record_text(text, strnlen(text, RECORD_TEXT_MAX));
  live_record(b, &r, true, false, false);
  char line[RECORD_TEXT_MAX];
  const int n = snprintf(line, sizeof line, "order %llu refused: %s: %s", (unsigned long long)d->order, code, text);
  live_log(b, d->time_ns, LOG_WARN, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
  const struct denial numbers = refusal_denial(d->why, d->inst);
  live_news(b, "denied", json_pack("{s:I, s:s, s:s, s:s, s:s, s:f, s:f, s:o, s:I}", "order", (json_int_t)d->order, "code", code, "rule", refusal_name(d->why->rule), "level",
    refusal_level_text(d->why->level), "detail", text, "limit", numbers.limit, "value", numbers.value, "until",
    d->why->until_ns ? json_integer(d->why->until_ns / NS_PER_MS) : json_null(), "time", (json_int_t)(d->time_ns / NS_PER_MS)));
  live_risk_tell(b, d->code, numbers.limit, numbers.value, d->why->until_ns, text, false);
}

static void on_imposed(void *self, const struct bot_command *c) {
  struct live_bot *b = self;
  struct buf frame;
  live_command_seen(b, RECORD_IMPOSED, c);
  b->imposed = true;
  b->unheard |= c->kind != COMMAND_FUNDING;  // that is of the instant's market
  if (!b->live->fleet) return;
  // Who has been told all its history hears it from now on, also before it says that it is open; who has not gets it with that. One who
  // has been told half of it, with how much there is, begins anew.
  buf_init(&frame, 1024);
  wire_put_impose(&frame, (uint64_t)b->id, c);
  if (!fleet_send(b->live->fleet, b->id, &frame) && b->half_told) {
    b->half_told = false;
    fleet_reopen(b->live->fleet, b->id);
  }
  buf_finish(&frame);
}

static void on_intervened(void *self, enum reason code, const char *text) {
  struct live_bot *b = self;
  live_log(b, b->instant_ns, LOG_WARN, text, strlen(text));
  // Of rules with their numbers, when the instant has ended (live_rules.c).
  if (code != REASON_PROP_RULE) live_risk_tell(b, code, NAN, NAN, 0, text, true);
  live_news(b, "intervened", json_pack("{s:s, s:s}", "code", reason_code(code), "detail", text));
}

static bool last_price(void *self, int symbol, price *ret) {
  const struct live_bot *b = self;
  int64_t time_ns;
  return hub_series_last_price(b->live->hub, b->series[b->plan->symbols[symbol].exec]->hub, ret, &time_ns);
}

struct clerk_observer live_observer(struct live_bot *b) {
  return (struct clerk_observer){.self = b, .order = on_order, .fill = on_fill, .equity = on_equity, .denied = on_denied, .imposed = on_imposed, .intervened = on_intervened, .last_price = last_price};
}

// ---- logs

static const char *const levels[] = {"debug", "info", "warn", "error"};

void live_plain(char *text, size_t len) {
  json_t *whole = json_stringn(text, len);
  for (size_t i = 0; i < len; i++) {
    const unsigned char c = (unsigned char)text[i];
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f || (!whole && c >= 0x80)) text[i] = '?';
  }
  json_decref(whole);
}

void live_log(struct live_bot *b, int64_t time_ns, int level, const char *bytes, size_t len) {
  struct live_batch *batch = live_batch(b->live, b->place);
  struct journal_log *rows = batch ? live_room(batch, batch->rows.logs, batch->rows.log_count, &batch->log_cap, sizeof *rows) : NULL;
  if (!rows) return;
  char text[JOURNAL_LOG_TEXT_MAX];
  if (len > JOURNAL_LOG_TEXT_MAX) len = JOURNAL_LOG_TEXT_MAX;
  memcpy(text, bytes, len);
  live_plain(text, len);
  batch->rows.logs = rows;
  const char *at = live_batch_bytes(batch, text, len);
  rows[batch->rows.log_count++] = (struct journal_log){.bot_id = b->id, .tenant_id = b->tenant_id, .run = b->run, .time_ns = time_ns, .level = level, .text = at, .len = len};
  if (!live_heard(b)) return;
  live_news(b, "log", json_pack("{s:s, s:s%, s:I}", "level", levels[level >= LOG_DEBUG && level <= LOG_ERROR ? level : LOG_INFO], "text", text, len, "time", (json_int_t)(time_ns / NS_PER_MS)));
}

// tests/unit/bot/clerk_desk.c – see clerk_desk.h.
#include "clerk_desk.h"

struct fixture f;

static void on_order(void *self, const struct clerk_order_event *e) {
  struct desk *d = self;
  d->orders++;
  d->last_to = e->to, d->last_reason = e->reason;
  memcpy(d->client_id, e->client_id, strlen(e->client_id) + 1);
  assert_true(e->qty.scale == 0 && e->qty.digits == e->order->qty.lots && (e->limit.scale == -1) == !price_given(e->order->limit));
}
static void on_fill(void *self, const struct clerk_fill_event *e) {
  struct desk *d = self;
  d->fills++;
  d->fill = *e;
}
static void on_equity(void *self, const struct clerk_equity_event *e) {
  struct desk *d = self;
  d->marks++;
  d->equity = *e;
}
static void on_denied(void *self, const struct clerk_denial *e) {
  struct desk *d = self;
  d->denials++;
  strcpy(d->text, e->text);
}
static void on_imposed(void *self, const struct bot_command *c) {
  struct desk *d = self;
  assert_true(d->imposed_count < 64);
  d->imposed[d->imposed_count++] = *c;
}
static void on_intervened(void *self, enum reason code, const char *text) {
  struct desk *d = self;
  d->interventions++;
  d->intervened = code;
  strcpy(d->said, text);
}
static bool on_last_price(void *self, int symbol, price *ret) {
  (void)self;
  assert_int_equal(symbol, 0);
  return (ret->ticks = f.last_px) != 0;
}
static void on_tripped(void *self, const struct last_report *r) {
  (void)self;
  f.trips++;
  f.tripped = *r;
}

void prepare(void) {
  struct err err;
  memset(&f, 0, sizeof f);
  halt_init(&f.halt);
  f.shared = (struct clerk_shared){.halt = &f.halt, .tripped = on_tripped};
  f.inst = (struct instrument){.symbol = "X", .tick = {1, 0}, .lot = {1, 0}, .multiplier = {1, 0}};
  assert_int_equal(instrument_finish(&f.inst, &err), OK);
  match_symbol_config_init(&f.symbol, &f.inst);
  clerk_tenant_init(&f.tenant, 9, &(struct gate_limits){0});
  f.account_config = (struct clerk_account_config){.id = 5, .tenant = &f.tenant, .balance = {E8(20000)}, .now_ns = S};
  f.config = (struct clerk_config){.version = 3, .shared = &f.shared, .venue_id = 7, .live_from_ns = S};
  match_config_init(&f.config.blotter.match, (cash){E8(10000)});
  f.config.blotter.symbols = &f.symbol;
  f.config.blotter.symbol_count = 1;
  f.now_ns = S;
}

void clerk_open(int i) {
  struct err err;
  struct desk *d = &f.desk[i];
  f.config.bot_id = (uint64_t)i + 1;
  f.config.account = f.account;
  f.config.observer = (struct clerk_observer){.self = d, .order = on_order, .fill = on_fill, .equity = on_equity, .denied = on_denied, .imposed = on_imposed,
                                              .intervened = on_intervened, .last_price = on_last_price};
  if (clerk_create(&f.config, &d->clerk, &err) != OK) fail_msg("%s", err.msg);
}

void open_all(int bots) {
  struct err err;
  if (clerk_account_create(&f.account_config, &f.account, &err) != OK) fail_msg("%s", err.msg);
  for (int i = 0; i < bots; i++) clerk_open(i);
}

static void bar_of(int i) {
  struct err err;
  struct instant_match m = {.bar = {.bar = &f.bar, .close_ns = f.now_ns}};
  struct instant in = {.now_ns = f.now_ns, .match = &m, .match_count = 1};
  if (clerk_market(f.desk[i].clerk, &in, &err) != OK) fail_msg("%s", err.msg);
}
// A bar from the last price to `to`.
void bar_next(int64_t to) {
  int64_t from = f.bar.close.ticks ? f.bar.close.ticks : to;
  f.bar = (struct bar){.open_ns = f.now_ns, .open = {from}, .high = {from > to ? from : to}, .low = {from < to ? from : to}, .close = {to}, .volume = -1};
  f.now_ns += 60 * S;
  for (int i = 0; i < BOTS; i++)
    if (f.desk[i].clerk) bar_of(i);
}
void end_all(void) {
  for (int i = 0; i < BOTS; i++)
    if (f.desk[i].clerk) clerk_end(f.desk[i].clerk);
  for (int i = 0; i < BOTS; i++)
    if (f.desk[i].clerk) clerk_committed(f.desk[i].clerk), clerk_check(f.desk[i].clerk);
}
void bars(int64_t to) {
  bar_next(to);
  end_all();
}

enum clerk_answer command(int i, struct bot_command c) {
  struct desk *d = &f.desk[i];
  if (c.time_ns == 0) c.time_ns = f.now_ns;
  clerk_command(d->clerk, &c, &d->v);
  return d->v.answer;
}

struct intent order_of(enum side side, int64_t limit, int64_t sl) {
  struct intent in;
  intent_init(&in, 0, side);
  in.type = limit ? ORDER_LIMIT : ORDER_MARKET;
  in.limit = limit ? (price){limit} : NO_PRICE;
  in.sl = sl ? (price){sl} : NO_PRICE;
  return in;
}
enum clerk_answer submit(int i, const struct intent *in, int64_t lots) {
  uint64_t id = ++f.desk[i].ids;
  const uint64_t last = matcher_order_last(clerk_matcher(f.desk[i].clerk));
  if (last >= id) f.desk[i].ids = id = last + 1;
  assert_int_equal(command(i, (struct bot_command){.kind = COMMAND_RESERVE, .id = id}), CLERK_TAKEN);
  return command(i, (struct bot_command){.kind = COMMAND_SUBMIT, .id = id, .intent = *in, .qty = {lots}});
}
enum clerk_answer buy(int i, int64_t lots, int64_t limit, int64_t sl) {
  struct intent in = order_of(SIDE_BUY, limit, sl);
  return submit(i, &in, lots);
}
enum clerk_answer sell(int i, int64_t lots, int64_t limit) {
  struct intent in = order_of(SIDE_SELL, limit, 0);
  return submit(i, &in, lots);
}
enum clerk_answer change(int i, uint64_t id, int64_t lots, int64_t limit, int64_t sl, bool sl_none) {
  struct bot_command c = {.kind = COMMAND_MODIFY, .id = id};
  order_change_init(&c.change);
  c.change.qty.lots = lots;
  if (limit) c.change.limit.ticks = limit;
  if (sl) c.change.sl.ticks = sl;
  c.change.sl_none = sl_none;
  return command(i, c);
}
const struct order *order(int i, uint64_t id) { return matcher_order(clerk_matcher(f.desk[i].clerk), id); }
int64_t position(int i) { return account_lots(matcher_account(clerk_matcher(f.desk[i].clerk)), 0, LEG_NET); }

void close_all(void) {
  for (int i = 0; i < BOTS; i++) clerk_destroy(f.desk[i].clerk);
  assert_true(clerk_account_house(f.account).e8 == E8(20000) && clerk_account_scope(f.account)->exposure_e8 == 0 && clerk_account_scope(f.account)->open_orders == 0);
  clerk_account_destroy(f.account);
  assert_true(f.tenant.scope.equity_e8 == 0 && f.tenant.scope.exposure_e8 == 0);
  last_check_destroy(f.shared.last);
}

struct rule_set *rules_of(const char *text) {
  struct err err;
  struct rule_set *r;
  if (rule_set_parse(text, strlen(text), &r, &err) != OK) fail_msg("%s", err.msg);
  return r;
}

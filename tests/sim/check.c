// tests/sim/check.c – what must always hold of a simulated installation (world.h), and what must hold when all is quiet.
#include "world.h"

#include "bot/live_impl.h"
#include "bot/replay_load.h"
#include "bot/replay_pack.h"
#include "sim_host.h"
#include "store/db.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct live_bot *live_of(const struct world *w, const struct world_bot *b) { return w->live ? live_find(w->live, b->id) : NULL; }

static void must(const struct world *w, enum status st, const struct err *err, const char *what) {
  if (st != OK && !w->faulty) violation(w, "%s: %s", what, err->msg);
}

// ---- halted means silent

static void check_silent(struct world *w, struct world_bot *b, const struct live_bot *l) {
  const struct matcher *m = clerk_matcher(l->clerk);
  const struct account *a = matcher_account(m);
  const bool first = !b->silent;
  b->silent = true;
  for (int s = 0; s < a->symbol_count && s < 8; s++) {
    size_t pos = 0;
    for (const struct order *o; (o = matcher_working(m, s, &pos)) != NULL;)
      if (!o->reduce && o->status != ORDER_PENDING_CANCEL && !o->parent)
        violation(w, "bot %d is halted and order %" PRIu64 " of it is %s", (int)(b - w->bots), o->id, order_status_text(o->status));
    const int64_t lots = account_lots(a, s, LEG_NET);
    if (!first && (lots < 0 ? -lots : lots) > (b->lots[s] < 0 ? -b->lots[s] : b->lots[s]))
      violation(w, "bot %d is halted and its position grew from %" PRId64 " to %" PRId64 " lots", (int)(b - w->bots), b->lots[s], lots);
    b->lots[s] = lots;
  }
}

void check_now(struct world *w) {
  if (sim_host_complaint()[0]) violation(w, "a host could not follow the core: %s", sim_host_complaint());
  if (!w->live) return;
  for (int i = 0; i < w->bot_count; i++) {
    struct world_bot *b = &w->bots[i];
    const struct live_bot *l = live_of(w, b);
    const bool silent = world_halted(w, b) >= HALT_SILENT;
    if (!silent) b->silent = false;
    if (!l || !l->clerk || clerk_busy(l->clerk)) continue;
    clerk_check(l->clerk);
    account_check(matcher_account(clerk_matcher(l->clerk)));
    ledger_check(&matcher_account(clerk_matcher(l->clerk))->ledger);
    if (silent) check_silent(w, b, l);
    if (b->run != l->run) b->silent = false;
  }
  for (size_t i = 0; i < sizeof w->live->accounts / sizeof *w->live->accounts; i++)
    for (const struct live_account *a = w->live->accounts[i]; a; a = a->next)
      if (a->account) clerk_account_check(a->account);
}

// ---- rows on their way to the journal: of bots that wait for them. Else what such a bot does next, elsewhere, may be written before them, and
// its row says again what was. The program is linked with --wrap=live_behind_choose and live_behind_follow.

static void check_named(const struct live_batch *b, int64_t bot, const char *what) {
  for (size_t i = 0; i < b->bot_count; i++)
    if (b->bots[i] == bot) return;
  violation(b->live->config.self, "rows (%s) of bot %" PRId64 " go to the journal with a batch that does not name it", what, bot);
}

bool __real_live_behind_choose(struct live *l, struct live_batch *b);
bool __wrap_live_behind_choose(struct live *l, struct live_batch *b);

void __real_live_behind_follow(struct live *l, struct live_batch *b);
void __wrap_live_behind_follow(struct live *l, struct live_batch *b);

// A batch that is handed over has whole instants: whoever of its place had the market's part of one has had its end.
void __wrap_live_behind_follow(struct live *l, struct live_batch *b) {
  const struct world *w = l->config.self;
  for (int i = 0; i < w->bot_count; i++) {
    const struct live_bot *bot = live_find(l, w->bots[i].id);
    if (bot && bot->place == b->place && bot->busy) violation(w, "what goes to the journal has half an instant of bot %d", i);
  }
  __real_live_behind_follow(l, b);
}

bool __wrap_live_behind_choose(struct live *l, struct live_batch *b) {
  for (size_t i = 0; i < b->rows.order_count; i++) check_named(b, b->rows.orders[i].bot_id, "orders");
  for (size_t i = 0; i < b->rows.fill_count; i++) check_named(b, b->rows.fills[i].bot_id, "fills");
  for (size_t i = 0; i < b->rows.trade_count; i++) check_named(b, b->rows.trades[i].bot_id, "trades");
  for (size_t i = 0; i < b->rows.mark_count; i++) check_named(b, b->rows.marks[i].bot_id, "marks");
  return __real_live_behind_choose(l, b);
}

// ---- the journal

struct known {  // of one bot
  struct world *w;
  int bot;
  struct { uint32_t run; uint64_t order; } *submits;
  size_t count, cap;
  struct { uint32_t run; int64_t live_from_ns; } *opens;
  size_t open_count, open_cap;
  uint32_t run;
  int64_t time_ns;
};

static bool submitted(const struct known *k, uint32_t run, uint64_t order) {
  for (size_t i = 0; i < k->count; i++)
    if (k->submits[i].run == run && k->submits[i].order == order) return true;
  return false;
}

static void take_command(struct known *k, uint32_t run, const struct bot_command *c) {
  if (c->kind != COMMAND_SUBMIT) return;
  if (submitted(k, run, c->id)) violation(k->w, "bot %d run %u: order %" PRIu64 " was journalled twice", k->bot, run, c->id);
  if (k->count == k->cap) {
    k->cap = k->cap ? 2 * k->cap : 256;
    k->submits = realloc(k->submits, k->cap * sizeof *k->submits);
    assert(k->submits);
  }
  k->submits[k->count].run = run;
  k->submits[k->count++].order = c->id;
}

static bool take_record(void *arg, const struct journal_record *j) {
  struct known *k = arg;
  struct record r;
  struct bot_command c;
  struct err err;
  if (record_read(j->kind, j->time_ns, j->body, j->len, &r, &err) != OK) violation(k->w, "bot %d record %" PRId64 ": %s", k->bot, j->id, err.msg);
  if (j->run < k->run) violation(k->w, "bot %d record %" PRId64 ": run %u after run %u", k->bot, j->id, j->run, k->run);
  // What is not done in an instant (openings, halts, the end) has the time of its market, between two.
  const bool opens = r.kind == RECORD_RUN || r.kind == RECORD_RESUME, decides = r.kind == RECORD_COMMANDS || r.kind == RECORD_IMPOSED;
  if (j->run == k->run && j->time_ns < k->time_ns && decides)
    violation(k->w, "bot %d record %" PRId64 " (%s): its time goes back by %" PRId64 " s", k->bot, j->id, record_kind_text(j->kind), (k->time_ns - j->time_ns) / NS_PER_S);
  if (j->run != k->run && r.kind != RECORD_RUN) violation(k->w, "bot %d: run %u begins with a record %s", k->bot, j->run, record_kind_text(j->kind));
  if (decides || j->run != k->run) k->time_ns = decides ? j->time_ns : INT64_MIN;
  k->run = j->run;
  if (r.kind == RECORD_COMMANDS || r.kind == RECORD_IMPOSED)
    for (size_t at = 0; record_command_next(&r, &at, &c);) take_command(k, j->run, &c);
  if (opens) {
    if (k->open_count == k->open_cap) {
      k->open_cap = k->open_cap ? 2 * k->open_cap : 16;
      k->opens = realloc(k->opens, k->open_cap * sizeof *k->opens);
      assert(k->opens);
    }
    k->opens[k->open_count].run = j->run;
    k->opens[k->open_count++].live_from_ns = r.live_from_ns;
  }
  return true;
}

static void on_fault(void *arg, const char *fault) { violation(arg, "journal: %s", fault); }

// No order without an intent, fills add up to their orders, and whatever somebody was told is there.
// The rows of pages may be behind the journal, but when all is quiet.
static void check_orders(struct world *w, struct db *db, const struct world_bot *b, const struct known *k, bool quiet) {
  struct db_rows rows;
  struct err err;
  size_t told = 0;
  enum status st = db_query(db, &rows, &err,
    "SELECT run, order_id, parent, tag, qty, filled, ended_ns, (SELECT coalesce(sum(qty), 0) FROM bot_fill f WHERE f.bot_id = o.bot_id AND f.run = o.run AND f.order_id = o.order_id)"
    " FROM bot_order o WHERE bot_id = ?", "i", b->id);
  while (st == OK && db_next(&rows)) {
    const uint32_t run = (uint32_t)db_int(&rows, 0);
    const uint64_t order = (uint64_t)db_int(&rows, 1);
    const bool own = db_int(&rows, 2) != 0 || strcmp(db_text(&rows, 3), "liquidation") == 0;
    if (!own && !submitted(k, run, order)) violation(w, "bot %d run %u: order %" PRIu64 " without an intent in the journal", k->bot, run, order);
    if (db_int(&rows, 5) != db_int(&rows, 7))
      violation(w, "bot %d run %u: order %" PRIu64 " says %" PRId64 " lots filled, its fills %" PRId64, k->bot, run, order, db_int(&rows, 5), db_int(&rows, 7));
    for (size_t i = 0; i < b->order_count; i++)
      if (b->orders[i].run == run && b->orders[i].order == order) {
        told++;
        if (quiet && b->orders[i].ended && !db_int(&rows, 6)) violation(w, "bot %d run %u: order %" PRIu64 " was told as ended and works again", k->bot, run, order);
      }
  }
  must(w, db_end(&rows, st, &err), &err, "orders");
  for (size_t i = 0; i < b->order_count; i++)
    if (b->orders[i].asked && !submitted(k, b->orders[i].run, b->orders[i].order))
      violation(w, "bot %d run %u: order %" PRIu64 " was told and is not in the journal", k->bot, b->orders[i].run, b->orders[i].order);
  if (quiet && told != b->order_count) violation(w, "bot %d: %zu orders that were told are gone", k->bot, b->order_count - told);
  int64_t fills = 0, strays = 0;
  st = db_query(db, &rows, &err,
    "SELECT count(*) FILTER (WHERE run = ?), count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM bot_order o WHERE o.bot_id = f.bot_id AND o.run = f.run AND o.order_id = f.order_id))"
    " FROM bot_fill f WHERE bot_id = ?", "ii", (int64_t)b->run, b->id);
  if (st == OK && db_next(&rows)) fills = db_int(&rows, 0), strays = db_int(&rows, 1);
  must(w, db_end(&rows, st, &err), &err, "fills");
  if (strays) violation(w, "bot %d: %" PRId64 " fills without an order", k->bot, strays);
  if (quiet && fills < (int64_t)b->fills) violation(w, "bot %d run %u: %" PRIu64 " fills were told, %" PRId64 " are there", k->bot, b->run, b->fills, fills);
}

// Had the bot's market a bar between these two? It has outages.
static bool bar_between(struct world *w, struct db *db, int bot, int64_t after_ms, int64_t before_ms) {
  struct db_rows rows;
  struct err err;
  bool any = false;
  enum status st = db_query(db, &rows, &err,
    "SELECT 1 FROM bar JOIN series s ON s.id = series_id WHERE s.venue = ? AND s.symbol = 'BTCUSDT' AND s.timeframe_ns = ? AND open_ns > ? AND open_ns < ?", "tiii",
    bot % 3 == 2 ? "alt" : "sim", (bot % 5 == 4 ? 5 : 1) * NS_PER_MINUTE, after_ms * NS_PER_MS, before_ms * NS_PER_MS);
  if (st == OK) any = db_next(&rows);
  must(w, db_end(&rows, st, &err), &err, "bars");
  return any;
}

// A row of bot_state: the last instant that its script saw (0: none), and its ctx.state, which the caller gives back; NULL: none.
static json_t *kept_state(const struct db_rows *rows, int column, int64_t *ret_seen_ns) {
  size_t len;
  uint32_t state_len = 0;
  const size_t head = sizeof *ret_seen_ns + sizeof state_len;
  const char *body = db_blob(rows, column, &len);
  *ret_seen_ns = 0;
  if (len < head) return NULL;
  memcpy(ret_seen_ns, body, sizeof *ret_seen_ns);
  memcpy(&state_len, body + sizeof *ret_seen_ns, sizeof state_len);
  return state_len && state_len <= len - head ? json_loadb(body + head, state_len, 0, NULL) : NULL;
}

// Each bar that a script saw says its number and its time: none twice, none left out but while the script was not open. Of a bar
// in which its host died or its script raised the log may be there and the state not: then the next has the same number.
static void check_bars(struct world *w, struct db *db, struct world_bot *b, const struct known *k) {
  struct db_rows rows;
  struct err err;
  uint32_t run = 0;
  int64_t n = 0, time_ms = 0, last_run_n = 0;
  const int64_t frame_ms = (k->bot % 5 == 4 ? 5 : 1) * 60000;
  enum status st = db_query(db, &rows, &err, "SELECT run, text FROM bot_log WHERE bot_id = ? AND text GLOB 'bar *' ORDER BY n", "i", b->id);
  while (st == OK && db_next(&rows)) {
    int64_t next_n, next_ms;
    if (sscanf(db_text(&rows, 1), "bar %" SCNd64 " %" SCNd64, &next_n, &next_ms) != 2) violation(w, "bot %d: log \"%s\"", k->bot, db_text(&rows, 1));
    if ((uint32_t)db_int(&rows, 0) != run) n = time_ms = 0;
    const bool anew = n == 0;
    run = (uint32_t)db_int(&rows, 0);
    bool opened = anew, reopened = false;
    const bool follows = next_n == n + 1 && next_ms == time_ms + frame_ms;
    for (size_t i = 0; !follows && !reopened && i < k->open_count; i++) {
      const int64_t from_ms = k->opens[i].live_from_ns / 1000000;  // sees bars that close after it
      reopened = k->opens[i].run == run && from_ms >= time_ms + frame_ms && from_ms < next_ms + frame_ms && !bar_between(w, db, k->bot, from_ms - frame_ms, next_ms);
    }
    if (next_n != n + 1 && !(reopened && next_n == n)) violation(w, "bot %d run %u: bar %" PRId64 " of its script comes after bar %" PRId64, k->bot, run, next_n, n);
    if (!anew && next_ms <= time_ms) violation(w, "bot %d run %u: bar %" PRId64 " was shown again", k->bot, run, next_n);
    opened |= reopened || next_ms == time_ms + frame_ms;
    if (!opened && bar_between(w, db, k->bot, time_ms, next_ms)) violation(w, "bot %d run %u: its script was not shown the bars between %" PRId64 " and %" PRId64 ", and was open", k->bot, run, time_ms, next_ms);
    n = next_n;
    time_ms = next_ms;
  }
  last_run_n = n;
  must(w, db_end(&rows, st, &err), &err, "logs");
  st = db_query(db, &rows, &err, "SELECT run, body FROM bot_state WHERE bot_id = ?", "i", b->id);
  if (st == OK && db_next(&rows) && (uint32_t)db_int(&rows, 0) == run && run) {
    int64_t seen_ns, state_n;
    json_t *state = kept_state(&rows, 1, &seen_ns);
    state_n = json_integer_value(json_object_get(state, "n"));
    if (json_is_real(json_object_get(state, "n"))) state_n = (int64_t)json_real_value(json_object_get(state, "n"));
    if (state_n != last_run_n && state_n != last_run_n - 1) violation(w, "bot %d run %u: its state says bar %" PRId64 ", its log %" PRId64, k->bot, run, state_n, last_run_n);
    json_decref(state);
  }
  must(w, db_end(&rows, st, &err), &err, "state");
}

// Two scripts tell what they hear of their orders' ends, one by what it keeps, the other, which keeps nothing, by its log: each has heard of all
// that it can have heard of, once, whatever died meanwhile. A fill in the market is known when its bar ends; what the core does, in the next instant.
enum { SCRIPT_COUNTS = 0, SCRIPT_LOGS = 5 };
static void check_heard(struct world *w, struct db *db, const struct world_bot *b, int bot) {
  struct db_rows rows;
  struct err err;
  uint32_t run = 0;
  int64_t seen_ns = 0, ended = 0, ids = 0;
  const int64_t frame_ns = (bot % 5 == 4 ? 5 : 1) * NS_PER_MINUTE;
  enum status st = db_query(db, &rows, &err, "SELECT run, body FROM bot_state WHERE bot_id = ?", "i", b->id);
  if (st == OK && db_next(&rows)) {
    run = (uint32_t)db_int(&rows, 0);
    json_t *state = kept_state(&rows, 1, &seen_ns);
    ended = (int64_t)json_number_value(json_object_get(state, "ended"));
    ids = (int64_t)json_number_value(json_object_get(state, "ids"));
    json_decref(state);
  }
  must(w, db_end(&rows, st, &err), &err, "state");
  if (b->script == SCRIPT_LOGS) {
    st = db_query(db, &rows, &err, "SELECT count(*), coalesce(sum(substr(text, 7)), 0) FROM bot_log WHERE bot_id = ? AND run = ? AND text GLOB 'ended *'", "ii", b->id, (int64_t)run);
    if (st == OK && db_next(&rows)) ended = db_int(&rows, 0), ids = db_int(&rows, 1);
    must(w, db_end(&rows, st, &err), &err, "logs of orders' ends");
  }
  st = db_query(db, &rows, &err,
    "SELECT count(*) FILTER (WHERE known), coalesce(sum(order_id) FILTER (WHERE known), 0), count(*), coalesce(sum(order_id), 0), (SELECT count(*) FROM bot_order WHERE bot_id = ?)"
    " FROM (SELECT order_id, iif(status = ?, ended_ns <= ?, ended_ns < ?) AS known FROM bot_order WHERE bot_id = ? AND run = ? AND ended_ns > 0 AND ended_ns <= ?)", "iiiiiii",
    b->id, (int64_t)ORDER_FILLED, seen_ns - frame_ns, seen_ns, b->id, (int64_t)run, seen_ns);
  if (st == OK && db_next(&rows) && db_int(&rows, 4) < JOURNAL_ORDERS_MAX) {
    const bool all = ended == db_int(&rows, 0) && ids == db_int(&rows, 1);
    if (ended < db_int(&rows, 0) || ended > db_int(&rows, 2) || (db_int(&rows, 0) == db_int(&rows, 2) && !all))
      violation(w, "bot %d run %u: its script heard of %" PRId64 " orders' ends (ids together %" PRId64 "), %" PRId64 " (%" PRId64 ") were known to it, %" PRId64 " (%" PRId64 ") had happened",
        bot, run, ended, ids, db_int(&rows, 0), db_int(&rows, 1), db_int(&rows, 2), db_int(&rows, 3));
  }
  must(w, db_end(&rows, st, &err), &err, "orders' ends");
}

static void check_row(struct world *w, struct world_bot *b, int bot) {
  struct bot_row row;
  struct err err;
  const enum status st = bot_find(store_reader(w->store, STORE_CONTROL), b->id, &row, &err);
  if (st == ERR_NOTFOUND && b->unsure && b->unsure < w->life) b->deleted = true;
  if (st == ERR_NOTFOUND && b->made && !b->deleted) violation(w, "bot %d is gone", bot);
  if (st != OK) {
    if (st != ERR_NOTFOUND) must(w, st, &err, "row");
    return;
  }
  if (row.revision < b->revision) violation(w, "bot %d has revision %" PRId64 ", %" PRId64 " was acknowledged", bot, row.revision, b->revision);
  if (b->deleted) violation(w, "bot %d was deleted and is there", bot);
  bot_row_finish(&row);
}

static void check_all(struct world *w, bool quiet) {
  struct err err;
  if (!w->store || w->faulty) return;
  struct db *db = store_reader(w->store, STORE_JOURNAL);
  must(w, journal_check(db, on_fault, w, &err), &err, "journal");
  for (int i = 0; i < w->bot_count; i++) {
    struct world_bot *b = &w->bots[i];
    struct known k = {.w = w, .bot = i};
    must(w, journal_scan(db, 0, b->id, take_record, &k, &err), &err, "records");
    check_orders(w, db, b, &k, quiet);
    check_bars(w, db, b, &k);
    check_row(w, b, i);
    if (quiet && (b->script == SCRIPT_COUNTS || b->script == SCRIPT_LOGS)) check_heard(w, db, b, i);
    free(k.submits);
    free(k.opens);
  }
}

void check_store(struct world *w) { check_all(w, false); }

// ---- quiet

static bool is_quiet(const struct world *w) {
  const struct live *l = w->live;
  if (l->writes || (l->behind && journal_behind_busy(l->behind))) return false;
  for (int i = 0; i <= FLEET_HOSTS_MAX; i++)
    if (l->hosts[i].batch || l->hosts[i].writes || l->hosts[i].owes) return false;
  for (int i = 0; i < w->bot_count; i++) {
    const struct live_bot *b = live_of(w, &w->bots[i]);
    if (b && b->clerk && (b->busy || clerk_busy(b->clerk))) return false;
  }
  return true;
}

bool check_settled(const struct world *w) {
  if (!w->live || !is_quiet(w)) return false;
  for (int i = 0; i < w->bot_count; i++) {
    const struct live_bot *b = live_of(w, &w->bots[i]);
    if (!b || w->bots[i].deleted) continue;
    const enum life_state s = b->life.state;
    if (s == LIFE_STARTING || s == LIFE_STOPPING || s == LIFE_RETRYING || s == LIFE_HALTED || (s == LIFE_RUNNING && !b->opened)) return false;
  }
  return true;
}

static void check_sums(struct world *w, const struct world_bot *b, const struct live_bot *l) {
  struct db *db = store_reader(w->store, STORE_JOURNAL);
  const struct account *a = matcher_account(clerk_matcher(l->clerk));
  struct db_rows rows;
  struct err err;
  for (int s = 0; s < a->symbol_count; s++) {
    int64_t lots = 0;
    enum status st = db_query(db, &rows, &err, "SELECT coalesce(sum(side * qty), 0) FROM bot_fill WHERE bot_id = ? AND run = ? AND series_id = ?", "iii", b->id, (int64_t)l->run,
      (int64_t)l->series[l->plan->symbols[s].exec]->journal);
    if (st == OK && db_next(&rows)) lots = db_int(&rows, 0);
    must(w, db_end(&rows, st, &err), &err, "fills");
    if (lots != account_lots(a, s, LEG_NET))
      violation(w, "bot %d: its fills add up to %" PRId64 " lots, its account has %" PRId64, (int)(b - w->bots), lots, account_lots(a, s, LEG_NET));
  }
  int64_t fees = 0;
  enum status st = db_query(db, &rows, &err, "SELECT coalesce(sum(fee), 0) FROM bot_fill WHERE bot_id = ? AND run = ?", "ii", b->id, (int64_t)l->run);
  if (st == OK && db_next(&rows)) fees = db_int(&rows, 0);
  must(w, db_end(&rows, st, &err), &err, "fees");
  if (fees != -ledger_total(&a->ledger, BOOK_FEES).e8) violation(w, "bot %d: its fills cost %" PRId64 ", its account paid %" PRId64, (int)(b - w->bots), fees, -ledger_total(&a->ledger, BOOK_FEES).e8);
  cash sum = {a->ledger.balance_e8[BOOK_CASH]};
  for (int s = 0; s < a->symbol_count; s++) sum.e8 += account_unrealised(a, s).e8;
  if (sum.e8 != account_equity(a).e8) violation(w, "bot %d: equity is not balance and open profit", (int)(b - w->bots));
}

// What the journal has of the minutes around a difference, for who looks.
static bool show_record(void *arg, const struct journal_record *j) {
  const int64_t at_ns = *(const int64_t *)arg;
  struct record r;
  struct bot_command c;
  struct err err;
  if (j->time_ns < at_ns - 5 * NS_PER_MINUTE || j->time_ns > at_ns + 5 * NS_PER_MINUTE || record_read(j->kind, j->time_ns, j->body, j->len, &r, &err) != OK) return true;
  printf("#   record %" PRId64 " run %u at %" PRId64 " %s", j->id, j->run, j->time_ns / NS_PER_MS, record_kind_text(j->kind));
  if (r.kind == RECORD_RESUME || r.kind == RECORD_STOP) printf(" live from %" PRId64 " seen %" PRId64, r.live_from_ns / NS_PER_MS, r.seen_ns / NS_PER_MS);
  if (r.kind == RECORD_COMMANDS || r.kind == RECORD_IMPOSED)
    for (size_t at = 0; record_command_next(&r, &at, &c);) printf(" %s %" PRIu64, command_kind_text(c.kind), c.id);
  printf("\n");
  return true;
}

static void check_replay(struct world *w, const struct world_bot *b, const struct live_bot *l) {
  struct replay_loaded *loaded = NULL;
  struct replay_config config;
  struct replay_result r = {0};
  struct err err;
  char hash[SHA256_HEX_SIZE];
  const int bot = (int)(b - w->bots);
  struct buf pack;
  buf_init(&pack, REPLAY_PACK_MAX);
  enum status st =
    replay_gather(store_reader(w->store, STORE_CONTROL), store_reader(w->store, STORE_JOURNAL), &(struct replay_wish){.bot_id = b->id, .to_ns = INT64_MAX}, &pack, &err);
  if (st == OK) st = replay_load(pack.data, pack.len, &loaded, &err);
  buf_finish(&pack);
  must(w, st, &err, "replay");
  st = replay_loaded_open(loaded, NULL, &config, &err);
  if (st == OK) st = replay_run(&config, &r, &err);
  if (st != OK) violation(w, "bot %d cannot be replayed: %s", bot, err.msg);
  w->did.replays++;
  if (!r.same) (void)!journal_scan(store_reader(w->store, STORE_JOURNAL), 0, b->id, show_record, &r.at_ns, &err);
  if (!r.same) violation(w, "bot %d, replayed, differs at %" PRId64 ": %s instead of %s (%s)", bot, r.at_ns, r.got, r.expected, r.failure);
  clerk_hash(l->clerk, hash);
  if (strcmp(hash, r.hash) != 0) violation(w, "bot %d, replayed, has another event hash", bot);
  replay_result_finish(&r);
  replay_loaded_destroy(loaded);
}

static void check_alive(struct world *w, const struct world_bot *b, const struct live_bot *l) {
  const int bot = (int)(b - w->bots);
  struct hub_venue_status venue;
  if (!l || l->life.wanted != LIFE_WANT_RUNNING) return;
  const enum life_state s = l->life.state;
  if (s == LIFE_PAUSED && l->life.reason == LIFE_WHY_JOURNAL) {  // "start it to go on"
    if (!l->clerk && !l->bookless) violation(w, "bot %d has no books since its journal was refused, and nobody opens them", bot);
    return;
  }
  if (s == LIFE_RETIRED || s == LIFE_RETRYING || s == LIFE_DEAD || (s == LIFE_STARTING && w->bots[bot].script == 3)) return;  // its script fails
  if (s != LIFE_RUNNING) violation(w, "bot %d is wanted and, with nothing wrong any more, is %s (%s)", bot, life_state_text(s), life_reason_code(l->life.reason));
  if (!l->clerk || !l->opened) violation(w, "bot %d says it runs, and its script is not open", bot);
  hub_venue_status(w->live->hub, l->venue, &venue);
  const int64_t since_ns = clerk_now(l->clerk) > l->run_from_ns ? clerk_now(l->clerk) : l->run_from_ns;  // a market stands still while a clock that was set back catches up
  if (since_ns < venue.time_ns - 30 * NS_PER_MINUTE)  // the market has outages
    violation(w, "bot %d stands still since %" PRId64 " s of its market", bot, (venue.time_ns - since_ns) / NS_PER_S);
}

void check_end(struct world *w) {
  for (int i = 0; i < 20000 && !is_quiet(w); i++) world_run(w, 1000000);
  if (!is_quiet(w)) violation(w, "it does not come to rest");
  check_now(w);
  check_all(w, true);
  for (int i = 0; i < w->bot_count; i++) {
    const struct world_bot *b = &w->bots[i];
    const struct live_bot *l = live_of(w, b);
    check_alive(w, b, l);
    if (!l || !l->clerk || !l->told_run) continue;
    check_sums(w, b, l);
    check_replay(w, b, l);
  }
  w->did.divergences += live_stats(w->live).divergences;
}

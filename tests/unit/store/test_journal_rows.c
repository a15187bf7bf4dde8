// tests/unit/store/test_journal_rows.c – the journal in a real database file: what was appended is read back in order, nothing is
// journalled twice, nobody sees another tenant's rows, old runs go without taking anything that is needed.
#include "store/journal_rows.h"

#include "store/db.h"
#include "store/store.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

#define T0 (INT64_C(1600000000) * NS_PER_S / NS_PER_DAY * NS_PER_DAY)
#define HOUR_NS (3600 * NS_PER_S)
#define TENANT 7
#define BOT 100

static struct store *store;
static struct db *db;
static struct err err;
static char dir[40];

static int open_store(void **state) {
  (void)state;
  strcpy(dir, "/tmp/perigee-journal-XXXXXX");
  if (!mkdtemp(dir) || store_open(dir, &(struct store_options){NULL}, &store, &err) != OK) return 1;
  db = store_reader(store, STORE_JOURNAL);
  return 0;
}
static int close_store(void **state) {
  (void)state;
  store_close(store);
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  return system(command);
}

static enum status append(struct journal_batch b) { return store_write_sync(store, STORE_JOURNAL, journal_append, &b, &err); }
static struct journal_record record(int64_t bot, uint32_t run, int64_t time_ns, const char *body) {
  return (struct journal_record){.bot_id = bot, .tenant_id = TENANT, .run = run, .kind = 3, .time_ns = time_ns, .body = body, .len = strlen(body)};
}
static enum status append_record(struct journal_record r) { return append((struct journal_batch){.records = &r, .record_count = 1}); }
static void open_run(int64_t bot, uint32_t run, int64_t clock_ns) {
  struct journal_record r = record(bot, run, T0, "open");
  r.opens = true, r.clock_ns = clock_ns, r.bars_from_ns = T0 - HOUR_NS, r.kind = 1;
  assert_int_equal(append_record(r), OK);
}
static void close_run(int64_t bot, uint32_t run, int64_t clock_ns) {
  struct journal_record r = record(bot, run, T0, "close");
  r.closes = true, r.clock_ns = clock_ns, r.kind = 9;
  assert_int_equal(append_record(r), OK);
}

// Everything that a callback was told, as one text.
static char told[4096];
static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  const size_t used = strlen(told);
  vsnprintf(told + used, sizeof told - used, format, ap);
  va_end(ap);
}
static bool on_record(void *arg, const struct journal_record *r) {
  int *most = arg;
  tell("%d/%u:%.*s ", (int)r->bot_id, r->run, (int)r->len, (const char *)r->body);
  return !most || --*most > 0;
}
static const char *scan(int64_t after, int64_t bot, int *most) {
  told[0] = '\0';
  assert_int_equal(journal_scan(db, after, bot, on_record, most, &err), OK);
  return told;
}

static void test_records_come_back_in_order(void **state) {
  (void)state;
  open_run(1, 1, T0);
  open_run(2, 1, T0);
  struct journal_record r[] = {record(1, 1, T0, "a"), record(2, 1, T0, "b"), record(1, 1, T0 + 1, ""), record(2, 1, T0 + 1, "d")};
  assert_int_equal(append((struct journal_batch){.records = r, .record_count = 4}), OK);
  assert_true(r[0].id < r[1].id && r[1].id < r[2].id && r[2].id < r[3].id);
  assert_string_equal(scan(0, 0, NULL), "1/1:open 2/1:open 1/1:a 2/1:b 1/1: 2/1:d ");
  assert_string_equal(scan(r[1].id, 0, NULL), "1/1: 2/1:d ");  // goes on after an id
  assert_string_equal(scan(0, 2, NULL), "2/1:open 2/1:b 2/1:d ");
  int most = 2;
  assert_string_equal(scan(0, 0, &most), "1/1:open 2/1:open ");  // enough
  int64_t id;
  assert_int_equal(journal_last_id(db, &id, &err), OK);
  assert_int_equal(id, r[3].id);
  assert_int_equal(journal_bot_last_id(db, 1, &id, &err), OK);
  assert_int_equal(id, r[2].id);
  assert_int_equal(journal_bot_last_id(db, 99, &id, &err), OK);
  assert_int_equal(id, 0);
}

static void test_nothing_is_journalled_twice(void **state) {
  (void)state;
  open_run(BOT, 1, T0);
  struct journal_record first = record(BOT, 1, T0, "buy"), other[] = {record(BOT, 1, T0 + 1, "x"), record(BOT, 1, T0 + 1, "again")};
  first.intent = other[1].intent = 5;
  assert_int_equal(append_record(first), OK);
  assert_int_equal(append((struct journal_batch){.records = other, .record_count = 2}), ERR_EXISTS);
  assert_non_null(strstr(err.msg, "intent 5"));
  assert_string_equal(scan(0, 0, NULL), "100/1:open 100/1:buy ");  // all of a batch or nothing
  open_run(BOT + 1, 1, T0);
  struct journal_record elsewhere = record(BOT + 1, 1, T0, "buy");
  elsewhere.intent = 5;
  assert_int_equal(append_record(elsewhere), OK);  // of another bot
}

static void test_runs(void **state) {
  (void)state;
  struct journal_record r = record(BOT, 1, T0, "x");
  assert_int_equal(append_record(r), ERR_INVALID);  // of no run
  open_run(BOT, 1, T0 + 5);
  struct journal_record again = record(BOT, 1, T0, "again");
  again.opens = true;
  assert_int_equal(append_record(again), ERR_EXISTS);
  int64_t after;
  assert_int_equal(journal_scan_from(db, &after, &err), OK);
  assert_int_equal(after, 0);
  close_run(BOT, 1, T0 + 9);
  assert_int_equal(append_record(r), ERR_INVALID);  // it is closed
  open_run(BOT, 2, T0 + 10);
  assert_int_equal(journal_scan_from(db, &after, &err), OK);
  assert_string_equal(scan(after, 0, NULL), "100/2:open ");  // what is closed need not be read
  struct journal_run run;
  assert_int_equal(journal_run_last(db, TENANT, BOT, &run, &err), OK);
  assert_int_equal(run.run, 2);
  assert_int_equal(run.last_id, 0);
  assert_int_equal(run.opened_ns, T0 + 10);
  assert_int_equal(run.bars_from_ns, T0 - HOUR_NS);
  assert_int_equal(journal_run_last(db, TENANT + 1, BOT, &run, &err), ERR_NOTFOUND);
  assert_int_equal(journal_run_last(db, 0, BOT, &run, &err), OK);
}

static struct journal_series series(uint32_t id, const char *symbol) {
  struct journal_series s = {.id = id, .venue = "sim", .terms = {.timeframe_ns = NS_PER_MINUTE, .volume_scale = 3, .price_scale = 2}};
  s.terms.inst = (struct instrument){.tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}, .tick_step = 1, .lot_step = 1, .min_qty = {5}};
  snprintf(s.terms.inst.symbol, sizeof s.terms.inst.symbol, "%s", symbol);
  assert_int_equal(instrument_finish(&s.terms.inst, &err), OK);
  return s;
}
static struct journal_bar bar(uint32_t id, int i, int64_t close) {
  return (struct journal_bar){id, {.open_ns = T0 + i * NS_PER_MINUTE, .open = {close}, .high = {close + 2}, .low = {close - 3}, .close = {close}, .volume = -1}};
}
static size_t count_bars(uint32_t id, int64_t from_ns, int64_t to_ns, size_t limit) {
  struct series s = {0};
  assert_int_equal(journal_bars(db, id, from_ns, to_ns, limit, &s, &err), OK);
  const size_t n = s.count;
  for (size_t i = 1; i < n; i++) assert_true(s.bars[i - 1].open_ns < s.bars[i].open_ns);
  series_finish(&s);
  return n;
}

static void test_series_and_bars(void **state) {
  (void)state;
  struct journal_series two[] = {series(1, "BTCUSDT"), series(2, "ETHUSDT")}, other = series(1, "SOLUSDT"), back;
  struct journal_bar bars[] = {bar(1, 0, 100), bar(2, 0, 10), bar(1, 1, 101), bar(1, 2, 102)};
  struct journal_batch b = {.series = two, .series_count = 2, .bars = bars, .bar_count = 4};
  assert_int_equal(append(b), OK);
  assert_int_equal(append(b), OK);  // the same again: another host has seen it too
  struct journal_bar changed = bar(1, 1, 999), orphan = bar(3, 0, 1);
  assert_int_equal(append((struct journal_batch){.bars = &changed, .bar_count = 1}), ERR_EXISTS);
  assert_int_equal(append((struct journal_batch){.bars = &orphan, .bar_count = 1}), ERR_NOTFOUND);
  assert_int_equal(append((struct journal_batch){.series = &other, .series_count = 1}), ERR_EXISTS);
  assert_int_equal(journal_series_get(db, 2, &back, &err), OK);
  assert_string_equal(back.terms.inst.symbol, "ETHUSDT");
  assert_string_equal(back.venue, "sim");
  assert_int_equal(back.terms.inst.min_qty.lots, 5);
  assert_true(back.terms.inst.tick_double == 0.01 && back.terms.volume_scale == 3);
  assert_int_equal(journal_series_get(db, 9, &back, &err), ERR_NOTFOUND);
  assert_int_equal(count_bars(1, 0, INT64_MAX, 0), 3);
  assert_int_equal(count_bars(1, T0 + NS_PER_MINUTE, T0 + 2 * NS_PER_MINUTE, 0), 1);
  assert_int_equal(count_bars(1, 0, INT64_MAX, 2), 2);
}

static void on_state(void *arg, const struct journal_state *s) {
  (void)arg;
  tell("%d/%u v%u n%u %.*s ", (int)s->bot_id, s->run, s->version, s->resumes, (int)s->len, (const char *)s->body);
}
static void test_the_latest_state_is_kept(void **state) {
  (void)state;
  struct journal_state s[] = {{.bot_id = BOT, .tenant_id = TENANT, .run = 1, .version = 1, .time_ns = T0, .body = "{}", .len = 2},
    {.bot_id = BOT, .tenant_id = TENANT, .run = 1, .version = 2, .resumes = 3, .time_ns = T0 + 1, .body = "{\"n\":1}", .len = 7}};
  assert_int_equal(append((struct journal_batch){.states = s, .state_count = 2}), OK);
  told[0] = '\0';
  assert_int_equal(journal_states(db, on_state, NULL, &err), OK);
  assert_string_equal(told, "100/1 v2 n3 {\"n\":1} ");
  assert_int_equal(journal_state_get(db, BOT + 1, on_state, NULL, &err), ERR_NOTFOUND);
}

// ---- pages

static void on_order(void *arg, const struct journal_order *o) {
  (void)arg;
  tell("%d%s%s ", (int)o->order, o->ended_ns ? "" : "*", o->tag);
}
static void on_fill(void *arg, const struct journal_fill *f) {
  (void)arg;
  tell("%d:%d@%d%s ", (int)f->number, (int)f->qty.lots, (int)f->px.ticks, f->maker ? "m" : "");
}
static void on_trade(void *arg, const struct journal_trade *t) {
  (void)arg;
  tell("%d:%d %s>%s ", (int)t->number, (int)t->pnl.e8, t->tag, t->exit_tag);
}
static void on_log(void *arg, const struct journal_log *l) {
  (void)arg;
  tell("%d:%.*s ", (int)l->number, (int)l->len, l->text);
}
#define PAGE(call) (told[0] = '\0', assert_int_equal(call, OK), (const char *)told)

static void test_pages(void **state) {
  (void)state;
  struct journal_order orders[4];
  struct journal_fill fills[3];
  struct journal_trade trade = {.bot_id = BOT, .tenant_id = TENANT, .run = 1, .series = 1, .direction = 1, .qty = {5}, .pnl = {-77}, .tag = "in", .exit_tag = "sl"};
  struct journal_log logs[] = {{.bot_id = BOT, .tenant_id = TENANT, .run = 1, .level = 1, .text = "hello", .len = 5},
    {.bot_id = BOT, .tenant_id = TENANT, .run = 1, .level = 3, .text = "trouble", .len = 7}, {.bot_id = BOT, .tenant_id = TENANT, .run = 1, .text = "debug", .len = 5}};
  for (int i = 0; i < 4; i++)
    orders[i] = (struct journal_order){.bot_id = BOT, .tenant_id = TENANT, .run = 1, .intent = (uint64_t)(1000 + i), .order = (uint64_t)i + 1, .series = 1, .side = 1,
      .limit = {NO_JOURNAL_PRICE_TICKS}, .ended_ns = i % 2 ? T0 : 0, .tag = "x"};
  for (int i = 0; i < 3; i++) fills[i] = (struct journal_fill){.bot_id = BOT, .tenant_id = TENANT, .run = 1, .qty = {i + 1}, .px = {50 + i}, .maker = i == 1};
  assert_int_equal(append((struct journal_batch){.orders = orders, .order_count = 4, .fills = fills, .fill_count = 3, .trades = &trade, .trade_count = 1, .logs = logs,
                     .log_count = 3}), OK);
  assert_string_equal(PAGE(journal_orders(db, TENANT, BOT, false, INT64_MAX, 3, on_order, NULL, &err)), "4x 3*x 2x ");
  assert_string_equal(PAGE(journal_orders(db, TENANT, BOT, false, 1001, 3, on_order, NULL, &err)), "1*x ");
  assert_string_equal(PAGE(journal_orders(db, TENANT, BOT, true, INT64_MAX, 9, on_order, NULL, &err)), "3*x 1*x ");
  orders[0].ended_ns = T0 + 1;  // as it is now
  assert_int_equal(append((struct journal_batch){.orders = orders, .order_count = 1}), OK);
  assert_string_equal(PAGE(journal_order_get(db, TENANT, BOT, 1000, on_order, NULL, &err)), "1x ");
  assert_int_equal(journal_order_get(db, TENANT, BOT, 4000, on_order, NULL, &err), ERR_NOTFOUND);
  assert_string_equal(PAGE(journal_fills(db, TENANT, BOT, INT64_MAX, 2, on_fill, NULL, &err)), "3:3@52 2:2@51m ");
  assert_string_equal(PAGE(journal_fills(db, TENANT, BOT, 2, 2, on_fill, NULL, &err)), "1:1@50 ");
  assert_string_equal(PAGE(journal_trades(db, TENANT, BOT, INT64_MAX, 9, on_trade, NULL, &err)), "1:-77 in>sl ");
  assert_string_equal(PAGE(journal_logs(db, TENANT, BOT, 1, INT64_MAX, 9, on_log, NULL, &err)), "2:trouble 1:hello ");
  // Another tenant finds nothing, whatever it asks for.
  assert_string_equal(PAGE(journal_orders(db, TENANT + 1, BOT, false, INT64_MAX, 9, on_order, NULL, &err)), "");
  assert_int_equal(journal_order_get(db, TENANT + 1, BOT, 1000, on_order, NULL, &err), ERR_NOTFOUND);
  assert_string_equal(PAGE(journal_fills(db, TENANT + 1, BOT, INT64_MAX, 9, on_fill, NULL, &err)), "");
  assert_string_equal(PAGE(journal_trades(db, TENANT + 1, BOT, INT64_MAX, 9, on_trade, NULL, &err)), "");
  assert_string_equal(PAGE(journal_logs(db, TENANT + 1, BOT, 0, INT64_MAX, 9, on_log, NULL, &err)), "");
}

static void test_decisions(void **state) {
  (void)state;
  open_run(BOT, 1, T0);
  struct journal_record r[5];
  static const char *const bodies[] = {"0", "1", "2", "3", "4"};
  for (int i = 0; i < 5; i++) {
    r[i] = record(BOT, 1, T0 + i / 2, bodies[i]);
    r[i].decision = i != 3;
    r[i].kind = i == 2 ? 7 : r[i].kind;
  }
  assert_int_equal(append((struct journal_batch){.records = r, .record_count = 5}), OK);
#define DECISIONS(tenant, from, to, before, limit) PAGE(journal_decisions(db, tenant, BOT, from, to, 0, before, limit, on_record, NULL, &err))
  assert_string_equal(DECISIONS(TENANT, 0, INT64_MAX, INT64_MAX, 3), "100/1:4 100/1:2 100/1:1 ");
  assert_string_equal(DECISIONS(TENANT, 0, INT64_MAX, r[1].id, 3), "100/1:0 ");
  assert_string_equal(DECISIONS(TENANT, T0 + 1, T0 + 2, INT64_MAX, 3), "100/1:2 ");
  assert_string_equal(PAGE(journal_decisions(db, TENANT, BOT, 0, INT64_MAX, 7, INT64_MAX, 3, on_record, NULL, &err)), "100/1:2 ");
  assert_string_equal(PAGE(journal_decisions(db, TENANT, BOT, 0, INT64_MAX, 8, INT64_MAX, 3, on_record, NULL, &err)), "");
  assert_string_equal(DECISIONS(TENANT + 1, 0, INT64_MAX, INT64_MAX, 3), "");
  assert_string_equal(DECISIONS(TENANT + 1, 0, INT64_MAX, r[4].id, 3), "");
}

// The plan of the statement that read them, as SQLite tells it; ret_steps: what it came to since the last time that this was asked.
static const char *plan_of(const char *part, int *ret_steps) {
  struct db_rows r;
  assert_int_equal(db_query(db, &r, &err, "SELECT 1", ""), OK);
  sqlite3 *handle = sqlite3_db_handle(r.stmt);
  assert_int_equal(db_end(&r, OK, &err), OK);
  sqlite3_stmt *found = NULL;
  while ((found = sqlite3_next_stmt(handle, found)) && !strstr(sqlite3_sql(found), part)) {}
  assert_non_null(found);
  *ret_steps = sqlite3_stmt_status(found, SQLITE_STMTSTATUS_VM_STEP, true);
  char sql[2000];
  snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", sqlite3_sql(found));
  told[0] = '\0';
  sqlite3_stmt *plan;
  assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &plan, NULL), SQLITE_OK);
  while (sqlite3_step(plan) == SQLITE_ROW) tell("%s; ", (const char *)sqlite3_column_text(plan, 3));
  sqlite3_finalize(plan);
  return told;
}

// A page of denials costs the same, however many orders there were between them; of another's there is none.
static void test_denials_among_many_orders(void **state) {
  (void)state;
  enum { N = 4000, DENY = 10 };
  static struct journal_record r[N];
  open_run(BOT, 1, T0);
  for (int i = 0; i < N; i++) {
    r[i] = record(BOT, 1, T0 + i / 2, i % 1000 ? "order" : (const char *[]){"0", "1", "2", "3"}[i / 1000]);
    r[i].decision = true;
    r[i].kind = i % 1000 ? 3 : DENY;
  }
  assert_int_equal(append((struct journal_batch){.records = r, .record_count = N}), OK);
#define DENIALS(tenant, from, to, before) PAGE(journal_decisions(db, tenant, BOT, from, to, DENY, before, 3, on_record, NULL, &err))
  assert_string_equal(DENIALS(TENANT, 0, INT64_MAX, INT64_MAX), "100/1:3 100/1:2 100/1:1 ");
  int steps;
  assert_string_equal(plan_of("record_of_kind", &steps), "SEARCH r USING INDEX record_of_kind (bot_id=? AND kind=? AND time_ns>? AND time_ns<?); SEARCH d USING PRIMARY KEY (bot_id=? AND time_ns=? AND record_id=?); ");
  assert_in_range(steps, 1, 300);
  assert_string_equal(DENIALS(TENANT, 0, INT64_MAX, r[1000].id), "100/1:0 ");
  assert_string_equal(DENIALS(TENANT, T0 + 1, T0 + 1500, INT64_MAX), "100/1:2 100/1:1 ");
  assert_string_equal(DENIALS(TENANT + 1, 0, INT64_MAX, INT64_MAX), "");
  // Orders are found on the way, not by that index.
  assert_string_equal(PAGE(journal_decisions(db, TENANT, BOT, 0, INT64_MAX, 3, r[2].id, 3, on_record, NULL, &err)), "100/1:order ");
  for (int often = 0; often < 4; often++)
    assert_string_equal(PAGE(journal_decisions(db, TENANT, BOT, 0, INT64_MAX, (const int[]){5, 15, 17, 18}[often], INT64_MAX, 3, on_record, NULL, &err)), "");
}

// ---- caps

static void test_logs_and_orders_are_capped(void **state) {
  (void)state;
  enum { N = 3000 };
  static struct journal_log logs[N];
  static struct journal_order orders[N];
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < N; i++) {
      logs[i] = (struct journal_log){.bot_id = BOT, .tenant_id = TENANT, .run = 1, .text = "x", .len = 1};
      orders[i] = (struct journal_order){.bot_id = BOT, .tenant_id = TENANT, .run = 1, .intent = (uint64_t)(round * N + i + 1), .ended_ns = i == 5 && round == 0 ? 0 : 1};
    }
    assert_int_equal(append((struct journal_batch){.logs = logs, .log_count = N, .orders = orders, .order_count = N}), OK);
  }
  struct db_rows rows;
  assert_int_equal(db_query(db, &rows, &err, "SELECT (SELECT count(*) FROM bot_log), (SELECT min(n) FROM bot_log), (SELECT count(*) FROM bot_order), (SELECT min(intent) FROM bot_order)", ""), OK);
  assert_true(db_next(&rows));
  assert_int_equal(db_int(&rows, 0), JOURNAL_LOGS_MAX);
  assert_int_equal(db_int(&rows, 1), 4 * N - JOURNAL_LOGS_MAX + 1);
  assert_in_range(db_int(&rows, 2), JOURNAL_ORDERS_MAX, JOURNAL_ORDERS_MAX + 256 + 1);
  assert_int_equal(db_int(&rows, 3), 6);  // it still works, so it stays
  assert_int_equal(db_end(&rows, OK, &err), OK);
}

struct curve {
  int points;
  int64_t last_ns, last, lowest, highest;
};
static void on_point(void *arg, const struct journal_point *p) {
  struct curve *c = arg;
  assert_true(p->time_ns > c->last_ns && p->lowest.e8 <= p->equity.e8 && p->equity.e8 <= p->highest.e8);
  c->points++;
  c->last_ns = p->time_ns;
  c->last = p->equity.e8;
  if (p->lowest.e8 < c->lowest) c->lowest = p->lowest.e8;
  if (p->highest.e8 > c->highest) c->highest = p->highest.e8;
}
static struct curve curve(int64_t tenant, uint32_t run, int64_t from_ns, int64_t to_ns, int points) {
  struct curve c = {.lowest = INT64_MAX, .highest = INT64_MIN};
  assert_int_equal(journal_equity(db, tenant, BOT, run, from_ns, to_ns, points, on_point, &c, &err), OK);
  return c;
}

// Ten days of minutes: more than are kept, so the first days are told by their hours, with the dip of one minute.
static void test_equity(void **state) {
  (void)state;
  enum { DAY = 1440, DAYS = 10 };
  static struct journal_mark marks[DAY];
  for (int d = 0; d < DAYS; d++) {
    for (int i = 0; i < DAY; i++) {
      const int64_t equity = d == 1 && i == 700 ? 5 : 1000 + d * DAY + i;
      marks[i] = (struct journal_mark){.bot_id = BOT, .tenant_id = TENANT, .run = 2, .time_ns = T0 + (d * DAY + i) * NS_PER_MINUTE, .equity = {equity}, .balance = {equity}};
    }
    assert_int_equal(append((struct journal_batch){.marks = marks, .mark_count = DAY}), OK);
  }
  const int64_t end = 1000 + DAYS * DAY - 1;
  struct curve c = curve(TENANT, 0, INT64_MIN, INT64_MAX, 50);
  assert_in_range(c.points, 45, 50);
  assert_int_equal(c.last, end);
  assert_int_equal(c.lowest, 5);
  assert_int_equal(c.highest, end);
  c = curve(TENANT, 2, INT64_MIN, INT64_MAX, 5);  // by days, and the day that has not ended
  assert_int_equal(c.points, 5);
  assert_int_equal(c.last, end);
  assert_int_equal(c.lowest, 5);
  c = curve(TENANT, 2, T0 + 9 * NS_PER_DAY, INT64_MAX, JOURNAL_POINTS_MAX);  // every minute of the last day
  assert_int_equal(c.points, DAY);
  c = curve(TENANT, 2, T0, T0 + NS_PER_DAY, JOURNAL_POINTS_MAX);  // the first is told by hours
  assert_int_equal(c.points, 24);
  assert_int_equal(curve(TENANT, 1, INT64_MIN, INT64_MAX, 50).points, 0);
  assert_int_equal(curve(TENANT + 1, 0, INT64_MIN, INT64_MAX, 50).points, 0);
}

// ---- keeping

static void prune(int64_t before_ns, int64_t records, int64_t bars) {
  struct journal_prune p = {.before_ns = before_ns, .step_rows = 3};
  for (int steps = 0; !p.finished; steps++) {
    assert_true(steps < 100);
    assert_int_equal(store_write_sync(store, STORE_JOURNAL, journal_prune, &p, &err), OK);
  }
  assert_int_equal(p.records, records);
  assert_int_equal(p.bars, bars);
}
static void on_fault(void *arg, const char *fault) {
  (void)arg;
  tell("%s\n", fault);
}
static const char *check(void) { return PAGE(journal_check(db, on_fault, NULL, &err)); }

static void test_old_runs_are_forgotten(void **state) {
  (void)state;
  struct journal_series s = series(1, "BTCUSDT");
  static struct journal_bar bars[200];
  for (int i = 0; i < 200; i++) bars[i] = bar(1, i - 100, 100 + i);
  assert_int_equal(append((struct journal_batch){.series = &s, .series_count = 1, .bars = bars, .bar_count = 200}), OK);
  open_run(1, 1, T0);
  open_run(2, 1, T0);
  for (int i = 0; i < 10; i++) {
    struct journal_record r[] = {record(1, 1, T0 + i, "old"), record(2, 1, T0 + i, "lives")};
    r[0].decision = r[1].decision = true;
    r[0].intent = (uint64_t)i + 1;
    assert_int_equal(append((struct journal_batch){.records = r, .record_count = 2}), OK);
  }
  close_run(1, 1, T0 + 100);
  int64_t last, now;
  assert_int_equal(journal_last_id(db, &last, &err), OK);
  assert_string_equal(check(), "");
  prune(T0 + 100, 0, 40);  // nothing is old enough; bars before anything that a run needs (an hour before T0)
  prune(T0 + 101, 12, 0);
  assert_string_equal(check(), "");
  assert_null(strstr(scan(0, 0, NULL), "old"));
  assert_non_null(strstr(scan(0, 0, NULL), "lives"));
  assert_string_equal(PAGE(journal_decisions(db, TENANT, 1, 0, INT64_MAX, 0, INT64_MAX, 99, on_record, NULL, &err)), "");
  assert_int_equal(journal_last_id(db, &now, &err), OK);
  assert_int_equal(now, last);  // though that record is gone, its id is not used again
  struct journal_run run;
  assert_int_equal(journal_run_last(db, TENANT, 1, &run, &err), OK);  // so that the next has another number
  assert_int_equal(run.run, 1);
  open_run(1, 2, T0);
  assert_string_equal(check(), "");
}

// Damages, looks, and is undone.
static enum status damage(struct db *writer, void *sql, struct err *e) {
  enum status st = db_script(writer, sql, e);
  told[0] = '\0';
  if (st == OK) st = journal_check(writer, on_fault, NULL, e);
  return st == OK ? ERR_CANCELLED : st;
}

static void test_damage_is_found(void **state) {
  (void)state;
  open_run(1, 1, T0);
  struct journal_record r = record(1, 1, T0, "x");
  r.decision = true;
  assert_int_equal(append_record(r), OK);
  assert_string_equal(check(), "");
  static char wrong[][100] = {"INSERT INTO record (bot_id, run, time_ns, kind, body) VALUES (9, 9, 1, 1, x'')", "DELETE FROM record WHERE id = 1",
    "DELETE FROM record WHERE id = 2", "UPDATE run SET last_id = 1"};
  static const char *const found[] = {"1 records of no run, the first 3", "1 runs without their first record", "1 decisions without their record", "1 records outside their run"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(store_write_sync(store, STORE_JOURNAL, damage, wrong[i], &err), ERR_CANCELLED);
    assert_non_null(strstr(told, found[i]));
    assert_string_equal(check(), "");
  }
}

static void test_a_bot_is_erased(void **state) {
  (void)state;
  for (int64_t bot = 1; bot <= 2; bot++) {
    open_run(bot, 1, T0);
    for (int i = 0; i < 5; i++) {
      struct journal_record r = record(bot, 1, T0 + i, "secret");
      struct journal_log l = {.bot_id = bot, .tenant_id = TENANT, .run = 1, .text = "secret", .len = 6};
      struct journal_mark m = {.bot_id = bot, .tenant_id = TENANT, .run = 1, .time_ns = T0 + i};
      r.decision = true;
      assert_int_equal(append((struct journal_batch){.records = &r, .record_count = 1, .logs = &l, .log_count = 1, .marks = &m, .mark_count = 1}), OK);
    }
    close_run(bot, 1, T0);
  }
  for (int64_t tenant = TENANT + 1; tenant >= TENANT; tenant--) {  // first as somebody else
    struct journal_erase e = {.tenant_id = tenant, .bot_id = 2};
    for (int steps = 0; !e.finished; steps++) {
      assert_true(steps < 100);
      assert_int_equal(store_write_sync(store, STORE_JOURNAL, journal_erase, &e, &err), OK);
    }
    const bool mine = tenant == TENANT;
    assert_int_equal(strstr(scan(0, 2, NULL), "secret") == NULL, mine);
    assert_int_equal(PAGE(journal_logs(db, TENANT, 2, 0, INT64_MAX, 99, on_log, NULL, &err))[0] == '\0', mine);
  }
  assert_non_null(strstr(scan(0, 1, NULL), "secret"));
  assert_string_equal(check(), "");
  int64_t id;
  assert_int_equal(journal_last_id(db, &id, &err), OK);
  assert_int_equal(id, 14);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)
int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_records_come_back_in_order), TEST(test_nothing_is_journalled_twice), TEST(test_runs), TEST(test_series_and_bars),
    TEST(test_the_latest_state_is_kept), TEST(test_pages), TEST(test_decisions), TEST(test_denials_among_many_orders), TEST(test_logs_and_orders_are_capped), TEST(test_equity), TEST(test_old_runs_are_forgotten),
    TEST(test_damage_is_found), TEST(test_a_bot_is_erased)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

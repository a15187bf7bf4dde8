// Market history in a real database file: what was imported is read back, overlaps are merged or refused, units go together,
// damage is noticed, an import that fails leaves nothing.
#include "store/market_rows.h"

#include "market/segment.h"
#include "store/db.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

#define NOW_NS (INT64_C(1700000000) * NS_PER_S)
#define T0 (INT64_C(1600000000) * NS_PER_S / NS_PER_MINUTE * NS_PER_MINUTE)

static struct store *store;
static char dir[] = "/tmp/perigee-market-XXXXXX";

static int open_store(void **state) {
  (void)state;
  struct err err;
  strcpy(dir, "/tmp/perigee-market-XXXXXX");
  if (!mkdtemp(dir)) return 1;
  return store_open(dir, &(struct store_options){NULL}, &store, &err) != OK;
}
static int close_store(void **state) {
  (void)state;
  store_close(store);
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  return system(command);
}

// Bars [from, to) of an endless walk: the same bar has the same values in every series made of it.
static struct series walk(int from, int to, struct decimal tick, int64_t factor) {
  struct err err;
  struct series s = {.timeframe_ns = NS_PER_MINUTE, .volume_scale = 2, .price_scale = tick.scale};
  s.inst = (struct instrument){.symbol = "BTCUSDT", .tick = tick, .lot = {1, 2}, .multiplier = {1, 0}};
  assert_int_equal(instrument_finish(&s.inst, &err), OK);
  for (int i = from; i < to; i++) {
    int64_t px = (10000 + i * 7919 % 1000) * factor;
    struct bar b = {.open_ns = T0 + i * NS_PER_MINUTE, .open = {px}, .high = {px + 9 * factor}, .low = {px - 5 * factor}, .close = {px + (i % 5) * factor}, .volume = i % 100};
    assert_int_equal(series_append(&s, &b, &err), OK);
  }
  return s;
}
static struct series plain(int from, int to) { return walk(from, to, (struct decimal){1, 2}, 1); }

struct call {
  struct market_import in;
  struct market_import_report report;
};
static enum status do_import(struct db *db, void *arg, struct err *err) {
  struct call *c = arg;
  return market_import(db, &c->in, &c->report, err);
}
static enum status import(struct series *s, bool repair, struct market_import_report *ret, struct err *err) {
  struct call c = {.in = {.venue = "binance", .series = s, .repair = repair, .now_ns = NOW_NS}};
  enum status st = store_write_sync(store, STORE_MARKET, do_import, &c, err);
  *ret = c.report;
  series_finish(s);
  return st;
}
static struct db *reader(void) { return store_reader(store, STORE_MARKET); }

static struct market_row found(void) {
  struct market_row m;
  struct err err;
  if (market_find(reader(), "binance", "BTCUSDT", NS_PER_MINUTE, &m, &err) != OK) fail_msg("%s", err.msg);
  return m;
}
static void assert_range(int64_t from_ns, int64_t to_ns, size_t limit, int first, size_t count) {
  struct err err;
  struct series s, want = plain(first, first + (int)count);
  struct market_row m = found();
  if (market_read(reader(), &m, from_ns, to_ns, limit, &s, &err) != OK) fail_msg("%s", err.msg);
  assert_int_equal(s.count, count);
  int64_t factor = pow10_i64(s.inst.tick.scale - 2);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(s.bars[i].open_ns, want.bars[i].open_ns);
    assert_int_equal(s.bars[i].close.ticks, want.bars[i].close.ticks * factor);
    assert_int_equal(s.bars[i].volume, want.bars[i].volume * pow10_i64(s.volume_scale - 2));
  }
  series_finish(&s);
  series_finish(&want);
}

static void comes_back_in_ranges(void **state) {
  (void)state;
  struct err err;
  struct market_import_report rep;
  struct series s = plain(0, 10000);
  assert_int_equal(import(&s, false, &rep, &err), OK);
  assert_true(rep.created);
  assert_int_equal(rep.added, 10000);
  struct market_row m = found();
  assert_int_equal(m.bars, 10000);
  assert_int_equal(m.first_ns, T0);
  assert_int_equal(m.last_ns, T0 + 9999 * NS_PER_MINUTE);
  assert_int_equal(m.updated_ns, NOW_NS);
  assert_range(INT64_MIN, INT64_MAX, 0, 0, 10000);
  assert_range(T0 + 5 * NS_PER_MINUTE, T0 + 9 * NS_PER_MINUTE, 0, 5, 4);
  assert_range(T0 + 5 * NS_PER_MINUTE + 1, INT64_MAX, 10, 6, 10);
  assert_range(T0 + 4000 * NS_PER_MINUTE, T0 + 7000 * NS_PER_MINUTE, 0, 4000, 3000);
  assert_range(T0 + 9999 * NS_PER_MINUTE + 1, INT64_MAX, 500, 0, 0);
  // pages of 777 by cursor visit every bar once
  size_t seen = 0;
  for (int64_t from = INT64_MIN; ;) {
    struct series page;
    assert_int_equal(market_read(reader(), &m, from, INT64_MAX, 777, &page, &err), OK);
    seen += page.count;
    if (page.count) from = page.bars[page.count - 1].open_ns + 1;
    bool last = page.count < 777;
    series_finish(&page);
    if (last) break;
  }
  assert_int_equal(seen, 10000);
}

static void packed_for_jobs(void **state) {
  (void)state;
  struct err err;
  struct market_import_report rep;
  struct series s = plain(0, 9000), back;
  assert_int_equal(import(&s, false, &rep, &err), OK);
  struct market_row m = found();
  struct buf b;
  buf_init(&b, 1 << 24);
  assert_int_equal(market_pack(reader(), &m, T0 + 5000 * NS_PER_MINUTE, T0 + 5010 * NS_PER_MINUTE, &b, &err), OK);
  assert_int_equal(series_unpack(b.data, b.len, &back, &err), OK);
  assert_string_equal(back.inst.symbol, "BTCUSDT");
  assert_in_range(back.count, 10, 4096);
  assert_true(back.bars[0].open_ns <= T0 + 5000 * NS_PER_MINUTE && back.bars[back.count - 1].open_ns >= T0 + 5009 * NS_PER_MINUTE);
  series_finish(&back);
  buf_finish(&b);
}

static void overlaps(void **state) {
  (void)state;
  struct err err;
  struct market_import_report rep;
  struct series s = plain(100, 5000);
  assert_int_equal(import(&s, false, &rep, &err), OK);
  s = plain(0, 6000);  // the same and more, on both sides
  assert_int_equal(import(&s, false, &rep, &err), OK);
  assert_false(rep.created);
  assert_int_equal(rep.added, 1100);
  assert_int_equal(rep.same, 4900);
  assert_int_equal(rep.replaced, 0);
  assert_range(INT64_MIN, INT64_MAX, 0, 0, 6000);
  // a bar that differs, beside new ones: refused, and nothing of it is kept
  s = plain(4000, 9000);
  s.bars[10].close.ticks++;
  assert_int_equal(import(&s, false, &rep, &err), ERR_EXISTS);
  assert_non_null(strstr(err.msg, "--repair"));
  assert_int_equal(found().bars, 6000);
  assert_range(INT64_MIN, INT64_MAX, 0, 0, 6000);
  s = plain(4000, 9000);
  s.bars[10].high.ticks += 100;
  assert_int_equal(import(&s, true, &rep, &err), OK);
  assert_int_equal(rep.replaced, 1);
  assert_int_equal(rep.added, 3000);
  assert_int_equal(found().bars, 9000);
  // an unknown volume contradicts none, and a known one fills it in
  s = plain(0, 10);
  for (int i = 0; i < 10; i++) s.bars[i].volume = -1;
  assert_int_equal(import(&s, false, &rep, &err), OK);
  assert_int_equal(rep.same, 10);
  assert_range(T0, T0 + 10 * NS_PER_MINUTE, 0, 0, 10);
}

static void units_go_together(void **state) {
  (void)state;
  struct err err;
  struct market_import_report rep;
  struct series s = plain(0, 3000);
  assert_int_equal(import(&s, false, &rep, &err), OK);
  s = walk(2000, 4000, (struct decimal){1, 4}, 100);  // finer tick, the same prices
  assert_int_equal(import(&s, false, &rep, &err), OK);
  assert_int_equal(rep.same, 1000);
  assert_int_equal(rep.added, 1000);
  assert_int_equal(found().inst.tick.scale, 4);
  assert_range(INT64_MIN, INT64_MAX, 0, 0, 4000);
  s = plain(3500, 5000);  // and a coarser one again
  s.volume_scale = 3;
  for (size_t i = 0; i < s.count; i++) s.bars[i].volume *= 10;
  assert_int_equal(import(&s, false, &rep, &err), OK);
  assert_int_equal(rep.same, 500);
  assert_range(INT64_MIN, INT64_MAX, 0, 0, 5000);
  s = plain(0, 10);
  s.inst.multiplier = (struct decimal){5, 0};
  assert_int_equal(import(&s, false, &rep, &err), ERR_INVALID);
}

static void bad_input_is_refused(void **state) {
  (void)state;
  struct err err;
  struct market_import_report rep;
  struct series s = plain(0, 10);
  struct call c = {.in = {.venue = "no/good", .series = &s}};
  assert_int_equal(store_write_sync(store, STORE_MARKET, do_import, &c, &err), ERR_INVALID);
  series_finish(&s);
  s = plain(0, 10);
  s.timeframe_ns = NS_PER_DAY;  // minutes called days
  assert_int_equal(import(&s, false, &rep, &err), ERR_INVALID);
  s = plain(0, 0);
  assert_int_equal(import(&s, false, &rep, &err), ERR_INVALID);
  struct market_row m;
  assert_int_equal(market_find(reader(), NULL, "BTCUSDT", NS_PER_MINUTE, &m, &err), ERR_NOTFOUND);
}

static enum status spoil(struct db *db, void *arg, struct err *err) {
  (void)arg;
  return db_run(db, NULL, err, "UPDATE segments SET body = zeroblob(length(body)) WHERE id = (SELECT min(id) FROM segments)", "");
}

static void damage_is_noticed(void **state) {
  (void)state;
  struct err err;
  struct market_import_report rep;
  struct series s = plain(0, 10000), out;
  assert_int_equal(import(&s, false, &rep, &err), OK);
  struct market_row m = found();
  assert_int_equal(store_write_sync(store, STORE_MARKET, spoil, NULL, &err), OK);
  assert_int_equal(market_read(reader(), &m, INT64_MIN, INT64_MAX, 0, &out, &err), ERR_INVALID);
  assert_int_equal(market_read(reader(), &m, T0 + 8000 * NS_PER_MINUTE, INT64_MAX, 0, &out, &err), OK);  // the rest is fine
  series_finish(&out);
}

static bool stop_soon(void *self, size_t done, size_t total) {
  (void)total;
  (void)done;
  return ++*(int *)self < 3;
}
static void count_rows(void *arg, const struct market_row *m) {
  assert_int_equal(m->timeframe_ns, NS_PER_MINUTE);
  ++*(int *)arg;
}
static enum status do_delete(struct db *db, void *arg, struct err *err) { return market_delete(db, *(int64_t *)arg, err); }

static void cancelled_listed_deleted(void **state) {
  (void)state;
  struct err err;
  int calls = 0, rows = 0;
  struct series s = plain(0, 20000);
  struct call c = {.in = {.venue = "a", .series = &s, .progress = stop_soon, .progress_self = &calls}};
  assert_int_equal(store_write_sync(store, STORE_MARKET, do_import, &c, &err), ERR_CANCELLED);
  assert_int_equal(market_list(reader(), NULL, NULL, 0, 10, count_rows, &rows, &err), OK);
  assert_int_equal(rows, 0);
  c.in.progress = NULL;
  assert_int_equal(store_write_sync(store, STORE_MARKET, do_import, &c, &err), OK);
  c.in.venue = "b";
  assert_int_equal(store_write_sync(store, STORE_MARKET, do_import, &c, &err), OK);
  series_finish(&s);
  assert_int_equal(market_list(reader(), NULL, NULL, 0, 10, count_rows, &rows, &err), OK);
  assert_int_equal(rows, 2);
  assert_int_equal(market_list(reader(), "b", "BTCUSDT", 0, 10, count_rows, &rows, &err), OK);
  assert_int_equal(rows, 3);
  struct market_row m;
  assert_int_equal(market_find(reader(), "b", "BTCUSDT", NS_PER_MINUTE, &m, &err), OK);
  assert_int_equal(market_list(reader(), NULL, NULL, m.id, 10, count_rows, &rows, &err), OK);
  assert_int_equal(rows, 3);
  assert_int_equal(store_write_sync(store, STORE_MARKET, do_delete, &m.id, &err), OK);
  assert_int_equal(store_write_sync(store, STORE_MARKET, do_delete, &m.id, &err), ERR_NOTFOUND);
  assert_int_equal(market_find(reader(), "b", "BTCUSDT", NS_PER_MINUTE, &m, &err), ERR_NOTFOUND);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)
  const struct CMUnitTest tests[] = {
      T(comes_back_in_ranges), T(packed_for_jobs), T(overlaps), T(units_go_together), T(bad_input_is_refused), T(damage_is_noticed), T(cancelled_listed_deleted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

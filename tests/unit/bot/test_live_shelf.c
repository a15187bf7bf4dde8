// tests/unit/bot/test_live_shelf.c – the commands of a run: kept until the journal has them, then read from there. Whoever asks, whenever, hears
// all of them once, in their order.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/live_impl.h"
#include "bot/wire.h"
#include "store/image_rows.h"
#include "store/store.h"

enum { RECORDS = 90, COMMANDS = 3, OTHERS = 200 };

static struct live *l;
static struct live_bot bot;
static char dir[40];
static struct err err;

static void no_log(void *self, const char *level, const char *event, json_t *extra) {
  (void)self, (void)level, (void)event;
  json_decref(extra);
}

static int open_all(void **state) {
  (void)state;
  l = calloc(1, sizeof *l);
  strcpy(dir, "/tmp/perigee-shelf-XXXXXX");
  if (!l || !mkdtemp(dir) || store_open(dir, &(struct store_options){NULL}, &l->config.store, &err) != OK) return 1;
  l->config.log = no_log;
  bot = (struct live_bot){.live = l, .id = 77, .tenant_id = 1, .run = 1, .clerk = (struct clerk *)(void *)&bot};  // of whose clerk only that it is there matters
  l->bots[live_bucket(bot.id)] = &bot;
  live_past_forget(&bot);
  struct journal_record runs[] = {{.bot_id = 77, .tenant_id = 1, .run = 1, .kind = RECORD_RUN, .opens = true, .body = "", .len = 0}, {.bot_id = 78, .tenant_id = 1, .run = 1, .kind = RECORD_RUN, .opens = true, .body = "", .len = 0}};
  struct journal_batch batch = {.records = runs, .record_count = 2};
  return store_write_sync(l->config.store, STORE_JOURNAL, journal_append, &batch, &err) != OK;
}
static int close_all(void **state) {
  (void)state;
  char command[100];
  live_past_forget(&bot);
  buf_finish(&bot.past_bytes);
  buf_finish(&bot.shelf);
  store_close(l->config.store);
  free(l);
  snprintf(command, sizeof command, "rm -rf %s", dir);
  return system(command);
}

static uint64_t dice = 5;
static int some(uint64_t n) {
  dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
  return (int)((dice >> 33) % n);
}

static struct bot_command command_of(int n, int k) {
  return (struct bot_command){.kind = COMMAND_CANCEL, .id = (uint64_t)(n * COMMANDS + k + 1), .time_ns = 1000 + n, .why = REASON_SCRIPT};
}

// The n-th record, as a body in b.
static void record_of(int n, struct buf *commands, struct buf *body, struct record *r) {
  buf_clear(commands);
  buf_clear(body);
  record_init(r, RECORD_COMMANDS, 1000 + n);
  for (int k = 0; k <= n % COMMANDS; k++) {
    const struct bot_command c = command_of(n, k);
    record_put_command(commands, r->time_ns, &c);
  }
  r->commands = record_text(commands->data, commands->len);
  record_put(body, r);
}

// Committed together with so many of another bot before it.
static void journal(const struct record *r, const struct buf *body, int others) {
  struct journal_record rows[OTHERS + 1];
  struct journal_batch batch = {.records = rows, .record_count = (size_t)others + 1};
  for (int i = 0; i <= others; i++)
    rows[i] = (struct journal_record){.bot_id = i == others ? 77 : 78, .tenant_id = 1, .run = 1, .kind = RECORD_COMMANDS, .time_ns = r->time_ns, .body = body->data, .len = body->len};
  if (store_write_sync(l->config.store, STORE_JOURNAL, journal_append, &batch, &err) != OK) fail_msg("%s", err.msg);
  live_past_committed(l, &batch);
}

// As a host that is opened now would be told them, in pieces.
static void told(struct buf *ret) {
  size_t cursor = 0;
  for (bool all = false; !all;) {
    struct buf part;
    buf_init(&part, 64u << 20);
    const size_t before = cursor;
    if (live_past_put(&bot, 77, &cursor, &part, &all, &err) != OK) fail_msg("%s", err.msg);
    assert_true(all || cursor > before);
    buf_add(ret, part.data, part.len);
    buf_finish(&part);
  }
}

static void expect_first(int count) {
  struct buf is, must;
  struct live_reading r;
  struct record rec;
  struct bot_command c;
  buf_init(&is, 64u << 20);
  buf_init(&must, 64u << 20);
  live_reading_begin(&r, &bot);
  for (int n = 0; n < count; n++) {
    size_t at = 0;
    assert_true(live_reading_peek(&r, n + 1 < count && n % 7 == 0, &rec));  // one ahead now and then
    assert_true(live_reading_peek(&r, 0, &rec) && rec.time_ns == 1000 + n);
    for (int k = 0; k <= n % COMMANDS; k++) {
      const struct bot_command wanted = command_of(n, k);
      assert_true(record_command_next(&rec, &at, &c) && c.id == wanted.id && c.kind == wanted.kind && c.time_ns == wanted.time_ns);
      wire_put_restore(&must, 77, &wanted);
    }
    assert_false(record_command_next(&rec, &at, &c));
    live_reading_pop(&r);
  }
  assert_false(live_reading_peek(&r, 0, &rec));
  assert_false(r.failed);
  live_reading_end(&r);
  told(&is);
  assert_true(is.len == must.len && (is.len == 0 || memcmp(is.data, must.data, is.len) == 0));
  buf_finish(&is);
  buf_finish(&must);
}

static void test_in_memory_and_on_the_shelf(void **state) {
  (void)state;
  struct buf commands, body;
  struct record r;
  size_t total = 0;
  int committed = 0;
  buf_init(&commands, 1 << 16);
  buf_init(&body, RECORD_BODY_MAX);
  for (int n = 0; n < RECORDS; n++) {
    record_of(n, &commands, &body, &r);
    live_past_add(&bot, 0, &r);
    total += (size_t)(n % COMMANDS) + 1;
    assert_true(bot.past_commands == total && !bot.past_bytes.failed);
    // The journal answers later, in order, between records of others.
    for (int due = some(3); due > 0 && committed <= n; due--) {
      record_of(committed++, &commands, &body, &r);
      journal(&r, &body, some(4) ? 0 : some(OTHERS));
      assert_int_equal(bot.past_known + bot.shelf_count, committed);
    }
    if (some(8) == 0) {
      live_past_shelve(&bot);
      assert_true(bot.past_known == 0 && bot.shelf_count == (size_t)committed && bot.past_count == (size_t)(n + 1 - committed));
    }
    if (some(5) == 0) expect_first(n + 1);
  }
  for (; committed < RECORDS; committed++) {
    record_of(committed, &commands, &body, &r);
    journal(&r, &body, 0);
  }
  live_past_shelve(&bot);
  assert_true(bot.past_count == 0 && bot.shelf_count == RECORDS && bot.shelf.len < 2 * RECORDS + 200);  // a byte or two each
  expect_first(RECORDS);
  live_past_forget(&bot);
  assert_true(bot.shelf_count == 0 && bot.past_commands == 0);
  expect_first(0);
  buf_finish(&commands);
  buf_finish(&body);
}

// A run that is longer than memory: what the journal has is shelved while it is read.
static void test_read_at_start(void **state) {
  (void)state;
  struct buf commands, body;
  struct record r;
  buf_init(&commands, 1 << 16);
  buf_init(&body, RECORD_BODY_MAX);
  l->config.past_bytes = 300;
  for (int n = 0; n < 60; n++) {
    record_of(n, &commands, &body, &r);
    struct journal_record row = {.bot_id = 77, .tenant_id = 1, .run = 1, .kind = RECORD_COMMANDS, .time_ns = r.time_ns, .body = body.data, .len = body.len};
    struct journal_batch batch = {.records = &row, .record_count = 1};
    assert_int_equal(store_write_sync(l->config.store, STORE_JOURNAL, journal_append, &batch, &err), OK);
    live_past_read_one(&bot, row.id, &r);
    assert_true(bot.past_bytes.len <= 300 && bot.past_count + bot.shelf_count == (size_t)n + 1);
  }
  assert_true(bot.shelf_count > 30);
  expect_first(60);
  buf_finish(&commands);
  buf_finish(&body);
}

// An image has the first of them: whoever asks hears the others, those that came since too.
static void test_begins_with_an_image(void **state) {
  (void)state;
  struct buf commands, body, is, must;
  struct record r;
  buf_init(&commands, 1 << 16);
  buf_init(&body, RECORD_BODY_MAX);
  int first = 0;
  for (int n = 0; n < RECORDS; n++) {
    record_of(n, &commands, &body, &r);
    live_past_add(&bot, 0, &r);
    journal(&r, &body, some(3));
    if (some(3)) live_past_shelve(&bot);
    if (n % 17 == 11) {
      const int gone = 1 + some((uint64_t)(n - first));
      size_t left = 0, count = 0;
      for (int k = 0; k < gone; k++) count += (size_t)((first + k) % COMMANDS) + 1;
      live_past_drop(&bot, (size_t)gone, count);
      first += gone;
      for (int k = first; k <= n; k++) left += (size_t)(k % COMMANDS) + 1;
      assert_true(bot.past_commands == left && bot.shelf_count + bot.past_count == (size_t)(n + 1 - first));
    }
    buf_init(&is, 64u << 20);
    buf_init(&must, 64u << 20);
    told(&is);
    for (int k = first; k <= n; k++)
      for (int i = 0; i <= k % COMMANDS; i++) {
        const struct bot_command c = command_of(k, i);
        wire_put_restore(&must, 77, &c);
      }
    assert_true(is.len == must.len && (is.len == 0 || memcmp(is.data, must.data, is.len) == 0));
    buf_finish(&is);
    buf_finish(&must);
  }
  assert_true(first > 20);
  buf_finish(&commands);
  buf_finish(&body);
}

static void row(enum record_kind kind, int64_t bot_id, int64_t time_ns) {
  struct journal_record r = {.bot_id = bot_id, .tenant_id = 1, .run = 1, .kind = (int)kind, .time_ns = time_ns, .body = "", .len = 0};
  struct journal_batch batch = {.records = &r, .record_count = 1};
  assert_int_equal(store_write_sync(l->config.store, STORE_JOURNAL, journal_append, &batch, &err), OK);
}

static void follow(int64_t time_ns) {
  const struct journal_followed f = {.bot_id = 77, .run = 1, .time_ns = time_ns};
  struct journal_batch batch = {.followed = &f, .followed_count = 1};
  assert_int_equal(store_write_sync(l->config.store, STORE_JOURNAL, journal_append, &batch, &err), OK);
}

static enum status put_image(struct db *db, void *image, struct err *e) { return bot_image_put(db, image, e); }
static void image(int slot, int64_t last_id, int64_t time_ns) {
  struct bot_image i = {.bot_id = 77, .tenant_id = 1, .run = 1, .slot = slot, .last_id = last_id, .time_ns = time_ns, .body = "image", .len = 5};
  assert_int_equal(store_write_sync(l->config.store, STORE_JOURNAL, put_image, &i, &err), OK);
}

static int seen_kinds[8], seen_count;
static bool see_rare(void *arg, const struct journal_record *j) {
  assert_true(arg == &bot && j->bot_id == 77 && seen_count < 8);
  seen_kinds[seen_count++] = j->kind;
  return true;
}

static void begins(int64_t last_id, int slot, int rare) {
  bot.base = (struct live_base){.time_ns = INT64_MIN};
  seen_count = 0;
  assert_int_equal(live_base_pick(&bot, see_rare, &err), OK);
  assert_int_equal(bot.base.time_ns == INT64_MIN ? 0 : bot.base.last_id, last_id);
  assert_int_equal(seen_count, rare);
  if (last_id) assert_int_equal(bot.base.slot, slot);
  if (rare > 1) assert_true(seen_kinds[0] == RECORD_RUN && seen_kinds[1] == RECORD_VERSION);
}

// With the newest image that is no newer than the rows that follow from the journal, and with what else is to be known of the run until then.
static void test_where_a_past_begins(void **state) {
  (void)state;
  struct buf body;
  begins(0, 0, 0);
  row(RECORD_COMMANDS, 77, 10);   // 3
  row(RECORD_VERSION, 77, 20);    // 4, of the bot's run, which began with 1
  row(RECORD_VERSION, 78, 20);    // 5, another's
  row(RECORD_IMPOSED, 77, 30);    // 6
  image(0, 6, 30);
  begins(0, 0, 0);                // how far its rows are is not known
  follow(29);
  begins(0, 0, 0);
  follow(30);
  begins(6, 0, 2);
  row(RECORD_PARAMS, 77, 40);     // 7
  row(RECORD_CLOCK, 77, 45);      // 8
  image(1, 8, 45);
  begins(6, 0, 2);                // the rows of the newer one may be missing
  follow(45);
  begins(8, 1, 3);
  image(0, 8, 46);
  begins(8, 1, 3);
  buf_init(&body, 100);
  assert_int_equal(live_base_body(&bot, &body, &err), OK);  // no image at all: the whole run is read, of which these are two records
  assert_true(body.len == 0 && bot.base.time_ns == INT64_MIN && bot.base_refused && !bot.past_torn);
  bot.base_refused = false;
  buf_finish(&body);
  bot.run = 2;
  begins(0, 0, 0);                // that is another run's
  bot.run = 1;
  bot.base_refused = true;
  begins(0, 0, 0);
  struct journal_record over = {.bot_id = 77, .tenant_id = 1, .run = 1, .kind = RECORD_STOP, .time_ns = 50, .closes = true, .body = "", .len = 0};
  struct journal_batch batch = {.records = &over, .record_count = 1};
  assert_int_equal(store_write_sync(l->config.store, STORE_JOURNAL, journal_append, &batch, &err), OK);
  bot.base_refused = false;
  begins(0, 0, 0);                // it is over, and they are gone
}

// A batch has what was imposed after the image was taken, too: that is read again.
static void test_up_to_which_record(void **state) {
  (void)state;
  struct journal_record rows[] = {{.bot_id = 78, .id = 20}, {.bot_id = 77, .id = 21}, {.bot_id = 77, .id = 22}, {.bot_id = 78, .id = 23}, {.bot_id = 77, .id = 24}, {.bot_id = 78, .id = 25}};
  struct live_batch batch = {.rows = {.records = rows, .record_count = 6}, .last_id = 25};
  const int64_t wanted[] = {20, 21, 22, 24};
  for (size_t own = 0; own < 4; own++) assert_int_equal(live_image_last_id(&batch, &(struct live_image){.bot = 77, .own = own}), wanted[own]);
  assert_int_equal(live_image_last_id(&batch, &(struct live_image){.bot = 79}), 25);  // nothing of it is in the batch: all before is
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_in_memory_and_on_the_shelf, open_all, close_all), cmocka_unit_test_setup_teardown(test_read_at_start, open_all, close_all),
    cmocka_unit_test_setup_teardown(test_begins_with_an_image, open_all, close_all), cmocka_unit_test_setup_teardown(test_where_a_past_begins, open_all, close_all),
    cmocka_unit_test(test_up_to_which_record)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// tests/bench/bench_journal.c – the journal beside what the disk itself can do: orders a second, how long an intent waits for its commit,
// and how long reading everything again takes at a start.   bench_journal DIR [RECORDS [BOTS]]
#include "bot/record.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "store/journal_behind.h"
#include "store/store.h"
#include "disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define T0 INT64_C(1700000000000000000)
#define FLIGHT_MAX 1000
#define RATE 2000           // orders a second of the open loop
#define RATE_SECONDS 10

static struct loop *loop;
static struct store *store;
static int bots = 1000;
static uint64_t next_order;
static char body[200];
static size_t body_len;
static int failed;

// A bot's instant with one order: mark, reserve, submit.
static void make_body(void) {
  struct buf commands, out;
  struct record r;
  struct bot_command mark = {.kind = COMMAND_MARK, .time_ns = T0 - 60 * NS_PER_S}, reserve = {.kind = COMMAND_RESERVE, .time_ns = T0, .id = 100000},
                     submit = {.kind = COMMAND_SUBMIT, .time_ns = T0, .id = 100000, .qty = {2500}};
  buf_init(&commands, RECORD_BODY_MAX);
  buf_init(&out, RECORD_BODY_MAX);
  intent_init(&submit.intent, 0, SIDE_BUY);
  submit.intent.type = ORDER_LIMIT;
  submit.intent.limit = (price){4200000};
  submit.intent.sl = (price){4100000};
  submit.intent.size = 2500;
  record_put_command(&commands, T0, &mark);
  record_put_command(&commands, T0, &reserve);
  record_put_command(&commands, T0, &submit);
  record_init(&r, RECORD_COMMANDS, T0);
  r.commands = record_text(commands.data, commands.len);
  record_put(&out, &r);
  memcpy(body, out.data, out.len);
  body_len = out.len;
  buf_finish(&commands);
  buf_finish(&out);
}

static struct journal_record record_of(uint64_t n) {
  return (struct journal_record){.bot_id = 1 + (int64_t)(n % (uint64_t)bots), .tenant_id = 1, .run = 1, .kind = RECORD_COMMANDS, .time_ns = T0, .decision = true,
    .intent = record_intent(1, 1 + n / (uint64_t)bots), .body = body, .len = body_len};
}

static enum status open_runs(struct db *db, void *arg, struct err *err) {
  (void)arg;
  enum status st = OK;
  for (int b = 1; st == OK && b <= bots; b++) {
    struct journal_record r = {.bot_id = b, .tenant_id = 1, .run = 1, .kind = RECORD_STATE, .time_ns = T0, .opens = true, .clock_ns = T0, .body = "\1", .len = 2};
    st = journal_append(db, &(struct journal_batch){.records = &r, .record_count = 1}, err);
  }
  return st;
}

// ---- orders

struct write {
  struct journal_batch batch;
  struct journal_record record;
  struct journal_order order;
  int64_t sent_ns;
  bool busy;
};
static struct write writes[FLIGHT_MAX];
static enum { ALONE, WITH_ROWS, ROWS_BEHIND } how;  // its row for pages: none, in the same write, or behind it as live bots' are
static const char *const hows[] = {"                ", " with their rows", ", rows behind   "};
static struct journal_behind *behind;
static int sent, told, wanted;
static int64_t *waits;

static void send_one(struct write *w);
static void on_done(void *arg, enum status st, const struct err *err) {
  struct write *w = arg;
  if (st != OK && failed++ == 0) fprintf(stderr, "%s\n", err->msg);
  w->busy = false;
  struct err why;
  const struct journal_followed followed = {w->record.bot_id, 1, T0};
  if (how == ROWS_BEHIND && journal_behind_add(behind, &(struct journal_batch){.orders = &w->order, .order_count = 1, .followed = &followed, .followed_count = 1}, &why) != OK) failed++;
  if (waits) waits[told] = clock_monotonic_ns() - w->sent_ns;
  told++;
  if (!waits && sent < wanted) send_one(w);
  else if (told == wanted) loop_stop(loop);
}
static void send_one(struct write *w) {
  const uint64_t n = next_order++;
  w->record = record_of(n);
  w->order = (struct journal_order){.bot_id = w->record.bot_id, .tenant_id = 1, .run = 1, .intent = w->record.intent, .order = n / (uint64_t)bots, .series = 1, .side = 1,
    .type = 1, .qty = {2500}, .limit = {4200000}, .trigger = {NO_JOURNAL_PRICE_TICKS}, .sl = {4100000}, .tp = {NO_JOURNAL_PRICE_TICKS}, .decided_ns = T0, .tag = "entry"};
  w->batch = (struct journal_batch){.records = &w->record, .record_count = 1, .orders = &w->order, .order_count = how == WITH_ROWS};
  w->busy = true;
  sent++;
  w->sent_ns = clock_monotonic_ns();
  store_write(store, STORE_JOURNAL, journal_append, on_done, w);
}

static void sustained(int in_flight, int count, double base) {
  const uint64_t commits = store_stats(store, STORE_JOURNAL).commits;
  sent = told = 0, wanted = count;
  const int64_t begin = clock_monotonic_ns();
  for (int i = 0; i < in_flight; i++) send_one(&writes[i]);
  while (told < wanted) loop_run(loop);
  while (how == ROWS_BEHIND && journal_behind_busy(behind)) loop_turn(loop, true);  // all of it
  const double seconds = (double)(clock_monotonic_ns() - begin) / 1e9;
  printf("orders%s, %4d in flight  %9.0f /s  %6.2f × fdatasync, %.0f a commit\n", hows[how], in_flight, count / seconds,
    count / seconds / base, count / (double)(store_stats(store, STORE_JOURNAL).commits - commits));
}

static int compare(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

static int64_t pace_begin_ns;
static void on_tick(void *arg) {
  (void)arg;
  const int64_t due = (clock_monotonic_ns() - pace_begin_ns) * RATE / NS_PER_S;
  for (int i = 0; sent < wanted && sent < due && i < FLIGHT_MAX; i++)
    if (!writes[i].busy) send_one(&writes[i]);
}

static void paced(void) {
  struct loop_timer *timer;
  struct err err;
  wanted = RATE * RATE_SECONDS, sent = told = 0;
  if (!(waits = calloc((size_t)wanted, sizeof *waits)) || loop_timer_create(loop, on_tick, NULL, &timer, &err) != OK) exit(1);
  pace_begin_ns = clock_monotonic_ns();
  loop_timer_start(timer, 1, 1);
  while (told < wanted) loop_run(loop);
  loop_timer_destroy(timer);
  qsort(waits, (size_t)wanted, sizeof *waits, compare);
  printf("intent to commit at %d/s%s    p50 %.2f ms   p99 %.2f ms   worst %.2f ms\n", RATE, hows[how], (double)waits[wanted / 2] / 1e6,
    (double)waits[wanted / 100 * 99] / 1e6, (double)waits[wanted - 1] / 1e6);
  free(waits);
  waits = NULL;
}

// ---- recovery

struct filling {
  int64_t left;
};
static enum status fill(struct db *db, void *arg, struct err *err) {
  struct filling *f = arg;
  struct journal_record r[100];
  enum status st = OK;
  for (int k = 0; st == OK && k < 100 && f->left > 0; k++) {
    size_t n = 0;
    for (; n < 100 && f->left > 0; n++, f->left--) r[n] = record_of(next_order++);
    st = journal_append(db, &(struct journal_batch){.records = r, .record_count = n}, err);
  }
  return st;
}

struct recovery {
  int64_t records, orders;
};
static bool on_record(void *arg, const struct journal_record *row) {
  struct recovery *r = arg;
  struct record record;
  struct err err;
  if (record_read(row->kind, row->time_ns, row->body, row->len, &record, &err) == OK) r->orders += record.commands.len && record_order(&record) != 0;
  r->records++;
  return true;
}

static double cpu_s(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void recovery(int64_t records) {
  struct filling f = {.left = records - (int64_t)next_order};
  struct err err;
  struct recovery r = {0};
  int64_t after;
  while (f.left > 0)
    if (store_write_sync(store, STORE_JOURNAL, fill, &f, &err) != OK) fprintf(stderr, "%s\n", err.msg), exit(1);
  struct db *db = store_reader(store, STORE_JOURNAL);
  const int64_t begin = clock_monotonic_ns();
  const double cpu_begin = cpu_s();
  if (journal_scan_from(db, &after, &err) != OK || journal_scan(db, after, 0, on_record, &r, &err) != OK) fprintf(stderr, "%s\n", err.msg), exit(1);
  const double seconds = (double)(clock_monotonic_ns() - begin) / 1e9;
  printf("recovery: %" PRId64 " records of %d bots, %" PRId64 " orders, read and decoded in %.2f s (%.2f s of the processor); the file has %.0f MB\n", r.records, bots, r.orders, seconds,
    cpu_s() - cpu_begin,
    (double)store_watch(store, STORE_JOURNAL).file_bytes / 1e6);
}

static void refused(void *self, const struct err *err, bool given_up) {
  (void)self, (void)given_up;
  if (failed++ == 0) fprintf(stderr, "%s\n", err->msg);
}

int main(int argc, char **argv) {
  struct err err;
  if (argc < 2) return 2;
  const int64_t records = argc > 2 ? atoll(argv[2]) : 1000000;
  if (argc > 3) bots = atoi(argv[3]);
  make_body();
  if (loop_create(&loop, NULL, &err) != OK || store_open(argv[1], &(struct store_options){.loop = loop}, &store, &err) != OK ||
      store_write_sync(store, STORE_JOURNAL, open_runs, NULL, &err) != OK) {
    fprintf(stderr, "%s\n", err.msg);
    return 1;
  }
  const double base = disk_syncs_per_s(argv[1]);
  printf("fdatasync of 256 bytes                     %9.0f /s\n", base);
  if (journal_behind_create(&(struct journal_behind_config){.store = store, .loop = loop, .gather_ms = 100, .failed = refused}, &behind, &err) != OK) return 1;
  for (int k = ALONE; k <= ROWS_BEHIND; k++) {
    how = k;
    sustained(1, 2000, base);
    sustained(100, 50000, base);
    sustained(1000, 50000, base);
    paced();
  }
  while (journal_behind_busy(behind)) loop_turn(loop, true);
  how = ALONE;
  recovery(records);
  journal_behind_destroy(behind);
  store_close(store);
  loop_destroy(loop);
  return failed != 0;
}

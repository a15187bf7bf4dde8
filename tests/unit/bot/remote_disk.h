// tests/unit/bot/remote_disk.h – the journal of test_clerk_remote.c as the service has it: journal.db of engine/store, on the disk in memory of
// tests/store/sim_vfs, which loses its power at any operation. What a start reads from it is what the test goes on with.
#pragma once
#include "bot/record.h"
#include "store/db.h"
#include "store/journal_rows.h"
#include "store/store.h"
#include "tests/store/sim_vfs.h"

#include <unistd.h>

#define DISK_BOT 5
#define DISK_RUN 3

static struct disk {
  char dir[64];
  struct store *store;
  bool opened;         // its run is in the journal
  size_t written;      // commands of the journal that were told as committed
  long images, torn;   // losses of power; in the middle of a write
} disk;

static inline void disk_open(void) {
  struct err err;
  const struct store_options options = {.by_hand = true, .checkpoint_pages = 40};
  if (store_open(disk.dir, &options, &disk.store, &err) != OK) fail_msg("%s", err.msg);
}

static inline void disk_encode(struct buf *body, const struct bot_command *c) {
  struct buf commands;
  struct record r;
  buf_init(&commands, RECORD_BODY_MAX);
  record_put_command(&commands, c->time_ns, c);
  record_init(&r, RECORD_IMPOSED, c->time_ns);
  r.commands = record_text(commands.data, commands.len);
  body->len = 0;
  record_put(body, &r);
  assert_false(body->failed || commands.failed);
  buf_finish(&commands);
}

// Commands [from, to) become durable together, or ERR_… and perhaps they do.
static inline enum status disk_write(const struct bot_command *journal, size_t from, size_t to) {
  struct err err;
  const size_t count = to - from + !disk.opened;
  struct journal_record *rows = calloc(count, sizeof *rows);
  struct buf *bodies = calloc(count, sizeof *bodies);
  size_t n = 0;
  if (!disk.opened) rows[n++] = (struct journal_record){.bot_id = DISK_BOT, .tenant_id = 1, .run = DISK_RUN, .kind = RECORD_RUN, .time_ns = 1, .opens = true, .clock_ns = 1, .body = "", .len = 0};
  for (size_t i = from; i < to; i++, n++) {
    const struct bot_command *c = &journal[i];
    buf_init(&bodies[n], RECORD_BODY_MAX);
    disk_encode(&bodies[n], c);
    rows[n] = (struct journal_record){.bot_id = DISK_BOT, .tenant_id = 1, .run = DISK_RUN, .kind = RECORD_IMPOSED, .time_ns = c->time_ns, .body = bodies[n].data, .len = bodies[n].len,
                                      .intent = c->kind == COMMAND_SUBMIT ? record_intent(DISK_RUN, c->id) : 0};
  }
  struct journal_batch batch = {.records = rows, .record_count = count};
  const enum status st = store_write_sync(disk.store, STORE_JOURNAL, journal_append, &batch, &err);
  if (st != OK) fail_msg("%s", err.msg);
  for (size_t i = 0; i < n; i++)
    if (bodies[i].data) buf_finish(&bodies[i]);
  free(bodies), free(rows);
  disk.opened = true;
  return st;
}

// What is acknowledged from here on is there after every loss of power.
static inline void disk_commit(const struct bot_command *journal, size_t count) {
  if (count > disk.written || !disk.opened) disk_write(journal, disk.written, count);
  disk.written = count;
}

static inline void disk_begin(void) {
  static bool begun;
  if (!begun) sim_init();
  begun = true;
  sim_reset();
  disk = (struct disk){.images = disk.images, .torn = disk.torn};
  strcpy(disk.dir, "/tmp/perigee-remote-XXXXXX");
  if (!mkdtemp(disk.dir)) fail_msg("no directory");
  disk_open();
  sim_record();
}

static inline void disk_end(void) {
  static const char *const names[] = {"control.db", "journal.db", "market.db", "lock"};  // empty: what is in them is in memory
  char path[100];
  store_close(disk.store);
  sim_trace_free(sim_take());
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", disk.dir, names[i]);
    (void)!unlink(path);
  }
  if (rmdir(disk.dir) != 0) fail_msg("%s is not empty", disk.dir);
  sim_reset();
}

struct disk_reading { struct bot_command *journal; size_t count, most; };
static bool disk_read(void *arg, const struct journal_record *row) {
  struct disk_reading *r = arg;
  struct record rec;
  struct err err;
  struct buf same;
  size_t at = 0;
  if (row->kind == RECORD_RUN) return true;
  struct bot_command c = {0};
  if (r->count == r->most) fail_msg("the disk has more than was written");
  if (record_read(row->kind, row->time_ns, row->body, row->len, &rec, &err) != OK || !record_command_next(&rec, &at, &c)) fail_msg("record %zu cannot be read", r->count);
  buf_init(&same, RECORD_BODY_MAX);
  disk_encode(&same, &r->journal[r->count]);
  if (same.len != row->len || memcmp(same.data, row->body, row->len) != 0) fail_msg("record %zu is not what was decided", r->count);
  buf_finish(&same);
  r->journal[r->count++] = c;
  return true;
}

// The process is gone, and with `power` that of the disk, too: perhaps while it wrote what had been decided and was not committed. How many
// commands the next start finds.
static inline size_t disk_lost(struct bot_command *journal, size_t count, bool power, uint64_t dice) {
  size_t from = sim_trace_length(sim_now());
  const bool writes = dice % 3 != 0 && (count > disk.written || !disk.opened);
  if (writes) disk_write(journal, disk.written, count);
  struct sim_trace *t = sim_take();
  // What is taken apart now says nothing to the disk.
  if (power) sim_fail(SIM_ALL, 1, true, false);
  else sim_freeze();
  store_close(disk.store);
  if (power) {
    const size_t end = sim_trace_length(t), at = from + dice / 3 % (end - from + 1);
    (void)sim_lose_power(t, at, dice);
    disk.images++, disk.torn += at < end;
  }
  sim_trace_free(t);
  sim_fail(0, 0, false, false);
  disk_open();
  struct err err;
  struct disk_reading r = {.journal = journal, .most = count};
  if (journal_scan(store_reader(disk.store, STORE_JOURNAL), 0, DISK_BOT, disk_read, &r, &err) != OK) fail_msg("%s", err.msg);
  if (r.count < disk.written) fail_msg("%zu commands were committed, %zu are there", disk.written, r.count);
  if (r.count == 0) {  // perhaps not even its run
    struct journal_run run;
    disk.opened = journal_run_last(store_reader(disk.store, STORE_JOURNAL), 0, DISK_BOT, &run, &err) == OK;
  }
  sim_record();
  return disk.written = r.count;
}

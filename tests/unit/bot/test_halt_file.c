// tests/unit/bot/test_halt_file.c – the kill switch on disk: what was acknowledged is there after a crash at any byte, damage halts
// everything, and a file that anybody can make halts too.
#include "bot/halt_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/id.h"

#define NOW INT64_C(1700000000000000000)
static char dir[40];
static struct halt_state s;
static struct halt_file *f;
static struct err err;
static bool damaged;

static char *path(const char *name) {
  static char ret[100];
  snprintf(ret, sizeof ret, "%s/%s", dir, name);
  return ret;
}
static enum status reopen(bool must_exist) {
  halt_file_close(f);
  f = NULL;
  return halt_file_open(dir, must_exist, NOW, &s, &f, &damaged, &err);
}
static int setup(void **state) {
  (void)state;
  strcpy(dir, "/tmp/perigee-halt-XXXXXX");
  return !mkdtemp(dir) || reopen(false) != OK;
}
static int teardown(void **state) {
  (void)state;
  char command[160];
  halt_file_close(f);
  f = NULL;
  snprintf(command, sizeof command, "chmod -R u+w %s; rm -rf %s", dir, dir);
  return system(command);
}

static void read_all(uint8_t *ret) {
  FILE *file = fopen(path(HALT_FILE), "rb");
  assert_non_null(file);
  assert_int_equal(fread(ret, 1, HALT_FILE_BYTES, file), HALT_FILE_BYTES);
  fclose(file);
}
static void write_all(const uint8_t *bytes, size_t n) {
  FILE *file = fopen(path(HALT_FILE), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, n, file), n);
  fclose(file);
}
static void put_trigger(const char *text) {
  FILE *file = fopen(path(HALT_TRIGGER), "wb");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}
static enum halt_mode mode_at(enum refusal_level level, uint64_t id) {
  const struct halt_entry *e = halt_find(&s, level, id);
  return e ? (enum halt_mode)e->mode : HALT_NONE;
}

static void test_what_was_set_is_there_again(void **state) {
  (void)state;
  assert_false(damaged);
  assert_int_equal(s.count, 0);
  assert_int_equal(halt_file_set(f, LEVEL_TENANT, 5, HALT_FLATTEN, HALT_BY_OWNER, NOW, &err), OK);
  assert_int_equal(halt_file_set(f, LEVEL_BOT, 9, HALT_SILENT, HALT_BY_OPERATOR, NOW, &err), OK);
  assert_int_equal(reopen(true), OK);
  assert_false(damaged);
  assert_int_equal(mode_at(LEVEL_TENANT, 5), HALT_FLATTEN);
  assert_int_equal(halt_find(&s, LEVEL_TENANT, 5)->cause, HALT_BY_OWNER);
  assert_int_equal(halt_file_clear(f, LEVEL_BOT, 9, &err), OK);
  assert_int_equal(halt_file_clear(f, LEVEL_BOT, 9, &err), ERR_NOTFOUND);
  assert_int_equal(reopen(true), OK);
  assert_int_equal(mode_at(LEVEL_BOT, 9), HALT_NONE);
  assert_int_equal(s.count, 1);
  static struct halt_state seen;
  assert_int_equal(halt_file_read(dir, &seen, &err), OK);
  assert_int_equal(seen.epoch, s.epoch);
}

static void test_an_owner_resumes_only_what_is_the_owners(void **state) {
  (void)state;
  assert_int_equal(halt_file_set(f, LEVEL_TENANT, 5, HALT_FLATTEN, HALT_BY_OWNER, NOW, &err), OK);
  assert_int_equal(halt_file_set(f, LEVEL_TENANT, 5, HALT_SILENT, HALT_BY_OPERATOR, NOW, &err), OK);
  assert_int_equal(mode_at(LEVEL_TENANT, 5), HALT_FLATTEN);
  assert_int_equal(halt_find(&s, LEVEL_TENANT, 5)->cause, HALT_BY_OPERATOR);
  assert_int_equal(halt_file_set(f, LEVEL_BOT, 9, HALT_REDUCE, HALT_BY_OPERATOR, NOW, &err), OK);
  assert_int_equal(halt_file_set(f, LEVEL_BOT, 9, HALT_FLATTEN, HALT_BY_OWNER, NOW, &err), OK);
  assert_int_equal(mode_at(LEVEL_BOT, 9), HALT_FLATTEN);
  assert_int_equal(halt_find(&s, LEVEL_BOT, 9)->cause, HALT_BY_OPERATOR);
}

// The bytes on disk while a change is written: first copy cut anywhere, the second old; then the first new, the second cut anywhere. The
// byte at the cut may be torn as well.
static void test_a_crash_at_any_byte(void **state) {
  (void)state;
  static uint8_t before[HALT_FILE_BYTES], after[HALT_FILE_BYTES], disk[HALT_FILE_BYTES];
  assert_int_equal(halt_file_set(f, LEVEL_TENANT, 5, HALT_SILENT, HALT_BY_OWNER, NOW, &err), OK);
  read_all(before);
  assert_int_equal(halt_file_set(f, LEVEL_BOT, 9, HALT_SILENT, HALT_BY_OWNER, NOW, &err), OK);
  read_all(after);
  int old = 0, new = 0;
  for (size_t cut = 0; cut <= HALT_FILE_BYTES; cut++) {
    const size_t within = cut % HALT_RECORD_BYTES;  // every byte of what says something, and of the checksum
    if (within > 140 && within < HALT_RECORD_BYTES - 40 && within % 997 != 0) continue;
    for (int torn = 0; torn < 2; torn++) {
      memcpy(disk, before, sizeof disk);
      memcpy(disk, after, cut);
      if (torn && cut < HALT_FILE_BYTES) disk[cut] = (uint8_t)(disk[cut] ^ 0x5a);
      write_all(disk, sizeof disk);
      assert_int_equal(reopen(true), OK);
      assert_false(damaged);
      assert_int_equal(s.all.mode, HALT_NONE);
      assert_int_equal(mode_at(LEVEL_TENANT, 5), HALT_SILENT);  // acknowledged before
      const bool has = mode_at(LEVEL_BOT, 9) == HALT_SILENT;
      assert_true(has || cut < HALT_RECORD_BYTES);  // never less than the first copy says
      new += has, old += !has;
      read_all(disk);  // and both are made good
      assert_memory_equal(disk, disk + HALT_RECORD_BYTES, HALT_RECORD_BYTES);
    }
  }
  assert_true(old > 100 && new > 100);
}

// ---- a disk that fails, again and again: writes that come to it in part

static int fails_at;      // the write that fails, from 1; 0: none
static size_t fails_after;  // bytes
ssize_t __real_pwrite64(int fd, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, off_t at) {
  if (fails_at == 0 || --fails_at > 0) return __real_pwrite64(fd, bytes, n, at);
  if (fails_after) assert_int_equal(__real_pwrite64(fd, bytes, fails_after < n ? fails_after : n, at), fails_after < n ? fails_after : n);
  errno = EIO;
  return -1;
}

static void test_a_disk_that_fails_again_and_again(void **state) {
  (void)state;
  uint64_t acknowledged[64] = {0};
  unsigned seed = 7, lost = 0;
  for (int i = 0; i < 150; i++) {
    seed = seed * 1103515245u + 12345u;
    const uint64_t bot = 1 + (seed >> 16) % 63;
    fails_at = (int)(seed >> 8) % 4;  // sometimes the first, sometimes the second copy
    fails_after = (seed >> 3) % (HALT_RECORD_BYTES + 1);
    const bool told = halt_file_set(f, LEVEL_BOT, bot, HALT_SILENT, HALT_BY_OWNER, NOW, &err) == OK;
    lost += !told;
    if (told) acknowledged[bot] = 1;
    fails_at = 0;
    if (seed >> 28 < 4) {  // it dies, and the next one finds the disk failing too
      fails_at = (int)(seed >> 24) % 3;
      assert_int_equal(reopen(true), OK);
      fails_at = 0;
      assert_false(damaged);
      assert_int_equal(s.all.mode, HALT_NONE);
      for (uint64_t b = 1; b < 64; b++)
        if (acknowledged[b]) assert_int_equal(mode_at(LEVEL_BOT, b), HALT_SILENT);
    }
  }
  assert_true(lost > 20);
}

static void test_what_cannot_be_read_halts_everything(void **state) {
  (void)state;
  static uint8_t bytes[HALT_FILE_BYTES];
  assert_int_equal(halt_file_set(f, LEVEL_TENANT, 5, HALT_SILENT, HALT_BY_OWNER, NOW, &err), OK);
  read_all(bytes);
  bytes[100] ^= 1;
  bytes[HALT_RECORD_BYTES + 9] ^= 1;
  write_all(bytes, sizeof bytes);
  assert_int_equal(reopen(false), OK);
  assert_true(damaged);
  assert_int_equal(s.all.mode, HALT_SILENT);
  assert_int_equal(s.all.cause, HALT_BY_DAMAGED);
  assert_int_equal(reopen(false), OK);  // it is written as such now
  assert_false(damaged);
  assert_int_equal(s.all.mode, HALT_SILENT);
  assert_int_equal(halt_file_clear(f, LEVEL_ALL, 0, &err), OK);
  assert_int_equal(reopen(true), OK);
  assert_int_equal(s.all.mode, HALT_NONE);
  write_all(bytes, 10);  // cut off
  assert_int_equal(reopen(false), OK);
  assert_true(damaged && s.all.mode == HALT_SILENT);
  unlink(path(HALT_FILE));
  assert_int_equal(reopen(true), OK);  // it was lost
  assert_true(damaged && s.all.mode == HALT_SILENT);
  unlink(path(HALT_FILE));
  assert_int_equal(reopen(false), OK);  // a new installation
  assert_true(!damaged && s.all.mode == HALT_NONE);
}

static void test_it_has_its_room_from_the_start(void **state) {
  (void)state;
  struct stat info;
  assert_int_equal(stat(path(HALT_FILE), &info), 0);
  assert_int_equal(info.st_size, HALT_FILE_BYTES);
  assert_true(info.st_blocks * 512 >= HALT_FILE_BYTES);
  for (int i = 0; i < 20; i++) assert_int_equal(halt_file_set(f, LEVEL_BOT, (uint64_t)i + 1, HALT_SILENT, HALT_BY_OWNER, NOW, &err), OK);
  assert_int_equal(stat(path(HALT_FILE), &info), 0);
  assert_int_equal(info.st_size, HALT_FILE_BYTES);
}

static off_t size(void) {
  struct stat info;
  assert_int_equal(stat(path(HALT_FILE), &info), 0);
  return info.st_size;
}
static enum status halt_bot(uint64_t bot, enum halt_cause cause) { return halt_file_set(f, LEVEL_BOT, bot, HALT_SILENT, cause, NOW, &err); }

// Each tenant halts one bot, so that nothing can be folded: a larger file comes before the other is full, and all of it is there again.
static void test_it_grows_before_it_is_full(void **state) {
  (void)state;
  for (uint64_t i = 1; i <= 760; i++) {
    if (i < 740) halt_set(&s, LEVEL_BOT, i, HALT_SILENT, HALT_BY_OWNER, NOW);  // quickly
    else assert_int_equal(halt_bot(i, HALT_BY_OWNER), OK);
    assert_int_equal(size(), HALT_FILE_BYTES * (i >= 750 ? 2 : 1));
  }
  assert_int_equal(access(path(HALT_FILE ".new"), F_OK), -1);
  assert_int_equal(reopen(true), OK);
  assert_true(!damaged && s.count == 760 && s.capacity == 2 * HALT_ENTRIES && s.all.mode == HALT_NONE);
  for (uint64_t i = 1; i <= 760; i++) assert_int_equal(mode_at(LEVEL_BOT, i), HALT_SILENT);
  assert_int_equal(halt_file_clear(f, LEVEL_BOT, 5, &err), OK);
  // The first copy is torn: the second counts, and makes it good.
  static struct halt_state seen;
  FILE *file = fopen(path(HALT_FILE), "r+b");
  assert_non_null(file);
  assert_int_equal(fputs("torn", file) < 0, 0);
  fclose(file);
  assert_int_equal(halt_file_read(dir, &seen, &err), OK);
  assert_int_equal(seen.count, 759);
  assert_int_equal(reopen(true), OK);
  assert_true(!damaged && s.count == 759 && mode_at(LEVEL_BOT, 5) == HALT_NONE);
}

// HALT names more than there was room for: it grows meanwhile.
static void test_the_trigger_names_many(void **state) {
  (void)state;
  char org[ID_TEXT_SIZE];
  bool changed;
  FILE *file = fopen(path(HALT_TRIGGER), "wb");
  assert_non_null(file);
  for (int64_t i = 1; i <= 1600; i++) id_format("org", i, org), fprintf(file, "tenant %s\n", org);
  fclose(file);
  assert_int_equal(halt_file_poll(f, NOW, &changed, &err), OK);
  assert_true(changed && s.count == 1600 && s.all.mode == HALT_NONE);
  assert_int_equal(size(), HALT_FILE_BYTES * 4);
  assert_int_equal(reopen(true), OK);
  assert_true(!damaged && s.count == 1600);
}

// No room on the disk for a larger file: this one goes on, owners have seven eighths of it, and the rest is others'.
static void test_without_room_for_a_larger_one_owners_halt_nobody_else(void **state) {
  (void)state;
  assert_int_equal(mkdir(path(HALT_FILE ".new"), 0700), 0);
  for (uint64_t i = 1; i <= 875; i++) {
    if (i < 870) halt_set(&s, LEVEL_BOT, i, HALT_SILENT, HALT_BY_OWNER, NOW);
    else assert_int_equal(halt_bot(i, HALT_BY_OWNER), OK);
  }
  assert_int_equal(halt_bot(876, HALT_BY_OWNER), ERR_LIMIT);
  assert_true(mode_at(LEVEL_BOT, 876) == HALT_NONE && s.all.mode == HALT_NONE);
  assert_int_equal(halt_bot(870, HALT_BY_OWNER), OK);  // it is there already
  assert_int_equal(halt_bot(877, HALT_BY_VENUE), OK);
  assert_int_equal(halt_file_set(f, LEVEL_TENANT, 878, HALT_SILENT, HALT_BY_OPERATOR, NOW, &err), OK);
  halt_own(&s, 1, 9), halt_own(&s, 2, 9);  // one tenant has two of them: they become one
  assert_int_equal(halt_bot(876, HALT_BY_OWNER), OK);
  assert_int_equal(mode_at(LEVEL_TENANT, 9), HALT_SILENT);
  assert_int_equal(size(), HALT_FILE_BYTES);
  assert_int_equal(reopen(true), OK);
  assert_true(!damaged && s.all.mode == HALT_NONE && mode_at(LEVEL_BOT, 876) == HALT_SILENT && mode_at(LEVEL_BOT, 877) == HALT_SILENT);
  assert_int_equal(rmdir(path(HALT_FILE ".new")), 0);
  assert_int_equal(halt_bot(879, HALT_BY_OPERATOR), OK);
  assert_int_equal(size(), HALT_FILE_BYTES * 2);
}

static void poll_now(bool changed) {
  bool ret;
  assert_int_equal(halt_file_poll(f, NOW, &ret, &err), OK);
  assert_int_equal(ret, changed);
}

static void test_the_trigger(void **state) {
  (void)state;
  char org[ID_TEXT_SIZE], text[200];
  id_format("org", 77, org);
  poll_now(false);
  snprintf(text, sizeof text, "# by hand\n\n tenant %s flatten\nvenue Binance\r\n", org);
  put_trigger(text);
  poll_now(true);
  assert_int_equal(mode_at(LEVEL_TENANT, 77), HALT_FLATTEN);
  assert_int_equal(mode_at(LEVEL_VENUE, halt_venue_id("binance")), HALT_SILENT);
  assert_int_equal(halt_find(&s, LEVEL_TENANT, 77)->cause, HALT_BY_FILE);
  assert_int_equal(s.all.mode, HALT_NONE);
  poll_now(false);
  assert_int_equal(halt_file_clear(f, LEVEL_TENANT, 77, &err), ERR_EXISTS);  // as long as the file asks for it
  assert_non_null(strstr(err.msg, "remove the file"));
  unlink(path(HALT_TRIGGER));
  poll_now(false);
  assert_int_equal(mode_at(LEVEL_TENANT, 77), HALT_FLATTEN);  // it resumes nothing by going
  assert_int_equal(halt_file_clear(f, LEVEL_TENANT, 77, &err), OK);
  static const char *const everything[] = {"", "\n", "tenant org_x", "tenannt all", "all", "all silent", "bot", "all nothing"};
  for (size_t i = 0; i < sizeof everything / sizeof *everything; i++) {
    put_trigger(everything[i]);
    poll_now(true);
    assert_int_equal(s.all.mode, HALT_SILENT);
    assert_int_equal(reopen(true), OK);  // durable
    assert_int_equal(s.all.mode, HALT_SILENT);
    assert_int_equal(halt_file_clear(f, LEVEL_ALL, 0, &err), ERR_EXISTS);
    unlink(path(HALT_TRIGGER));
    assert_int_equal(halt_file_clear(f, LEVEL_ALL, 0, &err), OK);
  }
  assert_int_equal(mkdir(path(HALT_TRIGGER), 0700), 0);  // whatever it is
  poll_now(true);
  assert_int_equal(s.all.mode, HALT_SILENT);
}

static void test_a_service_is_asked_by_the_trigger(void **state) {
  (void)state;
  bool everything;
  assert_int_equal(halt_trigger(dir, "venue some-very-long-venue reduce", &everything, &err), OK);
  assert_false(everything);
  assert_int_equal(halt_trigger(dir, "venue sim flatten", &everything, &err), OK);
  poll_now(true);
  assert_int_equal(mode_at(LEVEL_VENUE, halt_venue_id("SOME-very-long-venue")), HALT_REDUCE);
  assert_int_equal(mode_at(LEVEL_VENUE, halt_venue_id("sim")), HALT_FLATTEN);
  assert_int_equal(s.all.mode, HALT_NONE);
  put_trigger("");  // it asks for everything: a line more must not make it less
  assert_int_equal(halt_trigger(dir, "venue sim", &everything, &err), OK);
  assert_true(everything);
  poll_now(true);
  assert_int_equal(s.all.mode, HALT_SILENT);
}

static void test_names(void **state) {
  (void)state;
  char name[HALT_NAME_SIZE];
  static const char *const venues[] = {"a", "sim", "bybit", "match-trader", "binance_usdm", "0", "a0-_9z"};
  for (size_t i = 0; i < sizeof venues / sizeof *venues; i++) {
    assert_true(halt_venue_id(venues[i]) != 0);
    assert_string_equal(halt_name(LEVEL_VENUE, halt_venue_id(venues[i]), name), venues[i]);
  }
  assert_true(halt_venue_id("Sim") == halt_venue_id("sim"));
  assert_true(halt_venue_id("interactivebrokers") != halt_venue_id("interactivebroker2"));
  assert_non_null(strstr(halt_name(LEVEL_VENUE, halt_venue_id("interactivebrokers"), name), "venue#"));
  assert_true(halt_venue_id("") != 0);
  assert_string_equal(halt_name(LEVEL_ALL, 0, name), "everything");
  assert_string_equal(halt_name(LEVEL_TENANT, UINT64_MAX, name), "?");
}

int main(void) {
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
  const struct CMUnitTest tests[] = {TEST(test_what_was_set_is_there_again), TEST(test_an_owner_resumes_only_what_is_the_owners), TEST(test_a_crash_at_any_byte), TEST(test_a_disk_that_fails_again_and_again), TEST(test_what_cannot_be_read_halts_everything),
    TEST(test_it_has_its_room_from_the_start), TEST(test_it_grows_before_it_is_full), TEST(test_the_trigger_names_many),
    TEST(test_without_room_for_a_larger_one_owners_halt_nobody_else), TEST(test_the_trigger), TEST(test_a_service_is_asked_by_the_trigger), TEST(test_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// tests/unit/bot/test_replay_load.c – what was gathered of a run, read again: made by hand, then cut short and damaged everywhere. Whatever comes,
// it is read or refused, and what is read is the run.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/record.h"
#include "bot/replay_load.h"
#include "bot/replay_pack.h"
#include "market/segment.h"
#include "script/spec.h"
#include "script/vm.h"
#include "store/store.h"

#define MINUTE INT64_C(60000000000)
enum { BARS = 50, FROM = 10, COMMANDS_AT = 20 };

static const char script[] = "strategy{ name='s', api=1, params={ n=int{3, min=1, max=9, live=true} } }\nfunction on_bar(ctx, bar) end\n";
static struct err err;

static void put(struct buf *out, enum replay_section_type type, int kind, int64_t number, const void *bytes, size_t len) {
  const struct replay_section s = {(uint32_t)type, kind, number, len};
  buf_add(out, &s, sizeof s);
  buf_add(out, bytes, len);
}
static void put_record(struct buf *out, const struct record *r) {
  struct buf body;
  buf_init(&body, RECORD_BODY_MAX);
  record_put(&body, r);
  put(out, REPLAY_RECORD, (int)r->kind, r->time_ns, body.data ? body.data : "", body.len);
  buf_finish(&body);
}

enum part { HEAD = 1, CODE = 2, BARS_OF = 4, RUN = 8, REST = 16, ALL = 31 };

static void put_script(struct buf *out, uint32_t version) {
  struct script_spec *spec;
  if (script_describe("s.lua", script, sizeof script - 1, NULL, &spec, &err) != OK) fail_msg("%s", err.msg);
  json_t *tree = spec_json(spec);
  char *header = json_dumps(tree, 0);
  put(out, REPLAY_HEADER, 0, version, header, strlen(header));
  put(out, REPLAY_SOURCE, 0, version, script, sizeof script - 1);
  free(header);
  json_decref(tree);
  free(spec);
}

static void put_bars(struct buf *out) {
  struct series s = {.inst = {.symbol = "X", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}}, .timeframe_ns = MINUTE, .volume_scale = 0};
  struct buf packed;
  assert_int_equal(instrument_finish(&s.inst, &err), OK);
  for (int i = 0; i < BARS; i++)
    if (series_append(&s, &(struct bar){.open_ns = i * MINUTE, .open = {100 + i}, .high = {105 + i}, .low = {95 + i}, .close = {101 + i}, .volume = 7}, &err) != OK) fail_msg("%s", err.msg);
  buf_init(&packed, 1 << 20);
  if (series_pack(&s, &packed, &err) != OK) fail_msg("%s", err.msg);
  put(out, REPLAY_SERIES, 0, 0, packed.data, packed.len);
  buf_finish(&packed);
  series_finish(&s);
}

static void put_journal(struct buf *out, bool run, bool rest) {
  struct record r;
  struct buf commands;
  record_init(&r, RECORD_RUN, FROM * MINUTE);
  r.script_id = 5, r.version = 1, r.seed = 7, r.series[0] = 1, r.series_count = 1, r.live_from_ns = FROM * MINUTE;
  r.engine = record_text("1", 1), r.params = record_text("{\"n\":4}", 7), r.settings = record_text("{\"cash\":\"500\"}", 14), r.account = record_text("{\"balance\":\"1000\"}", 18);
  r.state = record_text("{}", 2);
  if (run) put_record(out, &r);
  if (!rest) return;
  buf_init(&commands, 1 << 12);
  for (uint64_t k = 1; k <= 3; k++) record_put_command(&commands, COMMANDS_AT * MINUTE, &(struct bot_command){.kind = COMMAND_RESERVE, .id = k, .time_ns = COMMANDS_AT * MINUTE});
  record_init(&r, RECORD_COMMANDS, COMMANDS_AT * MINUTE);
  r.commands = record_text(commands.data, commands.len);
  put_record(out, &r);
  buf_finish(&commands);
  const int64_t seen_ns = 40 * MINUTE;
  put(out, REPLAY_STATE, 1, 45 * MINUTE, &seen_ns, sizeof seen_ns);
}

static void pack(struct buf *out, unsigned parts) {
  static const char head[] = "{\"bot\":77,\"run\":3,\"version\":1,\"symbol\":\"X\",\"timeframe_ns\":60000000000,\"bars_from_ns\":0,\"to_ns\":9223372036854775807,\"latest\":true,\"account\":{},\"other\":0}";
  buf_init(out, 4u << 20);
  buf_add(out, REPLAY_PACK_WORD, sizeof REPLAY_PACK_WORD - 1);
  if (parts & HEAD) put(out, REPLAY_HEAD, 0, 0, head, sizeof head - 1);
  if (parts & CODE) put_script(out, 1);
  if (parts & BARS_OF) put_bars(out);
  put_journal(out, parts & RUN, parts & REST);
  assert_false(out->failed);
}

static void test_whole(void **state) {
  (void)state;
  struct buf p;
  struct replay_loaded *r;
  struct replay_config config;
  pack(&p, ALL);
  if (replay_load(p.data, p.len, &r, &err) != OK) fail_msg("%s", err.msg);
  buf_finish(&p);  // not used afterwards
  assert_true(replay_loaded_bot(r) == 77 && replay_loaded_run(r) == 3 && replay_loaded_from(r) == FROM * MINUTE && replay_loaded_to(r) == BARS * MINUTE && !replay_loaded_hash(r));
  if (replay_loaded_open(r, NULL, &config, &err) != OK) fail_msg("%s", err.msg);
  assert_true(config.run_from_ns == FROM * MINUTE && config.until_ns == BARS * MINUTE && config.pilot.bot.limits.seed == 7 && config.pilot.blotter.match.deposit.e8 == 500 * CASH_ONE);
  assert_true(config.pilot.bot.values[0].num == 4 && config.finest[0]->count == BARS && config.finest[0]->bars[9].close.ticks == 110);
  size_t commands = 0;
  for (size_t i = 0; i < config.event_count; i++)
    if (config.events[i].kind == REPLAY_COMMAND) assert_true(config.events[i].command.id == ++commands && config.events[i].time_ns == COMMANDS_AT * MINUTE);
  assert_int_equal(commands, 3);
  // Its end is the script's: it saw nothing of what came after.
  const struct replay_event *end = &config.events[config.event_count - 1];
  assert_true(end->kind == REPLAY_RESUME && end->live_from_ns == BARS * MINUTE && end->seen_ns == 40 * MINUTE);
  const struct replay_config seen = replay_loaded_seen(r, &config);
  assert_true(seen.until_ns == 40 * MINUTE && seen.event_count == config.event_count - 1);
  // A fork: what is not another is none; a version that was not gathered; a parameter that is out of range.
  struct replay_fork fork;
  json_t *same = json_pack("{s:i}", "n", 4), *other = json_pack("{s:i}", "n", 5), *wrong = json_pack("{s:i}", "n", 99);
  assert_int_equal(replay_loaded_fork(r, 25 * MINUTE, same, 0, &fork, &err), OK);
  assert_null(fork.pilot);
  assert_int_equal(replay_loaded_fork(r, 25 * MINUTE, other, 0, &fork, &err), OK);
  assert_true(fork.pilot && fork.params && fork.params[0].num == 5 && fork.at_ns == 25 * MINUTE);
  assert_int_equal(replay_loaded_fork(r, 25 * MINUTE, wrong, 0, &fork, &err), ERR_RANGE);
  assert_non_null(strstr(err.msg, "n = 99 is above its maximum 9"));
  assert_int_equal(replay_loaded_fork(r, 25 * MINUTE, NULL, 9, &fork, &err), ERR_NOTFOUND);
  json_decref(same), json_decref(other), json_decref(wrong);
  replay_loaded_destroy(r);
}

static void test_not_whole(void **state) {
  (void)state;
  static const struct { unsigned parts; const char *says; } bad[] = {{ALL & ~HEAD, "not whole"}, {ALL & ~BARS_OF, "not whole"}, {ALL & ~RUN, "does not begin with its first record"},
    {ALL & ~(RUN | REST), "has no records"}, {ALL & ~CODE, ""}};
  struct replay_loaded *r;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct buf p;
    pack(&p, bad[i].parts);
    assert_int_not_equal(replay_load(p.data, p.len, &r, &err), OK);
    if (!strstr(err.msg, bad[i].says)) fail_msg("%s", err.msg);
    buf_finish(&p);
  }
  assert_int_equal(replay_load("PGRPL02\n", 8, &r, &err), ERR_INVALID);
  assert_int_equal(replay_load("", 0, &r, &err), ERR_INVALID);
}

// A run that lives for long goes through many versions.
static void test_versions(void **state) {
  (void)state;
  struct buf p;
  struct replay_loaded *r;
  struct record rec;
  pack(&p, ALL);
  for (int times = 0; times < 2; times++) {
    for (uint32_t v = times ? REPLAY_VERSIONS_MAX + 1 : 2; v <= (uint32_t)(times ? REPLAY_VERSIONS_MAX + 2 : REPLAY_VERSIONS_MAX); v++) put_script(&p, v);
    record_init(&rec, RECORD_VERSION, 21 * MINUTE);
    rec.script_id = 5, rec.version = 300, rec.version_before = 1, rec.params = record_text("{\"n\":4}", 7);
    if (!times) put_record(&p, &rec);
    assert_false(p.failed);
    const enum status st = replay_load(p.data, p.len, &r, &err);
    if (st != (times ? ERR_LIMIT : OK)) fail_msg("%d: %s", times, err.msg);
    if (!times) replay_loaded_destroy(r);
  }
  buf_finish(&p);
}

// In memory of its exact size, so that a sanitizer sees a byte too many.
static enum status load(const char *bytes, size_t len) {
  struct replay_loaded *r;
  char *copy = malloc(len ? len : 1);
  if (len) memcpy(copy, bytes, len);
  const enum status st = replay_load(copy, len, &r, &err);
  free(copy);
  if (st == OK) replay_loaded_destroy(r);
  return st;
}

static void test_damaged(void **state) {
  (void)state;
  struct buf p;
  size_t refused = 0;
  pack(&p, ALL);
  assert_int_equal(load(p.data, p.len), OK);
  for (size_t len = 0; len < p.len; len += 1 + len / 200) refused += load(p.data, len) != OK;
  assert_true(refused > 300);
  refused = 0;
  uint32_t dice = 9;
  for (size_t i = 0; i < p.len; i++) {
    const char was = p.data[i];
    dice = dice * 1664525 + 1013904223;
    p.data[i] = (char)(i % 3 ? (int)(dice >> 24) : was ^ 0x80);
    refused += load(p.data, p.len) != OK;
    p.data[i] = was;
  }
  assert_true(refused > p.len / 10);
  assert_int_equal(load(p.data, p.len), OK);
  buf_finish(&p);
}

static void test_nothing_to_gather(void **state) {
  (void)state;
  char dir[] = "/tmp/perigee-gather-XXXXXX", command[80];
  struct store *store;
  struct buf p;
  assert_true(mkdtemp(dir) && store_open(dir, &(struct store_options){NULL}, &store, &err) == OK);
  const struct replay_wish whose[] = {{.bot_id = 5, .to_ns = INT64_MAX}, {.bot_id = 5, .tenant_id = 1, .to_ns = INT64_MAX}};
  for (size_t i = 0; i < 2; i++) {
    buf_init(&p, REPLAY_PACK_MAX);
    assert_int_equal(replay_gather(store_reader(store, STORE_CONTROL), store_reader(store, STORE_JOURNAL), &whose[i], &p, &err), ERR_NOTFOUND);
    buf_finish(&p);
  }
  store_close(store);
  snprintf(command, sizeof command, "rm -rf %s", dir);
  assert_int_equal(system(command), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_not_whole), cmocka_unit_test(test_versions), cmocka_unit_test(test_damaged), cmocka_unit_test(test_nothing_to_gather)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

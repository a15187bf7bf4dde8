// tests/unit/bot/host_rig.c – see host_rig.h.
#include "host_rig.h"

#include "loop/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

void rig_must(enum status st, const struct err *err) {
  if (st != OK) fail_msg("%s", err->msg);
}

void rig_feed(struct rig *r) {
  struct err err;
  struct host_feed_config config = {.watchdog = r->dog, .wall_ns = clock_monotonic_ns, .cpu_ns = clock_thread_cpu_ns};
  rig_must(host_feed_create(&config, &r->feed, &err), &err);
  core_put_hello(&r->core, &r->to);
}

void rig_open(struct rig *r, size_t bars) {
  struct err err;
  *r = (struct rig){0};
  buf_init(&r->to, 64 << 20);
  rig_must(watchdog_create(&r->dog, &err), &err);
  core_init(&r->core, bars);
  rig_feed(r);
}

void rig_close(struct rig *r) {
  host_feed_destroy(r->feed);
  watchdog_destroy(r->dog);
  core_finish(&r->core);
  buf_finish(&r->to);
}

// Everything that is to be said, both ways.
void rig_talk(struct rig *r) {
  struct err err;
  rig_must(host_feed_bytes(r->feed, r->to.data, r->to.len, &err), &err);
  buf_clear(&r->to);
  struct buf *out = host_feed_out(r->feed);
  assert_int_equal(core_take(&r->core, out->data, out->len), out->len);
  buf_clear(out);
}

void rig_instants(struct rig *r, size_t n) {
  for (size_t i = 0; i < n; i++) {
    core_put_instant(&r->core, &r->to);
    rig_talk(r);
    core_end(&r->core);
    assert_true(r->core.done_ns == r->core.data.bars[r->core.shown - 1].open_ns + NS_PER_MINUTE);
  }
}

void rig_open_bots(struct rig *r) {
  for (int i = 0; i < r->core.bot_count; i++) core_put_open(&r->core, &r->core.bots[i], &r->to);
  rig_talk(r);
}

void rig_same_hashes(struct rig *r) {
  char want[SHA256_HEX_SIZE];
  for (int i = 0; i < r->core.bot_count; i++)
    if (!r->core.bots[i].gone) wire_put_digest(&r->to, r->core.bots[i].id);
  rig_talk(r);
  for (int i = 0; i < r->core.bot_count; i++) {
    if (r->core.bots[i].gone) continue;
    core_hash(&r->core.bots[i], want);
    assert_string_equal(r->core.bots[i].hash, want);
    matcher_check(blotter_matcher(r->core.bots[i].blotter));
  }
}

// The host is gone, and another takes its place.
void rig_restart(struct rig *r) {
  host_feed_destroy(r->feed);
  rig_feed(r);
  rig_open_bots(r);
  char want[SHA256_HEX_SIZE];
  for (int i = 0; i < r->core.bot_count; i++) {
    struct core_bot *b = &r->core.bots[i];
    if (!b->opened) fail_msg("bot %llu: %s", (unsigned long long)b->id, b->fault_text);
    core_hash(b, want);
    assert_string_equal(b->as_opened.hash, want);
  }
}


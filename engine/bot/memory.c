// bot/memory.c – see memory.h. Layout: version, next tag; tags (number, text), targets (order), ladders (table below),
// timers (since version 2), each after a count.
#include "bot/memory.h"

#include "bot/bot_impl.h"
#include "bot/wire_codec.h"
#include "market/tz.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_VERSION 2
#define RUNGS_MAX 100
#define TARGETS_MAX 4096
#define TAG_BYTES(b, i) (6 + strlen((b)->tags[i]))

#define COUNT(member) FIELD(struct ladder, member, 0, INT64_MAX)
static const struct wire_field ladder_fields[] = {
    FIELD(struct ladder, req.symbol, 0, INT32_MAX), FIELD(struct ladder, req.side, SIDE_SELL, SIDE_BUY), FIELD(struct ladder, req.rungs, 0, RUNGS_MAX),
    COUNT(req.step_frac_e8), COUNT(req.step_k_e6), COUNT(req.base_e8), COUNT(req.vol_k_e6), COUNT(req.tp_frac_e8), COUNT(req.sl_frac_e8),
    FIELD(struct ladder, req.tag, 0, TAGS_MAX - 1), ANY(struct ladder, base_id), ANY(struct ladder, tp_id), ANY(struct ladder, sl_id),
    FIELD(struct ladder, rung_count, 0, RUNGS_MAX), ANY(struct ladder, position_lots), FIELD(struct ladder, placed, 0, 1),
};

static const struct wire_field timer_fields[] = {
    FIELD(struct timer, every_ns, 0, INT64_MAX), ANY(struct timer, due_ns), FIELD(struct timer, second_of_day, -1, 86399),
};

// ---- saving

// Tags that must come back: a working order or a ladder has them.
static void tags_needed(const struct bot *b, unsigned char *ret_needed) {
  for (int symbol = 0; symbol < b->account->symbol_count; symbol++) {
    size_t pos = 0;
    for (const struct order *o; (o = matcher_working(b->matcher, symbol, &pos));)
      if (o->tag < b->tag_count) ret_needed[o->tag] = 1;
  }
  for (int i = 0; b->ladders && i < LADDERS_MAX; i++)
    if (b->ladders[i].used) ret_needed[b->ladders[i].req.tag] = 1;
}

static bool put_tags(const struct bot *b, struct buf *out, size_t most) {
  unsigned char needed[TAGS_MAX] = {0};
  size_t bytes = 0, room = most, count = 0;
  tags_needed(b, needed);
  for (uint32_t i = TAG_FIRST_FREE; i < b->tag_count; i++)
    if (needed[i] && b->tags[i]) bytes += TAG_BYTES(b, i), count++;
  if (bytes > room) return false;
  room -= bytes;
  for (uint32_t i = b->tag_count; i-- > TAG_FIRST_FREE;) {  // of the others the newest
    if (needed[i] || !b->tags[i]) continue;
    if (TAG_BYTES(b, i) > room) break;
    room -= TAG_BYTES(b, i);
    needed[i] = 1;
    count++;
  }
  wire_put(out, count, 4);
  for (uint32_t i = TAG_FIRST_FREE; i < b->tag_count; i++) {
    if (!needed[i] || !b->tags[i]) continue;
    size_t len = strlen(b->tags[i]);
    wire_put(out, i, 4);
    wire_put(out, len, 2);
    buf_add(out, b->tags[i], len);
  }
  return true;
}

static void put_ladder(struct buf *out, int slot, const struct ladder *l) {
  wire_put(out, (uint64_t)slot, 1);
  wire_put_fields(out, l, ladder_fields, LENGTH(ladder_fields));
  wire_put(out, (uint64_t)l->cost, 8);
  wire_put(out, (uint64_t)(l->cost >> 64), 8);
  for (int i = 0; i < l->rung_count; i++) wire_put(out, l->rungs[i], 8);
}

static void put_timer(struct buf *out, const struct timer *t) {
  wire_put_text(out, t->name);
  wire_put_text(out, t->tz ? tz_name(t->tz) : "");
  wire_put_fields(out, t, timer_fields, LENGTH(timer_fields));
}

bool bot_memory_save(const struct bot *b, struct buf *ret, size_t most) {
  struct buf tail;
  size_t ladders = 0, targets = 0, timers = 0;
  for (int i = 0; b->timers && i < TIMERS_MAX; i++) timers += b->timers[i].used;
  for (int i = 0; b->ladders && i < LADDERS_MAX; i++) ladders += b->ladders[i].used;
  for (size_t i = 0; i < b->target_count; i++) {
    const struct order *o = matcher_order(b->matcher, b->targets[i]);
    targets += o && order_alive(o);
  }
  if (b->tag_count == TAG_FIRST_FREE && !ladders && !targets && !timers) return true;
  buf_init(&tail, most);
  wire_put(&tail, targets, 4);
  for (size_t i = 0; i < b->target_count; i++) {
    const struct order *o = matcher_order(b->matcher, b->targets[i]);
    if (o && order_alive(o)) wire_put(&tail, b->targets[i], 8);
  }
  wire_put(&tail, ladders, 1);
  for (int i = 0; b->ladders && i < LADDERS_MAX; i++)
    if (b->ladders[i].used) put_ladder(&tail, i, &b->ladders[i]);
  wire_put(&tail, timers, 1);
  for (int i = 0; b->timers && i < TIMERS_MAX; i++)
    if (b->timers[i].used) put_timer(&tail, &b->timers[i]);
  const size_t head = 1 + 4 + 4;
  bool fits = !tail.failed && tail.len + head <= most;
  wire_put(ret, MEMORY_VERSION, 1);
  wire_put(ret, b->tag_count, 4);
  fits = fits && put_tags(b, ret, most - tail.len - head);
  if (fits) buf_add(ret, tail.data, tail.len);
  buf_finish(&tail);
  return fits && !ret->failed;
}

// ---- loading

static enum status tag_load(struct bot *b, struct wire_cursor *c, struct err *err) {
  uint32_t number = (uint32_t)wire_get(c, 4);
  struct wire_text t = wire_get_text(c, 2, UINT16_MAX);
  if (c->fault) return OK;
  if (number < TAG_FIRST_FREE || number >= b->tag_count || b->tags[number] || t.len == 0 || memchr(t.text, 0, t.len)) {
    c->fault = "a tag";
    return OK;
  }
  char *copy = strndup(t.text, t.len);
  if (!copy) return err_set(err, ERR_NOMEM, "bot: out of memory");
  b->tags[number] = copy;
  return OK;
}

static enum status tags_load(struct bot *b, struct wire_cursor *c, struct err *err) {
  uint64_t next = wire_get(c, 4);
  if (!c->fault && (next < TAG_FIRST_FREE || next > TAGS_MAX || b->tag_count != TAG_FIRST_FREE)) c->fault = "the next tag";
  if (c->fault) return OK;
  char **tags = realloc(b->tags, next * sizeof *tags);
  if (!tags) return err_set(err, ERR_NOMEM, "bot: out of memory");
  memset(tags + b->tag_count, 0, (next - b->tag_count) * sizeof *tags);
  b->tags = tags;
  b->tag_count = b->tag_cap = (uint32_t)next;
  uint64_t count = wire_get(c, 4);
  enum status st = OK;
  for (uint64_t i = 0; st == OK && !c->fault && i < count; i++) st = tag_load(b, c, err);
  return st;
}

static enum status targets_load(struct bot *b, struct wire_cursor *c, struct err *err) {
  uint64_t count = wire_get(c, 4);
  if (!c->fault && count > TARGETS_MAX) c->fault = "too many targets";
  if (c->fault || count == 0) return OK;
  b->targets = malloc(count * sizeof *b->targets);
  if (!b->targets) return err_set(err, ERR_NOMEM, "bot: out of memory");
  b->target_cap = count;
  for (uint64_t i = 0; i < count; i++) b->targets[b->target_count++] = wire_get(c, 8);
  return OK;
}

static void ladder_load(struct bot *b, struct wire_cursor *c) {
  uint64_t slot = wire_get(c, 1);
  struct ladder l = {0};
  wire_get_fields(c, &l, ladder_fields, LENGTH(ladder_fields));
  uint64_t low = wire_get(c, 8), high = wire_get(c, 8);
  l.cost = (int128)((unsigned __int128)high << 64 | low);
  for (int i = 0; !c->fault && i < l.rung_count; i++) l.rungs[i] = wire_get(c, 8);
  if (c->fault) return;
  const struct match_config *m = matcher_config(b->matcher);
  if (slot >= LADDERS_MAX || b->ladders[slot].used || l.req.symbol >= b->account->symbol_count || l.req.side == 0 || l.req.tag >= b->tag_count ||
      m->hedging != b->spec->hedging || l.cost < 0 || high >> 34) {
    c->fault = "a ladder";
    return;
  }
  l.used = true;
  b->ladders[slot] = l;
}

static enum status ladders_load(struct bot *b, struct wire_cursor *c, struct err *err) {
  uint64_t count = wire_get(c, 1);
  if (!c->fault && count > LADDERS_MAX) c->fault = "too many ladders";
  if (c->fault || count == 0) return OK;
  if (!b->ladders && !(b->ladders = calloc(LADDERS_MAX, sizeof *b->ladders))) return err_set(err, ERR_NOMEM, "bot: out of memory");
  for (uint64_t i = 0; !c->fault && i < count; i++) ladder_load(b, c);
  return OK;
}

// Those that were due meanwhile are due now: they fire once.
static enum status timer_load(struct bot *b, struct timer *t, struct wire_cursor *c, struct err *err) {
  const struct wire_text name = wire_get_text(c, 2, SPEC_NAME_MAX - 1), tz = wire_get_text(c, 2, WIRE_TEXT_MAX);
  wire_get_fields(c, t, timer_fields, LENGTH(timer_fields));
  if (!c->fault && (memchr(name.text, 0, name.len) || (t->second_of_day < 0) != (t->every_ns > 0) || (t->second_of_day < 0) != (tz.len == 0))) c->fault = "a timer";
  if (c->fault) return OK;
  memcpy(t->name, name.text, name.len);
  if (tz.len) {
    char zone[WIRE_TEXT_MAX + 1];
    memcpy(zone, tz.text, tz.len);
    zone[tz.len] = '\0';
    enum status st = tz_load(zone, &t->tz, err);
    if (st != OK) return st;
  }
  t->used = true;
  if (t->due_ns < b->timer_next_ns) b->timer_next_ns = t->due_ns;
  return OK;
}

static enum status timers_load(struct bot *b, struct wire_cursor *c, struct err *err) {
  uint64_t count = wire_get(c, 1);
  if (!c->fault && (count > TIMERS_MAX || b->timers)) c->fault = "too many timers";
  if (c->fault || count == 0) return OK;
  if (!(b->timers = calloc(TIMERS_MAX, sizeof *b->timers))) return err_set(err, ERR_NOMEM, "bot: out of memory");
  enum status st = OK;
  for (uint64_t i = 0; st == OK && !c->fault && i < count; i++) st = timer_load(b, &b->timers[i], c, err);
  return st;
}

enum status bot_memory_load(struct bot *b, const void *bytes, size_t len, struct err *err) {
  if (len == 0) return OK;
  struct wire_cursor c = {bytes, len, NULL};
  const uint64_t version = wire_get(&c, 1);
  if (!c.fault && (version < 1 || version > MEMORY_VERSION)) c.fault = "another version";
  enum status st = tags_load(b, &c, err);
  if (st == OK) st = targets_load(b, &c, err);
  if (st == OK) st = ladders_load(b, &c, err);
  if (st == OK && version > 1) st = timers_load(b, &c, err);
  if (st == OK && !c.fault && c.left) c.fault = "bytes after its end";
  return st == OK && c.fault ? err_set(err, ERR_INVALID, "what was remembered of the bot cannot be read: %s", c.fault) : st;
}

void bot_memory_tags(const void *bytes, size_t len, void (*tag)(void *self, uint32_t number, const char *text, size_t len), void *self) {
  struct wire_cursor c = {bytes, len, NULL};
  if (len == 0 || wire_get(&c, 1) != MEMORY_VERSION || c.fault) return;
  (void)wire_get(&c, 4);
  const uint64_t count = wire_get(&c, 4);
  for (uint64_t i = 0; !c.fault && i < count; i++) {
    const uint32_t number = (uint32_t)wire_get(&c, 4);
    const struct wire_text t = wire_get_text(&c, 2, UINT16_MAX);
    if (!c.fault) tag(self, number, t.text, t.len);
  }
}

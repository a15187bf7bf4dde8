// bot/live_shelf.c – the commands of a bot's run, which whoever opens its script is told again. Only those that are on their way to the
// journal are kept; of the others their ids there, one or two bytes each: a bot that trades for months must not cost more every day.
#include "bot/live_impl.h"

#include "store/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PAST_BYTES (4u << 20)  // live_options.past_bytes

static size_t commands_of(const struct record *r) {
  struct bot_command c;
  size_t count = 0;
  for (size_t at = 0; record_command_next(r, &at, &c);) count++;
  return count;
}

// id: in the journal; 0: on its way there.
void live_past_add(struct live_bot *b, int64_t id, const struct record *r) {
  if (b->past_count == b->past_cap) {
    const size_t cap = b->past_cap ? b->past_cap * 2 : 8;
    struct live_past *past = realloc(b->past, cap * sizeof *past);
    if (!past) {
      b->past_bytes.failed = true;
      return;
    }
    b->past = past;
    b->past_cap = cap;
  }
  const struct live_past p = {.time_ns = r->time_ns, .id = id, .offset = (uint32_t)b->past_bytes.len, .len = (uint32_t)r->commands.len, .imposed = r->kind == RECORD_IMPOSED};
  buf_add(&b->past_bytes, r->commands.text, r->commands.len);
  if (b->past_bytes.failed) return;
  b->past[b->past_count++] = p;
  if (id && b->past_known == b->past_count - 1) b->past_known++;
  b->past_commands += commands_of(r);
}

// Of a run that is being read, which may be longer than memory: only the newest of what the journal has is kept.
void live_past_read_one(struct live_bot *b, int64_t id, const struct record *r) {
  const size_t most = b->live->config.past_bytes ? b->live->config.past_bytes : PAST_BYTES;
  if (b->past_bytes.len + r->commands.len > most && b->past_known == b->past_count) live_past_shelve(b);
  live_past_add(b, id, r);
}

void live_past_forget(struct live_bot *b) {
  free(b->past);
  b->past = NULL;
  b->past_count = b->past_cap = b->past_known = b->past_commands = 0;
  b->shelf_count = 0;
  b->shelf_before = b->shelf_last = 0;
  b->shelf_read = (struct live_shelf_place){0};
  b->base = (struct live_base){.time_ns = INT64_MIN};
  b->image_serial++;
  b->imaging = b->telling = b->past_torn = false;
  live_image_later(b);
  buf_finish(&b->past_bytes);
  buf_init(&b->past_bytes, 64u << 20);
  buf_finish(&b->shelf);
  buf_init(&b->shelf, 64u << 20);
}

// Records of one bot are committed in their order (live_hand_over).
void live_past_committed(struct live *l, const struct journal_batch *rows) {
  struct live_bot *b = NULL;
  for (size_t i = 0; i < rows->record_count; i++) {
    const struct journal_record *r = &rows->records[i];
    if (r->kind != RECORD_COMMANDS && r->kind != RECORD_IMPOSED) continue;
    if (!b || b->id != r->bot_id) b = live_find(l, r->bot_id);
    if (!b || !b->clerk || b->run != r->run || b->past_known == b->past_count) continue;
    struct live_past *p = &b->past[b->past_known];
    if (p->time_ns != r->time_ns) continue;  // not this one's: it stays in memory
    p->id = r->id;
    b->past_known++;
  }
}

// Rising ids, as the difference to the one before, seven bits a byte.
static void put_id(struct live_bot *b, int64_t id) {
  unsigned char bytes[10];
  size_t n = 0;
  uint64_t v = (uint64_t)(id - b->shelf_last);
  do {
    bytes[n++] = (unsigned char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
    v >>= 7;
  } while (v);
  buf_add(&b->shelf, bytes, n);
  b->shelf_last = id;
}

static int64_t next_id(const struct live_bot *b, struct live_shelf_place *p) {
  uint64_t v = 0;
  if (p->n == 0) p->id = b->shelf_before;
  for (int shift = 0;; shift += 7) {
    const unsigned char c = (unsigned char)b->shelf.data[p->at++];
    v |= (uint64_t)(c & 0x7f) << shift;
    if (!(c & 0x80)) break;
  }
  p->n++;
  p->id += (int64_t)v;
  return p->id;
}

// The first n, all of them known, are elsewhere now.
static void cut_past(struct live_bot *b, size_t n) {
  b->past_known -= n;
  b->past_count -= n;
  memmove(b->past, b->past + n, b->past_count * sizeof *b->past);
  if (b->past_count) {
    const uint32_t from = b->past[0].offset;
    memmove(b->past_bytes.data, b->past_bytes.data + from, b->past_bytes.len - from);
    b->past_bytes.len -= from;
    for (size_t i = 0; i < b->past_count; i++) b->past[i].offset -= from;
  } else if (b->past_cap > 256) {  // a whole run was read
    free(b->past);
    b->past = NULL;
    b->past_cap = 0;
    buf_finish(&b->past_bytes);
    buf_init(&b->past_bytes, 64u << 20);
  } else {
    buf_clear(&b->past_bytes);
  }
}

void live_past_shelve(struct live_bot *b) {
  size_t n = 0;
  for (; n < b->past_known; n++) {
    const size_t len = b->shelf.len;
    const int64_t last = b->shelf_last;
    put_id(b, b->past[n].id);
    if (!b->shelf.failed) continue;
    b->shelf.failed = false;  // no memory: they stay as they are
    b->shelf.len = len;
    b->shelf_last = last;
    break;
  }
  if (!n) return;
  b->shelf_count += n;
  cut_past(b, n);
}

// The first so many records, with so many commands, are in the image with which the past begins from here on.
void live_past_drop(struct live_bot *b, size_t records, size_t commands) {
  struct live_shelf_place p = {0};
  assert(records <= b->shelf_count + b->past_known && commands <= b->past_commands);
  while (p.n < records && p.n < b->shelf_count) (void)next_id(b, &p);
  if (p.n) {
    memmove(b->shelf.data, b->shelf.data + p.at, b->shelf.len - p.at);
    b->shelf.len -= p.at;
    b->shelf_count -= p.n;
    b->shelf_before = p.id;
  }
  b->shelf_read = (struct live_shelf_place){0};
  b->past_commands -= commands;
  if (records > p.n) cut_past(b, records - p.n);
}

void live_past_record(const struct live_bot *b, size_t i, struct record *ret) {
  const struct live_past *p = &b->past[i];
  record_init(ret, p->imposed ? RECORD_IMPOSED : RECORD_COMMANDS, p->time_ns);
  ret->commands = record_text(b->past_bytes.data + p->offset, p->len);
}

// ---- in their order

void live_reading_begin(struct live_reading *r, struct live_bot *b) {
  *r = (struct live_reading){.bot = b, .past_end = b->past_count};
  buf_init(&r->bytes, 64u << 20);  // of what one instant needs at a time
}

void live_reading_end(struct live_reading *r) {
  free(r->items);
  buf_finish(&r->bytes);
}

static bool take_copy(struct live_reading *r, const struct record *rec) {
  if (r->count == r->cap) {
    const size_t cap = r->cap ? 2 * r->cap : 16;
    struct live_past *items = realloc(r->items, cap * sizeof *items);
    if (!items) return false;
    r->items = items;
    r->cap = cap;
  }
  const struct live_past p = {.time_ns = rec->time_ns, .offset = (uint32_t)r->bytes.len, .len = (uint32_t)rec->commands.len, .imposed = rec->kind == RECORD_IMPOSED};
  buf_add(&r->bytes, rec->commands.text, rec->commands.len);
  if (r->bytes.failed) return false;
  r->items[r->count++] = p;
  return true;
}

static bool take_journalled(void *arg, const struct journal_record *j) {
  struct live_reading *r = arg;
  struct record rec;
  struct err err;
  r->got = record_read(j->kind, j->time_ns, j->body, j->len, &rec, &err) == OK && take_copy(r, &rec);
  return false;
}

static bool read_next(struct live_reading *r) {
  struct live_bot *b = r->bot;
  struct record rec;
  if (r->place.n == b->shelf_count && r->past_at == r->past_end) return false;
  if (r->at > 0 && (r->at == r->count || r->at >= 256)) {  // what was taken goes
    const uint32_t from = r->at == r->count ? (uint32_t)r->bytes.len : r->items[r->at].offset;
    memmove(r->bytes.data, r->bytes.data + from, r->bytes.len - from);
    r->bytes.len -= from;
    r->count -= r->at;
    memmove(r->items, r->items + r->at, r->count * sizeof *r->items);
    for (size_t i = 0; i < r->count; i++) r->items[i].offset -= from;
    r->at = 0;
  }
  r->got = false;
  if (r->place.n < b->shelf_count) {
    struct err err;
    if (journal_record_get(store_reader(b->live->config.store, STORE_JOURNAL), next_id(b, &r->place), take_journalled, r, &err) != OK) r->got = false;
  } else {
    live_past_record(b, r->past_at++, &rec);
    r->got = take_copy(r, &rec);
  }
  r->failed |= !r->got;
  return r->got;
}

bool live_reading_peek(struct live_reading *r, size_t n, struct record *ret) {
  while (!r->failed && r->at + n >= r->count)
    if (!read_next(r)) return false;
  if (r->failed) return false;
  const struct live_past *p = &r->items[r->at + n];
  record_init(ret, p->imposed ? RECORD_IMPOSED : RECORD_COMMANDS, p->time_ns);
  ret->commands = record_text(r->bytes.data + p->offset, p->len);
  return true;
}

void live_reading_pop(struct live_reading *r) { r->at++; }

// ---- telling a host

struct telling {
  uint64_t id;
  struct buf *out;
  bool told;
};

static void put(struct telling *t, const struct record *r) {
  struct bot_command c;
  for (size_t at = 0; record_command_next(r, &at, &c);) {
    c.imposed = r->kind == RECORD_IMPOSED;
    wire_put_restore(t->out, t->id, &c);
  }
  t->told = true;
}

static bool put_journalled(void *arg, const struct journal_record *j) {
  struct record r;
  struct err err;
  if (record_read(j->kind, j->time_ns, j->body, j->len, &r, &err) == OK) put(arg, &r);
  return false;
}

// A record has one number, wherever it is, so what is committed meanwhile changes nothing.
enum status live_past_put(struct live_bot *b, uint64_t id, size_t *cursor, struct buf *out, bool *ret_all, struct err *err) {
  struct db *db = store_reader(b->live->config.store, STORE_JOURNAL);
  struct telling t = {.id = id, .out = out};
  enum status st = OK;
  if (b->shelf_read.n > *cursor) b->shelf_read = (struct live_shelf_place){0};
  while (b->shelf_read.n < *cursor && b->shelf_read.n < b->shelf_count) (void)next_id(b, &b->shelf_read);
  for (; st == OK && *cursor < b->shelf_count && out->len < FLEET_OPEN_BYTES / 2; ++*cursor) {
    t.told = false;
    st = journal_record_get(db, next_id(b, &b->shelf_read), put_journalled, &t, err);
    if (st == OK && !t.told) st = err_set(err, ERR_INVALID, "run %u: a record of the journal cannot be read", b->run);
  }
  for (; st == OK && *cursor >= b->shelf_count && *cursor - b->shelf_count < b->past_count && out->len < FLEET_OPEN_BYTES / 2; ++*cursor) {
    struct record r;
    live_past_record(b, *cursor - b->shelf_count, &r);
    put(&t, &r);
  }
  *ret_all = *cursor >= b->shelf_count + b->past_count;
  return st;
}

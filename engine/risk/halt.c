// risk/halt.c – a sorted list of who is halted, and its record: header, entries, SHA-256 over all before it.
#include "risk/halt.h"

#include <assert.h>
#include <string.h>

#include "crypto/sha256.h"

enum { HEADER_BYTES = 64, ENTRY_BYTES = 32, CHECK_AT = HALT_RECORD_BYTES - SHA256_BYTES };
_Static_assert(HEADER_BYTES + HALT_ENTRIES * ENTRY_BYTES <= CHECK_AT, "the record holds all entries");
static const uint8_t magic[8] = "PGHALT01";

void halt_init(struct halt_state *s) {
  memset(s, 0, sizeof *s);
  s->epoch = 1;
  s->all.level = LEVEL_ALL;
}

static bool level_listed(enum refusal_level l) { return l == LEVEL_VENUE || l == LEVEL_TENANT || l == LEVEL_BOT; }

// Index of the entry, or where it would stand.
static uint32_t place(const struct halt_state *s, enum refusal_level level, uint64_t id) {
  uint32_t low = 0, high = s->count;
  while (low < high) {
    uint32_t mid = (low + high) / 2;
    const struct halt_entry *e = &s->entries[mid];
    if (e->level < level || (e->level == level && e->id < id)) low = mid + 1;
    else high = mid;
  }
  return low;
}

const struct halt_entry *halt_find(const struct halt_state *s, enum refusal_level level, uint64_t id) {
  if (level == LEVEL_ALL) return s->all.mode != HALT_NONE ? &s->all : NULL;
  uint32_t at = place(s, level, id);
  return at < s->count && s->entries[at].level == level && s->entries[at].id == id ? &s->entries[at] : NULL;
}

uint64_t halt_set(struct halt_state *s, enum refusal_level level, uint64_t id, enum halt_mode mode, enum halt_cause cause,
                  int64_t now_ns) {
  assert((level == LEVEL_ALL && id == 0) || level_listed(level));
  assert(mode > HALT_NONE && mode < HALT_MODE_COUNT && cause > HALT_BY_NONE && cause < HALT_CAUSE_COUNT);
  struct halt_entry *e = level == LEVEL_ALL ? &s->all : NULL;
  if (!e) {
    uint32_t at = place(s, level, id);
    e = &s->entries[at];
    if (at == s->count || e->level != level || e->id != id) {
      if (s->count == HALT_ENTRIES) return halt_set(s, LEVEL_ALL, 0, mode, HALT_BY_TABLE_FULL, now_ns);
      memmove(e + 1, e, (s->count - at) * sizeof *e);
      *e = (struct halt_entry){.id = id, .level = (uint8_t)level};
      s->count++;
    }
  }
  s->epoch++;
  if (mode > e->mode)
    *e = (struct halt_entry){.id = id, .epoch = s->epoch, .at_ns = now_ns, .level = (uint8_t)level, .mode = (uint8_t)mode,
                             .cause = (uint8_t)cause};
  return s->epoch;
}

bool halt_clear(struct halt_state *s, enum refusal_level level, uint64_t id) {
  struct halt_entry *e = (struct halt_entry *)halt_find(s, level, id);
  if (!e) return false;
  if (level == LEVEL_ALL) {
    *e = (struct halt_entry){.level = LEVEL_ALL};
  } else {
    s->count--;
    memmove(e, e + 1, (size_t)(s->entries + s->count - e) * sizeof *e);
  }
  s->epoch++;
  return true;
}

enum halt_mode halt_mode_of(const struct halt_state *s, const struct halt_order *o, const struct halt_entry **ret_entry) {
  const struct halt_entry *strictest = s->all.mode != HALT_NONE ? &s->all : NULL;
  const struct { enum refusal_level level; uint64_t id; } keys[] = {
    {LEVEL_VENUE, o->venue}, {LEVEL_TENANT, o->tenant}, {LEVEL_BOT, o->bot}};
  for (size_t i = 0; s->count > 0 && i < sizeof keys / sizeof *keys; i++) {
    const struct halt_entry *e = halt_find(s, keys[i].level, keys[i].id);
    if (e && (!strictest || e->mode > strictest->mode)) strictest = e;
  }
  *ret_entry = strictest;
  return strictest ? strictest->mode : HALT_NONE;
}

bool halt_blocks(const struct halt_state *s, const struct halt_order *o, struct refusal *ret_why) {
  const struct halt_entry *e;
  enum halt_mode mode = halt_mode_of(s, o, &e);
  bool passes = mode == HALT_NONE || (mode == HALT_REDUCE && o->reduces) || (mode == HALT_FLATTEN && o->reduces && o->by_engine);
  static const enum refusal_rule rules[HALT_MODE_COUNT] = {
      [HALT_REDUCE] = REFUSE_HALT_REDUCE, [HALT_SILENT] = REFUSE_HALTED, [HALT_FLATTEN] = REFUSE_HALT_FLATTEN};
  if (!passes) refuse(ret_why, rules[mode], e->level, 0, (int64_t)e->epoch);
  return !passes;
}

// --- the record: little-endian whatever the machine ---------------------------------------------------------------------

static void put64(uint8_t *at, uint64_t v) {
  for (int i = 0; i < 8; i++, v >>= 8) at[i] = (uint8_t)v;
}
static uint64_t get64(const uint8_t *at) {
  uint64_t v = 0;
  for (int i = 7; i >= 0; i--) v = v << 8 | at[i];
  return v;
}

static void put_entry(uint8_t *at, const struct halt_entry *e) {
  put64(at, e->id);
  put64(at + 8, e->epoch);
  put64(at + 16, (uint64_t)e->at_ns);
  at[24] = e->level, at[25] = e->mode, at[26] = e->cause;
}

static bool get_entry(const uint8_t *at, struct halt_entry *e) {
  *e = (struct halt_entry){.id = get64(at), .epoch = get64(at + 8), .at_ns = (int64_t)get64(at + 16), .level = at[24],
                           .mode = at[25], .cause = at[26]};
  return e->mode < HALT_MODE_COUNT && e->cause < HALT_CAUSE_COUNT;
}

static void digest(const uint8_t *record, uint8_t ret[SHA256_BYTES]) {
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  sha256_update(&ctx, record, CHECK_AT);
  sha256_finish(&ctx, ret);
}

void halt_encode(const struct halt_state *s, uint8_t record[HALT_RECORD_BYTES]) {
  memset(record, 0, HALT_RECORD_BYTES);
  memcpy(record, magic, sizeof magic);
  put64(record + 8, s->epoch);
  put64(record + 16, s->count);
  put_entry(record + 24, &s->all);
  for (uint32_t i = 0; i < s->count; i++) put_entry(record + HEADER_BYTES + i * ENTRY_BYTES, &s->entries[i]);
  digest(record, record + CHECK_AT);
}

bool halt_decode(const uint8_t record[HALT_RECORD_BYTES], struct halt_state *ret) {
  uint8_t check[SHA256_BYTES];
  static const struct halt_entry none = {0};
  digest(record, check);
  if (memcmp(check, record + CHECK_AT, sizeof check) != 0 || memcmp(record, magic, sizeof magic) != 0) return false;
  uint64_t epoch = get64(record + 8), count = get64(record + 16);
  struct halt_entry all, e, last = none;
  if (epoch == 0 || count > HALT_ENTRIES || !get_entry(record + 24, &all) || all.level != LEVEL_ALL || all.id != 0) return false;
  for (uint64_t i = 0; i < count; i++) {  // all of it before anything is written
    if (!get_entry(record + HEADER_BYTES + i * ENTRY_BYTES, &e) || !level_listed(e.level) || e.mode == HALT_NONE) return false;
    if (i > 0 && (last.level > e.level || (last.level == e.level && last.id >= e.id))) return false;
    last = e;
  }
  ret->epoch = epoch;
  ret->all = all;
  ret->count = (uint32_t)count;
  for (uint64_t i = 0; i < count; i++) get_entry(record + HEADER_BYTES + i * ENTRY_BYTES, &ret->entries[i]);
  return true;
}

const char *halt_mode_text(enum halt_mode m) {
  static const char *const names[] = {
#define X(name, text) text,
    HALT_MODE_LIST(X)
#undef X
  };
  assert((unsigned)m < HALT_MODE_COUNT);
  return names[m];
}

const char *halt_cause_text(enum halt_cause c) {
  static const char *const names[] = {
#define X(name, text) text,
    HALT_CAUSE_LIST(X)
#undef X
  };
  assert((unsigned)c < HALT_CAUSE_COUNT);
  return names[c];
}

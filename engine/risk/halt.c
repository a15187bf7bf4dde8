// risk/halt.c – a sorted list of who is halted, and its record: header, entries, SHA-256 over all before it.
#include "risk/halt.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"

enum { HEADER_BYTES = 64, ENTRY_BYTES = 32 };
_Static_assert(HEADER_BYTES + HALT_ENTRIES * ENTRY_BYTES <= HALT_RECORD_BYTES - SHA256_BYTES, "the smallest record holds its entries, so do larger ones");
static const uint8_t magic[8] = "PGHALT01";

void halt_init(struct halt_state *s) {
  memset(s, 0, offsetof(struct halt_state, entries));
  s->epoch = 1;
  s->capacity = HALT_ENTRIES;
  s->all.level = LEVEL_ALL;
}

void halt_copy(struct halt_state *ret, const struct halt_state *s) {
  memcpy(ret, s, offsetof(struct halt_state, entries) + s->count * sizeof *s->entries);
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
      if (s->count >= s->capacity)
        return halt_fold(s, now_ns) ? halt_set(s, level, id, mode, cause, now_ns) : halt_set(s, LEVEL_ALL, 0, mode, HALT_BY_TABLE_FULL, now_ns);
      memmove(e + 1, e, (s->count - at) * sizeof *e);
      *e = (struct halt_entry){.id = id, .level = (uint8_t)level};
      s->count++;
    }
  }
  s->epoch++;
  if (mode > e->mode)
    *e = (struct halt_entry){.id = id, .epoch = s->epoch, .at_ns = now_ns, .owner = e->owner, .level = (uint8_t)level, .mode = (uint8_t)mode,
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

// --- room --------------------------------------------------------------------------------------------------------------

void halt_own(struct halt_state *s, uint64_t bot, uint64_t tenant) {
  struct halt_entry *e = (struct halt_entry *)halt_find(s, LEVEL_BOT, bot);
  if (e) e->owner = tenant;
}

// What comes of a tenant's own doing, or of its account's.
static bool foldable(const struct halt_entry *e, enum halt_mode upto) {
  static const bool causes[HALT_CAUSE_COUNT] = {
    [HALT_BY_OWNER] = true, [HALT_BY_RISK] = true, [HALT_BY_PROP_RULE] = true, [HALT_BY_PLAN] = true, [HALT_BY_VENUE] = true};
  return e->level == LEVEL_BOT && e->owner && e->mode <= upto && causes[e->cause];
}

static int by_number(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

// Whose fold frees the most entries; 0: nobody's frees one.
static uint64_t largest(const struct halt_state *s, enum halt_mode upto) {
  uint64_t *owners = malloc(((size_t)s->count + 1) * sizeof *owners), ret = 0;
  size_t n = 0, best = 0;
  if (!owners) return 0;
  for (uint32_t i = 0; i < s->count; i++)
    if (foldable(&s->entries[i], upto)) owners[n++] = s->entries[i].owner;
  qsort(owners, n, sizeof *owners, by_number);
  for (size_t i = 0, end; i < n; i = end) {
    for (end = i; end < n && owners[end] == owners[i];) end++;
    const size_t freed = end - i - (halt_find(s, LEVEL_TENANT, owners[i]) == NULL);
    if (freed > best) best = freed, ret = owners[i];
  }
  free(owners);
  return ret;
}

bool halt_fold(struct halt_state *s, int64_t now_ns) {
  enum halt_mode upto = HALT_SILENT, mode = HALT_NONE;
  uint64_t tenant = largest(s, upto);
  if (!tenant) tenant = largest(s, upto = HALT_FLATTEN);
  if (!tenant) return false;
  bool owners = true;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < s->count; i++) {
    const struct halt_entry *e = &s->entries[i];
    if (!foldable(e, upto) || e->owner != tenant) {
      s->entries[kept++] = *e;
      continue;
    }
    if (e->mode > mode) mode = (enum halt_mode)e->mode;
    owners &= e->cause == HALT_BY_OWNER;
  }
  s->count = kept;  // there is room for the tenant's now
  struct halt_entry *there = (struct halt_entry *)halt_find(s, LEVEL_TENANT, tenant);
  if (there && there->cause == HALT_BY_OWNER && !owners) there->cause = HALT_BY_TABLE_FULL;
  halt_set(s, LEVEL_TENANT, tenant, mode, there ? (enum halt_cause)there->cause : owners ? HALT_BY_OWNER : HALT_BY_TABLE_FULL, now_ns);
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

static void digest(const uint8_t *record, size_t bytes, uint8_t ret[SHA256_BYTES]) {
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  sha256_update(&ctx, record, bytes);
  sha256_finish(&ctx, ret);
}

size_t halt_record_bytes(uint32_t capacity) { return (size_t)capacity / HALT_ENTRIES * HALT_RECORD_BYTES; }

void halt_encode(const struct halt_state *s, uint8_t *record) {
  const size_t check_at = halt_record_bytes(s->capacity) - SHA256_BYTES;
  memset(record, 0, check_at);
  memcpy(record, magic, sizeof magic);
  put64(record + 8, s->epoch);
  put64(record + 16, s->count);
  put_entry(record + 24, &s->all);
  for (uint32_t i = 0; i < s->count; i++) put_entry(record + HEADER_BYTES + i * ENTRY_BYTES, &s->entries[i]);
  digest(record, check_at, record + check_at);
}

static uint32_t capacity_of(size_t bytes) {  // 0: of none
  for (uint32_t n = HALT_ENTRIES; n <= HALT_ENTRIES_MAX; n *= 2)
    if (halt_record_bytes(n) == bytes) return n;
  return 0;
}

bool halt_decode(const uint8_t *record, size_t bytes, struct halt_state *ret) {
  const uint32_t capacity = capacity_of(bytes);
  uint8_t check[SHA256_BYTES];
  static const struct halt_entry none = {0};
  if (!capacity) return false;
  digest(record, bytes - SHA256_BYTES, check);
  if (memcmp(check, record + bytes - SHA256_BYTES, sizeof check) != 0 || memcmp(record, magic, sizeof magic) != 0) return false;
  uint64_t epoch = get64(record + 8), count = get64(record + 16);
  struct halt_entry all, e, last = none;
  if (epoch == 0 || count > capacity || !get_entry(record + 24, &all) || all.level != LEVEL_ALL || all.id != 0) return false;
  for (uint64_t i = 0; i < count; i++) {  // all of it before anything is written
    if (!get_entry(record + HEADER_BYTES + i * ENTRY_BYTES, &e) || !level_listed(e.level) || e.mode == HALT_NONE) return false;
    if (i > 0 && (last.level > e.level || (last.level == e.level && last.id >= e.id))) return false;
    last = e;
  }
  ret->epoch = epoch;
  ret->all = all;
  ret->count = (uint32_t)count;
  ret->capacity = capacity;
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

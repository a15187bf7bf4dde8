// risk/last_check.c – two tables and a count of ten slices per window. Shares no code, on purpose.
#include "risk/last_check.h"

#include <assert.h>
#include <stdlib.h>

enum { SLICES = 10, FIRST_SLOTS = 64 };

struct intent_row { uint64_t id; int64_t intended, sent, working, filled; };  // sent: ever
struct owner_window {          // made with its first order: most owners wait
  int64_t orders[SLICES + 1];  // by slice number modulo; one more than a window, so that the oldest counts in full
  int64_t notional[SLICES + 1];
};
struct owner_row {
  uint64_t key;                // id × 4 + scope; 0 is free
  bool tripped, own;           // own: its budget is its own
  int64_t most_orders, most_notional;
  int64_t slice;               // number of the newest slice
  struct owner_window *window; // NULL: nothing in it yet
};

struct last_check {
  struct last_budget account, tenant;
  struct last_report report, latest;
  bool tripped;
  size_t intent_slots, intent_count, intent_max;  // slots are a power of two, twice the count if there is memory
  size_t owner_slots, owner_count, owner_max;
  struct intent_row *intents;
  struct owner_row *owners;
};

static size_t mix(uint64_t v, size_t slots) {  // splitmix64's finaliser: ids grow in steps
  v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
  return (size_t)(v ^ v >> 31) & (slots - 1);
}

struct last_check *last_check_create(size_t intents, size_t owners, struct last_budget account, struct last_budget tenant) {
  assert(account.window_ns >= SLICES && tenant.window_ns >= SLICES);
  if (intents > SIZE_MAX / 256 || owners > SIZE_MAX / 1024) return NULL;
  struct last_check *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->account = account, c->tenant = tenant;
  c->intent_max = intents, c->owner_max = owners;
  c->intent_slots = c->owner_slots = FIRST_SLOTS;
  c->intents = calloc(c->intent_slots, sizeof *c->intents);
  c->owners = calloc(c->owner_slots, sizeof *c->owners);
  if (!c->intents || !c->owners) {
    last_check_destroy(c);
    return NULL;
  }
  return c;
}

void last_check_destroy(struct last_check *c) {
  if (!c) return;
  for (size_t i = 0; c->owners && i < c->owner_slots; i++) free(c->owners[i].window);
  free(c->intents);
  free(c->owners);
  free(c);
}

// Only the first violation is reported: it is the cause, the rest are consequences.
static bool trip(struct last_check *c, struct last_report r) {
  if (c->report.why == LAST_OK) c->report = r;
  c->latest = r;
  if (r.scope == LAST_EVERYTHING) c->tripped = true;
  return false;
}

static bool trip_intent(struct last_check *c, enum last_why why, uint64_t id, int64_t limit, int64_t value) {
  return trip(c, (struct last_report){.why = why, .scope = LAST_EVERYTHING, .intent = id, .limit = limit, .value = value});
}

// --- intents -------------------------------------------------------------------------------------------------------------

static struct intent_row *intent_find(const struct last_check *c, uint64_t id) {
  size_t i = mix(id, c->intent_slots);
  while (c->intents[i].id != 0 && c->intents[i].id != id) i = (i + 1) & (c->intent_slots - 1);
  return &c->intents[i];
}

// A table as large as the maximum would be scattered over: each new row would take a page of its own from the system. False: no room.
static bool intents_grow(struct last_check *c) {
  if (c->intent_count == c->intent_max) return false;
  if (2 * (c->intent_count + 1) <= c->intent_slots) return true;
  struct intent_row *old = c->intents, *new = calloc(2 * c->intent_slots, sizeof *new);
  if (!new) return c->intent_count + 1 < c->intent_slots;  // slower; one stays free, where a search ends
  c->intents = new;
  c->intent_slots *= 2;
  for (size_t i = 0; i < c->intent_slots / 2; i++)
    if (old[i].id != 0) *intent_find(c, old[i].id) = old[i];
  free(old);
  return true;
}

bool last_check_intend(struct last_check *c, uint64_t id, int64_t lots) {
  if (c->tripped) return false;
  if (id == 0 || lots <= 0) return trip_intent(c, LAST_NONSENSE, id, 0, lots);
  struct intent_row *row = intent_find(c, id);
  if (row->id != 0) return trip_intent(c, LAST_REPEATED, id, row->intended, lots);
  if (!intents_grow(c)) return trip_intent(c, LAST_FULL, id, (int64_t)c->intent_max, (int64_t)c->intent_count);
  *intent_find(c, id) = (struct intent_row){.id = id, .intended = lots};
  c->intent_count++;
  return true;
}

bool last_check_adopt(struct last_check *c, uint64_t id, int64_t filled, int64_t working) {
  if (filled < 0 || working < 0 || filled > INT64_MAX - working) return trip_intent(c, LAST_NONSENSE, id, filled, working);
  if (!last_check_intend(c, id, filled + working)) return false;
  struct intent_row *row = intent_find(c, id);
  row->sent = filled + working, row->working = working, row->filled = filled;
  return true;
}

bool last_check_raise(struct last_check *c, uint64_t id, int64_t lots) {
  if (c->tripped) return false;
  struct intent_row *row = id ? intent_find(c, id) : NULL;
  if (!row || row->id == 0) return trip_intent(c, LAST_NO_INTENT, id, 0, lots);
  if (lots <= 0 || lots > INT64_MAX - row->intended) return trip_intent(c, LAST_NONSENSE, id, row->intended, lots);
  row->intended += lots;
  return true;
}

bool last_check_filled(struct last_check *c, uint64_t id, int64_t lots) {
  struct intent_row *row = id ? intent_find(c, id) : NULL;
  if (lots <= 0) return trip_intent(c, LAST_NONSENSE, id, 0, lots);
  if (!row || row->id == 0) return trip_intent(c, LAST_NO_INTENT, id, 0, lots);
  // Booked in any case: what happened counts, also when it should not have.
  row->working = lots < row->working ? row->working - lots : 0;  // less: a late execution of what had ended
  row->filled = lots > INT64_MAX - row->filled ? INT64_MAX : row->filled + lots;
  if (row->filled > row->intended) return trip_intent(c, LAST_OVERFILLED, id, row->intended, row->filled);
  if (row->filled > row->sent) return trip_intent(c, LAST_UNSENT, id, row->sent, row->filled);
  return !c->tripped;
}

bool last_check_ended(struct last_check *c, uint64_t id, int64_t lots) {
  struct intent_row *row = id ? intent_find(c, id) : NULL;
  if (lots < 0) return trip_intent(c, LAST_NONSENSE, id, 0, lots);
  if (!row || row->id == 0) return trip_intent(c, LAST_NO_INTENT, id, 0, lots);
  if (lots > row->working) return trip_intent(c, LAST_UNSENT, id, row->working, lots);
  row->working -= lots;
  return !c->tripped;
}

bool last_check_forget(struct last_check *c, uint64_t id) {
  struct intent_row *row = id ? intent_find(c, id) : NULL;
  if (!row || row->id == 0) return trip_intent(c, LAST_NO_INTENT, id, 0, 0);
  if (row->working != 0) return trip_intent(c, LAST_QUANTITY, id, 0, row->working);
  // Rows after it that would no longer be found move up.
  size_t hole = (size_t)(row - c->intents), i = hole;
  for (;;) {
    i = (i + 1) & (c->intent_slots - 1);
    if (c->intents[i].id == 0) break;
    size_t home = mix(c->intents[i].id, c->intent_slots);
    if (((i - home) & (c->intent_slots - 1)) >= ((i - hole) & (c->intent_slots - 1))) c->intents[hole] = c->intents[i], hole = i;
  }
  c->intents[hole] = (struct intent_row){0};
  c->intent_count--;
  return !c->tripped;
}

// --- owners --------------------------------------------------------------------------------------------------------------

static uint64_t owner_key(uint64_t id, enum last_scope scope) { return id * 4 + (uint64_t)scope; }

static struct owner_row *owner_find(const struct last_check *c, uint64_t key) {
  size_t i = mix(key, c->owner_slots);
  while (c->owners[i].key != 0 && c->owners[i].key != key) i = (i + 1) & (c->owner_slots - 1);
  return &c->owners[i];
}

// Moves to the slice of now and clears those in between. A clock that goes back stays in the newest slice.
static void owner_advance(struct owner_row *row, int64_t slice) {
  if (slice <= row->slice) return;
  int64_t steps = slice - row->slice;
  for (int64_t k = 1; k <= steps && k <= SLICES + 1; k++) {
    size_t at = (size_t)((uint64_t)(row->slice + k) % (SLICES + 1));
    row->window->orders[at] = row->window->notional[at] = 0;
  }
  if (steps > SLICES + 1) *row->window = (struct owner_window){0};
  row->slice = slice;
}

static bool owners_grow(struct last_check *c) {
  if (c->owner_count == c->owner_max) return false;
  if (2 * (c->owner_count + 1) <= c->owner_slots) return true;
  struct owner_row *old = c->owners, *new = calloc(2 * c->owner_slots, sizeof *new);
  if (!new) return c->owner_count + 1 < c->owner_slots;
  c->owners = new;
  c->owner_slots *= 2;
  for (size_t i = 0; i < c->owner_slots / 2; i++)
    if (old[i].key != 0) *owner_find(c, old[i].key) = old[i];
  free(old);
  return true;
}

static void full(struct last_check *c, struct last_report r) {
  r.why = LAST_FULL, r.scope = LAST_EVERYTHING, r.limit = (int64_t)c->owner_max, r.value = (int64_t)c->owner_count;
  trip(c, r);
}

// NULL: no room, which trips everything.
static struct owner_row *owner_make(struct last_check *c, uint64_t key, int64_t slice, struct last_report r) {
  struct owner_row *row = owner_find(c, key);
  if (row->key != 0) return row;
  if (!owners_grow(c)) {
    full(c, r);
    return NULL;
  }
  row = owner_find(c, key);
  *row = (struct owner_row){.key = key, .slice = slice};
  c->owner_count++;
  return row;
}

static bool owner_spend(struct last_check *c, const struct last_budget *b, uint64_t key, int64_t notional_e8, int64_t now_ns,
                        struct last_report r) {
  int64_t slice = now_ns / (b->window_ns / SLICES);
  struct owner_row *row = owner_make(c, key, slice, r);
  if (!row || row->tripped) return false;
  if (!row->window && !(row->window = calloc(1, sizeof *row->window))) {
    full(c, r);
    return false;
  }
  struct owner_window *w = row->window;
  owner_advance(row, slice);
  size_t at = (size_t)((uint64_t)row->slice % (SLICES + 1));
  w->orders[at]++;
  w->notional[at] = notional_e8 > INT64_MAX - w->notional[at] ? INT64_MAX : w->notional[at] + notional_e8;
  int64_t orders = 0, notional = 0;
  for (int i = 0; i <= SLICES; i++) {
    orders += w->orders[i];
    notional = w->notional[i] > INT64_MAX - notional ? INT64_MAX : notional + w->notional[i];
  }
  int64_t most_orders = row->own ? row->most_orders : b->orders, most_notional = row->own ? row->most_notional : b->notional_e8;
  bool rate = most_orders > 0 && orders > most_orders, worth = most_notional > 0 && notional > most_notional;
  if (!rate && !worth) return true;
  row->tripped = true;
  r.why = rate ? LAST_RATE : LAST_NOTIONAL;
  r.limit = rate ? most_orders : most_notional;
  r.value = rate ? orders : notional;
  return trip(c, r);
}

bool last_check_budget(struct last_check *c, enum last_scope scope, uint64_t id, int64_t orders, int64_t notional_e8) {
  assert(scope == LAST_BOT || scope == LAST_ACCOUNT || scope == LAST_TENANT);
  struct owner_row *row = owner_make(c, owner_key(id, scope), INT64_MIN / 2, (struct last_report){.bot = id});
  if (!row) return false;
  row->own = orders > 0 || notional_e8 > 0;
  row->most_orders = orders, row->most_notional = notional_e8;
  return true;
}

bool last_check_send_by(struct last_check *c, uint64_t bot, uint64_t id, uint64_t account, uint64_t tenant, int64_t lots, int64_t notional_e8,
                        int64_t now_ns) {
  const struct last_budget none = {.window_ns = c->account.window_ns};
  struct last_report r = {.scope = LAST_BOT, .intent = id, .bot = bot, .account = account, .tenant = tenant, .at_ns = now_ns};
  if (c->tripped) return false;
  if (notional_e8 >= 0 && owner_find(c, owner_key(bot, LAST_BOT))->key != 0 && !owner_spend(c, &none, owner_key(bot, LAST_BOT), notional_e8, now_ns, r)) return false;
  return last_check_send(c, id, account, tenant, lots, notional_e8, now_ns);
}

bool last_check_send(struct last_check *c, uint64_t id, uint64_t account, uint64_t tenant, int64_t lots, int64_t notional_e8,
                     int64_t now_ns) {
  if (c->tripped) return false;
  struct intent_row *row = id ? intent_find(c, id) : NULL;
  if (lots <= 0 || notional_e8 < 0) return trip_intent(c, LAST_NONSENSE, id, 0, lots <= 0 ? lots : notional_e8);
  if (!row || row->id == 0) return trip_intent(c, LAST_NO_INTENT, id, 0, lots);
  int64_t left = row->intended - row->working - row->filled;  // working is at most intended: cannot wrap
  if (lots > left) return trip_intent(c, LAST_QUANTITY, id, left, lots);
  if (lots > INT64_MAX - row->sent) return trip_intent(c, LAST_NONSENSE, id, row->sent, lots);
  struct last_report r = {.intent = id, .account = account, .tenant = tenant, .at_ns = now_ns};
  r.scope = LAST_TENANT;
  if (!owner_spend(c, &c->tenant, owner_key(tenant, LAST_TENANT), notional_e8, now_ns, r)) return false;
  r.scope = LAST_ACCOUNT;
  if (!owner_spend(c, &c->account, owner_key(account, LAST_ACCOUNT), notional_e8, now_ns, r)) return false;
  row->working += lots;
  row->sent += lots;
  return true;
}

bool last_check_tripped(const struct last_check *c, uint64_t account, uint64_t tenant) {
  const struct owner_row *a = owner_find(c, owner_key(account, LAST_ACCOUNT)), *t = owner_find(c, owner_key(tenant, LAST_TENANT));
  return c->tripped || (a->key != 0 && a->tripped) || (t->key != 0 && t->tripped);
}

struct last_report last_check_report(const struct last_check *c) { return c->report; }
struct last_report last_check_latest(const struct last_check *c) { return c->latest; }

bool last_check_bot_tripped(const struct last_check *c, uint64_t bot) {
  const struct owner_row *row = owner_find(c, owner_key(bot, LAST_BOT));
  return row->key != 0 && row->tripped;
}

void last_check_reset(struct last_check *c) {
  c->tripped = false;
  c->report = c->latest = (struct last_report){0};
  for (size_t i = 0; i < c->owner_slots; i++) c->owners[i].tripped = false;
}

const char *last_why_text(enum last_why w) {
  static const char *const names[] = {
#define X(name, text) text,
    LAST_CHECK_WHY_LIST(X)
#undef X
  };
  assert((unsigned)w < LAST_WHY_COUNT);
  return names[w];
}

// store/journal_behind.c – see journal_behind.h.
#include "store/journal_behind.h"

#include "loop/loop.h"
#include "store/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 20000
#define SEAL_ROWS 2000  // sorted at a time, on the loop: a millisecond
#define ENDS_MAX 4096
#define PIECE_ROWS 24  // one or two milliseconds of the writer: what an order may wait for

// Rows by bot, in the order in which they came; `at` is how far they are written, or of those that are gathered, sealed.
struct rows {
  void *items;
  size_t count, cap, size, at;
};
enum kind { ORDERS, FILLS, TRADES, MARKS, FOLLOWED, KINDS };
static const size_t sizes[KINDS] = {sizeof(struct journal_order), sizeof(struct journal_fill), sizeof(struct journal_trade), sizeof(struct journal_mark),
                                    sizeof(struct journal_followed)};

struct set {
  struct rows of[KINDS];
};

// Where what came together ends, in the rows that are gathered: of what is sealed all came before what is not.
struct end {
  size_t of[KINDS];
};

struct journal_behind {
  struct journal_behind_config c;
  struct end ends[ENDS_MAX];
  size_t end_count;
  struct set gathering, sealed;  // sealed: sorted, being written
  struct journal_batch piece;    // under way, of the sealed rows up to piece_end
  size_t piece_end[KINDS];
  struct loop_timer *gather;     // NULL: nothing is waited for
  bool gathers;                  // the timer runs: rows were written a moment ago
  bool writing, refused, closing, was_full;
  bool handed_on;                // what is under way was taken too: it is not tried again
};

// ---- rows

static bool reserve(struct rows *r, size_t more) {
  if (r->count + more > r->cap) {
    size_t cap = r->cap ? r->cap * 2 : 64;
    if (cap < r->count + more) cap = r->count + more;
    void *items = realloc(r->items, cap * r->size);
    if (!items) return false;
    r->items = items;
    r->cap = cap;
  }
  return true;
}

static void append_rows(struct rows *r, const void *items, size_t count) {
  if (count) memcpy((char *)r->items + r->count * r->size, items, count * r->size);
  r->count += count;
}

static size_t left(const struct set *s) {
  size_t n = 0;
  for (int k = 0; k < KINDS; k++) n += s->of[k].count - s->of[k].at;
  return n;
}

static void clear(struct set *s) {
  for (int k = 0; k < KINDS; k++) {
    struct rows *r = &s->of[k];
    r->count = r->at = 0;
    if (r->cap <= 4096) continue;
    free(r->items);  // of a burst
    r->items = NULL;
    r->cap = 0;
  }
}

// All kinds of rows begin with the bot.
_Static_assert(offsetof(struct journal_order, bot_id) == 0 && offsetof(struct journal_mark, bot_id) == 0 && offsetof(struct journal_followed, bot_id) == 0, "bot first");
static int64_t bot_of_fill(const void *row) { return ((const struct journal_fill *)row)->bot_id; }
static int64_t bot_of_trade(const void *row) { return ((const struct journal_trade *)row)->bot_id; }
static int64_t bot_first(const void *row) { return *(const int64_t *)row; }
static int64_t (*const bot_of[KINDS])(const void *) = {bot_first, bot_of_fill, bot_of_trade, bot_first, bot_first};

struct ranked {
  int64_t bot;
  uint64_t sub;  // of orders: the intent
  size_t seq;
};

static int by_rank(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  if (x->bot != y->bot) return x->bot < y->bot ? -1 : 1;
  if (x->sub != y->sub) return x->sub < y->sub ? -1 : 1;
  return x->seq < y->seq ? -1 : x->seq > y->seq;
}

// By bot, orders of one bot by intent; of an order, and of how far a bot has come, the last stays. Without memory they stay as they are.
static void sort(struct rows *r, enum kind kind) {
  struct ranked *ranks = malloc((r->count + 1) * sizeof *ranks);
  char *sorted = ranks ? malloc((r->count + 1) * r->size) : NULL;
  const bool last_only = kind == ORDERS || kind == FOLLOWED;
  size_t n = 0;
  for (size_t i = 0; sorted && i < r->count; i++) {
    const void *row = (const char *)r->items + i * r->size;
    ranks[i] = (struct ranked){bot_of[kind](row), kind == ORDERS ? ((const struct journal_order *)row)->intent : 0, i};
  }
  if (sorted) qsort(ranks, r->count, sizeof *ranks, by_rank);
  for (size_t i = 0; sorted && i < r->count; i++) {
    if (last_only && i + 1 < r->count && ranks[i + 1].bot == ranks[i].bot && ranks[i + 1].sub == ranks[i].sub) continue;
    memcpy(sorted + n++ * r->size, (const char *)r->items + ranks[i].seq * r->size, r->size);
  }
  if (sorted) {
    free(r->items);
    r->items = sorted;
    r->cap = r->count + 1;
    r->count = n;
  }
  free(ranks);
}

// ---- writing

static void next_piece(struct journal_behind *b);

static size_t rows_of(const struct journal_batch *p) { return p->order_count + p->fill_count + p->trade_count + p->mark_count + p->followed_count; }

static void note_room(struct journal_behind *b) {
  if (!b->was_full || journal_behind_full(b)) return;
  b->was_full = false;
  if (b->c.room) b->c.room(b->c.self);
}

static void written(void *arg, enum status st, const struct err *err) {
  struct journal_behind *b = arg;
  b->writing = false;
  const bool refused = st == ERR_IO || st == ERR_NOMEM || st == ERR_LIMIT, again = refused && !b->handed_on;
  b->handed_on = false;
  if (st != OK) b->c.failed(b->c.self, err, !refused);
  b->refused = again;
  if (!again || b->closing)
    for (int k = 0; k < KINDS; k++) b->sealed.of[k].at = b->piece_end[k];
  if (!again || b->closing) next_piece(b);
  note_room(b);
}

static void *from(struct rows *r) { return (char *)r->items + r->at * r->size; }

// Whole bots, until there is enough: then what a bot's rows say of it is true together.
static void choose(struct journal_behind *b) {
  struct rows *r = b->sealed.of;
  size_t end[KINDS], n = 0;
  for (int k = 0; k < KINDS; k++) end[k] = r[k].at;
  while (n < PIECE_ROWS) {
    int64_t bot = INT64_MAX;
    for (int k = 0; k < KINDS; k++)
      if (end[k] < r[k].count) {
        const int64_t next = bot_of[k]((char *)r[k].items + end[k] * r[k].size);
        if (next < bot) bot = next;
      }
    if (bot == INT64_MAX) break;
    for (int k = 0; k < KINDS; k++)
      for (; end[k] < r[k].count && bot_of[k]((char *)r[k].items + end[k] * r[k].size) <= bot; end[k]++) n++;
  }
  b->piece = (struct journal_batch){
    .orders = from(&r[ORDERS]), .order_count = end[ORDERS] - r[ORDERS].at, .fills = from(&r[FILLS]), .fill_count = end[FILLS] - r[FILLS].at,
    .trades = from(&r[TRADES]), .trade_count = end[TRADES] - r[TRADES].at, .marks = from(&r[MARKS]), .mark_count = end[MARKS] - r[MARKS].at,
    .followed = from(&r[FOLLOWED]), .followed_count = end[FOLLOWED] - r[FOLLOWED].at};
  memcpy(b->piece_end, end, sizeof end);
}

static enum status append_piece(struct db *db, void *arg, struct err *err) { return journal_append(db, &((struct journal_behind *)arg)->piece, err); }

// What of the gathered rows has been sealed goes; not at every seal, for thousands may stand behind it.
static void compact(struct journal_behind *b, int k) {
  struct rows *r = &b->gathering.of[k];
  if (r->at == 0) return;
  r->count -= r->at;
  if (r->count) memmove(r->items, (char *)r->items + r->at * r->size, r->count * r->size);
  for (size_t i = 0; i < b->end_count; i++) b->ends[i].of[k] -= r->at;
  r->at = 0;
}

// The oldest of what is gathered, as it came together. Without memory for its copy: all of it.
static void seal(struct journal_behind *b) {
  size_t n = 0, rows = 0;
  while (n < b->end_count && rows < SEAL_ROWS) {
    rows = 0;
    for (int k = 0; k < KINDS; k++) rows += b->ends[n].of[k] - b->gathering.of[k].at;
    n++;
  }
  const struct end end = n ? b->ends[n - 1] : (struct end){{0}};
  bool all = n == b->end_count;
  clear(&b->sealed);
  for (int k = 0; k < KINDS && !all; k++) all = !reserve(&b->sealed.of[k], end.of[k] - b->gathering.of[k].at);
  if (all) {
    for (int k = 0; k < KINDS; k++) compact(b, k);
    struct set empty = b->sealed;
    b->sealed = b->gathering;
    b->gathering = empty;
    n = b->end_count;
  }
  for (int k = 0; k < KINDS; k++) {
    struct rows *r = &b->gathering.of[k];
    if (!all) {
      append_rows(&b->sealed.of[k], (char *)r->items + r->at * r->size, end.of[k] - r->at);
      r->at = end.of[k];
    }
    sort(&b->sealed.of[k], (enum kind)k);
  }
  if (b->gather && left(&b->gathering) == 0) {
    loop_timer_start(b->gather, b->c.gather_ms, 0);
    b->gathers = true;
  }
  b->end_count -= n;
  memmove(b->ends, b->ends + n, b->end_count * sizeof *b->ends);
  for (int k = 0; k < KINDS; k++)
    if (b->gathering.of[k].at > b->gathering.of[k].count / 2) compact(b, k);
}

// Whether what is gathered is to be written now: the first after a while at once, so that who looks finds it.
static bool is_ripe(const struct journal_behind *b) {
  const size_t rows = left(&b->gathering);
  return rows > 0 && (!b->gathers || b->closing || rows >= SEAL_ROWS);
}

static void on_ripe(void *arg) {
  struct journal_behind *b = arg;
  b->gathers = false;
  next_piece(b);
}

static void next_piece(struct journal_behind *b) {
  if (b->writing) return;
  if (left(&b->sealed) == 0 && is_ripe(b)) seal(b);
  if (left(&b->sealed) == 0) return;
  choose(b);
  assert(rows_of(&b->piece) > 0);
  b->writing = true;
  store_write_later(b->c.store, STORE_JOURNAL, append_piece, written, b);
}

// ---- from outside

enum status journal_behind_create(const struct journal_behind_config *config, struct journal_behind **ret, struct err *err) {
  struct journal_behind *b = calloc(1, sizeof *b);
  if (!b) return err_set(err, ERR_NOMEM, "out of memory");
  b->c = *config;
  if (!b->c.rows_max) b->c.rows_max = ROWS_MAX;
  for (int k = 0; k < KINDS; k++) b->gathering.of[k].size = b->sealed.of[k].size = sizes[k];
  const enum status st = b->c.loop && b->c.gather_ms > 0 ? loop_timer_create(b->c.loop, on_ripe, b, &b->gather, err) : OK;
  if (st == OK) *ret = b;
  else free(b);
  return st;
}

void journal_behind_destroy(struct journal_behind *b) {
  if (!b) return;
  assert(!b->writing);
  if (b->gather) loop_timer_destroy(b->gather);
  for (int k = 0; k < KINDS; k++) {
    free(b->gathering.of[k].items);
    free(b->sealed.of[k].items);
  }
  free(b);
}

enum status journal_behind_add(struct journal_behind *b, const struct journal_batch *rows, struct err *err) {
  const void *items[KINDS] = {rows->orders, rows->fills, rows->trades, rows->marks, rows->followed};
  const size_t counts[KINDS] = {rows->order_count, rows->fill_count, rows->trade_count, rows->mark_count, rows->followed_count};
  for (int k = 0; k < KINDS; k++)
    if (counts[k] && !reserve(&b->gathering.of[k], counts[k])) return err_set(err, ERR_NOMEM, "no memory for what follows from the journal");
  for (int k = 0; k < KINDS; k++) append_rows(&b->gathering.of[k], items[k], counts[k]);
  if (b->end_count < ENDS_MAX) b->end_count++;  // else the last comes together with the ones before it
  for (int k = 0; k < KINDS; k++) b->ends[b->end_count - 1].of[k] = b->gathering.of[k].count;
  b->was_full = b->was_full || journal_behind_full(b);
  next_piece(b);
  return OK;
}

bool journal_behind_busy(const struct journal_behind *b) { return b->writing || left(&b->sealed) + left(&b->gathering) > 0; }
bool journal_behind_full(const struct journal_behind *b) { return left(&b->sealed) + left(&b->gathering) > b->c.rows_max; }

enum status journal_behind_take(struct journal_behind *b, struct journal_batch *batch, struct err *err) {
  const void *own[KINDS] = {batch->orders, batch->fills, batch->trades, batch->marks, batch->followed};
  const size_t counts[KINDS] = {batch->order_count, batch->fill_count, batch->trade_count, batch->mark_count, batch->followed_count};
  struct rows all[KINDS] = {{0}};
  size_t begin[KINDS];
  for (int k = 0; k < KINDS; k++) {
    begin[k] = b->handed_on ? b->piece_end[k] : b->sealed.of[k].at;
    all[k].size = sizes[k];
    if (reserve(&all[k], b->sealed.of[k].count - begin[k] + b->gathering.of[k].count - b->gathering.of[k].at + counts[k])) continue;
    for (int j = 0; j < k; j++) free(all[j].items);
    return err_set(err, ERR_NOMEM, "no memory for what follows from the journal");
  }
  for (int k = 0; k < KINDS; k++) {
    struct rows *sealed = &b->sealed.of[k], *gathering = &b->gathering.of[k];
    append_rows(&all[k], (char *)sealed->items + begin[k] * sizes[k], sealed->count - begin[k]);
    append_rows(&all[k], (char *)gathering->items + gathering->at * sizes[k], gathering->count - gathering->at);
    append_rows(&all[k], own[k], counts[k]);
    sealed->count = b->writing ? b->piece_end[k] : begin[k];
    gathering->count = gathering->at = 0;
    b->end_count = 0;
    free((void *)(uintptr_t)own[k]);
  }
  batch->orders = all[ORDERS].items, batch->fills = all[FILLS].items, batch->trades = all[TRADES].items, batch->marks = all[MARKS].items, batch->followed = all[FOLLOWED].items;
  batch->order_count = all[ORDERS].count, batch->fill_count = all[FILLS].count, batch->trade_count = all[TRADES].count, batch->mark_count = all[MARKS].count;
  batch->followed_count = all[FOLLOWED].count;
  b->handed_on = b->writing;
  store_promote(b->c.store, STORE_JOURNAL);  // what is under way
  note_room(b);
  return OK;
}

void journal_behind_close(struct journal_behind *b) {
  b->closing = true;
  next_piece(b);
}

void journal_behind_retry(struct journal_behind *b) {
  if (b->refused) next_piece(b);
}

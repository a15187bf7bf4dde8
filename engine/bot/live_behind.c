// bot/live_behind.c – when the rows that follow from the journal are written: a handful with their records, so that who is told of them finds
// them at once; many, or while others wait, or while an order waits to leave for its venue, behind them (store/journal_behind.h). The end of
// a run takes all with it that waits: a closed run is not walked through again.
#include "bot/live_impl.h"

#include "loop/loop.h"
#include "store/store.h"

#include <stdlib.h>

#define AT_ONCE 16      // rows
#define RETRY_MS 1000
#define GATHER_MS 100

static void room(void *self) {
  struct live *l = self;
  for (int place = 0; place <= FLEET_HOSTS_MAX && !l->closing; place++)
    if (l->hosts[place].owes && !l->hosts[place].batch) live_hand_over(l, place);
}

static void failed(void *self, const struct err *err, bool given_up) {
  struct live *l = self;
  l->config.log(l->config.self, given_up ? "error" : "warning", given_up ? "rows_given_up" : "rows_refused", json_pack("{s:s}", "error", err->msg));
  if (!given_up && !l->closing) loop_timer_start(l->behind_timer, RETRY_MS, 0);
}

static void on_timer(void *arg) { journal_behind_retry(((struct live *)arg)->behind); }

enum status live_behind_begin(struct live *l, struct err *err) {
  const struct journal_behind_config config = {.store = l->config.store, .loop = l->config.loop, .gather_ms = GATHER_MS, .room = room, .failed = failed, .self = l};
  enum status st = loop_timer_create(l->config.loop, on_timer, l, &l->behind_timer, err);
  return st == OK ? journal_behind_create(&config, &l->behind, err) : st;
}

void live_behind_end(struct live *l) {
  if (l->behind) journal_behind_close(l->behind);
  while (l->behind && journal_behind_busy(l->behind)) loop_turn(l->config.loop, true);
  journal_behind_destroy(l->behind);
  if (l->behind_timer) loop_timer_destroy(l->behind_timer);
  l->behind = NULL;
  l->behind_timer = NULL;
}

void live_behind_follow(struct live *l, struct live_batch *b) {
  for (size_t i = 0; i < b->bot_count; i++) {
    const struct live_bot *bot = live_find(l, b->bots[i]);
    struct journal_followed *rows = bot && bot->run ? live_room(b, (void *)b->rows.followed, b->rows.followed_count, &b->followed_cap, sizeof *rows) : NULL;
    if (!rows) continue;
    b->rows.followed = rows;
    rows[b->rows.followed_count++] = (struct journal_followed){bot->id, bot->run, bot->instant_ns};
  }
}

static bool took(const struct live_batch *b) {
  return b->taken.order_count + b->taken.fill_count + b->taken.trade_count + b->taken.mark_count + b->taken.followed_count > 0;
}

// All rows that wait, in front of its own. Until it is committed others' come behind: if it is not, what was taken waits again, before them.
static bool take(struct live *l, struct live_batch *b) {
  const struct journal_batch own = b->rows;
  struct err err;
  if (journal_behind_take(l->behind, &b->rows, &err) != OK) return false;
  b->taken = (struct journal_batch){.order_count = b->rows.order_count - own.order_count, .fill_count = b->rows.fill_count - own.fill_count,
    .trade_count = b->rows.trade_count - own.trade_count, .mark_count = b->rows.mark_count - own.mark_count, .followed_count = b->rows.followed_count - own.followed_count};
  l->behind_taking += took(b);
  return true;
}

static bool order_waits(struct live *l, const struct live_batch *b) {
  for (size_t i = 0; i < b->bot_count; i++) {
    const struct live_bot *bot = live_find(l, b->bots[i]);
    if (bot && bot->asked_ns > 0) return true;
  }
  return false;
}

bool live_behind_choose(struct live *l, struct live_batch *b) {
  const struct journal_batch *r = &b->rows;
  bool closes = false;
  for (size_t i = 0; i < r->record_count; i++) closes = closes || r->records[i].closes;
  if (closes && (l->behind_coming || l->behind_taking) && !l->closing) return false;
  if (closes) {
    if (!take(l, b)) b->bytes.failed = true;
    return true;
  }
  b->behind = l->behind_coming || l->behind_taking || journal_behind_busy(l->behind) || r->order_count + r->fill_count + r->trade_count + r->mark_count > AT_ONCE || order_waits(l, b);
  l->behind_coming += b->behind;
  return true;
}

void live_behind_committed(struct live *l, struct live_batch *b, enum status st) {
  struct err err;
  if (took(b)) {
    struct journal_batch taken = b->taken;
    taken.orders = b->rows.orders, taken.fills = b->rows.fills, taken.trades = b->rows.trades, taken.marks = b->rows.marks, taken.followed = b->rows.followed;
    l->behind_taking--;
    if (st != OK && journal_behind_add(l->behind, &taken, &err) != OK) failed(l, &err, true);
  }
  if (!b->behind) return;
  l->behind_coming--;
  if (st == OK && journal_behind_add(l->behind, &b->rows, &err) != OK) failed(l, &err, true);
}

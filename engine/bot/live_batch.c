// bot/live_batch.c – what is journalled together: everything that the bots of one host decided in one instant, and what follows from it.
// One write, one commit; then their orders exist, subscribers hear of them, and the host may go on.
#include "bot/live_venue.h"

#include "loop/clock.h"
#include "store/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX (256u * 1024 * 1024)

struct live_batch *live_batch(struct live *l, int place) {
  struct live_host *h = &l->hosts[place];
  if (h->batch) return h->batch;
  struct live_batch *b = calloc(1, sizeof *b);
  if (!b) return NULL;
  b->live = l;
  b->place = place;
  buf_init(&b->bytes, BYTES_MAX);
  return h->batch = b;
}

static void batch_destroy(struct live_batch *b) {
  for (size_t i = 0; i < b->news_count; i++) json_decref(b->news[i].data);
  free(b->news);
  free(b->bots);
  free(b->rows.records);
  free((void *)b->rows.states);
  free((void *)b->rows.orders);
  free(b->rows.fills);
  free(b->rows.trades);
  free((void *)b->rows.marks);
  free((void *)b->rows.followed);
  free((void *)b->rows.rules);
  free(b->rows.logs);
  free(b->rows.entries);
  free(b->rows.notices);
  for (size_t i = 0; i < b->image_count; i++) buf_finish(&b->images[i].body);
  free(b->images);
  buf_finish(&b->bytes);
  free(b);
}

// Room for one more; NULL: no memory, and the batch must not be committed as if it were whole.
void *live_room(struct live_batch *b, void *items, size_t count, size_t *cap, size_t size) {
  if (count < *cap) return items;
  const size_t more = *cap ? *cap * 2 : 2;  // many batches are of one bot that is opened
  void *p = realloc(items, more * size);
  if (p) *cap = more;
  else b->bytes.failed = true;
  return p;
}

static bool lists(const struct live_batch *b, int64_t bot) {
  for (size_t i = b->bot_count; i-- > 0;)
    if (b->bots[i] == bot) return true;
  return false;
}

void live_batch_bot(struct live_batch *b, int64_t id) {
  struct live_bot *bot = live_find(b->live, id);
  if (bot && bot->unwritten && (bot->listed == b || lists(b, id))) return;
  int64_t *bots = live_room(b, b->bots, b->bot_count, &b->bot_cap, sizeof *bots);
  if (!bots) return;
  b->bots = bots;
  b->bots[b->bot_count++] = id;
  if (!bot) return;
  bot->unwritten++;
  bot->listed = b;
}

// Bytes that rows point at: kept as offsets until no more are added.
static const void *offset_of(const struct live_batch *b) { return (const void *)(uintptr_t)b->bytes.len; }
static void fix(const struct live_batch *b, const void **p) { *p = b->bytes.data + (uintptr_t)*p; }

const void *live_batch_bytes(struct live_batch *b, const void *bytes, size_t len) {
  const void *at = offset_of(b);
  buf_add(&b->bytes, bytes, len);
  buf_add(&b->bytes, "", 1);
  return at;
}

void live_record(struct live_bot *bot, struct record *r, bool decision, bool opens, bool closes) {
  struct live_batch *b = live_batch(bot->live, bot->place);
  struct journal_record *rows = b ? live_room(b, b->rows.records, b->rows.record_count, &b->record_cap, sizeof *rows) : NULL;
  if (!rows) return;
  b->rows.records = rows;
  const void *at = offset_of(b);
  const size_t before = b->bytes.len;
  record_put(&b->bytes, r);
  const uint64_t order = r->kind == RECORD_COMMANDS || r->kind == RECORD_IMPOSED ? record_order(r) : 0;
  rows[b->rows.record_count++] = (struct journal_record){.bot_id = bot->id, .tenant_id = bot->tenant_id, .run = bot->run, .kind = (int)r->kind, .time_ns = r->time_ns,
    .intent = order ? record_intent(bot->run, order) : 0, .decision = decision, .opens = opens, .closes = closes, .bars_from_ns = opens ? bot->warm_from_ns : 0, .clock_ns = opens || closes ? clock_wall_ns() : 0,
    .body = at, .len = b->bytes.len - before};
  live_batch_bot(b, bot->id);
  bot->content = true;
}

bool live_heard(const struct live_bot *bot) {
  const struct live_options *c = &bot->live->config;
  return !bot->retelling && (!c->heard || c->heard(c->self, bot->channel, bot->tenant_id));
}

void live_news(struct live_bot *bot, const char *type, json_t *data) {
  struct live_batch *b = data && live_heard(bot) ? live_batch(bot->live, bot->place) : NULL;
  struct live_news *news = b ? live_room(b, b->news, b->news_count, &b->news_cap, sizeof *news) : NULL;
  if (!news) {
    json_decref(data);
    return;
  }
  b->news = news;
  struct live_news *n = &b->news[b->news_count++];
  memcpy(n->channel, bot->channel, sizeof bot->channel);
  strncpy(n->type, type, sizeof n->type - 1);
  n->type[sizeof n->type - 1] = '\0';
  n->data = data;
}

bool live_noticed(const struct live_bot *bot, enum notice_event event) {
  const struct live_options *c = &bot->live->config;
  return !bot->retelling && c->noticed && c->noticed(c->self, bot->tenant_id, event);
}

void live_notice(struct live_bot *bot, enum notice_event event, json_t *data) {
  struct live_batch *b = data && live_noticed(bot, event) ? live_batch(bot->live, bot->place) : NULL;
  struct journal_notice *rows = b ? live_room(b, b->rows.notices, b->rows.notice_count, &b->notice_cap, sizeof *rows) : NULL;
  if (rows) b->rows.notices = rows;
  if (rows && bot->has_row) json_object_set_new(data, "bot", json_string(bot->row.name));
  char *text = rows ? json_dumps(data, JSON_COMPACT) : NULL;
  json_decref(data);
  if (!text) return;
  const int64_t now_ns = clock_wall_ns();
  rows[b->rows.notice_count++] = (struct journal_notice){.id = id_next(now_ns), .bot_id = bot->id, .tenant_id = bot->tenant_id, .created_ns = now_ns, .event = notice_about(event)->name,
    .data = live_batch_bytes(b, text, strlen(text))};
  bot->content = true;
  free(text);
}

// ---- handing over

static void go_on(struct live *l, int place) {
  struct live_host *h = &l->hosts[place];
  if (h->writes || h->batch) return;
  h->write_failed = false;
  if (!h->owes || (l->behind && journal_behind_full(l->behind))) return;
  h->owes = false;
  if (place < FLEET_HOSTS_MAX) fleet_go_on(l->fleet, place);
}

static void tell(struct live *l, struct live_batch *b) {
  for (size_t i = 0; i < b->news_count; i++) {
    l->config.publish(l->config.self, b->news[i].channel, b->news[i].type, b->news[i].data);
    b->news[i].data = NULL;
  }
}

// Several writes of a host may be under way (an instant, and a kill switch for bots that had no part in it): its orders exist when
// all are committed.
static void wait_for(struct live_host *h, const struct live_batch *b) {
  if (h->bot_count + b->bot_count > h->bot_cap) {
    const size_t cap = (h->bot_count + b->bot_count) * 2;
    int64_t *bots = realloc(h->bots, cap * sizeof *bots);
    if (!bots) {
      h->write_failed = true;  // those left out are cancelled as not journalled, which is the safe side
      return;
    }
    h->bots = bots;
    h->bot_cap = cap;
  }
  if (b->bot_count) memcpy(h->bots + h->bot_count, b->bots, b->bot_count * sizeof *b->bots);
  h->bot_count += b->bot_count;
}

static void settle(struct live *l, struct live_host *h) {
  for (size_t i = 0; i < h->bot_count; i++) {
    struct live_bot *bot = live_find(l, h->bots[i]);
    // What was written between two instants may be committed in the middle of the next: its clerk learns of it with that one's end.
    if (!bot || !bot->clerk || l->closing || bot->busy) continue;
    if (h->write_failed) clerk_uncommitted(bot->clerk);
    else clerk_committed(bot->clerk);
    if (clerk_closing(bot->clerk)) live_clock_soon(bot);  // it does not wait for its own next bar
    live_commands_flush(bot);  // what that imposed is journalled next
    if (!bot->unwritten) live_venue_flush(bot);
  }
  h->bot_count = 0;
}

#define DROP(type, items, count)                                \
  do {                                                          \
    type *rows = (type *)(uintptr_t)(items);                    \
    size_t kept = 0;                                            \
    for (size_t i = 0; i < (count); i++)                        \
      if (rows[i].bot_id != bot->id) rows[kept++] = rows[i];    \
    (count) = kept;                                             \
  } while (0)

// Out of what is being gathered: it follows from what is not in the journal.
static void drop(const struct live_bot *bot, struct live_batch *b) {
  size_t n = 0;
  DROP(struct journal_record, b->rows.records, b->rows.record_count);
  DROP(struct journal_state, b->rows.states, b->rows.state_count);
  DROP(struct journal_order, b->rows.orders, b->rows.order_count);
  DROP(struct journal_fill, b->rows.fills, b->rows.fill_count);
  DROP(struct journal_trade, b->rows.trades, b->rows.trade_count);
  DROP(struct journal_mark, b->rows.marks, b->rows.mark_count);
  DROP(struct journal_log, b->rows.logs, b->rows.log_count);
  DROP(struct account_entry, b->rows.entries, b->rows.entry_count);
  DROP(struct journal_notice, b->rows.notices, b->rows.notice_count);
  live_image_drop(b, bot->id);
  for (size_t i = 0; i < b->news_count; i++)
    if (strcmp(b->news[i].channel, bot->channel) != 0) b->news[n++] = b->news[i];
    else json_decref(b->news[i].data);
  b->news_count = n;
}

static void drop_all(const struct live_bot *bot) {
  for (int i = 0; i <= FLEET_HOSTS_MAX; i++)
    if (bot->live->hosts[i].batch) drop(bot, bot->live->hosts[i].batch);
}

// What is in memory and not in the journal is as if it had never been: the bot goes on from there when its owner, or another try, asks for it,
// and has books again as soon as the journal can be written.
static void forget(struct live_bot *bot, const char *why) {
  const struct live_batch *ending = bot->ending;
  fleet_remove(bot->live->fleet, bot->id, why);
  bot->opened = false;
  bot->place = LIVE_HOSTLESS;
  drop_all(bot);
  live_books_close(bot);
  bot->ending = ending;
  live_event(bot, LIFE_JOURNAL_FAILED, why);
  live_bookless(bot);
}

static void unpark(struct live *l, int place);

static void committed(void *arg, enum status st, const struct err *err) {
  struct live_batch *b = arg;
  struct live *l = b->live;
  const int place = b->place;
  struct live_host *h = &l->hosts[place];
  h->writes--;
  for (size_t i = 0; i < b->bot_count; i++) {
    struct live_bot *bot = live_find(l, b->bots[i]);
    if (bot && bot->unwritten) bot->unwritten--;
    if (bot && bot->handed) bot->handed--;
  }
  l->stats.commit_us_last = (clock_monotonic_ns() - b->handed_ns) / 1000;
  if (st != OK) {
    h->write_failed = true;
    l->config.log(l->config.self, "error", "journal_refused", json_pack("{s:s}", "error", err ? err->msg : ""));
  }
  if (st == OK) live_money_committed(l, b);
  if (st == OK) live_past_committed(l, &b->rows);
  if (st != OK) live_behind_committed(l, b, st);
  for (size_t i = 0; st != OK && i < b->bot_count; i++) {
    struct live_bot *bot = live_find(l, b->bots[i]);
    if (!bot) continue;
    if (l->closing) {
      // The next start reads what is there; what waits here follows from what is not, and rows may be missing from anywhere.
      drop_all(bot);
      bot->instant_ns = 0;
    } else if (bot->clerk) forget(bot, err ? err->msg : "");
    else drop_all(bot);  // it is about to be opened anew, from what is there
  }
  wait_for(h, b);
  if (h->writes == 0) settle(l, h);
  if (st == OK) live_behind_committed(l, b, st);  // rows for readers: orders have left
  live_images_committed(l, b, st);
  for (size_t i = 0; i < b->bot_count; i++) {
    struct live_bot *bot = live_find(l, b->bots[i]);
    if (!bot || !bot->clerk || l->closing) continue;
    if (st == OK) bot->bookless_ms = 0;
    if (st == OK) live_signals_committed(bot);
    if (bot->opened) live_past_shelve(bot);
    if (!bot->failed) continue;
    bot->failed = false;
    live_event(bot, bot->unfit ? LIFE_UNFIT : LIFE_SCRIPT_FAILED, live_fault(bot));
  }
  for (size_t i = 0; i < b->bot_count; i++) {
    struct live_bot *bot = live_find(l, b->bots[i]);
    if (bot && !bot->unwritten && !l->closing) live_venue_flush(bot), live_written(bot);
  }
  if (st == OK) tell(l, b);
  for (size_t i = 0; i < b->bot_count; i++) {
    struct live_bot *bot = live_find(l, b->bots[i]);
    if (bot && bot->ending == b) live_stopped(bot, st);
  }
  batch_destroy(b);
  if (h->batch) live_hand_over(l, place);  // what the above imposed
  else go_on(l, place);
  for (int i = 0; i <= FLEET_HOSTS_MAX; i++) unpark(l, i);
}

static void answered(void *arg, enum status st, const struct err *err) {
  struct live_batch *b = arg;
  struct live *l = b->live;
  l->writes--;
  committed(b, st, err);
  for (int i = 0; i <= FLEET_HOSTS_MAX; i++)
    if (l->hosts[i].batch && l->hosts[i].batch->asked) live_hand_over(l, i);  // what waited for this one
}

// Does it follow from something that is not committed yet? Then it waits: else it could be in the journal, and what it follows from not.
// A bot comes to a host when all it did without one is committed; so of what is being gathered only what is done without a host follows
// something done on one.
static bool follows(const struct live *l, const struct live_batch *b) {
  for (size_t i = 0; i < b->bot_count; i++) {
    const struct live_bot *bot = live_find(l, b->bots[i]);
    if (bot && (bot->handed || (b->place == LIVE_HOSTLESS && bot->unwritten > 1))) return true;
  }
  return false;
}

static enum status append(struct db *db, void *arg, struct err *err) {
  struct live_batch *b = arg;
  struct journal_batch rows = b->rows;
  if (b->behind) rows.order_count = rows.fill_count = rows.trade_count = rows.mark_count = rows.followed_count = 0;
  enum status st = journal_append(db, &rows, err);
  return st == OK && b->image_count ? journal_last_id(db, &b->last_id, err) : st;
}

static void write_it(struct live *l, struct live_batch *b) {
  if (b->bytes.failed) {
    const struct err err = {.code = ERR_NOMEM, .msg = "no memory for what was to be journalled"};
    committed(b, ERR_NOMEM, &err);
    return;
  }
  l->writes++;
  store_write(l->config.store, STORE_JOURNAL, append, answered, b);
  live_venues_brace(l, b->bots, b->bot_count);  // while the disk is at it
}

// Batches of a place stay in their order.
static void unpark(struct live *l, int place) {
  struct live_host *h = &l->hosts[place];
  while (h->parked && live_behind_choose(l, h->parked)) {
    struct live_batch *b = h->parked;
    h->parked = b->next;
    write_it(l, b);
  }
}

void live_hand_over(struct live *l, int place) {
  struct live_host *h = &l->hosts[place];
  struct live_batch *b = h->batch;
  if (!b) {
    go_on(l, place);
    return;
  }
  b->asked = true;
  if (h->in_turn || follows(l, b)) return;
  h->batch = NULL;
  h->writes++;
  b->handed_ns = clock_monotonic_ns();
  live_behind_follow(l, b);
  for (size_t i = 0; i < b->rows.record_count; i++) fix(b, &b->rows.records[i].body);
  for (size_t i = 0; i < b->rows.log_count; i++) fix(b, (const void **)(void *)&b->rows.logs[i].text);
  for (size_t i = 0; i < b->rows.notice_count; i++) fix(b, (const void **)(void *)&b->rows.notices[i].data);
  for (size_t i = 0; i < b->rows.rules_count; i++) {
    struct account_rules_row *r = &((struct account_rules_row *)b->rows.rules)[i];
    fix(b, (const void **)(void *)&r->name), fix(b, (const void **)(void *)&r->rules), fix(b, &r->state);
  }
  for (size_t i = 0; i < b->rows.state_count; i++) fix(b, (const void **)(void *)&((struct journal_state *)b->rows.states)[i].body);
  for (size_t i = 0; i < b->bot_count; i++) {
    struct live_bot *bot = live_find(l, b->bots[i]);
    if (bot) bot->handed++;
  }
  struct live_batch **end = &h->parked;
  while (*end) end = &(*end)->next;
  *end = b;
  unpark(l, place);
}

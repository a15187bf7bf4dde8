// bot/fleet_queue.c – what a host is told next: instants from its own place in the queue, and between them bots to be opened.
#include "bot/fleet_impl.h"

#include "loop/clock.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define STANDIN 0x80000000u  // series ids from here on are the fleet's own
#define OPENING_MAX 3        // fences under way: of one bot, and the next one's first
#define PUMP_BOTS 32         // the market's part of an instant takes some 15 µs a bot
#define PUMP_NS 3000000      // of a turn of the loop, for a host: bots that are opened, mostly
#define CHUNK_BARS 4096      // of history, between two looks at how much waits to be sent

// ---- the queue

struct hub_instant *fleet_queue_at(const struct fleet *f, uint64_t seq) { return f->queue[seq % f->queue_cap]; }

void fleet_queue_shrink(struct fleet *f) {
  uint64_t first = f->queue_end;
  for (int i = 0; i < f->host_count; i++) {
    if (f->hosts[i].state == HOST_OFF) f->hosts[i].next_seq = f->queue_end;
    if (f->hosts[i].next_seq < first) first = f->hosts[i].next_seq;
  }
  for (; f->queue_first < first; f->queue_first++) hub_instant_unref(fleet_queue_at(f, f->queue_first));
}

// Does a bot of this host, open or not, have one of its bars?
static bool concerns(struct fleet_host *h, const struct hub_instant *in, bool *ret_open) {
  bool any = false;
  *ret_open = false;
  for (size_t i = 0; i < in->count && !*ret_open; i++) {
    const struct fleet_series *s = fleet_series_find(h, in->bars[i].series);
    if (!s) continue;
    any = true;
    *ret_open = s->open;
  }
  return any;
}

static void miss(struct fleet_host *h, struct hub_instant *in) {
  struct fleet *f = h->fleet;
  f->stats.missed++;
  f->c.call.missed(f->c.self, h->index, in);
}

void fleet_relieve(struct fleet_host *h) {
  struct fleet *f = h->fleet;
  while (h->state != HOST_UP && !h->owed && !h->awaits_owner && !f->closing) {
    bool none = !h->waiting.count && !h->running.count;
    uint64_t keep = none || h->miss_all ? 0 : f->c.queue_max;
    if (f->queue_end - h->next_seq <= keep) break;
    struct hub_instant *in = hub_instant_ref(fleet_queue_at(f, h->next_seq));
    h->next_seq++;
    bool open;
    if (concerns(h, in, &open)) miss(h, in);
    hub_instant_unref(in);
  }
  if (h->next_seq == f->queue_end) h->miss_all = false;
  fleet_queue_shrink(f);
}

// ---- an instant

static void put_instant(struct fleet_host *h, const struct hub_instant *in) {
  struct fleet *f = h->fleet;
  size_t n = 0;
  for (size_t i = 0; i < in->count && n < WIRE_INSTANT_MAX; i++) {
    const struct fleet_series *s = fleet_series_find(h, in->bars[i].series);
    if (s && s->open) f->scratch[n++] = in->bars[i];
  }
  wire_put_instant(&h->out, (uint32_t)in->venue, in->now_ns, f->scratch, n, NULL, 0);
  for (size_t i = 0; i < n; i++) {
    int64_t before_ns;
    struct fleet_series *s = fleet_series_find(h, f->scratch[i].series);
    if (fleet_series_sent(s, f->scratch[i].bar.open_ns, &before_ns)) wire_put_series_trim(&h->out, s->id, before_ns);
  }
}

static void take_instant(struct fleet_host *h) {
  struct fleet *f = h->fleet;
  struct hub_instant *in = hub_instant_ref(fleet_queue_at(f, h->next_seq));
  h->next_seq++;
  h->after_ms = 0;
  bool open, wanted = concerns(h, in, &open), called = h->open_count && f->c.call.calls && f->c.call.calls(f->c.self, h->index, in);
  if (!open && !called) {
    if (wanted) miss(h, in);
    hub_instant_unref(in);
    return;
  }
  h->owed = in;  // from here on: should the host be lost, the owner has seen the instant
  h->owed_ns = clock_monotonic_ns();
  f->c.call.about_to_send(f->c.self, h->index, in);
  if (h->state != HOST_UP) return;
  h->in_used = 0;
  put_instant(h, in);
  fleet_expect(h, EXPECT_DONE, 0, 0, f->c.instant_ms);
  f->stats.instants++;
}

// Newcomers and the slow are shown an instant when the others have done what they were shown: their hosts would wake up beside those and take
// the processors from them and from the core. They do not wait for long: others may hang, or have one instant after the other.
static bool comes_after(const struct fleet_host *h) { return h->slow || h->newcomers; }

static bool others_are_done(const struct fleet *f) {
  for (int i = 0; i < f->host_count; i++) {
    const struct fleet_host *h = &f->hosts[i];
    if (!comes_after(h) && h->state == HOST_UP && h->owed) return false;
  }
  return true;
}

static bool waits_for_others(struct fleet_host *h) {
  if (!comes_after(h) || others_are_done(h->fleet)) return false;
  const int64_t now_ms = loop_now_ms(h->fleet->c.loop);
  if (!h->after_ms) h->after_ms = now_ms + h->fleet->c.after_ms;
  return now_ms < h->after_ms;
}

// ---- opening a bot

void fleet_opening_stop(struct fleet_host *h) {
  struct fleet_bot *b = h->opening;
  if (!b) return;
  if (h->opening_history) {  // half a history is none
    struct fleet_series *s = fleet_series_find(h, h->opening_series);
    if (s) {
      s->open = false;
      wire_put_series_close(&h->out, s->id);
    }
    series_finish(&h->history);
  }
  for (int i = 0; i < b->need_count; i++) {
    if (h->opening_standins[i]) wire_put_series_close(&h->out, h->opening_standins[i]);
  }
  h->opening = NULL;
  h->opening_history = false;
}

static void refuse(struct fleet_host *h, const char *why) {
  struct fleet *f = h->fleet;
  int64_t bot = h->opening->node.key;
  fleet_remove(f, bot, why);
  f->c.call.bot_refused(f->c.self, bot, why);
}

// Bars of the instants to come are not history; what is not in them is.
static int64_t through_ns(const struct fleet_host *h, int venue) {
  const struct fleet *f = h->fleet;
  for (uint64_t seq = h->next_seq; seq < f->queue_end; seq++) {
    const struct hub_instant *in = fleet_queue_at(f, seq);
    if (in->venue == venue) return in->now_ns - 1;
  }
  return f->c.call.venue_time(f->c.self, venue);
}

static void open_begin(struct fleet_host *h, struct fleet_bot *b) {
  fleet_bots_remove(&h->waiting, b);
  fleet_bots_add(&h->running, b);
  b->state = BOT_OPENING;
  b->heard = false;
  b->begin_token = h->token + 1;
  fleet_ping(h, EXPECT_BEGIN, b->node.key, h->fleet->c.open_ms);
  h->opening = b;
  h->opening_need = 0;
  h->opening_sent = false;
  memset(h->opening_standins, 0, sizeof h->opening_standins);
  h->open = (struct fleet_open){.bot = b->node.key, .host = h->index, .through_ns = through_ns(h, b->needs[0].venue), .history = h->opening_standins};
}

// The next need that the host does not have yet: asks for its history. False: the bot is gone.
static bool history_begin(struct fleet_host *h, struct fleet_series *s) {
  struct fleet *f = h->fleet;
  struct fleet_bot *b = h->opening;
  const struct fleet_need *need = &b->needs[h->opening_need];
  struct err err;
  struct series history = {0};
  const struct series *head = f->c.call.series(f->c.self, need->series);
  enum status st = head ? f->c.call.history(f->c.self, b->node.key, need, h->open.through_ns, &history, &err)
                        : err_set(&err, ERR_NOTFOUND, "there are no such market data any more");
  if (h->opening != b || st != OK) {
    series_finish(&history);
    if (h->opening == b) refuse(h, err.msg);
    return false;
  }
  uint32_t id = need->series;
  if (s->open) {
    h->standin = (h->standin + 1) & ~STANDIN;
    id = h->opening_standins[h->opening_need] = STANDIN | h->standin;
  } else {
    int64_t first = history.count ? history.bars[0].open_ns : INT64_MAX;
    s->open = true;
    s->all = history.count < need->bars;
    s->held = history.count;
    s->from_ns = first < need->from_ns ? first : need->from_ns;
    s->old_ns = s->from_ns;
    s->young_ns = h->open.through_ns;
    s->young = 0;
  }
  wire_put_series_open(&h->out, id, head);
  h->opening_series = id;
  h->opening_history = true;
  h->history = history;
  h->history_sent = 0;
  return true;
}

static void history_more(struct fleet_host *h) {
  size_t rest = h->history.count - h->history_sent, n = rest < CHUNK_BARS ? rest : CHUNK_BARS;
  if (n) wire_put_series_bars(&h->out, h->opening_series, h->history.bars + h->history_sent, n);
  h->history_sent += n;
  if (n < rest) return;
  series_finish(&h->history);
  h->opening_history = false;
  h->opening_need++;
}

static void open_last(struct fleet_host *h) {
  struct fleet_bot *b = h->opening;
  for (int i = 0; i < b->need_count; i++) {
    if (h->opening_standins[i]) wire_put_series_close(&h->out, h->opening_standins[i]);
  }
  h->opening = NULL;
  b->state = BOT_OPEN;
  h->open_count++;
  b->end_token = h->token + 1;
  fleet_ping(h, EXPECT_END, b->node.key, h->fleet->c.open_ms);
}

static void open_more(struct fleet_host *h) {
  struct fleet *f = h->fleet;
  struct fleet_bot *b = h->opening;
  while (h->opening_need < b->need_count) {
    const struct fleet_need *need = &b->needs[h->opening_need];
    struct fleet_series *s = fleet_series_find(h, need->series);
    if (h->opening_history) return history_more(h);
    if (s->open && (s->all || (s->held >= need->bars && s->from_ns <= need->from_ns))) h->opening_need++;
    else if (!history_begin(h, s)) return;
  }
  size_t before = h->out.len;
  enum fleet_step step = f->c.call.bot_open(f->c.self, &h->open, &h->out);
  if (h->opening != b) return;
  if (h->out.len != before) h->opening_sent = true;
  if (step == FLEET_NOT) refuse(h, "it could not be restored");
  else if (step == FLEET_LAST) open_last(h);
}

// ---- what next

static struct fleet_bot *next_to_open(const struct fleet_host *h) {
  struct fleet_bot *b = h->waiting.first;
  while (b && fleet_doubt_holds(h, b)) b = b->next;
  return b && b->since_seq <= h->next_seq ? b : NULL;
}

static bool pump_once(struct fleet_host *h) {
  struct fleet *f = h->fleet;
  if (h->state != HOST_UP || h->owed || h->awaits_owner || f->closing) return false;
  if (h->out.failed || h->out.len - h->sent > FLEET_LOW_WATER) return false;
  if (h->opening) {
    open_more(h);
    return true;
  }
  struct fleet_bot *b = next_to_open(h);
  bool instant = h->next_seq < f->queue_end, recovering = b && loop_now_ms(f->c.loop) < h->recover_until_ms;
  // An instant waits for what is being opened before it, so that is little once there are instants.
  bool room = h->expect_count + 2 <= (recovering ? FLEET_EXPECT_MAX - 1 : OPENING_MAX);
  if (b && room && (recovering || !instant || h->open_turn)) {
    h->open_turn = false;
    open_begin(h, b);
    return true;
  }
  if (!instant || recovering || h->expect_count == FLEET_EXPECT_MAX || waits_for_others(h)) return false;
  h->open_turn = true;
  take_instant(h);
  return true;
}

static void on_pump(struct loop_task *task) {
  struct fleet_host *h = (struct fleet_host *)((char *)task - offsetof(struct fleet_host, pump));
  if (!h->fleet->closing) fleet_pump(h);
}

static void another_turn(struct fleet_host *h) {
  if (h->pump.waiting || h->fleet->closing) return;
  h->pump.fn = on_pump;
  loop_post_task(h->fleet->c.loop, &h->pump);
}

void fleet_pump(struct fleet_host *h) {
  if (h->pumping) return;  // the loop below sees what has changed
  const int64_t begin_ns = clock_monotonic_ns();
  h->pumping = true;
  while (pump_once(h)) {
    if (clock_monotonic_ns() - begin_ns < PUMP_NS) continue;
    another_turn(h);
    break;
  }
  h->pumping = false;
  fleet_flush(h);
  fleet_queue_shrink(h->fleet);
}

void fleet_pump_soon(struct fleet_host *h) {
  if (h->open_count <= PUMP_BOTS && !comes_after(h)) fleet_pump(h);
  else another_turn(h);
}

void fleet_pump_after(struct fleet *f) {
  for (int i = 0; i < f->host_count; i++) {
    struct fleet_host *h = &f->hosts[i];
    if (h->after_ms && h->state == HOST_UP) another_turn(h);
  }
}

// ---- the interface

bool fleet_instant(struct fleet *f, struct hub_instant *in) {
  if (f->queue_end - f->queue_first == f->queue_cap) fleet_queue_shrink(f);
  if (f->queue_end - f->queue_first == f->queue_cap || !fleet_scratch(f, in->count)) return false;
  f->queue[f->queue_end % f->queue_cap] = hub_instant_ref(in);
  f->queue_end++;
  for (int i = 0; i < f->host_count; i++) {
    struct fleet_host *h = &f->hosts[i];
    uint64_t behind = f->queue_end - h->next_seq;
    if (h->state == HOST_UP && behind > f->c.queue_max) h->recover_until_ms = 0;
    if (h->state == HOST_UP && !h->awaits_owner && behind > 2 * (uint64_t)f->c.queue_max) {
      h->miss_all = true;  // opening anew catches up without scripts
      fleet_host_fail(h, false, 0, "it was %u instants behind", (unsigned)behind);
    }
    fleet_relieve(h);
    fleet_pump_soon(h);
  }
  fleet_queue_shrink(f);
  return true;
}

void fleet_go_on(struct fleet *f, int host) {
  assert(host >= 0 && host < f->host_count);
  struct fleet_host *h = &f->hosts[host];
  h->awaits_owner = false;
  fleet_relieve(h);
  fleet_pump_soon(h);
}

unsigned fleet_backlog(const struct fleet *f) {
  uint64_t most = 0;
  for (int i = 0; i < f->host_count; i++) {
    const struct fleet_host *h = &f->hosts[i];
    if (h->state == HOST_UP && !h->slow && f->queue_end - h->next_seq > most) most = f->queue_end - h->next_seq;
  }
  return (unsigned)most;
}

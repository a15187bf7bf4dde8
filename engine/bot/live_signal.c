// bot/live_signal.c – signals to running bots: accepted as rows (store/signal_rows), delivered in the order of their ids in an instant to
// which the bot is called, each once. That it was delivered stands in the journal with all that the script did in that instant; the row
// says so afterwards. Where the service or a host died in between, the journal is asked which was the last.
#include "bot/live_impl.h"

#include "loop/clock.h"
#include "loop/loop.h"
#include "store/db.h"
#include "store/signal_rows.h"
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELIVER_MAX 32   // in one instant; more come with the next
#define WAITING_MAX 1000  // of one bot in memory

struct live_signal {
  struct live_signal *next;
  int64_t id, received_ns, expires_ns, ts_ns;
  bool told;             // its host has it, for the instant under way
  json_t *body;
};

static void drop(struct live_bot *b) {
  struct live_signal *s = b->signals;
  b->signals = s->next;
  b->signal_count--;
  json_decref(s->body);
  free(s);
}

void live_signals_forget(struct live_bot *b) {
  while (b->signals) drop(b);
  free(b->signals_done);
  b->signals_done = NULL;
  b->signals_done_count = b->signals_done_cap = 0;
  b->signal_last = 0;
  b->signals_known = b->signals_left = false;
}

void live_signal_delivered(struct live_bot *b, int64_t row, int64_t instant_ns) {
  if (row > b->signal_last) b->signal_last = row;
  if (b->signals_done_count == SIGNAL_ROWS_MAX) {  // older rows are gone
    memmove(b->signals_done, b->signals_done + SIGNAL_ROWS_MAX / 2, SIGNAL_ROWS_MAX / 2 * sizeof *b->signals_done);
    b->signals_done_count = SIGNAL_ROWS_MAX / 2;
  }
  if (b->signals_done_count == b->signals_done_cap) {
    const size_t cap = b->signals_done_cap ? 2 * b->signals_done_cap : 16;
    struct live_signal_done *more = realloc(b->signals_done, cap * sizeof *more);
    if (!more) return;  // its row goes on saying that it waits
    b->signals_done = more;
    b->signals_done_cap = cap;
  }
  b->signals_done[b->signals_done_count++] = (struct live_signal_done){row, instant_ns};
}

// ---- the rows

// What became of signals in one turn of the loop is one write.
#define DONE_MAX 1024
struct live_signals_done {
  struct loop_task task;
  struct live *live;
  size_t count;
  struct { int64_t id, delivered_ns; const char *state; } rows[DONE_MAX];
};

static enum status write_done(struct db *db, void *arg, struct err *err) {
  const struct live_signals_done *j = arg;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < j->count; i++) st = signal_done(db, j->rows[i].id, j->rows[i].state, j->rows[i].delivered_ns, err);
  return st;
}

// Refused: the journal knows.
static void written(void *arg, enum status st, const struct err *err) {
  struct live_signals_done *j = arg;
  (void)st, (void)err;
  j->live->writes--;
  free(j);
}

static void hand_over(struct loop_task *task) {
  struct live_signals_done *j = (struct live_signals_done *)task;
  if (j->live->signals_done == j) j->live->signals_done = NULL;
  store_write_along(j->live->config.store, STORE_CONTROL, write_done, written, j);  // nobody waits for it, and the next signal is about to come
}

static void row_done(struct live *l, int64_t id, const char *state, int64_t delivered_ns) {
  struct live_signals_done *j = l->signals_done;
  if (!j || j->count == DONE_MAX) {
    j = malloc(sizeof *j);
    if (!j) return;
    j->task = (struct loop_task){.fn = hand_over};
    j->live = l;
    j->count = 0;
    l->signals_done = j;
    l->writes++;
    loop_post_task(l->config.loop, &j->task);
  }
  j->rows[j->count].id = id;
  j->rows[j->count].state = state;
  j->rows[j->count++].delivered_ns = delivered_ns;
}

// One that the service did not live to write: delivered, or passed over.
static void say_it_was(struct live_bot *b, int64_t row) {
  for (size_t i = 0; i < b->signals_done_count; i++)
    if (b->signals_done[i].id == row) return row_done(b->live, row, "delivered", b->signals_done[i].instant_ns);
  row_done(b->live, row, "expired", 0);
}

// ---- coming

static bool take(void *arg, const struct signal_row *row) {
  struct live_bot *b = arg;
  if (row->id <= b->signal_last) return say_it_was(b, row->id), true;
  struct live_signal **at = &b->signals, *s = b->signal_count < WAITING_MAX ? calloc(1, sizeof *s) : NULL;
  if (!s) return b->signals_left = true, false;
  s->id = row->id;
  s->received_ns = row->received_ns;
  s->expires_ns = row->expires_ns;
  s->ts_ns = hub_clock_soon(b->live->hub, b->venue);
  s->body = json_loads(row->body, 0, NULL);
  while (*at) at = &(*at)->next;
  *at = s;
  b->signal_count++;
  b->signal_last = row->id;
  return true;
}

void live_signals_read(struct live_bot *b) {
  struct err err;
  if (!b->clerk || !b->opened) return;  // when it is opened
  const bool known = b->signals_known || b->signals;
  b->signals_known = true;
  b->signals_left = false;
  if (signal_waiting(store_reader(b->live->config.store, STORE_CONTROL), b->id, known ? b->signal_last : 0, take, b, &err) != OK)
    b->live->config.log(b->live->config.self, "error", "signals_unreadable", json_pack("{s:s, s:s}", "bot", b->channel + 4, "error", err.msg));
  if (!known) b->signals_done_count = 0;
  if (b->signals) live_clock_soon(b);
}

void live_bot_signalled(struct live *l, int64_t bot_id) {
  struct live_bot *b = live_find(l, bot_id);
  if (b) live_signals_read(b);
}

// ---- delivering

static struct record_text text_of(const json_t *body, const char *key, size_t most) {
  const json_t *v = json_object_get(body, key);
  if (!json_is_string(v)) return (struct record_text){NULL, 0};
  const size_t len = json_string_length(v);
  return record_text(json_string_value(v), len < most ? len : most);
}

static double number_of(const json_t *body, const char *key) {
  const json_t *v = json_object_get(body, key);
  return json_is_number(v) ? json_number_value(v) : NAN;
}

// As the script sees it. text: room for what the row did not say.
static void signal_record(const struct live_signal *s, int64_t time_ns, char id[ID_TEXT_SIZE], struct record *ret) {
  record_init(ret, RECORD_SIGNAL, time_ns);
  ret->signal_id = text_of(s->body, "id", RECORD_TEXT_MAX);
  ret->source = text_of(s->body, "source", RECORD_TEXT_MAX);
  ret->key = text_of(s->body, "key", RECORD_TEXT_MAX);
  ret->symbol = text_of(s->body, "symbol", RECORD_TEXT_MAX);
  ret->action = text_of(s->body, "action", RECORD_TEXT_MAX);
  ret->raw = text_of(s->body, "raw", WIRE_RAW_MAX);
  if (!ret->signal_id.len) {
    id_format("sig", s->id, id);
    ret->signal_id = record_text(id, strlen(id));
  }
  if (!ret->source.len) ret->source = record_text("api", 3);
  ret->size = number_of(s->body, "size"), ret->price = number_of(s->body, "price");
  ret->sl = number_of(s->body, "sl"), ret->tp = number_of(s->body, "tp");
  ret->ts_ns = s->ts_ns < time_ns ? s->ts_ns : time_ns;
  ret->signal_row = s->id;
}

static struct wire_text to_wire(struct record_text t) { return wire_text(t.text, t.len); }

static void expire(struct live_bot *b) {
  char id[ID_TEXT_SIZE], text[128];
  id_format("sig", b->signals->id, id);
  const int n = snprintf(text, sizeof text, "signal %s was not delivered: its time was over", id);
  live_log(b, b->instant_ns, LOG_WARN, text, (size_t)n);
  row_done(b->live, b->signals->id, "expired", 0);
  drop(b);
}

void live_signals_send(struct live_bot *b, int64_t now_ns) {
  struct buf frames;
  if (!b->signals || !b->opened || !fleet_is_open(b->live->fleet, b->id)) return;
  while (b->signals && b->signals->expires_ns < clock_wall_ns()) expire(b);
  buf_init(&frames, 4u << 20);
  int count = 0;
  for (struct live_signal *s = b->signals; s && count < DELIVER_MAX; s = s->next, count++) {
    char id[ID_TEXT_SIZE];
    struct record r;
    signal_record(s, now_ns, id, &r);
    const struct wire_signal w = {.id = to_wire(r.signal_id), .source = to_wire(r.source), .key = to_wire(r.key), .symbol = to_wire(r.symbol), .action = to_wire(r.action),
      .raw = to_wire(r.raw), .size = r.size, .price = r.price, .sl = r.sl, .tp = r.tp, .ts_ns = r.ts_ns};
    wire_put_signal(&frames, (uint64_t)b->id, &w);
    s->told = true;
  }
  if (!fleet_send(b->live->fleet, b->id, &frames))
    for (struct live_signal *s = b->signals; s; s = s->next) s->told = false;
  buf_finish(&frames);
}

// heard: its host came to it in the instant. Else it is told again when its script is back.
void live_signals_end(struct live_bot *b, bool heard) {
  if (!b->signals && !b->signals_left) return;
  if (!heard) {
    for (struct live_signal *s = b->signals; s; s = s->next) s->told = false;
    return;
  }
  while (b->signals && b->signals->told) {
    char id[ID_TEXT_SIZE];
    struct record r;
    signal_record(b->signals, b->instant_ns, id, &r);
    live_record(b, &r, true, false, false);
    live_news(b, "signal", json_pack("{s:s%, s:s%, s:I}", "id", r.signal_id.text, r.signal_id.len, "action", r.action.text ? r.action.text : "", r.action.len, "time",
      (json_int_t)(b->instant_ns / NS_PER_MS)));
    live_signal_delivered(b, b->signals->id, b->instant_ns);
    live_took(&b->live->hears, b->signals->received_ns, clock_wall_ns());
    drop(b);
  }
  if (b->signals_left && b->signal_count < WAITING_MAX / 2) live_signals_read(b);
  if (b->signals) live_clock_soon(b);
}

void live_signals_committed(struct live_bot *b) {
  for (size_t i = 0; i < b->signals_done_count; i++) row_done(b->live, b->signals_done[i].id, "delivered", b->signals_done[i].instant_ns);
  b->signals_done_count = 0;
}

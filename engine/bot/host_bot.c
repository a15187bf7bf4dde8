// bot/host_bot.c – one bot of a host: its part of an instant, and the frames that tell what it did.
#include "bot/host_impl.h"

#include "bot/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// A script may say so much in one instant; what is beyond is counted.
#define LOGS_MAX 100
#define PLOTS_MAX 64
#define MARKS_MAX 32
#define NOTES_MAX 8
#define DENIALS_MAX 64
#define TRADES_MOST 16

// ---- what it does, as it does it

static void tell_tags(struct host_bot *b) {
  const struct bot *bot = pilot_bot(b->pilot);
  for (; b->tags_told < bot_tag_count(bot); b->tags_told++)
    if (bot_tag_text(bot, b->tags_told)[0]) wire_put_tag(&b->feed->out, b->id, b->tags_told, bot_tag_text(bot, b->tags_told));
}

// Before the commands that come of it, so that the journal has the parameters before what was decided by them.
static void seen_params(void *self) {
  const struct host_bot *b = self;
  wire_put_answer(&b->feed->out, b->id, WIRE_PARAMS, OK, "");
}

// The mark of a bar is only told between other commands of the instant: wire.h.
static void seen_command(void *self, const struct bot_command *c) {
  struct host_bot *b = self;
  struct host_feed *f = b->feed;
  if (c->kind == COMMAND_MARK && f->commands == 0) {
    f->mark = *c;
    f->mark_waits = true;
    return;
  }
  if (f->mark_waits) wire_put_command(&f->out, b->id, &f->mark);
  f->mark_waits = false;
  if (c->kind == COMMAND_SUBMIT && c->intent.tag >= b->tags_told) tell_tags(b);
  wire_put_command(&f->out, b->id, c);
  f->commands++;
}

static bool counted(struct host_feed *f, uint32_t *count, uint32_t most) {
  if (++*count <= most) return true;
  f->dropped++;
  return false;
}

static void seen_denied(void *self, int64_t time_ns, enum reason code, double limit, double value, const char *msg) {
  struct host_bot *b = self;
  if (counted(b->feed, &b->feed->denials, DENIALS_MAX)) wire_put_denied(&b->feed->out, b->id, time_ns, code, limit, value, msg);
}

static void seen_log(void *self, int64_t time_ns, enum script_log_level level, const char *text) {
  struct host_bot *b = self;
  if (counted(b->feed, &b->feed->logs, LOGS_MAX)) wire_put_log(&b->feed->out, b->id, time_ns, level, text);
}

static void seen_plot(void *self, int64_t time_ns, const char *name, double value) {
  struct host_bot *b = self;
  if (counted(b->feed, &b->feed->plots, PLOTS_MAX)) wire_put_plot(&b->feed->out, b->id, time_ns, name, value);
}

static void seen_mark(void *self, int64_t time_ns, const char *text) {
  struct host_bot *b = self;
  if (counted(b->feed, &b->feed->marks, MARKS_MAX)) wire_put_mark(&b->feed->out, b->id, time_ns, text);
}

static void seen_notify(void *self, int64_t time_ns, const char *text) {
  struct host_bot *b = self;
  if (counted(b->feed, &b->feed->notes, NOTES_MAX)) wire_put_notify(&b->feed->out, b->id, time_ns, text);
}

struct bot_observer host_bot_observer(struct host_bot *b) {
  return (struct bot_observer){.self = b, .params = seen_params, .command = seen_command, .denied = seen_denied, .log = seen_log, .plot = seen_plot, .mark = seen_mark, .notify = seen_notify};
}

// ---- its state

// Of bytes that only the bot's own owner could choose to collide.
static uint64_t digest(const char *p, size_t n) {
  uint64_t h = n * UINT64_C(0x9E3779B97F4A7C15);
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    h = (h ^ word) * UINT64_C(0xBF58476D1CE4E5B9);
    h ^= h >> 31;
  }
  uint64_t word = 0;
  if (n) memcpy(&word, p, n);
  h = (h ^ word) * UINT64_C(0x94D049BB133111EB);
  return h ^ h >> 29;
}

void host_bot_state(struct host_bot *b, bool tell) {
  struct host_feed *f = b->feed;
  struct script *script = bot_script(pilot_bot(b->pilot));
  struct err err;
  static const char nothing[] = "{}";
  bool empty = script_state_empty(script);
  if (empty && tell && pilot_quiet(b->pilot) && b->told_state == digest(nothing, 2)) return;  // nearly always, for many scripts
  buf_clear(&f->state);
  enum status st = OK;
  if (empty) buf_str(&f->state, nothing);
  else st = script_state_save(script, &f->state, &err);
  size_t len = f->state.len;
  if (st == OK && !bot_memory_save(pilot_bot(b->pilot), &f->state, WIRE_MEMORY_MAX))
    st = err_set(&err, ERR_LIMIT, "the tags of its working orders are longer than %d bytes", WIRE_MEMORY_MAX);
  if (st != OK) {
    if (!b->unsaved && tell) host_fault(f, b->id, b->chunkname, st, err.msg, FAULT_CALLBACK);
    b->unsaved = true;
    return;
  }
  b->unsaved = false;
  uint64_t state = digest(f->state.data, len), memory = digest(f->state.data + len, f->state.len - len);
  if (state == b->told_state && memory == b->told_memory) return;
  b->told_state = state;
  b->told_memory = memory;
  if (tell) wire_put_state(&f->out, b->id, wire_text(f->state.data, len), wire_text(f->state.data + len, f->state.len - len));
}

// ---- its part of an instant

static int fundings(struct host_bot *b) {
  struct host_feed *f = b->feed;
  int count = 0;
  for (int i = 0; i < b->symbol_count; i++)
    for (uint32_t k = b->symbols[i]->funding; k != NOT_FUNDED && count < WIRE_FUNDING_MAX; k = f->funding_next[k]) {
      f->bot_funding[count] = f->funding[k];
      f->bot_funding[count++].symbol = i;
    }
  return count;
}

static int signals(struct host_bot *b) {
  int count = 0;
  for (const struct host_signal *s = b->signals; s && count < HOST_SIGNALS_MAX; s = s->next) b->feed->bot_signals[count++] = s->s;
  return count;
}

static void signals_done(struct host_bot *b, int count) {
  for (; count > 0; count--) {
    struct host_signal *s = b->signals;
    b->signals = s->next;
    b->signal_count--;
    free(s);
  }
  if (!b->signals) b->signals_end = &b->signals;
}

static void answer(struct host_bot *b, enum status st, const struct err *err) {
  struct host_feed *f = b->feed;
  if (b->params) {
    if (!pilot_params_taken(b->pilot)) wire_put_answer(&f->out, b->id, WIRE_PARAMS, st == OK ? ERR_SCRIPT : st, st == OK ? "" : err->msg);
    free(b->params);
    b->params = NULL;
  }
  if (b->stop) {
    wire_put_answer(&f->out, b->id, WIRE_BOT_STOP, st, st == OK ? "" : err->msg);
    free(b->stop);
    b->stop = NULL;
  }
}

static void run_begin(struct host_feed *f) {
  f->commands = f->logs = f->plots = f->marks = f->notes = f->denials = f->dropped = 0;
  f->mark_waits = false;
}

static void dropped_tell(struct host_bot *b, int64_t now_ns) {
  char text[120];
  if (!b->feed->dropped) return;
  snprintf(text, sizeof text, "%u more lines, plots, marks, notes or refusals of this instant were dropped", b->feed->dropped);
  wire_put_log(&b->feed->out, b->id, now_ns, LOG_WARN, text);
}

bool host_bot_run(struct host_bot *b, int64_t now_ns) {
  struct host_feed *f = b->feed;
  struct instant_match match[SPEC_STREAMS_MAX];
  struct instant_bar bars[SPEC_STREAMS_MAX];
  struct instant in = {.now_ns = now_ns, .match = match, .bars = bars, .params = b->params, .stop = b->stop};
  struct err err;
  if (now_ns > b->run_from_ns)
    for (int i = 0; i < b->symbol_count; i++) {
      const struct host_series *s = b->symbols[i];
      if (s->closed_ns == now_ns) match[in.match_count++] = (struct instant_match){i, {.bar = &s->s.bars[s->s.count - 1], .close_ns = now_ns}};
    }
  for (int i = 0; i < b->stream_count; i++)
    if (b->streams[i]->closed_ns == now_ns) bars[in.bar_count++] = (struct instant_bar){i, b->streams[i]->s.count - 1, now_ns > b->live_from_ns};
  in.funding_count = fundings(b);
  in.funding = f->bot_funding;
  in.signal_count = signals(b);
  in.signals = f->bot_signals;
  in.ticks = b->ticks;
  in.tick_count = b->tick_count;
  b->tick_count = 0;

  run_begin(f);
  int64_t begin;
  host_word_set(f->c.word, b->id);
  bool may = host_tenant_begin(f, b->tenant, &begin);
  enum status st = may ? pilot_instant(b->pilot, &in, &err) : pilot_skip(b->pilot, &in, &err);
  if (may) host_tenant_end(f, b->tenant, begin);
  else if (st == OK) st = err_set(&err, ERR_BUDGET, "not run: this tenant's bots used up their %lld ms of CPU time for the instant", (long long)(b->tenant->cpu_most_ns / NS_PER_MS));
  if (pilot_account(b->pilot)->trades.count >= TRADES_MOST) pilot_forget_trades(b->pilot);
  bool dead = st != OK && pilot_dead(b->pilot), heavy = !dead && !host_tenant_bytes(b, script_bytes(bot_script(pilot_bot(b->pilot))));
  if (!dead) host_bot_state(b, true);
  host_word_set(f->c.word, 0);
  dropped_tell(b, now_ns);
  if (!may) host_next_missed(b);
  host_next_done(b);
  signals_done(b, in.signal_count);  // what was not heard is told again
  if (may || dead) answer(b, st, &err);
  if (!dead && pilot_timer_next(b->pilot) != b->told_timer_ns) wire_put_timer(&f->out, b->id, b->told_timer_ns = pilot_timer_next(b->pilot));
  if (st != OK) host_fault(f, b->id, b->chunkname, st, err.msg, dead ? FAULT_GONE : may ? FAULT_CALLBACK : FAULT_SKIPPED);
  if (heavy) host_fault(f, b->id, b->chunkname, ERR_LIMIT, "this tenant's bots hold more memory than they may together", FAULT_GONE);
  if (dead || heavy) host_bot_remove(b);
  return st == OK && !heavy;
}

// bot/live_turn.c – instants: the market's part of each for a host's bots, what their scripts answered, and its end.
//
//     hub ─ live_instant ─► fleet ─ live_about_to_send: clerk_market of the host's bots ─► host
//                                 ◄─ live_frame: commands, logs, state
//                                 ◄─ live_done: marks, clerk_end, records ─► journal ─► fleet_go_on
//
// Bots whose script does not run now but who have books (paused, waiting for a retry) live at the place LIVE_HOSTLESS: the market's
// part happens as the hub tells it.
#include "bot/live_impl.h"

#include "loop/clock.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- the market's part

static bool touch(struct live *l, struct live_bot *b) {
  if (b->touched) return true;
  if (l->touched_count == l->touched_cap) {
    const size_t cap = l->touched_cap ? l->touched_cap * 2 : 64;
    struct live_bot **more = realloc(l->touched, cap * sizeof *more);
    if (!more) return false;
    l->touched = more;
    l->touched_cap = cap;
  }
  b->touched = true;
  b->main_closed = b->spoke = b->turned = b->called = b->skipped = false;
  l->touched[l->touched_count++] = b;
  return true;
}

// The one place that says whether the instant is the bot's, and makes it that. What it has seen already, where it caught up with the
// market or comes from another place, is history for it.
static bool takes_part(struct live *l, struct live_bot *b, const struct hub_instant *in) {
  if (!b->clerk || b->touched || b->ending || in->now_ns <= b->run_from_ns || in->now_ns <= clerk_now(b->clerk)) return false;
  struct err err;
  if (b->behind && (b->place != LIVE_HOSTLESS || live_catch_up(b, &err) != OK || in->now_ns <= clerk_now(b->clerk))) return false;
  if (b->busy) live_bot_end(b);  // its host was lost before it was shown the instant before; what it closed in that is still known here
  return b->clerk && !b->ending && clerk_follows(b->clerk, in->now_ns) && touch(l, b);
}

// With the bars that its orders meet, out of the instant's.
static void market_of(struct live_bot *b, const struct hub_instant *in) {
  struct instant_match match[SPEC_STREAMS_MAX];
  struct instant part = {.now_ns = in->now_ns, .match = match};
  struct err err;
  for (int k = 0; k < b->plan->symbol_count; k++) {
    const uint32_t hub = b->series[b->plan->symbols[k].exec]->hub;
    for (size_t i = 0; i < in->count; i++)
      if (in->bars[i].series == hub) {
        const struct bar *bar = &in->bars[i].bar;
        match[part.match_count++] = (struct instant_match){k, {.bar = bar, .close_ns = in->now_ns}};
      }
  }
  for (size_t i = 0; i < in->count; i++)
    if (in->bars[i].series == b->series[0]->hub) b->main_closed = true, b->main_open_ns = in->bars[i].bar.open_ns;
  b->instant_ns = in->now_ns;
  b->busy = true;
  b->asked_ns = 0;
  live_clock_served(b, in->now_ns);
  live_fund(b, &part);
  const enum status st = clerk_market(b->clerk, &part, &err);
  live_funded(b);
  if (st != OK) {
    b->failed = true;
    live_fault_set(b, err.msg, strlen(err.msg));
  }
  if (b->place != LIVE_HOSTLESS) live_signals_send(b, in->now_ns);
  live_ticks_send(b, in->now_ns);
}

static void market(struct live *l, int place, const struct hub_instant *in) {
  for (size_t i = 0; i < in->count; i++) {
    const uint32_t hub = in->bars[i].series;
    if (hub >= l->by_hub_cap) continue;
    for (size_t k = 0; k < l->reader_count[hub]; k++) {
      struct live_bot *b = l->readers[hub][k];
      if (b->place == place && takes_part(l, b, in)) market_of(b, in);
    }
  }
}

// Bots of the place that take part though no bar of theirs ends: the market's part is that time has passed.
static void call(struct live *l, int place, const struct hub_instant *in) {
  struct live_host *h = &l->hosts[place];
  struct live_bot *const *due;
  const size_t count = live_clock_due(l, place, in, &due);
  h->called_count = 0;
  if (h->called_cap < count) {
    int64_t *more = realloc(h->called, count * sizeof *more);
    if (!more) return;
    h->called = more;
    h->called_cap = count;
  }
  for (size_t i = 0; i < count; i++) {
    struct live_bot *b = due[i];
    if (!takes_part(l, b, in)) continue;
    market_of(b, in);
    b->called = true;
    h->called[h->called_count++] = b->id;
    if (place == LIVE_HOSTLESS) continue;
    struct buf frame;
    buf_init(&frame, 64);
    wire_put_call(&frame, (uint64_t)b->id);
    (void)fleet_send(l->fleet, b->id, &frame);
    buf_finish(&frame);
  }
}

// ---- the end of an instant

static void state_row(struct live_bot *b) {
  struct live_batch *batch = live_batch(b->live, b->place);
  struct journal_state *rows = batch ? live_room(batch, (void *)batch->rows.states, batch->rows.state_count, &batch->state_cap, sizeof *rows) : NULL;
  if (!rows) return;
  batch->rows.states = rows;
  // Until when the script saw everything; what it keeps, and what the engine beside it has to: the length of the first, then both.
  if ((b->opened || b->turned) && !b->skipped) b->seen_ns = b->instant_ns;
  const uint32_t len = (uint32_t)b->state.len;
  const size_t at = batch->bytes.len;
  buf_add(&batch->bytes, &b->seen_ns, sizeof b->seen_ns);
  buf_add(&batch->bytes, &len, sizeof len);
  if (b->state.len) buf_add(&batch->bytes, b->state.data, b->state.len);
  if (b->memory.len) buf_add(&batch->bytes, b->memory.data, b->memory.len);
  rows[batch->rows.state_count++] = (struct journal_state){.bot_id = b->id, .tenant_id = b->tenant_id, .run = b->run, .version = b->state_version, .resumes = b->resumes,
    .time_ns = b->instant_ns, .body = (const void *)(uintptr_t)at, .len = batch->bytes.len - at};
  live_batch_bot(batch, b->id);
  b->kept_ns = b->instant_ns;
  b->content = false;
}

// Host and core must say the same of all that happened: asked after the first instant, then now and then.
#define DIGEST_EVERY 32
static void ask_digest(struct live_bot *b) {
  if (!b->opened || b->instant_ns <= b->live_from_ns) return;  // what is history for its host already
  if (b->imposed || b->digest[0] || b->turns++ % DIGEST_EVERY) return;
  struct buf frame;
  buf_init(&frame, 64);
  wire_put_digest(&frame, (uint64_t)b->id);
  clerk_hash(b->clerk, b->digest);
  if (!fleet_send(b->live->fleet, b->id, &frame)) b->digest[0] = '\0';
  buf_finish(&frame);
}

static void on_hash(struct live_bot *b, const struct wire_frame *f) {
  const bool same = f->text_len == strlen(b->digest) && memcmp(f->text, b->digest, f->text_len) == 0;
  b->digest[0] = '\0';
  if (same) return;
  // Whoever is wrong, the journal is right: it is opened again from there.
  b->live->stats.divergences++;
  b->live->config.log(b->live->config.self, "error", "bot_diverged", json_pack("{s:s}", "bot", b->channel + 4));
  live_log(b, b->instant_ns, LOG_ERROR, "its script's process and the journal disagreed: opened again from the journal", 78);
  b->opened = false;
  live_reload_left(b);
  fleet_reopen(b->live->fleet, b->id);
}

// That it had part in an instant without a bar of its own, or that its script had none.
static void part_record(struct live_bot *b, enum record_kind kind) {
  struct record r;
  record_init(&r, kind, b->instant_ns);
  live_record(b, &r, false, false, false);
}

void live_bot_end(struct live_bot *b) {
  b->touched = false;
  if (!b->clerk) return;
  // A host does not send the mark of a bot that asked for nothing: bot/wire.h.
  if (b->main_closed && !b->spoke) {
    const struct bot_command mark = {.kind = COMMAND_MARK, .time_ns = b->main_open_ns};
    struct clerk_verdict verdict;
    clerk_command(b->clerk, &mark, &verdict);
    assert(verdict.answer == CLERK_TAKEN);
  }
  const bool there = b->opened || b->turned;
  live_signals_end(b, there && !b->skipped);
  live_ticks_end(b, there && !b->skipped);
  if (b->called && b->place != LIVE_HOSTLESS && there) part_record(b, RECORD_CLOCK);
  if (b->skipped) part_record(b, RECORD_SKIP);
  if (b->skipped) {
    b->unheard = true;
  } else if (b->unheard && there) {
    b->unheard = false;
    b->content = true;  // or it would hear of it once more after a restart
  }
  b->called = false;
  live_words_end(b);
  if (there) clerk_script_saw(b->clerk);
  live_commands_flush(b);
  live_image_take(b);
  clerk_end(b->clerk);
  if (!b->restoring) live_news_due(b);
  if (clerk_forget(b->clerk)) b->trades_told = 0;
  if (!b->restoring) live_shadow_compare(b);
  b->busy = false;
  ask_digest(b);
  b->imposed = false;
  live_commands_flush(b);
  live_rules_keep(b);
  b->risk_told = 0;
  if (b->content && b->instant_ns > b->run_from_ns) state_row(b);
  struct live_batch *batch = b->live->hosts[b->place].batch;
  if (batch) live_batch_bot(batch, b->id);
  if (!b->restoring) live_stop_look(b);
}

// owes: the host waits for the word that all is committed. It is given at the very end: the next instant begins with it.
void live_turn_end(struct live *l, int place, bool owes) {
  for (size_t i = 0; i < l->touched_count; i++)
    if (l->touched[i]->place == place) live_bot_end(l->touched[i]);
    else l->touched[i]->touched = false;
  l->touched_count = 0;
  l->stats.instants++;
  live_rules_act(l);
  if (owes) l->hosts[place].owes = true;
  l->hosts[place].in_turn = false;
  live_hand_over(l, place);
}

// ---- from the hub

void live_instant(void *self, struct hub_instant *in) {
  struct live *l = self;
  l->hosts[LIVE_HOSTLESS].in_turn = true;  // a run that ends in it takes no half instants of others to the journal
  market(l, LIVE_HOSTLESS, in);
  call(l, LIVE_HOSTLESS, in);
  live_turn_end(l, LIVE_HOSTLESS, false);
  if (!fleet_instant(l->fleet, in)) l->config.log(l->config.self, "error", "instant_lost", NULL);
}

// ---- from the fleet. Hosts work side by side, so what is touched is gathered anew from the instant when a host is done.

void live_about_to_send(void *self, int host, const struct hub_instant *in) {
  struct live *l = self;
  l->touched_count = 0;
  l->hosts[host].in_turn = true;
  market(l, host, in);
  call(l, host, in);
  for (size_t i = 0; i < l->touched_count; i++) l->touched[i]->touched = false;
  l->touched_count = 0;
}

// No script of the host sees it: the market's part alone.
void live_missed(void *self, int host, const struct hub_instant *in) {
  struct live *l = self;
  l->touched_count = 0;
  l->hosts[host].in_turn = true;
  market(l, host, in);
  live_turn_end(l, host, false);
}

static void gather_one(struct live *l, struct live_bot *b) {
  const bool closed = b->main_closed, spoke = b->spoke, turned = b->turned, called = b->called, skipped = b->skipped;
  if (!touch(l, b)) return;
  b->main_closed = closed;
  b->spoke = spoke;
  b->turned = turned;
  b->called = called;
  b->skipped = skipped;
}

static void gather(struct live *l, int host, const struct hub_instant *in) {
  for (size_t i = 0; i < l->hosts[host].called_count; i++) {
    struct live_bot *b = live_find(l, l->hosts[host].called[i]);
    if (b && b->place == host && b->clerk && b->called && b->busy && !b->touched) gather_one(l, b);
  }
  l->hosts[host].called_count = 0;
  for (size_t i = 0; i < in->count; i++) {
    const uint32_t hub = in->bars[i].series;
    if (hub >= l->by_hub_cap) continue;
    for (size_t k = 0; k < l->reader_count[hub]; k++) {
      struct live_bot *b = l->readers[hub][k];
      if (b->place == host && b->clerk && !b->touched && b->busy) gather_one(l, b);
    }
  }
}

static void ended(struct live *l, int host, const struct hub_instant *in) {
  l->touched_count = 0;
  gather(l, host, in);
  live_turn_end(l, host, true);
}

void live_done(void *self, int host, const struct hub_instant *in) { ended(self, host, in); }

void live_host_lost(void *self, int host, const char *why, int64_t suspect, const struct hub_instant *in) {
  struct live *l = self;
  l->stats.host_restarts++;
  l->config.log(l->config.self, "warning", "host_lost", json_pack("{s:i, s:s, s:I}", "host", host, "why", why, "suspect", (json_int_t)suspect));
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i]; b; b = b->next)
      if (b->place == host) {
        b->opened = false;
        live_reload_left(b);
        live_shadow_left(b);
      }
  if (in) ended(l, host, in);
  if (!l->hosts[host].in_turn) return;
  // It was lost before it was shown the instant, whose market part has happened.
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i]; b; b = b->next)
      if (b->place == host && b->busy) live_bot_end(b);
  live_turn_end(l, host, false);
}

static void on_command(struct live_bot *b, int host, const struct wire_frame *f) {
  struct clerk_verdict verdict;
  clerk_command(b->clerk, &f->command, &verdict);
  if (verdict.answer == CLERK_INVALID) {
    b->live->config.log(b->live->config.self, "error", "command_invalid",
      json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "bot", b->channel + 4, "why", verdict.fault, "command", command_kind_text(f->command.kind), "time_ns", (json_int_t)f->command.time_ns,
        "clerk_ns", (json_int_t)clerk_now(b->clerk), "live_from_ns", (json_int_t)b->live_from_ns));
    fleet_blame(b->live->fleet, host, b->id, verdict.fault);
    return;
  }
  b->spoke = true;
  if (b->setup->venue[0] && f->command.kind == COMMAND_SUBMIT && b->asked_ns == 0) b->asked_ns = clock_monotonic_ns();
  live_shadow_live(b, &f->command);
  live_command_seen(b, RECORD_COMMANDS, &f->command);
}

void live_tag(void *bot, uint32_t tag, const char *text, size_t len) {
  struct live_bot *b = bot;
  for (size_t i = 0; i < b->tag_count; i++)
    if (b->tags[i].tag == tag) return;
  struct live_tag *more = b->tag_count < 4096 ? realloc(b->tags, (b->tag_count + 1) * sizeof *more) : NULL;
  if (!more) return;
  b->tags = more;
  struct live_tag *t = &b->tags[b->tag_count++];
  t->tag = tag;
  snprintf(t->text, sizeof t->text, "%.*s", (int)len, text);
  live_plain(t->text, strlen(t->text));
}

static void on_state(struct live_bot *b, const struct wire_frame *f) {
  buf_clear(&b->state);
  buf_clear(&b->memory);
  buf_add(&b->state, f->text, f->text_len);
  if (f->memory.len) buf_add(&b->memory, f->memory.text, f->memory.len);
  b->state_version = b->version;
  b->content = true;
}

// What a script wrote may be no UTF-8, and no event is lost for that.
static json_t *plain_json(const char *bytes, size_t len) {
  char text[WIRE_TEXT_MAX];
  if (len > sizeof text) len = sizeof text;
  memcpy(text, bytes, len);
  live_plain(text, len);
  return json_stringn(text, len);
}

static void on_fault(struct live_bot *b, const struct wire_frame *f) {
  b->errors++;
  b->failed = true;
  b->unfit = f->status == ERR_INVALID;
  b->skipped = b->skipped || (f->skipped && b->busy);
  live_fault_set(b, f->text, f->text_len);
  live_canary_error(b, b->version, live_fault(b));
  live_log(b, b->instant_ns, LOG_ERROR, f->text, f->text_len);
  live_news(b, "fault", json_pack("{s:o, s:i}", "detail", plain_json(f->text, f->text_len), "line", f->line));
}

static json_t *number_json(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static void on_denied(struct live_bot *b, const struct wire_frame *f) {
  char line[WIRE_TEXT_MAX + 64];
  const int n = snprintf(line, sizeof line, "refused: %s: %.*s", reason_code(f->code), (int)f->text_len, f->text);
  b->denials++;
  struct record r;
  char text[RECORD_TEXT_MAX];
  const size_t len = f->text_len < sizeof text ? f->text_len : sizeof text;
  memcpy(text, f->text, len);
  live_plain(text, len);
  live_commands_flush(b);
  record_init(&r, RECORD_DENY, b->instant_ns);
  r.code = record_text(reason_code(f->code), strlen(reason_code(f->code)));
  r.why = record_text(text, len);
  r.bound = f->limit;
  r.amount = f->value;
  live_record(b, &r, true, false, false);
  live_log(b, f->time_ns, LOG_WARN, line, (size_t)n);
  live_news(b, "denied", json_pack("{s:s, s:s%, s:o, s:o, s:I}", "code", reason_code(f->code), "detail", text, len, "limit", number_json(f->limit), "value", number_json(f->value),
    "time", (json_int_t)(f->time_ns / NS_PER_MS)));
}

static void on_opened(struct live_bot *b, const struct wire_frame *f) {
  struct wire_opened o;
  wire_frame_opened(f, &o);
  b->callbacks = o.callbacks;
  b->timer_ns = o.timer_next_ns;
}

static void on_notify(struct live_bot *b, const struct wire_frame *f) {
  char text[WIRE_TEXT_MAX];
  const size_t len = f->text_len < sizeof text ? f->text_len : sizeof text;
  memcpy(text, f->text, len);
  live_plain(text, len);
  live_news(b, "notify", json_pack("{s:s%, s:I}", "text", text, len, "time", (json_int_t)(f->time_ns / NS_PER_MS)));
  live_notice(b, NOTICE_BOT_MESSAGE, json_pack("{s:s%}", "text", text, len));
}

static bool is_of_turn(enum wire_type type) {
  return type == WIRE_COMMAND || type == WIRE_STATE || type == WIRE_LOG || type == WIRE_PLOT || type == WIRE_MARK || type == WIRE_NOTIFY || type == WIRE_DENIED ||
         type == WIRE_TAG || type == WIRE_TIMER;
}

void live_frame(void *self, int host, const struct wire_frame *f) {
  struct live *l = self;
  struct live_bot *b = live_find(l, (int64_t)f->bot), *shadowed = live_shadow_find(l, (int64_t)f->bot);
  if (shadowed) live_shadow_frame(shadowed, f);
  if (!b || !b->clerk || b->place != host) return;
  b->turned |= b->opened && b->busy && is_of_turn(f->type);
  switch (f->type) {
    case WIRE_COMMAND: on_command(b, host, f); break;
    case WIRE_TAG: live_tag(b, f->tag, f->text, f->text_len); break;
    case WIRE_STATE: on_state(b, f); break;
    case WIRE_FAULT: on_fault(b, f); break;
    case WIRE_HASH: on_hash(b, f); break;
    case WIRE_DENIED: on_denied(b, f); break;
    case WIRE_OPENED: on_opened(b, f); break;
    case WIRE_TIMER:
      b->timer_ns = f->time_ns;
      live_clock_update(b);
      break;
    case WIRE_LOG: live_log(b, f->time_ns, (int)f->level, f->text, f->text_len); break;
    case WIRE_NOTIFY: on_notify(b, f); break;
    case WIRE_MARK: live_news(b, "mark", json_pack("{s:o, s:I}", "text", plain_json(f->text, f->text_len), "time", (json_int_t)(f->time_ns / NS_PER_MS))); break;
    case WIRE_PLOT: live_news(b, "plot", json_pack("{s:o, s:f, s:I}", "name", plain_json(f->text, f->text_len), "value", f->value, "time", (json_int_t)(f->time_ns / NS_PER_MS))); break;
    case WIRE_RELOADED: live_reload_answer(b, f); break;
    case WIRE_ANSWER:
      if (f->to == WIRE_PARAMS) {
        live_reload_answer(b, f);
        break;
      }
      if (f->to == WIRE_BOT_STOP) {
        live_words_answered(b, f);
        break;
      }
      if (f->status != OK) live_log(b, b->instant_ns, LOG_ERROR, f->text, f->text_len);
      live_news(b, "answer", json_pack("{s:s, s:b, s:o}", "to", wire_type_text((int)f->to), "ok", f->status == OK, "detail", plain_json(f->text, f->text_len)));
      break;
    default: break;
  }
}

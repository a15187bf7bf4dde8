// bot/bot.c – creates a bot and walks it through its events: match → settle (callbacks to a fixpoint) → bars → timers → signals.
#include "bot/bot_impl.h"

#include "base/prefetch.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_ROUNDS_MAX 100

// ---- what the script may ask

static uint32_t tag_find(void *self, const char *text) {
  const struct bot *b = self;
  for (uint32_t i = 1; i < b->tag_count; i++)
    if (b->tags[i] && strcmp(b->tags[i], text) == 0) return i;
  return TAG_NONE;
}

static uint32_t tag_intern(void *self, const char *text) {
  struct bot *b = self;
  if (!text[0]) return TAG_NONE;
  uint32_t known = tag_find(b, text);
  if (known != TAG_NONE) return known;
  if (b->tag_count == TAGS_MAX) return TAG_NONE;
  if (b->tag_count == b->tag_cap) {
    char **tags = realloc(b->tags, 2 * (size_t)b->tag_cap * sizeof *tags);
    if (!tags) return TAG_NONE;
    b->tags = tags;
    b->tag_cap *= 2;
  }
  char *copy = strdup(text);
  if (!copy) return TAG_NONE;
  b->tags[b->tag_count] = copy;
  return b->tag_count++;
}

const char *bot_tag_text(const struct bot *b, uint32_t tag) {
  return tag < b->tag_count && b->tags[tag] ? b->tags[tag] : "";
}

uint32_t bot_tag_count(const struct bot *b) {
  return b->tag_count;
}

static const char *host_tag_text(void *self, uint32_t tag) {
  return bot_tag_text(self, tag);
}

static int symbol_find(void *self, const char *name) {
  const struct bot *b = self;
  for (int i = 0; i < b->account->symbol_count; i++)
    if (strcmp(b->account->symbols[i].inst.symbol, name) == 0) return i;
  return -1;
}

static double day_pnl(void *self) {
  const struct bot *b = self;
  return (double)(account_equity(b->account).e8 - b->risk.day_start_e8) / 1e8;
}

static double day_room(void *self) {
  const struct bot *b = self;
  if (b->limits.day_loss_e8 == 0) return NAN;
  return (double)b->limits.day_loss_e8 / 1e8 + fmin(day_pnl(self), 0);
}

static double dd_room(void *self) {
  const struct bot *b = self;
  if (b->limits.drawdown_e8 == 0) return NAN;
  return (double)(b->limits.drawdown_e8 - (b->risk.peak_e8 - account_equity(b->account).e8)) / 1e8;
}

static void host_log(void *self, enum script_log_level level, const char *text) {
  struct bot *b = self;
  if (b->observer.log) b->observer.log(b->observer.self, b->now_ns, level, text);
}

static void host_plot(void *self, const char *name, double value) {
  struct bot *b = self;
  if (b->observer.plot) b->observer.plot(b->observer.self, b->now_ns, name, value);
}

static void host_mark(void *self, const char *text) {
  struct bot *b = self;
  if (b->observer.mark) b->observer.mark(b->observer.self, b->now_ns, text);
}

static void host_notify(void *self, const char *text) {
  struct bot *b = self;
  if (b->observer.notify) b->observer.notify(b->observer.self, b->now_ns, text);
}

#define DAY_NS INT64_C(86400000000000)

static void risk_note(struct bot *b, enum reason rule, double value, double limit, int64_t until_ns) {
  if (!b->risk_notes || b->stopping) return;
  for (size_t i = 0; i < b->risk_note_count; i++)
    if (b->risk_notes[i].rule == rule) return;
  assert(b->risk_note_count < REASON_COUNT);
  b->risk_notes[b->risk_note_count++] = (struct risk_note){rule, value, limit, until_ns};
}

void bot_denied(struct bot *b, enum reason code, const char *msg, double limit, double value) {
  if (b->observer.denied) b->observer.denied(b->observer.self, b->now_ns, code, limit, value, msg);
  bool day = code == REASON_DAY_LOSS;
  b->day_halted = b->day_halted || day;
  risk_note(b, code, value, limit, day ? (b->now_ns / DAY_NS + 1) * DAY_NS : 0);
}

void bot_limits(struct bot *b, const struct risk_limits *limits) { b->limits = *limits; }

void bot_risk_tell(struct bot *b, enum reason code, double limit, double value, int64_t until_ns) {
  if (b->started) risk_note(b, code, value, limit, until_ns);
}

bool bot_risk_waits(const struct bot *b) { return b->risk_note_count > 0; }

enum reason bot_command(struct bot *b, const struct bot_command *c) {
  if (b->observer.command) b->observer.command(b->observer.self, c);
  return command_apply(b->matcher, c);
}

enum reason bot_cancel(struct bot *b, uint64_t id, enum reason why) {
  return bot_command(b, &(struct bot_command){.kind = COMMAND_CANCEL, .time_ns = b->now_ns, .id = id, .why = why});
}

// ---- life

enum status bot_create(const struct bot_config *cfg, struct bot **ret, struct err *err) {
  struct bot *b = calloc(1, sizeof *b);
  if (!b || !(b->tags = calloc(TAG_FIRST_FREE, sizeof *b->tags))) {
    free(b);
    return err_set(err, ERR_NOMEM, "bot: out of memory");
  }
  static const char *const known[TAG_FIRST_FREE] = {[TAG_SL] = "sl", [TAG_TP] = "tp", [TAG_LIQUIDATION] = "liquidation", [TAG_END] = "end", [TAG_FLATTEN] = "flatten"};
  enum status st = OK;
  for (int i = 0; i < TAG_FIRST_FREE; i++) b->tags[i] = (char *)(uintptr_t)known[i];  // never freed, nor written to
  b->tag_count = b->tag_cap = TAG_FIRST_FREE;
  b->matcher = cfg->matcher;
  b->account = matcher_account(cfg->matcher);
  b->spec = cfg->spec;
  b->limits = cfg->risk;
  b->observer = cfg->observer;
  risk_state_init(&b->risk, account_equity(b->account));
  desk_init(b);
  b->timer_next_ns = INT64_MAX;
  b->host = (struct script_host){
      .self = b, .account = b->account, .submit = desk_submit, .target = desk_target, .ladder = desk_ladder, .cancel = desk_cancel,
      .modify = desk_modify, .order = desk_order, .next_order = desk_next_order, .tag_intern = tag_intern, .tag_find = tag_find, .tag_text = host_tag_text,
      .symbol_find = symbol_find, .day_pnl = day_pnl, .day_room = day_room, .dd_room = dd_room, .log = host_log, .plot = host_plot,
      .mark = host_mark, .notify = host_notify, .timer = timer_set};
  struct script_config sc = {.chunkname = cfg->chunkname, .source = cfg->source, .source_len = cfg->source_len, .spec = cfg->spec,
                             .values = cfg->values, .limits = cfg->limits, .watchdog = cfg->watchdog, .host = &b->host,
                             .series = cfg->series, .symbols = cfg->symbols};
  if (st == OK) st = script_create(&sc, &b->script, err);
  if (st != OK) {
    bot_destroy(b);
    return st;
  }
  if (script_has(b->script, ON_RISK) && !(b->risk_notes = calloc(REASON_COUNT, sizeof *b->risk_notes))) {
    bot_destroy(b);
    return err_set(err, ERR_NOMEM, "bot: out of memory");
  }
  b->needs_orders = script_has(b->script, ON_ORDER);
  b->needs_fills = script_has(b->script, ON_FILL);
  b->needs_positions = script_has(b->script, ON_POSITION);
  *ret = b;
  return OK;
}

void bot_destroy(struct bot *b) {
  if (!b) return;
  script_destroy(b->script);
  timers_finish(b);
  free(b->ladders);
  free(b->risk_notes);
  free(b->missed);
  desk_finish(b);
  risk_state_finish(&b->risk);
  for (uint32_t i = TAG_FIRST_FREE; i < b->tag_count; i++) free(b->tags[i]);
  free(b->tags);
  free(b);
}

struct script *bot_script(struct bot *b) {
  return b->script;
}

bool bot_started(const struct bot *b) {
  return b->started;
}

void bot_prefetch(const struct bot *b) { prefetch(b, offsetof(struct bot, desk.shadow)); }

struct risk_state *bot_risk_state(struct bot *b) {
  return &b->risk;
}

// ---- running callbacks

enum status bot_finish_callback(struct bot *b, enum status st, struct err *err) {
  if (st == OK && b->desk.count && !b->verified) {  // the first orders of a day; the day's turn looks again
    st = script_verify(b->script, err);
    b->verified = st == OK;
  }
  if (st == OK)
    desk_commit(b);
  else {
    desk_discard(b);
    b->risk_note_count = 0;
  }
  return st;
}

bool bot_match(struct bot *b, int symbol, const struct match_bar *bar, int64_t now_ns) {
  b->now_ns = now_ns;
  return matcher_bar(b->matcher, matcher_watch(b->matcher, symbol), symbol, bar);
}

static bool silent(const struct bot *b) { return !b->started || b->muted; }

static enum status deliver_position(struct bot *b, const struct match_event *e, struct err *err) {
  static const char *const kinds[] = {[POSITION_EVENT_OPEN] = "open", [POSITION_EVENT_CHANGE] = "change", [POSITION_EVENT_CLOSE] = "close", [POSITION_EVENT_LIQUIDATED] = "liquidated"};
  if (!b->needs_positions || silent(b)) return OK;
  struct script_position_event p = {.kind = kinds[e->position.what], .symbol = e->position.symbol, .leg = e->position.leg,
                                    .lots_before = e->position.lots_before, .lots_after = e->position.lots_after,
                                    .realised = (double)e->position.realised.e8 / 1e8, .position_id = e->position.id};
  desk_begin(b);
  return bot_finish_callback(b, script_on_position(b->script, &p, err), err);
}

static enum status deliver_order(struct bot *b, const struct match_event *e, bool told, struct err *err) {
  const struct order *o = matcher_order(b->matcher, e->order.id);
  assert(o);
  if (b->observer.order && !told) b->observer.order(b->observer.self, e->time_ns, o, e->order.from, e->order.to, e->order.reason);
  if (order_status_final(e->order.to)) ladder_order_ended(b, o->id);
  if (!b->needs_orders || silent(b)) return OK;
  struct order seen = *o;  // as it was at this event, not as it is after those behind it
  seen.status = e->order.to;
  seen.reason = e->order.reason;
  desk_begin(b);
  return bot_finish_callback(b, script_on_order(b->script, &seen, e->order.from, err), err);
}

static enum status deliver_fill(struct bot *b, const struct match_event *e, bool told, struct err *err) {
  if (b->observer.fill && !told) b->observer.fill(b->observer.self, &e->fill);
  ladder_fill(b, &e->fill);
  if (!b->needs_fills || silent(b)) return OK;
  desk_begin(b);
  return bot_finish_callback(b, script_on_fill(b->script, &e->fill, err), err);
}

// A time that has come: the rule lets go now.
static int64_t let_go(const struct bot *b, int64_t until_ns) { return until_ns && until_ns < b->now_ns ? b->now_ns : until_ns; }

// Apart, since its notes would make the frame of every settling large.
__attribute__((noinline)) static enum status deliver_risk(struct bot *b, struct err *err) {
  struct risk_note notes[REASON_COUNT];
  size_t n = b->risk_note_count;
  if (n == 0) return OK;
  memcpy(notes, b->risk_notes, n * sizeof *notes);
  b->risk_note_count = 0;  // what these callbacks are denied belongs to the next round
  if (b->muted) return OK;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < n; i++) {
    desk_begin(b);
    const struct risk_note *note = &notes[i];
    st = bot_finish_callback(b, script_on_risk(b->script, reason_code(note->rule), note->value, note->limit, let_go(b, note->until_ns), err), err);
  }
  return st;
}

static size_t events_waiting(const struct bot *b) { return b->missed_count - b->missed_next + matcher_event_count(b->matcher); }

// What was missed comes first.
static bool event_take(struct bot *b, struct match_event *ret, bool *ret_told) {
  *ret_told = b->missed_next < b->missed_count;
  if (!*ret_told) return matcher_event_next(b->matcher, ret);
  *ret = b->missed[b->missed_next++];
  if (b->missed_next == b->missed_count) {
    free(b->missed);
    b->missed = NULL;
    b->missed_next = b->missed_count = b->missed_cap = 0;
  }
  return true;
}

enum status bot_settle(struct bot *b, int64_t now_ns, struct err *err) {
  b->now_ns = now_ns;
  script_now(b->script, now_ns);
  struct match_event e;
  // A round is the events that exist when it begins; what their callbacks cause belongs to the next.
  for (int round = 0; round < SETTLE_ROUNDS_MAX; round++) {
    size_t n = events_waiting(b);
    if (n == 0 && b->risk_note_count == 0) return OK;
    enum status st = b->risk_note_count ? deliver_risk(b, err) : OK;
    if (st != OK) return st;
    for (bool told; n > 0 && event_take(b, &e, &told); n--) {
      st = e.kind == EVENT_ORDER ? deliver_order(b, &e, told, err) : e.kind == EVENT_FILL ? deliver_fill(b, &e, told, err) : deliver_position(b, &e, err);
      if (st != OK) return st;
    }
  }
  if (events_waiting(b) == 0 && b->risk_note_count == 0) return OK;
  return err_set(err, ERR_LIMIT, "on_order, on_fill, on_position and on_risk keep answering each other: stopped after %d rounds at one instant", SETTLE_ROUNDS_MAX);
}

enum status bot_day(struct bot *b, int64_t now_ns, const char *day, struct err *err) {
  cash equity = account_equity(b->account);
  double pnl = (double)(equity.e8 - b->risk.day_start_e8) / 1e8;
  risk_state_day(&b->risk, equity);
  if (silent(b)) return OK;
  b->now_ns = now_ns;
  if (b->day_halted) risk_note(b, REASON_DAY_LOSS, NAN, NAN, now_ns);  // resumed
  b->day_halted = false;
  b->verified = false;
  enum status st = script_verify(b->script, err);
  if (st != OK) return st;
  // What ctx.state cannot keep over a restart should be found now, not after the first crash.
  struct buf state;
  buf_init(&state, SCRIPT_STATE_MAX + 4096);
  st = script_state_save(b->script, &state, err);
  buf_finish(&state);
  if (st != OK) return st;
  if (!script_has(b->script, ON_DAY)) return bot_settle(b, now_ns, err);
  script_now(b->script, now_ns);
  desk_begin(b);
  st = bot_finish_callback(b, script_on_day(b->script, day, pnl, (double)equity.e8 / 1e8, err), err);
  return st == OK ? bot_settle(b, now_ns, err) : st;
}

static enum status bot_start(struct bot *b, int64_t now_ns, struct err *err) {
  b->started = true;
  if (!b->resumed) {
    risk_state_finish(&b->risk);
    risk_state_init(&b->risk, account_equity(b->account));
  }
  desk_begin(b);
  enum status st = bot_finish_callback(b, script_on_init(b->script, err), err);
  if (st != OK) b->started = false;  // a bot that goes on all the same tries again before its next bar
  return st == OK ? bot_settle(b, now_ns, err) : st;
}

enum status bot_begin(struct bot *b, int64_t now_ns, struct err *err) {
  if (b->started || b->muted || !script_warm(b->script)) return OK;
  b->now_ns = now_ns;
  script_now(b->script, now_ns);
  return bot_start(b, now_ns, err);
}

enum status bot_stream_bar(struct bot *b, int stream, size_t ix, int64_t now_ns, bool deliver, struct err *err) {
  script_push(b->script, stream, ix);
  if (!deliver || b->muted || !script_warm(b->script)) return OK;
  b->now_ns = now_ns;
  script_now(b->script, now_ns);
  enum status st;
  if (__builtin_expect(!b->started, 0)) {
    st = bot_start(b, now_ns, err);
    if (st != OK) return st;
  }
  desk_begin(b);
  st = stream == 0 ? script_on_bar(b->script, err) : script_on_data(b->script, stream, err);
  if (st == OK && b->desk.count == 0 && b->risk_note_count == 0) {  // nearly every bar
    b->in_callback = false;
    return OK;
  }
  st = bot_finish_callback(b, st, err);
  return st == OK ? bot_settle(b, now_ns, err) : st;
}

enum status bot_tick(struct bot *b, const struct script_tick *tick, int64_t now_ns, struct err *err) {
  if (silent(b)) return OK;
  b->now_ns = now_ns;
  script_now(b->script, now_ns);
  desk_begin(b);
  enum status st = bot_finish_callback(b, script_on_tick(b->script, tick, err), err);
  return st == OK ? bot_settle(b, now_ns, err) : st;
}

enum status bot_signal(struct bot *b, const struct script_signal *sig, int64_t now_ns, struct err *err) {
  if (silent(b)) return OK;
  b->now_ns = now_ns;
  script_now(b->script, now_ns);
  desk_begin(b);
  enum status st = bot_finish_callback(b, script_on_signal(b->script, sig, err), err);
  return st == OK ? bot_settle(b, now_ns, err) : st;
}

enum status bot_stop(struct bot *b, int64_t now_ns, const char *why, struct err *err) {
  if (!b->started) return OK;
  b->now_ns = now_ns;
  script_now(b->script, now_ns);
  b->stopping = true;
  desk_begin(b);
  enum status st = bot_finish_callback(b, script_on_stop(b->script, why, err), err);
  return st == OK ? bot_settle(b, now_ns, err) : st;
}

enum status bot_params(struct bot *b, const struct param_value *values, int64_t now_ns, struct err *err) {
  b->now_ns = now_ns;
  script_now(b->script, now_ns);
  desk_begin(b);
  enum status st = script_on_params(b->script, values, err);
  if (st == OK && !b->verified) {  // before it is told, since it cannot be taken back then
    st = script_verify(b->script, err);
    b->verified = st == OK;
  }
  if (st == OK && b->observer.params) b->observer.params(b->observer.self);
  st = bot_finish_callback(b, st, err);
  return st == OK ? bot_settle(b, now_ns, err) : st;
}

// ---- a run that goes on

enum status bot_missed(struct bot *b, const struct match_event *e, struct err *err) {
  if (b->missed_count == b->missed_cap) {
    size_t cap = b->missed_cap ? 2 * b->missed_cap : 16;
    struct match_event *missed = realloc(b->missed, cap * sizeof *missed);
    if (!missed) return err_set(err, ERR_NOMEM, "bot: out of memory");
    b->missed = missed;
    b->missed_cap = cap;
  }
  b->missed[b->missed_count++] = *e;
  return OK;
}

bool bot_missed_some(const struct bot *b) { return b->missed_count > 0; }

enum status bot_resume(struct bot *b, int64_t now_ns, struct err *err) {
  b->resumed = true;
  b->now_ns = now_ns;
  script_now(b->script, now_ns);
  return script_warm(b->script) ? bot_start(b, now_ns, err) : OK;
}

void bot_mute(struct bot *b, bool muted) { b->muted = muted; }

// bot/live_past.c – a bot's past: its run's records read from the journal, and walked through again with the bars, without its script. What
// the market did after the last instant of which something was committed happens then, once.
#include "bot/live_impl.h"
#include "bot/memory.h"

#include "store/db.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct db *reader(const struct live *l, enum store_file file) { return store_reader(l->config.store, file); }

// ---- its run, from the journal

// The run's own money, as its first record keeps it: what the account has left may be another sum today.
static cash cash_of(struct record_text settings) {
  json_t *object = json_loadb(settings.text, settings.len, 0, NULL);
  const char *text = json_string_value(json_object_get(object, "cash"));
  cash c = {0};
  if (text) (void)!decimal_parse_scaled(text, strlen(text), 8, &c.e8);
  json_decref(object);
  return c;
}

static bool take_record(void *arg, const struct journal_record *j) {
  struct live_bot *b = arg;
  struct record r;
  struct err err;
  if (j->run != b->run) return true;
  if (record_read(j->kind, j->time_ns, j->body, j->len, &r, &err) != OK) return true;
  if (r.kind == RECORD_VERSION || r.kind == RECORD_PARAMS) live_script_record(b, &r);
  if (r.kind == RECORD_RUN || r.kind == RECORD_RESUME) {
    b->resumes = r.resumes;
    if (r.settings.len) b->told_settings = live_settings_hash(&r);
    if (r.kind == RECORD_RUN) {
      live_script_record(b, &r);
      b->run_from_ns = r.live_from_ns;
      if (!live_deposit_set(b, cash_of(r.settings))) b->past_bytes.failed = true;
      if (b->past_bytes.failed) return false;
    }
  } else if (r.kind == RECORD_WORDS) {
    b->words = WORDS_SAID;
  } else if (r.kind == RECORD_HALT) {
    b->halt_mode = r.halt.mode;
  } else if (r.kind == RECORD_SIGNAL) {
    live_signal_delivered(b, r.signal_row, r.time_ns);
  } else if (r.kind == RECORD_COMMANDS || r.kind == RECORD_IMPOSED) {
    live_past_read_one(b, j->id, &r);
    if (b->past_bytes.failed) return false;
  }
  return true;
}

static bool take_commands(void *arg, const struct journal_record *j) {
  const bool commands = j->kind == RECORD_COMMANDS || j->kind == RECORD_IMPOSED;
  return !commands || take_record(arg, j);
}

static void take_state(void *arg, const struct journal_state *s) {
  struct live_bot *b = arg;
  const char *p = s->body;
  uint32_t len;
  const size_t head = sizeof b->seen_ns + sizeof len;
  if (s->run != b->run || s->len < head) return;
  memcpy(&len, p + sizeof b->seen_ns, sizeof len);
  if (len > s->len - head) return;
  memcpy(&b->seen_ns, p, sizeof b->seen_ns);
  b->kept_ns = s->time_ns;
  b->state_version = s->version;
  buf_clear(&b->state);
  buf_clear(&b->memory);
  buf_add(&b->state, p + head, len);
  buf_add(&b->memory, p + head + len, s->len - head - len);
  bot_memory_tags(b->memory.data, b->memory.len, live_tag, b);
}

// What an image has already.
static bool take_since(void *arg, const struct journal_record *j) {
  const struct live_bot *b = arg;
  return j->id <= b->base.last_id || take_record(arg, j);
}

enum status live_past_whole(struct live_bot *b, struct err *err) {
  struct journal_run run;
  if (b->unwritten) return err_set(err, ERR_CANCELLED, "something of the bot is on its way to the journal: its run cannot be read now");
  live_past_forget(b);
  b->base_refused = true;
  enum status st = journal_run_get(reader(b->live, STORE_JOURNAL), b->tenant_id, b->id, b->run, &run, err);
  if (st == OK) st = journal_scan(reader(b->live, STORE_JOURNAL), run.first_id - 1, b->id, take_commands, b, err);
  if (st == OK && b->past_bytes.failed) st = err_set(err, ERR_NOMEM, "no memory for a bot's journal");
  b->past_torn = st != OK;
  return st;
}

// When the service starts: one walk through the journal for all, however many there are.
static void take_open(void *arg, const struct journal_run *r) {
  struct live_bot *b = live_find(arg, r->bot_id);
  if (!b) return;
  b->run = r->run;
  b->read_run = true;
  b->scan_after = r->first_id - 1;
}
static bool take_any(void *arg, const struct journal_record *j) {
  struct live_bot *b = live_find(arg, j->bot_id);
  if (b && b->read_run) (void)take_since(b, j);
  return true;
}
static void take_newest(void *arg, const struct journal_state *s) {
  struct live_bot *b = live_find(arg, s->bot_id);
  if (b && b->read_run && s->run == b->run) b->kept_ns = s->time_ns;
}
// Where the walk begins: behind all images, and with the runs that have none.
static enum status scan_after(struct live *l, int64_t *ret_after_id, struct err *err) {
  enum status st = OK;
  for (int i = 0; st == OK && i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i]; st == OK && b; b = b->next) {
      if (!b->read_run) continue;
      st = live_base_pick(b, take_record, err);
      if (b->base.time_ns > INT64_MIN) b->scan_after = b->base.last_id;
      if (b->scan_after < *ret_after_id) *ret_after_id = b->scan_after;
    }
  return st;
}

enum status live_runs_read(struct live *l, struct err *err) {
  struct db *db = reader(l, STORE_JOURNAL);
  int64_t after_id = INT64_MAX;
  enum status st = journal_runs_open(db, take_open, l, err);
  if (st == OK) st = scan_after(l, &after_id, err);
  if (st == OK) st = journal_scan(db, after_id, 0, take_any, l, err);
  return st == OK ? journal_states(db, take_newest, l, err) : st;
}

enum status live_past_read(struct live_bot *b, struct err *err) {
  struct db *db = reader(b->live, STORE_JOURNAL);
  struct journal_run last;
  const bool read = b->read_run;
  b->read_run = false;
  enum status st = journal_run_last(db, b->tenant_id, b->id, &last, err);
  if (st == ERR_NOTFOUND || (st == OK && last.last_id)) {
    b->run = st == OK ? last.run + 1 : 1;
    b->run_from_ns = INT64_MAX;  // begins when it is opened
    if (b->run > RECORD_RUN_MAX) return err_set(err, ERR_INVALID, "it has been started %d times, which is all that its order names allow: clone it", RECORD_RUN_MAX);
    return OK;
  }
  if (st != OK) return st;
  b->run = last.run;
  b->told_run = true;
  b->warm_from_ns = last.bars_from_ns;
  if (!read) st = live_base_pick(b, take_record, err);
  if (!read && st == OK) st = journal_scan(db, b->base.time_ns > INT64_MIN ? b->base.last_id : last.first_id - 1, b->id, take_since, b, err);
  if (st == OK) st = journal_state_get(db, b->id, take_state, b, err);
  if (st == OK || st == ERR_NOTFOUND) st = journal_followed_get(db, b->id, &b->followed, err);
  if (st == ERR_NOTFOUND) b->followed.run = 0, st = OK;
  if (st == OK && b->past_bytes.failed) st = err_set(err, ERR_NOMEM, "no memory for a bot's journal");
  return st;
}

// ---- once more

struct cursor {  // bars of one series, by time of their end
  struct series bars;
  size_t at;
};

static int64_t next_close(const struct cursor *c) {
  return c->at < c->bars.count ? c->bars.bars[c->at].open_ns + c->bars.timeframe_ns : INT64_MAX;
}

static enum status command_again(struct live_bot *b, const struct bot_command *c, struct err *err) {
  if (c->kind == COMMAND_FUNDING) return OK;  // funding_again()
  // Of an instant of the clock: its market's part is that time has passed.
  if (c->kind != COMMAND_MARK && c->time_ns > clerk_now(b->clerk)) {
    const enum status st = clerk_market(b->clerk, &(struct instant){.now_ns = c->time_ns}, err);
    if (st != OK) return st;
  }
  if (clerk_restore_command(b->clerk, c)) return OK;
  return err_set(err, ERR_INVALID, "run %u: the journal does not fit its bars at order %llu", b->run, (unsigned long long)c->id);
}

// Commands of records up to a time. Marks that are not of the instant's own bar are of bars that are not there.
static enum status commands_again(struct live_bot *b, struct live_reading *past, int64_t until_ns, struct err *err) {
  enum status st = OK;
  struct record r;
  for (; st == OK && live_reading_peek(past, 0, &r) && r.time_ns <= until_ns; live_reading_pop(past)) {
    struct bot_command c;
    for (size_t at = 0; st == OK && record_command_next(&r, &at, &c);) st = command_again(b, &c, err);
  }
  return st == OK && past->failed ? err_set(err, ERR_INVALID, "run %u: a record of the journal cannot be read", b->run) : st;
}

static bool has_mark(struct live_reading *past, int64_t now_ns) {
  struct record r;
  for (size_t i = 0; live_reading_peek(past, i, &r) && r.time_ns <= now_ns; i++) {
    struct bot_command c;
    for (size_t at = 0; record_command_next(&r, &at, &c);)
      if (c.kind == COMMAND_MARK) return true;
  }
  return false;
}

// The bars of one instant, out of those that are left.
static bool next_instant(struct live_bot *b, struct cursor *symbols, struct cursor *main, struct instant_match *match, struct instant *ret, bool *ret_closed) {
  int64_t now_ns = next_close(main);
  for (int k = 0; k < b->plan->symbol_count; k++)
    if (next_close(&symbols[k]) < now_ns) now_ns = next_close(&symbols[k]);
  if (now_ns == INT64_MAX) return false;
  *ret = (struct instant){.now_ns = now_ns, .match = match};
  for (int k = 0; k < b->plan->symbol_count; k++)
    if (next_close(&symbols[k]) == now_ns) match[ret->match_count++] = (struct instant_match){k, {.bar = &symbols[k].bars.bars[symbols[k].at++], .close_ns = now_ns}};
  *ret_closed = next_close(main) == now_ns;
  if (*ret_closed) main->at++;
  return true;
}

// Part of the instant's market, though it stands with the commands.
static enum status funding_again(struct live_bot *b, const struct record *r, struct err *err) {
  struct bot_command c;
  enum status st = OK;
  for (size_t at = 0; st == OK && record_command_next(r, &at, &c);)
    if (c.kind == COMMAND_FUNDING && !clerk_restore_command(b->clerk, &c)) st = err_set(err, ERR_INVALID, "run %u: the journal's funding does not fit", b->run);
  return st;
}

// As it was: everything of it is in the journal.
static enum status again(struct live_bot *b, const struct instant *in, bool closed, int64_t main_ns, struct live_reading *past, struct err *err) {
  struct record r;
  enum status st = commands_again(b, past, in->now_ns - 1, err);
  b->image_age++;  // a long walk is made once
  for (size_t i = 0; st == OK && live_reading_peek(past, i, &r) && r.time_ns <= in->now_ns; i++) st = funding_again(b, &r, err);
  for (int i = 0; i < in->match_count; i++) b->funded_ns[in->match[i].symbol] = in->now_ns;
  if (st == OK) st = clerk_market(b->clerk, in, err);
  if (st == OK && in->now_ns <= b->seen_ns) clerk_script_saw(b->clerk);
  // A host does not send the mark of a bot that asked for nothing (bot/wire.h).
  if (st == OK && closed && !has_mark(past, in->now_ns))
    st = command_again(b, &(struct bot_command){.kind = COMMAND_MARK, .time_ns = in->now_ns - main_ns}, err);
  if (st == OK) st = commands_again(b, past, in->now_ns, err);
  if (st == OK && clerk_forget(b->clerk)) b->trades_told = 0;  // as live: all orders of a long run at once would be hundreds of megabytes
  return st;
}

// What happened since without its script, as for a bot that is paused: nothing of it is in the journal yet.
static enum status alone(struct live_bot *b, const struct instant *in, bool closed, int64_t main_ns, struct err *err) {
  b->main_closed = closed;
  b->main_open_ns = in->now_ns - main_ns;
  b->spoke = b->turned = false;
  live_fund(b, in);
  const enum status st = clerk_market(b->clerk, in, err);
  live_funded(b);
  if (clerk_busy(b->clerk)) live_bot_end(b);
  return st;
}

// What a symbol traded at when the run began: until a bar of the run is matched, orders go by it (pilot_mark).
void live_mark(struct live_bot *b, int symbol) {
  struct live_series *s = b->series[b->plan->symbols[symbol].exec];
  struct bar bar;
  struct series newest = {0};
  if (b->told_run && journal_bar_before(reader(b->live, STORE_JOURNAL), s->journal, b->run_from_ns - s->timeframe_ns + 1, &bar, NULL) == OK) {
    clerk_mark(b->clerk, symbol, bar.close);
  } else if (live_series_history(b->live, s, 1, INT64_MAX, b->run_from_ns, &newest, NULL) == OK) {
    if (newest.count) clerk_mark(b->clerk, symbol, newest.bars[newest.count - 1].close);
    series_finish(&newest);
  }
}

// Rows of orders, fills and marks that a crash may have left unwritten are made again; those that are there already stay as they are.
static void retell(struct live_bot *b, int64_t now_ns) {
  if (b->retelling || (b->followed.run == b->run && now_ns < b->followed.time_ns)) return;
  b->retelling = true;
  b->content_before = b->content;
  b->content = false;
  b->trades_told = matcher_account(clerk_matcher(b->clerk))->trades.count;
  clerk_restore_retell(b->clerk);
}

static enum status retold(struct live_bot *b, struct live_reading *past, struct err *err) {
  retell(b, INT64_MAX);  // what happened between bars after the last
  enum status st = commands_again(b, past, INT64_MAX, err);
  if (b->retelling) {
    // They belong to what happened without a host: what it does on one must not be written before them, nor `followed` go on without them.
    struct live_batch *batch = b->content ? live_batch(b->live, b->place) : NULL;
    if (batch) live_batch_bot(batch, b->id);
    b->content = b->content_before;
  }
  b->retelling = false;
  b->trades_told = matcher_account(clerk_matcher(b->clerk))->trades.count;
  // The last may have been an instant of the clock: what is imposed from here on comes after it, and has no earlier time.
  if (st == OK && b->kept_ns > clerk_now(b->clerk)) st = clerk_market(b->clerk, &(struct instant){.now_ns = b->kept_ns}, err);
  if (st == OK) clerk_restore_end(b->clerk);
  return st;
}

// The run once more, without its script.
enum status live_past_again(struct live_bot *b, struct err *err) {
  struct cursor symbols[SPEC_STREAMS_MAX] = {{{{{0}}}}}, main = {{{{0}}}};
  struct instant_match match[SPEC_STREAMS_MAX];
  struct instant in;
  struct live *l = b->live;
  struct live_reading past;
  bool closed, live = false;
  struct hub_venue_status venue;
  hub_venue_status(l->hub, b->venue, &venue);
  clerk_restore_begin(b->clerk);
  enum status st = live_base_load(b, err);
  const bool whole = b->base.time_ns == INT64_MIN;
  const int64_t from_ns = whole ? b->run_from_ns : b->base.time_ns;
  for (int k = 0; st == OK && k < b->plan->symbol_count; k++) {
    struct live_series *s = b->series[b->plan->symbols[k].exec];
    st = live_series_history(l, s, 0, from_ns - s->timeframe_ns, venue.time_ns, &symbols[k].bars, err);
    while (next_close(&symbols[k]) <= from_ns) symbols[k].at++;
    if (st == OK && whole) live_mark(b, k);
  }
  if (st == OK) st = live_series_history(l, b->series[0], 0, from_ns - b->series[0]->timeframe_ns, venue.time_ns, &main.bars, err);
  while (next_close(&main) <= from_ns) main.at++;
  if (b->past_count && b->past[b->past_count - 1].time_ns > b->kept_ns) b->kept_ns = b->past[b->past_count - 1].time_ns;
  live_reading_begin(&past, b);
  b->restoring = true;
  while (st == OK && next_instant(b, symbols, &main, match, &in, &closed)) {
    if (!live && in.now_ns > b->kept_ns) {
      st = retold(b, &past, err);
      live = true;
    }
    b->instant_ns = in.now_ns;
    if (!live) retell(b, in.now_ns);
    if (st == OK) st = live ? alone(b, &in, closed, main.bars.timeframe_ns, err) : again(b, &in, closed, main.bars.timeframe_ns, &past, err);
  }
  if (st == OK && !live) st = retold(b, &past, err);
  live_reading_end(&past);
  for (int k = 0; k < b->plan->symbol_count; k++) series_finish(&symbols[k].bars);
  series_finish(&main.bars);
  b->restoring = b->retelling = false;
  // What was imposed at the end of it (a kill switch that is on) is part of the past of which a host is told next.
  if (st == OK) live_commands_flush(b);
  if (st == OK) live_hand_over(l, b->place);
  return st;
}

enum status live_catch_up(struct live_bot *b, struct err *err) {
  struct cursor symbols[SPEC_STREAMS_MAX] = {{{{{0}}}}}, main = {{{{0}}}};
  struct instant_match match[SPEC_STREAMS_MAX];
  struct instant in;
  struct live *l = b->live;
  bool closed;
  struct hub_venue_status venue;
  hub_venue_status(l->hub, b->venue, &venue);
  const int64_t from_ns = clerk_now(b->clerk) > b->run_from_ns ? clerk_now(b->clerk) : b->run_from_ns;
  b->behind = false;
  if (!b->told_run || venue.time_ns <= from_ns) return OK;
  enum status st = OK;
  for (int k = 0; st == OK && k <= b->plan->symbol_count; k++) {
    struct live_series *s = b->series[k < b->plan->symbol_count ? b->plan->symbols[k].exec : 0];
    struct cursor *c = k < b->plan->symbol_count ? &symbols[k] : &main;
    st = live_series_history(l, s, (size_t)((venue.time_ns - from_ns) / s->timeframe_ns) + 1, INT64_MAX, venue.time_ns, &c->bars, err);
    while (next_close(c) <= from_ns) c->at++;
  }
  b->restoring = true;
  while (st == OK && next_instant(b, symbols, &main, match, &in, &closed)) {
    b->instant_ns = in.now_ns;
    st = alone(b, &in, closed, main.bars.timeframe_ns, err);
  }
  b->restoring = false;
  b->behind = st != OK;
  for (int k = 0; k < b->plan->symbol_count; k++) series_finish(&symbols[k].bars);
  series_finish(&main.bars);
  return st;
}

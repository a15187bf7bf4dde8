// bot/live_open.c – how a bot comes to life: its books in the core, from the journal if its run is under way, then its script in a host.
//
// Both do the same: bars from warm_from_ns warm up indicators, bars after run_from_ns meet the orders that the journal has, bars after
// live_from_ns are the script's. So a start, a restart, a move to another host and a reload are one mechanism.
#include "bot/live_impl.h"

#include "crypto/encode.h"
#include "store/db.h"
#include "store/script_rows.h"
#include "store/store.h"
#include "store/vault_rows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct db *reader(const struct live *l, enum store_file file) { return store_reader(l->config.store, file); }

// ---- what it is made of

static enum status read_script(struct live_bot *b, json_t **ret_header, struct err *err) {
  struct script_version_row row;
  enum status st = script_version_get(reader(b->live, STORE_CONTROL), b->tenant_id, b->row.script_id, b->row.version, &row, err);
  if (st == ERR_NOTFOUND) st = script_version_get(reader(b->live, STORE_CONTROL), 0, b->row.script_id, b->row.version, &row, err);
  if (st != OK) return st;
  *ret_header = row.header ? json_loads(row.header, 0, NULL) : NULL;
  if (!*ret_header) st = err_set(err, ERR_INVALID, "version %lld of the script was never described: upload it again", (long long)row.version);
  if (st == OK && row.state != SCRIPT_PROVEN) st = err_set(err, ERR_INVALID, "version %lld of the script is not proven", (long long)row.version);
  if (st == OK) {
    free(b->source);
    b->source = row.source;
    b->source_len = row.source_len;
    b->version = (uint32_t)row.version;
    memcpy(b->sha256, row.sha256, sizeof b->sha256);
    row.source = NULL;
  }
  script_version_finish(&row);
  return st;
}

static enum status read_setup(struct live_bot *b, struct err *err) {
  struct account_row account;
  json_t *header = NULL, *params = NULL, *settings = NULL, *of_account = NULL;
  enum status st = account_get(reader(b->live, STORE_CONTROL), b->tenant_id, b->row.account_id, &account, err);
  if (st == OK && strcmp(account.venue, "paper") != 0) st = err_set(err, ERR_INVALID, "accounts at %s cannot be traded yet: choose a paper account", account.venue);
  if (st == OK) st = read_script(b, &header, err);
  if (st == OK) {
    params = json_loads(b->row.params, 0, NULL);
    settings = json_loads(b->row.settings, 0, NULL);
    of_account = json_loads(account.settings, 0, NULL);
    int64_t timeframe_ns;
    if (!params || !settings || !of_account) st = err_set(err, ERR_INVALID, "the bot's settings cannot be read");
    else if (!timeframe_parse(b->row.timeframe, &timeframe_ns)) st = err_set(err, ERR_INVALID, "%s is no timeframe", b->row.timeframe);
    else st = plan_make(header, params, b->row.symbol, timeframe_ns, &b->plan, err);
  }
  if (st == OK) st = live_setup_read(settings, of_account, b->plan.hedging, &b->setup, err);
  json_decref(header);
  json_decref(params);
  json_decref(settings);
  json_decref(of_account);
  return st;
}

static enum status find_venue(struct live_bot *b, char ret_venue[BOT_VENUE_SIZE], struct err *err) {
  struct hub *hub = b->live->hub;
  struct feed_symbol found;
  if (b->row.venue[0]) {
    memcpy(ret_venue, b->row.venue, BOT_VENUE_SIZE);
    return hub_describe(hub, ret_venue, b->row.symbol, &found, err);
  }
  for (int i = 0; i < hub_venue_count(hub); i++) {
    snprintf(ret_venue, BOT_VENUE_SIZE, "%s", hub_venue_name(hub, i));
    if (hub_describe(hub, ret_venue, b->row.symbol, &found, err) == OK) return OK;
  }
  return err_set(err, ERR_NOTFOUND, "no feed has %s", b->row.symbol);
}

static bool add_reader(struct live *l, uint32_t hub, struct live_bot *b) {
  for (size_t i = 0; i < l->reader_count[hub]; i++)
    if (l->readers[hub][i] == b) return true;
  if (l->reader_count[hub] == l->reader_cap[hub]) {
    const size_t cap = l->reader_cap[hub] ? l->reader_cap[hub] * 2 : 8;
    struct live_bot **more = realloc(l->readers[hub], cap * sizeof *more);
    if (!more) return false;
    l->readers[hub] = more;
    l->reader_cap[hub] = cap;
  }
  l->readers[hub][l->reader_count[hub]++] = b;
  return true;
}

static void remove_reader(struct live *l, uint32_t hub, const struct live_bot *b) {
  for (size_t i = 0; i < l->reader_count[hub]; i++)
    if (l->readers[hub][i] == b) {
      l->readers[hub][i] = l->readers[hub][--l->reader_count[hub]];
      return;
    }
}

static enum status use_series(struct live_bot *b, struct err *err) {
  char venue[BOT_VENUE_SIZE];
  enum status st = find_venue(b, venue, err);
  if (st == OK) b->venue = hub_venue_find(b->live->hub, venue);
  for (int i = 0; st == OK && i < b->plan.stream_count; i++) {
    st = live_series_use(b->live, venue, b->plan.streams[i].symbol, b->plan.streams[i].timeframe_ns, &b->series[i], err);
    if (st != OK) break;
    b->series_count++;
    if (!add_reader(b->live, b->series[i]->hub, b)) st = err_set(err, ERR_NOMEM, "no memory for a bot");
  }
  return st;
}

static struct live_tenant *tenant_of(struct live *l, int64_t id) {
  for (struct live_tenant *t = l->tenants; t; t = t->next)
    if (t->id == id) return t;
  struct live_tenant *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->id = id;
  clerk_tenant_init(&t->tenant, (uint64_t)id, &(struct gate_limits){0});
  t->next = l->tenants;
  return l->tenants = t;
}

static enum status use_account(struct live_bot *b, struct err *err) {
  struct live *l = b->live;
  struct live_account *a = l->accounts;
  while (a && a->id != b->row.account_id) a = a->next;
  if (!a) {
    a = calloc(1, sizeof *a);
    struct live_tenant *t = tenant_of(l, b->tenant_id);
    if (!a || !t) {
      free(a);
      return err_set(err, ERR_NOMEM, "no memory for an account");
    }
    const struct clerk_account_config config = {.id = (uint64_t)b->row.account_id, .tenant = &t->tenant, .balance = b->setup.balance, .limits = b->setup.account_limits};
    const enum status st = clerk_account_create(&config, &a->account, err);
    if (st != OK) {
      free(a);
      return st;
    }
    a->id = b->row.account_id;
    a->tenant = t;
    t->accounts++;
    a->next = l->accounts;
    l->accounts = a;
  }
  a->bots++;
  b->account = a;
  return OK;
}

static void drop_account(struct live_bot *b) {
  struct live *l = b->live;
  struct live_account *a = b->account;
  b->account = NULL;
  if (!a || --a->bots > 0) return;
  for (struct live_account **p = &l->accounts; *p; p = &(*p)->next)
    if (*p == a) {
      *p = a->next;
      break;
    }
  clerk_account_destroy(a->account);
  a->tenant->accounts--;
  free(a);
}

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
static char *settings_of(const struct live_bot *b) {
  char text[DECIMAL_TEXT_MAX];
  json_t *object = json_loads(b->row.settings, 0, NULL);
  json_object_set_new(object, "cash", json_string(cash_text(b->setup.match.deposit, text)));
  char *settings = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  return settings;
}

static bool take_record(void *arg, const struct journal_record *j) {
  struct live_bot *b = arg;
  struct record r;
  struct err err;
  if (j->run != b->run) return true;
  if (record_read(j->kind, j->time_ns, j->body, j->len, &r, &err) != OK) return true;
  if (r.kind == RECORD_RUN || r.kind == RECORD_RESUME) {
    b->resumes = r.resumes;
    if (r.kind == RECORD_RUN) {
      b->run_from_ns = r.live_from_ns;
      b->setup.match.deposit = cash_of(r.settings);
    }
  } else if (r.kind == RECORD_COMMANDS || r.kind == RECORD_IMPOSED) {
    if (b->past_count == b->past_cap) {
      const size_t cap = b->past_cap ? b->past_cap * 2 : 64;
      struct live_past *past = realloc(b->past, cap * sizeof *past);
      if (!past) {
        b->past_bytes.failed = true;
        return false;
      }
      b->past = past;
      b->past_cap = cap;
    }
    b->past[b->past_count++] = (struct live_past){r.time_ns, (uint32_t)b->past_bytes.len, (uint32_t)r.commands.len};
    buf_add(&b->past_bytes, r.commands.text, r.commands.len);
  }
  return true;
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
  buf_clear(&b->state);
  buf_clear(&b->memory);
  buf_add(&b->state, p + head, len);
  buf_add(&b->memory, p + head + len, s->len - head - len);
}

// When the service starts: one walk through the journal for all, however many there are.
static void take_open(void *arg, const struct journal_run *r) {
  struct live_bot *b = live_find(arg, r->bot_id);
  if (!b) return;
  b->run = r->run;
  b->read_run = true;
}
static bool take_any(void *arg, const struct journal_record *j) {
  struct live_bot *b = live_find(arg, j->bot_id);
  if (b && b->read_run) (void)take_record(b, j);
  return true;
}
enum status live_runs_read(struct live *l, struct err *err) {
  struct db *db = reader(l, STORE_JOURNAL);
  int64_t after_id;
  enum status st = journal_runs_open(db, take_open, l, err);
  if (st == OK) st = journal_scan_from(db, &after_id, err);
  return st == OK ? journal_scan(db, after_id, 0, take_any, l, err) : st;
}

static enum status read_run(struct live_bot *b, struct err *err) {
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
  if (!read) st = journal_scan(db, last.first_id - 1, b->id, take_record, b, err);
  if (st == OK) st = journal_state_get(db, b->id, take_state, b, err);
  if (st == ERR_NOTFOUND) st = OK;
  if (st == OK && b->past_bytes.failed) st = err_set(err, ERR_NOMEM, "no memory for a bot's journal");
  return st;
}

// ---- its books

static enum status make_clerk(struct live_bot *b, struct err *err) {
  struct match_symbol_config symbols[SPEC_STREAMS_MAX];
  for (int k = 0; k < b->plan.symbol_count; k++) {
    const struct series *s = hub_series(b->live->hub, b->series[b->plan.symbols[k].exec]->hub);
    assert(s);
    match_symbol_config_init(&symbols[k], &s->inst);
    symbols[k].fees = b->setup.fees;
    symbols[k].costs = b->setup.costs;
    symbols[k].leverage_e4 = b->setup.leverage_e4;
    symbols[k].maintenance_frac_e8 = b->setup.maintenance_frac_e8;
    symbols[k].volume_scale = s->volume_scale;
  }
  struct clerk_config config = {.bot_id = (uint64_t)b->id, .version = b->version, .shared = &b->live->shared, .account = b->account->account,
    .venue_id = halt_venue_id(hub_venue_name(b->live->hub, b->venue)), .limits = b->setup.bot_limits, .live_from_ns = b->run_from_ns == INT64_MAX ? 0 : b->run_from_ns, .observer = live_observer(b)};
  config.blotter.match = b->setup.match;
  config.blotter.symbols = symbols;
  config.blotter.symbol_count = b->plan.symbol_count;
  return clerk_create(&config, &b->clerk, err);
}

struct cursor {  // bars of one series, by time of their end
  struct series bars;
  size_t at;
};

static int64_t next_close(const struct cursor *c) {
  return c->at < c->bars.count ? c->bars.bars[c->at].open_ns + c->bars.timeframe_ns : INT64_MAX;
}

static enum status command_again(struct live_bot *b, const struct bot_command *c, struct err *err) {
  if (clerk_restore_command(b->clerk, c)) return OK;
  return err_set(err, ERR_INVALID, "run %u: the journal does not fit its bars at order %llu", b->run, (unsigned long long)c->id);
}

static void past_commands(const struct live_bot *b, size_t i, struct record *ret) {
  const struct live_past *p = &b->past[i];
  record_init(ret, RECORD_COMMANDS, p->time_ns);
  ret->commands = record_text(b->past_bytes.data + p->offset, p->len);
}

// Commands of records up to a time. Marks that are not of the instant's own bar are of bars that are not there.
static enum status commands_again(struct live_bot *b, size_t *past, int64_t until_ns, struct err *err) {
  enum status st = OK;
  for (; st == OK && *past < b->past_count && b->past[*past].time_ns <= until_ns; ++*past) {
    struct record r;
    struct bot_command c;
    past_commands(b, *past, &r);
    for (size_t at = 0; st == OK && record_command_next(&r, &at, &c);) st = command_again(b, &c, err);
  }
  return st;
}

static bool has_mark(const struct live_bot *b, size_t past, int64_t now_ns) {
  for (; past < b->past_count && b->past[past].time_ns <= now_ns; past++) {
    struct record r;
    struct bot_command c;
    past_commands(b, past, &r);
    for (size_t at = 0; record_command_next(&r, &at, &c);)
      if (c.kind == COMMAND_MARK) return true;
  }
  return false;
}

// The bars of one instant, out of those that are left.
static bool next_instant(struct live_bot *b, struct cursor *symbols, struct cursor *main, struct instant_match *match, struct instant *ret, bool *ret_closed) {
  int64_t now_ns = next_close(main);
  for (int k = 0; k < b->plan.symbol_count; k++)
    if (next_close(&symbols[k]) < now_ns) now_ns = next_close(&symbols[k]);
  if (now_ns == INT64_MAX) return false;
  *ret = (struct instant){.now_ns = now_ns, .match = match};
  for (int k = 0; k < b->plan.symbol_count; k++)
    if (next_close(&symbols[k]) == now_ns) match[ret->match_count++] = (struct instant_match){k, {.bar = &symbols[k].bars.bars[symbols[k].at++], .close_ns = now_ns}};
  *ret_closed = next_close(main) == now_ns;
  if (*ret_closed) main->at++;
  return true;
}

// As it was: everything of it is in the journal.
static enum status again(struct live_bot *b, const struct instant *in, bool closed, int64_t main_ns, size_t *past, struct err *err) {
  enum status st = commands_again(b, past, in->now_ns - 1, err);
  if (st == OK) st = clerk_market(b->clerk, in, err);
  // A host does not send the mark of a bot that asked for nothing (bot/wire.h).
  if (st == OK && closed && !has_mark(b, *past, in->now_ns))
    st = command_again(b, &(struct bot_command){.kind = COMMAND_MARK, .time_ns = in->now_ns - main_ns}, err);
  return st == OK ? commands_again(b, past, in->now_ns, err) : st;
}

// What happened since without its script, as for a bot that is paused: nothing of it is in the journal yet.
static enum status alone(struct live_bot *b, const struct instant *in, bool closed, int64_t main_ns, struct err *err) {
  b->main_closed = closed;
  b->main_open_ns = in->now_ns - main_ns;
  b->spoke = false;
  const enum status st = clerk_market(b->clerk, in, err);
  if (st == OK) live_bot_end(b);
  return st;
}

// The run once more, without its script.
static enum status restore(struct live_bot *b, struct err *err) {
  struct cursor symbols[SPEC_STREAMS_MAX] = {{{{{0}}}}}, main = {{{{0}}}};
  struct instant_match match[SPEC_STREAMS_MAX];
  struct instant in;
  struct live *l = b->live;
  size_t past = 0;
  bool closed, live = false;
  struct hub_venue_status venue;
  hub_venue_status(l->hub, b->venue, &venue);
  enum status st = OK;
  for (int k = 0; st == OK && k < b->plan.symbol_count; k++) {
    struct live_series *s = b->series[b->plan.symbols[k].exec];
    st = live_series_history(l, s, 0, b->run_from_ns - s->timeframe_ns, venue.time_ns, &symbols[k].bars, err);
    while (next_close(&symbols[k]) <= b->run_from_ns) symbols[k].at++;
  }
  if (st == OK) st = live_series_history(l, b->series[0], 0, b->run_from_ns - b->series[0]->timeframe_ns, venue.time_ns, &main.bars, err);
  while (next_close(&main) <= b->run_from_ns) main.at++;
  if (b->past_count && b->past[b->past_count - 1].time_ns > b->kept_ns) b->kept_ns = b->past[b->past_count - 1].time_ns;
  clerk_restore_begin(b->clerk);
  b->restoring = true;
  while (st == OK && next_instant(b, symbols, &main, match, &in, &closed)) {
    if (!live && in.now_ns > b->kept_ns) {
      st = commands_again(b, &past, INT64_MAX, err);
      b->trades_told = matcher_account(clerk_matcher(b->clerk))->trades.count;
      if (st == OK) clerk_restore_end(b->clerk);
      live = true;
    }
    b->instant_ns = in.now_ns;
    if (st == OK) st = live ? alone(b, &in, closed, main.bars.timeframe_ns, err) : again(b, &in, closed, main.bars.timeframe_ns, &past, err);
  }
  if (st == OK && !live) {
    st = commands_again(b, &past, INT64_MAX, err);
    b->trades_told = matcher_account(clerk_matcher(b->clerk))->trades.count;
    if (st == OK) clerk_restore_end(b->clerk);
  }
  for (int k = 0; k < b->plan.symbol_count; k++) series_finish(&symbols[k].bars);
  series_finish(&main.bars);
  b->restoring = false;
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
  if (!b->told_run || venue.time_ns <= from_ns) return OK;
  enum status st = OK;
  for (int k = 0; st == OK && k <= b->plan.symbol_count; k++) {
    struct live_series *s = b->series[k < b->plan.symbol_count ? b->plan.symbols[k].exec : 0];
    struct cursor *c = k < b->plan.symbol_count ? &symbols[k] : &main;
    st = live_series_history(l, s, (size_t)((venue.time_ns - from_ns) / s->timeframe_ns) + 1, INT64_MAX, venue.time_ns, &c->bars, err);
    while (next_close(c) <= from_ns) c->at++;
  }
  b->restoring = true;
  while (st == OK && next_instant(b, symbols, &main, match, &in, &closed)) {
    b->instant_ns = in.now_ns;
    st = alone(b, &in, closed, main.bars.timeframe_ns, err);
  }
  b->restoring = false;
  for (int k = 0; k < b->plan.symbol_count; k++) series_finish(&symbols[k].bars);
  series_finish(&main.bars);
  return st;
}

static enum status open_books(struct live_bot *b, struct err *err) {
  // What was read of its run when the service started has its money, which the settings must not write over.
  const cash deposit = b->read_run ? b->setup.match.deposit : (cash){0};
  enum status st = read_setup(b, err);
  if (st == OK && deposit.e8 > 0) b->setup.match.deposit = deposit;
  if (st == OK) st = use_series(b, err);
  if (st == OK) st = use_account(b, err);
  if (st == OK) st = read_run(b, err);
  // Without a sum of its own it gets what no other bot of the account has.
  if (st == OK && b->setup.match.deposit.e8 == 0) b->setup.match.deposit = clerk_account_house(b->account->account);
  if (st == OK && b->setup.match.deposit.e8 <= 0) st = err_set(err, ERR_INVALID, "the account has no money left for it: other bots have it all");
  for (int i = 0; st == OK && !b->told_run && i < b->series_count; i++) {
    int64_t from_ns;
    st = live_series_keep(b->live, b->series[i], (size_t)b->plan.history_bars, &from_ns, err);
    if (st == OK && (i == 0 || from_ns < b->warm_from_ns)) b->warm_from_ns = from_ns;
  }
  if (st == OK) st = make_clerk(b, err);
  if (st == OK && b->told_run) st = restore(b, err);
  return st;
}

enum status live_books_open(struct live_bot *b, struct err *err) {
  if (b->clerk) return OK;
  const enum status st = open_books(b, err);
  if (st != OK) live_books_close(b);
  return st;
}

void live_books_close(struct live_bot *b) {
  for (int i = 0; i < b->series_count; i++) {
    const uint32_t hub = b->series[i]->hub;
    remove_reader(b->live, hub, b);
    live_series_drop(b->live, b->series[i]);
  }
  b->series_count = 0;
  clerk_destroy(b->clerk);
  b->clerk = NULL;
  drop_account(b);
  free(b->source);
  free(b->past);
  free(b->tags);
  b->source = NULL, b->past = NULL, b->tags = NULL;
  b->past_count = b->past_cap = b->tag_count = b->trades_told = 0;
  b->resumes = 0;
  b->seen_ns = b->kept_ns = b->instant_ns = 0;
  b->told_run = b->read_run = b->ending = b->touched = b->busy = false;
  buf_clear(&b->past_bytes);
  buf_clear(&b->state);
  buf_clear(&b->memory);
  buf_clear(&b->turn);
}

// ---- its script, in a host

static int64_t venue_time(void *self, int venue) {
  const struct live *l = self;
  struct hub_venue_status status;
  hub_venue_status(l->hub, venue, &status);
  return status.time_ns;
}

static const struct series *series(void *self, uint32_t id) { return hub_series(((struct live *)self)->hub, id); }

static enum status history(void *self, int64_t bot, const struct fleet_need *need, int64_t through_ns, struct series *ret, struct err *err) {
  struct live *l = self;
  (void)bot;
  struct live_series *s = live_series_of(l, need->series);
  return s ? live_series_history(l, s, need->bars, need->from_ns, through_ns, ret, err) : err_set(err, ERR_NOTFOUND, "no such series");
}

static void put_open(struct live_bot *b, const struct fleet_open *f, struct buf *out) {
  const int64_t through_ns = f->through_ns;
  char name[64];
  size_t commands = 0;
  for (size_t i = 0; i < b->past_count; i++) {
    struct record r;
    struct bot_command c;
    past_commands(b, i, &r);
    for (size_t at = 0; record_command_next(&r, &at, &c);) commands++;
  }
  snprintf(name, sizeof name, "v%u.lua", b->version);
  struct wire_open o = {.bot = (uint64_t)b->id, .tenant = (uint64_t)b->tenant_id, .chunkname = wire_text(name, strlen(name)), .source = wire_text(b->source, b->source_len),
    .params = wire_text(b->row.params, strlen(b->row.params)), .state = wire_text(b->state.data, b->state.len), .memory = wire_text(b->memory.data, b->memory.len),
    .seed = (uint64_t)b->row.seed, .resume = b->told_run ? b->resumes : 0, .seen_ns = b->told_run ? b->seen_ns : 0, .restore_count = (uint32_t)commands, .warm_from_ns = b->warm_from_ns,
    .run_from_ns = b->run_from_ns, .live_from_ns = through_ns, .match = b->setup.match, .risk = b->setup.risk, .limits = b->setup.vm,
    .stream_count = b->plan.stream_count, .symbol_count = b->plan.symbol_count};
  for (int i = 0; i < b->plan.stream_count; i++) o.streams[i] = (struct wire_stream){.series = b->series[i]->hub, .history = f->history[i], .symbol = b->plan.streams[i].symbol_ix};
  for (int k = 0; k < b->plan.symbol_count; k++)
    o.symbols[k] = (struct wire_symbol){.series = b->series[b->plan.symbols[k].exec]->hub, .history = f->history[b->plan.symbols[k].exec], .fees = b->setup.fees, .costs = b->setup.costs,
      .leverage_e4 = b->setup.leverage_e4, .maintenance_frac_e8 = b->setup.maintenance_frac_e8};
  wire_put_bot_open(out, &o);
}

static void journal_opening(struct live_bot *b, int64_t through_ns) {
  struct record r;
  char *settings = NULL;
  record_init(&r, b->told_run ? RECORD_RESUME : RECORD_RUN, through_ns);
  r.resumes = b->told_run ? b->resumes : 0;
  r.live_from_ns = through_ns;
  r.engine = record_text(b->live->config.version, strlen(b->live->config.version));
  r.state = record_text(b->state.data, b->state.len);
  if (b->told_run) {
    r.seen_ns = b->seen_ns;
    r.memory = record_text(b->memory.data, b->memory.len);
  }
  if (!b->told_run) {
    r.script_id = b->row.script_id;
    r.version = b->version;
    size_t len;
    const enum status st = hex_decode(b->sha256, strlen(b->sha256), r.source_sha256, sizeof r.source_sha256, &len);
    assert(st == OK);
    r.seed = (uint64_t)b->row.seed;
    for (int i = 0; i < b->series_count; i++) r.series[i] = b->series[i]->journal;
    r.series_count = (uint32_t)b->series_count;
    r.params = record_text(b->row.params, strlen(b->row.params));
    settings = settings_of(b);
    if (settings) r.settings = record_text(settings, strlen(settings));
  }
  live_record(b, &r, false, !b->told_run, false);
  free(settings);
  b->told_run = true;
  live_hand_over(b->live, b->place);
}

static enum fleet_step bot_open(void *self, struct fleet_open *f, struct buf *out) {
  struct live_bot *b = live_find(self, f->bot);
  if (!b || !b->clerk) return FLEET_NOT;
  if (f->cursor == 0) {
    b->place = f->host;
    if (b->told_run) b->resumes++;
    else b->run_from_ns = f->through_ns;
    b->live_from_ns = f->through_ns;
    put_open(b, f, out);
  }
  for (; f->cursor < b->past_count && out->len < FLEET_OPEN_BYTES / 2; f->cursor++) {
    struct record r;
    struct bot_command c;
    past_commands(b, f->cursor, &r);
    for (size_t at = 0; record_command_next(&r, &at, &c);) wire_put_restore(out, (uint64_t)b->id, &c);
  }
  if (f->cursor < b->past_count) return FLEET_MORE;
  journal_opening(b, f->through_ns);
  return FLEET_LAST;
}

static void bot_opened(void *self, int host, int64_t id) {
  struct live_bot *b = live_find(self, id);
  (void)host;
  if (!b) return;
  b->opened = true;
  b->turns = 0;
  b->digest[0] = '\0';
  live_event(b, LIFE_OPENED, NULL);
}

// The fleet has taken it off its host by itself.
void live_left_host(struct live_bot *b) {
  struct err err;
  if (b->busy) live_bot_end(b);
  b->opened = false;
  live_hand_over(b->live, b->place);
  b->place = LIVE_HOSTLESS;
  if (b->clerk && live_catch_up(b, &err) != OK) b->live->config.log(b->live->config.self, "error", "bot_behind", json_pack("{s:s, s:s}", "bot", b->channel + 4, "error", err.msg));
  live_hand_over(b->live, LIVE_HOSTLESS);
}

static void bot_refused(void *self, int64_t id, const char *why) {
  struct live_bot *b = live_find(self, id);
  if (!b) return;
  live_left_host(b);
  live_event(b, LIFE_NO_DATA, why);
}

static void bot_quarantined(void *self, int64_t id, const char *why) {
  struct live_bot *b = live_find(self, id);
  if (!b) return;
  live_left_host(b);
  live_event(b, LIFE_BROKE_HOST, why);
}

const struct fleet_callbacks live_fleet_opening = {.venue_time = venue_time, .series = series, .history = history, .bot_open = bot_open, .bot_opened = bot_opened,
  .bot_refused = bot_refused, .bot_quarantined = bot_quarantined};

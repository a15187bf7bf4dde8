// bot/live_books.c – a bot's books in the core: what its rows and its script's header ask for, its series, its account, its clerk. If its
// run is under way they are what the journal says (live_past.c).
#include "bot/live_venue.h"

#include "store/db.h"
#include "store/store.h"
#include "store/vault_rows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct db *reader(const struct live *l, enum store_file file) { return store_reader(l->config.store, file); }

// ---- what it is made of

// What it ran last in this run, or what its row wishes.
static enum status read_script(struct live_bot *b, json_t **ret_header, struct err *err) {
  struct live_script script;
  const bool goes_on = b->told_run || b->read_run, wished = !goes_on || b->mend;  // live_ahead() asks when the journal was read, and nothing opened
  enum status st = live_script_read(b, wished ? live_version_wished(b) : b->version, &script, ret_header, err);
  if (st != OK) return st;
  const bool other = goes_on && (script.version != b->version || !b->params || (wished && strcmp(b->params, b->row.params) != 0));
  if (wished && other) b->version_before = b->version;
  if (wished && (other || !goes_on)) b->version_ns = 0;
  if (wished || !b->params) script.params = strdup(b->row.params);
  return live_script_set(b, &script) && b->params ? OK : err_set(err, ERR_NOMEM, "no memory for a bot");
}

// Its settings as they stand; of an account elsewhere with the venue, for a replay must know that its market was not ours.
static bool keep_account(struct live_bot *b, const struct account_row *account, json_t *settings) {
  if (settings) json_object_del(settings, "venue");  // nobody's to set
  if (strcmp(account->venue, "paper") == 0) return live_text_set(b, &b->of_account, account->settings, strlen(account->settings));
  if (!settings || json_object_set_new(settings, "venue", json_string(account->venue)) != 0) return false;
  char *text = json_dumps(settings, JSON_COMPACT | JSON_SORT_KEYS);
  const bool kept = text && live_text_set(b, &b->of_account, text, strlen(text));
  free(text);
  return kept;
}

enum status live_plan_read(struct live_bot *b, struct err *err) {
  struct account_row account;
  struct bot_plan plan;
  struct live_setup setup;
  json_t *header = NULL, *params = NULL, *settings = NULL, *of_account = NULL;
  enum status st = account_get(reader(b->live, STORE_CONTROL), b->tenant_id, b->row.account_id, &account, err);
  if (st == OK) st = read_script(b, &header, err);
  if (st == OK) {
    params = json_loads(b->params, 0, NULL);
    settings = json_loads(b->row.settings, 0, NULL);
    of_account = json_loads(account.settings, 0, NULL);
    if (!keep_account(b, &account, of_account)) live_text_clear(b, &b->of_account);
    int64_t timeframe_ns;
    if (!params || !settings || !of_account) st = err_set(err, ERR_INVALID, "the bot's settings cannot be read");
    else if (!timeframe_parse(b->row.timeframe, &timeframe_ns)) st = err_set(err, ERR_INVALID, "%s is no timeframe", b->row.timeframe);
    else st = plan_make(header, params, b->row.symbol, timeframe_ns, &plan, err);
  }
  if (st == OK) st = live_setup_read(settings, of_account, plan.hedging, &setup, err);
  if (st == OK && !(live_plan_set(b, &plan) && live_setup_set(b, &setup))) st = err_set(err, ERR_NOMEM, "no memory for a bot");
  json_decref(header);
  json_decref(params);
  json_decref(settings);
  json_decref(of_account);
  return st;
}

int live_own_market(struct live *l, int64_t tenant_id, int64_t account_id, const char *venue) {
  char name[BOT_VENUE_SIZE];
  struct err err;
  if (!l->config.own_market || !l->config.own_market(l->config.self, venue, account_id, name, sizeof name)) return -1;
  int of = hub_venue_find(l->hub, name);
  if (of >= 0 || hub_feed_add(l->hub, name, "remote", &err) != OK) return of;
  of = hub_venue_find(l->hub, name);
  hub_venue_own(l->hub, of, tenant_id);
  return of;
}

const char *live_venue_name(const struct live_bot *b) {
  return hub_venue_owned(b->live->hub, b->venue) ? b->setup->venue : hub_venue_name(b->live->hub, b->venue);
}

enum status live_venue_find(const struct live_bot *b, char ret_venue[BOT_VENUE_SIZE], struct err *err) {
  struct hub *hub = b->live->hub;
  struct feed_symbol found;
  if (b->setup->venue[0]) {  // what is traded there is read there
    int of = hub_venue_for(hub, b->setup->venue, b->setup->category);
    if (of < 0) of = live_own_market(b->live, b->tenant_id, b->row.account_id, b->setup->venue);
    if (of < 0)
      return err_set(err, ERR_NOTFOUND, "the market data of %s%s%s are not read here: an operator adds them as a feed", b->setup->venue, b->setup->category[0] ? " " : "",
                     b->setup->category);
    snprintf(ret_venue, BOT_VENUE_SIZE, "%s", hub_venue_name(hub, of));
    return hub_describe(hub, ret_venue, b->row.symbol, &found, err);
  }
  if (b->row.venue[0]) {
    memcpy(ret_venue, b->row.venue, BOT_VENUE_SIZE);
    const int of = hub_venue_find(hub, ret_venue);
    if (of >= 0 && !hub_venue_seen(hub, of, b->tenant_id)) return err_set(err, ERR_NOTFOUND, "the market of the bot is somebody else's");
    return hub_describe(hub, ret_venue, b->row.symbol, &found, err);
  }
  for (int i = 0; i < hub_venue_count(hub); i++) {
    snprintf(ret_venue, BOT_VENUE_SIZE, "%s", hub_venue_name(hub, i));
    if (!hub_venue_owned(hub, i) && hub_describe(hub, ret_venue, b->row.symbol, &found, err) == OK) return OK;
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
  enum status st = live_venue_find(b, venue, err);
  if (st == OK) b->venue = hub_venue_find(b->live->hub, venue);
  const size_t streams = (size_t)b->plan->stream_count;
  b->series = calloc(streams, sizeof(struct live_series *));
  b->funded_ns = calloc(streams, sizeof *b->funded_ns);
  if (!b->series || !b->funded_ns) st = err_set(err, ERR_NOMEM, "no memory for a bot");
  for (int i = 0; st == OK && i < b->plan->stream_count; i++) {
    st = live_series_use(b->live, venue, b->plan->streams[i].symbol, b->plan->streams[i].timeframe_ns, &b->series[i], err);
    if (st != OK) break;
    b->series_count++;
    if (!add_reader(b->live, b->series[i]->hub, b)) st = err_set(err, ERR_NOMEM, "no memory for a bot");
  }
  return st;
}

// ---- its books

static enum status connect_clerk(struct live_bot *b, struct err *err) {
  struct live_venue *v;
  enum status st = live_venue_use(b->live, b->tenant_id, b->account->id, b->setup->venue, &v, err);
  if (st != OK) return st;
  v->foreign = b->setup->foreign;
  struct clerk_port port = live_venue_port(v);
  port.currency = b->setup->currency;
  st = clerk_remote_open(b->clerk, &port, err);
  return st == OK && !live_venue_join(v, b) ? err_set(err, ERR_NOMEM, "no memory for a bot") : st;
}

static enum status make_clerk(struct live_bot *b, struct err *err) {
  struct match_symbol_config symbols[SPEC_STREAMS_MAX];
  for (int k = 0; k < b->plan->symbol_count; k++) {
    const struct series *s = hub_series(b->live->hub, b->series[b->plan->symbols[k].exec]->hub);
    assert(s);
    match_symbol_config_init(&symbols[k], &s->inst);
    symbols[k].fees = b->setup->fees;
    symbols[k].costs = b->setup->costs;
    symbols[k].leverage_e4 = b->setup->leverage_e4;
    symbols[k].maintenance_frac_e8 = b->setup->maintenance_frac_e8;
    symbols[k].volume_scale = s->volume_scale;
  }
  struct clerk_config config = {.bot_id = (uint64_t)b->id, .version = b->name_count ? b->names[0].version : b->version, .run = b->run, .shared = &b->live->shared, .account = b->account->account,
    .venue_id = halt_venue_id(live_venue_name(b)), .limits = b->setup->bot_limits, .faults = b->setup->faults, .protections = b->setup->protections, .protection_count = b->setup->protection_count, .live_from_ns = b->run_from_ns == INT64_MAX ? 0 : b->run_from_ns, .observer = live_observer(b)};
  config.blotter.match = b->setup->match;
  config.blotter.symbols = symbols;
  config.blotter.symbol_count = b->plan->symbol_count;
  enum status st = clerk_create(&config, &b->clerk, err);
  if (st == OK && b->setup->venue[0]) st = connect_clerk(b, err);
  (void)last_check_budget(b->live->last, LAST_BOT, (uint64_t)b->id, b->setup->bot_fuse.orders, b->setup->bot_fuse.notional_e8);
  (void)last_check_budget(b->live->last, LAST_ACCOUNT, (uint64_t)b->account->id, b->setup->account_fuse.orders, b->setup->account_fuse.notional_e8);
  b->told_denial = false;
  if (st == OK) live_plan_follow(b);
  for (size_t i = 1; st == OK && i < b->name_count; i++) clerk_version_from(b->clerk, b->names[i].version, b->names[i].order);
  return st;
}

static enum status open_books(struct live_bot *b, struct err *err) {
  enum status st = live_past_read(b, err);
  const cash deposit = b->told_run ? b->setup->match.deposit : (cash){0};  // the run's money, which the settings must not write over
  if (st == OK) st = live_plan_read(b, err);
  if (b->live->config.grant) b->grant = b->live->config.grant(b->live->config.self, b->tenant_id);
  if (st == OK && deposit.e8 > 0 && !live_deposit_set(b, deposit)) st = err_set(err, ERR_NOMEM, "no memory for a bot");
  if (st == OK) st = use_series(b, err);
  if (st == OK) st = live_money_join(b, err);
  if (st == OK) st = live_money_take(b, err);
  for (int i = 0; st == OK && !b->told_run && i < b->series_count; i++) {
    int64_t from_ns;
    st = live_series_keep(b->live, b->series[i], (size_t)b->plan->history_bars, &from_ns, err);
    if (st == OK && (i == 0 || from_ns < b->warm_from_ns)) b->warm_from_ns = from_ns;
  }
  if (st == OK) st = make_clerk(b, err);
  if (st == OK && b->told_run) st = live_past_again(b, err);
  if (st == OK) clerk_account_back(b->account->account, (uint64_t)b->id);
  if (st == OK && clerk_is_remote(b->clerk)) {
    live_reconcile_holds(b);
    live_left_forget(live_venue_of(b->live, b->account->id), b->id);
  }
  if (st == OK && b->life.state != LIFE_STARTING) live_past_shelve(b);  // else a host is to be told first
  return st;
}

enum status live_books_open(struct live_bot *b, struct err *err) {
  if (b->clerk) return OK;
  const enum status st = open_books(b, err);
  if (st != OK) live_books_close(b);
  return st;
}

void live_books_close(struct live_bot *b) {
  live_clock_drop(b);
  live_signals_forget(b);
  live_ticks_forget(b);
  for (int i = 0; i < b->series_count; i++) {
    const uint32_t hub = b->series[i]->hub;
    remove_reader(b->live, hub, b);
    live_series_drop(b->live, b->series[i]);
  }
  free(b->series);
  b->series = NULL;
  b->series_count = 0;
  // Rules of the account go on counting what it has won: it comes back from the journal.
  if (b->clerk && b->told_run && !b->over) clerk_account_away(b->account->account, b->clerk);
  else if (b->account && b->account->account) clerk_account_back(b->account->account, (uint64_t)b->id);
  live_venue_leave(b);
  b->over = false;
  clerk_destroy(b->clerk);
  b->clerk = NULL;
  live_money_leave(b);
  live_reload_left(b);
  live_shadow_left(b);
  live_script_forget(b);
  live_text_clear(b, &b->of_account);
  free(b->tags);
  b->tags = NULL;
  b->tag_count = b->trades_told = 0;
  b->resumes = 0;
  b->seen_ns = b->kept_ns = b->instant_ns = 0;
  b->halt_mode = HALT_NONE;
  b->words = WORDS_NONE;
  b->told_settings = 0;
  b->ending = NULL;
  free(b->funded_ns);
  b->funded_ns = NULL;
  b->told_run = b->read_run = b->touched = b->busy = b->behind = false;
  live_past_forget(b);
  buf_clear(&b->state);
  buf_clear(&b->memory);
  buf_clear(&b->turn);
}

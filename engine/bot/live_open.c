// bot/live_open.c – how a bot's script comes to life in a host: what the fleet asks for, and what it tells.
//
// Host and core do the same: bars from warm_from_ns warm up indicators, bars after run_from_ns meet the orders that the journal has, bars
// after live_from_ns are the script's. So a start, a restart, a move to another host and a reload are one mechanism.
#include "bot/live_impl.h"

#include "bot/clerk_image.h"
#include "crypto/encode.h"
#include "store/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *settings_of(const struct live_bot *b) {
  char text[DECIMAL_TEXT_MAX];
  json_t *object = json_loads(b->row.settings, 0, NULL);
  json_object_set_new(object, "cash", json_string(cash_text(b->setup->match.deposit, text)));
  char *settings = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  return settings;
}

// FNV-1a: kept per bot, and only compared with itself.
uint64_t live_settings_hash(const struct record *r) {
  const struct record_text parts[] = {r->settings, r->account};
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    for (size_t k = 0; k < parts[i].len; k++) hash = (hash ^ (unsigned char)parts[i].text[k]) * UINT64_C(0x100000001b3);
    hash = (hash ^ 0xff) * UINT64_C(0x100000001b3);
  }
  return hash;
}

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

// as NULL: itself; else its shadow, which is that and begins now, where it is.
static void put_open(struct live_bot *b, const struct live_script *as, const struct fleet_open *f, const struct buf *image, struct buf *out) {
  const uint32_t version = as ? as->version : b->version;
  const char *source = as ? as->source : b->source, *params = as ? as->params : b->params;
  const bool began = version == b->version;
  char name[64], from[24] = "";
  snprintf(name, sizeof name, "v%u.lua", version);
  if (b->state.len && b->state_version && b->state_version != version) snprintf(from, sizeof from, "%u", b->state_version);
  struct wire_open o = {.bot = (uint64_t)b->id, .tenant = (uint64_t)b->tenant_id, .chunkname = wire_text(name, strlen(name)), .source = wire_text(source, as ? as->source_len : b->source_len),
    .params = wire_text(params, strlen(params)), .state = wire_text(b->state.data, b->state.len), .memory = wire_text(b->memory.data, b->memory.len), .from = wire_text(from, strlen(from)), .version_ns = began ? b->version_ns : 0, .version_history = began ? b->version_history : 0,
    .seed = (uint64_t)b->row.seed, .resume = b->told_run ? b->resumes : 0, .seen_ns = b->told_run ? b->seen_ns : 0, .restore_count = (uint32_t)b->past_commands, .warm_from_ns = b->warm_from_ns,
    .run_from_ns = b->run_from_ns, .live_from_ns = b->live_from_ns, .match = b->setup->match, .risk = b->setup->risk, .limits = b->setup->vm, .tenant_memory_bytes = b->grant.memory_bytes, .tenant_cpu_ns = b->grant.cpu_ns,
    .tenant_quick = fleet_pace(b->live->fleet, b->tenant_id).quick,
    .stream_count = b->plan->stream_count, .symbol_count = b->plan->symbol_count};
  size_t books_len = 0;
  const void *books = image->len ? clerk_image_books(image->data, image->len, &books_len) : NULL;
  if (books) o.books_ns = b->base.time_ns, o.books_bytes = (uint32_t)books_len;
  for (int i = 0; i < b->plan->stream_count; i++) o.streams[i] = (struct wire_stream){.series = b->series[i]->hub, .history = f->history[i], .symbol = b->plan->streams[i].symbol_ix};
  for (int k = 0; k < b->plan->symbol_count; k++)
    o.symbols[k] = (struct wire_symbol){.series = b->series[b->plan->symbols[k].exec]->hub, .history = f->history[b->plan->symbols[k].exec], .fees = b->setup->fees, .costs = b->setup->costs,
      .leverage_e4 = b->setup->leverage_e4, .maintenance_frac_e8 = b->setup->maintenance_frac_e8};
  if (as) o.bot |= (uint64_t)LIVE_SHADOW, o.tenant |= (uint64_t)LIVE_SHADOW, o.resume = b->resumes + 1, o.seen_ns = 0, o.live_from_ns = f->through_ns;
  wire_put_bot_open(out, &o);
  if (books) wire_put_books(out, o.bot, books, books_len);
}

// The whole beginning: what it is, and its books as an image has them; an image that cannot be read is not missed.
static enum status put_begin(struct live_bot *b, const struct live_script *as, const struct fleet_open *f, struct buf *out, struct err *err) {
  struct buf image;
  buf_init(&image, CLERK_IMAGE_MAX);
  const enum status st = live_base_body(b, &image, err);
  if (st == OK) put_open(b, as, f, &image, out);
  buf_finish(&image);
  return st;
}

enum fleet_step live_open_put(struct live_bot *b, const struct live_script *as, struct fleet_open *f, struct buf *out) {
  struct err err;
  bool all;
  enum status st = f->cursor == 0 ? put_begin(b, as, f, out, &err) : OK;
  if (st == OK) st = live_past_put(b, (uint64_t)f->bot, &f->cursor, out, &all, &err);
  b->telling = st == OK && !all;
  if (st == OK) return all ? FLEET_LAST : FLEET_MORE;
  b->live->config.log(b->live->config.self, "error", "bot_past", json_pack("{s:s, s:s}", "bot", b->channel + 4, "error", err.msg));
  return FLEET_NOT;
}

// Settings are told when the run begins, and when it goes on with others.
static void put_settings(struct live_bot *b, struct record *r, const char *settings) {
  struct record whole = *r;
  if (settings) whole.settings = record_text(settings, strlen(settings));
  if (b->of_account) whole.account = record_text(b->of_account, strlen(b->of_account));
  const uint64_t hash = live_settings_hash(&whole);
  if (!b->told_run || hash != b->told_settings) *r = whole;
  b->told_settings = hash;
}

static void put_script(const struct live_bot *b, struct record *r) {
  size_t len;
  r->script_id = b->row.script_id;
  r->version = b->version;
  const enum status st = hex_decode(b->sha256, strlen(b->sha256), r->source_sha256, sizeof r->source_sha256, &len);
  assert(st == OK);
  r->params = record_text(b->params, strlen(b->params));
}

static void journal_opening(struct live_bot *b) {
  struct record r;
  char *settings = settings_of(b);
  if (b->told_run && b->version_before) live_script_said(b, b->live_from_ns, b->version_before, 0, NULL);
  b->version_before = 0;
  b->mend = false;
  if (!b->state_version) b->state_version = b->version;
  record_init(&r, b->told_run ? RECORD_RESUME : RECORD_RUN, b->live_from_ns);
  r.resumes = b->told_run ? b->resumes : 0;
  r.live_from_ns = b->live_from_ns;
  r.engine = record_text(b->live->config.version, strlen(b->live->config.version));
  r.state = record_text(b->state.data, b->state.len);
  if (b->told_run) {
    b->unheard = true;
    r.seen_ns = b->seen_ns;
    r.memory = record_text(b->memory.data, b->memory.len);
  } else {
    r.seed = (uint64_t)b->row.seed;
    for (int i = 0; i < b->series_count; i++) r.series[i] = b->series[i]->journal;
    r.series_count = (uint32_t)b->series_count;
    put_script(b, &r);
  }
  put_settings(b, &r, settings);
  live_record(b, &r, true, !b->told_run, false);
  if (!b->told_run) live_money_entry(b, ACCOUNT_MOVE_ALLOT, b->setup->match.deposit);
  free(settings);
  b->told_run = true;
  live_hand_over(b->live, b->place);
}

static enum fleet_step bot_open(void *self, struct fleet_open *f, struct buf *out) {
  if (f->bot & LIVE_SHADOW) return live_shadow_open(self, f, out);
  struct live_bot *b = live_find(self, f->bot);
  if (!b || !b->clerk || b->life.state == LIFE_STOPPING) return FLEET_NOT;
  if (f->cursor == 0) {
    b->place = f->host;
    if (b->told_run) b->resumes++;
    else b->run_from_ns = f->through_ns;
    // A market that goes on from its last recorded bar may be a little behind the time at which the run began.
    b->live_from_ns = f->through_ns > b->run_from_ns ? f->through_ns : b->run_from_ns;
    for (int k = 0; !b->told_run && k < b->plan->symbol_count; k++) live_mark(b, k);
  }
  const enum fleet_step step = live_open_put(b, NULL, f, out);
  b->half_told = step == FLEET_MORE;
  if (step != FLEET_LAST) return step;
  live_past_shelve(b);
  journal_opening(b);
  return FLEET_LAST;
}

static void bot_opened(void *self, int host, int64_t id) {
  struct live_bot *b = live_find(self, id), *shadowed = live_shadow_find(self, id);
  (void)host;
  if (shadowed) live_shadow_opened(shadowed);
  if (!b) return;
  b->opened = true;
  b->turns = 0;
  b->digest[0] = '\0';
  if (b->limits_due) live_limits_tell(b);
  live_reload_left(b);
  // What began before goes on at once, and who hears more than bars begins at once. Who hears bars alone begins with one.
  if (b->resumes > 0 || (b->callbacks & (1u << ON_TIMER | 1u << ON_SIGNAL | 1u << ON_TICK))) live_clock_soon(b);
  if (b->soon_ns != INT64_MAX) b->soon_ns = INT64_MAX, live_clock_soon(b);  // a time that went by while it was not open would not come again
  live_clock_update(b);
  live_news_due(b);
  live_signals_read(b);
  live_ticks_opened(b);
  live_event(b, LIFE_OPENED, NULL);
  live_reload_look(b);
  if (live_rules_halted(b)) live_follow(b);
  live_shadow_look(b);
}

static int64_t record_time(const struct live_bot *b) { return b->instant_ns > b->run_from_ns ? b->instant_ns : b->run_from_ns; }

// Its script is silent from here on, though its run goes on. A run's end has a record of its own (live_bot.c).
static void journal_leaving(struct live_bot *b) {
  static const struct { enum record_stop stop; bool told; } whys[LIFE_STATE_COUNT] = {
    [LIFE_STARTING] = {RECORD_STOP_MOVED, true}, [LIFE_RUNNING] = {RECORD_STOP_MOVED, true}, [LIFE_HALTED] = {RECORD_STOP_MOVED, true}, [LIFE_PAUSED] = {RECORD_STOP_PAUSED, true},
    [LIFE_RETRYING] = {RECORD_STOP_FAILED, true}, [LIFE_QUARANTINED] = {RECORD_STOP_FAILED, true}, [LIFE_DEAD] = {RECORD_STOP_FAILED, true},
    [LIFE_RETIRED] = {RECORD_STOP_FAILED, true}};
  struct record r;
  if (!b->clerk || !b->told_run || !whys[b->life.state].told) return;
  record_init(&r, RECORD_STOP, record_time(b));
  r.stop = whys[b->life.state].stop;
  r.code = record_text(life_reason_code(b->life.reason), strlen(life_reason_code(b->life.reason)));
  r.seen_ns = b->seen_ns;
  if (r.stop == RECORD_STOP_FAILED) r.why = record_text(live_fault(b), strlen(live_fault(b)));
  live_record(b, &r, true, false, false);
}

// The fleet has taken it off its host by itself.
void live_left_host(struct live_bot *b) {
  struct err err;
  const bool opened = b->opened;
  b->opened = b->half_told = b->telling = false;  // its script has not seen, or not answered, the instant that ends here
  if (b->busy) live_bot_end(b);
  if (opened) journal_leaving(b);
  live_reload_left(b);
  live_shadow_left(b);
  live_hand_over(b->live, b->place);
  b->place = LIVE_HOSTLESS;
  if (b->clerk && live_catch_up(b, &err) != OK) b->live->config.log(b->live->config.self, "error", "bot_behind", json_pack("{s:s, s:s}", "bot", b->channel + 4, "error", err.msg));
  live_hand_over(b->live, LIVE_HOSTLESS);
}

static void bot_refused(void *self, int64_t id, const char *why) {
  struct live_bot *b = live_find(self, id), *shadowed = live_shadow_find(self, id);
  if (shadowed) live_shadow_refused(shadowed, why);
  if (!b) return;
  b->base_refused = true;  // whatever it was: the next try reads its whole run
  live_left_host(b);
  if (b->life.state == LIFE_STOPPING) live_act(b);
  else live_event(b, LIFE_NO_DATA, why);
}

static void bot_quarantined(void *self, int64_t id, const char *why) {
  struct live_bot *b = live_find(self, id), *shadowed = live_shadow_find(self, id);
  if (shadowed) live_shadow_refused(shadowed, why);
  if (!b) return;
  if (live_reload_suspect(b, why)) {  // what it runs has done nothing
    live_left_host(b);
    live_event(b, LIFE_HOST_LOST, why);
    return;
  }
  if (b->clerk && b->told_run) {
    struct record r;
    live_commands_flush(b);
    record_init(&r, RECORD_QUARANTINE, record_time(b));
    r.status = ERR_SCRIPT;
    r.strikes = (uint32_t)b->life.strikes;
    r.code = record_text("broke_host", strlen("broke_host"));
    r.why = record_text(why, strnlen(why, RECORD_TEXT_MAX));
    live_record(b, &r, true, false, false);
  }
  live_left_host(b);
  if (b->life.state != LIFE_STOPPING) {
    live_event(b, LIFE_BROKE_HOST, why);
    return;
  }
  b->broke = true;  // told when its run has ended
  live_fault_set(b, why, strlen(why));
  live_act(b);
}

const struct fleet_callbacks live_fleet_opening = {.venue_time = venue_time, .series = series, .history = history, .bot_open = bot_open, .bot_opened = bot_opened,
  .bot_refused = bot_refused, .bot_quarantined = bot_quarantined};

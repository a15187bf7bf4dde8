// bot/live_reload.c – another version of a bot's script, or other parameters, while it runs.
//
//     a row or the active version changes → live_reload_look → RELOAD to the host, which builds it aside ─► REFUSED: the owner is told why
//                                                                                                   └─► BUILT, and in the next instant
//     TAKEN: VERSION to the journal, before what the new version asks for in that instant ◄──────────────┘ or FAILED: as REFUSED
//
// Parameters that no indicator is made of go to the script that runs (on_params), with a PARAMS record. Books, orders and account have
// no part in any of it. Until TAKEN the former runs on, and after anything else too; what was refused is not tried again until the
// wish is another.
#include "bot/live_impl.h"
#include "bot/pilot.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUILDING_MAX 64                // versions that one host is sent before it has built them: other bots' instants go between
#define NAME_SIZE 24

static struct live_reload *reload_of(struct live_bot *b) {
  if (!b->reload) b->reload = calloc(1, sizeof *b->reload);
  return b->reload;
}

// ---- the queue of what a host is still to be sent

static void enqueue(struct live_bot *b) {
  struct live_host *h = &b->live->hosts[b->place];
  b->reload->stage = STAGE_QUEUED;
  b->reload->place = b->place;
  b->reload->next = NULL;
  if (h->reload_last) h->reload_last->reload->next = b;
  else h->reload_first = b;
  h->reload_last = b;
}

static void unlink_queued(struct live_bot *b) {
  struct live_host *h = &b->live->hosts[b->reload->place];
  struct live_bot *before = NULL;
  for (struct live_bot *x = h->reload_first; x != b; x = x->reload->next) before = x;
  if (before) before->reload->next = b->reload->next;
  else h->reload_first = b->reload->next;
  if (h->reload_last == b) h->reload_last = before;
}

static void send(struct live_bot *b) {
  struct live_reload *r = b->reload;
  char name[NAME_SIZE], from[NAME_SIZE] = "";
  snprintf(name, sizeof name, "v%u.lua", r->script.version);
  if (r->script.version != b->version) snprintf(from, sizeof from, "%u", b->version);
  const struct wire_reload w = {.bot = (uint64_t)b->id, .version = r->script.version, .history = r->history, .limits = b->setup->vm,
    .seed = pilot_version_seed((uint64_t)b->row.seed, b->resumes, r->script.version), .chunkname = wire_text(name, strlen(name)),
    .source = wire_text(r->script.source, r->script.source_len), .params = wire_text(r->script.params, strlen(r->script.params)), .from = wire_text(from, strlen(from))};
  struct buf frame;
  buf_init(&frame, 256 * 1024);
  wire_put_reload(&frame, &w);
  if (!frame.failed && fleet_send(b->live->fleet, b->id, &frame)) {
    r->stage = STAGE_SENT;
    r->place = b->place;
    b->live->hosts[b->place].building++;
  } else {
    live_script_finish(&r->script);  // not open now: it is looked at again when it is
  }
  buf_finish(&frame);
}

static void pump(struct live *l, int place) {
  struct live_host *h = &l->hosts[place];
  while (h->reload_first && h->building < BUILDING_MAX) {
    struct live_bot *b = h->reload_first;
    unlink_queued(b);
    b->reload->stage = STAGE_NONE;
    send(b);
  }
}

// It is not being built any more, or never was.
static void rest(struct live_bot *b, enum live_stage stage) {
  struct live_reload *r = b->reload;
  const enum live_stage was = r->stage;
  const int place = r->place;
  if (was == STAGE_QUEUED) unlink_queued(b);
  r->stage = stage;
  if (was == STAGE_SENT) {
    b->live->hosts[place].building--;
    pump(b->live, place);
  }
}

void live_reload_left(struct live_bot *b) {
  if (!b->reload) return;
  rest(b, STAGE_NONE);
  live_script_finish(&b->reload->script);
}

void live_reload_free(struct live_bot *b) {
  if (!b->reload) return;
  live_reload_left(b);
  free(b->reload->refused_params);
  free(b->reload);
  b->reload = NULL;
}

// ---- what it comes to

static void news(struct live_bot *b, uint32_t version, uint32_t before, bool ok, const char *detail) {
  live_news(b, "reload", json_pack("{s:I, s:I, s:b, s:s}", "version", (json_int_t)version, "version_before", (json_int_t)before, "ok", ok, "detail", detail));
}

// Its owner is told, and it goes on as it is.
static void turn_down(struct live_bot *b, uint32_t version, const char *params, const char *why) {
  struct live_reload *r = b->reload;
  const bool alone = !b->busy && !b->live->hosts[b->place].batch;
  char line[RECORD_TEXT_MAX];
  free(r->refused_params);
  r->refused_version = version;
  r->refused_params = strdup(params);
  snprintf(r->why, sizeof r->why, "%s", why);
  live_plain(r->why, strlen(r->why));
  if (version != b->version) snprintf(line, sizeof line, "version %u was refused, version %u goes on: %.900s", version, b->version, r->why);
  else snprintf(line, sizeof line, "the new parameters were refused, it goes on with those it has: %.900s", r->why);
  live_log(b, b->instant_ns, LOG_ERROR, line, strlen(line));
  news(b, version, b->version, false, r->why);
  live_said(b, line);
  live_canary_error(b, version, r->why);
  if (alone) live_hand_over(b->live, b->place);  // else with the instant that is under way
}

static void accepted(struct live_bot *b, uint32_t before) {
  struct live_reload *r = b->reload;
  char line[120];
  if (before != b->version) snprintf(line, sizeof line, "version %u took over from version %u", b->version, before);
  else snprintf(line, sizeof line, "it has other parameters now");
  live_log(b, b->instant_ns, LOG_INFO, line, strlen(line));
  news(b, b->version, before, true, line);
  if (r->refused_version) live_said(b, "");
  r->refused_version = 0;
  r->why[0] = '\0';
}

static void taken(struct live_bot *b, uint32_t callbacks) {
  struct live_reload *r = b->reload;
  const uint32_t before = b->version;
  live_commands_flush(b);  // what was decided without it
  const bool set = live_script_set(b, &r->script);
  assert(set);  // some KiB at most, and the host runs it: as the matcher's orders
  b->version_ns = b->instant_ns;
  b->version_history = r->history;
  b->callbacks = callbacks;
  live_ticks_opened(b);
  rest(b, STAGE_NONE);
  live_script_said(b, b->instant_ns, before, r->history, NULL);
  accepted(b, before);
  live_canary_joined(b);
}

static void params_taken(struct live_bot *b) {
  struct live_reload *r = b->reload;
  struct record rec;
  live_commands_flush(b);
  const bool set = live_text_set(b, &b->params, r->script.params, strlen(r->script.params));
  assert(set);  // as in taken()
  record_init(&rec, RECORD_PARAMS, b->instant_ns);
  rec.params = record_text(b->params, strlen(b->params));
  live_record(b, &rec, true, false, false);
  rest(b, STAGE_NONE);
  live_script_finish(&r->script);
  accepted(b, b->version);
}

static void refused(struct live_bot *b, const char *why) {
  struct live_reload *r = b->reload;
  struct live_script script = r->script;
  r->script = (struct live_script){0};
  rest(b, STAGE_NONE);
  turn_down(b, script.version, script.params, why);
  live_script_finish(&script);
}

bool live_reload_suspect(struct live_bot *b, const char *why) {
  if (!b->reload || b->reload->stage != STAGE_SENT) return false;
  char text[RECORD_TEXT_MAX];
  snprintf(text, sizeof text, "the process that built it hung or ended: %.900s", why);
  refused(b, text);
  return true;
}

void live_reload_answer(struct live_bot *b, const struct wire_frame *f) {
  struct live_reload *r = b->reload;
  char why[WIRE_TEXT_MAX + 1];
  snprintf(why, sizeof why, "%.*s", (int)f->text_len, f->text);
  // Of one that was given up meanwhile.
  if (!r || r->stage == STAGE_NONE || r->stage == STAGE_QUEUED || (f->type == WIRE_RELOADED) == (r->stage == STAGE_PARAMS)) return;
  if (f->type == WIRE_ANSWER) {
    if (f->status == OK) params_taken(b);
    else refused(b, why);
  } else if (f->version != r->script.version) {
    return;
  } else if (f->stage == RELOAD_BUILT) {
    rest(b, STAGE_BUILT);
    return;
  } else if (f->status == ERR_CANCELLED) {
    live_reload_left(b);
  } else if (f->stage == RELOAD_TAKEN && r->stage == STAGE_BUILT) {
    taken(b, f->callbacks);
  } else {
    if (f->stage == RELOAD_FAILED) {  // it may have taken order ids: a replay must try it too
      live_commands_flush(b);
      live_script_said(b, b->instant_ns, b->version, r->history, why);
    }
    refused(b, why);
  }
  live_reload_look(b);  // the wish may be another by now
}

void live_reload_status(const struct live_bot *b, struct live_status *ret) {
  static const char *const texts[] = {[STAGE_NONE] = "", [STAGE_QUEUED] = "queued", [STAGE_SENT] = "building", [STAGE_BUILT] = "built", [STAGE_PARAMS] = "params"};
  const struct live_reload *r = b->reload;
  ret->version = b->version;
  ret->reload = r ? texts[r->stage] : "";
  ret->reload_version = r ? r->script.version : 0;
  ret->reload_why = "";
  if (!r || r->stage != STAGE_NONE || !r->refused_version) return;
  ret->reload = "refused";
  ret->reload_version = r->refused_version;
  ret->reload_why = r->why;
}

// ---- what its row wishes

// A run's series, and how it books, are what its records and orders mean: another is another run. ERR_INVALID: what is different, and what to do.
static enum status same_streams(const struct bot_plan *a, const struct bot_plan *b, struct err *err) {
  static const char todo[] = "stop the bot and start it again: its next run begins with it (ctx.state and positions do not go with it)";
  if (a->hedging != b->hedging) return err_set(err, ERR_INVALID, "it books in %s mode and this run in %s: %s", b->hedging ? "hedging" : "netting", a->hedging ? "hedging" : "netting", todo);
  for (int i = 0; i < a->stream_count || i < b->stream_count; i++) {
    const struct plan_stream *s = &a->streams[i], *t = &b->streams[i];
    char was[TIMEFRAME_TEXT_MAX], is[TIMEFRAME_TEXT_MAX];
    if (i >= a->stream_count) return err_set(err, ERR_INVALID, "it reads %s %s as \"%s\", which this run does not: %s", t->symbol, timeframe_text(t->timeframe_ns, is), t->name, todo);
    if (i >= b->stream_count) return err_set(err, ERR_INVALID, "it does not read %s %s as \"%s\", as this run does: %s", s->symbol, timeframe_text(s->timeframe_ns, was), s->name, todo);
    if (strcmp(s->name, t->name) == 0 && strcmp(s->symbol, t->symbol) == 0 && s->timeframe_ns == t->timeframe_ns) continue;
    return err_set(err, ERR_INVALID, "it reads %s %s as \"%s\" where this run reads %s %s as \"%s\": %s", t->symbol, timeframe_text(t->timeframe_ns, is), t->name, s->symbol,
                   timeframe_text(s->timeframe_ns, was), s->name, todo);
  }
  return OK;
}

// Is an indicator made of a parameter that is another now?
static bool rebuilds(const json_t *header, const char *was, const char *is) {
  json_t *a = json_loads(was, 0, NULL), *b = json_loads(is, 0, NULL), *use, *arg;
  const char *name;
  size_t i;
  bool found = !a || !b;
  json_object_foreach(json_object_get(header, "ind"), name, use) {
    json_array_foreach(json_object_get(use, "args"), i, arg) {
      const char *param = json_string_value(arg);
      const json_t *x = param ? json_object_get(a, param) : NULL, *y = param ? json_object_get(b, param) : NULL;
      if (param && !(x && y ? json_equal(x, y) : x == y)) found = true;
    }
  }
  json_decref(a);
  json_decref(b);
  return found;
}

static void send_params(struct live_bot *b) {
  struct live_reload *r = b->reload;
  struct buf frame;
  buf_init(&frame, 256 * 1024);
  wire_put_params(&frame, (uint64_t)b->id, b->instant_ns, wire_text(r->script.params, strlen(r->script.params)), wire_text(b->source, b->source_len));
  rest(b, STAGE_PARAMS);
  if (frame.failed || !fleet_send(b->live->fleet, b->id, &frame)) live_reload_left(b);
  buf_finish(&frame);
}

// Of the bot with another header, or other parameters. The caller frees it.
static enum status plan_of(const struct live_bot *b, const json_t *header, const json_t *changed, struct bot_plan **ret, struct err *err) {
  json_t *params = json_loads(b->row.params, 0, NULL);
  int64_t timeframe_ns = 0;
  *ret = malloc(sizeof **ret);
  if (changed) json_object_update(params, (json_t *)changed);
  enum status st = params && *ret && timeframe_parse(b->row.timeframe, &timeframe_ns) ? OK : err_set(err, ERR_INVALID, "the bot's settings cannot be read");
  if (st == OK) st = plan_make(header, params, b->row.symbol, timeframe_ns, *ret, err);
  json_decref(params);
  return st;
}

enum status live_script_fits(const struct live_bot *b, const json_t *header, uint32_t *ret_history, struct err *err) {
  struct bot_plan *plan;
  enum status st = plan_of(b, header, NULL, &plan, err);
  if (st == OK) st = same_streams(b->plan, plan, err);
  if (st == OK) *ret_history = (uint32_t)(plan->history_bars < b->plan->history_bars ? plan->history_bars : b->plan->history_bars);
  free(plan);
  return st;
}

enum status live_version_fits(struct live *l, int64_t bot_id, int64_t version, const json_t *changed, struct err *err) {
  const struct live_bot *b = live_find(l, bot_id);
  struct live_script script;
  struct bot_plan *plan;
  json_t *header;
  if (!b || !b->has_row || !b->clerk || (version == b->version && !changed)) return OK;
  if (live_script_read(b, version ? version : b->version, &script, &header, err) != OK) return OK;  // who writes the row says so
  enum status st = plan_of(b, header, changed, &plan, err);
  if (st == OK) st = same_streams(b->plan, plan, err);
  else if (changed) st = OK;                                                                        // also that a parameter is wrong
  free(plan);
  live_script_finish(&script);
  json_decref(header);
  return st;
}

void live_reload_look(struct live_bot *b) {
  struct err err;
  if (!b->has_row || !b->clerk || !b->opened || b->life.state != LIFE_RUNNING || b->live->closing) return;
  const int64_t wished = live_version_wished(b);
  const char *params = b->row.params;
  if (wished == 0) return;  // nothing is active any more: what runs goes on
  if (wished == b->version && strcmp(params, b->params) == 0) {
    if (b->reload && b->reload->stage == STAGE_QUEUED) live_reload_left(b);
    return;  // one that is being built takes over, and is looked at then
  }
  struct live_reload *r = reload_of(b);
  if (!r || (r->stage != STAGE_NONE && r->stage != STAGE_QUEUED)) return;
  if (r->stage == STAGE_QUEUED && r->script.version == wished && strcmp(r->script.params, params) == 0) return;
  live_reload_left(b);
  if (r->refused_version == wished && r->refused_params && strcmp(r->refused_params, params) == 0) return;
  json_t *header;
  enum status st = live_script_read(b, wished, &r->script, &header, &err);
  if (st == OK && !(r->script.params = strdup(params))) st = err_set(&err, ERR_NOMEM, "no memory for a version");
  if (st == OK) st = live_script_fits(b, header, &r->history, &err);
  if (st != OK) {
    live_script_finish(&r->script);
    turn_down(b, (uint32_t)wished, params, err.msg);
  } else if (wished == b->version && !rebuilds(header, b->params, params)) {
    send_params(b);
  } else {
    enqueue(b);
    pump(b->live, b->place);
  }
  json_decref(header);
}

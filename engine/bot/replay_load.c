// bot/replay_load.c – see replay_load.h. What a run was begun with is in its first record, what it went on with in those that follow.
#include "bot/replay_load.h"

#include "bot/replay_made.h"
#include "bot/replay_pack.h"
#include "market/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- the pack

static enum status take_head(struct replay_loaded *r, const char *body, size_t len, struct err *err) {
  r->head = json_loadb(body, len, 0, NULL);
  const char *symbol = json_string_value(json_object_get(r->head, "symbol"));
  char *account = r->head ? json_dumps(json_object_get(r->head, "account"), JSON_COMPACT) : NULL;
  if (!symbol || !account) {
    free(account);
    return err_set(err, ERR_INVALID, "what was gathered of the run has no head");
  }
  snprintf(r->market.symbol, sizeof r->market.symbol, "%s", symbol);
  r->market.timeframe_ns = json_integer_value(json_object_get(r->head, "timeframe_ns"));
  r->to_ns = json_integer_value(json_object_get(r->head, "to_ns"));
  r->last_ns = json_integer_value(json_object_get(r->head, "newest_ns"));  // its own record may be behind the end, and not gathered
  r->account = account;
  return OK;
}

static enum status take_code(struct replay_loaded *r, const struct replay_section *s, const char *body, struct err *err) {
  struct replay_code *c = replay_code_of(r, (uint32_t)s->number);
  if (!c) {
    if (r->code_count == REPLAY_VERSIONS_MAX + 1) return err_set(err, ERR_LIMIT, "too many versions of the script");
    c = &r->codes[r->code_count++];
    c->version = (uint32_t)s->number;
    snprintf(c->chunkname, sizeof c->chunkname, "v%u.lua", c->version);
  }
  if (s->type == REPLAY_HEADER) {
    json_decref(c->header);
    c->header = json_loadb(body, s->len, 0, NULL);
    return c->header ? OK : err_set(err, ERR_INVALID, "version %u of the script was never described: upload it again", c->version);
  }
  free(c->source);
  c->source = malloc(s->len + 1);
  if (!c->source) return replay_no_memory(err);
  memcpy(c->source, body, s->len);
  c->source[s->len] = '\0';
  c->source_len = s->len;
  return OK;
}

static enum status take_series(struct replay_loaded *r, const struct replay_section *s, const char *body, struct err *err) {
  if (s->kind != r->market.stream_count || s->kind >= SPEC_STREAMS_MAX) return err_set(err, ERR_INVALID, "what was gathered of the run is not whole");
  struct series *series = &r->market.series[r->market.stream_count];
  enum status st = series_unpack(body, s->len, series, err);
  if (st != OK) return err_wrap(err, st, "the run's bars");
  r->market.streams[r->market.stream_count++] = series;
  return OK;
}

static enum status take_state(struct replay_loaded *r, const struct replay_section *s, const char *body) {
  if (s->len < sizeof r->seen_ns) return OK;
  memcpy(&r->seen_ns, body, sizeof r->seen_ns);
  if (s->number > r->last_ns) r->last_ns = s->number;
  return OK;
}

static enum status take_section(struct replay_loaded *r, const struct replay_section *s, const char *body, bool records, struct err *err) {
  if ((s->type == REPLAY_RECORD) != records) return OK;
  switch (s->type) {
    case REPLAY_HEAD: return take_head(r, body, s->len, err);
    case REPLAY_HEADER:
    case REPLAY_SOURCE: return take_code(r, s, body, err);
    case REPLAY_SERIES: return take_series(r, s, body, err);
    case REPLAY_STATE: return take_state(r, s, body);
    case REPLAY_RECORD: return replay_record_take(r, s, body, err);
    default: return err_set(err, ERR_INVALID, "what was gathered of the run is damaged");
  }
}

// Records last: they need the rest.
static enum status take_all(struct replay_loaded *r, const char *pack, size_t len, bool records, struct err *err) {
  const size_t word = sizeof REPLAY_PACK_WORD - 1;
  if (len < word || memcmp(pack, REPLAY_PACK_WORD, word) != 0) return err_set(err, ERR_INVALID, "what was gathered of the run is none");
  enum status st = OK;
  for (size_t at = word; st == OK && at < len;) {
    struct replay_section s;
    if (len - at < sizeof s) return err_set(err, ERR_INVALID, "what was gathered of the run ends too early");
    memcpy(&s, pack + at, sizeof s);
    at += sizeof s;
    if (s.len > len - at) return err_set(err, ERR_INVALID, "what was gathered of the run ends too early");
    st = take_section(r, &s, pack + at, records, err);
    at += s.len;
  }
  return st;
}

// How far it goes. What comes after the end that was asked for is dropped. Then the end: what the books did without the script, up to the
// last instant, by the same way as a restart.
static enum status add_end(struct replay_loaded *r, struct err *err) {
  const struct series *main = &r->market.series[0];
  // Of an older run only its last stop tells until when its script saw everything.
  int64_t last_ns = r->last_ns, seen_ns = r->seen_ns ? r->seen_ns : r->stop_seen_ns ? r->stop_seen_ns : r->run_from_ns;
  if (main->count && main->bars[main->count - 1].open_ns + main->timeframe_ns > last_ns) last_ns = main->bars[main->count - 1].open_ns + main->timeframe_ns;
  if (r->end_ns) last_ns = r->end_ns;
  if (r->to_ns > last_ns) r->to_ns = last_ns;
  size_t count = 0;
  for (size_t i = r->event_count; i-- > 0;)
    if (r->events[i].kind == REPLAY_RESUME && r->events[i].live_from_ns > r->to_ns) seen_ns = r->events[i].seen_ns;
  for (size_t i = 0; i < r->event_count; i++) {
    const struct replay_event *e = &r->events[i];
    if ((e->kind == REPLAY_RESUME ? e->live_from_ns : e->time_ns) > r->to_ns) continue;
    r->event_made[count] = r->event_made[i];
    r->events[count++] = *e;
  }
  r->event_count = count;
  struct replay_event *end;
  enum status st = replay_event_add(r, REPLAY_RESUME, r->to_ns, &end, err);
  if (st != OK) return st;
  end->resume = 1;
  end->live_from_ns = r->to_ns;
  end->seen_ns = r->seen_ns = seen_ns < r->to_ns ? seen_ns : r->to_ns;
  return OK;
}

static void fix_pointers(struct replay_loaded *r) {
  for (size_t i = 0; i < r->event_count; i++) {
    struct replay_event *e = &r->events[i];
    e->state = replay_bytes_found(r, e->state);
    e->memory = replay_bytes_found(r, e->memory);
    e->migrate_from = replay_bytes_found(r, e->migrate_from);
    e->why = replay_bytes_found(r, e->why);
    const char **texts[] = {&e->signal.id, &e->signal.source, &e->signal.key, &e->signal.symbol, &e->signal.action, &e->signal.raw};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) *texts[k] = replay_bytes_found(r, *texts[k]);
  }
}

enum status replay_load(const void *pack, size_t len, struct replay_loaded **ret, struct err *err) {
  struct replay_loaded *r = calloc(1, sizeof *r);
  if (!r) return err_set(err, ERR_NOMEM, "no memory for a replay");
  buf_init(&r->bytes, 256u << 20);
  r->run_from_ns = INT64_MIN;
  r->to_ns = INT64_MAX;
  r->params = strdup("{}");
  r->settings = strdup("{}");
  enum status st = r->params && r->settings ? take_all(r, pack, len, false, err) : replay_no_memory(err);
  if (st == OK && (!r->head || r->market.stream_count == 0)) st = err_set(err, ERR_INVALID, "what was gathered of the run is not whole");
  if (st == OK) st = take_all(r, pack, len, true, err);
  if (st == OK && r->run_from_ns == INT64_MIN) st = err_set(err, ERR_INVALID, "the run has no records");
  if (st == OK) st = add_end(r, err);
  if (st == OK && r->bytes.failed) st = replay_no_memory(err);
  if (st == OK) {
    fix_pointers(r);
    *ret = r;
  } else {
    replay_loaded_destroy(r);
  }
  return st;
}

void replay_loaded_destroy(struct replay_loaded *r) {
  if (!r) return;
  for (size_t i = 0; i < r->made_count; i++) replay_made_destroy(r->made[i]);
  for (int i = 0; i < r->code_count; i++) {
    json_decref(r->codes[i].header);
    free(r->codes[i].source);
    free(r->codes[i].spec);
  }
  for (int i = 0; i < SPEC_STREAMS_MAX; i++) series_finish(&r->market.series[i]);
  json_decref(r->head);
  buf_finish(&r->bytes);
  free(r->made);
  free(r->stands);
  free(r->params);
  free(r->settings);
  free(r->account);
  free(r->events);
  free(r->event_made);
  free(r);
}

// ---- in the jail

enum status replay_loaded_open(struct replay_loaded *r, struct watchdog *watchdog, struct replay_config *ret, struct err *err) {
  enum status st = OK;
  r->watchdog = watchdog;
  for (size_t i = 0; st == OK && i < r->made_count; i++) st = replay_made_open(r->made[i], &r->market, watchdog, err);
  if (st != OK) return st;
  for (size_t i = 0; i < r->event_count; i++) {
    if (!r->event_made[i]) continue;
    if (r->events[i].kind == REPLAY_PARAMS) r->events[i].params = r->event_made[i]->values;
    r->events[i].pilot = &r->event_made[i]->pilot;
  }
  const struct bot_plan *plan = &r->made[0]->plan;
  for (int k = 0; k < plan->symbol_count; k++) r->finest[k] = &r->market.series[plan->symbols[k].exec];
  *ret = (struct replay_config){.pilot = r->made[0]->pilot, .finest = r->finest, .run_from_ns = r->run_from_ns, .until_ns = r->to_ns, .events = r->events, .event_count = r->event_count};
  return OK;
}

struct replay_config replay_loaded_seen(const struct replay_loaded *r, const struct replay_config *config) {
  struct replay_config c = *config;
  c.event_count = r->event_count - 1;
  if (c.until_ns > r->seen_ns) c.until_ns = r->seen_ns;
  c.explain_ns = 0;
  c.explain_difference = false;
  return c;
}

static const struct replay_made *made_at(const struct replay_loaded *r, int64_t at_ns) {
  size_t i = r->stand_count;
  while (i > 1 && r->stands[i - 1].time_ns > at_ns) i--;
  return r->stands[i - 1].made;
}

static bool values_same(const struct script_spec *spec, const struct param_value *a, const struct param_value *b, bool *ret_live_only) {
  bool same = true;
  *ret_live_only = true;
  for (int i = 0; i < spec->param_count; i++) {
    if (a[i].num == b[i].num && strcmp(a[i].text, b[i].text) == 0) continue;
    same = false;
    *ret_live_only &= spec->params[i].live;
  }
  return same;
}

static enum status merged(const struct replay_made *was, const json_t *params, char **ret, struct err *err) {
  json_t *all = json_loads(was->params, 0, NULL);
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)params, key, value) json_object_set(all, key, value);
  *ret = all ? json_dumps(all, JSON_COMPACT) : NULL;
  json_decref(all);
  return *ret ? OK : replay_no_memory(err);
}

enum status replay_loaded_fork(struct replay_loaded *r, int64_t at_ns, const json_t *params, uint32_t version, struct replay_fork *ret, struct err *err) {
  const struct replay_made *was = made_at(r, at_ns);
  struct replay_code *code = version ? replay_code_of(r, version) : was->code;
  struct replay_made *made = NULL;
  char *text = NULL;
  bool live_only = false;
  *ret = (struct replay_fork){.at_ns = at_ns};
  if (!code) return err_set(err, ERR_NOTFOUND, "version %u of the script was not gathered", version);
  enum status st = merged(was, params, &text, err);
  const size_t before = r->made_count;
  if (st == OK) st = replay_made_of(r, code, text, was->settings, was->account, &made, err);
  if (st == OK && r->made_count > before) st = replay_made_open(made, &r->market, r->watchdog, err);
  free(text);
  if (st != OK) return st;
  if (code == was->code && values_same(code->spec, was->values, made->values, &live_only)) return OK;  // nothing is another
  ret->pilot = &made->pilot;
  ret->version = code->version;
  ret->history = (uint32_t)made->plan.history_bars;
  if (code == was->code && live_only) ret->params = made->values;
  if (code != was->code) {
    snprintf(r->from_text, sizeof r->from_text, "%u", was->code->version);
    ret->migrate_from = r->from_text;
  }
  return OK;
}

const char *replay_loaded_hash(const struct replay_loaded *r) { return r->end_hash[0] && r->to_ns == r->end_ns ? r->end_hash : NULL; }
int64_t replay_loaded_bot(const struct replay_loaded *r) { return json_integer_value(json_object_get(r->head, "bot")); }
uint32_t replay_loaded_run(const struct replay_loaded *r) { return (uint32_t)json_integer_value(json_object_get(r->head, "run")); }
int64_t replay_loaded_from(const struct replay_loaded *r) { return r->run_from_ns; }
int64_t replay_loaded_to(const struct replay_loaded *r) { return r->to_ns; }

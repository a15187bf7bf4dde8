// bot/replay_load.c – see replay_load.h. What a run was begun with is in its first record, what it went on with in those that follow.
#include "bot/replay_load.h"

#include "bot/replay_made.h"
#include "bot/replay_pack.h"
#include "market/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stand {         // from then on the run was made so
  int64_t time_ns;
  struct replay_made *made;
};

struct replay_loaded {
  json_t *head;
  struct replay_code codes[REPLAY_VERSIONS_MAX];
  int code_count;
  struct replay_market market;
  struct replay_made **made;       // all that there are
  size_t made_count, made_cap;
  struct stand *stands;
  size_t stand_count, stand_cap;
  // as far as the records are read
  struct replay_code *code;
  char *params, *settings, *account;
  uint32_t left_version;           // another than the next start's, whose state that takes over; 0: none
  bool anew;                       // the next start is of a version that nobody ran before
  int64_t run_from_ns, seen_ns, stop_seen_ns, to_ns, end_ns, last_ns;
  struct replay_event *events;     // the last is the end: a start of the script that is not told of any more instants
  struct replay_made **event_made; // of PARAMS: whose values they are; of RESUME: what the script is made of
  size_t event_count, event_cap;
  struct buf bytes;                // states, memories, texts; the events' pointers are offsets until all are read
  struct watchdog *watchdog;
  const struct series *finest[SPEC_STREAMS_MAX];
  char from_text[16];
  char end_hash[SHA256_HEX_SIZE];
};

static enum status no_memory(struct err *err) { return err_set(err, ERR_NOMEM, "no memory for a bot's journal"); }

static void *room(void *items, size_t count, size_t *cap, size_t size) {
  if (count < *cap) return items;
  const size_t more = *cap ? 2 * *cap : 64;
  void *p = realloc(items, more * size);
  if (p) *cap = more;
  return p;
}

// ---- what it was made of

static struct replay_code *code_of(struct replay_loaded *r, uint32_t version) {
  for (int i = 0; i < r->code_count; i++)
    if (r->codes[i].version == version) return &r->codes[i];
  return NULL;
}

static enum status made_of(struct replay_loaded *r, struct replay_code *code, const char *params, const char *settings, const char *account, struct replay_made **ret, struct err *err) {
  for (size_t i = r->made_count; i-- > 0;)
    if (replay_made_is(r->made[i], code, params, settings, account)) {
      *ret = r->made[i];
      return OK;
    }
  struct replay_made **all = room(r->made, r->made_count, &r->made_cap, sizeof *all), *m = NULL;
  if (!all) return no_memory(err);
  r->made = all;
  enum status st = replay_made_create(code, params, settings, account, &m, err);
  if (st == OK) st = replay_made_plan(m, &r->market, r->made_count ? r->made[0] : NULL, err);
  if (st != OK) {
    replay_made_destroy(m);
    return st;
  }
  *ret = r->made[r->made_count++] = m;
  return OK;
}

// What the records say by now, from a time on.
static enum status stand_from(struct replay_loaded *r, int64_t time_ns, struct replay_made **ret, struct err *err) {
  enum status st = made_of(r, r->code, r->params, r->settings, r->account, ret, err);
  struct stand *all = st == OK ? room(r->stands, r->stand_count, &r->stand_cap, sizeof *all) : NULL;
  if (st == OK && !all) return no_memory(err);
  if (st != OK) return st;
  r->stands = all;
  r->stands[r->stand_count++] = (struct stand){time_ns, *ret};
  return OK;
}

static enum status keep_text(char **to, struct record_text text, struct err *err) {
  char *copy = text.len ? strndup(text.text, text.len) : NULL;
  if (!text.len) return OK;
  if (!copy) return no_memory(err);
  free(*to);
  *to = copy;
  return OK;
}

// ---- its journal

static enum status event_add(struct replay_loaded *r, enum replay_kind kind, int64_t time_ns, struct replay_event **ret, struct err *err) {
  if (r->event_count == r->event_cap) {
    const size_t cap = r->event_cap ? 2 * r->event_cap : 1024;
    struct replay_event *more = realloc(r->events, cap * sizeof *more);
    if (more) r->events = more;
    struct replay_made **made = realloc(r->event_made, cap * sizeof *made);
    if (made) r->event_made = made;
    if (!more || !made) return no_memory(err);
    r->event_cap = cap;
  }
  r->event_made[r->event_count] = NULL;
  *ret = &r->events[r->event_count++];
  **ret = (struct replay_event){.kind = kind, .time_ns = time_ns};
  return OK;
}

static const void *kept(struct replay_loaded *r, const void *bytes, size_t len) {
  const size_t at = r->bytes.len + 1;  // 0 is none
  if (len == 0) return NULL;
  buf_add(&r->bytes, bytes, len);
  buf_add(&r->bytes, "", 1);
  return (const void *)(uintptr_t)at;
}
static const void *found(const struct replay_loaded *r, const void *offset) { return offset ? r->bytes.data + (uintptr_t)offset - 1 : NULL; }

static enum status take_run(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_made *made;
  if (r->run_from_ns != INT64_MIN) return err_set(err, ERR_INVALID, "the run begins twice");
  r->market.seed = rec->seed;
  r->run_from_ns = rec->live_from_ns;
  r->code = code_of(r, rec->version);
  if (!r->code || (int)rec->series_count != r->market.stream_count) return err_set(err, ERR_INVALID, "what was gathered of the run is not whole");
  enum status st = keep_text(&r->params, rec->params, err);
  if (st == OK) st = keep_text(&r->settings, rec->settings, err);
  if (st == OK) st = keep_text(&r->account, rec->account, err);
  return st == OK ? stand_from(r, INT64_MIN, &made, err) : st;
}

// Another version, at work from the start that follows.
static enum status take_version(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_code *code = code_of(r, rec->version), *was = r->code;
  struct replay_made *made;
  struct replay_event *e;
  char from[16] = "", *params = r->params;
  if (!code) return err_set(err, ERR_INVALID, "what was gathered of the run is not whole");
  if (rec->history) {  // it took over, or tried to, in this instant
    if (rec->version != was->version) snprintf(from, sizeof from, "%u", was->version);
    r->code = code;
    r->params = strdup(rec->params.len ? "" : "{}");
    enum status st = r->params ? keep_text(&r->params, rec->params, err) : no_memory(err);
    if (st == OK && rec->why.text) st = made_of(r, r->code, r->params, r->settings, r->account, &made, err);
    else if (st == OK) st = stand_from(r, rec->time_ns, &made, err);
    if (st == OK) st = event_add(r, REPLAY_VERSION, rec->time_ns, &e, err);
    if (st == OK) {
      r->event_made[r->event_count - 1] = made;
      e->version = rec->version, e->history = rec->history, e->refused = rec->why.text != NULL;
      e->migrate_from = kept(r, from, strlen(from));
    }
    if (rec->why.text) {
      char *tried = r->params;
      r->code = was, r->params = params, params = tried;
    }
    free(params);
    return st;
  }
  r->anew = true;
  if (r->code->version != rec->version && !r->left_version) r->left_version = r->code->version;
  r->code = code;
  if (r->left_version == rec->version) r->left_version = 0;  // there and back
  return keep_text(&r->params, rec->params, err);
}

static enum status take_resume(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_event *e;
  struct replay_made *made;
  enum status st = keep_text(&r->settings, rec->settings, err);
  if (st == OK) st = keep_text(&r->account, rec->account, err);
  if (st == OK) st = stand_from(r, rec->live_from_ns, &made, err);
  if (st == OK) st = event_add(r, REPLAY_RESUME, rec->time_ns, &e, err);
  if (st != OK) return st;
  r->event_made[r->event_count - 1] = made;
  e->resume = rec->resumes;
  e->version = r->anew ? r->code->version : 0;
  r->anew = false;
  e->live_from_ns = rec->live_from_ns;
  e->seen_ns = rec->seen_ns ? rec->seen_ns : r->run_from_ns;
  e->state = kept(r, rec->state.text, rec->state.len);
  e->state_len = rec->state.len;
  e->memory = kept(r, rec->memory.text, rec->memory.len);
  e->memory_len = rec->memory.len;
  if (r->left_version) {
    char text[16];
    const int n = snprintf(text, sizeof text, "%u", r->left_version);
    e->migrate_from = kept(r, text, (size_t)n);
    r->left_version = 0;
  }
  return OK;
}

static enum status take_params(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_event *e;
  struct replay_made *made;
  enum status st = keep_text(&r->params, rec->params, err);
  if (st == OK) st = stand_from(r, rec->time_ns, &made, err);
  if (st == OK) st = event_add(r, REPLAY_PARAMS, rec->time_ns, &e, err);
  if (st == OK) r->event_made[r->event_count - 1] = made;
  return st;
}

// The bot's settings as they are from then on. The run's own money stays what it began with.
static enum status take_limits(struct replay_loaded *r, const struct record *rec, struct err *err) {
  json_t *now = json_loadb(rec->settings.text, rec->settings.len, 0, NULL), *was = json_loads(r->settings, 0, NULL);
  struct replay_event *e;
  struct replay_made *made;
  enum status st = OK;
  if (now && json_object_get(was, "cash")) json_object_set(now, "cash", json_object_get(was, "cash"));
  char *text = now ? json_dumps(now, JSON_COMPACT) : NULL;
  if (!text) st = err_set(err, ERR_INVALID, "changed settings that cannot be read");
  if (st == OK) st = keep_text(&r->settings, record_text(text, strlen(text)), err);
  if (st == OK) st = stand_from(r, rec->time_ns, &made, err);
  if (st == OK) st = event_add(r, REPLAY_LIMITS, rec->time_ns, &e, err);
  if (st == OK) e->limits = made->setup.risk;
  free(text);
  json_decref(now);
  json_decref(was);
  return st;
}

static enum reason reason_of(struct record_text code) {
  for (enum reason r = REASON_NONE; r < REASON_COUNT; r++)
    if (strlen(reason_code(r)) == code.len && memcmp(reason_code(r), code.text, code.len) == 0) return r;
  return REASON_NONE;  // of a newer program
}

static enum status take_risk(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_event *e;
  if (!rec->told) return OK;
  enum status st = event_add(r, REPLAY_RISK, rec->time_ns, &e, err);
  if (st == OK) e->code = reason_of(rec->code), e->limit = rec->bound, e->value = rec->amount, e->live_from_ns = rec->until_ns;
  return st;
}

static enum status take_clock(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_event *e;
  return event_add(r, REPLAY_CLOCK, rec->time_ns, &e, err);
}

static const char *text_of(struct replay_loaded *r, struct record_text t) { return kept(r, t.text, t.len); }

static enum status take_signal(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_event *e;
  enum status st = event_add(r, REPLAY_SIGNAL, rec->time_ns, &e, err);
  if (st != OK) return st;
  e->signal = (struct script_signal){.id = text_of(r, rec->signal_id), .source = text_of(r, rec->source), .key = text_of(r, rec->key), .symbol = text_of(r, rec->symbol),
    .action = text_of(r, rec->action), .raw = text_of(r, rec->raw), .size = rec->size, .price = rec->price, .sl = rec->sl, .tp = rec->tp, .ts_ns = rec->ts_ns};
  return OK;
}

static enum status take_commands(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct bot_command c;
  enum status st = OK;
  for (size_t at = 0; st == OK && record_command_next(rec, &at, &c);) {
    struct replay_event *e;
    st = event_add(r, rec->kind == RECORD_COMMANDS ? REPLAY_COMMAND : REPLAY_IMPOSED, rec->time_ns, &e, err);
    if (st == OK) e->command = c;
  }
  return st;
}

static enum status take_record(struct replay_loaded *r, const struct replay_section *s, const char *body, struct err *err) {
  struct record rec;
  enum status st = record_read(s->kind, s->number, body, s->len, &rec, err);
  if (st != OK) return err_wrap(err, st, "a record of the journal");
  if (r->run_from_ns == INT64_MIN && rec.kind != RECORD_RUN) return err_set(err, ERR_INVALID, "the run does not begin with its first record");
  if (rec.time_ns > r->last_ns) r->last_ns = rec.time_ns;
  switch (rec.kind) {
    case RECORD_RUN: return take_run(r, &rec, err);
    case RECORD_RESUME: return take_resume(r, &rec, err);
    case RECORD_COMMANDS:
    case RECORD_IMPOSED: return take_commands(r, &rec, err);
    case RECORD_PARAMS: return take_params(r, &rec, err);
    case RECORD_VERSION: return take_version(r, &rec, err);
    case RECORD_SIGNAL: return take_signal(r, &rec, err);
    case RECORD_CLOCK: return take_clock(r, &rec, err);
    case RECORD_LIMITS: return take_limits(r, &rec, err);
    case RECORD_RISK: return take_risk(r, &rec, err);
    case RECORD_STOP:
      if (rec.seen_ns) r->stop_seen_ns = rec.seen_ns;
      if (rec.hash.len == SHA256_HEX_SIZE - 1) memcpy(r->end_hash, rec.hash.text, rec.hash.len);
      if (rec.stop == RECORD_STOP_ENDED || rec.stop == RECORD_STOP_OPERATOR) r->end_ns = rec.time_ns;
      return OK;
    default: return OK;  // says nothing of what the script saw
  }
}

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
  r->account = account;
  return OK;
}

static enum status take_code(struct replay_loaded *r, const struct replay_section *s, const char *body, struct err *err) {
  struct replay_code *c = code_of(r, (uint32_t)s->number);
  if (!c) {
    if (r->code_count == REPLAY_VERSIONS_MAX) return err_set(err, ERR_LIMIT, "too many versions of the script");
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
  if (!c->source) return no_memory(err);
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
    case REPLAY_RECORD: return take_record(r, s, body, err);
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
  enum status st = event_add(r, REPLAY_RESUME, r->to_ns, &end, err);
  if (st != OK) return st;
  end->resume = 1;
  end->live_from_ns = r->to_ns;
  end->seen_ns = r->seen_ns = seen_ns < r->to_ns ? seen_ns : r->to_ns;
  return OK;
}

static void fix_pointers(struct replay_loaded *r) {
  for (size_t i = 0; i < r->event_count; i++) {
    struct replay_event *e = &r->events[i];
    e->state = found(r, e->state);
    e->memory = found(r, e->memory);
    e->migrate_from = found(r, e->migrate_from);
    const char **texts[] = {&e->signal.id, &e->signal.source, &e->signal.key, &e->signal.symbol, &e->signal.action, &e->signal.raw};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) *texts[k] = found(r, *texts[k]);
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
  enum status st = r->params && r->settings ? take_all(r, pack, len, false, err) : no_memory(err);
  if (st == OK && (!r->head || r->market.stream_count == 0)) st = err_set(err, ERR_INVALID, "what was gathered of the run is not whole");
  if (st == OK) st = take_all(r, pack, len, true, err);
  if (st == OK && r->run_from_ns == INT64_MIN) st = err_set(err, ERR_INVALID, "the run has no records");
  if (st == OK) st = add_end(r, err);
  if (st == OK && r->bytes.failed) st = no_memory(err);
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
  return *ret ? OK : no_memory(err);
}

enum status replay_loaded_fork(struct replay_loaded *r, int64_t at_ns, const json_t *params, uint32_t version, struct replay_fork *ret, struct err *err) {
  const struct replay_made *was = made_at(r, at_ns);
  struct replay_code *code = version ? code_of(r, version) : was->code;
  struct replay_made *made = NULL;
  char *text = NULL;
  bool live_only = false;
  *ret = (struct replay_fork){.at_ns = at_ns};
  if (!code) return err_set(err, ERR_NOTFOUND, "version %u of the script was not gathered", version);
  enum status st = merged(was, params, &text, err);
  const size_t before = r->made_count;
  if (st == OK) st = made_of(r, code, text, was->settings, was->account, &made, err);
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

// bot/replay_records.c – the journal's records as a replay's events, and what its script was made of from each on. See replay_load.h.
#include "bot/replay_made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status replay_no_memory(struct err *err) { return err_set(err, ERR_NOMEM, "no memory for a bot's journal"); }

static void *room(void *items, size_t count, size_t *cap, size_t size) {
  if (count < *cap) return items;
  const size_t more = *cap ? 2 * *cap : 64;
  void *p = realloc(items, more * size);
  if (p) *cap = more;
  return p;
}

// ---- what it was made of

struct replay_code *replay_code_of(struct replay_loaded *r, uint32_t version) {
  for (int i = 0; i < r->code_count; i++)
    if (r->codes[i].version == version) return &r->codes[i];
  return NULL;
}

enum status replay_made_of(struct replay_loaded *r, struct replay_code *code, const char *params, const char *settings, const char *account, struct replay_made **ret, struct err *err) {
  for (size_t i = r->made_count; i-- > 0;)
    if (replay_made_is(r->made[i], code, params, settings, account)) {
      *ret = r->made[i];
      return OK;
    }
  struct replay_made **all = room(r->made, r->made_count, &r->made_cap, sizeof *all), *m = NULL;
  if (!all) return replay_no_memory(err);
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
  enum status st = replay_made_of(r, r->code, r->params, r->settings, r->account, ret, err);
  struct replay_stand *all = st == OK ? room(r->stands, r->stand_count, &r->stand_cap, sizeof *all) : NULL;
  if (st == OK && !all) return replay_no_memory(err);
  if (st != OK) return st;
  r->stands = all;
  r->stands[r->stand_count++] = (struct replay_stand){time_ns, *ret};
  return OK;
}

static enum status keep_text(char **to, struct record_text text, struct err *err) {
  char *copy = text.len ? strndup(text.text, text.len) : NULL;
  if (!text.len) return OK;
  if (!copy) return replay_no_memory(err);
  free(*to);
  *to = copy;
  return OK;
}

// ---- its journal

enum status replay_event_add(struct replay_loaded *r, enum replay_kind kind, int64_t time_ns, struct replay_event **ret, struct err *err) {
  if (r->event_count == r->event_cap) {
    const size_t cap = r->event_cap ? 2 * r->event_cap : 1024;
    struct replay_event *more = realloc(r->events, cap * sizeof *more);
    if (more) r->events = more;
    struct replay_made **made = realloc(r->event_made, cap * sizeof *made);
    if (made) r->event_made = made;
    if (!more || !made) return replay_no_memory(err);
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
const void *replay_bytes_found(const struct replay_loaded *r, const void *offset) { return offset ? r->bytes.data + (uintptr_t)offset - 1 : NULL; }

static enum status take_run(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_made *made;
  if (r->run_from_ns != INT64_MIN) return err_set(err, ERR_INVALID, "the run begins twice");
  r->market.seed = rec->seed;
  r->run_from_ns = rec->live_from_ns;
  r->code = replay_code_of(r, rec->version);
  if (!r->code || (int)rec->series_count != r->market.stream_count) return err_set(err, ERR_INVALID, "what was gathered of the run is not whole");
  enum status st = keep_text(&r->params, rec->params, err);
  if (st == OK) st = keep_text(&r->settings, rec->settings, err);
  if (st == OK) st = keep_text(&r->account, rec->account, err);
  return st == OK ? stand_from(r, INT64_MIN, &made, err) : st;
}

// Another version, at work from the start that follows.
static enum status take_version(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_code *code = replay_code_of(r, rec->version), *was = r->code;
  struct replay_made *made;
  struct replay_event *e;
  char from[16] = "", *params = r->params;
  if (!code) return err_set(err, ERR_INVALID, "what was gathered of the run is not whole");
  if (rec->history) {  // it took over, or tried to, in this instant
    if (rec->version != was->version) snprintf(from, sizeof from, "%u", was->version);
    r->code = code;
    r->params = strdup(rec->params.len ? "" : "{}");
    enum status st = r->params ? keep_text(&r->params, rec->params, err) : replay_no_memory(err);
    if (st == OK && rec->why.text) st = replay_made_of(r, r->code, r->params, r->settings, r->account, &made, err);
    else if (st == OK) st = stand_from(r, rec->time_ns, &made, err);
    if (st == OK) st = replay_event_add(r, REPLAY_VERSION, rec->time_ns, &e, err);
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
  if (st == OK) st = replay_event_add(r, REPLAY_RESUME, rec->time_ns, &e, err);
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
  if (st == OK) st = replay_event_add(r, REPLAY_PARAMS, rec->time_ns, &e, err);
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
  if (st == OK) st = replay_event_add(r, REPLAY_LIMITS, rec->time_ns, &e, err);
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
  enum status st = replay_event_add(r, REPLAY_RISK, rec->time_ns, &e, err);
  if (st == OK) e->code = reason_of(rec->code), e->limit = rec->bound, e->value = rec->amount, e->live_from_ns = rec->until_ns;
  return st;
}

static enum status take_part(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_event *e;
  return replay_event_add(r, rec->kind == RECORD_SKIP ? REPLAY_SKIP : REPLAY_CLOCK, rec->time_ns, &e, err);
}

static enum status take_tick(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_event *e;
  if (rec->tick.symbol >= r->made[0]->plan.symbol_count) return err_set(err, ERR_INVALID, "a tick of a symbol that the run does not have");
  enum status st = replay_event_add(r, REPLAY_TICK, rec->time_ns, &e, err);
  if (st == OK) e->tick = rec->tick;
  return st;
}

static enum status take_words(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_event *e;
  enum status st = replay_event_add(r, REPLAY_STOP, rec->time_ns, &e, err);
  if (st == OK) e->why = rec->why.len ? kept(r, rec->why.text, rec->why.len) : kept(r, "stop", 4);
  return st;
}

static const char *text_of(struct replay_loaded *r, struct record_text t) { return kept(r, t.text, t.len); }

static enum status take_signal(struct replay_loaded *r, const struct record *rec, struct err *err) {
  struct replay_event *e;
  enum status st = replay_event_add(r, REPLAY_SIGNAL, rec->time_ns, &e, err);
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
    c.imposed = rec->kind == RECORD_IMPOSED;
    st = replay_event_add(r, c.imposed ? REPLAY_IMPOSED : REPLAY_COMMAND, rec->time_ns, &e, err);
    if (st == OK) e->command = c;
  }
  return st;
}

enum status replay_record_take(struct replay_loaded *r, const struct replay_section *s, const char *body, struct err *err) {
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
    case RECORD_SKIP:
    case RECORD_CLOCK: return take_part(r, &rec, err);
    case RECORD_WORDS: return take_words(r, &rec, err);
    case RECORD_TICK: return take_tick(r, &rec, err);
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

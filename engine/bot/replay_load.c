// bot/replay_load.c – see replay_load.h. What a run was begun with is in its first record; of the account, which is the venue here, in its row.
#include "bot/replay_load.h"

#include "bot/host_impl.h"
#include "bot/live_impl.h"
#include "crypto/encode.h"
#include "store/script_rows.h"
#include "store/vault_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What the script was made of from some moment on, apart from what the run began with.
struct made {
  struct made *next;
  uint32_t version;
  uint8_t sha256[SHA256_BYTES];
  char *params;
  char *source;                     // read when all records are
  size_t source_len;
  char chunkname[64], from[24];
  struct script_spec *spec;
  struct param_value *values;
  struct pilot_config pilot;
};

struct replay_loaded {
  struct bot_row row;
  struct journal_run run;
  uint32_t version;
  uint64_t seed;
  uint8_t sha256[SHA256_BYTES];
  uint32_t series_ids[RECORD_SERIES_MAX];
  int stream_count;
  char *params, *settings;          // as the run began
  char *source;
  size_t source_len;
  struct live_setup setup;
  struct bot_plan plan;
  int64_t run_from_ns, seen_ns, to_ns, end_ns, last_ns;
  struct series series[SPEC_STREAMS_MAX];
  struct replay_event *events;      // the last is the end: a start of the script that is not told of any more instants
  size_t event_count, event_cap;
  struct buf bytes;                 // states and memories; the events' pointers are offsets until all are read
  struct made *made, *now;          // all; the last, NULL: as the run began
  uint32_t state_version, opened_as;  // of the script's state; 0, or the version that the next RESUME is the first of
  enum status fault;
  struct err why;
  // of the opened
  char chunkname[64];
  struct script_spec *spec;
  struct param_value *values;
  struct match_symbol_config symbols[SPEC_STREAMS_MAX];
  const struct series *streams[SPEC_STREAMS_MAX], *finest[SPEC_STREAMS_MAX];
  int symbol_of[SPEC_STREAMS_MAX];
};

// ---- its journal

static struct replay_event *event_add(struct replay_loaded *r, enum replay_kind kind, int64_t time_ns) {
  if (r->event_count == r->event_cap) {
    const size_t cap = r->event_cap ? 2 * r->event_cap : 1024;
    struct replay_event *more = realloc(r->events, cap * sizeof *more);
    if (!more) {
      r->fault = err_set(&r->why, ERR_NOMEM, "no memory for a bot's journal");
      return NULL;
    }
    r->events = more;
    r->event_cap = cap;
  }
  struct replay_event *e = &r->events[r->event_count++];
  *e = (struct replay_event){.kind = kind, .time_ns = time_ns};
  return e;
}

static const void *kept(struct replay_loaded *r, struct record_text t) {
  const size_t at = r->bytes.len + 1;  // 0 is none
  if (t.len == 0) return NULL;
  buf_add(&r->bytes, t.text, t.len);
  return (const void *)(uintptr_t)at;
}

static const void *found(const struct replay_loaded *r, const void *offset) { return offset ? r->bytes.data + (uintptr_t)offset - 1 : NULL; }

static struct made *made_add(struct replay_loaded *r, uint32_t version, const uint8_t sha256[SHA256_BYTES], struct record_text params) {
  struct made *m = calloc(1, sizeof *m);
  if (m) m->params = strndup(params.len ? params.text : "{}", params.len ? params.len : 2);
  if (!m || !m->params) {
    free(m);
    r->fault = err_set(&r->why, ERR_NOMEM, "no memory for a bot's journal");
    return NULL;
  }
  m->version = version;
  memcpy(m->sha256, sha256, sizeof m->sha256);
  m->next = r->made;
  return r->made = m;
}

static const struct pilot_config *made_of(const struct made *m) { return m ? &m->pilot : NULL; }

static void take_run(struct replay_loaded *r, const struct record *rec) {
  r->version = r->state_version = rec->version;
  r->seed = rec->seed;
  memcpy(r->sha256, rec->source_sha256, sizeof r->sha256);
  memcpy(r->series_ids, rec->series, sizeof r->series_ids);
  r->stream_count = (int)rec->series_count;
  r->run_from_ns = rec->live_from_ns;
  r->params = strndup(rec->params.len ? rec->params.text : "{}", rec->params.len ? rec->params.len : 2);
  r->settings = strndup(rec->settings.len ? rec->settings.text : "{}", rec->settings.len ? rec->settings.len : 2);
  if (!r->params || !r->settings) r->fault = err_set(&r->why, ERR_NOMEM, "no memory for a bot's journal");
}

static void take_resume(struct replay_loaded *r, const struct record *rec) {
  struct replay_event *e = event_add(r, REPLAY_RESUME, rec->time_ns);
  if (!e) return;
  e->resume = rec->resumes;
  e->live_from_ns = rec->live_from_ns;
  e->seen_ns = rec->seen_ns ? rec->seen_ns : r->run_from_ns;
  e->state = kept(r, rec->state);
  e->state_len = rec->state.len;
  e->memory = kept(r, rec->memory);
  e->memory_len = rec->memory.len;
  e->pilot = made_of(r->now);
  e->version = r->opened_as;
  if (r->opened_as && r->now->from[0] && rec->state.len) e->migrate_from = r->now->from;
  if (r->opened_as) r->state_version = r->opened_as;
  r->opened_as = 0;
}

static enum reason reason_of(const char *code) {
  for (enum reason r = REASON_NONE; r < REASON_COUNT; r++)
    if (strcmp(reason_code(r), code) == 0) return r;
  return REASON_NONE;  // of a newer program
}

static void take_version(struct replay_loaded *r, const struct record *rec) {
  const bool refused = rec->why.text != NULL;
  struct made *m = made_add(r, rec->version, rec->source_sha256, rec->params);
  if (!m) return;
  if (rec->version != r->state_version) snprintf(m->from, sizeof m->from, "%u", r->state_version);
  if (!refused) r->now = m;
  if (rec->history == 0) {
    r->opened_as = rec->version;
    return;
  }
  struct replay_event *e = event_add(r, REPLAY_VERSION, rec->time_ns);
  if (!e) return;
  e->pilot = made_of(m);
  e->migrate_from = m->from[0] ? m->from : NULL;
  e->version = rec->version;
  e->history = rec->history;
  e->refused = refused;
  if (!refused) r->state_version = rec->version;
}

static void take_params(struct replay_loaded *r, const struct record *rec) {
  struct made *m = made_add(r, r->now ? r->now->version : r->version, r->now ? r->now->sha256 : r->sha256, rec->params);
  struct replay_event *e = m ? event_add(r, REPLAY_PARAMS, rec->time_ns) : NULL;
  if (!e) return;
  r->now = m;
  e->pilot = made_of(m);
}

static bool take_record(void *arg, const struct journal_record *j) {
  struct replay_loaded *r = arg;
  struct record rec;
  if (j->run != r->run.run) return true;
  r->fault = record_read(j->kind, j->time_ns, j->body, j->len, &rec, &r->why);
  if (r->fault != OK) {
    (void)err_wrap(&r->why, r->fault, "record %lld of the journal", (long long)j->id);
    return false;
  }
  if (r->run_from_ns == INT64_MIN && rec.kind != RECORD_RUN) r->fault = err_set(&r->why, ERR_INVALID, "run %u does not begin with its first record", r->run.run);
  if (rec.time_ns > r->last_ns) r->last_ns = rec.time_ns;
  if (rec.kind == RECORD_STOP && (rec.stop == RECORD_STOP_ENDED || rec.stop == RECORD_STOP_OPERATOR)) r->end_ns = rec.time_ns;
  if (rec.kind == RECORD_RUN) take_run(r, &rec);
  else if (rec.kind == RECORD_RESUME) take_resume(r, &rec);
  else if (rec.kind == RECORD_CLOCK) (void)event_add(r, REPLAY_CLOCK, rec.time_ns);
  else if (rec.kind == RECORD_COMMANDS || rec.kind == RECORD_IMPOSED) {
    struct bot_command c;
    for (size_t at = 0; r->fault == OK && record_command_next(&rec, &at, &c);) {
      struct replay_event *e = event_add(r, rec.kind == RECORD_COMMANDS ? REPLAY_COMMAND : REPLAY_IMPOSED, rec.time_ns);
      if (e) e->command = c;
    }
  } else if (rec.kind == RECORD_RISK && rec.told) {
    struct replay_event *e = event_add(r, REPLAY_RISK, rec.time_ns);
    char code[64];
    snprintf(code, sizeof code, "%.*s", (int)rec.code.len, rec.code.text);
    if (e) e->code = reason_of(code), e->limit = rec.bound, e->value = rec.amount, e->live_from_ns = rec.until_ns;
  } else if (rec.kind == RECORD_LIMITS) {
    struct replay_event *e = event_add(r, REPLAY_LIMITS, rec.time_ns);
    json_t *settings = json_loadb(rec.settings.text, rec.settings.len, 0, NULL);
    struct live_setup *setup = malloc(sizeof *setup);
    if (!setup) r->fault = err_set(&r->why, ERR_NOMEM, "no memory for a replay");
    else if (e && (r->fault = live_setup_read(settings, NULL, false, setup, &r->why)) == OK) e->limits = setup->risk;
    free(setup);
    json_decref(settings);
  } else if (rec.kind == RECORD_VERSION) {
    take_version(r, &rec);
  } else if (rec.kind == RECORD_PARAMS) {
    take_params(r, &rec);
  } else if (rec.kind == RECORD_SIGNAL) {
    r->fault = err_set(&r->why, ERR_INVALID, "run %u has a record \"%s\", which this program does not replay yet", r->run.run, record_kind_text(rec.kind));
  }
  return r->fault == OK;
}

static void take_state(void *arg, const struct journal_state *s) {
  struct replay_loaded *r = arg;
  if (s->run != r->run.run || s->len < sizeof r->seen_ns) return;
  memcpy(&r->seen_ns, s->body, sizeof r->seen_ns);
  if (s->time_ns > r->last_ns) r->last_ns = s->time_ns;
}

static enum status read_journal(struct replay_loaded *r, struct db *db, struct err *err) {
  enum status st = journal_run_last(db, r->row.tenant_id, r->row.id, &r->run, err);
  if (st == ERR_NOTFOUND) return err_set(err, st, "the bot has not run yet: there is nothing to replay");
  if (st == OK && !r->run.first_id) st = err_set(err, ERR_INVALID, "the records of run %u are forgotten: old runs are, to keep the journal small", r->run.run);
  if (st == OK) st = journal_scan(db, r->run.first_id - 1, r->row.id, take_record, r, err);
  if (st == OK && r->fault == OK && r->run_from_ns == INT64_MIN) return err_set(err, ERR_INVALID, "run %u has no records", r->run.run);
  if (st == OK && r->fault == OK) st = journal_state_get(db, r->row.id, take_state, r, err);
  if (st == ERR_NOTFOUND) st = OK;
  if (st == OK && r->fault != OK) *err = r->why, st = r->fault;
  if (st == OK && r->bytes.failed) st = err_set(err, ERR_NOMEM, "no memory for a bot's journal");
  return st;
}

// ---- what it was made of

static enum status read_version(const struct replay_loaded *r, struct db *control, uint32_t version, const uint8_t want[SHA256_BYTES], char **ret_source, size_t *ret_len,
                                json_t **ret_header, struct err *err) {
  struct script_version_row row;
  char sha256[SHA256_HEX_SIZE];
  enum status st = script_version_get(control, r->row.tenant_id, r->row.script_id, version, &row, err);
  if (st == ERR_NOTFOUND) st = script_version_get(control, 0, r->row.script_id, version, &row, err);
  if (st != OK) return err_wrap(err, st, "version %u of the bot's script", version);
  hex_encode(want, SHA256_BYTES, sha256);
  *ret_header = row.header ? json_loads(row.header, 0, NULL) : NULL;
  if (strcmp(sha256, row.sha256) != 0) st = err_set(err, ERR_INVALID, "version %u of the script is not the one that ran (its SHA-256 is another)", version);
  else if (!*ret_header) st = err_set(err, ERR_INVALID, "version %u of the script was never described: upload it again", version);
  *ret_source = row.source;
  *ret_len = row.source_len;
  row.source = NULL;
  script_version_finish(&row);
  return st;
}

static enum status read_script(struct replay_loaded *r, struct db *control, json_t **ret_header, struct err *err) {
  enum status st = read_version(r, control, r->version, r->sha256, &r->source, &r->source_len, ret_header, err);
  for (struct made *m = r->made; st == OK && m; m = m->next) {
    json_t *header = NULL;
    st = read_version(r, control, m->version, m->sha256, &m->source, &m->source_len, &header, err);
    json_decref(header);
  }
  return st;
}

static enum status read_setup(struct replay_loaded *r, struct db *control, struct err *err) {
  struct account_row account;
  int64_t timeframe_ns;
  json_t *header = NULL, *params = json_loads(r->params, 0, NULL), *settings = json_loads(r->settings, 0, NULL), *of_account = NULL;
  enum status st = account_get(control, r->row.tenant_id, r->row.account_id, &account, err);
  if (st == OK) of_account = json_loads(account.settings, 0, NULL);
  if (st == OK) st = read_script(r, control, &header, err);
  if (st == OK && (!params || !settings || !of_account)) st = err_set(err, ERR_INVALID, "the run's settings cannot be read");
  if (st == OK && !timeframe_parse(r->row.timeframe, &timeframe_ns)) st = err_set(err, ERR_INVALID, "%s is no timeframe", r->row.timeframe);
  if (st == OK) st = plan_make(header, params, r->row.symbol, timeframe_ns, &r->plan, err);
  if (st == OK) st = live_setup_read(settings, of_account, r->plan.hedging, &r->setup, err);
  if (st == OK && r->plan.stream_count != r->stream_count)
    st = err_set(err, ERR_INVALID, "the script has %d data streams, the run had %d: the bot was changed since", r->plan.stream_count, r->stream_count);
  json_decref(header);
  json_decref(params);
  json_decref(settings);
  json_decref(of_account);
  return st;
}

static enum status read_bars(struct replay_loaded *r, struct db *journal, struct err *err) {
  enum status st = OK;
  int64_t last_ns = r->last_ns;
  for (int i = 0; st == OK && i < r->stream_count; i++) {
    struct journal_series s;
    st = journal_series_get(journal, r->series_ids[i], &s, err);
    if (st != OK) return err_wrap(err, st, "series %u of the journal", r->series_ids[i]);
    r->series[i] = s.terms;
    st = journal_bars(journal, r->series_ids[i], r->run.bars_from_ns, INT64_MAX, 0, &r->series[i], err);
    const struct series *all = &r->series[i];
    if (i == 0 && all->count && all->bars[all->count - 1].open_ns + all->timeframe_ns > last_ns) last_ns = all->bars[all->count - 1].open_ns + all->timeframe_ns;
  }
  // A run that is over has no bars behind its end.
  if (r->end_ns) last_ns = r->end_ns;
  if (r->to_ns > last_ns) r->to_ns = last_ns;
  return st;
}

// What came after the end that was asked for is dropped. Then the end: what the books did without the script, up to the last instant, by
// the same way as a restart.
static enum status add_end(struct replay_loaded *r) {
  int64_t seen_ns = r->seen_ns ? r->seen_ns : r->run_from_ns;
  size_t count = 0;
  for (size_t i = r->event_count; i-- > 0;)
    if (r->events[i].kind == REPLAY_RESUME && r->events[i].live_from_ns > r->to_ns) seen_ns = r->events[i].seen_ns;
  for (size_t i = 0; i < r->event_count; i++) {
    const struct replay_event *e = &r->events[i];
    if ((e->kind == REPLAY_RESUME ? e->live_from_ns : e->time_ns) <= r->to_ns) r->events[count++] = *e;
  }
  r->event_count = count;
  struct replay_event *end = event_add(r, REPLAY_RESUME, r->to_ns);
  if (!end) return r->fault;
  end->live_from_ns = r->to_ns;
  end->seen_ns = seen_ns < r->to_ns ? seen_ns : r->to_ns;
  return OK;
}

enum status replay_load(struct db *control, struct db *journal, int64_t bot_id, int64_t to_ns, struct replay_loaded **ret, struct err *err) {
  struct replay_loaded *r = calloc(1, sizeof *r);
  if (!r) return err_set(err, ERR_NOMEM, "no memory for a replay");
  buf_init(&r->bytes, 256u << 20);
  r->run_from_ns = INT64_MIN;
  r->to_ns = to_ns;
  enum status st = bot_find(control, bot_id, &r->row, err);
  if (st == OK) st = read_journal(r, journal, err);
  if (st == OK) st = read_setup(r, control, err);
  if (st == OK) st = read_bars(r, journal, err);
  if (st == OK && (st = add_end(r)) != OK) *err = r->why;
  for (size_t i = 0; st == OK && i < r->event_count; i++) {
    struct replay_event *e = &r->events[i];
    if (e->kind != REPLAY_RESUME) continue;
    e->state = found(r, e->state);
    e->memory = found(r, e->memory);
  }
  if (st == OK) *ret = r;
  else replay_loaded_destroy(r);
  return st;
}

void replay_loaded_destroy(struct replay_loaded *r) {
  if (!r) return;
  bot_row_finish(&r->row);
  for (int i = 0; i < SPEC_STREAMS_MAX; i++) series_finish(&r->series[i]);
  buf_finish(&r->bytes);
  for (struct made *m; (m = r->made);) {
    r->made = m->next;
    free(m->params);
    free(m->source);
    free(m->spec);
    free(m->values);
    free(m);
  }
  free(r->params);
  free(r->settings);
  free(r->source);
  free(r->events);
  free(r->spec);
  free(r->values);
  free(r);
}

// ---- in the jail

static enum status made_open(const struct replay_loaded *r, struct made *m, struct watchdog *watchdog, const struct pilot_config *first, struct err *err) {
  snprintf(m->chunkname, sizeof m->chunkname, "v%u.lua", m->version);
  enum status st = script_describe(m->chunkname, m->source, m->source_len, watchdog, &m->spec, err);
  if (st == OK && m->spec->stream_count != r->stream_count) st = err_set(err, ERR_INVALID, "version %u has %d data streams, not %d", m->version, m->spec->stream_count, r->stream_count);
  if (st == OK && !(m->values = calloc((size_t)m->spec->param_count + 1, sizeof *m->values))) st = err_set(err, ERR_NOMEM, "no memory for a replay");
  if (st == OK) st = host_params_read(m->spec, (struct wire_text){m->params, (uint32_t)strlen(m->params)}, m->values, err);
  m->pilot = *first;
  m->pilot.bot.chunkname = m->chunkname;
  m->pilot.bot.source = m->source;
  m->pilot.bot.source_len = m->source_len;
  m->pilot.bot.spec = m->spec;
  m->pilot.bot.values = m->values;
  return st;
}

enum status replay_loaded_open(struct replay_loaded *r, struct watchdog *watchdog, struct replay_config *ret, struct err *err) {
  snprintf(r->chunkname, sizeof r->chunkname, "v%u.lua", r->version);
  enum status st = script_describe(r->chunkname, r->source, r->source_len, watchdog, &r->spec, err);
  if (st != OK) return st;
  r->values = calloc((size_t)r->spec->param_count + 1, sizeof *r->values);
  if (!r->values) return err_set(err, ERR_NOMEM, "no memory for a replay");
  st = host_params_read(r->spec, (struct wire_text){r->params, (uint32_t)strlen(r->params)}, r->values, err);
  if (st == OK && r->spec->stream_count != r->stream_count) st = err_set(err, ERR_INVALID, "the script has %d data streams, not %d", r->spec->stream_count, r->stream_count);
  if (st != OK) return st;
  for (int i = 0; i < r->stream_count; i++) {
    r->streams[i] = &r->series[i];
    r->symbol_of[i] = r->plan.streams[i].symbol_ix;
  }
  for (int k = 0; k < r->plan.symbol_count; k++) {
    const struct series *s = r->finest[k] = &r->series[r->plan.symbols[k].exec];
    struct match_symbol_config *c = &r->symbols[k];
    match_symbol_config_init(c, &s->inst);
    c->fees = r->setup.fees, c->costs = r->setup.costs, c->leverage_e4 = r->setup.leverage_e4, c->maintenance_frac_e8 = r->setup.maintenance_frac_e8;
    c->volume_scale = s->volume_scale;
  }
  struct vm_limits limits = r->setup.vm;
  limits.seed = r->seed;
  *ret = (struct replay_config){
    .pilot = {.bot = {.chunkname = r->chunkname, .source = r->source, .source_len = r->source_len, .spec = r->spec, .values = r->values, .limits = limits, .watchdog = watchdog,
                      .series = r->streams, .symbols = r->symbol_of, .risk = r->setup.risk},
              .blotter = {.match = r->setup.match, .symbols = r->symbols, .symbol_count = r->plan.symbol_count}},
    .finest = r->finest, .run_from_ns = r->run_from_ns, .until_ns = r->to_ns, .events = r->events, .event_count = r->event_count};
  for (struct made *m = r->made; st == OK && m; m = m->next) st = made_open(r, m, watchdog, &ret->pilot, err);
  for (size_t i = 0; i < r->event_count; i++)
    if (r->events[i].kind == REPLAY_PARAMS) r->events[i].params = r->events[i].pilot->bot.values;
  return st;
}

struct replay_config replay_loaded_seen(const struct replay_loaded *r, const struct replay_config *config) {
  struct replay_config c = *config;
  c.event_count = r->event_count - 1;
  if (c.until_ns > r->seen_ns) c.until_ns = r->seen_ns;
  c.explain_ns = 0;
  c.explain_difference = false;
  return c;
}

uint32_t replay_loaded_run(const struct replay_loaded *r) { return r->run.run; }
int64_t replay_loaded_from(const struct replay_loaded *r) { return r->run_from_ns; }
int64_t replay_loaded_to(const struct replay_loaded *r) { return r->to_ns; }

// bot/replay_pack.c – see replay_pack.h.
#include "bot/replay_pack.h"

#include "base/json.h"
#include "bot/record.h"
#include "crypto/encode.h"
#include "market/segment.h"
#include "store/bot_rows.h"
#include "store/journal_rows.h"
#include "store/script_rows.h"
#include "store/vault_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gathering {
  const struct replay_wish *wish;
  struct buf *out;
  struct bot_row row;
  struct journal_run run;
  bool latest;
  int64_t end_ns;                // of a run that is over; 0: it goes on
  int64_t newest_ns;             // instant of which something is there
  uint32_t series[RECORD_SERIES_MAX], series_count;
  struct { uint32_t version; int64_t script_id; char sha256[SHA256_HEX_SIZE]; } versions[REPLAY_VERSIONS_MAX];
  int version_count;
  char *account;                 // settings of its account when it began; NULL: the journal does not say
  char symbol[SYMBOL_MAX];
  int64_t timeframe_ns;
  enum status fault;
  struct err why;
};

static void put(struct gathering *g, enum replay_section_type type, int kind, int64_t number, const void *bytes, size_t len) {
  const struct replay_section s = {(uint32_t)type, kind, number, len};
  buf_add(g->out, &s, sizeof s);
  if (len) buf_add(g->out, bytes, len);
}

// ---- its journal

static void note_version(struct gathering *g, const struct record *r) {
  char sha256[SHA256_HEX_SIZE];
  hex_encode(r->source_sha256, sizeof r->source_sha256, sha256);
  for (int i = 0; i < g->version_count; i++)
    if (g->versions[i].version == r->version) {
      if (strcmp(g->versions[i].sha256, sha256) != 0) g->fault = err_set(&g->why, ERR_INVALID, "version %u of its script is told in two ways in the journal", r->version);
      return;
    }
  if (g->version_count == REPLAY_VERSIONS_MAX) {
    g->fault = err_set(&g->why, ERR_LIMIT, "run %u went through more than %d versions of its script: choose an earlier end", g->run.run, REPLAY_VERSIONS_MAX);
    return;
  }
  g->versions[g->version_count].version = r->version;
  g->versions[g->version_count].script_id = r->script_id;
  memcpy(g->versions[g->version_count++].sha256, sha256, sizeof sha256);
}

static void note_record(struct gathering *g, const struct record *r) {
  if (r->kind == RECORD_RUN) {
    memcpy(g->series, r->series, sizeof g->series);
    g->series_count = r->series_count;
    if (r->account.len && !(g->account = strndup(r->account.text, r->account.len))) g->fault = err_set(&g->why, ERR_NOMEM, "no memory for a bot's journal");
  }
  if (r->kind == RECORD_RUN || r->kind == RECORD_VERSION) note_version(g, r);
  if (r->kind == RECORD_STOP && (r->stop == RECORD_STOP_ENDED || r->stop == RECORD_STOP_OPERATOR)) g->end_ns = r->time_ns;
}

// After the end that is asked for only a start tells what the script had seen by then, and a stop where the run ended.
static bool behind(const struct gathering *g, const struct journal_record *j) {
  return j->time_ns > g->wish->to_ns && j->kind != RECORD_RUN && j->kind != RECORD_RESUME && j->kind != RECORD_STOP;
}

static bool take_record(void *arg, const struct journal_record *j) {
  struct gathering *g = arg;
  struct record r;
  if (g->run.last_id && j->id > g->run.last_id) return false;
  if (j->run != g->run.run || j->kind == RECORD_DENY || j->kind == RECORD_HALT || j->kind == RECORD_QUARANTINE || j->kind == RECORD_STATE) return true;
  if (j->time_ns > g->newest_ns) g->newest_ns = j->time_ns;
  if (behind(g, j)) return true;
  if (j->kind != RECORD_COMMANDS && j->kind != RECORD_IMPOSED) {
    g->fault = record_read(j->kind, j->time_ns, j->body, j->len, &r, &g->why);
    if (g->fault != OK) (void)err_wrap(&g->why, g->fault, "record %lld of the journal", (long long)j->id);
    else note_record(g, &r);
  }
  if (g->fault == OK && g->out->failed) g->fault = err_set(&g->why, ERR_LIMIT, "run %u is too long to be replayed at once: choose an earlier end", g->run.run);
  if (g->fault == OK) put(g, REPLAY_RECORD, j->kind, j->time_ns, j->body, j->len);
  return g->fault == OK;
}

static void take_state(void *arg, const struct journal_state *s) {
  struct gathering *g = arg;
  if (s->run == g->run.run) put(g, REPLAY_STATE, (int)s->version, s->time_ns, s->body, s->len);
}

static enum status read_journal(struct gathering *g, struct db *db, struct err *err) {
  struct journal_run last;
  enum status st = journal_run_last(db, g->row.tenant_id, g->row.id, &last, err);
  if (st == ERR_NOTFOUND) return err_set(err, st, "the bot has not run yet: there is nothing to replay");
  g->run = last;
  if (st == OK && g->wish->run) st = journal_run_get(db, g->row.tenant_id, g->row.id, g->wish->run, &g->run, err);
  if (st == ERR_NOTFOUND) return err_set(err, st, "the bot has no run %u that is kept; its latest is %u", g->wish->run, last.run);
  if (st != OK) return st;
  g->latest = g->run.run == last.run;
  if (!g->run.first_id) return err_set(err, ERR_INVALID, "the records of run %u are forgotten: old runs are, to keep the journal small", g->run.run);
  st = journal_scan(db, g->run.first_id - 1, g->row.id, take_record, g, err);
  if (st == OK && g->fault == OK && !g->series_count) return err_set(err, ERR_INVALID, "run %u has no records", g->run.run);
  if (st == OK && g->fault == OK && g->latest) {
    st = journal_state_get(db, g->row.id, take_state, g, err);
    if (st == ERR_NOTFOUND) st = OK;
  }
  if (st == OK && g->fault != OK) *err = g->why, st = g->fault;
  return st;
}

static enum status read_bars(struct gathering *g, struct db *db, struct err *err) {
  enum status st = OK;
  int64_t to_ns = g->wish->to_ns;
  if (g->end_ns && g->end_ns < to_ns) to_ns = g->end_ns;  // a run that is over has no bars behind its end
  for (uint32_t i = 0; st == OK && i < g->series_count; i++) {
    struct journal_series s;
    struct buf packed;
    st = journal_series_get(db, g->series[i], &s, err);
    if (st != OK) return err_wrap(err, st, "series %u of the journal", g->series[i]);
    if (i == 0) {
      memcpy(g->symbol, s.terms.inst.symbol, sizeof g->symbol);
      g->timeframe_ns = s.terms.timeframe_ns;
    }
    buf_init(&packed, REPLAY_PACK_MAX);
    st = journal_bars(db, g->series[i], g->run.bars_from_ns, to_ns == INT64_MAX ? INT64_MAX : to_ns - s.terms.timeframe_ns + 1, 0, &s.terms, err);
    const struct series *all = &s.terms;
    if (all->count && all->bars[all->count - 1].open_ns + all->timeframe_ns > g->newest_ns) g->newest_ns = all->bars[all->count - 1].open_ns + all->timeframe_ns;
    if (st == OK) st = series_pack(&s.terms, &packed, err);
    if (st == OK) put(g, REPLAY_SERIES, (int)i, 0, packed.data, packed.len);
    buf_finish(&packed);
    series_finish(&s.terms);
  }
  if (st == OK && g->wish->exact && g->newest_ns < g->wish->to_ns) st = err_set(err, ERR_CANCELLED, "the last instant is not in the journal yet: try again");
  return st;
}

// ---- its script

static enum status read_version(struct gathering *g, struct db *db, int64_t script_id, uint32_t version, const char *sha256, struct err *err) {
  struct script_version_row row;
  enum status st = script_version_get(db, g->row.tenant_id, script_id, version, &row, err);
  if (st == ERR_NOTFOUND) st = script_version_get(db, 0, script_id, version, &row, err);
  if (st == ERR_NOTFOUND) return err_set(err, st, "version %u of the bot's script is not there (any more)", version);
  if (st != OK) return err_wrap(err, st, "version %u of the bot's script", version);
  if (sha256 && strcmp(sha256, row.sha256) != 0) st = err_set(err, ERR_INVALID, "version %u of the script is not the one that ran (its SHA-256 is another)", version);
  else if (!row.header) st = err_set(err, ERR_INVALID, "version %u of the script was never described: upload it again", version);
  if (st == OK) {
    put(g, REPLAY_HEADER, 0, version, row.header, strlen(row.header));
    put(g, REPLAY_SOURCE, 0, version, row.source, row.source_len);
  }
  script_version_finish(&row);
  return st;
}

static enum status read_versions(struct gathering *g, struct db *db, struct err *err) {
  enum status st = OK;
  bool other = g->wish->version != 0;
  for (int i = 0; st == OK && i < g->version_count; i++) {
    other = other && g->versions[i].version != g->wish->version;
    st = read_version(g, db, g->versions[i].script_id, g->versions[i].version, g->versions[i].sha256, err);
  }
  return st == OK && other ? read_version(g, db, g->versions[0].script_id, g->wish->version, NULL, err) : st;
}

static enum status read_head(struct gathering *g, struct db *db, struct err *err) {
  struct account_row account;
  json_t *of_account = g->account ? json_loads(g->account, 0, NULL) : NULL;
  enum status st = OK;
  if (!of_account) {  // a journal of before accounts were kept in it
    st = account_get(db, g->row.tenant_id, g->row.account_id, &account, err);
    if (st == OK) of_account = json_loads(account.settings, 0, NULL);
  }
  json_t *head = st != OK ? NULL : json_pack("{s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:b, s:o, s:I}", "bot", (json_int_t)g->row.id, "run", (json_int_t)g->run.run, "version",
    (json_int_t)(g->version_count ? g->versions[0].version : 0), "symbol", g->symbol, "timeframe_ns", (json_int_t)g->timeframe_ns, "bars_from_ns", (json_int_t)g->run.bars_from_ns,
    "to_ns", (json_int_t)g->wish->to_ns, "newest_ns", (json_int_t)g->newest_ns, "latest", g->latest, "account", of_account ? of_account : json_object(), "other", (json_int_t)g->wish->version);
  char *text = head ? json_dumps(head, JSON_COMPACT) : NULL;
  json_decref(head);
  if (st == OK && !text) st = err_set(err, ERR_NOMEM, "no memory for a replay");
  if (st == OK) put(g, REPLAY_HEAD, 0, 0, text, strlen(text));
  free(text);
  return st;
}

enum status replay_gather(struct db *control, struct db *journal, const struct replay_wish *wish, struct buf *ret, struct err *err) {
  struct gathering *g = calloc(1, sizeof *g);
  if (!g) return err_set(err, ERR_NOMEM, "no memory for a replay");
  g->wish = wish;
  g->out = ret;
  buf_add(ret, REPLAY_PACK_WORD, sizeof REPLAY_PACK_WORD - 1);
  enum status st = wish->tenant_id ? bot_get(control, wish->tenant_id, wish->bot_id, &g->row, err) : bot_find(control, wish->bot_id, &g->row, err);
  if (st == OK) st = read_journal(g, journal, err);
  if (st == OK) st = read_bars(g, journal, err);
  if (st == OK) st = read_versions(g, control, err);
  if (st == OK) st = read_head(g, control, err);
  if (st == OK && ret->failed) st = err_set(err, ERR_LIMIT, "run %u is too long to be replayed at once: choose an earlier end", g->run.run);
  bot_row_finish(&g->row);
  free(g->account);
  free(g);
  return st;
}

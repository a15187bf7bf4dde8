// bot/live_script.c – which version of its script a bot runs, with which parameters: as its run's journal has it. What its row wishes comes
// to it by live_reload.c, or when it is opened after a failure.
#include "bot/live_impl.h"

#include "crypto/encode.h"
#include "store/script_rows.h"
#include "store/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum status live_script_read(const struct live_bot *b, int64_t version, struct live_script *ret, json_t **ret_header, struct err *err) {
  struct db *db = store_reader(b->live->config.store, STORE_CONTROL);
  struct script_version_row row;
  *ret = (struct live_script){0};
  *ret_header = NULL;
  enum status st = script_version_get(db, b->tenant_id, b->row.script_id, version, &row, err);
  if (st == ERR_NOTFOUND) st = script_version_get(db, 0, b->row.script_id, version, &row, err);
  if (st != OK) return st;
  json_t *header = row.header ? json_loads(row.header, 0, NULL) : NULL;
  if (!header) st = err_set(err, ERR_INVALID, "version %lld of the script was never described: upload it again", (long long)row.version);
  if (st == OK && row.state != SCRIPT_PROVEN) st = err_set(err, ERR_INVALID, "version %lld of the script is not proven", (long long)row.version);
  if (st == OK) {
    ret->version = (uint32_t)row.version;
    ret->source = row.source;
    ret->source_len = row.source_len;
    memcpy(ret->sha256, row.sha256, sizeof ret->sha256);
    row.source = NULL;
    *ret_header = header;
  } else {
    json_decref(header);
  }
  script_version_finish(&row);
  return st;
}

int64_t live_version_wished(const struct live_bot *b) {
  struct db *db = store_reader(b->live->config.store, STORE_CONTROL);
  struct script_row row;
  struct err err;
  if (b->row.version) return b->row.version;
  if (live_canary_version(b)) return live_canary_version(b);
  enum status st = script_get(db, b->tenant_id, b->row.script_id, &row, &err);
  if (st == ERR_NOTFOUND) st = script_get(db, 0, b->row.script_id, &row, &err);
  return st == OK ? row.active_version : 0;
}

void live_script_finish(struct live_script *s) {
  free(s->source);
  free(s->params);
  *s = (struct live_script){0};
}

bool live_script_set(struct live_bot *b, struct live_script *s) {
  const bool ok = live_text_set(b, &b->source, s->source, s->source_len) && (!s->params || live_text_set(b, &b->params, s->params, strlen(s->params)));
  b->version = s->version;
  b->source_len = s->source_len;
  memcpy(b->sha256, s->sha256, sizeof b->sha256);
  live_script_finish(s);
  return ok;
}

static void add_names(struct live_bot *b, uint64_t order, uint32_t version) {
  struct live_names *names = realloc(b->names, (b->name_count + 1) * sizeof *names);
  if (!names) return;
  b->names = names;
  b->names[b->name_count++] = (struct live_names){order, version};
}

// Of its past, in order. A version that did not take over changed nothing.
void live_script_record(struct live_bot *b, const struct record *r) {
  if (r->kind == RECORD_VERSION && r->why.text) return;
  if (r->kind != RECORD_PARAMS) {
    add_names(b, r->kind == RECORD_VERSION ? r->order : 0, r->version);
    b->version = r->version;
    b->version_ns = r->kind == RECORD_VERSION && r->history ? r->time_ns : 0;
    b->version_history = r->history;
  }
  const struct record_text params = r->params.len ? r->params : record_text("{}", 2);
  if (!live_text_set(b, &b->params, params.text, params.len)) live_text_clear(b, &b->params);
}

void live_script_said(struct live_bot *b, int64_t time_ns, uint32_t before, uint32_t history, const char *why) {
  struct record r;
  size_t len;
  record_init(&r, RECORD_VERSION, time_ns);
  const struct live_script *refused = why ? &b->reload->script : NULL;
  const char *params = refused ? refused->params : b->params;
  const enum status st = hex_decode(refused ? refused->sha256 : b->sha256, SHA256_HEX_SIZE - 1, r.source_sha256, sizeof r.source_sha256, &len);
  assert(st == OK);
  r.script_id = b->row.script_id;
  r.version = refused ? refused->version : b->version;
  r.version_before = before;
  r.params = record_text(params, strlen(params));
  r.order = matcher_order_last(clerk_matcher(b->clerk)) + 1;
  r.history = history;
  if (why) r.code = record_text("refused", 7), r.why = record_text(why, strnlen(why, RECORD_TEXT_MAX));
  live_record(b, &r, true, false, false);
  if (!why) clerk_version(b->clerk, b->version);
}

void live_script_forget(struct live_bot *b) {
  live_text_clear(b, &b->source);
  live_text_clear(b, &b->params);
  free(b->names);
  b->names = NULL;
  b->name_count = 0;
  b->version_ns = 0;
  b->version_history = b->state_version = b->version_before = 0;
}

#include "store/script_rows.h"
#include "store/row_text.h"

#include "store/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_texts[] = {
  [SCRIPT_NEW] = "new", [SCRIPT_PROVEN] = "proven", [SCRIPT_REJECTED] = "rejected"};
const char *script_state_text(enum script_state state) {
  return state_texts[state];
}

static enum script_state state_of(const char *text) {
  return text[0] == 'p' ? SCRIPT_PROVEN : text[0] == 'r' ? SCRIPT_REJECTED : SCRIPT_NEW;
}

#define SCRIPT_COLUMNS "id, tenant_id, kind, name, active_version, latest_version, revision, created_ns, updated_ns"

static void read_script(const struct db_rows *rows, struct script_row *ret) {
  memset(ret, 0, sizeof *ret);
  ret->id = db_int(rows, 0);
  ret->tenant_id = db_int(rows, 1);
  row_text(rows, 2, ret->kind, sizeof ret->kind);
  row_text(rows, 3, ret->name, sizeof ret->name);
  ret->active_version = db_int(rows, 4);
  ret->latest_version = db_int(rows, 5);
  ret->revision = db_int(rows, 6);
  ret->created_ns = db_int(rows, 7);
  ret->updated_ns = db_int(rows, 8);
}

static enum status one_script(struct db_rows *rows, enum status st, struct script_row *ret, struct err *err) {
  bool found = st == OK && db_next(rows);
  if (found) read_script(rows, ret);
  st = db_end(rows, st, err);
  return st != OK || found ? st : err_set(err, ERR_NOTFOUND, "there is no such script");
}

enum status script_get(struct db *db, int64_t tenant_id, int64_t script_id, struct script_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(
    db, &rows, err, "SELECT " SCRIPT_COLUMNS " FROM script WHERE id = ? AND tenant_id = ?", "ii", script_id, tenant_id);
  return one_script(&rows, st, ret, err);
}

enum status script_find(
  struct db *db, int64_t tenant_id, const char *kind, const char *name, struct script_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st =
    db_query(db, &rows, err, "SELECT " SCRIPT_COLUMNS " FROM script WHERE tenant_id = ? AND kind = ? AND name = ?",
      "itt", tenant_id, kind, name);
  return one_script(&rows, st, ret, err);
}

enum status script_list(struct db *db, int64_t tenant_id, const char *kind, int64_t after_id, int limit,
  script_row_fn fn, void *arg, struct err *err) {
  struct db_rows rows;
  struct script_row row;
  enum status st = db_query(db, &rows, err,
    "SELECT " SCRIPT_COLUMNS
    " FROM script WHERE tenant_id = ?1 AND (?2 IS NULL OR kind = ?2) AND id > ?3 ORDER BY id LIMIT ?4",
    "itii", tenant_id, kind, after_id, (int64_t)limit);
  while (st == OK && db_next(&rows)) {
    read_script(&rows, &row);
    fn(arg, &row);
  }
  return db_end(&rows, st, err);
}

enum status script_count(struct db *db, int64_t tenant_id, const char *kind, int64_t *ret, struct err *err) {
  struct db_rows rows;
  enum status st =
    db_query(db, &rows, err, "SELECT count(*) FROM script WHERE tenant_id = ? AND kind = ?", "it", tenant_id, kind);
  *ret = st == OK && db_next(&rows) ? db_int(&rows, 0) : 0;
  return db_end(&rows, st, err);
}

// ---- versions

void script_version_finish(struct script_version_row *row) {
  free(row->comment);
  free(row->header);
  free(row->verdict);
  free(row->source);
  row->comment = row->header = row->verdict = row->source = NULL;
}

static bool copy(const struct db_rows *rows, int column, char **ret) {
  *ret = NULL;
  if (db_null(rows, column)) return true;
  *ret = strdup(db_text(rows, column));
  return *ret != NULL;
}

static void read_version(const struct db_rows *rows, struct script_version_row *ret) {
  memset(ret, 0, sizeof *ret);
  ret->id = db_int(rows, 0);
  ret->script_id = db_int(rows, 1);
  ret->version = db_int(rows, 2);
  snprintf(ret->sha256, sizeof ret->sha256, "%s", db_text(rows, 3));
  ret->author_id = db_int(rows, 4);
  ret->created_ns = db_int(rows, 5);
  ret->state = state_of(db_text(rows, 6));
  ret->active = db_int(rows, 7) != 0;
}

#define VERSION_COLUMNS                                                                                         \
  "v.id, v.script_id, v.version, v.sha256, v.author_id, v.created_ns, v.state, v.version IS s.active_version, " \
  "v.comment, v.header, v.verdict"

enum status script_version_get(struct db *db, int64_t tenant_id, int64_t script_id, int64_t version,
  struct script_version_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT " VERSION_COLUMNS ", v.source FROM script s JOIN script_version v ON v.script_id = s.id"
    " WHERE s.id = ?1 AND s.tenant_id = ?2 AND v.version = CASE ?3 WHEN 0 THEN s.active_version ELSE ?3 END",
    "iii", script_id, tenant_id, version);
  bool found = st == OK && db_next(&rows), copied = true;
  if (found) {
    read_version(&rows, ret);
    copied = copy(&rows, 8, &ret->comment) && copy(&rows, 9, &ret->header) && copy(&rows, 10, &ret->verdict) &&
             copy(&rows, 11, &ret->source);
    if (copied) ret->source_len = strlen(ret->source);
  }
  st = db_end(&rows, st, err);
  if (st == OK && !copied) st = err_set(err, ERR_NOMEM, "no memory for a script");
  if (found && st != OK) script_version_finish(ret);
  return st != OK || found ? st : err_set(err, ERR_NOTFOUND, "there is no such version of the script");
}

enum status script_version_list(struct db *db, int64_t tenant_id, int64_t script_id, int64_t before, int limit,
  script_version_fn fn, void *arg, struct err *err) {
  struct db_rows rows;
  struct script_version_row row;
  enum status st = db_query(db, &rows, err,
    "SELECT " VERSION_COLUMNS " FROM script s JOIN script_version v ON v.script_id = s.id"
    " WHERE s.id = ?1 AND s.tenant_id = ?2 AND (?3 = 0 OR v.version < ?3) ORDER BY v.version DESC LIMIT ?4",
    "iiii", script_id, tenant_id, before, (int64_t)limit);
  bool copied = true;
  while (st == OK && copied && db_next(&rows)) {
    read_version(&rows, &row);
    copied = copy(&rows, 8, &row.comment) && copy(&rows, 9, &row.header) && copy(&rows, 10, &row.verdict);
    if (copied) fn(arg, &row);
    script_version_finish(&row);
  }
  st = db_end(&rows, st, err);
  return st != OK || copied ? st : err_set(err, ERR_NOMEM, "no memory for a script");
}

// ---- changes

#define NULL_IF_0(x) (x), (int64_t)0  // for nullif(?, ?)

static enum status find_version(struct db *db, int64_t script_id, const char *sha256, int64_t *ret_version,
  enum script_state *ret_state, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT version, state FROM script_version WHERE script_id = ? AND sha256 = ?", "it", script_id, sha256);
  *ret_version = 0;
  if (st == OK && db_next(&rows)) {
    *ret_version = db_int(&rows, 0);
    *ret_state = state_of(db_text(&rows, 1));
  }
  return db_end(&rows, st, err);
}

enum status script_put(struct db *db, const struct script_put *put, struct script_put_result *ret, struct err *err) {
  struct script_row script;
  memset(ret, 0, sizeof *ret);
  enum status st = script_find(db, put->tenant_id, put->kind, put->name, &script, err);
  if (st == ERR_NOTFOUND) {
    memset(&script, 0, sizeof script);
    script.id = put->script_id;
    ret->new_script = true;
    st = db_run(db, NULL, err,
      "INSERT INTO script (id, tenant_id, kind, name, latest_version, revision, created_ns, updated_ns) VALUES (?, ?, "
      "?, ?, 0, 1, ?, ?)",
      "iittii", put->script_id, put->tenant_id, put->kind, put->name, put->now_ns, put->now_ns);
  }
  if (st != OK) return st;
  ret->script_id = script.id;
  enum script_state was = SCRIPT_NEW;
  st = find_version(db, script.id, put->sha256, &ret->version, &was, err);
  if (st != OK) return st;
  if (ret->version != 0) {
    if (was == SCRIPT_PROVEN) return OK;
    return db_run(db, NULL, err,
      "UPDATE script_version SET state = ?, header = ?, verdict = ? WHERE script_id = ? AND version = ?", "tttii",
      state_texts[put->state], put->header, put->verdict, script.id, ret->version);
  }
  ret->version = script.latest_version + 1;
  ret->new_version = true;
  st = db_run(db, NULL, err,
    "INSERT INTO script_version (id, script_id, version, sha256, author_id, created_ns, comment, state, header, "
    "verdict, source)"
    " VALUES (?, ?, ?, ?, nullif(?, ?), ?, ?, ?, ?, ?, ?)",
    "iiitiiittttT", put->version_id, script.id, ret->version, put->sha256, NULL_IF_0(put->author_id), put->now_ns,
    put->comment != NULL ? put->comment : "", state_texts[put->state], put->header, put->verdict, put->source,
    put->source_len);
  if (st == OK)
    st = db_run(db, NULL, err,
      "UPDATE script SET latest_version = ?, revision = revision + 1, updated_ns = ? WHERE id = ?", "iii", ret->version,
      put->now_ns, script.id);
  return st;
}

static enum status check_revision(const struct script_row *row, int64_t expected, struct err *err) {
  if (expected == 0 || expected == row->revision) return OK;
  return err_set(err, ERR_CANCELLED, "the script was changed meanwhile: revision %lld was expected, it is %lld",
    (long long)expected, (long long)row->revision);
}

enum status script_activate(struct db *db, int64_t tenant_id, int64_t script_id, int64_t version,
  int64_t expected_revision, int64_t actor_id, int64_t now_ns, struct script_row *ret, struct err *err) {
  struct script_row row;
  struct script_version_row v;
  enum status st = script_get(db, tenant_id, script_id, &row, err);
  if (st == OK) st = check_revision(&row, expected_revision, err);
  if (st == OK && version == 0) st = err_set(err, ERR_NOTFOUND, "there is no such version of the script");
  if (st == OK) st = script_version_get(db, tenant_id, script_id, version, &v, err);
  if (st != OK) return st;
  enum script_state state = v.state;
  script_version_finish(&v);
  if (state != SCRIPT_PROVEN)
    return err_set(err, ERR_INVALID, "version %lld of %s is %s; only a proven version can be active",
      (long long)version, row.name, state == SCRIPT_REJECTED ? "rejected" : "not proven yet");
  *ret = row;
  if (row.active_version == version) return OK;
  st =
    db_run(db, NULL, err, "UPDATE script SET active_version = ?, revision = revision + 1, updated_ns = ? WHERE id = ?",
      "iii", version, now_ns, script_id);
  if (st == OK)
    st = db_run(db, NULL, err,
      "INSERT INTO script_activation (script_id, revision, version, previous, actor_id, at_ns) VALUES (?, ?, ?, "
      "nullif(?, ?), nullif(?, ?), ?)",
      "iiiiiiii", script_id, row.revision + 1, version, NULL_IF_0(row.active_version), NULL_IF_0(actor_id), now_ns);
  if (st == OK) st = script_get(db, tenant_id, script_id, ret, err);
  return st;
}

enum status script_previous(
  struct db *db, int64_t tenant_id, int64_t script_id, int64_t *ret_version, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT a.previous FROM script_activation a JOIN script s ON s.id = a.script_id"
    " WHERE s.id = ? AND s.tenant_id = ? AND a.version = s.active_version ORDER BY a.revision DESC LIMIT 1",
    "ii", script_id, tenant_id);
  bool found = st == OK && db_next(&rows) && !db_null(&rows, 0);
  if (found) *ret_version = db_int(&rows, 0);
  st = db_end(&rows, st, err);
  return st != OK || found ? st : err_set(err, ERR_NOTFOUND, "no version was active before the present one");
}

enum status script_delete(struct db *db, int64_t tenant_id, int64_t script_id, struct err *err) {
  int64_t changes = 0;
  if (tenant_id == 0)
    return err_set(err, ERR_INVALID, "the installation's own scripts are kept, with all their versions");
  enum status st =
    db_run(db, &changes, err, "DELETE FROM script WHERE id = ? AND tenant_id = ?", "ii", script_id, tenant_id);
  return st != OK || changes > 0 ? st : err_set(err, ERR_NOTFOUND, "there is no such script");
}

enum status script_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) {
  if (tenant_id == 0) return err_set(err, ERR_INVALID, "the installation's own scripts are not erased");
  return db_run(db, NULL, err, "DELETE FROM script WHERE tenant_id = ?", "i", tenant_id);
}

// ---- the edition

void edition_row_finish(struct edition_row *row) {
  free(row->branding);
  free(row->presets);
  row->branding = row->presets = NULL;
}

enum status edition_get(struct db *db, struct edition_row *ret, struct err *err) {
  struct db_rows rows;
  memset(ret, 0, sizeof *ret);
  enum status st = db_query(db, &rows, err, "SELECT name, branding, presets, loaded_ns FROM edition WHERE one = 1", "");
  bool found = st == OK && db_next(&rows), copied = true;
  if (found) {
    snprintf(ret->name, sizeof ret->name, "%s", db_text(&rows, 0));
    copied = copy(&rows, 1, &ret->branding) && copy(&rows, 2, &ret->presets);
    ret->loaded_ns = db_int(&rows, 3);
  }
  st = db_end(&rows, st, err);
  if (st == OK && !copied) st = err_set(err, ERR_NOMEM, "no memory for the edition");
  if (st != OK) edition_row_finish(ret);
  return st != OK || found ? st : err_set(err, ERR_NOTFOUND, "no edition was loaded");
}

enum status edition_set(
  struct db *db, const char *name, const char *branding, const char *presets, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO edition (one, name, branding, presets, loaded_ns) VALUES (1, ?, ?, ?, ?)"
    " ON CONFLICT (one) DO UPDATE SET name = excluded.name, branding = excluded.branding, presets = excluded.presets,"
    " loaded_ns = excluded.loaded_ns",
    "ttti", name, branding, presets, now_ns);
}

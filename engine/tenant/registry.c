#include "tenant/registry.h"

#include "crypto/sha256.h"
#include "script/spec.h"
#include "store/id.h"
#include "tenant/registry_impl.h"
#include "tenant/shipped.h"

#include <math.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 64  // entries a snapshot may grow by while an activation is under way
#define LIST_MAX 100000

// ---- loading what is active

static const struct shipped *shipped_find(const char *edition) {
  const struct shipped *s = shipped_tiers;
  while (s->name != NULL && strcmp(s->name, edition) != 0) s++;
  return s->name != NULL ? s : NULL;
}

static void warn(struct buf *warnings, const char *what, const char *name, const struct err *err) {
  if (warnings != NULL) buf_printf(warnings, "%s %s: %s\n", what, name, err->msg);
}

// The stored active version as an entry. ERR_NOTFOUND: there is none.
static enum status load_active(struct db *db, const struct script_row *row, enum script_kind kind,
  struct watchdog *watchdog, struct entry **ret, struct err *err) {
  struct script_version_row v;
  enum status st = row->active_version == 0 ? err_set(err, ERR_NOTFOUND, "no version is active")
                                            : script_version_get(db, 0, row->id, 0, &v, err);
  if (st != OK) return st;
  st = entry_create(kind, row->name, v.source, v.source_len, watchdog, ret, err);
  if (st == OK) {
    (*ret)->script.script_id = row->id;
    (*ret)->script.version = v.version;
  }
  script_version_finish(&v);
  return st;
}

static enum status load_tiers(
  struct registry *reg, struct db *db, struct snapshot *s, struct buf *warnings, struct err *err) {
  struct script_row row;
  struct entry *e = NULL;
  enum status st = script_find(db, 0, "tier", reg->edition, &row, err);
  if (st == OK) st = load_active(db, &row, SCRIPT_TIER, reg->watchdog, &e, err);
  if (st == ERR_IO || st == ERR_NOMEM) return st;
  if (st != OK) {
    const struct shipped *shipped = shipped_find(reg->edition);
    if (st != ERR_NOTFOUND) warn(warnings, "tier", reg->edition, err);
    if (shipped == NULL && st != ERR_NOTFOUND) return st;
    if (shipped == NULL)
      return err_set(err, ERR_NOTFOUND,
        "there is no edition '%s': neither shipped nor loaded with `perigee edition load`", reg->edition);
    st = entry_create(SCRIPT_TIER, reg->edition, shipped->source, shipped->len, reg->watchdog, &e, err);
  }
  if (st != OK) return st;
  snapshot_set(s, e);
  entry_release(e);
  return OK;
}

struct row_list {
  struct script_row *rows;
  size_t n, cap;
  bool failed;
};

static void collect(void *arg, const struct script_row *row) {
  struct row_list *list = arg;
  if (list->n == list->cap) {
    size_t cap = list->cap != 0 ? 2 * list->cap : 16;
    struct script_row *rows = realloc(list->rows, cap * sizeof *rows);
    if (rows == NULL) list->failed = true;
    if (list->failed) return;
    list->rows = rows;
    list->cap = cap;
  }
  list->rows[list->n++] = *row;
}

// A shipped script of which nothing is stored, or nothing that loads: the program's own.
static enum status load_shipped(struct registry *reg, enum script_kind kind, const struct shipped *list, struct err *err) {
  for (const struct shipped *s = list; s->name != NULL; s++) {
    struct entry *e;
    if (snapshot_find(reg->now, kind, s->name) != NULL) continue;
    const enum status st = entry_create(kind, s->name, s->source, s->len, reg->watchdog, &e, err);
    if (st != OK) return st;
    snapshot_set(reg->now, e);
    entry_release(e);
  }
  return OK;
}

static enum status load_all(struct registry *reg, struct db *db, struct buf *warnings, struct err *err) {
  struct row_list list = {0};
  enum status st = script_list(db, 0, "rule", 0, LIST_MAX, collect, &list, err);
  if (st == OK) st = script_list(db, 0, "dialect", 0, LIST_MAX, collect, &list, err);
  if (st == OK && !list.failed) reg->now = snapshot_create(list.n + ROOM);
  if (st == OK && reg->now == NULL) st = err_set(err, ERR_NOMEM, "no memory for the scripts");
  if (st == OK) st = load_tiers(reg, db, reg->now, warnings, err);
  for (size_t i = 0; st == OK && i < list.n; i++) {
    struct entry *e;
    enum script_kind kind = SCRIPT_RULE;
    if (list.rows[i].active_version == 0 || !script_kind_parse(list.rows[i].kind, &kind)) continue;
    st = load_active(db, &list.rows[i], kind, reg->watchdog, &e, err);
    if (st == OK) {
      snapshot_set(reg->now, e);
      entry_release(e);
    } else if (st != ERR_NOMEM && st != ERR_IO) {
      warn(warnings, list.rows[i].kind, list.rows[i].name, err);
      st = OK;
    }
  }
  free(list.rows);
  if (st == OK) st = load_shipped(reg, SCRIPT_DIALECT, shipped_dialects, err);
  if (st == OK) st = load_shipped(reg, SCRIPT_RULE, shipped_rules, err);
  return st;
}

enum status registry_create(struct db *reader, const struct registry_options *options, struct registry **ret,
  struct buf *ret_warnings, struct err *err) {
  struct registry *reg = calloc(1, sizeof *reg);
  struct edition_row edition;
  if (reg == NULL) return err_set(err, ERR_NOMEM, "no memory for the scripts");
  reg->watchdog = options->watchdog;
  snprintf(reg->edition, sizeof reg->edition, "%s", options->edition != NULL ? options->edition : EDITION_DEFAULT);
  enum status st = options->edition != NULL ? ERR_NOTFOUND : edition_get(reader, &edition, err);
  if (st == OK) {
    snprintf(reg->edition, sizeof reg->edition, "%s", edition.name);
    edition_row_finish(&edition);
  }
  if (st == ERR_NOTFOUND) st = OK;
  if (st == OK) st = load_all(reg, reader, ret_warnings, err);
  if (st == OK)
    *ret = reg;
  else
    registry_destroy(reg);
  return st;
}

void registry_destroy(struct registry *reg) {
  if (reg == NULL) return;
  snapshot_release(reg->now);
  free(reg);
}

void registry_listen(struct registry *reg, registry_listener fn, void *arg) {
  reg->listener = fn;
  reg->listener_arg = arg;
}

struct snapshot *registry_snapshot(struct registry *reg) {
  return reg->now;
}
const char *registry_edition(const struct registry *reg) {
  return reg->edition;
}

// ---- put

enum status registry_check_name(enum script_kind kind, const char *name, struct err *err) {
  size_t len = strlen(name);
  bool good = len > 0 && len < SCRIPT_NAME_SIZE && isalnum((unsigned char)name[0]) && name[len - 1] != ' ';
  for (const char *p = name; good && *p != '\0'; p++)
    good = (unsigned char)*p < 0x80 &&
           (kind == SCRIPT_TIER ? islower((unsigned char)*p) || isdigit((unsigned char)*p) || strchr("_-", *p) != NULL
                                : isalnum((unsigned char)*p) || strchr(" _-.()+", *p) != NULL);
  if (good && kind == SCRIPT_TIER) good = len < PLAN_ID_MAX && islower((unsigned char)name[0]);
  if (good) return OK;
  if (kind == SCRIPT_TIER)
    return err_set(err, ERR_INVALID,
      "a tier script is named as its edition: 1 to %d lower-case letters, digits, _ and -, a letter first",
      PLAN_ID_MAX - 1);
  return err_set(err, ERR_INVALID,
    "a script's name has 1 to %d letters, digits, spaces and _-.()+, a letter or digit first", SCRIPT_NAME_SIZE - 1);
}

void script_draft_finish(struct script_draft *d) {
  free(d->header);
  free(d->source);
  d->header = d->source = NULL;
}

static enum status describe_strategy(
  const char *file, const struct script_draft *d, struct watchdog *watchdog, json_t **ret, struct err *err) {
  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  double max_notional;
  enum status st = script_describe(file, d->source, d->source_len, watchdog, &spec, err);
  if (st != OK) return st;
  params_default(spec, values);
  st = script_check_params(file, d->source, d->source_len, spec, values, watchdog, &max_notional, err);
  *ret = st == OK ? spec_json(spec) : NULL;
  if (*ret) json_object_set_new(*ret, "max_notional", spec->has_max_notional && isfinite(max_notional) ? json_real(max_notional) : json_null());
  free(spec);
  return st;
}

static enum status describe_tiers(const char *name, const char *file, const struct script_draft *d,
  struct watchdog *watchdog, json_t **ret, struct err *err) {
  struct tier_script *tiers;
  enum status st = tier_script_create(file, d->source, d->source_len, watchdog, &tiers, err);
  if (st != OK) return st;
  const struct plan_set *set = tier_script_set(tiers);
  if (strcmp(set->edition, name) != 0)
    st = err_set(err, ERR_SCRIPT, "%s:1: the script says edition=\"%s\", but is named %s", file, set->edition, name);
  else
    st = tier_script_prove(tiers, err);
  if (st == OK) *ret = plan_set_json(set);
  tier_script_destroy(tiers);
  return st;
}

enum status registry_describe(enum script_kind kind, const char *name, const char *source, size_t len,
  struct watchdog *watchdog, struct script_draft *ret, struct err *err) {
  char file[SCRIPT_NAME_SIZE + 8];
  struct profile_spec spec;
  json_t *header = NULL;
  enum status st = registry_check_name(kind, name, err);
  if (st != OK) return st;
  snprintf(file, sizeof file, "%s.lua", name);
  if (len > SCRIPT_SOURCE_MAX)
    return err_set(
      err, ERR_LIMIT, "%s: the script has %zu bytes, at most %d are allowed", file, len, SCRIPT_SOURCE_MAX);
  *ret = (struct script_draft){.kind = kind,
    .state = kind == SCRIPT_STRATEGY ? SCRIPT_NEW : SCRIPT_PROVEN,
    .source = malloc(len + 1),
    .source_len = len};
  if (ret->source == NULL) return err_set(err, ERR_NOMEM, "%s: out of memory", file);
  memcpy(ret->source, source, len);
  ret->source[len] = '\0';
  sha256_hex(source, len, ret->sha256);
  if (kind == SCRIPT_STRATEGY)
    st = describe_strategy(file, ret, watchdog, &header, err);
  else if (kind == SCRIPT_TIER)
    st = describe_tiers(name, file, ret, watchdog, &header, err);
  else if ((st = profile_describe(kind, file, source, len, watchdog, &spec, err)) == OK) {
    header = profile_json(&spec);
    profile_spec_finish(&spec);
  }
  if (st == OK) {
    ret->header = header != NULL ? json_dumps(header, JSON_COMPACT) : NULL;
    if (ret->header == NULL) st = err_set(err, ERR_NOMEM, "%s: out of memory", file);
  }
  json_decref(header);
  if (st != OK) script_draft_finish(ret);
  return st;
}

enum status registry_put(struct db *db, const struct script_draft *d, int64_t tenant_id, const char *name,
  const char *comment, int64_t author_id, int64_t now_ns, struct script_put_result *ret, struct err *err) {
  struct script_put put = {.tenant_id = tenant_id,
    .kind = script_kind_name(d->kind),
    .name = name,
    .source = d->source,
    .source_len = d->source_len,
    .sha256 = d->sha256,
    .comment = comment,
    .header = d->header,
    .state = d->state,
    .author_id = author_id,
    .script_id = id_next(now_ns),
    .version_id = id_next(now_ns),
    .now_ns = now_ns};
  return script_put(db, &put, ret, err);
}

#define SHIPPED_COMMENT "shipped with the program"

// Whether the active version came with a program. A newer program's dialect, which mends how a venue is spoken to, takes its place; prices
// never change by themselves, and what an operator put stays.
static enum status is_superseded(struct db *db, enum script_kind kind, const struct script_row *row, bool *ret, struct err *err) {
  struct script_version_row v;
  *ret = false;
  if (kind != SCRIPT_DIALECT || row->active_version == 0) return OK;
  enum status st = script_version_get(db, 0, row->id, row->active_version, &v, err);
  if (st != OK) return st;
  *ret = v.author_id == 0 && v.comment != NULL && strcmp(v.comment, SHIPPED_COMMENT) == 0;
  script_version_finish(&v);
  return OK;
}

static enum status ship(struct db *db, enum script_kind kind, const struct shipped *s, struct watchdog *watchdog, int64_t now_ns, struct err *err) {
  struct script_draft draft;
  struct script_put_result put;
  struct script_row row;
  enum status st = registry_describe(kind, s->name, s->source, s->len, watchdog, &draft, err);
  if (st != OK) return err_wrap(err, st, "shipped %s", script_kind_name(kind));
  st = registry_put(db, &draft, 0, s->name, SHIPPED_COMMENT, 0, now_ns, &put, err);
  script_draft_finish(&draft);
  if (st == OK) st = script_get(db, 0, put.script_id, &row, err);
  bool superseded = false;
  if (st == OK && put.new_version) st = is_superseded(db, kind, &row, &superseded, err);
  if (st == OK && (row.active_version == 0 || superseded)) st = script_activate(db, 0, put.script_id, put.version, 0, 0, now_ns, &row, err);
  return st;
}

enum status registry_ship(struct db *db, struct watchdog *watchdog, int64_t now_ns, struct err *err) {
  enum status st = OK;
  for (const struct shipped *s = shipped_tiers; st == OK && s->name != NULL; s++) st = ship(db, SCRIPT_TIER, s, watchdog, now_ns, err);
  for (const struct shipped *s = shipped_dialects; st == OK && s->name != NULL; s++) st = ship(db, SCRIPT_DIALECT, s, watchdog, now_ns, err);
  for (const struct shipped *s = shipped_rules; st == OK && s->name != NULL; s++) st = ship(db, SCRIPT_RULE, s, watchdog, now_ns, err);
  return st;
}

// ---- activate

struct activation *activation_create(struct registry *reg, int64_t tenant_id, int count) {
  struct activation *a = calloc(1, sizeof *a + (size_t)count * sizeof a->changes[0]);
  if (a == NULL) return NULL;
  a->tenant_id = tenant_id;
  a->count = count;
  a->next = snapshot_create(reg->now->count + (size_t)count + ROOM);
  if (a->next == NULL) {
    free(a);
    return NULL;
  }
  return a;
}

void registry_discard(struct activation *a) {
  if (a == NULL) return;
  for (int i = 0; i < a->count; i++) entry_release(a->changes[i].entry);
  snapshot_release(a->next);
  free(a);
}

const struct script_row *activation_row(const struct activation *a) {
  return &a->row;
}
int64_t activation_version(const struct activation *a) { return a->changes[0].version; }

enum status registry_prepare(struct registry *reg, struct db *reader, int64_t tenant_id, int64_t script_id,
  int64_t version, struct activation **ret, struct err *err) {
  struct script_row row;
  struct script_version_row v;
  enum script_kind kind = SCRIPT_STRATEGY;
  enum status st = script_get(reader, tenant_id, script_id, &row, err);
  if (st == OK && version == 0) st = script_previous(reader, tenant_id, script_id, &version, err);
  if (st == OK) st = script_version_get(reader, tenant_id, script_id, version, &v, err);
  if (st != OK) return st;
  script_kind_parse(row.kind, &kind);
  struct activation *a = activation_create(reg, tenant_id, 1);
  if (a == NULL) st = err_set(err, ERR_NOMEM, "no memory for the script");
  if (st == OK && v.state != SCRIPT_PROVEN)
    st = err_set(err, ERR_INVALID, "version %lld of %s is not proven; only a proven version can be active",
      (long long)version, row.name);
  if (st == OK) {
    struct change *c = &a->changes[0];
    c->kind = kind;
    c->script_id = script_id;
    c->version = version;
    snprintf(c->name, sizeof c->name, "%s", row.name);
    a->row = row;
    bool ours = tenant_id == 0 && kind != SCRIPT_STRATEGY;
    if (ours) st = entry_create(kind, row.name, v.source, v.source_len, reg->watchdog, &c->entry, err);
  }
  script_version_finish(&v);
  if (st == OK)
    *ret = a;
  else
    registry_discard(a);
  return st;
}

enum status registry_activate(
  struct activation *a, struct db *db, int64_t expected_revision, int64_t actor_id, int64_t now_ns, struct err *err) {
  assert(a->count == 1);
  return script_activate(db, a->tenant_id, a->changes[0].script_id, a->changes[0].version, expected_revision, actor_id,
    now_ns, &a->row, err);
}

void registry_commit(struct registry *reg, struct activation *a) {
  struct snapshot *next = a->next, *old = reg->now;
  if (old->count + (size_t)a->count > next->capacity) {  // more than ROOM scripts came meanwhile
    next = snapshot_create(old->count + (size_t)a->count + ROOM);
    assert(next != NULL);
  } else {
    a->next = NULL;
  }
  if (a->edition != NULL) snprintf(reg->edition, sizeof reg->edition, "%s", a->edition);
  next->generation = old->generation + 1;
  snapshot_set(next, old->tiers);
  for (size_t i = 0; i < old->count; i++) snapshot_set(next, old->entries[i]);
  for (int i = 0; i < a->count; i++) {
    struct change *c = &a->changes[i];
    if (c->entry == NULL || (c->kind == SCRIPT_TIER && strcmp(c->name, reg->edition) != 0)) continue;
    c->entry->script.script_id = c->script_id;
    c->entry->script.version = c->version;
    snapshot_set(next, c->entry);
  }
  reg->now = next;
  for (int i = 0; i < a->count && reg->listener != NULL; i++)
    reg->listener(reg->listener_arg, a->tenant_id, a->changes[i].kind, a->changes[i].script_id, a->changes[i].version);
  snapshot_release(old);
  registry_discard(a);
}

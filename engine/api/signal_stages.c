// api/signal_stages.c – see signal_stages.h.
#include "api/signal_stages.h"

#include "base/suggest.h"
#include "store/hook_rows.h"
#include "tenant/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES_SUGGESTED 64

void signal_stages_free(struct kept_stage *s, size_t count) {
  for (size_t i = 0; i < count; i++) {
    rules_source_free(s[i].source);
    json_decref(s[i].settings);
  }
}

struct rule_text {
  char file[SCRIPT_NAME_SIZE + 8], sha[65];
  char *source;  // owned
  size_t source_len;
};

// Of the installation's rules, which the name is near to.
static enum status no_rule(const struct snapshot *scripts, const char *name, struct err *err) {
  const char *names[RULES_SUGGESTED];
  size_t n = 0;
  const struct active_script *s;
  for (size_t i = 0; n < RULES_SUGGESTED && (s = snapshot_at(scripts, i)); i++)
    if (s->kind == SCRIPT_RULE) names[n++] = s->name;
  const char *near = suggest_nearest(name, names, n);
  return err_set(err, ERR_INVALID, "there is no active rule named %s%s%s%s", name, near ? "; is '" : "", near ? near : "", near ? "' meant?" : "");
}

// A tenant's own rule of the name, else the installation's.
// *ret_header (may be NULL): of a tenant's own rule what its header said when it was put; NULL of others.
static enum status rule_source(const struct snapshot *scripts, struct db *db, int64_t tenant_id, const char *name, struct rule_text *ret, json_t **ret_header, struct err *err) {
  struct script_row row;
  struct script_version_row v;
  enum status st = tenant_id ? script_find(db, tenant_id, "rule", name, &row, err) : ERR_NOTFOUND;
  if (st == OK && row.active_version == 0) st = ERR_NOTFOUND;
  if (st == OK) st = script_version_get(db, tenant_id, row.id, 0, &v, err);
  if (st == OK) {
    snprintf(ret->sha, sizeof ret->sha, "%s", v.sha256);
    ret->source = v.source, ret->source_len = v.source_len;
    v.source = NULL;
    if (ret_header) *ret_header = v.header ? json_loads(v.header, 0, NULL) : NULL;
    script_version_finish(&v);
  } else if (st == ERR_NOTFOUND) {
    const struct active_script *s = snapshot_find(scripts, SCRIPT_RULE, name);
    if (!s) return no_rule(scripts, name, err);
    snprintf(ret->sha, sizeof ret->sha, "%s", s->sha256);
    ret->source = malloc(s->source_len + 1);
    if (!ret->source) return err_set(err, ERR_NOMEM, "out of memory");
    memcpy(ret->source, s->source, ret->source_len = s->source_len);
    ret->source[s->source_len] = '\0';
    st = OK;
  }
  snprintf(ret->file, sizeof ret->file, "%s.lua", name);
  return st;
}

// tenant_id: whose rules of a name go before the installation's; user_id: for whom they are asked.
static enum status stages_of(const struct snapshot *scripts, struct db *db, int64_t tenant_id, int64_t user_id, const json_t *list, struct kept_stage *stages, size_t *count, struct err *err) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *v = json_array_get(list, i);
    const char *rule = json_string_value(json_object_get(v, "rule")), *name = json_string_value(json_object_get(v, "name"));
    if (*count == STAGES_MAX) return err_set(err, ERR_LIMIT, "more than %d stages together", STAGES_MAX);
    struct kept_stage *s = &stages[*count];
    *s = (struct kept_stage){0};
    snprintf(s->name, sizeof s->name, "%s", name ? name : rule ? rule : "");
    struct rule_text text = {0};
    enum status st = rule_source(scripts, db, tenant_id, rule ? rule : "", &text, NULL, err);
    if (st == OK && !(s->source = rules_source_create(user_id, text.file, text.sha, text.source, text.source_len))) st = err_set(err, ERR_NOMEM, "out of memory");
    free(text.source);
    if (st != OK) return st;
    s->settings = json_deep_copy(json_object_get(v, "settings"));
    (*count)++;
  }
  return OK;
}

// Of the installation, the tenant and the hook, in this order.
enum status signal_stages_load(const struct snapshot *scripts, struct db *db, int64_t tenant_id, const json_t *own, struct kept_stage *stages, size_t *count, struct err *err) {
  const int64_t owners[] = {0, tenant_id};
  enum status st = OK;
  *count = 0;
  for (int i = 0; st == OK && i < 2; i++) {
    char *text;
    int64_t revision;
    st = stages_get(db, owners[i], &text, &revision, err);
    if (st != OK) break;
    json_t *list = json_loads(text, 0, NULL);
    free(text);
    st = stages_of(scripts, db, owners[i], tenant_id, list, stages, count, err);
    json_decref(list);
  }
  if (st == OK) st = stages_of(scripts, db, tenant_id, tenant_id, own, stages, count, err);
  if (st != OK) signal_stages_free(stages, *count), *count = 0;
  return st;
}

enum status signal_stages_check(const struct snapshot *scripts, struct db *db, int64_t tenant_id, const json_t *stages, struct err *err) {
  enum status st = OK;
  for (size_t i = 0; st == OK && i < json_array_size(stages); i++) {
    const json_t *v = json_array_get(stages, i);
    const char *rule = json_string_value(json_object_get(v, "rule")), *name = json_string_value(json_object_get(v, "name"));
    if (!name) name = rule;
    for (size_t k = 0; k < i; k++) {
      const json_t *o = json_array_get(stages, k);
      const char *other = json_string_value(json_object_get(o, json_object_get(o, "name") ? "name" : "rule"));
      if (strcmp(name, other) == 0) return err_set(err, ERR_INVALID, "/%zu/name: '%s' is there twice; scores go by this name", i, name);
    }
    struct rule_text s = {0};
    struct rule *r = NULL;
    json_t *header = NULL;
    const char *where = "/rule";
    st = rule_source(scripts, db, tenant_id, rule, &s, &header, err);
    // An operator's rule is evaluated here; a customer's own is not, as in this process are secrets.
    if (st == OK && !header) st = rule_create(s.file, s.source, s.source_len, NULL, &r, err);
    if (st == OK) where = "/settings", st = rule_settings_check(header ? json_object_get(header, "settings") : rule_settings(r), json_object_get(v, "settings"), err);
    json_decref(header);
    rule_destroy(r);
    free(s.source);
    if (st != OK && st != ERR_NOMEM && st != ERR_IO) {
      char why[400];
      snprintf(why, sizeof why, "%.399s", err->msg);
      st = err_set(err, ERR_INVALID, "/%zu%s: %s", i, where, why);
    }
  }
  return st;
}


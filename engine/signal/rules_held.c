// signal/rules_held.c – sources of rules as tenants use them, and which of them are in quarantine. See rules_host.h, rules_impl.h.
#include "signal/rules_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- sources

struct rules_source *rules_source_create(int64_t tenant_id, const char *file, const char *sha256, const char *source, size_t len) {
  struct rules_source *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->refs = 1;
  snprintf(s->sha256, sizeof s->sha256, "%s", sha256);
  snprintf(s->file, sizeof s->file, "%s", file);
  snprintf(s->key, sizeof s->key, "%lld:%s", (long long)tenant_id, s->sha256);
  json_t *tell = json_pack("{s:{s:s, s:s, s:s%}}", "tell", "key", s->key, "file", s->file, "source", source, len);
  char *text = tell ? json_dumps(tell, JSON_COMPACT) : NULL;
  json_decref(tell);
  s->tell_len = text ? strlen(text) + 1 : 0;
  s->tell = text ? realloc(text, s->tell_len + 1) : NULL;
  if (!s->tell) return free(text), free(s), NULL;
  memcpy(s->tell + s->tell_len - 1, "\n", 2);
  return s;
}

void rules_source_free(struct rules_source *s) {
  if (!s || --s->refs > 0) return;
  free(s->tell);
  free(s);
}

// ---- what is held: a few

struct held {
  struct held *next;
  int64_t tenant_id;
  char sha256[65], why[300];
};

static struct held **find(struct held **at, int64_t tenant_id, const char *sha256) {
  while (*at && ((*at)->tenant_id != tenant_id || strcmp((*at)->sha256, sha256) != 0)) at = &(*at)->next;
  return at;
}

const char *held_why(const struct held *list, int64_t tenant_id, const char *sha256) {
  const struct held *e = list ? *find((struct held **)&list, tenant_id, sha256) : NULL;
  return e ? e->why : NULL;
}

bool held_add(struct held **list, const struct rules_held *what) {
  struct held *e = *find(list, what->tenant_id, what->sha256) ? NULL : calloc(1, sizeof *e);
  if (!e) return false;
  e->tenant_id = what->tenant_id;
  snprintf(e->sha256, sizeof e->sha256, "%s", what->sha256);
  snprintf(e->why, sizeof e->why, "%s", what->why);
  e->next = *list;
  *list = e;
  return true;
}

bool held_remove(struct held **list, int64_t tenant_id, const char *sha256) {
  struct held **at = find(list, tenant_id, sha256), *e = *at;
  if (!e) return false;
  *at = e->next;
  free(e);
  return true;
}

void held_finish(struct held **list) {
  while (*list) {
    struct held *e = *list;
    *list = e->next;
    free(e);
  }
}

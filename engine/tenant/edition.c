#include "tenant/edition.h"

#include "base/suggest.h"
#include "crypto/encode.h"
#include "store/script_rows.h"
#include "tenant/preset.h"
#include "tenant/registry_impl.h"
#include "tenant/shipped.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MANIFEST_MAX (256 * 1024)
#define LOGO_MAX (32 * 1024)

struct part {
  struct edition_item item;
  struct script_draft draft;
};

struct edition {
  char name[SCRIPT_NAME_SIZE];
  char *branding, *presets;  // JSON
  size_t count;
  struct part parts[EDITION_SCRIPTS_MAX];
};

const char *edition_name(const struct edition *e) {
  return e->name;
}
const struct edition_item *edition_item(const struct edition *e, size_t i) {
  return i < e->count ? &e->parts[i].item : NULL;
}

void edition_destroy(struct edition *e) {
  if (e == NULL) return;
  for (size_t i = 0; i < e->count; i++) script_draft_finish(&e->parts[i].draft);
  free(e->branding);
  free(e->presets);
  free(e);
}

// ---- reading

// Opens nothing outside dir: the real path of the file must lie below the real path of dir.
static enum status inside(const char *dir, const char *file, char **ret, struct err *err) {
  char path[4096];
  struct stat info;
  if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
    return err_set(err, ERR_INVALID, "edition.json: the path %.60s… is too long", file);
  char *root = realpath(dir, NULL), *real = realpath(path, NULL);
  size_t len = root != NULL ? strlen(root) : 0;
  enum status st = OK;
  if (root == NULL || real == NULL)
    st = err_set(err, ERR_NOTFOUND, "%s: there is no such file", path);
  else if (strncmp(real, root, len) != 0 || real[len] != '/')
    st = err_set(err, ERR_INVALID, "edition.json: %s lies outside the edition's directory", file);
  else if (stat(real, &info) != 0 || !S_ISREG(info.st_mode))
    st = err_set(err, ERR_INVALID, "%s is not a file", path);
  free(root);
  if (st == OK)
    *ret = real;
  else
    free(real);
  return st;
}

static enum status read_inside(const char *dir, const char *file, size_t max, struct buf *ret, struct err *err) {
  char *path;
  buf_init(ret, max);
  enum status st = inside(dir, file, &path, err);
  if (st != OK) return st;
  st = buf_read_file(ret, path, err);
  free(path);
  return st;
}

// name as messages call it: a file, or a shipped strategy.
static enum status add_source(struct edition *e, enum script_kind kind, const char *name, const char *source, size_t len,
  const char *shown, struct watchdog *watchdog, struct err *err) {
  if (e->count == EDITION_SCRIPTS_MAX)
    return err_set(err, ERR_LIMIT, "edition.json: at most %d scripts", EDITION_SCRIPTS_MAX);
  struct part *part = &e->parts[e->count];
  part->item.kind = kind;
  snprintf(part->item.name, sizeof part->item.name, "%s", name);
  for (size_t i = 0; i < e->count; i++)
    if (e->parts[i].item.kind == kind && strcmp(e->parts[i].item.name, name) == 0)
      return err_set(
        err, ERR_INVALID, "edition.json: there are two scripts of kind %s named %s", script_kind_name(kind), name);
  enum status st = registry_describe(kind, name, source, len, watchdog, &part->draft, err);
  if (st != OK) return err_wrap(err, st, "%s", shown);
  e->count++;
  return OK;
}

static enum status add_script(struct edition *e, const char *dir, enum script_kind kind, const char *file,
  struct watchdog *watchdog, struct err *err) {
  struct buf source;
  char name[SCRIPT_NAME_SIZE];
  const char *base = strrchr(file, '/');
  base = base != NULL ? base + 1 : file;
  size_t len = strlen(base);
  if (len < 5 || strcmp(base + len - 4, ".lua") != 0 || len - 4 >= sizeof name)
    return err_set(err, ERR_INVALID, "edition.json: %.100s is no name of a .lua file", file);
  snprintf(name, sizeof name, "%.*s", (int)(len - 4), base);
  enum status st = read_inside(dir, file, SCRIPT_SOURCE_MAX, &source, err);
  if (st == OK)
    st = add_source(e, kind, kind == SCRIPT_TIER ? e->name : name, source.data != NULL ? source.data : "", source.len,
      file, watchdog, err);
  buf_finish(&source);
  return st;
}

static enum status add_shipped(
  struct edition *e, const char *dir, enum script_kind kind, const char *name, struct watchdog *watchdog, struct err *err) {
  (void)dir;
  const char *names[EDITION_SCRIPTS_MAX];
  size_t n = 0;
  for (const struct shipped *s = shipped_strategies; s->name != NULL; s++) {
    if (strcmp(s->name, name) == 0) return add_source(e, kind, name, s->source, s->len, s->file, watchdog, err);
    if (n < EDITION_SCRIPTS_MAX) names[n++] = s->name;
  }
  const char *near = suggest_nearest(name, names, n);
  return err_set(err, ERR_INVALID, "edition.json: no strategy named %.60s is shipped%s%s%s", name,
    near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

// How a list's words become scripts.
typedef enum status (*add_fn)(struct edition *e, const char *dir, enum script_kind kind, const char *word,
  struct watchdog *watchdog, struct err *err);

static const struct {
  const char *key, *word;
  enum script_kind kind;
  add_fn add;
} lists[] = {{"rules", "file name", SCRIPT_RULE, add_script}, {"dialects", "file name", SCRIPT_DIALECT, add_script},
  {"shipped", "strategy's name", SCRIPT_STRATEGY, add_shipped}, {"strategies", "file name", SCRIPT_STRATEGY, add_script}};

static enum status add_lists(
  struct edition *e, const char *dir, const json_t *manifest, struct watchdog *watchdog, struct err *err) {
  enum status st = OK;
  for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
    const json_t *list = json_object_get(manifest, lists[k].key);
    if (list != NULL && !json_is_array(list))
      return err_set(err, ERR_INVALID, "edition.json: %s must be a list of %ss", lists[k].key, lists[k].word);
    for (size_t i = 0; st == OK && i < json_array_size(list); i++) {
      const char *word = json_string_value(json_array_get(list, i));
      st = word != NULL ? lists[k].add(e, dir, lists[k].kind, word, watchdog, err)
                        : err_set(err, ERR_INVALID, "edition.json: %s[%zu] must be a %s", lists[k].key, i, lists[k].word);
    }
  }
  return st;
}

static const struct script_draft *strategy_named(void *arg, const char *name) {
  const struct edition *e = arg;
  for (size_t i = 0; i < e->count; i++)
    if (e->parts[i].item.kind == SCRIPT_STRATEGY && strcmp(e->parts[i].item.name, name) == 0) return &e->parts[i].draft;
  return NULL;
}

// ---- branding: title, tagline and colour are the author's words; a logo is a file, which becomes part of it

static bool is_colour(const char *text) {
  const size_t len = text != NULL ? strlen(text) : 0;
  return (len == 4 || len == 7) && text[0] == '#' && strspn(text + 1, "0123456789abcdefABCDEF") == len - 1;
}

static enum status read_logo(const char *dir, const char *file, json_t **ret, struct err *err) {
  static const struct { const char *suffix, *type; } types[] = {{".svg", "image/svg+xml"}, {".png", "image/png"}};
  const char *dot = strrchr(file, '.');
  size_t k = 0;
  while (k < 2 && (dot == NULL || strcmp(dot, types[k].suffix) != 0)) k++;
  if (k == 2) return err_set(err, ERR_INVALID, "edition.json: branding.logo must be the name of a .svg or .png file");
  struct buf bytes;
  enum status st = read_inside(dir, file, LOGO_MAX, &bytes, err);
  char *text = st == OK ? malloc(40 + BASE64URL_SIZE(bytes.len) + 2) : NULL;
  if (st == OK && text == NULL) st = err_set(err, ERR_NOMEM, "no memory for the edition");
  if (st == OK) {
    const int head = sprintf(text, "data:%s;base64,", types[k].type);
    size_t len = base64url_encode(bytes.data != NULL ? bytes.data : "", bytes.len, text + head);
    for (char *c = text + head; *c != '\0'; c++) *c = (char)(*c == '-' ? '+' : *c == '_' ? '/' : *c);
    for (; len % 4 != 0; len++) strcat(text + head + len, "=");
    if ((*ret = json_string(text)) == NULL) st = err_set(err, ERR_NOMEM, "no memory for the edition");
  }
  free(text);
  buf_finish(&bytes);
  return st;
}

static enum status read_branding(struct edition *e, const char *dir, const json_t *given, struct err *err) {
  if (given != NULL && !json_is_object(given))
    return err_set(err, ERR_INVALID, "edition.json: branding must be an object");
  const json_t *colour = json_object_get(given, "colour"), *file = json_object_get(given, "logo");
  if (colour != NULL && !is_colour(json_string_value(colour)))
    return err_set(err, ERR_INVALID, "edition.json: branding.colour must be a colour such as \"#0a7\" or \"#00a37a\"");
  if (file != NULL && !json_is_string(file))
    return err_set(err, ERR_INVALID, "edition.json: branding.logo must be the name of a .svg or .png file");
  json_t *branding = given != NULL ? json_copy((json_t *)given) : json_object(), *logo = NULL;
  enum status st = branding == NULL ? err_set(err, ERR_NOMEM, "no memory for the edition")
                   : file != NULL   ? read_logo(dir, json_string_value(file), &logo, err)
                                    : OK;
  if (st == OK && file != NULL) json_object_set_new(branding, "logo", logo);
  if (st == OK && (e->branding = json_dumps(branding, JSON_COMPACT)) == NULL)
    st = err_set(err, ERR_NOMEM, "no memory for the edition");
  if (st == OK && strlen(e->branding) > EDITION_BRANDING_MAX)
    st = err_set(err, ERR_LIMIT, "edition.json: branding has more than %d bytes", EDITION_BRANDING_MAX);
  json_decref(branding);
  return st;
}

static enum status check_keys(const json_t *manifest, struct err *err) {
  static const char *const known[] = {
    "edition", "tiers", "rules", "dialects", "shipped", "strategies", "presets", "branding"};
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)manifest, key, value) {
    size_t i = 0, n = sizeof known / sizeof *known;
    while (i < n && strcmp(known[i], key) != 0) i++;
    if (i < n) continue;
    const char *near = suggest_nearest(key, known, n);
    return err_set(err, ERR_INVALID, "edition.json: unknown key '%.60s'%s%s%s", key,
      near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
  }
  return OK;
}

static enum status read_manifest(
  struct edition *e, const char *dir, const json_t *manifest, struct watchdog *watchdog, struct err *err) {
  if (!json_is_object(manifest)) return err_set(err, ERR_INVALID, "edition.json must hold an object");
  enum status st = check_keys(manifest, err);
  if (st != OK) return st;
  const char *name = json_string_value(json_object_get(manifest, "edition"));
  if (name == NULL) return err_set(err, ERR_INVALID, "edition.json: \"edition\" is missing: its short name");
  st = registry_check_name(SCRIPT_TIER, name, err);
  if (st != OK) return err_wrap(err, st, "edition.json");
  snprintf(e->name, sizeof e->name, "%s", name);
  const json_t *tiers = json_object_get(manifest, "tiers");
  if (tiers != NULL && !json_is_string(tiers))
    return err_set(err, ERR_INVALID, "edition.json: tiers must be a file name");
  st = read_branding(e, dir, json_object_get(manifest, "branding"), err);
  if (st == OK && tiers != NULL) st = add_script(e, dir, SCRIPT_TIER, json_string_value(tiers), watchdog, err);
  if (st == OK) st = add_lists(e, dir, manifest, watchdog, err);
  if (st == OK) {
    st = presets_read(json_object_get(manifest, "presets"), strategy_named, e, watchdog, &e->presets, err);
    if (st != OK) st = err_wrap(err, st, "edition.json");
  }
  return st;
}

enum status edition_read(const char *dir, struct watchdog *watchdog, struct edition **ret, struct err *err) {
  struct buf text;
  json_error_t where;
  struct edition *e = calloc(1, sizeof *e);
  if (e == NULL) return err_set(err, ERR_NOMEM, "no memory for the edition");
  enum status st = read_inside(dir, "edition.json", MANIFEST_MAX, &text, err);
  if (st == OK) {
    json_t *manifest = json_loadb(text.data != NULL ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &where);
    if (manifest == NULL)
      st = err_set(err, ERR_INVALID, "%s/edition.json:%d:%d: %s", dir, where.line, where.column, where.text);
    else
      st = read_manifest(e, dir, manifest, watchdog, err);
    json_decref(manifest);
  }
  buf_finish(&text);
  if (st == OK)
    *ret = e;
  else
    edition_destroy(e);
  return st;
}

// ---- taking effect

// The tiers when the edition brings none: those stored before, else the shipped ones.
static enum status other_tiers(
  struct registry *reg, struct db *reader, const char *name, struct change *c, struct err *err) {
  struct script_row row;
  struct script_version_row v;
  enum status st = script_find(reader, 0, "tier", name, &row, err);
  if (st == OK && row.active_version != 0) {
    st = script_version_get(reader, 0, row.id, 0, &v, err);
    if (st != OK) return st;
    st = entry_create(SCRIPT_TIER, name, v.source, v.source_len, reg->watchdog, &c->entry, err);
    c->script_id = row.id;
    c->version = v.version;
    script_version_finish(&v);
    return st;
  }
  if (st != OK && st != ERR_NOTFOUND) return st;
  for (const struct shipped *s = shipped_tiers; s->name != NULL; s++)
    if (strcmp(s->name, name) == 0)
      return entry_create(SCRIPT_TIER, name, s->source, s->len, reg->watchdog, &c->entry, err);
  return err_set(
    err, ERR_INVALID, "there are no tiers for an edition named %s: neither shipped, nor loaded, nor \"tiers\" in edition.json", name);
}

enum status edition_use(struct registry *reg, struct db *reader, const char *name, struct err *err) {
  enum status st = registry_check_name(SCRIPT_TIER, name, err);
  struct activation *a = st == OK ? activation_create(reg, 0, 1) : NULL;
  if (st == OK && a == NULL) st = err_set(err, ERR_NOMEM, "no memory for the edition");
  if (st != OK) return st;
  struct change *c = &a->changes[0];
  a->edition = name;
  c->kind = SCRIPT_TIER;
  snprintf(c->name, sizeof c->name, "%s", name);
  st = other_tiers(reg, reader, name, c, err);
  if (st == OK)
    registry_commit(reg, a);
  else
    registry_discard(a);
  return st;
}

enum status edition_prepare(
  struct registry *reg, struct db *reader, struct edition *e, struct activation **ret, struct err *err) {
  bool brings_tiers = e->count > 0 && e->parts[0].item.kind == SCRIPT_TIER;
  struct activation *a = activation_create(reg, 0, (int)e->count + !brings_tiers);
  if (a == NULL) return err_set(err, ERR_NOMEM, "no memory for the edition");
  enum status st = OK;
  a->edition = e->name;
  for (size_t i = 0; st == OK && i < e->count; i++) {
    struct part *part = &e->parts[i];
    struct change *c = &a->changes[i];
    c->kind = part->item.kind;
    c->draft = &part->draft;
    memcpy(c->name, part->item.name, sizeof c->name);
    if (c->kind != SCRIPT_STRATEGY)
      st = entry_create(c->kind, c->name, part->draft.source, part->draft.source_len, reg->watchdog, &c->entry, err);
  }
  if (st == OK && !brings_tiers) {
    struct change *c = &a->changes[e->count];
    c->kind = SCRIPT_TIER;
    memcpy(c->name, e->name, sizeof c->name);
    st = other_tiers(reg, reader, e->name, c, err);
  }
  if (st == OK)
    *ret = a;
  else
    registry_discard(a);
  return st;
}

enum status edition_write(
  struct edition *e, struct activation *a, struct db *db, int64_t actor_id, int64_t now_ns, struct err *err) {
  char comment[SCRIPT_COMMENT_SIZE];
  enum status st = OK;
  snprintf(comment, sizeof comment, "edition %s", e->name);
  for (size_t i = 0; st == OK && i < e->count; i++) {
    struct change *c = &a->changes[i];
    struct script_put_result *put = &e->parts[i].item.put;
    st = registry_put(db, c->draft, 0, c->name, comment, actor_id, now_ns, put, err);
    c->script_id = put->script_id;
    c->version = put->version;
    if (st == OK && c->kind != SCRIPT_STRATEGY)
      st = script_activate(db, 0, put->script_id, put->version, 0, actor_id, now_ns, &a->row, err);
    if (st != OK) st = err_wrap(err, st, "%s %s", script_kind_name(c->kind), c->name);
  }
  if (st == OK) st = edition_set(db, e->name, e->branding, e->presets, now_ns, err);
  return st;
}

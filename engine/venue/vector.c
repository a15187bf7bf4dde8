#include "venue/vector_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[VECTOR_KIND_COUNT] = {
#define X(id, text) [VECTOR_##id] = text,
  VECTOR_KIND_LIST(X)
#undef X
};
static enum vector_verdict (*const judges[VECTOR_KIND_COUNT])(struct vector_run *, const json_t *) = {
  [VECTOR_REQUEST] = vector_request, [VECTOR_SIGN] = vector_sign, [VECTOR_RESPONSE] = vector_response, [VECTOR_WS] = vector_ws,
  [VECTOR_ERROR] = vector_error, [VECTOR_DOC_EXAMPLE] = vector_response};

const char *vector_kind_text(enum vector_kind k) {
  return kinds[k];
}

static void say(struct vector_run *r, const char *fmt, va_list ap) PRINTF(2, 0);
static void say(struct vector_run *r, const char *fmt, va_list ap) {
  vsnprintf(r->why, sizeof r->why, fmt, ap);
}

enum vector_verdict vector_fail(struct vector_run *r, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  say(r, fmt, ap);
  va_end(ap);
  return VECTOR_FAILED;
}

enum vector_verdict vector_skip(struct vector_run *r, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  say(r, fmt, ap);
  va_end(ap);
  return VECTOR_SKIPPED;
}

static json_t *symbols_of(const json_t *vectors) {
  json_t *out = json_object(), *v;
  size_t i;
  json_array_foreach(vectors, i, v) {
    const json_t *market = json_object_get(v, "market"), *input = json_object_get(v, "input");
    const char *unified = json_string_value(json_object_get(market, "unified"));
    json_t *id = json_object_get(market, "id"), *first = json_array_get(json_object_get(input, "args"), 0);
    if (unified != NULL && json_is_string(id)) json_object_set(out, unified, id);
    id = json_object_get(input, "symbol_id");
    if (json_is_array(first)) first = json_array_get(first, 0);
    if (json_is_string(first) && strchr(json_string_value(first), '/') != NULL && json_is_string(id))
      json_object_set(out, json_string_value(first), id);
  }
  return out;
}

static void note(const struct vector_run *r, const json_t *v, const char *verdict, struct vector_report *report) {
  const char *id = json_string_value(json_object_get(v, "id")), *kind = json_string_value(json_object_get(v, "kind"));
  const char *op = json_string_value(json_object_get(v, "op"));
  json_array_append_new(report->notes, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "file", r->file, "id", id != NULL ? id : "", "kind",
    kind != NULL ? kind : "", "op", op != NULL ? op : "", "verdict", verdict, "why", r->why));
}

enum status vector_run(struct dialect *d, const char *file, const json_t *all, struct vector_report *report, struct err *err) {
  static const char *const verdicts[] = {"passed", "failed", "skipped"};
  const json_t *meta = json_object_get(all, "meta"), *secrets = json_object_get(meta, "credentials"), *vectors = json_object_get(all, "vectors");
  if (!json_is_array(vectors)) return err_set(err, ERR_INVALID, "%s: no list \"vectors\"", file);
  struct vector_run r = {.d = d, .file = file, .vectors = vectors, .now_ms = json_integer_value(json_object_get(meta, "now_ms"))};
  r.symbols = symbols_of(vectors);
  r.secret.key = json_string_value(json_object_get(secrets, "apiKey"));
  r.secret.secret = json_string_value(json_object_get(secrets, "secret"));
  r.secret.passphrase = json_string_value(json_object_get(secrets, "password"));
  size_t i;
  json_t *v;
  json_array_foreach(vectors, i, v) {
    const char *kind = json_string_value(json_object_get(v, "kind"));
    int k = 0;
    while (k < VECTOR_KIND_COUNT && (kind == NULL || strcmp(kinds[k], kind) != 0)) k++;
    if (k == VECTOR_KIND_COUNT) {
      json_decref(r.symbols);
      return err_set(err, ERR_INVALID, "%s: vector %zu is of no known kind '%.20s'", file, i + 1, kind != NULL ? kind : "");
    }
    r.why[0] = '\0';
    r.note = false;
    enum vector_verdict verdict = judges[k](&r, v);
    report->count[k][verdict]++;
    if (verdict != VECTOR_PASSED || r.note) note(&r, v, r.note ? "advice" : verdicts[verdict], report);
  }
  report->signatures += r.signatures;
  json_decref(r.symbols);
  return OK;
}

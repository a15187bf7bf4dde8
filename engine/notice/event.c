// notice/event.c – see event.h.
#include "notice/event.h"

#include <assert.h>
#include <string.h>

static const struct notice_about events[NOTICE_EVENT_COUNT] = {
#define X(id, name, severity, critical, mode, title, text, about) {name, NOTICE_##severity, critical, NOTICE_##mode, title, text, about},
  NOTICE_EVENT_LIST(X)
#undef X
};
static const char *const kinds[NOTICE_KIND_COUNT] = {
#define X(id, name) name,
  NOTICE_KIND_LIST(X)
#undef X
};
static const char *const severities[] = {"info", "warning", "error"};
static const char *const modes[NOTICE_MODE_COUNT] = {"off", "now", "digest"};

const struct notice_about *notice_about(enum notice_event e) {
  assert((unsigned)e < NOTICE_EVENT_COUNT);
  return &events[e];
}

static int find(const char *const *names, int count, const char *text) {
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], text) == 0) return i;
  return -1;
}

bool notice_event_parse(const char *name, enum notice_event *ret) {
  for (int i = 0; i < NOTICE_EVENT_COUNT; i++)
    if (strcmp(events[i].name, name) == 0) return *ret = (enum notice_event)i, true;
  return false;
}

const char *notice_severity_text(enum notice_severity s) { return severities[s]; }
const char *notice_mode_text(enum notice_mode m) { return modes[m]; }
int notice_mode_parse(const char *text) { return find(modes, NOTICE_MODE_COUNT, text); }
const char *notice_kind_text(enum notice_kind k) { return kinds[k]; }
int notice_kind_parse(const char *text) { return find(kinds, NOTICE_KIND_COUNT, text); }

// What comes from scripts, venues and strangers.
static void put_plain(struct buf *out, const char *text) {
  for (const char *p = text; *p; p++) {
    const unsigned char c = (unsigned char)*p;
    buf_add(out, (c < 0x20 && c != '\n') || c == 0x7f ? " " : p, 1);
  }
}

static void put_member(struct buf *out, const json_t *v) {
  if (json_is_string(v)) put_plain(out, json_string_value(v));
  else if (json_is_integer(v)) buf_int(out, json_integer_value(v));
  else if (json_is_real(v)) buf_printf(out, "%.10g", json_real_value(v));
}

void notice_fill(const char *template, const json_t *data, struct buf *out) {
  const size_t begin = out->len;
  for (const char *p = template; *p;) {
    const size_t len = strcspn(p, "{");
    buf_add(out, p, len);
    p += len;
    if (!*p) break;
    const size_t name = strcspn(p + 1, "}");
    char key[32];
    assert(p[1 + name] == '}' && name < sizeof key);
    memcpy(key, p + 1, name);
    key[name] = '\0';
    put_member(out, json_object_get(data, key));
    p += name + 2;
  }
  while (out->len > begin && !out->failed && strchr(" \n", out->data[out->len - 1])) out->data[--out->len] = '\0';
}

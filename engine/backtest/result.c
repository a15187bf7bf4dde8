#include "backtest/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Room for one more item in an array of elem-sized ones; doubles. *items may move.
static bool grow(void **items, size_t *cap, size_t count, size_t elem) {
  if (count < *cap) return true;
  size_t want = *cap ? *cap * 2 : 16;
  void *p = reallocarray(*items, want, elem);
  if (!p) return false;
  *items = p;
  *cap = want;
  return true;
}
#define GROW(items, cap, count) grow((void **)&(items), &(cap), (count), sizeof *(items))

// Copy of at most RESULT_TEXT_MAX bytes, cut before a UTF-8 character that would not fit whole.
static char *copy_text(const char *text) {
  size_t len = strlen(text);
  if (len > RESULT_TEXT_MAX) {
    len = RESULT_TEXT_MAX;
    while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80) len--;
  }
  return strndup(text, len);
}

void result_init(struct result *r) {
  memset(r, 0, sizeof *r);
}

static void pairs_finish(struct result_pairs *p) {
  for (size_t i = 0; i < p->count; i++) {
    free(p->items[i].key);
    free(p->items[i].text);
  }
  free(p->items);
}

static void notes_finish(struct result_notes *n) {
  for (size_t i = 0; i < n->count; i++) {
    free(n->items[i].level);
    free(n->items[i].text);
  }
  free(n->items);
}

void result_finish(struct result *r) {
  free(r->engine_version);
  free(r->script_name);
  free(r->script_file);
  pairs_finish(&r->params);
  pairs_finish(&r->config);
  for (size_t i = 0; i < r->data_count; i++) {
    free(r->data[i].stream);
    free(r->data[i].symbol);
    free(r->data[i].file);
  }
  free(r->data);
  free(r->symbols);
  for (size_t i = 0; i < r->tag_count; i++) free(r->tags[i]);
  free(r->tags);
  free(r->fills);
  free(r->trades);
  free(r->open);
  notes_finish(&r->logs);
  notes_finish(&r->marks);
  for (size_t i = 0; i < r->plot_count; i++) {
    free(r->plots[i].name);
    free(r->plots[i].time_ns);
    free(r->plots[i].value);
  }
  free(r->plots);
  for (size_t i = 0; i < r->warning_count; i++) free(r->warnings[i]);
  free(r->warnings);
  free(r->equity);
  memset(r, 0, sizeof *r);
}

const char *result_path_text(enum result_path p) {
  static const char *const names[RESULT_PATH_COUNT] = {"nearer", "adverse", "favourable"};
  return (unsigned)p < RESULT_PATH_COUNT ? names[p] : "?";
}

bool result_equity_reserve(struct result *r, size_t points) {
  if (points <= r->equity_cap) return true;
  void *p = reallocarray(r->equity, points, sizeof *r->equity);
  if (!p) return false;
  r->equity = p;
  r->equity_cap = points;
  return true;
}

bool result_text_set(char **field, const char *text) {
  char *copy = copy_text(text);
  if (!copy) return false;
  free(*field);
  *field = copy;
  return true;
}

bool result_pair_add(struct result_pairs *p, const char *key, const char *text, enum result_value_kind kind) {
  if (!GROW(p->items, p->cap, p->count)) return false;
  struct result_pair pair = {copy_text(key), copy_text(text), kind};
  if (!pair.key || !pair.text) {
    free(pair.key);
    free(pair.text);
    return false;
  }
  p->items[p->count++] = pair;
  return true;
}

bool result_data_add(struct result *r, const char *stream, const char *file, const struct series *s) {
  if (!GROW(r->data, r->data_cap, r->data_count)) return false;
  struct result_data d = {
    .stream = copy_text(stream), .symbol = copy_text(s->inst.symbol), .file = copy_text(file ? file : ""),
    .timeframe_ns = s->timeframe_ns, .bars = s->count, .gaps = s->gaps,
    .from_ns = s->count ? s->bars[0].open_ns : 0, .to_ns = s->count ? s->bars[s->count - 1].open_ns : 0,
  };
  if (!d.stream || !d.symbol || !d.file) {
    free(d.stream);
    free(d.symbol);
    free(d.file);
    return false;
  }
  r->data[r->data_count++] = d;
  return true;
}

bool result_symbol_add(struct result *r, const struct instrument *inst) {
  if (!GROW(r->symbols, r->symbol_cap, r->symbol_count)) return false;
  r->symbols[r->symbol_count++] = *inst;
  return true;
}

bool result_tag_set(struct result *r, uint32_t tag, const char *text) {
  if (tag >= r->tag_count) {
    size_t want = (size_t)tag + 1;
    char **p = reallocarray(r->tags, want, sizeof *p);
    if (!p) return false;
    memset(p + r->tag_count, 0, (want - r->tag_count) * sizeof *p);
    r->tags = p;
    r->tag_count = want;
  }
  return result_text_set(&r->tags[tag], text);
}

const char *result_tag(const struct result *r, uint32_t tag) {
  if (tag < r->tag_count && r->tags[tag]) return r->tags[tag];
  switch (tag) {
    case TAG_SL: return "sl";
    case TAG_TP: return "tp";
    case TAG_LIQUIDATION: return "liquidation";
    case TAG_END: return "end";
    default: return "";
  }
}

bool result_fill_add(struct result *r, const struct fill *f) {
  if (!GROW(r->fills, r->fill_cap, r->fill_count)) return false;
  r->fills[r->fill_count++] = *f;
  return true;
}

bool result_trade_add(struct result *r, const struct trade *t) {
  if (!GROW(r->trades, r->trade_cap, r->trade_count)) return false;
  r->trades[r->trade_count++] = *t;
  return true;
}

bool result_open_add(struct result *r, const struct result_open *o) {
  if (!GROW(r->open, r->open_cap, r->open_count)) return false;
  r->open[r->open_count++] = *o;
  return true;
}

void result_denied_add(struct result *r, int64_t time_ns, enum reason code) {
  for (size_t i = 0; i < r->denied_count; i++) {
    if (r->denied[i].code == code) {
      r->denied[i].count++;
      return;
    }
  }
  if (r->denied_count < REASON_COUNT) r->denied[r->denied_count++] = (struct result_denied){code, time_ns, 1};
}

static bool note_add(struct result_notes *n, size_t max, int64_t time_ns, const char *level, const char *text) {
  if (n->count >= max) {
    n->dropped++;
    return true;
  }
  if (!GROW(n->items, n->cap, n->count)) return false;
  struct result_note note = {time_ns, copy_text(level), copy_text(text)};
  if (!note.level || !note.text) {
    free(note.level);
    free(note.text);
    return false;
  }
  n->items[n->count++] = note;
  return true;
}

bool result_log_add(struct result *r, int64_t time_ns, const char *level, const char *text) {
  return note_add(&r->logs, RESULT_LOGS_MAX, time_ns, level, text);
}

bool result_mark_add(struct result *r, int64_t time_ns, const char *text) {
  return note_add(&r->marks, RESULT_MARKS_MAX, time_ns, "", text);
}

bool result_plot_add(struct result *r, const char *name, int64_t time_ns, double value) {
  if (!isfinite(value)) return true;
  struct result_plot *p = NULL;
  for (size_t i = 0; i < r->plot_count && !p; i++) {
    if (strcmp(r->plots[i].name, name) == 0) p = &r->plots[i];
  }
  if (!p) {
    if (r->plot_count >= RESULT_PLOTS_MAX) {
      r->plots_dropped++;
      return true;
    }
    if (!GROW(r->plots, r->plot_cap, r->plot_count)) return false;
    char *copy = copy_text(name);
    if (!copy) return false;
    p = &r->plots[r->plot_count++];
    *p = (struct result_plot){.name = copy};
  }
  if (p->count >= RESULT_PLOT_POINTS_MAX) {
    p->dropped++;
    return true;
  }
  if (p->count == p->cap) {
    size_t want = p->cap ? p->cap * 2 : 256;
    int64_t *t = reallocarray(p->time_ns, want, sizeof *t);
    if (!t) return false;
    p->time_ns = t;
    double *v = reallocarray(p->value, want, sizeof *v);
    if (!v) return false;
    p->value = v;
    p->cap = want;
  }
  p->time_ns[p->count] = time_ns;
  p->value[p->count++] = value;
  return true;
}

bool result_warning_add(struct result *r, const char *fmt, ...) {
  if (r->warning_count >= RESULT_WARNINGS_MAX) {
    r->warnings_dropped++;
    return true;
  }
  if (!GROW(r->warnings, r->warning_cap, r->warning_count)) return false;
  char text[RESULT_TEXT_MAX + 1];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  char *copy = copy_text(text);
  if (!copy) return false;
  r->warnings[r->warning_count++] = copy;
  return true;
}

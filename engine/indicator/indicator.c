// indicator/indicator.c – the table as data, parameter checks, specs, and the life of an indicator.
#include "indicator/indicator.h"

#include "base/suggest.h"
#include "indicator/kernel.h"
#include "indicator/table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct indicator_desc table[] = {
// clang-format off
#define X(name_, needs_, source_, sparse_, params_, outputs_, about_, definition_) \
  {.name = #name_, .about = about_, .definition = definition_, .needs = needs_, .default_source = source_, \
    .sparse = sparse_, params_, outputs_, .kernel = &indicator_kernel_##name_},
  INDICATOR_TABLE(X)
#undef X
// clang-format on
};
enum { COUNT = sizeof table / sizeof table[0] };

static const char *const names[COUNT] = {
#define X(name_, ...) #name_,
  INDICATOR_TABLE(X)
#undef X
};

size_t indicator_count(void) {
  return COUNT;
}

const struct indicator_desc *indicator_at(size_t index) {
  assert(index < COUNT);
  return &table[index];
}

const struct indicator_desc *indicator_find(const char *name, size_t len) {
  for (size_t i = 0; i < COUNT; i++)
    if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0) return &table[i];
  return NULL;
}

const char *indicator_suggest(const char *word, size_t len) {
  char text[32];
  if (len >= sizeof text) return NULL;
  memcpy(text, word, len);
  text[len] = 0;
  return suggest_nearest(text, names, COUNT);
}

// --- parameters

enum status indicator_check(const struct indicator_desc *desc, const double *params, struct err *err) {
  for (int i = 0; i < desc->n_params; i++) {
    const struct indicator_param *p = &desc->params[i];
    double v = params[i];
    if (!isfinite(v)) return err_set(err, ERR_INVALID, "%s: %s is not a finite number", desc->name, p->name);
    if (p->integer && v != floor(v))
      return err_set(err, ERR_INVALID, "%s: %s must be a whole number, not %.10g", desc->name, p->name, v);
    if (v < p->min || v > p->max)
      return err_set(
        err, ERR_INVALID, "%s: %s must be from %.10g to %.10g, not %.10g", desc->name, p->name, p->min, p->max, v);
  }
  const char *why = desc->kernel->contradiction ? desc->kernel->contradiction(params) : NULL;
  return why ? err_set(err, ERR_INVALID, "%s: %s", desc->name, why) : OK;
}

void indicator_defaults(const struct indicator_desc *desc, double *ret_params) {
  for (int i = 0; i < desc->n_params; i++) ret_params[i] = desc->params[i].default_value;
}

// "macd takes 3 parameters: fast, slow, signal"
static void usage(const struct indicator_desc *desc, char *buf, size_t size) {
  size_t used = (size_t)snprintf(buf, size, "%s takes %s", desc->name, desc->n_params ? "" : "no parameters");
  for (int i = 0; i < desc->n_params && used < size; i++)
    used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "", desc->params[i].name);
}

static enum status spec_params(const char *text, const char *at, struct indicator_spec *ret, struct err *err) {
  const struct indicator_desc *desc = ret->desc;
  char takes[128];
  usage(desc, takes, sizeof takes);
  for (int i = 0;; i++) {
    size_t len = strcspn(at, ",");
    if (i >= desc->n_params) return err_set(err, ERR_INVALID, "%s: too many parameters; %s", text, takes);
    char word[32], *end;
    if (len == 0) return err_set(err, ERR_INVALID, "%s: %s is empty; %s", text, desc->params[i].name, takes);
    // Plain decimals only: strtod alone would take spaces, hex, "inf" and "nan".
    if (len >= sizeof word || strspn(at, "0123456789.+-eE") != len)
      return err_set(err, ERR_INVALID, "%s: %s is not a number: \"%.*s\"", text, desc->params[i].name,
        (int)(len < 40 ? len : 40), at);
    memcpy(word, at, len);
    word[len] = 0;
    ret->params[i] = strtod(word, &end);
    if (*end || end == word)
      return err_set(err, ERR_INVALID, "%s: %s is not a number: \"%s\"", text, desc->params[i].name, word);
    if (at[len] == 0) return OK;
    at += len + 1;
  }
}

enum status indicator_spec_parse(const char *text, struct indicator_spec *ret, struct err *err) {
  size_t len = strcspn(text, ":");
  *ret = (struct indicator_spec){.desc = indicator_find(text, len)};
  if (!ret->desc) {
    const char *near = indicator_suggest(text, len);
    if (len == 0)
      return err_set(err, ERR_INVALID, "\"%s\": an indicator is given as name:parameters, e.g. sma:10", text);
    return err_set(err, ERR_INVALID, "%s: no indicator \"%.*s\"%s%s%s", text, (int)(len < 40 ? len : 40), text,
      near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
  }
  indicator_defaults(ret->desc, ret->params);
  if (text[len]) {
    enum status st = spec_params(text, text + len + 1, ret, err);
    if (st != OK) return st;
  }
  enum status st = indicator_check(ret->desc, ret->params, err);
  return st == OK ? OK : err_wrap(err, st, "%s", text);
}

// --- sources

static const char *const source_names[SOURCE_COUNT] = {
#define X(upper, lower) #lower,
  INDICATOR_SOURCES(X)
#undef X
};

bool indicator_source_parse(const char *text, size_t len, enum indicator_source *ret) {
  for (int i = 0; i < SOURCE_COUNT; i++)
    if (strlen(source_names[i]) == len && memcmp(source_names[i], text, len) == 0) {
      *ret = (enum indicator_source)i;
      return true;
    }
  return false;
}

const char *indicator_source_text(enum indicator_source source) {
  assert(source < SOURCE_COUNT);
  return source_names[source];
}

double indicator_source_value(enum indicator_source source, const struct indicator_input *in) {
  switch (source) {
  case SOURCE_CLOSE: return in->close;
  case SOURCE_OPEN: return in->open;
  case SOURCE_HIGH: return in->high;
  case SOURCE_LOW: return in->low;
  case SOURCE_VOLUME: return in->volume;
  case SOURCE_HL2: return (in->high + in->low) / 2;
  case SOURCE_HLC3: return (in->high + in->low + in->close) / 3;
  case SOURCE_OHLC4: return (in->open + in->high + in->low + in->close) / 4;
  case SOURCE_COUNT: break;
  }
  assert(!"unknown source");
  return 0;
}

// --- running

static size_t state_bytes(const struct indicator_desc *desc) {
  return (desc->kernel->state_bytes + 15) & ~(size_t)15;
}

size_t indicator_bytes(const struct indicator_desc *desc, const double *params) {
  _Alignas(16) unsigned char scratch[INDICATOR_STATE_MAX] = {0};
  struct room room = {0};
  desc->kernel->init(scratch, params, &room);
  return sizeof(struct indicator) + state_bytes(desc) + room.used * sizeof(double);
}

int indicator_warmup(const struct indicator_desc *desc, const double *params) {
  return desc->kernel->warmup(params);
}

struct indicator *indicator_init(void *memory, const struct indicator_desc *desc, const double *params) {
  size_t bytes = indicator_bytes(desc, params);
  memset(memory, 0, bytes);
  struct indicator *ind = memory;
  ind->push = desc->kernel->push;
  ind->desc = desc;
  struct room room = {.base = (double *)(void *)(ind->state + state_bytes(desc))};
  desc->kernel->init(ind->state, params, &room);
  assert((unsigned char *)(room.base + room.used) == (unsigned char *)memory + bytes);
  return ind;
}

enum status indicator_create(
  const struct indicator_desc *desc, const double *params, struct indicator **ret, struct err *err) {
  *ret = NULL;
  enum status st = indicator_check(desc, params, err);
  if (st != OK) return st;
  size_t bytes = indicator_bytes(desc, params);
  void *memory = malloc(bytes);
  if (!memory) return err_set(err, ERR_NOMEM, "%s: no memory for %zu bytes", desc->name, bytes);
  *ret = indicator_init(memory, desc, params);
  return OK;
}

void indicator_destroy(struct indicator *ind) {
  free(ind);
}

void indicator_run(struct indicator *ind, const struct indicator_input *in, size_t n, double *out) {
  for (size_t i = 0; i < n; i++, out += ind->desc->n_outputs) ind->push(ind->state, &in[i], out);
}

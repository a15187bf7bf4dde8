// exchange/param.c – what clients sent, as numbers: some send "0.01", some 0.01, some "true".
#include "exchange/core.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *exch_param_text(const json_t *p, const char *key, char buf[64]) {
  const json_t *v = json_object_get(p, key);
  buf[0] = '\0';
  switch (v ? json_typeof(v) : JSON_NULL) {
  case JSON_STRING:
    if (json_string_length(v) < 64)
      snprintf(buf, 64, "%s", json_string_value(v));
    else
      snprintf(buf, 64, "%.63s", json_string_value(v));
    break;
  case JSON_INTEGER: snprintf(buf, 64, "%" JSON_INTEGER_FORMAT, json_integer_value(v)); break;
  case JSON_REAL: snprintf(buf, 64, "%.15g", json_real_value(v)); break;
  case JSON_TRUE: snprintf(buf, 64, "true"); break;
  case JSON_FALSE: snprintf(buf, 64, "false"); break;
  default: break;
  }
  return buf;
}

bool exch_param_category(const struct exch *x, const json_t *p, bool *ret_spot) {
  char buf[64];
  exch_param_text(p, "category", buf);
  *ret_spot = strcmp(buf, "spot") == 0;
  return *ret_spot ? x->with_spot : strcmp(buf, "linear") == 0;
}

bool exch_param_bool(const json_t *p, const char *key) {
  char buf[64];
  exch_param_text(p, key, buf);
  return strcmp(buf, "true") == 0 || strcmp(buf, "1") == 0;
}

bool exch_param_int(const json_t *p, const char *key, int64_t absent, int64_t *ret) {
  char buf[64];
  *ret = absent;
  if (!exch_param_text(p, key, buf)[0]) return true;
  return decimal_parse_scaled(buf, strlen(buf), 0, ret);
}

static bool units(const json_t *p, const char *key, struct decimal unit, int64_t *ret) {
  char buf[64];
  int64_t v;
  *ret = 0;
  if (!exch_param_text(p, key, buf)[0]) return true;
  if (!decimal_parse_scaled(buf, strlen(buf), unit.scale, &v) || v < 0 || v % unit.digits != 0) return false;
  *ret = v / unit.digits;
  return true;
}

bool exch_param_ticks(const json_t *p, const char *key, const struct exch_symbol *s, int64_t *ret) {
  return units(p, key, s->inst.tick, ret);
}
bool exch_param_lots(const json_t *p, const char *key, const struct exch_symbol *s, int64_t *ret) {
  return units(p, key, s->inst.lot, ret);
}

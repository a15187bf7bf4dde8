// tests/fuzz/fuzz_message.c – what anybody may post to a hook: whatever comes out as a signal keeps to what strategies and rules are promised, and reading it again gives the same.
// The first byte chooses a mapping; from 'M' on the rest is one, up to a line's end, and is checked as a customer's would be.
#include "signal/message.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const mappings[] = {NULL, "{\"symbol\":\"data.pair\",\"action\":\"orders.1.side\",\"size\":\"orders.1.q\",\"source\":\"=desk 3\",\"ts\":\"t\"}",
  "{\"id\":\"a.b.0.c\",\"key\":\"k\",\"price\":\"p\",\"sl\":\"0\",\"tp\":\"=1.5\",\"action\":\"=BUY\"}"};

static void check_text(const json_t *signal, const char *field, size_t most) {
  const json_t *v = json_object_get(signal, field);
  if (!v) return;
  assert(json_is_string(v) && json_string_length(v) > 0 && json_string_length(v) <= most);
  for (const char *p = json_string_value(v); *p; p++) assert((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void check(const json_t *signal, const char *body, size_t len) {
  static const struct { const char *name; size_t most; } texts[] = {{"id", 200}, {"source", 100}, {"key", 200}, {"symbol", 40}, {"action", 100}};
  static const char *const numbers[] = {"size", "price", "sl", "tp"};
  const json_t *raw = json_object_get(signal, "raw"), *ts = json_object_get(signal, "ts");
  size_t known = 1 + (ts != NULL);
  assert(json_is_string(raw) && json_string_length(raw) == len && memcmp(json_string_value(raw), body, len) == 0);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    check_text(signal, texts[i].name, texts[i].most);
    known += json_object_get(signal, texts[i].name) != NULL;
  }
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    const json_t *v = json_object_get(signal, numbers[i]);
    assert(!v || (json_is_real(v) && isfinite(json_real_value(v))));
    known += v != NULL;
  }
  const json_t *action = json_object_get(signal, "action");
  for (const char *p = action ? json_string_value(action) : ""; *p; p++) assert(!isupper((unsigned char)*p));
  assert(!ts || (json_is_integer(ts) && json_integer_value(ts) >= 0));
  assert(json_object_size(signal) == known);
}

// What is left when a secret was cut out: the message without it.
static void check_cut(const char *body, size_t len, const char *path) {
  struct err err;
  json_t *value, *tree, *rest;
  char *left;
  assert(message_cut(body, len, path, &value, &left, &err) == OK && !value == !left);
  if (!left) return;
  tree = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL), rest = json_loads(left, JSON_REJECT_DUPLICATES, NULL);
  const char *dot = strchr(path, '.');
  json_t *of = dot ? json_object_getn(tree, path, (size_t)(dot - path)) : tree;
  assert(json_is_string(value) && json_equal(json_object_get(of, dot ? dot + 1 : path), value));
  json_object_del(of, dot ? dot + 1 : path);
  assert(json_equal(tree, rest));
  free(left);
  json_decref(value);
  json_decref(tree);
  json_decref(rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct err err;
  if (size == 0) return 0;
  const char *body = (const char *)data + 1;
  size_t len = size - 1;
  json_t *mapping = NULL;
  if (data[0] == 'M') {
    const char *end = memchr(body, '\n', len);
    const size_t n = end ? (size_t)(end - body) : len;
    mapping = json_loadb(body, n, 0, NULL);
    body += n + (end != NULL), len -= n + (end != NULL);
    if (!json_is_object(mapping) || message_mapping_check(mapping, &err) != OK) {
      json_decref(mapping);
      mapping = NULL;
    }
  } else if (mappings[data[0] % 3]) {
    mapping = json_loads(mappings[data[0] % 3], 0, NULL);
    assert(message_mapping_check(mapping, &err) == OK);
  }
  json_t *signal = NULL, *again = NULL;
  char *copy = malloc(len ? len : 1), dedupe[MESSAGE_DEDUPE_SIZE], twice[MESSAGE_DEDUPE_SIZE];  // so that a read beyond the end is seen
  memcpy(copy, body, len);
  const enum status st = message_read(copy, len, mapping, &signal, &err);
  assert(st == OK || st == ERR_INVALID || st == ERR_LIMIT);
  if (st == OK) {
    check(signal, copy, len);
    assert(message_read(copy, len, mapping, &again, &err) == OK && json_equal(signal, again));
    message_dedupe(signal, dedupe);
    message_dedupe(again, twice);
    assert(strcmp(dedupe, twice) == 0 && (dedupe[0] == '\0' || strspn(dedupe, "0123456789abcdef") == 64));
  } else {
    assert(!signal && err.msg[0]);
  }
  check_cut(copy, len, "id");
  check_cut(copy, len, "a.b");
  free(copy);
  json_decref(signal);
  json_decref(again);
  json_decref(mapping);
  return 0;
}

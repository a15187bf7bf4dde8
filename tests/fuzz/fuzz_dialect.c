// tests/fuzz/fuzz_dialect.c – any bytes as what a venue says, to the shipped dialects: a frame, or the answer to an operation. First byte: which
// dialect and what. Whatever comes, it is checked values or an error; an answer about a trade that is not understood is UNKNOWN; two calls agree.
#include "script/dialect.h"
#include "tenant/shipped.h"
#include "venue/book.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dialect *dialects[2];

static void setup(void) {
  struct err err;
  for (int i = 0; i < 2; i++) {
    enum status st = dialect_create(shipped_dialects[i].file, shipped_dialects[i].source, shipped_dialects[i].len, NULL, &dialects[i], &err);
    assert(st == OK);
  }
}

static void frame(struct dialect *d, bool private, const char *text, size_t len) {
  json_t *events, *again, *e;
  struct err err;
  struct book book;
  size_t i;
  enum status st = dialect_frame(d, private ? "private" : "public", text, len, &events, &err);
  assert(st == OK || st == ERR_SCRIPT || st == ERR_BUDGET || st == ERR_LIMIT);
  assert((events != NULL) == (st == OK));
  if (st != OK) return;
  book_init(&book);
  json_array_foreach(events, i, e) {
    const char *type = json_string_value(json_object_get(e, "type"));
    assert(type != NULL);
    if (strcmp(type, "book") == 0) book_take(&book, e);
    if (strcmp(type, "order") == 0) assert(json_is_string(json_object_get(e, "symbol")) && json_is_string(json_object_get(e, "status")));
  }
  json_decref(book_json(&book, 10));
  book_finish(&book);
  assert(dialect_frame(d, private ? "private" : "public", text, len, &again, &err) == OK && json_equal(events, again));
  json_decref(again);
  json_decref(events);
}

static void response(struct dialect *d, enum dialect_op op, int status, const char *text, size_t len) {
  struct dialect_answer a;
  struct err err;
  json_t *args = json_pack("{s:s, s:s}", "symbol", "BTCUSDT", "id", "1");
  enum status st = dialect_response(d, op, status, text, len, args, &a, &err);
  assert(st == OK || st == ERR_SCRIPT || st == ERR_BUDGET);
  if (dialect_op_trades(op) && (st != OK || status >= 500)) assert(a.action == DIALECT_IS_UNKNOWN);
  assert(dialect_why_known(a.why) && a.action < DIALECT_ACTION_COUNT);
  if (a.action != DIALECT_IS_OK) assert(a.data == NULL);
  for (const char *p = a.text; *p != '\0'; p++) assert((unsigned char)*p >= 0x20);
  dialect_answer_finish(&a);
  json_decref(args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (dialects[0] == NULL) setup();
  if (size == 0) return 0;
  struct dialect *d = dialects[data[0] & 1];
  const char *text = (const char *)data + 1;
  unsigned what = data[0] >> 1;
  if (what >= 64) frame(d, what & 1, text, size - 1);
  else response(d, (enum dialect_op)(what % DIALECT_OP_COUNT), what % 3 == 0 ? 503 : what % 5 == 0 ? 400 : 200, text, size - 1);
  return 0;
}

// Order books out of a dialect's events: by price and by order, holes in the count, more than there is room for.
#include "venue/book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum book_result take(struct book *b, const char *event) {
  json_t *e = json_loads(event, 0, NULL);
  assert_non_null(e);
  enum book_result r = book_take(b, e);
  json_decref(e);
  return r;
}

static void shows(const struct book *b, size_t depth, const char *want) {
  json_t *got = book_json(b, depth), *wanted = json_loads(want, 0, NULL);
  if (!json_equal(got, wanted)) fail_msg("expected %s, got %s", want, json_dumps(got, JSON_COMPACT));
  json_decref(got);
  json_decref(wanted);
}

static void by_price(void **state) {
  (void)state;
  struct book b;
  book_init(&b);
  assert_int_equal(take(&b, "{\"bids\":[{\"price\":\"1\",\"qty\":\"1\"}]}"), BOOK_WAITING);
  assert_int_equal(take(&b, "{\"snapshot\":true,\"seq\":7,\"bids\":[{\"price\":\"9\",\"qty\":\"1\"},{\"price\":\"10\",\"qty\":\"2\"}],\"asks\":[{\"price\":\"11.5\",\"qty\":\"3\"},{\"price\":\"11\",\"qty\":\"4\"}]}"), BOOK_TAKEN);
  assert_int_equal(take(&b, "{\"bids\":[{\"price\":\"10.0\",\"qty\":\"5\"},{\"price\":\"9\",\"qty\":\"0.000\"},{\"price\":\"9.5\",\"qty\":\"1\"}],\"seq\":9}"), BOOK_TAKEN);
  shows(&b, 0, "{\"bids\":[{\"price\":\"10.0\",\"qty\":\"5\"},{\"price\":\"9.5\",\"qty\":\"1\"}],\"asks\":[{\"price\":\"11\",\"qty\":\"4\"},{\"price\":\"11.5\",\"qty\":\"3\"}],\"seq\":9}");
  shows(&b, 1, "{\"bids\":[{\"price\":\"10.0\",\"qty\":\"5\"}],\"asks\":[{\"price\":\"11\",\"qty\":\"4\"}],\"seq\":9}");
  assert_int_equal(take(&b, "{\"bids\":[{\"price\":\"8\"}]}"), BOOK_GAP);  // half a level: nothing is known any more
  assert_int_equal(take(&b, "{\"bids\":[{\"price\":\"8\",\"qty\":\"1\"}]}"), BOOK_WAITING);
  book_finish(&b);
}

static void by_order(void **state) {
  (void)state;
  struct book b;
  book_init(&b);
  assert_int_equal(take(&b, "{\"snapshot\":true,\"seq\":1,\"bids\":[{\"price\":\"10\",\"qty\":\"1.5\",\"id\":\"a\"},{\"price\":\"10\",\"qty\":\"2\",\"id\":\"b\"}],\"asks\":[{\"price\":\"11\",\"qty\":\"1\",\"id\":\"c\"}]}"), BOOK_TAKEN);
  shows(&b, 0, "{\"bids\":[{\"price\":\"10\",\"qty\":\"3.5\"}],\"asks\":[{\"price\":\"11\",\"qty\":\"1\"}],\"seq\":1}");
  assert_int_equal(take(&b, "{\"prev\":1,\"seq\":2,\"bids\":[{\"id\":\"a\",\"less\":\"0.25\"},{\"id\":\"c\",\"less\":\"1\"},{\"id\":\"nobody\",\"less\":\"1\"}],\"remove\":[\"b\"]}"), BOOK_TAKEN);
  shows(&b, 0, "{\"bids\":[{\"price\":\"10\",\"qty\":\"1.25\"}],\"asks\":[],\"seq\":2}");
  assert_int_equal(take(&b, "{\"prev\":3,\"seq\":4}"), BOOK_GAP);
  assert_false(b.known);
  assert_int_equal(take(&b, "{\"snapshot\":true,\"seq\":9,\"bids\":[{\"price\":\"10\",\"qty\":\"1\",\"id\":\"a\"}]}"), BOOK_TAKEN);
  assert_int_equal(take(&b, "{\"prev\":9,\"seq\":10,\"bids\":[{\"id\":\"a\",\"less\":\"2\"}]}"), BOOK_GAP);  // more than there is
  book_finish(&b);
}

static void bounded(void **state) {
  (void)state;
  struct book b;
  book_init(&b);
  json_t *bids = json_array();
  for (int i = 0; i <= BOOK_ROWS_MAX; i++) {
    char price[16];
    snprintf(price, sizeof price, "%d", BOOK_ROWS_MAX + 1 - i);
    json_array_append_new(bids, json_pack("{s:s, s:s}", "price", price, "qty", "1"));
  }
  json_t *e = json_pack("{s:b, s:o}", "snapshot", 1, "bids", bids);
  assert_int_equal(book_take(&b, e), BOOK_GAP);
  json_array_remove(bids, 0);
  assert_int_equal(book_take(&b, e), BOOK_TAKEN);
  assert_int_equal(b.count[BOOK_BIDS], BOOK_ROWS_MAX);
  json_decref(e);
  book_finish(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(by_price), cmocka_unit_test(by_order), cmocka_unit_test(bounded)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

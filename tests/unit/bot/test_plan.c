// tests/unit/bot/test_plan.c – the data plan of a bot out of a kept header.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bot/plan.h"

#define MINUTE (60 * NS_PER_S)

static enum status plan(const char *header, const char *params, struct bot_plan *ret, struct err *err) {
  json_t *h = json_loads(header, 0, NULL), *p = params ? json_loads(params, 0, NULL) : NULL;
  assert_non_null(h);
  const enum status st = plan_make(h, p, "BTCUSDT", MINUTE, ret, err);
  json_decref(h);
  json_decref(p);
  return st;
}

#define PARAMS "\"params\":[{\"name\":\"slow\",\"kind\":\"int\",\"default\":30},{\"name\":\"high\",\"kind\":\"tf\",\"default\":\"1h\"},{\"name\":\"pair\",\"kind\":\"symbol\",\"default\":\"ETHUSDT\"}]"

static void streams(void **state) {
  (void)state;
  struct bot_plan p;
  struct err err;
  const char *header = "{\"mode\":\"netting\"," PARAMS ",\"data\":{\"main\":{},\"h\":{\"tf\":\"param:high\"},\"other\":{\"symbol\":\"param:pair\",\"tf\":\"5m\"},\"quick\":{\"symbol\":\"ETHUSDT\",\"tf\":\"1m\"}},"
                       "\"ind\":{\"s\":{\"kind\":\"sma\",\"args\":[\"slow\"],\"on\":\"main\"}},\"lookback\":512,\"warmup\":0}";
  assert_int_equal(plan(header, "{\"high\":\"4h\",\"slow\":400}", &p, &err), OK);
  assert_int_equal(p.stream_count, 4);
  assert_string_equal(p.streams[0].symbol, "BTCUSDT");
  assert_int_equal(p.streams[0].timeframe_ns, MINUTE);
  assert_int_equal(p.streams[1].timeframe_ns, 240 * MINUTE);
  assert_string_equal(p.streams[2].symbol, "ETHUSDT");
  assert_int_equal(p.symbol_count, 2);
  assert_string_equal(p.symbols[0].name, "BTCUSDT");
  assert_int_equal(p.symbols[0].exec, 0);
  assert_int_equal(p.symbols[1].exec, 3);  // the finest
  assert_int_equal(p.streams[3].symbol_ix, 1);
  assert_false(p.hedging);
  assert_int_equal(p.history_bars, 4 * 400 + 512);
  assert_int_equal(plan(header, NULL, &p, &err), OK);
  assert_int_equal(p.streams[1].timeframe_ns, 60 * MINUTE);
  assert_int_equal(p.history_bars, PLAN_HISTORY_MIN);
}

static void refused(void **state) {
  (void)state;
  struct bot_plan p;
  struct err err;
  assert_int_equal(plan("{}", NULL, &p, &err), ERR_INVALID);
  assert_int_equal(plan("{\"data\":[1]}", NULL, &p, &err), ERR_INVALID);
  assert_int_equal(plan("{\"data\":{\"x\":{},\"main\":{}}}", NULL, &p, &err), ERR_INVALID);
  assert_int_equal(plan("{\"data\":{\"main\":{\"tf\":\"7 parsecs\"}}}", NULL, &p, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "parsecs"));
  assert_int_equal(plan("{" PARAMS ",\"data\":{\"main\":{\"tf\":\"param:slow\"}}}", NULL, &p, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "/params/slow"));
  assert_int_equal(plan("{" PARAMS ",\"data\":{\"main\":{\"symbol\":\"param:gone\"}}}", NULL, &p, &err), ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(streams), cmocka_unit_test(refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

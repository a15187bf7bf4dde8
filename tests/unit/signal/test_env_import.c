// A self-hosted bot's environment: lines as shells have them, what they mean here, what is left and why; secrets never leave the file.
#include "signal/env_import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static json_t *read_ok(const char *text) {
  json_t *j = NULL;
  struct err err;
  if (env_import_read(text, strlen(text), &j, &err) != OK) fail_msg("%s", err.msg);
  return j;
}

static const char *why_of(const json_t *j, const char *list, const char *name, const char *key) {
  size_t i;
  const json_t *one;
  json_array_foreach(json_object_get(j, list), i, one) if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0) return json_string_value(json_object_get(one, key));
  return NULL;
}

static void test_whole(void **state) {
  (void)state;
  json_t *j = read_ok("# a bot\r\nexport BOT_NAME=\"Night shift\"  # its name\nEXCHANGE=bybit\nAPI_KEY=xQ3pLr9T\nAPI_SECRET='s3 # no comment'\nTELEGRAM_BOT_TOKEN=1:A\nBOT_TOKENS=x\nDB_PASS=\n"
    "SYMBOL=BTC/USDT:USDT      # perpetual\ntimeframe = 15\n\nBASE_ORDER=100\nBASE_ORDER_SIZE=150.50\nMAX_SAFETY_ORDERS=6\nPRICE_DEVIATION=1.4%\nSTOP_LOSS=9\nDRY_RUN=false\nCOLOR=a#b");
  const json_t *bot = json_object_get(j, "bot"), *params = json_object_get(bot, "params");
  assert_string_equal(json_string_value(json_object_get(bot, "name")), "Night shift");
  assert_string_equal(json_string_value(json_object_get(bot, "symbol")), "BTCUSDT");
  assert_string_equal(json_string_value(json_object_get(bot, "timeframe")), "15m");
  assert_true(json_number_value(json_object_get(params, "base")) == 150.5 && json_number_value(json_object_get(params, "step")) == 1.4);
  assert_true(json_is_integer(json_object_get(params, "orders")) && json_integer_value(json_object_get(params, "orders")) == 6);
  assert_true(json_is_false(json_object_get(j, "paper")) && json_is_false(json_object_get(j, "testnet")));
  assert_string_equal(why_of(j, "ignored", "BASE_ORDER", "why"), "a later line says it again");
  assert_string_equal(why_of(j, "taken", "BASE_ORDER_SIZE", "as"), "params.base");
  const char *const secrets[] = {"API_KEY", "API_SECRET", "TELEGRAM_BOT_TOKEN", "BOT_TOKENS"};
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) assert_non_null(strstr(why_of(j, "ignored", secrets[i], "why"), "secret"));
  assert_string_equal(why_of(j, "ignored", "COLOR", "why"), "means nothing here");
  assert_string_equal(why_of(j, "ignored", "DB_PASS", "why"), "means nothing here");
  assert_non_null(strstr(why_of(j, "ignored", "EXCHANGE", "why"), "account"));
  char *all = json_dumps(j, 0);
  assert_true(!strstr(all, "xQ3p") && !strstr(all, "s3 #") && !strstr(all, "1:A"));
  free(all);
  json_decref(j);
  j = read_ok("PAIR=eth-usdt\nEMA_PERIOD=150");
  assert_string_equal(json_string_value(json_object_get(json_object_get(j, "bot"), "name")), "ETHUSDT from elsewhere");
  assert_true(json_is_true(json_object_get(j, "paper")));
  json_decref(j);
}

static void test_wrong(void **state) {
  static const struct { const char *text, *says; } cases[] = {
    {"", "SYMBOL"}, {"SYMBOL=BTC\nnonsense", "line 2"}, {"SYMBOL=BTC\nX='open", "line 2"}, {"SYMBOL=BTC\nX=\"a\" b", "line 2"}, {"1X=2", "line 1"}, {"=2", "line 1"}, {"SYMBOL=/:", "no symbol"},
    {"SYMBOL=BTC\nBASE_ORDER=ten", "no number"}, {"SYMBOL=BTC\nSAFETY_ORDERS=2.5", "whole number"}, {"SYMBOL=BTC\nTAKE_PROFIT=nan", "no number"}, {"SYMBOL=BTC\nTIMEFRAME=", "timeframe"},
    {"SYMBOL=\xff", "UTF-8"}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    json_t *j = NULL;
    struct err err;
    assert_int_equal(env_import_read(cases[i].text, strlen(cases[i].text), &j, &err), ERR_INVALID);
    if (!strstr(err.msg, cases[i].says)) fail_msg("%s: %s", cases[i].text, err.msg);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_wrong)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// tests/unit/bot/test_held.c – what a venue says that is held, counted in lots: what cannot be counted is never taken for nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bot/held.h"

static struct decimal dec(const char *text) {
  struct decimal d = NO_DECIMAL;
  if (*text) assert_true(decimal_parse(text, strlen(text), &d));
  return d;
}

static struct instrument inst_of(const char *symbol, const char *lot) {
  struct instrument inst = {.tick = {1, 1}, .lot = dec(lot), .multiplier = {1, 0}};
  snprintf(inst.symbol, sizeof inst.symbol, "%s", symbol);
  return inst;
}

static void test_coins_by_name(void **state) {
  (void)state;
  static const struct { const char *asset, *symbol, *currency; bool is; } cases[] = {
    {"BTC", "BTCUSDT", "USDT", true}, {"BTC", "BTCDOMUSDT", "USDT", false}, {"BTCDOM", "BTCDOMUSDT", "USDT", true}, {"USDT", "BTCUSDT", "USDT", false},
    {"USDT", "USDTUSDC", "USDC", true}, {"BTC", "BTCEUR", "USDT", true}, {"", "BTCUSDT", "USDT", false}, {"BTCUSDT", "BTCUSDT", "USDT", false},
    {"XBT", "XBTZAR", "ZAR", true}, {"BTC", "BTCUSDT", "", true}, {"ETH", "BTCUSDT", "USDT", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (held_is_coin(cases[i].asset, cases[i].symbol, cases[i].currency) != cases[i].is) fail_msg("%s of %s", cases[i].asset, cases[i].symbol);
}

// rows: "SYMBOL qty" each.
static bool positions(const char *const *rows, const char *lot, int64_t *ret) {
  struct venue_position list[8] = {0};
  size_t n = 0;
  for (; rows[n]; n++) {
    char qty[64];
    assert_int_equal(sscanf(rows[n], "%15s %63s", list[n].symbol, qty), 2);
    list[n].qty = dec(strcmp(qty, "none") == 0 ? "" : qty);
  }
  const struct instrument inst = inst_of("BTCUSDT", lot);
  return held_lots(&(struct held_list){.positions = list, .count = n}, &inst, "USDT", 0, ret);
}

static void test_positions(void **state) {
  (void)state;
  static const struct { const char *rows[4]; bool good; int64_t lots; } cases[] = {
    {{NULL}, true, 0},
    {{"BTCUSDT 0.003", NULL}, true, 3},
    {{"BTCUSDT 0.0030", "ETHUSDT 7", NULL}, true, 3},
    {{"BTCUSDT 0.005", "BTCUSDT -0.002", NULL}, true, 3},         // both legs
    {{"BTCUSDT -12", NULL}, true, -12000},
    {{"ETHUSDT 0.0005", NULL}, true, 0},                          // no lot of ours, and no symbol of ours
    {{"BTCUSDT 0.0005", NULL}, false, 0},                         // half a lot is not nothing
    {{"BTCUSDT 0.001", "BTCUSDT none", NULL}, false, 0},
    {{"BTCUSDT 9000000000000000", NULL}, false, 0},               // 9e18 lots
    {{"BTCUSDT 4000000000000000", "BTCUSDT 4000000000000000", "BTCUSDT 4000000000000000", NULL}, false, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t lots = 77;
    const bool good = positions(cases[i].rows, "0.001", &lots);
    if (good != cases[i].good || lots != cases[i].lots) fail_msg("case %zu: %d, %lld", i, good, (long long)lots);
  }
}

static bool coins(const char *const *rows, const char *lot, int128 fees_e8, int64_t *ret) {
  struct venue_balance list[8] = {0};
  size_t n = 0;
  for (; rows[n]; n++) {
    char total[64];
    assert_int_equal(sscanf(rows[n], "%15s %63s", list[n].asset, total), 2);
    list[n].total = dec(strcmp(total, "none") == 0 ? "" : total);
  }
  const struct instrument inst = inst_of("BTCUSDT", lot);
  return held_lots(&(struct held_list){.coins = true, .balances = list, .count = n}, &inst, "USDT", fees_e8, ret);
}

static void test_coins(void **state) {
  (void)state;
  static const struct { const char *rows[4], *lot; int64_t fees_e8; bool good; int64_t lots; } cases[] = {
    {{NULL}, "0.001", 0, true, 0},
    {{"USDT 50000", "BTC 0.003", NULL}, "0.001", 0, true, 3},
    {{"BTC 0.5994", NULL}, "0.001", 60000000, true, 600},          // a fee of 0.0006: 0.6 lots
    {{"BTC 0.002", "BTC 0.001", NULL}, "0.001", 0, true, 3},       // two accounts of it
    {{"BTC 0.0005", NULL}, "0.001", 0, true, 1},                   // dust: to the nearest
    {{"BTC 0.00049", NULL}, "0.001", 0, true, 0},
    {{"BTC -0.002", NULL}, "0.001", 0, true, -2},                  // owed
    {{"BTC 7", NULL}, "5", 0, true, 1},
    {{"BTC 0.000000000000000001", NULL}, "0.001", 0, true, 0},
    {{"BTC none", NULL}, "0.001", 0, false, 0},
    {{"ETH none", NULL}, "0.001", 0, true, 0},                     // another coin's
    {{"BTC 9223372036854775807", NULL}, "0.000000000000000001", 0, false, 0},
    {{"BTC 5000000000000000", NULL}, "0.001", 0, false, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t lots = 77;
    const bool good = coins(cases[i].rows, cases[i].lot, cases[i].fees_e8, &lots);
    if (good != cases[i].good || lots != cases[i].lots) fail_msg("case %zu: %d, %lld", i, good, (long long)lots);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_coins_by_name), cmocka_unit_test(test_positions), cmocka_unit_test(test_coins)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// tests/unit/risk/test_gate_random.c – the gate's running sums equal those from scratch after any history; and what limits are
// for: whatever part of the accepted orders executes, no position is larger than allowed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "risk/gate.h"

#define E8(units) ((int64_t)(units) * CASH_ONE)

// Several bots, accounts and symbols under one tenant.
enum { BOTS = 4, ACCOUNTS = 2, ORDERS = 24 };
struct live { struct gate_ticket t; int bot; int64_t left, order; price px; bool used, unknown; };
struct world {
  struct instrument inst;
  struct gate_scope bot[BOTS], account[ACCOUNTS], tenant;
  struct gate_symbol bot_symbol[BOTS], account_symbol[ACCOUNTS];
  struct live live[ORDERS];
};

static struct gate_path path_of(struct world *w, int bot) {
  int a = bot % ACCOUNTS;
  return (struct gate_path){.bot = &w->bot[bot], .account = &w->account[a], .tenant = &w->tenant,
                            .bot_symbol = &w->bot_symbol[bot], .account_symbol = &w->account_symbol[a]};
}

static int64_t worst_lots(const struct world *w, int bot, int account) {
  int64_t lots = bot >= 0 ? w->bot_symbol[bot].lots : w->account_symbol[account].lots, up = lots, down = lots;
  for (int i = 0; i < ORDERS; i++) {
    const struct live *l = &w->live[i];
    if (!l->used || l->t.reduce || (bot >= 0 ? l->bot != bot : l->bot % ACCOUNTS != account)) continue;
    if (l->t.side == SIDE_BUY) up += l->left;
    else down -= l->left;
  }
  int64_t worst = up > -down ? up : -down, held = lots < 0 ? -lots : lots;
  return worst > held ? worst : held;
}

static void from_scratch(const struct world *w) {
  int128 tenant = 0, total_open = 0;
  for (int b = 0; b < BOTS; b++) {
    int64_t open = 0;
    for (int i = 0; i < ORDERS; i++) open += w->live[i].used && w->live[i].bot == b;
    total_open += open;
    assert_int_equal(w->bot[b].open_orders, open);
    assert_true(w->bot[b].exposure_e8 == (int128)worst_lots(w, b, -1) * w->bot_symbol[b].last.ticks * E8(1) / 10);
  }
  for (int a = 0; a < ACCOUNTS; a++) {
    int64_t lots = 0, unknown = 0;
    for (int b = a; b < BOTS; b += ACCOUNTS) lots += w->bot_symbol[b].lots;
    for (int i = 0; i < ORDERS; i++) {
      const struct live *l = &w->live[i];
      if (l->used && l->unknown && !l->t.reduce && l->bot % ACCOUNTS == a) unknown += l->left;
    }
    assert_int_equal(w->account_symbol[a].lots, lots);
    assert_int_equal(w->account_symbol[a].unknown_buy_lots + w->account_symbol[a].unknown_sell_lots, unknown);
    int128 worst = (int128)worst_lots(w, -1, a) * w->account_symbol[a].last.ticks * E8(1) / 10;
    assert_true(w->account[a].exposure_e8 == worst && w->account[a].margin_e8 == w->account_symbol[a].margin_e8);
    tenant += (worst * w->account[a].rate_e8 + CASH_ONE - 1) / CASH_ONE;
  }
  assert_true(w->tenant.exposure_e8 == tenant && w->tenant.open_orders == total_open);
}

// What the pipeline does about an excess: cancels orders that may open, of the account, until there is none.
static int trim(struct world *w, int bot) {
  struct gate_path p = path_of(w, bot);
  struct refusal why;
  int cancelled = 0;
  for (int i = 0; i < ORDERS && gate_excess(&p, &why); i++) {
    struct live *l = &w->live[i];
    if (!l->used || l->t.reduce || l->bot % ACCOUNTS != bot % ACCOUNTS || (why.level == LEVEL_BOT && l->bot != bot)) continue;
    struct gate_path own = path_of(w, l->bot);
    gate_release(&own, &l->t);
    l->used = false;
    cancelled++;
  }
  assert_false(gate_excess(&p, &why) && why.level == LEVEL_BOT);
  return cancelled;
}

static void test_random_histories(void **state) {
  (void)state;
  static struct world w;
  uint64_t x = 2463534242;
  int accepted = 0, refused = 0, trimmed = 0;
  for (int round = 0; round < 60; round++) {
    memset(&w, 0, sizeof w);
    struct err err;
    w.inst = (struct instrument){.symbol = "X", .tick = {1, 0}, .lot = {1, 1}, .multiplier = {1, 0}};
    assert_int_equal(instrument_finish(&w.inst, &err), OK);
    struct gate_limits bot = {.max_position_e8 = E8(2000)}, account = {.max_position_e8 = E8(3000)}, tenant = {.max_exposure_e8 = E8(4500)};
    gate_scope_init(&w.tenant, LEVEL_TENANT, &tenant, (cash){E8(100000)});
    for (int a = 0; a < ACCOUNTS; a++) {
      gate_scope_init(&w.account[a], LEVEL_ACCOUNT, &account, (cash){E8(100000)});
      w.account[a].rate_e8 = a ? 123456789 : CASH_ONE;
      gate_symbol_init(&w.account_symbol[a], &w.inst, 30000);
    }
    for (int b = 0; b < BOTS; b++) {
      gate_scope_init(&w.bot[b], LEVEL_BOT, &bot, (cash){E8(100000)});
      gate_symbol_init(&w.bot_symbol[b], &w.inst, 30000);
      struct gate_path p = path_of(&w, b);
      gate_price(&p, (price){100});
    }
    for (int i = 0; i < 500; i++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      struct live *l = &w.live[(x >> 8) % ORDERS];
      int b = l->used ? l->bot : (int)((x >> 16) % BOTS);
      struct gate_path p = path_of(&w, b);
      bool grew = false;
      if (!l->used) {
        struct gate_order o = {.side = x >> 20 & 1 ? SIDE_BUY : SIDE_SELL, .lots = 1 + (int64_t)((x >> 24) % 120),
                               .px = {90 + (int64_t)((x >> 32) % 20)}, .limit = NO_PRICE, .reduce = (x >> 40) % 4 == 0, .now_ns = i};
        struct refusal why;
        if (!gate_check(&p, &o, &why)) {
          refused++;
          assert_true(why.rule == REFUSE_POSITION_MAX || why.rule == REFUSE_EXPOSURE_MAX || why.rule == REFUSE_REDUCE_ONLY);
          continue;
        }
        accepted++;
        const struct gate_symbol *s = &w.bot_symbol[b];
        bool was_exit = o.side == SIDE_SELL ? o.lots <= s->lots - s->sell_lots : o.lots <= -s->lots - s->buy_lots;
        *l = (struct live){.bot = b, .left = o.lots, .order = o.lots, .px = o.px, .used = true};
        gate_accept(&p, &o, &l->t);
        grew = !o.reduce && !was_exit;
      } else if (x >> 44 & 1) {
        int64_t fill = 1 + (int64_t)((x >> 24) % (uint64_t)l->left), held = w.bot_symbol[b].lots;
        if (l->t.reduce) {                                   // the venue clips it to the position
          int64_t can = l->t.side == SIDE_SELL ? held : -held;
          if (can <= 0) { gate_release(&p, &l->t); l->used = false; from_scratch(&w); continue; }
          if (fill > can) fill = can;
        }
        gate_fill(&p, l->t.side, fill);
        l->left -= fill;
        gate_update(&p, &l->t, l->left, l->unknown);
        if (l->left == 0) { gate_release(&p, &l->t); l->used = false; }
      } else if (x >> 45 & 1) {
        l->unknown = !l->unknown;
        gate_update(&p, &l->t, l->left, l->unknown);
      } else {
        gate_release(&p, &l->t);
        l->used = false;
      }
      from_scratch(&w);
      // The price has not moved: what was let through to grow is within every limit, whatever part of it executes.
      if (grew) assert_true(w.bot[b].exposure_e8 <= E8(2000) && w.account[b % ACCOUNTS].exposure_e8 <= E8(3000) && w.tenant.exposure_e8 <= E8(4500));
      // Exits may leave orders behind that counted on the position. Cancelling what would open mends it.
      trimmed += trim(&w, b);
      assert_true(w.bot[b].exposure_e8 <= E8(2000));
      from_scratch(&w);
    }
    for (int b = 0; b < BOTS; b++) {
      struct gate_path p = path_of(&w, b);
      gate_price(&p, (price){80 + b});
    }
    for (int a = 0; a < ACCOUNTS; a++) w.account_symbol[a].last = w.bot_symbol[a + BOTS - ACCOUNTS].last;
    from_scratch(&w);
  }
  assert_true(accepted > 1000 && refused > 1000 && trimmed > 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_histories)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

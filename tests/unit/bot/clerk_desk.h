// tests/unit/bot/clerk_desk.h – bots of one account as their hosts send them, one symbol at 1 a tick and a lot, and what their clerks told.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bot/clerk.h"

#define E8(units) ((int64_t)(units) * CASH_ONE)
#define S INT64_C(1000000000)
enum { BOTS = 2 };

struct desk {  // a bot as its host sends it
  struct clerk *clerk;
  uint64_t ids;
  struct clerk_verdict v;
  struct bot_command imposed[64];
  int imposed_count, orders, fills, marks, denials, interventions;
  enum order_status last_to;
  enum reason last_reason, intervened;
  char client_id[CLIENT_ID_SIZE], text[REFUSAL_TEXT_SIZE], said[REFUSAL_TEXT_SIZE];
  struct clerk_fill_event fill;
  struct clerk_equity_event equity;
};
struct fixture {
  struct desk desk[BOTS];
  struct clerk_shared shared;
  struct halt_state halt;
  struct clerk_tenant tenant;
  struct clerk_account *account;
  struct instrument inst;
  struct match_symbol_config symbol;
  struct clerk_config config;
  struct clerk_account_config account_config;
  struct bar bar;
  int64_t now_ns;
  int64_t last_px;           // what the symbol trades at between bars; 0: nobody knows
  struct last_report tripped;
  int trips;
};
extern struct fixture f;

void prepare(void);
void clerk_open(int i);
void open_all(int bots);
// All bots see a bar from the last price to `to`.
void bar_next(int64_t to);
// clerk_end, clerk_committed, and what must hold.
void end_all(void);
// Both.
void bars(int64_t to);
enum clerk_answer command(int i, struct bot_command c);
struct intent order_of(enum side side, int64_t limit, int64_t sl);
// Reserves an id (desk.ids) and submits.
enum clerk_answer submit(int i, const struct intent *in, int64_t lots);
enum clerk_answer buy(int i, int64_t lots, int64_t limit, int64_t sl);
enum clerk_answer sell(int i, int64_t lots, int64_t limit);
enum clerk_answer change(int i, uint64_t id, int64_t lots, int64_t limit, int64_t sl, bool sl_none);
const struct order *order(int i, uint64_t id);
int64_t position(int i);
// Everything was given back.
void close_all(void);
struct rule_set *rules_of(const char *text);

#define DENIED(rule_, level_) (f.desk[0].v.answer == CLERK_DENIED && f.desk[0].v.why.rule == REFUSE_##rule_ && f.desk[0].v.why.level == LEVEL_##level_)

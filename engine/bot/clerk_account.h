// bot/clerk_account.h – an account and a tenant as the clerks of their bots share them: limits, worst-case exposure, prop-firm rules,
// resting orders, and the virtual ledgers whose sum is the account.
//
// A paper account has money and bots, each with its part of the money (sub_books). Each bot has a matcher of its own; what is theirs
// together – exposure, margin, losses, the orders that might meet – is counted here, in the gate's running sums.
//
// Times are event times. Risk days are UTC days, except for the rules, which have their own.
#pragma once
#include "order/resting.h"
#include "order/sub_books.h"
#include "risk/gate.h"
#include "risk/rule_set.h"

struct clerk;

struct clerk_tenant {
  uint64_t id;
  struct gate_scope scope;   // trades_used is the owner's to keep
  int64_t day;               // of the last mark
};
void clerk_tenant_init(struct clerk_tenant *t, uint64_t id, const struct gate_limits *limits);

struct clerk_account_config {
  uint64_t id;
  struct clerk_tenant *tenant;     // borrowed
  cash balance;                    // > 0
  struct gate_limits limits;
  int64_t rate_e8;                 // its currency in the tenant's; 0: the same
  const struct rule_set *rules;    // borrowed; NULL: no prop-firm rules
  const struct news_list *news;    // borrowed; NULL: an empty calendar
  int64_t now_ns;                  // event time at which its rules begin
};
struct clerk_account;

enum status clerk_account_create(const struct clerk_account_config *config, struct clerk_account **ret, struct err *err) MUST_CHECK;
// Asserts that no clerk is left in it. NULL is fine.
void clerk_account_destroy(struct clerk_account *a);

uint64_t clerk_account_id(const struct clerk_account *a);
struct gate_scope *clerk_account_scope(struct clerk_account *a);
const struct sub_books *clerk_account_books(const struct clerk_account *a);
// NULL: there are no rules.
struct rule_state *clerk_account_rules(struct clerk_account *a);
// Rules from here on (NULL: none), which live as long as they are here. stored: what was remembered when they, or others, were last
// applied; NULL: what is remembered now goes on, and where there were none they begin now.
void clerk_account_rule(struct clerk_account *a, const struct rule_set *rules, const struct rule_state *stored, int64_t now_ns);
// Another calendar for its rules, borrowed; NULL: an empty one.
void clerk_account_news(struct clerk_account *a, const struct news_list *news);
// While it is held, marks of its bots are not judged: some of them are not there yet. Let go, what there is is judged.
void clerk_account_hold(struct clerk_account *a, bool held);
// A bot's clerk goes, and will come back from the journal with its history (or its run has ended: back): until then rules count what it
// had won. Call it before clerk_destroy(), and when the bot is back.
void clerk_account_away(struct clerk_account *a, const struct clerk *c);
void clerk_account_back(struct clerk_account *a, uint64_t bot_id);
// Money paid in by its owner (negative: out), which was settled: rules see neither profit nor loss in it.
void clerk_account_paid(struct clerk_account *a, cash amount);
// Rules want its bots flat: those that are between instants close now, the others at their clerk_end(). The owner journals what is imposed.
bool clerk_account_wants_flat(const struct clerk_account *a);
void clerk_account_act(struct clerk_account *a);
cash clerk_account_equity(const struct clerk_account *a);  // Σ of the bots and the house
cash clerk_account_house(const struct clerk_account *a);   // what no bot has
// Money in (negative: out) of the house. False: does not fit, or the house has less.
bool clerk_account_deposit(struct clerk_account *a, cash amount) MUST_CHECK;
// What a bot has won (negative: lost) that has left and whose money the account keeps; marks stay where they were with it.
void clerk_account_settle(struct clerk_account *a, cash result);
// Other limits from here on: running sums are kept.
void clerk_account_limits(struct clerk_account *a, const struct gate_limits *limits);
// All orders working in the account, by instrument and leg, sum to the sub-ledgers and the gate: for tests.
void clerk_account_check(const struct clerk_account *a);

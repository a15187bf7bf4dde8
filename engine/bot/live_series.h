// bot/live_series.h – private to bot/live*.c: what the settings of a bot come to (live_setup.c), and the series it reads, in the hub and in
// the journal (live_series.c). From live_impl.h.
#pragma once
#include "bot/clerk.h"
#include "bot/hub.h"
#include "bot/live.h"
#include "bot/record.h"
#include "store/bot_rows.h"
#include "store/journal_rows.h"

struct live_bot;

// ---- live_setup.c

struct live_fuse {   // budgets of the last check, a minute of market time; 0: the default of its kind (live.c)
  int64_t orders, notional_e8;
};
// What becomes of positions at a venue that no bot holds. Words of the setting in this order.
enum live_foreign { FOREIGN_ADOPT, FOREIGN_REPORT, FOREIGN_FREEZE };
struct live_setup {  // out of a bot's and its account's settings
  struct match_config match;
  struct match_fees fees;
  struct match_costs costs;
  int64_t leverage_e4, maintenance_frac_e8;
  struct clerk_faults faults;
  cash balance;  // of the account
  enum live_foreign foreign;   // of the account at a venue
  char venue[BOT_VENUE_SIZE];  // of the account, where its orders go; "": paper
  char category[32];           // of the account: kind of markets, "spot"; "": the venue's usual
  char currency[16];           // of the account; "": not said
  bool real_money;             // they are no venue's test network's
  // From here on: what may change while a run goes on.
  struct gate_limits bot_limits, account_limits, tenant_limits;
  struct live_fuse bot_fuse, account_fuse, tenant_fuse;
  struct risk_limits risk;
  struct protect_rule protections[PROTECT_RULES_MAX];
  size_t protection_count;
  char rules[RULE_NAME_MAX];  // of the account: name of its rule set, or ""
  struct vm_limits vm;
};
// ERR_INVALID names the setting by its JSON pointer ("/fee_maker: …").
enum status live_setup_read(const json_t *bot, const json_t *account, bool hedging, struct live_setup *ret, struct err *err) MUST_CHECK;
// The tenant's own, over all its bots.
enum status live_tenant_limits_read(const json_t *tenant, struct gate_limits *ret, struct live_fuse *ret_fuse, struct err *err) MUST_CHECK;
// live_protect.c: a list of protections; NULL: none. ERR_INVALID as above ("/protections/0/pause_s: …").
enum status live_protect_read(const json_t *list, struct protect_rule ret[PROTECT_RULES_MAX], size_t *ret_count, struct err *err) MUST_CHECK;

// ---- live_series.c

struct live_series {
  struct live_series *next;
  char venue[BOT_VENUE_SIZE], symbol[BOT_SYMBOL_SIZE];
  int64_t timeframe_ns;
  int uses;
  uint32_t hub;       // its id there while uses > 0
  uint32_t journal;   // its id in journal.db; 0: none yet
  int64_t first_ns, last_ns;  // open times of the bars that were handed to the journal; first > last: none
  unsigned unwritten;         // writes of them that are not answered yet
  int64_t written_ns;         // last_ns when there was none: the journal can be read until here
  bool refused;               // a write of them failed: they are handed over again with the next instant,
  int64_t refused_ns;         // from this open time on
};
enum status live_series_load(struct live *l, struct err *err) MUST_CHECK;  // at start
enum status live_series_use(struct live *l, const char *venue, const char *symbol, int64_t timeframe_ns, struct live_series **ret, struct err *err) MUST_CHECK;
void live_series_drop(struct live *l, struct live_series *s);
struct live_series *live_series_of(const struct live *l, uint32_t hub);
// At most `bars` bars that closed by through_ns, and all that open at from_ns or later: the journal's where it has them, so that
// who is opened twice sees the same; what it has not is read from the hub.
enum status live_series_history(struct live *l, struct live_series *s, size_t bars, int64_t from_ns, int64_t through_ns, struct series *ret, struct err *err) MUST_CHECK;
// Sees to it that at least the newest `bars` closed bars are in the journal; *ret_from_ns is the open time of the oldest of them.
// So many bars are wanted of a venue before it is used: of a start, or those since it was used last.
size_t live_series_wanted(const struct live *l, const char *venue, const char *symbol, int64_t timeframe_ns, size_t bars);
enum status live_series_keep(struct live *l, struct live_series *s, size_t bars, int64_t *ret_from_ns, struct err *err) MUST_CHECK;
void live_series_record(struct live *l, const struct hub_instant *in);

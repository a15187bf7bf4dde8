// script/tier_script.h – an edition's plans: what a tier script declares, as plain data, and its function allow(action, usage).
//
// A tier script (lua/tiers/README.md is its manual) is read once, in a throw-away state, into struct plan_set: exact prices,
// whole limits, rights as bits. Everything that costs nothing to decide is decided from that struct. allow() may refuse what
// the numbers would permit, never the other way round; an error in it, or running over its budget, refuses too.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct watchdog;

#define PLAN_UNLIMITED INT64_MAX
#define PLAN_LIMIT_MAX INT64_C(1000000000000)
#define PLAN_ID_MAX 32
#define PLAN_NAME_MAX 64
#define PLANS_MAX 16
#define ADDONS_MAX 16
#define PLAN_GRACE_DAYS 7
#define PLAN_REASON_MAX 200

// How a limit is used up. HELD: counts things that exist now. DAY, MONTH, HOUR: counts events of the running window – the UTC
// calendar day or month, the full hour. SIZE: a bound of one thing or of the engine's share, nothing is counted.
enum meter_kind { METER_HELD, METER_DAY, METER_MONTH, METER_HOUR, METER_SIZE };

// id, name, kind, meaning
#define LIMIT_LIST(X)                                                                                                  \
  X(LIMIT_BOTS, "bots", METER_HELD, "bots started and not stopped, paused ones included")                              \
  X(LIMIT_PAIRS, "pairs", METER_HELD, "pairs that started bots trade, a pair of two bots counted twice")               \
  X(LIMIT_PAIRS_PER_BOT, "pairs_per_bot", METER_SIZE, "pairs of one bot")                                              \
  X(LIMIT_ACCOUNTS, "accounts", METER_HELD, "accounts at venues")                                                      \
  X(LIMIT_VENUES, "venues", METER_HELD, "different venues with an account")                                            \
  X(LIMIT_STRATEGIES, "strategies", METER_HELD, "strategies of the tenant's own, versions not counted")                \
  X(LIMIT_MEMBERS, "members", METER_HELD, "members of the organisation, its owner included")                           \
  X(LIMIT_TRADES_PER_DAY, "trades_per_day", METER_DAY, "entries into a position, a UTC day")                           \
  X(LIMIT_TRADES_PER_MONTH, "trades_per_month", METER_MONTH, "entries into a position, a UTC month")                   \
  X(LIMIT_API_CALLS_PER_HOUR, "api_calls_per_hour", METER_HOUR, "requests of the tenant's programs, a full hour") \
  X(LIMIT_API_CALLS_PER_MINUTE, "api_calls_per_minute", METER_SIZE, "the rate of requests that is let through, evenly")  \
  X(LIMIT_BACKTESTS_PER_DAY, "backtests_per_day", METER_DAY, "backtests and optimisations begun, a UTC day")           \
  X(LIMIT_BACKTEST_PARALLEL, "backtest_parallel", METER_HELD, "backtests and optimisations running at one time")       \
  X(LIMIT_BACKTEST_SECONDS, "backtest_seconds", METER_SIZE, "CPU seconds of one backtest or optimisation")             \
  X(LIMIT_NOTICES_PER_DAY, "notices_per_day", METER_DAY, "notices that are not critical, one on two channels counted twice, a UTC day") \
  X(LIMIT_LUA_MEMORY_KIB, "lua_memory_kib", METER_SIZE, "KiB of Lua memory for all the tenant runs together")           \
  X(LIMIT_CPU_MS_PER_S, "cpu_ms_per_s", METER_SIZE, "milliseconds of CPU each second for all the tenant's bots together")

enum plan_limit {
#define X(id, name, kind, about) id,
  LIMIT_LIST(X)
#undef X
      LIMIT_COUNT
};

// id, name, meaning
#define RIGHT_LIST(X)                                                                                  \
  X(RIGHT_TESTNET, "testnet", "trade on test networks and demo accounts of venues")                    \
  X(RIGHT_LIVE, "live", "trade with real money")                                                       \
  X(RIGHT_BACKTEST, "backtest", "backtests on the server")                                             \
  X(RIGHT_BACKTEST_ADVANCED, "backtest_advanced", "optimiser, walk-forward, Monte Carlo, fill models") \
  X(RIGHT_STRATEGIES_ALL, "strategies_all", "shipped strategies beyond the basic ones")                \
  X(RIGHT_STRATEGIES_PREMIUM, "strategies_premium", "premium shipped strategies")                      \
  X(RIGHT_CUSTOM_PARAMETERS, "custom_parameters", "set a strategy's parameters")                       \
  X(RIGHT_CUSTOM_STRATEGIES, "custom_strategies", "upload strategies")                                 \
  X(RIGHT_CUSTOM_INDICATORS, "custom_indicators", "indicators of one's own in strategies")             \
  X(RIGHT_ANALYTICS_ADVANCED, "analytics_advanced", "analytics beyond the overview")                   \
  X(RIGHT_SCORING, "scoring", "scores of trade decisions, filters and adjusters")                      \
  X(RIGHT_COPY_TRADING, "copy_trading", "follow and copy other traders")                               \
  X(RIGHT_MARKETPLACE, "marketplace", "buy and sell strategies")                                       \
  X(RIGHT_API_ACCESS, "api_access", "API keys")                                                        \
  X(RIGHT_WEBHOOKS_OUT, "webhooks_out", "events sent to the tenant's own addresses")                   \
  X(RIGHT_INTEGRATIONS, "integrations", "integrations made for the tenant")                            \
  X(RIGHT_TEAM, "team", "organisations with members and roles")                                        \
  X(RIGHT_WHITE_LABEL, "white_label", "own name, colours and address")                                 \
  X(RIGHT_RESELLER, "reseller", "tenants of one's own")                                                \
  X(RIGHT_DEDICATED_HOST, "dedicated_host", "a process of the tenant's own for its bots")              \
  X(RIGHT_NOTIFY_MAIL, "notify_mail", "notices by mail")                                               \
  X(RIGHT_NOTIFY_SMS, "notify_sms", "notices by SMS")                                                  \
  X(RIGHT_NOTIFY_TELEGRAM, "notify_telegram", "notices by Telegram")                                   \
  X(RIGHT_NOTIFY_DISCORD, "notify_discord", "notices by Discord")                                      \
  X(RIGHT_NOTIFY_SLACK, "notify_slack", "notices by Slack")                                            \
  X(RIGHT_SUPPORT_MAIL, "support_mail", "support by mail")                                             \
  X(RIGHT_SUPPORT_PRIORITY, "support_priority", "support ahead of others")                             \
  X(RIGHT_SUPPORT_DEDICATED, "support_dedicated", "support by a person of one's own")                  \
  X(RIGHT_SLA, "sla", "an availability promised in writing")

enum plan_right {
#define X(id, name, about) id,
  RIGHT_LIST(X)
#undef X
      RIGHT_COUNT
};
_Static_assert(RIGHT_COUNT <= 64, "rights are bits of one word");

#define NO_LIMIT LIMIT_COUNT
#define NO_RIGHT RIGHT_COUNT
// What a tenant may ask for: id, name, the limits it counts against (up to two), the right it needs, whether allow() is asked
// (requests are too many for that).
#define ACTION_LIST(X)                                                                                              \
  X(ACTION_BOT_START, "bot_start", LIMIT_BOTS, NO_LIMIT, NO_RIGHT, true)                                            \
  X(ACTION_PAIR_ADD, "pair_add", LIMIT_PAIRS, NO_LIMIT, NO_RIGHT, true)                                             \
  X(ACTION_ACCOUNT_ADD, "account_add", LIMIT_ACCOUNTS, NO_LIMIT, NO_RIGHT, true)                                    \
  X(ACTION_VENUE_ADD, "venue_add", LIMIT_VENUES, NO_LIMIT, NO_RIGHT, true)                                          \
  X(ACTION_STRATEGY_ADD, "strategy_add", LIMIT_STRATEGIES, NO_LIMIT, RIGHT_CUSTOM_STRATEGIES, true)                 \
  X(ACTION_MEMBER_ADD, "member_add", LIMIT_MEMBERS, NO_LIMIT, RIGHT_TEAM, true)                                     \
  X(ACTION_KEY_ADD, "key_add", NO_LIMIT, NO_LIMIT, RIGHT_API_ACCESS, true)                                          \
  X(ACTION_TRADE_TESTNET, "trade_testnet", LIMIT_TRADES_PER_DAY, LIMIT_TRADES_PER_MONTH, RIGHT_TESTNET, true)       \
  X(ACTION_TRADE_LIVE, "trade_live", LIMIT_TRADES_PER_DAY, LIMIT_TRADES_PER_MONTH, RIGHT_LIVE, true)                \
  X(ACTION_BACKTEST, "backtest", LIMIT_BACKTESTS_PER_DAY, LIMIT_BACKTEST_PARALLEL, RIGHT_BACKTEST, true)            \
  X(ACTION_OPTIMIZE, "optimize", LIMIT_BACKTESTS_PER_DAY, LIMIT_BACKTEST_PARALLEL, RIGHT_BACKTEST_ADVANCED, true)   \
  X(ACTION_NOTICE, "notice", LIMIT_NOTICES_PER_DAY, NO_LIMIT, NO_RIGHT, false)                                    \
  X(ACTION_API_CALL, "api_call", LIMIT_API_CALLS_PER_HOUR, NO_LIMIT, NO_RIGHT, false)

enum plan_action {
#define X(id, name, first, second, right, ask) id,
  ACTION_LIST(X)
#undef X
      ACTION_COUNT
};

const char *plan_limit_name(enum plan_limit limit);
const char *plan_limit_about(enum plan_limit limit);
enum meter_kind plan_limit_kind(enum plan_limit limit);
bool plan_limit_parse(const char *text, enum plan_limit *ret);
const char *plan_right_name(enum plan_right right);
const char *plan_right_about(enum plan_right right);
const char *plan_action_name(enum plan_action action);
// What the action counts against, NO_LIMIT behind the last; and the right it needs, or NO_RIGHT.
void plan_action_limits(enum plan_action action, enum plan_limit ret_limits[2]);
enum plan_right plan_action_right(enum plan_action action);
bool plan_action_asks(enum plan_action action);

struct plan {
  char id[PLAN_ID_MAX], name[PLAN_NAME_MAX], about[256];
  int64_t month_e8, year_e8;  // price in 1e-8 of the set's currency; 0: free
  bool has_year;
  int64_t limits[LIMIT_COUNT];  // 0 … PLAN_LIMIT_MAX, or PLAN_UNLIMITED
  uint64_t rights;              // bit per enum plan_right
};
static inline bool plan_has(const struct plan *plan, enum plan_right right) { return plan->rights >> right & 1; }

// Bought on top of a plan, any number of times.
struct addon {
  char id[PLAN_ID_MAX], name[PLAN_NAME_MAX];
  int64_t month_e8;
  int64_t adds[LIMIT_COUNT];  // to the plan's limits
  uint64_t rights;
};

struct plan_set {
  char edition[PLAN_ID_MAX], name[PLAN_NAME_MAX], about[256], currency[4];
  int plan_count, addon_count;
  int default_plan;  // of a tenant without a subscription
  int grace_days;    // after a downgrade, until what exceeds the new plan is wound down
  struct plan plans[PLANS_MAX];  // cheapest first, as the script lists them
  struct addon addons[ADDONS_MAX];
  bool has_allow;
  char sha256[65];
};

// Index, or -1.
int plan_find(const struct plan_set *set, const char *id);
int addon_find(const struct plan_set *set, const char *id);
// plan + n × addon; unlimited stays unlimited, a sum beyond PLAN_LIMIT_MAX stops there.
void plan_add(struct plan *plan, const struct addon *addon, int64_t n);

// Evaluates a tier script alone. ret_set is yours (free). Errors carry file:line:column, the key, and a suggestion.
// watchdog may be NULL.
enum status tier_describe(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog,
                          struct plan_set **ret_set, struct err *err) MUST_CHECK;

// {"id","name","about","monthly_price","yearly_price","currency","limits":{name: number or null},"rights":[…]}; prices are
// decimal texts, null is unlimited. New references; NULL: no memory.
json_t *plan_json(const struct plan_set *set, const struct plan *plan);
// Alike, without "about" and "yearly_price"; limits are what one of it adds.
json_t *addon_json(const struct plan_set *set, const struct addon *addon);
json_t *plan_set_json(const struct plan_set *set);

// ---- a tier script at work

struct tier_script;

// Reads the set; takes copies. One thread at a time.
enum status tier_script_create(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog,
                               struct tier_script **ret, struct err *err) MUST_CHECK;
// Asks allow() once for each plan and action, with nothing and with everything used: ERR_SCRIPT or ERR_BUDGET when it fails.
// Before a script is accepted; up to some hundred milliseconds for one that uses up its budget each time.
enum status tier_script_prove(struct tier_script *t, struct err *err) MUST_CHECK;
void tier_script_destroy(struct tier_script *t);
const struct plan_set *tier_script_set(const struct tier_script *t);

struct tier_question {
  enum plan_action action;
  const struct plan *plan;     // with add-ons and overrides
  int64_t amount;              // how many more, ≥ 1
  int64_t used[LIMIT_COUNT];   // now, without the amount; -1: not known
  int64_t now_ms;
};
// false: refused, with the reason in plain words. True at once when the script has no allow().
// *ret_failed (may be NULL): the refusal comes from an error in the script, whose text is in err; log it. A script that was
// killed TIER_KILLS_MAX times is not called again: everything it is asked for is refused at once.
#define TIER_KILLS_MAX 16
bool tier_script_allow(struct tier_script *t, const struct tier_question *q, char ret_reason[PLAN_REASON_MAX], bool *ret_failed,
                       struct err *err);

// bot/live.h – every running bot of the installation: between the market data (bot/hub), the host of its script (bot/fleet), its books
// (bot/clerk) and the journal (store/journal_rows).
//
// Who wants something of a bot changes its row (store/bot_rows) and calls live_bot_changed() after the commit; the runtime reads the
// row, acts, and writes the state it reached back. So a wish outlives a crash, and starting up is acting on all rows. All on the
// loop's thread.
#pragma once
#include "base/json.h"
#include "market/instrument.h"
#include "notice/event.h"
#include "order/account_book.h"
#include "script/spec.h"

struct db;
struct fleet;
struct halt_desk;
struct hub;
struct hub_feed_config;
struct hub_instant;
struct hub_note;
struct hub_remote;
struct live;
struct loop;
struct rule_state;
struct store;
struct venue;
struct venue_events;
struct watchdog;

// What a tenant's plan grants all of its bots together.
struct live_grant {
  uint64_t memory_bytes;      // of their scripts in one host; 0: no limit
  int64_t cpu_ns;             // of their callbacks in one instant; 0: no limit
  bool own_host;              // hosts that run nobody else's
  // What is open may be closed, nothing is opened: on paper and test networks (paper_denied), with real money (live_denied); and, when the grace after a
  // downgrade is over, by started bots with ids above bots_upto (the oldest keep their places; INT64_MAX: all have one), by bots of more
  // than pairs_per_bot pairs (0: no limit), and on accounts at the venues of venues_beyond ("bybit,luno").
  bool paper_denied, live_denied;
  int64_t bots_upto, pairs_per_bot;
  char venues_beyond[200];
  int64_t trades_max;         // entries into positions in the plan's window that is nearest to its end; 0: no limit
  int64_t trades_used;
};

struct live_options {
  struct loop *loop;
  struct store *store;
  const char *exe;            // of the hosts
  const char *version;        // of this program, for the journal
  int hosts;                  // 0: as many as there are processors, at most 8
  size_t past_bytes;          // of a run's commands held in memory while it is opened, the rest is read when its turn comes; 0: 4 MiB
  unsigned image_every;       // records and instants of a bot between two images of its books; 0: 512
  const char *const *feeds;   // "VENUE=TEXT" (bot/hub.h), ends with NULL
  // What subscribers see. data is a new reference that the callee takes; channel as interfaces.md names it ("bot:bot_…").
  void (*publish)(void *self, const char *channel, const char *type, json_t *data);
  // Whether anybody would hear it, on that channel or as the tenant's: what nobody hears need not be put into words. NULL: always.
  bool (*heard)(void *self, const char *channel, int64_t tenant_id);
  void (*instant)(void *self, const struct hub_instant *in);     // all bars of the market, also those that no bot reads; may be NULL
  void (*note)(void *self, const struct hub_note *note);         // late, missing, refused … bars of a symbol (hub_sink.symbol_note); may be NULL
  void (*log)(void *self, const char *level, const char *event, json_t *extra);  // takes extra
  struct live_grant (*grant)(void *self, int64_t tenant_id);  // as the plan is now; NULL: no limits
  // JSON of the rule set of this name, as the tenant means it; NULL: there is none. The caller frees it. May be NULL.
  char *(*rules)(void *self, int64_t tenant_id, const char *name);
  // A bot has entered a position (or made it larger) by this order: counts for the plan, once for its key. May be NULL.
  void (*traded)(void *self, int64_t tenant_id, const char *key);
  // In a write: who ended what by itself, for the audit log. detail: JSON. NULL: nobody keeps one.
  enum status (*audit)(void *self, struct db *db, int64_t tenant_id, const char *action, int64_t script_id, const char *detail, int64_t now_ns, struct err *err);
  // Whether a bot's owner wants to be told of that, a name of notice/event.h, anywhere: what nobody wants is not written. NULL: nobody does.
  bool (*noticed)(void *self, int64_t tenant_id, enum notice_event event);
  // Opens the session of an account at a venue elsewhere, with its credentials; events, which stay valid, go to `to`. NULL: there are none. ERR_… tells why not.
  enum status (*venue_open)(void *self, int64_t tenant_id, int64_t account_id, const struct venue_events *events, void *to, struct venue *ret, struct err *err);
  // A feed of a venue's own market data (hub_config.remote). NULL: there are none.
  enum status (*feed_open)(void *self, const struct hub_remote *want, struct hub_feed_config *ret, struct err *err);
  // The name of the market of an account whose venue gives it prices of its own; feed_open makes it. False: accounts there have none. May be NULL.
  bool (*own_market)(void *self, const char *venue, int64_t account_id, char *ret, size_t ret_size);
  void *self;
};

struct live_position {
  char symbol[40];
  int64_t lots;               // signed; 0: flat
  char qty[40], avg[40], upnl[40];  // of a flat one avg and upnl are ""
};
struct live_status {
  int64_t bot_id, run;
  int64_t instant_ns;         // the last that its script saw; 0: none yet
  int64_t intents, fills, denials, errors;
  int open_orders;
  cash equity, balance, start_cash;
  struct live_position positions[2 * SPEC_STREAMS_MAX];  // a hedging bot may be long and short in each symbol
  int position_count;
  char hash[65];              // event hash so far
  const char *host;           // "host 2"; "" while it has none
  uint32_t version;           // of its script
  const char *reload;         // "" or what comes: "queued" "building" "built" "params" "refused"
  uint32_t reload_version;    // with that: which
  const char *reload_why;     // of "refused"; else ""
};

// Starts hosts and feeds and acts on all rows: recovery is the same as starting.
enum status live_create(const struct live_options *config, struct live **ret, struct err *err) MUST_CHECK;
// Waits for what is being journalled; bots that run go on with the next start. NULL does nothing.
void live_destroy(struct live *l);

// The market of such an account (live_options.own_market), which its tenant alone sees; made when it is asked for first. -1: it has none.
int live_own_market(struct live *l, int64_t tenant_id, int64_t account_id, const char *venue);

// A bot's row changed, was added or deleted (after the commit).
void live_bot_changed(struct live *l, int64_t bot_id);
// Another version of the script is active, or its trial began or ended (store/canary_rows; after the commit): all bots that follow it.
void live_script_changed(struct live *l, int64_t script_id);
// A signal for it was stored (store/signal_rows.h).
void live_bot_signalled(struct live *l, int64_t bot_id);
// It waits for a history that takes long: how much of it is there, from 0 to 1. False: it does not.
bool live_preparing(const struct live *l, int64_t bot_id, double *ret);
// Could that version (0: the one that runs) take over in the bot's present run, with these parameters changed (NULL: none)? ERR_INVALID: why not,
// and what to do; OK too where no run is open.
enum status live_version_fits(struct live *l, int64_t bot_id, int64_t version, const json_t *changed, struct err *err) MUST_CHECK;
// As the runtime sees it now; false: it does not run.
bool live_status(const struct live *l, int64_t bot_id, struct live_status *ret);
// The core's event hash after its last instant, when all of that is in the journal; false: not at this moment, or it does not run.
bool live_settled(const struct live *l, int64_t bot_id, int64_t *ret_instant_ns, char ret_hash[65]);
// Limits or rules of an account, limits or the plan of a tenant are others now (after the commit): taken from the next order on.
void live_account_changed(struct live *l, int64_t account_id);
void live_tenant_changed(struct live *l, int64_t tenant_id);
// The rules of an account as they stand now. False: it has none, or no bot has used it since the service began; the journal has what is
// remembered then (store/risk_rows.h).
struct live_rules {
  const char *name;            // of the set
  const struct rule_state *state;  // with the set; all until the loop turns
};
bool live_account_rules(const struct live *l, int64_t account_id, struct live_rules *ret);
// A rule set is another (of the installation: tenant_id 0), after the commit.
void live_rule_set_changed(struct live *l, int64_t tenant_id, const char *name);
// A tenant's calendar of news has changed; 0: the installation's.
void live_news_changed(struct live *l, int64_t tenant_id);
// Settings of a bot, of a paper account and of a tenant, for who stores them (NULL: none to check). ERR_INVALID: begins with the JSON
// pointer of what is wrong, "/leverage: must be from 1 to 1000, with at most 4 decimals; 0.5 was given".
enum status live_settings_check(const json_t *bot, const json_t *account, const json_t *tenant, struct err *err) MUST_CHECK;
// A setting of a paper account by name: none, one of what runs are made of (balance, fees, leverage …), which may not change under them,
// or a limit.
enum live_setting { LIVE_SETTING_NONE, LIVE_SETTING_RUN, LIVE_SETTING_LIMIT };
enum live_setting live_account_setting(const char *name);
// The value of a paper account's setting in the form in which it is shown: a count as a whole number, an amount as text, whichever it was
// given as. A new reference.
json_t *live_account_value(const char *name, const json_t *value);
// ---- money of paper accounts

struct live_account_key {
  int64_t id, tenant_id;
  cash opening;               // of its settings: what it begins with, if nobody has used it yet
};
struct live_account_status {  // to the last unit: balance = paid_in + results of all runs, ended or not = free + Σ shares' balance
  cash paid_in;               // opening, deposits less withdrawals
  cash result;                // of runs that have ended
  cash free, allocated;       // allocated: what open runs were given
  cash balance, equity;       // with what open runs have won or lost; equity: open positions at their last prices too
};
struct live_share_status {
  int64_t bot_id;
  uint32_t run;
  cash cash, balance, equity; // given; as it is now
  bool known;                 // its books are open; else it is shown with what it was given
};
typedef void (*live_share_fn)(void *arg, const struct live_share_status *s);
enum status live_account_status(struct live *l, const struct live_account_key *key, struct live_account_status *ret, live_share_fn fn, void *arg, struct err *err) MUST_CHECK;
// Whether a bot could start with so much (0: with all that is free). ERR_LIMIT: no; err has the numbers.
enum status live_account_room(struct live *l, const struct live_account_key *key, int64_t bot_id, cash wanted, struct err *err) MUST_CHECK;

struct live_move {
  struct live_account_key key;
  enum account_move move;     // DEPOSIT, WITHDRAW; RESET: nothing won or lost, and `amount` free
  cash amount;                // > 0
  const char *request;        // key of the request, done once only; NULL: none
};
typedef void (*live_moved_fn)(void *arg, enum status st, const struct err *err);
// done is called when it is durable, or was refused by the journal (ERR_EXISTS: this request was done before). ERR_LIMIT at once: not so
// much is free, or (RESET) bots have money of it; err has the numbers.
enum status live_account_move(struct live *l, const struct live_move *how, live_moved_fn done, void *arg, struct err *err) MUST_CHECK;

// Versions beside those of the script's bots began or ended (after the commit).
void live_shadow_changed(struct live *l, int64_t script_id);
// What its shadow would have done; a reference of the caller's. NULL: it has none.
json_t *live_shadow_json(const struct live *l, int64_t bot_id);
// For /metrics and /admin/system.
struct live_stats {
  int hosts, hosts_up, bots_running, bots_starting;
  uint64_t instants, intents, fills, denials, host_restarts, divergences;
  int64_t instant_ms_last, commit_us_last;
};
struct live_stats live_stats(const struct live *l);
struct hub *live_hub(struct live *l);
const struct fleet *live_fleet(const struct live *l);

// ---- accounts at venues elsewhere

// How long from the moment the core had read a script's order until the first byte of its request was the kernel's: the journal's commit,
// budgets, a connection are in between. Of each bot's first order in an instant; counted when the answer comes. Upper bounds of the buckets; the last bucket is without one.
#define LIVE_SEND_BOUNDS 10
extern const double live_send_bounds_s[LIVE_SEND_BOUNDS];
struct live_sends {
  uint64_t buckets[LIVE_SEND_BOUNDS + 1];
  double sum_s;
};
struct live_sends live_sends(const struct live *l);
// The same of signals: from the moment in which one came from outside until its bot's script had heard it.
struct live_sends live_hears(const struct live *l);

// How the account's session does and what the last comparison found; a reference of the caller's. NULL: no bot uses it now.
//   {state, why, compared_at_ms, bots, differs, strangers:[{kind, symbol, name, text, seen_at_ms}]}
json_t *live_venue_json(const struct live *l, int64_t account_id);
// All sessions there are, an array of {account_id, tenant_id, state, why, compared_at_ms, bots, differs, strangers: how many}, with numbers of ids as
// integers. NULL: no memory.
json_t *live_venues_json(const struct live *l);
// Its credentials are others: a new session takes the place of the present one. An error: the present one goes on.
enum status live_venue_renew(struct live *l, int64_t account_id, struct err *err) MUST_CHECK;
// The account was tried, and all is well: a session that its venue had refused begins anew. Others go on.
enum status live_venue_mended(struct live *l, int64_t account_id, struct err *err) MUST_CHECK;
// Orders whose outcome is not known, of all tenants: one array of {bot_id, tenant_id, account_id, order, client_id, venue_order_id, symbol, side, qty, filled,
// state, since_ms, asked_rounds}, with numbers of ids as integers. NULL: no memory.
json_t *live_unknown_json(const struct live *l);
// A person has looked at the venue. DEAD: the order never existed there, or has ended without another execution; ASK: all questions anew, now.
enum live_decision { LIVE_DECISION_DEAD, LIVE_DECISION_ASK };
// ERR_NOTFOUND: no such order is unknown; ERR_EXISTS: its bot is in the middle of something, once more.
enum status live_unknown_decide(struct live *l, int64_t bot_id, uint64_t order, enum live_decision d, struct err *err) MUST_CHECK;
const struct halt_desk *live_halts(struct live *l);  // the kill switch (bot/halt_file.h), as long as l is

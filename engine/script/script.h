// script/script.h – one running strategy: events in, intents out.
//
// The owner (bot/) feeds events in order through script_on_…(); during a callback the script asks through struct
// script_host, whose answers must be deterministic. A callback is a transaction: the host buffers what was submitted and
// keeps it only if script_on_… returns OK. Nothing here knows of matchers, venues or files.
#pragma once
#include "base/buf.h"
#include "market/bar.h"
#include "order/account.h"
#include "order/order.h"
#include "script/spec.h"
#include "script/vm.h"

struct watchdog;

// Why an order was refused, as err.code, err.msg, err.limit, err.value.
struct script_denial {
  enum reason code;
  char msg[200];
  double limit, value;  // NaN: does not apply
};

// What ctx:modify may change; only fields with their flag set.
struct script_change {
  bool has_qty, has_limit, has_trigger, has_sl, has_tp;
  quantity qty;
  price limit, trigger;
  price sl, tp;  // NO_PRICE removes the child
};

struct ladder_request {
  int symbol;
  enum side side;
  int rungs;                         // safety orders after the base order
  int64_t step_frac_e8, step_k_e6;   // first distance as a fraction of the base price; each further step × step_k
  int64_t base_e8, vol_k_e6;         // notional of the base order; each rung × vol_k
  int64_t tp_frac_e8, sl_frac_e8;    // from the average price; 0: none
  uint32_t tag;
};

struct script_signal {
  const char *id, *source, *key, *symbol, *action, *raw;  // NULL: absent
  double size, price, sl, tp;                              // NaN: absent
  int64_t ts_ns;
};

// The trades and quotes of a symbol since the last that was told: the newest price and quote, the sum of what was traded.
struct script_tick {
  int symbol;                        // of the account
  uint32_t trades;                   // since then
  int64_t time_ns;                   // of the newest
  double price, volume, bid, ask;    // NaN: not known yet; volume: of those trades
};

enum script_log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

// What a script may ask of its owner. All functions get `self` first. Strings are valid during the call only.
struct script_host {
  void *self;
  const struct account *account;  // symbols by index; outlives the script
  // The order made of the intent, or NULL with *ret_denial filled.
  const struct order *(*submit)(void *self, const struct intent *in, struct script_denial *ret_denial);
  const struct order *(*target)(void *self, const struct intent *in, struct script_denial *ret_denial);
  const struct order *(*ladder)(void *self, const struct ladder_request *req, struct script_denial *ret_denial);
  enum reason (*cancel)(void *self, uint64_t id);
  enum reason (*modify)(void *self, uint64_t id, const struct script_change *change);
  const struct order *(*order)(void *self, uint64_t id);  // NULL: unknown id
  // The next live order with an id above `after`, any tag when tag is TAG_NONE; NULL: none.
  const struct order *(*next_order)(void *self, uint64_t after, uint32_t tag);
  uint32_t (*tag_intern)(void *self, const char *text);  // TAG_NONE when the table is full
  uint32_t (*tag_find)(void *self, const char *text);    // TAG_NONE when no order ever had it
  const char *(*tag_text)(void *self, uint32_t tag);     // "" for TAG_NONE
  int (*symbol_find)(void *self, const char *name);      // index in account, -1: not traded here
  double (*day_pnl)(void *self);
  double (*day_room)(void *self);  // money left before the limit; NaN: no limit
  double (*dd_room)(void *self);
  void (*log)(void *self, enum script_log_level level, const char *text);
  void (*plot)(void *self, const char *name, double value);
  void (*mark)(void *self, const char *text);
  void (*notify)(void *self, const char *text);
  // every_ns > 0: repeats; else at_minute (0 … 1439) each day in tz. Both absent: removes the timer. False: bad tz or too many.
  bool (*timer)(void *self, const char *name, int64_t every_ns, int at_minute, const char *tz, char *ret_why, size_t why_size);
};

struct script_config {
  const char *chunkname, *source;      // read during script_create only
  size_t source_len;
  const struct script_spec *spec;      // borrowed: one for all bots of a script version
  const struct param_value *values;    // copied
  struct vm_limits limits;
  struct watchdog *watchdog;           // may be NULL: no time budget
  const struct script_host *host;      // borrowed; must outlive the script
  // One series per stream of the spec, in its order; and the account's symbol for each. Borrowed.
  const struct series *const *series;
  const int *symbols;
};

struct script;

enum status script_create(const struct script_config *cfg, struct script **ret, struct err *err) MUST_CHECK;
void script_destroy(struct script *s);
bool script_has(const struct script *s, enum callback cb);
// Bytes of the Lua heap and of the engine's own structures for this script.
// Asks for memory that its next on_bar needs; steps 0 … SCRIPT_PREFETCH_STEPS − 1, in this order, with something else in between.
#define SCRIPT_PREFETCH_STEPS 11
void script_prefetch(const struct script *s, int step);
size_t script_bytes(const struct script *s);
// Has the script left ctx as it was made? ERR_SCRIPT if not. Called by the owner before the first orders of a day take effect and at its turn.
enum status script_verify(struct script *s, struct err *err) MUST_CHECK;
bool script_killed(const struct script *s);
// CPU time is the owner's to measure; calls made so far:
uint64_t script_calls(const struct script *s);

// ---- data: bar `ix` of a stream is now the newest. Updates its indicators; runs no Lua.
void script_push(struct script *s, int stream, size_t ix);
// From here on a stream's bars are those of another series, whose first `bars` bars have been delivered, at least as far as the script
// may look back. Before the first callback only: a script may keep what it was shown.
void script_rebase(struct script *s, int stream, const struct series *series, size_t bars);
// All declared indicators have values and the extra warm-up bars of main have passed.
bool script_warm(const struct script *s);
void script_now(struct script *s, int64_t now_ns);

// ---- events. OK also when the script has no such callback. ERR_SCRIPT: it raised; ERR_BUDGET: killed, destroy it.
enum status script_on_init(struct script *s, struct err *err) MUST_CHECK;
enum status script_on_bar(struct script *s, struct err *err) MUST_CHECK;
enum status script_on_data(struct script *s, int stream, struct err *err) MUST_CHECK;
enum status script_on_order(struct script *s, const struct order *o, enum order_status from, struct err *err) MUST_CHECK;
enum status script_on_fill(struct script *s, const struct fill *f, struct err *err) MUST_CHECK;
// kind: "open", "change", "close", "liquidated".
struct script_position_event {
  const char *kind;
  int symbol;
  enum leg leg;
  int64_t lots_before, lots_after;
  double realised;
  uint64_t position_id;
};
enum status script_on_position(struct script *s, const struct script_position_event *e, struct err *err) MUST_CHECK;
enum status script_on_timer(struct script *s, const char *name, struct err *err) MUST_CHECK;
enum status script_on_tick(struct script *s, const struct script_tick *tick, struct err *err) MUST_CHECK;
enum status script_on_signal(struct script *s, const struct script_signal *sig, struct err *err) MUST_CHECK;
// day: the day that ended, "2021-05-19".
enum status script_on_day(struct script *s, const char *day, double pnl, double equity, struct err *err) MUST_CHECK;
enum status script_on_risk(struct script *s, const char *rule, double value, double limit, int64_t until_ns, struct err *err)
    MUST_CHECK;
// New parameter values for those marked live; the script sees the old ones as a table.
enum status script_on_params(struct script *s, const struct param_value *values, struct err *err) MUST_CHECK;
enum status script_on_stop(struct script *s, const char *why, struct err *err) MUST_CHECK;

// ---- ctx.state. Canonical JSON of plain data: numbers, texts, booleans, tables; at most 64 KiB, depth 32. ERR_SCRIPT names
// the field that cannot be kept ("ctx.state.last.f is a function").
#define SCRIPT_STATE_MAX 65536
enum status script_state_save(struct script *s, struct buf *ret, struct err *err) MUST_CHECK;
// Is it a table without entries? Costs a look-up, and nothing of the script's memory.
bool script_state_empty(struct script *s);
// Replaces ctx.state by saved text, through migrate(state, from) when the script has it and from is not NULL.
enum status script_state_load(struct script *s, const char *text, size_t len, const char *from, struct err *err) MUST_CHECK;

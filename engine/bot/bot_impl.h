// bot/bot_impl.h – private to bot/: the bot's parts and who may call whom.
//   bot.c creates and runs callbacks → desk.c buffers what a callback asks and commits it → ladder.c keeps safety orders
//   placed → timers.c knows what is due.
#pragma once
#include "bot/bot.h"

#define TAGS_MAX 4096
#define DESK_OPS_MAX 1024
#define TIMERS_MAX 32
#define LADDERS_MAX 32

enum desk_op_kind { OP_SUBMIT, OP_CANCEL, OP_MODIFY, OP_LADDER };
struct desk_op {
  enum desk_op_kind kind;
  uint64_t id;  // the order made, cancelled or changed
  struct intent intent;
  quantity qty;
  struct order_change change;
  struct ladder_request ladder;
  bool dropped;  // a submit cancelled again in the same callback
};

// What one callback asked so far. Orders here are provisional: they have their final id, but the matcher has not seen them.
struct desk {
  struct desk_op *ops;
  size_t count, cap;
  struct order *provisional;  // one per OP_SUBMIT, same index as ops
  uint64_t reserved;          // highest id given out that the matcher's owner was not told of yet; 0: none
  bool shadow_valid;
  struct account shadow;      // the account with the buffered orders counted as working
  struct account_symbol *shadow_symbols;
};

// A rule that denied or let go, waiting for on_risk; one per rule and callback.
struct risk_note {
  enum reason rule;
  double value, limit;  // NaN: does not apply
  int64_t until_ns;     // when the rule lets go again, 0: does not go by time
};

struct timer {
  char name[SPEC_NAME_MAX];
  int64_t every_ns, due_ns;
  int second_of_day;  // -1: every_ns
  struct tz *tz;
  bool used;
};

struct ladder {
  struct ladder_request req;
  uint64_t base_id, tp_id, sl_id;
  uint64_t rungs[100];
  int rung_count;
  int64_t position_lots;  // filled by this ladder so far, signed
  int128 cost;            // Σ ticks × lots
  bool used, placed;
};

struct bot {
  // First what every bar asks for.
  struct script *script;
  struct matcher *matcher;
  const struct account *account;
  int64_t now_ns;
  int64_t timer_next_ns;  // earliest due_ns; INT64_MAX: none
  uint32_t timer_changes; // counts what is to be remembered of timers
  bool started, stopping, in_callback, muted;
  bool resumed;   // inside a run: risk remembers
  bool verified;  // ctx was found whole since the last day's turn
  bool needs_orders, needs_fills, needs_positions;
  size_t risk_note_count, missed_count;
  struct risk_state risk;
  struct desk desk;

  const struct script_spec *spec;  // borrowed, the script's
  struct script_host host;
  struct risk_limits limits;
  struct bot_observer observer;
  char **tags;
  uint32_t tag_count, tag_cap;
  struct timer *timers;    // TIMERS_MAX of them, or NULL before the first
  struct ladder *ladders;  // LADDERS_MAX of them, or NULL before the first
  struct risk_note *risk_notes;  // REASON_COUNT of them where the script has on_risk, else NULL
  bool day_halted;    // DAY_LOSS denied something since the day turned
  uint64_t *targets;  // live orders made by ctx:target
  size_t target_count, target_cap;
  struct match_event *missed;  // from missed_next on still to be told
  size_t missed_next, missed_cap;
};

// bot.c
// Ends a callback that returned st: its orders take effect, or it is as if it had never been called.
enum status bot_finish_callback(struct bot *b, enum status st, struct err *err);

// Every change of orders: told to the observer, then done.
enum reason bot_command(struct bot *b, const struct bot_command *c);
enum reason bot_cancel(struct bot *b, uint64_t id, enum reason why);

// desk.c
void desk_init(struct bot *b);
void desk_finish(struct bot *b);
void desk_begin(struct bot *b);   // a callback starts
void desk_commit(struct bot *b);  // it returned: the matcher sees what it asked
void desk_discard(struct bot *b); // it failed: nothing happened
const struct order *desk_submit(void *self, const struct intent *in, struct script_denial *ret_denial);
const struct order *desk_target(void *self, const struct intent *in, struct script_denial *ret_denial);
const struct order *desk_ladder(void *self, const struct ladder_request *req, struct script_denial *ret_denial);
enum reason desk_cancel(void *self, uint64_t id);
enum reason desk_modify(void *self, uint64_t id, const struct script_change *change);
const struct order *desk_order(void *self, uint64_t id);
const struct order *desk_next_order(void *self, uint64_t after, uint32_t tag);
// A denial: told to the observer, and to on_risk when the callback has returned.
void bot_denied(struct bot *b, enum reason code, const char *msg, double limit, double value);

// ladder.c
void ladder_start(struct bot *b, const struct ladder_request *req, uint64_t base_id);
void ladder_fill(struct bot *b, const struct fill *f);
void ladder_order_ended(struct bot *b, uint64_t id);

// timers.c
bool timer_set(void *self, const char *name, int64_t every_ns, int at_minute, const char *tz, char *ret_why, size_t why_size);
void timers_finish(struct bot *b);
void timers_free(struct timer *timers);  // NULL does nothing

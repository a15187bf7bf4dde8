// bot/pilot.h – one live bot's run: script, desk and a matcher of its own, told what happens instant by instant (bot/instant.h).
//
// The same in a host process, in a test and in a replay: a function of its configuration and its instants. What it decides are
// commands (bot/command.h); a blotter that is shown the same instants and told these commands has the same orders and account.
#pragma once
#include "bot/blotter.h"
#include "bot/bot.h"

struct pilot_config {
  struct bot_config bot;    // matcher is the pilot's own; of the observer order, fill and command may be set like the rest
  struct blotter_config blotter;  // its observer is not used
};

struct pilot;
// What bot_create and blotter_create say. Series, spec and source are borrowed as bot_create tells.
enum status pilot_create(const struct pilot_config *config, struct pilot **ret, struct err *err) MUST_CHECK;
void pilot_destroy(struct pilot *p);
struct bot *pilot_bot(struct pilot *p);
const struct account *pilot_account(const struct pilot *p);
const struct matcher *pilot_matcher(const struct pilot *p);
// The list of round trips, which only whoever makes statistics of a run reads.
void pilot_forget_trades(struct pilot *p);

// Everything at in->now_ns, in the order of market/event_order.h. Times of instants rise. Timers due by then fire too. An error is
// the script's failure, with its own status and text: the callback's orders were discarded, and for the rest of the instant no
// callback was called, while orders and indicators went on. Whether the bot goes on is the caller's choice, unless it is dead.
enum status pilot_instant(struct pilot *p, const struct instant *in, struct err *err) MUST_CHECK;
// The same without the script, which may have used up what it may use.
enum status pilot_skip(struct pilot *p, const struct instant *in, struct err *err) MUST_CHECK;
// After an error: the script was killed, or an amount of its account did not fit. Only good for pilot_destroy().
bool pilot_dead(const struct pilot *p);
// A command of the core (bot/clerk.h), between two instants; the script hears of it in the next. False, nothing happened: it does not fit.
bool pilot_impose(struct pilot *p, const struct bot_command *c) MUST_CHECK;
// Between two instants: other limits for the checks beside the script; and what the core denied, halted or lets go again, for on_risk in
// the next instant (limit and value may be NaN; until_ns 0: does not go by time; its own time, in the past: it just let go).
void pilot_limits(struct pilot *p, const struct risk_limits *limits);
void pilot_risk(struct pilot *p, enum reason code, double limit, double value, int64_t until_ns);
// Asks for the memory that its next instant needs; steps 0 … PILOT_PREFETCH_STEPS − 1, in this order, with other pilots' instants in between.
#define PILOT_PREFETCH_STEPS (SCRIPT_PREFETCH_STEPS + 2)
void pilot_prefetch(const struct pilot *p, int step);
// In the last instant nothing happened to its orders and timers, by the market or by the script.
bool pilot_quiet(const struct pilot *p);
bool pilot_params_taken(const struct pilot *p);  // by the last instant that had some

// ---- another version of the script, or the same with other parameters, takes over inside a run
struct pilot_version {
  const char *chunkname, *source;
  size_t source_len;
  const struct script_spec *spec;     // borrowed, as of bot_config; its streams are those of the present script
  const struct param_value *values;   // copied
  struct vm_limits limits;            // with the seed of its random numbers: pilot_version_seed()
  struct watchdog *watchdog;
  const int *symbols;                 // per stream; borrowed as of bot_config
  size_t history;                     // it is warmed up by so many of the newest bars of each stream …
  int64_t through_ns;                 // … that ended by then
  const char *from;                   // version that ctx.state comes from, for migrate; NULL: it is taken as it is
};
// Builds it aside: compiled, warm, with the state of the script that runs. It takes over in the next instant that is not skipped, before
// anything is delivered in it. Once more: in place of the one before. ERR_INVALID, ERR_SCRIPT, ERR_BUDGET: why it cannot be; nothing
// has changed then.
enum status pilot_prepare(struct pilot *p, const struct pilot_version *v, struct err *err) MUST_CHECK;
bool pilot_prepared(const struct pilot *p);
struct script *pilot_prepared_script(struct pilot *p);  // NULL: none
void pilot_unprepare(struct pilot *p);
// Told in that instant, before its commands: it has taken over (the former script is gone), or on_init failed (the former goes on).
// The spec that is no longer used may be given back after the instant.
void pilot_on_version(struct pilot *p, void (*told)(void *self, enum status st, const char *why), void *self);
// What its random numbers are seeded with.
uint64_t pilot_version_seed(uint64_t seed, uint32_t resume, uint32_t version);

// on_stop after the last instant, for who needs no answer to its orders; else instant.stop.
enum status pilot_stop(struct pilot *p, int64_t now_ns, const char *why, struct err *err) MUST_CHECK;
// The time of the next timer, at which an instant is wanted even if nothing else happens; INT64_MAX: none.
int64_t pilot_timer_next(const struct pilot *p);
int64_t pilot_now(const struct pilot *p);  // of the last instant
// As blotter_hash; what was imposed since the last instant is in it from the next on.
void pilot_hash(const struct pilot *p, char ret_hex[SHA256_HEX_SIZE]);
// At the very end, with what was imposed since: the script will not hear of it. Only good for pilot_destroy() from here on.
void pilot_hash_last(struct pilot *p, char ret_hex[SHA256_HEX_SIZE]);

// ---- before the first instant: what a run has behind it, when it goes on in a new process
//
// pilot_past() for each instant of the past, its bars with deliver true from where the run began (they are marked, though the script
// sees none of them); before that with bars alone, for the indicators (of a version that took over inside the run: those that are not
// unseen, pilot_version.history before its first instant). Then pilot_past_end(), ctx.state (script_state_load) and memory
// (bot_memory_load). Hash, orders, account and risk are then what they were.
// The close of a symbol's newest bar before the run: what its first orders go by, until a bar of the run is matched.
void pilot_mark(struct pilot *p, int symbol, price px);
struct pilot_past {
  const struct bot_command *commands;  // of the journal, imposed ones too, in their order; those of a time after the bars of that time
  size_t count, at;                    // at: 0 at first
  int64_t seen_ns;                     // of the last instant that the script saw: later events, and what was imposed after its turn in that one, it
                                       // is told when it resumes
};
// ERR_INVALID: a command does not fit what is there: the journal is of another run.
enum status pilot_past(struct pilot *p, const struct instant *in, struct pilot_past *past, struct err *err) MUST_CHECK;
// In place of those up to an instant: what they came to (clerk_image_books). Before it, pilot_past_bars() for each of them, with its bars for the
// indicators alone. ERR_INVALID: it is of other terms, or damaged; only good for pilot_destroy() then.
enum status pilot_past_bars(struct pilot *p, const struct instant *in, struct err *err) MUST_CHECK;
enum status pilot_past_books(struct pilot *p, int64_t now_ns, const void *books, size_t len, struct err *err) MUST_CHECK;
// The rest of the commands. resume, of a run that is not new: the next instant begins with on_init, if the script is warm, and with
// what it has missed.
enum status pilot_past_end(struct pilot *p, struct pilot_past *past, bool resume, struct err *err) MUST_CHECK;
// What a script's random numbers are seeded with in a run's n-th resumption.
uint64_t pilot_seed(uint64_t seed, uint32_t resume);

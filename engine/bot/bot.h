// bot/bot.h – one bot's pipeline: events → script → intents → risk → matcher → events, the same for backtest and paper.
//
// The owner decides what time it is and which bars exist; the bot decides the order of what happens at one instant. Nothing
// in here reads a clock, a file or a random source.
#pragma once
#include "bot/command.h"
#include "match/match.h"
#include "risk/risk.h"
#include "script/script.h"

// What the owner gets to see, in order. Any function may be NULL.
struct bot_observer {
  void *self;
  void (*order)(void *self, int64_t time_ns, const struct order *o, enum order_status from, enum order_status to, enum reason why);
  void (*fill)(void *self, const struct fill *f);
  void (*denied)(void *self, int64_t time_ns, enum reason code, double limit, double value, const char *msg);  // NaN: does not apply
  void (*log)(void *self, int64_t time_ns, enum script_log_level level, const char *text);
  void (*plot)(void *self, int64_t time_ns, const char *name, double value);
  void (*mark)(void *self, int64_t time_ns, const char *text);
  void (*notify)(void *self, int64_t time_ns, const char *text);
  void (*command)(void *self, const struct bot_command *c);  // before the matcher gets it
  void (*params)(void *self);  // on_params has taken what bot_params() was given; before the first command that comes of it
};

struct bot_config {
  const char *chunkname, *source;
  size_t source_len;
  const struct script_spec *spec;       // borrowed: one for all bots of a script version
  const struct param_value *values;
  struct vm_limits limits;
  struct watchdog *watchdog;
  struct matcher *matcher;              // borrowed; its symbols are the bot's
  const struct series *const *series;   // per stream of the spec; borrowed
  const int *symbols;                   // per stream: the matcher's symbol; borrowed
  struct risk_limits risk;
  struct bot_observer observer;
};

struct bot;

enum status bot_create(const struct bot_config *cfg, struct bot **ret, struct err *err) MUST_CHECK;
void bot_destroy(struct bot *b);
struct script *bot_script(struct bot *b);
const char *bot_tag_text(const struct bot *b, uint32_t tag);
uint32_t bot_tag_count(const struct bot *b);
bool bot_started(const struct bot *b);  // on_init was called

// ---- what happens at one instant, in this order (simulation rule 19). Each returns the script's failure, which stops the bot.
// A bar of a symbol's finest data ended: matches it. Fills wait for bot_settle(); false: there was nothing to settle.
bool bot_match(struct bot *b, int symbol, const struct match_bar *bar, int64_t now_ns);
// Runs the callbacks of what was matched, and of what those callbacks did, to a fixpoint (at most 100 rounds).
enum status bot_settle(struct bot *b, int64_t now_ns, struct err *err) MUST_CHECK;
// The UTC day turned; day is the text of the day that ended.
enum status bot_day(struct bot *b, int64_t now_ns, const char *day, struct err *err) MUST_CHECK;
// Bar ix of a stream is complete. Before the warm-up is over, or with deliver false, only its indicators advance; the first
// delivered bar is preceded by on_init.
enum status bot_stream_bar(struct bot *b, int stream, size_t ix, int64_t now_ns, bool deliver, struct err *err) MUST_CHECK;
// Due time of the next timer; INT64_MAX: none.
int64_t bot_timer_next(const struct bot *b);
uint32_t bot_timer_changes(const struct bot *b);  // grows whenever one is set, removed or fires
// on_init, if the script is warm and it has not run yet: before an event that is no bar.
enum status bot_begin(struct bot *b, int64_t now_ns, struct err *err) MUST_CHECK;
enum status bot_timers_fire(struct bot *b, int64_t now_ns, struct err *err) MUST_CHECK;
enum status bot_tick(struct bot *b, const struct script_tick *tick, int64_t now_ns, struct err *err) MUST_CHECK;
enum status bot_signal(struct bot *b, const struct script_signal *sig, int64_t now_ns, struct err *err) MUST_CHECK;
enum status bot_stop(struct bot *b, int64_t now_ns, const char *why, struct err *err) MUST_CHECK;
// Parameter values marked live change; on_params is called with the old ones. What the script does not take changes nothing.
enum status bot_params(struct bot *b, const struct param_value *values, int64_t now_ns, struct err *err) MUST_CHECK;

// ---- a run that goes on, in a new process: its past bars were pushed with deliver false, ctx.state and memory (bot/memory.h) loaded
// An event of the past that the script has not heard of: told in the next settle, and not to the observer again.
enum status bot_missed(struct bot *b, const struct match_event *e, struct err *err) MUST_CHECK;
bool bot_missed_some(const struct bot *b);  // that it has not been told yet
// on_init, if the script is warm (else before its first bar), and what was missed.
enum status bot_resume(struct bot *b, int64_t now_ns, struct err *err) MUST_CHECK;
// Muted, no callback is called: bars only advance indicators, events only the engine's own ladders. For the rest of an instant in
// which the script has failed.
void bot_mute(struct bot *b, bool muted);
// Equity as risk sees it: call at each mark of the main stream.
static inline void bot_risk_mark(struct risk_state *s, cash equity) { risk_state_mark(s, equity); }
void bot_prefetch(const struct bot *b);  // asks for its memory, without the script's
struct risk_state *bot_risk_state(struct bot *b);
// Other limits from the next callback on.
void bot_limits(struct bot *b, const struct risk_limits *limits);
// Somebody else than the checks here denied, halted or lets go: told to on_risk at the next bot_settle(), once per code. For scripts that
// have no on_risk, and before on_init, nothing happens.
void bot_risk_tell(struct bot *b, enum reason code, double limit, double value, int64_t until_ns);
bool bot_risk_waits(const struct bot *b);

// ---- another version of the script (bot_swap.c)
// A script for this bot, beside its own: of cfg what script_create needs. It asks the same bot, so only what runs none of its callbacks
// may be done with it until bot_take().
enum status bot_candidate(struct bot *b, const struct bot_config *cfg, struct script **ret, struct err *err) MUST_CHECK;
typedef void (*bot_taking)(void *arg, enum status st, const char *why);
// A candidate that is warm, with its state, takes over between two callbacks: on_init, and from here on it is the bot's script; *script is
// the one before then, to be destroyed. On an error everything is as it was but for order ids that it took, and *script is still the
// caller's. told: which it is, before the first command. What its orders caused waits for bot_settle().
enum status bot_take(struct bot *b, struct script **script, const struct script_spec *spec, int64_t now_ns, bot_taking told, void *arg, struct err *err) MUST_CHECK;

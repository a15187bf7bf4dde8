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

// Everything at in->now_ns, in the order of market/event_order.h. Times of instants rise. Timers due by then fire too. An error is
// the script's failure, with its own status and text: the callback's orders were discarded, and whether the bot goes on is the
// caller's choice.
enum status pilot_instant(struct pilot *p, const struct instant *in, struct err *err) MUST_CHECK;
// A command of the core (bot/clerk.h), between two instants; the script hears of it in the next, observer.command
// not at all. False, nothing happened: it does not fit.
bool pilot_impose(struct pilot *p, const struct bot_command *c) MUST_CHECK;
// The time of the next timer, at which an instant is wanted even if nothing else happens; INT64_MAX: none.
int64_t pilot_timer_next(const struct pilot *p);
enum status pilot_stop(struct pilot *p, int64_t now_ns, const char *why, struct err *err) MUST_CHECK;
// As blotter_hash; what was imposed since the last instant is in it from the next on.
void pilot_hash(const struct pilot *p, char ret_hex[SHA256_HEX_SIZE]);

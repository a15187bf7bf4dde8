// bot/blotter.h – a bot's orders and account as the core keeps them, without its script: a matcher that is shown the same bars and told
// the same commands as the one beside the script (bot/pilot.h), and a hash that proves that both say the same.
//
// The process that runs the script is not believed: whatever it sends is checked (command_valid, risk), and its account is only
// its own copy. Pure: no clock, no I/O.
#pragma once
#include "bot/command.h"
#include "bot/event_hash.h"
#include "bot/instant.h"

struct blotter_observer {  // in the order in which it happened; any may be NULL
  void *self;
  void (*order)(void *self, int64_t time_ns, const struct order *o, enum order_status from, enum order_status to, enum reason why);
  void (*fill)(void *self, const struct fill *f);
};
struct blotter_config {
  struct match_config match;
  const struct match_symbol_config *symbols;  // copied
  int symbol_count;
  struct blotter_observer observer;
};

#define BLOTTER_ORDERS_KEPT 256  // ended ones, while its bot runs

struct blotter;
// ERR_INVALID: the matcher refuses a symbol's configuration; ERR_NOMEM.
enum status blotter_create(const struct blotter_config *config, struct blotter **ret, struct err *err) MUST_CHECK;
void blotter_destroy(struct blotter *b);
struct matcher *blotter_matcher(struct blotter *b);

// The market's part of an instant: funding before, bars, funding after. ERR_RANGE: an amount does not fit in 64 bits; the blotter cannot
// go on.
enum status blotter_market(struct blotter *b, const struct instant *in, struct err *err) MUST_CHECK;
// The bot's part, one command at a time, which must be valid.
enum reason blotter_command(struct blotter *b, const struct bot_command *c);
// The event hash of everything so far, as if it ended here.
void blotter_hash(const struct blotter *b, char ret_hex[SHA256_HEX_SIZE]);

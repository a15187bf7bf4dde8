// bot/blotter_impl.h – private to bot/: a blotter's insides, which a pilot embeds.
#pragma once
#include "bot/blotter.h"

#define BLOTTER_DUE_MAX 4096  // fundings of one instant: those of half a year of a bar's length, or of a gap

struct blotter {
  struct instant_funding *due;  // told by COMMAND_FUNDING, booked with the next instant; NULL before the first
  int due_count, due_cap;
  struct matcher *matcher;
  struct event_hash hash;
  uint64_t released;  // orders below it that have ended are forgotten
  struct blotter_observer observer;
};

// On failure the blotter is to be finished all the same.
enum status blotter_init(struct blotter *b, const struct blotter_config *config, struct err *err) MUST_CHECK;
void blotter_finish(struct blotter *b);
// The market's part of an instant, its events left in the matcher's queue. ret_events: there may be some.
enum status blotter_match(struct blotter *b, const struct instant *in, bool *ret_events, struct err *err) MUST_CHECK;
// Into the hash, and to the observer.
void blotter_seen_order(struct blotter *b, int64_t time_ns, const struct order *o, enum order_status from, enum order_status to, enum reason why);
void blotter_seen_fill(struct blotter *b, const struct fill *f);
void blotter_seen_command(struct blotter *b, const struct bot_command *c);
// A bot runs for years: of its ended orders the newest BLOTTER_ORDERS_KEPT stay, and up to a quarter more. At the end of an instant;
// does nothing while events wait to be read.
void blotter_forget_orders(struct blotter *b);
// Orders, account and event hash to bytes; or back into one that is new and has the same configuration, else it fails (base/pack.h). Between two
// instants: no event waits to be read, no funding to be booked.
struct pack;
void blotter_pack(struct blotter *b, struct pack *p);
// With what the checks beside its script remember, and the day of the last instant that it saw: all that a pilot and a clerk have in common.
struct risk_state;
void books_pack(struct blotter *b, int64_t *script_day, struct risk_state *script, struct pack *p);
uint64_t blotter_terms(const struct blotter *b);  // a hash of that configuration
bool blotter_packable(const struct blotter *b);
// COMMAND_FUNDING: part of the next instant's market. False: no memory, or too many.
bool blotter_due(struct blotter *b, const struct bot_command *c);

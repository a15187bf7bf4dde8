// bot/clerk_remote_impl.h – private to clerk_remote.c and clerk_heard.c: what is known of each order that left.
#pragma once
#include "bot/clerk_impl.h"
#include "bot/clerk_remote.h"
#include "order/fill_set.h"

#define CLERK_ROUTE_KEPT_NS (60 * INT64_C(1000000000))  // after its end: messages about it still come

struct clerk_routed {
  uint64_t id;
  struct route_order route;
  char venue_id[VENUE_ID_MAX];
  price limit, trigger;            // as the venue has them
  bool waits;                      // its trigger is not met, as far as the venue has told
  price sent_limit, sent_trigger;  // of the change that is under way
  bool cancelling, asking;         // a request is under way
  bool replacing;                  // an exit, cancelled for another in its place, as the venue cannot change orders
  bool perhaps;                    // a process before this one may have been replacing it
  bool again;                      // it has ended, and there is none in its place yet
  bool restored;                   // sent by a process before this one: its times are by the bot's clock
  int64_t cancel_ns, amend_ns;     // not again before
  int64_t cancelled_ns;            // the venue has taken the cancel; 0: it has not
  int64_t cancel_sent_ns;          // the last one that was asked for; by a process before this one: its end
  uint8_t in_vain;                 // cancels that it did not find, since it was last seen to work
  int64_t missing_ns;              // no question for executions before
  int64_t seen_ns;                 // among the answers to a question asked then
  int64_t over_ns;                 // seen to be over; 0: not yet
};

struct clerk_remote {
  struct clerk_port port;
  char currency[VENUE_ASSET_MAX];  // of the account; "": not known
  bool told_fee;                   // that fees are taken in something else
  struct clerk_routed *routes;
  size_t count, cap;
  struct fill_set booked;
  size_t imposed, durable;         // counts what was imposed by the venue's word; of that, what the journal has
  uint64_t fills;                  // counts what the blotter booked
};

struct clerk_routed *clerk_routed_find(const struct clerk *c, uint64_t id);
struct clerk_routed *clerk_routed_add(struct clerk *c, const struct order *o);
// An event with the venue's time, what it can be asked, and, where none is given, an expiry.
struct route_effect clerk_route_tell(const struct clerk *c, struct clerk_routed *w, enum route_event_kind kind, const struct route_event *more);
// Imposed, if it is news for the matcher.
void clerk_venue_says(struct clerk *c, uint64_t id, enum order_status status, enum reason why);
// The wish gives way to what the venue has. Imposes.
void clerk_wish_back(struct clerk *c, const struct clerk_routed *w);
void clerk_route_lost(struct clerk *c, struct clerk_routed *w);
// Somebody here wants it to end.
bool clerk_wished_away(const struct order *o);
// Of an exit that has ended and that nobody wished away: another one, for all that its entry has open, where it was wished to be. While it is
// not known what became of the entry, that waits (again). Imposes.
void clerk_replace(struct clerk *c, struct clerk_routed *w);
// Those that waited, as something was told of an entry: in the same commit, since the journal says of an exit that it waits only by an entry of
// which nobody knows. Imposes.
void clerk_replace_waiting(struct clerk *c);

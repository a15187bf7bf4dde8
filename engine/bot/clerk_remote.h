// bot/clerk_remote.h – a clerk whose orders go to a venue elsewhere: between what its matcher wishes (MODEL_REMOTE) and what is known
// of each order there (order/route).
//
// Wish and knowledge are two things, compared whenever something happened (clerk_remote_sync): an order that works for the matcher and
// has no route is placed, once, ever; one that is to end is cancelled until it has; one whose terms differ is amended. What the venue
// says – answers, its stream, what it was asked – moves the route, and what follows from that is *imposed* (COMMAND_VENUE,
// COMMAND_FILL), so that journal, core and host have one history, and a replay needs no venue.
//
// Nothing here waits or sends: questions go out through struct clerk_port, answers come back by the calls below, in any order, late,
// twice or never. All calls between two instants, when what was imposed before is in the journal (the owner's duty: an order or an
// exit that came to life is durable before clerk_remote_sync() places it).
#pragma once
#include "bot/clerk.h"
#include "order/route.h"
#include "venue/venue.h"

// What a clerk asks of whoever has the venue's session. None calls back before it has returned.
struct clerk_port {
  void *self;
  int64_t (*now_ns)(void *self);  // the venue's clock
  struct venue_caps (*caps)(void *self);
  bool (*places)(void *self, uint64_t bot);  // NULL: always. Orders of it may leave now; else they wait, as if the venue were slow
  void (*place)(void *self, uint64_t bot, uint64_t order, const struct venue_place *p);
  void (*amend)(void *self, uint64_t bot, uint64_t order, uint32_t change, const struct venue_ref *ref, const struct venue_change *c);
  void (*cancel)(void *self, uint64_t bot, uint64_t order, const struct venue_ref *ref);
  void (*ask)(void *self, uint64_t bot, uint64_t order, enum unknown_step question, const struct venue_ref *ref, int64_t since_ns);
  void (*ahead)(void *self, const struct venue_place *p);  // will be placed, probably, and must not be yet; NULL: nothing can be done ahead
  const char *currency;  // of the account, copied; NULL: fees in what a symbol ends with are in it
};

// Connects a clerk to its venue; before anything happens to it. account and venue: of the keys of executions. ERR_NOMEM.
// ERR_INVALID: its matcher makes its own market.
enum status clerk_remote_open(struct clerk *c, const struct clerk_port *port, struct err *err) MUST_CHECK;
bool clerk_is_remote(const struct clerk *c);

// Makes the venue's orders what they are wished to be, as far as that is known and nothing is under way. Also asks what is due.
// Returns when to look again, by the venue's clock; INT64_MAX: when something happens.
int64_t clerk_remote_sync(struct clerk *c);

// The kill switch, while the bot is in an instant that its script does not end, or the journal does not answer: asks the venue to cancel what the
// halts in force do not let work. Nothing is imposed – clerk_halts() does that when it may – and what the venue answers is heard as ever.
void clerk_remote_halt(struct clerk *c);

// The same while the venue cannot be reached: nothing is sent or asked, but who has been UNKNOWN for too long waits for a person.
int64_t clerk_remote_away(struct clerk *c);

// While its decisions are being journalled: tells the port of the first of them that will be placed, if nothing comes in between.
#define CLERK_AHEAD_MAX 2
void clerk_remote_ahead(struct clerk *c);

// An order that is, or may be, at the venue, and is no exit.
struct clerk_left {
  struct venue_ref ref;
  uint64_t halt_venue;  // of the kill switch (halt_order.venue)
  bool opens;  // with the others on its side it could do more than close what the bot holds
};
// For who looks after them when the clerk is gone; at any time. *pos is 0 at first. False: no more.
bool clerk_remote_left(struct clerk *c, size_t *pos, struct clerk_left *ret);

// Nothing of its orders is at the venue any more, or may come from there.
bool clerk_remote_idle(const struct clerk *c);
// Nothing can be sent now: entries that never left are refused (a script is told at once, rather than executed much later); exits wait.
// How many were; whose they are should be told why.
size_t clerk_remote_unsent(struct clerk *c);

enum clerk_request { CLERK_PLACE, CLERK_AMEND, CLERK_CANCEL };
void clerk_remote_replied(struct clerk *c, uint64_t order, enum clerk_request what, uint32_t change, const struct venue_reply *r);
// The answer to `ask`. What was found went to clerk_remote_order() or clerk_remote_fill() before.
void clerk_remote_asked(struct clerk *c, uint64_t order, enum unknown_step question, enum unknown_answer answer);

enum clerk_heard {
  CLERK_HEARD,     // known, and taken if it was news
  CLERK_REPEATED,  // an execution that is booked
  CLERK_STRANGE,   // not an order of this clerk's run
  CLERK_UNFIT,     // it contradicts what must hold, or does not fit the instrument: nothing was taken, somebody must look
};
// The venue's word about an order: of its stream (asked_ns 0) or to a question asked then. text: of UNFIT, ≥ VENUE_TEXT_MAX bytes.
enum clerk_heard clerk_remote_order(struct clerk *c, const struct venue_order *o, int64_t asked_ns, char *ret_text);
enum clerk_heard clerk_remote_fill(struct clerk *c, const struct venue_fill *f, char *ret_text);
// amount in 1e-8, rounded up: what is paid is never understated. False: it does not fit.
bool clerk_cash_of(struct decimal d, cash *ret);
// The bot's part of what the account paid for holding a symbol (negative: received). id: of the payment, unique at the venue.
enum clerk_heard clerk_remote_cash(struct clerk *c, const char *symbol, cash paid, const char *id, int64_t at_ns);
// All orders that are open there, asked for at asked_ns: each was told by clerk_remote_order() before. Who should be among them and is not, is
// UNKNOWN from now on.
void clerk_remote_listed(struct clerk *c, int64_t asked_ns);

// ---- for the operator's queue

struct clerk_route_view {
  uint64_t order;
  const struct route_order *route;
  const char *venue_id;
};
// Orders that are UNKNOWN or QUARANTINED; *pos is 0 at first. False: no more.
bool clerk_remote_unknown(const struct clerk *c, size_t *pos, struct clerk_route_view *ret);
// A person has looked, and says that it never existed there or has ended without another execution. False: it is not UNKNOWN.
bool clerk_remote_decide_dead(struct clerk *c, uint64_t order);
// The questions about it begin anew, at once. False likewise.
bool clerk_remote_ask_again(struct clerk *c, uint64_t order);
// Executions that were booked: for the account's own comparison with the venue. Signed lots of a symbol.
int64_t clerk_remote_lots(const struct clerk *c, const char *symbol);

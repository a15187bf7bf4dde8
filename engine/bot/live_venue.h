// bot/live_venue.h – private to bot/live*.c: accounts at venues elsewhere. One session (venue/venue.h) for all bots of an account.
//
//     live_venue.c      the session, requests of clerks and their answers, what is heard, in its order
//     live_ask.c        questions about orders whose outcome is unknown
//     live_reconcile.c  before anything is sent: is what the venue has what the bots' books say?
//     live_left.c       orders there of bots whose books are closed: what the kill switch cancels of them
//     live_mode.c       does it hold one position per symbol, or both legs, as its bots need?
//
// What is heard of a bot waits in the account's inbox while the bot is in an instant, or something of it is on its way to the journal;
// then it is imposed (bot/clerk_remote.h), journalled, and only after that commit what follows from it is sent.
#pragma once
#include "bot/clerk_remote.h"
#include "bot/live_impl.h"

enum live_heard { HEARD_ORDER, HEARD_FILL, HEARD_REPLY, HEARD_ASKED, HEARD_LISTED, HEARD_CASH };
struct live_mail {
  struct live_mail *next;
  int64_t bot_id;
  enum live_heard kind;
  bool past;                      // out of a list of what was executed, also by runs that have ended: no news
  union {
    struct { struct venue_order order; int64_t asked_ns; } order;
    struct venue_fill fill;
    struct { uint64_t order; enum clerk_request what; uint32_t change; struct venue_reply reply; } reply;
    struct { uint64_t order; enum unknown_step question; enum unknown_answer answer; } asked;
    int64_t listed_ns;
    struct { char symbol[VENUE_SYMBOL_MAX], id[VENUE_ID_MAX]; cash paid; int64_t at_ns; } cash;
  } u;
};

// An order of a bot that has no books now (live_left.c).
struct live_left {
  struct live_left *next;
  struct live_venue *venue;
  int64_t bot_id, tenant_id;
  uint64_t halt_venue;            // of the kill switch
  struct venue_ref ref;
  bool opens;                     // it could have done more than close what was held
  bool asking, over;              // a cancel is under way; nothing is to follow its answer
  int absent;                     // how often the venue has said that there is no such order, when that proved it
  int64_t due_ns, sure_ns;        // by the monotonic clock: not cancelled before; "there is none" proves nothing before
};

// How far the comparison with the venue is. It begins anew with each connection.
enum live_reconcile { RECONCILE_NONE, RECONCILE_ORDERS, RECONCILE_FILLS, RECONCILE_HEAR, RECONCILE_POSITIONS, RECONCILE_DONE };

#define LIVE_VENUE_LOOK_NS (100 * NS_PER_MS)  // between two looks while something is under way; else there are none
#define LIVE_STRANGE_MAX 512  // known at once; of more the one that was not seen for the longest is forgotten
struct live_mode {                // whether the venue holds both legs of a symbol at once
  struct live_mode *next;
  struct live_venue *venue;
  char symbol[VENUE_SYMBOL_MAX];
  bool hedge;                     // what was asked for
  enum { MODE_UNKNOWN, MODE_ASKED, MODE_KNOWN, MODE_FAILED, MODE_REFUSED } state;
  int64_t again_ns;               // by the monotonic clock, of FAILED and REFUSED
  char why[VENUE_TEXT_MAX];       // the venue's words
};
struct live_venue {
  struct live_venue *next;
  struct live *live;
  int64_t account_id, tenant_id;
  struct venue venue;
  struct loop_timer *timer;
  int64_t due_ns;                 // when it looks next, by the monotonic clock; INT64_MAX: not before something happens
  struct live_request *requests;  // whose answers have not come
  struct live_listing *listings;  // questions that many orders have together (live_ask.c)
  int64_t *bots;                  // that have books and trade there
  size_t bot_count, bot_cap;
  unsigned expected;              // of live_venues_brace
  struct live_left *left;
  struct live_mail *first, *last;
  size_t mail_count;
  enum live_reconcile stage;
  int64_t fills_since_ns;         // RECONCILE_FILLS: from then on, by the venue's clock
  uint64_t round;                 // of comparing positions: each symbol once, however many bots trade it
  unsigned asked;                 // questions whose answers are not here
  bool failed;                    // one of them could not be had: from the start, later
  bool draining;
  int64_t again_ns;               // by the monotonic clock: compared once more
  int64_t compared_ns;            // the last whole comparison
  int64_t began_ns;               // the last one, by the wall clock
  char why[VENUE_TEXT_MAX];       // what its books and the venue differ in; "": nothing
  enum live_foreign foreign;
  bool freezing;                  // something was found, and its bots are to open nothing more
  bool frozen;                    // so it was, and nobody has resumed one of them yet
  struct live_house {             // of each symbol that a bot of the account has traded: what the account holds that no bot does
    char symbol[VENUE_SYMBOL_MAX];
    int64_t lots;
    int128 fees_e8;               // where there are no positions: what fees have taken of the coin since, in 1e-8 lots
    bool known, doubted;          // doubted: it differed in the last comparison, and may be on its way
    bool unasked;                 // RECONCILE_FILLS: its executions are still to be asked for
    uint64_t round;               // it was compared in
  } *house;                       // no more than the venue has instruments
  size_t house_count, house_cap;
  struct live_mode *modes;        // likewise; each stays where it is
  struct live_strange {           // what is not ours: orders and positions of others, or of bots that are gone
    char kind[12], symbol[VENUE_SYMBOL_MAX], name[VENUE_ID_MAX], text[VENUE_TEXT_MAX];
    int64_t seen_ns, again_ns;    // first, last
  } *strange;
  int strange_count, strange_cap;
};

// What a clerk asked for, until it is answered.
struct live_request {
  struct live_request *next, **back;
  struct live_request *beside;    // in a listing
  struct live_venue *venue;
  int64_t bot_id;
  uint64_t order;
  enum clerk_request what;
  uint32_t change;
  bool asks;
  enum unknown_step question;
  int64_t asked_ns, since_ns;     // by the session's clock
  int64_t intent_ns;              // by the monotonic clock: when the core had the order of a script; 0: not counted
  char client_id[CLIENT_ID_SIZE];
};
struct live_request *live_request(struct live_venue *v, uint64_t bot, uint64_t order);  // NULL: no memory
void live_request_end(struct live_request *r);

// The account's session, opened at its first use. ERR_… of whoever opens it.
enum status live_venue_use(struct live *l, int64_t tenant_id, int64_t account_id, const char *venue, struct live_venue **ret, struct err *err) MUST_CHECK;
struct live_venue *live_venue_of(const struct live *l, int64_t account_id);  // NULL: it has none
struct clerk_port live_venue_port(struct live_venue *v);
bool live_venue_join(struct live_venue *v, struct live_bot *b) MUST_CHECK;  // it has books; false: no memory
void live_venue_leave(struct live_bot *b);
struct live_bot *live_venue_bot(const struct live_venue *v, int64_t id);  // NULL: it has no books there now
bool live_venue_can_hear(const struct live_bot *b);  // between instants, with nothing on the way to the journal
// Looks at it then at the latest: mail, comparison, what is due by time. Whatever may have to be looked at without anything happening says so.
void live_venue_look(struct live_venue *v, int64_t at_ns);
void live_venue_act(struct live_venue *v);                                // of all its bots, what is due
void live_venue_halt(struct live_bot *b);   // with books: halts have changed; what they cancel is asked for at once
void live_venue_flush(struct live_bot *b);  // something of it was committed: what may be sent, is
void live_venues_close(struct live *l);
void live_venues_brace(struct live *l, const int64_t *bots, size_t count);  // what these decided is being journalled: sessions get ready
void live_venue_post(struct live_venue *v, const struct live_mail *mail);  // copies; heard as soon as its bot can
void live_venue_drain(struct live_venue *v);
void live_venue_funding(struct live_venue *v, const struct venue_fill *f);  // shared out among its bots, by what they hold

// live_ask.c
void live_venue_ask(void *self, uint64_t bot, uint64_t order, enum unknown_step question, const struct venue_ref *ref, int64_t since_ns);  // of the port
void live_venue_unasked(struct live_venue *v);  // the session is gone, with what it was asked

// live_venue.c
// What was imposed is journalled; the script hears of it as soon as may be.
void live_venue_journal(struct live_bot *b);
// Orders that have not left, cannot, and would open something are refused; the bot's log says why. False: there were none.
bool live_venue_unsent(struct live_bot *b, const char *why);

// live_left.c
void live_left_keep(struct live_venue *v, const struct live_bot *b);       // its books, which there still are, are about to be closed
void live_left_forget(struct live_venue *v, int64_t bot_id);               // it has books again, which know its orders
void live_left_seen(struct live_venue *v, const struct venue_order *o);
void live_left_look(struct live_venue *v);                                 // cancels what halts do not let work, where that is due
void live_left_unanswered(struct live_venue *v);                           // the session is gone, with what it was asked
void live_left_close(struct live_venue *v);                                // when no answer can come any more

// live_mode.c
enum live_places { LIVE_PLACES, LIVE_PLACES_SOON, LIVE_PLACES_NOT };  // SOON: it is being found out
enum live_places live_mode_places(const struct live_venue *v, const struct live_bot *b);  // may orders of it leave?
void live_modes_look(struct live_venue *v);                  // asks for what is not known; ends bots that cannot trade as the account is
void live_modes_forget(struct live_venue *v, bool session);  // a new connection; session: answers of the one before do not come any more
void live_modes_close(struct live_venue *v);                 // when no answer can come any more
// Why orders of a bot may not leave (LIVE_PLACES_NOT), for its log.
void live_mode_why(const struct live_venue *v, const struct live_bot *b, char *text, size_t size);
// Positions of the venue: of the other kind they say that somebody has switched the mode.
void live_mode_seen(struct live_venue *v, const struct live_bot *b, const char *symbol, const struct venue_position *list, size_t count);

// live_reconcile.c
void live_reconcile_begin(struct live_venue *v);
void live_reconcile_look(struct live_venue *v);   // now and then: is it to be done again?
void live_reconcile_heard(struct live_venue *v);  // the inbox is empty
void live_reconcile_fee(struct live_venue *v, const struct live_bot *b, const struct venue_fill *f);  // it was news: did its fee come out of the coin that was bought?
void live_reconcile_freeze(struct live_venue *v); // by the account's setting, when something was found
// What a bot holds is its own from now on; it has come back from the journal. And: it is nobody's, for the bot goes.
void live_reconcile_holds(struct live_bot *b);
void live_reconcile_left(struct live_venue *v, struct live_bot *b);
void live_venue_strange(struct live_venue *v, const char *kind, const struct venue_ref *ref, const char *text);

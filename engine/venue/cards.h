// venue/cards.h – numbered acceptance cards: what a venue and its dialect must do before anybody's money goes there. They run through
// the engine's own session (venue/remote.h), with the least quantity the venue takes.
//
// A card ends in one of four ways: passed; failed, with what was seen; unsupported, because the dialect's header does not claim the
// capability; skipped, because it needs something this run does not have (faults: an exchange with /admin, `perigee exchange`).
//
// The account must hold nothing in the symbol, neither position nor open order: the cards cancel and close.
// All on the loop's thread, which must not be inside one of its turns.
#pragma once
#include "base/status.h"
#include "venue/remote.h"

struct dialect_info;

#define CARD_TEXT_MAX 320

enum card_verdict { CARD_PASSED, CARD_FAILED, CARD_UNSUPPORTED, CARD_SKIPPED };
const char *card_verdict_text(enum card_verdict v);

struct card;
// All there are, by number, from 1.
int cards_count(void);
const struct card *cards_get(int number);  // NULL: no such card
struct card_result {
  int number;
  const char *name, *proves;
  enum card_verdict verdict;
  char text[CARD_TEXT_MAX];  // why not passed; of a passed one a remark, or ""
  int64_t took_ms;
};
// What the header says of a card without asking anybody: UNSUPPORTED with the capability that lacks, SKIPPED "needs an exchange with
// /admin" where one is needed, else PASSED with "": it would be run.
struct card_result cards_declare(const struct dialect_info *info, const char *category, const struct card *card);

// A venue that no dialect speaks to: instead of a site.
struct cards_venue {
  void *self;
  const struct dialect_info *info;  // what it claims
  enum status (*open)(void *self, const struct venue_events *events, void *to, struct venue *ret, struct err *err);
  // The instrument and its last price. False: not known (yet).
  bool (*market)(void *self, const char *symbol, struct venue_instrument *ret, struct decimal *ret_px);
};

struct cards_options {
  const struct cards_venue *venue;  // NULL: site
  struct loop *loop;
  struct http_pool *pool;
  const char *category;           // of the site; NULL: the dialect's first
  struct remote_site *site;       // made with the address in `url`, where one is given
  const char *url;                // of a simulated exchange; NULL: a real venue, cards with faults are skipped
  const char *admin_token;        // of its /admin; NULL: none
  struct remote_credentials credentials;
  const char *symbol;
  int only;                       // 0: all
  bool quick;                     // absence is proven by as many questions as ever, but without the pauses between them
  bool (*stop)(void);             // asked now and then; true ends the run. NULL: never
  void (*told)(void *arg, const struct card_result *r);  // after each card
  void *arg;
};
// ERR_INVALID: `only` is no card. ERR_CANCELLED: stop. ERR_IO: there is no use in going on (the account is not empty, the venue does not
// answer); what was told before holds. OK: all were run, whatever came of them.
enum status cards_run(const struct cards_options *options, struct err *err) MUST_CHECK;

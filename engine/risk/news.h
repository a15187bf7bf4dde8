// risk/news.h – times at which rule sets want nothing opened, or nothing held: news, auctions, holidays. A calendar, sorted, and the
// question which of its entries concerns a symbol now. Pure.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEWS_WHAT_SIZE 96
#define NEWS_MAX 20000                    // entries of a calendar
#define NEWS_LONGEST_NS (INT64_C(31) * 86400 * 1000000000)

// From mild to grave. The numbers are stored: append only.
enum news_impact { NEWS_LOW, NEWS_MEDIUM, NEWS_HIGH, NEWS_IMPACT_COUNT };
const char *news_impact_text(enum news_impact i);                // "low"
bool news_impact_of(const char *text, enum news_impact *ret);    // in any case; "3" and "red" are not known

struct news_event {
  int64_t from_ns, to_ns;                 // to_ns >= from_ns; the same: a moment
  enum news_impact impact;
  char what[NEWS_WHAT_SIZE];              // "USD,EURGBP": currencies and symbols in capitals, by commas; "": everything
};
// May it be in a calendar? False: *ret_why says what is wrong.
bool news_event_valid(const struct news_event *e, const char **ret_why);
// "usd; EUR/GBP" → "USD,EURGBP". False: too long, or no names.
bool news_what_of(const char *text, size_t len, char ret[NEWS_WHAT_SIZE]);
// Does it concern the symbol? One that is the name, or begins or ends with it: "USD" concerns EURUSD and BTC-USD, not BTCUSDT.
bool news_concerns(const struct news_event *e, const char *symbol);

struct news_list;
// Sorted copies. count may be 0. ERR_LIMIT: more than NEWS_MAX.
enum status news_list_create(const struct news_event *events, size_t count, struct news_list **ret, struct err *err) MUST_CHECK;
void news_list_destroy(struct news_list *l);
size_t news_list_count(const struct news_list *l);

// Which entries count, and how much around them.
struct news_around {
  int64_t before_ns, after_ns;
  enum news_impact least;
};
// The entry that concerns the symbol now, the one that lasts longest if there are several; NULL: none. Holds in
// [from − before, to + after). *ret_over_ns: when all that hold now are over.
const struct news_event *news_now(const struct news_list *l, const struct news_around *a, const char *symbol, int64_t now_ns, int64_t *ret_over_ns);
// When the next one that concerns the symbol begins to hold, after now_ns; INT64_MAX: none.
int64_t news_next(const struct news_list *l, const struct news_around *a, const char *symbol, int64_t now_ns);

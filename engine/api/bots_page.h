// api/bots_page.h – private to api/: pages of what a bot did, from journal.db. Prices and quantities are counts there and decimals in answers.
#pragma once
#include "api/bots.h"
#include "api/list.h"
#include "store/journal_rows.h"

// A page and the instrument of its rows, which is nearly always the same.
struct bots_page {
  struct api_list l;
  int64_t bot_id;
  struct journal_series series;
  enum status status;
};

struct db *bots_journal(struct api_call *call);
// Whose bot it is, and where the page begins. False: answered, or *ret tells why not.
bool bots_page_begin(struct api_call *call, struct bots_page *p, enum status *ret);
// Of a series of the journal. NULL: the page ends here with p->status.
const struct instrument *bots_page_instrument(struct bots_page *p, uint32_t series);
enum status bots_page_end(struct bots_page *p, enum status st);

void bots_put_price(struct json_out *o, const char *key, const struct instrument *inst, price px);  // null for NO_JOURNAL_PRICE
void bots_put_quantity(struct json_out *o, const char *key, const struct instrument *inst, quantity qty);
void bots_put_cash(struct json_out *o, const char *key, cash amount);
// Members of a row.
void bots_put_order(struct json_out *o, const struct instrument *inst, const struct journal_order *r);
void bots_put_fill(struct json_out *o, const struct instrument *inst, const struct journal_fill *f);
void bots_put_trade(struct json_out *o, const struct instrument *inst, const struct journal_trade *t);
void bots_put_decision(struct json_out *o, struct bots_page *p, const struct journal_record *j);
void bots_put_count(struct json_out *o, const char *key, uint64_t n);  // null for 0
// Ticks × 1e6, to a hundredth of a tick at least and as many digits as fit; null for 0.
void bots_put_average(struct json_out *o, const char *key, const struct instrument *inst, int64_t avg_e6);

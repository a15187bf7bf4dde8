// venue/book.h – keeps an order book from a dialect's events: by price, or by the orders in it. Pure.
//
// A dialect says what changed; what is known of a book is here, once for all venues, with a bound on its size.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOK_ROWS_MAX 10000  // of both sides; more is a gap: the book is asked for anew
#define BOOK_TEXT_MAX 40

struct book_row {
  char price[BOOK_TEXT_MAX], qty[BOOK_TEXT_MAX];
  char id[BOOK_TEXT_MAX];  // of an order; "": a price level
};
struct book {
  struct book_row *rows[2];  // bids from the best down, asks from the best up; of one price, the older first
  size_t count[2], room[2];
  int64_t seq;               // of the last event; 0: none told
  bool known;                // a snapshot came, and everything since
};
enum book_side { BOOK_BIDS, BOOK_ASKS };

void book_init(struct book *b);
void book_finish(struct book *b);

enum book_result {
  BOOK_TAKEN,
  BOOK_GAP,      // events are missing, or it does not fit: not known any more, begin anew
  BOOK_WAITING,  // a change before the first snapshot
};
// event: {type="book", …} of dialect_frame.
enum book_result book_take(struct book *b, const json_t *event);
// {bids=[{price,qty}], asks=[…], seq}: levels, orders of one price added up; at most depth a side (0: all). New reference.
json_t *book_json(const struct book *b, size_t depth);

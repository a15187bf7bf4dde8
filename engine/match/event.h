// match/event.h – what the matcher reports, in the order in which it happened, into a queue that the caller drains.
#pragma once
#include "order/account.h"
#include "order/order.h"

#include <stddef.h>

enum match_event_kind { EVENT_ORDER, EVENT_FILL, EVENT_POSITION };
enum position_event { POSITION_EVENT_OPEN, POSITION_EVENT_CHANGE, POSITION_EVENT_CLOSE, POSITION_EVENT_LIQUIDATED };

struct match_event {
  enum match_event_kind kind;
  int64_t time_ns;  // open of the finest bar in which it happened; for submissions and cancels the time given
  union {
    struct {
      uint64_t id;
      enum order_status from, to;
      enum reason reason;
    } order;
    struct fill fill;
    struct {
      int symbol;
      enum leg leg;
      enum position_event what;
      uint64_t id;
      int64_t lots_before, lots_after;
      cash realised;  // of this change, without fees
    } position;
  };
};

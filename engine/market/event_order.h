// market/event_order.h – what happens at one time, in which order (simulation rule 19): written once, for the walk
// through history and for live data, so that a recorded paper run and its replay cannot disagree about it.
//
// An instant is a time T and everything due at it. Its phases run in the order of the table below; within a phase
// bars are ordered by bar_key_compare() (all bots' data) or stream_rank_before() (one bot's streams).
#pragma once
#include "market/bar.h"

// A phase's number is its place. What a live hub does in each stands beside it.
#define EVENT_PHASE_LIST(X)                                                                                   \
  X(EVENT_CARRY_BEFORE, "carry-before",                                                                       \
    "funding and swap due by the open of a bar that ends at T: booked before it is matched")                  \
  X(EVENT_MATCH, "match",                                                                                     \
    "bars that end at T meet the orders that were there before; with the phase above, symbol by symbol")      \
  X(EVENT_TERMS, "terms", "tick, lot, notional and margin terms that begin by T")                             \
  X(EVENT_CARRY, "carry", "funding and swap due by T")                                                        \
  X(EVENT_SETTLE, "settle", "callbacks of fills and orders, round by round until none is left")               \
  X(EVENT_DAY, "day", "the day turn, when T is the first time of a UTC day")                                  \
  X(EVENT_BARS, "bars", "bars that end at T to the script: higher timeframes first, then by name, main last") \
  X(EVENT_TIMERS, "timers", "timers due by T")                                                                \
  X(EVENT_SIGNALS, "signals", "signals that arrived by T")

enum event_phase {
#define X(name, text, about) name,
  EVENT_PHASE_LIST(X)
#undef X
  EVENT_PHASE_COUNT
};
struct event_phase_info {
  const char *name, *about;
};
extern const struct event_phase_info event_phases[EVENT_PHASE_COUNT];

// One bot's streams: which of two is told first when bars of both end at T. Main's callback sees all the others'
// newest bars.
struct stream_rank {
  bool main;
  int64_t timeframe_ns;
  const char *name;  // of the stream in the script
};
bool stream_rank_before(const struct stream_rank *a, const struct stream_rank *b);
// ret_order[k] is the index of the stream that is told k-th; equal ones keep their order.
void stream_rank_order(const struct stream_rank *streams, int count, int *ret_order);

// Everybody's bars: earlier close, then higher timeframe, then symbol by bytes. <0, 0 or >0.
struct bar_key {
  int64_t close_ns, timeframe_ns;
  const char *symbol;
};
int bar_key_compare(const struct bar_key *a, const struct bar_key *b);

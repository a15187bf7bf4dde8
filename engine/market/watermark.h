// market/watermark.h – until when a live stream is complete: the moment before which nothing more will be taken.
//
// Two things move it, never backwards. Events: one at t says that everything before t - lateness has arrived. The
// clock, told by the caller: at now, everything before now - grace has arrived or never will. So a quiet market
// closes its bars too, and without a clock (replay) the events alone decide, in the same way on every run.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define WATERMARK_NONE INT64_MIN

struct watermark {
  int64_t lateness_ns;  // how far behind the newest event another one may still come; 0: events are in order
  int64_t grace_ns;     // how long after its time an event may arrive, by the clock
  int64_t newest_ns;    // time of the newest event; WATERMARK_NONE before the first
  int64_t clock_ns;     // the latest now told; WATERMARK_NONE before the first
  int64_t at_ns;        // the mark; WATERMARK_NONE before anything
};

// Times lie between the years 1700 and 2200, lateness and grace are not negative.
void watermark_init(struct watermark *w, int64_t lateness_ns, int64_t grace_ns);
// Takes note of an event (of the clock). True when the mark moved.
bool watermark_event(struct watermark *w, int64_t event_ns);
bool watermark_clock(struct watermark *w, int64_t now_ns);

// notice/retry.h – what an answer of the other side means, and when to try again. Pure.
#pragma once
#include "notice/event.h"

#include <stdint.h>

enum notice_outcome {
  NOTICE_SENT,
  NOTICE_LATER,   // not now
  NOTICE_NEVER,   // this one is not taken
  NOTICE_OURS,    // it is us who are refused (a token, a setting): tried again, and somebody here must mend it
  NOTICE_GONE,    // there is nobody any more: the channel ends
};
const char *notice_outcome_text(enum notice_outcome o);  // "sent" "later" "never" "ours"; GONE: "never"

// status: of HTTP; 0: none was heard. ok: for those whose body says it too (Telegram's "ok", Slack's "ok"); else true.
enum notice_outcome notice_judge(enum notice_kind kind, int status, bool ok);
// In words for the attempt's log, without anything that the other side said.
const char *notice_status_words(enum notice_kind kind, int status);

#define NOTICE_TRIES_NS (INT64_C(86400) * 1000000000)  // for so long, at 100 percent

// When to try next: after 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 2 h, then every 4 h, up to a tenth longer (drawn by salt, so that what failed
// together does not come back together), not before what Retry-After asks for, and a last time when a day is over; 0: it is. attempts: made
// so far, at least one. retry_after_s: −1: not asked. percent: of all these times, for who cannot wait (tests); 100.
int64_t notice_retry_ns(int attempts, int64_t began_ns, int64_t now_ns, int64_t retry_after_s, uint64_t salt, int64_t percent);
// Of a Retry-After field (RFC 9110: seconds, or the date of IMF-fixdate), seen from now_s, Unix time: whole seconds, at most a day; −1: none.
int64_t notice_retry_after_s(const char *text, int64_t now_s);

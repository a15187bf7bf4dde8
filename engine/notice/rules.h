// notice/rules.h – who wants to be told what, where and when: preferences, quiet hours, digests, as one decision. Pure.
//
// Preferences are a JSON object:
//   {"time_zone": "Europe/Berlin",
//    "quiet": {"from": "22:00", "to": "07:00"},            or null: no quiet hours
//    "digest": {"every_minutes": 1440, "at": "08:00"},
//    "events": {"order.filled": {"all": "digest", "chn_…": "now"}}}
// What is said of a channel comes before what is said of all; what is not said is as the table of events has it, but that SMS get
// nothing that is not critical unless somebody wants it. Quiet hours hold back what is not critical until they are over; what was held goes out
// as one. They do not hold back webhooks: programs do not sleep.
#pragma once
#include "base/status.h"
#include "notice/event.h"

#include <stdint.h>

#define NOTICE_DIGEST_MIN 15    // minutes
#define NOTICE_DIGEST_MAX 1440

struct notice_rules;
// preferences NULL: as nobody has said anything. ERR_INVALID: begins with the JSON pointer of what is wrong, "/quiet/from: …". ERR_NOMEM.
enum status notice_rules_create(const json_t *preferences, struct notice_rules **ret, struct err *err) MUST_CHECK;
void notice_rules_destroy(struct notice_rules *r);

struct notice_decision {
  enum notice_mode mode;
  int64_t at_ns;   // when it is to go: now_ns, the end of quiet hours, the time of the next digest
};
// channel: its id as clients see it.
struct notice_decision notice_decide(const struct notice_rules *r, enum notice_event e, enum notice_kind kind, const char *channel, int64_t now_ns);
// Whether it goes anywhere at all: on a channel of that kind.
bool notice_wanted(const struct notice_rules *r, enum notice_event e, enum notice_kind kind, const char *channel);

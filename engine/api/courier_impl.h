// api/courier_impl.h – private to courier*.c.
#pragma once
#include "api/courier.h"
#include "api/notices.h"
#include "base/buf.h"
#include "net/http_client.h"
#include "notice/render.h"

struct loop_timer;
struct snapshot;
struct tls_client;

#define COURIER_TEXT_MAX 1024
#define COURIER_REACH_MAX 16
#define COURIER_AT_ONCE 16        // requests under way
#define COURIER_SAYING_MAX 64
#define COURIER_WAITING_MAX 1000  // of a channel; what is critical has a place always
#define NS_PER_MS INT64_C(1000000)

// A channel with something to do.
struct lane {
  struct lane *next;
  int64_t channel_id, next_ns, hold_ns;  // hold_ns: nothing before (429, limits of the kind)
  bool busy;
};

struct courier_settings {
  char telegram_url[COURIER_TEXT_MAX], telegram_token[COURIER_TEXT_MAX], telegram_name[80];
  char sms_url[COURIER_TEXT_MAX], sms_body[COURIER_TEXT_MAX], sms_auth[COURIER_TEXT_MAX];
  char ca_file[COURIER_TEXT_MAX];
  struct address_range ranges[COURIER_REACH_MAX];
  struct notice_reach reach;
  int64_t percent;
};

struct parcel;
struct saying;

#define WANTED_SLOTS 1024
struct wanted {
  int64_t tenant_id, until_ns;
  uint64_t events;  // bit per enum notice_event
};

struct courier {
  struct api_core *core;
  struct loop_timer *timer;
  struct courier_settings s;
  struct tls_client *tls;      // made when first needed
  struct lane *lanes;
  struct parcel *parcels;      // under way
  struct saying *sayings;
  int under_way, sayings_count;
  unsigned writes;             // on their way to the disk
  bool planning, fetching, leaving, refused;  // refused: a provider refuses us, nothing has gone through since
  int64_t swept_ns;
  struct wanted *wanted;
  uint64_t planned, folded, sent, later, failed, disabled;
};
_Static_assert(NOTICE_EVENT_COUNT <= 64, "events are bits of a word");

// courier.c
struct lane *courier_lane(struct courier *c, int64_t channel_id, int64_t next_ns);  // there is something to do then; NULL: no memory
void courier_lane_over(struct courier *c, int64_t channel_id);  // one thing is over: when is the next?

// courier_fetch.c: what bots left in the journal becomes notices.
void courier_fetch(struct courier *c);

// courier_plan.c: decides about open notices and storms, when there are any.
void courier_plan(struct courier *c);

// courier_send.c: what is due on a lane. False: nothing was begun.
bool courier_send(struct courier *c, struct lane *lane);
void courier_parcels_drop(struct courier *c);

// courier_word.c: an HTTP request of ours. key NULL: not signed; before: the key before it, or NULL.
struct courier_letter {
  enum notice_kind kind;
  const char *address, *id;        // id: webhook-id
  const uint8_t *key, *before;
  const char *body;
  size_t len;
};
enum status courier_post(struct courier *c, const struct courier_letter *letter, http_client_done done, void *arg, struct http_client **ret, struct err *err) MUST_CHECK;
// What an answer (NULL: none, why) means. ret_retry_s: −1: not asked. ret_detail: words for the log.
enum notice_outcome courier_judge(enum notice_kind kind, const struct http_client_answer *answer, const char *why, int64_t *ret_retry_s, char ret_detail[NOTICE_REASON_SIZE]);
void courier_sayings_drop(struct courier *c);

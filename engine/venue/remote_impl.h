// venue/remote_impl.h – inside of sites and sessions.
//   remote_site.c     sites: clock, budgets, who waits           remote_session.c  a session's life
//   remote_call.c     one question: budget, signature, answer     remote_stream.c   its private streams
//   remote_ops.c      struct venue_ops on top of calls            remote_public.c   questions without a key
//   remote_warm.c     ready for the next order                     remote_limits.c   budgets, and what answers say of them
#pragma once
#include "base/json.h"
#include "loop/loop.h"
#include "net/http_pool.h"
#include "script/dialect.h"
#include "venue/budget.h"
#include "venue/remote.h"
#include "venue/remote_life.h"
#include "venue/venue_clock.h"

#define REMOTE_NS_OF_MS INT64_C(1000000)
#define REMOTE_LINGER_MS 60000  // a request without an expiry may arrive this late

struct remote_call;
struct remote_session;

// What a venue counts of one address or of one key: remote_limits.c's.
#define REMOTE_BUDGETS_MAX (2 * DIALECT_BUDGETS_MAX)  // also of a dialect that was replaced
#define REMOTE_OWNER_MAX (DIALECT_NAME_MAX + DIALECT_URL_MAX + 40)
struct remote_budget { char name[DIALECT_NAME_MAX]; struct budget budget; };
struct remote_budgets {
  struct remote_budgets *next;
  char owner[REMOTE_OWNER_MAX];
  unsigned users;
  int64_t left_ms;                   // used last
  int count;
  struct remote_budget list[REMOTE_BUDGETS_MAX];
};

struct remote_site {
  struct loop *loop;
  struct http_pool *pool;
  struct tls_client *tls;
  struct dialect *dialect;
  char environment[DIALECT_NAME_MAX], category[DIALECT_NAME_MAX];
  char rest[DIALECT_URL_MAX], private_ws[DIALECT_URL_MAX], public_ws[DIALECT_URL_MAX];  // of a simulated exchange; "": the dialect's
  char base[DIALECT_URL_MAX];
  bool plain;
  int64_t timeout_ms, retry_ms, rights_ms;
  struct venue_clock clock;
  unsigned samples;                  // of the synchronisation under way
  bool syncing;
  int64_t sync_ms, sync_tried_ms;    // next one; last time it was begun
  struct { unsigned most, most_before; int64_t since_ms, run_ns; } warm;  // remote_warm.c
  struct remote_limits *limits, *own_limits;  // own: nobody gave it any
  struct remote_budgets *by_ip;
  struct remote_call *first, *last;  // wait for a budget, or for their time
  struct remote_call *open_calls;    // those without a session
  struct loop_timer *pump, *tick;
  int64_t pump_ms;                   // when the pump is due; 0: it is not
  struct remote_session *sessions;
  void (*log)(void *arg, const char *text);
  void *log_arg;
};

enum remote_step { REMOTE_STEP_CLOCK, REMOTE_STEP_KEY, REMOTE_STEP_STREAMS, REMOTE_STEP_UP };

// An order's request before it may be sent.
#define REMOTE_AHEAD_MAX 4
struct remote_made {
  json_t *args;
  struct dialect_request request;
  int64_t at_ns;                     // monotonic
};

struct remote_link;
struct remote_session {
  struct remote_session *next;
  struct remote_site *site;
  char label[64];
  char *key, *secret, *passphrase;
  bool read_only, no_streams, probe;
  const struct venue_events *events;
  void *self;
  enum venue_state state;
  enum remote_step step;             // of CONNECTING
  char why[VENUE_TEXT_MAX];
  bool key_checked;
  int64_t rights_at_ms;              // when the key is to be looked at again
  struct remote_budgets *by_key;
  struct remote_call *calls;
  struct remote_link *links;
  struct loop_timer *timer;          // the next try; while connecting: its end; then the next look at the key
  unsigned tries;
  int64_t up_ms;
  struct remote_made ahead[REMOTE_AHEAD_MAX];  // remote_warm.c; in the order in which they were signed
  unsigned ahead_count;
  unsigned inside;                   // calls of ours that may tell the owner something
  bool dead;
};

// ---- calls

struct remote_call {
  struct remote_call *next;              // among those that wait
  struct remote_call *all_next, **all_at;
  struct remote_site *site;
  struct remote_session *session;        // NULL: a question without a key
  enum dialect_op op;
  enum budget_rank rank;
  json_t *args;
  struct dialect_request request;
  bool once;                             // is sent at most once, whatever comes of it
  bool is_signed;                          // the request is
  bool waiting, sent, dead;
  unsigned tries, pages;
  int64_t not_before_ms, give_up_ms;     // by the loop's clock
  int64_t sent_ns, heard_ns;             // monotonic
  struct http_pool_call *http;
  struct loop_task later;
  struct venue_reply reply;              // the outcome
  json_t *rows;                          // of ACCEPTED: what the dialect made of it; lists of all pages
  void (*done)(struct remote_call *c);   // the call is gone when it returns
  void (*fn)(void);                      // the caller's, for done
  void *arg;
};
// Always gives a call, or, without memory, NULL after having said nothing: what cannot be done shows in done. args is the call's.
struct remote_call *remote_call_begin(struct remote_site *site, struct remote_session *session, enum dialect_op op, json_t *args,
  void (*done)(struct remote_call *c));
// Instead of beginning: done comes later with NOT_SENT and why.
struct remote_call *remote_call_refuse(struct remote_site *site, struct remote_session *session, enum venue_why why, const char *text,
  void (*done)(struct remote_call *c));
void remote_call_cancel(struct remote_call *c);
// Those that wait get their turn, as far as budgets allow.
void remote_call_pump(struct remote_site *site);

// ---- sites

struct dialect_env remote_env(struct remote_site *site);
void remote_log(const struct remote_site *site, const struct remote_session *session, const char *fmt, ...) PRINTF(3, 4);
void remote_sync(struct remote_site *site);
const char *remote_rest(const struct remote_site *site);  // scheme and host

// ---- budgets

// key NULL: those of our address. Shared by all who ask for the same.
enum status remote_budgets_get(struct remote_site *site, const char *key, struct remote_budgets **ret, struct err *err) MUST_CHECK;
void remote_budgets_put(struct remote_site *site, struct remote_budgets *b);
// As a dialect says from now on.
enum status remote_budgets_meet(struct remote_budgets *b, const struct dialect_info *info, enum dialect_by by, int64_t now_ms, struct err *err) MUST_CHECK;
// Those that a request counts in: its own and "all", each by key or by address.
unsigned remote_budgets_of(const struct remote_call *c, struct budget *ret[REMOTE_BUDGETS_MAX]);
void remote_throttled(const struct remote_call *c, const struct http_client_answer *a);
void remote_peace(const struct remote_call *c, const struct http_client_answer *a);

// ---- sessions

struct dialect_secret remote_secret(const struct remote_session *s);
// Copies text with everything that is the session's secret taken out, and control characters too. session may be NULL.
void remote_scrub(const struct remote_session *s, const char *text, char *ret, size_t size);
// Around anything that may call the owner, who may destroy the session: false when it is gone.
void remote_enter(struct remote_session *s);
bool remote_leave(struct remote_session *s);
// What happened to it. why: for people.
void remote_session_event(struct remote_session *s, enum remote_event event, const char *why);
// The clock was asked for; true: it waited for that, and may be gone now.
bool remote_session_clocked(struct remote_session *s, bool good);
extern const struct venue_ops remote_ops;
void remote_session_destroy(void *self);

// ---- ready for the next order

void remote_brace(void *self, unsigned orders);                  // venue_ops
void remote_ahead(void *self, const struct venue_place *p);       // venue_ops
// The request for an order with these arguments, signed, if it was made a moment ago and nothing was signed behind it: into *ret, which is the caller's.
bool remote_ahead_take(struct remote_session *s, const json_t *args, struct dialect_request *ret);
void remote_ahead_drop(struct remote_session *s);                 // all of them
void remote_warm_tick(struct remote_site *site);  // every second: connections of sessions that trade are open

// ---- streams

void remote_streams_open(struct remote_session *s);
// Asks what happened to the order of an event, and tells the owner.
void remote_hint(struct remote_session *s, const json_t *event);
void remote_streams_close(struct remote_session *s);

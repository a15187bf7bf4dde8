// venue/remote.h – venues behind HTTP and WebSocket, spoken to by a dialect (script/dialect.h).
//
// A site is one venue in one environment: what its sessions share – the dialect, the clock, the budgets of our address. A session is
// one key there: it implements struct venue. Life: clock, key, private streams, then RECONCILING until the owner has compared, then
// READY (venue/remote_life.h). A lost stream or a gap begins anew by itself; wrong credentials do not.
//
// Trade requests are sent at most once. Reads are repeated a few times. Neither secrets nor signatures nor login frames are ever part
// of a text that is made here; what a venue says is scrubbed of them before it is passed on.
//
// All on the loop's thread.
#pragma once
#include "venue/venue.h"

struct dialect;
struct dialect_info;
struct http_pool;
struct loop;
struct remote_call;
struct remote_limits;
struct remote_site;
struct tls_client;

struct remote_site_options {
  struct loop *loop;
  struct http_pool *pool;
  struct tls_client *tls;      // whom we trust
  struct remote_limits *limits;  // budgets shared with other sites (venue/remote_limits.h), which outlive it; NULL: its own
  struct dialect *dialect;     // the site's from then on, also when creating fails
  const char *environment;     // "testnet"; NULL: the dialect's first
  const char *category;        // "linear"; NULL: the dialect's first
  // A simulated exchange instead of the environment's hosts: "http://127.0.0.1:1234"; streams go to the same host by ws://, with the
  // paths of the environment. NULL: none. An operator's setting, never a customer's: it decides who sees signed requests.
  const char *url;
  int64_t timeout_ms;          // of one request; 0: 10,000
  int64_t rights_ms;           // how often a key is asked again what it may do, where the venue tells; 0: an hour
  int64_t retry_ms;            // the first wait before a question is asked again and before connecting again; they double. 0: 250
  void (*log)(void *arg, const char *text);  // one line; NULL: nobody listens
  void *log_arg;
};
// ERR_INVALID: no such environment or category, or a URL that is none.
enum status remote_site_create(const struct remote_site_options *options, struct remote_site **ret, struct err *err) MUST_CHECK;
// After its sessions. NULL does nothing.
void remote_site_destroy(struct remote_site *site);
// The next call uses the new one; it is the site's, the old one is destroyed. ERR_INVALID: without the site's environment or category, then the
// old one stays and d is destroyed.
enum status remote_site_reload(struct remote_site *site, struct dialect *d, struct err *err) MUST_CHECK;
const struct dialect_info *remote_site_info(const struct remote_site *site);
const char *remote_site_category(const struct remote_site *site);
// The venue's clock, and whether an answer of the venue has set it.
int64_t remote_site_now_ns(struct remote_site *site, bool *ret_known);

struct remote_credentials {    // copied; NULL: not given
  const char *key, *secret, *passphrase;
};
struct remote_session_options {
  const char *label;           // of log lines: "account 12"
  struct remote_credentials credentials;
  bool read_only;              // a key that may not trade will do: balances of an account without bots
  bool no_streams;             // questions only: RECONCILING once clock and key are known, and nothing to compare
  bool probe;                  // it is asked about the key itself: rights are the caller's to judge, and no order is ever placed
};
// Begins by itself; the first state comes after this has returned. ret->ops->destroy ends it.
enum status remote_session_create(struct remote_site *site, const struct remote_session_options *options, const struct venue_events *events,
  void *self, struct venue *ret, struct err *err) MUST_CHECK;

// ---- questions without a key

typedef void (*remote_instruments_fn)(void *arg, const struct venue_reply *r, const struct venue_instrument *list, size_t count);
typedef void (*remote_klines_fn)(void *arg, const struct venue_reply *r, const struct venue_kline *list, size_t count);
// done comes once, later, unless the site is destroyed before, or the call is cancelled (venue/remote_impl.h). symbol NULL: all.
struct remote_call *remote_site_instruments(struct remote_site *site, const char *symbol, remote_instruments_fn done, void *arg);
// In rising order of time whatever the venue's own is; limit 0: as many as the venue gives at once.
struct remote_call *remote_site_klines(struct remote_site *site, const char *symbol, const char *timeframe, int64_t since_ms, int64_t until_ms, int limit,
  remote_klines_fn done, void *arg);

// api/venue_desk.h – sessions of accounts at venues: which dialect, which environment, whose credentials.
//
// A site is a venue in one environment (venue/remote.h), made at its first use and kept. An account's settings say where it trades:
// `environment` (testnet when absent), `category` (the dialect's first when absent), and that its owner knows what live means. Credentials are read out of the vault when a session
// is made and nowhere else. An operator may put a simulated exchange in the place of a venue's hosts (serve --venue-url), for all.
//
// A dialect that is activated is the sites' within a second (venue_desk_look), sessions and what they have under way go on.
#pragma once
#include "base/json.h"
#include "store/vault_rows.h"
#include "venue/remote.h"

struct api_core;
struct snapshot;
struct venue_desk;
struct hub_feed_config;
struct hub_remote;

struct venue_desk_options {
  const char *const *urls;  // "bybit=http://127.0.0.1:9500"; ends with NULL; NULL: none
  const char *ca_file;      // whom outgoing TLS trusts; NULL: the system's
};
enum status venue_desk_create(struct api_core *core, const struct venue_desk_options *options, struct venue_desk **ret, struct err *err) MUST_CHECK;
// After all sessions. NULL does nothing.
void venue_desk_destroy(struct venue_desk *d);

// Now and then: what was activated meanwhile is taken.
void venue_desk_look(struct venue_desk *d);

struct venue_desk_wish {
  bool read_only;           // a key that may not trade will do
  bool no_streams;          // questions only
  bool probe;               // about the key itself (venue/remote.h)
};
// The account's session, with its credentials of this moment. ERR_NOTFOUND: no such account, no dialect for its venue, or a credential is
// missing, by name; ERR_INVALID: its environment is none of the venue's; live trading was not agreed to.
enum status venue_desk_session(struct venue_desk *d, int64_t tenant_id, int64_t account_id, const struct venue_desk_wish *wish,
  const struct venue_events *events, void *to, struct venue *ret, struct err *err) MUST_CHECK;

// A feed of a venue's own market data (hub_config.remote); it ends before the desk. ERR_NOTFOUND: no dialect for it; ERR_INVALID: no such environment
// or category.
enum status venue_desk_feed(struct venue_desk *d, const struct hub_remote *want, struct hub_feed_config *ret, struct err *err) MUST_CHECK;

// Settings of an account at a venue, beside its limits. ERR_INVALID begins with the JSON pointer: "/environment: …".
// Any thread: scripts is held by the caller (plans_hold).
enum status venue_desk_settings_check(const struct snapshot *scripts, const char *venue, const json_t *settings, struct err *err) MUST_CHECK;
// Is there a dialect for it?
bool venue_desk_knows(const struct snapshot *scripts, const char *venue);

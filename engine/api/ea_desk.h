// api/ea_desk.h – accounts at terminals of MetaTrader: who shows a token and signs with its secret speaks for an account; its bridge
// (ea/bridge.h) is the account's venue. Links and commands are rows (store/ea_rows.h); secrets are a sealed field of the account.
#pragma once
#include "api/call.h"
#include "ea/bridge.h"
#include "ea/protocol.h"
#include "store/ea_rows.h"
#include "store/vault_rows.h"

struct ea_desk;
struct venue_desk_wish;
struct hub_remote;
struct hub_feed_config;

#define EA_SECRET_FIELD "ea_secret"
#define EA_VENUE_MT4 "mt4-ea"
#define EA_VENUE_MT5 "mt5-ea"
#define EA_TOKEN_BYTES 32
#define EA_TOKEN_SIZE 44        // base64url, NUL included

bool ea_venue(const char *venue);  // is it a terminal's?
// ERR_INVALID begins with the JSON pointer, as venue_desk_settings_check's.
bool ea_environment_ok(const char *environment);

enum status ea_desk_create(struct api_core *core, struct ea_desk **ret, struct err *err) MUST_CHECK;
void ea_desk_destroy(struct ea_desk *d);  // after all sessions; NULL does nothing
// The account's session, whether its terminal has come or not.
enum status ea_desk_session(struct ea_desk *d, const struct account_row *account, const struct venue_desk_wish *wish, const struct venue_events *events, void *to, struct venue *ret, struct err *err) MUST_CHECK;
// The market of an account's own terminal (ea/feed.h): its name in the hub; is one such a name; its feed. False: there is no room for the name.
bool ea_desk_market(const char *venue, int64_t account_id, char *ret, size_t ret_size);
bool ea_desk_sells(const char *market);
enum status ea_desk_feed(struct ea_desk *d, const struct hub_remote *want, struct hub_feed_config *ret, struct err *err) MUST_CHECK;
// Token, login or hook are others now, or the account is gone: read anew with the next request.
void ea_desk_forget(struct ea_desk *d, int64_t account_id);

// In a write: a token and a secret for an account, shown this once. ret: {"token", "secret", "path"}, a new reference.
enum status ea_keys_make(struct api_call *call, struct db *db, int64_t account_id, json_t **ret) MUST_CHECK;
// How its terminal does, as its owner sees it. New reference.
json_t *ea_link_json(struct api_core *core, const struct ea_link_row *row);

// A terminal that has shown its token, and whose request is signed.
struct ea_client {
  int64_t account_id, tenant_id, hook_id;
  char venue[ACCOUNT_VENUE_SIZE], login[EA_LOGIN_SIZE], server[EA_SERVER_SIZE];
  char secret[EA_SECRET_SIZE];
  struct ea_numbers numbers;
  struct ea_bridge *bridge;
  struct api_call *held;        // its poll, which waits for a command; NULL: none
};
// A poll is to be answered later: when a command waits, after wait_ms, or when another comes. Returns what the handler returns. resume is the phase that goes on.
enum status ea_desk_hold(struct ea_desk *d, struct ea_client *client, struct api_call *call, int64_t wait_ms, api_phase resume) MUST_CHECK;
// The one that is held goes on, if there is one. Not from within its handler.
void ea_desk_release(struct ea_desk *d, struct ea_client *client);
// ERR_NOTFOUND: nobody's token; ERR_INVALID: its secret cannot be opened. Valid until the loop's next turn.
enum status ea_desk_client(struct ea_desk *d, const char *token, struct ea_client **ret, struct err *err) MUST_CHECK;
struct ea_client *ea_desk_by_account(struct ea_desk *d, int64_t account_id);  // NULL: nobody has come for it

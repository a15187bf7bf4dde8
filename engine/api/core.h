// api/core.h – private to api/: what all handlers share.
#pragma once
#include "api/call.h"
#include "api/metrics.h"
#include "api/stream.h"
#include "tenant/rate.h"

struct ea_desk;
struct halt_desk;
struct loop;

#define STANDINGS 1024

// What is made once and given to all as it is.
struct api_document {
  char *text;  // NULL: not made yet
  size_t len;
  char etag[24];
};

struct api_core {
  struct api_table *table;
  api_handler *handlers;  // by index of route
  struct metrics *metrics;
  struct stream_hub *hub;
  struct loop *loop;
  struct store *store;
  struct api_document openapi, reference, templates;  // the latter two: script_docs.c
  const char *version;
  const char *const *origins;  // CORS: allowed origins; ends with NULL
  bool check_answers;     // every answer is checked against its schema; one that does not fit becomes a 500
  struct standing_entry *standings;  // auth_resolve.c
  struct bot_owner {
    int64_t bot_id, tenant_id;
  } *owners;              // live_link.c
  struct known_user *known_users;    // me.c
  struct rate_table *rates;
  int64_t rate_percent;   // of the usual limits; 0: none
  uint8_t cursor_secret[CURSOR_KEY_BYTES];
  uint8_t seal_key[32];   // of answers kept for idempotency
  struct idem_state *idem;  // keys under way
  struct jobs *jobs;
  struct system_watch *system;  // admin_system.h; NULL likewise
  struct replays *replays;  // of bots' runs (replays.h); NULL without the service
  struct why *whys;         // bots_why.c: under way
  struct services *services;
  struct mailer *mailer;
  struct courier *courier; // notices on their way (courier.h); NULL in commands that work without the service
  struct registry *registry;
  struct usage *usage;
  struct market_watch *watch;  // live bars that somebody watches; NULL likewise
  struct live *live;      // running bots; NULL in commands that work without the service
  struct account_watch *accounts;  // balances and tests of accounts at venues; NULL likewise
  struct venue_desk *venues;  // sessions of accounts; NULL likewise
  struct ea_desk *eas;        // terminals of accounts (ea_desk.h); NULL likewise
  struct signal_desk *desk;   // signals that hooks accepted (signal_desk.h); NULL likewise
  struct telegram *telegram;  // what chats say (telegram.h); NULL likewise
  const struct halt_desk *halts;  // the kill switch (bot/halt_file.h); NULL likewise
  struct identity *identity;
  uint8_t csrf_key[32];
  void (*log)(void *arg, const char *line, size_t len);  // one JSON object without the line's end
  void *log_arg;
  struct buf log_lines;   // gathered: a write per line would cost more than most requests
  bool log_gathers;
  int log_level;          // enum api_log_level: what is below is not written
  unsigned calls;         // under way
  bool draining;          // the server is stopping: /ready says so
};

extern const struct stream_port api_ws_port;        // server.c
extern const struct stream_rules api_stream_rules;  // auth_resolve.c; arg is the core

// call.c: what every answer carries, and how a request is called in logs and answers.
#define API_STANDARD_FIELDS 4
extern const struct api_field_text { const char *name, *value; } api_standard_fields[API_STANDARD_FIELDS];
void api_request_id(char out[24]);

// documents.c. Takes the tree; NULL: memory ran out.
enum status api_document_make(json_t *tree, struct api_document *ret, struct err *err) MUST_CHECK;
void api_document_finish(struct api_document *d);
// 200, or 304 to who has it. cache: the value of Cache-Control.
enum status api_document_answer(struct api_call *call, const struct api_document *d, const char *cache);

// Steps of call.c that live in files of their own.
// auth_resolve.c: PROBLEM_NONE and call->who, or why not. Reads the store; changes nothing.
enum problem api_authenticate(struct api_call *call);
enum problem api_permit(struct api_call *call);
// The console's cookie, and what its changes must carry.
#define API_COOKIE "__Host-perigee"
#define API_REFRESH_COOKIE "__Host-perigee-refresh"
#define API_DEVICE_COOKIE "__Host-perigee-device"
const char *api_cookie(const struct api_call *call, const char *name, size_t *ret_len);  // NULL without it
// Whom a Cookie field (may be NULL) stands for, with the roles of now. False: nobody, or nobody any more.
bool api_cookie_who(struct api_core *core, const char *cookies, struct api_who *ret);
void api_csrf_token(const struct api_core *core, int64_t session_id, char ret_token[44]);
// limits.c
enum problem api_rate(struct api_call *call);
// Takes one of what who (len bytes) may do of a class in a minute; both counts are scaled by rate_percent.
struct rate_result api_rate_take(struct api_core *core, const char *class, const void *who, size_t len, int64_t per_minute, int64_t burst);
bool api_guess_allowed(struct api_core *core, const char *address);  // of credentials, from there
void api_guess_failed(struct api_core *core, const char *address);
// idem.c: true when the call goes on; false when the answer is set (a replay, a mismatch).
bool idem_begin(struct api_call *call);
enum status idem_store(struct api_call *call, struct db *db);  // in the write that decides the answer
void idem_end(struct api_call *call);

// Ends a phase: sends the answer, if there is one and nothing is pending.
void api_finish(struct api_call *call, enum status st);
// The answer's body as text, from out; true when there is one.
bool api_render(struct api_call *call);

// admin_users.c
struct user_row;
json_t *admin_user_json(const struct user_row *row);
// backtests.c: runs again what a former process left unfinished.
enum status backtests_resume(struct api_core *core, struct err *err) MUST_CHECK;

// By the names of logs: "info", "warning", "error".
enum api_log_level { API_LOG_INFO, API_LOG_WARNING, API_LOG_ERROR };
int api_log_level(const char *name);
// One log line: {"ts","level","event", …}. extra may be NULL; taken.
void api_log(struct api_core *core, const char *level, const char *event, json_t *extra);
// Lines about requests wait for at most LOG_MS, or for 32 KiB; anything worse than "info" is written at once.
#define LOG_MS 100
void api_log_flush(struct api_core *core);

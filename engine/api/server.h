// api/server.h – the API on the network: what `perigee serve` composes, and what commands use when no server runs.
#pragma once
#include "base/status.h"
#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api_core;
struct api_server;
struct console;
struct http_server;
struct loop;
struct store;
struct tls_server;

// How notices leave (api/courier.h). Texts need not outlive the making of the core.
struct api_notices {
  const char *telegram_url;    // of the Bot API; NULL: https://api.telegram.org
  const char *telegram_token;  // of the bot; NULL: no channels on Telegram
  const char *telegram_name;   // of the bot, without @, for who must start it; may be NULL
  const char *sms_url;         // of the SMS provider; NULL: no SMS
  const char *sms_body;        // template (notice/render.h); NULL: {"to":"{to}","text":"{text}"}
  const char *sms_auth;        // the value of Authorization; NULL: none
  const char *const *reach;    // ranges that channels' URLs may lead to though not public; ends with NULL; may be NULL
  const char *ca_file;         // PEM: who may vouch for receivers; NULL: whom the system trusts
  int percent;                 // of the times between attempts, of storms, of giving up, of a channel's rate; 0: 100
};

// What the core works with. All of it outlives the core. Keys and mail are kept below the store's directory.
struct api_config {
  struct loop *loop;
  struct store *store;
  const char *version;
  const char *site_url;        // "https://perigee.example", without a slash at the end; NULL: nobody said, links go to own_url
  const char *own_url;         // where this process listens, likewise; NULL: http://localhost:8080
  const char *product;         // in mail and authenticator apps; NULL: "Perigee"
  const char *mail;            // "dir:PATH": a file per mail; or a server's URL (net/smtp.h); NULL: dir:outbox below the store's directory
  const char *mail_from;       // the sender's address; NULL: no-reply at site_url's host
  const char *mail_password;   // instead of one in the URL; need not outlive the making of the core
  const char *mail_ca;         // PEM: who may vouch for the mail server; NULL: whom the system trusts
  struct api_notices notices;
  const char *edition;         // NULL: the one loaded last
  bool require_verified;       // nobody signs in before their mail address is verified
  bool closed;                 // only operators make users
  const char *exe;             // this program, absolute: children for backtests and proofs; NULL: none, and those routes say unavailable
  const char *const *origins;  // CORS and WebSocket origins beside our own; ends with NULL; may be NULL
  int rate_percent;            // of the usual rate limits; 0: 100; negative: no limits
  const char *log_level;       // "info", "warning" or "error": what is less is not logged; NULL: info
  bool check_answers;          // for tests: an answer that is not documented becomes a 500
  void (*log)(void *arg, const char *lines, size_t len);  // JSON objects, one a line, without the last line's end; may be NULL
  void *log_arg;
};

enum status api_core_create(const struct api_config *config, struct api_core **ret, struct err *err) MUST_CHECK;
// Takes over what may change while the service runs: origins, rate_percent, log_level, require_verified, closed, mail and what
// belongs to it, edition; and reads the key files again (*ret_keys: there were others). On the loop. When something is wrong it
// says what, and the settings stay as they were, but for those before it in this order: mail, edition, keys.
enum status api_core_reload(struct api_core *core, const struct api_config *config, bool *ret_keys, struct err *err) MUST_CHECK;
// A line in the log about something outside of the API; fields: name, value pairs that end with NULL.
void api_core_log(struct api_core *core, const char *level, const char *event, const char *const *fields);
// Running bots: feeds, hosts, recovery. Once, before listening; commands that work without the service leave it out.
struct api_live {
  const char *exe;           // this program, absolute: for the hosts
  int hosts;                 // 0: as many as there are processors, at most 8
  const char *const *feeds;  // "VENUE=TEXT" (bot/hub.h); ends with NULL
  const char *const *venue_urls;  // "VENUE=URL" of simulated exchanges (api/venue_desk.h); ends with NULL; may be NULL
  const char *venue_ca;      // whom connections to venues trust; NULL: the system's
  int parity_hour;           // of the day, UTC, from which each bot's run is checked; −1: never
};
enum status api_core_live(struct api_core *core, const struct api_live *config, struct err *err) MUST_CHECK;
// When no call is under way: after the server stopped.
void api_core_destroy(struct api_core *core);

struct api_listen {
  const char *const *addresses;  // "127.0.0.1:8080" …; ends with NULL
  struct tls_server *tls;        // may be NULL: plain
  const char *unix_path;         // may be NULL
  const struct address_range *proxies;  // whose X-Forwarded-* count
  size_t proxy_count;
  struct console *console;  // who asks for a path that is no API route gets its files (api/console.h); NULL: none. Outlives the server
};

enum status api_server_create(struct api_core *core, const struct api_listen *listen, struct api_server **ret, struct err *err) MUST_CHECK;
// The port of the i-th address, for port 0.
uint16_t api_server_port(const struct api_server *server, size_t i);
// From now on /ready says 503; requests under way are answered; then stopped(arg).
void api_server_stop(struct api_server *server, int64_t grace_ms, void (*stopped)(void *arg), void *arg);
void api_server_replace_tls(struct api_server *server, struct tls_server *tls);
// After `stopped`.
void api_server_destroy(struct api_server *server);

// The same API without sockets, as the operator: for commands when no server runs. body may be NULL; fields is a list of
// name, value pairs that ends with NULL, or NULL. Turns the loop until the answer is there. *ret_body is malloc'ed, NUL-terminated.
enum status api_dispatch_local(struct api_core *core, const char *method, const char *target, const char *body, const char *const *fields, int *ret_status,
                               char **ret_body, struct err *err) MUST_CHECK;

// Publishes an event to the subscribers of a channel; on the loop. data is JSON text or NULL.
void api_publish(struct api_core *core, const char *channel, const char *type, const char *data);

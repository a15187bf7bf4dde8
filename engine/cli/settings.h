// cli/settings.h – what `perigee serve` can be told: by flag, by environment variable or in a file, from one table.
//
// A flag beats the environment, which beats the file, which beats the default. The file has a line `name = value` per setting,
// names as the flags without dashes in front; # begins a comment. Lists are separated by commas (feeds, which contain them, by blanks), or given several times.
#pragma once
#include "base/status.h"
#include "cli/cli.h"

#include <stdbool.h>
#include <stdint.h>

#define SETTINGS_LIST_MAX 16
#define SETTINGS_TEXT_MAX 512

struct settings_list {
  char text[SETTINGS_LIST_MAX][SETTINGS_TEXT_MAX];
  const char *items[SETTINGS_LIST_MAX + 1];  // ends with NULL
  int count;
};

struct settings {
  char config[SETTINGS_TEXT_MAX];    // "": DIR/perigee.conf where it exists
  char data_dir[SETTINGS_TEXT_MAX];
  struct settings_list listen;       // "127.0.0.1:8080"
  char tls_cert[SETTINGS_TEXT_MAX], tls_key[SETTINGS_TEXT_MAX];  // both or none
  struct settings_list origins;      // CORS, beside our own
  struct settings_list venue_urls;   // "VENUE=URL": simulated exchanges (api/venue_desk.h)
  char venue_ca[SETTINGS_TEXT_MAX];
  char console_dir[SETTINGS_TEXT_MAX];  // the consoles' files; "": those in the binary
  struct settings_list feeds;        // "VENUE=TEXT" of market data (bot/hub.h)
  int64_t hosts;                     // processes for scripts; 0: by processors
  int64_t parity_hour;               // of the nightly check, UTC; −1: none
  struct settings_list proxies;      // address ranges whose X-Forwarded-* count
  char public_url[SETTINGS_TEXT_MAX];  // in mails
  char edition[SETTINGS_TEXT_MAX];   // whose tiers are active
  char mail[SETTINGS_TEXT_MAX];      // "dir:PATH" or a mail server's URL (net/smtp.h)
  char mail_from[SETTINGS_TEXT_MAX], mail_password_file[SETTINGS_TEXT_MAX], mail_ca[SETTINGS_TEXT_MAX];
  char telegram_token_file[SETTINGS_TEXT_MAX], telegram_name[SETTINGS_TEXT_MAX], telegram_url[SETTINGS_TEXT_MAX];
  char sms_url[SETTINGS_TEXT_MAX], sms_body[SETTINGS_TEXT_MAX], sms_auth_file[SETTINGS_TEXT_MAX], notice_ca[SETTINGS_TEXT_MAX];
  struct settings_list notice_reach; // ranges that channels' URLs may lead to
  int64_t notice_percent;            // of the times between attempts
  char log_level[SETTINGS_TEXT_MAX]; // "info", "warning", "error"
  int64_t rate_percent;              // of the usual rate limits; 0: none
  int64_t grace_ms;                  // to finish requests at the end
  bool demo, require_verified, closed;
};

// The flags, for the command's table; ends with name NULL.
extern const struct cli_option settings_options[];

// Reads flags, environment, file. An error names the flag, the variable or file:line, and a near name for one that is misspelt.
enum status settings_read(const struct cli_args *args, struct settings *ret, struct err *err) MUST_CHECK;
// Takes over from fresh what may change while the service runs. ret_changed and ret_restart get the names of what changed and was
// taken over, and of what changed but needs a restart; apart by ", ".
#define SETTINGS_NAMES_MAX 512
void settings_take_live(struct settings *now, const struct settings *fresh, char ret_changed[SETTINGS_NAMES_MAX], char ret_restart[SETTINGS_NAMES_MAX]);
// A line on standard error for each variable that looks like a setting misspelt; other programs' PERIGEE_… pass.
void settings_warn_of_environment(void);

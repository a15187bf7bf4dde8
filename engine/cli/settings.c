// cli/settings.c – see settings.h.
#include "cli/settings.h"

#include "base/buf.h"
#include "base/suggest.h"
#include "bot/hub.h"
#include "cli/data_dir.h"
#include "net/address.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { TEXT, LIST, WORDS, NUMBER, FLAG };  // WORDS: a list whose entries may hold commas
// Whether SIGHUP is enough for a change. WHERE_SET: from one value to another, but not from or to none.
enum when { RESTART, LIVE, LIVE_WHERE_SET };

struct setting {
  const char *name, *variable;  // the flag without its dashes
  enum kind kind;
  size_t offset;
  enum when when;
  int64_t min, max;
  enum status (*check)(const char *value, struct err *err);  // of a text or a list's entry; may be NULL
};

// What would otherwise come to light only after the data directory was made.
static enum status check_listen(const char *value, struct err *err) {
  struct address address;
  return address_parse_listen(value, &address, err);
}

static enum status check_range(const char *value, struct err *err) {
  struct address_range range;
  return address_range_parse(value, &range, err);
}

// scheme://host[:port], then what may follow.
static bool is_url(const char *value, const char **ret_rest) {
  size_t scheme = strncmp(value, "https://", 8) == 0 ? 8 : strncmp(value, "http://", 7) == 0 ? 7 : 0;
  size_t host = scheme ? strcspn(value + scheme, "/?# \t@") : 0;
  *ret_rest = value + scheme + host;
  return host > 0 && !strpbrk(*ret_rest, " \t?#@");
}

static enum status check_url(const char *value, struct err *err) {
  const char *rest;
  return is_url(value, &rest) ? OK : err_set(err, ERR_USAGE, "\"%s\": write https://HOST or https://HOST/PATH", value);
}

// As browsers send it: nothing behind the host, not even a slash, or it would never match.
static enum status check_origin(const char *value, struct err *err) {
  const char *rest;
  return is_url(value, &rest) && !*rest ? OK : err_set(err, ERR_USAGE, "\"%s\": write https://HOST or https://HOST:PORT, nothing behind", value);
}

static enum status check_level(const char *value, struct err *err) {
  if (strcmp(value, "info") == 0 || strcmp(value, "warning") == 0 || strcmp(value, "error") == 0) return OK;
  return err_set(err, ERR_USAGE, "\"%s\": write info, warning or error", value);
}

// A provider's URL may have a query.
static enum status check_provider(const char *value, struct err *err) {
  if (strncmp(value, "https://", 8) == 0 || strncmp(value, "http://", 7) == 0) return OK;
  return err_set(err, ERR_USAGE, "\"%s\": write https://HOST/PATH", value);
}

static enum status check_venue_url(const char *value, struct err *err) {
  const size_t len = strcspn(value, "=");
  const char *url = value[len] ? value + len + 1 : "";
  if (len > 0 && (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)) return OK;
  return err_set(err, ERR_USAGE, "\"%s\": write VENUE=URL, such as bybit=http://127.0.0.1:9500", value);
}

#define AT(field) offsetof(struct settings, field)
static const struct setting table[] = {
    {"config", "PERIGEE_CONFIG", TEXT, AT(config), RESTART, 0, 0},
    {"data-dir", "PERIGEE_DATA_DIR", TEXT, AT(data_dir), RESTART, 0, 0},
    {"listen", "PERIGEE_LISTEN", LIST, AT(listen), RESTART, 0, 0, check_listen},
    {"tls-cert", "PERIGEE_TLS_CERT", TEXT, AT(tls_cert), LIVE_WHERE_SET, 0, 0},
    {"tls-key", "PERIGEE_TLS_KEY", TEXT, AT(tls_key), LIVE_WHERE_SET, 0, 0},
    {"origin", "PERIGEE_ORIGIN", LIST, AT(origins), LIVE, 0, 0, check_origin},
    {"proxy", "PERIGEE_PROXY", LIST, AT(proxies), RESTART, 0, 0, check_range},
    {"public-url", "PERIGEE_PUBLIC_URL", TEXT, AT(public_url), RESTART, 0, 0, check_url},
    {"edition", "PERIGEE_EDITION", TEXT, AT(edition), LIVE, 0, 0},
    {"mail", "PERIGEE_MAIL", TEXT, AT(mail), LIVE, 0, 0},
    {"mail-from", "PERIGEE_MAIL_FROM", TEXT, AT(mail_from), LIVE, 0, 0},
    {"mail-password-file", "PERIGEE_MAIL_PASSWORD_FILE", TEXT, AT(mail_password_file), LIVE, 0, 0},
    {"mail-ca", "PERIGEE_MAIL_CA", TEXT, AT(mail_ca), LIVE, 0, 0},
    {"telegram-token-file", "PERIGEE_TELEGRAM_TOKEN_FILE", TEXT, AT(telegram_token_file), LIVE, 0, 0},
    {"telegram-name", "PERIGEE_TELEGRAM_NAME", TEXT, AT(telegram_name), LIVE, 0, 0},
    {"telegram-url", "PERIGEE_TELEGRAM_URL", TEXT, AT(telegram_url), LIVE, 0, 0, check_url},
    {"sms-url", "PERIGEE_SMS_URL", TEXT, AT(sms_url), LIVE, 0, 0, check_provider},
    {"sms-body", "PERIGEE_SMS_BODY", TEXT, AT(sms_body), LIVE, 0, 0},
    {"sms-auth-file", "PERIGEE_SMS_AUTH_FILE", TEXT, AT(sms_auth_file), LIVE, 0, 0},
    {"notice-reach", "PERIGEE_NOTICE_REACH", LIST, AT(notice_reach), LIVE, 0, 0, check_range},
    {"notice-ca", "PERIGEE_NOTICE_CA", TEXT, AT(notice_ca), LIVE, 0, 0},
    {"notice-percent", "PERIGEE_NOTICE_PERCENT", NUMBER, AT(notice_percent), LIVE, 1, 1000},
    {"grace-ms", "PERIGEE_GRACE_MS", NUMBER, AT(grace_ms), LIVE, 0, 600000},
    {"log-level", "PERIGEE_LOG_LEVEL", TEXT, AT(log_level), LIVE, 0, 0, check_level},
    {"rate-percent", "PERIGEE_RATE_PERCENT", NUMBER, AT(rate_percent), LIVE, 0, 1000000},
    {"require-verified", "PERIGEE_REQUIRE_VERIFIED", FLAG, AT(require_verified), LIVE, 0, 0},
    {"closed", "PERIGEE_CLOSED", FLAG, AT(closed), LIVE, 0, 0},
    {"feed", "PERIGEE_FEED", WORDS, AT(feeds), RESTART, 0, 0, hub_feed_check},
    {"venue-url", "PERIGEE_VENUE_URL", LIST, AT(venue_urls), RESTART, 0, 0, check_venue_url},
    {"venue-ca", "PERIGEE_VENUE_CA", TEXT, AT(venue_ca), RESTART, 0, 0},
    {"hosts", "PERIGEE_HOSTS", NUMBER, AT(hosts), RESTART, 0, 32},
    {"parity-hour", "PERIGEE_PARITY_HOUR", NUMBER, AT(parity_hour), RESTART, -1, 23},
    {"console-dir", "PERIGEE_CONSOLE_DIR", TEXT, AT(console_dir), RESTART, 0, 0},
    {"demo", "PERIGEE_DEMO", FLAG, AT(demo), RESTART, 0, 0},
};
enum { SETTINGS = sizeof table / sizeof *table };

const struct cli_option settings_options[] = {
    {"--config", "FILE", "settings, a line `name = value` each (DIR/perigee.conf where it exists)"},
    {"--data-dir", "DIR", "databases, keys, socket (~/.local/share/perigee)"},
    {"--listen", "HOST:PORT", "where to listen (127.0.0.1:8080); may be given again"},
    {"--tls-cert", "FILE", "certificate with its chain, PEM: serves HTTPS"},
    {"--tls-key", "FILE", "its key, PEM"},
    {"--origin", "URL", "another site whose pages may call the API (CORS); may be given again"},
    {"--proxy", "RANGE", "a reverse proxy whose X-Forwarded-* are believed, such as 10.0.0.0/8; may be given again"},
    {"--public-url", "URL", "how customers reach this service, for links in mails"},
    {"--edition", "NAME", "whose tiers are active: mikrobot, dca, unified, luno, marketpilot or a loaded one (dca)"},
    {"--mail", "WHERE", "dir:PATH writes each mail to a file there (dir:DIR/outbox); smtp://USER@HOST:587 hands it over under STARTTLS, smtps:// under TLS, "
                        "smtp+plain:// without"},
    {"--mail-from", "ADDRESS", "where mail comes from (no-reply@ and the host of --public-url)"},
    {"--mail-password-file", "FILE", "the mail server's password, its first line; or PERIGEE_MAIL_PASSWORD"},
    {"--mail-ca", "FILE", "who may vouch for the mail server, PEM (whom this system trusts)"},
    {"--telegram-token-file", "FILE", "the token of a Telegram bot, its first line; notices go to chats where it was started"},
    {"--telegram-name", "NAME", "that bot's name, without @, for who must start it"},
    {"--telegram-url", "URL", "of the Bot API (https://api.telegram.org)"},
    {"--sms-url", "URL", "where SMS are posted to: a provider's HTTP interface"},
    {"--sms-body", "TEMPLATE", "what is posted, with {to} and {text}: JSON when it begins with a brace, else a form ({\"to\":\"{to}\",\"text\":\"{text}\"})"},
    {"--sms-auth-file", "FILE", "the value of the provider's Authorization header, its first line"},
    {"--notice-reach", "RANGE", "addresses that customers' URLs of notices may lead to though they are not public, such as 10.1.0.0/16, plain HTTP too; may be given again"},
    {"--notice-ca", "FILE", "who may vouch for receivers of notices, PEM (whom this system trusts)"},
    {"--notice-percent", "N", "times between attempts, of storms, of giving up and of a channel's rate, in percent of the usual; less than 100 is for tests (100)"},
    {"--grace-ms", "N", "how long requests under way may take at the end (10000)"},
    {"--log-level", "LEVEL", "info logs every request, warning and error what is wrong (info)"},
    {"--rate-percent", "N", "rate limits of requests, in percent of the usual; 0: none (100)"},
    {"--require-verified", NULL, "nobody signs in before their mail address is verified"},
    {"--closed", NULL, "nobody registers; operators make users"},
    {"--feed", "VENUE=FEED", "where a venue's market data comes from (sim=sim): sim:speed=60, replay:VENUE/SYMBOL:speed=60, file:PATH:symbol=X,timeframe=1m;\n"
                            "bybit=remote:environment=testnet,category=linear,ticks=1: the venue's own. May be given again; in the file apart by blanks"},
    {"--venue-url", "VENUE=URL", "a simulated exchange in the place of a venue's own hosts, in all its environments: bybit=http://127.0.0.1:9500 (perigee exchange);\n"
                                 "it sees signed requests. May be given again"},
    {"--venue-ca", "FILE", "who may vouch for venues, PEM (whom this system trusts)"},
    {"--hosts", "N", "processes for customers' scripts; 0: as many as there are processors, at most 8 (0)"},
    {"--parity-hour", "N", "from this hour of the day, UTC, each bot's run is made again and compared with a backtest; -1: never (3)"},
    {"--console-dir", "DIR", "the web consoles from there, for who works on them (those in the binary); npm run build in admin/console makes DIR"},
    {"--demo", NULL, "a demo customer with a password printed once, and five bots on paper"},
    {NULL, NULL, NULL}};

static const struct setting *find(const char *name) {
  for (int i = 0; i < SETTINGS; i++)
    if (strcmp(table[i].name, name) == 0) return &table[i];
  return NULL;
}

static enum status check(const struct setting *w, const char *value, const char *where, struct err *err) {
  if (!w->check || w->check(value, err) == OK) return OK;
  return err_wrap(err, ERR_USAGE, "%s", where);
}

static enum status list_add(const struct setting *w, struct settings_list *list, const char *value, const char *where, struct err *err) {
  const char *separator = w->kind == WORDS ? " \t" : ",";
  for (const char *p = value; *p;) {
    size_t len = strcspn(p, separator);
    const char *begin = p, *end = p + len;
    while (begin < end && isspace((unsigned char)*begin)) begin++;
    while (end > begin && isspace((unsigned char)end[-1])) end--;
    p += len + (p[len] != '\0');
    if (begin == end) continue;
    if (list->count == SETTINGS_LIST_MAX) return err_set(err, ERR_USAGE, "%s: at most %d values", where, SETTINGS_LIST_MAX);
    if (end - begin >= SETTINGS_TEXT_MAX) return err_set(err, ERR_USAGE, "%s: longer than %d bytes", where, SETTINGS_TEXT_MAX - 1);
    snprintf(list->text[list->count], SETTINGS_TEXT_MAX, "%.*s", (int)(end - begin), begin);
    enum status st = check(w, list->text[list->count], where, err);
    if (st != OK) return st;
    list->count++;
  }
  return OK;
}

static enum status put(struct settings *s, const struct setting *w, const char *value, const char *where, struct err *err) {
  char *at = (char *)s + w->offset;
  switch (w->kind) {
    case TEXT:
      if (strlen(value) >= SETTINGS_TEXT_MAX) return err_set(err, ERR_USAGE, "%s: longer than %d bytes", where, SETTINGS_TEXT_MAX - 1);
      memcpy(at, value, strlen(value) + 1);
      return *value ? check(w, value, where, err) : OK;
    case WORDS:
    case LIST: return list_add(w, (struct settings_list *)(void *)at, value, where, err);
    case NUMBER: {
      char *end;
      errno = 0;
      long long n = strtoll(value, &end, 10);
      if (errno || end == value || *end || n < w->min || n > w->max)
        return err_set(err, ERR_USAGE, "%s: \"%s\" is not a whole number from %lld to %lld", where, value, (long long)w->min, (long long)w->max);
      memcpy(at, &(int64_t){n}, sizeof(int64_t));
      return OK;
    }
    case FLAG: {
      bool on = strcmp(value, "true") == 0 || strcmp(value, "1") == 0 || strcmp(value, "yes") == 0;
      if (!on && strcmp(value, "false") != 0 && strcmp(value, "0") != 0 && strcmp(value, "no") != 0)
        return err_set(err, ERR_USAGE, "%s: \"%s\" is neither true nor false", where, value);
      memcpy(at, &on, sizeof on);
      return OK;
    }
  }
  assert(false);
  return OK;
}

static char *trim(char *text) {
  while (isspace((unsigned char)*text)) text++;
  char *end = text + strlen(text);
  while (end > text && isspace((unsigned char)end[-1])) *--end = '\0';
  return text;
}

static enum status file_line(struct settings *s, const bool given[SETTINGS], char *line, const char *where, struct err *err) {
  char *comment = strchr(line, '#');
  if (comment && (comment == line || isspace((unsigned char)comment[-1]))) *comment = '\0';
  char *name = trim(line);
  if (!*name) return OK;
  char *equals = strchr(name, '=');
  if (!equals) return err_set(err, ERR_USAGE, "%s: a line is `name = value`", where);
  *equals = '\0';
  name = trim(name);
  const struct setting *w = find(name);
  if (!w || strcmp(name, "config") == 0) {
    const char *names[SETTINGS];
    for (int i = 0; i < SETTINGS; i++) names[i] = table[i].name;
    const char *near = suggest_nearest(name, names, SETTINGS);
    return err_set(err, ERR_USAGE, near ? "%s: there is no setting \"%s\"; did you mean \"%s\"?" : "%s: there is no setting \"%s\"", where, name, near);
  }
  if (given[w - table]) return OK;  // by flag or environment
  return put(s, w, trim(equals + 1), where, err);
}

static enum status read_file(struct settings *s, const bool given[SETTINGS], struct err *err) {
  char path[SETTINGS_TEXT_MAX + 16];
  bool named = s->config[0];
  snprintf(path, sizeof path, "%s%s", named ? s->config : s->data_dir, named ? "" : "/perigee.conf");
  if (!named && access(path, F_OK) != 0) return OK;
  struct buf text;
  buf_init(&text, 1 << 20);
  enum status st = buf_read_file(&text, path, err);
  if (st == OK && memchr(text.data, '\0', text.len)) st = err_set(err, ERR_USAGE, "%s: not a text file", path);
  if (st == OK) {
    buf_add(&text, "", 1);
    if (text.failed) st = err_set(err, ERR_NOMEM, "%s: out of memory", path);
  }
  int number = 1;
  for (char *line = text.data; st == OK && line; number++) {
    char *next = strchr(line, '\n'), where[SETTINGS_TEXT_MAX + 32];
    if (next) *next++ = '\0';
    snprintf(where, sizeof where, "%s:%d", path, number);
    st = file_line(s, given, line, where, err);
    line = next;
  }
  buf_finish(&text);
  return st;
}

static void list_close(struct settings_list *list) {
  for (int i = 0; i < list->count; i++) list->items[i] = list->text[i];
  list->items[list->count] = NULL;
}

// ---- reading again

static bool is_list_same(const struct settings_list *a, const struct settings_list *b) {
  if (a->count != b->count) return false;
  for (int i = 0; i < a->count; i++)
    if (strcmp(a->text[i], b->text[i]) != 0) return false;
  return true;
}

static bool is_same(const struct setting *w, const char *a, const char *b) {
  switch (w->kind) {
    case TEXT: return strcmp(a, b) == 0;
    case WORDS:
    case LIST: return is_list_same((const struct settings_list *)(const void *)a, (const struct settings_list *)(const void *)b);
    case NUMBER: return memcmp(a, b, sizeof(int64_t)) == 0;
    case FLAG: return memcmp(a, b, sizeof(bool)) == 0;
  }
  return false;
}

static void take(const struct setting *w, char *to, const char *from) {
  switch (w->kind) {
    case TEXT: memcpy(to, from, SETTINGS_TEXT_MAX); break;
    case WORDS:
    case LIST: memcpy(to, from, sizeof(struct settings_list)); break;
    case NUMBER: memcpy(to, from, sizeof(int64_t)); break;
    case FLAG: memcpy(to, from, sizeof(bool)); break;
  }
}

static void add_name(char names[SETTINGS_NAMES_MAX], const char *name) {
  size_t len = strlen(names);
  snprintf(names + len, SETTINGS_NAMES_MAX - len, "%s%s", len ? ", " : "", name);
}

void settings_take_live(struct settings *now, const struct settings *fresh, char ret_changed[SETTINGS_NAMES_MAX], char ret_restart[SETTINGS_NAMES_MAX]) {
  *ret_changed = *ret_restart = '\0';
  for (int i = 0; i < SETTINGS; i++) {
    const struct setting *w = &table[i];
    char *to = (char *)now + w->offset;
    const char *from = (const char *)fresh + w->offset;
    if (is_same(w, to, from)) continue;
    bool live = w->when == LIVE || (w->when == LIVE_WHERE_SET && *to && *from);
    add_name(live ? ret_changed : ret_restart, w->name);
    if (live) take(w, to, from);
  }
  list_close(&now->origins);
  list_close(&now->notice_reach);
}

void settings_warn_of_environment(void) {
  const char *names[SETTINGS];
  size_t prefix = strlen("PERIGEE_");
  for (int i = 0; i < SETTINGS; i++) names[i] = table[i].variable + prefix;
  for (char **e = environ; *e; e++) {
    char name[64];
    size_t len = strcspn(*e, "=");
    if (strncmp(*e, "PERIGEE_", prefix) != 0 || len - prefix >= sizeof name) continue;
    snprintf(name, sizeof name, "%.*s", (int)(len - prefix), *e + prefix);
    const char *near = suggest_nearest(name, names, SETTINGS);
    if (near && strcmp(near, name) != 0)
      fprintf(stderr, "perigee: nothing reads PERIGEE_%s in the environment; did you mean PERIGEE_%s?\n", name, near);
  }
}

enum status settings_read(const struct cli_args *args, struct settings *ret, struct err *err) {
  struct settings *s = ret;
  memset(s, 0, sizeof *s);
  s->grace_ms = 10000;
  s->rate_percent = 100;
  s->notice_percent = 100;
  s->parity_hour = 3;
  bool given[SETTINGS] = {false};
  enum status st = OK;
  for (int i = 0; st == OK && i < args->given_count; i++) {
    const struct setting *w = find(args->given[i].option->name + 2);
    if (!w) continue;
    given[w - table] = true;
    st = put(s, w, w->kind == FLAG ? "true" : args->given[i].value, args->given[i].option->name, err);
  }
  for (int i = 0; st == OK && i < SETTINGS; i++) {
    const char *value = given[i] ? NULL : getenv(table[i].variable);
    if (!value || !*value) continue;
    given[i] = true;
    st = put(s, &table[i], value, table[i].variable, err);
  }
  if (st == OK && !s->data_dir[0] && !data_dir_default(s->data_dir, sizeof s->data_dir))
    st = err_set(err, ERR_USAGE, "no data directory: give --data-dir DIR or set PERIGEE_DATA_DIR");
  if (st == OK) st = read_file(s, given, err);
  if (st != OK) return st;
  if (s->listen.count == 0) st = list_add(find("listen"), &s->listen, "127.0.0.1:8080", "listen", err);
  if (st == OK && s->feeds.count == 0) st = list_add(find("feed"), &s->feeds, s->demo ? "sim=sim:speed=300,funding=1" : "sim=sim", "feed", err);
  if (st == OK && !s->tls_cert[0] != !s->tls_key[0]) return err_set(err, ERR_USAGE, "tls-cert and tls-key go together");
  if (st == OK && s->mail[0] && (strncmp(s->mail, "dir:", 4) != 0 ? strncmp(s->mail, "smtp", 4) != 0 : !s->mail[4]))
    return err_set(err, ERR_USAGE, "mail is dir:PATH, smtp://HOST, smtps://HOST or smtp+plain://HOST");
  list_close(&s->listen);
  list_close(&s->origins);
  list_close(&s->feeds);
  list_close(&s->venue_urls);
  list_close(&s->notice_reach);
  list_close(&s->proxies);
  return st;
}

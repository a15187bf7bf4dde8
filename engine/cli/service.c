// cli/service.c – see service.h. What is opened here in order is closed in the reverse order: whoever uses something is gone
// before it.
#include "cli/service.h"

#include "api/console.h"
#include "api/server.h"
#include "base/buf.h"
#include "base/wipe.h"
#include "cli/settings.h"
#include "crypto/secret.h"
#include "loop/loop.h"
#include "net/address.h"
#include "net/tls.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct service {
  const struct settings *settings;
  struct settings *own;  // those read again, or made where there are none
  struct service_settings source;
  char mail_password[SETTINGS_TEXT_MAX];  // of the environment, where children shall not find it
  struct loop *loop;
  struct store *store;
  struct api_core *core;
  struct tls_server *tls;
  struct address_range proxies[SETTINGS_LIST_MAX];
  struct console *console;
  struct api_server *server;
  bool stopping, stopped;
  char exe[4096];
  char own_url[SETTINGS_TEXT_MAX];
};

// ---- files

static enum status make_dirs(const char *path, struct err *err) {
  char part[SETTINGS_TEXT_MAX];
  for (size_t i = 1; i <= strlen(path); i++) {
    if (path[i] != '/' && path[i] != '\0') continue;
    snprintf(part, sizeof part, "%.*s", (int)i, path);
    if (mkdir(part, 0700) != 0 && errno != EEXIST) return err_errno(err, errno, "%s", part);
  }
  return OK;
}

// ---- opening

static void log_line(void *arg, const char *line, size_t len) {
  (void)arg;
  // One write per line, so that lines of several threads never mix; a full pipe must not stop the service.
  fwrite_unlocked(line, 1, len, stderr);
  fputc_unlocked('\n', stderr);
}

// What a file says on its first line. ret stays where no file is named.
static enum status first_line(const char *path, char ret[SETTINGS_TEXT_MAX], struct err *err) {
  if (!path[0]) return OK;
  struct buf text;
  buf_init_secret(&text, SETTINGS_TEXT_MAX);
  enum status st = buf_read_file(&text, path, err);
  if (st == OK) snprintf(ret, SETTINGS_TEXT_MAX, "%.*s", text.data ? (int)strcspn(text.data, "\r\n") : 0, text.data ? text.data : "");
  if (st == OK && !*ret) st = err_set(err, ERR_INVALID, "%s: nothing on the first line", path);
  buf_finish(&text);
  return st;
}

// Of files, the mail server's of the environment where no file is named; wiped by who asks for them.
struct secrets {
  char mail_password[SETTINGS_TEXT_MAX], telegram_token[SETTINGS_TEXT_MAX], sms_auth[SETTINGS_TEXT_MAX];
};
static enum status read_secrets(const struct service *s, const struct settings *settings, struct secrets *ret, struct err *err) {
  *ret = (struct secrets){{0}};
  snprintf(ret->mail_password, SETTINGS_TEXT_MAX, "%s", s->mail_password);
  enum status st = first_line(settings->mail_password_file, ret->mail_password, err);
  if (st == OK) st = first_line(settings->telegram_token_file, ret->telegram_token, err);
  return st == OK ? first_line(settings->sms_auth_file, ret->sms_auth, err) : st;
}

static const char *given(const char *text) { return text[0] ? text : NULL; }

// Where customers find this service when nobody said: as this machine reaches it.
static void own_url(const struct settings *settings, char ret[SETTINGS_TEXT_MAX]) {
  const char *address = settings->listen.count ? settings->listen.items[0] : "localhost:8080", *colon = strrchr(address, ':');
  const int host = colon ? (int)(colon - address) : 0;
  const bool anywhere = host == 0 || strncmp(address, "0.0.0.0:", 8) == 0 || strncmp(address, "[::]:", 5) == 0;
  snprintf(ret, SETTINGS_TEXT_MAX, "%s://%.*s%s", settings->tls_cert[0] ? "https" : "http", anywhere ? 9 : host, anywhere ? "localhost" : address, colon ? colon : "");
}

static enum status config_of(struct service *s, const struct settings *settings, struct secrets *secrets, struct api_config *ret, struct err *err) {
  if (!s->own_url[0]) own_url(settings, s->own_url);
  const enum status st = read_secrets(s, settings, secrets, err);
  if (st != OK) return st;
  *ret = (struct api_config){.loop = s->loop, .store = s->store, .version = PERIGEE_VERSION, .exe = s->exe, .origins = settings->origins.items,
                             .site_url = given(settings->public_url), .own_url = s->own_url, .edition = given(settings->edition), .mail = given(settings->mail),
                             .mail_from = given(settings->mail_from), .mail_password = given(secrets->mail_password), .mail_ca = given(settings->mail_ca),
                             .log_level = given(settings->log_level), .rate_percent = settings->rate_percent ? (int)settings->rate_percent : -1,
                             .require_verified = settings->require_verified, .closed = settings->closed, .log = log_line};
  ret->notices = (struct api_notices){.telegram_url = given(settings->telegram_url), .telegram_token = given(secrets->telegram_token), .telegram_name = given(settings->telegram_name), .sms_url = given(settings->sms_url),
                                      .sms_body = given(settings->sms_body), .sms_auth = given(secrets->sms_auth), .reach = settings->notice_reach.items, .ca_file = given(settings->notice_ca), .percent = (int)settings->notice_percent};
  return OK;
}

static enum status open_core(struct service *s, bool local, struct err *err) {
  struct secrets secrets;
  struct api_config config;
  const char *variable = getenv("PERIGEE_MAIL_PASSWORD");
  snprintf(s->mail_password, sizeof s->mail_password, "%s", variable ? variable : "");
  unsetenv("PERIGEE_MAIL_PASSWORD");
  ssize_t len = readlink("/proc/self/exe", s->exe, sizeof s->exe - 1);
  if (len <= 0) return err_errno(err, errno, "/proc/self/exe");
  s->exe[len] = '\0';
  enum status st = config_of(s, s->settings, &secrets, &config, err);
  if (local) config.log = NULL;
  if (st == OK) st = api_core_create(&config, &s->core, err);
  secret_wipe(&secrets, sizeof secrets);
  return st;
}

static enum status open_all(struct service *s, bool local, struct err *err) {
  const struct settings *settings = s->settings;
  struct store_options options = {0};
  enum status st = local ? OK : make_dirs(settings->data_dir, err);
  if (st == OK) st = loop_create(&s->loop, NULL, err);
  options.loop = s->loop;
  if (st == OK) st = store_open(settings->data_dir, &options, &s->store, err);
  if (st == OK) st = open_core(s, local, err);
  return st;
}

static enum status opened(struct service *s, bool local, struct service **ret, struct err *err) {
  enum status st = open_all(s, local, err);
  if (st != OK) {
    service_close(s);
    return st;
  }
  *ret = s;
  return OK;
}

enum status service_open(const struct settings *settings, struct service **ret, struct err *err) {
  struct service *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "out of memory");
  wipe_json();
  s->settings = settings;
  return opened(s, false, ret, err);
}

enum status service_open_local(const char *dir, struct service **ret, struct err *err) {
  struct service *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "out of memory");
  s->own = calloc(1, sizeof *s->own);
  if (!s->own) {
    free(s);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  snprintf(s->own->data_dir, sizeof s->own->data_dir, "%s", dir);
  s->settings = s->own;
  return opened(s, true, ret, err);
}

void service_close(struct service *s) {
  if (!s) return;
  api_server_destroy(s->server);
  console_destroy(s->console);
  api_core_destroy(s->core);
  store_close(s->store);
  if (s->loop) loop_destroy(s->loop);
  tls_server_release(s->tls);
  secret_wipe(s->mail_password, sizeof s->mail_password);
  free(s->own);
  free(s);
}

void service_reread(struct service *s, struct service_settings source) { s->source = source; }

enum status service_call_as(struct service *s, const char *method, const char *target, const char *body, const char *const *fields, int *ret_status, char **ret_body, struct err *err) {
  return api_dispatch_local(s->core, method, target, body, fields, ret_status, ret_body, err);
}
enum status service_call(struct service *s, const char *method, const char *target, const char *body, int *ret_status, char **ret_body, struct err *err) {
  return service_call_as(s, method, target, body, NULL, ret_status, ret_body, err);
}

enum status service_live(struct service *s, struct err *err) {
  const struct api_live live = {.exe = s->exe, .hosts = (int)s->settings->hosts, .feeds = s->settings->feeds.items, .venue_urls = s->settings->venue_urls.items,
                                .venue_ca = given(s->settings->venue_ca), .parity_hour = (int)s->settings->parity_hour};
  return api_core_live(s->core, &live, err);
}

// ---- running

static void on_stopped(void *arg) {
  struct service *s = arg;
  s->stopped = true;
  loop_stop(s->loop);
}

static void on_end(void *arg, int signum) {
  struct service *s = arg;
  (void)signum;
  if (s->stopping) return;  // asked twice
  s->stopping = true;
  api_server_stop(s->server, s->settings->grace_ms, on_stopped, s);
}

// Everything that may fail happens before anything that others see.
static enum status reload(struct service *s, char changed[SETTINGS_NAMES_MAX], char restart[SETTINGS_NAMES_MAX], bool *ret_keys, struct err *err) {
  struct secrets secrets = {{0}};
  struct api_config config;
  struct tls_server *tls = NULL;
  struct settings *fresh = malloc(sizeof *fresh), *now = malloc(sizeof *now);
  enum status st = fresh && now ? s->source.read(s->source.arg, fresh, err) : err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) {
    *now = *s->settings;
    settings_take_live(now, fresh, changed, restart);
    if (s->tls) st = tls_server_create(now->tls_cert, now->tls_key, &tls, err);
  }
  if (st == OK) st = config_of(s, now, &secrets, &config, err);
  if (st == OK) st = api_core_reload(s->core, &config, ret_keys, err);
  secret_wipe(&secrets, sizeof secrets);
  free(fresh);
  if (st != OK) {
    tls_server_release(tls);
    free(now);
    return st;
  }
  if (tls) {
    api_server_replace_tls(s->server, tls);
    tls_server_release(s->tls);
    s->tls = tls;
  }
  free(s->own);
  s->settings = s->own = now;
  return OK;
}

static void on_reload(void *arg, int signum) {
  struct service *s = arg;
  char changed[SETTINGS_NAMES_MAX] = "", restart[SETTINGS_NAMES_MAX] = "";
  struct err err;
  bool keys = false;
  (void)signum;
  if (!s->source.read || s->stopped) return;
  if (reload(s, changed, restart, &keys, &err) != OK) {
    api_core_log(s->core, "error", "reload_failed", (const char *[]){"error", err.msg, NULL});
    return;
  }
  api_core_log(s->core, "warning", "reloaded", (const char *[]){"changed", changed, "keys", keys ? "new" : "as before", "certificate", s->tls ? "read again" : "none", NULL});
  if (*restart) api_core_log(s->core, "warning", "restart_needed", (const char *[]){"settings", restart, NULL});
}

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1  // they attach to the process to tell leaks
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

// A crash must not write keys and passwords into a core file, and no other process of this user may look into the memory; to debug
// the service attach as root. As many descriptors as allowed: a connection is one.
static void set_limits(void) {
  struct rlimit limit = {0, 0};
  (void)setrlimit(RLIMIT_CORE, &limit);
  if (!SANITIZED) (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static enum status listen_all(struct service *s, struct err *err) {
  const struct settings *settings = s->settings;
  enum status st = settings->tls_cert[0] ? tls_server_create(settings->tls_cert, settings->tls_key, &s->tls, err) : OK;
  for (int i = 0; st == OK && i < settings->proxies.count; i++) st = address_range_parse(settings->proxies.items[i], &s->proxies[i], err);
  char socket[SETTINGS_TEXT_MAX + 16];
  snprintf(socket, sizeof socket, "%s/perigee.sock", settings->data_dir);
  if (st == OK) st = console_create(given(settings->console_dir), &s->console, err);
  struct api_listen listen = {.console = s->console, .addresses = settings->listen.items, .tls = s->tls, .unix_path = socket, .proxies = s->proxies, .proxy_count = (size_t)settings->proxies.count};
  return st == OK ? api_server_create(s->core, &listen, &s->server, err) : st;
}

static void say_where(const struct service *s) {
  for (int i = 0; i < s->settings->listen.count; i++) {
    const char *address = s->settings->listen.items[i], *colon = strrchr(address, ':');
    int host = colon ? (int)(colon - address) : (int)strlen(address);
    fprintf(stderr, "perigee: listening on %s://%.*s:%u\n", s->tls ? "https" : "http", host, address, api_server_port(s->server, (size_t)i));
  }
  if (s->settings->listen.count == 0) return;
  // Browsers keep secure cookies for "localhost" without TLS, not for every name of this machine.
  char url[SETTINGS_TEXT_MAX];
  const char *address = s->settings->listen.items[0];
  const bool here = !s->tls && (strncmp(address, "127.", 4) == 0 || strncmp(address, "localhost:", 10) == 0);
  if (s->settings->public_url[0]) snprintf(url, sizeof url, "%s", s->settings->public_url);
  else if (here) snprintf(url, sizeof url, "http://localhost:%u", api_server_port(s->server, 0));
  else own_url(s->settings, url);
  if (!console_present(s->console)) fprintf(stderr, "perigee: the web consoles are not part of this build: %s tells how to get them\n", url);
  else fprintf(stderr, "perigee: customers' console %s, operators' %s/admin\n", url, url);
}

enum status service_run(struct service *s, struct err *err) {
  set_limits();
  signal(SIGPIPE, SIG_IGN);
  struct loop_signal *signals[3] = {NULL};
  enum status st = listen_all(s, err);
  if (st == OK) st = loop_signal_create(s->loop, SIGTERM, on_end, s, &signals[0], err);
  if (st == OK) st = loop_signal_create(s->loop, SIGINT, on_end, s, &signals[1], err);
  if (st == OK) st = loop_signal_create(s->loop, SIGHUP, on_reload, s, &signals[2], err);
  if (st == OK) {
    say_where(s);
    loop_run(s->loop);
  }
  for (int i = 0; i < 3; i++) loop_signal_destroy(signals[i]);
  return st;
}

// cli/cmd_cards.c – `perigee cards`: the numbered acceptance cards of a venue (venue/cards.h), run or only declared.
#include "cli/commands.h"

#include "base/json.h"
#include "cli/operator.h"
#include "cli/venue_dialect.h"
#include "crypto/secret.h"
#include "loop/interrupt.h"
#include "loop/loop.h"
#include "net/http_pool.h"
#include "net/tls.h"
#include "script/dialect.h"
#include "ea/front.h"
#include "venue/cards.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 100

struct run {
  const struct cli_args *args;
  json_t *list;
  int count[4];  // by enum card_verdict
  bool quiet;
};

static void told(void *arg, const struct card_result *r) {
  struct run *run = arg;
  run->count[r->verdict]++;
  json_array_append_new(run->list, json_pack("{s:i, s:s, s:s, s:s, s:s, s:I}", "card", r->number, "name", r->name, "proves", r->proves, "result",
    card_verdict_text(r->verdict), "text", r->text, "ms", (json_int_t)r->took_ms));
  if (run->quiet) return;
  printf("%2d %-14s %-11s %s%s%s\n", r->number, r->name, card_verdict_text(r->verdict), r->proves, r->text[0] != '\0' ? ": " : "", r->text);
  fflush(stdout);
}

static void log_line(void *arg, const char *text) {
  (void)arg;
  fprintf(stderr, "%s\n", text);
}

static int finish(struct run *run, const struct dialect_info *info) {
  const int failed = run->count[CARD_FAILED];
  if (cli_has(run->args, "--json")) {
    const int code = operator_result(run->args, json_pack("{s:s, s:O, s:i, s:i, s:i, s:i}", "venue", info->name, "cards", run->list, "passed", run->count[CARD_PASSED],
      "failed", failed, "unsupported", run->count[CARD_UNSUPPORTED], "skipped", run->count[CARD_SKIPPED]));
    return code != 0 ? code : failed > 0;
  }
  printf("%d passed, %d failed, %d unsupported, %d skipped\n", run->count[CARD_PASSED], failed, run->count[CARD_UNSUPPORTED], run->count[CARD_SKIPPED]);
  return failed > 0;
}

// What the header claims; nobody is asked.
static int declare(struct run *run, const struct dialect_info *info) {
  int unsupported = 0;
  for (int n = 1; n <= cards_count(); n++) {
    struct card_result r = cards_declare(info, cli_value(run->args, "--category", NULL), cards_get(n));
    const bool supported = r.verdict != CARD_UNSUPPORTED;
    unsupported += !supported;
    json_array_append_new(run->list, json_pack("{s:i, s:s, s:s, s:s, s:s}", "card", n, "name", r.name, "proves", r.proves, "result",
      supported ? "supported" : "unsupported", "text", r.text));
    if (!run->quiet) printf("%2d %-14s %-11s %s%s%s\n", n, r.name, supported ? "supported" : "unsupported", r.proves, r.text[0] != '\0' ? ": " : "", r.text);
  }
  if (cli_has(run->args, "--json"))
    return operator_result(run->args, json_pack("{s:s, s:O, s:i, s:i}", "venue", info->name, "cards", run->list, "supported", cards_count() - unsupported,
      "unsupported", unsupported));
  printf("%d supported, %d unsupported\n", cards_count() - unsupported, unsupported);
  return 0;
}

// The one that was named, or one where nothing is real; "live" only where there is no other.
static const char *environment(const struct cli_args *a, const struct dialect_info *info) {
  const char *best = info->environments[0].name;
  for (int i = 1; i < info->environment_count; i++)
    if (i == 1 || strcmp(info->environments[i].name, "testnet") == 0) best = info->environments[i].name;
  return cli_value(a, "--environment", best);
}

// On this machine, without TLS: no venue with real money is there, whatever the environment is called.
static bool at_home(const struct cli_args *a) {
  static const char *const homes[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
  const char *url = cli_value(a, "--url", "");
  for (size_t i = 0; i < sizeof homes / sizeof *homes; i++) {
    const size_t n = strlen(homes[i]);
    if (strncmp(url, homes[i], n) == 0 && (url[n] == '\0' || url[n] == ':' || url[n] == '/')) return true;
  }
  return false;
}

static enum status run_cards(struct run *run, struct dialect *d, struct cards_options *o, struct err *err) {
  const struct cli_args *a = run->args;
  struct tls_client *tls = NULL;
  enum status st = loop_create(&o->loop, NULL, err);
  if (st == OK) st = http_pool_create(o->loop, NULL, &o->pool, err);
  if (st == OK && !o->url) st = tls_client_create(NULL, &tls, err);
  const struct remote_site_options site = {.loop = o->loop, .pool = o->pool, .tls = tls, .dialect = d, .environment = environment(a, dialect_info(d)),
    .category = cli_value(a, "--category", NULL), .url = o->url, .retry_ms = RETRY_MS, .log = cli_has(a, "--verbose") ? log_line : NULL};
  if (st == OK) st = remote_site_create(&site, &o->site, err);
  else dialect_destroy(d);
  if (st == OK) st = cards_run(o, err);
  remote_site_destroy(o->site);
  http_pool_destroy(o->pool);
  tls_client_release(tls);
  if (o->loop) loop_destroy(o->loop);
  return st;
}

// The secret and, where there is one, the passphrase: lines of a file or of standard input, or of the environment. On the command line every user of
// the machine reads them; there they are for simulated exchanges, which have none.
#define LINE_MAX_BYTES 1024
struct secrets {
  char secret[LINE_MAX_BYTES], passphrase[LINE_MAX_BYTES];
};

static bool line(FILE *f, char ret[LINE_MAX_BYTES]) {
  if (!fgets(ret, LINE_MAX_BYTES, f)) return false;
  const size_t len = strcspn(ret, "\r\n");
  const bool whole = ret[len] || feof(f);
  ret[len] = '\0';
  return whole && len > 0;
}

static bool read_secrets(const struct cli_args *a, struct secrets *s, struct remote_credentials *c) {
  const char *path = cli_value(a, "--secret-file", NULL);
  c->key = cli_value(a, "--key", getenv("PERIGEE_VENUE_KEY"));
  c->secret = cli_value(a, "--secret", getenv("PERIGEE_VENUE_SECRET"));
  c->passphrase = cli_value(a, "--passphrase", getenv("PERIGEE_VENUE_PASSPHRASE"));
  if ((cli_has(a, "--secret") || cli_has(a, "--passphrase")) && !cli_has(a, "--url"))
    cli_warn("a secret on the command line is read by everybody on this machine: --secret-file FILE, or PERIGEE_VENUE_SECRET");
  if (!path) return true;
  FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
  if (!f) {
    cli_error("%s: %s", path, strerror(errno));
    return false;
  }
  const bool good = line(f, s->secret);
  if (good && line(f, s->passphrase)) c->passphrase = s->passphrase;
  if (f != stdin) fclose(f);
  if (!good) cli_error("%s: its first line is the secret, its second the passphrase where there is one", path);
  c->secret = s->secret;
  return good;
}

// ---- a terminal of MetaTrader, which asks us

static enum status terminal_open(void *self, const struct venue_events *events, void *to, struct venue *ret, struct err *err) {
  return ea_bridge_session(ea_front_bridge(self), &(struct ea_session_wish){0}, events, to, ret, err);
}
static bool terminal_market(void *self, const char *symbol, struct venue_instrument *ret, struct decimal *ret_px) {
  struct ea_tick t;
  if (!ea_bridge_instrument(ea_front_bridge(self), symbol, ret) || !ea_bridge_tick(ea_front_bridge(self), symbol, &t)) return false;
  return *ret_px = t.ask, true;
}
static void terminal_log(void *arg, const char *text) {
  (void)arg;
  fprintf(stderr, "%s\n", text);
}

// What a terminal can do, in a header's words.
static const struct dialect_info terminal_info = {.name = "mt5-ea", .environments = {{.name = "live"}, {.name = "demo"}}, .environment_count = 2, .clock = DIALECT_CLOCK_NONE, .caps = {{.positions = true, .stops = true, .reduce_only = true, .fill_ids = true}},
  .by_id = true, .by_open = true, .by_fills = true};

#define QUICK_MS 1500  // for a terminal to begin with a command, and to tell its end

static enum status run_terminal(const struct cli_args *a, struct cards_options *o, struct err *err) {
  struct ea_front *front = NULL;
  enum status st = loop_create(&o->loop, NULL, err);
  const struct ea_front_options options = {.loop = o->loop, .address = cli_value(a, "--listen", ""), .token = o->credentials.key, .secret = o->credentials.secret, .lease_ms = o->quick ? QUICK_MS : 0, .answer_ms = o->quick ? QUICK_MS : 0,
    .log = cli_has(a, "--verbose") ? terminal_log : NULL};
  if (st == OK && o->url) st = http_pool_create(o->loop, NULL, &o->pool, err);
  if (st == OK) st = ea_front_create(&options, &front, err);
  if (st == OK) ea_bridge_terms(ea_front_bridge(front), cli_has(a, "--real-money"), "");
  const struct cards_venue venue = {.self = front, .info = &terminal_info, .open = terminal_open, .market = terminal_market};
  o->venue = &venue;
  if (st == OK) st = cards_run(o, err);
  ea_front_destroy(front);
  http_pool_destroy(o->pool);
  if (o->loop) loop_destroy(o->loop);
  return st;
}

static int terminal_command(const struct cli_args *a, struct run *run, struct cards_options *o) {
  struct err err = {0};
  if (cli_has(a, "--declare")) return declare(run, &terminal_info);
  if (!o->credentials.key || !o->credentials.secret || !cli_has(a, "--listen")) return cli_usage(a, "a terminal needs --listen HOST:PORT, --key TOKEN and --secret-file FILE: its expert asks there");
  interrupt_install();
  const enum status st = run_terminal(a, o, &err);
  if (st != OK) cli_error("%s", err.msg);
  const int code = st == ERR_CANCELLED ? 130 : finish(run, &terminal_info);
  return st != OK && code == 0 ? 1 : code;
}

static int run_command(const struct cli_args *a) {
  struct run run = {.args = a, .quiet = cli_has(a, "--json") && strcmp(cli_value(a, "--json", ""), "-") == 0};
  struct cards_options o = {.url = cli_value(a, "--url", NULL), .admin_token = cli_value(a, "--admin-token", NULL), .symbol = cli_value(a, "--symbol", "BTCUSDT"), .category = cli_value(a, "--category", NULL),
    .quick = cli_has(a, "--quick"),
    .stop = interrupted, .told = told, .arg = &run};
  struct secrets secrets = {0};
  struct dialect *d;
  struct err err = {0};
  int64_t only = 0;
  int code = 1;
  if (a->positional_count != 1) return cli_usage(a, "cards takes one dialect: a file, or the name of a shipped one");
  if (!cli_integer(a, "--card", 1, cards_count(), &only)) return 2;
  if (!cli_has(a, "--declare") && !read_secrets(a, &secrets, &o.credentials)) return 1;
  run.list = json_array();
  if (strcmp(a->positional[0], "mt5-ea") == 0 || strcmp(a->positional[0], "mt4-ea") == 0) {
    o.only = (int)only;
    code = terminal_command(a, &run, &o);
    json_decref(run.list);
    secret_wipe(&secrets, sizeof secrets);
    return code;
  }
  if (cli_venue_dialect(a->positional[0], NULL, &d) != OK) return json_decref(run.list), 1;
  const struct dialect_info info = *dialect_info(d);
  if (cli_has(a, "--declare")) {
    code = declare(&run, &info);
    dialect_destroy(d);
  } else if (!o.credentials.key || !o.credentials.secret) {
    dialect_destroy(d);
    code = cli_usage(a, "--key and --secret-file are needed, or --declare");
  } else if (strcmp(environment(a, &info), "live") == 0 && !at_home(a) && !cli_has(a, "--real-money")) {
    dialect_destroy(d);
    code = cli_usage(a, "the environment is live: the cards trade there with real money. --real-money if that is meant; else --environment");
  } else {
    o.only = (int)only;
    interrupt_install();
    const enum status st = run_cards(&run, d, &o, &err);
    if (st != OK) cli_error("%s", err.msg);
    code = st == ERR_CANCELLED ? 130 : finish(&run, &info);
    if (st != OK && code == 0) code = 1;
  }
  json_decref(run.list);
  secret_wipe(&secrets, sizeof secrets);
  return code;
}

static const struct cli_option options[] = {
    {"--declare", NULL, "only what the dialect's header claims: supported, or unsupported and why; nobody is asked"},
    {"--url", "URL", "a simulated exchange: http://127.0.0.1:9500. Cards with faults need its /admin; of mt5-ea: a simulated terminal's"},
    {"--listen", "HOST:PORT", "of mt5-ea and mt4-ea: where the terminal's expert asks; its address is /api/v1/ea/KEY"},
    {"--environment", "E", "testnet, demo (testnet where there is one)"},
    {"--key", "KEY", "of an account with nothing in the symbol"},
    {"--secret-file", "FILE", "its secret in the first line, in the second the passphrase where the venue has one; - is standard input. Or the environment's\n"
     "PERIGEE_VENUE_SECRET and PERIGEE_VENUE_PASSPHRASE"},
    {"--secret", "SECRET", "of a simulated exchange: everybody on the machine can read a command line"},
    {"--passphrase", "P", "likewise"},
    {"--symbol", "S", "what is traded (BTCUSDT)"},
    {"--category", "C", "kind of market, such as spot (the dialect's first)"},
    {"--card", "N", "only this one"},
    {"--quick", NULL, "absence is proven without the pauses between the questions, which take 15 s"},
    {"--real-money", NULL, "lets the cards run in the environment live"},
    {"--admin-token", "TOKEN", "of the exchange's /admin, where it has one"},
    {"--verbose", NULL, "what the session tells, on standard error"},
    {"--json", "FILE", "the results as JSON; - is standard output"},
    {NULL, NULL, NULL}};
const struct cli_command cmd_cards = {
    "cards", "DIALECT --url URL --key K --secret S [--card N] | DIALECT --key K --secret-file FILE | DIALECT --declare\n       perigee cards mt5-ea --listen HOST:PORT --key TOKEN --secret-file FILE --symbol S", "numbered acceptance cards of a venue",
    "What a venue and its dialect must do before anybody's money goes there, through the engine's own sessions: connect, place, reject, partial fills, races,\n"
    "unknown outcomes, reconnecting, throttling, liquidation … A card passes, fails with what was seen (exit code 1), is unsupported because the dialect's header\n"
    "does not claim the capability, or is skipped because it needs faults, which only a simulated exchange has.\n\n"
    "The cards trade the least quantity and close what they open. The account must hold nothing in the symbol and have no orders there.",
    options, run_command,
    "perigee exchange --key K:S --no-limits                                 in another terminal\n"
    "perigee cards bybit --url http://127.0.0.1:9500 --key K --secret S    all cards against it\n"
    "perigee cards luno --declare                                          what a venue does not claim to have\n"
    "perigee cards mt5-ea --listen 127.0.0.1:9600 --key TOKEN --secret-file F --symbol EURUSD   a terminal of MetaTrader with a demo account"};

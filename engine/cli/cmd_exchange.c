// cli/cmd_exchange.c – `perigee exchange`: a simulated exchange to test bots against, see exchange/exchange.h.
#include "cli/commands.h"

#include "base/buf.h"
#include "base/json.h"
#include "crypto/encode.h"
#include "crypto/random.h"
#include "exchange/exchange.h"
#include "exchange/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULTS_BYTES_MAX 65536
#define DEPOSIT_MAX INT64_C(10000000000000000)

static const struct cli_option options[] = {
  {"--listen", "HOST:PORT", "where it listens (127.0.0.1:9500; port 0: any free one)"},
  {"--feed", "FEED", "prices: sim, replay:FILE[,FILE…] (candles as for backtest), none: only clients' orders (sim)"},
  {"--speed", "N", "times as fast as the clock (1)"},
  {"--symbol", "SYMBOL", "what is traded, may be repeated (BTCUSDT, ETHUSDT, SOLUSDT; a replay's own)"},
  {"--spot", NULL, "the spot markets of these symbols too: category spot"},
  {"--key", "KEY:SECRET[:RIGHTS]",
    "a client's key, may be repeated; rights: trade, read, withdraw, ip=ADDRESS, account=NUMBER, deposit=AMOUNT"},
  {"--deposit", "USDT", "what each account begins with (100000)"},
  {"--depth", "USDT", "value of a level of the market maker's book (20000)"},
  {"--faults", "SPEC|FILE",
    "what goes wrong, may be repeated: FAULT[:on=PATH,p=0.1,count=3,value=500];… or hell, or rain"},
  {"--seed", "N", "of the market, the ids and the faults (1)"},
  {"--data", "DIR", "keep everything in DIR, also over a kill -9"},
  {"--clock", "real|virtual|running", "virtual: time moves only by POST /admin/clock; running: by that, and by itself (real)"},
  {"--start", "TIME", "of a virtual or running clock (2024-01-01)"}, {"--history", "DAYS", "of candles before the start (2)"},
  {"--no-limits", NULL, "no rate limits"}, {"--tls-cert", "FILE", "speak TLS with this certificate (PEM) …"},
  {"--tls-key", "FILE", "… and its key"},
  {"--admin-token", "TOKEN", "lets /admin be used from elsewhere, as Authorization: Bearer TOKEN"},
  {"--json", "FILE", "what to connect to as JSON, once it listens (- is stdout)"}, {NULL, NULL, NULL}};

struct announce {
  const struct cli_args *args;
  const struct exchange_options *options;
  bool made_key;
};

static void announce(void *arg, uint16_t port, const char *key, const char *secret) {
  const struct announce *a = arg;
  char host[256];
  const char *tls = a->options->tls_cert ? "s" : "";
  const char *json = cli_value(a->args, "--json", NULL), *colon = strrchr(a->options->listen, ':');
  snprintf(
    host, sizeof host, "%.*s:%u", (int)(colon ? colon - a->options->listen : 0), a->options->listen, (unsigned)port);
  if (json) {
    json_t *j = json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:i}", "rest", json_sprintf("http%s://%s", tls, host),
      "public", json_sprintf("ws%s://%s/v5/public/linear", tls, host), "private",
      json_sprintf("ws%s://%s/v5/private", tls, host), "ledger", json_sprintf("http%s://%s/admin/ledger", tls, host),
      "key", key, "secret", secret, "port", (int)port);
    char *text = json_dumps(j, JSON_COMPACT);
    struct err err;
    if (text && strcmp(json, "-") == 0)
      printf("%s\n", text);
    else if (text && file_write_atomic(json, text, strlen(text), &err) != OK)
      cli_error("%s", err.msg);
    free(text);
    json_decref(j);
    fflush(stdout);
    return;
  }
  printf("A simulated exchange (Bybit v5, linear) listens on %s.\n\n"
         "  REST        http%s://%s\n"
         "  WebSocket   ws%s://%s/v5/public/linear   ws%s://%s/v5/private\n"
         "  key         %s\n"
         "  secret      %s%s\n\n"
         "  ledger      curl http%s://%s/admin/ledger\n"
         "  make it bad curl -X POST http%s://%s/admin/faults -d '{\"faults\":[\"hell\"]}'\n\n"
         "Stop with Ctrl-C.%s\n",
    host, tls, host, tls, host, tls, host, key, secret,
    a->made_key ? "   (made for this run; --key KEY:SECRET keeps one)" : "", tls, host, tls, host,
    a->options->data_dir ? "" : " Nothing is kept; --data DIR keeps it.");
  fflush(stdout);
}

// A name of a file that is there, or the rules themselves.
static enum status faults_text(const char *given, char **ret, struct err *err) {
  struct buf file;
  FILE *probe = strpbrk(given, ":;=") ? NULL : fopen(given, "r");
  *ret = NULL;
  if (!probe) return OK;
  fclose(probe);
  buf_init(&file, FAULTS_BYTES_MAX);
  enum status st = buf_read_file(&file, given, err);
  if (st == OK && !(*ret = strdup(file.data ? file.data : ""))) st = err_set(err, ERR_NOMEM, "out of memory");
  buf_finish(&file);
  return st;
}

static int collect(const struct cli_args *args, const char *name, const char **list, int *count) {
  for (int i = 0; i < args->given_count; i++) {
    if (strcmp(args->given[i].option->name, name) != 0) continue;
    if (*count == EXCHANGE_LIST_MAX) return cli_usage(args, "%s: at most %d", name, EXCHANGE_LIST_MAX);
    list[(*count)++] = args->given[i].value;
  }
  return 0;
}

static int run(const struct cli_args *args) {
  char key[128], random[HEX_SIZE(20)], bytes[20];
  char *files[EXCHANGE_LIST_MAX] = {NULL};
  struct err err = {0};
  int64_t seed = 1, start_ns = INT64_C(1704067200000000000);
  struct exchange_options o = {
    .deposit_e8 = INT64_C(10000000000000), .depth_e8 = INT64_C(2000000000000), .speed_e3 = 1000, .history_days = 2};
  struct announce told = {args, &o, false};
  if (args->positional_count > 0) return cli_usage(args, "takes no arguments");
  o.listen = cli_value(args, "--listen", "127.0.0.1:9500");
  o.feed = cli_value(args, "--feed", "sim");
  o.data_dir = cli_value(args, "--data", NULL);
  o.admin_token = cli_value(args, "--admin-token", NULL);
  o.tls_cert = cli_value(args, "--tls-cert", NULL);
  o.tls_key = cli_value(args, "--tls-key", NULL);
  if (!o.tls_cert != !o.tls_key) return cli_usage(args, "--tls-cert and --tls-key belong together");
  o.limits = !cli_has(args, "--no-limits");
  o.spot = cli_has(args, "--spot");
  o.ready = announce;
  o.ready_arg = &told;
  const char *clock = cli_value(args, "--clock", "real");
  o.running_clock = strcmp(clock, "running") == 0;
  o.virtual_clock = o.running_clock || strcmp(clock, "virtual") == 0;
  if (!o.virtual_clock && strcmp(clock, "real") != 0) return cli_usage(args, "--clock: real, virtual or running");
  if (!cli_scaled(args, "--deposit", 8, 0, DEPOSIT_MAX, &o.deposit_e8) ||
      !cli_scaled(args, "--depth", 8, 0, DEPOSIT_MAX, &o.depth_e8) ||
      !cli_scaled(args, "--speed", 3, 1, 100000000, &o.speed_e3) || !cli_integer(args, "--seed", 0, INT64_MAX, &seed) ||
      !cli_integer(args, "--history", 0, 60, &o.history_days) || !cli_time(args, "--start", &start_ns))
    return 2;
  o.seed = (uint64_t)seed;
  o.start_ms = start_ns / 1000000;
  if (collect(args, "--key", o.keys, &o.key_count) || collect(args, "--symbol", o.symbols, &o.symbol_count) ||
      collect(args, "--faults", o.faults, &o.fault_count))
    return 2;
  if (o.key_count == 0) {
    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, random);
    snprintf(key, sizeof key, "%.16s:%s", random, random + 8);
    o.keys[o.key_count++] = key;
    told.made_key = true;
  }
  enum status st = OK;
  for (int i = 0; st == OK && i < o.fault_count; i++) {
    st = faults_text(o.faults[i], &files[i], &err);
    if (files[i]) o.faults[i] = files[i];
  }
  if (st == OK) st = exchange_run(&o, &err);
  for (int i = 0; i < o.fault_count; i++) free(files[i]);
  if (st != OK) cli_error("%s", err.msg);
  return st == OK ? 0 : st == ERR_INVALID ? 2 : 1;
}

const struct cli_command cmd_exchange = {"exchange",
  "[--feed sim|replay:FILE|none] [--key KEY:SECRET] [--faults hell] [--seed N]",
  "a simulated exchange to test bots against, with faults",
  "Speaks Bybit v5 (linear: USDT perpetuals) over HTTP and WebSocket, with a matcher and a ledger of its own. Point "
  "any Bybit client at it:\n"
  "its API address is http://HOST:PORT, its streams are ws://HOST:PORT/v5/public/linear and /v5/private.\n\n"
  "GET /admin/ledger is what truly happened: accounts, orders, executions and every signed request. POST /admin/faults "
  "adds faults while it\n"
  "runs; /admin/price, mark, funding, liquidation, deposit, cancel, clock, disconnect, pause, key move everything "
  "else. /admin is for this machine only,\n"
  "unless there is an --admin-token.\n\n"
  "The same seed gives the same market, ids and faults for the same requests. FAULT[:key=value,…] takes on (a part of "
  "the path or topic),\n"
  "link (how the orderLinkId begins), p (probability), value, after (so many pass first), count (so many at most), "
  "every (ms, for faults of the market).\n\n"
  "faults:\n"
#define X(name, text, where, value, about) "  " text "  " about " (value=" #value ")\n"
  FAULT_LIST(X)
#undef X
#define X(name, spec) "  " name "  preset: " spec "\n"
    FAULT_PRESETS(X)
#undef X
      ,
  options, run,
  "perigee exchange --faults hell --seed 7       then run your bot against http://127.0.0.1:9500\n"
  "curl http://127.0.0.1:9500/admin/ledger       what truly happened"};

// exchange/server.c – the process: keys, clock, what is due, the end.
#include "exchange/server.h"

#include "crypto/random.h"
#include "exchange/delay.h"
#include "exchange/journal.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "net/tls.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 50
#define STOP_GRACE_MS 1000
#define DEPOSIT_MAX INT64_C(10000000000000000)  // a hundred million

int64_t exch_server_now_ms(const struct server *s) {
  const int64_t wall_ms = clock_wall_ns() / 1000000;
  return !s->virtual_clock ? wall_ms : s->virtual_ms + (s->running_clock ? wall_ms - s->wall_ms : 0);
}
int64_t exch_server_shown_ms(const struct server *s) {
  return exch_server_now_ms(s) + s->skew_ms;
}

// ---- keys ----

struct key *exch_server_key(const struct server *s, const char *id) {
  for (int i = 0; i < s->key_count; i++)
    if (strcmp(s->keys[i]->id, id) == 0 && !s->keys[i]->revoked) return s->keys[i];
  return NULL;
}

static int64_t uid_of(const char *id) {
  uint64_t h = UINT64_C(14695981039346656037);
  for (; *id; id++) h = (h ^ (unsigned char)*id) * UINT64_C(1099511628211);
  return (int64_t)(100000000 + h % 900000000);
}

static struct exch_account *account_of(struct server *s, int64_t uid, int64_t deposit_e8) {
  for (int i = 0; i < s->x->account_count; i++)
    if (s->x->accounts[i]->uid == uid) return s->x->accounts[i];
  json_t *p = json_pack("{s:I, s:I}", "uid", (json_int_t)uid, "e8", (json_int_t)deposit_e8);
  int code = exch_command_run(s, CMD_ACCOUNT, NULL, p, true, NULL);
  json_decref(p);
  return code == CODE_OK ? s->x->accounts[s->x->account_count - 1] : NULL;
}

static enum status right(
  struct server *s, struct key *k, const char *word, int64_t *uid, int64_t *deposit_e8, struct err *err) {
  (void)s;
  if (strcmp(word, "trade") == 0)
    k->may_trade = true;
  else if (strcmp(word, "read") == 0)
    k->may_trade = false;
  else if (strcmp(word, "withdraw") == 0)
    k->may_withdraw = true;
  else if (strncmp(word, "ip=", 3) == 0 && strlen(word) - 3 < sizeof k->ip)
    snprintf(k->ip, sizeof k->ip, "%.45s", word + 3);
  else if (strncmp(word, "account=", 8) == 0 && decimal_parse_scaled(word + 8, strlen(word + 8), 0, uid) && *uid > 0)
    return OK;
  else if (strncmp(word, "deposit=", 8) == 0 && decimal_parse_scaled(word + 8, strlen(word + 8), 8, deposit_e8) &&
           *deposit_e8 >= 0 && *deposit_e8 <= DEPOSIT_MAX)
    return OK;
  else
    return err_set(err, ERR_INVALID,
      "--key %s: right \"%s\": there are trade, read, withdraw, ip=ADDRESS, account=NUMBER, deposit=AMOUNT", k->id,
      word);
  return OK;
}

enum status exch_server_key_add(struct server *s, const char *text, struct err *err) {
  struct key k = {.may_trade = true};
  const char *colon = strchr(text, ':'), *rest = colon ? colon + 1 + strcspn(colon + 1, ":") : NULL;
  size_t id_len = colon ? (size_t)(colon - text) : 0, secret_len = colon ? (size_t)(rest - colon - 1) : 0;
  int64_t deposit = s->options->deposit_e8, uid = 0;
  if (id_len == 0 || id_len >= sizeof k.id || secret_len == 0 || secret_len >= sizeof k.secret)
    return err_set(err, ERR_INVALID, "--key: KEY:SECRET[:rights], of 1 to 63 and 1 to 127 characters");
  memcpy(k.id, text, id_len);
  memcpy(k.secret, colon + 1, secret_len);
  if (exch_server_key(s, k.id)) return err_set(err, ERR_EXISTS, "--key %s: twice", k.id);
  for (const char *at = *rest == ':' ? rest + 1 : ""; *at;) {
    char word[96];
    size_t len = strcspn(at, ",");
    snprintf(word, sizeof word, "%.*s", (int)len, at);
    enum status st = right(s, &k, word, &uid, &deposit, err);
    if (st != OK) return st;
    at += len + (at[len] == ',');
  }
  struct key **more = realloc(s->keys, sizeof s->keys[0] * (size_t)(s->key_count + 1));
  if (!more) return err_set(err, ERR_NOMEM, "out of memory");
  s->keys = more;
  k.account = account_of(s, uid > 0 ? uid : uid_of(k.id), deposit);
  if (!k.account) return err_set(err, ERR_LIMIT, "--key %s: its account could not be made", k.id);
  struct key *kept = malloc(sizeof k);
  if (!kept) return err_set(err, ERR_NOMEM, "out of memory");
  *kept = k;
  s->keys[s->key_count++] = kept;
  return OK;
}

// ---- what is due ----

static void liquidate_largest(struct server *s) {
  struct exch *x = s->x;
  int64_t largest = 0;
  int account = 0, symbol = 0, idx = 0;
  for (int i = 0; i < x->account_count; i++)
    for (int m = 0; m < x->symbol_count; m++)
      for (int k = 0; k < 3; k++) {
        if (x->accounts[i]->positions[m][k].entry_e8 <= largest) continue;
        largest = x->accounts[i]->positions[m][k].entry_e8;
        account = i;
        symbol = m;
        idx = k;
      }
  if (largest == 0) return;
  json_t *p = json_pack("{s:s, s:i}", "s", x->symbols[symbol].inst.symbol, "i", idx);
  exch_command_run(s, CMD_LIQUIDATE, x->accounts[account], p, true, NULL);
  json_decref(p);
}

static void timed_fault(struct server *s, const struct fault_rule *r) {
  struct exch *x = s->x;
  switch (r->fault) {
  case FAULT_DISCONNECT: exch_stream_drop_all(s, "disconnect"); break;
  case FAULT_SKEW: s->skew_ms = r->value; break;
  case FAULT_LIQUIDATION: liquidate_largest(s); break;
  case FAULT_FUNDING:
  case FAULT_JUMP:
    for (int i = 0; i < x->symbol_count; i++) {
      struct exch_symbol *sym = &x->symbols[i];
      json_t *p;
      if (r->fault == FAULT_FUNDING) {
        p = json_pack("{s:s, s:I}", "s", sym->inst.symbol, "r", (json_int_t)(r->value * 100));
      } else {
        bool up = exch_mix(s->faults->seed, r->fired * 64 + (uint64_t)i) & 1;
        int64_t jump = (int64_t)((int128)sym->last * r->value / 10000);
        p = json_pack("{s:s, s:i, s:i, s:I, s:i}", "s", sym->inst.symbol, "b", 0, "k", 0, "l",
          (json_int_t)(up ? sym->last + jump : sym->last - jump), "v", 1);
      }
      if (sym->last > 0) exch_command_run(s, r->fault == FAULT_FUNDING ? CMD_FUNDING : CMD_PUSH, NULL, p, true, NULL);
      json_decref(p);
    }
    break;
  default: assert(false);
  }
}

static bool funding_is_due(const struct server *s, int64_t now_ms) {
  for (int i = 0; i < s->x->symbol_count; i++)
    if (now_ms >= s->x->symbols[i].funding_ms) return true;
  return false;
}

static void on_tick(void *arg) {
  struct server *s = arg;
  int64_t now = exch_server_now_ms(s);
  if (!s->paused) exch_source_poll(s, now);
  if (funding_is_due(s, now)) {
    json_t *p = json_object();
    exch_command_run(s, CMD_FUNDING_DUE, NULL, p, true, NULL);
    json_decref(p);
  }
  for (struct fault_rule *r; (r = exch_faults_due(s->faults, now));) timed_fault(s, r);
  for (int i = 0; i < s->x->symbol_count; i++) exch_market_day(&s->x->symbols[i], now);
  exch_stream_tick(s, now);
}

void exch_server_advance(struct server *s) {
  on_tick(s);
}

static int64_t on_begin(void *arg, const char *bytes, size_t len) {
  struct server *s = arg;
  char path[96] = "";
  const char *from = memchr(bytes, '/', len);
  if (from)
    snprintf(
      path, sizeof path, "%.*s", (int)(len - (size_t)(from - bytes) < 90 ? len - (size_t)(from - bytes) : 90), from);
  path[strcspn(path, " ?\r\n")] = '\0';
  struct fault_rule *r = exch_faults_pick(s->faults, AT_WIRE, path, "");
  if (!r) return -1;
  struct seen *seen = exch_server_saw(s);
  seen->fault = exch_fault_table[r->fault].name;
  snprintf(seen->path, sizeof seen->path, "%.47s", path);
  return r->value;
}

// ---- life ----

static enum status open_books(struct server *s, struct err *err) {
  const struct exchange_options *o = s->options;
  uint64_t records = 0;
  int64_t last_ms = 0;
  enum status st = exch_create(o->seed, strcmp(o->feed, "none") == 0 ? 0 : o->depth_e8, &s->x, err);
  if (st != OK) return st;
  s->x->with_spot = o->spot;
  for (int i = 0; st == OK && i < o->symbol_count; i++) st = exch_symbol_add(s->x, o->symbols[i], NULL, NULL, err);
  const char *const *shipped = exch_symbols_shipped();
  for (int i = 0; st == OK && o->symbol_count == 0 && strncmp(o->feed, "replay:", 7) != 0 && i < 3; i++)
    st = exch_symbol_add(s->x, shipped[i], NULL, NULL, err);
  if (st == OK) st = exch_source_open(s, err);
  if (st == OK && o->data_dir) st = exch_journal_open(o->data_dir, s->x, &s->journal, &records, &last_ms, err);
  if (st != OK) return st;
  if (s->virtual_clock && last_ms > s->virtual_ms) s->virtual_ms = last_ms;
  if (records > 0)
    exch_check(s->x);
  else
    exch_source_begin(s);
  for (int i = 0; i < s->x->symbol_count; i++) {
    struct exch_symbol *sym = &s->x->symbols[i];
    if (sym->funding_ms == 0)
      sym->funding_ms = s->started_ms - s->started_ms % sym->funding_every_ms + sym->funding_every_ms;
  }
  return OK;
}

static enum status open_keys(struct server *s, struct err *err) {
  const struct exchange_options *o = s->options;
  enum status st = OK;
  for (int i = 0; st == OK && i < o->key_count; i++) st = exch_server_key_add(s, o->keys[i], err);
  for (int i = 0; st == OK && i < o->fault_count; i++) st = exch_faults_add(s->faults, o->faults[i], err);
  return st;
}

static void stopped(void *arg) {
  loop_stop(((struct server *)arg)->loop);
}

static void on_signal(void *arg, int signum) {
  struct server *s = arg;
  (void)signum;
  if (s->stopping) return;
  s->stopping = true;
  exch_delay_all_now(s);
  http_server_stop(s->http, STOP_GRACE_MS, stopped, s);
}

static void release(struct server *s) {
  loop_timer_destroy(s->tick);
  exch_journal_close(s->journal);
  exch_source_close(s);
  exch_destroy(s->x);
  for (int i = 0; i < s->key_count; i++) free(s->keys[i]);
  free(s->keys);
  free(s->rates);
  free(s->faults);
  free(s->seen);
}

static enum status serve(struct server *s, struct err *err) {
  const struct exchange_options *o = s->options;
  const struct http_handler handler = {.on_request = exch_rest_request, .on_begin = on_begin};
  struct loop_signal *terminate = NULL, *interrupt = NULL;
  struct tls_server *tls = NULL;
  uint16_t port = 0;
  enum status st = o->tls_cert ? tls_server_create(o->tls_cert, o->tls_key, &tls, err) : OK;
  if (st == OK) st = http_server_create(s->loop, &handler, s, NULL, &s->http, err);
  if (st == OK) st = http_server_listen(s->http, o->listen, tls, &port, err);
  tls_server_release(tls);  // the listener has its own reference
  if (st == OK) st = loop_timer_create(s->loop, on_tick, s, &s->tick, err);
  if (st == OK) st = loop_signal_create(s->loop, SIGTERM, on_signal, s, &terminate, err);
  if (st == OK) st = loop_signal_create(s->loop, SIGINT, on_signal, s, &interrupt, err);
  if (st == OK) {
    loop_timer_start(s->tick, TICK_MS, TICK_MS);
    if (o->ready)
      o->ready(o->ready_arg, port, s->key_count > 0 ? s->keys[0]->id : "", s->key_count > 0 ? s->keys[0]->secret : "");
    loop_run(s->loop);
  }
  loop_signal_destroy(terminate);
  loop_signal_destroy(interrupt);
  if (s->http) http_server_destroy(s->http);
  return st;
}

enum status exchange_run(const struct exchange_options *options, struct err *err) {
  struct server s = {.options = options, .virtual_clock = options->virtual_clock, .virtual_ms = options->start_ms,
    .running_clock = options->running_clock, .wall_ms = clock_wall_ns() / 1000000};
  s.started_ms = exch_server_now_ms(&s);
  s.rates = calloc(EXCH_ACCOUNTS_MAX, sizeof s.rates[0]);
  s.faults = calloc(1, sizeof *s.faults);
  s.seen = calloc(SEEN_MAX, sizeof s.seen[0]);
  if (!s.rates || !s.faults || !s.seen) {
    release(&s);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  s.faults->seed = options->seed;
  enum status st = open_books(&s, err);
  if (st == OK) st = open_keys(&s, err);
  if (st == OK) {
    exch_stream_sink(&s);
    st = loop_create(&s.loop, NULL, err);
  }
  if (st == OK) {
    st = serve(&s, err);
    struct loop *loop = s.loop;
    release(&s);
    loop_destroy(loop);
    return st;
  }
  release(&s);
  return st;
}

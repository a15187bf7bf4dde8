// tests/sim/world.c – see world.h.
#include "world.h"

#include "base/json.h"
#include "bot/live_impl.h"
#include "crypto/sha256.h"
#include "loop/clock.h"
#include "script/spec.h"
#include "sim_market.h"
#include "store/db.h"
#include "store/script_rows.h"
#include "store/vault_rows.h"
#include "tests/store/sim_vfs.h"

#include <assert.h>
#include <inttypes.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const scripts[] = {"eager", "grid", "chance", "fails", "pair", "plain"};
#define SCRIPTS ((int)(sizeof scripts / sizeof *scripts))
#define SCRIPT_ID(tenant, ix) (100 * (tenant) + (ix))
#define DATA "data"  // in a directory of the run
static char *sources;
#define ACCOUNT_ID(tenant, ix) (1000 * (tenant) + (ix))

// ---- words

static void trace(struct world *w, const char *text) {
  for (const char *p = text; *p; p++) w->trace = (w->trace ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
}

void world_note(struct world *w, const char *fmt, ...) {
  char text[2000];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  trace(w, text);
  if (w->show) printf("# %9.3f %s\n", (double)sim_now_ns() / 1e9, text);
}

void violation(const struct world *w, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  printf("# at %.3f s, process %u: ", (double)sim_now_ns() / 1e9, w->life);
  vprintf(fmt, ap);
  printf("\n");
  va_end(ap);
  fflush(stdout);
  _exit(3);
}

// ---- the disk: a store by hand, whose batches are done when the simulation says so

struct disk {
  struct sim_actor actor;
  struct world *world;
  enum store_file file;
  bool wants;
  int64_t due_ns, look_ns;
};
static struct disk disks[STORE_FILES];

static int64_t disk_time(struct world *w) {
  if (sim_now_ns() < w->slow_until_ns) return sim_now_ns() + 200000000 + (int64_t)sim_below(3000000000u);
  return sim_now_ns() + 100000 + (int64_t)sim_below(sim_chance(30) ? 300000000 : 3000000);
}

static int64_t disk_due(struct sim_actor *a) {
  struct disk *d = (struct disk *)a;
  if (!d->world->store) return INT64_MAX;
  if (!d->wants && store_stats(d->world->store, d->file).waiting) {
    d->wants = true;
    d->due_ns = disk_time(d->world);
  }
  return d->wants && d->due_ns < d->look_ns ? d->due_ns : d->look_ns;
}

static void disk_act(struct sim_actor *a) {
  struct disk *d = (struct disk *)a;
  const bool due = d->wants && d->due_ns <= sim_now_ns();
  if (!due && d->wants) {  // only a look, which would write too
    d->look_ns = d->due_ns;
    return;
  }
  d->wants = false;
  d->look_ns = sim_now_ns() + 1000000000;
  store_turn(d->world->store, d->file);
}

// ---- what the core says

static struct world_bot *bot_of(struct world *w, int64_t id) {
  for (int i = 0; i < w->bot_count; i++)
    if (w->bots[i].id == id) return &w->bots[i];
  return NULL;
}

static void told_order(struct world_bot *b, uint32_t run, const json_t *data) {
  static const char *const finals[] = {"FILLED", "CANCELED", "EXPIRED", "REJECTED", "DENIED"};
  const char *status = json_string_value(json_object_get(data, "status"));
  const char *client = json_string_value(json_object_get(data, "client_id"));
  bool ended = false;
  for (size_t i = 0; i < sizeof finals / sizeof *finals; i++) ended |= status && strcasecmp(status, finals[i]) == 0;
  const uint64_t order = (uint64_t)json_integer_value(json_object_get(data, "order"));
  for (size_t i = b->order_count; i-- > 0;)
    if (b->orders[i].run == run && b->orders[i].order == order) {
      b->orders[i].ended |= ended;
      return;
    }
  if (b->order_count == b->order_cap) {
    b->order_cap = b->order_cap ? 2 * b->order_cap : 64;
    b->orders = realloc(b->orders, b->order_cap * sizeof *b->orders);
    assert(b->orders);
  }
  b->orders[b->order_count++] = (struct told_order){run, order, ended, client && *client};
}

static void publish(void *self, const char *channel, const char *type, json_t *data) {
  struct world *w = self;
  char *text = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);
  int64_t id;
  if (!w->gone) {
    world_note(w, "%s %s %s", channel, type, text);
    if (strncmp(channel, "bot:", 4) == 0 && id_parse("bot", channel + 4, strlen(channel + 4), &id)) {
      struct world_bot *b = bot_of(w, id);
      const struct live_bot *l = w->live ? live_find(w->live, id) : NULL;
      if (b && l && l->run) {
        if (b->run != l->run) b->run = l->run, b->fills = 0;
        if (strcmp(type, "fill") == 0) b->fills++, w->did.fills++;
        if (strcmp(type, "order") == 0) told_order(b, l->run, data), w->did.orders++;
        if (strcmp(type, "denied") == 0) w->did.denials++;
      }
    }
  }
  free(text);
  json_decref(data);
}

static void on_log(void *self, const char *level, const char *event, json_t *extra) {
  struct world *w = self;
  char *text = extra ? json_dumps(extra, JSON_COMPACT | JSON_SORT_KEYS) : strdup("");
  json_decref(extra);
  if (!w->gone) {
    world_note(w, "log %s %s %s", level, event, text);
    // Whose host was made to talk nonsense may have said something that cannot be; nobody else.
    if (strcmp(event, "bot_diverged") == 0) violation(w, "script and core disagreed: %s", text);
    if (strcmp(event, "command_invalid") == 0) violation(w, "the core refused a host's command: %s", text);
    if (strcmp(event, "books_unreadable") == 0 && !w->faulty) violation(w, "books that cannot be read: %s", text);
    if (strcmp(event, "bot_behind") == 0 && !w->faulty) violation(w, "a bot that cannot catch up: %s", text);
    if (strcmp(event, "halt_file_lost") == 0) violation(w, "neither copy of the halts can be read: %s", text);
    if (strcmp(event, "instant_lost") == 0) violation(w, "an instant was lost");
  }
  free(text);
}

// ---- beginning

struct upload {
  struct world *w;
  int64_t tenant;
  int script;
};

static char *source_of(int script, int version) {
  char path[1000], *text = calloc(1, 20000);
  snprintf(path, sizeof path, "%s/tests/sim/strategies/%s.lua", sources, scripts[script]);
  FILE *f = fopen(path, "r");
  if (!f || !text) {
    printf("# %s: not there\n", path);
    exit(2);
  }
  size_t n = fread(text, 1, 19000, f);
  fclose(f);
  snprintf(text + n, 100, "-- version %d\n", version);
  return text;
}

static enum status put_scripts(struct db *db, void *arg, struct err *err) {
  (void)arg;
  enum status st = OK;
  for (int tenant = 1; st == OK && tenant <= 2; tenant++)
    for (int i = 0; st == OK && i < SCRIPTS; i++)
      for (int version = 1; st == OK && version <= 2; version++) {
        char *source = source_of(i, version), sha[SHA256_HEX_SIZE];
        struct sha256_ctx ctx;
        struct script_spec *spec;
        struct script_put_result put;
        sha256_init(&ctx);
        sha256_update(&ctx, source, strlen(source));
        sha256_finish_hex(&ctx, sha);
        st = script_describe(scripts[i], source, strlen(source), NULL, &spec, err);
        if (st == OK) {
          json_t *json = spec_json(spec);
          char *header = json_dumps(json, JSON_COMPACT);
          const struct script_put p = {.tenant_id = tenant, .kind = "strategy", .name = scripts[i], .source = source, .source_len = strlen(source), .sha256 = sha, .header = header,
                                       .state = SCRIPT_PROVEN, .script_id = SCRIPT_ID(tenant, i), .version_id = 10 * SCRIPT_ID(tenant, i) + version, .now_ns = 1};
          st = script_put(db, &p, &put, err);
          struct script_row row;
          if (st == OK && version == 1) st = script_activate(db, tenant, put.script_id, 1, 0, 0, 1, &row, err);
          json_decref(json);
          free(header);
          free(spec);
        }
        free(source);
      }
  return st;
}

static enum status put_people(struct db *db, void *arg, struct err *err) {
  enum status st = db_run(db, NULL, err, "INSERT INTO tenants (id, kind, name, created_ns) VALUES (1, 'personal', 'a', 1), (2, 'personal', 'b', 1)", "");
  for (int tenant = 1; st == OK && tenant <= 2; tenant++)
    for (int i = 1; st == OK && i <= 2; i++) {
      const struct account_row a = {.id = ACCOUNT_ID(tenant, i), .tenant_id = tenant, .venue = "paper", .name = "paper", .created_ns = 1,
                                    .settings = "{\"balance\":\"1000000\",\"fee_taker\":\"0.0005\",\"fee_maker\":\"0.0002\",\"leverage\":\"5\"}"};
      st = account_insert(db, &a, err);
    }
  return st == OK ? put_scripts(db, arg, err) : st;
}

// The directory itself is real, and empty but for names: nothing of it needs the kernel's disk, and children of one process share it in turn.
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) { return (void)fd, 0; }
int __wrap_flock(int fd, int how);
int __wrap_flock(int fd, int how) { return (void)fd, (void)how, 0; }

// The first process of every world finds its files open, with what SQLite has read of them.
static struct {
  struct loop *loop;
  struct store *store;
} begun;

static enum status open_store(const char *dir, struct loop **ret_loop, struct store **ret, struct err *err) {
  struct store_options options = {.by_hand = true, .checkpoint_pages = 40};
  enum status st = loop_create(ret_loop, NULL, err);
  if (st != OK) return st;
  options.loop = *ret_loop;
  st = store_open(dir, &options, ret, err);
  if (st == OK) return OK;
  loop_destroy(*ret_loop);
  *ret_loop = NULL;
  return st;
}

// Few markets, so that most of their bars are made once, before the forks.
#define MARKETS 4
static int market_seed(uint64_t seed, int venue) { return (int)(seed % MARKETS) + (venue ? 101 : 1); }

bool world_start(struct world *w) {
  struct err err;
  char sim[200], alt[200];
  snprintf(sim, sizeof sim, "sim=sim:seed=%d,speed=60,bar=1m,symbols=BTCUSDT+ETHUSDT,from=2026-03-02", market_seed(w->seed, 0));
  snprintf(alt, sizeof alt, "alt=sim:seed=%d,speed=150,bar=1m,symbols=BTCUSDT+ETHUSDT,from=2026-01-05", market_seed(w->seed, 1));
  const char *const feeds[] = {sim, alt, NULL};
  w->life++;
  w->gone = false;
  struct live_options options = {.exe = "/perigee", .version = "sim", .hosts = 3, .past_bytes = w->seed % 2 ? 300 : 0, .image_every = w->seed % 4 ? (unsigned)(w->seed % 4 * 3) : 0, .feeds = feeds, .publish = publish, .log = on_log, .self = w};
  if (begun.store) {
    w->loop = begun.loop;
    w->store = begun.store;
    memset(&begun, 0, sizeof begun);
  } else if (open_store(w->dir, &w->loop, &w->store, &err) != OK) {
    world_note(w, "the store does not open: %s", err.msg);
    if (!w->faulty) violation(w, "the store does not open: %s", err.msg);
    return false;
  }
  for (int i = 0; i < STORE_FILES; i++) {
    disks[i] = (struct disk){.actor = {.due_ns = disk_due, .act = disk_act}, .world = w, .file = i, .look_ns = sim_now_ns()};
    sim_actor_add(&disks[i].actor);
  }
  options.loop = w->loop;
  options.store = w->store;
  if (live_create(&options, &w->live, &err) == OK) return true;
  w->live = NULL;
  world_note(w, "the core does not come up: %s", err.msg);
  if (!w->faulty) violation(w, "the core does not come up: %s", err.msg);
  world_stop(w, WORLD_KILLED);
  return false;
}

// ---- the disk that every world begins with, and its markets' past

static char begin_dir[64];

// One thread, and memory that is asked for and given back all the time: neither locks nor the kernel are needed for that.
static void tune(void) {
  sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
#if !defined(__SANITIZE_ADDRESS__)
  (void)mallopt(M_MMAP_MAX, 0);
  (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
  (void)mallopt(M_TOP_PAD, 4 << 20);
#endif
}

// What a world takes, in large pages: of the usual ones each would be a fault of its own.
static void take_memory(void) {
#if !defined(__SANITIZE_ADDRESS__)
  const size_t page = 2 << 20, size = 6 * page;
  char *p = malloc(size);
  if (p) (void)!madvise((void *)(((uintptr_t)p + page - 1) / page * page), size - page, MADV_HUGEPAGE);
  free(p);
#endif
}

void world_prepare(bool many) {
  struct err err;
  tune();
  json_object_seed(1);
  sim_init();
  sim_reset();
  // Errors tell paths, and traces have errors: the data directory is always called the same.
  const char *root = getenv("PERIGEE_ROOT");
  sources = realpath(root && *root ? root : ".", NULL);
  strcpy(begin_dir, "/tmp/perigee-sim-XXXXXX");
  if (!sources || !mkdtemp(begin_dir) || chdir(begin_dir) != 0) abort();
  if (open_store(DATA, &begun.loop, &begun.store, &err) != OK || store_write_sync(begun.store, STORE_CONTROL, put_people, NULL, &err) != OK) {
    printf("# beginning: %s\n", err.msg);
    exit(2);
  }
  static const char *const symbols[] = {"BTCUSDT", "ETHUSDT", NULL};
  static const int64_t from_ns[] = {INT64_C(1772409600) * NS_PER_S, INT64_C(1767571200) * NS_PER_S};  // of sim and alt
  for (uint64_t seed = 0; seed < MARKETS && many; seed++)
    for (int venue = 0; venue < 2; venue++) sim_market_prepare((uint64_t)market_seed(seed, venue), symbols, from_ns[venue] - 16500 * NS_PER_MINUTE, from_ns[venue] + 200 * NS_PER_MINUTE);
}

void world_unprepare(void) {
  static const char *const names[] = {"control.db", "journal.db", "market.db", "lock"};  // empty: the disk is in memory
  char path[128];
  store_close(begun.store);
  loop_destroy(begun.loop);
  sim_reset();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, DATA "/%s", names[i]);
    (void)!unlink(path);
  }
  if (rmdir(DATA) != 0 || rmdir(begin_dir) != 0) abort();
  sim_market_forget();
  free(sources);
}

void world_begin(struct world *w, uint64_t seed, int bots, bool show) {
  *w = (struct world){.seed = seed, .bots_max = bots, .show = show, .trace = UINT64_C(0xcbf29ce484222325)};
  sim_seed(seed);
  take_memory();
  if (!bots) w->bots_max = 2 + (int)sim_below(WORLD_BOTS - 1);
  strcpy(w->dir, DATA);
  sim_record_tail();
  if (!world_start(w)) violation(w, "it does not start");
}

void world_stop(struct world *w, enum world_stop how) {
  struct sim_trace *image = NULL;
  if (!w->store) return;
  if (how != WORLD_SHUTDOWN) {
    // What the disk has now is what stays. The objects are taken apart as if in order, for the memory's sake; nobody hears of it.
    image = sim_take();
    sim_freeze();
    w->gone = true;
    w->did.crashes++;
    w->did.power_cuts += how == WORLD_POWER;
  } else {
    w->did.restarts++;
  }
  live_destroy(w->live);
  w->live = NULL;
  store_close(w->store);
  w->store = NULL;
  for (int i = 0; i < STORE_FILES; i++) sim_actor_remove(&disks[i].actor);
  for (int i = 0; i < w->bot_count; i++) w->bots[i].silent = false;  // what was seen of it may not have been committed
  loop_destroy(w->loop);
  w->loop = NULL;
  if (image) {
    if (how == WORLD_POWER) sim_lose_tail(image, sim_random());
    sim_trace_free(image);
  } else {
    sim_trace_free(sim_take());
  }
  sim_fail(0, 0, false, false);  // who starts it again has looked after the disk
  w->faulty = false;
  sim_record_tail();
}

void world_end(struct world *w) {
  world_stop(w, WORLD_SHUTDOWN);
  sim_trace_free(sim_take());
  sim_reset();
  for (int i = 0; i < w->bot_count; i++) free(w->bots[i].orders);
}

void world_run(struct world *w, int64_t ns) {
  if (w->loop) sim_run(w->loop, sim_now_ns() + ns);
}

// ---- people

struct act {
  struct world *w;
  int bot;
  enum { ACT_CREATE, ACT_EVENT, ACT_PARAMS, ACT_VERSION, ACT_REOPEN, ACT_DELETE } what;
  enum life_event event;
  bool close, start, refused;
  char params[100], text[600];
  int64_t revision, now_ns;
};

static void life_of(const struct bot_row *row, struct life *ret) {
  life_init(ret, row->standing.since_ns);
  const int state = life_state_parse(row->standing.state), wanted = life_want_parse(row->wanted), reason = life_reason_parse(row->standing.reason_code);
  if (state >= 0) ret->state = (enum life_state)state;
  if (wanted >= 0) ret->wanted = (enum life_want)wanted;
  if (reason >= 0) ret->reason = (enum life_reason)reason;
  ret->strikes = (int)row->standing.strikes;
  ret->retries = (int)row->standing.retries;
  ret->retry_at_ns = row->standing.retry_at_ns;
}

static void life_into(const struct life *l, struct bot_row *row, struct act *a) {
  life_explain(l->reason, NULL, a->text, sizeof a->text);
  snprintf(row->wanted, sizeof row->wanted, "%s", life_want_text(l->wanted));
  snprintf(row->standing.state, sizeof row->standing.state, "%s", life_state_text(l->state));
  snprintf(row->standing.reason_code, sizeof row->standing.reason_code, "%s", life_reason_code(l->reason));
  row->standing.reason = a->text;
  row->standing.strikes = l->strikes;
  row->standing.retries = l->retries;
  row->standing.since_ns = l->since_ns;
  row->standing.retry_at_ns = l->retry_at_ns;
}

// As the handlers do it (api/bots_actions.c): false when the state does not allow it.
static bool step(struct bot_row *row, enum life_event e, struct act *a, bool *changed) {
  struct life l, before;
  life_of(row, &l);
  before = l;
  const enum life_verdict v = life_step(&l, e, a->now_ns, NULL);
  if (v == LIFE_REFUSED) return false;
  *changed |= v == LIFE_CHANGED || l.wanted != before.wanted || l.strikes != before.strikes || l.retries != before.retries;
  if (v == LIFE_CHANGED) {
    life_into(&l, row, a);
  } else {
    snprintf(row->wanted, sizeof row->wanted, "%s", life_want_text(l.wanted));
    row->standing.strikes = l.strikes, row->standing.retries = l.retries;
  }
  return true;
}

static enum status insert(struct db *db, struct act *a, struct err *err) {
  const struct world_bot *b = &a->w->bots[a->bot];
  struct life l;
  struct bot_row row = {.id = b->id, .tenant_id = b->tenant, .account_id = b->account, .script_id = SCRIPT_ID(b->tenant, b->script), .pairs = "[\"BTCUSDT\"]", .params = "{}",
                        .settings = "{\"cash\":\"20000\"}", .seed = b->id & 0xffff, .created_ns = a->now_ns, .updated_ns = a->now_ns, .revision = 1};
  bool changed = false;
  char name[BOT_NAME_SIZE];
  snprintf(name, sizeof name, "%s %d", scripts[b->script], a->bot);
  row.name = name;
  snprintf(row.venue, sizeof row.venue, "%s", a->bot % 3 == 2 ? "alt" : "sim");
  snprintf(row.symbol, sizeof row.symbol, "BTCUSDT");
  snprintf(row.timeframe, sizeof row.timeframe, a->bot % 5 == 4 ? "5m" : "1m");
  life_init(&l, a->now_ns);
  life_into(&l, &row, a);
  if (a->start) (void)step(&row, LIFE_START, a, &changed);
  a->revision = 1;
  return bot_insert(db, &row, err);
}

static enum status change(struct db *db, struct bot_row *row, struct act *a, bool *changed, struct err *err) {
  switch (a->what) {
    case ACT_EVENT:
      if (!step(row, a->event, a, changed)) a->refused = true;
      if (a->event == LIFE_START) row->close = false;
      if (a->event == LIFE_STOP || a->event == LIFE_FORCE_STOP) row->close |= a->close;
      return OK;
    case ACT_PARAMS:
      row->params = a->params;
      (void)step(row, LIFE_MEND, a, changed);
      *changed = true;
      return OK;
    case ACT_VERSION:
      row->previous_version = row->version ? row->version : 1;
      row->version = row->version == 2 ? 1 : 2;
      (void)step(row, LIFE_MEND, a, changed);
      *changed = true;
      return OK;
    case ACT_REOPEN:
      row->generation++;
      *changed = true;
      return OK;
    case ACT_DELETE:
      if (strcmp(row->standing.state, "stopped") != 0 || strcmp(row->wanted, "stopped") != 0) {
        a->refused = true;
        return OK;
      }
      return bot_delete(db, row->tenant_id, row->id, a->now_ns, err);
    case ACT_CREATE: break;
  }
  return OK;
}

static enum status write_act(struct db *db, void *arg, struct err *err) {
  struct act *a = arg;
  if (a->what == ACT_CREATE) return insert(db, a, err);
  struct bot_row row;
  bool changed = false;
  enum status st = bot_find(db, a->w->bots[a->bot].id, &row, err);
  if (st != OK) return st;
  char *texts = row.texts;
  st = change(db, &row, a, &changed, err);
  row.updated_ns = a->now_ns;
  if (st == OK && changed && !a->refused && a->what != ACT_DELETE) st = bot_update(db, &row, err);
  a->revision = row.revision + (changed && a->what != ACT_DELETE);
  free(texts);
  return st;
}

static void acted(void *arg, enum status st, const struct err *err) {
  static const char *const names[] = {"create", "event", "params", "version", "reopen", "delete"};
  struct act *a = arg;
  struct world *w = a->w;
  struct world_bot *b = &w->bots[a->bot];
  if (!w->gone) {
    if (st == ERR_IO && a->what == ACT_DELETE) b->unsure = w->life;
    world_note(w, "act %s %s of bot %d: %s", names[a->what], a->what == ACT_EVENT ? life_event_text(a->event) : "", a->bot, st != OK ? err->msg : a->refused ? "refused" : "done");
    w->did.refused += a->refused;
    if (st == OK && !a->refused) {
      w->did.acts++;
      b->made = true;
      b->deleted |= a->what == ACT_DELETE;
      if (a->revision > b->revision) b->revision = a->revision;
      if (w->live) live_bot_changed(w->live, b->id);
    }
  }
  free(a);
}

static void ask(struct world *w, const struct act *what) {
  if (!w->live) return;
  struct act *a = malloc(sizeof *a);
  assert(a);
  *a = *what;
  a->w = w;
  a->now_ns = clock_wall_ns();
  store_write(w->store, STORE_CONTROL, write_act, acted, a);
}

void world_create(struct world *w, bool start) {
  if (w->bot_count == w->bots_max || !w->live) return;
  struct world_bot *b = &w->bots[w->bot_count];
  *b = (struct world_bot){.id = id_next(clock_wall_ns()), .tenant = 1 + (int64_t)sim_below(2), .script = (int)sim_below((uint64_t)SCRIPTS)};
  b->account = ACCOUNT_ID(b->tenant, 1 + (int64_t)sim_below(2));
  ask(w, &(struct act){.what = ACT_CREATE, .bot = w->bot_count++, .start = start});
}

void world_act(struct world *w, int bot, enum life_event e, bool close) { ask(w, &(struct act){.what = ACT_EVENT, .bot = bot, .event = e, .close = close}); }
void world_version(struct world *w, int bot) { ask(w, &(struct act){.what = ACT_VERSION, .bot = bot}); }
void world_restart_bot(struct world *w, int bot) { ask(w, &(struct act){.what = ACT_REOPEN, .bot = bot}); }
void world_delete(struct world *w, int bot) { ask(w, &(struct act){.what = ACT_DELETE, .bot = bot}); }
void world_params(struct world *w, int bot) {
  struct act a = {.what = ACT_PARAMS, .bot = bot};
  snprintf(a.params, sizeof a.params, "{\"size\":0.0%d}", (int)(1 + sim_below(9)));
  ask(w, &a);
}

// ---- the kill switch

void world_halt(struct world *w, enum refusal_level level, uint64_t id, enum halt_mode mode) {
  struct err err;
  if (!w->live || w->halt_count == WORLD_HALTS) return;
  const struct halt_desk *desk = live_halts(w->live);
  const enum status st = desk->set(desk->self, level, id, mode, HALT_BY_OPERATOR, clock_wall_ns(), &err);
  world_note(w, "halt level %d id %" PRIu64 " mode %s: %s", level, id, halt_mode_text(mode), st == OK ? "done" : err.msg);
  w->did.halts++;
  if (st != OK) {
    w->halts_unsure = true;
    return;
  }
  for (int i = 0; i < w->halt_count; i++)
    if (w->halts[i].level == level && w->halts[i].id == id) {
      if (mode > w->halts[i].mode) w->halts[i].mode = mode;
      return;
    }
  w->halts[w->halt_count++] = (struct world_halt){level, id, mode};
}

void world_resume(struct world *w, int nth) {
  struct err err;
  if (!w->live || nth >= w->halt_count) return;
  const struct halt_desk *desk = live_halts(w->live);
  const struct world_halt h = w->halts[nth];
  const enum status st = desk->clear(desk->self, h.level, h.id, &err);
  world_note(w, "resume level %d id %" PRIu64 ": %s", h.level, h.id, st == OK ? "done" : err.msg);
  if (st == ERR_IO) w->halts_unsure = true;  // it stays halted, unless the process ends before the disk is well: then one copy may say so
  if (st == ERR_NOTFOUND) violation(w, "a halt that was acknowledged is not there: level %d, id %" PRIu64, h.level, h.id);
  if (st == OK || st == ERR_IO) w->halts[nth] = w->halts[--w->halt_count];
}

enum halt_mode world_halted(const struct world *w, const struct world_bot *b) {
  enum halt_mode most = HALT_NONE;
  const uint64_t venue = halt_venue_id((b - w->bots) % 3 == 2 ? "alt" : "sim");
  for (int i = 0; i < w->halt_count; i++) {
    const struct world_halt *h = &w->halts[i];
    const bool covers = h->level == LEVEL_ALL || (h->level == LEVEL_TENANT && h->id == (uint64_t)b->tenant) || (h->level == LEVEL_BOT && h->id == (uint64_t)b->id) ||
                        (h->level == LEVEL_VENUE && h->id == venue);
    if (covers && h->mode > most) most = h->mode;
  }
  return most;
}

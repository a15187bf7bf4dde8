// The registry: what is put, proven, activated, rolled back, swapped while others look, loaded whole or not at all.
#include "dialect_source.h"
#include "scratch.h"
#include "store/id.h"
#include "store/script_rows.h"
#include "tenant/edition.h"
#include "tenant/registry.h"
#include "tenant/shipped.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW (INT64_C(1790000000) * 1000000000)

static const char *comment_of_put;  // as the program itself puts; NULL: a person
static struct store *store;
static struct registry *reg;
static char dir[64];

static struct db *reader(void) {
  return store_reader(store, STORE_CONTROL);
}

static struct registry *open_registry(struct buf *warnings) {
  struct registry *r;
  struct err err;
  struct registry_options options = {0};
  if (registry_create(reader(), &options, &r, warnings, &err) != OK) fail_msg("%s", err.msg);
  return r;
}

static int setup(void **state) {
  (void)state;
  if (scratch_open(dir, &store) != 0) return 1;
  reg = open_registry(NULL);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  registry_destroy(reg);
  scratch_close(dir, store);
  return 0;
}

// ---- through the store, as a handler does

struct put_args {
  const struct script_draft *draft;
  int64_t tenant;
  const char *name;
  struct script_put_result put;
};
static enum status put_fn(struct db *db, void *arg, struct err *err) {
  struct put_args *a = arg;
  const char *comment = comment_of_put != NULL ? comment_of_put : "a comment";
  return registry_put(db, a->draft, a->tenant, a->name, comment, comment_of_put != NULL ? 0 : 7, NOW, &a->put, err);
}

static enum status put(enum script_kind kind, int64_t tenant, const char *name, const char *source,
  struct script_put_result *ret, struct err *err) {
  struct script_draft draft;
  enum status st = registry_describe(kind, name, source, strlen(source), NULL, &draft, err);
  if (st != OK) return st;
  struct put_args a = {&draft, tenant, name, {0}};
  st = store_write_sync(store, STORE_CONTROL, put_fn, &a, err);
  script_draft_finish(&draft);
  *ret = a.put;
  return st;
}

struct act_args {
  struct activation *a;
  int64_t expected;
};
static enum status act_fn(struct db *db, void *arg, struct err *err) {
  struct act_args *x = arg;
  return registry_activate(x->a, db, x->expected, 9, NOW, err);
}

static enum status activate(int64_t tenant, int64_t script, int64_t version, int64_t expected, struct err *err) {
  struct act_args x = {NULL, expected};
  enum status st = registry_prepare(reg, reader(), tenant, script, version, &x.a, err);
  if (st != OK) return st;
  st = store_write_sync(store, STORE_CONTROL, act_fn, &x, err);
  if (st == OK)
    registry_commit(reg, x.a);
  else
    registry_discard(x.a);
  return st;
}

static char text[8192];
static const char *tiers(const char *edition, int bots, const char *more) {
  snprintf(text, sizeof text,
    "return tiers{ edition='%s', currency='USD', default='free', base={limits={bots=%d, pairs=1, pairs_per_bot=1, "
    "accounts=1, venues=1, strategies=1, members=1,"
    " trades_per_day=%d, trades_per_month=1, api_calls_per_hour=1, api_calls_per_minute=1, backtests_per_day=1, "
    "backtest_parallel=1, backtest_seconds=1,"
    " lua_memory_kib=1, cpu_ms_per_s=1}}, tiers={{id='free', name='Free', price_month='%d'}} %s }",
    edition, bots, bots, bots, more);
  return text;
}

static int64_t bots_now(void) {
  return registry_plans(reg)->plans[0].limits[LIMIT_BOTS];
}

static void starts_with_the_shipped(void **state) {
  (void)state;
  assert_string_equal(registry_edition(reg), EDITION_DEFAULT);
  assert_string_equal(registry_plans(reg)->edition, "dca");
  assert_true(bots_now() == 1);
  const struct active_script *first = snapshot_at(registry_snapshot(reg), 0), *bybit = snapshot_find(registry_snapshot(reg), SCRIPT_DIALECT, "bybit");
  assert_true(first->kind == SCRIPT_RULE && first->script_id == 0 && strcmp(first->name, "daily_cap") == 0);  // by kind, then name
  assert_true(bybit && bybit->script_id == 0);
  assert_null(snapshot_find(registry_snapshot(reg), SCRIPT_DIALECT, "nosuch"));
  struct err err;
  struct registry *r;
  struct registry_options options = {.edition = "nosuch"};
  assert_int_equal(registry_create(reader(), &options, &r, NULL, &err), ERR_NOTFOUND);
  options.edition = "luno";
  assert_int_equal(registry_create(reader(), &options, &r, NULL, &err), OK);
  assert_string_equal(registry_plans(r)->edition, "luno");
  registry_destroy(r);
}

static int told;
static void listen(void *arg, int64_t tenant, enum script_kind kind, int64_t script, int64_t version) {
  (void)arg, (void)tenant, (void)script;
  told += kind == SCRIPT_TIER ? (int)version : 100;
}

static void activates_and_rolls_back(void **state) {
  (void)state;
  struct err err;
  struct script_put_result one, two;
  registry_listen(reg, listen, NULL);
  told = 0;
  assert_int_equal(put(SCRIPT_TIER, 0, "dca", tiers("dca", 11, ""), &one, &err), OK);
  assert_int_equal(put(SCRIPT_TIER, 0, "dca", tiers("dca", 12, ""), &two, &err), OK);
  assert_true(one.version == 1 && two.version == 2 && one.script_id == two.script_id);
  assert_true(bots_now() == 1);  // put is not active
  assert_int_equal(activate(0, one.script_id, 0, 0, &err), ERR_NOTFOUND);
  assert_int_equal(activate(0, one.script_id, 1, 0, &err), OK);
  assert_true(bots_now() == 11);
  struct snapshot *old = registry_snapshot(reg);
  snapshot_retain(old);
  uint64_t generation = snapshot_generation(old);
  struct script_row row;
  assert_int_equal(script_get(reader(), 0, one.script_id, &row, &err), OK);
  assert_int_equal(activate(0, one.script_id, 2, row.revision + 5, &err), ERR_CANCELLED);
  assert_true(bots_now() == 11 && registry_snapshot(reg) == old);
  assert_int_equal(activate(0, one.script_id, 2, row.revision, &err), OK);
  assert_true(bots_now() == 12 && snapshot_generation(registry_snapshot(reg)) == generation + 1);
  assert_true(snapshot_plans(old)->plans[0].limits[LIMIT_BOTS] == 11);  // who holds the old one keeps all of it
  snapshot_release(old);
  assert_int_equal(activate(0, one.script_id, 0, 0, &err), OK);  // rollback
  assert_true(bots_now() == 11 && told == 1 + 2 + 1);
  // after a restart the same is active
  registry_destroy(reg);
  reg = open_registry(NULL);
  assert_true(bots_now() == 11);
  // another edition's tiers change rows only
  struct script_put_result other;
  assert_int_equal(put(SCRIPT_TIER, 0, "luno", tiers("luno", 99, ""), &other, &err), OK);
  assert_int_equal(activate(0, other.script_id, 1, 0, &err), OK);
  assert_true(bots_now() == 11);
}

static void refuses_what_is_not_proven(void **state) {
  (void)state;
  struct err err;
  struct script_put_result r;
  assert_int_equal(put(SCRIPT_TIER, 0, "dca", tiers("luno", 1, ""), &r, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "says edition=\"luno\""));
  assert_int_equal(
    put(SCRIPT_TIER, 0, "dca", tiers("dca", 1, ", allow=function() while true do end end"), &r, &err), ERR_BUDGET);
  assert_int_equal(put(SCRIPT_TIER, 0, "DCA", tiers("dca", 1, ""), &r, &err), ERR_INVALID);
  assert_int_equal(
    put(SCRIPT_RULE, 0, "../x", "rule{name='x', api=1} function on_signal() end", &r, &err), ERR_INVALID);
  assert_int_equal(put(SCRIPT_RULE, 0, "x\n", "rule{name='x', api=1} function on_signal() end", &r, &err), ERR_INVALID);
  assert_int_equal(put(SCRIPT_RULE, 0, "x", "rule{name='x', api=1}", &r, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "x.lua:1:1: a rule must define the function on_signal"));
  assert_int_equal(put(SCRIPT_STRATEGY, 5, "s", "strategy{name='x'}", &r, &err), ERR_SCRIPT);
  struct script_row row;
  assert_int_equal(script_find(reader(), 0, "rule", "x", &row, &err), ERR_NOTFOUND);  // nothing of them is kept
  // a strategy is new until it is proven
  const char *strategy = "strategy{name='x', api=1}\nfunction on_bar(ctx, bar) end";
  assert_int_equal(put(SCRIPT_STRATEGY, 5, "s", strategy, &r, &err), OK);
  assert_int_equal(activate(5, r.script_id, 1, 0, &err), ERR_INVALID);
  assert_int_equal(activate(6, r.script_id, 1, 0, &err), ERR_NOTFOUND);
}

// A strategy's state comes from the proofs, with the same put.
static void strategies_are_proven_elsewhere(void **state) {
  (void)state;
  struct err err;
  struct script_put_result r;
  struct script_draft draft;
  const char *strategy = "strategy{name='x', api=1}\nfunction on_bar(ctx, bar) end\n";
  assert_int_equal(put(SCRIPT_STRATEGY, 5, "s", strategy, &r, &err), OK);
  assert_int_equal(activate(5, r.script_id, 1, 0, &err), ERR_INVALID);
  assert_int_equal(registry_describe(SCRIPT_STRATEGY, "s", strategy, strlen(strategy), NULL, &draft, &err), OK);
  draft.state = SCRIPT_PROVEN;
  struct put_args a = {&draft, 5, "s", {0}};
  assert_int_equal(store_write_sync(store, STORE_CONTROL, put_fn, &a, &err), OK);
  script_draft_finish(&draft);
  assert_true(a.put.version == 1 && !a.put.new_version);
  uint64_t generation = snapshot_generation(registry_snapshot(reg));
  assert_int_equal(activate(5, r.script_id, 1, 0, &err), OK);
  assert_true(snapshot_generation(registry_snapshot(reg)) == generation + 1);
  struct script_version_row v;
  assert_int_equal(script_version_get(reader(), 5, r.script_id, 0, &v, &err), OK);
  assert_non_null(strstr(v.header, "\"name\":\"x\""));
  assert_string_equal(v.source, strategy);
  script_version_finish(&v);
}

// Two activations prepared side by side: both are in force after both commits.
static void interleaved_activations(void **state) {
  (void)state;
  struct err err;
  struct script_put_result a, b;
  assert_int_equal(put(SCRIPT_RULE, 0, "b", "rule{name='b', api=1} function on_signal() end", &b, &err), OK);
  assert_int_equal(put(SCRIPT_RULE, 0, "a", "rule{name='a', api=1} function on_signal() end", &a, &err), OK);
  struct act_args x = {0}, y = {0};
  assert_int_equal(registry_prepare(reg, reader(), 0, b.script_id, 1, &x.a, &err), OK);
  assert_int_equal(registry_prepare(reg, reader(), 0, a.script_id, 1, &y.a, &err), OK);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, act_fn, &y, &err), OK);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, act_fn, &x, &err), OK);
  registry_commit(reg, y.a);
  registry_commit(reg, x.a);
  struct snapshot *s = registry_snapshot(reg);
  assert_string_equal(snapshot_at(s, 0)->name, "a");
  assert_string_equal(snapshot_at(s, 1)->name, "b");
  assert_string_equal(snapshot_at(s, 2)->name, "daily_cap");  // shipped
  assert_non_null(snapshot_find(s, SCRIPT_RULE, "b"));
  assert_null(snapshot_find(s, SCRIPT_DIALECT, "b"));
  // discarding leaves all as it is
  assert_int_equal(registry_prepare(reg, reader(), 0, b.script_id, 1, &x.a, &err), OK);
  registry_discard(x.a);
  assert_ptr_equal(registry_snapshot(reg), s);
}

// Readers on other threads hold snapshots while this one swaps: each sees one set whole. tiers() writes the same number as
// price, bots and trades.
static atomic_bool stop;
static atomic_int mixed, looks;
static pthread_mutex_t handing = PTHREAD_MUTEX_INITIALIZER;

static void *look(void *arg) {
  (void)arg;
  while (!atomic_load(&stop)) {
    pthread_mutex_lock(&handing);  // what the loop does for them: hands out the present one
    struct snapshot *s = registry_snapshot(reg);
    snapshot_retain(s);
    pthread_mutex_unlock(&handing);
    for (int i = 0; i < 50; i++) {
      const struct plan *p = &snapshot_plans(s)->plans[0];
      int64_t bots = p->limits[LIMIT_BOTS];
      if (p->limits[LIMIT_TRADES_PER_DAY] != bots || p->month_e8 != bots * 100000000) atomic_fetch_add(&mixed, 1);
    }
    atomic_fetch_add(&looks, 1);
    snapshot_release(s);
  }
  return NULL;
}

static void never_a_mix(void **state) {
  (void)state;
  struct err err;
  struct script_put_result r[8];
  for (int i = 0; i < 8; i++) assert_int_equal(put(SCRIPT_TIER, 0, "dca", tiers("dca", i + 2, ""), &r[i], &err), OK);
  assert_int_equal(activate(0, r[0].script_id, 1, 0, &err), OK);
  pthread_t threads[2];
  atomic_store(&stop, false);
  for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, look, NULL), 0);
  for (int i = 0; i < 60 || (atomic_load(&looks) < 100 && i < 5000); i++) {
    struct act_args x = {0};
    assert_int_equal(registry_prepare(reg, reader(), 0, r[0].script_id, 1 + i % 8, &x.a, &err), OK);
    assert_int_equal(store_write_sync(store, STORE_CONTROL, act_fn, &x, &err), OK);
    pthread_mutex_lock(&handing);
    registry_commit(reg, x.a);
    pthread_mutex_unlock(&handing);
    assert_true(bots_now() == 2 + i % 8);
  }
  atomic_store(&stop, true);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  assert_int_equal(atomic_load(&mixed), 0);
  assert_true(atomic_load(&looks) > 0);
}

// ---- editions

static void write_file(const char *at, const char *name, const char *content) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", at, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(content, f);
  assert_int_equal(fclose(f), 0);
}

struct edition_args {
  struct edition *e;
  struct activation *a;
};
static enum status edition_fn(struct db *db, void *arg, struct err *err) {
  struct edition_args *x = arg;
  return edition_write(x->e, x->a, db, 0, NOW, err);
}

static enum status load(const char *from, struct err *err) {
  struct edition_args x = {0};
  enum status st = edition_read(from, NULL, &x.e, err);
  if (st != OK) return st;
  st = edition_prepare(reg, reader(), x.e, &x.a, err);
  if (st == OK) {
    st = store_write_sync(store, STORE_CONTROL, edition_fn, &x, err);
    if (st == OK)
      registry_commit(reg, x.a);
    else
      registry_discard(x.a);
  }
  edition_destroy(x.e);
  return st;
}

// Manifests with a shipped strategy, and with one preset.
#define SMA(more) "{\"edition\":\"acme\",\"shipped\":[\"sma_cross\"]," more "}"
#define PRESET(inside) SMA("\"presets\":[{" inside "}]")

static void editions(void **state) {
  (void)state;
  struct err err;
  char at[128], sub[160];
  snprintf(at, sizeof at, "%s/edition", dir);
  snprintf(sub, sizeof sub, "%s/rules", at);
  assert_int_equal(mkdir(at, 0700), 0);
  assert_int_equal(mkdir(sub, 0700), 0);
  assert_int_equal(load(at, &err), ERR_NOTFOUND);
  write_file(at, "tiers.lua", tiers("acme", 21, ""));
  write_file(at, "rules/phases.lua", "rule{name='Phases', api=1} function on_signal() end");
  write_file(at, "s.lua", "strategy{name='x', api=1}\nfunction on_bar(ctx, bar) end");
  write_file(at, "edition.json",
    "{\"edition\":\"acme\",\"tiers\":\"tiers.lua\",\"rules\":[\"rules/"
    "phases.lua\"],\"strategies\":[\"s.lua\"],\"branding\":{\"title\":\"Acme\"}}");
  assert_int_equal(load(at, &err), OK);
  assert_string_equal(registry_edition(reg), "acme");
  assert_true(bots_now() == 21);
  assert_non_null(snapshot_find(registry_snapshot(reg), SCRIPT_RULE, "phases"));
  struct script_row row;
  assert_int_equal(script_find(reader(), 0, "strategy", "s", &row, &err), OK);
  assert_true(row.active_version == 0);  // not proven yet
  struct edition_row edition;
  assert_int_equal(edition_get(reader(), &edition, &err), OK);
  assert_string_equal(edition.name, "acme");
  assert_string_equal(edition.branding, "{\"title\":\"Acme\"}");
  assert_string_equal(edition.presets, "[]");
  edition_row_finish(&edition);
  assert_int_equal(load(at, &err), OK);  // again: the same versions
  assert_int_equal(script_find(reader(), 0, "rule", "phases", &row, &err), OK);
  assert_true(row.latest_version == 1);

  // a mistake anywhere: nothing of it takes effect
  write_file(at, "tiers.lua", tiers("acme", 22, ""));
  write_file(at, "rules/phases.lua", "rule{name='Phases', api=1} function on_signl() end");
  assert_int_equal(load(at, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "rules/phases.lua: phases.lua:1:"));
  assert_true(bots_now() == 21);
  assert_int_equal(script_find(reader(), 0, "tier", "acme", &row, &err), OK);
  assert_true(row.latest_version == 1);

  registry_destroy(reg);  // and it is in force after a restart
  reg = open_registry(NULL);
  assert_string_equal(registry_edition(reg), "acme");
  assert_non_null(snapshot_find(registry_snapshot(reg), SCRIPT_RULE, "phases"));

  static const struct {
    const char *manifest, *says;
  } bad[] = {
    {"", "edition.json:1:"},
    {"[]", "must hold an object"},
    {"{}", "\"edition\" is missing"},
    {"{\"edition\":\"A B\"}", "lower-case"},
    {"{\"edition\":\"acme\",\"teirs\":\"x\"}", "did you mean 'tiers'?"},
    {"{\"edition\":\"acme\",\"tiers\":7}", "tiers must be a file name"},
    {"{\"edition\":\"acme\",\"rules\":\"x\"}", "must be a list"},
    {"{\"edition\":\"acme\",\"rules\":[7]}", "rules[0] must be a file name"},
    {"{\"edition\":\"acme\",\"rules\":[\"rules/phases.txt\"]}", "no name of a .lua file"},
    {"{\"edition\":\"acme\",\"rules\":[\"../../../etc/x.lua\"]}", "no such file"},
    {"{\"edition\":\"acme\",\"rules\":[\"link.lua\"]}", "lies outside"},
    {"{\"edition\":\"acme\",\"tiers\":\"rules\"}", "no name of a .lua file"},
    {"{\"edition\":\"acme\",\"strategies\":[\"s.lua\",\"./s.lua\"]}", "two scripts of kind strategy named s"},
    {"{\"edition\":\"acme\",\"branding\":[]}", "branding must be an object"},
    {"{\"edition\":\"nobody\"}", "no tiers for an edition named nobody"},
    {"{\"edition\":\"acme\",\"shipped\":[\"smacross\"]}", "no strategy named smacross is shipped; did you mean 'sma_cross'?"},
    {"{\"edition\":\"acme\",\"shipped\":[\"grid\",\"grid\"]}", "two scripts of kind strategy named grid"},
    {SMA("\"presets\":{}"), "/presets must be a list"},
    {SMA("\"presets\":[7]"), "/presets/0 must be an object"},
    {PRESET("\"strategie\":\"sma_cross\""), "/presets/0: unknown key 'strategie'; did you mean 'strategy'?"},
    {PRESET("\"strategy\":\"grid\",\"name\":\"x\""), "/presets/0: the edition has no strategy named grid"},
    {PRESET("\"strategy\":\"sma_cross\",\"name\":\"\""), "/presets/0/name must be a text"},
    {PRESET("\"strategy\":\"sma_cross\",\"name\":\"x\",\"params\":{\"fats\":3}"), "/presets/0/params/fats: the script has no parameter"},
    {PRESET("\"strategy\":\"sma_cross\",\"name\":\"x\",\"params\":{\"fast\":0}"), "/presets/0/params/fast: fast = 0"},
    {PRESET("\"strategy\":\"sma_cross\",\"name\":\"x\",\"params\":{\"fast\":[]}"), "/presets/0/params/fast: a number"},
    {PRESET("\"strategy\":\"sma_cross\",\"name\":\"x\",\"params\":{\"fast\":50,\"slow\":40}"), "fast must be below slow"},
    {PRESET("\"strategy\":\"sma_cross\",\"name\":\"x\"},{\"strategy\":\"sma_cross\",\"name\":\"x\""), "/presets/1: sma_cross has a preset named x already"},
  };
  char outside[128], link[160];
  snprintf(outside, sizeof outside, "%s/outside.lua", dir);
  snprintf(link, sizeof link, "%s/link.lua", at);
  write_file(dir, "outside.lua", "rule{name='x', api=1} function on_signal() end");
  assert_int_equal(symlink(outside, link), 0);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    write_file(at, "edition.json", bad[i].manifest);
    if (load(at, &err) == OK) fail_msg("accepted: %s", bad[i].manifest);
    if (strstr(err.msg, bad[i].says) == NULL) fail_msg("%s\n  said: %s", bad[i].manifest, err.msg);
    assert_string_equal(registry_edition(reg), "acme");
  }
  write_file(at, "edition.json",
    PRESET("\"strategy\":\"sma_cross\",\"name\":\"Slow\",\"params\":{\"slow\":200,\"fast\":\"50\"}"));
  assert_int_equal(load(at, &err), OK);
  assert_int_equal(edition_get(reader(), &edition, &err), OK);
  assert_string_equal(edition.presets, "[{\"strategy\":\"sma_cross\",\"name\":\"Slow\",\"about\":\"\",\"params\":{\"slow\":200,\"fast\":\"50\"}}]");
  edition_row_finish(&edition);
  assert_int_equal(script_find(reader(), 0, "strategy", "sma_cross", &row, &err), OK);

  write_file(at, "edition.json", "{\"edition\":\"luno\"}");  // shipped tiers
  assert_int_equal(load(at, &err), OK);
  assert_string_equal(registry_plans(reg)->edition, "luno");
  registry_destroy(reg);
  reg = open_registry(NULL);
  assert_string_equal(registry_plans(reg)->edition, "luno");
  assert_int_equal(edition_use(reg, reader(), "acme", &err), OK);  // stored before
  assert_string_equal(registry_plans(reg)->edition, "acme");
  assert_string_equal(registry_edition(reg), "acme");
  assert_int_equal(edition_use(reg, reader(), "nobody", &err), ERR_INVALID);
  assert_int_equal(edition_use(reg, reader(), "A B", &err), ERR_INVALID);
  assert_string_equal(registry_plans(reg)->edition, "acme");
  struct registry *named;  // a setting beats the edition that was loaded last
  assert_int_equal(registry_create(reader(), &(struct registry_options){.edition = "mikrobot"}, &named, NULL, &err), OK);
  assert_string_equal(registry_plans(named)->edition, "mikrobot");
  registry_destroy(named);
  assert_int_equal(edition_use(reg, reader(), "luno", &err), OK);
  assert_string_equal(registry_plans(reg)->edition, "luno");
}

// What the database holds may have become unreadable for a newer engine: the service starts, and says so.
struct raw {
  struct script_put put;
  struct script_put_result result;
};
static enum status raw_fn(struct db *db, void *arg, struct err *err) {
  struct raw *r = arg;
  struct script_row row;
  enum status st = script_put(db, &r->put, &r->result, err);
  return st == OK ? script_activate(db, 0, r->result.script_id, 1, 0, 0, NOW, &row, err) : st;
}

static void starts_with_a_broken_script(void **state) {
  (void)state;
  struct err err;
  char sha[65];
  memset(sha, 'a', 64);
  sha[64] = '\0';
  static const char *const kinds[] = {"tier", "rule"};
  for (int i = 0; i < 2; i++) {
    struct raw r = {.put = {.kind = kinds[i],
                      .name = "dca",
                      .source = "broken(",
                      .source_len = 7,
                      .sha256 = sha,
                      .state = SCRIPT_PROVEN,
                      .script_id = 10 + i,
                      .version_id = 20 + i,
                      .now_ns = NOW}};
    assert_int_equal(store_write_sync(store, STORE_CONTROL, raw_fn, &r, &err), OK);
  }
  struct buf warnings;
  buf_init(&warnings, 4096);
  registry_destroy(reg);
  reg = open_registry(&warnings);
  assert_non_null(strstr(warnings.data, "tier dca: dca.lua:1:"));
  assert_non_null(strstr(warnings.data, "rule dca: dca.lua:1:"));
  assert_true(bots_now() == 1);  // the shipped one
  assert_null(snapshot_find(registry_snapshot(reg), SCRIPT_RULE, "dca"));
  buf_finish(&warnings);
}

static enum status ship_fn(struct db *db, void *arg, struct err *err) {
  (void)arg;
  return registry_ship(db, NULL, NOW, err);
}
static int64_t active_dialect(void) {
  struct err err;
  struct script_row row;
  assert_int_equal(script_find(reader(), 0, "dialect", "luno", &row, &err), OK);
  return row.active_version;
}

// What an older program shipped gives way to a newer program's; what an operator put does not.
static void ships_dialects(void **state) {
  (void)state;
  struct err err;
  struct script_put_result old;
  struct put_as { const char *comment; } by[] = {{"shipped with the program"}, {"mine"}};
  for (int i = 0; i < 2; i++) {
    if (i == 1) assert_int_equal((teardown(state), setup(state)), 0);
    comment_of_put = by[i].comment;
    assert_int_equal(put(SCRIPT_DIALECT, 0, "luno", DIALECT_TINY, &old, &err), OK);
    comment_of_put = NULL;
    assert_int_equal(activate(0, old.script_id, 1, 0, &err), OK);
    for (int again = 0; again < 2; again++) {
      assert_int_equal(store_write_sync(store, STORE_CONTROL, ship_fn, NULL, &err), OK);
      assert_int_equal(active_dialect(), i == 0 ? 2 : 1);
    }
  }
  // back to the older by choice: a restart of the same program leaves it
  assert_int_equal((teardown(state), setup(state)), 0);
  comment_of_put = "shipped with the program";
  assert_int_equal(put(SCRIPT_DIALECT, 0, "luno", DIALECT_TINY, &old, &err), OK);
  comment_of_put = NULL;
  assert_int_equal(store_write_sync(store, STORE_CONTROL, ship_fn, NULL, &err), OK);
  assert_int_equal(activate(0, old.script_id, 1, 0, &err), OK);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, ship_fn, NULL, &err), OK);
  assert_int_equal(active_dialect(), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(starts_with_the_shipped),
    TEST(activates_and_rolls_back),
    TEST(refuses_what_is_not_proven),
    TEST(strategies_are_proven_elsewhere),
    TEST(interleaved_activations),
    TEST(never_a_mix),
    TEST(editions),
    TEST(starts_with_a_broken_script),
    TEST(ships_dialects),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

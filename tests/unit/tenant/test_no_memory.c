// Each allocation fails once, in turn: plans, registry, editions, usage and diffs refuse with a message, leak nothing (the
// sanitizer build says so) and work again with the next call. malloc and its kin are wrapped by the linker; SQLite and the JSON
// library keep their own.
#include "dialect_source.h"
#include "scratch.h"
#include "tenant/edition.h"
#include "tenant/registry.h"
#include "tenant/shipped.h"
#include "tenant/text_diff.h"
#include "tenant/usage.h"

#include <sys/stat.h>

#define NOW (INT64_C(1790000000) * 1000000000)
#define ROUNDS_MAX 20000

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);

static long countdown;  // 0: nothing fails
static bool fails(void) { return countdown > 0 && --countdown == 0; }
void *__wrap_malloc(size_t size) { return fails() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t size) { return fails() ? NULL : __real_realloc(p, size); }
char *__wrap_strdup(const char *text) { return fails() ? NULL : __real_strdup(text); }

static struct store *store;
static struct registry *reg;
static char dir[64];
static struct db *reader(void) { return store_reader(store, STORE_CONTROL); }

static int setup(void **state) {
  (void)state;
  struct err err;
  struct registry_options options = {0};
  if (scratch_open(dir, &store) != 0) return 1;
  return registry_create(reader(), &options, &reg, NULL, &err) == OK ? 0 : 1;
}

static int teardown(void **state) {
  (void)state;
  registry_destroy(reg);
  scratch_close(dir, store);
  return 0;
}

// Runs op with the first, second, … allocation failing until none is left to fail. Returns how many there were.
static long each_allocation(enum status (*op)(struct err *err)) {
#ifdef __SANITIZE_ADDRESS__
  const long dense = 200, step = 13;  // each is slow there: the first ones, then some
#else
  const long dense = ROUNDS_MAX, step = 1;
#endif
  for (long n = 1; n < ROUNDS_MAX; n += n < dense ? 1 : step) {
    struct err err = {0};
    countdown = n;
    enum status st = op(&err);
    bool reached = countdown == 0;
    countdown = 0;
    if (st != OK) assert_true(err.msg[0] != '\0');
    if (!reached) {
      if (st != OK) fail_msg("%s", err.msg);
      return n - 1;
    }
  }
  fail_msg("more than %d allocations", ROUNDS_MAX);
  return 0;
}

static const char asking[] =
    "return tiers{ edition='x', currency='USD', default='a', base={limits={bots=1, pairs=1, pairs_per_bot=1, accounts=1, venues=1, strategies=1, members=1,"
    " trades_per_day=1, trades_per_month=1, api_calls_per_hour=1, api_calls_per_minute=1, backtests_per_day=1, backtest_parallel=1, backtest_seconds=1,"
    " lua_memory_kib=1, cpu_ms_per_s=1}}, tiers={{id='a', name='A', price_month='1'}}, allow=function(a, u) return #(a .. u.tier) > 0 end }";

static enum status ask_tiers(struct err *err) {
  struct tier_script *t;
  enum status st = tier_script_create("x.lua", asking, strlen(asking), NULL, &t, err);
  if (st != OK) return st;
  st = tier_script_prove(t, err);
  if (st == OK) {
    struct tier_question q = {.action = ACTION_BOT_START, .plan = &tier_script_set(t)->plans[0], .amount = 1};
    char reason[PLAN_REASON_MAX];
    bool failed;
    if (!tier_script_allow(t, &q, reason, &failed, err)) st = err->code;
  }
  tier_script_destroy(t);
  return st;
}

static enum script_kind kind;
static const char *source;
static enum status describe(struct err *err) {
  struct script_draft draft;
  enum status st = registry_describe(kind, "x", source, strlen(source), NULL, &draft, err);
  if (st == OK) script_draft_finish(&draft);
  return st;
}

static void scripts(void **state) {
  (void)state;
  assert_true(each_allocation(ask_tiers) > 5);
  static const char *const sources[] = {
    [SCRIPT_STRATEGY] = "strategy{name='x', api=1}\nfunction on_bar(ctx, bar) end", [SCRIPT_RULE] = "rule{name='x', api=1} function on_signal(s) end",
    [SCRIPT_TIER] = asking, [SCRIPT_DIALECT] = DIALECT_TINY};
  for (int i = 0; i < SCRIPT_KIND_COUNT; i++) {
    kind = (enum script_kind)i;
    source = sources[i];
    assert_true(each_allocation(describe) > 3);
  }
}

static enum status compare(struct err *err) {
  struct buf out;
  buf_init(&out, 4096);
  enum status st = text_diff(&out, "a", "1\n2\n3\n", 6, "b", "1\nx\n3\n", 6, err);
  buf_finish(&out);
  return st;
}

static enum status count_requests(struct err *err) {
  struct usage *u;
  struct usage_decision d;
  enum status st = usage_create(&u, err);
  if (st != OK) return st;
  for (int64_t t = 1; st == OK && t <= 300; t++) st = usage_api_call(u, reader(), registry_plans(reg), t << 22, NOW, &d, err);
  struct entitlement e;
  if (st == OK) st = entitlement_load(reader(), registry_plans(reg), 5, NOW, &e, err);
  if (st == OK) st = usage_check(u, reader(), registry_tiers(reg), &e, 5, ACTION_BOT_START, 1, NOW, &d, err);
  usage_destroy(u);
  return st;
}

static void usage_and_diffs(void **state) {
  (void)state;
  assert_true(each_allocation(compare) >= 5);
  assert_true(each_allocation(count_requests) >= 3);
}

static char edition_dir[128];
static enum status load_edition(struct err *err) {
  struct edition *e;
  struct activation *a;
  enum status st = edition_read(edition_dir, NULL, &e, err);
  if (st != OK) return st;
  st = edition_prepare(reg, reader(), e, &a, err);
  if (st == OK) registry_discard(a);
  edition_destroy(e);
  return st;
}

static enum status start(struct err *err) {
  struct registry *r;
  struct registry_options options = {0};
  struct buf warnings;
  buf_init(&warnings, 4096);
  enum status st = registry_create(reader(), &options, &r, &warnings, err);
  if (st == OK) registry_destroy(r);
  buf_finish(&warnings);
  return st;
}

static void write_file(const char *name, const char *content) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", edition_dir, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(content, f);
  assert_int_equal(fclose(f), 0);
}

static void editions(void **state) {
  (void)state;
  snprintf(edition_dir, sizeof edition_dir, "%s/e", dir);
  assert_int_equal(mkdir(edition_dir, 0700), 0);
  write_file("t.lua", asking);
  write_file("r.lua", "rule{name='x', api=1} function on_signal(s) end");
  write_file("l.svg", "<svg/>");
  write_file("edition.json", "{\"edition\":\"x\",\"tiers\":\"t.lua\",\"rules\":[\"r.lua\"],\"branding\":{\"logo\":\"l.svg\",\"colour\":\"#0a7\"}}");
  assert_true(each_allocation(load_edition) > 10);
  assert_true(each_allocation(start) > 5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
  const struct CMUnitTest tests[] = {TEST(scripts), TEST(usage_and_diffs), TEST(editions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

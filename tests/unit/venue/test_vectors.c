// The shipped dialects against what real clients sent and venues answered, and the judge itself: what it passes must fail when any
// leaf of an expectation is another.
#include "script/dialect.h"
#include "base/buf.h"
#include "venue/vector.h"
#include "venue/venue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared.h"

static const char *root(const char *rel) {
  static char paths[2][4096];
  static int turn;
  char *path = paths[turn = !turn];  // two can be held
  const char *dir = getenv("PERIGEE_ROOT");
  snprintf(path, sizeof paths[0], "%s/%s", dir != NULL ? dir : ".", rel);
  return path;
}

static struct dialect *load(const char *rel) {
  struct err err;
  struct buf source;
  struct dialect *d = NULL;
  buf_init(&source, 65536);
  enum status st = buf_read_file(&source, root(rel), &err);
  if (st == OK) st = dialect_create(strrchr(rel, '/') + 1, source.data, source.len, NULL, &d, &err);
  if (st != OK) fail_msg("%s", err.msg);
  buf_finish(&source);
  return d;
}

static struct vector_report judge(struct dialect *d, const char *path, const json_t *all) {
  struct vector_report r = {.notes = json_array()};
  struct err err = {0};
  if (vector_run(d, path, all, &r, &err) != OK) fail_msg("%s", err.msg);
  return r;
}

static int sum(const struct vector_report *r, enum vector_verdict v) {
  int n = 0;
  for (int k = 0; k < VECTOR_KIND_COUNT; k++) n += r->count[k][v];
  return n;
}

// All pass; returns how many.
static int all_pass(const char *dialect, const char *path) {
  json_error_t where;
  struct dialect *d = load(dialect);
  json_t *all = json_load_file(path, 0, &where);
  if (all == NULL) fail_msg("%s: %s", path, where.text);
  struct vector_report r = judge(d, path, all);
  if (sum(&r, VECTOR_FAILED) + sum(&r, VECTOR_SKIPPED) > 0) {
    char *notes = json_dumps(r.notes, JSON_INDENT(1));
    fail_msg("%s", notes);
  }
  int passed = sum(&r, VECTOR_PASSED);
  json_decref(r.notes);
  json_decref(all);
  dialect_destroy(d);
  return passed;
}

static void the_example(void **state) {
  (void)state;
  assert_true(all_pass("examples/venue/acorn.lua", root("examples/venue/acorn.vectors.json")) >= 10);
}
static void own_fixtures(void **state) {
  (void)state;
  assert_true(all_pass("lua/venues/bybit.lua", root("tests/fixtures/venue/bybit.vectors.json")) >= 30);
}
static void bybit(void **state) {
  (void)state;
  assert_true(all_pass("lua/venues/bybit.lua", shared_or_skip("brokers/bybit.vectors.json")) >= 100);
}
static void luno(void **state) {
  (void)state;
  assert_true(all_pass("lua/venues/luno.lua", shared_or_skip("brokers/luno.vectors.json")) >= 40);
}

// ---- the judge

// Changes the n-th leaf below v; false: there are not so many.
static bool spoil(json_t *v, int *n) {
  const char *key;
  json_t *item;
  size_t i;
  if (json_is_object(v)) {
    json_object_foreach(v, key, item) {
      if (strcmp(key, "body_raw") == 0 || strcmp(key, "query_raw") == 0 || strcmp(key, "string_to_sign") == 0) continue;
      if (json_is_object(item) || json_is_array(item)) {
        if (spoil(item, n)) return true;
      } else if ((*n)-- == 0) {
        if (json_is_boolean(item)) json_object_set_new(v, key, json_boolean(!json_is_true(item)));
        else if (json_is_string(item)) json_object_set_new(v, key, json_string("spoilt"));
        else json_object_set_new(v, key, json_real(json_number_value(item) * 1.5 + 1));
        return true;
      }
    }
  } else {
    json_array_foreach(v, i, item) {
      if (json_is_object(item) || json_is_array(item)) {
        if (spoil(item, n)) return true;
      } else if ((*n)-- == 0) {
        json_array_set_new(v, i, json_string("spoilt"));
        return true;
      }
    }
  }
  return false;
}

static void every_leaf_counts(const char *dialect, const char *path, int least) {
  static const char *const expectations[] = {"expect", "client_messages", "connect_urls", "signature"};
  struct dialect *d = load(dialect);
  json_t *all = json_load_file(path, 0, NULL), *vectors = json_object_get(all, "vectors"), *v;
  size_t i;
  int spoilt = 0;
  json_array_foreach(vectors, i, v) {
    for (size_t e = 0; e < sizeof expectations / sizeof *expectations; e++)
      for (int leaf = 0;; leaf++) {
        json_t *bad = json_deep_copy(v), *one = json_pack("{s:O, s:[o]}", "meta", json_object_get(all, "meta"), "vectors", bad);
        json_t *part = json_object_get(bad, expectations[e]);
        int n = leaf;
        bool there = json_is_string(part) ? leaf == 0 && json_object_set_new(bad, expectations[e], json_string("spoilt")) == 0
                                          : part != NULL && spoil(part, &n);
        if (!there) {
          json_decref(one);
          break;
        }
        struct vector_report r = judge(d, path, one);
        if (sum(&r, VECTOR_FAILED) != 1) {
          char *text = json_dumps(bad, JSON_COMPACT);
          fail_msg("passes with another leaf %d of %s: %s", leaf, expectations[e], text);
        }
        spoilt++;
        json_decref(r.notes);
        json_decref(one);
      }
  }
  assert_true(spoilt >= least);
  json_decref(all);
  dialect_destroy(d);
}

static void judges(void **state) {
  (void)state;
  every_leaf_counts("examples/venue/acorn.lua", root("examples/venue/acorn.vectors.json"), 60);
  every_leaf_counts("lua/venues/bybit.lua", root("tests/fixtures/venue/bybit.vectors.json"), 150);
}

static void skips_and_refuses(void **state) {
  (void)state;
  struct dialect *d = load("examples/venue/acorn.lua");
  static const struct {
    const char *vector, *why;
    enum vector_verdict verdict;
  } cases[] = {
    {"{'kind':'request','op':'create_order','input':{'symbol':'A/B','type':'limit','side':'buy','amount':1,'price':1,'params':{'iceberg':1}},'expect':{'method':'POST','path':'/v1/orders'}}",
     "'iceberg' has no word", VECTOR_SKIPPED},
    {"{'kind':'request','op':'create_order','input':{'symbol':'A/B:B','type':'limit','side':'buy','amount':1},'expect':{'method':'POST','path':'/x'}}", "no category linear", VECTOR_SKIPPED},
    {"{'kind':'request','op':'withdraw','input':{'method':'withdraw','args':[]},'expect':{}}", "no operation withdraw", VECTOR_SKIPPED},
    {"{'kind':'request','op':'create_order','input':{'symbol':'A/B','type':'market','side':'buy','amount':1,'params':{'stopPrice':2}},'expect':{'method':'POST','path':'/x'}}",
     "Acorn has no stops", VECTOR_SKIPPED},
    {"{'kind':'error','op':'error','http':{'status':400,'body':{'fault':'Eclipse'}},'suggested_action':'fatal_order'}", "not in the table", VECTOR_FAILED},
    {"{'kind':'error','op':'error','http':{'status':400,'body':{'fault':'Busy'}},'suggested_action':'fatal_order'}", "decided throttle", VECTOR_PASSED},
    {"{'kind':'error','op':'error','http':{'status':400,'body':{'fault':'Busy'}},'suggested_action':'fatal_order','action_source':'read'}", "decided throttle", VECTOR_FAILED},
    {"{'kind':'response','op':'open_orders','http':{'status':200,'body':{'orders':[{'id':'1','market':'A','side':'buy','state':'napping'}]}},'expect':[{'id':'1'}]}", "?napping", VECTOR_FAILED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[2048];
    snprintf(text, sizeof text, "{'vectors':[%s]}", cases[i].vector);
    for (char *p = text; *p != '\0'; p++)
      if (*p == '\'') *p = '"';
    json_t *all = json_loads(text, 0, NULL);
    char *quoted = strdup(cases[i].why);  // texts in the notes keep their quotes
    assert_non_null(all);
    struct vector_report r = judge(d, "x", all);
    const char *why = json_string_value(json_object_get(json_array_get(r.notes, 0), "why"));
    if (sum(&r, cases[i].verdict) != 1 || why == NULL || strstr(why, quoted) == NULL) fail_msg("%s: %s", text, why != NULL ? why : "no note");
    free(quoted);
    json_decref(r.notes);
    json_decref(all);
  }
  struct vector_report r = {.notes = json_array()};
  struct err err;
  json_t *all = json_pack("{s:[{s:s}]}", "vectors", "kind", "poem");
  assert_int_equal(vector_run(d, "x", all, &r, &err), ERR_INVALID);
  json_decref(all);
  json_decref(r.notes);
  dialect_destroy(d);
}

// A history that is longer than the venue gives at once: every week is asked for, with the venue's own pages in it, and then it ends.
static void weeks(void **state) {
  (void)state;
  struct dialect *d = load("lua/venues/bybit.lua");
  const int64_t day = 86400000, now = 1700000000000, since = now - 16 * day;
  const struct dialect_env env = {.now_ms = now};
  struct err err;
  static const struct {
    const char *answer;  // the venue's cursor
    int day;             // the week begins so many days after since
    const char *cursor;  // as it is asked for
    bool ends;           // there is an endTime
  } pages[] = {{"a%3A1%2Cb", 0, NULL, true}, {"", 0, "cursor=a%3A1%2Cb", true}, {"", 7, NULL, true}, {"x", 14, NULL, false}, {"", 14, "cursor=x", false}};
  json_t *args = json_pack("{s:s, s:I}", "symbol", "BTCUSDT", "since_ms", (json_int_t)since);
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
    struct dialect_request r;
    struct dialect_answer a;
    char want[64], body[256];
    assert_int_equal(dialect_request(d, DIALECT_FILLS, args, &env, &r, &err), OK);
    snprintf(want, sizeof want, "startTime=%lld", (long long)(since + pages[i].day * day));
    if (strstr(r.query, want) == NULL || (strstr(r.query, "endTime=") != NULL) != pages[i].ends) fail_msg("page %zu: %s", i, r.query);
    if (pages[i].cursor != NULL ? strstr(r.query, pages[i].cursor) == NULL : strstr(r.query, "cursor=") != NULL) fail_msg("page %zu: %s", i, r.query);
    dialect_request_finish(&r);
    snprintf(body, sizeof body, "{\"retCode\":0,\"result\":{\"list\":[],\"nextPageCursor\":\"%s\"},\"time\":%lld}", pages[i].answer, (long long)now);
    assert_int_equal(dialect_response(d, DIALECT_FILLS, 200, body, strlen(body), args, &a, &err), OK);
    assert_int_equal(a.next == NULL, i + 1 == sizeof pages / sizeof *pages);
    if (a.next != NULL) json_object_set(args, "cursor", a.next);
    dialect_answer_finish(&a);
  }
  json_decref(args);
  dialect_destroy(d);
}

// The words of script/ and those of the venue interface are the same list.
static void reasons_agree(void **state) {
  (void)state;
  for (int w = 0; w < VENUE_WHY_COUNT; w++) assert_true(dialect_why_known(venue_why_text((enum venue_why)w)));
  enum venue_why w;
  static const char *const ours[] = {"none", "credentials", "clock", "throttled", "duplicate", "not_found", "done", "unchanged", "funds", "price",
    "quantity", "notional", "post_only", "reduce_only", "limit", "closed", "liquidation", "self_trade", "time", "asked", "request", "unsupported", "other"};
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) assert_true(dialect_why_known(ours[i]) && venue_why_parse(ours[i], &w));
  assert_false(dialect_why_known("weather"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_example), cmocka_unit_test(own_fixtures), cmocka_unit_test(bybit), cmocka_unit_test(luno),
    cmocka_unit_test(judges), cmocka_unit_test(skips_and_refuses), cmocka_unit_test(weeks), cmocka_unit_test(reasons_agree)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

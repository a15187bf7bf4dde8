// Stages and the process's answers, without a process: order, refusals, changes that the next stage sees, scores, missing and broken sources.
#include "signal/rules_child.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rules_kept *kept;

// stages: JSON with ' for ".
static json_t *ask(const char *stages, const char *signal) {
  char line[4000];
  snprintf(line, sizeof line, "{'n':7,'signal':%s,'env':{'now_ms':1700000000000,'accepted':[],'today':3},'stages':[%s]}", signal, stages);
  for (char *p = line; *p; p++)
    if (*p == '\'') *p = '"';
  char *text = rules_answer(kept, line, strlen(line));
  json_t *v = text ? json_loads(text, 0, NULL) : NULL;
  free(text);
  return v;
}

#define SOURCE(body) "rule{name=[[x]],api=1,settings={most={default=2,max=9}}} function on_signal(s,env) " body " end"

static void stages(void **state) {
  (void)state;
  json_t *v = ask("{'name':'one','sha':'a','file':'a.lua','source':'" SOURCE("return {score=env.settings.most*10,set={size=s.size+1,sl=false}}") "','settings':{'most':3}},"
                  "{'name':'two','sha':'b','file':'b.lua','source':'" SOURCE("return {note=s.size .. [[ ]] .. env.scores.one .. [[ ]] .. env.today .. tostring(s.sl) .. s.data.x,set={symbol=[[B]]}}") "'}",
    "{'size':1.5,'sl':9,'raw':'{\\'x\\':5}'}");
  assert_int_equal(json_integer_value(json_object_get(v, "n")), 7);
  assert_true(json_is_true(json_object_get(v, "accept")));
  const json_t *log = json_object_get(v, "log"), *s = json_object_get(v, "signal");
  assert_int_equal(json_array_size(log), 2);
  assert_true(json_number_value(json_object_get(json_array_get(log, 0), "score")) == 30);
  assert_string_equal(json_string_value(json_object_get(json_array_get(log, 1), "note")), "2.5 30.0 3nil5");
  assert_string_equal(json_string_value(json_object_get(s, "symbol")), "B");
  assert_true(json_number_value(json_object_get(s, "size")) == 2.5);
  assert_null(json_object_get(s, "sl"));
  assert_null(json_object_get(s, "data"));
  json_decref(v);
}

static void the_first_refusal_ends_it(void **state) {
  (void)state;
  json_t *v = ask("{'name':'no','sha':'c','file':'c.lua','source':'" SOURCE("return false,[[not now]]") "'},{'name':'one','sha':'a','file':'a.lua'}", "{'size':1}");
  assert_true(json_is_false(json_object_get(v, "accept")));
  assert_int_equal(json_array_size(json_object_get(v, "log")), 1);
  assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(v, "log"), 0), "reason")), "not now");
  json_decref(v);
}

static void broken(void **state) {
  (void)state;
  json_t *v = ask("{'name':'x','sha':'nosuch','file':'x.lua'}", "{}");
  assert_true(json_is_true(json_object_get(v, "missing")));
  json_decref(v);
  for (int twice = 0; twice < 2; twice++) {  // what does not load is remembered, too
    v = ask(twice ? "{'name':'x','sha':'d','file':'x.lua'}" : "{'name':'x','sha':'d','file':'x.lua','source':'rule{'}", "{}");
    assert_true(json_is_false(json_object_get(v, "accept")));
    const json_t *e = json_array_get(json_object_get(v, "log"), 0);
    assert_string_equal(json_string_value(json_object_get(e, "reason")), "the rule does not load");
    assert_non_null(strstr(json_string_value(json_object_get(e, "error")), "x.lua:1"));
    json_decref(v);
  }
  v = ask("{'name':'x','sha':'e','file':'x.lua','source':'" SOURCE("error([[oh]])") "'}", "{}");
  assert_true(json_is_false(json_object_get(v, "accept")));
  assert_non_null(strstr(json_string_value(json_object_get(json_array_get(json_object_get(v, "log"), 0), "error")), "oh"));
  json_decref(v);
  v = ask("{'name':'one','sha':'a','file':'a.lua','settings':{'most':10}}", "{'size':1}");  // beyond its bounds
  assert_true(json_is_false(json_object_get(v, "accept")));
  assert_non_null(strstr(json_string_value(json_object_get(json_array_get(json_object_get(v, "log"), 0), "error")), "above 9"));
  json_decref(v);
  assert_null(rules_answer(kept, "{", 1));
  assert_null(rules_answer(kept, "{\"n\":1}", 7));
}

// More sources than are kept: the one not used for longest goes, and is asked for again.
static void keeps_the_latest(void **state) {
  (void)state;
  char stage[400];
  for (int i = 0; i < RULES_KEPT; i++) {
    snprintf(stage, sizeof stage, "{'name':'x','sha':'f%d','file':'x.lua','source':'" SOURCE("return true") "'}", i);
    json_t *v = ask(stage, "{}");
    assert_true(json_is_true(json_object_get(v, "accept")));
    json_decref(v);
  }
  json_t *v = ask("{'name':'x','sha':'a','file':'a.lua'}", "{}");
  assert_true(json_is_true(json_object_get(v, "missing")));
  json_decref(v);
  v = ask("{'name':'x','sha':'f0','file':'x.lua'}", "{}");
  assert_true(json_is_true(json_object_get(v, "accept")));
  json_decref(v);
}

static int make(void **state) { return (void)state, (kept = rules_kept_create()) ? 0 : -1; }
static int unmake(void **state) { return (void)state, rules_kept_destroy(kept), 0; }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(stages), cmocka_unit_test(the_first_refusal_ends_it), cmocka_unit_test(broken), cmocka_unit_test(keeps_the_latest)};
  return cmocka_run_group_tests(tests, make, unmake);
}

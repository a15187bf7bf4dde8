// Stages and the process's answers, without a process: order, refusals, changes that the next stage sees, scores, missing and broken sources.
#include "signal/rules_child.h"
#include "base/json.h"
#include "script/rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rules_kept *kept;

static json_t *say(const char *line, bool *ret_good) {
  char *text = rules_answer(kept, line, strlen(line), ret_good);
  json_t *v = text ? json_loads(text, 0, NULL) : NULL;
  free(text);
  return v;
}

// ' stands for ".
static void tell(const char *key, const char *source) {
  bool good;
  json_t *line = json_pack("{s:{s:s, s:s+, s:s}}", "tell", "key", key, "file", key, ".lua", "source", source);
  char *text = json_dumps(line, 0);
  assert_null(say(text, &good));
  assert_true(good);
  json_decref(line);
  free(text);
}

static json_t *ask(const char *stages, const char *signal) {
  char line[4000];
  bool good;
  snprintf(line, sizeof line, "{'n':7,'signal':%s,'env':{'now_ms':1700000000000,'today':3},'stages':[%s]}", signal, stages);
  for (char *p = line; *p; p++)
    if (*p == '\'') *p = '"';
  return say(line, &good);
}

#define SOURCE(body) "rule{name=[[x]],api=1,settings={most={default=2,max=9}}} function on_signal(s,env) " body " end"

static void stages(void **state) {
  (void)state;
  tell("a", SOURCE("return {score=env.settings.most*10,set={size=s.size+1,sl=false}}"));
  tell("b", SOURCE("return {note=s.size .. [[ ]] .. env.scores.one .. [[ ]] .. env.today .. tostring(s.sl) .. s.data.x,set={symbol=[[B]]}}"));
  json_t *v = ask("{'name':'one','key':'a','settings':{'most':3}},{'name':'two','key':'b'}", "{'size':1.5,'sl':9,'raw':'{\\'x\\':5}'}");
  assert_true(json_is_integer(json_object_get(v, "us")));
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
  tell("c", SOURCE("return false,[[not now]]"));
  json_t *v = ask("{'name':'no','key':'c'},{'name':'one','key':'a'}", "{'size':1}");
  assert_true(json_is_false(json_object_get(v, "accept")));
  assert_int_equal(json_array_size(json_object_get(v, "log")), 1);
  assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(v, "log"), 0), "reason")), "not now");
  json_decref(v);
}

static void broken(void **state) {
  (void)state;
  json_t *v = ask("{'name':'x','key':'nosuch'}", "{}");
  assert_true(json_is_true(json_object_get(v, "missing")));
  json_decref(v);
  for (int twice = 0; twice < 2; twice++) {  // what does not load is remembered, too
    if (!twice) tell("x", "rule{");
    v = ask("{'name':'x','key':'x'}", "{}");
    assert_true(json_is_false(json_object_get(v, "accept")));
    const json_t *e = json_array_get(json_object_get(v, "log"), 0);
    assert_string_equal(json_string_value(json_object_get(e, "reason")), "the rule does not load");
    assert_non_null(strstr(json_string_value(json_object_get(e, "error")), "x.lua:1"));
    json_decref(v);
  }
  tell("e", SOURCE("error([[oh]])"));
  v = ask("{'name':'x','key':'e'}", "{}");
  assert_true(json_is_false(json_object_get(v, "accept")));
  assert_non_null(strstr(json_string_value(json_object_get(json_array_get(json_object_get(v, "log"), 0), "error")), "oh"));
  json_decref(v);
  v = ask("{'name':'one','key':'a','settings':{'most':10}}", "{'size':1}");  // beyond its bounds
  assert_true(json_is_false(json_object_get(v, "accept")));
  assert_non_null(strstr(json_string_value(json_object_get(json_array_get(json_object_get(v, "log"), 0), "error")), "above 9"));
  json_decref(v);
  bool good;
  static const char *const wrong[] = {"{", "{\"n\":1}", "{\"tell\":{}}", "{\"tell\":{\"key\":\"\",\"file\":\"x\",\"source\":\"\"}}", "[]"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_null(say(wrong[i], &good));
    assert_false(good);
  }
}

// What the hook accepted comes behind a tab, and each stage has it afresh.
static void accepted_behind_a_tab(void **state) {
  (void)state;
  bool good;
  tell("p", SOURCE("local l=env.accepted local n=#l .. (l[1] and l[1].symbol or [[-]]) for _,e in ipairs(l) do n=n .. e.action end l[1]=nil env.accepted[2]=7 return {note=n .. tostring(env.accepted[1]) .. env.accepted[2]}"));
  json_t *v = say("{\"n\":1,\"signal\":{},\"env\":{},\"stages\":[{\"name\":\"x\",\"key\":\"p\"},{\"name\":\"y\",\"key\":\"p\"}]}\t[{\"symbol\":\"A\",\"action\":\"buy\"}]", &good);
  for (size_t i = 0; i < 2; i++) assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(v, "log"), i), "note")), "1Abuynil7");
  json_decref(v);
  tell("q", SOURCE("return {note=tostring(#env.accepted) .. tostring(env.nothing)}"));
  static const char *const none[] = {"", "\t", "\tnonsense"};
  for (size_t i = 0; i < 3; i++) {
    char line[200];
    snprintf(line, sizeof line, "{\"n\":1,\"signal\":{},\"env\":{},\"stages\":[{\"name\":\"x\",\"key\":\"q\"}]}%s", none[i]);
    v = say(line, &good);
    assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(v, "log"), 0), "note")), "0nil");
    json_decref(v);
  }
}

// One that its budgets stop again and again says so; forgotten and told anew it is asked again.
static void worn(void **state) {
  (void)state;
  bool good;
  tell("w", SOURCE("while true do end"));
  tell("same", SOURCE("while true do end"));
  for (int i = 1; i <= RULE_KILLS_MAX; i++) {
    json_t *v = ask("{'name':'first','key':'a'},{'name':'x','key':'w'}", "{'size':1}");
    assert_true(json_is_false(json_object_get(v, "accept")));
    if (i < RULE_KILLS_MAX) assert_null(json_object_get(v, "worn"));
    else assert_int_equal(json_integer_value(json_object_get(v, "worn")), 1);
    json_decref(v);
  }
  json_t *v = ask("{'name':'x','key':'same'}", "{}");  // the same source by another key has its own past
  assert_null(json_object_get(v, "worn"));
  json_decref(v);
  assert_null(say("{\"drop\":\"w\"}", &good));
  assert_true(good);
  v = ask("{'name':'x','key':'w'}", "{}");
  assert_true(json_is_true(json_object_get(v, "missing")));
  json_decref(v);
}

// A rule keeps nothing that one of another key finds.
static void shares_nothing(void **state) {
  (void)state;
  static const char *const keys[] = {"1:s", "2:s"};
  for (int i = 0; i < 2; i++) {
    tell(keys[i], "rule{name=[[x]],api=1} local seen function on_signal(s,env) local was=seen seen=s.key return {note=tostring(was)} end");
    char stage[60];
    snprintf(stage, sizeof stage, "{'name':'x','key':'%s'}", keys[i]);
    json_t *v = ask(stage, "{'key':'mine'}");
    assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(v, "log"), 0), "note")), "nil");
    json_decref(v);
  }
}

// More sources than are kept: the one not used for longest goes, and is asked for again.
static void keeps_the_latest(void **state) {
  (void)state;
  char key[20], stage[60];
  for (int i = 0; i < RULES_KEPT; i++) {
    snprintf(key, sizeof key, "f%d", i);
    tell(key, SOURCE("return true"));
  }
  json_t *v = ask("{'name':'x','key':'a'}", "{}");
  assert_true(json_is_true(json_object_get(v, "missing")));
  json_decref(v);
  for (int i = 0; i < RULES_KEPT; i += RULES_KEPT - 1) {
    snprintf(stage, sizeof stage, "{'name':'x','key':'f%d'}", i);
    v = ask(stage, "{}");
    assert_true(json_is_true(json_object_get(v, "accept")));
    json_decref(v);
  }
}

static int make(void **state) { return (void)state, (kept = rules_kept_create()) ? 0 : -1; }
static int unmake(void **state) { return (void)state, rules_kept_destroy(kept), 0; }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(stages), cmocka_unit_test(the_first_refusal_ends_it), cmocka_unit_test(broken), cmocka_unit_test(accepted_behind_a_tab), cmocka_unit_test(worn), cmocka_unit_test(shares_nothing), cmocka_unit_test(keeps_the_latest)};
  return cmocka_run_group_tests(tests, make, unmake);
}

// Rules: what they answer and how it is read, settings, refusals of everything that is no answer, and the shipped rules against
// the vectors in tests/lua/rules: [{"rule", "settings", "signal", "env", "accept", "reason"?, "score"?, "set"?, "note"?}].
#include "script/rule.h"

#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "rule{name='x', api=1}\n"

static struct rule *make(const char *source) {
  struct err err;
  struct rule *r = NULL;
  if (rule_create("r.lua", source, strlen(source), NULL, &r, &err) != OK) fail_msg("%s", err.msg);
  return r;
}

static enum status ask(struct rule *r, const char *signal, const char *env, struct rule_verdict *v, struct err *err) {
  json_t *s = json_loads(signal, 0, NULL), *e = json_loads(env, 0, NULL);
  assert_non_null(s);
  assert_non_null(e);
  const enum status st = rule_ask(r, s, e, v, err);
  json_decref(s);
  json_decref(e);
  return st;
}

static void answers(void **state) {
  (void)state;
  struct err err;
  struct rule_verdict v;
  struct rule *r = make(HEAD "function on_signal(s, env)\n"
                             "  if s.action == 'yes' then return true end\n"
                             "  if s.action == 'no' then return false, 'not\\ntoday' end\n"
                             "  if s.action == 'bare' then return false end\n"
                             "  if s.action == 'table' then return {score=s.size * 2, note='n', set={symbol='B', size=s.size + 0.25, sl=false}} end\n"
                             "  if s.action == 'refuse' then return {accept=false, reason='r', score=1} end\n"
                             "  if s.action == 'empty' then return {} end\n"
                             "end");
  assert_int_equal(ask(r, "{\"action\":\"yes\"}", "{}", &v, &err), OK);
  assert_true(v.accept && !v.has_score && !v.set && !v.reason[0]);
  assert_int_equal(ask(r, "{\"action\":\"no\"}", "{}", &v, &err), OK);
  assert_false(v.accept);
  assert_non_null(strstr(v.reason, "not"));
  assert_null(strchr(v.reason, '\n'));
  assert_int_equal(ask(r, "{\"action\":\"bare\"}", "{}", &v, &err), OK);
  assert_string_equal(v.reason, "refused without a reason");
  assert_int_equal(ask(r, "{\"action\":\"table\",\"size\":0.5}", "{}", &v, &err), OK);
  assert_true(v.accept && v.has_score && v.score == 1.0);
  assert_string_equal(v.note, "n");
  assert_string_equal(json_string_value(json_object_get(v.set, "symbol")), "B");
  assert_true(json_real_value(json_object_get(v.set, "size")) == 0.75);
  assert_true(json_is_false(json_object_get(v.set, "sl")));
  rule_verdict_finish(&v);
  assert_int_equal(ask(r, "{\"action\":\"refuse\"}", "{}", &v, &err), OK);
  assert_false(v.accept);
  assert_string_equal(v.reason, "r");
  assert_int_equal(ask(r, "{\"action\":\"empty\"}", "{}", &v, &err), OK);
  assert_true(v.accept);
  assert_int_equal(ask(r, "{\"action\":\"forgot\"}", "{}", &v, &err), ERR_SCRIPT);  // no return: not accepted
  assert_false(v.accept);
  assert_string_equal(v.reason, "the rule failed");
  rule_destroy(r);
}

static void refuses_what_is_no_answer(void **state) {
  (void)state;
  static const char *const returns[] = {"1", "'yes'", "{accept=1}", "{acept=true}", "{score='high'}", "{score=0/0}", "{set=1}", "{set={source='me'}}", "{set={size='1'}}", "{set={size=1/0}}",
    "{set={1,2}}", "{set={symbol=string.rep('x', 41)}}", "on_signal", "{set={symbol=on_signal}}"};
  for (size_t i = 0; i < sizeof returns / sizeof *returns; i++) {
    char source[200];
    struct err err;
    struct rule_verdict v;
    snprintf(source, sizeof source, HEAD "function on_signal(s) return %s end", returns[i]);
    struct rule *r = make(source);
    if (ask(r, "{}", "{}", &v, &err) != ERR_SCRIPT || v.accept || v.set) fail_msg("%s was taken", returns[i]);
    rule_destroy(r);
  }
}

static void hostile(void **state) {
  (void)state;
  struct err err;
  struct rule_verdict v;
  struct rule *r = make(HEAD "function on_signal(s) while true do end end");
  for (int i = 0; i < RULE_KILLS_MAX; i++) {
    assert_int_equal(ask(r, "{}", "{}", &v, &err), ERR_BUDGET);
    assert_false(v.accept);
  }
  assert_int_equal(ask(r, "{}", "{}", &v, &err), ERR_BUDGET);
  assert_non_null(strstr(err.msg, "not asked any more"));
  rule_destroy(r);
  r = make(HEAD "kept={} function on_signal(s) for i=1,1e9 do kept[#kept+1]=string.rep('x', 1000) .. i end return true end");
  assert_int_equal(ask(r, "{}", "{}", &v, &err), ERR_BUDGET);
  rule_destroy(r);
  r = make(HEAD "function on_signal(s) error('no ' .. s.symbol) end");
  assert_int_equal(ask(r, "{\"symbol\":\"A\"}", "{}", &v, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "r.lua:2: no A"));
  rule_destroy(r);
  // What it does to the signal it was given changes nothing.
  r = make(HEAD "function on_signal(s, env) s.size = 99 env.settings.max = 99 return true end");
  json_t *s = json_pack("{s:f}", "size", 1.0), *e = json_pack("{s:{s:i}}", "settings", "max", 1);
  assert_int_equal(rule_ask(r, s, e, &v, &err), OK);
  assert_true(json_real_value(json_object_get(s, "size")) == 1.0);
  json_decref(s);
  json_decref(e);
  rule_destroy(r);
}

// What was accepted before: the whole list, and the walk over it.
static void past(void **state) {
  (void)state;
  static const char list[] = "[{\"received_ms\":90,\"symbol\":\"A\",\"action\":\"buy\",\"key\":\"k\\\"}{1\"},{\"received_ms\":80,\"symbol\":\"B\",\"action\":\"sell\"},"
    "{\"received_ms\":70,\"symbol\":\"A\",\"action\":\"sell\",\"source\":\"\u00e4,\\\\\"},{\"received_ms\":60,\"action\":\"\",\"symbol\":\"A\"}]";
  static const struct { const char *body, *says; } cases[] = {
    {"for o in accepted{} do t = t .. o.received_ms .. (o.symbol or '') .. ' ' end", "90A 80B 70A 60A "},
    {"for o in accepted{symbol='A'} do t = t .. o.received_ms .. ' ' end", "90 70 60 "},
    {"for o in accepted{symbol='A', since_ms=70} do t = t .. o.received_ms .. ' ' end", "90 70 "},
    {"for o in accepted{symbol='A', action='sell'} do t = t .. o.source end", "\u00e4,\\"},
    {"for o in accepted{key='k\"}{1'} do t = t .. o.received_ms .. o.key end", "90k\"}{1"},
    {"for o in accepted{source='\u00e4,\\\\'} do t = t .. o.received_ms end", "70"},
    {"for o in accepted{key=false, source=false} do t = t .. o.received_ms .. ' ' end", "80 60 "},
    {"for o in accepted{action=''} do t = t .. o.received_ms end", "60"},
    {"for o in accepted{symbol='received_ms'} do t = t .. 'no' end t = t .. 'none'", "none"},
    {"local walk = accepted{symbol='B'} t = walk().action .. tostring(walk()) .. tostring(walk())", "sellnilnil"},
    {"local a, b = accepted{}, accepted{symbol='B'} t = a().received_ms .. b().received_ms .. a().received_ms", "908080"},
    {"for i, o in ipairs(env.accepted) do t = t .. i .. o.symbol .. #env.accepted .. ' ' end", "1A4 2B4 3A4 4A4 "},
    {"t = tostring(env.accepted == env.accepted) .. type(next(env.accepted))", "truenumber"},
    {"t = tostring(pcall(accepted, {symbl='A'}))", "false"}, {"t = tostring(pcall(accepted, {symbol=1}))", "false"}, {"t = tostring(pcall(accepted, {symbol=true}))", "false"},
    {"t = tostring(pcall(accepted, {since_ms=1.5}))", "false"}, {"t = tostring(pcall(accepted))", "false"}, {"t = select(2, pcall(accepted, {nme='A'}))", "since_ms is a whole number; 'nme' is"}};
  json_t *e = json_pack("{s:s}", "accepted", list), *s = json_object();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char source[600];
    struct err err;
    struct rule_verdict v;
    snprintf(source, sizeof source, HEAD "function on_signal(s, env) local t = '' %s return {note=t} end", cases[i].body);
    struct rule *r = make(source);
    if (rule_ask(r, s, e, &v, &err) != OK) fail_msg("%s: %s", cases[i].body, err.msg);
    if (cases[i].says[0] == 's' && cases[i].says[1] == 'i' ? !strstr(v.note, cases[i].says) : strcmp(v.note, cases[i].says) != 0) fail_msg("%s: '%s'", cases[i].body, v.note);
    rule_verdict_finish(&v);
    rule_destroy(r);
  }
  // Without a list there is an empty one; a walk that was kept ends with its call; nothing of it works while the file is read.
  struct err err;
  struct rule_verdict v;
  struct rule *r = make(HEAD "local kept function on_signal(s, env)\n"
    "  if kept then kept() end\n"
    "  kept = accepted{}\n"
    "  return kept() == nil and #env.accepted == 0\nend");
  assert_int_equal(ask(r, "{}", "{}", &v, &err), OK);
  assert_true(v.accept);
  assert_int_equal(rule_ask(r, s, e, &v, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "r.lua:3: accepted: a walk ends with the call"));
  rule_destroy(r);
  static const char early[] = HEAD "accepted{}\nfunction on_signal() return true end";
  assert_int_equal(rule_create("r.lua", early, strlen(early), NULL, &r, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "inside on_signal only"));
  json_decref(e);
  json_decref(s);
}

static void settings(void **state) {
  (void)state;
  struct err err;
  json_t *full = NULL;
  struct rule *r = make("rule{name='x', api=1, settings={max={default=5, min=1, max=10, about='most'}, part={default=0.5, min=0, max=1}, mode={default='any', one_of={'any', 'all'}}, on={default=true},\n"
                        "names={default={}}}}\nfunction on_signal() return true end");
  const json_t *list = rule_settings(r);
  assert_int_equal(json_array_size(list), 5);
  assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "name")), "max");
  assert_int_equal(rule_settings_fill(list, NULL, &full, &err), OK);
  assert_int_equal(json_integer_value(json_object_get(full, "max")), 5);
  assert_string_equal(json_string_value(json_object_get(full, "mode")), "any");
  json_decref(full);
  static const struct { const char *given, *says; } wrongs[] = {
    {"{\"mx\":1}", "is 'max' meant?"}, {"{\"max\":11}", "above 10"}, {"{\"max\":0}", "below 1"}, {"{\"max\":1.5}", "a whole number"}, {"{\"max\":\"1\"}", "a whole number"}, {"{\"part\":2}", "above 1"},
    {"{\"mode\":\"al\"}", "is 'all' meant?"}, {"{\"on\":1}", "true or false"}, {"{\"names\":[]}", "an object"}, {"{\"names\":{\"a\":1}}", "maps a text"}, {"{\"zzzzzz\":1}", "does not exist"}};
  for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
    json_t *given = json_loads(wrongs[i].given, 0, NULL);
    assert_int_equal(rule_settings_fill(list, given, &full, &err), ERR_INVALID);
    if (!strstr(err.msg, wrongs[i].says)) fail_msg("%s: %s", wrongs[i].given, err.msg);
    json_decref(given);
  }
  json_t *given = json_loads("{\"part\":1,\"names\":{\"a\":\"b\"}}", 0, NULL);
  assert_int_equal(rule_settings_fill(list, given, &full, &err), OK);
  assert_true(json_is_real(json_object_get(full, "part")));
  json_decref(given);
  json_decref(full);
  rule_destroy(r);
  r = make("rule{name='x', api=1, settings={at={default='9:00', form='time'}, zone={default='UTC', form='zone'}}}\nfunction on_signal() return true end");
  static const struct { const char *given, *says; } forms[] = {
    {"{}", ""}, {"{\"at\":\"24:00\"}", ""}, {"{\"at\":\"00:59\",\"zone\":\"UTC\"}", ""}, {"{\"at\":\"24:01\"}", "settings.at must be a time of day"}, {"{\"at\":\"8:3\"}", "settings.at"}, {"{\"at\":\"8.30\"}", "settings.at"},
    {"{\"at\":\"10:60\"}", "settings.at"}, {"{\"at\":\":30\"}", "settings.at"}, {"{\"at\":\"008:30\"}", "settings.at"}, {"{\"at\":\"\"}", "settings.at"}, {"{\"at\":\"1:2:3\"}", "settings.at"},
    {"{\"zone\":\"Mars/Base\"}", "settings.zone must be the IANA name"}, {"{\"zone\":\"../UTC\"}", "settings.zone"}, {"{\"zne\":\"UTC\"}", "is 'zone' meant?"}};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    json_t *as = json_loads(forms[i].given, 0, NULL);
    if (rule_settings_check(rule_settings(r), as, &err) != (*forms[i].says ? ERR_INVALID : OK) || (*forms[i].says && !strstr(err.msg, forms[i].says))) fail_msg("%s: %s", forms[i].given, err.msg);
    json_decref(as);
  }
  rule_destroy(r);
  static const struct { const char *head, *says; } headers[] = {
    {"settings={a={}}", "default is missing"}, {"settings={a=1}", "must be a table"}, {"settings={A={default=1}}", "lower-case"}, {"settings={a={default=1, mx=2}}", "mx"},
    {"settings={a={default=1, max=0}}", "above 0"}, {"settings={a={default='x', min=1}}", "only numbers"}, {"settings={a={default='x', one_of={'y'}}}", "none of y"}, {"settings={a={default=function() end}}", "default is missing"},
    {"setting={}", "settings"}, {"settings={a={default=1, form='time'}}", "only of texts"}, {"settings={a={default='x', form='day'}}", "there are time and zone"}};
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    char source[300];
    snprintf(source, sizeof source, "rule{name='x', api=1, %s}\nfunction on_signal() return true end", headers[i].head);
    assert_int_equal(rule_create("r.lua", source, strlen(source), NULL, &r, &err), ERR_SCRIPT);
    if (!strstr(err.msg, headers[i].says)) fail_msg("%s: %s", headers[i].head, err.msg);
  }
}

// ---- the shipped rules

static char *slurp(const char *folder, const char *name, const char *end) {
  char path[1000];
  const char *root = getenv("PERIGEE_ROOT");
  snprintf(path, sizeof path, "%s/%s/%s%s", root ? root : ".", folder, name, end);
  FILE *f = fopen(path, "rb");
  if (!f) fail_msg("%s is missing", path);
  char *text = calloc(1, 262144);
  assert_true(fread(text, 1, 262143, f) > 0);
  fclose(f);
  return text;
}

static json_t *env_of(const struct rule *r, const json_t *vector) {
  struct err err;
  json_t *env = json_deep_copy(json_object_get(vector, "env")), *full = NULL;
  if (!env) env = json_object();
  if (rule_settings_fill(rule_settings(r), json_object_get(vector, "settings"), &full, &err) != OK) fail_msg("%s", err.msg);
  json_object_set_new(env, "settings", full);
  if (!json_object_get(env, "scores")) json_object_set_new(env, "scores", json_object());
  char *past = json_dumps(json_object_get(env, "accepted"), JSON_COMPACT);
  if (past) json_object_set_new(env, "accepted", json_string(past));
  free(past);
  if (!json_object_get(env, "today")) json_object_set_new(env, "today", json_integer(0));
  if (!json_object_get(env, "now_ms")) json_object_set_new(env, "now_ms", json_integer(1700000000000));
  return env;
}

static void check_vector(struct rule *r, const char *name, size_t i, const json_t *vector) {
  struct err err;
  struct rule_verdict v;
  json_t *env = env_of(r, vector);
  if (rule_ask(r, json_object_get(vector, "signal"), env, &v, &err) != OK) fail_msg("%s[%zu]: %s", name, i, err.msg);
  if (v.accept != json_is_true(json_object_get(vector, "accept"))) fail_msg("%s[%zu]: accept %d, reason '%s'", name, i, v.accept, v.reason);
  const char *reason = json_string_value(json_object_get(vector, "reason")), *note = json_string_value(json_object_get(vector, "note"));
  if (!v.accept && (!reason || !strstr(v.reason, reason))) fail_msg("%s[%zu]: reason '%s'", name, i, v.reason);
  if (note && !strstr(v.note, note)) fail_msg("%s[%zu]: note '%s'", name, i, v.note);
  const json_t *score = json_object_get(vector, "score"), *set = json_object_get(vector, "set");
  if (score && (!v.has_score || fabs(v.score - json_number_value(score)) > 1e-6)) fail_msg("%s[%zu]: score %.9g", name, i, v.score);
  if (set ? !json_equal(set, v.set) : v.set != NULL) {
    char *text = json_dumps(v.set, JSON_ENCODE_ANY);
    fail_msg("%s[%zu]: set %s", name, i, text ? text : "nothing");
  }
  rule_verdict_finish(&v);
  json_decref(env);
}

static void shipped(void **state) {
  (void)state;
  static const char *const rules[] = {"session_filter", "symbol_map", "dedupe", "daily_cap", "risk_filter", "four_phases", "tech_filter", "fork_scorer", "tv_adjuster"};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    char *source = slurp("lua/rules", rules[i], ".lua"), *text = slurp("tests/lua/rules", rules[i], ".json");
    json_error_t where;
    json_t *vectors = json_loads(text, 0, &where);
    if (!vectors) fail_msg("%s.json:%d: %s", rules[i], where.line, where.text);
    struct rule *r = make(source);
    size_t refused = 0;
    for (size_t k = 0; k < json_array_size(vectors); k++) {
      check_vector(r, rules[i], k, json_array_get(vectors, k));
      refused += !json_is_true(json_object_get(json_array_get(vectors, k), "accept"));
    }
    assert_true(refused > 0 && refused < json_array_size(vectors));  // both ways are tried
    json_decref(vectors);
    rule_destroy(r);
    free(source);
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(answers), cmocka_unit_test(refuses_what_is_no_answer), cmocka_unit_test(hostile), cmocka_unit_test(past), cmocka_unit_test(settings), cmocka_unit_test(shipped)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

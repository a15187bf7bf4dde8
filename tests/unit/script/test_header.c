// What can be wrong in a header, one mistake at a time: each is refused with its place and words that help.
#include "script/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
  const char *header;  // between "strategy{ name='x', api=1," and "}"
  const char *says;
} mistakes[] = {
    {"parms={}", "did you mean 'params'?"},
    {"zzzzzzzz=1", "unknown key 'zzzzzzzz'; known are"},
    {"'stray'", "only named keys"},
    {"mode='nettin'", "\"netting\" or \"hedging\""},
    {"mode=1", "must be a text, not a number"},
    {"check=5", "must be a function(p)"},
    {"risk=5", "must be a table such as"},
    {"risk={max_notional=5}", "must be a function(p)"},
    {"risk={max=1}", "unknown key 'max'"},
    {"params=5", "params must be a table"},
    {"params={int{1}}", "every entry needs a name"},
    {"params={['a b']=int{1}}", "is no name"},
    {"params={['']=int{1}}", "a name has 1 to"},
    {"params={[('n'):rep(200)]=int{1}}", "a name has 1 to"},
    {"params={a=5}", "write its kind"},
    {"params={a={}}", "write its kind"},
    {"params={a=int{}}", "needs a default"},
    {"params={a=int{'1'}}", "the default of int must be"},
    {"params={a=int{1.5}}", "params.a"},
    {"params={a=num{0/0}}", "params.a"},
    {"params={a=num{1/0}}", "params.a"},
    {"params={a=bool{1}}", "the default of bool must be true or false"},
    {"params={a=text{1}}", "the default of text must be"},
    {"params={a=text{('t'):rep(5000)}}", "a text of at most"},
    {"params={a=text{'a\\0b'}}", "a text of at most"},
    {"params={a=tf{'5x'}}", "params.a"},
    {"params={a=time{'25:00'}}", "params.a"},
    {"params={a=enum{'x', {}}}", "params.a"},
    {"params={a=enum{'x', {'y','z'}}}", "params.a"},
    {"params={a=enum{'x', {'x', 5}}}", "params.a"},
    {"params={a=int{1, mni=0}}", "'mni'"},
    {"params={a=bool{true, min=0}}", "min, max and step are for numbers only"},
    {"params={a=int{5, min=9, max=1}}", "is above max"},
    {"params={a=int{5, step=0}}", "step must be above 0"},
    {"params={a=int{5, min='1'}}", "must be a finite number"},
    {"params={a=int{5, min=0/0}}", "must be a finite number"},
    {"params={a=int{5, live=1}}", "must be true or false"},
    {"params={a=int{1, min=5}}", "the default is refused"},
    {"params={a=int{9, max=5}}", "the default is refused"},
    {"data=5", "data must be a table"},
    {"data={h=5}", "must be a table such as {tf=\"1h\"}"},
    {"data={h={tf='1x'}}", "is no timeframe"},
    {"data={h={tf='1h', smybol='X'}}", "'smybol'"},
    {"data={h={tf='1h', symbol=('X'):rep(100)}}", "symbol"},
    {"ind=5", "ind must be a table"},
    {"ind={a='sma'}", "must be a table such as"},
    {"ind={a={}}", "its first value is the indicator's name"},
    {"ind={a={5}}", "its first value is the indicator's name"},
    {"ind={a={'smma2', 5}}", "there is no indicator"},
    {"ind={a={'bband', 20}}", "did you mean \"bbands\"?"},
    {"ind={a={'sma', 5, 6}}", "parameter"},
    {"ind={a={'sma', 0}}", "ind.a"},
    {"ind={a={'sma', 2.5}}", "ind.a"},
    {"ind={a={'sma', 1e9}}", "ind.a"},
    {"ind={a={'sma', {}}}", "numbers or names of params"},
    {"ind={a={'sma', 'slow'}}", "is no parameter of this script"},
    {"params={slow=int{3}}, ind={a={'sma', 'slwo'}}", "did you mean \"slow\""},
    {"params={slow=text{'x'}}, ind={a={'sma', 'slow'}}", "is no number"},
    {"ind={a={'atr', 5, source='close'}}", "takes no source"},
    {"ind={a={'sma', 5, source='clsoe'}}", "is none of close open high low"},
    {"ind={a={'sma', 5, on='h1'}}", "there is no stream"},
    {"ind={a={'sma', 5, no='main'}}", "'no'"},
    {"warmup=1.5", "must be a whole number"},
    {"warmup=-1", "must be a whole number"},
    {"warmup='1'", "must be a finite number"},
    {"lookback=1e9", "must be a whole number"},
};

static const char tail[] = "\nfunction on_bar(ctx, bar) end\n";

static enum status describe(const char *text, struct err *err) {
  struct script_spec *spec = NULL;
  memset(err, 0, sizeof *err);
  enum status st = script_describe("q.lua", text, strlen(text), NULL, &spec, err);
  if (st != OK) return st;
  struct param_value values[SPEC_PARAMS_MAX];  // an indicator's numbers are looked at when its parameters are known
  struct script_plan plan;
  params_default(spec, values);
  st = script_plan_make(spec, values, &plan, err);
  free(spec);
  return st;
}

static void each_mistake_is_told(void **state) {
  (void)state;
  int wrong = 0;
  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
    char text[1024];
    struct err err;
    snprintf(text, sizeof text, "strategy{ name='x', api=1,\n  %s }%s", mistakes[i].header, tail);
    enum status st = describe(text, &err);
    if (st == OK || !strstr(err.msg, mistakes[i].says) || (!strstr(err.msg, "q.lua:") && !strstr(err.msg, "ind.a"))) {
      print_error("%s\n  wanted: %s\n  got %d: %s\n", mistakes[i].header, mistakes[i].says, (int)st, err.msg);
      wrong++;
    }
  }
  assert_int_equal(wrong, 0);
}

static void the_header_itself(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } whole[] = {
      {"", "has no header"},
      {"strategy{ api=1 }", "name is missing"},
      {"strategy{ name='x' }", "api is missing"},
      {"strategy{ name='x', api=2 }", "version 1"},
      {"strategy{ name='x', api='1' }", "must be a finite number"},
      {"strategy{ name=5, api=1 }", "must be a text"},
      {"strategy{ name='a\\0b', api=1 }", "NUL"},
      {"strategy{ name=('n'):rep(9999), api=1 }", "at most"},
      {"strategy{ name='x', api=1 } strategy{ name='x', api=1 }", "q.lua"},
      {"strategy()", "q.lua"},
      {"strategy{ name='x', api=1", "q.lua"},
      {"error('no')", "no"},
  };
  for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
    char text[1024];
    struct err err;
    snprintf(text, sizeof text, "%s%s", whole[i].text, tail);
    if (describe(text, &err) == OK || !strstr(err.msg, whole[i].says)) fail_msg("%s: wanted %s, got %s", whole[i].text, whole[i].says, err.msg);
  }
}

static void too_many_of_each(void **state) {
  (void)state;
  static const struct {
    const char *section, *entry;
    int max;
  } lists[] = {{"params", "int{1}", SPEC_PARAMS_MAX}, {"ind", "{'sma', 2}", SPEC_INDICATORS_MAX}, {"data", "{tf='1h'}", SPEC_STREAMS_MAX - 1}};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    for (int more = 0; more < 2; more++) {
      char *text = malloc(100000);
      assert_non_null(text);
      int n = sprintf(text, "strategy{ name='x', api=1, %s={", lists[i].section);
      for (int k = 0; k < lists[i].max + more; k++) n += sprintf(text + n, "n%d=%s,", k, lists[i].entry);
      sprintf(text + n, "} }%s", tail);
      struct err err;
      enum status st = describe(text, &err);
      free(text);
      if (more == 0 && st != OK) fail_msg("%d %s are allowed: %s", lists[i].max, lists[i].section, err.msg);
      if (more && (st == OK || !strstr(err.msg, "at most"))) fail_msg("%d %s: %s", lists[i].max + 1, lists[i].section, err.msg);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_mistake_is_told), cmocka_unit_test(the_header_itself), cmocka_unit_test(too_many_of_each)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

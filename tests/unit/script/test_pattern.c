// The matcher: a table of cases by hand, and agreement with stock Lua's on random patterns and subjects.
#include "script/pattern.h"

#include <lauxlib.h>
#include <lualib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// The span of the first match as "start-end|capture|…", "-" for none, "!" for a malformed pattern.
static void describe(const char *subject, size_t len, const char *text, size_t text_len, char *out, size_t cap) {
  struct pattern m;
  pattern_init(&m, subject, len, text, text_len, NULL, NULL);
  bool anchor = text_len > 0 && *text == '^';
  for (const char *s = subject; s <= subject + len; s++) {
    const char *e = pattern_match(&m, s, text + anchor);
    if (m.error != NULL) {
      snprintf(out, cap, "!");
      return;
    }
    if (e != NULL) {
      size_t at = (size_t)snprintf(out, cap, "%d-%d", (int)(s - subject) + 1, (int)(e - subject));
      for (int i = 0; i < m.captures; i++) {
        const struct pattern_capture *c = &m.capture[i];
        if (c->len == PATTERN_POSITION) {
          at += (size_t)snprintf(out + at, cap - at, "|@%d", (int)(c->at - subject) + 1);
        } else if (c->len < 0) {
          snprintf(out, cap, "!");
          return;
        } else {
          at += (size_t)snprintf(out + at, cap - at, "|%.*s", (int)c->len, c->at);
        }
      }
      return;
    }
    if (anchor) break;
  }
  snprintf(out, cap, "-");
}

static void test_table(void **state) {
  (void)state;
  static const struct {
    const char *subject, *pattern, *want;
  } cases[] = {
    { "hello world", "o w", "5-7" },
    { "hello", "l+", "3-4" },
    { "hello", "l-o", "3-5" },
    { "hello", "^h", "1-1" },
    { "hello", "^e", "-" },
    { "hello", "o$", "5-5" },
    { "a$b", "$b", "2-3" },
    { "key = value", "(%w+)%s*=%s*(%w+)", "1-11|key|value" },
    { "abc", "()b()", "2-2|@2|@3" },
    { "f(a(b)c)d", "%b()", "2-8" },
    { "THE (quick) fox", "%f[%a]%a+%f[%A]", "1-3" },
    { "aa bb", "(%a)%1", "1-2|a" },
    { "x-y", "[a%-]", "2-2" },
    { "x]y", "[]]", "2-2" },
    { "x^y", "[%^]", "2-2" },
    { "abc", "[^a-b]", "3-3" },
    { "", "", "1-0" },
    { "abc", "b?c?$", "2-3" },
    { "2024-01-31", "(%d+)-(%d+)-(%d+)", "1-10|2024|01|31" },
    { "a.b", "%.", "2-2" },
    { "0xAf", "%x+$", "3-4" },
    { "abc", "(", "!" },
    { "abc", "%", "!" },
    { "abc", "[a", "!" },
    { "abc", "%1", "!" },
    { "abc", ".)", "!" },
    { "abc", "%f", "!" },
    { "abc", "%b", "!" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char got[256];
    describe(cases[i].subject, strlen(cases[i].subject), cases[i].pattern, strlen(cases[i].pattern), got, sizeof got);
    if (strcmp(got, cases[i].want) != 0) fail_msg("'%s' in '%s': %s, not %s", cases[i].pattern, cases[i].subject, got, cases[i].want);
  }
}

static uint64_t rng = 42424242424242u;
static size_t draw(size_t n) {
  rng ^= rng << 13;
  rng ^= rng >> 7;
  rng ^= rng << 17;
  return (size_t)(rng % n);
}

static void test_against_stock(void **state) {
  (void)state;
  static const char *const pieces[] = { "a", "b", ".", "%a", "%d", "%s", "%w", "[ab]", "[^a]", "[%d_]", "(", ")", "()", "*", "+",
                                        "-", "?", "%b()", "%f[%w]", "%1", "%2", "$", "^", "[a-c]", "%.", "]", "[]a]", "%x", "%U" };
  static const char letters[] = "aabbc1 _().$-";
  lua_State *L = luaL_newstate();
  assert_non_null(L);
  luaL_openlibs(L);
  const char *source =
      "local s, p = ...\n"
      "local r = table.pack(pcall(string.find, s, p))\n"
      "if not r[1] then return '!' end\n"
      "if r[2] == nil then return '-' end\n"
      "local t = r[2] .. '-' .. r[3]\n"
      "for i = 4, r.n do t = t .. (math.type(r[i]) == 'integer' and '|@' or '|') .. r[i] end\n"
      "return t";
  assert_int_equal(luaL_loadstring(L, source), LUA_OK);
  int matched = 0, malformed = 0;
  for (int i = 0; i < 30000; i++) {
    char subject[16], pattern[64] = "", got[256];
    size_t len = draw(15);
    for (size_t j = 0; j < len; j++) subject[j] = letters[draw(sizeof letters - 1)];
    subject[len] = '\0';
    for (size_t j = 1 + draw(6); j > 0; j--) strcat(pattern, pieces[draw(sizeof pieces / sizeof *pieces)]);
    if (strpbrk(pattern, "^$*+?.([%-") == NULL) continue;  // stock Lua looks for these as plain text, without checking them
    lua_pushvalue(L, 1);
    lua_pushlstring(L, subject, len);
    lua_pushstring(L, pattern);
    lua_call(L, 2, 1);
    const char *want = lua_tostring(L, -1);
    describe(subject, len, pattern, strlen(pattern), got, sizeof got);
    if (strcmp(got, want) != 0) fail_msg("'%s' in '%s': %s, stock Lua says %s", pattern, subject, got, want);
    matched += *want != '-' && *want != '!';
    malformed += *want == '!';
    lua_settop(L, 1);
  }
  lua_close(L);
  assert_true(matched > 1000 && malformed > 1000);
}

static void count(void *arg) { (*(int *)arg)++; }

static void test_polls(void **state) {
  (void)state;
  char subject[64];
  memset(subject, 'a', sizeof subject);
  int polls = 0;
  struct pattern m;
  const char *p = ".-.-.-.-b";
  pattern_init(&m, subject, sizeof subject, p, strlen(p), count, &polls);
  assert_null(pattern_match(&m, subject, p));
  assert_true(polls > 1000);
  char deep[1024] = "";
  for (int i = 0; i < 300; i++) strcat(deep, "a?");
  pattern_init(&m, subject, sizeof subject, deep, strlen(deep), NULL, NULL);
  pattern_match(&m, subject, deep);
  assert_null(m.error);  // depth follows the subject, 64 here
  static char many[1024];
  memset(many, 'a', sizeof many);
  pattern_init(&m, many, sizeof many, deep, strlen(deep), NULL, NULL);
  assert_null(pattern_match(&m, many, deep));
  assert_string_equal(m.error, "pattern too complex");
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_table), cmocka_unit_test(test_against_stock), cmocka_unit_test(test_polls) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

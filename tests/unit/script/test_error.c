// What a quant sees: escaped text, the source line, the mark, the suggestion.
#include "script/script_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_escape(const char *text, size_t len, bool one_line, const char *want) {
  char got[256];
  size_t n = script_text_escape(got, sizeof got, text, len, one_line);
  assert_string_equal(got, want);
  assert_int_equal(n, strlen(want));
}

static void test_escape(void **state) {
  (void)state;
  check_escape("plain äöü €", strlen("plain äöü €"), true, "plain äöü €");
  check_escape("a\nb\tc", 5, true, "a\\nb\\tc");
  check_escape("a\nb\tc", 5, false, "a\nb\tc");
  check_escape("\x1b[31m\0\x7f", 7, true, "\\x1b[31m\\x00\\x7f");
  check_escape("\xff\xc3", 2, true, "\\xff\\xc3");
  check_escape("\xe2\x80\xae", 3, true, "\\u{202e}");
  check_escape("\xed\xa0\x80", 3, true, "\\xed\\xa0\\x80");
  check_escape("\xc0\x80", 2, true, "\\xc0\\x80");
}

static void test_cut(void **state) {
  (void)state;
  char got[16];
  for (size_t cap = 0; cap <= sizeof got; cap++) {
    memset(got, '#', sizeof got);
    size_t n = script_text_escape(got, cap, "abcdefghijklmnopqrstuvwxyz", 26, true);
    if (cap == 0) continue;
    assert_true(n < cap && strlen(got) == n);
    if (cap > 6) assert_non_null(strstr(got, "…"));
  }
  assert_int_equal(script_text_escape(got, 6, "abcde", 5, true), 5);  // fits exactly
  assert_string_equal(got, "abcde");
}

static const char source[] = "local x = 1\nfunction on_bar(ctx)\n\tctx:buyy{ qty = 1 }\n  local y = ctx.pos.avgg\nend";
static const char *const names[] = { "buy", "sell", "close", "avg", "qty" };

static void check(const char *message, const char *want) {
  struct buf out;
  buf_init(&out, 4096);
  script_error_explain(&out, message, "sma.lua", source, strlen(source), names, 5);
  assert_string_equal(out.data, want);
  buf_finish(&out);
}

static void test_explain(void **state) {
  (void)state;
  check("sma.lua:3: attempt to call a nil value (method 'buyy')",
        "sma.lua:3: attempt to call a nil value (method 'buyy')\n"
        "    3 |  ctx:buyy{ qty = 1 }\n"
        "      |      ^~~~ did you mean 'buy'?");
  check("sma.lua:4: attempt to perform arithmetic on a nil value (field 'avgg')\n  in 'f', called at sma.lua:9",
        "sma.lua:4: attempt to perform arithmetic on a nil value (field 'avgg')\n"
        "    4 |   local y = ctx.pos.avgg\n"
        "      |                     ^~~~ did you mean 'avg'?\n"
        "  in 'f', called at sma.lua:9");
  check("sma.lua:5: '=' expected near <eof>", "sma.lua:5: '=' expected near <eof>\n    5 | end");
  check("sma.lua:99: beyond the end", "sma.lua:99: beyond the end");
  check("other.lua:1: elsewhere", "other.lua:1: elsewhere");
  check("no place", "no place");
  check("sma.lua:", "sma.lua:");
  check("sma.lua:-3: negative", "sma.lua:-3: negative");
}

static void place(const char *text, const char *message, int line, int column, int length, const char *words, const char *hint) {
  struct script_place p;
  script_error_place(message, "sma.lua", text, strlen(text), &p);
  assert_int_equal(p.line, line);
  assert_int_equal(p.column, column);
  assert_int_equal(p.length, length);
  assert_string_equal(p.message, words);
  assert_string_equal(p.hint, hint);
}

static void test_place(void **state) {
  (void)state;
  place(source, "sma.lua:3: attempt to call a nil value (method 'buyy')\n    3 |  ctx:buyy{\n      |      ^~~~ did you mean 'buy'?", 3, 6, 4,
        "attempt to call a nil value (method 'buyy')", "did you mean 'buy'?");
  place(source, "sma.lua:4:17: there is no field \"avgg\"; did you mean \"avg\"?\n  mark", 4, 17, 3, "there is no field \"avgg\"", "did you mean \"avg\"?");
  place(source, "sma.lua:3: ctx:buyy: unknown option 'qty'; did you mean 'qtz'?\n  in 'f', called at sma.lua:9", 3, 12, 3, "ctx:buyy: unknown option 'qty'", "did you mean 'qtz'?");
  place(source, "sma.lua:5: 'end' expected near 'end'", 5, 1, 3, "'end' expected near 'end'", "");
  place(source, "sma.lua:4: 'then' expected near 'local'", 4, 3, 5, "'then' expected near 'local'", "");
  place(source, "sma.lua:4: something else", 4, 3, 22, "something else", "");                // the line without its indent
  place("x\nlocal \xc3\xa4 = qq", "sma.lua:2: no 'qq'", 2, 11, 2, "no 'qq'", "");            // characters, not bytes
  place(source, "sma.lua:99: beyond the end", 0, 1, 1, "beyond the end", "");
  place("a\n  b\n", "sma.lua:3: 'end' expected near <eof>", 2, 3, 1, "'end' expected near <eof>", "");  // behind the last line: at it
  place(source, "no place", 0, 1, 1, "no place", "");
  place("", "sma.lua:1: '<eof>' expected", 0, 1, 1, "'<eof>' expected", "");
  place("\n\n", "sma.lua:1:7: odd", 1, 1, 1, "odd", "");
  place(source, "", 0, 1, 1, "", "");
  place(source, "sma.lua:3:", 3, 2, 19, "", "");
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_escape), cmocka_unit_test(test_cut), cmocka_unit_test(test_explain), cmocka_unit_test(test_place) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// Texts of strangers that are cut stay texts.
#include "base/status.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <string.h>

static const char *mended(const char *text) {
  static char out[100];
  strcpy(out, text);
  utf8_mend(out);
  return out;
}

static void what_is_none_is_a_question_mark(void **state) {
  (void)state;
  static const struct { const char *text, *becomes; } rows[] = {
    {"", ""}, {"plain\n", "plain\n"}, {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"}, {"a\xe2\x82", "a??"}, {"\xe2\x82' is", "?\?' is"}, {"\xff\xfe", "??"}, {"\xc0\x80", "??"},
    {"\xe0\x80\x80", "???"}, {"\xed\xa0\x80", "???"}, {"\xf4\x90\x80\x80", "????"}, {"\xf0\x8f\xbf\xbf", "????"}, {"\xf5\x80\x80\x80", "????"}, {"\xc3", "?"}, {"\xf0\x9f\x98", "???"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_string_equal(mended(rows[i].text), rows[i].becomes);
}

// As another judges: each sequence of up to three bytes, and what four begin with.
static void as_json_has_it(void **state) {
  (void)state;
  for (unsigned i = 1; i < 1u << 16; i++) {
    char text[6] = {(char)(i & 0xff), (char)(i >> 8), (char)0x80, (char)0xbf, '.', 0}, was[6];
    if (!text[1]) continue;
    memcpy(was, text, sizeof was);
    json_t *before = json_string(was);
    utf8_mend(text);
    json_t *after = json_string(text);
    assert_non_null(after);
    assert_true(!before == (strcmp(was, text) != 0));
    json_decref(before);
    json_decref(after);
  }
}

static void cut_between_characters(void **state) {
  (void)state;
  char to[5];
  utf8_copy(to, sizeof to, "ab\xe2\x82\xac");
  assert_string_equal(to, "ab");
  utf8_copy(to, sizeof to, "a\xe2\x82\xac" "b");
  assert_string_equal(to, "a\xe2\x82\xac");
  utf8_copy(to, sizeof to, "\xff\xff\xff\xff\xff");
  assert_string_equal(to, "????");
  utf8_copy(to, 1, "a");
  assert_string_equal(to, "");
}

static void errors_quote_it(void **state) {
  (void)state;
  struct err err;
  err_set(&err, ERR_INVALID, "size: '%.4s' is no number", "ab\xe2\x82\xac");
  assert_string_equal(err.msg, "size: 'ab?\?' is no number");
  char longer[2000];
  for (size_t i = 0; i + 3 < sizeof longer; i += 3) memcpy(longer + i, "\xe2\x82\xac", 4);
  err_set(&err, ERR_INVALID, "x%s", longer);
  json_t *v = json_string(err.msg);
  assert_non_null(v);
  json_decref(v);
  err_wrap(&err, ERR_INVALID, "xy%s", "\xff");
  v = json_string(err.msg);
  assert_non_null(v);
  json_decref(v);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_none_is_a_question_mark), cmocka_unit_test(as_json_has_it), cmocka_unit_test(cut_between_characters), cmocka_unit_test(errors_quote_it)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// tests/unit/risk/test_news.c – calendars: whom an entry concerns, when it holds, and against a search that looks at everything.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "risk/news_read.h"

static void test_names(void **state) {
  (void)state;
  char what[NEWS_WHAT_SIZE];
  static const struct { const char *text, *what; } good[] = {{"usd; EUR/GBP", "USD,EURGBP"}, {"", ""}, {" , ", ""}, {"BTC-USD|xbtmyr", "BTCUSD,XBTMYR"}, {"USD", "USD"}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_true(news_what_of(good[i].text, strlen(good[i].text), what));
    assert_string_equal(what, good[i].what);
  }
  assert_false(news_what_of("US$", 3, what));
  assert_false(news_what_of("U\nD", 3, what));
  char longest[NEWS_WHAT_SIZE + 1];
  memset(longest, 'A', sizeof longest);
  assert_true(news_what_of(longest, NEWS_WHAT_SIZE - 2, what) && strlen(what) == NEWS_WHAT_SIZE - 2);
  assert_false(news_what_of(longest, NEWS_WHAT_SIZE, what));
  struct news_event e = {.what = "USD,XAU,EURGBP"};
  static const struct { const char *symbol; bool concerned; } all[] = {{"EURUSD", true}, {"USDJPY", true}, {"BTC-USD", true}, {"usdchf", true}, {"BTCUSDT", false}, {"XAUEUR", true},
    {"EURGBP", true}, {"EUR/GBP", true}, {"GBPEUR", false}, {"EURJPY", false}, {"US", false}, {"", false}, {"AUSDX", false}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (news_concerns(&e, all[i].symbol) != all[i].concerned) fail_msg("%s", all[i].symbol);
  e.what[0] = '\0';
  assert_true(news_concerns(&e, "ANYTHING"));
  enum news_impact impact;
  assert_true(news_impact_of("High", &impact) && impact == NEWS_HIGH && strcmp(news_impact_text(impact), "high") == 0);
  assert_false(news_impact_of("grave", &impact));
  const char *why;
  e.from_ns = 5, e.to_ns = 4;
  assert_false(news_event_valid(&e, &why));
  assert_string_equal(why, "it ends before it begins");
  e.to_ns = 5 + NEWS_LONGEST_NS + 1;
  assert_false(news_event_valid(&e, &why));
  e.to_ns--;
  assert_true(news_event_valid(&e, &why));
}

static struct news_list *list_of(const struct news_event *events, size_t count) {
  struct news_list *l;
  struct err err;
  if (news_list_create(events, count, &l, &err) != OK) fail_msg("%s", err.msg);
  return l;
}

static void test_windows(void **state) {
  (void)state;
  const struct news_event events[] = {{1000, 1000, NEWS_HIGH, "USD"}, {500, 2000, NEWS_LOW, ""}, {100, 110, NEWS_MEDIUM, "EUR"}};
  struct news_list *l = list_of(events, 3);
  const struct news_around high = {50, 20, NEWS_HIGH}, all = {0, 0, NEWS_LOW};
  int64_t over;
  assert_null(news_now(l, &high, "EURUSD", 949, &over));
  assert_int_equal(news_now(l, &high, "EURUSD", 950, &over)->from_ns, 1000);
  assert_int_equal(over, 1020);
  assert_non_null(news_now(l, &high, "EURUSD", 1019, &over));
  assert_null(news_now(l, &high, "EURUSD", 1020, &over));
  assert_null(news_now(l, &high, "EURGBP", 1000, &over));
  assert_int_equal(news_now(l, &all, "EURUSD", 1500, &over)->to_ns, 2000);  // behind one that is over
  assert_int_equal(news_next(l, &all, "EURUSD", 0), 100);
  assert_int_equal(news_next(l, &all, "EURUSD", 100), 500);
  assert_int_equal(news_next(l, &high, "EURUSD", 0), 950);
  assert_int_equal(news_next(l, &high, "EURUSD", 950), INT64_MAX);
  assert_int_equal(news_next(l, &high, "GBPJPY", 0), INT64_MAX);
  assert_null(news_now(NULL, &all, "X", 0, &over));
  assert_true(news_next(NULL, &all, "X", 0) == INT64_MAX && news_list_count(NULL) == 0 && news_list_count(l) == 3);
  news_list_destroy(l);
  news_list_destroy(list_of(NULL, 0));
}

static uint64_t dice = 11;
static int64_t some(uint64_t n) {
  dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
  return (int64_t)((dice >> 33) % n);
}

static void test_against_a_plain_search(void **state) {
  (void)state;
  static const char *const whats[] = {"", "USD", "EUR", "GBP,JPY"}, *const symbols[] = {"EURUSD", "GBPJPY", "XAUCHF"};
  struct news_event events[40];
  int found = 0;
  for (int round = 0; round < 300; round++) {
    const size_t count = (size_t)some(40);
    for (size_t i = 0; i < count; i++) {
      events[i] = (struct news_event){.from_ns = some(1000), .impact = (enum news_impact)some(3)};
      events[i].to_ns = events[i].from_ns + (some(4) ? some(20) : some(400));
      strcpy(events[i].what, whats[some(4)]);
    }
    struct news_list *l = list_of(events, count);
    const struct news_around a = {some(30), some(30), (enum news_impact)some(3)};
    for (int k = 0; k < 50; k++) {
      const int64_t now = some(1500);
      const char *symbol = symbols[some(3)];
      int64_t over = 0, wanted = 0, next = INT64_MAX;
      for (size_t i = 0; i < count; i++) {
        if (events[i].impact < a.least || !news_concerns(&events[i], symbol)) continue;
        const int64_t begin = events[i].from_ns - a.before_ns, end = events[i].to_ns + a.after_ns;
        if (begin <= now && now < end && end > wanted) wanted = end;
        if (begin > now && begin < next) next = begin;
      }
      const struct news_event *e = news_now(l, &a, symbol, now, &over);
      assert_true((e != NULL) == (wanted != 0) && (!e || over == wanted));
      assert_int_equal(news_next(l, &a, symbol, now), next);
      found += e != NULL;
    }
    news_list_destroy(l);
  }
  assert_true(found > 1000);
}

static enum status csv(const char *text, struct news_entry **ret, size_t *ret_count, struct err *err) { return news_csv_read_bytes("cal.csv", text, strlen(text), ret, ret_count, err); }

static void test_file(void **state) {
  (void)state;
  struct news_entry *e;
  struct err err;
  size_t n;
  assert_int_equal(csv("Title,Country,Date,Impact,Forecast\n\"Rate, decision\",USD,2026-01-05T13:30:00Z,High,3%\n\nTalk,eur;gbp,2026-01-05 15:30+01:00,low,\n", &e, &n, &err), OK);
  assert_true(n == 2 && strcmp(e[0].title, "Rate, decision") == 0 && strcmp(e[1].event.what, "EUR,GBP") == 0 && e[1].event.impact == NEWS_LOW);
  assert_true(e[0].event.from_ns == INT64_C(1767619800000000000) && e[0].event.to_ns == e[0].event.from_ns && e[1].event.from_ns - e[0].event.from_ns == INT64_C(3600000000000));
  free(e);
  assert_int_equal(csv("from,to\n1767619800,1767619860\n", &e, &n, &err), OK);  // alone: everything, high
  assert_true(n == 1 && !e[0].event.what[0] && e[0].event.impact == NEWS_HIGH && e[0].event.to_ns - e[0].event.from_ns == INT64_C(60000000000));
  free(e);
  assert_int_equal(csv("from\n", &e, &n, &err), OK);
  assert_true(n == 0 && !e);
  static const struct { const char *text, *says; } bad[] = {
    {"", "cal.csv: no header"}, {"when,impact\n", "cal.csv:1: no column"}, {"from,impact\n2026-01-05T00:00:00Z,grave\n", "cal.csv:2:22: the impact is low, medium or high: \"grave\""},
    {"from,to\n2026-01-05T00:00:00Z,2026-01-04T00:00:00Z\n", "cal.csv:2:1: it ends before"}, {"from\nsoon\n", "cal.csv:2:1: "}, {"from,currency\n2026-01-05T00:00:00Z,U$D\n", "cal.csv:2:22: no names"},
    {"impact,from\nhigh\n", "a time is required"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(csv(bad[i].text, &e, &n, &err), ERR_INVALID);
    if (!strstr(err.msg, bad[i].says)) fail_msg("%s", err.msg);
    assert_true(!e && n == 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_windows), cmocka_unit_test(test_against_a_plain_search), cmocka_unit_test(test_file)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

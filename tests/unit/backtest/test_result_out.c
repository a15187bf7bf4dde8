// JSON, CSV, summary and report of a finished result: the contract's keys, exact texts, hostile strings, failing disks.
#include "backtest/result_out.h"
#include "base/json.h"
#include "demo_result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// Breaks out of attributes, elements, comments, JSON, spreadsheets and terminals, and is not UTF-8.
#define HOSTILE "=\"'><img src=x onerror=alert(1)></title></script><script>alert(2)</script><!--\x1b[31m\xe2\x80\xa8\xff\\u0022,\r\n{{data}}"

struct made {
  struct series s;
  struct result r;
};

static void make(struct made *m, size_t bars, const char *hostile) {
  assert_true(demo_series(&m->s, bars, NS_PER_DAY));
  assert_true(demo_result(&m->r, &m->s, hostile));
}

static void unmake(struct made *m) {
  result_finish(&m->r);
  series_finish(&m->s);
}

static json_t *parse(const struct result *r, char **ret_text) {
  struct buf b;
  buf_init(&b, 64 << 20);
  result_json(r, &b);
  assert_false(b.failed);
  json_error_t e;
  json_t *j = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, &e);
  if (!j) fail_msg("JSON: %s at %d:%d", e.text, e.line, e.column);
  if (ret_text) *ret_text = strdup(b.data);
  buf_finish(&b);
  return j;
}

static const char *str(json_t *j, const char *key) {
  const char *s = json_string_value(json_object_get(j, key));
  if (!s) fail_msg("%s is not a string", key);
  return s;
}

static void json_has_the_contract(void **state) {
  (void)state;
  struct made m;
  make(&m, 900, NULL);
  json_t *j = parse(&m.r, NULL);
  static const char *const top[] = {"engine", "script", "params", "data", "config", "stats", "paths", "fills", "trades", "open",
                                    "denied", "logs", "plots", "hash", "timing"};
  for (size_t i = 0; i < sizeof top / sizeof *top; i++) {
    if (!json_object_get(j, top[i])) fail_msg("no key %s", top[i]);
  }
  json_t *s = json_object_get(j, "stats");
  static const char *const money[] = {"equity_final", "equity_peak", "expectancy", "fees"};
  static const char *const ratios[] = {"return_pct", "buy_hold_return_pct", "cagr_pct", "volatility_pct", "sharpe", "sortino",
    "calmar", "max_drawdown_pct", "max_drawdown_ms", "trades", "win_rate_pct", "profit_factor", "sqn", "exposure_pct",
    "ambiguous_pct"};
  for (size_t i = 0; i < sizeof money / sizeof *money; i++) str(s, money[i]);
  for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
    if (!json_is_number(json_object_get(s, ratios[i]))) fail_msg("%s is not a number", ratios[i]);
  }
  json_t *t = json_array_get(json_object_get(j, "trades"), 0), *f = json_array_get(json_object_get(j, "fills"), 0);
  static const char *const trade[] = {"symbol", "side", "qty", "entry_price", "exit_price", "pnl", "fees", "tag", "exit_tag", "mae", "mfe"};
  for (size_t i = 0; i < sizeof trade / sizeof *trade; i++) str(t, trade[i]);
  static const char *const fill[] = {"order", "symbol", "side", "qty", "price", "fee", "tag"};
  for (size_t i = 0; i < sizeof fill / sizeof *fill; i++) str(f, fill[i]);
  assert_true(json_is_integer(json_object_get(f, "time")) && json_is_boolean(json_object_get(f, "maker")));
  assert_int_equal(json_integer_value(json_object_get(t, "entry_time")), m.r.trades[0].entry_ns / NS_PER_MS);
  assert_string_equal(str(t, "side"), m.r.trades[0].direction > 0 ? "long" : "short");
  // Texts keep their kinds: a number stays a number, money a string.
  assert_true(json_is_integer(json_object_get(json_object_get(j, "params"), "fast")));
  assert_true(json_is_integer(json_object_get(json_object_get(j, "config"), "seed")));
  assert_string_equal(str(json_object_get(j, "config"), "cash"), "10000");
  assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(j, "denied"), 0), "count")), 3);
  assert_string_equal(str(json_array_get(json_object_get(j, "denied"), 0), "code"), "MARGIN");
  assert_int_equal(json_array_size(json_object_get(j, "trades")), m.r.trade_count);
  assert_true(json_is_number(json_object_get(json_object_get(json_object_get(j, "paths"), "adverse"), "return_pct")));
  json_decref(j);
  unmake(&m);
}

// Money reads back to the last digit, and Σ pnl is what the closed equity gained less the entry fee still open.
static void json_money_is_exact(void **state) {
  (void)state;
  struct made m;
  make(&m, 900, NULL);
  json_t *j = parse(&m.r, NULL), *trades = json_object_get(j, "trades");
  int64_t sum = 0;
  for (size_t i = 0; i < json_array_size(trades); i++) {
    int64_t e8;
    const char *text = str(json_array_get(trades, i), "pnl");
    assert_true(decimal_parse_scaled(text, strlen(text), 8, &e8));
    assert_int_equal(e8, m.r.trades[i].pnl.e8);
    sum += e8;
  }
  int64_t open_fee = m.r.open_count ? m.r.fills[m.r.fill_count - 1].fee.e8 : 0;
  assert_int_equal(m.r.stats.equity_closed, m.r.cash_start.e8 + sum - open_fee);
  json_decref(j);
  unmake(&m);
}

// Short curves are whole; of long ones the lowest point stays, whatever its bucket, and so does the end.
static void json_equity_keeps_its_lowest(void **state) {
  (void)state;
  static const size_t lengths[] = {1, 2, 2000, 2001, 9999};
  for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
    struct result r;
    result_init(&r);
    const size_t n = lengths[k], low = n * 2 / 3;
    for (size_t i = 0; i < n; i++) assert_true(result_equity_add(&r, (int64_t)i * NS_PER_MINUTE, (cash){i == low ? 7 : 100 + (int64_t)i}, false));
    json_t *j = parse(&r, NULL), *equity = json_object_get(j, "equity"), *end = json_array_get(equity, json_array_size(equity) - 1);
    bool found = false;
    for (size_t i = 0; i < json_array_size(equity); i++) {
      found |= json_integer_value(json_array_get(json_array_get(equity, i), 0)) == (int64_t)low * 60000;
      if (i > 0) assert_true(json_integer_value(json_array_get(json_array_get(equity, i), 0)) > json_integer_value(json_array_get(json_array_get(equity, i - 1), 0)));
    }
    assert_true(found);
    assert_int_equal(json_integer_value(json_array_get(end, 0)), (int64_t)(n - 1) * 60000);
    if (n <= 2000) assert_int_equal(json_array_size(equity), n);
    assert_true(json_array_size(equity) <= 2000);
    json_decref(j);
    result_finish(&r);
  }
}

static void json_is_the_same_every_time(void **state) {
  (void)state;
  struct made m;
  char *a, *b;
  make(&m, 300, NULL);
  json_decref(parse(&m.r, &a));
  json_decref(parse(&m.r, &b));
  assert_string_equal(a, b);
  free(a);
  free(b);
  unmake(&m);
}

static void json_of_nothing_has_nulls(void **state) {
  (void)state;
  struct result r;
  struct err err = {0};
  result_init(&r);
  assert_int_equal(stats_compute(&r, &err), OK);
  char *text;
  json_t *j = parse(&r, &text), *s = json_object_get(j, "stats");
  assert_true(json_is_null(json_object_get(s, "sharpe")) && json_is_null(json_object_get(s, "expectancy")));
  assert_null(strstr(text, "nan"));
  assert_null(strstr(text, "inf,"));
  free(text);
  json_decref(j);
  result_finish(&r);
}

static void json_survives_hostile_text(void **state) {
  (void)state;
  struct made m;
  make(&m, 300, HOSTILE);
  json_t *j = parse(&m.r, NULL);
  const char *name = str(json_object_get(j, "script"), "name");
  assert_non_null(strstr(name, "<script>alert(2)"));
  assert_non_null(strstr(name, "\xef\xbf\xbd"));  // the byte that was no UTF-8
  json_decref(j);
  unmake(&m);
}

static void numbers_that_are_none_stay_text(void **state) {
  (void)state;
  static const struct { const char *text; bool number; } cases[] = {
    {"1", true}, {"-0.5", true}, {"1e5", true}, {"1.5E-3", true}, {"0", true}, {"01", false}, {"1.", false}, {".5", false},
    {"nan", false}, {"inf", false}, {"", false}, {"-", false}, {"1e", false}, {"1,\"x\":2", false}, {"0x10", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct result r;
    result_init(&r);
    assert_true(result_pair_add(&r.params, "p", cases[i].text, RESULT_NUMBER));
    json_t *j = parse(&r, NULL), *p = json_object_get(json_object_get(j, "params"), "p");
    if (json_is_number(p) != cases[i].number) fail_msg("\"%s\"", cases[i].text);
    json_decref(j);
    result_finish(&r);
  }
}

// ---- files

static char dir[] = "/tmp/perigee-test-XXXXXX";
static int dir_make(void **state) { (void)state; return mkdtemp(dir) ? 0 : -1; }
static int dir_remove(void **state) { (void)state; return rmdir(dir); }

static char *read_and_remove(const char *name) {
  char path[256];
  struct buf b;
  struct err err = {0};
  snprintf(path, sizeof path, "%s/%s", dir, name);
  buf_init(&b, 64 << 20);
  assert_int_equal(buf_read_file(&b, path, &err), OK);
  unlink(path);
  return b.data;
}

static void trades_csv_has_a_line_each_and_no_formulas(void **state) {
  (void)state;
  struct made m;
  struct err err = {0};
  char path[256];
  make(&m, 600, "=HYPERLINK(\"a\"),b");
  snprintf(path, sizeof path, "%s/t.csv", dir);
  assert_int_equal(result_trades_csv_write(&m.r, path, &err), OK);
  char *text = read_and_remove("t.csv");
  size_t lines = 0;
  for (char *p = text; *p; p++) lines += *p == '\n';
  assert_int_equal(lines, m.r.trade_count + 1);
  assert_memory_equal(text, "symbol,side,qty,entry_time,entry_price,", 39);
  assert_non_null(strstr(text, ",\"'=HYPERLINK(\"\"a\"\"),b\","));
  assert_null(strstr(text, ",=HYPER"));
  free(text);
  unmake(&m);
}

static void equity_csv_has_every_bar(void **state) {
  (void)state;
  struct result r;
  struct err err = {0};
  char path[256];
  result_init(&r);
  r.cash_start = (cash){100 * CASH_ONE};
  int64_t equity[] = {100, 80, 120};
  for (int i = 0; i < 3; i++) assert_true(result_equity_add(&r, (1000 + i) * NS_PER_MS, (cash){equity[i] * CASH_ONE + i}, false));
  snprintf(path, sizeof path, "%s/e.csv", dir);
  assert_int_equal(result_equity_csv_write(&r, path, &err), OK);
  char *text = read_and_remove("e.csv");
  assert_string_equal(text, "time,equity,drawdown_pct\n1000,100,0\n1001,80.00000001,20\n1002,120.00000002,0\n");
  free(text);
  result_finish(&r);
}

static void a_disk_that_refuses_is_an_error_that_names_the_file(void **state) {
  (void)state;
  struct made m;
  make(&m, 200, NULL);
  char path[256];
  snprintf(path, sizeof path, "%s/none/x", dir);
  struct err err = {0};
  assert_int_not_equal(result_json_write(&m.r, path, &err), OK);
  assert_non_null(strstr(err.msg, "none/x"));
  assert_int_not_equal(result_trades_csv_write(&m.r, dir, &err), OK);  // a directory
  assert_int_not_equal(report_html_write(&m.r, path, &err), OK);
  unmake(&m);
}

// ---- HTML

static size_t count_of(const char *text, const char *needle) {
  size_t n = 0;
  for (const char *p = text; (p = strstr(p, needle)) != NULL; p += strlen(needle)) n++;
  return n;
}

// Elements open and close in order; script and style count as text. Void elements are the page's own.
static void assert_well_formed(const char *html) {
  static const char *const voids[] = {"meta", "input", "br", "!doctype"};
  char stack[64][24];
  int depth = 0;
  for (const char *p = html; (p = strchr(p, '<')) != NULL;) {
    bool closing = p[1] == '/';
    const char *name = p + 1 + closing;
    size_t len = strcspn(name, " \t\n>/");
    assert_true(len > 0 && len < sizeof stack[0]);
    const char *end = name;
    for (char quote = 0; *end && (quote || *end != '>'); end++) {
      if (*end == quote) quote = 0;
      else if (!quote && (*end == '"' || *end == '\'')) quote = *end;
    }
    assert_true(*end == '>');
    bool is_void = end[-1] == '/';
    for (size_t i = 0; i < sizeof voids / sizeof *voids; i++) is_void |= strncmp(name, voids[i], len) == 0 && !voids[i][len];
    p = end + 1;
    if (closing) {
      assert_true(depth > 0);
      depth--;
      if (strlen(stack[depth]) != len || memcmp(stack[depth], name, len) != 0)
        fail_msg("</%.*s> closes <%s>", (int)len, name, stack[depth]);
    } else if (!is_void) {
      assert_true(depth < 64);
      snprintf(stack[depth++], sizeof stack[0], "%.*s", (int)len, name);
      bool raw = strcmp(stack[depth - 1], "script") == 0 || strcmp(stack[depth - 1], "style") == 0;
      if (raw) {
        char stop[32];
        snprintf(stop, sizeof stop, "</%.20s", stack[depth - 1]);
        p = strstr(p, stop);
        assert_non_null(p);
      }
    }
  }
  assert_int_equal(depth, 0);
}

static char *html_of(const struct result *r, size_t *ret_len) {
  struct buf b;
  struct err err = {0};
  buf_init(&b, 64 << 20);
  assert_int_equal(report_html(r, &b, &err), OK);
  assert_int_equal(strlen(b.data), b.len);
  *ret_len = b.len;
  return b.data;
}

static void report_is_one_well_formed_file_that_loads_nothing(void **state) {
  (void)state;
  struct made m;
  size_t len;
  make(&m, 900, NULL);
  char *html = html_of(&m.r, &len);
  assert_well_formed(html);
  assert_null(strstr(html, "{{"));
  assert_null(strstr(html, " src="));
  assert_null(strstr(html, "<link"));
  char *style = strstr(html, "<style>"), *style_end = strstr(html, "</style>");
  assert_true(style && style < style_end);
  assert_null(memmem(style, (size_t)(style_end - style), "@import", 7));
  assert_null(memmem(style, (size_t)(style_end - style), "url(", 4));
  assert_non_null(strstr(html, "default-src 'none'"));  // and the browser is told so
  assert_non_null(strstr(html, "Apache License"));
  free(html);
  unmake(&m);
}

// The data element of a report, parsed.
static json_t *data_of(const char *html) {
  const char *from = strstr(html, "id=\"data\">");
  assert_non_null(from);
  from = strchr(from, '>') + 1;
  const char *to = strstr(from, "</script>");
  json_error_t e;
  json_t *j = json_loadb(from, (size_t)(to - from), 0, &e);
  if (!j) fail_msg("data of the report: %s at %d", e.text, e.position);
  return j;
}

static void report_escapes_hostile_text(void **state) {
  (void)state;
  struct made m, clean;
  size_t len;
  make(&clean, 300, NULL);
  make(&m, 300, HOSTILE);
  char *friendly = html_of(&clean.r, &len), *html = html_of(&m.r, &len);
  assert_well_formed(html);
  // No element more than in a friendly report.
  assert_int_equal(count_of(html, "<script"), count_of(friendly, "<script"));
  assert_int_equal(count_of(html, "</script"), count_of(friendly, "</script"));
  assert_int_equal(count_of(html, "<img"), 0);
  assert_int_equal(count_of(html, "<!--"), count_of(friendly, "<!--"));
  json_t *j = data_of(html);
  assert_non_null(strstr(str(j, "name"), "<script>alert(2)</script>"));  // told as it is, as data
  json_decref(j);
  free(friendly);
  free(html);
  unmake(&m);
  unmake(&clean);
}

static void report_of_a_long_run_stays_small_and_keeps_extremes(void **state) {
  (void)state;
  struct made m;
  size_t len;
  assert_true(demo_series(&m.s, 60000, NS_PER_MINUTE));
  assert_true(demo_result(&m.r, &m.s, NULL));
  char *html = html_of(&m.r, &len);
  assert_true(len < 5000000);
  json_t *j = data_of(html), *curve = json_object_get(j, "equity"), *candles = json_object_get(j, "candles");
  assert_true(json_array_size(curve) <= 4004 && json_array_size(candles) <= 3000);
  double top = 0, deepest = 0, high = 0, want_high = 0;
  json_int_t before = INT64_MIN;
  for (size_t i = 0; i < json_array_size(curve); i++) {
    json_t *p = json_array_get(curve, i);
    assert_true(json_integer_value(json_array_get(p, 0)) > before);
    before = json_integer_value(json_array_get(p, 0));
    top = fmax(top, json_number_value(json_array_get(p, 1)));
    deepest = fmax(deepest, json_number_value(json_array_get(p, 2)));
  }
  assert_true(fabs(top / ((double)m.r.stats.equity_peak / 1e8) - 1) < 1e-7);
  assert_true(fabs(deepest - m.r.stats.max_drawdown_pct) < 1e-3);
  for (size_t i = 0; i < json_array_size(candles); i++) high = fmax(high, json_number_value(json_array_get(json_array_get(candles, i), 2)));
  for (size_t i = 0; i < m.r.bar_count; i++) want_high = fmax(want_high, price_double(&m.s.inst, m.r.bars[i].high));
  assert_true(fabs(high - want_high) < 1e-9);
  json_decref(j);
  free(html);
  unmake(&m);
}

static void report_of_nothing_is_still_a_page(void **state) {
  (void)state;
  struct result r;
  struct err err = {0};
  size_t len;
  result_init(&r);
  assert_int_equal(stats_compute(&r, &err), OK);
  char *html = html_of(&r, &len);
  assert_well_formed(html);
  json_decref(data_of(html));
  free(html);
  result_finish(&r);
}

// The chart shows the main symbol's bars: a trade of another symbol must say whose it is, or its arrows would stand on the wrong prices.
static void report_tells_trades_of_several_symbols_apart(void **state) {
  (void)state;
  struct made m;
  size_t len;
  make(&m, 300, NULL);
  struct instrument other = m.s.inst;
  strcpy(other.symbol, "OTHER");
  assert_true(result_symbol_add(&m.r, &other));
  assert_true(m.r.trade_count >= 2);
  m.r.trades[1].symbol = 1;
  char *html = html_of(&m.r, &len);
  json_t *j = data_of(html), *trades = json_object_get(j, "trades");
  assert_int_equal(json_integer_value(json_object_get(j, "main_symbol")), 0);
  assert_string_equal(json_string_value(json_array_get(json_object_get(j, "symbols"), 1)), "OTHER");
  for (size_t i = 0; i < json_array_size(trades); i++)
    assert_int_equal(json_integer_value(json_array_get(json_array_get(trades, i), 0)), i == 1);
  json_decref(j);
  free(html);
  unmake(&m);
}

// ---- summary

static char *summary_of(const struct result *r, bool colour) {
  char *text = NULL;
  size_t len = 0;
  FILE *f = open_memstream(&text, &len);
  assert_non_null(f);
  summary_print(r, f, colour);
  fclose(f);
  return text;
}

static void summary_tells_the_result(void **state) {
  (void)state;
  struct made m;
  make(&m, 900, NULL);
  char *text = summary_of(&m.r, false);
  static const char *const words[] = {"Average cross", "DEMO 1d", "Return", "Max drawdown", "nearer", "adverse", "favourable",
                                      "MARGIN", "MIN_NOTIONAL", "3 gaps"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (!strstr(text, words[i])) fail_msg("summary lacks %s:\n%s", words[i], text);
  }
  assert_null(strchr(text, '\033'));
  free(text);
  text = summary_of(&m.r, true);
  assert_non_null(strchr(text, '\033'));
  free(text);
  unmake(&m);
}

static void summary_hides_terminal_codes_of_scripts(void **state) {
  (void)state;
  struct made m;
  make(&m, 300, "a\x1b]0;owned\x07\xc2\x9b" "2J\rb");
  char *text = summary_of(&m.r, false);
  assert_null(strchr(text, '\033'));
  assert_null(strstr(text, "\xc2\x9b"));
  assert_null(strchr(text, '\r'));
  assert_null(strchr(text, 7));
  free(text);
  unmake(&m);
}

static void limits_count_what_they_drop(void **state) {
  (void)state;
  struct result r;
  result_init(&r);
  char name[16];
  for (int i = 0; i < RESULT_PLOTS_MAX + 5; i++) {
    snprintf(name, sizeof name, "p%d", i);
    assert_true(result_plot_add(&r, name, i, 1.0));
  }
  assert_true(result_plot_add(&r, "p0", 99, NAN));  // left out
  assert_int_equal(r.plot_count, RESULT_PLOTS_MAX);
  assert_int_equal(r.plots_dropped, 5);
  assert_int_equal(r.plots[0].count, 1);
  for (int i = 0; i < RESULT_LOGS_MAX + 3; i++) assert_true(result_log_add(&r, i, "info", "x"));
  assert_int_equal(r.logs.count, RESULT_LOGS_MAX);
  assert_int_equal(r.logs.dropped, 3);
  char big[RESULT_TEXT_MAX + 40];
  memset(big, 'a', sizeof big);
  memcpy(big + RESULT_TEXT_MAX - 1, "\xc3\xa9", 2);  // é across the limit
  big[sizeof big - 1] = 0;
  assert_true(result_mark_add(&r, 0, big));
  assert_int_equal(strlen(r.marks.items[0].text), RESULT_TEXT_MAX - 1);
  result_finish(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(json_has_the_contract),
    cmocka_unit_test(json_money_is_exact),
    cmocka_unit_test(json_equity_keeps_its_lowest), cmocka_unit_test(json_is_the_same_every_time),
    cmocka_unit_test(json_of_nothing_has_nulls),
    cmocka_unit_test(json_survives_hostile_text),
    cmocka_unit_test(numbers_that_are_none_stay_text),
    cmocka_unit_test(trades_csv_has_a_line_each_and_no_formulas),
    cmocka_unit_test(equity_csv_has_every_bar),
    cmocka_unit_test(a_disk_that_refuses_is_an_error_that_names_the_file),
    cmocka_unit_test(report_is_one_well_formed_file_that_loads_nothing),
    cmocka_unit_test(report_escapes_hostile_text),
    cmocka_unit_test(report_of_a_long_run_stays_small_and_keeps_extremes),
    cmocka_unit_test(report_of_nothing_is_still_a_page),
    cmocka_unit_test(report_tells_trades_of_several_symbols_apart),
    cmocka_unit_test(summary_tells_the_result),
    cmocka_unit_test(summary_hides_terminal_codes_of_scripts),
    cmocka_unit_test(limits_count_what_they_drop),
  };
  return cmocka_run_group_tests(tests, dir_make, dir_remove);
}

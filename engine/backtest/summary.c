// backtest/summary.c – the result in one screen of a terminal. Names and texts of scripts are cleaned of control characters,
// which a terminal would obey.
#include "backtest/result_out.h"
#include "market/tz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WARNINGS_SHOWN 5
#define CELL 40

struct summary {
  FILE *out;
  bool colour;
};

enum tone { PLAIN, GOOD, BAD, DIM, BOLD, WARN };

bool summary_wants_colour(FILE *out) {
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  if (no && *no) return false;
  return isatty(fileno(out)) && term && *term && strcmp(term, "dumb") != 0;
}

static const char *code(const struct summary *s, enum tone t) {
  static const char *const codes[] = {"", "\033[32m", "\033[31m", "\033[2m", "\033[1m", "\033[33m"};
  return s->colour ? codes[t] : "";
}
static const char *plain(const struct summary *s, enum tone t) { return s->colour && t != PLAIN ? "\033[0m" : ""; }

static void text(const struct summary *s, const char *t) {
  for (const unsigned char *p = (const unsigned char *)t; *p; p++) {
    bool c1 = p[0] == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0;  // ESC [ has a one-character form
    if (*p < 0x20 || *p == 0x7F || c1) fputc('?', s->out);
    else fputc(*p, s->out);
    p += c1;
  }
}

// Digits of an integer with commas: "-1234567.5" to "-1,234,567.5".
static void group_digits(const char *in, char *out, size_t room) {
  size_t whole = strspn(in + (*in == '-'), "0123456789"), n = 0;
  if (*in == '-' && n + 1 < room) out[n++] = *in++;
  for (size_t i = 0; in[i] && n + 2 < room; i++) {
    if (i > 0 && i < whole && (whole - i) % 3 == 0) out[n++] = ',';
    out[n++] = in[i];
  }
  out[n] = 0;
}

void result_money_short(int64_t e8, char *out, size_t room) {
  bool small = e8 > -CASH_ONE && e8 < CASH_ONE && e8 != 0;
  int64_t unit = small ? 10000 : 1000000, parts = CASH_ONE / unit;
  int128 n = div_round(e8, unit);
  char raw[48];
  int128 a = n < 0 ? -n : n;
  snprintf(raw, sizeof raw, "%s%lld.%0*lld", n < 0 ? "-" : "", (long long)(a / parts), small ? 4 : 2, (long long)(a % parts));
  group_digits(raw, out, room);
}

static void value_text(const struct stats *st, const struct stat_info *i, char *out, size_t room) {
  int64_t n = 0;  // which of the two has the value the kind says; not every gcc sees that the other is not read
  double d = 0;
  char raw[64];
  if (stat_is_int(i->kind) ? !stat_int(st, i, &n) : !stat_double(st, i, &d)) {
    snprintf(out, room, "-");
  } else if (i->kind == STAT_MONEY) {
    result_money_short(n, out, room);
  } else if (i->kind == STAT_COUNT) {
    snprintf(raw, sizeof raw, "%lld", (long long)n);
    group_digits(raw, out, room);
  } else if (i->kind == STAT_SPAN) {
    double days = (double)n / 86400e3;
    if (days >= 2) snprintf(out, room, "%.0f days", days);
    else if (days * 24 >= 2) snprintf(out, room, "%.1f hours", days * 24);
    else snprintf(out, room, "%.0f min", days * 1440);
  } else {
    snprintf(raw, sizeof raw, "%.2f", fabs(d) < 0.005 ? 0.0 : d);
    group_digits(raw, out, room);
    if (i->kind == STAT_PCT && strlen(out) + 3 < room) strcat(out, " %");
  }
}

static const struct stat_info *stat_find(const char *key) {
  for (int i = 0; i < STAT_TOTAL; i++) {
    if (strcmp(stat_infos[i].key, key) == 0) return &stat_infos[i];
  }
  return NULL;
}

// "Label ........ value" in one cell of the table. toned: colour by sign.
static void cell(const struct summary *s, const struct stats *st, const char *key, const char *label, bool toned, bool end) {
  const struct stat_info *i = stat_find(key);
  char v[64];
  value_text(st, i, v, sizeof v);
  enum tone t = !toned || strcmp(v, "-") == 0 ? PLAIN : v[0] == '-' ? BAD : strspn(v, "0. %") == strlen(v) ? PLAIN : GOOD;
  int width = CELL - 4 - (int)strlen(label);
  fprintf(s->out, "  %s%s%s%s%*s%s%s", code(s, DIM), label, plain(s, DIM), code(s, t), width > 0 ? width : 1, v, plain(s, t),
          end ? "\n" : "  ");
}

static void day_text(int64_t ns, char *out, size_t room) {
  struct tz_date d = date_from_days(timeframe_floor(ns, NS_PER_DAY) / NS_PER_DAY);
  snprintf(out, room, "%04d-%02d-%02d", (int)d.year, (int)d.month, (int)d.day);
}

static void heading(const struct summary *s, const struct result *r) {
  fprintf(s->out, "\n  %s", code(s, BOLD));
  text(s, r->script_name && *r->script_name ? r->script_name : "Backtest");
  fprintf(s->out, "%s\n  ", plain(s, BOLD));
  char tf[TIMEFRAME_TEXT_MAX], from[16], to[16];
  fputs(code(s, DIM), s->out);
  text(s, result_symbol(r, r->main_symbol)->symbol);
  if (r->timeframe_ns > 0) fprintf(s->out, " %s", timeframe_text(r->timeframe_ns, tf));
  if (r->equity_count) {
    day_text(r->equity[0].time_ns, from, sizeof from);
    day_text(r->equity[r->equity_count - 1].time_ns, to, sizeof to);
    fprintf(s->out, ", %s to %s", from, to);
  }
  char raw[32], n[40];
  snprintf(raw, sizeof raw, "%zu", r->equity_count);
  group_digits(raw, n, sizeof n);
  fprintf(s->out, ", %s bars", n);
  if (r->seconds > 0) {
    snprintf(raw, sizeof raw, "%.0f", r->bars_per_second);
    group_digits(raw, n, sizeof n);
    fprintf(s->out, ", %.2f s (%s bars/s)", r->seconds, n);
  }
  fprintf(s->out, "%s\n", plain(s, DIM));
  if (r->interrupted) fprintf(s->out, "  %sStopped early: this is what was done until then.%s\n", code(s, WARN), plain(s, WARN));
  fputc('\n', s->out);
}

static void paths(const struct summary *s, const struct result *r) {
  int given = 0;
  bool same = true;
  const struct stats *first = NULL;
  for (int p = 0; p < RESULT_PATH_COUNT; p++) {
    if (!r->path_given[p]) continue;
    given++;
    if (!first) first = &r->paths[p];
    same = same && r->paths[p].equity_final == first->equity_final;
  }
  if (given < 2) return;
  fprintf(s->out, "\n  %sPath inside bars%s  ", code(s, DIM), plain(s, DIM));
  if (same) {
    fprintf(s->out, "the same result under every guess\n");
    return;
  }
  bool begun = false;
  for (int p = 0; p < RESULT_PATH_COUNT; p++) {
    if (!r->path_given[p]) continue;
    char v[64];
    value_text(&r->paths[p], stat_find("return_pct"), v, sizeof v);
    fprintf(s->out, "%s%s %s%s%s", begun ? " | " : "", result_path_text((enum result_path)p), code(s, BOLD), v, plain(s, BOLD));
    begun = true;
  }
  fputc('\n', s->out);
}

static void troubles(const struct summary *s, const struct result *r) {
  if (r->open_count) fprintf(s->out, "\n  %zu position%s open at the end, marked at the last price\n", r->open_count, r->open_count == 1 ? "" : "s");
  if (r->denied_count) fprintf(s->out, "\n  %sOrders denied or rejected%s\n", code(s, WARN), plain(s, WARN));
  for (size_t i = 0; i < r->denied_count; i++) {
    const struct result_denied *d = &r->denied[i];
    fprintf(s->out, "  %8llu x %-14s %s%s%s\n", (unsigned long long)d->count, reason_code(d->code), code(s, DIM), reason_text(d->code), plain(s, DIM));
  }
  if (r->rules.given) {
    fprintf(s->out, "\n  Rules of ");
    text(s, r->rules.name);
    fprintf(s->out, ": %llu orders denied, %llu times cancelled or closed by the rules%s\n", (unsigned long long)r->rules.denied, (unsigned long long)r->rules.interventions,
            r->rules.failed ? "; the account failed" : r->rules.stopped ? "; the account was stopped" : "");
    if (r->rules.ends) fprintf(s->out, "  %s%s%s\n", code(s, WARN), r->rules.why, plain(s, WARN));
  }
  if (r->warning_count) fprintf(s->out, "\n  %sWarnings%s\n", code(s, WARN), plain(s, WARN));
  for (size_t i = 0; i < r->warning_count && i < WARNINGS_SHOWN; i++) {
    fputs("  - ", s->out);
    text(s, r->warnings[i]);
    fputc('\n', s->out);
  }
  size_t more = r->warning_count + r->warnings_dropped;
  if (more > WARNINGS_SHOWN) fprintf(s->out, "  - and %zu more\n", more - WARNINGS_SHOWN);
}

void summary_print(const struct result *r, FILE *out, bool colour) {
  struct summary s = {out, colour};
  const struct stats *st = &r->stats;
  heading(&s, r);
  static const struct {
    const char *key, *label;
    bool toned;
  } cells[] = {
    {"return_pct", "Return", true},              {"max_drawdown_pct", "Max drawdown", false},
    {"equity_final", "Final equity", false},     {"max_drawdown_ms", "  its duration", false},
    {"cagr_pct", "CAGR", true},                  {"sharpe", "Sharpe", false},
    {"buy_hold_return_pct", "Buy and hold", true}, {"sortino", "Sortino", false},
    {"trades", "Trades", false},                 {"profit_factor", "Profit factor", false},
    {"win_rate_pct", "Win rate", false},         {"expectancy", "Expectancy", true},
    {"exposure_pct", "Exposure", false},         {"sqn", "SQN", false},
    {"fees", "Fees", false},                     {"slippage", "Spread and slippage", false},
    {"funding", "Funding", true},                {"swap", "Swap", true},
  };
  size_t n = sizeof cells / sizeof *cells;
  if (st->funding == 0 && st->swap == 0) n -= 2;
  for (size_t i = 0; i < n; i++) cell(&s, st, cells[i].key, cells[i].label, cells[i].toned, i % 2 == 1);
  if (st->ambiguous_pct > 0)
    fprintf(out, "\n  %.1f %% of trades: one bar held both stop and target (finer data with --detail would tell)\n", st->ambiguous_pct);
  paths(&s, r);
  troubles(&s, r);
  fputc('\n', out);
}

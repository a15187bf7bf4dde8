// api/analytics_equity.c – one curve of all bots' equity and of what their latest runs have won or lost. A bot counts from its first mark to its
// last, before with what its run was given, after with what it had: so a curve has no step where a bot begins or ends. Many bots are read a
// few at a time, and others have their turn between.
#include "api/bots_page.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/tenant_view.h"

#include <stdlib.h>
#include <string.h>

#define POINTS 240
#define BOTS_A_TURN 8
#define CURRENCIES_MAX 8

struct member {            // of the curve: a bot's latest run
  const struct tenant_view_bot *bot;
  uint32_t run;
  bool open;
  cash given;
  struct journal_point first, last;
};
struct sum {
  const char *currency;
  int128 equity_e8[POINTS], pnl_e8[POINTS];
  int64_t bots;
};
struct curves {
  struct tenant_view *view;
  struct member *members;
  size_t count, scanned, drawn;
  enum tenant_curve level;
  int64_t from_ns, to_ns;
  struct sum *sums;
  int sum_count;
  int64_t slots[POINTS];     // of the bot that is drawn: INT64_MIN: no mark there
};

static void curves_finish(void *more) {
  struct curves *c = more;
  free(c->members);
  free(c->sums);
}

static enum status answer(struct api_call *call, struct curves *c) {
  struct buf text;
  struct json_out o;
  buf_init(&text, 4u << 20);
  json_out_init(&o, &text, false);
  jo_open(&o, NULL, '{');
  jo_ms(&o, "from_ms", c->from_ns);
  jo_ms(&o, "to_ms", c->to_ns);
  jo_open(&o, "curves", '[');
  for (int k = 0; k < c->sum_count; k++) {
    const struct sum *s = &c->sums[k];
    int128 peak = INT64_MIN, fall = 0;
    jo_open(&o, NULL, '{');
    jo_text(&o, "currency", s->currency);
    jo_int(&o, "bots", s->bots);
    jo_open(&o, "points", '[');
    for (int i = 0; i < POINTS; i++) {
      if (s->pnl_e8[i] > peak) peak = s->pnl_e8[i];
      if (peak - s->pnl_e8[i] > fall) fall = peak - s->pnl_e8[i];
      jo_open(&o, NULL, '{');
      jo_ms(&o, "time_ms", c->from_ns + (int64_t)((int128)(c->to_ns - c->from_ns) * (i + 1) / POINTS));
      bots_put_cash(&o, "equity", tenant_view_clamp(s->equity_e8[i]));
      bots_put_cash(&o, "pnl", tenant_view_clamp(s->pnl_e8[i]));
      jo_close(&o);
    }
    jo_close(&o);
    bots_put_cash(&o, "max_drawdown", tenant_view_clamp(fall));
    jo_close(&o);
  }
  jo_close(&o);
  jo_close(&o);
  return tenant_view_answer(call, &text, OK);
}

// The view is the call's state; this is behind it.
static struct curves *curves_of(struct api_call *call) { return (struct curves *)((struct tenant_view *)call->state)->more; }

// ---- drawing a bot into the sum of its currency

static void mark(void *arg, const struct journal_point *p) {
  struct curves *c = arg;
  if (p->time_ns < c->from_ns || p->time_ns > c->to_ns) return;
  int64_t slot = c->to_ns > c->from_ns ? (int64_t)((int128)(p->time_ns - c->from_ns) * POINTS / (c->to_ns - c->from_ns)) : 0;
  c->slots[slot < POINTS ? slot : POINTS - 1] = p->equity.e8;
}

static struct sum *sum_of(struct curves *c, const char *currency) {
  for (int i = 0; i < c->sum_count; i++)
    if (strcmp(c->sums[i].currency, currency) == 0) return &c->sums[i];
  if (c->sum_count == CURRENCIES_MAX) return NULL;
  c->sums[c->sum_count] = (struct sum){.currency = currency};
  return &c->sums[c->sum_count++];
}

static enum status draw(struct api_call *call, struct curves *c, const struct member *m) {
  struct sum *s = sum_of(c, m->bot->currency);
  if (!s) return OK;
  for (int i = 0; i < POINTS; i++) c->slots[i] = INT64_MIN;
  enum status st = tenant_curve(tenant_view_journal(c->view), call->who.tenant_id, m->bot->id, m->run, c->level, c->from_ns, mark, c, &call->err);
  int64_t equity = m->last.time_ns < c->from_ns ? m->last.equity.e8 : m->given.e8;
  if (m->first.time_ns < c->from_ns && m->last.time_ns >= c->from_ns)  // what it had when the curve begins: the first that is known of it there
    for (int i = 0; i < POINTS; i++)
      if (c->slots[i] != INT64_MIN) {
        equity = c->slots[i];
        break;
      }
  for (int i = 0; i < POINTS; i++) {
    if (c->slots[i] != INT64_MIN) equity = c->slots[i];
    s->pnl_e8[i] += equity - m->given.e8;
    if (m->open) s->equity_e8[i] += equity;
  }
  s->bots += m->open;
  return st;
}

static enum status drawing(struct api_call *call) {
  struct curves *c = curves_of(call);
  for (int n = 0; c->drawn < c->count; n++) {
    if (n == BOTS_A_TURN) return tenant_view_pause(call, drawing);
    const enum status st = draw(call, c, &c->members[c->drawn++]);
    if (st != OK) return st;
  }
  return answer(call, c);
}

// ---- who takes part, and over which time

static enum status look(struct api_call *call, struct curves *c, const struct tenant_view_bot *b) {
  struct journal_run run;
  struct db *journal = tenant_view_journal(c->view);
  struct member m = {.bot = b};
  enum status st = journal_run_last(journal, call->who.tenant_id, b->id, &run, &call->err);
  if (st == OK) st = tenant_curve_ends(journal, call->who.tenant_id, b->id, run.run, &m.first, &m.last, &call->err);
  if (st == ERR_NOTFOUND) return OK;
  if (st != OK) return st;
  m.run = run.run;
  m.open = run.last_id == 0;
  if (tenant_run_cash(journal, call->who.tenant_id, b->id, run.run, &m.given, &call->err) != OK) m.given = m.first.balance;
  if (m.first.time_ns < c->from_ns) c->from_ns = m.first.time_ns;
  if (m.last.time_ns > c->to_ns) c->to_ns = m.last.time_ns;
  c->members[c->count++] = m;
  return OK;
}

static void choose_span(struct api_call *call, struct curves *c) {
  static const struct { const char *name; int64_t days; } spans[] = {{"day", 1}, {"week", 7}, {"month", 31}, {"year", 366}};
  const char *wanted = api_query_text(call, "span");
  for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
    if (wanted && strcmp(spans[i].name, wanted) == 0 && c->to_ns - spans[i].days * NS_PER_DAY > c->from_ns) c->from_ns = c->to_ns - spans[i].days * NS_PER_DAY;
  const int64_t days = (c->to_ns - c->from_ns) / NS_PER_DAY;
  c->level = days < 2 ? CURVE_MARKS : days < 90 ? CURVE_HOURS : CURVE_DAYS;
}

static enum status looking(struct api_call *call) {
  struct curves *c = curves_of(call);
  for (int n = 0; c->scanned < c->view->count; n++) {
    if (n == 8 * BOTS_A_TURN) return tenant_view_pause(call, looking);
    const struct tenant_view_bot *b = &c->view->bots[c->scanned++];
    const enum status st = b->deleted ? OK : look(call, c, b);
    if (st != OK) return st;
  }
  if (!c->count) c->from_ns = c->to_ns = 0;
  choose_span(call, c);
  return drawing(call);
}

enum status api_analytics_equity(struct api_call *call) {
  struct tenant_view *v;
  enum status st = tenant_view_begin(call, &v);
  struct curves *c = st == OK ? api_alloc(call, sizeof *c) : NULL;
  if (st != OK) return st;
  if (c) *c = (struct curves){.view = v, .from_ns = INT64_MAX, .members = calloc(v->count + 1, sizeof *c->members), .sums = calloc(CURRENCIES_MAX, sizeof *c->sums)};
  if (!c || !c->members || !c->sums) {
    if (c) curves_finish(c);
    return err_set(&call->err, ERR_NOMEM, "out of memory");
  }
  v->more = c;
  v->more_finish = curves_finish;
  return looking(call);
}

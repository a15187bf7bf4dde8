// api/reports.c – GET /reports: trades, fills, days or equity of all bots as a table for a spreadsheet (CSV, RFC 4180). Written a few thousand
// rows at a time, so that others have their turn between.
#include "api/bots_page.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/tenant_view.h"
#include "order/order.h"

#include <stdio.h>
#include <string.h>

#define ROWS_A_TURN 2000
#define ROWS_MAX 100000
#define BYTES_MAX ((size_t)64 << 20)

struct report {
  struct tenant_view *v;
  struct buf text;
  struct tenant_place at;
  int64_t rows, turn_rows;
  size_t bot;      // of equity: whose turn it is
  bool more;       // it ends though there are more rows
};

static void report_finish(void *more) { buf_finish(&((struct report *)more)->text); }

static struct report *report_of(struct api_call *call) { return ((struct tenant_view *)call->state)->more; }

// ---- fields

// Text of people's: quoted, and never read as a formula by who opens the file.
static void put_words(struct buf *b, const char *text) {
  buf_str(b, strchr("=+-@\t\r", *text) && *text ? "\"'" : "\"");
  for (const char *at = text; *at; at++) {
    if (*at == '"') buf_str(b, "\"\"");
    else buf_add(b, at, 1);
  }
  buf_str(b, "\"");
}
static void put_owner(struct report *r, int64_t bot_id) {
  const struct tenant_view_bot *b = tenant_view_bot(r->v, bot_id);
  put_words(&r->text, b ? b->name : "");
  buf_str(&r->text, ",");
  put_words(&r->text, b ? b->script : "");
  buf_str(&r->text, ",");
  put_words(&r->text, b ? b->account : "");
}
static const char *currency_of(const struct report *r, int64_t bot_id) {
  const struct tenant_view_bot *b = tenant_view_bot(r->v, bot_id);
  return b ? b->currency : "USDT";
}

// ISO 8601, to the millisecond, UTC.
static void put_time(struct buf *b, int64_t ns) {
  int64_t days = ns / NS_PER_DAY, ms = ns % NS_PER_DAY / NS_PER_MS;
  if (ms < 0) ms += NS_PER_DAY / NS_PER_MS, days--;
  // Howard Hinnant, "chrono-compatible low-level date algorithms": civil_from_days.
  const int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097, yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153, day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
  buf_printf(b, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%03lldZ", (long long)(yoe + era * 400 + (month <= 2)), (long long)month, (long long)day, (long long)(ms / 3600000),
             (long long)(ms / 60000 % 60), (long long)(ms / 1000 % 60), (long long)(ms % 1000));
}
static void put_cash(struct buf *b, cash amount) {
  char text[DECIMAL_TEXT_MAX];
  buf_str(b, ",");
  buf_str(b, cash_text(amount, text));
}

// False: enough for this turn, or for the whole.
static bool room(struct report *r, int64_t time_ns) {
  if (r->rows == ROWS_MAX) r->more = true;
  if (r->turn_rows == ROWS_A_TURN || r->more) return false;
  r->at = time_ns == r->at.time_ns ? (struct tenant_place){time_ns, r->at.skip + 1} : (struct tenant_place){time_ns, 1};
  r->rows++;
  r->turn_rows++;
  return true;
}

// ---- kinds

static void add_trade(void *arg, const struct journal_trade *t) {
  struct report *r = arg;
  const struct journal_series *s = tenant_view_series(r->v, t->series);
  char text[DECIMAL_TEXT_MAX];
  if (!s || !room(r, t->exit_ns)) return;
  const struct instrument *inst = &s->terms.inst;
  put_owner(r, t->bot_id);
  buf_printf(&r->text, ",%s,%s,%s,", inst->symbol, t->direction > 0 ? "long" : "short", quantity_text(inst, t->qty, text));
  put_time(&r->text, t->entry_ns);
  buf_printf(&r->text, ",%s,", price_text(inst, t->entry_px, text));
  put_time(&r->text, t->exit_ns);
  buf_printf(&r->text, ",%s", price_text(inst, t->exit_px, text));
  put_cash(&r->text, t->pnl);
  put_cash(&r->text, t->fees);
  put_cash(&r->text, t->mae);
  put_cash(&r->text, t->mfe);
  buf_printf(&r->text, ",%s,%lld,", currency_of(r, t->bot_id), (long long)t->bars);
  put_words(&r->text, t->tag);
  buf_str(&r->text, ",");
  put_words(&r->text, t->exit_tag);
  buf_str(&r->text, "\r\n");
}
static enum status more_trades(struct report *r, struct err *err) {
  return tenant_trades(tenant_view_journal(r->v), &r->v->filter, r->at, ROWS_A_TURN + 1, add_trade, r, err);
}

static void add_fill(void *arg, const struct journal_fill *f) {
  struct report *r = arg;
  const struct journal_series *s = tenant_view_series(r->v, f->series);
  char text[DECIMAL_TEXT_MAX];
  if (!s || !room(r, f->time_ns)) return;
  const struct instrument *inst = &s->terms.inst;
  put_time(&r->text, f->time_ns);
  buf_str(&r->text, ",");
  put_owner(r, f->bot_id);
  buf_printf(&r->text, ",%s,%s,%s", inst->symbol, side_text((enum side)f->side), quantity_text(inst, f->qty, text));
  buf_printf(&r->text, ",%s", price_text(inst, f->px, text));
  put_cash(&r->text, f->fee);
  buf_printf(&r->text, ",%s,%s,%llu,", currency_of(r, f->bot_id), f->maker ? "maker" : "taker", (unsigned long long)f->order);
  put_words(&r->text, f->tag);
  buf_str(&r->text, "\r\n");
}
static enum status more_fills(struct report *r, struct err *err) {
  return tenant_fills(tenant_view_journal(r->v), &r->v->filter, r->at, ROWS_A_TURN + 1, add_fill, r, err);
}

static void add_day(void *arg, int64_t bot_id, int64_t day, int64_t trades, int64_t wins, cash pnl, cash fees) {
  struct report *r = arg;
  if (r->rows++ >= ROWS_MAX) {
    r->more = true;
    return;
  }
  put_time(&r->text, day * NS_PER_DAY);
  buf_str(&r->text, ",");
  put_owner(r, bot_id);
  buf_printf(&r->text, ",%lld,%lld", (long long)trades, (long long)wins);
  put_cash(&r->text, pnl);
  put_cash(&r->text, fees);
  buf_printf(&r->text, ",%s\r\n", currency_of(r, bot_id));
}
static enum status more_days(struct report *r, struct err *err) {
  return tenant_days(tenant_view_journal(r->v), &r->v->filter, add_day, r, err);
}

static void add_point(void *arg, const struct journal_point *p) {
  struct report *r = arg;
  if (r->rows++ >= ROWS_MAX) {
    r->more = true;
    return;
  }
  put_time(&r->text, p->time_ns);
  buf_str(&r->text, ",");
  put_owner(r, r->v->bots[r->bot].id);
  put_cash(&r->text, p->equity);
  put_cash(&r->text, p->balance);
  buf_printf(&r->text, ",%s\r\n", r->v->bots[r->bot].currency);
}

static bool meant(const struct report *r, int64_t id) {
  char text[24];
  const size_t len = (size_t)snprintf(text, sizeof text, "%lld", (long long)id);
  const char *at = r->v->filter.bots;
  for (; at && (at = strstr(at, text)); at += len)
    if (!strchr("0123456789", at[-1]) && (at[len] == ',' || at[len] == ']')) return true;
  return !r->v->filter.bots;
}
// A bot a turn.
static enum status more_equity(struct report *r, struct err *err) {
  const struct tenant_filter *f = &r->v->filter;
  while (r->bot < r->v->count && (r->v->bots[r->bot].deleted || !meant(r, r->v->bots[r->bot].id))) r->bot++;
  if (r->bot == r->v->count) return OK;
  const enum status st = journal_equity(tenant_view_journal(r->v), f->tenant_id, r->v->bots[r->bot].id, 0, f->from_ns, f->to_ns ? f->to_ns : INT64_MAX, JOURNAL_POINTS_MAX, add_point, r, err);
  r->bot++;
  r->turn_rows = ROWS_A_TURN;  // go on
  return st;
}

static const struct kind {
  const char *name, *head;
  enum status (*more)(struct report *r, struct err *err);
} kinds[] = {
  {"trades", "bot,strategy,account,symbol,side,qty,entry_time,entry_price,exit_time,exit_price,pnl,fees,mae,mfe,currency,bars,tag,exit_tag\r\n", more_trades},
  {"fills", "time,bot,strategy,account,symbol,side,qty,price,fee,currency,liquidity,order,tag\r\n", more_fills},
  {"days", "day,bot,strategy,account,trades,wins,pnl,fees,currency\r\n", more_days},
  {"equity", "time,bot,strategy,account,equity,balance,currency\r\n", more_equity},
};

static const struct kind *kind_of(struct api_call *call) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, api_query_text(call, "kind")) == 0) return &kinds[i];
  return &kinds[0];
}

static enum status writing(struct api_call *call) {
  struct report *r = report_of(call);
  const struct kind *k = kind_of(call);
  r->turn_rows = 0;
  enum status st = k->more(r, &call->err);
  if (st == OK) st = r->v->status;
  if (st == OK && r->text.failed) st = err_set(&call->err, ERR_NOMEM, "out of memory");
  if (st == OK && r->turn_rows == ROWS_A_TURN && !r->more) return tenant_view_pause(call, writing);
  if (st != OK) return st;
  api_field(call, "Content-Disposition", "attachment; filename=\"perigee-%s.csv\"", k->name);
  if (r->more) api_field(call, "Perigee-More", "true");
  struct buf done = r->text;
  buf_init(&r->text, BYTES_MAX);  // the answer has it now
  return api_text(call, 200, "text/csv; charset=utf-8; header=present", done.data, done.len);
}

enum status api_reports_get(struct api_call *call) {
  struct tenant_view *v;
  const enum status st = tenant_view_begin(call, &v);
  struct report *r = st == OK ? api_alloc(call, sizeof *r) : NULL;
  if (st != OK) return st;
  if (!r) return err_set(&call->err, ERR_NOMEM, "out of memory");
  *r = (struct report){.v = v, .at = {INT64_MAX, 0}};
  buf_init(&r->text, BYTES_MAX);
  buf_str(&r->text, kind_of(call)->head);
  v->more = r;
  v->more_finish = report_finish;
  return writing(call);
}

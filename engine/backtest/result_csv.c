#include "backtest/result_out.h"

#include <string.h>

#define CSV_BYTES_MAX ((size_t)2 << 30)

// A text field after RFC 4180; see result_out.h about the apostrophe.
static void field(struct buf *b, const char *text) {
  bool formula = text[0] && strchr("=+-@\t\r", text[0]);
  if (!formula && !strpbrk(text, ",\"\r\n")) {
    buf_str(b, text);
    return;
  }
  buf_str(b, formula ? "\"'" : "\"");
  for (const char *p = text; *p; p++) {
    if (*p == '"') buf_str(b, "\"");
    buf_add(b, p, 1);
  }
  buf_str(b, "\"");
}

static enum status finish(struct buf *b, const char *path, struct err *err) {
  enum status st = b->failed ? err_set(err, ERR_LIMIT, "%s: does not fit into 2 GB", path)
                             : file_write_atomic(path, b->data, b->len, err);
  buf_finish(b);
  return st;
}

enum status result_trades_csv_write(const struct result *r, const char *path, struct err *err) {
  struct buf b;
  buf_init(&b, CSV_BYTES_MAX);
  buf_str(&b, "symbol,side,qty,entry_time,entry_price,exit_time,exit_price,pnl,fees,tag,exit_tag,bars,mae,mfe,ambiguous,"
              "position_id\n");
  for (size_t k = 0; k < r->trade_count; k++) {
    const struct trade *t = &r->trades[k];
    const struct instrument *i = result_symbol(r, t->symbol);
    char q[DECIMAL_TEXT_MAX], in[DECIMAL_TEXT_MAX], out[DECIMAL_TEXT_MAX], pnl[DECIMAL_TEXT_MAX], fees[DECIMAL_TEXT_MAX];
    char mae[DECIMAL_TEXT_MAX], mfe[DECIMAL_TEXT_MAX];
    field(&b, i->symbol);
    buf_printf(&b, ",%s,%s,%lld,%s,%lld,%s,%s,%s,", t->direction > 0 ? "long" : "short", quantity_text(i, t->qty, q),
               (long long)(t->entry_ns / NS_PER_MS), price_text(i, t->entry_px, in), (long long)(t->exit_ns / NS_PER_MS),
               price_text(i, t->exit_px, out), cash_text(t->pnl, pnl), cash_text(t->fees, fees));
    field(&b, result_tag(r, t->tag));
    buf_str(&b, ",");
    field(&b, result_tag(r, t->exit_tag));
    buf_printf(&b, ",%lld,%s,%s,%s,%llu\n", (long long)t->bars, cash_text(t->mae, mae), cash_text(t->mfe, mfe),
               t->ambiguous ? "true" : "false", (unsigned long long)t->position_id);
  }
  return finish(&b, path, err);
}

enum status result_equity_csv_write(const struct result *r, const char *path, struct err *err) {
  struct buf b;
  buf_init(&b, CSV_BYTES_MAX);
  buf_str(&b, "time,equity,drawdown_pct\n");
  int64_t peak = r->cash_start.e8;
  for (size_t i = 0; i < r->equity_count; i++) {
    int64_t e = r->equity[i].equity_e8;
    if (e > peak) peak = e;
    char text[DECIMAL_TEXT_MAX];
    double depth = peak > 0 ? 100 * (double)((int128)peak - e) / (double)peak : 0;
    buf_printf(&b, "%lld,%s,%.6g\n", (long long)(r->equity[i].time_ns / NS_PER_MS), cash_text((cash){e}, text), depth);
  }
  return finish(&b, path, err);
}

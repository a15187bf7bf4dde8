// backtest/report_html.c – one file: the page with style, chart library, data and script put in at its marks.
#include "backtest/report/assets.h"
#include "backtest/report_data.h"

#include <assert.h>
#include <string.h>

#define HTML_BYTES_MAX ((size_t)64 << 20)

static void escaped(struct buf *b, const char *text, size_t len) {
  for (const char *p = text; p < text + len; p++) {
    switch (*p) {
      case '&': buf_str(b, "&amp;"); break;
      case '<': buf_str(b, "&lt;"); break;
      case '>': buf_str(b, "&gt;"); break;
      case '"': buf_str(b, "&quot;"); break;
      case '\'': buf_str(b, "&#39;"); break;
      default: buf_add(b, p, 1);
    }
  }
}

static void mark(struct buf *b, const struct result *r, const char *name, size_t len) {
  const char *title = r->script_name && *r->script_name ? r->script_name : "Backtest";
#define IS(text) (len == strlen(text) && memcmp(name, text, len) == 0)
  if (IS("style")) buf_add(b, report_style_css, report_style_css_len);
  else if (IS("charts")) buf_add(b, report_charts_js, report_charts_js_len);
  else if (IS("script")) buf_add(b, report_script_js, report_script_js_len);
  else if (IS("data")) report_data_json(r, b);
  else if (IS("licence")) escaped(b, (const char *)report_charts_license, report_charts_license_len);
  else if (IS("title")) escaped(b, title, strlen(title));
  else assert(!"mark of the page is known");
#undef IS
}

enum status report_html(const struct result *r, struct buf *out, struct err *err) {
  const char *p = (const char *)report_page_html, *end = p + report_page_html_len;
  while (p < end) {
    const char *open = memmem(p, (size_t)(end - p), "{{", 2);
    const char *close = open ? memmem(open, (size_t)(end - open), "}}", 2) : NULL;
    if (!close) break;
    buf_add(out, p, (size_t)(open - p));
    mark(out, r, open + 2, (size_t)(close - open - 2));
    p = close + 2;
  }
  buf_add(out, p, (size_t)(end - p));
  return out->failed ? err_set(err, ERR_LIMIT, "the report does not fit into memory or 64 MB") : OK;
}

enum status report_html_write(const struct result *r, const char *path, struct err *err) {
  struct buf b;
  buf_init(&b, HTML_BYTES_MAX);
  enum status st = report_html(r, &b, err);
  if (st == OK) st = file_write_atomic(path, b.data, b.len, err);
  else st = err_wrap(err, st, "%s", path);
  buf_finish(&b);
  return st;
}

// notice/render.c – see render.h.
#include "notice/render.h"

#include "market/tz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)
#define BODY_ERROR(err) err_set(err, ERR_NOMEM, "out of memory")
#define DIGEST_LINES 60
#define WEBHOOK_ITEMS 20

size_t notice_items_max(enum notice_kind kind) { return kind == NOTICE_WEBHOOK ? WEBHOOK_ITEMS : NOTICE_ITEMS_MAX; }

// ---- plain words

// Cuts between characters, with an ellipsis.
static void cut(struct buf *b, size_t begin, size_t most) {
  if (b->failed || b->len - begin <= most) return;
  size_t at = begin + most - 3;
  while (at > begin && ((unsigned char)b->data[at] & 0xc0) == 0x80) at--;
  b->len = at;
  b->data[at] = '\0';
  buf_str(b, "…");
}

static void one_line(struct buf *b, size_t begin) {
  for (size_t i = begin; !b->failed && i < b->len; i++)
    if (b->data[i] == '\n') b->data[i] = ' ';
}

static void when(int64_t ns, struct buf *out) {
  const int64_t s = ns / NS_PER_S, day = s / 86400;
  const struct tz_date d = date_from_days(day);
  const int64_t of_day = s - day * 86400;
  buf_printf(out, "%04d-%02d-%02d %02d:%02d UTC", (int)d.year, d.month, d.day, (int)(of_day / 3600), (int)(of_day / 60 % 60));
}

void notice_title(const struct notice_message *m, struct buf *out) {
  const size_t begin = out->len;
  if (m->count == 1) notice_fill(notice_about(m->items[0].event)->title, m->items[0].data, out);
  else buf_printf(out, "%zu notices", m->count);
  one_line(out, begin);
  cut(out, begin, NOTICE_TITLE_MAX);
}

static void item_text(const struct notice_item *item, struct buf *out) {
  notice_fill(notice_about(item->event)->text, item->data, out);
  if (item->more) buf_printf(out, "%s%" PRId64 " more like this.", out->len && out->data[out->len - 1] != '\n' ? "\n" : "", item->more);
}

static void digest_line(const struct notice_item *item, struct buf *out) {
  const size_t begin = out->len;
  when(item->created_ns, out);
  buf_str(out, " – ");
  notice_fill(notice_about(item->event)->title, item->data, out);
  buf_str(out, ": ");
  item_text(item, out);
  one_line(out, begin);
  cut(out, begin, 250);
  buf_str(out, "\n");
}

void notice_text(const struct notice_message *m, struct buf *out) {
  const size_t begin = out->len;
  if (m->count == 1) {
    item_text(&m->items[0], out);
    cut(out, begin, NOTICE_TEXT_MAX);
    return;
  }
  size_t told = 0;
  for (; told < m->count && told < DIGEST_LINES && out->len - begin < NOTICE_TEXT_MAX - 300; told++) digest_line(&m->items[told], out);
  if (told < m->count) buf_printf(out, "… and %zu more.\n", m->count - told);
  if (!out->failed && out->len > begin) out->data[--out->len] = '\0';
}

// ---- escaping, within so many UTF-16 units

// text with each character that `escape` has something for replaced; at most *units are added (they are counted down), the last of them an ellipsis.
static void put_escaped(const char *text, const char *(*escape)(char c), size_t *units, struct buf *out) {
  for (const unsigned char *p = (const unsigned char *)text; *p;) {
    const size_t len = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    const char *as = len == 1 ? escape((char)*p) : NULL;
    const size_t cost = as ? strlen(as) : len == 4 ? 2 : 1;
    if (strnlen((const char *)p, len) < len) return;  // not UTF-8: nobody gets here with such
    if (*units < cost + 1) {
      if (*units) buf_str(out, "…"), --*units;
      *units = 0;
      return;
    }
    if (as) buf_str(out, as);
    else buf_add(out, p, len);
    *units -= cost;
    p += len;
  }
}

static const char *html_escape(char c) {
  switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    default: return NULL;
  }
}
static const char *markup_escape(char c) { return c == '"' ? NULL : html_escape(c); }
static const char *discord_escape(char c) {
  static const char *const texts[] = {"\\\\", "\\*", "\\_", "\\~", "\\`", "\\|", "\\>", "\\<", "\\#", "\\-", "\\[", "\\]", "\\(", "\\)", "\\@"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i][1] == c) return texts[i];
  return NULL;
}
static const char *no_escape(char c) { return (void)c, NULL; }

// A text as JSON, quotes included.
static void put_json(const char *text, struct buf *out) {
  json_t *v = json_string(text);
  char *s = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
  if (s) buf_str(out, s);
  else out->failed = true;
  free(s);
  json_decref(v);
}

// ---- bodies

static void head_and_text(const char *title, const char *text, const char *open, const char *close, size_t units, const char *(*escape)(char c), struct buf *out) {
  if (*title) {
    buf_str(out, open);
    put_escaped(title, escape, &units, out);
    buf_str(out, close);
  }
  if (*title && *text) buf_str(out, "\n");
  put_escaped(text, escape, &units, out);
}

void notice_telegram(const char *chat, const char *title, const char *text, struct buf *out) {
  struct buf said;
  buf_init(&said, NOTICE_BODY_MAX);
  head_and_text(title, text, "<b>", "</b>", 4000, markup_escape, &said);  // 4096 with room for tags
  buf_str(out, "{\"chat_id\":");
  put_json(chat, out);
  buf_str(out, ",\"text\":");
  put_json(said.data ? said.data : "", out);
  buf_str(out, ",\"parse_mode\":\"HTML\",\"link_preview_options\":{\"is_disabled\":true}}");
  if (said.failed) out->failed = true;
  buf_finish(&said);
}

static void discord(const struct notice_message *m, const char *title, const char *text, struct buf *out) {
  struct buf said;
  size_t units = 80;
  buf_init(&said, NOTICE_BODY_MAX);
  head_and_text(title, text, "**", "**", 1990 - (m->link ? strlen(m->link) : 0), discord_escape, &said);
  if (m->link) buf_printf(&said, "\n%s", m->link);  // ours; a backslash would end it
  buf_str(out, "{\"content\":");
  put_json(said.data ? said.data : "", out);
  buf_clear(&said);
  put_escaped(m->product, no_escape, &units, &said);
  buf_str(out, ",\"username\":");
  put_json(said.data ? said.data : "", out);
  buf_str(out, ",\"allowed_mentions\":{\"parse\":[]}}");
  if (said.failed) out->failed = true;
  buf_finish(&said);
}

static void slack(const char *title, const char *text, struct buf *out) {
  struct buf said;
  buf_init(&said, NOTICE_BODY_MAX);
  head_and_text(title, text, "", "", 3900, markup_escape, &said);
  buf_str(out, "{\"text\":");
  put_json(said.data ? said.data : "", out);
  buf_str(out, ",\"mrkdwn\":false,\"unfurl_links\":false}");
  if (said.failed) out->failed = true;
  buf_finish(&said);
}

static json_t *stamp(int64_t ns) {
  char text[40];
  const int64_t s = ns / NS_PER_S, day = s / 86400, of_day = s - day * 86400;
  const struct tz_date d = date_from_days(day);
  snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)d.year, d.month, d.day, (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60), (int)(ns / 1000000 % 1000));
  return json_string(text);
}

static json_t *item_json(const struct notice_item *item, const char *product) {
  const struct notice_about *about = notice_about(item->event);
  const struct notice_message one = {.product = product, .items = item, .count = 1};
  struct buf title, text;
  buf_init(&title, 1 << 14);
  buf_init(&text, 1 << 16);
  notice_title(&one, &title);
  notice_text(&one, &text);
  json_t *data = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:I, s:o}", "id", item->id, "event", about->name, "severity", notice_severity_text(about->severity), "critical", about->critical,
    "title", title.data ? title.data : "", "text", text.data ? text.data : "", "subject", item->subject, "more", (json_int_t)item->more, "details", json_deep_copy(item->data));
  buf_finish(&title);
  buf_finish(&text);
  return data;
}

static void webhook(const struct notice_message *m, struct buf *out) {
  json_t *v;
  if (m->count == 1) {
    v = json_pack("{s:s, s:o, s:o}", "type", notice_about(m->items[0].event)->name, "timestamp", stamp(m->items[0].created_ns), "data", item_json(&m->items[0], m->product));
  } else {
    json_t *items = json_array();
    for (size_t i = 0; i < m->count; i++) json_array_append_new(items, item_json(&m->items[i], m->product));
    v = json_pack("{s:s, s:o, s:{s:o}}", "type", "digest", "timestamp", stamp(m->items[m->count - 1].created_ns), "data", "items", items);
  }
  char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;
  if (text) buf_str(out, text);
  else out->failed = true;
  free(text);
  json_decref(v);
}

static void with_link(const struct notice_message *m, struct buf *text) {
  if (m->link) buf_printf(text, "%s%s", text->len ? "\n" : "", m->link);
}

enum status notice_body(enum notice_kind kind, const struct notice_message *m, const char *address, struct buf *out, struct err *err) {
  struct buf title, text;
  buf_init(&title, 1 << 14);
  buf_init(&text, 1 << 16);
  notice_title(m, &title);
  notice_text(m, &text);
  if (kind != NOTICE_WEBHOOK && kind != NOTICE_DISCORD) with_link(m, &text);
  const char *head = title.data ? title.data : "", *body = text.data ? text.data : "";
  if (kind == NOTICE_TELEGRAM) notice_telegram(address, head, body, out);
  if (kind == NOTICE_DISCORD) discord(m, head, body, out);
  if (kind == NOTICE_SLACK) slack(head, body, out);
  if (kind == NOTICE_WEBHOOK) webhook(m, out);
  const bool failed = title.failed || text.failed || out->failed || out->len == 0;
  buf_finish(&title);
  buf_finish(&text);
  return failed ? BODY_ERROR(err) : OK;
}

void notice_sms(const struct notice_message *m, struct buf *out) {
  struct buf plain;
  size_t units = 300;
  buf_init(&plain, 1 << 16);
  notice_title(m, &plain);
  buf_str(&plain, ". ");
  notice_text(m, &plain);
  one_line(&plain, 0);
  put_escaped(plain.data ? plain.data : "", no_escape, &units, out);
  if (plain.failed) out->failed = true;
  buf_finish(&plain);
}

void notice_mail(const struct notice_message *m, struct buf *out) {
  notice_text(m, out);
  buf_str(out, "\n");
  if (m->link) buf_printf(out, "\n%s\n", m->link);
  buf_printf(out, "\n-- \nThis notice is from %s. What you are told of, and where, is set in the console under notices.\n", m->product);
}

// ---- HTML

static size_t link_len(const char *p) {
  const size_t scheme = strncmp(p, "https://", 8) == 0 ? 8 : strncmp(p, "http://", 7) == 0 ? 7 : 0;
  if (!scheme) return 0;
  size_t n = scheme + strcspn(p + scheme, " \t\r\n<>\"'`{}|\\^");
  while (n > scheme && strchr(".,;:!?)", p[n - 1])) n--;
  return n > scheme ? n : 0;
}

static void put_html(const char *text, size_t len, struct buf *out) {
  for (size_t i = 0; i < len; i++) {
    const char *as = html_escape(text[i]);
    if (as) buf_str(out, as);
    else buf_add(out, &text[i], 1);
  }
}

static void html_line(const char *line, size_t len, struct buf *out) {
  for (size_t i = 0; i < len;) {
    const size_t n = i == 0 || strchr(" (", line[i - 1]) ? link_len(line + i) : 0;
    if (n && i + n <= len) {
      buf_str(out, "<a href=\"");
      put_html(line + i, n, out);
      buf_str(out, "\">");
      put_html(line + i, n, out);
      buf_str(out, "</a>");
      i += n;
    } else {
      put_html(line + i, 1, out);
      i++;
    }
  }
}

void notice_html(const char *product, const char *subject, const char *plain, struct buf *out) {
  buf_str(out, "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>");
  put_html(subject, strlen(subject), out);
  buf_str(out, "</title></head>\n<body style=\"margin:0;padding:24px;background:#f4f5f7;color:#1c2430;font:15px/1.5 system-ui,sans-serif\">\n"
    "<div style=\"max-width:600px;margin:0 auto;padding:24px;background:#fff;border:1px solid #dfe3e8;border-radius:8px\">\n<p style=\"margin:0;color:#5b6675\">");
  put_html(product, strlen(product), out);
  buf_str(out, "</p>\n<h1 style=\"margin:4px 0 16px;font-size:20px\">");
  put_html(subject, strlen(subject), out);
  buf_str(out, "</h1>\n<p>");
  bool begun = true;  // within a paragraph, nothing of it written
  for (const char *p = plain; *p;) {
    const size_t len = strcspn(p, "\n"), text = len > 0 && p[len - 1] == '\r' ? len - 1 : len;
    if (text == 0 && !begun) buf_str(out, "</p>\n<p>"), begun = true;
    else if (text > 0) {
      if (!begun) buf_str(out, "<br>\n");
      html_line(p, text, out);
      begun = false;
    }
    p += len + (p[len] == '\n');
  }
  buf_str(out, "</p>\n</div>\n</body></html>\n");
}

// ---- SMS providers

static void put_form(const char *text, struct buf *out) {
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
    const bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("-._~", *p);
    if (plain) buf_add(out, p, 1);
    else buf_printf(out, "%%%02X", *p);
  }
}

// Within quotes that the template has.
static void put_in_quotes(const char *text, struct buf *out) {
  struct buf quoted;
  buf_init(&quoted, NOTICE_BODY_MAX);
  put_json(text, &quoted);
  if (quoted.len >= 2) buf_add(out, quoted.data + 1, quoted.len - 2);
  if (quoted.failed) out->failed = true;
  buf_finish(&quoted);
}

void notice_sms_body(const char *template, const char *to, const char *text, struct buf *out) {
  const bool json = template[0] == '{';
  for (const char *p = template; *p;) {
    const char *value = strncmp(p, "{to}", 4) == 0 ? to : strncmp(p, "{text}", 6) == 0 ? text : NULL;
    if (!value) {
      buf_add(out, p++, 1);
      continue;
    }
    if (json) put_in_quotes(value, out);
    else put_form(value, out);
    p += strcspn(p, "}") + 1;
  }
}

// Bodies of every channel: nothing that a script, a venue or a stranger says can be more than text, and none is longer than its provider takes.
#include "notice/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVIL "<b>&\"x\"</b> *a* _b_ `c` ~d~ [l](http://e) @everyone <!here> \\ \x01\x1b[31m"

static struct buf out;

static const char *body_of(enum notice_kind kind, enum notice_event event, const char *bot, const char *text, int64_t more) {
  struct err err;
  json_t *data = json_pack("{s:s, s:s}", "bot", bot, "text", text);
  assert_non_null(data);
  const struct notice_item item = {.event = event, .id = "ntc_1", .subject = "bot_1", .created_ns = INT64_C(1795317790135000000), .more = more, .data = data};
  const struct notice_message m = {.product = "Perigee", .link = "https://p.example/bots/bot_1", .items = &item, .count = 1};
  buf_finish(&out);
  buf_init(&out, NOTICE_BODY_MAX);
  if (kind == NOTICE_SMS) notice_sms(&m, &out);
  else if (kind == NOTICE_MAIL) notice_mail(&m, &out);
  else assert_int_equal(notice_body(kind, &m, "-100", &out, &err), OK);
  json_decref(data);
  assert_false(out.failed);
  return out.data;
}

static json_t *json_of(enum notice_kind kind, const char *bot, const char *text) {
  json_t *v = json_loads(body_of(kind, NOTICE_BOT_MESSAGE, bot, text, 0), 0, NULL);
  assert_non_null(v);
  return v;
}
static const char *member(const json_t *v, const char *key) { return json_string_value(json_object_get(v, key)); }

static size_t units(const char *text) {
  size_t n = 0;
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) n += (*p & 0xc0) != 0x80 ? 1 + (*p >= 0xf0) : 0;
  return n;
}

static void only_text(void **state) {
  (void)state;
  json_t *v = json_of(NOTICE_TELEGRAM, "Bot <1>", EVIL);
  assert_string_equal(member(v, "text"), "<b>Bot &lt;1&gt;</b>\n&lt;b&gt;&amp;\"x\"&lt;/b&gt; *a* _b_ `c` ~d~ [l](http://e) @everyone &lt;!here&gt; \\   [31m\nhttps://p.example/bots/bot_1");
  assert_string_equal(member(v, "chat_id"), "-100");
  assert_string_equal(member(v, "parse_mode"), "HTML");
  json_decref(v);
  v = json_of(NOTICE_DISCORD, "Bot **1**", EVIL);
  assert_string_equal(member(v, "content"), "**Bot \\*\\*1\\*\\***\n\\<b\\>&\"x\"\\</b\\> \\*a\\* \\_b\\_ \\`c\\` \\~d\\~ \\[l\\]\\(http://e\\) \\@everyone \\<!here\\> \\\\   \\[31m\nhttps://p.example/bots/bot_1");
  assert_int_equal(json_array_size(json_object_get(json_object_get(v, "allowed_mentions"), "parse")), 0);
  assert_non_null(json_object_get(json_object_get(v, "allowed_mentions"), "parse"));
  json_decref(v);
  v = json_of(NOTICE_SLACK, "Bot", EVIL);
  assert_null(strchr(member(v, "text"), '<'));
  assert_true(json_is_false(json_object_get(v, "mrkdwn")));
  json_decref(v);
  assert_null(strpbrk(body_of(NOTICE_SMS, NOTICE_BOT_MESSAGE, "Bot", "two\nlines" EVIL, 0), "\n\r\x01\x1b"));
}

// What happened, why, and what to do about it.
static void a_rejected_order(void **state) {
  (void)state;
  json_t *data = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "bot", "Turtle", "side", "buy", "qty", "0.5", "symbol", "BTCUSDT", "code", "VENUE", "detail", "the venue refused the order: Margin is low",
                           "advice", "Pay in.");
  const struct notice_item item = {.event = NOTICE_ORDER_REJECTED, .id = "ntc_1", .subject = "bot_1", .data = data};
  const struct notice_message m = {.product = "Perigee", .items = &item, .count = 1};
  buf_finish(&out);
  buf_init(&out, NOTICE_BODY_MAX);
  notice_title(&m, &out);
  buf_str(&out, "|");
  notice_text(&m, &out);
  assert_string_equal(out.data, "Turtle: the order to buy 0.5 BTCUSDT was rejected|The order to buy 0.5 BTCUSDT was rejected, and nothing of it works any more: "
                                "the venue refused the order: Margin is low (VENUE).\nPay in.");
  json_decref(data);
}

static void only_so_long(void **state) {
  (void)state;
  char *longest = malloc(9001);
  static const char *const pieces[] = {"<", "*", "x", "é", "𝄞", "\\"};
  assert_non_null(longest);
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    longest[0] = '\0';
    for (size_t n = 0; n + 5 < 9000; n += strlen(pieces[i])) memcpy(longest + n, pieces[i], strlen(pieces[i]) + 1);
    static const struct { enum notice_kind kind; const char *key; size_t most; } limits[] = {{NOTICE_TELEGRAM, "text", 4096}, {NOTICE_DISCORD, "content", 2000}, {NOTICE_SLACK, "text", 4000}};
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
      json_t *v = json_of(limits[k].kind, longest, longest);  // jansson refuses what is not UTF-8: a character cut in two would show
      assert_in_range(units(member(v, limits[k].key)), 1000 < limits[k].most ? 1000 : 1, limits[k].most);
      json_decref(v);
    }
    assert_in_range(units(body_of(NOTICE_SMS, NOTICE_BOT_MESSAGE, longest, longest, 0)), 250, 300);
    assert_true(strlen(body_of(NOTICE_MAIL, NOTICE_BOT_MESSAGE, longest, longest, 0)) < 4096);
  }
  free(longest);
}

static void webhooks(void **state) {
  (void)state;
  json_t *v = json_loads(body_of(NOTICE_WEBHOOK, NOTICE_BOT_MESSAGE, "Bot", "hello", 37), 0, NULL), *data = json_object_get(v, "data");
  assert_string_equal(member(v, "type"), "bot.message");
  assert_string_equal(member(v, "timestamp"), "2026-11-22T03:23:10.135Z");
  assert_string_equal(member(data, "text"), "hello\n37 more like this.");
  assert_string_equal(member(data, "subject"), "bot_1");
  assert_string_equal(member(json_object_get(data, "details"), "text"), "hello");
  json_decref(v);
  // Several as one.
  json_t *one = json_pack("{s:s, s:s}", "bot", "A", "text", "first\nline"), *two = json_pack("{s:s, s:s}", "bot", "B", "text", "second");
  const struct notice_item items[] = {{NOTICE_BOT_MESSAGE, "ntc_1", "", INT64_C(1795317790135000000), 0, one}, {NOTICE_BOT_MESSAGE, "ntc_2", "", INT64_C(1795317850135000000), 2, two}};
  const struct notice_message m = {.product = "P", .items = items, .count = 2};
  struct err err;
  buf_clear(&out);
  assert_int_equal(notice_body(NOTICE_WEBHOOK, &m, "", &out, &err), OK);
  v = json_loads(out.data, 0, NULL);
  assert_string_equal(member(v, "type"), "digest");
  assert_int_equal(json_array_size(json_object_get(json_object_get(v, "data"), "items")), 2);
  json_decref(v);
  buf_clear(&out);
  notice_text(&m, &out);
  assert_string_equal(out.data, "2026-11-22 03:23 UTC – A: first line\n2026-11-22 03:24 UTC – B: second 2 more like this.");
  json_decref(one);
  json_decref(two);
}

// A digest of as many as the courier puts together, each as long as a script can make it, of what JSON writes as two bytes.
static void the_longest_digest(void **state) {
  (void)state;
  char text[1024];
  struct notice_item items[NOTICE_ITEMS_MAX];
  struct err err;
  memset(text, '"', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  json_t *data = json_pack("{s:s, s:s, s:s}", "bot", "A", "reason", text, "detail", text);
  for (size_t i = 0; i < NOTICE_ITEMS_MAX; i++) items[i] = (struct notice_item){.event = NOTICE_BOT_FAILED, .id = "ntc_1", .subject = "bot_1", .created_ns = INT64_C(1795317790135000000), .data = data};
  for (int k = 0; k < NOTICE_KIND_COUNT; k++) {
    const struct notice_message m = {.product = "P", .link = "https://p.example/notices", .items = items, .count = notice_items_max((enum notice_kind)k)};
    buf_clear(&out);
    if (k == NOTICE_MAIL || k == NOTICE_SMS) continue;
    if (notice_body((enum notice_kind)k, &m, "-100", &out, &err) != OK) fail_msg("%s: %s", notice_kind_text((enum notice_kind)k), err.msg);
    json_t *v = json_loads(out.data, 0, NULL);
    assert_non_null(v);
    if (k == NOTICE_WEBHOOK) assert_int_equal(json_array_size(json_object_get(json_object_get(v, "data"), "items")), m.count);
    json_decref(v);
  }
  json_decref(data);
}

static void every_event_has_words(void **state) {
  (void)state;
  for (int e = 0; e < NOTICE_EVENT_COUNT; e++) {
    const struct notice_about *a = notice_about((enum notice_event)e);
    enum notice_event back;
    assert_true(notice_event_parse(a->name, &back) && (int)back == e);
    assert_true(strlen(a->name) < 32 && *a->title && *a->text && *a->about);
    assert_true(a->severity == NOTICE_ERROR || !a->critical);
    json_t *v = json_loads(body_of(NOTICE_WEBHOOK, (enum notice_event)e, "Bot", "t", 0), 0, NULL);
    assert_null(strpbrk(member(json_object_get(v, "data"), "title"), "{}"));
    assert_null(strpbrk(member(json_object_get(v, "data"), "text"), "{}"));
    json_decref(v);
  }
}

static void html(void **state) {
  (void)state;
  buf_clear(&out);
  notice_html("P & Q", "<Title>", "One <script>alert(1)</script>\nhttps://p.example/?a=1&b=\"2.\n\nhttp://x onload= javascript:y", &out);
  assert_null(strstr(out.data, "<script"));
  assert_non_null(strstr(out.data, "<title>&lt;Title&gt;</title>"));
  assert_non_null(strstr(out.data, "<h1 style=\"margin:4px 0 16px;font-size:20px\">&lt;Title&gt;</h1>"));
  assert_non_null(strstr(out.data, "<p>One &lt;script&gt;alert(1)&lt;/script&gt;<br>\n<a href=\"https://p.example/?a=1&amp;b=\">https://p.example/?a=1&amp;b=</a>&quot;2.</p>\n<p><a href=\"http://x\">http://x</a> onload= javascript:y</p>"));
}

static void providers_of_sms(void **state) {
  (void)state;
  buf_clear(&out);
  notice_sms_body("{\"to\":\"{to}\",\"text\":\"{text}\"}", "+49", "a \"b\" \\ {to}\n", &out);
  json_t *v = json_loads(out.data, 0, NULL);
  assert_non_null(v);
  assert_string_equal(member(v, "text"), "a \"b\" \\ {to}\n");
  json_decref(v);
  buf_clear(&out);
  notice_sms_body("To={to}&Body={text}&k=v", "+49", "a&b=c é", &out);
  assert_string_equal(out.data, "To=%2B49&Body=a%26b%3Dc%20%C3%A9&k=v");
}

static int end(void **state) {
  (void)state;
  buf_finish(&out);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(only_text), cmocka_unit_test(a_rejected_order), cmocka_unit_test(only_so_long), cmocka_unit_test(webhooks), cmocka_unit_test(the_longest_digest), cmocka_unit_test(every_event_has_words), cmocka_unit_test(html), cmocka_unit_test(providers_of_sms)};
  return cmocka_run_group_tests(tests, NULL, end);
}

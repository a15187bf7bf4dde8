// notice/render.h – a notice, or several in a digest, as each channel's body, escaped and cut as that channel wants it. Pure.
//
// Sources: Telegram Bot API sendMessage (text up to 4096 UTF-16 units, parse_mode HTML: & < > escaped), Discord execute webhook (content up to
// 2000 characters, markdown escaped by backslashes, allowed_mentions parse [] so that nobody is pinged), Slack incoming webhooks (& < > escaped,
// mrkdwn off), Standard Webhooks 1.0 ({type, timestamp, data}).
#pragma once
#include "notice/event.h"

#include <stdint.h>

struct notice_item {
  enum notice_event event;
  const char *id;        // ntc_…
  const char *subject;   // "" or the id of what it is about
  int64_t created_ns, more;
  const json_t *data;
};

struct notice_message {
  const char *product;   // who speaks
  const char *link;      // where to read on; NULL: nowhere
  const struct notice_item *items;
  size_t count;          // 1: a notice; more: a digest
};

#define NOTICE_TITLE_MAX 150      // bytes
#define NOTICE_TEXT_MAX 3000      // bytes of the plain text
#define NOTICE_BODY_MAX (256 * 1024)
#define NOTICE_ITEMS_MAX 100     // of a digest
// Of that kind: a webhook has all of each, and fits its body with the longest that scripts and venues say; others are cut.
size_t notice_items_max(enum notice_kind kind);

// In plain words; both cut between characters. out: empty ones, made with buf_init.
void notice_title(const struct notice_message *m, struct buf *out);
void notice_text(const struct notice_message *m, struct buf *out);

// The body for the address: JSON for Telegram, Discord, Slack and webhooks. Not for mail and SMS, whose text the below has. ERR_NOMEM.
enum status notice_body(enum notice_kind kind, const struct notice_message *m, const char *address, struct buf *out, struct err *err) MUST_CHECK;
// One line of at most 300 characters.
void notice_sms(const struct notice_message *m, struct buf *out);
// The plain text of a mail: text, link, and why it came.
void notice_mail(const struct notice_message *m, struct buf *out);
// A mail's plain text in a frame of HTML: paragraphs, lines, links; everything else escaped. No scripts, images or outside styles.
void notice_html(const char *product, const char *subject, const char *plain, struct buf *out);

// Telegram's sendMessage for a chat: title (may be "") in bold, then text.
void notice_telegram(const char *chat, const char *title, const char *text, struct buf *out);
// A template of an SMS provider's body: {to} and {text}, escaped for JSON when it begins with '{', else for a form.
void notice_sms_body(const char *template, const char *to, const char *text, struct buf *out);

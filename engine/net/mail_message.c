// net/mail_message.c – see mail_message.h.
#include "net/mail_message.h"

#include "net/utf8.h"

#include <string.h>
#include <time.h>

#define FIELD_TEXT_MAX 300
#define PLAIN_MAX 70         // longer ASCII is encoded too, and so folded
#define WORD_BYTES 45        // of an encoded word: 60 characters of base64, 72 with what is around them; RFC 2047 allows 75
#define BODY_LINE_MAX 998    // RFC 5322 §2.1.1
#define QP_LINE_MAX 75       // and "=" for a soft end makes 76, RFC 2045 §6.7

void base64_encode(const void *bytes, size_t len, char *ret) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *in = bytes;
  for (size_t i = 0; i < len; i += 3, ret += 4) {
    size_t n = len - i;
    unsigned three = (unsigned)in[i] << 16 | (n > 1 ? (unsigned)in[i + 1] << 8 : 0) | (n > 2 ? in[i + 2] : 0);
    ret[0] = digits[three >> 18];
    ret[1] = digits[three >> 12 & 63];
    ret[2] = n > 1 ? digits[three >> 6 & 63] : '=';
    ret[3] = n > 2 ? digits[three & 63] : '=';
  }
  *ret = '\0';
}

bool mail_address_ok(const char *text) {
  size_t len = strlen(text);
  const char *at = strchr(text, '@');
  if (len > MAIL_ADDRESS_MAX || !at || at == text || !at[1] || strchr(at + 1, '@')) return false;
  for (size_t i = 0; i < len; i++) {
    if (text[i] <= 0x20 || text[i] >= 0x7f || strchr("<>()[],;:\\\"", text[i])) return false;
  }
  return true;
}

static bool utf8_ok(const char *text) {
  struct utf8 u = {0};
  return utf8_feed(&u, text, strlen(text)) && utf8_whole(&u);
}

// ---- header fields ----

static void encoded_words(const char *text, struct buf *out) {
  size_t len = strlen(text);
  for (size_t at = 0; at < len;) {
    size_t n = len - at < WORD_BYTES ? len - at : WORD_BYTES;
    while (at + n < len && ((unsigned char)text[at + n] & 0xc0) == 0x80) n--;  // never within a character
    char word[BASE64_SIZE(WORD_BYTES)];
    base64_encode(text + at, n, word);
    buf_printf(out, "%s=?utf-8?B?%s?=", at > 0 ? "\r\n " : "", word);
    at += n;
  }
}

// Text of people, in a field: as a quoted string (names), as it is (subjects), or encoded.
static enum status field_text(const char *name, const char *text, bool quoted, struct buf *out, struct err *err) {
  char clean[FIELD_TEXT_MAX + 1];
  size_t len = strlen(text);
  if (len > FIELD_TEXT_MAX) return err_set(err, ERR_RANGE, "%s is longer than %d bytes", name, FIELD_TEXT_MAX);
  if (!utf8_ok(text)) return err_set(err, ERR_INVALID, "%s is not UTF-8", name);
  bool plain = len <= PLAIN_MAX && !strstr(text, "=?");
  for (size_t i = 0; i <= len; i++) {
    unsigned char c = (unsigned char)text[i];
    clean[i] = i < len && (c < 0x20 || c == 0x7f) ? ' ' : text[i];
    plain &= c < 0x80;
  }
  if (!plain) {
    encoded_words(clean, out);
  } else if (!quoted) {
    buf_str(out, clean);
  } else {
    buf_str(out, "\"");
    for (const char *c = clean; *c; c++) buf_printf(out, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
    buf_str(out, "\"");
  }
  return OK;
}

static void date_field(int64_t date_s, struct buf *out) {
  static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t t = (time_t)date_s;
  struct tm tm;
  gmtime_r(&t, &tm);
  buf_printf(out, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\r\n", days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

// ---- the body ----

static bool body_is_plain(const char *body) {
  size_t line = 0;
  for (const char *c = body; *c; c++) {
    if (*c == '\n') line = 0;
    else if (*c == '\r' && c[1] == '\n') continue;
    else if ((*c != '\t' && ((unsigned char)*c < 0x20)) || (unsigned char)*c >= 0x7f || ++line > BODY_LINE_MAX) return false;
  }
  return true;
}

// A line without its end, as quoted-printable.
static void quoted_line(const char *line, size_t len, struct buf *out) {
  size_t column = 0;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)line[i];
    bool last = i + 1 == len;
    bool as_is = (c > 0x20 && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !last);
    size_t width = as_is ? 1 : 3;
    if (column + width > QP_LINE_MAX) {
      buf_str(out, "=\r\n");
      column = 0;
    }
    if (as_is) buf_add(out, &line[i], 1);
    else buf_printf(out, "=%02X", c);
    column += width;
  }
}

static void body_text(const char *body, bool plain, struct buf *out) {
  while (*body) {
    size_t len = strcspn(body, "\n"), text = len > 0 && body[len] && body[len - 1] == '\r' ? len - 1 : len;
    if (plain) buf_add(out, body, text);
    else quoted_line(body, text, out);
    buf_str(out, "\r\n");
    body += len + (body[len] == '\n');
  }
}

static void part(const char *body, const char *kind, struct buf *out) {
  const bool plain = body_is_plain(body);
  buf_printf(out, "Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n", kind, plain ? "7bit" : "quoted-printable");
  body_text(body, plain, out);
}

enum status mail_message_write(const struct mail_message *m, struct buf *out, struct err *err) {
  if (!mail_address_ok(m->from)) return err_set(err, ERR_INVALID, "the sender's address is none");
  if (!mail_address_ok(m->to)) return err_set(err, ERR_INVALID, "the recipient's address is none");
  if (!mail_address_ok(m->message_id)) return err_set(err, ERR_INVALID, "the message's id is none");
  if (!utf8_ok(m->body) || (m->html && !utf8_ok(m->html))) return err_set(err, ERR_INVALID, "the body is not UTF-8");
  buf_str(out, "From: ");
  enum status st = OK;
  if (m->from_name && *m->from_name) {
    st = field_text("the sender's name", m->from_name, true, out, err);
    buf_str(out, " ");
  }
  buf_printf(out, "<%s>\r\nTo: <%s>\r\nSubject: ", m->from, m->to);
  if (st == OK) st = field_text("the subject", m->subject, false, out, err);
  if (st != OK) return st;
  buf_str(out, "\r\n");
  date_field(m->date_s, out);
  buf_printf(out, "Message-ID: <%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n", m->message_id);
  if (!m->html) {
    part(m->body, "plain", out);
    return out->failed ? err_set(err, ERR_NOMEM, "mail") : OK;
  }
  // A line of quoted-printable never has "=_", and one of short ASCII would have to be this very one.
  static const char boundary[] = "=_perigee_alternative_4c1e";
  if (strstr(m->body, boundary) || strstr(m->html, boundary)) return err_set(err, ERR_INVALID, "the body has the boundary of its parts");
  buf_printf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary, boundary);
  part(m->body, "plain", out);
  buf_printf(out, "--%s\r\n", boundary);
  part(m->html, "html", out);
  buf_printf(out, "--%s--\r\n", boundary);
  return out->failed ? err_set(err, ERR_NOMEM, "mail") : OK;
}

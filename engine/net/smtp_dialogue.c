// net/smtp_dialogue.c – see smtp_dialogue.h.
#include "net/smtp_dialogue.h"

#include "crypto/secret.h"
#include "net/mail_message.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum state { GREETING, EHLO, STARTTLS, SECURING, AUTH_PLAIN, AUTH_USER, AUTH_PASSWORD, IDLE, MAIL, RCPT, DATA, TEXT, OVER };

static const char *const names[] = {
  [GREETING] = "the greeting", [EHLO] = "EHLO", [STARTTLS] = "STARTTLS", [SECURING] = "TLS", [AUTH_PLAIN] = "AUTH", [AUTH_USER] = "AUTH",
  [AUTH_PASSWORD] = "AUTH", [IDLE] = "the next mail", [MAIL] = "MAIL", [RCPT] = "RCPT", [DATA] = "DATA",
  [TEXT] = "the text", [OVER] = "the end",
};

const char *smtp_dialogue_at(const struct smtp_dialogue *d) {
  return names[d->state];
}

void smtp_dialogue_init(struct smtp_dialogue *d, const struct smtp_server *server, const char *hello, bool tls, struct buf *out) {
  memset(d, 0, sizeof *d);
  d->server = server;
  d->hello = hello;
  d->tls = tls;
  d->out = out;
}

// ---- ends ----

static enum smtp_step finish(struct smtp_dialogue *d, enum smtp_outcome outcome, const char *detail) {
  d->outcome = outcome;
  snprintf(d->detail, sizeof d->detail, "%s", detail);
  if (outcome != SMTP_SENT) {
    // After a refusal the connection ends: nothing of this mail can cling to the next one.
    if (d->state != OVER) buf_str(d->out, "QUIT\r\n");
    d->over = true;
    d->state = OVER;
  }
  return SMTP_DONE;
}

// What does not depend on the mail is tried again: somebody may mend the server or our settings meanwhile.
static enum smtp_step unfit(struct smtp_dialogue *d, const char *detail) {
  return finish(d, SMTP_OURS, detail);
}

// Does "550 5.1.1 nobody of that name" mean whom the mail goes to, and not us (relaying denied, sender unknown, blocked, policy)? Enhanced
// codes (RFC 3463) tell: subject 1 is an address, though 5.1.7 and 5.1.8 are the sender's, 2 is a mailbox. Without one the codes of
// RFC 5321 have to do: 550 no such mailbox, 551 it moved, 553 its name.
static bool about_recipient(const struct smtp_dialogue *d) {
  const char *s = d->said;
  if (s[0] == '5' && s[1] == '.' && isdigit((unsigned char)s[2])) {
    if (s[2] == '7' && s[3] == '.') return false;
    if (s[3] == '.' && s[2] == '1') return !((s[4] == '7' || s[4] == '8') && !isdigit((unsigned char)s[5]));
    if (s[3] == '.' && s[2] == '2') return true;
    return d->code == 550;
  }
  return d->code == 550 || d->code == 551 || d->code == 553;
}

static enum smtp_step refused(struct smtp_dialogue *d, bool about_mail) {
  char detail[SMTP_DETAIL_SIZE];
  snprintf(detail, sizeof detail, "%s: %d %.200s", names[d->state], d->code, d->said);
  if (d->code < 500) return finish(d, SMTP_LATER, detail);
  return finish(d, about_mail && about_recipient(d) ? SMTP_NEVER : SMTP_OURS, detail);
}

static enum smtp_step nonsense(struct smtp_dialogue *d, const char *what) {
  char detail[SMTP_DETAIL_SIZE];
  snprintf(detail, sizeof detail, "%s: %s", names[d->state], what);
  d->state = OVER;  // no QUIT to who does not speak SMTP
  return finish(d, SMTP_LATER, detail);
}

// ---- what we say ----

static enum smtp_step say(struct smtp_dialogue *d, enum state state, const char *text) {
  buf_printf(d->out, "%s\r\n", text);
  d->state = (uint8_t)state;
  return SMTP_GOES_ON;
}

static enum smtp_step say_hello(struct smtp_dialogue *d) {
  d->starttls = d->auth_plain = d->auth_login = false;  // what was said in plain counts no more
  buf_printf(d->out, "EHLO %s\r\n", d->hello);
  d->state = EHLO;
  return SMTP_GOES_ON;
}

static enum smtp_step say_secret(struct smtp_dialogue *d, enum state state, const char *prefix, const void *bytes, size_t len) {
  char text[BASE64_SIZE(2 * SMTP_TEXT_MAX + 2)];
  base64_encode(bytes, len, text);
  buf_printf(d->out, "%s%s\r\n", prefix, text);
  secret_wipe(text, sizeof text);
  d->state = (uint8_t)state;
  return SMTP_GOES_ON;
}

static enum smtp_step say_auth_plain(struct smtp_dialogue *d) {
  char both[2 * SMTP_TEXT_MAX + 2];
  int n = snprintf(both, sizeof both, "%c%s%c%s", 0, d->server->user, 0, d->server->password);
  enum smtp_step step = say_secret(d, AUTH_PLAIN, "AUTH PLAIN ", both, (size_t)n);
  secret_wipe(both, sizeof both);
  return step;
}

static enum smtp_step idle(struct smtp_dialogue *d) {
  d->state = IDLE;
  return SMTP_READY;
}

static enum smtp_step after_hello(struct smtp_dialogue *d) {
  const struct smtp_server *s = d->server;
  if (!d->tls && s->security == SMTP_STARTTLS) {
    if (d->starttls) return say(d, STARTTLS, "STARTTLS");
    if (!s->local) return unfit(d, "the server does not offer STARTTLS; smtp+plain:// sends without");
  }
  if (!s->user[0]) return idle(d);
  if (d->auth_plain) return say_auth_plain(d);
  if (d->auth_login) return say(d, AUTH_USER, "AUTH LOGIN");
  return unfit(d, "the server offers no way to sign in that is known here (PLAIN, LOGIN)");
}

// Lines end in CR LF whatever they ended in, so that no stray CR or LF means an end to one server and none to the next; a dot
// that begins a line is doubled.
static void say_text(struct smtp_dialogue *d) {
  const char *at = d->mail->text, *end = at + d->mail->len;
  while (at < end) {
    const char *stop = at;
    while (stop < end && *stop != '\r' && *stop != '\n') stop++;
    if (*at == '.') buf_str(d->out, ".");
    buf_add(d->out, at, (size_t)(stop - at));
    buf_str(d->out, "\r\n");
    if (stop < end && *stop == '\r' && stop + 1 < end && stop[1] == '\n') stop++;
    at = stop < end ? stop + 1 : end;
  }
  buf_str(d->out, ".\r\n");
  d->text_sent = true;
  d->state = TEXT;
}

void smtp_dialogue_mail(struct smtp_dialogue *d, const struct smtp_mail *mail) {
  assert(d->state == IDLE && mail_address_ok(mail->from) && mail_address_ok(mail->to));
  d->mail = mail;
  d->text_sent = d->answered = false;
  buf_printf(d->out, "MAIL FROM:<%s>\r\n", mail->from);
  d->state = MAIL;
}

void smtp_dialogue_secured(struct smtp_dialogue *d) {
  assert(d->state == SECURING);
  d->tls = true;
  say_hello(d);
}

// ---- what the server says ----

static enum smtp_step sent(struct smtp_dialogue *d) {
  d->state = IDLE;
  return finish(d, SMTP_SENT, d->said);
}

static enum smtp_step reply(struct smtp_dialogue *d) {
  int kind = d->code / 100;
  d->answered = true;
  if (d->code == 421 && d->state != TEXT) return refused(d, false);  // it goes away
  switch ((enum state)d->state) {
  case GREETING: return kind == 2 ? say_hello(d) : refused(d, false);
  case EHLO: return kind == 2 ? after_hello(d) : refused(d, false);
  case STARTTLS:
    if (kind != 2) return refused(d, false);
    d->state = SECURING;
    return SMTP_START_TLS;
  case AUTH_USER:
    return d->code == 334 ? say_secret(d, AUTH_PASSWORD, "", d->server->user, strlen(d->server->user)) : refused(d, false);
  case AUTH_PASSWORD:
    return d->code == 334 ? say_secret(d, AUTH_PLAIN, "", d->server->password, strlen(d->server->password)) : refused(d, false);
  case AUTH_PLAIN: return kind == 2 ? idle(d) : refused(d, false);
  case MAIL:
    if (kind != 2) return refused(d, false);  // our address is the operator's setting, not this mail's fault
    buf_printf(d->out, "RCPT TO:<%s>\r\n", d->mail->to);
    d->state = RCPT;
    return SMTP_GOES_ON;
  case RCPT: return kind == 2 ? say(d, DATA, "DATA") : refused(d, true);
  case DATA:
    if (d->code != 354) return refused(d, true);
    say_text(d);
    return SMTP_GOES_ON;
  case TEXT: return kind == 2 ? sent(d) : refused(d, true);
  case SECURING:
  case IDLE:
  case OVER: break;
  }
  return nonsense(d, "the server talks out of turn");
}

// One line of an answer to EHLO, behind the code.
static void extension(struct smtp_dialogue *d, const char *text) {
  if (strcasecmp(text, "STARTTLS") == 0) d->starttls = true;
  if (strncasecmp(text, "AUTH", 4) != 0 || (text[4] != ' ' && text[4] != '=')) return;
  for (const char *word = text + 5; *word;) {
    size_t len = strcspn(word, " ");
    if (len == 5 && strncasecmp(word, "PLAIN", 5) == 0) d->auth_plain = true;
    if (len == 5 && strncasecmp(word, "LOGIN", 5) == 0) d->auth_login = true;
    word += len + strspn(word + len, " ");
  }
}

static bool is_digit(char c, char most) {
  return c >= '0' && c <= most;
}

// A line without its end: true if it was the last of a reply. d->state is OVER when it was no line of a reply.
static bool line(struct smtp_dialogue *d, char *text, size_t len, const char **ret_wrong) {
  *ret_wrong = NULL;
  text[len] = '\0';
  if (len < 3 || text[0] < '2' || !is_digit(text[0], '5') || !is_digit(text[1], '9') || !is_digit(text[2], '9') ||
    (len > 3 && text[3] != ' ' && text[3] != '-')) {
    *ret_wrong = "this is no reply of SMTP";
    return false;
  }
  int code = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  const char *words = text + (len > 3 ? 4 : 3);
  if (d->lines == 0) {
    d->code = code;
    snprintf(d->said, sizeof d->said, "%s", words);
    for (char *c = d->said; *c; c++) {
      if (*c < 0x20 || *c >= 0x7f) *c = '?';
    }
  } else if (code != d->code) {
    *ret_wrong = "a reply with two codes";
    return false;
  }
  if (++d->lines > SMTP_LINES_MAX) {
    *ret_wrong = "a reply without an end";
    return false;
  }
  if (d->state == EHLO && code == 250 && d->lines > 1) extension(d, words);
  return len == 3 || text[3] == ' ';
}

enum smtp_step smtp_dialogue_feed(struct smtp_dialogue *d, const char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (d->over) return SMTP_DONE;
    if (bytes[i] != '\n') {
      if (d->line_len == SMTP_LINE_MAX) return nonsense(d, "a line without an end");
      d->line[d->line_len++] = bytes[i];
      continue;
    }
    size_t line_len = d->line_len;
    d->line_len = 0;
    if (line_len > 0 && d->line[line_len - 1] == '\r') line_len--;
    const char *wrong;
    bool last = line(d, d->line, line_len, &wrong);
    if (wrong) return nonsense(d, wrong);
    if (!last) continue;
    d->lines = 0;
    enum smtp_step step = reply(d);
    if (i + 1 == len) return step;
    // More than was asked for. A mail that has been accepted stays so; anything else ends here.
    if (step == SMTP_DONE) {
      d->over = true;
      d->state = OVER;
      return step;
    }
    return nonsense(d, "the server talks out of turn");
  }
  return SMTP_GOES_ON;
}

// Mail as bytes, and the SMTP dialogue without a network: what goes out for what comes in, and servers that lie, babble or hang up.
#include "net/mail_message.h"
#include "net/smtp_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct err err;

// ---- the message ----

static struct buf text;

static const char *message(const struct mail_message *m) {
  buf_finish(&text);
  buf_init(&text, 1 << 20);
  assert_int_equal(mail_message_write(m, &text, &err), OK);
  return text.data;
}

static const struct mail_message simple = {.from = "robot@example.org", .from_name = "Perigee", .to = "ann@example.net", .subject = "Hello",
  .body = "Dear Ann,\n\n.dot\nBye\n", .message_id = "eml_1@example.org", .date_s = 1700000000};

static void a_plain_message(void **state) {
  (void)state;
  assert_string_equal(message(&simple),
    "From: \"Perigee\" <robot@example.org>\r\nTo: <ann@example.net>\r\nSubject: Hello\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    "Message-ID: <eml_1@example.org>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 7bit\r\n\r\nDear Ann,\r\n\r\n.dot\r\nBye\r\n");
}

static void fields_hold(void **state) {
  (void)state;
  struct mail_message m = simple;
  m.subject = "a\r\nBcc: eve@example.org\n x\x7f";
  m.from_name = "A \"B\" \\ C\r\nX: y";
  const char *got = message(&m);
  assert_non_null(strstr(got, "\r\nSubject: a  Bcc: eve@example.org  x \r\nDate: "));
  assert_non_null(strstr(got, "From: \"A \\\"B\\\" \\\\ C  X: y\" <robot@example.org>\r\n"));
  assert_null(strstr(got, "\r\nBcc"));
  m = simple;
  m.subject = "=?utf-8?B?SGk=?=";  // would be read as "Hi"
  assert_non_null(strstr(message(&m), "Subject: =?utf-8?B?PT91dGYtOD9CP1NHaz0/PQ==?=\r\n"));
  m.subject = "Grüße";
  assert_non_null(strstr(message(&m), "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"));
  // Long ones are folded, never within a character.
  char longest[300] = "x";
  for (int i = 0; i < 149; i++) memcpy(longest + 1 + 2 * i, "ü", 3);
  m.subject = longest;
  got = message(&m);
  for (const char *line = got, *end; (end = strstr(line, "\r\n")); line = end + 2) assert_true(end - line <= 90);
  char whole[1024] = "";
  for (const char *word = strstr(got, "=?utf-8?B?"); word; word = strstr(word, "=?utf-8?B?")) {
    word += strlen("=?utf-8?B?");
    size_t len = strcspn(word, "?");
    assert_true(len <= 60);
    assert_int_equal(len % 4, 0);
    strncat(whole, word, len);
    assert_true((len / 4 * 3 - (word[len - 1] == '=') - (word[len - 2] == '=')) % 2 == (word == strstr(got, "=?utf-8?B?") + 10));
  }
  assert_true(strlen(whole) > 300);
}

static void what_is_no_address(void **state) {
  (void)state;
  static const char *const bad[] = {"", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nX: y", "<a@b>", "a@b>", "a,b@c", "\"a\"@b", "a@b\x80", "a@b\x7f", "a(b)@c"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_false(mail_address_ok(bad[i]));
    struct mail_message m = simple;
    m.to = bad[i];
    buf_clear(&text);
    assert_int_equal(mail_message_write(&m, &text, &err), ERR_INVALID);
  }
  assert_true(mail_address_ok("o'neil+tag@sub.example.org"));
}

static void bodies(void **state) {
  (void)state;
  struct mail_message m = simple;
  m.body = "Grüße =\t\nend \r\nbare\rcr";
  const char *got = message(&m);
  assert_non_null(strstr(got, "quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe =3D=09\r\nend=20\r\nbare=0Dcr\r\n"));
  char wide[1200];
  memset(wide, 'w', sizeof wide - 1);
  wide[sizeof wide - 1] = '\0';
  m.body = wide;
  got = strstr(message(&m), "\r\n\r\n") + 4;
  size_t letters = 0;
  for (const char *line = got, *end; (end = strstr(line, "\r\n")); line = end + 2) {
    assert_true(end - line <= 76);
    for (const char *c = line; c < end; c++) letters += *c == 'w';
  }
  assert_int_equal(letters, sizeof wide - 1);
  m.body = "\xc3(";
  buf_clear(&text);
  assert_int_equal(mail_message_write(&m, &text, &err), ERR_INVALID);
  m = simple;
  struct buf small;
  buf_init(&small, 50);
  assert_int_equal(mail_message_write(&m, &small, &err), ERR_NOMEM);
  buf_finish(&small);
}

static void base64(void **state) {
  (void)state;
  static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
    {"\xff\xfe\xfd", "//79"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    char got[BASE64_SIZE(8)];
    base64_encode(pairs[i][0], strlen(pairs[i][0]), got);
    assert_string_equal(got, pairs[i][1]);
  }
}

// ---- URLs ----

static void urls(void **state) {
  (void)state;
  struct smtp_server s;
  assert_int_equal(smtp_server_parse("smtp://mail.example.org", &s, &err), OK);
  assert_true(s.security == SMTP_STARTTLS && s.port == 587 && !s.local && !s.user[0]);
  assert_string_equal(s.host, "mail.example.org");
  assert_int_equal(smtp_server_parse("smtps://ann%40example.org:p%3a%2F%40s@[2001:db8::1]:4650/", &s, &err), OK);
  assert_true(s.security == SMTP_TLS && s.port == 4650);
  assert_string_equal(s.user, "ann@example.org");
  assert_string_equal(s.password, "p:/@s");
  assert_string_equal(s.host, "2001:db8::1");
  assert_int_equal(smtp_server_parse("smtp+plain://u@127.0.0.1", &s, &err), OK);
  assert_true(s.security == SMTP_PLAIN && s.port == 25 && s.local);
  static const char *const locals[] = {"smtp://localhost", "smtp://127.1.2.3", "smtp://[::1]:25"};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(smtp_server_parse(locals[i], &s, &err), OK);
    assert_true(s.local);
  }
  static const char *const bad[] = {"", "smtp:", "smtp://", "http://x", "smtp://:25", "smtp://host:0", "smtp://host:65536", "smtp://host:25x",
    "smtp://host/path", "smtp://user:p%zz@host", "smtp://:secret@host", "smtp://[::1", "smtp://host:+25", "smtp://host: 25"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(smtp_server_parse(bad[i], &s, &err), ERR_INVALID);
    assert_null(strstr(err.msg, "secret"));
  }
}

// ---- the dialogue ----

static struct smtp_server server;
static struct smtp_dialogue d;
static struct buf out;

static void begin(enum smtp_security security, bool local, const char *user) {
  server = (struct smtp_server){.security = security, .local = local, .port = 25, .host = "mail.example.org", .password = "secret"};
  snprintf(server.user, sizeof server.user, "%s", user);
  buf_finish(&out);
  buf_init(&out, 1 << 20);
  smtp_dialogue_init(&d, &server, "example.org", security == SMTP_TLS, &out);
}

// What we say to these bytes; NULL when that is not `step`.
static const char *hear_step(const char *bytes, enum smtp_step step) {
  buf_clear(&out);
  buf_str(&out, "");
  if (smtp_dialogue_feed(&d, bytes, strlen(bytes)) != step) return NULL;
  return out.data ? out.data : "";
}

#define hear(bytes, step, want) assert_string_equal(hear_step(bytes, step), want)

#define TEXT "A: b\r\n\r\n.dot\r\n..\r\nbare\n.lf\r.cr\r\nend"
static const struct smtp_mail mail = {"robot@example.org", "ann@example.net", TEXT, sizeof TEXT - 1};

static void mail_said(void) {
  buf_clear(&out);
  smtp_dialogue_mail(&d, &mail);
  assert_string_equal(out.data, "MAIL FROM:<robot@example.org>\r\n");
}

static void the_usual_way(void **state) {
  (void)state;
  begin(SMTP_STARTTLS, false, "ann");
  hear("220-mail.example.org\r\n220 at your service\r\n", SMTP_GOES_ON, "EHLO example.org\r\n");
  hear("250-mail.example.org\r\n250-SIZE 1000\r\n250-AUTH PLAIN\r\n250 StartTLS\r\n", SMTP_GOES_ON, "STARTTLS\r\n");
  hear("220 go ahead\r\n", SMTP_START_TLS, "");
  buf_clear(&out);
  smtp_dialogue_secured(&d);
  assert_string_equal(out.data, "EHLO example.org\r\n");
  hear("250-mail.example.org\r\n250 AUTH LOGIN PLAIN\r\n", SMTP_GOES_ON, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
  hear("235 2.7.0 ok\r\n", SMTP_READY, "");
  for (int i = 0; i < 2; i++) {
    mail_said();
    hear("250 ok\r\n", SMTP_GOES_ON, "RCPT TO:<ann@example.net>\r\n");
    hear("250 ok\r\n", SMTP_GOES_ON, "DATA\r\n");
    hear("354 go\r\n", SMTP_GOES_ON, "A: b\r\n\r\n..dot\r\n...\r\nbare\r\n..lf\r\n..cr\r\nend\r\n.\r\n");
    assert_true(d.text_sent);
    hear("250 2.0.0 queued as 1\r\n", SMTP_DONE, "");
    assert_int_equal(d.outcome, SMTP_SENT);
    assert_string_equal(d.detail, "2.0.0 queued as 1");
    assert_false(d.over);
  }
}

static void auth_login_and_none(void **state) {
  (void)state;
  begin(SMTP_TLS, false, "ann");
  hear("220 x\r\n", SMTP_GOES_ON, "EHLO example.org\r\n");
  hear("250-x\r\n250 AUTH LOGIN\r\n", SMTP_GOES_ON, "AUTH LOGIN\r\n");
  hear("334 VXNlcm5hbWU6\r\n", SMTP_GOES_ON, "YW5u\r\n");
  hear("334 UGFzc3dvcmQ6\r\n", SMTP_GOES_ON, "c2VjcmV0\r\n");
  hear("535 5.7.8 no\r\n", SMTP_DONE, "QUIT\r\n");
  assert_int_equal(d.outcome, SMTP_OURS);  // our settings are wrong, the mail is not
  assert_string_equal(d.detail, "AUTH: 535 5.7.8 no");
  begin(SMTP_TLS, false, "ann");
  hear("220 x\r\n", SMTP_GOES_ON, "EHLO example.org\r\n");
  hear("250-x\r\n250 AUTH CRAM-MD5\r\n", SMTP_DONE, "QUIT\r\n");
  assert_non_null(strstr(d.detail, "sign in"));
  begin(SMTP_PLAIN, false, "");
  hear("220 x\r\n", SMTP_GOES_ON, "EHLO example.org\r\n");
  hear("250-x\r\n250 STARTTLS\r\n", SMTP_READY, "");  // plain, as told
}

static void never_in_plain(void **state) {
  (void)state;
  // Somebody in between has struck STARTTLS out: neither password nor mail goes out.
  begin(SMTP_STARTTLS, false, "ann");
  hear("220 x\r\n", SMTP_GOES_ON, "EHLO example.org\r\n");
  hear("250-x\r\n250 AUTH PLAIN\r\n", SMTP_DONE, "QUIT\r\n");
  assert_int_equal(d.outcome, SMTP_OURS);
  assert_non_null(strstr(d.detail, "STARTTLS"));
  // ... or has put words behind the answer to STARTTLS, to be read as said under TLS.
  begin(SMTP_STARTTLS, false, "ann");
  hear("220 x\r\n", SMTP_GOES_ON, "EHLO example.org\r\n");
  hear("250 STARTTLS\r\n", SMTP_DONE, "QUIT\r\n");  // on the first line it is the server's name
  begin(SMTP_STARTTLS, false, "ann");
  hear("220 x\r\n", SMTP_GOES_ON, "EHLO example.org\r\n");
  hear("250-x\r\n250 STARTTLS\r\n", SMTP_GOES_ON, "STARTTLS\r\n");
  hear("220 go\r\n250-x\r\n250 AUTH PLAIN\r\n", SMTP_DONE, "");
  assert_int_equal(d.outcome, SMTP_LATER);
  assert_true(d.over);
  // Refusing STARTTLS does not help.
  begin(SMTP_STARTTLS, true, "ann");
  hear("220 x\r\n", SMTP_GOES_ON, "EHLO example.org\r\n");
  hear("250-x\r\n250 STARTTLS\r\n", SMTP_GOES_ON, "STARTTLS\r\n");
  hear("454 not now\r\n", SMTP_DONE, "QUIT\r\n");
  // Only to this very machine it may stay plain.
  begin(SMTP_STARTTLS, true, "ann");
  hear("220 x\r\n", SMTP_GOES_ON, "EHLO example.org\r\n");
  hear("250-x\r\n250 AUTH PLAIN\r\n", SMTP_GOES_ON, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
}

// Up to the given command, as the first of `mails`.
static void come_to(const char *command) {
  begin(SMTP_PLAIN, true, "");
  if (strcmp(command, "greeting") == 0) return;
  hear("220 x\r\n", SMTP_GOES_ON, "EHLO example.org\r\n");
  if (strcmp(command, "EHLO") == 0) return;
  hear("250 x\r\n", SMTP_READY, "");
  mail_said();
  if (strcmp(command, "MAIL") == 0) return;
  hear("250 x\r\n", SMTP_GOES_ON, "RCPT TO:<ann@example.net>\r\n");
  if (strcmp(command, "RCPT") == 0) return;
  hear("250 x\r\n", SMTP_GOES_ON, "DATA\r\n");
  if (strcmp(command, "DATA") == 0) return;
  assert_non_null(hear_step("354 x\r\n", SMTP_GOES_ON));
}

static void refusals(void **state) {
  (void)state;
  static const struct { const char *at, *reply; enum smtp_outcome outcome; } table[] = {
    {"greeting", "554 go away", SMTP_OURS}, {"EHLO", "502 what", SMTP_OURS}, {"MAIL", "451 busy", SMTP_LATER},
    {"MAIL", "550 not you", SMTP_OURS},      // the sender is a setting
    {"MAIL", "550 5.1.1 not you", SMTP_OURS},
    {"RCPT", "451 greylisted", SMTP_LATER}, {"RCPT", "550 nobody", SMTP_NEVER}, {"RCPT", "530 sign in", SMTP_OURS}, {"RCPT", "354 what", SMTP_LATER},
    {"RCPT", "550 5.1.1 nobody", SMTP_NEVER}, {"RCPT", "553 5.1.10 nobody takes mail there", SMTP_NEVER}, {"RCPT", "554 5.1.2 no such domain", SMTP_NEVER},
    {"RCPT", "550 5.2.1 closed", SMTP_NEVER}, {"RCPT", "552 5.2.2 full", SMTP_NEVER}, {"RCPT", "551 moved", SMTP_NEVER},
    {"RCPT", "550 5.7.1 relaying denied", SMTP_OURS}, {"RCPT", "554 5.7.1 relay access denied", SMTP_OURS}, {"RCPT", "554 relay access denied", SMTP_OURS},
    {"RCPT", "550 5.7.26 sender not authenticated", SMTP_OURS}, {"RCPT", "553 5.1.8 the sender's domain is none", SMTP_OURS},
    {"RCPT", "553 5.1.7 the sender's address is none", SMTP_OURS}, {"RCPT", "503 5.5.1 out of order", SMTP_OURS}, {"RCPT", "550 5.", SMTP_NEVER},
    {"RCPT", "450 5.7.1 later", SMTP_LATER},
    {"DATA", "554 no", SMTP_OURS}, {"DATA", "250 what", SMTP_LATER}, {"TEXT", "452 full", SMTP_LATER}, {"TEXT", "554 5.7.1 spam", SMTP_OURS},
    {"TEXT", "550 5.1.1 nobody", SMTP_NEVER},
    {"TEXT", "421 bye", SMTP_LATER}, {"RCPT", "421 bye", SMTP_LATER}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    char line[64];
    snprintf(line, sizeof line, "%s\r\n", table[i].reply);
    come_to(table[i].at);
    hear(line, SMTP_DONE, "QUIT\r\n");
    if (d.outcome != table[i].outcome) fail_msg("%s: %s: %d", table[i].at, table[i].reply, (int)d.outcome);
    assert_true(d.over);
    assert_non_null(strstr(d.detail, table[i].reply));
    assert_int_equal(smtp_dialogue_feed(&d, "250 ok\r\n", 8), SMTP_DONE);  // too late
  }
}

static void hostile_lines(void **state) {
  (void)state;
  static char endless[SMTP_LINE_MAX + 8], many[9 * (SMTP_LINES_MAX + 2)];
  memset(endless, '2', sizeof endless - 1);
  for (int i = 0; i <= SMTP_LINES_MAX; i++) memcpy(many + 7 * i, "250-x\r\n", 8);
  const char *const table[] = {"HTTP/1.1 400 Bad Request\r\n", "\r\n", "2\r\n", "25\r\n", "2500\r\n", "250x\r\n", "150 x\r\n", "650 x\r\n", "260x ok\r\n",
    "250-a\r\n251 b\r\n", "SSH-2.0-OpenSSH\r\n", "+OK\r\n", "-50 x\r\n", "\xff\xfe\xfd x\r\n", "250 a\r\n250 b\r\n", endless, many};
  static const char *const places[] = {"greeting", "EHLO", "MAIL", "RCPT", "DATA"};
  for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
      come_to(places[p]);
      enum smtp_step step = smtp_dialogue_feed(&d, table[i], strlen(table[i]));
      if (step != SMTP_DONE || d.outcome != SMTP_LATER || !d.over) fail_msg("%s: %.20s", places[p], table[i]);
    }
  }
  // A reply's text reaches the log and the operator: nothing in it does anything there.
  come_to("RCPT");
  assert_non_null(hear_step("550 \x1b[2J\"\\no\xc3\xa9\x01\t\r\n", SMTP_DONE));
  assert_string_equal(d.detail, "RCPT: 550 ?[2J\"\\no????");
  come_to("RCPT");
  char wide[900];
  memset(wide, 'w', sizeof wide);
  memcpy(wide, "550 ", 4);
  memcpy(wide + sizeof wide - 3, "\r\n", 3);
  assert_non_null(hear_step(wide, SMTP_DONE));
  assert_true(strlen(d.detail) < SMTP_DETAIL_SIZE);
}

static void accepted_stays_accepted(void **state) {
  (void)state;
  come_to("TEXT");
  hear("250 queued\r\n421 and good bye\r\n", SMTP_DONE, "");
  assert_int_equal(d.outcome, SMTP_SENT);
  assert_true(d.over);
}

static void in_pieces(void **state) {
  (void)state;
  static const char *const replies[] = {"220-a\r\n220 b\r\n", "250-x\r\n250-y\r\n250 z\r\n", "250 ok\r\n", "250 ok\r\n", "354\r\n", "250 done\r\n"};
  static const enum smtp_step steps[] = {SMTP_GOES_ON, SMTP_READY, SMTP_GOES_ON, SMTP_GOES_ON, SMTP_GOES_ON, SMTP_DONE};
  begin(SMTP_PLAIN, true, "");
  for (size_t i = 0; i < 6; i++) {
    size_t len = strlen(replies[i]);
    for (size_t at = 0; at < len; at++) {
      enum smtp_step step = smtp_dialogue_feed(&d, replies[i] + at, 1);
      assert_int_equal(step, at + 1 == len ? steps[i] : SMTP_GOES_ON);
    }
    if (steps[i] == SMTP_READY) smtp_dialogue_mail(&d, &mail);
  }
  assert_int_equal(d.outcome, SMTP_SENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_plain_message), cmocka_unit_test(fields_hold), cmocka_unit_test(what_is_no_address), cmocka_unit_test(bodies),
    cmocka_unit_test(base64), cmocka_unit_test(urls), cmocka_unit_test(the_usual_way), cmocka_unit_test(auth_login_and_none),
    cmocka_unit_test(never_in_plain), cmocka_unit_test(refusals), cmocka_unit_test(hostile_lines), cmocka_unit_test(accepted_stays_accepted),
    cmocka_unit_test(in_pieces),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  buf_finish(&out);
  buf_finish(&text);
  return failed;
}

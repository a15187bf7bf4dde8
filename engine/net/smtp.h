// net/smtp.h – hands mail to a mail server, one after another over a connection that is kept for a while.
//
// A mail is handed over at least once: when the connection breaks between its last byte and the server's answer, nobody knows
// whether it arrived, the outcome is SMTP_LATER, and it will be sent again. Its Message-ID stays the same, by which mail
// systems tell copies.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct smtp;
struct tls_client;

#define SMTP_TEXT_MAX 256
#define SMTP_DETAIL_SIZE 240

enum smtp_security {
  SMTP_STARTTLS,  // "smtp://": begins plain and must become TLS; only to this very machine it may stay plain if TLS is not offered
  SMTP_TLS,       // "smtps://": TLS from the first byte
  SMTP_PLAIN      // "smtp+plain://": never TLS; whoever writes this knows the network in between
};

struct smtp_server {
  enum smtp_security security;
  bool local;     // the host is a loopback address or "localhost"
  uint16_t port;  // from the URL, or 587, 465, 25
  char host[SMTP_TEXT_MAX];
  char user[SMTP_TEXT_MAX], password[SMTP_TEXT_MAX];  // "": none; percent escapes decoded
};

// "smtp://user:password@host:port"; user, password and port may be missing. ERR_INVALID says what is wrong, without quoting
// the password.
enum status smtp_server_parse(const char *url, struct smtp_server *ret, struct err *err) MUST_CHECK;

enum smtp_outcome {
  SMTP_SENT,
  SMTP_LATER,  // not now: try again some time
  SMTP_OURS,   // the server refuses us, not the recipient: try again, but somebody must mend a setting, here or there
  SMTP_NEVER   // the server refuses the recipient for good
};

struct smtp_mail {
  const char *from, *to;  // addresses, mail_address_ok
  const char *text;       // the message (net/mail_message.h); dots are stuffed on the way
  size_t len;
};

struct smtp_options {
  const struct smtp_server *server;  // copied
  struct tls_client *tls;            // whom we trust; a reference is taken; not needed with SMTP_PLAIN
  const char *hello;                 // our domain; copied
  int64_t reply_ms;                  // 0: 60,000; for each answer
  int64_t final_ms;                  // 0: 300,000; for the answer to a mail's text
  int64_t keep_ms;                   // 0: 10,000; how long the connection is kept without mail
};

// Connects nothing yet.
enum status smtp_create(struct loop *loop, const struct smtp_options *options, struct smtp **ret, struct err *err) MUST_CHECK;
// One at a time. done is called once, never from within smtp_send; mail outlives it; in it the next one may be sent. detail
// (printable, at most SMTP_DETAIL_SIZE - 1 bytes): what the server said, or what went wrong. reached: a session came about, so
// that it makes sense to try the next mail at once.
enum status smtp_send(struct smtp *smtp, const struct smtp_mail *mail,
  void (*done)(void *arg, enum smtp_outcome outcome, const char *detail, bool reached), void *arg, struct err *err) MUST_CHECK;
// Also while a mail is under way, whose outcome then nobody learns. Not within done. NULL does nothing.
void smtp_destroy(struct smtp *smtp);

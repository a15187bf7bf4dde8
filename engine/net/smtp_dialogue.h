// net/smtp_dialogue.h – the client's side of SMTP (RFC 5321, STARTTLS RFC 3207, AUTH RFC 4954), without sockets: bytes of the
// server in, bytes for the server out, and what to do next. Inside net/; net/smtp.h connects it.
//
// The server is not trusted: replies are bounded, must be replies, and must be asked for. Bytes that came with the answer to
// STARTTLS are refused, since whoever sits in between may have put them there. Credentials go out under TLS, on this machine,
// or where the operator has said plain.
#pragma once
#include "base/buf.h"
#include "net/smtp.h"

// What whoever holds the connection does next.
enum smtp_step {
  SMTP_GOES_ON,   // send what is in out, and wait
  SMTP_START_TLS, // switch to TLS, then smtp_dialogue_secured
  SMTP_READY,     // smtp_dialogue_mail may be called
  SMTP_DONE       // the mail's outcome is known; see outcome, detail, over
};

#define SMTP_LINE_MAX 1024  // RFC 5321 says 512; nobody needs more
#define SMTP_LINES_MAX 100  // of one reply

struct smtp_dialogue {
  const struct smtp_server *server;
  const char *hello;         // who we say we are
  struct buf *out;
  const struct smtp_mail *mail;
  uint8_t state;
  bool tls;
  bool starttls, auth_plain, auth_login;  // offered
  bool over;                 // the connection is of no more use
  bool text_sent;            // the whole mail has left: without an answer nobody knows whether it arrived
  bool answered;             // the server has answered something about this mail
  enum smtp_outcome outcome;
  char detail[SMTP_DETAIL_SIZE];
  int code;                  // of the reply being read; 0: none
  unsigned lines;
  char said[SMTP_DETAIL_SIZE];  // its first line's text, printable
  size_t line_len;
  char line[SMTP_LINE_MAX + 1];
};

// tls: the connection is already encrypted (smtps). server, hello and out outlive the dialogue; out is emptied by its owner.
void smtp_dialogue_init(struct smtp_dialogue *d, const struct smtp_server *server, const char *hello, bool tls, struct buf *out);
enum smtp_step smtp_dialogue_feed(struct smtp_dialogue *d, const char *bytes, size_t len);
// TLS is on and the server's name verified.
void smtp_dialogue_secured(struct smtp_dialogue *d);
// After SMTP_READY, and after each SMTP_DONE that is not over. mail outlives its outcome.
void smtp_dialogue_mail(struct smtp_dialogue *d, const struct smtp_mail *mail);
// What is being waited for ("RCPT"), for messages.
const char *smtp_dialogue_at(const struct smtp_dialogue *d);

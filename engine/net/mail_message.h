// net/mail_message.h – a mail as bytes (RFC 5322, MIME): header fields that nobody can break out of, a body of plain text, or of
// plain text and HTML (RFC 2046 §5.1.4).
// Pure.
#pragma once
#include "base/buf.h"

#include <stdint.h>

#define MAIL_ADDRESS_MAX 254

struct mail_message {
  const char *from;        // address
  const char *from_name;   // shown beside it; UTF-8; NULL or "": none
  const char *to;          // address
  const char *subject;     // UTF-8; encoded as RFC 2047 says where it is more than short ASCII
  const char *body;        // UTF-8, lines apart by '\n' or CR LF
  const char *html;        // the same for who would rather have HTML, likewise; NULL: plain text only
  const char *message_id;  // "eml_01…@example.org"; the same each time this mail is sent, so that a second copy can be told
  int64_t date_s;          // Unix time
};

// A plain address: printable ASCII without what SMTP or a header would read as syntax, one '@' inside.
bool mail_address_ok(const char *text);
// Appends the whole message, lines ended by CR LF. The body is sent as it is where it is ASCII in short lines, else as
// quoted-printable. Control characters in fields become spaces. ERR_INVALID: an address or id that is none, text that is not
// UTF-8; ERR_RANGE: a name or subject longer than 300 bytes; ERR_NOMEM: no room in out.
enum status mail_message_write(const struct mail_message *m, struct buf *out, struct err *err) MUST_CHECK;

// Base64 with padding (RFC 4648 §4); ret has room for BASE64_SIZE(len) bytes, NUL included.
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)
void base64_encode(const void *bytes, size_t len, char *ret);

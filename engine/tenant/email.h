// tenant/email.h – mail addresses as account names: what is accepted, and one spelling for each.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define EMAIL_SIZE 255  // with the final NUL (RFC 5321: a path of 256 with its brackets)

// Takes RFC 5321's dot-atom form, lower-cases it (no provider of today tells cases apart), or returns false: no quoted local
// parts, no address literals, no comments, ASCII only (an international domain in its xn-- form), at least two domain labels.
// What passes can stand in a mail header and an SMTP command as it is.
bool email_normalise(const char *text, size_t len, char ret_email[EMAIL_SIZE]);

// tenant/lockout.h – failed logins: after 5 within 15 minutes an account waits, and longer with every further failure.
//
// Counted by account *and* the network the attempts come from, and with a wider limit by account alone, so that many networks
// together get no further; a device that was signed in from before is counted by itself and waits for nobody (tenant/device.h), so
// that a stranger cannot lock anybody out (ASVS 6.1.1). Counted alike whether the account exists, so that the answer tells nothing. The table is in memory and of
// fixed size; a restart forgets, which costs an attacker a restart. One thread; times are monotonic.
#pragma once
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define LOCKOUT_FAILURES 5         // of an account from one network, or from one device
#define LOCKOUT_ACCOUNT_FAILURES 50  // of an account from unknown devices anywhere
#define LOCKOUT_WINDOW_S 900      // failures this long ago no longer count
#define LOCKOUT_FIRST_WAIT_S 60   // after the last one allowed; doubles with each further one …
#define LOCKOUT_LONGEST_WAIT_S 900  // … up to this

struct lockout;

enum status lockout_create(size_t entries, struct lockout **ret, struct err *err) MUST_CHECK;
void lockout_destroy(struct lockout *l);

// Account (normalised mail address) and network: of an IPv4 address its /24, of IPv6 its /48; whatever does not parse as one
// is a network of its own.
uint64_t lockout_key(const struct lockout *l, const char *email, const char *address);
// 0: may try. Otherwise refuse without looking at the password, and say so many seconds.
int64_t lockout_wait_s(struct lockout *l, uint64_t key, int64_t now_ns);
// One attempt begins, counted as a failure until lockout_forgive: so a thousand at once are five, whatever they find later.
// The failure number `limit` makes the key wait.
void lockout_count(struct lockout *l, uint64_t key, uint32_t limit, int64_t now_ns);
void lockout_forgive(struct lockout *l, uint64_t key);  // the password was right

// tenant/device.h – tokens of devices somebody has signed in from, so that nobody can lock an account's owner out.
//
// OWASP's "device cookies" against online guessing: who has signed in keeps a signed token, and attempts that show it are counted
// by the device, not by the network or the account. A stranger who guesses until the account waits (tenant/lockout.h) makes only
// strangers wait. A token says nothing but "this account was entered from here once": it opens nothing.
#pragma once
#include "tenant/keys.h"

#include <stdbool.h>

#define DEVICE_TTL_S (400 * 86400)  // as long as browsers keep a cookie
#define DEVICE_TOKEN_SIZE 80        // "pgd_" and 72 characters at most, with the final NUL
#define DEVICE_NAME_SIZE 40

// account: the normalised mail address.
void device_token_make(const struct keys *keys, const char *account, int64_t now_s, char ret_token[DEVICE_TOKEN_SIZE]);
// False unless it was made for this account and is not too old; *ret_name is what attempts are counted by, and no network.
bool device_token_check(const struct keys *keys, const char *account, const char *token, int64_t now_s, char ret_name[DEVICE_NAME_SIZE]);

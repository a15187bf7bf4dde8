// crypto/jwt.h – access tokens: compact JWT (RFC 7519) signed with HS256, made and read by this program alone.
//
// There is no algorithm to choose and no header to interpret: a token's header must be, byte for byte, the one that our key
// of that id writes. alg=none, another algorithm, jku, crit, a second spelling – none of them can be expressed. Claims are
// read only after the signature held, and then as strictly: exact members, exact types, no duplicates.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JWT_TOKEN_SIZE 1024  // with the final NUL; longer text is refused unread
#define JWT_SECRET_BYTES 32
#define JWT_KID_SIZE 17
#define JWT_KEYS_MAX 4
#define JWT_ROLES_MAX 4
#define JWT_NBF_TOLERANCE_S 5  // a clock set back a little must not refuse what was just issued

// What the token is for; part of the header ("typ"), so one kind never passes for another.
enum jwt_kind {
  JWT_ACCESS,   // at+jwt (RFC 9068): calls the API
  JWT_PENDING,  // pending+jwt: password was right, second factor is awaited
  JWT_KINDS,
};

struct jwt_key {
  char kid[JWT_KID_SIZE];  // [A-Za-z0-9_-]+
  uint8_t secret[JWT_SECRET_BYTES];
  char header[JWT_KINDS][128];  // base64url and the dot after it; made by jwt_keys_add
  size_t header_len[JWT_KINDS];
};

// Embed it. The last key added signs; all verify, so that a rotation ends nobody's session.
struct jwt_keys {
  char iss[64], aud[32];
  struct jwt_key key[JWT_KEYS_MAX];
  size_t count;
};

// iss and aud: printable ASCII without quote and backslash. ERR_INVALID otherwise, or when they are too long.
enum status jwt_keys_init(struct jwt_keys *keys, const char *iss, const char *aud, struct err *err) MUST_CHECK;
// ERR_EXISTS: that kid is there; ERR_LIMIT: JWT_KEYS_MAX are.
enum status jwt_keys_add(struct jwt_keys *keys, const char *kid, const uint8_t secret[JWT_SECRET_BYTES],
  struct err *err) MUST_CHECK;
void jwt_keys_finish(struct jwt_keys *keys);  // wipes

// Texts are ids and names: [A-Za-z0-9_.:-]*. Empty ones are left out of the token.
struct jwt_claims {
  char sub[32];     // user
  char tenant[32];  // tenant the token acts for
  char sid[32];     // session; revocation goes by it
  char act[32];     // the operator who impersonates sub (RFC 8693 "act"), or empty
  char roles[JWT_ROLES_MAX][16];
  size_t role_count;
  bool mfa;  // the session passed a second factor
  int64_t iat_s, nbf_s, exp_s;
};

// ERR_INVALID: a claim has characters that are not allowed, or no key is there; ERR_RANGE: the token does not fit.
enum status jwt_make(const struct jwt_keys *keys, enum jwt_kind kind, const struct jwt_claims *claims,
  char ret_token[JWT_TOKEN_SIZE], struct err *err) MUST_CHECK;

enum jwt_verdict {
  JWT_VALID,
  JWT_MALFORMED,      // not three parts of strict base64url, too long, or claims that we do not write
  JWT_FOREIGN,        // header is not one of ours: other algorithm, type, key or spelling
  JWT_FORGED,         // signature does not match
  JWT_EXPIRED,
  JWT_NOT_YET,
  JWT_WRONG_AUDIENCE,  // iss or aud differ
};

// ret_claims is all zeros unless JWT_VALID, or JWT_EXPIRED (whose token was ours; for logs).
enum jwt_verdict jwt_verify(const struct jwt_keys *keys, enum jwt_kind kind, const char *token, size_t len, int64_t now_s,
  struct jwt_claims *ret_claims);
const char *jwt_verdict_text(enum jwt_verdict verdict);

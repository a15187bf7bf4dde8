// tenant/token.h – opaque tokens: a prefix that names the kind (so that scanners find leaked ones), then 256 random bits. Only
// their SHA-256 is stored: with that much entropy no slower hash is needed.
#pragma once
#include "store/user_rows.h"

#define TOKEN_REFRESH "pgr_"
#define TOKEN_KEY "pgk_"     // API keys
#define TOKEN_MAIL "pgm_"    // verify, reset
#define TOKEN_INVITE "pgi_"
#define TOKEN_SIZE 48        // "pgr_" and 43 characters, with the final NUL

void token_make(const char *prefix, char ret_token[TOKEN_SIZE], uint8_t ret_hash[TOKEN_HASH_BYTES]);
// False unless text has the shape of such a token.
bool token_hash(const char *prefix, const char *text, size_t len, uint8_t ret_hash[TOKEN_HASH_BYTES]);
void token_sha256(const void *bytes, size_t len, uint8_t ret_hash[TOKEN_HASH_BYTES]);

// api/hooks.h – private to api/: what the routes of hooks share.
#pragma once
#include "api/call.h"
#include "store/hook_rows.h"

#define HOOK_TTL_S 60
#define HOOK_PER_MINUTE 600

// The token's hash, as rows have it.
void hook_token_hash(const char *token, size_t len, uint8_t ret[SHA256_BYTES]);
json_t *delivery_json(const struct delivery_row *row);
// Why a sealed key does not open, or what it is; ret_key: room for 200 bytes.
enum status hook_sign_key(struct api_call *call, struct db *db, const struct hook_row *hook, uint8_t ret_key[200], size_t *ret_len) MUST_CHECK;

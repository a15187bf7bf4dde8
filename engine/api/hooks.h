// api/hooks.h – private to api/: what the routes of hooks share.
#pragma once
#include "api/call.h"
#include "store/hook_rows.h"

#define HOOK_TTL_S 60

// The token's hash, as rows have it.
void hook_token_hash(const char *token, size_t len, uint8_t ret[SHA256_BYTES]);
// A message of somebody who has shown otherwise that he may: token, address, signature and body secret are not asked for. after: the last phase,
// with the answer ({"id", "duplicate"}) in call->out.
enum status hook_take(struct api_call *call, int64_t tenant_id, int64_t hook_id, const char *body, size_t len, enum status (*after)(struct api_call *call, void *arg), void *arg);
// A mapping as it is given, NULL for none; where: the pointer to it. False: answered, and the handler returns *ret.
bool hook_mapping_fits(struct api_call *call, const json_t *mapping, const char *where, enum status *ret) MUST_CHECK;
json_t *delivery_json(const struct delivery_row *row);
// Why a sealed key does not open, or what it is; ret_key: room for 200 bytes.
enum status hook_sign_key(struct api_call *call, struct db *db, const struct hook_row *hook, uint8_t ret_key[200], size_t *ret_len) MUST_CHECK;

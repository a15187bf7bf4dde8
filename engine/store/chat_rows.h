// store/chat_rows.h – chats of Telegram that belong to somebody, and the codes by which they come to (control.db).
#pragma once
#include "base/status.h"
#include "crypto/sha256.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

#define CHAT_NAME_SIZE 129

struct chat_row {
  int64_t id, chat;                 // ours; Telegram's
  int64_t tenant_id, user_id, hook_id;  // hook_id 0: messages go nowhere
  int64_t linked_ns;
  char name[CHAT_NAME_SIZE];
};

// Replaces the user's codes that were not used.
enum status chat_code_put(struct db *db, const uint8_t hash[SHA256_BYTES], int64_t tenant_id, int64_t user_id, int64_t hook_id, int64_t expires_ns, struct err *err) MUST_CHECK;
// Uses it up, in any case: tenant_id, user_id, hook_id of *ret. ERR_NOTFOUND: no such code, or its time is over.
enum status chat_code_take(struct db *db, const uint8_t hash[SHA256_BYTES], int64_t now_ns, struct chat_row *ret, struct err *err) MUST_CHECK;
// A chat that was linked otherwise is linked so now.
enum status chat_put(struct db *db, const struct chat_row *row, struct err *err) MUST_CHECK;
// By Telegram's number, of any tenant: for who reads messages. ERR_NOTFOUND.
enum status chat_find(struct db *db, int64_t chat, struct chat_row *ret, struct err *err) MUST_CHECK;
typedef bool (*chat_row_fn)(void *arg, const struct chat_row *row);  // false: enough
enum status chat_list(struct db *db, int64_t tenant_id, int64_t before_id, int limit, chat_row_fn fn, void *arg, struct err *err) MUST_CHECK;  // newest first
enum status chat_delete(struct db *db, int64_t tenant_id, int64_t id, struct err *err) MUST_CHECK;                                           // ERR_NOTFOUND
enum status chat_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;
enum status chat_erase_user(struct db *db, int64_t user_id, struct err *err) MUST_CHECK;

// store/ea_rows.h – terminals of MetaTrader: links of accounts to them, and the commands that were handed out (control.db).
//
// A command's row is written before the terminal sees it, and its name is unique, so none goes out a second time, whichever process asks.
// Functions for handlers take the tenant; those for who has shown a token do not.
#pragma once
#include "base/status.h"
#include "crypto/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

#define EA_LOGIN_SIZE 24
#define EA_SERVER_SIZE 64
#define EA_COMMANDS_KEPT_NS (INT64_C(30) * 86400 * 1000000000)

struct ea_link_row {
  int64_t account_id, tenant_id;
  uint8_t token_hash[SHA256_BYTES];
  uint64_t sequence;                                  // numbers up to it are used
  char login[EA_LOGIN_SIZE], server[EA_SERVER_SIZE];  // "": no terminal has come yet
  int64_t hook_id;                                    // 0: none
  int64_t created_ns, updated_ns;
};
// A new link, or a new token: number, login and server begin anew, the hook stays.
enum status ea_link_put(struct db *db, const struct ea_link_row *row, struct err *err) MUST_CHECK;
enum status ea_link_get(struct db *db, int64_t tenant_id, int64_t account_id, struct ea_link_row *ret, struct err *err) MUST_CHECK;  // ERR_NOTFOUND
// Of an account that was not deleted. ERR_NOTFOUND.
enum status ea_link_by_token(struct db *db, const uint8_t token_hash[SHA256_BYTES], struct ea_link_row *ret, struct err *err) MUST_CHECK;
// Numbers up to this one are used up; it never goes back.
enum status ea_link_reserve(struct db *db, int64_t account_id, uint64_t sequence, struct err *err) MUST_CHECK;
// The terminal that came first. ERR_EXISTS: another one did.
enum status ea_link_bind(struct db *db, int64_t account_id, const char *login, const char *server, int64_t now_ns, struct err *err) MUST_CHECK;
enum status ea_link_hook(struct db *db, int64_t tenant_id, int64_t account_id, int64_t hook_id, int64_t now_ns, struct err *err) MUST_CHECK;  // 0: none. ERR_NOTFOUND
enum status ea_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;

struct ea_command_row {
  int64_t id, account_id, leased_ns, done_ns, code;   // done_ns 0: not yet
  const char *name, *command, *state, *ticket, *text; // valid during the callback
};
// ERR_EXISTS: one of that name was handed out before.
enum status ea_command_insert(struct db *db, const struct ea_command_row *row, struct err *err) MUST_CHECK;
// What the terminal said. One that has ended stays as it is; of one that nobody handed out: nothing.
enum status ea_command_finish(struct db *db, const struct ea_command_row *row, struct err *err) MUST_CHECK;
typedef bool (*ea_command_fn)(void *arg, const struct ea_command_row *row);  // false: enough
// Newest first, ids below before_id. Whose account it is, the caller has asked.
enum status ea_command_list(struct db *db, int64_t account_id, int64_t before_id, int limit, ea_command_fn fn, void *arg, struct err *err) MUST_CHECK;
// Those that ended EA_COMMANDS_KEPT_NS ago: by then no answer that was taken down can be believed to be new (numbers), and no order has the name any more.
enum status ea_command_sweep(struct db *db, int64_t now_ns, struct err *err) MUST_CHECK;

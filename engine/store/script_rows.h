// store/script_rows.h – scripts and their immutable versions. tenant_id 0 is the installation's own; every function takes the
// tenant, so nobody reaches another's script by its id.
//
// put and activate are for the writer; they are whole or undone, being run in a savepoint (store.h).
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

#define SCRIPT_NAME_SIZE 101  // bytes of a name with its NUL
#define SCRIPT_COMMENT_SIZE 201
#define SCRIPT_ROWS_KIND_SIZE 12  // "strategy"
#define SCRIPT_SHA_SIZE 65

enum script_state { SCRIPT_NEW, SCRIPT_PROVEN, SCRIPT_REJECTED };
const char *script_state_text(enum script_state state);

struct script_row {
  int64_t id, tenant_id;
  char kind[SCRIPT_ROWS_KIND_SIZE], name[SCRIPT_NAME_SIZE];
  int64_t active_version;  // 0: none
  int64_t latest_version, revision, created_ns, updated_ns;
};

// Texts belong to the row after script_version_get: script_version_finish frees them. In lists source is NULL.
struct script_version_row {
  int64_t id, script_id, version, author_id, created_ns;  // author_id 0: the operator at the machine
  enum script_state state;
  bool active;
  char sha256[SCRIPT_SHA_SIZE];
  char *comment, *header, *verdict, *source;  // header, verdict: JSON or NULL
  size_t source_len;
};
void script_version_finish(struct script_version_row *row);

struct script_put {
  int64_t tenant_id;
  const char *kind, *name, *source;
  size_t source_len;
  const char *sha256, *comment;  // comment may be NULL
  const char *header, *verdict;  // JSON or NULL
  enum script_state state;
  int64_t author_id;              // 0: none
  int64_t script_id, version_id;  // ids for the rows, should they be made
  int64_t now_ns;
};
struct script_put_result {
  int64_t script_id, version;
  bool new_script, new_version;  // the same text again is the version that has it
};
// Makes the script, if there is none of the name, and the version. A version that is there and was not proven takes over the
// state, header and verdict given.
enum status script_put(
  struct db *db, const struct script_put *put, struct script_put_result *ret, struct err *err) MUST_CHECK;

// expected_revision: what the caller saw, 0: any. ERR_NOTFOUND: no such script or version; ERR_INVALID: not proven;
// ERR_CANCELLED: somebody was faster (the message names the revision now). Activating the active one changes nothing.
enum status script_activate(struct db *db, int64_t tenant_id, int64_t script_id, int64_t version,
  int64_t expected_revision, int64_t actor_id, int64_t now_ns, struct script_row *ret, struct err *err) MUST_CHECK;
// The version active before the present one; ERR_NOTFOUND: there was none.
enum status script_previous(
  struct db *db, int64_t tenant_id, int64_t script_id, int64_t *ret_version, struct err *err) MUST_CHECK;
// ERR_INVALID for the installation's own, which are kept.
enum status script_delete(struct db *db, int64_t tenant_id, int64_t script_id, struct err *err) MUST_CHECK;
// All of a tenant's, when it is erased.
enum status script_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;

enum status script_get(
  struct db *db, int64_t tenant_id, int64_t script_id, struct script_row *ret, struct err *err) MUST_CHECK;
enum status script_find(struct db *db, int64_t tenant_id, const char *kind, const char *name, struct script_row *ret,
  struct err *err) MUST_CHECK;
// version 0: the active one.
enum status script_version_get(struct db *db, int64_t tenant_id, int64_t script_id, int64_t version,
  struct script_version_row *ret, struct err *err) MUST_CHECK;
enum status script_count(struct db *db, int64_t tenant_id, const char *kind, int64_t *ret, struct err *err) MUST_CHECK;

typedef void (*script_row_fn)(void *arg, const struct script_row *row);
typedef void (*script_version_fn)(void *arg, const struct script_version_row *row);  // texts valid during the call
// kind NULL: all. By id from above after_id on; at most limit.
enum status script_list(struct db *db, int64_t tenant_id, const char *kind, int64_t after_id, int limit,
  script_row_fn fn, void *arg, struct err *err) MUST_CHECK;
// Newest first, versions below before (0: from the newest).
enum status script_version_list(struct db *db, int64_t tenant_id, int64_t script_id, int64_t before, int limit,
  script_version_fn fn, void *arg, struct err *err) MUST_CHECK;

// ---- the edition in force

struct edition_row {
  char name[SCRIPT_NAME_SIZE];
  char *branding, *presets;  // JSON: an object, a list
  int64_t loaded_ns;
};
void edition_row_finish(struct edition_row *row);
enum status edition_get(
  struct db *db, struct edition_row *ret, struct err *err) MUST_CHECK;  // ERR_NOTFOUND: none was loaded
enum status edition_set(
  struct db *db, const char *name, const char *branding, const char *presets, int64_t now_ns, struct err *err) MUST_CHECK;

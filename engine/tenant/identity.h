// tenant/identity.h – what the flows of identity share: keys, lockout, ended sessions; access tokens and API keys checked; the
// closed list of why something was refused.
//
// How flows are called. Plain structs in and out, no HTTP. Functions named …_commit (and all that take "db: a write") change
// the database: call them inside a store write on STORE_CONTROL. A refusal is data: they return OK and set `refusal`, and what
// they wrote must be kept even then – the record of a failed login, the session ended because its token came back. So answer
// in the phase *after* the write, never by failing it. A status other than OK is trouble (disk, memory); nothing is kept then.
// What takes milliseconds is in a struct password_work, to be run on a pool thread between …_prepare and …_commit.
#pragma once
#include "crypto/jwt.h"
#include "crypto/password_hash.h"
#include "store/key_rows.h"
#include "store/session_rows.h"
#include "tenant/device.h"
#include "tenant/keys.h"
#include "tenant/lockout.h"
#include "tenant/permission.h"
#include "tenant/token.h"

#define ACCESS_TTL_S 900
#define PENDING_TTL_S 300
#define REFRESH_TTL_S (7 * 86400)
#define SESSION_TTL_S (30 * 86400)  // however often it is refreshed
#define REFRESH_GRACE_S 10
#define VERIFY_TTL_S (3 * 86400)
#define RESET_TTL_S 3600
#define INVITATION_TTL_S (7 * 86400)
#define API_KEYS_MAX 50             // of one user
#define RECOVERY_CODES 10
#define RECOVERY_CODE_SIZE 30       // 24 base32 digits (120 bits) in groups of 4, with the final NUL

// REFUSAL_…, since REASON_… and reason_text are order/reason.h's.
#define REFUSAL_LIST(X)                                                              \
  X(NONE, "done")                                                                   \
  X(INVALID_EMAIL, "the mail address is not valid")                                 \
  X(INVALID_NAME, "the name is empty, too long or not plain text")                  \
  X(INVALID_NETWORK, "a network is not an address block such as 192.0.2.0/24")      \
  X(WEAK_PASSWORD, "the password is not accepted") /* `detail` says why */          \
  X(BAD_CREDENTIALS, "mail address, password or code are not right")                \
  X(LOCKED, "too many attempts; wait") /* `wait_s` */                               \
  X(SECOND_FACTOR_REQUIRED, "a code is needed")                                     \
  X(BAD_CODE, "the code is not right, or was used before")                          \
  X(BAD_TOKEN, "the token is unknown, spent or expired")                            \
  X(TOKEN_REUSED, "the refresh token was used before; its session is ended")        \
  X(SUSPENDED, "the account is suspended")                                          \
  X(NOT_VERIFIED, "the mail address is not verified")                               \
  X(CLOSED, "registration is closed")                                               \
  X(ALREADY, "it is so already")                                                    \
  X(NOT_ENABLED, "no second factor is enabled")                                     \
  X(NOT_FOUND, "there is no such thing")                                            \
  X(FORBIDDEN, "not permitted")                                                     \
  X(LAST_OWNER, "an organisation needs an owner")                                   \
  X(LAST_SUPER_ADMIN, "the site needs a super_admin")                               \
  X(LIMIT, "there are too many")

enum identity_refusal {
#define X(name, text) REFUSAL_##name,
  REFUSAL_LIST(X)
#undef X
};
const char *identity_refusal_text(enum identity_refusal refusal);

struct identity;
struct identity_options {
  const char *keys_dir;     // DIR/keys
  const char *credentials;  // $CREDENTIALS_DIRECTORY, or NULL
  const char *master_hex;   // $PERIGEE_MASTER_KEY, or NULL
  bool sealed;              // identity_sealed: missing keys are an error then
  const char *site_url;     // "https://perigee.example", without a slash at the end: issuer of tokens, and in mail
  const char *product;      // in mail and in authenticator apps: "Perigee"
  bool require_verified;    // no login before the mail address is verified
  bool closed;              // only operators make users
};

enum status identity_create(const struct identity_options *options, int64_t now_ns, struct identity **ret, struct err *err) MUST_CHECK;
void identity_destroy(struct identity *id);
// Was this database started with keys before?
enum status identity_sealed(struct db *reader, bool *ret, struct err *err) MUST_CHECK;
// In a write: these master keys are the database's from now on, whatever it was sealed with before (tenant/sealed.h).
enum status identity_accept_keys(const struct keys *keys, struct db *db, struct err *err) MUST_CHECK;
// Once after opening the store; db: a write. Checks that the master keys are those the database was sealed with (ERR_INVALID
// otherwise) and remembers sessions that ended lately.
enum status identity_start(struct identity *id, struct db *db, int64_t now_ns, struct err *err) MUST_CHECK;
// On SIGHUP: reads the key files again; *ret_changed tells whether they differ. The former keys stay in memory until the end, as
// others may be using them. Any thread. Then identity_start again, for a master key that the database has not seen.
enum status identity_reload_keys(struct identity *id, int64_t now_ns, bool *ret_changed, struct err *err) MUST_CHECK;
const struct keys *identity_keys(struct identity *id);
const struct identity_options *identity_settings(const struct identity *id);
// What may change while it runs; both start as the options say. Any thread.
struct identity_policy {
  bool require_verified, closed;
};
struct identity_policy identity_policy(const struct identity *id);
void identity_set_policy(struct identity *id, struct identity_policy policy);
// Now and then; db: a write. Drops sessions, tokens and invitations that ended over a month ago.
enum status identity_sweep(struct db *db, int64_t now_ns, struct err *err) MUST_CHECK;

// Where a request comes from and when. Texts may be NULL.
struct origin {
  const char *address, *user_agent;
  const char *device;  // the token of an earlier sign-in, as the client shows it
  int64_t now_ns;   // Unix
  int64_t mono_ns;  // monotonic, for lockout
};

// Who acts, as authentication found them.
struct actor {
  int64_t user_id, tenant_id, session_id;
  int64_t actor_id;  // the operator who impersonates, or 0
  bool mfa;
};

// ---- authentication of a request; any thread
struct access {
  struct actor actor;
  enum role role;               // as of when the token was made: store/org_rows' standing_get knows them of now
  enum member_role member_role;
  int64_t expires_s;
};
enum access_verdict { ACCESS_GOOD, ACCESS_BAD, ACCESS_EXPIRED, ACCESS_ENDED };
enum access_verdict access_token_check(struct identity *id, const char *token, size_t len, int64_t now_ns, struct access *ret);
// Whether the session ended while an access token of it may still be good: for who stays connected.
bool identity_session_ended(struct identity *id, int64_t session_id, int64_t now_ns);
// db: any. *ret_good false: unknown, revoked, expired, or not from one of its networks. Whether its owner may still act is
// standing_get's answer.
enum status api_key_check(struct db *db, const char *text, size_t len, const char *address, int64_t now_ns, bool *ret_good,
  struct key_row *ret, struct err *err) MUST_CHECK;

// ---- for the flows
struct tokens {
  char access[JWT_TOKEN_SIZE];
  int64_t access_expires_s;
  char refresh[TOKEN_SIZE];    // "" when impersonating
  char device[DEVICE_TOKEN_SIZE];  // after signing in: to be shown at the next one
  int64_t refresh_expires_ns;
  int64_t user_id, tenant_id, session_id;
  bool mfa;
};
void tokens_wipe(struct tokens *t);

// What takes milliseconds. The flow's …_prepare fills it in; run it on a pool thread.
struct password_work {
  const char *password;        // to be checked; NULL: nothing
  size_t password_len;
  char stored[PASSWORD_HASH_SIZE];  // "": nobody of that name
  const char *fresh;           // to be hashed; NULL: nothing
  size_t fresh_len;
  bool match;
  char hash[PASSWORD_HASH_SIZE];  // of fresh; or of password, when it matched an outdated hash
  enum status status;
  struct err err;
};
void password_work_run(struct password_work *w);

// Locked? Counts the attempt as failed until lockout_forgive_key.
int64_t identity_attempt(struct identity *id, const char *account, const char *address, int64_t mono_ns);
void identity_forgive(struct identity *id, const char *account, const char *address);
// The same for signing in: a device known to the account counts by itself; others by network, and all of them together.
int64_t identity_login_attempt(struct identity *id, const char *account, const struct origin *from);
void identity_login_forgive(struct identity *id, const char *account, const struct origin *from);
// db: a write. A new session with its first tokens.
enum status session_begin(struct identity *id, struct db *db, const struct user_row *user, int64_t tenant_id, int64_t actor_id,
  bool mfa, const struct origin *from, struct tokens *ret, struct err *err) MUST_CHECK;
// The access token alone, for roles as they are now.
enum status session_access(struct identity *id, struct db *db, const struct session_row *session, int64_t now_ns,
  struct tokens *ret, struct err *err) MUST_CHECK;
// db: a write. Ends a session: refresh and access tokens.
enum status session_end(struct identity *id, struct db *db, int64_t user_id, int64_t session_id, int64_t now_ns, struct err *err) MUST_CHECK;
// All of a user but one (0: all). *ret_count may be NULL.
enum status session_end_all(struct identity *id, struct db *db, int64_t user_id, int64_t except, int64_t now_ns, int *ret_count,
  struct err *err) MUST_CHECK;
// One line in the audit log; object_prefix NULL: no object; detail NULL or JSON without personal data.
enum status identity_audit(struct db *db, int64_t tenant_id, int64_t user_id, int64_t actor_id, const char *action,
  const char *object_prefix, int64_t object_id, const char *detail, const struct origin *from, struct err *err) MUST_CHECK;
bool name_is_fine(const char *name, size_t max_bytes);  // UTF-8 without controls, not blank

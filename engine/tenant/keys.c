// tenant/keys.c – see keys.h.
#include "tenant/keys.h"
#include "base/buf.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_KEYS_KEPT 3

static enum status parse(const char *name, const char *text, size_t len, uint8_t ret_key[KEY_BYTES], struct err *err) {
  while (len && (text[len - 1] == '\n' || text[len - 1] == '\r')) len--;
  size_t n;
  if (hex_decode(text, len, ret_key, KEY_BYTES, &n) != OK || n != KEY_BYTES)
    return err_set(err, ERR_INVALID, "%s: a key is 64 lower-case hex digits", name);
  return OK;
}

static enum status read_key(const char *path, bool strict, uint8_t ret_key[KEY_BYTES], struct err *err) {
  struct stat st;
  if (stat(path, &st)) return err_errno(err, errno, "%s", path);
  if (strict && (st.st_mode & 077))
    return err_set(err, ERR_INVALID, "%s: others may read it; chmod 600, and consider it known", path);
  struct buf text;
  buf_init_secret(&text, 256);
  enum status status = buf_read_file(&text, path, err);
  if (status == OK) status = parse(path, text.data ? text.data : "", text.len, ret_key, err);
  buf_finish(&text);
  return status;
}

static enum status write_key(const char *path, const uint8_t key[KEY_BYTES], struct err *err) {
  char hex[HEX_SIZE(KEY_BYTES) + 1];
  size_t n = hex_encode(key, KEY_BYTES, hex);
  hex[n++] = '\n';
  mode_t old = umask(077);
  enum status st = file_write_atomic(path, hex, n, err);
  umask(old);
  secret_wipe(hex, sizeof hex);
  return st == OK && chmod(path, 0600) ? err_errno(err, errno, "%s", path) : st;
}

// Numbers N of files prefix-N.key in a directory, ascending, at most cap of them (the greatest). A missing directory has none.
static size_t numbers_in(const char *dir, const char *prefix, int64_t *ret, size_t cap) {
  size_t count = 0, len = strlen(prefix);
  DIR *d = dir ? opendir(dir) : NULL;
  for (struct dirent *e; d && (e = readdir(d));) {
    char *end;
    if (strncmp(e->d_name, prefix, len) || e->d_name[len] < '1' || e->d_name[len] > '9') continue;
    errno = 0;
    int64_t n = strtoll(e->d_name + len, &end, 10);
    if (errno || strcmp(end, ".key")) continue;
    size_t at = 0;
    while (at < count && ret[at] < n) at++;
    if (count == cap) {
      if (at == 0) continue;
      memmove(ret, ret + 1, --at * sizeof *ret);
    } else {
      memmove(ret + at + 1, ret + at, (count++ - at) * sizeof *ret);
    }
    ret[at] = n;
  }
  if (d) closedir(d);
  return count;
}

static enum status path_of(const char *dir, const char *name, char *ret, size_t cap, struct err *err) {
  int n = snprintf(ret, cap, "%s/%s", dir, name);
  return n < 0 || (size_t)n >= cap ? err_set(err, ERR_RANGE, "path too long: %s", dir) : OK;
}

// The named key from the credentials, else from dir, else made there.
static enum status load(const struct keys_source *source, const char *name, uint8_t ret_key[KEY_BYTES], struct err *err) {
  const bool token = strncmp(name, "token-", 6) == 0;
  char path[4096];
  if (source->credentials) {
    enum status st = path_of(source->credentials, name, path, sizeof path, err);
    if (st != OK) return st;
    if (!access(path, F_OK)) return read_key(path, false, ret_key, err);  // its modes are the service manager's business
  }
  enum status st = path_of(source->dir, name, path, sizeof path, err);
  if (st != OK) return st;
  if (!access(path, F_OK)) return read_key(path, true, ret_key, err);
  if (!source->create && source->missing) {
    source->missing(source->missing_arg, path);
    random_bytes(ret_key, KEY_BYTES);
    return OK;
  }
  if (!source->create) return err_set(err, ERR_NOTFOUND, "%s: no such key", path);
  if (source->sealed && !token)
    return err_set(err, ERR_NOTFOUND, "%s is missing, but this database was sealed with it: put the directory of keys back in its place (a backup holds keys only "
                   "when it was told to)", path);
  random_bytes(ret_key, KEY_BYTES);
  return write_key(path, ret_key, err);
}

static enum status load_masters(const struct keys_source *source, struct keys *keys, struct err *err) {
  if (source->master_hex) {
    keys->master[0].version = 1;
    keys->master_count = 1;
    return parse("PERIGEE_MASTER_KEY", source->master_hex, strlen(source->master_hex), keys->master[0].key, err);
  }
  int64_t versions[MASTER_KEYS_MAX];
  size_t count = source->credentials ? numbers_in(source->credentials, "master-", versions, MASTER_KEYS_MAX) : 0;
  if (!count) count = numbers_in(source->dir, "master-", versions, MASTER_KEYS_MAX);
  if (!count) versions[count++] = 1;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < count; i++) {
    char name[64];
    snprintf(name, sizeof name, "master-%" PRId64 ".key", versions[i]);
    keys->master[i].version = versions[i];
    st = load(source, name, keys->master[i].key, err);
  }
  keys->master_count = count;
  return st;
}

static enum status load_tokens(const struct keys_source *source, int64_t now_ns, struct keys *keys, struct err *err) {
  enum status st = jwt_keys_init(&keys->tokens, source->issuer, source->audience, err);
  int64_t times[TOKEN_KEYS_KEPT];
  size_t count = source->credentials ? numbers_in(source->credentials, "token-", times, TOKEN_KEYS_KEPT) : 0;
  if (!count) count = numbers_in(source->dir, "token-", times, TOKEN_KEYS_KEPT);
  if (!count) times[count++] = now_ns / 1000000000 > 0 ? now_ns / 1000000000 : 1;
  for (size_t i = 0; st == OK && i < count; i++) {
    char name[64], kid[JWT_KID_SIZE];
    uint8_t secret[KEY_BYTES];
    snprintf(name, sizeof name, "token-%" PRId64 ".key", times[i]);
    snprintf(kid, sizeof kid, "%" PRIx64, (uint64_t)times[i]);
    st = load(source, name, secret, err);
    if (st == OK) st = jwt_keys_add(&keys->tokens, kid, secret, err);
    secret_wipe(secret, sizeof secret);
  }
  return st;
}

enum status keys_open(const struct keys_source *source, int64_t now_ns, struct keys **ret, struct err *err) {
  *ret = NULL;
  if (source->create && !source->sealed && mkdir(source->dir, 0700) && errno != EEXIST) return err_errno(err, errno, "%s", source->dir);
  struct keys *keys = secret_alloc(sizeof *keys);
  if (!keys) return err_set(err, ERR_NOMEM, "no locked memory for keys (ulimit -l)");
  uint8_t seed[SIGN_SEED_BYTES];
  enum status st = load_masters(source, keys, err);
  if (st == OK) st = load(source, "site.key", keys->site, err);
  if (st == OK) st = load(source, "audit.key", seed, err);
  if (st == OK) st = load_tokens(source, now_ns, keys, err);  // last, as they are made where the rest is missing: then nothing is
  if (st == OK) sign_key_from_seed(seed, &keys->audit);
  secret_wipe(seed, sizeof seed);
  if (st != OK) {
    secret_free(keys);
    return err_wrap(err, st, "keys");
  }
  *ret = keys;
  return OK;
}

void keys_close(struct keys *keys) {
  secret_free(keys);
}

const uint8_t *keys_master(const struct keys *keys, int64_t version) {
  for (size_t i = 0; i < keys->master_count; i++) {
    if (keys->master[i].version == version) return keys->master[i].key;
  }
  return NULL;
}

int64_t keys_master_current(const struct keys *keys) {
  return keys->master[keys->master_count - 1].version;
}

bool keys_same(const struct keys *a, const struct keys *b) {
  if (a->master_count != b->master_count || a->tokens.count != b->tokens.count) return false;
  bool same = secret_equal(a->site, b->site, KEY_BYTES) && secret_equal(a->audit.secret, b->audit.secret, sizeof a->audit.secret);
  for (size_t i = 0; i < a->master_count; i++)
    same = same && a->master[i].version == b->master[i].version && secret_equal(a->master[i].key, b->master[i].key, KEY_BYTES);
  for (size_t i = 0; i < a->tokens.count; i++)
    same = same && strcmp(a->tokens.key[i].kid, b->tokens.key[i].kid) == 0 && secret_equal(a->tokens.key[i].secret, b->tokens.key[i].secret, JWT_SECRET_BYTES);
  return same;
}

void keys_derive(const struct keys *keys, const char *purpose, uint8_t ret_key[KEY_BYTES]) {
  enum status st = hkdf_sha256(NULL, 0, keys->site, KEY_BYTES, purpose, strlen(purpose), ret_key, KEY_BYTES, NULL);
  assert(st == OK);
}

enum status keys_rotate_master(const char *dir, int64_t *ret_version, struct err *err) {
  int64_t versions[MASTER_KEYS_MAX];
  size_t count = numbers_in(dir, "master-", versions, MASTER_KEYS_MAX);
  if (count == 0) return err_set(err, ERR_NOTFOUND, "%s: no master key to follow", dir);
  if (count == MASTER_KEYS_MAX)
    return err_set(err, ERR_LIMIT, "%s: %d master keys; delete those that wrap nothing any more", dir, MASTER_KEYS_MAX);
  char name[64], path[4096];
  uint8_t key[KEY_BYTES];
  *ret_version = versions[count - 1] + 1;
  snprintf(name, sizeof name, "master-%" PRId64 ".key", *ret_version);
  enum status st = path_of(dir, name, path, sizeof path, err);
  random_bytes(key, sizeof key);
  if (st == OK) st = write_key(path, key, err);
  secret_wipe(key, sizeof key);
  return st;
}

enum status keys_rotate_token(const char *dir, int64_t now_ns, struct err *err) {
  int64_t times[64];
  size_t count = numbers_in(dir, "token-", times, 64);
  int64_t t = now_ns / 1000000000;
  if (count && t <= times[count - 1]) t = times[count - 1] + 1;  // the clock went back
  char name[64], path[4096];
  uint8_t key[KEY_BYTES];
  snprintf(name, sizeof name, "token-%" PRId64 ".key", t);
  enum status st = path_of(dir, name, path, sizeof path, err);
  random_bytes(key, sizeof key);
  if (st == OK) st = write_key(path, key, err);
  secret_wipe(key, sizeof key);
  for (size_t i = 0; st == OK && i + TOKEN_KEYS_KEPT <= count; i++) {
    snprintf(name, sizeof name, "token-%" PRId64 ".key", times[i]);
    st = path_of(dir, name, path, sizeof path, err);
    if (st == OK && unlink(path)) st = err_errno(err, errno, "%s", path);
  }
  return st;
}

// ---- all of them in one file

#define SAVED_HEAD "perigee keys 1"
#define SAVED_MAX 65536

// "master-1.key", "token-1700000000.key", "audit.key", "site.key": nothing that could name another place.
static bool is_key_name(const char *name) {
  static const char *const prefixes[] = {"master-", "token-"};
  if (strcmp(name, "audit.key") == 0 || strcmp(name, "site.key") == 0) return true;
  for (int i = 0; i < 2; i++) {
    const size_t n = strlen(prefixes[i]), digits = strncmp(name, prefixes[i], n) == 0 ? strspn(name + n, "0123456789") : 0;
    if (digits > 0 && digits < 20 && name[n] != '0' && strcmp(name + n + digits, ".key") == 0) return true;
  }
  return false;
}

enum status keys_save(const char *dir, const char *path, struct err *err) {
  struct buf out;
  char file[4096];
  uint8_t key[KEY_BYTES];
  int count = 0;
  if (access(path, F_OK) == 0) return err_set(err, ERR_EXISTS, "%s is there already", path);
  DIR *d = opendir(dir);
  if (!d) return err_errno(err, errno, "%s", dir);
  buf_init_secret(&out, SAVED_MAX);
  buf_str(&out, SAVED_HEAD "\n");
  enum status st = OK;
  for (struct dirent *e; st == OK && (e = readdir(d));) {
    if (!is_key_name(e->d_name)) continue;
    st = path_of(dir, e->d_name, file, sizeof file, err);
    if (st == OK) st = read_key(file, true, key, err);
    char hex[HEX_SIZE(KEY_BYTES) + 1] = "";
    if (st == OK) hex_encode(key, KEY_BYTES, hex);
    if (st == OK) buf_printf(&out, "%s %.*s\n", e->d_name, KEY_BYTES * 2, hex);
    secret_wipe(hex, sizeof hex);
    count++;
  }
  closedir(d);
  secret_wipe(key, sizeof key);
  if (st == OK && count == 0) st = err_set(err, ERR_NOTFOUND, "%s: no keys", dir);
  if (st == OK && out.failed) st = err_set(err, ERR_LIMIT, "%s: too many keys", dir);
  const mode_t old = umask(077);
  if (st == OK) st = file_write_atomic(path, out.data, out.len, err);
  umask(old);
  buf_finish(&out);
  return st == OK && chmod(path, 0600) ? err_errno(err, errno, "%s", path) : st;
}

enum status keys_take_back(const char *path, const char *dir, struct err *err) {
  struct buf text;
  char name[64], hex[HEX_SIZE(KEY_BYTES) + 1], file[4096];
  uint8_t key[KEY_BYTES], have[KEY_BYTES];
  buf_init_secret(&text, SAVED_MAX);
  enum status st = buf_read_file(&text, path, err);
  if (st == OK) buf_str(&text, "");
  const size_t head = strlen(SAVED_HEAD "\n");
  if (st == OK && (text.len <= head || text.failed || strncmp(text.data, SAVED_HEAD "\n", head) != 0)) st = err_set(err, ERR_INVALID, "%s holds no keys", path);
  if (st == OK && mkdir(dir, 0700) && errno != EEXIST) st = err_errno(err, errno, "%s", dir);
  // Twice: nothing is written before all of it was looked at.
  for (int writing = 0; st == OK && writing < 2; writing++) {
    int used;
    for (const char *p = text.data + head; st == OK && *p; p += used) {
      used = 0;
      if (sscanf(p, "%63[a-z0-9.-] %64[0-9a-f]\n%n", name, hex, &used) != 2 || used == 0 || !is_key_name(name)) {
        st = err_set(err, ERR_INVALID, "%s: not a line of keys", path);
        break;
      }
      st = parse(name, hex, strlen(hex), key, err);
      if (st == OK) st = path_of(dir, name, file, sizeof file, err);
      if (st != OK) break;
      if (access(file, F_OK) == 0) {
        st = read_key(file, false, have, err);
        if (st == OK && !secret_equal(have, key, KEY_BYTES)) st = err_set(err, ERR_EXISTS, "%s is another key: move it away first", file);
      } else if (writing) {
        st = write_key(file, key, err);
      }
    }
  }
  secret_wipe(key, sizeof key);
  secret_wipe(have, sizeof have);
  secret_wipe(hex, sizeof hex);
  buf_finish(&text);
  return st;
}

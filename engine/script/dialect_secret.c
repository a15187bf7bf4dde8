// script/dialect_secret.c – what a dialect signs with. The key may be named and the secret computed with; where a venue wants the secret
// itself (HTTP Basic, a login frame) the dialect holds a placeholder, and dialect_reveal puts the secret in when the bytes are written.
#include "script/dialect_impl.h"

#include "base/wipe.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char object_key = 's', meta_key = 'm';  // registry, by address

#define MARKED(word) "\x7f" word "\x7f"

// ---- base64 (RFC 4648 §4, padded)

static size_t base64(const uint8_t *p, size_t len, char *to) {
  static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t n = 0;
  for (size_t i = 0; i < len; i += 3) {
    uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);
    to[n++] = set[v >> 18];
    to[n++] = set[v >> 12 & 63];
    to[n++] = i + 1 < len ? set[v >> 6 & 63] : '=';
    to[n++] = i + 2 < len ? set[v & 63] : '=';
  }
  to[n] = '\0';
  return n;
}

// ---- the object

static const struct dialect_secret *of(lua_State *L) {
  if (lua_type(L, 1) != LUA_TUSERDATA) luaL_error(L, "write cred:name(…), with a colon");
  const struct dialect_secret *const *box = lua_touserdata(L, 1);
  if (*box == NULL) luaL_error(L, "credentials are there during the call only");
  return *box;
}

static void mac(lua_State *L, uint8_t out[HMAC_SHA256_BYTES]) {
  const struct dialect_secret *s = of(L);
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  const char *secret = s->secret != NULL ? s->secret : "";
  hmac_sha256(secret, strlen(secret), text, len, out);
}

static int l_hmac_hex(lua_State *L) {
  uint8_t m[HMAC_SHA256_BYTES];
  char hex[HEX_SIZE(HMAC_SHA256_BYTES)];
  mac(L, m);
  lua_pushlstring(L, hex, hex_encode(m, sizeof m, hex));
  return 1;
}

static int l_hmac_base64(lua_State *L) {
  uint8_t m[HMAC_SHA256_BYTES];
  char out[HMAC_SHA256_BYTES / 3 * 4 + 8];
  mac(L, m);
  lua_pushlstring(L, out, base64(m, sizeof m, out));
  return 1;
}

static int l_basic(lua_State *L) {
  of(L);
  lua_pushliteral(L, MARKED("basic"));
  return 1;
}
static int l_secret(lua_State *L) {
  of(L);
  lua_pushliteral(L, MARKED("secret"));
  return 1;
}
static int l_passphrase(lua_State *L) {
  of(L);
  lua_pushliteral(L, MARKED("passphrase"));
  return 1;
}

static const luaL_Reg methods[] = {{"hmac_sha256_hex", l_hmac_hex}, {"hmac_sha256_base64", l_hmac_base64}, {"basic", l_basic},
  {"secret_placeholder", l_secret}, {"passphrase_placeholder", l_passphrase}, {NULL, NULL}};

static int l_index(lua_State *L) {
  const struct dialect_secret *s = of(L);
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(name, "key") == 0) {
    lua_pushstring(L, s->key != NULL ? s->key : "");
    return 1;
  }
  for (const luaL_Reg *m = methods; m->name != NULL; m++)
    if (strcmp(m->name, name) == 0) return lua_pushcfunction(L, m->func), 1;
  return luaL_error(L, "cred.%s: credentials have key, hmac_sha256_hex, hmac_sha256_base64, basic, secret_placeholder and "
    "passphrase_placeholder; the secret cannot be read", name);
}

void dialect_secret_push(lua_State *L, const struct dialect_secret *s) {
  const struct dialect_secret **box;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &object_key) != LUA_TUSERDATA) {
    lua_pop(L, 1);
    box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "__index");
    lua_pushcfunction(L, l_index);
    lua_rawset(L, -3);
    lua_pushliteral(L, "__metatable");
    lua_pushboolean(L, 0);
    lua_rawset(L, -3);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &object_key);
  }
  box = lua_touserdata(L, -1);
  *box = s;
}

void dialect_secret_end(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &object_key) == LUA_TUSERDATA) *(const struct dialect_secret **)lua_touserdata(L, -1) = NULL;
  lua_settop(L, -2);
}

// ---- the secret itself, where bytes are written

static void put(struct buf *out, const char *s, bool json) {
  for (; s != NULL && *s != '\0'; s++) {
    if (json && (*s == '"' || *s == '\\')) buf_add(out, "\\", 1);
    buf_add(out, s, 1);
  }
}

static void put_basic(struct buf *out, const struct dialect_secret *s) {
  size_t key = s->key != NULL ? strlen(s->key) : 0, secret = s->secret != NULL ? strlen(s->secret) : 0, len = key + 1 + secret;
  char *plain = malloc(len + 1), *text = malloc((len + 2) / 3 * 4 + 1);
  if (plain == NULL || text == NULL) {
    out->failed = true;
  } else {
    if (key > 0) memcpy(plain, s->key, key);
    plain[key] = ':';
    if (secret > 0) memcpy(plain + key + 1, s->secret, secret);
    buf_add(out, "Basic ", 6);
    buf_add(out, text, base64((const uint8_t *)plain, len, text));
  }
  wipe_free(plain);
  wipe_free(text);
}

void dialect_reveal(const char *text, size_t len, bool json, const struct dialect_secret *secret, struct buf *out) {
  const char *end = text + len;
  while (text < end) {
    const char *mark = memchr(text, VALUE_MARK, (size_t)(end - text));
    if (mark == NULL) break;
    buf_add(out, text, (size_t)(mark - text));
    const char *close = memchr(mark + 1, VALUE_MARK, (size_t)(end - mark - 1));
    if (close == NULL) {  // no placeholder of ours: nothing is sent
      out->failed = true;
      return;
    }
    size_t n = (size_t)(close - mark - 1);
    if (n == 5 && memcmp(mark + 1, "basic", 5) == 0) put_basic(out, secret);
    else if (n == 6 && memcmp(mark + 1, "secret", 6) == 0) put(out, secret->secret, json);
    else if (n == 10 && memcmp(mark + 1, "passphrase", 10) == 0) put(out, secret->passphrase, json);
    else out->failed = true;
    text = close + 1;
  }
  if (text < end) buf_add(out, text, (size_t)(end - text));
}

// ---- base64 for dialects

static int l_base64(lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  struct sbuf b;
  lua_settop(L, 1);
  sbuf_init(&b, L);
  char *to = sbuf_reserve(&b, (len + 2) / 3 * 4 + 1);
  b.len += base64((const uint8_t *)s, len, to);
  sbuf_push(&b);
  return 1;
}

static int l_hex(lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  struct sbuf b;
  lua_settop(L, 1);
  sbuf_init(&b, L);
  char *to = sbuf_reserve(&b, HEX_SIZE(len));
  b.len += hex_encode(s, len, to);
  sbuf_push(&b);
  return 1;
}

const luaL_Reg dialect_lib_text[] = {{"base64", l_base64}, {"hex", l_hex}, {NULL, NULL}};

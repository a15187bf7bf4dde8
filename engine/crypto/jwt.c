// crypto/jwt.c – see jwt.h.
#include "crypto/jwt.h"
#include "base/json.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/secret.h"

#include <stdio.h>
#include <string.h>

static const char *const typ_of[JWT_KINDS] = {[JWT_ACCESS] = "at+jwt", [JWT_PENDING] = "pending+jwt"};

static bool is_issuer(const char *text, size_t size) {
  size_t len = strnlen(text, size);
  if (len == 0 || len == size) return false;
  for (const char *p = text; *p; p++) {
    if (*p < 0x21 || *p > 0x7e || *p == '"' || *p == '\\') return false;
  }
  return true;
}

static bool is_name(const char *text, size_t size) {
  size_t len = strnlen(text, size);
  if (len == size) return false;
  for (const char *p = text; *p; p++) {
    bool ok = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr("_.:-", *p);
    if (!ok) return false;
  }
  return true;
}

enum status jwt_keys_init(struct jwt_keys *keys, const char *iss, const char *aud, struct err *err) {
  *keys = (struct jwt_keys){0};
  if (!is_issuer(iss, sizeof keys->iss) || !is_issuer(aud, sizeof keys->aud))
    return err_set(err, ERR_INVALID, "token issuer or audience is empty, too long or not plain text");
  memcpy(keys->iss, iss, strlen(iss) + 1);
  memcpy(keys->aud, aud, strlen(aud) + 1);
  return OK;
}

enum status jwt_keys_add(struct jwt_keys *keys, const char *kid, const uint8_t secret[JWT_SECRET_BYTES],
  struct err *err) {
  if (!*kid || !is_name(kid, JWT_KID_SIZE)) return err_set(err, ERR_INVALID, "token key: id '%.32s' is not a name", kid);
  if (keys->count == JWT_KEYS_MAX) return err_set(err, ERR_LIMIT, "more than %d token keys", JWT_KEYS_MAX);
  for (size_t i = 0; i < keys->count; i++) {
    if (!strcmp(keys->key[i].kid, kid)) return err_set(err, ERR_EXISTS, "token key %s is there twice", kid);
  }
  struct jwt_key *key = &keys->key[keys->count++];
  memcpy(key->kid, kid, strlen(kid) + 1);
  memcpy(key->secret, secret, JWT_SECRET_BYTES);
  for (int kind = 0; kind < JWT_KINDS; kind++) {
    char json[96];
    int len = snprintf(json, sizeof json, "{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"%s\"}", kid, typ_of[kind]);
    size_t n = base64url_encode(json, (size_t)len, key->header[kind]);
    key->header[kind][n++] = '.';
    key->header[kind][n] = '\0';
    key->header_len[kind] = n;
  }
  return OK;
}

void jwt_keys_finish(struct jwt_keys *keys) {
  secret_wipe(keys, sizeof *keys);
}

// Appends; a text that does not fit sets *at to cap, where it stays.
static void PRINTF(4, 5) add(char *out, size_t cap, size_t *at, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(out + *at, cap - *at, fmt, ap);
  va_end(ap);
  *at = n < 0 || *at + (size_t)n >= cap ? cap - 1 : *at + (size_t)n;
}

enum status jwt_make(const struct jwt_keys *keys, enum jwt_kind kind, const struct jwt_claims *claims,
  char ret_token[JWT_TOKEN_SIZE], struct err *err) {
  if (keys->count == 0) return err_set(err, ERR_INVALID, "no token key");
  bool fine = is_name(claims->sub, sizeof claims->sub) && is_name(claims->tenant, sizeof claims->tenant) &&
              is_name(claims->sid, sizeof claims->sid) && is_name(claims->act, sizeof claims->act) &&
              claims->role_count <= JWT_ROLES_MAX && *claims->sub;
  for (size_t i = 0; fine && i < claims->role_count; i++) fine = is_name(claims->roles[i], sizeof claims->roles[i]);
  if (!fine) return err_set(err, ERR_INVALID, "token claim is not a plain name");

  const struct jwt_key *key = &keys->key[keys->count - 1];
  char json[640];
  size_t at = 0;
  add(json, sizeof json, &at, "{\"iss\":\"%s\",\"aud\":\"%s\",\"sub\":\"%s\"", keys->iss, keys->aud, claims->sub);
  if (*claims->tenant) add(json, sizeof json, &at, ",\"tenant\":\"%s\"", claims->tenant);
  if (*claims->sid) add(json, sizeof json, &at, ",\"sid\":\"%s\"", claims->sid);
  if (*claims->act) add(json, sizeof json, &at, ",\"act\":{\"sub\":\"%s\"}", claims->act);
  add(json, sizeof json, &at, ",\"roles\":[");
  for (size_t i = 0; i < claims->role_count; i++) add(json, sizeof json, &at, "%s\"%s\"", i ? "," : "", claims->roles[i]);
  add(json, sizeof json, &at, "],\"mfa\":%s,\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld}", claims->mfa ? "true" : "false",
    (long long)claims->iat_s, (long long)claims->nbf_s, (long long)claims->exp_s);
  size_t len = key->header_len[kind];
  if (at >= sizeof json - 1 || len + BASE64URL_SIZE(at) + 1 + BASE64URL_SIZE(HMAC_SHA256_BYTES) > JWT_TOKEN_SIZE)
    return err_set(err, ERR_RANGE, "token does not fit %d bytes", JWT_TOKEN_SIZE);
  memcpy(ret_token, key->header[kind], len);
  len += base64url_encode(json, at, ret_token + len);
  uint8_t mac[HMAC_SHA256_BYTES];
  hmac_sha256(key->secret, sizeof key->secret, ret_token, len, mac);
  ret_token[len++] = '.';
  base64url_encode(mac, sizeof mac, ret_token + len);
  return OK;
}

// Copies a member that is a name; one that is missing leaves out empty.
static bool take_name(const json_t *obj, const char *member, char *out, size_t size, size_t *seen) {
  const json_t *v = json_object_get(obj, member);
  if (!v) return true;
  ++*seen;
  if (!json_is_string(v) || json_string_length(v) >= size) return false;
  memcpy(out, json_string_value(v), json_string_length(v) + 1);
  return strlen(out) == json_string_length(v) && is_name(out, size);
}

static bool take_time(const json_t *obj, const char *member, int64_t *ret_s, size_t *seen) {
  const json_t *v = json_object_get(obj, member);
  if (!json_is_integer(v)) return false;
  ++*seen;
  *ret_s = json_integer_value(v);
  return *ret_s >= 0;
}

static bool text_is(const json_t *v, const char *want) {
  return json_is_string(v) && !strcmp(json_string_value(v), want) && json_string_length(v) == strlen(want);
}

static enum jwt_verdict read_claims(const struct jwt_keys *keys, const json_t *obj, struct jwt_claims *out) {
  size_t seen = 0;
  if (!json_is_object(obj)) return JWT_MALFORMED;
  if (!take_name(obj, "sub", out->sub, sizeof out->sub, &seen) || !*out->sub) return JWT_MALFORMED;
  if (!take_name(obj, "tenant", out->tenant, sizeof out->tenant, &seen)) return JWT_MALFORMED;
  if (!take_name(obj, "sid", out->sid, sizeof out->sid, &seen)) return JWT_MALFORMED;
  if (!take_time(obj, "iat", &out->iat_s, &seen) || !take_time(obj, "nbf", &out->nbf_s, &seen) ||
      !take_time(obj, "exp", &out->exp_s, &seen))
    return JWT_MALFORMED;
  const json_t *act = json_object_get(obj, "act");
  if (act) {
    size_t inner = 0;
    seen++;
    if (!json_is_object(act) || !take_name(act, "sub", out->act, sizeof out->act, &inner) || !*out->act ||
        json_object_size(act) != 1)
      return JWT_MALFORMED;
  }
  const json_t *roles = json_object_get(obj, "roles"), *mfa = json_object_get(obj, "mfa");
  if (!json_is_array(roles) || json_array_size(roles) > JWT_ROLES_MAX || !json_is_boolean(mfa)) return JWT_MALFORMED;
  for (out->role_count = 0; out->role_count < json_array_size(roles); out->role_count++) {
    const json_t *role = json_array_get(roles, out->role_count);
    char *text = out->roles[out->role_count];
    if (!json_is_string(role) || json_string_length(role) >= sizeof out->roles[0]) return JWT_MALFORMED;
    memcpy(text, json_string_value(role), json_string_length(role) + 1);
    if (!*text || !is_name(text, sizeof out->roles[0])) return JWT_MALFORMED;
  }
  out->mfa = json_is_true(mfa);
  if (json_object_size(obj) != seen + 4) return JWT_MALFORMED;  // roles, mfa, iss, aud
  if (!text_is(json_object_get(obj, "iss"), keys->iss) || !text_is(json_object_get(obj, "aud"), keys->aud))
    return JWT_WRONG_AUDIENCE;
  return JWT_VALID;
}

// ---- our own words again

// The claims of a token that we signed are in the very words of jwt_make, nearly always: read without making a tree of them.
struct words {
  const char *at, *end;
};

static bool skip(struct words *w, const char *text) {
  size_t len = strlen(text);
  if ((size_t)(w->end - w->at) < len || memcmp(w->at, text, len) != 0) return false;
  w->at += len;
  return true;
}

// A name and the quote behind it.
static bool name(struct words *w, char *out, size_t size) {
  const char *quote = memchr(w->at, '"', (size_t)(w->end - w->at));
  size_t len = quote ? (size_t)(quote - w->at) : 0;
  if (len == 0 || len >= size || memchr(w->at, '\0', len)) return false;
  memcpy(out, w->at, len);
  out[len] = '\0';
  w->at = quote + 1;
  return is_name(out, size);
}

static bool seconds(struct words *w, int64_t *ret) {
  const char *begin = w->at;
  int64_t n = 0;
  for (; w->at < w->end && *w->at >= '0' && *w->at <= '9' && w->at - begin < 18; w->at++) n = n * 10 + (*w->at - '0');
  *ret = n;
  return w->at > begin && (*begin != '0' || w->at == begin + 1);
}

static bool read_own(const struct jwt_keys *keys, const char *json, size_t len, struct jwt_claims *out) {
  struct words w = {json, json + len};
  if (!skip(&w, "{\"iss\":\"") || !skip(&w, keys->iss) || !skip(&w, "\",\"aud\":\"") || !skip(&w, keys->aud) || !skip(&w, "\",\"sub\":\"") ||
      !name(&w, out->sub, sizeof out->sub))
    return false;
  if (skip(&w, ",\"tenant\":\"") && !name(&w, out->tenant, sizeof out->tenant)) return false;
  if (skip(&w, ",\"sid\":\"") && !name(&w, out->sid, sizeof out->sid)) return false;
  if (skip(&w, ",\"act\":{\"sub\":\"") && (!name(&w, out->act, sizeof out->act) || !skip(&w, "}"))) return false;
  if (!skip(&w, ",\"roles\":[")) return false;
  while (!skip(&w, "]")) {
    if (out->role_count == JWT_ROLES_MAX || (out->role_count > 0 && !skip(&w, ",")) || !skip(&w, "\"")) return false;
    if (!name(&w, out->roles[out->role_count], sizeof out->roles[0])) return false;
    out->role_count++;
  }
  out->mfa = skip(&w, ",\"mfa\":true");
  if (!out->mfa && !skip(&w, ",\"mfa\":false")) return false;
  return skip(&w, ",\"iat\":") && seconds(&w, &out->iat_s) && skip(&w, ",\"nbf\":") && seconds(&w, &out->nbf_s) && skip(&w, ",\"exp\":") &&
         seconds(&w, &out->exp_s) && skip(&w, "}") && w.at == w.end;
}

enum jwt_verdict jwt_verify(const struct jwt_keys *keys, enum jwt_kind kind, const char *token, size_t len, int64_t now_s,
  struct jwt_claims *ret_claims) {
  *ret_claims = (struct jwt_claims){0};
  if (len >= JWT_TOKEN_SIZE) return JWT_MALFORMED;
  const struct jwt_key *key = NULL;
  for (size_t i = 0; i < keys->count && !key; i++) {
    const struct jwt_key *k = &keys->key[i];
    if (len > k->header_len[kind] && !memcmp(token, k->header[kind], k->header_len[kind])) key = k;
  }
  const char *first = memchr(token, '.', len);
  if (!first) return JWT_MALFORMED;
  if (!key) return JWT_FOREIGN;
  const char *body = token + key->header_len[kind], *end = token + len;
  const char *dot = memchr(body, '.', (size_t)(end - body));
  uint8_t given[HMAC_SHA256_BYTES], want[HMAC_SHA256_BYTES], json[JWT_TOKEN_SIZE];
  size_t given_len, json_len;
  if (!dot || base64url_decode(dot + 1, (size_t)(end - dot - 1), given, sizeof given, &given_len) ||
      given_len != sizeof given)
    return JWT_MALFORMED;
  hmac_sha256(key->secret, sizeof key->secret, token, (size_t)(dot - token), want);
  if (!secret_equal(given, want, sizeof want)) return JWT_FORGED;
  if (base64url_decode(body, (size_t)(dot - body), json, sizeof json, &json_len)) return JWT_MALFORMED;

  struct jwt_claims claims = {0};
  if (!read_own(keys, (const char *)json, json_len, &claims)) {
    claims = (struct jwt_claims){0};
    json_t *obj = json_loadb((const char *)json, json_len, JSON_REJECT_DUPLICATES, NULL);
    enum jwt_verdict verdict = read_claims(keys, obj, &claims);
    json_decref(obj);
    if (verdict != JWT_VALID) return verdict;
  }
  if (now_s + JWT_NBF_TOLERANCE_S < claims.nbf_s) return JWT_NOT_YET;
  *ret_claims = claims;
  return now_s >= claims.exp_s ? JWT_EXPIRED : JWT_VALID;
}

const char *jwt_verdict_text(enum jwt_verdict verdict) {
  static const char *const texts[] = {
    [JWT_VALID] = "valid", [JWT_MALFORMED] = "malformed", [JWT_FOREIGN] = "header is not ours",
    [JWT_FORGED] = "signature does not match", [JWT_EXPIRED] = "expired", [JWT_NOT_YET] = "not valid yet",
    [JWT_WRONG_AUDIENCE] = "for another issuer or audience",
  };
  return texts[verdict];
}

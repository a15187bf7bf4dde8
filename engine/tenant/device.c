// tenant/device.c – see device.h. A token is "pgd_" and base64url of: when (8 bytes), which (8 random bytes), and an HMAC-SHA-256
// of both and the account under a key of its own.
#include "tenant/device.h"

#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "pgd_"
#define NAME_BYTES 16  // when and which

static void mac_of(const struct keys *keys, const char *account, const uint8_t name[NAME_BYTES], uint8_t ret_mac[HMAC_SHA256_BYTES]) {
  uint8_t key[KEY_BYTES], account_mac[HMAC_SHA256_BYTES + NAME_BYTES];
  keys_derive(keys, "device", key);
  // Of fixed length, so that no account and name can be read as another pair.
  hmac_sha256(key, sizeof key, account, strlen(account), account_mac);
  memcpy(account_mac + HMAC_SHA256_BYTES, name, NAME_BYTES);
  hmac_sha256(key, sizeof key, account_mac, sizeof account_mac, ret_mac);
  secret_wipe(key, sizeof key);
}

void device_token_make(const struct keys *keys, const char *account, int64_t now_s, char ret_token[DEVICE_TOKEN_SIZE]) {
  uint8_t bytes[NAME_BYTES + HMAC_SHA256_BYTES];
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)now_s >> (56 - 8 * i));
  random_bytes(bytes + 8, 8);
  mac_of(keys, account, bytes, bytes + NAME_BYTES);
  memcpy(ret_token, PREFIX, strlen(PREFIX));
  base64url_encode(bytes, sizeof bytes, ret_token + strlen(PREFIX));
}

bool device_token_check(const struct keys *keys, const char *account, const char *token, int64_t now_s, char ret_name[DEVICE_NAME_SIZE]) {
  uint8_t bytes[NAME_BYTES + HMAC_SHA256_BYTES], mac[HMAC_SHA256_BYTES];
  size_t len;
  if (strncmp(token, PREFIX, strlen(PREFIX)) != 0 || strlen(token) >= DEVICE_TOKEN_SIZE) return false;
  const char *text = token + strlen(PREFIX);
  if (base64url_decode(text, strlen(text), bytes, sizeof bytes, &len) != OK || len != sizeof bytes) return false;
  mac_of(keys, account, bytes, mac);
  if (!secret_equal(mac, bytes + NAME_BYTES, sizeof mac)) return false;
  uint64_t made_s = 0;
  for (int i = 0; i < 8; i++) made_s = made_s << 8 | bytes[i];
  if ((int64_t)made_s + DEVICE_TTL_S < now_s) return false;
  memcpy(ret_name, "device:", 7);
  hex_encode(bytes + 4, NAME_BYTES - 4, ret_name + 7);  // the lower half of when, and which
  return true;
}

// HMAC, HKDF, AES-GCM, Ed25519, encodings and TOTP against the vectors of their standards, and what each must refuse.
#include "crypto/aead.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto/sign.h"
#include "crypto/totp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint8_t bytes[6][512];

// Bytes of a hex text, in one of a few static buffers.
static size_t from_hex(int slot, const char *hex) {
  size_t len;
  assert_int_equal(hex_decode(hex, strlen(hex), bytes[slot], sizeof bytes[slot], &len), OK);
  return len;
}

static void assert_hex(const void *got, size_t len, const char *want) {
  char hex[2048];
  hex_encode(got, len, hex);
  assert_string_equal(hex, want);
}

// RFC 4231 cases 1, 2, 3, 6 (a key longer than the block).
static void test_hmac_sha256(void **state) {
  (void)state;
  uint8_t mac[HMAC_SHA256_BYTES], key[131], text[50];
  memset(key, 0x0b, 20);
  hmac_sha256(key, 20, "Hi There", 8, mac);
  assert_hex(mac, sizeof mac, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
  assert_hex(mac, sizeof mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  memset(key, 0xaa, sizeof key);
  memset(text, 0xdd, sizeof text);
  hmac_sha256(key, 20, text, 50, mac);
  assert_hex(mac, sizeof mac, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  const char *hash_first = "Test Using Larger Than Block-Size Key - Hash Key First";
  hmac_sha256(key, 131, hash_first, strlen(hash_first), mac);
  assert_hex(mac, sizeof mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// RFC 2202 cases 1, 2, 3, 6.
static void test_hmac_sha1(void **state) {
  (void)state;
  uint8_t mac[HMAC_SHA1_BYTES], key[80], text[50];
  memset(key, 0x0b, 20);
  hmac_sha1(key, 20, "Hi There", 8, mac);
  assert_hex(mac, sizeof mac, "b617318655057264e28bc0b6fb378c8ef146be00");
  hmac_sha1("Jefe", 4, "what do ya want for nothing?", 28, mac);
  assert_hex(mac, sizeof mac, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  memset(key, 0xaa, sizeof key);
  memset(text, 0xdd, sizeof text);
  hmac_sha1(key, 20, text, 50, mac);
  assert_hex(mac, sizeof mac, "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
  const char *hash_first = "Test Using Larger Than Block-Size Key - Hash Key First";
  hmac_sha1(key, 80, hash_first, strlen(hash_first), mac);
  assert_hex(mac, sizeof mac, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

// RFC 5869 A.1, A.2 (long inputs), A.3 (no salt, no info).
static void test_hkdf(void **state) {
  (void)state;
  uint8_t out[82], key[80], salt[80], info[80];
  memset(key, 0x0b, 22);
  size_t salt_len = from_hex(0, "000102030405060708090a0b0c"), info_len = from_hex(1, "f0f1f2f3f4f5f6f7f8f9");
  assert_int_equal(hkdf_sha256(bytes[0], salt_len, key, 22, bytes[1], info_len, out, 42, NULL), OK);
  assert_hex(out, 42, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  assert_int_equal(hkdf_sha256(NULL, 0, key, 22, NULL, 0, out, 42, NULL), OK);
  assert_hex(out, 42, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  for (int i = 0; i < 80; i++) {
    key[i] = (uint8_t)i;
    salt[i] = (uint8_t)(0x60 + i);
    info[i] = (uint8_t)(0xb0 + i);
  }
  assert_int_equal(hkdf_sha256(salt, 80, key, 80, info, 80, out, 82, NULL), OK);
  assert_hex(out, 82,
    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
    "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  assert_int_equal(hkdf_sha256(NULL, 0, key, 1, NULL, 0, out, HKDF_MAX_BYTES + 1, NULL), ERR_RANGE);
}

// McGrew and Viega's test cases 13, 14 and 16 (AES-256).
static void test_gcm_vectors(void **state) {
  (void)state;
  static const struct {
    const char *key, *nonce, *aad, *plain, *cipher_tag;
  } vectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "",
      "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
      "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
      "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
      "b16aedf5aa0de657ba637b39",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
      "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
  };
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    from_hex(0, vectors[i].key);
    from_hex(1, vectors[i].nonce);
    size_t aad_len = from_hex(2, vectors[i].aad), plain_len = from_hex(3, vectors[i].plain), len;
    uint8_t sealed[256], plain[256];
    assert_int_equal(aead_seal_with_nonce(bytes[0], bytes[1], bytes[2], aad_len, bytes[3], plain_len, sealed, NULL), OK);
    assert_memory_equal(sealed, bytes[1], AEAD_NONCE_BYTES);
    assert_hex(sealed + AEAD_NONCE_BYTES, plain_len + AEAD_TAG_BYTES, vectors[i].cipher_tag);
    assert_int_equal(aead_open(bytes[0], bytes[2], aad_len, sealed, plain_len + AEAD_OVERHEAD_BYTES, plain, &len, NULL), OK);
    assert_int_equal(len, plain_len);
    assert_memory_equal(plain, bytes[3], plain_len);
  }
}

// Any one bit of key, associated data or sealed text, and any cut: refused.
static void test_gcm_tampering(void **state) {
  (void)state;
  uint8_t key[AEAD_KEY_BYTES], aad[] = "tenant|account|field|1", sealed[64], plain[64];
  random_bytes(key, sizeof key);
  size_t len, sealed_len = 6 + AEAD_OVERHEAD_BYTES;
  assert_int_equal(aead_seal(key, aad, sizeof aad, "secret", 6, sealed, NULL), OK);
  struct {
    uint8_t *at;
    size_t len;
  } parts[] = {{key, sizeof key}, {aad, sizeof aad}, {sealed, sealed_len}};
  for (size_t p = 0; p < 3; p++) {
    for (size_t bit = 0; bit < parts[p].len * 8; bit++) {
      parts[p].at[bit / 8] ^= (uint8_t)(1 << bit % 8);
      assert_int_equal(aead_open(key, aad, sizeof aad, sealed, sealed_len, plain, &len, NULL), ERR_INVALID);
      parts[p].at[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
  }
  for (size_t n = 0; n < sealed_len; n++)
    assert_int_equal(aead_open(key, aad, sizeof aad, sealed, n, plain, &len, NULL), ERR_INVALID);
  assert_int_equal(aead_open(key, aad, sizeof aad, sealed, sealed_len, plain, &len, NULL), OK);
  assert_memory_equal(plain, "secret", 6);
}

// RFC 8032 §7.1, tests 1 to 3.
static void test_ed25519(void **state) {
  (void)state;
  static const struct {
    const char *seed, *pub, *text, *signature;
  } vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
      "d25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
      "387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
      "4a7c15e9716ed28dc027beceea1ec40a"},
  };
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    struct sign_key key;
    uint8_t signature[SIGN_BYTES];
    from_hex(0, vectors[i].seed);
    size_t len = from_hex(1, vectors[i].text);
    sign_key_from_seed(bytes[0], &key);
    assert_hex(key.pub, sizeof key.pub, vectors[i].pub);
    sign_make(&key, bytes[1], len, signature);
    assert_hex(signature, sizeof signature, vectors[i].signature);
    assert_true(sign_verify(key.pub, bytes[1], len, signature));
    signature[i] ^= 1;
    assert_false(sign_verify(key.pub, bytes[1], len, signature));
  }
}

// RFC 4648 §10, in the unpadded and url-safe forms.
static void test_encodings(void **state) {
  (void)state;
  static const struct {
    const char *text, *base64, *base32, *hex;
  } vectors[] = {
    {"", "", "", ""},
    {"f", "Zg", "MY", "66"},
    {"fo", "Zm8", "MZXQ", "666f"},
    {"foo", "Zm9v", "MZXW6", "666f6f"},
    {"foob", "Zm9vYg", "MZXW6YQ", "666f6f62"},
    {"fooba", "Zm9vYmE", "MZXW6YTB", "666f6f6261"},
    {"foobar", "Zm9vYmFy", "MZXW6YTBOI", "666f6f626172"},
  };
  char text[64], back[64];
  size_t len;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    size_t n = strlen(vectors[i].text);
    assert_int_equal(base64url_encode(vectors[i].text, n, text) + 1, BASE64URL_SIZE(n));
    assert_string_equal(text, vectors[i].base64);
    assert_int_equal(base64url_decode(text, strlen(text), back, n, &len), OK);
    assert_int_equal(len, n);
    assert_memory_equal(back, vectors[i].text, n);
    assert_int_equal(base32_encode(vectors[i].text, n, text) + 1, BASE32_SIZE(n));
    assert_string_equal(text, vectors[i].base32);
    assert_int_equal(base32_decode(text, strlen(text), back, n, &len), OK);
    assert_memory_equal(back, vectors[i].text, n);
    assert_int_equal(hex_encode(vectors[i].text, n, text) + 1, HEX_SIZE(n));
    assert_string_equal(text, vectors[i].hex);
    assert_int_equal(hex_decode(text, strlen(text), back, n, &len), OK);
    assert_memory_equal(back, vectors[i].text, n);
  }
  base64url_encode("\xfb\xff\xfe", 3, text);
  assert_string_equal(text, "-__-");
}

static void test_encodings_are_strict(void **state) {
  (void)state;
  // Padding, left-over bits, a digit too many, blanks, the other alphabet, bytes outside of ASCII.
  static const char *const base64_bad[] = {"Zg==", "Zh", "Zm9", "Z", "Zm9vY", "Zm 9", "Zm+/", "Zm9v\n", "Zm9\xc3"};
  static const char *const base32_bad[] = {"MY======", "MZ", "M", "MZX", "MZXW6Y", "M1", "M8", "MZXW6YTB0I", "MZ XQ"};
  static const char *const hex_bad[] = {"6", "6g", "66 ", "0x66", "6F"};
  char back[64];
  size_t len;
  for (size_t i = 0; i < sizeof base64_bad / sizeof *base64_bad; i++)
    assert_int_equal(base64url_decode(base64_bad[i], strlen(base64_bad[i]), back, sizeof back, &len), ERR_INVALID);
  for (size_t i = 0; i < sizeof base32_bad / sizeof *base32_bad; i++)
    assert_int_equal(base32_decode(base32_bad[i], strlen(base32_bad[i]), back, sizeof back, &len), ERR_INVALID);
  for (size_t i = 0; i < sizeof hex_bad / sizeof *hex_bad; i++)
    assert_int_equal(hex_decode(hex_bad[i], strlen(hex_bad[i]), back, sizeof back, &len), ERR_INVALID);
  assert_int_equal(base64url_decode("Zm9v", 4, back, 2, &len), ERR_RANGE);
  assert_int_equal(base32_decode("mzxw6", 5, back, sizeof back, &len), OK);
  assert_memory_equal(back, "foo", 3);
}

// RFC 6238 appendix B, SHA-1.
static void test_totp_vectors(void **state) {
  (void)state;
  static const struct {
    int64_t unix_s;
    const char *code;
  } vectors[] = {{59, "94287082"}, {1111111109, "07081804"}, {1111111111, "14050471"}, {1234567890, "89005924"},
    {2000000000, "69279037"}, {20000000000, "65353130"}};
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    char code[9];
    totp_code((const uint8_t *)"12345678901234567890", 20, vectors[i].unix_s, 8, code);
    assert_string_equal(code, vectors[i].code);
  }
}

static void test_totp_once(void **state) {
  (void)state;
  const uint8_t *seed = (const uint8_t *)"12345678901234567890";
  int64_t now = 1111111111, step, other;
  char code[7], earlier[7], older[7], next[7];
  totp_code(seed, 20, now, 6, code);
  totp_code(seed, 20, now - 30, 6, earlier);
  totp_code(seed, 20, now - 60, 6, older);
  totp_code(seed, 20, now + 30, 6, next);
  assert_true(totp_accept(seed, 20, now, 0, code, 6, &step));
  assert_int_equal(step, now / 30);
  assert_false(totp_accept(seed, 20, now, step, code, 6, &other));    // replayed
  assert_false(totp_accept(seed, 20, now, step, earlier, 6, &other)); // older than the last one used
  assert_true(totp_accept(seed, 20, now, 0, earlier, 6, &step));
  assert_int_equal(step, now / 30 - 1);
  assert_true(totp_accept(seed, 20, now, step, code, 6, &step));
  assert_false(totp_accept(seed, 20, now, 0, older, 6, &other));
  assert_false(totp_accept(seed, 20, now, 0, next, 6, &other));
  assert_false(totp_accept(seed, 20, now, 0, code, 5, &other));
  assert_false(totp_accept(seed, 20, now, 0, "000000", 6, &other));
}

static void test_totp_uri(void **state) {
  (void)state;
  char uri[256];
  assert_int_equal(totp_uri("My Bot", "a+b@example.org", (const uint8_t *)"12345678901234567890", 20, uri, sizeof uri, NULL), OK);
  assert_string_equal(uri,
    "otpauth://totp/My%20Bot:a%2Bb%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=My%20Bot");
  size_t len = strlen(uri);
  assert_int_equal(totp_uri("My Bot", "a+b@example.org", (const uint8_t *)"12345678901234567890", 20, uri, len, NULL), ERR_RANGE);
  assert_int_equal(totp_uri("My Bot", "a+b@example.org", (const uint8_t *)"12345678901234567890", 20, uri, len + 1, NULL), OK);
}

static void test_random_and_secret(void **state) {
  (void)state;
  uint8_t a[32] = {0}, b[32] = {0}, zero[32] = {0};
  random_bytes(a, sizeof a);
  random_bytes(b, sizeof b);
  assert_memory_not_equal(a, b, sizeof a);
  assert_false(secret_equal(a, b, sizeof a));
  memcpy(b, a, sizeof b);
  assert_true(secret_equal(a, b, sizeof a));
  b[31] ^= 1;
  assert_false(secret_equal(a, b, sizeof a));
  secret_wipe(a, sizeof a);
  assert_memory_equal(a, zero, sizeof a);
  secret_wipe(NULL, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_hmac_sha256),
    cmocka_unit_test(test_hmac_sha1),
    cmocka_unit_test(test_hkdf),
    cmocka_unit_test(test_gcm_vectors),
    cmocka_unit_test(test_gcm_tampering),
    cmocka_unit_test(test_ed25519),
    cmocka_unit_test(test_encodings),
    cmocka_unit_test(test_encodings_are_strict),
    cmocka_unit_test(test_totp_vectors),
    cmocka_unit_test(test_totp_once),
    cmocka_unit_test(test_totp_uri),
    cmocka_unit_test(test_random_and_secret),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

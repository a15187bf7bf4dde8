// crypto/encode.h – bytes as text: base64url without padding (RFC 4648 §5; tokens, JWT), base32 (§6; TOTP seeds), hex.
// Decoding is strict: one text per value, so that a token has no second spelling. Padding, blanks, other alphabets and
// non-zero left-over bits are refused.
#pragma once
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

// Sizes of the text, with the final NUL.
#define BASE64URL_SIZE(bytes) (((bytes)*4 + 2) / 3 + 1)
#define BASE32_SIZE(bytes) (((bytes)*8 + 4) / 5 + 1)
#define HEX_SIZE(bytes) ((bytes)*2 + 1)

// ret_text must have room for …_SIZE(len). Returns the length without the NUL.
size_t base64url_encode(const void *bytes, size_t len, char *ret_text);
size_t base32_encode(const void *bytes, size_t len, char *ret_text);  // upper case, no padding
size_t hex_encode(const void *bytes, size_t len, char *ret_text);     // lower case

// ret_len: bytes written, at most cap. ERR_INVALID for text that encoding would not have made, ERR_RANGE when it holds
// more than cap bytes. base32 accepts both cases, since people type it.
enum status base64url_decode(const char *text, size_t text_len, void *ret_bytes, size_t cap, size_t *ret_len) MUST_CHECK;
enum status base32_decode(const char *text, size_t text_len, void *ret_bytes, size_t cap, size_t *ret_len) MUST_CHECK;
enum status hex_decode(const char *text, size_t text_len, void *ret_bytes, size_t cap, size_t *ret_len) MUST_CHECK;

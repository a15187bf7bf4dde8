// notice/sign.h – signatures of webhooks as Standard Webhooks 1.0 has them: HMAC-SHA-256 over id.timestamp.body, Base64, "v1,". Pure.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define NOTICE_KEY_BYTES 32
#define NOTICE_SECRET_SIZE 52     // "whsec_" and Base64 of a key, with the final NUL
#define NOTICE_SIGNATURE_SIZE 48  // "v1," and Base64 of a MAC, with the final NUL

void notice_secret_text(const uint8_t key[NOTICE_KEY_BYTES], char ret[NOTICE_SECRET_SIZE]);
void notice_sign(const uint8_t key[NOTICE_KEY_BYTES], const char *id, int64_t timestamp_s, const void *body, size_t len, char ret[NOTICE_SIGNATURE_SIZE]);

// crypto/siphash.h – SipHash-2-4: a keyed 64-bit hash for tables whose keys strangers choose (addresses, mail names). Without
// the key nobody can aim for one bucket. Not a MAC for anything stored or sent.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16

uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *bytes, size_t len);

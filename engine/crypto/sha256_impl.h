// crypto/sha256_impl.h – private to crypto/ and its tests: the two engines behind sha256.h.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BLOCK 64

struct sha256_ctx;

// Whether this processor has the instructions.
bool sha256_x86_available(void);
// Takes count whole blocks into the state (host-endian words a…h). Only where available() says so.
void sha256_x86_blocks(uint32_t state[8], const uint8_t *bytes, size_t count);
// A context that uses the library whatever the processor has: for comparison.
void sha256_init_portable(struct sha256_ctx *ctx);

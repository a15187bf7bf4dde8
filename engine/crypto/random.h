// crypto/random.h – unpredictable bytes from the kernel, the only source of keys, tokens and nonces. Strategies never see
// it: their math.random is seeded by the bot (design.md §1).
#pragma once
#include <stddef.h>

// Fills with getrandom(2). Waits for the kernel's pool once after boot and cannot fail afterwards; a kernel without the
// call ends the process, since there is nothing safe to go on with.
void random_bytes(void *ret_bytes, size_t len);

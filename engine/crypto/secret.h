// crypto/secret.h – how bytes that must not leak are compared and forgotten.
#pragma once
#include <stdbool.h>
#include <stddef.h>

// Equal? Takes the same time wherever the first difference is. The length is not secret.
bool secret_equal(const void *a, const void *b, size_t len);
// Overwrites, in a way no compiler leaves out. bytes may be NULL when len is 0.
void secret_wipe(void *bytes, size_t len);

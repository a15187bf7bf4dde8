// crypto/secret.h – how bytes that must not leak are compared and forgotten.
#pragma once
#include <stdbool.h>
#include <stddef.h>

// Equal? Takes the same time wherever the first difference is. The length is not secret.
bool secret_equal(const void *a, const void *b, size_t len);
// Overwrites, in a way no compiler leaves out. bytes may be NULL when len is 0.
void secret_wipe(void *bytes, size_t len);
// Zeroed memory that is locked (never swapped) and left out of core files, with guard pages; NULL when it cannot be had. For a
// few long-lived keys: each costs pages.
void *secret_alloc(size_t size);
void secret_free(void *bytes);  // wipes; may be NULL

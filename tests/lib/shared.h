// tests/lib/shared.h – where the data shared between projects lies: $PERIGEE_SHARED, or ../shared beside the project.
// It is not part of the project. A test that wants it prints "skipped: REASON" and skips when it is absent; tests/run
// repeats the reason in its summary. Include it after cmocka.h.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// "<shared>/rel" in a static buffer that the next call reuses, or NULL when there is no such file or directory.
// meson sets PERIGEE_ROOT for every test; without it (a test started by hand) the current directory is taken.
static inline const char *shared_path(const char *rel) {
  static char path[4096];
  const char *shared = getenv("PERIGEE_SHARED"), *root = getenv("PERIGEE_ROOT");
  int n = shared && *shared ? snprintf(path, sizeof path, "%s/%s", shared, rel)
                            : snprintf(path, sizeof path, "%s/../shared/%s", root && *root ? root : ".", rel);
  return n > 0 && (size_t)n < sizeof path && access(path, R_OK) == 0 ? path : NULL;
}

// const char *path = shared_or_skip("data/README.md");
#define shared_or_skip(rel)                                              \
  ({                                                                     \
    const char *found_ = shared_path(rel);                               \
    if (!found_) {                                                       \
      printf("skipped: shared data %s is not beside the project\n", rel); \
      fflush(stdout);                                                    \
      skip();                                                            \
    }                                                                    \
    found_;                                                              \
  })

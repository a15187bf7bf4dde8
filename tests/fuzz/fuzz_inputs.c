// tests/fuzz/fuzz_inputs.c – the files beside the bars: funding rates and recorded signals.
#include "market/funding.h"
#include "market/signals.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  int fd = memfd_create("input", MFD_CLOEXEC);
  assert(fd >= 0);
  if (write(fd, data, size) != (ssize_t)size) return close(fd);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  struct err err;
  struct signal_list signals;
  if (signals_load(path, &signals, &err) == OK) {
    for (size_t i = 0; i < signals.count; i++) {
      const struct signal *s = &signals.items[i];
      assert(i == 0 || s->ts_ns >= s[-1].ts_ns);
      assert(s->id[0] && strlen(s->raw) <= size && strlen(s->symbol) <= size && strlen(s->action) <= size);
    }
    signals_finish(&signals);
  }
  struct funding_list funding;
  if (funding_load(path, &funding, &err) == OK) {
    for (size_t i = 1; i < funding.count; i++) assert(funding.items[i].ts_ns > funding.items[i - 1].ts_ns);
    funding_finish(&funding);
  }
  close(fd);
  return 0;
}

// tests/fuzz/fuzz_request.c – a job's request as anything: refused with words, or a configuration within its limits. And the
// frames it comes in, cut into pieces of the first byte's size.
#include "backtest/job_wire.h"
#include "backtest/request.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void frames(const uint8_t *data, size_t size) {
  struct job_reader r;
  struct err err;
  size_t step = data[0] ? data[0] : 1, taken = 0;
  job_reader_init(&r, 100000);
  for (size_t at = 1; at < size; at += step) {
    const unsigned char *p = data + at;
    for (size_t left = size - at < step ? size - at : step; left > 0;) {
      bool whole;
      if (job_reader_take(&r, &p, &left, &whole, &err) != OK) {
        assert(err.msg[0]);
        at = size;
        break;
      }
      if (whole) taken += JOB_FRAME_HEAD + r.payload.len;
      assert(taken < size);
    }
  }
  job_reader_finish(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct err err = {OK, ""};
  if (size == 0 || size > 1 << 16) return 0;
  struct backtest_request *q = malloc(sizeof *q);
  assert(q);
  if (request_parse((const char *)data, size, q, &err) == OK) {
    const struct backtest_config *c = &q->config;
    assert(c->match.deposit.e8 > 0 && c->leverage_e4 >= 10000 && c->from_ns < c->to_ns && q->data_count >= 0 && q->data_count <= BACKTEST_FILES_MAX && c->risk.max_open > 0 &&
           c->match.model <= MODEL_COMPAT_BACKTRADER && c->match.path <= PATH_FAVOURABLE && strlen(q->name) < sizeof q->name && c->spread.digits >= 0);
  } else {
    assert(err.msg[0]);
  }
  request_finish(q);
  free(q);
  frames(data, size);
  return 0;
}

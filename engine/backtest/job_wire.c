#include "backtest/job_wire.h"

#include <string.h>

void job_frame_head(unsigned char ret[JOB_FRAME_HEAD], enum job_frame type, uint32_t len) {
  for (int i = 0; i < 4; i++) ret[i] = (unsigned char)(len >> (8 * i));
  ret[4] = (unsigned char)type;
}

void job_reader_init(struct job_reader *r, size_t max_bytes) {
  memset(r, 0, sizeof *r);
  buf_init(&r->payload, max_bytes + 1);
}

void job_reader_finish(struct job_reader *r) { buf_finish(&r->payload); }

static size_t type_max(int type, size_t max_bytes) {
  switch (type) {
    case JOB_REQUEST: return JOB_REQUEST_BYTES_MAX;
    case JOB_SOURCE: return JOB_SOURCE_BYTES_MAX;
    case JOB_PROGRESS: return 4;
    case JOB_RESULT: return max_bytes;
    case JOB_ERROR: return JOB_ERROR_BYTES_MAX;
    default: return 0;
  }
}

enum status job_reader_take(struct job_reader *r, const unsigned char **p, size_t *n, bool *ret_frame, struct err *err) {
  *ret_frame = false;
  if (r->head_len < JOB_FRAME_HEAD) {
    size_t k = JOB_FRAME_HEAD - r->head_len < *n ? JOB_FRAME_HEAD - r->head_len : *n;
    memcpy(r->head + r->head_len, *p, k);
    r->head_len += k;
    *p += k;
    *n -= k;
    if (r->head_len < JOB_FRAME_HEAD) return OK;
    r->left = r->head[0] | (uint32_t)r->head[1] << 8 | (uint32_t)r->head[2] << 16 | (uint32_t)r->head[3] << 24;
    r->type = r->head[4];
    buf_clear(&r->payload);
    size_t max = type_max(r->type, r->payload.max - 1);
    if (r->type < JOB_REQUEST || r->type > JOB_ERROR || r->left > max) return err_set(err, ERR_INVALID, "a frame of type %d with %u bytes", r->type, r->left);
  }
  size_t k = r->left < *n ? r->left : *n;
  buf_add(&r->payload, *p, k);
  if (r->payload.failed) return err_set(err, ERR_NOMEM, "no memory for a frame of type %d", r->type);
  *p += k;
  *n -= k;
  r->left -= (uint32_t)k;
  if (r->left) return OK;
  r->head_len = 0;
  *ret_frame = true;
  return OK;
}

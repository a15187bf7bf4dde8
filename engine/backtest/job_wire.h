// backtest/job_wire.h – frames between the service and `perigee host --job`, over one stream socket: u32 length of the payload
// (little-endian), u8 type, payload.
//
// The parent sends JOB_REQUEST and JOB_SOURCE, once each. The child answers any number of JOB_PROGRESS and one JOB_RESULT or
// JOB_ERROR, then exits. Data go as inherited descriptors, in the request's order, after the socket's number. The parent
// believes nothing of what the child says: it runs hostile code.
#pragma once
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum job_frame {
  JOB_REQUEST = 1,   // JSON, see request.h
  JOB_SOURCE = 2,    // the script's bytes
  JOB_PROGRESS = 3,  // u32: thousandths done
  JOB_RESULT = 4,    // JSON: a backtest's result or a verdict
  JOB_ERROR = 5,     // JSON: {"code": …, "message": …, "line": n, "column": n}; 0: does not apply
};
#define JOB_FRAME_HEAD 5
#define JOB_REQUEST_BYTES_MAX (1 << 20)
#define JOB_SOURCE_BYTES_MAX (1 << 20)
#define JOB_ERROR_BYTES_MAX (1 << 16)

void job_frame_head(unsigned char ret[JOB_FRAME_HEAD], enum job_frame type, uint32_t len);

// Collects frames out of a stream of bytes.
struct job_reader {
  unsigned char head[JOB_FRAME_HEAD];
  size_t head_len;
  uint32_t left;     // of the payload
  int type;          // of the frame whose payload is being read
  struct buf payload;
};
// max_bytes: of any payload.
void job_reader_init(struct job_reader *r, size_t max_bytes);
void job_reader_finish(struct job_reader *r);
// Takes bytes from *p (n bytes) and moves both on; true when a whole frame stands in type and payload (call it again for what
// is left; the payload is valid until then). ERR_INVALID: an unknown type or a payload beyond the maximum; ERR_NOMEM.
enum status job_reader_take(struct job_reader *r, const unsigned char **p, size_t *n, bool *ret_frame, struct err *err) MUST_CHECK;

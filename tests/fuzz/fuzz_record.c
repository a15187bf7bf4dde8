// tests/fuzz/fuzz_record.c – bodies of journal records that a disk garbled or somebody made up: the first byte is the kind. What is
// read must be written again as the same bytes.
#include "bot/record.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const int64_t now_ns = INT64_C(1700000000000000000);
  struct record r;
  struct err err;
  if (size == 0) return 0;
  enum status st = record_read(data[0], now_ns, data + 1, size - 1, &r, &err);
  assert(st == OK || (st == ERR_INVALID && err.msg[0]));
  if (st != OK) return 0;
  struct buf again, commands;
  struct bot_command c;
  buf_init(&again, RECORD_BODY_MAX);
  buf_init(&commands, RECORD_BODY_MAX);
  for (size_t at = 0; record_command_next(&r, &at, &c);) record_put_command(&commands, now_ns, &c);
  assert(commands.len == r.commands.len && (commands.len == 0 || memcmp(commands.data, r.commands.text, commands.len) == 0));
  record_put(&again, &r);
  assert(!again.failed && again.len == size - 1 && memcmp(again.data, data + 1, again.len) == 0);
  buf_finish(&again);
  buf_finish(&commands);
  return 0;
}

// exchange/journal.h – the exchange's memory over a kill -9: an append-only file of commands. What was acknowledged is on disk, because a
// command is written and synced before it is done; on start they are done again, in order, at their times, with the same seed.
//
//     8 hexadecimal digits of a checksum, a space, {"t":ms,"c":"create","a":0,"p":{…}}, a line feed
//
// A torn last line (a crash within a write) is cut off; any other line that does not match its checksum is refused.
#pragma once
#include "exchange/server.h"

// Opens DIR/exchange.log, does what it holds (x is fresh, with its symbols), then appends. The first line tells the seed; another seed than
// the file's is refused. ret_records: commands read.
enum status exch_journal_open(const char *dir, struct exch *x, struct journal **ret, uint64_t *ret_records, int64_t *ret_last_ms, struct err *err) MUST_CHECK;
// durable: on disk when it returns, with all before it. False: the disk failed; nothing may be done any more.
bool exch_journal_write(struct journal *j, enum command c, int account, int64_t time_ms, const json_t *p, bool durable);
void exch_journal_close(struct journal *j);

// bot/replay_pack.h – a bot's run as bytes: gathered where the databases are, read by bot/replay_load.h in the jail where its script runs.
//
// Gathering runs no script and believes the databases; reading believes nothing. Both are the same program on one machine, so
// numbers are as the machine has them.
#pragma once
#include "base/buf.h"

#include <stdint.h>

struct db;

struct replay_wish {
  int64_t tenant_id;   // whose bot it must be; 0: whoever's
  int64_t bot_id;
  uint32_t run;        // 0: its latest
  int64_t to_ns;       // what came later is left out; INT64_MAX: to the end of what is there
  bool exact;          // to_ns is an instant of which all must be there: ERR_CANCELLED while it is still on its way to the journal
  uint32_t version;    // of the script, to be brought along for a fork; 0: none
};

#define REPLAY_PACK_MAX (UINT64_C(768) << 20)
#define REPLAY_VERSIONS_MAX 1024  // of the script in one run

// control, journal: connections for reading, of one moment each. Appends to ret. ERR_NOTFOUND: no such bot or version, or it has not
// run; ERR_INVALID: it cannot be run again, and why; ERR_LIMIT: too long.
enum status replay_gather(struct db *control, struct db *journal, const struct replay_wish *wish, struct buf *ret, struct err *err) MUST_CHECK;

// ---- the format: sections one behind the other, after a word that says what it is

#define REPLAY_PACK_WORD "PGRPL01\n"
enum replay_section_type {
  REPLAY_HEAD = 1,  // JSON: {"bot","run","version","symbol","timeframe_ns","bars_from_ns","to_ns","newest_ns","latest","account","other"}
  REPLAY_HEADER,    // number: version; JSON as kept with it
  REPLAY_SOURCE,    // number: version; the script
  REPLAY_RECORD,    // number: time_ns, kind: of the record; its body
  REPLAY_SERIES,    // kind: the stream; market/segment.h's packed series
  REPLAY_STATE,     // number: time_ns, kind: version; the latest of the bot
};
struct replay_section {
  uint32_t type;
  int32_t kind;
  int64_t number;
  uint64_t len;
};

// risk/halt.h – the kill switch as data: who is halted, how, since which epoch, and the record that makes it durable.
//
// Levels: everything, a venue, a tenant, a bot; the strictest that applies decides. Each change raises the epoch, so that an
// order checked under an older epoch is checked again before its bytes leave: one comparison on the way out.
//
// The record has a fixed size, so its file is written once in full and then only overwritten in place: a full disk cannot stop
// a halt. It has a checksum; bot/halt_file keeps two copies of it, and says what counts when one cannot be read. Pure; the caller writes,
// syncs, then acknowledges.
//
// Cancels are never blocked, hence not asked about.
#pragma once
#include "risk/refusal.h"

#include <stdbool.h>
#include <stdint.h>

// From mild to strict. The numbers are stored: append only.
#define HALT_MODE_LIST(X)                                                                             \
  X(NONE, "none")                                                                                     \
  X(REDUCE, "reduce")    /* nothing new, exits go on: an ended plan, a loss limit */                  \
  X(SILENT, "silent")    /* no order at all: the kill switch */                                       \
  X(FLATTEN, "flatten")  /* no order but the engine's own, which close every position */
enum halt_mode {
#define X(name, text) HALT_##name,
  HALT_MODE_LIST(X)
#undef X
  HALT_MODE_COUNT
};

// Who halted. Stored: append only.
#define HALT_CAUSE_LIST(X) \
  X(NONE, "none") X(OPERATOR, "operator") X(OWNER, "owner") X(FILE, "file") X(LAST_CHECK, "last_check") X(RISK, "risk") \
  X(PROP_RULE, "prop_rule") X(PLAN, "plan") X(TABLE_FULL, "table_full") X(DAMAGED, "damaged") X(VENUE, "venue")
enum halt_cause {
#define X(name, text) HALT_BY_##name,
  HALT_CAUSE_LIST(X)
#undef X
  HALT_CAUSE_COUNT
};

#define HALT_RECORD_BYTES 32768
#define HALT_ENTRIES 1000

struct halt_entry {
  uint64_t id;     // of the venue, tenant or bot; 0 for everything
  uint64_t epoch;  // when it was set or made stricter
  int64_t at_ns;   // wall clock, for people
  uint8_t level;   // enum refusal_level: LEVEL_VENUE, LEVEL_TENANT or LEVEL_BOT (LEVEL_ALL in `all`)
  uint8_t mode, cause;
};

struct halt_state {
  uint64_t epoch;         // of the last change; from 1
  struct halt_entry all;  // mode NONE: not halted
  uint32_t count;
  struct halt_entry entries[HALT_ENTRIES];  // by level, then id
};

struct halt_order {
  uint64_t venue, tenant, bot;
  bool reduces;    // proven: it can only make a position smaller
  bool by_engine;  // closes a position because of a halt or a rule
};

// Nothing halted, epoch 1.
void halt_init(struct halt_state *s);
// Halts; never makes milder. id is 0 for LEVEL_ALL. When there is no room, everything is halted instead (cause TABLE_FULL).
// Returns the epoch of the change, which is to be durable before it is acknowledged.
uint64_t halt_set(struct halt_state *s, enum refusal_level level, uint64_t id, enum halt_mode mode, enum halt_cause cause,
                  int64_t now_ns);
// Resumes at that level; others may still hold. False, nothing changed, when it was not halted.
bool halt_clear(struct halt_state *s, enum refusal_level level, uint64_t id);
// The entry at that level, or NULL.
const struct halt_entry *halt_find(const struct halt_state *s, enum refusal_level level, uint64_t id);
// The strictest mode that applies; its entry in *ret_entry (NULL for NONE).
enum halt_mode halt_mode_of(const struct halt_state *s, const struct halt_order *o, const struct halt_entry **ret_entry);
// True: the order must not leave; *ret_why says at which level. No allocation; three binary searches.
bool halt_blocks(const struct halt_state *s, const struct halt_order *o, struct refusal *ret_why);

void halt_encode(const struct halt_state *s, uint8_t ret_record[HALT_RECORD_BYTES]);
// False: damaged, *ret untouched.
bool halt_decode(const uint8_t record[HALT_RECORD_BYTES], struct halt_state *ret);

const char *halt_mode_text(enum halt_mode m);
const char *halt_cause_text(enum halt_cause c);

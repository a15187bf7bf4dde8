// risk/halt.h – the kill switch as data: who is halted, how, since which epoch, and the record that makes it durable.
//
// Levels: everything, a venue, a tenant, a bot; the strictest that applies decides. Each change raises the epoch, so that an
// order checked under an older epoch is checked again before its bytes leave: one comparison on the way out.
//
// The record has the size that its capacity needs, so its file is written once in full and then only overwritten in place: a full disk
// cannot stop a halt. It has a checksum; bot/halt_file keeps two copies of it, makes it larger long before it is full, and says what counts
// when one cannot be read. Pure; the caller writes, syncs, then acknowledges.
//
// No tenant fills it for another: where there is no room left, the tenant with the most halts of its bots gets one of its own instead.
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

#define HALT_RECORD_BYTES 32768  // of HALT_ENTRIES; twice as many in twice as many bytes, and so on
#define HALT_ENTRIES 1000
#define HALT_DOUBLINGS 4
#define HALT_ENTRIES_MAX (HALT_ENTRIES << HALT_DOUBLINGS)
#define HALT_RECORD_BYTES_MAX (HALT_RECORD_BYTES << HALT_DOUBLINGS)

struct halt_entry {
  uint64_t id;     // of the venue, tenant or bot; 0 for everything
  uint64_t epoch;  // when it was set or made stricter
  int64_t at_ns;   // wall clock, for people
  uint64_t owner;  // whose bot it is (halt_own); 0: not known. Not in the record
  uint8_t level;   // enum refusal_level: LEVEL_VENUE, LEVEL_TENANT or LEVEL_BOT (LEVEL_ALL in `all`)
  uint8_t mode, cause;
};

struct halt_state {
  uint64_t epoch;         // of the last change; from 1
  struct halt_entry all;  // mode NONE: not halted
  uint32_t count, capacity;  // capacity: HALT_ENTRIES doubled so often; the record's
  struct halt_entry entries[HALT_ENTRIES_MAX];  // by level, then id
};

struct halt_order {
  uint64_t venue, tenant, bot;
  bool reduces;    // proven: it can only make a position smaller
  bool by_engine;  // closes a position because of a halt or a rule
};

// Nothing halted, epoch 1, the smallest capacity.
void halt_init(struct halt_state *s);
void halt_copy(struct halt_state *ret, const struct halt_state *s);  // of 640 KB only what is used
// Halts; never makes milder. id is 0 for LEVEL_ALL. When there is no room and halt_fold makes none, everything is halted instead (cause
// TABLE_FULL). Returns the epoch of the change, which is to be durable before it is acknowledged.
uint64_t halt_set(struct halt_state *s, enum refusal_level level, uint64_t id, enum halt_mode mode, enum halt_cause cause,
                  int64_t now_ns);
// Whose bot that is, if it is halted: without it that halt is never folded.
void halt_own(struct halt_state *s, uint64_t bot, uint64_t tenant);
// Makes room: the halts of one tenant's bots – the most that one has, not flattening ones if there are others – become one of that
// tenant, as strict as the strictest; an owner resumes it if all of them were the owner's, else an operator does (cause TABLE_FULL). What an
// operator, HALT or the last check halted stays as it is. False, nothing changed: that makes no room.
bool halt_fold(struct halt_state *s, int64_t now_ns);
// Resumes at that level; others may still hold. False, nothing changed, when it was not halted.
bool halt_clear(struct halt_state *s, enum refusal_level level, uint64_t id);
// The entry at that level, or NULL.
const struct halt_entry *halt_find(const struct halt_state *s, enum refusal_level level, uint64_t id);
// The strictest mode that applies; its entry in *ret_entry (NULL for NONE).
enum halt_mode halt_mode_of(const struct halt_state *s, const struct halt_order *o, const struct halt_entry **ret_entry);
// True: the order must not leave; *ret_why says at which level. No allocation; three binary searches.
bool halt_blocks(const struct halt_state *s, const struct halt_order *o, struct refusal *ret_why);

size_t halt_record_bytes(uint32_t capacity);
void halt_encode(const struct halt_state *s, uint8_t *ret_record);  // halt_record_bytes(s->capacity)
// False: damaged, or no record has that many bytes; *ret untouched.
bool halt_decode(const uint8_t *record, size_t bytes, struct halt_state *ret);

const char *halt_mode_text(enum halt_mode m);
const char *halt_cause_text(enum halt_cause c);

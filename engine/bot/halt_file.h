// bot/halt_file.h – the kill switch that survives: risk/halt.h's state in a file of its own, and the file that anybody can make.
//
// `halt` in the data directory is made once in full and then only overwritten in place, so neither a full disk nor a database
// that refuses can stop a halt; when three quarters of it are used, a larger one takes its place, and where the disk has no room for that,
// the quarter that is left is for the engine and for operators in the end (halt_file_set). It holds the state twice. A change is written to the first copy, synced, then to the second,
// synced, and only then acknowledged: wherever the machine stops, the copy that is not being written is whole and is what was
// acknowledged last, or newer. So of two copies the newer one that is whole counts; with neither, everything is halted.
//
// `HALT` beside it is for hands: while it is there, what it names is halted, within a second. Empty, or with a line that nobody
// understands: everything. Else a line each: "all", "tenant org_…", "bot bot_…", "venue NAME", and after it "silent" (or nothing),
// "reduce" or "flatten"; # begins a comment. Removing the file resumes nothing: that is asked for (perigee resume).
#pragma once
#include "base/status.h"
#include "risk/halt.h"

#define HALT_FILE "halt"
#define HALT_TRIGGER "HALT"
#define HALT_FILE_BYTES (2 * HALT_RECORD_BYTES)  // of the smallest
#define HALT_POLL_MS 500  // how often halt_file_poll is to be called

// A venue's number in a halt_state: names of up to 12 of the characters a-z 0-9 - _ (in any case) can be read back from it, for
// longer ones it is a hash. Never 0.
uint64_t halt_venue_id(const char *name);
#define HALT_NAME_SIZE 40
// Of a level's id, for people: "org_…", "bot_…", a venue's name or "venue#…"; "everything" of LEVEL_ALL.
char *halt_name(enum refusal_level level, uint64_t id, char ret[HALT_NAME_SIZE]);
// "all", "tenant org_…", "bot bot_…" or "venue NAME", and perhaps a mode. False: none of these.
bool halt_line_parse(const char *line, size_t len, enum refusal_level *ret_level, uint64_t *ret_id, enum halt_mode *ret_mode);

struct halt_file;
// state is the caller's, lives as long as the file is open, and is filled. must_exist: the installation has traded before, so that
// a missing file has been lost (or the data restored elsewhere): then everything is halted, as when neither copy can be read
// (*ret_damaged). ERR_IO: the file cannot be made or opened.
enum status halt_file_open(const char *dir, bool must_exist, int64_t now_ns, struct halt_state *state, struct halt_file **ret, bool *ret_damaged,
                           struct err *err) MUST_CHECK;
void halt_file_close(struct halt_file *f);  // NULL does nothing

// Halts (what its owner halted and others halt too becomes theirs): in force when it returns, with OK durable too. ERR_IO: it may be
// forgotten at a restart; it is tried again by halt_file_poll. ERR_LIMIT, of an owner's only: not halted, there is no room (so many
// tenants have halted, and the disk or the file's greatest size allows no more: what is left is for the engine and for operators).
enum status halt_file_set(struct halt_file *f, enum refusal_level level, uint64_t id, enum halt_mode mode, enum halt_cause cause, int64_t now_ns,
                          struct err *err) MUST_CHECK;
// Resumes, once that is durable. ERR_NOTFOUND: it was not halted at that level. ERR_EXISTS: HALT still asks for it. ERR_IO: it stays
// halted.
enum status halt_file_clear(struct halt_file *f, enum refusal_level level, uint64_t id, struct err *err) MUST_CHECK;
// After somebody else changed the state by halt_set (risk/last_check).
enum status halt_file_save(struct halt_file *f, struct err *err) MUST_CHECK;
// Looks for HALT, and writes what could not be written. *ret_changed: the state is another now. ERR_IO: something is not durable yet.
enum status halt_file_poll(struct halt_file *f, int64_t now_ns, bool *ret_changed, struct err *err) MUST_CHECK;

// What is in a data directory's file, for looking only. ERR_NOTFOUND: no service ever ran there.
enum status halt_file_read(const char *dir, struct halt_state *ret, struct err *err) MUST_CHECK;
// Asks a running service by HALT: adds a line (halt_line_parse understands it), or where the disk has no room for one, makes the file
// empty, which means everything.
enum status halt_trigger(const char *dir, const char *line, bool *ret_everything, struct err *err) MUST_CHECK;

// Through which others halt and resume (api/core.h): the owner of the state acts on each change before it returns.
struct halt_desk {
  void *self;
  // As halt_file_set, halt_file_clear.
  enum status (*set)(void *self, enum refusal_level level, uint64_t id, enum halt_mode mode, enum halt_cause cause, int64_t now_ns, struct err *err);
  enum status (*clear)(void *self, enum refusal_level level, uint64_t id, struct err *err);
  const struct halt_state *(*list)(void *self);
  // How many bots whose books are open – all that trade, or could go on – it is about. NULL: nobody knows here.
  size_t (*count)(void *self, const struct halt_entry *of);
};
// One that acts on nothing but the file; self is f.
struct halt_desk halt_file_desk(struct halt_file *f);

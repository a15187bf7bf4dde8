// bot/host_impl.h – private to bot/host_*.c: what a host holds.
//   host_feed.c reads frames, keeps series and runs instants → host_open.c opens a bot and walks its past → host_bot.c runs one bot and
//   tells what it did; host_reload.c brings it another version of its script → host_tenant.c shares scripts' headers, and what a tenant's bots may use together.
#pragma once
#include "bot/host_feed.h"
#include "bot/host_map.h"
#include "bot/host_word.h"
#include "bot/pilot.h"
#include "bot/wire.h"
#include "script/share.h"

#define HOST_SIGNALS_MAX 256   // of one bot in one instant; more wait for the next
#define HOST_WAITING_MAX 4096  // of one bot
#define NOT_FUNDED UINT32_MAX
#define HOST_RUNGS 4
// The order in which bots come within an instant: those of the lowest rung by how long their tenants have been quick, then rung by rung.
#define HOST_TURNS (WIRE_QUICK_LEVELS + HOST_RUNGS)

struct host_series {
  uint32_t id;
  struct series s;
  int64_t closed_ns;          // end of its newest bar; INT64_MIN: none
  size_t forgotten;           // first bars whose memory was given back: they read as zero
  uint32_t funding;           // first of this instant's in host_feed.funding, or NOT_FUNDED
  struct host_bot **bots;     // that have it, each once
  size_t bot_count, bot_cap;
};

// The header of a version of a script, shared by its bots.
struct host_spec {
  struct host_spec *next;     // of the same short key
  uint64_t key;
  char sha256[SHA256_HEX_SIZE];  // of name and source
  struct script_spec *spec;
  size_t refs;
};

struct host_tenant {
  uint64_t id;
  size_t refs, bytes, bytes_most;  // of scripts; most 0: no limit
  int64_t cpu_most_ns, used_ns;    // in this instant
  uint64_t turn;                   // used_ns is of this one
  bool measured;                   // by the CPU's clock, since the wall's said that it was too much
  // Who comes first: what its bots took in the instant spent_turn; for rung_turns more it stays on its rung; watched: by the CPU's clock.
  int64_t spent_ns;
  uint64_t spent_turn;
  uint8_t rung, rung_turns, watched;
  uint8_t quick_told;              // the level
  uint32_t quick;                  // instants in a row that took little
};

struct host_signal {
  struct host_signal *next;
  struct script_signal s;     // texts in bytes
  char bytes[];
};

struct host_next;

struct host_bot {
  struct host_feed *feed;
  uint64_t id;
  uint32_t slot;
  struct host_tenant *tenant;
  struct host_spec *spec;
  struct pilot *pilot;
  const struct series **series;    // per stream, for the script: of `streams`, or what stands in for them while it is opened
  struct host_series **streams, **symbols;
  int *symbol_of;                  // per stream
  int stream_count, symbol_count;
  int64_t run_from_ns, live_from_ns;
  struct host_signal *signals, **signals_end;
  size_t signal_count;
  struct script_tick *ticks;       // of its symbols, for the next instant; NULL: it never had one
  int tick_count;
  struct param_value *params;      // wanted, of the spec's parameters; NULL: none
  char *stop;                      // why; NULL: not asked
  struct host_next *next;          // the version of its script that is about to take over; NULL: none
  uint64_t told_state, told_memory;  // digests of what was told last
  int64_t told_timer_ns;             // its next timer, as it was told last
  bool unsaved;                    // its state could not be saved, which was told
  uint32_t tags_told;
  size_t bytes;
  char chunkname[SPEC_NAME_MAX];
};

// A BOT_OPEN whose BOOKS and RESTORE frames are not all there yet.
struct host_opening {
  struct buf payload;              // of the frame; open borrows from it
  struct wire_open open;
  struct buf past;                 // the commands, as record_put_command() writes them: some twenty bytes each
  struct buf books;
  size_t count;
  bool under_way;
};

struct host_feed {
  struct host_feed_config c;
  struct buf in, out;
  struct host_map bots, series, specs, tenants;
  uint32_t bot_count, series_count, spec_count, tenant_count;
  size_t script_bytes;
  struct indicator_pool *indicators;  // that several bots have on one series
  struct host_opening opening;
  // By slot: bots, and whether they have something to do in the instant that runs or comes next.
  struct host_bot **slots;
  uint8_t *due, *order;            // order: as its tenant stood when it ran last, or was looked at
  uint32_t slot_count, slot_cap, free_slot_count;
  uint32_t *free_slots;
  // The instant.
  uint64_t turn;
  int64_t seen_ns, flush_ns;       // by the wall's clock: when it was asked last; when what waits in out is to go. 0: there is no clock
  int64_t flush_step_ns;
  struct instant_funding *funding; // WIRE_FUNDING_MAX of them, with the next of the same series in funding_next
  uint32_t *funding_next;
  struct instant_funding *bot_funding;  // those of one bot
  struct script_signal *bot_signals;
  size_t page;
  // The bot that is running.
  uint32_t commands, logs, plots, marks, notes, denials, dropped;
  bool in_instant, mark_waits;
  struct bot_command mark;
  struct buf state;                // scratch
};

// ---- host_feed.c
struct host_series *host_series_find(const struct host_feed *f, uint32_t id);
// First bar that opens at or after a time, among those that are still there.
size_t host_series_from(const struct host_series *s, int64_t open_ns);
// Takes the bot off all tables and frees it, whether it was put on them or not.
void host_bot_remove(struct host_bot *b);

// ---- host_open.c
// A failure of the bot is told as FAULT and is OK here. ERR_NOMEM.
enum status host_bot_open(struct host_feed *f, const struct wire_open *o, const struct buf *books, const struct buf *past, struct err *err) MUST_CHECK;
// The parameters of an open bot: the script's own with these. ERR_INVALID.
enum status host_params_read(const struct script_spec *spec, struct wire_text json, struct param_value *ret_values, struct err *err) MUST_CHECK;
void host_fault(struct host_feed *f, uint64_t bot, const char *chunkname, enum status st, const char *text, enum wire_fault kind);

// ---- host_bot.c
struct bot_observer host_bot_observer(struct host_bot *b);
// Everything of the instant that is the bot's. False: its script failed, which was told; the bot may be gone.
bool host_bot_run(struct host_bot *b, int64_t now_ns);
// STATE, if it has changed since it was told; without telling, remembers it as told.
void host_bot_state(struct host_bot *b, bool tell);

// ---- host_reload.c
// What goes wrong with the version is told as RELOADED and is OK here. b NULL: there is no such bot. ERR_NOMEM.
enum status host_reload(struct host_feed *f, struct host_bot *b, const struct wire_reload *r, struct err *err) MUST_CHECK;
void host_next_missed(struct host_bot *b);  // after an instant without its script
void host_next_done(struct host_bot *b);  // after an instant: what is not used any more goes
void host_next_free(struct host_bot *b);

// ---- host_tenant.c
enum status host_spec_get(struct host_feed *f, struct wire_text source, const char *chunkname, struct host_spec **ret, struct err *err) MUST_CHECK;
void host_spec_put(struct host_feed *f, struct host_spec *s);  // NULL does nothing
struct host_tenant *host_tenant_get(struct host_feed *f, const struct wire_open *o);  // NULL: no memory
void host_tenant_put(struct host_feed *f, struct host_tenant *t);
// The bot's script now holds so many bytes. False: its tenant's hold too much.
bool host_tenant_bytes(struct host_bot *b, size_t bytes);
// Around a bot's callbacks: may it run, and what it took. begin: the clock's time, for end.
bool host_tenant_begin(struct host_feed *f, struct host_tenant *t, int64_t *ret_begin);
void host_tenant_end(struct host_feed *f, struct host_tenant *t, int64_t begin);
// Around everything that a bot of it does in an instant. In an instant the bots of a lower order (< HOST_TURNS) come first.
int host_tenant_order(const struct host_feed *f, const struct host_tenant *t);
int64_t host_tenant_enter(struct host_feed *f, struct host_tenant *t);
void host_tenant_leave(struct host_feed *f, struct host_tenant *t, int64_t begin);

// bot/fleet.h – the core's side of the host processes: spawns them, spreads bots over them, hands them instants one at a time, notices
// when one has died or hangs, and puts its bots on a new one, all but the bot that it was running (bot/host_word.h).
//
// The fleet knows frames, processes and time; what a bot is, is its owner's business (bot/live), who is asked through callbacks.
// A host's life, seen by the owner:
//
//     host_up → for each bot placed on it: series, history, bot_open… → bot_opened
//             → for each instant: about_to_send → frame… → done → (owner commits) fleet_go_on
//             → host_lost → (owner commits what came) fleet_go_on, if the host owed an instant → bots are opened again
//
// Hosts do not wait for each other: each takes instants from its own place in the queue. An instant is never shown twice, and
// none is left out in silence: what a host cannot be shown live is `missed`, and comes as history when bots are opened again.
//
// Bounded: bytes waiting for a host (out_bytes), bytes of one frame from it (bot/wire.h), bytes between two instants (in_bytes),
// instants in the queue (queue_max). A host that does not read, does not answer in time, says what it must not or falls behind
// the whole queue is killed. Time is the loop's monotonic clock; while the core itself was stopped nobody's deadline runs.
//
// All on the loop's thread. Callbacks may call anything here but fleet_destroy.
#pragma once
#include "bot/wire.h"

#include <sys/types.h>

struct fleet;
struct hub_instant;  // bot/hub.h
struct loop;

#define FLEET_HOSTS_MAX 64
#define FLEET_NEEDS_MAX 64  // series of one bot

// What a bot must find in its host before it is opened: the newest `bars` bars, and all that open at from_ns or later.
struct fleet_need {
  uint32_t series;
  int venue;         // of the series, as in hub_instant; the same for all needs of a bot
  size_t bars;
  int64_t from_ns;   // INT64_MAX: `bars` is enough
  size_t keep;       // bars that it looks back while it runs; older ones may be trimmed
};
struct fleet_pace {
  unsigned quick;    // how long its bots have been quick: 0 not known, to WIRE_QUICK_LEVELS
  bool slow;         // its place is among the slow
};
enum fleet_step {
  FLEET_MORE,  // more frames to come: call again when these have gone
  FLEET_LAST,  // that was all
  FLEET_NOT,   // it cannot be opened: see bot_refused
};

struct fleet_open {
  int64_t bot;
  int host;
  int64_t through_ns;       // live_from_ns of BOT_OPEN
  const uint32_t *history;  // for each need: 0, or the series that stands in for its past (wire_stream.history)
  uint64_t cursor;          // the owner's, 0 at first
};

struct fleet_callbacks {
  // ---- opening a bot. It is opened at its venue's time through_ns: bars that closed by then are history, all later ones come live.
  // The time up to which the hub has given out everything (hub_venue_status().time_ns).
  int64_t (*venue_time)(void *self, int venue);
  // Instrument, timeframe and scales; its bars are not looked at. NULL: no such series (the bot is not opened).
  const struct series *(*series)(void *self, uint32_t series);
  // What the need asks for of the bars that closed by through_ns, oldest first. Not OK: the bot is not opened. ret is zeroed
  // before and series_finish()ed after.
  enum status (*history)(void *self, int64_t bot, const struct fleet_need *need, int64_t through_ns, struct series *ret, struct err *err);
  // Appends BOT_OPEN and RESTORE frames to out, at most FLEET_OPEN_BYTES a call. No instant passes between its calls.
  enum fleet_step (*bot_open)(void *self, struct fleet_open *o, struct buf *out);
  // The host has read and done all that.
  void (*bot_opened)(void *self, int host, int64_t bot);
  // It could not be opened (no series, no history, no memory, FLEET_NOT) and has been removed.
  void (*bot_refused)(void *self, int64_t bot, const char *why);

  // ---- instants, for each host and venue of rising time
  // The owner does the market's part for all bots of this host, opened or not, that were not started later than it; what it sends
  // now comes before the instant.
  void (*about_to_send)(void *self, int host, const struct hub_instant *instant);
  // Does an open bot of this host take part in it that has no bar in it (a timer is due, something waits for it)? Then the host is shown
  // it, and the owner names those bots in about_to_send (wire_put_call). NULL: never.
  bool (*calls)(void *self, int host, const struct hub_instant *instant);
  // The same, but no script of this host will see this instant: none of its bots is open, or the host is gone and the queue full.
  void (*missed)(void *self, int host, const struct hub_instant *instant);
  // From a bot that is opened on this host, checked as bot/wire.h tells; never HELLO, PONG, DONE, SLOW. Valid for the call.
  void (*frame)(void *self, int host, const struct wire_frame *f);
  // All callbacks of the instant have returned. The next one, and opening, wait for fleet_go_on(host).
  void (*done)(void *self, int host, const struct hub_instant *instant);

  // ---- hosts
  void (*host_up)(void *self, int host);
  // It has been killed and is being replaced. instant: the one it owed, half done, after which fleet_go_on(host) is awaited;
  // NULL: none. suspect: the bot that it was running, 0: none known; bot_quarantined has been called for it.
  void (*host_lost)(void *self, int host, const char *why, int64_t suspect, const struct hub_instant *instant);
  // This bot brought its host down: it is off the host and stays so until it is placed again.
  void (*bot_quarantined)(void *self, int64_t bot, const char *why);
  // Its bots have taken long in three instants here, or a script of it had to be stopped. From now on the tenant's bots are placed on a host of the slow, which runs
  // while no other process wants to (SCHED_IDLE); those that are placed elsewhere are the owner's to remove and to place again. Not called while a host is
  // heard. NULL: there is no such host.
  void (*tenant_slow)(void *self, int host, int64_t tenant);
  // What is known of the tenant's pace is something else now: to be told by fleet_pace_set when the next fleet begins. NULL: nobody remembers it.
  void (*tenant_pace)(void *self, int64_t tenant, struct fleet_pace pace);
  void (*log)(void *self, const char *level, const char *text);  // "warn" "error" "info"; may be NULL
};

#define FLEET_OPEN_BYTES (1024u * 1024)

struct fleet_config {  // 0: what is in parentheses
  struct loop *loop;
  const char *exe;          // `exe host --live`; copied
  const char *const *argv;  // instead of that, ending with NULL; borrowed. For tests
  int stderr_fd;            // of the hosts (2)
  int hosts;                // shared by tenants (processors, at most 8)
  int hosts_own;            // more that may be started for tenants with a host of their own (8)
  int hosts_new;            // more that may be started for newcomers, where there is a host of the slow (as many as `hosts`)
  uint64_t memory_bytes;    // address space of a host (8 GiB)
  size_t out_bytes;         // waiting to be sent to one host (32 MiB)
  size_t in_bytes;          // from one host between two instants (64 MiB)
  unsigned queue_max;       // instants (1024)
  unsigned tenant_bots;     // a tenant with more on each of its hosts gets another one (1000)
  int64_t hello_ms;         // from spawning to HELLO (20000)
  int64_t instant_ms;       // from INSTANT to DONE (5000)
  int64_t open_ms;          // from a bot's last frame to the host's word that it has read it (20000)
  int64_t ping_ms, pong_ms; // when nothing else is asked: how often, how long for the answer (1000, 10000)
  int64_t backoff_ms, backoff_max_ms;  // before a lost host's successor, doubled at every loss until it has lived a minute (50, 10000)
  int64_t after_ms;         // so long a host of newcomers or of the slow waits with an instant until the others have done theirs (20)
  int64_t recover_ms;       // of a new process: instants wait for its bots to be opened first, at most this (10000)
  struct fleet_callbacks call;
  void *self;
};

// Spawns nothing yet: hosts start with loop turns. ERR_INVALID: no exe, numbers out of range.
enum status fleet_create(const struct fleet_config *config, struct fleet **ret, struct err *err) MUST_CHECK;
// Kills and reaps every host, turning the loop until they are gone; no callback is called any more. NULL does nothing.
void fleet_destroy(struct fleet *f);

// ---- bots

// Gives the bot (> 0) a host, where it is opened with a later turn of the loop, when the host is up and has passed what is in the queue
// now; so the hub must know of its series already (hub_want). All bots of one tenant are together, on the host that has the fewest bots when the tenant
// comes. own_host: the tenant's bots have hosts for themselves, if one can be had; else they share. Nobody is known at first. Once tenants are known to be
// quick (their bots took little in some instants in a row), one who is not, or has not been for a sixteenth as long as they (eighty instants are enough), shares hosts with other newcomers instead of with them, and those are shown an
// instant after the others have done it. Who has become known stays there until all of its bots have left, and comes back elsewhere. The needs are copied.
// ERR_EXISTS: it has one; ERR_LIMIT: too many series; ERR_NOMEM.
enum status fleet_place(struct fleet *f, int64_t bot, int64_t tenant, bool own_host, const struct fleet_need *needs, int need_count,
  struct err *err) MUST_CHECK;
// What was remembered of a tenant, before its first bot is placed. ERR_NOMEM.
enum status fleet_pace_set(struct fleet *f, int64_t tenant, struct fleet_pace pace, struct err *err) MUST_CHECK;
struct fleet_pace fleet_pace(const struct fleet *f, int64_t tenant);
// Takes it off: BOT_CLOSE, and its series when nobody else has them. Frames of it that are under way are dropped. Unknown: nothing.
void fleet_remove(struct fleet *f, int64_t bot, const char *why);
// As remove and place on the same host: opened anew with what bot_open says then.
void fleet_reopen(struct fleet *f, int64_t bot);
int fleet_host_of(const struct fleet *f, int64_t bot);  // -1: not placed
bool fleet_is_open(const struct fleet *f, int64_t bot);  // after FLEET_LAST: fleet_send reaches it
// Frames for the host of an open bot, behind all that was sent before. False: the bot is not open or its host is gone; then
// bot_open will be (or is being) asked for everything, and these frames are not needed.
bool fleet_send(struct fleet *f, int64_t bot, const struct buf *frames);

// ---- instants

// Queues it (counted) for every host. A host is shown it if a bar that its bots need is in it, or if the owner calls a bot to it; else
// it passes in silence. From fleet_backlog() ≥ queue_max on feeds that are faster than time should be held (hub_hold). A host
// that is up and twice that behind is killed: its bots, opened anew, catch up without their scripts; one that is down misses
// what is older than queue_max instants. Only one that waits for fleet_go_on is waited for. False: four times queue_max wait for
// that; nothing was taken.
bool fleet_instant(struct fleet *f, struct hub_instant *instant);
// The owner has dealt with what `done` or `host_lost` told.
void fleet_go_on(struct fleet *f, int host);
// Instants that the furthest host behind has still to take. For feeds faster than time: hold while this is large. Not of the slow: nobody waits
// for those who take long; who is too far behind catches up in silence.
unsigned fleet_backlog(const struct fleet *f);
// The owner found that a host broke the rules (a command that its matcher could not take). Killed; nobody is suspected but `bot`
// (0: nobody).
void fleet_blame(struct fleet *f, int host, int64_t bot, const char *why);

// ---- figures

#define FLEET_BUCKETS 20
struct fleet_stats {
  int hosts, hosts_up;
  unsigned known;  // tenants that were found quick, and not slow since
  unsigned bots, bots_open, queue;
  uint64_t restarts, quarantined, instants, missed, frames, strays;
  uint64_t bytes_in, bytes_out;
  uint64_t latency_us[FLEET_BUCKETS];  // INSTANT to DONE, shorter than 2^i · 16 µs and not in a bucket before; the last: all longer
  uint64_t latency_us_sum;
};
struct fleet_stats fleet_stats(const struct fleet *f);
struct fleet_host_stats {
  bool up, own, newcomers, slow;  // for one tenant; for those who are not known; for those who take long
  unsigned tenants, bots, bots_open, series, queue;
  uint64_t restarts;
  pid_t pid;  // 0: none
  int64_t instant_us;  // the last one
};
// host < fleet_stats().hosts
struct fleet_host_stats fleet_host_stats(const struct fleet *f, int host);

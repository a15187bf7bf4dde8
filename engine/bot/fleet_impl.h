// bot/fleet_impl.h – what the files of the fleet share: fleet.c places bots, fleet_host.c has the processes, fleet_queue.c decides what
// a host is told next, fleet_pace.c knows who is quick and who slow.
#pragma once
#include "bot/fleet.h"
#include "bot/host_word.h"
#include "bot/hub.h"
#include "loop/loop.h"

#define FLEET_EXPECT_MAX 16
#define FLEET_LOW_WATER (256u * 1024)  // fewer bytes waiting than this: more may be written

// ---- things found by number

struct fleet_map_node {
  int64_t key;
  struct fleet_map_node *next;
};
struct fleet_map {
  struct fleet_map_node **slots;
  size_t slot_count, count;  // a power of 2
};
struct fleet_map_node *fleet_map_find(const struct fleet_map *m, int64_t key);
bool fleet_map_add(struct fleet_map *m, struct fleet_map_node *node);  // false: no memory
void fleet_map_remove(struct fleet_map *m, struct fleet_map_node *node);

// ---- bots and tenants

enum fleet_bot_state { BOT_WAITING, BOT_OPENING, BOT_OPEN };  // OPEN: its last frame is written

struct fleet_bot {
  struct fleet_map_node node;  // first; key: the bot
  int64_t tenant;
  int host;
  enum fleet_bot_state state;
  uint64_t begin_token, end_token;  // of the fences before and after its frames
  bool doubt;          // it may be what makes its host break the protocol: fleet_doubt.c
  bool heard;          // the first has come back, so frames are this opening's
  uint64_t since_seq;  // the queue's end when it was placed: earlier instants may lack its series
  struct fleet_bot *prev, *next;  // in the host's list of its state: waiting, or opening and open
  int need_count;
  struct fleet_need needs[];
};
struct fleet_bots {
  struct fleet_bot *first, *last;
  unsigned count;
};
void fleet_bots_add(struct fleet_bots *l, struct fleet_bot *b);
void fleet_bots_remove(struct fleet_bots *l, struct fleet_bot *b);

struct fleet_tenant {
  struct fleet_map_node node;  // first; key: the tenant
  unsigned on[FLEET_HOSTS_MAX];  // its bots, by host
  unsigned bots;
  unsigned slow;  // instants in which they took long; from SLOW_INSTANTS on its place is among the slow
  int64_t slow_ms;  // the last of them
  unsigned quick;   // level, above 0: known to be quick, and not found slow since
};
#define SLOW_INSTANTS 3
#define SLOW_DUE_MAX 64
#define SLOW_FORGET_MS 3600000  // before it is among them

// ---- hosts

// What the host owes, in this order.
enum fleet_expect_kind { EXPECT_HELLO, EXPECT_DONE, EXPECT_PING, EXPECT_BEGIN, EXPECT_END };  // a PING before, after a bot's frames
struct fleet_expect {
  enum fleet_expect_kind kind;
  uint64_t token;
  int64_t bot, limit_ms;
};

// A series that a bot of this host needs.
struct fleet_series {
  uint32_t id;
  unsigned refs;       // bots
  bool open;           // SERIES_OPEN has been written
  bool all;            // and all history that there is
  int64_t from_ns;     // it has all bars since
  size_t held, keep;   // bars that it has, at least; that its bots look back
  int64_t old_ns, young_ns;  // generations: bars before old_ns have been trimmed; since young_ns `young` bars were sent
  size_t young;
};

enum host_state { HOST_OFF, HOST_BACKOFF, HOST_STARTING, HOST_UP, HOST_DYING };

struct fleet_host {
  struct fleet *fleet;
  int index;
  bool own;             // for one tenant alone
  bool slow;            // for those who take long
  bool newcomers;       // for those who are not known to be quick
  enum host_state state;
  bool retiring;        // DYING because nobody needs it: nobody is told

  struct loop_child *child;
  struct loop_watch *watch;
  int fd;
  const struct host_word *word;
  uint64_t seen_turns;  // of the word, and since when
  int64_t seen_ms, seen_cpu_ns;  // seen_cpu_ns: what a slow one had used then
  int64_t start_ms, up_ms;  // when to spawn; since when it is up
  unsigned losses;      // in a row
  struct buf out, in;
  size_t in_looked, in_whole; // of in: wire_whole()
  size_t sent, in_used; // of out; bytes since the last instant
  unsigned watched;     // loop_watch_events

  struct fleet_expect expect[FLEET_EXPECT_MAX];
  unsigned expect_first, expect_count;
  int64_t expect_ms;    // since when the first one is waited for
  int64_t ping_at_ms;
  uint64_t token;

  // loss: why it was killed; whether a bot is named, or is to be read from the word
  char why[200];
  bool use_word;
  int64_t suspect;

  uint64_t next_seq;    // the next instant to take
  struct hub_instant *owed;
  int64_t owed_ns;      // clock_monotonic_ns() when it was sent
  bool awaits_owner;    // for fleet_go_on
  bool miss_all;        // it was behind: what is queued is missed
  int64_t after_ms;     // until then it waits for other hosts with its next instant; 0: it does not
  bool open_turn;       // an instant went last, so a bot may be opened next
  bool pumping;
  struct loop_task pump;  // waits for a turn of its own
  int64_t recover_until_ms;

  struct fleet_bots waiting, running;
  unsigned open_count;
  struct fleet_series *series;  // by id
  size_t series_count, series_cap;

  // the bot being opened
  struct fleet_bot *opening;
  int opening_need;
  bool opening_sent;    // some of its frames are written
  bool opening_history; // the need's history is being written, as opening_series
  uint32_t opening_series, opening_standins[FLEET_NEEDS_MAX];
  struct fleet_open open;
  struct series history;
  size_t history_sent;
  uint32_t standin;     // the last id given to one

  bool doubts;          // some of its bots are in doubt; at most probe_max of those are open
  unsigned probe_max, calm;

  uint64_t restarts;
  int64_t instant_us;
};

struct fleet {
  struct fleet_config c;
  char *exe;
  struct loop_timer *tick;
  int64_t tick_ms, ticked_ms;
  struct fleet_map bots, tenants;
  struct fleet_host *hosts;
  int host_count;       // shared, own, newcomers', that of the slow
  unsigned known[WIRE_QUICK_LEVELS + 1];  // tenants by level
  struct hub_instant **queue;  // a ring of queue_cap from seq `first` to before `end`
  size_t queue_cap;
  uint64_t queue_first, queue_end;
  struct wire_bar *scratch;    // one instant's bars for one host
  size_t scratch_cap;
  struct fleet_stats stats;
  struct { int64_t tenant; int host; } slow_due[SLOW_DUE_MAX];  // to be told; more are told when they do it again
  int slow_due_count;
  bool closing;
};

// ---- fleet.c
struct fleet_bot *fleet_find(const struct fleet *f, int64_t bot);
struct fleet_tenant *fleet_tenant_get(struct fleet *f, int64_t tenant);  // made if there is none; NULL: no memory
void fleet_forget(struct fleet *f, struct fleet_bot *b);  // frees it, tells the host nothing
bool fleet_scratch(struct fleet *f, size_t bars);  // makes room; false: no memory
PRINTF(3, 4) void fleet_log(struct fleet *f, const char *level, const char *fmt, ...);

// ---- fleet_pace.c
void fleet_slow(struct fleet_host *h, int64_t tenant);  // it took long
void fleet_quick(struct fleet *f, int64_t tenant, unsigned level);  // it took little for so long
void fleet_over_budget(struct fleet_host *h, int64_t tenant);  // its script had to be stopped, which is as bad as to be slow often
bool fleet_is_new(const struct fleet *f, const struct fleet_tenant *t);  // to be kept apart from others who are known
void fleet_tell_slow(struct fleet *f);  // to the owner: those who have become it

// ---- fleet_series.c: what a host has of series
struct fleet_series *fleet_series_find(struct fleet_host *h, uint32_t id);
bool fleet_series_use(struct fleet_host *h, const struct fleet_need *need);  // false: no memory, or too many
void fleet_series_leave(struct fleet_host *h, uint32_t id);
void fleet_series_closed(struct fleet_host *h);  // the process is gone
// A live bar has been written. True: bars before *ret_before_ns can be trimmed.
bool fleet_series_sent(struct fleet_series *s, int64_t open_ns, int64_t *ret_before_ns);

// ---- fleet_doubt.c
int64_t fleet_doubt_begin(struct fleet_host *h);  // it broke the protocol; the bot that must have done it, 0: not known yet
bool fleet_doubt_holds(const struct fleet_host *h, const struct fleet_bot *b);  // b is not to be opened now
void fleet_doubt_instant(struct fleet_host *h);   // an instant went well

// ---- fleet_queue.c
void fleet_pump(struct fleet_host *h);      // tells the host what it can be told now; never recurses
void fleet_pump_soon(struct fleet_host *h); // the same, of a host with many bots in a turn of the loop of its own, of a slow one after others
void fleet_pump_after(struct fleet *f);     // newcomers' and slow hosts that waited for the others, when those are done
void fleet_relieve(struct fleet_host *h);   // instants that a host that is down, or has no bots, need not wait for
void fleet_queue_shrink(struct fleet *f);
void fleet_opening_stop(struct fleet_host *h);  // half-way: the bot is gone, or the host
struct hub_instant *fleet_queue_at(const struct fleet *f, uint64_t seq);

// ---- fleet_host.c
void fleet_expect(struct fleet_host *h, enum fleet_expect_kind kind, uint64_t token, int64_t bot, int64_t limit_ms);
void fleet_ping(struct fleet_host *h, enum fleet_expect_kind kind, int64_t bot, int64_t limit_ms);
void fleet_flush(struct fleet_host *h);
void fleet_host_ready(void *arg, unsigned events);  // of its socket
void fleet_host_tick(struct fleet_host *h, int64_t now_ms);
// Kills it. The word is believed (if it says so at the end) when `use_word`; or `bot` is named.
PRINTF(4, 5) void fleet_host_fail(struct fleet_host *h, bool use_word, int64_t bot, const char *fmt, ...);

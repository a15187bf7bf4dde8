// signal/rules_impl.h – private to rules_host.c (who is asked, and who is to blame) and rules_lane.c (a process, its pipe, its life).
#pragma once
#include "base/buf.h"
#include "base/json.h"
#include "signal/rules_host.h"
#include "signal/stages.h"

enum rules_lane_kind { LANE_SHARED, LANE_APART, LANES };
enum rules_loss {
  LOSS_OUTSIDE,  // killed, and not by us
  LOSS_HUNG,
  LOSS_DIED,
  LOSS_WORDS,    // it said what it must not
};

struct rules_source {
  unsigned refs;
  char sha256[65], file[128];
  char key[96];              // by which the process knows it: "TENANT:SHA"
  char *tell;                // the line that tells it
  size_t tell_len;
  unsigned told[LANES];      // generation of the process that has it; 0: none
};

struct rules_tenant;
struct question {
  struct question *next;
  struct rules_tenant *tenant;
  int64_t n, since_ms;
  int tries;                 // processes that ended while it was first, or forgot its sources
  char *text;                // as it goes over, with the line's end
  size_t len;
  json_t *stages;            // names
  json_t *answer;            // of one that is not asked: the log
  rules_answered fn;
  void *arg;
  size_t count;
  struct rules_source *sources[];
};

struct rules_lane {
  struct rules_host *host;
  enum rules_lane_kind kind;
  struct loop_child *child;
  struct loop_watch *watch;
  struct loop_timer *starter;
  const struct host_word *word;
  int fd;                    // -1: no process
  unsigned generation;       // of processes; never 0
  bool greeted;              // the process has answered
  bool killed;               // by us
  int64_t backoff_ms, start_at_ms;
  int stillborn;             // processes that ended without an answer and over nobody's question
  struct buf in, out;
  size_t sent;
  struct question *first, **last;  // under way, in the order in which they are answered
  int in_flight;
  struct rules_tenant *turn, **turn_last;  // tenants with questions that wait
  uint64_t seen_turns, answers, seen_answers;
  int64_t mark_cpu_ns, mark_ms;  // when nothing moved any more; mark_ms 0: it moves
};

struct rules_tenant {
  struct rules_tenant *next;  // of its bucket
  struct rules_tenant *turn_next;
  struct rules_lane *lane;    // in whose turn it stands; NULL: none
  int64_t id, apart_until_ms;
  unsigned alive;             // questions
  unsigned slow, quick;
  struct question *first, **last;  // wait
};

// ---- rules_held.c: what is not asked any more, by tenant and source
struct held;
const char *held_why(const struct held *list, int64_t tenant_id, const char *sha256);  // NULL: it is not held
bool held_add(struct held **list, const struct rules_held *what);                     // false: it is there, or no memory
bool held_remove(struct held **list, int64_t tenant_id, const char *sha256);
void held_finish(struct held **list);

// ---- rules_lane.c
enum status lane_init(struct rules_lane *l, struct rules_host *h, enum rules_lane_kind kind, struct err *err) MUST_CHECK;
void lane_finish(struct rules_lane *l);
bool lane_has_room(const struct rules_lane *l);
void lane_send(struct rules_lane *l, struct question *q);  // takes it
void lane_pump(struct rules_lane *l);                       // writes; starts a process where one is needed
void lane_look(struct rules_lane *l);                       // every few ms while something is under way
void lane_kill(struct rules_lane *l);                       // and closes it
void lane_stillborn(struct rules_lane *l);                  // the next one waits a little
void lane_tell(struct rules_lane *l, const char *line);     // something that has no answer, to a process that runs

// ---- rules_host.c, for lanes
const struct rules_host_options *rules_options(const struct rules_host *h);
void rules_wanted(struct rules_lane *l);  // a process is needed, or there is room: hands on what waits
// The process is gone and closed; those under way are still in the lane. n, stage: of the word, 0 and −1: nobody's.
void rules_lost(struct rules_lane *l, enum rules_loss loss, int64_t n, int stage);
// An answer to the first one. False: it is none.
bool rules_heard(struct rules_lane *l, json_t *answer);

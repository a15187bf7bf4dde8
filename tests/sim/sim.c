// tests/sim/sim.c – the whole core from one seed: sim [--seeds FIRST-LAST] [--steps N] [--bots N] [--twice] [--show]. README.md tells how to read it.
#include "sim_host.h"
#include "tests/store/sim_vfs.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)

struct options {
  uint64_t first, last;
  int steps, bots;
  bool twice, show;
};

// ---- one step: something happens, then time passes

static int some_bot(const struct world *w) { return w->bot_count ? (int)sim_below((uint64_t)w->bot_count) : -1; }

static void halt_something(struct world *w) {
  static const char *const venues[] = {"sim", "alt"};
  static const enum halt_mode modes[] = {HALT_REDUCE, HALT_SILENT, HALT_FLATTEN};
  const enum halt_mode mode = modes[sim_below(3)];
  const int bot = some_bot(w);
  switch (sim_below(4)) {
    case 0: world_halt(w, LEVEL_ALL, 0, mode); break;
    case 1: world_halt(w, LEVEL_TENANT, 1 + sim_below(2), mode); break;
    case 2: world_halt(w, LEVEL_VENUE, halt_venue_id(venues[sim_below(2)]), mode); break;
    default: if (bot >= 0) world_halt(w, LEVEL_BOT, (uint64_t)w->bots[bot].id, mode);
  }
}

static void harm_host(struct world *w) {
  const int n = sim_host_count();
  if (!n || !w->live) return;
  const enum sim_ill ill = (enum sim_ill)sim_below(SIM_ILLS);
  const int bot = some_bot(w);
  const uint64_t guilty = bot >= 0 && ill != SIM_BABBLE && sim_chance(200) ? (uint64_t)w->bots[bot].id : 0;
  const int64_t for_ns = sim_chance(500) ? (int64_t)sim_below(4000) * MS : 4 * S + (int64_t)sim_below(20000) * MS;
  const int nth = (int)sim_below((uint64_t)n);
  world_note(w, "host %d: ill %d, bot %" PRIu64, nth, ill, guilty);
  w->did.host_ills++;
  w->did.garbage += ill == SIM_BABBLE;
  (void)sim_host_harm(nth, ill, guilty, for_ns);
}

static void harm_disk(struct world *w) {
  static const unsigned kinds[] = {SIM_WRITE, SIM_WRITE, SIM_WRITE | SIM_READ, SIM_SYNC, SIM_ALL};
  if (!w->store) return;
  if (sim_chance(500)) {
    w->slow_until_ns = sim_now_ns() + (int64_t)sim_below(8000) * MS;
    world_note(w, "the disk is slow");
    return;
  }
  const unsigned kind = kinds[sim_below(5)];
  const bool full = sim_chance(500), sticky = sim_chance(600);
  sim_fail(kind, 1 + (int64_t)sim_below(30), sticky, full);
  w->faulty = true;
  w->did.faults++;
  world_note(w, "the disk fails: kinds %u%s%s", kind, full ? ", full" : "", sticky ? ", for a while" : "");
}

static void heal_disk(struct world *w) {
  if (!w->faulty) return;
  sim_fail(0, 0, false, false);
  w->slow_until_ns = 0;
  w->faulty = false;
  world_note(w, "the disk is well");
}

static bool file_lost(const struct world *w) {
  for (int f = 0; f < STORE_FILES; f++)
    if (store_stats(w->store, f).readonly) return true;
  return false;
}

static void start(struct world *w) {
  for (int tries = 0; !w->live && tries < 50; tries++) {
    if (tries > 3) heal_disk(w);
    if (world_start(w)) break;
  }
  if (!w->live) violation(w, "it does not start any more");
  check_store(w);
}

static const enum life_event events[] = {LIFE_START, LIFE_START, LIFE_START, LIFE_PAUSE, LIFE_STOP, LIFE_FORCE_STOP, LIFE_RELEASE, LIFE_START};

// All bots at once: what they do then they do in the same instants.
static void act_together(struct world *w) {
  static const enum life_event together[] = {LIFE_START, LIFE_PAUSE, LIFE_STOP, LIFE_STOP};
  const enum life_event e = together[sim_below(4)];
  const bool close = sim_chance(700);
  for (int i = 0; i < w->bot_count; i++) world_act(w, i, e, close);
}

static void act(struct world *w) {
  const int bot = some_bot(w);
  if (bot < 0) return;
  const uint64_t what = sim_below(16);
  if (what >= 14) act_together(w);
  else if (what < 8) world_act(w, bot, events[what], sim_chance(500));
  else if (what < 10) world_params(w, bot);
  else if (what < 12) world_version(w, bot);
  else if (what == 12) world_restart_bot(w, bot);
  else if (sim_chance(300)) world_delete(w, bot);
}

static void step(struct world *w, int i) {
  const uint64_t what = sim_below(100);
  if (i < 4 || (what < 6 && w->bot_count < w->bots_max)) world_create(w, i < 4 || sim_chance(800));
  else if (what < 24) act(w);
  else if (what < 32) harm_host(w);
  else if (what < 36) harm_disk(w);
  else if (what < 42) heal_disk(w);
  else if (what < 46) halt_something(w);
  else if (what < 52 && w->halt_count) world_resume(w, (int)sim_below((uint64_t)w->halt_count));
  else if (what < 54) world_stop(w, WORLD_KILLED);
  else if (what < 56) world_stop(w, WORLD_POWER);
  else if (what < 57) world_stop(w, WORLD_SHUTDOWN);
  else if (what < 58) {
    const int64_t by_s = (int64_t)sim_below(120) - 60;
    world_note(w, "the clock is set by %" PRId64 " s", by_s);
    sim_wall_jump(by_s * S);
    if (by_s < 0) w->set_back_ns -= by_s * S;  // so much longer do markets stand still
    w->did.jumps++;
  }
  world_run(w, sim_chance(300) ? (int64_t)sim_below(20) * MS : (int64_t)sim_below(2000) * MS);
  check_now(w);
  if (w->store && !w->faulty && file_lost(w)) world_stop(w, WORLD_KILLED);  // "nothing is written until the next start"
  if (!w->live) start(w);
  if (i % 16 == 15) check_store(w);
}

// ---- the end: everything is mended, then it must go on

// Until nothing is on its way any more, and a little longer; what never ends is found by check_end.
static void settle(struct world *w, int seconds) {
  for (int i = 0; i < seconds && !check_settled(w); i++) world_run(w, S);
}

static void mend(struct world *w) {
  heal_disk(w);
  sim_host_heal();
  if (w->store && file_lost(w)) world_stop(w, WORLD_KILLED);
  if (!w->live) start(w);
  while (w->halt_count) world_resume(w, 0);
  if (w->halts_unsure && w->live) {
    const struct halt_desk *desk = live_halts(w->live);
    struct err err;
    const struct halt_state *s = desk->list(desk->self);
    while (s->count) (void)!desk->clear(desk->self, (enum refusal_level)s->entries[0].level, s->entries[0].id, &err);
    if (s->all.mode != HALT_NONE) (void)!desk->clear(desk->self, LEVEL_ALL, 0, &err);
  }
  world_run(w, 3 * S);
  settle(w, 40);
  for (int i = 0; i < w->bot_count; i++) {
    if (!w->bots[i].made || w->bots[i].deleted) continue;
    world_act(w, i, LIFE_RELEASE, false);
    world_run(w, S / 10);
    if (i % 4) world_act(w, i, LIFE_START, false);
  }
  world_run(w, 3 * S);
  settle(w, 30 + (int)(w->set_back_ns / S));
  world_run(w, 4 * S);
}

static void run(uint64_t seed, const struct options *o, struct world *w) {
  world_begin(w, seed, o->bots, o->show);
  for (int i = 0; i < o->steps; i++) {
    world_note(w, "step %d", i);
    step(w, i);
  }
  mend(w);
  check_end(w);
  world_end(w);
}

// ---- each seed in a process of its own: an assertion that fails is a finding, and nothing stays from one to the next

struct outcome {
  uint64_t trace, events;
  int64_t seconds;
  struct world w;
};

static bool in_child(uint64_t seed, const struct options *o, struct outcome *ret) {
  int fds[2], status;
  if (pipe(fds) != 0) abort();
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    static struct world w;
    close(fds[0]);
    if (freopen("/dev/stdout", "a", stderr) == NULL) _exit(2);
    setvbuf(stderr, NULL, _IONBF, 0);
    run(seed, o, &w);
    const struct outcome out = {w.trace, sim_events(), sim_now_ns() / S, w};
    if (write(fds[1], &out, sizeof out) != sizeof out) _exit(2);
    fflush(stdout);
    exit(0);
  }
  close(fds[1]);
  const bool told = read(fds[0], ret, sizeof *ret) == sizeof *ret;
  close(fds[0]);
  if (waitpid(pid, &status, 0) != pid) abort();
  if (told && WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  if (WIFSIGNALED(status)) printf("# ended by signal %d\n", WTERMSIG(status));
  return false;
}

static bool one(uint64_t seed, const struct options *o) {
  struct outcome a, b;
  bool ok = in_child(seed, o, &a);
  if (ok && o->twice) {
    ok = in_child(seed, o, &b) && a.trace == b.trace;
    if (!ok) printf("# the same seed went another way the second time\n");
  }
  printf("%s %" PRIu64 " - seed %" PRIu64, ok ? "ok" : "not ok", seed - o->first + 1, seed);
  if (ok)
    printf(": %" PRId64 " s, %" PRIu64 " events, %" PRIu64 " orders told, %" PRIu64 " fills, %" PRIu64 " denials; %u crashes (%u of power), %u restarts, %u hosts harmed, %u faults, %u halts, %u acts; %u bots replayed, trace %016" PRIx64,
      a.seconds, a.events, a.w.did.orders, a.w.did.fills, a.w.did.denials, a.w.did.crashes, a.w.did.power_cuts, a.w.did.restarts, a.w.did.host_ills, a.w.did.faults, a.w.did.halts, a.w.did.acts, a.w.did.replays, a.trace);
  printf("\n");
  if (!ok) printf("# repro: tests/sim/sim --seeds %" PRIu64 " --steps %d --bots %d --show\n", seed, o->steps, o->bots);
  fflush(stdout);
  return ok;
}

int main(int argc, char **argv) {
  struct options o = {.first = 1, .last = 10, .steps = 200};
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--seeds") == 0) {
      char *dash;
      o.first = o.last = strtoull(value, &dash, 10);
      if (*dash == '-') o.last = strtoull(dash + 1, NULL, 10);
      i++;
    } else if (strcmp(argv[i], "--steps") == 0) {
      o.steps = atoi(value);
      i++;
    } else if (strcmp(argv[i], "--bots") == 0) {
      o.bots = atoi(value);
      i++;
    } else if (strcmp(argv[i], "--twice") == 0) {
      o.twice = true;
    } else if (strcmp(argv[i], "--show") == 0) {
      o.show = true;
    } else {
      fprintf(stderr, "usage: sim [--seeds FIRST[-LAST]] [--steps N] [--bots N] [--twice] [--show]\n");
      return 2;
    }
  }
  int bad = 0;
  world_prepare(o.last - o.first > 20);
  printf("1..%" PRIu64 "\n", o.last - o.first + 1);
  for (uint64_t seed = o.first; seed <= o.last; seed++) bad += !one(seed, &o);
  world_unprepare();
  return bad > 0;
}

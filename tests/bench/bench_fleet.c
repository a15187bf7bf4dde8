// tests/bench/bench_fleet.c – honest bots beside attackers on other tenants, all in real hosts (bot/fleet): how long after an instant was
// handed to the fleet has an honest bot's answer come back, without and with the attackers?
//
//   bench_fleet PERIGEE DIR [ATTACKERS [INSTANTS [SPACING_MS]]]      DIR: tests/lua/hostile
//
// Then others who have shared the hosts for as long as nobody was hindered, and turn hostile together (TURN_AFTER): what does that cost the honest, who
// have been there for longer, and others who came with them? The first instants after it are counted, until each of them is noticed.
//
// Three rounds of INSTANTS without and with them, in turn, so that a busy machine slows both; when they come, the first FIRST instants are
// counted apart: those who take long are noticed then.
//
// Every attacker runs one attack of DIR in on_bar, as a tenant of its own; one that failed comes back five instants later, so there
// is no end of them (in life it has three strikes). A third of them never breaks a limit and wastes milliseconds at every bar.
#include "bot/fleet.h"
#include "bot/hub.h"
#include "loop/clock.h"
#include "loop/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HONEST 20
#define HOSTS 2
#define ROUNDS 3
#define FIRST 10
#define TURN_AFTER 8  // instants
#define TURNED 10
#define TURN_SPACING_MS 3000  // what they cost once should be over when the next bar comes
#define BOTS_MAX 1024
#define ATTACKS_MAX 1024
#define SAMPLES_MAX 65536
#define START (NS_PER_DAY * 19000)

static struct world {
  struct loop *loop;
  struct fleet *fleet;
  struct series series;
  int64_t now_ns, sent_ns;
  char *attacks[ATTACKS_MAX];
  int attack_count;
  const char *source[BOTS_MAX];
  bool turning;               // the second part: only the elder half of the honest is counted in delay_ms, the others in young_ms
  int64_t back_at[BOTS_MAX];  // the instant at which it comes back; 0: it is there
  int64_t instants;
  int bots;
  double delay_ms[SAMPLES_MAX], young_ms[SAMPLES_MAX];
  int delays, young, kills, quarantined, refused, errors, slow;
} w;

static void must(enum status st, const struct err *err) {
  if (st == OK) return;
  fprintf(stderr, "%s\n", err->msg);
  exit(1);
}

static const char honest[] = "strategy{name='honest', api=1, ind={f={'sma',10}, s={'sma',30}}}\nfunction on_bar(ctx, bar)\n"
                             "if crossed_up(ctx.ind.f, ctx.ind.s) then ctx:log('up') end\nctx:log('here')\nend\n";
// What comes before an attack, so that it begins later.
#define STR(x) STR_OF(x)
#define STR_OF(x) #x
#define LATER "turns = turns + 1\nif turns <= " STR(TURN_AFTER) " then return end\n"
static const char waste[] = "strategy{name='waste', api=1}\nlocal n, turns = 0, 0\nfunction on_bar(ctx, bar)\nfor i = 1, 2000000 do n = n + i end\nend\n";

// ---- attacks: the files' parts, each put into on_bar

static void add_attack(const char *begin, size_t len) {
  static const char head[] = "strategy{name='attack', api=1}\nlocal turns = 0\nfunction on_bar(ctx, bar)\nlocal attack\ndo\n", tail[] = "\nend\nend\n";
  if (w.attack_count == ATTACKS_MAX || memmem(begin, len, "\n@@", 3) || memmem(begin, len, "return", 6)) return;
  char *text = malloc(sizeof head + len + sizeof tail);
  if (!text) exit(1);
  sprintf(text, "%s%.*s%s", head, (int)len, begin, tail);
  w.attacks[w.attack_count++] = text;
}

static void read_attacks(const char *dir) {
  static const char *const files[] = {"cpu", "memory", "library", "hash", "errors"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[4096];
    struct buf b;
    struct err err;
    buf_init(&b, 1 << 20);
    snprintf(path, sizeof path, "%s/%s.lua", dir, files[i]);
    must(buf_read_file(&b, path, &err), &err);
    for (const char *at = strstr(b.data, "---- "), *next; at; at = next) {
      const char *body = strchr(at, '\n');
      next = strstr(at + 5, "\n---- ");
      if (next) next++;
      if (body) add_attack(body + 1, next ? (size_t)(next - body - 1) : strlen(body + 1));
    }
    buf_finish(&b);
  }
}

// ---- the owner

static int64_t venue_time(void *self, int venue) {
  (void)self, (void)venue;
  return w.now_ns;
}
static const struct series *series_of(void *self, uint32_t id) {
  (void)self, (void)id;
  return &w.series;
}
static struct bar bar_at(int64_t open_ns) {
  int64_t px = 2000000 + open_ns / NS_PER_MINUTE * 7919 % 20000;
  return (struct bar){.open_ns = open_ns, .open = {px}, .high = {px + 900}, .low = {px - 900}, .close = {px + 100}, .volume = 5000};
}
static void place(int64_t bot);
static enum status history(void *self, int64_t bot, const struct fleet_need *need, int64_t through_ns, struct series *ret, struct err *err) {
  (void)self, (void)bot;
  int64_t end = timeframe_floor(through_ns, NS_PER_MINUTE);
  for (int64_t at = end - (int64_t)need->bars * NS_PER_MINUTE; at < end; at += NS_PER_MINUTE) {
    struct bar b = bar_at(at);
    if (series_append(ret, &b, err) != OK) return err->code;
  }
  return OK;
}
static enum fleet_step bot_open(void *self, struct fleet_open *o, struct buf *out) {
  (void)self;
  const char *source = w.source[o->bot];
  struct wire_open open = {.bot = (uint64_t)o->bot, .tenant = (uint64_t)o->bot, .chunkname = wire_text("bot.lua", 7), .source = wire_text(source, strlen(source)),
                           .run_from_ns = o->through_ns, .live_from_ns = o->through_ns, .stream_count = 1, .symbol_count = 1};
  match_config_init(&open.match, (cash){10000 * CASH_ONE});
  risk_limits_init(&open.risk);
  open.streams[0] = (struct wire_stream){.series = 1, .history = o->history[0]};
  open.symbols[0] = (struct wire_symbol){.series = 1, .history = o->history[0], .leverage_e4 = 10000};
  wire_put_bot_open(out, &open);
  return FLEET_LAST;
}
static void bot_opened(void *self, int host, int64_t bot) { (void)self, (void)host, (void)bot; }
static void bot_refused(void *self, int64_t bot, const char *why) {
  (void)self;
  fprintf(stderr, "bot %" PRId64 " was refused: %s\n", bot, why);
  w.refused++;
}
static void about_to_send(void *self, int host, const struct hub_instant *in) { (void)self, (void)host, (void)in; }
static void goes(int64_t bot) {
  if (w.back_at[bot]) return;
  w.back_at[bot] = w.instants + 5;
  fleet_remove(w.fleet, bot, "killed");
}
static void frame(void *self, int host, const struct wire_frame *f) {
  (void)self, (void)host;
  int64_t bot = (int64_t)f->bot;
  if (f->type == WIRE_LOG && bot <= HONEST && f->time_ns == w.now_ns && f->text_len == 4 && w.delays < SAMPLES_MAX && w.young < SAMPLES_MAX) {
    const double ms = (double)(clock_monotonic_ns() - w.sent_ns) / 1e6;
    if (w.turning && bot > HONEST / 2) w.young_ms[w.young++] = ms;
    else w.delay_ms[w.delays++] = ms;
  }
  if (f->type != WIRE_FAULT) return;
  w.errors++;
  w.kills += f->gone;
  if (bot <= HONEST) fprintf(stderr, "an honest bot failed: %.*s\n", (int)f->text_len, f->text);
  else goes(bot);
}
static void done(void *self, int host, const struct hub_instant *in) {
  (void)self, (void)in;
  fleet_go_on(w.fleet, host);
}
static void host_up(void *self, int host) { (void)self, (void)host; }
static void host_lost(void *self, int host, const char *why, int64_t suspect, const struct hub_instant *in) {
  (void)self, (void)why, (void)suspect;
  if (in) fleet_go_on(w.fleet, host);
}
static void bot_quarantined(void *self, int64_t bot, const char *why) {
  (void)self, (void)why;
  w.quarantined++;
  w.back_at[bot] = w.instants + 5;
}
static void tenant_slow(void *self, int host, int64_t tenant) {  // a bot each
  (void)self, (void)host;
  if (tenant <= HONEST) fprintf(stderr, "an honest tenant is slow\n");
  w.slow++;
  fleet_remove(w.fleet, tenant, "moved");
  place(tenant);
}
static void say(void *self, const char *level, const char *text) {
  (void)self;
  printf("  %s: %s\n", level, text);
}

// ---- running

static void place(int64_t bot) {
  struct err err;
  struct fleet_need need = {.series = 1, .bars = 600, .from_ns = INT64_MAX, .keep = 600};
  w.back_at[bot] = 0;
  must(fleet_place(w.fleet, bot, bot, false, &need, 1, &err), &err);
}

static void turn_until(int64_t ns) {
  while (clock_monotonic_ns() < ns) loop_turn(w.loop, true);
}

static void instant(void) {
  struct hub_instant *in = calloc(1, sizeof *in + sizeof *in->bars);
  if (!in) exit(1);
  w.instants++;
  in->refs = 1;
  in->now_ns = w.now_ns += NS_PER_MINUTE;
  in->count = 1;
  in->bars[0] = (struct wire_bar){1, bar_at(w.now_ns - NS_PER_MINUTE)};
  w.sent_ns = clock_monotonic_ns();
  if (!fleet_instant(w.fleet, in)) fprintf(stderr, "the queue is full\n");
  hub_instant_unref(in);
}

// CPU time that the hosts have had, and that they have waited for because others had the processors.
static void host_cpu(double *ret_ran_s, double *ret_waited_s) {
  *ret_ran_s = *ret_waited_s = 0;
  for (int h = 0; h < HOSTS; h++) {
    char path[64];
    unsigned long ran = 0, waited = 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", fleet_host_stats(w.fleet, h).pid);
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%lu %lu", &ran, &waited) == 2) *ret_ran_s += (double)ran / 1e9, *ret_waited_s += (double)waited / 1e9;
    if (f) fclose(f);
  }
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// What was measured under one name, in one or several rounds.
struct figures {
  double *delay_ms, ran_s, waited_s;
  int delays, wanted, kills, errors;
};
static double quantile(const struct figures *f, double q) { return f->delays ? f->delay_ms[(int)(q * (f->delays - 1))] : 0; }

static double longest(const double *ms, int from, int to) {
  double worst = 0;
  for (int i = from; i < to; i++) worst = ms[i] > worst ? ms[i] : worst;
  return worst;
}

static void round_of(const char *name, struct figures *f, int instants, int spacing_ms) {
  double ran, waited, ran_before, waited_before;
  w.delays = w.young = w.kills = w.errors = 0;
  host_cpu(&ran_before, &waited_before);
  for (int i = 0; i < instants; i++) {
    const int delays = w.delays, young = w.young;
    instant();
    turn_until(w.sent_ns + spacing_ms * NS_PER_MS / 2);
    for (int64_t b = HONEST + 1; b <= w.bots; b++) {
      if (w.back_at[b] && w.back_at[b] <= w.instants) place(b);
    }
    turn_until(w.sent_ns + spacing_ms * NS_PER_MS);
    if (w.turning) printf("  %s: instant %d: longest %.2f ms for the elders, %.2f ms for who came with them\n", name, i + 1, longest(w.delay_ms, delays, w.delays), longest(w.young_ms, young, w.young));
    else if ((i + 1) % 10 == 0 || i + 1 == instants) printf("  %s: %d of %d instants\n", name, i + 1, instants);
  }
  host_cpu(&ran, &waited);
  f->delay_ms = realloc(f->delay_ms, (size_t)(f->delays + w.delays + 1) * sizeof *f->delay_ms);
  if (!f->delay_ms) exit(1);
  memcpy(f->delay_ms + f->delays, w.delay_ms, (size_t)w.delays * sizeof *w.delay_ms);
  f->delays += w.delays;
  f->wanted += HONEST * instants;
  f->kills += w.kills;
  f->errors += w.errors;
  f->ran_s += ran - ran_before;
  f->waited_s += waited - waited_before;
}

static void tell(const char *name, struct figures *f) {
  qsort(f->delay_ms, (size_t)f->delays, sizeof *f->delay_ms, by_value);
  printf("%-18s %d of %d answers, delay p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, longest %.2f ms; %d scripts killed, %d faults; hosts ran %.1f s, waited for a processor %.1f s\n",
         name, f->delays, f->wanted, quantile(f, 0.5), quantile(f, 0.9), quantile(f, 0.99), quantile(f, 1), f->kills, f->errors, f->ran_s, f->waited_s);
}

// Those who were quick, with the others in their hosts, and are not any more.
static char *turncoat(const char *attack) {
  const char *at = strstr(attack, "(ctx, bar)\n") + strlen("(ctx, bar)\n");
  char *text = malloc(strlen(attack) + sizeof LATER);
  if (!text) exit(1);
  sprintf(text, "%.*s%s%s", (int)(at - attack), attack, LATER, at);
  return text;
}

static void learned(struct figures *f, const double *ms, int count) {
  f->delay_ms = realloc(f->delay_ms, (size_t)(count + 1) * sizeof *f->delay_ms);
  if (!f->delay_ms) exit(1);
  memcpy(f->delay_ms, ms, (size_t)count * sizeof *ms);
  f->delays = count;
  f->wanted = HONEST / 2 * TURNED;
}

static void turned(const struct fleet_config *c, int spacing_ms) {
  struct err err;
  if (spacing_ms < TURN_SPACING_MS) spacing_ms = TURN_SPACING_MS;
  fleet_destroy(w.fleet);
  must(fleet_create(c, &w.fleet, &err), &err);
  w.turning = true;
  for (int64_t b = 1; b <= w.bots; b++) {
    // A day of minutes; eighty of them, with which one is among the others.
    const struct fleet_pace elder = {.quick = 9}, young = {.quick = 5};
    must(fleet_pace_set(w.fleet, b, b <= HONEST / 2 ? elder : young, &err), &err);
    if (b > HONEST) w.source[b] = turncoat(w.source[b]);
    w.back_at[b] = 0;
    place(b);
  }
  while (fleet_stats(w.fleet).bots_open < (unsigned)w.bots) loop_turn(w.loop, true);
  turn_until(clock_monotonic_ns() + NS_PER_S);
  const int slow_before = w.slow;
  struct figures quiet = {0}, elder = {0}, young = {0};
  round_of("before they turn", &quiet, TURN_AFTER, spacing_ms);
  struct figures ignored = {0};
  round_of("after", &ignored, TURNED, spacing_ms);
  learned(&elder, w.delay_ms, w.delays);
  learned(&young, w.young_ms, w.young);
  tell("before they turn", &quiet);
  tell("elders, after", &elder);
  tell("young, after", &young);
  printf("%d turned (elders: of level 9, the others 5; a bar every %d ms): p50 %.2f, p90 %.2f, p99 %.2f times as before for the elders, %.2f, %.2f, %.2f for who came with them; noticed %d\n", w.bots - HONEST, spacing_ms,
         quantile(&elder, 0.5) / quantile(&quiet, 0.5), quantile(&elder, 0.9) / quantile(&quiet, 0.9), quantile(&elder, 0.99) / quantile(&quiet, 0.99),
         quantile(&young, 0.5) / quantile(&quiet, 0.5), quantile(&young, 0.9) / quantile(&quiet, 0.9), quantile(&young, 0.99) / quantile(&quiet, 0.99), w.slow - slow_before);
  for (int64_t b = HONEST + 1; b <= w.bots; b++) free((void *)(uintptr_t)w.source[b]);
  free(quiet.delay_ms), free(elder.delay_ms), free(young.delay_ms), free(ignored.delay_ms);
}

static void attackers_go(bool away) {
  for (int64_t b = HONEST + 1; b <= w.bots; b++) {
    if (away) fleet_remove(w.fleet, b, "a round without it");
    w.back_at[b] = away ? INT64_MAX : w.instants;
  }
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 3) {
    fprintf(stderr, "bench_fleet PERIGEE DIR [ATTACKERS [INSTANTS [SPACING_MS]]]\n");
    return 2;
  }
  int attackers = argc > 3 ? atoi(argv[3]) : 100, instants = argc > 4 ? atoi(argv[4]) : 8, spacing_ms = argc > 5 ? atoi(argv[5]) : 5000;
  if (attackers < 1 || attackers > BOTS_MAX - HONEST - 1) return 2;
  struct err err;
  w.now_ns = START;
  w.series = (struct series){.inst = {.symbol = "BTCUSDT", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}}, .timeframe_ns = NS_PER_MINUTE, .volume_scale = 3};
  must(instrument_finish(&w.series.inst, &err), &err);
  read_attacks(argv[2]);
  must(loop_create(&w.loop, NULL, &err), &err);
  struct fleet_config c = {.loop = w.loop, .exe = argv[1], .hosts = HOSTS, .self = &w,
                           .call = {.venue_time = venue_time, .series = series_of, .history = history, .bot_open = bot_open, .bot_opened = bot_opened,
                                    .bot_refused = bot_refused, .about_to_send = about_to_send, .missed = about_to_send, .frame = frame, .done = done,
                                    .host_up = host_up, .host_lost = host_lost, .bot_quarantined = bot_quarantined, .tenant_slow = tenant_slow, .log = say}};
  must(fleet_create(&c, &w.fleet, &err), &err);
  for (int64_t b = 1; b <= HONEST; b++) {
    w.source[b] = honest;
    place(b);
  }
  w.bots = HONEST;
  while (fleet_stats(w.fleet).bots_open < HONEST) loop_turn(w.loop, true);
  turn_until(clock_monotonic_ns() + NS_PER_S / 2);
  printf("%d honest bots, a bar every %d ms: some %d s\n", HONEST, spacing_ms, ROUNDS * (2 * instants + FIRST) * spacing_ms / 1000 + (TURN_AFTER + TURNED) * (spacing_ms < TURN_SPACING_MS ? TURN_SPACING_MS : spacing_ms) / 1000 + 2 * ROUNDS + 3);
  struct figures alone = {0}, first = {0}, beside = {0}, settling = {0};
  for (int i = 0; i < attackers; i++) {
    int64_t b = ++w.bots;
    w.source[b] = i % 3 == 2 ? waste : w.attacks[i * 7 % w.attack_count];
    w.back_at[b] = INT64_MAX;
  }
  for (int r = 0; r < ROUNDS; r++) {
    round_of("alone", &alone, instants, spacing_ms);
    attackers_go(false);
    round_of("with attackers, first", r ? &settling : &first, FIRST, spacing_ms);
    round_of("with attackers", &beside, instants, spacing_ms);
    attackers_go(true);
    turn_until(clock_monotonic_ns() + NS_PER_S);
  }
  tell("alone", &alone);
  tell("first instants", &first);
  tell("beside attackers", &beside);
  printf("%d attackers (of %d attacks): ratio p50 %.2f, p90 %.2f, p99 %.2f; of the first %d instants p50 %.2f, p90 %.2f; hosts lost %" PRIu64 ", quarantined %d, moved to the slow %d\n", attackers,
         w.attack_count, quantile(&beside, 0.5) / quantile(&alone, 0.5), quantile(&beside, 0.9) / quantile(&alone, 0.9), quantile(&beside, 0.99) / quantile(&alone, 0.99), FIRST,
         quantile(&first, 0.5) / quantile(&alone, 0.5), quantile(&first, 0.9) / quantile(&alone, 0.9), fleet_stats(w.fleet).restarts, w.quarantined, w.slow);
  turned(&c, spacing_ms);
  free(alone.delay_ms), free(first.delay_ms), free(beside.delay_ms), free(settling.delay_ms);
  fleet_destroy(w.fleet);
  loop_destroy(w.loop);
  for (int i = 0; i < w.attack_count; i++) free(w.attacks[i]);
  return 0;
}

// bot/parity.c – see parity.h. The walk is a replay of the run's commands without anything else of its journal.
#include "bot/parity.h"

#include <stdio.h>
#include <stdlib.h>

static const struct { const char *name, *text; bool explains; } reasons[PARITY_COUNT] = {
#define X(name, text, explains) [PARITY_##name] = {#name, text, explains},
    PARITY_LIST(X)
#undef X
};

const char *parity_text(enum parity_why why) { return reasons[why].text; }
bool parity_explains(enum parity_why why) { return reasons[why].explains; }

static void note(struct parity_certificate *c, enum parity_why why, int64_t at_ns) {
  struct parity_reason *r = &c->reasons[why];
  if (r->count++ == 0) r->first_ns = at_ns;
}

// Market data, which the fresh walk has too: funding here, ticks below.
static bool is_funding(const struct replay_event *e) { return e->kind == REPLAY_IMPOSED && e->command.kind == COMMAND_FUNDING; }

static void note_events(struct parity_certificate *c, const struct replay_config *run) {
  static const enum parity_why whys[] = {[REPLAY_COMMAND] = PARITY_COUNT, [REPLAY_IMPOSED] = PARITY_IMPOSED, [REPLAY_PARAMS] = PARITY_PARAMS, [REPLAY_VERSION] = PARITY_VERSION,
                                         [REPLAY_SIGNAL] = PARITY_SIGNAL, [REPLAY_RESUME] = PARITY_RESUMED, [REPLAY_STOP] = PARITY_STOPPED, [REPLAY_RISK] = PARITY_COUNT, [REPLAY_LIMITS] = PARITY_PARAMS,
                                         [REPLAY_CLOCK] = PARITY_COUNT, [REPLAY_TICK] = PARITY_COUNT, [REPLAY_SKIP] = PARITY_SKIPPED};
  for (size_t i = 0; i < run->event_count; i++) {
    const struct replay_event *e = &run->events[i];
    if (whys[e->kind] != PARITY_COUNT && !is_funding(e)) note(c, whys[e->kind], e->kind == REPLAY_RESUME ? e->live_from_ns : e->time_ns);
  }
}

static void note_gaps(struct parity_certificate *c, const struct replay_config *run) {
  const struct series *s = run->pilot.bot.series[0];
  for (size_t i = 1; i < s->count; i++)
    if (s->bars[i].open_ns > run->run_from_ns && s->bars[i].open_ns - s->bars[i - 1].open_ns != s->timeframe_ns) note(c, PARITY_GAP, s->bars[i].open_ns);
}

static bool any_explains(const struct parity_certificate *c) {
  for (int i = 0; i < PARITY_COUNT; i++)
    if (c->reasons[i].count && reasons[i].explains) return true;
  return false;
}

enum status parity_check(const struct replay_config *run, const char *live_hash, struct parity_certificate *ret, struct err *err) {
  *ret = (struct parity_certificate){0};
  struct replay_event *commands = calloc(run->event_count + 1, sizeof *commands);
  if (!commands) return err_set(err, ERR_NOMEM, "no memory for a parity check");
  struct replay_config fresh = *run;
  fresh.events = commands;
  fresh.event_count = 0;
  for (size_t i = 0; i < run->event_count; i++)
    if (run->events[i].kind == REPLAY_COMMAND || run->events[i].kind == REPLAY_CLOCK || run->events[i].kind == REPLAY_TICK || is_funding(&run->events[i])) commands[fresh.event_count++] = run->events[i];
  fresh.watch = (struct replay_watch){0};
  fresh.explain_ns = 0;
  fresh.explain_difference = false;
  struct replay_result r;
  enum status st = replay_run(&fresh, &r, err);
  free(commands);
  if (st == OK) {
    snprintf(ret->live, sizeof ret->live, "%s", live_hash);
    snprintf(ret->fresh, sizeof ret->fresh, "%s", r.hash);
    ret->instants = r.instants, ret->commands = r.compared;
    note_events(ret, run);
    note_gaps(ret, run);
    if (r.failures) {
      ret->reasons[PARITY_FAILED].count = r.failures;
      snprintf(ret->reasons[PARITY_FAILED].text, sizeof ret->reasons->text, "%s", r.failure);
    }
    bool equal = true;
    for (int i = 0; equal && i < SHA256_HEX_SIZE; i++) equal = ret->live[i] == ret->fresh[i];
    ret->certified = equal && r.same;
    if (!r.same) {
      note(ret, PARITY_DECISION, r.at_ns);
      snprintf(ret->reasons[PARITY_DECISION].text, sizeof ret->reasons->text, "live: %s; fresh: %s", r.expected[0] ? r.expected : "nothing", r.got[0] ? r.got : "nothing");
    } else if (!equal) {
      note(ret, PARITY_HASH, 0);
    }
    ret->explained = !ret->certified && any_explains(ret);
  }
  replay_result_finish(&r);
  return st;
}

json_t *parity_json(const struct parity_certificate *c) {
  json_t *list = json_array();
  for (int i = 0; i < PARITY_COUNT; i++) {
    const struct parity_reason *r = &c->reasons[i];
    if (r->count == 0) continue;
    json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:I}", "why", reasons[i].name, "text", r->text[0] ? r->text : reasons[i].text, "count",
                                          (json_int_t)r->count, "first_ms", (json_int_t)(r->first_ns / NS_PER_MS)));
  }
  return json_pack("{s:b,s:b,s:s,s:s,s:I,s:I,s:o}", "certified", c->certified, "explained", c->explained, "live", c->live, "fresh", c->fresh, "instants",
                   (json_int_t)c->instants, "commands", (json_int_t)c->commands, "reasons", list);
}

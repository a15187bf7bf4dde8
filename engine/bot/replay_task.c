// bot/replay_task.c – see replay_task.h.
#include "bot/replay_task.h"

#include "bot/parity.h"
#include "bot/replay_load.h"
#include "bot/replay_tally.h"
#include "market/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
  const json_t *task;
  struct replay_loaded *loaded;
  struct replay_config config;
  json_t *told;
  // progress of the walk that is made, one of several
  void (*progress)(void *self, unsigned permille);
  void *self;
  unsigned walk, walks;
};

static int64_t ms(int64_t ns) { return ns / NS_PER_MS; }
static int64_t number(const struct work *w, const char *key, int64_t absent) {
  const json_t *v = json_object_get(w->task, key);
  return json_is_integer(v) ? json_integer_value(v) : absent;
}
static bool flag(const struct work *w, const char *key) { return json_is_true(json_object_get(w->task, key)); }

// An error's text may hold any bytes that the script put there.
static json_t *words(const char *text) {
  json_t *json = json_string(text);
  char *ascii = json ? NULL : strdup(text);
  if (!ascii) return json;
  for (char *p = ascii; *p; p++)
    if (*p & 0x80) *p = '?';
  json = json_string(ascii);
  free(ascii);
  return json;
}

static void on_progress(void *self, unsigned permille) {
  struct work *w = self;
  if (w->progress) w->progress(w->self, (1000 * w->walk + permille) / w->walks);
}

struct both {
  struct work *work;
  struct replay_watch tally;
  json_t *plots;     // NULL: nobody wants them
  int64_t from_ms;
  size_t points;     // so far
};
static void both_fill(void *self, const struct fill *f) {
  const struct both *b = self;
  b->tally.fill(b->tally.self, f);
}
static void both_instant(void *self, int64_t now_ns, bool main_closed, const struct matcher *m) {
  const struct both *b = self;
  b->tally.instant(b->tally.self, now_ns, main_closed, m);
}
// A point of a named series: [time_ms, value]. The oldest are told; what is too much is not.
static void both_plot(void *self, int64_t time_ns, const char *name, double value) {
  struct both *b = self;
  if (ms(time_ns) < b->from_ms || b->points >= REPLAY_PLOT_POINTS_MAX || !isfinite(value)) return;
  json_t *list = json_object_get(b->plots, name);
  if (!list && json_object_size(b->plots) < REPLAY_PLOTS_MAX) json_object_set_new(b->plots, name, list = json_array());
  if (!list) return;  // too many, or a name that is no text
  // A run that differs is made twice, and one instant has one point.
  const json_t *last = json_array_get(list, json_array_size(list) - 1);
  if (last && json_integer_value(json_array_get(last, 0)) >= ms(time_ns)) return;
  json_array_append_new(list, json_pack("[I, f]", (json_int_t)ms(time_ns), value));
  b->points++;
}
static void both_progress(void *self, unsigned permille) { on_progress(((const struct both *)self)->work, permille); }

// One walk of several: its progress is its share.
static enum status walk(struct work *w, struct replay_config *config, struct replay_tally *tally, struct replay_result *ret, struct err *err) {
  // Who counts and who is told how far it is are two.
  struct both both = {.work = w, .tally = tally ? replay_tally_watch(tally) : (struct replay_watch){0}};
  if (w->walk == 0 && flag(w, "plots")) json_object_set_new(w->told, "plots", both.plots = json_object());
  both.from_ms = number(w, "from_ms", INT64_MIN);
  config->watch = (struct replay_watch){.self = &both, .fill = tally ? both_fill : NULL, .plot = both.plots ? both_plot : NULL, .instant = tally ? both_instant : NULL, .progress = both_progress};
  enum status st = replay_run(config, ret, err);
  config->watch = (struct replay_watch){0};
  w->walk++;
  on_progress(w, 0);
  return st;
}

// ---- verify

// What the journal has, as text. Orders' own terms are not at hand here: a change names what is new.
static enum status list_commands(struct work *w, struct err *err) {
  const struct replay_config *c = &w->config;
  const int64_t from_ns = number(w, "from_ms", INT64_MIN / NS_PER_MS) * NS_PER_MS, most = number(w, "list_max", REPLAY_LIST_MAX);
  struct blotter *books;
  enum status st = blotter_create(&c->pilot.blotter, &books, err);
  if (st != OK) return st;
  json_t *list = json_array();
  json_object_set_new(w->told, "commands", list);
  for (size_t i = 0; i < c->event_count; i++) {
    const struct replay_event *e = &c->events[i];
    char text[256];
    if ((e->kind != REPLAY_COMMAND && e->kind != REPLAY_IMPOSED) || e->command.kind == COMMAND_MARK || e->command.kind == COMMAND_RESERVE) continue;
    if (e->time_ns < from_ns || e->time_ns > c->until_ns) continue;
    if ((int64_t)json_array_size(list) == most) {
      json_object_set_new(w->told, "cut", json_true());
      break;
    }
    replay_command_text(&e->command, blotter_matcher(books), text);
    json_array_append_new(list, json_pack("{s:I, s:s, s:o}", "time_ms", (json_int_t)ms(e->time_ns), "by", e->kind == REPLAY_COMMAND ? "script" : "core", "command", words(text)));
  }
  blotter_destroy(books);
  return OK;
}

static void tell_difference(struct work *w, const struct replay_result *r, const char *expected, const char *got) {
  if (!r->same) json_object_set_new(w->told, "difference", json_pack("{s:I, s:o, s:o}", "time_ms", (json_int_t)ms(r->at_ns), expected, words(r->expected), got, words(r->got)));
}

static void tell_failures(struct work *w, const struct replay_result *r) {
  json_object_set_new(w->told, "failures", json_integer(r->failures));
  if (r->failure[0]) json_object_set_new(w->told, "failure", words(r->failure));
}

// Is a fresh walk over the same bars, which knows nothing of what happened live, the same run?
static enum status certify(struct work *w, struct parity_certificate *ret, struct err *err) {
  struct replay_config seen = replay_loaded_seen(w->loaded, &w->config);
  struct replay_result r;
  enum status st = walk(w, &seen, NULL, &r, err);
  if (st == OK) st = parity_check(&seen, r.hash, ret, err);
  replay_result_finish(&r);
  return st;
}

static enum status verify(struct work *w, struct err *err) {
  struct replay_result r;
  const bool certifies = flag(w, "certify");
  w->walks = certifies ? 3 : 1;
  w->config.explain_ns = number(w, "explain_ns", 0);
  w->config.explain_difference = true;
  enum status st = walk(w, &w->config, NULL, &r, err);
  if (st == OK) {
    // A script that fails where it failed then is the same too; where it did not, its commands are missed.
    json_object_update_new(w->told, json_pack("{s:b, s:I, s:I, s:I, s:I, s:s}", "same", (int)r.same, "instants", (json_int_t)r.instants, "compared", (json_int_t)r.compared,
      "imposed", (json_int_t)r.imposed, /* the end counts as one */ "resumes", (json_int_t)(r.same && r.resumes ? r.resumes - 1 : r.resumes), "hash", r.hash));
    tell_difference(w, &r, "expected", "got");
    tell_failures(w, &r);
    if (r.explanation) json_object_set(w->told, "explanation", r.explanation);
    if (flag(w, "list")) st = list_commands(w, err);
  }
  if (st == OK && r.same && certifies) {
    struct parity_certificate *c = malloc(sizeof *c);
    st = c ? certify(w, c, err) : err_set(err, ERR_NOMEM, "no memory for a certificate");
    if (st == OK) json_object_set_new(w->told, "parity", parity_json(c));
    free(c);
  }
  replay_result_finish(&r);
  return st;
}

// ---- why

static enum status why(struct work *w, struct err *err) {
  struct replay_result r;
  w->walks = 1;
  w->config.explain_ns = number(w, "at_ns", 0);
  w->config.explain_order = (uint64_t)number(w, "order", 0);
  if (w->config.until_ns > w->config.explain_ns) w->config.until_ns = w->config.explain_ns;
  enum status st = walk(w, &w->config, NULL, &r, err);
  if (st == OK) {
    json_object_set_new(w->told, "same", json_boolean(r.same));
    tell_difference(w, &r, "expected", "got");
    tell_failures(w, &r);
    json_object_set(w->told, "explanation", r.explanation ? r.explanation : json_null());
  }
  replay_result_finish(&r);
  return st;
}

// ---- what if

static enum status compare(struct work *w, struct replay_fork *fork, struct replay_tally *live, struct replay_tally *other, struct err *err) {
  struct replay_result r = {.same = false}, f = {.same = false};
  struct replay_config forked = w->config;
  enum status st = walk(w, &w->config, live, &r, err);
  if (st == OK && !r.same) {
    char at[TIME_TEXT_MAX];
    st = err_set(err, ERR_INVALID, "the run cannot be replayed as it was, so a fork of it would mean nothing: at %s the journal has \"%.80s\", its script now asks \"%.80s\"",
                 time_text(r.at_ns, at), r.expected[0] ? r.expected : "nothing", r.got[0] ? r.got : "nothing");
  }
  forked.fork = fork;
  if (st == OK) st = walk(w, &forked, other, &f, err);
  if (st == OK && (live->failed || other->failed)) st = err_set(err, ERR_NOMEM, "no memory for a comparison");
  if (st == OK) {
    json_object_update_new(w->told, json_pack("{s:I, s:s, s:b, s:o, s:o, s:{s:o, s:o}, s:o, s:I, s:s, s:s}", "at_ms", (json_int_t)ms(fork->at_ns), "how",
      !fork->pilot ? "nothing" : fork->params ? "live" : "restart", "same", (int)f.same, "live", replay_tally_json(live), "forked", replay_tally_json(other), "fills", "live",
      replay_tally_fills(live), "forked", replay_tally_fills(other), "equity", replay_tally_curves(live, other), "left_out", (json_int_t)f.left_out, "hash", r.hash, "forked_hash", f.hash));
    tell_difference(w, &f, "live", "forked");
    tell_failures(w, &f);
  }
  replay_result_finish(&r);
  replay_result_finish(&f);
  return st;
}

static enum status what_if(struct work *w, struct err *err) {
  const int64_t at_ns = number(w, "at_ns", 0);
  const json_t *params = json_object_get(w->task, "params");
  struct replay_fork fork;
  struct replay_tally live, other;
  if (at_ns >= replay_loaded_to(w->loaded)) {
    char last[TIME_TEXT_MAX];
    return err_set(err, ERR_INVALID, "/from_ms: the run has nothing after it; what is recorded of it ends at %s", time_text(replay_loaded_to(w->loaded), last));
  }
  w->walks = 2;
  enum status st = replay_loaded_fork(w->loaded, at_ns, params, (uint32_t)number(w, "version", 0), &fork, err);
  if (st != OK) return st;
  const struct blotter_config *books = &w->config.pilot.blotter;
  replay_tally_init(&live, at_ns, books->symbols, books->match.deposit);
  replay_tally_init(&other, at_ns, books->symbols, books->match.deposit);
  st = compare(w, &fork, &live, &other, err);
  replay_tally_finish(&live);
  replay_tally_finish(&other);
  return st;
}

// ---- parity

static void tell_verdict(struct work *w, const struct replay_result *r, const struct parity_certificate *c, const char *live_hash) {
  // live_hash: what the core itself had at that moment. The replay must end there too, or the journal does not tell all.
  const bool reproduced = r->same && (!live_hash || strcmp(live_hash, r->hash) == 0);
  const char *verdict = !reproduced ? "broken" : c->certified ? "certified" : c->explained ? "explained" : "broken";
  json_object_update_new(w->told, json_pack("{s:s, s:b, s:s, s:s?, s:s, s:s, s:I, s:I}", "verdict", verdict, "same", (int)r->same, "hash", r->hash, "live_hash", live_hash, "seen_hash", c->live, "fresh_hash",
    c->fresh, "instants", (json_int_t)(r->same ? c->instants : r->instants), "decisions", (json_int_t)(r->same ? c->commands : r->compared)));
  tell_difference(w, r, "expected", "got");
  tell_failures(w, r);
  json_t *certificate = parity_json(c), *reasons = json_object_get(certificate, "reasons");
  if (r->same && !reproduced)
    json_array_insert_new(reasons, 0, json_pack("{s:s,s:s,s:i,s:I}", "why", "CORE", "text", "the journal's decisions agree, but the core's own books ended with another hash", "count", 1, "first_ms", (json_int_t)0));
  if (!r->same) json_array_insert_new(reasons, 0, json_pack("{s:s,s:s,s:i,s:I}", "why", "REPLAY", "text", "its script decides otherwise than the journal says", "count", 1, "first_ms", (json_int_t)ms(r->at_ns)));
  json_object_set(w->told, "reasons", reasons);
  json_decref(certificate);
}

static enum status parity(struct work *w, struct err *err) {
  struct replay_result r;
  const char *told = json_string_value(json_object_get(w->task, "live_hash")), *live_hash = told ? told : replay_loaded_hash(w->loaded);
  struct parity_certificate *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "no memory for a certificate");
  w->walks = 3;
  enum status st = walk(w, &w->config, NULL, &r, err);
  if (st == OK && r.same) st = certify(w, c, err);
  if (st == OK) tell_verdict(w, &r, c, live_hash);
  replay_result_finish(&r);
  free(c);
  return st;
}

enum status replay_task(const json_t *task, const void *pack, size_t len, struct watchdog *watchdog, void (*progress)(void *self, unsigned permille), void *self, json_t **ret,
                        struct err *err) {
  static const struct { const char *name; enum status (*run)(struct work *w, struct err *err); } tasks[] = {{"verify", verify}, {"why", why}, {"what_if", what_if}, {"parity", parity}};
  struct work w = {.task = task, .told = json_object(), .progress = progress, .self = self, .walks = 1};
  const char *name = json_string_value(json_object_get(task, "task"));
  enum status st = ERR_USAGE;
  if (!w.told) return err_set(err, ERR_NOMEM, "no memory for a replay");
  for (size_t i = 0; st == ERR_USAGE && i < sizeof tasks / sizeof *tasks; i++) {
    if (!name || strcmp(name, tasks[i].name) != 0) continue;
    st = replay_load(pack, len, &w.loaded, err);
    if (st == OK) st = replay_loaded_open(w.loaded, watchdog, &w.config, err);
    if (st == OK) {
      json_object_update_new(w.told, json_pack("{s:I, s:I, s:I}", "run", (json_int_t)replay_loaded_run(w.loaded), "from_ms", (json_int_t)ms(replay_loaded_from(w.loaded)), "to_ms",
                                               (json_int_t)ms(replay_loaded_to(w.loaded))));
      st = tasks[i].run(&w, err);
    }
  }
  if (st == ERR_USAGE) st = err_set(err, ERR_INVALID, "/task: there is none of that name");
  replay_loaded_destroy(w.loaded);
  if (st == OK) *ret = w.told;
  else json_decref(w.told);
  return st;
}

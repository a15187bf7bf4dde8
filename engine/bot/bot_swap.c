// bot/bot_swap.c – another version of a bot's script takes over: the script alone is exchanged. Orders, account, risk, tags, ladders and
// what ctx:target made are the bot's, not the script's, and stay as they are; timers are the script's, whose on_init sets them.
#include "bot/bot_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum status bot_candidate(struct bot *b, const struct bot_config *cfg, struct script **ret, struct err *err) {
  const struct script_config sc = {.chunkname = cfg->chunkname, .source = cfg->source, .source_len = cfg->source_len, .spec = cfg->spec, .values = cfg->values,
                                   .limits = cfg->limits, .watchdog = cfg->watchdog, .host = &b->host, .series = cfg->series, .symbols = cfg->symbols};
  return script_create(&sc, ret, err);
}

// What goes with a script, and comes back with it.
struct script_side {
  struct script *script;
  const struct script_spec *spec;
  struct timer *timers;
  int64_t timer_next_ns;
  struct risk_note *notes;
  size_t note_count;
  bool started, resumed, verified;
};

static struct script_side side_of(const struct bot *b) {
  return (struct script_side){b->script, b->spec, b->timers, b->timer_next_ns, b->risk_notes, b->risk_note_count, b->started, b->resumed, b->verified};
}

static void side_set(struct bot *b, const struct script_side *s) {
  b->script = s->script;
  b->spec = s->spec;
  b->timers = s->timers;
  b->timer_next_ns = s->timer_next_ns;
  b->risk_notes = s->notes;
  b->risk_note_count = s->note_count;
  b->started = s->started;
  b->resumed = s->resumed;
  b->verified = s->verified;
  b->needs_orders = script_has(b->script, ON_ORDER);
  b->needs_fills = script_has(b->script, ON_FILL);
  b->needs_positions = script_has(b->script, ON_POSITION);
}

static void tags_forget(struct bot *b, uint32_t from) {
  while (b->tag_count > from) free(b->tags[--b->tag_count]);
}

enum status bot_take(struct bot *b, struct script **script, const struct script_spec *spec, int64_t now_ns, bot_taking told, void *arg, struct err *err) {
  const struct script_side before = side_of(b);
  const uint32_t tags = b->tag_count;
  struct script_side next = {.script = *script, .spec = spec, .timer_next_ns = INT64_MAX, .started = true, .resumed = true};
  enum status st = OK;
  assert(b->desk.count == 0 && !b->in_callback);
  if (script_has(next.script, ON_RISK)) {
    if (!(next.notes = calloc(REASON_COUNT, sizeof *next.notes))) return err_set(err, ERR_NOMEM, "bot: out of memory");
    if (before.notes) memcpy(next.notes, before.notes, before.note_count * sizeof *before.notes), next.note_count = before.note_count;
  }
  side_set(b, &next);
  b->now_ns = now_ns;
  script_now(b->script, now_ns);
  desk_begin(b);
  st = script_on_init(b->script, err);
  if (st == OK) st = script_verify(b->script, err);
  if (st == OK) {
    told(arg, OK, "");
    b->verified = true;
    desk_commit(b);
    next = before;  // to be freed
    *script = before.script;
  } else {
    told(arg, st, err->msg);
    desk_discard(b);
    next = side_of(b);
    side_set(b, &before);
    tags_forget(b, tags);
  }
  timers_free(next.timers);
  free(next.notes);
  return st;
}

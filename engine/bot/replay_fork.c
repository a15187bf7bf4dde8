// bot/replay_fork.c – what a fork keeps of itself for its script's next start, as the journal does for a live one.
#include "bot/replay_impl.h"

#include "bot/memory.h"

#include <stdlib.h>

void replay_past_add(struct replay *r, const struct bot_command *c) {
  struct replay_past *p = &r->own_past;
  if (p->count == p->cap) {
    const size_t cap = p->cap ? 2 * p->cap : 1024;
    struct bot_command *more = realloc(p->items, cap * sizeof *more);
    if (!more) {
      p->failed = true;
      return;
    }
    p->items = more;
    p->cap = cap;
  }
  p->items[p->count++] = *c;
}

enum status replay_keep_state(struct replay *r, struct err *err) {
  buf_clear(&r->state);
  buf_clear(&r->memory);
  if (pilot_dead(r->pilot)) return err_set(err, ERR_BUDGET, "the changed script was stopped for good: %.150s", r->result->failure);
  enum status st = script_state_save(bot_script(pilot_bot(r->pilot)), &r->state, err);
  if (st == OK && !bot_memory_save(pilot_bot(r->pilot), &r->memory, SCRIPT_STATE_MAX)) st = err_set(err, ERR_LIMIT, "the changed script has more tags than can be kept");
  return st;
}

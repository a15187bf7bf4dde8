// bot/live_halt.c – the kill switch over running bots: its state is on disk (bot/halt_file.h) before anybody is told, new orders are
// refused from the moment it is set (risk/gate reads the same state), and each bot concerned cancels or closes at once, or at the end
// of the instant that it is in; a venue is asked to cancel at once all the same, however long the script or the disk takes.
#include "bot/halt_file.h"
#include "bot/live_impl.h"
#include "bot/live_venue.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "store/bot_rows.h"
#include "store/store.h"

#include <math.h>

static bool halted(const struct live *l, const struct live_bot *b) {
  const struct halt_entry *entry;
  const struct halt_order of = {.venue = b->clerk ? halt_venue_id(live_venue_name(b)) : 0, .tenant = (uint64_t)b->tenant_id, .bot = (uint64_t)b->id};
  return halt_mode_of(&l->halt, &of, &entry) >= HALT_SILENT;  // with "reduce" its script goes on
}

// Into the journal, when it is another for the bot than before.
static void note(struct live *l, struct live_bot *b) {
  const struct halt_entry *entry = NULL;
  const struct halt_order of = {.venue = halt_venue_id(live_venue_name(b)), .tenant = (uint64_t)b->tenant_id, .bot = (uint64_t)b->id};
  const int mode = (int)halt_mode_of(&l->halt, &of, &entry);
  struct record r;
  if (!b->told_run || b->ending || mode == b->halt_mode) return;
  b->halt_mode = mode;
  record_init(&r, RECORD_HALT, b->instant_ns > b->run_from_ns ? b->instant_ns : b->run_from_ns);
  if (entry) r.halt = *entry;
  r.halt.mode = (uint8_t)mode;
  live_record(b, &r, true, false, false);
  // Whom its owner or an operator halted is told by who did it (api/halts).
  if (!entry || mode == (int)HALT_NONE || entry->cause == HALT_BY_OWNER || entry->cause == HALT_BY_OPERATOR) return;
  live_notice(b, NOTICE_BOT_HALTED, json_pack("{s:s, s:s, s:s}", "reason", "The kill switch was set by the engine itself.", "cause", halt_cause_text((enum halt_cause)entry->cause), "detail", halt_cause_text((enum halt_cause)entry->cause)));
}

// What the bot is called while it is halted; its orders were seen to before.
void live_follow(struct live_bot *b) {
  const bool kill = halted(b->live, b), on = kill || live_rules_halted(b);
  char text[REFUSAL_TEXT_SIZE] = "";
  if (on && b->life.state != LIFE_HALTED) {
    if (!kill) live_rules_explain(b, text);
    live_event(b, kill ? LIFE_HALT : LIFE_RULE, text);
    if (kill && b->life.state == LIFE_HALTED && b->clerk) live_risk_tell(b, REASON_HALTED, NAN, NAN, 0, "trading was halted", true);
  }
  if (on || b->life.state != LIFE_HALTED) return;
  const bool killed = b->life.reason == LIFE_WHY_HALTED;
  live_event(b, LIFE_RESUME, NULL);
  if (killed && b->clerk) live_risk_tell(b, REASON_HALTED, NAN, NAN, b->instant_ns, "trading goes on", true);
  if (b->life.state == LIFE_STARTING && b->opened) live_event(b, LIFE_OPENED, NULL);  // its script has been there all the time
}

// All bots, when the state has changed or something is halted: one that is started meanwhile is to know it too.
static void forgive(struct live *l);
static void apply(struct live *l, bool changed) {
  bool busy[FLEET_HOSTS_MAX + 1] = {false};
  if (!changed && l->halt.count == 0 && l->halt.all.mode == HALT_NONE) return;
  if (changed) forgive(l);
  for (size_t i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i], *next; b; b = next) {
      next = b->next;
      if (b->clerk && changed) {
        note(l, b);
        live_venue_halt(b);  // waits neither for its script nor for the disk
        clerk_halts(b->clerk);
        if (!clerk_busy(b->clerk)) live_commands_flush(b);
        else busy[b->place] = true;  // journalled with the rest of its instant
      }
      live_follow(b);
    }
  for (struct live_venue *v = l->venues; changed && v; v = v->next) live_left_look(v);  // of bots without books
  for (int place = 0; changed && place <= FLEET_HOSTS_MAX; place++)
    if (!busy[place] && l->hosts[place].batch) live_hand_over(l, place);
}

static void say(struct live *l, const char *event, const char *what, const struct err *err) {
  l->config.log(l->config.self, "error", event, json_pack("{s:s, s:s}", "what", what, "error", err->msg));
}

static void on_poll(void *arg) {
  struct live *l = arg;
  struct err err;
  bool changed;
  if (l->closing) return;
  if (halt_file_poll(l->halts, clock_wall_ns(), &changed, &err) != OK) say(l, "halt_not_durable", "it is tried again", &err);
  live_grants_poll(l);
  apply(l, changed || !l->halts_looked);  // at first: what a former process halted, or a command resumed since
  l->halts_looked = true;
}

// ---- the desk

// Whose bot that is: so that its halt is never in another tenant's way (halt_fold). *ret_gone: it has been deleted.
static void own(struct live *l, uint64_t id, bool *ret_gone) {
  const struct live_bot *b = live_find(l, (int64_t)id);
  struct bot_row row;
  *ret_gone = false;
  if (b) return halt_own(&l->halt, id, (uint64_t)b->tenant_id);
  const enum status st = bot_find(store_reader(l->config.store, STORE_CONTROL), (int64_t)id, &row, NULL);
  *ret_gone = st == ERR_NOTFOUND;
  if (st != OK) return;
  halt_own(&l->halt, id, (uint64_t)row.tenant_id);
  bot_row_finish(&row);
}

static enum status set(void *self, enum refusal_level level, uint64_t id, enum halt_mode mode, enum halt_cause cause, int64_t now_ns, struct err *err) {
  struct live *l = self;
  const enum status st = halt_file_set(l->halts, level, id, mode, cause, now_ns, err);
  bool gone;
  if (level == LEVEL_BOT) own(l, id, &gone);
  apply(l, true);  // whether it could be written or not
  return st;
}
static enum status clear(void *self, enum refusal_level level, uint64_t id, struct err *err) {
  struct live *l = self;
  const enum status st = halt_file_clear(l->halts, level, id, err);
  if (st == OK) apply(l, true);
  return st;
}
static const struct halt_state *list(void *self) { return &((struct live *)self)->halt; }
static size_t count(void *self, const struct halt_entry *of) {
  const struct live *l = self;
  size_t n = 0;
  for (size_t i = 0; i < LIVE_BUCKETS; i++)
    for (const struct live_bot *b = l->bots[i]; b; b = b->next)
      n += (b->clerk || b->bookless) && (of->level == LEVEL_ALL || (of->level == LEVEL_TENANT && of->id == (uint64_t)b->tenant_id) || (of->level == LEVEL_BOT && of->id == (uint64_t)b->id) ||
                        (of->level == LEVEL_VENUE && of->id == halt_venue_id(live_venue_name(b))));
  return n;
}

const struct halt_desk *live_halts(struct live *l) { return &l->desk; }

// The last check tripped: the state has it already.
void live_tripped(void *self, const struct last_report *r) {
  struct live *l = self;
  struct err err;
  static const char *const scopes[] = {[LAST_NOTHING] = "nothing", [LAST_BOT] = "bot", [LAST_ACCOUNT] = "account", [LAST_TENANT] = "tenant", [LAST_EVERYTHING] = "everything"};
  l->config.log(l->config.self, "error", "last_check_tripped", json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "why", last_why_text(r->why), "scope", scopes[r->scope], "bot", (json_int_t)r->bot,
    "account", (json_int_t)r->account, "tenant", (json_int_t)r->tenant, "limit", (json_int_t)r->limit, "value", (json_int_t)r->value));
  l->halts_looked = false;  // everybody it concerns is called halted at the next look
  if (halt_file_save(l->halts, &err) != OK) say(l, "halt_not_durable", "the last check has tripped", &err);
}

// A human has resumed what it had halted: it begins to count anew.
static void forgive(struct live *l) {
  if (last_check_report(l->last).why == LAST_OK || l->halt.all.cause == HALT_BY_LAST_CHECK) return;
  for (uint32_t i = 0; i < l->halt.count; i++)
    if (l->halt.entries[i].cause == HALT_BY_LAST_CHECK) return;
  last_check_reset(l->last);
  l->shared.told = (struct last_report){0};
}

// ---- beginning and end

// Of bots that were deleted nothing is left but what somebody has to look at.
static void own_all(struct live *l) {
  for (uint32_t i = l->halt.count; i-- > 0;) {
    const struct halt_entry e = l->halt.entries[i];
    bool gone = false;
    if (e.level == LEVEL_BOT) own(l, e.id, &gone);
    if (gone && (e.cause == HALT_BY_OWNER || e.cause == HALT_BY_VENUE)) halt_clear(&l->halt, LEVEL_BOT, e.id);
  }
}

enum status live_halt_open(struct live *l, struct err *err) {
  struct store *store = l->config.store;
  int64_t last = 0;
  l->desk = (struct halt_desk){.self = l, .set = set, .clear = clear, .list = list, .count = count};
  bool damaged = false;
  enum status st = journal_last_id(store_reader(store, STORE_JOURNAL), &last, err);
  if (st == OK) st = halt_file_open(store_dir(store), last > 0, clock_wall_ns(), &l->halt, &l->halts, &damaged, err);
  if (st == OK) own_all(l);
  if (st == OK && damaged)
    l->config.log(l->config.self, "error", "halt_file_lost", json_pack("{s:s}", "what", "everything is halted: look, then `perigee resume`"));
  if (st == OK) st = loop_timer_create(l->config.loop, on_poll, l, &l->halt_timer, err);
  if (st == OK) loop_timer_start(l->halt_timer, 0, HALT_POLL_MS);
  return st;
}

void live_halt_close(struct live *l) {
  if (l->halt_timer) loop_timer_destroy(l->halt_timer);
  halt_file_close(l->halts);
}

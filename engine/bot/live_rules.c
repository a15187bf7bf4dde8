// bot/live_rules.c – rule sets of accounts (risk/rule_set.h) over running bots, and what scripts are told of risk.
//
// What the rules remember is kept in the journal with the instant that changed it, so a restart goes on where they were. At a level that
// ends the day or the account its bots are flattened, halted with the reason, and told; when the day turns they go on by themselves.
// While the service starts nothing is judged: until all bots are there, their losses and gains are not.
#include "bot/live_impl.h"

#include "store/risk_rows.h"
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EACH_ACCOUNT(l, a) \
  for (int bucket_ = 0; bucket_ < LIVE_BUCKETS; bucket_++) \
    for (struct live_account *a = (l)->accounts[bucket_]; a; a = a->next)

// ---- what scripts are told

void live_risk_tell(struct live_bot *b, enum reason code, double limit, double value, int64_t until_ns, const char *text, bool decision) {
  const uint64_t bit = UINT64_C(1) << ((unsigned)code % 64);
  struct buf frame;
  struct record r;
  if (!b->told_run || b->ending || (b->risk_told & bit)) return;
  b->risk_told |= bit;
  buf_init(&frame, 128);
  wire_put_risk(&frame, (uint64_t)b->id, code, limit, value, until_ns);
  const bool told = b->opened && fleet_send(b->live->fleet, b->id, &frame);
  buf_finish(&frame);
  if (!told && !decision) return;
  live_commands_flush(b);
  record_init(&r, RECORD_RISK, b->instant_ns > b->live_from_ns ? b->instant_ns : b->live_from_ns);
  r.code = record_text(reason_code(code), strlen(reason_code(code)));
  r.why = record_text(text, strnlen(text, RECORD_TEXT_MAX));
  r.bound = limit, r.amount = value, r.until_ns = until_ns, r.told = told;
  live_record(b, &r, decision, false, false);
}

// ---- the set of an account

void live_rules_drop(struct live_account *a) {
  if (a->account) clerk_account_rule(a->account, NULL, NULL, 0);
  rule_set_destroy(a->rules);
  free(a->rules_text);
  a->rules = NULL, a->rules_text = NULL;
  a->rules_ended = false;
  a->rules_name[0] = '\0';
}

static enum status read_set(const struct live *l, const struct live_account *a, const char *name, char **ret_text, struct rule_set **ret, struct err *err) {
  *ret_text = l->config.rules ? l->config.rules(l->config.self, a->tenant->id, name) : NULL;
  if (!*ret_text) return err_set(err, ERR_INVALID, "its account's rule set \"%s\" does not exist: choose another, or none", name);
  const enum status st = rule_set_parse_of(*ret_text, strlen(*ret_text), (cash){a->opening_e8}, ret, err);
  if (st == OK) return OK;
  free(*ret_text);
  return err_wrap(err, st, "its account's rule set \"%s\"", name);
}

// Money that came or went while none of its bots was at work is neither profit nor loss.
static void paid_meanwhile(const struct live_account *a, struct rule_state *s) {
  if (a->share_count || a->held_e8) return;
  const int64_t balance = a->book.free_e8;
  if (balance != s->equity_e8) rule_state_paid(s, (cash){balance - s->equity_e8});
  if (s->balance_e8 != balance) s->balance_e8 = balance;
}

struct stored {
  const struct rule_set *rules;
  struct rule_state state;
  bool fits;
};
static void take_stored(void *arg, const struct account_rules_row *row) {
  struct stored *s = arg;
  s->fits = rule_state_get(row->state, row->state_len, s->rules, &s->state);
}

static void apply(struct live_account *a, const char *name, char *text, struct rule_set *rules, const struct rule_state *stored, int64_t now_ns) {
  struct rule_set *before = a->rules;
  clerk_account_rule(a->account, rules, stored, now_ns);
  rule_set_destroy(before);
  free(a->rules_text);
  a->rules = rules, a->rules_text = text;
  snprintf(a->rules_name, sizeof a->rules_name, "%s", name);
  memset(a->rules_kept, 0, sizeof a->rules_kept);
  a->rules_ended = rule_standing(clerk_account_rules(a->account)).action != RULE_GO_ON;
}

enum status live_rules_join(struct live_bot *b, struct err *err) {
  struct live *l = b->live;
  struct live_account *a = b->account;
  struct hub_venue_status venue;
  struct stored stored = {0};
  struct rule_set *rules;
  char *text;
  if (a->rules || !b->setup->rules[0]) return OK;
  enum status st = read_set(l, a, b->setup->rules, &text, &rules, err);
  if (st != OK) return st;
  hub_venue_status(l->hub, b->venue, &venue);
  stored.rules = rules;
  st = account_rules_get(store_reader(l->config.store, STORE_JOURNAL), a->id, take_stored, &stored, err);
  if (st == OK && !stored.fits) st = err_set(err, ERR_INVALID, "what the rules of its account remember cannot be read");
  if (st == OK) paid_meanwhile(a, &stored.state);
  if (st != OK && st != ERR_NOTFOUND) {
    rule_set_destroy(rules);
    free(text);
    return st;
  }
  apply(a, b->setup->rules, text, rules, st == OK ? &stored.state : NULL, venue.time_ns);
  live_news_join(l, a);
  if (l->starting) clerk_account_hold(a->account, true);
  return OK;
}

static int64_t time_of(const struct live *l, const struct live_account *a) {
  int64_t now_ns = 0;
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (const struct live_bot *b = l->bots[i]; b; b = b->next)
      if (b->account == a && b->clerk && clerk_now(b->clerk) > now_ns) now_ns = clerk_now(b->clerk);
  return now_ns;
}

void live_rules_changed(struct live *l, struct live_account *a, const char *name) {
  struct rule_set *rules;
  struct err err;
  char *text;
  l->rules_due = true;
  if (!name[0]) {
    live_rules_drop(a);
    return;
  }
  if (read_set(l, a, name, &text, &rules, &err) != OK) {
    l->config.log(l->config.self, "error", "rules_unreadable", json_pack("{s:s}", "error", err.msg));  // what held before goes on
    return;
  }
  apply(a, name, text, rules, NULL, time_of(l, a));
  live_news_join(l, a);
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i]; b; b = b->next)
      if (b->account == a) live_news_due(b);
}

void live_rule_set_changed(struct live *l, int64_t tenant_id, const char *name) {
  EACH_ACCOUNT(l, a)
    if (a->account && a->rules && (!tenant_id || a->tenant->id == tenant_id) && strcmp(a->rules_name, name) == 0) {
      char same[RULE_SET_NAME_SIZE];
      memcpy(same, a->rules_name, sizeof same);
      live_rules_changed(l, a, same);
    }
}

void live_rules_release(struct live *l) {
  l->starting = false;
  EACH_ACCOUNT(l, a)
    if (a->account) clerk_account_hold(a->account, false);
  l->rules_due = true;
  live_rules_act(l);
}

bool live_account_rules(const struct live *l, int64_t account_id, struct live_rules *ret) {
  for (struct live_account *a = l->accounts[live_bucket(account_id)]; a; a = a->next)
    if (a->id == account_id && a->account && a->rules) {
      *ret = (struct live_rules){a->rules_name, clerk_account_rules(a->account)};
      return true;
    }
  return false;
}

// ---- while bots run

void live_rules_keep(struct live_bot *b) {
  struct live_account *a = b->account;
  if (!a || !a->rules || b->restoring || b->live->starting) return;
  const struct rule_state *s = clerk_account_rules(a->account);
  uint8_t bytes[RULE_STATE_BYTES];
  b->live->rules_due |= a->rules_ended || rule_standing(s).action != RULE_GO_ON;
  rule_state_put(s, bytes);
  if (memcmp(bytes, a->rules_kept, sizeof bytes) == 0) return;
  struct live_batch *batch = live_batch(b->live, b->place);
  struct account_rules_row *rows = batch ? live_room(batch, (void *)batch->rows.rules, batch->rows.rules_count, &batch->rules_cap, sizeof *rows) : NULL;
  if (!rows) return;
  batch->rows.rules = rows;
  struct account_rules_row row = {.account_id = a->id, .tenant_id = a->tenant->id, .time_ns = b->instant_ns, .state_len = sizeof bytes};
  row.name = live_batch_bytes(batch, a->rules_name, strlen(a->rules_name));
  row.rules = live_batch_bytes(batch, a->rules_text, strlen(a->rules_text));
  row.state = live_batch_bytes(batch, bytes, sizeof bytes);
  rows[batch->rows.rules_count++] = row;
  memcpy(a->rules_kept, bytes, sizeof bytes);
  live_batch_bot(batch, b->id);
}

bool live_rules_halted(const struct live_bot *b) { return b->account && b->account->rules_ended; }

void live_rules_explain(const struct live_bot *b, char text[REFUSAL_TEXT_SIZE]) {
  const struct rule_result r = rule_standing(clerk_account_rules(b->account->account));
  refusal_text(&r.why, NULL, text);
}

static void tell(struct live_bot *b, const struct rule_result *r) {
  char text[REFUSAL_TEXT_SIZE];
  if (r->action == RULE_GO_ON) {
    live_risk_tell(b, REASON_PROP_RULE, NAN, NAN, b->instant_ns, "the rules of its account allow entries again", true);
    return;
  }
  const struct denial d = refusal_denial(&r->why, NULL);
  live_risk_tell(b, REASON_PROP_RULE, d.limit, d.value, r->why.until_ns, refusal_text(&r->why, NULL, text), true);
}

static bool busy_at(const struct live *l, int place) {
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (const struct live_bot *b = l->bots[i]; b; b = b->next)
      if (b->place == place && b->busy) return true;
  return false;
}

static void act(struct live *l, struct live_account *a) {
  bool places[FLEET_HOSTS_MAX + 1] = {false};
  const struct rule_result r = a->rules ? rule_standing(clerk_account_rules(a->account)) : (struct rule_result){RULE_GO_ON, {0}};
  const bool ended = r.action != RULE_GO_ON, turned = ended != a->rules_ended;
  a->rules_ended = ended;
  if (clerk_account_wants_flat(a->account)) clerk_account_act(a->account);
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i], *next; b; b = next) {
      next = b->next;
      if (b->account != a || !b->clerk) continue;
      if (turned) tell(b, &r);
      if (!b->busy) live_commands_flush(b);
      places[b->place] = true;
      live_follow(b);
    }
  for (int place = 0; place <= FLEET_HOSTS_MAX; place++)
    if (places[place] && l->hosts[place].batch && !busy_at(l, place)) live_hand_over(l, place);
}

void live_rules_act(struct live *l) {
  if (!l->rules_due || l->starting) return;
  l->rules_due = false;
  EACH_ACCOUNT(l, a)
    if (a->account && (a->rules || a->rules_ended)) act(l, a);
}

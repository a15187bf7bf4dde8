// bot/live_limits.c – limits of running bots, their accounts and tenants: read when a bot is opened, and again when somebody changes them. They
// hold from the next order on; the checks beside the script are told at once, and the journal, so that a replay knows them too.
#include "bot/live_impl.h"

#include "loop/clock.h"
#include "store/db.h"
#include "store/risk_rows.h"
#include "store/store.h"
#include "store/vault_rows.h"

#include <stdlib.h>
#include <string.h>

static struct db *control(const struct live *l) { return store_reader(l->config.store, STORE_CONTROL); }

static void say(const struct live *l, const char *what, const struct err *err) {
  l->config.log(l->config.self, "error", "limits_unreadable", json_pack("{s:s, s:s}", "what", what, "error", err->msg));
}

// ---- tenants

#define GRANT_AGE_NS (60 * NS_PER_S)
#define GRANTS_AT_ONCE 64  // asks of the database in one go; the rest waits for the next

static bool listed(const char *names, const char *name) {
  const size_t len = strlen(name);
  for (const char *at = names; (at = strstr(at, name)); at += len)
    if ((at == names || at[-1] == ',') && (at[len] == ',' || !at[len])) return true;
  return false;
}

static enum refusal_rule plan_denies(const struct live_bot *b) {
  const struct live_grant *g = &b->account->tenant->grant;
  const char *venue = b->setup->venue;
  if (!b->live->config.grant) return REFUSE_NONE;
  if (b->setup->real_money ? g->live_denied : g->paper_denied) return REFUSE_TIER_VENUE;
  if (venue[0] && listed(g->venues_beyond, venue)) return REFUSE_TIER_VENUE;
  return b->id > g->bots_upto || (g->pairs_per_bot > 0 && b->plan->symbol_count > g->pairs_per_bot) ? REFUSE_TIER_PLACE : REFUSE_NONE;
}

void live_plan_follow(struct live_bot *b) {
  static const char gone[] = "the plan has no place for it any more: it opens nothing, what it holds it may close", back[] = "the plan has a place for it again";
  const enum refusal_rule why = plan_denies(b), before = b->plan_denies;
  if (b->told_denial && why == before) return;
  b->plan_denies = why;
  clerk_plan_denies(b->clerk, why);
  if (b->told_denial) live_log(b, b->instant_ns, LOG_WARN, why == REFUSE_NONE ? back : gone, strlen(why == REFUSE_NONE ? back : gone));
  b->told_denial = true;
}

static void grant_take(struct live *l, struct live_tenant *t) {
  struct gate_scope *s = &t->tenant.scope;
  const struct live_grant before = t->grant;
  const int64_t now_ns = clock_wall_ns();
  if (!l->config.grant) return;
  t->grant = l->config.grant(l->config.self, t->id);
  // What was counted here since may not be written yet.
  const bool same_window = before.trades_max == t->grant.trades_max && now_ns / NS_PER_DAY == t->granted_ns / NS_PER_DAY;
  s->limits.max_trades = t->grant.trades_max;
  s->trades_used = same_window && s->trades_used > t->grant.trades_used ? s->trades_used : t->grant.trades_used;
  t->granted_ns = now_ns;
  for (size_t i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i]; b; b = b->next)
      if (b->clerk && b->account->tenant == t) live_plan_follow(b);
}

static void tenant_limits_take(struct live *l, struct live_tenant *t) {
  struct err err;
  char *text;
  int64_t revision;
  struct gate_limits limits = {0};
  struct live_fuse fuse = {0};
  enum status st = tenant_limits_get(control(l), t->id, &text, &revision, &err);
  json_t *settings = st == OK ? json_loads(text, 0, NULL) : NULL;
  if (st == OK) free(text);
  if (st == OK) st = live_tenant_limits_read(settings, &limits, &fuse, &err);
  json_decref(settings);
  if (st != OK) {
    say(l, "a tenant's", &err);
    return;  // what held before goes on
  }
  limits.max_trades = t->tenant.scope.limits.max_trades;
  t->tenant.scope.limits = limits;
  (void)last_check_budget(l->last, LAST_TENANT, (uint64_t)t->id, fuse.orders, fuse.notional_e8);  // no room trips everything, as it must
}

struct live_tenant *live_tenant_of(struct live *l, int64_t id) {
  for (struct live_tenant *t = l->tenants; t; t = t->next)
    if (t->id == id) return t;
  struct live_tenant *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->id = id;
  clerk_tenant_init(&t->tenant, (uint64_t)id, &(struct gate_limits){0});
  tenant_limits_take(l, t);
  grant_take(l, t);
  t->next = l->tenants;
  return l->tenants = t;
}

void live_tenant_changed(struct live *l, int64_t tenant_id) {
  for (struct live_tenant *t = l->tenants; t; t = t->next)
    if (t->id == tenant_id || tenant_id == 0) tenant_limits_take(l, t), grant_take(l, t);
}

void live_grants_poll(struct live *l) {
  const int64_t now_ns = clock_wall_ns();
  int asked = 0;
  for (struct live_tenant *t = l->tenants; t && asked < GRANTS_AT_ONCE; t = t->next)
    if (now_ns - t->granted_ns > GRANT_AGE_NS) grant_take(l, t), asked++;
}

// ---- accounts

void live_account_changed(struct live *l, int64_t account_id) {
  struct live_account *a = live_account_find(l, account_id);
  struct account_row row;
  struct err err;
  if (!a || !a->account) return;  // whoever opens it reads them
  enum status st = account_get(control(l), a->tenant->id, account_id, &row, &err);
  struct live_setup *setup = st == OK ? malloc(sizeof *setup) : NULL;
  json_t *settings = st == OK ? json_loads(row.settings, 0, NULL) : NULL;
  if (st == OK && !setup) st = err_set(&err, ERR_NOMEM, "no memory for settings");
  if (st == OK) st = live_setup_read(NULL, settings, false, setup, &err);
  if (st == OK) clerk_account_limits(a->account, &setup->account_limits);
  if (st == OK) (void)last_check_budget(l->last, LAST_ACCOUNT, (uint64_t)a->id, setup->account_fuse.orders, setup->account_fuse.notional_e8);
  if (st == OK && strcmp(setup->rules, a->rules_name) != 0) live_rules_changed(l, a, setup->rules);
  if (st == OK) live_rules_act(l);
  if (st != OK) say(l, "an account's", &err);
  json_decref(settings);
  free(setup);
}

// ---- bots

void live_limits_tell(struct live_bot *b) {
  struct buf frame;
  buf_init(&frame, 256);
  wire_put_limits(&frame, (uint64_t)b->id, &b->setup->risk);
  b->limits_due = !b->opened || !fleet_send(b->live->fleet, b->id, &frame);
  buf_finish(&frame);
}

static void journal_limits(struct live_bot *b) {
  struct record r;
  if (!b->told_run) return;  // its run will begin with them
  live_commands_flush(b);
  record_init(&r, RECORD_LIMITS, b->instant_ns > b->live_from_ns ? b->instant_ns : b->live_from_ns);
  r.settings = record_text(b->row.settings, strlen(b->row.settings));
  live_record(b, &r, true, false, false);
}

void live_limits_changed(struct live_bot *b) {
  struct err err;
  struct live_setup *setup = malloc(sizeof *setup);
  json_t *settings = json_loads(b->row.settings, 0, NULL);
  enum status st = setup ? live_setup_read(settings, NULL, false, setup, &err) : err_set(&err, ERR_NOMEM, "no memory for settings");
  json_decref(settings);
  struct live_setup now = *b->setup;
  const bool protections = st == OK && (setup->protection_count != b->setup->protection_count ||
                                        memcmp(setup->protections, b->setup->protections, setup->protection_count * sizeof *setup->protections) != 0);
  if (protections) st = clerk_protections(b->clerk, setup->protections, setup->protection_count, &err);
  if (st == OK) {
    now.bot_limits = setup->bot_limits;
    now.risk = setup->risk;
    now.bot_fuse = setup->bot_fuse;
    memcpy(now.protections, setup->protections, sizeof setup->protections);
    now.protection_count = setup->protection_count;
    if (!live_setup_set(b, &now)) st = err_set(&err, ERR_NOMEM, "no memory for settings");
  }
  free(setup);
  if (st != OK) {
    say(b->live, b->channel + 4, &err);
    return;
  }
  clerk_limits(b->clerk, &b->setup->bot_limits);
  (void)last_check_budget(b->live->last, LAST_BOT, (uint64_t)b->id, b->setup->bot_fuse.orders, b->setup->bot_fuse.notional_e8);
  live_limits_tell(b);
  journal_limits(b);
  live_log(b, b->instant_ns, LOG_INFO, "its limits were changed", 23);
  if (!b->busy) live_hand_over(b->live, b->place);  // else with the rest of its instant
}

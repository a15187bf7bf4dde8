// tenant/revenue.c – see revenue.h.
#include "tenant/revenue.h"

#include "base/json.h"
#include "base/money.h"
#include "store/desk_rows.h"

#include <string.h>

struct sum {
  const struct plan_set *set;
  struct revenue *ret;
  int64_t stayed;   // paid 30 days ago and pay now
  bool overflow;
};

static void add(struct sum *s, int64_t *to, int64_t price_e8, int64_t count) {
  int64_t whole;
  if (!narrow_checked((int128)price_e8 * count, &whole) || !add_checked(*to, whole, to)) s->overflow = true;
}

static bool priced(const struct plan_set *set, const char *plan) {
  const int at = plan_find(set, plan);
  return at >= 0 && set->plans[at].month_e8 > 0;
}

// What a month of the add-ons costs; counts them where they are paid for.
static int64_t addons_price(struct sum *s, const struct desk_subscriptions *row, bool paid) {
  json_t *o = json_loads(row->addons, 0, NULL), *value;
  const char *id;
  int64_t price_e8 = 0;
  json_object_foreach(o, id, value) {
    const int at = addon_find(s->set, id);
    const int64_t n = json_integer_value(value);
    if (at < 0 || n <= 0) continue;
    add(s, &price_e8, s->set->addons[at].month_e8, n);
    if (!paid) continue;
    add(s, &s->ret->addons[at], n, row->count);
    add(s, &s->ret->addons_mrr_e8[at], s->set->addons[at].month_e8, n * row->count);
  }
  json_decref(o);
  return price_e8;
}

static void count_one(void *arg, const struct desk_subscriptions *row) {
  struct sum *s = arg;
  struct revenue *r = s->ret;
  const int at = plan_find(s->set, row->plan);
  if (at < 0) {
    r->unpriced += row->count;
    return;
  }
  struct revenue_plan *p = &r->plans[at];
  const bool past_due = strcmp(row->state, "past_due") == 0, paid = past_due || strcmp(row->state, "active") == 0, leaving = strcmp(row->state, "cancelled") == 0;
  *(past_due ? &p->past_due : paid ? &p->active : leaving ? &p->leaving : &p->granted) += row->count;
  if (!paid && !leaving) return;
  const int64_t plan_e8 = s->set->plans[at].month_e8, more_e8 = addons_price(s, row, paid);
  if (plan_e8 + more_e8 == 0) return;
  if (paid) {
    add(s, &p->mrr_e8, plan_e8, row->count);
    add(s, &r->mrr_e8, plan_e8, row->count);
    add(s, &r->mrr_e8, more_e8, row->count);
    r->paying += row->count;
    if (past_due) r->past_due += row->count;
  } else {
    add(s, &r->leaving_mrr_e8, plan_e8, row->count);
    add(s, &r->leaving_mrr_e8, more_e8, row->count);
    r->leaving += row->count;
  }
}

static void count_change(void *arg, const struct desk_change *row) {
  struct sum *s = arg;
  if (!priced(s->set, row->plan_then)) return;
  s->ret->before += row->count;
  if (row->cancelled || !priced(s->set, row->plan_now)) s->ret->lost += row->count;
  else s->stayed += row->count;
}

enum status revenue_load(struct db *db, const struct plan_set *set, int64_t now_ns, struct revenue *ret, struct err *err) {
  struct sum s = {.set = set, .ret = ret};
  memset(ret, 0, sizeof *ret);
  enum status st = desk_subscriptions(db, now_ns, count_one, &s, err);
  if (st == OK) st = desk_changes(db, now_ns - REVENUE_WINDOW_NS, count_change, &s, err);
  if (st == OK) st = desk_counts(db, now_ns, &ret->exceptions, &ret->tenants, err);
  if (st != OK) return st;
  ret->joined = ret->paying > s.stayed ? ret->paying - s.stayed : 0;
  if (ret->paying) ret->arpu_e8 = ret->mrr_e8 / ret->paying;
  if (ret->lost && !narrow_checked((int128)ret->arpu_e8 * ret->before / ret->lost, &ret->ltv_e8)) s.overflow = true;
  return s.overflow ? err_set(err, ERR_LIMIT, "the revenue does not fit into 64 bits") : OK;
}

// bot/live_news.c – calendars of news (store/news_rows, risk/news.h) over running accounts: a tenant's own entries and the installation's
// together. Read when an account first has rules, and again when somebody has changed one.
//
// A window begins at its time, bar or no bar: bots that it concerns are called to an instant of their venue's clock then (live_clock.c), so
// that what it forbids is cancelled or closed.
#include "bot/live_impl.h"
#include "risk/news.h"
#include "store/news_rows.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(NEWS_WHAT_TEXT == NEWS_WHAT_SIZE, "a row holds what an entry concerns");

struct reading {
  struct news_event *events;
  size_t count, cap;
  bool failed;
};

static bool take(void *arg, const struct news_row *row) {
  struct reading *r = arg;
  if (r->count == r->cap) {
    const size_t cap = r->cap ? 2 * r->cap : 64;
    struct news_event *more = realloc(r->events, cap * sizeof *more);
    if (!more) return r->failed = true, false;
    r->events = more;
    r->cap = cap;
  }
  struct news_event *e = &r->events[r->count++];
  *e = (struct news_event){.from_ns = row->from_ns, .to_ns = row->to_ns, .impact = row->impact >= 0 && row->impact < NEWS_IMPACT_COUNT ? (enum news_impact)row->impact : NEWS_HIGH};
  memcpy(e->what, row->what, strlen(row->what) + 1);
  return true;
}

static void read_all(struct live *l, struct live_tenant *t) {
  struct db *db = store_reader(l->config.store, STORE_CONTROL);
  struct reading r = {0};
  struct news_list *list = NULL;
  struct err err;
  enum status st = news_list_rows(db, t->id, 0, INT64_MAX, NEWS_ROWS_MAX, take, &r, &err);
  if (st == OK) st = news_list_rows(db, 0, 0, INT64_MAX, NEWS_ROWS_MAX, take, &r, &err);
  if (st == OK && r.failed) st = err_set(&err, ERR_NOMEM, "out of memory");
  if (st == OK) st = news_list_create(r.events, r.count, &list, &err);
  free(r.events);
  if (st != OK) {  // what was known goes on
    l->config.log(l->config.self, "error", "news_unreadable", json_pack("{s:s}", "error", err.msg));
    return;
  }
  t->news_known = true;
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_account *a = l->accounts[i]; a; a = a->next)
      if (a->tenant == t && a->account) clerk_account_news(a->account, list);
  news_list_destroy(t->news);
  t->news = list;
}

void live_news_join(struct live *l, struct live_account *a) {
  if (!a->tenant->news_known) read_all(l, a->tenant);
  clerk_account_news(a->account, a->tenant->news);
}

void live_news_due(struct live_bot *b) {
  const int64_t next_ns = b->clerk && b->account && b->account->rules ? clerk_news_next(b->clerk) : INT64_MAX;
  if (next_ns == b->news_ns) return;
  b->news_ns = next_ns;
  live_clock_update(b);
}

void live_news_changed(struct live *l, int64_t tenant_id) {
  for (struct live_tenant *t = l->tenants; t; t = t->next)
    if (t->news_known && (!tenant_id || t->id == tenant_id)) read_all(l, t);
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i]; b; b = b->next)
      if (b->clerk && b->account && b->account->rules && (!tenant_id || b->tenant_id == tenant_id)) {
        live_news_due(b);
        live_clock_soon(b);  // one may hold already
      }
}

void live_news_finish(struct live_tenant *t) { news_list_destroy(t->news); }

// venue/remote_limits.c – see remote_limits.h; and what an answer says about how much is left, and until when.
#include "venue/remote_limits.h"

#include "crypto/sha256.h"
#include "loop/clock.h"
#include "venue/remote_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MS 600000   // budgets that nobody uses: longer than any venue counts
#define BAN_MS 600000    // 403 and 418: the address is shut out
#define BUSY_MS 10000    // 429 without a word about how long
#define WAIT_MAX_MS 86400000

struct remote_limits {
  struct remote_budgets *first;
};

enum status remote_limits_create(struct remote_limits **ret, struct err *err) {
  *ret = calloc(1, sizeof **ret);
  return *ret ? OK : err_set(err, ERR_NOMEM, "budgets of venues");
}

static void budgets_free(struct remote_budgets *b) {
  for (int i = 0; i < b->count; i++) budget_finish(&b->list[i].budget);
  free(b);
}

void remote_limits_destroy(struct remote_limits *l) {
  for (struct remote_budgets *b = l ? l->first : NULL, *next; b; b = next) {
    next = b->next;
    budgets_free(b);
  }
  free(l);
}

// ---- whose they are

// The venue, its host, and the key's hash or nothing: a key is not kept here.
static void owner_of(const struct remote_site *site, const char *key, char ret[REMOTE_OWNER_MAX]) {
  char hash[SHA256_HEX_SIZE] = "";
  if (key) sha256_hex(key, strlen(key), hash);
  snprintf(ret, REMOTE_OWNER_MAX, "%s %s %.32s", dialect_info(site->dialect)->name, remote_rest(site), hash);
}

static void forget_old(struct remote_limits *l, int64_t now_ms) {
  for (struct remote_budgets **at = &l->first; *at;) {
    struct remote_budgets *b = *at;
    if (b->users > 0 || now_ms - b->left_ms < KEPT_MS) {
      at = &b->next;
      continue;
    }
    *at = b->next;
    budgets_free(b);
  }
}

static struct remote_budget *find(struct remote_budgets *b, const char *name) {
  for (int i = 0; i < b->count; i++)
    if (strcmp(b->list[i].name, name) == 0) return &b->list[i];
  return NULL;
}

// One that counts otherwise than before: what the last span used is not known to it, so it begins as if it were all of it.
static enum status meet_one(struct remote_budgets *b, const struct dialect_budget *d, int64_t now_ms, struct err *err) {
  struct remote_budget *one = find(b, d->name);
  struct budget fresh;
  if (one && one->budget.count == d->count && one->budget.per_ms == d->per_ms) return OK;
  if (!one && b->count == REMOTE_BUDGETS_MAX) return err_set(err, ERR_LIMIT, "too many budgets");
  enum status st = budget_init(&fresh, d->count, d->per_ms, err);
  if (st != OK) return st;
  if (one) {
    fresh.until_ms = one->budget.until_ms;
    for (int n = 0; n < d->count; n++) budget_spend(&fresh, now_ms);
    budget_finish(&one->budget);
  } else {
    one = &b->list[b->count++];
    snprintf(one->name, sizeof one->name, "%s", d->name);
  }
  one->budget = fresh;
  return OK;
}

enum status remote_budgets_meet(struct remote_budgets *b, const struct dialect_info *info, enum dialect_by by, int64_t now_ms, struct err *err) {
  enum status st = OK;
  for (int i = 0; i < info->budget_count && st == OK; i++)
    if (info->budgets[i].by == by) st = meet_one(b, &info->budgets[i], now_ms, err);
  return st;
}

enum status remote_budgets_get(struct remote_site *site, const char *key, struct remote_budgets **ret, struct err *err) {
  struct remote_limits *l = site->limits;
  const int64_t now_ms = loop_now_ms(site->loop);
  char owner[REMOTE_OWNER_MAX];
  owner_of(site, key, owner);
  forget_old(l, now_ms);
  struct remote_budgets *b = l->first;
  while (b && strcmp(b->owner, owner) != 0) b = b->next;
  if (!b) {
    b = calloc(1, sizeof *b);
    if (!b) return err_set(err, ERR_NOMEM, "budgets of a venue");
    memcpy(b->owner, owner, sizeof b->owner);
    b->next = l->first;
    l->first = b;
  }
  b->left_ms = now_ms;
  const enum status st = remote_budgets_meet(b, dialect_info(site->dialect), key ? DIALECT_BY_KEY : DIALECT_BY_IP, now_ms, err);
  if (st != OK) return st;
  b->users++;
  return *ret = b, OK;
}

void remote_budgets_put(struct remote_site *site, struct remote_budgets *b) {
  if (!b) return;
  b->users--;
  b->left_ms = loop_now_ms(site->loop);
}

// ---- of a request

unsigned remote_budgets_of(const struct remote_call *c, struct budget *ret[REMOTE_BUDGETS_MAX]) {
  const struct dialect_info *info = dialect_info(c->site->dialect);
  unsigned n = 0;
  for (int i = 0; i < info->budget_count; i++) {
    const struct dialect_budget *d = &info->budgets[i];
    if (strcmp(d->name, "all") != 0 && strcmp(d->name, c->request.budget) != 0) continue;
    struct remote_budgets *whose = d->by == DIALECT_BY_IP ? c->site->by_ip : c->session ? c->session->by_key : NULL;
    struct remote_budget *one = whose ? find(whose, d->name) : NULL;
    if (one) ret[n++] = &one->budget;
  }
  return n;
}

// ---- what answers say

static bool whole_number(const char *text, int64_t *ret) {
  const size_t len = text ? strspn(text, "0123456789") : 0;
  if (len == 0 || len > 15 || text[len]) return false;
  return *ret = strtoll(text, NULL, 10), true;
}

static int64_t until(const struct remote_call *c, int64_t utc_ms) {
  return utc_ms - venue_clock_at(&c->site->clock, clock_monotonic_ns()) / REMOTE_NS_OF_MS;
}

// How long to wait by what the venue says; 0: it does not, or what makes no sense.
static int64_t told_ms(const struct remote_call *c, const struct http_client_answer *a) {
  const struct dialect_info *info = dialect_info(c->site->dialect);
  const char *after = http_client_field(a, "retry-after");
  const char *reset = info->rate.reset[0] ? http_client_field(a, info->rate.reset) : NULL;
  int64_t n, date_ns, wait_ms = 0;
  if (whole_number(after, &n)) wait_ms = n <= WAIT_MAX_MS / 1000 ? n * 1000 : 0;
  else if (after && venue_clock_date(after, &date_ns)) wait_ms = until(c, date_ns / REMOTE_NS_OF_MS);
  else if (info->rate.after[0] && whole_number(http_client_field(a, info->rate.after), &n)) wait_ms = n <= WAIT_MAX_MS / 1000 ? n * 1000 : 0;
  else if (whole_number(reset, &n)) wait_ms = until(c, n);
  return wait_ms > 0 && wait_ms <= WAIT_MAX_MS ? wait_ms : 0;
}

void remote_throttled(const struct remote_call *c, const struct http_client_answer *a) {
  struct budget *list[REMOTE_BUDGETS_MAX];
  const unsigned n = remote_budgets_of(c, list);
  int64_t wait_ms = told_ms(c, a);
  if (wait_ms == 0 && (a->status == 403 || a->status == 418)) wait_ms = BAN_MS;
  else if (wait_ms == 0 && a->status == 429) wait_ms = BUSY_MS;
  const int64_t now_ms = loop_now_ms(c->site->loop);
  for (unsigned i = 0; i < n; i++) budget_throttle(list[i], wait_ms, now_ms);
  remote_log(c->site, c->session, "throttled at %s (HTTP %d)", dialect_op_text(c->op), a->status);
}

// Nothing is left of the request's own budget, somebody else with the key has used it: then it is so until the venue counts anew.
static void heed_left(const struct remote_call *c, const struct http_client_answer *a, struct budget *own) {
  const struct dialect_info *info = dialect_info(c->site->dialect);
  int64_t left, reset_ms;
  if (!info->rate.left[0] || !info->rate.reset[0] || !whole_number(http_client_field(a, info->rate.left), &left) || left > 0) return;
  if (!whole_number(http_client_field(a, info->rate.reset), &reset_ms)) return;
  const int64_t wait_ms = until(c, reset_ms);
  if (wait_ms > 0 && wait_ms <= own->per_ms) budget_throttle(own, wait_ms, loop_now_ms(c->site->loop));
}

void remote_peace(const struct remote_call *c, const struct http_client_answer *a) {
  struct budget *list[REMOTE_BUDGETS_MAX];
  const unsigned n = remote_budgets_of(c, list);
  for (unsigned i = 0; i < n; i++) budget_peace(list[i]);
  const struct remote_budget *own = c->session && c->request.budget[0] && strcmp(c->request.budget, "all") != 0 ? find(c->session->by_key, c->request.budget) : NULL;
  for (unsigned i = 0; own && i < n; i++)
    if (list[i] == &own->budget) heed_left(c, a, list[i]);
}

// bot/fleet.c – bots and their places: which host a tenant's bots live on.
#include "bot/fleet_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- things found by number

static size_t slot_of(const struct fleet_map *m, int64_t key) {
  uint64_t x = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(x >> 32) & (m->slot_count - 1);
}

struct fleet_map_node *fleet_map_find(const struct fleet_map *m, int64_t key) {
  struct fleet_map_node *n = m->slot_count ? m->slots[slot_of(m, key)] : NULL;
  while (n && n->key != key) n = n->next;
  return n;
}

bool fleet_map_add(struct fleet_map *m, struct fleet_map_node *node) {
  if (m->count == m->slot_count) {
    struct fleet_map more = {.slot_count = m->slot_count ? m->slot_count * 2 : 64, .count = m->count};
    more.slots = calloc(more.slot_count, sizeof *more.slots);
    if (!more.slots) return false;
    for (size_t i = 0; i < m->slot_count; i++) {
      for (struct fleet_map_node *n = m->slots[i], *next; n; n = next) {
        next = n->next;
        struct fleet_map_node **to = &more.slots[slot_of(&more, n->key)];
        n->next = *to;
        *to = n;
      }
    }
    free(m->slots);
    *m = more;
  }
  struct fleet_map_node **to = &m->slots[slot_of(m, node->key)];
  node->next = *to;
  *to = node;
  m->count++;
  return true;
}

void fleet_map_remove(struct fleet_map *m, struct fleet_map_node *node) {
  struct fleet_map_node **at = &m->slots[slot_of(m, node->key)];
  while (*at != node) at = &(*at)->next;
  *at = node->next;
  m->count--;
}

void fleet_bots_add(struct fleet_bots *l, struct fleet_bot *b) {
  b->prev = l->last;
  b->next = NULL;
  if (l->last) l->last->next = b;
  else l->first = b;
  l->last = b;
  l->count++;
}

void fleet_bots_remove(struct fleet_bots *l, struct fleet_bot *b) {
  if (b->prev) b->prev->next = b->next;
  else l->first = b->next;
  if (b->next) b->next->prev = b->prev;
  else l->last = b->prev;
  b->prev = b->next = NULL;
  l->count--;
}

struct fleet_bot *fleet_find(const struct fleet *f, int64_t bot) { return (struct fleet_bot *)fleet_map_find(&f->bots, bot); }

// ---- places

static unsigned load(const struct fleet_host *h) { return h->waiting.count + h->running.count; }

enum kind { KIND_SHARED, KIND_OWN, KIND_NEWCOMERS, KIND_SLOW };
static enum kind kind_of(const struct fleet_host *h) { return h->slow ? KIND_SLOW : h->newcomers ? KIND_NEWCOMERS : h->own ? KIND_OWN : KIND_SHARED; }

// The host with the fewest bots among those of the kind that the tenant is not on yet. A host of one's own must be free.
static int emptiest(const struct fleet *f, const struct fleet_tenant *t, enum kind kind) {
  int best = -1;
  for (int i = 0; i < f->host_count; i++) {
    const struct fleet_host *h = &f->hosts[i];
    if (kind_of(h) != kind || t->on[i] || (kind == KIND_OWN && h->state != HOST_OFF)) continue;
    if (best < 0 || load(h) < load(&f->hosts[best])) best = i;
  }
  return best;
}

static bool among_slow(const struct fleet *f, const struct fleet_tenant *t) { return t->slow >= SLOW_INSTANTS && f->hosts[f->host_count - 1].slow; }

static int choose(const struct fleet *f, const struct fleet_tenant *t, bool own) {
  int mine = -1;
  if (among_slow(f, t) && !own) return f->host_count - 1;
  for (int i = 0; i < f->host_count; i++) {
    if (t->on[i] && (mine < 0 || t->on[i] < t->on[mine])) mine = i;
  }
  if (mine >= 0 && t->on[mine] < f->c.tenant_bots) return mine;
  int another = own ? emptiest(f, t, KIND_OWN) : -1;
  // who has a host of their own and finds no second stays there
  if (another >= 0 || (mine >= 0 && f->hosts[mine].own)) return another >= 0 ? another : mine;
  // Kept apart are newcomers from those who are known, not from each other: where nobody is known there is nobody to be hindered.
  if (fleet_is_new(f, t)) another = emptiest(f, t, KIND_NEWCOMERS);
  if (another < 0) another = emptiest(f, t, KIND_SHARED);
  return another >= 0 ? another : mine;
}

struct fleet_tenant *fleet_tenant_get(struct fleet *f, int64_t tenant) {
  struct fleet_tenant *t = (struct fleet_tenant *)fleet_map_find(&f->tenants, tenant);
  if (t) return t;
  if (!(t = calloc(1, sizeof *t))) return NULL;
  t->node.key = tenant;
  if (fleet_map_add(&f->tenants, &t->node)) return t;
  free(t);
  return NULL;
}

static void tenant_leave(struct fleet *f, struct fleet_tenant *t, int host) {
  if (host >= 0) {
    t->on[host]--;
    t->bots--;
  }
  if (t->bots || t->slow || t->quick) return;  // who was slow, or quick, is remembered
  fleet_map_remove(&f->tenants, &t->node);
  free(t);
}

// A bot's series leave its host; those of the first `count` needs.
static void leave_series(struct fleet_host *h, const struct fleet_bot *b, int count) {
  for (int i = 0; i < count; i++) fleet_series_leave(h, b->needs[i].series);
}

static enum status settle(struct fleet *f, struct fleet_tenant *t, struct fleet_bot *b, bool own, struct err *err) {
  int host = choose(f, t, own);
  struct fleet_host *h = &f->hosts[host];
  for (int i = 0; i < b->need_count; i++) {
    if (fleet_series_use(h, &b->needs[i])) continue;
    leave_series(h, b, i);
    return err_set(err, ERR_LIMIT, "its host has no room for more series");
  }
  if (!fleet_map_add(&f->bots, &b->node)) {
    leave_series(h, b, b->need_count);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  b->host = host;
  t->on[host]++;
  t->bots++;
  fleet_bots_add(&h->waiting, b);
  if (h->state == HOST_OFF) {
    h->state = HOST_BACKOFF;
    h->start_ms = 0;
    h->next_seq = f->queue_end;
  }
  return OK;
}

enum status fleet_place(struct fleet *f, int64_t bot, int64_t tenant, bool own_host, const struct fleet_need *needs, int need_count,
  struct err *err) {
  assert(bot > 0 && need_count > 0 && need_count <= FLEET_NEEDS_MAX);
  if (fleet_find(f, bot)) return err_set(err, ERR_EXISTS, "the bot has a host");
  struct fleet_bot *b = calloc(1, sizeof *b + (size_t)need_count * sizeof *needs);
  struct fleet_tenant *t = b ? fleet_tenant_get(f, tenant) : NULL;
  if (!b || !t) {
    free(b);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  b->node.key = bot;
  b->tenant = tenant;
  b->since_seq = f->queue_end;
  b->need_count = need_count;
  memcpy(b->needs, needs, (size_t)need_count * sizeof *needs);
  enum status st = settle(f, t, b, own_host, err);
  if (st != OK) {
    tenant_leave(f, t, -1);
    free(b);
  }
  return st;  // it is opened with a later turn of the loop
}

// Whatever the host has of it goes; its place stays.
static void take_off(struct fleet *f, struct fleet_bot *b, const char *why) {
  struct fleet_host *h = &f->hosts[b->host];
  bool known = b->state == BOT_OPEN || (h->opening == b && h->opening_sent);
  if (known && h->state == HOST_UP) wire_put_bot_close(&h->out, (uint64_t)b->node.key, why);
  if (h->opening == b) fleet_opening_stop(h);
  if (b->state == BOT_OPEN) h->open_count--;
  fleet_bots_remove(b->state == BOT_WAITING ? &h->waiting : &h->running, b);
}

static void drop(struct fleet *f, struct fleet_bot *b) {
  leave_series(&f->hosts[b->host], b, b->need_count);
  fleet_map_remove(&f->bots, &b->node);
  tenant_leave(f, (struct fleet_tenant *)fleet_map_find(&f->tenants, b->tenant), b->host);
  free(b);
}

void fleet_forget(struct fleet *f, struct fleet_bot *b) {
  take_off(f, b, "");
  drop(f, b);
}

void fleet_remove(struct fleet *f, int64_t bot, const char *why) {
  struct fleet_bot *b = fleet_find(f, bot);
  if (!b) return;
  struct fleet_host *h = &f->hosts[b->host];
  take_off(f, b, why);
  drop(f, b);
  if (!h->pumping) fleet_flush(h);
}

void fleet_reopen(struct fleet *f, int64_t bot) {
  struct fleet_bot *b = fleet_find(f, bot);
  if (!b || b->state == BOT_WAITING) return;
  take_off(f, b, "opened anew");
  b->state = BOT_WAITING;
  b->heard = false;
  fleet_bots_add(&f->hosts[b->host].waiting, b);
  if (!f->hosts[b->host].pumping) fleet_flush(&f->hosts[b->host]);
}

int fleet_host_of(const struct fleet *f, int64_t bot) {
  const struct fleet_bot *b = fleet_find(f, bot);
  return b ? b->host : -1;
}

bool fleet_is_open(const struct fleet *f, int64_t bot) {
  const struct fleet_bot *b = fleet_find(f, bot);
  return b && b->state == BOT_OPEN;
}

bool fleet_send(struct fleet *f, int64_t bot, const struct buf *frames) {
  struct fleet_bot *b = fleet_find(f, bot);
  if (!b || b->state != BOT_OPEN || frames->failed) return false;
  struct fleet_host *h = &f->hosts[b->host];
  buf_add(&h->out, frames->data, frames->len);
  if (!h->pumping || h->out.failed) fleet_flush(h);
  return h->state == HOST_UP;
}

void fleet_blame(struct fleet *f, int host, int64_t bot, const char *why) {
  assert(host >= 0 && host < f->host_count);
  fleet_host_fail(&f->hosts[host], false, bot, "%s", why);
}

// ---- figures

struct fleet_stats fleet_stats(const struct fleet *f) {
  struct fleet_stats s = f->stats;
  for (int i = 0; i < f->host_count; i++) {
    const struct fleet_host *h = &f->hosts[i];
    s.hosts++;
    s.hosts_up += h->state == HOST_UP;
    s.bots += load(h);
    s.bots_open += h->open_count;
  }
  s.queue = (unsigned)(f->queue_end - f->queue_first);
  for (unsigned level = 1; level <= WIRE_QUICK_LEVELS; level++) s.known += f->known[level];
  return s;
}

struct fleet_host_stats fleet_host_stats(const struct fleet *f, int host) {
  assert(host >= 0 && host < f->host_count);
  const struct fleet_host *h = &f->hosts[host];
  unsigned tenants = 0;
  for (size_t i = 0; i < f->tenants.slot_count; i++)
    for (const struct fleet_map_node *n = f->tenants.slots[i]; n; n = n->next) tenants += ((const struct fleet_tenant *)n)->on[host] > 0;
  return (struct fleet_host_stats){
      .up = h->state == HOST_UP, .own = h->own, .newcomers = h->newcomers, .slow = h->slow, .tenants = tenants, .bots = load(h), .bots_open = h->open_count, .series = (unsigned)h->series_count,
      .queue = (unsigned)(f->queue_end - h->next_seq), .restarts = h->restarts, .pid = h->child ? loop_child_pid(h->child) : 0, .instant_us = h->instant_us};
}

void fleet_log(struct fleet *f, const char *level, const char *fmt, ...) {
  if (!f->c.call.log) return;
  char text[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  f->c.call.log(f->c.self, level, text);
}

bool fleet_scratch(struct fleet *f, size_t bars) {
  if (bars > WIRE_INSTANT_MAX) bars = WIRE_INSTANT_MAX;
  if (bars <= f->scratch_cap) return true;
  struct wire_bar *more = realloc(f->scratch, bars * sizeof *more);
  if (!more) return false;
  f->scratch = more;
  f->scratch_cap = bars;
  return true;
}

// ---- the whole

static void tick(void *arg) {
  struct fleet *f = arg;
  fleet_tell_slow(f);
  int64_t now = loop_now_ms(f->c.loop), gap = now - f->ticked_ms;
  f->ticked_ms = now;
  for (int i = 0; i < f->host_count; i++) {
    struct fleet_host *h = &f->hosts[i];
    if (gap > 4 * f->tick_ms) {  // we were stopped or busy: nobody can be judged for that time
      h->expect_ms += gap;
      h->seen_ms += gap;
    }
    fleet_host_tick(h, now);
  }
}

#define OR(member, value) if (c->member == 0) c->member = (value)
static void defaults(struct fleet_config *c) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  OR(stderr_fd, 2);
  OR(hosts, cores < 1 ? 1 : cores > 8 ? 8 : (int)cores);
  OR(hosts_own, 8);
  OR(hosts_new, c->hosts);
  if (!c->call.tenant_slow) c->hosts_new = 0;
  OR(memory_bytes, UINT64_C(8) << 30);
  OR(out_bytes, (size_t)32 << 20);
  OR(in_bytes, (size_t)64 << 20);
  OR(queue_max, 1024);
  OR(tenant_bots, 1000);
  OR(hello_ms, 20000);
  OR(instant_ms, 5000);
  OR(open_ms, 20000);
  OR(ping_ms, 1000);
  OR(pong_ms, 10000);
  OR(backoff_ms, 50);
  OR(backoff_max_ms, 10000);
  OR(after_ms, 20);
  OR(recover_ms, 10000);
}

static enum status init(struct fleet *f, struct err *err) {
  const struct fleet_config *c = &f->c;
  f->queue_cap = 4 * (size_t)c->queue_max;
  f->queue = calloc(f->queue_cap, sizeof *f->queue);
  const int slow = c->call.tenant_slow != NULL;  // the last
  f->host_count = c->hosts + c->hosts_own + c->hosts_new + slow;
  f->hosts = calloc((size_t)f->host_count, sizeof *f->hosts);
  if (!f->queue || !f->hosts) return err_set(err, ERR_NOMEM, "out of memory");
  for (int i = 0; i < f->host_count; i++) {
    struct fleet_host *h = &f->hosts[i];
    h->fleet = f;
    h->index = i;
    h->fd = -1;
    h->own = i >= c->hosts && i < c->hosts + c->hosts_own;
    h->newcomers = i >= c->hosts + c->hosts_own && i < c->hosts + c->hosts_own + c->hosts_new;
    h->slow = i >= c->hosts + c->hosts_own + c->hosts_new;
    h->state = i < c->hosts ? HOST_BACKOFF : HOST_OFF;
  }
  int64_t least = c->instant_ms;
  const int64_t others[] = {c->hello_ms, c->open_ms, c->ping_ms, c->pong_ms, c->backoff_ms * 10};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) least = others[i] < least ? others[i] : least;
  f->tick_ms = least / 20 < 2 ? 2 : least / 20 > 50 ? 50 : least / 20;
  f->ticked_ms = loop_now_ms(c->loop);
  enum status st = loop_timer_create(c->loop, tick, f, &f->tick, err);
  if (st == OK) loop_timer_start(f->tick, 0, f->tick_ms);
  return st;
}

enum status fleet_create(const struct fleet_config *config, struct fleet **ret, struct err *err) {
  struct fleet_config c = *config;
  defaults(&c);
  if (!c.exe || !c.loop) return err_set(err, ERR_INVALID, "fleet: no program for hosts");
  const int most = FLEET_HOSTS_MAX - (c.call.tenant_slow != NULL);
  if (c.hosts < 1 || c.hosts > most || c.hosts_own < 0 || c.hosts_own > most - c.hosts || c.hosts_new < 0 || c.hosts_new > most - c.hosts - c.hosts_own || c.queue_max > 1000000)
    return err_set(err, ERR_INVALID, "fleet: at most %d hosts", FLEET_HOSTS_MAX);
  struct fleet *f = calloc(1, sizeof *f);
  if (!f) return err_set(err, ERR_NOMEM, "out of memory");
  f->c = c;
  f->exe = strdup(c.exe);
  enum status st = f->exe ? init(f, err) : err_set(err, ERR_NOMEM, "out of memory");
  if (st != OK) {
    fleet_destroy(f);
    return st;
  }
  *ret = f;
  return OK;
}

static bool any_left(const struct fleet *f) {
  for (int i = 0; i < f->host_count; i++) {
    if (f->hosts[i].child || f->hosts[i].pump.waiting) return true;
  }
  return false;
}

static void host_free(struct fleet_host *h) {
  hub_instant_unref(h->owed);
  for (struct fleet_bot *b = h->waiting.first, *next; b; b = next) {
    next = b->next;
    free(b);
  }
  free(h->series);
}

void fleet_destroy(struct fleet *f) {
  if (!f) return;
  f->closing = true;
  loop_timer_destroy(f->tick);
  for (int i = 0; i < f->host_count; i++) fleet_host_fail(&f->hosts[i], false, 0, "the fleet goes");
  while (any_left(f)) loop_turn(f->c.loop, true);
  for (; f->queue_first < f->queue_end; f->queue_first++) hub_instant_unref(fleet_queue_at(f, f->queue_first));
  for (int i = 0; i < f->host_count; i++) host_free(&f->hosts[i]);
  for (size_t i = 0; i < f->tenants.slot_count; i++) {
    for (struct fleet_map_node *n = f->tenants.slots[i], *next; n; n = next) {
      next = n->next;
      free(n);
    }
  }
  free(f->tenants.slots);
  free(f->bots.slots);
  free(f->hosts);
  free(f->queue);
  free(f->scratch);
  free(f->exe);
  free(f);
}

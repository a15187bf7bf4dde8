// bot/fleet_pace.c – which tenants are known to be quick, and which take long: what hosts tell of them (WIRE_QUICK, WIRE_SLOW, scripts that had to be
// stopped). It decides who shares a host with whom (fleet.c) and who comes first there (bot/host_tenant.c), and nothing else: a host that lies gains a place,
// no order and no data.
#include "bot/fleet_impl.h"

static struct fleet_tenant *find(const struct fleet *f, int64_t tenant) { return (struct fleet_tenant *)fleet_map_find(&f->tenants, tenant); }
static struct fleet_pace pace_of(const struct fleet_tenant *t) { return (struct fleet_pace){t->quick, t->slow >= SLOW_INSTANTS}; }

// Of level 0 nobody is counted.
static void count(struct fleet *f, unsigned level, int by) {
  if (level) f->known[level] += (unsigned)by;
}

// Kept apart from those who have been quick for long are those who have not been so for a sixteenth of that, but nobody who was quick for KNOWN_FOR_SURE:
// to be hostile among the others costs that much patience first, and is noticed once.
#define FAR_BELOW 4
#define KNOWN_FOR_SURE 5
bool fleet_is_new(const struct fleet *f, const struct fleet_tenant *t) {
  unsigned top = WIRE_QUICK_LEVELS;
  while (top && !f->known[top]) top--;
  const unsigned from = top > FAR_BELOW + KNOWN_FOR_SURE ? KNOWN_FOR_SURE : top > FAR_BELOW + 1 ? top - FAR_BELOW : 1;
  return top && t->quick < from;
}

static void became(struct fleet *f, const struct fleet_tenant *t, struct fleet_pace before) {
  const struct fleet_pace now = pace_of(t);
  count(f, before.quick, -1);
  count(f, now.quick, 1);
  if (f->c.call.tenant_pace && (now.quick != before.quick || now.slow != before.slow)) f->c.call.tenant_pace(f->c.self, t->node.key, now);
}

enum status fleet_pace_set(struct fleet *f, int64_t tenant, struct fleet_pace pace, struct err *err) {
  struct fleet_tenant *t = fleet_tenant_get(f, tenant);
  if (!t) return err_set(err, ERR_NOMEM, "out of memory");
  count(f, t->quick, -1);
  t->quick = pace.slow ? 0 : pace.quick < WIRE_QUICK_LEVELS ? pace.quick : WIRE_QUICK_LEVELS;
  t->slow = pace.slow ? SLOW_INSTANTS : 0;
  count(f, t->quick, 1);
  return OK;
}

struct fleet_pace fleet_pace(const struct fleet *f, int64_t tenant) {
  const struct fleet_tenant *t = find(f, tenant);
  return t ? pace_of(t) : (struct fleet_pace){0};
}

void fleet_quick(struct fleet *f, int64_t tenant, unsigned level) {
  struct fleet_tenant *t = find(f, tenant);
  if (!t || t->slow >= SLOW_INSTANTS || level == 0) return;
  const struct fleet_pace before = pace_of(t);
  t->quick = level;
  became(f, t, before);
}

void fleet_slow(struct fleet_host *h, int64_t tenant) {
  struct fleet *f = h->fleet;
  struct fleet_tenant *t = find(f, tenant);
  if (!t || h->slow || h->own || !f->c.call.tenant_slow) return;
  const struct fleet_pace before = pace_of(t);
  const int64_t now_ms = loop_now_ms(f->c.loop);
  if (t->slow < SLOW_INSTANTS && now_ms - t->slow_ms > SLOW_FORGET_MS) t->slow = 0;
  if (t->slow < SLOW_INSTANTS) t->slow++;
  t->slow_ms = now_ms;
  if (t->slow == SLOW_INSTANTS) t->quick = 0;
  became(f, t, before);
  if (t->slow < SLOW_INSTANTS || f->slow_due_count == SLOW_DUE_MAX) return;
  f->slow_due[f->slow_due_count].tenant = tenant;
  f->slow_due[f->slow_due_count++].host = h->index;
}

void fleet_over_budget(struct fleet_host *h, int64_t tenant) {
  struct fleet_tenant *t = find(h->fleet, tenant);
  if (t) {
    const struct fleet_pace before = pace_of(t);
    t->slow = SLOW_INSTANTS;
    t->quick = 0;
    became(h->fleet, t, before);
  }
  fleet_slow(h, tenant);
}

void fleet_tell_slow(struct fleet *f) {
  while (f->slow_due_count) {
    f->slow_due_count--;
    const int64_t tenant = f->slow_due[f->slow_due_count].tenant;
    const int host = f->slow_due[f->slow_due_count].host;
    const struct fleet_tenant *t = find(f, tenant);
    if (t && t->on[host]) f->c.call.tenant_slow(f->c.self, host, tenant);
  }
}

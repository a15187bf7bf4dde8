// bot/fleet_pace.c – which tenants are known to be quick, and which take long: what hosts tell of them (WIRE_QUICK, WIRE_SLOW, scripts that had to be
// stopped). It decides who shares a host with whom (fleet.c), and nothing else: a host that lies gains a place, no order and no data.
#include "bot/fleet_impl.h"

void fleet_quick(struct fleet *f, int64_t tenant) {
  struct fleet_tenant *t = (struct fleet_tenant *)fleet_map_find(&f->tenants, tenant);
  if (!t || t->known || t->slow >= SLOW_INSTANTS) return;
  t->known = true;
  f->known++;
}

static void not_known(struct fleet *f, struct fleet_tenant *t) {
  f->known -= t->known;
  t->known = false;
}

void fleet_slow(struct fleet_host *h, int64_t tenant) {
  struct fleet *f = h->fleet;
  struct fleet_tenant *t = (struct fleet_tenant *)fleet_map_find(&f->tenants, tenant);
  if (!t || h->slow || h->own || !f->c.call.tenant_slow) return;
  const int64_t now_ms = loop_now_ms(f->c.loop);
  if (t->slow < SLOW_INSTANTS && now_ms - t->slow_ms > SLOW_FORGET_MS) t->slow = 0;
  if (t->slow < SLOW_INSTANTS) t->slow++;
  t->slow_ms = now_ms;
  if (t->slow == SLOW_INSTANTS) not_known(f, t);
  if (t->slow < SLOW_INSTANTS || f->slow_due_count == SLOW_DUE_MAX) return;
  f->slow_due[f->slow_due_count].tenant = tenant;
  f->slow_due[f->slow_due_count++].host = h->index;
}

void fleet_over_budget(struct fleet_host *h, int64_t tenant) {
  struct fleet_tenant *t = (struct fleet_tenant *)fleet_map_find(&h->fleet->tenants, tenant);
  if (t) {
    t->slow = SLOW_INSTANTS;
    not_known(h->fleet, t);
  }
  fleet_slow(h, tenant);
}

void fleet_tell_slow(struct fleet *f) {
  while (f->slow_due_count) {
    f->slow_due_count--;
    const int64_t tenant = f->slow_due[f->slow_due_count].tenant;
    const int host = f->slow_due[f->slow_due_count].host;
    const struct fleet_tenant *t = (const struct fleet_tenant *)fleet_map_find(&f->tenants, tenant);
    if (t && t->on[host]) f->c.call.tenant_slow(f->c.self, host, tenant);
  }
}

// bot/host_tenant.c – what bots of a host share: the header of their script's version, their tenant's memory and CPU time.
#include "bot/host_impl.h"

#include <stdlib.h>
#include <string.h>

// ---- headers

enum status host_spec_get(struct host_feed *f, struct wire_text source, const char *chunkname, struct host_spec **ret, struct err *err) {
  char hex[SHA256_HEX_SIZE];
  struct sha256_ctx sha;
  sha256_init(&sha);
  sha256_update(&sha, chunkname, strlen(chunkname) + 1);
  sha256_update(&sha, source.text, source.len);
  sha256_finish_hex(&sha, hex);
  uint64_t key = 0;
  for (int i = 0; i < 16; i++) key = key << 4 | (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
  struct host_spec *first = host_map_get(&f->specs, key);
  for (struct host_spec *s = first; s; s = s->next)
    if (strcmp(s->sha256, hex) == 0) {
      s->refs++;
      *ret = s;
      return OK;
    }
  struct host_spec *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "out of memory");
  enum status st = script_describe(chunkname, source.text ? source.text : "", source.len, f->c.watchdog, &s->spec, err);
  if (st == OK && !first && !host_map_put(&f->specs, key, s)) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st != OK) {
    free(s->spec);
    free(s);
    return st;
  }
  if (first) {
    s->next = first->next;
    first->next = s;
  }
  s->key = key;
  memcpy(s->sha256, hex, sizeof s->sha256);
  s->refs = 1;
  f->spec_count++;
  *ret = s;
  return OK;
}

void host_spec_put(struct host_feed *f, struct host_spec *s) {
  if (!s || --s->refs) return;
  struct host_spec *first = host_map_get(&f->specs, s->key);
  if (first == s) {
    host_map_remove(&f->specs, s->key);
    if (s->next) (void)host_map_put(&f->specs, s->key, s->next);  // into the place that was just left
  } else {
    while (first->next != s) first = first->next;
    first->next = s->next;
  }
  f->spec_count--;
  free(s->spec);
  free(s);
}

// ---- tenants

struct host_tenant *host_tenant_get(struct host_feed *f, const struct wire_open *o) {
  struct host_tenant *t = host_map_get(&f->tenants, o->tenant);
  if (!t) {
    t = calloc(1, sizeof *t);
    if (!t || !host_map_put(&f->tenants, o->tenant, t)) {
      free(t);
      return NULL;
    }
    t->id = o->tenant;
    t->quick_told = (uint8_t)o->tenant_quick;
    t->quick = o->tenant_quick ? WIRE_QUICK_INSTANTS << (o->tenant_quick - 1) : 0;
    t->watched = 2;
    if (!t->quick) {  // until it has shown otherwise
      t->watched = t->rung_turns = 1;
      t->rung = HOST_RUNGS - 1;
    }
    f->tenant_count++;
  }
  t->refs++;
  t->bytes_most = o->tenant_memory_bytes;
  t->cpu_most_ns = o->tenant_cpu_ns;
  return t;
}

void host_tenant_put(struct host_feed *f, struct host_tenant *t) {
  if (--t->refs) return;
  host_map_remove(&f->tenants, t->id);
  f->tenant_count--;
  free(t);
}

bool host_tenant_bytes(struct host_bot *b, size_t bytes) {
  struct host_tenant *t = b->tenant;
  t->bytes += bytes - b->bytes;
  b->feed->script_bytes += bytes - b->bytes;
  b->bytes = bytes;
  return t->bytes_most == 0 || t->bytes <= t->bytes_most;
}

// The wall's clock costs little and never says less than the CPU's. So it watches, and only of a tenant for which it once said too much
// the CPU time is asked, which decides: load on the machine changes nothing.
bool host_tenant_begin(struct host_feed *f, struct host_tenant *t, int64_t *ret_begin) {
  *ret_begin = 0;
  if (t->cpu_most_ns == 0 || !f->c.wall_ns || !f->c.cpu_ns) return true;
  if (t->turn != f->turn) {
    t->turn = f->turn;
    t->used_ns = 0;
  }
  if (t->used_ns > t->cpu_most_ns) {
    if (t->measured) return false;
    t->measured = true;
    t->used_ns = 0;
  }
  *ret_begin = t->measured ? f->c.cpu_ns() : f->c.wall_ns();
  return true;
}

void host_tenant_end(struct host_feed *f, struct host_tenant *t, int64_t begin) {
  if (t->cpu_most_ns == 0 || !f->c.wall_ns || !f->c.cpu_ns) return;
  t->used_ns += (t->measured ? f->c.cpu_ns() : f->c.wall_ns()) - begin;
}

// ---- who comes first: tenants whose bots are quick. What a tenant's bots took in one of its last instants here puts it on a rung, and an
// instant goes through the rungs from the lowest. As above: the wall's clock until it says too much, then the CPU's. On the lowest rung those come
// first that have been there for long: who would hinder others must have been quick for longer than they have, and is so once.

#define RUNG_TURNS 64  // instants that a tenant stays there
static const int64_t rungs_ns[HOST_RUNGS - 1] = {64000, 256000, 2 * NS_PER_MS};  // the last rung: all above
// Each of its bots adds this much to them. An honest bot takes a third of it: without, tenants of some twenty bots would be watched by
// the CPU's clock, two system calls a bot, and none of them would be on the lowest rung.
#define RUNG_BOT_NS 10000

static unsigned level_of(uint32_t quick) {
  unsigned level = 0;
  for (uint32_t n = quick / WIRE_QUICK_INSTANTS; n && level < WIRE_QUICK_LEVELS; n /= 2) level++;
  return level;
}

int host_tenant_order(const struct host_feed *f, const struct host_tenant *t) {
  if (!f->c.wall_ns || !f->c.cpu_ns) return 0;
  return t->rung ? WIRE_QUICK_LEVELS + t->rung : WIRE_QUICK_LEVELS - (int)level_of(t->quick);
}

static int64_t clock_of(struct host_feed *f, const struct host_tenant *t) {
  f->seen_ns = f->c.wall_ns();
  return t->watched ? f->c.cpu_ns() : f->seen_ns;
}

// Told once an instant: the core moves who does it again and again to a host of the slow (bot/fleet.h). A tenant with many bots may take longer.
#define SLOW_NS (4 * NS_PER_MS)
#define SLOW_BOT_NS 50000
static int64_t slow_ns(const struct host_tenant *t) { return SLOW_NS + (int64_t)t->refs * SLOW_BOT_NS; }

// From the first level on the core counts the tenant among those who need not be kept apart; one that was not quick once begins anew behind the
// others, and is kept apart when it is slow. Of what the wall's clock alone thinks long nothing follows.
static void judge_last(struct host_feed *f, struct host_tenant *t) {
  if (t->spent_turn == 0) return;
  if (t->spent_ns <= rungs_ns[1] + (int64_t)t->refs * RUNG_BOT_NS) t->quick += t->quick < UINT32_MAX;
  else if (t->watched == 1) t->quick = 0;  // it was measured
  const unsigned level = t->quick ? level_of(t->quick) : 1;
  if (t->quick ? level > t->quick_told : t->quick_told > 1) wire_put_quick(&f->out, t->id, t->quick_told = (uint8_t)level);
}

int64_t host_tenant_enter(struct host_feed *f, struct host_tenant *t) {
  if (!f->c.wall_ns || !f->c.cpu_ns) return 0;
  if (t->spent_turn != f->turn) {
    judge_last(f, t);
    t->spent_turn = f->turn;
    t->spent_ns = 0;
    if (t->rung_turns && --t->rung_turns == 0) t->rung = 0;
    else if (t->watched && !t->rung_turns) t->watched--;
  }
  return clock_of(f, t);
}

static void tell_slow(struct host_feed *f, struct host_tenant *t, int64_t took_ns) {
  const int64_t limit_ns = slow_ns(t);
  const bool was = t->spent_ns - took_ns > limit_ns;
  if (!was && t->spent_ns > limit_ns) wire_put_slow(&f->out, t->id);
}

void host_tenant_leave(struct host_feed *f, struct host_tenant *t, int64_t begin) {
  if (!f->c.wall_ns || !f->c.cpu_ns) return;
  const int64_t took_ns = clock_of(f, t) - begin;
  t->spent_ns += took_ns;
  if (t->watched) tell_slow(f, t, took_ns);
  int rung = 0;
  while (rung < HOST_RUNGS - 1 && t->spent_ns > rungs_ns[rung] + (int64_t)t->refs * RUNG_BOT_NS) rung++;
  if (rung == 0 || (t->watched && rung < t->rung)) return;
  if (!t->watched) {
    t->watched = 2;  // the next instant is measured
    return;
  }
  t->rung = (uint8_t)rung;
  t->rung_turns = RUNG_TURNS;
}

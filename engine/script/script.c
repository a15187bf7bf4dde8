// script/script.c – life of a running strategy: build the state, load the source, find callbacks, feed indicators, close.
#include "script/instance.h"

#include "script/header.h"
#include "script/share_impl.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct script *script_of(lua_State *L) {
  return vm_owner(L);
}

static const luaL_Reg helper_globals[] = {{"crossed_up", l_crossed_up},
                                          {"crossed_down", l_crossed_down},
                                          {"highest", l_highest},
                                          {"lowest", l_lowest},
                                          {NULL, NULL}};

void script_register_globals(lua_State *L, void *arg) {
  (void)arg;
  vm_offer(vm_of(L), helper_globals, header_functions());
}

// ---- building

// The fields of a bar that a source is made of.
static unsigned source_needs(enum indicator_source source) {
  static const unsigned needs[SOURCE_COUNT] = {
      [SOURCE_CLOSE] = NEED_CLOSE, [SOURCE_OPEN] = NEED_OPEN, [SOURCE_HIGH] = NEED_HIGH, [SOURCE_LOW] = NEED_LOW, [SOURCE_VOLUME] = NEED_VOLUME,
      [SOURCE_HL2] = NEED_HIGH | NEED_LOW, [SOURCE_HLC3] = NEED_HIGH | NEED_LOW | NEED_CLOSE, [SOURCE_OHLC4] = NEED_OPEN | NEED_HIGH | NEED_LOW | NEED_CLOSE};
  return needs[source];
}

static enum status rings_create(struct script *s, const struct script_plan *plan, struct err *err) {
  s->indicators = calloc((size_t)plan->indicator_count + 1, sizeof *s->indicators);
  int outputs = 0;
  for (int i = 0; i < plan->indicator_count; i++) outputs += plan->indicators[i].desc->n_outputs;
  s->outputs = calloc((size_t)outputs + 1, sizeof *s->outputs);
  if (!s->indicators || !s->outputs) return err_set(err, ERR_NOMEM, "indicators: out of memory");
  for (int i = 0; i < plan->indicator_count; i++) {
    const struct indicator_plan *p = &plan->indicators[i];
    struct running_indicator *r = &s->indicators[i];
    *r = (struct running_indicator){.desc = p->desc, .source = p->source, .stream = p->stream, .first_output = s->output_count, .warmup = p->warmup};
    enum status st = indicator_create(p->desc, p->params, &r->state, err);
    if (st != OK) return err_wrap(err, st, "ind.%s", s->spec->indicators[i].name);
    r->output_count = p->desc->n_outputs;
    s->output_count += p->desc->n_outputs;
    s->streams[p->stream].needs |= p->desc->needs | NEED_CLOSE | (p->desc->needs & NEED_SOURCE ? source_needs(p->source) : 0);
  }
  uint32_t keep = 16;
  while ((int)keep < s->spec->lookback + 1) keep *= 2;
  for (int i = 0; i < s->output_count; i++) s->outputs[i] = (struct series_ring){.keep = keep};
  return OK;
}

// After the source ran: takes the header's names out of the globals, and collects what the main stack will keep.
static int l_finish(lua_State *L) {
  struct script *s = lua_touserdata(L, 1);
  vm_push_globals(L);
  vm_offer(s->vm, helper_globals, NULL);
  header_forget(L);
  lua_gc(L, LUA_GCCOLLECT);  // what compiling and the header left behind makes room for ctx
  int globals = lua_gettop(L);
  ud_register(L);
  lua_createtable(L, SLOT_END, 0);  // globals slots
  ctx_build(L, s);
  lua_rawseti(L, -2, SLOT_CTX);
  ud_push(L, UD_BAR)->bar.ix = -1;
  lua_rawseti(L, -2, SLOT_BAR);
  for (int i = 0; i < CALLBACK_COUNT; i++) {
    lua_pushstring(L, callback_name((enum callback)i));
    lua_rawget(L, globals);
    lua_rawseti(L, -2, SLOT_CALLBACK + i);
  }
  s->ref_callbacks = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushliteral(L, "state");
  s->ref_state_key = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

// Moves the collected values to their places on the main stack; allocates nothing.
static void slots_place(lua_State *L, const struct script *s) {
  assert(lua_gettop(L) == SLOT_CTX - 1);
  for (int slot = SLOT_CTX; slot < SLOT_END; slot++) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref_callbacks);
    lua_rawgeti(L, -1, slot);
    lua_remove(L, -2);
  }
}

enum status script_create(const struct script_config *cfg, struct script **ret, struct err *err) {
  struct script_plan plan;
  struct script *s = calloc(1, sizeof *s + (size_t)cfg->spec->stream_count * sizeof *s->streams);
  if (!s) return err_set(err, ERR_NOMEM, "script: out of memory");
  s->spec = cfg->spec;
  s->host = cfg->host;
  s->series = cfg->series;
  s->symbols = cfg->symbols;
  s->ref_ctx = LUA_NOREF;
  s->warm_left = (size_t)cfg->spec->warmup;
  strncpy(s->chunkname, cfg->chunkname, sizeof s->chunkname - 1);
  for (int i = 0; i < s->spec->stream_count; i++) s->streams[i].series = cfg->series[i];
  enum status st = OK;
  s->values = calloc((size_t)s->spec->param_count + 1, sizeof *s->values);
  if (!s->values) st = err_set(err, ERR_NOMEM, "script: out of memory");
  if (st == OK) {
    memcpy(s->values, cfg->values, (size_t)s->spec->param_count * sizeof *s->values);
    st = script_plan_make(s->spec, s->values, &plan, err);
  }
  if (st == OK) st = rings_create(s, &plan, err);
  if (st == OK) st = vm_create(&cfg->limits, cfg->watchdog, script_register_globals, NULL, &s->vm, err);
  if (st == OK) {
    vm_set_owner(s->vm, s);
    st = vm_load(s->vm, cfg->chunkname, cfg->source, cfg->source_len, err);
  }
  if (st == OK) st = vm_protect(s->vm, l_finish, s, err);
  if (st != OK) {
    script_destroy(s);
    return st;
  }
  slots_place(vm_lua(s->vm), s);
  *ret = s;
  return OK;
}

void script_destroy(struct script *s) {
  if (!s) return;
  if (s->vm) vm_destroy(s->vm);
  for (int i = 0; s->indicators && i < s->spec->indicator_count; i++) {
    struct running_indicator *r = &s->indicators[i];
    for (int k = 0; !r->shared && k < r->output_count; k++) free(s->outputs[r->first_output + k].values);
    if (r->shared) shared_leave(r->shared);
    indicator_destroy(r->state);
  }
  free(s->indicators);
  free(s->outputs);
  free(s->values);
  free(s);
}

size_t script_bytes(const struct script *s) {
  size_t n = sizeof *s + (size_t)s->spec->stream_count * sizeof *s->streams + vm_footprint(s->vm) + (size_t)s->spec->param_count * sizeof *s->values;
  for (int i = 0; i < s->spec->indicator_count; i++) {
    const struct running_indicator *r = &s->indicators[i];
    const struct series_ring *ring = &s->outputs[r->first_output];
    n += sizeof *r + (size_t)r->output_count * (sizeof *ring + (ring->values && !r->shared ? ((size_t)ring->mask + 1) * sizeof(double) : 0));
  }
  return n;
}

bool script_killed(const struct script *s) {
  return vm_killed(s->vm) != VM_ALIVE;
}

uint64_t script_calls(const struct script *s) {
  return s->calls;
}

// ---- data

static void ring_grow(struct series_ring *r) {
  uint32_t cap = r->values ? (r->mask + 1) * 2 : 16;
  double *values = malloc(cap * sizeof *values);
  assert(values);  // a few KB; the process' memory limit is the operator's
  uint32_t have = r->values ? r->mask + 1 : 0;
  for (uint64_t i = r->count - have; i < r->count; i++) values[i & (cap - 1)] = r->values[i & r->mask];
  free(r->values);
  r->values = values;
  r->mask = cap - 1;
  r->grow_at = cap < r->keep ? cap : UINT64_MAX;
}

static inline void ring_push(struct series_ring *r, double v) {
  if (__builtin_expect(r->count == r->grow_at, 0)) ring_grow(r);
  r->values[r->count++ & r->mask] = v;
}

// Only what some indicator reads is converted: a division each.
static void input_make(const struct running_stream *st, const struct bar *b, struct indicator_input *in) {
  const struct instrument *inst = &st->series->inst;
  in->time_ns = b->open_ns;
  in->close = price_double_fast(inst, b->close);
  in->open = in->high = in->low = in->volume = 0;
  if (!(st->needs & (NEED_OPEN | NEED_HIGH | NEED_LOW | NEED_VOLUME))) return;
  in->open = st->needs & NEED_OPEN ? price_double_fast(inst, b->open) : 0;
  in->high = st->needs & NEED_HIGH ? price_double_fast(inst, b->high) : 0;
  in->low = st->needs & NEED_LOW ? price_double_fast(inst, b->low) : 0;
  in->volume = st->needs & NEED_VOLUME && b->volume > 0 ? volume_double(st->series, b->volume) : 0;
}

static void warm_check(struct script *s, int stream) {
  for (int i = 0; i < s->spec->indicator_count; i++)
    if (s->streams[s->indicators[i].stream].count <= (size_t)s->indicators[i].warmup) return;
  if (s->warm_left == 0)
    s->warm = true;
  else if (stream == 0)
    s->warm_left--;
}

void script_push(struct script *s, int stream, size_t ix) {
  struct running_stream *st = &s->streams[stream];
  st->ix = ix;
  st->count++;
  if (st->needs) {
    struct indicator_input in;
    double out[INDICATOR_OUTPUTS_MAX];
    input_make(st, &st->series->bars[ix], &in);
    const struct running_indicator *end = s->indicators + s->spec->indicator_count;
    for (const struct running_indicator *r = s->indicators; r < end; r++) {
      if (r->stream != stream) continue;
      in.source = r->source == SOURCE_CLOSE ? in.close : indicator_source_value(r->source, &in);
      struct series_ring *rings = &s->outputs[r->first_output];
      if (r->shared) {
        shared_push(r->shared, &in, rings, r->output_count);
        continue;
      }
      indicator_push(r->state, &in, out);
      ring_push(rings, out[0]);
      for (int k = 1; k < r->output_count; k++) ring_push(&rings[k], out[k]);
    }
  }
  if (__builtin_expect(!s->warm, 0)) warm_check(s, stream);
}

void script_rebase(struct script *s, int stream, const struct series *series, size_t bars) {
  struct running_stream *st = &s->streams[stream];
  st->series = series;
  st->ix = bars ? bars - 1 : 0;
  if (st->count > bars) st->count = bars;
}

bool script_warm(const struct script *s) {
  return s->warm;
}

void script_now(struct script *s, int64_t now_ns) {
  s->now_ns = now_ns;
}

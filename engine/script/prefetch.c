// script/prefetch.c – asks for the memory that a script's next on_bar will go through, one link of the chain at a time: what a step
// follows was asked for by the step before, while other scripts ran. Reads Lua's own structures, changes nothing, calls nothing.
#include "base/prefetch.h"
#include "script/instance.h"
#include "script/vm_impl.h"

#include <lstate.h>
#include <ltable.h>

static const TValue *slot(const lua_State *L, int ix) { return s2v(L->stack.p + ix); }

static void nodes(const Table *t) { prefetch(t->node, sizenode(t) * sizeof(Node)); }

// The table that the function's globals are in.
static const Table *globals_of(const LClosure *f) {
  if (f->nupvalues == 0) return NULL;
  const TValue *v = f->upvals[0]->v.p;
  return ttistable(v) ? hvalue(v) : NULL;
}

static const TValue *field(const Table *t, const TString *key) {
  for (const Node *n = gnode(t, lmod(key->hash, sizenode(t)));; n += gnext(n)) {
    if (keyisshrstr(n) && keystrval(n) == key) return gval(n);
    if (gnext(n) == 0) return NULL;
  }
}

// The first table of ctx that it names, mostly ctx.ind.
static const Table *first_of_ctx(const Proto *p, const Table *ctx) {
  for (int i = 0; i < p->sizek && i < 16; i++) {
    const TValue *v = ttisshrstring(&p->k[i]) ? field(ctx, tsvalue(&p->k[i])) : NULL;
    if (v && ttistable(v)) return hvalue(v);
  }
  return NULL;
}

static void values_of(const Table *t) {
  for (int i = 0; i < sizenode(t) && i < 8; i++)
    if (iscollectable(gval(gnode(t, i)))) __builtin_prefetch(gcvalue(gval(gnode(t, i))));
}

static void constants(const Proto *p) {
  for (int i = 0; i < p->sizek && i < 16; i++)
    if (iscollectable(&p->k[i])) __builtin_prefetch(gcvalue(&p->k[i]));
}

void script_prefetch(const struct script *s, int step) {
  if (step == 0) {
    prefetch(s, sizeof *s + sizeof s->streams[0]);
    return;
  }
  if (step == 1) {
    __builtin_prefetch(s->vm);
    prefetch(&s->vm->L, offsetof(struct vm, fault_chunk) - offsetof(struct vm, L));
    prefetch(s->indicators, sizeof *s->indicators * 2);
    prefetch(s->outputs, sizeof *s->outputs * 2);
    return;
  }
  const lua_State *L = s->vm->L;
  if (step == 2) {
    prefetch(L, sizeof *L);
    return;
  }
  if (step == 3) {
    prefetch(L->stack.p, (SLOT_END + 16) * sizeof(StackValue));
    prefetch(L->l_G, 128);
    __builtin_prefetch(L->base_ci.next);
    return;
  }
  const TValue *f = slot(L, SLOT_CALLBACK + ON_BAR), *ctx = slot(L, SLOT_CTX);
  if (!ttisLclosure(f) || !ttistable(ctx)) return;
  const LClosure *on_bar = clLvalue(f);
  const Table *t = hvalue(ctx);
  switch (step) {
    case 4:
      prefetch(on_bar, 64);
      __builtin_prefetch(t);
      __builtin_prefetch(gcvalue(slot(L, SLOT_BAR)));
      __builtin_prefetch(hvalue(&L->l_G->l_registry));
      break;
    case 5:
      prefetch(on_bar->p, sizeof *on_bar->p);
      if (on_bar->nupvalues) __builtin_prefetch(on_bar->upvals[0]);
      nodes(t);
      prefetch(hvalue(&L->l_G->l_registry)->array, 64);
      break;
    case 6:
      prefetch(on_bar->p->code, 256);
      prefetch(on_bar->p->k, 256);
      __builtin_prefetch(globals_of(on_bar));
      break;
    case 7:
      constants(on_bar->p);
      if (globals_of(on_bar)) nodes(globals_of(on_bar));
      break;
    case 8:
      __builtin_prefetch(first_of_ctx(on_bar->p, t));
      break;
    case 9:
      if (first_of_ctx(on_bar->p, t)) nodes(first_of_ctx(on_bar->p, t));
      break;
    case 10:
      if (first_of_ctx(on_bar->p, t)) values_of(first_of_ctx(on_bar->p, t));
      break;
  }
}

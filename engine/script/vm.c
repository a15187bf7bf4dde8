// script/vm.c – creation, the gateway into a state, and the kill.
//
// The kill, step by step. The watchdog's signal handler (or the fuel hook, or the allocator after too many refusals) sets
// vm->killed and arms a count hook of one instruction on the running state. The hook raises; a script's pcall catches nothing
// because our pcall raises again, and because the hook stays armed. C functions that can run long call vm_poll. Compiling is
// cut by the reader, which hands out the source in small pieces. The message is written straight into the caller's struct err
// by whoever notices first, without allocating.
#include "script/vm.h"

#include "loop/watchdog.h"
#include "script/script_error.h"
#include "script/vm_impl.h"

#include <assert.h>
#include <lua_perigee.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDLER_SLOT 1
#define FIRST_BYTES 8192     // vm and the bare environment in one block
#define FUEL_QUANTUM 1000    // instructions between two looks of the fuel hook
#define READER_PIECE 256     // bytes of source between two looks while compiling
#define TRACE_LEVELS 4
#define RECURSION_LEVELS 1000  // calls nested this deeply explain why memory ran out

static_assert(sizeof(struct vm) < FIRST_BYTES / 2, "first block");

// ---- where a fault happened

static void note_fault(struct vm *vm, lua_State *L, lua_Debug *ar) {
  lua_Debug here;
  vm->fault_line = 0;
  if (ar == NULL) {
    ar = &here;
    for (int level = 0;; level++) {
      if (!lua_getstack(L, level, ar)) return;
      if (lua_getinfo(L, "Sl", ar) && ar->currentline > 0) break;
    }
  } else {
    lua_getinfo(L, "Sl", ar);
  }
  vm->fault_line = ar->currentline;
  snprintf(vm->fault_chunk, sizeof vm->fault_chunk, "%s", ar->short_src);
}

static void note_kill(struct vm *vm, lua_State *L, lua_Debug *ar) {
  if (vm->kill_noted) return;
  vm->kill_noted = true;
  note_fault(vm, L, ar);
}

// ---- the kill

static int kill_token;

int vm_raise_killed(lua_State *L) {
  lua_settop(L, 0);  // room for the token even at the end of a full stack
  lua_pushlightuserdata(L, &kill_token);
  return lua_error(L);
}

static void kill_hook(lua_State *L, lua_Debug *ar) {
  struct vm *vm = vm_of(L);
  assert(vm->killed != VM_ALIVE);
  note_kill(vm, L, ar);
  lua_pushlightuserdata(L, &kill_token);
  lua_error(L);
}

// Async-signal-safe on the state's own thread: lua_sethook stores four words and sets a flag in each call frame. A frame that
// is being entered at this very instruction can miss the flag; the watchdog repeats its signal every tick.
static void kill_arm(struct vm *vm, enum vm_kill why) {
  if (vm->killed == VM_ALIVE) vm->killed = why;
  lua_sethook(vm->L, kill_hook, LUA_MASKCOUNT, 1);
}

static void on_expire(void *arg) {
  for (struct vm *vm = arg; vm != NULL; vm = vm->outer) kill_arm(vm, VM_KILL_TIME);
}

static void on_refused(void *arg, bool resized, bool stack) {
  struct vm *vm = arg;
  if (vm->L == NULL) return;  // still being created
  vm->strikes++;
  vm->stack_full = stack;
  if (vm->killed == VM_ALIVE) {
    vm->fault_line = 0;
    // While the stack is being moved nothing may look at its frames; if it is not known which block it is, no resize may.
    if (!stack && (!resized || vm->heap.stack != NULL)) {
      lua_Debug ar;
      note_fault(vm, vm->L, NULL);
      vm->stack_full = lua_getstack(vm->L, RECURSION_LEVELS, &ar);  // the frames took the memory
    }
  }
  if (vm->strikes >= VM_MEMORY_STRIKES && vm->inside) kill_arm(vm, VM_KILL_MEMORY);
}

static void fuel_hook(lua_State *L, lua_Debug *ar) {
  struct vm *vm = vm_of(L);
  if (vm->fuel > FUEL_QUANTUM) {
    vm->fuel -= FUEL_QUANTUM;
    return;
  }
  kill_arm(vm, VM_KILL_FUEL);
  kill_hook(L, ar);
}

void vm_poll(lua_State *L, unsigned steps) {
  struct vm *vm = vm_of(L);
  if (unlikely(vm->fuelled)) {
    if (vm->fuel <= steps) kill_arm(vm, VM_KILL_FUEL);
    else vm->fuel -= steps;
  }
  if (likely(vm->killed == VM_ALIVE)) return;
  note_kill(vm, L, NULL);
  vm_raise_killed(L);
}

const char *vm_kill_text(enum vm_kill kill) {
  switch (kill) {
    case VM_ALIVE: return "alive";
    case VM_KILL_TIME: return "time budget used up";
    case VM_KILL_FUEL: return "instruction budget used up";
    case VM_KILL_MEMORY: return "kept on asking for memory";
  }
  return "?";
}

// ---- messages

static size_t append(struct err *err, size_t at, const char *fmt, ...) PRINTF(3, 4);
static size_t append(struct err *err, size_t at, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(err->msg + at, sizeof err->msg - at, fmt, ap);
  va_end(ap);
  if (n < 0) return at;
  return at + (size_t)n < sizeof err->msg ? at + (size_t)n : sizeof err->msg - 1;
}

// The call chain below the line the message names: "\n  in function 'helper' (sma.lua:20)".
static void trace(lua_State *L, struct err *err, size_t at) {
  lua_Debug ar;
  int shown = 0;
  bool first = true;  // the innermost Lua function is in the message itself; its name is news only when it has callers
  const char *name = NULL;
  char name_text[80];
  for (int level = 1; shown < TRACE_LEVELS && lua_getstack(L, level, &ar); level++) {
    if (!lua_getinfo(L, "Sln", &ar) || ar.currentline <= 0) continue;
    if (!first) {
      script_text_escape(name_text, sizeof name_text, name != NULL ? name : "?", strlen(name != NULL ? name : "?"), true);
      at = append(err, at, "\n  in '%s', called at %s:%d", name_text, ar.short_src, ar.currentline);
      shown++;
    }
    name = ar.name;
    first = false;
  }
}

static void write_message(struct vm *vm, lua_State *L, int ix, bool with_trace) {
  struct err *err = vm->err;
  vm->err_filled = true;
  if (err == NULL) return;
  size_t len, at;
  switch (lua_type(L, ix)) {
    case LUA_TSTRING: {
      const char *text = lua_tolstring(L, ix, &len);
      at = script_text_escape(err->msg, sizeof err->msg - 256, text, len, false);
      break;
    }
    case LUA_TNUMBER:
      at = append(err, 0, "error value %.14g", lua_tonumber(L, ix));
      break;
    default:
      at = append(err, 0, "error raised with a %s value instead of a text", luaL_typename(L, ix));
  }
  if (with_trace) trace(L, err, at);
}

// The message handler below every call. Runs on top of the failed function, so it sees the call chain.
static int l_message(lua_State *L) {
  struct vm *vm = vm_of(L);
  if (vm->killed == VM_ALIVE && !vm->err_filled) write_message(vm, L, 1, true);
  return 1;
}

static enum status fault_status(struct vm *vm, enum status st, struct err *err, const char *what) {
  if (vm->fault_line > 0) return err_set(err, st, "%s:%d: %s", vm->fault_chunk, vm->fault_line, what);
  return err_set(err, st, "%s", what);
}

static enum status killed_status(struct vm *vm, struct err *err) {
  char text[160];
  if (vm->killed == VM_KILL_TIME) {
    snprintf(text, sizeof text, "stopped: used up its time budget (%.3g ms per callback, %.3g ms to load)",
             (double)vm->callback_cpu_ns / 1e6, (double)vm->load_cpu_ns / 1e6);
  } else if (vm->killed == VM_KILL_FUEL) {
    snprintf(text, sizeof text, "stopped: used up its budget of %llu instructions", (unsigned long long)vm->fuel_limit);
  } else {
    snprintf(text, sizeof text, "stopped: asked for memory %u times after its %zu KiB were used up", vm->strikes,
             vm->heap_bytes / 1024);
  }
  return fault_status(vm, ERR_BUDGET, err, text);
}

static enum status memory_status(struct vm *vm, struct err *err) {
  char text[200];
  if (vm->stack_full)
    return fault_status(vm, ERR_BUDGET, err, "stack overflow: calls nested too deeply (a function that calls itself without end?)");
  snprintf(text, sizeof text, "not enough memory: a script may use %zu KiB, %zu KiB in one piece, %d names in one table",
           vm->heap_bytes / 1024, vm->heap.block_cap / 1024, VM_NODES_MAX);
  return fault_status(vm, ERR_BUDGET, err, text);
}

// ---- the gateway

// Sets the pause so that the next collection starts before the cap, where it would have to run in one piece.
static void tune_gc(struct vm *vm) {
  size_t used = vm->heap.used, cap = vm->heap_bytes;
  size_t pause = used == 0 ? 200 : 90 * cap / used;
  if (pause > 200) pause = 200;
  if (pause < 100) pause = 100;
  lua_gc(vm->L, LUA_GCINC, (int)pause, 0, 0);
  vm->gc_low = used < cap / 3 ? 0 : used - cap / 8;
  vm->gc_span = used < cap / 3 ? cap / 3 : cap / 4;
}

static inline bool enter(struct vm *vm, int64_t budget_ns) {
  if (unlikely(watch_inside())) {  // inside another vm's call on this thread: its budget, its fate
    vm->outer = watch_self.arg;
    watch_self.arg = vm;
    return false;
  }
  if (vm->dog == NULL) return false;
  watch_begin(vm->dog, on_expire, vm, budget_ns);
  return true;
}

static inline void leave(struct vm *vm, bool began) {
  if (likely(began)) {
    watch_end();
  } else if (watch_inside()) {
    watch_self.arg = vm->outer;
    vm->outer = NULL;
  }
}

static enum status failed(struct vm *vm, int rc, int nresults, struct err *err) {
  lua_State *L = vm->L;
  vm->err = NULL;
  bool filled = vm->err_filled;
  vm->err_filled = false;
  if (rc != LUA_OK) lua_settop(L, -2);  // the error value
  else if (nresults != LUA_MULTRET) lua_settop(L, -nresults - 1);
  enum status st;
  if (vm->killed != VM_ALIVE) {
    st = killed_status(vm, err);
  } else if (rc == LUA_ERRMEM) {
    st = memory_status(vm, err);
    vm->fault_line = 0;
  } else if (!filled) {  // the handler itself failed: C stack exhausted, at the bottom of a deep recursion of errors
    st = err_set(err, ERR_SCRIPT, "error while handling an error");
  } else {
    st = ERR_SCRIPT;
    if (err != NULL) err->code = st;
  }
  if (vm->heap.used - vm->gc_low >= vm->gc_span) tune_gc(vm);
  return st;
}

static inline enum status call(struct vm *vm, int nargs, int nresults, int64_t budget_ns, struct err *err) {
  lua_State *L = vm->L;
  assert(!vm->inside);
  if (unlikely(vm->killed != VM_ALIVE)) {
    lua_settop(L, -nargs - 2);
    return killed_status(vm, err);
  }
  vm->inside = true;
  vm->err = err;
  if (unlikely(vm->fuelled)) vm->fuel = vm->fuel_limit;
  bool began = enter(vm, budget_ns);
  int rc = lua_pcall(L, nargs, nresults, HANDLER_SLOT);
  leave(vm, began);
  vm->inside = false;
  if (unlikely(rc != LUA_OK || vm->killed != VM_ALIVE)) return failed(vm, rc, nresults, err);
  vm->err_filled = false;
  if (unlikely(vm->heap.used - vm->gc_low >= vm->gc_span)) tune_gc(vm);
  return OK;
}

enum status vm_call(struct vm *vm, int nargs, int nresults, struct err *err) {
  assert(nresults >= 0);
  return call(vm, nargs, nresults, vm->callback_cpu_ns, err);
}

void vm_renew(struct vm *vm) {
  assert(vm->inside);
  if (vm->fuelled) vm->fuel = vm->fuel_limit;
  if (vm->dog != NULL && vm->outer == NULL) watch_renew();
}

enum status vm_protect(struct vm *vm, lua_CFunction f, void *arg, struct err *err) {
  lua_State *L = vm->L;
  size_t saved = vm->heap.reserve;
  vm->heap.reserve = vm->reserve_bytes;
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, arg);
  int rc = lua_pcall(L, 1, 0, 0);
  vm->heap.reserve = saved;
  if (likely(rc == LUA_OK)) return OK;
  enum status st = ERR_SCRIPT;
  if (vm->killed != VM_ALIVE) {
    st = killed_status(vm, err);
  } else if (rc == LUA_ERRMEM) {
    st = err_set(err, ERR_NOMEM, "not enough memory: %zu KiB of %zu KiB are in use", vm->heap.used / 1024, vm->heap_bytes / 1024);
  } else if (err != NULL) {
    size_t len = 0;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    err->code = st;
    if (text != NULL) script_text_escape(err->msg, sizeof err->msg, text, len, false);
    else snprintf(err->msg, sizeof err->msg, "error raised with a %s value instead of a text", luaL_typename(L, -1));
  }
  lua_settop(L, -2);
  return st;
}

// ---- loading

struct reader {
  const char *at, *end;
};

static const char *read_piece(lua_State *L, void *ud, size_t *ret_size) {
  struct reader *r = ud;
  vm_poll(L, 1);
  size_t left = (size_t)(r->end - r->at);
  const char *piece = r->at;
  *ret_size = left < READER_PIECE ? left : READER_PIECE;
  r->at += *ret_size;
  return *ret_size == 0 ? NULL : piece;
}

struct load {
  const char *chunkname;
  struct reader reader;
};

static int l_load(lua_State *L) {
  struct load *load = lua_touserdata(L, 1);
  const char *name = lua_pushfstring(L, "@%s", load->chunkname);
  if (lua_load(L, read_piece, &load->reader, name, "t") != LUA_OK) return lua_error(L);
  lua_call(L, 0, 0);
  return 0;
}

enum status vm_load(struct vm *vm, const char *chunkname, const char *source, size_t len, struct err *err) {
  if (len > VM_SOURCE_MAX)
    return err_set(err, ERR_LIMIT, "%s: the script has %zu bytes, at most %d are allowed", chunkname, len, VM_SOURCE_MAX);
  if (len > 0 && source[0] == LUA_SIGNATURE[0])
    return err_set(err, ERR_SCRIPT, "%s:1: compiled Lua is not accepted, only source text", chunkname);
  const char *nul = memchr(source, '\0', len);
  if (nul != NULL) {
    int line = 1;
    for (const char *p = source; p < nul; p++) line += *p == '\n';
    return err_set(err, ERR_SCRIPT, "%s:%d: the script contains a NUL byte; is it a text file?", chunkname, line);
  }
  if (len >= 3 && memcmp(source, "\xef\xbb\xbf", 3) == 0) source += 3, len -= 3;  // a byte order mark
  struct load load = { .chunkname = chunkname, .reader = { .at = source, .end = source + len } };
  lua_pushcfunction(vm->L, l_load);
  lua_pushlightuserdata(vm->L, &load);
  return call(vm, 1, 0, vm->load_cpu_ns, err);
}

// ---- creation

struct create {
  vm_env_fn env;
  void *env_arg;
};

static int l_create(lua_State *L) {
  struct create *c = lua_touserdata(L, 1);
  env_build(L, c->env, c->env_arg);
  return 0;
}

static int on_panic(lua_State *L) {
  (void)L;
  fprintf(stderr, "perigee: Lua raised outside a protected call; this is a bug of the engine\n");
  abort();
}

static size_t or_default(size_t value, size_t dflt) { return value != 0 ? value : dflt; }

enum status vm_create(const struct vm_limits *limits, struct watchdog *watchdog, vm_env_fn env, void *env_arg,
                      struct vm **ret, struct err *err) {
  size_t heap_bytes = or_default(limits->heap_bytes, 1024 * 1024);
  if (heap_bytes < VM_HEAP_BYTES_MIN || heap_bytes > VM_HEAP_BYTES_MAX)
    return err_set(err, ERR_RANGE, "a script's heap must be %d to %d KiB, not %zu", VM_HEAP_BYTES_MIN / 1024,
                   VM_HEAP_BYTES_MAX / 1024, heap_bytes / 1024);
  struct vm *vm = malloc(FIRST_BYTES);
  if (vm == NULL) return err_set(err, ERR_NOMEM, "no memory for a script's state");
  memset(vm, 0, sizeof *vm);
  heap_init(&vm->heap, vm + 1, FIRST_BYTES - sizeof *vm);
  vm->heap_bytes = heap_bytes;
  vm->reserve_bytes = or_default(limits->reserve_bytes, 64 * 1024);
  vm->heap.cap = heap_bytes;
  vm->heap.reserve = vm->reserve_bytes;  // while it is created
  vm->heap.block_cap = or_default(limits->block_bytes, heap_bytes / 2);
  vm->heap.footprint = FIRST_BYTES;
  vm->heap.footprint_cap = 2 * heap_bytes + vm->reserve_bytes;
  vm->heap.node_bytes_max = (size_t)VM_NODES_MAX * 24;
  vm->heap.fail_alloc = limits->fail_alloc;
  vm->heap.on_refused = on_refused;
  vm->heap.refused_arg = vm;
  vm->dog = watchdog;
  vm->callback_cpu_ns = limits->callback_cpu_ns != 0 ? limits->callback_cpu_ns : 50 * 1000000;
  vm->load_cpu_ns = limits->load_cpu_ns != 0 ? limits->load_cpu_ns : 200 * 1000000;
  vm->fuel_limit = limits->fuel_instructions;
  vm->fuelled = vm->fuel_limit != 0;
  vm->gc_span = heap_bytes / 3;
  vm_seed_random(vm, limits->seed);
  vm->heap.seed = perigee_lua_seed = (unsigned)(limits->seed ^ limits->seed >> 32) ^ 0x5bd1e995u;

  lua_State *L = lua_newstate(heap_alloc, &vm->heap);
  if (L == NULL) {
    vm_destroy(vm);
    return err_set(err, ERR_NOMEM, "no memory for a script's state");
  }
  vm->L = L;
  *(struct vm **)lua_getextraspace(L) = vm;
  lua_atpanic(L, on_panic);
  lua_gc(L, LUA_GCSTOP);
  lua_pushcfunction(L, l_message);  // HANDLER_SLOT
  struct create c = { .env = env, .env_arg = env_arg };
  enum status st = vm_protect(vm, l_create, &c, err);
  if (st == OK && !lua_checkstack(L, VM_STACK + LUA_MINSTACK)) st = err_set(err, ERR_NOMEM, "no memory for a script's stack");
  if (st != OK) {
    vm_destroy(vm);
    return st;
  }
  lua_gc(L, LUA_GCRESTART);
  vm->heap.reserve = 0;
  vm->strikes = 0;
  if (vm->fuelled) lua_sethook(L, fuel_hook, LUA_MASKCOUNT, FUEL_QUANTUM);
  *ret = vm;
  return OK;
}

void vm_destroy(struct vm *vm) {
  if (vm == NULL) return;
  assert(!vm->inside);
  if (vm->L != NULL) lua_close(vm->L);
  heap_finish(&vm->heap);
  free(vm);
}

// ---- small things

lua_State *vm_lua(struct vm *vm) { return vm->L; }
void vm_offer(struct vm *vm, const struct luaL_Reg *kept, const struct luaL_Reg *now) {
  vm->offered = kept;
  vm->offered_now = now;
}
void vm_set_owner(struct vm *vm, void *owner) { vm->owner = owner; }
void *vm_owner(lua_State *L) { return vm_of(L)->owner; }
size_t vm_bytes(const struct vm *vm) { return vm->heap.used; }
size_t vm_footprint(const struct vm *vm) { return vm->heap.footprint; }
enum vm_kill vm_killed(const struct vm *vm) { return (enum vm_kill)vm->killed; }
unsigned vm_memory_strikes(const struct vm *vm) { return vm->strikes; }
void vm_push_globals(lua_State *L) { lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS); }

// xoshiro256** 1.0 (Blackman, Vigna), seeded by splitmix64.
static uint64_t rotl(uint64_t x, int k) { return x << k | x >> (64 - k); }

void vm_seed_random(struct vm *vm, uint64_t seed) {
  for (int i = 0; i < 4; i++) {
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    vm->rng[i] = z ^ z >> 31;
  }
}

uint64_t vm_random(struct vm *vm) {
  uint64_t *s = vm->rng, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotl(s[3], 45);
  return result;
}

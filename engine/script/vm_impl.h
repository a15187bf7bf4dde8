// script/vm_impl.h – the insides of a state, shared by vm.c, env.c and the libraries. Private to script/.
#pragma once
#include "script/heap.h"
#include "script/vm.h"

#include <lauxlib.h>
#include <lua.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

struct vm {
  struct heap heap;  // first: what Lua's allocator gets
  lua_State *L;
  struct watchdog *dog;
  struct vm *volatile outer;  // the vm whose call this one's runs inside of, on the same thread
  volatile int killed;        // enum vm_kill; set by the signal handler, the allocator or the fuel hook, never cleared
  bool inside;                // a vm_call or vm_load is running
  bool fuelled;
  int64_t callback_cpu_ns, load_cpu_ns;
  uint64_t fuel_limit, fuel;
  size_t gc_low, gc_span;  // while the heap is in gc_low … + gc_span the collector's pause stays as it is
  size_t heap_bytes, reserve_bytes;
  unsigned strikes;
  struct err *err;  // where the running call's message goes; may be NULL
  bool err_filled;
  bool kill_noted;  // fault_line is where it was killed
  bool stack_full;  // the memory last refused was for the Lua stack
  int fault_line;   // where the script was when it was killed or refused memory; 0: unknown
  char fault_chunk[LUA_IDSIZE];
  const luaL_Reg *offered, *offered_now;  // vm_offer()
  const void *globals;   // identity of their table
  uint32_t globals_given;  // bit per function of lib_base: it came into the table, or the script took the name away
  void *owner;
  uint64_t rng[4];
};

// Raises the kill. Allocates nothing.
int vm_raise_killed(lua_State *L);
void vm_seed_random(struct vm *vm, uint64_t seed);

// env.c: all global functions into the table of globals, for who looks through it.
void env_complete(lua_State *L);
// env.c: builds the allow-listed environment in the registry and calls fn with the globals on top of the stack.
void env_build(lua_State *L, vm_env_fn fn, void *arg);

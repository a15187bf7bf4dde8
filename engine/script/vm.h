// script/vm.h – one sandboxed Lua state: capped memory, budgets, an allow-listed environment, one way in.
//
// Every script is hostile here. A state has its own allocator and libraries, shares nothing with another state, and can
// be killed at any instruction. The kill is sticky: our pcall, xpcall, message handlers and long C functions re-raise it,
// every further vm_call refuses at once, and the state can only be destroyed.
//
// Rules for C code that works on a state:
//  * Index 1 of the main stack belongs to the gateway; work relative to the top, leave the stack as you found it.
//  * Anything that can allocate (push a string, create a table, luaL_ref) happens inside a function run by vm_protect
//    (engine's work, may use the reserve) or vm_call (the script's work, on its budget). Outside of them only pushes of
//    numbers, booleans, light userdata, light C functions and rawgeti/rawgetp look-ups are allowed, at most VM_STACK.
//  * A Lua error is a longjmp: hold no malloc'd memory across a call that can raise.
//  * C loops that can run long on behalf of a script call vm_poll every few hundred steps.
//  * One thread at a time; which thread may change between calls.
#pragma once
#include "base/status.h"

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watchdog;
struct vm;

#define VM_SOURCE_MAX 65536  // bytes of one chunk
#define VM_STACK 64          // stack slots the engine may use on the main stack outside protected calls
// Entries in the hash part of one table (the list 1 … n is not in it). Integer keys can be made to collide, and a rehash of
// colliding keys is quadratic inside one instruction: 9 ms for 2,048, 29 ms for 4,096 (measured), four times that for 8,192.
#define VM_NODES_MAX 2048
#define VM_HEAP_BYTES_MIN (64 * 1024)
#define VM_HEAP_BYTES_MAX (16 * 1024 * 1024)

// Zero means the default.
struct vm_limits {
  size_t heap_bytes;           // 1 MiB; what Lua may hold. The process may hold up to twice that (free lists)
  size_t block_bytes;          // half of heap_bytes; one string, one array
  size_t reserve_bytes;        // 64 KiB on top of heap_bytes, for vm_protect only
  int64_t callback_cpu_ns;     // 50 ms; CPU time of the thread
  int64_t load_cpu_ns;         // 200 ms; compile and top level
  uint64_t fuel_instructions;  // per call; 0: off. VM instructions plus charged steps of C functions; deterministic, costs ×2
  uint64_t seed;               // string hashes and math.random; equal seeds behave equally
  uint64_t fail_alloc;         // tests only: the n-th allocation fails (1 = first); 0: none
};

enum vm_kill {
  VM_ALIVE,
  VM_KILL_TIME,    // ran over its CPU budget
  VM_KILL_FUEL,    // ran over its instruction budget
  VM_KILL_MEMORY,  // kept on asking for memory after VM_MEMORY_STRIKES refusals
};
#define VM_MEMORY_STRIKES 32

// Adds to the environment; called during vm_create with the globals table on top of the stack, in protected mode with the
// reserve. May raise. Afterwards `env_arg` is not used again.
typedef void (*vm_env_fn)(lua_State *L, void *arg);

// Functions that are globals without being in their table before they are named: of `kept` those that were stay there, of `now` none
// do, so they are gone when others, or none (NULL), are offered. Lists end with a NULL name and are borrowed.
struct luaL_Reg;
void vm_offer(struct vm *vm, const struct luaL_Reg *kept, const struct luaL_Reg *now);

// watchdog may be NULL: no time budget (fuel may still bound it). env may be NULL.
// ERR_NOMEM: no memory, or the environment does not fit in the heap.
enum status vm_create(const struct vm_limits *limits, struct watchdog *watchdog, vm_env_fn env, void *env_arg,
                      struct vm **ret, struct err *err) MUST_CHECK;
void vm_destroy(struct vm *vm);

lua_State *vm_lua(struct vm *vm);
// The state's vm from inside a C function; never NULL for states made here.
static inline struct vm *vm_of(lua_State *L) { return *(struct vm **)lua_getextraspace(L); }
// The owner's pointer (a struct script), for its bindings.
void vm_set_owner(struct vm *vm, void *owner);
void *vm_owner(lua_State *L);
// Bytes the Lua heap holds now / the process holds for this state.
size_t vm_bytes(const struct vm *vm);
size_t vm_footprint(const struct vm *vm);
enum vm_kill vm_killed(const struct vm *vm);
const char *vm_kill_text(enum vm_kill kill);
// Refused allocations so far, caught by the script or not.
unsigned vm_memory_strikes(const struct vm *vm);

// Compiles source (text only, at most VM_SOURCE_MAX bytes) as chunkname ("sma.lua") and runs its top level on the load
// budget. Bindings may run during it. ERR_SCRIPT: "sma.lua:3: …"; ERR_BUDGET: killed or out of memory; ERR_LIMIT: too long.
enum status vm_load(struct vm *vm, const char *chunkname, const char *source, size_t len, struct err *err) MUST_CHECK;

// Calls the function below nargs arguments on top of the main stack, pops both, leaves nresults (0 on failure).
// err gets "sma.lua:14: message", then up to four lines "\n  in …" of the call chain. ERR_SCRIPT: the script raised;
// ERR_BUDGET: killed (vm_killed says why) or out of memory. Not from inside a call of the same vm: use lua_call there.
// A call made while another vm is inside a call on this thread spends the outer one's time budget and dies with it.
enum status vm_call(struct vm *vm, int nargs, int nresults, struct err *err) MUST_CHECK;

// Runs f protected with `arg` as light userdata at index 1, using the reserve and no time budget: for the engine's own
// work. f must not call into script functions. Results are discarded: keep what you make in the registry.
// ERR_NOMEM: even the reserve is used up. Also allowed inside a vm_call (then an error of f raises nothing, as outside).
enum status vm_protect(struct vm *vm, lua_CFunction f, void *arg, struct err *err) MUST_CHECK;

// Pushes the globals table (raw access: the engine looks up callbacks with lua_rawget). Allocates nothing.
void vm_push_globals(lua_State *L);

// Raises when the state has been killed; charges `steps` units of C work when fuel is on (1 step ~ one VM instruction).
// Cheap enough to be called every few dozen steps.
void vm_poll(lua_State *L, unsigned steps);

// A new budget begins: for C code that runs many callbacks inside one vm_call (a batch), between two of them.
void vm_renew(struct vm *vm);

// Same sequence on every machine, from limits.seed: what math.random and ctx:rand() draw from. [0, 2^64)
uint64_t vm_random(struct vm *vm);

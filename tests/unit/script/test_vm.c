// The gateway: what a state accepts, how calls end, what survives a full heap, a failed allocation and a kill.
#include "loop/watchdog.h"
#include "script/vm.h"

#include <lauxlib.h>
#include <lualib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct watchdog *dog;

static int setup(void **state) {
  (void)state;
  struct err err;
  return watchdog_create(&dog, &err) == OK ? 0 : 1;
}

static int teardown(void **state) {
  (void)state;
  watchdog_destroy(dog);
  return 0;
}

static struct vm *make(struct vm_limits limits) {
  struct vm *vm;
  struct err err;
  assert_int_equal(vm_create(&limits, dog, NULL, NULL, &vm, &err), OK);
  return vm;
}

static enum status load(struct vm *vm, const char *source, struct err *err) {
  return vm_load(vm, "test.lua", source, strlen(source), err);
}

static int l_push_f(lua_State *L) {
  vm_push_globals(L);
  lua_pushstring(L, "f");
  lua_rawget(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &dog);
  return 0;
}

// Keeps the script's function f for call_f.
static void keep_f(struct vm *vm) {
  struct err err;
  assert_int_equal(vm_protect(vm, l_push_f, NULL, &err), OK);
}

static enum status call_f(struct vm *vm, int nresults, struct err *err) {
  lua_rawgetp(vm_lua(vm), LUA_REGISTRYINDEX, &dog);
  return vm_call(vm, 0, nresults, err);
}

#define assert_message(err, text)                                                    \
  do {                                                                               \
    if (strstr((err).msg, text) == NULL) fail_msg("'%s' not in '%s'", text, (err).msg); \
  } while (0)

static void test_load(void **state) {
  (void)state;
  struct err err;
  struct vm *vm = make((struct vm_limits){ 0 });
  assert_int_equal(load(vm, "x = 1 + 1", &err), OK);
  assert_int_equal(load(vm, "assert(x == 2)", &err), OK);
  assert_int_equal(load(vm, "\xef\xbb\xbfx = 3", &err), OK);
  assert_int_equal(load(vm, "", &err), OK);
  assert_int_equal(load(vm, "\n\nx = = 1", &err), ERR_SCRIPT);
  assert_message(err, "test.lua:3: ");
  assert_int_equal(load(vm, "error('no')", &err), ERR_SCRIPT);
  assert_string_equal(err.msg, "test.lua:1: no");
  assert_int_equal(load(vm, "\x1bLua", &err), ERR_SCRIPT);
  assert_message(err, "compiled Lua");
  assert_int_equal(vm_load(vm, "test.lua", "x\n = \0 1", 8, &err), ERR_SCRIPT);
  assert_message(err, "test.lua:2: ");
  static char big[VM_SOURCE_MAX + 1];
  memset(big, ' ', sizeof big);
  assert_int_equal(vm_load(vm, "test.lua", big, VM_SOURCE_MAX, &err), OK);
  assert_int_equal(vm_load(vm, "test.lua", big, VM_SOURCE_MAX + 1, &err), ERR_LIMIT);
  assert_int_equal(vm_killed(vm), VM_ALIVE);
  assert_int_equal(lua_gettop(vm_lua(vm)), 1);
  vm_destroy(vm);
  vm_destroy(NULL);
}

static void test_call(void **state) {
  (void)state;
  struct err err;
  struct vm *vm = make((struct vm_limits){ 0 });
  assert_int_equal(load(vm, "n = 0 function f() n = n + 1 return n, 'x' end", &err), OK);
  keep_f(vm);
  lua_State *L = vm_lua(vm);
  for (int i = 1; i <= 100; i++) {
    assert_int_equal(call_f(vm, 2, &err), OK);
    assert_int_equal(lua_tointeger(L, -2), i);
    lua_settop(L, -3);
  }
  assert_int_equal(call_f(vm, 0, &err), OK);
  assert_int_equal(lua_gettop(L), 1);
  assert_int_equal(load(vm, "local function deep(t) return t.a.b end\nlocal function g() return 1 + deep({}) end\n"
                            "function f()\n  local x = g()\nend", &err), OK);
  keep_f(vm);
  assert_int_equal(call_f(vm, 2, &err), ERR_SCRIPT);
  assert_string_equal(err.msg, "test.lua:1: attempt to index a nil value (field 'a')\n  in 'deep', called at test.lua:2\n"
                               "  in 'g', called at test.lua:4");
  assert_int_equal(lua_gettop(L), 1);
  assert_int_equal(call_f(vm, 0, NULL), ERR_SCRIPT);  // nobody asks why
  vm_destroy(vm);
}

static void test_kill_is_sticky(void **state) {
  (void)state;
  struct err err;
  struct vm *vm = make((struct vm_limits){ .callback_cpu_ns = 5000000 });
  assert_int_equal(load(vm, "function f()\n  while true do pcall(error) end\nend", &err), OK);
  keep_f(vm);
  assert_int_equal(call_f(vm, 3, &err), ERR_BUDGET);
  assert_message(err, "test.lua:2: ");
  assert_message(err, "5 ms");
  assert_int_equal(vm_killed(vm), VM_KILL_TIME);
  assert_int_equal(lua_gettop(vm_lua(vm)), 1);
  assert_int_equal(load(vm, "x = 1", &err), ERR_BUDGET);
  assert_int_equal(call_f(vm, 0, &err), ERR_BUDGET);
  assert_string_equal(vm_kill_text(vm_killed(vm)), "time budget used up");
  vm_destroy(vm);
}

// Fuel is exact: the same script stops at the same place every time, without any watchdog.
static void test_fuel(void **state) {
  (void)state;
  struct err err;
  double seen[2];
  for (int i = 0; i < 2; i++) {
    struct vm_limits limits = { .fuel_instructions = 200000 };
    struct vm *vm;
    assert_int_equal(vm_create(&limits, NULL, NULL, NULL, &vm, &err), OK);
    assert_int_equal(load(vm, "n = 0 function f() while true do n = n + 1 end end", &err), OK);
    keep_f(vm);
    assert_int_equal(call_f(vm, 0, &err), ERR_BUDGET);
    assert_int_equal(vm_killed(vm), VM_KILL_FUEL);
    lua_State *L = vm_lua(vm);
    vm_push_globals(L);
    lua_getfield(L, -1, "n");
    seen[i] = lua_tonumber(L, -1);
    lua_settop(L, -3);
    vm_destroy(vm);
  }
  assert_true(seen[0] > 10000 && seen[0] == seen[1]);
  struct vm_limits limits = { .fuel_instructions = 200000 };
  struct vm *vm;
  assert_int_equal(vm_create(&limits, NULL, NULL, NULL, &vm, &err), OK);
  assert_int_equal(load(vm, "function f() return (('a'):rep(3000)):find(('.-'):rep(9) .. 'b') end", &err), OK);
  keep_f(vm);
  assert_int_equal(call_f(vm, 0, &err), ERR_BUDGET);  // charged steps of the matcher
  vm_destroy(vm);
  assert_int_equal(vm_create(&limits, NULL, NULL, NULL, &vm, &err), OK);
  assert_int_equal(load(vm, "function f() for i = 1, 1000 do end end", &err), OK);
  keep_f(vm);
  for (int i = 0; i < 1000; i++) assert_int_equal(call_f(vm, 0, &err), OK);  // each call has its own
  vm_destroy(vm);
}

// ---- memory

static int l_make_things(lua_State *L) {
  lua_createtable(L, 100, 20);
  for (int i = 0; i < 100; i++) {
    lua_pushfstring(L, "thing %d", i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_rawsetp(L, LUA_REGISTRYINDEX, lua_touserdata(L, 1));
  return 0;
}

static int l_raise(lua_State *L) { return luaL_error(L, "the engine's %s", "own"); }

static int l_hoard(lua_State *L) {
  lua_createtable(L, 0, 0);
  for (lua_Integer i = 1; i <= 100000; i++) {
    lua_createtable(L, 100, 0);
    lua_rawseti(L, -2, i);
  }
  return 0;
}

// The script fills its heap to the brim, swallows the error and returns: the engine must still be able to push.
static void test_brim(void **state) {
  (void)state;
  struct err err;
  struct vm *vm = make((struct vm_limits){ 0 });
  assert_int_equal(load(vm,
                        "keep = {}\n"
                        "function f()\n"
                        "  pcall(function() while true do keep[#keep + 1] = {} end end)\n"
                        "  pcall(function() while true do keep = { keep } end end)\n"
                        "  pcall(function() local s = '' while true do s = s .. 'x' keep[s] = s end end)\n"
                        "end", &err), OK);
  keep_f(vm);
  int key;
  for (int i = 0; i < 4; i++) {
    enum status st = call_f(vm, 0, &err);  // itself may find no room for a closure
    assert_true(st == OK || (st == ERR_BUDGET && vm_killed(vm) == VM_ALIVE));
    assert_int_equal(vm_protect(vm, l_make_things, &key, &err), OK);
  }
  assert_true(vm_memory_strikes(vm) >= 3);
  assert_int_equal(vm_protect(vm, l_hoard, NULL, &err), ERR_NOMEM);  // even the reserve has an end
  assert_int_equal(vm_protect(vm, l_raise, NULL, &err), ERR_SCRIPT);
  assert_string_equal(err.msg, "the engine's own");
  assert_int_equal(lua_gettop(vm_lua(vm)), 1);
  assert_true(vm_bytes(vm) <= (1024 + 64) * 1024);
  vm_destroy(vm);
}

static void test_memory_strikes(void **state) {
  (void)state;
  struct err err;
  struct vm *vm = make((struct vm_limits){ .heap_bytes = VM_HEAP_BYTES_MIN, .callback_cpu_ns = 1000000000 });
  assert_int_equal(load(vm, "function f()\n  return #('x'):rep(20000) + #(('y'):rep(30000) .. ('z'):rep(30000))\nend", &err), OK);
  keep_f(vm);
  assert_int_equal(call_f(vm, 0, &err), ERR_BUDGET);
  assert_message(err, "test.lua:2: not enough memory");
  assert_int_equal(vm_killed(vm), VM_ALIVE);
  assert_int_equal(load(vm, "function f() while true do pcall(function() return ('y'):rep(30000) .. ('z'):rep(30000) end) end end",
                        &err), OK);
  keep_f(vm);
  assert_int_equal(call_f(vm, 0, &err), ERR_BUDGET);
  assert_int_equal(vm_killed(vm), VM_KILL_MEMORY);
  vm_destroy(vm);
  struct vm_limits wrong[] = { { .heap_bytes = VM_HEAP_BYTES_MIN - 1 }, { .heap_bytes = VM_HEAP_BYTES_MAX + 1 } };
  for (int i = 0; i < 2; i++) assert_int_equal(vm_create(&wrong[i], dog, NULL, NULL, &vm, &err), ERR_RANGE);
}

static const char ordinary[] =
    "local list, names = {}, {}\n"
    "for i = 1, 40 do list[i] = i * 1.5 names['key' .. i] = list end\n"
    "local Class = {} Class.__index = Class\n"
    "function Class.new(n) return setmetatable({ n = n }, Class) end\n"
    "function f()\n"
    "  local parts = {}\n"
    "  for k, v in pairs(names) do parts[#parts + 1] = k:upper():gsub('KEY', '%0-') end\n"
    "  table.sort(parts, function(a, b) return a > b end)\n"
    "  local ok, e = pcall(function() error({ Class.new(1) }) end)\n"
    "  local s = table.concat(parts, ',') .. string.format('%5.2f|%q', 1.5, 'x')\n"
    "  return #s .. utf8.char(228) .. string.pack('<i4z', 1, 'abc') .. select('#', table.unpack(list))\n"
    "end\n";

// The n-th allocation fails, for every n: a clean error, no leak, and the state still works or says so.
static void test_every_allocation_fails(void **state) {
  (void)state;
  struct err err;
  int failed_create = 0, failed_load = 0, failed_call = 0;
  for (uint64_t n = 1;; n++) {
    assert_true(n < 5000);
    struct vm_limits limits = { .fail_alloc = n };
    struct vm *vm;
    enum status st = vm_create(&limits, dog, NULL, NULL, &vm, &err);
    if (st != OK) {
      assert_int_equal(st, ERR_NOMEM);
      failed_create++;
      continue;
    }
    st = load(vm, ordinary, &err);
    if (st != OK) {
      assert_int_equal(st, ERR_BUDGET);
      assert_message(err, "not enough memory");
      failed_load++;
    } else {
      st = vm_protect(vm, l_push_f, NULL, &err);
      if (st == OK) st = call_f(vm, 1, &err);
      if (st == OK) {
        bool injected = vm_memory_strikes(vm) > 0;
        lua_settop(vm_lua(vm), -2);
        vm_destroy(vm);
        if (!injected) break;
        failed_call++;  // the script's pcall took it
        continue;
      }
      assert_true(st == ERR_BUDGET || st == ERR_NOMEM);
      failed_call++;
    }
    assert_int_equal(lua_gettop(vm_lua(vm)), 1);
    assert_int_equal(load(vm, ordinary, &err), OK);
    keep_f(vm);
    assert_int_equal(call_f(vm, 0, &err), OK);
    vm_destroy(vm);
  }
  assert_true(failed_create > 20 && failed_load > 20 && failed_call > 20);
}

// ---- several states

struct nested {
  struct vm *inner;
  enum status st;
};

static int l_call_inner(lua_State *L) {
  struct nested *n = lua_touserdata(L, 1);
  struct err err;
  lua_rawgetp(vm_lua(n->inner), LUA_REGISTRYINDEX, &dog);
  n->st = vm_call(n->inner, 0, 0, &err);
  vm_poll(L, 1);
  return 0;
}

static void test_nested_states(void **state) {
  (void)state;
  struct err err;
  struct vm *outer = make((struct vm_limits){ .callback_cpu_ns = 10000000 });
  struct vm *inner = make((struct vm_limits){ .callback_cpu_ns = 1000000000 });
  assert_int_equal(load(inner, "function f() end", &err), OK);
  keep_f(inner);
  struct nested n = { .inner = inner };
  lua_pushcfunction(vm_lua(outer), l_call_inner);
  lua_pushlightuserdata(vm_lua(outer), &n);
  assert_int_equal(vm_call(outer, 1, 0, &err), OK);
  assert_int_equal(n.st, OK);
  assert_int_equal(load(inner, "function f() while true do end end", &err), OK);
  keep_f(inner);
  lua_pushcfunction(vm_lua(outer), l_call_inner);
  lua_pushlightuserdata(vm_lua(outer), &n);
  assert_int_equal(vm_call(outer, 1, 0, &err), ERR_BUDGET);  // the outer budget, and both die
  assert_int_equal(n.st, ERR_BUDGET);
  assert_int_equal(vm_killed(inner), VM_KILL_TIME);
  assert_int_equal(vm_killed(outer), VM_KILL_TIME);
  vm_destroy(inner);
  vm_destroy(outer);
}

static void test_states_share_nothing(void **state) {
  (void)state;
  struct err err;
  struct vm *a = make((struct vm_limits){ .seed = 1 }), *b = make((struct vm_limits){ .seed = 1 });
  assert_int_equal(load(a, "secret = 'key' tostring = nil", &err), OK);
  assert_int_equal(load(b, "tostring(1) assert(not pcall(function() return secret end))", &err), OK);
  for (int i = 0; i < 10; i++) assert_true(vm_random(a) == vm_random(b));
  struct vm *c = make((struct vm_limits){ .seed = 2 });
  assert_true(vm_random(a) != vm_random(c));
  vm_destroy(a);
  vm_destroy(b);
  vm_destroy(c);
}

static int l_batch(lua_State *L) {
  struct vm *vm = vm_of(L);
  for (int i = 0; i < 20; i++) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &dog);
    lua_call(L, 0, 0);
    vm_renew(vm);
  }
  return 0;
}

// Twenty callbacks that fit into their budget one by one, in one protected call.
static void test_renew(void **state) {
  (void)state;
  struct err err;
  struct vm *vm = make((struct vm_limits){ .callback_cpu_ns = 10000000 });
  assert_int_equal(load(vm, "function f() for i = 1, 100000 do end end", &err), OK);
  keep_f(vm);
  lua_pushcfunction(vm_lua(vm), l_batch);
  assert_int_equal(vm_call(vm, 0, 0, &err), OK);
  assert_int_equal(load(vm, "function f() while true do end end", &err), OK);
  keep_f(vm);
  lua_pushcfunction(vm_lua(vm), l_batch);
  assert_int_equal(vm_call(vm, 0, 0, &err), ERR_BUDGET);
  vm_destroy(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_load),           cmocka_unit_test(test_call),
    cmocka_unit_test(test_kill_is_sticky), cmocka_unit_test(test_fuel),
    cmocka_unit_test(test_brim),           cmocka_unit_test(test_memory_strikes),
    cmocka_unit_test(test_every_allocation_fails),
    cmocka_unit_test(test_nested_states),  cmocka_unit_test(test_states_share_nothing),
    cmocka_unit_test(test_renew),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

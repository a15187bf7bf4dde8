// script/instance.h – private to script/: the insides of a running script, shared by its binding files.
//
// Stack discipline: above the gateway's slot the main Lua stack keeps ctx, the reused bar and the callbacks at fixed places,
// so that a callback costs three lua_pushvalue. Functions named l_… are called by Lua and may raise; they hold nothing then.
#pragma once
#include "script/script.h"

#include <lua.h>

enum stack_slot { SLOT_CTX = 2, SLOT_BAR, SLOT_CALLBACK, SLOT_END = SLOT_CALLBACK + CALLBACK_COUNT };

// A ring of one indicator output. Grows by doubling up to the lookback, so a fresh state is small.
struct series_ring {
  double *values;    // NULL before the first
  uint64_t count;    // values pushed
  uint64_t grow_at;  // the count at which the next push needs a larger ring; UINT64_MAX: large enough
  uint32_t mask;     // capacity - 1, at least 15
  uint32_t keep;     // capacity never above this power of two
};

struct shared_indicator;
struct running_indicator {
  struct indicator *state;          // NULL: shared
  struct shared_indicator *shared;  // share.h; then its rings' values are not the script's own
  const struct indicator_desc *desc;
  enum indicator_source source;
  int stream, first_output, output_count;
  int warmup;
};

struct running_stream {
  const struct series *series;
  size_t ix;      // newest bar delivered; valid when count > 0
  size_t count;   // bars pushed
  unsigned needs; // enum indicator_need of all indicators on it
};

struct script {
  struct vm *vm;
  const struct script_host *host;
  const struct script_spec *spec;  // shared with the owner, like series
  struct param_value *values;
  const struct series *const *series;  // == config's, borrowed
  const int *symbols;
  struct running_indicator *indicators;
  struct series_ring *outputs;
  int output_count;
  int64_t now_ns;
  uint64_t calls;
  bool warm;
  size_t warm_left;    // main bars still to skip once all indicators have values
  char chunkname[SPEC_NAME_MAX];
  int ref_callbacks;   // registry reference of the table of stack slots, for calls made from C functions
  int ref_ctx;         // registry reference of ctx, which holds `state` and `p`
  const struct script_tracer *tracer;  // trace.h; NULL: none
  uint64_t traced_calls;               // of calls, that whose lines were told last
  int ref_state_key;   // registry reference of the text "state"
  uint64_t seal;       // fingerprint of ctx and ctx.ind, see lua_ctx.c
  struct running_stream streams[];  // of the spec
};

struct script *script_of(lua_State *L);
// Sets the strategy API's globals in the table on top of the stack (a vm_env_fn).
void script_register_globals(lua_State *L, void *arg);

// ---- engine userdata: every one begins with its kind, checked by magic, so one metatable serves all
enum ud_kind { UD_SERIES = 0x5e71e501, UD_BARS, UD_BAR, UD_ORDER, UD_POSITION, UD_ACCOUNT, UD_SYMBOL };
#define UD_KIND_COUNT 7

enum bar_field { FIELD_TIME, FIELD_OPEN, FIELD_HIGH, FIELD_LOW, FIELD_CLOSE, FIELD_VOLUME };

struct ud {
  uint32_t kind;
  union {
    struct { const struct series_ring *ring; int32_t stream; uint8_t field; } series;  // ring: an indicator's output; NULL: a field of a stream's bars
    struct { int32_t stream; int64_t ix; } bar;                // ix -1: the newest
    struct { int32_t stream; } bars;
    struct { uint64_t id; } order;
    struct { int32_t symbol; int32_t leg; } position;          // leg -1: the leg named by mode
  };
};

// A new engine userdata on the stack.
struct ud *ud_push(lua_State *L, enum ud_kind kind);
// The userdata at ix when it is ours and of this kind, else NULL.
struct ud *ud_test(lua_State *L, int ix, enum ud_kind kind);
// Sets up the shared metatable; once per state.
void ud_register(lua_State *L);
_Noreturn void raise_unknown_field(lua_State *L, const char *what, const char *key, const char *const *known, size_t n);

// lua_series.c
int l_series_index(lua_State *L);
int l_bars_index(lua_State *L);
int l_bar_index(lua_State *L);
int l_ctx_bars(lua_State *L);
int l_crossed_up(lua_State *L);
int l_crossed_down(lua_State *L);
int l_highest(lua_State *L);
int l_lowest(lua_State *L);
double script_series_at(const struct script *s, const struct ud *u, uint64_t k);
// lua_order.c
int l_order_index(lua_State *L);
bool lua_order_test(lua_State *L, int ix, uint64_t *ret_id);
void push_order(lua_State *L, uint64_t id);
int push_denial(lua_State *L, const struct script_denial *d);
int l_ctx_buy(lua_State *L);
int l_ctx_sell(lua_State *L);
int l_ctx_enter(lua_State *L);
int l_ctx_target(lua_State *L);
int l_ctx_close(lua_State *L);
int l_ctx_modify(lua_State *L);
int l_ctx_cancel(lua_State *L);
int l_ctx_cancel_all(lua_State *L);
int l_ctx_ladder(lua_State *L);
int l_ctx_orders(lua_State *L);
int l_ctx_pending(lua_State *L);
// lua_account.c
int l_position_index(lua_State *L);
int l_account_index(lua_State *L);
int l_symbol_index(lua_State *L);
int l_ctx_leg(lua_State *L);
int l_ctx_position(lua_State *L);
int l_ctx_symbol(lua_State *L);
// lua_ctx.c
void ctx_build(lua_State *L, struct script *s);  // leaves ctx on the stack
// Remembers ctx (on top of the stack) as the engine made it, for script_verify().
void ctx_seal(lua_State *L, struct script *s);
// A read-only view of the table on top of the stack, which it replaces: unknown fields raise with a suggestion, `what` names it.
void push_readonly(lua_State *L, const char *what);
// Gives the table on top of the stack the metatable that refuses unknown fields.
void make_strict(lua_State *L, const char *what);
void push_params(lua_State *L, const struct script_spec *spec, const struct param_value *values);
// The script whose callback asks, after checking that argument 1 is ctx (so ctx.buy{…} is told to use a colon).
struct script *ctx_check(lua_State *L, const char *method);

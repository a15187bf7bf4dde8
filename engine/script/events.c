// script/events.c – one function per callback: push its arguments, go through the VM's gateway, count.
//
// Bars pass one reused object; the rarer events pass a fresh table whose unknown fields raise, like everything else.
#include "script/instance.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

bool script_has(const struct script *s, enum callback cb) {
  return s->spec->callbacks & (UINT32_C(1) << cb);
}


enum status script_on_init(struct script *s, struct err *err) {
  if (!script_has(s, ON_INIT)) return OK;
  s->calls++;
  lua_State *L = vm_lua(s->vm);
  lua_pushvalue(L, SLOT_CALLBACK + ON_INIT);
  lua_pushvalue(L, SLOT_CTX);
  return vm_call(s->vm, 1, 0, err);
}

enum status script_on_bar(struct script *s, struct err *err) {
  if (!script_has(s, ON_BAR)) return OK;
  lua_State *L = vm_lua(s->vm);
  s->calls++;
  lua_pushvalue(L, SLOT_CALLBACK + ON_BAR);
  lua_pushvalue(L, SLOT_CTX);
  lua_pushvalue(L, SLOT_BAR);
  return vm_call(s->vm, 2, 0, err);
}

// ---- events whose arguments need memory: made inside the call, on the script's own heap and budget

struct event {
  struct script *s;
  enum callback cb;
  int (*push)(lua_State *L, struct script *s, const void *data);  // pushes the arguments after ctx, returns how many
  const void *data;
};

static int l_event(lua_State *L) {
  const struct event *e = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, e->s->ref_callbacks);
  lua_rawgeti(L, -1, SLOT_CALLBACK + (int)e->cb);
  lua_rawgeti(L, -2, SLOT_CTX);
  int n = e->push(L, e->s, e->data);
  lua_call(L, 1 + n, 0);
  return 0;
}

static enum status deliver(struct script *s, enum callback cb, int (*push)(lua_State *, struct script *, const void *),
                           const void *data, struct err *err) {
  if (!script_has(s, cb)) return OK;
  struct event e = {s, cb, push, data};
  lua_State *L = vm_lua(s->vm);
  s->calls++;
  lua_pushcfunction(L, l_event);
  lua_pushlightuserdata(L, &e);
  return vm_call(s->vm, 1, 0, err);
}

static void set_text(lua_State *L, const char *key, const char *text) {
  if (!text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double v) {
  if (isnan(v)) return;
  lua_pushnumber(L, v);
  lua_setfield(L, -2, key);
}

static void set_bool(lua_State *L, const char *key, bool v) {
  lua_pushboolean(L, v);
  lua_setfield(L, -2, key);
}

static void set_time(lua_State *L, const char *key, int64_t t_ns) {
  lua_pushinteger(L, t_ns / NS_PER_MS);
  lua_setfield(L, -2, key);
}

struct order_event {
  const struct order *order;
  enum order_status from;
};

static void set_status(lua_State *L, const char *key, enum order_status status) {
  char upper[32];
  const char *text = order_status_text(status);
  size_t i = 0;
  for (; text[i] && i < sizeof upper - 1; i++) upper[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]);
  lua_pushlstring(L, upper, i);
  lua_setfield(L, -2, key);
}

static int push_order_event(lua_State *L, struct script *s, const void *data) {
  const struct order_event *e = data;
  const struct order *o = e->order;
  lua_createtable(L, 0, 8);
  push_order(L, o->id);
  lua_setfield(L, -2, "order");
  lua_pushinteger(L, (lua_Integer)o->id);
  lua_setfield(L, -2, "id");
  set_status(L, "status", o->status);
  set_status(L, "from", e->from);
  set_text(L, "reason", o->reason == REASON_NONE ? "" : reason_code(o->reason));
  set_text(L, "tag", s->host->tag_text(s->host->self, o->tag));
  set_text(L, "symbol", s->host->account->symbols[o->symbol].inst.symbol);
  set_text(L, "side", side_text(o->side));
  set_text(L, "type", order_type_text(o->type));
  make_strict(L, "on_order's e");
  return 1;
}

enum status script_on_order(struct script *s, const struct order *o, enum order_status from, struct err *err) {
  struct order_event e = {o, from};
  return deliver(s, ON_ORDER, push_order_event, &e, err);
}

static int push_fill(lua_State *L, struct script *s, const void *data) {
  const struct fill *f = data;
  const struct instrument *inst = &s->host->account->symbols[f->symbol].inst;
  const struct order *o = s->host->order(s->host->self, f->order);
  int128 num;
  int64_t den;
  double avg = price_double(inst, f->px);
  if (o && order_avg(o, &num, &den)) avg = (double)num / (double)den * (double)inst->tick.digits / (double)pow10_i64(inst->tick.scale);
  lua_createtable(L, 0, 13);
  push_order(L, f->order);
  lua_setfield(L, -2, "order");
  set_text(L, "tag", s->host->tag_text(s->host->self, f->tag));
  set_text(L, "symbol", inst->symbol);
  set_text(L, "side", side_text(f->side));
  set_number(L, "price", price_double(inst, f->px));
  set_number(L, "qty", quantity_double(inst, f->qty));
  set_number(L, "avg", avg);
  set_number(L, "fee", (double)f->fee.e8 / 1e8);
  set_bool(L, "maker", f->maker);
  set_bool(L, "complete", f->complete);
  set_bool(L, "ambiguous", f->ambiguous);
  set_bool(L, "cut", f->cut);
  set_time(L, "time", f->time_ns);
  make_strict(L, "on_fill's f");
  return 1;
}

enum status script_on_fill(struct script *s, const struct fill *f, struct err *err) {
  return deliver(s, ON_FILL, push_fill, f, err);
}

static int push_position_event(lua_State *L, struct script *s, const void *data) {
  const struct script_position_event *e = data;
  const struct instrument *inst = &s->host->account->symbols[e->symbol].inst;
  lua_createtable(L, 0, 8);
  set_text(L, "kind", e->kind);
  set_text(L, "symbol", inst->symbol);
  set_text(L, "leg", e->leg == LEG_LONG ? "long" : e->leg == LEG_SHORT ? "short" : "net");
  set_number(L, "qty", quantity_double(inst, (quantity){e->lots_after}));
  set_number(L, "before", quantity_double(inst, (quantity){e->lots_before}));
  set_number(L, "pnl", e->realised);
  lua_pushinteger(L, (lua_Integer)e->position_id);
  lua_setfield(L, -2, "id");
  make_strict(L, "on_position's e");
  return 1;
}

enum status script_on_position(struct script *s, const struct script_position_event *e, struct err *err) {
  return deliver(s, ON_POSITION, push_position_event, e, err);
}

static int push_text(lua_State *L, struct script *s, const void *data) {
  (void)s;
  lua_pushstring(L, data);
  return 1;
}

enum status script_on_timer(struct script *s, const char *name, struct err *err) {
  return deliver(s, ON_TIMER, push_text, name, err);
}

enum status script_on_stop(struct script *s, const char *why, struct err *err) {
  return deliver(s, ON_STOP, push_text, why, err);
}

static int push_signal(lua_State *L, struct script *s, const void *data) {
  const struct script_signal *g = data;
  (void)s;
  lua_createtable(L, 0, 11);
  set_text(L, "id", g->id ? g->id : "");
  set_text(L, "source", g->source ? g->source : "");
  set_text(L, "key", g->key ? g->key : "");
  set_text(L, "symbol", g->symbol ? g->symbol : "");
  set_text(L, "action", g->action ? g->action : "");
  set_text(L, "raw", g->raw ? g->raw : "");
  set_number(L, "size", g->size);
  set_number(L, "price", g->price);
  set_number(L, "sl", g->sl);
  set_number(L, "tp", g->tp);
  set_time(L, "ts", g->ts_ns);
  return 1;
}

enum status script_on_signal(struct script *s, const struct script_signal *sig, struct err *err) {
  return deliver(s, ON_SIGNAL, push_signal, sig, err);
}

static int push_tick(lua_State *L, struct script *s, const void *data) {
  const struct script_tick *t = data;
  lua_createtable(L, 0, 7);
  set_text(L, "symbol", s->host->account->symbols[t->symbol].inst.symbol);
  set_time(L, "time", t->time_ns);
  set_number(L, "price", t->price);
  set_number(L, "volume", t->volume);
  set_number(L, "bid", t->bid);
  set_number(L, "ask", t->ask);
  lua_pushinteger(L, t->trades);
  lua_setfield(L, -2, "trades");
  return 1;
}

enum status script_on_tick(struct script *s, const struct script_tick *tick, struct err *err) { return deliver(s, ON_TICK, push_tick, tick, err); }

struct day_event {
  const char *day;
  double pnl, equity;
};

static int push_day(lua_State *L, struct script *s, const void *data) {
  const struct day_event *e = data;
  (void)s;
  lua_createtable(L, 0, 3);
  set_text(L, "day", e->day);
  set_number(L, "pnl", e->pnl);
  set_number(L, "equity", e->equity);
  make_strict(L, "on_day's e");
  return 1;
}

enum status script_on_day(struct script *s, const char *day, double pnl, double equity, struct err *err) {
  struct day_event e = {day, pnl, equity};
  return deliver(s, ON_DAY, push_day, &e, err);
}

struct risk_event {
  const char *rule;
  double value, limit;
  int64_t until_ns;
};

static int push_risk(lua_State *L, struct script *s, const void *data) {
  const struct risk_event *e = data;
  (void)s;
  lua_createtable(L, 0, 4);
  set_text(L, "rule", e->rule);
  set_number(L, "value", e->value);
  set_number(L, "limit", e->limit);
  if (e->until_ns) set_time(L, "until", e->until_ns);
  return 1;
}

enum status script_on_risk(struct script *s, const char *rule, double value, double limit, int64_t until_ns, struct err *err) {
  struct risk_event e = {rule, value, limit, until_ns};
  return deliver(s, ON_RISK, push_risk, &e, err);
}

// ---- data stream: (ctx, stream, bar)

static int push_data(lua_State *L, struct script *s, const void *data) {
  int stream = *(const int *)data;
  lua_pushstring(L, s->spec->streams[stream].name);
  struct ud *u = ud_push(L, UD_BAR);
  u->bar.stream = stream;
  u->bar.ix = (int64_t)s->streams[stream].ix;
  return 2;
}

enum status script_on_data(struct script *s, int stream, struct err *err) {
  return deliver(s, ON_DATA, push_data, &stream, err);
}

// ---- live parameter change

// ctx.p becomes the new values; the callback gets the old ones.
static int push_new_params(lua_State *L, struct script *s, const void *data) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref_ctx);  // ctx
  lua_getfield(L, -1, "p");                       // ctx old
  push_params(L, s->spec, data);                 // ctx old new
  lua_pushstring(L, "p");
  lua_insert(L, -2);
  lua_rawset(L, -4);
  lua_insert(L, -2);  // old ctx
  ctx_seal(L, s);
  lua_pop(L, 1);      // old
  return 1;
}

static int l_set_params(lua_State *L) {
  const struct event *e = lua_touserdata(L, 1);
  push_new_params(L, e->s, e->data);
  return 0;
}

enum status script_on_params(struct script *s, const struct param_value *values, struct err *err) {
  for (int i = 0; i < s->spec->param_count; i++) {
    const struct param_spec *p = &s->spec->params[i];
    bool changed = values[i].num != s->values[i].num || strcmp(values[i].text, s->values[i].text) != 0;
    if (changed && !p->live) return err_set(err, ERR_INVALID, "parameter %s cannot change while running (it is not live=true)", p->name);
    enum status st = params_check(p, &values[i], err);
    if (st != OK) return st;
  }
  struct event e = {s, ON_PARAMS, push_new_params, values};
  enum status st = script_has(s, ON_PARAMS) ? deliver(s, ON_PARAMS, push_new_params, values, err) : vm_protect(s->vm, l_set_params, &e, err);
  if (st == OK) memcpy(s->values, values, (size_t)s->spec->param_count * sizeof *values);
  return st;
}

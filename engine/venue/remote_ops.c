// venue/remote_ops.c – struct venue on top of calls: arguments in, typed rows out. What a session may be asked in which state is one
// table.
#include "venue/remote_impl.h"

#include "loop/clock.h"
#include "order/unknown.h"
#include "venue/unified.h"

#include <stdlib.h>
#include <string.h>

// ---- who may ask what

// Orders and changes: only when what was missed is known. Taking away and asking: whenever there is a key that works.
static bool may(const struct remote_session *s, enum dialect_op op, enum venue_why *ret_why, const char **ret_text) {
  const bool adds = op == DIALECT_CREATE_ORDER || op == DIALECT_AMEND_ORDER;
  *ret_why = VENUE_WHY_CLOSED;
  *ret_text = "there is no connection to the venue";
  if (s->state == VENUE_STATE_REFUSED) {
    *ret_why = VENUE_WHY_CREDENTIALS;
    *ret_text = s->why;
    return false;
  }
  if (s->state == VENUE_STATE_STOPPED) return false;
  if (!adds || (s->state == VENUE_STATE_READY && !s->probe)) return true;
  if (s->state == VENUE_STATE_RECONCILING) *ret_text = "orders are being compared with the venue's";
  return false;
}

static void ask(struct remote_session *s, enum dialect_op op, json_t *args, void (*done)(struct remote_call *c), void (*fn)(void), void *arg) {
  enum venue_why why;
  const char *text;
  struct remote_call *c;
  if (may(s, op, &why, &text)) {
    c = remote_call_begin(s->site, s, op, args, done);
  } else {
    json_decref(args);
    c = remote_call_refuse(s->site, s, why, text, done);
    c->op = op;
  }
  c->fn = fn;
  c->arg = arg;
}

// ---- answers

static void done_reply(struct remote_call *c) {
  ((venue_reply_fn)c->fn)(c->arg, &c->reply);
}

static void unreadable(struct remote_call *c, const struct err *err) {
  c->reply.outcome = VENUE_UNKNOWN;
  c->reply.why = VENUE_WHY_OTHER;
  remote_scrub(c->session, err->msg, c->reply.text, sizeof c->reply.text);
  remote_log(c->site, c->session, "%s: %s", dialect_op_text(c->op), err->msg);
}

// The rows as structs; NULL with no rows or when the outcome is (or becomes) another than ACCEPTED.
#define ROWS(type, unified)                                                             \
  static struct type *rows_##type(struct remote_call *c, size_t *ret_count) {           \
    const size_t count = json_is_array(c->rows) ? json_array_size(c->rows) : 0;         \
    struct err err;                                                                     \
    *ret_count = 0;                                                                     \
    if (c->reply.outcome != VENUE_ACCEPTED) return NULL;                                \
    struct type *list = calloc(count + 1, sizeof *list);                                \
    if (!list) err_set(&err, ERR_NOMEM, "rows");                                        \
    for (size_t i = 0; list && i < count; i++) {                                        \
      if (unified(json_array_get(c->rows, i), &list[i], &err) == OK) continue;          \
      free(list);                                                                       \
      list = NULL;                                                                      \
    }                                                                                   \
    if (!list) unreadable(c, &err);                                                     \
    else *ret_count = count;                                                            \
    return list;                                                                        \
  }
ROWS(venue_order, unified_order)
ROWS(venue_fill, unified_fill)
ROWS(venue_position, unified_position)
ROWS(venue_balance, unified_balance)
#undef ROWS

#define DONE(name, type, fn_type)                      \
  static void done_##name(struct remote_call *c) {     \
    size_t count;                                      \
    struct type *list = rows_##type(c, &count);        \
    ((fn_type)c->fn)(c->arg, &c->reply, list, count);  \
    free(list);                                        \
  }
DONE(fills, venue_fill, venue_fills_fn)
DONE(positions, venue_position, venue_positions_fn)
DONE(balances, venue_balance, venue_balances_fn)
DONE(orders, venue_order, venue_orders_fn)
#undef DONE

// Of rows that are about one order, only that one: some venues answer with lists.
static void done_order(struct remote_call *c) {
  size_t count;
  struct venue_order *list = rows_venue_order(c, &count);
  const char *id = json_string_value(json_object_get(c->args, "id")), *client_id = json_string_value(json_object_get(c->args, "client_id"));
  const struct venue_order *found = NULL;
  for (size_t i = 0; i < count && !found; i++)
    if ((id && strcmp(list[i].ref.venue_id, id) == 0) || (!id && client_id && strcmp(list[i].ref.client_id, client_id) == 0)) found = &list[i];
  ((venue_orders_fn)c->fn)(c->arg, &c->reply, list ? found ? found : list : NULL, found ? 1 : 0);
  free(list);
}

static void done_key(struct remote_call *c) {
  struct venue_key key = {0};
  struct err err;
  if (c->reply.outcome == VENUE_ACCEPTED && unified_key(c->rows, &key, &err) != OK) unreadable(c, &err);
  ((venue_key_fn)c->fn)(c->arg, &c->reply, c->reply.outcome == VENUE_ACCEPTED ? &key : NULL);
}

// ---- questions

static json_t *args_symbol(const char *symbol) {
  json_t *args = json_object();
  if (args && symbol) json_object_set_new(args, "symbol", json_string(symbol));
  return args;
}

static struct venue_caps op_caps(void *self) {
  const struct remote_session *s = self;
  const struct dialect_info *i = dialect_info(s->site->dialect);
  const struct dialect_caps *can = dialect_can(i, s->site->category);
  return (struct venue_caps){.lookups = (uint8_t)((i->by_id ? LOOKUP_ID : 0) | (i->by_open ? LOOKUP_OPEN : 0) | (i->by_fills ? LOOKUP_FILLS : 0)),
    .amend = can->amend, .positions = can->positions, .leverage = can->leverage, .stops = can->stops, .reduce_only = can->reduce_only, .post_only = can->post_only,
    .hedge = can->hedge, .cancel_all = can->cancel_all, .market_by_quote = can->market_by_quote, .attached = can->attached, .expiry_ms = i->expiry_ms > 0 ? i->expiry_ms : REMOTE_LINGER_MS};
}

static enum venue_state op_state(void *self, const char **ret_why) {
  const struct remote_session *s = self;
  if (ret_why) *ret_why = s->why;
  return s->state;
}

static int64_t op_now_ns(void *self) {
  return venue_clock_steady(&((struct remote_session *)self)->site->clock, clock_monotonic_ns());
}

static void op_place(void *self, const struct venue_place *p, venue_reply_fn done, void *arg) {
  ask(self, DIALECT_CREATE_ORDER, unified_args_place(p), done_reply, (void (*)(void))done, arg);
}
static void op_amend(void *self, const struct venue_ref *ref, const struct venue_change *change, venue_reply_fn done, void *arg) {
  ask(self, DIALECT_AMEND_ORDER, unified_args_change(ref, change), done_reply, (void (*)(void))done, arg);
}
static void op_cancel(void *self, const struct venue_ref *ref, venue_reply_fn done, void *arg) {
  ask(self, DIALECT_CANCEL_ORDER, unified_args_ref(ref), done_reply, (void (*)(void))done, arg);
}
static void op_cancel_all(void *self, const char *symbol, venue_reply_fn done, void *arg) {
  ask(self, DIALECT_CANCEL_ALL, args_symbol(symbol), done_reply, (void (*)(void))done, arg);
}
static void op_order(void *self, const struct venue_ref *ref, venue_orders_fn done, void *arg) {
  ask(self, DIALECT_FETCH_ORDER, unified_args_ref(ref), done_order, (void (*)(void))done, arg);
}
static void op_open_orders(void *self, const char *symbol, venue_orders_fn done, void *arg) {
  ask(self, DIALECT_OPEN_ORDERS, args_symbol(symbol), done_orders, (void (*)(void))done, arg);
}
static void op_fills(void *self, const char *symbol, int64_t since_ns, venue_fills_fn done, void *arg) {
  json_t *args = args_symbol(symbol);
  if (since_ns > 0) since_ns = venue_clock_since(&((struct remote_session *)self)->site->clock, since_ns);
  if (args && since_ns > 0) json_object_set_new(args, "since_ms", json_integer(since_ns / REMOTE_NS_OF_MS));
  ask(self, DIALECT_FILLS, args, done_fills, (void (*)(void))done, arg);
}
static void op_positions(void *self, venue_positions_fn done, void *arg) {
  ask(self, DIALECT_POSITIONS, json_object(), done_positions, (void (*)(void))done, arg);
}
static void op_balances(void *self, venue_balances_fn done, void *arg) {
  ask(self, DIALECT_BALANCE, json_object(), done_balances, (void (*)(void))done, arg);
}
static void op_key(void *self, venue_key_fn done, void *arg) {
  ask(self, DIALECT_KEY_INFO, json_object(), done_key, (void (*)(void))done, arg);
}
static void op_set_leverage(void *self, const char *symbol, struct decimal leverage, venue_reply_fn done, void *arg) {
  json_t *args = args_symbol(symbol);
  if (args) unified_set_decimal(args, "leverage", leverage);
  ask(self, DIALECT_SET_LEVERAGE, args, done_reply, (void (*)(void))done, arg);
}

static void op_set_position_mode(void *self, const char *symbol, bool hedge, venue_reply_fn done, void *arg) {
  json_t *args = args_symbol(symbol);
  if (args) json_object_set_new(args, "hedge", json_boolean(hedge));
  ask(self, DIALECT_SET_POSITION_MODE, args, done_reply, (void (*)(void))done, arg);
}

static bool op_reconciled(void *self) {
  struct remote_session *s = self;
  if (s->state != VENUE_STATE_RECONCILING) return false;
  remote_session_event(s, REMOTE_EVENT_RECONCILED, "");
  return true;
}

const struct venue_ops remote_ops = {.caps = op_caps, .state = op_state, .now_ns = op_now_ns, .place = op_place, .amend = op_amend, .cancel = op_cancel,
  .cancel_all = op_cancel_all, .order = op_order, .open_orders = op_open_orders, .fills = op_fills, .positions = op_positions, .balances = op_balances,
  .key = op_key, .set_leverage = op_set_leverage, .set_position_mode = op_set_position_mode, .reconciled = op_reconciled, .brace = remote_brace, .ahead = remote_ahead, .destroy = remote_session_destroy};

// order/route.c – the table of states and events, and the few effects that events have besides moving.
#include "order/route.h"

#include <assert.h>
#include <string.h>

// Targets that depend on the order.
enum {
  AS_LIVE = ROUTE_STATE_COUNT,  // the state that fits its fills: PARTIAL, OPEN, or SENT if never acknowledged
  AS_REJECTED,                  // REJECTED, or CANCELED when something was executed
  AS_ABSENT,                    // DEAD, or CANCELED when the venue had shown it once
};

struct cell { uint8_t kind, to; };
#define M(s) {ROUTE_MOVE, ROUTE_##s}
#define O(s) {ROUTE_ODD, ROUTE_##s}
#define LIVE {ROUTE_MOVE, AS_LIVE}
#define REJ {ROUTE_MOVE, AS_REJECTED}
#define GONE {ROUTE_MOVE, AS_ABSENT}
#define S {ROUTE_STAY, 0}
#define L {ROUTE_LATE, 0}
#define R {ROUTE_REFUSE, 0}

// A line per state, in three groups of events: ours before sending; executions and what ends an order; changes; the unknown.
static const struct cell table[ROUTE_STATE_COUNT][ROUTE_EV_COUNT] = {
#define ROW(state, journalled, send, abandon, ack, part, all, canceled, rejected, expired, c_send, c_refused, m_send, modified, \
            m_refused, lost, absent, give_up)                                                                             \
  [ROUTE_##state] = {                                                                                                     \
    [ROUTE_EV_JOURNALLED] = journalled, [ROUTE_EV_SEND] = send, [ROUTE_EV_ABANDON] = abandon,                             \
    [ROUTE_EV_ACK] = ack, [ROUTE_EV_FILL_PART] = part, [ROUTE_EV_FILL_ALL] = all, [ROUTE_EV_CANCELED] = canceled,         \
    [ROUTE_EV_REJECTED] = rejected, [ROUTE_EV_EXPIRED] = expired, [ROUTE_EV_CANCEL_SEND] = c_send,                        \
    [ROUTE_EV_CANCEL_REFUSED] = c_refused, [ROUTE_EV_MODIFY_SEND] = m_send, [ROUTE_EV_MODIFIED] = modified,               \
    [ROUTE_EV_MODIFY_REFUSED] = m_refused, [ROUTE_EV_LOST] = lost, [ROUTE_EV_ABSENT] = absent, [ROUTE_EV_GIVE_UP] = give_up},
  // Nothing has left: what a venue says about it is about somebody using our name.
  //  state       journalled     send     abandon       ack         part          all         canceled     rejected     expired
  ROW(INTENT,     M(JOURNALLED), R,       M(ABANDONED), O(UNKNOWN), O(UNKNOWN),   O(FILLED),  O(CANCELED), O(REJECTED), O(EXPIRED),
      R, L, R, O(UNKNOWN), L, R, R, R)
  ROW(JOURNALLED, L,             M(SENT), M(ABANDONED), O(UNKNOWN), O(UNKNOWN),   O(FILLED),  O(CANCELED), O(REJECTED), O(EXPIRED),
      R, L, R, O(UNKNOWN), L, M(UNKNOWN), R, R)
  ROW(ABANDONED,  L,             R,       R,            O(UNKNOWN), O(UNKNOWN),   O(FILLED),  O(CANCELED), O(REJECTED), O(EXPIRED),
      R, L, R, O(UNKNOWN), L, L, R, R)
  // Working. An execution before the ack is news like any other.
  ROW(SENT,       L,             R,       R,            M(OPEN),    M(PARTIAL),   M(FILLED),  M(CANCELED), REJ,         M(EXPIRED),
      M(CANCELLING), L, M(MODIFYING), LIVE, LIVE, M(UNKNOWN), R, R)
  ROW(OPEN,       L,             R,       R,            L,          M(PARTIAL),   M(FILLED),  M(CANCELED), REJ,         M(EXPIRED),
      M(CANCELLING), L, M(MODIFYING), LIVE, LIVE, M(UNKNOWN), R, R)
  ROW(PARTIAL,    L,             R,       R,            L,          S,            M(FILLED),  M(CANCELED), O(CANCELED), M(EXPIRED),
      M(CANCELLING), L, M(MODIFYING), LIVE, LIVE, M(UNKNOWN), R, R)
  // A cancel may be repeated; a change that was under way when it left may still be answered.
  ROW(CANCELLING, L,             R,       R,            L,          S,            M(FILLED),  M(CANCELED), REJ,         M(EXPIRED),
      S, LIVE, R, S, S, M(UNKNOWN), R, R)
  ROW(MODIFYING,  L,             R,       R,            L,          S,            M(FILLED),  M(CANCELED), REJ,         M(EXPIRED),
      M(CANCELLING), L, R, LIVE, LIVE, M(UNKNOWN), R, R)
  // Only proof ends these; cancelling by name is always safe, sending again never.
  ROW(UNKNOWN,    L,             R,       R,            LIVE,       S,            M(FILLED),  M(CANCELED), REJ,         M(EXPIRED),
      S, L, R, S, S, S, GONE, M(QUARANTINED))
  ROW(QUARANTINED, L,            R,       R,            LIVE,       S,            M(FILLED),  M(CANCELED), REJ,         M(EXPIRED),
      S, L, R, S, S, S, GONE, L)
  // Over. Executions may arrive after the message that ended the order.
  ROW(FILLED,     L,             R,       R,            L,          O(FILLED),    O(FILLED),  L,           L,           L,
      R, L, R, L, L, L, L, L)
  ROW(CANCELED,   L,             R,       R,            L,          S,            S,          L,           L,           L,
      R, L, R, L, L, L, L, L)
  ROW(EXPIRED,    L,             R,       R,            L,          S,            S,          L,           L,           L,
      R, L, R, L, L, L, L, L)
  // Over without ever having worked: signs of life mean that this was wrong.
  ROW(REJECTED,   L,             R,       R,            O(UNKNOWN), O(UNKNOWN),   O(FILLED),  L,           L,           L,
      R, L, R, O(UNKNOWN), L, L, L, L)
  ROW(DEAD,       L,             R,       R,            O(UNKNOWN), O(UNKNOWN),   O(FILLED),  O(CANCELED), L,           O(EXPIRED),
      R, L, R, O(UNKNOWN), L, L, L, L)
};

static const struct { const char *text; enum order_status status; bool live; } states[ROUTE_STATE_COUNT] = {
#define X(name, text, status, live) {text, ORDER_##status, live},
  ROUTE_STATE_LIST(X)
#undef X
};
static const char *const events[ROUTE_EV_COUNT] = {
#define X(name, text) text,
  ROUTE_EVENT_LIST(X)
#undef X
};

void route_init(struct route_order *o, const struct client_id *id, uint64_t account, uint64_t venue, int symbol, enum side side,
                quantity qty) {
  assert(qty.lots > 0 && (side == SIDE_BUY || side == SIDE_SELL));
  *o = (struct route_order){.account = account, .venue = venue, .bot = id->bot, .symbol = symbol, .side = side, .qty = qty};
  client_id_format(id, o->client_id);
}

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t worst_qty(const struct route_order *o) { return most(o->qty.lots, o->new_qty.lots); }

int64_t route_pending(const struct route_order *o) {
  return states[o->state].live ? most(0, most(worst_qty(o), o->cum.lots) - o->filled.lots) : most(0, route_missing(o));
}

static bool is_unknown(enum route_state s) { return s == ROUTE_UNKNOWN || s == ROUTE_QUARANTINED; }

static enum route_state target(const struct route_order *o, uint8_t to) {
  switch (to) {
  case AS_REJECTED: return o->cum.lots > 0 ? ROUTE_CANCELED : ROUTE_REJECTED;
  case AS_ABSENT: return o->cum.lots > 0 || o->acked ? ROUTE_CANCELED : ROUTE_DEAD;
  // Found, but the fate of a change is still open: not resolved.
  case AS_LIVE: return is_unknown(o->state) && o->new_qty.lots > 0 ? o->state
                     : o->filled.lots > 0 ? ROUTE_PARTIAL : o->acked ? ROUTE_OPEN : ROUTE_SENT;
  default: return to;
  }
}

static void change_ends(struct route_order *o, int64_t lots) {
  if (lots > 0) o->qty.lots = most(lots, o->cum.lots);
  o->new_qty.lots = 0;
}

// What an event does beside moving; only for cells that are MOVE, STAY or ODD.
static void take(struct route_order *o, const struct route_event *ev) {
  switch (ev->kind) {
  case ROUTE_EV_SEND:
    o->sent_ns = ev->now_ns;
    o->expiry_ns = ev->expiry_ns;
    break;
  case ROUTE_EV_ACK:
    o->acked = true;
    // The quantity settles a change whose answer was lost, if the question was asked when the change could no longer arrive.
    if (ev->qty.lots > 0 && ev->asked_ns > o->change_expiry_ns) change_ends(o, ev->qty.lots);
    break;
  case ROUTE_EV_MODIFY_SEND:
    assert(ev->qty.lots > 0);
    o->new_qty = ev->qty;
    o->change_expiry_ns = ev->expiry_ns;
    o->changes++;
    break;
  case ROUTE_EV_MODIFIED:
    o->acked = true;
    change_ends(o, ev->qty.lots > 0 ? ev->qty.lots : o->new_qty.lots);
    break;
  case ROUTE_EV_MODIFY_REFUSED: change_ends(o, 0); break;
  case ROUTE_EV_FILL_PART: case ROUTE_EV_FILL_ALL: o->acked = true; break;
  default: break;
  }
}

// The cell for an event, unless the event itself says that it is stale. One change at a time: of two that nobody answered,
// either could be the last to take effect.
static struct cell cell_of(const struct route_order *o, const struct route_event *ev) {
  bool answers_change = ev->kind == ROUTE_EV_MODIFIED || ev->kind == ROUTE_EV_MODIFY_REFUSED;
  struct cell c = table[o->state][ev->kind];
  if (answers_change && ev->change != 0 && ev->change != o->changes && c.kind != ROUTE_ODD) return (struct cell)L;
  if (ev->kind == ROUTE_EV_MODIFY_SEND && o->new_qty.lots > 0) return (struct cell)R;
  if (ev->kind == ROUTE_EV_ACK && is_unknown(o->state) && ev->asked_ns < o->probe.since_ns) return (struct cell)S;
  return c;
}

static struct route_effect apply(struct route_order *o, const struct route_event *ev) {
  assert((unsigned)ev->kind < ROUTE_EV_COUNT);
  struct cell c = cell_of(o, ev);
  struct route_effect e = {.kind = c.kind, .from = o->state, .to = o->state};
  assert(c.kind != ROUTE_UNWRITTEN);
  if (e.kind == ROUTE_REFUSE) return e;
  int64_t before = route_pending(o);
  if (ev->cum.lots > o->cum.lots) o->cum = ev->cum;
  if (e.kind != ROUTE_LATE) take(o, ev);
  if (e.kind == ROUTE_MOVE || e.kind == ROUTE_ODD) o->state = target(o, c.to);
  if (states[o->state].live && o->filled.lots >= worst_qty(o)) o->state = ROUTE_FILLED;  // a change left nothing to wait for
  if (is_unknown(o->state) && !is_unknown(e.from)) {
    int64_t expiry_ns = most(o->expiry_ns, most(o->change_expiry_ns, ev->expiry_ns));
    unknown_begin(&o->probe, ev->lookups, expiry_ns ? expiry_ns : ev->now_ns, ev->now_ns);
  }
  e.to = o->state;
  if (e.kind == ROUTE_STAY && e.to != e.from) e.kind = ROUTE_MOVE;
  e.overfilled = o->cum.lots > worst_qty(o);
  e.pending_delta = route_pending(o) - before;
  route_check(o);
  return e;
}

struct route_effect route_apply(struct route_order *o, const struct route_event *ev) {
  assert(ev->kind != ROUTE_EV_FILL_PART && ev->kind != ROUTE_EV_FILL_ALL);
  return apply(o, ev);
}

struct route_effect route_fill(struct route_order *o, price px, quantity qty, int64_t now_ns) {
  assert(qty.lots > 0);
  struct route_effect refused = {.kind = ROUTE_REFUSE, .from = o->state, .to = o->state};
  int64_t filled, before = route_pending(o);
  int128 value = o->fill_value + (int128)px.ticks * qty.lots;
  const int128 limit = (int128)1 << 125;  // as order_fill(): two values below it cannot overflow their sum
  if (!add_checked(o->filled.lots, qty.lots, &filled) || value >= limit || value <= -limit) return refused;
  o->filled.lots = filled;
  o->fill_value = value;
  if (o->cum.lots < filled) o->cum.lots = filled;
  // A "part" only while something may be left under the larger of both quantities: a change may still be decided.
  bool all = filled >= worst_qty(o);
  struct route_effect e = apply(o, &(struct route_event){.kind = all ? ROUTE_EV_FILL_ALL : ROUTE_EV_FILL_PART, .now_ns = now_ns,
                                                         .lookups = LOOKUP_ID | LOOKUP_OPEN | LOOKUP_FILLS});
  assert(e.kind != ROUTE_REFUSE && e.kind != ROUTE_LATE);  // money is never ignored
  e.pending_delta = route_pending(o) - before;
  return e;
}

bool route_live(enum route_state s) {
  assert((unsigned)s < ROUTE_STATE_COUNT);
  return states[s].live;
}

enum order_status route_status(enum route_state s) {
  assert((unsigned)s < ROUTE_STATE_COUNT);
  return states[s].status;
}

const char *route_state_text(enum route_state s) {
  assert((unsigned)s < ROUTE_STATE_COUNT);
  return states[s].text;
}

const char *route_event_text(enum route_event_kind e) {
  assert((unsigned)e < ROUTE_EV_COUNT);
  return events[e];
}

enum route_kind route_table(enum route_state s, enum route_event_kind e, enum route_state *ret_to) {
  assert((unsigned)s < ROUTE_STATE_COUNT && (unsigned)e < ROUTE_EV_COUNT);
  const struct cell *c = &table[s][e];
  bool moves = c->kind == ROUTE_MOVE || c->kind == ROUTE_ODD;
  *ret_to = !moves ? s : c->to < ROUTE_STATE_COUNT ? (enum route_state)c->to : ROUTE_STATE_COUNT;
  return c->kind;
}

void route_check(const struct route_order *o) {
  assert((unsigned)o->state < ROUTE_STATE_COUNT && o->client_id[0] != 0);
  assert(o->qty.lots > 0 && o->new_qty.lots >= 0);
  assert(o->filled.lots >= 0 && o->filled.lots <= o->cum.lots);
  switch (o->state) {
  case ROUTE_PARTIAL: assert(o->filled.lots > 0); break;
  case ROUTE_FILLED: assert(o->filled.lots >= o->qty.lots); break;
  case ROUTE_INTENT: case ROUTE_JOURNALLED: case ROUTE_DEAD: assert(o->filled.lots == 0); break;
  default: break;
  }
}

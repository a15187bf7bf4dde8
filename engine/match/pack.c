// match/pack.c – a matcher to bytes and back (base/pack.h): account, orders that are remembered, who works in which order, changes on their way.
// What a matcher that is read does from there on is what the one that was written does.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/pack.h"
#include "match/impl.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))
#define MANY (1 << 24)

// A new member of one of these structures belongs into its table.
_Static_assert(sizeof(struct order) == 288 && sizeof(struct order_change) == 64, "tables below");
#define O(member) PACK_ANY(struct order, member)
#define O_IN(member, least, most) PACK_FIELD(struct order, member, 0, least, most)
#define O_PRICE(member) PACK_FIELD(struct order, member, NO_PRICE_TICKS, INT64_MIN, INT64_MAX)
#define O_END(member) PACK_FIELD(struct order, member, INT64_MAX, INT64_MIN, INT64_MAX)
static const struct pack_field order_fields[] = {
    O(id), O_IN(symbol, 0, INT32_MAX), O_IN(side, SIDE_SELL, SIDE_BUY), O_IN(type, 0, ORDER_TRAILING), O_IN(leg, 0, LEG_COUNT - 1), O_IN(tif, 0, TIF_GTD),
    O_IN(status, 0, ORDER_STATUS_COUNT - 1), O_IN(reason, 0, REASON_COUNT - 1), O_IN(post, 0, 1), O_IN(reduce, 0, 1), O_IN(ambiguous, 0, 1), O_IN(rested, 0, 1),
    O_IN(triggered, 0, 1), O_IN(resolve_at_fill, 0, 1), O_IN(cut, 0, 1), O_IN(size_kind, 0, SIZE_CLOSE), O(size), O(qty), O(filled), O_PRICE(limit), O_PRICE(trigger),
    O(trail_ticks), O(trail_frac_e8), O_PRICE(trail_ref), O_PRICE(sl), O_PRICE(tp), O(tp_r_e6), O(closes), O(parent), O(child_sl), O(child_tp), O(opened), O(exited), O(oco), O(tag),
    O(decided_ns), O(active_ns), O_END(expires_ns), O(held), O(held_value), O_END(due_ns), O(ended_ns)};
#define CHANGE(member) PACK_ANY(struct order_change, member)
static const struct pack_field change_fields[] = {
    CHANGE(limit), CHANGE(trigger), CHANGE(sl), CHANGE(tp), PACK_FIELD(struct order_change, sl_none, 0, 0, 1), PACK_FIELD(struct order_change, tp_none, 0, 0, 1),
    CHANGE(qty), CHANGE(trail_ticks), CHANGE(trail_frac_e8)};

static void order_pack(const struct matcher *m, struct order *o, uint64_t id, struct pack *p) {
  pack_fields(p, o, order_fields, LENGTH(order_fields));
  if (o->id == 0) return;  // reserved, or not given out yet
  o->fill_value = pack_wide(p, o->fill_value);
  if (o->id != id || id > m->last_order || o->side == 0 || o->symbol >= m->account.symbol_count) pack_fail(p);
}

static void pages_pack(struct matcher *m, struct pack *p) {
  m->base_page = (size_t)pack_number(p, (int64_t)m->base_page, 0, INT64_MAX / ORDER_PAGE);
  const size_t pages = pack_count(p, m->page_count - m->base_page, MANY);
  m->first_page = m->base_page + (size_t)pack_number(p, (int64_t)(m->first_page - m->base_page), 0, MANY);
  if (m->first_page > m->base_page + pages || m->last_order > (m->base_page + pages) * ORDER_PAGE) pack_fail(p);
  if (p->failed) m->base_page = m->first_page = 0;
  if (p->failed) return;
  if (pack_reads(p)) ensure_room((void **)&m->pages, &m->page_cap, pages, sizeof *m->pages);
  m->page_count = m->base_page + pages;
  if (pack_reads(p) && pages) memset(m->pages, 0, pages * sizeof *m->pages);
  for (size_t i = 0; i < pages && !p->failed; i++) {
    const bool there = pack_bool(p, m->pages[i] != NULL);
    if (!there || p->failed) continue;
    if (pack_reads(p)) m->pages[i] = calloc(ORDER_PAGE, sizeof **m->pages);
    assert(m->pages[i]);
    for (size_t k = 0; k < ORDER_PAGE; k++) order_pack(m, &m->pages[i][k], (m->base_page + i) * ORDER_PAGE + k + 1, p);
  }
}

// Which bars are walked leaves traces (shift_ticks), so it is not enough to walk the next one in any case.
static void watch_pack(struct match_watch *w, struct pack *p) {
  w->low = pack_any(p, w->low);
  w->high = pack_any(p, w->high);
  w->until_ns = pack_any(p, w->until_ns);
  w->danger = pack_bool(p, w->danger);
  const int leg = (int)pack_number(p, w->pos ? w->pos - w->acct->pos : -1, -1, LEG_COUNT - 1);
  w->pos = leg < 0 ? NULL : &w->acct->pos[leg];
  w->lots = leg < 0 ? NULL : &w->acct->pos[leg].open;
}

static void symbol_pack(struct matcher *m, struct match_symbol *s, struct pack *p) {
  const size_t working = pack_count(p, s->work_count, MANY);
  if (pack_reads(p)) ensure_room((void **)&s->work, &s->work_cap, working, sizeof *s->work);
  for (size_t i = 0; i < working && !p->failed; i++) {
    const uint64_t id = (uint64_t)pack_any(p, pack_reads(p) ? 0 : (int64_t)s->work[i]->id);
    struct order *o = order_find(m, id);
    if (!o || o->symbol != s->index || !order_alive(o)) pack_fail(p);
    if (!pack_reads(p) || p->failed) continue;
    s->work[i] = o;
    s->work_count = i + 1;
  }
  s->room_lots = pack_any(p, s->room_lots);
  s->shift_ticks = pack_any(p, s->shift_ticks);
  watch_pack(&s->watch, p);
}

static void changes_pack(struct matcher *m, struct pack *p) {
  const size_t n = pack_count(p, m->change_count, MANY);
  if (pack_reads(p)) ensure_room((void **)&m->changes, &m->change_cap, n, sizeof *m->changes);
  for (size_t i = 0; i < n && !p->failed; i++) {
    struct pending_change *c = &m->changes[i];
    if (pack_reads(p)) *c = (struct pending_change){0};
    if (pack_reads(p)) m->change_count = i + 1;
    c->id = (uint64_t)pack_any(p, (int64_t)c->id);
    pack_fields(p, &c->change, change_fields, LENGTH(change_fields));
    if (!order_find(m, c->id)) pack_fail(p);
  }
}

void matcher_pack(struct matcher *m, struct pack *p) {
  assert(m->event_head == m->event_tail && !fill_model_compat(m->cfg.model));
  assert(!pack_reads(p) || m->last_order == 0);
  m->last_order = (uint64_t)pack_number(p, (int64_t)m->last_order, 0, INT64_MAX);
  m->last_fill = (uint64_t)pack_number(p, (int64_t)m->last_fill, 0, INT64_MAX);
  account_pack(&m->account, p);
  pages_pack(m, p);
  for (int i = 0; i < m->account.symbol_count && !p->failed; i++) symbol_pack(m, &m->symbols[i], p);
  changes_pack(m, p);
}

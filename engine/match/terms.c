// match/terms.c – rule 21: tick, lot, notional and margin tables carry dates; history uses the ones of its day.
#include "match/impl.h"
#include "market/terms.h"

#include <assert.h>

enum status matcher_terms(struct matcher *m, int symbol, const struct terms *t, struct err *err) {
  assert(symbol >= 0 && symbol < m->account.symbol_count);
  struct match_symbol *s = &m->symbols[symbol];
  struct instrument inst = s->cfg.inst;
  enum status st = terms_apply(t, &inst, err);
  if (st != OK) return st;
  s->cfg.inst = m->account.symbols[symbol].inst = inst;
  if (t->has & TERMS_LEVERAGE) s->cfg.leverage_e4 = m->account.symbols[symbol].leverage_e4 = t->leverage_e4;
  if (t->has & TERMS_MAINTENANCE) s->cfg.maintenance_frac_e8 = t->maintenance_frac_e8;
  watch_money_moved(m);
  return OK;
}

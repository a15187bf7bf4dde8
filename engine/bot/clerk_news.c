// bot/clerk_news.c – while an entry of the calendar holds (risk/news.h), the account's rules want nothing opened of what it concerns:
// orders are denied by the gate, and here those that already work are cancelled, since they could be filled in it. With `flat` the bot's
// positions are closed too.
#include "bot/clerk_impl.h"

void clerk_news_look(struct clerk *c) {
  const struct rule_state *rules = &c->account->rules;
  struct refusal why;
  char text[REFUSAL_TEXT_SIZE];
  if (!rules->rules || !rules->rules->news || !rules->news) return;
  for (int i = 0; i < c->symbol_count; i++) {
    struct clerk_symbol *s = &c->symbols[i];
    const bool entries = s->gate.buy_lots > 0 || s->gate.sell_lots > 0, held = s->gate.lots != 0;
    if ((!entries && !held) || !rule_news(rules, s->gate.inst->symbol, c->now_ns, &why)) continue;
    refusal_text(&why, NULL, text);
    if (entries && clerk_cancel_working(c, REASON_PROP_RULE, WHICH_OPENING, s->symbol)) clerk_tell_intervened(c, REASON_PROP_RULE, text);
    if (!held || !rules->rules->news_flat || c->flatten_why != REASON_NONE) continue;
    c->flatten_why = REASON_PROP_RULE;
    clerk_tell_intervened(c, REASON_PROP_RULE, text);
  }
}

int64_t clerk_news_next(const struct clerk *c) {
  const struct rule_state *rules = &c->account->rules;
  int64_t next_ns = INT64_MAX;
  for (int i = 0; rules->rules && i < c->symbol_count; i++) {
    const int64_t at_ns = rule_news_next(rules, c->symbols[i].gate.inst->symbol, c->now_ns);
    if (at_ns < next_ns) next_ns = at_ns;
  }
  return next_ns;
}

// api/bots_page.c – see bots_page.h.
#include "api/bots_page.h"

#include "store/store.h"

struct db *bots_journal(struct api_call *call) { return store_reader(api_store(call), STORE_JOURNAL); }

// Whose bot it is, and where the page begins. False: answered, or *ret tells why not.
bool bots_page_begin(struct api_call *call, struct bots_page *p, enum status *ret) {
  struct bot_row row;
  *p = (struct bots_page){.bot_id = api_param_id(call, "bot_id"), .status = OK};
  *ret = bot_get(store_reader(api_store(call), STORE_CONTROL), call->who.tenant_id, p->bot_id, &row, &call->err);
  if (*ret != OK) return false;
  bot_row_finish(&row);
  return api_list_begin(call, &p->l, API_LIST_NEWEST);
}

// NULL: the page ends here with p->status.
const struct instrument *bots_page_instrument(struct bots_page *p, uint32_t series) {
  if (p->series.id != series && p->status == OK) p->status = journal_series_get(bots_journal(p->l.call), series, &p->series, &p->l.call->err);
  return p->status == OK ? &p->series.terms.inst : NULL;
}

enum status bots_page_end(struct bots_page *p, enum status st) { return api_list_end(&p->l, st == OK ? p->status : st); }

void bots_put_price(struct json_out *o, const char *key, const struct instrument *inst, price px) {
  char text[DECIMAL_TEXT_MAX];
  if (px.ticks == NO_JOURNAL_PRICE_TICKS) jo_null(o, key);
  else jo_text(o, key, price_text(inst, px, text));
}
void bots_put_quantity(struct json_out *o, const char *key, const struct instrument *inst, quantity qty) {
  char text[DECIMAL_TEXT_MAX];
  jo_text(o, key, quantity_text(inst, qty, text));
}
void bots_put_cash(struct json_out *o, const char *key, cash amount) {
  char text[DECIMAL_TEXT_MAX];
  jo_text(o, key, cash_text(amount, text));
}
void bots_put_count(struct json_out *o, const char *key, uint64_t n) {
  if (n) jo_int(o, key, (int64_t)n);
  else jo_null(o, key);
}
// Ticks × 1e6, to a hundredth of a tick at least and as many digits as fit.
void bots_put_average(struct json_out *o, const char *key, const struct instrument *inst, int64_t avg_e6) {
  char text[DECIMAL_TEXT_MAX];
  int64_t digits = avg_e6;
  int scale = inst->tick.scale + 6;
  while (scale > DECIMAL_SCALE_MAX) digits /= 10, scale--;
  while (__builtin_mul_overflow(digits, inst->tick.digits, &(int64_t){0})) digits /= 10, scale--;
  if (!avg_e6) {
    jo_null(o, key);
    return;
  }
  decimal_format(decimal_normal((struct decimal){digits * inst->tick.digits, scale}), text);
  jo_text(o, key, text);
}

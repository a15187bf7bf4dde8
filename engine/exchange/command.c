// exchange/command.c – the only door to the state machine: a command is logged, then done, so that the log makes the same exchange again.
#include "exchange/journal.h"
#include "exchange/server.h"

#include <string.h>

static const char *const texts[] = {
#define X(name, text) text,
  COMMAND_LIST(X)
#undef X
};

const char *exch_command_text(enum command c) {
  return texts[c];
}

bool exch_command_parse(const char *text, enum command *ret) {
  for (int i = 0; i < CMD_NONE; i++)
    if (strcmp(texts[i], text) == 0) return *ret = (enum command)i, true;
  return false;
}

static int64_t integer(const json_t *p, const char *key) {
  return (int64_t)json_integer_value(json_object_get(p, key));
}

static struct exch_symbol *symbol(struct exch *x, const json_t *p) {
  const char *name = json_string_value(json_object_get(p, "s"));
  return name ? exch_symbol(x, name) : NULL;
}

static void liquidate(struct exch *x, struct exch_account *a, json_t *p) {
  int64_t idx = integer(p, "i");
  struct exch_symbol *s = symbol(x, p);
  if (a && s && idx >= 0 && idx <= 2) exch_margin_liquidate_now(x, a, s, (int)idx);
}

int exch_command_apply(struct exch *x, enum command c, int account, int64_t time_ms, json_t *p, json_t **ret) {
  struct exch_account *a = account >= 0 && account < x->account_count ? x->accounts[account] : NULL;
  struct exch_symbol *s = symbol(x, p);
  struct exch_order *o;
  json_t *result = NULL;
  int code = CODE_OK;
  x->msg[0] = '\0';
  exch_time(x, time_ms);
  if (!a && c <= CMD_MARGIN_MODE) return CODE_PARAMS;
  switch (c) {
  case CMD_CREATE: code = exch_order_create(x, a, p, &result); break;
  case CMD_AMEND: code = exch_order_amend(x, a, p, &result); break;
  case CMD_CANCEL: code = exch_order_cancel(x, a, p, &result); break;
  case CMD_CANCEL_ALL: code = exch_order_cancel_all(x, a, p, &result); break;
  case CMD_LEVERAGE: code = exch_position_leverage(x, a, p, &result); break;
  case CMD_MODE: code = exch_position_mode(x, a, p, &result); break;
  case CMD_STOPS: code = exch_position_stop(x, a, p, &result); break;
  case CMD_MARGIN_MODE: code = exch_account_margin_mode(x, a, p, &result); break;
  case CMD_PUSH:
    if (s) exch_market_push(x, s, integer(p, "b"), integer(p, "k"), integer(p, "l"), integer(p, "v"));
    break;
  case CMD_MARK:
    if (s) exch_market_mark(x, s, integer(p, "m"));
    break;
  case CMD_FUNDING:
    if (s) exch_funding_pay(x, s, integer(p, "r"));
    break;
  case CMD_FUNDING_DUE: exch_funding_due(x); break;
  case CMD_LIQUIDATE: liquidate(x, a, p); break;
  case CMD_DEPOSIT:
    if (a && s && s->twin) exch_deposit_coins(x, a, s->twin, integer(p, "coins"));
    else if (a) exch_deposit(x, a, integer(p, "e8"));
    break;
  case CMD_ACCOUNT:
    if (!exch_account_add(x, integer(p, "uid"), integer(p, "e8"))) code = CODE_INTERNAL;
    break;
  case CMD_PARTIAL: x->partial_cancel_e8 = integer(p, "e8"); break;
  case CMD_ADMIN_CANCEL:
    o = exch_map_get(
      &x->by_id, json_string_value(json_object_get(p, "id")) ? json_string_value(json_object_get(p, "id")) : "");
    if (o) exch_order_close(x, o, EXCH_CANCELLED, WHY_ADMIN);
    break;
  case CMD_HIT:
    if (s) exch_book_hit(x, json_is_true(json_object_get(p, "spot")) && s->twin ? s->twin : s, json_is_true(json_object_get(p, "buy")), integer(p, "v"));
    break;
  case CMD_NONE: break;
  }
  if (ret)
    *ret = result;
  else
    json_decref(result);
  return code;
}

int exch_command_run(struct server *s, enum command c, struct exch_account *a, json_t *p, bool durable, json_t **ret) {
  int64_t now = exch_server_now_ms(s);
  if (ret) *ret = NULL;
  if (s->journal && !exch_journal_write(s->journal, c, a ? a->index : -1, now, p, durable)) return CODE_INTERNAL;
  return exch_command_apply(s->x, c, a ? a->index : -1, now, p, ret);
}

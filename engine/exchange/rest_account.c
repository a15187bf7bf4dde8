// exchange/rest_account.c – answers about an account: balance, settings, key, coins, positions, closed profits.
#include "exchange/rest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int exch_get_wallet(struct call *c) {
  char text[64];
  exch_call_text(c, "accountType", text);
  if (strcmp(text, "UNIFIED") != 0) return exch_call_refuse(c, CODE_PARAMS, "accountType only support UNIFIED.");
  c->result = json_pack("{s:[o]}", "list", exch_render_wallet(c->s->x, c->account));
  return CODE_OK;
}

int exch_get_account(struct call *c) {
  c->result = json_pack("{s:s, s:o, s:i, s:b, s:s, s:s, s:i, s:s}", "marginMode",
    c->account->isolated ? "ISOLATED_MARGIN" : "REGULAR_MARGIN", "updatedTime", exch_json_ms(c->s->started_ms),
    "unifiedMarginStatus", 5, "isMasterTrader", 0, "spotHedgingStatus", "OFF", "dcpStatus", "OFF", "timeWindow", 0,
    "smpGroup", "0");
  return CODE_OK;
}

int exch_get_fee_rate(struct call *c) {
  char name[64], category[64];
  exch_call_text(c, "symbol", name);
  const bool spot = strcmp(exch_call_text(c, "category", category), "spot") == 0;
  json_t *list = json_array();
  for (int i = 0; i < c->s->x->symbol_count; i++) {
    const struct exch_symbol *s = &c->s->x->symbols[i];
    if (s->spot != spot || (name[0] && strcmp(name, s->inst.symbol) != 0)) continue;
    json_array_append_new(
      list, json_pack("{s:s, s:s, s:o, s:o}", "symbol", s->inst.symbol, "baseCoin", "", "takerFeeRate",
              exch_json_e8(s->taker_e8), "makerFeeRate", exch_json_e8(s->maker_e8)));
  }
  c->result = json_pack("{s:s, s:o}", "category", spot ? "spot" : "linear", "list", list);
  return CODE_OK;
}

int exch_get_key(struct call *c) {
  const struct key *k = c->key;
  json_t *wallet = json_pack("[s, s]", "AccountTransfer", "SubMemberTransfer");
  if (k->may_withdraw) json_array_append_new(wallet, json_string("Withdraw"));
  if (!k->may_trade) json_array_clear(wallet);
  json_t *permissions = json_pack("{s:o, s:o, s:o, s:[], s:o, s:[], s:[], s:[], s:[]}", "ContractTrade",
    k->may_trade ? json_pack("[s, s]", "Order", "Position") : json_array(), "Spot",
    k->may_trade && c->s->x->with_spot ? json_pack("[s]", "SpotTrade") : json_array(), "Wallet", wallet, "Options",
    "Derivatives", k->may_trade ? json_pack("[s]", "DerivativesTrade") : json_array(), "CopyTrading", "BlockTrade",
    "Exchange", "NFT");
  c->result = json_pack(
    "{s:o, s:s, s:s, s:i, s:s, s:o, s:[s], s:i, s:i, s:s, s:s, s:i, s:i, s:I, s:i, s:s, s:s, s:i, s:s, s:b, s:s}", "id",
    json_sprintf("%" PRId64, k->account->uid), "note", "simulated", "apiKey", k->id, "readOnly", k->may_trade ? 0 : 1,
    "secret", "", "permissions", permissions, "ips", k->ip[0] ? k->ip : "*", "type", 1, "deadlineDay", 90, "expiredAt",
    "2099-01-01T00:00:00Z", "createdAt", "2024-01-01T00:00:00Z", "unified", 0, "uta", 1, "userID",
    (json_int_t)k->account->uid, "inviterID", 0, "vipLevel", "No VIP", "mktMakerLevel", "0", "affiliateID", 0,
    "rsaPublicKey", "", "isMaster", 1, "parentUid", "0");
  return CODE_OK;
}

int exch_get_coins(struct call *c) {
  char wanted[64];
  exch_call_text(c, "coin", wanted);
  json_t *rows = json_array();
  for (int i = -1; i < c->s->x->symbol_count; i++) {
    if (i >= 0 && c->s->x->symbols[i].spot) continue;
    const char *coin = i < 0 ? "USDT" : c->s->x->symbols[i].base;
    if (wanted[0] && strcmp(wanted, coin) != 0) continue;
    json_t *chain = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "chain", "SIM", "chainType",
      "Simulated", "confirmation", "1", "withdrawFee", "0", "depositMin", "0", "withdrawMin", "0", "minAccuracy", "8",
      "chainDeposit", "0", "chainWithdraw", "0", "withdrawPercentageFee", "0", "contractAddress", "");
    json_array_append_new(rows,
      json_pack("{s:s, s:s, s:s, s:[o]}", "name", coin, "coin", coin, "remainAmount", "10000000", "chains", chain));
  }
  c->result = json_pack("{s:o}", "rows", rows);
  return CODE_OK;
}

int exch_get_coin_balances(struct call *c) {
  char type[64];
  exch_call_text(c, "accountType", type);
  json_t *list = json_array();
  if (strcmp(type, "UNIFIED") == 0) {
    struct exch_margin m;
    exch_margin_of(c->s->x, c->account, &m);
    json_array_append_new(list,
      json_pack("{s:s, s:o, s:o, s:s}", "coin", "USDT", "transferBalance",
        exch_json_e8(m.wallet - m.position_im - m.order_im), "walletBalance", exch_json_e8(m.wallet), "bonus", ""));
  }
  c->result = json_pack("{s:s, s:s, s:o}", "memberId", "", "accountType", type, "balance", list);
  return CODE_OK;
}

// Which positions a list has: those that are open, and of a symbol that is asked for by name the empty ones too.
static void positions_of(struct call *c, const struct exch_symbol *s, bool named, json_t *list) {
  const struct exch_account *a = c->account;
  bool hedge = a->hedge[s->index];
  for (int k = hedge ? 1 : 0; k <= (hedge ? 2 : 0); k++)
    if (named || a->positions[s->index][k].lots != 0)
      json_array_append_new(list, exch_render_position(c->s->x, a, s, k, false));
}

int exch_get_positions(struct call *c) {
  char symbol[64], coin[64];
  bool empty;
  struct page page;
  int code = exch_call_category(c, &empty);
  if (code != CODE_OK) return code;
  empty |= c->spot;
  if (!exch_page_read(c, 20, 200, &page)) return exch_call_refuse(c, CODE_PARAMS, "params error: limit invalid");
  exch_call_text(c, "symbol", symbol);
  if (!symbol[0] && !empty && !exch_call_text(c, "settleCoin", coin)[0] && !exch_call_text(c, "baseCoin", coin)[0])
    return exch_call_refuse(c, CODE_PARAMS, "Illegal category or symbol: symbol or settleCoin is required");
  const struct exch_symbol *one = symbol[0] ? exch_symbol(c->s->x, symbol) : NULL;
  if (symbol[0] && !one && !empty) return exch_call_refuse(c, CODE_PARAMS, "params error: symbol invalid");
  json_t *list = json_array();
  for (int i = 0; !empty && i < c->s->x->symbol_count; i++) {
    const struct exch_symbol *s = &c->s->x->symbols[i];
    if (!s->spot && (!one || s == one)) positions_of(c, s, one != NULL, list);
  }
  c->result = json_pack("{s:s, s:s, s:o}", "category", "linear", "nextPageCursor", "", "list", list);
  return CODE_OK;
}

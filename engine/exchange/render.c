// exchange/render.c – see render.h. Field names, and what is "" and what "0", follow recorded answers of the venue.
#include "exchange/render.h"

#include <inttypes.h>
#include <stdio.h>

static json_t *scaled(int64_t v, int scale) {
  char text[DECIMAL_TEXT_MAX];
  decimal_format_scaled(v, scale, text);
  return json_string(text);
}
json_t *exch_json_ticks(const struct exch_symbol *s, int64_t ticks) {
  return scaled(ticks * s->inst.tick.digits, s->price_scale);
}
json_t *exch_json_lots(const struct exch_symbol *s, int64_t lots) {
  return scaled(lots * s->inst.lot.digits, s->lot_scale);
}
json_t *exch_json_coins(const struct exch_symbol *s, int64_t coins_e8) {
  return scaled(coins_e8 * s->inst.lot.digits, s->lot_scale + 8);
}
// Of a spot buy in coins.
static bool fee_in_coins(const struct exch_symbol *s, bool buy) {
  return s->spot && buy;
}
static json_t *fee_of(const struct exch_symbol *s, bool buy, int64_t fee) {
  return fee_in_coins(s, buy) ? exch_json_coins(s, fee) : exch_json_e8(fee);
}
json_t *exch_json_e8(int64_t v) {
  return scaled(v, 8);
}
json_t *exch_json_ms(int64_t ms) {
  return json_sprintf("%" PRId64, ms);
}

json_t *exch_json_average(const struct exch_symbol *s, int64_t value_e8, int64_t lots) {
  if (lots == 0) return json_string("");
  return scaled((int64_t)div_round((int128)value_e8 * pow10_i64(s->lot_scale), (int128)lots * s->inst.lot.digits), 8);
}
static json_t *blank_or_ticks(const struct exch_symbol *s, int64_t ticks) {
  return ticks > 0 ? exch_json_ticks(s, ticks) : json_string("");
}

const char *exch_order_status_text(enum exch_status status) {
  static const char *const texts[] = {
    "Untriggered", "New", "PartiallyFilled", "Filled", "Cancelled", "Rejected", "Deactivated"};
  return texts[status];
}
static const char *const tif_texts[] = {"GTC", "IOC", "FOK", "PostOnly"};
static const char *const by_texts[] = {"LastPrice", "MarkPrice", "IndexPrice"};
static const char *const stop_texts[] = {
  "", "Stop", "tpslOrder", "TakeProfit", "StopLoss", "TrailingStop", "PartialTakeProfit", "PartialStopLoss", "BidirectionalTpslOrder"};
static const struct {
  const char *cancel, *reject;
} why_texts[] = {{"UNKNOWN", "EC_NoError"}, {"CancelByUser", "EC_PerCancelRequest"},
  {"CancelByReduceOnly", "EC_NoError"}, {"CancelByPrepareLiq", "EC_NoError"}, {"CancelByTpSlTsClear", "EC_NoError"},
  {"CancelByAdmin", "EC_NoError"}, {"UNKNOWN", "EC_PostOnlyWillTakeLiquidity"}, {"UNKNOWN", "EC_NoImmediateQtyToFill"},
  {"UNKNOWN", "EC_Others"}};

static const char *create_type(const struct exch_order *o) {
  static const char *const texts[] = {"CreateByUser", "CreateByStopOrder", "CreateByStopOrder", "CreateByTakeProfit", "CreateByStopLoss",
    "CreateByTrailingStop", "CreateByPartialTakeProfit", "CreateByPartialStopLoss", "CreateByStopOrder"};
  return o->by_exchange ? "CreateByLiq" : texts[o->stop];
}

json_t *exch_render_order(const struct exch_order *o, bool stream) {
  const struct exch_symbol *s = o->symbol;
  bool open = exch_order_open(o);
  int64_t left = open ? o->qty - o->filled : 0;
  int64_t at = o->market ? (s->mark > 0 ? s->mark : s->last) : o->price;
  json_t *j = json_pack(
    "{s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:s}",
    "orderId", o->id, "orderLinkId", o->link, "blockTradeId", "", "symbol", s->inst.symbol, "price",
    exch_json_ticks(s, o->price), "qty", exch_json_lots(s, o->qty), "side", o->buy ? "Buy" : "Sell", "isLeverage", "",
    "positionIdx", (int)o->idx, "orderStatus", exch_order_status_text(o->status), "cancelType",
    open ? "UNKNOWN" : why_texts[o->why].cancel, "rejectReason", why_texts[o->why].reject, "avgPrice",
    exch_json_average(s, o->value_e8, o->filled), "leavesQty", exch_json_lots(s, left), "leavesValue",
    exch_json_e8(exch_value(s, at, left)), "cumExecQty", exch_json_lots(s, o->filled), "cumExecValue",
    exch_json_e8(o->value_e8), "cumExecFee", fee_of(s, o->buy, o->fee_e8), "timeInForce", tif_texts[o->tif], "orderType",
    o->market ? "Market" : "Limit", "stopOrderType", stop_texts[o->stop], "orderIv", "");
  json_t *more =
    json_pack("{s:o, s:o, s:o, s:s, s:s, s:i, s:s, s:o, s:b, s:b, s:s, s:i, s:s, s:s, s:o, s:o, s:s, s:s, s:o, s:o}",
      "triggerPrice", blank_or_ticks(s, o->trigger), "takeProfit", blank_or_ticks(s, o->take_profit), "stopLoss",
      blank_or_ticks(s, o->stop_loss), "tpTriggerBy", o->take_profit > 0 ? by_texts[o->tp_by] : "", "slTriggerBy",
      o->stop_loss > 0 ? by_texts[o->sl_by] : "", "triggerDirection", s->spot ? 0 : o->direction, "triggerBy",
      o->trigger > 0 && !s->spot ? by_texts[o->trigger_by] : "", "lastPriceOnCreated", blank_or_ticks(s, s->spot ? 0 : o->last_on_created),
      "reduceOnly", o->reduce_only, "closeOnTrigger", o->close_on_trigger, "smpType", "None", "smpGroup", 0,
      "smpOrderId", "", "tpslMode",
      s->spot                                              ? ""
      : o->tpsl_partial || o->stop >= STOP_PART_PROFIT     ? "Partial"
      : o->whole || o->take_profit > 0 || o->stop_loss > 0 ? "Full"
                                                           : "",
      "tpLimitPrice", blank_or_ticks(s, o->tp_limit), "slLimitPrice", blank_or_ticks(s, o->sl_limit), "placeType", "", "createType", create_type(o), "createdTime",
      exch_json_ms(o->created_ms), "updatedTime", exch_json_ms(o->updated_ms));
  json_object_update(j, more);
  json_decref(more);
  if (s->spot && !stream) json_object_set_new(j, "basePrice", blank_or_ticks(s, o->last_on_created));
  if (stream) {
    json_object_set_new(j, "category", json_string(exch_category(s)));
    json_object_set_new(j, "feeCurrency", json_string(fee_in_coins(s, o->buy) ? s->base : "USDT"));
  }
  return j;
}

json_t *exch_render_execution(const struct exch_execution *e, bool stream) {
  static const char *const kinds[] = {"Trade", "Funding", "BustTrade"};
  const struct exch_symbol *s = e->symbol;
  const struct exch_order *o = e->order;
  json_t *j = json_pack(
    "{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:s, s:o, s:o, s:s, s:b}", "symbol",
    s->inst.symbol, "orderId", o ? o->id : e->id, "orderLinkId", o ? o->link : "", "side", e->buy ? "Buy" : "Sell",
    "orderPrice", exch_json_ticks(s, o ? o->price : 0), "orderQty", exch_json_lots(s, o ? o->qty : 0), "leavesQty",
    exch_json_lots(s, e->leaves), "createType", o ? create_type(o) : "", "orderType",
    !o          ? "UNKNOWN"
    : o->market ? "Market"
                : "Limit",
    "stopOrderType", o && o->stop != STOP_NONE ? stop_texts[o->stop] : "UNKNOWN", "execFee", fee_of(s, e->buy, e->fee_e8),
    "execId", e->id, "execPrice", exch_json_ticks(s, e->price), "execQty", exch_json_lots(s, e->qty), "execType",
    kinds[e->kind], "execValue", exch_json_e8(e->value_e8), "execTime", exch_json_ms(e->time_ms), "feeCurrency",
    fee_in_coins(s, e->buy) ? s->base : "USDT", "isMaker", e->maker);
  json_t *more = json_pack("{s:o, s:s, s:s, s:o, s:s, s:s, s:s, s:o, s:I}", "feeRate", exch_json_e8(e->rate_e8),
    "tradeIv", "", "markIv", "", "markPrice", blank_or_ticks(s, e->mark), "indexPrice", "", "underlyingPrice", "",
    "blockTradeId", "", "closedSize", exch_json_lots(s, e->closed), "seq", (json_int_t)e->seq);
  json_object_update(j, more);
  json_decref(more);
  if (stream) {
    json_object_set_new(j, "category", json_string(exch_category(s)));
    json_object_set_new(j, "isLeverage", json_string("0"));
    json_object_set_new(j, "execPnl", exch_json_e8(e->pnl_e8));
  }
  return j;
}

json_t *exch_render_position(
  const struct exch *x, const struct exch_account *a, const struct exch_symbol *s, int idx, bool stream) {
  const struct exch_position *p = &a->positions[s->index][idx];
  struct exch_margin m;
  char lev[DECIMAL_TEXT_MAX];
  exch_margin_position(a, s, idx, &m);
  int64_t lots = p->lots < 0 ? -p->lots : p->lots, liq = exch_margin_liquidation_price(x, a, s, idx);
  bool sell = p->lots < 0 || (p->lots == 0 && idx == 2);
  decimal_format_scaled(sell ? a->leverage[s->index].sell_e2 : a->leverage[s->index].buy_e2, 2, lev);
  json_t *average = lots > 0 ? exch_json_average(s, p->entry_e8, lots) : json_string("0");
  json_t *j = json_pack("{s:i, s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:i, s:s, s:i, s:i, s:s, s:o, s:o, s:o, s:s}",
    "positionIdx", idx, "riskId", 1, "riskLimitValue", "2000000", "symbol", s->inst.symbol, "side",
    lots == 0 ? ""
    : sell    ? "Sell"
              : "Buy",
    "size", exch_json_lots(s, lots), stream ? "entryPrice" : "avgPrice", average, "positionValue",
    lots > 0 ? exch_json_e8(p->entry_e8) : json_string(stream ? "0" : ""), "tradeMode", a->isolated ? 1 : 0,
    "positionStatus", "Normal", "autoAddMargin", 0, "adlRankIndicator", lots > 0 ? 2 : 0, "leverage", lev,
    "positionBalance", exch_json_e8(m.position_im), "markPrice", exch_json_ticks(s, s->mark), "liqPrice",
    blank_or_ticks(s, liq), "bustPrice", "");
  json_t *more = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:b, s:s, s:s, s:s, s:o, s:o}",
    "positionMM", exch_json_e8(m.position_mm), "positionIM", exch_json_e8(m.position_im), "tpslMode", "Full",
    "takeProfit", exch_json_ticks(s, p->take_profit ? p->take_profit->trigger : 0), "stopLoss",
    exch_json_ticks(s, p->stop_loss ? p->stop_loss->trigger : 0), "trailingStop", exch_json_ticks(s, p->trailing),
    "unrealisedPnl", exch_json_e8(m.unrealised), "curRealisedPnl", exch_json_e8(p->session_e8), "cumRealisedPnl",
    exch_json_e8(p->realised_e8), "seq", (json_int_t)p->seq, "isReduceOnly", 0, "mmrSysUpdatedTime", "",
    "leverageSysUpdatedTime", "", "sessionAvgPrice", "", "createdTime", exch_json_ms(p->created_ms), "updatedTime",
    exch_json_ms(p->updated_ms));
  json_object_update(j, more);
  json_decref(more);
  if (stream) json_object_set_new(j, "category", json_string("linear"));
  return j;
}

// The coins of spot markets that it has.
static void add_coins(const struct exch *x, const struct exch_account *a, json_t *list) {
  for (int i = 0; i < x->symbol_count; i++) {
    const struct exch_symbol *s = &x->symbols[i];
    const int64_t has = a->coins_e8[i];
    if (!s->spot || has == 0) continue;
    const int64_t open = exch_margin_coins_free(a, s), usd = exch_value(s, s->last, has / RATE_ONE);
    json_array_append_new(list,
      json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:s}", "coin", s->base, "equity",
        exch_json_coins(s, has), "usdValue", exch_json_e8(usd), "walletBalance", exch_json_coins(s, has), "availableToWithdraw",
        exch_json_coins(s, open), "availableToBorrow", "", "borrowAmount", "0", "accruedInterest", "0", "locked", exch_json_coins(s, has - open),
        "totalOrderIM", "0", "totalPositionIM", "0", "totalPositionMM", "0", "unrealisedPnl", "0", "cumRealisedPnl", "0", "bonus", "0",
        "marginCollateral", 0, "collateralSwitch", 0, "spotHedgingQty", "0", "spotBorrow", "0"));
  }
}

json_t *exch_render_wallet(const struct exch *x, const struct exch_account *a) {
  struct exch_margin m;
  exch_margin_of(x, a, &m);
  const int64_t locked = exch_margin_locked(x, a);
  int64_t in_use = m.position_im + m.order_im, base = a->isolated ? m.wallet : m.equity,
          free_e8 = base - in_use > 0 ? base - in_use : 0;
  json_t *im_rate =
    m.equity > 0 ? exch_json_e8((int64_t)div_ceil((int128)in_use * RATE_ONE, m.equity)) : json_string("0");
  json_t *mm_rate =
    m.equity > 0 ? exch_json_e8((int64_t)div_ceil((int128)m.position_mm * RATE_ONE, m.equity)) : json_string("0");
  json_t *coin = json_pack(
    "{s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:b, s:s, s:s}", "coin", "USDT",
    "equity", exch_json_e8(m.equity), "usdValue", exch_json_e8(m.equity), "walletBalance", exch_json_e8(m.wallet),
    "availableToWithdraw", exch_json_e8(free_e8), "availableToBorrow", "", "borrowAmount", "0", "accruedInterest", "0",
    "locked", exch_json_e8(locked), "totalOrderIM", exch_json_e8(m.order_im - locked), "totalPositionIM", exch_json_e8(m.position_im),
    "totalPositionMM", exch_json_e8(m.position_mm), "unrealisedPnl", exch_json_e8(m.unrealised), "cumRealisedPnl",
    exch_json_e8(ledger_total(&a->ledger, BOOK_REALISED).e8 + ledger_total(&a->ledger, BOOK_FEES).e8 +
                 ledger_total(&a->ledger, BOOK_FUNDING).e8),
    "bonus", "0", "marginCollateral", 1, "collateralSwitch", 1, "spotHedgingQty", "0", "spotBorrow", "0");
  json_t *coins = json_pack("[o]", coin);
  add_coins(x, a, coins);
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "accountType", "UNIFIED",
    "accountIMRate", im_rate, "accountMMRate", mm_rate, "totalEquity", exch_json_e8(m.equity), "totalWalletBalance",
    exch_json_e8(m.wallet), "totalMarginBalance", exch_json_e8(m.equity), "totalAvailableBalance",
    exch_json_e8(free_e8), "totalPerpUPL", exch_json_e8(m.unrealised), "totalInitialMargin", exch_json_e8(in_use),
    "totalMaintenanceMargin", exch_json_e8(m.position_mm), "accountLTV", "0", "coin", coins);
}

json_t *exch_render_closed_pnl(const struct exch *x, const struct exch_execution *e) {
  const struct exch_symbol *s = e->symbol;
  char lev[DECIMAL_TEXT_MAX];
  (void)x;
  int64_t exit = exch_value(s, e->price, e->closed), entry = e->buy ? exit + e->pnl_e8 : exit - e->pnl_e8;
  decimal_format_scaled(e->account->leverage[s->index].buy_e2, 2, lev);
  return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "symbol",
    s->inst.symbol, "orderId", e->order ? e->order->id : "", "side", e->buy ? "Buy" : "Sell", "orderType",
    e->order && !e->order->market ? "Limit" : "Market", "qty", exch_json_lots(s, e->qty), "orderPrice",
    exch_json_ticks(s, e->order ? e->order->price : 0), "execType", e->kind == EXEC_BUST ? "BustTrade" : "Trade",
    "leverage", lev, "closedSize", exch_json_lots(s, e->closed), "cumEntryValue", exch_json_e8(entry), "avgEntryPrice",
    exch_json_average(s, entry, e->closed), "cumExitValue", exch_json_e8(exit), "avgExitPrice",
    exch_json_ticks(s, e->price), "closedPnl", exch_json_e8(e->pnl_e8 - e->fee_e8), "fillCount", "1", "createdTime",
    exch_json_ms(e->time_ms), "updatedTime", exch_json_ms(e->time_ms));
}

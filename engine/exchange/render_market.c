// exchange/render_market.c – the public part of render.h.
#include "exchange/render.h"

static json_t *render_spot(const struct exch_symbol *s) {
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}, s:{s:o}, s:{s:o, s:o}}", "symbol", s->inst.symbol, "baseCoin",
    s->base, "quoteCoin", s->quote, "innovation", "0", "status", "Trading", "marginTrading", "none", "lotSizeFilter", "basePrecision",
    exch_json_lots(s, 1), "quotePrecision", exch_json_e8(1), "minOrderQty", exch_json_lots(s, 1), "maxLimitOrderQty", exch_json_lots(s, s->max_lots),
    "maxMarketOrderQty", exch_json_lots(s, s->max_market_lots), "maxOrderAmt", "8000000", "maxOrderQty", exch_json_lots(s, s->max_lots), "minOrderAmt",
    exch_json_e8(s->inst.min_notional.e8), "priceFilter", "tickSize", exch_json_ticks(s, 1), "riskParameters", "priceLimitRatioX",
    exch_json_e8(s->price_limit_e8), "priceLimitRatioY", exch_json_e8(s->price_limit_e8));
}

json_t *exch_render_instrument(const struct exch_symbol *s) {
  if (s->spot) return render_spot(s);
  json_t *leverage = json_pack("{s:s, s:o, s:s}", "minLeverage", "1", "maxLeverage",
    exch_json_e8(s->max_leverage_e2 * 1000000), "leverageStep", "0.01");
  json_t *px = json_pack("{s:o, s:o, s:o}", "minPrice", exch_json_ticks(s, s->min_price), "maxPrice",
    exch_json_ticks(s, s->max_price), "tickSize", exch_json_ticks(s, 1));
  json_t *lot = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "maxOrderQty", exch_json_lots(s, s->max_lots),
    "minOrderQty", exch_json_lots(s, 1), "qtyStep", exch_json_lots(s, 1), "postOnlyMaxOrderQty",
    exch_json_lots(s, s->max_lots), "maxMktOrderQty", exch_json_lots(s, s->max_market_lots), "minNotionalValue",
    exch_json_e8(s->inst.min_notional.e8));
  return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:i, s:s, s:s, s:s, s:s, "
                   "s:b, s:n, s:o, s:s}",
    "symbol", s->inst.symbol, "symbolId", s->index + 1, "contractType", "LinearPerpetual", "status", "Trading",
    "baseCoin", s->base, "quoteCoin", s->quote, "launchTime", "1584230400000", "deliveryTime", "0", "deliveryFeeRate",
    "", "priceScale", json_sprintf("%d", s->price_scale), "leverageFilter", leverage, "priceFilter", px,
    "lotSizeFilter", lot, "unifiedMarginTrade", 1, "fundingInterval", (int)(s->funding_every_ms / 60000), "settleCoin",
    "USDT", "copyTrading", "none", "upperFundingRate", "0.00375", "lowerFundingRate", "-0.00375", "isPreListing", 0,
    "preListingInfo", "riskParameters",
    json_pack("{s:o, s:o}", "priceLimitRatioX", exch_json_e8(s->price_limit_e8), "priceLimitRatioY",
      exch_json_e8(s->price_limit_e8)),
    "symbolType", "");
}

json_t *exch_render_ticker(const struct exch_symbol *s) {
  struct exch_level bid = {0, 0}, ask = {0, 0};
  exch_book_levels(s, false, &bid, 1);
  exch_book_levels(s, true, &ask, 1);
  int64_t change =
    s->prev_day > 0 ? (int64_t)div_round((int128)(s->last - s->prev_day) * 1000000, s->prev_day) * 100 : 0;
  int64_t volume = 0, turnover = 0;
  for (size_t i = s->candle_count, n = 0; i-- > 0 && n < 1440; n++) {
    volume += s->candles[i].lots;
    turnover += s->candles[i].turnover_e8;
  }
  json_t *j = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o}", "symbol", s->inst.symbol,
    "lastPrice", exch_json_ticks(s, s->last), "indexPrice", exch_json_ticks(s, s->index_price), "markPrice",
    exch_json_ticks(s, s->mark), "prevPrice24h", exch_json_ticks(s, s->prev_day), "price24hPcnt", exch_json_e8(change),
    "highPrice24h", exch_json_ticks(s, s->high_day), "lowPrice24h", exch_json_ticks(s, s->low_day), "prevPrice1h",
    exch_json_ticks(s, s->prev_day), "openInterest", "0", "openInterestValue", "0", "turnover24h",
    exch_json_e8(turnover), "volume24h", exch_json_lots(s, volume));
  json_t *more =
    json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "fundingRate", exch_json_e8(s->funding_e8),
      "nextFundingTime", exch_json_ms(s->funding_ms), "predictedDeliveryPrice", "", "basisRate", "", "deliveryFeeRate",
      "", "deliveryTime", "0", "basis", "", "bid1Price", exch_json_ticks(s, bid.price), "bid1Size",
      exch_json_lots(s, bid.lots), "ask1Price", exch_json_ticks(s, ask.price), "ask1Size", exch_json_lots(s, ask.lots));
  json_object_update(j, more);
  json_decref(more);
  static const char *const of_perpetuals[] = {"indexPrice", "markPrice", "prevPrice1h", "openInterest", "openInterestValue", "fundingRate", "nextFundingTime",
    "predictedDeliveryPrice", "basisRate", "deliveryFeeRate", "deliveryTime", "basis"};
  for (size_t i = 0; s->spot && i < sizeof of_perpetuals / sizeof of_perpetuals[0]; i++) json_object_del(j, of_perpetuals[i]);
  return j;
}

json_t *exch_render_public_trade(const struct exch_symbol *s, const struct exch_public_trade *t, bool stream) {
  json_t *id = json_sprintf("%08x-%04x-5000-8000-%012llx", (unsigned)s->index, (unsigned)(t->seq >> 48),
    (unsigned long long)(t->seq & 0xffffffffffffull));
  if (stream)
    return json_pack("{s:I, s:s, s:s, s:o, s:o, s:s, s:o, s:b, s:b, s:I}", "T", (json_int_t)t->time_ms, "s",
      s->inst.symbol, "S", t->buy ? "Buy" : "Sell", "v", exch_json_lots(s, t->lots), "p", exch_json_ticks(s, t->price),
      "L", "ZeroPlusTick", "i", id, "BT", 0, "RPI", 0, "seq", (json_int_t)t->seq);
  return json_pack("{s:o, s:s, s:o, s:o, s:s, s:o, s:b, s:b}", "execId", id, "symbol", s->inst.symbol, "price",
    exch_json_ticks(s, t->price), "size", exch_json_lots(s, t->lots), "side", t->buy ? "Buy" : "Sell", "time",
    exch_json_ms(t->time_ms), "isBlockTrade", 0, "isRPITrade", 0);
}

json_t *exch_render_levels(const struct exch_level *levels, int count, const struct exch_symbol *s) {
  json_t *list = json_array();
  for (int i = 0; i < count; i++)
    json_array_append_new(
      list, json_pack("[o, o]", exch_json_ticks(s, levels[i].price), exch_json_lots(s, levels[i].lots)));
  return list;
}

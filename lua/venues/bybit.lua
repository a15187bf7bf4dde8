-- Bybit v5: USDT perpetuals (category linear) and spot. How a dialect is written: lua/venues/README.md.

-- Codes by meaning: why, action, then exceptions by operation. What is not here is in doubt for orders and refused for the rest.
local errors = {}
local function say(why, action, codes, except)
  for word in codes:gmatch("%S+") do
    local from, to = word:match("^(%d+)%-(%d+)$")
    for code = tonumber(from or 0), tonumber(to or 0) do
      local e = { why=why, action=action }
      for op, other in pairs(except or {}) do e[op] = other end
      errors[from and tostring(code) or word] = e
    end
  end
end
local no_order = { create_order="fatal" }
-- Other products of the venue (assets, loans, leveraged tokens, inverse and older contracts), then what concerns these two.
say("request", "fatal", "7001 12141 12201 30009 30036 30041 30050-30052 30054 30057 30063 30068 30078 34026 35015 20071 20084 131002 131084-131099 "
  .. "131201-131211 131213-131217 131227-131232 140018 140024 140029 140036 140038-140039 140047-140049 140060 140062 140063 140066 175027 "
  .. "176002-176040 181017 3100116 3100198 340099 3400045 -10009 -6029 -6025 -6017 -1103 -1004")
say("request", "fatal", "12137 20003-20021 30008 30014-30015 30017-30018 30020-30021 30027 30029 30043-30044 110092-110093 130006 130074 140015 140019 "
  .. "140022-140023 140028 140050 140054-140059 140070 170019 170195-170196 170371-170372 175000-175002 175004-175005 175008-175009 175012-175017 "
  .. "-2013 -1197 -1140")
say("credentials", "fatal", "10003 10004 10005 10007 10008 10009 10010 10020 10024 10027 10028 10029 100028 30011 30013 33004 110065 110066 110067 110068 110069 "
  .. "110070 110071 110080 131004 140065 140067-140069 170036 170037 170157 170201 170209 170215 170216 170219 170220 170223 170224 170230 "
  .. "170241 170709 175010 176035-176037 176201 3100181 3100197 3200320 3400208 -2015")
say("unsupported", "fatal", "110015 110029 110036 110037 110038 110041 110054 110055 110056 110059 110060 110062 110073 110076 "
  .. "110077 170145 170227 170312 131231 131206 131229 3200403 131208")
say("other", "fatal", "110024 110028")  -- another position mode: not while something is open
say("clock", "retry", "10002 -1021")
say("throttled", "throttle", "10006 10018 10429 30033 30035 170005 170222 177006 429")
say("duplicate", "unknown", "10014 30030 110030 110072 140030 170141", { amend_order="fatal", cancel_order="fatal" })
-- The venue says itself that it does not know what became of the request.
say("other", "unknown", "5004 10000 10016 10019 40004 131001 131003 131200 170001 170007 170032 170035 170146 170147 170212 170234 170310 177002 177003 "
  .. "3400214 500 502 503 504")
say("other", "unknown", "170149 170150 170311 131230", { amend_order="fatal", cancel_order="fatal" })  -- "failed", with no reason
say("other", "retry", "110079 170144 170191")  -- busy with the order: not now
say("not_found", "not_found", "20001 30034 110001 140001 170143 170213 175007", no_order)
say("done", "done", "110008 110010 140008 140010 170139 170142 170190", no_order)
say("unchanged", "ok", "30083 30084 34036 34040 110025 110026 110027 110043 110075 140025 140026 140027 140043", { create_order="unknown" })
say("funds", "fatal", "30010 30031 30042 30049 30067 110004 110006 110007 110012 110014 110044 110045 110051 110052 110053 130021 131085 131212 131228 "
  .. "140004 140006 140007 140012 140014 140044 140045 140051 140052 140053 170033 170131 170226 170228 170229 175003 175006 176015 177010 3200300")
say("price", "fatal", "30001 30003 30004 30007 30012 30074 30075 110003 140003 170132 170133 170134 170192 170193 170194 170204 170206")
say("quantity", "fatal", "30005 30024 30025 30026 30028 110016 110022 110032 110064 140016 140064 170124 170135 170136 170137 170148 170197 170198 170199 "
  .. "170200 170313")
say("notional", "fatal", "110094 140094 170140")
say("reduce_only", "fatal", "30019 30022 30023 30037 110017 110023 110034 110042 140017 140034")
say("post_only", "fatal", "170217 170218")
say("limit", "fatal", "30016 30032 30045 30133 30134 30135 30136 110009 110013 110020 110021 110031 110048 110061 110085 110086 110087 140009 140013 140020 "
  .. "140021 140031 140061 170010 170011 3400139")
say("closed", "fatal", "110063 140042 170031 170151 170159 170210")
say("liquidation", "fatal", "110011 110035 110039 110040 110046 140011 140035 140040 140046 170034")
say("request", "fatal", "10001 10017 110005 110018 110019 110033 110047 110049 110050 110057 110058 110078 110082 110083 140005 140032 140033 140037 140041 "
  .. "170105 170115 170116 170117 170121 170130 170202 170203 170221 20022 20023 20031 20070 182000 181000-181014 400 404")

dialect{
  name="bybit", api=1, about="Bybit v5: USDT perpetuals, spot",
  environments={
    live={ rest="https://api.bybit.com", private_ws="wss://stream.bybit.com/v5/private",
      public_ws={ linear="wss://stream.bybit.com/v5/public/linear", spot="wss://stream.bybit.com/v5/public/spot" } },
    testnet={ rest="https://api-testnet.bybit.com", private_ws="wss://stream-testnet.bybit.com/v5/private",
      public_ws={ linear="wss://stream-testnet.bybit.com/v5/public/linear", spot="wss://stream-testnet.bybit.com/v5/public/spot" } },
    -- Demo has private streams only; market data are those of live.
    demo={ rest="https://api-demo.bybit.com", private_ws="wss://stream-demo.bybit.com/v5/private",
      public_ws={ linear="wss://stream.bybit.com/v5/public/linear", spot="wss://stream.bybit.com/v5/public/spot" } },
  },
  categories={ "linear", "spot" },
  credentials={ "key", "secret" },
  expiry_ms=5000, ping_ms=20000, client_id_max=36, clock="op",
  capabilities={ amend=true, positions={ "linear" }, leverage={ "linear" }, stops=true, reduce_only={ "linear" }, post_only=true,
    hedge={ "linear" }, cancel_all=true, attached=true, fill_ids=true },
  lookups={ "id", "open", "fills" },
  ops={ "create_order", "amend_order", "cancel_order", "cancel_all", "fetch_order", "open_orders", "all_orders", "fills", "balance", "positions",
    "set_leverage", "set_margin_mode", "set_position_mode", "ticker", "tickers", "klines", "orderbook", "public_trades", "instruments",
    "server_time", "funding", "leverage_tiers", "fee", "closed_pnl", "key_info" },
  budgets={
    { name="all", per_ms=5000, count=600, by="ip" },
    { name="order", per_ms=1000, count=10, by="key" },
    { name="query", per_ms=1000, count=50, by="key" },
    { name="account", per_ms=1000, count=10, by="key" },
  },
  rate={ left="x-bapi-limit-status", reset_ms="x-bapi-limit-reset-timestamp" },
  errors=errors,
}

local WEEK_MS, FUNDING_MS = 7 * 86400000, 8 * 3600000
local side_out = { buy="Buy", sell="Sell" }
local tif_out = { gtc="GTC", ioc="IOC", fok="FOK" }
local trigger_out = { last="LastPrice", mark="MarkPrice", index="IndexPrice" }
local frames_out = { ["1m"]="1", ["3m"]="3", ["5m"]="5", ["15m"]="15", ["30m"]="30", ["1h"]="60", ["2h"]="120", ["4h"]="240", ["6h"]="360",
  ["12h"]="720", ["1d"]="D", ["1w"]="W", ["1M"]="M" }
local frames_in = {}
for ours, theirs in pairs(frames_out) do frames_in[theirs] = ours end

-- ---- requests

local function get(path, budget, auth, query)
  return { method="GET", path=path, query=query, auth=auth, safe=true, budget=budget }
end
local function post(path, budget, body)
  return { method="POST", path=path, body=body, auth=true, budget=budget, headers={ ["Content-Type"]="application/json" } }
end

local idx_out = { net=0, long=1, short=2 }

local function leg(body, a)
  body.reduceOnly, body.positionIdx = a.reduce or nil, idx_out[a.leg]
  if a.reduce and (a.leg == "long" and a.side == "buy" or a.leg == "short" and a.side == "sell") then
    return nil, "a " .. a.side .. " cannot reduce the " .. a.leg .. " leg"
  end
  return body
end

local op = {}

function op.create_order(a, env)
  local spot, market = env.category == "spot", a.kind == "market" or a.kind == "stop"
  local body = { category=env.category, symbol=a.symbol, side=side_out[a.side], orderType=market and "Market" or "Limit", qty=a.qty,
    orderLinkId=a.client_id, timeInForce=tif_out[a.tif], closeOnTrigger=a.close or nil, takeProfit=a.take_profit, stopLoss=a.stop_loss,
    tpLimitPrice=a.take_profit_limit, slLimitPrice=a.stop_loss_limit }
  local partial = not spot and "Partial" or nil  -- spot has no mode
  if a.take_profit_limit then body.tpOrderType, body.tpslMode = "Limit", partial end
  if a.stop_loss_limit then body.slOrderType, body.tpslMode = "Limit", partial end
  if spot and (a.take_profit or a.stop_loss) and (market or a.trigger) then return nil, "spot guards only what limit orders fill by a TP or SL of theirs" end
  if not market then
    body.price = a.limit
    if a.post then body.timeInForce = "PostOnly" end
  elseif spot then
    body.marketUnit = not a.quote_qty and "baseCoin" or a.side == "sell" and "quoteCoin" or nil  -- a buy is by value when it says nothing
    body.qty = a.quote_qty or a.qty
  end
  if market and a.tif == "gtc" then body.timeInForce = nil end
  if a.trigger then
    body.triggerPrice = a.trigger
    -- Spot: nothing is set aside before the trigger, so that a stop and a target can guard the same coins; and it waits for the price to
    -- come from wherever it is now, so what became of it is looked at (order(), the hint in hear.order).
    if spot then body.orderFilter = "StopOrder"
    else
      body.triggerBy = trigger_out[a.trigger_by]
      local rises = a.trigger_rises
      if rises == nil then rises = a.side == "buy" end
      body.triggerDirection = rises and 1 or 2
    end
  end
  if spot then
    if a.reduce or a.leg == "long" or a.leg == "short" then return nil, "spot has no positions to reduce" end
  else
    local made, why = leg(body, a)
    if not made then return nil, why end
  end
  return post("/v5/order/create", "order", body)
end

local function named(a, env)
  return { category=env.category, symbol=a.symbol, orderId=a.id, orderLinkId=not a.id and a.client_id or nil }
end

function op.amend_order(a, env)
  local body = named(a, env)
  body.qty, body.price, body.triggerPrice, body.takeProfit, body.stopLoss = a.qty, a.limit, a.trigger, a.take_profit, a.stop_loss
  if a.trigger and env.category ~= "spot" then body.triggerBy = trigger_out[a.trigger_by] or "LastPrice" end
  return post("/v5/order/amend", "order", body)
end

function op.cancel_order(a, env)
  local body = named(a, env)
  if env.category == "spot" then body.orderFilter = a.stops and (a.attached and "BidirectionalTpslOrder" or "StopOrder") or "Order" end
  return post("/v5/order/cancel", "order", body)
end

function op.cancel_all(a, env)
  local body = { category=env.category, symbol=a.symbol, orderFilter=a.stops and "StopOrder" or nil }
  if not a.symbol and env.category == "linear" then body.settleCoin = a.settle or "USDT" end
  return post("/v5/order/cancel-all", "order", body)
end

local status_out = { filled="Filled", canceled="Cancelled", rejected="Rejected" }

-- Looked for among the open and lately ended orders, then (the cursor "history") among the older ones.
function op.fetch_order(a, env)
  local ended = a.ended or a.cursor == "history"
  return get(ended and "/v5/order/history" or "/v5/order/realtime", "query", true,
    { {"category", env.category}, {"symbol", a.symbol}, {"orderId", a.id}, {"orderLinkId", not a.id and a.client_id},
      {"orderStatus", ended and status_out[a.status]} })
end

function op.open_orders(a, env)
  return get("/v5/order/realtime", "query", true, { {"category", env.category}, {"symbol", a.symbol},
    {"settleCoin", not a.symbol and env.category == "linear" and (a.settle or "USDT")}, {"orderFilter", a.stops and "StopOrder"},
    {"limit", a.limit}, {"cursor", a.cursor} })
end

-- A history is asked for by at most seven days at a time, oldest week first; the cursor says which week, then the venue's own cursor.
local function week_of(a)
  local from, page = (a.cursor or ""):match("^week(%d+)|(.*)$")
  return from and math.tointeger(tonumber(from)) or a.since_ms, from and page or a.cursor
end

local function history(path, a, env, ...)
  local from, page = week_of(a)
  local till = a.until_ms
  if from and from + WEEK_MS < (till or env.now_ms) then till = from + WEEK_MS end
  return get(path, "query", true, { {"category", env.category}, {"startTime", from}, {"endTime", till}, {"limit", a.limit},
    {"cursor", page ~= "" and page}, ... })
end

function op.all_orders(a, env)
  return history("/v5/order/history", a, env, {"symbol", a.symbol}, {"orderStatus", status_out[a.status]})
end

function op.fills(a, env)
  return history("/v5/execution/list", a, env, {"symbol", a.symbol}, {"orderId", a.order_id}, {"orderLinkId", a.client_id},
    {"execType", a.kind == "trade" and "Trade"})
end

function op.closed_pnl(a, env)
  return history("/v5/position/closed-pnl", a, env, {"symbol", a.symbol or a.symbols and a.symbols[1]})
end

function op.balance(a)
  if a.account == "fund" then
    return get("/v5/asset/transfer/query-account-coins-balance", "account", true, { {"accountType", "FUND"} })
  end
  return get("/v5/account/wallet-balance", "account", true, { {"accountType", "UNIFIED"}, {"coin", a.asset} })
end

-- One symbol, or all of a settlement coin by pages.
function op.positions(a, env)
  if env.category ~= "linear" then return nil, "spot has no positions" end
  local symbol = a.symbol or a.symbols and #a.symbols == 1 and a.symbols[1]
  return get("/v5/position/list", "query", true, { {"category", env.category}, {"symbol", symbol},
    {"settleCoin", not symbol and (a.settle or "USDT")}, {"limit", not a.symbol and (a.limit or 200)}, {"cursor", a.cursor} })
end

function op.set_leverage(a, env)
  return post("/v5/position/set-leverage", "account",
    { category=env.category, symbol=a.symbol, buyLeverage=a.leverage, sellLeverage=a.leverage })
end

function op.set_margin_mode(a)
  local modes = { isolated="ISOLATED_MARGIN", cross="REGULAR_MARGIN", portfolio="PORTFOLIO_MARGIN" }
  if not modes[a.mode] then return nil, "mode is cross, isolated or portfolio" end
  return post("/v5/account/set-margin-mode", "account", { setMarginMode=modes[a.mode] })
end

function op.set_position_mode(a, env)
  return post("/v5/position/switch-mode", "account",
    { category=env.category, symbol=a.symbol, coin=not a.symbol and (a.settle or "USDT") or nil, mode=a.hedge and 3 or 0 })
end

local function market(path, ...)
  local names = { ... }
  return function(a, env)
    local query = { {"category", env.category} }
    for _, name in ipairs(names) do query[#query + 1] = { name, a[name] or false } end
    return get(path, "market", false, query)
  end
end
op.ticker = market("/v5/market/tickers", "symbol")
op.tickers = market("/v5/market/tickers")
op.public_trades = market("/v5/market/recent-trade", "symbol", "limit")
op.leverage_tiers = market("/v5/market/risk-limit", "symbol")

function op.orderbook(a, env)
  return get("/v5/market/orderbook", "market", false,
    { {"category", env.category}, {"symbol", a.symbol}, {"limit", a.limit or (env.category == "spot" and 50 or 25)} })
end

function op.klines(a, env)
  local interval = frames_out[a.timeframe]
  if not interval then return nil, "there is no timeframe " .. tostring(a.timeframe) end
  return get("/v5/market/kline", "market", false, { {"category", env.category}, {"symbol", a.symbol}, {"interval", interval},
    {"start", a.since_ms}, {"end", a.until_ms}, {"limit", a.limit} })
end

function op.instruments(a, env)
  return get("/v5/market/instruments-info", "market", false,
    { {"category", env.category}, {"symbol", a.symbol}, {"limit", env.category == "linear" and (a.limit or 200)}, {"cursor", a.cursor} })
end

function op.server_time() return get("/v5/market/time", "market", false) end

-- A start alone is refused: the end is where as many settlements are as are asked for.
function op.funding(a, env)
  local limit = a.limit or 200
  local till = a.until_ms or a.since_ms and a.since_ms + FUNDING_MS * math.tointeger(tonumber(limit))
  return get("/v5/market/funding/history", "market", false, { {"category", env.category}, {"symbol", a.symbol},
    {"startTime", a.since_ms}, {"endTime", till}, {"limit", limit} })
end

function op.fee(a, env)
  return get("/v5/account/fee-rate", "account", true, { {"category", env.category}, {"symbol", a.symbol} })
end

function op.key_info() return get("/v5/user/query-api", "account", true) end

function request(name, args, env) return op[name](args, env) end

function sign(r, cred, env)
  local text = env.now_ms .. cred.key .. env.expiry_ms .. (r.method == "GET" and r.query or r.body)
  return { headers={ ["X-BAPI-API-KEY"]=cred.key, ["X-BAPI-TIMESTAMP"]=tostring(env.now_ms), ["X-BAPI-RECV-WINDOW"]=tostring(env.expiry_ms),
    ["X-BAPI-SIGN"]=cred:hmac_sha256_hex(text) } }
end

-- ---- answers

-- A number that is there: "" and "0" say "none" for prices; some says whether zero counts.
local function given(v) if v == "" then return nil end return v end
local function above(v) if v and v ~= "" and decimal.sign(v) ~= 0 then return v end end
local function ms(v) return v and v ~= "" and math.tointeger(tonumber(v)) or nil end
local function text(v) if v and v ~= "" then return tostring(v) end end
local function flag(v) if v ~= nil and v ~= "" then return v == true or v == 1 end end

local sides = { Buy="buy", Sell="sell" }
local function word(map, v) return map[v] or "?" .. tostring(v) end

local states = { New="open", PartiallyFilled="open", Untriggered="open", Triggered="open", Created="open", Active="open", Filled="filled",
  Cancelled="canceled", PartiallyFilledCanceled="canceled", Deactivated="canceled", Rejected="rejected" }
local tifs = { GTC="gtc", IOC="ioc", FOK="fok", PostOnly="gtc", RPI="gtc", GoodTillCancel="gtc", ImmediateOrCancel="ioc", FillOrKill="fok" }
local reasons = { EC_NoImmediateQtyToFill="time", EC_CancelForNoFullFill="time", EC_NoEnoughQtyToFill="time", EC_PerCancelRequest="asked",
  EC_PostOnlyWillTakeLiquidity="post_only", EC_MarketOrderCannotBePostOnly="post_only", EC_BySelfMatch="self_trade",
  EC_StopBySelfMatch="self_trade", EC_ReachRiskPriceLimit="price", EC_ReachMarketPriceLimit="price", EC_LimitOrderInvalidPrice="price",
  EC_InvalidPriceScale="price", EC_QtyCannotBeZero="quantity", EC_EcInvalidQty="quantity", EC_InvalidAmount="notional",
  EC_ReachMaxTradeNum="limit", EC_InvalidSymbolStatus="closed", EC_InCallAuctionStatus="closed", EC_DuplicatedClOrdID="duplicate",
  CancelByUser="asked", CancelByReduceOnly="reduce_only", CancelByPrepareLiq="liquidation", CancelAllBeforeLiq="liquidation",
  CancelByPrepareAdl="liquidation", CancelAllBeforeAdl="liquidation", CancelBySettle="closed", CancelBySmp="self_trade" }
local pegs = { PartialTakeProfit="TakeProfit", PartialStopLoss="StopLoss" }
local attached = { TakeProfit=true, StopLoss=true, BidirectionalTpslOrder=true }

-- A spot market buy by what to spend: its qty is money. What is left then cannot buy another step, and it counts as filled.
local function by_quote(o)
  if o.orderType ~= "Market" or o.marketUnit == "baseCoin" then return false end
  if o.marketUnit == "quoteCoin" then return true end
  local spent, left = given(o.cumExecValue), given(o.leavesValue)
  return spent and left and decimal.cmp(decimal.add(spent, left), o.qty) == 0 and decimal.cmp(o.cumExecQty, o.qty) ~= 0
end

-- A conditional order that waits: which way the price must go. Spot does not say, but what the price was when it was placed.
local function awaits(o)
  if o.triggerDirection == 1 or o.triggerDirection == 2 then return o.triggerDirection == 1 and "rise" or "fall" end
  if above(o.triggerPrice) and above(o.basePrice) then return decimal.cmp(o.triggerPrice, o.basePrice) > 0 and "rise" or "fall" end
end

local function order(o)
  local trigger, peg, status = above(o.triggerPrice), pegs[o.stopOrderType] or o.stopOrderType, word(states, o.orderStatus)
  local qty = given(o.qty)
  if status ~= "open" and above(o.cumExecQty) and by_quote(o) then qty, status = o.cumExecQty, "filled" end
  local why
  if status == "canceled" or status == "rejected" then why = reasons[o.rejectReason] or reasons[o.cancelType] or "other" end
  local idx = o.positionIdx
  return { id=text(o.orderId), client_id=text(o.orderLinkId), symbol=o.symbol, side=word(sides, o.side), status=status, why=why,
    kind=o.orderType == "Market" and (trigger and "stop" or "market") or (trigger and "stop_limit" or "limit"),
    tif=tifs[o.timeInForce], post=o.timeInForce == "PostOnly", qty=qty, filled=given(o.cumExecQty), remaining=given(o.leavesQty),
    cost=given(o.cumExecValue), limit=above(o.price), trigger=trigger, avg=above(o.avgPrice), reduce=flag(o.reduceOnly),
    take_profit=above(o.takeProfit) or peg == "TakeProfit" and trigger or nil,
    stop_loss=above(o.stopLoss) or peg == "StopLoss" and trigger or nil,
    attached=attached[peg] or nil, waits=o.orderStatus == "Untriggered", awaits=o.orderStatus == "Untriggered" and awaits(o) or nil,
    leg=idx == 1 and "long" or idx == 2 and "short" or "net", created_ms=ms(o.createdTime or o.createdAt),
    updated_ms=ms(o.updatedTime or o.updatedAt) }
end

local kinds = { Trade="trade", BlockTrade="trade", FutureSpread="trade", MovePosition="trade", Funding="funding", AdlTrade="liquidation",
  BustTrade="liquidation", Delivery="liquidation", Settle="liquidation" }

-- What a fee is paid in where the fill does not say: a perpetual's is in what it is settled in, spot's in what is received.
local function fee_asset(symbol, category, side)
  if category == "spot" then
    for _, quote in ipairs{ "USDT", "USDC", "USDE", "EUR", "BRL", "TRY", "BTC", "ETH", "DAI" } do
      local base = #symbol > #quote and symbol:sub(-#quote) == quote and symbol:sub(1, -#quote - 1)
      if base then return side == "Buy" and base or quote end
    end
    return nil
  end
  if symbol:find("USDT$") then return "USDT" end
  if symbol:find("PERP$") then return "USDC" end
end

local function fill(f, category)
  local maker = f.isMaker
  if maker == nil and f.lastLiquidityInd then maker = f.lastLiquidityInd == "MAKER" or f.lastLiquidityInd == "AddedLiquidity" end
  return { id=text(f.execId or f.tradeId), order_id=text(f.orderId), client_id=text(f.orderLinkId), symbol=f.symbol, side=sides[f.side],
    price=given(f.execPrice), qty=given(f.execQty), cost=given(f.execValue), fee=given(f.execFee),
    fee_asset=text(f.feeCurrency) or text(f.feeCoin) or fee_asset(f.symbol, f.category or category, f.side), maker=maker,
    kind=word(kinds, given(f.execType) or "Trade"),
    time_ms=ms(f.execTime or f.tradeTime) }
end

local function position(p, category)
  local idx, qty = p.positionIdx, given(p.size) or "0"
  if p.side == "Sell" then qty = decimal.neg(qty) end
  local notional = given(p.positionValue)
  if category == "inverse" and above(p.markPrice) then notional = decimal.div(p.size, p.markPrice, 18) end
  return { symbol=p.symbol, leg=idx == 1 and "long" or idx == 2 and "short" or "net", qty=qty, avg=above(p.avgPrice) or above(p.entryPrice),
    mark=above(p.markPrice), upnl=given(p.unrealisedPnl), leverage=above(p.leverage), notional=notional, margin=above(p.positionBalance),
    liquidation_price=above(p.liqPrice), updated_ms=ms(p.updatedTime) }
end

-- Free: what the venue calls available, where it still says so; or else what orders and positions leave.
local function balance(c)
  local total = given(c.walletBalance) or "0"
  local free = given(c.availableToWithdraw) or given(c.transferBalance) or given(c.free)
  if not free then
    free = total
    for _, held in ipairs{ c.locked or "0", c.totalOrderIM or "0", c.totalPositionIM or "0" } do
      if held ~= "" then free = decimal.sub(free, held) end
    end
    if decimal.sign(free) < 0 then free = "0" end
  end
  return { asset=c.coin, total=total, free=free, used=decimal.sub(total, free), equity=given(c.equity),
    debt=decimal.add(given(c.borrowAmount) or "0", given(c.accruedInterest) or "0") }
end

local function classic_balance(c)
  return { asset=c.tokenId, total=c.total, free=c.free, used=c.locked, debt=decimal.add(c.loan or "0", c.interest or "0") }
end

local function kline(row, category)
  return { open_ms=ms(row[1]), open=row[2], high=row[3], low=row[4], close=row[5], volume=category == "inverse" and row[7] or row[6] }
end

local function ticker(t)
  return { symbol=t.symbol, last=given(t.lastPrice), bid=given(t.bid1Price), ask=given(t.ask1Price), high=given(t.highPrice24h),
    low=given(t.lowPrice24h), mark=given(t.markPrice), index=given(t.indexPrice), volume=given(t.volume24h), turnover=given(t.turnover24h),
    funding=given(t.fundingRate), next_funding_ms=ms(t.nextFundingTime) }
end

local function levels(rows)
  local out = {}
  for i, row in ipairs(rows or {}) do out[i] = { price=row[1], qty=row[2] } end
  return out
end

-- Positions and open orders are asked for by settlement coin, USDT: what is settled in another is not traded, so that nothing is overlooked.
local function instrument(i, category)
  local lot, price, spot = i.lotSizeFilter, i.priceFilter, category == "spot"
  return { symbol=i.symbol, base=i.baseCoin, quote=i.quoteCoin, settle=i.settleCoin or i.quoteCoin, kind=spot and "spot" or "linear",
    trading=i.status == "Trading" and (spot or i.settleCoin == "USDT"), tick=price.tickSize, lot=lot.qtyStep or lot.basePrecision, qty_min=given(lot.minOrderQty),
    qty_max=given(lot.maxOrderQty) or given(lot.maxLimitOrderQty), market_qty_max=given(lot.maxMktOrderQty) or given(lot.maxMarketOrderQty),
    notional_min=given(lot.minNotionalValue) or given(lot.minOrderAmt), leverage_max=i.leverageFilter and given(i.leverageFilter.maxLeverage) }
end

local function each(make, rows, category)
  local out = {}
  for i, row in ipairs(rows or {}) do out[i] = make(row, category) end
  return out
end

local function list_of(make)
  return function(r, a) return each(make, r.list, r.category or a.category) end
end

local function named_back(r) return { id=text(r.orderId), client_id=text(r.orderLinkId) } end

-- "2030-01-02T03:04:05Z" in ms; days by the civil calendar.
local function instant(t)
  local y, mo, d, h, mi, s = tostring(t or ""):match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)")
  if not y then return nil end
  y, mo, d = tonumber(y), tonumber(mo), tonumber(d)
  if mo <= 2 then y, mo = y - 1, mo + 12 end
  local days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * (mo - 3) + 2) // 5 + d - 719469
  return (((days * 24 + tonumber(h)) * 60 + tonumber(mi)) * 60 + tonumber(s)) * 1000
end

local read = {}
read.create_order, read.amend_order, read.cancel_order = named_back, named_back, named_back
function read.cancel_all(r) return each(named_back, r.list) end
read.fetch_order, read.open_orders, read.all_orders = list_of(order), list_of(order), list_of(order)
read.fills, read.positions = list_of(fill), list_of(position)
function read.balance(r)
  if r.loanAccountList then return each(classic_balance, r.loanAccountList) end
  if r.balance then return each(balance, r.balance) end
  local out = {}
  for _, account in ipairs(r.list or {}) do
    for _, coin in ipairs(account.coin or {}) do out[#out + 1] = balance(coin) end
  end
  return out
end
function read.set_leverage() return {} end
read.set_margin_mode, read.set_position_mode = read.set_leverage, read.set_leverage
function read.ticker(r) return r.list and r.list[1] and ticker(r.list[1]) end
read.tickers = list_of(ticker)
function read.klines(r)  -- the newest comes first
  local out, n = {}, #r.list
  for i, row in ipairs(r.list) do out[n + 1 - i] = kline(row, r.category) end
  return out
end
function read.orderbook(r)
  return { symbol=r.s, snapshot=true, bids=levels(r.b), asks=levels(r.a), seq=r.u, time_ms=r.ts }
end
read.public_trades = list_of(function(t)
  return { symbol=t.symbol, id=text(t.execId), side=word(sides, t.side), price=t.price, qty=t.size, time_ms=ms(t.time) }
end)
read.instruments = list_of(instrument)
function read.server_time(r, _, body) return { time_ms=r.timeNano and ms(tostring(r.timeNano):sub(1, -7)) or ms(body.time) } end
read.funding = list_of(function(f) return { symbol=f.symbol, rate=f.fundingRate, time_ms=ms(f.fundingRateTimestamp) } end)
read.leverage_tiers = list_of(function(t)
  return { symbol=t.symbol, tier=ms(t.id), notional_max=given(t.riskLimitValue), leverage_max=given(t.maxLeverage),
    maintenance=given(t.maintenanceMargin) }
end)
read.fee = list_of(function(f) return { symbol=text(f.symbol), maker=f.makerFeeRate, taker=f.takerFeeRate } end)
read.closed_pnl = list_of(function(p)
  return { symbol=p.symbol, order_id=text(p.orderId), side=word(sides, p.side), qty=given(p.closedSize) or given(p.qty), entry=given(p.avgEntryPrice),
    exit=given(p.avgExitPrice), pnl=given(p.closedPnl), leverage=above(p.leverage), notional=given(p.cumExitValue), time_ms=ms(p.updatedTime) }
end)
function read.key_info(r)
  local p, withdraw, trade = r.permissions or {}, false, false
  for _, right in ipairs(p.Wallet or {}) do withdraw = withdraw or right:find("Withdraw") ~= nil end
  for _, area in ipairs{ p.ContractTrade or {}, p.Spot or {} } do trade = trade or #area > 0 end
  local bound = r.ips and #r.ips > 0 and r.ips[1] ~= "*"
  return { read=true, trade=trade and r.readOnly ~= 1, withdraw=withdraw, ip_bound=bound or false, expires_ms=instant(r.expiredAt) }
end

-- The venue's cursor comes encoded for a URL, and would be encoded twice.
local weekly = { all_orders=true, fills=true, closed_pnl=true }
local function next_page(name, args, body)
  local page = text(body.result and body.result.nextPageCursor)
  page = page and page:gsub("%%(%x%x)", function(h) return string.char(tonumber(h, 16)) end)
  if not weekly[name] or not args.since_ms then return page end
  local from = week_of(args)
  if page then return "week" .. from .. "|" .. page end
  local after = from + WEEK_MS
  if after < (args.until_ms or ms(body.time) or 0) then return "week" .. after .. "|" end
end

local secretive = { ["10003"]="the key is invalid", ["10004"]="the signature is wrong", ["10005"]="the key lacks a permission" }

function response(name, status, body, args)
  if type(body) ~= "table" or math.type(body.retCode) ~= "integer" then
    -- Without a code of the venue's: its gate keepers. 403 is the limit by address, which lasts ten minutes.
    if status == 403 or status == 429 then return { error={ code=tostring(status), text="too many requests", why="throttled", action="throttle" } } end
    if status == 401 then return { error={ code="401", text="not authenticated", why="credentials", action="fatal" } } end
    return { error={ code=tostring(status), text="no answer of the venue's" } }
  end
  if body.retCode ~= 0 then
    local code = tostring(body.retCode)
    return { error={ code=code, text=secretive[code] or tostring(body.retMsg) } }
  end
  local r = body.result or {}
  local data, cursor = read[name](r, args, body), next_page(name, args, body)
  if name == "fetch_order" then cursor = #data == 0 and not args.ended and args.cursor ~= "history" and "history" or nil end
  return { ok=true, data=data, next=cursor }
end

-- ---- streams

local topics_private = { orders="order", fills="execution", positions="position", balance="wallet" }
local by_category = { orders=true, fills=true }

local function topic(t)
  if t.type == "klines" then
    if not frames_out[t.timeframe] then return nil end
    return "kline." .. frames_out[t.timeframe] .. "." .. t.symbol
  end
  if t.type == "ticker" then return "tickers." .. t.symbol end
  if t.type == "trades" then return "publicTrade." .. t.symbol end
  if t.type == "book" then return "orderbook." .. (t.depth or 50) .. "." .. t.symbol end
end

local function subscribe(topics)  -- spot takes ten at a time; so do we for all
  local out = {}
  for i = 1, #topics, 10 do
    out[#out + 1] = json.encode{ op="subscribe", req_id=tostring(#out + 1), args=table.pack(table.unpack(topics, i, math.min(i + 9, #topics))) }
  end
  return out
end

function streams(kind, args, env, cred)
  local topics = {}
  if kind == "private" then
    for _, t in ipairs(args.topics or { "orders", "fills", "positions", "balance" }) do
      if not topics_private[t] then return nil, "there is no private stream " .. tostring(t) end
      -- A session is for one category: it is not to hear of the other's orders.
      local of = not args.topics and by_category[t] and "." .. env.category or ""
      if t ~= "positions" or env.category == "linear" then topics[#topics + 1] = topics_private[t] .. of end
    end
    local expires = tostring(env.now_ms + 10000)
    return { url=env.private_ws, login_acked=true, subscribe=subscribe(topics), ping='{"op":"ping"}',
      login=json.encode{ op="auth", args={ cred.key, expires, cred:hmac_sha256_hex("GET/realtime" .. expires) } } }
  end
  for _, t in ipairs(args.topics or {}) do
    local name = topic(t)
    if not name then return nil, "there is no public stream " .. tostring(t.type) end
    topics[#topics + 1] = name
  end
  return { url=env.public_ws, login_acked=false, subscribe=subscribe(topics), ping='{"op":"ping"}' }
end

local hear = {}

-- Of a conditional order of spot the stream does not tell which way the price must go: it is asked about.
function hear.order(m)
  local out = each(order, m.data)
  for i = 1, #out do
    local o = out[i]
    if o.waits and not o.awaits then out[#out + 1] = { type="hint", id=o.id, client_id=o.client_id, symbol=o.symbol } end
  end
  return out
end
function hear.execution(m) return each(fill, m.data) end
function hear.position(m) return each(position, m.data) end
function hear.wallet(m)
  local out = {}
  for _, account in ipairs(m.data) do
    for _, coin in ipairs(account.coin or {}) do out[#out + 1] = balance(coin) end
  end
  return out
end
function hear.kline(m, _, symbol)
  return each(function(k)
    return { symbol=symbol, timeframe=frames_in[k.interval], open_ms=k.start, open=k.open, high=k.high, low=k.low, close=k.close,
      volume=k.volume, closed=k.confirm }
  end, m.data)
end
function hear.tickers(m)
  local t = ticker(m.data)
  t.snapshot, t.time_ms = m.type == "snapshot", m.ts
  return { t }
end
function hear.publicTrade(m)
  return each(function(t)
    return { symbol=t.s, id=text(t.i), side=word(sides, t.S), price=t.p, qty=t.v, time_ms=t.T }
  end, m.data)
end
-- u = 1 is a fresh snapshot too: the venue's service was started again.
function hear.orderbook(m)
  local d = m.data
  return { { symbol=d.s, snapshot=m.type == "snapshot" or d.u == 1, bids=levels(d.b), asks=levels(d.a), seq=d.u, time_ms=m.ts } }
end
local event = { order="order", execution="fill", position="position", wallet="balance", kline="kline", tickers="ticker",
  publicTrade="trade", orderbook="book" }

function frame(_, m)
  if type(m) ~= "table" then return { { type="error", text="a frame that is no JSON" } } end
  if m.topic then
    local name, symbol = m.topic:match("^(%a+)"), m.topic:match("([^.]+)$")
    if name == "trade" then name = "publicTrade" end
    if not hear[name] then return { { type="error", code="topic", text="unknown topic " .. m.topic } } end
    local out = hear[name](m, nil, symbol)
    for _, e in ipairs(out) do e.type = e.type or event[name] end
    return out
  end
  if m.op == "auth" then
    return { { type="login", ok=m.success == true, code=m.retCode and tostring(m.retCode), text=text(m.ret_msg or m.retMsg) } }
  end
  if m.op == "subscribe" then return { { type="subscribed", ok=m.success == true, text=text(m.ret_msg) } } end
  if m.op == "pong" or m.ret_msg == "pong" then return { { type="pong" } } end
  if m.success == false then return { { type="error", code=text(m.op), text=text(m.ret_msg) } } end
  return {}
end

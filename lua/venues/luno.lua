-- Luno: spot. How a dialect is written: lua/venues/README.md.

local errors = {}
local function say(why, action, codes, except)
  for code in codes:gmatch("%S+") do
    local e = { why=why, action=action }
    for op, other in pairs(except or {}) do e[op] = other end
    errors[code] = e
  end
end
say("credentials", "fatal", "ErrUnauthorised ErrUnauthorized ErrApiKeyRevoked ErrInsufficientPerms ErrForbidden ErrAPIKeyNotFound "
  .. "ErrAPIKeyRevoked ErrAccountNotFound ErrAccountsNotDifferent ErrUserBlocked ErrUserNotVerifiedForCurrency ErrVerificationLevelTooLow "
  .. "ErrTravelRule ErrAddressLimitReached ErrTOTPFailed 401 403")
say("throttled", "throttle", "ErrTooManyRequests ErrRateLimited 429")
say("duplicate", "unknown", "ErrDuplicateClientOrderID ErrDuplicateExternalID 409")
say("other", "unknown", "ErrInternal ErrDeadlineExceeded ErrInternalServerError 500 502 503 504")
say("not_found", "not_found", "ErrOrderNotFound ErrCannotStopUnknownOrNonPendingOrder ErrNotFound 404", { create_order="fatal" })
say("funds", "fatal", "ErrInsufficientFunds ErrInsufficientBalance ErrCreditAccountTransactionNotAllowed")
say("closed", "retry", "ErrUnderMaintenance ErrMarketUnavailable ErrMarketNotAllowed")
say("post_only", "fatal", "ErrOrderCanceled ErrPostOnlyMode ErrPostOnlyNotAllowed")
say("price", "fatal", "ErrPriceTooHigh ErrPriceTooLow ErrPriceDenominationNotAllowed ErrInvalidPrice ErrStopPriceTooHigh ErrStopPriceTooLow")
say("quantity", "fatal", "ErrVolumeTooLow ErrVolumeTooHigh ErrVolumeDenominationNotAllowed ErrAmountTooSmall ErrAmountTooBig "
  .. "ErrBaseVolumeTooLow ErrCounterVolumeTooLow ErrInvalidBaseVolume ErrInvalidCounterVolume ErrCounterDenominationNotAllowed")
say("time", "fatal", "ErrNotEnoughLiquidity ErrTimestampTooOld ErrTTLExpired ErrExpired")
say("limit", "fatal", "ErrMaxActiveFiatRequestsExists ErrLimitOutOfRange ErrTooManyOpenOrders ErrTooManyRowsRequested")
say("request", "fatal", "ErrInvalidMarketPair ErrInvalidArguments ErrInvalidParameters ErrInvalidClientOrderId ErrInvalidClientOrderID "
  .. "ErrInvalidOrderRef ErrInvalidOrderSide ErrInvalidRequestType ErrInvalidValue ErrInvalidDetails ErrInvalidCurrency ErrInvalidAccount "
  .. "ErrInvalidAccountID ErrInvalidAmount ErrInvalidStopDirection ErrInvalidStopPrice ErrInvalidBranch ErrIncompatibleBeneficiary "
  .. "ErrNoAddressesAssigned ErrRejectedBeneficiary ErrActiveCryptoRequestExists ErrCustomRefNotAllowed ErrCannotTradeWhileQuoteActive "
  .. "ErrBlockedSendsCurrency ErrAmountLimitReached ErrInvalidSourceAccount ErrUpdateRequired ErrRequestTypeDoesNotSupportFastWithdrawals 400")
say("unsupported", "fatal", "ErrOrderTypeNotSupported ErrStopOrdersNotSupported ErrNotSupported")

dialect{
  name="luno", api=1, about="Luno: spot; market buys by quote amount; no amend, no positions",
  environments={ live={ rest="https://api.luno.com", private_ws="wss://ws.luno.com/api/1/userstream",
    public_ws={ spot="wss://ws.luno.com/api/1/stream" } } },
  categories={ "spot" },
  credentials={ "key", "secret" },
  expiry_ms=5000, ping_ms=0, client_id_max=255, clock="date",
  -- Fills of the stream have no id: they say that there is one to be asked for.
  capabilities={ stops=true, post_only=true, market_by_quote=true, fill_ids=false },
  lookups={ "id", "open", "fills" },
  ops={ "create_order", "cancel_order", "fetch_order", "open_orders", "all_orders", "fills", "balance", "ticker", "tickers", "klines",
    "orderbook", "public_trades", "instruments", "fee", "accounts" },
  budgets={ { name="all", per_ms=60000, count=300, by="key" } },
  errors=errors,
}

-- Names of currencies: theirs and everybody's.
local function currency(c) return c == "XBT" and "BTC" or c end

-- ---- requests

local function get(path, auth, query) return { method="GET", path=path, query=query, auth=auth, safe=true, budget="all" } end
local function post(path, query) return { method="POST", path=path, query=query, auth=true, budget="all" } end

local op = {}
local tif_out = { gtc="GTC", ioc="IOC", fok="FOK" }

-- timestamp and ttl bound how late an order may be executed.
function op.create_order(a, env)
  if a.reduce or a.leg == "long" or a.leg == "short" then return nil, "spot has no positions to reduce" end
  if a.stop_loss or a.take_profit then return nil, "orders with attached stops are not known here" end
  if a.kind == "market" then
    if a.side == "buy" and not a.quote_qty then return nil, "a market buy needs quote_qty: how much to spend" end
    return post("/api/1/marketorder", { {"pair", a.symbol}, {"type", a.side == "buy" and "BUY" or "SELL"},
      {"counter_volume", a.side == "buy" and a.quote_qty}, {"base_volume", a.side == "sell" and a.qty},
      {"timestamp", env.now_ms}, {"ttl", a.ttl_ms or env.expiry_ms}, {"client_order_id", a.client_id} })
  end
  if a.kind == "stop" then return nil, "a stop needs a limit here" end
  local direction
  if a.trigger then
    direction = "RELATIVE_LAST_TRADE"
    if a.trigger_rises ~= nil then direction = a.trigger_rises and "ABOVE" or "BELOW" end
  end
  return post("/api/1/postorder", { {"pair", a.symbol}, {"type", a.side == "buy" and "BID" or "ASK"}, {"volume", a.qty}, {"price", a.limit},
    {"post_only", a.post}, {"time_in_force", a.tif ~= "gtc" and tif_out[a.tif]}, {"stop_price", a.trigger}, {"stop_direction", direction},
    {"timestamp", env.now_ms}, {"ttl", a.ttl_ms or env.expiry_ms}, {"client_order_id", a.client_id} })
end

function op.cancel_order(a)
  if not a.id then return nil, "an order is cancelled by the venue's id" end
  return post("/api/1/stoporder", { {"order_id", a.id} })
end

function op.fetch_order(a)
  if a.id then return get("/api/1/orders/" .. url.encode(a.id), true) end
  return get("/api/exchange/3/order", true, { {"client_order_id", a.client_id} })
end

function op.open_orders(a) return get("/api/1/listorders", true, { {"state", "PENDING"}, {"pair", a.symbol}, {"limit", a.limit} }) end

-- Both states without a status. The cursor is the creation time before which the next page begins.
function op.all_orders(a)
  return get("/api/1/listorders", true, { {"state", (a.status == "filled" or a.status == "canceled") and "COMPLETE"}, {"pair", a.symbol},
    {"created_before", a.cursor}, {"limit", a.limit} })
end

function op.fills(a)
  return get("/api/1/listtrades", true, { {"pair", a.symbol}, {"since", a.since_ms}, {"after_seq", a.cursor}, {"limit", a.limit} })
end

function op.balance() return get("/api/1/balance", true) end
op.accounts = op.balance
function op.fee(a) return get("/api/1/fee_info", true, { {"pair", a.symbol} }) end
function op.ticker(a) return get("/api/1/ticker", false, { {"pair", a.symbol} }) end
function op.tickers() return get("/api/1/tickers", false) end
function op.public_trades(a) return get("/api/1/trades", false, { {"pair", a.symbol}, {"since", a.since_ms} }) end
function op.instruments(a) return get("/api/exchange/1/markets", false, { {"pair", a.symbol} }) end

function op.orderbook(a)
  local limit = a.limit and tonumber(a.limit)
  local path = limit and limit <= 100 and "/api/1/orderbook_top" or "/api/1/orderbook"
  return get(path, false, { {"pair", a.symbol} })
end

local seconds = { ["1m"]=60, ["5m"]=300, ["15m"]=900, ["30m"]=1800, ["1h"]=3600, ["3h"]=10800, ["4h"]=14400, ["8h"]=28800, ["1d"]=86400,
  ["3d"]=259200, ["1w"]=604800 }

function op.klines(a, env)  -- a start is required: without one, the last thousand
  local step = seconds[a.timeframe]
  if not step then return nil, "there is no timeframe " .. tostring(a.timeframe) end
  return get("/api/exchange/1/candles", true,
    { {"pair", a.symbol}, {"duration", step}, {"since", a.since_ms or env.now_ms - 1000 * step * 1000} })
end

function request(name, args, env) return op[name](args, env) end

function sign(_, cred) return { headers={ Authorization=cred:basic() } } end

-- ---- answers

local function text(v) if v ~= nil and v ~= "" then return tostring(v) end end
local function ms(v) v = v and math.tointeger(tonumber(v)) return v and v > 0 and v or nil end
local function above(v) if v and v ~= "" and decimal.sign(v) ~= 0 then return v end end
local sides = { BID="buy", BUY="buy", ASK="sell", SELL="sell", BID_LIMIT="buy", ASK_LIMIT="sell" }
local function word(map, v) return map[v] or "?" .. tostring(v) end
local tifs = { GTC="gtc", IOC="ioc", FOK="fok" }

-- COMPLETE covers filled and cancelled: the volumes tell.
local open_states = { PENDING=true, AWAITING=true, ACTIVE=true }
local function status(o, want, filled)
  local state = o.state or o.status
  if open_states[state] then return "open" end
  if state ~= "COMPLETE" then return "?" .. tostring(state) end
  if want and decimal.sign(want) == 1 then return decimal.cmp(filled, want) >= 0 and "filled" or "canceled" end
  return decimal.sign(filled) == 1 and "filled" or "canceled"  -- market orders have no volume of base
end

local function order(o)
  local filled, cost, want = o.base or "0", o.counter or "0", above(o.limit_volume)
  local state = status(o, want, filled)
  local market = o.type == "MARKET" or ((o.type == "BUY" or o.type == "SELL") and not above(o.limit_price))
  local trigger = above(o.stop_price)
  return { id=text(o.order_id), client_id=text(o.client_order_id), symbol=o.pair, side=word(sides, o.side or o.type), status=state,
    why=state == "canceled" and "other" or nil, kind=market and "market" or trigger and "stop_limit" or "limit", tif=tifs[o.time_in_force],
    qty=want or (market and state == "filled" and filled) or nil, filled=filled, remaining=want and decimal.sub(want, filled) or nil, cost=cost,
    limit=above(o.limit_price), trigger=trigger, avg=decimal.sign(filled) == 1 and decimal.div(cost, filled, 12) or nil,
    created_ms=ms(o.creation_timestamp), updated_ms=ms(o.completed_timestamp) }
end

-- The fee is taken in what is received: base of a buy, counter of a sell.
local function fill(f)
  local base, counter = f.pair:match("^(.-)(%u%u%u%u?)$")
  local fee, asset
  if above(f.fee_base) then fee, asset = f.fee_base, currency(f.pair:sub(1, 3))
  elseif f.fee_counter then fee, asset = f.fee_counter, currency(#f.pair == 6 and f.pair:sub(4) or counter or base) end
  local buy = f.is_buy
  if buy == nil then buy = f.type == "BID" end
  -- type is the order's; is_buy says whether the taker bought
  return { id=text(f.sequence) or f.order_id .. ":" .. f.timestamp, order_id=text(f.order_id), client_id=text(f.client_order_id), symbol=f.pair,
    side=f.type and word(sides, f.type) or (buy and "buy" or "sell"), price=f.price, qty=f.volume or f.base, cost=f.counter, fee=fee, fee_asset=asset,
    maker=f.type and f.is_buy ~= nil and (f.type == "BID") ~= f.is_buy or nil, kind="trade", time_ms=ms(f.timestamp) }
end

local function each(make, rows, ...)
  local out = {}
  for i, row in ipairs(rows or {}) do out[i] = make(row, ...) end
  return out
end

local function ticker(t)
  return { symbol=t.pair, last=t.last_trade, bid=t.bid, ask=t.ask, volume=t.rolling_24_hour_volume, time_ms=ms(t.timestamp) }
end

local function level(l) return { price=l.price, qty=l.volume, id=text(l.id) } end

local read = {}
function read.create_order(b, a) return { id=text(b.order_id), client_id=a.client_id } end
function read.cancel_order(b, a)
  if b.success == false then return nil, { code="ErrCannotStopUnknownOrNonPendingOrder", text="not stopped" } end
  return { id=a.id }
end
function read.fetch_order(b) return { order(b) } end
function read.open_orders(b) return each(order, b.orders) end
read.all_orders = read.open_orders
function read.fills(b) return each(fill, b.trades) end
function read.balance(b)
  return each(function(row)
    return { asset=currency(row.asset), account_id=text(row.account_id), total=row.balance, used=row.reserved,
      free=decimal.sub(row.balance, row.reserved or "0") }
  end, b.balance)
end
function read.accounts(b)
  return each(function(row) return { id=text(row.account_id), asset=currency(row.asset) } end, b.balance)
end
function read.ticker(b) return ticker(b) end
function read.tickers(b) return each(ticker, b.tickers) end
function read.klines(b)
  return each(function(k)
    return { open_ms=ms(k.timestamp), open=k.open, high=k.high, low=k.low, close=k.close, volume=k.volume }
  end, b.candles)
end
function read.orderbook(b, a)
  return { symbol=a.symbol, snapshot=true, bids=each(level, b.bids), asks=each(level, b.asks), time_ms=ms(b.timestamp) }
end
function read.public_trades(b, a)
  return each(function(t)
    return { symbol=a.symbol, id=text(t.sequence), side=t.is_buy and "buy" or "sell", price=t.price, qty=t.volume, time_ms=ms(t.timestamp) }
  end, b.trades)
end
function read.instruments(b)
  return each(function(m)
    return { symbol=m.market_id, base=currency(m.base_currency), quote=currency(m.counter_currency), settle=currency(m.counter_currency),
      kind="spot", trading=m.trading_status == "ACTIVE" or m.trading_status == "POSTONLY", tick=decimal.shift(1, -m.price_scale),
      lot=decimal.shift(1, -m.volume_scale), qty_min=m.min_volume, qty_max=m.max_volume }
  end, b.markets)
end
function read.fee(b, a) return { { symbol=a.symbol, maker=b.maker_fee, taker=b.taker_fee } } end

-- More is to come when a page is full.
local function cursor(name, b, data)
  if name == "fills" and #data >= 100 then return text(b.trades[#data].sequence) end
  if name == "all_orders" and #data >= 100 then return text(b.orders[#data].creation_timestamp) end
end

function response(name, status_code, body, args)
  if type(body) ~= "table" then return { error={ code=tostring(status_code), text="no answer of the venue's" } } end
  if body.error_code or body.error or status_code >= 400 then
    return { error={ code=text(body.error_code) or tostring(status_code), text=text(body.error) or "" } }
  end
  local data, fault = read[name](body, args)
  if fault then return { error=fault } end
  return { ok=true, data=data, next=cursor(name, body, data) }
end

-- ---- streams: the first frame of ours holds the secret; nothing answers it, and the first of theirs is the snapshot

function streams(kind, args, env, cred)
  local login = json.encode{ api_key_id=cred.key, api_key_secret=cred:secret_placeholder() }
  if kind == "private" then
    for _, t in ipairs(args.topics or {}) do
      if t == "positions" then return nil, "there are no positions" end
    end
    return { url=env.private_ws, login=login, login_acked=false, subscribe={} }
  end
  local out, seen = {}, {}
  for _, t in ipairs(args.topics or {}) do  -- a connection for each market brings its book and its trades
    if t.type ~= "book" and t.type ~= "trades" then return nil, "there is no public stream " .. tostring(t.type) end
    if not seen[t.symbol] then
      seen[t.symbol] = true
      out[#out + 1] = { url=env.public_ws .. "/" .. t.symbol, login=login, login_acked=false, subscribe={} }
    end
  end
  return out
end

-- An order of the user stream has no side and no volumes: a hint which one to ask about.
local function user(m)
  local out = {}
  local s, f, b = m.order_status_update, m.order_fill_update, m.balance_update
  if s then
    local state = open_states[s.status] and "open" or s.status == "COMPLETE" and "filled" or "?" .. tostring(s.status)
    if state == "filled" then  -- or cancelled: it does not say
      out[#out + 1] = { type="hint", id=text(s.order_id), client_id=text(s.client_order_id), symbol=s.market_id }
    else
      out[#out + 1] = { type="order", id=text(s.order_id), client_id=text(s.client_order_id), symbol=s.market_id, status=state }
    end
  end
  if f then
    out[#out + 1] = { type="fill", kind="trade", order_id=text(f.order_id), client_id=text(f.client_order_id), symbol=f.market_id,
      qty=f.base_delta, cost=f.counter_delta, total=f.base_fill,
      price=above(f.base_delta) and decimal.div(f.counter_delta, f.base_delta, 12) or nil,
      fee=above(f.base_fee_delta) or f.counter_fee_delta, time_ms=ms(m.timestamp) }
  end
  if b then
    out[#out + 1] = { type="balance", account_id=text(b.account_id), total=b.balance, free=b.available,
      used=decimal.sub(b.balance, b.available) }
  end
  return out
end

local function market(m)
  local seq = math.tointeger(tonumber(m.sequence))
  if m.asks or m.bids then
    return { { type="book", snapshot=true, seq=seq, bids=each(level, m.bids), asks=each(level, m.asks), time_ms=ms(m.timestamp) } }
  end
  local book = { type="book", snapshot=false, seq=seq, prev=seq - 1, bids={}, asks={}, remove={}, time_ms=ms(m.timestamp) }
  local out = { book }
  for _, t in ipairs(m.trade_updates or {}) do
    -- An order that was traded with is less by the base; the book knows which side it is on.
    book.bids[#book.bids + 1] = { id=t.maker_order_id or t.order_id, less=t.base }
    if above(t.base) then
      out[#out + 1] = { type="trade", id=text(t.sequence), price=decimal.div(t.counter, t.base, 12), qty=t.base, time_ms=ms(m.timestamp) }
    end
  end
  local made, gone = m.create_update, m.delete_update
  if made then
    local side = made.type == "BID" and book.bids or book.asks
    side[#side + 1] = { price=made.price, qty=made.volume, id=made.order_id }
  end
  if gone then book.remove[1] = gone.order_id end
  return out
end

function frame(kind, m)
  if type(m) ~= "table" then
    return m == "" and {} or { { type="error", text="a frame that is no JSON" } }
  end
  if m.error or m.error_code then return { { type="error", code=text(m.error_code), text=text(m.error) } } end
  if kind == "private" then return user(m) end
  if m.sequence then return market(m) end
  return {}
end

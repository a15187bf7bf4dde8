-- Acorn, a venue that does not exist: the smallest dialect with everything in it. Read beside lua/venues/README.md.
--
--   perigee dialect examples/venue/acorn.lua --vectors examples/venue/acorn.vectors.json

dialect{
  name="acorn", api=1, about="a fictitious spot venue",
  environments={
    live={ rest="https://api.acorn.example", private_ws="wss://stream.acorn.example/user",
      public_ws={ spot="wss://stream.acorn.example/market" } },
    testnet={ rest="https://test.acorn.example", private_ws="wss://test.acorn.example/user",
      public_ws={ spot="wss://test.acorn.example/market" } },
  },
  categories={ "spot" },
  credentials={ "key", "secret" },
  expiry_ms=3000, ping_ms=15000, client_id_max=32, clock="op",
  capabilities={ amend=true, stops=false, post_only=true, fill_ids=true },
  lookups={ "id", "open", "fills" },
  ops={ "create_order", "amend_order", "cancel_order", "fetch_order", "open_orders", "fills", "balance", "ticker", "klines", "instruments",
    "server_time" },
  budgets={
    { name="all", per_ms=1000, count=100, by="ip" },
    { name="order", per_ms=1000, count=10, by="key" },
  },
  errors={
    BadKey={ why="credentials", action="fatal" },
    Late={ why="clock", action="retry" },
    Busy={ why="throttled", action="throttle" },
    NoFunds={ why="funds", action="fatal" },
    TooSmall={ why="quantity", action="fatal" },
    SameId={ why="duplicate", action="unknown", cancel_order="fatal" },
    NoOrder={ why="not_found", action="not_found", create_order="fatal" },
    Ended={ why="done", action="done", create_order="fatal" },
    Oops={ why="other", action="unknown" },
  },
}

-- ---- what we ask

local op = {}

function op.create_order(a)
  if a.trigger then return nil, "Acorn has no stops" end
  return { method="POST", path="/v1/orders", auth=true, budget="order", body={ market=a.symbol, side=a.side, kind=a.kind, size=a.qty,
    price=a.limit, maker_only=a.post, life=a.tif, tag=a.client_id } }
end
function op.amend_order(a)
  return { method="PUT", path="/v1/orders/" .. url.encode(a.id), auth=true, budget="order", body={ size=a.qty, price=a.limit } }
end
function op.cancel_order(a)
  local query = not a.id and { {"tag", a.client_id} } or nil
  return { method="DELETE", path="/v1/orders/" .. url.encode(a.id or "by-tag"), query=query, auth=true, budget="order" }
end
function op.fetch_order(a)
  return { method="GET", path="/v1/orders", query={ {"id", a.id}, {"tag", not a.id and a.client_id} }, auth=true, safe=true }
end
function op.open_orders(a)
  return { method="GET", path="/v1/orders", query={ {"market", a.symbol}, {"open", "true"}, {"page", a.cursor} }, auth=true, safe=true }
end
function op.fills(a)
  return { method="GET", path="/v1/fills", query={ {"market", a.symbol}, {"from", a.since_ms}, {"page", a.cursor} }, auth=true, safe=true }
end
function op.balance() return { method="GET", path="/v1/wallet", auth=true, safe=true } end
function op.ticker(a) return { method="GET", path="/v1/ticker", query={ {"market", a.symbol} }, auth=false, safe=true } end
local frames = { ["1m"]="min", ["1h"]="hour", ["1d"]="day" }
function op.klines(a)
  if not frames[a.timeframe] then return nil, "there is no timeframe " .. a.timeframe end
  return { method="GET", path="/v1/candles", query={ {"market", a.symbol}, {"each", frames[a.timeframe]}, {"from", a.since_ms}, {"to", a.until_ms} }, safe=true }
end
function op.instruments() return { method="GET", path="/v1/markets", auth=false, safe=true } end
function op.server_time() return { method="GET", path="/v1/time", auth=false, safe=true } end

function request(name, args, env) return op[name](args, env) end

-- The text is what will be sent, byte by byte: query and body are texts by now.
function sign(r, cred, env)
  local text = env.now_ms .. r.method .. r.path .. (r.query ~= "" and "?" .. r.query or "") .. r.body
  return { headers={ ["Acorn-Key"]=cred.key, ["Acorn-Time"]=tostring(env.now_ms), ["Acorn-Sign"]=cred:hmac_sha256_base64(text) } }
end

-- ---- what we are told

local states = { working="open", done="filled", cancelled="canceled", refused="rejected" }
local function word(map, v) return map[v] or "?" .. tostring(v) end  -- an unknown word is refused, never guessed

local function order(o)
  return { id=o.id, client_id=o.tag, symbol=o.market, side=o.side, kind=o.kind, status=word(states, o.state), qty=o.size, filled=o.filled,
    limit=o.price, avg=o.average, created_ms=o.at }
end
local function fill(f)
  return { id=f.id, order_id=f.order, client_id=f.tag, symbol=f.market, side=f.side, price=f.price, qty=f.size, fee=f.fee, fee_asset=f.coin,
    maker=f.maker, kind="trade", time_ms=f.at }
end
local function balance(b) return { asset=b.coin, total=b.total, free=decimal.sub(b.total, b.held), used=b.held } end
local function ticker(t) return { symbol=t.market, last=t.last, bid=t.bid, ask=t.ask } end

local function each(make, rows)
  local out = {}
  for i, row in ipairs(rows) do out[i] = make(row) end
  return out
end

local read = {}
function read.create_order(b) return { id=b.id, client_id=b.tag } end
read.amend_order, read.cancel_order = read.create_order, read.create_order
function read.fetch_order(b) return each(order, b.orders) end
read.open_orders = read.fetch_order
function read.fills(b) return each(fill, b.fills) end
function read.balance(b) return each(balance, b.wallet) end
read.ticker = ticker
function read.klines(b)  -- oldest first; the newest is still being made
  return each(function(k) return { open_ms=k.at, open=k.open, high=k.high, low=k.low, close=k.close, volume=k.volume } end, b.candles)
end
function read.instruments(b)
  return each(function(m)
    return { symbol=m.market, base=m.base, quote=m.quote, kind="spot", trading=m.open, tick=m.tick, lot=m.step, qty_min=m.least }
  end, b.markets)
end
function read.server_time(b) return { time_ms=b.now } end

function response(name, status, body, args)
  if type(body) ~= "table" then return { error={ code=tostring(status), text="no JSON" } } end
  if body.fault then return { error={ code=body.fault, text=body.words } } end
  return { ok=true, data=read[name](body, args), next=body.next }
end

-- ---- streams

function streams(kind, args, env, cred)
  if kind == "private" then
    return { url=env.private_ws, login_acked=true, ping="ping",
      login=json.encode{ login=cred.key, at=env.now_ms, proof=cred:hmac_sha256_hex("login" .. env.now_ms) },
      subscribe={ json.encode{ follow=args.topics or { "orders", "fills" } } } }
  end
  local names = {}
  for _, t in ipairs(args.topics) do
    if t.type ~= "ticker" then return nil, "Acorn streams tickers only" end
    names[#names + 1] = "ticker." .. t.symbol
  end
  return { url=env.public_ws, login_acked=false, ping="ping", subscribe={ json.encode{ follow=names } } }
end

function frame(_, m)
  if m == "pong" then return { { type="pong" } } end
  if type(m) ~= "table" then return { { type="error", text="no JSON" } } end
  if m.login ~= nil then return { { type="login", ok=m.login } } end
  if m.followed then return { { type="subscribed", ok=true } } end
  local out = {}
  if m.order then out[1] = order(m.order) out[1].type = "order" end
  if m.fill then out[#out + 1] = fill(m.fill) out[#out].type = "fill" end
  if m.ticker then out[#out + 1] = ticker(m.ticker) out[#out].type = "ticker" end
  return out
end

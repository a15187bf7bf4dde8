-- Submarine: trend following over several markets, quiet, deep, with strict risk.
--
-- Idea      Each market is bought when it closes above its `enter`-bar channel and left when it closes below its `leave`-bar
--           channel or its trailing stop of `stop` ATRs is hit. Positions are sized by the stop, so each market risks the same.
--           Decisions are made on bars of `bars`; finer data only makes the fills more exact.
-- Works     when something, somewhere, trends for long.
-- Fails     in choppy months: many small losses, which is the price; and on fast bars, where fees eat the trend.
-- Risk      per market `risk` percent of equity at the stop and at most `cap` percent of equity in notional; over all markets
--           `heat` percent at the open stops, and no more than the free funds; no pyramiding, long only. Below the equity peak
--           by `brake` percent new entries risk half until it has recovered. The stop is an order of its own (a child of the
--           entry) that is moved up, so it works between bars.
-- Markets   main and up to four more; their files are given with --data. An empty name: that place is not used.
strategy{ name="Submarine", api=1,
  about="Multi-asset channel breakout with equal risk, a cap on total heat, trailing stops and a drawdown brake.",
  params={
    second = symbol{"ETHUSDT", label="Second market", group="Markets"},
    third  = symbol{"ADAUSDT", label="Third market", group="Markets"},
    fourth = symbol{"", label="Fourth market", group="Markets"},
    fifth  = symbol{"", label="Fifth market", group="Markets"},
    bars   = tf{"1h", label="Bars", group="Markets"},
    enter  = int{55, min=5, max=400, label="Entry channel", group="Signal", opt=true},
    leave  = int{20, min=2, max=400, label="Exit channel", group="Signal", opt=true},
    stop   = num{5, min=0.5, max=20, label="Stop in ATRs", group="Exit", opt=true},
    risk   = pct{0.5, min=0.05, max=5, label="Risk per market", group="Size"},
    cap    = pct{30, min=1, max=100, label="Largest share of equity per market", group="Size"},
    heat   = pct{1.5, min=0.05, max=20, label="Risk over all markets", group="Size"},
    brake  = pct{10, min=1, max=90, label="Drawdown that halves entries", group="Size"} },
  check=function(p)
    local seen = {}
    for _, symbol in ipairs{p.second, p.third, p.fourth, p.fifth} do
      if symbol ~= "" and seen[symbol] then return false, symbol .. " is named twice" end
      seen[symbol] = true
    end
    if p.leave >= p.enter then return false, "leave must be below enter" end
    return p.risk <= p.heat, "risk must not be above heat"
  end,
  warmup=1,  -- the channel of the bar before
  data={ main={tf="bars"}, b={symbol="second", tf="bars"}, c={symbol="third", tf="bars"},
         d={symbol="fourth", tf="bars"}, e={symbol="fifth", tf="bars"} },
  ind={ in_main={"donchian","enter"},      out_main={"donchian","leave"},      atr_main={"atr",20},
        in_b={"donchian","enter",on="b"},  out_b={"donchian","leave",on="b"},  atr_b={"atr",20,on="b"},
        in_c={"donchian","enter",on="c"},  out_c={"donchian","leave",on="c"},  atr_c={"atr",20,on="c"},
        in_d={"donchian","enter",on="d"},  out_d={"donchian","leave",on="d"},  atr_d={"atr",20,on="d"},
        in_e={"donchian","enter",on="e"},  out_e={"donchian","leave",on="e"},  atr_e={"atr",20,on="e"} } }

-- Percent of equity lost if every open stop is hit now.
local function open_heat(ctx)
  local lost = 0
  for _, m in pairs(ctx.state.markets) do
    local pos = ctx:position(m.symbol)
    if not pos.flat then
      local sym = ctx:symbol(m.symbol)
      lost = lost + math.max(0, (sym.last - m.sl)*pos.qty*sym.multiplier)
    end
  end
  return 100*lost/ctx.acct.equity
end

local function raise_stop(ctx, m, sl)
  if sl <= m.sl then return end
  m.sl = sl
  for _, o in ipairs(ctx:orders("sl")) do
    if o.symbol == m.symbol then ctx:modify(o, {trigger=sl}) end
  end
end

local function hold(ctx, name, m, bar, channel, atr)
  if bar.close < channel.lower[1] then
    if not ctx:pending(name .. " out") then ctx:close{symbol=m.symbol, tag=name .. " out"} end
  else
    raise_stop(ctx, m, bar.close - ctx.p.stop*atr)
  end
end

local function enter(ctx, name, m, bar, atr)
  local s, p, equity = ctx.state, ctx.p, ctx.acct.equity
  local risk = equity < (1 - p.brake/100)*s.peak and p.risk/2 or p.risk
  local distance = p.stop*atr
  if distance <= 0 or distance >= bar.close or open_heat(ctx) + risk > p.heat then return end
  -- the smallest of "lose `risk` at the stop", `cap`, and what is free (less a little for the fee)
  local share = math.min(risk*bar.close/distance, p.cap, 99*ctx.acct.free/equity)
  if share < 1 then return end
  if ctx:buy{symbol=m.symbol, pct=share, sl=bar.close - distance, tag=name} then m.sl = bar.close - distance end
end

local function trade(ctx, name, bar)
  local m = ctx.state.markets[name]
  if not m then return end
  local atr = ctx.ind["atr_" .. name][0]
  if not ctx:position(m.symbol).flat then
    hold(ctx, name, m, bar, ctx.ind["out_" .. name], atr)
  elseif bar.close > ctx.ind["in_" .. name].upper[1] and not ctx:pending(name) then
    enter(ctx, name, m, bar, atr)
  end
end

function on_init(ctx)
  local s, p = ctx.state, ctx.p
  s.peak = s.peak or ctx.acct.equity
  if s.markets then return end
  s.markets = { main={symbol=ctx.sym.name, sl=0} }
  for name, symbol in pairs{b=p.second, c=p.third, d=p.fourth, e=p.fifth} do
    if symbol ~= "" and symbol ~= ctx.sym.name then s.markets[name] = {symbol=symbol, sl=0} end
  end
end

function on_data(ctx, stream, bar)
  trade(ctx, stream, bar)
end

function on_bar(ctx, bar)
  local s = ctx.state
  s.peak = math.max(s.peak, ctx.acct.equity)
  trade(ctx, "main", bar)
  ctx:plot("heat", open_heat(ctx))
end

-- Submarine: trend following over several markets, quiet, deep, with strict risk.
--
-- Idea      Each market is bought when it closes above its `enter`-bar channel and left when it closes below its `leave`-bar
--           channel or its trailing stop of `stop` ATRs is hit. Positions are sized by the stop, so each market risks the same.
-- Works     when something, somewhere, trends for long. Fails in choppy months: many small losses, which is the price.
-- Risk      `risk` percent of equity per market, at most `heat` percent over all open stops together, no pyramiding, long only;
--           after a loss from the equity peak of `brake` percent new entries are half the size until it has recovered.
-- Markets   main and up to two more by the parameters `second` and `third`; their files are given with --data.
strategy{ name="Submarine", api=1,
  about="Multi-asset channel breakout with equal risk, a cap on total heat, trailing exits and a drawdown brake.",
  params={
    second = symbol{"ETHUSDT", label="Second market", group="Markets"},
    third  = symbol{"ADAUSDT", label="Third market", group="Markets"},
    enter  = int{55, min=5, max=400, label="Entry channel", group="Signal", opt=true},
    leave  = int{20, min=2, max=400, label="Exit channel", group="Signal", opt=true},
    stop   = num{3, min=0.5, max=20, label="Stop in ATRs", group="Exit", opt=true},
    risk   = pct{0.5, min=0.05, max=5, label="Risk per market", group="Size"},
    heat   = pct{1.5, min=0.05, max=20, label="Risk over all markets", group="Size"},
    brake  = pct{10, min=1, max=90, label="Drawdown that halves entries", group="Size"} },
  check=function(p) return p.leave < p.enter and p.second ~= p.third, "leave must be below enter, and the markets must differ" end,
  warmup=1,  -- the channel of the bar before
  data={ b={symbol="second"}, c={symbol="third"} },
  ind={ in_main={"donchian","enter"},  out_main={"donchian","leave"},  atr_main={"atr",20},
        in_b={"donchian","enter",on="b"}, out_b={"donchian","leave",on="b"}, atr_b={"atr",20,on="b"},
        in_c={"donchian","enter",on="c"}, out_c={"donchian","leave",on="c"}, atr_c={"atr",20,on="c"} } }

-- Percent of equity lost if every open stop is hit now.
local function open_heat(ctx)
  local lost = 0
  for _, m in pairs(ctx.state.markets) do
    local pos = ctx:position(m.symbol)
    if not pos.flat and m.sl then
      local last = ctx:symbol(m.symbol).last
      lost = lost + math.max(0, (last - m.sl)*pos.qty)
    end
  end
  return 100*lost/ctx.acct.equity
end

local function trade(ctx, name, bar)
  local s, p = ctx.state, ctx.p
  local m = s.markets[name]
  local channel_in, channel_out, atr = ctx.ind["in_" .. name], ctx.ind["out_" .. name], ctx.ind["atr_" .. name][0]
  local pos = ctx:position(m.symbol)
  if not pos.flat then
    m.sl = math.max(m.sl or 0, bar.close - p.stop*atr)
    if (bar.close < channel_out.lower[1] or bar.close < m.sl) and not ctx:pending(name .. " out") then
      ctx:close{symbol=m.symbol, tag=name .. " out"}
    end
    return
  end
  if bar.close <= channel_in.upper[1] or ctx:pending(name) then return end
  local size = ctx.acct.equity < (1 - p.brake/100)*s.peak and p.risk/2 or p.risk
  if open_heat(ctx) + size > p.heat then return end
  local sl = bar.close - p.stop*atr
  if sl <= 0 then return end
  local order = ctx:buy{symbol=m.symbol, risk=size, sl=sl, tag=name}
  if order then m.sl = sl end
end

function on_init(ctx)
  local s = ctx.state
  s.peak = s.peak or ctx.acct.equity
  s.markets = s.markets or { main={symbol=ctx.sym.name}, b={symbol=ctx.p.second}, c={symbol=ctx.p.third} }
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

-- Ferrari scalper: fast mean reversion inside the session of a European index, flat when it ends.
--
-- Idea      During the session the price of an index future swings around the day's volume-weighted average. A stretch of more
--           than `stretch` standard deviations that stops stretching is faded back towards the average.
-- Works     on days without news; fails on trend days: hence a tight stop, few trades, and an end of the day.
-- Session   from `open` to `close` on the clock of `zone`; from `close` on everything is closed and nothing is opened. The times
--           are timers on the engine's clock, so daylight saving is the zone's business.
-- Risk      `risk` percent of equity per trade, at most `per_day` trades a day, `halt` losses in a row end the day.
strategy{ name="Ferrari scalper", api=1,
  about="Fades stretches from the session average of a European index; strict session, stops and trade limits.",
  params={
    zone    = enum{"Europe/Berlin", "Europe/London", "Europe/Paris", "UTC", label="Clock", group="Session"},
    open    = time{"09:15", label="First entry", group="Session"},
    close   = time{"17:15", label="Everything is closed", group="Session"},
    length  = int{30, min=5, max=400, label="Bars of the deviation", group="Signal", opt=true},
    stretch = num{2, min=0.5, max=6, label="Stretch in deviations", group="Signal", opt=true},
    stop    = num{2.5, min=0.2, max=20, label="Stop in ATRs", group="Exit", opt=true},
    reward  = num{1.2, min=0.2, max=10, label="Target in multiples of the risk", group="Exit", opt=true},
    max_bars= int{30, min=1, max=1000, label="Longest stay in bars", group="Exit"},
    risk    = pct{0.5, min=0.05, max=5, label="Risk per trade", group="Size"},
    per_day = int{8, min=1, max=100, label="Trades a day", group="Size"},
    halt    = int{3, min=1, max=50, label="Losses in a row that end the day", group="Size"} },
  check=function(p) return p.open < p.close, "open must be before close" end,
  ind={ z={"zscore","length"}, atr={"atr",14}, vwap={"vwap"} } }

function on_init(ctx)
  ctx:timer{at=ctx.p.open, tz=ctx.p.zone, name="open"}
  ctx:timer{at=ctx.p.close, tz=ctx.p.zone, name="close"}
  ctx.state.live = ctx.state.live or false  -- a run that starts inside a session waits for the next
end

function on_timer(ctx, name)
  local s = ctx.state
  if name == "open" then
    s.live, s.trades, s.losses = true, 0, 0
  else
    s.live = false
    ctx:cancel_all()
    if not ctx.pos.flat then ctx:close{tag="session end"} end
  end
end

function on_bar(ctx, bar)
  local s, p, z = ctx.state, ctx.p, ctx.ind.z
  ctx:plot("vwap", ctx.ind.vwap[0])
  if not s.live then
    if not ctx.pos.flat and not ctx:pending("session end") then ctx:close{tag="session end"} end
    return
  end
  if not ctx.pos.flat then
    if ctx.pos.bars >= p.max_bars and not ctx:pending("too long") then ctx:close{tag="too long"} end
    return
  end
  if ctx:pending() or s.trades >= p.per_day or s.losses >= p.halt or not z[1] then return end
  local dir = 0
  if z[1] < -p.stretch and z[0] > z[1] and bar.close < ctx.ind.vwap[0] then dir = 1
  elseif z[1] > p.stretch and z[0] < z[1] and bar.close > ctx.ind.vwap[0] then dir = -1 end
  if dir == 0 then return end
  local sl = bar.close - dir*p.stop*ctx.ind.atr[0]
  if ctx:enter(dir, {risk=p.risk, sl=sl, tp_r=p.reward, tag=dir > 0 and "long" or "short"}) then s.trades = s.trades + 1 end
end

function on_position(ctx, e)
  if e.kind ~= "close" then return end
  local s = ctx.state
  if e.pnl < 0 then s.losses = (s.losses or 0) + 1 else s.losses = 0 end
end

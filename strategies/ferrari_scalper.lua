-- Ferrari scalper: fast mean reversion inside the session of a European index, flat when it ends.
--
-- Idea      During the session the price of an index future swings around the day's volume-weighted average. A stretch of more
--           than `stretch` standard deviations that stops stretching is faded back towards the average.
-- Works     on days without news, where costs are small against a swing of some minutes.
-- Fails     on trend days, and when a tick and the fee are a large part of the stop: a scalper pays them on every trade.
-- Session   On the clock of `zone`: entries from `open` to `last`, everything closed at `close`. The times are timers on the
--           engine's clock, so daylight saving is the zone's business. What they leave in the state is an end, not a switch:
--           a timer that was missed over a restart leaves no session open.
-- Risk      `risk` percent of equity per trade, at most `per_day` trades a day, `halt` losses in a row end the day.
strategy{ name="Ferrari scalper", api=1,
  about="Fades stretches from the session average of a European index; strict session, stops and trade limits.",
  params={
    zone    = enum{"Europe/Berlin", "Europe/London", "Europe/Paris", "UTC", label="Clock", group="Session"},
    open    = time{"09:15", label="First entry", group="Session"},
    last    = time{"16:45", label="Last entry", group="Session"},
    close   = time{"17:15", label="Everything is closed", group="Session"},
    length  = int{60, min=5, max=400, label="Bars of the deviation", group="Signal", opt=true},
    stretch = num{2.5, min=0.5, max=6, label="Stretch in deviations", group="Signal", opt=true},
    stop    = num{5, min=0.2, max=20, label="Stop in ATRs", group="Exit", opt=true},
    reward  = num{1.2, min=0.2, max=10, label="Target in multiples of the risk", group="Exit", opt=true},
    max_bars= int{30, min=1, max=1000, label="Longest stay in bars", group="Exit"},
    risk    = pct{0.5, min=0.05, max=5, label="Risk per trade", group="Size"},
    per_day = int{8, min=1, max=100, label="Trades a day", group="Size"},
    halt    = int{3, min=1, max=50, label="Losses in a row that end the day", group="Size"} },
  check=function(p) return p.open < p.last and p.last <= p.close, "open, last and close must follow each other" end,
  ind={ z={"zscore","length"}, atr={"atr",14}, vwap={"vwap"} } }

local function minutes(clock)  -- "09:15"
  return 60*tonumber(clock:sub(1, 2)) + tonumber(clock:sub(4, 5))
end

function on_init(ctx)
  local s, p = ctx.state, ctx.p
  s.last, s.close, s.trades, s.losses = s.last or 0, s.close or 0, s.trades or 0, s.losses or 0
  ctx:timer{at=p.open, tz=p.zone, name="open"}
  ctx:timer{at=p.close, tz=p.zone, name="close"}
end

local function close_all(ctx, why)
  if ctx.pos.flat or ctx:pending(why) then return end
  ctx:close{tag=why}
end

function on_timer(ctx, name)
  local s, p = ctx.state, ctx.p
  if name == "close" then return close_all(ctx, "session end") end
  local open = minutes(p.open)
  s.last = ctx.now + (minutes(p.last) - open)*60000
  s.close = ctx.now + (minutes(p.close) - open)*60000
  s.trades, s.losses = 0, 0
end

function on_bar(ctx, bar)
  local s, p, z, vwap = ctx.state, ctx.p, ctx.ind.z, ctx.ind.vwap[0]
  ctx:plot("vwap", vwap)
  if not ctx.pos.flat then
    if ctx.now >= s.close then close_all(ctx, "session end")
    elseif ctx.pos.bars >= p.max_bars then close_all(ctx, "too long") end
    return
  end
  if ctx.now >= s.last or ctx:pending() or s.trades >= p.per_day or s.losses >= p.halt or not z[1] then return end
  local dir = 0
  if z[1] < -p.stretch and z[0] > z[1] and bar.close < vwap then dir = 1
  elseif z[1] > p.stretch and z[0] < z[1] and bar.close > vwap then dir = -1 end
  if dir == 0 then return end
  local sl = bar.close - dir*p.stop*ctx.ind.atr[0]
  s.before = ctx.acct.equity
  s.trades = s.trades + 1  -- a refused one counts too: what lacks funds now lacks them at the next bar
  local order, err = ctx:enter(dir, {risk=p.risk, sl=sl, tp_r=p.reward, tag=dir > 0 and "long" or "short"})
  if not order then ctx:log("warn", err.code, err.msg) end
end

function on_position(ctx, e)
  if e.kind ~= "close" then return end
  local s = ctx.state
  if ctx.acct.equity < s.before then s.losses = s.losses + 1 else s.losses = 0 end  -- after fees, which e.pnl leaves out
end

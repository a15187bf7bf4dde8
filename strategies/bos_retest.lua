-- BOS + retest: a break of structure on five minutes, confirmed by a break and a retest on one minute.
--
-- Idea      Structure is the last swing high and low (a pivot with `swing` bars on each side). Four phases must follow each
--           other, each within `patience` one-minute bars of the one before:
--             1  M5 break of structure: a five-minute bar closes beyond the last M5 swing,
--             2  M1 break: a one-minute bar closes beyond the last M1 swing in the same direction,
--             3  M1 retest: the price comes back to the broken M1 level (within `touch` ATRs) and closes on the right side,
--             4  filter: ATR and volume at least `lively` times their averages, so that there is something to trade.
--           Entry at market, stop `stop` ATRs beyond the retest, target at `reward` times the risk, out after `stay` bars.
-- Works     when breaks run.
-- Fails     in ranges, where breaks are sold back; and when fees are large against a one-minute swing: the stop is near, so
--           the size that risks `risk` percent is large, and fees are paid on the size.
-- Risk      `risk` percent of equity per trade (less where funds limit the size), no trade whose stop is further than `widest`
--           percent, at most `per_day` trades a UTC day. A pivot is known `swing` bars after it happened, not before.
strategy{ name="BOS retest", api=1,
  about="M5 break of structure, M1 break and retest, volatility and volume filter; risk-sized with a fixed reward.",
  params={
    swing    = int{5, min=1, max=20, label="Bars on each side of a swing", group="Structure", opt=true},
    patience = int{45, min=2, max=1000, label="Bars a phase may take", group="Structure", opt=true},
    touch    = num{0.5, min=0, max=5, label="Retest distance in ATRs", group="Structure", opt=true},
    lively   = num{1, min=0, max=5, label="ATR and volume at least times average", group="Filter", opt=true},
    stop     = num{2, min=0.1, max=10, label="Stop beyond the retest in ATRs", group="Exit", opt=true},
    reward   = num{2, min=0.5, max=10, label="Target in multiples of the risk", group="Exit", opt=true},
    stay     = int{240, min=1, max=10000, label="Longest stay in bars", group="Exit", opt=true},
    risk     = pct{0.5, min=0.05, max=5, label="Risk per trade", group="Size"},
    widest   = pct{2, min=0.05, max=20, label="Widest stop", group="Size"},
    per_day  = int{6, min=1, max=100, label="Trades a day", group="Size"} },
  data={ main={tf="1m"}, m5={tf="5m"} },
  ind={ hi5={"pivot_high","swing","swing", on="m5"}, lo5={"pivot_low","swing","swing", on="m5"},
        hi1={"pivot_high","swing","swing"}, lo1={"pivot_low","swing","swing"},
        atr={"atr",14}, usual={"atr",100}, volume={"sma",50, source="volume"} } }

-- state: phase 0 … 2 reached, dir, level (the broken M1 swing), far (the furthest that the price came back), age of the phase
local function forget(s)
  s.phase, s.dir, s.level, s.far, s.age = 0, 0, nil, nil, 0
end

function on_init(ctx)
  if not ctx.state.phase then forget(ctx.state) end
end

-- Phase 1 on the higher timeframe. A break the other way starts over.
function on_data(ctx, _, bar)
  local s = ctx.state
  s.high5, s.low5 = ctx.ind.hi5[0] or s.high5, ctx.ind.lo5[0] or s.low5
  local dir = s.high5 and bar.close > s.high5 and 1 or s.low5 and bar.close < s.low5 and -1 or 0
  if dir == 0 then return end
  if dir > 0 then s.high5 = nil else s.low5 = nil end  -- a level breaks once
  if s.phase > 0 and dir == s.dir then return end
  forget(s)
  s.phase, s.dir = 1, dir
end

local function enter(ctx, bar)
  local s, p = ctx.state, ctx.p
  local sl = s.far - s.dir*p.stop*ctx.ind.atr[0]
  local distance = 100*math.abs(bar.close - sl)/bar.close
  if sl <= 0 or distance > p.widest then return end
  local order, err = ctx:enter(s.dir, {risk=p.risk, sl=sl, tp_r=p.reward, tag=s.dir > 0 and "long" or "short"})
  if order then
    s.today = (s.today or 0) + 1
    ctx:plot("level", s.level)
  else
    ctx:log("warn", err.code, err.msg)
  end
end

local function lively(ctx, bar)  -- phase 4
  local i, p = ctx.ind, ctx.p
  return i.atr[0] >= p.lively*i.usual[0] and bar.volume >= p.lively*i.volume[0]
end

function on_bar(ctx, bar)
  local s, p = ctx.state, ctx.p
  s.high1, s.low1 = ctx.ind.hi1[0] or s.high1, ctx.ind.lo1[0] or s.low1
  if not ctx.pos.flat and ctx.pos.bars >= p.stay and not ctx:pending("too long") then ctx:close{tag="too long"} end
  if s.phase == 0 then return end
  s.age = s.age + 1
  if s.age > p.patience then return forget(s) end
  if s.phase == 1 then
    local level
    if s.dir > 0 then level = s.high1 else level = s.low1 end
    if level and (bar.close - level)*s.dir > 0 then s.phase, s.level, s.age = 2, level, 0 end
    return
  end
  local back = s.dir > 0 and bar.low or bar.high
  if not s.far or (back - s.far)*s.dir < 0 then s.far = back end
  local above, atr = (bar.close - s.level)*s.dir, ctx.ind.atr[0]
  if above < -2*atr then                                       -- fell through: no retest, a failure
    forget(s)
  elseif above > 0 and (back - s.level)*s.dir <= p.touch*atr then
    if lively(ctx, bar) and ctx.pos.flat and not ctx:pending() and (s.today or 0) < p.per_day then enter(ctx, bar) end
    forget(s)
  end
end

function on_day(ctx)
  ctx.state.today = 0
end

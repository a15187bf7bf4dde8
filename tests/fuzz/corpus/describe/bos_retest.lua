-- BOS + retest: a break of structure on five minutes, confirmed by a break and a retest on one minute.
--
-- Idea      Structure is the last swing high and low (a pivot with `swing` bars on each side). Four phases must follow each
--           other, each within `patience` one-minute bars of the one before:
--             1  M5 break of structure: a five-minute bar closes beyond the last M5 swing,
--             2  M1 break: a one-minute bar closes beyond the last M1 swing in the same direction,
--             3  M1 retest: the price comes back to the broken M1 level (within `touch` ATRs) and closes on the right side,
--             4  filter: ATR and volume above `lively` times their averages, so that there is something to trade.
--           Entry at market, stop beyond the retest's swing, target at `reward` times the risk.
-- Works     when breaks run; fails in ranges, where breaks are sold back: the stop is near, and a day has a trade limit.
-- Risk      `risk` percent of equity per trade, at most `per_day` trades a UTC day.
strategy{ name="BOS retest", api=1,
  about="M5 break of structure, M1 break and retest, volatility and volume filter; risk-sized with a fixed reward.",
  params={
    swing    = int{3, min=1, max=20, label="Bars on each side of a swing", group="Structure", opt=true},
    patience = int{45, min=2, max=1000, label="Bars a phase may take", group="Structure", opt=true},
    touch    = num{0.5, min=0, max=5, label="Retest distance in ATRs", group="Structure", opt=true},
    lively   = num{0.9, min=0, max=5, label="ATR and volume at least times average", group="Filter", opt=true},
    stop     = num{1.0, min=0.1, max=10, label="Stop beyond the swing in ATRs", group="Exit", opt=true},
    reward   = num{2, min=0.5, max=10, label="Target in multiples of the risk", group="Exit", opt=true},
    risk     = pct{0.5, min=0.05, max=5, label="Risk per trade", group="Size"},
    per_day  = int{6, min=1, max=100, label="Trades a day", group="Size"} },
  data={ main={tf="1m"}, m5={tf="5m"} },
  ind={ hi5={"pivot_high","swing","swing", on="m5"}, lo5={"pivot_low","swing","swing", on="m5"},
        hi1={"pivot_high","swing","swing"}, lo1={"pivot_low","swing","swing"},
        atr={"atr",14}, slow_atr={"atr",100}, volume={"sma",50, source="volume"} } }

local function forget(s)
  s.phase, s.dir, s.level, s.age = 0, 0, nil, 0
end

function on_init(ctx)
  if not ctx.state.phase then forget(ctx.state) end
end

-- Phase 1 on the higher timeframe. A break the other way starts over.
function on_data(ctx, _, bar)
  local s = ctx.state
  s.high5, s.low5 = ctx.ind.hi5[0] or s.high5, ctx.ind.lo5[0] or s.low5
  local dir = s.high5 and bar.close > s.high5 and 1 or s.low5 and bar.close < s.low5 and -1 or 0
  if dir == 0 or (s.phase > 0 and dir == s.dir) then return end
  s.phase, s.dir, s.age, s.level = 1, dir, 0, nil
  if dir > 0 then s.high5 = nil else s.low5 = nil end  -- a level breaks once
end

local function enter(ctx, bar)
  local s, p, atr = ctx.state, ctx.p, ctx.ind.atr[0]
  local bars = ctx:bars()
  local sl
  if s.dir > 0 then sl = lowest(bars.low, 5) - p.stop*atr else sl = highest(bars.high, 5) + p.stop*atr end
  if sl <= 0 then return end
  local order, err = ctx:enter(s.dir, {risk=p.risk, sl=sl, tp_r=p.reward, tag=s.dir > 0 and "long" or "short"})
  if order then
    s.today = (s.today or 0) + 1
    ctx:mark(s.dir > 0 and "BOS long" or "BOS short")
  else
    ctx:log("warn", err.code, err.msg)
  end
end

function on_bar(ctx, bar)
  local s, p = ctx.state, ctx.p
  s.high1, s.low1 = ctx.ind.hi1[0] or s.high1, ctx.ind.lo1[0] or s.low1
  if s.phase == 0 then return end
  s.age = s.age + 1
  if s.age > p.patience then return forget(s) end
  local level = s.dir > 0 and s.high1 or s.dir < 0 and s.low1 or nil
  if s.phase == 1 and level and (bar.close - level)*s.dir > 0 then        -- 2: M1 break
    s.phase, s.level, s.age = 2, level, 0
  elseif s.phase == 2 then                                                -- 3: M1 retest
    local extreme = s.dir > 0 and bar.low or bar.high
    if (extreme - s.level)*s.dir <= p.touch*ctx.ind.atr[0] and (bar.close - s.level)*s.dir > 0 then
      local lively = ctx.ind.atr[0] >= p.lively*ctx.ind.slow_atr[0] and bar.volume >= p.lively*ctx.ind.volume[0]  -- 4
      if lively and ctx.pos.flat and not ctx:pending() and (s.today or 0) < p.per_day then enter(ctx, bar) end
      forget(s)
    elseif (bar.close - s.level)*s.dir < -2*ctx.ind.atr[0] then            -- fell back: no retest, a failure
      forget(s)
    end
  end
end

function on_day(ctx)
  ctx.state.today = 0
end

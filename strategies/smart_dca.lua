-- Smart DCA: a dip is bought in steps only if the odds say that it recovers.
--
-- Idea      Three stages, as in a scoring pipeline:
--             1  tech filter     RSI low, MACD histogram rising, ADX not screaming,
--             2  recovery score  recovery_score(): 0 … 1 from how stretched, how volatile and how broken the trend is,
--             3  confirmation    both must hold, the score at `confirm` or above, for `bars` bars in a row.
--           Then a ladder: base order, safety orders, one take-profit; the worse the score when it began, the fewer orders.
-- Works     in markets that revert after a fall.
-- Fails     in the fall that does not end: the ladder is left when the score sinks below `give_up` while it loses, at the
--           stop at the latest; then `rest` bars pass.
-- Score     a pure function of numbers that are logged with it: what it said can be recomputed. Volatility and trend are
--           measured in ATRs, so that the same weights serve one minute and one day.
-- Exposure  risk.max_notional: what base and safety orders can buy, with room for the base order, which fills at the market.
local function clip(x)
  return math.max(0, math.min(1, x))
end

-- rsi: RSI(14); z: standard deviations from the mean of 50; volatility: ATR(14)/ATR(100); adx: ADX(14); gap: ATR(100)s above
-- the mean of 200, negative below
local function recovery_score(rsi, z, volatility, adx, gap)
  local stretched = clip((45 - rsi)/30)           -- 0 at RSI 45, 1 at 15
  local deep      = clip(-z/3)                    -- 0 at the mean, 1 three deviations below
  local calm      = 1 - clip((volatility - 1)/2)  -- 1 when as usual, 0 at three times that
  local ranging   = 1 - clip((adx - 15)/35)       -- 1 at ADX 15, 0 at 50
  local intact    = 1 - clip(-gap/20)             -- 1 above the long mean, 0 when 20 ATRs below
  return 0.3*stretched + 0.2*deep + 0.15*calm + 0.15*ranging + 0.2*intact
end

local function ladder_cost(p)
  local total, order = p.base, p.base
  for _ = 1, p.orders do
    order = order*p.scale
    total = total + order
  end
  return total
end

strategy{ name="Smart DCA", api=1,
  about="Tech filter, recovery score, confirmation, then a bounded safety-order ladder.",
  params={
    rsi_max = num{38, min=5, max=60, label="RSI below", group="Filter", opt=true},
    adx_max = num{45, min=10, max=100, label="ADX below", group="Filter"},
    confirm = num{0.5, min=0, max=1, label="Score to begin", group="Score", opt=true},
    bars    = int{2, min=1, max=50, label="For so many bars", group="Score", opt=true},
    give_up = num{0.2, min=0, max=1, label="Leave when the score falls below", group="Score"},
    base    = money{200, min=1, max=1000000, label="Base order", group="Ladder"},
    orders  = int{4, min=0, max=20, label="Safety orders", group="Ladder", opt=true},
    step    = pct{1.2, min=0.05, max=4, label="Distance of each", group="Ladder", opt=true},
    scale   = num{1.5, min=1, max=3, label="Each further order times", group="Ladder"},
    take    = pct{1.5, min=0.05, max=50, label="Take-profit above average", group="Exit", opt=true},
    stop    = pct{10, min=1, max=90, label="Stop below average", group="Exit"},
    rest    = int{60, min=0, max=10000, label="Bars to rest after a loss", group="Exit"} },
  check=function(p)
    if p.take >= p.stop then return false, "take must be below stop" end
    return p.give_up < p.confirm, "give_up must be below confirm"
  end,
  risk={ max_notional=function(p) return ladder_cost(p) + 0.05*p.base end },
  ind={ rsi={"rsi",14}, macd={"macd",12,26,9}, adx={"adx",14}, z={"zscore",50}, atr={"atr",14}, usual={"atr",100},
        trend={"sma",200} } }

local function measure(ctx, bar)
  local i = ctx.ind
  local usual = math.max(i.usual[0], ctx.sym.tick)  -- a market that stands still has no ATR to divide by
  local volatility, gap = i.atr[0]/usual, (bar.close - i.trend[0])/usual
  local score = recovery_score(i.rsi[0], i.z[0], volatility, i.adx.adx[0], gap)
  local why = string.format("score %.3f: rsi %.1f z %.2f volatility %.2f adx %.1f gap %.1f", score, i.rsi[0], i.z[0], volatility,
                            i.adx.adx[0], gap)
  return score, why
end

local function leave(ctx, tag)
  ctx:cancel_all()
  ctx:close{tag=tag}
end

local function hold(ctx, score, why)
  if ctx:pending("gave up") or ctx:pending("no exit") then return end
  if not ctx:pending("tp") then return leave(ctx, "no exit") end  -- a safety order that filled in the bar of the stop
  if score >= ctx.p.give_up or ctx.pos.upnl >= 0 then return end
  ctx:log("info", "giving up, " .. why)
  leave(ctx, "gave up")
end

function on_bar(ctx, bar)
  local i, p, s = ctx.ind, ctx.p, ctx.state
  local score, why = measure(ctx, bar)
  ctx:plot("score", score)
  if not ctx.pos.flat then return hold(ctx, score, why) end
  local filter = i.rsi[0] < p.rsi_max and i.macd.hist[0] > i.macd.hist[1] and i.adx.adx[0] < p.adx_max
  s.run = filter and score >= p.confirm and (s.run or 0) + 1 or 0
  s.resting = math.max(0, (s.resting or 0) - 1)
  if s.run < p.bars or s.resting > 0 or ctx:pending() or ladder_cost(p) > ctx.acct.free then return end
  local n = math.floor(p.orders*math.min(1, score/0.8) + 0.5)
  ctx:log("info", string.format("%s, %d orders", why, n))
  ctx:ladder{n=n, step=p.step, base=p.base, vol_k=p.scale, tp=p.take, sl=p.stop, tag="ladder"}
  s.run = 0
end

function on_fill(ctx, f)
  if (f.tag == "sl" or f.tag == "gave up" or f.tag == "no exit") and f.complete then ctx.state.resting = ctx.p.rest end
end

-- Smart DCA: a dip is bought in steps only if the odds say that it recovers.
--
-- Idea      Three stages, as in a scoring pipeline:
--             1  tech filter   RSI low, MACD turning, ADX not screaming,
--             2  fork score    recovery_score(): 0 … 1 from how stretched, how volatile and how broken the trend is,
--             3  confirmation  the score must stay above `confirm` for `bars` bars.
--           Then a ladder: base order, safety orders, one take-profit; the worse the score when it began, the fewer orders.
-- Works     in markets that revert after a fall. Fails in the fall that does not end: the score sinks and the ladder is left
--           when it drops below `give_up`, at the stop at the latest.
-- The score is a declared pure function: what it says can be recomputed from the numbers that are logged with it.
local function recovery_score(rsi, z, natr, adx, trend_gap)
  local stretched = math.max(0, math.min(1, (45 - rsi)/30))           -- 0 at RSI 45, 1 at 15
  local deep = math.max(0, math.min(1, -z/3))                          -- 0 at the mean, 1 three deviations below
  local calm = 1 - math.max(0, math.min(1, (natr - 0.5)/4))            -- 1 below 0.5 %, 0 at 4.5 %
  local ranging = 1 - math.max(0, math.min(1, (adx - 15)/35))          -- 1 at ADX 15, 0 at 50
  local intact = 1 - math.max(0, math.min(1, -trend_gap/15))           -- 0 when 15 % below the long average
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
    confirm = num{0.5, min=0, max=1, label="Score above", group="Score", opt=true},
    bars    = int{2, min=1, max=50, label="For so many bars", group="Score", opt=true},
    give_up = num{0.2, min=0, max=1, label="Leave when the score falls below", group="Score"},
    base    = money{200, min=1, max=1000000, label="Base order", group="Ladder"},
    orders  = int{4, min=0, max=20, label="Safety orders", group="Ladder", opt=true},
    step    = pct{1.2, min=0.1, max=20, label="First distance", group="Ladder", opt=true},
    scale   = num{1.5, min=1, max=3, label="Each further order times", group="Ladder"},
    take    = pct{1.5, min=0.1, max=50, label="Take-profit above average", group="Exit", opt=true},
    stop    = pct{10, min=1, max=90, label="Stop below average", group="Exit"} },
  check=function(p) return p.give_up < p.confirm, "give_up must be below confirm" end,
  risk={ max_notional=ladder_cost },
  ind={ rsi={"rsi",14}, macd={"macd",12,26,9}, adx={"adx",14}, z={"zscore",50}, natr={"natr",14}, trend={"sma",200} } }

function on_bar(ctx, bar)
  local i, p, s = ctx.ind, ctx.p, ctx.state
  local gap = 100*(bar.close/i.trend[0] - 1)
  local score = recovery_score(i.rsi[0], i.z[0], i.natr[0], i.adx.adx[0], gap)
  ctx:plot("score", score)
  if not ctx.pos.flat then
    if score < p.give_up and ctx.pos.upnl < 0 and not ctx:pending("gave up") then
      ctx:cancel_all()
      ctx:close{tag="gave up"}
    end
    return
  end
  local filter = i.rsi[0] < p.rsi_max and i.macd.hist[0] > i.macd.hist[1] and i.adx.adx[0] < p.adx_max
  s.run = filter and score >= p.confirm and (s.run or 0) + 1 or 0
  if s.run < p.bars or ctx:pending() or ladder_cost(p) > ctx.acct.free then return end
  s.run = 0
  local n = math.floor(p.orders*math.min(1, score/0.8) + 0.5)
  ctx:log("info", string.format("score %.3f: rsi %.1f z %.2f natr %.2f adx %.1f gap %.2f, %d orders", score, i.rsi[0], i.z[0],
                                i.natr[0], i.adx.adx[0], gap, n))
  ctx:ladder{n=n, step=p.step, base=p.base, vol_k=p.scale, tp=p.take, sl=p.stop, tag="ladder"}
end

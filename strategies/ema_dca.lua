-- EMA DCA: a martingale ladder that starts only with the trend and stops adding when the market runs wild.
--
-- Idea      Flat, price above its EMA and volatility normal: open a base order and let the engine keep `orders` safety orders
--           below it (each further away and larger), with one take-profit for all of it at `take` percent above the average.
-- Works     in markets that swing around a rising trend: most ladders end with a small profit.
-- Fails     in a crash: safety orders fill and the position waits below its average. Many small profits, a few large losses.
-- Guards    Volatility is ATR(14) over its own average of the last 200 bars, so the same numbers serve one minute and one day:
--             - no ladder is begun above `calm`; above `wild` the safety orders that still wait are withdrawn for good,
--             - a ladder is begun only when the free funds cover all of it,
--             - `stop` percent below the average everything is sold (0: never), and `rest` bars pass before the next ladder.
-- Exposure  risk.max_notional: what base and safety orders can buy, with room for the base order, which fills at the market.
-- Long only; a short twin needs a venue that lends.
local function ladder_cost(p)
  local total, order = p.base, p.base
  for _ = 1, p.orders do
    order = order*p.scale
    total = total + order
  end
  return total
end

local function lowest_rung(p)  -- percent below the base order
  local distance, step = 0, p.step
  for _ = 1, p.orders do
    distance = distance + step
    step = step*p.spread
  end
  return distance
end

strategy{ name="EMA DCA", api=1,
  about="Safety-order ladder with a trend filter, a volatility guard and a bounded exposure.",
  params={
    base   = money{200, min=1, max=1000000, label="Base order", group="Ladder"},
    orders = int{5, min=0, max=20, label="Safety orders", group="Ladder", opt=true},
    step   = pct{1.5, min=0.05, max=20, label="First distance", group="Ladder", opt=true},
    spread = num{1.3, min=1, max=3, label="Each further step times", group="Ladder", opt=true},
    scale  = num{1.4, min=1, max=3, label="Each further order times", group="Ladder", opt=true},
    take   = pct{1.2, min=0.05, max=50, label="Take-profit above average", group="Exit", opt=true},
    stop   = pct{8, min=0, max=90, label="Stop below average, 0: none", group="Exit", opt=true},
    rest   = int{60, min=0, max=10000, label="Bars to rest after a stop", group="Exit"},
    trend  = int{200, min=5, max=1000, label="EMA", group="Guard", opt=true},
    calm   = num{1.3, min=0.1, max=10, label="Highest volatility for an entry", group="Guard", opt=true},
    wild   = num{2.5, min=0.1, max=100, label="Volatility that ends adding", group="Guard", opt=true} },
  check=function(p)
    if p.stop > 0 and p.take >= p.stop then return false, "take must be below stop" end
    if p.calm > p.wild then return false, "calm must not be above wild" end
    local depth = lowest_rung(p)
    return depth < 95, string.format("the last safety order would stand %.0f %% below the base: fewer or nearer ones", depth)
  end,
  risk={ max_notional=function(p) return ladder_cost(p) + 0.05*p.base end },
  ind={ ema={"ema","trend"}, atr={"atr",14}, usual={"atr",200} } }

-- A position without its take-profit is no ladder any more: a safety order that filled in the same bar as the stop, or exits
-- that somebody cancelled. It is closed, and so is what belongs to it.
local function leave(ctx)
  if ctx:pending("no exit") then return end
  ctx:cancel_all()
  ctx:close{tag="no exit"}
end

function on_bar(ctx, bar)
  local p, s, i = ctx.p, ctx.state, ctx.ind
  local volatility = i.usual[0] > 0 and i.atr[0]/i.usual[0] or 1
  ctx:plot("ema", i.ema[0])
  if not ctx.pos.flat then
    ctx:plot("average", ctx.pos.avg)
    if not ctx:pending("tp") then return leave(ctx) end
    if volatility > p.wild and ctx:cancel_all("ladder") > 0 then ctx:mark("wild: no more safety orders") end
    return
  end
  s.resting = math.max(0, (s.resting or 0) - 1)
  if s.resting > 0 or ctx:pending() then return end
  if bar.close <= i.ema[0] or volatility > p.calm then return end
  if ladder_cost(p) > ctx.acct.free then return end  -- a ladder that cannot be completed is not begun
  ctx:ladder{n=p.orders, step=p.step, step_k=p.spread, base=p.base, vol_k=p.scale, tp=p.take, sl=p.stop > 0 and p.stop,
             tag="ladder"}
end

function on_fill(ctx, f)
  if f.tag == "sl" and f.complete then
    ctx.state.resting = ctx.p.rest
    ctx:log("warn", "stopped out at", f.price)
  end
end

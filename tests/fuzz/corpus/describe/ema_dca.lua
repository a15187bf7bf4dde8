-- EMA DCA: a martingale ladder that only starts with the trend and stops adding when the market runs wild.
--
-- Idea      Flat, price above its EMA and volatility normal: open a base order and let the engine keep `orders` safety orders
--           below it (each further away and larger), with one take-profit for all of it at `take` percent above the average.
-- Works     in markets that swing around a rising trend: most ladders end with a small profit.
-- Fails     in a crash: all safety orders fill and the position waits below its average. Hence the guards:
--             - entry only above the EMA and while NATR is below `calm`,
--             - the whole ladder never costs more than risk.max_notional says (base and all safety orders),
--             - `stop` percent below the average everything is sold, and `rest` bars pass before the next ladder.
-- Long only; a short twin needs a venue that lends.
local function ladder_cost(p)
  local total, order = p.base, p.base
  for _ = 1, p.orders do
    order = order*p.scale
    total = total + order
  end
  return total
end

strategy{ name="EMA DCA", api=1,
  about="Safety-order ladder with a trend filter, a volatility guard and a bounded exposure.",
  params={
    base   = money{200, min=1, max=1000000, label="Base order", group="Ladder"},
    orders = int{5, min=0, max=20, label="Safety orders", group="Ladder", opt=true},
    step   = pct{1.5, min=0.1, max=20, label="First distance", group="Ladder", opt=true},
    spread = num{1.3, min=1, max=3, label="Each further step times", group="Ladder", opt=true},
    scale  = num{1.4, min=1, max=3, label="Each further order times", group="Ladder", opt=true},
    take   = pct{1.2, min=0.1, max=50, label="Take-profit above average", group="Exit", opt=true},
    stop   = pct{12, min=1, max=90, label="Stop below average", group="Exit", opt=true},
    trend  = int{200, min=5, max=1000, label="EMA", group="Guard", opt=true},
    calm   = pct{2.5, min=0.05, max=50, label="Highest NATR for an entry", group="Guard"},
    rest   = int{60, min=0, max=10000, label="Bars to rest after a stop", group="Guard"} },
  check=function(p) return p.take < p.stop, "take must be below stop" end,
  risk={ max_notional=ladder_cost },
  ind={ ema={"ema","trend"}, natr={"natr",14} } }

function on_bar(ctx, bar)
  local p, s = ctx.p, ctx.state
  ctx:plot("ema", ctx.ind.ema[0])
  s.resting = math.max(0, (s.resting or 0) - 1)
  if not ctx.pos.flat or ctx:pending() or s.resting > 0 then return end
  if bar.close <= ctx.ind.ema[0] or ctx.ind.natr[0] > p.calm then return end
  if ladder_cost(p) > ctx.acct.free then return end  -- a ladder that cannot be completed is not begun
  ctx:ladder{n=p.orders, step=p.step, step_k=p.spread, base=p.base, vol_k=p.scale, tp=p.take, sl=p.stop, tag="ladder"}
end

function on_fill(ctx, f)
  if f.tag == "sl" and f.complete then
    ctx.state.resting = ctx.p.rest
    ctx:log("warn", "stopped out at", f.price)
  elseif f.tag == "ladder" then
    ctx:plot("average", ctx.pos.avg)
  end
end

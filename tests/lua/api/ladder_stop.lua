-- A bar that falls through the stop and the rungs below it: the stop takes the rungs away before the price gets there.
-- bars: 100,100,100,100 100,100,99.5,100 100,100,85,86 86,86,80,80 80,110,80,110
-- fill: 2 buy 1 100 dca
-- fill: 3 sell 1 96 sl
-- expect: left 0 flat true
strategy{ name="ladder stop", api=1 }
local n = 0
function on_bar(ctx, bar)
  n = n + 1
  if n == 1 then assert(ctx:ladder{n=2, step=5, base=100, tp=1, sl=4, tag="dca"}) end
  if n == 5 then ctx:log("left", #ctx:orders(), "flat", ctx.pos.flat) end
end
